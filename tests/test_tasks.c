/*
 * The twelve tasks on data of our own, in the published forms: prompts, shots, gold answers,
 * programs, settings, and what is said of data that are broken.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "task_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static struct cril_task_settings settings;
static struct cril_items items;
static const struct cril_task *task; /* whose items they are */
static cril_error err;

static cril_status load_with(const char *name, const char *protocol,
                             const struct cril_task_overrides *o, uint64_t limit)
{
    cril_items_free(&items);
    task = cril_task_find(name);
    return load_below(task_folder, name, protocol, o, limit, &settings, &items, &err);
}

static void load(const char *name, const char *protocol)
{
    if (load_with(name, protocol, &nothing_overridden, 0) != CRIL_OK)
        fail_msg("%s", err.message);
}

static void load_shots(const char *name, const char *protocol, int64_t shots, int draw)
{
    const struct cril_task_overrides o = {shots, -1, -1, draw};

    if (load_with(name, protocol, &o, 0) != CRIL_OK)
        fail_msg("%s", err.message);
}

static void expect(struct cril_bytes ours, const char *theirs)
{
    if (!ours.data || !cril_bytes_are(ours, theirs))
        fail_msg("<<%.*s>> is not <<%s>>", (int)ours.len, ours.data ? ours.data : "", theirs);
}

static void expect_answers(const struct cril_item *item, const char *json)
{
    json_t *const wanted = json_loads(json, 0, NULL);

    assert_non_null(wanted);
    assert_true(json_equal(item->answers, wanted));
    json_decref(wanted);
}

/* Loading fails, and the sentence has all of the words. */
static void expect_fault(cril_status st, const char *name, const char *protocol, const char *words)
{
    char list[512], *word;

    if (load_with(name, protocol, &nothing_overridden, 0) != st)
        fail_msg("%s", err.message);
    assert_int_equal(items.n, 0);
    snprintf(list, sizeof(list), "%s", words);
    for (word = strtok(list, "|"); word; word = strtok(NULL, "|"))
        if (!strstr(err.message, word))
            fail_msg("\"%s\" does not say \"%s\"", err.message, word);
}

/* ---- Choices ---- */

#define ARC_1                                                                                      \
    "{\"id\":\"a1\",\"question\":{\"stem\":\"Why?\",\"choices\":[{\"text\":\"so\",\"label\":"      \
    "\"A\"},{\"text\":\"\\u00e9t\\u00e9\",\"label\":\"B\"},{\"text\":\"no\",\"label\":\"C\"}]},"   \
    "\"answerKey\":\"B\"}\n"
#define ARC_2                                                                                      \
    "{\"question\":{\"stem\":\"How? \",\"choices\":[{\"text\":\"x\",\"label\":\"1\"},{\"text\":"   \
    "\"yy\",\"label\":\"2\"}]},\"answerKey\":\"1\"}\n"

static void test_arc(void **state)
{
    (void)state;
    put_file("arc_challenge/ARC-Challenge-Test.jsonl", "\xEF\xBB\xBF" ARC_1 "\r\n\n" ARC_2);
    load("arc_challenge", "harness");
    assert_int_equal(items.n, 2);
    expect(items.item[0].context, "Question: Why?\nAnswer:");
    assert_string_equal(items.item[0].id, "a1");
    assert_string_equal(items.item[0].subject, "");
    assert_int_equal(items.item[0].kind, CRIL_ITEM_CHOICES);
    assert_int_equal(items.item[0].n_choices, 3);
    expect(items.item[0].choices[1].text, " \xC3\xA9t\xC3\xA9");
    assert_int_equal(items.item[0].choices[1].characters, 3);
    assert_null(items.item[0].choices[1].context.data);
    assert_true(items.item[0].choices[1].reference_nats != items.item[0].choices[1].reference_nats);
    assert_int_equal(items.item[0].gold, 1);
    assert_null(items.item[0].gold_text.data);
    assert_null(items.item[0].answers);
    assert_string_equal(json_string_value(json_object_get(items.item[0].document, "answerKey")),
                        "B");
    expect(items.item[1].context, "Question: How? \nAnswer:");
    assert_null(items.item[1].id);
    assert_int_equal(items.item[1].index, 1);
    assert_int_equal(items.item[1].gold, 0);

    put_file("arc_challenge/ARC-Challenge-Train.jsonl", ARC_2 ARC_1 ARC_2);
    load_shots("arc_challenge", "harness", 2, CRIL_DRAW_FIRST);
    expect(items.item[0].context, "Question: How? \nAnswer: x\n\nQuestion: Why?\nAnswer: "
                                  "\xC3\xA9t\xC3\xA9\n\nQuestion: Why?\nAnswer:");
    assert_string_equal(settings.name, "harness,shots=2,draw=first");
    load_shots("arc_challenge", "harness", 3, -1); /* as many as there are, none more */
    load_with("arc_challenge", "harness", &nothing_overridden, 1);
    assert_int_equal(items.n, 1);
}

/* The first draws of vec_fewshot_draws: of 3 records 2 are drawn, in the generator's order. */
static void test_seeded(void **state)
{
    const struct cril_task_overrides two = {2, -1, -1, -1};
    char train[4000] = "", whole[4][200];

    (void)state;
    for (int i = 0; i < 20; i++)
        sprintf(train + strlen(train), "{\"question\":\"q%d\",\"answer\":\"a%d\\n#### %d\"}\n", i,
                i, i);
    put_file("gsm8k/train.jsonl", train);
    put_file("gsm8k/test.jsonl", "{\"question\":\"t0\",\"answer\":\"#### 1\"}\n"
                                 "{\"question\":\"t1\",\"answer\":\"#### 1\"}\n"
                                 "{\"question\":\"t2\",\"answer\":\"#### 1\"}\n"
                                 "{\"question\":\"t3\",\"answer\":\"#### 1\"}\n");
    load_with("gsm8k", "harness", &two, 0);
    assert_int_equal(items.n, 4);
    /* random.Random(1234): sample(range(20), 2) four times */
    expect(items.item[0].context, "Question: q14\nAnswer: a14\n#### 14\n\nQuestion: q3\nAnswer: "
                                  "a3\n#### 3\n\nQuestion: t0\nAnswer:");
    for (size_t i = 0; i < 4; i++)
        snprintf(whole[i], sizeof(whole[i]), "%.*s", (int)items.item[i].context.len,
                 items.item[i].context.data);
    assert_string_not_equal(whole[0], whole[1]);
    load_with("gsm8k", "harness", &two, 3); /* fewer items have the same shots */
    assert_int_equal(items.n, 3);
    for (size_t i = 0; i < 3; i++)
        expect(items.item[i].context, whole[i]);
}

/* One more is drawn where there is no test split, and the item itself is left out. Elsewhere it may
 * be a shot. */
static void test_itself(void **state)
{
    const struct cril_task_overrides two = {2, -1, -1, -1};
    const char *const lines = "{\"question\":\"q0\",\"answer\":[\"a0\"]}\n"
                              "{\"question\":\"q1\",\"answer\":[\"a1\"]}\n"
                              "{\"question\":\"q2\",\"answer\":[\"a2\"]}\n";

    (void)state;
    put_file("nq_open/NQ-open.dev.jsonl", lines);
    put_file("nq_open/NQ-open.efficientqa.dev.1.1.jsonl", lines);
    load_with("nq_open", "harness", &two, 0);
    assert_int_equal(items.n, 3);
    for (size_t i = 0; i < 3; i++) {
        char itself[32];

        sprintf(itself, "Q: q%zu?\nA: a%zu", i, i);
        assert_null(strstr(items.item[i].context.data, itself));
        assert_int_equal(items.item[i].context.len,
                         strlen("Answer these questions:\n\nQ: q0?\nA: a0\nQ: q0?\nA: a0\nQ: "
                                "q0?\nA:"));
    }
    put_file("gsm8k/test.jsonl", "{\"question\":\"q\",\"answer\":\"#### 1\"}\n");
    put_file("gsm8k/train.jsonl", "{\"question\":\"q\",\"answer\":\"#### 1\"}\n");
    load_shots("gsm8k", "harness", 1, -1);
    expect(items.item[0].context, "Question: q\nAnswer: #### 1\n\nQuestion: q\nAnswer:");
    /* three shots and one more are too many for three records */
    assert_int_equal(load_with("nq_open", "harness", &nothing_overridden, 0), CRIL_ERR_RANGE);
    assert_non_null(strstr(err.message, "and one more"));
}

static void test_hellaswag(void **state)
{
    static const char raw[] =
        "{\"ind\":4,\"activity_label\":\"Baking\",\"ctx_a\":\"A man [header] bakes  bread.\","
        "\"ctx_b\":\"he THEN\",\"endings\":[\" [title] one\",\"two [step] b\",\"three\",\"four\"],"
        "\"label\":\"2\"}\n";

    (void)state;
    put_file("hellaswag/hellaswag_val.jsonl",
             "{\"query\":\"Go: A man sits. he\",\"choices\":[\"a\",\"b\",\"c\",\"d\"],\"gold\":3}\n"
             "{\"query\":\"Go: A man says \\\"no.\\\" he is 3.5 m. tall\",\"choices\":"
             "[\"a\",\"b\",\"c\",\"d\"],\"gold\":0}\n"
             "{\"query\":\"Go: A man sits. he ends.\",\"choices\":[\"a\",\"b\",\"c\",\"d\"],"
             "\"gold\":1}\n"
             "{\"query\":\"Go: (A man) 5 men? wait\",\"choices\":[\"a\",\"b\",\"c\",\"d\"],"
             "\"gold\":1}\n"
             "{\"query\":\"no end of a sentence\",\"choices\":[\"a\",\"b\",\"c\",\"d\"],"
             "\"gold\":1}\n");
    load("hellaswag", "harness");
    expect(items.item[0].context, "Go: A man sits. He");
    expect(items.item[0].choices[3].text, " d");
    assert_int_equal(items.item[0].gold, 3);
    expect(items.item[1].context, "Go: A man says \"no.\" he is 3.5 m. Tall");
    expect(items.item[2].context, "Go: A man sits. he ends.");
    expect(items.item[3].context, "Go: (A man) 5 men? Wait");
    expect(items.item[4].context, "no end of a sentence");

    /* the authors' form, cleaned as lm-evaluation-harness does */
    put_file("hellaswag/hellaswag_val.jsonl", raw);
    put_file("hellaswag/hellaswag_train.jsonl", raw);
    load("hellaswag", "harness");
    expect(items.item[0].context, "Baking: A man bakes bread. He then");
    expect(items.item[0].choices[0].text, "  one");
    expect(items.item[0].choices[1].text, " two b");
    assert_int_equal(items.item[0].gold, 2);
    load_shots("hellaswag", "harness", 1, CRIL_DRAW_FIRST);
    expect(items.item[0].context,
           "Baking: A man bakes bread. He then three\n\nBaking: A man bakes bread. He then");
}

/* ---- MMLU ---- */

static void put_mmlu(const struct cril_task *t)
{
    for (size_t i = 0; t->subjects[i]; i++) {
        char name[128], text[400];

        snprintf(name, sizeof(name), "mmlu/test/%s_test.csv", t->subjects[i]);
        snprintf(text, sizeof(text),
                 "\" What, %s?\r\nNow \",1, two,\"\"\"3\"\"\",\"4\n\",C\r\nNext,5,6,7,8,A",
                 t->subjects[i]);
        put_file(name, text);
        snprintf(name, sizeof(name), "mmlu/dev/%s_dev.csv", t->subjects[i]);
        put_file(name, "S0,a,b,c,d,A\nS1,a,b,c,d,B\nS2,a,b,c,d,C\nS3,a,b,c,d,D\nS4,a,b,c,d,A\n");
    }
}

#define CLOZE_SHOTS                                                                                \
    "Question: S0\nAnswer: a\n\nQuestion: S1\nAnswer: b\n\nQuestion: S2\nAnswer: c\n\n"            \
    "Question: S3\nAnswer: d\n\nQuestion: S4\nAnswer: a\n\n"
#define CLOZE_ITEM "Question: What, high_school_statistics?\r\nNow\nAnswer:"
#define CLOZE_HEAD "The following are questions (with answers) about high school statistics.\n"

static void test_mmlu(void **state)
{
    const struct cril_task *const math = cril_task_find("mmlu_math"), *const all =
                                                                          cril_task_find("mmlu");
    const struct cril_item *item;
    size_t n = 0;

    (void)state;
    put_mmlu(all);
    load("mmlu_math", "paper");
    assert_int_equal(items.n, 10);
    assert_true(settings.protocol.mean_of_subjects);
    item = &items.item[8];
    assert_string_equal(item->subject, "high_school_statistics");
    assert_int_equal(item->index, 0);
    assert_int_equal(items.item[9].index, 1);
    expect(item->context, CLOZE_HEAD CLOZE_SHOTS CLOZE_ITEM);
    expect(item->choices[1].text, "  two");
    expect(item->choices[2].text, " \"3\"");
    expect(item->choices[3].text, " 4\n");
    assert_int_equal(item->choices[3].characters, 2);
    assert_int_equal(item->gold, 2);

    load("mmlu_math", "harness_continuation");
    expect(items.item[8].context, CLOZE_HEAD "\n" CLOZE_SHOTS CLOZE_ITEM);

    load("mmlu_math", "harness");
    item = &items.item[8];
    assert_non_null(strstr(item->context.data, "about high school statistics.\n\nS0\nA. a\nB. b\n"
                                               "C. c\nD. d\nAnswer: A\n\nS1\n"));
    assert_non_null(strstr(item->context.data, "\n\nWhat, high_school_statistics?\r\nNow\nA. 1\nB. "
                                               " two\nC. \"3\"\nD. 4\n\nAnswer:"));
    expect(item->choices[2].text, " C");
    expect(item->gold_text, " \"3\"");
    expect(item->gold_context, CLOZE_HEAD "\n" CLOZE_SHOTS CLOZE_ITEM);

    for (; math->subjects[n]; n++)
        ;
    assert_int_equal(n, 5);
    load_with("mmlu", "paper", &nothing_overridden, 1); /* of each subject */
    assert_int_equal(items.n, 57);
    assert_string_equal(items.item[0].subject, "abstract_algebra");
    assert_string_equal(items.item[56].subject, "world_religions");
    load_shots("mmlu_math", "paper", 0, -1);
    expect(items.item[8].context, CLOZE_HEAD CLOZE_ITEM);
    assert_string_equal(settings.name, "paper,shots=0");
}

/* ---- Generations ---- */

static void expect_stops(const struct cril_item *item, size_t max_tokens, const char *stops)
{
    char list[64] = "";

    assert_int_equal(item->kind, CRIL_ITEM_GENERATION);
    assert_int_equal(item->max_tokens, max_tokens);
    for (size_t i = 0; i < item->n_until; i++)
        sprintf(list + strlen(list), "%.*s|", (int)item->until[i].len, item->until[i].data);
    assert_string_equal(list, stops);
}

static void test_short_answers(void **state)
{
    (void)state;
    put_file("nq_open/NQ-open.dev.jsonl", "{\"question\":\"who\",\"answer\":[\"Ann\",\"An\"]}\n");
    put_file("nq_open/NQ-open.efficientqa.dev.1.1.jsonl",
             "{\"question\":\"when\",\"answer\":[\"now\",\"then\"]}\n");
    load_shots("nq_open", "paper", 1, CRIL_DRAW_FIRST);
    expect(items.item[0].context, "Answer these questions:\nQ: when?\nA: now\nQ: who?\nA:");
    expect(items.item[0].gold_text, " Ann");
    expect_answers(&items.item[0], "{\"references\":[\"Ann\",\"An\"]}");
    expect_stops(&items.item[0], 256, "\n|.|,|");
    assert_string_equal(settings.protocol.metric, "nq_open_paper_match");
    load_shots("nq_open", "harness", 1, CRIL_DRAW_FIRST);
    expect(items.item[0].context, "Answer these questions:\n\nQ: when?\nA: now\nQ: who?\nA:");
    assert_string_equal(settings.protocol.metric, "nq_open_match");
    /* the harness' own pool, where it is there */
    put_file("nq_open/NQ-open.train.jsonl", "{\"question\":\"train\",\"answer\":[\"yes\"]}\n");
    load_shots("nq_open", "harness", 1, CRIL_DRAW_FIRST);
    expect(items.item[0].context, "Answer these questions:\n\nQ: train?\nA: yes\nQ: who?\nA:");
    remove_file("nq_open/NQ-open.train.jsonl");

    put_file("triviaqa/test.jsonl",
             "{\"question\":\"Who?\",\"answer\":\"X\",\"aliases\":[\"Y\",\"X\"],\"id\":\"t\"}\n");
    put_file("triviaqa/fewshot_pool.jsonl",
             "{\"question\":\"What?\",\"answer\":\"P\",\"aliases\":[\"Q\",\"P\"]}\n");
    load_shots("triviaqa", "harness", 1, CRIL_DRAW_FIRST);
    expect(items.item[0].context, "Question: What??\nAnswer: Q\n\nQuestion: Who??\nAnswer:");
    expect(items.item[0].gold_text, " Y");
    assert_string_equal(items.item[0].id, "t");
    expect_answers(&items.item[0], "{\"references\":[\"Y\",\"X\"]}");
}

static void test_gsm8k(void **state)
{
    (void)state;
    put_file("gsm8k/test.jsonl",
             "{\"question\":\"Q\",\"answer\":\"#### 3\\nA <<1>>\\n#### 70,000 \"}\n");
    put_file("gsm8k/train.jsonl", "{\"question\":\"S\",\"answer\":\"B\\n#### 2\"}\n");
    put_file("gsm8k/fewshot_cot4.json", "[\n {\"question\": \"a, [b\\\"\",\n  \"answer\": \"1\"},\n"
                                        "{\"question\":\"c\",\"answer\":\"2\"},"
                                        "{\"question\":\"e\",\"answer\":\"3\"},\n\n"
                                        "{\"question\":\"g\",\"answer\":\"4\"}]");
    load_shots("gsm8k", "paper", 1, CRIL_DRAW_FIRST);
    expect(items.item[0].context, "Question: S\nAnswer: B\n#### 2\n\nQuestion: Q\nAnswer:");
    expect(items.item[0].gold_text, " #### 3\nA <<1>>\n#### 70,000 ");
    expect_answers(&items.item[0], "{\"gold\":\"70,000\"}");
    expect_stops(&items.item[0], 256, "Question:|</s>|<|im_end|>|");
    load("gsm8k", "opencompass");
    expect(items.item[0].context, "Question: a, [b\"\nLet's think step by step\nAnswer:\n1\n\n"
                                  "Question: c\nLet's think step by step\nAnswer:\n2\n\n"
                                  "Question: e\nLet's think step by step\nAnswer:\n3\n\n"
                                  "Question: g\nLet's think step by step\nAnswer:\n4\n\n"
                                  "Question: Q\nLet's think step by step\nAnswer:");
    expect(items.item[0].gold_text, "\n#### 3\nA <<1>>\n#### 70,000 ");
    expect_stops(&items.item[0], 512, "Question|");
    assert_true(settings.protocol.cut_right);
    load_shots("gsm8k", "opencompass", 1, -1);
    expect(items.item[0].context, "Question: a, [b\"\nLet's think step by step\nAnswer:\n1\n\n"
                                  "Question: Q\nLet's think step by step\nAnswer:");
}

static void test_math(void **state)
{
    (void)state;
    put_file("math/math500.jsonl",
             "{\"problem\":\"P\",\"solution\":\"so \\\\boxed{1} and \\\\boxed{\\\\frac{1}{2}}\","
             "\"subject\":\"Algebra\",\"unique_id\":\"u/1\"}\n");
    put_file("math/fewshot_minerva4.json", "[{\"problem\":\"a\",\"solution\":\"b\"},"
                                           "{\"problem\":\"c\",\"solution\":\"d\"}]");
    load_shots("math", "paper", 2, -1);
    expect(items.item[0].context, "Problem:\na\n\nSolution:\nb\n\nProblem:\nc\n\nSolution:\nd\n\n"
                                  "Problem:\nP\nSolution:");
    expect(items.item[0].gold_text, "\nso \\boxed{1} and \\boxed{\\frac{1}{2}}");
    expect_answers(&items.item[0], "{\"gold\":\"\\\\frac{1}{2}\"}");
    assert_string_equal(items.item[0].subject, "Algebra");
    assert_string_equal(items.item[0].id, "u/1");
    expect_stops(&items.item[0], 1024, "Problem|");
    remove_file("math/fewshot_minerva4.json"); /* which the harness does not need */
    load("math", "harness");
    assert_int_equal(memcmp(items.item[0].context.data, "Problem:\nFind the domain", 23), 0);
    expect((struct cril_bytes){items.item[0].context.data + items.item[0].context.len - 31, 31},
           "correct.\n\nProblem:\nP\n\nSolution:");
    expect(items.item[0].gold_text, " so \\boxed{1} and \\boxed{\\frac{1}{2}}");
    load_shots("math", "harness", 0, -1);
    expect(items.item[0].context, "Problem:\nP\n\nSolution:");
    /* the whole test set comes before its 500 */
    put_file("math/test.jsonl",
             "{\"problem\":\"W\",\"solution\":\"\\\\fbox{2}\",\"type\":\"T\"}\n");
    load_shots("math", "harness", 0, -1);
    expect(items.item[0].context, "Problem:\nW\n\nSolution:");
    assert_string_equal(items.item[0].subject, "T");
    remove_file("math/test.jsonl");
}

#define SAT(label, extra)                                                                          \
    "{\"passage\":null,\"question\":\"q\",\"options\":[\"(A)1\",\"(B)2\",\"(C)3\",\"(D)4\"],"      \
    "\"label\":\"" label "\"" extra "}"

static void test_sat(void **state)
{
    (void)state;
    put_file(
        "sat_math/sat-math.jsonl",
        SAT("C",
            "") "\n"
                "{\"passage\":\"Read.\",\"question\":\"r\",\"options\":[\"(A)1\",\"(B)2\",\"(C)3\","
                "\"(D)4\"],\"label\":\"A\",\"other\":null}\n");
    put_file("sat_math/fewshot_prompts.json", "[" SAT("B", ",\"explanation\":\"because\"") "," SAT(
                                                  "D", ",\"explanation\":\"so\"") "]");
    load_shots("sat_math", "paper", 2, -1);
    expect(items.item[1].context,
           "Here are the answers for the problems in the exam.\n"
           "Problem 1.    q\nChoose from the following options:    (A)1 (B)2 (C)3 (D)4\n"
           "Explanation for Problem 1:   because\nThe answer is therefore B\n\n"
           "Problem 2.    q\nChoose from the following options:    (A)1 (B)2 (C)3 (D)4\n"
           "Explanation for Problem 2:   so\nThe answer is therefore D\n\n"
           "Problem 3.   Read. r\nChoose from the following options:    (A)1 (B)2 (C)3 (D)4\n");
    expect(items.item[0].gold_text, " (C)3");
    expect_answers(&items.item[0], "{\"gold\":\"C\"}");
    expect_stops(&items.item[0], 512, "\nProblem |");
    load_shots("sat_math", "no_explanations", 1, -1);
    expect(items.item[0].context,
           "Here are the answers for the problems in the exam.\n"
           "Problem 1.    q\nChoose from the following options:    (A)1 (B)2 (C)3 (D)4\n"
           "The answer is therefore B\n\n"
           "Problem 2.    q\nChoose from the following options:    (A)1 (B)2 (C)3 (D)4\n");
    load("sat_math", "harness");
    expect(items.item[1].context, "Read.Q: r Answer Choices: (A)1 (B)2 (C)3 (D)4\nA: Among A "
                                  "through D, the answer is");
    expect(items.item[1].choices[3].text, " (D)4");
    assert_int_equal(items.item[1].gold, 0);
    assert_int_equal(items.item[0].gold, 2);
}

/* ---- Programs ---- */

static void expect_program(size_t item, const char *completion, bool whole, const char *source)
{
    struct cril_task_program p;

    assert_int_equal(
        task->program(&settings, &items.item[item], cril_bytes_of(completion), whole, &p, &err),
        CRIL_OK);
    expect((struct cril_bytes){p.source, p.len}, source);
    free(p.source);
}

#define IMPORTS                                                                                    \
    "import math\nimport re\nimport sys\nimport copy\nimport datetime\nimport itertools\n"         \
    "import collections\nimport heapq\nimport functools\nimport hashlib\ntry:\n    import numpy\n" \
    "    import numpy as np\nexcept ImportError:\n    pass\nimport string\nfrom typing import *\n" \
    "from collections import *\n"

static void test_humaneval(void **state)
{
    (void)state;
    put_file("humaneval/HumanEval.jsonl",
             "{\"task_id\":\"HumanEval/0\",\"prompt\":\"\\n\\ndef f():\\n    '''x'''\\n\","
             "\"entry_point\":\"f\",\"canonical_solution\":\"    return 1\\n\",\"test\":"
             "\"def check(c):\\n    assert c() == 1\\n\"}\n");
    load("humaneval", "paper");
    expect(items.item[0].context, "def f():\n    '''x'''");
    expect(items.item[0].gold_text, "\n    return 1\n");
    assert_string_equal(items.item[0].id, "HumanEval/0");
    assert_null(items.item[0].answers);
    expect_stops(&items.item[0], 500, "\ndef|\nclass|\nif|\n#|\nprint|");
    expect_program(0, "\n    return 1", false,
                   IMPORTS "\n\ndef f():\n    '''x'''\n\n\n    return 1\ndef check(c):\n    assert "
                           "c() == 1\n\ncheck(f)\n");
    expect_program(0, "def f(): return 1", true,
                   IMPORTS "def f(): return 1\ndef check(c):\n    assert c() == 1\n\ncheck(f)\n");
    load("humaneval", "harness");
    expect(items.item[0].context, "\n\ndef f():\n    '''x'''\n");
    expect(items.item[0].gold_text, "    return 1\n");
    expect_stops(&items.item[0], 1024, "\nclass|\ndef|\n#|\nif|\nprint|");
    expect_program(0, "    return '\xFF\xC3\xA9'", false,
                   "\n\ndef f():\n    '''x'''\n    return '\xEF\xBF\xBD\xC3\xA9'\ndef check(c):\n"
                   "    assert c() == 1\n\ncheck(f)\n");
}

static void put_mbpp(void)
{
    char text[4000] = "", *t = text;

    for (int id = 1; id <= 12; id++)
        t += sprintf(t,
                     "{\"text\":\"T%d\",\"code\":\"c%d\\r\\nd\",\"task_id\":%d,\"test_setup_code\":"
                     "\"%s\",\"test_list\":[\"assert %d\",\"assert b\",\"assert c\",\"assert d\"],"
                     "\"challenge_test_list\":[]}\n",
                     id, id, id, id == 12 ? "setup" : "", id);
    put_file("mbpp/mbpp.jsonl", text);
    put_file("mbpp/sanitized-mbpp.json",
             "[{\"task_id\":2,\"prompt\":\"S2\",\"code\":\"x\",\"test_imports\":[\"import math\"],"
             "\"test_list\":[\"assert 1\",\"assert 2\"]},\n"
             "{\"task_id\":600,\"prompt\":\"S6\",\"code\":\"y\",\"test_imports\":[],"
             "\"test_list\":[\"assert 3\"]}]");
}

#define MBPP_TASK(n, tests)                                                                        \
    "You are an expert Python programmer, and here is your task: T" #n                             \
    " Your code should pass these tests:\n\nassert " #n "\nassert b\nassert c\n" tests "[BEGIN]\n"
#define MBPP_SHOT(n, tests) MBPP_TASK(n, tests) "c" #n "\r\nd\n[DONE]\n"

static void test_mbpp(void **state)
{
    (void)state;
    put_mbpp();
    load("mbpp", "paper");
    assert_int_equal(items.n, 2);
    assert_int_equal(items.item[0].index, 10);
    assert_string_equal(items.item[0].id, "11");
    expect(items.item[1].context,
           MBPP_SHOT(2, "assert d\n") "\n" MBPP_SHOT(3, "assert d\n") "\n" MBPP_SHOT(
               4, "assert d\n") MBPP_TASK(12, "assert d\n"));
    expect(items.item[1].gold_text, "c12\r\nd");
    expect_stops(&items.item[0], 2048, "[DONE]|\nassert|\nclass|\nif|\n\"\"\"|\nprint|");
    expect_program(1, "x = 1", false, "x = 1\nsetup\nassert 12\nassert b\nassert c\nassert d\n");
    load_with("mbpp", "paper", &nothing_overridden, 1); /* of items, not of records */
    assert_int_equal(items.n, 1);
    load_shots("mbpp", "paper", 0, -1);
    assert_null(strstr(items.item[0].context.data, "[BEGIN]"));

    load("mbpp", "harness");
    expect(items.item[0].context,
           MBPP_SHOT(2, "") "\n" MBPP_SHOT(3, "") "\n" MBPP_SHOT(4, "") "\n" MBPP_TASK(11, ""));
    expect_stops(&items.item[0], 256, "[DONE]|");
    expect_program(1, "x = 1", false, "x = 1\nassert 12\nassert b\nassert c\n");

    load("mbpp", "docstring");
    expect(items.item[0].context,
           "\"\"\"\nT2\nassert 2\n\"\"\"\nc2\r\nd\n\n\"\"\"\nT3\nassert 3\n\"\"\"\nc3\r\nd\n\n"
           "\"\"\"\nT4\nassert 4\n\"\"\"\nc4\r\nd\n\"\"\"\nT11\nassert 11\n\"\"\"\n");

    load_shots("mbpp", "sanitized", 1, -1);
    assert_int_equal(items.n, 2);
    assert_string_equal(items.item[1].id, "600");
    expect(items.item[1].context,
           "You are an expert Python programmer, and here is your task: S2 Your code should pass "
           "these tests:\n\nassert 1\nassert 2\n[BEGIN]\nx\n[DONE]\nYou are an expert Python "
           "programmer, and here is your task: S6 Your code should pass these tests:\n\nassert "
           "3\n[BEGIN]\n");
    expect_program(0, "y", true, "import math\ny\n\nassert 1\nassert 2\n");
}

static void test_ds1000(void **state)
{
    struct cril_task_program p;

    (void)state;
    put_file(
        "ds1000/ds1000.jsonl",
        "{\"prompt\":\"Add.\\n<code>\\n\",\"reference_code\":\"x = 1\",\"metadata\":"
        "{\"library\":\"Pandas\",\"problem_id\":519},\"code_context\":\"def "
        "test_execution(s): pass\"}\n"
        "{\"prompt\":\"Do.\\n    ### BEGIN SOLUTION\",\"reference_code\":\"    y\",\"metadata\":"
        "{\"library\":\"Sklearn\",\"problem_id\":7},\"code_context\":\"import xgboost\\ndef "
        "test_execution(s): pass\\ndef test_string(s): pass\"}\n"
        "{\"prompt\":\"Read.\",\"reference_code\":\"y\",\"metadata\":{\"library\":\"Pandas\","
        "\"problem_id\":15},\"code_context\":\"import yaml\"}\n");
    load("ds1000", "paper");
    expect(items.item[0].context, "Add.\n<code>\n");
    expect(items.item[0].gold_text, "x = 1");
    expect(items.item[1].gold_text, "\n    y");
    assert_string_equal(items.item[0].subject, "Pandas");
    assert_string_equal(items.item[0].id, "519");
    expect_stops(&items.item[0], 1024, "</code>|# SOLUTION END|\nEND SOLUTION|");
    expect_program(0, "<code>```python\n  a = '\\\t\xC3\xA9\xF0\x9F\x98\x80\xFF'\r```b</code>c",
                   false,
                   "def test_execution(s): pass\ncode = "
                   "'\\n  a = \\'\\\\\\u0009\\u00e9\\U0001f600\\ufffd\\'\\r'\n"
                   "test_execution(code)\n");
    expect_program(0, "a\nEND SOLUTION\nb", false,
                   "def test_execution(s): pass\ncode = 'a'\ntest_execution(code)\n");
    expect_program(1, "a</code>", true,
                   "import xgboost\ndef test_execution(s): pass\ndef test_string(s): pass\ncode = "
                   "'a</code>'\ntest_execution(code)\ntest_string(code)\n");
    assert_int_equal(task->program(&settings, &items.item[0], cril_bytes_of(""), false, &p, &err),
                     CRIL_OK);
    assert_true(p.network);
    assert_string_equal(p.needs, "numpy pandas");
    assert_true(p.wall_sec == 120);
    free(p.source);
    assert_int_equal(task->program(&settings, &items.item[1], cril_bytes_of(""), false, &p, &err),
                     CRIL_OK);
    assert_false(p.network);
    assert_non_null(strstr(p.needs, "xgboost"));
    free(p.source);
    assert_int_equal(task->program(&settings, &items.item[2], cril_bytes_of(""), false, &p, &err),
                     CRIL_OK);
    assert_string_equal(p.needs, "numpy pandas yaml");
    free(p.source);
}

/* ---- Settings ---- */

static void make(const char *name, const char *protocol, int64_t shots, int64_t window,
                 int64_t max_tokens, int draw, cril_status st)
{
    const struct cril_task_overrides o = {shots, window, max_tokens, draw};

    assert_int_equal(cril_task_settings_make(cril_task_find(name), protocol, &o, &settings, &err),
                     st);
}

static void test_settings(void **state)
{
    static char seen[400][65];
    char first[65];
    size_t n = 0;

    (void)state;
    assert_null(cril_task_find("arc"));
    make("arc_challenge", NULL, -1, -1, -1, -1, CRIL_OK);
    assert_string_equal(settings.name, "paper");
    assert_ptr_equal(settings.protocol.name, settings.name);
    assert_int_equal(settings.protocol.window, 1900);
    strcpy(first, settings.sha256);
    assert_int_equal(strlen(first), 64);
    make("arc_challenge", "paper", 25, 1900, -1, CRIL_DRAW_SEEDED, CRIL_OK); /* as it is */
    assert_string_equal(settings.name, "paper");
    assert_string_equal(settings.sha256, first);
    make("gsm8k", "paper", 7, 1000, 99, CRIL_DRAW_FIRST, CRIL_OK);
    assert_string_equal(settings.name, "paper,shots=7,draw=first,window=1000,max_tokens=99");
    assert_int_equal(settings.protocol.shots, 7);
    assert_int_equal(settings.protocol.max_tokens, 99);
    make("gsm8k", "harness", 100000, 1 << 30, 1 << 29, CRIL_DRAW_FIRST, CRIL_OK);
    assert_string_equal(settings.name,
                        "harness,shots=100000,draw=first,window=1073741824,max_tokens=536870912");

    make("gsm8k", "papre", -1, -1, -1, -1, CRIL_ERR_RANGE);
    assert_non_null(strstr(err.message, "did you mean \"paper\"?"));
    assert_non_null(strstr(err.message, "paper, harness, opencompass"));
    make("humaneval", "paper", 1, -1, -1, -1, CRIL_ERR_RANGE);
    make("humaneval", "paper", 0, -1, -1, -1, CRIL_OK);
    make("sat_math", "paper", 5, -1, -1, -1, CRIL_OK);
    make("sat_math", "paper", 6, -1, -1, -1, CRIL_ERR_RANGE);
    make("gsm8k", "paper", -2, -1, -1, -1, CRIL_ERR_RANGE);
    make("math", "paper", -1, -1, -1, CRIL_DRAW_FIRST, CRIL_ERR_RANGE);
    make("mmlu", "paper", -1, -1, -1, CRIL_DRAW_SEEDED, CRIL_ERR_RANGE);
    make("mmlu", "paper", -1, -1, -1, CRIL_DRAW_FIRST, CRIL_OK);
    make("arc_challenge", "harness", -1, -1, -1, CRIL_DRAW_FIRST, CRIL_ERR_RANGE);
    make("arc_challenge", "harness", -1, -1, 10, -1, CRIL_ERR_RANGE);
    make("gsm8k", "harness", -1, 100, -1, -1, CRIL_ERR_RANGE);
    make("gsm8k", "harness", -1, 257, -1, -1, CRIL_OK);
    make("gsm8k", "harness", -1, -1, 0, -1, CRIL_ERR_RANGE);
    make("gsm8k", "harness", -1, 1, -1, -1, CRIL_ERR_RANGE);
    make("mbpp", "paper", -1, 1000, -1, -1, CRIL_OK); /* the answer gets what is left */

    /* whatever differs has another hash */
    for (size_t i = 0; cril_task_at(i); i++)
        for (const struct cril_task_protocol *p = cril_task_at(i)->protocols; p->name; p++) {
            const char *const name = cril_task_at(i)->name;

            make(name, p->name, -1, -1, -1, -1, CRIL_OK);
            strcpy(seen[n++], settings.sha256);
            make(name, p->name, -1, 5000, -1, -1, CRIL_OK);
            strcpy(seen[n++], settings.sha256);
            if (p->max_shots) {
                make(name, p->name, 1, -1, -1, -1, CRIL_OK);
                strcpy(seen[n++], settings.sha256);
            }
            if (p->draw == CRIL_DRAW_SEEDED) {
                make(name, p->name, 2, -1, -1, CRIL_DRAW_FIRST, CRIL_OK);
                strcpy(seen[n++], settings.sha256);
            }
            if (p->max_tokens) {
                make(name, p->name, -1, -1, 31, -1, CRIL_OK);
                strcpy(seen[n++], settings.sha256);
            }
        }
    assert_true(n > 60);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(seen[i], seen[j]);
}

/* All that decides over a number is in the hash: it is that of the lines in doc/tasks.md. */
static void test_hash(void **state)
{
    static const char *const until[] = {"a", NULL}, *const longer[] = {"a", "b", NULL},
                             *const joined[] = {"a\nuntil 1:b", NULL};
    const struct cril_task_protocol base = {.name = "p",
                                            .version = 1,
                                            .shots = 3,
                                            .draw = CRIL_DRAW_FIRST,
                                            .window = 100,
                                            .max_tokens = 10,
                                            .until = until,
                                            .metric = "acc",
                                            .answer_rule = "r"};
    struct cril_task_protocol p[16];
    char seen[17][65];
    size_t n = 0;

    (void)state;
    make("arc_challenge", "harness", 25, -1, -1, CRIL_DRAW_FIRST, CRIL_OK);
    assert_string_equal(settings.sha256,
                        "0b370a0fc349a2a1977ab787b4bbc547472540eaec0081bff480af9eeeaa4952");
    for (size_t i = 0; i < 16; i++)
        p[i] = base;
    p[1].name = "q";
    p[2].version = 2;
    p[3].shots = 4;
    p[4].draw = CRIL_DRAW_SEEDED;
    p[5].window = 101;
    p[6].max_tokens = 11;
    p[7].cut_right = true;
    p[8].bos = CRIL_BOS_NONE;
    p[9].bos = CRIL_BOS_GEMMA;
    p[10].until = longer;
    p[11].until = joined;
    p[12].metric = "acc_norm";
    p[13].mean_of_subjects = true;
    p[14].answer_rule = "s";
    p[15].shortens_answer = true;
    for (size_t i = 0; i < 16; i++) {
        const struct cril_task_protocol rows[] = {p[i], {0}};
        const struct cril_task t = {.name = "t", .protocols = rows};

        assert_int_equal(cril_task_settings_make(&t, NULL, NULL, &settings, &err), CRIL_OK);
        strcpy(seen[n++], settings.sha256);
    }
    {
        const struct cril_task_protocol rows[] = {base, {0}};
        const struct cril_task t = {.name = "u", .protocols = rows};

        assert_int_equal(cril_task_settings_make(&t, NULL, NULL, &settings, &err), CRIL_OK);
        strcpy(seen[n++], settings.sha256);
    }
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(seen[i], seen[j]);
}

/* The table is whole: each row can be shown, and each protocol has a metric that something gives.
 */
static void test_table(void **state)
{
    size_t n = 0;

    (void)state;
    for (const struct cril_task *t; (t = cril_task_at(n)); n++) {
        assert_ptr_equal(cril_task_find(t->name), t);
        assert_non_null(t->title);
        assert_non_null(t->group);
        assert_non_null(t->expects);
        assert_string_equal(t->protocols[0].name, "paper");
        assert_string_equal(t->protocols[1].name, "harness");
        assert_string_equal(t->files[0].role, "items");
        for (const struct cril_task_file *f = t->files; f->name; f++)
            assert_non_null(f->published);
        for (const struct cril_task_protocol *p = t->protocols; p->name; p++) {
            assert_non_null(p->summary);
            assert_non_null(p->answer_rule);
            assert_non_null(p->metric_shown);
            assert_true(p->version > 0);
            if (strcmp(p->metric, "passed") == 0)
                assert_true(t->program && !t->rules && p->max_tokens);
            else if (strncmp(p->metric, "acc", 3) == 0)
                assert_int_equal(p->max_tokens, 0);
            else
                assert_true(t->rules && p->max_tokens && p->until);
        }
    }
    assert_int_equal(n, 12);
}

/* The metric of a protocol is a verdict of the task's rules. */
static void test_metrics(void **state)
{
    (void)state;
    for (size_t i = 0; cril_task_at(i); i++)
        for (const struct cril_task_protocol *p = cril_task_at(i)->protocols; p->name; p++) {
            json_t *in, *out;

            if (!cril_task_at(i)->rules || !p->max_tokens)
                continue;
            in = strstr(cril_task_at(i)->name, "qa") || strstr(cril_task_at(i)->name, "nq")
                     ? json_pack("{ss s[s]}", "text", "x", "references", "x")
                     : json_pack("{ss ss}", "text", "x", "gold", "x");
            out = json_object();
            assert_int_equal(cril_task_at(i)->rules(in, out, &err), CRIL_OK);
            if (!json_is_boolean(json_object_get(out, p->metric)))
                fail_msg("%s gives no %s", cril_task_at(i)->name, p->metric);
            json_decref(in);
            json_decref(out);
        }
}

/* ---- Files ---- */

static void put_gzip(const char *name, const char *text, size_t drop)
{
    char path[512], bytes[8192];
    size_t len;
    gzFile f;
    FILE *in;

    snprintf(path, sizeof(path), "%s/%s", task_folder, name);
    put_file(name, "");
    f = gzopen(path, "wb");
    assert_int_equal(gzwrite(f, text, (unsigned)strlen(text)), strlen(text));
    assert_int_equal(gzclose(f), Z_OK);
    in = fopen(path, "rb");
    len = fread(bytes, 1, sizeof(bytes), in);
    fclose(in);
    put_bytes(name, bytes, len - drop);
}

static void test_files(void **state)
{
    const struct cril_task *const t = cril_task_find("arc_challenge");
    char *folder = NULL, plain[65], again[65], other[65], inside[512];

    (void)state;
    put_file("arc_challenge/ARC-Challenge-Test.jsonl", ARC_1);
    put_file("arc_challenge/ARC-Challenge-Train.jsonl", ARC_2);
    make("arc_challenge", "harness", -1, -1, -1, -1, CRIL_OK);
    assert_int_equal(cril_task_folder(t, task_folder, &folder, &err), CRIL_OK);
    assert_int_equal(cril_task_sha256(t, &settings, folder, plain, &err), CRIL_OK);
    put_file("arc_challenge/ARC-Challenge-Train.jsonl", ARC_1);
    assert_int_equal(cril_task_sha256(t, &settings, folder, again, &err), CRIL_OK);
    assert_string_equal(again, plain); /* shots are not read where none are shown */
    make("arc_challenge", "harness", 1, -1, -1, -1, CRIL_OK);
    assert_int_equal(cril_task_sha256(t, &settings, folder, again, &err), CRIL_OK);
    assert_string_not_equal(again, plain);
    put_file("arc_challenge/ARC-Challenge-Train.jsonl", ARC_2);
    assert_int_equal(cril_task_sha256(t, &settings, folder, other, &err), CRIL_OK);
    assert_string_not_equal(again, other);
    free(folder);

    /* the folder itself instead of the one above */
    snprintf(inside, sizeof(inside), "%s/arc_challenge", task_folder);
    folder = NULL;
    assert_int_equal(cril_task_folder(t, inside, &folder, &err), CRIL_OK);
    assert_string_equal(folder, inside);
    free(folder);

    /* compressed */
    remove_file("arc_challenge/ARC-Challenge-Test.jsonl");
    put_gzip("arc_challenge/ARC-Challenge-Test.jsonl.gz", ARC_1 ARC_2, 0);
    load("arc_challenge", "harness");
    assert_int_equal(items.n, 2);
    put_gzip("arc_challenge/ARC-Challenge-Test.jsonl.gz", ARC_1 ARC_2, 9);
    expect_fault(CRIL_ERR_TRUNCATED, "arc_challenge", "harness", "ARC-Challenge-Test.jsonl.gz");
    remove_file("arc_challenge/ARC-Challenge-Test.jsonl.gz");

    expect_fault(CRIL_ERR_IO, "arc_challenge", "harness",
                 "ARC-Challenge-Test.jsonl|allenai/ai2_arc|--list");
    put_file("arc_challenge/ARC-Challenge-Test.jsonl", ARC_1);
    remove_file("arc_challenge/ARC-Challenge-Train.jsonl");
    expect_fault(CRIL_ERR_IO, "arc_challenge", "paper", "shots|ARC-Challenge-Train.jsonl");
    make("arc_challenge", "paper", -1, -1, -1, -1, CRIL_OK);
    assert_int_equal(cril_task_sha256(t, &settings, inside, other, &err), CRIL_ERR_IO);
}

/* ---- Faults of data ---- */

static void arc_fault(const char *text, const char *words)
{
    put_file("arc_challenge/ARC-Challenge-Test.jsonl", text);
    expect_fault(CRIL_ERR_FORMAT, "arc_challenge", "harness", words);
}

static void fault(const char *file, const char *text, const char *name, const char *protocol,
                  const char *words)
{
    put_file(file, text);
    expect_fault(CRIL_ERR_FORMAT, name, protocol, words);
}

static void put_pools(void)
{
    char gsm8k[1000] = "", nq[1000] = "";

    for (int i = 0; i < 8; i++) {
        sprintf(gsm8k + strlen(gsm8k), "{\"question\":\"q%d\",\"answer\":\"#### %d\"}\n", i, i);
        sprintf(nq + strlen(nq), "{\"question\":\"q%d\",\"answer\":[\"a%d\"]}\n", i, i);
    }
    put_file("gsm8k/train.jsonl", gsm8k);
    put_file("nq_open/NQ-open.efficientqa.dev.1.1.jsonl", nq);
}

static void test_faults(void **state)
{
    const struct cril_task_overrides no_shots = {0, -1, -1, -1};

    (void)state;
    put_pools();
    arc_fault("", "Test.jsonl:1:|no record");
    arc_fault("\n \n", "Test.jsonl:1:|no record");
    arc_fault(ARC_1 "\n{\"question\":", "Test.jsonl:3:|JSON");
    arc_fault(ARC_1 "7\n", "Test.jsonl:2:|JSON");
    arc_fault(ARC_1 "[7]\n", "Test.jsonl:2:|a list, not an object");
    arc_fault(ARC_1 "{\"id\":1}\n", "Test.jsonl:2:|\"question\" is missing|expects \"question\"");
    arc_fault(ARC_1 "{\"id\":\"\xFF\"}\n", "Test.jsonl:2:|JSON");
    arc_fault("{\"question\":{\"stem\":1}}", "Test.jsonl:1:|\"question.stem\" is a number");
    arc_fault("{\"question\":{\"stem\":\"a\",\"choices\":[]}}", ":1:|has 0 elements");
    arc_fault("{\"question\":{\"stem\":\"a\",\"choices\":[7]},\"answerKey\":\"A\"}",
              ":1:|\"question.choices[].label\" is missing");
    arc_fault("{\"question\":{\"stem\":\"a\",\"choices\":[{\"label\":\"A\",\"text\":\"x\"}]},"
              "\"answerKey\":\"E\"}",
              ":1:|label \"E\"");
    arc_fault("{\"question\":{\"stem\":\"a\",\"choices\":[{\"label\":\"A\",\"text\":\"\"}]},"
              "\"answerKey\":\"A\"}",
              ":1:|choice 1 is empty");
    /* data of another task */
    arc_fault("{\"query\":\"x\",\"choices\":[],\"gold\":1}", "looks like data of hellaswag");
    arc_fault("{\"question\":\"q\",\"answer\":[\"a\"]}", "looks like data of nq_open");
    arc_fault("{\"question\":\"q\",\"answer\":\"x #### 1\"}", "looks like data of gsm8k");
    arc_fault("{\"question\":\"q\",\"aliases\":[\"a\"]}", "looks like data of triviaqa");
    arc_fault("{\"task_id\":1,\"test_list\":[],\"code\":\"\"}", "looks like data of mbpp");
    fault("gsm8k/test.jsonl", ARC_1, "gsm8k", "harness",
          "\"question\" is an object|looks like data of arc_challenge");
    fault("gsm8k/test.jsonl", "{\"question\":\"q\",\"answer\":\"none\"}", "gsm8k", "opencompass",
          "####");
    fault("nq_open/NQ-open.dev.jsonl", "{\"question\":\"q\",\"answer\":[]}", "nq_open", "harness",
          "\"answer\" has 0 elements");
    fault("nq_open/NQ-open.dev.jsonl", "{\"question\":\"q\",\"answer\":[\"a\",1]}", "nq_open",
          "harness", "element 2 of \"answer\" is a number");
    fault("hellaswag/hellaswag_val.jsonl",
          "{\"query\":\"q\",\"choices\":[\"a\",\"b\",\"c\",\"d\"],\"gold\":4}", "hellaswag",
          "harness", "\"gold\" is 4, not from 0 to 3");
    fault("hellaswag/hellaswag_val.jsonl",
          "{\"query\":\"q\",\"choices\":[\"a\",\"b\",\"c\",\"d\",\"e\"],\"gold\":0}", "hellaswag",
          "harness", "has 5 endings");
    fault("hellaswag/hellaswag_val.jsonl",
          "{\"activity_label\":\"\",\"ctx_a\":\"\",\"ctx_b\":\"\",\"endings\":[\"a\",\"b\",\"c\","
          "\"d\"],\"label\":\"\"}",
          "hellaswag", "harness", "\"label\" is a text");
    fault("math/math500.jsonl", "{\"problem\":\"p\",\"solution\":\"s\"}", "math", "harness",
          "\\boxed");
    fault("sat_math/sat-math.jsonl", SAT("E", ""), "sat_math", "harness", "\"label\" is \"E\"");
    fault("ds1000/ds1000.jsonl",
          "{\"prompt\":\"\",\"reference_code\":\"\",\"code_context\":\"\",\"metadata\":"
          "{\"library\":\"x\"}}",
          "ds1000", "paper", "\"metadata.problem_id\" is missing");
    put_file("mbpp/mbpp.jsonl", "{\"task_id\":1}");
    expect_fault(CRIL_ERR_RANGE, "mbpp", "paper", "mbpp.jsonl|0 records for shots");
    assert_int_equal(load_with("mbpp", "paper", &no_shots, 0), CRIL_ERR_FORMAT);
    assert_non_null(strstr(err.message, "no record of the file is an item"));
    fault("mbpp/mbpp.jsonl",
          "{\"task_id\":2,\"text\":\"\",\"code\":\"\",\"test_list\":[\"\"]}\n"
          "{\"task_id\":3,\"text\":\"\",\"code\":\"\",\"test_list\":[\"\"]}\n"
          "{\"task_id\":4,\"text\":\"\",\"code\":\"\",\"test_list\":[\"\"]}\n"
          "{\"task_id\":11,\"text\":\"\",\"code\":\"\",\"test_list\":[\"a\",\"b\",\"c\"]}",
          "mbpp", "harness", "mbpp.jsonl:1:|has 1 elements, not 3");
    /* lists, with the line of the element */
    fault("mbpp/sanitized-mbpp.json", "[\n{\"task_id\":2},\n\n {\"task_id\":\"[,\"}]", "mbpp",
          "sanitized", "sanitized-mbpp.json:4:|\"task_id\" is a text");
    fault("mbpp/sanitized-mbpp.json", "{}", "mbpp", "sanitized", ":1:|not a list");
    fault("mbpp/sanitized-mbpp.json", "[\n{,", "mbpp", "sanitized", "line 2");
    fault("mbpp/sanitized-mbpp.json", "[]", "mbpp", "sanitized", "no record");
}

static void csv_fault(const char *text, const char *words)
{
    fault("mmlu/test/abstract_algebra_test.csv", text, "mmlu_math", "paper", words);
}

static void test_csv_faults(void **state)
{
    (void)state;
    put_mmlu(cril_task_find("mmlu"));
    csv_fault("", "abstract_algebra_test.csv:1:|no record");
    csv_fault("\"q\n\",a,b,c,d,A\nq,a,b,c,d\n", "test.csv:3:|5 fields, not 6|rows of 6 fields");
    csv_fault("q,a,b,c,d,e,A\n", "test.csv:1:|7 fields");
    csv_fault("q\n", "test.csv:1:|1 field,");
    csv_fault("q,a,b,c,d,A\n\nq,a,b,c,d,E\n", "test.csv:3:|\"E\", not a letter A to D");
    csv_fault("q,a,b,c,d,\n", "test.csv:1:|\"\", not a letter");
    csv_fault("q,a,b,c,d,A\n\"q,a\nb,c,d,A\n", "test.csv:2:|not closed");
    csv_fault("\"q\"x,a,b,c,d,A\n", "test.csv:1:|follows the quote");
    csv_fault("q,a,b,c,d,A\nq\xC3,a,b,c,d,A\n", "test.csv:2:|UTF-8");
    csv_fault("q,,b,c,d,A\n", "choice 1 is empty");
}

/* Damaged data never crash: bytes of good files are changed by chance. */
static void test_damaged(void **state)
{
    static const struct {
        const char *file, *task, *protocol, *text;
    } rows[] = {
        {"arc_challenge/ARC-Challenge-Test.jsonl", "arc_challenge", "harness", ARC_1 ARC_2},
        {"mmlu/test/abstract_algebra_test.csv", "mmlu_math", "harness",
         "\"a\"\"b\n\",1,2,3,4,A\r\nq, x,\"y\",z,w,D\r\n"},
        {"mbpp/sanitized-mbpp.json", "mbpp", "sanitized",
         "[{\"task_id\":2,\"prompt\":\"S2\",\"code\":\"x\",\"test_imports\":[\"import math\"],"
         "\"test_list\":[\"assert 1\",\"assert 2\"]},\n"
         "{\"task_id\":3,\"prompt\":\"S6\",\"code\":\"y\",\"test_imports\":[],"
         "\"test_list\":[\"assert 3\"]}]"},
        {"hellaswag/hellaswag_val.jsonl", "hellaswag", "harness",
         "{\"activity_label\":\"a [title] [x\",\"ctx_a\":\"b  ] c\",\"ctx_b\":\"d. e\",\"endings\":"
         "[\"a\",\"b\",\"c\",\"d\"],\"label\":1}"},
    };
    static const char marks[] = "\"\\,{}[]:\n\r";
    uint32_t random = 7;
    size_t good = 0;

    (void)state;
    put_mmlu(cril_task_find("mmlu_math"));
    for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++)
        for (int round = 0; round < 400 / CRIL_TEST_SCALE; round++) {
            const struct cril_task_overrides none = {0, -1, -1, -1};
            char text[1024];
            size_t len = strlen(rows[r].text);

            memcpy(text, rows[r].text, len);
            for (int k = 0; k < 1 + round % 3; k++) {
                random = random * 1664525 + 1013904223;
                text[random / 7 % len] =
                    round % 2 ? (char)(random >> 24) : marks[(random >> 24) % 10];
            }
            if (round % 5 == 0)
                len = random / 11 % len;
            put_bytes(rows[r].file, text, len);
            good += load_with(rows[r].task, rows[r].protocol, &none, 0) == CRIL_OK;
        }
    assert_true(good > 0);
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(task_folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    char command[256];

    (void)state;
    cril_items_free(&items);
    snprintf(command, sizeof(command), "rm -rf %s", task_folder);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arc),        cmocka_unit_test(test_seeded),
        cmocka_unit_test(test_itself),     cmocka_unit_test(test_hellaswag),
        cmocka_unit_test(test_mmlu),       cmocka_unit_test(test_short_answers),
        cmocka_unit_test(test_gsm8k),      cmocka_unit_test(test_math),
        cmocka_unit_test(test_sat),        cmocka_unit_test(test_humaneval),
        cmocka_unit_test(test_mbpp),       cmocka_unit_test(test_ds1000),
        cmocka_unit_test(test_settings),   cmocka_unit_test(test_hash),
        cmocka_unit_test(test_table),      cmocka_unit_test(test_metrics),
        cmocka_unit_test(test_files),      cmocka_unit_test(test_faults),
        cmocka_unit_test(test_csv_faults), cmocka_unit_test(test_damaged),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
