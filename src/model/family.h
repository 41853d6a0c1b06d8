/* The table of model families: one family a file, family_*.c, and a row here. */
#ifndef CRIL_MODEL_FAMILY_H
#define CRIL_MODEL_FAMILY_H

#include "model/model.h"

/* clang-format off */
#define CRIL_FAMILIES(ROW) \
    ROW(bloom) \
    ROW(command_r) \
    ROW(deepseek2) \
    ROW(falcon) \
    ROW(gemma) \
    ROW(gemma2) \
    ROW(gemma3) \
    ROW(gpt2) \
    ROW(gptj) \
    ROW(gptneox) \
    ROW(granite) \
    ROW(granitemoe) \
    ROW(internlm2) \
    ROW(jamba) \
    ROW(llama) \
    ROW(mamba) \
    ROW(mamba2) \
    ROW(mpt) \
    ROW(nemotron) \
    ROW(olmo) \
    ROW(olmo2) \
    ROW(olmoe) \
    ROW(opt) \
    ROW(phi2) \
    ROW(phi3) \
    ROW(qwen) \
    ROW(qwen2) \
    ROW(qwen2moe) \
    ROW(qwen3) \
    ROW(qwen3moe) \
    ROW(rwkv4) \
    ROW(smollm3) \
    ROW(stablelm) \
    ROW(starcoder) \
    ROW(starcoder2)
/* clang-format on */

#define CRIL_DECLARE_FAMILY(NAME) extern const struct cril_family cril_family_##NAME;
CRIL_FAMILIES(CRIL_DECLARE_FAMILY)

#endif
