/*
 * A store as text: a line a row, tables in a fixed order, rows in the order of their keys. Names
 * stand in quotes, with \ before a quote, and else as cril_text_show makes them visible. A double
 * has the digits that are its bits; a standard error may be unknown.
 */
#include "study/store.h"

#include "util/fail.h"
#include "util/number.h"
#include "util/utf8.h"

#include <cril/text.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

struct dump {
    cril_store *store;
    FILE *f;
};

static void put_quoted(FILE *f, const char *text)
{
    putc('"', f);
    while (*text) { /* names are UTF-8 */
        const size_t n = strnlen(text, cril_utf8_width(*text));
        char shown[24];

        if (*text == '"')
            putc('\\', f);
        cril_text_show(text, n, true, shown, sizeof(shown));
        fputs(shown, f);
        text += n;
    }
    putc('"', f);
}

static void put_real(FILE *f, double value)
{
    char text[CRIL_NUMBER_SIZE];

    if (isnan(value)) {
        fputs("unknown", f);
        return;
    }
    fputs(cril_number_write(text, value, CRIL_NUMBER_EXACT), f);
}

static cril_status written(const struct dump *d, cril_error *err)
{
    return ferror(d->f) ? cril_fail(err, CRIL_ERR_IO, "%s: its dump cannot be written: %s",
                                    d->store->path, strerror(errno))
                        : CRIL_OK;
}

static cril_status on_model(void *user, const cril_store_model *m, cril_error *err)
{
    const struct dump *d = user;

    fprintf(d->f, "model %s ", m->sha256);
    put_quoted(d->f, m->architecture);
    fprintf(d->f, " parameters %" PRIu64 " bytes %" PRIu64 " context %" PRIu64 "\n", m->parameters,
            m->bytes, m->context);
    return written(d, err);
}

static cril_status on_corpus(void *user, const cril_store_corpus *c, cril_error *err)
{
    const struct dump *d = user;

    fprintf(d->f, "corpus %s text %s sha256 %s field ", c->id, c->text, c->sha256);
    put_quoted(d->f, c->field);
    fputs(" format ", d->f);
    put_quoted(d->f, c->format);
    fprintf(d->f,
            " limit %" PRIu64 " documents %" PRIu64 " characters %" PRIu64 " bytes %" PRIu64 "\n",
            c->limit, c->documents, c->characters, c->bytes);
    return written(d, err);
}

static cril_status on_text(void *user, const char *text, uint64_t n_documents, cril_error *err)
{
    const struct dump *d = user;

    fprintf(d->f, "text %s documents %" PRIu64 "\n", text, n_documents);
    return written(d, err);
}

static cril_status on_name(void *user, enum cril_name kind, const char *name, const char *id,
                           cril_error *err)
{
    const struct dump *d = user;

    fprintf(d->f, "name %s ", cril_name_kind(kind));
    put_quoted(d->f, name);
    fprintf(d->f, " %s\n", id);
    return written(d, err);
}

static cril_status on_baseline(void *user, const char *corpus_id, const cril_baseline *b,
                               cril_error *err)
{
    const struct dump *d = user;

    fprintf(d->f, "baseline %s ", corpus_id);
    put_quoted(d->f, b->name);
    fprintf(d->f, " %" PRIu64 "\n", b->bytes);
    return written(d, err);
}

static cril_status on_cell(void *user, const cril_cell *c, cril_error *err)
{
    const struct dump *d = user;

    fprintf(d->f, "%s model %s ", c->base[0] ? "divergence" : "cell", c->model);
    if (c->base[0])
        fprintf(d->f, "base %s ", c->base);
    fprintf(d->f, "text %s documents %" PRIu64 " protocol ", c->text, c->documents);
    put_quoted(d->f, c->protocol);
    fprintf(d->f, " context %" PRIu64 " stride %" PRIu64 " numerics %d rules %d\n", c->context,
            c->stride, c->numerics, c->rules);
    return written(d, err);
}

static cril_status on_document(void *user, const cril_document_score *x, cril_error *err)
{
    const struct dump *d = user;

    fprintf(d->f, "document %" PRIu64 " line %" PRIu64 " nats ", x->index, x->line);
    put_real(d->f, x->nats);
    fprintf(d->f,
            " tokens %" PRIu64 " scored %" PRIu64 " characters %" PRIu64 " bytes %" PRIu64
            " unspelled %" PRIu64 " escapes %" PRIu64 " ids %016" PRIx64 "\n",
            x->tokens, x->scored_tokens, x->characters, x->bytes, x->unspelled_characters,
            x->escape_bytes, x->token_ids);
    return written(d, err);
}

static cril_status on_divergence(void *user, const cril_document_divergence *x, cril_error *err)
{
    const struct dump *d = user;

    fprintf(d->f, "document %" PRIu64 " tokens %" PRIu64 " same top %" PRIu64 " kl ", x->index,
            x->tokens, x->same_top);
    put_real(d->f, x->kl);
    fputs(" nats ", d->f);
    put_real(d->f, x->nats);
    fputs(" base ", d->f);
    put_real(d->f, x->nats_base);
    putc('\n', d->f);
    return written(d, err);
}

static cril_status on_unicode(void *user, const cril_unicode *u, cril_error *err)
{
    const struct dump *d = user;

    fputs("unicode pcre2 ", d->f);
    put_quoted(d->f, u->pcre2);
    fputs(" utf8proc ", d->f);
    put_quoted(d->f, u->utf8proc);
    putc('\n', d->f);
    return written(d, err);
}

static cril_status on_benchmark(void *user, const cril_store_benchmark *b,
                                const cril_store_subject *subjects, size_t n, cril_error *err)
{
    const struct dump *d = user;

    fprintf(d->f, "benchmark %s task ", b->id);
    put_quoted(d->f, b->task);
    fputs(" protocol ", d->f);
    put_quoted(d->f, b->protocol);
    fprintf(d->f, " %s data %s limit %" PRIu64 " items %" PRIu64 "\n", b->protocol_sha256,
            b->data_sha256, b->limit, b->items);
    for (size_t i = 0; i < n; i++) {
        fputs("subject ", d->f);
        put_quoted(d->f, subjects[i].name);
        fprintf(d->f, " items %" PRIu64 " last %" PRIu64 "\n", subjects[i].items, subjects[i].last);
    }
    return written(d, err);
}

static cril_status on_item_cell(void *user, const cril_item_cell *c, cril_error *err)
{
    const struct dump *d = user;

    fprintf(d->f, "cell model %s task ", c->model);
    put_quoted(d->f, c->task);
    fprintf(d->f, " protocol %s data %s numerics %d rules %d\n", c->protocol_sha256, c->data_sha256,
            c->numerics, c->rules);
    return written(d, err);
}

/* A line is JSON without line ends. */
static cril_status on_item(void *user, const cril_store_item *item, cril_error *err)
{
    const struct dump *d = user;

    fputs("item ", d->f);
    put_quoted(d->f, item->subject);
    fprintf(d->f, " %" PRIu64 " %.*s\n", item->index, (int)item->len, item->line);
    return written(d, err);
}

static cril_status on_programs(void *user, const char *versions, cril_error *err)
{
    const struct dump *d = user;

    fputs("programs ", d->f);
    put_quoted(d->f, versions);
    putc('\n', d->f);
    return written(d, err);
}

static cril_status on_leak(void *user, const cril_store_leak *l, cril_error *err)
{
    const struct dump *d = user;

    fprintf(d->f,
            "leak model %s texts %s score %s numerics %d rules %d set %" PRIu64 " control %" PRIu64
            " auc ",
            l->model, l->texts, l->score, l->numerics, l->rules, l->n_set, l->n_control);
    put_real(d->f, l->auc);
    fputs(" low ", d->f);
    put_real(d->f, l->low);
    fputs(" high ", d->f);
    put_real(d->f, l->high);
    putc('\n', d->f);
    return written(d, err);
}

static cril_status on_import(void *user, cril_figure_kind kind, const cril_figure *row,
                             cril_error *err)
{
    const struct dump *d = user;

    fputs(kind == CRIL_FIGURE_BPC ? "bpc " : "score ", d->f);
    put_quoted(d->f, row->model);
    putc(' ', d->f);
    put_quoted(d->f, row->of);
    putc(' ', d->f);
    put_real(d->f, row->value);
    fputs(" se ", d->f);
    put_real(d->f, row->se);
    fputs(" source ", d->f);
    put_quoted(d->f, row->source);
    putc('\n', d->f);
    return written(d, err);
}

cril_status cril_store_dump(cril_store *s, FILE *f, cril_error *err)
{
    if (CRIL_LACKS(err, s, f))
        return CRIL_ERR_RANGE;

    struct dump d = {s, f};
    const struct cril_visit v = {.user = &d,
                                 .model = on_model,
                                 .corpus = on_corpus,
                                 .text = on_text,
                                 .name = on_name,
                                 .baseline = on_baseline,
                                 .cell = on_cell,
                                 .document = on_document,
                                 .unicode = on_unicode,
                                 .divergence_cell = on_cell,
                                 .divergence = on_divergence,
                                 .divergence_unicode = on_unicode,
                                 .benchmark = on_benchmark,
                                 .item_cell = on_item_cell,
                                 .item = on_item,
                                 .programs = on_programs,
                                 .item_unicode = on_unicode,
                                 .leak = on_leak,
                                 .import = on_import};
    cril_status st = cril_store_begin(s, false, err);

    if (st != CRIL_OK)
        return st;
    fprintf(f, "cril study %d\n", (int)CRIL_STORE_SCHEMA);
    st = cril_store_end(s, cril_store_visit(s, &v, err), err);
    if (st == CRIL_OK && fflush(f) != 0)
        st = written(&d, err);
    return st;
}
