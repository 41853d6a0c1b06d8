/*
 * An operation is one file, op_*.c, and one row, struct cril_op: what it reads and writes, how its
 * work is divided, its fast form and its plain form. The plan, the engine, the decoder, the
 * reference pass and the count of operations ask the row; none of them lists operations.
 *
 * The fast form works on blocks of rows with the kernels. The plain form works on one token with
 * plain loops and shares no code with the fast form. The tests hold one to the bits of the other.
 */
#ifndef CRIL_MODEL_OP_H
#define CRIL_MODEL_OP_H

#include "kernels/kernels.h"
#include "model/model.h"
#include "model/rotations.h"

/* How the work of an operation is divided. */
enum cril_form {
    CRIL_BY_ROWS,          /* a row's result follows from this row and the weights */
    CRIL_BY_PRODUCT,       /* a row times the step's matrix, by the kernels for products */
    CRIL_ACROSS_POSITIONS, /* a row's result follows from the states of earlier positions too */
    CRIL_TO_EXPERTS,  /* begins the steps that are taken once for each expert, with the rows that
                         chose it: all by rows or by product, in buffers of experts */
    CRIL_FROM_EXPERTS /* ends them */
};

enum {
    CRIL_POSITIONS = 32, /* of a sequence, aligned, that go through an operation together */
    CRIL_MAX_STATES = 6  /* of a family */
};

/* A token on its way through the layers. */
struct cril_row {
    size_t sequence; /* its window or stream: index of cril_pass.sequences */
    size_t position; /* in the sequence */
    int32_t id;
};

/* A row of a batch, and which of the experts that it chose is meant: 0 is the first. */
struct cril_entry {
    size_t row, rank;
};

/*
 * Memory for the states of one sequence. A sequence may go on where another one, its prefix, ends.
 * Of states by position, such as keys, it then has room for the positions from cril_sequence_base
 * on: earlier ones are read where they lie, and those before `start` are taken over, as are states
 * of the last position (struct cril_state, inherit).
 */
struct cril_sequence {
    unsigned char *state; /* 64-byte aligned; zero before the first use */
    size_t n_pad;         /* positions that it has room for: a multiple of CRIL_PANEL_COLUMNS */
    size_t rotations;     /* which table of its pass's length: cril_rotations_take */
    const struct cril_sequence *prefix; /* of the same state; NULL: it begins at position 0 */
    size_t start;                       /* its first position */
};

/* The first position that s has room for: the first of the panel of its start. */
static inline size_t cril_sequence_base(const struct cril_sequence *s)
{
    return s->start / CRIL_PANEL_COLUMNS * CRIL_PANEL_COLUMNS;
}

/* Rows of all buffers. Buffers that no step at hand uses may be NULL. For an expert a block has
 * entries: buffers of experts hold n of them, the others all rows of the batch. */
struct cril_block {
    const struct cril_row *rows; /* [n], in order of sequences and positions */
    size_t n;
    float *buffer[CRIL_N_BUFFERS];    /* [n][ld] */
    const size_t *ld;                 /* [CRIL_N_BUFFERS] */
    const struct cril_entry *entries; /* [n] of an expert, in order of rows; NULL: of none */
};

/* The step of a layer that a block goes through. */
struct cril_pass {
    const cril_model *m;
    const struct cril_kernels *k;
    const struct cril_rotations *rotations;
    size_t layer;
    const struct cril_step *step;
    const struct cril_sequence *sequences; /* by cril_row.sequence */
    size_t state;                          /* where in a sequence the step's state starts, bytes */
    size_t first_logit, n_logits;          /* the columns that CRIL_BUF_LOGITS holds */
};

/* A token on its way through the plain forms. */
struct cril_token {
    const cril_model *m;
    size_t layer, position, n; /* n: inputs of the pass, for which the state has room */
    int32_t id;
    size_t expert, rank;           /* at work, and which of the chosen ones it is */
    float *buffer[CRIL_N_BUFFERS]; /* [cril_buffer_width] */
    float *state;                  /* of the step in this layer */
    float *scratch;                /* [n + width of CRIL_BUF_Q] */
};

/* What operations keep of the positions of a sequence, in one layer. Operations that name the same
 * state share it. A state of the engine serves one layer after another and is not cleared in
 * between. */
struct cril_state {
    /* Bytes for n_pad positions; n_pad times as much as for one, or the same for any n_pad. */
    size_t (*bytes)(const cril_model *m, size_t layer, size_t n_pad);
    /* Floats of the plain form for n tokens. */
    size_t (*plain_floats)(const cril_model *m, size_t layer, size_t n);
    /* s takes over what it needs of its prefix, whose positions have all been stored. NULL: all
     * bytes are those of the last position, and are copied. */
    void (*inherit)(const cril_model *m, size_t layer, const struct cril_sequence *s);
    /*
     * What the first n positions left behind, from one sequence's state to another's, which then is
     * as if it had gone through these positions; lanes past them hold numbers that no result
     * depends on. NULL: the state is that of the last position, and all of it is copied.
     */
    void (*copy)(const cril_model *m, size_t layer, size_t n_pad, size_t n,
                 const unsigned char *from, unsigned char *to);
};

struct cril_op {
    enum cril_form form;
    bool reads_out; /* what `out` held before */
    unsigned reads; /* buffers that it reads besides the step's, as bits 1 << buffer */
    const struct cril_state *state; /* that it reads or changes; NULL: none */
    bool stores; /* changes the state: no position of a sequence may be left out */

    /* Numbers of the weight where it is a vector; NULL: it is a matrix, or there is none. */
    size_t (*vector)(const cril_model *m, size_t layer, const struct cril_step *s);
    float neutral; /* a vector of this number changes nothing */
    /* Rows of the matrix where it is a table from which rows are taken; NULL: it is multiplied. */
    size_t (*table)(const cril_model *m);

    /* CRIL_BY_ROWS, CRIL_TO_EXPERTS, CRIL_FROM_EXPERTS; entries in the last two. */
    void (*rows)(const struct cril_pass *p, const struct cril_block *b);

    /*
     * CRIL_ACROSS_POSITIONS. A block has rows of one sequence: of CRIL_POSITIONS aligned positions
     * at most; where in_order, all rows that there are, every position behind its predecessor, in
     * buffers that are kept for all rows. Parts of the work, [from, to) of `parts`, can be done in
     * any order, each by another thread.
     */
    void (*across)(const struct cril_pass *p, const struct cril_block *b, size_t from, size_t to,
                   float *scratch);
    bool in_order;
    size_t (*parts)(const cril_model *m, size_t layer);
    /* Floats of scratch for sequences of up to n_pad positions. */
    size_t (*scratch)(const cril_model *m, size_t layer, size_t n_pad);

    void (*plain)(const struct cril_token *t, const struct cril_step *s);

    /* Multiply-adds for n positions of a sequence; NULL: not worth counting. */
    double (*multiply_adds)(const cril_model *m, size_t layer, const struct cril_step *s, size_t n);
};

/* All operations. */
/* clang-format off */
#define CRIL_OPS(ROW) \
    ROW(embed)              /* out = the token's row of w, scaled */ \
    ROW(position)           /* out += the position's row of w */ \
    ROW(copy)               /* out = in */ \
    ROW(norm)               /* out = RMSNorm(in) * w */ \
    ROW(norm_inner)         /* the same, with the config's inner_eps */ \
    ROW(head_norm)          /* each head of out = RMSNorm(head) * w */ \
    ROW(layer_norm)         /* out = LayerNorm(in) * w, without its bias */ \
    ROW(plain_layer_norm)   /* out = LayerNorm(in) */ \
    ROW(head_layer_norm)    /* each head of out, with its own part of w */ \
    ROW(matmul)             /* out = w in */ \
    ROW(bias)               /* out += w */ \
    ROW(add)                /* out += in */ \
    ROW(scale_branch)       /* out *= the config's residual_scale */ \
    ROW(scale_logits)       /* out *= the config's logit_scale */ \
    ROW(cap_logits)         /* out = c tanh(out / c), c the config's logit_cap */ \
    ROW(limit)              /* out is cut at the config's qkv_limit */ \
    ROW(rope)               /* rotates each head of out by its position */ \
    ROW(log_scale)          /* out *= log of the position to base log_length, if it is above 1 */ \
    ROW(latent_keys)        /* each head of out = its part of in, and the part of CRIL_BUF_CKV that all heads have */ \
    ROW(store_kv)           /* keeps keys and values of a position */ \
    ROW(attend)             /* out = softmax(scale in K^T, causal) V */ \
    ROW(silu_mul)           /* out = SiLU(out) * in */ \
    ROW(gelu_mul)           /* out = GELU(out) * in */ \
    ROW(choose)             /* out = experts and weights, from logits in; w is added where they are chosen */ \
    ROW(to_experts)         /* out = in; each expert takes its rows from here */ \
    ROW(from_experts)       /* out = weighted sum of in over the experts */ \
    ROW(sigmoid_scale)      /* out *= sigmoid(in[0]) */ \
    ROW(activate)           /* out = the config's activation(out) */ \
    ROW(convolve)           /* out = each channel of out with those before, w */ \
    ROW(step_size)          /* out = softplus(out), within the config's limits */ \
    ROW(scan)               /* out = scan of in, with decays w, steps out */ \
    ROW(scan_heads)         /* the same with a decay and a step a head, in SD */ \
    ROW(skip)               /* out += w * in, for each channel of a scan */ \
    ROW(skip_heads)         /* the same, w for each head */ \
    ROW(norm_b)             /* piece B of out = RMSNorm(B) * w, by inner_eps */ \
    ROW(norm_c)             /* the same of piece C */ \
    ROW(group_norm)         /* each group of out = RMSNorm(group) * w */ \
    ROW(shift)              /* out = in of the position before */ \
    ROW(shift_ffn)          /* the same, with another state */ \
    ROW(mix)                /* out = w * in + (1 - w) * M */ \
    ROW(wkv)                /* out = average of out, by keys in, A, decays w */ \
    ROW(sigmoid_mul)        /* out = sigmoid(out) * in */ \
    ROW(rescale)            /* out is divided by 2 as often as X was halved */ \
    ROW(halve)              /* out is halved behind every rescale_every layers */
/* clang-format on */

#define CRIL_DECLARE_OP(NAME) extern const struct cril_op cril_op_##NAME;
CRIL_OPS(CRIL_DECLARE_OP)

/* The matrix of a step; of an expert where it has one for each. */
static inline const struct cril_matrix *cril_step_matrix(const cril_model *m, size_t layer,
                                                         const struct cril_step *s, size_t expert)
{
    const struct cril_layer *l = &m->layers[layer];

    return l->experts[s->w] ? &l->experts[s->w][expert] : &l->matrix[s->w];
}

static inline size_t cril_step_matrices(const cril_model *m, size_t layer,
                                        const struct cril_step *s)
{
    return m->layers[layer].experts[s->w] ? m->config.mixture.n_experts : 1;
}

/* Row i of a buffer. */
static inline float *cril_block_row(const struct cril_block *b, enum cril_buffer buffer, size_t i)
{
    return b->buffer[buffer] + i * b->ld[buffer];
}

/* Rows [first, first + n) of b. */
struct cril_block cril_block_part(const struct cril_block *b, size_t first, size_t n);

/* Numbers of a buffer that are in use. */
static inline size_t cril_pass_width(const struct cril_pass *p, enum cril_buffer b)
{
    return b == CRIL_BUF_LOGITS ? p->n_logits : cril_buffer_width(p->m, p->layer, b);
}

/* The vector of the step; NULL: it has none. */
static inline const float *cril_pass_vector(const struct cril_pass *p)
{
    return p->m->layers[p->layer].vector[p->step->w];
}

/* The state of the step for row r. */
static inline unsigned char *cril_pass_state(const struct cril_pass *p, const struct cril_row *r)
{
    return p->sequences[r->sequence].state + p->state;
}

static inline float *cril_pass_state_floats(const struct cril_pass *p, const struct cril_row *r)
{
    return (float *)(void *)cril_pass_state(p, r);
}

/* Slices of CRIL_CHANNELS channels, of which the last may have fewer. */
size_t cril_channel_parts(const cril_model *m, size_t layer);

/* Takes b through steps [from, to) of the embedding or the head, all by rows. p says the model, the
 * kernels, and for logits which. */
void cril_run_ends(struct cril_pass p, const struct cril_step *from, const struct cril_step *to,
                   const struct cril_block *b);

/* How many of the rows [n], from the first on, go together through an operation across positions.
 */
size_t cril_row_group(const struct cril_row *rows, size_t n, bool in_order);

/* Whether a layer of m is of the kind. */
bool cril_model_has_kind(const cril_model *m, size_t kind);
/* The different states of m's operations; [CRIL_MAX_STATES]. Returns how many there are. */
size_t cril_model_states(const cril_model *m, const struct cril_state *states[]);
/* Whether an operation of the layer uses the state. */
bool cril_layer_uses(const cril_model *m, size_t layer, const struct cril_state *state);

/* Bytes of the state for n_pad positions, of the layer that takes most. */
size_t cril_state_max_bytes(const cril_model *m, const struct cril_state *state, size_t n_pad);

/* Floats of scratch that any operation of m needs for sequences of up to n_pad positions. */
size_t cril_model_scratch(const cril_model *m, size_t n_pad);

#endif
