/* Cuts a text into segments at line ends or spaces, so that tokens and their context are kept
 * together. */
#include <cril/codec.h>
#include <stdint.h>

/* Bytes before `target` among which a good place is looked for. */
static size_t search_from(size_t target)
{
    return target - target / 8 > 4 ? target - target / 8 - 4 : 0;
}

/* The last place in [from, target] behind a byte `c`; 0: none. */
static size_t behind(const uint8_t *text, size_t from, size_t target, uint8_t c)
{
    size_t i = target;

    while (i > from && text[i - 1] != c)
        i--;
    return i > from ? i : 0;
}

size_t cril_segment_cut(const void *text, size_t n, size_t target)
{
    if (!text)
        return 0;

    const uint8_t *p = text;
    const size_t from = search_from(target);
    size_t at;

    if (n <= target)
        return n;
    if (!(at = behind(p, from, target, '\n')))
        at = behind(p, from, target, ' ');
    if (at)
        return at;
    for (at = target; at > 1 && target - at < 4 && (p[at] & 0xC0) == 0x80; at--)
        ; /* inside of a character */
    return (p[at] & 0xC0) == 0x80 ? target : at;
}
