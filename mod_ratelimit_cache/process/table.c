/* SPDX-License-Identifier: Apache-2.0 */
#include "table.h"

#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include <apr_general.h>
#include <apr_strings.h>
#include <http_config.h>
#include <http_core.h>
#include <http_log.h>

#include "../config/config.h"
#include "../fleet/exempt_key.h"
#include "../ledger/file/file.h"
#include "../ledger/segment.h"
#include "../ledger/sweep.h"

APLOG_USE_MODULE(ratelimit_cache);

#define TABLE_SIZE_DEFAULT ((apr_size_t)32 << 20)
#define TENANTS_DEFAULT    12
#define RETAINED_KEY       "mod_ratelimit_cache-4"
#define RETAINED_EARLIER   "mod_ratelimit_cache-3" /* a build whose rl_retained_t is another */

/* What outlives a reload: httpd unloads the module and loads it again, and keeps this for it,
 * by name. The memory lives as long as the server, whether a file is behind it or not. The
 * module that is loaded may be another build: the layout comes first and says so.
 *
 *     rl_retained_t --> | state: RL_FILE_STATE_BYTES | the ledger's cells: size= |
 */
typedef struct rl_retained {
    uint64_t layout;                 /* rl_ledger_layout() of the build that made the table */
    rl_table_state_t *state;         /* where the memory begins; NULL: not made yet */
    apr_size_t size;                 /* bytes of the cells */
    unsigned tenants;                /* the tenants' share of them, percent */
    unsigned char random_secret[32]; /* drawn at the start, or the file's: the secret if none is
                                      * configured */
    rl_table_file_t file;            /* its path is NULL: there is none */
    pid_t parent;                    /* the process that may write to the file's head */
} rl_retained_t;

static void *cells_of(const rl_retained_t *retained)
{
    return (char *)retained->state + RL_FILE_STATE_BYTES;
}

/* ---- secrets ---- */

/* All servers of a fleet have to hash alike. Without a RateLimitSecret they do so by a secret
 * that everybody knows, while all else gets a random one. */
static void derive_secrets(rl_runtime_t *runtime, const rl_retained_t *retained)
{
    static const char well_known[] = "mod_ratelimit_cache";
    const rl_global_config_t *global = rl_global_config();
    const bool random = global->secret == NULL;
    const void *secret = random ? (const void *)retained->random_secret : global->secret;
    const size_t len = random ? sizeof(retained->random_secret) : global->secret_len;
    rl_secret_derive(&runtime->secret, RL_SECRET_OF_KEYS, secret, len);
    rl_secret_derive(&runtime->known_secret, RL_SECRET_OF_KNOWN, secret, len);
    rl_secret_derive(&runtime->deeds_secret, RL_SECRET_OF_DEEDS, secret, len);
    rl_secret_derive(&runtime->muster_secret, RL_SECRET_OF_MUSTER, secret, len);
    rl_secret_derive(&runtime->pass_secret, RL_SECRET_OF_PASSES, secret, len);
    runtime->fleet_secret = runtime->secret;
    if (random) {
        rl_secret_derive(&runtime->muster_secret, RL_SECRET_OF_MUSTER, well_known,
                         sizeof(well_known) - 1);
        rl_secret_derive(&runtime->fleet_secret, RL_SECRET_OF_KEYS, well_known,
                         sizeof(well_known) - 1);
    }
}

/* Returns what names RateLimitSecret in the head of a file; 0: there is none. */
static uint64_t secret_mark(void)
{
    static const char text[] = "table of counters";
    static const rl_digest_t nothing;
    const rl_global_config_t *global = rl_global_config();
    rl_secret_t secret;
    if (global->secret == NULL) {
        return 0;
    }
    rl_secret_derive(&secret, RL_SECRET_OF_KEYS, global->secret, global->secret_len);
    return rl_digest_extend(&secret, &nothing, text, sizeof(text)).lo | 1;
}

static void tell_pages(const rl_pages_t *pages, server_rec *s)
{
    ap_log_error(APLOG_MARK, APLOG_INFO, 0, s, "ratelimit: the table has pages of %u kB%s%s",
                 pages->kb, pages->why != NULL ? ": " : "",
                 pages->why != NULL ? pages->why : "");
}

/* ---- a file ---- */

/* Logs why the file can't be used, and what to do. */
static int refuse_file(const char *path, const rl_table_finding_t *finding, apr_status_t rv,
                       server_rec *s)
{
    ap_log_error(APLOG_MARK, APLOG_CRIT, rv, s,
                 "ratelimit: RateLimitStore file=%s %s; httpd doesn't start without its table: "
                 "remedy this, or write another file=, or none",
                 path, finding->failed);
    return HTTP_INTERNAL_SERVER_ERROR;
}

/* Looks at each cell that an earlier server has left, and logs what is left of it. */
static void check_cells(const rl_retained_t *retained, const rl_table_finding_t *finding,
                        server_rec *s)
{
    const int64_t now = apr_time_now(), second = now / RL_USEC_PER_SEC;
    const bool set_back = second < finding->last_second;
    rl_ledger_t ledger;
    rl_sweep_t found;
    rl_ledger_open_divided(&ledger, cells_of(retained), retained->size, retained->tenants);
    rl_ledger_sweep(&ledger, set_back ? 0 : now, &found);
    ap_log_error(APLOG_MARK, found.damaged > 0 ? APLOG_WARNING : APLOG_NOTICE, 0, s,
                 "ratelimit: counters of %" APR_UINT64_T_FMT
                 " keys go on from %s, whose last server %s; %" APR_UINT64_T_FMT
                 " have expired, and %" APR_UINT64_T_FMT " were damaged and start anew",
                 found.kept, retained->file.path,
                 finding->stopped ? "was stopped" : "was killed", found.expired, found.damaged);
    if (set_back) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, s,
                     "ratelimit: the clock is %" APR_INT64_T_FMT
                     " seconds behind the last use of %s: counters last until it has caught up",
                     finding->last_second - second, retained->file.path);
    }
}

/* Has requests look for exemptions no longer than one can last, whatever the file says. */
static void check_state(rl_table_state_t *state)
{
    const int64_t most = (apr_time_now() + RL_EXEMPT_MAX_US) / RL_USEC_PER_SEC + 1;
    if (atomic_load(&state->exempt_until) > most) {
        atomic_store(&state->exempt_until, (uint32_t)most);
    }
}

static int open_file(rl_retained_t *retained, const char *path, server_rec *s)
{
    const rl_table_wish_t wish = {
        .size = retained->size, .tenants = retained->tenants, .secret_mark = secret_mark()};
    rl_table_finding_t finding;
    const apr_status_t rv = rl_table_file_open(
        &retained->file, apr_pstrdup(s->process->pool, path), &wish, &finding);
    if (finding.aside != NULL) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, s,
                     "ratelimit: %s doesn't fit, so it is now %s.aside, and all counters start "
                     "anew: %s",
                     path, path, finding.aside);
    }
    if (rv != APR_SUCCESS) {
        retained->file.path = NULL;
        return refuse_file(path, &finding, rv, s);
    }
    tell_pages(&(rl_pages_t){.kb = (unsigned)(sysconf(_SC_PAGESIZE) / 1024),
                             .why = "a file has no others"},
               s);
    retained->state = retained->file.state;
    retained->parent = getpid();
    memcpy(retained->random_secret, retained->file.head.secret,
           sizeof(retained->random_secret));
    if (finding.kept) {
        check_cells(retained, &finding, s);
        check_state(retained->state);
    }
    return OK;
}

/* Runs in the parent when the server ends; at a reload httpd isn't about to end, and in
 * children pid is another's. */
static apr_status_t note_stop(void *data)
{
    rl_retained_t *retained = data;
    if (ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_EXITING && retained->parent == getpid()) {
        rl_table_file_stop(&retained->file);
    }
    return APR_SUCCESS;
}

/* ---- the table ---- */

/* Makes the table's memory without a file, and draws the random secret. */
static int make_memory(rl_retained_t *retained, server_rec *s)
{
    void *memory = NULL;
    rl_pages_t pages;
    apr_status_t rv = rl_segment_create_large(&memory, RL_FILE_STATE_BYTES + retained->size,
                                              s->process->pool, &pages);
    if (rv == APR_SUCCESS) {
        rv =
            apr_generate_random_bytes(retained->random_secret, sizeof(retained->random_secret));
    }
    if (rv != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, rv, s,
                     "ratelimit: can't get %" APR_SIZE_T_FMT
                     " bytes of shared memory for the counters; try a smaller size= of "
                     "RateLimitStore",
                     retained->size);
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    retained->state = memory;
    tell_pages(&pages, s);
    return OK;
}

/* A reload doesn't change the size of the table, the tenants' share or the file: that would
 * lose all counters, and children of the old generation would go on counting in the old table.
 */
static void warn_of_changes(const rl_retained_t *retained, const rl_retained_t *wanted,
                            const char *path, server_rec *s)
{
    const char *had = retained->file.path;
    if (retained->size != wanted->size) {
        ap_log_error(
            APLOG_MARK, APLOG_WARNING, 0, s,
            "ratelimit: size= of RateLimitStore is now %" APR_SIZE_T_FMT
            " bytes, but the table of %" APR_SIZE_T_FMT
            " bytes stays in use, with its counters, until httpd is stopped and started",
            wanted->size, retained->size);
    }
    if (retained->tenants != wanted->tenants) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, s,
                     "ratelimit: tenants= of RateLimitStore is now %u%%, but the rules of "
                     ".htaccess files keep a share of %u%% until httpd is stopped and started",
                     wanted->tenants, retained->tenants);
    }
    if (strcmp(had != NULL ? had : "", path != NULL ? path : "") != 0) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, s,
                     "ratelimit: file= of RateLimitStore is now %s, but the table stays %s%s "
                     "until httpd is stopped and started",
                     path != NULL ? path : "gone", had != NULL ? "in " : "in memory",
                     had != NULL ? had : "");
    }
}

/* A reload may have changed RateLimitSecret. */
static void note_secret(rl_retained_t *retained, server_rec *s)
{
    const apr_status_t rv = rl_table_file_set_secret_mark(&retained->file, secret_mark());
    if (rv != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_ERR, rv, s,
                     "ratelimit: RateLimitStore file=%s can't be written to; the counters will "
                     "start anew with the next start",
                     retained->file.path);
    }
}

static rl_retained_t configured(void)
{
    const rl_global_config_t *global = rl_global_config();
    return (rl_retained_t){.layout = rl_ledger_layout(),
                           .size =
                               global->table_size > 0 ? global->table_size : TABLE_SIZE_DEFAULT,
                           .tenants = global->tenants > 0 ? global->tenants : TENANTS_DEFAULT};
}

/* A reload may have loaded another build of the module, to which the cells mean nothing: it
 * makes a table of its own. The memory of the one before stays as it is, because children of
 * the earlier generation go on counting there. */
static void leave_other_table(rl_retained_t *retained, server_rec *s)
{
    const bool other = retained->state != NULL && retained->layout != rl_ledger_layout();
    if (!other && (retained->state != NULL || ap_retained_data_get(RETAINED_EARLIER) == NULL)) {
        return;
    }
    if (retained->file.path != NULL) {
        rl_table_file_child(&retained->file);
    }
    *retained = (rl_retained_t){.state = NULL};
    ap_log_error(APLOG_MARK, APLOG_WARNING, 0, s,
                 "ratelimit: the reload has brought another version of mod_ratelimit_cache, "
                 "which can't read the table of the one before: all counters start anew");
}

static int find_or_make(rl_retained_t *retained, server_rec *s)
{
    const char *path = rl_global_config()->table_file;
    const rl_retained_t wanted = configured();
    leave_other_table(retained, s);
    if (retained->state != NULL) {
        warn_of_changes(retained, &wanted, path, s);
        if (retained->file.path != NULL) {
            note_secret(retained, s);
        }
        return OK;
    }
    *retained = wanted;
    return path != NULL ? open_file(retained, path, s) : make_memory(retained, s);
}

int rl_table_open(rl_runtime_t *runtime, apr_pool_t *pconf, server_rec *s)
{
    rl_retained_t *retained = ap_retained_data_get(RETAINED_KEY);
    int error;
    if (retained == NULL) {
        retained = ap_retained_data_create(RETAINED_KEY, sizeof(*retained));
    }
    error = find_or_make(retained, s);
    if (error != OK) {
        return error;
    }
    if (retained->file.path != NULL) {
        apr_pool_cleanup_register(pconf, retained, note_stop, apr_pool_cleanup_null);
    }
    derive_secrets(runtime, retained);
    runtime->table_state = retained->state;
    rl_ledger_open_divided(&runtime->ledger, cells_of(retained), retained->size,
                           retained->tenants);
    return OK;
}

void rl_table_tell(const rl_runtime_t *runtime, server_rec *s)
{
    const rl_retained_t *retained = ap_retained_data_get(RETAINED_KEY);
    const char *path = retained->file.path;
    ap_log_error(APLOG_MARK, APLOG_INFO, 0, s,
                 "ratelimit: counters in %s, room for %" APR_SIZE_T_FMT
                 " keys, for %" APR_SIZE_T_FMT " of .htaccess files at most",
                 path != NULL ? path : "shared memory", rl_ledger_capacity(&runtime->ledger),
                 rl_ledger_tenants_capacity(&runtime->ledger));
}

void rl_table_child_init(void)
{
    rl_retained_t *retained = ap_retained_data_get(RETAINED_KEY);
    if (retained != NULL && retained->file.path != NULL && retained->parent != getpid()) {
        rl_table_file_child(&retained->file);
    }
}
