/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the tests of ledger_interleavings.c would notice if a memory order in the ledger's
 * source were weaker than it has to be.
 *
 * Each test weakens the orders of one function, and expects a story to go wrong. A function
 * that was renamed has to be renamed here, too.
 *
 * Not here, because they are relaxed already: the orders with which a cell's life is read and
 * swapped once it has one. Whoever changes a life swaps the id afterwards, or sees another do
 * it, and the id brings everything along. Not here either, because no harm can come of it: the
 * acquire of what swaps a word or wipes it, which is stronger than it has to be.
 */
#include "ledger_full.h"
#include "ledger_stage.h"

int main(void)
{
    const struct CMUnitTest tests[] = {
        GOES_WRONG("two bids miss each other if ids are read with acquire only", "cell_load_id",
                   WEAK_LOAD, acquire, new_key_among_expired_cells),
        GOES_WRONG("two bids miss each other if ids are swapped with acq_rel only",
                   "place_swap_id", WEAK_UPDATE, acq_rel, new_key_among_expired_cells),
        GOES_WRONG("bids and cells get lost if ids are swapped without release",
                   "place_swap_id", WEAK_UPDATE, acquire, key_that_comes_back),
        GOES_WRONG(
            "a key in use is evicted by an older life if ids are swapped without release",
            "place_swap_id", WEAK_UPDATE, acquire, key_that_is_asked_for_again),
        GOES_WRONG("a key in use is evicted by an older life if ids are read without acquire",
                   "cell_load_id", WEAK_LOAD, relaxed, key_that_is_asked_for_again),
        GOES_WRONG("a denied key is evicted by an older life if ids are read without acquire",
                   "cell_load_id", WEAK_LOAD, relaxed, key_that_is_denied),
        GOES_WRONG(
            "a denied key is evicted by an older life if ids are swapped without release",
            "place_swap_id", WEAK_UPDATE, acquire, key_that_is_denied),
        GOES_WRONG("a window comes without the one before if words are read without acquire",
                   "cell_load_words", WEAK_LOAD, relaxed, sliding_window_that_begins),
        GOES_WRONG("a former owner overwrites words that it reads without acquire",
                   "cell_load_words", WEAK_LOAD, relaxed, late_requests_of_former_owners),
        GOES_WRONG("a count gets lost if words are swapped without release", "cell_apply_step",
                   WEAK_UPDATE, acquire, new_key_among_expired_cells),
        GOES_WRONG("a key's count is wiped if what is to be wiped is read without acquire",
                   "place_wipe", WEAK_LOAD, relaxed, new_key_among_expired_cells),
        GOES_WRONG("a cell gets the life of a lost bid if that is read without acquire",
                   "place_enliven", WEAK_LOAD, relaxed, two_new_keys_for_the_same_cells),
        GOES_WRONG("a cell gets the life of a lost bid if that is swapped without release",
                   "place_enliven", WEAK_UPDATE, acquire, two_new_keys_for_the_same_cells),
        GOES_WRONG("two who write notes miss each other's if they swap with acq_rel only",
                   "rl_ledger_swap_note", WEAK_UPDATE, acq_rel, two_who_note_at_once),
        GOES_WRONG("two who write notes miss each other's if they read with acquire only",
                   "rl_ledger_note", WEAK_LOAD, acquire, two_who_note_at_once),
        GOES_WRONG("two who write notes miss each other's if they read all with acquire only",
                   "rl_ledger_notes", WEAK_LOAD, acquire, two_who_note_at_once),
        GOES_WRONG("a denial's number gets lost if it is swapped without release",
                   "rl_ledger_count_denial", WEAK_UPDATE, acquire, denials_at_once),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
