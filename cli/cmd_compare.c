/*
 * cril compare: files of results beside a first one, A, corpus by corpus and document by document.
 *
 * Corpora are paired by their SHA-256, each with the first one left in the other file. A figure of
 * B below that of A means that B needs fewer bits. An interval that holds 0 decides nothing. The
 * average over the corpora has one too: it says which of the two is better.
 *
 * Two files of items of benchmarks are told by their first lines (comparing.h).
 */
#include "args.h"
#include "comparing.h"
#include "naming.h"
#include "output.h"
#include "stopping.h"
#include "table.h"

#include <cril/items.h>
#include <cril/report.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Percentile intervals of fewer documents are clearly too narrow. */
enum { DEFAULT_TOP = 5, FEW_DOCUMENTS = 10 };

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
    CRIL_INTERVAL_ROWS(NULL, "the document pairs"),
    {.name = "json",
     .kind = CRIL_OPTION_FLAG,
     .offset = AT(json),
     .help = "JSON instead of a table"},
    {.name = NULL},
};

static void print_more_help(void)
{
    fputs("\nA and B are files that 'cril score --json' wrote; corpora are paired by their bytes, "
          "documents by\n"
          "their place. A difference below 0 means that B needs fewer bits. Of more files each is "
          "compared with\n"
          "the first. Or two are files that 'cril eval --items' wrote: items are paired by task, "
          "protocol\n"
          "and place.\n"
          "\nExamples:\n"
          "  cril score -m a.gguf --json -o a.json corpus.jsonl\n"
          "  cril score -m b.gguf --json -o b.json corpus.jsonl\n"
          "  cril compare a.json b.json\n"
          "  cril compare --top 0 f16.json q8.json q4.json\n"
          "  cril compare a.items.jsonl b.items.jsonl\n",
          stdout);
}

/* The first file and another one. */
struct files {
    const char *path_a, *path_b;
    char side[3];         /* what the other one is called: "B" */
    const cril_result *a; /* borrowed: all other files are compared with it */
    cril_result *b;
    size_t n_a, n_b;
    cril_result_pair *pairs; /* [n]: corpora that both files have, at most n_a */
    cril_comparison *each;   /* [n] */
    cril_comparison average;
    size_t n;
};

/* "B" of the second file, "Z" of the 26th, then "AA". */
static void name_side(size_t i, char side[3])
{
    const char last = (char)('A' + i % 26);

    snprintf(side, 3, "%.*s%c", i >= 26, &(char){(char)('A' + i / 26 - 1)}, last);
}

static bool read_file(const char *path, cril_result **results, size_t *n)
{
    cril_error err;

    if (cril_results_read(path, results, n, &err) == CRIL_OK)
        return true;
    cril_print_error("%s", err.message);
    return false;
}

/* Pairs what is on the same corpus; what stays alone is named. False: nothing was paired. */
static bool pair_corpora(struct files *f)
{
    bool *taken = calloc(f->n_b, sizeof(*taken));

    f->pairs = calloc(f->n_a, sizeof(*f->pairs));
    f->each = calloc(f->n_a, sizeof(*f->each));
    if (!taken || !f->pairs || !f->each) {
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
            f->pairs[f->n++] = (cril_result_pair){&f->a[i], &f->b[k]};
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

/* What a side's tokens do not spell is in its figures as escapes. */
static void note_unspelled(const char *side, const cril_result *r)
{
    if (r->unspelled_characters)
        cril_print_note("%s: the tokens of %s do not spell %" PRIu64
                        " character%s; its figures include the %" PRIu64
                        " bytes that an archive needs for them",
                        r->corpus_path, side, r->unspelled_characters,
                        r->unspelled_characters == 1 ? "" : "s", r->escape_bytes);
}

static void note_protocols(const cril_result_pair *p)
{
    if (strcmp(p->a->protocol, p->b->protocol) != 0 || p->a->context != p->b->context ||
        p->a->stride != p->b->stride)
        cril_print_note("%s: the protocols differ (%s %zu/%zu and %s %zu/%zu), so the figures may "
                        "differ for that reason alone",
                        p->a->corpus_path, p->a->protocol, p->a->context, p->a->stride,
                        p->b->protocol, p->b->context, p->b->stride);
}

static void note_few(const cril_result_pair *p, const cril_comparison *c)
{
    if (c->verdict == CRIL_VERDICT_NONE)
        cril_print_note(
            "%s: an interval needs at least 2 documents with characters; here there is %zu",
            p->a->corpus_path, c->n_counted);
    else if (c->verdict != CRIL_VERDICT_SAME && c->n_counted < FEW_DOCUMENTS)
        cril_print_note("%s: %zu documents; an interval of fewer than %d is too narrow, and its "
                        "verdict may not hold",
                        p->a->corpus_path, c->n_counted, (int)FEW_DOCUMENTS);
}

static bool compare_files(struct files *f, const struct settings *s)
{
    const cril_interval wanted = {
        .level = (double)s->level / 100, .resamples = (size_t)s->resamples, .seed = s->seed};
    cril_error err;

    for (size_t i = 0; i < f->n; i++) {
        f->each[i].interval = wanted;
        if (cril_compare(f->pairs[i].a, f->pairs[i].b, &f->each[i], &err) != CRIL_OK) {
            cril_print_error("%s", err.message);
            return false;
        }
        if (strcmp(f->side, "B") == 0) /* once */
            note_unspelled("A", f->pairs[i].a);
        note_unspelled(f->side, f->pairs[i].b);
        note_protocols(&f->pairs[i]);
        note_few(&f->pairs[i], &f->each[i]);
    }
    f->average.interval = wanted;
    if (cril_compare_average(f->pairs, f->n, &f->average, &err) == CRIL_OK)
        return true;
    cril_print_error("%s", err.message);
    return false;
}

/* NaN: A needs no bits. */
static double percent(const cril_comparison *c)
{
    return c->bpc_a > 0 ? 100 * c->difference / c->bpc_a : NAN;
}

/* ---- table ---- */

static void print_side(const char *name, const char *path, const cril_result *r)
{
    printf("%s: ", name);
    cril_print_model(stdout, r->model_name, r->model_types, r->model_path);
    fputs(", protocol ", stdout);
    cril_print_escaped(stdout, r->protocol, strlen(r->protocol));
    printf(", context %zu, stride %zu, results ", r->context, r->stride);
    cril_print_escaped(stdout, path, strlen(path));
    putchar('\n');
}

static void print_row(const struct files *f, const char *name, int width, const cril_comparison *c)
{
    static const char *const words[] = {[CRIL_VERDICT_NONE] = "too few documents",
                                        [CRIL_VERDICT_SAME] = "the same",
                                        [CRIL_VERDICT_FEWER] = " needs fewer bits",
                                        [CRIL_VERDICT_MORE] = " needs more bits",
                                        [CRIL_VERDICT_OPEN] = "undecided"};
    const bool decided = c->verdict == CRIL_VERDICT_FEWER || c->verdict == CRIL_VERDICT_MORE;
    char interval[64] = "-", relative[32] = "-";

    if (c->interval.resamples)
        snprintf(interval, sizeof(interval), "%+.6f .. %+.6f", c->interval.low, c->interval.high);
    if (isfinite(percent(c)))
        snprintf(relative, sizeof(relative), "%+.3f", percent(c));
    cril_print_padded(stdout, name, width);
    printf(" %9.4f %9.4f %+10.6f %9s %24s  %s%s\n", c->bpc_a, c->bpc_b, c->difference, relative,
           interval, decided ? f->side : "", words[c->verdict]);
}

static void print_table(const struct files *f, double level)
{
    int width = cril_text_width("average");
    char interval[64], bpc[16], difference[16];

    for (size_t i = 0; i < f->n; i++)
        cril_widen(&width, f->pairs[i].a->corpus_path);
    snprintf(interval, sizeof(interval), "%.0f %% interval", 100 * level);
    snprintf(bpc, sizeof(bpc), "BPC %s", f->side);
    snprintf(difference, sizeof(difference), "%s - A", f->side);
    printf("\n%-*s %9s %9s %10s %9s %24s  %s\n", width, "corpus", "BPC A", bpc, difference,
           "percent", interval, "verdict");
    for (size_t i = 0; i < f->n; i++)
        print_row(f, f->pairs[i].a->corpus_path, width, &f->each[i]);
    if (f->n > 1)
        print_row(f, "average", width, &f->average);
}

static size_t n_shown(const cril_comparison *c, uint64_t top)
{
    return c->n_documents < top ? c->n_documents : (size_t)top;
}

static void print_documents(const struct files *f, uint64_t top)
{
    char bits[16], difference[16];

    for (size_t i = 0; i < f->n && top; i++) {
        const cril_comparison *c = &f->each[i];

        snprintf(bits, sizeof(bits), "bits %s", f->side);
        snprintf(difference, sizeof(difference), "%s - A", f->side);
        printf("\nDocuments of ");
        cril_print_escaped(stdout, f->pairs[i].a->corpus_path, strlen(f->pairs[i].a->corpus_path));
        printf(" that moved most:\n%10s %12s %14s %14s %14s\n", "document", "characters", "bits A",
               bits, difference);
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

/* Of a corpus or of the average. */
static json_t *comparison_json(const cril_comparison *c)
{
    static const char *const words[] = {[CRIL_VERDICT_SAME] = "same",
                                        [CRIL_VERDICT_FEWER] = "fewer",
                                        [CRIL_VERDICT_MORE] = "more",
                                        [CRIL_VERDICT_OPEN] = "undecided"};
    const bool decided = c->verdict == CRIL_VERDICT_FEWER || c->verdict == CRIL_VERDICT_MORE;

    return json_pack("{s:f, s:f, s:f, s:o, s:o, s:s?, s:b, s:I}", "bpc_a", c->bpc_a, "bpc_b",
                     c->bpc_b, "difference", c->difference, "percent",
                     isfinite(percent(c)) ? json_real(percent(c)) : json_null(), "interval",
                     cril_json_interval(&c->interval), "verdict", words[c->verdict],
                     "excludes_zero", decided, "documents_compared", (json_int_t)c->n_counted);
}

static json_t *pair_json(const cril_result_pair *p, const cril_comparison *c, uint64_t top)
{
    json_t *o = json_pack("{s:o, s:s}", "corpus", cril_json_string(p->a->corpus_path), "sha256",
                          p->a->corpus_sha256);

    if (o && !json_object_update_new(o, comparison_json(c)) &&
        !json_object_set_new(o, "documents", documents_json(c, top)))
        return o;
    json_decref(o);
    return NULL;
}

/* What one file beside the first has, with the key "b" of its path. */
static json_t *file_json(const struct files *f, uint64_t top)
{
    json_t *list = json_array();

    for (size_t i = 0; list && i < f->n; i++)
        if (json_array_append_new(list, pair_json(&f->pairs[i], &f->each[i], top))) {
            json_decref(list);
            list = NULL;
        }
    return json_pack("{s:o, s:o, s:o}", "b", cril_json_string(f->path_b), "comparisons", list,
                     "average", comparison_json(&f->average));
}

/* Two files are one object; of more, "others" has one for each file but the first. */
static int print_json(const struct files *all, size_t n, uint64_t top)
{
    json_t *root = json_pack("{s:o}", "a", cril_json_string(all[0].path_a)), *list;
    int bad = !root;

    if (n == 1) {
        bad = bad || json_object_update_new(root, file_json(&all[0], top));
    } else {
        list = json_array();
        for (size_t i = 0; list && i < n; i++)
            bad = bad || json_array_append_new(list, file_json(&all[i], top));
        bad = bad || json_object_set(root, "others", list);
        json_decref(list);
    }
    if (bad) {
        json_decref(root);
        root = NULL;
    }
    return cril_print_json(root, JSON_INDENT(1));
}

/* Whether both are files of items; -1: only one of them is, which was said. */
static int are_items(const char *path_a, const char *path_b)
{
    bool a = false, b = false;
    cril_error err;

    /* what cannot be read is said when it is read */
    if (cril_items_recognise(path_a, &a, &err) != CRIL_OK ||
        cril_items_recognise(path_b, &b, &err) != CRIL_OK || a == b)
        return a && b;
    cril_print_error("%s holds items of benchmarks and %s does not; give files of one kind",
                     a ? path_a : path_b, a ? path_b : path_a);
    return -1;
}

static void print_tables(const struct files *all, size_t n, const struct settings *s)
{
    print_side("A", all[0].path_a, all[0].pairs[0].a);
    for (size_t i = 0; i < n; i++)
        print_side(all[i].side, all[i].path_b, all[i].pairs[0].b);
    for (size_t i = 0; i < n; i++) {
        print_table(&all[i], s->level ? (double)s->level / 100 : 0.95);
        print_documents(&all[i], s->top);
    }
}

static void free_files(struct files *f)
{
    for (size_t i = 0; i < f->n; i++)
        cril_comparison_free(&f->each[i]);
    free(f->pairs);
    free(f->each);
    cril_results_free(f->b, f->n_b);
}

/* Files [n] beside the first one. The exit code. */
static int compare_results(char **paths, size_t n, const struct settings *s)
{
    struct files *all = calloc(n, sizeof(*all));
    cril_result *a = NULL;
    size_t n_a = 0;
    bool good = all && read_file(paths[0], &a, &n_a);
    int code = 1;

    if (!all)
        return cril_print_error("out of memory");
    for (size_t i = 1; i < n && good; i++) {
        struct files *f = &all[i - 1];

        *f = (struct files){.path_a = paths[0], .path_b = paths[i], .a = a, .n_a = n_a};
        name_side(i, f->side);
        good = read_file(f->path_b, &f->b, &f->n_b) && pair_corpora(f) && compare_files(f, s);
    }
    if (good && s->json) {
        code = print_json(all, n - 1, s->top);
    } else if (good) {
        print_tables(all, n - 1, s);
        cril_stopping_print(stdout, a, n_a);
        code = 0;
    }
    for (size_t i = 0; i + 1 < n; i++)
        free_files(&all[i]);
    cril_results_free(a, n_a);
    free(all);
    return code;
}

static int run(const struct cril_cmd *cmd, int argc, char **argv)
{
    enum { MOST = 26 * 27 }; /* "ZZ" */
    struct settings set = {.top = DEFAULT_TOP};
    int code = cril_args_parse(cmd, &set, &argc, argv), items = 0;

    if (code != CRIL_ARGS_GO_ON)
        return code;
    if (argc < 2 || argc > MOST)
        return cril_args_usage(cmd, "takes two files of results or more, up to %d, not %d",
                               (int)MOST, argc);
    for (int i = 1; i < argc && items >= 0; i++)
        items = are_items(argv[0], argv[i]);
    if (items < 0)
        return 1;
    if (!items)
        return compare_results(argv, (size_t)argc, &set);
    if (argc != 2)
        return cril_args_usage(cmd, "takes two files of items, A and B, not %d", argc);
    return cril_compare_items(argv[0], argv[1], (double)set.level / 100, set.json);
}

const struct cril_cmd cril_cmd_compare = {
    .name = "compare",
    .summary = "Compare results with a first one, paired by document.",
    .usage = "compare [options] A.json B.json [C.json ...]",
    .run = run,
    .options = options,
    .more_help = print_more_help,
};
