/*
 * Answer rules: what a rule takes from a generated text, and whether that is right.
 *
 * A set of rules is a function that reads the fields of `in` and adds what each rule takes, and its
 * verdict, to `out`, under the names that the test vectors have. It is used for lines that a user
 * grades and for texts that a model has just generated.
 *
 *   in   an object with "text" and "gold" (a text; letters, numbers), or "references" (an array of
 *        texts); for mathematics also "reference" and "candidate"
 *   out  an object; names that it has are not touched
 *
 * CRIL_ERR_FORMAT: a field is missing or of another type; the sentence names it, without file and
 * line. CRIL_ERR_NOMEM. Thread-safe.
 */
#ifndef CRIL_TASKS_RULES_H
#define CRIL_TASKS_RULES_H

#include <cril/status.h>
#include <jansson.h>

typedef cril_status cril_rules(const json_t *in, json_t *out, cril_error *err);

/* GSM8K: strict, flexible, opencompass. */
cril_rules cril_rules_gsm8k;
/* MATH: with "text" what each rule finds and whether it equals "gold"; with "reference" and
 * "candidate" what each equality says of them. */
cril_rules cril_rules_math;
/* Letters of SAT-Math. */
cril_rules cril_rules_letters;
/* Short answers of NQ-open and TriviaQA. */
cril_rules cril_rules_answers;

/* The contents of the last \boxed{..} of a solution, braces matched, else of \fbox: the reference
 * answer of MATH. False: it has none. Borrowed from text. */
struct cril_bytes;
_Bool cril_math_boxed(struct cril_bytes text, struct cril_bytes *answer);

#endif
