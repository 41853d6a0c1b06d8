/*
 * Tokenises many byte strings for scripts/compare_tokenizers.py: tokenize_lines MODEL.gguf IN OUT
 * [special]
 *
 * IN holds strings, each after its length (u32, native order); OUT gets for each the number of ids
 * (u32), then the ids (i32). With "special", look-alikes of control tokens become those tokens.
 * Prints the megabytes of text a second of processor time. Build: cc -O2 -D_POSIX_C_SOURCE=200809L
 * -Iinclude tests/tokenize_lines.c build/libcril.a -lpcre2-8 -lcrypto -lm -o tokenize_lines
 */
#include <cril/tokenizer.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double processor_seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int run(const cril_tokenizer *t, FILE *in, FILE *out, unsigned flags, cril_error *err)
{
    cril_ids ids = {0};
    uint32_t len, n;
    int failed = 0;
    double bytes = 0.0, seconds = 0.0, started;

    while (!failed && fread(&len, sizeof(len), 1, in) == 1) {
        char *text = malloc((size_t)len + 1);
        cril_status st = CRIL_ERR_IO;

        ids.n = 0;
        if (text && fread(text, 1, len, in) == len) {
            started = processor_seconds();
            st = cril_tokenizer_encode(t, text, len, flags, &ids, err);
            seconds += processor_seconds() - started;
            bytes += len;
        }
        failed = st != CRIL_OK;
        n = (uint32_t)ids.n;
        failed = failed || fwrite(&n, sizeof(n), 1, out) != 1 ||
                 fwrite(ids.data, sizeof(*ids.data), ids.n, out) != ids.n;
        free(text);
    }
    cril_ids_free(&ids);
    printf("%.0f bytes, %.3f s, %.1f MB/s\n", bytes, seconds,
           seconds > 0.0 ? 1e-6 * bytes / seconds : 0.0);
    return failed || ferror(in);
}

int main(int argc, char **argv)
{
    cril_tokenizer *t = NULL;
    cril_error err = {0};
    const int special = argc == 5 && !strcmp(argv[4], "special");
    const unsigned flags = special ? CRIL_ENCODE_SPECIAL : CRIL_ENCODE_TEXT;
    FILE *in = argc == 4 + special ? fopen(argv[2], "rb") : NULL,
         *out = in ? fopen(argv[3], "wb") : NULL;
    int failed =
        !out || cril_tokenizer_open(argv[1], &t, &err) != CRIL_OK || run(t, in, out, flags, &err);

    if (in)
        fclose(in);
    if (out && fclose(out) != 0)
        failed = 1;
    cril_tokenizer_free(t);
    if (failed)
        fprintf(stderr, "tokenize_lines: %s\n",
                err.message[0] ? err.message : "usage: MODEL.gguf IN OUT [special]");
    return failed;
}
