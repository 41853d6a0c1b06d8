/*
 * Pairs of items: the mean of their differences, its standard error from the spread of the
 * differences, and McNemar's test in its exact form: of the items that one model alone gets right,
 * each is as likely to be of either model, so their number is binomial with p = 1/2 (McNemar 1947;
 * two-sided by twice the smaller tail).
 */
#include "tasks/item_file.h"
#include "tasks/task.h"
#include "util/fail.h"
#include "util/size.h"

#include <cril/distribution.h>
#include <cril/items.h>
#include <cril/score.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct comparing {
    struct cril_item_file a, b;
    double z; /* of the intervals */
    cril_items_comparison *out;
    size_t cap_tasks, cap_only_a, cap_only_b;
    cril_error *err;
};

/* Rows of one task by one protocol in both files. */
struct both {
    const struct cril_item_row *a, *b;
    size_t n_a, n_b;
};

struct pair {
    const struct cril_item_row *a, *b;
};

static cril_status no_memory(const struct comparing *c)
{
    return cril_fail(c->err, CRIL_ERR_NOMEM, "out of memory while items are compared");
}

/* ---- Figures ---- */

static double score_of(const struct cril_item_row *r)
{
    return r->figures.value;
}

static double rate_of(const struct cril_item_row *r)
{
    return r->figures.nats / CRIL_LN2 / (double)r->figures.bytes;
}

/* Of pairs [n] of which both values are known. */
static cril_paired paired(const struct pair *p, size_t n,
                          double (*value)(const struct cril_item_row *r), double z)
{
    cril_paired out = {0};
    double a = 0, b = 0, squares = 0;

    for (size_t i = 0; i < n; i++) {
        const double x = value(p[i].a), y = value(p[i].b);

        if (isnan(x) || isnan(y))
            continue;
        out.n++;
        a += x;
        b += y;
    }
    out.a = a / (double)out.n;
    out.b = b / (double)out.n;
    out.difference = out.b - out.a;
    for (size_t i = 0; i < n; i++) {
        const double d = value(p[i].b) - value(p[i].a) - out.difference;

        squares += isnan(d) ? 0 : d * d;
    }
    out.se = out.n < 2 ? NAN : sqrt(squares / (double)(out.n - 1) / (double)out.n);
    out.low = out.difference - z * out.se;
    out.high = out.difference + z * out.se;
    return out;
}

/* Plain means over subjects of pairs [n], which are sorted by subject. */
static cril_paired paired_subjects(const struct pair *p, size_t n, double z)
{
    cril_paired out = {0};
    double a = 0, b = 0, variance = 0;
    size_t subjects = 0, k;

    for (size_t i = 0; i < n; i += k) {
        cril_paired one;

        for (k = 1; i + k < n && strcmp(p[i + k].a->subject, p[i].a->subject) == 0;)
            k++;
        one = paired(p + i, k, score_of, z);
        if (!one.n)
            continue;
        subjects++;
        out.n += one.n;
        a += one.a;
        b += one.b;
        variance += one.se * one.se;
    }
    out.a = a / (double)subjects;
    out.b = b / (double)subjects;
    out.difference = out.b - out.a;
    out.se = sqrt(variance) / (double)subjects;
    out.low = out.difference - z * out.se;
    out.high = out.difference + z * out.se;
    return out;
}

/* C(n, k) / 2^n, by products of which the exponent is kept apart. */
static double binomial(size_t k, size_t n, double times)
{
    long exponent = -(long)n;
    double v = times;
    int e;

    for (size_t i = 1; i <= k; i++) {
        v = frexp(v * ((double)(n - k + i) / (double)i), &e);
        exponent += e;
    }
    return exponent < -2000 ? 0 : ldexp(v, (int)exponent);
}

/* Twice the smaller tail of a binomial distribution with p = 1/2, at most 1. */
static double binomial_test(size_t k, size_t n)
{
    double sum = 0, term = 1, tail; /* terms by that of k */

    if (2 * k > n)
        k = n - k;
    for (size_t i = k + 1; i-- && term > 0;) {
        sum += term;
        term *= (double)i / (double)(n - i + 1);
    }
    tail = binomial(k, n, sum);
    return tail > 0.5 ? 1 : 2 * tail;
}

static void test(const struct pair *p, size_t n, cril_items_pair *out)
{
    bool is_binary = true;

    for (size_t i = 0; i < n; i++) {
        const double x = score_of(p[i].a), y = score_of(p[i].b);

        if (isnan(x) || isnan(y))
            continue;
        is_binary = is_binary && (x == 0 || x == 1) && (y == 0 || y == 1);
        out->only_a_right += x > y;
        out->only_b_right += y > x;
    }
    out->p = is_binary && out->score.n
                 ? binomial_test(out->only_a_right, out->only_a_right + out->only_b_right)
                 : NAN;
}

static void total(const struct pair *p, size_t n, cril_items_pair *out)
{
    double a = 0, b = 0, bytes_a = 0, bytes_b = 0;

    for (size_t i = 0; i < n; i++) {
        const struct cril_line_figures *x = &p[i].a->figures, *y = &p[i].b->figures;

        if (isnan(x->nats) || isnan(y->nats))
            continue;
        a += x->nats / CRIL_LN2;
        b += y->nats / CRIL_LN2;
        bytes_a += (double)x->bytes;
        bytes_b += (double)y->bytes;
    }
    out->total_a = a / bytes_a;
    out->total_b = b / bytes_b;
}

/* ---- Pairs ---- */

static bool is_mean_of_subjects(const char *task, const char *protocol)
{
    const struct cril_task *t = cril_task_find(task);
    const size_t len = strcspn(protocol, ",");

    for (const struct cril_task_protocol *p = t ? t->protocols : NULL; p && p->name; p++)
        if (strlen(p->name) == len && strncmp(p->name, protocol, len) == 0)
            return p->mean_of_subjects;
    return false;
}

/* "anatomy 17": a row that stands alone. */
static const char *name_row(struct comparing *c, const struct cril_item_row *r)
{
    char text[160];

    snprintf(text, sizeof(text), "%.100s%s%" PRIu64, r->subject, *r->subject ? " " : "", r->index);
    return cril_arena_text(c->out->owned, text, strlen(text));
}

static cril_status join(struct comparing *c, const struct both *x, struct pair *pairs, size_t *n,
                        cril_items_pair *out)
{
    size_t i = 0, k = 0;

    for (*n = 0; i < x->n_a || k < x->n_b;) {
        const int order = i == x->n_a   ? 1
                          : k == x->n_b ? -1
                                        : cril_item_row_compare(&x->a[i], &x->b[k]);

        if (order == 0) {
            out->n_other_prompt += x->a[i].prompt != x->b[k].prompt;
            pairs[(*n)++] = (struct pair){&x->a[i++], &x->b[k++]};
        } else if (order < 0) {
            if (!out->n_only_a++ && !(out->first_only_a = name_row(c, &x->a[i])))
                return no_memory(c);
            i++;
        } else {
            if (!out->n_only_b++ && !(out->first_only_b = name_row(c, &x->b[k])))
                return no_memory(c);
            k++;
        }
    }
    return CRIL_OK;
}

static const char *keep(struct comparing *c, const char *text)
{
    return cril_arena_text(c->out->owned, text, strlen(text));
}

static cril_status compare_both(struct comparing *c, const struct both *x)
{
    cril_items_comparison *o = c->out;
    cril_items_pair *tasks = cril_size_grow(o->tasks, &c->cap_tasks, o->n, 1, sizeof(*tasks));
    struct pair *pairs = calloc(x->n_a + 1, sizeof(*pairs));
    cril_items_pair p = {.task = keep(c, x->a->task),
                         .protocol = keep(c, x->a->protocol),
                         .metric = keep(c, x->a->metric),
                         .mean_of_subjects = is_mean_of_subjects(x->a->task, x->a->protocol)};
    cril_status st = CRIL_OK;
    size_t n = 0;

    if (tasks)
        o->tasks = tasks;
    if (!tasks || !pairs || !p.task || !p.protocol || !p.metric)
        st = no_memory(c);
    if (st == CRIL_OK)
        st = join(c, x, pairs, &n, &p);
    if (st == CRIL_OK) {
        p.score =
            p.mean_of_subjects ? paired_subjects(pairs, n, c->z) : paired(pairs, n, score_of, c->z);
        p.bpb = paired(pairs, n, rate_of, c->z);
        test(pairs, n, &p);
        total(pairs, n, &p);
        o->tasks[o->n++] = p;
    }
    free(pairs);
    return st;
}

/* ---- Tasks ---- */

/* Rows of the first's task and protocol. */
static size_t count(const struct cril_item_row *row, size_t n)
{
    size_t k = 1;

    while (k < n && strcmp(row[k].task, row->task) == 0 &&
           strcmp(row[k].protocol, row->protocol) == 0)
        k++;
    return k;
}

static int compare_tasks(const struct cril_item_row *a, const struct cril_item_row *b)
{
    const int order = strcmp(a->task, b->task);

    return order ? order : strcmp(a->protocol, b->protocol);
}

static cril_status leave_out(struct comparing *c, const struct cril_item_row *row,
                             const char ***list, size_t *n, size_t *capacity)
{
    char text[256];
    const char **grown = cril_size_grow((void *)*list, capacity, *n, 1, sizeof(*grown));

    if (grown)
        *list = grown;
    snprintf(text, sizeof(text), "%.120s %.120s", row->task, row->protocol);
    if (!grown || !(grown[*n] = keep(c, text)))
        return no_memory(c);
    ++*n;
    return CRIL_OK;
}

static cril_status compare_all(struct comparing *c)
{
    cril_items_comparison *o = c->out;
    cril_status st = CRIL_OK;

    for (size_t i = 0, k = 0; st == CRIL_OK && (i < c->a.n || k < c->b.n);) {
        const struct cril_item_row *a = c->a.row + i, *b = c->b.row + k;
        const int order = i == c->a.n ? 1 : k == c->b.n ? -1 : compare_tasks(a, b);
        const size_t n_a = order <= 0 ? count(a, c->a.n - i) : 0;
        const size_t n_b = order >= 0 ? count(b, c->b.n - k) : 0;

        if (order < 0)
            st = leave_out(c, a, &o->only_a, &o->n_only_a, &c->cap_only_a);
        else if (order > 0)
            st = leave_out(c, b, &o->only_b, &o->n_only_b, &c->cap_only_b);
        else
            st = compare_both(c, &(struct both){a, b, n_a, n_b});
        i += n_a;
        k += n_b;
    }
    return st;
}

cril_status cril_items_compare(const char *path_a, const char *path_b, double level,
                               cril_items_comparison *out, cril_error *err)
{
    if (CRIL_LACKS(err, path_a, path_b, out))
        return CRIL_ERR_RANGE;

    cril_items_comparison o = {.owned = calloc(1, sizeof(struct cril_arena))};
    struct comparing c = {.out = &o, .err = err};
    cril_status st = o.owned ? CRIL_OK : no_memory(&c);

    if (st == CRIL_OK && !(level >= 0 && level < 1))
        st = cril_fail(err, CRIL_ERR_RANGE, "a level is above 0 and below 1");
    c.z = cril_normal_quantile(0.5 + (level > 0 ? level : 0.95) / 2);
    if (st == CRIL_OK)
        st = cril_item_file_read(path_a, &c.a, err);
    if (st == CRIL_OK)
        st = cril_item_file_read(path_b, &c.b, err);
    if (st == CRIL_OK)
        st = compare_all(&c);
    if (st == CRIL_OK && !o.n)
        st = cril_fail(err, CRIL_ERR_EMPTY,
                       "%s and %s have no task by one protocol in common; run both models on the "
                       "same tasks",
                       path_a, path_b);
    cril_item_file_free(&c.a);
    cril_item_file_free(&c.b);
    if (st == CRIL_OK)
        *out = o;
    else
        cril_items_comparison_free(&o);
    return st;
}

void cril_items_comparison_free(cril_items_comparison *c)
{
    if (!c)
        return;
    free(c->tasks);
    free((void *)c->only_a);
    free((void *)c->only_b);
    if (c->owned)
        cril_arena_free(c->owned);
    free(c->owned);
    *c = (cril_items_comparison){0};
}
