/* SPDX-License-Identifier: Apache-2.0 */
#include "tester/feed.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include "error.h"

#define CHUNK (1 << 18)
#define BAR   40 /* characters */

/* How far the reading is. */
typedef struct rlctl_progress {
    bool shown;
    off_t total, before; /* bytes of all files; of those that are done */
    time_t last;
} rlctl_progress_t;

static void progress_begin(rlctl_progress_t *progress, int n, char *const files[])
{
    struct stat status;
    *progress = (rlctl_progress_t){.shown = isatty(STDERR_FILENO) == 1};
    for (int i = 0; i < n; i++) {
        if (strcmp(files[i], "-") == 0 || stat(files[i], &status) != 0 ||
            !S_ISREG(status.st_mode)) {
            progress->shown = false;
            return;
        }
        progress->total += status.st_size;
    }
}

static void progress_show(rlctl_progress_t *progress, gzFile file)
{
    const time_t now = time(NULL);
    if (progress->shown && now != progress->last && progress->total > 0) {
        const off_t done = progress->before + gzoffset(file);
        const int filled = (int)(done * BAR / progress->total);
        fprintf(stderr, "\r[%.*s%*s] %3d %%", filled,
                "########################################", BAR - filled, "",
                (int)(done * 100 / progress->total));
        progress->last = now;
    }
}

static void progress_end(const rlctl_progress_t *progress)
{
    if (progress->shown && progress->last != 0) {
        fprintf(stderr, "\r%*s\r", BAR + 10, "");
    }
}

/* Returns false if nobody reads any more. */
static bool write_all(int to, const char *bytes, size_t n)
{
    while (n > 0) {
        const ssize_t written = write(to, bytes, n);
        if (written < 0 && errno != EINTR) {
            return false;
        }
        if (written > 0) {
            bytes += written;
            n -= (size_t)written;
        }
    }
    return true;
}

/* Sets *open to false if nobody reads any more. Returns false if the file can't be read. */
static bool feed_file(rlctl_progress_t *progress, int to, const char *name, bool *open)
{
    static char chunk[CHUNK];
    gzFile file = strcmp(name, "-") == 0 ? gzdopen(dup(STDIN_FILENO), "r") : gzopen(name, "r");
    int n = 0, error = Z_OK;
    if (file == NULL) {
        rlctl_error("%s: %s", name, strerror(errno));
        return false;
    }
    gzbuffer(file, CHUNK);
    while (*open && (n = gzread(file, chunk, CHUNK)) > 0) {
        *open = write_all(to, chunk, (size_t)n);
        progress_show(progress, file);
    }
    if (n < 0 || (gzerror(file, &error), error < 0)) {
        rlctl_error("%s: %s", name, gzerror(file, &error));
        gzclose(file);
        return false;
    }
    progress->before += gzoffset(file);
    gzclose(file);
    /* A file that doesn't end with a line's end would run into the next one. */
    *open = *open && write_all(to, "\n", 1);
    return true;
}

bool rlctl_feed(int to, int n, char *const files[])
{
    rlctl_progress_t progress;
    bool open = true, read_well = true;
    signal(SIGPIPE, SIG_IGN);
    progress_begin(&progress, n, files);
    for (int i = 0; i < n && open; i++) {
        read_well = feed_file(&progress, to, files[i], &open) && read_well;
    }
    progress_end(&progress);
    return read_well;
}
