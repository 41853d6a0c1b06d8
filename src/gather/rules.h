/*
 * The rules of a corpus: all that decides, beside the inputs, which bytes it has. They are the
 * card's part "rules", from which the same run can be made again.
 */
#ifndef CRIL_GATHER_RULES_H
#define CRIL_GATHER_RULES_H

#include "gather/inputs.h"
#include "gather/step.h"

#include <cril/gather.h>
#include <jansson.h>

enum { CRIL_RULES_STEPS = 32, CRIL_RULES_LANGUAGES = 64, CRIL_RULES_CHARACTERS = 1000000 };

struct cril_rules {
    const struct cril_input_kind *kind;
    const char *after, *before;                  /* NULL: none */
    const char *languages[CRIL_RULES_LANGUAGES]; /* those of the step's options */
    struct cril_step_options step_options;
    const struct cril_step *steps[CRIL_RULES_STEPS]; /* [n_steps] in their order */
    size_t n_steps;
    uint64_t min_page_id;
};

/* Whether text is "YYYY-MM-DD", a day that the calendar has. */
bool cril_is_day(const char *text);

/* Texts are borrowed of o; *out is not copied, since its options point into it. CRIL_ERR_RANGE: an
 * option, with what is wrong. */
cril_status cril_rules_read(const cril_gather_options *o, struct cril_rules *out, cril_error *err);
/* Owned; NULL: out of memory. */
json_t *cril_rules_json(const struct cril_rules *r);
/* The rules of a card, whose texts are borrowed. CRIL_ERR_FORMAT, CRIL_ERR_MISMATCH: a card of
 * another version. */
cril_status cril_rules_of_json(const json_t *rules, struct cril_rules *out, cril_error *err);

#endif
