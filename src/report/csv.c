/* CSV (csv.h). */
#include "report/csv.h"

#include <cril/number.h>
#include <math.h>
#include <string.h>

static void put(const struct cril_csv *c, const char *text, size_t len)
{
    static const char digits[] = "0123456789ABCDEF";
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";

    for (size_t i = 0; i < len; i++) {
        const unsigned char byte = (unsigned char)text[i];

        if (!c->in_link || (byte && strchr(plain, byte))) {
            putc(byte, c->f);
        } else {
            putc('%', c->f);
            putc(digits[byte >> 4], c->f);
            putc(digits[byte & 15], c->f);
        }
    }
}

static void start_cell(struct cril_csv *c)
{
    if (c->column++)
        put(c, ",", 1);
}

void cril_csv_text(struct cril_csv *c, const char *text)
{
    const bool formula = *text && strchr("=+-@\t\r", *text);

    start_cell(c);
    if (!formula && !text[strcspn(text, ",\"\r\n")]) {
        put(c, text, strlen(text));
        return;
    }
    put(c, "\"'", formula ? 2 : 1);
    for (; *text; text++)
        put(c, *text == '"' ? "\"\"" : text, *text == '"' ? 2 : 1);
    put(c, "\"", 1);
}

void cril_csv_number(struct cril_csv *c, double v)
{
    char text[CRIL_NUMBER_SIZE];

    start_cell(c);
    if (!isfinite(v))
        return;
    cril_number_write(text, v, 15);
    put(c, text, strlen(text));
}

void cril_csv_end_row(struct cril_csv *c)
{
    put(c, "\n", 1);
    c->column = 0;
}

void cril_csv_head(struct cril_csv *c, const char *names)
{
    put(c, names, strlen(names));
    cril_csv_end_row(c);
}
