/*
 * Mamba 2 (Dao & Gu 2024, section 7.1): heads that share a decay and a step size, groups of heads
 * that share B and C, and a norm behind the gate, one a group.
 */
#include "model/family_parts.h"
#include "util/fail.h"

#include <math.h>

static const struct cril_step embedding[] = {CRIL_STEPS_EMBEDDING};
static const struct cril_step steps[] = {CRIL_STEPS_MAMBA_2, CRIL_STEP_ADD};
static const struct cril_step head[] = {CRIL_STEPS_HEAD};

#define MIXER "backbone.layers.#.mixer."
#define IN(W, PART)                                                                                \
    {                                                                                              \
        CRIL_W_##W, "blk.#.ssm_in.weight", MIXER "in_proj.weight", 0, CRIL_PART_SCAN_##PART, 0     \
    }

static const struct cril_weight_row weights[] = {
    CRIL_ROWS_ENDS("backbone.embeddings.weight", "backbone.norm_f", 0),
    CRIL_ROWS_NORM(ATTN_NORM, "attn_norm", "backbone.layers.#.norm", 0),
    IN(SSM_Z, Z),
    IN(SSM_U, U),
    IN(SSM_DT, STEPS),
    {CRIL_W_SSM_DT_BIAS, "blk.#.ssm_dt.bias", MIXER "dt_bias", 0, CRIL_PART_ALL, 0},
    CRIL_ROWS_CONVOLVE(MIXER),
    {CRIL_W_SSM_NORM, "blk.#.ssm_norm.weight", MIXER "norm.weight", CRIL_ANY_SHAPE, CRIL_PART_ALL,
     0},
    CRIL_ROWS_SCAN(MIXER, CRIL_ANY_SHAPE),
    CRIL_ROWS_END,
};

static const struct cril_config_row rows[] = {
    {"block_count", CRIL_ROW_DEFAULT, 64, NULL},
    {"embedding_length", CRIL_ROW_DEFAULT, 4096, NULL},
    {"ssm.conv_kernel", CRIL_ROW_DEFAULT, 4, NULL},
    {"ssm.state_size", CRIL_ROW_DEFAULT, 128, NULL},
    {"ssm.group_count", CRIL_ROW_DEFAULT, 8, NULL},
    {"attention.layer_norm_rms_epsilon", CRIL_ROW_DEFAULT, 1e-5, "layer_norm_epsilon"},
    {0},
};

/* Limits of step sizes that limit none are no keys: a GGUF has none. */
static cril_status translate_limits(struct cril_translation *t, cril_error *err)
{
    const struct cril_value *const v = cril_values_find(t->config, "time_step_limit");
    double min, max;
    cril_status st = CRIL_OK;

    if (!v || cril_value_is_null(v))
        return CRIL_OK;
    if (!v->is_array || v->n != 2 || (v->type != CRIL_VALUE_F64 && v->type != CRIL_VALUE_I64))
        return cril_fail(err, CRIL_ERR_FORMAT, "%s: \"time_step_limit\" is not two numbers",
                         t->config->path);
    min =
        v->type == CRIL_VALUE_F64 ? cril_value_float(v, 0) : (double)(int64_t)cril_value_uint(v, 0);
    max =
        v->type == CRIL_VALUE_F64 ? cril_value_float(v, 1) : (double)(int64_t)cril_value_uint(v, 1);
    if (min > 0 || min < 0)
        st = cril_translate_float(t, "ssm.time_step_min", min, err);
    return st != CRIL_OK || isinf(max) ? st
                                       : cril_translate_float(t, "ssm.time_step_max", max, err);
}

static cril_status translate(struct cril_translation *t, cril_error *err)
{
    uint64_t heads = 128, width = 64, inner;
    cril_status st;

    if ((st = cril_translate_scan(t, "use_conv_bias", "use_bias", 1 << 20, err)) != CRIL_OK ||
        (st = cril_translate_is(t, "rms_norm", true, err)) != CRIL_OK ||
        (st = cril_translate_ssm_inner(t, "intermediate_size", "expand", err)) != CRIL_OK ||
        (st = cril_config_uint(t, "num_heads", &heads, err)) != CRIL_OK ||
        (st = cril_config_uint(t, "head_dim", &width, err)) != CRIL_OK ||
        (st = cril_translate_uint(t, "ssm.time_step_rank", heads, err)) != CRIL_OK ||
        (st = translate_limits(t, err)) != CRIL_OK)
        return st;
    inner = cril_translated_uint(t, "ssm.inner_size");
    if (!heads || inner / heads != width || inner % heads)
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: \"num_heads\" (%llu) times \"head_dim\" (%llu) is not %llu, as wide "
                         "as the layers are within",
                         t->config->path, (unsigned long long)heads, (unsigned long long)width,
                         (unsigned long long)inner);
    return CRIL_OK;
}

static const struct cril_class classes[] = {
    {"Mamba2ForCausalLM", rows, false, translate},
    {0},
};

static cril_status configure(cril_model *m, cril_error *err)
{
    return cril_model_scan(m, true, err);
}

const struct cril_family cril_family_mamba2 = {.architecture = "mamba2",
                                               CRIL_FAMILY_TABLES,

                                               .layers = {CRIL_STEPS(steps)},

                                               .no_heads = true,
                                               .cannot_say =
                                                   "limits of step sizes (time_step_limit)"};
