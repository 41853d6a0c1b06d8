/*
 * Views: tokens cover the text, figures are those of a score, sums of lines and words are sums of
 * tokens; the page is well formed whatever the text holds, has all of the text, and colours that
 * can be read.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "html_check.h"
#include "report/view_cells.h"
#include "report/view_style.h"
#include "score/spans.h"
#include "util/utf8.h"

#include <math.h>

static const char *const names[] = {"tiny-llama", "tiny-llama-mixed", "tiny-gemma3", "tiny-qwen2"};
enum { MODELS = sizeof(names) / sizeof(*names) };
static cril_model *models[MODELS];

static const char plain[] =
    "The quick brown fox jumps over the lazy dog.\n\n  Straightforward words: "
    "the dog, the fox; 12 dogs.\nna\xc3\xafve caf\xc3\xa9 \xe2\x82\xac 5 "
    "\xf0\x9f\x98\x80!\nThe end";
static const char hostile[] =
    "</script><script>alert(1)</script></p></div>&lt; & \"quoted\" 'too'\n\r\n\x01\x1b[31m\x7f \t| "
    "\xff\xfe caf\xc3 \xe2\x82\xc0\xaf \xe2\x80\xae turned \xed\xa0\x80\0 NUL \xf4\x90\x80\x80 "
    "<!-- "
    "<i title=\"x\"> <s> </s> <bos> \xe2\x96\x81 e\xcc\x81 \xef\xbf\xbd\xef\xbb\xbf\n";

static cril_view *view(size_t model, size_t n, const char *text, size_t len)
{
    const cril_score_options o = {.context = 64, .stride = 32, .threads = 1};
    cril_view *v;
    cril_error err;

    if (cril_view_create(models + model, n, &o, "text", text, len, NULL, &v, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    return v;
}

/* ---- Tokens, cells, sums ---- */

static void assert_near(double a, double b)
{
    if (!(fabs(a - b) <= 1e-6 * (1 + fabs(a))))
        fail_msg("%.17g is not %.17g", a, b);
}

static void check_tokens(const cril_view *v)
{
    size_t at = 0;

    assert_true(v->n_tokens > 0);
    for (size_t i = 0; i < v->n_tokens; i++) {
        assert_true(v->tokens[i].start == at && v->tokens[i].end >= at);
        at = v->tokens[i].end;
    }
    assert_int_equal(at, v->len_bytes);
    for (size_t m = 0; m < v->n_models; m++) {
        double nats = 0;

        for (size_t i = 0; i < v->n_tokens; i++)
            nats += v->models[m].scores[i].nats;
        assert_near(nats, v->models[m].result.nats);
    }
}

static bool is_boundary(const cril_view *v, size_t at)
{
    size_t i = 0;
    uint32_t c;

    while (i < at)
        i += cril_utf8_read(v->text + i, v->len_bytes - i, &c);
    return i == at;
}

static void check_sums(const struct cril_view_cells *c)
{
    double cells = 0, lines = 0, words = 0;
    size_t n_cells = 0, end = 0;

    for (size_t i = 0; i < c->n_cells; i++) {
        cells += c->cells[i].sums.bits[0];
        assert_int_equal(c->cells[i].first, i ? c->cells[i - 1].first + c->cells[i - 1].n : 0);
        assert_true(is_boundary(c->v, c->cells[i].end));
        assert_int_equal(c->cells[i].start, end);
        end = c->cells[i].end;
        if (c->cells[i].word != SIZE_MAX) {
            const struct cril_view_word *word = &c->words[c->cells[i].word];

            assert_true(word->start < end && word->end > c->cells[i].start);
        }
    }
    assert_int_equal(end, c->v->len_bytes);
    for (size_t i = 0; i < c->n_lines; i++) {
        lines += c->lines[i].sums.bits[0];
        assert_int_equal(c->lines[i].start, i ? c->lines[i - 1].end : 0);
    }
    for (size_t i = 0; i < c->n_words; i++) {
        words += c->words[i].sums.bits[0];
        n_cells += c->words[i].n_cells;
    }
    assert_near(cells, c->v->models[0].result.nats / CRIL_LN2);
    assert_near(lines, cells);
    assert_true(words <= cells && n_cells <= c->n_cells);
}

static void check_totals(const struct cril_view_cells *c)
{
    size_t n, times = 0, *lines = cril_view_lines_by_cost(c);
    struct cril_view_total *t = cril_view_totals(c, &n);
    double before = INFINITY;

    assert_true(t && lines);
    for (size_t i = 0; i < n; i++) {
        const double cost = fabs(cril_view_shown(c->v, &t[i].sums));

        assert_true(cost <= before);
        before = cost;
        times += t[i].n;
    }
    assert_int_equal(times, c->n_words);
    for (size_t i = 1; i < c->n_lines; i++)
        assert_true(fabs(cril_view_shown(c->v, &c->lines[lines[i - 1]].sums)) >=
                    fabs(cril_view_shown(c->v, &c->lines[lines[i]].sums)));
    free(t);
    free(lines);
}

static void check_all(const cril_view *v)
{
    struct cril_view_cells c;

    check_tokens(v);
    assert_int_equal(cril_view_cells_make(v, &c, NULL), CRIL_OK);
    check_sums(&c);
    check_totals(&c);
    cril_view_cells_free(&c);
}

static void test_covers(void **state)
{
    (void)state;
    for (size_t m = 0; m < MODELS; m++) {
        cril_view *v = view(m, 1, plain, sizeof(plain) - 1);

        check_all(v);
        cril_view_free(v);
        v = view(m, 1, hostile, sizeof(hostile) - 1);
        check_all(v);
        cril_view_free(v);
        v = view(m, 1, "\xff", 1);
        check_all(v);
        cril_view_free(v);
    }
}

/* Where pieces are the text, a token's part of it is its piece. */
static void test_parts(void **state)
{
    cril_view *v = view(3, 1, plain, sizeof(plain) - 1);

    (void)state;
    for (size_t i = 0; i < v->n_tokens; i++) {
        size_t len;
        const char *piece =
            cril_tokenizer_piece(cril_model_tokenizer(models[3]), v->tokens[i].id, &len);

        assert_int_equal(len, v->tokens[i].end - v->tokens[i].start);
        assert_memory_equal(piece, v->text + v->tokens[i].start, len);
    }
    assert_int_equal(v->models[0].scores[0].details.rank, 0);
    assert_true(v->models[0].scores[1].details.rank > 0);
    cril_view_free(v);
}

/* The places of text by the tokenizer of a file; the share of tokens whose part is their piece. */
static double place(const char *name, const char *text, size_t len, cril_view_token *tokens,
                    size_t *n)
{
    char path[1024];
    cril_tokenizer *t;
    cril_ids ids = {0};
    size_t equal = 0;
    cril_error err;

    snprintf(path, sizeof(path), "%s/golden/%s.gguf", CRIL_TEST_DATA, name);
    if (cril_tokenizer_open(path, &t, &err) != CRIL_OK ||
        cril_tokenizer_encode(t, text, len, 0, &ids, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    *n = ids.n;
    assert_true(ids.n && ids.n <= 1000);
    for (size_t i = 0; i < ids.n; i++)
        tokens[i] = (cril_view_token){.id = ids.data[i]};
    cril_spans_place(t, text, len, tokens, ids.n);
    for (size_t i = 0; i < ids.n; i++) {
        size_t piece_len;
        const char *piece = cril_tokenizer_piece(t, ids.data[i], &piece_len);

        assert_int_equal(tokens[i].start, i ? tokens[i - 1].end : 0);
        assert_false(tokens[i].is_control);
        equal += piece_len == tokens[i].end - tokens[i].start &&
                 memcmp(piece, text + tokens[i].start, piece_len) == 0;
    }
    assert_int_equal(tokens[ids.n - 1].end, len);
    cril_ids_free(&ids);
    cril_tokenizer_free(t);
    return (double)equal / (double)*n;
}

/* Tokenizers that change texts, and bytes that are not UTF-8: pieces and text meet again. */
static void test_pieces_that_leave_the_text(void **state)
{
    static const char *const files[] = {"tiny-llama", "tiny-qwen2",       "tiny-gemma3",
                                        "sp-bpe",     "sp-unigram-bytes", "sp-bpe-bytes"};
    char bad[300];
    cril_view_token tokens[1000];
    size_t n;

    (void)state;
    for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
        const char text[] =
            "a text \xff with \xfe\xfd bytes \xef\xac\x81 and    blanks, then the end";

        if (place(files[i], text, sizeof(text) - 1, tokens, &n) < .6)
            fail_msg("%s", files[i]);
    }
    memset(bad, 0xff, sizeof(bad)); /* more than is sought: a byte a token */
    memcpy(bad + 280, " the end of all this", 20);
    assert_true(place("sp-bpe", bad, sizeof(bad), tokens, &n) < .1);
    assert_int_equal(tokens[20].end - tokens[20].start, 1);
    memset(bad, ' ', sizeof(bad)); /* blanks become one */
    memcpy(bad, "text", 4);
    place("sp-unigram", bad, sizeof(bad), tokens, &n);
}

static void test_control_token_at_the_end(void **state)
{
    cril_view *v = view(0, 1, plain, sizeof(plain) - 1);

    (void)state;
    v->tokens[v->n_tokens] =
        (cril_view_token){.id = 2, .start = v->len_bytes, .end = v->len_bytes, .is_control = true};
    v->models[0].scores[v->n_tokens++].nats = 1; /* there is room for it */
    v->models[0].result.nats++;
    check_all(v);
    cril_view_free(v);
}

static void test_words(void **state)
{
    cril_view *v = view(3, 1, plain, sizeof(plain) - 1);
    struct cril_view_cells c;
    struct cril_view_total *t;
    size_t n, the = 0;

    (void)state;
    assert_int_equal(cril_view_cells_make(v, &c, NULL), CRIL_OK);
    assert_int_equal(c.n_lines, 5);
    assert_int_equal(c.n_words, 22);
    assert_non_null(t = cril_view_totals(&c, &n));
    for (size_t i = 0; i < n; i++)
        if (t[i].end - t[i].start == 3 && memcmp(v->text + t[i].start, "the", 3) == 0)
            the = t[i].n;
    assert_int_equal(the, 3);
    assert_true(c.n_places > 0);
    for (size_t i = 0; i < c.n_places; i++)
        assert_int_equal(c.cells[c.places[i].cell].place, i + 1);
    for (size_t i = 1; i < c.n_places; i++)
        assert_true(c.places[i].cell >= c.places[i - 1].cell + c.places[i - 1].n);
    free(t);
    cril_view_cells_free(&c);
    cril_view_free(v);
}

/* ---- Pages ---- */

static char *page_of(const cril_view *v, size_t *len)
{
    const cril_view_page page = {.title = "a <b>\"name\"", .document = 3};
    char *text = NULL;
    const char *where = "", *fault;
    FILE *f = open_memstream(&text, len);
    cril_error err;

    assert_non_null(f);
    if (cril_view_write(f, v, &page, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(strlen(text), *len);
    fault = html_check(text, *len, &where);
    if (fault)
        fail_msg("%s: %.200s", fault, where);
    return text;
}

/* The character that text at *c shows, which moves past it. */
static char decode(const char **c)
{
    static const struct {
        const char *entity;
        char is;
    } known[] = {{"&amp;", '&'}, {"&lt;", '<'},   {"&gt;", '>'},
                 {"&#9;", '\t'}, {"&quot;", '"'}, {"&#39;", '\''}};

    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
        if (strncmp(*c, known[i].entity, strlen(known[i].entity)) == 0) {
            *c += strlen(known[i].entity);
            return known[i].is;
        }
    return *(*c)++;
}

/* The text that a page shows, a line feed behind each line but the last. */
static char *shown_text(const char *page, size_t len)
{
    const char *c = strstr(page, "<div id=\"t\">"), *end = strstr(page, "<div class=\"tables\">");
    char *text = malloc(len);
    size_t n = 0;
    bool inside = false;

    assert_true(c && end && text);
    while (c < end) {
        if (*c != '<') {
            const char shown = decode(&c);

            if (inside)
                text[n++] = shown;
            continue;
        }
        if (strncmp(c, "<div id=\"L", 10) == 0 && n)
            text[n++] = '\n';
        inside = strncmp(c, "<p", 2) == 0 || (inside && strncmp(c, "</p", 3) != 0);
        c = strchr(c, '>') + 1;
    }
    text[n] = 0;
    return text;
}

static size_t occurrences(const char *text, const char *of)
{
    size_t n = 0;

    for (; (text = strstr(text, of)); text += strlen(of))
        n++;
    return n;
}

/* A title for each cell, likely ids for those of more than 1 bit. */
static void test_titles(void **state)
{
    (void)state;
    for (size_t m = 0; m < MODELS; m++) {
        cril_view *v = view(m, 1, plain, sizeof(plain) - 1);
        struct cril_view_cells c;
        size_t len, lists = 0;
        char *page = page_of(v, &len);

        assert_int_equal(cril_view_cells_make(v, &c, NULL), CRIL_OK);
        for (size_t i = 0; i < c.n_cells; i++) {
            const cril_view_score *s = &v->models[0].scores[c.cells[i].first];

            lists += s->nats > CRIL_LN2 && s->details.rank;
        }
        assert_int_equal(occurrences(page, " title=\""), c.n_cells);
        assert_int_equal(occurrences(page, "&#10;\u201c"), lists);
        assert_int_equal(occurrences(page, " id=\"x"), c.n_places);
        assert_non_null(strstr(page, "\u201c\u20ac\u201d: "));
        cril_view_cells_free(&c);
        free(page);
        cril_view_free(v);
    }
}

static void test_page_has_the_text(void **state)
{
    (void)state;
    for (size_t m = 1; m < MODELS; m++) {
        cril_view *v = view(m, 1, plain, sizeof(plain) - 1);
        size_t len;
        char *page = page_of(v, &len), *text = shown_text(page, len);
        const char *shown = text;

        if (v->tokens[0].is_control) /* its name */
            shown = strstr(text, "The quick");
        assert_non_null(shown);
        assert_string_equal(shown, plain);
        assert_non_null(strstr(page, "a &lt;b&gt;&quot;name&quot;, document 3</h1>"));
        assert_non_null(strstr(page, "rank "));
        assert_non_null(strstr(page, "entropy "));
        free(text);
        free(page);
        cril_view_free(v);
    }
}

/* A token of several line feeds goes on in the next lines. */
static void test_cell_over_lines(void **state)
{
    cril_view *v = view(3, 1, plain, sizeof(plain) - 1);
    struct cril_view_cells c;
    size_t len, i = 0;
    char *page, *text;

    (void)state;
    while (plain[v->tokens[i].start] != '\n')
        i++;
    assert_int_equal(v->tokens[i + 1].end, v->tokens[i].start + 2);
    v->tokens[i].end = v->tokens[i + 2].end; /* "\n\n " */
    for (size_t k = i + 1; k <= i + 2; k++)
        v->tokens[k].start = v->tokens[k].end = v->tokens[i].end;
    page = page_of(v, &len);
    text = shown_text(page, len);
    assert_string_equal(text, plain);
    assert_int_equal(cril_view_cells_make(v, &c, NULL), CRIL_OK);
    assert_int_equal(occurrences(page, " title=\""), c.n_cells);
    assert_non_null(strstr(page, " n k\"></i></p>"));
    assert_non_null(strstr(page, " k\"> </i>"));
    cril_view_cells_free(&c);
    free(text);
    free(page);
    cril_view_free(v);
}

static void test_page_of_hostile_text(void **state)
{
    (void)state;
    for (size_t m = 0; m < MODELS; m++) {
        cril_view *v = view(m, 1, hostile, sizeof(hostile) - 1);
        size_t len;
        char *page = page_of(v, &len), *text = shown_text(page, len);

        assert_true(strstr(page, "<script>") == strstr(page, "<script>\n(function"));
        assert_null(strstr(text, "\xe2\x80\xae"));
        assert_non_null(strstr(text, "</script><script>alert(1)</script></p></div>"));
        assert_non_null(
            strstr(text, "\\xFF\\xFE caf\\xC3 \\xE2\\x82\\xC0\\xAF \\xE2\\x80\\xAE turned"));
        assert_non_null(strstr(text, "\xe2\x90\x81\xe2\x90\x9b[31m\xe2\x90\xa1 \t| "));
        assert_non_null(strstr(text, "\xe2\x90\x80 NUL"));
        free(text);
        free(page);
        cril_view_free(v);
    }
}

static void test_long_line(void **state)
{
    enum { WORDS = 3000 };
    char *text = malloc(WORDS * 5 + 1);
    cril_view *v;
    size_t len;
    char *page, *shown;

    (void)state;
    assert_non_null(text);
    for (size_t i = 0; i < WORDS; i++)
        memcpy(text + 5 * i, i % 3 ? "four " : "the> ", 6);
    v = view(3, 1, text, WORDS * 5);
    page = page_of(v, &len);
    shown = shown_text(page, len);
    assert_string_equal(shown, text);
    assert_int_equal(occurrences(page, "<div><b></b><p>"), 3);
    cril_view_free(v);
    free(page);
    for (size_t i = 0; i < 3 * WORDS; i += 300)
        text[i] = '\n';
    v = view(3, 1, text, 3 * WORDS);
    page = page_of(v, &len);
    assert_int_equal(occurrences(page, "<div><b></b><p>"), 0);
    free(shown);
    free(page);
    free(text);
    cril_view_free(v);
}

/* Of many tokens above 1 bit the likely ids of those that cost most are shown, and of how many. */
static void test_many_tokens(void **state)
{
    enum { TOKENS = 50000, LISTS = 45000 };
    cril_view *v = view(3, 1, plain, sizeof(plain) - 1);
    const cril_token_details details = v->models[0].scores[1].details;
    size_t len;
    char *page;

    (void)state;
    free(v->text);
    free(v->tokens);
    free(v->models[0].scores);
    v->len_bytes = v->n_tokens = TOKENS;
    v->text = malloc(TOKENS);
    v->tokens = calloc(TOKENS, sizeof(*v->tokens));
    v->models[0].scores = calloc(TOKENS, sizeof(*v->models[0].scores));
    assert_true(v->text && v->tokens && v->models[0].scores);
    for (size_t i = 0; i < TOKENS; i++) {
        v->text[i] = i % 50 ? '.' : ' ';
        v->tokens[i] = (cril_view_token){.id = 1, .start = i, .end = i + 1};
        v->models[0].scores[i] = (cril_view_score){
            .nats = CRIL_LN2 * (2 + (double)(i * 7919 % TOKENS) / TOKENS), .details = details};
    }
    page = page_of(v, &len);
    assert_int_equal(occurrences(page, "&#10;\u201c"), LISTS);
    assert_non_null(strstr(page, "above 2.1 bits"));
    free(page);
    cril_view_free(v);
}

static void test_two_models(void **state)
{
    cril_view *v = view(0, 2, plain, sizeof(plain) - 1);
    size_t len;
    char *page = page_of(v, &len);

    (void)state;
    check_all(v);
    assert_non_null(strstr(page, "B \xe2\x88\x92 A "));
    assert_non_null(strstr(page, "class=\"p"));
    assert_non_null(strstr(page, "class=\"m"));
    assert_null(strstr(page, "class=\"b"));
    free(page);
    cril_view_free(v);
}

/* ---- Refusals ---- */

static void refuse(size_t n, const cril_score_options *o, size_t len, cril_status wanted,
                   const char *part)
{
    cril_view *v = NULL;
    cril_error err;

    assert_int_equal(cril_view_create(models + 1, n, o, "text", plain, len, NULL, &v, &err),
                     wanted);
    assert_null(v);
    if (!strstr(err.message, part))
        fail_msg("%s", err.message);
}

static void test_refusals(void **state)
{
    const cril_score_options joined = {.protocol = "opencompass"}, none = {.protocol = "none"},
                             stride = {.context = 8, .stride = 9};

    (void)state;
    refuse(2, NULL, 10, CRIL_ERR_RANGE, "only models with the same tokens"); /* llama and gemma */
    refuse(3, NULL, 10, CRIL_ERR_RANGE, "one or two models");
    refuse(0, NULL, 10, CRIL_ERR_RANGE, "one or two models");
    refuse(1, NULL, 0, CRIL_ERR_RANGE, "not empty");
    refuse(1, &joined, 10, CRIL_ERR_UNSUPPORTED, "use the protocol document");
    refuse(1, &none, 10, CRIL_ERR_RANGE, "is not known");
    refuse(1, &stride, 10, CRIL_ERR_RANGE, "stride");
}

/* Protocols that score a part, or put special tokens around. */
static void test_protocols(void **state)
{
    (void)state;
    for (size_t i = 0; cril_protocol_name(i); i++) {
        const cril_score_options o = {
            .protocol = cril_protocol_name(i), .context = 16, .threads = 1};
        cril_view *v = NULL;
        cril_error err;
        size_t scored = 0, len;
        const cril_status st =
            cril_view_create(models + 1, 1, &o, "text", plain, sizeof(plain) - 1, NULL, &v, &err);

        if (st == CRIL_ERR_UNSUPPORTED)
            continue;
        if (st != CRIL_OK)
            fail_msg("%s", err.message);
        for (size_t k = 0; k < v->n_tokens; k++)
            scored += isnan(v->models[0].scores[k].nats) ? 0 : 1;
        assert_int_equal(scored, v->models[0].result.scored_tokens);
        free(page_of(v, &len));
        cril_view_free(v);
    }
}

/* ---- Colours ---- */

static double channel(unsigned v)
{
    const double c = v / 255.;

    return c <= .04045 ? c / 12.92 : pow((c + .055) / 1.055, 2.4);
}

static double luminance(unsigned rgb)
{
    return .2126 * channel(rgb >> 16) + .7152 * channel(rgb >> 8 & 255) +
           .0722 * channel(rgb & 255);
}

static double luminance_of(const char *sheet, const char *key)
{
    const char *c = strstr(sheet, key);
    unsigned rgb;

    assert_non_null(c);
    c += strlen(key);
    if (strspn(c, "0123456789abcdef") == 3) { /* #fff */
        assert_int_equal(sscanf(c, "%3x", &rgb), 1);
        rgb = ((rgb >> 8) << 16 | (rgb >> 4 & 15) << 8 | (rgb & 15)) * 17;
    } else {
        assert_int_equal(sscanf(c, "%6x", &rgb), 1);
    }
    return luminance(rgb);
}

static void test_contrast(void **state)
{
    char *sheet = NULL, key[32];
    size_t len;
    FILE *f = open_memstream(&sheet, &len);

    (void)state;
    assert_non_null(f);
    cril_view_write_style(f);
    fclose(f);
    for (size_t dark = 0; dark < 2; dark++) {
        const char *inks = dark ? strstr(sheet, "prefers-color-scheme:dark") : sheet,
                   *grounds = dark ? strstr(inks + 1, "prefers-color-scheme:dark") : sheet;
        const double ink = luminance_of(inks, "--ink:#");

        for (size_t i = 0; i < CRIL_VIEW_LEVELS + 2 * CRIL_VIEW_DIFFERENCES; i++) {
            const size_t k =
                i < CRIL_VIEW_LEVELS ? i : (i - CRIL_VIEW_LEVELS) % CRIL_VIEW_DIFFERENCES;
            const char kind = i < CRIL_VIEW_LEVELS                           ? 'b'
                              : i < CRIL_VIEW_LEVELS + CRIL_VIEW_DIFFERENCES ? 'p'
                                                                             : 'm';

            snprintf(key, sizeof(key), ".%c%zu{background:#", kind, k + 1);
            const double ground = luminance_of(grounds, key),
                         contrast = (fmax(ink, ground) + .05) / (fmin(ink, ground) + .05);

            if (contrast < 4.5)
                fail_msg("%s: %.2f", key, contrast);
        }
    }
    free(sheet);
}

static void test_classes(void **state)
{
    (void)state;
    assert_string_equal(cril_view_class(.49, 1), "");
    assert_string_equal(cril_view_class(.5, 1), "b1");
    assert_string_equal(cril_view_class(12.9, 1), "b7");
    assert_string_equal(cril_view_class(99, 1), "b8");
    assert_string_equal(cril_view_class(-.24, 2), "");
    assert_string_equal(cril_view_class(-.25, 2), "m1");
    assert_string_equal(cril_view_class(1.5, 2), "p3");
    assert_string_equal(cril_view_class(-40, 2), "m5");
}

static int set_up(void **state)
{
    char path[1024];

    (void)state;
    for (size_t i = 0; i < MODELS; i++) {
        snprintf(path, sizeof(path), "%s/golden/%s.gguf", CRIL_TEST_DATA, names[i]);
        if (cril_model_open(path, &models[i], NULL) != CRIL_OK)
            return 1;
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (size_t i = 0; i < MODELS; i++)
        cril_model_close(models[i]);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_covers),
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_pieces_that_leave_the_text),
        cmocka_unit_test(test_control_token_at_the_end),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_titles),
        cmocka_unit_test(test_page_has_the_text),
        cmocka_unit_test(test_cell_over_lines),
        cmocka_unit_test(test_page_of_hostile_text),
        cmocka_unit_test(test_long_line),
        cmocka_unit_test(test_many_tokens),
        cmocka_unit_test(test_two_models),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_protocols),
        cmocka_unit_test(test_contrast),
        cmocka_unit_test(test_classes),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
