/* SPDX-License-Identifier: Apache-2.0 */
/* What both form parsers share: collecting values.
 *
 * A field's first value is kept. Every later one is compared with it as it comes, so that one
 * buffer is enough. */
#include "parser.h"

#include <string.h>

bool rl_form_field_sure(const rl_form_field_t *field, unsigned tolerated)
{
    return field->state == RL_FIELD_ONE && (field->doubts & ~tolerated) == 0;
}

bool rl_form_field_absent(const rl_form_field_t *field)
{
    return field->state == RL_FIELD_ABSENT && field->doubts == 0;
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
