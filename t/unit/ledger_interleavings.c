/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger under every order of events that a seeded scheduler can think of, and with every
 * value that the memory orders of its source permit a load to see (weak_memory.h).
 *
 * Races that a machine shows once in a million runs, or that only another machine shows, come
 * up here every second, and a seed brings each of them back.
 *
 * What must hold in every schedule: no key is granted more than its limit in a window, as long
 * as the path has room for all keys that are live; and when nobody is killed, each key is
 * granted exactly its limit or all that was asked for, so nothing is counted twice either. (Of
 * a table that a power cut has left less is known: ledger/sweep.c.)
 */
#include "ledger_full.h"
#include "ledger_gap.h"
#include "ledger_stage.h"

static void one_new_key_in_an_empty_ledger_is_granted_exactly_its_limit(void **state)
{
    (void)state;
    goes_well(new_key_in_an_empty_ledger);
}

static void one_new_key_among_expired_cells_is_granted_exactly_its_limit(void **state)
{
    (void)state;
    goes_well(new_key_among_expired_cells);
}

static void two_new_keys_that_want_the_same_cells_are_granted_exactly_their_limits(void **state)
{
    (void)state;
    goes_well(two_new_keys_for_the_same_cells);
}

static void a_key_that_comes_back_keeps_its_cell_or_counts_anew_but_never_twice(void **state)
{
    (void)state;
    goes_well(key_that_comes_back);
}

static void processes_killed_at_any_instruction_leave_counts_within_the_limit(void **state)
{
    (void)state;
    goes_well(killed_processes);
}

static void late_requests_of_a_former_owner_take_nothing_from_the_new_one(void **state)
{
    (void)state;
    goes_well(late_requests_of_former_owners);
}

static void a_sliding_window_begins_with_all_of_the_one_before(void **state)
{
    (void)state;
    goes_well(sliding_window_that_begins);
}

static void a_token_bucket_among_expired_cells_is_emptied_exactly_once(void **state)
{
    (void)state;
    goes_well(token_bucket_among_expired_cells);
}

static void what_is_charged_to_a_key_in_use_is_not_lost_to_a_newcomer(void **state)
{
    (void)state;
    goes_well(key_that_is_asked_for_again);
}

static void a_key_that_is_denied_keeps_its_cell(void **state)
{
    (void)state;
    goes_well(key_that_is_denied);
}

static void what_comes_back_is_granted_again_and_no_more(void **state)
{
    (void)state;
    goes_well(units_that_come_back);
}

static void of_several_values_that_a_key_is_raised_to_the_highest_stands(void **state)
{
    (void)state;
    goes_well(key_that_is_raised);
}

static void of_two_who_write_notes_at_once_one_finds_the_others(void **state)
{
    (void)state;
    goes_well(two_who_note_at_once);
}

static void each_denial_of_a_key_gets_a_number_of_its_own(void **state)
{
    (void)state;
    goes_well(denials_at_once);
}

static void a_key_after_a_gap_goes_on_or_begins_anew_once(void **state)
{
    (void)state;
    goes_well(key_after_a_gap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_new_key_in_an_empty_ledger_is_granted_exactly_its_limit),
        cmocka_unit_test(one_new_key_among_expired_cells_is_granted_exactly_its_limit),
        cmocka_unit_test(
            two_new_keys_that_want_the_same_cells_are_granted_exactly_their_limits),
        cmocka_unit_test(a_key_that_comes_back_keeps_its_cell_or_counts_anew_but_never_twice),
        cmocka_unit_test(processes_killed_at_any_instruction_leave_counts_within_the_limit),
        cmocka_unit_test(late_requests_of_a_former_owner_take_nothing_from_the_new_one),
        cmocka_unit_test(a_sliding_window_begins_with_all_of_the_one_before),
        cmocka_unit_test(a_token_bucket_among_expired_cells_is_emptied_exactly_once),
        cmocka_unit_test(what_is_charged_to_a_key_in_use_is_not_lost_to_a_newcomer),
        cmocka_unit_test(a_key_that_is_denied_keeps_its_cell),
        cmocka_unit_test(what_comes_back_is_granted_again_and_no_more),
        cmocka_unit_test(of_several_values_that_a_key_is_raised_to_the_highest_stands),
        cmocka_unit_test(of_two_who_write_notes_at_once_one_finds_the_others),
        cmocka_unit_test(each_denial_of_a_key_gets_a_number_of_its_own),
        cmocka_unit_test(a_key_after_a_gap_goes_on_or_begins_anew_once),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
