/*
 * Cards for people: commands that say what the rules say, whatever names have in them; a page that
 * is well formed whatever a card holds, has what the card has, and the same bytes each time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "gather/command.h"
#include "gather/rules.h"
#include "html_check.h"

#include <cril/card.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- commands ---- */

static json_t *json(const char *text)
{
    json_error_t where;
    json_t *root = json_loads(text, 0, &where);

    if (!root)
        fail_msg("%s: %s", text, where.text);
    return root;
}

/* The command of a card as words with blanks between. */
static void expect_command(const char *rules, const char *source, const char *compression,
                           const char *expected)
{
    struct cril_card card = {.rules = json(rules),
                             .source = json(source),
                             .corpus = json_pack("{s:s}", "compression", compression)};
    char words[1024] = "";
    json_t *command = cril_command_json(&card), *word;
    size_t i;

    json_array_foreach(command, i, word)
        sprintf(words + strlen(words), "%s%s", i ? " " : "", json_string_value(word));
    assert_string_equal(words, expected);
    json_decref(command);
    cril_card_free(&card);
}

#define WEB_STEPS                                                                                  \
    "\"utf8\", \"length\", \"gopher_quality\", \"gopher_repetition\", \"paragraphs\", "            \
    "\"near_duplicates\", \"personal\""

static void test_rules(void **state)
{
    (void)state;
    expect_command("{\"kind\": \"web\", \"after\": null, \"min_characters\": 1, "
                   "\"max_characters\": 1000000, \"min_page_id\": 0, \"steps\": [" WEB_STEPS "]}",
                   "{\"inputs\": [{\"name\": \"a.wet\"}, {\"name\": \"b.wet\"}]}", "zstd",
                   "cril corpus web -o corpus.jsonl.zst a.wet b.wet");
    expect_command("{\"kind\": \"web\", \"after\": \"2026-06-01\", \"before\": \"2026-07-01\", "
                   "\"min_characters\": 2, \"max_characters\": 999999, \"steps\": [\"utf8\", "
                   "\"c4\", \"length\", \"paragraphs\", \"near_duplicates\", \"personal\"]}",
                   "{\"inputs\": [{\"name\": \"standard input\"}, {\"name\": \"-a\"}]}", "none",
                   "cril corpus web --after 2026-06-01 --before 2026-07-01 --min-characters 2 "
                   "--max-characters 999999 --with c4 --without gopher_quality,gopher_repetition "
                   "-o corpus.jsonl - ./-a");
    expect_command("{\"kind\": \"wiki\", \"min_page_id\": 7, \"steps\": [\"utf8\", \"length\", "
                   "\"near_duplicates\", \"personal\"]}",
                   "{\"inputs\": [{\"name\": \"p\"}], \"created\": [{\"name\": \"h1\"}, {\"name\": "
                   "\"h2\"}]}",
                   "zstd",
                   "cril corpus wiki --min-page-id 7 --created h1 --created h2 -o "
                   "corpus.jsonl.zst p");
    expect_command("{\"kind\": \"mix\", \"characters\": 2000000, \"seed\": 0, \"exclude_items\": "
                   "[\"mmlu\", \"gsm8k\"]}",
                   "{\"inputs\": [{\"name\": \"a\"}]}", "zstd",
                   "cril corpus mix --characters 2000000 --exclude-items mmlu,gsm8k --data data -o "
                   "corpus.jsonl.zst a");
    expect_command("{\"kind\": \"mix\", \"characters\": 5, \"seed\": 9}",
                   "{\"inputs\": [{\"name\": \"a\"}]}", "none",
                   "cril corpus mix --characters 5 --seed 9 -o corpus.jsonl a");
    expect_command("{\"kind\": \"quality\", \"model\": {\"file\": \"m.gguf\"}, \"context\": 64, "
                   "\"stride\": 32, \"keep\": [\"head\"]}",
                   "{\"inputs\": [{\"name\": \"a\"}]}", "none",
                   "cril corpus quality -m m.gguf --context 64 --stride 32 --keep head -o "
                   "corpus.jsonl a");
}

static bool has_word(const json_t *command, const char *word)
{
    json_t *text;
    size_t i;

    json_array_foreach((json_t *)command, i, text)
    {
        if (strcmp(json_string_value(text), word) == 0)
            return true;
    }
    return false;
}

/* A rule that a kind of source gets needs its row in command.c. */
static void test_every_rule_is_an_option(void **state)
{
    cril_gather_kind kind;
    cril_error err;

    (void)state;
    for (size_t i = 0; cril_gather_kind_at(i, &kind); i++) {
        const cril_gather_options o = {.kind = kind.name};
        struct cril_card card = {.source = json_object(), .corpus = json_object()};
        struct cril_rules rules;
        json_t *all, *value;
        const char *key;

        assert_int_equal(cril_rules_read(&o, &rules, &err), CRIL_OK);
        all = cril_rules_json(&rules);
        json_object_foreach(all, key, value)
        {
            json_t *command;

            if (strcmp(key, "kind") == 0 || strcmp(key, "steps") == 0)
                continue;
            card.rules = json_deep_copy(all);
            json_object_set_new(card.rules, key, json_string("as wanted"));
            command = cril_command_json(&card);
            if (!has_word(command, "as wanted"))
                fail_msg("%s: the rule %s is missing in the command", kind.name, key);
            json_decref(command);
            json_decref(card.rules);
            card.rules = NULL;
        }
        json_decref(all);
        cril_card_free(&card);
    }
}

static void test_shard(void **state)
{
    struct cril_card card = {.rules = json("{\"kind\": \"web\"}"),
                             .source = json_object(),
                             .corpus = json_object(),
                             .n_shards = 2};

    (void)state;
    assert_true(json_is_null(cril_command_json(&card)));
    cril_card_free(&card);
}

static void expect_lines(const char *card, const char *name, const char *expected)
{
    char *lines;
    cril_error err;

    if (cril_card_commands(card, name, &lines, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    assert_string_equal(lines, expected);
    free(lines);
}

static void test_lines(void **state)
{
    char *lines = NULL;
    cril_error err;

    (void)state;
    expect_lines("{\"card\": 1, \"command\": [\"cril\", \"-o\", \"corpus.jsonl\", \"it's\", \"a "
                 "b\", \"\", \"$x\", \"a.b_c-d/e:1,2=3@%+\"]}",
                 "my corpus.jsonl",
                 "cril -o 'my corpus.jsonl' 'it'\\''s' 'a b' '' '$x' a.b_c-d/e:1,2=3@%+\n");
    expect_lines("{\"card\": 1, \"command\": [\"c\", \"-o\", \"x\"], \"source\": {\"inputs\": "
                 "[{\"name\": \"in1\", \"card\": {\"command\": [\"a\", \"-o\", \"y\"], \"source\": "
                 "{\"inputs\": [{\"name\": \"in0\", \"card\": {\"command\": [\"z\", \"-o\", "
                 "\"y\"]}}]}}}, {\"name\": \"in2\", \"card\": null}, {\"name\": \"in3\", \"card\": "
                 "{\"command\": [\"b\", \"-o\", \"y\"]}}]}}",
                 "out", "z -o in0\na -o in1\nb -o in3\nc -o out\n");
    expect_lines("{\"card\": 1, \"command\": null}", "out", "");
    expect_lines("{\"card\": 1}", "out", "");
    expect_lines("{\"card\": 1, \"command\": [1, \"a\"], \"source\": {\"inputs\": [[], 2]}}", "out",
                 " a\n");
    assert_int_equal(cril_card_commands("{\"card\": 2}", "out", &lines, &err), CRIL_ERR_FORMAT);
    assert_non_null(strstr(err.message, "out: its card is none"));
    assert_int_equal(cril_card_commands("[]", "out", &lines, &err), CRIL_ERR_FORMAT);
    assert_int_equal(cril_card_commands("", "out", &lines, &err), CRIL_ERR_FORMAT);
    assert_null(lines);
}

/* ---- pages ---- */

static char *page_of(const char *card, const char *name)
{
    char *text = NULL;
    const char *fault, *where = "";
    size_t len;
    FILE *f = open_memstream(&text, &len);
    cril_error err;

    if (cril_card_page(f, card, name, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    fclose(f);
    if ((fault = html_check(text, len, &where)) != NULL)
        fail_msg("%s: %.200s", fault, where);
    assert_null(strstr(text, "<script"));
    assert_null(strstr(text, "=\"http"));
    assert_null(strstr(text, " src="));
    assert_null(strstr(text, "url("));
    return text;
}

static void has(const char *page, const char *text)
{
    if (!strstr(page, text))
        fail_msg("the page lacks '%s'", text);
}

static const char card[] =
    "{\"card\": 1, \"cril\": \"0.1.0\", \"zstd\": \"1.5\", \"command\": [\"cril\", \"corpus\", "
    "\"web\", \"-o\", \"corpus.jsonl\", \"a<b>.wet\"], \"corpus\": {\"documents\": 1234, "
    "\"characters\": 1234567, \"bytes\": 2, \"stored_bytes\": 1, \"compression\": \"zstd\", "
    "\"sha256\": \"abc\", \"lines_sha256\": \"def\", \"sizes\": [0, 0, 3, 0, 1000, 231], "
    "\"months\": {\"counts\": {\"2025-11\": 4, \"2026-02\": 7, \"no date\": 3, \"2026-13\": 9}}, "
    "\"languages\": {\"counts\": {\"eng\": 3, \"<i>\": 5}, \"others\": 2, \"without\": 1}, "
    "\"licences\": {\"counts\": {}, \"without\": 9}}, \"rules\": {\"kind\": \"web\", \"after\": "
    "null, \"steps\": [\"utf8\"], \"keep\": [\"a\", \"b\"], \"model\": {\"name\": \"m&n\"}}, "
    "\"source\": {\"dates\": \"the day\", \"inputs\": [{\"name\": \"a<b>.wet\", \"bytes\": 5, "
    "\"sha256\": \"0123\", \"documents\": 6, \"card\": {\"cril\": \"0\", \"corpus\": "
    "{\"documents\": 77}, \"rules\": {\"kind\": \"inner\"}, \"steps\": [{\"name\": \"in_step\", "
    "\"what\": \"w\", \"in\": 4, \"out\": 2, \"reasons\": {\"r\": 2}}]}}], \"left_out\": "
    "{\"damaged\": 12, \"none\": 0}, \"items\": [{\"task\": \"gsm8k\", \"items\": 10, "
    "\"testable\": 9, \"contained\": 8, \"sha256\": \"f\"}]}, \"selection\": {\"too_old\": 3}, "
    "\"steps\": [{\"name\": \"utf8\", \"what\": \"Ill-formed & so on.\", \"in\": 2000, \"out\": "
    "1234, \"changed\": 5, \"reasons\": {\"repaired\": 5}, \"buckets\": [{\"name\": \"head\", "
    "\"documents\": 1, \"characters\": 2, \"lowest\": 0.5, \"highest\": 0.75}]}]}";

static void test_page(void **state)
{
    char *page = page_of(card, "corpus \"x\".jsonl"), *again = page_of(card, "corpus \"x\".jsonl");

    (void)state;
    assert_string_equal(page, again);
    has(page, "<title>corpus &quot;x&quot;.jsonl: a corpus</title>");
    has(page, "<b>1,234 documents</b> with 1,234,567 characters");
    has(page, "compressed by zstd");
    has(page, "<bdi>a&lt;b&gt;.wet</bdi></th><td>5</td><td>6</td>");
    has(page, "4 to 7 characters: 3</title>");
    has(page, "16 to 31 characters: 1,000</title>");
    has(page, "2025-11: 4</title>");
    has(page, "2026-02: 7</title>");
    assert_null(strstr(page, "2026-13"));
    assert_null(strstr(page, "2027-01"));
    has(page, "<bdi>&lt;i&gt;</bdi></th><td>5</td><td>0.4&nbsp;%</td>");
    has(page, "<bdi>others</bdi></th><td>2</td>");
    has(page, "<bdi>not known</bdi></th><td>1</td>");
    assert_null(strstr(page, "by licence"));
    has(page, "after</th><td class=\"t\">none</td>");
    has(page, "<bdi>a</bdi>, <bdi>b</bdi>");
    has(page, "<bdi>name: m&amp;n</bdi>");
    has(page, "<bdi>utf8</bdi></th><td>2,000</td><td>1,234</td>");
    has(page, "Ill-formed &amp; so on.");
    has(page, "<bdi>repaired</bdi></td><td>5</td>");
    has(page, "<td>0.500 to 0.750</td>");
    has(page, "<bdi>damaged</bdi></th><td>12</td>");
    assert_null(strstr(page, "<bdi>none</bdi>"));
    has(page, "<bdi>too_old</bdi></th><td>3</td>");
    has(page, "<bdi>gsm8k</bdi></th><td>10</td><td>9</td><td>8</td>");
    has(page, "cril corpus web -o &#39;corpus &quot;x&quot;.jsonl&#39; &#39;a&lt;b&gt;.wet&#39;\n");
    has(page, "77 documents, made by <code>cril corpus inner</code>");
    has(page, "<bdi>in_step</bdi></th><td>4</td><td>2</td>");
    free(page);
    free(again);
}

/* Decades by year; small counts without halves; a shard; a card that lacks all; one of odd types.
 */
static void test_odd_pages(void **state)
{
    char *page = page_of("{\"card\": 1, \"corpus\": {\"months\": {\"counts\": {\"1990-05\": 1, "
                         "\"1990-07\": 1, \"2026-01\": 1}}}, \"command\": null, \"shard\": "
                         "{\"shard\": 1, \"of\": 2}}",
                         "a");

    (void)state;
    has(page, "Documents by year");
    has(page, ">1990: 2</title>");
    has(page, ">2026: 1</title>");
    assert_null(strstr(page, ">0.5</text>"));
    assert_null(strstr(page, ">1.5</text>"));
    has(page, "shard 1 of 2");
    has(page, "This is a shard");
    free(page);
    free(page_of("{\"card\": 1}", "a\x01\xff\n<b>"));
    free(
        page_of("{\"card\": 1, \"corpus\": [], \"rules\": {\"a\": [1, {}], \"b\": -5, \"c\": true, "
                "\"d\": {\"e\": 1}}, \"steps\": {\"x\": 1}, \"source\": {\"inputs\": {\"a\": 1}, "
                "\"left_out\": [5]}, \"selection\": 3}",
                "a"));
    free(page_of("{\"card\": 1, \"corpus\": {\"documents\": -1, \"sizes\": [-1, \"a\", 0], "
                 "\"languages\": {\"counts\": {\"a\": -5, \"b\": 9223372036854775807}, \"others\": "
                 "-1}, \"months\": {\"counts\": {\"0000-01\": 1, \"9999-12\": 1}}}, \"steps\": [1, "
                 "{}, {\"in\": 1, \"out\": 9, \"reasons\": {\"\\u202e\": 1}}]}",
                 "a"));
}

/* Of many names the most frequent have rows. */
static void test_many_names(void **state)
{
    char many[2048] =
        "{\"card\": 1, \"corpus\": {\"documents\": 500, \"licences\": {\"others\": 1, "
        "\"counts\": {\"first\": 400";
    char *page;

    (void)state;
    for (int i = 0; i < 24; i++)
        sprintf(many + strlen(many), ", \"name%02d\": %d", i, i < 5 ? 1 : 5);
    strcat(many, "}}}}");
    page = page_of(many, "a");
    has(page, "<bdi>first</bdi></th><td>400</td>");
    has(page, "<bdi>name23</bdi></th><td>5</td>");
    assert_null(strstr(page, "name00"));
    has(page, "<bdi>others</bdi></th><td>6</td>");
    free(page);
}

static void test_not_written(void **state)
{
    FILE *f = fopen("/dev/full", "w");
    cril_error err;

    (void)state;
    assert_int_equal(cril_card_page(f, card, "a", &err), CRIL_ERR_IO);
    fclose(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_shard),
        cmocka_unit_test(test_every_rule_is_an_option),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_page),
        cmocka_unit_test(test_odd_pages),
        cmocka_unit_test(test_many_names),
        cmocka_unit_test(test_not_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
