/* SPDX-License-Identifier: Apache-2.0 */
/* Form fields of a text: of a body, or of a query string. The text is parsed when a field is
 * asked for, and then for all fields that are wanted by that time, because rules often read
 * several: RL_FORM_FIELDS_MAX at a time. A field is parsed for once. */
#ifndef RL_KEY_FIELDS_H
#define RL_KEY_FIELDS_H

#include <apr_hash.h>
#include <apr_tables.h>

#include "../core/form/form.h"

#define RL_FIELD_VALUE_MAX 8192 /* bytes; a field with a longer value has none */

/* Begins as zeros; the text has to stay as it is from the first field on. */
typedef struct rl_fields {
    const char *text;
    apr_size_t len;
    rl_form_type_e type;  /* RL_FORM_NONE: nothing can be read of it */
    bool ended;           /* it is the whole of what was sent */
    const char *charset;  /* of a multipart, in lower case */
    const char *boundary; /* of a multipart */
    size_t boundary_len;
    apr_hash_t *found;          /* rl_form_field_t of all names that are wanted; NULL: none */
    apr_array_header_t *unread; /* those of them that the text was not parsed for yet */
} rl_fields_t;

/* Tells that a field will be asked for. The name, and the pool, have to live as long as the
 * fields. */
void rl_fields_want(rl_fields_t *fields, apr_pool_t *pool, const char *name);

/* Returns the field of this name, read. The type must be a form's. The name, and the pool, in
 * which the value lies, have to live as long as the fields. */
const rl_form_field_t *rl_fields_read(rl_fields_t *fields, apr_pool_t *pool, const char *name);

#endif
