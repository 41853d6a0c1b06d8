/* Drawings in other formats, by a program that is installed beside this one. */
#ifndef CRIL_CLI_CONVERT_H
#define CRIL_CLI_CONVERT_H

#include <stdbool.h>
#include <stdio.h>

/*
 * Has rsvg-convert make "pdf" or "png" of the SVG file that svg [from its start] holds, into out,
 * both with descriptors. It is looked for in PATH and run without a shell. A PNG has two pixels for
 * each of the drawing's. False: the reason was printed.
 */
bool cril_convert_svg(FILE *svg, const char *format, FILE *out);

#endif
