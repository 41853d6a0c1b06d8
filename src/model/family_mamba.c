/*
 * Mamba 1 (Gu & Dao 2023, section 3.4), and Falcon-Mamba (Zuo et al. 2024), which norms what a scan
 * reads: step sizes, B and C, without weights.
 */
#include "model/family_parts.h"
#include "util/fail.h"

enum { PLAIN, NORMED };

static const struct cril_step embedding[] = {CRIL_STEPS_EMBEDDING};
static const struct cril_step plain[] = {CRIL_STEPS_MAMBA(CRIL_STEPS_NO_NORMS), CRIL_STEP_ADD};
static const struct cril_step normed[] = {CRIL_STEPS_MAMBA(CRIL_STEPS_NORMS), CRIL_STEP_ADD};
static const struct cril_step head[] = {CRIL_STEPS_HEAD};

static const struct cril_weight_row weights[] = {
    CRIL_ROWS_ENDS("backbone.embeddings.weight", "backbone.norm_f", 0),
    CRIL_ROWS_NORM(ATTN_NORM, "attn_norm", "backbone.layers.#.norm", 0),
    CRIL_ROWS_MAMBA("backbone.layers.#.mixer."),
    CRIL_ROWS_END,
};

static const struct cril_config_row rows[] = {
    {"block_count", CRIL_ROW_DEFAULT, 32, NULL},
    {"embedding_length", CRIL_ROW_DEFAULT, 768, NULL},
    {"ssm.conv_kernel", CRIL_ROW_DEFAULT, 4, NULL},
    {"ssm.state_size", CRIL_ROW_DEFAULT, 16, NULL},
    {"attention.layer_norm_rms_epsilon", CRIL_ROW_DEFAULT, 1e-5, "layer_norm_epsilon"},
    {0},
};

static cril_status translate(struct cril_translation *t, cril_error *err)
{
    cril_status st;

    if ((st = cril_translate_scan(t, "use_conv_bias", "use_bias", 1 << 20, err)) != CRIL_OK ||
        (st = cril_translate_ssm_inner(t, "intermediate_size", "expand", err)) != CRIL_OK)
        return st;
    return cril_translate_rank(t, "time_step_rank", err);
}

static cril_status translate_mamba(struct cril_translation *t, cril_error *err)
{
    const cril_status st = translate(t, err);

    return st == CRIL_OK ? cril_translate_bool(t, "ssm.dt_b_c_rms", false, err) : st;
}

static cril_status translate_falcon(struct cril_translation *t, cril_error *err)
{
    double eps = 1e-6;
    cril_status st;

    if ((st = translate(t, err)) != CRIL_OK ||
        (st = cril_translate_bool(t, "ssm.dt_b_c_rms", true, err)) != CRIL_OK ||
        (st = cril_config_float(t, "mixer_rms_eps", &eps, err)) != CRIL_OK)
        return st;
    return cril_translate_float(t, "ssm.dt_b_c_rms_epsilon", eps, err);
}

static const struct cril_class classes[] = {
    {"MambaForCausalLM", rows, true, translate_mamba},
    {"FalconMambaForCausalLM", rows, true, translate_falcon},
    {0},
};

static cril_status configure(cril_model *m, cril_error *err)
{
    bool norms = false;
    double eps = 1e-6; /* of the published Falcon-Mamba, which a GGUF does not say */
    cril_status st;

    if ((st = cril_model_scan(m, false, err)) != CRIL_OK ||
        (st = cril_key_opt_bool(m, "ssm.dt_b_c_rms", &norms, err)) != CRIL_OK ||
        (st = cril_key_opt_float(m, "ssm.dt_b_c_rms_epsilon", &eps, err)) != CRIL_OK)
        return st;
    if (!(eps > 0 && eps < 1))
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: %s.ssm.dt_b_c_rms_epsilon is not between 0 and 1: %g", m->path,
                         m->family->architecture, eps);
    m->config.inner_eps = (float)eps;
    for (size_t i = 0; i < m->config.n_layers; i++)
        m->layers[i].kind = norms ? NORMED : PLAIN;
    return CRIL_OK;
}

const struct cril_family cril_family_mamba = {
    .architecture = "mamba",
    CRIL_FAMILY_TABLES,

    .layers = {[PLAIN] = CRIL_STEPS(plain), [NORMED] = CRIL_STEPS(normed)},

    .no_heads = true,
    .cannot_say = "the epsilon of the norms of step sizes, B and C (mixer_rms_eps)"};
