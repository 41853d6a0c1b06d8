/* One family a file; families.c lists them. */
#ifndef CRIL_MODEL_FAMILY_H
#define CRIL_MODEL_FAMILY_H

#include "model/model.h"

extern const struct cril_family cril_family_bloom, cril_family_falcon, cril_family_gemma3,
    cril_family_gpt2, cril_family_gptj, cril_family_gptneox, cril_family_llama, cril_family_mpt,
    cril_family_opt, cril_family_phi2, cril_family_qwen2, cril_family_starcoder,
    cril_family_starcoder2;

#endif
