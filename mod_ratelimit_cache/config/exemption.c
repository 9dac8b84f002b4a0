#include "exemption.h"

#include "../httpd/client.h"

static bool matches(request_rec *r, const rl_exemption_t *exempt, const rl_address_t *client)
{
    if (exempt->env != NULL) {
        return apr_table_get(r->subprocess_env, exempt->env) != NULL;
    }
    if (exempt->expr != NULL) {
        const char *error = NULL;
        return ap_expr_exec(r, exempt->expr, &error) > 0;
    }
    return client != NULL && rl_address_within(client, &exempt->network);
}

bool rl_exempts_users(const rl_dir_config_t *conf)
{
    for (int i = 0; conf->exempt != NULL && i < conf->exempt->nelts; i++) {
        if (APR_ARRAY_IDX(conf->exempt, i, rl_exemption_t).after_auth) {
            return true;
        }
    }
    return false;
}

bool rl_is_exempt(request_rec *r, const rl_dir_config_t *conf, bool after_auth)
{
    const apr_array_header_t *exempt = conf->exempt;
    rl_address_t address;
    const rl_address_t *client;
    if (exempt == NULL) {
        return false;
    }
    client = rl_client_address(r, &address) ? &address : NULL;
    for (int i = 0; i < exempt->nelts; i++) {
        const rl_exemption_t *one = &APR_ARRAY_IDX(exempt, i, rl_exemption_t);
        if (one->after_auth == after_auth && matches(r, one, client)) {
            return true;
        }
    }
    return false;
}
