/* Requests to the hub: who gets the token, which redirects are followed, what a status means. */
#ifndef CRIL_FETCH_ASK_H
#define CRIL_FETCH_ASK_H

#include "fetch/http.h"
#include "fetch/names.h"
#include "fetch/place.h"

/* What all requests of a pull share. Borrowed. */
struct cril_hub_session {
    const struct cril_hub_place *place;
    const cril_hub_name *name;
    const char *token;  /* "": none */
    const char *spoken; /* the name, for sentences */
    const atomic_bool *stop;
    atomic_uint *asked_wait_sec; /* what the hub asked to wait for last */
    unsigned wait_ms;
};

/*
 * One attempt. Relative redirects are followed; others end a HEAD, whose answer then has the
 * address in location, and are followed by a GET. The token goes to the hub's own origin only.
 *
 * On failure *again says whether another attempt may succeed. what names what is asked for in the
 * sentence, such as "hf:owner/name: config.json".
 */
cril_status cril_hub_ask(const struct cril_hub_session *s, struct cril_http *h,
                         const struct cril_http_request *r, const char *what,
                         struct cril_http_answer *a, bool *again, cril_error *err);

/* How long one goes on. Begin with .tries = 0. */
struct cril_hub_patience {
    unsigned tries; /* failures since the last success */
};
/* After a failure that another attempt may mend: waits, or is out of patience (false). */
bool cril_hub_wait(const struct cril_hub_session *s, struct cril_hub_patience *p,
                   const struct cril_http_answer *a);

/* endpoint + before + text with all but letters, digits, "-._~" and the bytes of keep as %XX +
 * after. False: too long for out. */
bool cril_hub_address(const struct cril_hub_session *s, const char *before, const char *text,
                      const char *keep, const char *after, char out[CRIL_HTTP_URL]);

#endif
