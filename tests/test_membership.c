/*
 * Membership scores: against their definitions, spelled out over the tokens that a scorer hands
 * out; documents without some of them; sets and controls; what is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "gguf_edit.h"
#include "leak/blind.h"

#include <cril/membership.h>
#include <math.h>
#include <unistd.h>
#include <zlib.h>

enum { N_TEXTS = 4, MAX = 4096 };

/* Ü, Ⱥ (whose small letter takes a byte more) and İ (a byte less) become lower case; bytes 128 and
 * more are tokens here, one each. */
static const char *const texts[N_TEXTS] = {
    "The Mill stood where the River bends; in SPRING the water came up to the second step.",
    "too short",
    "\xc3\x9c\x42\x45R \xc8\xba and \xc4\xb0: 312 sacks of Barley, and a line: \\\"the boy's "
    "wages\\\".",
    "My aunt KEPT the accounts, and I found under that line a second one, which was never read.",
};
static const char *const lower[N_TEXTS] = {
    "the mill stood where the river bends; in spring the water came up to the second step.",
    "too short",
    "\xc3\xbc\x62\x65r \xe2\xb1\xa5 and i: 312 sacks of barley, and a line: \\\"the boy's "
    "wages\\\".",
    "my aunt kept the accounts, and i found under that line a second one, which was never read.",
};
static const char *const dates[N_TEXTS] = {"2026-02-03T10:00:00Z", "2025-12", "2026-13-01",
                                           "2026-02-03x"};

static char corpus[] = "/tmp/cril-membership-XXXXXX", other[] = "/tmp/cril-membership-XXXXXX",
            edited[] = "/tmp/cril-membership-XXXXXX";
static const cril_corpus_options jsonl = {.format = "jsonl", .date_field = "date"};
static const cril_interval wanted = {.level = .9, .resamples = 200, .seed = 3};

static void save(const char *path, const char *const *all, size_t n)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    for (size_t i = 0; i < n; i++)
        fprintf(f, "{\"content\": \"%s\", \"date\": \"%s\"}\n", all[i], dates[i]);
    assert_int_equal(fclose(f), 0);
}

static int set_up(void **state)
{
    (void)state;
    char *const all[] = {corpus, other, edited};

    for (size_t i = 0; i < 3; i++) {
        const int fd = mkstemp(all[i]);

        if (fd < 0 || close(fd))
            return 1;
    }
    save(corpus, texts, N_TEXTS);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    return unlink(corpus) | unlink(other) | unlink(edited);
}

static cril_model *open_model(const char *name)
{
    char path[1024];
    cril_model *m;
    cril_error err;

    snprintf(path, sizeof(path), CRIL_TEST_DATA "/golden/%s.gguf", name);
    if (cril_model_open(path, &m, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    return m;
}

static cril_membership *create(cril_model *m, const cril_membership_options *o)
{
    cril_membership *s;
    cril_error err;

    if (cril_membership_create(m, o, &s, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    return s;
}

static void add(cril_membership *s, const char *path, bool is_control)
{
    cril_error err;

    if (cril_membership_add(s, path, &jsonl, is_control, NULL, NULL, &err) != CRIL_OK)
        fail_msg("%s", err.message);
}

static cril_membership_corpus corpus_of(const cril_membership *s, size_t i)
{
    cril_membership_corpus c;

    assert_true(cril_membership_corpus_at(s, i, &c));
    return c;
}

/* ---- By definition ---- */

/* Of the tokens of a document that a pass predicts. */
struct tokens {
    size_t n;
    double nats[MAX], entropy[MAX], deviation[MAX];
};

static struct tokens found[N_TEXTS];
static double all_nats[N_TEXTS];

static int take_token(void *user, const cril_token_score *t)
{
    struct tokens *x = &found[t->document];

    (void)user;
    all_nats[t->document] += t->nats;
    if (t->details) {
        x->nats[x->n] = t->nats;
        x->entropy[x->n] = t->details->entropy;
        x->deviation[x->n++] = t->details->deviation;
    }
    return 0;
}

/* The corpus with these texts through the model. */
static void score(cril_model *m, const char *const *all)
{
    const cril_score_options o = {.details = true};
    const cril_score_callbacks callbacks = {.on_token = take_token};
    cril_scorer *s;
    cril_corpus *c;
    cril_result r;

    memset(found, 0, sizeof(found));
    memset(all_nats, 0, sizeof(all_nats));
    save(other, all, N_TEXTS);
    assert_int_equal(cril_scorer_create(m, &o, &s, NULL), CRIL_OK);
    assert_int_equal(cril_corpus_open(other, &jsonl, &c, NULL), CRIL_OK);
    assert_int_equal(cril_score_corpus(s, c, other, &callbacks, &r, NULL), CRIL_OK);
    cril_result_free(&r);
    cril_corpus_close(c);
    cril_scorer_free(s);
}

static double sum(const double *x, size_t n)
{
    double all = 0;

    for (size_t i = 0; i < n; i++)
        all += x[i];
    return all;
}

static int upwards(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double lowest(const double *x, size_t n, size_t k)
{
    double sorted[MAX];

    memcpy(sorted, x, n * sizeof(*x));
    qsort(sorted, n, sizeof(*x), upwards);
    return sum(sorted, n * k / 100) / (double)(n * k / 100);
}

static void is_near(double a, double b)
{
    if (!(fabs(a - b) <= 1e-12 * (1 + fabs(b))))
        fail_msg("%.17g is not %.17g", a, b);
}

static void has(const cril_membership_document *d, size_t score, double value)
{
    assert_true(d->has[score]);
    is_near(d->scores[score], value);
}

static void check_min_k(const cril_membership_document *d, const struct tokens *x)
{
    double log_p[MAX], z[MAX];

    for (size_t t = 0; t < x->n; t++) {
        log_p[t] = -x->nats[t];
        z[t] = (log_p[t] + x->entropy[t]) / x->deviation[t];
    }
    for (size_t i = 0; i < 17; i++) {
        unsigned k;
        const char *name = cril_membership_score_name(i, &k);
        const bool plus = strcmp(name, "min_k_plus_plus") == 0;

        assert_string_equal(name, i < 7 ? "min_k" : "min_k_plus_plus");
        assert_int_equal(k, i == 0 ? 5 : i < 7 ? 10 * i : 10 * (i - 6));
        has(d, i, lowest(plus ? z : log_p, x->n, k));
    }
}

/* A text whose JSON this is; lives for the program. */
static struct cril_bytes plain(const char *json)
{
    static char pool[1 << 14];
    static size_t used;
    const size_t start = used;

    for (; *json; json++)
        if (*json != '\\')
            pool[used++] = *json;
    assert_true(used < sizeof(pool));
    return (struct cril_bytes){pool + start, used - start};
}

static size_t zlib_of(const char *json)
{
    const struct cril_bytes text = plain(json);
    uint8_t out[2 * MAX];
    uLongf size = sizeof(out);

    assert_int_equal(compress2(out, &size, (const Bytef *)text.data, text.len, 6), Z_OK);
    return size;
}

static void check_documents(const cril_membership_corpus *c, cril_model *m, cril_model *reference)
{
    double loss[N_TEXTS];
    size_t n[N_TEXTS];

    score(m, texts);
    for (size_t i = 0; i < N_TEXTS; i++) {
        const cril_membership_document *d = &c->documents[i];

        assert_int_equal(d->index, i);
        assert_int_equal(d->line, i + 1);
        assert_int_equal(d->tokens, n[i] = found[i].n);
        is_near(d->nats, all_nats[i]);
        assert_int_equal(d->too_short, i == 1);
        loss[i] = -sum(found[i].nats, n[i]) / (double)n[i];
        if (i == 1)
            continue;
        check_min_k(d, &found[i]);
        has(d, CRIL_MEMBERSHIP_LOSS, loss[i]);
        has(d, CRIL_MEMBERSHIP_ZLIB, loss[i] / (double)zlib_of(texts[i]));
    }
    score(m, lower);
    for (size_t i = 0; i < N_TEXTS; i++)
        if (i != 1)
            has(&c->documents[i], CRIL_MEMBERSHIP_LOWER_CASE,
                sum(found[i].nats, found[i].n) / (double)found[i].n / -loss[i]);
    score(reference, texts);
    for (size_t i = 0; i < N_TEXTS; i++)
        if (i != 1)
            has(&c->documents[i], CRIL_MEMBERSHIP_REFERENCE,
                loss[i] + sum(found[i].nats, found[i].n) / (double)n[i]);
    for (size_t i = 0; i < CRIL_MEMBERSHIP_SCORES; i++)
        assert_false(c->documents[1].has[i]);
}

/* With a BOS before the text, and without: there no pass predicts the first token. */
static void test_definitions(void **state)
{
    static const char *const models[] = {"tiny-llama", "tiny-qwen2"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        cril_model *m = open_model(models[i]), *reference = open_model("tiny-llama-3");
        const cril_membership_options o = {.lower_case = true, .reference = reference};
        cril_membership *s = create(m, &o);
        cril_membership_corpus c;

        add(s, corpus, false);
        c = corpus_of(s, 0);
        assert_int_equal(c.n, N_TEXTS);
        assert_int_equal(c.too_short, 1);
        assert_false(c.is_control);
        assert_false(cril_membership_corpus_at(s, 1, &c));
        check_documents(&c, m, reference);
        assert_int_equal(c.result->documents, N_TEXTS);
        assert_string_equal(c.documents[0].date, "2026-02-03");
        assert_string_equal(c.documents[1].date, "2025-12");
        assert_string_equal(c.documents[2].date, "");
        assert_string_equal(c.documents[3].date, "");
        cril_membership_free(s);
        cril_model_close(reference);
        cril_model_close(m);
    }
    assert_null(cril_membership_score_name(CRIL_MEMBERSHIP_SCORES, NULL));
    assert_string_equal(cril_membership_score_name(CRIL_MEMBERSHIP_REFERENCE, NULL), "reference");
}

/* A bound of 20 predicted tokens; tokens are bytes. */
static void test_bound(void **state)
{
    static const char *const bound[] = {"1234567890123456789", "12345678901234567890"};
    cril_model *m = open_model("tiny-llama");
    cril_membership *s = create(m, NULL);
    cril_membership_corpus c;

    (void)state;
    save(other, bound, 2);
    add(s, other, false);
    c = corpus_of(s, 0);
    assert_int_equal(c.documents[0].tokens, 19);
    assert_int_equal(c.documents[1].tokens, 20);
    assert_true(c.documents[0].too_short && !c.documents[1].too_short);
    assert_true(c.documents[1].has[CRIL_MEMBERSHIP_MIN_K]);
    assert_false(c.documents[1].has[CRIL_MEMBERSHIP_LOWER_CASE]); /* was not asked for */
    assert_false(c.documents[1].has[CRIL_MEMBERSHIP_REFERENCE]);
    cril_membership_free(s);
    cril_model_close(m);
}

/* A text of 3,000 characters, for which zlib's levels differ; and bytes that are not UTF-8, which
 * have no small letter. */
static void test_texts(void **state)
{
    static const cril_corpus_options plain_text = {.format = "text"};
    const cril_membership_options o = {.lower_case = true};
    cril_model *m = open_model("tiny-llama");
    cril_membership *s = create(m, &o);
    const cril_membership_document *d;
    uint8_t text[3000], out[6000];
    uint32_t x = 1;
    uLongf size = sizeof(out), other_size = sizeof(out);
    FILE *f = fopen(other, "wb");

    (void)state;
    for (size_t i = 0; i < sizeof(text); i++) {
        x = x * 1664525 + 1013904223;
        text[i] = i % 3 && (x >> 28) < 9 ? text[i - 1 - (x >> 16) % i] : (uint8_t)(97 + (x >> 30));
    }
    text[0] = 0xff;
    text[2000] = 0xc3;
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, sizeof(text), f), sizeof(text));
    assert_int_equal(fclose(f), 0);
    assert_int_equal(compress2(out, &size, text, sizeof(text), 6), Z_OK);
    assert_int_equal(compress2(out, &other_size, text, sizeof(text), 9), Z_OK);
    assert_int_not_equal(size, other_size);
    assert_int_equal(cril_membership_add(s, other, &plain_text, false, NULL, NULL, NULL), CRIL_OK);
    d = &corpus_of(s, 0).documents[0];
    has(d, CRIL_MEMBERSHIP_ZLIB, d->scores[CRIL_MEMBERSHIP_LOSS] / (double)size);
    has(d, CRIL_MEMBERSHIP_LOWER_CASE, 1);
    assert_string_equal(d->date, "");
    cril_membership_free(s);
    cril_model_close(m);
}

/* A model all of whose logits are 0: ln p has no deviation, and there is no z. */
static void test_no_deviation(void **state)
{
    static const struct edit edits[] = {SET_TENSOR("output_norm.weight", 64, 0, 0), {0}};
    const cril_membership_options o = {.lower_case = true};
    struct cril_source *from;
    cril_membership *s;
    cril_membership_corpus c;
    cril_model *m;

    (void)state;
    assert_int_equal(cril_source_open(CRIL_TEST_DATA "/golden/tiny-llama.gguf", &from, NULL),
                     CRIL_OK);
    assert_true(edit_write(from, edits, edited));
    cril_source_close(from);
    assert_int_equal(cril_model_open(edited, &m, NULL), CRIL_OK);
    s = create(m, &o);
    add(s, corpus, false);
    c = corpus_of(s, 0);
    for (size_t i = 0; i < CRIL_MEMBERSHIP_SCORES; i++)
        assert_int_equal(c.documents[0].has[i],
                         i < CRIL_MEMBERSHIP_MIN_K_PLUS_PLUS ||
                             (i >= CRIL_MEMBERSHIP_LOSS && i != CRIL_MEMBERSHIP_REFERENCE));
    is_near(c.documents[0].scores[CRIL_MEMBERSHIP_LOSS], -log((double)cril_model_logits(m)));
    is_near(c.documents[0].scores[CRIL_MEMBERSHIP_LOWER_CASE], 1);
    cril_membership_free(s);
    cril_model_close(m);
}

/* ---- Set and control ---- */

/* Two corpora of the set, one control; short documents count nowhere. */
static void test_separation(void **state)
{
    const cril_membership_options o = {.controls = true};
    cril_model *m = open_model("tiny-llama");
    cril_membership *s = create(m, &o);
    cril_membership_separation x, y;
    cril_separation direct;
    double set[6], control[3], blind_set[6], blind_control[3];
    struct cril_bytes set_texts[6], control_texts[3];
    size_t n = 0;
    cril_membership_corpus c;

    (void)state;
    save(other, lower, N_TEXTS);
    add(s, corpus, false);
    assert_int_equal(cril_membership_separate(s, 0, &wanted, &x, NULL), CRIL_OK);
    assert_true(x.n_set == 3 && x.n_control == 0);
    assert_int_equal(cril_membership_blind(s, &wanted, &y, NULL), CRIL_ERR_RANGE);
    add(s, other, true);
    add(s, corpus, false);
    assert_true(corpus_of(s, 1).is_control && !corpus_of(s, 2).is_control);
    for (size_t k = 0; k < 3; k++) {
        c = corpus_of(s, k);
        for (size_t i = 0; i < N_TEXTS; i++)
            if (i != 1)
                (k == 1 ? control : set)[k == 1 ? i - (i > 1) : n++] = c.documents[i].scores[9];
    }
    assert_int_equal(cril_membership_separate(s, 9, &wanted, &x, NULL), CRIL_OK);
    assert_int_equal(cril_separate(set, 6, control, 3, &wanted, &direct, NULL), CRIL_OK);
    assert_memory_equal(&x.separation, &direct, sizeof(direct));
    assert_true(x.n_set == 6 && x.n_control == 3);
    is_near(x.set, sum(set, 6) / 6);
    is_near(x.control, sum(control, 3) / 3);
    assert_int_equal(cril_membership_separate(s, CRIL_MEMBERSHIP_REFERENCE, &wanted, &x, NULL),
                     CRIL_OK);
    assert_true(x.n_set == 0 && x.n_control == 0);
    for (size_t i = 0, k = 0; i < N_TEXTS; i++)
        if (i != 1) {
            set_texts[k] = set_texts[k + 3] = plain(texts[i]);
            control_texts[k++] = plain(lower[i]);
        }
    assert_int_equal(cril_blind_scores(set_texts, 6, control_texts, 3, wanted.seed, blind_set,
                                       blind_control, NULL),
                     CRIL_OK);
    assert_int_equal(cril_separate(blind_set, 6, blind_control, 3, &wanted, &direct, NULL),
                     CRIL_OK);
    assert_int_equal(cril_membership_blind(s, &wanted, &y, NULL), CRIL_OK);
    assert_memory_equal(&y.separation, &direct, sizeof(direct));
    cril_membership_free(s);
    cril_model_close(m);
}

static void test_judge(void **state)
{
    cril_membership_separation x = {.n_set = 20, .n_control = 20};
    cril_separation *s = &x.separation;

    (void)state;
    s->auc = .6;
    s->auc_interval = (cril_interval){.low = .51, .high = .7, .resamples = 10};
    assert_int_equal(cril_membership_judge(&x), CRIL_TEXTS_DIFFER);
    s->auc_interval.low = .5;
    assert_int_equal(cril_membership_judge(&x), CRIL_TEXTS_ALIKE);
    x.n_set = 19;
    assert_int_equal(cril_membership_judge(&x), CRIL_TEXTS_TOO_FEW);
    x.n_set = 20;
    x.n_control = 19;
    assert_int_equal(cril_membership_judge(&x), CRIL_TEXTS_TOO_FEW);
    s->auc_interval.low = .6;
    s->auc_interval.resamples = 0;
    assert_int_equal(cril_membership_judge(&x), CRIL_TEXTS_TOO_FEW);
    s->auc = .7;
    assert_int_equal(cril_membership_judge(&x), CRIL_TEXTS_DIFFER);
    assert_int_equal(cril_membership_judge(NULL), CRIL_TEXTS_TOO_FEW);
}

/* ---- By month ---- */

static void test_months(void **state)
{
    static const char *const days[] = {"2026-02-03", "2025-12",    "2026-02",   "none",
                                       "2026-02-28", "2025-12-31", "2026-03-01"};
    enum { N = sizeof(days) / sizeof(*days) };
    const cril_membership_options o = {.controls = true};
    cril_model *m = open_model("tiny-llama");
    cril_membership *s = create(m, &o);
    cril_membership_times t;
    cril_membership_corpus c;
    cril_interval february = wanted;
    cril_change change;
    double bits[N], characters[N], order_bits[N], order_characters[N];
    FILE *f = fopen(other, "w");

    (void)state;
    assert_non_null(f);
    for (size_t i = 0; i < N; i++)
        fprintf(f, "{\"content\": \"%s %s\", \"date\": \"%s\"}\n", texts[i % N_TEXTS], days[i],
                days[i]);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(cril_membership_by_month(s, &wanted, &t, NULL), CRIL_OK);
    assert_true(t.n == 0 && t.undated == 0 && t.change.at == 0);
    cril_membership_times_free(&t);
    add(s, other, true); /* a control is left out */
    add(s, other, false);
    c = corpus_of(s, 1);
    for (size_t i = 0; i < N; i++) {
        bits[i] = c.documents[i].nats / CRIL_LN2;
        characters[i] = (double)c.documents[i].characters;
    }
    assert_int_equal(cril_membership_by_month(s, &wanted, &t, NULL), CRIL_OK);
    assert_true(t.n == 3 && t.undated == 1);
    assert_string_equal(t.months[0].month, "2025-12");
    assert_string_equal(t.months[1].month, "2026-02");
    assert_string_equal(t.months[2].month, "2026-03");
    assert_true(t.months[0].documents == 2 && t.months[1].documents == 3 &&
                t.months[2].documents == 1);
    is_near(t.months[1].bpc,
            (bits[0] + bits[2] + bits[4]) / (characters[0] + characters[2] + characters[4]));
    assert_int_equal(cril_bootstrap_ratio((double[]){bits[0], bits[2], bits[4]},
                                          (double[]){characters[0], characters[2], characters[4]},
                                          3, &february, NULL),
                     CRIL_OK);
    assert_memory_equal(&t.months[1].interval, &february, sizeof(february));
    assert_int_equal(t.months[2].interval.resamples, 0);
    for (size_t i = 0; i < 6; i++) {
        const size_t k = (size_t[]){1, 5, 0, 2, 4, 6}[i];

        order_bits[i] = bits[k];
        order_characters[i] = characters[k];
    }
    assert_int_equal(cril_change_find(order_bits, order_characters, (uint32_t[]){0, 0, 1, 1, 1, 2},
                                      6, 200, 3, &change, NULL),
                     CRIL_OK);
    assert_memory_equal(&t.change, &change, sizeof(change));
    cril_membership_times_free(&t);
    cril_membership_free(s);
    cril_model_close(m);
}

/* ---- On the way ---- */

struct watched {
    double last;
    bool stop;
    const char *spoil; /* how `other` is opened to write another line; NULL: it is not */
    size_t calls;
};

static int on_progress(void *user, const cril_score_progress *p)
{
    struct watched *w = user;

    assert_true(p->fraction >= w->last && p->fraction <= 1);
    w->last = p->fraction;
    w->calls++;
    if (w->spoil && p->fraction > .34) { /* the second of three passes */
        FILE *f = fopen(other, w->spoil);

        assert_non_null(f);
        fputs("{\"content\": \"another line\"}\n", f);
        assert_int_equal(fclose(f), 0);
        w->spoil = NULL;
    }
    return w->stop;
}

static void test_progress(void **state)
{
    struct watched w = {0};
    const cril_score_callbacks callbacks = {.user = &w, .on_progress = on_progress};
    cril_model *m = open_model("tiny-llama");
    const cril_membership_options o = {.lower_case = true, .reference = m};
    cril_membership *s = create(m, &o);
    cril_membership_corpus c;
    cril_corpus_stats stats;
    cril_error err;

    (void)state;
    assert_int_equal(cril_membership_add(s, corpus, &jsonl, false, &callbacks, &stats, &err),
                     CRIL_OK);
    assert_true(w.calls >= 3 && w.last == 1);
    assert_true(stats.documents == N_TEXTS && !stats.field);
    assert_true(corpus_of(s, 0).documents[0].scores[CRIL_MEMBERSHIP_REFERENCE] == 0);

    w = (struct watched){.stop = true};
    assert_int_equal(cril_membership_add(s, corpus, &jsonl, false, &callbacks, &stats, &err),
                     CRIL_ERR_CANCELLED);
    assert_false(cril_membership_corpus_at(s, 1, &c));

    for (size_t i = 0; i < 2; i++) { /* one document more; fewer */
        save(other, texts, N_TEXTS);
        w = (struct watched){.spoil = i ? "w" : "a"};
        assert_int_equal(cril_membership_add(s, other, &jsonl, false, &callbacks, NULL, &err),
                         CRIL_ERR_MISMATCH);
        assert_non_null(strstr(err.message, "was changed"));
        assert_false(cril_membership_corpus_at(s, 1, &c));
    }
    cril_membership_free(s);
    cril_model_close(m);
}

static void test_refused(void **state)
{
    const cril_membership_options halves = {.score.protocol = "halves"},
                                  document = {.score.protocol = "document"};
    const cril_corpus_options prompts = {.format = "jsonl", .prompt_field = "date"};
    cril_model *m = open_model("tiny-llama");
    cril_membership_separation x;
    cril_membership *s;
    cril_error err;

    (void)state;
    assert_int_equal(cril_membership_create(m, &halves, &s, &err), CRIL_ERR_RANGE);
    assert_non_null(strstr(err.message, "halves"));
    s = create(m, &document);
    assert_int_equal(cril_membership_add(s, corpus, &prompts, false, NULL, NULL, &err),
                     CRIL_ERR_RANGE);
    assert_int_equal(cril_membership_add(s, corpus, &jsonl, true, NULL, NULL, &err),
                     CRIL_ERR_RANGE);
    assert_int_equal(cril_membership_add(s, "/nowhere.jsonl", &jsonl, false, NULL, NULL, &err),
                     CRIL_ERR_IO);
    assert_int_equal(cril_membership_separate(s, CRIL_MEMBERSHIP_SCORES, &wanted, &x, &err),
                     CRIL_ERR_RANGE);
    cril_membership_free(s);
    cril_model_close(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_definitions), cmocka_unit_test(test_bound),
        cmocka_unit_test(test_texts),       cmocka_unit_test(test_no_deviation),
        cmocka_unit_test(test_separation),  cmocka_unit_test(test_judge),
        cmocka_unit_test(test_months),      cmocka_unit_test(test_progress),
        cmocka_unit_test(test_refused),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
