/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of networks: how long a file takes to read, what its table takes, how long a look-up
 * takes. Prints a line for each, tab separated: what, how many, the figure, its unit.
 *
 * The prefixes are random, in lengths and places like those that are announced (IPv6 in few
 * regions, half of them within a network of somebody's), in a file that isn't sorted. Addresses
 * are random ones within these prefixes, so that hardly two look-ups touch the same memory.
 * "cold" is a look-up after another 64 MB were touched. "fetch" is what the machine charges for
 * one word from anywhere in as much memory as the table has, on large pages.
 *
 * usage: networks [IPV4-PREFIXES [IPV6-PREFIXES]]    (1000000 and 200000)
 *        networks --file FILE                        of one's own; the addresses are within it
 */
#include <apr_general.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "networks/file.h"
#include "networks/table.h"

#define LOOK_UPS   2000000u
#define COLD       400u
#define WASH_BYTES ((size_t)64 << 20)

static uint64_t state = 88172645463325252u;

/* xorshift64* (Vigna 2016): the same in every run. */
static uint64_t next_random(void)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * UINT64_C(2685821657736338717);
}

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* What was written, by family: addresses are chosen in it. */
static struct written {
    rl_address_t *prefixes;
    size_t n;
} written[2];

static struct written *written_of(int family)
{
    return &written[family == 6];
}

static void random_bytes(uint8_t bytes[16])
{
    const uint64_t halves[2] = {next_random(), next_random()};
    memcpy(bytes, halves, 16);
}

/* An address somewhere within a prefix that was written. */
static void random_address(int family, rl_address_t *address)
{
    const struct written *list = written_of(family);
    uint8_t bytes[16];
    random_bytes(bytes);
    if (list->n > 0) {
        const rl_address_t *prefix = &list->prefixes[next_random() % list->n];
        for (unsigned i = 0; i < prefix->bits / 8u; i++) {
            bytes[i] = prefix->bytes[i];
        }
        if (prefix->bits % 8 != 0) {
            const uint8_t host = (uint8_t)(0xff >> prefix->bits % 8);
            uint8_t *last = &bytes[prefix->bits / 8];
            *last = (uint8_t)(prefix->bytes[prefix->bits / 8] | (*last & host));
        }
    }
    rl_address_set(address, family, bytes);
}

static unsigned random_of(const uint8_t *choices, size_t n)
{
    return choices[next_random() % n];
}

static void random_prefix(int family, rl_address_t *prefix)
{
    static const uint8_t v4_lengths[] = {24, 24, 24, 24, 24, 24, 23, 22, 22, 21, 20, 19, 16};
    static const uint8_t v6_lengths[] = {48, 48, 48, 48, 48, 44, 40, 40, 36, 32, 32, 29};
    static const uint16_t v6_regions[] = {
        0x2001, 0x2400, 0x2401, 0x2402, 0x2403, 0x2404, 0x2405, 0x2406, 0x2407, 0x2409,
        0x2600, 0x2602, 0x2604, 0x2605, 0x2606, 0x2607, 0x2620, 0x2800, 0x2803, 0x2804,
        0x2806, 0x2a00, 0x2a01, 0x2a02, 0x2a03, 0x2a04, 0x2a05, 0x2a06, 0x2a07, 0x2a09,
        0x2a0a, 0x2a0b, 0x2a0c, 0x2a0d, 0x2a0e, 0x2a0f, 0x2a10, 0x2a12, 0x2a13, 0x2c0f};
    const struct written *list = written_of(family);
    uint8_t bytes[16];
    random_bytes(bytes);
    if (family == 6) {
        const uint16_t region = v6_regions[next_random() % 40];
        bytes[0] = (uint8_t)(region >> 8);
        bytes[1] = (uint8_t)region;
        if (list->n > 0 && (next_random() & 1) != 0) {
            memcpy(bytes, list->prefixes[next_random() % list->n].bytes, 4);
        }
    }
    rl_address_set(prefix, family, bytes);
    rl_address_mask(prefix, random_of(v4_lengths, sizeof(v4_lengths)),
                    random_of(v6_lengths, sizeof(v6_lengths)));
}

static void write_prefixes(FILE *out, int family, long n)
{
    struct written *list = written_of(family);
    list->prefixes = calloc((size_t)n + 1, sizeof(*list->prefixes));
    if (list->prefixes == NULL) {
        exit(1);
    }
    for (long i = 0; i < n; i++) {
        rl_address_t *prefix = &list->prefixes[list->n];
        const uint8_t *b = prefix->bytes;
        random_prefix(family, prefix);
        if (family == 4) {
            fprintf(out, "%u.%u.%u.%u", b[0], b[1], b[2], b[3]);
        }
        else {
            fprintf(out, "%x:%x:%x::", b[0] << 8 | b[1], b[2] << 8 | b[3], b[4] << 8 | b[5]);
        }
        /* The label follows from the prefix, which may come twice. */
        fprintf(out, "/%u AS%u\n", prefix->bits,
                (b[0] * 7919u + b[1] * 104729u + b[2] * 31u + b[3] + prefix->bits) % 70000u);
        list->n++;
    }
}

static long peak_kb(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

static const rl_network_table_t *read_table(apr_pool_t *pool, const char *path)
{
    const long before = peak_kb();
    const double began = now_ns();
    const rl_network_table_t *table;
    const char *reason = rl_network_file_read(pool, path, &table);
    if (reason != NULL) {
        fprintf(stderr, "networks: %s: %s\n", path, reason);
        exit(1);
    }
    printf("read\t%zu\t%.0f\tms\n", table->prefixes, (now_ns() - began) / 1e6);
    printf("table\t%zu\t%zu\tbytes\n", table->prefixes, table->bytes);
    printf("table\t%zu\t%.1f\tbytes a prefix\n", table->prefixes,
           (double)table->bytes / (double)(table->prefixes > 0 ? table->prefixes : 1));
    printf("ranges\t%zu\t%zu\tranges\n", table->prefixes, table->range_count);
    printf("peak\t%zu\t%ld\tKB of memory more while it was read\n", table->prefixes,
           peak_kb() - before);
    return table;
}

/* ---- look-ups ---- */

/* Each address depends on what the look-up before found, so that look-ups don't overlap. */
static void time_look_ups(const rl_network_table_t *table, int family)
{
    rl_address_t *addresses = malloc(sizeof(*addresses) * LOOK_UPS);
    size_t found = 0, at = 0;
    double began;
    if (addresses == NULL) {
        exit(1);
    }
    for (size_t i = 0; i < LOOK_UPS; i++) {
        random_address(family, &addresses[i]);
    }
    began = now_ns();
    for (size_t i = 0; i < LOOK_UPS; i++) {
        const char *label = rl_network_table_label(table, &addresses[at]);
        found += label != NULL;
        at = i + (label == table->labels + 1); /* never */
    }
    printf("look-up of IPv%d\t%u\t%.1f\tns, %zu found\n", family, LOOK_UPS,
           (now_ns() - began) / LOOK_UPS, found);
    free(addresses);
}

static double clock_cost(void)
{
    const double began = now_ns();
    for (int i = 0; i < 1000; i++) {
        now_ns();
    }
    return (now_ns() - began) / 1000;
}

static void time_fetches(size_t bytes)
{
    char *memory =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uint64_t sum = 0;
    double began;
    if (memory == MAP_FAILED) {
        return;
    }
#ifdef MADV_HUGEPAGE
    madvise(memory, bytes, MADV_HUGEPAGE);
#endif
    memset(memory, 0, bytes);
    began = now_ns();
    for (size_t i = 0; i < LOOK_UPS; i++) { /* the next place depends on what was there */
        sum += *(volatile uint64_t *)(memory + (next_random() + sum) % (bytes / 8) * 8);
    }
    printf("fetch\t%u\t%.1f\tns\n", LOOK_UPS, (now_ns() - began) / LOOK_UPS);
    munmap(memory, bytes);
}

static int compare_doubles(const void *a, const void *b)
{
    const double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

static void time_cold(const rl_network_table_t *table, int family)
{
    static double took[COLD];
    const double clock = clock_cost();
    volatile char *wash = malloc(WASH_BYTES);
    size_t found = 0;
    for (size_t i = 0; wash != NULL && i < COLD; i++) {
        rl_address_t address;
        double began;
        for (size_t j = 0; j < WASH_BYTES; j += 64) {
            wash[j]++;
        }
        random_address(family, &address);
        began = now_ns();
        found += rl_network_table_label(table, &address) != NULL;
        took[i] = now_ns() - began - clock;
    }
    qsort(took, COLD, sizeof(took[0]), compare_doubles);
    printf("cold look-up of IPv%d\t%u\t%.0f\tns, median (%zu found)\n", family, COLD,
           took[COLD / 2], found);
    free((void *)wash);
}

int main(int argc, char **argv)
{
    char path[] = "/tmp/rl-networks-XXXXXX";
    const rl_network_table_t *table;
    apr_pool_t *pool;
    FILE *out = fdopen(mkstemp(path), "w");
    if (out == NULL || apr_initialize() != APR_SUCCESS ||
        apr_pool_create(&pool, NULL) != APR_SUCCESS) {
        return 1;
    }
    write_prefixes(out, 4, argc > 1 ? atol(argv[1]) : 1000000);
    write_prefixes(out, 6, argc > 2 ? atol(argv[2]) : 200000);
    fclose(out);
    table = read_table(pool, path);
    unlink(path);
    time_fetches(table->bytes);
    for (int family = 4; family <= 6; family += 2) {
        time_look_ups(table, family);
        time_cold(table, family);
    }
    rl_network_table_free(table);
    return 0;
}
