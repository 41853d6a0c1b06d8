/* Width: utf8proc's columns of each code point (wide East Asian characters take two). */
#include "table.h"

#include "output.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

int cril_text_width(const char *text)
{
    char *shown = NULL;
    size_t len = 0, columns = 0;
    FILE *f = open_memstream(&shown, &len);

    if (!f)
        return 0;
    cril_print_escaped(f, text, strlen(text));
    if (fclose(f) != 0)
        len = 0;
    for (size_t i = 0; i < len;) {
        utf8proc_int32_t c;
        utf8proc_ssize_t step =
            utf8proc_iterate((const utf8proc_uint8_t *)shown + i, (utf8proc_ssize_t)(len - i), &c);

        if (step < 1)
            break;
        columns += (size_t)utf8proc_charwidth(c);
        i += (size_t)step;
    }
    free(shown);
    return columns < INT_MAX / 2 ? (int)columns : INT_MAX / 2;
}

void cril_print_padded(FILE *f, const char *text, int width)
{
    cril_print_escaped(f, text, strlen(text));
    fprintf(f, "%*s", width > cril_text_width(text) ? width - cril_text_width(text) : 0, "");
}
