/* SPDX-License-Identifier: Apache-2.0 */
#include "env_readers.h"

#include <ap_config.h>
#include <http_config.h>
#include <http_log.h>
#include <stdlib.h>
#include <string.h>

#include "htaccess.h"
#include "module.h"
#include "written.h"

APLOG_USE_MODULE(ratelimit_cache);

/* Variables lie in a table that everybody may read, unasked. What is known of their readers:
 * httpd's own modules read the variables that their directives name (LogFormat, Header,
 * RewriteCond, expressions ...), and all variables only where a handler runs a program. Of any
 * other module nothing is known, and mod_include, mod_ext_filter, mod_lua and mod_authnz_fcgi
 * hand all variables to something that isn't a handler. An .htaccess file is read for a request
 * alone, and may name what it likes. */

/* The modules that read what their directives name, mod_NAME.c, in order. */
static const char *const by_directive[] = {
    "access_compat",
    "actions",
    "alias",
    "allowmethods",
    "asis",
    "auth_basic",
    "auth_digest",
    "auth_form",
    "authn_anon",
    "authn_core",
    "authn_dbd",
    "authn_dbm",
    "authn_file",
    "authn_socache",
    "authnz_ldap",
    "authz_core",
    "authz_dbd",
    "authz_dbm",
    "authz_groupfile",
    "authz_host",
    "authz_owner",
    "authz_user",
    "autoindex",
    "brotli",
    "buffer",
    "cache",
    "cache_disk",
    "cache_socache",
    "cgi",
    "cgid",
    "data",
    "dav",
    "dav_fs",
    "dav_lock",
    "dbd",
    "deflate",
    "dialup",
    "dir",
    "echo",
    "env",
    "expires",
    "file_cache",
    "filter",
    "headers",
    "http2",
    "ident",
    "imagemap",
    "info",
    "lbmethod_bybusyness",
    "lbmethod_byrequests",
    "lbmethod_bytraffic",
    "lbmethod_heartbeat",
    "ldap",
    "log_config",
    "log_debug",
    "log_forensic",
    "logio",
    "macro",
    "md",
    "mime",
    "mime_magic",
    "negotiation",
    "php",
    "php7",
    "proxy",
    "proxy_ajp",
    "proxy_balancer",
    "proxy_connect",
    "proxy_express",
    "proxy_fcgi",
    "proxy_ftp",
    "proxy_hcheck",
    "proxy_html",
    "proxy_http",
    "proxy_http2",
    "proxy_scgi",
    "proxy_uwsgi",
    "proxy_wstunnel",
    "ratelimit",
    "ratelimit_cache",
    "reflector",
    "remoteip",
    "reqtimeout",
    "request",
    "rewrite",
    "sed",
    "session",
    "session_cookie",
    "session_crypto",
    "session_dbd",
    "setenvif",
    "slotmem_plain",
    "slotmem_shm",
    "so",
    "socache_dbm",
    "socache_dc",
    "socache_memcache",
    "socache_redis",
    "socache_shmcb",
    "speling",
    "ssl",
    "status",
    "substitute",
    "suexec",
    "systemd",
    "unique_id",
    "unixd",
    "userdir",
    "usertrack",
    "version",
    "vhost_alias",
    "watchdog",
    "xml2enc",
};

#define BY_DIRECTIVE (sizeof(by_directive) / sizeof(by_directive[0]))

/* httpd's modules that are named otherwise. They read no variables. */
static const char *const of_core[] = {"core.c", "http_core.c", "event.c", "worker.c",
                                      "prefork.c"};

#define OF_CORE (sizeof(of_core) / sizeof(of_core[0]))

/* Until it is known. */
static bool anywhere = true;

/* ---- modules ---- */

static int compare_module(const void *name, const void *entry)
{
    const char *known = *(const char *const *)entry;
    const size_t len = strlen(known);
    const int order = strncmp(name, known, len);
    return order != 0 ? order : strcmp((const char *)name + len, ".c");
}

static bool is_of_core(const char *name)
{
    bool found = false;
    for (size_t i = 0; i < OF_CORE && !found; i++) {
        found = strcmp(name, of_core[i]) == 0;
    }
    return found;
}

static bool is_by_directive(const char *name)
{
    return strncmp(name, "mod_", 4) == 0 && bsearch(name + 4, by_directive, BY_DIRECTIVE,
                                                    sizeof(by_directive[0]), compare_module);
}

/* Returns a module that may read variables unasked, NULL if there is none. */
static const module *find_module(void)
{
    const module *m = ap_top_module;
    while (m != NULL && (is_of_core(m->name) || is_by_directive(m->name))) {
        m = m->next;
    }
    return m;
}

/* ---- directives ---- */

/* Returns true if what follows RATELIMIT_ makes another name: of a variable that is set for
 * itself, early, or of this module. */
static bool is_another_name(const char *rest)
{
    static const char *const others[] = {"PASS", "BUSY", "cache"};
    bool found = false;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]) && !found; i++) {
        found = ap_cstr_casecmpn(rest, others[i], strlen(others[i])) == 0;
    }
    return found;
}

static bool names_variable(const char *text)
{
    static const char prefix[] = "RATELIMIT_";
    while ((text = ap_strcasestr(text, prefix)) != NULL) {
        text += sizeof(prefix) - 1;
        if (!is_another_name(text)) {
            return true;
        }
    }
    return false;
}

/* Returns true if the text after env( isn't just 'NAME'). */
static bool is_computed(const char *text)
{
    const char *quote = text + strspn(text, " \t\\");
    const char *end = *quote == '\'' || *quote == '"' ? strchr(quote + 1, *quote) : NULL;
    return end == NULL || end[1 + strspn(end + 1, " \t")] != ')';
}

/* Returns true if the text after env: has something else in it before its brace. */
static bool is_composed(const char *text)
{
    const size_t len = strcspn(text, "}%$");
    return text[len] == '%' || text[len] == '$';
}

/* Returns true if an expression reads variables whose names it computes: reqenv(...), env(...),
 * %{env:%{...}}. */
static bool computes_name(const char *text)
{
    while ((text = ap_strcasestr(text, "env")) != NULL) {
        text += 3;
        if ((*text == '(' && is_computed(text + 1)) ||
            (*text == ':' && is_composed(text + 1))) {
            return true;
        }
    }
    return false;
}

/* Returns a directive that reads variables, NULL if there is none. */
static const ap_directive_t *find_directive(void)
{
    const ap_directive_t *at = ap_conftree;
    while (at != NULL &&
           (at->args == NULL || (!names_variable(at->args) && !computes_name(at->args)))) {
        at = rl_written_next(at);
    }
    return at;
}

/* ---- both ---- */

static void tell_reader(server_rec *s, const module *m, const ap_directive_t *directive)
{
    static const char what[] = "ratelimit: RATELIMIT_* variables are made";
    if (m != NULL) {
        ap_log_error(APLOG_MARK, APLOG_DEBUG, 0, s,
                     "%s for each request: %s isn't known to leave them alone", what, m->name);
    }
    else if (directive != NULL) {
        ap_log_error(APLOG_MARK, APLOG_DEBUG, 0, s,
                     "%s for each request: %s reads them (%s:%d)", what, directive->directive,
                     directive->filename, directive->line_num);
    }
    else {
        ap_log_error(APLOG_MARK, APLOG_DEBUG, 0, s,
                     "%s when a program starts, and where an .htaccess file is read", what);
    }
}

int rl_env_readers_check_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                                server_rec *s)
{
    const module *m = find_module();
    const ap_directive_t *directive = find_directive();
    (void)pconf, (void)plog, (void)ptemp;
    anywhere = m != NULL || directive != NULL;
    tell_reader(s, m, directive);
    return OK;
}

bool rl_env_is_awaited(const request_rec *r)
{
    return anywhere || rl_htaccess_was_read(r);
}
