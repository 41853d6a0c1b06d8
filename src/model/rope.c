#include "model/rope.h"

#include "model/model.h"
#include "util/fail.h"
#include "util/fmath.h"

#include <stdlib.h>
#include <string.h>

void cril_rope_row(const struct cril_rope *r, size_t p, float *c, float *s)
{
    for (size_t i = 0; i < r->n_rot / 2; i++) {
        double sine, cosine;
        float angle = (float)p * r->freq[i];
        cril_sincos(angle, &sine, &cosine);
        c[i] = (float)cosine * r->magnitude;
        s[i] = (float)sine * r->magnitude;
    }
}

/* base^(-2i/n) */
static double plain_frequency(double base, size_t i, size_t n)
{
    return cril_exp(-2.0 * (double)i / (double)n * cril_log(base));
}

/* How the file changes the frequencies. */
struct scaling {
    enum { SCALING_NONE, SCALING_LINEAR, SCALING_YARN, SCALING_LLAMA3 } kind;
    double factor; /* > 0 */
};

static cril_status read_kind(const cril_model *m, struct scaling *s, cril_error *err)
{
    struct cril_bytes name = {"linear", 6}; /* what files mean that name only a factor */
    cril_status st = cril_key_opt_string(m, "rope.scaling.type", &name, err);

    if (st != CRIL_OK)
        return st;
    if (cril_bytes_are(name, "none"))
        s->kind = SCALING_NONE;
    else if (cril_bytes_are(name, "linear"))
        s->kind = SCALING_LINEAR;
    else if (cril_bytes_are(name, "yarn"))
        s->kind = SCALING_YARN;
    else if (cril_bytes_are(name, "llama3"))
        s->kind = SCALING_LLAMA3;
    else
        return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                         "%s: key '%s.rope.scaling.type' is \"%.*s\", a rotation that cril does "
                         "not know (none, linear, yarn, llama3 are)",
                         m->path, m->family->architecture, CRIL_SHOWN(name));
    return CRIL_OK;
}

static cril_status read_scaling(const cril_model *m, struct scaling *s, cril_error *err)
{
    double factor = 0;
    cril_status st;

    if ((st = read_kind(m, s, err)) != CRIL_OK ||
        (st = cril_key_opt_float(m, "rope.scale_linear", &factor, err)) != CRIL_OK ||
        (st = cril_key_opt_float(m, "rope.scaling.factor", &factor, err)) != CRIL_OK)
        return st;
    if (!(factor >= 0 && factor < 1e6) || (s->kind == SCALING_YARN && factor < 1))
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: key '%s.rope.scaling.factor' is missing or out of range: the "
                         "rotation slows down by %g",
                         m->path, m->family->architecture, factor);
    if (factor == 0) /* written by converters for "none" */
        factor = 1;
    s->factor = factor;
    if (factor == 1)
        s->kind = SCALING_NONE;
    return CRIL_OK;
}

/* What YaRN has beside its factor. */
struct yarn {
    double fast, slow, attention;
    double magnitude; /* 0: YaRN's own, times attention */
    bool exact_ramp;  /* its ends are not rounded to whole pairs */
    uint64_t context;
};

static cril_status read_yarn(const cril_model *m, struct yarn *y, cril_error *err)
{
    double extrapolation = 1;
    uint64_t exact = 0;
    cril_status st;

    *y = (struct yarn){.fast = 32, .slow = 1, .attention = 1};
    if ((st = cril_key_uint(m, "rope.scaling.original_context_length", &y->context, err)) !=
            CRIL_OK ||
        (st = cril_key_opt_float(m, "rope.scaling.yarn_beta_fast", &y->fast, err)) != CRIL_OK ||
        (st = cril_key_opt_float(m, "rope.scaling.yarn_beta_slow", &y->slow, err)) != CRIL_OK ||
        (st = cril_key_opt_float(m, "rope.scaling.attn_factor", &y->attention, err)) != CRIL_OK ||
        (st = cril_key_opt_float(m, "rope.scaling.yarn_ext_factor", &extrapolation, err)) !=
            CRIL_OK ||
        (st = cril_key_opt_float(m, "rope.scaling.yarn_magnitude", &y->magnitude, err)) !=
            CRIL_OK ||
        (st = cril_key_opt_uint(m, "rope.scaling.yarn_exact_ramp", &exact, err)) != CRIL_OK)
        return st;
    y->exact_ramp = exact != 0;
    if (extrapolation != 1 && extrapolation != -1) /* llama.cpp's word for "not set" */
        return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                         "%s: key '%s.rope.scaling.yarn_ext_factor' is %g: it weighs YaRN's ramp, "
                         "which cril does with 1 only",
                         m->path, m->family->architecture, extrapolation);
    /* The converter writes one of two keys of Hugging Face under this name: the whole magnitude, or
       a factor of it. */
    if (cril_key_find(m, "rope.scaling.yarn_attn_factor"))
        return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                         "%s: key '%s.rope.scaling.yarn_attn_factor' changes YaRN's magnitude, "
                         "which transformers and llama.cpp do in two ways; cril does neither",
                         m->path, m->family->architecture);
    if (!(y->slow > 0 && y->fast >= y->slow && y->fast < 1e6) || !y->context ||
        !(y->attention > 0 && y->attention < 1e3) || !(y->magnitude >= 0 && y->magnitude < 1e3))
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: one of the keys '%s.rope.scaling.' original_context_length, "
                         "yarn_beta_fast, yarn_beta_slow, attn_factor, yarn_magnitude is out of "
                         "range",
                         m->path, m->family->architecture);
    return CRIL_OK;
}

/*
 * YaRN (Peng et al. 2023, section 3.2): slow pairs are interpolated, fast ones left, a ramp between
 * the pairs that turn beta_fast and beta_slow times in the original context; magnitude 0.1
 * ln(factor) + 1.
 */
static cril_status yarn(const cril_model *m, double base, double factor, struct cril_rope *r,
                        cril_error *err)
{
    const double turn = 6.283185307179586, n = (double)r->n_rot;
    struct yarn y;
    const cril_status st = read_yarn(m, &y, err);

    if (st != CRIL_OK)
        return st;
    double low = n * cril_log((double)y.context / (y.fast * turn)) / (2 * cril_log(base));
    double high = n * cril_log((double)y.context / (y.slow * turn)) / (2 * cril_log(base));
    low = y.exact_ramp ? low : floor(low);
    high = y.exact_ramp ? high : ceil(high);
    low = low < 0 ? 0 : low;
    high = high > n - 1 ? n - 1 : high;
    double width = high - low < 0.001 ? 0.001 : high - low;
    for (size_t i = 0; i < r->n_rot / 2; i++) {
        double f = plain_frequency(base, i, r->n_rot), t = ((double)i - low) / width;
        t = t < 0 ? 0 : t > 1 ? 1 : t;
        r->freq[i] = (float)(f / factor * t + f * (1 - t));
    }
    r->magnitude =
        y.magnitude > 0 ? (float)y.magnitude : (float)((0.1 * cril_log(factor) + 1) * y.attention);
    return CRIL_OK;
}

/*
 * Llama 3 (Grattafiori et al. 2024, section 3.2, as transformers' modeling_rope_utils.py computes
 * it): pairs whose wavelength is above the context over low are interpolated, those below the
 * context over high are left, a blend between.
 */
static cril_status blend(const cril_model *m, double base, double factor, struct cril_rope *r,
                         cril_error *err)
{
    const double turn = 6.283185307179586;
    double low = 0, high = 0;
    uint64_t context = 0;
    cril_status st;

    if ((st = cril_key_uint(m, "rope.scaling.original_context_length", &context, err)) != CRIL_OK ||
        (st = cril_key_opt_float(m, "rope.scaling.low_freq_factor", &low, err)) != CRIL_OK ||
        (st = cril_key_opt_float(m, "rope.scaling.high_freq_factor", &high, err)) != CRIL_OK)
        return st;
    if (!context || !(low > 0 && high > low && high < 1e6))
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: one of the keys '%s.rope.scaling.' original_context_length, "
                         "low_freq_factor, high_freq_factor is missing or out of range",
                         m->path, m->family->architecture);
    for (size_t i = 0; i < r->n_rot / 2; i++) {
        const double f = plain_frequency(base, i, r->n_rot);
        double share = ((double)context * f / turn - low) / (high - low); /* that stays */
        share = share < 0 ? 0 : share > 1 ? 1 : share;
        r->freq[i] = (float)((1 - share) * f / factor + share * f);
    }
    return CRIL_OK;
}

/* Llama 3 in a GGUF: the file holds a divisor for each pair. */
static cril_status divide(cril_model *m, const struct cril_tensor *t, double base,
                          struct cril_rope *r, cril_error *err)
{
    float *d = NULL;
    cril_status st = cril_model_vector(m, t, r->n_rot / 2, &d, err);
    for (size_t i = 0; st == CRIL_OK && i < r->n_rot / 2; i++) {
        if (!(d[i] > 0))
            st = cril_fail(err, CRIL_ERR_FORMAT,
                           "%s: tensor %s holds a divisor that is not positive", m->path, t->name);
        else
            r->freq[i] = (float)(plain_frequency(base, i, r->n_rot) / (double)d[i]);
    }
    free(d);
    return st;
}

cril_status cril_rope_plain(double base, struct cril_rope *r, const char *path, cril_error *err)
{
    if (!(base > 1 && base < 1e30))
        return cril_fail(err, CRIL_ERR_FORMAT, "%s: rope frequency base %g is out of range", path,
                         base);
    if (!(r->freq = calloc(r->n_rot / 2, sizeof(float))))
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", path);
    for (size_t i = 0; i < r->n_rot / 2; i++)
        r->freq[i] = (float)plain_frequency(base, i, r->n_rot);
    return CRIL_OK;
}

static cril_status read_width(const cril_model *m, size_t *n_rot, cril_error *err)
{
    uint64_t n = m->config.head_dim;
    const cril_status st = cril_key_opt_uint(m, "rope.dimension_count", &n, err);

    if (st != CRIL_OK)
        return st;
    if (!n || n % 2 || n > m->config.head_dim)
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: the rotation turns %llu elements of a head's %zu (key "
                         "'%s.rope.dimension_count'); an even number of them must turn",
                         m->path, (unsigned long long)n, m->config.head_dim,
                         m->family->architecture);
    *n_rot = (size_t)n;
    return CRIL_OK;
}

/* Sine and cosine are exact for the angles of all positions (util/fmath.h). */
static cril_status check_angles(const cril_model *m, const struct cril_rope *r, cril_error *err)
{
    for (size_t i = 0; i < r->n_rot / 2; i++)
        if (!((double)r->freq[i] * (double)m->config.n_ctx < CRIL_SINCOS_MAX))
            return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                             "%s: pair %zu of a head turns by %g a position, which in a context of "
                             "%zu is beyond the angles that cril computes exactly (%g); the "
                             "file's scaling of the rotation is damaged, or its context too long",
                             m->path, i, (double)r->freq[i], m->config.n_ctx, CRIL_SINCOS_MAX);
    return CRIL_OK;
}

cril_status cril_rope_configure(cril_model *m, double base, bool halves,
                                const struct cril_tensor *divisors, struct cril_rope *r,
                                cril_error *err)
{
    struct scaling scaling = {0};
    size_t n_rot = 0;
    cril_status st;

    if ((st = read_width(m, &n_rot, err)) != CRIL_OK ||
        (st = read_scaling(m, &scaling, err)) != CRIL_OK)
        return st;
    *r = (struct cril_rope){.n_rot = n_rot, .halves = halves, .magnitude = 1};
    if ((st = cril_rope_plain(base, r, m->path, err)) != CRIL_OK)
        return st;
    if (divisors && scaling.kind != SCALING_NONE)
        return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                         "%s: tensor %s divides the frequencies of the rotation, which key "
                         "'%s.rope.scaling.factor' (%g) divides too; cril does one or the other",
                         m->path, divisors->name, m->family->architecture, scaling.factor);
    if (divisors)
        st = divide(m, divisors, base, r, err);
    else if (scaling.kind == SCALING_YARN)
        st = yarn(m, base, scaling.factor, r, err);
    else if (scaling.kind == SCALING_LLAMA3)
        st = blend(m, base, scaling.factor, r, err);
    for (size_t i = 0; scaling.kind == SCALING_LINEAR && i < n_rot / 2; i++)
        r->freq[i] = (float)(plain_frequency(base, i, n_rot) / scaling.factor);
    return st == CRIL_OK ? check_angles(m, r, err) : st;
}

cril_status cril_rope_local(cril_model *m, double base, cril_error *err)
{
    struct cril_rope *const r = &m->rope[1];

    *r = (struct cril_rope){.n_rot = m->rope[0].n_rot, .halves = m->rope[0].halves, .magnitude = 1};
    for (size_t i = 0; i < m->config.n_layers; i++)
        m->layers[i].rope = m->layers[i].window ? 1 : 0;
    return cril_rope_plain(base, r, m->path, err);
}
