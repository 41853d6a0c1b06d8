/*
 * Figures of divergence beside sums over tokens as they are handed out, computed another way;
 * intervals, percentiles, tokens that differ most, what cannot be compared.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <cril/diverge.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MODELS = 3, CORPORA = 2, MAX = 4096 };

static const char *const names[MODELS] = {"tiny-llama", "tiny-llama-mixed", "tiny-llama"};
static const char *const texts[CORPORA][4] = {
    {"The quick brown fox jumps over the lazy dog, again and again, until the dog gets up.", "x",
     "1 2 3 5 8 13 21 34 55 89 144 233 377 610 987 1597 2584 4181 6765 10946 17711 28657",
     "And one line more."},
    {"for (size_t i = 0; i < n; i++) sum += x[i];", "return sum / n;", "", NULL}};

static const cril_corpus_options jsonl = {.format = "jsonl"};

/* A token as it was handed out, of one model. */
struct seen {
    size_t corpus;
    uint64_t document, position;
    size_t at;
    double nats, nats_base, kl;
    bool same_top;
};

struct fixture {
    cril_model *models[MODELS];
    char paths[CORPORA][32];
    cril_diverger *d;
    cril_result bases[CORPORA];
    size_t corpus;
    struct seen seen[MODELS - 1][MAX];
    size_t n;
    double all_nats[MODELS - 1];
};

static void assert_near(double a, double b, double tolerance)
{
    if (!(fabs(a - b) <= tolerance))
        fail_msg("%.17g is not %.17g", a, b);
}

static void write_corpus(char *path, const char *const *text, size_t n)
{
    int fd;
    FILE *f;

    strcpy(path, "/tmp/cril-test-XXXXXX");
    fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_non_null(f = fdopen(fd, "w"));
    for (size_t i = 0; i < n && text[i]; i++)
        fprintf(f, "{\"content\": \"%s\"}\n", text[i]);
    assert_int_equal(fclose(f), 0);
}

static int on_token(void *user, const cril_token_score *t)
{
    struct fixture *x = user;

    assert_true(t->at < t->n_window && t->window[t->at] == t->id);
    for (size_t i = 0; i < MODELS - 1; i++) {
        if (t->apart)
            x->seen[i][x->n] = (struct seen){.corpus = x->corpus,
                                             .document = t->document,
                                             .position = t->position,
                                             .at = t->at,
                                             .nats = t->apart[i].nats,
                                             .nats_base = t->nats,
                                             .kl = t->apart[i].kl,
                                             .same_top = t->apart[i].same_top};
        x->all_nats[i] += t->apart ? t->apart[i].nats : t->nats;
    }
    x->n += t->apart != NULL;
    assert_true(x->n < MAX);
    return 0;
}

static cril_model *open_model(const char *name)
{
    char path[1024];
    cril_model *m;
    cril_error err;

    snprintf(path, sizeof(path), "%s/golden/%s.gguf", CRIL_TEST_DATA, name);
    if (cril_model_open(path, &m, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    return m;
}

static void add_corpus(struct fixture *x, size_t i)
{
    const cril_score_callbacks callbacks = {.user = x, .on_token = on_token};
    cril_corpus *c;
    cril_error err;

    x->corpus = i;
    assert_int_equal(cril_corpus_open(x->paths[i], &jsonl, &c, &err), CRIL_OK);
    if (cril_diverge_corpus(x->d, c, x->paths[i], &callbacks, &x->bases[i], &err) != CRIL_OK)
        fail_msg("%s", err.message);
    cril_corpus_close(c);
}

static int set_up(void **state)
{
    const cril_score_options options = {
        .context = 32, .stride = 16, .level = .8, .resamples = 200, .seed = 5};
    struct fixture *x = calloc(1, sizeof(*x));
    cril_error err;

    assert_non_null(x);
    for (size_t i = 0; i < MODELS; i++)
        x->models[i] = open_model(names[i]);
    if (cril_diverger_create(x->models, MODELS, &options, &x->d, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    for (size_t i = 0; i < CORPORA; i++) {
        write_corpus(x->paths[i], texts[i], sizeof(texts[i]) / sizeof(*texts[i]));
        add_corpus(x, i);
    }
    *state = x;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *x = *state;

    cril_diverger_free(x->d);
    for (size_t i = 0; i < MODELS; i++)
        cril_model_close(x->models[i]);
    for (size_t i = 0; i < CORPORA; i++) {
        cril_result_free(&x->bases[i]);
        unlink(x->paths[i]);
    }
    free(x);
    return 0;
}

/* ---- The same figures, over tokens ---- */

static bool belongs(const struct seen *s, size_t corpus)
{
    return corpus == SIZE_MAX || s->corpus == corpus;
}

static double dp_of(const struct seen *s)
{
    return exp(-s->nats) - exp(-s->nats_base);
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void check_percentiles(double *x, size_t n, const double *found)
{
    static const double q[CRIL_PERCENTILES] = {0,   .001, .01, .05, .1,   .25, .5,
                                               .75, .9,   .95, .99, .999, 1};

    qsort(x, n, sizeof(*x), ascending);
    for (size_t i = 0; i < CRIL_PERCENTILES; i++) {
        const double at = q[i] * (double)(n - 1), low = floor(at);
        const double a = x[(size_t)low], b = x[(size_t)ceil(at)];

        assert_near(found[i], a + (b - a) * (at - low), 1e-6);
    }
}

/* Intervals of a ratio of sums, by documents in the order in which they came. */
static void check_interval(const struct seen *s, size_t n, size_t corpus,
                           const cril_interval *found, double (*value)(const struct seen *))
{
    cril_interval wanted = {.level = .8, .resamples = 200, .seed = 5};
    double sum[16] = {0}, tokens[16] = {0};
    size_t documents = 0;
    const struct seen *last = NULL;
    cril_error err;

    for (size_t i = 0; i < n; i++) {
        if (!belongs(&s[i], corpus))
            continue;
        documents += !last || last->document != s[i].document || last->corpus != s[i].corpus;
        sum[documents - 1] += value(&s[i]);
        tokens[documents - 1]++;
        last = &s[i];
    }
    assert_int_equal(cril_bootstrap_ratio(sum, tokens, documents, &wanted, &err), CRIL_OK);
    assert_near(found->low, wanted.low, 1e-9);
    assert_near(found->high, wanted.high, 1e-9);
    assert_true(found->resamples == 200);
}

static double kl_of(const struct seen *s)
{
    return s->kl;
}

static double same_of(const struct seen *s)
{
    return s->same_top;
}

static double ratio_of(const struct seen *s)
{
    return s->nats - s->nats_base;
}

static void check_figures(const struct fixture *x, size_t model, size_t corpus)
{
    static double kl[MAX], dp[MAX];
    const struct seen *s = x->seen[model - 1];
    double sum_kl = 0, sum_dp = 0, squares = 0, same = 0, a = 0, b = 0, aa = 0, bb = 0, ab = 0;
    double bins[CRIL_DIVERGE_POSITIONS] = {0};
    cril_divergence_figures f;
    cril_error err;
    size_t n = 0;

    for (size_t i = 0; i < x->n; i++)
        if (belongs(&s[i], corpus)) {
            kl[n] = s[i].kl;
            dp[n++] = dp_of(&s[i]);
            sum_kl += s[i].kl;
            sum_dp += dp_of(&s[i]);
            squares += dp_of(&s[i]) * dp_of(&s[i]);
            same += s[i].same_top;
            a += s[i].nats_base;
            b += s[i].nats;
            bins[(size_t)floor(log2((double)s[i].at))] += s[i].kl;
        }
    const double count = (double)n;
    for (size_t i = 0; i < x->n; i++)
        if (belongs(&s[i], corpus)) {
            const double da = s[i].nats_base - a / count, db = s[i].nats - b / count;

            aa += da * da;
            bb += db * db;
            ab += da * db;
        }
    assert_int_equal(cril_diverge_figures(x->d, model, corpus, &f, &err), CRIL_OK);
    assert_int_equal(f.tokens, n);
    assert_near(f.mean_kl, sum_kl / count, 1e-12);
    assert_near(f.mean_dp, sum_dp / count, 1e-12);
    assert_near(f.rms_dp, sqrt(squares / count), 1e-12);
    assert_near(f.same_top, same / count, 0);
    assert_near(f.ln_ppl, b / count, 1e-12);
    assert_near(f.ln_ppl_base, a / count, 1e-12);
    assert_near(f.ln_ppl_ratio, (b - a) / count, 1e-12);
    assert_near(f.ppl, exp(b / count), 1e-6);
    assert_near(f.ppl_base, exp(a / count), 1e-6);
    assert_near(f.ppl_ratio, exp((b - a) / count), 1e-9);
    assert_near(f.correlation, ab / sqrt(aa * bb), 1e-9);
    check_percentiles(kl, n, f.kl);
    check_percentiles(dp, n, f.dp);
    for (size_t i = 0, sum = 0; i < CRIL_DIVERGE_POSITIONS; i++) {
        sum += f.position_tokens[i];
        if (f.position_tokens[i])
            assert_near(f.position_kl[i] * (double)f.position_tokens[i], bins[i], 1e-9);
        else
            assert_true(isnan(f.position_kl[i]) && bins[i] == 0);
        if (i + 1 == CRIL_DIVERGE_POSITIONS)
            assert_int_equal(sum, n);
    }
    if (model == 1) { /* the other one is the base itself */
        check_interval(s, x->n, corpus, &f.mean_kl_interval, kl_of);
        check_interval(s, x->n, corpus, &f.mean_dp_interval, dp_of);
        check_interval(s, x->n, corpus, &f.same_top_interval, same_of);
        check_interval(s, x->n, corpus, &f.ln_ppl_ratio_interval, ratio_of);
        assert_near(f.ppl_ratio_interval.low, exp(f.ln_ppl_ratio_interval.low), 1e-9);
        assert_true(f.rms_dp_interval.low < f.rms_dp && f.rms_dp < f.rms_dp_interval.high);
        assert_true(f.ppl_interval.low < f.ppl && f.ppl < f.ppl_interval.high);
        assert_true(f.ppl_base_interval.low < f.ppl_base && f.ppl_base < f.ppl_base_interval.high);
    }
}

static void figures_are_those_of_the_tokens(void **state)
{
    struct fixture *x = *state;
    cril_divergence_figures f;
    cril_error err;

    for (size_t m = 1; m < MODELS; m++) {
        check_figures(x, m, 0);
        check_figures(x, m, 1);
        check_figures(x, m, SIZE_MAX);
    }
    assert_int_equal(cril_diverge_figures(x->d, 1, SIZE_MAX, &f, &err), CRIL_OK);
    assert_true(f.mean_kl > 1e-6 && f.same_top < 1 && f.kl[0] >= 0);
    assert_true(f.mean_kl_interval.low < f.mean_kl && f.mean_kl < f.mean_kl_interval.high);
    assert_int_equal(f.documents, 6);
    assert_near(f.bpc,
                x->all_nats[0] / log(2) / (double)(x->bases[0].characters + x->bases[1].characters),
                1e-12);
    assert_near(f.bpc_base, (x->bases[0].nats + x->bases[1].nats) / log(2) / (double)f.characters,
                1e-12);
}

static void a_model_beside_itself_is_not_apart(void **state)
{
    struct fixture *x = *state;
    cril_divergence_figures f;
    cril_error err;

    assert_int_equal(cril_diverge_figures(x->d, 2, SIZE_MAX, &f, &err), CRIL_OK);
    assert_near(f.mean_kl, 0, 1e-12);
    assert_true(f.same_top == 1 && f.rms_dp == 0 && f.ln_ppl_ratio == 0);
    assert_near(f.bpc, f.bpc_base, 1e-12); /* sums in another order */
}

static void the_worst_tokens_come_first(void **state)
{
    struct fixture *x = *state;
    size_t n, i = 0;
    const cril_diverging_token *w = cril_diverge_worst(x->d, 1, &n);
    double least;

    assert_int_equal(n, CRIL_DIVERGE_WORST);
    least = w[n - 1].kl;
    for (size_t k = 1; k < n; k++)
        assert_true(w[k].kl <= w[k - 1].kl);
    for (size_t k = 0; k < x->n; k++)
        i += x->seen[0][k].kl > least;
    assert_int_equal(i, n - 1);
    for (size_t k = 0; k < n; k++) {
        size_t at = 0;

        while (at < x->n && x->seen[0][at].kl != w[k].kl)
            at++;
        assert_true(at < x->n);
        assert_true(x->seen[0][at].corpus == w[k].corpus &&
                    x->seen[0][at].document == w[k].document &&
                    x->seen[0][at].position == w[k].position && x->seen[0][at].nats == w[k].nats &&
                    x->seen[0][at].nats_base == w[k].nats_base);
        assert_true(w[k].window[w[k].n_before] == w[k].id);
        assert_true(
            w[k].n_before ==
            (x->seen[0][at].at < CRIL_DIVERGE_BEFORE ? x->seen[0][at].at : CRIL_DIVERGE_BEFORE));
    }
    assert_null(cril_diverge_worst(x->d, 0, &n));
    assert_int_equal(n, 0);
    assert_null(cril_diverge_worst(x->d, MODELS, &n));
}

static void refusals_say_why(void **state)
{
    struct fixture *x = *state;
    cril_model *gemma = open_model("tiny-gemma3"), *pair[2] = {x->models[0], gemma};
    cril_divergence_figures f;
    cril_diverger *d = NULL;
    cril_error err;

    assert_int_equal(cril_diverger_create(pair, 2, NULL, &d, &err), CRIL_ERR_RANGE);
    assert_non_null(strstr(err.message, "only models with the same tokens"));
    assert_int_equal(cril_diverger_create(pair, 1, NULL, &d, &err), CRIL_ERR_RANGE);
    assert_null(d);
    assert_int_equal(cril_diverge_figures(x->d, 0, SIZE_MAX, &f, &err), CRIL_ERR_RANGE);
    assert_int_equal(cril_diverge_figures(x->d, MODELS, SIZE_MAX, &f, &err), CRIL_ERR_RANGE);
    assert_int_equal(cril_diverge_figures(x->d, 1, CORPORA, &f, &err), CRIL_ERR_RANGE);

    cril_model_close(gemma);
}

/* Without a BOS a document's first token is scored, but by no pass. */
static void tokens_that_no_pass_predicts_are_left_out(void **state)
{
    const char *const text[] = {"x", "x"};
    cril_model *qwen = open_model("tiny-qwen2"), *pair[2] = {qwen, qwen};
    cril_divergence_figures f;
    cril_result base = {0};
    cril_diverger *d = NULL;
    cril_corpus *c;
    cril_error err;
    char path[32];

    (void)state;
    write_corpus(path, text, 2);
    assert_int_equal(cril_diverger_create(pair, 2, NULL, &d, &err), CRIL_OK);
    assert_true(isnan(cril_diverge_speed(d, 0)));
    assert_int_equal(cril_diverge_figures(d, 1, SIZE_MAX, &f, &err), CRIL_ERR_RANGE);
    assert_int_equal(cril_corpus_open(path, &jsonl, &c, &err), CRIL_OK);
    assert_int_equal(cril_diverge_corpus(d, c, path, NULL, &base, &err), CRIL_OK);
    assert_int_equal(base.scored_tokens, 2);
    assert_int_equal(cril_diverge_figures(d, 1, SIZE_MAX, &f, &err), CRIL_ERR_EMPTY);
    cril_corpus_close(c);
    cril_result_free(&base);
    cril_diverger_free(d);
    cril_model_close(qwen);
    unlink(path);
}

static void percentiles_have_names(void **state)
{
    (void)state;
    assert_string_equal(cril_percentile_name(0), "min");
    assert_string_equal(cril_percentile_name(11), "99.9");
    assert_string_equal(cril_percentile_name(12), "max");
    assert_null(cril_percentile_name(CRIL_PERCENTILES));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_are_those_of_the_tokens),
        cmocka_unit_test(a_model_beside_itself_is_not_apart),
        cmocka_unit_test(the_worst_tokens_come_first),
        cmocka_unit_test(refusals_say_why),
        cmocka_unit_test(tokens_that_no_pass_predicts_are_left_out),
        cmocka_unit_test(percentiles_have_names),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
