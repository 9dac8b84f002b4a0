/* SPDX-License-Identifier: Apache-2.0 */
/* networks: random tables against a look at every prefix; prefixes at all edges, nested, next
 * to each other, twice; which lines are refused, and why; whole files. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <apr_general.h>

#include "networks/builder.h"
#include "networks/catalogue.h"
#include "networks/file.h"
#include "networks/line.h"
#include "support.h"

static apr_pool_t *pool;

static int begin(void **state)
{
    (void)state;
    apr_initialize();
    return apr_pool_create(&pool, NULL) == APR_SUCCESS ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    apr_pool_destroy(pool);
    apr_terminate();
    return 0;
}

/* ---- tables ---- */

/* A table of lines, "PREFIX LABEL" each. */
static const rl_network_table_t *table_of(const char *const *lines, size_t n)
{
    rl_network_builder_t *builder = rl_network_builder_create(pool);
    rl_network_conflict_t conflict;
    const rl_network_table_t *table;
    for (size_t i = 0; i < n; i++) {
        rl_network_line_t line;
        assert_null(rl_network_line_parse(lines[i], strlen(lines[i]), &line));
        assert_null(rl_network_builder_add(builder, &line.prefix, line.label, line.label_len,
                                           (uint32_t)i + 1));
    }
    assert_null(rl_network_builder_finish(builder, &table, &conflict));
    assert_non_null(table);
    return table;
}

#define TABLE(...)                                                                             \
    table_of((const char *const[]){__VA_ARGS__},                                               \
             sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

static void assert_label(const rl_network_table_t *table, const char *text, const char *wanted)
{
    rl_address_t address;
    const char *label;
    assert_true(rl_address_parse(text, &address));
    label = rl_network_table_label(table, &address);
    if (label == NULL || wanted == NULL ? label != wanted : strcmp(label, wanted) != 0) {
        fail_msg("%s is %s, not %s", text, label != NULL ? label : "(none)",
                 wanted != NULL ? wanted : "(none)");
    }
}

static void an_empty_table_has_no_labels(void **state)
{
    const rl_network_table_t *table = table_of(NULL, 0);
    (void)state;
    assert_label(table, "0.0.0.0", NULL);
    assert_label(table, "255.255.255.255", NULL);
    assert_label(table, "::", NULL);
    assert_label(table, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL);
    rl_network_table_free(table);
}

static void the_longest_prefix_counts(void **state)
{
    const rl_network_table_t *table =
        TABLE("10.1.2.3 host", "10.0.0.0/8 wide", "10.1.0.0/16 narrow", "10.1.2.0/24 wide",
              "10.255.0.0/16 last", "0.0.0.0/0 any");
    (void)state;
    assert_label(table, "9.255.255.255", "any");
    assert_label(table, "10.0.0.0", "wide");
    assert_label(table, "10.1.0.0", "narrow");
    assert_label(table, "10.1.1.255", "narrow");
    assert_label(table, "10.1.2.2", "wide");
    assert_label(table, "10.1.2.3", "host");
    assert_label(table, "10.1.2.4", "wide");
    assert_label(table, "10.1.3.0", "narrow");
    assert_label(table, "10.2.0.0", "wide");
    assert_label(table, "10.255.255.255", "last");
    assert_label(table, "11.0.0.0", "any");
    assert_label(table, "255.255.255.255", "any");
    assert_label(table, "::ffff:10.1.2.3", "host");
    assert_label(table, "::", NULL);
    rl_network_table_free(table);
}

static void the_first_and_the_last_address_are_in_their_prefixes(void **state)
{
    const rl_network_table_t *table =
        TABLE("0.0.0.0/32 first", "255.255.255.255 last", "::/128 zero",
              "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128 ones");
    (void)state;
    assert_label(table, "0.0.0.0", "first");
    assert_label(table, "0.0.0.1", NULL);
    assert_label(table, "255.255.255.254", NULL);
    assert_label(table, "255.255.255.255", "last");
    assert_label(table, "::", "zero");
    assert_label(table, "::1", NULL);
    assert_label(table, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe", NULL);
    assert_label(table, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ones");
    rl_network_table_free(table);
}

static void neighbours_end_where_the_next_begins(void **state)
{
    const rl_network_table_t *table =
        TABLE("192.0.2.0/25 a", "192.0.2.128/25 b", "192.0.3.0/24 b", "2001:db8::/33 c",
              "2001:db8:8000::/33 d");
    (void)state;
    assert_label(table, "192.0.1.255", NULL);
    assert_label(table, "192.0.2.127", "a");
    assert_label(table, "192.0.2.128", "b");
    assert_label(table, "192.0.3.255", "b");
    assert_label(table, "192.0.4.0", NULL);
    assert_label(table, "2001:db8:7fff:ffff:ffff:ffff:ffff:ffff", "c");
    assert_label(table, "2001:db8:8000::", "d");
    assert_label(table, "2001:db9::", NULL);
    rl_network_table_free(table);
}

static void prefixes_longer_than_64_bits_lie_in_shorter_ones(void **state)
{
    const rl_network_table_t *table =
        TABLE("2001:db8::/32 wide", "2001:db8:0:1::/64 net", "2001:db8:0:1::/65 half",
              "2001:db8:0:1::80/128 host", "2001:db8:0:1::80:0/112 some",
              "2001:db8:0:2:8000::/65 upper");
    (void)state;
    assert_label(table, "2001:db8:0:0:ffff::", "wide");
    assert_label(table, "2001:db8:0:1::", "half");
    assert_label(table, "2001:db8:0:1::7f", "half");
    assert_label(table, "2001:db8:0:1::80", "host");
    assert_label(table, "2001:db8:0:1::81", "half");
    assert_label(table, "2001:db8:0:1::80:ffff", "some");
    assert_label(table, "2001:db8:0:1::81:0", "half");
    assert_label(table, "2001:db8:0:1:8000::", "net");
    assert_label(table, "2001:db8:0:2:7fff:ffff:ffff:ffff", "wide");
    assert_label(table, "2001:db8:0:2:8000::", "upper");
    assert_label(table, "2001:db8:0:3::", "wide");
    assert_label(table, "2001:db9::", NULL);
    rl_network_table_free(table);
}

static void all_lengths_can_lie_in_each_other(void **state)
{
    rl_network_builder_t *builder = rl_network_builder_create(pool);
    rl_network_conflict_t conflict;
    const rl_network_table_t *table;
    rl_address_t address;
    char label[16];
    (void)state;
    for (int bits = 128; bits >= 0; bits--) {
        assert_true(rl_address_parse("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", &address));
        rl_address_mask(&address, 0, (unsigned)bits);
        snprintf(label, sizeof(label), "%d", bits);
        assert_null(rl_network_builder_add(builder, &address, label, strlen(label), 1));
    }
    assert_null(rl_network_builder_finish(builder, &table, &conflict));
    for (int bits = 0; bits <= 128; bits++) { /* the bit after `bits` ones is 0 */
        assert_true(rl_address_parse("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", &address));
        if (bits < 128) {
            address.bytes[bits / 8] &= (uint8_t) ~(0x80 >> bits % 8);
        }
        snprintf(label, sizeof(label), "%d", bits);
        assert_string_equal(rl_network_table_label(table, &address), label);
    }
    rl_network_table_free(table);
}

/* Children share its pages as long as nobody writes to them. */
static void a_table_cannot_be_written_to(void **state)
{
    const rl_network_table_t *table = TABLE("192.0.2.0/24 a");
    int status;
    const pid_t child = fork();
    (void)state;
    if (child == 0) {
        signal(SIGSEGV, SIG_DFL);
        ((rl_network_table_t *)(uintptr_t)table)->prefixes = 2;
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_not_equal(status, 0);
    assert_int_equal(table->prefixes, 1);
    rl_network_table_free(table);
}

/* ---- against a look at every prefix ---- */

typedef struct plain_prefix {
    rl_address_t prefix;
    const char *label;
} plain_prefix_t;

static const char *plain_label(const plain_prefix_t *list, size_t n,
                               const rl_address_t *address)
{
    const plain_prefix_t *best = NULL;
    for (size_t i = 0; i < n; i++) {
        if (rl_address_within(address, &list[i].prefix) &&
            (best == NULL || list[i].prefix.bits > best->prefix.bits)) {
            best = &list[i];
        }
    }
    return best != NULL ? best->label : NULL;
}

/* Few different bytes, so that prefixes lie in each other and next to each other. */
static void random_address(uint64_t *rng, rl_address_t *address)
{
    static const uint8_t choices[] = {0, 1, 0x7f, 0x80, 0xfe, 0xff};
    uint8_t bytes[16];
    const int family = random_below(rng, 2) == 0 ? 4 : 6;
    for (int i = 0; i < 16; i++) {
        bytes[i] = choices[random_below(rng, sizeof(choices))];
    }
    rl_address_set(address, family, bytes);
}

static bool is_new(const plain_prefix_t *list, size_t n, const rl_address_t *prefix)
{
    for (size_t i = 0; i < n; i++) {
        if (memcmp(&list[i].prefix, prefix, sizeof(*prefix)) == 0) {
            return false;
        }
    }
    return true;
}

static void step(rl_address_t *address, int by)
{
    for (int i = (address->family == 4 ? 4 : 16) - 1; i >= 0; i--) {
        address->bytes[i] = (uint8_t)(address->bytes[i] + by);
        if (address->bytes[i] != (by > 0 ? 0 : 0xff)) {
            break;
        }
    }
}

static void assert_as_plain(const rl_network_table_t *table, const plain_prefix_t *list,
                            size_t n, const rl_address_t *address)
{
    const char *wanted = plain_label(list, n, address);
    const char *label = rl_network_table_label(table, address);
    if (label == NULL || wanted == NULL ? label != wanted : strcmp(label, wanted) != 0) {
        fail_msg("another label than the longest prefix has");
    }
}

/* Looks up the addresses at the edges of each prefix, and random ones. */
static void compare_with_plain(const rl_network_table_t *table, const plain_prefix_t *list,
                               size_t n, uint64_t *rng)
{
    for (size_t i = 0; i < n; i++) {
        rl_address_t address = list[i].prefix, last = address;
        address.bits = last.bits = address.family == 4 ? 32 : 128;
        for (unsigned bit = list[i].prefix.bits; bit < last.bits; bit++) {
            last.bytes[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
        }
        assert_as_plain(table, list, n, &address);
        assert_as_plain(table, list, n, &last);
        step(&address, -1);
        step(&last, 1);
        assert_as_plain(table, list, n, &address);
        assert_as_plain(table, list, n, &last);
        random_address(rng, &address);
        assert_as_plain(table, list, n, &address);
    }
}

static void random_tables_find_the_longest_prefix(void **state)
{
    static const char *const labels[] = {"a", "b", "c", "d"};
    static plain_prefix_t list[400];
    uint64_t rng = 15;
    (void)state;
    for (int round = 0; round < 200; round++) {
        rl_network_builder_t *builder = rl_network_builder_create(pool);
        const size_t most = 1 + (size_t)random_below(&rng, sizeof(list) / sizeof(list[0]));
        rl_network_conflict_t conflict;
        const rl_network_table_t *table;
        size_t n = 0;
        for (size_t i = 0; i < most; i++) {
            rl_address_t prefix;
            random_address(&rng, &prefix);
            rl_address_mask(&prefix, (unsigned)random_below(&rng, 33),
                            (unsigned)random_below(&rng, 129));
            if (is_new(list, n, &prefix)) {
                list[n] = (plain_prefix_t){prefix, labels[random_below(&rng, 4)]};
                assert_null(rl_network_builder_add(builder, &prefix, list[n].label, 1, 1));
                n++;
            }
        }
        assert_null(rl_network_builder_finish(builder, &table, &conflict));
        assert_int_equal(table->prefixes, n);
        compare_with_plain(table, list, n, &rng);
        rl_network_table_free(table);
    }
}

/* Lists that are even, dense somewhere, or end with the highest number. */
static uint64_t number_of(int kind, size_t i, size_t n)
{
    if (kind == 0) {
        return UINT64_MAX / n * i;
    }
    if (kind == 1) {
        return i == 0 ? 0 : (UINT64_C(7) << 60) + i;
    }
    return i == n - 1 && i > 0 ? UINT64_MAX : 3 * i;
}

static void check_list(int kind, size_t n)
{
    uint64_t *numbers = calloc(n + RL_NETWORK_SEARCH_PADDING, sizeof(*numbers));
    rl_network_search_index_t index;
    rl_network_search_t search;
    for (size_t i = 0; i < n + RL_NETWORK_SEARCH_PADDING; i++) {
        numbers[i] = i < n ? number_of(kind, i, n) : UINT64_MAX;
    }
    assert_true(rl_network_search_build(&index, numbers, n));
    search = (rl_network_search_t){index.root, (uint32_t)n, index.cells, numbers, NULL};
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(rl_network_search_last(&search, numbers[i], NULL), i);
        if (i > 0) {
            assert_int_equal(rl_network_search_last(&search, numbers[i] - 1, NULL), i - 1);
        }
    }
    assert_int_equal(rl_network_search_last(&search, UINT64_MAX, NULL), n - 1);
    free(numbers);
    free(index.cells);
}

static void long_lists_are_searched_to_their_ends(void **state)
{
    static const size_t lengths[] = {1, 2, 7, 8, 9, 10, 16, 17, 255, 256, 257, 4096, 65537};
    (void)state;
    for (size_t l = 0; l < sizeof(lengths) / sizeof(lengths[0]); l++) {
        for (int kind = 0; kind < 3; kind++) {
            check_list(kind, lengths[l]);
        }
    }
}

/* ---- lines ---- */

static void assert_refused(const char *text, size_t len, const char *reason, const char *token)
{
    rl_network_line_t line;
    const char *said = rl_network_line_parse(text, len, &line);
    if (said == NULL || strstr(said, reason) == NULL) {
        fail_msg("\"%s\": %s", text, said != NULL ? said : "taken");
    }
    if (token == NULL) {
        assert_null(line.token);
    }
    else {
        assert_int_equal(line.token_len, strlen(token));
        assert_memory_equal(line.token, token, strlen(token));
    }
}

#define REFUSED(text, reason, token) assert_refused(text, sizeof(text) - 1, reason, token)

static void wrong_lines_are_refused_for_their_reason(void **state)
{
    char text[1100];
    (void)state;
    REFUSED("192.0.2.1/24 a", "bits set beyond", "192.0.2.1/24");
    REFUSED("2001:db8::1/64 a", "bits set beyond", "2001:db8::1/64");
    REFUSED("::ffff:192.0.2.1/120 a", "bits set beyond", "::ffff:192.0.2.1/120");
    REFUSED("192.0.2.0/33 a", "from 0 to 32", "192.0.2.0/33");
    REFUSED("192.0.2.0/ a", "from 0 to 32", "192.0.2.0/");
    REFUSED("2001:db8::/129 a", "from 0 to 128", "2001:db8::/129");
    REFUSED("192.0.2 a", "not an IPv4 or IPv6 address", "192.0.2");
    REFUSED("example.org a", "not an IPv4 or IPv6 address", "example.org");
    REFUSED("<!DOCTYPE html>", "not an IPv4 or IPv6 address", "<!DOCTYPE");
    REFUSED("fe80::1%eth0 a", "not an IPv4 or IPv6 address", "fe80::1%eth0");
    REFUSED("\xef\xbb\xbf"
            "192.0.2.1 a",
            "not an IPv4 or IPv6 address", NULL);
    REFUSED("192.0.2.0/24", "a label must follow", "192.0.2.0/24");
    REFUSED("192.0.2.0/24  # a", "a label must follow", "192.0.2.0/24");
    REFUSED("192.0.2.0/24 a b", "one label, without blanks", "a");
    REFUSED("192.0.2.0/24 \xc3\xa9", "printable ASCII", "192.0.2.0/24");
    REFUSED("192.0.2.0/24 a\x01", "control character", NULL);
    REFUSED("192.0.2.0/24 a\0b", "control character", NULL);
    REFUSED("192.0.2.0/24\r a", "control character", NULL);
    REFUSED("192.0.2.0/24 a # \x7f", "control character", NULL);
    memset(text, 'x', sizeof(text));
    memcpy(text, "192.0.2.1 ", 10);
    assert_refused(text, 10 + 65, "longer than 64 bytes", "192.0.2.1");
    text[11] = '#';
    assert_refused(text, 1001, "longer than 1000 bytes", NULL);
}

static void assert_line(const char *text, const char *prefix, const char *label)
{
    rl_network_line_t line;
    rl_address_t wanted;
    assert_null(rl_network_line_parse(text, strlen(text), &line));
    assert_false(line.blank);
    assert_null(rl_address_parse_prefix(prefix, &wanted));
    assert_memory_equal(&line.prefix, &wanted, sizeof(wanted));
    assert_int_equal(line.label_len, strlen(label));
    assert_memory_equal(line.label, label, line.label_len);
}

static void good_lines_are_taken(void **state)
{
    static const char *const blank[] = {"", "\r", "  \t", "# all", "  # x\r", "#192.0.2.1 a"};
    char text[100] = "192.0.2.1 ";
    rl_network_line_t line;
    (void)state;
    assert_line("192.0.2.0/24 AS64496", "192.0.2.0/24", "AS64496");
    assert_line("\t192.0.2.1  a\t\r", "192.0.2.1/32", "a");
    assert_line("2001:db8::/32 a#b", "2001:db8::/32", "a");
    assert_line("2001:DB8::1 +=/\"%", "2001:db8::1/128", "+=/\"%");
    assert_line("::ffff:192.0.2.0/120 a # \xc3\xa9", "192.0.2.0/24", "a");
    assert_line("0.0.0.0/0 a", "0.0.0.0/0", "a");
    assert_line("::/0 a", "::/0", "a");
    memset(text + 10, 'x', 64);
    assert_line(text, "192.0.2.1/32", text + 10);
    for (size_t i = 0; i < sizeof(blank) / sizeof(blank[0]); i++) {
        assert_null(rl_network_line_parse(blank[i], strlen(blank[i]), &line));
        assert_true(line.blank);
    }
}

/* ---- files ---- */

static const rl_network_table_t *read_text(const char *text, size_t len, const char **reason)
{
    char path[] = "/tmp/rl-networks-XXXXXX";
    const rl_network_table_t *table;
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, len), len);
    close(fd);
    *reason = rl_network_file_read(pool, path, &table);
    unlink(path);
    return table;
}

static void assert_file_refused(const char *text, size_t len, const char *wanted)
{
    const char *reason;
    assert_null(read_text(text, len, &reason));
    if (reason == NULL || strstr(reason, wanted) == NULL) {
        fail_msg("%s, not %s", reason, wanted);
    }
}

static void files_are_read_to_their_last_line(void **state)
{
    static const char text[] = "\xef\xbb\xbf# networks\r\n\r\n192.0.2.0/24 a\r\n"
                               "192.0.2.0/24 a\n\n192.0.2.77 b # last";
    const char *reason;
    const rl_network_table_t *table = read_text(text, sizeof(text) - 1, &reason);
    (void)state;
    assert_null(reason);
    assert_int_equal(table->prefixes, 2);
    assert_int_equal(table->label_count, 2);
    assert_label(table, "192.0.2.77", "b");
    assert_label(table, "192.0.2.78", "a");
    assert_true(rl_network_table_has(table, "a"));
    assert_false(rl_network_table_has(table, "c"));
    rl_network_table_free(table);
}

static void errors_of_files_have_the_lines_number(void **state)
{
    static char text[50000];
    const char *reason;
    const rl_network_table_t *table;
    (void)state;
    assert_file_refused("\n# x\n192.0.2.1/24 a\n", 20,
                        "line 3: \"192.0.2.1/24\": the address has bits set");
    assert_file_refused("192.0.2.1 a\n192.0.2.2 a\n192.0.2.1/32 b\n", 39,
                        "line 3: line 1 has the same prefix with another label");
    assert_file_refused("::ffff:192.0.2.1 a\n192.0.2.1 b", 30, "line 2: line 1 has the same");
    assert_file_refused("192.0.2.1 a\0\n", 13, "line 1: the line has a control");
    memset(text, '#', sizeof(text));
    assert_file_refused(text, sizeof(text), "line 1: the line is longer than 1000 bytes");
    for (size_t i = 999; i < sizeof(text); i += 1000) { /* lines across the reader's blocks */
        text[i] = '\n';
    }
    memcpy(text + sizeof(text) - 1000, "192.0.2.1 a ", 12);
    table = read_text(text, sizeof(text), &reason);
    assert_non_null(table);
    assert_label(table, "192.0.2.1", "a");
    rl_network_table_free(table);
    text[sizeof(text) - 1000] = 'x';
    assert_file_refused(text, sizeof(text), "line 50: \"x92.0.2.1\": not an IPv4");
}

static void files_that_cannot_be_read_are_told(void **state)
{
    const rl_network_table_t *table;
    (void)state;
    assert_string_equal(rl_network_file_read(pool, "/nonesuch/file", &table),
                        "can't be read: No such file or directory");
    assert_null(table);
    assert_string_equal(rl_network_file_read(pool, "/", &table),
                        "can't be read: Is a directory");
    assert_null(table);
}

/* ---- names ---- */

static void names_can_be_wanted_before_they_are_read(void **state)
{
    const rl_networks_t *wanted, *again;
    rl_networks_t *read;
    rl_address_t address;
    (void)state;
    assert_true(rl_address_parse("192.0.2.1", &address));
    assert_null(rl_networks_want(pool, "a", "one", true, &wanted));
    assert_null(rl_networks_want(pool, "a", "two", true, &again));
    assert_ptr_equal(wanted, again);
    assert_string_equal(wanted->wanted_by, "one");
    assert_null(rl_networks_label(wanted, &address));
    assert_non_null(rl_networks_want(pool, "a", "tenant", false, &again));
    read = rl_networks_get("a", true);
    assert_ptr_equal(read, wanted);
    read->table = TABLE("192.0.2.0/24 x");
    assert_string_equal(rl_networks_label(wanted, &address), "x");
    assert_null(rl_networks_want(pool, "a", "tenant", false, &again));
    assert_string_equal(rl_networks_want(pool, "b", "tenant", false, &again),
                        "no RateLimitNetworks has this name; there is a");
    rl_networks_clear();
    assert_null(rl_networks_at(0));
    assert_null(rl_networks_get("a", false));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_table_has_no_labels),
        cmocka_unit_test(the_longest_prefix_counts),
        cmocka_unit_test(the_first_and_the_last_address_are_in_their_prefixes),
        cmocka_unit_test(neighbours_end_where_the_next_begins),
        cmocka_unit_test(prefixes_longer_than_64_bits_lie_in_shorter_ones),
        cmocka_unit_test(all_lengths_can_lie_in_each_other),
        cmocka_unit_test(a_table_cannot_be_written_to),
        cmocka_unit_test(random_tables_find_the_longest_prefix),
        cmocka_unit_test(long_lists_are_searched_to_their_ends),
        cmocka_unit_test(wrong_lines_are_refused_for_their_reason),
        cmocka_unit_test(good_lines_are_taken),
        cmocka_unit_test(files_are_read_to_their_last_line),
        cmocka_unit_test(errors_of_files_have_the_lines_number),
        cmocka_unit_test(files_that_cannot_be_read_are_told),
        cmocka_unit_test(names_can_be_wanted_before_they_are_read),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, begin, end);
}
