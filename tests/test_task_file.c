/*
 * Task files: those of examples/tasks against the requests that lm-evaluation-harness itself makes
 * (tests/golden/task_files), other forms by hand, templates, and what is wrong with a file.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tasks/requests.h"
#include "tasks/template.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GOLDEN CRIL_TEST_DATA "/golden/task_files"
#define EXAMPLES CRIL_TEST_DATA "/../examples/tasks"

static char folder[64] = "/tmp/cril-task-file-XXXXXX";
static const struct cril_task_overrides none = {-1, -1, -1, -1};

static void write_file(const char *name, const char *text, char path[200])
{
    FILE *f;

    snprintf(path, 200, "%s/%s", folder, name);
    f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
    assert_int_equal(fclose(f), 0);
}

static void is_text(struct cril_bytes got, const char *want)
{
    if (!got.data || got.len != strlen(want) || memcmp(got.data, want, got.len) != 0)
        fail_msg("got '%.*s', want '%s'", (int)got.len, got.data ? got.data : "(none)", want);
}

/* ---- Against the harness ---- */

/* A line of the requests, against the item. */
static void compare(const json_t *line, const struct cril_evaluation *e)
{
    const json_t *requests = json_object_get(line, "requests"),
                 *gold = json_object_get(line, "gold"),
                 *characters = json_object_get(line, "characters");
    const size_t at = (size_t)json_integer_value(json_object_get(line, "doc_id"));
    const struct cril_item *item = &e->items.item[at];

    assert_true(at < e->items.n);
    assert_int_equal(item->kind, CRIL_ITEM_CHOICES);
    assert_int_equal(item->n_choices, json_array_size(requests));
    assert_int_equal(item->gold, gold ? json_integer_value(gold) : 0);
    for (size_t i = 0; i < item->n_choices; i++) {
        const json_t *pair = json_array_get(requests, i);
        const struct cril_item_choice *c = &item->choices[i];

        is_text(c->context.data ? c->context : item->context,
                json_string_value(json_array_get(pair, 0)));
        is_text(c->text, json_string_value(json_array_get(pair, 1)));
        if (characters)
            assert_int_equal(c->characters, json_integer_value(json_array_get(characters, i)));
        assert_true(isnan(c->reference_nats));
    }
}

static void makes_what_the_harness_makes(void **state)
{
    char path[300], name[64] = "";
    struct cril_evaluation e = {0};
    json_int_t shots = -1;
    size_t n = 0, n_tasks = 0;
    char *text = NULL;
    size_t cap = 0;
    FILE *f = fopen(GOLDEN "/requests.jsonl", "r");
    cril_error err;

    (void)state;
    assert_non_null(f);
    for (; getline(&text, &cap, f) > 0; n++) {
        json_t *line = json_loads(text, 0, NULL);
        const char *task = json_string_value(json_object_get(line, "task"));
        const json_int_t want = json_integer_value(json_object_get(line, "shots"));

        if (strcmp(task, name) != 0 || want != shots) {
            struct cril_task_overrides o = none;

            n_tasks += strcmp(task, name) != 0;
            snprintf(name, sizeof(name), "%s", task);
            shots = o.shots = want;
            snprintf(path, sizeof(path), EXAMPLES "/%s.yaml", task);
            cril_items_free(&e.items);
            if (cril_task_file_read(path, GOLDEN, &o, 0, &e, &err) != CRIL_OK)
                fail_msg("%s", err.message);
            assert_string_equal(e.name, task);
            assert_ptr_equal(e.settings.protocol.name, e.settings.name);
        }
        compare(line, &e);
        json_decref(line);
    }
    assert_int_equal(n, 60);
    assert_int_equal(n_tasks, 8);
    cril_items_free(&e.items);
    free(text);
    fclose(f);
}

/* ---- Other forms ---- */

#define DATA                                                                                       \
    "{\"q\": \"one\", \"a\": [\"x\", \"y\"], \"n\": 1, \"s\": \"s1\", \"ok\": true, \"w\": "       \
    "{\"v\": "                                                                                     \
    "[{\"t\": \"p\"}, {\"t\": \"q\"}]}}\n"                                                         \
    "\n"                                                                                           \
    "{\"q\": \"two\", \"a\": [\"z\", \"x\"], \"n\": 2, \"s\": \"s2\", \"ok\": false, \"w\": "      \
    "{\"v\": "                                                                                     \
    "[{\"t\": \"r\"}, {\"t\": \"s\"}]}}\n"

/* The task file [and data of that name] in one folder. */
static cril_status read_task(const char *yaml, const char *name, const char *data,
                             const struct cril_task_overrides *o, struct cril_evaluation *e,
                             cril_error *err)
{
    char task[200], items[200];
    cril_status st;

    write_file("task.yaml", yaml, task);
    write_file(name, data, items);
    *e = (struct cril_evaluation){0};
    st = cril_task_file_read(task, NULL, o, 0, e, err);
    unlink(task);
    unlink(items);
    return st;
}

static struct cril_evaluation read_good(const char *yaml, const struct cril_task_overrides *o)
{
    struct cril_evaluation e;
    cril_error err;

    if (read_task(yaml, "d.jsonl", DATA, o, &e, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    return e;
}

static void makes_generations(void **state)
{
    static const char yaml[] = "name: t\ndata: d.jsonl\ncontext: \"Q {q}\\nA:\"\nanswers: \"{a}\"\n"
                               "until: [\"\\n\", .]\nmax_tokens: 7\nid: \"{s}\"\nsubject: S{n}\n"
                               "description: \"D\\n\"\nshots: {number: 1, draw: first}\n";
    struct cril_task_overrides o = none;
    struct cril_evaluation e = read_good(yaml, NULL), other;
    const struct cril_item *item = e.items.item;
    const json_t *answers = json_object_get(item[0].answers, "references");

    (void)state;
    assert_int_equal(e.items.n, 2);
    assert_string_equal(e.settings.name, "file");
    assert_string_equal(e.settings.protocol.metric, "exact_match");
    assert_int_equal(item[0].kind, CRIL_ITEM_GENERATION);
    is_text(item[0].context, "D\nQ two\nA: z\n\nQ one\nA:"); /* the first is not itself */
    is_text(item[1].context, "D\nQ one\nA: x\n\nQ two\nA:");
    assert_int_equal(item[0].n_until, 2);
    is_text(item[0].until[0], "\n");
    is_text(item[0].until[1], ".");
    assert_int_equal(item[0].max_tokens, 7);
    assert_int_equal(json_array_size(answers), 2);
    assert_string_equal(json_string_value(json_array_get(answers, 1)), "y");
    is_text(item[0].gold_text, " x");
    assert_string_equal(item[1].id, "s2");
    assert_string_equal(item[1].subject, "S2");
    assert_int_equal(item[1].index, 1);
    assert_string_equal(json_string_value(json_object_get(item[1].document, "q")), "two");
    o.max_tokens = 3;
    o.shots = 0;
    other = read_good(yaml, &o);
    assert_string_equal(other.settings.name, "file,shots=0,max_tokens=3");
    assert_int_equal(other.items.item[0].max_tokens, 3);
    is_text(other.items.item[0].context, "D\nQ one\nA:");
    assert_string_not_equal(other.settings.sha256, e.settings.sha256);
    assert_string_not_equal(other.data_sha256, e.data_sha256); /* no file of shots is read */
    cril_items_free(&other.items);
    cril_items_free(&e.items);
}

static void makes_other_choices(void **state)
{
    struct cril_evaluation e = read_good(
        "name: t\nprotocol: mine\ndata: [d.jsonl]\ncontext: \"{q} {{}}\"\nchoices: \"{w.v[].t}\"\n"
        "gold: \"{ok}\"\ntarget_delimiter: \"\"\nmetric: acc_norm\n",
        NULL);
    const struct cril_item *item = e.items.item;

    (void)state;
    assert_string_equal(e.settings.name, "mine");
    assert_string_equal(e.settings.protocol.metric, "acc_norm");
    is_text(item[0].context, "one {}");
    assert_int_equal(item[0].n_choices, 2);
    is_text(item[0].choices[1].text, "q");
    assert_int_equal(item[0].gold, 1);
    assert_int_equal(item[1].gold, 0);
    cril_items_free(&e.items);
    e = read_good("name: t\ndata: d.jsonl\ntext: \"{q}: {n}\"\n", NULL);
    assert_int_equal(e.items.item[0].kind, CRIL_ITEM_ROLLING);
    is_text(e.items.item[0].context, "one: 1");
    assert_string_equal(e.settings.protocol.metric, "");
    cril_items_free(&e.items);
    e = read_good("name: t\ndata: d.jsonl\ncontext: \"{q}\"\nchoices: \"{a}\"\n", NULL);
    assert_int_equal(e.items.item[0].gold, -1);
    assert_string_equal(e.settings.protocol.metric, "");
    cril_items_free(&e.items);
}

static void reads_csv_and_lists(void **state)
{
    static const char yaml[] = "name: t\ndata: d.csv\ncontext: \"{q}\"\nchoices: [\"{a}\", b]\n"
                               "gold: \"{g}\"\ngold_as: text\n";
    struct cril_evaluation e;
    cril_error err;

    (void)state;
    if (read_task(yaml, "d.csv", "q,a,g\n\"x, y\",1,b\n", NULL, &e, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    assert_int_equal(e.items.n, 1);
    is_text(e.items.item[0].context, "x, y");
    is_text(e.items.item[0].choices[0].text, " 1");
    assert_int_equal(e.items.item[0].gold, 1);
    cril_items_free(&e.items);
    assert_int_equal(read_task(yaml, "d.csv", "q,a,q\n1,2,3\n", NULL, &e, &err), CRIL_ERR_FORMAT);
    assert_non_null(strstr(err.message, "d.csv:1: two columns have the same name"));
    assert_int_equal(read_task(yaml, "d.csv", "q,a,g\n1,2\n", NULL, &e, &err), CRIL_ERR_FORMAT);
    assert_non_null(strstr(err.message, "d.csv:2: the row has 2 fields, not 3"));
    assert_int_equal(read_task("name: t\ndata: d.json\ntext: \"{q}\"\n", "d.json",
                               "[{\"q\": \"a\"},\n {\"q\": \"b\"}]", NULL, &e, &err),
                     CRIL_OK);
    assert_int_equal(e.items.n, 2);
    is_text(e.items.item[1].context, "b");
    cril_items_free(&e.items);
}

static void keeps_to_a_limit(void **state)
{
    char path[200], items[200];
    struct cril_evaluation e = {0};
    cril_error err;

    (void)state;
    write_file("task.yaml", "name: t\ndata: [d.jsonl, d.jsonl]\ntext: \"{q}\"\n", path);
    write_file("d.jsonl", DATA, items);
    assert_int_equal(cril_task_file_read(path, folder, NULL, 3, &e, &err), CRIL_OK);
    assert_int_equal(e.items.n, 3);
    assert_int_equal(e.items.item[2].index, 2);
    is_text(e.items.item[2].context, "one");
    cril_items_free(&e.items);
    assert_int_equal(cril_task_file_read(path, "/nowhere", NULL, 3, &e, &err), CRIL_ERR_IO);
    assert_non_null(strstr(err.message, "the data file \"d.jsonl\" is not in /nowhere"));
    unlink(path);
    unlink(items);
}

/* What decides over a number is in the hash, and nothing else. */
static void hashes_what_decides(void **state)
{
    static const struct {
        const char *yaml;
        bool same;
    } cases[] = {
        {"# a comment\ndata: d.jsonl\nchoices: \"{a}\"\nname: t\ncontext: '{q}'\ngold: \"{ok}\"\n",
         true},
        {"name: t\ndata: d.jsonl\ncontext: \"{q}\"\nchoices: \"{a}\"\ngold: \"{ok}\"\n"
         "target_delimiter: \" \"\nid: \"{s}\"\n",
         true},
        {"name: t\ndata: d.jsonl\ncontext: \"{q}:\"\nchoices: \"{a}\"\ngold: \"{ok}\"\n", false},
        {"name: u\ndata: d.jsonl\ncontext: \"{q}\"\nchoices: \"{a}\"\ngold: \"{ok}\"\n", false},
        {"name: t\ndata: d.jsonl\ncontext: \"{q}\"\nchoices: \"{a}\"\ngold: \"{ok}\"\n"
         "metric: acc_norm\n",
         false},
        {"name: t\ndata: d.jsonl\ncontext: \"{q}\"\nchoices: [\"{a[0]}\", \"{a[1]}\"]\ngold: "
         "\"{ok}\"\n",
         false},
    };
    struct cril_evaluation first = read_good(
        "name: t\ndata: d.jsonl\ncontext: \"{q}\"\nchoices: \"{a}\"\ngold: \"{ok}\"\n", NULL);

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct cril_evaluation e = read_good(cases[i].yaml, NULL);

        assert_int_equal(strcmp(e.settings.sha256, first.settings.sha256) == 0, cases[i].same);
        assert_string_equal(e.data_sha256, first.data_sha256);
        cril_items_free(&e.items);
    }
    cril_items_free(&first.items);
}

/* ---- What is wrong ---- */

#define HEAD "name: t\ndata: d.jsonl\n"

static const struct fault {
    const char *yaml;
    cril_status status;
    const char *sentence;
} faults[] = {
    {"", CRIL_ERR_RANGE, "task.yaml: is empty; examples/tasks has task files"},
    {"- a\n", CRIL_ERR_RANGE, "task.yaml:1: a task file is a mapping"},
    {HEAD "contxt: a\n", CRIL_ERR_RANGE,
     "task.yaml:3: \"contxt\" is not a key of a task file; did you mean \"context\"?"},
    {"data: d.jsonl\ntext: a\n", CRIL_ERR_RANGE, "task.yaml:1: \"name\" is missing"},
    {"name: t\ntext: a\n", CRIL_ERR_RANGE, "task.yaml:1: \"data\" is missing"},
    {HEAD "context: a\n", CRIL_ERR_RANGE, "task.yaml:1: a task asks for one thing"},
    {HEAD "context: a\nchoices: [b]\nuntil: c\n", CRIL_ERR_RANGE, "a task asks for one thing"},
    {HEAD "choices: [b]\n", CRIL_ERR_RANGE, "a task has \"context\", or a list of \"contexts\""},
    {HEAD "contexts: [a]\n", CRIL_ERR_RANGE, "task.yaml:3: \"contexts\" need the \"continuation\""},
    {HEAD "context: a\ncontexts: [a]\ncontinuation: b\n", CRIL_ERR_RANGE, "or \"text\" alone"},
    {HEAD "context: a\nchoices: []\n", CRIL_ERR_RANGE, "task.yaml:4: \"choices\" is an empty list"},
    {HEAD "context: a\nchoices:\n  - {a: b}\n", CRIL_ERR_RANGE,
     "task.yaml:5: \"choices\" holds something that is no text"},
    {HEAD "context: \"{q\"\nchoices: [b]\n", CRIL_ERR_RANGE,
     "task.yaml:3: \"context\": a '{' is not closed"},
    {HEAD "context: \"q}\"\nchoices: [b]\n", CRIL_ERR_RANGE,
     "task.yaml:3: \"context\": a '}' closes nothing"},
    {HEAD "context: a\nchoices:\n  - ok\n  - \"{q|upper}\"\n", CRIL_ERR_RANGE,
     "task.yaml:6: \"choices\": {q|upper}: behind '|' stands one of strip"},
    {HEAD "context: a\nchoices: [b]\ngold: \"{n}\"\ngold_as: place\n", CRIL_ERR_RANGE,
     "task.yaml:6: \"gold_as\" is \"place\", but it is one of: index, number, label, text"},
    {HEAD "context: a\nchoices: [b]\ngold: \"{n}\"\ngold_as: label\n", CRIL_ERR_RANGE,
     "\"labels\" are needed by \"gold_as: label\""},
    {HEAD "context: a\nchoices: [b]\nlabels: [c]\n", CRIL_ERR_RANGE,
     "task.yaml:5: \"labels\" are needed by \"gold_as: label\", and by nothing else"},
    {HEAD "context: a\nchoices: [b]\ngold_as: text\n", CRIL_ERR_RANGE,
     "task.yaml:5: \"gold_as\" needs \"gold\""},
    {HEAD "contexts: [a]\ncontinuation: b\ngold: \"{n}\"\ngold_as: text\n", CRIL_ERR_RANGE,
     "task.yaml:6: the text of a choice tells nothing"},
    {HEAD "context: a\nuntil: b\ngold: c\n", CRIL_ERR_RANGE,
     "task.yaml:5: \"gold\" means nothing without choices"},
    {HEAD "context: a\nuntil: b\nmetric: exact_match\n", CRIL_ERR_RANGE,
     "task.yaml:5: \"metric\" is \"exact_match\", but it is one of: bpb"},
    {HEAD "context: a\ncontinuation: b\nmetric: acc_norm\n", CRIL_ERR_RANGE,
     "task.yaml:5: \"metric\" is \"acc_norm\", but it is one of: bpb, acc"},
    {HEAD "contexts: [a]\ncontinuation: b\nmetric: acc\n", CRIL_ERR_RANGE,
     "task.yaml:5: \"metric\" is \"acc\", but it is one of: bpb"},
    {HEAD "context: a\nchoices: [b]\ngold: \"{n}\"\nmetric: f1\n", CRIL_ERR_RANGE,
     "task.yaml:6: \"metric\" is \"f1\", but it is one of: acc, acc_norm, bpb"},
    {HEAD "context: a\nuntil: b\nmax_tokens: 0\n", CRIL_ERR_RANGE,
     "task.yaml:5: \"max_tokens\" is a whole number from 1"},
    {HEAD "context: a\nuntil: b\nshots: {number: 1}\n", CRIL_ERR_RANGE,
     "task.yaml:5: \"shots\" means nothing where no item has a right answer"},
    {HEAD "context: a\nchoices: [b]\ngold: \"{n}\"\nshots: {number: x}\n", CRIL_ERR_RANGE,
     "task.yaml:6: \"number\" is a whole number from 0 to"},
    {HEAD "context: a\nchoices: [b]\ngold: \"{n}\"\nshots: {draw: last}\n", CRIL_ERR_RANGE,
     "task.yaml:6: \"draw\" is \"last\", but it is one of: first, seeded"},
    {HEAD "text: a\nid: &x b\n", CRIL_ERR_UNSUPPORTED, "task.yaml:4: a task file has no anchors"},
    /* the data do not fit */
    {HEAD "text: \"{p}\"\n", CRIL_ERR_FORMAT,
     "d.jsonl:1: {p}: there is no field \"p\" (by the task"},
    {HEAD "text: \"{a}\"\n", CRIL_ERR_FORMAT, "d.jsonl:1: {a}: the field is a list"},
    {HEAD "text: \"{w}\"\n", CRIL_ERR_FORMAT, "d.jsonl:1: {w}: the field is an object"},
    {HEAD "text: \"{q.r}\"\n", CRIL_ERR_FORMAT, "what has the field \"r\" is no object"},
    {HEAD "text: \"{a[2]}\"\n", CRIL_ERR_FORMAT, "{a[2]}: the list has 2 elements"},
    {HEAD "text: \"{q[0]}\"\n", CRIL_ERR_FORMAT, "what stands before [ ] is no list"},
    {HEAD "text: \"{a[]}\"\n", CRIL_ERR_FORMAT, "[] stands for several texts"},
    {HEAD "text: \"{s|before:1}{q|after:n}\"\n", CRIL_ERR_FORMAT,
     "d.jsonl:3: {s|before:1}: \"1\" is not in the text"},
    {HEAD "context: a\nchoices: \"{a}\"\ngold: \"{n}\"\n", CRIL_ERR_FORMAT,
     "d.jsonl:3: the right choice is \"2\", which is not the place of a choice, from 0 of the 2"},
    {HEAD "context: a\nchoices: \"{a}\"\ngold: \"{q}\"\ngold_as: number\n", CRIL_ERR_FORMAT,
     "d.jsonl:1: the right choice is \"one\", which is not the number of a choice"},
    {HEAD "context: a\nchoices: \"{a}\"\ngold: x\ngold_as: label\nlabels: [a, b, c]\n",
     CRIL_ERR_FORMAT, "d.jsonl:1: the right choice is \"x\", which is not one of the labels"},
    {HEAD "context: a\nchoices: [\"{s|after_last:s1}\"]\n", CRIL_ERR_FORMAT,
     "d.jsonl:1: choice 1 is empty"},
    {HEAD "context: a\ncontinuation: \"{s|before_last:q}\"\n", CRIL_ERR_FORMAT,
     "d.jsonl:1: the continuation is empty"},
    {HEAD "context: a\nchoices: \"{a}\"\ngold: \"{ok}\"\nshots: {number: 9}\n", CRIL_ERR_RANGE,
     "d.jsonl: has 2 records for shots, but 9 shots and one more are drawn"},
};

static void says_what_is_wrong(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        struct cril_evaluation e;
        cril_error err = {0};
        const cril_status st = read_task(faults[i].yaml, "d.jsonl", DATA, NULL, &e, &err);

        if (st != faults[i].status || !strstr(err.message, faults[i].sentence))
            fail_msg("%s: status %d, %s", faults[i].yaml, (int)st, err.message);
        assert_int_equal(e.items.n, 0);
    }
}

/* ---- Templates ---- */

static void fills_templates(void **state)
{
    static const struct {
        const char *template, *text; /* text NULL: it cannot be read */
    } cases[] = {
        {"", ""},
        {"plain", "plain"},
        {"{{{a}}}", "{A b c}"},
        {"{a|before: }|{a|after: }", "A|b c"},
        {"{a|before_last: }|{a|after_last: }", "A b|c"},
        {"{e|before_last: }|{e|after_last: }", "|one"},
        {"{s|strip}.", "x."},
        {"{s|strip|before:x}.", "."},
        {"{i} {r} {t} {f}", "7 0.5 True False"},
        {"{o.p[1][0]}{o.q.r}", "z9"},
        {"{name with blanks}", "ok"},
        {"{a", NULL},
        {"a}", NULL},
        {"{}", NULL},
        {"{.a}", NULL},
        {"{a.}", NULL},
        {"{a[x]}", NULL},
        {"{a[1}", NULL},
        {"{a[1]b}", NULL},
        {"{a]}", NULL},
        {"{a|}", NULL},
        {"{a|before}", NULL},
        {"{a|before:}", NULL},
        {"{a|strip:x}", NULL},
        {"{a[9999999999]}", NULL},
    };
    json_t *record = json_loads("{\"a\": \"A b c\", \"e\": \"one\", \"s\": \" \\u00a0x\\n\", "
                                "\"i\": 7, \"r\": 0.5, \"t\": true, "
                                "\"f\": false, \"o\": {\"p\": [0, [\"z\"]], \"q\": {\"r\": 9}}, "
                                "\"name with blanks\": \"ok\"}",
                                0, NULL);
    struct cril_arena arena = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct cril_template t = {0};
        struct cril_str text = {0};
        cril_error err = {0};
        const cril_status st = cril_template_parse(cases[i].template, &arena, &t, &err);

        if ((st == CRIL_OK) != !!cases[i].text)
            fail_msg("%s: status %d, %s", cases[i].template, (int)st, err.message);
        if (st != CRIL_OK)
            continue;
        if (cril_template_fill(&t, record, &text, &err) != CRIL_OK)
            fail_msg("%s: %s", cases[i].template, err.message);
        is_text(cril_str_bytes(&text), cases[i].text);
        cril_str_free(&text);
    }
    cril_arena_free(&arena);
    json_decref(record);
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
        cmocka_unit_test(makes_what_the_harness_makes),
        cmocka_unit_test(makes_generations),
        cmocka_unit_test(makes_other_choices),
        cmocka_unit_test(reads_csv_and_lists),
        cmocka_unit_test(keeps_to_a_limit),
        cmocka_unit_test(hashes_what_decides),
        cmocka_unit_test(says_what_is_wrong),
        cmocka_unit_test(fills_templates),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
