/* Width: utf8proc's columns of each code point (wide East Asian characters take two). */
#include "table.h"

#include "output.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

char *cril_text_shown(const char *text)
{
    char *shown = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&shown, &len);

    if (!f)
        return NULL;
    cril_print_escaped(f, text, strlen(text));
    if (fclose(f) == 0)
        return shown;
    free(shown);
    return NULL;
}

/* Bytes of the first character of a text, whose columns are added to *columns; 0: its end. */
static size_t next_character(const char *shown, int *columns)
{
    utf8proc_int32_t c;
    const utf8proc_ssize_t step =
        *shown ? utf8proc_iterate((const utf8proc_uint8_t *)shown, -1, &c) : 0;

    if (step < 1)
        return 0;
    *columns += utf8proc_charwidth(c);
    return (size_t)step;
}

int cril_shown_width(const char *shown)
{
    int columns = 0;
    size_t step;

    while (columns < INT_MAX / 2 && (step = next_character(shown, &columns)))
        shown += step;
    return columns;
}

int cril_text_width(const char *text)
{
    char *shown = cril_text_shown(text);
    const int columns = shown ? cril_shown_width(shown) : 0;

    free(shown);
    return columns;
}

void cril_widen(int *width, const char *text)
{
    const int own = cril_text_width(text);

    *width = own > *width ? own : *width;
}

/* Bytes of the most characters that take at most so many columns. */
static size_t fitting(const char *shown, int columns)
{
    size_t n = 0, step;
    int taken = 0;

    while ((step = next_character(shown + n, &taken)) && taken <= columns)
        n += step;
    return n;
}

void cril_print_cut(FILE *f, const char *shown, int columns)
{
    static const char gap[] = "...";
    const int full = cril_shown_width(shown), left = columns - (int)sizeof(gap) + 1;
    size_t start = 0;
    int skipped = 0;

    if (full <= columns || left < 2) {
        fprintf(f, "%.*s", (int)fitting(shown, columns), shown);
        return;
    }
    while (skipped < full - left / 2)
        start += next_character(shown + start, &skipped);
    fprintf(f, "%.*s%s%s", (int)fitting(shown, left - left / 2), shown, gap, shown + start);
}

void cril_print_padded(FILE *f, const char *text, int width)
{
    cril_print_escaped(f, text, strlen(text));
    fprintf(f, "%*s", width > cril_text_width(text) ? width - cril_text_width(text) : 0, "");
}
