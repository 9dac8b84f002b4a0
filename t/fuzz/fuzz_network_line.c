/* SPDX-License-Identifier: Apache-2.0 */
/* Input: a line of a file of networks, without its newline.
 *
 * Properties: what is refused has a reason, and a token that is printable and within the line;
 * a prefix that is taken has no bits beyond its length, and its label can be printed; written
 * anew it is read as the same; and blanks in front, or a comment after it, change nothing. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "networks/line.h"

static void require(int holds)
{
    if (!holds) {
        abort();
    }
}

static void require_printable(const char *line, size_t len, const char *word, size_t word_len)
{
    require(word >= line && word + word_len <= line + len);
    for (size_t i = 0; i < word_len; i++) {
        require(word[i] > ' ' && word[i] <= '~');
    }
}

static void require_same(const char *line, size_t len, const rl_network_line_t *wanted)
{
    rl_network_line_t again;
    require(rl_network_line_parse(line, len, &again) == NULL);
    require(again.blank == wanted->blank);
    if (!wanted->blank) {
        require(memcmp(&again.prefix, &wanted->prefix, sizeof(again.prefix)) == 0);
        require(again.label_len == wanted->label_len &&
                memcmp(again.label, wanted->label, again.label_len) == 0);
    }
}

static void check_prefix(const char *line, size_t len, const rl_network_line_t *parsed)
{
    char address[INET6_ADDRSTRLEN], anew[INET6_ADDRSTRLEN + RL_NETWORK_LABEL_MAX + 8];
    rl_address_t masked = parsed->prefix;
    int anew_len;
    rl_address_mask(&masked, masked.bits, masked.bits);
    require(memcmp(&masked, &parsed->prefix, sizeof(masked)) == 0);
    require(parsed->label_len >= 1 && parsed->label_len <= RL_NETWORK_LABEL_MAX);
    require_printable(line, len, parsed->label, parsed->label_len);
    require(inet_ntop(masked.family == 4 ? AF_INET : AF_INET6, masked.bytes, address,
                      sizeof(address)) != NULL);
    anew_len = snprintf(anew, sizeof(anew), "%s/%u %.*s", address, masked.bits,
                        (int)parsed->label_len, parsed->label);
    require_same(anew, (size_t)anew_len, parsed);
}

static void check_surroundings(const char *line, size_t len, const rl_network_line_t *parsed)
{
    char around[RL_NETWORK_LINE_MAX + 16];
    const size_t end = len > 0 && line[len - 1] == '\r' ? len - 1 : len;
    int around_len;
    if (end + 8 > RL_NETWORK_LINE_MAX || memchr(line, '\0', len) != NULL) {
        return;
    }
    around_len = snprintf(around, sizeof(around), " \t%.*s # x\r", (int)end, line);
    require_same(around, (size_t)around_len, parsed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *const line = malloc(size > 0 ? size : 1); /* no byte more: sanitizers see its end */
    rl_network_line_t parsed;
    const char *reason;
    require(line != NULL);
    memcpy(line, data, size);
    reason = rl_network_line_parse(line, size, &parsed);
    if (reason != NULL) {
        require(*reason != '\0');
        if (parsed.token != NULL) {
            require_printable(line, size, parsed.token, parsed.token_len);
        }
    }
    else {
        require(size <= RL_NETWORK_LINE_MAX);
        if (!parsed.blank) {
            check_prefix(line, size, &parsed);
        }
        check_surroundings(line, size, &parsed);
    }
    free(line);
    return 0;
}
