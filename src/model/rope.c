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

/*
 * YaRN (Peng et al. 2023, section 3.2): slow pairs are interpolated, fast ones left, a ramp between
 * the pairs that turn beta_fast and beta_slow times in the original context; magnitude 0.1
 * ln(factor) + 1.
 */
static cril_status yarn(cril_model *m, double base, double factor, struct cril_rope *r,
                        cril_error *err)
{
    const double turn = 6.283185307179586, n = (double)r->n_rot;
    double fast = 32, slow = 1, attention = 1;
    uint64_t context = 0;
    cril_status st;
    if ((st = cril_key_uint(m, "rope.scaling.original_context_length", &context, err)) != CRIL_OK ||
        (st = cril_key_opt_float(m, "rope.scaling.yarn_beta_fast", &fast, err)) != CRIL_OK ||
        (st = cril_key_opt_float(m, "rope.scaling.yarn_beta_slow", &slow, err)) != CRIL_OK ||
        (st = cril_key_opt_float(m, "rope.scaling.attn_factor", &attention, err)) != CRIL_OK)
        return st;
    if (cril_key_find(m, "rope.scaling.yarn_log_multiplier") || !(fast > 0 && slow > 0) || !context)
        return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                         "%s: this form of YaRN scaling is not known to cril", m->path);
    double low = floor(n * cril_log((double)context / (fast * turn)) / (2 * cril_log(base)));
    double high = ceil(n * cril_log((double)context / (slow * turn)) / (2 * cril_log(base)));
    low = low < 0 ? 0 : low;
    high = high > n - 1 ? n - 1 : high;
    double width = high - low < 0.001 ? 0.001 : high - low;
    for (size_t i = 0; i < r->n_rot / 2; i++) {
        double f = plain_frequency(base, i, r->n_rot), t = ((double)i - low) / width;
        t = t < 0 ? 0 : t > 1 ? 1 : t;
        r->freq[i] = (float)(f / factor * t + f * (1 - t));
    }
    r->magnitude = (float)((0.1 * cril_log(factor) + 1) * attention);
    return CRIL_OK;
}

/* Llama 3: the file holds a divisor for each pair. */
static cril_status divisors(cril_model *m, const struct gguf_tensor *t, double base,
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

cril_status cril_rope_configure(cril_model *m, double base, bool halves, struct cril_rope *r,
                                cril_error *err)
{
    uint64_t n_rot = m->config.head_dim;
    double factor = 1;
    cril_status st;
    if ((st = cril_key_opt_uint(m, "rope.dimension_count", &n_rot, err)) != CRIL_OK ||
        (st = cril_key_opt_float(m, "rope.scale_linear", &factor, err)) != CRIL_OK ||
        (st = cril_key_opt_float(m, "rope.scaling.factor", &factor, err)) != CRIL_OK)
        return st;
    if (!n_rot || n_rot % 2 || n_rot > m->config.head_dim || !(factor >= 0 && factor < 1e6))
        return cril_fail(err, CRIL_ERR_FORMAT,
                         "%s: rope.dimension_count or rope.scaling.factor is out of range",
                         m->path);
    if (factor == 0) /* written by converters for "none" */
        factor = 1;
    *r = (struct cril_rope){.n_rot = (size_t)n_rot, .halves = halves, .magnitude = 1};
    if ((st = cril_rope_plain(base, r, m->path, err)) != CRIL_OK)
        return st;

    const struct gguf_kv *type = cril_key_find(m, "rope.scaling.type");
    struct gguf_string name = type && type->type == GGUF_STRING && !type->is_array
                                  ? type->strings[0]
                              : factor != 1 ? (struct gguf_string){"linear", 6}
                                            : (struct gguf_string){"none", 4};
    const struct gguf_tensor *freqs = cril_model_take(m, "rope_freqs.weight");
    if (name.len == 4 && memcmp(name.data, "yarn", 4) == 0 && factor > 1)
        return yarn(m, base, factor, r, err);
    bool linear = name.len == 6 && memcmp(name.data, "linear", 6) == 0;
    if (!linear && !(name.len == 4 &&
                     (memcmp(name.data, "none", 4) == 0 || memcmp(name.data, "yarn", 4) == 0)))
        return cril_fail(
            err, CRIL_ERR_UNSUPPORTED,
            "%s: rope scaling \"%.*s\" is not known to cril (none, linear, yarn, Llama 3 are)",
            m->path, (int)(name.len > 60 ? 60 : name.len), name.data);
    if (freqs)
        return divisors(m, freqs, base, r, err);
    for (size_t i = 0; linear && i < r->n_rot / 2; i++)
        r->freq[i] = (float)(plain_frequency(base, i, r->n_rot) / factor);
    return CRIL_OK;
}
