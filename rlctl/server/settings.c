/* SPDX-License-Identifier: Apache-2.0 */
#include "server/settings.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "server/conf_file.h"
#include "error.h"

#define TIMEOUT_MS   10000
#define LINES        20
#define LINES_MOST   100000
#define TIMEOUT_MOST 600 /* seconds */

enum {
    OPT_URL = 1,
    OPT_USER,
    OPT_PASSWORD_FILE,
    OPT_CACERT,
    OPT_TIMEOUT,
    OPT_COLOUR,
    OPT_JSON,
    OPT_VHOST,
    OPT_RULE,
    OPT_DENIED,
    OPT_LINES,
    OPT_FOR,
    OPT_HELP
};

static const struct option options[] = {
    {"url", required_argument, NULL, OPT_URL},
    {"user", required_argument, NULL, OPT_USER},
    {"password-file", required_argument, NULL, OPT_PASSWORD_FILE},
    {"cacert", required_argument, NULL, OPT_CACERT},
    {"timeout", required_argument, NULL, OPT_TIMEOUT},
    {"color", required_argument, NULL, OPT_COLOUR},
    {"colour", required_argument, NULL, OPT_COLOUR},
    {"json", no_argument, NULL, OPT_JSON},
    {"help", no_argument, NULL, OPT_HELP},
    {"vhost", required_argument, NULL, OPT_VHOST},
    {"rule", required_argument, NULL, OPT_RULE},
    {"denied", no_argument, NULL, OPT_DENIED},
    {"lines", required_argument, NULL, OPT_LINES},
    {"for", required_argument, NULL, OPT_FOR},
    {NULL, 0, NULL, 0}};

typedef struct reading {
    rlctl_settings_t *settings;
    const rlctl_usage_t *usage;
    rlctl_colour_e colour;
} reading_t;

static const char common[] =
    "\n"
    "  --url URL             the page with SetHandler ratelimit-status; else that of "
    "RLCTL_URL\n"
    "                        in the environment, else of /etc/rlctl.conf\n"
    "  --user NAME           for a page that asks for a password, which is\n"
    "  --password-file FILE  the first line of this file\n"
    "  --cacert FILE         trust these certificates, not the system's\n"
    "  --timeout SECONDS     how long to wait for an answer (10)\n"
    "  --json                for programs: what the server says, as JSON\n"
    "  --color WHEN          auto (on a terminal), always or never\n"
    "\n"
    "Exit status: 0 done, 1 not healthy, not found or no answer, 2 wrong usage.\n";

/* Writes the first line of the usage, and how to see the rest. */
static int complain(const reading_t *reading, const char *command)
{
    const char *text = reading->usage->text;
    fwrite(text, 1, strcspn(text, "\n") + 1, stderr);
    fprintf(stderr, "%s --help tells more\n", command);
    return RLCTL_USAGE;
}

/* ---- options ---- */

/* Options that not every command takes. */
static unsigned takes(int option)
{
    switch (option) {
    case OPT_VHOST:
        return RLCTL_TAKES_VHOST;
    case OPT_RULE:
    case OPT_DENIED:
    case OPT_LINES:
        return RLCTL_TAKES_TOP;
    case OPT_FOR:
        return RLCTL_TAKES_FOR;
    default:
        return 0;
    }
}

static bool take_timeout(rlctl_settings_t *settings, const char *word)
{
    char *end;
    const double seconds = strtod(word, &end);
    if (end == word || *end != '\0' || !(seconds >= 0.001 && seconds <= TIMEOUT_MOST)) {
        rlctl_error("--timeout %s: must be a number of seconds up to %d", word, TIMEOUT_MOST);
        return false;
    }
    settings->timeout_ms = (long)(seconds * 1000);
    return true;
}

static bool settings_take_lines(rlctl_settings_t *settings, const char *word)
{
    char *end;
    settings->lines = strtol(word, &end, 10);
    if (end == word || *end != '\0' || settings->lines < 1 || settings->lines > LINES_MOST) {
        rlctl_error("--lines %s: must be a number from 1 to %d", word, LINES_MOST);
        return false;
    }
    return true;
}

static bool take_colour(reading_t *reading, const char *word)
{
    if (!rlctl_colour_parse(word, &reading->colour)) {
        rlctl_error("--color %s: must be auto, always or never", word);
        return false;
    }
    return true;
}

/* Takes what chooses the server. Returns false for other options. */
static bool take_server(rlctl_settings_t *settings, int option)
{
    switch (option) {
    case OPT_URL:
        settings->url = optarg;
        settings->url_said = true;
        return true;
    case OPT_USER:
        settings->user = optarg;
        return true;
    case OPT_PASSWORD_FILE:
        settings->password_file = optarg;
        return true;
    case OPT_CACERT:
        settings->cacert = optarg;
        return true;
    default:
        return false;
    }
}

/* Takes what chooses rules and keys. Returns false for other options. */
static bool take_choice(rlctl_settings_t *settings, int option)
{
    switch (option) {
    case OPT_JSON:
        settings->json = true;
        return true;
    case OPT_VHOST:
        settings->vhost = optarg;
        return true;
    case OPT_RULE:
        settings->rule = optarg;
        return true;
    case OPT_DENIED:
        settings->denied = true;
        return true;
    case OPT_FOR:
        settings->span = optarg;
        return true;
    default:
        return false;
    }
}

/* Returns -1, or the exit status to end with. */
static int settings_take_option(reading_t *reading, const char *command, int option, int index)
{
    rlctl_settings_t *settings = reading->settings;
    if ((takes(option) & ~reading->usage->takes) != 0) {
        rlctl_error("%s takes no --%s", command + strcspn(command, " ") + 1,
                    options[index].name);
        return complain(reading, command);
    }
    if (take_server(settings, option) || take_choice(settings, option)) {
        return -1;
    }
    switch (option) {
    case OPT_TIMEOUT:
        return take_timeout(settings, optarg) ? -1 : RLCTL_USAGE;
    case OPT_LINES:
        return settings_take_lines(settings, optarg) ? -1 : RLCTL_USAGE;
    case OPT_COLOUR:
        return take_colour(reading, optarg) ? -1 : RLCTL_USAGE;
    case OPT_HELP:
        fputs(reading->usage->text, stdout);
        fputs(common, stdout);
        return RLCTL_DONE;
    default:
        return complain(reading, command);
    }
}

static int settings_take_options(reading_t *reading, int argc, char *argv[])
{
    const rlctl_usage_t *usage = reading->usage;
    int option, index = 0;
    while ((option = getopt_long(argc, argv, "", options, &index)) != -1) {
        const int status = settings_take_option(reading, argv[0], option, index);
        if (status >= 0) {
            return status;
        }
    }
    if (argc - optind < usage->least || (usage->most >= 0 && argc - optind > usage->most)) {
        return complain(reading, argv[0]);
    }
    if ((usage->takes & RLCTL_TAKES_FOR) != 0 && reading->settings->span == NULL) {
        rlctl_error("for how long? --for 2h says so");
        return RLCTL_USAGE;
    }
    return -1;
}

/* ---- the server ---- */

static bool find_url(rlctl_settings_t *settings)
{
    const char *url = getenv("RLCTL_URL");
    const char *path = getenv("RLCTL_CONF");
    path = path != NULL && *path != '\0' ? path : "/etc/rlctl.conf";
    if (settings->url != NULL) {
        return true;
    }
    if (url != NULL && *url != '\0') {
        settings->url = url;
        return true;
    }
    if (!rlctl_conf_file_read(path, settings)) {
        return false;
    }
    if (settings->url == NULL) {
        rlctl_error("which server? Say --url URL, set RLCTL_URL, or write a line 'url = URL' "
                    "to %s. The URL is that of a <Location> with SetHandler ratelimit-status",
                    path);
    }
    return settings->url != NULL;
}

int rlctl_settings_read(rlctl_settings_t *settings, const rlctl_usage_t *usage, int argc,
                        char *argv[])
{
    reading_t reading = {.settings = settings, .usage = usage, .colour = RLCTL_COLOUR_AUTO};
    int status;
    *settings = (rlctl_settings_t){.timeout_ms = TIMEOUT_MS, .lines = LINES};
    status = settings_take_options(&reading, argc, argv);
    if (status >= 0) {
        return status;
    }
    rlctl_colour_choose(reading.colour);
    return find_url(settings) ? -1 : RLCTL_USAGE;
}

int rlctl_settings_before(int argc, char *argv[])
{
    int before, option = 0;
    opterr = 0;
    while ((option = getopt_long(argc, argv, "+", options, NULL)) != -1 && option != '?' &&
           option != OPT_HELP) {
    }
    before = option == -1 ? optind : optind - 1;
    optind = 0;
    opterr = 1;
    return before;
}
