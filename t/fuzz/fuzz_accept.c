/* SPDX-License-Identifier: Apache-2.0 */
/* Input: the value of an Accept field; a NUL in it ends it.
 *
 * Properties: the choice is one of the forms; it is HTML or a problem document only for who
 * names such a type; members that ask for neither change nothing when they come first or last;
 * and neither do blanks around it all. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "answer/text/accept.h"
#include "fuzz.h"

#define NEUTRAL "image/png;q=0.7"

static void require(int holds)
{
    if (!holds) {
        abort();
    }
}

static int names(const char *accept, const char *a, const char *b)
{
    return strcasestr(accept, a) != NULL || strcasestr(accept, b) != NULL;
}

static rl_media_e choose_within(const char *before, const char *accept, const char *after)
{
    const size_t size = strlen(before) + strlen(accept) + strlen(after) + 1;
    char *const text = malloc(size);
    rl_media_e media;
    require(text != NULL);
    strcpy(text, before);
    strcat(text, accept);
    strcat(text, after);
    media = rl_accept_choose(text);
    free(text);
    return media;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *const accept = malloc(size + 1);
    rl_media_e media;
    require(accept != NULL);
    memcpy(accept, data, size);
    accept[size] = '\0';
    media = rl_accept_choose(accept);
    require(media == RL_MEDIA_TEXT || media == RL_MEDIA_HTML || media == RL_MEDIA_PROBLEM);
    require(media != RL_MEDIA_HTML || names(accept, "text/html", "application/xhtml+xml"));
    require(media != RL_MEDIA_PROBLEM ||
            names(accept, "application/json", "application/problem+json"));
    require(choose_within(NEUTRAL ",", accept, "") == media);
    require(choose_within(" \t", accept, "") == media);
    if (strchr(accept, '"') == NULL) { /* one that isn't closed swallows what follows */
        require(choose_within("", accept, " , " NEUTRAL) == media);
    }
    free(accept);
    return 0;
}
