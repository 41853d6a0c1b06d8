/* A file from its web address, for inputs that lie elsewhere. */
#ifndef CRIL_DOWNLOAD_H
#define CRIL_DOWNLOAD_H

#include <cril/status.h>
#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Whether text begins as an address does, "https://" or "http://". */
bool cril_is_address(const char *text);

typedef struct cril_download_options {
    /* Now and then, with the bytes that are there, of size (0: not known). Not 0: stop. NULL: none.
     */
    int (*progress)(void *user, uint64_t have, uint64_t size);
    void *user;
    unsigned wait_ms; /* after a first failure, then twice as long each time; 0: 500 */
} cril_download_options;

/*
 * Fetches the file at an address into a folder, under the last part of the address's path. One that
 * lies there is taken as it is: the network is not asked. A file appears when it is whole; what an
 * interrupted run fetched is continued where the server says by a strong ETag that the file is the
 * same. Redirects are followed; certificates are checked; http is for this machine alone.
 *
 * *path: of the file, owned by the caller: free. options may be NULL. Any thread may call it.
 * CRIL_ERR_RANGE: the address names no file. CRIL_ERR_IO, CRIL_ERR_EMPTY (there is no such file),
 * CRIL_ERR_UNSUPPORTED (http), CRIL_ERR_CANCELLED, CRIL_ERR_NOMEM.
 */
cril_status cril_download(const char *url, const char *folder, const cril_download_options *options,
                          char **path, cril_error *err);

#ifdef __cplusplus
}
#endif
#endif
