/*
 * Numbers of data as text: in files, JSON, CSV and arguments. The same text in every locale,
 * whatever the program has set: a point, no grouping. Any thread may call these.
 */
#ifndef CRIL_NUMBER_H
#define CRIL_NUMBER_H

#include <cril/status.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    CRIL_NUMBER_EXACT = 17, /* significant digits that any double survives */
    CRIL_NUMBER_SIZE = 32   /* bytes of a number's text, NUL included */
};

/*
 * A finite decimal number, such as 12, -0.5 or 1e-3, which is all of text. No blanks, hexadecimal
 * digits, NaN or infinity. The nearest double: 0 for
 * what is too small for one, infinity for what is too large.
 *
 * False, with *out unchanged: text is NULL or no such number.
 */
bool cril_number_read(const char *text, double *out);

/*
 * v with at most `digits` significant digits, 1 to 17, as short as it can be: with 17 the fewest
 * digits that cril_number_read() reads back as v ("0.1"), with less those of v rounded, without
 * zeros at the end. Very small and very large numbers have an exponent ("1e-7", "1e20"). NaN and
 * infinity are written as printf() does, and are no data. Returns out.
 */
const char *cril_number_write(char out[CRIL_NUMBER_SIZE], double v, int digits);

/*
 * JSON text on its way to a file, with its real numbers as cril_number_write() has them with 17
 * digits: writers of JSON spell 0.1 as 0.10000000000000001. Whole numbers stay as they are; a real
 * number keeps a point or an exponent. What cril_text_show() would escape in a text, such as
 * U+202E, is written as \u202e, which is the same text. Initialise with the file alone: {.file =
 * f}.
 */
typedef struct cril_json_filter {
    FILE *file; /* borrowed */
    /* private */
    char number[40];
    size_t n;
    bool in_text, escaped;
    char character[4];
    size_t n_character;
} cril_json_filter;

/* The next piece of the text; 0, or -1 if it cannot be written. The callback that
 * json_dump_callback() of jansson takes, with a cril_json_filter as its data. */
int cril_json_filter_put(const char *piece, size_t len, void *filter);

#ifdef __cplusplus
}
#endif

#endif
