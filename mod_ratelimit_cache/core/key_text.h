/* SPDX-License-Identifier: Apache-2.0 */
/* Keys as administrators write them: PART[+PART...]. */
#ifndef RL_CORE_KEY_TEXT_H
#define RL_CORE_KEY_TEXT_H

/* Returns the end of the part at text: the next + outside of %{...}, or the end of the text. */
const char *rl_key_text_part_end(const char *text);

#endif
