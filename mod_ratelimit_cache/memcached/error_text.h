/* What a server says when it answers a command with an error. */
#ifndef RL_MEMCACHED_ERROR_TEXT_H
#define RL_MEMCACHED_ERROR_TEXT_H

#include <stdbool.h>

#define RL_ERROR_TEXT_MAX 120

/* What the server said, of libmemcached's message about it, which has an address before, and
 * the host and a line of its source after it; printable. `otherwise` when there is nothing. */
const char *rl_error_text(const char *message, const char *otherwise,
                          char text[RL_ERROR_TEXT_MAX + 1]);

/* Whether that means that the server has no room. */
bool rl_error_text_is_of_memory(const char *text);

#endif
