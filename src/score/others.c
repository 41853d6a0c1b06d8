#include "score/others.h"

#include "model/divergence.h"
#include "model/model.h"
#include "model/plan.h"
#include "score/layout.h"
#include "tokenizer/spec.h"
#include "tokenizer/tokenizer.h"
#include "util/fail.h"
#include "util/memory.h"

#include <cril/text.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Vocabularies ---- */

/* A token's bytes. NULL: the id has none, it only fills the vocabulary up. */
static const char *token_of(const cril_model *m, size_t id, size_t *len)
{
    const cril_tokenizer *t = cril_model_tokenizer(m);
    const bool is_token =
        id < cril_tokenizer_size(t) && cril_tokenizer_spec(t)->types[id] != TOKEN_UNUSED;

    *len = 0;
    return is_token ? cril_tokenizer_piece(t, (int32_t)id, len) : NULL;
}

/* "\"piece\"" or "no token" */
static void show_token(const cril_model *m, size_t id, char *out, size_t size)
{
    size_t len;
    const char *piece = token_of(m, id, &len);

    if (!piece) {
        snprintf(out, size, "no token");
        return;
    }
    out[0] = '"';
    cril_text_show(piece, len, false, out + 1, size - 2);
    strcat(out, "\"");
}

static cril_status other_token(const cril_model *base, const cril_model *m, size_t id,
                               cril_error *err)
{
    char shown[2][64];

    show_token(m, id, shown[0], sizeof(shown[0]));
    show_token(base, id, shown[1], sizeof(shown[1]));
    return cril_fail(err, CRIL_ERR_RANGE,
                     "%s: id %zu is %s, but %s in %s; only models with the same tokens can be "
                     "compared token by token ('cril compare' compares bits per character)",
                     cril_model_path(m), id, shown[0], shown[1], cril_model_path(base));
}

/* Ids that only fill a vocabulary up may differ: in number, and in what a file calls them. */
static cril_status check_vocabulary(const cril_model *base, const cril_model *m, cril_error *err)
{
    const size_t n_a = cril_tokenizer_size(cril_model_tokenizer(base)),
                 n_b = cril_tokenizer_size(cril_model_tokenizer(m)), n = n_a > n_b ? n_a : n_b;

    for (size_t i = 0; i < n; i++) {
        size_t len_a, len_b;
        const char *a = token_of(base, i, &len_a), *b = token_of(m, i, &len_b);

        if (!a != !b || len_a != len_b || (len_a && memcmp(a, b, len_a)))
            return other_token(base, m, i, err);
    }
    return CRIL_OK;
}

static cril_status check_layout(const cril_model *base, const cril_model *m,
                                const struct cril_protocol *p, const struct cril_layout *l,
                                cril_error *err)
{
    struct cril_layout own;
    const cril_status st =
        cril_layout_choose(p, m, l->context, p->stride ? l->stride : 0, &own, err);

    if (st != CRIL_OK || own.first_token == l->first_token)
        return st;
    return cril_fail(err, CRIL_ERR_RANGE,
                     "%s: texts begin with token %" PRId32 ", but with %" PRId32
                     " in %s (-1: none); such models cannot be compared token by token",
                     cril_model_path(m), own.first_token, l->first_token, cril_model_path(base));
}

cril_status cril_others_check_model(const cril_model *base, const cril_model *m,
                                    const struct cril_protocol *p, const struct cril_layout *l,
                                    cril_error *err)
{
    const cril_status st = check_vocabulary(base, m, err);

    return st == CRIL_OK ? check_layout(base, m, p, l, err) : st;
}

/* ---- Life ---- */

cril_status cril_others_init(struct cril_others *o, const cril_model *base,
                             const struct cril_protocol *p, const struct cril_layout *l,
                             const struct cril_engine_options *options, cril_model *const *models,
                             size_t n, cril_error *err)
{
    struct cril_engine_options own = *options;
    cril_status st = CRIL_OK;

    own.window = l->context;
    *o = (struct cril_others){.models = calloc(n, sizeof(*o->models)),
                              .engines = calloc(n, sizeof(struct cril_engine *)),
                              .pairs = calloc(n, sizeof(*o->pairs)),
                              .columns = cril_model_logits(base)};
    if (!o->models || !o->engines || !o->pairs)
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", cril_model_path(base));
    for (; o->n < n && st == CRIL_OK; o->n++) {
        cril_model *const m = models[o->n];

        if (cril_model_logits(m) < o->columns)
            o->columns = cril_model_logits(m);
        o->models[o->n] = m;
        st = cril_others_check_model(base, m, p, l, err);
    }
    for (size_t i = 0; i < n && st == CRIL_OK; i++)
        st = cril_others_say_share(
            cril_engine_create(models[i], cril_kernels(), &own, &o->engines[i], err), err);
    return st;
}

size_t cril_others_memory(size_t bytes, size_t batch_tokens, size_t n, size_t ids)
{
    const size_t rows = batch_tokens ? batch_tokens : CRIL_DEFAULT_ROWS,
                 held = cril_memory_resident() + rows * cril_heads_row_bytes(n, ids);

    return bytes > held ? held + (bytes - held) / n : bytes;
}

cril_status cril_others_say_share(cril_status st, cril_error *err)
{
    const cril_error why = err ? *err : (cril_error){0};

    return st == CRIL_ERR_RANGE
               ? cril_fail(err, st, "%s; each of the models has an equal part of the memory",
                           why.message)
               : st;
}

void cril_others_free(struct cril_others *o)
{
    for (size_t i = 0; i < o->n; i++) {
        cril_engine_free(o->engines[i]);
        cril_pair_free(&o->pairs[i]);
    }
    free(o->engines);
    free(o->models);
    free(o->pairs);
    cril_ids_free(&o->ids);
}

/* ---- Documents ---- */

cril_status cril_others_check_files(const struct cril_others *o, cril_error *err)
{
    cril_status st = CRIL_OK;

    for (size_t i = 0; i < o->n && st == CRIL_OK; i++)
        st = cril_model_check(o->models[i], err);
    return st;
}

cril_status cril_others_check_ids(const cril_model *m, const cril_document *doc,
                                  const cril_ids *own, const int32_t *ids, size_t n,
                                  cril_error *err)
{
    size_t at = 0;

    while (at < own->n && at < n && own->data[at] == ids[at])
        at++;
    if (at == own->n && at == n)
        return CRIL_OK;
    return cril_fail(err, CRIL_ERR_RANGE,
                     "%s: %s makes other tokens of document %" PRIu64
                     " than the first model, from token %zu on; such models cannot be compared "
                     "token by token",
                     doc->file, cril_model_path(m), doc->index, at);
}

static cril_status cannot_encode(const cril_model *m, const cril_document *doc,
                                 const cril_error *why, cril_error *err)
{
    return cril_fail(err, why->status, "%s: document %" PRIu64 " cannot be tokenised by %s: %s",
                     doc->file, doc->index, cril_model_path(m), why->message);
}

cril_status cril_others_check_text(struct cril_others *o, const cril_document *doc, unsigned encode,
                                   const int32_t *ids, size_t n, cril_error *err)
{
    cril_status st = CRIL_OK;

    for (size_t i = 0; i < o->n && st == CRIL_OK; i++) {
        cril_error why;

        o->ids.n = 0;
        if (cril_tokenizer_encode(cril_model_tokenizer(o->models[i]), doc->text, doc->len_bytes,
                                  encode, &o->ids, &why) != CRIL_OK)
            return cannot_encode(o->models[i], doc, &why, err);
        st = cril_others_check_ids(o->models[i], doc, &o->ids, ids, n, err);
    }
    return st;
}

cril_status cril_others_check_pair(struct cril_others *o, const cril_document *doc, unsigned encode,
                                   const struct cril_pair *p, cril_error *err)
{
    cril_status st = CRIL_OK;

    for (size_t i = 0; i < o->n && st == CRIL_OK; i++) {
        cril_error why;

        if (cril_pair_encode(&o->pairs[i], cril_model_tokenizer(o->models[i]), doc->prompt,
                             doc->prompt_bytes, doc->text, doc->len_bytes, encode, &why) != CRIL_OK)
            return cannot_encode(o->models[i], doc, &why, err);
        st = cril_others_check_ids(o->models[i], doc, &o->pairs[i].ids, p->ids.data, p->ids.n, err);
    }
    return st;
}
