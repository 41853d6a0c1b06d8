/*
 * Edit distance (Levenshtein 1965), letters of ASCII compared without case: names that differ in
 * case alone are at distance 0. A name is near at a third of the word or less; long ones are not
 * compared.
 */
#include "util/nearest.h"

#include <string.h>

enum { LONGEST = 63 };

static int lower(char c)
{
    return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c; /* tolower() asks the locale */
}

static size_t edit_distance(const char *a, const char *b)
{
    size_t row[LONGEST + 1],
        len = strlen(b); /* row[j]: of the part of a that was read to the first j of b */

    for (size_t j = 0; j <= len; j++)
        row[j] = j;
    for (; *a; a++) {
        size_t diagonal = row[0]++;

        for (size_t j = 0; j < len; j++) {
            size_t best = diagonal + (lower(*a) != lower(b[j]));

            diagonal = row[j + 1];
            if (best > diagonal + 1)
                best = diagonal + 1;
            if (best > row[j] + 1)
                best = row[j] + 1;
            row[j + 1] = best;
        }
    }
    return row[len];
}

void cril_nearest_name_offer(struct cril_nearest_name *n, const char *name)
{
    const size_t len = strlen(n->word);
    size_t d;

    if (len > LONGEST || strlen(name) > LONGEST)
        return;
    d = edit_distance(n->word, name);
    if (d <= (len + 2) / 3 && d < strlen(name) && (!n->best || d < n->distance)) {
        n->best = name;
        n->distance = d;
    }
}
