/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"
#include "error.h"
#include "lists/prefixes.h"
#include "lists/published.h"

static const char usage[] =
    "usage: rlctl networks [--label LABEL] [--format FORMAT] [-o FILE] LIST...\n"
    "\n"
    "Turns published lists of networks into a file for RateLimitNetworks: sorted, without what "
    "is\n"
    "there twice or lies in a network of the same label.\n"
    "\n"
    "  LIST             lines PREFIX ASN, ADDRESS LENGTH ASN, PREFIX LABEL or PREFIX; or "
    "JSON,\n"
    "                   of which every string counts that is a prefix. Plain or .gz; - is "
    "standard\n"
    "                   input\n"
    "  --label LABEL    the label of all prefixes; JSON, and PREFIX alone, need it\n"
    "  --format FORMAT  prefix-asn: every line must have an AS number; json\n"
    "  -o FILE          replace FILE, at once, and only if all was well\n";

enum { OPT_LABEL = 1, OPT_FORMAT, OPT_HELP };

static const struct option options[] = {{"label", required_argument, NULL, OPT_LABEL},
                                        {"format", required_argument, NULL, OPT_FORMAT},
                                        {"help", no_argument, NULL, OPT_HELP},
                                        {NULL, 0, NULL, 0}};

typedef struct rlctl_networks {
    const char *label;
    const char *out; /* NULL: standard output */
    rlctl_form_e form;
} rlctl_networks_t;

static bool take_format(rlctl_networks_t *task, const char *word)
{
    if (strcmp(word, "prefix-asn") == 0) {
        task->form = RLCTL_FORM_PREFIX_ASN;
    }
    else if (strcmp(word, "json") == 0) {
        task->form = RLCTL_FORM_JSON;
    }
    else {
        rlctl_error("--format %s: must be prefix-asn or json", word);
        return false;
    }
    return true;
}

/* Returns -1, or the exit status to end with. */
static int networks_take_options(rlctl_networks_t *task, int argc, char *argv[])
{
    int option;
    while ((option = getopt_long(argc, argv, "o:", options, NULL)) != -1) {
        switch (option) {
        case OPT_LABEL:
            task->label = optarg;
            break;
        case OPT_FORMAT:
            if (!take_format(task, optarg)) {
                return RLCTL_USAGE;
            }
            break;
        case 'o':
            task->out = optarg;
            break;
        case OPT_HELP:
            fputs(usage, stdout);
            return RLCTL_DONE;
        default:
            fputs(usage, stderr);
            return RLCTL_USAGE;
        }
    }
    if (optind == argc) {
        fputs(usage, stderr);
        return RLCTL_USAGE;
    }
    return -1;
}

/* Writes, and sees to it that it is on the disk. Closes the file. */
static bool write_list(const rlctl_prefixes_t *list, FILE *out)
{
    bool good;
    rlctl_prefixes_write(list, out);
    good = fflush(out) == 0 && ferror(out) == 0 && (out == stdout || fsync(fileno(out)) == 0);
    return (out == stdout || fclose(out) == 0) && good;
}

static mode_t mode_of_files(void)
{
    const mode_t mask = umask(0);
    umask(mask);
    return 0666 & ~mask;
}

/* Writes beside the file and renames, so that whoever reads it finds the old one or the new
 * one, whole. */
static bool replace_file(const rlctl_prefixes_t *list, const char *path)
{
    char *beside;
    FILE *out;
    int fd, failed;
    if (asprintf(&beside, "%s.XXXXXX", path) < 0) {
        return false;
    }
    fd = mkstemp(beside);
    out = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (out == NULL) {
        failed = errno;
    }
    else {
        fchmod(fd, mode_of_files());
        failed = write_list(list, out) && rename(beside, path) == 0 ? 0 : errno;
    }
    if (failed != 0 && fd >= 0) {
        unlink(beside);
    }
    if (failed != 0) {
        rlctl_error("%s: %s", path, strerror(failed));
    }
    free(beside);
    return failed == 0;
}

/* Reads all n files, and writes what they have. Returns true if all was well. */
static bool turn(const rlctl_networks_t *task, char *const files[], int n)
{
    rlctl_prefixes_t list = {.n = 0};
    bool good = true;
    for (int i = 0; good && i < n; i++) {
        good = rlctl_published_read(files[i], task->form, task->label, &list);
    }
    if (good) {
        rlctl_prefixes_reduce(&list);
        good = task->out != NULL ? replace_file(&list, task->out) : write_list(&list, stdout);
    }
    rlctl_prefixes_free(&list);
    return good;
}

int rlctl_networks(int argc, char *argv[])
{
    rlctl_networks_t task = {.label = NULL};
    const int status = networks_take_options(&task, argc, argv);
    if (status >= 0) {
        return status;
    }
    return turn(&task, argv + optind, argc - optind) ? RLCTL_DONE : RLCTL_FAILS;
}
