/* SPDX-License-Identifier: Apache-2.0 */
#include "encoder.h"

#include <apr_strings.h>
#include <string.h>

#include "../core/fold.h"

void rl_key_add_missing(rl_key_encoder_t *encoder)
{
    encoder->missing = true;
    rl_key_add(encoder->builder, RL_VALUE_MISSING, NULL, 0);
}

void rl_key_add_absent(rl_key_encoder_t *encoder)
{
    encoder->absent = true;
    rl_key_add(encoder->builder, RL_VALUE_MISSING, NULL, 0);
}

void rl_key_add_bytes(rl_key_encoder_t *encoder, const char *text, size_t len)
{
    const char *trimmed = text;
    size_t trimmed_len = len;
    rl_trim(&trimmed, &trimmed_len);
    if (trimmed_len == 0) {
        rl_key_add_missing(encoder);
        return;
    }
    rl_key_add(encoder->builder, RL_VALUE_TEXT, text, len);
}

void rl_key_add_string(rl_key_encoder_t *encoder, const char *text)
{
    if (text == NULL) {
        rl_key_add_missing(encoder);
        return;
    }
    rl_key_add_bytes(encoder, text, strlen(text));
}

static void add_folded(rl_key_encoder_t *encoder, rl_fold_result_e result,
                       const rl_fold_t *folded)
{
    if (result == RL_FOLD_DONE && folded->len > 0) {
        rl_key_add(encoder->builder, RL_VALUE_TEXT, folded->text, folded->len);
    }
    else {
        rl_key_add_missing(encoder);
    }
}

void rl_key_add_utf8(rl_key_encoder_t *encoder, const char *text, size_t len)
{
    rl_fold_t folded;
    if (!encoder->spec->fold) {
        rl_key_add_bytes(encoder, text, len);
        return;
    }
    add_folded(encoder, rl_fold(text, len, &folded), &folded);
}

void rl_key_add_typed(rl_key_encoder_t *encoder, const char *text, size_t len)
{
    rl_fold_t folded;
    rl_fold_result_e result;
    if (!encoder->spec->fold) {
        rl_key_add_bytes(encoder, text, len);
        return;
    }
    result = rl_fold(text, len, &folded);
    if (result == RL_FOLD_NOT_UTF8) {
        result = rl_fold_latin1(text, len, &folded);
    }
    add_folded(encoder, result, &folded);
}

void rl_key_add_unknown_method(rl_key_encoder_t *encoder, apr_pool_t *pool, const char *method)
{
    char *upper = apr_pstrdup(pool, method);
    ap_str_toupper(upper);
    rl_key_add_string(encoder, strcmp(upper, "HEAD") == 0 ? "GET" : upper);
}
