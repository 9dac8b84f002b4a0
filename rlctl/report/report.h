/* SPDX-License-Identifier: Apache-2.0 */
/* What the server says, in JSON (docs/monitoring.md). Members that are missing or of another
 * type read as "" or 0. */
#ifndef RLCTL_REPORT_H
#define RLCTL_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

/* Returns a member's text, "" if there is none. It is the object's, and not safe. */
const char *rlctl_text(const json_t *object, const char *name);

/* Returns a member's number, cut to an integer. */
int64_t rlctl_count(const json_t *object, const char *name);

/* Returns a copy of a member's text for a terminal; the caller frees it. */
char *rlctl_safe_text(const json_t *object, const char *name);

/* Returns the sum of a rule's figure in the last n minutes, the present one among them. figure:
 * allowed, denied or observed. */
int64_t rlctl_recent(const json_t *rule, const char *figure, size_t n);

/* Returns true if a rule or a key is of this virtual host; NULL: of any. */
bool rlctl_is_of(const json_t *row, const char *vhost);

/* Returns the first rule of this name; NULL if there is none. */
json_t *rlctl_rule_named(const json_t *report, const char *name, const char *vhost);

/* Returns the rule of a key; NULL if the report has none. */
json_t *rlctl_rule_of(const json_t *report, const json_t *key);

/* Returns the key with this tag; NULL if the report has none. */
json_t *rlctl_key_tagged(const json_t *report, const char *tag);

/* Returns true if rules of this name stand in more than one virtual host. */
bool rlctl_several_hosts(const json_t *report, const char *name);

/* Returns true if rows are of more than one virtual host. */
bool rlctl_hosts_differ(const json_t *rows);

/* Returns the rows of a list of the report whose member `by` is that name, of that virtual
 * host; NULL: any. The caller decreases its references. */
json_t *rlctl_rows(const json_t *report, const char *list, const char *by, const char *name,
                   const char *vhost);

/* Writes JSON to stdout, without the token that would let others act. */
void rlctl_json_write(json_t *json);

#endif
