/*
 * Scoring that ends where the interval is narrow enough (doc/scoring.md, "A stopping rule").
 *
 * Documents are drawn in a seeded order (Fisher & Yates), and looked at in rounds. A round reads
 * the corpus and scores those of the drawn documents that are not known yet, in the order of the
 * corpus: what a document costs does not depend on the others, so the order in which they are
 * computed, and which of them an earlier run left, changes no bit. The sums and the interval of a
 * look are those of a result that has its documents.
 */
#include <cril/score.h>

#include "corpus/corpus.h"
#include "model/model.h"
#include "score/kept_documents.h"
#include "score/protocol.h"
#include "score/scorer.h"
#include "score/token_ids.h"
#include "util/fail.h"
#include "util/hash.h"
#include "util/kept_lines.h"
#include "util/random.h"
#include "util/size.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MIN_DOCUMENTS = 100, POLL_DOCUMENTS = 4096 };

struct work {
    cril_scorer *s;
    const char *path;
    const cril_corpus_options *corpus;
    const cril_score_callbacks *callbacks; /* NULL: none */
    char corpus_sha256[65];
    cril_stopping rule; /* journal: set at the end */
    struct cril_kept_documents known;
    uint64_t n_wanted;    /* documents of the look to come, the first of rule.order */
    double n_estimated;   /* that the rule seems to need; 0: not known */
    cril_result identity; /* of model and corpus, with no documents; model_name NULL: not yet */
    double seconds, nats; /* of this call; of known documents */
    uint64_t forward_tokens, characters, n_done;
    cril_error failure; /* in a callback */
};

static cril_status no_memory(const struct work *w, cril_error *err)
{
    return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory for the order of its documents",
                     w->path);
}

/* ---- The corpus ---- */

static cril_status poll_reading(const struct work *w)
{
    const cril_score_progress p = {.fraction = -1};

    return w->callbacks && w->callbacks->on_progress &&
                   w->callbacks->on_progress(w->callbacks->user, &p)
               ? CRIL_ERR_CANCELLED
               : CRIL_OK;
}

/* Sets rule.of and the hash. */
static cril_status count_documents(struct work *w, cril_corpus_stats *stats, cril_error *err)
{
    cril_corpus_stats found;
    cril_document doc;
    cril_corpus *c;
    cril_status st = cril_corpus_open(w->path, w->corpus, &c, err);

    if (st != CRIL_OK)
        return st;
    do {
        st = cril_corpus_next(c, &doc, err);
        if (st == CRIL_OK && doc.text && doc.index % POLL_DOCUMENTS == 0 &&
            poll_reading(w) != CRIL_OK)
            st = cril_fail(err, CRIL_ERR_CANCELLED, "%s: scoring was stopped", w->path);
    } while (st == CRIL_OK && doc.text);
    cril_corpus_stats_get(c, &found);
    if (st == CRIL_OK)
        st = cril_corpus_sha256(c, w->corpus_sha256, err);
    cril_corpus_close(c);
    w->rule.of = found.documents;
    found.field = found.prompt_field = NULL;
    if (stats)
        *stats = found;
    if (st == CRIL_OK && !found.documents)
        return cril_fail(err, CRIL_ERR_EMPTY, "%s: holds no document with text%s%s", w->path,
                         found.first_bad[0] ? "; " : "", found.first_bad);
    return st;
}

static cril_status draw_order(struct work *w, cril_error *err)
{
    struct cril_random g = cril_random_seed(w->rule.seed);
    const uint64_t n = w->rule.of;
    size_t bytes;

    if (n > UINT32_MAX)
        return cril_fail(err, CRIL_ERR_RANGE,
                         "%s: %" PRIu64 " documents are too many to be drawn from; give a limit",
                         w->path, n);
    if (!cril_size_mul((size_t)n, sizeof(*w->rule.order), &bytes) ||
        !(w->rule.order = malloc(bytes)))
        return no_memory(w, err);
    for (uint64_t i = 0; i < n; i++)
        w->rule.order[i] = i;
    for (uint64_t i = 0; i < n; i++) {
        const uint64_t k = i + cril_random_below(&g, (uint32_t)(n - i)), drawn = w->rule.order[k];

        w->rule.order[k] = w->rule.order[i];
        w->rule.order[i] = drawn;
    }
    w->rule.n_order = (size_t)n;
    return CRIL_OK;
}

/* Those of another model. */
static cril_status take_order(struct work *w, const cril_result *first, cril_error *err)
{
    const size_t n = first->until.n_order;

    if (!first->until.share || !n)
        return cril_fail(err, CRIL_ERR_MISMATCH,
                         "%s: the other result has no rule that chose its documents", w->path);
    w->rule = first->until;
    w->rule.journal = NULL;
    w->rule.order = malloc(n * sizeof(*w->rule.order));
    if (!w->rule.order)
        return no_memory(w, err);
    memcpy(w->rule.order, first->until.order, n * sizeof(*w->rule.order));
    memcpy(w->corpus_sha256, first->corpus_sha256, sizeof(w->corpus_sha256));
    return CRIL_OK;
}

/* ---- Scoring what is not known ---- */

static void count_known(struct work *w, const cril_document_score *d)
{
    w->nats += d->nats;
    w->characters += d->characters;
    w->n_done++;
}

static int on_token(void *user, const cril_token_score *t)
{
    const struct work *w = user;

    return w->callbacks->on_token(w->callbacks->user, t);
}

static int on_document(void *user, const cril_document_score *d)
{
    struct work *w = user;

    if (cril_kept_documents_add(&w->known, d, &w->failure) != CRIL_OK)
        return 1;
    count_known(w, d);
    return w->callbacks && w->callbacks->on_document
               ? w->callbacks->on_document(w->callbacks->user, d)
               : 0;
}

static int on_progress(void *user, const cril_score_progress *p)
{
    const struct work *w = user;
    const double share = w->n_estimated > 0 ? (double)w->n_done / w->n_estimated : -1;
    const cril_score_progress q = {.fraction = share < 1 ? share : 1,
                                   .scored_tokens = p->scored_tokens,
                                   .forward_tokens = w->forward_tokens + p->forward_tokens,
                                   .seconds = w->seconds + p->seconds,
                                   .bpc = w->characters ? w->nats / CRIL_LN2 / (double)w->characters
                                                        : 0};

    return w->callbacks->on_progress(w->callbacks->user, &q);
}

static int by_value(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

/* Those of the first n_wanted of the order that are not known, sorted: [*n], owned. NULL: out of
 * memory. */
static uint64_t *list_missing(const struct work *w, size_t *n)
{
    uint64_t *list = malloc(((size_t)w->n_wanted + 1) * sizeof(*list));

    *n = 0;
    for (uint64_t i = 0; list && i < w->n_wanted; i++)
        if (!cril_kept_documents_find(&w->known, w->rule.order[i]))
            list[(*n)++] = w->rule.order[i];
    if (list)
        qsort(list, *n, sizeof(*list), by_value);
    return list;
}

/* Keeps of a round's result what it says of model and corpus. */
static cril_status take_identity(struct work *w, cril_result *round, cril_error *err)
{
    w->seconds += round->seconds;
    w->forward_tokens += round->forward_tokens;
    if (strcmp(round->corpus_sha256, w->corpus_sha256) != 0) {
        cril_result_free(round);
        return cril_fail(err, CRIL_ERR_MISMATCH,
                         "%s: was changed while it was scored; run the command again", w->path);
    }
    cril_result_free(&w->identity);
    free(round->per_document);
    round->per_document = NULL;
    round->documents = 0;
    w->identity = *round;
    return CRIL_OK;
}

static cril_status score_selection(struct work *w, const uint64_t *indices, size_t n,
                                   cril_error *err)
{
    const cril_score_callbacks *const theirs = w->callbacks;
    const cril_score_callbacks callbacks = {
        .user = w,
        .on_token = theirs && theirs->on_token ? on_token : NULL,
        .on_document = on_document,
        .on_progress = theirs && theirs->on_progress ? on_progress : NULL};
    cril_result round;
    cril_corpus *c;
    cril_status st = cril_corpus_open(w->path, w->corpus, &c, err);

    if (st != CRIL_OK)
        return st;
    cril_corpus_select(c, indices, n);
    st = cril_score_corpus(w->s, c, w->path, &callbacks, &round, err);
    cril_corpus_close(c);
    if (st == CRIL_ERR_CANCELLED && w->failure.status != CRIL_OK)
        return cril_fail(err, w->failure.status, "%s", w->failure.message);
    if (st != CRIL_OK)
        return st;
    cril_kept_documents_sort(&w->known);
    return take_identity(w, &round, err);
}

/* identify: even where nothing is missing. */
static cril_status score_missing(struct work *w, bool identify, cril_error *err)
{
    size_t n;
    uint64_t *missing = list_missing(w, &n);
    const cril_status st = !missing        ? no_memory(w, err)
                           : n || identify ? score_selection(w, missing, n, err)
                                           : CRIL_OK;

    free(missing);
    return st;
}

/* ---- Looks ---- */

static int by_index(const void *a, const void *b)
{
    const cril_document_score *x = a, *y = b;

    return (x->index > y->index) - (x->index < y->index);
}

/* Sums and interval of the first n_wanted of the order; a continuation without a token of its own
 * has no row. Errors of cril_result_sum. */
static cril_status sum_up(struct work *w, cril_result *r, cril_error *err)
{
    free(r->per_document);
    r->documents = 0;
    r->per_document = malloc((size_t)w->n_wanted * sizeof(*r->per_document));
    if (!r->per_document)
        return no_memory(w, err);
    for (uint64_t i = 0; i < w->n_wanted; i++) {
        const cril_document_score *d = cril_kept_documents_find(&w->known, w->rule.order[i]);

        if (d)
            r->per_document[r->documents++] = *d;
    }
    qsort(r->per_document, (size_t)r->documents, sizeof(*r->per_document), by_index);
    r->interval = cril_scorer_interval(w->s);
    return cril_result_sum(r, err);
}

/* Whether the rule is met; sets what it seems to need. */
static bool is_enough(struct work *w, const cril_result *look)
{
    const double half = (look->interval.high - look->interval.low) / 2,
                 wanted = w->rule.share * cril_result_bpc(look), ratio = half / wanted;

    if (!look->interval.resamples || !(wanted > 0))
        return false;
    w->n_estimated = (double)w->n_wanted * ratio * ratio;
    if (w->n_estimated > (double)w->rule.of)
        w->n_estimated = (double)w->rule.of;
    return half < wanted;
}

/* Rounds until the rule is met, or all documents are scored: n_wanted and rule.reached are set. */
static cril_status draw_until(struct work *w, cril_error *err)
{
    cril_result look = {0};
    cril_status st;

    w->n_wanted = w->rule.min_documents;
    for (;;) {
        if (w->n_wanted > w->rule.of)
            w->n_wanted = w->rule.of;
        if ((st = score_missing(w, false, err)) != CRIL_OK ||
            (st = sum_up(w, &look, err)) != CRIL_OK)
            break;
        w->rule.reached = is_enough(w, &look);
        if (w->rule.reached || w->n_wanted == w->rule.of)
            break;
        w->n_wanted += w->n_wanted / 4 ? w->n_wanted / 4 : 1;
    }
    cril_result_free(&look);
    return st;
}

/* ---- The result ---- */

static cril_status hash_ids(cril_result *r, cril_error *err)
{
    struct cril_sha256 *h;
    cril_status st = cril_sha256_create(&h, err);

    if (st == CRIL_OK)
        st = cril_token_ids_sum(h, r, err);
    cril_sha256_free(h);
    return st;
}

static cril_status finish(struct work *w, cril_result *r, cril_error *err)
{
    const char *path = w->known.lines ? cril_kept_lines_path(w->known.lines) : NULL;
    cril_status st = w->identity.model_name ? CRIL_OK : score_missing(w, true, err);

    if (st != CRIL_OK)
        return st;
    *r = w->identity;
    w->identity = (cril_result){0};
    if ((st = sum_up(w, r, err)) != CRIL_OK || (st = hash_ids(r, err)) != CRIL_OK)
        return st;
    if (!r->scored_tokens)
        return cril_fail(err, CRIL_ERR_EMPTY,
                         "%s: none of the documents that were drawn has a token that the protocol "
                         "%s scores; choose another protocol",
                         w->path, r->protocol);
    r->seconds = w->seconds;
    r->forward_tokens = 0;
    for (uint64_t i = 0; i < r->documents; i++)
        r->forward_tokens += r->per_document[i].forward_tokens;
    if (path && !(w->rule.journal = strdup(path)))
        return no_memory(w, err);
    r->until = w->rule;
    r->until.n_order = (size_t)w->n_wanted;
    w->rule.order = NULL;
    w->rule.journal = NULL;
    return CRIL_OK;
}

/* ---- Before it ---- */

static cril_status check_rule(const struct work *w, cril_error *err)
{
    const struct cril_protocol *p = cril_scorer_protocol(w->s);

    if (!(w->rule.share > 0 && w->rule.share < 1))
        return cril_fail(err, CRIL_ERR_RANGE, "a share of %g is not between 0 and 1",
                         w->rule.share);
    if (w->rule.min_documents < 2)
        return cril_fail(err, CRIL_ERR_RANGE, "%" PRIu64 " documents have no interval; 2 do",
                         w->rule.min_documents);
    if (!p->per_document)
        return cril_fail(err, CRIL_ERR_RANGE,
                         "%s: the protocol %s joins documents, so none can be scored alone; use "
                         "the protocol document",
                         w->path, p->name);
    if (cril_scorer_has_baselines(w->s))
        return cril_fail(err, CRIL_ERR_RANGE,
                         "%s: baselines compress the whole corpus, and a stopping rule scores a "
                         "part of it",
                         w->path);
    return CRIL_OK;
}

/* Without a place for the file the run goes on. */
static cril_status open_known(struct work *w, const cril_until *rule, cril_error *err)
{
    cril_error why;
    const cril_status st = cril_kept_documents_open(&w->known, w->s, w->path, w->corpus_sha256,
                                                    w->corpus, rule->fresh, &why);

    if (st == CRIL_ERR_IO) {
        if (rule->on_note)
            rule->on_note(rule->user, why.message);
        return CRIL_OK;
    }
    if (st != CRIL_OK)
        return cril_fail(err, st, "%s", why.message);
    for (size_t i = 0; i < w->known.n; i++)
        count_known(w, &w->known.rows[i]);
    return CRIL_OK;
}

cril_status cril_score_until(cril_scorer *s, const char *corpus_path,
                             const cril_corpus_options *corpus, const cril_until *rule,
                             const cril_result *first, const cril_score_callbacks *callbacks,
                             cril_result *out, cril_corpus_stats *stats, cril_error *err)
{
    if (CRIL_LACKS(err, s, corpus_path, rule, out))
        return CRIL_ERR_RANGE;

    struct work w = {
        .s = s,
        .path = corpus_path,
        .corpus = corpus,
        .callbacks = callbacks,
        .rule = {.share = rule->share,
                 .min_documents = rule->min_documents ? rule->min_documents : MIN_DOCUMENTS,
                 .seed = rule->seed}};
    cril_result result = {0};
    cril_status st = first ? take_order(&w, first, err) : CRIL_OK;

    if (st == CRIL_OK)
        st = check_rule(&w, err);
    if (st == CRIL_OK && !first && (st = count_documents(&w, stats, err)) == CRIL_OK)
        st = draw_order(&w, err);
    if (st == CRIL_OK)
        st = open_known(&w, rule, err);
    if (st == CRIL_OK && first) {
        w.n_wanted = w.rule.n_order;
        w.n_estimated = (double)w.n_wanted;
        st = score_missing(&w, true, err);
    } else if (st == CRIL_OK) {
        st = draw_until(&w, err);
    }
    if (st == CRIL_OK)
        st = finish(&w, &result, err);
    cril_kept_documents_free(&w.known);
    cril_result_free(&w.identity);
    free(w.rule.order);
    free(w.rule.journal);
    if (st == CRIL_OK)
        *out = result;
    else
        cril_result_free(&result);
    return st;
}

void cril_until_done(const cril_result *r)
{
    if (r && r->until.journal)
        unlink(r->until.journal);
}
