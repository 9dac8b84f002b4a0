/* SPDX-License-Identifier: Apache-2.0 */
/* Reads lists of networks in the forms in which they are published. */
#ifndef RLCTL_PUBLISHED_H
#define RLCTL_PUBLISHED_H

#include <stdbool.h>

#include "lists/prefixes.h"

typedef enum {
    RLCTL_FORM_ANY,        /* found out for each file */
    RLCTL_FORM_PREFIX_ASN, /* PREFIX ASN, or ADDRESS LENGTH ASN */
    RLCTL_FORM_JSON
} rlctl_form_e;

/* Adds the prefixes of a file, which may be compressed by gzip, "-" for standard input, to the
 * list:
 *
 * - JSON: whatever string of it is an address or a prefix;
 * - lines: PREFIX LABEL, the label an AS number or any word; ADDRESS LENGTH ASN; or PREFIX
 * alone. Fields are separated by blanks, tabs, commas or |. # begins a comment, ; at the
 * beginning of a line or after a blank as well.
 *
 * `label`, unless it is NULL, is the label of all of them; JSON, and PREFIX alone, need it.
 * Returns false after an error was told. */
bool rlctl_published_read(const char *file, rlctl_form_e form, const char *label,
                          rlctl_prefixes_t *list);

#endif
