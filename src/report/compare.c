/*
 * Two results on one corpus, document against document.
 *
 * A document's difficulty is common to both models and cancels when documents are paired, so the
 * interval of the difference is far narrower than those of the two figures. Pairing needs the same
 * documents in the same order: the corpus's hash, their number and the characters of each must
 * agree. Model, protocol and context may differ, as they are compared. The numeric contract and the
 * scoring rules may not differ, nor the tokens that one model makes of one text by one protocol.
 * Over several corpora the mean is compared: its documents are resampled within each corpus.
 */
#include <cril/report.h>

#include "stats/same.h"
#include "stats/sum.h"
#include "util/fail.h"
#include "util/size.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Of one model by one protocol the token ids are the same, unless libraries cut the text by other
 * versions of Unicode. */
static cril_status check_tokens(const cril_result *a, const cril_result *b, cril_error *err)
{
    if (strcmp(a->model_sha256, b->model_sha256) != 0 || strcmp(a->protocol, b->protocol) != 0 ||
        !a->token_ids_sha256[0] || !b->token_ids_sha256[0] ||
        strcmp(a->token_ids_sha256, b->token_ids_sha256) == 0)
        return CRIL_OK;
    return cril_fail(err, CRIL_ERR_MISMATCH,
                     "%s: one model has made other tokens of the same text: one result has token "
                     "ids of SHA-256 %.12s (Unicode %s in PCRE2, %s in utf8proc), the other %.12s "
                     "(%s, %s); score both with the same libraries",
                     a->corpus_path, a->token_ids_sha256, a->unicode.pcre2, a->unicode.utf8proc,
                     b->token_ids_sha256, b->unicode.pcre2, b->unicode.utf8proc);
}

static bool same_known(const char *a, const char *b)
{
    return !a || !b || strcmp(a, b) == 0;
}

/* A text behind a prompt is another thing than the text alone, or behind another prompt. */
static cril_status check_prompts(const cril_result *a, const cril_result *b, cril_error *err)
{
    const char *const p = a->corpus_prompt_field, *const q = b->corpus_prompt_field;

    if (!p && !q)
        return CRIL_OK;
    if (!p || !q)
        return cril_fail(err, CRIL_ERR_MISMATCH,
                         "%s: one result is of texts behind their prompts (in \"%.80s\"), the "
                         "other of texts alone; score both with the same --prompt-field",
                         a->corpus_path, p ? p : q);
    if (strcmp(p, q) != 0 || !same_known(a->corpus_field, b->corpus_field))
        return cril_fail(err, CRIL_ERR_MISMATCH,
                         "%s: one result is of \"%.80s\" behind prompts in \"%.80s\", the other "
                         "of \"%.80s\" behind those in \"%.80s\"; score both with the same "
                         "--field and --prompt-field",
                         a->corpus_path, a->corpus_field ? a->corpus_field : "", p,
                         b->corpus_field ? b->corpus_field : "", q);
    return CRIL_OK;
}

/* Pairs that both have scored: what is no token of its own depends on the tokenizer. */
static cril_status other_pairs(const cril_result *a, cril_error *err)
{
    return cril_fail(err, CRIL_ERR_MISMATCH,
                     "%s: one result lacks continuations that the other has; a continuation is a "
                     "bad line where the model has no token for it alone: remove the lines that "
                     "'cril score --strict' names, and score both again",
                     a->corpus_path);
}

/* A stopping rule chooses documents of its own for each run. */
static cril_status check_drawn(const cril_result *a, const cril_result *b, cril_error *err)
{
    bool same = a->until.n_order == b->until.n_order;

    for (size_t i = 0; same && i < a->until.n_order; i++)
        same = a->until.order[i] == b->until.order[i];
    return same ? CRIL_OK
                : cril_fail(err, CRIL_ERR_MISMATCH,
                            "%s: the documents of one result were chosen by a stopping rule, and "
                            "the other has others; score both models by one 'cril score --until'",
                            a->corpus_path);
}

static cril_status check_pair(const cril_result *a, const cril_result *b, cril_error *err)
{
    cril_status st;

    if (a->numerics != b->numerics)
        return cril_fail(
            err, CRIL_ERR_MISMATCH,
            "%s: one result has version %d of the numeric contract, the other %d; score "
            "both with the same cril",
            a->corpus_path, a->numerics, b->numerics);
    if (a->rules != b->rules)
        return cril_fail(err, CRIL_ERR_MISMATCH,
                         "%s: one result has version %d of the scoring rules, the other %d; score "
                         "both with the same cril",
                         a->corpus_path, a->rules, b->rules);
    if (strcmp(a->corpus_sha256, b->corpus_sha256) != 0)
        return cril_fail(
            err, CRIL_ERR_MISMATCH,
            "%s and %s are different corpora (SHA-256 %.12s, %.12s); score both models on "
            "the same file",
            a->corpus_path, b->corpus_path, a->corpus_sha256, b->corpus_sha256);
    if ((st = check_prompts(a, b, err)) != CRIL_OK)
        return st;
    if ((st = check_drawn(a, b, err)) != CRIL_OK)
        return st;
    if (a->corpus_prompt_field && a->documents != b->documents)
        return other_pairs(a, err);
    if (a->documents != b->documents)
        return cril_fail(err, CRIL_ERR_MISMATCH,
                         "%s: one result has %" PRIu64 " document%s, the other %" PRIu64
                         "; score both with the same --limit and --field",
                         a->corpus_path, a->documents, a->documents == 1 ? "" : "s", b->documents);
    if (!a->per_document || !b->per_document)
        return cril_fail(
            err, CRIL_ERR_MISMATCH,
            "%s: a result has no list of its documents, so they cannot be paired; score it "
            "again",
            a->corpus_path);
    for (uint64_t i = 0; i < a->documents; i++) {
        if (a->corpus_prompt_field && a->per_document[i].index != b->per_document[i].index)
            return other_pairs(a, err);
        if (a->per_document[i].index != b->per_document[i].index)
            return cril_fail(err, CRIL_ERR_MISMATCH,
                             "%s: row %" PRIu64 " is document %" PRIu64
                             " in one result and %" PRIu64
                             " in the other; score both with the same cril",
                             a->corpus_path, i, a->per_document[i].index, b->per_document[i].index);
        if (a->per_document[i].characters != b->per_document[i].characters)
            return cril_fail(err, CRIL_ERR_MISMATCH,
                             "%s: document %" PRIu64 " has %" PRIu64
                             " characters in one result and %" PRIu64
                             " in the other; score both with the same protocol and --field",
                             a->corpus_path, a->per_document[i].index,
                             a->per_document[i].characters, b->per_document[i].characters);
    }
    return check_tokens(a, b, err);
}

/* Bits with escapes: a model must not gain from text that its tokens do not spell. */
static double bits_with_escapes(const cril_document_score *d)
{
    return d->nats / CRIL_LN2 + 8 * (double)d->escape_bytes;
}

/* Larger change first, then the earlier document. */
static int by_change(const void *x, const void *y)
{
    const cril_document_difference *p = x, *q = y;
    double moved_p = fabs(p->bits_b - p->bits_a), moved_q = fabs(q->bits_b - q->bits_a);

    if (moved_p != moved_q)
        return moved_p < moved_q ? 1 : -1;
    return (p->index > q->index) - (p->index < q->index);
}

/* What a pair of results is resampled from. */
struct terms {
    double *bits_a, *bits_b, *characters; /* [n], one allocation */
    size_t n;
};

static cril_status terms_init(struct terms *t, const cril_result *a, const cril_result *b,
                              cril_error *err)
{
    size_t bytes;

    *t = (struct terms){0};
    if (a->documents > SIZE_MAX || !a->documents ||
        !cril_size_mul((size_t)a->documents, 3 * sizeof(double), &bytes))
        return cril_fail(err, CRIL_ERR_RANGE, "%s: its number of documents cannot be compared",
                         a->corpus_path);
    if (!(t->bits_a = malloc(bytes)))
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", a->corpus_path);
    t->n = (size_t)a->documents;
    t->bits_b = t->bits_a + t->n;
    t->characters = t->bits_b + t->n;
    for (size_t i = 0; i < t->n; i++) {
        t->bits_a[i] = bits_with_escapes(&a->per_document[i]);
        t->bits_b[i] = bits_with_escapes(&b->per_document[i]);
        t->characters[i] = (double)a->per_document[i].characters;
    }
    return CRIL_OK;
}

static bool all_same(const struct terms *t)
{
    for (size_t i = 0; i < t->n; i++)
        if (!cril_same(t->bits_a[i], t->bits_b[i]))
            return false;
    return true;
}

static cril_verdict judge(const cril_interval *v, bool same)
{
    if (same)
        return CRIL_VERDICT_SAME;
    if (!v->resamples)
        return CRIL_VERDICT_NONE;
    return v->high < 0 ? CRIL_VERDICT_FEWER : v->low > 0 ? CRIL_VERDICT_MORE : CRIL_VERDICT_OPEN;
}

/* Sets the interval, the verdict and n_counted of c, whose figures are there. */
static cril_status decide(const struct terms *t, size_t n, cril_comparison *c, cril_error *err)
{
    cril_pairs *pairs = calloc(n, sizeof(*pairs));
    bool same = true;
    cril_status st;

    if (!pairs)
        return cril_fail(err, CRIL_ERR_NOMEM, "out of memory for a comparison");
    c->n_counted = 0;
    for (size_t i = 0; i < n; i++) {
        pairs[i] = (cril_pairs){t[i].n, t[i].bits_b, t[i].characters, t[i].bits_a, t[i].characters};
        same = same && all_same(&t[i]);
        for (size_t k = 0; k < t[i].n; k++)
            c->n_counted += t[i].characters[k] > 0;
    }
    if (c->interval.level == 0)
        c->interval.level = 0.95;
    if (!c->interval.resamples)
        c->interval.resamples = 1000;
    st = cril_bootstrap_difference(pairs, n, &c->interval, err);
    c->verdict = judge(&c->interval, same);
    free(pairs);
    return st;
}

static cril_status list_documents(const struct terms *t, const cril_result *a, cril_comparison *c,
                                  cril_error *err)
{
    if (!(c->documents = calloc(t->n, sizeof(*c->documents))))
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", a->corpus_path);
    c->n_documents = t->n;
    for (size_t i = 0; i < t->n; i++)
        c->documents[i] = (cril_document_difference){.index = a->per_document[i].index,
                                                     .characters = a->per_document[i].characters,
                                                     .bits_a = t->bits_a[i],
                                                     .bits_b = t->bits_b[i]};
    qsort(c->documents, t->n, sizeof(*c->documents), by_change);
    return CRIL_OK;
}

cril_status cril_compare(const cril_result *a, const cril_result *b, cril_comparison *out,
                         cril_error *err)
{
    if (CRIL_LACKS(err, a, b, out))
        return CRIL_ERR_RANGE;

    cril_comparison c = {.bpc_a = cril_result_bpc_with_escapes(a),
                         .bpc_b = cril_result_bpc_with_escapes(b),
                         .interval = out->interval};
    struct terms t = {0};
    cril_status st;

    c.difference = c.bpc_b - c.bpc_a;

    if ((st = check_pair(a, b, err)) == CRIL_OK && (st = terms_init(&t, a, b, err)) == CRIL_OK &&
        (st = decide(&t, 1, &c, err)) == CRIL_OK)
        st = list_documents(&t, a, &c, err);
    free(t.bits_a);
    if (st == CRIL_OK)
        *out = c;
    return st;
}

static int by_corpus(const void *x, const void *y)
{
    const cril_result_pair *p = x, *q = y;

    return strcmp(p->a->corpus_sha256, q->a->corpus_sha256);
}

static void average_figures(const cril_result_pair *pairs, size_t n, cril_comparison *c)
{
    struct cril_sum a = {0}, b = {0};

    for (size_t i = 0; i < n; i++) {
        cril_sum_add(&a, cril_result_bpc_with_escapes(pairs[i].a));
        cril_sum_add(&b, cril_result_bpc_with_escapes(pairs[i].b));
    }
    c->bpc_a = cril_sum_value(&a) / (double)n;
    c->bpc_b = cril_sum_value(&b) / (double)n;
    c->difference = c->bpc_b - c->bpc_a;
}

/* In the order of their hashes, so that the draws are the same in whatever order corpora come. */
static cril_status compare_all(cril_result_pair *pairs, struct terms *t, size_t n,
                               cril_comparison *c, cril_error *err)
{
    cril_status st = CRIL_OK;

    qsort(pairs, n, sizeof(*pairs), by_corpus);
    for (size_t i = 0; i < n && st == CRIL_OK; i++)
        if ((st = check_pair(pairs[i].a, pairs[i].b, err)) == CRIL_OK)
            st = terms_init(&t[i], pairs[i].a, pairs[i].b, err);
    if (st != CRIL_OK)
        return st;
    average_figures(pairs, n, c);
    return decide(t, n, c, err);
}

cril_status cril_compare_average(const cril_result_pair *pairs, size_t n, cril_comparison *out,
                                 cril_error *err)
{
    if (CRIL_LACKS(err, out) || (n && CRIL_LACKS(err, pairs)))
        return CRIL_ERR_RANGE;

    cril_comparison c = {.interval = out->interval};
    cril_result_pair *sorted = calloc(n + 1, sizeof(*sorted));
    struct terms *t = calloc(n + 1, sizeof(*t));
    cril_status st;

    if (!n) {
        st = cril_fail(err, CRIL_ERR_EMPTY, "there is no corpus to compare results on");
    } else if (!sorted || !t) {
        st = cril_fail(err, CRIL_ERR_NOMEM, "out of memory for a comparison");
    } else {
        memcpy(sorted, pairs, n * sizeof(*sorted));
        st = compare_all(sorted, t, n, &c, err);
    }
    for (size_t i = 0; t && i < n; i++)
        free(t[i].bits_a);
    free(t);
    free(sorted);
    if (st == CRIL_OK)
        *out = c;
    return st;
}

void cril_comparison_free(cril_comparison *c)
{
    if (!c)
        return;
    free(c->documents);
    c->documents = NULL;
    c->n_documents = 0;
}
