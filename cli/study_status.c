/* cril study status: which cells of a study are done, and their figures. Reads the database only,
 * whoever writes to it. */
#include "args.h"
#include "output.h"
#include "cmd_study.h"
#include "studying.h"
#include "table.h"

#include <cril/store.h>
#include <cril/study.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct settings {
    bool json;
};

static const struct cril_option options[] = {
    {.group = "Options",
     .name = "json",
     .kind = CRIL_OPTION_FLAG,
     .offset = offsetof(struct settings, json),
     .help = "JSON instead of a table"},
    {.name = NULL},
};

static void more_help(void)
{
    fputs("\nA cell is a model on a corpus by a protocol. One that no run has reached yet has no\n"
          "documents; a corpus that none has read has no number of them.\n"
          "\nExit code: 0 all cells are complete, 1 some are not.\n",
          stdout);
}

struct row {
    const cril_study_model *model;
    const cril_study_corpus *corpus;
    const cril_study_protocol *protocol;
    char label[64];           /* of the protocol */
    uint64_t documents, done; /* documents 0: not known yet */
    bool complete;
    double bpc, bpc_with_escapes;
    uint64_t unspelled_characters, unspelled_documents;
    cril_interval interval;
};

struct run {
    struct settings set;
    const cril_study_info *s;
    cril_store *store;
    struct row *rows; /* [n] */
    size_t n, n_complete;
};

static cril_status read_cell(struct run *r, struct row *row, const cril_store_model *m,
                             const cril_store_corpus *c, cril_error *err)
{
    cril_slice *missing;
    cril_result result;
    cril_cell cell;
    size_t n;
    cril_status st;

    if ((st = cril_cell_of(m, c, row->protocol, &cell, err)) != CRIL_OK ||
        (st = cril_store_missing(r->store, &cell, c->documents, &missing, &n, err)) != CRIL_OK)
        return st;
    row->documents = row->done = c->documents;
    for (size_t i = 0; i < n; i++)
        row->done -= missing[i].to - missing[i].from;
    free(missing);
    row->complete = row->done == row->documents;
    if (!row->complete ||
        (st = cril_store_result(r->store, &cell, c, NULL, &result, err)) != CRIL_OK)
        return st;
    row->bpc = cril_result_bpc(&result);
    row->bpc_with_escapes = cril_result_bpc_with_escapes(&result);
    row->unspelled_characters = result.unspelled_characters;
    row->unspelled_documents = result.unspelled_documents;
    row->interval = result.interval;
    cril_result_free(&result);
    return CRIL_OK;
}

static cril_status read_row(struct run *r, struct row *row, cril_error *err)
{
    bool has_model, has_corpus;
    cril_store_corpus c;
    cril_store_model m;
    cril_status st;

    if ((st = cril_store_find_model(r->store, row->model->name, &m, &has_model, err)) != CRIL_OK ||
        (st = cril_store_find_corpus(r->store, row->corpus->name, &c, &has_corpus, err)) != CRIL_OK)
        return st;
    if (has_corpus)
        row->documents = c.documents;
    if (has_model && has_corpus)
        st = read_cell(r, row, &m, &c, err);
    r->n_complete += row->complete;
    return st;
}

static cril_status read_rows(struct run *r, cril_error *err)
{
    const cril_study_info *s = r->s;
    cril_status st = CRIL_OK;

    if (!(r->rows = calloc(s->n_models * s->n_corpora * s->n_protocols + 1, sizeof(*r->rows)))) {
        *err = (cril_error){.status = CRIL_ERR_NOMEM, .message = "out of memory"};
        return CRIL_ERR_NOMEM;
    }
    for (size_t m = 0; m < s->n_models; m++)
        for (size_t c = 0; c < s->n_corpora; c++)
            for (size_t p = 0; p < s->n_protocols && st == CRIL_OK; p++) {
                if (!s->models[m].path || !s->corpora[c].path)
                    continue;
                r->rows[r->n] = (struct row){
                    .model = &s->models[m], .corpus = &s->corpora[c], .protocol = &s->protocols[p]};
                cril_protocol_label(s, &s->protocols[p], r->rows[r->n].label);
                st = read_row(r, &r->rows[r->n++], err);
            }
    return st;
}

static int width_of(const struct run *r, int which)
{
    static const char *const heads[] = {"model", "corpus", "protocol"};
    int width = cril_text_width(heads[which]);

    for (size_t i = 0; i < r->n; i++) {
        const struct row *x = &r->rows[i];
        const char *name = which == 0 ? x->model->name : which == 1 ? x->corpus->name : x->label;

        width = cril_text_width(name) > width ? cril_text_width(name) : width;
    }
    return width;
}

/* Under the table: whose figures do not pay for all of the text. */
static void print_unspelled(const struct run *r)
{
    for (size_t i = 0; i < r->n; i++) {
        const struct row *x = &r->rows[i];

        if (!x->unspelled_characters)
            continue;
        cril_print_escaped(stdout, x->model->name, strlen(x->model->name));
        printf(": its tokens do not spell %" PRIu64 " character%s in %" PRIu64 " document%s of ",
               x->unspelled_characters, x->unspelled_characters == 1 ? "" : "s",
               x->unspelled_documents, x->unspelled_documents == 1 ? "" : "s");
        cril_print_escaped(stdout, x->corpus->name, strlen(x->corpus->name));
        printf(" (%s); with escapes for them its BPC is %.4f\n", x->label, x->bpc_with_escapes);
    }
}

static void print_table(const struct run *r)
{
    const int model = width_of(r, 0), corpus = width_of(r, 1), protocol = width_of(r, 2);

    printf("%-*s  %-*s  %-*s %18s %9s %18s\n", model, "model", corpus, "corpus", protocol,
           "protocol", "documents", "BPC", "95 % interval");
    for (size_t i = 0; i < r->n; i++) {
        const struct row *x = &r->rows[i];
        char of[48] = "-";

        cril_print_padded(stdout, x->model->name, model);
        fputs("  ", stdout);
        cril_print_padded(stdout, x->corpus->name, corpus);
        fputs("  ", stdout);
        cril_print_padded(stdout, x->label, protocol);
        if (x->documents)
            snprintf(of, sizeof(of), "%" PRIu64 " of %" PRIu64, x->done, x->documents);
        printf(" %18s", of);
        if (x->complete)
            printf(" %9.4f", x->bpc);
        if (x->complete && x->interval.resamples)
            printf("    %.4f - %.4f", x->interval.low, x->interval.high);
        putchar('\n');
    }
    print_unspelled(r);
    printf("%zu of %zu cell%s complete\n", r->n_complete, r->n, r->n == 1 ? " is" : "s are");
}

/* A count of a cell, null until it is complete. */
static json_t *count_json(const struct row *x, uint64_t n)
{
    return x->complete ? json_integer((json_int_t)n) : json_null();
}

static int print_json(const struct run *r)
{
    json_t *list = json_array();

    for (size_t i = 0; list && i < r->n; i++) {
        const struct row *x = &r->rows[i];

        if (json_array_append_new(
                list, json_pack("{s:o, s:o, s:s, s:I, s:o, s:b, s:o, s:o, s:o, s:o}", "model",
                                cril_json_string(x->model->name), "corpus",
                                cril_json_string(x->corpus->name), "protocol", x->label,
                                "documents_done", (json_int_t)x->done, "documents",
                                x->documents ? json_integer((json_int_t)x->documents) : json_null(),
                                "complete", x->complete, "bpc",
                                x->complete ? json_real(x->bpc) : json_null(), "bpc_with_escapes",
                                x->complete ? json_real(x->bpc_with_escapes) : json_null(),
                                "unspelled_characters", count_json(x, x->unspelled_characters),
                                "unspelled_documents", count_json(x, x->unspelled_documents)))) {
            json_decref(list);
            list = NULL;
        }
    }
    return cril_print_json(json_pack("{s:o}", "cells", list), JSON_INDENT(1));
}

static int run(const struct cril_cmd *cmd, int argc, char **argv)
{
    struct run r = {0};
    cril_study *study;
    cril_error err;
    int code = cril_studying_args(cmd, &r.set, argc, argv);

    if (code != CRIL_ARGS_GO_ON)
        return code;
    if (!(study = cril_studying_load(argv[0])))
        return 1;
    r.s = cril_study_info_of(study);
    if (cril_store_open(r.s->database, &(cril_store_options){.read_only = true}, &r.store, &err) !=
            CRIL_OK ||
        read_rows(&r, &err) != CRIL_OK) {
        code = cril_print_error("%s", err.message);
    } else {
        code = r.n_complete < r.n;
        if (!r.set.json)
            print_table(&r);
        else if (print_json(&r))
            code = 1;
    }
    free(r.rows);
    cril_store_close(r.store);
    cril_study_close(study);
    return code;
}

const struct cril_cmd cril_study_cmd_status = {
    .name = "study status",
    .summary = "Say which cells are done, and their figures.",
    .usage = "study status [options] STUDY.yaml",
    .run = run,
    .options = options,
    .more_help = more_help,
};
