#include "model/experts.h"

#include <string.h>

void cril_sort_by_expert(const struct cril_mixture *x, const float *choices, size_t ld, size_t n,
                         struct cril_entry *entries, size_t *first)
{
    memset(first, 0, (x->n_experts + 1) * sizeof(*first));
    for (size_t row = 0; row < n; row++)
        for (size_t rank = 0; rank < x->n_used; rank++)
            first[(size_t)choices[row * ld + rank] + 1]++;
    for (size_t i = 0; i < x->n_experts; i++)
        first[i + 1] += first[i];
    for (size_t row = 0; row < n; row++)
        for (size_t rank = 0; rank < x->n_used; rank++)
            entries[first[(size_t)choices[row * ld + rank]]++] =
                (struct cril_entry){.row = row, .rank = rank};
    memmove(first + 1, first, x->n_experts * sizeof(*first)); /* each had become the next one's */
    first[0] = 0;
}
