/* A view cut into cells, lines, words and places (view_cells.h). */
#include "report/view_cells.h"

#include "util/fail.h"
#include "util/size.h"
#include "util/utf8.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

static void add(struct cril_view_sums *to, const struct cril_view_sums *s)
{
    for (size_t m = 0; m < CRIL_VIEW_MAX_MODELS; m++)
        to->bits[m] += s->bits[m];
}

double cril_view_shown(const cril_view *v, const struct cril_view_sums *s)
{
    return v->n_models > 1 ? s->bits[1] - s->bits[0] : s->bits[0];
}

/* How much of it: what is expensive. */
static double cost_of(const cril_view *v, const struct cril_view_sums *s)
{
    return fabs(cril_view_shown(v, s));
}

/* ---- Cells ---- */

/* Joins to a cell the tokens up to the end of the character that its last token is a part of, and
 * tokens that share the text of the one before. *boundary: a start of a character, moved on. */
static void extend(const cril_view *v, struct cril_view_cell *cell, size_t *boundary)
{
    for (size_t i = cell->first + cell->n; i < v->n_tokens; i++) {
        const cril_view_token *t = &v->tokens[i];
        uint32_t c;

        while (*boundary < cell->end)
            *boundary += cril_utf8_read(v->text + *boundary, v->len_bytes - *boundary, &c);
        if (*boundary == cell->end && (t->is_control || t->start != t->end))
            return;
        cell->n++;
        cell->end = t->end > cell->end ? t->end : cell->end;
    }
}

static void sum_tokens(const cril_view *v, struct cril_view_cell *cell)
{
    for (size_t i = cell->first; i < cell->first + cell->n; i++)
        for (size_t m = 0; m < v->n_models; m++)
            if (!isnan(v->models[m].scores[i].nats)) {
                cell->sums.bits[m] += v->models[m].scores[i].nats / CRIL_LN2;
                cell->is_scored = true;
            }
}

static void make_cells(struct cril_view_cells *c)
{
    const cril_view *v = c->v;
    size_t boundary = 0;

    for (size_t i = 0; i < v->n_tokens; c->n_cells++) {
        const cril_view_token *t = &v->tokens[i];
        struct cril_view_cell *cell = &c->cells[c->n_cells];

        *cell = (struct cril_view_cell){
            .first = i, .n = 1, .start = t->start, .end = t->end, .word = SIZE_MAX};
        if (!t->is_control)
            extend(v, cell, &boundary);
        sum_tokens(v, cell);
        i += cell->n;
    }
}

/* ---- Lines ---- */

static size_t count_lines(const cril_view *v)
{
    size_t n = v->text[v->len_bytes - 1] != '\n';

    for (size_t i = 0; i < v->len_bytes; i++)
        n += v->text[i] == '\n';
    return n;
}

static void make_lines(struct cril_view_cells *c)
{
    const cril_view *v = c->v;
    size_t cell = 0;

    for (size_t at = 0; at < v->len_bytes; c->n_lines++) {
        struct cril_view_line *line = &c->lines[c->n_lines];
        const char *feed = memchr(v->text + at, '\n', v->len_bytes - at);
        const bool is_last = !feed || (size_t)(feed - v->text) + 1 == v->len_bytes;

        line->start = at;
        line->end = at = feed ? (size_t)(feed - v->text) + 1 : v->len_bytes;
        line->cell = cell;
        for (; cell < c->n_cells && (is_last || c->cells[cell].start < line->end); cell++) {
            c->cells[cell].line = c->n_lines;
            add(&line->sums, &c->cells[cell].sums);
        }
    }
}

/* ---- Words ---- */

static bool is_of_word(uint32_t code)
{
    switch (utf8proc_category((utf8proc_int32_t)code)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_ND: return true;
    default: return false;
    }
}

/* Finds words, or counts them where there is no room for them yet. */
static size_t find_words(const cril_view *v, struct cril_view_word *words)
{
    size_t n = 0;
    bool inside = false;

    for (size_t at = 0, len; at < v->len_bytes; at += len) {
        uint32_t c;

        len = cril_utf8_read(v->text + at, v->len_bytes - at, &c);
        const bool is = c != CRIL_UTF8_ILL && is_of_word(c);

        n += is && !inside;
        if (words && is && !inside)
            words[n - 1] = (struct cril_view_word){.start = at};
        if (words && is)
            words[n - 1].end = at + len;
        inside = is;
    }
    return n;
}

/* A cell belongs to the word of its first letter. */
static void join_words(struct cril_view_cells *c)
{
    size_t w = 0;

    for (size_t i = 0; i < c->n_cells && w < c->n_words; i++) {
        struct cril_view_cell *cell = &c->cells[i];

        while (w < c->n_words && c->words[w].end <= cell->start)
            w++;
        if (w == c->n_words || c->words[w].start >= cell->end)
            continue;
        cell->word = w;
        c->words[w].n_cells++;
        add(&c->words[w].sums, &cell->sums);
    }
}

/* ---- Places ---- */

/* What a run of cells from i on costs; < 0: it overlaps a place. */
static double run_cost(const struct cril_view_cells *c, const bool *taken, size_t i, size_t n)
{
    double sum = 0;

    for (size_t k = i; k < i + n; k++) {
        if (taken[k])
            return -1;
        sum += cost_of(c->v, &c->cells[k].sums);
    }
    return sum;
}

static int by_cell(const void *a, const void *b)
{
    const size_t x = ((const struct cril_view_place *)a)->cell,
                 y = ((const struct cril_view_place *)b)->cell;

    return (x > y) - (x < y);
}

static void add_place(struct cril_view_cells *c, bool *taken, size_t cell, size_t n)
{
    struct cril_view_place *place = &c->places[c->n_places++];

    *place = (struct cril_view_place){.cell = cell, .n = n};
    for (size_t k = cell; k < cell + n; k++) {
        taken[k] = true;
        add(&place->sums, &c->cells[k].sums);
    }
}

/* The run that costs most, again and again; taken [n_cells], costs [n_cells]. */
static void choose_places(struct cril_view_cells *c, bool *taken, double *costs)
{
    const size_t n = c->n_cells < CRIL_VIEW_PLACE_CELLS ? c->n_cells : CRIL_VIEW_PLACE_CELLS,
                 starts = c->n_cells - n + 1, wanted = c->n_cells / (4 * n) + 1;

    for (size_t i = 0; i < starts; i++)
        costs[i] = run_cost(c, taken, i, n);
    while (c->n_places < CRIL_VIEW_MAX_PLACES && c->n_places < wanted) {
        size_t best = 0;

        for (size_t i = 1; i < starts; i++)
            best = costs[i] > costs[best] ? i : best;
        if (!(costs[best] > 0))
            break;
        add_place(c, taken, best, n);
        for (size_t i = best < n ? 0 : best - n + 1; i < best + n && i < starts; i++)
            costs[i] = -1;
    }
    qsort(c->places, c->n_places, sizeof(*c->places), by_cell);
    for (size_t i = 0; i < c->n_places; i++)
        c->cells[c->places[i].cell].place = i + 1;
}

/* ---- All of it ---- */

static bool make(struct cril_view_cells *c)
{
    const size_t n = c->v->n_tokens;
    bool *taken;
    double *costs;

    c->cells = calloc(n + 1, sizeof(*c->cells));
    c->lines = calloc(count_lines(c->v) + 1, sizeof(*c->lines));
    c->n_words = find_words(c->v, NULL);
    c->words = calloc(c->n_words + 1, sizeof(*c->words));
    c->places = calloc(CRIL_VIEW_MAX_PLACES, sizeof(*c->places));
    taken = calloc(n + 1, sizeof(*taken));
    costs = calloc(n + 1, sizeof(*costs));
    const bool ok = c->cells && c->lines && c->words && c->places && taken && costs;

    if (ok) {
        make_cells(c);
        make_lines(c);
        find_words(c->v, c->words);
        join_words(c);
        choose_places(c, taken, costs);
    }
    free(taken);
    free(costs);
    return ok;
}

cril_status cril_view_cells_make(const cril_view *v, struct cril_view_cells *c, cril_error *err)
{
    *c = (struct cril_view_cells){.v = v};
    return make(c) ? CRIL_OK : cril_fail(err, CRIL_ERR_NOMEM, "out of memory for a page");
}

void cril_view_cells_free(struct cril_view_cells *c)
{
    free(c->cells);
    free(c->lines);
    free(c->words);
    free(c->places);
}

/* ---- Sorted by cost ---- */

struct item {
    size_t start, end, index;
    const char *text;
    double cost;
};

static int by_text(const void *a, const void *b)
{
    const struct item *x = a, *y = b;
    const size_t n = x->end - x->start, m = y->end - y->start;
    const int order = memcmp(x->text + x->start, y->text + y->start, n < m ? n : m);

    if (order || n != m)
        return order ? order : (n > m) - (n < m);
    return (x->start > y->start) - (x->start < y->start);
}

static int by_cost(const void *a, const void *b)
{
    const struct item *x = a, *y = b;

    if (x->cost > y->cost || x->cost < y->cost)
        return x->cost > y->cost ? -1 : 1;
    return (x->start > y->start) - (x->start < y->start);
}

static bool is_same_word(const struct item *a, const struct item *b)
{
    return a->end - a->start == b->end - b->start &&
           memcmp(a->text + a->start, b->text + b->start, a->end - a->start) == 0;
}

/* Equal words of items [c->n_words], sorted by text, become totals; returns how many. */
static size_t join_totals(const struct cril_view_cells *c, const struct item *items,
                          struct cril_view_total *totals)
{
    size_t n = 0;

    for (size_t i = 0; i < c->n_words; i++) {
        if (!i || !is_same_word(&items[i - 1], &items[i]))
            totals[n++] = (struct cril_view_total){items[i].start, items[i].end, 0, {{0}}};
        totals[n - 1].n++;
        add(&totals[n - 1].sums, &c->words[items[i].index].sums);
    }
    return n;
}

struct cril_view_total *cril_view_totals(const struct cril_view_cells *c, size_t *n)
{
    struct item *items = calloc(c->n_words + 1, sizeof(*items));
    struct cril_view_total *totals = calloc(c->n_words + 1, sizeof(*totals)),
                           *sorted = calloc(c->n_words + 1, sizeof(*sorted));

    *n = 0;
    for (size_t i = 0; items && i < c->n_words; i++)
        items[i] = (struct item){c->words[i].start, c->words[i].end, i, c->v->text, 0};
    if (items && totals && sorted) {
        qsort(items, c->n_words, sizeof(*items), by_text);
        *n = join_totals(c, items, totals);
        for (size_t i = 0; i < *n; i++)
            items[i] = (struct item){totals[i].start, totals[i].end, i, NULL,
                                     cost_of(c->v, &totals[i].sums)};
        qsort(items, *n, sizeof(*items), by_cost);
        for (size_t i = 0; i < *n; i++)
            sorted[i] = totals[items[i].index];
    } else {
        free(sorted);
        sorted = NULL;
    }
    free(items);
    free(totals);
    return sorted;
}

size_t *cril_view_lines_by_cost(const struct cril_view_cells *c)
{
    struct item *items = calloc(c->n_lines + 1, sizeof(*items));
    size_t *order = calloc(c->n_lines + 1, sizeof(*order));

    for (size_t i = 0; items && i < c->n_lines; i++)
        items[i] = (struct item){c->lines[i].start, c->lines[i].end, i, NULL,
                                 cost_of(c->v, &c->lines[i].sums)};
    if (items && order)
        qsort(items, c->n_lines, sizeof(*items), by_cost);
    for (size_t i = 0; items && order && i < c->n_lines; i++)
        order[i] = items[i].index;
    if (!items) {
        free(order);
        order = NULL;
    }
    free(items);
    return order;
}
