/*
 * Published figures from CSV files (RFC 4180): small files, written by people, so each fault is
 * named with its line.
 *
 * The text is copied once; a field becomes a string in that copy, since what it holds is never
 * longer than how it is written.
 */
#include <cril/study.h>

#include "study/query.h"
#include "util/fail.h"
#include "util/mapfile.h"
#include "util/number.h"
#include "util/size.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_COLUMNS = 64, MAX_BYTES = 64 << 20 };

static const double max_bpc = 64; /* nothing real is near */

struct csv {
    const char *path;
    char *at, *end; /* of the copy; *end is NUL */
    size_t line;
    char *fields[MAX_COLUMNS]; /* of the record that was read last */
    size_t n_fields, first_line;
};

enum column { MODEL, OF, VALUE, SE, SOURCE, UNIT, N_COLUMNS };

/* ---- Records ---- */

/* Takes a quoted field; false: its quote is not closed. */
static bool take_quoted(struct csv *c)
{
    char *out = c->at++;

    c->fields[c->n_fields++] = out;
    for (; c->at < c->end; *out++ = *c->at++) {
        c->line += *c->at == '\n';
        if (*c->at == '"' && *++c->at != '"') {
            *out = '\0';
            return true;
        }
    }
    return false;
}

static void take_plain(struct csv *c)
{
    c->fields[c->n_fields++] = c->at;
    c->at += strcspn(c->at, ",\r\n");
}

/* Ends a field, whose string then ends too. True: another one follows. */
static bool end_field(struct csv *c)
{
    char *const stop = c->at;
    const char what = *stop;

    if (what == '\r' && stop[1] == '\n')
        c->at++;
    c->line += *c->at == '\n';
    c->at += c->at < c->end;
    *stop = '\0';
    return what == ',';
}

static cril_status bad_record(const struct csv *c, const char *what, cril_error *err)
{
    return cril_fail(err, CRIL_ERR_FORMAT, "%s:%zu: %s", c->path, c->first_line, what);
}

/* The next record that is not an empty line; none: n_fields is 0. */
static cril_status read_record(struct csv *c, cril_error *err)
{
    bool more = true;

    while (*c->at == '\n' || *c->at == '\r')
        c->line += *c->at++ == '\n';
    c->n_fields = 0;
    c->first_line = c->line;
    if (c->at >= c->end)
        return CRIL_OK;
    while (more) {
        if (c->n_fields == MAX_COLUMNS)
            return bad_record(c, "has more than 64 columns", err);
        if (*c->at != '"')
            take_plain(c);
        else if (!take_quoted(c))
            return bad_record(c, "a quote is opened here and not closed", err);
        if (c->at < c->end && !strchr(",\r\n", *c->at))
            return bad_record(c, "text follows a quoted field; double the quotes inside it", err);
        more = end_field(c);
    }
    return CRIL_OK;
}

/* ---- Columns ---- */

static const char *const names[2][N_COLUMNS] = {
    [CRIL_FIGURE_BPC] = {"model", "corpus", "bpc", "se", "source", NULL},
    [CRIL_FIGURE_SCORE] = {"model", "benchmark", "score", "se", "source", "unit"},
};
static const char *const ignored[] = {"family", "params_b", "active_params_b", "shots", "metric"};

static bool is_ignored(const char *name)
{
    for (size_t i = 0; i < sizeof(ignored) / sizeof(*ignored); i++)
        if (strcmp(name, ignored[i]) == 0)
            return true;
    return false;
}

/* Where each column of the kind stands; MAX_COLUMNS: nowhere. */
static cril_status find_columns(const struct csv *c, cril_figure_kind kind, size_t where[N_COLUMNS],
                                cril_error *err)
{
    const char *const *want = names[kind];

    for (size_t k = 0; k < N_COLUMNS; k++)
        where[k] = MAX_COLUMNS;
    for (size_t i = 0; i < c->n_fields; i++) {
        size_t k = 0;

        while (k < N_COLUMNS && !(want[k] && strcmp(c->fields[i], want[k]) == 0))
            k++;
        if (k < N_COLUMNS && where[k] != MAX_COLUMNS)
            return cril_fail(err, CRIL_ERR_FORMAT, "%s:%zu: has two columns \"%s\"", c->path,
                             c->first_line, want[k]);
        if (k < N_COLUMNS)
            where[k] = i;
        else if (!is_ignored(c->fields[i]))
            return cril_fail(err, CRIL_ERR_FORMAT,
                             "%s:%zu: \"%s\" is no column of such a file; it has %s, %s, %s, and "
                             "perhaps se, source, %sfamily, "
                             "params_b, active_params_b, shots, metric",
                             c->path, c->first_line, c->fields[i], want[MODEL], want[OF],
                             want[VALUE], want[UNIT] ? "unit, " : "");
    }
    for (size_t k = MODEL; k <= VALUE; k++)
        if (where[k] == MAX_COLUMNS)
            return cril_fail(
                err, CRIL_ERR_FORMAT,
                "%s:%zu: lacks the column \"%s\"; the first line names the columns: %s,%s,%s",
                c->path, c->first_line, want[k], want[MODEL], want[OF], want[VALUE]);
    return CRIL_OK;
}

/* ---- Rows ---- */

/* A decimal number in [0, max]. */
static cril_status read_number(const struct csv *c, const char *text, const char *what, double max,
                               double *out, cril_error *err)
{
    if (!cril_number_read(text, out))
        return cril_fail(err, CRIL_ERR_FORMAT, "%s:%zu: %s is \"%.40s\", which is not a number",
                         c->path, c->first_line, what, text);
    if (!(*out >= 0 && *out <= max))
        return cril_fail(err, CRIL_ERR_FORMAT, "%s:%zu: %s is %.40s; it can be 0 to %g", c->path,
                         c->first_line, what, text, max);
    return CRIL_OK;
}

/* The unit of a row's score: how many of them a score of 1 is. */
static cril_status find_unit(const struct csv *c, const char *name, double *whole, cril_error *err)
{
    static const struct {
        const char *name;
        double whole;
    } units[] = {{"percent", 100}, {"fraction", 1}};

    for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
        if (strcmp(units[i].name, name) == 0) {
            *whole = units[i].whole;
            return CRIL_OK;
        }
    return cril_fail(err, CRIL_ERR_FORMAT,
                     "%s:%zu: unit is \"%.40s\"; it can be percent (0 to 100) or fraction (0 to 1)",
                     c->path, c->first_line, name);
}

static cril_status make_row(const struct csv *c, cril_figure_kind kind,
                            const size_t where[N_COLUMNS], cril_figure *row, cril_error *err)
{
    double whole = kind == CRIL_FIGURE_BPC ? 1 : 100, max;
    cril_status st;

    *row = (cril_figure){.model = c->fields[where[MODEL]],
                         .of = c->fields[where[OF]],
                         .se = NAN,
                         .source = "",
                         .line = c->first_line};
    if (!*row->model || !*row->of)
        return cril_fail(err, CRIL_ERR_FORMAT, "%s:%zu: %s is empty", c->path, c->first_line,
                         names[kind][*row->model ? OF : MODEL]);
    if (where[UNIT] != MAX_COLUMNS &&
        (st = find_unit(c, c->fields[where[UNIT]], &whole, err)) != CRIL_OK)
        return st;
    max = kind == CRIL_FIGURE_BPC ? max_bpc : whole;
    if ((st = read_number(c, c->fields[where[VALUE]], names[kind][VALUE], max, &row->value, err)) !=
        CRIL_OK)
        return st;
    if (kind == CRIL_FIGURE_BPC && row->value == 0)
        return bad_record(c, "bpc is 0, which no model reaches", err);
    if (where[SE] != MAX_COLUMNS && *c->fields[where[SE]] &&
        (st = read_number(c, c->fields[where[SE]], "se", max, &row->se, err)) != CRIL_OK)
        return st;
    if (where[SOURCE] != MAX_COLUMNS)
        row->source = c->fields[where[SOURCE]];
    if (!cril_is_name(row->source, 0, CRIL_MAX_NAME))
        return bad_record(
            c, "source is longer than 999 bytes, not UTF-8, or holds control characters", err);
    row->value /= whole;
    row->se /= whole;
    return CRIL_OK;
}

static int compare(const void *a, const void *b)
{
    const cril_figure *x = a, *y = b;
    int order = strcmp(x->of, y->of);

    if (!order)
        order = strcmp(x->model, y->model);
    return order ? order : (x->line > y->line) - (x->line < y->line);
}

static int by_line(const void *a, const void *b)
{
    const cril_figure *x = a, *y = b;

    return (x->line > y->line) - (x->line < y->line);
}

/* One value for a model and what it is of: an equal row is dropped, another one is an error. Rows
 * are in the order of compare. */
static cril_status drop_doubles(const struct csv *c, cril_figures *f, cril_error *err)
{
    size_t kept = 0;

    for (size_t i = 0; i < f->n; i++) {
        const cril_figure *row = &f->rows[i], *last = kept ? &f->rows[kept - 1] : NULL;

        if (last && strcmp(last->model, row->model) == 0 && strcmp(last->of, row->of) == 0) {
            if (last->value == row->value && cril_figure_same_error(last, row))
                continue;
            return cril_fail(err, CRIL_ERR_FORMAT,
                             "%s:%zu: %s on %s has another value than in line %zu; choose the rows "
                             "of one source (--source), "
                             "never several",
                             c->path, row->line, row->model, row->of, last->line);
        }
        f->rows[kept++] = *row;
    }
    f->n = kept;
    return CRIL_OK;
}

/*
 * Scores without a unit are in percent. Where all models of a benchmark have 1 or less, they may be
 * fractions, which nothing here can tell: they are refused. Scores of 0 are the same in both units.
 */
static cril_status ask_for_unit(const struct csv *c, const cril_figures *f, cril_error *err)
{
    for (size_t i = 0, next; i < f->n; i = next) {
        bool is_zero = true, is_small = true;

        for (next = i; next < f->n && strcmp(f->rows[next].of, f->rows[i].of) == 0; next++) {
            is_zero &= f->rows[next].value == 0 && !(f->rows[next].se > 0);
            is_small &= f->rows[next].value <= 0.01;
        }
        if (is_small && !is_zero)
            return cril_fail(err, CRIL_ERR_FORMAT,
                             "%s:%zu: all scores of %s are at most 1: are they percent or "
                             "fractions of 1? say so in a column \"unit\" (percent or fraction)",
                             c->path, f->rows[i].line, f->rows[i].of);
    }
    return CRIL_OK;
}

static cril_status no_memory(const struct csv *c, cril_error *err)
{
    return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", c->path);
}

static cril_status read_rows(struct csv *c, cril_figure_kind kind, const char *prefix,
                             cril_figures *f, cril_error *err)
{
    size_t where[N_COLUMNS], capacity = 0, n_columns;
    cril_status st = read_record(c, err);

    if (st != CRIL_OK || (st = find_columns(c, kind, where, err)) != CRIL_OK)
        return st;
    n_columns = c->n_fields;
    while ((st = read_record(c, err)) == CRIL_OK && c->n_fields) {
        cril_figure *rows = cril_size_grow(f->rows, &capacity, f->n, 1, sizeof(*rows));

        if (!rows)
            return no_memory(c, err);
        f->rows = rows;
        if (c->n_fields != n_columns)
            return cril_fail(err, CRIL_ERR_FORMAT,
                             "%s:%zu: has %zu field%s, the first line has %zu", c->path,
                             c->first_line, c->n_fields, c->n_fields == 1 ? "" : "s", n_columns);
        if ((st = make_row(c, kind, where, &rows[f->n], err)) != CRIL_OK)
            return st;
        f->n += !prefix || strncmp(rows[f->n].source, prefix, strlen(prefix)) == 0;
    }
    if (st != CRIL_OK)
        return st;
    if (!f->n)
        return cril_fail(err, CRIL_ERR_EMPTY,
                         prefix ? "%s: has no row whose source begins with \"%s\""
                                : "%s: has no row",
                         c->path, prefix);
    qsort(f->rows, f->n, sizeof(*f->rows), compare);
    if ((st = drop_doubles(c, f, err)) != CRIL_OK)
        return st;
    if (kind == CRIL_FIGURE_SCORE && where[UNIT] == MAX_COLUMNS &&
        (st = ask_for_unit(c, f, err)) != CRIL_OK)
        return st;
    qsort(f->rows, f->n, sizeof(*f->rows), by_line);
    return CRIL_OK;
}

/* A copy with a NUL behind it, less a byte order mark. */
static cril_status copy_text(const char *path, char **out, size_t *len, cril_error *err)
{
    struct cril_mapfile file;
    cril_status st = cril_mapfile_open(path, &file, err);
    size_t mark;

    if (st != CRIL_OK)
        return st;
    mark = file.size >= 3 && memcmp(file.data, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    *len = file.size - mark;
    if (*len > MAX_BYTES)
        st = cril_fail(err, CRIL_ERR_UNSUPPORTED,
                       "%s: is larger than 64 MiB, too large for a table of figures", path);
    else if (*len && memchr(file.data, '\0', file.size))
        st = cril_fail(err, CRIL_ERR_FORMAT, "%s: holds NUL bytes, so it is not a CSV file", path);
    else if (!(*out = malloc(*len + 1)))
        st = cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", path);
    if (st == CRIL_OK) {
        if (*len)
            memcpy(*out, file.data + mark, *len);
        (*out)[*len] = '\0';
    }
    cril_mapfile_close(&file);
    return st;
}

cril_status cril_figures_read(const char *path, cril_figure_kind kind, const char *source_prefix,
                              cril_figures *out, cril_error *err)
{
    if (CRIL_LACKS(err, path, out))
        return CRIL_ERR_RANGE;

    struct csv c = {.path = path, .line = 1};
    cril_figures f = {0};
    char *text = NULL;
    size_t len;
    cril_status st = copy_text(path, &text, &len, err);

    if (st != CRIL_OK)
        return st;
    f.owned = text;
    c.at = text;
    c.end = text + len;
    if ((st = read_rows(&c, kind, source_prefix, &f, err)) == CRIL_OK)
        *out = f;
    else
        cril_figures_free(&f);
    return st;
}

bool cril_figure_same_error(const cril_figure *a, const cril_figure *b)
{
    return a->se == b->se || (isnan(a->se) && isnan(b->se));
}

void cril_figures_free(cril_figures *f)
{
    if (!f)
        return;
    free(f->rows);
    free(f->owned);
    *f = (cril_figures){0};
}
