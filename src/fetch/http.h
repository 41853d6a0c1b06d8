/*
 * One request over HTTP or HTTPS, by libcurl. No other place knows libcurl.
 *
 * Redirects are the caller's to follow, so that it decides who gets what. Certificates are checked;
 * no other protocol is spoken; no compression is asked for; .netrc and cookies are not used.
 */
#ifndef CRIL_FETCH_HTTP_H
#define CRIL_FETCH_HTTP_H

#include <cril/status.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CRIL_HTTP_URL = 8192 };

/* Headers that did not come are "", 0 or false. */
struct cril_http_answer {
    long status;
    char location[CRIL_HTTP_URL];
    char etag[128], linked_etag[128], commit[64];
    char error_code[64], error_message[256];
    bool has_size, has_linked_size, has_range, has_wait;
    uint64_t size, linked_size;      /* Content-Length, X-Linked-Size */
    uint64_t range_from, range_size; /* of Content-Range: the first byte, bytes of the whole */
    unsigned wait_sec;               /* Retry-After, or until the limit of a 429 is over */
    bool in_xet;                     /* the store has it by a protocol of its own, too */
    bool is_broken;                  /* the network failed before the answer was whole */
};

struct cril_http_request {
    const char *url;
    bool head;         /* HEAD, else GET */
    const char *token; /* of the Authorization; NULL: none */
    uint64_t from;     /* the first byte wanted; 0: no Range */
    /* Takes the body of a 200 or 206, in pieces; another body is dropped. May fail. */
    cril_status (*take)(void *user, const struct cril_http_answer *a, const void *data, size_t len,
                        cril_error *err);
    void *user;
    const atomic_bool *stop; /* ends the request when it becomes true; may be NULL */
    unsigned stall_sec;
};

/* Keeps connections for the next request. One thread at a time. */
struct cril_http;
cril_status cril_http_create(struct cril_http **out, cril_error *err);
void cril_http_free(struct cril_http *h); /* NULL is allowed */

/*
 * CRIL_OK: an answer came whole, of any status. CRIL_ERR_IO with is_broken: the network failed,
 * which another attempt may mend; what take took by then counts. CRIL_ERR_CANCELLED; what take
 * returned.
 */
cril_status cril_http_run(struct cril_http *h, const struct cril_http_request *r,
                          struct cril_http_answer *a, cril_error *err);

/* target, as an address or relative to base, as an address. False: it is none, or too long. */
bool cril_http_resolve(const char *base, const char *target, char out[CRIL_HTTP_URL]);
bool cril_http_same_origin(const char *a, const char *b); /* scheme, host and port */
bool cril_http_is_plain(const char *url);                 /* http, not https */
bool cril_http_is_loopback(const char *url);

#endif
