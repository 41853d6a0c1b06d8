/*
 * Files of requests: cril's own lines, what lm-evaluation-harness itself logged
 * (tests/golden/requests), what olmo-eval writes; and what is wrong with other files.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tasks/python_list.h"
#include "tasks/requests.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define GOLDEN CRIL_TEST_DATA "/golden/requests/"
#define DATE "2025-01-31T12-00-00.000000"

static char folder[64] = "/tmp/cril-requests-XXXXXX";

static void write_file(const char *name, const char *text, char path[200])
{
    FILE *f;

    snprintf(path, 200, "%s/%s", folder, name);
    f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
    assert_int_equal(fclose(f), 0);
}

/* The same in a file of that name; 0 items on an error. */
static cril_status read_as(const char *name, const char *text, struct cril_evaluation *e,
                           cril_error *err)
{
    char path[200];
    cril_status st;

    write_file(name, text, path);
    *e = (struct cril_evaluation){0};
    st = cril_requests_read(path, 0, e, err);
    unlink(path);
    return st;
}

static struct cril_evaluation read_good(const char *text)
{
    struct cril_evaluation e;
    cril_error err;

    if (read_as("own.jsonl", text, &e, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    return e;
}

static struct cril_evaluation read_golden(const char *task, uint64_t limit)
{
    struct cril_evaluation e = {0};
    char path[300];
    cril_error err;

    snprintf(path, sizeof(path), GOLDEN "samples_%s_" DATE ".jsonl", task);
    if (cril_requests_read(path, limit, &e, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    assert_string_equal(e.name, task);
    assert_string_equal(e.settings.name, "requests");
    assert_ptr_equal(e.settings.protocol.name, e.settings.name);
    assert_int_equal(strlen(e.settings.sha256), 64);
    assert_int_equal(strlen(e.data_sha256), 64);
    return e;
}

static void is_text(struct cril_bytes got, const char *want)
{
    if (!got.data || got.len != strlen(want) || memcmp(got.data, want, got.len) != 0)
        fail_msg("got '%.*s', want '%s'", (int)got.len, got.data ? got.data : "(none)", want);
}

static void is_reference(const struct cril_item *item, size_t i, const char *want)
{
    const json_t *list = json_object_get(item->answers, "references");

    assert_string_equal(json_string_value(json_array_get(list, i)), want);
}

/* ---- Own lines ---- */

static void reads_own_choices(void **state)
{
    struct cril_evaluation e = read_good(
        "{\"context\": \"A b\", \"continuation\": \" c\", \"id\": 7, \"subject\": \"s\"}\n\n"
        "{\"context\": \"Q:\", \"choices\": [\" caf\\u00e9\", \"  two\", \"\"], \"gold\": 1, "
        "\"other\": 1}\n"
        "{\"context\": \"\", \"choices\": [\" x\", \" y\"], \"gold\": \"y\"}\n"
        "{\"context\": \"\", \"choices\": [\" x\", \" y\"], \"id\": \"last\"}\n");
    const struct cril_item *item = e.items.item;

    (void)state;
    assert_int_equal(e.items.n, 4);
    assert_string_equal(e.name, "own");
    assert_string_equal(e.settings.protocol.metric, "acc");
    assert_null(e.task);
    assert_int_equal(item[0].kind, CRIL_ITEM_CHOICES);
    assert_int_equal(item[0].n_choices, 1);
    assert_int_equal(item[0].gold, 0);
    assert_int_equal(item[0].choices[0].characters, 1);
    assert_true(isnan(item[0].choices[0].reference_nats));
    assert_string_equal(item[0].id, "7");
    assert_string_equal(item[0].subject, "s");
    is_text(item[0].context, "A b");
    is_text(item[0].choices[0].text, " c");
    assert_int_equal(item[1].index, 1);
    assert_int_equal(item[1].gold, 1);
    assert_int_equal(item[1].choices[0].characters, 4);
    assert_int_equal(item[1].choices[1].characters, 4);
    assert_int_equal(item[1].choices[2].characters, 0);
    assert_null(item[1].choices[0].context.data);
    assert_string_equal(item[1].subject, "");
    assert_null(item[1].id);
    assert_int_equal(item[2].gold, 1);
    assert_int_equal(item[3].gold, -1);
    assert_string_equal(item[3].id, "last");
    cril_items_free(&e.items);
}

static void reads_own_generation(void **state)
{
    struct cril_evaluation e = read_good(
        "{\"context\": \"Q: a\\nA:\", \"until\": \"\\n\", \"max_tokens\": 9, \"answers\": [\"b\", "
        "\"c\"], \"task\": \"t\"}\n"
        "{\"context\": \"x \", \"until\": [\".\", \"\\n\\n\"], \"answers\": \"d\", \"task\": "
        "\"t\"}\n"
        "{\"context\": \"x\", \"until\": []}\n");
    const struct cril_item *item = e.items.item;

    (void)state;
    assert_string_equal(e.name, "t");
    assert_string_equal(e.settings.protocol.metric, "exact_match");
    assert_int_equal(item[0].kind, CRIL_ITEM_GENERATION);
    assert_int_equal(item[0].n_until, 1);
    is_text(item[0].until[0], "\n");
    assert_int_equal(item[0].max_tokens, 9);
    is_reference(&item[0], 0, "b");
    is_reference(&item[0], 1, "c");
    is_text(item[0].gold_text, " b");
    assert_int_equal(item[1].n_until, 2);
    is_text(item[1].until[1], "\n\n");
    assert_int_equal(item[1].max_tokens, 256);
    is_reference(&item[1], 0, "d");
    is_text(item[1].gold_text, "d");
    assert_int_equal(item[2].n_until, 0);
    assert_null(item[2].answers);
    assert_null(item[2].gold_text.data);
    cril_items_free(&e.items);
    e = read_good("{\"text\": \"all of it\"}\n");
    assert_int_equal(e.items.item[0].kind, CRIL_ITEM_ROLLING);
    is_text(e.items.item[0].context, "all of it");
    assert_string_equal(e.settings.protocol.metric, "");
    cril_items_free(&e.items);
}

static const struct fault {
    const char *text;
    cril_status status;
    const char *sentence;
} faults[] = {
    {"{\"context\": \"a\"}\n", CRIL_ERR_FORMAT, ":1: a request has one of \"continuation\""},
    {"{\"context\": \"a\", \"continuation\": \"b\", \"choices\": [\"c\"]}\n", CRIL_ERR_FORMAT,
     ":1: a request has one of"},
    {"{\"context\": 1, \"continuation\": \"b\"}\n", CRIL_ERR_FORMAT, ":1: \"context\" is no text"},
    {"{\"context\": \"a\", \"continuation\": \"b\"}\n\n{\"context\": \"a\", \"choices\": []}\n",
     CRIL_ERR_FORMAT, ":3: \"choices\" is an empty list"},
    {"{\"context\": \"a\", \"choices\": [\"b\", 1]}\n", CRIL_ERR_FORMAT,
     ":1: element 2 of \"choices\" is no text"},
    {"{\"context\": \"a\", \"choices\": [\"b\", \"c\"], \"gold\": 2}\n", CRIL_ERR_FORMAT,
     ":1: \"gold\" is not a whole number from 0 to 1"},
    {"{\"context\": \"a\", \"choices\": [\"b\", \"c\"], \"gold\": \"d\"}\n", CRIL_ERR_FORMAT,
     ":1: \"gold\" is \"d\", which is none of the choices"},
    {"{\"context\": \"a\", \"choices\": [\"b\", \" b\"], \"gold\": \"b\"}\n", CRIL_ERR_FORMAT,
     "or several"},
    {"{\"context\": \"a\", \"until\": [1]}\n", CRIL_ERR_FORMAT, ":1: element 1 of \"until\""},
    {"{\"context\": \"a\", \"until\": \"b\", \"max_tokens\": 0}\n", CRIL_ERR_FORMAT,
     ":1: \"max_tokens\" is not a whole number from 1 to"},
    {"{\"context\": \"a\", \"continuation\": \"b\"}\n{\"text\": \"a\"}\n", CRIL_ERR_FORMAT,
     ":2: the request is of another kind than the first"},
    {"{\"context\": \"a\", \"continuation\": \"b\", \"task\": \"x\"}\n"
     "{\"context\": \"a\", \"continuation\": \"b\", \"task\": \"y\"}\n",
     CRIL_ERR_FORMAT, ":2: the request is of the task \"y\", but those before it of \"x\""},
    {"{\"question\": \"a\"}\n", CRIL_ERR_FORMAT, ":1: the line is no request"},
    {"[7]\n", CRIL_ERR_UNSUPPORTED, "is one array"},
    {"{\"context\": \"a\", \"continuation\": \"b\"}\n{\"request_type\": \"c\"}\n", CRIL_ERR_FORMAT,
     ":2: the line is not one of lines with \"context\""},
    {"{\"context\": \"a\", \"continuation\": \"b\", \"id\": {}}\n", CRIL_ERR_FORMAT,
     ":1: \"id\" is neither a text nor a whole number"},
    {"{\"context\": \n", CRIL_ERR_FORMAT, "is not JSON"},
    {"[\n  {\n    \"doc_id\": 0\n  }\n]\n", CRIL_ERR_UNSUPPORTED, "is one array"},
    {"{\"doc_id\": 0, \"arguments\": [[\"a\", \"b\"]]}\n", CRIL_ERR_FORMAT,
     ":1: \"arguments\" is not what lm-evaluation-harness 0.4.3"},
    {"{\"doc_id\": -1, \"arguments\": {\"gen_args_0\": {\"arg_0\": \"a\"}}}\n", CRIL_ERR_FORMAT,
     ":1: \"doc_id\" is not a whole number"},
    {"{\"doc_id\": 0, \"arguments\": {\"gen_args_1\": {\"arg_0\": \"a\"}}}\n", CRIL_ERR_FORMAT,
     ":1: \"arguments.gen_args_0.arg_0\" is missing"},
    {"{\"doc_id\": 0, \"arguments\": {\"gen_args_0\": {\"arg_0\": \"a\", \"arg_1\": \"b\"}, "
     "\"gen_args_1\": {\"arg_0\": \"a\", \"arg_1\": 2}}}\n",
     CRIL_ERR_FORMAT, ":1: \"arguments.gen_args_1.arg_1\" is no text"},
    {"{\"doc_id\": 0, \"arguments\": {\"gen_args_0\": {\"arg_0\": \"a\", \"arg_1\": {}}, "
     "\"gen_args_1\": {\"arg_0\": \"a\", \"arg_1\": {}}}}\n",
     CRIL_ERR_FORMAT, "2 requests that are no choices"},
    {"{\"request_type\": \"chat\", \"messages\": []}\n", CRIL_ERR_UNSUPPORTED, "is a chat"},
    {"{\"request_type\": \"generate_until\", \"request\": {\"context\": [{\"role\": \"user\"}]}}\n",
     CRIL_ERR_UNSUPPORTED, "is a chat"},
    {"{\"request_type\": \"guess\", \"prompt\": \"a\"}\n", CRIL_ERR_FORMAT,
     ":1: \"request_type\" is \"guess\""},
    {"{\"request_type\": \"loglikelihood\", \"continuations\": [\"a\"]}\n", CRIL_ERR_FORMAT,
     ":1: \"prompt\" is missing"},
    {"{\"request_type\": \"loglikelihood\", \"prompt\": \"p\", \"continuations\": []}\n",
     CRIL_ERR_FORMAT, ":1: \"continuations\" is an empty list"},
    {"{\"request_type\": \"loglikelihood\", \"prompt\": \"p\", \"continuations\": [1]}\n",
     CRIL_ERR_FORMAT, ":1: a continuation or its prompt is no text"},
};

static void says_what_is_wrong(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        struct cril_evaluation e;
        cril_error err = {0};
        const cril_status st = read_as("bad.jsonl", faults[i].text, &e, &err);

        if (st != faults[i].status || !strstr(err.message, faults[i].sentence))
            fail_msg("%s: status %d, %s", faults[i].text, (int)st, err.message);
        assert_int_equal(e.items.n, 0);
    }
}

/* ---- lm-evaluation-harness ---- */

static void reads_choices(void **state)
{
    struct cril_evaluation e = read_golden("own_choices", 0);
    const struct cril_item *item = e.items.item;
    const struct cril_item_choice *c = item[3].choices;

    (void)state;
    assert_int_equal(e.items.n, 5);
    assert_string_equal(e.settings.protocol.metric, "acc_norm");
    assert_int_equal(item[0].n_choices, 4);
    assert_int_equal(item[2].n_choices, 5);
    assert_int_equal(item[2].index, 2);
    assert_int_equal(item[2].gold, 2);
    is_text(item[0].context, "Question: Which is hot?\nAnswer: fire\n\nQuestion: What do bees make "
                             "from nectar?\nAnswer:");
    is_text(item[0].choices[3].text, " salt");
    assert_null(item[0].choices[3].context.data);
    assert_float_equal(item[0].choices[0].reference_nats, 1.3327261209487915, 0);
    assert_float_equal(item[0].choices[3].reference_nats, 10.244515419006348, 0);
    assert_int_equal(item[3].gold, 1);
    is_text(c[0].text, " gr\xC3\xA2"
                       "ce \xC3\xA0");
    assert_int_equal(c[0].characters, 7);
    assert_string_equal(json_string_value(json_object_get(item[0].document, "question")),
                        "What do bees make from nectar?");
    cril_items_free(&e.items);
    e = read_golden("own_choices", 2);
    assert_int_equal(e.items.n, 2);
    cril_items_free(&e.items);
}

/* The delimiter is that of the results beside the samples; unconditional requests are left out. */
static void leaves_out_unconditional(void **state)
{
    struct cril_evaluation e = read_golden("own_mutual", 0);

    (void)state;
    assert_string_equal(e.settings.protocol.metric, "acc");
    for (size_t i = 0; i < e.items.n; i++)
        assert_int_equal(e.items.item[i].n_choices, i == 0 ? 4 : i == 1 ? 3 : 5);
    is_text(e.items.item[0].choices[0].text, "\nA: honey");
    assert_int_equal(e.items.item[0].choices[0].characters, 5);
    assert_int_equal(e.items.item[0].gold, 0);
    assert_int_equal(e.items.item[1].gold, 1);
    assert_int_equal(e.items.item[2].gold, 2);
    cril_items_free(&e.items);
}

#define REQUEST(k, context, text)                                                                  \
    "\"gen_args_" #k "\": {\"arg_0\": \"" context "\", \"arg_1\": \"" text "\"}"

/* As 0.4.3 and 0.4.5 log them: every second one, or the second half, without the delimiter. */
static void knows_earlier_unconditional(void **state)
{
    static const char *const lines[] = {
        "{\"doc_id\": 0, \"target\": 1, \"arguments\": {" REQUEST(0, "c", " a") ", " REQUEST(
            1, "",
            "a") ", " REQUEST(2, "c",
                              " b") ", " REQUEST(3, "",
                                                 "b") "}, \"resps\": [[[\"-1\", "
                                                      "\"F\"]], [[\"-2\", \"F\"]], [[\"-3\", "
                                                      "\"F\"]], [[\"-4\", \"F\"]]]}\n",
        "{\"doc_id\": 0, \"target\": 1, \"arguments\": {" REQUEST(0, "c", " a") ", " REQUEST(
            1, "c",
            " b") ", " REQUEST(2, "",
                               "a") ", " REQUEST(3, "",
                                                 "b") "}, \"resps\": [[[\"-1\", "
                                                      "\"F\"]], [[\"-3\", \"F\"]], [[\"-2\", "
                                                      "\"F\"]], [[\"-4\", \"F\"]]]}\n",
    };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct cril_evaluation e = read_good(lines[i]);
        const struct cril_item *item = e.items.item;

        assert_int_equal(item->n_choices, 2);
        assert_int_equal(item->gold, 1);
        is_text(item->choices[1].text, " b");
        assert_null(item->choices[1].context.data);
        assert_float_equal(item->choices[0].reference_nats, 1, 0);
        assert_float_equal(item->choices[1].reference_nats, 3, 0);
        cril_items_free(&e.items);
    }
}

/* Requests without a context that repeat nothing are choices as others. */
static void keeps_empty_contexts(void **state)
{
    struct cril_evaluation e = read_good(
        "{\"doc_id\": 0, \"arguments\": {\"gen_args_0\": {\"arg_0\": \"c\", \"arg_1\": \" a\"}, "
        "\"gen_args_1\": {\"arg_0\": \"c\", \"arg_1\": \" b\"}, \"gen_args_2\": {\"arg_0\": \"\", "
        "\"arg_1\": \" a\"}, \"gen_args_3\": {\"arg_0\": \"\", \"arg_1\": \" d\"}}}\n");
    const struct cril_item *item = e.items.item;

    (void)state;
    assert_int_equal(item->n_choices, 4);
    assert_non_null(item->choices[3].context.data);
    assert_int_equal(item->choices[3].context.len, 0);
    cril_items_free(&e.items);
}

static void reads_contexts_that_differ(void **state)
{
    struct cril_evaluation e = read_golden("own_blanks", 0);
    const struct cril_item *item = e.items.item;

    (void)state;
    assert_int_equal(e.items.n, 4);
    assert_int_equal(item[0].n_choices, 2);
    is_text(item[0].context, "The jug did not fit on the shelf because the shelf");
    assert_null(item[0].choices[0].context.data);
    is_text(item[0].choices[1].context, "The jug did not fit on the shelf because the jug");
    is_text(item[0].choices[0].text, " was too tall.");
    is_text(item[0].choices[1].text, " was too tall.");
    assert_int_equal(item[0].gold, -1); /* "target" is the text that all choices have */
    assert_string_equal(e.settings.protocol.metric, "");
    cril_items_free(&e.items);
}

static void reads_one_continuation(void **state)
{
    struct cril_evaluation e = read_golden("own_last", 0);

    (void)state;
    assert_int_equal(e.items.item[0].n_choices, 1);
    assert_int_equal(e.items.item[0].gold, 0);
    is_text(e.items.item[0].choices[0].text, " gone.");
    assert_float_equal(e.items.item[0].choices[0].reference_nats, 1.446265697479248, 0);
    assert_string_equal(e.settings.protocol.metric, "acc");
    cril_items_free(&e.items);
}

/* Eight lines, two filters: four documents. */
static void reads_generation(void **state)
{
    struct cril_evaluation e = read_golden("own_answers", 0);
    const struct cril_item *item = e.items.item;

    (void)state;
    assert_int_equal(e.items.n, 4);
    assert_int_equal(item[0].kind, CRIL_ITEM_GENERATION);
    assert_int_equal(item[0].n_until, 2);
    is_text(item[0].until[0], "\n");
    is_text(item[0].until[1], ".");
    assert_int_equal(item[0].max_tokens, 12);
    is_text(item[0].context, "Q: What colour is fresh snow?\nA:");
    is_reference(&item[0], 0, "white");
    is_reference(&item[0], 1, "White");
    is_text(item[0].reference_text, " The answer is: 2022-01");
    is_text(item[0].gold_text, " white");
    is_reference(&item[3], 0, "Rome");
    assert_string_equal(e.settings.protocol.metric, "exact_match");
    cril_items_free(&e.items);
}

static void reads_rolling(void **state)
{
    struct cril_evaluation e = read_golden("own_rolling", 0);

    (void)state;
    assert_int_equal(e.items.item[1].kind, CRIL_ITEM_ROLLING);
    is_text(e.items.item[1].context, "A small boat crossed the bay.\nNobody saw it come back.\n");
    assert_int_equal(e.items.item[0].n_choices, 1);
    assert_float_equal(e.items.item[0].choices[0].reference_nats, 83.80741882324219, 0);
    cril_items_free(&e.items);
}

#define TWO                                                                                        \
    "\"arguments\": {\"gen_args_0\": {\"arg_0\": \"c\", \"arg_1\": \" 1\"}, "                      \
    "\"gen_args_1\": {\"arg_0\": \"c\", \"arg_1\": \" b's\"}}"

/* What `target` may be, and which of " 1" and " b's" it names. */
static void knows_targets(void **state)
{
    static const struct {
        const char *target;
        int gold;
    } cases[] = {
        {"\"0\"", 0},
        {"\"1\"", 1},
        {"1", 1},
        {"\"b's\"", 1},
        {"\" b's\"", 1},
        {"\"2\"", -1},
        {"\"-1\"", -1},
        {"\"x\"", -1},
        {"\"['b\\\\'s']\"", 1},
        {"\"[\\\"b's\\\"]\"", 1},
        {"\"[1]\"", 1},
        {"\"[0, 1]\"", -1},
        {"\"True\"", 1},
        {"\"False\"", 0},
        {"true", 1},
        {"[1]", 1},
        {"null", -1},
        {"\"\"", -1},
        {"\"1.5\"", -1},
        {"\"[\"", -1},
        {"\"99999999999999999999999\"", -1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[400];
        struct cril_evaluation e;

        snprintf(text, sizeof(text), "{\"doc_id\": 3, \"target\": %s, " TWO "}\n", cases[i].target);
        e = read_good(text);
        if (e.items.item[0].gold != cases[i].gold)
            fail_msg("%s: %d", cases[i].target, (int)e.items.item[0].gold);
        assert_int_equal(e.items.item[0].index, 3);
        cril_items_free(&e.items);
    }
}

/* Numbers of resps are texts, or numbers, or missing. */
static void knows_responses(void **state)
{
    struct cril_evaluation e = read_good(
        "{\"doc_id\": 0, " TWO ", \"resps\": [[[\"-2.5\", \"False\"]], [[\"-inf\", \"T\"]]]}\n"
        "{\"doc_id\": 1, " TWO ", \"filtered_resps\": [[-1.5, false], [\"-3e-1\", \"T\"]]}\n");
    const struct cril_item *item = e.items.item;

    (void)state;
    assert_float_equal(item[0].choices[0].reference_nats, 2.5, 0);
    assert_true(isnan(item[0].choices[1].reference_nats));
    assert_float_equal(item[1].choices[0].reference_nats, 1.5, 0);
    assert_float_equal(item[1].choices[1].reference_nats, 0.3, 0);
    cril_items_free(&e.items);
}

#define GENERATED(given)                                                                           \
    "{\"doc_id\": 0, \"target\": \"[3, 'x']\", \"resps\": [[\"t\"]], \"arguments\": "              \
    "{\"gen_args_0\": {\"arg_0\": \"c\", \"arg_1\": " given "}}}\n"

static void knows_limits_and_chance(void **state)
{
    struct cril_evaluation e = read_good(GENERATED("{\"until\": \"u\", \"max_tokens\": 3}"));

    (void)state;
    assert_int_equal(e.items.item[0].max_tokens, 3);
    assert_int_equal(e.items.item[0].n_until, 1);
    is_text(e.items.item[0].reference_text, "t");
    is_reference(&e.items.item[0], 0, "3");
    is_reference(&e.items.item[0], 1, "x");
    cril_items_free(&e.items);
    e = read_good(GENERATED("{\"max_gen_toks\": 2, \"max_tokens\": 3, \"do_sample\": true, "
                            "\"temperature\": 0.5}"));
    assert_int_equal(e.items.item[0].max_tokens, 2);
    assert_int_equal(e.items.item[0].n_until, 0);
    assert_null(e.items.item[0].reference_text.data);
    cril_items_free(&e.items);
    e = read_good(GENERATED("{\"temperature\": 0.5, \"do_sample\": false}"));
    assert_int_equal(e.items.item[0].max_tokens, 256);
    is_text(e.items.item[0].reference_text, "t");
    cril_items_free(&e.items);
}

/* Without results one blank; with a chat template none, unless the answer begins with a text. */
static void finds_the_delimiter(void **state)
{
    static const struct {
        const char *results;
        size_t characters;
    } cases[] = {
        {NULL, 3},
        {"{\"configs\": {\"my_task\": {\"target_delimiter\": \"\"}}}", 4},
        {"{\"configs\": {\"my_task\": {\"target_delimiter\": \" b\"}}}", 2},
        {"{\"configs\": {\"other\": {\"target_delimiter\": \"\"}}}", 3},
        {"{\"chat_template\": \"t\", \"configs\": {\"my_task\": {\"target_delimiter\": \" \"}}}",
         4},
        {"{\"chat_template\": \"t\", \"configs\": {\"my_task\": {\"target_delimiter\": \" \", "
         "\"gen_prefix\": \"So\"}}}",
         3},
    };
    char samples[200], results[200], hash[65] = "";

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct cril_evaluation e = {0};
        cril_error err;

        write_file("samples_my_task_" DATE ".jsonl", "{\"doc_id\": 0, " TWO "}\n", samples);
        if (cases[i].results)
            write_file("some_results_" DATE ".json", cases[i].results, results);
        if (cril_requests_read(samples, 0, &e, &err) != CRIL_OK)
            fail_msg("%s", err.message);
        assert_string_equal(e.name, "my_task");
        assert_int_equal(e.items.item[0].choices[1].characters, cases[i].characters);
        assert_int_equal(strcmp(e.settings.sha256, hash) == 0, 0); /* no two neighbours are alike */
        snprintf(hash, sizeof(hash), "%s", e.settings.sha256);
        cril_items_free(&e.items);
        if (cases[i].results)
            unlink(results);
    }
    write_file("results_" DATE ".json", "{", results);
    {
        struct cril_evaluation e = {0};
        cril_error err;

        assert_int_equal(cril_requests_read(samples, 0, &e, &err), CRIL_ERR_FORMAT);
        assert_non_null(strstr(err.message, "results_" DATE ".json: line 1"));
    }
    unlink(results);
    unlink(samples);
}

/* The hash is of what is asked, not of what another program found. */
static void hashes_what_is_asked(void **state)
{
    static const struct {
        const char *text;
        bool same;
    } cases[] = {
        {"{\"doc_id\": 0, \"target\": \"1\", \"resps\": [[[\"-1\", \"F\"]], [[\"-2\", "
         "\"F\"]]], " TWO "}\n",
         true},
        {"{\"doc_id\": 0, \"target\": \"0\", " TWO "}\n", false},
        {"{\"doc_id\": 0, \"target\": \"1\", " TWO "}\n{\"doc_id\": 1, \"target\": \"1\", " TWO
         "}\n",
         false},
    };
    struct cril_evaluation first = read_good("{\"doc_id\": 0, \"target\": \"1\", " TWO "}\n");

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct cril_evaluation e = read_good(cases[i].text);

        assert_int_equal(strcmp(e.settings.sha256, first.settings.sha256) == 0, cases[i].same);
        assert_int_not_equal(strcmp(e.data_sha256, first.data_sha256), 0);
        cril_items_free(&e.items);
    }
    cril_items_free(&first.items);
}

static void reads_python_lists(void **state)
{
    static const struct {
        const char *text, *list; /* list: as JSON; NULL: it is none */
    } cases[] = {
        {"[]", "[]"},
        {"['a', \"it's\", 'say \"no\"']", "[\"a\",\"it's\",\"say \\\"no\\\"\"]"},
        {"['a\\\\b\\'\\n\\t\\x41\\u00e9\\U0001f600']",
         "[\"a\\\\b'\\n\\tA\xC3\xA9\xF0\x9F\x98\x80\"]"},
        {"[1, -2, True, False]", "[1,-2,true,false]"},
        {"['a' 'b']", NULL},
        {"['a', ['b']]", NULL},
        {"['a]", NULL},
        {"[1.5]", NULL},
        {"['\\ud800']", NULL},
        {"['\\q']", NULL},
        {"['\\x4']", NULL},
        {"[None]", NULL},
        {"['a'] ", NULL},
        {"[']", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        json_t *value = json_string(cases[i].text);
        char *printed;

        assert_true(cril_python_list(cril_bytes_of(cases[i].text), &value));
        printed = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
        if (json_is_array(value) != !!cases[i].list ||
            (cases[i].list && strcmp(printed, cases[i].list) != 0))
            fail_msg("%s: %s", cases[i].text, printed);
        free(printed);
        json_decref(value);
    }
}

/* ---- olmo-eval ---- */

static void reads_serialised_lines(void **state)
{
    struct cril_evaluation e = read_good(
        "{\"doc_id\": 4, \"question\": \"q\", \"gold_answers\": [\"b\"], \"choices\": [\"a\", "
        "\"b\"], "
        "\"metadata\": {}, \"request_type\": \"loglikelihood\", \"prompt\": \"P\", \"messages\": "
        "null, "
        "\"continuations\": [\" a\", \" b\"]}\n"
        "{\"doc_id\": 5, \"metadata\": {\"gold_idx\": 0}, \"request_type\": \"loglikelihood\", "
        "\"prompt\": \"P\", \"continuations\": [\" a\", \" b\"]}\n"
        "{\"doc_id\": 6, \"gold_answers\": [\"x\"], \"request_type\": \"loglikelihood\", "
        "\"prompt\": \"P\", \"continuations\": [\"whole\"]}\n");
    const struct cril_item *item = e.items.item;

    (void)state;
    assert_int_equal(e.items.n, 3);
    assert_int_equal(item[0].index, 4);
    assert_int_equal(item[0].gold, 1);
    is_text(item[0].context, "P");
    is_text(item[0].choices[1].text, " b");
    assert_int_equal(item[0].choices[1].characters, 2);
    assert_int_equal(item[1].gold, 0);
    assert_int_equal(item[2].gold, 0);
    cril_items_free(&e.items);
    e = read_good("{\"doc_id\": 0, \"gold_answers\": [\"4\", \"four\"], \"request_type\": "
                  "\"completion\", \"prompt\": \"2+2=\", \"continuations\": [\" 4\"]}\n");
    assert_int_equal(e.items.item[0].kind, CRIL_ITEM_GENERATION);
    assert_int_equal(e.items.item[0].max_tokens, 512);
    is_reference(&e.items.item[0], 1, "four");
    is_text(e.items.item[0].gold_text, " 4");
    cril_items_free(&e.items);
}

static void reads_logged_requests(void **state)
{
    struct cril_evaluation e = read_good(
        "{\"request_type\": \"loglikelihood\", \"request\": {\"context\": \"P\", \"continuation\": "
        "\" a\""
        "}, \"idx\": 0, \"task_name\": \"t\", \"doc_id\": 0, \"native_id\": \"n0\", \"label\": 1}\n"
        "{\"request_type\": \"loglikelihood\", \"request\": {\"context\": \"P\", \"continuation\": "
        "\" b\""
        "}, \"idx\": 1, \"task_name\": \"t\", \"doc_id\": 0, \"native_id\": \"n0\", \"label\": 1}\n"
        "{\"request_type\": \"loglikelihood\", \"request\": {\"context\": \"P\", \"continuation\": "
        "\" a\""
        ", \"continuations\": [\" a\", \" b\", \" a\", \" b\"], \"continuation_prompts\": [\"P\", "
        "\"P\", \"U\", \"U\"]}, \"idx\": 0, \"task_name\": \"t\", \"doc_id\": 1, \"label\": 0}\n"
        "{\"request_type\": \"loglikelihood\", \"request\": {\"context\": \"\", \"continuation\": "
        "\" a\""
        ", \"continuations\": [\" a\", \" a\"], \"continuation_prompts\": [\"P1\", \"P2\"]}, "
        "\"idx\": 0, \"task_name\": \"t\", \"doc_id\": 2, \"label\": 1}\n");
    const struct cril_item *item = e.items.item;

    (void)state;
    assert_int_equal(e.items.n, 3);
    assert_string_equal(e.name, "t");
    assert_int_equal(item[0].n_choices, 2);
    assert_int_equal(item[0].gold, 1);
    is_text(item[0].choices[1].text, " b");
    assert_string_equal(item[0].id, "n0");
    assert_int_equal(item[1].n_choices, 2);
    assert_null(item[1].choices[0].context.data);
    assert_int_equal(item[1].gold, 0);
    assert_int_equal(item[2].n_choices, 2);
    is_text(item[2].choices[0].context, "P1");
    is_text(item[2].choices[1].context, "P2");
    cril_items_free(&e.items);
    e = read_good("{\"request_type\": \"generate_until\", \"request\": {\"context\": \"P\", "
                  "\"stop_sequences\": [\"\\n\"], \"generation_kwargs\": {\"max_gen_toks\": 50}}, "
                  "\"doc_id\": 0, \"label\": \"yes\"}\n");
    assert_int_equal(e.items.item[0].max_tokens, 50);
    is_text(e.items.item[0].until[0], "\n");
    is_reference(&e.items.item[0], 0, "yes");
    cril_items_free(&e.items);
}

/* ---- The rule ---- */

static void matches_without_white_space(void **state)
{
    static const struct {
        const char *in;
        bool match;
    } cases[] = {
        {"{\"text\": \" \\n a b\\t\\u00a0\", \"references\": [\"x\", \"a b \"]}", true},
        {"{\"text\": \"A b\", \"references\": [\"a b\"]}", false},
        {"{\"text\": \"a b.\", \"references\": [\"a b\"]}", false},
        {"{\"text\": \"\", \"references\": [\" \"]}", true},
        {"{\"text\": \"a\", \"references\": []}", false},
    };
    cril_error err;
    json_t *out = json_object(), *bad = json_pack("{s:s}", "text", "a");

    (void)state;
    assert_int_equal(cril_rules_exact(bad, out, &err), CRIL_ERR_FORMAT);
    assert_non_null(strstr(err.message, "\"references\""));
    assert_int_equal(cril_rules_exact(out, out, &err), CRIL_ERR_FORMAT);
    json_decref(bad);
    json_decref(out);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        json_t *in = json_loads(cases[i].in, 0, NULL);

        out = json_object();
        assert_int_equal(cril_rules_exact(in, out, &err), CRIL_OK);
        assert_int_equal(json_is_true(json_object_get(out, "exact_match")), cases[i].match);
        if (i == 0)
            assert_string_equal(json_string_value(json_object_get(out, "exact")), "a b");
        json_decref(in);
        json_decref(out);
    }
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_own_choices),
        cmocka_unit_test(reads_own_generation),
        cmocka_unit_test(says_what_is_wrong),
        cmocka_unit_test(reads_choices),
        cmocka_unit_test(leaves_out_unconditional),
        cmocka_unit_test(knows_earlier_unconditional),
        cmocka_unit_test(keeps_empty_contexts),
        cmocka_unit_test(reads_contexts_that_differ),
        cmocka_unit_test(reads_one_continuation),
        cmocka_unit_test(reads_generation),
        cmocka_unit_test(reads_rolling),
        cmocka_unit_test(knows_targets),
        cmocka_unit_test(knows_responses),
        cmocka_unit_test(knows_limits_and_chance),
        cmocka_unit_test(finds_the_delimiter),
        cmocka_unit_test(hashes_what_is_asked),
        cmocka_unit_test(reads_python_lists),
        cmocka_unit_test(reads_serialised_lines),
        cmocka_unit_test(reads_logged_requests),
        cmocka_unit_test(matches_without_white_space),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
