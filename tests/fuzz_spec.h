/*
 * What the fuzz targets of tokenizers' files share. The input is a text, after its length in a
 * byte, and a file. A sanitizer watches; besides, a failure says something, ids lie in the
 * vocabulary, and encoding twice gives the same.
 */
#ifndef CRIL_TESTS_FUZZ_SPEC_H
#define CRIL_TESTS_FUZZ_SPEC_H

#include "tokenizer/internal.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef cril_status (*spec_reader)(const uint8_t *data, size_t len, struct cril_spec *s,
                                   cril_error *err);

static void encode(const cril_tokenizer *t, const char *text, size_t len, unsigned flags)
{
    cril_ids ids = {0};
    cril_error err = {0};
    const cril_status st = cril_tokenizer_encode(t, text, len, flags, &ids, &err);
    const size_t n = ids.n;
    size_t piece_len;

    if (st != CRIL_OK && (n || !err.message[0]))
        abort();
    for (size_t i = 0; i < n; i++)
        if (!cril_tokenizer_piece(t, ids.data[i], &piece_len))
            abort();
    if (cril_tokenizer_encode(t, text, len, flags, &ids, &err) != st ||
        ids.n != (st == CRIL_OK ? 2 * n : 0) ||
        (n && memcmp(ids.data, ids.data + n, n * sizeof(*ids.data))))
        abort();
    cril_ids_free(&ids);
}

static int read_and_encode(spec_reader read, const uint8_t *data, size_t size)
{
    size_t len = size ? *data : 0;
    struct cril_spec spec;
    cril_tokenizer *t = NULL;
    cril_error err = {0};
    cril_status st;

    if (!size)
        return 0;
    len = len < size - 1 ? len : size - 1;
    cril_spec_init(&spec, "f");
    if ((st = read(data + 1 + len, size - 1 - len, &spec, &err)) != CRIL_OK)
        cril_spec_clear(&spec);
    else
        st = cril_tokenizer_build(&spec, &t, &err);
    if (st != CRIL_OK && (t || !err.message[0]))
        abort();
    if (t)
        for (unsigned flags = 0; flags < 4; flags++)
            encode(t, (const char *)data + 1, len, flags);
    cril_tokenizer_free(t);
    return 0;
}

#endif
