/* SPDX-License-Identifier: Apache-2.0 */
/* ledger/file: what a head must be, and what becomes of a file. t/108-counters-outlive.t has
 * the rest, through httpd. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <apr_general.h>

#include "ledger/file/file.h"
#include "ledger/file/head.h"
#include "support.h"

#define SIZE (64u * 1024)

static const rl_table_wish_t wish = {.size = SIZE, .tenants = 12, .secret_mark = 7};
static char folder[] = "/tmp/rl-table-XXXXXX";
static char path[64], aside[80];

static int begin(void **state)
{
    (void)state;
    apr_initialize();
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    snprintf(path, sizeof(path), "%s/table", folder);
    snprintf(aside, sizeof(aside), "%s.aside", path);
    return 0;
}

static int end(void **state)
{
    (void)state;
    unlink(path);
    unlink(aside);
    rmdir(folder);
    apr_terminate();
    return 0;
}

/* ---- heads ---- */

static rl_file_head_t good_head(void)
{
    rl_file_head_t head;
    rl_file_head_make(&head, &wish);
    memset(head.secret, 's', sizeof(head.secret));
    rl_file_head_seal(&head);
    return head;
}

static const char *unfit(const rl_file_head_t *head)
{
    return rl_file_head_unfit(head, &wish, rl_file_bytes(SIZE));
}

static void a_head_fits_what_it_was_made_for(void **state)
{
    const rl_file_head_t head = good_head();
    rl_table_wish_t other = wish;
    (void)state;
    assert_null(unfit(&head));
    assert_non_null(rl_file_head_unfit(&head, &wish, rl_file_bytes(SIZE) - 1));
    assert_non_null(rl_file_head_unfit(&head, &wish, rl_file_bytes(SIZE) + 1));
    other.size++;
    assert_non_null(rl_file_head_unfit(&head, &other, rl_file_bytes(SIZE)));
    other = wish;
    other.tenants++;
    assert_non_null(rl_file_head_unfit(&head, &other, rl_file_bytes(SIZE)));
    other = wish;
    other.secret_mark = 0;
    assert_non_null(rl_file_head_unfit(&head, &other, rl_file_bytes(SIZE)));
}

static void every_bit_of_a_head_counts(void **state)
{
    (void)state;
    for (size_t bit = 0; bit < 8 * sizeof(rl_file_head_t); bit++) {
        rl_file_head_t head = good_head();
        ((unsigned char *)&head)[bit / 8] ^= (unsigned char)(1u << bit % 8);
        assert_non_null(unfit(&head));
    }
}

static void a_sealed_head_of_another_kind_does_not_fit(void **state)
{
    rl_file_head_t head = good_head();
    (void)state;
    head.layout++;
    rl_file_head_seal(&head);
    assert_string_equal(unfit(&head), "it is of another version of mod_ratelimit_cache");
    head = good_head();
    head.pointer_bytes = 4 + 8 - head.pointer_bytes;
    rl_file_head_seal(&head);
    assert_string_equal(unfit(&head), "it was made on another kind of processor");
}

/* ---- files ---- */

static void close_file(rl_table_file_t *file)
{
    munmap(file->state, RL_FILE_STATE_BYTES + SIZE);
    rl_table_file_child(file);
}

static rl_table_file_t open_file(rl_table_finding_t *finding)
{
    rl_table_file_t file;
    assert_int_equal(rl_table_file_open(&file, path, &wish, finding), APR_SUCCESS);
    return file;
}

static void a_table_goes_on_with_its_secret(void **state)
{
    rl_table_finding_t finding;
    unsigned char secret[RL_FILE_SECRET_BYTES];
    struct stat status;
    rl_table_file_t file;
    (void)state;
    unlink(path);
    file = open_file(&finding);
    assert_false(finding.kept);
    assert_null(finding.aside);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_int_equal(status.st_size, rl_file_bytes(SIZE));
    memcpy(secret, file.head.secret, sizeof(secret));
    ((char *)file.state)[RL_FILE_STATE_BYTES + SIZE - 1] = 'x';
    close_file(&file);
    file = open_file(&finding);
    assert_true(finding.kept);
    assert_false(finding.stopped);
    assert_int_equal(finding.last_second, status.st_mtime);
    assert_memory_equal(file.head.secret, secret, sizeof(secret));
    assert_int_equal(((char *)file.state)[RL_FILE_STATE_BYTES + SIZE - 1], 'x');
    assert_int_equal(rl_table_file_stop(&file), APR_SUCCESS);
    close_file(&file);
    file = open_file(&finding);
    assert_true(finding.stopped);
    close_file(&file);
}

static void a_mark_that_has_changed_is_that_of_the_file(void **state)
{
    rl_table_wish_t other = wish;
    rl_table_finding_t finding;
    rl_table_file_t file;
    (void)state;
    unlink(path);
    file = open_file(&finding);
    assert_int_equal(rl_table_file_set_secret_mark(&file, 8), APR_SUCCESS);
    close_file(&file);
    other.secret_mark = 8;
    assert_int_equal(rl_table_file_open(&file, path, &other, &finding), APR_SUCCESS);
    assert_true(finding.kept);
    close_file(&file);
    file = open_file(&finding);
    assert_false(finding.kept);
    assert_non_null(finding.aside);
    assert_int_equal(access(aside, F_OK), 0);
    close_file(&file);
}

/* A child that was forked off lives on when its parent is gone: it doesn't keep the file. */
static void the_lock_is_the_parents(void **state)
{
    rl_table_finding_t finding;
    rl_table_file_t file;
    int told[2], alive[2];
    char byte;
    pid_t parent;
    (void)state;
    unlink(path);
    assert_int_equal(pipe(told), 0);
    assert_int_equal(pipe(alive), 0);
    parent = fork();
    if (parent == 0) {
        bool good = rl_table_file_open(&file, path, &wish, &finding) == APR_SUCCESS;
        close(alive[1]);
        fork();
        if (write(told[1], good ? "y" : "n", 1) == 1) {
            good = read(alive[0], &byte, 1) == 1; /* until this test ends */
        }
        _exit(good);
    }
    assert_int_equal(read(told[0], &byte, 1), 1);
    assert_int_equal(byte, 'y');
    assert_int_equal(rl_table_file_open(&file, path, &wish, &finding), EAGAIN);
    assert_string_equal(finding.failed, "is in use by another server");
    kill(parent, SIGKILL);
    waitpid(parent, NULL, 0);
    file = open_file(&finding);
    assert_true(finding.kept);
    close_file(&file);
    close(alive[1]);
}

static void a_place_that_is_not_there_is_an_error(void **state)
{
    rl_table_finding_t finding;
    rl_table_file_t file;
    (void)state;
    assert_int_equal(rl_table_file_open(&file, "/nowhere/table", &wish, &finding), ENOENT);
    assert_string_equal(finding.failed, "can't be made");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_head_fits_what_it_was_made_for),
        cmocka_unit_test(every_bit_of_a_head_counts),
        cmocka_unit_test(a_sealed_head_of_another_kind_does_not_fit),
        cmocka_unit_test(a_table_goes_on_with_its_secret),
        cmocka_unit_test(a_mark_that_has_changed_is_that_of_the_file),
        cmocka_unit_test(the_lock_is_the_parents),
        cmocka_unit_test(a_place_that_is_not_there_is_an_error),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, begin, end);
}
