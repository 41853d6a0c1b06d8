/*
 * folder_nats MODEL EXPECTED [OUT]: scores the token ids of an oracle's expected.json (a Hugging
 * Face library's ids and -ln p of some texts) with MODEL and says how far its figures are off.
 * Prints for each text: its name, whether MODEL's tokenizer makes the same ids, the largest and the
 * mean difference in nats. OUT gets all nats as they lie in memory, for cmp. Exits 1 where ids
 * differ, a token is off by more than 1e-4 or a text's mean by more than 1e-5.
 */
#include <cril/model.h>
#include <cril/score.h>
#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_TOKEN 1e-4
#define MAX_MEAN 1e-5

static void stop(const char *what)
{
    fprintf(stderr, "folder_nats: %s\n", what);
    exit(2);
}

static bool same_ids(const cril_model *m, const json_t *text, const int32_t *want, size_t n)
{
    const json_t *const t = json_object_get(text, "text");
    cril_ids ids = {0};
    cril_error err;

    if (!json_is_string(t))
        return true;
    if (cril_tokenizer_encode(cril_model_tokenizer(m), json_string_value(t), json_string_length(t),
                              CRIL_ENCODE_ADD_SPECIAL, &ids, &err) != CRIL_OK)
        stop(err.message);
    const bool same = ids.n == n && !memcmp(ids.data, want, n * sizeof(*want));
    cril_ids_free(&ids);
    return same;
}

static bool check(const cril_model *m, cril_scorer *s, const json_t *text, FILE *out)
{
    const json_t *const ids = json_object_get(text, "ids"), *const want =
                                                                json_object_get(text, "nats");
    const size_t n = json_array_size(ids);
    int32_t *const tokens = malloc((n + 1) * sizeof(*tokens));
    double *const nats = malloc((n + 1) * sizeof(*nats));
    double largest = 0, sum = 0;
    cril_error err;

    if (!tokens || !nats || n < 2 || json_array_size(want) != n - 1)
        stop("expected.json is no oracle's");
    for (size_t i = 0; i < n; i++)
        tokens[i] = (int32_t)json_integer_value(json_array_get(ids, i));
    const bool same = same_ids(m, text, tokens, n);
    if (cril_score_tokens(s, tokens, n, nats, &err) != CRIL_OK)
        stop(err.message);
    for (size_t i = 0; i + 1 < n; i++) {
        const double d = nats[i] - json_number_value(json_array_get(want, i));

        largest = fabs(d) > largest ? fabs(d) : largest;
        sum += d;
    }
    const double mean = fabs(sum / (double)(n - 1));
    printf("%s ids %s token %.1e mean %.1e\n", json_string_value(json_object_get(text, "name")),
           same ? "same" : "DIFFER", largest, mean);
    if (out && fwrite(nats, sizeof(*nats), n - 1, out) != n - 1)
        stop("cannot write");
    free(tokens);
    free(nats);
    return same && largest <= MAX_TOKEN && mean <= MAX_MEAN;
}

int main(int argc, char **argv)
{
    json_t *const expected = argc > 2 ? json_load_file(argv[2], 0, NULL) : NULL;
    FILE *const out = argc > 3 ? fopen(argv[3], "wb") : NULL;
    const json_t *text;
    cril_model *m;
    cril_scorer *s;
    cril_error err;
    bool good = true;
    size_t i;

    if (!expected || (argc > 3 && !out))
        stop("usage: folder_nats MODEL EXPECTED [OUT]");
    if (cril_model_open(argv[1], &m, &err) != CRIL_OK)
        stop(err.message);
    const cril_score_options options = {.context = cril_model_context(m)};
    if (cril_scorer_create(m, &options, &s, &err) != CRIL_OK)
        stop(err.message);
    json_array_foreach(json_object_get(expected, "texts"), i, text) good &= check(m, s, text, out);
    cril_scorer_free(s);
    cril_model_close(m);
    json_decref(expected);
    if (out && fclose(out) != 0)
        stop("cannot write");
    return good ? 0 : 1;
}
