/*
 * cril compare: two files of results, corpus by corpus and document by document.
 *
 * Corpora are paired by their SHA-256, each with the first one left in the other file. A figure of
 * B below that of A means that B needs fewer bits. An interval that holds 0 decides nothing.
 */
#include "args.h"
#include "output.h"
#include "table.h"

#include <cril/report.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_TOP = 5 };

struct settings {
    uint64_t top, level, resamples, seed;
    bool json;
};

#define AT(field) offsetof(struct settings, field)
#define COUNT .kind = CRIL_OPTION_NUMBER, .value = "N"

static const struct cril_option options[] = {
    {.group = "Options",
     .name = "top",
     COUNT,
     .offset = AT(top),
     .min = 0,
     .max = 1000000,
     .help = "list the N documents of each corpus that moved most (default: 5)"},
    {.name = "level",
     COUNT,
     .offset = AT(level),
     .min = 1,
     .max = 99,
     .help = "level of the interval in percent (default: 95)"},
    {.name = "resamples",
     COUNT,
     .offset = AT(resamples),
     .min = 1,
     .max = 10000000,
     .help = "bootstrap resamples of the document pairs (default: 1000)"},
    {.name = "seed",
     COUNT,
     .offset = AT(seed),
     .min = 0,
     .max = INT64_MAX,
     .help = "seed of the bootstrap (default: 0)"},
    {.name = "json",
     .kind = CRIL_OPTION_FLAG,
     .offset = AT(json),
     .help = "JSON instead of a table"},
    {.name = NULL},
};

/* One corpus that both files have. */
struct pair {
    const cril_result *a, *b;
    cril_comparison c;
};

struct files {
    const char *path_a, *path_b;
    cril_result *a, *b;
    size_t n_a, n_b;
    struct pair *pairs; /* [n_a] at most */
    size_t n;
};

static bool read_files(struct files *f)
{
    cril_error err;

    if (cril_results_read(f->path_a, &f->a, &f->n_a, &err) == CRIL_OK &&
        cril_results_read(f->path_b, &f->b, &f->n_b, &err) == CRIL_OK)
        return true;
    cril_print_error("%s", err.message);
    return false;
}

/* Pairs what is on the same corpus; what stays alone is named. False: nothing was paired. */
static bool pair_corpora(struct files *f)
{
    bool *taken = calloc(f->n_b, sizeof(*taken));

    f->pairs = calloc(f->n_a, sizeof(*f->pairs));
    if (!taken || !f->pairs) {
        free(taken);
        cril_print_error("out of memory");
        return false;
    }
    for (size_t i = 0; i < f->n_a; i++) {
        size_t k = 0;

        while (k < f->n_b &&
               (taken[k] || strcmp(f->a[i].corpus_sha256, f->b[k].corpus_sha256) != 0))
            k++;
        if (k < f->n_b) {
            taken[k] = true;
            f->pairs[f->n++] = (struct pair){.a = &f->a[i], .b = &f->b[k]};
        } else {
            cril_print_note("%s: %s is not in %s (by SHA-256) and is left out", f->path_a,
                            f->a[i].corpus_path, f->path_b);
        }
    }
    for (size_t k = 0; k < f->n_b; k++)
        if (!taken[k])
            cril_print_note("%s: %s is not in %s (by SHA-256) and is left out", f->path_b,
                            f->b[k].corpus_path, f->path_a);
    free(taken);
    if (!f->n)
        cril_print_error("%s and %s have no corpus in common; score both models on the same files",
                         f->path_a, f->path_b);
    return f->n > 0;
}

static bool compare_pairs(const struct files *f, const struct settings *s)
{
    cril_error err;

    for (size_t i = 0; i < f->n; i++) {
        const struct pair *p = &f->pairs[i];

        f->pairs[i].c.interval = (cril_interval){
            .level = (double)s->level / 100, .resamples = (size_t)s->resamples, .seed = s->seed};
        if (cril_compare(p->a, p->b, &f->pairs[i].c, &err) != CRIL_OK) {
            cril_print_error("%s", err.message);
            return false;
        }
        if (strcmp(p->a->protocol, p->b->protocol) != 0 || p->a->context != p->b->context ||
            p->a->stride != p->b->stride)
            cril_print_note(
                "%s: the protocols differ (%s %zu/%zu and %s %zu/%zu), and so may the figures for "
                "that reason alone",
                p->a->corpus_path, p->a->protocol, p->a->context, p->a->stride, p->b->protocol,
                p->b->context, p->b->stride);
    }
    return true;
}

/* -1: B needs fewer bits, 1: more, 0: the interval holds 0. */
static int verdict(const cril_comparison *c)
{
    return c->interval.high < 0 ? -1 : c->interval.low > 0;
}

static double percent(const cril_comparison *c)
{
    return c->bpc_a > 0 ? 100 * c->difference / c->bpc_a : 0;
}

static void averages(const struct files *f, double *a, double *b)
{
    *a = *b = 0;
    for (size_t i = 0; i < f->n; i++) {
        *a += f->pairs[i].c.bpc_a;
        *b += f->pairs[i].c.bpc_b;
    }
    *a /= (double)f->n;
    *b /= (double)f->n;
}

/* ---- table ---- */

static void print_side(const char *name, const char *path, const cril_result *r)
{
    printf("%s: ", name);
    cril_print_escaped(stdout, r->model_name, strlen(r->model_name));
    fputs(", protocol ", stdout);
    cril_print_escaped(stdout, r->protocol, strlen(r->protocol));
    printf(", context %zu, stride %zu (", r->context, r->stride);
    cril_print_escaped(stdout, path, strlen(path));
    printf(")\n");
}

static void print_table(const struct files *f)
{
    static const char *const words[] = {"B needs fewer bits", "undecided", "B needs more bits"};
    int width = cril_text_width("average");
    char interval[64];
    double a, b;

    for (size_t i = 0; i < f->n; i++)
        if (cril_text_width(f->pairs[i].a->corpus_path) > width)
            width = cril_text_width(f->pairs[i].a->corpus_path);
    snprintf(interval, sizeof(interval), "%.0f %% interval", 100 * f->pairs[0].c.interval.level);
    printf("\n%-*s %9s %9s %10s %9s %24s  %s\n", width, "corpus", "BPC A", "BPC B", "B - A",
           "percent", interval, "verdict");
    for (size_t i = 0; i < f->n; i++) {
        const cril_comparison *c = &f->pairs[i].c;

        snprintf(interval, sizeof(interval), "%+.6f .. %+.6f", c->interval.low, c->interval.high);
        cril_print_padded(stdout, f->pairs[i].a->corpus_path, width);
        printf(" %9.4f %9.4f %+10.6f %+9.3f %24s  %s\n", c->bpc_a, c->bpc_b, c->difference,
               percent(c), interval, words[verdict(c) + 1]);
    }
    if (f->n < 2)
        return;
    averages(f, &a, &b);
    printf("%-*s %9.4f %9.4f %+10.6f %+9.3f\n", width, "average", a, b, b - a,
           a > 0 ? 100 * (b - a) / a : 0);
}

static size_t n_shown(const cril_comparison *c, uint64_t top)
{
    return c->n_documents < top ? c->n_documents : (size_t)top;
}

static void print_documents(const struct files *f, uint64_t top)
{
    for (size_t i = 0; i < f->n && top; i++) {
        const cril_comparison *c = &f->pairs[i].c;

        printf("\nDocuments of ");
        cril_print_escaped(stdout, f->pairs[i].a->corpus_path, strlen(f->pairs[i].a->corpus_path));
        printf(" that moved most:\n%10s %12s %14s %14s %14s\n", "document", "characters", "bits A",
               "bits B", "B - A");
        for (size_t k = 0; k < n_shown(c, top); k++) {
            const cril_document_difference *d = &c->documents[k];

            printf("%10" PRIu64 " %12" PRIu64 " %14.2f %14.2f %+14.2f\n", d->index, d->characters,
                   d->bits_a, d->bits_b, d->bits_b - d->bits_a);
        }
    }
}

/* ---- JSON ---- */

static json_t *documents_json(const cril_comparison *c, uint64_t top)
{
    json_t *list = json_array();

    for (size_t k = 0; list && k < n_shown(c, top); k++) {
        const cril_document_difference *d = &c->documents[k];

        if (json_array_append_new(list,
                                  json_pack("{s:I, s:I, s:f, s:f}", "index", (json_int_t)d->index,
                                            "characters", (json_int_t)d->characters, "bits_a",
                                            d->bits_a, "bits_b", d->bits_b))) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *pair_json(const struct pair *p, uint64_t top)
{
    const cril_comparison *c = &p->c;

    return json_pack("{s:o, s:s, s:f, s:f, s:f, s:f, s:{s:f, s:f, s:f, s:I, s:I}, s:b, s:o}",
                     "corpus", cril_json_string(p->a->corpus_path), "sha256", p->a->corpus_sha256,
                     "bpc_a", c->bpc_a, "bpc_b", c->bpc_b, "difference", c->difference, "percent",
                     percent(c), "interval", "level", c->interval.level, "low", c->interval.low,
                     "high", c->interval.high, "resamples", (json_int_t)c->interval.resamples,
                     "seed", (json_int_t)c->interval.seed, "excludes_zero", verdict(c) != 0,
                     "documents", documents_json(c, top));
}

static int print_json(const struct files *f, uint64_t top)
{
    json_t *list = json_array();
    double a, b;

    for (size_t i = 0; list && i < f->n; i++)
        if (json_array_append_new(list, pair_json(&f->pairs[i], top))) {
            json_decref(list);
            list = NULL;
        }
    averages(f, &a, &b);
    return cril_print_json(json_pack("{s:o, s:o, s:o, s:{s:f, s:f, s:f}}", "a",
                                     cril_json_string(f->path_a), "b", cril_json_string(f->path_b),
                                     "comparisons", list, "average", "bpc_a", a, "bpc_b", b,
                                     "difference", b - a),
                           JSON_INDENT(1));
}

static int run(const struct cril_cmd *cmd, int argc, char **argv)
{
    struct settings set = {.top = DEFAULT_TOP};
    struct files f = {0};
    int code = cril_args_parse(cmd, &set, &argc, argv);

    if (code != CRIL_ARGS_GO_ON)
        return code;
    if (argc != 2)
        return cril_args_usage(cmd, "takes two files of results, A and B, not %d", argc);
    f.path_a = argv[0];
    f.path_b = argv[1];
    code = 1;
    if (read_files(&f) && pair_corpora(&f) && compare_pairs(&f, &set)) {
        code = 0;
        if (set.json) {
            code = print_json(&f, set.top);
        } else {
            print_side("A", f.path_a, f.pairs[0].a);
            print_side("B", f.path_b, f.pairs[0].b);
            print_table(&f);
            print_documents(&f, set.top);
        }
    }
    for (size_t i = 0; i < f.n; i++)
        cril_comparison_free(&f.pairs[i].c);
    free(f.pairs);
    cril_results_free(f.a, f.n_a);
    cril_results_free(f.b, f.n_b);
    return code;
}

const struct cril_cmd cril_cmd_compare = {
    .name = "compare",
    .summary = "Compare two results, paired by document.",
    .usage = "compare [options] A.json B.json",
    .run = run,
    .options = options,
};
