/*
 * The page of a view (cril/view.h): figures, a strip of the whole text, the text, and tables of
 * places, lines and words.
 *
 * A cell is an element whose title says what is known of it, for a pointer without a script; the
 * script shows the same sentences. A cell that crosses a line's end goes on in the next line, as an
 * element of class k. What a text could do to a page (markup, controls, bytes that are not UTF-8,
 * characters that turn the direction of writing) becomes visible and harmless.
 */
#include "report/markup.h"
#include "report/view_cells.h"
#include "report/view_style.h"
#include "util/fail.h"
#include "util/fmath.h"
#include "util/utf8.h"

#include <cril/text.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    BINS = 240,        /* of the strip */
    LONG_LINE = 4000,  /* bytes after which a line goes on in another element, at a blank */
    SHOWN_LIKELY = 5,  /* ids of a cell */
    ROWS = 25,         /* of a table */
    STRIP_HEIGHT = 52, /* in units of a bin's width */
    EXCERPT = 60,      /* bytes */
    MAX_LISTS = 45000  /* of likely ids: a page of 200 kB of text stays below 15 MB */
};

struct writer {
    FILE *f;
    const cril_view *v;
    const cril_view_page *page;
    struct cril_view_cells cells;
    double surprising; /* bits above which the likely ids are shown */
};

static bool are_two(const struct writer *w)
{
    return w->v->n_models > 1;
}

static double shown_of(const struct writer *w, const struct cril_view_sums *s)
{
    return cril_view_shown(w->v, s);
}

/* Bits; of two models, the difference with its sign. */
static void put_shown(const struct writer *w, const struct cril_view_sums *s, int decimals)
{
    const double shown = shown_of(w, s);

    if (are_two(w) && shown > 0)
        putc('+', w->f);
    cril_markup_number(w->f, shown, decimals);
}

/* ---- Text ---- */

/* Bytes as one line with quotes; goes_on: there are more. */
static void put_quoted(FILE *f, const char *text, size_t len, bool goes_on)
{
    char shown[4 * EXCERPT + 1];
    const bool is_cut = cril_text_show(text, len, false, shown, sizeof(shown)) >= sizeof(shown);

    cril_markup_put(f, "\u201c%t%s\u201d", shown, goes_on || is_cut ? "\u2026" : "");
}

static void put_piece(const struct writer *w, int32_t id)
{
    size_t len = 0;
    const char *piece = cril_tokenizer_piece(cril_model_tokenizer(w->v->models[0].model), id, &len);

    put_quoted(w->f, piece ? piece : "", len, false);
}

/* A part of the text as an excerpt, whole characters. */
static void put_excerpt(const struct writer *w, size_t start, size_t end)
{
    size_t at = start;
    uint32_t c;

    while (at < end && at - start < EXCERPT)
        at += cril_utf8_read(w->v->text + at, end - at, &c);
    put_quoted(w->f, w->v->text + start, at - start, at < end);
}

/* A character of the text as it stands, or what makes it visible. */
static void put_character(FILE *f, const char *text, size_t len, uint32_t code)
{
    char shown[32];

    if (code == '\t') {
        fputs("&#9;", f);
    } else if (code < 0x20 || code == 0x7f) { /* Control Pictures */
        const uint32_t picture = code == 0x7f ? 0x2421 : 0x2400 + code;

        fputc(0xe2, f);
        fputc((int)(0x80 | (picture >> 6 & 0x3f)), f);
        fputc((int)(0x80 | (picture & 0x3f)), f);
    } else {
        cril_text_show(text, len, false, shown, sizeof(shown));
        cril_markup_text(f, shown, strlen(shown));
    }
}

/* ---- What is known of a cell ---- */

/* "“ the” 31%, ..." */
static void put_likely(const struct writer *w, const cril_token_details *d)
{
    for (size_t i = 0; i < d->n_likely && i < SHOWN_LIKELY; i++) {
        const double percent = 100 * cril_exp(-d->likely[i].nats);

        fputs(i ? ", " : "&#10;", w->f);
        put_piece(w, d->likely[i].id);
        cril_markup_put(w->f,
                        percent < .1   ? " &lt;0.1%%"
                        : percent < 10 ? " %1%%"
                                       : " %0%%",
                        percent < .1 ? 0 : percent);
    }
}

/* What a model says of a cell: "4.21 bits, rank 17, entropy 3.20"; of several tokens each has its
 * own, the bits as a sum. */
static void put_scores(const struct writer *w, const struct cril_view_cell *cell, size_t model)
{
    const cril_view_score *s = &w->v->models[model].scores[cell->first];

    for (size_t i = 0; i < cell->n; i++)
        cril_markup_put(w->f, i ? " + %2" : "%2", s[i].nats / CRIL_LN2);
    fputs(" bits", w->f);
    if (!s->details.rank) {
        fputs(", as a uniform code: nothing stands before it", w->f);
        return;
    }
    for (size_t i = 0; i < cell->n; i++)
        cril_markup_put(w->f, i ? ", %z" : ", rank %z", (size_t)s[i].details.rank);
    for (size_t i = 0; i < cell->n; i++)
        cril_markup_put(w->f, i ? ", %2" : ", entropy %2", s[i].details.entropy / CRIL_LN2);
    if (s->nats / CRIL_LN2 > w->surprising)
        put_likely(w, &s->details);
}

static void put_word(const struct writer *w, const struct cril_view_cell *cell)
{
    const struct cril_view_word *word = cell->word == SIZE_MAX ? NULL : &w->cells.words[cell->word];

    if (!word || word->n_cells < 2)
        return;
    fputs("&#10;word ", w->f);
    put_excerpt(w, word->start, word->end);
    fputs(": ", w->f);
    put_shown(w, &word->sums, 2);
    fputs(" bits", w->f);
}

static void put_difference(const struct writer *w, const struct cril_view_cell *cell)
{
    fputs("B \u2212 A ", w->f);
    put_shown(w, &cell->sums, 2);
    fputs(" bits&#10;A: ", w->f);
    put_scores(w, cell, 0);
    fputs("&#10;B: ", w->f);
    put_scores(w, cell, 1);
}

static void put_title(const struct writer *w, const struct cril_view_cell *cell)
{
    const cril_view_token *t = &w->v->tokens[cell->first];

    cril_markup_put(w->f, " title=\"%s", t->is_control ? "control token " : "");
    if (cell->n == 1)
        put_piece(w, t->id);
    else
        put_excerpt(w, cell->start, cell->end);
    fputs(": ", w->f);
    if (!cell->is_scored)
        fputs("not scored", w->f);
    else if (!are_two(w))
        put_scores(w, cell, 0);
    else
        put_difference(w, cell);
    put_word(w, cell);
    putc('"', w->f);
}

/* ---- The text ---- */

/* Where the text is. */
struct cursor {
    size_t line;    /* the next to begin */
    size_t written; /* bytes of the element at hand */
};

static void start_line(struct writer *w, struct cursor *at)
{
    const struct cril_view_line *line = &w->cells.lines[at->line++];

    cril_markup_put(w->f, "<div id=\"L%z\"><b>%z<em>", at->line, at->line);
    put_shown(w, &line->sums, 1);
    fputs("</em></b><p>", w->f);
    at->written = 0;
}

static void end_line(const struct writer *w)
{
    fputs("</p></div>\n", w->f);
}

static void start_cell(const struct writer *w, const struct cril_view_cell *cell, bool goes_on,
                       bool ends_line)
{
    const bool is_empty = cell->start == cell->end;
    const char *const classes[] = {
        cell->is_scored ? cril_view_class(shown_of(w, &cell->sums), w->v->n_models) : "u",
        is_empty ? "z" : "", ends_line ? "n" : "", goes_on ? "k" : ""};
    bool any = false;

    fputs("<i", w->f);
    for (size_t i = 0; i < sizeof(classes) / sizeof(*classes); i++) {
        if (!*classes[i])
            continue;
        cril_markup_put(w->f, "%s%s", any ? " " : " class=\"", classes[i]);
        any = true;
    }
    if (any)
        putc('"', w->f);
    if (cell->place && !goes_on)
        cril_markup_put(w->f, " id=\"x%z\"", cell->place);
    if (!goes_on)
        put_title(w, cell);
    putc('>', w->f);
}

/* What stands for a token without text. */
static void put_empty(const struct writer *w, const struct cril_view_cell *cell)
{
    size_t len = 0;
    const char *piece = cril_tokenizer_piece(cril_model_tokenizer(w->v->models[0].model),
                                             w->v->tokens[cell->first].id, &len);

    put_character(w->f, piece ? piece : "", len, 0xfffd);
}

static bool has_feed(const cril_view *v, size_t from, size_t to)
{
    return memchr(v->text + from, '\n', to - from) != NULL;
}

/* Characters of a cell, from `from` on. */
static void put_characters(struct writer *w, struct cursor *at, const struct cril_view_cell *cell)
{
    const cril_view *v = w->v;

    for (size_t i = cell->start, len; i < cell->end; i += len) {
        uint32_t c;

        len = cril_utf8_read(v->text + i, cell->end - i, &c);
        at->written += len;
        if (c != '\n') {
            put_character(w->f, v->text + i, len, c);
            continue;
        }
        if (i + len == cell->end)
            return; /* the next cell begins the next line */
        fputs("</i>", w->f);
        end_line(w);
        start_line(w, at);
        start_cell(w, cell, true, has_feed(v, i + len, cell->end));
    }
}

static void write_cell(struct writer *w, struct cursor *at, const struct cril_view_cell *cell)
{
    start_cell(w, cell, false, has_feed(w->v, cell->start, cell->end));
    if (cell->start == cell->end)
        put_empty(w, cell);
    else
        put_characters(w, at, cell);
    fputs("</i>", w->f);
}

static void write_text(struct writer *w)
{
    struct cursor at = {0};
    const struct cril_view_cells *c = &w->cells;

    fputs("<div id=\"t\">\n", w->f);
    for (size_t i = 0; i < c->n_cells; i++) {
        const struct cril_view_cell *cell = &c->cells[i];

        if (at.line == 0 || (at.line < c->n_lines && cell->start >= c->lines[at.line].start)) {
            if (at.line)
                end_line(w);
            start_line(w, &at);
        } else if (at.written > LONG_LINE && w->v->text[cell->start] == ' ') {
            end_line(w);
            fputs("<div><b></b><p>", w->f);
            at.written = 0;
        }
        write_cell(w, &at, cell);
    }
    end_line(w);
    fputs("</div>\n", w->f);
}

/* ---- The strip ---- */

/* Cells [*from, *to) of a bin of n, and the mean of what is shown of them. */
static double bin_mean(const struct writer *w, size_t bin, size_t n, size_t *from, size_t *to)
{
    const size_t cells = w->cells.n_cells;
    double sum = 0;

    *from = (bin * cells + n - 1) / n;
    *to = ((bin + 1) * cells + n - 1) / n;
    for (size_t i = *from; i < *to; i++)
        sum += shown_of(w, &w->cells.cells[i].sums);
    return *to > *from ? sum / (double)(*to - *from) : 0;
}

static void write_bin(const struct writer *w, size_t bin, size_t n, double largest)
{
    const double middle = are_two(w) ? STRIP_HEIGHT / 2. : STRIP_HEIGHT;
    size_t from, to;
    const double mean = bin_mean(w, bin, n, &from, &to),
                 height = largest > 0 ? mean / largest * middle : 0;
    const size_t line = w->cells.cells[from].line;

    cril_markup_put(w->f,
                    "<a href=\"#L%z\" tabindex=\"-1\"><path class=\"hit\" "
                    "d=\"M%z 0h1v%zh-1z\"/><path%s d=\"M%c %ch.9v%ch-.9z\"/></a>",
                    line + 1, bin, (size_t)STRIP_HEIGHT, mean < 0 ? " class=\"fewer\"" : "",
                    (double)bin, middle, -height);
}

static void write_strip(const struct writer *w)
{
    const size_t n = w->cells.n_cells < BINS ? w->cells.n_cells : BINS;
    double largest = 0;

    for (size_t i = 0, from, to; i < n; i++) {
        const double size = fabs(bin_mean(w, i, n, &from, &to));

        largest = size > largest ? size : largest;
    }
    cril_markup_put(
        w->f,
        "<div class=\"strip\"><svg viewBox=\"0 0 %z %z\" preserveAspectRatio=\"none\" "
        "role=\"group\" aria-label=\"%s along the text; the highest column is %2 bits a "
        "token\">",
        n, (size_t)STRIP_HEIGHT, are_two(w) ? "bits a token of B less those of A" : "bits a token",
        largest);
    for (size_t i = 0; i < n; i++)
        write_bin(w, i, n, largest);
    fputs("</svg><div id=\"m\" hidden=\"\"></div></div>\n", w->f);
}

/* ---- Head ---- */

static void put_model(const struct writer *w, size_t m)
{
    const cril_model *model = w->v->models[m].model;

    cril_markup_put(w->f, "%t (%t)", cril_model_name(model), cril_model_types(model));
}

static void put_figure(const struct writer *w, const char *name, double value, int decimals,
                       bool with_sign)
{
    cril_markup_put(w->f, "<div><dt>%s</dt><dd>%s", name, with_sign && value > 0 ? "+" : "");
    cril_markup_number(w->f, value, decimals);
    fputs("</dd></div>", w->f);
}

static double nats_of(const struct writer *w, size_t m)
{
    return w->v->models[m].result.nats;
}

/* Share of the scored cells of which the second model needs fewer bits. */
static double share_better(const struct writer *w)
{
    size_t n = 0, better = 0;

    for (size_t i = 0; i < w->cells.n_cells; i++) {
        n += w->cells.cells[i].is_scored;
        better += shown_of(w, &w->cells.cells[i].sums) < 0;
    }
    return n ? (double)better / (double)n : NAN;
}

static void write_figures(const struct writer *w)
{
    const cril_result *a = &w->v->models[0].result, *b = &w->v->models[1].result;

    fputs("<dl class=\"figures\">", w->f);
    if (are_two(w)) {
        put_figure(w, "bits, A", cril_result_bits(a), 0, false);
        put_figure(w, "bits, B", cril_result_bits(b), 0, false);
        put_figure(w, "bits, B \u2212 A", cril_result_bits(b) - cril_result_bits(a), 1, true);
        put_figure(w, "bits per character, A", cril_result_bpc(a), 4, false);
        put_figure(w, "bits per character, B", cril_result_bpc(b), 4, false);
        put_figure(w, "% of tokens: fewer bits by B", 100 * share_better(w), 1, false);
    } else {
        put_figure(w, "bits", cril_result_bits(a), 0, false);
        put_figure(w, "bits per character", cril_result_bpc(a), 4, false);
        put_figure(w, "bits per token", cril_result_bits_per_token(a), 3, false);
    }
    put_figure(w, "scored tokens", (double)a->scored_tokens, 0, false);
    put_figure(w, "characters", (double)a->characters, 0, false);
    fputs("</dl>\n", w->f);
}

static void write_lead(const struct writer *w)
{
    fputs("<p class=\"lead\">", w->f);
    if (are_two(w)) {
        const double less = nats_of(w, 1) - nats_of(w, 0);

        fputs("A is <b>", w->f);
        put_model(w, 0);
        fputs("</b>, B is <b>", w->f);
        put_model(w, 1);
        cril_markup_put(w->f, "</b>. B needs %1%% %s bits for this text.",
                        100 * fabs(less) / nats_of(w, 0), less > 0 ? "more" : "fewer");
    } else {
        fputs("What each token costs by <b>", w->f);
        put_model(w, 0);
        fputs("</b>, given the text before it.", w->f);
    }
    fputs("</p>\n", w->f);
}

static void put_step(const struct writer *w, double from, double to, double sign)
{
    cril_markup_put(w->f, "<li class=\"%s\">%s", cril_view_class(sign * from, w->v->n_models),
                    are_two(w) ? sign < 0 ? "\u2212" : "+" : "");
    cril_markup_number(w->f, from, from < 1 ? 2 : 1);
    if (isfinite(to)) {
        fputs(" .. ", w->f);
        cril_markup_number(w->f, to, to < 1 ? 2 : 1);
    } else {
        fputs(" and more", w->f);
    }
    fputs("</li>", w->f);
}

static void write_key(const struct writer *w)
{
    cril_markup_put(w->f, "<p class=\"note\">%s</p>\n<ul class=\"key\">",
                    are_two(w) ? "Bits of B less those of A: blue where B needs fewer."
                               : "Bits a token:");
    if (are_two(w)) {
        for (size_t i = CRIL_VIEW_DIFFERENCES; i > 0; i--)
            put_step(w, cril_view_difference_from(i),
                     i < CRIL_VIEW_DIFFERENCES ? cril_view_difference_from(i + 1) : INFINITY, -1);
        for (size_t i = 1; i <= CRIL_VIEW_DIFFERENCES; i++)
            put_step(w, cril_view_difference_from(i),
                     i < CRIL_VIEW_DIFFERENCES ? cril_view_difference_from(i + 1) : INFINITY, 1);
    } else {
        for (size_t i = 1; i <= CRIL_VIEW_LEVELS; i++)
            put_step(w, cril_view_level_from(i),
                     i < CRIL_VIEW_LEVELS ? cril_view_level_from(i + 1) : INFINITY, 1);
    }
    cril_markup_put(
        w->f,
        "</ul>\n<p class=\"note\">Point at a token for its bits, its rank among all ids, the "
        "entropy of the model\u2019s distribution in bits, and, above %1 bits, the five most "
        "likely "
        "tokens. The number of bits beside a line is its sum.<span class=\"script\"> Keys: "
        "\u2190 \u2192 from token to token, n and p to the next and the previous expensive place, "
        "Esc.</span></p>\n",
        w->surprising);
}

static void write_head(const struct writer *w)
{
    cril_markup_put(w->f,
                    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src "
                    "&#39;none&#39;; style-src &#39;unsafe-inline&#39;; script-src "
                    "&#39;unsafe-inline&#39;\">\n"
                    "<meta name=\"generator\" content=\"cril " CRIL_VERSION
                    "\">\n<title>%t: a cril view</title>\n<style>\n",
                    w->page->title);
    cril_view_write_style(w->f);
    cril_markup_put(w->f,
                    "</style>\n</head>\n<body>\n<main>\n<p class=\"kicker\">cril view</p>\n"
                    "<h1>%t",
                    w->page->title);
    if (w->page->document != UINT64_MAX)
        cril_markup_put(w->f, ", document %z", (size_t)w->page->document);
    fputs("</h1>\n", w->f);
    write_lead(w);
    write_figures(w);
    write_key(w);
}

/* ---- Tables ---- */

static void start_table(const struct writer *w, const char *caption, const char *first,
                        const char *more)
{
    cril_markup_put(w->f,
                    "<table><caption>%s</caption><thead><tr><th>%s</th>%s<th>bits%s</th></tr>"
                    "</thead><tbody>\n",
                    caption, first, more, are_two(w) ? ", B \u2212 A" : "");
}

static void end_row(const struct writer *w, const struct cril_view_sums *s)
{
    fputs("</td><td>", w->f);
    put_shown(w, s, 1);
    fputs("</td></tr>\n", w->f);
}

static int by_cost_of_place(const struct writer *w, size_t a, size_t b)
{
    const double x = fabs(shown_of(w, &w->cells.places[a].sums)),
                 y = fabs(shown_of(w, &w->cells.places[b].sums));

    return x > y || (x >= y && a < b);
}

static void put_place(const struct writer *w, size_t place)
{
    const struct cril_view_place *p = &w->cells.places[place];
    const struct cril_view_cell *last = &w->cells.cells[p->cell + p->n - 1];

    cril_markup_put(w->f, "<tr><td class=\"t\"><a href=\"#x%z\">", place + 1);
    put_excerpt(w, w->cells.cells[p->cell].start, last->end);
    fputs("</a>", w->f);
    end_row(w, &p->sums);
}

/* The most expensive first: there are few. */
static void write_places(const struct writer *w)
{
    bool done[CRIL_VIEW_MAX_PLACES] = {false};

    start_table(w, are_two(w) ? "Places that differ most" : "Expensive places", "tokens", "");
    for (size_t i = 0; i < w->cells.n_places && i < ROWS; i++) {
        size_t best = SIZE_MAX;

        for (size_t k = 0; k < w->cells.n_places; k++)
            if (!done[k] && (best == SIZE_MAX || by_cost_of_place(w, k, best)))
                best = k;
        done[best] = true;
        put_place(w, best);
    }
    fputs("</tbody></table>\n", w->f);
}

static bool write_words(const struct writer *w)
{
    size_t n;
    struct cril_view_total *totals = cril_view_totals(&w->cells, &n);

    start_table(w, are_two(w) ? "Words that differ most" : "Words, all their occurrences", "word",
                "<th>times</th>");
    for (size_t i = 0; totals && i < n && i < ROWS; i++) {
        fputs("<tr><td class=\"t\">", w->f);
        put_excerpt(w, totals[i].start, totals[i].end);
        cril_markup_put(w->f, "</td><td>%z", totals[i].n);
        end_row(w, &totals[i].sums);
    }
    fputs("</tbody></table>\n", w->f);
    free(totals);
    return totals != NULL;
}

static bool write_lines(const struct writer *w)
{
    size_t *order = cril_view_lines_by_cost(&w->cells);

    start_table(w, are_two(w) ? "Lines that differ most" : "Expensive lines", "line", "");
    for (size_t i = 0; order && i < w->cells.n_lines && i < ROWS; i++) {
        const struct cril_view_line *line = &w->cells.lines[order[i]];
        const size_t end = line->end - (w->v->text[line->end - 1] == '\n');

        cril_markup_put(w->f, "<tr><td class=\"t\"><a href=\"#L%z\">%z</a> ", order[i] + 1,
                        order[i] + 1);
        put_excerpt(w, line->start, end);
        end_row(w, &line->sums);
    }
    fputs("</tbody></table>\n", w->f);
    free(order);
    return order != NULL;
}

static void write_method(const struct writer *w)
{
    const cril_result *r = &w->v->models[0].result;

    cril_markup_put(w->f,
                    "<h2>How</h2>\n<p class=\"note\">cril %t, numeric contract %z, protocol "
                    "%t, context %z",
                    r->version, (size_t)r->numerics, r->protocol, r->context);
    if (r->stride)
        cril_markup_put(w->f, ", stride %z", r->stride);
    cril_markup_put(
        w->f,
        ". Bits are \u2212log2 p of a token. Tokens that spell one character together "
        "are one; a token belongs to the word of its first letter, and to the line that "
        "it begins in. An expensive place is a run of %z tokens. Colours and sums are "
        "the same on any machine.</p>\n",
        (size_t)CRIL_VIEW_PLACE_CELLS);
    for (size_t m = 0; m < w->v->n_models; m++) {
        fputs("<p class=\"note\">", w->f);
        if (are_two(w))
            fputs(m ? "B: " : "A: ", w->f);
        put_model(w, m);
        cril_markup_put(w->f, ", <span class=\"hash\">SHA-256 %t</span></p>\n",
                        w->v->models[m].result.model_sha256);
    }
}

static int descending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x < y) - (x > y);
}

/* Above 1 bit: below, the token itself is the likely one. More where lists would be too many. */
static bool choose_surprising(struct writer *w)
{
    const cril_view *v = w->v;
    double *bits = calloc(v->n_models * v->n_tokens + 1, sizeof(*bits));
    size_t n = 0;

    if (!bits)
        return false;
    w->surprising = 1;
    for (size_t i = 0; i < v->n_models * v->n_tokens; i++) {
        const double nats = v->models[i / v->n_tokens].scores[i % v->n_tokens].nats;

        if (nats / CRIL_LN2 > w->surprising) /* not NaN */
            bits[n++] = nats / CRIL_LN2;
    }
    qsort(bits, n, sizeof(*bits), descending);
    if (n > MAX_LISTS)
        w->surprising = bits[MAX_LISTS];
    free(bits);
    return true;
}

static bool write_page(struct writer *w)
{
    bool ok;

    if (!choose_surprising(w))
        return false;

    write_head(w);
    write_strip(w);
    write_text(w);
    fputs("<div class=\"tables\">\n", w->f);
    write_places(w);
    ok = write_lines(w);
    ok = write_words(w) && ok;
    fputs("</div>\n", w->f);
    write_method(w);
    fputs("</main>\n<div id=\"d\" hidden=\"\" aria-live=\"polite\"></div>\n<script>\n", w->f);
    cril_view_write_script(w->f);
    fputs("</script>\n</body>\n</html>\n", w->f);
    return ok;
}

cril_status cril_view_write(FILE *f, const cril_view *v, const cril_view_page *page,
                            cril_error *err)
{
    if (CRIL_LACKS(err, f, v, page) || CRIL_LACKS(err, page->title))
        return CRIL_ERR_RANGE;

    struct writer w = {.f = f, .v = v, .page = page};
    cril_status st = cril_view_cells_make(v, &w.cells, err);

    if (st == CRIL_OK && !write_page(&w))
        st = cril_fail(err, CRIL_ERR_NOMEM, "out of memory for a page");
    cril_view_cells_free(&w.cells);
    if (st == CRIL_OK && (fflush(f) || ferror(f)))
        st = cril_fail(err, CRIL_ERR_IO, "the page could not be written: %s",
                       strerror(errno ? errno : EIO));
    return st;
}
