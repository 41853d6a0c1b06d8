/*
 * The hub's manners (huggingface_hub, utils/_http.py): X-Error-Code says what a status means; 401
 * is also the answer for a repository that does not exist, so that nobody learns which private ones
 * do; 429 comes with the time to wait; 408 and 5xx pass.
 */
#include "fetch/ask.h"

#include "util/fail.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { MAX_REDIRECTS = 10, MAX_TRIES = 5, MAX_WAIT_SEC = 300 };

/* ---- what a status means ---- */

static bool is_code(const struct cril_http_answer *a, const char *code)
{
    return strcmp(a->error_code, code) == 0;
}

static cril_status no_repository(const struct cril_hub_session *s, const char *what,
                                 cril_error *err)
{
    return cril_fail(err, CRIL_ERR_EMPTY,
                     s->token[0]
                         ? "%s: the hub shows no such repository; check the name, and that the "
                           "token may read it if it is private or gated"
                         : "%s: the hub shows no such repository; check the name; one that is "
                           "private or gated needs a token in HF_TOKEN",
                     what);
}

static cril_status no_access(const struct cril_hub_session *s, const char *what,
                             const struct cril_http_answer *a, cril_error *err)
{
    if (is_code(a, "GatedRepo"))
        return cril_fail(err, CRIL_ERR_EMPTY,
                         "%s: the repository is gated; accept its terms at %s/%s, and set HF_TOKEN "
                         "to a token of that account",
                         what, s->place->endpoint, s->name->repository);
    if (strcmp(a->error_message, "Access to this resource is disabled.") == 0)
        return cril_fail(err, CRIL_ERR_EMPTY, "%s: the hub has disabled access to this repository",
                         what);
    if (a->status == 401 && strstr(a->error_message, "Invalid credentials"))
        return cril_fail(err, CRIL_ERR_EMPTY,
                         "%s: the hub does not know the token; set HF_TOKEN to a valid one, or "
                         "take it away for a public repository",
                         what);
    if (a->status == 401)
        return no_repository(s, what, err);
    return cril_fail(err, CRIL_ERR_EMPTY, "%s: the hub refuses access (403%s%s)%s", what,
                     a->error_message[0] ? ": " : "", a->error_message,
                     s->token[0] ? "; check what the token may read"
                                 : "; a token in HF_TOKEN may be needed");
}

static cril_status too_many(const char *what, const struct cril_http_answer *a, cril_error *err)
{
    if (a->has_wait)
        return cril_fail(err, CRIL_ERR_IO,
                         "%s: the hub has had too many requests, and asks to wait for %u s; run "
                         "this again then%s",
                         what, a->wait_sec, "; a token in HF_TOKEN raises the limit");
    return cril_fail(err, CRIL_ERR_IO,
                     "%s: the hub has had too many requests; run this again in a few minutes",
                     what);
}

static cril_status refused(const struct cril_hub_session *s, const char *what,
                           const struct cril_http_answer *a, cril_error *err)
{
    if (is_code(a, "RepoNotFound"))
        return no_repository(s, what, err);
    if (is_code(a, "RevisionNotFound"))
        return cril_fail(err, CRIL_ERR_EMPTY,
                         "%s: the repository has no revision \"%s\"; name a branch, a tag, a "
                         "commit, or refs/pr/N",
                         what, s->name->revision);
    if (is_code(a, "EntryNotFound"))
        return cril_fail(err, CRIL_ERR_EMPTY, "%s: the repository has no such file", what);
    if (a->status == 401 || a->status == 403 || is_code(a, "GatedRepo"))
        return no_access(s, what, a, err);
    if (a->status == 429)
        return too_many(what, a, err);
    return cril_fail(err, CRIL_ERR_IO, "%s: the server answers with status %ld%s%s; %s", what,
                     a->status, a->error_message[0] ? ": " : "", a->error_message,
                     a->status == 404 ? "check the name, and HF_ENDPOINT if it is set"
                                      : "try again later");
}

/* A status of the server that the hub redirected to. Its addresses expire, with 403. */
static cril_status refused_by_store(const char *what, const struct cril_http_answer *a,
                                    cril_error *err)
{
    return cril_fail(err, CRIL_ERR_IO,
                     "%s: the server that stores the hub's files answers with status %ld; try "
                     "again later",
                     what, a->status);
}

/* Whether it passes, and soon. */
static bool may_pass(const struct cril_http_answer *a)
{
    const long s = a->status;

    return (s == 408 || s == 429 || s == 500 || s == 502 || s == 503 || s == 504) &&
           (!a->has_wait || a->wait_sec <= MAX_WAIT_SEC);
}

/* ---- one attempt ---- */

/* http is for a hub that the user named so, and for what that hub redirects to on this machine. */
static bool is_allowed(const struct cril_hub_session *s, const char *url)
{
    const char *endpoint = s->place->endpoint;

    return !cril_http_is_plain(url) ||
           (cril_http_is_plain(endpoint) &&
            (cril_http_same_origin(url, endpoint) || cril_http_is_loopback(url)));
}

static bool is_relative(const char *target)
{
    const size_t scheme = strspn(target, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                         "0123456789+-.");

    return strncmp(target, "//", 2) != 0 && target[scheme] != ':';
}

static bool is_redirect(const struct cril_http_answer *a)
{
    return (a->status == 301 || a->status == 302 || a->status == 303 || a->status == 307 ||
            a->status == 308) &&
           a->location[0];
}

static cril_status run(const struct cril_hub_session *s, struct cril_http *h,
                       struct cril_http_request *r, const char *what, struct cril_http_answer *a,
                       bool *again, cril_error *err)
{
    cril_error why = {0};
    cril_status st;

    if (!is_allowed(s, r->url))
        return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                         "%s: %.200s is not encrypted; only a hub that HF_ENDPOINT names may be "
                         "asked over http",
                         what, r->url);
    r->token = s->token[0] && cril_http_same_origin(r->url, s->place->endpoint) ? s->token : NULL;
    st = cril_http_run(h, r, a, &why);
    *again = st == CRIL_ERR_IO;
    if (a->is_broken && (st == CRIL_ERR_IO || st == CRIL_ERR_UNSUPPORTED))
        return cril_fail(err, st, "%s: %s; check the network, and HF_ENDPOINT if it is set", what,
                         why.message);
    if (st != CRIL_OK && err)
        *err = why;
    return st;
}

cril_status cril_hub_ask(const struct cril_hub_session *s, struct cril_http *h,
                         const struct cril_http_request *r, const char *what,
                         struct cril_http_answer *a, bool *again, cril_error *err)
{
    struct cril_http_request now = *r;
    char url[CRIL_HTTP_URL], target[CRIL_HTTP_URL];
    cril_status st;

    now.url = url;
    now.stall_sec = s->place->stall_sec;
    now.stop = s->stop;
    *again = false;
    if (!cril_http_resolve(r->url, r->url, url))
        return cril_fail(err, CRIL_ERR_FORMAT, "%s: %.200s is no address", what, r->url);
    for (int i = 0; i <= MAX_REDIRECTS; i++) {
        if ((st = run(s, h, &now, what, a, again, err)) != CRIL_OK)
            return st;
        if (a->status >= 200 && a->status < 300)
            return CRIL_OK;
        if (!is_redirect(a)) {
            const bool by_hub = cril_http_same_origin(url, s->place->endpoint);

            *again = may_pass(a) || (!by_hub && a->status == 403);
            return by_hub ? refused(s, what, a, err) : refused_by_store(what, a, err);
        }
        if (!cril_http_resolve(url, a->location, target))
            return cril_fail(err, CRIL_ERR_FORMAT, "%s: the server redirects to no address", what);
        if (r->head && !is_relative(a->location)) {
            memcpy(a->location, target, sizeof(target));
            return CRIL_OK;
        }
        memcpy(url, target, sizeof(url));
    }
    return cril_fail(err, CRIL_ERR_FORMAT, "%s: the server redirects more than %d times", what,
                     MAX_REDIRECTS);
}

/* ---- patience ---- */

bool cril_hub_wait(const struct cril_hub_session *s, struct cril_hub_patience *p,
                   const struct cril_http_answer *a)
{
    uint64_t left = s->wait_ms;

    if (++p->tries >= MAX_TRIES)
        return false;
    left <<= p->tries - 1;
    if (a->has_wait) {
        left = (uint64_t)a->wait_sec * 1000;
        atomic_store(s->asked_wait_sec, a->wait_sec);
    }
    for (; left && !atomic_load(s->stop); left -= left < 50 ? left : 50) {
        const struct timespec t = {0, (long)(left < 50 ? left : 50) * 1000000};

        nanosleep(&t, NULL);
    }
    return !atomic_load(s->stop);
}

bool cril_hub_address(const struct cril_hub_session *s, const char *before, const char *text,
                      const char *keep, const char *after, char out[CRIL_HTTP_URL])
{
    int n = snprintf(out, CRIL_HTTP_URL, "%s%s", s->place->endpoint, before);
    size_t at;

    if (n < 0 || n >= CRIL_HTTP_URL)
        return false;
    for (at = (size_t)n; *text; text++) {
        const unsigned char c = (unsigned char)*text;

        if (at + 4 >= CRIL_HTTP_URL)
            return false;
        if (isalnum(c) || strchr("-._~", c) || strchr(keep, c))
            out[at++] = (char)c;
        else
            at += (size_t)snprintf(out + at, 4, "%%%02X", c);
    }
    n = snprintf(out + at, CRIL_HTTP_URL - at, "%s", after);
    return n >= 0 && (size_t)n < CRIL_HTTP_URL - at;
}
