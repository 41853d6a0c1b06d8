/* The files of a repository at one commit. */
#ifndef CRIL_FETCH_LISTING_H
#define CRIL_FETCH_LISTING_H

#include "fetch/ask.h"
#include "util/arena.h"

struct cril_hub_file {
    const char *path; /* safe, as cril_hub_path_is_safe has it */
    uint64_t size;
    char hash[65]; /* SHA-256, or git's SHA-1, in hex; "": not known */
};

/* Zero-initialised it is empty. */
struct cril_hub_listing {
    char commit[41];
    struct cril_hub_file *files; /* [n], by path once cril_hub_listing_sort was called */
    size_t n, capacity;
    struct cril_arena texts;
};

void cril_hub_listing_free(struct cril_hub_listing *l);
/* Adds a file; hash may be "". CRIL_ERR_NOMEM. */
cril_status cril_hub_listing_add(struct cril_hub_listing *l, const char *path, uint64_t size,
                                 const char *hash, cril_error *err);
/* Once all are added. False: two have one path. */
bool cril_hub_listing_sort(struct cril_hub_listing *l);
const struct cril_hub_file *cril_hub_listing_find(const struct cril_hub_listing *l,
                                                  const char *path);

/* From the answer of /api/models/ID/revision/REV?blobs=true. CRIL_ERR_FORMAT: it is none, or names
 * a file so that it would lie elsewhere. */
cril_status cril_hub_listing_parse(const char *json, size_t len, const char *spoken,
                                   struct cril_hub_listing *out, cril_error *err);
cril_status cril_hub_listing_fetch(const struct cril_hub_session *s, struct cril_http *h,
                                   struct cril_hub_listing *out, cril_error *err);

#endif
