/*
 * The report as a page: well formed whatever names say, all models on it, the same bytes each time,
 * and a page also where there is little to show. How it looks is for eyes; what can be computed of
 * that (contrast, names that cover each other) is here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "html_check.h"
#include "report/labels.h"
#include "report/markup.h"
#include "report/scale.h"

#include <cril/html.h>
#include <locale.h>
#include <math.h>

#define PAPER CRIL_TEST_DATA "/../examples/paper/"

/* ---- Pages ---- */

struct page {
    char *text;
    size_t len;
};

static size_t occurrences(const char *text, const char *of)
{
    size_t n = 0;

    for (; (text = strstr(text, of)); text += strlen(of))
        n++;
    return n;
}

/* Tables count from 1 as they come. */
static void check_tables(const char *text)
{
    const size_t n = occurrences(text, "<b>Table ");

    for (size_t i = 1; i <= n; i++) {
        char number[32];

        snprintf(number, sizeof(number), "<b>Table %zu.</b>", i);
        text = strstr(text, number);
        assert_non_null(text);
    }
}

static struct page make(const cril_study_info *s, const cril_study_table *t,
                        const cril_report_options *o)
{
    struct page p = {0};
    FILE *f = open_memstream(&p.text, &p.len);
    cril_error err = {.message = ""};
    const char *fault, *where = "";

    assert_non_null(f);
    if (cril_study_report(f, s, t, o, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    assert_int_equal(fclose(f), 0);
    if ((fault = html_check(p.text, p.len, &where)))
        fail_msg("%s: %.80s", fault, where);
    assert_null(strstr(p.text, "nan"));
    assert_null(strstr(p.text, "inf,"));
    check_tables(p.text);
    return p;
}

/* ---- A small study ---- */

enum { MODELS = 6, CORPORA = 2, BENCHMARKS = 3 };

struct small {
    cril_study_model models[MODELS];
    cril_study_corpus corpora[CORPORA];
    cril_study_benchmark benchmarks[BENCHMARKS];
    cril_study_fit fits[3];
    cril_study_protocol protocol;
    cril_study_info info;
    cril_known bpc[MODELS * CORPORA], score[MODELS * BENCHMARKS];
    cril_study_table table;
};

static const char *const plain_names[MODELS] = {"Ada-1b", "Ada-3b", "Bea-1b",
                                                "Bea-7b", "Cid-2b", "Dot-4b"};
static const char *const plain_families[MODELS] = {"Ada", "Ada", "Bea", "Bea", "Cid", "Dot"};

static void fill(struct small *s)
{
    for (size_t m = 0; m < MODELS; m++) {
        const double x = 0.9 - 0.05 * (double)m;

        s->models[m] = (cril_study_model){.name = plain_names[m], .family = plain_families[m]};
        for (size_t c = 0; c < CORPORA; c++)
            s->bpc[m * CORPORA + c] = (cril_known){.value = x - 0.1 * (double)c,
                                                   .se = 0.004,
                                                   .origin = CRIL_ORIGIN_MEASURED,
                                                   .source = ""};
        for (size_t b = 0; b < BENCHMARKS; b++)
            s->score[m * BENCHMARKS + b] =
                (cril_known){.value = 1.2 - x + 0.02 * (double)((m * 5 + b * 3) % 4),
                             .se = NAN,
                             .origin = CRIL_ORIGIN_IMPORTED,
                             .source = b ? "table 2" : "table 1"};
    }
}

static struct small *make_small(void)
{
    static struct small s;

    memset(&s, 0, sizeof(s));
    fill(&s);
    s.corpora[0] = (cril_study_corpus){.name = "web", .group = "web"};
    s.corpora[1] = (cril_study_corpus){.name = "python", .group = "coding"};
    s.benchmarks[0] = (cril_study_benchmark){.name = "MMLU", .group = "web"};
    s.benchmarks[1] = (cril_study_benchmark){.name = "MBPP", .group = "coding"};
    s.benchmarks[2] = (cril_study_benchmark){.name = "HumanEval", .group = "coding"};
    s.fits[0] = (cril_study_fit){.name = "overall", .x = "average", .y = "average"};
    s.fits[1] = (cril_study_fit){.name = "coding", .x = "python", .y = "coding"};
    s.fits[2] = (cril_study_fit){.name = "web", .x = "web", .y = "MMLU"};
    s.protocol = (cril_study_protocol){.name = "hkust", .context = 1900, .stride = 512};
    s.info = (cril_study_info){.path = "lab/a study.yaml",
                               .title = "A small study",
                               .database = "x.db",
                               .models = s.models,
                               .corpora = s.corpora,
                               .benchmarks = s.benchmarks,
                               .protocols = &s.protocol,
                               .fits = s.fits,
                               .n_models = MODELS,
                               .n_corpora = CORPORA,
                               .n_benchmarks = BENCHMARKS,
                               .n_protocols = 1,
                               .n_fits = 3};
    s.table = (cril_study_table){.n_models = MODELS,
                                 .n_corpora = CORPORA,
                                 .n_benchmarks = BENCHMARKS,
                                 .bpc = s.bpc,
                                 .score = s.score};
    return &s;
}

static void forget(cril_known *k)
{
    *k = (cril_known){.value = NAN, .se = NAN, .source = ""};
}

static void says_what_is_known(void **state)
{
    const char *hash = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    const cril_report_identity models[] = {{.name = "Ada-1b", .sha256 = hash}},
                               corpora[] = {{.name = "web", .sha256 = hash}};
    const cril_report_baseline baselines[] = {
        {"web", "xz -9", 2.125}, {"web", "zstd -19", 2.25}, {"other", "bzip2 -9", 2}};
    const cril_report_options o = {.baselines = baselines,
                                   .n_baselines = 3,
                                   .models = models,
                                   .n_identified_models = 1,
                                   .corpora = corpora,
                                   .n_identified_corpora = 1,
                                   .version = "9.8.7",
                                   .numerics = 6,
                                   .date = "1 May 2031"};
    struct small *s = make_small();
    struct page p = make(&s->info, &s->table, &o);

    (void)state;
    for (size_t m = 0; m < MODELS;
         m++) { /* two scatters, three panels, leaderboard, residuals at least */
        assert_true(occurrences(p.text, plain_names[m]) >= 7);
        assert_non_null(strstr(p.text, plain_families[m]));
    }
    assert_non_null(strstr(p.text, "<title>A small study: a cril report</title>"));
    assert_non_null(strstr(p.text, "Across 6 models of 4 families"));
    assert_non_null(strstr(p.text, "xz -9 2.13"));
    assert_null(strstr(p.text, "bzip2"));
    assert_int_equal(occurrences(p.text, hash), 2);
    assert_non_null(strstr(p.text, "cril 9.8.7, numerics 6"));
    assert_non_null(strstr(p.text, "1 May 2031"));
    assert_non_null(
        strstr(p.text, "here with a context of 1900 tokens and a stride of 512 tokens"));
    assert_non_null(strstr(p.text, "href=\"#compressors\""));
    assert_non_null(strstr(p.text, "cril study run 'a study.yaml'"));
    assert_non_null(strstr(p.text, "<bdi>table 2</bdi>"));
    assert_null(strstr(p.text, "lab/")); /* folders are nobody's business */
    assert_null(strstr(p.text, "<script"));
    assert_null(strstr(p.text, "src="));
    free(p.text);
}

/* ---- Leak scores ---- */

/* Of the fit of MMLU: models above the line first, then those that are not on it; a model of which
 * nothing is known has no row. */
static void puts_leak_scores_beside_the_line(void **state)
{
    static const cril_study_leak leaks[] = {{.benchmark = "MMLU"}, {.benchmark = "MBPP"}};
    const cril_report_leak scores[] = {
        {0, "MMLU", "test", 100, 100, .75, .7, .8, .5, .4, .6},
        {0, "MMLU", "train", 100, 100, .875, .8, .95, .82, .7, .9},
        {3, "MMLU", "test", 19, 100, .25, .2, .3, .56, .4, .6},
        {5, "MMLU", "train", 100, 100, .6, .5, .7, .5, .4, .6},
    };
    const cril_report_options o = {.leaks = scores, .n_leaks = 4};
    struct small *s = make_small();
    struct page p;
    const char *section, *rows[3];

    (void)state;
    s->info.leaks = leaks;
    s->info.n_leaks = 2;
    s->score[5 * BENCHMARKS].value += .3; /* far above */
    p = make(&s->info, &s->table, &o);
    section = strstr(p.text, "<section id=\"leaks\">");
    assert_non_null(section);
    assert_int_equal(occurrences(section, "<bdi>MMLU</bdi></th>"), 1);
    assert_null(strstr(section, "<bdi>MBPP</bdi></th>"));
    rows[0] = strstr(section, "<bdi>Dot-4b</bdi> <em>above the line</em></th><td>+");
    rows[1] = strstr(section, "<bdi>Ada-1b</bdi></th>");
    rows[2] = strstr(section, "<bdi>Bea-7b</bdi></th>");
    for (size_t i = 0; i < 3; i++)
        assert_true(rows[i] && rows[i] < strstr(section, "</section>"));
    assert_true(rows[0] < rows[1] && rows[0] < rows[2]);
    assert_null(strstr(section, "<bdi>Ada-3b</bdi></th>"));
    assert_non_null(strstr(rows[1], "<td><b>0.750</b></td><td>0.700 to 0.800</td><td>0.500</td>"
                                    "<td><b>0.875</b></td><td>0.800 to 0.950</td><td>0.820 "
                                    "<em>texts differ</em></td></tr>"));
    assert_non_null(strstr(rows[2], "<td>0.560 <em>too few texts</em></td><td>–</td><td>–</td>"));
    free(p.text);
    p = make(&s->info, &s->table, NULL);
    assert_null(strstr(p.text, "id=\"leaks\""));
    free(p.text);
}

/* ---- Unspelled text ---- */

/* Where a model's row begins in the leaderboard. */
static const char *row_of(const struct page *p, size_t model)
{
    const char *board = strstr(p->text, "id=\"leaderboard\"");

    assert_non_null(board);
    const char *row = strstr(board, plain_names[model]);
    assert_non_null(row);
    return row;
}

/* The last model has the fewest bits, as its tokens leave out most of the text: it is marked, and
   ordered by what an archive needs. */
static void gives_unspelled_text_no_rank(void **state)
{
    struct small *s = make_small();
    cril_known *k = &s->bpc[(MODELS - 1) * CORPORA];
    struct page p = make(&s->info, &s->table, NULL);

    (void)state;
    assert_true(row_of(&p, MODELS - 1) < row_of(&p, 0));
    assert_null(strstr(p.text, "#unspelled"));
    free(p.text);
    k->unspelled_characters = 900;
    k->unspelled_documents = 3;
    k->escapes = 20;
    p = make(&s->info, &s->table, NULL);
    assert_true(row_of(&p, MODELS - 1) > row_of(&p, 0));
    assert_int_equal(occurrences(p.text, "<a href=\"#unspelled\">*</a>"), 2); /* mean and corpus */
    assert_int_equal(occurrences(p.text, "tokens do not spell all of the text"), 1);
    assert_non_null(strstr(p.text, "up to 20.0000 bits per character more"));
    free(p.text);
}

/* ---- Hostile text ---- */

static const char *const hostile[MODELS] = {
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onload='x' & &lt; ]]> -->",
    "\x01\x1b[31m\x7f \xff\xfe\xc0\x80 \xed\xa0\x80 \xef\xbf\xbf tab\tline\nend",
    "\xE2\x80\xAE\xE2\x81\xA6 \xD7\xA9\xD7\x9C\xD7\x95\xD7\x9D \xD8\xB3\xD9\x84\xD8\xA7\xD9\x85",
    "\xE6\xA8\xA1\xE5\x9E\x8B",
};

static void escapes_what_comes_from_outside(void **state)
{
    struct small *s = make_small();
    cril_report_identity names[MODELS];
    cril_report_baseline baselines[MODELS];
    cril_report_options o = {.models = names,
                             .n_identified_models = MODELS,
                             .baselines = baselines,
                             .n_baselines = MODELS};
    char *longest = malloc(70001);
    struct page p;

    (void)state;
    assert_non_null(longest);
    memset(longest, 'w', 70000);
    longest[70000] = '\0';
    for (size_t m = 0; m < MODELS; m++) {
        s->models[m].name = m == 5 ? longest : hostile[m];
        s->models[m].family = hostile[(m + 1) % MODELS];
        names[m] = (cril_report_identity){.name = s->models[m].name, .sha256 = hostile[m]};
        baselines[m] = (cril_report_baseline){hostile[0], hostile[m], 1 + 0.01 * (double)m};
        s->score[m * BENCHMARKS].source = hostile[m];
    }
    s->info.title = hostile[0];
    s->info.path = "/tmp/<b>'\"&.yaml";
    s->corpora[0].name = s->corpora[0].group = hostile[0];
    s->benchmarks[0].name = hostile[1];
    s->benchmarks[0].group = hostile[2];
    s->fits[0].name = s->fits[2].name = hostile[3];
    s->fits[2].x = hostile[0];
    s->fits[2].y = hostile[1];
    s->protocol.name = hostile[1];
    o.version = o.date = hostile[1];
    p = make(&s->info, &s->table, &o);
    assert_non_null(strstr(p.text, "&lt;script&gt;alert(1)&lt;/script&gt;"));
    assert_null(strstr(p.text, "<script"));
    assert_null(strstr(p.text, "<img"));
    assert_null(strstr(p.text, "\xE2\x80\xAE"));
    assert_null(strstr(p.text, "\xff"));
    assert_true(p.len < 3000000);
    free(p.text);
    free(longest);
}

/* ---- Little to show ---- */

static void shows_a_dash_for_what_is_not_known(void **state)
{
    struct small *s = make_small();
    struct page p;

    (void)state;
    forget(&s->bpc[0]);
    s->bpc[1].origin = CRIL_ORIGIN_IMPORTED; /* a mean that is not known has no sources */
    s->bpc[1].source = "a table";
    forget(&s->score[1 * BENCHMARKS + 1]);
    p = make(&s->info, &s->table, NULL);
    assert_non_null(strstr(
        p.text,
        "<tr><td class=\"n\">–</td><th scope=\"row\"><bdi>Ada-1b</bdi></th><td><b>–</b></td>"));
    assert_non_null(strstr(
        p.text,
        "Not in this line, as a number is not known (2): <bdi>Ada-1b</bdi>, <bdi>Ada-3b</bdi>."));
    assert_non_null(strstr(p.text, "Across 4 models"));
    free(p.text);
}

static void says_what_3_models_cannot_show(void **state)
{
    struct small *s = make_small();
    struct page p;

    (void)state;
    s->info.n_models = s->table.n_models = 3;
    p = make(&s->info, &s->table, NULL);
    assert_non_null(strstr(p.text, "Three models leave one degree of freedom"));
    assert_non_null(strstr(p.text, "3 models are too few to tell"));
    free(p.text);
}

static size_t at(const struct page *p, const char *text)
{
    const char *found = strstr(p->text, text);

    if (!found)
        fail_msg("the page lacks: %s", text);
    return (size_t)(found - p->text);
}

/* Below six models a line says little: the ranking leads, and the line is an aside. */
static void ranking_leads_where_models_are_few(void **state)
{
    struct small *s = make_small();
    struct page p;

    (void)state;
    p = make(&s->info, &s->table, NULL);
    assert_true(at(&p, "class=\"plot wide\"") < at(&p, "id=\"board\""));
    assert_non_null(strstr(p.text, "<p class=\"lead\">Across 6 models"));
    assert_null(strstr(p.text, "id=\"line\""));
    free(p.text);
    s->info.n_models = s->table.n_models = 5;
    p = make(&s->info, &s->table, NULL);
    assert_true(at(&p, "id=\"board\"") < at(&p, "class=\"plot wide\""));
    assert_true(
        at(&p, "<p class=\"lead\">Of 5 models, <b><bdi>Cid-2b</bdi></b> needs the fewest bits "
               "per character, <b>0.6500</b> (mean of 2 corpora); next is "
               "<b><bdi>Bea-7b</bdi></b> with 0.7000, 7.7&nbsp;% more.") < at(&p, "id=\"board\""));
    assert_true(at(&p, "id=\"board\"") < at(&p, "<p>Across 5 models"));
    free(p.text);
}

/* What opens a study without scores is its ranking, not what it lacks. */
static void ranking_leads_without_scores(void **state)
{
    struct small *s = make_small();
    struct page p;

    (void)state;
    for (size_t i = 0; i < MODELS * BENCHMARKS; i++)
        forget(&s->score[i]);
    p = make(&s->info, &s->table, NULL);
    assert_true(at(&p, "<p class=\"lead\">Of 6 models, ") < at(&p, "id=\"board\""));
    assert_true(at(&p, "id=\"board\"") <
                at(&p, "No line yet for <bdi>overall</bdi>: 0 models have"));
    free(p.text);
    s->info.n_benchmarks = s->table.n_benchmarks = s->info.n_fits = 0;
    p = make(&s->info, &s->table, NULL);
    assert_non_null(strstr(p.text, "<p class=\"lead\">Of 6 models, "));
    assert_null(strstr(p.text, "No line"));
    assert_null(strstr(p.text, "<dt>Line</dt>"));
    free(p.text);
    s->info.n_models = s->table.n_models = s->info.n_corpora = s->table.n_corpora = 1;
    p = make(&s->info, &s->table, NULL);
    assert_non_null(strstr(p.text,
                           "<p class=\"lead\"><b><bdi>Ada-1b</bdi></b> needs <b>0.9000</b> bits "
                           "per character on web.</p>"));
    free(p.text);
}

static void shows_ties(void **state)
{
    static const char first[] = "<tr><td class=\"n\">1=</td>",
                      third[] = "<tr><td class=\"n\">3</td>";
    struct small *s = make_small();
    struct page p;

    (void)state;
    p = make(&s->info, &s->table, NULL);
    assert_null(strstr(p.text, "=</td>"));
    free(p.text);
    for (size_t c = 0; c < CORPORA; c++) /* equal sums but for rounding */
        s->bpc[4 * CORPORA + c].value =
            s->bpc[5 * CORPORA + CORPORA - 1 - c].value + (c ? 4e-16 : 0);
    p = make(&s->info, &s->table, NULL);
    assert_int_equal(occurrences(p.text, first), 2);
    assert_int_equal(occurrences(p.text, third), 1);
    assert_null(strstr(p.text, "<td class=\"n\">2</td>"));
    assert_non_null(strstr(p.text, "=: the same figure as another model’s."));
    free(p.text);
    s->info.n_models = s->table.n_models = 5;
    s->bpc[3 * CORPORA] = s->bpc[4 * CORPORA];
    s->bpc[3 * CORPORA + 1] = s->bpc[4 * CORPORA + 1];
    p = make(&s->info, &s->table, NULL);
    assert_non_null(strstr(p.text,
                           "<p class=\"lead\">Of 5 models, <b><bdi>Bea-7b</bdi></b> and "
                           "<b><bdi>Cid-2b</bdi></b> need the fewest bits per character, each "));
    free(p.text);
}

static void axes_say_what_they_show(void **state)
{
    struct small *s = make_small();
    struct page p = make(&s->info, &s->table, NULL);

    (void)state;
    assert_non_null(strstr(p.text, ">score, mean of 2 groups’ means, %</text>"));
    assert_non_null(
        strstr(p.text, ">bits per character, mean of 2 corpora, fewer is better</text>"));
    assert_non_null(strstr(p.text, "coding, mean of 2 benchmarks, %, against bits per character on "
                                   "python</figcaption>"));
    free(p.text);
    s->fits[0].x = "web"; /* the only corpus of its group */
    s->fits[0].y = "web"; /* the only benchmark of its group is MMLU */
    p = make(&s->info, &s->table, NULL);
    assert_non_null(strstr(p.text, ">MMLU, %</text>"));
    assert_non_null(strstr(p.text, ">bits per character on web, fewer is better</text>"));
    free(p.text);
    s->corpora[0].name = s->corpora[0].group = s->fits[0].x =
        "a corpus whose name is so long that no drawing for a telephone has the room for it, nor "
        "one "
        "for a screen, as it goes on and on until nobody reads it any more";
    s->benchmarks[0].group = "MMLU";
    s->fits[0].y = s->fits[2].x = "average";
    p = make(&s->info, &s->table, NULL);
    assert_non_null(strstr(p.text, "…, fewer is better</text>"));
    free(p.text);
}

/* Numbers of an axis lie within the drawing: a printer cuts what does not. */
static void ticks_lie_within_the_drawing(void **state)
{
    static const char small[] = "class=\"plot small\" viewBox=\"0 0 210 150\"";
    struct small *s = make_small();
    struct page p;
    size_t n = 0;

    (void)state;
    s->bpc[0 * CORPORA + 1].value = 0.782; /* so that the tick at 0.8 stands at the edge */
    for (size_t i = 0; i < MODELS * BENCHMARKS; i++) /* and those of scores need a decimal */
        s->score[i].value = 0.5 + 0.0005 * (double)i;
    p = make(&s->info, &s->table, NULL);
    for (const char *svg = p.text; (svg = strstr(svg, small)); svg++) {
        const char *end = strstr(svg, "</g>");

        for (const char *t = svg; (t = strstr(t, "<text x=\"")) && t < end; t++, n++) {
            const double x = strtod(t + 9, NULL);
            const char *text = strchr(t, '>') + 1;
            const size_t len = (size_t)(strchr(text, '<') - text),
                         points = memchr(text, '.', len) != NULL;
            const double width = 10.5 * 0.318 * (double)(2 * len - points); /* DejaVu Sans */
            const bool is_middle = strstr(t, "middle") && strstr(t, "middle") < text;

            assert_true(x - (is_middle ? width / 2 : width) >= 0);
            assert_true(x + (is_middle ? width / 2 : 0) <= 210);
        }
    }
    assert_true(n > 12);
    free(p.text);
}

/* A band has an upper and a lower edge, and ends nowhere. */
static void bands_have_two_edges(void **state)
{
    struct small *s = make_small();
    struct page p = make(&s->info, &s->table, NULL);
    const char *edge = strstr(p.text, "class=\"pb-e\""), *end;

    (void)state;
    assert_non_null(edge);
    end = strchr(edge, '>');
    edge = strstr(edge, " d=\"M");
    assert_true(edge < end);
    edge = strchr(edge + 6, 'M');
    assert_true(edge && edge < end); /* two runs */
    assert_null(memchr(edge, 'Z', (size_t)(end - edge)));
    assert_non_null(strstr(p.text, ".pb{fill:var(--new)}")); /* without a stroke */
    free(p.text);
}

static void common_tails_stand_in_the_caption(void **state)
{
    static const char *const names[MODELS] = {"Ada-1b-it-Q4_K_M", "Ada-3b-it-Q4_K_M",
                                              "Bea-1b-it-Q4_K_M", "Bea-7b-it-Q4_K_M",
                                              "Cid-2b-it-Q4_K_M", "Dot-4b-it-Q4_K_M"};
    struct small *s = make_small();
    struct page p;

    (void)state;
    for (size_t m = 0; m < MODELS; m++)
        s->models[m].name = names[m];
    p = make(&s->info, &s->table, NULL);
    assert_non_null(strstr(
        p.text, "All names end in <span class=\"tail\">“<bdi>-it-Q4_K_M</bdi>”,</span> which the "
                "figure leaves out."));
    for (size_t m = 0; m < MODELS; m++) {
        char label[32];

        snprintf(label, sizeof(label), ">%s</text>", plain_names[m]);
        assert_int_equal(occurrences(p.text, label), 2); /* wide and narrow */
    }
    free(p.text);
}

static void is_a_page_without_a_line_too(void **state)
{
    struct small *s = make_small();
    struct page p;

    (void)state;
    s->info.n_models = s->table.n_models = 2;
    p = make(&s->info, &s->table, NULL);
    assert_non_null(strstr(p.text, "No line yet for <bdi>overall</bdi>: 2 models have"));
    assert_non_null(strstr(p.text, "Ada-3b (Ada): 0.8000 bits per character"));
    free(p.text);
    for (size_t i = 0; i < MODELS * CORPORA; i++)
        forget(&s->bpc[i]);
    p = make(&s->info, &s->table, NULL);
    assert_non_null(strstr(p.text, "0 models have"));
    free(p.text);
    s->info.n_fits = 0;
    p = make(&s->info, &s->table, NULL);
    assert_non_null(strstr(p.text, "No model has its bits per character of all corpora yet"));
    free(p.text);
    s->info.n_benchmarks = s->table.n_benchmarks = s->info.n_protocols = 0;
    p = make(&s->info, &s->table, NULL);
    free(p.text);
    s->info.n_models = s->info.n_corpora = s->table.n_models = s->table.n_corpora = 0;
    p = make(&s->info, &s->table, NULL);
    assert_non_null(strstr(p.text, "names no models"));
    free(p.text);
}

static void draws_extreme_figures(void **state)
{
    struct small *s = make_small();
    struct page p;

    (void)state;
    for (size_t m = 0; m < MODELS; m++)
        s->bpc[m * CORPORA].value *= 1e8;
    s->bpc[0].value = 1e300;
    s->bpc[1].se = 1e300;
    s->score[0].value = -1e-300;
    p = make(&s->info, &s->table, NULL);
    free(p.text);
    for (size_t m = 0; m < MODELS; m++)
        s->bpc[m * CORPORA] = s->bpc[m * CORPORA + 1] =
            (cril_known){.value = 0.5 + (double)m * 0x1p-53,
                         .origin = CRIL_ORIGIN_MEASURED,
                         .source = ""}; /* one x */
    p = make(&s->info, &s->table, NULL);
    assert_non_null(strstr(p.text, "No line"));
    free(p.text);
}

/* What is not known has no bar, and still its place in the drawings. */
static void draws_unknown_errors(void **state)
{
    struct small *s = make_small();
    struct page p;
    char *board;

    (void)state;
    for (size_t i = 0; i < CORPORA; i++)
        s->bpc[(MODELS - 1) * CORPORA + i].se = NAN; /* of the model with fewest bits */
    p = make(&s->info, &s->table, NULL);
    assert_null(strstr(p.text, "nan"));
    board = strstr(p.text, "<section id=\"leaderboard\">");
    assert_non_null(board);
    *strstr(board, "</section>") = '\0';
    assert_null(strstr(board, " x=\"-")); /* its symbol is within the range of the bars */
    free(p.text);
}

/* ---- Figures alone ---- */

static cril_status write_figure(const cril_study_info *s, const cril_study_table *t,
                                const cril_report_options *o, const char *name, unsigned width,
                                struct page *out, cril_error *err)
{
    FILE *f = open_memstream(&out->text, &out->len);
    cril_status st;

    assert_non_null(f);
    st = cril_study_figure(f, s, t, o, name, width, err);
    assert_int_equal(fclose(f), 0);
    return st;
}

/* A figure that is well-formed and holds what it needs. */
static struct page draw(const cril_study_info *s, const cril_study_table *t,
                        const cril_report_options *o, const char *name, unsigned width)
{
    struct page p = {0};
    cril_error err = {.message = ""};
    const char *fault, *where = "";

    if (write_figure(s, t, o, name, width, &p, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    if ((fault = html_check_figure(p.text, p.len, &where)))
        fail_msg("%s: %s: %.80s", name, fault, where);
    assert_null(strstr(p.text, "var(")); /* programs other than browsers know no variables */
    assert_null(strstr(p.text, "&nbsp;"));
    assert_null(strstr(p.text, "nan"));
    assert_non_null(strstr(p.text, "font-family:'Helvetica Neue',"));
    return p;
}

static struct page read_data(const cril_study_info *s, const cril_study_table *t,
                             const cril_report_options *o, const char *name)
{
    struct page p = {0};
    FILE *f = open_memstream(&p.text, &p.len);
    cril_error err = {.message = ""};

    assert_non_null(f);
    if (cril_study_figure_data(f, s, t, o, name, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    assert_int_equal(fclose(f), 0);
    return p;
}

/* The small study with sizes and steps: of two models of a family each. */
static cril_report_identity sized[MODELS];
static const cril_report_baseline compressors[] = {{"web", "xz -9", 2.125}};
static const cril_report_options with_all = {
    .models = sized, .n_identified_models = MODELS, .baselines = compressors, .n_baselines = 1};

static struct small *make_sized(void)
{
    static const uint64_t bytes[MODELS] = {100000000, 300000000, 200000000,
                                           0,         250000000, 900000000};
    struct small *s = make_small();

    for (size_t m = 0; m < MODELS; m++) {
        sized[m] = (cril_report_identity){
            .name = plain_names[m],
            .sha256 = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
            .bytes = bytes[m]};
        s->models[m].has_step = m < 4;
        s->models[m].step = 1000 * (uint64_t)(4 - m);
    }
    return s;
}

static cril_known_divergence known_divergence(double kl, double half_width)
{
    return (cril_known_divergence){
        .documents = 9,
        .tokens = 1000,
        .mean_kl = kl,
        .same_top = 0.75,
        .ln_ppl_ratio = 0.5,
        .mean_kl_interval = {
            .level = 0.9, .low = kl - half_width, .high = kl + 2 * half_width, .resamples = 1000}};
}

/* All others diverge from Ada-1b, but Dot-4b, which diverges from Cid-2b. Bea-7b has no size. */
static struct small *make_diverging(void)
{
    static const double kl[MODELS] = {0, 0.25, 0.5, 0.125, 0.0625, 0.03125};
    static cril_known_divergence known[MODELS * CORPORA];
    struct small *s = make_sized();

    memset(known, 0, sizeof(known));
    for (size_t m = 1; m < MODELS; m++) {
        s->models[m].base = plain_names[m == 5 ? 4 : 0];
        known[m * CORPORA] = known_divergence(kl[m], 0.0625 * 3);
        known[m * CORPORA + 1] = known_divergence(2 * kl[m], 0.0625 * 4);
    }
    for (size_t m = 0; m < MODELS; m++)
        sized[m].parameters = m == 2 ? 0 : 400000000;
    s->table.divergence = known;
    return s;
}

struct names {
    char text[400];
};

static void add_name(void *user, const char *name, const char *shows)
{
    struct names *n = user;
    const size_t len = strlen(n->text);

    assert_true(*shows);
    snprintf(n->text + len, sizeof(n->text) - len, "%s;", name);
}

static void lists_figures(void **state)
{
    struct small *s = make_sized();
    struct names all = {""}, few = {""};
    cril_error err;

    (void)state;
    assert_int_equal(cril_study_figures(&s->info, &s->table, &with_all, add_name, &all, &err),
                     CRIL_OK);
    assert_string_equal(all.text, "line;line:coding;line:web;lines;size;learning;compressors;");
    s = make_diverging();
    s->info.n_fits = 0;
    all.text[0] = '\0';
    s->models[2].base = "Cid-2b";
    assert_int_equal(cril_study_figures(&s->info, &s->table, &with_all, add_name, &all, &err),
                     CRIL_OK);
    assert_string_equal(all.text, "size;kl;kl:Cid-2b;learning;compressors;");
    s = make_small();
    s->info.n_fits = 1;
    assert_int_equal(cril_study_figures(&s->info, &s->table, NULL, add_name, &few, &err), CRIL_OK);
    assert_string_equal(few.text, "line;");
}

static void draws_each_figure_alone(void **state)
{
    static const char *const names[] = {"line", "line:coding", "lines",
                                        "size", "learning",    "compressors"};
    static const unsigned widths[] = {0, CRIL_FIGURE_MIN_WIDTH, 616, CRIL_FIGURE_MAX_WIDTH};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        for (size_t k = 0; k < 4; k++) {
            struct small *s = make_sized();
            struct page p = draw(&s->info, &s->table, &with_all, names[i], widths[k]);
            char start[80];

            snprintf(start, sizeof(start), "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%u\"",
                     widths[k] ? widths[k] : 960);
            assert_int_equal(strncmp(p.text, start, strlen(start)), 0);
            assert_int_equal(strstr(p.text, "class=\"plot narrow\"") != NULL, k == 1);
            assert_non_null(strstr(p.text, "Ada-1b"));
            assert_non_null(strstr(p.text, ">A small study: "));
            free(p.text);
        }
}

static void a_figure_of_a_line_says_its_correlation(void **state)
{
    struct small *s = make_small();
    struct page p = draw(&s->info, &s->table, NULL, "line", 0),
                other = draw(&s->info, &s->table, NULL, "line:web", 0);

    (void)state;
    assert_non_null(strstr(p.text, "</tspan> = 6</text>"));
    assert_non_null(strstr(p.text, "<desc id=\"line-desc\">Each point is a model"));
    assert_non_null(strstr(p.text, ">A small study: scores against bits per character</title>"));
    assert_non_null(strstr(other.text, ">A small study: web: scores against"));
    assert_non_null(strstr(other.text, ">MMLU, %</text>"));
    free(p.text);
    free(other.text);
}

static void escapes_figures(void **state)
{
    struct small *s = make_sized();

    (void)state;
    for (size_t m = 0; m < MODELS; m++) {
        s->models[m].name = sized[m].name = hostile[m];
        s->models[m].family = hostile[m < 2 ? 0 : m];
    }
    s->info.title = hostile[0];
    s->fits[1].name = hostile[1];
    for (size_t i = 0; i < 2; i++) {
        struct page p = draw(&s->info, &s->table, &with_all, i ? "size" : "learning", 0);

        assert_null(strstr(p.text, "<script"));
        assert_null(strstr(p.text, "\xE2\x80\xAE"));
        free(p.text);
    }
}

static void says_what_was_scored(void **state)
{
    struct small *s = make_sized();
    cril_known_corpus known[CORPORA] = {
        {.documents = 4, .all = 30, .characters = 12345, .bytes = 2345678},
        {.documents = 5, .characters = 12, .bytes = 999949}};
    struct page p = make(&s->info, &s->table, &with_all);

    (void)state;
    assert_null(strstr(p.text, "Texts that models are scored on."));
    assert_non_null(strstr(p.text, "<td>100.0 MB</td></tr>"));
    assert_int_equal(occurrences(p.text, "<td>–</td></tr>"), 1); /* of Bea-7b */
    assert_non_null(strstr(p.text, "href=\"#size\""));
    assert_non_null(strstr(p.text, "href=\"#learning\""));
    free(p.text);
    s = make_small();
    s->table.corpora = known;
    p = make(&s->info, &s->table, NULL);
    assert_non_null(strstr(p.text, "<bdi>web</bdi></th><td>4</td><td>30</td><td>12345</td><td>2.3 "
                                   "MB</td></tr>"));
    assert_non_null(strstr(p.text, "<bdi>python</bdi></th><td>5</td><td>–</td><td>12</td><td>999.9 "
                                   "kB</td></tr>"));
    assert_null(strstr(p.text, "size of file"));
    assert_null(strstr(p.text, "href=\"#size\""));
    free(p.text);
}

/* Ada-1b 100 MB 0.85 and Bea-1b 200 MB 0.75, Cid-2b 250 MB 0.65, Dot-4b 900 MB 0.60 are on it;
   Ada-3b 300 MB 0.80 is not, Bea-7b has no size. */
static void finds_the_frontier(void **state)
{
    struct small *s = make_sized();
    struct page p = read_data(&s->info, &s->table, &with_all, "size"), drawn;

    (void)state;
    assert_int_equal(
        strncmp(p.text,
                "model,family,file_bytes,bits_per_character,bits_per_character_se,on_frontier\n"
                "Ada-1b,Ada,100000000,0.85,",
                strlen("model,family,file_bytes,bits_per_character,bits_per_character_se,on_"
                       "frontier\nAda-1b,Ada,100000000,0.85,")),
        0);
    assert_int_equal(occurrences(p.text, ",1\n"), 4);
    assert_int_equal(occurrences(p.text, ",0\n"), 1);
    assert_true(strstr(p.text, "\nAda-3b,") > strstr(p.text, "\nDot-4b,"));
    assert_null(strstr(p.text, "Bea-7b"));
    free(p.text);
    s->bpc[1 * CORPORA].escapes = -0.4; /* Ada-3b: 0.6, as few as Dot-4b, and smaller */
    p = read_data(&s->info, &s->table, &with_all, "size");
    assert_int_equal(occurrences(p.text, ",1\n"), 4);
    assert_non_null(strstr(p.text, "\nDot-4b,Dot,900000000,0.6,0.00282842712474619,0\n"));
    free(p.text);
    drawn = draw(&s->info, &s->table, &with_all, "size", 0);
    assert_non_null(strstr(drawn.text, "class=\"ft\""));
    assert_non_null(strstr(drawn.text, ">500 MB</text>"));
    assert_non_null(strstr(drawn.text, "Ada-1b: 100.0 MB, 0.8500 bits per character"));
    free(drawn.text);
}

/* ---- Divergences ---- */

/* The mean of two corpora, whose intervals reach 3/16 and 4/16 below them and twice that above; the
   mean's reaches half of 5/16 and of 10/16. */
static void draws_divergence_by_size(void **state)
{
    struct small *s = make_diverging();
    struct page p = read_data(&s->info, &s->table, &with_all, "kl"), drawn;
    cril_error err;

    (void)state;
    assert_string_equal(
        p.text, "model,family,base,file_bytes,bits_a_weight,mean_kl,mean_kl_low,mean_kl_high,"
                "same_top_percent,ln_ppl_ratio,bits_per_character,on_frontier\n"
                "Bea-1b,Bea,Ada-1b,200000000,,0.75,0.59375,1.0625,75,0.5,0.75,1\n"
                "Cid-2b,Cid,Ada-1b,250000000,5,0.09375,-0.0625,0.40625,75,0.5,0.65,1\n"
                "Ada-3b,Ada,Ada-1b,300000000,6,0.375,0.21875,0.6875,75,0.5,0.8,0\n");
    free(p.text);
    drawn = draw(&s->info, &s->table, &with_all, "kl", 0);
    assert_non_null(strstr(drawn.text, ">A small study: divergence from a base by size of file<"));
    assert_non_null(strstr(drawn.text, "mean KL from Ada-1b, nats, smaller is better"));
    assert_non_null(strstr(drawn.text, "divergence from Ada-1b (100.0 MB), mean over tokens, then "
                                       "over 2 corpora. "));
    assert_non_null(strstr(drawn.text, "no other model is as small and diverges as little as one "
                                       "of the 2 on it."));
    assert_non_null(strstr(drawn.text, "Cid-2b: 250.0 MB, mean KL 0.093750<"));
    assert_null(strstr(drawn.text, ">Dot<")); /* in the key */
    free(drawn.text);
    assert_int_equal(write_figure(&s->info, &s->table, &with_all, "kl:Cid-2b", 0, &p, &err),
                     CRIL_ERR_RANGE); /* of one model */
    free(p.text);
    s->models[1].base = "Cid-2b";
    p = read_data(&s->info, &s->table, &with_all, "kl:Cid-2b");
    assert_int_equal(occurrences(p.text, ",Cid-2b,"), 2);
    free(p.text);
    drawn = draw(&s->info, &s->table, &with_all, "kl:Cid-2b", 0);
    assert_non_null(strstr(drawn.text, ">A small study: Cid-2b: divergence from"));
    free(drawn.text);
}

/* Divergences that differ by a factor of more than 30 have a logarithmic scale, unless one is 0. */
static void scales_divergences(void **state)
{
    struct small *s = make_diverging();
    struct page p;

    (void)state;
    s->table.divergence[1 * CORPORA] = s->table.divergence[1 * CORPORA + 1] =
        known_divergence(0.001, 0.0001);
    p = draw(&s->info, &s->table, &with_all, "kl", 0);
    assert_non_null(strstr(p.text, ">0.001</text>"));
    free(p.text);
    s->table.divergence[1 * CORPORA] = s->table.divergence[1 * CORPORA + 1] =
        known_divergence(0, 0);
    p = draw(&s->info, &s->table, &with_all, "kl", 0);
    assert_null(strstr(p.text, ">0.001</text>"));
    assert_non_null(strstr(p.text, ">0.0</text>"));
    free(p.text);
}

/* Where a model's row begins in the table of divergences; base: as the row has it. */
static const char *divergence_row(const struct page *p, const char *model, const char *base)
{
    char start[120];
    const char *row;

    snprintf(start, sizeof(start),
             "<tr><th scope=\"row\"><bdi>%s</bdi></th><td class=\"t\">%s</td>", model, base);
    row = strstr(p->text, start);
    if (!row)
        fail_msg("the page lacks: %s", start);
    return row + strlen(start);
}

static void expect_row(const struct page *p, const char *model, const char *base, const char *rest)
{
    const char *row = divergence_row(p, model, base);

    if (strncmp(row, rest, strlen(rest)) != 0)
        fail_msg("%s: %.200s", model, row);
}

static void tells_divergences(void **state)
{
    const char *ada = "<bdi>Ada-1b</bdi>", *cid = "<bdi>Cid-2b</bdi>";
    struct small *s = make_diverging();
    struct page p;

    (void)state;
    s->table.divergence[3 * CORPORA].mean_kl_interval.resamples = 0; /* of one document */
    s->table.divergence[5 * CORPORA].tokens = 0;
    p = make(&s->info, &s->table, &with_all);
    assert_non_null(strstr(p.text, "<a href=\"#divergence\">Divergence</a>"));
    assert_non_null(strstr(p.text, "<section id=\"divergence\">"));
    assert_int_equal(occurrences(p.text, "download=\"kl.csv\""), 1); /* Cid-2b has one model */
    assert_non_null(strstr(p.text, "<th scope=\"col\">90 % interval</th><th scope=\"col\">KL, "
                                   "<bdi>web</bdi></th>"));
    assert_non_null(strstr(p.text, "<dt>Divergence from a base</dt>"));
    expect_row(
        &p, "Ada-1b", "the base",
        "<td>100.0 MB</td><td>2.00</td><td></td><td></td><td></td><td></td><td></td><td>0.8500"
        "</td></tr>");
    expect_row(&p, "Ada-3b", ada,
               "<td>300.0 MB</td><td>6.00</td><td><b>0.375000</b></td><td>0.218750 to 0.687500</td>"
               "<td>0.250000</td><td>0.500000</td><td>75.00</td><td>0.8000</td></tr>");
    expect_row(&p, "Bea-1b", ada, "<td>200.0 MB</td><td>–</td><td><b>0.750000</b></td>");
    expect_row(&p, "Bea-7b", ada, "<td>–</td><td>–</td><td><b>0.187500</b></td><td>–</td>");
    expect_row(&p, "Cid-2b", "the base", "<td>250.0 MB</td>");
    expect_row(&p, "Dot-4b", cid,
               "<td>900.0 MB</td><td>18.00</td><td><b>–</b></td><td>–</td><td>–</td><td>0.062500"
               "</td><td>–</td>");
    assert_true(divergence_row(&p, "Cid-2b", ada) < divergence_row(&p, "Bea-7b", ada));
    assert_true(divergence_row(&p, "Bea-7b", ada) < divergence_row(&p, "Ada-3b", ada));
    assert_true(divergence_row(&p, "Ada-3b", ada) < divergence_row(&p, "Bea-1b", ada));
    free(p.text);
}

/* An old divergence stands below the leaderboard; of the mean that lacks it there is no figure. */
static void tells_old_divergences(void **state)
{
    struct small *s = make_diverging();
    struct page p;

    (void)state;
    s->table.divergence[1 * CORPORA + 1] =
        (cril_known_divergence){.out_of_date = "the base's file has <changed>", .was = 0.5};
    p = make(&s->info, &s->table, &with_all);
    assert_non_null(strstr(p.text,
                           "Out of date, and in no figure of this page: <bdi>Ada-3b</bdi> "
                           "on <bdi>python</bdi>, mean KL 0.500000 (the base&#39;s file has "
                           "&lt;changed&gt;). <code>"));
    expect_row(&p, "Ada-3b", "<bdi>Ada-1b</bdi>",
               "<td>300.0 MB</td><td>6.00</td><td><b>out of date</b></td><td>–</td><td>0.250000"
               "</td><td>out of date</td><td>–</td>");
    free(p.text);
}

/* What is not known is last; a model without a base has no row. */
static void tells_divergences_that_lack(void **state)
{
    const char *ada = "<bdi>Ada-1b</bdi>";
    struct small *s = make_diverging();
    struct page p;

    (void)state;
    s->info.n_corpora = s->table.n_corpora = 1;
    s->info.n_benchmarks = s->table.n_benchmarks = s->info.n_fits = 0;
    s->models[5].base = NULL;
    s->table.divergence[1] = s->table.divergence[4] =
        (cril_known_divergence){0};                  /* of one corpus: Ada-3b's, Cid-2b's */
    s->table.divergence[2] = s->table.divergence[3]; /* equal ones stay in the study's order */
    p = make(&s->info, &s->table, &with_all);
    assert_null(strstr(p.text, "KL, <bdi>"));
    assert_null(strstr(p.text, "then over"));
    expect_row(&p, "Ada-3b", ada,
               "<td>300.0 MB</td><td>6.00</td><td><b>–</b></td><td>–</td><td>–</td>");
    assert_true(divergence_row(&p, "Bea-1b", ada) < divergence_row(&p, "Bea-7b", ada));
    assert_true(divergence_row(&p, "Bea-7b", ada) < divergence_row(&p, "Ada-3b", ada));
    assert_true(divergence_row(&p, "Ada-3b", ada) < divergence_row(&p, "Cid-2b", ada));
    free(p.text);
    s->table.divergence = NULL;
    p = make(&s->info, &s->table, &with_all);
    expect_row(&p, "Cid-2b", ada, "<td>250.0 MB</td><td>5.00</td><td><b>–</b></td>");
    assert_non_null(strstr(p.text, "95 % interval"));
    assert_null(strstr(p.text, "kl.csv"));
    free(p.text);
    s = make_sized();
    p = make(&s->info, &s->table, &with_all);
    assert_null(strstr(p.text, "ivergence"));
    free(p.text);
}

/* Curves go by step: Ada-3b (3000) before Ada-1b (4000). */
static void draws_learning_curves(void **state)
{
    struct small *s = make_sized();
    struct page p = read_data(&s->info, &s->table, &with_all, "learning"), drawn;
    cril_error err;

    (void)state;
    assert_non_null(strstr(p.text, "\nAda-3b,Ada,3000,0.8,0.00282842712474619\n"
                                   "Ada-1b,Ada,4000,0.85,0.00282842712474619\n"
                                   "Bea-7b,Bea,1000,0.7,"));
    assert_null(strstr(p.text, "Cid"));
    free(p.text);
    drawn = draw(&s->info, &s->table, &with_all, "learning", 0);
    assert_int_equal(occurrences(drawn.text, "<path class=\"cv l"), 2);
    assert_int_equal(occurrences(drawn.text, "<text class=\"lb\""), 2); /* the ends */
    assert_non_null(strstr(drawn.text, ">4000</text>"));
    free(drawn.text);
    s->models[0].step = 400000; /* more than 100 times the first */
    drawn = draw(&s->info, &s->table, &with_all, "learning", 0);
    assert_non_null(strstr(drawn.text, ">100k</text>"));
    free(drawn.text);
    s->models[2].has_step = s->models[3].has_step = false;
    drawn = draw(&s->info, &s->table, &with_all, "learning", 0);
    assert_null(strstr(drawn.text, ">Ada</text>")); /* one curve needs neither name nor key */
    free(drawn.text);
    s->models[0].has_step = false;
    assert_int_equal(write_figure(&s->info, &s->table, &with_all, "learning", 0, &p, &err),
                     CRIL_ERR_RANGE);
    assert_non_null(strstr(err.message, "it needs two models of one family whose steps"));
    free(p.text);
}

static void figures_have_their_numbers(void **state)
{
    struct small *s = make_sized();
    struct page p;

    (void)state;
    s->models[0].name = sized[0].name = "=1+\"x\",2";
    p = read_data(&s->info, &s->table, &with_all, "line");
    assert_int_equal(occurrences(p.text, "\n"), 1 + MODELS);
    assert_non_null(strstr(p.text, "\n\"'=1+\"\"x\"\",2\",Ada,0.85,0.00282842712474619,"));
    free(p.text);
    p = read_data(&s->info, &s->table, &with_all, "lines");
    assert_int_equal(occurrences(p.text, "\n"), 1 + 3 * MODELS);
    assert_non_null(strstr(p.text, "\ncoding,python,coding,Dot-4b,Dot,0.55,0.004,"));
    free(p.text);
    p = read_data(&s->info, &s->table, &with_all, "compressors");
    assert_non_null(strstr(p.text, "kind,name,bits_per_character\nweb,compressor,xz -9,2.125\n"));
    assert_int_equal(occurrences(p.text, "\nweb,model,"), MODELS);
    assert_null(strstr(p.text, "python"));
    free(p.text);
    p = make(&s->info, &s->table, &with_all);
    assert_int_equal(occurrences(p.text, "href=\"data:text/csv;charset=utf-8,"), 5);
    assert_non_null(strstr(p.text, "%0A%22%27%3D1%2B%22%22x%22%22%2C2%22%2CAda%2C0.85%2C"));
    assert_non_null(strstr(p.text, "<section id=\"size\">"));
    assert_non_null(strstr(p.text, "<section id=\"learning\">"));
    free(p.text);
}

static void says_which_figures_there_are(void **state)
{
    struct small *s = make_small();
    struct page p;
    cril_error err;

    (void)state;
    assert_int_equal(write_figure(&s->info, &s->table, NULL, "lin", 0, &p, &err), CRIL_ERR_RANGE);
    assert_non_null(strstr(err.message, "has no figure \"lin\"; it has: line, line:coding, "
                                        "line:web, lines"));
    free(p.text);
    assert_int_equal(write_figure(&s->info, &s->table, NULL, "size", 0, &p, &err), CRIL_ERR_RANGE);
    assert_non_null(strstr(err.message, "nothing to show in the figure \"size\": it needs two"));
    free(p.text);
    sized[0] = (cril_report_identity){.name = plain_names[0], .bytes = 1000};
    assert_int_equal(write_figure(&s->info, &s->table,
                                  &(cril_report_options){.models = sized, .n_identified_models = 1},
                                  "size", 0, &p, &err),
                     CRIL_ERR_RANGE);
    free(p.text);
    assert_int_equal(write_figure(&s->info, &s->table, NULL, "line", 299, &p, &err),
                     CRIL_ERR_RANGE);
    assert_non_null(strstr(err.message, "300 to 4000"));
    free(p.text);
    assert_int_equal(write_figure(&s->info, &s->table, NULL, "line", 4001, &p, &err),
                     CRIL_ERR_RANGE);
    free(p.text);
}

/* ---- The paper's ---- */

static void put_figures(const cril_study_info *s, const cril_figures *f, cril_known *known,
                        bool bpc)
{
    const size_t n = bpc ? s->n_corpora : s->n_benchmarks;

    for (size_t i = 0; i < s->n_models * n; i++)
        forget(&known[i]);
    for (size_t k = 0; k < f->n; k++)
        for (size_t m = 0; m < s->n_models; m++)
            for (size_t i = 0; i < n; i++)
                if (strcmp(s->models[m].name, f->rows[k].model) == 0 &&
                    strcmp(bpc ? s->corpora[i].name : s->benchmarks[i].name, f->rows[k].of) == 0)
                    known[m * n + i] = (cril_known){.value = f->rows[k].value,
                                                    .se = f->rows[k].se,
                                                    .origin = CRIL_ORIGIN_IMPORTED,
                                                    .source = f->rows[k].source};
}

/* The page, or, by its name, a figure. */
static struct page make_paper(cril_study *s, const char *figure)
{
    const cril_study_info *i = cril_study_info_of(s);
    cril_known *bpc = calloc(i->n_models * i->n_corpora, sizeof(*bpc)),
               *score = calloc(i->n_models * i->n_benchmarks, sizeof(*score));
    const cril_study_table t = {.n_models = i->n_models,
                                .n_corpora = i->n_corpora,
                                .n_benchmarks = i->n_benchmarks,
                                .bpc = bpc,
                                .score = score};
    cril_figures of_bpc, of_scores;
    struct page p;

    assert_true(bpc && score);
    assert_int_equal(cril_figures_read(PAPER "bpc.csv", CRIL_FIGURE_BPC, NULL, &of_bpc, NULL),
                     CRIL_OK);
    assert_int_equal(
        cril_figures_read(PAPER "scores.csv", CRIL_FIGURE_SCORE, NULL, &of_scores, NULL), CRIL_OK);
    put_figures(i, &of_bpc, bpc, true);
    put_figures(i, &of_scores, score, false);
    p = figure ? draw(i, &t, NULL, figure, 0) : make(i, &t, NULL);
    cril_figures_free(&of_bpc);
    cril_figures_free(&of_scores);
    free(bpc);
    free(score);
    return p;
}

static void shows_the_paper(void **state)
{
    cril_study *s;
    struct page p, again;
    cril_error err;

    (void)state;
    if (cril_study_load(PAPER "study.yaml", &s, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    p = make_paper(s, NULL);
    for (size_t m = 0; m < cril_study_info_of(s)->n_models; m++)
        assert_non_null(strstr(p.text, cril_study_info_of(s)->models[m].name));
    assert_non_null(strstr(p.text, "is <b>\xE2\x88\x92"
                                   "0.931</b>"));
    assert_non_null(strstr(p.text, "19 models of 9 families"));
    assert_int_equal(occurrences(p.text, "<figure class=\"panel\">"),
                     cril_study_info_of(s)->n_fits);
    assert_non_null(strstr(p.text, "cril measured nothing on this page"));
    assert_null(strstr(p.text, "class=\"lb no\"><title")); /* whatever has no room is still there */
    again = make_paper(s, NULL);
    assert_int_equal(p.len, again.len);
    assert_memory_equal(p.text, again.text, p.len);
    free(again.text);
    if (setlocale(LC_ALL, "de_DE.UTF-8") || setlocale(LC_ALL, "fr_FR.UTF-8") ||
        setlocale(LC_ALL, "")) {
        again = make_paper(s, NULL);
        assert_int_equal(p.len, again.len);
        assert_memory_equal(p.text, again.text, p.len);
        free(again.text);
        setlocale(LC_ALL, "C");
    }
    free(p.text);
    cril_study_close(s);
}

/* The figure of README is the one that its command makes. */
static void draws_the_papers_line(void **state)
{
    char *kept = NULL;
    size_t len = 0;
    cril_study *s;
    struct page p;
    cril_error err;
    FILE *f = fopen(CRIL_TEST_DATA "/../doc/paper-line.svg", "r");

    (void)state;
    assert_non_null(f);
    assert_true(getdelim(&kept, &len, '\0', f) > 0);
    fclose(f);
    if (cril_study_load(PAPER "study.yaml", &s, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    p = make_paper(s, "line");
    if (strcmp(kept, p.text) != 0)
        fail_msg("doc/paper-line.svg is old: make it again by the command of doc/report.md");
    free(kept);
    free(p.text);
    cril_study_close(s);
}

/* ---- Faults ---- */

static void faults_are_said(void **state)
{
    struct small *s = make_small();
    const cril_report_options o = {.line = {.level = 1.5}};
    FILE *f = fopen("/dev/full", "w");
    cril_error err;

    (void)state;
    assert_int_equal(cril_study_report(stderr, &s->info, &s->table, &o, &err), CRIL_ERR_RANGE);
    assert_non_null(strstr(err.message, "level"));
    if (!f)
        return;
    assert_int_equal(cril_study_report(f, &s->info, &s->table, NULL, &err), CRIL_ERR_IO);
    assert_non_null(strstr(err.message, "could not be written"));
    fclose(f);
}

/* ---- Markup ---- */

static void expect_number(double v, int decimals, const char *text)
{
    char out[64] = "";
    FILE *f = fmemopen(out, sizeof(out), "w");

    assert_non_null(f);
    if (decimals >= 0)
        cril_markup_number(f, v, decimals);
    else if (decimals == -1)
        cril_markup_small(f, v);
    else
        cril_markup_put(f, "%c", v);
    fclose(f);
    assert_string_equal(out, text);
}

static void numbers(void **state)
{
    enum { SMALL = -1, COORDINATE = -2 };

    (void)state;
    expect_number(0, 0, "0");
    expect_number(0.0004, 3, "0.000");
    expect_number(-0.0004, 3, "0.000");
    expect_number(-0.0005, 3,
                  "\xE2\x88\x92"
                  "0.001");
    expect_number(12.3456, 2, "12.35");
    expect_number(999.96, 1, "1000.0");
    expect_number(NAN, 2, "\xE2\x80\x93");
    expect_number(-INFINITY, 2, "\xE2\x88\x92\xE2\x88\x9E");
    expect_number(1e300, 1, "1.0&#8239;\xC3\x97&#8239;10<sup>300</sup>");
    expect_number(0.031, SMALL, "0.031");
    expect_number(0.25, SMALL, "0.25");
    expect_number(7.64e-9, SMALL,
                  "7.6&#8239;\xC3\x97&#8239;10<sup>\xE2\x88\x92"
                  "9</sup>");
    expect_number(9.96e-9, SMALL,
                  "1.0&#8239;\xC3\x97&#8239;10<sup>\xE2\x88\x92"
                  "8</sup>");
    expect_number(12, COORDINATE, "12");
    expect_number(12.5, COORDINATE, "12.5");
    expect_number(-0.254, COORDINATE, "-0.25");
    expect_number(-0.001, COORDINATE, "0");
    expect_number(0.05, COORDINATE, "0.05");
    expect_number(1e300, COORDINATE, "0");
    expect_number(NAN, COORDINATE, "0");
}

static void expect_ticks(const struct cril_scale *s, const char *text)
{
    double ticks[CRIL_SCALE_TICKS];
    char out[200] = "";
    FILE *f = fmemopen(out, sizeof(out), "w");

    assert_non_null(f);
    for (size_t i = 0, n = cril_scale_ticks(s, ticks); i < n; i++) {
        cril_scale_write(f, s, ticks[i]);
        putc(';', f);
    }
    fclose(f);
    assert_string_equal(out, text);
}

static void logarithmic_scales(void **state)
{
    struct cril_scale s = {.from = 0, .to = 100, .unit = CRIL_SCALE_BYTES};

    (void)state;
    cril_scale_set_log(&s, 1e6, 1e10, 0, 8);
    expect_ticks(&s, "1 MB;10 MB;100 MB;1 GB;10 GB;");
    assert_true(fabs(cril_scale_at(&s, 1e8) - 50) < 1e-9);
    assert_true(cril_scale_at(&s, -1) == 0);
    cril_scale_set_log(&s, 4e7, 3e9, 0, 8);
    expect_ticks(&s, "50 MB;100 MB;200 MB;500 MB;1 GB;2 GB;");
    cril_scale_set_log(&s, 88e6, 271e6, 0, 8); /* two marks are too few */
    expect_ticks(&s, "100 MB;150 MB;200 MB;250 MB;");
    s.unit = CRIL_SCALE_PLAIN;
    cril_scale_set_log(&s, 2e-4, 0.3, 0.05, 8);
    expect_ticks(&s, "0.0002;0.0005;0.001;0.002;0.005;0.01;0.02;0.05;0.1;0.2;");
    s.unit = CRIL_SCALE_COUNT;
    cril_scale_set(&s, 0, 20000, 0, 4);
    expect_ticks(&s, "0;5000;10k;15k;20k;");
    cril_scale_set_log(&s, 7, 7, 0.1, 5); /* one number */
    assert_true(s.low < 7 && s.high > 7);
}

static void scales(void **state)
{
    const double lows[] = {0, 0.4, -3, 1e6, 0.1234567, 5},
                 highs[] = {1, 0.55, 3, 1e6 + 1, 0.1234568, 5};

    (void)state;
    for (size_t i = 0; i < 6; i++) {
        struct cril_scale s = {.from = 10, .to = 110};
        double ticks[CRIL_SCALE_TICKS];
        size_t n;

        cril_scale_set(&s, lows[i], highs[i], 0.05, 4);
        n = cril_scale_ticks(&s, ticks);
        assert_true(s.low < lows[i] && s.high > highs[i]);
        assert_in_range(n, 2, 12);
        assert_true(ticks[0] >= s.low - 1e-9 * fabs(s.low) &&
                    ticks[n - 1] <= s.high + 1e-9 * fabs(s.high));
        assert_true(fabs(cril_scale_at(&s, s.low) - 10) < 1e-9 &&
                    fabs(cril_scale_at(&s, s.high) - 110) < 1e-9);
    }
}

static void fits_text_into_a_width(void **state)
{
    (void)state;
    assert_int_equal(cril_markup_fit("abc", 100), 3);
    assert_int_equal(cril_markup_fit("\xE6\xA8\xA1\xE5\x9E\x8B", 1.5), 3); /* whole characters */
    assert_int_equal(cril_markup_fit("abc", 0), 0);
    assert_int_equal(cril_markup_fit_end("abc", 3, 100), 0);
    assert_int_equal(cril_markup_fit_end("\xE6\xA8\xA1\xE5\x9E\x8B", 6, 1.5), 3);
    assert_int_equal(cril_markup_fit_end("abc", 3, 0), 3);
    assert_true(cril_markup_width("WWW", 3) > cril_markup_width("iii", 3));
}

/* ---- What eyes need ---- */

static void names_do_not_cover_each_other(void **state)
{
    enum { N = 40 };
    const struct cril_box bounds = {0, 0, 900, 500};
    struct cril_label l[N];
    uint32_t random = 12345;
    size_t shown = 0;

    (void)state;
    for (size_t i = 0; i < N; i++) {
        random = random * 1664525 + 1013904223;
        l[i] = (struct cril_label){.x = 20 + (random >> 16) % 860,
                                   .y = 20 + (random >> 8) % 460,
                                   .width = 60 + random % 60,
                                   .height = 14};
    }
    assert_true(cril_labels_place(l, N, NULL, 5, &bounds, NULL, 0));
    for (size_t i = 0; i < N; i++) {
        if (!l[i].shown)
            continue;
        shown++;
        assert_true(l[i].box.left >= 0 && l[i].box.top >= 0 && l[i].box.right <= 900 &&
                    l[i].box.bottom <= 500);
        for (size_t k = 0; k < i; k++) {
            const double w =
                fmin(l[i].box.right, l[k].box.right) - fmax(l[i].box.left, l[k].box.left);
            const double h =
                fmin(l[i].box.bottom, l[k].box.bottom) - fmax(l[i].box.top, l[k].box.top);

            assert_false(l[k].shown && w > 0 && h > 0 && w * h > 4);
        }
    }
    assert_true(shown > N * 3 / 4);
}

static bool lies_on(const struct cril_box *b, const struct cril_segment *s)
{
    for (int i = 0; i <= 10000; i++) {
        const double x = s->x1 + (s->x2 - s->x1) * i / 10000,
                     y = s->y1 + (s->y2 - s->y1) * i / 10000;

        if (x > b->left + 0.1 && x < b->right - 0.1 && y > b->top + 0.1 && y < b->bottom - 0.1)
            return true;
    }
    return false;
}

/* Points along a line, each with room beside it. */
static void no_name_lies_on_the_line(void **state)
{
    enum { N = 12 };
    const struct cril_box bounds = {0, 0, 900, 500};
    const struct cril_segment line = {0, 20, 900, 480};
    struct cril_label l[N];
    size_t shown = 0;

    (void)state;
    for (size_t i = 0; i < N; i++)
        l[i] = (struct cril_label){.x = 60 + 70 * (double)i,
                                   .y = 20 + 460 * (60 + 70 * (double)i) / 900,
                                   .width = 150,
                                   .height = 14,
                                   .bar_x = 60};
    assert_true(cril_labels_place(l, N, NULL, 5, &bounds, &line, 1));
    for (size_t i = 0; i < N; i++) {
        shown += l[i].shown;
        assert_false(l[i].shown && lies_on(&l[i].box, &line));
    }
    assert_true(shown >= N - 1);
}

/* Wherever the name would stand, the line is there. */
static void a_name_without_other_room_is_not_shown(void **state)
{
    const struct cril_box bounds = {0, 0, 200, 30};
    const struct cril_segment line = {0, 15, 200, 15};
    struct cril_label l = {.x = 100, .y = 15, .width = 50, .height = 20};

    (void)state;
    assert_true(cril_labels_place(&l, 1, NULL, 5, &bounds, &line, 1));
    assert_false(l.shown);
    assert_true(cril_labels_place(&l, 1, NULL, 5, &bounds, NULL, 0));
    assert_true(l.shown);
}

/* Where only one name has room it is that of the point which comes first. */
static void first_names_have_the_room(void **state)
{
    const struct cril_box bounds = {0, 0, 120, 40};

    (void)state;
    for (size_t first = 0; first < 3; first++) {
        const size_t order[3] = {first, (first + 1) % 3, (first + 2) % 3};
        struct cril_label l[3];

        for (size_t i = 0; i < 3; i++)
            l[i] = (struct cril_label){.x = 60, .y = 20, .width = 100, .height = 30};
        l[0].x = 8;
        l[1].x = 9;
        l[2].x = 10;
        assert_true(cril_labels_place(l, 3, order, 3, &bounds, NULL, 0));
        for (size_t i = 0; i < 3; i++)
            assert_int_equal(l[i].shown, i == first);
    }
}

/* A name that is not wanted is not shown, and leaves its room to others. */
static void unwanted_names_take_no_room(void **state)
{
    const struct cril_box bounds = {0, 0, 120, 40};
    struct cril_label l[2] = {{.x = 8, .y = 20, .width = 80, .height = 30, .unwanted = true},
                              {.x = 9, .y = 20, .width = 80, .height = 30}};

    (void)state;
    assert_true(cril_labels_place(l, 2, NULL, 3, &bounds, NULL, 0));
    assert_false(l[0].shown);
    assert_true(l[1].shown);
    l[1].x = 100; /* on its left, where the other one's name would be */
    assert_true(cril_labels_place(l, 2, NULL, 3, &bounds, NULL, 0));
    assert_true(l[1].shown && !l[1].leader);
}

static size_t tail_of(const char *a, const char *b, const char *c)
{
    const char *const names[3] = {a, b, c};

    return cril_labels_tail(names, c ? 3 : b ? 2 : 1);
}

static void finds_common_tails(void **state)
{
    (void)state;
    assert_int_equal(tail_of("a-Instruct-Q4", "b-Instruct-Q4", "cc-Instruct-Q4"), 12);
    assert_int_equal(tail_of("a-Instruct-Q4_K_M", "b-Instruct-Q5_K_M", NULL), 0); /* not "_K_M" */
    assert_int_equal(tail_of("a-Instruct", NULL, NULL), 0);
    assert_int_equal(tail_of("a-7b", "b-7b", NULL), 0); /* too short to be worth it */
    assert_int_equal(tail_of("Instruct-Q4", "b-Instruct-Q4", NULL),
                     0 + 0); /* nothing would be left */
    assert_int_equal(tail_of("same-name", "same-name", NULL), 5);
    assert_int_equal(tail_of("", "", NULL), 0);
    assert_int_equal(tail_of("\xC3\xA9-\xC3\xA9\xC3\xA9", "e-\xC3\xA9\xC3\xA9", NULL), 5);
}

/* Relative luminance of "#rrggbb" or "#rgb" (WCAG 2.2). */
static double luminance(const char *hex)
{
    static const double weight[] = {0.2126, 0.7152, 0.0722};
    const bool is_short = !isxdigit((unsigned char)hex[4]);
    double sum = 0;

    for (size_t i = 0; i < 3; i++) {
        const char two[3] = {hex[1 + (is_short ? i : 2 * i)], hex[is_short ? 1 + i : 2 + 2 * i],
                             '\0'};
        const double c = (double)strtol(two, NULL, 16) / 255;

        sum += weight[i] * (c <= 0.04045 ? c / 12.92 : pow((c + 0.055) / 1.055, 2.4));
    }
    return sum;
}

/* The colour of a variable from `from` on. */
static const char *colour(const char *from, const char *name)
{
    char key[16];

    snprintf(key, sizeof(key), "--%s:#", name);
    from = strstr(from, key);
    assert_non_null(from);
    return from + strlen(key) - 1;
}

static void expect_contrast(const char *sheet, const char *a, const char *b, double min)
{
    const double x = luminance(colour(sheet, a)), y = luminance(colour(sheet, b)),
                 contrast = (fmax(x, y) + 0.05) / (fmin(x, y) + 0.05);

    if (contrast < min)
        fail_msg("%s on %s: %.2f is below %.1f", a, b, contrast, min);
}

static void has_contrast(void **state)
{
    static const char *const marks[] = {"c0", "c1", "c2", "c3", "c4", "c5", "c6", "axis"};
    static const char *const grounds[] = {"bg", "new", "mean"};
    struct small *s = make_small();
    struct page p = make(&s->info, &s->table, NULL);
    const char *sheets[2] = {p.text, strstr(p.text, "prefers-color-scheme:dark")};

    (void)state;
    assert_non_null(sheets[1]);
    for (size_t i = 0; i < 2; i++) {
        for (size_t k = 0; k < 3; k++) {
            expect_contrast(sheets[i], "ink", grounds[k], 4.5);
            for (size_t m = 0; m < 8; m++)
                expect_contrast(sheets[i], marks[m], grounds[k], 3);
        }
        expect_contrast(sheets[i], "soft", "bg", 4.5);
        expect_contrast(sheets[i], "link", "bg", 4.5);
        expect_contrast(sheets[i], "ink", "off", 4.5);
    }
    free(p.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_what_is_known),
        cmocka_unit_test(puts_leak_scores_beside_the_line),
        cmocka_unit_test(gives_unspelled_text_no_rank),
        cmocka_unit_test(escapes_what_comes_from_outside),
        cmocka_unit_test(shows_a_dash_for_what_is_not_known),
        cmocka_unit_test(says_what_3_models_cannot_show),
        cmocka_unit_test(ranking_leads_where_models_are_few),
        cmocka_unit_test(ranking_leads_without_scores),
        cmocka_unit_test(shows_ties),
        cmocka_unit_test(axes_say_what_they_show),
        cmocka_unit_test(ticks_lie_within_the_drawing),
        cmocka_unit_test(bands_have_two_edges),
        cmocka_unit_test(common_tails_stand_in_the_caption),
        cmocka_unit_test(is_a_page_without_a_line_too),
        cmocka_unit_test(draws_extreme_figures),
        cmocka_unit_test(draws_unknown_errors),
        cmocka_unit_test(lists_figures),
        cmocka_unit_test(draws_each_figure_alone),
        cmocka_unit_test(a_figure_of_a_line_says_its_correlation),
        cmocka_unit_test(escapes_figures),
        cmocka_unit_test(says_what_was_scored),
        cmocka_unit_test(finds_the_frontier),
        cmocka_unit_test(draws_divergence_by_size),
        cmocka_unit_test(scales_divergences),
        cmocka_unit_test(tells_divergences),
        cmocka_unit_test(tells_old_divergences),
        cmocka_unit_test(tells_divergences_that_lack),
        cmocka_unit_test(draws_learning_curves),
        cmocka_unit_test(figures_have_their_numbers),
        cmocka_unit_test(says_which_figures_there_are),
        cmocka_unit_test(shows_the_paper),
        cmocka_unit_test(draws_the_papers_line),
        cmocka_unit_test(faults_are_said),
        cmocka_unit_test(numbers),
        cmocka_unit_test(scales),
        cmocka_unit_test(logarithmic_scales),
        cmocka_unit_test(fits_text_into_a_width),
        cmocka_unit_test(names_do_not_cover_each_other),
        cmocka_unit_test(no_name_lies_on_the_line),
        cmocka_unit_test(a_name_without_other_room_is_not_shown),
        cmocka_unit_test(first_names_have_the_room),
        cmocka_unit_test(unwanted_names_take_no_room),
        cmocka_unit_test(finds_common_tails),
        cmocka_unit_test(has_contrast),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
