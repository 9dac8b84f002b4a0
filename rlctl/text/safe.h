/* SPDX-License-Identifier: Apache-2.0 */
/* Text of strangers, made fit for a terminal, and how wide text is there. */
#ifndef RLCTL_SAFE_H
#define RLCTL_SAFE_H

#include <stdbool.h>
#include <stddef.h>

/* Returns a copy of text in which no byte can do anything to a terminal: control and format
 * characters (those that turn the direction of writing among them), unassigned ones and bytes
 * that are not UTF-8 are told as \xHH. The caller frees it. */
char *rlctl_safe(const char *text);

/* Returns how many columns safe text takes. */
size_t rlctl_width(const char *safe);

/* Returns how many bytes of safe text take at most that many columns. */
size_t rlctl_fitting(const char *safe, size_t columns);

/* Returns a copy of text to paste as one word of a shell's command; NULL if no such word is
 * what the server meant: text with a backslash or with what rlctl_safe() escapes. The caller
 * frees it. */
char *rlctl_shell_word(const char *text);

/* Returns what a value of a key was before the server escaped it for people (%XX), as in
 * "form:username=o%27neil", and without the width of a network; NULL if it had no value, or
 * only its length is told. The caller frees it. */
char *rlctl_value_meant(const char *shown);

#endif
