/* cril study run: computes what the study's database does not have. */
#include "args.h"
#include "output.h"
#include "reads.h"
#include "progress.h"
#include "cmd_study.h"
#include "studying.h"

#include <cril/study_run.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct settings {
    const char *shard, *database;
    uint64_t threads, memory, batch;
    bool no_baselines, quiet;
};

#define AT(field) offsetof(struct settings, field)
#define COUNT .kind = CRIL_OPTION_NUMBER, .value = "N"
#define FLAG .kind = CRIL_OPTION_FLAG

static const struct cril_option options[] = {
    {.group = "Work",
     .name = "shard",
     .kind = CRIL_OPTION_TEXT,
     .value = "I/N",
     .offset = AT(shard),
     .help = "only the I-th of N equal shares of the study's work, such as 3/16"},
    {.name = "database",
     .kind = CRIL_OPTION_TEXT,
     .value = "FILE",
     .offset = AT(database),
     .help = "keep what is computed in FILE (default: the study's database)"},
    {.name = "no-baselines",
     FLAG,
     .offset = AT(no_baselines),
     .help = "leave out what zstd, xz, brotli and bzip2 make of each corpus"},
    CRIL_THREADS_ROW(.group = "Machine", .offset = AT(threads),
                     .help = "threads (default: one a core); changes no figure"),
    CRIL_MEMORY_ROW(.offset = AT(memory),
                    .help = "hold at most this much, such as 8G; changes no figure"),
    CRIL_BATCH_ROW(.offset = AT(batch), .help = "tokens that go through a layer together, and are "
                                                "lost with a killed run (default: 2048)"),
    {.group = "Messages",
     .letter = 'q',
     .name = "quiet",
     FLAG,
     .offset = AT(quiet),
     .help = "errors only"},
    {.name = NULL},
};

static void more_help(void)
{
    fputs(
        "\nDocuments and items go into the database as they are finished. However a run ends, the\n"
        "next one continues it, and the figures have the same bits. Several runs may share a\n"
        "database; on machines that cannot, run shards and merge them:\n"
        "\nExamples:\n"
        "  cril study run study.yaml\n"
        "  cril study run --shard 1/2 --database one.db study.yaml      # on one machine\n"
        "  cril study run --shard 2/2 --database two.db study.yaml      # on another\n"
        "  cril study merge one.db two.db -o study.db\n",
        stdout);
}

struct run {
    struct settings set;
    struct cril_progress progress;
    char phase[48], name[256];
};

static int on_progress(void *user, const cril_study_progress *p)
{
    struct run *r = user;
    const struct cril_progress_state state = {.fraction = p->fraction,
                                              .seconds = p->seconds,
                                              .seconds_left = p->seconds_left,
                                              .tokens = p->forward_tokens,
                                              .figure = "BPC",
                                              .value = p->bpc};

    if (p->corpus) {
        snprintf(r->phase, sizeof(r->phase), "cell %zu of %zu,", p->cells_done + 1, p->cells);
        snprintf(r->name, sizeof(r->name), "%s on %s by %s", p->model, p->corpus, p->protocol);
    } else {
        snprintf(r->phase, sizeof(r->phase), "%s", p->phase);
        snprintf(r->name, sizeof(r->name), "%s", p->model ? p->model : "for another run");
    }
    r->progress.phase = r->phase;
    r->progress.name = r->name;
    cril_progress_show(&r->progress, &state);
    return cril_output_signal() != 0;
}

static void note_score(const cril_study_cell *c)
{
    char se[48] = "", errors[64] = "";

    if (!isnan(c->score_se))
        snprintf(se, sizeof(se), ", standard error %.2f", 100 * c->score_se);
    if (c->errors)
        snprintf(errors, sizeof(errors), ", %" PRIu64 " of which could not be run", c->errors);
    cril_print_note("cell %zu of %zu, %s on %s by %s: score %.2f %%%s, %" PRIu64
                    " item%s%s in %.1f s",
                    c->cells_done, c->cells, c->model, c->corpus, c->protocol, 100 * c->score, se,
                    c->documents, c->documents == 1 ? "" : "s", errors, c->seconds);
}

static void note_divergence(const cril_study_cell *c)
{
    cril_print_note("cell %zu of %zu, %s beside %s on %s by %s: mean KL %.6f, %" PRIu64
                    " document%s in %.1f s",
                    c->cells_done, c->cells, c->model, c->base, c->corpus, c->protocol, c->mean_kl,
                    c->documents, c->documents == 1 ? "" : "s", c->seconds);
}

static void on_cell(void *user, const cril_study_cell *c)
{
    struct run *r = user;

    if (r->set.quiet)
        return;
    cril_progress_clear(&r->progress);
    if (c->is_benchmark) {
        note_score(c);
        return;
    }
    if (c->base) {
        note_divergence(c);
        return;
    }
    cril_print_note("cell %zu of %zu, %s on %s by %s: BPC %.4f, %" PRIu64 " document%s in %.1f s",
                    c->cells_done, c->cells, c->model, c->corpus, c->protocol, c->bpc, c->documents,
                    c->documents == 1 ? "" : "s", c->seconds);
}

static void on_note(void *user, const char *sentence)
{
    struct run *r = user;

    if (r->set.quiet)
        return;
    cril_progress_clear(&r->progress);
    cril_print_note("%s", sentence);
}

static void print_totals(const char *path, bool is_shard, const cril_study_totals *t)
{
    cril_print_escaped(stdout, path, strlen(path));
    printf(": %zu cell%s%s complete, %zu of them before; %" PRIu64 " document%s, %" PRIu64
           " token%s",
           t->cells, t->cells == 1 ? "" : "s", is_shard ? " or parts of cells" : "",
           t->cells_before, t->documents, t->documents == 1 ? "" : "s", t->scored_tokens,
           t->scored_tokens == 1 ? "" : "s");
    if (t->items)
        printf(", %" PRIu64 " item%s", t->items, t->items == 1 ? "" : "s");
    printf(" in %.0f s", t->seconds);
    if (t->forward_tokens)
        printf(", %.0f tokens/s", (double)t->forward_tokens / t->seconds);
    putchar('\n');
}

static cril_status run_study(struct run *r, const char *path, const cril_study_run_options *wanted,
                             cril_study_totals *totals, cril_error *err)
{
    const cril_study_callbacks callbacks = {
        .user = r, .on_progress = on_progress, .on_cell = on_cell, .on_note = on_note};
    cril_store *store = NULL;
    cril_study *study;
    cril_status st = cril_study_load(path, &study, err);
    const char *database;

    if (st != CRIL_OK)
        return st;
    database = r->set.database ? r->set.database : cril_study_info_of(study)->database;
    cril_reads_study(cril_study_info_of(study), false);
    if ((st = cril_reads_check_database(database, err)) == CRIL_OK &&
        (st = cril_store_open(database, NULL, &store, err)) == CRIL_OK)
        st = cril_study_run(cril_study_info_of(study), store, wanted, &callbacks, totals, err);
    cril_store_close(store);
    cril_study_close(study);
    return st;
}

static int run(const struct cril_cmd *cmd, int argc, char **argv)
{
    struct run r = {0};
    cril_study_run_options wanted = {0};
    cril_study_totals totals;
    cril_error err;
    cril_status st;
    int code = cril_studying_args(cmd, &r.set, argc, argv);

    if (code != CRIL_ARGS_GO_ON)
        return code;
    if (!cril_args_shard(r.set.shard, &wanted.shard, &wanted.shards))
        return cril_args_usage(cmd, "--shard %s is not I/N with 1 <= I <= N, such as 3/16",
                               r.set.shard);
    wanted.threads = (unsigned)r.set.threads;
    wanted.batch_tokens = (size_t)r.set.batch;
    wanted.memory_bytes = (size_t)r.set.memory;
    wanted.baselines = !r.set.no_baselines;
    cril_output_catch_signals();
    cril_progress_init(&r.progress, r.set.quiet);
    st = run_study(&r, argv[0], &wanted, &totals, &err);
    cril_progress_clear(&r.progress);
    if (cril_output_signal()) {
        cril_print_note("stopped by a signal; finished documents and items are kept, and the next "
                        "run goes on from there");
        return 128 + cril_output_signal();
    }
    if (st != CRIL_OK)
        return cril_print_error("%s", err.message);
    if (!r.set.quiet)
        print_totals(argv[0], r.set.shard != NULL, &totals);
    return 0;
}

const struct cril_cmd cril_study_cmd_run = {
    .name = "study run",
    .summary = "Compute what the study's database does not have.",
    .usage = "study run [options] STUDY.yaml",
    .run = run,
    .options = options,
    .more_help = more_help,
};
