/*
 * Documents of corpora by month (cril/membership.h; doc/leak.md, "By time"): sorted by month, and
 * as they came within one.
 */
#include <cril/membership.h>

#include "util/fail.h"
#include "util/size.h"

#include <stdlib.h>
#include <string.h>

struct dated {
    const cril_membership_document *document;
    size_t place; /* among those that came */
};

/* Columns of the sorted documents. */
struct columns {
    double *bits, *characters; /* [n] */
    uint32_t *month;           /* [n] index of months */
    size_t n;
};

static cril_status no_memory(cril_error *err)
{
    return cril_fail(err, CRIL_ERR_NOMEM, "out of memory for documents by month");
}

enum { MONTH_BYTES = 7 };

static int by_month(const void *a, const void *b)
{
    const struct dated *x = a, *y = b;
    const int order = memcmp(x->document->date, y->document->date, MONTH_BYTES);

    return order ? order : (x->place > y->place) - (x->place < y->place);
}

/* Documents that have a date: [*n], owned. */
static cril_status list_dated(const cril_membership *s, struct dated **out, size_t *n,
                              size_t *undated, cril_error *err)
{
    size_t capacity = 0;
    cril_membership_corpus c;

    for (size_t i = 0; cril_membership_corpus_at(s, i, &c); i++)
        for (size_t d = 0; d < c.n && !c.is_control; d++) {
            const bool is_dated = *c.documents[d].date;
            struct dated *grown = cril_size_grow(*out, &capacity, *n, 1, sizeof(*grown));

            if (!grown)
                return no_memory(err);
            *out = grown;
            if (is_dated)
                grown[*n] = (struct dated){&c.documents[d], *n};
            *n += is_dated;
            *undated += !is_dated;
        }
    if (*n)
        qsort(*out, *n, sizeof(**out), by_month);
    return CRIL_OK;
}

static void fill(const struct dated *list, struct columns *x, cril_membership_times *t)
{
    for (size_t i = 0; i < x->n; i++) {
        const cril_membership_document *d = list[i].document;

        if (!i || memcmp(list[i - 1].document->date, d->date, MONTH_BYTES) != 0)
            memcpy(t->months[t->n++].month, d->date, MONTH_BYTES);
        t->months[t->n - 1].documents++;
        x->month[i] = (uint32_t)(t->n - 1);
        x->bits[i] = d->nats / CRIL_LN2;
        x->characters[i] = (double)d->characters;
    }
}

static cril_status measure(const struct columns *x, const cril_interval *wanted,
                           cril_membership_times *t, cril_error *err)
{
    size_t at = 0;
    cril_status st = CRIL_OK;

    for (size_t i = 0; i < t->n && st == CRIL_OK; i++) {
        cril_membership_month *m = &t->months[i];
        double bits = 0, characters = 0;

        for (size_t k = at; k < at + m->documents; k++) {
            bits += x->bits[k];
            characters += x->characters[k];
        }
        m->bpc = bits / characters;
        m->interval = *wanted;
        st =
            cril_bootstrap_ratio(x->bits + at, x->characters + at, m->documents, &m->interval, err);
        at += m->documents;
    }
    return st == CRIL_OK ? cril_change_find(x->bits, x->characters, x->month, x->n,
                                            wanted->resamples, wanted->seed, &t->change, err)
                         : st;
}

cril_status cril_membership_by_month(const cril_membership *s, const cril_interval *wanted,
                                     cril_membership_times *out, cril_error *err)
{
    if (CRIL_LACKS(err, s, wanted, out))
        return CRIL_ERR_RANGE;

    struct dated *list = NULL;
    struct columns x = {0};
    cril_membership_times t = {0};
    cril_status st = list_dated(s, &list, &x.n, &t.undated, err);

    if (st == CRIL_OK) {
        x.bits = calloc(x.n + 1, sizeof(*x.bits));
        x.characters = calloc(x.n + 1, sizeof(*x.characters));
        x.month = calloc(x.n + 1, sizeof(*x.month));
        t.months = calloc(x.n + 1, sizeof(*t.months));
        if (!x.bits || !x.characters || !x.month || !t.months)
            st = no_memory(err);
    }
    if (st == CRIL_OK) {
        fill(list, &x, &t);
        st = measure(&x, wanted, &t, err);
    }
    free(list);
    free(x.bits);
    free(x.characters);
    free(x.month);
    if (st == CRIL_OK)
        *out = t;
    else
        cril_membership_times_free(&t);
    return st;
}

void cril_membership_times_free(cril_membership_times *t)
{
    if (t)
        free(t->months);
}
