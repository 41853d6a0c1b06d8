/*
 * HumanEval (Chen et al. 2021): the body of a Python function from its head and docstring, judged
 * by the problem's tests.
 *
 * Tests define check(); the program calls it. The program of the paper's script had the call in its
 * copy of the data, the published file has not, and without it every answer passes.
 * Source: DeepSeek-Coder, Evaluation/HumanEval; lm-evaluation-harness, tasks/humaneval.
 */
#include "tasks/load.h"
#include "tasks/python_text.h"
#include "tasks/program.h"
#include "tasks/settings.h"
#include "tasks/table.h"

struct problem {
    struct cril_bytes id, prompt, solution, unused;
};

static cril_status read_problem(const struct cril_record *r, struct problem *p, cril_error *err)
{
    cril_status st;

    if ((st = cril_field_text(r, "task_id", &p->id, err)) != CRIL_OK ||
        (st = cril_field_text(r, "prompt", &p->prompt, err)) != CRIL_OK ||
        (st = cril_field_text(r, "canonical_solution", &p->solution, err)) != CRIL_OK ||
        (st = cril_field_text(r, "test", &p->unused, err)) != CRIL_OK)
        return st;
    return cril_field_text(r, "entry_point", &p->unused, err);
}

/* The prompt ends where its text does. The line end that was behind it begins the gold answer. */
static cril_status make_paper_item(struct cril_load *l, const struct cril_record *r,
                                   struct cril_item *item)
{
    struct cril_bytes stripped;
    struct problem p;
    cril_status st;

    if ((st = read_problem(r, &p, l->err)) != CRIL_OK ||
        (st = cril_load_id(l, item, p.id)) != CRIL_OK)
        return st;
    stripped = cril_python_strip(p.prompt);
    cril_str_append(&l->text, stripped);
    if ((st = cril_load_text(l, &item->context)) != CRIL_OK)
        return st;
    l->text.n = 0;
    cril_str_append(&l->text, (struct cril_bytes){stripped.data + stripped.len,
                                                  (size_t)(p.prompt.data + p.prompt.len -
                                                           (stripped.data + stripped.len))});
    cril_str_append(&l->text, p.solution);
    if ((st = cril_load_text(l, &item->gold_text)) != CRIL_OK)
        return st;
    cril_load_generation(l, item);
    return CRIL_OK;
}

static cril_status make_harness_item(struct cril_load *l, const struct cril_record *r,
                                     struct cril_item *item)
{
    struct problem p;
    cril_status st;

    if ((st = read_problem(r, &p, l->err)) != CRIL_OK ||
        (st = cril_load_id(l, item, p.id)) != CRIL_OK)
        return st;
    cril_str_append(&l->text, p.prompt);
    if ((st = cril_load_text(l, &item->context)) != CRIL_OK ||
        (st = cril_load_joined(l, "", p.solution, &item->gold_text)) != CRIL_OK)
        return st;
    cril_load_generation(l, item);
    return CRIL_OK;
}

static cril_status load(const struct cril_task *t, const struct cril_task_settings *s,
                        const char *folder, uint64_t limit, struct cril_items *out, cril_error *err)
{
    static const struct cril_recipe paper = {.item = make_paper_item},
                                    harness = {.item = make_harness_item};

    return cril_load_by(cril_settings_are(s, "paper") ? &paper : &harness, t, s, folder, limit, out,
                        err);
}

/* ---- The program ---- */

/* numpy is one of them in the paper's script, but no test needs it. */
static const char imports[] = "import math\n"
                              "import re\n"
                              "import sys\n"
                              "import copy\n"
                              "import datetime\n"
                              "import itertools\n"
                              "import collections\n"
                              "import heapq\n"
                              "import functools\n"
                              "import hashlib\n"
                              "try:\n"
                              "    import numpy\n"
                              "    import numpy as np\n"
                              "except ImportError:\n"
                              "    pass\n"
                              "import string\n"
                              "from typing import *\n"
                              "from collections import *\n";

static cril_status program(const struct cril_task_settings *s, const struct cril_item *item,
                           struct cril_bytes completion, bool whole, struct cril_task_program *out,
                           cril_error *err)
{
    /* The original runs it by exec(). */
    static const struct cril_task_program limits = {.wall_sec = 60,
                                                    .cpu_sec = 10,
                                                    .memory_bytes = (size_t)4 << 30,
                                                    .needs = "",
                                                    .as_library = true};
    const bool paper = cril_settings_are(s, "paper");
    struct cril_str t = {0};

    if (paper)
        cril_str_add(&t, imports);
    if (!whole) {
        cril_program_add_field(&t, item, "prompt");
        cril_str_add(&t, paper ? "\n" : "");
    }
    cril_str_append_repaired(&t, completion);
    cril_str_add(&t, "\n");
    cril_program_add_field(&t, item, "test");
    cril_str_add(&t, "\ncheck(");
    cril_program_add_field(&t, item, "entry_point");
    cril_str_add(&t, ")\n");
    return cril_program_finish(&t, &limits, out, err);
}

/* ---- The task ---- */

static const struct cril_task_file files[] = {
    {.name = "HumanEval.jsonl",
     .role = "items",
     .published = "GitHub openai/human-eval data/HumanEval.jsonl.gz, Hugging Face "
                  "openai/openai_humaneval, test: 164; MIT",
     .conversion = "python3 -c \"import pandas as p; p.read_parquet('openai_humaneval/"
                   "test-00000-of-00001.parquet').to_json('HumanEval.jsonl',orient='records',"
                   "lines=True,force_ascii=False)\""},
    {0},
};

static const char *const until[] = {"\ndef", "\nclass", "\nif", "\n#", "\nprint", NULL};
static const char *const until_harness[] = {"\nclass", "\ndef", "\n#", "\nif", "\nprint", NULL};

static const struct cril_task_protocol protocols[] = {
    {.name = "paper",
     .summary = "no shots, prompt without white space at its ends, window 1900",
     .version = 1,
     .draw = CRIL_DRAW_FIXED,
     .window = 1900,
     .max_tokens = 500,
     .until = until,
     .metric = "passed",
     .metric_shown = "pass@1",
     .answer_rule = "imports (numpy where there is one), prompt, line end, answer, tests, check(); "
                    "10 s of processor, 60 s of wall time"},
    {.name = "harness",
     .summary = "no shots, prompt as it stands",
     .version = 1,
     .draw = CRIL_DRAW_FIXED,
     .max_tokens = 1024,
     .until = until_harness,
     .metric = "passed",
     .metric_shown = "pass@1",
     .answer_rule = "prompt, answer, tests, check(); 10 s of processor, 60 s of wall time"},
    {0},
};

const struct cril_task cril_task_humaneval = {
    .name = "humaneval",
    .title = "HumanEval",
    .group = "code",
    .folder = "humaneval",
    .files = files,
    .protocols = protocols,
    .expects = "\"task_id\", \"prompt\", \"canonical_solution\", \"test\" and \"entry_point\"",
    .load = load,
    .program = program,
};
