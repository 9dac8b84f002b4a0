/* SPDX-License-Identifier: Apache-2.0 */
/* system/large_pages: memory that children share, whatever pages the system gives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "system/large_pages.h"

#define MEGABYTE ((size_t)1 << 20)

static void it_says_what_pages_there_are(void **state)
{
    rl_pages_t pages;
    void *memory = rl_large_pages_map(8 * MEGABYTE, &pages);
    (void)state;
    if (pages.why == NULL) {
        assert_non_null(memory);
        assert_true(pages.kb > (unsigned)(sysconf(_SC_PAGESIZE) / 1024));
    }
    else {
        assert_int_equal(pages.kb, sysconf(_SC_PAGESIZE) / 1024);
        assert_true(strlen(pages.why) > 0);
    }
    if (memory != NULL) {
        munmap(memory, 8 * MEGABYTE);
    }
}

/* Also the last byte of a size that is no multiple of any page. */
static void children_share_it(void **state)
{
    const size_t size = 5 * MEGABYTE + 4096 + 64;
    rl_pages_t pages;
    unsigned char *memory = rl_large_pages_map(size, &pages);
    int status;
    pid_t child;
    (void)state;
    if (memory == NULL) {
        skip(); /* this system's large pages are larger, or it has none */
    }
    for (size_t i = 0; i < size; i += 64) {
        assert_int_equal(memory[i], 0);
    }
    child = fork();
    if (child == 0) {
        memset(memory, 7, size);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(memory[0], 7);
    assert_int_equal(memory[size - 1], 7);
    munmap(memory, size);
}

static void small_memory_has_no_large_pages(void **state)
{
    rl_pages_t pages;
    (void)state;
    assert_null(rl_large_pages_map(64 * 1024, &pages));
    assert_non_null(pages.why);
    assert_int_equal(pages.kb, sysconf(_SC_PAGESIZE) / 1024);
}

static void what_can_not_be_had_is_no_memory(void **state)
{
    rl_pages_t pages;
    (void)state;
    assert_null(rl_large_pages_map(SIZE_MAX / 4, &pages));
    assert_non_null(pages.why);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_says_what_pages_there_are),
        cmocka_unit_test(children_share_it),
        cmocka_unit_test(small_memory_has_no_large_pages),
        cmocka_unit_test(what_can_not_be_had_is_no_memory),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
