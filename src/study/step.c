/* Steps of training in the names of checkpoints. */
#include <cril/study.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_DIGITS = 15 };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_mark(char c)
{
    return c == '-' || c == '_' || c == '.';
}

/* Whether name [len] ends in the word, which is all of it or has a mark in front. */
static bool ends_in(const char *name, size_t len, const char *word)
{
    const size_t n = strlen(word);

    return len >= n && memcmp(name + len - n, word, n) == 0 &&
           (len == n || is_mark(name[len - n - 1]));
}

bool cril_study_step(const char *name, uint64_t *step, size_t *stem)
{
    static const char *const words[] = {"checkpoint", "step"};
    size_t len = name ? strlen(name) : 0, at = len, word;

    while (at && is_digit(name[at - 1]))
        at--;
    if (at == len || len - at > MOST_DIGITS)
        return false;
    word = at && is_mark(name[at - 1]) ? at - 1 : at;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        const size_t before = word - strlen(words[i]);

        if (!ends_in(name, word, words[i]))
            continue;
        if (step)
            *step = strtoull(name + at, NULL, 10);
        if (stem)
            *stem = before > 1 ? before - 1 : word;
        return true;
    }
    return false;
}
