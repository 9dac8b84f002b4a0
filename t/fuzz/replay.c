/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a fuzz target over files, for builds without libFuzzer:
 *
 *     fuzz-urlencoded.t [FILE or DIRECTORY]...
 *
 * Without arguments it takes the directory RL_CORPUS, named at build time. Prints TAP. A broken
 * property aborts the program, which prove takes for the failure it is. */
#include "fuzz.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef RL_CORPUS
#define RL_CORPUS "."
#endif

#define INPUT_MAX (1024 * 1024)

static unsigned tests;

static bool replay_file(const char *path)
{
    FILE *const file = fopen(path, "rb");
    if (file == NULL) {
        return false;
    }
    /* Of the file's own size, so that a sanitizer sees a read beyond its end. */
    uint8_t *const bytes = malloc(INPUT_MAX);
    const size_t len = bytes == NULL ? 0 : fread(bytes, 1, INPUT_MAX, file);
    uint8_t *const input = realloc(bytes, len + (len == 0));
    fclose(file);
    if (input == NULL) {
        free(bytes);
        return false;
    }
    LLVMFuzzerTestOneInput(input, len);
    free(input);
    return true;
}

static bool replay(const char *path)
{
    const bool ok = replay_file(path);
    printf("%s %u - %s\n", ok ? "ok" : "not ok", ++tests, path);
    fflush(stdout);
    return ok;
}

static bool replay_directory(const char *path, DIR *directory)
{
    bool ok = true;
    const struct dirent *entry;
    while ((entry = readdir(directory)) != NULL) {
        if (entry->d_name[0] == '.') {
            continue;
        }
        char file[4096];
        const int len = snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);
        ok &= len > 0 && (size_t)len < sizeof(file) && replay(file);
    }
    return ok;
}

static bool replay_path(const char *path)
{
    DIR *const directory = opendir(path);
    if (directory == NULL) {
        return replay(path);
    }
    const bool ok = replay_directory(path, directory);
    closedir(directory);
    return ok;
}

int main(int argc, char **argv)
{
    bool ok = true;
    for (int i = 1; i < argc; i++) {
        ok &= replay_path(argv[i]);
    }
    if (argc == 1) {
        ok = replay_path(RL_CORPUS);
    }
    printf("1..%u\n", tests);
    return ok && tests > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
