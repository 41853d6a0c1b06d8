#include "score/prefixes.h"

#include "score/sequence.h"

#include <stdlib.h>

/* Tokens that a longer prefix must save to be worth its copies. */
enum { MIN_SAVED = 32 };

static int compare(const void *left, const void *right)
{
    const struct cril_prefixed *const a = left, *const b = right;

    if (a->length != b->length)
        return a->length < b->length ? -1 : 1;
    const int order = cril_sequence_compare(a->ids, a->n, b->ids, b->n);
    return order ? order : (a->index > b->index) - (a->index < b->index);
}

/* What a prompt and the next one can share: not the last token, whose distribution is wanted. */
static size_t shared_with_next(const struct cril_prefixed *p)
{
    const size_t shorter = p[0].n < p[1].n ? p[0].n : p[1].n;

    return p[0].length == p[1].length ? cril_sequence_common(p[0].ids, p[1].ids, shorter - 1) : 0;
}

/*
 * How long the prefix should be that is kept from the first of n prompts on, of which `kept` tokens
 * are there: of all lengths that the first and some behind it share, the one that saves most, and
 * `kept` where none saves enough. Each prompt's `shared` is what it shares with the next one.
 */
static size_t best_prefix(const struct cril_prefixed *p, size_t n, size_t kept, bool shrinks)
{
    size_t shared = SIZE_MAX, best = kept, most = 0;

    for (size_t i = 0; i + 1 < n; i++) {
        const size_t next = i + 2 < n ? p[i + 1].shared : 0;

        shared = p[i].shared < shared ? p[i].shared : shared;
        if (shared <= kept)
            break;
        if (next >= shared)
            continue;
        /* i + 2 prompts share it; the one behind them may need what is kept now */
        const size_t saved = (shared - kept) * (i + 1),
                     cost = MIN_SAVED + (!shrinks && next >= kept ? kept : 0);
        if (saved >= cost && saved - cost >= most) {
            most = saved - cost;
            best = shared;
        }
    }
    return best;
}

void cril_share_prefixes(struct cril_prefixed *prompts, size_t n, bool shrinks)
{
    size_t kept = 0, with_last = 0;

    qsort(prompts, n, sizeof(*prompts), compare);
    for (size_t i = 0; i + 1 < n; i++)
        prompts[i].shared = shared_with_next(&prompts[i]);
    for (size_t i = 0; i < n; i++) {
        const size_t with_next = i + 1 < n ? prompts[i].shared : 0;
        size_t longer;

        if (with_last < kept)
            kept = shrinks ? with_last : 0;
        while ((longer = best_prefix(prompts + i, n - i, kept, shrinks)) > kept)
            kept = longer;
        prompts[i].shared = kept;
        with_last = with_next;
    }
}
