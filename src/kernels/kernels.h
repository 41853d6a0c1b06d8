/*
 * The arithmetic of a forward pass: one table of functions, filled once for the CPU at hand.
 *
 * ref.c is the definition (doc/numerics.md); the others equal it bit for bit. All packed matrices
 * use panels of CRIL_PANEL_COLUMNS output columns, whatever the CPU, so that packing is written
 * once.
 */
#ifndef CRIL_KERNELS_KERNELS_H
#define CRIL_KERNELS_KERNELS_H

#include "tensor/matrix.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CRIL_PANEL_COLUMNS = 32,    /* columns of a panel */
    CRIL_ACTIVATION_BLOCK = 32, /* activations that share a scale */
    CRIL_CHUNK = 1024,          /* logits that are reduced together; part of the contract */
    CRIL_CHANNELS = 64          /* of a convolution or scan that go together at most */
};

/* Functions between the matrices of a feed-forward network, and behind a convolution. */
enum cril_activation {
    CRIL_ACT_GELU_TANH, /* Hendrycks & Gimpel 2016 */
    CRIL_ACT_GELU_ERF,
    CRIL_ACT_GELU_QUICK,
    CRIL_ACT_RELU,
    CRIL_ACT_RELU_SQUARED, /* So et al. 2021 */
    CRIL_ACT_SILU
};

/* How a kernel set wants the integers of a product. */
enum cril_panel_layout {
    CRIL_PAIRS, /* weights [k / 2][PANEL_COLUMNS][2] of 16 bits, activations [k] of 16 bits */
    CRIL_QUADS  /* weights [k / 4][PANEL_COLUMNS][4] of 8 bits, activations as bytes: [k] low ones,
                   unsigned,  then [k] high ones, signed */
};

/* Rows of 16-bit activations; k is a multiple of 32. */
struct cril_activations {
    int16_t *q;   /* [rows, k]      |q| <= 32767; a row as cril_panel_layout says */
    float *scale; /* [rows, k / 32] */
    float *sum32; /* [rows, k / 32] (sum of 32 q) * scale, rounded once each */
    float *sum16; /* [rows, k / 16] the same of 16 q */
    size_t k;
};

/* A matrix in panels, one of f, pairs and quads. */
struct cril_packed {
    float *f;       /* [panels][k][PANEL_COLUMNS] */
    int16_t *pairs; /* [panels][k / 2][PANEL_COLUMNS][2] */
    int8_t *quads;  /* [panels][k / 4][PANEL_COLUMNS][4] */
    float *scale,
        *min; /* of integers [panels][k / group][PANEL_COLUMNS]; min NULL: the type has none */
    size_t n, k, group;
    size_t prefetch_panels; /* panels from one to the next that a thread takes, which a kernel may
                     call into its cache meanwhile; 0: unknown */
};

struct cril_kernels {
    const char *name;
    enum cril_panel_layout layout;
    /* c[i][j] = fma chain over p of a[i][p] * panel[p][j], i < m, j < PANEL_COLUMNS, which begins
     * with 0, or, where more, with what c[i][j] holds. Every column of the panel is written. */
    void (*gemm_f32)(const float *a, size_t lda, size_t m, const float *panel, size_t k, float *c,
                     size_t ldc, bool more);
    /* The same, begun with 0, for rows [row, row + m) of a and panel number p of w. */
    void (*gemm_i16)(const struct cril_activations *a, size_t row, size_t m,
                     const struct cril_packed *w, size_t p, float *c, size_t ldc);
    /* x [k] to row `row` of a. A block with a value that is not finite gets scale NaN. */
    void (*quantise)(const float *x, struct cril_activations *a, size_t row);
    /* y = x / rms(x) * w, rms = sqrt(mean x^2 + eps). RMSNorm: Zhang & Sennrich 2019, eq. 4. w
     * NULL: ones. y may be x. n in 1.. */
    void (*rms_norm)(const float *x, const float *w, size_t n, float eps, float *y);
    /* y = (x - mean) / sqrt(variance + eps) * w. LayerNorm: Ba et al. 2016, eq. 4, without its
     * bias. w NULL: ones. y may be x. n in 1.. */
    void (*layer_norm)(const float *x, const float *w, size_t n, float eps, float *y);
    /* s[j] = e^(s[j] - max s); returns the sum, j mod 16. n is a multiple of 16. */
    float (*softmax)(float *s, size_t n);
    /* l[j] = e^(l[j] - max l); gives that maximum and the sum, j mod 16. n is a multiple of 16. */
    void (*logsum)(float *l, size_t n, float *max, float *sum);
    void (*silu_mul)(float *g, const float *u, size_t n); /* g = silu(g) * u */
    void (*gelu_mul)(float *g, const float *u, size_t n);
    void (*activate)(enum cril_activation a, float *x, size_t n);
    void (*cap)(float *x, float c, size_t n);                        /* x = c tanh(x / c) */
    void (*add)(float *x, const float *y, size_t n);                 /* x += y */
    void (*scale)(float *x, float a, size_t n);                      /* x *= a */
    void (*add_scaled)(float *x, float a, const float *y, size_t n); /* x = fma(a, y, x) */
    void (*softplus)(float *x, size_t n);                            /* x = ln(1 + e^x) */
    void (*sigmoid_mul)(float *g, const float *u, size_t n);         /* g = sigmoid(g) * u */

    /*
     * A position of operations whose positions follow in order. A channel is a lane: all that the
     * channels have numbers of are rows [.., width] of one lane each. The states of a channel go on
     * to the next position.
     */
    /* x = sum over the taps of w[t] s[t], where s[taps - 1] is x: one fma chain. Then s[t] = s[t +
     * 1]. s [taps - 1, width], w [taps, width]; width <= CRIL_CHANNELS, taps >= 1. */
    void (*convolve)(float *s, const float *w, size_t taps, float *x, size_t width);
    /* s[j] = e^(d a[j]) s[j] + d u b[j], for j < n; then d = sum of s[j] c[j], one fma chain (Gu &
     * Dao 2023, algorithm 2). s, a [n, width]; b, c [n]; u, d [width]. Any width. */
    void (*scan)(float *s, const float *a, const float *b, const float *c, size_t n, const float *u,
                 float *d, size_t width);
    /* The same with one decay and one d for all channels (Dao & Gu 2024): s[j] = decay s[j] + d u
     * b[j]; y = sum of s[j] c[j]. Any width. */
    void (*scan_head)(float *s, float decay, float d, const float *b, const float *c, size_t n,
                      const float *u, float *y, size_t width);
    /* RWKV's average of the values so far, weighted by e^k and by age, that of this position by
     * e^now (Peng et al. 2023), which replaces v. s [3, width]: numerator, denominator, and the
     * exponent that was taken out of both. */
    void (*wkv)(float *s, const float *decay, const float *k, const float *now, float *v,
                size_t width);
    /* n pairs (x[i], x[i + n]), or (x[2i], x[2i + 1]), turn by the angles of cosine c[i] and sine
     * s[i]: Su et al. 2021, eq. 34. */
    void (*rotate_halves)(float *x, const float *c, const float *s, size_t n);
    void (*rotate_pairs)(float *x, const float *c, const float *s, size_t n);
};

/* A kernel set of this build. */
struct cril_kernel_set {
    const char *name;
    const char *needs;                    /* what a CPU must have, for a person to read */
    bool (*available)(void);              /* this CPU has it */
    void (*init)(struct cril_kernels *k); /* fills all of *k */
};

/* All sets, the definition first, then by rising speed; [*n]. */
const struct cril_kernel_set *cril_kernel_sets(size_t *n);
const struct cril_kernel_set *cril_kernel_set_find(const char *name); /* NULL: there is none */
/* The set that this process uses: the last available one, of those that CRIL_CPU allows
 * (cril/cpu.h). Cannot fail. */
const struct cril_kernels *cril_kernels(void);

void cril_kernels_ref(struct cril_kernels *k);
void cril_kernels_avx2(struct cril_kernels *k); /* x86-64 only */
void cril_kernels_avx512(struct cril_kernels *k);
void cril_kernels_amx(struct cril_kernels *k);
bool cril_amx_available(void);                  /* asks the system for the use of tiles */
void cril_kernels_neon(struct cril_kernels *k); /* AArch64 only */
void cril_kernels_dotprod(struct cril_kernels *k);

/* Clang before 16 has the intrinsics only where every CPU that the code is for has dot products. */
#if defined(__aarch64__) && (!defined(__clang__) || __clang_major__ >= 16)
#define CRIL_HAS_DOTPROD 1
#endif

/* Packs panel p of rows [first, first + w->n) of m into w, whose sizes are set. Rows past w->n are
   zero. Returns false if a weight (or scale) is not finite. */
bool cril_pack_panel(const struct cril_matrix *m, size_t first, struct cril_packed *w, size_t p);

static inline size_t cril_panels(size_t n)
{
    return (n + CRIL_PANEL_COLUMNS - 1) / CRIL_PANEL_COLUMNS;
}

#endif
