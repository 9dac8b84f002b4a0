/* SPDX-License-Identifier: Apache-2.0 */
/* What all of rlctl says when something fails. */
#ifndef RLCTL_ERROR_H
#define RLCTL_ERROR_H

/* Writes an error to stderr, after "rlctl: ", and a line's end. */
void rlctl_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
