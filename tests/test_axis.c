/*
 * Coordinates and lines of a study: which figures make them, whose errors they take over, which
 * models take part; and the paper's own 16 correlations from its own tables.
 */
#define _GNU_SOURCE /* mkdtemp */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <cril/store.h>
#include <cril/study.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define check_ok(call)                                                                             \
    do {                                                                                           \
        if ((call) != CRIL_OK)                                                                     \
            fail_msg("%s", err.message);                                                           \
    } while (0)

static void check_near(double got, double want, double within)
{
    if (!(fabs(got - want) <= within))
        fail_msg("%.17g is not %.17g", got, want);
}

/* ---- A small study ---- */

enum { N_MODELS = 5, N_CORPORA = 3, N_BENCHMARKS = 4 };

static const char *const small_tag[] = {"small"};

static const cril_study_model models[N_MODELS] = {
    {.name = "a1", .family = "A", .tags = small_tag, .n_tags = 1},
    {.name = "a2", .family = "A"},
    {.name = "b", .family = "b", .tags = small_tag, .n_tags = 1},
    {.name = "c", .family = "C"},
    {.name = "A", .family = "d"}, /* named as a family is */
};
static const cril_study_corpus corpora[N_CORPORA] = {{.name = "web", .group = "text"},
                                                     {.name = "news", .group = "text"},
                                                     {.name = "code", .group = "code"}};
static const cril_study_benchmark benchmarks[N_BENCHMARKS] = {{.name = "quiz", .group = "text"},
                                                              {.name = "exam", .group = "text"},
                                                              {.name = "puzzle", .group = "text"},
                                                              {.name = "bugs", .group = "code"}};
static const cril_study_info study = {.path = "s.yaml",
                                      .models = models,
                                      .corpora = corpora,
                                      .benchmarks = benchmarks,
                                      .n_models = N_MODELS,
                                      .n_corpora = N_CORPORA,
                                      .n_benchmarks = N_BENCHMARKS};

static cril_known bpc[N_MODELS][N_CORPORA], score[N_MODELS][N_BENCHMARKS];
static cril_study_table table = {.n_models = N_MODELS,
                                 .n_corpora = N_CORPORA,
                                 .n_benchmarks = N_BENCHMARKS,
                                 .bpc = bpc[0],
                                 .score = score[0]};

static const cril_known nothing = {.value = NAN, .se = NAN, .source = ""};

static int fill(void **state)
{
    (void)state;
    for (size_t m = 0; m < N_MODELS; m++) {
        for (size_t i = 0; i < N_CORPORA; i++)
            bpc[m][i] = (cril_known){.value = 0.5 + 0.125 * (double)m + 0.25 * (double)i,
                                     .se = 0.01 * (double)(i + 1),
                                     .origin = CRIL_ORIGIN_MEASURED,
                                     .source = ""};
        for (size_t i = 0; i < N_BENCHMARKS; i++)
            score[m][i] = (cril_known){.value = 0.75 - 0.0625 * (double)m - 0.125 * (double)i +
                                                (double)(m * m) / 256,
                                       .se = NAN,
                                       .origin = CRIL_ORIGIN_IMPORTED,
                                       .source = "x"};
    }
    return 0;
}

static cril_known x_of(const char *word, size_t model)
{
    const cril_study_fit f = {.x = word, .y = "average"};
    cril_known x;
    cril_error err;

    check_ok(cril_study_coordinates(&study, &table, &f, model, &x, NULL, &err));
    return x;
}

static cril_known y_of(const char *word, size_t model)
{
    const cril_study_fit f = {.x = "average", .y = word};
    cril_known y;
    cril_error err;

    check_ok(cril_study_coordinates(&study, &table, &f, model, NULL, &y, &err));
    return y;
}

/* ---- Coordinates ---- */

static void test_means(void **state)
{
    (void)state;
    check_near(x_of("web", 0).value, 0.5, 0);
    check_near(x_of("text", 0).value, 0.625, 1e-15); /* of web and news */
    check_near(x_of("code", 0).value, 1, 0);         /* corpus and group alike */
    check_near(x_of("average", 0).value, 0.75,
               1e-15); /* of the three corpora, whatever their groups */
    check_near(y_of("quiz", 0).value, 0.75, 0);
    check_near(y_of("text", 0).value, 0.625, 1e-15); /* of 0.75, 0.625, 0.5 */
    check_near(y_of("code", 0).value, 0.375, 0);
    check_near(y_of("average", 0).value, 0.5, 1e-15);  /* of 0.625 and 0.375: groups alike */
    check_near(y_of("plain", 0).value, 0.5625, 1e-15); /* of the four */
    assert_int_equal(x_of("average", 0).origin, CRIL_ORIGIN_MEASURED);
    assert_int_equal(y_of("average", 0).origin, CRIL_ORIGIN_IMPORTED);
}

/* A text that tokens do not spell moves a model by what an archive needs for it. */
static void test_escapes(void **state)
{
    (void)state;
    bpc[0][0].escapes = 0.25;
    check_near(x_of("web", 0).value, 0.75, 0);
    check_near(x_of("text", 0).value, 0.75, 1e-15);
    check_near(x_of("code", 0).value, 1, 0);
    check_near(x_of("average", 0).value, 0.75 + 0.25 / 3, 1e-15);
}

static void test_errors(void **state)
{
    (void)state;
    check_near(x_of("web", 1).se, 0.01, 1e-15);
    check_near(x_of("text", 1).se, sqrt(0.01 * 0.01 + 0.02 * 0.02) / 2, 1e-15);
    check_near(x_of("average", 1).se, sqrt(0.01 * 0.01 + 0.02 * 0.02 + 0.03 * 0.03) / 3, 1e-15);
    assert_true(isnan(y_of("average", 1).se)); /* of scores none is known */
    bpc[1][1].se = NAN;                        /* one is not known, so the mean's is not */
    assert_true(isnan(x_of("average", 1).se) && isnan(x_of("text", 1).se));
    assert_true(x_of("code", 1).se > 0);
    bpc[1][1].se = 0; /* which is known, and exact */
    check_near(x_of("text", 1).se, 0.01 / 2, 1e-15);
    bpc[1][2].origin = CRIL_ORIGIN_IMPORTED;
    assert_int_equal(x_of("average", 1).origin, CRIL_ORIGIN_IMPORTED);
    assert_int_equal(x_of("text", 1).origin, CRIL_ORIGIN_MEASURED);
}

/* The study with its columns in another order. */
static cril_known reordered(const cril_known *row, const cril_study_corpus *columns, size_t n,
                            const size_t *order)
{
    enum { MAX_CORPORA = 8 };
    const cril_study_fit f = {.x = "average", .y = "average"};
    cril_study_corpus other[MAX_CORPORA];
    cril_known values[MAX_CORPORA], x;
    cril_study_info s = study;
    cril_study_table t = table;
    cril_error err;

    for (size_t i = 0; i < n; i++) {
        other[i] = columns[order[i]];
        values[i] = row[order[i]];
    }
    s.corpora = other;
    t.bpc = values;
    s.n_models = t.n_models = 1;
    s.n_corpora = t.n_corpora = n;
    check_ok(cril_study_coordinates(&s, &t, &f, 0, &x, NULL, &err));
    return x;
}

/* The bits of a mean do not depend on the order of its columns, nor on that of a mean of groups. */
static void test_order(void **state)
{
    enum { n = 5 };
    static const double values[n] = {0.1, 0.7, 0.3, 1e-3, 0.2}, errors[n] = {0.1, 1e-9, 3, 0.7, 2};
    static const cril_study_corpus columns[n] = {
        {.name = "a"}, {.name = "b"}, {.name = "c"}, {.name = "d"}, {.name = "e"}};
    cril_known row[n], first;
    size_t order[n] = {0, 1, 2, 3, 4};

    (void)state;
    for (size_t i = 0; i < n; i++)
        row[i] = (cril_known){
            .value = values[i], .se = errors[i], .origin = CRIL_ORIGIN_IMPORTED, .source = ""};
    first = reordered(row, columns, n, order);
    for (size_t k = 0; k < 40; k++) { /* neighbours change places */
        const size_t at = k % (n - 1), kept = order[at];
        cril_known x;

        order[at] = order[at + 1];
        order[at + 1] = kept;
        x = reordered(row, columns, n, order);
        assert_true(x.value == first.value && x.se == first.se);
    }
}

static void test_nothing_known(void **state)
{
    (void)state;
    bpc[2][0] = nothing;
    score[2][3] = nothing;
    assert_int_equal(x_of("average", 2).origin, CRIL_ORIGIN_NONE);
    assert_true(isnan(x_of("text", 2).value));
    assert_int_equal(x_of("code", 2).origin, CRIL_ORIGIN_MEASURED); /* which does not need it */
    assert_int_equal(y_of("average", 2).origin, CRIL_ORIGIN_NONE);
    assert_int_equal(y_of("text", 2).origin, CRIL_ORIGIN_IMPORTED);
}

/* ---- Points ---- */

static void check_points(const cril_study_fit *f, const size_t *want, size_t n, size_t n_lacking)
{
    cril_study_points p;
    cril_error err;

    check_ok(cril_study_points_get(&study, &table, f, &p, &err));
    assert_int_equal(p.n, n);
    assert_int_equal(p.n_lacking, n_lacking);
    for (size_t i = 0; i < n; i++) {
        cril_known x, y;

        assert_int_equal(p.model[i], want[i]);
        check_ok(cril_study_coordinates(&study, &table, f, want[i], &x, &y, &err));
        assert_true(p.x[i] == x.value && p.y[i] == y.value && p.x_se[i] == x.se);
        assert_true(isnan(p.y_se[i]) && isnan(y.se));
    }
    cril_study_points_free(&p);
}

static void test_selection(void **state)
{
    static const char *const small[] = {"small"}, *const no_family[] = {"-A"},
                             *const both[] = {"small", "C", "-b"};
    static const size_t all[] = {0, 1, 2, 3, 4}, tagged[] = {0, 2}, others[] = {2, 3},
                        mixed[] = {0, 3}, known[] = {0, 1, 3, 4};

    (void)state;
    check_points(&(cril_study_fit){.x = "average", .y = "average"}, all, 5, 0);
    check_points(&(cril_study_fit){.x = "web", .y = "quiz", .models = small, .n_models = 1}, tagged,
                 2, 0);
    check_points(&(cril_study_fit){.x = "web", .y = "quiz", .models = no_family, .n_models = 1},
                 others, 2, 0); /* a family and a model */
    check_points(&(cril_study_fit){.x = "web", .y = "quiz", .models = both, .n_models = 3}, mixed,
                 2, 0);
    bpc[2][0] = nothing;
    check_points(&(cril_study_fit){.x = "web", .y = "quiz"}, known, 4, 1);
    check_points(&(cril_study_fit){.x = "web", .y = "quiz", .models = no_family, .n_models = 1},
                 others + 1, 1, 1);
    check_points(&(cril_study_fit){.x = "news", .y = "quiz"}, all, 5, 0);
}

static void test_families(void **state)
{
    const cril_study_fit f = {.x = "average", .y = "average"};
    cril_study_points p;
    cril_error err;

    (void)state;
    check_ok(cril_study_points_get(&study, &table, &f, &p, &err));
    for (size_t i = 0; i < p.n; i++)
        for (size_t k = 0; k < p.n; k++)
            assert_int_equal(p.family[i] == p.family[k],
                             strcmp(models[i].family, models[k].family) == 0);
    cril_study_points_free(&p);
}

static void test_words(void **state)
{
    static const char *const unknown[] = {"nobody"}, *const none[] = {"C", "-C"};
    cril_study_points p;
    cril_error err;

    (void)state;
    assert_int_equal(cril_study_points_get(&study, &table,
                                           &(cril_study_fit){.x = "quiz", .y = "quiz"}, &p, &err),
                     CRIL_ERR_RANGE);
    assert_non_null(strstr(err.message, "s.yaml: x: \"quiz\" is of benchmarks"));
    assert_int_equal(cril_study_points_get(&study, &table,
                                           &(cril_study_fit){.x = "plain", .y = "quiz"}, &p, &err),
                     CRIL_ERR_RANGE);
    assert_int_equal(cril_study_points_get(&study, &table,
                                           &(cril_study_fit){.x = "web", .y = "quizz"}, &p, &err),
                     CRIL_ERR_RANGE);
    assert_non_null(strstr(err.message, "did you mean \"quiz\""));
    assert_int_equal(
        cril_study_points_get(
            &study, &table,
            &(cril_study_fit){.x = "web", .y = "quiz", .models = unknown, .n_models = 1}, &p, &err),
        CRIL_ERR_RANGE);
    assert_int_equal(cril_study_points_get(
                         &study, &table,
                         &(cril_study_fit){.x = "web", .y = "quiz", .models = none, .n_models = 2},
                         &p, &err),
                     CRIL_ERR_RANGE);
}

/* ---- Lines ---- */

static void check_york(const cril_study_fit *f, bool want)
{
    cril_study_line l;
    cril_error err;

    check_ok(cril_study_line_fit(&study, &table, f, NULL, &l, &err));
    assert_int_equal(l.is_york, want);
    cril_study_line_free(&l);
}

static void test_line(void **state)
{
    const cril_study_fit f = {.x = "average", .y = "average"};
    cril_study_line l;
    cril_line plain;
    cril_error err;

    (void)state;
    check_ok(cril_study_line_fit(&study, &table, &f, NULL, &l, &err));
    check_ok(cril_line_fit(&l.points, 0.95, &plain, &err));
    assert_memory_equal(&plain, &l.line, sizeof(plain));
    assert_true(!l.is_york && l.has_both); /* no model's error of its score is known */
    assert_int_equal(l.over_models.n_units, 5);
    assert_int_equal(l.over_families.n_units, 4);
    assert_int_equal(l.left_out.n_families, 4);
    cril_study_line_free(&l);
    for (size_t m = 0; m < N_MODELS; m++)
        for (size_t i = 0; i < N_BENCHMARKS; i++)
            score[m][i].se = 0.02;
    check_york(&f, true);
    bpc[0][0].se = NAN;
    check_york(&f, false);
    bpc[0][0].se = 0.01;
    score[4][3].se = NAN;
    check_york(&f, false);
    for (size_t i = 0; i < N_BENCHMARKS; i++)
        score[4][i].se = 0;
    check_york(&f, true); /* exact is known */
    for (size_t i = 0; i < N_CORPORA; i++)
        bpc[4][i].se = 0;
    check_york(&f, false); /* in both: no line can weigh it */
}

static void test_too_few(void **state)
{
    static const char *const words[] = {"small", "C"};
    const cril_study_fit f = {.x = "web", .y = "quiz", .models = words, .n_models = 2};
    cril_study_line l = {0};
    cril_error err;

    (void)state;
    check_ok(cril_study_line_fit(&study, &table, &f, NULL, &l, &err)); /* 3 will do */
    assert_int_equal(l.left_out.n_families_used, 0);                   /* but for leaving out */
    cril_study_line_free(&l);
    bpc[2][0] = nothing;
    assert_int_equal(cril_study_line_fit(&study, &table, &f, NULL, &l, &err), CRIL_ERR_RANGE);
    assert_non_null(
        strstr(err.message, "2 models have all figures for quiz against web; a line needs 3"));
    assert_non_null(strstr(err.message, "lacking: b"));
}

/* ---- The paper ---- */

/* Huang, Zhang, Shan & He 2024, arXiv:2404.09937v2: Figure 1 and Tables 5, 7 and 9, as printed.
 * RMSE is of scores from 0 to 1. */
static const struct {
    const char *fit;
    double pearson, rmse;
    size_t n; /* models */
} paper[] = {
    {"overall", -0.931, 0.031, 19},
    {"knowledge", -0.935, 0.019, 19},
    {"HellaSwag", -0.881, 0.016, 19},
    {"ARC-Challenge", -0.913, 0.023, 19},
    {"NaturalQuestions", -0.925, 0.023, 19},
    {"TriviaQA", -0.951, 0.022, 19},
    {"MMLU", -0.890, 0.021, 19},
    {"coding", -0.937, 0.040, 28},
    {"HumanEval", -0.903, 0.050, 28},
    {"MBPP", -0.916, 0.055, 28},
    {"DS-1000", -0.946, 0.032, 28},
    {"math", -0.953, 0.031, 19},
    {"GSM8K", -0.922, 0.068, 19},
    {"MATH", -0.899, 0.033, 19},
    {"SAT-Math", -0.933, 0.044, 19},
    {"MMLU-Math", -0.916, 0.022, 19},
};

static void import(cril_store *s, cril_figure_kind kind, const char *path)
{
    cril_figures f;
    cril_error err;
    size_t changed;

    check_ok(cril_figures_read(path, kind, NULL, &f, &err));
    for (size_t i = 0; i < f.n; i++)
        assert_memory_equal(f.rows[i].source, "arXiv:2404.09937v2 Table ", 25);
    check_ok(cril_store_import(s, kind, f.rows, f.n, &changed, &err));
    assert_int_equal(changed, f.n);
    cril_figures_free(&f);
}

static const cril_study_fit *find_fit(const cril_study_info *s, const char *name)
{
    for (size_t i = 0; i < s->n_fits; i++)
        if (strcmp(s->fits[i].name, name) == 0)
            return &s->fits[i];
    fail_msg("no fit %s", name);
    return NULL;
}

static void test_paper(void **state)
{
    char database[] = "/tmp/cril-axis-XXXXXX";
    const int fd = mkstemp(database);
    const cril_study_info *s;
    cril_study_table t;
    cril_study_line l;
    cril_study *example;
    cril_store *store;
    cril_error err;

    (void)state;
    assert_true(fd >= 0);
    close(fd);
    check_ok(cril_study_load(CRIL_TEST_DATA "/../examples/paper/study.yaml", &example, &err));
    s = cril_study_info_of(example);
    assert_int_equal(s->n_models, 31);
    check_ok(cril_store_open(database, NULL, &store, &err));
    import(store, CRIL_FIGURE_BPC, CRIL_TEST_DATA "/../examples/paper/bpc.csv");
    import(store, CRIL_FIGURE_SCORE, CRIL_TEST_DATA "/../examples/paper/scores.csv");
    check_ok(cril_store_table(store, s, &s->protocols[0], &t, &err));
    for (size_t i = 0; i < sizeof(paper) / sizeof(*paper); i++) {
        check_ok(cril_study_line_fit(s, &t, find_fit(s, paper[i].fit), NULL, &l, &err));
        assert_int_equal(l.line.n, paper[i].n);
        check_near(l.line.pearson, paper[i].pearson, 0.004);
        check_near(l.line.rmse, paper[i].rmse, 0.002);
        cril_study_line_free(&l);
    }
    /* The paper's appendix describes this mean, and its Figure 1 shows the other one. */
    check_ok(
        cril_study_line_fit(s, &t, find_fit(s, "plain mean of 12 benchmarks"), NULL, &l, &err));
    check_near(l.line.pearson, -0.942, 0.0005);
    check_near(l.line.rmse, 0.027, 0.0005);
    cril_study_line_free(&l);
    cril_study_table_free(&t);
    cril_store_close(store);
    cril_study_close(example);
    unlink(database);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_means, fill),
        cmocka_unit_test_setup(test_escapes, fill),
        cmocka_unit_test_setup(test_errors, fill),
        cmocka_unit_test_setup(test_order, fill),
        cmocka_unit_test_setup(test_nothing_known, fill),
        cmocka_unit_test_setup(test_selection, fill),
        cmocka_unit_test_setup(test_families, fill),
        cmocka_unit_test_setup(test_words, fill),
        cmocka_unit_test_setup(test_line, fill),
        cmocka_unit_test_setup(test_too_few, fill),
        cmocka_unit_test(test_paper),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
