/*
 * MATH (Hendrycks et al. 2021), all of it or the 500 of Lightman et al. 2023: competition problems,
 * whose solutions put the answer into \boxed{}.
 *
 * The four shots are those of Minerva (Lewkowycz et al. 2022, appendix D). OpenCompass' copy is a
 * file of data. lm-evaluation-harness' copy, which differs in blanks, line ends and "\\", is part
 * of its template and stands here. Source: OpenCompass,
 * configs/datasets/math/math_4shot_base_gen_db136b.py; lm-evaluation-harness 0.4.13,
 * tasks/minerva_math, version 3.1.
 */
#include "tasks/load.h"
#include "tasks/settings.h"
#include "tasks/table.h"

struct problem {
    struct cril_bytes text, solution;
};

static cril_status read_problem(const struct cril_record *r, struct problem *out, cril_error *err)
{
    const cril_status st = cril_field_text(r, "problem", &out->text, err);

    return st == CRIL_OK ? cril_field_text(r, "solution", &out->solution, err) : st;
}

/* "type" in MATH, "subject" in MATH-500. */
static cril_status read_subject(struct cril_load *l, const struct cril_record *r,
                                struct cril_item *item)
{
    const char *const field = json_object_get(r->object, "type") ? "type" : "subject";
    struct cril_bytes subject;
    cril_status st;

    if ((st = cril_field_optional_text(r, field, &subject, l->err)) != CRIL_OK)
        return st;
    item->subject = subject.data; /* of the record, which the items own */
    return CRIL_OK;
}

/* before_solution: what stands between "Solution:" and a solution. */
static cril_status make_item(struct cril_load *l, const struct cril_record *r,
                             const char *before_heading, const char *before_solution,
                             struct cril_item *item)
{
    struct cril_bytes answer, id;
    struct problem p;
    cril_status st;

    if ((st = read_problem(r, &p, l->err)) != CRIL_OK ||
        (st = cril_field_optional_text(r, "unique_id", &id, l->err)) != CRIL_OK ||
        (st = cril_load_id(l, item, id)) != CRIL_OK || (st = read_subject(l, r, item)) != CRIL_OK)
        return st;
    if (!cril_math_boxed(p.solution, &answer))
        return cril_data_fault(r->data, r->place, l->err,
                               "\"solution\" has neither \\boxed{} nor \\fbox{}");
    cril_str_append_between(&l->text, "Problem:\n", p.text, before_heading);
    cril_str_add(&l->text, "Solution:");
    if ((st = cril_load_text(l, &item->context)) != CRIL_OK ||
        (st = cril_load_joined(l, before_solution, p.solution, &item->gold_text)) != CRIL_OK)
        return st;
    return cril_load_answers(l, item, json_pack("{ss%}", "gold", answer.data, answer.len));
}

/* ---- OpenCompass ---- */

static cril_status add_shot(struct cril_load *l, const struct cril_record *r, size_t nr)
{
    struct problem p;
    const cril_status st = read_problem(r, &p, l->err);

    (void)nr;
    if (st != CRIL_OK)
        return st;
    cril_str_append_between(&l->text, "Problem:\n", p.text, "\n\nSolution:\n");
    cril_str_append_between(&l->text, "", p.solution, "\n\n");
    return CRIL_OK;
}

static cril_status make_opencompass_item(struct cril_load *l, const struct cril_record *r,
                                         struct cril_item *item)
{
    return make_item(l, r, "\n", "\n", item);
}

/* ---- lm-evaluation-harness ---- */

enum { HARNESS_SHOTS = 4 };

static const char *const harness_shots[HARNESS_SHOTS] = {
    "Problem:\n"
    "Find the domain of the expression  $\\frac{\\sqrt{x-2}}{\\sqrt{5-x}}$.\n\n"
    "Solution: The expressions inside each square root must be non-negative. Therefore, $x-2 \\ge "
    "0$, so $x\\ge2$, and $5 - x \\ge 0$, so $x \\le 5$. Also, the denominator cannot be equal to "
    "zero, so $5-x>0$, which gives $x<5$. Therefore, the domain of the expression is "
    "$\\boxed{[2,5)}$.\n"
    "Final Answer: The final answer is $[2,5)$. I hope it is correct.\n\n",

    "Problem:\n"
    "If $\\det \\mathbf{A} = 2$ and $\\det \\mathbf{B} = 12,$ then find $\\det (\\mathbf{A} "
    "\\mathbf{B}).$\n\n"
    "Solution: We have that $\\det (\\mathbf{A} \\mathbf{B}) = (\\det \\mathbf{A})(\\det "
    "\\mathbf{B}) = (2)(12) = \\boxed{24}.$\n"
    "Final Answer: The final answer is $24$. I hope it is correct.\n\n",

    "Problem:\n"
    "Terrell usually lifts two 20-pound weights 12 times. If he uses two 15-pound weights instead, "
    "how many times must Terrell lift them in order to lift the same total weight?\n\n"
    "Solution: If Terrell lifts two 20-pound weights 12 times, he lifts a total of $2\\cdot "
    "12\\cdot20=480$ pounds of weight.  If he lifts two 15-pound weights instead for $n$ times, he "
    "will lift a total of $2\\cdot15\\cdot n=30n$ pounds of weight.  Equating this to 480 pounds, "
    "we can solve for $n$:\n"
    "\\begin{align*}\n"
    "30n&=480\\\\\n"
    "\\Rightarrow\\qquad n&=480/30=\\boxed{16}\n"
    "\\end{align*}\n"
    "Final Answer: The final answer is $16$. I hope it is correct.\n\n",

    "Problem:\n"
    "If the system of equations\n\n"
    "\\begin{align*}\n"
    "6x-4y&=a,\\\\\n"
    "6y-9x &=b.\n"
    "\\end{align*}has a solution $(x, y)$ where $x$ and $y$ are both nonzero,\n"
    "find $\\frac{a}{b},$ assuming $b$ is nonzero.\n\n"
    "Solution: If we multiply the first equation by $-\\frac{3}{2}$, we obtain\n\n"
    "$$6y-9x=-\\frac{3}{2}a.$$Since we also know that $6y-9x=b$, we have\n\n"
    "$$-\\frac{3}{2}a=b\\Rightarrow\\frac{a}{b}=\\boxed{-\\frac{2}{3}}.$$\n"
    "Final Answer: The final answer is $-\\frac{2}{3}$. I hope it is correct.\n\n",
};

static cril_status make_harness_item(struct cril_load *l, const struct cril_record *r,
                                     struct cril_item *item)
{
    for (size_t i = 0; i < l->settings->protocol.shots; i++)
        cril_str_add(&l->text, harness_shots[i]);
    return make_item(l, r, "\n\n", " ", item);
}

/* ---- The task ---- */

static cril_status load(const struct cril_task *t, const struct cril_task_settings *s,
                        const char *folder, uint64_t limit, struct cril_items *out, cril_error *err)
{
    static const struct cril_recipe opencompass = {.shot = add_shot, .item = make_opencompass_item},
                                    harness = {.item = make_harness_item};

    return cril_load_by(cril_settings_are(s, "paper") ? &opencompass : &harness, t, s, folder,
                        limit, out, err);
}

static const struct cril_task_file files[] = {
    {.name = "test.jsonl",
     .role = "items",
     .published = "GitHub hendrycks/math, Hugging Face EleutherAI/hendrycks_math, all subjects, "
                  "test: 5,000; MIT",
     .conversion = "python3 -c \"import pandas as p,glob; p.concat(map(p.read_parquet,sorted("
                   "glob.glob('*/test-00000-of-00001.parquet')))).to_json('test.jsonl',"
                   "orient='records',lines=True,force_ascii=False)\""},
    {.name = "math500.jsonl",
     .role = "items",
     .published = "Hugging Face HuggingFaceH4/MATH-500 test.jsonl: 500 of test, which are read "
                  "where test.jsonl is not there; MIT"},
    {.name = "fewshot_minerva4.json",
     .role = "shots",
     .published = "the texts of GitHub open-compass/opencompass opencompass/configs/datasets/math/"
                  "math_4shot_example_from_google_research.py: 4; Apache-2.0",
     .conversion =
         "python3 -c \"import json,runpy; p=runpy.run_path("
         "'math_4shot_example_from_google_research.py')['prompt'].strip(); n=chr(10); "
         "print(json.dumps([dict(zip(('problem','solution'),d.split(n+n+'Solution:'+n))) for d in "
         "p[len('Problem:'+n):].split(n+n+'Problem:'+n)]))\" > fewshot_minerva4.json",
     .protocols = "paper"},
    {0},
};

static const char *const until[] = {"Problem", NULL};
static const char *const until_harness[] = {"Problem:", NULL};

static const struct cril_task_protocol protocols[] = {
    {.name = "paper",
     .summary = "4 given shots (math_4shot_base_gen_db136b), window 1900",
     .version = 1,
     .shots = 4,
     .draw = CRIL_DRAW_FIXED,
     .window = 1900,
     .max_tokens = 1024,
     .cut_right = true,
     .until = until,
     .metric = "opencompass_v2_match",
     .metric_shown = "accuracy",
     .answer_rule = "OpenCompass version 2: the last \\boxed{}, else a piece that names the "
                    "answer; equality of cleaned texts",
     .max_shots = 4,
     .shortens_answer = true},
    {.name = "harness",
     .summary = "4 given shots (minerva_math 3.1); equality of texts, without sympy",
     .version = 1,
     .shots = HARNESS_SHOTS,
     .draw = CRIL_DRAW_FIXED,
     .max_tokens = 256,
     .until = until_harness,
     .metric = "minerva_string_match",
     .metric_shown = "minerva_string_match",
     .answer_rule =
         "Minerva: \"The final answer is\" in its sentence; equality of normalised texts",
     .max_shots = HARNESS_SHOTS},
    {0},
};

const struct cril_task cril_task_math = {
    .name = "math",
    .title = "MATH",
    .group = "mathematics",
    .folder = "math",
    .files = files,
    .protocols = protocols,
    .expects = "\"problem\" and \"solution\" (a text with \\boxed{})",
    .rules = cril_rules_math,
    .load = load,
};
