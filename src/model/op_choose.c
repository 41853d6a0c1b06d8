/*
 * The choice of experts from a router's logits: Shazeer et al. 2017, section 2.1, as Mixtral, Qwen,
 * OLMoE and DeepSeek have it (doc/numerics.md, "Mixtures"). The work is small beside that of the
 * experts, so the fast form is the plain one.
 */
#include "model/op.h"

#include "model/plain.h"
#include "util/fmath.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

/* s = softmax(l) */
static void softmax(const float *l, size_t n, float *s)
{
    float max = l[0], sums[16] = {0};

    for (size_t i = 1; i < n; i++)
        max = l[i] > max ? l[i] : max;
    for (size_t i = 0; i < n; i++) {
        s[i] = cril_expf(l[i] - max);
        sums[i % 16] += s[i];
    }
    const float sum = cril_plain_tree(sums);
    for (size_t i = 0; i < n; i++)
        s[i] /= sum;
}

/* The largest of x [n] that is not taken, the lowest of equals; one is not. */
static size_t best_of(const float *x, const bool *taken, size_t n)
{
    size_t best = 0;

    while (taken[best])
        best++;
    for (size_t i = best + 1; i < n; i++)
        if (!taken[i] && x[i] > x[best])
            best = i;
    return best;
}

/* What a group of n experts counts: its best score, or the sum of its best two. */
static float group_score(const float *x, size_t n, bool by_two)
{
    bool taken[CRIL_MAX_EXPERTS];
    size_t best;

    memset(taken, 0, n);
    best = best_of(x, taken, n);
    if (!by_two)
        return x[best];
    taken[best] = true;
    return x[best] + x[best_of(x, taken, n)];
}

/* Takes all experts but those of the best groups. */
static void exclude_groups(const struct cril_mixture *x, const float *scores, bool *taken)
{
    const size_t n = x->n_experts / x->n_groups;
    float groups[CRIL_MAX_EXPERTS];
    bool used[CRIL_MAX_EXPERTS];

    memset(used, 0, x->n_groups);
    for (size_t g = 0; g < x->n_groups; g++)
        groups[g] = group_score(scores + g * n, n, x->groups_by_two);
    for (size_t i = 0; i < x->n_groups_used; i++)
        used[best_of(groups, used, x->n_groups)] = true;
    for (size_t i = 0; i < x->n_experts; i++)
        taken[i] = !used[i / n];
}

/* Marks the chosen experts. scores: those by which they are chosen. */
static void choose_best(const struct cril_mixture *x, const float *scores, bool *chosen)
{
    bool taken[CRIL_MAX_EXPERTS];

    memset(taken, 0, x->n_experts);
    if (x->n_groups)
        exclude_groups(x, scores, taken);
    for (size_t i = 0; i < x->n_used; i++) {
        const size_t best = best_of(scores, taken, x->n_experts);

        chosen[best] = taken[best] = true;
    }
}

/* weights [n_used] of the chosen experts, whose scores they hold before. */
static void weigh(const struct cril_mixture *x, float *weights)
{
    float sum = 0;

    for (size_t i = 0; i < x->n_used; i++)
        sum += weights[i];
    for (size_t i = 0; i < x->n_used; i++) {
        if (x->normed)
            weights[i] /= sum + 1e-20f;
        weights[i] *= x->factor;
    }
}

/* logits [n_experts], bias [n_experts] or NULL -> out [2 * n_used] */
static void choose(const struct cril_mixture *x, const float *logits, const float *bias, float *out)
{
    float scores[CRIL_MAX_EXPERTS], biased[CRIL_MAX_EXPERTS];
    bool chosen[CRIL_MAX_EXPERTS]; /* of the most that there can be; the first n_experts count */
    size_t n = 0;

    memset(chosen, 0, x->n_experts);
    if (x->sigmoid)
        for (size_t i = 0; i < x->n_experts; i++)
            scores[i] = 1.0f / (1.0f + cril_expf(-logits[i]));
    else
        softmax(logits, x->n_experts, scores);
    for (size_t i = 0; i < x->n_experts; i++)
        biased[i] = bias ? scores[i] + bias[i] : scores[i];
    choose_best(x, biased, chosen);
    for (size_t i = 0; i < x->n_experts; i++)
        if (chosen[i]) {
            out[n] = (float)i;
            out[x->n_used + n++] = scores[i];
        }
    weigh(x, out + x->n_used);
}

static size_t bias_width(const cril_model *m, size_t layer, const struct cril_step *s)
{
    return cril_buffer_width(m, layer, s->in);
}

static void choose_rows(const struct cril_pass *p, const struct cril_block *b)
{
    for (size_t i = 0; i < b->n; i++)
        choose(&p->m->config.mixture, cril_block_row(b, p->step->in, i), cril_pass_vector(p),
               cril_block_row(b, p->step->out, i));
}

static void choose_token(const struct cril_token *t, const struct cril_step *s)
{
    choose(&t->m->config.mixture, t->buffer[s->in], t->m->layers[t->layer].vector[s->w],
           t->buffer[s->out]);
}

const struct cril_op cril_op_choose = {.form = CRIL_BY_ROWS,
                                       .vector = bias_width,
                                       .neutral = 0,
                                       .rows = choose_rows,
                                       .plain = choose_token};
