/* SPDX-License-Identifier: Apache-2.0 */
/* Each server goes round the places of each shared store: some seconds after it has started or
 * reloaded, then more and more seldom, and at last every five minutes. One child does so for
 * all, the first to see that a round is due; requests have nothing to do with it. */
#include "muster.h"

#include <apr_network_io.h>
#include <apr_strings.h>
#include <ap_listen.h>
#include <http_log.h>
#include <http_main.h>
#include <string.h>

#include "../config/config.h"
#include "../httpd/module.h"
#include "../system/clock.h"
#include "fingerprint.h"
#include "runtime.h"

APLOG_USE_MODULE(ratelimit_cache);

/* Microseconds */
#define ROUND_LEAST  RL_USEC_PER_SEC /* between two rounds */
#define ROUND_MOST   (300 * RL_USEC_PER_SEC)
#define SESSION_MOST 400000

#define PLACES_TRIED 8

static char own_name[RL_MUSTER_NAME_MAX + 1]; /* HOST:PORT */

/* ---- this server ---- */

/* Returns the port of the first Listen, which is the last of the list. */
static unsigned first_port(const server_rec *s)
{
    unsigned port = s->port;
    for (const ap_listen_rec *at = ap_listeners; at != NULL; at = at->next) {
        port = at->bind_addr->port;
    }
    return port;
}

#define NAME_LENGTH 26 /* of a host's name, as the others see it */

static void find_own_name(const server_rec *s, apr_pool_t *pool)
{
    const unsigned port = first_port(s);
    char host[APRMAXHOSTLEN + 1] = "unknown";
    apr_gethostname(host, sizeof(host), pool);
    if (strlen(host) > NAME_LENGTH) { /* the end, too, tells it from others */
        const rl_digest_t whole = rl_digest_public(host, strlen(host));
        apr_snprintf(host + NAME_LENGTH - 5, 6, "~%04x", (unsigned)(whole.lo & 0xffff));
    }
    apr_snprintf(own_name, sizeof(own_name), "%.26s:%u", host, port);
}

/* Returns the store's muster; NULL if there are too many stores. */
static rl_muster_t *find_muster(uint64_t store)
{
    rl_muster_t *musters = rl_runtime()->musters;
    for (unsigned i = 0; i < RL_MUSTER_STORES; i++) {
        uint64_t there = 0;
        if (atomic_compare_exchange_strong(&musters[i].store, &there, store) ||
            there == store) {
            return &musters[i];
        }
    }
    return NULL;
}

void rl_muster_post_config(rl_store_config_t *store, apr_pool_t *pconf)
{
    find_own_name(store->server, pconf);
    store->print = rl_fingerprint(pconf, store);
    store->muster = store->compares ? find_muster(store->salt.hi | 1) : NULL;
    if (store->muster != NULL) {
        const int64_t now = rl_clock_now();
        atomic_store(&store->muster->began_us, now);
        atomic_store(&store->muster->next_us, now);
        atomic_store(&store->muster->written_us, 0);
    }
}

/* ---- what is found ---- */

rl_print_t rl_fellow_print(const rl_fellow_t *fellow)
{
    rl_print_t print;
    for (unsigned i = 0; i < RL_PRINT_WORDS; i++) {
        print.words[i] = atomic_load(&fellow->print[i]);
    }
    return print;
}

static void set_fellow_print(rl_fellow_t *fellow, const rl_print_t *print)
{
    for (unsigned i = RL_PRINT_WORDS; i-- > 0;) {
        atomic_store(&fellow->print[i], print->words[i]);
    }
}

void rl_fellow_name(const rl_fellow_t *fellow, char name[RL_MUSTER_NAME_MAX + 1])
{
    for (unsigned i = 0; i < RL_MUSTER_NAME_WORDS; i++) {
        const uint64_t word = atomic_load(&fellow->name[i]);
        memcpy(name + 8 * i, &word, sizeof(word));
    }
    name[RL_MUSTER_NAME_MAX] = '\0';
}

static void set_fellow_name(rl_fellow_t *fellow, const char name[RL_MUSTER_NAME_MAX + 1])
{
    for (unsigned i = 0; i < RL_MUSTER_NAME_WORDS; i++) {
        uint64_t word;
        memcpy(&word, name + 8 * i, sizeof(word));
        atomic_store(&fellow->name[i], word);
    }
}

static const char *store_text(char *text, size_t size, const rl_store_config_t *store)
{
    apr_snprintf(text, size, "%s%s", store->settings.servers[0].name,
                 store->settings.nservers > 1 ? " ..." : "");
    return text;
}

/* Writes the differences to text, with commas between them. */
static const char *differences_text(char *text, size_t size, unsigned differences)
{
    char *end = text;
    *text = '\0';
    for (int i = 0; i < RL_ALIKE_KINDS; i++) {
        if ((differences >> i & 1) != 0) {
            end += apr_snprintf(end, size - (size_t)(end - text), "%s%s",
                                end > text ? ", " : "", rl_alike_text((rl_alike_e)i));
        }
    }
    return text;
}

/* Options of rules are told only if the counters are the same. */
static bool are_of_options(unsigned differences)
{
    const unsigned options = ((1u << RL_ALIKE_PARTS) - 1) & ~((1u << RL_ALIKE_OPTIONS) - 1);
    return (differences & ~options) == 0;
}

static void log_differences(const rl_store_config_t *store, const char *name,
                            unsigned differences)
{
    char text[160], what[400];
    ap_log_error(
        APLOG_MARK, APLOG_WARNING, 0, store->server,
        "ratelimit: RateLimitStore memcached %s: the httpd at %s, which uses it too, is "
        "configured differently: %s. %s; configure all servers of a fleet alike",
        store_text(text, sizeof(text), store), name[0] != '\0' ? name : "an unknown host",
        differences_text(what, sizeof(what), differences),
        are_of_options(differences)
            ? "Their counters are the same, but each counts there in its own way"
            : "Their counters are not the same");
}

/* Logs what is different, once for each change. */
static void tell(const rl_store_config_t *store, rl_fellow_t *fellow, const char *name)
{
    const rl_print_t print = rl_fellow_print(fellow);
    const unsigned differences = rl_muster_differences(&print, &store->print);
    const unsigned told = atomic_exchange(&fellow->told, differences);
    char text[160];
    if (differences != told && differences != 0) {
        log_differences(store, name, differences);
    }
    else if (differences != told) {
        ap_log_error(
            APLOG_MARK, APLOG_NOTICE, 0, store->server,
            "ratelimit: RateLimitStore memcached %s: the httpd at %s is configured like "
            "this one now",
            store_text(text, sizeof(text), store), name);
    }
}

/* Notes who has a place; a name that isn't this server's own. */
static void note_fellow(const rl_store_config_t *store, rl_fellow_t *fellow,
                        const rl_print_t *print, const char name[RL_MUSTER_NAME_MAX + 1])
{
    char known[RL_MUSTER_NAME_MAX + 1];
    rl_fellow_name(fellow, known);
    if (strcmp(known, name) != 0) {
        atomic_store(&fellow->told, 0);
        set_fellow_name(fellow, name);
    }
    set_fellow_print(fellow, print);
    atomic_store(&fellow->seen_s, rl_clock_seconds());
    tell(store, fellow, name);
}

static void forget_fellow(rl_fellow_t *fellow)
{
    atomic_store(&fellow->print[0], 0);
    atomic_store(&fellow->told, 0);
}

/* ---- a round ---- */

typedef struct rl_round_trip {
    const rl_store_config_t *store;
    rl_store_session_t session;
    bool failed; /* the store doesn't answer: the round ends */
} rl_round_trip_t;

static rl_store_session_t *begin_trip(rl_round_trip_t *trip)
{
    const int64_t timeout = trip->store->settings.timeout_us;
    trip->session = (rl_store_session_t){
        .store = trip->store->store,
        .deadline = rl_clock_now() + (timeout < SESSION_MOST ? timeout : SESSION_MOST)};
    return &trip->session;
}

static void end_trip(rl_round_trip_t *trip, rl_store_status_e status)
{
    trip->session.store->ops->end(&trip->session);
    trip->failed |= status != RL_STORE_OK;
}

/* Reads a place. Sets its fingerprint, none if it is free, and the name. */
static void visit_place(rl_round_trip_t *trip, unsigned place, rl_print_t *print,
                        char name[RL_MUSTER_NAME_MAX + 1])
{
    rl_store_status_e status;
    name[0] = '\0';
    status = rl_muster_read_print(begin_trip(trip), place, print);
    if (status == RL_STORE_OK && print->words[0] != 0) {
        status = rl_muster_read_name(&trip->session, place, name);
    }
    end_trip(trip, status);
}

/* Looks at all places on the roll. Returns those that are taken, by others or by this
 * server. */
static uint64_t visit_places(rl_round_trip_t *trip, uint64_t roll)
{
    const rl_muster_t *muster = trip->store->muster;
    uint64_t taken = 0;
    for (unsigned i = 0; i < RL_MUSTER_PLACES && !trip->failed; i++) {
        rl_fellow_t *fellow = &trip->store->muster->fellows[i];
        char name[RL_MUSTER_NAME_MAX + 1];
        rl_print_t print = {.words = {0}};
        if ((roll >> i & 1) != 0) {
            visit_place(trip, i, &print, name);
        }
        if (trip->failed) {
            break;
        }
        const bool is_taken = print.words[0] != 0;
        if (!is_taken || strcmp(name, own_name) == 0) {
            forget_fellow(fellow);
        }
        else {
            note_fellow(trip->store, fellow, &print, name);
        }
        taken |= (uint64_t)(is_taken || i + 1 == atomic_load(&muster->place)) << i;
    }
    return taken;
}

/* Returns this server's place: the one that it has, else the first free one from where its name
 * says. Without a free one near there it takes another's, which is then found in turns. */
static unsigned choose_place(rl_muster_t *muster)
{
    const unsigned had = atomic_load(&muster->place);
    const unsigned first = rl_muster_place(own_name);
    unsigned place = first;
    if (had > 0) {
        return had - 1;
    }
    for (unsigned i = 0; i < PLACES_TRIED; i++) {
        place = (first + i) % RL_MUSTER_PLACES;
        if (atomic_load(&muster->fellows[place].print[0]) == 0) {
            break;
        }
    }
    atomic_store(&muster->place, place + 1);
    return place;
}

/* Writes this server's place, and the roll. */
static void write_own(rl_round_trip_t *trip, uint64_t taken, int64_t now)
{
    rl_muster_t *muster = trip->store->muster;
    const unsigned place = choose_place(muster);
    rl_store_session_t *session = begin_trip(trip);
    rl_store_status_e status = rl_muster_write(session, place, &trip->store->print, own_name);
    if (status == RL_STORE_OK) {
        status = rl_muster_write_roll(session, taken | UINT64_C(1) << place);
    }
    end_trip(trip, status);
    if (!trip->failed) {
        atomic_store(&muster->written_us, now);
    }
}

static void go_round(const rl_store_config_t *store, int64_t now)
{
    rl_round_trip_t trip = {.store = store};
    rl_muster_t *muster = store->muster;
    const int64_t written = atomic_load(&muster->written_us);
    const unsigned place = atomic_load(&muster->place);
    uint64_t roll, taken;
    end_trip(&trip, rl_muster_read_roll(begin_trip(&trip), &roll));
    taken = trip.failed ? 0 : visit_places(&trip, roll);
    if (trip.failed) {
        return;
    }
    if (written == 0 || now - written >= ROUND_MOST || (roll >> (place - 1) & 1) == 0) {
        write_own(&trip, taken, now);
    }
}

/* Rounds are as far apart as the configuration is old. */
static int64_t next_round(const rl_muster_t *muster, int64_t now)
{
    const int64_t age = now - atomic_load(&muster->began_us) + ROUND_LEAST;
    return now + (age < ROUND_MOST ? age : ROUND_MOST);
}

void rl_muster_look(const rl_store_config_t *store, int64_t now)
{
    rl_muster_t *muster = store->muster;
    int64_t due = atomic_load(&muster->next_us);
    if (now >= due &&
        atomic_compare_exchange_strong(&muster->next_us, &due, next_round(muster, now))) {
        go_round(store, now);
    }
}
