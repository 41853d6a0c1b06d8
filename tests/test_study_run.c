/*
 * Runs of a study: figures with the bits of a plain run, however a run was cut: stopped and gone on
 * with, in shards, by several processes at once; and files that change are new cells, or, while a
 * run is at them, refused.
 */
#define _GNU_SOURCE /* mkdtemp, nftw */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "study/store.h"
#include "study/survey.h"
#include "gguf_edit.h"
#include "study_files.h"

#include <cril/diverge.h>
#include <cril/study_run.h>
#include <dirent.h>
#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { N_DOCUMENTS = 14, N_FILES = 3, N_CELLS = 2 * 2 * 3, MAX_SHARDS = 17 };

/* Documents of all cells. */
enum { ALL_DOCUMENTS = 2 * 3 * (N_DOCUMENTS + N_FILES) };

/* ---- Files ---- */

static void put_words(FILE *f, uint32_t *state, unsigned n)
{
    static const char *const words[] = {"the",  "quick",        "brown", "fox", "3.14",  "jumps",
                                        "over", "na\xc3\xafve", "dogs",  "and", "(cats)"};

    for (unsigned i = 0; i < n; i++) {
        *state = *state * 1664525 + 1013904223;
        fprintf(f, "%s%s", i ? " " : "", words[(*state >> 16) % (sizeof(words) / sizeof(*words))]);
    }
}

static void write_corpora(void)
{
    static const unsigned lengths[N_DOCUMENTS] = {40, 1, 90,  7, 33, 2, 60,
                                                  18, 5, 120, 1, 25, 3, 50};
    uint32_t state = 7;
    FILE *f = create(file("lines.jsonl"));

    for (size_t i = 0; i < N_DOCUMENTS; i++) {
        fputs("{\"content\": \"", f);
        put_words(f, &state, lengths[i]);
        fputs("\"}\n", f);
    }
    assert_int_equal(fclose(f), 0);
    assert_int_equal(mkdir(file("texts"), 0777), 0);
    for (unsigned i = 0; i < N_FILES; i++) {
        char name[32];

        snprintf(name, sizeof(name), "texts/%u.txt", i);
        f = create(file(name));
        put_words(f, &state, 30 + 20 * i);
        assert_int_equal(fclose(f), 0);
    }
}

static const char usual[] = "models: [{path: tiny-llama.gguf}, {path: tiny-gemma3.gguf}]\n"
                            "corpora: [{path: lines.jsonl}, {path: texts}]\n"
                            "protocols:\n"
                            "  - {name: document, context: 48, stride: 16}\n"
                            "  - {name: hkust, context: 40, stride: 13}\n"
                            "  - {name: halves, context: 24}\n";

static int set_up(void **state)
{
    if (make_folder(state) != 0)
        return -1;
    write_corpora();
    copy_model("tiny-llama");
    copy_model("tiny-gemma3");
    write_study(usual);
    return 0;
}

/* ---- Runs ---- */

struct seen {
    size_t n, stop_at; /* calls; the one that stops the run, from 1; 0: none */
    size_t n_scoring, n_waiting, n_compressing, n_notes;
    double fraction;
    size_t cells_done;
    size_t n_cells; /* finished, each of which was told */
    char note[512];
    const char *write_to; /* when scoring begins something is written behind this file; NULL: not */
    off_t size_kept;      /* 0, or what that file is cut to afterwards */
};

static int on_progress(void *user, const cril_study_progress *p)
{
    struct seen *s = user;

    s->n++;
    s->n_waiting += strcmp(p->phase, "waiting") == 0;
    s->n_compressing += strcmp(p->phase, "compressing") == 0;
    if (strcmp(p->phase, "scoring") == 0) {
        s->n_scoring++;
        assert_true(p->model && p->corpus && p->protocol);
        assert_true(p->fraction >= 0 && p->fraction <= 1 && p->fraction >= s->fraction - 1e-9);
        assert_true(p->cells_done >= s->cells_done && p->cells_done < p->cells);
        assert_true(p->seconds_left >= 0 || p->seconds_left == -1);
        s->fraction = p->fraction;
        s->cells_done = p->cells_done;
        if (s->write_to) {
            FILE *f = fopen(s->write_to, "a");

            assert_non_null(f);
            fputs("{\"content\": \"one more\"}\n", f);
            assert_int_equal(fclose(f), 0);
            if (s->size_kept)
                assert_int_equal(truncate(s->write_to, s->size_kept), 0);
            s->write_to = NULL;
        }
    }
    return s->stop_at && s->n >= s->stop_at;
}

static void on_cell(void *user, const cril_study_cell *c)
{
    struct seen *s = user;

    assert_true(c->model && c->corpus && c->protocol);
    assert_true(c->base ? c->mean_kl >= 0 && isnan(c->bpc) : c->bpc > 0 && isnan(c->mean_kl));
    assert_true(c->documents > 0 && c->seconds >= 0);
    assert_true(c->cells_done > s->n_cells && c->cells_done <= c->cells);
    s->n_cells++;
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
    char path[128];
    cril_study *study;
    cril_store *store;
    cril_status st;

    snprintf(path, sizeof(path), "%s/study.yaml", folder);
    if ((st = cril_study_load(path, &study, err)) != CRIL_OK)
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
    struct seen seen = {0};
    cril_error err;

    check_ok(run(database, &plain, &seen, totals, &err));
    if (totals)
        assert_int_equal(seen.n_cells, totals->cells - totals->cells_before);
}

/* ---- One run ---- */

/* A cell's documents and sums have the bits of cril_score_corpus. */
static void check_cell(cril_store *store, const cril_study_info *s, const cril_study_model *m,
                       const cril_study_corpus *text, const cril_study_protocol *p)
{
    const cril_score_options wanted = {
        .protocol = p->name, .context = p->context, .stride = p->stride, .threads = 1};
    cril_store_model model;
    cril_store_corpus corpus;
    cril_result got, want;
    cril_scorer *scorer;
    cril_model *opened;
    cril_corpus *c;
    cril_cell cell;
    cril_error err;
    bool found;

    (void)s;
    check_ok(cril_store_find_model(store, m->name, &model, &found, &err));
    assert_true(found);
    check_ok(cril_store_find_corpus(store, text->name, &corpus, &found, &err));
    assert_true(found);
    check_ok(cril_cell_of(&model, &corpus, p, &cell, &err));
    check_ok(cril_store_result(store, &cell, &corpus, NULL, &got, &err));
    check_ok(cril_model_open(m->path, &opened, &err));
    check_ok(cril_scorer_create(opened, &wanted, &scorer, &err));
    check_ok(cril_corpus_open(text->path, &text->options, &c, &err));
    check_ok(cril_score_corpus(scorer, c, text->path, NULL, &want, &err));
    assert_int_equal(got.documents, want.documents);
    for (size_t i = 0; i < want.documents; i++) {
        want.per_document[i].forward_tokens = 0; /* a store does not keep them: not known */
        assert_memory_equal(&got.per_document[i], &want.per_document[i],
                            sizeof(want.per_document[i]));
    }
    assert_memory_equal(&got.nats, &want.nats, sizeof(want.nats));
    assert_memory_equal(&got.interval, &want.interval, sizeof(want.interval));
    assert_int_equal(got.context, want.context);
    assert_int_equal(got.stride, want.stride);
    assert_string_equal(got.model_sha256, want.model_sha256);
    assert_string_equal(got.corpus_sha256, want.corpus_sha256);
    cril_result_free(&want);
    cril_result_free(&got);
    cril_corpus_close(c);
    cril_scorer_free(scorer);
    cril_model_close(opened);
}

static void test_figures(void **state)
{
    const cril_store_options read_only = {.read_only = true};
    cril_study_totals totals;
    cril_study *study;
    const cril_study_info *s;
    cril_store *store;
    cril_error err;

    (void)state;
    run_all(file("one.db"), &totals);
    assert_int_equal(totals.cells, N_CELLS);
    assert_int_equal(totals.cells_before, 0);
    assert_int_equal(totals.documents, ALL_DOCUMENTS);
    assert_true(totals.forward_tokens >= totals.scored_tokens && totals.scored_tokens > 0);
    check_ok(cril_study_load(file("study.yaml"), &study, &err));
    s = cril_study_info_of(study);
    check_ok(cril_store_open(file("one.db"), &read_only, &store, &err));
    for (size_t m = 0; m < s->n_models; m++)
        for (size_t c = 0; c < s->n_corpora; c++)
            for (size_t p = 0; p < s->n_protocols; p++)
                check_cell(store, s, &s->models[m], &s->corpora[c], &s->protocols[p]);
    cril_store_close(store);
    cril_study_close(study);
    run_all(file("one.db"), &totals); /* nothing is left to do */
    assert_int_equal(totals.cells_before, N_CELLS);
    assert_int_equal(totals.documents + totals.forward_tokens, 0);
}

/* ---- Beside a base ---- */

static const char beside[] = "models:\n"
                             "  - {path: tiny-llama-mixed.gguf, diverge: tiny-llama}\n"
                             "  - {path: tiny-llama.gguf}\n"
                             "corpora: [{path: lines.jsonl}, {path: texts}]\n"
                             "protocols:\n"
                             "  - {name: document, context: 48, stride: 16}\n"
                             "  - {name: halves, context: 24}\n";

/* A cell's figures have the bits of cril_diverger. */
static void check_divergence(const cril_study_info *s, const cril_known_divergence *got,
                             const cril_study_corpus *text, const cril_study_protocol *p)
{
    const cril_score_options wanted = {
        .protocol = p->name, .context = p->context, .stride = p->stride, .threads = 1};
    cril_divergence_figures want;
    cril_model *models[2];
    cril_diverger *d;
    cril_result base;
    cril_corpus *c;
    cril_error err;

    check_ok(cril_model_open(s->models[1].path, &models[0], &err));
    check_ok(cril_model_open(s->models[0].path, &models[1], &err));
    check_ok(cril_diverger_create(models, 2, &wanted, &d, &err));
    check_ok(cril_corpus_open(text->path, &text->options, &c, &err));
    check_ok(cril_diverge_corpus(d, c, text->path, NULL, &base, &err));
    check_ok(cril_diverge_figures(d, 1, 0, &want, &err));
    assert_true(want.tokens > 0 && want.mean_kl > 1e-3);
    assert_int_equal(got->documents, want.documents);
    assert_int_equal(got->tokens, want.tokens);
    assert_memory_equal(&got->mean_kl, &want.mean_kl, sizeof(want.mean_kl));
    assert_memory_equal(&got->same_top, &want.same_top, sizeof(want.same_top));
    assert_memory_equal(&got->ln_ppl_ratio, &want.ln_ppl_ratio, sizeof(want.ln_ppl_ratio));
    assert_memory_equal(&got->mean_kl_interval, &want.mean_kl_interval,
                        sizeof(want.mean_kl_interval));
    cril_result_free(&base);
    cril_corpus_close(c);
    cril_diverger_free(d);
    cril_model_close(models[0]);
    cril_model_close(models[1]);
}

/* What no pass predicts, a document's first token without BOS, is not compared; a model beside a
 * copy of itself is not apart. */
static void test_first_tokens(void **state)
{
    const cril_store_options read_only = {.read_only = true};
    cril_study_table table;
    cril_study *study;
    cril_store *store;
    cril_error err;
    uint64_t scored = 0;
    struct seen seen = {0};
    cril_study_totals totals;

    (void)state;
    copy_model("tiny-qwen2");
    write_study(
        "models: [{path: tiny-qwen2.gguf}, {name: twin, path: tiny-qwen2.gguf, diverge: "
        "tiny-qwen2}]\ncorpora: [{path: texts}]\nprotocols: [{name: document, context: 48}]\n");
    check_ok(
        run(file("one.db"), &plain, &seen, &totals, &err)); /* of both models one cell of bits */
    scored = totals.scored_tokens / 2;                      /* of the bits and of the divergence */
    check_ok(cril_study_load(file("study.yaml"), &study, &err));
    check_ok(cril_store_open(file("one.db"), &read_only, &store, &err));
    check_ok(cril_store_table(store, cril_study_info_of(study),
                              cril_study_info_of(study)->protocols, &table, &err));
    assert_int_equal(table.divergence[1].documents, N_FILES);
    assert_int_equal(table.divergence[1].tokens, scored - N_FILES);
    assert_true(table.divergence[1].mean_kl == 0 && table.divergence[1].same_top == 1);
    cril_study_table_free(&table);
    cril_store_close(store);
    cril_study_close(study);
}

/* By one run, with a bound of memory, by runs that are stopped, and by shards. */
static void test_divergences(void **state)
{
    const cril_study_run_options small = {
        .threads = 1, .batch_tokens = 64, .memory_bytes = (size_t)1 << 30};
    const cril_store_options read_only = {.read_only = true};
    enum { SHARDS = 3 };
    const char *paths[SHARDS];
    cril_study_totals totals;
    cril_study_table table;
    cril_study *study;
    const cril_study_info *s;
    cril_store *store;
    cril_error err;
    cril_status st;
    size_t n_runs = 0;

    (void)state;
    copy_model("tiny-llama-mixed");
    write_study(beside);
    run_all(file("one.db"), &totals);
    assert_int_equal(totals.cells, 2 * 2 * 3);
    check_ok(cril_study_load(file("study.yaml"), &study, &err));
    s = cril_study_info_of(study);
    check_ok(cril_store_open(file("one.db"), &read_only, &store, &err));
    for (size_t p = 0; p < s->n_protocols; p++) {
        check_ok(cril_store_table(store, s, &s->protocols[p], &table, &err));
        for (size_t c = 0; c < s->n_corpora; c++) {
            check_divergence(s, &table.divergence[c], &s->corpora[c], &s->protocols[p]);
            assert_int_equal(table.divergence[s->n_corpora + c].tokens, 0); /* it has no base */
        }
        cril_study_table_free(&table);
    }
    cril_store_close(store);
    cril_study_close(study);
    run_all(file("one.db"), &totals); /* nothing is left to do */
    assert_int_equal(totals.cells_before, totals.cells);
    assert_int_equal(totals.documents + totals.forward_tokens, 0);
    do {
        struct seen seen = {.stop_at = 2 + N_DOCUMENTS + N_FILES + 5 + 11 * n_runs};

        st = run(file("stopped.db"), &small, &seen, NULL, &err);
        if (st != CRIL_OK && st != CRIL_ERR_CANCELLED)
            fail_msg("%s", err.message);
    } while (++n_runs < 1000 && st != CRIL_OK);
    assert_true(n_runs > 2 && st == CRIL_OK);
    check_same(file("stopped.db"), file("one.db"));
    for (unsigned i = 0; i < SHARDS; i++) {
        const cril_study_run_options share = {.threads = 1, .shard = i + 1, .shards = SHARDS};
        struct seen seen = {0};

        check_ok(run(paths[i] = numbered("beside", i), &share, &seen, NULL, &err));
    }
    check_ok(merge(file("merged.db"), paths, SHARDS, &err));
    check_same(file("merged.db"), file("one.db"));
    write_study("models: [{path: tiny-llama.gguf}, {path: tiny-gemma3.gguf, diverge: tiny-llama}]\n"
                "corpora: [{path: texts}]\nprotocols: [{name: document, context: 48}]\n");
    struct seen seen = {0};
    check_refused(run(file("other.db"), &plain, &seen, &totals, &err), CRIL_ERR_RANGE,
                  "tiny-gemma3 beside tiny-llama on texts by document");
    assert_int_equal(totals.cells, 3);
    assert_int_equal(seen.n_cells, 2); /* the others are computed */
}

/* ---- Several beside one base ---- */

static const char *const sides[] = {"tiny-llama-mixed", "tiny-llama-yarn", "tiny-llama-window"};
enum { N_SIDES = sizeof(sides) / sizeof(*sides) };

#define TWO_PROTOCOLS                                                                              \
    "corpora: [{path: lines.jsonl}]\nprotocols: [{name: document, context: 48, stride: 16}, "      \
    "{name: halves, context: 24}]\n"
#define DOCUMENT "protocols: [{name: document, context: 48, stride: 16}]\n"

/* Of the base and those of its sides from `from` to before `to`; diverge: "diverge: BASE". */
static void write_sides(size_t from, size_t to, const char *diverge, const char *rest)
{
    char text[1000] = "models:\n  - {path: tiny-llama.gguf}\n";

    for (size_t i = from; i < to; i++)
        snprintf(text + strlen(text), sizeof(text) - strlen(text), "  - {path: %s.gguf%s}\n",
                 sides[i], diverge);
    snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s", rest);
    write_study(text);
}

static const char beside_base[] = ", diverge: tiny-llama";

static void copy_sides(void)
{
    for (size_t i = 0; i < N_SIDES; i++)
        copy_model(sides[i]);
}

static void write_edited(const char *name, const struct edit *edits)
{
    struct cril_source *from;
    cril_error err;

    check_ok(cril_source_open(CRIL_TEST_DATA "/golden/tiny-llama.gguf", &from, &err));
    assert_true(edit_write(from, edits, file(name)));
    cril_source_close(from);
}

/* Runs of a part of the work end where they are stopped, and are gone on with. */
static void run_stopping(const char *database, size_t first, size_t step)
{
    const cril_study_run_options small = {.threads = 1, .batch_tokens = 64};
    cril_error err;
    cril_status st;
    size_t n = 0;

    do {
        struct seen seen = {.stop_at = first + step * n};

        st = run(database, &small, &seen, NULL, &err);
        if (st != CRIL_OK && st != CRIL_ERR_CANCELLED)
            fail_msg("%s", err.message);
    } while (++n < 1000 && st != CRIL_OK);
    assert_true(n > 2 && st == CRIL_OK);
}

/* Models with one base go through one pass, with the bits of a run for each. */
static void test_one_pass(void **state)
{
    static const struct edit odd[] = {SET_UINT("tokenizer.ggml.bos_token_id", 7), {0}};
    const char *paths[N_SIDES];
    cril_study_totals pass, alone;
    uint64_t forward = 0;
    struct seen seen = {0};
    cril_error err;

    (void)state;
    copy_sides();
    for (size_t i = 0; i < N_SIDES; i++) {
        write_sides(i, i + 1, beside_base, TWO_PROTOCOLS);
        run_all(paths[i] = numbered("alone", (unsigned)i), &alone);
        forward += alone.forward_tokens;
    }
    check_ok(merge(file("alone.db"), paths, N_SIDES, &err));
    write_sides(0, N_SIDES, beside_base, TWO_PROTOCOLS);
    run_all(file("pass.db"), &pass);
    check_same(file("pass.db"), file("alone.db"));
    assert_int_equal(pass.cells, 2 * (1 + 2 * N_SIDES));
    assert_int_equal(pass.documents, pass.cells * N_DOCUMENTS);
    /* of a study of one side a third each is of the base, of the side, and of both in one pass */
    assert_int_equal(pass.forward_tokens, forward / 3 / N_SIDES * (1 + N_SIDES + 1));
    run_stopping(file("stopped.db"), 20, 3);
    check_same(file("stopped.db"), file("alone.db"));
    /* One that fails, as it opens texts by another token, is left out; the others are measured
     * alone. */
    write_edited("odd.gguf", odd);
    write_sides(0, N_SIDES, beside_base,
                "  - {path: odd.gguf, diverge: tiny-llama}\n" TWO_PROTOCOLS);
    check_refused(run(file("odd.db"), &plain, &seen, &pass, &err), CRIL_ERR_RANGE,
                  "odd beside tiny-llama on lines by");
    assert_int_equal(pass.cells, 2 * (1 + 2 * (N_SIDES + 1)));
    assert_int_equal(seen.n_cells, pass.cells - 2);
    assert_int_equal(seen.n_notes, 2);
}

/* What is known of one side is not measured again, and the others go without it. */
static void test_part_of_a_pass(void **state)
{
    cril_study_totals one, all;
    struct seen seen = {0};
    cril_error err;

    (void)state;
    copy_sides();
    write_sides(0, 1, beside_base, TWO_PROTOCOLS);
    run_all(file("one.db"), &one);
    write_sides(0, N_SIDES, beside_base, TWO_PROTOCOLS);
    check_ok(run(file("one.db"), &plain, &seen, &all, &err));
    assert_int_equal(all.cells_before, one.cells);
    assert_int_equal(all.documents, (all.cells - one.cells) * N_DOCUMENTS);
    assert_int_equal(all.forward_tokens, one.forward_tokens);
    run_all(file("all.db"), NULL);
    check_same(file("one.db"), file("all.db"));
    write_sides(0, 1, beside_base, "corpora: [{path: lines.jsonl, limit: 5}]\n" DOCUMENT);
    run_all(file("part.db"), NULL);
    write_sides(0, N_SIDES, beside_base, TWO_PROTOCOLS);
    run_all(file("part.db"), &all);
    /* of the base, of the side, and of both */
    assert_int_equal(all.documents, all.cells * N_DOCUMENTS - 3 * 5);
}

/* A scorer that compared one model serves no pass of several. */
static void test_pass_after_one(void **state)
{
    (void)state;
    copy_sides();
    write_sides(0, N_SIDES, "", "corpora: [{path: lines.jsonl}, {path: texts}]\n" DOCUMENT);
    run_all(file("one.db"), NULL);
    write_sides(0, N_SIDES - 1, beside_base, "corpora: [{path: texts}]\n" DOCUMENT);
    run_all(file("one.db"), NULL);
    write_sides(0, N_SIDES, beside_base,
                "corpora: [{path: lines.jsonl}, {path: texts}]\n" DOCUMENT);
    run_all(file("one.db"), NULL); /* the last side on texts, then all on lines */
    run_all(file("all.db"), NULL);
    check_same(file("one.db"), file("all.db"));
}

/* A model with fewer ids makes others no different: probabilities are of the ids that a model and
 * the base have. */
static void test_pass_of_other_ids(void **state)
{
#define PADDED(v)                                                                                  \
    {                                                                                              \
        {.what = EDIT_TENSOR, .name = "token_embd.weight", .number = v, .ne = {64, 276}},          \
            {.what = EDIT_TENSOR, .name = "output.weight", .number = v, .ne = {64, 276}},          \
        {                                                                                          \
            0                                                                                      \
        }                                                                                          \
    }
    static const struct edit base[] = PADDED(.01), padded[] = PADDED(.02);
    static const char rest[] = "corpora: [{path: texts}]\n" DOCUMENT;
    static const char *const models[] = {"  - {path: padded.gguf, diverge: base}\n",
                                         "  - {path: tiny-llama.gguf, diverge: base}\n"};
    const char *paths[2];
    char text[400];
    cril_error err;

    (void)state;
    write_edited("base.gguf", base);
    write_edited("padded.gguf", padded);
    for (size_t i = 0; i < 2; i++) {
        snprintf(text, sizeof(text), "models:\n  - {path: base.gguf}\n%s%s", models[i], rest);
        write_study(text);
        run_all(paths[i] = numbered("alone", (unsigned)i), NULL);
    }
    check_ok(merge(file("alone.db"), paths, 2, &err));
    snprintf(text, sizeof(text), "models:\n  - {path: base.gguf}\n%s%s%s", models[0], models[1],
             rest);
    write_study(text);
    run_all(file("pass.db"), NULL);
    check_same(file("pass.db"), file("alone.db"));
}

/* A larger limit adds documents to what is known, a smaller one takes what it needs of it, each
 * with the bits of a run of its own. Of joined documents those are computed anew that the last
 * windows see. */
static void test_limits(void **state)
{
    static const unsigned limits[] = {4, 10, 7, 0, 13};
    static const uint64_t n_new[] = {12, 21, 4, 15, 3}; /* of 12, 30, 21, 42, 39 */
    const cril_store_options read_only = {.read_only = true};
    cril_study_totals totals;
    cril_error err;

    (void)state;
    for (size_t i = 0; i < sizeof(limits) / sizeof(*limits); i++) {
        char text[400];
        cril_study *study;
        const cril_study_info *s;
        cril_store *store;

        snprintf(text, sizeof(text),
                 "models: [{path: tiny-llama.gguf}]\n"
                 "corpora: [{path: lines.jsonl, limit: %u}]\n"
                 "protocols:\n"
                 "  - {name: document, context: 48, stride: 16}\n"
                 "  - {name: hkust, context: 40, stride: 13}\n"
                 "  - {name: halves, context: 24}\n",
                 limits[i] ? limits[i] : 1000);
        write_study(text);
        run_all(file("one.db"), &totals);
        assert_int_equal(totals.documents, n_new[i]);
        check_ok(cril_study_load(file("study.yaml"), &study, &err));
        s = cril_study_info_of(study);
        check_ok(cril_store_open(file("one.db"), &read_only, &store, &err));
        for (size_t p = 0; p < s->n_protocols; p++)
            check_cell(store, s, &s->models[0], &s->corpora[0], &s->protocols[p]);
        cril_store_close(store);
        cril_study_close(study);
    }
}

static void test_baselines(void **state)
{
    const cril_study_run_options with = {.threads = 1, .baselines = true};
    struct seen seen = {0};
    cril_error err;
    char *text;

    (void)state;
    check_ok(run(file("baselines.db"), &with, &seen, NULL, &err));
    assert_true(seen.n_compressing > 0);
    text = dump_of(file("baselines.db"));
    assert_non_null(strstr(text, "\"xz -9\""));
    free(text);
    seen = (struct seen){0};
    check_ok(run(file("baselines.db"), &with, &seen, NULL, &err));
    assert_int_equal(seen.n_compressing, 0); /* they are known */
}

/* ---- Cut runs ---- */

/* Stopped at every k-th call until it is done: no document is scored twice, and a run that is
 * stopped soon still goes on. */
static void test_stopped(void **state)
{
    const cril_study_run_options small = {.threads = 1, .batch_tokens = 64};
    cril_study_totals totals;
    cril_error err;

    (void)state;
    run_all(file("one.db"), NULL);
    for (unsigned k = 0; k < 3; k++) {
        const size_t reading = 2 + N_DOCUMENTS + N_FILES; /* calls before the first cell */
        const char *path = numbered("stopped", k);
        uint64_t n_documents = 0;
        size_t n_runs = 0;
        cril_status st;

        do {
            struct seen seen = {.stop_at = n_runs ? reading + 3 + 17 * k + 3 * n_runs : 1 + 3 * k};

            st = run(path, &small, &seen, &totals, &err);
            n_documents += totals.documents;
            if (st != CRIL_OK && st != CRIL_ERR_CANCELLED)
                fail_msg("%s", err.message);
            assert_true(++n_runs < 1000);
        } while (st != CRIL_OK);
        assert_true(n_runs > 2);
        assert_int_equal(n_documents, ALL_DOCUMENTS);
        check_same(path, file("one.db"));
    }
}

static void test_shards(void **state)
{
    const cril_study_run_options whole = {.threads = 1, .baselines = true};
    struct seen seen = {0};
    cril_error err;

    (void)state;
    check_ok(run(file("one.db"), &whole, &seen, NULL, &err));
    for (unsigned n = 1; n <= 5; n++) {
        const char *paths[10];
        uint64_t n_documents = 0;
        char stem[16];

        snprintf(stem, sizeof(stem), "shard-%u", n);
        for (unsigned i = 0; i < n; i++) {
            const cril_study_run_options share = {
                .threads = 1, .shard = i + 1, .shards = n, .baselines = true};
            cril_study_totals totals;

            seen = (struct seen){0};
            paths[i] = paths[n + i] = numbered(stem, i);
            check_ok(run(paths[i], &share, &seen, &totals, &err));
            n_documents += totals.documents;
        }
        assert_int_equal(n_documents, ALL_DOCUMENTS);
        for (unsigned first = 0; first < n; first++) { /* every rotation */
            snprintf(stem, sizeof(stem), "merged-%u", n);
            check_ok(merge(numbered(stem, first), paths + first, n, &err));
            check_same(numbered(stem, first), file("one.db"));
        }
    }
}

/* A shard reads the models of its jobs and no other. */
static void test_reads_its_models(void **state)
{
    enum { SHARDS = 30 };
    cril_study *study;
    cril_error err;
    size_t n_read = 0, n_models = 0;

    (void)state;
    check_ok(cril_study_load(file("study.yaml"), &study, &err));
    for (unsigned shard = 1; shard <= SHARDS; shard++) {
        struct cril_survey w = {0};
        bool has_job[8] = {0};

        check_ok(cril_survey_read(cril_study_info_of(study), &w, NULL, NULL, &err));
        cril_survey_cut(&w, shard, SHARDS);
        check_ok(cril_survey_identify(&w, NULL, NULL, &err));
        n_models = w.n_subjects;
        assert_in_range(n_models, 2, 8);
        for (size_t i = 0; i < w.n_jobs; i++) {
            has_job[w.jobs[i].subject] = true;
            assert_string_equal(w.jobs[i].cell.model, w.subjects[w.jobs[i].subject].facts.sha256);
            assert_int_equal(strlen(w.jobs[i].cell.model), 64);
        }
        for (size_t i = 0; i < n_models; i++) {
            assert_int_equal(has_job[i], w.subjects[i].facts.sha256[0] != '\0');
            n_read += has_job[i];
        }
        cril_survey_free(&w);
    }
    assert_in_range(n_read, n_models, SHARDS * n_models - 1); /* some are not read */
    cril_study_close(study);
}

/* Every document of every cell is in one slice, and the slices are about alike. */
static void test_cuts(void **state)
{
    struct cril_survey w = {0};
    struct cril_job *all;
    cril_study *study;
    cril_error err;
    double total = 0, largest = 0;
    size_t n_all;

    (void)state;
    check_ok(cril_study_load(file("study.yaml"), &study, &err));
    check_ok(cril_survey_read(cril_study_info_of(study), &w, NULL, NULL, &err));
    check_ok(cril_survey_identify(&w, NULL, NULL, &err));
    n_all = w.n_jobs;
    assert_int_equal(n_all, N_CELLS);
    all = malloc(n_all * sizeof(*all));
    assert_non_null(all);
    memcpy(all, w.jobs, n_all * sizeof(*all));
    for (size_t i = 0; i < n_all; i++) {
        assert_true(!i || all[i].flops >= all[i - 1].flops);
        total += all[i].flops;
        for (uint64_t d = all[i].slice.from; d < all[i].slice.to; d++) {
            const double one = cril_job_flops(&w, &all[i], (cril_slice){d, d + 1});

            largest = one > largest ? one : largest;
        }
    }
    for (unsigned shards = 1; shards <= MAX_SHARDS + 1; shards++) {
        const unsigned n = shards > MAX_SHARDS ? 1000 : shards;
        uint64_t next[N_CELLS] = {0};

        for (unsigned shard = 1; shard <= n; shard++) {
            double sum = 0;

            memcpy(w.jobs, all, n_all * sizeof(*all));
            w.n_jobs = n_all;
            cril_survey_cut(&w, shard, n);
            for (size_t i = 0, k = 0; i < w.n_jobs; i++, k++) {
                while (memcmp(&w.jobs[i].cell, &all[k].cell, sizeof(all[k].cell)) != 0)
                    assert_true(++k < n_all);
                assert_int_equal(w.jobs[i].slice.from, next[k]);
                assert_true(w.jobs[i].slice.to > w.jobs[i].slice.from &&
                            w.jobs[i].slice.to <= all[k].slice.to);
                next[k] = w.jobs[i].slice.to;
                sum += w.jobs[i].slice_flops;
            }
            assert_true(sum <= total / n + 2 * largest && sum >= total / n - 2 * largest);
        }
        for (size_t k = 0; k < n_all; k++)
            assert_int_equal(next[k], all[k].slice.to);
    }
    free(all);
    cril_survey_free(&w);
    cril_study_close(study);
}

static void append(const char *path)
{
    FILE *f = fopen(path, "a");

    assert_non_null(f);
    fputs("{\"content\": \"And one document more than before.\"}\n", f);
    assert_int_equal(fclose(f), 0);
}

/* Which of this process's mapped files end so. */
static size_t count_mapped(const char *suffix)
{
    FILE *f = fopen("/proc/self/maps", "r");
    char line[512];
    size_t n = 0;

    assert_non_null(f);
    while (fgets(line, sizeof(line), f))
        n += strstr(line, suffix) != NULL;
    fclose(f);
    return n;
}

/* Of models that are not at work, facts stay in memory, and no tokenizer. */
static void test_facts_alone(void **state)
{
    struct cril_survey w = {0};
    cril_study *study;
    cril_error err;

    (void)state;
    check_ok(cril_study_load(file("study.yaml"), &study, &err));
    check_ok(cril_survey_read(cril_study_info_of(study), &w, NULL, NULL, &err));
    check_ok(cril_survey_identify(&w, NULL, NULL, &err));
    assert_int_equal(w.n_subjects, 2);
    assert_int_equal(strlen(w.subjects[1].facts.sha256), 64);
    assert_int_equal(count_mapped(".gguf"), 0);
    cril_survey_free(&w);
    cril_study_close(study);
}

static size_t n_folders; /* opened so far; opendir is ours */

DIR *opendir(const char *name)
{
    DIR *(*next)(const char *);
    void *symbol = dlsym(RTLD_NEXT, "opendir");

    memcpy(&next, &symbol, sizeof(next));
    n_folders++;
    return next(name);
}

/* Lets a commit come up, a few times. */
static int on_slow_progress(void *user, const cril_study_progress *p)
{
    size_t *n_commits = user;

    if (strcmp(p->phase, "scoring") == 0 && ++*n_commits <= 3)
        usleep(260 * 1000);
    return 0;
}

/* A folder is walked when the study is loaded, when the survey looks at it, reads it and has read
 * it, and twice for each range of documents that is scored: not at each commit. */
static void test_folder_walks(void **state)
{
    static const char study[] = "models: [{path: tiny-llama.gguf}]\n"
                                "corpora: [{path: texts}]\n"
                                "protocols: [{name: document, context: 48, stride: 16}]\n";

    const cril_study_run_options small = {.threads = 1, .batch_tokens = 16};
    size_t n_commits = 0;
    const cril_study_callbacks callbacks = {.user = &n_commits, .on_progress = on_slow_progress};
    cril_study *loaded;
    cril_store *store;
    cril_error err;

    (void)state;
    write_study(study);
    n_folders = 0;
    check_ok(cril_study_load(file("study.yaml"), &loaded, &err));
    check_ok(cril_store_open(file("one.db"), NULL, &store, &err));
    check_ok(cril_study_run(cril_study_info_of(loaded), store, &small, &callbacks, NULL, &err));
    assert_true(n_commits > 3);
    assert_int_equal(n_folders, 1 + 3 + 2);
    cril_store_close(store);
    cril_study_close(loaded);
}

/* A file that comes up in a folder while the study runs moves all documents behind it. */
static void test_file_added(void **state)
{
    struct seen seen = {.write_to = file("texts/0a.txt")};
    cril_error err;

    (void)state;
    check_refused(run(file("one.db"), &plain, &seen, NULL, &err), CRIL_ERR_MISMATCH,
                  "texts: was written to while the study ran");
}

struct reads {
    size_t n;
    size_t n_waiting;
};

static int count_select(unsigned what, void *user, void *statement, void *sql)
{
    struct reads *r = user;

    (void)what;
    (void)statement;
    r->n += strstr(sql, "documents WHERE") != NULL;
    return 0;
}

static int count_waiting(void *user, const cril_study_progress *p)
{
    struct reads *r = user;

    if (strcmp(p->phase, "waiting") == 0 && !r->n_waiting++)
        r->n = 0;
    return r->n_waiting == 3;
}

/* A run that waits for others asks for their locks and reads no row. */
static void test_waiting(void **state)
{
    const cril_study_protocol p = {.name = "document", .context = 48, .stride = 16};
    struct reads reads = {0};
    const cril_study_callbacks callbacks = {.user = &reads, .on_progress = count_waiting};
    cril_store_model m;
    cril_store_corpus c;
    cril_store *store, *other;
    cril_study *study;
    cril_claim *claim;
    cril_cell cell;
    cril_error err;
    bool found;

    (void)state;
    run_all(file("one.db"), NULL);
    check_ok(cril_store_open(file("one.db"), NULL, &other, &err));
    check_ok(cril_store_find_model(other, "tiny-llama", &m, &found, &err));
    check_ok(cril_store_find_corpus(other, "lines", &c, &found, &err));
    check_ok(cril_cell_of(&m, &c, &p, &cell, &err));
    check_ok(cril_store_claim(other, &cell, 0, 1, &claim, &err));
    assert_non_null(claim);
    check_ok(cril_study_load(file("study.yaml"), &study, &err));
    check_ok(cril_store_open(file("one.db"), NULL, &store, &err));
    assert_int_equal(sqlite3_exec(store->db, "DELETE FROM documents WHERE idx = 0", 0, 0, 0), 0);
    sqlite3_trace_v2(store->db, SQLITE_TRACE_STMT, count_select, &reads);
    check_refused(cril_study_run(cril_study_info_of(study), store, &plain, &callbacks, NULL, &err),
                  CRIL_ERR_CANCELLED, "stopped");
    assert_int_equal(reads.n_waiting, 3);
    assert_int_equal(reads.n, 0);
    cril_claim_release(claim);
    cril_store_close(other);
    cril_store_close(store);
    cril_study_close(study);
}

/* What cannot be used is said with its line, once at once and once at the end; all else is done. */
static void test_bad_model(void **state)
{
    static const char study[] = "models:\n"
                                "  - {path: tiny-llama.gguf}\n"
                                "  - {path: bad.gguf}\n"
                                "  - {path: tiny-gemma3.gguf}\n"
                                "corpora:\n"
                                "  - {path: lines.jsonl}\n"
                                "  - {path: empty.jsonl}\n"
                                "  - {path: short.jsonl}\n"
                                "protocols:\n"
                                "  - {name: document, context: 48}\n"
                                "  - {name: hkust, context: 100}\n"
                                "  - {name: rolling, context: 20000000}\n";
    cril_study_totals totals;
    struct seen seen = {0};
    FILE *f = create(file("bad.gguf"));
    cril_error err;

    (void)state;
    fputs("GGUF and nothing else", f);
    fclose(f);
    fclose(create(file("empty.jsonl")));
    append(file("short.jsonl"));
    write_study(study);
    check_refused(run(file("one.db"), &plain, &seen, &totals, &err), CRIL_ERR_EMPTY,
                  "study.yaml:7: ");
    assert_non_null(strstr(err.message, "(and 5 more that were left out)"));
    assert_int_equal(seen.n_notes, 6); /* empty, bad, rolling twice, hkust on short twice */
    assert_int_equal(totals.cells, 2 * 2 * 2);
    assert_int_equal(totals.documents, 2 * (2 * N_DOCUMENTS + 1));
}

/* Two processes and one store: both work, and no document twice. */
static void test_two_processes(void **state)
{
    const cril_study_run_options small = {.threads = 1, .batch_tokens = 64};
    const char *path = file("shared.db");
    int ends[2], status;
    uint64_t n_documents[2] = {0};
    pid_t pids[2];

    (void)state;
    run_all(file("one.db"), NULL);
    assert_int_equal(pipe(ends), 0);
    for (int i = 0; i < 2; i++) {
        pids[i] = fork();
        assert_true(pids[i] >= 0);
        if (!pids[i]) {
            struct seen seen = {0};
            cril_study_totals totals;
            cril_error err;
            const cril_status st = run(path, &small, &seen, &totals, &err);

            if (st != CRIL_OK)
                fprintf(stderr, "process %d: %s\n", i, err.message);
            _exit(st != CRIL_OK || write(ends[1], &totals.documents, sizeof(totals.documents)) !=
                                       (ssize_t)sizeof(totals.documents));
        }
    }
    for (int i = 0; i < 2; i++) {
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_int_equal(status, 0);
        assert_int_equal(read(ends[0], &n_documents[i], sizeof(n_documents[i])),
                         sizeof(n_documents[i]));
    }
    close(ends[0]);
    close(ends[1]);
    assert_int_equal(n_documents[0] + n_documents[1], ALL_DOCUMENTS);
    check_same(path, file("one.db"));
}

/* ---- Files that change ---- */

static void test_changed_before(void **state)
{
    cril_study_totals totals;
    struct seen seen = {0};
    char *before, *after;
    cril_error err;

    (void)state;
    run_all(file("one.db"), NULL);
    before = dump_of(file("one.db"));
    append(file("lines.jsonl"));
    check_ok(run(file("one.db"), &plain, &seen, &totals, &err));
    assert_int_equal(seen.n_notes, 1);
    assert_non_null(strstr(seen.note, "corpus lines has another file"));
    assert_int_equal(totals.cells_before, N_CELLS / 2);
    assert_int_equal(totals.documents, 2 * 3 * (N_DOCUMENTS + 1));
    after = dump_of(file("one.db"));
    assert_true(strlen(after) > strlen(before)); /* what was known is kept */
    free(before);
    free(after);
    seen = (struct seen){0};
    check_ok(run(file("one.db"), &plain, &seen, &totals, &err));
    assert_int_equal(seen.n_notes + totals.documents, 0);
}

/* What is kept of it is right: a run over the file as it was adds the rest. */
static void test_changed_within(void **state)
{
    static const char *const written[] = {"lines.jsonl", "texts/1.txt", "tiny-llama.gguf"};
    const cril_study_run_options small = {.threads = 1, .batch_tokens = 64};
    cril_error err;

    (void)state;
    run_all(file("one.db"), NULL);
    for (unsigned i = 0; i < 3; i++) {
        const char *path = file(written[i]), *database = numbered("within", i);
        struct stat sb;

        assert_int_equal(stat(path, &sb), 0);
        struct seen seen = {.write_to = path, .size_kept = i == 1 ? sb.st_size : 0};
        check_refused(run(database, &small, &seen, NULL, &err), CRIL_ERR_MISMATCH,
                      "was written to while the study ran");
        assert_int_equal(truncate(path, sb.st_size), 0);
        seen = (struct seen){0};
        check_ok(run(database, &small, &seen, NULL, &err));
        check_same(database, file("one.db"));
    }
}

/* ---- What is refused ---- */

static void refused(const char *study, const cril_study_run_options *o, cril_status want,
                    const char *word)
{
    struct seen seen = {0};
    cril_error err;

    write_study(study);
    check_refused(run(file("refused.db"), o, &seen, NULL, &err), want, word);
    assert_int_equal(seen.n_scoring, 0);
}

static void test_refused(void **state)
{
    const cril_study_run_options third = {.shard = 3, .shards = 2},
                                 none = {.shard = 0, .shards = 2};

    (void)state;
    fclose(create(file("empty.jsonl")));
    append(file("short.jsonl"));
    refused(usual, &third, CRIL_ERR_RANGE, "shard 3 of 2");
    refused(usual, &none, CRIL_ERR_RANGE, "shard 0 of 2");
    refused("models: [{path: tiny-llama.gguf}]\ncorpora: [{path: lines.jsonl}]\nprotocols: [{name: "
            "document, context: 20000000}]\n",
            &plain, CRIL_ERR_RANGE, "study.yaml:3: tiny-llama runs windows of at most 16777216");
    refused("models: [{name: m}]\ncorpora: [{path: lines.jsonl}]\n", &plain, CRIL_ERR_EMPTY,
            "no model has a path");
    refused("models: [{path: tiny-llama.gguf}]\ncorpora: [{name: cc}]\n", &plain, CRIL_ERR_EMPTY,
            "no corpus has a path");
    refused("models: [{path: tiny-llama.gguf}]\ncorpora: [{path: empty.jsonl}]\nprotocols: [{name: "
            "document, context: 40}]\n",
            &plain, CRIL_ERR_EMPTY, "holds no document with text");
    refused("models: [{path: tiny-llama.gguf}]\ncorpora: [{path: short.jsonl}]\nprotocols: [{name: "
            "hkust, context: 200}]\n",
            &plain, CRIL_ERR_EMPTY, "the protocol hkust needs 201");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_figures, set_up, remove_folder),
        cmocka_unit_test_setup_teardown(test_divergences, set_up, remove_folder),
        cmocka_unit_test_setup_teardown(test_one_pass, set_up, remove_folder),
        cmocka_unit_test_setup_teardown(test_part_of_a_pass, set_up, remove_folder),
        cmocka_unit_test_setup_teardown(test_pass_after_one, set_up, remove_folder),
        cmocka_unit_test_setup_teardown(test_pass_of_other_ids, set_up, remove_folder),
        cmocka_unit_test_setup_teardown(test_first_tokens, set_up, remove_folder),
        cmocka_unit_test_setup_teardown(test_limits, set_up, remove_folder),
        cmocka_unit_test_setup_teardown(test_baselines, set_up, remove_folder),
        cmocka_unit_test_setup_teardown(test_stopped, set_up, remove_folder),
        cmocka_unit_test_setup_teardown(test_shards, set_up, remove_folder),
        cmocka_unit_test_setup_teardown(test_reads_its_models, set_up, remove_folder),
        cmocka_unit_test_setup_teardown(test_cuts, set_up, remove_folder),
        cmocka_unit_test_setup_teardown(test_facts_alone, set_up, remove_folder),
        cmocka_unit_test_setup_teardown(test_folder_walks, set_up, remove_folder),
        cmocka_unit_test_setup_teardown(test_file_added, set_up, remove_folder),
        cmocka_unit_test_setup_teardown(test_waiting, set_up, remove_folder),
        cmocka_unit_test_setup_teardown(test_bad_model, set_up, remove_folder),
        cmocka_unit_test_setup_teardown(test_two_processes, set_up, remove_folder),
        cmocka_unit_test_setup_teardown(test_changed_before, set_up, remove_folder),
        cmocka_unit_test_setup_teardown(test_changed_within, set_up, remove_folder),
        cmocka_unit_test_setup_teardown(test_refused, set_up, remove_folder),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
