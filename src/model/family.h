/* One family a file; families.c lists them. */
#ifndef CRIL_MODEL_FAMILY_H
#define CRIL_MODEL_FAMILY_H

#include "model/model.h"

extern const struct cril_family cril_family_gemma3, cril_family_granitemoe, cril_family_jamba,
    cril_family_llama, cril_family_mamba, cril_family_mamba2, cril_family_olmoe, cril_family_qwen2,
    cril_family_qwen2moe, cril_family_qwen3moe, cril_family_rwkv4;

#endif
