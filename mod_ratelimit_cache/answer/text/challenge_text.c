/* SPDX-License-Identifier: Apache-2.0 */
#include "challenge_text.h"

#include "denial_text.h"

/* Its SHA-256 stands in the policy; t/103-challenge.t compares them. */
#define STYLE                                                                                  \
    ":root{color-scheme:light dark}"                                                           \
    "body{font:1.1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:0 auto;padding:10vh "    \
    "1rem 1rem}"                                                                               \
    "h1{font-size:1.5rem;line-height:1.2}"                                                     \
    "button{font:inherit;font-weight:600;padding:.7rem 1.4rem;min-height:3rem;cursor:pointer}" \
    "small{display:block;margin-top:2rem}"

#define STYLE_SHA256 "sha256-VooblnPjcjDj+dklVy7y8KLKAB9WLwkO1eXZzeowCKg="

const char *rl_challenge_text_policy(void)
{
    return "default-src 'none'; style-src '" STYLE_SHA256
           "'; base-uri 'none'; frame-ancestors 'self'";
}

static void begin_page(rl_text_t *text, const char *title)
{
    rl_text_add(text, "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\">"
                      "<meta name=\"viewport\" content=\"width=device-width\">\n<title>");
    rl_text_add(text, title);
    rl_text_add(text, "</title>\n<style>" STYLE "</style></head>\n<body><main>\n<h1>");
    rl_text_add(text, title);
    rl_text_add(text, "</h1>\n<p>");
}

static void end_page(rl_text_t *text)
{
    rl_text_add(text, "\n</main></body>\n</html>\n");
}

void rl_challenge_text_write(const rl_challenge_text_t *challenge, rl_text_t *text)
{
    begin_page(text, "Press the button to go on");
    rl_text_add(text, "This site gets more requests at the moment than it can answer. "
                      "To keep it open for people, it asks visitors to press a "
                      "button.</p>\n<form method=\"post\" action=\"");
    rl_text_add(text, challenge->path);
    rl_text_add(text, "\"><input type=\"hidden\" name=\"token\" value=\"");
    rl_text_add(text, challenge->token);
    rl_text_add(text,
                "\">\n<p><button type=\"submit\" aria-describedby=\"then\">Go on to the "
                "page</button></p></form>\n<p id=\"then\">It takes you to the page that you "
                "asked for. A cookie remembers the press, so that you aren't asked each "
                "time; it says nothing else about you.</p>\n<p><small>Without cookies, "
                "please try again in ");
    rl_denial_text_add_wait(text, challenge->retry_s);
    rl_text_add(text, ". If you ask for help with this, quote the reference <code>");
    rl_text_add(text, challenge->tag);
    rl_text_add(text, "</code>.</small></p>");
    end_page(text);
}

/* ---- notices ---- */

static const struct {
    const char *title, *words;
} notices[] = {
    [RL_NOTICE_FALSE] = {"That didn't work",
                         "The button was pressed on a page of another visit, or the network "
                         "has changed since. Please go back to the site and try again."},
    [RL_NOTICE_EXPIRED] = {"The page was open for too long",
                           "Its button works for ten minutes. Please ask for the page again."},
    [RL_NOTICE_MANY] = {"Too many from this network",
                        "Many visitors from your network have pressed the button lately."},
    [RL_NOTICE_UNABLE] = {"Service unavailable", "The server can't do this at the moment."},
    [RL_NOTICE_GET] = {"There is nothing here", "This address only answers a button."},
};

/* A local path has visible ASCII only. */
static void add_escaped(rl_text_t *text, const char *path)
{
    for (; *path != '\0'; path++) {
        const char plain[2] = {*path, '\0'};
        switch (*path) {
        case '&':
            rl_text_add(text, "&amp;");
            break;
        case '<':
            rl_text_add(text, "&lt;");
            break;
        case '>':
            rl_text_add(text, "&gt;");
            break;
        case '"':
            rl_text_add(text, "&quot;");
            break;
        case '\'':
            rl_text_add(text, "&#39;");
            break;
        default:
            rl_text_add(text, plain);
        }
    }
}

void rl_notice_text_write(rl_notice_e why, const char *link, uint32_t retry_s, rl_text_t *text)
{
    begin_page(text, notices[why].title);
    rl_text_add(text, notices[why].words);
    if (retry_s > 0) {
        rl_text_add(text, " Please try again in ");
        rl_denial_text_add_wait(text, retry_s);
        rl_text_add(text, ".");
    }
    rl_text_add(text, "</p>\n<p><a href=\"");
    add_escaped(text, link);
    rl_text_add(text, "\">Go to the page</a></p>");
    end_page(text);
}
