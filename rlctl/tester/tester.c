/* SPDX-License-Identifier: Apache-2.0 */
#include "tester/tester.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "error.h"

/* Where the tester's configuration and messages are, in its directory. */
#define CONFIG   "httpd.conf"
#define MESSAGES "messages"

/* Modules whose directives stand beside rules, if they are to be had. The first MPM that is
 * there is taken. */
static const char *const mpms[] = {"mpm_event", "mpm_worker", "mpm_prefork"};
static const char *const neighbours[] = {
    "authz_core", "authz_host",  "authz_user",    "authn_core", "authn_file", "auth_basic",
    "alias",      "env",         "setenvif",      "headers",    "mime",       "dir",
    "rewrite",    "negotiation", "access_compat", "remoteip",   "version"};

static const char *path_in(const rlctl_tester_t *tester, const char *name, char path[PATH_MAX])
{
    snprintf(path, PATH_MAX, "%s/%s", tester->directory, name);
    return path;
}

static bool put_module(FILE *file, const char *name)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s/mod_%s.so", RLCTL_LIBEXECDIR, name);
    if (access(path, R_OK) != 0) {
        return false;
    }
    fprintf(file, "<IfModule !%s_module>\nLoadModule %s_module \"%s\"\n</IfModule>\n", name,
            name, path);
    return true;
}

static bool put_config(const rlctl_tester_t *tester, const char *rules)
{
    char path[PATH_MAX];
    FILE *file = fopen(path_in(tester, CONFIG, path), "w");
    if (file == NULL) {
        return false;
    }
    for (size_t i = 0; i < sizeof(mpms) / sizeof(mpms[0]) && !put_module(file, mpms[i]); i++) {
    }
    for (size_t i = 0; i < sizeof(neighbours) / sizeof(neighbours[0]); i++) {
        put_module(file, neighbours[i]);
    }
    fprintf(file,
            "<IfModule !ratelimit_cache_module>\n"
            "LoadModule ratelimit_cache_module \"%s\"\n"
            "</IfModule>\n"
            "ServerName localhost\n"
            "ErrorLog \"%s/error.log\"\n"
            "Include \"%s\"\n",
            tester->module, tester->directory, rules);
    return fclose(file) == 0;
}

static const char *or_environment(const char *given, const char *name, const char *fallback)
{
    const char *value = given != NULL ? given : getenv(name);
    return value != NULL && *value != '\0' ? value : fallback;
}

static bool prepare(rlctl_tester_t *tester)
{
    char rules[PATH_MAX];
    tester->httpd = or_environment(tester->httpd, "RLCTL_HTTPD", RLCTL_HTTPD_PATH);
    tester->module = or_environment(tester->module, "RLCTL_MODULE",
                                    RLCTL_LIBEXECDIR "/mod_ratelimit_cache.so");
    strcpy(tester->directory, "/tmp/rlctl.XXXXXX");
    if (mkdtemp(tester->directory) == NULL) {
        tester->directory[0] = '\0';
        rlctl_error("no directory in /tmp can be made: %s", strerror(errno));
        return false;
    }
    if (tester->rules != NULL) {
        if (realpath(tester->rules, rules) == NULL) {
            rlctl_error("%s: %s", tester->rules, strerror(errno));
            return false;
        }
        if (!put_config(tester, rules)) {
            rlctl_error("no file in %s can be written: %s", tester->directory, strerror(errno));
            return false;
        }
    }
    return true;
}

/* Debian's configuration needs variables that its control script sets. */
static void run_httpd(const rlctl_tester_t *tester, const char *config)
{
    static const char with_variables[] =
        "[ ! -r /etc/apache2/envvars ] || . /etc/apache2/envvars; exec \"$@\"";
    if (tester->config != NULL && strncmp(tester->config, "/etc/apache2/", 13) == 0) {
        execl("/bin/sh", "sh", "-c", with_variables, "sh", tester->httpd, "-t", "-f", config,
              (char *)NULL);
    }
    execlp(tester->httpd, tester->httpd, "-t", "-f", config, (char *)NULL);
    fprintf(stderr, "%s: %s\n", tester->httpd, strerror(errno));
    _exit(127);
}

bool rlctl_tester_start(rlctl_tester_t *tester)
{
    char path[PATH_MAX];
    if (!prepare(tester)) {
        return false;
    }
    tester->pid = fork();
    if (tester->pid < 0) {
        rlctl_error("no process can be started: %s", strerror(errno));
        return false;
    }
    if (tester->pid == 0) {
        if (freopen(path_in(tester, MESSAGES, path), "w", stderr) == NULL) {
            _exit(127);
        }
        run_httpd(tester,
                  tester->config != NULL ? tester->config : path_in(tester, CONFIG, path));
    }
    return true;
}

/* Writes what httpd has said, but for what it says of any configuration that is right. */
static void show_messages(const rlctl_tester_t *tester)
{
    char path[PATH_MAX], line[8192];
    FILE *file = fopen(path_in(tester, MESSAGES, path), "r");
    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        if (strcmp(line, "Syntax OK\n") != 0 && strstr(line, "AH00558") == NULL) {
            fputs(line, stderr);
        }
    }
    if (file != NULL) {
        fclose(file);
    }
}

bool rlctl_tester_finish(rlctl_tester_t *tester)
{
    static const char *const files[] = {CONFIG, MESSAGES, "error.log"};
    char path[PATH_MAX];
    int status = -1;
    if (tester->pid > 0) {
        while (waitpid(tester->pid, &status, 0) < 0 && errno == EINTR) {
        }
        show_messages(tester);
    }
    for (size_t i = 0; tester->directory[0] != '\0' && i < sizeof(files) / sizeof(files[0]);
         i++) {
        unlink(path_in(tester, files[i], path));
    }
    rmdir(tester->directory);
    if (WIFSIGNALED(status)) {
        rlctl_error("%s was ended by signal %d", tester->httpd, WTERMSIG(status));
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}
