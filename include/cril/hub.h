/*
 * Models on the Hugging Face hub: their names, the cache of files on this machine, and fetching.
 *
 * The cache is the one that the Python library huggingface_hub keeps, in its layout, so that both
 * see the same files (doc/hub.md). Only cril_hub_pull touches the network.
 *
 * Read from the environment at each call: HF_HUB_CACHE, HUGGINGFACE_HUB_CACHE, HF_HOME,
 * XDG_CACHE_HOME and HOME for the folder; HF_ENDPOINT; HF_TOKEN, HF_TOKEN_PATH and
 * HF_HUB_DISABLE_IMPLICIT_TOKEN; HF_HUB_OFFLINE and TRANSFORMERS_OFFLINE; HF_HUB_DOWNLOAD_TIMEOUT.
 * All functions are safe in any thread while no thread changes the environment.
 */
#ifndef CRIL_HUB_H
#define CRIL_HUB_H

#include <cril/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cril_hub_name {
    char repository[97]; /* "owner/name" */
    char revision[256];  /* branch, tag, commit, or "refs/pr/1"; "main" where none is named */
    char file[1024];     /* of the repository, a GGUF file; "": none is named */
    char type[64];       /* picks the GGUF file of this type, such as "Q4_K_M"; "": none */
} cril_hub_name;

/* Whether text names a model on the hub, and no file: it begins with "hf:" or as a web address. */
bool cril_hub_is_name(const char *text);

/*
 * Reads one of
 *
 *   hf:owner/name[@revision]             the folder of the repository (also hf://...)
 *   hf:owner/name[@revision]/FILE.gguf   one file; of a split model, with all its parts
 *   hf:owner/name[@revision]:TYPE        the one GGUF file of that type, with all its parts
 *   https://huggingface.co/owner/name[/tree/REVISION | /blob/REVISION/FILE |
 * /resolve/REVISION/FILE]
 *
 * A file of the repository's folder that is no GGUF file, such as config.json, names the folder.
 * CRIL_ERR_RANGE: text is none of these.
 */
cril_status cril_hub_name_parse(const char *text, cril_hub_name *out, cril_error *err);

/* A model in the cache. */
typedef struct cril_hub_model {
    char *path;      /* a folder, or a GGUF file (of a split model, the first part); owned */
    char commit[41]; /* 40 hex digits */
} cril_hub_model;

void cril_hub_model_free(cril_hub_model *m); /* NULL is allowed */

/*
 * Looks for the model that text names in the cache. Does not touch the network.
 *
 * *out is owned by the caller, free with cril_hub_model_free. CRIL_ERR_RANGE: text is no name.
 * CRIL_ERR_EMPTY: the model is not in the cache, or not all of it. CRIL_ERR_UNSUPPORTED: it does
 * not say which of several models is meant.
 */
cril_status cril_hub_find(const char *text, cril_hub_model *out, cril_error *err);

/*
 * The name of a path in a cache: "hf:owner/name@COMMIT" of a snapshot's folder,
 * "hf:owner/name@COMMIT/FILE" of a file in it. Looks at the path only.
 *
 * out [size bytes]. False: path does not lie in a cache, or the name does not fit.
 */
bool cril_hub_source(const char *path, char *out, size_t size);

/* What a pull is about to do. Texts are borrowed for the call. */
typedef struct cril_hub_plan {
    const char *repository, *commit, *folder; /* folder: of the cache */
    size_t n_files, n_here;                   /* files of the model; those that are in the cache */
    uint64_t bytes, bytes_here; /* of these files; those in the cache, partial files too */
} cril_hub_plan;

typedef struct cril_hub_options {
    unsigned parallel; /* files that are fetched at a time, at most 64; 0: 4 */
    unsigned wait_ms;  /* before the first repetition of a request that failed; each further wait
                          is twice as long; 0: 1000 */
    void *user;
    /* Called in the caller's thread, may be NULL. An int is 0, or stops: CRIL_ERR_CANCELLED. */
    int (*on_plan)(void *user, const cril_hub_plan *plan); /* once, before a byte is fetched */
    int (*on_progress)(void *user, uint64_t done, uint64_t total); /* bytes; ten times a second */
    void (*on_wait)(void *user, unsigned seconds); /* the hub asks to wait, and the pull does */
} cril_hub_options;

/*
 * Fetches the files of the model that text names, as far as the cache lacks them, checks the hash
 * of each, and gives what cril_hub_find would. options may be NULL.
 *
 * A file that was fetched in part, by a pull that failed or was killed, is continued. Several
 * pulls, in threads or processes, may run at once: they wait for one another's files. Offline
 * (HF_HUB_OFFLINE) it is cril_hub_find.
 *
 * CRIL_ERR_IO: network, server or disk. CRIL_ERR_MISMATCH: a file does not have its hash.
 * CRIL_ERR_FORMAT: the server does not speak as a hub does. CRIL_ERR_EMPTY: no such repository,
 * revision or file, or no access to it. CRIL_ERR_UNSUPPORTED: the repository holds no model that
 * cril reads, or several GGUF files of which none is named. CRIL_ERR_CANCELLED.
 */
cril_status cril_hub_pull(const char *text, const cril_hub_options *options, cril_hub_model *out,
                          cril_error *err);

#ifdef __cplusplus
}
#endif
#endif
