/* SPDX-License-Identifier: Apache-2.0 */
#include "conf_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "memory.h"

#define LINE_BYTES 4096
#define BLANKS     " \t\r\n"

/* Returns text without blanks at both ends; it is changed. */
static char *trimmed(char *text)
{
    size_t len;
    text += strspn(text, BLANKS);
    len = strlen(text);
    while (len > 0 && strchr(BLANKS, text[len - 1]) != NULL) {
        len--;
    }
    text[len] = '\0';
    return text;
}

static char **setting_named(rlctl_settings_t *settings, const char *name)
{
    return strcmp(name, "url") == 0             ? &settings->url
           : strcmp(name, "user") == 0          ? &settings->user
           : strcmp(name, "password-file") == 0 ? &settings->password_file
           : strcmp(name, "cacert") == 0        ? &settings->cacert
                                                : NULL;
}

/* Takes one line. Returns NULL, or what is wrong with it. */
static const char *take_line(rlctl_settings_t *settings, char *line)
{
    char *name = trimmed(line);
    char *equals = strchr(name, '=');
    char *value, **setting;
    if (*name == '\0' || *name == '#') {
        return NULL;
    }
    if (equals == NULL) {
        return "not of the form NAME = VALUE";
    }
    *equals = '\0';
    name = trimmed(name);
    value = trimmed(equals + 1);
    setting = setting_named(settings, name);
    if (setting == NULL) {
        return "the names are url, user, password-file and cacert";
    }
    if (*value == '\0') {
        return "there is no value";
    }
    if (*setting == NULL) {
        *setting = rlctl_copy(value);
    }
    return NULL;
}

bool rlctl_conf_file_read(const char *path, rlctl_settings_t *settings)
{
    char line[LINE_BYTES];
    const char *wrong = NULL;
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        if (errno != ENOENT) {
            rlctl_error("%s: %s", path, strerror(errno));
        }
        return errno == ENOENT;
    }
    for (int number = 1; wrong == NULL && fgets(line, sizeof(line), file) != NULL; number++) {
        wrong = take_line(settings, line);
        if (wrong != NULL) {
            rlctl_error("%s, line %d: %s", path, number, wrong);
        }
    }
    fclose(file);
    return wrong == NULL;
}

char *rlctl_first_line(const char *path)
{
    char line[LINE_BYTES] = "";
    FILE *file = fopen(path, "re");
    const bool read = file != NULL && fgets(line, sizeof(line), file) != NULL;
    if (!read) {
        rlctl_error("%s: %s", path, file == NULL ? strerror(errno) : "it is empty");
    }
    if (file != NULL) {
        fclose(file);
    }
    line[strcspn(line, "\r\n")] = '\0';
    return read ? rlctl_copy(line) : NULL;
}
