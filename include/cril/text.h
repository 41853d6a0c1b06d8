/*
 * Texts of others on their way to a terminal or into a sentence: file names, arguments, what files
 * hold.
 */
#ifndef CRIL_TEXT_H
#define CRIL_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Makes text [len bytes, any bytes] visible as one line of UTF-8. What could move the cursor, end
 * the line or turn the direction of writing is escaped: controls (C0, DEL, C1), line and paragraph
 * separators, bidirectional controls, and bytes that are not UTF-8. They become \n, \r, \t, or \xHH
 * for each byte. With exact a backslash becomes \\, so that every text is told from every other;
 * without it a sentence stays as it is if it was made visible before.
 *
 * out [size] gets as many whole characters and escapes as fit, and a NUL; it may be NULL where size
 * is 0. Returns the bytes of the whole without NUL. Any thread, also in a signal handler.
 */
size_t cril_text_show(const char *text, size_t len, bool exact, char *out, size_t size);

#ifdef __cplusplus
}
#endif

#endif
