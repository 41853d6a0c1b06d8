#include "score/tree.h"

#include "score/sequence.h"
#include "util/size.h"

#include <stdlib.h>
#include <string.h>

/* Rows that an inner node must save: a window more is some work too, and its states fill whole
 * panels. */
enum { MIN_SAVED = 16 };

/* Sequences [from, to) of the sorted ones, of which `depth` inputs lie in `parent` and above. */
struct cril_tree_range {
    size_t from, to, depth, parent;
};

void cril_tree_free(struct cril_tree *t)
{
    free(t->nodes);
    free(t->ranges);
    *t = (struct cril_tree){0};
}

/* By tokens, then by place. */
static int compare(const void *x, const void *y)
{
    const cril_score_window *const a = *(const cril_score_window *const *)x,
                                   *const b = *(const cril_score_window *const *)y;
    const int order = cril_sequence_compare(a->tokens, a->n, b->tokens, b->n);
    return order ? order : (a > b) - (a < b);
}

void cril_tree_sort(const cril_score_window **w, size_t n)
{
    qsort(w, n, sizeof(*w), compare);
}

size_t cril_tree_common(const cril_score_window *a, const cril_score_window *b)
{
    return cril_sequence_common(a->tokens, b->tokens,
                                (a->first < b->first ? a->first : b->first) - 1);
}

static bool add_node(struct cril_tree *t, struct cril_tree_node node)
{
    struct cril_tree_node *nodes =
        cril_size_grow(t->nodes, &t->nodes_size, t->n, 1, sizeof(*nodes));
    if (!nodes)
        return false;
    t->nodes = nodes;
    t->nodes[t->n++] = node;
    return true;
}

/* Puts the parts of r, which is cut where neighbours have no more than `common` inputs in common,
 * on the stack of ranges, the last part first. */
static bool cut(struct cril_tree *t, const cril_score_window *const *w, struct cril_tree_range r,
                size_t common, size_t *n_ranges)
{
    for (size_t end = r.to; end > r.from;) {
        size_t from = end - 1;
        while (from > r.from && cril_tree_common(w[from - 1], w[from]) > common)
            from--;
        struct cril_tree_range *ranges =
            cril_size_grow(t->ranges, &t->ranges_size, *n_ranges, 1, sizeof(*ranges));
        if (!ranges)
            return false;
        t->ranges = ranges;
        ranges[(*n_ranges)++] = (struct cril_tree_range){from, end, r.depth, r.parent};
        end = from;
    }
    return true;
}

/* What all of r have in common. */
static size_t common_of(const cril_score_window *const *w, const struct cril_tree_range *r)
{
    size_t least = SIZE_MAX;
    for (size_t i = r->from + 1; i < r->to; i++) {
        const size_t common = cril_tree_common(w[i - 1], w[i]);
        least = common < least ? common : least;
    }
    return least;
}

static bool take(struct cril_tree *t, const cril_score_window *const *w, struct cril_tree_range r,
                 size_t *n_ranges)
{
    if (r.to - r.from == 1)
        return add_node(
            t, (struct cril_tree_node){w[r.from], r.depth, w[r.from]->n - 1, r.parent, true});
    const size_t common = common_of(w, &r);
    if (common > r.depth && common - r.depth >= MIN_SAVED / (r.to - r.from - 1)) {
        if (!add_node(t, (struct cril_tree_node){w[r.from], r.depth, common, r.parent, false}))
            return false;
        r.depth = common;
        r.parent = t->n;
    }
    return cut(t, w, r, common, n_ranges);
}

bool cril_tree_make(struct cril_tree *t, const cril_score_window *const *w, size_t n, bool shared)
{
    size_t n_ranges = 0;
    t->n = 0;
    bool ok = cut(t, w, (struct cril_tree_range){0, n, 0, 0}, shared ? 0 : SIZE_MAX, &n_ranges);
    while (ok && n_ranges) {
        const struct cril_tree_range r = t->ranges[--n_ranges];
        ok = take(t, w, r, &n_ranges);
    }
    return ok;
}
