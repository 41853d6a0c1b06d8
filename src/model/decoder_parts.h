/*
 * A decoder from the inside: decoder.c takes tokens through the layers, decoder_streams.c is about
 * what a stream holds, decoder_life.c creates and frees.
 */
#ifndef CRIL_MODEL_DECODER_PARTS_H
#define CRIL_MODEL_DECODER_PARTS_H

#include "model/decoder.h"
#include "model/logits.h"
#include "model/op.h"
#include "model/panels.h"
#include "model/plan.h"
#include "util/threads.h"

/* Steps [from, to) of a layer, which have the same form. */
struct phase {
    enum cril_form form;
    size_t from, to;
    bool of_experts; /* the rows are entries */
};

enum { MAX_PHASES = 2 * CRIL_MAX_STAGES };

/* Of a layer of one kind. */
struct phases {
    size_t n;
    struct phase phase[MAX_PHASES];
};

struct stream {
    struct cril_memory memory; /* states of all layers */
    size_t position;           /* tokens so far */
    size_t length;             /* at most; 0: it has no table in the rotations */
};

#define NONE SIZE_MAX

/* Rows that go through an operation across positions together. */
struct group {
    size_t first, n;
};

struct groups {
    size_t n;
    struct group group[CRIL_ROWS];
};

/* Matrices of a layer, or of the head, as panels. */
struct packed_layer {
    struct cril_packed matrix[CRIL_N_SLOTS];   /* k == 0: not in memory */
    struct cril_packed *experts[CRIL_N_SLOTS]; /* [n_experts] where the layer has them, likewise */
    struct cril_memory panels;                 /* what they point into */
};

/* A thread's own. */
struct scratch {
    struct cril_memory across, panel;
};

struct cril_decoder {
    const cril_model *m;
    const struct cril_kernels *k;
    cril_pool *pool;
    struct cril_barrier barrier;
    struct scratch *scratch; /* [threads] */
    struct cril_rotations rotations;
    size_t context, n_pad;
    struct stream *streams;
    size_t n_streams;

    const struct cril_state *states[CRIL_MAX_STATES];
    size_t n_states;
    size_t *state_at;                /* [n_layers][n_states] where it starts in a stream's memory */
    size_t stream_bytes;             /* of all layers */
    struct cril_sequence *sequences; /* [n_streams] */

    struct packed_layer *packed; /* [n_layers + 1] */
    cril_damaged damaged;

    struct phases phases[CRIL_MAX_KINDS];
    size_t ld[CRIL_N_BUFFERS];
    float *buffers[CRIL_N_BUFFERS];            /* [buffer_rows][ld] */
    struct cril_activations activations;       /* [of entries], k set for each product */
    float *outputs;                            /* [CRIL_ROWS][columns] for the vocabulary matrix */
    struct cril_activations quantised_outputs; /* [CRIL_ROWS] */
    struct cril_memory memory;                 /* what the above point into */

    struct cril_row rows[CRIL_ROWS]; /* of the piece at work */
    size_t output[CRIL_ROWS];        /* whose distribution a row's output is; NONE */
    struct groups groups[2];         /* of operations in any order; in order */
    size_t n_rows;
    struct cril_entry *entries;     /* [CRIL_ROWS * n_used] of the piece in a layer */
    size_t *first_entry;            /* [n_experts + 1] of an expert */
    size_t first_output, n_outputs; /* of the piece, among the call's */
    atomic_size_t *next;            /* [phases of all layers + 1] units taken of each phase */
    size_t n_next;

    struct cril_memory values; /* [n_streams][chunks * CRIL_CHUNK] */
    float *logits;             /* likewise; NULL: not asked for */
    struct cril_chunk *chunks; /* [n_streams][chunks] */
    double *weights;           /* [n_streams][chunks] */
    double *sums, *maxima;     /* [n_streams] */
    int32_t *best;             /* [n_streams][chunks] of a chunk: cril_logits_best; NULL: not asked
                                  for */
};

/* The matrix of a step as panels; of an expert where it has one for each. */
static inline struct cril_packed *packed_of(const struct cril_decoder *d, size_t l,
                                            const struct cril_step *step, size_t expert)
{
    struct packed_layer *p = &d->packed[l];
    return p->experts[step->w] ? &p->experts[step->w][expert] : &p->matrix[step->w];
}

#endif
