/*
 * Sums of how far models are from a base: of tokens as the scorer hands them out, by document.
 *
 * Of each token and model two numbers stay, for percentiles; of each document a row of sums, which
 * figures and their intervals are made of.
 */
#include <cril/diverge.h>

#include "model/model.h"
#include "score/others.h"
#include "score/result.h"
#include "score/scorer.h"
#include "util/fail.h"
#include "util/fmath.h"
#include "util/size.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Of a document's tokens that are compared. */
struct sums {
    double tokens, kl, dp, dp_squares, same_top, nats, nats_base;
};

/* Of all tokens, where documents are not told apart: means of x, nats of the base, and of y, of the
 * model, and sums of products of what is left without them. */
struct moments {
    double n, x, y, xx, yy, xy;
};

struct token_values {
    float kl, dp;
};

/* One model beside the base. */
struct side {
    struct sums *documents; /* [d->n_documents] */
    struct token_values *tokens;
    size_t documents_size, tokens_size, n_tokens;
    cril_diverging_token worst[CRIL_DIVERGE_WORST];
    size_t n_worst;
};

/* A corpus: where its documents and tokens begin, and what does not come by document. */
struct corpus {
    size_t first_document, first_token;
    uint64_t characters;
    double base_nats; /* of all scored tokens */
    struct of_corpus {
        double nats; /* likewise */
        struct moments moments;
        uint64_t position_tokens[CRIL_DIVERGE_POSITIONS];
        double position_kl[CRIL_DIVERGE_POSITIONS];
    } * sides; /* [n_sides] */
};

struct cril_diverger {
    cril_scorer *scorer;
    struct side *sides; /* [n_sides] */
    size_t n_sides, n_documents, ids;
    struct corpus *corpora; /* [n_corpora] */
    size_t n_corpora, corpora_size;
    cril_interval interval; /* level, resamples and seed */
    double pass_seconds, layer_seconds, forward_tokens;
    const cril_score_callbacks *callbacks; /* of the corpus at work */
    uint64_t document;                     /* index of the one whose tokens arrive */
    bool has_document;
    cril_status failure;
};

static const struct {
    const char *name;
    double q;
} percentiles[CRIL_PERCENTILES] = {
    {"min", 0},  {"0.1", .001}, {"1", .01},  {"5", .05},  {"10", .1},     {"25", .25}, {"50", .5},
    {"75", .75}, {"90", .9},    {"95", .95}, {"99", .99}, {"99.9", .999}, {"max", 1}};

const char *cril_percentile_name(size_t i)
{
    return i < CRIL_PERCENTILES ? percentiles[i].name : NULL;
}

static cril_status no_memory(cril_error *err)
{
    return cril_fail(err, CRIL_ERR_NOMEM, "out of memory while models are compared");
}

/* ---- Tokens ---- */

/* Of equals the one that came first stays in front. */
static void keep_worst(struct cril_diverger *d, struct side *s, const cril_token_score *t,
                       const cril_divergence *of)
{
    const size_t before = t->at < CRIL_DIVERGE_BEFORE ? t->at : CRIL_DIVERGE_BEFORE,
                 behind = t->n_window - t->at - 1,
                 after = behind < CRIL_DIVERGE_AFTER ? behind : CRIL_DIVERGE_AFTER;
    size_t at = s->n_worst;
    cril_diverging_token *w;

    while (at && s->worst[at - 1].kl < of->kl)
        at--;
    if (at == CRIL_DIVERGE_WORST)
        return;
    s->n_worst += s->n_worst < CRIL_DIVERGE_WORST;
    w = &s->worst[at];
    memmove(w + 1, w, (s->n_worst - 1 - at) * sizeof(*w));
    *w = (cril_diverging_token){.corpus = d->n_corpora - 1,
                                .document = t->document,
                                .position = t->position,
                                .id = t->id,
                                .kl = of->kl,
                                .nats = of->nats,
                                .nats_base = t->nats,
                                .n_before = before,
                                .n_after = after};
    memcpy(w->window, t->window + t->at - before, (before + 1 + after) * sizeof(*w->window));
}

static size_t bin_of(size_t at)
{
    size_t bin = 0;

    while (at > 1 && bin + 1 < CRIL_DIVERGE_POSITIONS) {
        at /= 2;
        bin++;
    }
    return bin;
}

/* Joins the moments of other tokens (Chan, Golub & LeVeque 1983, eq. 2.1). */
static void add_moments(struct moments *m, const struct moments *more)
{
    const double n = m->n + more->n, dx = more->x - m->x, dy = more->y - m->y, share = more->n / n,
                 w = m->n * share;

    m->xx += more->xx + dx * dx * w;
    m->yy += more->yy + dy * dy * w;
    m->xy += more->xy + dx * dy * w;
    m->x += dx * share;
    m->y += dy * share;
    m->n = n;
}

static void add_token(struct cril_diverger *d, size_t side, const cril_token_score *t)
{
    struct side *s = &d->sides[side];
    struct sums *sums = &s->documents[d->n_documents - 1];
    struct of_corpus *c = &d->corpora[d->n_corpora - 1].sides[side];
    const cril_divergence *of = &t->apart[side];
    const double dp = cril_exp(-of->nats) - cril_exp(-t->nats);
    const size_t bin = bin_of(t->at);

    s->tokens[s->n_tokens++] = (struct token_values){(float)of->kl, (float)dp};
    sums->tokens++;
    sums->kl += of->kl;
    sums->dp += dp;
    sums->dp_squares += dp * dp;
    sums->same_top += of->same_top;
    sums->nats += of->nats;
    sums->nats_base += t->nats;
    add_moments(&c->moments, &(struct moments){.n = 1, .x = t->nats, .y = of->nats});
    c->position_tokens[bin]++;
    c->position_kl[bin] += of->kl;
    keep_worst(d, s, t, of);
}

/* Room for a token more, and for a document's row where it is the first of one. */
static bool make_room(struct cril_diverger *d, const cril_token_score *t)
{
    const bool is_first = !d->has_document || d->document != t->document;

    for (size_t i = 0; i < d->n_sides; i++) {
        struct side *s = &d->sides[i];
        struct token_values *tokens =
            cril_size_grow(s->tokens, &s->tokens_size, s->n_tokens, 1, sizeof(*tokens));
        struct sums *documents =
            cril_size_grow(s->documents, &s->documents_size, d->n_documents, 1, sizeof(*documents));

        s->tokens = tokens ? tokens : s->tokens;
        s->documents = documents ? documents : s->documents;
        if (!tokens || !documents)
            return false;
        if (is_first)
            s->documents[d->n_documents] = (struct sums){0};
    }
    d->n_documents += is_first;
    d->document = t->document;
    d->has_document = true;
    return true;
}

static int on_token(void *user, const cril_token_score *t)
{
    struct cril_diverger *d = user;
    const cril_score_callbacks *c = d->callbacks;

    for (size_t i = 0; i < d->n_sides; i++)
        d->corpora[d->n_corpora - 1].sides[i].nats += t->apart ? t->apart[i].nats : t->nats;
    if (t->apart && !make_room(d, t)) {
        d->failure = CRIL_ERR_NOMEM;
        return 1;
    }
    for (size_t i = 0; t->apart && i < d->n_sides; i++)
        add_token(d, i, t);
    return c && c->on_token ? c->on_token(c->user, t) : 0;
}

static int on_document(void *user, const cril_document_score *document)
{
    const cril_score_callbacks *c = ((struct cril_diverger *)user)->callbacks;

    return c && c->on_document ? c->on_document(c->user, document) : 0;
}

static int on_progress(void *user, const cril_score_progress *progress)
{
    const cril_score_callbacks *c = ((struct cril_diverger *)user)->callbacks;

    return c && c->on_progress ? c->on_progress(c->user, progress) : 0;
}

/* ---- A corpus ---- */

static cril_status add_corpus(struct cril_diverger *d, cril_error *err)
{
    struct corpus *corpora =
        cril_size_grow(d->corpora, &d->corpora_size, d->n_corpora, 1, sizeof(*corpora));

    if (!corpora)
        return no_memory(err);
    d->corpora = corpora;
    corpora[d->n_corpora] = (struct corpus){.first_document = d->n_documents,
                                            .first_token = d->sides[0].n_tokens,
                                            .sides = calloc(d->n_sides, sizeof(struct of_corpus))};
    if (!corpora[d->n_corpora].sides)
        return no_memory(err);
    d->n_corpora++;
    d->has_document = false;
    return CRIL_OK;
}

static double layer_seconds(const struct cril_diverger *d)
{
    double sum = 0;

    for (size_t i = 0; i <= d->n_sides; i++)
        sum += cril_scorer_seconds(d->scorer, i);
    return sum;
}

cril_status cril_diverge_corpus(cril_diverger *d, cril_corpus *c, const char *path,
                                const cril_score_callbacks *callbacks, cril_result *base,
                                cril_error *err)
{
    if (CRIL_LACKS(err, d, c, path, base))
        return CRIL_ERR_RANGE;

    const cril_score_callbacks own = {
        .user = d, .on_token = on_token, .on_document = on_document, .on_progress = on_progress};
    cril_status st = add_corpus(d, err);

    if (st != CRIL_OK)
        return st;
    d->callbacks = callbacks;
    d->failure = CRIL_OK;
    st = cril_score_corpus(d->scorer, c, path, &own, base, err);
    if (d->failure != CRIL_OK)
        return no_memory(err);
    if (st != CRIL_OK)
        return st;
    d->corpora[d->n_corpora - 1].characters = base->characters;
    d->corpora[d->n_corpora - 1].base_nats = base->nats;
    d->pass_seconds += base->seconds;
    d->forward_tokens += (double)base->forward_tokens;
    return CRIL_OK;
}

/* ---- Figures ---- */

/* What figures are made of: documents and tokens of one corpus or of all. */
struct range {
    const struct cril_diverger *d;
    const struct side *side;
    size_t index; /* of the side */
    size_t corpora[2], documents[2], tokens[2];
};

static int ascending(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;

    return (x > y) - (x < y);
}

/* x [n], n > 0, is sorted. */
static void percentiles_of(float *x, size_t n, double out[CRIL_PERCENTILES])
{
    qsort(x, n, sizeof(*x), ascending);
    for (size_t i = 0; i < CRIL_PERCENTILES; i++) {
        const double at = percentiles[i].q * (double)(n - 1);
        const size_t low = (size_t)at, high = low + 1 < n ? low + 1 : low;

        out[i] = (double)x[low] + (at - (double)low) * ((double)x[high] - (double)x[low]);
    }
}

static cril_status spread(const struct range *r, cril_divergence_figures *out, cril_error *err)
{
    const size_t n = r->tokens[1] - r->tokens[0];
    const struct token_values *t = r->side->tokens + r->tokens[0];
    float *x = malloc(n * sizeof(*x));

    if (!x)
        return no_memory(err);
    for (size_t i = 0; i < n; i++)
        x[i] = t[i].kl;
    percentiles_of(x, n, out->kl);
    for (size_t i = 0; i < n; i++)
        x[i] = t[i].dp;
    percentiles_of(x, n, out->dp);
    free(x);
    return CRIL_OK;
}

/* Column `field` of documents, less `minus` where it is not 0, by tokens: the ratio's interval. */
static cril_status interval_of(const struct range *r, size_t field, size_t minus,
                               cril_interval *out, cril_error *err)
{
    const size_t n = r->documents[1] - r->documents[0];
    const struct sums *s = r->side->documents + r->documents[0];
    double *x = malloc(2 * n * sizeof(*x));
    cril_status st;

    if (!x)
        return no_memory(err);
    for (size_t i = 0; i < n; i++) {
        x[i] = *(const double *)((const char *)&s[i] + field);
        if (minus)
            x[i] -= *(const double *)((const char *)&s[i] + minus);
        x[n + i] = s[i].tokens;
    }
    *out = r->d->interval;
    st = cril_bootstrap_ratio(x, x + n, n, out, err);
    free(x);
    return st;
}

/* The interval of a rising function of a figure, where there is one. */
static void stretch(cril_interval *v, double (*f)(double))
{
    v->low = v->resamples ? f(v->low) : 0;
    v->high = v->resamples ? f(v->high) : 0;
}

static cril_status intervals(const struct range *r, cril_divergence_figures *out, cril_error *err)
{
    const struct {
        size_t field, minus;
        cril_interval *out;
    } wanted[] = {
        {offsetof(struct sums, kl), 0, &out->mean_kl_interval},
        {offsetof(struct sums, dp), 0, &out->mean_dp_interval},
        {offsetof(struct sums, dp_squares), 0, &out->rms_dp_interval},
        {offsetof(struct sums, same_top), 0, &out->same_top_interval},
        {offsetof(struct sums, nats), 0, &out->ppl_interval},
        {offsetof(struct sums, nats_base), 0, &out->ppl_base_interval},
        {offsetof(struct sums, nats), offsetof(struct sums, nats_base),
         &out->ln_ppl_ratio_interval},
    };
    cril_status st = CRIL_OK;

    for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted) && st == CRIL_OK; i++)
        st = interval_of(r, wanted[i].field, wanted[i].minus, wanted[i].out, err);
    stretch(&out->rms_dp_interval, sqrt);
    stretch(&out->ppl_interval, cril_perplexity);
    stretch(&out->ppl_base_interval, cril_perplexity);
    out->ppl_ratio_interval = out->ln_ppl_ratio_interval;
    stretch(&out->ppl_ratio_interval, cril_perplexity);
    return st;
}

static double correlation(const struct moments *m)
{
    return m->xx > 0 && m->yy > 0 ? m->xy / (sqrt(m->xx) * sqrt(m->yy)) : NAN;
}

/* What comes by corpus. */
static void join_corpora(const struct range *r, cril_divergence_figures *out)
{
    struct moments m = {0};
    double sums[CRIL_DIVERGE_POSITIONS] = {0}, nats = 0, base = 0;

    for (size_t i = r->corpora[0]; i < r->corpora[1]; i++) {
        const struct corpus *c = &r->d->corpora[i];
        const struct of_corpus *s = &c->sides[r->index];

        out->characters += c->characters;
        nats += s->nats;
        base += c->base_nats;
        if (s->moments.n > 0)
            add_moments(&m, &s->moments);
        for (size_t p = 0; p < CRIL_DIVERGE_POSITIONS; p++) {
            out->position_tokens[p] += s->position_tokens[p];
            sums[p] += s->position_kl[p];
        }
    }
    for (size_t p = 0; p < CRIL_DIVERGE_POSITIONS; p++)
        out->position_kl[p] =
            out->position_tokens[p] ? sums[p] / (double)out->position_tokens[p] : NAN;
    out->bpc = nats / CRIL_LN2 / (double)out->characters;
    out->bpc_base = base / CRIL_LN2 / (double)out->characters;
    out->correlation = correlation(&m);
}

static void join_documents(const struct range *r, cril_divergence_figures *out)
{
    struct sums all = {0};

    for (size_t i = r->documents[0]; i < r->documents[1]; i++) {
        const struct sums *s = &r->side->documents[i];

        all.kl += s->kl;
        all.dp += s->dp;
        all.dp_squares += s->dp_squares;
        all.same_top += s->same_top;
        all.nats += s->nats;
        all.nats_base += s->nats_base;
        all.tokens += s->tokens;
    }
    out->documents = r->documents[1] - r->documents[0];
    out->tokens = r->tokens[1] - r->tokens[0];
    out->mean_kl = all.kl / all.tokens;
    out->mean_dp = all.dp / all.tokens;
    out->rms_dp = sqrt(all.dp_squares / all.tokens);
    out->same_top = all.same_top / all.tokens;
    out->ln_ppl = all.nats / all.tokens;
    out->ln_ppl_base = all.nats_base / all.tokens;
    out->ln_ppl_ratio = (all.nats - all.nats_base) / all.tokens;
    out->ppl = cril_perplexity(out->ln_ppl);
    out->ppl_base = cril_perplexity(out->ln_ppl_base);
    out->ppl_ratio = cril_perplexity(out->ln_ppl_ratio);
}

static struct range range_of(const struct cril_diverger *d, size_t side, size_t corpus)
{
    const bool whole = corpus == SIZE_MAX;
    const size_t first = whole ? 0 : corpus, end = whole ? d->n_corpora : corpus + 1;

    return (struct range){
        .d = d,
        .side = &d->sides[side],
        .index = side,
        .corpora = {first, end},
        .documents = {d->corpora[first].first_document,
                      end < d->n_corpora ? d->corpora[end].first_document : d->n_documents},
        .tokens = {d->corpora[first].first_token,
                   end < d->n_corpora ? d->corpora[end].first_token : d->sides[side].n_tokens}};
}

cril_status cril_diverge_figures(const cril_diverger *d, size_t model, size_t corpus,
                                 cril_divergence_figures *out, cril_error *err)
{
    if (CRIL_LACKS(err, d, out))
        return CRIL_ERR_RANGE;

    cril_divergence_figures f = {0};
    struct range r;
    cril_status st;

    if (!model || model > d->n_sides || !d->n_corpora ||
        (corpus != SIZE_MAX && corpus >= d->n_corpora))
        return cril_fail(err, CRIL_ERR_RANGE, "there is no model %zu or corpus %zu", model, corpus);
    r = range_of(d, model - 1, corpus);
    if (r.tokens[0] == r.tokens[1])
        return cril_fail(err, CRIL_ERR_EMPTY, "no token has a context by which it is predicted");
    join_documents(&r, &f);
    join_corpora(&r, &f);
    st = spread(&r, &f, err);
    if (st == CRIL_OK)
        st = intervals(&r, &f, err);
    if (st == CRIL_OK)
        *out = f;
    return st;
}

const cril_diverging_token *cril_diverge_worst(const cril_diverger *d, size_t model, size_t *n)
{
    const struct side *s = d && n && model && model <= d->n_sides ? &d->sides[model - 1] : NULL;

    if (n)
        *n = s ? s->n_worst : 0;
    return s ? s->worst : NULL;
}

double cril_diverge_speed(const cril_diverger *d, size_t model)
{
    double heads;

    if (!d || model > d->n_sides || !(d->pass_seconds > 0))
        return NAN;
    heads = d->pass_seconds - layer_seconds(d);
    return d->forward_tokens / (cril_scorer_seconds(d->scorer, model) +
                                (heads > 0 ? heads / (double)(d->n_sides + 1) : 0));
}

/* ---- Life ---- */

static cril_status create(cril_diverger *d, cril_model *const *models, size_t n,
                          const cril_score_options *options, cril_error *err)
{
    cril_score_options o = options ? *options : (cril_score_options){0};
    cril_status st;

    o.baselines = o.details = false;
    d->interval = (cril_interval){.level = o.level > 0 ? o.level : .95,
                                  .resamples = o.resamples ? o.resamples : 1000,
                                  .seed = o.seed};
    d->n_sides = n - 1;
    if (!(d->sides = calloc(d->n_sides, sizeof(*d->sides))))
        return no_memory(err);
    d->ids = SIZE_MAX;
    for (size_t i = 0; i < n; i++)
        if (cril_model_logits(models[i]) < d->ids)
            d->ids = cril_model_logits(models[i]);
    if ((st = cril_scorer_check(models[0], &o, err)) != CRIL_OK)
        return st;
    o.memory_bytes = cril_others_memory(o.memory_bytes, o.batch_tokens, n, d->ids);
    st = cril_others_say_share(cril_scorer_create(models[0], &o, &d->scorer, err), err);
    return st == CRIL_OK ? cril_scorer_compare(d->scorer, models + 1, n - 1, err) : st;
}

cril_status cril_diverger_create(cril_model *const *models, size_t n,
                                 const cril_score_options *options, cril_diverger **out,
                                 cril_error *err)
{
    if (CRIL_LACKS(err, models, out))
        return CRIL_ERR_RANGE;
    if (n < 2)
        return cril_fail(err, CRIL_ERR_RANGE, "a comparison needs 2 models, not %zu", n);
    for (size_t i = 0; i < n; i++)
        if (CRIL_LACKS(err, models[i]))
            return CRIL_ERR_RANGE;

    cril_diverger *d = calloc(1, sizeof(*d));
    const cril_status st = d ? create(d, models, n, options, err) : no_memory(err);

    if (st == CRIL_OK)
        *out = d;
    else
        cril_diverger_free(d);
    return st;
}

void cril_diverger_free(cril_diverger *d)
{
    if (!d)
        return;
    for (size_t i = 0; i < d->n_corpora; i++)
        free(d->corpora[i].sides);
    for (size_t i = 0; d->sides && i < d->n_sides; i++) {
        free(d->sides[i].documents);
        free(d->sides[i].tokens);
    }
    free(d->corpora);
    free(d->sides);
    cril_scorer_free(d->scorer);
    free(d);
}

size_t cril_diverge_ids(const cril_diverger *d)
{
    return d ? d->ids : 0;
}

size_t cril_diverge_context(const cril_diverger *d)
{
    return d ? cril_scorer_context(d->scorer) : 0;
}
