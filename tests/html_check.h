/*
 * Whether a page of ours is well formed, for tests: every tag known, closed and nested, attributes
 * quoted, no stray < or &, ids unique, references led somewhere. Stricter than HTML asks, so that
 * what a name from outside could smuggle in would show.
 */
#ifndef CRIL_TESTS_HTML_CHECK_H
#define CRIL_TESTS_HTML_CHECK_H

#include <ctype.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const html_tags[] = {
    "html",    "head",   "meta",       "title", "style", "body",    "main",     "header", "nav",
    "section", "figure", "figcaption", "h1",    "h2",    "h3",      "p",        "a",      "b",
    "i",       "em",     "sup",        "br",    "bdi",   "span",    "div",      "dl",     "dt",
    "dd",      "ul",     "ol",         "li",    "table", "caption", "thead",    "tbody",  "tr",
    "th",      "td",     "pre",        "code",  "svg",   "defs",    "clipPath", "rect",   "path",
    "circle",  "use",    "g",          "text",  "tspan", "desc",    "script",   NULL,
};

struct html_page {
    const char *at, *end;
    char stack[64][16];
    size_t depth;
    char ids[512][40], wanted[4096][40];
    size_t n_ids, n_wanted;
    const char *fault; /* NULL: none */
};

static bool html_is_known(const char *tag)
{
    for (size_t i = 0; html_tags[i]; i++)
        if (strcmp(html_tags[i], tag) == 0)
            return true;
    return false;
}

static size_t html_word(const char *s, char *out, size_t size)
{
    size_t n = 0;

    while (isalnum((unsigned char)s[n]) || s[n] == '-' || s[n] == ':')
        n++;
    snprintf(out, size, "%.*s", (int)n, s);
    return n;
}

static bool html_entity(const char *s)
{
    static const char *const known[] = {"&amp;",  "&lt;",    "&gt;", "&quot;", "&#39;",
                                        "&nbsp;", "&#8239;", "&#9;", "&#10;",  NULL};

    for (size_t i = 0; known[i]; i++)
        if (strncmp(s, known[i], strlen(known[i])) == 0)
            return true;
    return false;
}

static void html_remember(struct html_page *p, const char *name, const char *value, size_t len)
{
    const bool reference = strcmp(name, "href") == 0 && value[0] == '#',
               list = strcmp(name, "aria-labelledby") == 0 && !memchr(value, ' ', len);
    const bool url = len > 5 && strncmp(value, "url(#", 5) == 0;

    if (strcmp(name, "id") == 0) {
        for (size_t i = 0; i < p->n_ids; i++)
            if (strlen(p->ids[i]) == len && strncmp(p->ids[i], value, len) == 0)
                p->fault = "an id twice";
        if (p->n_ids < 512)
            snprintf(p->ids[p->n_ids++], 40, "%.*s", (int)len, value);
        else
            p->fault = "too many ids for this check";
    }
    if ((reference || list || url) && p->n_wanted < 4096)
        snprintf(p->wanted[p->n_wanted++], 40, "%.*s",
                 (int)(url         ? len - 6
                       : reference ? len - 1
                                   : len),
                 value + (url         ? 5
                          : reference ? 1
                                      : 0));
}

/* Attributes up to > or />; whether it was />. */
static bool html_attributes(struct html_page *p)
{
    char name[32];

    for (;;) {
        const char *close;

        while (*p->at == ' ' || *p->at == '\n')
            p->at++;
        if (p->at[0] == '>' || (p->at[0] == '/' && p->at[1] == '>')) {
            const bool closed = *p->at == '/';

            p->at += closed ? 2 : 1;
            return closed;
        }
        p->at += html_word(p->at, name, sizeof(name));
        if (!name[0] || p->at[0] != '=' || p->at[1] != '"' || !(close = strchr(p->at + 2, '"'))) {
            p->fault = "an attribute that is not name=\"value\"";
            return false;
        }
        for (const char *c = p->at + 2; c < close; c++)
            if (*c == '<' || *c == '>' || (*c == '&' && !html_entity(c)))
                p->fault = "markup in an attribute";
        html_remember(p, name, p->at + 2, (size_t)(close - p->at - 2));
        p->at = close + 1;
    }
}

static void html_tag(struct html_page *p)
{
    const bool closing = p->at[1] == '/';
    char tag[16];
    bool closed;

    p->at += closing ? 2 : 1;
    p->at += html_word(p->at, tag, sizeof(tag));
    if (!html_is_known(tag)) {
        p->fault = "a tag that is none of ours";
        return;
    }
    if (closing) {
        if (*p->at++ != '>' || !p->depth || strcmp(p->stack[--p->depth], tag) != 0)
            p->fault = "a tag closed that was not open";
        return;
    }
    closed = html_attributes(p);
    if (closed || strcmp(tag, "meta") == 0 || strcmp(tag, "br") == 0)
        return;
    if (p->depth == 64)
        p->fault = "nested too deep";
    else
        snprintf(p->stack[p->depth++], sizeof(p->stack[0]), "%s", tag);
    if (strcmp(tag, "style") == 0 && !(p->at = strstr(p->at, "</style>")))
        p->fault = "no end of the style sheet";
    if (strcmp(tag, "script") == 0 && !(p->at = strstr(p->at, "</script>")))
        p->fault = "no end of the script";
}

static bool html_is_led(const struct html_page *p, const char *wanted)
{
    for (size_t i = 0; i < p->n_ids; i++)
        if (strcmp(p->ids[i], wanted) == 0)
            return true;
    return false;
}

/* NULL, or what is wrong; *where is then the place. start: what it must begin with, and is skipped.
 */
static const char *html_check_from(const char *page, size_t len, const char *start,
                                   const char **where)
{
    static struct html_page p;

    memset(&p, 0, sizeof(p));
    p.at = page;
    p.end = page + len;
    if (strncmp(page, start, strlen(start)) != 0)
        return "no document type";
    for (p.at += strlen(start); p.at < p.end && !p.fault;) {
        const unsigned char c = (unsigned char)*p.at;

        *where = p.at;
        if (c == '<')
            html_tag(&p);
        else if (c == '>' || (c == '&' && !html_entity(p.at)) || (c < 0x20 && c != '\n') ||
                 c == 0x7f)
            p.fault = "a character that has no place in text";
        else
            p.at++;
    }
    if (!p.fault && p.depth)
        p.fault = "a tag that is not closed";
    for (size_t i = 0; !p.fault && i < p.n_wanted; i++)
        if (!html_is_led(&p, p.wanted[i])) {
            *where = p.wanted[i];
            p.fault = "a reference to nothing";
        }
    return p.fault;
}

static inline const char *html_check(const char *page, size_t len, const char **where)
{
    return html_check_from(page, len, "<!DOCTYPE html>\n", where);
}

/* Of an SVG file. */
static inline const char *html_check_figure(const char *figure, size_t len, const char **where)
{
    return html_check_from(figure, len, "", where);
}

#endif
