/* SPDX-License-Identifier: Apache-2.0 */
/* Asks if a memcached answers, in httpd's parent process, before there are children. It speaks
 * the protocol itself: libmemcached asserts what an answer looks like, and an assertion in the
 * parent would end the whole server. */
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <apr_strings.h>

#include "../system/clock.h"
#include "counter_text.h"
#include "memcached.h"

/* No memcached answers with a longer line; libmemcached can't read one. */
#define LINE_MAX_BYTES 1000
#define SAID_MAX       120 /* bytes of an answer that are logged */

typedef struct rl_probe {
    apr_pool_t *pool;
    const rl_memcached_server_t *server;
    int64_t deadline; /* microseconds of the monotonic clock */
    int fd;
    char line[LINE_MAX_BYTES + 1]; /* the answer, without the end of the line */
    size_t len;
} rl_probe_t;

/* Waits until the socket is ready for these events. Returns false at the deadline. */
static bool probe_wait(const rl_probe_t *probe, short events)
{
    struct pollfd at = {.fd = probe->fd, .events = events};
    int64_t left;
    while ((left = probe->deadline - rl_clock_now()) > 0) {
        const int ready = poll(&at, 1, (int)((left + 999) / 1000));
        if (ready > 0) {
            return true;
        }
        if (ready < 0 && errno != EINTR) {
            return false;
        }
    }
    errno = ETIMEDOUT;
    return false;
}

/* Sets *address to the server's. Returns its length, 0 if it can't be read. */
static socklen_t probe_address(const rl_memcached_server_t *server,
                               struct sockaddr_storage *address)
{
    const struct addrinfo numeric = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM};
    struct sockaddr_un path = {.sun_family = AF_UNIX};
    struct addrinfo *found;
    char port[8];
    socklen_t len;
    if (server->port == 0) {
        apr_cpystrn(path.sun_path, server->address, sizeof(path.sun_path));
        memcpy(address, &path, sizeof(path));
        return sizeof(path);
    }
    apr_snprintf(port, sizeof(port), "%u", server->port);
    if (getaddrinfo(server->address, port, &numeric, &found) != 0) {
        return 0;
    }
    len = found->ai_addrlen;
    memcpy(address, found->ai_addr, len);
    freeaddrinfo(found);
    return len;
}

/* Connects. Returns 0 or the error. */
static int probe_connect(rl_probe_t *probe)
{
    struct sockaddr_storage address;
    const socklen_t len = probe_address(probe->server, &address);
    int error = 0;
    socklen_t size = sizeof(error);
    if (len == 0) {
        return EADDRNOTAVAIL;
    }
    probe->fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (probe->fd < 0) {
        return errno;
    }
    if (connect(probe->fd, (const struct sockaddr *)&address, len) == 0) {
        return 0;
    }
    if (errno != EINPROGRESS || !probe_wait(probe, POLLOUT)) {
        return errno;
    }
    return getsockopt(probe->fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

/* Adds 0 to a counter that doesn't exist, which changes nothing. */
static int probe_send(const rl_probe_t *probe, const char *prefix)
{
    static const rl_shared_counter_t counter = {.ttl = 1};
    char name[RL_COUNTER_TEXT_NAME_MAX + 1];
    const char *command;
    size_t len;
    rl_counter_text_name(prefix, &counter, name);
    command = apr_psprintf(probe->pool, "incr %s 0\r\n", name);
    len = strlen(command);
    return send(probe->fd, command, len, MSG_NOSIGNAL) == (ssize_t)len ? 0 : EPIPE;
}

/* Reads one line. Returns 0, EMSGSIZE if it is too long for a memcached's, or the error. */
static int probe_receive(rl_probe_t *probe)
{
    while (probe->len < sizeof(probe->line)) {
        char *end = memchr(probe->line, '\n', probe->len);
        ssize_t n;
        if (end != NULL) {
            probe->len = (size_t)(end - probe->line);
            return 0;
        }
        if (!probe_wait(probe, POLLIN)) {
            return errno;
        }
        n = recv(probe->fd, probe->line + probe->len, sizeof(probe->line) - probe->len, 0);
        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
            return n == 0 ? ECONNRESET : errno;
        }
        probe->len += n > 0 ? (size_t)n : 0;
    }
    return memchr(probe->line, '\n', probe->len) != NULL ? 0 : EMSGSIZE;
}

static int probe_ask(rl_probe_t *probe, const char *prefix)
{
    int error = probe_connect(probe);
    if (error == 0) {
        error = probe_send(probe, prefix);
    }
    if (error == 0) {
        error = probe_receive(probe);
    }
    if (probe->fd >= 0) {
        close(probe->fd);
    }
    return error;
}

/* Returns true if this is how a memcached answers. */
static bool is_good_answer(const rl_probe_t *probe)
{
    static const char missing[] = "NOT_FOUND";
    const size_t len =
        probe->len > 0 && probe->line[probe->len - 1] == '\r' ? probe->len - 1 : probe->len;
    uint64_t value;
    return (len == sizeof(missing) - 1 && memcmp(probe->line, missing, len) == 0) ||
           rl_counter_text_parse(probe->line, len, &value);
}

/* Returns what the server said, fit for a log. */
static const char *what_was_said(rl_probe_t *probe)
{
    size_t len = probe->len < SAID_MAX ? probe->len : SAID_MAX;
    while (len > 0 && (probe->line[len - 1] == '\r' || probe->line[len - 1] == ' ')) {
        len--;
    }
    for (size_t i = 0; i < len; i++) {
        if (probe->line[i] < ' ' || probe->line[i] > '~') {
            probe->line[i] = '?';
        }
    }
    return len > 0 ? apr_pstrmemdup(probe->pool, probe->line, len) : "an empty line";
}

static const char *probe_reason(rl_probe_t *probe, int error)
{
    char text[128];
    if (error == 0) {
        return is_good_answer(probe)
                   ? NULL
                   : apr_psprintf(probe->pool,
                                  "answers with an error (%s): it is no memcached, wants a "
                                  "password (-Y, -S), or has trouble of its own",
                                  what_was_said(probe));
    }
    if (error == EMSGSIZE) {
        return "answers with a line of over 1000 bytes, which no memcached does: it is not "
               "asked until httpd is reloaded. Correct its address, or what listens there";
    }
    return apr_psprintf(probe->pool, "does not answer (%s)",
                        apr_strerror(error, text, sizeof(text)));
}

const char *rl_memcached_probe(apr_pool_t *pool, const rl_memcached_settings_t *settings,
                               unsigned server, bool *unsafe)
{
    rl_probe_t probe = {.pool = pool,
                        .server = &settings->servers[server],
                        .deadline = rl_clock_now() + settings->timeout_us,
                        .fd = -1};
    int error;
    *unsafe = false;
    if (probe.server->address == NULL) {
        return "can't be asked (its name can't be resolved)";
    }
    error = probe_ask(&probe, settings->prefix);
    *unsafe = error == EMSGSIZE;
    return probe_reason(&probe, error);
}
