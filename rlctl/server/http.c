/* SPDX-License-Identifier: Apache-2.0 */
#include "server/http.h"

#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "server/conf_file.h"
#include "error.h"
#include "memory.h"
#include "text/safe.h"

#define ANSWER_MOST ((size_t)16 << 20) /* bytes: two thousand rules take 14 MB */

struct rlctl_http {
    const rlctl_settings_t *settings;
    CURL *curl;
    CURLU *url;
    char *body;
    size_t len, room;
    bool too_long;
    char why[CURL_ERROR_SIZE];
};

/* ---- the URL ---- */

static char *url_part(CURLU *url, CURLUPart part)
{
    char *text = NULL;
    return curl_url_get(url, part, &text, 0) == CURLUE_OK ? text : NULL;
}

/* What a proxy of the environment would not reach. */
static bool is_this_machine(CURLU *url)
{
    char *host = url_part(url, CURLUPART_HOST);
    const bool local =
        host != NULL && (strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 ||
                         strcmp(host, "[::1]") == 0);
    curl_free(host);
    return local;
}

static const char *wrong_with(CURLU *url, const char *text)
{
    char *scheme, *password;
    const CURLUcode code = curl_url_set(url, CURLUPART_URL, text, 0);
    const char *wrong = NULL;
    if (code != CURLUE_OK) {
        return code == CURLUE_BAD_SCHEME || strstr(text, "://") == NULL
                   ? "must begin with http:// or https://"
                   : curl_url_strerror(code);
    }
    scheme = url_part(url, CURLUPART_SCHEME);
    password = url_part(url, CURLUPART_USER);
    if (scheme == NULL || (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0)) {
        wrong = "must begin with http:// or https://";
    }
    else if (password != NULL) {
        wrong = "others on this machine could read the password: take it out, and say --user "
                "NAME --password-file FILE";
    }
    curl_free(scheme);
    curl_free(password);
    return wrong;
}

static bool read_url(rlctl_http_t *http)
{
    char *safe;
    const char *wrong;
    http->url = curl_url();
    wrong = http->url == NULL ? "out of memory" : wrong_with(http->url, http->settings->url);
    if (wrong == NULL) {
        curl_url_set(http->url, CURLUPART_FRAGMENT, NULL, 0);
        return true;
    }
    safe = rlctl_safe(http->settings->url);
    rlctl_error("%s: %s", safe, wrong);
    free(safe);
    return false;
}

/* ---- the connection ---- */

static size_t take_body(char *bytes, size_t size, size_t n, void *context)
{
    rlctl_http_t *http = context;
    const size_t len = size * n;
    if (len > ANSWER_MOST - http->len) {
        http->too_long = true;
        return 0;
    }
    if (http->len + len + 1 > http->room) {
        http->room = (http->len + len + 1) * 2;
        http->body = rlctl_resize(http->body, http->room);
    }
    memcpy(http->body + http->len, bytes, len);
    http->len += len;
    http->body[http->len] = '\0';
    return len;
}

static bool set_password(rlctl_http_t *http)
{
    const rlctl_settings_t *settings = http->settings;
    char *password;
    if (settings->user == NULL) {
        return true;
    }
    password =
        settings->password_file != NULL ? rlctl_first_line(settings->password_file) : NULL;
    if (settings->password_file != NULL && password == NULL) {
        return false;
    }
    curl_easy_setopt(http->curl, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
    curl_easy_setopt(http->curl, CURLOPT_USERNAME, settings->user);
    curl_easy_setopt(http->curl, CURLOPT_PASSWORD, password != NULL ? password : "");
    free(password);
    return true;
}

static bool set_up(rlctl_http_t *http)
{
    CURL *curl = http->curl;
    curl_easy_setopt(curl, CURLOPT_CURLU, http->url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, http->settings->timeout_ms);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "rlctl/" RLCTL_VERSION);
    curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, "");
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, http->why);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, http);
    if (http->settings->cacert != NULL) {
        curl_easy_setopt(curl, CURLOPT_CAINFO, http->settings->cacert);
        curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
    }
    if (is_this_machine(http->url)) {
        curl_easy_setopt(curl, CURLOPT_PROXY, "");
    }
    return set_password(http);
}

rlctl_http_t *rlctl_http_open(const rlctl_settings_t *settings)
{
    rlctl_http_t *http = rlctl_allocate(sizeof(*http));
    http->settings = settings;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK && read_url(http)) {
        http->curl = curl_easy_init();
        if (http->curl != NULL && set_up(http)) {
            return http;
        }
    }
    rlctl_http_close(http);
    return NULL;
}

void rlctl_http_close(rlctl_http_t *http)
{
    curl_easy_cleanup(http->curl);
    curl_url_cleanup(http->url);
    free(http->body);
    free(http);
    curl_global_cleanup();
}

char *rlctl_http_field(rlctl_http_t *http, const char *name, const char *value)
{
    char *escaped = curl_easy_escape(http->curl, value, (int)strlen(value));
    char *field = rlctl_format("%s=%s&", name, escaped != NULL ? escaped : "");
    curl_free(escaped);
    return field;
}

/* ---- answers ---- */

/* Says something about the URL, without what it may hold behind a '?'. */
static void http_say(const rlctl_http_t *http, const char *what, const char *more)
{
    char *url = rlctl_safe(http->settings->url);
    char *rest = rlctl_safe(more);
    url[strcspn(url, "?#")] = '\0';
    rlctl_error("%s: %s%s", url, what, rest);
    free(url);
    free(rest);
}

static void say_failure(const rlctl_http_t *http, CURLcode code)
{
    if (http->too_long) {
        http_say(http, "the answer is longer than 16 MB, so it isn't a status page's", "");
    }
    else if (code == CURLE_OPERATION_TIMEDOUT) {
        http_say(http, "no answer in time; --timeout gives it more. ", http->why);
    }
    else if (code == CURLE_PEER_FAILED_VERIFICATION) {
        http_say(http, "the certificate is not trusted; --cacert names one that is. ",
                 http->why);
    }
    else {
        http_say(http, "no answer. ",
                 *http->why != '\0' ? http->why : curl_easy_strerror(code));
    }
}

static bool http_is_redirect(const rlctl_http_t *http, const rlctl_answer_t *answer)
{
    char *to = NULL;
    if (answer->status < 300 || answer->status > 399) {
        return false;
    }
    curl_easy_getinfo(http->curl, CURLINFO_REDIRECT_URL, &to);
    http_say(http, "is redirected, and that isn't followed; if it is meant, say --url ",
             to != NULL ? to : "(nowhere)");
    return true;
}

static bool is_refused(const rlctl_http_t *http, const rlctl_answer_t *answer)
{
    if (answer->status != 401) {
        return false;
    }
    http_say(http,
             http->settings->user == NULL
                 ? "asks for a user name and password: say --user NAME --password-file FILE"
                 : "refuses this user name and password",
             "");
    return true;
}

static void take_answer(rlctl_http_t *http, rlctl_answer_t *answer)
{
    static char empty[1];
    char *type = NULL;
    curl_easy_getinfo(http->curl, CURLINFO_RESPONSE_CODE, &answer->status);
    curl_easy_getinfo(http->curl, CURLINFO_CONTENT_TYPE, &type);
    answer->json = type != NULL && strncmp(type, "application/json", 16) == 0;
    answer->body = http->len > 0 ? http->body : empty;
    answer->len = http->len;
}

bool rlctl_http_ask(rlctl_http_t *http, const char *format, const char *post,
                    rlctl_answer_t *answer)
{
    char *query = rlctl_format("format=%s", format);
    CURLcode code;
    curl_url_set(http->url, CURLUPART_QUERY, query, 0);
    free(query);
    http->len = 0;
    http->too_long = false;
    *http->why = '\0';
    if (post != NULL) {
        curl_easy_setopt(http->curl, CURLOPT_POSTFIELDS, post);
    }
    else {
        curl_easy_setopt(http->curl, CURLOPT_HTTPGET, 1L);
    }
    code = curl_easy_perform(http->curl);
    if (code != CURLE_OK) {
        say_failure(http, code);
        return false;
    }
    take_answer(http, answer);
    return !http_is_redirect(http, answer) && !is_refused(http, answer);
}
