/* SPDX-License-Identifier: Apache-2.0 */
#include "replay.h"

#include <apr_strings.h>
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../accesslog/arrivals.h"
#include "../accesslog/read.h"
#include "../config/exemption.h"
#include "../httpd/module.h"
#include "../ledger/ledger.h"
#include "../memcached/log_throttle.h"
#include "../process/runtime.h"
#include "../process/scope.h"
#include "../request/due.h"
#include "../request/judgement.h"
#include "../rule/identity.h"
#include "ends.h"
#include "explain.h"
#include "report.h"
#include "tally.h"
#include "visitor.h"

#define TABLE_MIN   ((size_t)1 << 25)
#define TABLE_MAX   ((size_t)1 << 30) /* memory is taken as it is used */
#define BUFFER_SIZE (1 << 20)

/* Stands for a user who was authenticated by the name in the key. */
#define SAME_USER ""

#define AHEAD 4

/* A line that was read before its turn. */
typedef struct rl_ahead {
    rl_log_reader_t *reader; /* its own: it has fields of the line */
    char *text;              /* len bytes, room for RL_LOG_LINE_MAX */
    size_t len;
    rl_log_line_t line;
    rl_address_t client;
    uint32_t number; /* of the client, if it is numbered */
    bool numbered;
} rl_ahead_t;

typedef struct rl_replay {
    apr_pool_t *pool;
    server_rec *s;
    FILE *out;
    const rl_log_format_t *format; /* NULL: not known yet */
    rl_log_reader_t *first_reader; /* says when a line's request began, */
    rl_arrivals_t *arrivals;
    rl_visitor_t *visitor;
    rl_ledger_t ledger;
    rl_source_t source;
    rl_ends_t ends;
    rl_tally_t tally;
    rl_ahead_t ahead[AHEAD];
    uint64_t came, taken;  /* lines that were put there, and taken from there */
    request_rec *answered; /* stands for a request that is over */
    bool has_duration;     /* the log tells how long requests took */
    bool tell_denied;      /* write a line for each denied request */
} rl_replay_t;

/* File descriptors; plot may be -1. */
typedef struct rl_replay_ends {
    int in, out, plot;
} rl_replay_ends_t;

/* ---- outcomes ---- */

/* A log tells by its user (%u) whom the credentials named, refused or not. */
static rl_auth_e replay_auth(const request_rec *r, const rl_log_line_t *line)
{
    if (r->user == NULL) {
        return RL_AUTH_NONE;
    }
    return line->status == HTTP_UNAUTHORIZED ||
                   line->status == HTTP_PROXY_AUTHENTICATION_REQUIRED
               ? RL_AUTH_FAILED
               : RL_AUTH_OK;
}

/* Refunds and clears as the answer's status says, and the user. A log has no header fields of
 * answers, and no cookies: it can't tell known browsers, so a success starts anew. */
static void replay_settle(rl_replay_t *replay, const rl_end_t *end)
{
    const rl_ending_t ending = {.auth = end->auth, .r = replay->answered};
    const rl_request_t request = {
        .n = end->n, .claims = end->claims, .outcome = {.user = SAME_USER}};
    replay->answered->status = end->status;
    for (int i = 0; i < end->n; i++) {
        rl_claim_t *claim = &end->claims[i];
        rl_rule_tally_t *tally = rl_tally_rule(&replay->tally, claim->rule);
        if (rl_judge_succeeds(&request, i, &ending)) {
            rl_limiter_clear(&replay->source, claim, end->at);
            if (tally != NULL) {
                tally->cleared++;
            }
        }
        else if (claim->charged && !rl_judge_counts(&request, i, &ending)) {
            rl_limiter_refund(&replay->source, claim, 1, end->at);
            if (tally != NULL) {
                tally->refunded++;
            }
        }
    }
}

static void end_until(rl_replay_t *replay, int64_t now)
{
    rl_end_t end;
    while (rl_ends_take(&replay->ends, now, &end)) {
        replay_settle(replay, &end);
        rl_tally_ends(&replay->tally, end.client);
        free(end.claims);
    }
}

/* Keeps the claims, whose outcome matters, until the request is over. Of their texts, which end
 * with the request, it keeps if the claimed user is the one that was authenticated. */
static void keep_claims(rl_end_t *end, const rl_request_t *request, const char *user)
{
    const size_t bytes = (size_t)request->n * sizeof(rl_claim_t);
    end->n = request->n;
    end->claims = malloc(bytes + 1);
    if (end->claims == NULL) {
        fprintf(stderr, "out of memory\n");
        exit(EXIT_FAILURE);
    }
    memcpy(end->claims, request->claims, bytes);
    for (int i = 0; i < end->n; i++) {
        rl_claim_t *claim = &end->claims[i];
        const bool same =
            user != NULL && claim->claimed != NULL && strcmp(user, claim->claimed) == 0;
        claim->claimed = same ? SAME_USER : NULL;
    }
}

/* The outcome of a request that was denied here is not known. */
static bool outcome_matters(const rl_request_t *request, const rl_log_line_t *line, bool denied)
{
    return !denied && request != NULL && request->outcome.matters && line->status != 0;
}

static void keep_end(rl_replay_t *replay, const rl_caller_t *caller, const rl_log_line_t *line,
                     const rl_request_t *request, bool denied)
{
    const int64_t duration = line->duration > 0 && !denied ? line->duration : 0;
    rl_end_t end = {.at = caller->now + duration,
                    .client = caller->client,
                    .status = line->status,
                    .auth = replay_auth(caller->r, line)};
    if (outcome_matters(request, line, denied)) {
        keep_claims(&end, request, caller->r->user);
    }
    else if (!replay->has_duration) {
        return; /* its end changes nothing */
    }
    rl_tally_begins(&replay->tally, caller->client, caller->now);
    rl_ends_add(&replay->ends, &end);
}

/* ---- one request ---- */

/* Decides on the rules of one phase. Returns true if the request is denied. */
static bool decide(rl_replay_t *replay, const rl_caller_t *caller, const rl_visit_t *visit)
{
    rl_request_t *request = visit->request;
    const int n = rl_due_collect(visit, false);
    const int first = request->n - n;
    const int denied =
        n > 0 ? rl_limiter_decide(&replay->source, &request->claims[first], n, caller->now)
              : -1;
    for (int i = first; i < request->n; i++) {
        rl_tally_claim(&replay->tally, caller, &request->claims[i]);
    }
    if (denied >= 0) {
        rl_limiter_refund(&replay->source, request->claims, request->n, caller->now);
        if (replay->tell_denied) {
            fprintf(replay->out, "%s\t", request->claims[first + denied].name);
        }
    }
    return denied >= 0;
}

static void note_unseen(rl_replay_t *replay, const rl_rule_set_t *rules)
{
    for (int i = 0; i < rules->n; i++) {
        const rl_rule_t *rule = rules->rules[i];
        if (rule->phase == RL_PHASE_EARLY_BODY || rule->phase == RL_PHASE_LATE_BODY) {
            rl_rule_tally_t *tally = rl_tally_rule(&replay->tally, rule);
            if (tally != NULL) {
                tally->unseen = true;
            }
        }
    }
}

/* Returns true if the request is denied. *made is its record, or NULL if it has none. */
static bool check(rl_replay_t *replay, const rl_caller_t *caller, request_rec *r,
                  rl_request_t **made)
{
    const rl_dir_config_t *conf = rl_dir_config(r);
    rl_visit_t visit = {.r = r, .conf = conf, .phase = RL_PHASE_EARLY};
    *made = NULL;
    if (conf->rules == NULL || rl_dir_engine(conf) == RL_ENGINE_OFF) {
        return false;
    }
    visit.request =
        rl_request_get(r) != NULL ? rl_request_get(r) : rl_request_make(r, conf->rules->n);
    visit.request->now = caller->now;
    if (rl_exemption_applies(r, conf->exempt, false) ||
        (r->user != NULL && rl_exemption_applies(r, conf->exempt, true))) {
        replay->tally.exempt++;
        return false;
    }
    *made = visit.request;
    note_unseen(replay, conf->rules);
    if (conf->rules->has[RL_PHASE_EARLY] && decide(replay, caller, &visit)) {
        return true;
    }
    visit.phase = RL_PHASE_LATE;
    return conf->rules->has[RL_PHASE_LATE] && decide(replay, caller, &visit);
}

static void take(rl_replay_t *replay, const rl_ahead_t *ahead)
{
    const rl_log_line_t *line = &ahead->line;
    request_rec *r = rl_visitor_request(replay->visitor, line, &ahead->client);
    const rl_caller_t caller = {.r = r, .client = ahead->number, .now = line->began};
    rl_request_t *request;
    bool denied;
    end_until(replay, line->began);
    denied = check(replay, &caller, r, &request);
    rl_tally_request(&replay->tally, &caller, denied);
    if (denied && replay->tell_denied) {
        fprintf(replay->out, "%.*s\n", (int)ahead->len, ahead->text);
    }
    keep_end(replay, &caller, line, request, denied);
}

/* ---- looking ahead ---- */

/* Most of a request's time is waiting for memory: of counters, and of what is known of its
 * client. So lines are read some time before their turn, and memory is fetched meanwhile, in
 * as many steps as one place names the next. */

static bool ahead_read(rl_replay_t *replay, rl_ahead_t *ahead, const char *text, size_t len)
{
    char client[INET6_ADDRSTRLEN];
    const rl_log_line_t *line = &ahead->line;
    if (len > RL_LOG_LINE_MAX) {
        return false;
    }
    memcpy(ahead->text, text, len);
    ahead->len = len;
    ahead->numbered = false;
    if (!rl_log_read(ahead->reader, ahead->text, len, &ahead->line) ||
        line->method.at == NULL || line->url.at == NULL || line->url.len == 0 ||
        line->client.len >= sizeof(client)) {
        return false;
    }
    memcpy(client, line->client.at, line->client.len);
    client[line->client.len] = '\0';
    if (!rl_address_parse(client, &ahead->client)) {
        return false;
    }
    rl_tally_prefetch(&replay->tally, &ahead->client);
    return true;
}

/* Clients are numbered in the order of their lines. */
static void ahead_number(rl_replay_t *replay, rl_ahead_t *ahead)
{
    if (!ahead->numbered) {
        ahead->number = rl_tally_client(&replay->tally, &ahead->client);
        ahead->numbered = true;
        rl_tally_prefetch_client(&replay->tally, ahead->number);
    }
}

static rl_ahead_t *ahead_of(rl_replay_t *replay, uint64_t i)
{
    return &replay->ahead[i % AHEAD];
}

static void take_next(rl_replay_t *replay)
{
    rl_ahead_t *ahead = ahead_of(replay, replay->taken++);
    ahead_number(replay, ahead);
    take(replay, ahead);
}

/* A line comes, in the order in which requests began. */
static void arrive(void *context, const char *text, size_t len)
{
    rl_replay_t *replay = context;
    const uint64_t came = replay->came;
    if (!ahead_read(replay, ahead_of(replay, came), text, len)) {
        replay->tally.skipped++;
        return;
    }
    replay->came++;
    if (came >= 1) {
        ahead_number(replay, ahead_of(replay, came - 1));
    }
    if (came >= 2) {
        rl_tally_prefetch_keys(&replay->tally, &replay->ledger,
                               ahead_of(replay, came - 2)->number);
    }
    if (replay->came - replay->taken == AHEAD) {
        take_next(replay);
    }
}

static void make_ahead(rl_replay_t *replay)
{
    for (int i = 0; i < AHEAD; i++) {
        replay->ahead[i].text = apr_palloc(replay->pool, RL_LOG_LINE_MAX);
        replay->ahead[i].reader = rl_log_reader_make(replay->pool, replay->format);
    }
}

/* ---- lines ---- */

static bool set_format(rl_replay_t *replay, const char *text)
{
    const char *reason = rl_log_format_parse(replay->pool, text, &replay->format);
    if (reason != NULL) {
        fprintf(stderr, "LogFormat \"%s\": %s\n", text, reason);
        return false;
    }
    replay->first_reader = rl_log_reader_make(replay->pool, replay->format);
    make_ahead(replay);
    replay->has_duration = rl_log_format_has_duration(replay->format);
    replay->visitor = rl_visitor_make(replay->pool, replay->s, replay->format);
    return true;
}

static void take_line(rl_replay_t *replay, const char *text, size_t len)
{
    int64_t began;
    replay->tally.lines++;
    if (replay->format == NULL) {
        const char *name = rl_log_guess(replay->pool, text, len);
        if (name != NULL) {
            set_format(replay, name);
        }
    }
    if (replay->format == NULL || !rl_log_read_time(replay->first_reader, text, len, &began)) {
        replay->tally.unreadable++;
        return;
    }
    rl_arrivals_add(replay->arrivals, began, text, len);
}

/* Hands on the lines in the first n bytes. Returns how many bytes were lines. */
static size_t take_lines(rl_replay_t *replay, const char *buffer, size_t n)
{
    const char *at = buffer, *end;
    while ((end = memchr(at, '\n', n - (size_t)(at - buffer))) != NULL) {
        size_t len = (size_t)(end - at);
        if (len > 0 && at[len - 1] == '\r') {
            len--;
        }
        if (len > 0) {
            take_line(replay, at, len);
        }
        at = end + 1;
    }
    return (size_t)(at - buffer);
}

/* A line that is longer than the buffer is cut, and then is none. */
static void take_all(rl_replay_t *replay, int in)
{
    static char buffer[BUFFER_SIZE];
    size_t n = 0;
    for (;;) {
        const ssize_t got = read(in, buffer + n, sizeof(buffer) - 1 - n);
        size_t used;
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            break;
        }
        n += (size_t)got;
        used = take_lines(replay, buffer, n);
        n -= used;
        memmove(buffer, buffer + used, n);
        if (n == sizeof(buffer) - 1) {
            n = 0;
        }
    }
    buffer[n] = '\n';
    take_lines(replay, buffer, n + 1);
    replay->tally.late = rl_arrivals_finish(replay->arrivals);
    while (replay->taken < replay->came) {
        take_next(replay);
    }
}

/* ---- the whole ---- */

static const char *setting(const char *name, const char *fallback)
{
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0' ? value : fallback;
}

/* Returns the bytes of a table that has a cell for each rule and line, and some more. A table
 * that is larger than it must be is slow: each key that comes has a page of its own. */
static size_t table_size(void)
{
    const uint64_t bytes = strtoull(setting("RATELIMIT_REPLAY_BYTES", "0"), NULL, 10);
    size_t cells = 1;
    for (const rl_rule_t *rule = rl_global_config()->rules; rule != NULL; rule = rule->next) {
        cells += 1u + (rule->distinct != NULL) + (rule->meter.penalty_us > 0);
    }
    if (bytes == 0 || bytes > TABLE_MAX / cells) {
        return TABLE_MAX;
    }
    return bytes * cells > TABLE_MIN ? (size_t)bytes * cells : TABLE_MIN;
}

/* Has the module count in memory of this process's own. */
static void open_counters(rl_replay_t *replay)
{
    static const char anything[] = "replay";
    const rl_global_config_t *global = rl_global_config();
    rl_runtime_t runtime = {.log_table = apr_pcalloc(replay->pool, RL_LOG_THROTTLE_SIZE)};
    const size_t size = table_size();
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
        perror("the table of counters");
        exit(EXIT_FAILURE);
    }
    rl_ledger_open(&runtime.ledger, memory, size);
    rl_secret_derive(&runtime.secret, RL_SECRET_OF_KEYS,
                     global->secret != NULL ? global->secret : anything,
                     global->secret != NULL ? global->secret_len : sizeof(anything));
    runtime.fleet_secret = runtime.secret;
    rl_runtime_set(&runtime);
    rl_config_identify_vhosts(replay->pool, replay->pool, replay->s);
    rl_rules_number(rl_global_config()->rules);
    rl_scope_post_config();
    replay->ledger = runtime.ledger;
    replay->source = (rl_source_t){.ledger = &replay->ledger};
}

static void report(rl_replay_t *replay, const char *output)
{
    const rl_report_terms_t terms = {
        .percent = atof(setting("RATELIMIT_REPLAY_PERCENT", "1")),
        .top = (unsigned)atoi(setting("RATELIMIT_REPLAY_TOP", "10")),
        .has_duration = replay->format != NULL && rl_log_format_has_duration(replay->format),
        .has_fraction = replay->format != NULL && rl_log_format_has_fraction(replay->format),
        .colour = *setting("RATELIMIT_REPLAY_COLOUR", "0") == '1'};
    if (strcmp(output, "json") == 0) {
        rl_report_json(replay->out, &replay->tally, &terms);
    }
    else if (strcmp(output, "csv") == 0) {
        rl_report_csv(replay->out, &replay->tally, &terms);
    }
    else if (strcmp(output, "text") == 0) {
        rl_report_text(replay->out, &replay->tally, &terms);
    }
}

static void plot(rl_replay_t *replay, int to)
{
    const rl_report_terms_t terms = {.percent = 0};
    FILE *out = to >= 0 ? fdopen(to, "w") : NULL;
    if (out != NULL) {
        rl_report_svg(out, &replay->tally, &terms);
        fclose(out);
    }
}

/* Begins the tallies of all rules, in the order of the configuration. */
static void add_rules(rl_tally_t *tally, const rl_rule_t *rule)
{
    if (rule != NULL) {
        add_rules(tally, rule->next); /* the list has the last one first */
        if (!rule->dropped && !rule->unlimited) {
            rl_tally_rule(tally, rule);
        }
    }
}

static void replay_logs(apr_pool_t *pconf, server_rec *s, const rl_replay_ends_t *ends)
{
    const char *output = setting("RATELIMIT_REPLAY_OUTPUT", "text");
    const char *format = setting("RATELIMIT_REPLAY_FORMAT", NULL);
    rl_replay_t *replay = apr_pcalloc(pconf, sizeof(*replay));
    replay->pool = replay->tally.pool = pconf;
    replay->s = s;
    replay->out = fdopen(ends->out, "w");
    replay->tell_denied = strcmp(output, "denied") == 0;
    replay->arrivals = rl_arrivals_make(arrive, replay);
    replay->answered = apr_pcalloc(pconf, sizeof(request_rec));
    open_counters(replay);
    add_rules(&replay->tally, rl_global_config()->rules);
    if (replay->out == NULL || (format != NULL && !set_format(replay, format))) {
        exit(EXIT_FAILURE);
    }
    take_all(replay, ends->in);
    end_until(replay, INT64_MAX);
    report(replay, output);
    plot(replay, ends->plot);
    fclose(replay->out);
}

void rl_replay_test_config(apr_pool_t *pconf, server_rec *s)
{
    const char *replay = getenv("RATELIMIT_REPLAY"), *explain = getenv("RATELIMIT_EXPLAIN");
    rl_replay_ends_t ends = {.plot = -1};
    FILE *out;
    if (replay != NULL && sscanf(replay, "%d:%d:%d", &ends.in, &ends.out, &ends.plot) >= 2) {
        replay_logs(pconf, s, &ends);
    }
    if (explain != NULL && (out = fdopen(atoi(explain), "w")) != NULL) {
        rl_explain_rules(out, pconf);
        fclose(out);
    }
}
