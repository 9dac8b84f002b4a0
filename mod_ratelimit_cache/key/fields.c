/* SPDX-License-Identifier: Apache-2.0 */
#include "fields.h"

#include <apr_strings.h>
#include <string.h>

static void parse(const rl_fields_t *fields, rl_form_field_t *wanted, size_t n)
{
    union {
        rl_urlencoded_t urlencoded;
        rl_multipart_t multipart;
    } parser;
    if (fields->type == RL_FORM_URLENCODED) {
        rl_urlencoded_init(&parser.urlencoded, wanted, n);
        rl_urlencoded_feed(&parser.urlencoded, fields->text, fields->len);
        rl_urlencoded_finish(&parser.urlencoded, fields->ended);
    }
    else {
        const rl_part_terms_t terms = {wanted, n, fields->charset};
        rl_multipart_init(&parser.multipart, fields->boundary, fields->boundary_len, &terms);
        rl_multipart_feed(&parser.multipart, fields->text, fields->len);
        rl_multipart_finish(&parser.multipart, fields->ended);
    }
}

/* Parses for n fields, RL_FORM_FIELDS_MAX at most, and copies their values to the pool. `room`
 * has n times `size` bytes for the values as they are read. */
static void read_wanted(const rl_fields_t *fields, apr_pool_t *pool,
                        rl_form_field_t *const *wanted, size_t n, char *room, size_t size)
{
    rl_form_field_t read[RL_FORM_FIELDS_MAX];
    for (size_t i = 0; i < n; i++) {
        read[i] = *wanted[i];
        read[i].value = room + i * size;
        read[i].value_cap = size;
    }
    parse(fields, read, n);
    for (size_t i = 0; i < n; i++) {
        *wanted[i] = read[i];
        wanted[i]->value = apr_pmemdup(pool, read[i].value, read[i].value_len);
    }
}

/* No value is longer than the text. */
static void read_unread(rl_fields_t *fields, apr_pool_t *pool)
{
    rl_form_field_t *const *wanted = (rl_form_field_t *const *)fields->unread->elts;
    const size_t n = (size_t)fields->unread->nelts;
    const size_t size = fields->len < RL_FIELD_VALUE_MAX ? fields->len : RL_FIELD_VALUE_MAX;
    apr_pool_t *scratch;
    char *room;
    apr_pool_create(&scratch, pool);
    room = apr_palloc(scratch, (n < RL_FORM_FIELDS_MAX ? n : RL_FORM_FIELDS_MAX) * size);
    for (size_t i = 0; i < n; i += RL_FORM_FIELDS_MAX) {
        const size_t left = n - i;
        read_wanted(fields, pool, wanted + i,
                    left < RL_FORM_FIELDS_MAX ? left : RL_FORM_FIELDS_MAX, room, size);
    }
    apr_pool_destroy(scratch);
    apr_array_clear(fields->unread);
}

/* Returns the field of this name; makes it if need be. */
static rl_form_field_t *find(rl_fields_t *fields, apr_pool_t *pool, const char *name)
{
    const size_t len = strlen(name);
    rl_form_field_t *field;
    if (fields->found == NULL) {
        fields->found = apr_hash_make(pool);
        fields->unread = apr_array_make(pool, 4, sizeof(rl_form_field_t *));
    }
    field = apr_hash_get(fields->found, name, (apr_ssize_t)len);
    if (field == NULL) {
        field = apr_pcalloc(pool, sizeof(*field));
        field->name = name;
        field->name_len = len;
        apr_hash_set(fields->found, name, (apr_ssize_t)len, field);
        APR_ARRAY_PUSH(fields->unread, rl_form_field_t *) = field;
    }
    return field;
}

void rl_fields_want(rl_fields_t *fields, apr_pool_t *pool, const char *name)
{
    find(fields, pool, name);
}

const rl_form_field_t *rl_fields_read(rl_fields_t *fields, apr_pool_t *pool, const char *name)
{
    const rl_form_field_t *field = find(fields, pool, name);
    if (fields->unread->nelts > 0) {
        read_unread(fields, pool);
    }
    return field;
}
