/*
 * The rules are those of lm_eval/api/model.py (_encode_pair, loglikelihood), lm_eval/utils.py
 * (get_rolling_token_windows) and lm_eval/models/huggingface.py (tok_encode, generate_until) of
 * lm-evaluation-harness 0.4.13. Of the tokens that a tokenizer adds by itself, BOS counts alone: an
 * EOS behind a context would end the text before its continuation.
 */
#include "tasks/item_windows.h"

#include "score/protocol.h"
#include "tokenizer/tokenizer.h"
#include "util/fail.h"

#include <stdio.h>
#include <string.h>

/* ---- Setting up ---- */

static bool adds_bos(const cril_model *m, enum cril_bos_rule rule)
{
    const cril_tokenizer *t = cril_model_tokenizer(m);

    if (!cril_tokenizer_adds_bos(t) || rule == CRIL_BOS_NONE)
        return false;
    return rule == CRIL_BOS_TOKENIZER || strncmp(cril_model_architecture(m), "gemma", 5) == 0;
}

cril_status cril_windower_init(struct cril_windower *w, const cril_model *m,
                               const struct cril_task_protocol *p, bool no_bos, bool special,
                               cril_error *err)
{
    const cril_tokenizer *t = cril_model_tokenizer(m);
    const struct cril_spec *spec = cril_tokenizer_spec(t);
    const int32_t bos = cril_tokenizer_bos(t);

    *w = (struct cril_windower){.tokenizer = t,
                                .encode = special ? CRIL_ENCODE_SPECIAL : CRIL_ENCODE_TEXT,
                                .bos = !no_bos && adds_bos(m, p->bos) ? bos : -1,
                                .prefix = bos >= 0 ? bos : cril_tokenizer_eos(t),
                                .window = p->window ? p->window : cril_model_context(m),
                                .cut_right = p->cut_right,
                                .shortens_answer = p->shortens_answer};
    if (w->window > cril_model_max_window(m))
        return cril_fail(err, CRIL_ERR_RANGE,
                         "%s: takes at most %zu tokens, but protocol %s has windows of %zu; give a "
                         "shorter one (--window)",
                         cril_model_path(m), cril_model_max_window(m), p->name, w->window);
    return cril_specials_build(spec->added, spec->n_added, false, &w->raw, err);
}

void cril_windower_free(struct cril_windower *w)
{
    cril_specials_clear(&w->raw);
    cril_pair_free(&w->pair);
    cril_ids_free(&w->scratch);
}

/* ---- Texts ---- */

/* Notes the first look-alike of a control token, unless those are read as tokens anyway. */
static void look_for_control(struct cril_windower *w, struct cril_bytes text)
{
    const struct cril_spec *spec = cril_tokenizer_spec(w->tokenizer);

    if (w->encode == CRIL_ENCODE_SPECIAL || w->saw_control)
        return;
    for (size_t i = 0; i < text.len; i++) {
        size_t n = 0;
        const int32_t k = cril_specials_match(&w->raw, text.data + i, text.len - i, true, &n);

        if (k >= 0 && spec->added[k].control) {
            w->saw_control = true;
            snprintf(w->control, sizeof(w->control), "%.*s", n > 60 ? 60 : (int)n, text.data + i);
            return;
        }
    }
}

/* What tokenising came to: a text that this tokenizer cannot say is a fault of the item. */
static cril_status may_fail(cril_status st, const cril_error *why, struct cril_fault *fault,
                            cril_error *err)
{
    if (st == CRIL_ERR_RANGE || st == CRIL_ERR_UNSUPPORTED) {
        snprintf(fault->text, sizeof(fault->text), "cannot be tokenised: %.400s", why->message);
        return CRIL_OK;
    }
    return st == CRIL_OK ? st : cril_fail(err, st, "%s", why->message);
}

/* Appends the ids of a text behind the token that opens it, unless they begin with that; -1: none
 * does. */
static cril_status push_opened(int32_t opening, const cril_ids *text, cril_ids *ids,
                               cril_error *err)
{
    cril_status st = CRIL_OK;

    if (opening >= 0 && !(text->n && text->data[0] == opening))
        st = cril_ids_push(ids, opening, err);
    for (size_t i = 0; i < text->n && st == CRIL_OK; i++)
        st = cril_ids_push(ids, text->data[i], err);
    return st;
}

/* With the BOS of a context. */
static cril_status encode_context(struct cril_windower *w, struct cril_bytes text, cril_ids *ids,
                                  struct cril_fault *fault, cril_error *err)
{
    cril_error why = {0};
    cril_status st;

    w->scratch.n = 0;
    st = cril_tokenizer_encode(w->tokenizer, text.len ? text.data : "", text.len, w->encode,
                               &w->scratch, &why);
    if ((st = may_fail(st, &why, fault, err)) != CRIL_OK || fault->text[0])
        return st;
    return push_opened(w->bos, &w->scratch, ids, err);
}

/* ---- Continuations ---- */

/* Drops what is too much of the context in ids [at ..]: a window has one id more than inputs. */
static void cut_left(const struct cril_windower *w, cril_ids *ids, struct cril_laid *laid)
{
    const size_t n = ids->n - laid->at;

    laid->cut = n > w->window + 1 ? n - w->window - 1 : 0;
    memmove(ids->data + laid->at, ids->data + laid->at + laid->cut,
            (n - laid->cut) * sizeof(*ids->data));
    ids->n -= laid->cut;
    laid->n = n - laid->cut;
    laid->first -= laid->cut;
}

/* The sequence of w->pair; continuation: as the item has it. */
static cril_status lay(struct cril_windower *w, struct cril_bytes continuation, cril_ids *ids,
                       struct cril_laid *out, struct cril_fault *fault, cril_error *err)
{
    const struct cril_pair *p = &w->pair;
    const bool has_context = p->continuation > p->text && (w->bos >= 0 || p->n_prompt);
    const int32_t opening = has_context ? w->bos : w->prefix;
    size_t n = p->ids.n - p->n_prompt;
    cril_status st;

    if (!has_context && opening < 0) {
        snprintf(fault->text, sizeof(fault->text),
                 "has an empty context, but the tokenizer has neither BOS nor EOS to put there");
        return CRIL_OK;
    }
    if ((st = push_opened(opening, &p->ids, ids, err)) != CRIL_OK)
        return st;
    if (n && !p->n_prompt && p->ids.data[0] == opening)
        n--; /* it stands for the context */
    out->first = ids->n - out->at - n;
    if (!n)
        snprintf(fault->text, sizeof(fault->text),
                 "the continuation \"%.*s\" has no token of its own, it is joined to the "
                 "context's last one, so there is nothing to score",
                 CRIL_SHOWN(continuation));
    else if (n > w->window)
        snprintf(fault->text, sizeof(fault->text),
                 "the continuation \"%.*s\" has %zu tokens, more than the window of %zu",
                 CRIL_SHOWN(continuation), n, w->window);
    else
        cut_left(w, ids, out);
    return CRIL_OK;
}

cril_status cril_windower_continue(struct cril_windower *w, struct cril_bytes context,
                                   struct cril_bytes continuation, cril_ids *ids,
                                   struct cril_laid *out, struct cril_fault *fault, cril_error *err)
{
    struct cril_pair *p = &w->pair;
    cril_error why = {0};
    cril_status st = cril_pair_encode(p, w->tokenizer, context.data, context.len, continuation.data,
                                      continuation.len, w->encode, &why);

    fault->text[0] = '\0';
    *out = (struct cril_laid){.at = ids->n};
    if ((st = may_fail(st, &why, fault, err)) != CRIL_OK)
        return st;
    look_for_control(w, (struct cril_bytes){p->text, context.len + continuation.len});
    if (!fault->text[0])
        st = lay(w, continuation, ids, out, fault, err);
    if (st != CRIL_OK || fault->text[0])
        ids->n = out->at;
    return st;
}

/* ---- Prompts ---- */

/* The ids of a prompt, uncut. */
static cril_status encode_prompt(struct cril_windower *w, struct cril_bytes prompt, cril_ids *ids,
                                 struct cril_fault *fault, cril_error *err)
{
    const size_t before = ids->n;
    const cril_status st = encode_context(w, prompt, ids, fault, err);

    if (st != CRIL_OK || fault->text[0] || ids->n > before)
        return st;
    if (w->prefix >= 0)
        return cril_ids_push(ids, w->prefix, err);
    snprintf(fault->text, sizeof(fault->text),
             "the prompt is empty, and the tokenizer has neither BOS nor EOS to put there");
    return CRIL_OK;
}

cril_status cril_windower_prompt(struct cril_windower *w, struct cril_bytes prompt,
                                 size_t max_tokens, cril_ids *ids, struct cril_laid *out,
                                 struct cril_fault *fault, cril_error *err)
{
    const size_t answer = w->shortens_answer ? 1 : max_tokens;
    const size_t most = w->window > answer ? w->window - answer : 0; /* ids of the prompt */
    cril_status st;
    size_t n;

    fault->text[0] = '\0';
    *out = (struct cril_laid){.at = ids->n};
    if (!most) {
        snprintf(fault->text, sizeof(fault->text),
                 "the window of %zu tokens leaves no room for a prompt before %zu generated ones",
                 w->window, max_tokens);
        return CRIL_OK;
    }
    look_for_control(w, prompt);
    st = encode_prompt(w, prompt, ids, fault, err);
    if (st != CRIL_OK || fault->text[0]) {
        ids->n = out->at;
        return st;
    }
    n = ids->n - out->at;
    out->cut = n > most ? n - most : 0;
    out->n = out->first = n - out->cut;
    out->room = w->window - out->n < max_tokens ? w->window - out->n : max_tokens;
    if (!w->cut_right)
        memmove(ids->data + out->at, ids->data + out->at + out->cut, out->n * sizeof(*ids->data));
    ids->n -= out->cut;
    return CRIL_OK;
}

/* ---- Texts alone ---- */

/* Appends the inputs of a window and its last target. */
static cril_status add_span(const struct cril_span *span, const int32_t *text, cril_ids *ids,
                            struct cril_laid *out, cril_error *err)
{
    cril_status st = CRIL_OK;

    *out = (struct cril_laid){.at = ids->n};
    if (span->first_token >= 0)
        st = cril_ids_push(ids, span->first_token, err);
    for (uint64_t i = span->from; i < span->end && st == CRIL_OK; i++)
        st = cril_ids_push(ids, text[i], err);
    out->n = ids->n - out->at;
    out->first = out->n - (size_t)(span->end - span->first);
    return st;
}

cril_status cril_windower_roll(struct cril_windower *w, struct cril_bytes text, cril_ids *ids,
                               cril_ids *text_ids,
                               cril_status (*add)(void *user, const struct cril_laid *laid,
                                                  cril_error *err),
                               void *user, struct cril_fault *fault, cril_error *err)
{
    const struct cril_protocol *rolling = cril_protocol_find("rolling");
    const struct cril_layout l = {
        .context = w->window, .stride = w->window, .first_token = w->prefix, .rules = CRIL_RULES};
    struct cril_laid laid;
    struct cril_span span;
    cril_status st;

    fault->text[0] = '\0';
    look_for_control(w, text);
    if ((st = encode_context(w, text, text_ids, fault, err)) != CRIL_OK || fault->text[0])
        return st;
    if (!text_ids->n || w->prefix < 0) {
        snprintf(fault->text, sizeof(fault->text), "%s",
                 text_ids->n ? "the tokenizer has neither BOS nor EOS to put before a text"
                             : "the text has no token");
        return CRIL_OK;
    }
    for (uint64_t k = 0; st == CRIL_OK && rolling->window(&l, k, text_ids->n, true, &span); k++) {
        st = add_span(&span, text_ids->data, ids, &laid, err);
        if (st == CRIL_OK)
            st = add(user, &laid, err);
    }
    return st;
}
