/*
 * The hub's cache as files (huggingface_hub, "Understand caching"):
 *
 *   CACHE/models--owner--name/blobs/HASH                 what was fetched, named by its hash
 *   CACHE/models--owner--name/snapshots/COMMIT/FILE      a relative link to a blob
 *   CACHE/models--owner--name/refs/REVISION              40 hex digits: the commit
 *   CACHE/.locks/models--owner--name/HASH.lock           flock() while a blob is made
 *
 * Other things may lie there (.no_exist, trees, CACHEDIR.TAG) and are let be.
 */
#ifndef CRIL_FETCH_CACHE_H
#define CRIL_FETCH_CACHE_H

#include "fetch/listing.h"

enum { CRIL_HUB_PATH = 4096 };

struct cril_hub_cache {
    const struct cril_hub_place *place; /* borrowed, as is the name */
    const cril_hub_name *name;
    char folder[128]; /* "models--owner--name" */
};

void cril_hub_cache_init(struct cril_hub_cache *c, const struct cril_hub_place *place,
                         const cril_hub_name *name);

/* Paths. CRIL_ERR_RANGE: too long. */
cril_status cril_hub_blob_path(const struct cril_hub_cache *c, const char *hash, const char *suffix,
                               char out[CRIL_HUB_PATH], cril_error *err);
/* file: "" for the folder. */
cril_status cril_hub_snapshot_path(const struct cril_hub_cache *c, const char *commit,
                                   const char *file, char out[CRIL_HUB_PATH], cril_error *err);

/* The commit of the name's revision. False: it is not known here. */
bool cril_hub_cached_commit(const struct cril_hub_cache *c, char commit[41]);
/* Bytes of a regular file, links followed. False: there is none. */
bool cril_hub_file_size(const char *path, uint64_t *out);
/* The files of a snapshot. CRIL_ERR_EMPTY: there is no such snapshot. */
cril_status cril_hub_cache_list(const struct cril_hub_cache *c, const char *commit,
                                struct cril_hub_listing *out, cril_error *err);

/* Makes the folders that a path's file lies in. */
cril_status cril_hub_make_folders(const char *path, cril_error *err);
/* Waits for the lock of a blob. *fd is then to be closed. CRIL_ERR_CANCELLED: stop became true. */
cril_status cril_hub_lock(const struct cril_hub_cache *c, const char *hash, const atomic_bool *stop,
                          int *fd, cril_error *err);
/* Puts a link to a blob into a snapshot. */
cril_status cril_hub_link(const struct cril_hub_cache *c, const char *commit, const char *file,
                          const char *hash, cril_error *err);
/* Notes the commit of the name's revision. */
cril_status cril_hub_note_commit(const struct cril_hub_cache *c, const char *commit,
                                 cril_error *err);

#endif
