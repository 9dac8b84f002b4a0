/* SPDX-License-Identifier: Apache-2.0 */
#include "builder.h"

#include <apr_hash.h>
#include <apr_strings.h>
#include <apr_tables.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "ranges.h"

static const char no_memory[] = "not enough memory";

/* A prefix as it was added. An IPv4 address stands in the first half of `hi`. */
typedef struct rl_item {
    uint64_t hi, lo;
    uint32_t value; /* of its label */
    uint32_t line;
    uint8_t bits;
} rl_item_t;

typedef struct rl_items {
    rl_item_t *items;
    size_t n, room;
} rl_items_t;

struct rl_network_builder {
    rl_items_t v4, v6;
    apr_pool_t *pool;
    apr_hash_t *values;        /* a label's value, by its text */
    apr_array_header_t *texts; /* const char *: each label's text */
    uint32_t label_bytes;      /* of all texts, with their NULs */
};

static apr_status_t free_items(void *data)
{
    rl_network_builder_t *builder = data;
    free(builder->v4.items);
    free(builder->v6.items);
    return APR_SUCCESS;
}

rl_network_builder_t *rl_network_builder_create(apr_pool_t *pool)
{
    rl_network_builder_t *builder = apr_pcalloc(pool, sizeof(*builder));
    builder->pool = pool;
    builder->values = apr_hash_make(pool);
    builder->texts = apr_array_make(pool, 64, sizeof(const char *));
    apr_pool_cleanup_register(pool, builder, free_items, apr_pool_cleanup_null);
    return builder;
}

/* ---- collecting ---- */

static bool make_item_room(rl_items_t *list)
{
    const size_t room = list->room > 0 ? list->room * 2 : 1024;
    rl_item_t *items;
    if (list->n < list->room) {
        return true;
    }
    items = realloc(list->items, room * sizeof(*items));
    if (items == NULL) {
        return false;
    }
    list->items = items;
    list->room = room;
    return true;
}

/* Returns the label's value, 0 if there are too many labels. */
static uint32_t value_of(rl_network_builder_t *builder, const char *label, size_t len)
{
    const char *text;
    uint32_t value;
    value = (uint32_t)(uintptr_t)apr_hash_get(builder->values, label, (apr_ssize_t)len);
    if (value == 0) {
        if (builder->texts->nelts >= (int)RL_NETWORK_LABELS_MAX) {
            return 0;
        }
        text = apr_pstrmemdup(builder->pool, label, len);
        APR_ARRAY_PUSH(builder->texts, const char *) = text;
        value = builder->label_bytes + 1;
        apr_hash_set(builder->values, text, (apr_ssize_t)len, (void *)(uintptr_t)value);
        builder->label_bytes += (uint32_t)len + 1;
    }
    return value;
}

const char *rl_network_builder_add(rl_network_builder_t *builder, const rl_address_t *prefix,
                                   const char *label, size_t len, uint32_t line)
{
    rl_items_t *list = prefix->family == 4 ? &builder->v4 : &builder->v6;
    const uint32_t value = value_of(builder, label, len);
    if (value == 0) {
        return "a table can have at most 1000000 different labels";
    }
    if (builder->v4.n + builder->v6.n >= RL_NETWORK_PREFIXES_MAX) {
        return "a table can have at most 10000000 prefixes";
    }
    if (!make_item_room(list)) {
        return no_memory;
    }
    list->items[list->n++] = (rl_item_t){.hi = rl_address_half(prefix, 0),
                                         .lo = rl_address_half(prefix, 1),
                                         .value = value,
                                         .line = line,
                                         .bits = prefix->bits};
    return NULL;
}

/* ---- order ---- */

static int compare_prefixes(const rl_item_t *a, const rl_item_t *b)
{
    if (a->hi != b->hi) {
        return a->hi < b->hi ? -1 : 1;
    }
    if (a->lo != b->lo) {
        return a->lo < b->lo ? -1 : 1;
    }
    return (int)a->bits - (int)b->bits;
}

static int compare_items(const void *left, const void *right)
{
    const rl_item_t *a = left, *b = right;
    const int order = compare_prefixes(a, b);
    return order != 0 ? order : (a->line > b->line) - (a->line < b->line);
}

/* Files that a program wrote are sorted. */
static void sort_items(rl_items_t *list)
{
    for (size_t i = 1; i < list->n; i++) {
        if (compare_items(&list->items[i - 1], &list->items[i]) > 0) {
            qsort(list->items, list->n, sizeof(list->items[0]), compare_items);
            return;
        }
    }
}

/* Drops prefixes that are there twice. Returns false, and sets *conflict, if their labels
 * differ. */
static bool drop_doubles(rl_items_t *list, rl_network_conflict_t *conflict)
{
    size_t kept = 0;
    for (size_t i = 0; i < list->n; i++) {
        const rl_item_t *item = &list->items[i];
        if (kept == 0 || compare_prefixes(&list->items[kept - 1], item) != 0) {
            list->items[kept++] = *item;
        }
        else if (list->items[kept - 1].value != item->value) {
            *conflict = (rl_network_conflict_t){item->line, list->items[kept - 1].line};
            return false;
        }
    }
    list->n = kept;
    return true;
}

/* ---- ranges ---- */

/* The ranges of a table before they are laid out. */
typedef struct rl_draft_table {
    rl_ranges_t v4, v6, deep;
    rl_network_search_index_t v4_index, v6_index;
    rl_network_list_t *lists;
    size_t list_count;
} rl_draft_table_t;

static bool get_ranges(rl_ranges_t *ranges, size_t room)
{
    ranges->starts = malloc(room * sizeof(uint64_t));
    ranges->values = malloc(room * sizeof(uint32_t));
    return ranges->starts != NULL && ranges->values != NULL;
}

static void free_draft(rl_draft_table_t *draft)
{
    rl_ranges_t *const all[] = {&draft->v4, &draft->v6, &draft->deep};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        free(all[i]->starts);
        free(all[i]->values);
    }
    free(draft->v4_index.cells);
    free(draft->v6_index.cells);
    free(draft->lists);
}

static size_t count_deep(const rl_items_t *list)
{
    size_t n = 0;
    for (size_t i = 0; i < list->n; i++) {
        n += list->items[i].bits > 64;
    }
    return n;
}

static bool get_draft(rl_draft_table_t *draft, const rl_network_builder_t *builder)
{
    const size_t deep = count_deep(&builder->v6);
    draft->lists = malloc((deep + 1) * sizeof(draft->lists[0]));
    return draft->lists != NULL && get_ranges(&draft->v4, 2 * builder->v4.n + 1) &&
           get_ranges(&draft->v6, 2 * builder->v6.n + 1) &&
           get_ranges(&draft->deep, 3 * deep + 1);
}

/* Makes the list of the prefixes longer than 64 bits that begin at items[i] and have their
 * first 64 bits in common. `value` is that of the rest. Returns the index after the last one.
 */
static size_t draft_list(rl_draft_table_t *draft, const rl_items_t *list, size_t i,
                         uint32_t value)
{
    const uint64_t hi = list->items[i].hi;
    const size_t first = draft->deep.n;
    rl_sweep_t sweep;
    rl_sweep_begin(&sweep, &draft->deep, value);
    for (; i < list->n && list->items[i].hi == hi; i++) {
        rl_sweep_add(&sweep, list->items[i].lo, list->items[i].bits - 64u,
                     list->items[i].value);
    }
    rl_sweep_end(&sweep);
    draft->lists[draft->list_count++] =
        (rl_network_list_t){(uint32_t)first, (uint32_t)(draft->deep.n - first)};
    return i;
}

static void draft_ranges(rl_draft_table_t *draft, const rl_items_t *list, rl_ranges_t *out)
{
    rl_sweep_t sweep;
    rl_sweep_begin(&sweep, out, 0);
    for (size_t i = 0; i < list->n;) {
        const rl_item_t *item = &list->items[i];
        if (item->bits <= 64) {
            rl_sweep_add(&sweep, item->hi, item->bits, item->value);
            i++;
        }
        else {
            const uint32_t which = (uint32_t)draft->list_count;
            i = draft_list(draft, list, i, rl_sweep_to(&sweep, item->hi));
            rl_sweep_add(&sweep, item->hi, 64, which | RL_NETWORK_DEEP);
        }
    }
    rl_sweep_end(&sweep);
}

/* ---- the piece of memory ---- */

#define LINE 64u /* bytes of a line of a cache */

static size_t whole_lines(size_t bytes)
{
    return (bytes + LINE - 1) / LINE * LINE;
}

static size_t ranges_bytes(const rl_ranges_t *ranges, const rl_network_search_index_t *index,
                           size_t size_of_start)
{
    return whole_lines(index->n * sizeof(uint32_t)) +
           whole_lines((ranges->n + RL_NETWORK_SEARCH_PADDING) * size_of_start) +
           whole_lines(ranges->n * sizeof(uint32_t));
}

static size_t table_bytes(const rl_draft_table_t *draft, const rl_network_builder_t *builder)
{
    return whole_lines(sizeof(rl_network_table_t)) +
           ranges_bytes(&draft->v4, &draft->v4_index, sizeof(uint32_t)) +
           ranges_bytes(&draft->v6, &draft->v6_index, sizeof(uint64_t)) +
           whole_lines(draft->deep.n * sizeof(uint64_t)) +
           whole_lines(draft->deep.n * sizeof(uint32_t)) +
           whole_lines(draft->list_count * sizeof(rl_network_list_t)) +
           whole_lines(builder->label_bytes);
}

/* Takes the next bytes of the piece, and fills them in unless bytes are NULL. */
static void *lay(char **at, const void *bytes, size_t size)
{
    void *place = *at;
    if (bytes != NULL && size > 0) {
        memcpy(place, bytes, size);
    }
    *at += whole_lines(size);
    return place;
}

/* Starts of IPv4 are in the first 32 bits. */
static const uint32_t *lay_halves(char **at, const rl_ranges_t *ranges)
{
    uint32_t *halves =
        lay(at, NULL, (ranges->n + RL_NETWORK_SEARCH_PADDING) * sizeof(uint32_t));
    for (size_t i = 0; i < ranges->n; i++) {
        halves[i] = (uint32_t)(ranges->starts[i] >> 32);
    }
    memset(halves + ranges->n, 0xff, RL_NETWORK_SEARCH_PADDING * sizeof(uint32_t));
    return halves;
}

static const uint64_t *lay_numbers(char **at, const rl_ranges_t *ranges)
{
    uint64_t *numbers =
        lay(at, NULL, (ranges->n + RL_NETWORK_SEARCH_PADDING) * sizeof(uint64_t));
    memcpy(numbers, ranges->starts, ranges->n * sizeof(uint64_t));
    memset(numbers + ranges->n, 0xff, RL_NETWORK_SEARCH_PADDING * sizeof(uint64_t));
    return numbers;
}

static void lay_ranges(rl_network_ranges_t *laid, char **at, const rl_ranges_t *ranges,
                       const rl_network_search_index_t *index, int family)
{
    laid->starts.root = index->root;
    laid->starts.n = (uint32_t)ranges->n;
    laid->starts.cells = lay(at, index->cells, index->n * sizeof(uint32_t));
    laid->starts.halves = family == 4 ? lay_halves(at, ranges) : NULL;
    laid->starts.numbers = family == 4 ? NULL : lay_numbers(at, ranges);
    laid->values = lay(at, ranges->values, ranges->n * sizeof(uint32_t));
}

static const char *lay_labels(char **at, const rl_network_builder_t *builder)
{
    char *labels = lay(at, NULL, builder->label_bytes), *end = labels;
    for (int i = 0; i < builder->texts->nelts; i++) {
        const char *text = APR_ARRAY_IDX(builder->texts, i, const char *);
        const size_t size = strlen(text) + 1;
        memcpy(end, text, size);
        end += size;
    }
    return labels;
}

/* Large pages, where the system has them, spare a look-up most of its misses in the processor's
 * table of pages. Without them it only takes longer. */
static void *map(size_t bytes)
{
    void *memory =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
#ifdef MADV_HUGEPAGE
    if (memory != MAP_FAILED) {
        madvise(memory, bytes, MADV_HUGEPAGE);
    }
#endif
    return memory == MAP_FAILED ? NULL : memory;
}

static const rl_network_table_t *lay_table(const rl_draft_table_t *draft,
                                           const rl_network_builder_t *builder)
{
    const size_t bytes = table_bytes(draft, builder);
    char *at = map(bytes);
    rl_network_table_t *table;
    if (at == NULL) {
        return NULL;
    }
    table = lay(&at, NULL, sizeof(*table));
    table->bytes = bytes;
    table->prefixes = builder->v4.n + builder->v6.n;
    table->label_count = (size_t)builder->texts->nelts;
    table->range_count = draft->v4.n + draft->v6.n + draft->deep.n;
    lay_ranges(&table->v4, &at, &draft->v4, &draft->v4_index, 4);
    lay_ranges(&table->v6, &at, &draft->v6, &draft->v6_index, 6);
    table->deep_starts = lay(&at, draft->deep.starts, draft->deep.n * sizeof(uint64_t));
    table->deep_values = lay(&at, draft->deep.values, draft->deep.n * sizeof(uint32_t));
    table->lists = lay(&at, draft->lists, draft->list_count * sizeof(rl_network_list_t));
    table->labels = lay_labels(&at, builder);
    mprotect(table, bytes, PROT_READ); /* a stray write shall crash, not mislabel */
    return table;
}

const char *rl_network_builder_finish(rl_network_builder_t *builder,
                                      const rl_network_table_t **table,
                                      rl_network_conflict_t *conflict)
{
    rl_draft_table_t draft = {.list_count = 0};
    *conflict = (rl_network_conflict_t){0, 0};
    *table = NULL;
    sort_items(&builder->v4);
    sort_items(&builder->v6);
    if (!drop_doubles(&builder->v4, conflict) || !drop_doubles(&builder->v6, conflict)) {
        return "the prefix has another label in an earlier line";
    }
    if (get_draft(&draft, builder)) {
        draft_ranges(&draft, &builder->v4, &draft.v4);
        draft_ranges(&draft, &builder->v6, &draft.v6);
        if (rl_network_search_build(&draft.v4_index, draft.v4.starts, draft.v4.n) &&
            rl_network_search_build(&draft.v6_index, draft.v6.starts, draft.v6.n)) {
            *table = lay_table(&draft, builder);
        }
    }
    free_draft(&draft);
    return *table != NULL ? NULL : no_memory;
}
