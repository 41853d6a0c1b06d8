/* SHA-256, and git's SHA-1, over the EVP interface of libcrypto. */
#include "util/hash.h"

#include "util/fail.h"
#include "util/hex.h"
#include "util/memory.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HASHED_AT_ONCE = 1 << 22 };

struct cril_sha256 {
    EVP_MD_CTX *ctx;
};

/*
 * Whether libcrypto has noted, since this was last asked, that it has no such algorithm. Where
 * memory runs out it notes that at times, and at times nothing that says so.
 */
static bool lacks_algorithm(void)
{
    bool lacks = false, memory = false;

    for (unsigned long e; (e = ERR_get_error());) {
        lacks |= ERR_GET_REASON(e) == ERR_R_UNSUPPORTED;
        memory |= ERR_GET_REASON(e) == ERR_R_MALLOC_FAILURE;
    }
    return lacks && !memory;
}

static cril_status no_memory(cril_error *err)
{
    return cril_fail(err, CRIL_ERR_NOMEM, "a hash: out of memory");
}

static cril_status refused(cril_error *err, const char *step)
{
    if (!lacks_algorithm())
        return no_memory(err);
    return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                     "libcrypto refused to %s a hash; check the OpenSSL configuration", step);
}

cril_status cril_sha256_create(struct cril_sha256 **out, cril_error *err)
{
    struct cril_sha256 *h = malloc(sizeof(*h));

    if (!h)
        return no_memory(err);
    h->ctx = EVP_MD_CTX_new();
    if (!h->ctx) {
        free(h);
        return no_memory(err);
    }
    if (EVP_DigestInit_ex(h->ctx, EVP_sha256(), NULL) != 1) {
        cril_sha256_free(h);
        return refused(err, "start");
    }
    *out = h;
    return CRIL_OK;
}

cril_status cril_sha256_update(struct cril_sha256 *h, const void *data, size_t len_bytes,
                               cril_error *err)
{
    if (len_bytes && EVP_DigestUpdate(h->ctx, data, len_bytes) != 1)
        return refused(err, "continue");
    return CRIL_OK;
}

cril_status cril_sha256_update_mapped(struct cril_sha256 *h, const uint8_t *data, size_t len,
                                      cril_error *err)
{
    cril_status st = CRIL_OK;

    for (size_t at = 0, n; st == CRIL_OK && at < len; at += n) {
        n = len - at < HASHED_AT_ONCE ? len - at : HASHED_AT_ONCE;
        st = cril_sha256_update(h, data + at, n, err);
        cril_pages_release(data + at, n);
    }
    return st;
}

cril_status cril_sha256_line(struct cril_sha256 *h, const char hex[65], const char *name,
                             cril_error *err)
{
    const size_t plain = strcspn(name, "\\\n\r");
    const char *mark = name[plain] ? "\\" : "";
    cril_status st;

    if ((st = cril_sha256_update(h, mark, strlen(mark), err)) != CRIL_OK ||
        (st = cril_sha256_update(h, hex, 64, err)) != CRIL_OK ||
        (st = cril_sha256_update(h, "  ", 2, err)) != CRIL_OK)
        return st;
    for (; *name; name++) {
        const char *as = *name == '\n'   ? "\\n"
                         : *name == '\r' ? "\\r"
                         : *name == '\\' ? "\\\\"
                                         : NULL;

        if ((st = cril_sha256_update(h, as ? as : name, as ? 2 : 1, err)) != CRIL_OK)
            return st;
    }
    return cril_sha256_update(h, "\n", 1, err);
}

cril_status cril_sha256_final(struct cril_sha256 *h, char hex[65], cril_error *err)
{
    unsigned char md[EVP_MAX_MD_SIZE];
    unsigned n = 0;

    if (EVP_DigestFinal_ex(h->ctx, md, &n) != 1 || n != 32 ||
        EVP_DigestInit_ex(h->ctx, EVP_sha256(), NULL) != 1)
        return refused(err, "finish");
    cril_hex_write(md, 32, hex);
    return CRIL_OK;
}

void cril_sha256_free(struct cril_sha256 *h)
{
    if (h)
        EVP_MD_CTX_free(h->ctx);
    free(h);
}

cril_status cril_sha256_of(const void *data, size_t len_bytes, char hex[65], cril_error *err)
{
    struct cril_sha256 *h = NULL;
    cril_status st = cril_sha256_create(&h, err);

    if (st == CRIL_OK)
        st = cril_sha256_update(h, data, len_bytes, err);
    if (st == CRIL_OK)
        st = cril_sha256_final(h, hex, err);
    cril_sha256_free(h);
    return st;
}

cril_status cril_git_blob_hash(const void *data, size_t len_bytes, char hex[41], cril_error *err)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    unsigned char md[EVP_MAX_MD_SIZE];
    char head[32];
    const int n = snprintf(head, sizeof(head), "blob %zu", len_bytes) + 1; /* with its NUL */
    bool good;

    if (!ctx)
        return no_memory(err);
    good = EVP_DigestInit_ex(ctx, EVP_sha1(), NULL) == 1 &&
           EVP_DigestUpdate(ctx, head, (size_t)n) == 1 &&
           EVP_DigestUpdate(ctx, data, len_bytes) == 1 && EVP_DigestFinal_ex(ctx, md, NULL) == 1;
    EVP_MD_CTX_free(ctx);
    if (!good)
        return refused(err, "compute");
    cril_hex_write(md, 20, hex);
    return CRIL_OK;
}
