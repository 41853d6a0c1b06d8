/*
 * A text with what one model, or each of two, says of every token: to be looked at as a page, or
 * for a program of one's own (doc/view.md).
 *
 * Every figure has the same bits for any CPU, thread count and batch size (doc/numerics.md).
 */
#ifndef CRIL_VIEW_H
#define CRIL_VIEW_H

#include <cril/score.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { CRIL_VIEW_MAX_MODELS = 2 };

/* A token of the text's stream. The parts of the text that tokens stand for follow one another from
 * its first byte to its last; that of a control token is empty. */
typedef struct cril_view_token {
    int32_t id;
    uint64_t start, end; /* bytes of the text */
    bool is_control;     /* it stands for no text: BOS, EOS, ... */
} cril_view_token;

/* What a model says of a token. */
typedef struct cril_view_score {
    double nats;                /* -ln p, finite, >= 0; NaN: the protocol does not score it */
    cril_token_details details; /* rank 0 where no pass has predicted the token */
} cril_view_score;

typedef struct cril_view_model {
    cril_model *model;       /* borrowed */
    cril_view_score *scores; /* [n_tokens] */
    cril_result result;      /* of the text alone */
} cril_view_model;

/* Owned: cril_view_free. */
typedef struct cril_view {
    char *text; /* [len_bytes] any bytes */
    uint64_t len_bytes;
    cril_view_token *tokens; /* [n_tokens] of the stream, BOS and EOS that are scored included */
    uint64_t n_tokens;
    size_t n_models;
    cril_view_model models[CRIL_VIEW_MAX_MODELS]; /* [n_models] */
} cril_view;

/*
 * Scores text [len_bytes > 0, copied] alone, as the only document of a corpus, by models [n], one
 * or two, one after another; they are borrowed and must outlive the view. options may be NULL;
 * details are made, baselines are not. path names the text in messages. Of callbacks, which may be
 * NULL, on_progress is called; its fraction is of all models.
 *
 * CRIL_ERR_RANGE: another number of models; options that cril_scorer_create refuses; a second model
 * with other tokens than the first, or that makes other ids of the text. CRIL_ERR_UNSUPPORTED: the
 * protocol changes the text (opencompass). Errors of cril_score_corpus.
 */
cril_status cril_view_create(cril_model *const *models, size_t n, const cril_score_options *options,
                             const char *path, const char *text, size_t len_bytes,
                             const cril_score_callbacks *callbacks, cril_view **out,
                             cril_error *err);
void cril_view_free(cril_view *v); /* NULL is allowed */

/* What the page says that a view does not know. */
typedef struct cril_view_page {
    const char *title; /* such as a file's name */
    uint64_t document; /* index in its corpus, where there are several; UINT64_MAX: not said */
} cril_view_page;

/*
 * Writes v to f as one HTML page that needs no network, no script and no other file: each token
 * with its bits as colour, of two models with the bits of the second less those of the first. It
 * depends on its arguments alone. CRIL_ERR_IO: f failed; CRIL_ERR_NOMEM; f then holds a part.
 */
cril_status cril_view_write(FILE *f, const cril_view *v, const cril_view_page *page,
                            cril_error *err);

#ifdef __cplusplus
}
#endif
#endif
