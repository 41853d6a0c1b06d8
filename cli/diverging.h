/*
 * What cril diverge found, and how it is printed: statistics under llama.cpp's own labels, tables,
 * JSON.
 */
#ifndef CRIL_CLI_DIVERGING_H
#define CRIL_CLI_DIVERGING_H

#include <cril/diverge.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

struct cril_diverging {
    cril_model *const *models; /* [n_models], the base first */
    char (*sha256)[65];        /* [n_models]; for JSON */
    size_t n_models;
    const cril_diverger *diverger;
    const cril_result *bases; /* [n_corpora] the base's results */
    size_t n_corpora;
    /* [n_models - 1][1 + n_corpora] of a model: of all corpora together, then of each */
    const cril_divergence_figures *figures;
    size_t top; /* tokens to list for each model */
};

/* Figures of model 1 .. n_models - 1; corpus SIZE_MAX: of all. */
const cril_divergence_figures *cril_diverging_figures(const struct cril_diverging *d, size_t model,
                                                      size_t corpus);
/* Bits that a model's file has for each of its weights. */
double cril_diverging_bits_a_weight(const cril_model *m);

/* The bytes that ids [n] stand for, in the base's tokenizer; owned. NULL: out of memory. */
char *cril_diverging_text(const struct cril_diverging *d, const int32_t *ids, size_t n,
                          size_t *len);

/* Tables (diverge_table.c). details: the statistics of each model, whatever their number. */
void cril_diverging_print(FILE *f, const struct cril_diverging *d, bool details);
/* {"base": ..., "models": [...]} (doc/diverge.md, "JSON"). NULL: out of memory. */
json_t *cril_diverging_json(const struct cril_diverging *d);

#endif
