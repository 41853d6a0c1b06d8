/*
 * Writing markup: text from outside escaped, numbers without a locale, and how wide text will be.
 *
 * Nothing here returns a status: a stream remembers that it failed, and whoever opened it asks once
 * at the end.
 */
#ifndef CRIL_REPORT_MARKUP_H
#define CRIL_REPORT_MARKUP_H

#include <stddef.h>
#include <stdio.h>

/*
 * Writes format, in which stand for an argument each
 *
 *   %t   const char *: text from outside, escaped, so that it is text in an element and in a quoted
 * attribute %s   const char *: markup of ours, as it is %z   size_t %c   double: a coordinate, at
 * most two decimals, for SVG %0 .. %6  double: for people, with so many decimals, a true minus
 * sign, and a dash where it is no number
 *
 * and %% for a percent sign.
 */
void cril_markup_put(FILE *f, const char *format, ...);

/*
 * The escaped text itself. Line breaks and tabs become spaces; what is not UTF-8, control
 * characters, noncharacters, and characters that would turn the text after them around
 * (U+202A..202E, 2066..2069) become U+FFFD.
 */
void cril_markup_text(FILE *f, const char *text, size_t len);

void cril_markup_number(FILE *f, double v, int decimals);
/* Two significant digits: "0.031", "8.7 x 10^-9" as markup. */
void cril_markup_small(FILE *f, double v);

/* About how wide text will be in a sans-serif font, in units of the font's size; rather too wide
 * than too narrow. */
double cril_markup_width(const char *text, size_t len);
/* Bytes of text, whole characters, that are no wider than that. */
size_t cril_markup_fit(const char *text, double width);
/* Where in text [len] its longest end begins that is no wider than that. */
size_t cril_markup_fit_end(const char *text, size_t len, double width);

#endif
