/*
 * Greedy texts: the same for any number of streams and threads and with shared prefixes, on models
 * with every kind of state; what ends a text; text of ids; stop strings; which prefixes are shared;
 * refusals. With CRIL_SHARED and CRIL_ORACLE_MODEL, the model of the oracles in tasks/given, their
 * texts.
 */
#include "generate_check.h"
#include "gguf_edit.h"
#include "lengths.h"
#include "model/builtin.h"
#include "tokenizer/detokenize.h"
#include "tokenizer/tokenizer.h"

#include <jansson.h>
#include <unistd.h>

static cril_model *open_model(const char *name)
{
    char path[1024];
    cril_error err;
    cril_model *m;

    snprintf(path, sizeof(path), "%s/golden/%s.gguf", CRIL_TEST_DATA, name);
    if (cril_model_open(path, &m, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    return m;
}

/* ---- The same texts ---- */

static void test_golden(void **state)
{
    static const char *const names[] = {"tiny-llama-window", "tiny-llama-mixed", "tiny-qwen2",
                                        "tiny-gemma3"};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        cril_model *m = open_model(names[i]);

        check_texts(m, NULL);
        cril_model_close(m);
    }
}

static void test_builtin(void **state)
{
    (void)state;
    for (size_t i = 0; i < CRIL_N_BUILTIN; i++) {
        struct cril_builtin b;
        cril_error err;

        if (cril_builtin_create(i, &b, &err) != CRIL_OK)
            fail_msg("%s", err.message);
        check_texts(b.model, NULL);
        cril_builtin_free(&b);
    }
}

static void test_lengths(void **state)
{
    static const enum cril_rope_growth growths[] = {CRIL_ROPE_LONG, CRIL_ROPE_DYNAMIC,
                                                    CRIL_ROPE_STEPS};

    (void)state;
    for (size_t i = 0; i < sizeof(growths) / sizeof(*growths); i++) {
        cril_model *m = open_model("tiny-llama");

        depend_on_length(m, growths[i], 100);
        check_texts(m, NULL);
        cril_model_close(m);
    }
}

/* ---- What is computed once ---- */

static int keep_prompt_tokens(void *user, uint64_t prompt_tokens, uint64_t generated, size_t texts)
{
    (void)generated;
    (void)texts;
    *(uint64_t *)user = prompt_tokens;
    return 0;
}

/* Of `counts` prompts each: 60 tokens that all have, 50 that a kind of prompt has, where `more`
 * says so, and 5 of its own. So many tokens of them go through m. */
static void expect_run(cril_model *m, const size_t counts[3], const bool more[3], uint64_t want)
{
    static int32_t ids[12][115];
    cril_prompt p[12];
    size_t n = 0;
    uint64_t run = 0;
    const cril_generate_callbacks call = {.user = &run, .on_progress = keep_prompt_tokens};
    cril_generator *g = new_generator(m, 3, 2, 130);
    cril_error err;

    for (size_t kind = 0; kind < 3; kind++)
        for (size_t i = 0; i < counts[kind]; i++, n++) {
            const size_t shared = more[kind] ? 110 : 60;

            for (size_t k = 0; k < shared + 5; k++)
                ids[n][k] = (int32_t)(k < 60 ? 7 : k < shared ? 10 + kind : 100 + n);
            p[n] = (cril_prompt){.ids = ids[n], .n = shared + 5, .max_tokens = 2};
        }
    for (size_t i = 0; i < 2; i++) { /* nothing of the first call is left in the second */
        if (cril_generate(g, p, n, &call, &err) != CRIL_OK)
            fail_msg("%s", err.message);
        assert_int_equal(run, want);
    }
    cril_generator_free(g);
}

static void test_once(void **state)
{
    static const bool all[] = {true, true, true}, first[] = {true, false, false};
    cril_model *m = open_model("tiny-llama");
    struct cril_builtin b;
    cril_error err;

    (void)state;
    expect_run(m, (const size_t[]){4, 4, 4}, all, 60 + 3 * 50 + 12 * 5);
    expect_run(m, (const size_t[]){4, 6, 0}, first, 60 + 50 + 10 * 5);
    expect_run(m, (const size_t[]){1, 1, 1}, all, 60 + 3 * 55);
    expect_run(m, (const size_t[]){1, 0, 0}, all, 115);
    cril_model_close(m);
    if (cril_builtin_create(4, &b, &err) != CRIL_OK) /* a state cannot be cut */
        fail_msg("%s", err.message);
    for (size_t i = 0; i < CRIL_MAX_ROPES; i++)
        b.model->rope[i].limit = 0; /* lengths do not matter */
    expect_run(b.model, (const size_t[]){4, 4, 4}, all, 3 * 110 + 12 * 5);
    expect_run(b.model, (const size_t[]){4, 6, 0}, first, 110 + 60 + 10 * 5);
    cril_builtin_free(&b);
}

/* ---- What ends a text ---- */

static struct said said;

static void say(cril_model *m, cril_prompt p, size_t context)
{
    cril_generator *g = new_generator(m, 1, 1, context);

    memset(&said, 0, sizeof(said));
    generate(g, &p, 1, &said);
    cril_generator_free(g);
}

static cril_prompt a_prompt(void)
{
    static const int32_t ids[] = {40, 71, 79, 82, 3, 70, 255, 1, 66, 66, 10};

    return (cril_prompt){.ids = ids, .n = sizeof(ids) / sizeof(*ids), .max_tokens = MAX_NEW};
}

/* Said is the first n tokens of whole, and the text of the first n_text of them, cut to len. */
static void expect_said(cril_model *m, const struct said *whole, size_t n, size_t n_text,
                        size_t len, cril_generation_end end)
{
    struct cril_spoken s = {0};
    size_t all;

    cril_spoken_start(&s, cril_model_tokenizer(m));
    for (size_t i = 0; i < n_text; i++)
        assert_int_equal(cril_spoken_add(&s, whole->ids[i], NULL), CRIL_OK);
    assert_int_equal(cril_spoken_finish(&s, NULL), CRIL_OK);
    const char *const text = cril_spoken_text(&s, &all, NULL);
    len = len < all ? len : all;
    assert_int_equal(said.end, end);
    assert_int_equal(said.n, n);
    assert_memory_equal(said.ids, whole->ids, n * sizeof(*said.ids));
    assert_int_equal(said.len, len);
    assert_memory_equal(said.text, text, len);
    cril_spoken_free(&s);
}

/* Where word [len] begins in s's text; SIZE_MAX: nowhere. */
static size_t find_in(const struct said *s, const char *word, size_t len)
{
    for (size_t i = 0; i + len <= s->len; i++)
        if (!memcmp(s->text + i, word, len))
            return i;
    return SIZE_MAX;
}

/* The first tokens of s whose text has `len` bytes that stay. */
static size_t tokens_until(cril_model *m, const struct said *s, size_t len)
{
    struct cril_spoken text = {0};
    size_t n = 0, has = 0;

    cril_spoken_start(&text, cril_model_tokenizer(m));
    while (n < s->n && has < len) {
        assert_int_equal(cril_spoken_add(&text, s->ids[n++], NULL), CRIL_OK);
        cril_spoken_text(&text, &has, NULL);
    }
    cril_spoken_free(&text);
    return n;
}

static void test_stops(void **state)
{
    cril_model *m = open_model("tiny-llama");
    cril_prompt p = a_prompt();
    const char *until[3] = {"not in there", NULL, NULL};
    size_t len[3] = {12, 3, 3};
    struct said whole;

    (void)state;
    say(m, p, 100);
    whole = said;
    assert_true(whole.len > 20 && whole.end == CRIL_GENERATION_LIMIT);
    p.until = until;
    p.until_len = len;
    p.n_until = 1;
    say(m, p, 100);
    expect_said(m, &whole, MAX_NEW, MAX_NEW, SIZE_MAX, CRIL_GENERATION_LIMIT);
    p.n_until = 3;
    for (size_t i = 0; i + 6 <= whole.len; i++) {
        until[1] = whole.text + i;
        until[2] = whole.text + i + 3;
        say(m, p, 100);
        const size_t a = find_in(&whole, until[1], 3), b = find_in(&whole, until[2], 3),
                     first = a < b ? a : b, n = tokens_until(m, &whole, first + 3);
        expect_said(m, &whole, n, n, first, CRIL_GENERATION_STOP);
    }
    cril_model_close(m);
}

static char edited[] = "/tmp/cril-generate-XXXXXX";

/* tiny-llama with edits, in the file `edited`. */
static cril_model *open_edited(const struct edit *edits)
{
    struct cril_source *from;
    cril_error err;
    cril_model *m;

    assert_int_equal(cril_source_open(CRIL_TEST_DATA "/golden/tiny-llama.gguf", &from, &err),
                     CRIL_OK);
    assert_true(edit_write(from, edits, edited));
    cril_source_close(from);
    if (cril_model_open(edited, &m, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    return m;
}

/* The first of s's tokens that is token i. */
static size_t first_of(const struct said *s, size_t i)
{
    size_t first = 0;

    while (s->ids[first] != s->ids[i])
        first++;
    return first;
}

static void test_ends(void **state)
{
    static const char *const keys[] = {"tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id",
                                       "tokenizer.ggml.eom_token_id"};
    cril_model *m = open_model("tiny-llama");
    cril_prompt p = a_prompt();
    struct said whole;

    (void)state;
    say(m, p, 100);
    whole = said;
    const size_t first = first_of(&whole, 9);
    p.max_tokens = 7;
    say(m, p, 100);
    expect_said(m, &whole, 7, 7, SIZE_MAX, CRIL_GENERATION_LIMIT);
    p.max_tokens = SIZE_MAX;
    say(m, p, p.n + 7);
    expect_said(m, &whole, 7, 7, SIZE_MAX, CRIL_GENERATION_FULL);
    p.max_tokens = MAX_NEW;
    cril_model_close(m);
    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
        m = open_edited((const struct edit[]){SET_UINT(keys[i], whole.ids[9]), {0}});
        say(m, p, 100);
        expect_said(m, &whole, first + 1, first, SIZE_MAX, CRIL_GENERATION_EOS);
        cril_model_close(m);
    }
    m = open_edited((const struct edit[]){SET_UINT(keys[1], 1e9), {0}}); /* is no token */
    say(m, p, 100);
    expect_said(m, &whole, MAX_NEW, MAX_NEW, SIZE_MAX, CRIL_GENERATION_LIMIT);
    cril_model_close(m);
}

/* Where all tokens are control tokens, texts are empty, and a token's name ends them. */
static void test_names(void **state)
{
    cril_model *m =
        open_edited((const struct edit[]){SET_LIST("tokenizer.ggml.token_type", 268, 3), {0}});
    cril_prompt p = a_prompt();
    size_t len;

    (void)state;
    say(m, p, 100);
    assert_int_equal(said.n, MAX_NEW);
    assert_int_equal(said.len, 0);
    const size_t first = first_of(&said, 9);
    const char *name = cril_tokenizer_piece(cril_model_tokenizer(m), said.ids[9], &len);
    p.until = &name;
    p.until_len = &len;
    p.n_until = 1;
    say(m, p, 100);
    assert_int_equal(said.end, CRIL_GENERATION_STOP);
    assert_int_equal(said.n, first + 1);
    assert_int_equal(said.len, 0);
    cril_model_close(m);
}

/* ---- Refusals ---- */

static void refuse(cril_generator *g, cril_prompt p, const char *says)
{
    const cril_prompt both[] = {a_prompt(), p};
    cril_error err;

    assert_int_equal(cril_generate(g, both, 2, NULL, &err), CRIL_ERR_RANGE);
    if (!strstr(err.message, says))
        fail_msg("'%s' does not say '%s'", err.message, says);
}

static void test_refusals(void **state)
{
    static const int32_t zeros[40] = {0}, outside = 268;
    cril_model *m = open_model("tiny-llama");
    const cril_generator_options too_long = {.context = cril_model_max_window(m) + 1},
                                 too_many = {.streams = 5000};
    const char *empty = "";
    const size_t none = 0;
    cril_generator *g;
    cril_error err;

    (void)state;
    assert_int_equal(cril_generator_create(m, &too_long, &g, &err), CRIL_ERR_RANGE);
    assert_int_equal(cril_generator_create(m, &too_many, &g, &err), CRIL_ERR_RANGE);
    assert_int_equal(cril_generator_create(NULL, NULL, &g, &err), CRIL_ERR_RANGE);
    assert_int_equal(cril_generator_create(m, NULL, &g, &err), CRIL_OK);
    cril_generator_free(g);
    cril_generator_free(NULL);
    g = new_generator(m, 2, 1, 40);
    assert_int_equal(cril_generate(g, NULL, 0, NULL, &err), CRIL_OK);
    assert_int_equal(cril_generate(g, NULL, 1, NULL, &err), CRIL_ERR_RANGE);
    refuse(g, (cril_prompt){.ids = zeros, .max_tokens = 1}, "prompt 1 has 0 tokens");
    refuse(g, (cril_prompt){.ids = zeros, .n = 40, .max_tokens = 1}, "prompt 1 has 40 tokens");
    refuse(g, (cril_prompt){.ids = zeros, .n = 1}, "no token");
    refuse(g, (cril_prompt){.ids = &outside, .n = 1, .max_tokens = 1}, "outside the vocabulary");
    refuse(g, (cril_prompt){.ids = zeros, .n = 1, .max_tokens = 1, .n_until = 1}, "stop strings");
    refuse(g,
           (cril_prompt){.ids = zeros,
                         .n = 1,
                         .max_tokens = 1,
                         .until = &empty,
                         .until_len = &none,
                         .n_until = 1},
           "empty stop string");
    cril_generator_free(g);
    cril_model_close(m);
}

static int stop_at_second(void *user, size_t prompt, const cril_generation *g)
{
    (void)prompt;
    (void)g;
    return ++*(int *)user == 2;
}

static int stop_after_some(void *user, uint64_t prompt_tokens, uint64_t generated, size_t texts)
{
    uint64_t *const last = user;

    assert_true(prompt_tokens >= last[0] && generated >= last[1] && texts >= last[2]);
    last[0] = prompt_tokens;
    last[1] = generated;
    last[2] = texts;
    return generated > 40;
}

/* A call that was stopped leaves nothing behind. */
static void test_cancel(void **state)
{
    static struct said whole[PROMPTS], again[PROMPTS];
    cril_model *m = open_model("tiny-llama");
    cril_generator *g = new_generator(m, 3, 1, 150);
    int calls = 0;
    uint64_t last[3] = {0};
    const cril_generate_callbacks at_text = {.user = &calls, .on_text = stop_at_second},
                                  at_progress = {.user = last, .on_progress = stop_after_some};
    cril_prompt p[PROMPTS];
    cril_error err;

    (void)state;
    make_prompts(m, 150, p);
    generate(g, p, PROMPTS, whole);
    assert_int_equal(cril_generate(g, p, PROMPTS, &at_text, &err), CRIL_ERR_CANCELLED);
    assert_int_equal(calls, 2);
    assert_int_equal(cril_generate(g, p, PROMPTS, &at_progress, &err), CRIL_ERR_CANCELLED);
    assert_true(last[0] > 0 && last[1] > 40);
    generate(g, p, PROMPTS, again);
    check_same(whole, again, "tiny-llama", "after a stop");
    cril_generator_free(g);
    cril_model_close(m);
}

static cril_status generate_within(cril_model *m, size_t memory, const cril_prompt *p, size_t n,
                                   cril_error *err)
{
    const cril_generator_options options = {.threads = 1, .memory_bytes = memory, .context = 20000};
    cril_generator *g;

    assert_int_equal(cril_generator_create(m, &options, &g, err), CRIL_OK);
    const cril_status st = cril_generate(g, p, n, NULL, err);
    cril_generator_free(g);
    return st;
}

/* Memory for the longest text in all streams is asked for, or refused with the sum. */
static void test_memory(void **state)
{
    static int32_t ids[16];
    cril_model *m = open_model("tiny-gemma3");
    cril_prompt p[16];
    cril_error err;
    unsigned long need = 0;
    char says[60];

    (void)state;
    for (size_t i = 0; i < 16; i++) {
        ids[i] = (int32_t)i;
        p[i] = (cril_prompt){.ids = &ids[i], .n = 1, .max_tokens = 3};
    }
    p[0].max_tokens = 9000;
    assert_int_equal(generate_within(m, 1, p, 16, &err), CRIL_ERR_RANGE);
    const char *const give = strstr(err.message, "give ");
    if (!give || !strstr(err.message, "16 streams of 9001 tokens") ||
        sscanf(give, "give %lu MB (--memory)", &need) != 1)
        fail_msg("%s", err.message);
    assert_true(need > 16);
    assert_int_equal(generate_within(m, (need / 2) << 20, p, 16, &err), CRIL_ERR_RANGE);
    snprintf(says, sizeof(says), "%lu MB of memory do not hold", need / 2);
    assert_non_null(strstr(err.message, says));
    p[0].max_tokens = 3;
    assert_int_equal(generate_within(m, (need + 2) << 20, p, 16, &err), CRIL_OK);
    cril_model_close(m);
}

/* Logits that overflow; a file that was written to. */
static void test_damage(void **state)
{
    static float huge[512];
    const cril_prompt p = a_prompt();
    cril_model *m = open_model("tiny-llama");
    const size_t width = m->config.n_embd;
    cril_generator *g;
    cril_error err;
    FILE *f;

    (void)state;
    cril_model_close(m);
    assert_true(width <= sizeof(huge) / sizeof(*huge));
    for (size_t i = 0; i < width; i++)
        huge[i] = i % 2 ? 3e38f : -3e38f;
    m = open_edited((const struct edit[]){SET_NUMBERS("output_norm.weight", width, huge), {0}});
    g = new_generator(m, 1, 1, 100);
    assert_int_equal(cril_generate(g, &p, 1, NULL, &err), CRIL_ERR_NUMERIC);
    assert_non_null(strstr(err.message, "not finite"));
    assert_non_null(f = fopen(edited, "ab"));
    assert_true(fputc(0, f) == 0 && fclose(f) == 0);
    assert_int_equal(cril_generate(g, &p, 1, NULL, &err), CRIL_ERR_MISMATCH);
    cril_generator_free(g);
    cril_model_close(m);
    m = open_edited((const struct edit[]){{0}});
    g = new_generator(m, 1, 1, 100);
    assert_non_null(f = fopen(edited, "ab"));
    assert_true(fputc(0, f) == 0 && fclose(f) == 0);
    assert_int_equal(cril_generate(g, &p, 1, NULL, &err), CRIL_ERR_MISMATCH);
    cril_generator_free(g);
    cril_model_close(m);
}

/* ---- Oracles ---- */

#define NEAR 2e-3 /* of the best two tokens: another engine may swap them */

enum { MAX_STOPS = 8 };

/* A record of an oracle's file, and the prompt that it is. */
struct record {
    json_t *json;
    int32_t *ids;
    const char *until[MAX_STOPS];
    size_t until_len[MAX_STOPS];
};

static struct record records[64];
static cril_prompt record_prompts[64];
static size_t n_records, n_compared;

static void add_record(json_t *json)
{
    struct record *const r = &records[n_records];
    const json_t *const ids = json_object_get(json, "context_ids"), *const until = json_object_get(
                                                                        json_object_get(json,
                                                                                        "gen"),
                                                                        "until");
    const size_t n = json_array_size(ids), n_until = json_array_size(until);

    assert_true(n_records < 64 && n && n_until <= MAX_STOPS);
    r->json = json;
    assert_non_null(r->ids = malloc(n * sizeof(*r->ids)));
    for (size_t i = 0; i < n; i++)
        r->ids[i] = (int32_t)json_integer_value(json_array_get(ids, i));
    for (size_t i = 0; i < n_until; i++) {
        r->until[i] = json_string_value(json_array_get(until, i));
        r->until_len[i] = strlen(r->until[i]);
    }
    record_prompts[n_records++] =
        (cril_prompt){.ids = r->ids,
                      .n = n,
                      .until = r->until,
                      .until_len = r->until_len,
                      .n_until = n_until,
                      .max_tokens = (size_t)json_integer_value(json_object_get(json, "max_new"))};
}

static void read_records(const char *shared, const char *bench)
{
    char path[500];
    FILE *f;
    json_t *json;

    snprintf(path, sizeof(path), "%s/tasks/given/oracle_%s.jsonl", shared, bench);
    assert_non_null(f = fopen(path, "r"));
    while ((json = json_loadf(f, JSON_DISABLE_EOF_CHECK, NULL)))
        add_record(json);
    fclose(f);
}

/* Up to the first token that another engine may choose otherwise. */
static int compare_record(void *user, size_t prompt, const cril_generation *g)
{
    const json_t *const json = records[prompt].json,
                        *const ids = json_object_get(json, "generated_ids"),
                        *const margins = json_object_get(json, "margin_to_second"),
                        *const text = json_object_get(json, "text_cut");
    const size_t n = json_array_size(ids);
    size_t i = 0;

    (void)user;
    for (; i < n && json_number_value(json_array_get(margins, i)) >= NEAR; i++, n_compared++)
        if (i >= g->n || g->ids[i] != json_integer_value(json_array_get(ids, i)))
            fail_msg("%s %d: token %zu is not the oracle's",
                     json_string_value(json_object_get(json, "bench")),
                     (int)json_integer_value(json_object_get(json, "index")), i);
    if (i == n && (g->n != n || g->len != json_string_length(text) ||
                   memcmp(g->text, json_string_value(text), g->len) != 0))
        fail_msg("'%.*s', not '%s'", (int)g->len, g->text, json_string_value(text));
    return 0;
}

static void test_oracles(void **state)
{
    static const char *const benches[] = {"gsm8k", "humaneval", "nq_open", "triviaqa"};
    const char *const shared = getenv("CRIL_SHARED"), *const path = getenv("CRIL_ORACLE_MODEL");
    const cril_generate_callbacks call = {.on_text = compare_record};
    cril_generator *g;
    cril_model *m;
    cril_error err;

    (void)state;
    if (!shared || !path) {
        print_message("skipped: CRIL_SHARED and CRIL_ORACLE_MODEL name no oracles and model\n");
        skip();
    }
    for (size_t i = 0; i < sizeof(benches) / sizeof(*benches); i++)
        read_records(shared, benches[i]);
    if (cril_model_open(path, &m, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    g = new_generator(m, 0, 0, 0);
    if (cril_generate(g, record_prompts, n_records, &call, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    print_message("%zu texts, %zu tokens\n", n_records, n_compared);
    for (size_t i = 0; i < n_records; i++) {
        json_decref(records[i].json);
        free(records[i].ids);
    }
    cril_generator_free(g);
    cril_model_close(m);
}

static int make_file(void **state)
{
    const int fd = mkstemp(edited);

    (void)state;
    return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(edited);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),  cmocka_unit_test(test_builtin),
        cmocka_unit_test(test_lengths), cmocka_unit_test(test_once),
        cmocka_unit_test(test_stops),   cmocka_unit_test(test_ends),
        cmocka_unit_test(test_names),   cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_cancel),  cmocka_unit_test(test_memory),
        cmocka_unit_test(test_damage),  cmocka_unit_test(test_oracles)};
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
