/* SPDX-License-Identifier: Apache-2.0 */
#include "lists/published.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>
#include <zlib.h>

#include "error.h"

#define LINE_MAX_BYTES 4096
#define FIELDS_MAX     3
#define FIELD_MAX      128
#define SHOWN_MAX      60
#define NESTED_MAX     64          /* arrays and objects of JSON */
#define DOCUMENT_MAX   (64u << 20) /* bytes of JSON, unpacked, which are all kept in memory */

typedef struct rlctl_source {
    gzFile in;
    rlctl_place_t place;
    rlctl_form_e form;
    const char *label;
    rlctl_prefixes_t *list;
    size_t unpacked; /* bytes of a document */
} rlctl_source_t;

/* What a stranger wrote may not reach the terminal as it is. */
static void make_printable(const char *text, char shown[SHOWN_MAX])
{
    size_t n = 0;
    for (; n < SHOWN_MAX - 1 && text[n] != '\0'; n++) {
        shown[n] = text[n];
        if (text[n] < ' ' || text[n] > '~') {
            shown[n] = '?';
        }
    }
    shown[n] = '\0';
}

static bool refuse(const rlctl_source_t *source, const char *text, const char *reason)
{
    char shown[SHOWN_MAX];
    make_printable(text, shown);
    rlctl_error("%s:%zu: \"%s\": %s", source->place.file, source->place.line, shown, reason);
    return false;
}

/* Adds a prefix, unless it is everybody's: a mistake in such a list, or an attack. Returns NULL
 * or the reason. */
static const char *add_published(const rlctl_source_t *source, const char *text,
                                 const char *label)
{
    rl_address_t prefix;
    if (rl_address_parse_prefix(text, &prefix) == NULL && prefix.bits == 0) {
        return "all addresses can't be a published network";
    }
    return rlctl_prefixes_add(source->list, text, label, &source->place);
}

/* ---- lines ---- */

static bool published_is_number(const char *text)
{
    return *text != '\0' && text[strspn(text, "0123456789")] == '\0';
}

/* Finds the number in 64496, AS64496, or 64496_64497, where several networks announce a prefix:
 * then it is the first of them. Returns its length, 0 if there is none. */
static size_t as_number(const char *text, const char **number)
{
    size_t len;
    *number = text + (strncasecmp(text, "AS", 2) == 0 ? 2 : 0);
    len = strspn(*number, "0123456789");
    return (*number)[len] == '\0' || (*number)[len] == '_' ? len : 0;
}

/* Makes a label of the field after the prefix. Returns NULL or the reason. */
static const char *published_label(const rlctl_source_t *source, const char *field,
                                   char label[FIELD_MAX])
{
    const char *number;
    const size_t len = as_number(field, &number);
    if (source->label != NULL) {
        snprintf(label, FIELD_MAX, "%s", source->label);
    }
    else if (len > 0) {
        snprintf(label, FIELD_MAX, "AS%.*s", (int)len, number);
    }
    else if (source->form == RLCTL_FORM_PREFIX_ASN) {
        return "an AS number must follow the prefix";
    }
    else {
        snprintf(label, FIELD_MAX, "%s", field);
    }
    return *label == '\0' ? "no label follows; give one by --label" : NULL;
}

/* Cuts off a comment. */
static void cut_comment(char *line)
{
    for (char *at = line; *at != '\0'; at++) {
        if (*at == '#' || (*at == ';' && (at == line || isblank((unsigned char)at[-1])))) {
            *at = '\0';
            return;
        }
    }
}

/* Splits the line into its first fields. Returns false if one is too long. */
static bool split(char *line, char fields[FIELDS_MAX][FIELD_MAX])
{
    char *rest = line;
    for (int i = 0; i < FIELDS_MAX; i++) {
        const char *field = strtok_r(i == 0 ? line : NULL, " \t\r\n,|", &rest);
        if (field != NULL && strlen(field) >= FIELD_MAX) {
            return false;
        }
        snprintf(fields[i], FIELD_MAX, "%s", field != NULL ? field : "");
    }
    return true;
}

static bool published_take_line(const rlctl_source_t *source, char *line)
{
    char fields[FIELDS_MAX][FIELD_MAX], prefix[2 * FIELD_MAX], label[FIELD_MAX];
    const char *reason;
    bool apart;
    cut_comment(line);
    if (!split(line, fields)) {
        return refuse(source, line, "a field is too long");
    }
    if (*fields[0] == '\0') {
        return true;
    }
    apart =
        strchr(fields[0], '/') == NULL && published_is_number(fields[1]) && *fields[2] != '\0';
    snprintf(prefix, sizeof(prefix), "%s%s%s", fields[0], apart ? "/" : "",
             apart ? fields[1] : "");
    reason = published_label(source, fields[apart ? 2 : 1], label);
    if (reason == NULL) {
        reason = add_published(source, prefix, label);
    }
    return reason == NULL ? true : refuse(source, fields[0], reason);
}

static bool published_take_lines(rlctl_source_t *source)
{
    char line[LINE_MAX_BYTES];
    while (gzgets(source->in, line, sizeof(line)) != NULL) {
        source->place.line++;
        if (strlen(line) == sizeof(line) - 1) {
            return refuse(source, line, "the line is too long");
        }
        if (!published_take_line(source, line)) {
            return false;
        }
    }
    return true;
}

/* ---- JSON ---- */

/* Adds the strings that are prefixes. Names, dates and the like are none. */
static const char *take_json(const rlctl_source_t *source, const json_t *json, int depth)
{
    const char *reason = NULL, *name;
    json_t *value;
    size_t i;
    if (depth > NESTED_MAX) {
        return "nested too deeply";
    }
    if (json_is_object(json)) {
        json_object_foreach((json_t *)(uintptr_t)json, name, value)
        {
            reason = reason == NULL ? take_json(source, value, depth + 1) : reason;
        }
    }
    else if (json_is_array(json)) {
        json_array_foreach(json, i, value)
        {
            reason = reason == NULL ? take_json(source, value, depth + 1) : reason;
        }
    }
    else if (json_is_string(json)) {
        rl_address_t prefix;
        if (rl_address_parse_prefix(json_string_value(json), &prefix) == NULL) {
            reason = add_published(source, json_string_value(json), source->label);
        }
    }
    return reason;
}

/* A file of a few kB can be unpacked to any size. */
static size_t read_some(void *buffer, size_t size, void *data)
{
    rlctl_source_t *source = data;
    const int n = gzread(source->in, buffer, (unsigned)size);
    if (n < 0 || source->unpacked > DOCUMENT_MAX) {
        return (size_t)-1;
    }
    source->unpacked += (size_t)n;
    return (size_t)n;
}

static bool take_document(rlctl_source_t *source)
{
    json_error_t error;
    json_t *json;
    const char *reason;
    if (source->label == NULL) {
        rlctl_error("%s: JSON has no labels; give one by --label", source->place.file);
        return false;
    }
    json = json_load_callback(read_some, source, 0, &error);
    if (source->unpacked > DOCUMENT_MAX) {
        json_decref(json);
        rlctl_error("%s: it is over %u MB", source->place.file, DOCUMENT_MAX >> 20);
        return false;
    }
    if (json == NULL) {
        char shown[SHOWN_MAX];
        make_printable(error.text, shown);
        rlctl_error("%s: line %d: %s", source->place.file, error.line, shown);
        return false;
    }
    reason = take_json(source, json, 0);
    json_decref(json);
    if (reason != NULL) {
        rlctl_error("%s: %s", source->place.file, reason);
    }
    return reason == NULL;
}

/* ---- files ---- */

/* Returns true if what follows white space looks like JSON, which stays to be read. */
static bool looks_like_json(gzFile in)
{
    int c = gzgetc(in);
    while (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
        c = gzgetc(in);
    }
    if (c >= 0) {
        gzungetc(c, in);
    }
    return c == '{' || c == '[';
}

/* Reads on, after what was read is of no account any more. Returns false if it broke off. */
static bool read_well(const rlctl_source_t *source)
{
    int error = Z_OK;
    const char *text = gzerror(source->in, &error);
    if (error == Z_OK || error == Z_STREAM_END) {
        return true;
    }
    rlctl_error("%s: can't be read: %s", source->place.file,
                error == Z_ERRNO ? strerror(errno) : text);
    return false;
}

bool rlctl_published_read(const char *file, rlctl_form_e form, const char *label,
                          rlctl_prefixes_t *list)
{
    const bool standard = strcmp(file, "-") == 0;
    rlctl_source_t source = {.place = {standard ? "standard input" : file, 0},
                             .form = form,
                             .label = label,
                             .list = list};
    const size_t before = list->n;
    bool good;
    source.in = standard ? gzdopen(dup(STDIN_FILENO), "r") : gzopen(file, "re");
    if (source.in == NULL) {
        rlctl_error("%s: %s", file, strerror(errno));
        return false;
    }
    if (form == RLCTL_FORM_ANY && looks_like_json(source.in)) {
        form = RLCTL_FORM_JSON;
    }
    good = form == RLCTL_FORM_JSON ? take_document(&source) : published_take_lines(&source);
    good = good && read_well(&source);
    gzclose(source.in);
    if (good && list->n == before) {
        rlctl_error("%s: no prefix is in it", source.place.file);
    }
    return good && list->n > before;
}
