#include "score/stops.h"

#include <string.h>

/* The first place of word [n] in text [len], from `at` on; SIZE_MAX: none. */
static size_t find(const char *text, size_t len, size_t at, const char *word, size_t n)
{
    while (at < len && n <= len - at) {
        const char *const first = memchr(text + at, *word, len - at - n + 1);

        if (!first)
            break;
        if (!memcmp(first, word, n))
            return (size_t)(first - text);
        at = (size_t)(first - text) + 1;
    }
    return SIZE_MAX;
}

size_t cril_stop_find(const cril_prompt *p, const char *text, size_t len, size_t searched)
{
    size_t best = SIZE_MAX;

    for (size_t i = 0; i < p->n_until; i++) {
        const size_t n = p->until_len[i],
                     at = find(text, len, searched >= n ? searched - n + 1 : 0, p->until[i], n);

        best = at < best ? at : best;
    }
    return best;
}
