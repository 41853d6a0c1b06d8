/*
 * From config.json, as transformers' class of a model reads it, to the keys that a GGUF of the same
 * model has, so that all above knows one set of keys. Where a GGUF cannot say what the folder says,
 * the key is cril's own (doc/models.md).
 *
 * A family lists the classes whose folders it reads; a class lists rows of keys, and a function for
 * what rows cannot say. A key that is null in config.json counts as absent unless asked for
 * (cril_config_is_null).
 */
#ifndef CRIL_MODEL_TRANSLATE_H
#define CRIL_MODEL_TRANSLATE_H

#include "formats/values.h"
#include "model/slot.h"

struct cril_translation {
    const struct cril_values *config; /* config.json, nested keys joined by dots */
    struct cril_values *out;          /* gets the keys */
    const char *architecture;         /* their prefix */
    const char *class_name;           /* for messages */
    bool ties;                        /* gets: the embedding is the output matrix too */
    unsigned has;  /* gets, enum cril_optional: weights that the files have; they lack the others */
    uint64_t head; /* width of a head, of which a share turns; 0: head_dim */
    double share;  /* of a head that turns where config.json does not say; 0: the class turns whole
                      heads only */
    bool says_none;    /* rope.scaling.type is added though nothing is scaled */
    double usual_base; /* rope.freq_base is not added where it is this; 0: it always is */
    bool says_share;   /* rope.dimension_count is added though whole heads turn */
    uint64_t
        original_context; /* before its scaling where config.json does not say; 0: the model's */
    uint64_t n_vocab;     /* gets: rows of the embedding; 0: config.json does not say */
    uint64_t more_layers; /* gets: that may lie past the last one, for further tokens */
};

/* A key that a class reads, and what it takes where config.json lacks it. translate.c has the names
 * in config.json. */
struct cril_config_row {
    const char *key; /* below the architecture's prefix: "attention.head_count" */
    enum { CRIL_ROW_REQUIRED, CRIL_ROW_OPTIONAL, CRIL_ROW_DEFAULT, CRIL_ROW_AS_HEADS } absent;
    double otherwise; /* CRIL_ROW_DEFAULT; CRIL_ROW_AS_HEADS: as many as attention.head_count, a row
                         above */
    const char *name; /* in config.json; NULL: as most classes name it; "n_head
                         num_attention_heads": the first that is there counts */
};

struct cril_class {
    const char *name;                   /* architectures[0]: "MistralForCausalLM" */
    const struct cril_config_row *rows; /* the last has key NULL */
    bool ties;                          /* tie_word_embeddings where it is absent */
    cril_status (*translate)(struct cril_translation *t, cril_error *err);
};

/* Runs the rows and the function of c. CRIL_ERR_FORMAT, _UNSUPPORTED: name file and key. */
cril_status cril_translate(const struct cril_class *c, struct cril_translation *t, cril_error *err);

/* ---- For the functions of classes ---- */

/* Whether config.json has the key and it is not null. */
bool cril_config_has(const struct cril_translation *t, const char *name);
bool cril_config_is_null(const struct cril_translation *t, const char *name);
/* An absent one leaves *out as it is; a whole number is a real one too. */
cril_status cril_config_uint(const struct cril_translation *t, const char *name, uint64_t *out,
                             cril_error *err);
cril_status cril_config_float(const struct cril_translation *t, const char *name, double *out,
                              cril_error *err);
cril_status cril_config_bool(const struct cril_translation *t, const char *name, bool *out,
                             cril_error *err);
cril_status cril_config_text(const struct cril_translation *t, const char *name,
                             struct cril_bytes *out, cril_error *err);

/* Adds a key below the prefix. */
cril_status cril_translate_uint(struct cril_translation *t, const char *key, uint64_t x,
                                cril_error *err);
/* CRIL_ERR_FORMAT: x is too small for fp32, where it would be 0, which GGUF files mean nothing by.
 */
cril_status cril_translate_float(struct cril_translation *t, const char *key, double x,
                                 cril_error *err);
/* The same of what config.json has under a name, or a class for it; 0 is refused. */
cril_status cril_translate_factor(struct cril_translation *t, const char *name, const char *key,
                                  double x, cril_error *err);
cril_status cril_translate_text(struct cril_translation *t, const char *key, const char *text,
                                cril_error *err);

/* A whole number that was added before, below the prefix. */
uint64_t cril_translated_uint(const struct cril_translation *t, const char *key);

/* CRIL_ERR_UNSUPPORTED, unless the text under name is one of two, or absent and the first is the
 * class's default. */
cril_status cril_translate_expect(const struct cril_translation *t, const char *name,
                                  const char *value, const char *other, cril_error *err);
/* hidden_activation: the function that config.json calls `name` or, where that is absent, otherwise
 * ("gelu_new"); not added where it is `usual` ("gelu_tanh"), which GGUF files leave out.
 * CRIL_ERR_UNSUPPORTED: another one. */
cril_status cril_translate_activation(struct cril_translation *t, const char *name,
                                      const char *otherwise, const char *usual, cril_error *err);
/* feed_forward_length: `name`, or where that is absent or NULL four times the model's width. */
cril_status cril_translate_inner(struct cril_translation *t, const char *name, cril_error *err);
/* attention.sliding_window of all layers, unless `name` is null. otherwise: where it is absent; 0:
 * none. */
cril_status cril_translate_window(struct cril_translation *t, const char *name, uint64_t otherwise,
                                  cril_error *err);
/* A truth value as optional weights; otherwise: where it is absent. */
cril_status cril_translate_has(struct cril_translation *t, const char *name, bool otherwise,
                               unsigned optional, cril_error *err);
/* CRIL_ERR_UNSUPPORTED, unless a truth value is as the class computes it; absent: it is. */
cril_status cril_translate_is(const struct cril_translation *t, const char *name, bool computed,
                              cril_error *err);
/* CRIL_ERR_UNSUPPORTED: config.json has the key, which the class does not compute. */
cril_status cril_translate_absent(const struct cril_translation *t, const char *name,
                                  cril_error *err);
/* The share of a head that turns, under a name of config.json, is in 0..1 and not 0. */
cril_status cril_translate_check_share(const struct cril_translation *t, const char *name,
                                       double share, cril_error *err);
/* A factor or a truth value of config.json as a key; an absent one is not added. */
cril_status cril_translate_number(struct cril_translation *t, const char *name, const char *key,
                                  cril_error *err);
cril_status cril_translate_bool(struct cril_translation *t, const char *key, bool x,
                                cril_error *err);
/* expert_count, under either of its names, and expert_used_count; experts, used: where they are
 * absent. */
cril_status cril_translate_experts(struct cril_translation *t, uint64_t experts, uint64_t used,
                                   cril_error *err);
/* expert_weights_norm by norm_topk_prob (absent: false), unless it is the usual one of the
 * architecture, which its GGUF files do not say. */
cril_status cril_translate_expert_norm(struct cril_translation *t, bool usual, cril_error *err);
/* expert_layers, by Qwen's mlp_only_layers and decoder_sparse_step, unless all layers have them. */
cril_status cril_translate_expert_layers(struct cril_translation *t, cril_error *err);
/* The width of a head, head_dim or the model's width over the heads, as key_length and
 * value_length. *width is set. */
cril_status cril_translate_head(struct cril_translation *t, uint64_t otherwise, uint64_t *width,
                                cril_error *err);
/* What classes with scans have in common: the function, whether there is a bias of the convolution
 * (its name in config.json), that matrices have none, and context_length, by default `context`. */
cril_status cril_translate_scan(struct cril_translation *t, const char *conv_bias,
                                const char *matrix_bias, uint64_t context, cril_error *err);
/* ssm.inner_size: the number called `name`, which may be NULL, or else the model's width times that
 * called `expand`, or 2. */
cril_status cril_translate_ssm_inner(struct cril_translation *t, const char *name,
                                     const char *expand, cril_error *err);
/* ssm.time_step_rank: a number, or "auto", or absent. */
cril_status cril_translate_rank(struct cril_translation *t, const char *name, cril_error *err);
/* Qwen's windows: attention.sliding_window where use_sliding_window is true, and a pattern, of
 * layers for which slides(layer, max_window_layers). */
cril_status cril_translate_used_windows(struct cril_translation *t,
                                        bool (*slides)(size_t, uint64_t), cril_error *err);
/* Whether the layer is `first` or one behind it. */
bool cril_is_from(size_t layer, uint64_t first);
/* rope.freq_base_swa: the base of layers that see a window, which are never scaled; otherwise:
 * where rope_parameters does not name it. */
cril_status cril_translate_local_base(struct cril_translation *t, double otherwise,
                                      cril_error *err);
/* A list of numbers of config.json as a key. CRIL_ERR_FORMAT: it is none. */
cril_status cril_translate_list(struct cril_translation *t, const char *name, const char *key,
                                cril_error *err);
/* The same where config.json has head_dim; nothing is added where it has none. */
cril_status cril_translate_own_head(struct cril_translation *t, cril_error *err);
/* rope.freq_base and rope.scaling.*; layers: of which kind of layers where config.json tells them
 * apart ("full_attention"). */
cril_status cril_translate_rope(struct cril_translation *t, const char *layers, double base,
                                cril_error *err);
/*
 * Which layers see a window: attention.sliding_window_pattern, a truth value a layer, from
 * layer_types, or where that is absent from slides(layer, of). Nothing is added where it equals
 * llama.cpp's every-period-th-layer-is-full; period 0: always added.
 */
cril_status cril_translate_windows(struct cril_translation *t, bool (*slides)(size_t, uint64_t),
                                   uint64_t of, uint64_t period, cril_error *err);
/* Which layers turn queries and keys: attention.rope_pattern, a truth value a layer, from
 * no_rope_layers, which has 1 for those, or all but every no_rope_layer_interval-th. Nothing is
 * added where all but every period-th do. */
cril_status cril_translate_turning(struct cril_translation *t, uint64_t period, cril_error *err);
/* For slides: all layers but every period-th; 0: none. */
bool cril_is_not_last(size_t layer, uint64_t period);

#endif
