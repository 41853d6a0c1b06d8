/* Tables of published figures: what is read, and each fault with its line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <cril/study.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char path[] = "/tmp/cril-figures-XXXXXX";

static void put(const char *text, size_t len)
{
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

static cril_status read_text(cril_figure_kind kind, const char *text, const char *prefix,
                             cril_figures *out, cril_error *err)
{
    put(text, strlen(text));
    return cril_figures_read(path, kind, prefix, out, err);
}

static void expect_row(const cril_figure *f, const char *model, const char *of, double value,
                       const char *source, size_t line)
{
    assert_string_equal(f->model, model);
    assert_string_equal(f->of, of);
    assert_true(f->value == value);
    assert_string_equal(f->source, source);
    assert_int_equal(f->line, line);
}

static void test_bpc(void **state)
{
    cril_figures f;
    cril_error err;

    (void)state;
    assert_int_equal(read_text(CRIL_FIGURE_BPC,
                               "\xEF\xBB\xBFmodel,family,corpus,bpc,se,source\r\n"
                               "B,b,cc,0.5,,x\r\n"
                               "\r\n"
                               "\"A, \"\"the\nfirst\"\"\",,cc,6.5e-1,0.01,\"y\"\n"
                               "B,b,cc,0.5,,the same again\n"
                               "B,b,python,0.25,0,",
                               NULL, &f, &err),
                     CRIL_OK);
    assert_int_equal(f.n, 3);
    expect_row(&f.rows[0], "B", "cc", 0.5, "x", 2);
    expect_row(&f.rows[1], "A, \"the\nfirst\"", "cc", 0.65, "y", 4);
    expect_row(&f.rows[2], "B", "python", 0.25, "", 7);
    assert_true(isnan(f.rows[0].se) && f.rows[1].se == 0.01 && f.rows[2].se == 0);
    cril_figures_free(&f);
    cril_figures_free(&f);
}

static void test_scores(void **state)
{
    cril_figures f;
    cril_error err;

    (void)state;
    assert_int_equal(read_text(CRIL_FIGURE_SCORE, "benchmark,score,model\nGSM8K,0,M\nMMLU,100,M\n",
                               NULL, &f, &err),
                     CRIL_OK);
    assert_int_equal(f.n, 2);
    expect_row(&f.rows[0], "M", "GSM8K", 0, "", 2);
    expect_row(&f.rows[1], "M", "MMLU", 1, "", 3);
    cril_figures_free(&f);
}

/* Scores that are all at most 1 may be percent or fractions: it is asked, benchmark by benchmark.
 */
static void test_units(void **state)
{
    static const char asks[] = "are they percent or fractions of 1? say so in a column \"unit\"";
    cril_figures f;
    cril_error err;

    (void)state;
    assert_int_equal(read_text(CRIL_FIGURE_SCORE,
                               "model,benchmark,score\nM,A,40\nM,B,0.31\nN,A,50\nN,B,1\n", NULL, &f,
                               &err),
                     CRIL_ERR_FORMAT);
    assert_non_null(strstr(err.message, ":3: all scores of B are at most 1"));
    assert_non_null(strstr(err.message, asks));
    assert_int_equal(
        read_text(CRIL_FIGURE_SCORE, "model,benchmark,score,se\nM,A,0,0.1\n", NULL, &f, &err),
        CRIL_ERR_FORMAT);
    assert_non_null(strstr(err.message, asks));
    /* of the rows of one source */
    assert_int_equal(read_text(CRIL_FIGURE_SCORE,
                               "model,benchmark,score,source\nM,A,0.5,x\nN,A,50,y\n", "x", &f,
                               &err),
                     CRIL_ERR_FORMAT);
    assert_non_null(strstr(err.message, asks));
    /* one above 1 settles it, and so does the column */
    assert_int_equal(read_text(CRIL_FIGURE_SCORE,
                               "model,benchmark,score\nM,A,0.5\nN,A,1.5\nM,B,0\n", NULL, &f, &err),
                     CRIL_OK);
    expect_row(&f.rows[0], "M", "A", 0.005, "", 2);
    cril_figures_free(&f);
    assert_int_equal(read_text(CRIL_FIGURE_SCORE,
                               "model,benchmark,unit,score,se\nM,A,percent,0.5,0.25\n"
                               "M,B,fraction,0.5,0.25\nN,B,fraction,1,\n",
                               NULL, &f, &err),
                     CRIL_OK);
    expect_row(&f.rows[0], "M", "A", 0.005, "", 2);
    expect_row(&f.rows[1], "M", "B", 0.5, "", 3);
    expect_row(&f.rows[2], "N", "B", 1, "", 4);
    assert_true(f.rows[0].se == 0.0025 && f.rows[1].se == 0.25);
    cril_figures_free(&f);
}

static void test_sources(void **state)
{
    static const char text[] =
        "model,benchmark,score,source\nM,A,10,paper Table 4\nM,A,20,card\nN,A,30,paper Table 5\n";
    cril_figures f;
    cril_error err;

    (void)state;
    assert_int_equal(read_text(CRIL_FIGURE_SCORE, text, NULL, &f, &err), CRIL_ERR_FORMAT);
    assert_non_null(strstr(err.message, ":3: M on A has another value than in line 2"));
    assert_int_equal(read_text(CRIL_FIGURE_SCORE, text, "paper", &f, &err), CRIL_OK);
    assert_int_equal(f.n, 2);
    expect_row(&f.rows[1], "N", "A", 0.3, "paper Table 5", 4);
    cril_figures_free(&f);
    assert_int_equal(read_text(CRIL_FIGURE_SCORE, text, "paper Table 6", &f, &err), CRIL_ERR_EMPTY);
}

static void test_faults(void **state)
{
    static const struct {
        cril_figure_kind kind;
        const char *text, *says;
        cril_status status;
    } cases[] = {
        {CRIL_FIGURE_BPC, "", "lacks the column \"model\"", CRIL_ERR_FORMAT},
        {CRIL_FIGURE_BPC, "model,corpus,bpc\n", "has no row", CRIL_ERR_EMPTY},
        {CRIL_FIGURE_BPC, "model,corpus\nM,c\n", ":1: lacks the column \"bpc\"", CRIL_ERR_FORMAT},
        {CRIL_FIGURE_BPC, "model,corpus,bpc,bits\nM,c,1,2\n", ":1: \"bits\" is no column",
         CRIL_ERR_FORMAT},
        {CRIL_FIGURE_BPC, "model,corpus,bpc,bpc\nM,c,1,2\n", ":1: has two columns \"bpc\"",
         CRIL_ERR_FORMAT},
        {CRIL_FIGURE_SCORE, "model,corpus,bpc\nM,c,1\n", ":1: \"corpus\" is no column",
         CRIL_ERR_FORMAT},
        {CRIL_FIGURE_BPC, "model,corpus,bpc\nM,c\n", ":2: has 2 fields, the first line has 3",
         CRIL_ERR_FORMAT},
        {CRIL_FIGURE_BPC, "model,corpus,bpc\nM,c,1,2\n", ":2: has 4 fields, the first line has 3",
         CRIL_ERR_FORMAT},
        {CRIL_FIGURE_BPC, "model,corpus,bpc\nM,c,1\nM,,1\n", ":3: corpus is empty",
         CRIL_ERR_FORMAT},
        {CRIL_FIGURE_BPC, "model,corpus,bpc\n,c,1\n", ":2: model is empty", CRIL_ERR_FORMAT},
        {CRIL_FIGURE_BPC, "model,corpus,bpc\nM,c,nan\n", ":2: bpc is \"nan\"", CRIL_ERR_FORMAT},
        {CRIL_FIGURE_BPC, "model,corpus,bpc\nM,c,inf\n", ":2: bpc is \"inf\"", CRIL_ERR_FORMAT},
        {CRIL_FIGURE_BPC, "model,corpus,bpc\nM,c,0x1p0\n", ":2: bpc is \"0x1p0\"", CRIL_ERR_FORMAT},
        {CRIL_FIGURE_BPC, "model,corpus,bpc\nM,c, 1\n", ":2: bpc is \" 1\"", CRIL_ERR_FORMAT},
        {CRIL_FIGURE_BPC, "model,corpus,bpc\nM,c,\n", ":2: bpc is \"\"", CRIL_ERR_FORMAT},
        {CRIL_FIGURE_BPC, "model,corpus,bpc\nM,c,1e999\n", ":2: bpc is 1e999", CRIL_ERR_FORMAT},
        {CRIL_FIGURE_BPC, "model,corpus,bpc\nM,c,0\n", ":2: bpc is 0", CRIL_ERR_FORMAT},
        {CRIL_FIGURE_BPC, "model,corpus,bpc\nM,c,-0.5\n", ":2: bpc is -0.5", CRIL_ERR_FORMAT},
        {CRIL_FIGURE_BPC, "model,corpus,bpc,se\nM,c,0.5,-1\n", ":2: se is -1", CRIL_ERR_FORMAT},
        {CRIL_FIGURE_SCORE, "model,benchmark,score\nM,b,140\n",
         ":2: score is 140; it can be 0 to 100", CRIL_ERR_FORMAT},
        {CRIL_FIGURE_SCORE, "model,benchmark,score\nM,b,14%\n", ":2: score is \"14%\"",
         CRIL_ERR_FORMAT},
        {CRIL_FIGURE_SCORE, "model,benchmark,score,unit\nM,b,14,\n",
         ":2: unit is \"\"; it can be percent (0 to 100) or fraction (0 to 1)", CRIL_ERR_FORMAT},
        {CRIL_FIGURE_SCORE, "model,benchmark,score,unit\nM,b,14,%\n", ":2: unit is \"%\"",
         CRIL_ERR_FORMAT},
        {CRIL_FIGURE_SCORE, "model,benchmark,score,unit\nM,b,14,fraction\n",
         ":2: score is 14; it can be 0 to 1", CRIL_ERR_FORMAT},
        {CRIL_FIGURE_SCORE, "model,benchmark,score,unit,se\nM,b,0.5,fraction,1.5\n",
         ":2: se is 1.5; it can be 0 to 1", CRIL_ERR_FORMAT},
        {CRIL_FIGURE_BPC, "model,corpus,bpc,unit\nM,c,1,percent\n", ":1: \"unit\" is no column",
         CRIL_ERR_FORMAT},
        {CRIL_FIGURE_BPC, "model,corpus,bpc\nM,\"c,1\n", ":2: a quote is opened here",
         CRIL_ERR_FORMAT},
        {CRIL_FIGURE_BPC, "model,corpus,bpc\nM,\"c\"d,1\n", ":2: text follows a quoted field",
         CRIL_ERR_FORMAT},
    };
    cril_figures f;
    cril_error err;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        assert_int_equal(read_text(cases[i].kind, cases[i].text, NULL, &f, &err), cases[i].status);
        if (!strstr(err.message, cases[i].says))
            fail_msg("case %zu says: %s", i, err.message);
        assert_non_null(strstr(err.message, path));
    }
    put("model,corpus,bpc\nM\0,c,1\n", 24);
    assert_int_equal(cril_figures_read(path, CRIL_FIGURE_BPC, NULL, &f, &err), CRIL_ERR_FORMAT);
    assert_int_equal(cril_figures_read("/nowhere/at/all", CRIL_FIGURE_BPC, NULL, &f, &err),
                     CRIL_ERR_IO);
}

static void test_columns(void **state)
{
    char text[1000] = "model,corpus,bpc";
    cril_figures f;
    cril_error err;

    (void)state;
    for (int i = 0; i < 70; i++)
        strcat(text, ",source");
    assert_int_equal(read_text(CRIL_FIGURE_BPC, text, NULL, &f, &err), CRIL_ERR_FORMAT);
    assert_non_null(strstr(err.message, "more than 64 columns"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bpc),    cmocka_unit_test(test_scores),
        cmocka_unit_test(test_units),  cmocka_unit_test(test_sources),
        cmocka_unit_test(test_faults), cmocka_unit_test(test_columns),
    };
    const int fd = mkstemp(path);
    int failed;

    if (fd < 0)
        return 1;
    close(fd);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path);
    return failed;
}
