#include "model/rope.h"

#include "model/model.h"
#include "util/fail.h"
#include "util/fmath.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* base^(-2i/n) */
static double plain_frequency(double base, size_t i, size_t n)
{
    return cril_exp(-2.0 * (double)i / (double)n * cril_log(base));
}

/* ---- Lengths ---- */

/* The smallest power of two times the limit that is no less than n. */
static size_t step_of(const struct cril_rope *r, size_t n)
{
    size_t step = r->limit;

    while (step < n && step <= SIZE_MAX / 2)
        step *= 2;
    return step;
}

size_t cril_rope_class(const struct cril_rope *r, size_t n)
{
    if (!r->limit || n <= r->limit)
        return 0;
    switch (r->growth) {
    case CRIL_ROPE_LONG: return r->limit + 1;
    case CRIL_ROPE_DYNAMIC: return n;
    default: return step_of(r, n);
    }
}

/* Of passes of n inputs, more than the limit. Dynamic scaling as transformers'
 * modeling_rope_utils.py has it; Qwen 1's as modeling_qwen.py, get_ntk_alpha. */
static double grown_base(const struct cril_rope *r, size_t n)
{
    const double width = (double)r->n_rot, limit = (double)r->limit,
                 ratio = r->growth == CRIL_ROPE_DYNAMIC
                             ? r->factor * (double)n / limit - (r->factor - 1)
                             : 2 * (double)step_of(r, n) / limit - 1;

    return r->base * cril_exp(cril_log(ratio) * width / (width - 2));
}

void cril_rope_row(const struct cril_rope *r, size_t n, size_t p, float *c, float *s)
{
    const bool is_long = cril_rope_class(r, n) != 0, grows = is_long && !r->long_freq;
    const float *const freq = is_long ? r->long_freq : r->freq;
    const double base = grows ? grown_base(r, n) : 0;

    for (size_t i = 0; i < r->n_rot / 2; i++) {
        const float angle =
            (float)p * (grows ? (float)plain_frequency(base, i, r->n_rot) : freq[i]);
        double sine, cosine;

        cril_sincos(angle, &sine, &cosine);
        c[i] = (float)cosine * r->magnitude;
        s[i] = (float)sine * r->magnitude;
    }
}

/* ---- Frequencies ---- */

/* How the file changes the frequencies. */
struct scaling {
    enum scaling_kind {
        SCALING_NONE,
        SCALING_LINEAR,
        SCALING_YARN,
        SCALING_LLAMA3,
        SCALING_DYNAMIC,
        SCALING_STEPS,
        SCALING_LONG
    } kind;
    double factor; /* > 0 */
};

static cril_status read_kind(const cril_model *m, enum scaling_kind *kind, cril_error *err)
{
    static const char *const names[] = {
        [SCALING_NONE] = "none",       [SCALING_LINEAR] = "linear",
        [SCALING_YARN] = "yarn",       [SCALING_LLAMA3] = "llama3",
        [SCALING_DYNAMIC] = "dynamic", [SCALING_STEPS] = "dynamic_steps",
        [SCALING_LONG] = "longrope"};
    struct cril_bytes name = {"linear", 6}; /* what files mean that name only a factor */
    const cril_status st = cril_key_opt_string(m, "rope.scaling.type", &name, err);

    if (st != CRIL_OK)
        return st;
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (cril_bytes_are(name, names[i])) {
            *kind = (enum scaling_kind)i;
            return CRIL_OK;
        }
    return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                     "%s: key '%s.rope.scaling.type' is \"%.*s\", a rotation that cril does not "
                     "know (none, linear, yarn, llama3, dynamic, longrope are)",
                     m->path, m->family->architecture, CRIL_SHOWN(name));
}

static cril_status read_scaling(const cril_model *m, struct scaling *s, cril_error *err)
{
    double factor = 0;
    cril_status st;

    if ((st = read_kind(m, &s->kind, err)) != CRIL_OK ||
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
    if (factor == 1 && s->kind < SCALING_DYNAMIC) /* the others ask for the length too */
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

/* A divisor for each pair, d [n_rot / 2]; name: where they are, for the message. */
static cril_status divide(const cril_model *m, const char *name, const float *d, double base,
                          size_t n_rot, float *freq, cril_error *err)
{
    for (size_t i = 0; i < n_rot / 2; i++) {
        if (!(d[i] > 0))
            return cril_fail(err, CRIL_ERR_FORMAT, "%s: %s holds a divisor that is not positive",
                             m->path, name);
        freq[i] = (float)(plain_frequency(base, i, n_rot) / (double)d[i]);
    }
    return CRIL_OK;
}

/* The same of a tensor: Llama 3 and longrope in a GGUF. */
static cril_status divide_by_tensor(cril_model *m, const struct cril_tensor *t, double base,
                                    size_t n_rot, float *freq, cril_error *err)
{
    char name[128];
    float *d = NULL;
    cril_status st = cril_model_vector(m, t, n_rot / 2, &d, err);

    snprintf(name, sizeof(name), "tensor %s", t->name);
    if (st == CRIL_OK)
        st = divide(m, name, d, base, n_rot, freq, err);
    free(d);
    return st;
}

/* ---- By the length of a pass ---- */

/* Inputs up to which nothing changes. */
static cril_status read_limit(const cril_model *m, struct cril_rope *r, cril_error *err)
{
    uint64_t limit = 0;
    const cril_status st = cril_key_uint(m, "rope.scaling.original_context_length", &limit, err);

    if (st != CRIL_OK)
        return st;
    if (!limit || limit > UINT32_MAX)
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: key '%s.rope.scaling.original_context_length' is %llu, out of range",
                         m->path, m->family->architecture, (unsigned long long)limit);
    r->limit = (size_t)limit;
    return CRIL_OK;
}

static cril_status grow(const cril_model *m, double base, const struct scaling *s,
                        struct cril_rope *r, cril_error *err)
{
    if (r->n_rot < 4)
        return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                         "%s: the base of a rotation that turns %zu elements of a head cannot grow "
                         "with the length; it needs 4 or more",
                         m->path, r->n_rot);
    r->growth = s->kind == SCALING_DYNAMIC ? CRIL_ROPE_DYNAMIC : CRIL_ROPE_STEPS;
    r->base = base;
    r->factor = s->factor;
    return read_limit(m, r, err);
}

/* LongRoPE (Ding et al. 2024) keeps a divisor for each pair, for short passes and for long ones: in
 * tensors of a GGUF, in keys of a folder. */
static const struct {
    const char *tensor, *key;
} longrope[] = {{"rope_factors_short.weight", "rope.scaling.short_factors"},
                {"rope_factors_long.weight", "rope.scaling.long_factors"}};

static cril_status divide_by_key(const cril_model *m, const char *key, double base, size_t n_rot,
                                 float *freq, cril_error *err)
{
    const struct cril_value *const v = cril_key_find(m, key);
    char name[128];
    float *d;
    cril_status st;

    snprintf(name, sizeof(name), "key '%s.%s'", m->family->architecture, key);
    if (!v || !v->is_array || v->type != CRIL_VALUE_F32 || v->n != n_rot / 2)
        return cril_fail(err, CRIL_ERR_FORMAT, "%s: %s is not a list of %zu divisors, one a pair",
                         m->path, name, n_rot / 2);
    if (!(d = malloc(n_rot / 2 * sizeof(*d))))
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", m->path);
    for (size_t i = 0; i < n_rot / 2; i++)
        d[i] = (float)cril_value_float(v, i);
    st = divide(m, name, d, base, n_rot, freq, err);
    free(d);
    return st;
}

/* short: frequencies are those of short passes; long ones of the others. */
static cril_status divide_by_length(cril_model *m, double base, struct cril_rope *r,
                                    cril_error *err)
{
    float *const to[] = {r->freq, r->long_freq = calloc(r->n_rot / 2, sizeof(float))};
    const struct cril_tensor *t;
    cril_status st = CRIL_OK;

    if (!r->long_freq)
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", m->path);
    for (size_t k = 0; st == CRIL_OK && k < 2; k++) {
        if ((st = cril_model_take(m, longrope[k].tensor, &t, err)) == CRIL_OK)
            st = t ? divide_by_tensor(m, t, base, r->n_rot, to[k], err)
                   : divide_by_key(m, longrope[k].key, base, r->n_rot, to[k], err);
    }
    return st;
}

/* Its magnitude is sqrt(1 + ln(factor) / ln(limit)), unless the file names it. */
static cril_status longrope_magnitude(const cril_model *m, struct cril_rope *r, cril_error *err)
{
    const double factor = (double)m->config.n_ctx / (double)r->limit;
    double x =
        factor > 1 && r->limit > 1 ? sqrt(1 + cril_log(factor) / cril_log((double)r->limit)) : 1;
    const cril_status st = cril_key_opt_float(m, "rope.scaling.attn_factor", &x, err);

    if (st != CRIL_OK)
        return st;
    if (!(x > 0 && x < 1e3))
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: key '%s.rope.scaling.attn_factor' is %g, not in 0..1000", m->path,
                         m->family->architecture, x);
    r->magnitude = (float)x;
    return CRIL_OK;
}

static cril_status lengthen(cril_model *m, double base, struct cril_rope *r, cril_error *err)
{
    cril_status st = read_limit(m, r, err);

    r->growth = CRIL_ROPE_LONG;
    if (st == CRIL_OK)
        st = longrope_magnitude(m, r, err);
    return st == CRIL_OK ? divide_by_length(m, base, r, err) : st;
}

/* ---- All together ---- */

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

/* Positions, at most, of windows whose angles cril_sincos computes exactly (util/fmath.h), rounded
 * to fp32 as they are. */
static size_t max_positions(const struct cril_rope *r)
{
    const double max = CRIL_SINCOS_MAX - 16; /* two units of fp32 below */
    double positions = CRIL_MAX_WINDOW;

    for (size_t i = 0; r->freq && i < r->n_rot / 2; i++) {
        const double f = (double)r->freq[i], g = r->long_freq ? (double)r->long_freq[i] : f,
                     fast = f > g ? f : g;

        positions = fast * positions < max ? positions : floor(max / fast);
    }
    return (size_t)positions;
}

size_t cril_rope_max_window(const cril_model *m)
{
    size_t min = CRIL_MAX_WINDOW;

    for (size_t k = 0; k < CRIL_MAX_ROPES; k++) {
        const size_t n = max_positions(&m->rope[k]);

        min = n < min ? n : min;
    }
    return min;
}

static cril_status check_angles(const cril_model *m, const struct cril_rope *r, cril_error *err)
{
    const size_t max = max_positions(r);

    return m->config.n_ctx <= max
               ? CRIL_OK
               : cril_fail(err, CRIL_ERR_UNSUPPORTED,
                           "%s: the rotation is so fast that cril computes its angles exactly for "
                           "%zu positions at most (up to %g), and the context is %zu; the "
                           "file's scaling of the rotation is damaged, or its context too long",
                           m->path, max, CRIL_SINCOS_MAX, m->config.n_ctx);
}

/* A GGUF of longrope is known by its tensors. */
static bool has_longrope(const cril_model *m)
{
    return !cril_source_is_folder(m->source) &&
           cril_source_find_tensor(m->source, longrope[1].tensor);
}

static cril_status scale(cril_model *m, double base, const struct cril_tensor *divisors,
                         const struct scaling *s, struct cril_rope *r, cril_error *err)
{
    if (divisors)
        return divide_by_tensor(m, divisors, base, r->n_rot, r->freq, err);
    switch (s->kind) {
    case SCALING_LINEAR:
        for (size_t i = 0; i < r->n_rot / 2; i++)
            r->freq[i] = (float)(plain_frequency(base, i, r->n_rot) / s->factor);
        return CRIL_OK;
    case SCALING_YARN: return yarn(m, base, s->factor, r, err);
    case SCALING_LLAMA3: return blend(m, base, s->factor, r, err);
    case SCALING_DYNAMIC:
    case SCALING_STEPS: return grow(m, base, s, r, err);
    case SCALING_LONG: return lengthen(m, base, r, err);
    default: return CRIL_OK;
    }
}

cril_status cril_rope_configure(cril_model *m, double base, bool halves,
                                const struct cril_tensor *divisors, struct cril_rope *r,
                                cril_error *err)
{
    struct scaling scaling = {0};
    size_t n_rot = 0;
    cril_status st;

    if ((st = read_width(m, &n_rot, err)) != CRIL_OK ||
        (st = cril_key_opt_float(m, "rope.freq_base", &base, err)) != CRIL_OK ||
        (st = read_scaling(m, &scaling, err)) != CRIL_OK)
        return st;
    *r = (struct cril_rope){.n_rot = n_rot, .halves = halves, .magnitude = 1};
    if ((st = cril_rope_plain(base, r, m->path, err)) != CRIL_OK)
        return st;
    if (has_longrope(m))
        scaling.kind = SCALING_LONG;
    if (divisors && scaling.kind != SCALING_NONE)
        return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                         "%s: tensor %s divides the frequencies of the rotation, which key "
                         "'%s.rope.scaling.factor' (%g) divides too; cril does one or the other",
                         m->path, divisors->name, m->family->architecture, scaling.factor);
    st = scale(m, base, divisors, &scaling, r, err);
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

cril_status cril_model_rope(cril_model *m, double base, bool halves, cril_error *err)
{
    return cril_rope_configure(m, base, halves, NULL, &m->rope[0], err);
}
