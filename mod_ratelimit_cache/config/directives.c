/* SPDX-License-Identifier: Apache-2.0 */
/* The directives. Every error names the directive, the token, what is wrong and what is
 * allowed. */
#include "config.h"

#include <apr_file_io.h>
#include <apr_strings.h>
#include <http_core.h>
#include <http_log.h>
#include <string.h>

#include "../core/number.h"
#include "../httpd/expression.h"
#include "../ledger/ledger.h"
#include "../rule/parse.h"
#include "../rule/words.h"
#include "busy_directive.h"
#include "exemption.h"
#include "networks_directive.h"
#include "pass_directive.h"
#include "shm_directive.h"
#include "store_directive.h"

#define SECRET_MAX     4096
#define FORM_LIMIT_MIN 1024u
#define FORM_LIMIT_MAX (1024u * 1024)

static const char *directive_error(const cmd_parms *cmd, const char *token, const char *reason)
{
    return apr_psprintf(cmd->pool, "%s \"%s\": %s", cmd->cmd->name, token, reason);
}

static rl_server_config_t *server_config(const cmd_parms *cmd)
{
    return ap_get_module_config(cmd->server->module_config, &ratelimit_cache_module);
}

/* Returns NULL, or the error if the directive may not stand where it does. A directive that is
 * for the server alone may not stand in an .htaccess even if AllowOverrideList names it. */
static const char *misplaced(cmd_parms *cmd)
{
    if (rl_cmd_is_tenant(cmd) && (cmd->cmd->req_override & OR_LIMIT) == 0) {
        return apr_pstrcat(cmd->pool, cmd->cmd->name, ": not allowed in .htaccess", NULL);
    }
    return cmd->limited != -1
               ? apr_pstrcat(cmd->pool, cmd->cmd->name,
                             ": not allowed inside <Limit>; write methods= instead", NULL)
               : NULL;
}

/* ---- rules ---- */

/* Adds a rule of the server's own configuration to the list of all of them, for
 * rl_scope_post_config(). */
static void keep_rule(const cmd_parms *cmd, rl_rule_t *rule)
{
    rl_global_config_t *global = rl_global_config();
    rule->home = cmd->server;
    rule->place = global->nrules++;
    rule->next = global->rules;
    global->rules = rule;
    global->reads_env |= rule->reads_env;
    global->reads_headers |= rule->reads_headers;
    server_config(cmd)->of_passes |= rule->of_passes;
}

static const char *set_rule(cmd_parms *cmd, void *dir, int argc, char *const argv[])
{
    rl_dir_config_t *conf = dir;
    rl_rule_t *rule;
    const char *error = misplaced(cmd);
    if (error == NULL) {
        error = rl_rule_parse(cmd, argc, argv, &rule);
    }
    if (error != NULL) {
        return error;
    }
    if (rl_rule_set_find(conf->rules, rule->name) != NULL) {
        return directive_error(cmd, rule->name, "this section already has a rule of this name");
    }
    if (conf->rules != NULL && conf->rules->n == RL_SECTION_RULES_MAX) {
        return directive_error(cmd, rule->name, "a section can have at most 200 rules");
    }
    rule->section = conf;
    conf->rules = rl_rule_set_add(cmd->pool, conf->rules, rule);
    if (!rule->tenant) {
        keep_rule(cmd, rule);
    }
    return NULL;
}

static const char *set_inherit(cmd_parms *cmd, void *dir, const char *value)
{
    rl_dir_config_t *conf = dir;
    conf->detached = ap_cstr_casecmp(value, "Off") == 0;
    if (!conf->detached && ap_cstr_casecmp(value, "On") != 0) {
        return directive_error(cmd, value, "must be On or Off");
    }
    return misplaced(cmd);
}

static const char *set_engine(cmd_parms *cmd, void *dir, const char *value)
{
    rl_dir_config_t *conf = dir;
    if (ap_cstr_casecmp(value, "On") == 0) {
        conf->engine = RL_ENGINE_ON;
    }
    else if (ap_cstr_casecmp(value, "Off") == 0) {
        conf->engine = RL_ENGINE_OFF;
    }
    else if (ap_cstr_casecmp(value, "Observe") == 0) {
        conf->engine = RL_ENGINE_OBSERVE;
    }
    else {
        return directive_error(cmd, value, "must be On, Off or Observe");
    }
    return misplaced(cmd);
}

/* Returns the error about argument i of a RateLimitExempt. An expression with a blank in it
 * comes as several arguments if it isn't quoted. */
static const char *exempt_error(const cmd_parms *cmd, int argc, char *const argv[], int i,
                                const char *reason)
{
    for (int j = 0; j <= i; j++) {
        if (strncmp(argv[j], "expr=", 5) == 0 && argc > j + 1) {
            reason = apr_psprintf(cmd->temp_pool, "%s; quote the whole option, \"%s %s ...\"",
                                  reason, argv[j], argv[j + 1]);
            break;
        }
    }
    return directive_error(cmd, argv[i], reason);
}

static const char *add_exempt(cmd_parms *cmd, void *dir, int argc, char *const argv[])
{
    rl_dir_config_t *conf = dir;
    if (argc == 0) {
        return apr_pstrcat(
            cmd->pool, cmd->cmd->name,
            ": write ADDR[/BITS] ..., network:NAME[=LABEL], env=NAME or expr=EXPR", NULL);
    }
    if (misplaced(cmd) != NULL) {
        return misplaced(cmd);
    }
    if (conf->exempt == NULL) {
        conf->exempt = apr_array_make(cmd->pool, argc, sizeof(rl_exemption_t));
    }
    for (int i = 0; i < argc; i++) {
        const char *reason = rl_exemption_parse(cmd, argv[i], apr_array_push(conf->exempt));
        if (reason != NULL) {
            return exempt_error(cmd, argc, argv, i, reason);
        }
    }
    rl_global_config()->reads_env |= rl_exemption_reads_env(conf->exempt);
    rl_global_config()->reads_headers |= rl_exemption_reads_headers(conf->exempt);
    server_config(cmd)->of_passes |= rl_exemption_reads_pass(conf->exempt);
    return NULL;
}

static const char *set_bits(cmd_parms *cmd, const char *value, unsigned most, int *bits)
{
    uint64_t n;
    if (!rl_number_parse(value, strlen(value), most, &n)) {
        return directive_error(
            cmd, value, apr_psprintf(cmd->pool, "must be an integer from 0 to %u", most));
    }
    *bits = (int)n;
    return misplaced(cmd);
}

static const char *set_v4bits(cmd_parms *cmd, void *dir, const char *value)
{
    return set_bits(cmd, value, 32, &((rl_dir_config_t *)dir)->v4bits);
}

static const char *set_v6bits(cmd_parms *cmd, void *dir, const char *value)
{
    return set_bits(cmd, value, 128, &((rl_dir_config_t *)dir)->v6bits);
}

static const char *set_deny_status(cmd_parms *cmd, void *dir, const char *value)
{
    rl_dir_config_t *conf = dir;
    const char *reason = rl_status_parse(value, &conf->deny_status);
    return reason != NULL ? directive_error(cmd, value, reason) : misplaced(cmd);
}

static const char *set_on_error(cmd_parms *cmd, void *dir, const char *value)
{
    rl_dir_config_t *conf = dir;
    const char *reason = rl_on_error_parse(value, &conf->on_error);
    return reason != NULL ? directive_error(cmd, value, reason) : misplaced(cmd);
}

static const char *set_form_limit(cmd_parms *cmd, void *dir, const char *value)
{
    rl_dir_config_t *conf = dir;
    uint64_t bytes;
    if (!rl_number_parse_size(value, FORM_LIMIT_MAX, &bytes) || bytes < FORM_LIMIT_MIN) {
        return directive_error(cmd, value, "must be a size from 1K to 1M");
    }
    conf->form_limit = (int)bytes;
    return misplaced(cmd);
}

static const char *set_form_charset(cmd_parms *cmd, void *dir, const char *value)
{
    rl_dir_config_t *conf = dir;
    const char *reason = rl_charset_parse(cmd->pool, value, &conf->form_charset);
    return reason != NULL ? directive_error(cmd, value, reason) : misplaced(cmd);
}

/* ---- store ---- */

static const char *set_store(cmd_parms *cmd, void *dir, int argc, char *const argv[])
{
    const char *error = ap_check_cmd_context(cmd, NOT_IN_DIR_CONTEXT);
    rl_server_config_t *conf = server_config(cmd);
    (void)dir;
    if (error != NULL) {
        return error;
    }
    conf->store = NULL;
    conf->store_set = true;
    if (argc > 0 && ap_cstr_casecmp(argv[0], "memcached") == 0) {
        return rl_store_directive_parse(cmd, argc - 1, argv + 1, &conf->store);
    }
    if (argc > 0 && ap_cstr_casecmp(argv[0], "shm") == 0) {
        return rl_shm_directive_parse(cmd, argc - 1, argv + 1);
    }
    return directive_error(
        cmd, argc > 0 ? argv[0] : "",
        "write shm [size=32M] [tenants=12%] [file=PATH], or memcached HOST[:PORT] ... "
        "[option=value ...]");
}

/* Reads the secret from a file, without the line ends that editors leave at its end. Returns
 * NULL or the reason why it can't be used. */
static const char *read_secret(cmd_parms *cmd, const char *path, rl_global_config_t *global)
{
    const char *full = ap_server_root_relative(cmd->pool, path);
    char *text = apr_pcalloc(cmd->pool, SECRET_MAX + 1);
    apr_size_t len = 0;
    apr_file_t *file;
    apr_status_t rv = full == NULL ? APR_EBADPATH
                                   : apr_file_open(&file, full, APR_FOPEN_READ,
                                                   APR_FPROT_OS_DEFAULT, cmd->temp_pool);
    if (rv == APR_SUCCESS) {
        rv = apr_file_read_full(file, text, SECRET_MAX + 1, &len);
        apr_file_close(file);
    }
    if (rv != APR_SUCCESS && rv != APR_EOF) {
        char reason[120];
        return apr_psprintf(cmd->pool, "can't be read: %s",
                            apr_strerror(rv, reason, sizeof(reason)));
    }
    if (len > SECRET_MAX) {
        return "the secret is longer than 4096 bytes";
    }
    while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r')) {
        len--;
    }
    global->secret = text;
    global->secret_len = len;
    return len == 0 ? "the file has no secret in it" : NULL;
}

/* httpd keeps each line as it was written, for mod_info to show. From now on it shows this one
 * without what it says. (httpd gives the line as const, because directives seldom change it; it
 * lies in the configuration's pool.) */
static void hide_argument(cmd_parms *cmd)
{
    ap_directive_t *line = (ap_directive_t *)cmd->directive;
    line->args = "(hidden)";
}

static const char *set_secret(cmd_parms *cmd, void *dir, const char *value)
{
    rl_global_config_t *global = rl_global_config();
    const char *error = ap_check_cmd_context(cmd, GLOBAL_ONLY);
    (void)dir;
    if (error != NULL) {
        return error;
    }
    if (strncmp(value, "file:", 5) == 0) {
        const char *reason = read_secret(cmd, value + 5, global);
        return reason != NULL ? directive_error(cmd, value, reason) : NULL;
    }
    global->secret = value;
    global->secret_len = strlen(value);
    hide_argument(cmd);
    return *value == '\0' ? directive_error(cmd, value, "the secret is empty") : NULL;
}

/* ---- the rest ---- */

static const char *set_busy(cmd_parms *cmd, void *dir, int argc, char *const argv[])
{
    const char *error = ap_check_cmd_context(cmd, GLOBAL_ONLY);
    (void)dir;
    return error != NULL ? error : rl_busy_directive_parse(cmd, argc, argv);
}

static const char *set_pass(cmd_parms *cmd, void *dir, int argc, char *const argv[])
{
    const char *error = ap_check_cmd_context(cmd, NOT_IN_DIR_CONTEXT);
    (void)dir;
    return error != NULL ? error
                         : rl_pass_directive_parse(cmd, argc, argv, &server_config(cmd)->pass);
}

static const char *set_log(cmd_parms *cmd, void *dir, const char *level, const char *keys)
{
    const char *error = ap_check_cmd_context(cmd, NOT_IN_DIR_CONTEXT);
    rl_server_config_t *conf = server_config(cmd);
    (void)dir;
    if (error != NULL) {
        return error;
    }
    if (keys != NULL && ap_cstr_casecmp(keys, "keys") != 0) {
        return directive_error(cmd, keys,
                               "write LEVEL, or LEVEL keys to have the values of keys told");
    }
    conf->log_keys = keys != NULL;
    error = ap_parse_log_level(level, &conf->log_level);
    return error != NULL ? directive_error(cmd, level, error) : NULL;
}

/* ---- answers ---- */

static int response_field_bit(const char *word)
{
    if (ap_cstr_casecmp(word, "standard") == 0) {
        return RL_FIELDS_STANDARD;
    }
    return ap_cstr_casecmp(word, "legacy") == 0 ? RL_FIELDS_LEGACY : 0;
}

static const char *set_response_fields(cmd_parms *cmd, void *dir, int argc, char *const argv[])
{
    static const char usage[] = "write none, standard, legacy or standard legacy";
    rl_dir_config_t *conf = dir;
    conf->response_fields = 0;
    if (argc == 0) {
        return directive_error(cmd, "", usage);
    }
    for (int i = 0; i < argc; i++) {
        const int bit = response_field_bit(argv[i]);
        if (bit == 0 && ap_cstr_casecmp(argv[i], "none") == 0) {
            if (argc > 1) {
                return directive_error(
                    cmd, argv[i],
                    "can't be combined with other words; write none, or the fields to send");
            }
        }
        else if (bit == 0) {
            return directive_error(cmd, argv[i], usage);
        }
        else if ((conf->response_fields & bit) != 0) {
            return directive_error(cmd, argv[i], "given twice");
        }
        conf->response_fields |= bit;
    }
    return misplaced(cmd);
}

/* Returns true if this handler's answer is the file that was asked for, sent or run: that is
 * the very thing that was denied. "default-handler" is httpd's name for sending it. */
static bool serves_the_target(const char *handler)
{
    static const char *const names[] = {
        "default-handler", "cgi-script", "server-parsed", "send-as-is",
        "type-map",        "lua-script", "wsgi-script",   "fcgid-script",
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (ap_cstr_casecmp(handler, names[i]) == 0) {
            return true;
        }
    }
    return ap_cstr_casecmpn(handler, "application/x-httpd-php", 23) == 0 ||
           ap_cstr_casecmpn(handler, "proxy:", 6) == 0;
}

static const char *set_deny_handler(cmd_parms *cmd, void *dir, const char *value)
{
    rl_dir_config_t *conf = dir;
    const bool standard = ap_cstr_casecmp(value, "default") == 0;
    if (*value == '\0' || ap_cstr_casecmpn(value, "http://", 7) == 0 ||
        ap_cstr_casecmpn(value, "https://", 8) == 0) {
        return directive_error(cmd, value,
                               "write a local /URL-PATH, a handler's name, or default");
    }
    if (serves_the_target(value)) {
        return directive_error(
            cmd, value,
            "this handler would send or run the very file that was denied; write a "
            "local /URL-PATH, another handler's name, or default");
    }
    conf->deny_handler = standard ? "" : value;
    return misplaced(cmd);
}

#define IN_SECTIONS (RSRC_CONF | ACCESS_CONF)
#define IN_HTACCESS (RSRC_CONF | OR_LIMIT)

/* The help texts are what `httpd -L` and mod_info show. */
const command_rec rl_directives[] = {
    AP_INIT_TAKE_ARGV("RateLimit", set_rule, NULL, IN_HTACCESS,
                      "Limits requests here: NAME RATE [option=value ...]; NAME off drops an "
                      "inherited rule."),
    AP_INIT_TAKE1("RateLimitInherit", set_inherit, NULL, ACCESS_CONF,
                  "Says whether rules of outer sections apply here: On or Off."),
    AP_INIT_TAKE1("RateLimitEngine", set_engine, NULL, IN_SECTIONS,
                  "Switches all rules On or Off here, or has them Observe without denying."),
    AP_INIT_TAKE_ARGV(
        "RateLimitExempt", add_exempt, NULL, IN_SECTIONS,
        "Exempts requests from every rule: ADDR[/BITS] ..., network:NAME[=LABEL], "
        "env=NAME or expr=EXPR."),
    AP_INIT_TAKE2(
        "RateLimitNetworks", rl_networks_directive, NULL, RSRC_CONF,
        "Reads a table of networks with labels, for key=network:NAME: NAME file:PATH."),
    AP_INIT_TAKE1("RateLimitIPv4Prefix", set_v4bits, NULL, IN_SECTIONS,
                  "Says how many bits of an IPv4 address key=ip tells apart: 0 to 32."),
    AP_INIT_TAKE1("RateLimitIPv6Prefix", set_v6bits, NULL, IN_SECTIONS,
                  "Says how many bits of an IPv6 address key=ip tells apart: 0 to 128."),
    AP_INIT_TAKE1("RateLimitDenyStatus", set_deny_status, NULL, IN_HTACCESS,
                  "Sets the status of a denial: 400 to 599."),
    AP_INIT_TAKE_ARGV(
        "RateLimitStore", set_store, NULL, RSRC_CONF,
        "Says where the counters are: shm [size=32M] [tenants=12%] [file=PATH], or memcached "
        "HOST[:PORT] ... [option=value ...]."),
    AP_INIT_TAKE1(
        "RateLimitSecret", set_secret, NULL, RSRC_CONF,
        "Sets the secret that keys are hashed with: file:PATH, or the secret itself."),
    AP_INIT_TAKE12("RateLimitLog", set_log, NULL, RSRC_CONF,
                   "Sets the level of the line about a key's first denial in a window; with "
                   "keys it tells the key's values."),
    AP_INIT_TAKE_ARGV("RateLimitBusy", set_busy, NULL, RSRC_CONF,
                      "Says when the server counts as busy: [workers=HIGH%[:LOW%]] "
                      "[load=HIGH[:LOW]] [cpu-pressure=HIGH%[:LOW%]] [hold=30s]."),
    AP_INIT_TAKE_ARGV("RateLimitPass", set_pass, NULL, RSRC_CONF,
                      "Says what a pass of action=challenge is good for: [life=7d] "
                      "[bind=ip/24/48|none] [path=/.ratelimit/pass] [issue=20/h]."),
    AP_INIT_TAKE_ARGV("RateLimitHeaders", set_response_fields, NULL, IN_HTACCESS,
                      "Sends header fields about limits: none, standard, legacy or both."),
    AP_INIT_TAKE1("RateLimitDenyHandler", set_deny_handler, NULL, IN_SECTIONS,
                  "Says who writes denials: /URL-PATH, a handler's name, or default."),
    AP_INIT_TAKE1("RateLimitOnError", set_on_error, NULL, IN_SECTIONS,
                  "Says what happens when the shared store doesn't answer: local, allow or "
                  "deny."),
    AP_INIT_TAKE1("RateLimitFormLimit", set_form_limit, NULL, IN_SECTIONS,
                  "Limits how much of a request's body is searched for form fields: 1K to 1M."),
    AP_INIT_TAKE1("RateLimitFormCharset", set_form_charset, NULL, IN_SECTIONS,
                  "Names the charset in which browsers write the forms: utf-8, windows-1252 or "
                  "the like."),
    {.name = NULL},
};
