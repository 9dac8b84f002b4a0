/* SPDX-License-Identifier: Apache-2.0 */
#include "client.h"

#include "../core/hot.h"

RL_EACH_REQUEST bool rl_client_address(const request_rec *r, rl_address_t *address)
{
    const apr_sockaddr_t *from = r->useragent_addr;
    if (from->family == APR_INET) {
        rl_address_set(address, 4, (const uint8_t *)&from->sa.sin.sin_addr);
        return true;
    }
#if APR_HAVE_IPV6
    if (from->family == APR_INET6) {
        rl_address_set(address, 6, (const uint8_t *)&from->sa.sin6.sin6_addr);
        return true;
    }
#endif
    return false;
}
