/*
 * llama.cpp as an oracle for scripts/compare_tokenizers.py: llama_lines MODEL.gguf IN OUT [special]
 *
 * The same files as tests/tokenize_lines.c: IN holds strings, each after its length (u32, native order); OUT gets for each the
 * number of ids (u32), then the ids (i32). Not part of the product; needs a build of llama.cpp in DIR:
 *
 *   g++ -O2 -std=c++17 -IDIR/src/include -IDIR/src/ggml/include scripts/llama_lines.cpp -LDIR/bin -lllama -lggml -lggml-base
 *       -Wl,-rpath,DIR/bin -o llama_lines
 */
#include "llama.h"

#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

static void quiet(ggml_log_level, const char *, void *) {}

static bool run(const llama_vocab *vocab, FILE *in, FILE *out, bool special)
{
    std::vector<llama_token> ids(1 << 16);
    std::string text;
    uint32_t len;

    while (fread(&len, sizeof(len), 1, in) == 1) {
        text.resize(len);
        if (fread(&text[0], 1, len, in) != len)
            return false;
        int n = llama_tokenize(vocab, text.data(), (int32_t)len, ids.data(), (int32_t)ids.size(), false, special);
        if (n < 0) { /* -n ids did not fit */
            ids.resize((size_t)-n);
            n = llama_tokenize(vocab, text.data(), (int32_t)len, ids.data(), (int32_t)ids.size(), false, special);
        }
        const uint32_t count = (uint32_t)n;
        if (fwrite(&count, sizeof(count), 1, out) != 1 || fwrite(ids.data(), sizeof(ids[0]), count, out) != count)
            return false;
    }
    return !ferror(in);
}

int main(int argc, char **argv)
{
    if (argc < 4 || argc > 5 || (argc == 5 && strcmp(argv[4], "special"))) {
        fprintf(stderr, "usage: llama_lines MODEL.gguf IN OUT [special]\n");
        return 2;
    }
    llama_log_set(quiet, nullptr);
    llama_model_params params = llama_model_default_params();
    params.vocab_only = true;
    llama_model *model = llama_model_load_from_file(argv[1], params);
    FILE *in = fopen(argv[2], "rb"), *out = fopen(argv[3], "wb");
    const bool ok = model && in && out && run(llama_model_get_vocab(model), in, out, argc == 5);
    if (in)
        fclose(in);
    if (out && fclose(out) != 0)
        return 1;
    llama_model_free(model);
    return !ok;
}
