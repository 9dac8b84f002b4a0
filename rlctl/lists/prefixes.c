/* SPDX-License-Identifier: Apache-2.0 */
#include "lists/prefixes.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "networks/line.h"

#define NOTES_MAX 10u /* of one kind */

/* 128 bits, one in the other. */
#define DEPTH_MAX 129u

static void list_tell(const rlctl_place_t *place, const char *text, const char *what)
{
    if (place->line > 0) {
        rlctl_error("%s:%zu: %s: %s", place->file, place->line, text, what);
    }
    else {
        rlctl_error("%s: %s: %s", place->file, text, what);
    }
}

/* ---- adding ---- */

static bool is_label(const char *label)
{
    size_t len = 0;
    for (; label[len] > ' ' && label[len] < 0x7f && label[len] != '#'; len++) {
    }
    return label[len] == '\0' && len > 0 && len <= RL_NETWORK_LABEL_MAX;
}

typedef struct rlctl_label {
    struct rlctl_label *before;
    char text[];
} rlctl_label_t;

/* Lines of one label mostly follow each other. Returns NULL if memory doesn't suffice. */
static const char *keep_label(rlctl_prefixes_t *list, const char *label)
{
    const size_t size = strlen(label) + 1;
    rlctl_label_t *kept = list->labels;
    if (kept != NULL && strcmp(kept->text, label) == 0) {
        return kept->text;
    }
    kept = malloc(sizeof(*kept) + size);
    if (kept == NULL) {
        return NULL;
    }
    kept->before = list->labels;
    memcpy(kept->text, label, size);
    list->labels = kept;
    return kept->text;
}

void rlctl_prefixes_free(rlctl_prefixes_t *list)
{
    while (list->labels != NULL) {
        rlctl_label_t *label = list->labels;
        list->labels = label->before;
        free(label);
    }
    free(list->items);
    list->items = NULL;
    list->n = list->room = 0;
}

static bool has_more_bits(const char *text, const rl_address_t *prefix)
{
    char host[INET6_ADDRSTRLEN];
    rl_address_t whole;
    const size_t len = strcspn(text, "/");
    if (text[len] == '\0' || len >= sizeof(host)) {
        return false;
    }
    memcpy(host, text, len);
    host[len] = '\0';
    return rl_address_parse(host, &whole) &&
           memcmp(whole.bytes, prefix->bytes, sizeof(whole.bytes)) != 0;
}

static bool list_grow(rlctl_prefixes_t *list)
{
    const size_t room = list->room > 0 ? list->room * 2 : 1024;
    rlctl_prefix_t *items;
    if (list->n < list->room) {
        return true;
    }
    items = realloc(list->items, room * sizeof(*items));
    if (items != NULL) {
        list->items = items;
        list->room = room;
    }
    return items != NULL;
}

const char *rlctl_prefixes_add(rlctl_prefixes_t *list, const char *text, const char *label,
                               const rlctl_place_t *place)
{
    rl_address_t prefix;
    const char *reason = rl_address_parse_prefix(text, &prefix);
    const char *kept;
    if (reason != NULL) {
        return reason;
    }
    if (!is_label(label)) {
        return "a label has 1 to 64 printable ASCII characters, without blanks and #";
    }
    kept = keep_label(list, label);
    if (kept == NULL || !list_grow(list)) {
        return "not enough memory";
    }
    if (has_more_bits(text, &prefix) && list->masked++ < NOTES_MAX) {
        list_tell(place, text, "bits are set beyond the prefix length; they are dropped");
    }
    list->items[list->n] = (rlctl_prefix_t){prefix, kept, list->n};
    list->n++;
    return NULL;
}

/* ---- reducing ---- */

static int compare_listed_prefixes(const rl_address_t *a, const rl_address_t *b)
{
    const int order = a->family != b->family ? a->family - b->family
                                             : memcmp(a->bytes, b->bytes, sizeof(a->bytes));
    return order != 0 ? order : a->bits - b->bits;
}

static int compare_listed(const void *left, const void *right)
{
    const rlctl_prefix_t *a = left, *b = right;
    const int order = compare_listed_prefixes(&a->prefix, &b->prefix);
    return order != 0 ? order : (a->order > b->order) - (a->order < b->order);
}

static const char *prefix_text(const rl_address_t *prefix, char text[INET6_ADDRSTRLEN + 4])
{
    char address[INET6_ADDRSTRLEN] = "?";
    inet_ntop(prefix->family == 4 ? AF_INET : AF_INET6, prefix->bytes, address,
              sizeof(address));
    snprintf(text, INET6_ADDRSTRLEN + 4, "%s/%u", address, prefix->bits);
    return text;
}

static void tell_conflict(const rlctl_prefix_t *kept, const rlctl_prefix_t *dropped)
{
    char text[INET6_ADDRSTRLEN + 4];
    rlctl_error("%s: is both %s and %s; %s counts, which came first",
                prefix_text(&kept->prefix, text), kept->label, dropped->label, kept->label);
}

/* Drops what is there twice. Returns how many had different labels. */
static size_t list_drop_doubles(rlctl_prefixes_t *list)
{
    size_t kept = 0, conflicts = 0;
    for (size_t i = 0; i < list->n; i++) {
        const rlctl_prefix_t *last = kept > 0 ? &list->items[kept - 1] : NULL;
        const rlctl_prefix_t *item = &list->items[i];
        if (last == NULL || compare_listed_prefixes(&last->prefix, &item->prefix) != 0) {
            list->items[kept++] = *item;
        }
        else if (strcmp(last->label, item->label) != 0 && conflicts++ < NOTES_MAX) {
            tell_conflict(last, item);
        }
    }
    list->n = kept;
    return conflicts;
}

/* Returns true if prefix lies within around. */
static bool lies_in(const rl_address_t *prefix, const rl_address_t *around)
{
    rl_address_t address = *prefix;
    if (prefix->family != around->family || prefix->bits < around->bits) {
        return false;
    }
    rl_address_mask(&address, around->bits, around->bits);
    return memcmp(address.bytes, around->bytes, sizeof(address.bytes)) == 0;
}

/* Drops what the prefix around it says as well. */
static void drop_covered(rlctl_prefixes_t *list)
{
    rlctl_prefix_t open[DEPTH_MAX];
    size_t kept = 0, depth = 0;
    for (size_t i = 0; i < list->n; i++) {
        const rlctl_prefix_t item = list->items[i];
        while (depth > 0 && !lies_in(&item.prefix, &open[depth - 1].prefix)) {
            depth--;
        }
        if (depth == 0 || strcmp(open[depth - 1].label, item.label) != 0) {
            open[depth++] = item;
            list->items[kept++] = item;
        }
    }
    list->n = kept;
}

static void tell_rest(size_t n, const char *what)
{
    if (n > NOTES_MAX) {
        rlctl_error("%zu prefixes in all %s", n, what);
    }
}

void rlctl_prefixes_reduce(rlctl_prefixes_t *list)
{
    tell_rest(list->masked, "had bits set beyond their length");
    if (list->n > 0) {
        qsort(list->items, list->n, sizeof(list->items[0]), compare_listed);
        tell_rest(list_drop_doubles(list), "had several labels");
        drop_covered(list);
    }
}

void rlctl_prefixes_write(const rlctl_prefixes_t *list, FILE *out)
{
    char text[INET6_ADDRSTRLEN + 4];
    fprintf(out, "# %zu prefixes, written by rlctl networks\n", list->n);
    for (size_t i = 0; i < list->n; i++) {
        fprintf(out, "%s %s\n", prefix_text(&list->items[i].prefix, text),
                list->items[i].label);
    }
}
