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
#include "model/rope.h"
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
    CRIL_BUF_LOGITS, /* [n_vocab] */
    CRIL_N_BUFFERS
};

/* Weights of a layer, or of the ends: embedding and head. A family has their tensor names. */
enum cril_slot {
    CRIL_W_NONE,
    CRIL_W_ATTN_NORM,
    CRIL_W_Q,
    CRIL_W_K,
    CRIL_W_V,
    CRIL_W_O,
    CRIL_W_Q_BIAS,
    CRIL_W_K_BIAS,
    CRIL_W_V_BIAS,
    CRIL_W_O_BIAS,
    CRIL_W_Q_NORM,
    CRIL_W_K_NORM,
    CRIL_W_POST_ATTN_NORM,
    CRIL_W_FFN_NORM,
    CRIL_W_GATE,
    CRIL_W_UP,
    CRIL_W_DOWN,
    CRIL_W_POST_FFN_NORM,
    CRIL_W_EMBEDDING, /* of the ends, as all that follow; [n_vocab, n_embd] */
    CRIL_W_OUTPUT_NORM,
    CRIL_W_OUTPUT, /* [n_vocab, n_embd]; the embedding where tied */
    CRIL_N_SLOTS
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
    CRIL_MAX_KINDS = 4, /* of layers in a family */
    CRIL_MAX_ROPES = 2  /* in a model */
};

struct cril_config {
    size_t n_layers, n_embd, n_heads, n_kv_heads, head_dim, n_ff, n_ctx;
    float eps;
    float attention_scale; /* of the scores */
    float embedding_scale; /* of the token embedding; 1: none */
};

struct cril_layer {
    struct cril_matrix matrix[CRIL_N_SLOTS]; /* [out, in]; not set where the slot is a vector or
                                                unused */
    float *vector[CRIL_N_SLOTS];             /* owned, finite; NULL likewise */
    unsigned kind;                           /* index into cril_family.layers */
    unsigned rope;                           /* index into cril_model.rope */
    size_t window; /* keys that a position sees, itself included; 0: all */
    size_t n_heads, n_kv_heads, n_ff;
    size_t key_dim, value_dim; /* of a head; a query's is key_dim */
};

/* What the files of a weight hold. A '#' in a name stands for the layer's number. */
struct cril_weight_row {
    enum cril_slot slot;
    const char *gguf;   /* "blk.#.attn_q.weight" */
    const char *folder; /* "model.layers.#.self_attn.q_proj.weight" */
    enum {
        CRIL_WEIGHT_PLUS_ONE = 1,   /* a folder has w where a GGUF has 1 + w */
        CRIL_WEIGHT_NEIGHBOURS = 2, /* a folder has the halves of a head, a GGUF turned them into
                                       neighbours (cril_matrix.interleaved) */
    } changes;
};

/* A tensor of the model, by the name that it has in a GGUF. */
struct cril_weight {
    char *name; /* owned */
    const struct cril_tensor *tensor;
    const struct cril_weight_row *row; /* NULL: no step has it */
};

/* Whether the steps' biases are in the files. */
enum cril_biases { CRIL_BIASES_AS_FOUND, CRIL_BIASES_NONE, CRIL_BIASES_ALL };

struct cril_family {
    const char *architecture;                 /* general.architecture */
    const struct cril_class *classes;         /* of transformers; the last has name NULL */
    const struct cril_weight_row *weights;    /* of all steps */
    struct cril_steps embedding;              /* from a token's id to CRIL_BUF_X; by rows */
    struct cril_steps layers[CRIL_MAX_KINDS]; /* of each kind of layer; n is 0 past the last */
    struct cril_steps head;  /* from CRIL_BUF_X to CRIL_BUF_LOGITS: by rows, a product, by rows */
    enum cril_biases biases; /* of its GGUF files */
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
    enum cril_biases biases;
    struct cril_weight *weights; /* [n_weights] */
    size_t n_weights;
    char *path, *name;
    char types[256]; /* room for the names of all CRIL_N_DTYPES types */
    const struct cril_family *family;
    struct cril_config config;
    struct cril_layer *layers; /* [config.n_layers + 1]; the last: the ends */
    struct cril_rope rope[CRIL_MAX_ROPES];
    size_t n_vocab;
    uint64_t said_vocab; /* by the folder's config.json; 0: it does not say */
    bool *used;          /* [tensors of the file] a step uses it */
    uint64_t parameters;
    cril_tokenizer *tokenizer;
    pthread_mutex_t hashes; /* guards the next two, all that changes once the model is open */
    struct cril_warnings warnings; /* without the tokenizer's */
    char sha256[65], identity[65]; /* "" until asked for */
    bool own_identity;             /* a folder's that no GGUF file has; with identity */
};

/* An empty model, to be filled; cril_model_close. NULL: out of memory. */
cril_model *cril_model_create(void);

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
/* Writes the architectures that there are, as "gemma3, llama, qwen2", or the classes of
 * transformers that folders may have; what does not fit in size > 0 bytes is left out. */
void cril_family_names(bool classes, char *out, size_t size);

/* Metadata under the architecture's own prefix: cril_key_uint(m, "block_count", ...). Optional ones
 * keep *out. */
cril_status cril_key_uint(const cril_model *m, const char *key, uint64_t *out, cril_error *err);
cril_status cril_key_opt_uint(const cril_model *m, const char *key, uint64_t *out, cril_error *err);
cril_status cril_key_opt_float(const cril_model *m, const char *key, double *out, cril_error *err);
cril_status cril_key_opt_string(const cril_model *m, const char *key, struct cril_bytes *out,
                                cril_error *err);
const struct cril_value *cril_key_find(const cril_model *m, const char *key);

/*
 * Reads which layers see a window, and how wide it is: attention.sliding_window, and the pattern,
 * a truth value a layer, or the number of layers of which the last one is full. period: that number
 * where the pattern is absent; 0: without a pattern all layers see a window, if any does.
 */
cril_status cril_model_windows(cril_model *m, uint64_t period, cril_error *err);

/* To be called once a family has read what it knows: each other key of the architecture is listed
 * as without effect or refused by name. */
cril_status cril_model_check_keys(cril_model *m, cril_error *err);

/* Reads the rope scaling that the file names, into r, for the given base. divisors: of the
 * frequencies, one a pair; NULL: none. */
cril_status cril_rope_configure(cril_model *m, double base, bool halves,
                                const struct cril_tensor *divisors, struct cril_rope *r,
                                cril_error *err);

/* Unscaled frequencies for r->n_rot; r->freq is owned by r. */
cril_status cril_rope_plain(double base, struct cril_rope *r, const char *path, cril_error *err);

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
/* A weight as it is used, and as a GGUF would hold it: a matrix of t, or t [ne[0]] as numbers. */
struct cril_matrix cril_weight_matrix(const cril_model *m, const struct cril_weight_row *row,
                                      const struct cril_tensor *t);
void cril_weight_load_vector(const cril_model *m, const struct cril_weight_row *row,
                             const struct cril_tensor *t, float *v);
/* A vector of n finite numbers, owned by the caller. */
cril_status cril_model_vector(cril_model *m, const struct cril_tensor *t, size_t n, float **out,
                              cril_error *err);

#endif
