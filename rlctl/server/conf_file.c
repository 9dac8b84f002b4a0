/* SPDX-License-Identifier: Apache-2.0 */
#include "server/conf_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "error.h"
#include "memory.h"

#define LINE_BYTES 4096
#define FILE_BYTES 65536
#define BLANKS     " \t\r\n"

/* Returns text without blanks at both ends; it is changed. */
static char *conf_trimmed(char *text)
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

static const char **setting_named(rlctl_settings_t *settings, const char *name)
{
    return strcmp(name, "url") == 0             ? &settings->url
           : strcmp(name, "user") == 0          ? &settings->user
           : strcmp(name, "password-file") == 0 ? &settings->password_file
           : strcmp(name, "cacert") == 0        ? &settings->cacert
                                                : NULL;
}

/* Takes one line. Returns NULL, or what is wrong with it. */
static const char *conf_take_line(rlctl_settings_t *settings, char *line)
{
    char *name = conf_trimmed(line);
    char *equals = strchr(name, '=');
    const char *value, **setting;
    if (*name == '\0' || *name == '#') {
        return NULL;
    }
    if (equals == NULL) {
        return "not of the form NAME = VALUE";
    }
    *equals = '\0';
    name = conf_trimmed(name);
    value = conf_trimmed(equals + 1);
    setting = setting_named(settings, name);
    if (setting == NULL) {
        return "the names are url, user, password-file and cacert";
    }
    if (*value == '\0') {
        return "there is no value";
    }
    if (*setting == NULL) {
        *setting = value;
    }
    return NULL;
}

static bool conf_take_lines(const char *path, char *text, rlctl_settings_t *settings)
{
    char *line;
    for (int number = 1; (line = strsep(&text, "\n")) != NULL; number++) {
        const char *wrong = conf_take_line(settings, line);
        if (wrong != NULL) {
            rlctl_error("%s, line %d: %s", path, number, wrong);
            return false;
        }
    }
    return true;
}

bool rlctl_conf_file_read(const char *path, rlctl_settings_t *settings)
{
    static char text[FILE_BYTES]; /* where the settings lie then */
    FILE *file = fopen(path, "re");
    size_t len;
    if (file == NULL) {
        if (errno != ENOENT) {
            rlctl_error("%s: %s", path, strerror(errno));
        }
        return errno == ENOENT;
    }
    len = fread(text, 1, sizeof(text) - 1, file);
    fclose(file);
    text[len] = '\0';
    if (len == sizeof(text) - 1) {
        rlctl_error("%s: too long", path);
        return false;
    }
    return conf_take_lines(path, text, settings);
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
