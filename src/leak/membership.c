/*
 * Membership scores of corpora (cril/membership.h; doc/leak.md, "Membership scores").
 *
 * The first pass over a corpus hands out each token's nats with mean and deviation of ln p; when a
 * document is complete, its scores are made, and its tokens are dropped. Passes over the text in
 * lower case and of the reference model add one sum a document. Of the texts stay the beginnings,
 * where the blind classifier will want them.
 */
#include <cril/membership.h>

#include "leak/blind.h"
#include "leak/min_k.h"
#include "util/fail.h"
#include "util/size.h"
#include "util/utf8.h"

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>
#include <zlib.h>

_Static_assert((int)CRIL_MEMBERSHIP_MIN_TOKENS == CRIL_MIN_K_TOKENS, "one bound");
_Static_assert(CRIL_MEMBERSHIP_MIN_K_PLUS_PLUS == CRIL_MEMBERSHIP_MIN_K + CRIL_MIN_K_N &&
                   CRIL_MEMBERSHIP_LOSS == CRIL_MEMBERSHIP_MIN_K_PLUS_PLUS + CRIL_MIN_K_PLUS_PLUS_N,
               "a score for each share");

/* What is known of a document's text when its tokens arrive. */
struct text {
    uint64_t zlib_bytes;
    struct cril_bytes beginning; /* owned; data NULL: not wanted */
};

struct corpus {
    bool is_control;
    cril_membership_document *documents; /* [n] */
    struct text *texts;                  /* [n] */
    size_t n, documents_size, texts_size, too_short;
    cril_result result;
};

struct cril_membership {
    cril_model *model;
    cril_membership_options options;
    struct corpus *corpora; /* [n] */
    size_t n, capacity;
};

struct values {
    double *data; /* [n] */
    size_t n, capacity;
};

enum kind { OF_MODEL, OF_LOWER_CASE, OF_REFERENCE };

/* A pass at work. */
struct pass {
    enum kind kind;
    cril_membership *s;
    struct corpus *c;
    const char *path;
    const cril_corpus_options *options;
    const cril_corpus_source *given; /* the corpus, instead of a path; NULL: there is one */
    const cril_score_callbacks *callbacks;
    double done, n_passes; /* passes before this one, and all */
    /* of the document at hand: */
    size_t n;                /* predicted tokens */
    double nats;             /* their sum */
    struct values log_p, z;  /* [n] of the model's pass */
    bool z_defined;          /* no deviation is 0 */
    cril_corpus *source;     /* the texts that are to become lower case */
    struct cril_bytes lower; /* owned */
    size_t lower_capacity;
    cril_error failure; /* why a callback stopped the pass; status CRIL_OK: it did not */
};

const char *cril_membership_score_name(size_t score, unsigned *k)
{
    static const char *const alone[] = {"loss", "zlib", "lower_case", "reference"};
    const bool plus = score >= CRIL_MEMBERSHIP_MIN_K_PLUS_PLUS;

    if (score >= CRIL_MEMBERSHIP_SCORES)
        return NULL;
    if (k)
        *k = score >= CRIL_MEMBERSHIP_LOSS ? 0
             : plus ? cril_min_k_plus_plus_shares[score - CRIL_MEMBERSHIP_MIN_K_PLUS_PLUS]
                    : cril_min_k_shares[score];
    return score >= CRIL_MEMBERSHIP_LOSS ? alone[score - CRIL_MEMBERSHIP_LOSS]
           : plus                        ? "min_k_plus_plus"
                                         : "min_k";
}

static cril_status no_memory(const char *path, cril_error *err)
{
    return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory for membership scores", path);
}

/* ---- Texts ---- */

/* Bytes that zlib makes of a text at level 6; 0: out of memory. */
static uint64_t zlib_bytes(const char *text, size_t len)
{
    z_stream z = {0};
    uint8_t out[1 << 14];
    uint64_t n = 0;
    int st;

    if (deflateInit(&z, 6) != Z_OK)
        return 0;
    z.next_in = (Bytef *)(uintptr_t)text;
    do { /* zlib takes a uInt */
        const uInt step = len > UINT_MAX ? UINT_MAX : (uInt)len;

        z.avail_in = step;
        len -= step;
        do {
            z.next_out = out;
            z.avail_out = sizeof(out);
            st = deflate(&z, len ? Z_NO_FLUSH : Z_FINISH);
            n += sizeof(out) - z.avail_out;
        } while (z.avail_out == 0);
    } while (len);
    deflateEnd(&z);
    return st == Z_STREAM_END ? n : 0;
}

/* "2026-06-01", perhaps with a time behind it, or "2026-06". */
static bool read_date(const char *text, size_t len, char out[11])
{
    const size_t kept = len == 7 ? 7 : 10;

    if (len < kept || (len > 10 && text[10] != 'T' && text[10] != ' '))
        return false;
    for (size_t i = 0; i < kept; i++)
        if (i == 4 || i == 7 ? text[i] != '-' : text[i] < '0' || text[i] > '9')
            return false;
    const int month = (text[5] - '0') * 10 + text[6] - '0',
              day = kept == 7 ? 1 : (text[8] - '0') * 10 + text[9] - '0';

    if (month < 1 || month > 12 || day < 1 || day > 31)
        return false;
    memcpy(out, text, kept);
    out[kept] = '\0';
    return true;
}

/* Bytes of a text's first CRIL_BLIND_CHARACTERS characters. */
static size_t beginning_of(const char *text, size_t len)
{
    size_t at = 0;
    uint32_t code;

    for (size_t i = 0; i < CRIL_BLIND_CHARACTERS && at < len; i++)
        at += cril_utf8_read(text + at, len - at, &code);
    return at;
}

static bool grow(struct corpus *c)
{
    cril_membership_document *documents =
        cril_size_grow(c->documents, &c->documents_size, c->n, 1, sizeof(*documents));
    struct text *texts;

    if (!documents)
        return false;
    c->documents = documents;
    if (!(texts = cril_size_grow(c->texts, &c->texts_size, c->n, 1, sizeof(*texts))))
        return false;
    c->texts = texts;
    c->documents[c->n] = (cril_membership_document){0};
    c->texts[c->n] = (struct text){0};
    return true;
}

static int on_text(void *user, const cril_document *doc)
{
    struct pass *p = user;
    struct text *t;
    size_t len;

    if (!grow(p->c)) {
        no_memory(p->path, &p->failure);
        return 1;
    }
    if (doc->date)
        read_date(doc->date, doc->date_bytes, p->c->documents[p->c->n].date);
    t = &p->c->texts[p->c->n++];
    t->zlib_bytes = zlib_bytes(doc->text, doc->len_bytes);
    len = beginning_of(doc->text, doc->len_bytes);
    if (p->s->options.controls && (t->beginning.data = malloc(len))) {
        memcpy((char *)(uintptr_t)t->beginning.data, doc->text, len);
        t->beginning.len = len;
    }
    if (t->zlib_bytes && (t->beginning.data || !p->s->options.controls))
        return 0;
    no_memory(p->path, &p->failure);
    return 1;
}

/* ---- Scores ---- */

static bool push(struct values *v, double value)
{
    double *data = cril_size_grow(v->data, &v->capacity, v->n, 1, sizeof(*data));

    if (!data)
        return false;
    v->data = data;
    data[v->n++] = value;
    return true;
}

static int on_token(void *user, const cril_token_score *t)
{
    struct pass *p = user;
    const cril_token_details *d = t->details;

    if (!t->at) /* no pass predicts it */
        return 0;
    p->n++;
    p->nats += t->nats;
    if (p->kind != OF_MODEL)
        return 0;
    p->z_defined = p->z_defined && d->deviation > 0;
    if (push(&p->log_p, -t->nats) &&
        push(&p->z, p->z_defined ? (d->entropy - t->nats) / d->deviation : 0))
        return 0;
    no_memory(p->path, &p->failure);
    return 1;
}

static void set_scores(struct pass *p, cril_membership_document *d, const struct text *t)
{
    const double loss = -p->nats / (double)p->n;

    d->scores[CRIL_MEMBERSHIP_LOSS] = loss;
    d->scores[CRIL_MEMBERSHIP_ZLIB] = loss / (double)t->zlib_bytes;
    d->has[CRIL_MEMBERSHIP_LOSS] = d->has[CRIL_MEMBERSHIP_ZLIB] = true;
    cril_min_k(p->log_p.data, p->n, cril_min_k_shares, CRIL_MIN_K_N,
               d->scores + CRIL_MEMBERSHIP_MIN_K);
    for (size_t i = 0; i < CRIL_MIN_K_N; i++)
        d->has[CRIL_MEMBERSHIP_MIN_K + i] = true;
    if (!p->z_defined)
        return;
    cril_min_k(p->z.data, p->n, cril_min_k_plus_plus_shares, CRIL_MIN_K_PLUS_PLUS_N,
               d->scores + CRIL_MEMBERSHIP_MIN_K_PLUS_PLUS);
    for (size_t i = 0; i < CRIL_MIN_K_PLUS_PLUS_N; i++)
        d->has[CRIL_MEMBERSHIP_MIN_K_PLUS_PLUS + i] = true;
}

static void finish_of_model(struct pass *p, const cril_document_score *x)
{
    cril_membership_document *d = &p->c->documents[x->index];

    d->index = x->index;
    d->line = x->line;
    d->tokens = p->n;
    d->nats = x->nats;
    d->characters = x->characters;
    d->too_short = p->n < CRIL_MEMBERSHIP_MIN_TOKENS;
    p->c->too_short += d->too_short;
    if (!d->too_short)
        set_scores(p, d, &p->c->texts[x->index]);
}

/* Beside the scores of the model's pass. */
static void finish_beside(const struct pass *p, cril_membership_document *d)
{
    const double loss = d->scores[CRIL_MEMBERSHIP_LOSS];

    if (d->too_short || !p->n)
        return;
    if (p->kind == OF_LOWER_CASE && loss < 0) {
        d->scores[CRIL_MEMBERSHIP_LOWER_CASE] = p->nats / (double)p->n / -loss;
        d->has[CRIL_MEMBERSHIP_LOWER_CASE] = true;
    }
    if (p->kind == OF_REFERENCE) {
        d->scores[CRIL_MEMBERSHIP_REFERENCE] = loss + p->nats / (double)d->tokens;
        d->has[CRIL_MEMBERSHIP_REFERENCE] = true;
    }
}

static void start_document(struct pass *p)
{
    p->n = p->log_p.n = p->z.n = 0;
    p->nats = 0;
    p->z_defined = true;
}

static cril_status changed(const char *path, cril_error *err)
{
    return cril_fail(err, CRIL_ERR_MISMATCH,
                     "%s: was changed while it was scored; run the command again", path);
}

static int on_document(void *user, const cril_document_score *x)
{
    struct pass *p = user;

    if (x->index >= p->c->n) {
        changed(p->path, &p->failure);
        return 1;
    }
    if (p->kind == OF_MODEL)
        finish_of_model(p, x);
    else
        finish_beside(p, &p->c->documents[x->index]);
    start_document(p);
    return 0;
}

static int on_progress(void *user, const cril_score_progress *progress)
{
    const struct pass *p = user;
    cril_score_progress all = *progress;

    if (!p->callbacks || !p->callbacks->on_progress)
        return 0;
    if (all.fraction >= 0)
        all.fraction = (p->done + all.fraction) / p->n_passes;
    return p->callbacks->on_progress(p->callbacks->user, &all);
}

/* ---- Lower case ---- */

/* Each character by itself, as Unicode's simple mapping has it; what is not UTF-8 stays. */
static bool make_lower(struct pass *p, const char *text, size_t len)
{
    char *out = (char *)(uintptr_t)p->lower.data;
    size_t wanted, n = 0;

    /* the longest that a character of 1 to 4 bytes becomes is twice as long */
    if (!cril_size_mul(len, 2, &wanted) ||
        !(out = cril_size_grow(out, &p->lower_capacity, 0, wanted, 1)))
        return false;
    for (size_t at = 0, step; at < len; at += step) {
        uint32_t code;

        step = cril_utf8_read(text + at, len - at, &code);
        if (code != CRIL_UTF8_ILL) {
            n += (size_t)utf8proc_encode_char(utf8proc_tolower((utf8proc_int32_t)code),
                                              (utf8proc_uint8_t *)out + n);
            continue;
        }
        memcpy(out + n, text + at, step);
        n += step;
    }
    p->lower = (struct cril_bytes){out, n};
    return true;
}

static int next_lower(void *user, cril_document *doc)
{
    struct pass *p = user;
    cril_document own;

    if (cril_corpus_next(p->source, &own, &p->failure) != CRIL_OK)
        return 1;
    if (!own.text)
        return 0;
    if (!make_lower(p, own.text, own.len_bytes)) {
        no_memory(p->path, &p->failure);
        return 1;
    }
    doc->text = p->lower.data;
    doc->len_bytes = p->lower.len;
    return 0;
}

/* ---- Passes ---- */

static cril_status score(struct pass *p, cril_corpus *c, cril_result *out, cril_error *err)
{
    const bool own = p->kind != OF_REFERENCE;
    const cril_score_callbacks callbacks = {.user = p,
                                            .on_token = on_token,
                                            .on_document = on_document,
                                            .on_progress = on_progress,
                                            .on_text = p->kind == OF_MODEL ? on_text : NULL};
    cril_score_options o = p->s->options.score;
    cril_scorer *s;
    cril_status st;

    o.baselines = false;
    o.details = p->kind == OF_MODEL;
    st = cril_scorer_create(own ? p->s->model : p->s->options.reference, &o, &s, err);
    if (st != CRIL_OK)
        return st;
    start_document(p);
    st = cril_score_corpus(s, c, p->path, &callbacks, out, err);
    cril_scorer_free(s);
    return p->failure.status == CRIL_OK
               ? st
               : cril_fail(err, p->failure.status, "%s", p->failure.message);
}

/* The text in lower case; *out is as of the corpus. */
static cril_status score_lower(struct pass *p, cril_result *out, cril_error *err)
{
    const cril_corpus_source source = {
        .user = p, .next = next_lower, .name = p->path, .total_bytes = p->c->result.bytes};
    cril_corpus *c;
    cril_status st = cril_corpus_create(&source, &c, err);

    if (st != CRIL_OK)
        return st;
    st = score(p, c, out, err);
    cril_corpus_close(c);
    return st == CRIL_OK ? cril_corpus_sha256(p->source, out->corpus_sha256, err) : st;
}

/* Of the model the result is kept; of the others it says that the corpus was the same. */
static cril_status run_pass(struct pass *p, cril_corpus_stats *stats, cril_error *err)
{
    cril_result result = {0};
    cril_status st = p->given ? cril_corpus_create(p->given, &p->source, err)
                              : cril_corpus_open(p->path, p->options, &p->source, err);

    if (st != CRIL_OK)
        return st;
    st =
        p->kind == OF_LOWER_CASE ? score_lower(p, &result, err) : score(p, p->source, &result, err);
    if (p->kind == OF_MODEL && stats) {
        cril_corpus_stats_get(p->source, stats);
        stats->field = stats->prompt_field = NULL;
    }
    cril_corpus_close(p->source);
    if (st == CRIL_OK && p->kind == OF_MODEL) {
        p->c->result = result;
        return CRIL_OK;
    }
    if (st == CRIL_OK && strcmp(result.corpus_sha256, p->c->result.corpus_sha256) != 0)
        st = changed(p->path, err);
    cril_result_free(&result);
    return st;
}

static cril_status run_passes(struct pass *p, cril_corpus_stats *stats, cril_error *err)
{
    const cril_membership_options *o = &p->s->options;
    const bool wanted[] = {
        [OF_MODEL] = true, [OF_LOWER_CASE] = o->lower_case, [OF_REFERENCE] = o->reference != NULL};
    cril_status st = CRIL_OK;

    for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++)
        p->n_passes += wanted[i];
    for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted) && st == CRIL_OK; i++)
        if (wanted[i]) {
            p->kind = (enum kind)i;
            st = run_pass(p, stats, err);
            p->done++;
        }
    free(p->log_p.data);
    free(p->z.data);
    free((char *)(uintptr_t)p->lower.data);
    return st;
}

/* ---- Corpora ---- */

static void free_corpus(struct corpus *c)
{
    for (size_t i = 0; i < c->n; i++)
        free((char *)(uintptr_t)c->texts[i].beginning.data);
    free(c->documents);
    free(c->texts);
    cril_result_free(&c->result);
}

cril_status cril_membership_create(cril_model *m, const cril_membership_options *options,
                                   cril_membership **out, cril_error *err)
{
    if (CRIL_LACKS(err, m, out))
        return CRIL_ERR_RANGE;
    if (options && options->score.protocol && strcmp(options->score.protocol, "document") != 0)
        return cril_fail(err, CRIL_ERR_RANGE,
                         "membership scores are of the protocol document, not of %s",
                         options->score.protocol);

    cril_membership *s = calloc(1, sizeof(*s));

    if (!s)
        return cril_fail(err, CRIL_ERR_NOMEM, "out of memory for membership scores");
    s->model = m;
    if (options)
        s->options = *options;
    s->options.score.protocol = NULL;
    *out = s;
    return CRIL_OK;
}

void cril_membership_free(cril_membership *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->n; i++)
        free_corpus(&s->corpora[i]);
    free(s->corpora);
    free(s);
}

static cril_status add(cril_membership *s, struct pass *p, bool is_control,
                       cril_corpus_stats *stats, cril_error *err)
{
    struct corpus *corpora = cril_size_grow(s->corpora, &s->capacity, s->n, 1, sizeof(*corpora));
    cril_status st;

    if (!corpora)
        return no_memory(p->path, err);
    s->corpora = corpora;
    if (is_control && !s->options.controls)
        return cril_fail(err, CRIL_ERR_RANGE, "%s: controls were not asked for", p->path);
    p->s = s;
    p->c = &corpora[s->n];
    *p->c = (struct corpus){.is_control = is_control};
    st = run_passes(p, stats, err);
    if (st == CRIL_OK)
        s->n++;
    else
        free_corpus(p->c);
    return st;
}

cril_status cril_membership_add(cril_membership *s, const char *path,
                                const cril_corpus_options *corpus, bool is_control,
                                const cril_score_callbacks *callbacks, cril_corpus_stats *stats,
                                cril_error *err)
{
    if (CRIL_LACKS(err, s, path))
        return CRIL_ERR_RANGE;

    struct pass p = {.path = path, .options = corpus, .callbacks = callbacks};

    if (corpus && corpus->prompt_field)
        return cril_fail(err, CRIL_ERR_RANGE, "%s: membership scores are of texts without prompts",
                         path);
    return add(s, &p, is_control, stats, err);
}

cril_status cril_membership_add_texts(cril_membership *s, const cril_corpus_source *texts,
                                      bool is_control, const cril_score_callbacks *callbacks,
                                      cril_error *err)
{
    if (CRIL_LACKS(err, s, texts))
        return CRIL_ERR_RANGE;

    struct pass p = {
        .path = texts->name ? texts->name : "memory", .given = texts, .callbacks = callbacks};

    if (texts->prompts || s->options.lower_case || s->options.reference)
        return cril_fail(err, CRIL_ERR_RANGE,
                         "%s: texts that a program hands out are read once, and without prompts: "
                         "there is neither a pass in lower case nor one of a reference",
                         p.path);
    return add(s, &p, is_control, NULL, err);
}

bool cril_membership_corpus_at(const cril_membership *s, size_t i, cril_membership_corpus *out)
{
    if (!s || !out || i >= s->n)
        return false;
    const struct corpus *c = &s->corpora[i];

    *out = (cril_membership_corpus){.is_control = c->is_control,
                                    .documents = c->documents,
                                    .n = c->n,
                                    .too_short = c->too_short,
                                    .result = &c->result};
    return true;
}

/* ---- Set and control ---- */

enum { SET, CONTROL, N_KINDS };

/* Documents of each kind that have a score. */
struct drawn {
    size_t n[N_KINDS];
    double *values[N_KINDS];           /* [n] */
    struct cril_bytes *texts[N_KINDS]; /* [n] borrowed beginnings */
};

static void free_drawn(struct drawn *x)
{
    for (int k = 0; k < N_KINDS; k++) {
        free(x->values[k]);
        free(x->texts[k]);
    }
}

static cril_status draw(const cril_membership *s, size_t score, struct drawn *x, cril_error *err)
{
    size_t all[N_KINDS] = {0};

    for (size_t i = 0; i < s->n; i++)
        all[s->corpora[i].is_control ? CONTROL : SET] += s->corpora[i].n;
    for (int k = 0; k < N_KINDS; k++) {
        x->values[k] = calloc(all[k] + 1, sizeof(*x->values[k]));
        x->texts[k] = calloc(all[k] + 1, sizeof(*x->texts[k]));
        if (!x->values[k] || !x->texts[k])
            return cril_fail(err, CRIL_ERR_NOMEM, "out of memory for membership scores");
    }
    for (size_t i = 0; i < s->n; i++) {
        const struct corpus *c = &s->corpora[i];
        const int k = c->is_control ? CONTROL : SET;

        for (size_t d = 0; d < c->n; d++)
            if (c->documents[d].has[score]) {
                x->values[k][x->n[k]] = c->documents[d].scores[score];
                x->texts[k][x->n[k]++] = c->texts[d].beginning;
            }
    }
    return CRIL_OK;
}

static double mean(const double *values, size_t n)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += values[i];
    return sum / (double)n;
}

static cril_status separate(const struct drawn *x, const cril_interval *wanted,
                            cril_membership_separation *out, cril_error *err)
{
    cril_membership_separation found = {.n_set = x->n[SET], .n_control = x->n[CONTROL]};
    cril_status st = CRIL_OK;

    if (found.n_set && found.n_control) {
        found.set = mean(x->values[SET], found.n_set);
        found.control = mean(x->values[CONTROL], found.n_control);
        st = cril_separate(x->values[SET], found.n_set, x->values[CONTROL], found.n_control, wanted,
                           &found.separation, err);
    }
    if (st == CRIL_OK)
        *out = found;
    return st;
}

cril_status cril_membership_separate(const cril_membership *s, size_t score,
                                     const cril_interval *wanted, cril_membership_separation *out,
                                     cril_error *err)
{
    if (CRIL_LACKS(err, s, wanted, out))
        return CRIL_ERR_RANGE;
    if (score >= CRIL_MEMBERSHIP_SCORES)
        return cril_fail(err, CRIL_ERR_RANGE, "there are %d membership scores, and no number %zu",
                         CRIL_MEMBERSHIP_SCORES, score);

    struct drawn x = {0};
    cril_status st = draw(s, score, &x, err);

    if (st == CRIL_OK)
        st = separate(&x, wanted, out, err);
    free_drawn(&x);
    return st;
}

cril_status cril_membership_blind(const cril_membership *s, const cril_interval *wanted,
                                  cril_membership_separation *out, cril_error *err)
{
    if (CRIL_LACKS(err, s, wanted, out))
        return CRIL_ERR_RANGE;

    struct drawn x = {0};
    cril_status st = draw(s, CRIL_MEMBERSHIP_LOSS, &x, err);

    if (st == CRIL_OK)
        st = cril_blind_scores(x.texts[SET], x.n[SET], x.texts[CONTROL], x.n[CONTROL], wanted->seed,
                               x.values[SET], x.values[CONTROL], err);
    if (st == CRIL_OK)
        st = separate(&x, wanted, out, err);
    free_drawn(&x);
    return st;
}

cril_membership_texts cril_membership_judge(const cril_membership_separation *blind)
{
    const cril_separation *s = blind ? &blind->separation : NULL;

    if (s && (s->auc >= 0.7 || (s->auc_interval.resamples && s->auc_interval.low > 0.5)))
        return CRIL_TEXTS_DIFFER;
    return blind && blind->n_set >= CRIL_MEMBERSHIP_MIN_DOCUMENTS &&
                   blind->n_control >= CRIL_MEMBERSHIP_MIN_DOCUMENTS
               ? CRIL_TEXTS_ALIKE
               : CRIL_TEXTS_TOO_FEW;
}
