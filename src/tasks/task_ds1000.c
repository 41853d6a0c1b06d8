/*
 * DS-1000 (Lai et al. 2023): lines of Python that complete a program for data science, judged by
 * the problem's own program, which runs them with the library's real code.
 *
 * A problem's "code_context" defines test_execution(code), and some define test_string(code). Both
 * want the answer as a text.
 * Source: the data set's test_ds1000.py.
 */
#include "tasks/load.h"
#include "tasks/program.h"
#include "tasks/table.h"
#include "util/json.h"

#include <inttypes.h>
#include <stdio.h>

enum { MAX_ID = 999999 };

static cril_status read_metadata(const struct cril_record *r, struct cril_bytes *library,
                                 int64_t *id, cril_error *err)
{
    struct cril_record metadata;
    cril_status st;

    if ((st = cril_field_object(r, "metadata", "metadata.", &metadata, err)) != CRIL_OK ||
        (st = cril_field_text(&metadata, "library", library, err)) != CRIL_OK)
        return st;
    return cril_field_integer(&metadata, "problem_id", 0, MAX_ID, id, err);
}

static cril_status make_item(struct cril_load *l, const struct cril_record *r,
                             struct cril_item *item)
{
    struct cril_bytes prompt, code, library, context;
    int64_t number;
    cril_status st;
    char id[32];

    if ((st = cril_field_text(r, "prompt", &prompt, l->err)) != CRIL_OK ||
        (st = cril_field_text(r, "reference_code", &code, l->err)) != CRIL_OK ||
        (st = cril_field_text(r, "code_context", &context, l->err)) != CRIL_OK ||
        (st = read_metadata(r, &library, &number, l->err)) != CRIL_OK)
        return st;
    snprintf(id, sizeof(id), "%" PRId64, number);
    item->subject = library.data; /* of the record, which the items own */
    cril_str_append(&l->text, prompt);
    if ((st = cril_load_id(l, item, cril_bytes_of(id))) != CRIL_OK ||
        (st = cril_load_text(l, &item->context)) != CRIL_OK ||
        (st = cril_load_joined(l, prompt.len && prompt.data[prompt.len - 1] != '\n' ? "\n" : "",
                               code, &item->gold_text)) != CRIL_OK)
        return st;
    cril_load_generation(l, item);
    return CRIL_OK;
}

static cril_status load(const struct cril_task *t, const struct cril_task_settings *s,
                        const char *folder, uint64_t limit, struct cril_items *out, cril_error *err)
{
    static const struct cril_recipe recipe = {.item = make_item};

    return cril_load_by(&recipe, t, s, folder, limit, out, err);
}

/* ---- The answer ---- */

/* Cuts the text where the mark begins. */
static void cut(struct cril_str *t, const char *mark)
{
    const size_t at = cril_str_find(cril_str_bytes(t), 0, mark);

    t->n = at == SIZE_MAX ? t->n : at;
}

/* The data set's own clean-up, in its order. Leading blanks stay: some answers are inside a
 * function. */
static void add_code(struct cril_str *t, struct cril_bytes answer)
{
    cril_str_append(t, answer);
    cut(t, "</code>");
    cril_str_replace(t, "```python", "");
    cut(t, "```");
    cut(t, "\nEND SOLUTION");
    cril_str_replace(t, "<code>", "");
}

/* ---- The program ---- */

/* Problems whose reference fetches a data set. */
static bool needs_network(const char *id)
{
    static const char ids[] = " 519 539 565 566 567 577 598 624 629 650 654 655 656 661 819 ";
    char word[32];

    return id && snprintf(word, sizeof(word), " %s ", id) < (int)sizeof(word) && strstr(ids, word);
}

/* Whether the problem's program has "import M" or "from M"; M "": true. */
static bool imports(const struct cril_item *item, const char *module)
{
    const struct cril_bytes context =
        cril_json_text(json_object_get(item->document, "code_context"));
    char import[64], from[64];

    snprintf(import, sizeof(import), "import %s", module);
    snprintf(from, sizeof(from), "from %s", module);
    return !*module || cril_str_find(context, 0, import) != SIZE_MAX ||
           cril_str_find(context, 0, from) != SIZE_MAX;
}

/* What a problem imports beyond the standard library. */
static const char *needs(const struct cril_item *item)
{
    static const struct {
        const char *library, *module, *needs; /* module: imported by some problems only */
    } rows[] = {
        {"Numpy", "torch", "numpy torch"},
        {"Numpy", "tensorflow", "numpy tensorflow"},
        {"Numpy", "", "numpy pandas scipy sklearn"},
        {"Pandas", "yaml", "numpy pandas yaml"},
        {"Pandas", "", "numpy pandas"},
        {"Scipy", "", "numpy pandas scipy"},
        {"Sklearn", "xgboost", "numpy pandas scipy sklearn xgboost"},
        {"Sklearn", "statsmodels", "numpy pandas scipy sklearn statsmodels"},
        {"Sklearn", "", "numpy pandas scipy sklearn"},
        {"Matplotlib", "", "numpy pandas matplotlib seaborn PIL"},
        {"Pytorch", "gensim", "numpy pandas torch gensim"},
        {"Pytorch", "sklearn", "numpy pandas torch sklearn"},
        {"Pytorch", "", "numpy pandas torch"},
        {"Tensorflow", "", "numpy tensorflow"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (strcmp(rows[i].library, item->subject) == 0 && imports(item, rows[i].module))
            return rows[i].needs;
    return "numpy";
}

static cril_status program(const struct cril_task_settings *s, const struct cril_item *item,
                           struct cril_bytes completion, bool whole, struct cril_task_program *out,
                           cril_error *err)
{
    const struct cril_task_program limits = {.wall_sec = 120,
                                             .cpu_sec = 120,
                                             .memory_bytes = (size_t)4 << 30,
                                             .needs = needs(item),
                                             .network = needs_network(item->id)};
    const struct cril_bytes context =
        cril_json_text(json_object_get(item->document, "code_context"));
    struct cril_str t = {0}, code = {0};

    (void)s;
    if (whole)
        cril_str_append(&code, completion);
    else
        add_code(&code, completion);
    cril_str_append(&t, context);
    cril_str_add(&t, "\ncode = ");
    cril_program_add_literal(&t, cril_str_bytes(&code));
    cril_str_add(&t, "\ntest_execution(code)\n");
    if (cril_str_find(context, 0, "def test_string(") != SIZE_MAX)
        cril_str_add(&t, "test_string(code)\n");
    t.failed |= code.failed;
    cril_str_free(&code);
    return cril_program_finish(&t, &limits, out, err);
}

/* ---- The task ---- */

static const struct cril_task_file files[] = {
    {.name = "ds1000.jsonl",
     .role = "items",
     .published = "GitHub xlang-ai/DS-1000 data/ds1000.jsonl.gz, Hugging Face xlangai/DS-1000 "
                  "test.jsonl: 1,000; CC BY-SA 4.0"},
    {0},
};

static const char *const until[] = {"</code>", "# SOLUTION END", "\nEND SOLUTION", NULL};

#define PROTOCOL                                                                                   \
    .version = 1, .draw = CRIL_DRAW_FIXED, .max_tokens = 1024, .until = until, .metric = "passed", \
    .metric_shown = "pass@1",                                                                      \
    .answer_rule = "the data set's clean-up; its test_execution and test_string; 120 s of "        \
                   "processor and wall time",                                                      \
    .shortens_answer = true

static const struct cril_task_protocol protocols[] = {
    {.name = "paper", .summary = "no shots, completion, window 1900", PROTOCOL, .window = 1900},
    {.name = "harness",
     .summary = "no shots, completion (no task of lm-evaluation-harness: as \"paper\", in the "
                "model's own window)",
     PROTOCOL},
    {0},
};

const struct cril_task cril_task_ds1000 = {
    .name = "ds1000",
    .title = "DS-1000",
    .group = "code",
    .folder = "ds1000",
    .files = files,
    .protocols = protocols,
    .expects = "\"prompt\", \"reference_code\", \"code_context\" and \"metadata\" {\"library\", "
               "\"problem_id\"}",
    .load = load,
    .program = program,
};
