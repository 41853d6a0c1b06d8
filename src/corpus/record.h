/*
 * A document as OpenCompass makes it of a record: its template "{content}" is filled by replacing
 * one key after another (safe_format in opencompass/utils/prompt.py), and a text that already
 * stands in the template is searched for the later keys too. So "{meta}" in a document becomes the
 * value of the record's key "meta", as Python's str() prints it.
 */
#ifndef CRIL_CORPUS_RECORD_H
#define CRIL_CORPUS_RECORD_H

#include "corpus/reader.h"

#include <jansson.h>
#include <stdbool.h>

/*
 * Replaces in `text`, which holds the value of the key `field`, "{KEY}" by str(value) for each key
 * of the record behind that one, in the record's order. The text may hold NUL; at most max_bytes
 * are made of it. False: out of memory, or more than that.
 */
bool cril_record_fill(const json_t *record, const char *field, struct cril_buffer *text,
                      size_t max_bytes);

/* Appends what Python's str() prints for a value of its json module. False: as above. */
bool cril_record_print(const json_t *value, struct cril_buffer *to, size_t max_bytes);

#endif
