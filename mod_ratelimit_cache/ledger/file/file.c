/* SPDX-License-Identifier: Apache-2.0 */
/* Opening goes in a circle: look at what is there; if it doesn't fit, set it aside and look
 * again; if nothing is there, make an empty file. An empty file is locked, and filled. So
 * whatever other processes do meanwhile, a file is only believed after it was locked and then
 * found to be still the one that has the name. */
#include "file.h"

#include <apr_general.h>
#include <apr_time.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define OPEN_TRIES 10
#define LOCK_TRIES 100
#define LOCK_PAUSE 20000 /* microseconds */

#define UNUSED_MAX_SEC (INT64_C(365) * 86400)

#define OWNER_ONLY (S_IRUSR | S_IWUSR)

/* What a step says of the way on. */
typedef enum { DONE, AGAIN, FAILED } rl_step_on_e;

typedef struct rl_opening {
    rl_table_file_t *file;
    const rl_table_wish_t *wish;
    rl_table_finding_t *finding;
    struct stat status; /* of what has the name */
    apr_status_t error;
} rl_opening_t;

static rl_step_on_e fail(rl_opening_t *opening, const char *what)
{
    opening->error = errno != 0 ? errno : APR_EGENERAL;
    opening->finding->failed = what;
    return FAILED;
}

static void close_fd(rl_table_file_t *file)
{
    if (file->fd >= 0) {
        close(file->fd);
    }
    file->fd = -1;
}

/* ---- the name ---- */

/* Renames what has the file's name, for a reason. */
static rl_step_on_e set_aside(rl_opening_t *opening, const char *reason)
{
    char name[PATH_MAX];
    const int len = snprintf(name, sizeof(name), "%s.aside", opening->file->path);
    close_fd(opening->file);
    errno = ENAMETOOLONG;
    if (len < 0 || (size_t)len >= sizeof(name) || rename(opening->file->path, name) != 0) {
        return fail(opening, "can't be renamed to its name with .aside");
    }
    opening->finding->aside = reason;
    return AGAIN;
}

static rl_step_on_e make_empty(rl_opening_t *opening)
{
    const int fd = open(opening->file->path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                        OWNER_ONLY);
    if (fd < 0) {
        return errno == EEXIST ? AGAIN : fail(opening, "can't be made");
    }
    fchmod(fd, OWNER_ONLY); /* whatever the umask */
    close(fd);
    return AGAIN;
}

static bool has_the_name(const rl_opening_t *opening)
{
    struct stat named;
    const struct stat *opened = &opening->status;
    return lstat(opening->file->path, &named) == 0 && named.st_dev == opened->st_dev &&
           named.st_ino == opened->st_ino;
}

/* Takes the lock, which is this process's alone: its children don't inherit it, and it ends
 * with the process, however that ends. Waits a moment, because the last server may be about to
 * end. */
static bool lock_in_time(int fd)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    for (int i = 0; i < LOCK_TRIES; i++) {
        if (fcntl(fd, F_SETLK, &whole) == 0) {
            return true;
        }
        if (errno != EACCES && errno != EAGAIN && errno != EINTR) {
            return false;
        }
        apr_sleep(LOCK_PAUSE);
    }
    errno = EAGAIN;
    return false;
}

/* Opens and locks the regular file that has the name. */
static rl_step_on_e open_and_lock(rl_opening_t *opening)
{
    rl_table_file_t *file = opening->file;
    file->fd = open(file->path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (file->fd < 0) {
        return fail(opening, "can't be opened");
    }
    if (!lock_in_time(file->fd)) {
        return fail(opening,
                    errno == EAGAIN ? "is in use by another server" : "can't be locked");
    }
    if (fstat(file->fd, &opening->status) != 0) {
        return fail(opening, "can't be looked at");
    }
    if (!has_the_name(opening)) {
        close_fd(file);
        return AGAIN;
    }
    return DONE;
}

/* ---- what is in it ---- */

/* Returns why somebody else may have had to do with the file, or NULL. Such a file isn't locked
 * first: others could keep the lock. */
static const char *untrusted(const struct stat *status)
{
    if (!S_ISREG(status->st_mode)) {
        return S_ISLNK(status->st_mode) ? "it is a symbolic link" : "it is no regular file";
    }
    if (status->st_uid != geteuid()) {
        return "it belongs to another user";
    }
    if ((status->st_mode & 07777) != OWNER_ONLY) {
        return "its mode isn't 0600";
    }
    return status->st_nlink != 1 ? "it has another name, too (a hard link)" : NULL;
}

/* Returns true if the file has not been written to for so long that expiries of cells, which
 * are kept modulo two years (ledger/life.h), no longer tell what has expired. */
static bool is_outdated(const struct stat *status)
{
    return time(NULL) - status->st_mtime > UNUSED_MAX_SEC;
}

static const char *unfit(const rl_opening_t *opening)
{
    rl_file_head_t *head = &opening->file->head;
    const struct stat *status = &opening->status;
    const char *reason = untrusted(status);
    if (reason != NULL || status->st_size == 0) {
        return reason;
    }
    if (pread(opening->file->fd, head, sizeof(*head), 0) != (ssize_t)sizeof(*head)) {
        return "it has no head";
    }
    reason = rl_file_head_unfit(head, opening->wish, (uint64_t)status->st_size);
    return reason == NULL && is_outdated(status) ? "nobody has used it for a year" : reason;
}

/* Writes the head whole, so that a process that is killed leaves the old one or the new one. */
static apr_status_t write_head(rl_table_file_t *file)
{
    ssize_t n;
    rl_file_head_seal(&file->head);
    do {
        n = pwrite(file->fd, &file->head, sizeof(file->head), 0);
    } while (n < 0 && errno == EINTR);
    if (n == (ssize_t)sizeof(file->head)) {
        return APR_SUCCESS;
    }
    return n < 0 ? errno : ENOSPC;
}

/* Reserves all blocks of the file, so that no write to a mapped page can fail for lack of room:
 * that would be a SIGBUS in a child. Over a limit on the size of files the system sends a
 * signal, which would end httpd without a word. */
static int reserve(int fd, uint64_t bytes)
{
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    struct sigaction before;
    int error;
    sigaction(SIGXFSZ, &ignore, &before);
    do {
        error = posix_fallocate(fd, 0, (off_t)bytes);
    } while (error == EINTR);
    sigaction(SIGXFSZ, &before, NULL);
    return error;
}

/* Makes a new table in the empty file; if that fails, removes it. */
static rl_step_on_e fill_file(rl_opening_t *opening)
{
    rl_table_file_t *file = opening->file;
    const char *what = "has no room for the table";
    rl_file_head_make(&file->head, opening->wish);
    errno = reserve(file->fd, rl_file_bytes(opening->wish->size));
    if (errno == 0) {
        what = "can't have a secret";
        errno = apr_generate_random_bytes(file->head.secret, sizeof(file->head.secret));
    }
    if (errno == 0) {
        return DONE;
    }
    fail(opening, what);
    unlink(file->path);
    return FAILED;
}

/* Takes over the table that is there. A copy of a file may have holes. */
static rl_step_on_e take_over_file(rl_opening_t *opening)
{
    rl_table_finding_t *finding = opening->finding;
    errno = reserve(opening->file->fd, rl_file_bytes(opening->wish->size));
    if (errno != 0) {
        return fail(opening, "has no room for the table");
    }
    finding->kept = true;
    finding->stopped = opening->file->head.stopped == 1;
    finding->last_second = opening->status.st_mtime;
    return DONE;
}

/* ---- opening ---- */

static rl_step_on_e look(rl_opening_t *opening)
{
    rl_step_on_e on;
    const char *reason;
    if (lstat(opening->file->path, &opening->status) != 0) {
        return errno == ENOENT ? make_empty(opening) : fail(opening, "can't be looked at");
    }
    reason = untrusted(&opening->status);
    if (reason != NULL) {
        return set_aside(opening, reason);
    }
    on = open_and_lock(opening);
    if (on != DONE) {
        return on;
    }
    reason = unfit(opening);
    if (reason != NULL) {
        return set_aside(opening, reason);
    }
    return opening->status.st_size == 0 ? fill_file(opening) : take_over_file(opening);
}

static rl_step_on_e map_file(rl_opening_t *opening)
{
    rl_table_file_t *file = opening->file;
    const size_t bytes = RL_FILE_STATE_BYTES + (size_t)opening->wish->size;
    void *memory =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file->fd, RL_FILE_HEAD_BYTES);
    if (memory == MAP_FAILED) {
        return fail(opening, "can't be mapped");
    }
    file->state = memory;
    file->head.stopped = 0;
    errno = write_head(file);
    if (errno != 0) {
        munmap(memory, bytes);
        return fail(opening, "can't be written to");
    }
    return DONE;
}

apr_status_t rl_table_file_open(rl_table_file_t *file, const char *path,
                                const rl_table_wish_t *wish, rl_table_finding_t *finding)
{
    rl_opening_t opening = {.file = file, .wish = wish, .finding = finding, .error = EAGAIN};
    rl_step_on_e on = AGAIN;
    *file = (rl_table_file_t){.path = path, .fd = -1};
    *finding = (rl_table_finding_t){.failed = "is changed all the time by somebody else"};
    for (int i = 0; i < OPEN_TRIES && on == AGAIN; i++) {
        on = look(&opening);
    }
    if (on == DONE && map_file(&opening) == DONE) {
        return APR_SUCCESS;
    }
    close_fd(file);
    return opening.error;
}

apr_status_t rl_table_file_set_secret_mark(rl_table_file_t *file, uint64_t secret_mark)
{
    file->head.secret_mark = secret_mark;
    return write_head(file);
}

apr_status_t rl_table_file_stop(rl_table_file_t *file)
{
    file->head.stopped = 1;
    return write_head(file);
}

void rl_table_file_child(rl_table_file_t *file)
{
    close_fd(file);
}
