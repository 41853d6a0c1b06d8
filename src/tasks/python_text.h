/*
 * Characters and texts as Python 3 sees them: str.strip, str.lower, str.isdigit, and the classes
 * \w, \s and \d of its re, which are Unicode's. The benchmarks' answer rules are defined by them.
 *
 * Source: CPython 3.11, Objects/unicodectype.c, unicodeobject.c and Modules/_sre; Unicode's
 * categories come from utf8proc, whose version may be another than Python's (doc/rules.md).
 */
#ifndef CRIL_TASKS_PYTHON_TEXT_H
#define CRIL_TASKS_PYTHON_TEXT_H

#include "tasks/str.h"
#include "tokenizer/normalise.h" /* cril_python_is_space: str.isspace, \s */
#include "util/bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool cril_python_is_word(uint32_t code); /* str.isalnum or '_', \w */
bool cril_python_is_digit(
    uint32_t code); /* str.isdigit: \d, and digits in circles, exponents and such */
bool cril_python_is_upper(uint32_t code); /* str.isupper */
/* 0..9 for \d; -1: it is none. */
int cril_python_decimal(uint32_t code);

/* str.strip() */
struct cril_bytes cril_python_strip(struct cril_bytes text);

/* The next run of word characters from `from` on: [*start, *end). False: there is none. */
bool cril_python_next_word(struct cril_bytes text, size_t from, size_t *start, size_t *end);

/* The end of the digits, of \d, from `at` on. */
size_t cril_python_digits_end(struct cril_bytes text, size_t at);

/* str.lower(), the final sigma included. */
void cril_python_lower(struct cril_str *t);

/* Whether int(text) is a number, in Python's default settings: digits of any script, a sign, single
 * '_' between digits, white space around; at most 4300 digits. *canonical: str(int(text)) is text.
 */
bool cril_python_is_integer(struct cril_bytes text, bool *canonical);

#endif
