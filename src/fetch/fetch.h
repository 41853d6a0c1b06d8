/* One file of the hub into the cache: continued, checked, linked. */
#ifndef CRIL_FETCH_FETCH_H
#define CRIL_FETCH_FETCH_H

#include "fetch/cache.h"

struct cril_hub_fetch {
    const struct cril_hub_session *session;
    const struct cril_hub_cache *cache;
    const char *commit;
    const struct cril_hub_file *file;
    _Atomic uint64_t have; /* bytes of it in the cache; may fall where a file is begun anew */
};

/* Whether the snapshot has the file, in its size. */
bool cril_hub_fetched(const struct cril_hub_cache *c, const char *commit,
                      const struct cril_hub_file *f);
/* Bytes of a part that an earlier fetch left; 0 where the file's hash is not known. */
uint64_t cril_hub_fetched_part(const struct cril_hub_cache *c, const struct cril_hub_file *f);

/* CRIL_ERR_IO, CRIL_ERR_MISMATCH and what cril_hub_ask says. A part that was fetched stays. */
cril_status cril_hub_fetch_file(struct cril_hub_fetch *f, struct cril_http *h, cril_error *err);

#endif
