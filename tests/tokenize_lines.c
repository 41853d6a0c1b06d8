/*
 * Tokenises many byte strings for scripts/compare_tokenizers.py: tokenize_lines MODEL.gguf IN OUT
 *
 * IN holds strings, each after its length (u32, native order); OUT gets for each the number of ids (u32), then the
 * ids (i32); a string that the vocabulary cannot spell gets the number UINT32_MAX. Build: cc -Iinclude tests/tokenize_lines.c build/libcril.a -lpcre2-8 -lcrypto -lm -o tokenize_lines
 */
#include <cril/tokenizer.h>
#include <stdio.h>
#include <stdlib.h>

static int run(const cril_tokenizer *t, FILE *in, FILE *out, cril_error *err)
{
    cril_ids ids = {0};
    uint32_t len, n;
    int failed = 0;

    while (!failed && fread(&len, sizeof(len), 1, in) == 1) {
        char *text = malloc((size_t)len + 1);
        cril_status st = CRIL_ERR_IO;

        ids.n = 0;
        if (text && fread(text, 1, len, in) == len)
            st = cril_tokenizer_encode(t, text, len, CRIL_ENCODE_TEXT, &ids, err);
        failed = st != CRIL_OK && st != CRIL_ERR_RANGE;
        n = st == CRIL_ERR_RANGE ? UINT32_MAX : (uint32_t)ids.n;
        failed = failed || fwrite(&n, sizeof(n), 1, out) != 1 ||
                 fwrite(ids.data, sizeof(*ids.data), ids.n, out) != ids.n;
        free(text);
    }
    cril_ids_free(&ids);
    return failed || ferror(in);
}

int main(int argc, char **argv)
{
    cril_tokenizer *t = NULL;
    cril_error err = {0};
    FILE *in = argc == 4 ? fopen(argv[2], "rb") : NULL, *out = in ? fopen(argv[3], "wb") : NULL;
    int failed = !out || cril_tokenizer_open(argv[1], &t, &err) != CRIL_OK || run(t, in, out, &err);

    if (in)
        fclose(in);
    if (out && fclose(out) != 0)
        failed = 1;
    cril_tokenizer_free(t);
    if (failed)
        fprintf(stderr, "tokenize_lines: %s\n", err.message[0] ? err.message : "usage: MODEL.gguf IN OUT");
    return failed;
}
