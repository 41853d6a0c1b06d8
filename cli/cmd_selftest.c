/*
 * cril selftest: whether this machine computes what every machine computes, and how fast.
 *
 * The built-in models run as the definition, and on every kernel set with one thread and with
 * several; their hash is known. A model of the user's runs on every fast kernel set; the hashes are
 * to be equal.
 */
#include "args.h"
#include "hub.h"
#include "naming.h"
#include "output.h"
#include "progress.h"

#include <cril/cpu.h>
#include <cril/selftest.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct settings {
    const char *model;
    uint64_t tokens, threads;
    bool fetch, all, json;
};

#define AT(field) offsetof(struct settings, field)
#define COUNT .kind = CRIL_OPTION_NUMBER, .value = "N"
#define FLAG .kind = CRIL_OPTION_FLAG

static const struct cril_option options[] = {
    {.group = "Options",
     .letter = 'm',
     .name = "model",
     .kind = CRIL_OPTION_TEXT,
     .value = "FILE",
     .offset = AT(model),
     .help = "run this model, for its speed (default: tiny built-in models)"},
    CRIL_FETCH_ROW(.offset = AT(fetch)),
    {.name = "tokens",
     COUNT,
     .offset = AT(tokens),
     .min = 1,
     .max = 1 << 24,
     .help = "tokens that go through the model (default: 512, or its context if shorter)"},
    {.name = "all",
     FLAG,
     .offset = AT(all),
     .help = "run the plain C kernels with the model too, which are slow"},
    CRIL_THREADS_ROW(.offset = AT(threads),
                     .help = "threads (default: one a core; the built-in models also with 1)"),
    {.name = "json", FLAG, .offset = AT(json), .help = "JSON instead of a table"},
    {.name = NULL},
};

static void print_teaching(void)
{
    fputs("\nA run scores fixed tokens and hashes (SHA-256) the bits of every nat, -ln p of a "
          "token, to which every\n"
          "logit contributes. All kernel sets, thread counts and machines must give the same hash. "
          "The hash of\n"
          "the built-in models is known; they cover every tensor type and model family. Compare "
          "the hash of your own\n"
          "model with another machine's.\n"
          "\nGFLOP/s: 2 x multiply-adds of layers, attention and vocabulary, in 10^9 a second "
          "('man cril-selftest').\n"
          "\nExit code: 0 the hashes are as they must be, 1 they differ or a run failed.\n"
          "\nExamples:\n"
          "  cril selftest\n"
          "  cril selftest -m model.gguf\n",
          stdout);
}

/* One row. */
struct row {
    const char *kernels;
    unsigned threads;
    cril_selftest_result result;
};

struct run {
    const struct settings *set;
    cril_model *model; /* NULL: built-in */
    cril_selftest *test;
    const char *expected; /* the known hash, else that of the first row */
    struct row *rows;     /* [n_rows] of room for all */
    size_t n_rows;
    struct cril_progress progress;
    struct timespec start; /* of the row at work */
    bool same;             /* all rows so far have the expected hash */
};

static int on_progress(void *user, double fraction)
{
    struct run *r = user;
    struct timespec now;
    struct cril_progress_state p = {.fraction = fraction};

    clock_gettime(CLOCK_MONOTONIC, &now);
    p.seconds =
        (double)(now.tv_sec - r->start.tv_sec) + (double)(now.tv_nsec - r->start.tv_nsec) * 1e-9;
    p.tokens = (uint64_t)(fraction * (double)cril_selftest_tokens(r->test));
    cril_progress_show(&r->progress, &p);
    return 0;
}

static double per_second(double n, const struct row *row)
{
    return row->result.seconds > 0 ? n / row->result.seconds : 0;
}

static void print_header(const struct run *r)
{
    if (!r->model) {
        printf("built-in models, %zu tokens, numeric contract %d\n\n",
               cril_selftest_tokens(r->test), CRIL_NUMERICS);
        printf("%-12s %7s %12s  %s\n", "kernels", "threads", "time", "hash");
        return;
    }
    cril_print_model(stdout, cril_model_name(r->model), cril_model_types(r->model),
                     cril_model_path(r->model));
    printf(", %zu tokens, numeric contract %d\n\n", cril_selftest_tokens(r->test), CRIL_NUMERICS);
    printf("%-12s %7s %12s %10s %9s  %s\n", "kernels", "threads", "time", "tokens/s", "GFLOP/s",
           "hash");
}

static void print_row(const struct run *r, const struct row *row)
{
    printf("%-12s %7u %10.3f s", row->kernels, row->threads, row->result.seconds);
    if (r->model)
        printf(" %10.1f %9.1f", per_second((double)cril_selftest_tokens(r->test), row),
               per_second(cril_selftest_flops(r->test) * 1e-9, row));
    printf("  %.16s %s\n", row->result.sha256,
           strcmp(row->result.sha256, r->expected) == 0 ? "same" : "DIFFERS");
}

static bool run_row(struct run *r, const char *kernels, unsigned threads)
{
    struct row *row = &r->rows[r->n_rows];
    cril_error err;
    cril_status st;

    *row = (struct row){.kernels = kernels, .threads = threads};
    r->progress.name = kernels;
    clock_gettime(CLOCK_MONOTONIC, &r->start);
    st = cril_selftest_run(r->test, kernels, threads, on_progress, r, &row->result, &err);
    cril_progress_clear(&r->progress);
    if (st != CRIL_OK) {
        cril_print_error("%s: %s", kernels, err.message);
        return false;
    }
    r->n_rows++;
    if (!r->expected)
        r->expected = r->rows[0].result.sha256;
    r->same = r->same && strcmp(row->result.sha256, r->expected) == 0;
    if (!r->set->json)
        print_row(r, row);
    return r->set->json || cril_stdout_good();
}

/* Room for all rows: the definition, and each kernel set twice. Sets `fast` if one beside plain C
 * is to be had. */
static bool make_room(struct run *r, bool *fast)
{
    cril_kernel_info k;
    size_t n = 0;

    for (*fast = false; cril_kernel_info_at(n, &k); n++)
        *fast = *fast || (n && k.available && k.allowed);
    if (!(r->rows = calloc(1 + 2 * n, sizeof(*r->rows))))
        cril_print_error("out of memory");
    return r->rows != NULL;
}

static bool run_rows(struct run *r)
{
    const unsigned cores = cril_cpu_count(), given = (unsigned)r->set->threads;
    const unsigned threads[] = {1, given ? given : r->model || cores > 1 ? cores : 2};
    cril_kernel_info k;
    bool fast;

    if (!make_room(r, &fast) || (!r->model && !run_row(r, CRIL_SELFTEST_DEFINITION, 1)))
        return false;
    for (size_t i = r->model && fast && !r->set->all ? 1 : 0; cril_kernel_info_at(i, &k); i++)
        for (size_t t = r->model || given ? 1 : 0; k.available && k.allowed && t < 2; t++)
            if (!run_row(r, k.name, threads[t]))
                return false;
    return true;
}

static void print_verdict(const struct run *r)
{
    if (r->same) {
        printf("\nhash %s\n", r->expected);
        printf("ok: %s\n", r->model ? "the same for every kernel set that ran" : "as expected");
        return;
    }
    putchar('\n');
    for (size_t i = 0; i < r->n_rows; i++)
        printf("hash %s of %s, %u thread%s\n", r->rows[i].result.sha256, r->rows[i].kernels,
               r->rows[i].threads, r->rows[i].threads == 1 ? "" : "s");
    if (!r->model)
        printf("hash %s was expected\n", r->expected);
    puts("FAILED: the hashes differ, so do not trust figures of this machine; report this, with "
         "the output of\n"
         "'cril info --cpu'");
}

/* NULL: out of memory. */
static json_t *rows_json(const struct run *r)
{
    json_t *list = json_array();

    for (size_t i = 0; list && i < r->n_rows; i++) {
        const struct row *row = &r->rows[i];
        json_t *o = json_pack("{s:s, s:I, s:f, s:s}", "kernels", row->kernels, "threads",
                              (json_int_t)row->threads, "seconds", row->result.seconds, "sha256",
                              row->result.sha256);
        int bad = !o;

        if (!bad && r->model)
            bad = json_object_set_new(
                      o, "tokens_per_second",
                      json_real(per_second((double)cril_selftest_tokens(r->test), row))) ||
                  json_object_set_new(
                      o, "gflop_per_second",
                      json_real(per_second(cril_selftest_flops(r->test) * 1e-9, row)));
        if (bad) {
            json_decref(o);
            o = NULL;
        }
        if (json_array_append_new(list, o) != 0) {
            json_decref(list);
            list = NULL;
        }
    }
    return list;
}

static json_t *model_json(const cril_model *m)
{
    if (!m)
        return json_null();
    return json_pack("{s:o, s:o, s:s}", "path", cril_json_string(cril_model_path(m)), "name",
                     cril_json_string(cril_model_name(m)), "architecture",
                     cril_model_architecture(m));
}

static int print_json(const struct run *r)
{
    const char *known = cril_selftest_expected(r->test);

    return cril_print_json(
        json_pack("{s:s, s:i, s:o, s:I, s:f, s:o, s:o, s:o, s:b}", "cril", CRIL_VERSION, "numerics",
                  CRIL_NUMERICS, "model", model_json(r->model), "tokens",
                  (json_int_t)cril_selftest_tokens(r->test), "flop", cril_selftest_flops(r->test),
                  "runs", rows_json(r), "sha256", r->same ? json_string(r->expected) : json_null(),
                  "expected", known ? json_string(known) : json_null(), "ok", r->same),
        JSON_INDENT(1));
}

static int test(struct run *r)
{
    cril_error err;
    int code = 0;

    if ((r->set->model && cril_model_open(r->set->model, &r->model, &err) != CRIL_OK) ||
        cril_selftest_create(r->model, (size_t)r->set->tokens, &r->test, &err) != CRIL_OK)
        return cril_print_error("%s", err.message);
    r->expected = cril_selftest_expected(r->test);
    if (!r->set->json)
        print_header(r);
    if (!run_rows(r))
        return 1;
    if (r->set->json)
        code = print_json(r);
    else
        print_verdict(r);
    return r->same ? code : 1;
}

static int run(const struct cril_cmd *cmd, int argc, char **argv)
{
    struct settings set = {0};
    struct run r = {.set = &set, .same = true};
    int code = cril_args_parse(cmd, &set, &argc, argv);

    if (code != CRIL_ARGS_GO_ON)
        return code;
    if (argc)
        return cril_args_usage(cmd, "takes no operand; name a model with -m FILE");
    if (set.tokens && !set.model)
        return cril_args_usage(cmd, "--tokens is for a model; name one with -m FILE");
    if ((code = cril_locate_model(&set.model, set.fetch, false)) != CRIL_ARGS_GO_ON)
        return code;
    cril_progress_init(&r.progress, false);
    code = test(&r);
    free(r.rows);
    cril_selftest_free(r.test);
    cril_model_close(r.model);
    return code;
}

const struct cril_cmd cril_cmd_selftest = {
    .name = "selftest",
    .summary = "Check that every kernel set gives the same bits here, and how fast.",
    .usage = "selftest [-m MODEL] [options]",
    .run = run,
    .options = options,
    .more_help = print_teaching,
};
