/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"
#include "error.h"
#include "tester/feed.h"
#include "tester/tester.h"

/* Bytes on their way to httpd: with more of them, each of the two processes waits for the other
 * less often. */
#define PIPE_SIZE (1 << 20)

static const char usage[] =
    "usage: rlctl replay (--rules FILE | --config FILE) [option...] LOG...\n"
    "\n"
    "Tells which requests of access logs these rules would have denied. The rules are read, "
    "and\n"
    "the requests decided on, by httpd and the module themselves.\n"
    "\n"
    "  --rules FILE     sections with rules, as they would be included into the configuration\n"
    "  --config FILE    a whole configuration (/etc/apache2/apache2.conf)\n"
    "  LOG              plain or .gz; - is standard input\n"
    "  --format FORMAT  the LogFormat, or common, combined, vhost_common, vhost_combined;\n"
    "                   these four are found out\n"
    "  --percent P      propose limits that deny at most P percent of the clients (1)\n"
    "  --top N          tell the N busiest keys of each rule (10)\n"
    "  --json, --csv    for programs; --csv has a line for each key\n"
    "  --denied         the lines of requests that are denied, with the rule in front\n"
    "  --plot FILE.svg  draws the requests over time as well\n"
    "  --httpd PATH, --module PATH  another httpd, another build of the module\n";

enum {
    OPT_RULES = 1,
    OPT_CONFIG,
    OPT_FORMAT,
    OPT_PERCENT,
    OPT_TOP,
    OPT_PLOT,
    OPT_HTTPD,
    OPT_MODULE,
    OPT_HELP,
    OPT_JSON,
    OPT_CSV,
    OPT_DENIED
};

static const struct option options[] = {{"rules", required_argument, NULL, OPT_RULES},
                                        {"config", required_argument, NULL, OPT_CONFIG},
                                        {"format", required_argument, NULL, OPT_FORMAT},
                                        {"percent", required_argument, NULL, OPT_PERCENT},
                                        {"top", required_argument, NULL, OPT_TOP},
                                        {"plot", required_argument, NULL, OPT_PLOT},
                                        {"httpd", required_argument, NULL, OPT_HTTPD},
                                        {"module", required_argument, NULL, OPT_MODULE},
                                        {"json", no_argument, NULL, OPT_JSON},
                                        {"csv", no_argument, NULL, OPT_CSV},
                                        {"denied", no_argument, NULL, OPT_DENIED},
                                        {"help", no_argument, NULL, OPT_HELP},
                                        {NULL, 0, NULL, 0}};

typedef struct rlctl_replay {
    rlctl_tester_t tester;
    const char *plot;
} rlctl_replay_t;

static bool is_number(const char *text, double least, double most)
{
    char *end;
    const double number = strtod(text, &end);
    return end != text && *end == '\0' && number >= least && number <= most;
}

/* Takes one option. Returns -1, or the exit status to end with. */
static int take_option(rlctl_replay_t *replay, int option, const char *value)
{
    switch (option) {
    case OPT_RULES:
        replay->tester.rules = value;
        break;
    case OPT_CONFIG:
        replay->tester.config = value;
        break;
    case OPT_FORMAT:
        setenv("RATELIMIT_REPLAY_FORMAT", value, 1);
        break;
    case OPT_PERCENT:
        if (!is_number(value, 0, 100)) {
            rlctl_error("--percent %s: must be a number from 0 to 100", value);
            return RLCTL_USAGE;
        }
        setenv("RATELIMIT_REPLAY_PERCENT", value, 1);
        break;
    case OPT_TOP:
        if (!is_number(value, 0, 1000)) {
            rlctl_error("--top %s: must be a number from 0 to 1000", value);
            return RLCTL_USAGE;
        }
        setenv("RATELIMIT_REPLAY_TOP", value, 1);
        break;
    case OPT_JSON:
    case OPT_CSV:
    case OPT_DENIED:
        setenv("RATELIMIT_REPLAY_OUTPUT",
               option == OPT_JSON  ? "json"
               : option == OPT_CSV ? "csv"
                                   : "denied",
               1);
        break;
    case OPT_PLOT:
        replay->plot = value;
        break;
    case OPT_HTTPD:
        replay->tester.httpd = value;
        break;
    case OPT_MODULE:
        replay->tester.module = value;
        break;
    case OPT_HELP:
        fputs(usage, stdout);
        return RLCTL_DONE;
    default:
        fputs(usage, stderr);
        return RLCTL_USAGE;
    }
    return -1;
}

static int take_options(rlctl_replay_t *replay, int argc, char *argv[])
{
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        const int status = take_option(replay, option, optarg);
        if (status >= 0) {
            return status;
        }
    }
    if ((replay->tester.rules == NULL) == (replay->tester.config == NULL) || optind == argc) {
        fputs(usage, stderr);
        return RLCTL_USAGE;
    }
    return -1;
}

/* Tells httpd by which descriptors it reads the lines, and writes report and plot. */
static bool set_ends(const rlctl_replay_t *replay, int in)
{
    char ends[64];
    const int out = dup(STDOUT_FILENO);
    const int plot =
        replay->plot != NULL ? open(replay->plot, O_WRONLY | O_CREAT | O_TRUNC, 0644) : -1;
    if (replay->plot != NULL && plot < 0) {
        rlctl_error("%s: %s", replay->plot, strerror(errno));
        return false;
    }
    snprintf(ends, sizeof(ends), "%d:%d:%d", in, out, plot);
    setenv("RATELIMIT_REPLAY", ends, 1);
    setenv("RATELIMIT_REPLAY_COLOUR",
           isatty(STDOUT_FILENO) == 1 && getenv("NO_COLOR") == NULL ? "1" : "0", 1);
    return true;
}

/* Returns the bytes of a log, or -1 if they can't be told: it is no file, or compressed. */
static off_t bytes_of(const char *name)
{
    unsigned char head[2] = {0, 0};
    struct stat status = {.st_size = -1};
    const int in = open(name, O_RDONLY | O_NONBLOCK);
    const bool known = in >= 0 && fstat(in, &status) == 0 && S_ISREG(status.st_mode) &&
                       read(in, head, 2) >= 0 && (head[0] != 0x1f || head[1] != 0x8b);
    if (in >= 0) {
        close(in);
    }
    return known ? status.st_size : -1;
}

/* Tells httpd how much it will have to count, if that is known. */
static void set_bytes(int n, char *const files[])
{
    char text[32];
    long long total = 0;
    for (int i = 0; i < n; i++) {
        const off_t bytes = bytes_of(files[i]);
        if (bytes < 0) {
            return;
        }
        total += bytes;
    }
    snprintf(text, sizeof(text), "%lld", total);
    setenv("RATELIMIT_REPLAY_BYTES", text, 1);
}

int rlctl_replay(int argc, char *argv[])
{
    rlctl_replay_t replay = {.plot = NULL};
    const int status = take_options(&replay, argc, argv);
    int pipe_ends[2];
    bool fed;
    if (status >= 0) {
        return status;
    }
    if (pipe(pipe_ends) != 0) {
        rlctl_error("no pipe can be made: %s", strerror(errno));
        return RLCTL_FAILS;
    }
    set_bytes(argc - optind, argv + optind);
    fcntl(pipe_ends[1], F_SETFD, FD_CLOEXEC);
    fcntl(pipe_ends[1], F_SETPIPE_SZ, PIPE_SIZE); /* if it is refused, the pipe stays small */
    if (!set_ends(&replay, pipe_ends[0]) || !rlctl_tester_start(&replay.tester)) {
        return RLCTL_FAILS;
    }
    close(pipe_ends[0]);
    fed = rlctl_feed(pipe_ends[1], argc - optind, argv + optind);
    close(pipe_ends[1]);
    return rlctl_tester_finish(&replay.tester) && fed ? RLCTL_DONE : RLCTL_FAILS;
}
