/*
 * score MODEL.gguf CORPUS: bits per character of a corpus, with the library alone.
 *
 *   cc score.c $(pkg-config --cflags --static --libs cril)
 */
#include <cril/score.h>
#include <stdio.h>

static int fail(const cril_error *err)
{
    fprintf(stderr, "%s\n", err->message);
    return 1;
}

int main(int argc, char **argv)
{
    const cril_score_options options = {.context = 256, .stride = 128};
    cril_model *model;
    cril_scorer *scorer = NULL;
    cril_corpus *corpus = NULL;
    cril_result result;
    cril_error err;
    int code = 0;

    if (argc != 3) {
        fprintf(stderr, "usage: score MODEL.gguf CORPUS\n");
        return 2;
    }
    if (cril_model_open(argv[1], &model, &err) != CRIL_OK)
        return fail(&err);
    if (cril_scorer_create(model, &options, &scorer, &err) != CRIL_OK ||
        cril_corpus_open(argv[2], NULL, &corpus, &err) != CRIL_OK ||
        cril_score_corpus(scorer, corpus, argv[2], NULL, &result, &err) != CRIL_OK) {
        code = fail(&err);
    } else {
        printf("%s on %s: %.4f bits per character", result.model_name, argv[2],
               cril_result_bpc(&result));
        if (result.interval.resamples) /* a single document has no interval */
            printf(", %.0f %% interval %.4f to %.4f", 100 * result.interval.level,
                   result.interval.low, result.interval.high);
        putchar('\n');
        cril_result_free(&result);
    }
    cril_corpus_close(corpus);
    cril_scorer_free(scorer);
    cril_model_close(model);
    return code;
}
