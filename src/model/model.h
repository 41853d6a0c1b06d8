/*
 * A bound model: its sizes, its weights by role, and the steps of its layers.
 *
 * A family (one file, family_*.c) reads an architecture's metadata and lists the steps of the
 * embedding, of each kind of layer, and of the head. Everything else follows from the lists: which
 * tensors a model must have, their shapes, and what the engine does. A tensor of the file that no
 * step uses is an error, so that no model is scored with a part of it left out.
 */
#ifndef CRIL_MODEL_MODEL_H
#define CRIL_MODEL_MODEL_H

#include "formats/source.h"
#include "kernels/kernels.h"
#include "model/rope.h"
#include "model/slot.h"
#include "model/translate.h"
#include "util/warnings.h"

#include <cril/model.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Values of a token on its way through a layer. Widths: cril_buffer_width. */
enum cril_buffer {
    CRIL_BUF_X,      /* the residual stream [n_embd] */
    CRIL_BUF_N,      /* a normed copy of it [n_embd] */
    CRIL_BUF_Q,      /* queries [n_heads * key_dim] */
    CRIL_BUF_K,      /* keys [n_kv_heads * key_dim] */
    CRIL_BUF_V,      /* values [n_kv_heads * value_dim] */
    CRIL_BUF_A,      /* what attention gathered [n_heads * value_dim] */
    CRIL_BUF_T,      /* a branch's result, before it is added [n_embd] */
    CRIL_BUF_G,      /* gate of the feed-forward network [n_ff] */
    CRIL_BUF_U,      /* its other half [n_ff] */
    CRIL_BUF_M,      /* another normed copy of X [n_embd] */
    CRIL_BUF_E,      /* a narrow embedding [n_embd_ends] */
    CRIL_BUF_P,      /* a copy of it [n_embd_ends] */
    CRIL_BUF_R,      /* logits of the router [n_experts] */
    CRIL_BUF_C,      /* the chosen experts, and their weights [2 * n_used] */
    CRIL_BUF_XN,     /* input of an expert [n_embd] */
    CRIL_BUF_XG,     /* its gate [n_ff_expert] */
    CRIL_BUF_XU,     /* its other half [n_ff_expert] */
    CRIL_BUF_XT,     /* its result [n_embd] */
    CRIL_BUF_S,      /* gate of the shared expert [1] */
    CRIL_BUF_CQ,     /* latent query [q_rank] */
    CRIL_BUF_CKV,    /* latent key and value, and the part of the key that turns [kv_rank + rot] */
    CRIL_BUF_CN,     /* the former, normed [kv_rank] */
    CRIL_BUF_KN,     /* parts of the keys that do not turn [n_heads * (key_dim - rot)] */
    CRIL_BUF_SU,     /* input of a convolution and a scan [ssm_channels] */
    CRIL_BUF_SZ,     /* its gate [ssm_inner] */
    CRIL_BUF_SX,     /* what the scan reads beside it [ssm_x] */
    CRIL_BUF_SR,     /* rank of the step sizes [ssm_rank] */
    CRIL_BUF_SD,     /* step sizes [ssm_steps] */
    CRIL_BUF_SO,     /* what a scan with heads gives [ssm_inner] */
    CRIL_BUF_LOGITS, /* [n_vocab] */
    CRIL_N_BUFFERS
};

struct cril_op; /* op.h */

struct cril_step {
    const struct cril_op *op;
    enum cril_slot w;
    enum cril_buffer in, out;
};

struct cril_steps {
    const struct cril_step *step; /* [n] */
    size_t n;
};

/* The steps [n] of an array. */
#define CRIL_STEPS(array)                                                                          \
    {                                                                                              \
        (array), sizeof(array) / sizeof(*(array))                                                  \
    }

enum {
    CRIL_MAX_EXPERTS = 4096,
    CRIL_MAX_KINDS = 6,       /* of layers in a family */
    CRIL_MAX_ROPES = 2,       /* in a model */
    CRIL_MAX_WINDOW = 1 << 24 /* tokens: positions up to here are exact in fp32 */
};

/* How experts are chosen and weighed (doc/numerics.md, "Mixtures"). */
struct cril_mixture {
    size_t n_experts, n_used, n_ff; /* n_ff: of an expert */
    bool sigmoid;                   /* scores are sigmoids; else a softmax over all */
    bool normed;                    /* weights are divided by their sum */
    size_t n_groups, n_groups_used; /* experts are chosen from the best groups; 0: there are none */
    bool groups_by_two;             /* a group counts by its best two scores; else by its best */
    float factor;                   /* of the weights */
};

struct cril_config {
    size_t n_layers, n_embd, n_heads, n_kv_heads, head_dim, n_ff, n_ctx;
    size_t n_embd_ends;     /* of the embedding's rows where that is narrow; else n_embd */
    size_t position_offset; /* position p has row p + position_offset of the learned ones */
    float eps;
    float inner_eps;       /* of norms inside a branch that have an epsilon of their own */
    float attention_scale; /* of the scores */
    float attention_cap;   /* c of c tanh(s / c) for scores; 0: none */
    float embedding_scale; /* of the token embedding; 1: none */
    float residual_scale;  /* of a branch before it is added; 1: none */
    float logit_scale;     /* of logits; 1: none */
    float logit_cap;       /* as attention_cap, for logits */
    float qkv_limit;       /* of queries, keys and values: those beyond it are cut; 0: none */
    bool slopes_rounded;   /* to bfloat16, and slope times position (Falcon) */
    enum cril_activation activation;
    struct cril_mixture mixture;
    size_t log_length; /* queries beyond it grow by the logarithm of their position; 0: none do */
    size_t q_rank, kv_rank;                           /* of latent attention */
    size_t ssm_inner, ssm_state, ssm_width, ssm_rank; /* of a scan: channels, numbers of a channel's
                                                         state; taps of the convolution before */
    size_t ssm_heads, ssm_groups; /* Mamba 2; groups have B and C of their own */
    float ssm_min_step, ssm_max_step;
    size_t rescale_every; /* layers behind which the residual stream is halved; 0: it is not */
};

struct cril_layer {
    struct cril_matrix matrix[CRIL_N_SLOTS];   /* [out, in]; not set where the slot is a vector or
                                                  unused; of experts: the first one's */
    struct cril_matrix *experts[CRIL_N_SLOTS]; /* [n_experts] owned; NULL likewise */
    float *vector[CRIL_N_SLOTS];               /* owned, finite; NULL likewise */
    unsigned kind;                             /* index into cril_family.layers */
    unsigned rope;                             /* index into cril_model.rope */
    size_t window; /* keys that a position sees, itself included; 0: all */
    size_t n_heads, n_kv_heads, n_ff;
    size_t key_dim, value_dim; /* of a head; a query's is key_dim */
    float attention_scale;     /* of the scores */
    bool turns;                /* queries and keys are rotated */
};

/* A tensor of the model. */
struct cril_weight {
    char *name; /* that it has in a GGUF; where the model is regrouped, in the folder. Owned */
    const struct cril_tensor *tensor;
    const struct cril_weight_row *row; /* NULL: no step has it */
};

struct cril_family {
    const char *architecture;                 /* general.architecture */
    const struct cril_class *classes;         /* of transformers; the last has name NULL */
    const struct cril_weight_row *weights;    /* of all steps */
    struct cril_steps embedding;              /* from a token's id to CRIL_BUF_X; by rows */
    struct cril_steps layers[CRIL_MAX_KINDS]; /* of each kind of layer; n is 0 past the last */
    struct cril_steps head; /* from CRIL_BUF_X to CRIL_BUF_LOGITS: by rows, a product, by rows */
    bool layer_norms;       /* their epsilon is attention.layer_norm_epsilon */
    bool latent;            /* its heads are those of cril_model_latent */
    bool no_heads;          /* nor need there be a feed-forward network */
    bool some_heads; /* attention.head_count_kv is a list with 0 for layers without attention */
    unsigned has; /* enum cril_optional: what each of its GGUF files has; other optional weights are
                     taken as found */
    const char *cannot_say; /* what a GGUF file of it cannot say, for people: "the window of ...";
                           NULL: nothing */
    /* Sets what differs from cril_model_configure: config, ropes, each layer's kind, rope, window
     * and sizes. */
    cril_status (*configure)(cril_model *m, cril_error *err);
};

struct cril_model {
    struct cril_source *source;
    struct cril_values *values;            /* under GGUF's keys; NULL: built in */
    struct cril_values translated;         /* of a folder, which values points to */
    const struct cril_class *folder_class; /* NULL: it is no folder */
    bool ties;                             /* the folder says that output is the embedding */
    unsigned has, lacks;         /* enum cril_optional: weights that must be there, that must not */
    struct cril_weight *weights; /* [n_weights] */
    size_t n_weights;
    bool regrouped; /* of a folder: its tensors are not those of a GGUF file one by one */
    char *path, *name;
    char types[256]; /* room for the names of all CRIL_N_DTYPES types */
    const struct cril_family *family;
    struct cril_config config;
    struct cril_layer *layers; /* [config.n_layers + 1]; the last: the ends */
    struct cril_rope rope[CRIL_MAX_ROPES];
    float *slopes; /* [n_heads] of biases by distance (ALiBi), owned; NULL: none */
    size_t n_vocab;
    uint64_t said_vocab;  /* by the folder's config.json; 0: it does not say */
    uint64_t more_layers; /* that may lie past the last one and are not run: they predict further
                             tokens */
    bool *used;           /* [tensors of the file] a step uses it */
    uint64_t parameters;
    uint64_t weight_bytes;
    cril_tokenizer *tokenizer;
    pthread_mutex_t hashes; /* guards the next two, all that changes once the model is open */
    struct cril_warnings warnings; /* without the tokenizer's */
    char sha256[65], identity[65]; /* "" until asked for */
    bool own_identity;             /* a folder's that no GGUF file has; with identity */
};

/* An empty model, to be filled; cril_model_close. NULL: out of memory. */
cril_model *cril_model_create(void);

/* Whether a buffer holds an expert's rows, rather than all. */
static inline bool cril_buffer_is_of_experts(enum cril_buffer b)
{
    return b >= CRIL_BUF_XN && b <= CRIL_BUF_XT;
}

/* Numbers of a buffer in a layer. */
size_t cril_buffer_width(const cril_model *m, size_t layer, enum cril_buffer b);

/* Gives all layers the sizes of the config. */
void cril_model_equal_layers(cril_model *m);

/* The weights of embedding and head. */
static inline struct cril_layer *cril_model_ends(const cril_model *m)
{
    return &m->layers[m->config.n_layers];
}

static inline const struct cril_steps *cril_layer_steps(const cril_model *m, size_t layer)
{
    return &m->family->layers[m->layers[layer].kind];
}

/* The family of a class of transformers, and the class; NULL: unknown. */
const struct cril_family *cril_family_of_class(struct cril_bytes name,
                                               const struct cril_class **out);
/* The family of an architecture; NULL: unknown. */
const struct cril_family *cril_family_find(struct cril_bytes architecture);

/* Metadata under the architecture's own prefix: cril_key_uint(m, "block_count", ...). Optional ones
 * keep *out. */
cril_status cril_key_uint(const cril_model *m, const char *key, uint64_t *out, cril_error *err);
cril_status cril_key_opt_uint(const cril_model *m, const char *key, uint64_t *out, cril_error *err);
/* A width, which is believed up to a limit. */
cril_status cril_key_opt_width(const cril_model *m, const char *key, size_t *out, cril_error *err);
cril_status cril_key_opt_float(const cril_model *m, const char *key, double *out, cril_error *err);
cril_status cril_key_opt_bool(const cril_model *m, const char *key, bool *out, cril_error *err);
cril_status cril_key_opt_string(const cril_model *m, const char *key, struct cril_bytes *out,
                                cril_error *err);
const struct cril_value *cril_key_find(const cril_model *m, const char *key);

/* The key's number for a layer: an element of its list, or the number where it is none. */
cril_status cril_key_of_layer(const cril_model *m, const char *key, size_t layer, uint64_t *out,
                              cril_error *err);

/*
 * Reads which layers see a window, and how wide it is: attention.sliding_window, and the pattern,
 * a truth value a layer, or the number of layers of which the last one is full. period: that number
 * where the pattern is absent; 0: without a pattern all layers see a window, if any does.
 */
cril_status cril_model_windows(cril_model *m, uint64_t period, cril_error *err);

/* Reads which layers turn queries and keys: attention.rope_pattern, a truth value a layer; absent:
 * all but every period-th. */
cril_status cril_model_turning(cril_model *m, uint64_t period, cril_error *err);

/*
 * What some families have. Each reads keys that it names; an absent one changes nothing.
 */
/* embedding_scale, residual_scale, logit_scale */
cril_status cril_model_scales(cril_model *m, cril_error *err);
/* attn_logit_softcapping, final_logit_softcapping */
cril_status cril_model_caps(cril_model *m, cril_error *err);
/* Latent attention: attention.kv_lora_rank, q_lora_rank (absent: queries are not latent),
 * key_length_mla and value_length_mla (absent: key_length and value_length), for all layers. */
cril_status cril_model_latent(cril_model *m, cril_error *err);
/* expert_count, where it is not 0 expert_used_count, expert_feed_forward_length (absent: n_ff),
 * expert_weights_norm, expert_weights_scale, expert_gating_func, expert_group_count,
 * expert_group_used_count. Groups count by their best score, with sigmoids by their best two. */
cril_status cril_model_mixture(cril_model *m, cril_error *err);
/* expert_layers, which cril alone writes: a truth value a layer, for its kind. Absent: all layers
 * are mixtures. */
cril_status cril_model_expert_layers(cril_model *m, unsigned mixture, unsigned dense,
                                     cril_error *err);
/* attention.clamp_kqv */
cril_status cril_model_limit(cril_model *m, cril_error *err);
/* hidden_activation, which cril alone writes */
cril_status cril_model_activation(cril_model *m, enum cril_activation otherwise, cril_error *err);
/* ssm.conv_kernel, ssm.inner_size, ssm.state_size, ssm.time_step_rank; with heads, which the latter
 * then counts: ssm.group_count, ssm.time_step_min, ssm.time_step_max */
cril_status cril_model_scan(cril_model *m, bool heads, cril_error *err);
/* Biases by distance whose slopes go down to 2^-max_bias. */
cril_status cril_model_slopes(cril_model *m, double max_bias, cril_error *err);
/* The inner width as the first layer's matrix of a GGUF has it: llama.cpp's converter writes four
 * times n_embd for some architectures, whatever the model has. */
void cril_model_inner_width(cril_model *m);
/* Of all layers. */
void cril_model_set_attention_scale(cril_model *m, float scale);

/* To be called once a family has read what it knows: each other key of the architecture is listed
 * as without effect or refused by name. */
cril_status cril_model_check_keys(cril_model *m, cril_error *err);

/* The rotation of queries and keys: rope 0, by rope.freq_base, or else base, and the scaling that
 * the file names. */
cril_status cril_model_rope(cril_model *m, double base, bool halves, cril_error *err);
/* The same for r. divisors: of the frequencies, one a pair; NULL: none. */
cril_status cril_rope_configure(cril_model *m, double base, bool halves,
                                const struct cril_tensor *divisors, struct cril_rope *r,
                                cril_error *err);

/* Layers that see a window turn by a base of their own, never scaled: m->rope[1], for which
 * m->rope[0] and the windows are set. */
cril_status cril_rope_local(cril_model *m, double base, cril_error *err);

/* Unscaled frequencies for r->n_rot; r->freq is owned by r. */
cril_status cril_rope_plain(double base, struct cril_rope *r, const char *path, cril_error *err);

/* Tokens of the longest window whose rotations are exact. */
size_t cril_rope_max_window(const cril_model *m);
/* Whether what a position gives depends on the number of the pass's inputs beside the earlier ones:
 * a rotation's frequencies do. */
bool cril_model_depends_on_length(const cril_model *m);

/* The SHA-256 of m's files, which were read for it before and have not been written to since: they
 * are not read again. */
void cril_model_know_sha256(cril_model *m, const char hex[65]);

/* Reads the sizes and scales that every family has. */
cril_status cril_model_configure(cril_model *m, cril_error *err);
/* Finds the weights of all steps. */
cril_status cril_model_bind(cril_model *m, cril_error *err);

/* A tensor that only a GGUF has, by name; it then counts as used. *out NULL: absent.
 * CRIL_ERR_NOMEM. */
cril_status cril_model_take(cril_model *m, const char *name, const struct cril_tensor **out,
                            cril_error *err);
/* Whole tensors as a GGUF would hold them: a matrix of t, or t [ne[0]] as numbers. */
struct cril_matrix cril_weight_matrix(const cril_model *m, const struct cril_weight_row *row,
                                      const struct cril_tensor *t);
void cril_weight_load_vector(const cril_model *m, const struct cril_weight_row *row,
                             const struct cril_tensor *t, float *v);
/* A vector of n finite numbers, owned by the caller. */
cril_status cril_model_vector(cril_model *m, const struct cril_tensor *t, size_t n, float **out,
                              cril_error *err);

#endif
