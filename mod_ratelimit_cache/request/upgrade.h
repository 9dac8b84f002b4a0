/* Upgrades to HTTP/2 (h2c): a request that is answered as a stream takes over what was decided
 * for it before. */
#ifndef RL_REQUEST_UPGRADE_H
#define RL_REQUEST_UPGRADE_H

#include "record.h"

/* For a record that was just made: if r is the stream that a request was upgraded to, takes
 * over what was decided for that request. Sets request->plain. */
void rl_upgrade_take_over(request_rec *r, rl_request_t *request);

/* Remembers on the connection what was decided, if the client asks for an upgrade to HTTP/2. */
void rl_upgrade_offer(request_rec *r);

/* post_read_request: forgets that again when another request follows. */
int rl_upgrade_post_read_request(request_rec *r);

/* Returns true if a stream has taken over what was decided here, and settles the outcome. */
bool rl_upgrade_was_taken_over(const rl_request_t *request);

#endif
