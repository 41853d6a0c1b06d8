/*
 * activations MODEL.gguf ROWS: bytes that a pass over ROWS tokens cannot do without: the residual
 * stream, queries, keys and values of each in fp32. With the file's own bytes, they are what peak
 * memory is measured against.
 */
#include "model/model.h"

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    static const enum cril_buffer kept[] = {CRIL_BUF_X, CRIL_BUF_Q, CRIL_BUF_K, CRIL_BUF_V};
    cril_model *m;
    cril_error err;
    size_t width = 0;
    if (argc != 3) {
        fputs("usage: activations MODEL.gguf ROWS\n", stderr);
        return 2;
    }
    if (cril_model_open(argv[1], &m, &err) != CRIL_OK) {
        fprintf(stderr, "activations: %s\n", err.message);
        return 1;
    }
    for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++)
        width += cril_buffer_width(m, 0, kept[i]);
    printf("%llu\n", strtoull(argv[2], NULL, 10) * width * sizeof(float));
    cril_model_close(m);
    return 0;
}
