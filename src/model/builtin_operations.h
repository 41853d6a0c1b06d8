/* A family of built-in models, which takes the operations that the other families of built-in
 * models lack. No file has it. */
#ifndef CRIL_MODEL_BUILTIN_OPERATIONS_H
#define CRIL_MODEL_BUILTIN_OPERATIONS_H

#include "model/model.h"

/* Kinds of layers, in order of the layers of a model. */
enum {
    CRIL_OPERATIONS_ATTEND,
    CRIL_OPERATIONS_LATENT,
    CRIL_OPERATIONS_SCAN,
    CRIL_OPERATIONS_OTHER
};

/* With the scan of Mamba 1 and RWKV; with the scan of Mamba 2 and biases by distance. */
extern const struct cril_family cril_family_operations[2];

/* Sets config, kinds and sizes of layers, and ropes for number i of these, of which the sizes that
 * every family has are set. CRIL_ERR_NOMEM. */
cril_status cril_operations_configure(cril_model *m, size_t i, cril_error *err);

#endif
