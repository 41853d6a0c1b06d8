/* Hashes. SHA-256 (FIPS 180-4) is of a stream of bytes, by OpenSSL's libcrypto, which uses the
 * CPU's instructions for it. */
#ifndef CRIL_UTIL_HASH_H
#define CRIL_UTIL_HASH_H

#include <cril/status.h>
#include <stddef.h>
#include <stdint.h>

struct cril_sha256;

/* *out is owned by the caller: cril_sha256_free. CRIL_ERR_NOMEM, CRIL_ERR_UNSUPPORTED. */
cril_status cril_sha256_create(struct cril_sha256 **out, cril_error *err);
cril_status cril_sha256_update(struct cril_sha256 *h, const void *data, size_t len_bytes,
                               cril_error *err);
/* Bytes of a mapped file; one that is larger than memory never lies in it whole. */
cril_status cril_sha256_update_mapped(struct cril_sha256 *h, const uint8_t *data, size_t len,
                                      cril_error *err);
/* The line that sha256sum prints for a file: its hash, two spaces, its name, a line end. A name
 * with a line end or a backslash is escaped and the line marked. */
cril_status cril_sha256_line(struct cril_sha256 *h, const char hex[65], const char *name,
                             cril_error *err);
/* 64 lower-case hex digits and a NUL; h is then ready for the next stream. */
cril_status cril_sha256_final(struct cril_sha256 *h, char hex[65], cril_error *err);
void cril_sha256_free(struct cril_sha256 *h); /* NULL is allowed */

/* All of it at once. */
cril_status cril_sha256_of(const void *data, size_t len_bytes, char hex[65], cril_error *err);

/* Git's name of a file's content: SHA-1 (FIPS 180-4) of "blob LENGTH", a NUL and the content. 40
 * lower-case hex digits and a NUL. */
cril_status cril_git_blob_hash(const void *data, size_t len_bytes, char hex[41], cril_error *err);

/* FNV-1a, for tables and for texts that nobody chose to be alike. A byte at a time: the hash of a
 * prefix is on the way to the hash of the whole. */
#define CRIL_HASH_START UINT64_C(0xcbf29ce484222325)
static inline uint64_t cril_hash_step(uint64_t hash, char c)
{
    return (hash ^ (uint8_t)c) * UINT64_C(0x100000001b3);
}
static inline uint64_t cril_hash_bytes(uint64_t hash, const void *data, size_t len)
{
    for (const char *p = data, *end = p + len; p < end; p++)
        hash = cril_hash_step(hash, *p);
    return hash;
}

#endif
