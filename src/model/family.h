/* One family a file; families.c lists them. */
#ifndef CRIL_MODEL_FAMILY_H
#define CRIL_MODEL_FAMILY_H

#include "model/model.h"

extern const struct cril_family cril_family_command_r;
extern const struct cril_family cril_family_gemma;
extern const struct cril_family cril_family_gemma2;
extern const struct cril_family cril_family_gemma3;
extern const struct cril_family cril_family_granite;
extern const struct cril_family cril_family_internlm2;
extern const struct cril_family cril_family_llama;
extern const struct cril_family cril_family_nemotron;
extern const struct cril_family cril_family_olmo;
extern const struct cril_family cril_family_olmo2;
extern const struct cril_family cril_family_qwen2;
extern const struct cril_family cril_family_qwen3;
extern const struct cril_family cril_family_smollm3;
extern const struct cril_family cril_family_stablelm;

#endif
