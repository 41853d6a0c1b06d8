/* Requests over libcurl's easy interface. Header names as RFC 9110 and the hub's servers have them.
 */
#include "fetch/http.h"

#include "util/fail.h"

#include <cril/status.h>
#include <ctype.h>
#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum { CONNECT_SEC = 30, MAX_DROPPED = 1 << 20 };

struct cril_http {
    CURL *curl;
};

/* A request under way. */
struct exchange {
    const struct cril_http_request *request;
    struct cril_http_answer *answer;
    cril_status taken; /* what take said */
    cril_error *err;
    size_t dropped; /* bytes of a body that nobody wants */
    curl_off_t came;
    time_t came_at; /* the last byte, by a clock that only goes forward */
    bool stalled;
};

/* curl_global_init may not run twice at a time; it is the only state of the process. */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static CURLcode global;

static void init_global(void)
{
    global = curl_global_init(CURL_GLOBAL_DEFAULT);
}

cril_status cril_http_create(struct cril_http **out, cril_error *err)
{
    struct cril_http *h = calloc(1, sizeof(*h));

    pthread_once(&once, init_global);
    if (h && global == CURLE_OK)
        h->curl = curl_easy_init();
    if (!h || !h->curl) {
        cril_http_free(h);
        return cril_fail(err, CRIL_ERR_NOMEM, "libcurl: out of memory");
    }
    *out = h;
    return CRIL_OK;
}

void cril_http_free(struct cril_http *h)
{
    if (h && h->curl)
        curl_easy_cleanup(h->curl);
    free(h);
}

/* ---- headers ---- */

static bool read_count(const char *text, uint64_t *out)
{
    uint64_t v = 0;

    if (!isdigit((unsigned char)*text))
        return false;
    for (; isdigit((unsigned char)*text); text++) {
        if (v > (UINT64_MAX - 9) / 10)
            return false;
        v = 10 * v + (uint64_t)(*text - '0');
    }
    *out = v;
    return true;
}

static void keep_text(const char *value, char *out, size_t size)
{
    const size_t len = strlen(value);

    if (len < size) /* a longer one is none that can be used */
        memcpy(out, value, len + 1);
}

/* "bytes 100-199/200" */
static void read_range(const char *value, struct cril_http_answer *a)
{
    const char *size = strchr(value, '/');

    a->has_range = strncasecmp(value, "bytes ", 6) == 0 && size &&
                   read_count(value + 6, &a->range_from) && read_count(size + 1, &a->range_size);
}

/* Seconds; a date is left to the caller's own patience. Of "api";r=0;t=55 the 55. */
static void read_wait(const char *value, bool is_limit, struct cril_http_answer *a)
{
    const char *text = is_limit ? strstr(value, ";t=") : value;
    uint64_t sec;

    if (text && !a->has_wait && read_count(text + (is_limit ? 3 : 0), &sec)) {
        a->has_wait = true;
        a->wait_sec = sec < 1u << 30 ? (unsigned)sec : 1u << 30;
    }
}

static void keep_header(struct cril_http_answer *a, const char *name, const char *value)
{
    if (strcasecmp(name, "location") == 0)
        keep_text(value, a->location, sizeof(a->location));
    else if (strcasecmp(name, "etag") == 0)
        keep_text(value, a->etag, sizeof(a->etag));
    else if (strcasecmp(name, "x-linked-etag") == 0)
        keep_text(value, a->linked_etag, sizeof(a->linked_etag));
    else if (strcasecmp(name, "x-repo-commit") == 0)
        keep_text(value, a->commit, sizeof(a->commit));
    else if (strcasecmp(name, "x-error-code") == 0)
        keep_text(value, a->error_code, sizeof(a->error_code));
    else if (strcasecmp(name, "x-error-message") == 0)
        keep_text(value, a->error_message, sizeof(a->error_message));
    else if (strcasecmp(name, "content-length") == 0)
        a->has_size = read_count(value, &a->size);
    else if (strcasecmp(name, "x-linked-size") == 0)
        a->has_linked_size = read_count(value, &a->linked_size);
    else if (strcasecmp(name, "content-range") == 0)
        read_range(value, a);
    else if (strcasecmp(name, "retry-after") == 0)
        read_wait(value, false, a);
    else if (strcasecmp(name, "ratelimit") == 0 && a->status == 429)
        read_wait(value, true, a);
    else if (strcasecmp(name, "x-xet-hash") == 0)
        a->in_xet = true;
}

/* "HTTP/1.1 200 OK": a new answer, as behind a proxy or a 100. */
static void begin_answer(struct cril_http_answer *a, const char *line)
{
    const char *space = strchr(line, ' ');
    uint64_t status = 0;

    *a = (struct cril_http_answer){0};
    if (space && read_count(space + 1, &status) && status < 1000)
        a->status = (long)status;
}

static size_t on_header(char *data, size_t size, size_t n, void *user)
{
    struct exchange *e = user;
    char line[CRIL_HTTP_URL + 64], *value;
    size_t len = size * n;

    while (len && isspace((unsigned char)data[len - 1]))
        len--;
    if (len >= sizeof(line) || memchr(data, '\0', len))
        return size * n;
    memcpy(line, data, len);
    line[len] = '\0';
    if (strncmp(line, "HTTP/", 5) == 0) {
        begin_answer(e->answer, line);
    } else if ((value = strchr(line, ':')) != NULL) {
        *value++ = '\0';
        value += strspn(value, " \t");
        keep_header(e->answer, line, value);
    }
    return size * n;
}

/* ---- the request ---- */

static size_t on_body(char *data, size_t size, size_t n, void *user)
{
    struct exchange *e = user;
    const size_t len = size * n;

    if (e->answer->status != 200 && e->answer->status != 206) {
        e->dropped += len;
        return e->dropped <= MAX_DROPPED ? len : 0;
    }
    e->taken = e->request->take(e->request->user, e->answer, data, len, e->err);
    return e->taken == CRIL_OK ? len : 0;
}

static time_t now_sec(void)
{
    struct timespec t = {0};

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec;
}

/* Called about once a second. libcurl's own limit (CURLOPT_LOW_SPEED_TIME) takes the mean of five.
 */
static int on_time(void *user, curl_off_t total, curl_off_t came, curl_off_t to_send,
                   curl_off_t sent)
{
    struct exchange *e = user;

    (void)total, (void)to_send, (void)sent;
    if (came != e->came || !e->came_at) {
        e->came = came;
        e->came_at = now_sec();
    }
    e->stalled = now_sec() - e->came_at > (time_t)e->request->stall_sec;
    return e->stalled || (e->request->stop && atomic_load(e->request->stop));
}

static void allow_protocols(CURL *c)
{
#if LIBCURL_VERSION_NUM >= 0x075500
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "https,http");
#else
    curl_easy_setopt(c, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTPS | CURLPROTO_HTTP));
#endif
}

static bool add_header(struct curl_slist **list, const char *text)
{
    struct curl_slist *longer = curl_slist_append(*list, text);

    if (longer)
        *list = longer;
    return longer != NULL;
}

static bool make_headers(const struct cril_http_request *r, struct curl_slist **list)
{
    char text[2048];

    *list = NULL;
    if (!add_header(list, "Accept-Encoding: identity"))
        return false;
    if (r->token) {
        snprintf(text, sizeof(text), "Authorization: Bearer %s", r->token);
        if (!add_header(list, text))
            return false;
    }
    if (r->from) {
        snprintf(text, sizeof(text), "Range: bytes=%llu-", (unsigned long long)r->from);
        return add_header(list, text);
    }
    return true;
}

/* CURLcodes that no further attempt mends. */
static bool is_final(CURLcode code)
{
    return code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE ||
           code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_URL_MALFORMAT;
}

static cril_status judge(struct exchange *e, CURLcode code, const char *text, cril_error *err)
{
    if (code == CURLE_OK || e->dropped > MAX_DROPPED) /* the status says all */
        return CRIL_OK;
    if (e->taken != CRIL_OK)
        return e->taken;
    e->answer->is_broken = true;
    if (e->stalled)
        return cril_fail(err, CRIL_ERR_IO, "nothing came for %u s", e->request->stall_sec);
    if (code == CURLE_ABORTED_BY_CALLBACK)
        return cril_fail(err, CRIL_ERR_CANCELLED, "stopped while fetching");
    if (code == CURLE_OUT_OF_MEMORY)
        return cril_fail(err, CRIL_ERR_NOMEM, "libcurl: out of memory");
    return cril_fail(err, is_final(code) ? CRIL_ERR_UNSUPPORTED : CRIL_ERR_IO, "%s",
                     *text ? text : curl_easy_strerror(code));
}

cril_status cril_http_run(struct cril_http *h, const struct cril_http_request *r,
                          struct cril_http_answer *a, cril_error *err)
{
    struct exchange e = {.request = r, .answer = a, .err = err};
    char text[CURL_ERROR_SIZE] = "";
    struct curl_slist *headers;
    CURL *c = h->curl;
    CURLcode code = CURLE_OUT_OF_MEMORY;

    *a = (struct cril_http_answer){0};
    curl_easy_reset(c);
    if (make_headers(r, &headers)) {
        allow_protocols(c);
        curl_easy_setopt(c, CURLOPT_URL, r->url);
        curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
        curl_easy_setopt(c, CURLOPT_NOBODY, (long)r->head);
        curl_easy_setopt(c, CURLOPT_USERAGENT, "cril/" CRIL_VERSION);
        curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L); /* no alarm(), which is one for all threads */
        curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SEC);
        curl_easy_setopt(c, CURLOPT_ERRORBUFFER, text);
        curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
        curl_easy_setopt(c, CURLOPT_HEADERDATA, &e);
        curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
        curl_easy_setopt(c, CURLOPT_WRITEDATA, &e);
        curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_time);
        curl_easy_setopt(c, CURLOPT_XFERINFODATA, &e);
        curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
        code = curl_easy_perform(c);
        curl_easy_setopt(c, CURLOPT_ERRORBUFFER, NULL);
    }
    curl_slist_free_all(headers);
    return judge(&e, code, text, err);
}

/* ---- addresses ---- */

bool cril_http_resolve(const char *base, const char *target, char out[CRIL_HTTP_URL])
{
    CURLU *u = curl_url();
    char *whole = NULL;
    bool good = u && curl_url_set(u, CURLUPART_URL, base, 0) == CURLUE_OK &&
                curl_url_set(u, CURLUPART_URL, target, 0) == CURLUE_OK &&
                curl_url_get(u, CURLUPART_URL, &whole, 0) == CURLUE_OK &&
                strlen(whole) < CRIL_HTTP_URL;

    if (good)
        memcpy(out, whole, strlen(whole) + 1);
    curl_free(whole);
    curl_url_cleanup(u);
    return good;
}

enum { SCHEME, HOST, PORT, N_PARTS };

/* Parts of an address, each owned: curl_free. False: it is none. */
static bool take_apart(const char *url, char *part[N_PARTS])
{
    CURLU *u = curl_url();
    bool good = u && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
                curl_url_get(u, CURLUPART_SCHEME, &part[SCHEME], 0) == CURLUE_OK &&
                curl_url_get(u, CURLUPART_HOST, &part[HOST], 0) == CURLUE_OK &&
                curl_url_get(u, CURLUPART_PORT, &part[PORT], CURLU_DEFAULT_PORT) == CURLUE_OK;

    curl_url_cleanup(u);
    return good;
}

static void free_parts(char *part[N_PARTS])
{
    for (int i = 0; i < N_PARTS; i++)
        curl_free(part[i]);
}

bool cril_http_same_origin(const char *a, const char *b)
{
    char *p[N_PARTS] = {NULL}, *q[N_PARTS] = {NULL};
    bool same = take_apart(a, p) && take_apart(b, q);

    for (int i = 0; same && i < N_PARTS; i++)
        same = strcasecmp(p[i], q[i]) == 0;
    free_parts(p);
    free_parts(q);
    return same;
}

bool cril_http_is_plain(const char *url)
{
    return strncasecmp(url, "http:", 5) == 0;
}

bool cril_http_is_loopback(const char *url)
{
    char *p[N_PARTS] = {NULL};
    bool is = take_apart(url, p) &&
              (strcasecmp(p[HOST], "localhost") == 0 || strcmp(p[HOST], "[::1]") == 0 ||
               (strncmp(p[HOST], "127.", 4) == 0 && !p[HOST][strspn(p[HOST], "0123456789.")]));

    free_parts(p);
    return is;
}
