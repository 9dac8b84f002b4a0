/* SPDX-License-Identifier: Apache-2.0 */
#include "catalogue.h"

#include <apr_strings.h>
#include <string.h>

static rl_networks_t all[RL_NETWORKS_MAX];
static unsigned count;

void rl_networks_clear(void)
{
    for (unsigned i = 0; i < count; i++) {
        rl_network_table_free(all[i].table);
    }
    count = 0;
}

rl_networks_t *rl_networks_get(const char *name, bool add)
{
    for (unsigned i = 0; i < count; i++) {
        if (strcmp(all[i].name, name) == 0) {
            return &all[i];
        }
    }
    if (!add || count == RL_NETWORKS_MAX) {
        return NULL;
    }
    all[count] = (rl_networks_t){.name = name};
    return &all[count++];
}

const char *rl_networks_unknown(apr_pool_t *pool)
{
    const char *names = "";
    for (unsigned i = 0; i < count; i++) {
        if (all[i].table != NULL) {
            names = apr_pstrcat(pool, names, *names != '\0' ? ", " : "", all[i].name, NULL);
        }
    }
    return *names == '\0' ? "no RateLimitNetworks has this name, and there is no other"
                          : apr_pstrcat(pool, "no RateLimitNetworks has this name; there is ",
                                        names, NULL);
}

const char *rl_networks_want(apr_pool_t *pool, const char *name, const char *by, bool later,
                             const rl_networks_t **networks)
{
    rl_networks_t *found = rl_networks_get(name, later);
    if (found == NULL && later) {
        return apr_psprintf(pool, "there can be at most %d tables of networks",
                            RL_NETWORKS_MAX);
    }
    if (found == NULL || (!later && found->table == NULL)) {
        return rl_networks_unknown(pool);
    }
    if (later && found->wanted_by == NULL) {
        found->wanted_by = by;
    }
    *networks = found;
    return NULL;
}

const rl_networks_t *rl_networks_at(unsigned i)
{
    return i < count ? &all[i] : NULL;
}

const char *rl_networks_label(const rl_networks_t *networks, const rl_address_t *address)
{
    return networks->table != NULL ? rl_network_table_label(networks->table, address) : NULL;
}
