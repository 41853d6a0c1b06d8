/*
 * The merge loop: see merge.h. A candidate goes stale when one of its two symbols has merged with
 * another; then their lengths no longer add up to the candidate's (symbols only grow), and it is
 * dropped when popped.
 */
#include "tokenizer/merge.h"

#include "util/fail.h"

#include <stdlib.h>

cril_status cril_merge_begin(struct merge_work *w, size_t n, cril_error *err)
{
    if (n > w->capacity) {
        const size_t capacity = n < 64 ? 64 : n;

        cril_merge_free(w);
        if (capacity <= SIZE_MAX / 2 / sizeof(*w->symbols)) {
            w->symbols = malloc(capacity * sizeof(*w->symbols));
            w->heap = malloc(2 * capacity * sizeof(*w->heap));
        }
        if (!w->symbols || !w->heap) {
            cril_merge_free(w);
            return cril_fail(err, CRIL_ERR_NOMEM, "out of memory for a word of %zu symbols", n);
        }
        w->capacity = capacity;
    }
    w->n = w->n_heap = 0;
    return CRIL_OK;
}

void cril_merge_push(struct merge_work *w, uint32_t start, uint32_t len, int32_t id)
{
    const uint32_t at = (uint32_t)w->n++;

    w->symbols[at] = (struct merge_symbol){
        .start = start, .len = len, .prev = at ? at - 1 : MERGE_END, .next = MERGE_END, .id = id};
    if (at)
        w->symbols[at - 1].next = at;
}

static bool before(const struct merge_candidate *a, const struct merge_candidate *b)
{
    return a->priority < b->priority || (a->priority == b->priority && a->left < b->left);
}

static void heap_push(struct merge_work *w, struct merge_candidate c)
{
    size_t i = w->n_heap++;

    for (; i && before(&c, &w->heap[(i - 1) / 2]); i = (i - 1) / 2)
        w->heap[i] = w->heap[(i - 1) / 2];
    w->heap[i] = c;
}

static struct merge_candidate heap_pop(struct merge_work *w)
{
    const struct merge_candidate top = w->heap[0], last = w->heap[--w->n_heap];
    size_t i = 0;

    for (;;) {
        size_t child = 2 * i + 1;

        if (child >= w->n_heap)
            break;
        if (child + 1 < w->n_heap && before(&w->heap[child + 1], &w->heap[child]))
            child++;
        if (!before(&w->heap[child], &last))
            break;
        w->heap[i] = w->heap[child];
        i = child;
    }
    w->heap[i] = last;
    return top;
}

static void propose(struct merge_work *w, const char *text, merge_lookup lookup, const void *model,
                    uint32_t left)
{
    const struct merge_symbol *l = &w->symbols[left];
    struct merge_candidate c = {.left = left};

    if (l->next == MERGE_END || !lookup(model, text, l, &w->symbols[l->next], &c.priority, &c.id))
        return;
    c.len = l->len + w->symbols[l->next].len;
    heap_push(w, c);
}

void cril_merge_run(struct merge_work *w, const char *text, merge_lookup lookup, const void *model)
{
    for (size_t i = 0; i + 1 < w->n; i++)
        propose(w, text, lookup, model, (uint32_t)i);
    /* n - 1 candidates now; a merge takes one and adds at most two, and there are at most n - 1
     * merges */
    while (w->n_heap) {
        const struct merge_candidate c = heap_pop(w);
        struct merge_symbol *l = &w->symbols[c.left], *r;

        if (!l->len || l->next == MERGE_END)
            continue;
        r = &w->symbols[l->next];
        if (l->len + r->len != c.len)
            continue;
        l->len = c.len;
        l->id = c.id;
        l->next = r->next;
        r->len = 0;
        if (l->next != MERGE_END)
            w->symbols[l->next].prev = c.left;
        if (l->prev != MERGE_END)
            propose(w, text, lookup, model, l->prev);
        propose(w, text, lookup, model, c.left);
    }
}

void cril_merge_free(struct merge_work *w)
{
    free(w->symbols);
    free(w->heap);
    *w = (struct merge_work){0};
}
