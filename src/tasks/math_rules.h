/*
 * What the rules for answers of MATH are made of: how each finds an answer, brings it to a normal
 * form and compares it. rules_math.c puts them together; doc/rules.md defines each.
 */
#ifndef CRIL_TASKS_MATH_RULES_H
#define CRIL_TASKS_MATH_RULES_H

#include "tasks/str.h"

#include <stdbool.h>

/* ---- math_boxed.c ---- */

/* The contents of the last \boxed{..} of a text, with nothing between "\boxed" and its brace.
 * False: None, so also where the text ends in another form of box. Borrowed from text. */
bool cril_math_last_box(struct cril_bytes text, struct cril_bytes *answer);

/* ---- math_minerva.c ---- */

enum cril_minerva {
    CRIL_MINERVA,        /* Lewkowycz et al. 2022, appendix D; lm-evaluation-harness <= 0.4.12 */
    CRIL_MINERVA_0_4_13, /* as lm-evaluation-harness 0.4.13 has it */
    CRIL_MINERVA_OPENCOMPASS
};

/* The normal form of a final answer. */
void cril_minerva_normal(struct cril_str *t, enum cril_minerva version);

/* The answer in the sentence that the demonstrations end with, else "[invalidanswer]". */
void cril_minerva_answer(struct cril_str *t, struct cril_bytes text);

/* ---- math_hendrycks.c ---- */

enum cril_hendrycks { CRIL_HENDRYCKS, CRIL_HENDRYCKS_OPENCOMPASS };

/* The clean-up of hendrycks/math, or OpenCompass' copy of it (v1). False: the original raises an
 * exception; t is then of no use. */
bool cril_hendrycks_normal(struct cril_str *t, enum cril_hendrycks version);

/* Steps of it that OpenCompass' v2 shares; false as above. */
void cril_math_fix_lead(struct cril_str *t); /* '0' before a leading '.', "k=" in front */
bool cril_math_fix_fracs(struct cril_str *t, enum cril_hendrycks version);
bool cril_math_fix_slash(struct cril_str *t, enum cril_hendrycks version);

bool cril_hendrycks_equal(struct cril_bytes a, struct cril_bytes b, bool *failed);

/* ---- math_opencompass.c ---- */

enum cril_opencompass { CRIL_OPENCOMPASS_V1, CRIL_OPENCOMPASS_V2 };

void cril_opencompass_answer(struct cril_str *t, struct cril_bytes text,
                             enum cril_opencompass version);
bool cril_opencompass_equal(struct cril_bytes a, struct cril_bytes b, enum cril_opencompass version,
                            bool *failed);

#endif
