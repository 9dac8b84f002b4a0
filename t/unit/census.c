/* SPDX-License-Identifier: Apache-2.0 */
/* census, accesslog/arrivals: who asked how often, and in which order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "accesslog/arrivals.h"
#include "census/spread.h"
#include "support.h"

static void things_are_numbered_as_they_come(void **state)
{
    rl_index_t index = {.n = 0};
    uint64_t seed = 1;
    rl_digest_t names[5000];
    bool fresh;
    (void)state;
    for (uint32_t i = 0; i < 5000; i++) {
        names[i] = random_digest(&seed);
        assert_int_equal(rl_index_of(&index, &names[i], &fresh), i);
        assert_true(fresh);
    }
    for (uint32_t i = 0; i < 5000; i++) {
        assert_int_equal(rl_index_of(&index, &names[i], &fresh), i);
        assert_false(fresh);
    }
    rl_index_free(&index);
}

static void addresses_have_names_of_their_own(void **state)
{
    static const char *const texts[] = {"0.0.0.1", "1.0.0.0", "::1", "::2", "1::", "0:0:0:1::"};
    (void)state;
    for (int i = 0; i < 6; i++) {
        for (int j = 0; j < i; j++) {
            rl_address_t a, b;
            rl_digest_t x, y;
            assert_true(rl_address_parse(texts[i], &a) && rl_address_parse(texts[j], &b));
            x = rl_address_name(&a);
            y = rl_address_name(&b);
            assert_true(memcmp(&x, &y, sizeof(x)) != 0);
        }
    }
}

/* One client sends a hundred requests in a window, ninety-nine send one. */
static void a_limit_is_proposed_that_spares_the_many(void **state)
{
    rl_spread_t spread = {.requests = 0};
    (void)state;
    for (uint32_t i = 1; i <= 100; i++) {
        rl_spread_add(&spread, 7, i);
    }
    for (uint32_t client = 100; client < 199; client++) {
        rl_spread_add(&spread, client, 1);
    }
    assert_int_equal(rl_spread_clients(&spread), 100);
    assert_int_equal(rl_spread_smallest_count(&spread, 1), 1);
    assert_int_equal(rl_spread_smallest_count(&spread, 0), 100);
    assert_int_equal(rl_spread_smallest_count(&spread, 100), 0);
    assert_int_equal(rl_spread_clients_denied(&spread, 1), 1);
    assert_int_equal(rl_spread_denied(&spread, 1), 99);
    assert_int_equal(rl_spread_denied(&spread, 100), 0);
    assert_int_equal(rl_spread_denied(&spread, 0), 199);
    free(spread.positions.items);
    free(spread.peaks.items);
}

/* ---- arrivals ---- */

static char told[4096];

static void tell(void *context, const char *text, size_t len)
{
    const size_t n = strlen(told);
    (void)context;
    snprintf(told + n, sizeof(told) - n, "%.*s ", (int)len, text);
}

static void add(rl_arrivals_t *arrivals, int64_t seconds, const char *text)
{
    rl_arrivals_add(arrivals, seconds * 1000000, text, strlen(text));
}

static void lines_are_put_in_order(void **state)
{
    rl_arrivals_t *arrivals = rl_arrivals_make(tell, NULL);
    (void)state;
    told[0] = '\0';
    add(arrivals, 1000, "b");
    add(arrivals, 1000, "c");
    rl_arrivals_add(arrivals, 999999999, "a", 1);
    rl_arrivals_add(arrivals, 1000500000, "e", 1);
    rl_arrivals_add(arrivals, 1000400000, "d", 1);
    add(arrivals, 1119, "f");
    assert_string_equal(told, "a ");
    add(arrivals, 1119, "g");
    add(arrivals, 1000, "d");
    add(arrivals, 900, "late");
    assert_string_equal(told, "a late ");
    add(arrivals, 500000, "h");
    assert_string_equal(told, "a late b c d d e f g ");
    add(arrivals, 400000, "i");
    assert_int_equal(rl_arrivals_finish(arrivals), 2);
    assert_string_equal(told, "a late b c d d e f g i h ");
}

static void no_lines_are_no_work(void **state)
{
    (void)state;
    assert_int_equal(rl_arrivals_finish(rl_arrivals_make(tell, NULL)), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(things_are_numbered_as_they_come),
        cmocka_unit_test(addresses_have_names_of_their_own),
        cmocka_unit_test(a_limit_is_proposed_that_spares_the_many),
        cmocka_unit_test(lines_are_put_in_order),
        cmocka_unit_test(no_lines_are_no_work),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
