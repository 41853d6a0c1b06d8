#include "model/rotations.h"

#include "util/size.h"

#include <stdlib.h>
#include <string.h>

struct cril_rotation {
    struct cril_memory memory; /* [n][row] */
    size_t length, n;          /* a length that it serves; positions */
    size_t users;
};

enum { SHORT = 0 }; /* the table that stays: of passes within the limits of all rotations */

/* Floats of a position; at: where each rotation's start, NULL: not wanted. */
static size_t lay_out_row(const cril_model *m, size_t at[CRIL_MAX_ROPES])
{
    size_t n = 0;

    for (size_t k = 0; k < CRIL_MAX_ROPES; k++) {
        if (at)
            at[k] = n;
        n += m->rope[k].freq ? m->rope[k].n_rot : 0;
    }
    return n;
}

size_t cril_rotations_bytes(const cril_model *m, size_t n)
{
    return n * lay_out_row(m, NULL) * sizeof(float);
}

static bool serves(const cril_model *m, size_t length, size_t other)
{
    for (size_t k = 0; k < CRIL_MAX_ROPES; k++)
        if (cril_rope_class(&m->rope[k], length) != cril_rope_class(&m->rope[k], other))
            return false;
    return true;
}

static bool add(struct cril_rotations *r)
{
    struct cril_rotation *const tables =
        cril_size_grow(r->tables, &r->capacity, r->n_tables, 1, sizeof(*tables));

    if (!tables)
        return false;
    r->tables = tables;
    tables[r->n_tables++] = (struct cril_rotation){0};
    return true;
}

/* The table of that length, or else one that nobody uses. False: out of memory. */
static bool find(struct cril_rotations *r, const cril_model *m, size_t length, size_t *out)
{
    if (!r->n_tables && !add(r)) /* SHORT */
        return false;
    size_t unused = r->n_tables;
    *out = SHORT;
    if (serves(m, length, 1))
        return true;
    for (*out = SHORT + 1; *out < r->n_tables; ++*out) {
        if (!r->tables[*out].users)
            unused = *out;
        else if (serves(m, length, r->tables[*out].length))
            return true;
    }
    *out = unused;
    return unused < r->n_tables || add(r);
}

/* Makes the table hold n positions. False: out of memory, and it is as it was. */
static bool lengthen(const struct cril_rotations *r, const cril_model *m, struct cril_rotation *t,
                     size_t n)
{
    struct cril_memory longer = {0};

    if (n <= t->n)
        return true;
    if (!cril_memory_reserve(&longer, n, r->row * sizeof(float)))
        return false;
    if (t->n)
        memcpy(longer.data, t->memory.data, t->n * r->row * sizeof(float));
    for (size_t p = t->n; p < n; p++)
        for (size_t k = 0; k < CRIL_MAX_ROPES; k++) {
            float *const row = (float *)longer.data + p * r->row + r->at[k];

            if (m->rope[k].freq)
                cril_rope_row(&m->rope[k], t->length, p, row, row + m->rope[k].n_rot / 2);
        }
    free(t->memory.data);
    t->memory = longer;
    t->n = n;
    return true;
}

bool cril_rotations_take(struct cril_rotations *r, const cril_model *m, size_t length, size_t n,
                         size_t *out)
{
    struct cril_rotation *t;

    r->row = lay_out_row(m, r->at);
    if (!find(r, m, length, out))
        return false;
    t = &r->tables[*out];
    if (!t->users)
        t->length = length;
    if (!lengthen(r, m, t, n))
        return false;
    t->users++;
    return true;
}

void cril_rotations_leave(struct cril_rotations *r, size_t table)
{
    struct cril_rotation *const t = &r->tables[table];

    if (--t->users || table == SHORT)
        return;
    free(t->memory.data);
    *t = (struct cril_rotation){0};
}

void cril_rotations_free(struct cril_rotations *r)
{
    for (size_t i = 0; i < r->n_tables; i++)
        free(r->tables[i].memory.data);
    free(r->tables);
    *r = (struct cril_rotations){0};
}

const float *cril_rotations_row(const struct cril_rotations *r, size_t table, size_t rope,
                                size_t position)
{
    return (const float *)r->tables[table].memory.data + position * r->row + r->at[rope];
}
