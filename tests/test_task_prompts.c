/*
 * Prompts and continuations of the published data, byte for byte as other programs made them. The
 * data and what these programs made are not the project's: CRIL_SHARED says where they lie.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "task_files.h"
#include "util/hash.h"
#include "util/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *shared;

/* How what another program calls a protocol is reached here. */
static const struct way {
    const char *bench, *theirs, *task, *protocol;
    struct cril_task_overrides o; /* shots, window, max_tokens, draw */
    const char *name;             /* of the settings */
} ways[] = {
    {"arc_challenge", "lm-eval 0-shot", "arc_challenge", "harness", {-1, -1, -1, -1}, "harness"},
    {"arc_challenge",
     "lm-eval 25-shot seed 1234",
     "arc_challenge",
     "harness",
     {25, -1, -1, -1},
     "harness,shots=25"},
    {"arc_challenge",
     "25-shot first_n",
     "arc_challenge",
     "harness",
     {25, -1, -1, CRIL_DRAW_FIRST},
     "harness,shots=25,draw=first"},
    {"arc_challenge",
     "25-shot first_n, window 600 (left truncation)",
     "arc_challenge",
     "harness",
     {25, 600, -1, CRIL_DRAW_FIRST},
     "harness,shots=25,draw=first,window=600"},
    {"hellaswag", "lm-eval 0-shot", "hellaswag", "harness", {-1, -1, -1, -1}, "harness"},
    {"mmlu", "lm-eval 5-shot letters", "mmlu", "harness", {-1, -1, -1, -1}, "harness"},
    {"mmlu",
     "lm-eval 5-shot continuation",
     "mmlu",
     "harness_continuation",
     {-1, -1, -1, -1},
     "harness_continuation"},
    {"triviaqa",
     "lm-eval 5-shot first_n of our pool",
     "triviaqa",
     "harness",
     {-1, -1, -1, CRIL_DRAW_FIRST},
     "harness,draw=first"},
    {"triviaqa",
     "lm-eval 5-shot seed 1234 of our pool",
     "triviaqa",
     "harness",
     {-1, -1, -1, -1},
     "harness"},
    {"nq_open",
     "lm-eval 5-shot first_n of our pool",
     "nq_open",
     "harness",
     {-1, -1, -1, CRIL_DRAW_FIRST},
     "harness,draw=first"},
    {"nq_open",
     "lm-eval 5-shot seed 1234 of our pool",
     "nq_open",
     "harness",
     {-1, -1, -1, -1},
     "harness"},
    {"gsm8k", "lm-eval 5-shot seed 1234", "gsm8k", "harness", {-1, -1, -1, -1}, "harness"},
    {"gsm8k",
     "opencompass gsm8k_gen_17d0dc 4-shot",
     "gsm8k",
     "opencompass",
     {-1, -1, -1, -1},
     "opencompass"},
    {"humaneval",
     "paper (DeepSeek-Coder): prompt.strip()",
     "humaneval",
     "paper",
     {-1, -1, -1, -1},
     "paper"},
    {"humaneval", "lm-eval: prompt as is", "humaneval", "harness", {-1, -1, -1, -1}, "harness"},
    {"math",
     "opencompass math_4shot_base_gen_db136b (the paper)",
     "math",
     "paper",
     {-1, -1, -1, -1},
     "paper"},
    {"math", "lm-eval 0.4.13 minerva_math 4-shot", "math", "harness", {-1, -1, -1, -1}, "harness"},
    {"sat_math",
     "AGIEval few-shot-CoT, 4 demonstrations, end mark newline (our reading of the paper)",
     "sat_math",
     "paper",
     {-1, -1, -1, -1},
     "paper"},
    {"sat_math",
     "AGIEval few-shot (no explanations), 4 demonstrations",
     "sat_math",
     "no_explanations",
     {-1, -1, -1, -1},
     "no_explanations"},
    {"sat_math",
     "lm-eval agieval_sat_math 0-shot",
     "sat_math",
     "harness",
     {-1, -1, -1, -1},
     "harness"},
    {"mbpp",
     "paper (InCoder google template with delimiters), shots 2,3,4, CR LF kept",
     "mbpp",
     "paper",
     {-1, -1, -1, -1},
     "paper"},
    {"mbpp",
     "InCoder default (comment) template, shots 2,3,4",
     "mbpp",
     "docstring",
     {-1, -1, -1, -1},
     "docstring"},
    {"mbpp", "lm-eval mbpp 3-shot", "mbpp", "harness", {-1, -1, -1, -1}, "harness"},
    {"ds1000", "completion, prompt as is", "ds1000", "paper", {-1, -1, -1, -1}, "paper"},
};

enum { WAYS = sizeof(ways) / sizeof(ways[0]), LIMIT = 3260 };

static struct cril_items loaded[WAYS];
static struct cril_task_settings settings[WAYS];
static size_t checked[WAYS];

static const struct cril_item *find_item(size_t way, const char *subject, json_int_t index)
{
    const struct cril_items *const items = &loaded[way];

    for (size_t i = 0; i < items->n; i++)
        if (strcmp(items->item[i].subject, subject) == 0 && items->item[i].index == (uint64_t)index)
            return &items->item[i];
    fail_msg("%s has no item %d", ways[way].theirs, (int)index);
    return NULL;
}

static size_t find_way(const char *bench, const char *protocol)
{
    const size_t len = strcspn(bench, "/");
    size_t i = 0;

    while (i < WAYS && (strlen(ways[i].bench) != len || strncmp(ways[i].bench, bench, len) != 0 ||
                        strcmp(ways[i].theirs, protocol) != 0))
        i++;
    if (i == WAYS)
        fail_msg("%s: %s is not reached", bench, protocol);
    return i;
}

static void load_way(size_t i)
{
    char data[512];
    cril_error err;

    if (loaded[i].n)
        return;
    snprintf(data, sizeof(data), "%s/data/benchmarks", shared);
    if (load_below(data, ways[i].task, ways[i].protocol, &ways[i].o, LIMIT, &settings[i],
                   &loaded[i], &err) != CRIL_OK)
        fail_msg("%s", err.message);
    assert_string_equal(settings[i].name, ways[i].name);
}

static void expect_bytes(const struct way *w, struct cril_bytes ours, struct cril_bytes theirs)
{
    if (cril_bytes_same(ours, theirs))
        return;
    fail_msg("%s, %s: <<%.*s>> is not <<%.*s>>", w->task, w->theirs, (int)ours.len, ours.data,
             (int)theirs.len, theirs.data);
}

static void hash_bytes(struct cril_bytes s, char hex[65])
{
    struct cril_sha256 *h;

    assert_int_equal(cril_sha256_create(&h, NULL), CRIL_OK);
    assert_int_equal(cril_sha256_update(h, s.data, s.len, NULL), CRIL_OK);
    assert_int_equal(cril_sha256_final(h, hex, NULL), CRIL_OK);
    cril_sha256_free(h);
}

static void check_stops(const struct way *w, const struct cril_item *item, const json_t *gen)
{
    const json_t *const until = json_object_get(gen, "until"), *const max = json_object_get(
                                                                   gen, "max_gen_toks");

    assert_int_equal(item->kind, CRIL_ITEM_GENERATION);
    assert_int_equal(item->n_until, json_array_size(until));
    for (size_t i = 0; i < item->n_until; i++)
        expect_bytes(w, item->until[i], cril_json_text(json_array_get(until, i)));
    assert_int_equal(item->max_tokens, max ? json_integer_value(max) : 256);
}

static void check_choices(const struct way *w, const struct cril_item *item, const json_t *r)
{
    const json_t *const texts = json_object_get(r, "continuations");

    assert_int_equal(item->kind, CRIL_ITEM_CHOICES);
    assert_int_equal(item->n_choices, json_array_size(texts));
    for (size_t i = 0; i < item->n_choices; i++) {
        const json_t *const alone = json_array_get(json_object_get(r, "choices"), i);
        size_t characters = 0;

        expect_bytes(w, item->choices[i].text, cril_json_text(json_array_get(texts, i)));
        for (const char *c = json_string_value(alone); c && *c; c++)
            characters += ((unsigned char)*c & 0xc0) != 0x80;
        if (alone)
            assert_int_equal(item->choices[i].characters, characters);
    }
    assert_int_equal(item->gold, json_integer_value(json_object_get(r, "gold")));
}

/* prompts.jsonl names an item of MBPP by its task, the oracles all others by their place. */
static json_int_t index_of(const struct way *w, const json_t *r)
{
    return json_integer_value(json_object_get(r, "index")) - (strcmp(w->task, "mbpp") == 0);
}

static void check_record(const json_t *r)
{
    const char *const bench = json_string_value(json_object_get(r, "bench"));
    const size_t way = find_way(bench, json_string_value(json_object_get(r, "protocol")));
    const struct way *const w = &ways[way];
    const char *const subject = strchr(bench, '/'), *sha;
    const json_t *context = json_object_get(r, "context");
    const struct cril_item *item;

    load_way(way);
    item = find_item(way,
                     subject                          ? subject + 1
                     : strcmp(w->task, "ds1000") == 0 ? "Pandas"
                     : strcmp(w->task, "math") == 0   ? "Algebra"
                                                      : "",
                     index_of(w, r));
    if (json_is_string(context) || json_is_string(context = json_object_get(r, "prompt")))
        expect_bytes(w, item->context, cril_json_text(context));
    if ((sha = json_string_value(json_object_get(r, "sha256")))) {
        char hex[65];

        hash_bytes(item->context, hex);
        assert_string_equal(hex, sha);
        assert_int_equal(item->context.len, json_integer_value(json_object_get(r, "bytes")));
    }
    if (json_is_array(json_object_get(r, "continuations")))
        check_choices(w, item, r);
    if (json_is_object(json_object_get(r, "gen")))
        check_stops(w, item, json_object_get(r, "gen"));
    checked[way]++;
}

/* What becomes of a query of HellaSwag. */
static void check_query(const json_t *r)
{
    const size_t way = find_way("hellaswag", "lm-eval 0-shot");
    const struct cril_item *item;

    load_way(way);
    item = find_item(way, "", json_integer_value(json_object_get(r, "index")));
    expect_bytes(&ways[way], item->context, cril_json_text(json_object_get(r, "context")));
}

static size_t check_file(const char *name, void (*check)(const json_t *))
{
    char path[512], *line = NULL;
    size_t room = 0, n = 0;
    ssize_t len;
    FILE *f;

    snprintf(path, sizeof(path), "%s/tasks/%s", shared, name);
    if (!(f = fopen(path, "rb")))
        return 0;
    for (; (len = getline(&line, &room, f)) > 0; n++) {
        json_t *r = json_loadb(line, (size_t)len, 0, NULL);

        assert_non_null(r);
        check(r);
        json_decref(r);
    }
    free(line);
    fclose(f);
    return n;
}

static void test_prompts(void **state)
{
    static const char *const names[] = {"arc_challenge", "gsm8k",   "hellaswag", "humaneval",
                                        "mmlu",          "nq_open", "triviaqa"};
    size_t n;

    (void)state;
    if (!shared)
        skip();
    assert_true((n = check_file("given/prompts.jsonl", check_record)) > 0);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char name[64];

        snprintf(name, sizeof(name), "given/oracle_%s.jsonl", names[i]);
        n += check_file(name, check_record);
    }
    assert_true(check_file("given/vec_hellaswag_context.jsonl", check_query) > 0);
    for (size_t i = 0; i < WAYS; i++)
        if (!checked[i])
            fail_msg("%s: %s has no prompt", ways[i].bench, ways[i].theirs);
    print_message("%zu prompts\n", n);
}

static int free_all(void **state)
{
    (void)state;
    for (size_t i = 0; i < WAYS; i++)
        cril_items_free(&loaded[i]);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_prompts)};

    if (!(shared = getenv("CRIL_SHARED")))
        print_message("skipped: CRIL_SHARED does not say where the data lie\n");
    return cmocka_run_group_tests(tests, NULL, free_all);
}
