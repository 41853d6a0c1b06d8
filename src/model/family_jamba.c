/*
 * Jamba (Lieber et al. 2024, section 2): layers of Mamba with some of attention among them, which
 * knows no positions; behind either a SwiGLU or a mixture of them.
 */
#include "model/family_parts.h"
#include "util/fail.h"

#include <stdio.h>

#define ATTENTION                                                                                  \
    CRIL_STEP(norm, ATTN_NORM, X, N), CRIL_STEPS_QKV(N), CRIL_STEPS_ATTEND, CRIL_STEP_ADD
#define MAMBA CRIL_STEPS_MAMBA(CRIL_STEPS_NORMS), CRIL_STEP_ADD
#define DENSE CRIL_STEP(norm, FFN_NORM, X, N), CRIL_STEPS_SWIGLU(N), CRIL_STEP_ADD
#define MIXTURE CRIL_STEP(norm, FFN_NORM, X, N), CRIL_STEPS_MIXTURE(N), CRIL_STEP_ADD

static const struct cril_step embedding[] = {CRIL_STEPS_EMBEDDING};
static const struct cril_step attention_dense[] = {ATTENTION, DENSE};
static const struct cril_step attention_mixture[] = {ATTENTION, MIXTURE};
static const struct cril_step mamba_dense[] = {MAMBA, DENSE};
static const struct cril_step mamba_mixture[] = {MAMBA, MIXTURE};
static const struct cril_step head[] = {CRIL_STEPS_HEAD};

#define LAYER "model.layers.#."
#define PIECE(W, GGUF, NAME) CRIL_ROWS_NORM(W, GGUF, LAYER "mamba." NAME, 0)

static const struct cril_weight_row weights[] = {
    CRIL_ROWS_ENDS("model.embed_tokens.weight", "model.final_layernorm", 0),
    CRIL_ROWS_NORM(ATTN_NORM, "attn_norm", LAYER "input_layernorm", 0),
    CRIL_ROWS_QKV(LAYER "self_attn.", 0),
    CRIL_ROWS_O(LAYER "self_attn.o_proj"),
    CRIL_ROWS_MAMBA(LAYER "mamba."),
    PIECE(SSM_DT_NORM, "ssm_dt_norm", "dt_layernorm"),
    PIECE(SSM_B_NORM, "ssm_b_norm", "b_layernorm"),
    PIECE(SSM_C_NORM, "ssm_c_norm", "c_layernorm"),
    CRIL_ROWS_NORM(FFN_NORM, "ffn_norm", LAYER "pre_ff_layernorm", 0),
    CRIL_ROWS_GATED(LAYER "feed_forward."),
    CRIL_ROWS_ROUTER(LAYER "feed_forward.router"),
    CRIL_ROWS_EXPERTS(LAYER "feed_forward.", "gate_proj", "up_proj", "down_proj"),
    CRIL_ROWS_FUSED_EXPERTS(LAYER "feed_forward.experts.gate_up_proj",
                            LAYER "feed_forward.experts.down_proj"),
    CRIL_ROWS_END,
};

static const struct cril_config_row rows[] = {
    {"block_count", CRIL_ROW_DEFAULT, 32, NULL},
    {"embedding_length", CRIL_ROW_DEFAULT, 4096, NULL},
    {"feed_forward_length", CRIL_ROW_DEFAULT, 14336, NULL},
    {"attention.head_count", CRIL_ROW_DEFAULT, 32, NULL},
    {"attention.layer_norm_rms_epsilon", CRIL_ROW_DEFAULT, 1e-6, NULL},
    {"ssm.conv_kernel", CRIL_ROW_DEFAULT, 4, "mamba_d_conv"},
    {"ssm.state_size", CRIL_ROW_DEFAULT, 16, "mamba_d_state"},
    {0},
};

/* Which layers are of a kind: those whose number leaves `offset` when divided by `period`. */
struct pattern {
    uint64_t period, offset;
};

static cril_status read_pattern(const struct cril_translation *t, const char *kind,
                                struct pattern *p, cril_error *err)
{
    char period[32], offset[32];
    cril_status st;

    snprintf(period, sizeof(period), "%s_layer_period", kind);
    snprintf(offset, sizeof(offset), "%s_layer_offset", kind);
    if ((st = cril_config_uint(t, period, &p->period, err)) != CRIL_OK ||
        (st = cril_config_uint(t, offset, &p->offset, err)) != CRIL_OK)
        return st;
    if (p->offset >= p->period)
        return cril_fail(err, CRIL_ERR_FORMAT, "%s: \"%s\" is %llu, not below \"%s\", %llu",
                         t->config->path, offset, (unsigned long long)p->offset, period,
                         (unsigned long long)p->period);
    return CRIL_OK;
}

static bool is_of(const struct pattern *p, uint64_t layer)
{
    return layer % p->period == p->offset;
}

/* Which layers have attention, and which experts; one expert is a plain network. */
static cril_status translate_kinds(struct cril_translation *t, cril_error *err)
{
    enum { MAX_LAYERS = 1 << 12 };
    struct pattern attention = {8, 4}, experts = {2, 1};
    uint8_t n_heads[MAX_LAYERS][4] = {{0}}, has_experts[MAX_LAYERS] = {0}; /* little-endian */
    const uint64_t n = cril_translated_uint(t, "block_count");
    uint64_t heads = 8;
    cril_status st;

    if (cril_config_is_null(t, "num_key_value_heads"))
        heads = cril_translated_uint(t, "attention.head_count");
    if ((st = cril_config_uint(t, "num_key_value_heads", &heads, err)) != CRIL_OK ||
        (st = read_pattern(t, "attn", &attention, err)) != CRIL_OK ||
        (st = read_pattern(t, "expert", &experts, err)) != CRIL_OK)
        return st;
    if (n > MAX_LAYERS || !heads || heads > INT32_MAX)
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: \"num_hidden_layers\" is %llu and \"num_key_value_heads\" %llu",
                         t->config->path, (unsigned long long)n, (unsigned long long)heads);
    for (uint64_t i = 0; i < n; i++) {
        for (unsigned b = 0; is_of(&attention, i) && b < 4; b++)
            n_heads[i][b] = (uint8_t)(heads >> 8 * b);
        has_experts[i] = is_of(&experts, i) && cril_translated_uint(t, "expert_count") > 1;
    }
    if ((st = cril_values_add_numbers(t->out, "jamba.attention.head_count_kv", CRIL_VALUE_I32,
                                      n_heads, (size_t)n, err)) != CRIL_OK)
        return st;
    return cril_values_add_numbers(t->out, "jamba.expert_layers", CRIL_VALUE_BOOL, has_experts,
                                   (size_t)n, err);
}

static cril_status translate(struct cril_translation *t, cril_error *err)
{
    cril_status st;

    if ((st = cril_translate_scan(t, "mamba_conv_bias", "mamba_proj_bias", 262144, err)) !=
            CRIL_OK ||
        (st = cril_translate_ssm_inner(t, NULL, "mamba_expand", err)) != CRIL_OK ||
        (st = cril_translate_rank(t, "mamba_dt_rank", err)) != CRIL_OK ||
        (st = cril_translate_experts(t, 16, 2, err)) != CRIL_OK)
        return st;
    return translate_kinds(t, err);
}

static const struct cril_class classes[] = {
    {"JambaForCausalLM", rows, false, translate},
    {0},
};

enum { ATTENTION_DENSE, ATTENTION_MIXTURE, MAMBA_DENSE, MAMBA_MIXTURE };

/* A GGUF says of experts only where it has them. */
static bool has_router(const cril_model *m, size_t layer)
{
    char name[64];

    snprintf(name, sizeof(name), "blk.%zu.ffn_gate_inp.weight", layer);
    return cril_source_find_tensor(m->source, name) != NULL;
}

static cril_status find_kinds(cril_model *m, cril_error *err)
{
    const bool says = cril_key_find(m, "expert_layers") != NULL;
    uint64_t heads = 0;
    cril_status st = cril_model_expert_layers(m, true, false, err);

    for (size_t i = 0; st == CRIL_OK && i < m->config.n_layers; i++) {
        const bool experts = says ? m->layers[i].kind : has_router(m, i);

        st = cril_key_of_layer(m, "attention.head_count_kv", i, &heads, err);
        m->layers[i].kind = heads     ? experts ? ATTENTION_MIXTURE : ATTENTION_DENSE
                            : experts ? MAMBA_MIXTURE
                                      : MAMBA_DENSE;
    }
    return st;
}

static cril_status configure(cril_model *m, cril_error *err)
{
    bool experts = false;
    cril_status st;

    if ((st = cril_model_scan(m, false, err)) != CRIL_OK || (st = find_kinds(m, err)) != CRIL_OK)
        return st;
    for (size_t i = 0; i < m->config.n_layers; i++)
        experts |= m->layers[i].kind == ATTENTION_MIXTURE || m->layers[i].kind == MAMBA_MIXTURE;
    if (!experts) { /* one expert is none */
        cril_key_find(m, "expert_count");
        return CRIL_OK;
    }
    if ((st = cril_model_mixture(m, err)) != CRIL_OK)
        return st;
    if (!m->config.mixture.n_experts)
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: some layers have experts, but key '%s.expert_count' is 0", m->path,
                         m->family->architecture);
    return CRIL_OK;
}

const struct cril_family cril_family_jamba = {
    .architecture = "jamba",
    CRIL_FAMILY_TABLES,

    .layers = {[ATTENTION_DENSE] = CRIL_STEPS(attention_dense),
               [ATTENTION_MIXTURE] = CRIL_STEPS(attention_mixture),
               [MAMBA_DENSE] = CRIL_STEPS(mamba_dense),
               [MAMBA_MIXTURE] = CRIL_STEPS(mamba_mixture)},

    .some_heads = true};
