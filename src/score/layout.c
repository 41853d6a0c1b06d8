#include "score/layout.h"

#include "util/fail.h"

#include <cril/tokenizer.h>

static cril_status check_context(const struct cril_protocol *p, const cril_model *m, size_t context,
                                 cril_error *err)
{
    const size_t max = cril_model_max_window(m);

    if (context > max)
        return cril_fail(err, CRIL_ERR_RANGE,
                         "%s: runs windows of at most %zu tokens, not %zu; set the context "
                         "(--context) to %zu or less",
                         cril_model_path(m), max, context, max);
    if (context < p->min_context)
        return cril_fail(err, CRIL_ERR_RANGE,
                         "the protocol %s needs a context of at least %zu tokens, not %zu", p->name,
                         p->min_context, context);
    return CRIL_OK;
}

/* asked: the stride that the caller wants; 0: none. */
static cril_status check_stride(const struct cril_protocol *p, const struct cril_layout *l,
                                size_t asked, cril_error *err)
{
    if (asked && !p->stride)
        return cril_fail(err, CRIL_ERR_RANGE,
                         "the protocol %s has no stride; its windows follow each other", p->name);
    if (l->stride > l->context)
        return cril_fail(err, CRIL_ERR_RANGE,
                         "a stride of %zu tokens would leave tokens out at a context of %zu; set "
                         "it to %zu or less",
                         l->stride, l->context, l->context);
    return CRIL_OK;
}

static cril_status choose_first_token(const struct cril_protocol *p, const cril_model *m,
                                      int32_t *out, cril_error *err)
{
    const cril_tokenizer *t = cril_model_tokenizer(m);

    *out = -1;
    switch (p->first_token) {
    case CRIL_FIRST_NONE: break;
    case CRIL_FIRST_ADDED_BOS:
        if (cril_tokenizer_adds_bos(t))
            *out = cril_tokenizer_bos(t);
        break;
    case CRIL_FIRST_ANY:
        *out = cril_tokenizer_bos(t) >= 0 ? cril_tokenizer_bos(t) : cril_tokenizer_eos(t);
        if (*out < 0)
            return cril_fail(
                err, CRIL_ERR_UNSUPPORTED,
                "%s: its tokenizer names neither a BOS nor an EOS token, one of which the "
                "protocol %s puts first; choose another protocol",
                cril_model_path(m), p->name);
        break;
    }
    return CRIL_OK;
}

cril_status cril_layout_choose(const struct cril_protocol *p, const cril_model *m, size_t context,
                               size_t stride, struct cril_layout *out, cril_error *err)
{
    struct cril_layout l;
    cril_status st;

    cril_protocol_lay(p, context, stride, cril_model_context(m), &l);
    if ((st = check_context(p, m, l.context, err)) != CRIL_OK ||
        (st = check_stride(p, &l, stride, err)) != CRIL_OK ||
        (st = choose_first_token(p, m, &l.first_token, err)) != CRIL_OK)
        return st;
    *out = l;
    return CRIL_OK;
}
