/* SPDX-License-Identifier: Apache-2.0 */
/* /etc/rlctl.conf: lines NAME = VALUE; '#' begins a comment. */
#ifndef RLCTL_CONF_FILE_H
#define RLCTL_CONF_FILE_H

#include <stdbool.h>

#include "server/settings.h"

/* Reads url, user, password-file and cacert into those settings that are still NULL. No file is
 * no error. Returns false after saying what is wrong. */
bool rlctl_conf_file_read(const char *path, rlctl_settings_t *settings);

/* Returns the first line of a file, which the caller frees; NULL after saying why not. */
char *rlctl_first_line(const char *path);

#endif
