/* SPDX-License-Identifier: Apache-2.0 */
/* What both form parsers share: collecting values, and comparing names.
 *
 * A field's first value is kept. Every later one is compared with it as it comes, so that one
 * buffer is enough. */
#include "parser.h"

#include <string.h>

bool rl_form_field_sure(const rl_form_field_t *field, unsigned tolerated)
{
    return field->state == RL_FIELD_ONE && (field->doubts & ~tolerated) == 0;
}

static void field_clear(rl_form_field_t *field)
{
    field->value_len = 0;
    field->state = RL_FIELD_ABSENT;
    field->doubts = 0;
    field->at = 0;
    field->differs = false;
}

bool rl_form_fields_init(rl_form_field_t *fields, size_t nfields)
{
    if (nfields > RL_FORM_FIELDS_MAX) {
        return false;
    }
    for (size_t i = 0; i < nfields; i++) {
        if (fields[i].name_len == 0) {
            return false;
        }
        field_clear(&fields[i]);
    }
    return true;
}

void rl_form_fields_doubt(rl_form_field_t *fields, uint32_t mask, unsigned doubts)
{
    for (uint32_t left = mask; left != 0; left &= left - 1) {
        const unsigned i = rl_first_field(left);
        fields[i].doubts |= doubts;
    }
}

void rl_form_fields_doubt_all(rl_form_field_t *fields, size_t nfields, unsigned doubts)
{
    for (size_t i = 0; i < nfields; i++) {
        fields[i].doubts |= doubts;
    }
}

void rl_form_fields_begin(rl_form_field_t *fields, uint32_t mask)
{
    for (uint32_t left = mask; left != 0; left &= left - 1) {
        const unsigned i = rl_first_field(left);
        fields[i].at = 0;
        fields[i].differs = false;
    }
}

static void keep(rl_form_field_t *field, const char *data, size_t len)
{
    if (len > field->value_cap - field->at) {
        field->differs = true; /* it does not fit */
        return;
    }
    if (len > 0) {
        memcpy(field->value + field->at, data, len);
        field->at += len;
    }
}

static void compare_values(rl_form_field_t *field, const char *data, size_t len)
{
    if (len > field->value_len - field->at) {
        field->differs = true;
        return;
    }
    if (len > 0 && memcmp(field->value + field->at, data, len) != 0) {
        field->differs = true;
    }
    field->at += len;
}

static void field_put(rl_form_field_t *field, const char *data, size_t len)
{
    if (memchr(data, '\0', len) != NULL) {
        field->doubts |= RL_DOUBT_NUL;
    }
    if (field->differs) {
        return;
    }
    if (field->state == RL_FIELD_ABSENT) {
        keep(field, data, len);
    }
    else if (field->state == RL_FIELD_ONE) {
        compare_values(field, data, len);
    }
}

void rl_form_fields_put(rl_form_field_t *fields, uint32_t mask, const char *data, size_t len)
{
    for (uint32_t left = mask; left != 0; left &= left - 1) {
        const unsigned i = rl_first_field(left);
        field_put(&fields[i], data, len);
    }
}

static void field_end(rl_form_field_t *field)
{
    if (field->state == RL_FIELD_ABSENT) {
        field->state = field->differs ? RL_FIELD_TOO_LONG : RL_FIELD_ONE;
        field->value_len = field->differs ? 0 : field->at;
    }
    else if (field->state == RL_FIELD_ONE &&
             (field->differs || field->at != field->value_len)) {
        field->state = RL_FIELD_CONFLICT;
        field->value_len = 0;
    }
}

void rl_form_fields_end(rl_form_field_t *fields, uint32_t mask)
{
    for (uint32_t left = mask; left != 0; left &= left - 1) {
        const unsigned i = rl_first_field(left);
        field_end(&fields[i]);
    }
}

/* Names that differ from the wanted one, but that some application takes for it:
 *
 *   PHP           drops leading spaces, stops at NUL, turns space, `.` and an unclosed `[` into
 *                 `_`, and takes `user[x]` for an array that replaces `user`
 *   ASP, ASP.NET  ignore the case of letters
 *   Rack          drops brackets around a name (`[user]`, `user]`); so does qs (Node.js)
 *   C programs    stop at NUL
 *
 * One comparison covers all of these and is wider than any of them: it skips leading blanks and
 * brackets, folds letters, takes the characters that PHP replaces for `_`, and ignores whatever
 * follows a NUL or a bracket. All it can do is make a field doubtful, so too wide is safe. */
static char fold(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return (char)(c - 'A' + 'a');
    }
    return c == ' ' || c == '.' || c == '[' ? '_' : c;
}

static bool is_dropped_in_front(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r') || c == '[' || c == ']';
}

static bool is_name_end_for_some(char c)
{
    return c == '\0' || c == '[' || c == ']';
}

void rl_name_begin(rl_name_match_t *match, size_t nfields)
{
    const uint32_t all = nfields == 0 ? 0 : UINT32_MAX >> (RL_FORM_FIELDS_MAX - nfields);
    *match = (rl_name_match_t){.exact = all, .alike = all};
}

static void match_alike(rl_name_match_t *match, const rl_form_field_t *fields, char c)
{
    for (uint32_t left = match->alike; left != 0; left &= left - 1) {
        const unsigned i = rl_first_field(left);
        const rl_form_field_t *field = &fields[i];
        const uint32_t bit = UINT32_C(1) << i;
        if (match->folded < field->name_len) {
            match->alike &= fold(field->name[match->folded]) == fold(c) ? ~UINT32_C(0) : ~bit;
            continue;
        }
        match->alike &= ~bit;
        match->twins |= is_name_end_for_some(c) ? bit : 0;
    }
    match->folded++;
}

void rl_name_byte(rl_name_match_t *match, const rl_form_field_t *fields, char c)
{
    for (uint32_t left = match->exact; left != 0; left &= left - 1) {
        const unsigned i = rl_first_field(left);
        if (match->len >= fields[i].name_len || fields[i].name[match->len] != c) {
            match->exact &= ~(UINT32_C(1) << i);
        }
    }
    match->len++;
    if (match->alike != 0 && (match->folded > 0 || !is_dropped_in_front(c))) {
        match_alike(match, fields, c);
    }
}

static uint32_t with_length(const rl_form_field_t *fields, uint32_t mask, size_t len)
{
    uint32_t found = 0;
    for (uint32_t left = mask; left != 0; left &= left - 1) {
        const unsigned i = rl_first_field(left);
        found |= fields[i].name_len == len ? UINT32_C(1) << i : 0;
    }
    return found;
}

uint32_t rl_name_exact(const rl_name_match_t *match, const rl_form_field_t *fields)
{
    return with_length(fields, match->exact, match->len);
}

uint32_t rl_name_twins(const rl_name_match_t *match, const rl_form_field_t *fields)
{
    const uint32_t alike = match->twins | with_length(fields, match->alike, match->folded);
    return alike & ~rl_name_exact(match, fields);
}
