/*
 * Cells of benchmarks in a study: lines and scores are those of an evaluation on its own, however a
 * run was cut: stopped, killed, in shards, by two processes; a limit reuses items; what was
 * imported gives way to what was measured; what cannot be run is told and left out.
 */
#define _GNU_SOURCE /* mkdtemp, nftw */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "sandbox/sandbox.h"
#include "study/store.h"
#include "study/survey.h"
#include "study_files.h"

#include <cril/study_run.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { N_ARC = 9, N_MATH = 2 /* of each subject */, N_SUBJECTS = 5, N_MODELS = 2 };

/* Of what is tried several times, fewer where programs are slow. */
enum { SOME = CRIL_TEST_SCALE > 1 ? 1 : 3 };
enum { N_CELLS = N_MODELS * 3, ALL_ITEMS = N_MODELS * (N_ARC + N_MATH * N_SUBJECTS) };

/* ---- Files ---- */

static void write_arc(unsigned n)
{
    FILE *f = create(file("sets/arc_challenge/ARC-Challenge-Test.jsonl"));

    for (unsigned i = 0; i < n; i++) {
        fprintf(f,
                "{\"id\": \"i%u\", \"question\": {\"stem\": \"What is %u and %u?\", \"choices\": [",
                i, i, i * i % 7);
        for (unsigned k = 0; k < 3 + i % 2; k++)
            fprintf(f, "%s{\"text\": \"%s %u\", \"label\": \"%c\"}", k ? ", " : "",
                    k % 2 ? "the quick fox" : "dogs", i + k, 'A' + (int)k);
        fprintf(f, "]}, \"answerKey\": \"%c\"}\n", 'A' + (int)(i % 3));
    }
    assert_int_equal(fclose(f), 0);
}

static void write_math(void)
{
    static const char *const subjects[N_SUBJECTS] = {
        "abstract_algebra", "college_mathematics", "elementary_mathematics",
        "high_school_mathematics", "high_school_statistics"};

    for (unsigned s = 0; s < N_SUBJECTS; s++)
        for (int dev = 0; dev < 2; dev++) {
            char name[96];
            FILE *f;

            snprintf(name, sizeof(name), "sets/mmlu/%s/%s_%s.csv", dev ? "dev" : "test",
                     subjects[s], dev ? "dev" : "test");
            f = create(file(name));
            for (unsigned i = 0; i < (dev ? 5 : N_MATH); i++)
                fprintf(f, "\"%u, or %u?\",%u,%u,fox,dogs,%c\n", s, i, i, i + s,
                        'A' + (int)((i + s) % 4));
            assert_int_equal(fclose(f), 0);
        }
}

#define MODELS "models: [{path: tiny-llama.gguf}, {path: tiny-gemma3.gguf}]\n"
#define CORPUS                                                                                     \
    "corpora: [{name: cc, path: lines.jsonl}]\n"                                                   \
    "protocols: [{name: document, context: 48, stride: 16}]\n"
#define ARC "  - {name: ARC, task: arc_challenge, data: sets, protocol: harness}\n"
#define MATH "  - {name: Math, group: cc, task: mmlu_math, data: sets, protocol: harness}\n"

static const char usual[] = MODELS CORPUS "benchmarks:\n" ARC MATH;

static int set_up(void **state)
{
    static const char *const folders[] = {"sets", "sets/arc_challenge", "sets/mmlu",
                                          "sets/mmlu/test", "sets/mmlu/dev"};
    FILE *f;

    if (make_folder(state) != 0)
        return -1;
    for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++)
        assert_int_equal(mkdir(file(folders[i]), 0777), 0);
    f = create(file("lines.jsonl"));
    fputs("{\"content\": \"The quick fox jumps over 3.14 dogs and a cat.\"}\n", f);
    assert_int_equal(fclose(f), 0);
    write_arc(N_ARC);
    write_math();
    copy_model("tiny-llama");
    copy_model("tiny-gemma3");
    write_study(usual);
    return 0;
}

/* ---- Runs ---- */

struct seen {
    size_t n, stop_at; /* calls; the one that stops the run, from 1; 0: none */
    size_t n_notes, n_benchmark_cells;
    double fraction;
    char note[1024];
    cril_study_cell last; /* its texts are not valid any more */
};

static int on_progress(void *user, const cril_study_progress *p)
{
    struct seen *s = user;

    s->n++;
    if (strcmp(p->phase, "scoring") == 0) {
        assert_true(p->model && p->corpus && p->protocol);
        assert_true(p->fraction >= s->fraction - 1e-9 && p->fraction <= 1);
        assert_true(p->seconds_left >= 0 || p->seconds_left == -1);
        s->fraction = p->fraction;
    }
    return s->stop_at && s->n >= s->stop_at;
}

static void on_cell(void *user, const cril_study_cell *c)
{
    struct seen *s = user;

    if (c->is_benchmark) {
        s->n_benchmark_cells++;
        assert_true(c->corpus && strcmp(c->corpus, "cc") != 0);
        assert_true(isnan(c->bpc) && c->documents > 0);
        assert_true(isnan(c->score) || (c->score >= 0 && c->score <= 1));
        s->last = *c;
    }
}

static void on_note(void *user, const char *sentence)
{
    struct seen *s = user;

    s->n_notes++;
    snprintf(s->note, sizeof(s->note), "%s", sentence);
}

static cril_status run(const char *database, const cril_study_run_options *o, struct seen *seen,
                       cril_study_totals *totals, cril_error *err)
{
    const cril_study_callbacks callbacks = {
        .user = seen, .on_progress = on_progress, .on_note = on_note, .on_cell = on_cell};
    cril_study *study;
    cril_store *store;
    cril_status st;

    if ((st = cril_study_load(file("study.yaml"), &study, err)) != CRIL_OK)
        return st;
    if ((st = cril_store_open(database, NULL, &store, err)) == CRIL_OK) {
        st = cril_study_run(cril_study_info_of(study), store, o, &callbacks, totals, err);
        cril_store_close(store);
    }
    cril_study_close(study);
    return st;
}

static const cril_study_run_options plain = {.threads = 1};

static void run_all(const char *database, cril_study_totals *totals)
{
    struct seen seen = {.n = 0};
    cril_error err;

    check_ok(run(database, &plain, &seen, totals, &err));
}

/* A study with its database and its files as they are now. */
struct opened {
    cril_study *study;
    const cril_study_info *info;
    cril_store *store;
    cril_current *current;
    cril_study_table table;
};

static void open_all(struct opened *o, const char *database)
{
    cril_error err;

    check_ok(cril_study_load(file("study.yaml"), &o->study, &err));
    o->info = cril_study_info_of(o->study);
    check_ok(cril_store_open(database, NULL, &o->store, &err));
    check_ok(cril_current_look(o->store, o->info, &o->current, &err));
    check_ok(cril_current_table(o->current, &o->info->protocols[0], &o->table, &err));
}

static void close_all(struct opened *o)
{
    cril_study_table_free(&o->table);
    cril_current_free(o->current);
    cril_store_close(o->store);
    cril_study_close(o->study);
}

/* ---- Figures ---- */

/* Lines of an evaluation without a study. */
struct alone {
    const struct cril_evaluation *e;
    char *line[64]; /* by item */
    struct cril_evaluation_sum *sum;
    size_t n_seen;
};

static int keep_line(void *user, size_t item, const char *line, size_t len)
{
    struct alone *a = user;

    a->line[item] = strndup(line, len);
    assert_int_equal(cril_evaluation_sum_add(a->sum, line, len, NULL), CRIL_OK);
    return 0;
}

/* The same but for the prompt. */
static cril_status check_line(void *user, const cril_store_item *item, cril_error *err)
{
    struct alone *a = user;
    json_t *stored = json_loadb(item->line, item->len, 0, NULL), *whole = NULL;

    (void)err;
    assert_non_null(stored);
    for (size_t i = 0; i < a->e->items.n; i++)
        if (a->e->items.item[i].index == item->index &&
            strcmp(a->e->items.item[i].subject, item->subject) == 0)
            whole = json_loads(a->line[i], 0, NULL);
    assert_non_null(whole);
    assert_true(json_is_string(json_object_get(whole, "prompt")));
    assert_true(json_array_size(json_object_get(whole, "prompt_ids")) > 0);
    assert_null(json_object_get(stored, "prompt"));
    json_object_del(whole, "prompt");
    json_object_del(whole, "prompt_ids");
    assert_true(json_array_size(json_object_get(whole, "choices")) >= 3 ||
                json_is_string(json_object_get(whole, "text")));
    assert_true(json_equal(stored, whole));
    json_decref(stored);
    json_decref(whole);
    a->n_seen++;
    return CRIL_OK;
}

static void check_cell(const struct opened *o, size_t m, size_t b)
{
    const cril_study_benchmark *study = &o->info->benchmarks[b];
    const struct cril_evaluation_options options = {.threads = 1};
    const cril_known *known = &o->table.score[m * o->info->n_benchmarks + b];
    struct cril_evaluation e;
    struct alone a = {.e = &e};
    const struct cril_evaluation_callbacks callbacks = {.user = &a, .on_item = keep_line};
    const cril_eval_score *score;
    cril_score_of_items got;
    cril_score_state state;
    cril_model *model;
    cril_error err;
    size_t n;

    check_ok(cril_evaluation_open_task(cril_task_find(study->task), study->protocol, NULL,
                                       study->data, study->limit, &e, &err));
    assert_true(e.items.n <= 64);
    check_ok(cril_evaluation_sum_create(&e, &a.sum, &err));
    check_ok(cril_model_open(o->info->models[m].path, &model, &err));
    check_ok(cril_evaluate(&e, model, &options, &callbacks, &err));
    check_ok(cril_current_score(o->current, m, b, &state, &err));
    assert_true(state.known && state.complete && !state.out_of_date);
    assert_int_equal(state.done, e.items.n);
    assert_int_equal(state.benchmark.items, e.items.n);
    check_ok(cril_store_each_item(o->store, &state.cell, &state.benchmark, check_line, &a, &err));
    assert_int_equal(a.n_seen, e.items.n);
    check_ok(cril_store_score(o->store, &state.cell, &state.benchmark, &got, &err));
    score = cril_evaluation_sum_scores(a.sum, &n);
    assert_true(n >= 1);
    assert_memory_equal(&got.value, &score->score, sizeof(got.value));
    assert_memory_equal(&got.se, &score->se, sizeof(got.se));
    assert_memory_equal(&got.bpb_total, &score->bpb_total, sizeof(got.bpb_total));
    assert_int_equal(got.items, e.items.n);
    assert_int_equal(got.errors, 0);
    assert_int_equal(known->origin, CRIL_ORIGIN_MEASURED);
    assert_memory_equal(&known->value, &got.value, sizeof(got.value));
    assert_memory_equal(&known->se, &got.se, sizeof(got.se));
    assert_non_null(strstr(known->source, study->task));
    assert_non_null(strstr(known->source, " by "));
    for (size_t i = 0; i < e.items.n; i++)
        free(a.line[i]);
    cril_evaluation_sum_free(a.sum);
    cril_evaluation_free(&e);
    cril_model_close(model);
}

static void test_scores(void **state)
{
    struct seen seen = {.n = 0};
    cril_study_totals totals;
    struct opened o;
    cril_error err;

    (void)state;
    check_ok(run(file("one.db"), &plain, &seen, &totals, &err));
    assert_int_equal(totals.cells, N_CELLS);
    assert_int_equal(totals.items, ALL_ITEMS);
    assert_int_equal(totals.documents, N_MODELS);
    assert_int_equal(seen.n_benchmark_cells, N_MODELS * 2);
    assert_true(totals.forward_tokens > ALL_ITEMS);
    open_all(&o, file("one.db"));
    for (size_t m = 0; m < N_MODELS; m++)
        for (size_t b = 0; b < 2; b++)
            check_cell(&o, m, b);
    close_all(&o);
    run_all(file("one.db"), &totals);
    assert_int_equal(totals.cells_before, N_CELLS);
    assert_int_equal(totals.items + totals.forward_tokens, 0);
}

/* What was imported counts until all of it is measured. */
static void test_imported_gives_way(void **state)
{
    const cril_figure rows[] = {{"tiny-llama", "ARC", 0.25, NAN, "a paper", 0},
                                {"tiny-llama", "Other", 0.5, NAN, "a paper", 0}};
    const cril_study_run_options small = {.threads = 1, .batch_tokens = 32};
    struct seen seen = {.stop_at = 20};
    struct opened o;
    cril_store *s;
    cril_error err;

    (void)state;
    write_study("models: [{path: tiny-llama.gguf}]\n" CORPUS "benchmarks:\n" ARC
                "  - {name: Other}\n");
    check_ok(cril_store_open(file("one.db"), NULL, &s, &err));
    check_ok(cril_store_import(s, CRIL_FIGURE_SCORE, rows, 2, NULL, &err));
    cril_store_close(s);
    assert_int_equal(run(file("one.db"), &small, &seen, NULL, &err), CRIL_ERR_CANCELLED);
    open_all(&o, file("one.db"));
    assert_int_equal(o.table.score[0].origin, CRIL_ORIGIN_IMPORTED);
    close_all(&o);
    run_all(file("one.db"), NULL);
    open_all(&o, file("one.db"));
    assert_int_equal(o.table.score[0].origin, CRIL_ORIGIN_MEASURED);
    assert_int_equal(o.table.score[1].origin, CRIL_ORIGIN_IMPORTED);
    check_cell(&o, 0, 0);
    close_all(&o);
}

/* Without data, what was measured is known by the benchmark's name. */
static void test_without_data(void **state)
{
    double value;
    struct opened o;

    (void)state;
    run_all(file("one.db"), NULL);
    open_all(&o, file("one.db"));
    value = o.table.score[0].value;
    close_all(&o);
    write_study(MODELS CORPUS "benchmarks: [{name: ARC}, {name: Math}]\n");
    open_all(&o, file("one.db"));
    assert_int_equal(o.table.score[0].origin, CRIL_ORIGIN_MEASURED);
    assert_memory_equal(&o.table.score[0].value, &value, sizeof(value));
    close_all(&o);
}

/* ---- Limits ---- */

static void write_limited(unsigned arc, unsigned math)
{
    char text[600];

    snprintf(text, sizeof(text),
             "models: [{path: tiny-llama.gguf}]\n" CORPUS "benchmarks:\n"
             "  - {name: ARC, task: arc_challenge, data: sets, protocol: harness, limit: %u}\n"
             "  - {name: Math, task: mmlu_math, data: sets, protocol: harness, limit: %u}\n",
             arc, math);
    write_study(text);
}

static void test_limits(void **state)
{
    static const unsigned limits[][2] = {{4, 1}, {7, 2}, {6, 1}, {900, 900}};
    static const uint64_t n_new[] = {4 + 5, 3 + 5, 0, 2};
    cril_study_totals totals;
    struct opened o;

    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        write_limited(limits[i][0], limits[i][1]);
        if (i) { /* before the run */
            open_all(&o, file("one.db"));
            assert_true(isnan(o.table.score[0].value));
            assert_non_null(o.table.score[0].out_of_date);
            assert_non_null(strstr(o.table.score[0].out_of_date, "the limit was "));
            assert_true(o.table.score[0].was >= 0);
            close_all(&o);
        }
        run_all(file("one.db"), &totals);
        assert_int_equal(totals.items, n_new[i]);
        open_all(&o, file("one.db"));
        assert_null(o.table.score[0].out_of_date);
        check_cell(&o, 0, 0);
        check_cell(&o, 0, 1);
        close_all(&o);
    }
}

/* Two benchmarks of one task and two limits are one cell. */
static void test_shared(void **state)
{
    cril_study_totals totals;
    struct opened o;

    (void)state;
    write_study("models: [{path: tiny-llama.gguf}]\n" CORPUS "benchmarks:\n" ARC
                "  - {name: Few, task: arc_challenge, data: sets, protocol: harness, limit: 4}\n");
    run_all(file("one.db"), &totals);
    assert_int_equal(totals.cells, 2);
    assert_int_equal(totals.items, N_ARC);
    open_all(&o, file("one.db"));
    check_cell(&o, 0, 0);
    check_cell(&o, 0, 1);
    close_all(&o);
}

/* ---- Cut runs ---- */

static void test_stopped(void **state)
{
    const cril_study_run_options small = {.threads = 1, .batch_tokens = 16};
    cril_study_totals totals;
    cril_error err;

    (void)state;
    run_all(file("one.db"), NULL);
    for (unsigned k = 0; k < SOME; k++) {
        const char *path = numbered("stopped", k);
        uint64_t n_items = 0;
        unsigned n_runs = 0;
        cril_status st;

        do {
            struct seen seen = {.stop_at = 8 + 7 * k + 5 * n_runs};

            st = run(path, &small, &seen, &totals, &err);
            n_items += totals.items;
            if (st != CRIL_OK && st != CRIL_ERR_CANCELLED)
                fail_msg("%s", err.message);
            assert_true(++n_runs < 1000);
        } while (st != CRIL_OK);
        assert_true(n_runs > 2);
        assert_int_equal(n_items, ALL_ITEMS);
        check_same(path, file("one.db"));
    }
}

/* Killed at random moments, until one gets through. */
static void test_killed(void **state)
{
    const cril_study_run_options small = {.threads = 1, .batch_tokens = 16};
    const unsigned seed = (unsigned)time(NULL);
    uint32_t random = seed;

    (void)state;
    print_message("seed %u\n", seed);
    run_all(file("one.db"), NULL);
    for (unsigned k = 0; k < SOME; k++) {
        const char *path = numbered("killed", k);
        int status = 1;

        for (unsigned n = 0; n < 6 && status; n++) {
            const pid_t pid = fork();

            assert_true(pid >= 0);
            if (!pid) {
                struct seen seen = {.n = 0};
                cril_error err;

                _exit(run(path, &small, &seen, NULL, &err) != CRIL_OK);
            }
            random = random * 1664525 + 1013904223;
            usleep((random >> 16) % 200000 * CRIL_TEST_SCALE);
            kill(pid, SIGKILL);
            assert_int_equal(waitpid(pid, &status, 0), pid);
        }
        run_all(path, NULL);
        check_same(path, file("one.db"));
    }
}

static void test_shards(void **state)
{
    cril_error err;

    (void)state;
    run_all(file("one.db"), NULL);
    for (unsigned n = 1; n <= 2 * SOME; n++) {
        const char *paths[6];
        uint64_t n_items = 0;
        char stem[16];

        snprintf(stem, sizeof(stem), "shard-%u", n);
        for (unsigned i = n; i-- > 0;) {
            const cril_study_run_options share = {.threads = 1, .shard = i + 1, .shards = n};
            struct seen seen = {.n = 0};
            cril_study_totals totals;

            check_ok(run(paths[i] = numbered(stem, i), &share, &seen, &totals, &err));
            n_items += totals.items;
        }
        assert_int_equal(n_items, ALL_ITEMS);
        check_ok(merge(numbered("merged", n), paths, n, &err));
        check_same(numbered("merged", n), file("one.db"));
    }
}

/* Every item of every cell is in one slice, and the slices are about alike. */
static void test_cuts(void **state)
{
    struct cril_survey w = {.n_jobs = 0};
    struct cril_job all[N_CELLS];
    cril_study *study;
    cril_error err;
    double total = 0;

    (void)state;
    check_ok(cril_study_load(file("study.yaml"), &study, &err));
    check_ok(cril_survey_read(cril_study_info_of(study), &w, NULL, NULL, &err));
    assert_int_equal(w.n_jobs, N_CELLS);
    memcpy(all, w.jobs, sizeof(all));
    for (size_t i = 0; i < N_CELLS; i++) {
        assert_true(!i || all[i].flops >= all[i - 1].flops);
        assert_true(all[i].flops > 1e4);
        total += all[i].flops;
    }
    for (unsigned shards = 1; shards <= 40; shards++) {
        uint64_t next[N_CELLS] = {0};

        for (unsigned shard = 1; shard <= shards; shard++) {
            double sum = 0;

            memcpy(w.jobs, all, sizeof(all));
            w.n_jobs = N_CELLS;
            cril_survey_cut(&w, shard, shards);
            for (size_t i = 0, k = 0; i < w.n_jobs; i++, k++) {
                while (w.jobs[i].flops != all[k].flops)
                    assert_true(++k < N_CELLS);
                assert_int_equal(w.jobs[i].slice.from, next[k]);
                next[k] = w.jobs[i].slice.to;
                sum += w.jobs[i].slice_flops;
            }
            assert_true(fabs(sum - total / shards) < total / 8);
        }
        for (size_t k = 0; k < N_CELLS; k++)
            assert_int_equal(next[k], all[k].slice.to);
    }
    cril_survey_free(&w);
    cril_study_close(study);
}

static void test_two_processes(void **state)
{
    const cril_study_run_options small = {.threads = 1, .batch_tokens = 32};
    const char *path = file("shared.db");
    uint64_t n_items[2] = {0};
    int ends[2], status;
    pid_t pids[2];

    (void)state;
    run_all(file("one.db"), NULL);
    assert_int_equal(pipe(ends), 0);
    for (int i = 0; i < 2; i++) {
        pids[i] = fork();
        assert_true(pids[i] >= 0);
        if (!pids[i]) {
            struct seen seen = {.n = 0};
            cril_study_totals totals;
            cril_error err;
            const cril_status st = run(path, &small, &seen, &totals, &err);

            if (st != CRIL_OK)
                fprintf(stderr, "process %d: %s\n", i, err.message);
            _exit(st != CRIL_OK || write(ends[1], &totals.items, sizeof(totals.items)) !=
                                       (ssize_t)sizeof(totals.items));
        }
    }
    for (int i = 0; i < 2; i++) {
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_int_equal(status, 0);
        assert_int_equal(read(ends[0], &n_items[i], sizeof(n_items[i])), sizeof(n_items[i]));
    }
    close(ends[0]);
    close(ends[1]);
    assert_int_equal(n_items[0] + n_items[1], ALL_ITEMS);
    check_same(path, file("one.db"));
}

/* ---- Texts and programs ---- */

static void write_problems(const char *name, unsigned n)
{
    FILE *f = create(file(name));

    for (unsigned i = 0; i < n; i++)
        fprintf(
            f,
            "{\"question\": \"How many are %u dogs and %u?\", \"answer\": \"They are %u.\\n#### "
            "%u\"}\n",
            i, i, 2 * i, 2 * i);
    assert_int_equal(fclose(f), 0);
}

/* Greedy texts are those of an evaluation on its own, in one run and in shards. */
static void test_generation(void **state)
{
    const char *paths[3];
    struct opened o;
    cril_error err;

    (void)state;
    assert_int_equal(mkdir(file("sets/gsm8k"), 0777), 0);
    write_problems("sets/gsm8k/test.jsonl", 3);
    write_problems("sets/gsm8k/train.jsonl", 6);
    write_study("models: [{path: tiny-llama.gguf}]\ncorpora: [{name: cc}]\nbenchmarks:\n"
                "  - {name: GSM8K, task: gsm8k, data: sets}\n");
    run_all(file("one.db"), NULL);
    open_all(&o, file("one.db"));
    check_cell(&o, 0, 0);
    close_all(&o);
    for (unsigned i = 0; i < 3; i++) {
        const cril_study_run_options share = {.threads = 1, .shard = i + 1, .shards = 3};
        struct seen seen = {.n = 0};
        cril_study_totals totals;

        check_ok(run(paths[i] = numbered("texts", i), &share, &seen, &totals, &err));
        assert_int_equal(totals.items, 1);
    }
    check_ok(merge(file("merged.db"), paths, 3, &err));
    check_same(file("merged.db"), file("one.db"));
}

static void write_programs(void)
{
    FILE *f;

    assert_int_equal(mkdir(file("sets/humaneval"), 0777), 0);
    f = create(file("sets/humaneval/HumanEval.jsonl"));
    for (unsigned i = 0; i < 2; i++)
        fprintf(f,
                "{\"task_id\": \"HumanEval/%u\", \"prompt\": \"def f(x):\\n\", "
                "\"canonical_solution\": \"    return x + %u\\n\", \"test\": \"def check(g):\\n    "
                "assert g(1) == %u\\n\", \"entry_point\": \"f\"}\n",
                i, i, i + 1);
    assert_int_equal(fclose(f), 0);
}

#define PROGRAMS "  - {name: Code, task: humaneval, data: sets}\n"

/* Without a Python, cells that need one are left out, and the others are computed. */
static void test_no_python(void **state)
{
    struct seen seen = {.n = 0};
    cril_study_totals totals;
    cril_study_faults faults;
    cril_study *loaded;
    cril_error err;

    (void)state;
    write_programs();
    write_study("python: ./none/python\nmodels: [{path: tiny-llama.gguf}]\n" CORPUS
                "benchmarks:\n" PROGRAMS ARC);
    check_refused(run(file("one.db"), &plain, &seen, &totals, &err), CRIL_ERR_UNSUPPORTED,
                  "study.yaml:6: ");
    assert_int_equal(seen.n_notes, 1);
    assert_non_null(strstr(seen.note, "; the other cells are computed"));
    assert_int_equal(totals.cells, 2);
    assert_int_equal(totals.items, N_ARC);
    check_ok(cril_study_load(file("study.yaml"), &loaded, &err));
    assert_int_equal(cril_study_run_check(cril_study_info_of(loaded), &faults),
                     CRIL_ERR_UNSUPPORTED);
    assert_int_equal(faults.n, 1);
    cril_study_close(loaded);
}

/* What ran programs is kept beside the verdicts. */
static void test_programs(void **state)
{
    struct cril_sandbox *sandbox;
    char *text;
    cril_error err;

    (void)state;
    if (cril_sandbox_open(NULL, &sandbox, &err) != CRIL_OK) {
        print_message("skipped: %s\n", err.message);
        return;
    }
    cril_sandbox_close(sandbox);
    write_programs();
    write_study("models: [{path: tiny-llama.gguf}]\ncorpora: [{name: cc}]\nbenchmarks:\n" PROGRAMS);
    run_all(file("one.db"), NULL);
    text = dump_of(file("one.db"));
    assert_non_null(strstr(text, "\nprograms \"Python 3."));
    assert_non_null(strstr(text, "\"passed\": false"));
    assert_null(strstr(text, "\"error\""));
    free(text);
}

/* ---- What changes ---- */

static void check_old(size_t benchmark, const char *why)
{
    struct opened o;
    const cril_known *k;

    open_all(&o, file("one.db"));
    k = &o.table.score[benchmark];
    assert_int_equal(k->origin, CRIL_ORIGIN_NONE);
    if (!k->out_of_date || !strstr(k->out_of_date, why))
        fail_msg("no \"%s\" in: %s", why, k->out_of_date ? k->out_of_date : "nothing");
    assert_true(k->was >= 0 && k->was <= 1);
    close_all(&o);
}

static void test_out_of_date(void **state)
{
    struct seen seen = {.n = 0};
    cril_study_totals totals;
    struct opened o;
    char *before, *after;
    cril_error err;

    (void)state;
    run_all(file("one.db"), NULL);
    before = dump_of(file("one.db"));
    write_arc(N_ARC + 2);
    check_old(0, "the benchmark's data have changed");
    check_ok(run(file("one.db"), &plain, &seen, &totals, &err));
    assert_int_equal(totals.items, N_MODELS * (N_ARC + 2)); /* of other data */
    assert_non_null(strstr(seen.note, "the benchmark ARC has another file than before"));
    after = dump_of(file("one.db"));
    assert_true(strlen(after) > strlen(before)); /* what was known is kept */
    free(before);
    free(after);
    open_all(&o, file("one.db"));
    check_cell(&o, 0, 0);
    close_all(&o);

    write_arc(N_ARC + 2); /* the same bytes, written again */
    open_all(&o, file("one.db"));
    assert_int_equal(o.table.score[0].origin, CRIL_ORIGIN_MEASURED);
    close_all(&o);
    write_study(MODELS CORPUS "benchmarks:\n" ARC
                              "  - {name: Math, task: mmlu_math, data: sets, protocol: paper}\n");
    check_old(1, "the protocol was \"harness\" and is \"paper\"");
    write_study(usual);
    copy_model("tiny-llama");
    open_all(&o, file("one.db"));
    assert_int_equal(o.table.score[0].origin, CRIL_ORIGIN_MEASURED);
    close_all(&o);
}

struct moved {
    cril_store *store;
    cril_item_cell to;
    cril_store_item item[64]; /* [n] lines owned */
    size_t n;
};

static cril_status take_item(void *user, const cril_store_item *item, cril_error *err)
{
    struct moved *m = user;

    (void)err;
    assert_true(m->n < 64);
    m->item[m->n] = *item;
    m->item[m->n].subject = "";
    m->item[m->n++].line = strndup(item->line, item->len);
    return CRIL_OK;
}

/* Items by the scoring rules of before. */
static void test_older_rules(void **state)
{
    struct moved m = {.n = 0};
    cril_study_totals totals;
    cril_score_state now;
    struct opened o;
    cril_error err;

    (void)state;
    write_study("models: [{path: tiny-llama.gguf}]\n" CORPUS "benchmarks:\n" ARC);
    run_all(file("one.db"), NULL);
    open_all(&o, file("one.db"));
    check_ok(cril_current_score(o.current, 0, 0, &now, &err));
    check_ok(cril_store_each_item(o.store, &now.cell, &now.benchmark, take_item, &m, &err));
    assert_int_equal(m.n, N_ARC);
    m.to = now.cell;
    m.to.rules = CRIL_RULES - 1;
    check_ok(cril_store_put_items(o.store, &m.to, m.item, m.n, NULL, &err));
    assert_int_equal(sqlite3_exec(o.store->db,
                                  "DELETE FROM items WHERE cell IN (SELECT key FROM item_cells "
                                  "WHERE rules = 2)",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    close_all(&o);
    check_old(0, "it is by version 1 of the scoring rules, this cril has 2");
    run_all(file("one.db"), &totals);
    assert_int_equal(totals.items, N_ARC);
    open_all(&o, file("one.db"));
    check_cell(&o, 0, 0);
    close_all(&o);
    for (size_t i = 0; i < m.n; i++)
        free((void *)(uintptr_t)m.item[i].line);
}

/* Lines that another program changed: no score is made of them. */
static void test_bad_lines(void **state)
{
    static const char *const changes[] = {"\"acc_norm\": 7", "\"acc_norm\": -1",
                                          "\"acc_norm\": \"x\", \"protocol\": \"p\""};
    cril_study_table table;
    cril_study *study;
    cril_store *s;
    cril_error err;

    (void)state;
    write_study("models: [{path: tiny-llama.gguf}]\n" CORPUS "benchmarks:\n" ARC);
    check_ok(cril_study_load(file("study.yaml"), &study, &err));
    for (unsigned i = 0; i < 3; i++) {
        const char *path = numbered("bad", i);
        char sql[200];

        run_all(path, NULL);
        check_ok(cril_store_open(path, NULL, &s, &err));
        snprintf(sql, sizeof(sql),
                 "UPDATE items SET line = replace(replace(line, '\"acc_norm\": 0', '%s'), "
                 "'\"acc_norm\": 1', '%s')",
                 changes[i], changes[i]);
        assert_int_equal(sqlite3_exec(s->db, sql, NULL, NULL, NULL), SQLITE_OK);
        assert_int_equal(cril_store_table(s, cril_study_info_of(study),
                                          &cril_study_info_of(study)->protocols[0], &table, &err),
                         CRIL_ERR_FORMAT);
        cril_store_close(s);
    }
    cril_study_close(study);
}

/* A model's file that is written to while its items are run. */
static int write_to_model(void *user, const cril_study_progress *p)
{
    bool *done = user;

    if (strcmp(p->phase, "scoring") == 0 && strcmp(p->corpus, "ARC") == 0 && !*done) {
        FILE *f = fopen(file("tiny-llama.gguf"), "a");

        assert_non_null(f);
        fputs("more", f);
        assert_int_equal(fclose(f), 0);
        *done = true;
    }
    return 0;
}

static void test_changed_within(void **state)
{
    bool done = false;
    const cril_study_callbacks callbacks = {.user = &done, .on_progress = write_to_model};
    cril_study *study;
    cril_store *store;
    cril_error err;
    char *text;

    (void)state;
    write_study("models: [{path: tiny-llama.gguf}]\n" CORPUS "benchmarks:\n" ARC);
    check_ok(cril_study_load(file("study.yaml"), &study, &err));
    check_ok(cril_store_open(file("one.db"), NULL, &store, &err));
    check_refused(cril_study_run(cril_study_info_of(study), store, &plain, &callbacks, NULL, &err),
                  CRIL_ERR_MISMATCH, "tiny-llama.gguf: was written to");
    cril_store_close(store);
    cril_study_close(study);
    text = dump_of(file("one.db"));
    assert_null(strstr(text, "\nitem "));
    free(text);
}

/* ---- What is left out ---- */

static void test_bad_data(void **state)
{
    static const char study[] = "models: [{path: tiny-llama.gguf}]\n" CORPUS "benchmarks:\n" ARC
                                "  - {name: Bad, task: arc_challenge, data: bad, protocol: "
                                "harness}\n" MATH;
    struct seen seen = {.n = 0};
    cril_study_totals totals;
    cril_study_faults faults;
    cril_study *loaded;
    cril_error err;
    FILE *f;

    (void)state;
    assert_int_equal(mkdir(file("bad"), 0777), 0);
    write_study(study);
    check_refused(run(file("one.db"), &plain, &seen, &totals, &err), CRIL_ERR_IO,
                  "study.yaml:6: neither ");
    f = create(file("bad/ARC-Challenge-Test.jsonl"));
    fputs("{\"id\": \"x\"}\n", f);
    fclose(f);
    check_ok(cril_study_load(file("study.yaml"), &loaded, &err));
    assert_int_equal(cril_study_run_check(cril_study_info_of(loaded), &faults), CRIL_ERR_FORMAT);
    assert_int_equal(faults.n, 1);
    assert_non_null(strstr(faults.fault[0].message, "study.yaml:6: "));
    cril_study_close(loaded);
    check_refused(run(file("one.db"), &plain, &seen, &totals, &err), CRIL_ERR_FORMAT,
                  "study.yaml:6: ");
    assert_int_equal(seen.n_notes, 1);
    assert_int_equal(totals.cells, 3);
    assert_int_equal(totals.items, N_ARC + N_MATH * N_SUBJECTS);
    unlink(file("bad/ARC-Challenge-Test.jsonl"));
}

static void test_nothing_to_run(void **state)
{
    struct seen seen = {.n = 0};
    cril_study_totals totals;
    cril_error err;

    (void)state;
    write_study("models: [{path: tiny-llama.gguf}]\ncorpora: [{name: cc}]\nbenchmarks:\n" ARC);
    check_ok(run(file("one.db"), &plain, &seen, &totals, &err));
    assert_int_equal(totals.cells, 1);
    write_study("models: [{path: tiny-llama.gguf}]\ncorpora: [{name: cc}]\nbenchmarks: [{name: "
                "ARC}]\n");
    check_refused(run(file("one.db"), &plain, &seen, &totals, &err), CRIL_ERR_EMPTY,
                  "no corpus has a path, and no benchmark has data");
}

#define study_test(f) cmocka_unit_test_setup_teardown(f, set_up, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        study_test(test_scores),         study_test(test_imported_gives_way),
        study_test(test_without_data),   study_test(test_limits),
        study_test(test_shared),         study_test(test_stopped),
        study_test(test_killed),         study_test(test_shards),
        study_test(test_cuts),           study_test(test_two_processes),
        study_test(test_out_of_date),    study_test(test_older_rules),
        study_test(test_bad_lines),      study_test(test_changed_within),
        study_test(test_generation),     study_test(test_no_python),
        study_test(test_programs),       study_test(test_bad_data),
        study_test(test_nothing_to_run),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
