/* Scales and limits that the config names: of a branch, of logits, of queries, keys and values. */
#include "model/op.h"

#include "util/fmath.h"

/* ---- Scales ---- */

static void scale_rows(const struct cril_pass *p, const struct cril_block *b, float scale)
{
    for (size_t i = 0; i < b->n; i++)
        p->k->scale(cril_block_row(b, p->step->out, i), scale, cril_pass_width(p, p->step->out));
}

static void scale_token(const struct cril_token *t, const struct cril_step *s, float scale)
{
    for (size_t i = 0; i < cril_buffer_width(t->m, t->layer, s->out); i++)
        t->buffer[s->out][i] *= scale;
}

static void scale_branch(const struct cril_pass *p, const struct cril_block *b)
{
    scale_rows(p, b, p->m->config.residual_scale);
}

static void scale_token_branch(const struct cril_token *t, const struct cril_step *s)
{
    scale_token(t, s, t->m->config.residual_scale);
}

const struct cril_op cril_op_scale_branch = {
    .form = CRIL_BY_ROWS, .reads_out = true, .rows = scale_branch, .plain = scale_token_branch};

static void scale_logits(const struct cril_pass *p, const struct cril_block *b)
{
    scale_rows(p, b, p->m->config.logit_scale);
}

static void scale_token_logits(const struct cril_token *t, const struct cril_step *s)
{
    scale_token(t, s, t->m->config.logit_scale);
}

const struct cril_op cril_op_scale_logits = {
    .form = CRIL_BY_ROWS, .reads_out = true, .rows = scale_logits, .plain = scale_token_logits};

/* ---- Queries that grow with their position (Su 2021, "Scaling attention by the logarithm of the
 * length"; Qwen 1's use_logn_attn) ---- */

/* 1 for the first log_length positions. */
static float log_scale(const cril_model *m, size_t position)
{
    const size_t length = m->config.log_length;
    return length && position >= length
               ? (float)(cril_log((double)position + 1) / cril_log((double)length))
               : 1;
}

static void log_scale_rows(const struct cril_pass *p, const struct cril_block *b)
{
    for (size_t i = 0; i < b->n; i++) {
        const float scale = log_scale(p->m, b->rows[i].position);
        if (scale > 1)
            p->k->scale(cril_block_row(b, p->step->out, i), scale,
                        cril_pass_width(p, p->step->out));
    }
}

static void log_scale_token(const struct cril_token *t, const struct cril_step *s)
{
    scale_token(t, s, log_scale(t->m, t->position));
}

const struct cril_op cril_op_log_scale = {
    .form = CRIL_BY_ROWS, .reads_out = true, .rows = log_scale_rows, .plain = log_scale_token};

/* ---- A cap on logits (Gemma Team 2024, section 2) ---- */

static void cap_logits(const struct cril_pass *p, const struct cril_block *b)
{
    const float cap = p->m->config.logit_cap;
    for (size_t i = 0; cap > 0 && i < b->n; i++)
        p->k->cap(cril_block_row(b, p->step->out, i), cap, cril_pass_width(p, p->step->out));
}

static void cap_token_logits(const struct cril_token *t, const struct cril_step *s)
{
    const float cap = t->m->config.logit_cap;
    float *const x = t->buffer[s->out];
    for (size_t i = 0; cap > 0 && i < cril_buffer_width(t->m, t->layer, s->out); i++)
        x[i] = cap * cril_tanhf(x[i] / cap);
}

const struct cril_op cril_op_cap_logits = {
    .form = CRIL_BY_ROWS, .reads_out = true, .rows = cap_logits, .plain = cap_token_logits};

/* ---- A limit (MPT's clip_qkv) ---- */

static void limit(float *x, size_t n, float max)
{
    for (size_t i = 0; max > 0 && i < n; i++) {
        x[i] = x[i] > max ? max : x[i];
        x[i] = x[i] < -max ? -max : x[i];
    }
}

static void limit_rows(const struct cril_pass *p, const struct cril_block *b)
{
    for (size_t i = 0; i < b->n; i++)
        limit(cril_block_row(b, p->step->out, i), cril_pass_width(p, p->step->out),
              p->m->config.qkv_limit);
}

static void limit_token(const struct cril_token *t, const struct cril_step *s)
{
    limit(t->buffer[s->out], cril_buffer_width(t->m, t->layer, s->out), t->m->config.qkv_limit);
}

const struct cril_op cril_op_limit = {
    .form = CRIL_BY_ROWS, .reads_out = true, .rows = limit_rows, .plain = limit_token};
