/* SPDX-License-Identifier: Apache-2.0 */
#include "error_text.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

/* Messages look like "(0x55d0c0ffee00) SERVER ERROR, what it said,  host: 127.0.0.1:11211 ->
 * ./src/file.cc:285". Only some of them name the error. */
static const char *start_of(const char *message)
{
    static const char *const names[] = {"SERVER ERROR, ", "CLIENT ERROR, ",
                                        "UNKNOWN READ FAILURE, "};
    const char *closing = *message == '(' ? strstr(message, ") ") : NULL;
    const char *start = closing != NULL ? closing + 2 : message;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strncmp(start, names[i], strlen(names[i])) == 0) {
            return start + strlen(names[i]);
        }
    }
    return start;
}

const char *rl_error_text(const char *message, const char *otherwise,
                          char text[RL_ERROR_TEXT_MAX + 1])
{
    const char *start = start_of(message);
    const char *end = strstr(start, ",  host: ");
    size_t len = end != NULL ? (size_t)(end - start) : 0;
    while (len > 0 && (start[len - 1] == '\n' || start[len - 1] == '\r')) {
        len--;
    }
    if (len == 0) {
        return otherwise;
    }
    len = len < RL_ERROR_TEXT_MAX ? len : RL_ERROR_TEXT_MAX;
    for (size_t i = 0; i < len; i++) {
        text[i] = start[i];
        if (text[i] < ' ' || text[i] > '~') {
            text[i] = '?';
        }
    }
    text[len] = '\0';
    return text;
}

bool rl_error_text_says_no_memory(const char *text)
{
    return strcasestr(text, "out of memory") != NULL;
}

/* What mcrouter says before it names a server or the system's error (routes/DestinationRoute.h,
 * lib/network/AsyncMcClientImpl.cpp). */
static bool begins_as_mcrouter(const char *text)
{
    static const char *const starts[] = {
        "Server unavailable. Reason: ",
        "AsyncSocketException: ",
        "SSLError: ",
        "Timed out when trying to connect to server.",
        "Connection aborted.",
        "Failed to read from socket ",
        "Failed to write into socket ",
        "Failed to send request - deadline exceeded",
        "Max pending requests (",
    };
    for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
        if (strncmp(text, starts[i], strlen(starts[i])) == 0) {
            return true;
        }
    }
    return false;
}

/* twemproxy (src/nc_message.c) says what the system calls the error, in the words of its C
 * library, here glibc's and musl's; "unknown" if the memcached has just closed the connection.
 * mcrouter's words for an error that it has no message for are in its AsciiSerialized.cpp,
 * those of memcached's own proxy in proxy.h. None of them is a memcached's. */
bool rl_error_text_says_backend_gone(const char *text)
{
    static const char *const said[] = {
        "Connection refused",
        "Connection timed out",
        "Operation timed out",
        "Connection reset by peer",
        "Connection aborted",
        "Software caused connection abort",
        "Broken pipe",
        "Host is down",
        "No route to host",
        "Host is unreachable",
        "Network is unreachable",
        "Network unreachable",
        "Network is down",
        "No such file or directory", /* a unix socket */
        "unknown",
        "unavailable",
        "timeout",
        "connection timeout",
        "connection error",
        "request deadline exceeded",
        "301 shutdown",
        "302 try again",
        "307 busy",
        "overloaded",
        "aborted",
        "local error",
        "remote error",
        "Reply timeout",
        "Client queue timeout",
        "Connection closed by the server.",
        "Connection was in ERROR state.",
        "backend failure",
        "backend timeout",
    };
    for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
        if (strcasecmp(text, said[i]) == 0) {
            return true;
        }
    }
    return begins_as_mcrouter(text);
}
