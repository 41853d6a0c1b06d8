/*
 * A document's hash is the first 8 bytes of the SHA-256 of its ids, that of a result the SHA-256 of
 * its documents' hashes: so documents that were scored apart, on several machines, make the hash of
 * the one run. The hash detects accidents, for which 64 bits are enough.
 */
#include "score/token_ids.h"

#include "util/hex.h"

#include <string.h>

enum { IDS_AT_ONCE = 1024 };

static void put_little_endian(uint8_t *to, uint64_t v, size_t n_bytes)
{
    for (size_t i = 0; i < n_bytes; i++)
        to[i] = (uint8_t)(v >> (8 * i));
}

cril_status cril_token_ids_hash(struct cril_sha256 *h, const int32_t *ids, size_t n, uint64_t *out,
                                cril_error *err)
{
    uint8_t bytes[4 * IDS_AT_ONCE], hash[32];
    char hex[65];
    cril_status st;

    for (size_t at = 0, m; at < n; at += m) {
        m = n - at < IDS_AT_ONCE ? n - at : IDS_AT_ONCE;
        for (size_t i = 0; i < m; i++)
            put_little_endian(bytes + 4 * i, (uint32_t)ids[at + i], 4);
        if ((st = cril_sha256_update(h, bytes, 4 * m, err)) != CRIL_OK)
            return st;
    }
    if ((st = cril_sha256_final(h, hex, err)) != CRIL_OK)
        return st;
    cril_hex_bytes(hex, hash, sizeof(hash));
    *out = 0;
    for (size_t i = 0; i < 8; i++)
        *out |= (uint64_t)hash[i] << (8 * i);
    *out += !*out;
    return CRIL_OK;
}

cril_status cril_token_ids_sum(struct cril_sha256 *h, cril_result *r, cril_error *err)
{
    bool known = r->documents > 0;
    char hex[65];
    cril_status st;

    for (uint64_t i = 0; i < r->documents; i++) {
        uint8_t bytes[8];

        known &= r->per_document[i].token_ids != 0;
        put_little_endian(bytes, r->per_document[i].token_ids, sizeof(bytes));
        if ((st = cril_sha256_update(h, bytes, sizeof(bytes), err)) != CRIL_OK)
            return st;
    }
    if ((st = cril_sha256_final(h, hex, err)) != CRIL_OK)
        return st;
    memcpy(r->token_ids_sha256, known ? hex : "", known ? sizeof(hex) : 1);
    return CRIL_OK;
}
