/* One family a file; families.c lists them. */
#ifndef CRIL_MODEL_FAMILY_H
#define CRIL_MODEL_FAMILY_H

#include "model/model.h"

extern const struct cril_family cril_family_gemma3, cril_family_llama, cril_family_phi3,
    cril_family_qwen, cril_family_qwen2;

#endif
