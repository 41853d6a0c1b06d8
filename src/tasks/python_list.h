/* A list of texts and numbers as Python prints it (repr): ['a', "it's", 3]. */
#ifndef CRIL_TASKS_PYTHON_LIST_H
#define CRIL_TASKS_PYTHON_LIST_H

#include "util/bytes.h"

#include <jansson.h>
#include <stdbool.h>

/*
 * Replaces *value by an array where text is such a list of texts, whole numbers, True and False; a
 * text that is none leaves it. Numbers stay numbers, True and False truth values. False: out of
 * memory; then *value is released and NULL.
 */
bool cril_python_list(struct cril_bytes text, json_t **value);

#endif
