/*
 * All numbers of data and all sentences are formatted here, and here alone numbers are read
 * (cril/number.h): strtod() and printf() take the decimal point of the locale that the program has
 * set.
 */
#ifndef CRIL_UTIL_NUMBER_H
#define CRIL_UTIL_NUMBER_H

#include <cril/number.h>

#include <locale.h>
#include <stdarg.h>

/* The calling thread is in the C locale from begin to end, which takes what begin returned. For
 * other libraries that read or write numbers. */
locale_t cril_c_locale_begin(void);
void cril_c_locale_end(locale_t before);

/* vsnprintf() in the C locale. */
int cril_format(char *out, size_t size, const char *format, va_list ap)
    __attribute__((format(printf, 3, 0)));

#endif
