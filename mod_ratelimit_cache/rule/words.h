/* Words that both options and directives take. */
#ifndef RL_RULE_WORDS_H
#define RL_RULE_WORDS_H

/* Reads the status code of a denial, 400 to 599. Returns NULL or the reason. */
const char *rl_status_parse(const char *text, int *status);

/* Reads local, allow or deny as an rl_on_error_e. Returns NULL or the reason. */
const char *rl_on_error_parse(const char *text, int *on_error);

#endif
