/*
 * Answer rules against the programs that define them: what each takes from texts that stand on the
 * traps which doc/rules.md names, as the originals in Python print it; fields that are missing or
 * of another type; texts that would cost quadratic time; and with CRIL_SHARED the published
 * vectors.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tasks/rules.h"
#include "util/bytes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Calls ---- */

/* What rules add to an empty object; in is taken. */
static json_t *apply(cril_rules *rules, json_t *in)
{
    json_t *const out = json_object();
    cril_error err = {0};

    assert_non_null(in);
    if (rules(in, out, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    json_decref(in);
    return out;
}

static void expect_text(const json_t *out, const char *name, const char *want, const char *of)
{
    const char *const got = json_string_value(json_object_get(out, name));

    if (!got || strcmp(got, want) != 0)
        fail_msg("%s of \"%s\": \"%s\", not \"%s\"", name, of, got ? got : "(none)", want);
}

/* Whether word is one of those in words, which blanks divide. */
static bool lists(const char *words, const char *word)
{
    const size_t len = strlen(word);

    for (const char *at = words; (at = strstr(at, word)); at += len)
        if ((at == words || at[-1] == ' ') && (at[len] == ' ' || !at[len]))
            return true;
    return false;
}

/* Verdict by verdict: those that `right` lists, without their ending, are true, the others false.
 */
static void expect_truths(const json_t *out, const char *const *names, const char *ending,
                          const char *right, const char *of)
{
    for (; *names; names++) {
        char name[80];
        const json_t *got;

        snprintf(name, sizeof(name), "%s%s", *names, ending);
        got = json_object_get(out, name);
        if (!json_is_boolean(got) || json_is_true(got) != lists(right, *names))
            fail_msg("%s of \"%s\" is not as it should be", name, of);
    }
}

static void expect_failure(cril_rules *rules, json_t *in, const char *sentence)
{
    json_t *const out = json_object();
    cril_error err = {0};

    assert_int_equal(rules(in, out, &err), CRIL_ERR_FORMAT);
    assert_string_equal(err.message, sentence);
    json_decref(in);
    json_decref(out);
}

/* ---- GSM8K ---- */

static const struct {
    const char *text, *gold, *strict, *flexible, *opencompass;
    const char *right; /* initials of the rules that match */
} numbers[] = {
    {"Six eggs, 3 more.\n#### 9", "9", "9", "9", "9", "sfo"},
    {"#### 70,000", "70000", "70,000", "70,000", "000", "sf"},
    {"#### 18.00", "18", "18.00", "18.00", "18.00", "o"},
    {"#### 18.", "18", "18.", "18.", "18", "sfo"},
    {"12..", "12", "[invalid]", "12..", "12", "o"},
    {"####9", "9", "[invalid]", "9", "9", "fo"},
    {"####  9", "9", "[invalid]", "9", "9", "fo"},
    {"#### $9", "9", "[invalid]", "$9", "9", "fo"},
    {"a #### -5 b", "-5", "-5", "-5", "-5", "sfo"},
    {"#### --5", "5", "[invalid]", "-5", "-5", ""},
    {"##### 5", "5", "5", "5", "5", "sfo"},
    {"#### \n5", "5", "[invalid]", "5", "5", "fo"},
    {"#### ,.", "", ",.", ",.", "NULL", "sf"},
    {"4 - 1 = 3\nQuestion: what? 8", "3", "[invalid]", "3", "3", "fo"},
    {"3</s>9", "3", "[invalid]", "3", "9", "f"},
    {"3<|im_end|>9", "3", "[invalid]", "3", "9", "f"},
    {"Questions: 4", "4", "[invalid]", "4", "4", "fo"},
    {"about 1,2 $ and -7", "-7", "[invalid]", "-7", "-7", "fo"},
    {"x-12-3", "-3", "[invalid]", "-3", "-3", "fo"},
    {"-", "[invalid]", "[invalid]", "[invalid]", "NULL", "sf"},
    {"no number", "5", "[invalid]", "[invalid]", "NULL", ""},
    {"no number", "NULL", "[invalid]", "[invalid]", "NULL", "o"},
    {"[INVALID]", "[invalid]", "[invalid]", "[invalid]", "NULL", "sf"},
    {"1.5 or .5", "0.5", "[invalid]", ".5", "5", ""},
    {"7.", "7", "[invalid]", "7.", "7", "fo"},
    {"7.0", "7", "[invalid]", "7.0", "7.0", "o"},
    {"7.0000001", "7", "[invalid]", "7.0000001", "7.0000001", "o"},
    {"7.00001", "7", "[invalid]", "7.00001", "7.00001", ""},
    {"007", "7", "[invalid]", "007", "007", "o"},
    {"5", "They have 2 + 3 = <<2+3=5>>5.\n#### 5", "[invalid]", "5", "5", "fo"},
    {"70,000", "So 70,000.\n#### 70,000", "[invalid]", "70,000", "000", "f"},
    {"#### 5", "5.\n", "5", "5", "5", ""},
    {"5", "five", "[invalid]", "5", "5", ""},
    {"٤٢", "42", "[invalid]", "[invalid]", "٤٢", "o"},
    {"٤٢", "٤٢", "[invalid]", "[invalid]", "٤٢", "o"},
    {"1 −5", "-5", "[invalid]", "5", "5", ""},
    {"3", "+3", "[invalid]", "3", "3", "o"},
    {"10", " 1_0 ", "[invalid]", "10", "10", "o"},
    {"2.50", "2.5", "[invalid]", "2.50", "2.50", ""},
    {"99999999999999999999", "100000000000000000000", "[invalid]", "99999999999999999999",
     "99999999999999999999", "o"},
    {"", "", "[invalid]", "[invalid]", "NULL", ""},
};

static void numbers_of_gsm8k(void **state)
{
    static const char *const rules[] = {"strict", "flexible", "opencompass"};

    (void)state;
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        const char *const text = numbers[i].text;
        json_t *const out =
            apply(cril_rules_gsm8k, json_pack("{s:s, s:s}", "text", text, "gold", numbers[i].gold));

        expect_text(out, "strict", numbers[i].strict, text);
        expect_text(out, "flexible", numbers[i].flexible, text);
        expect_text(out, "opencompass", numbers[i].opencompass, text);
        for (size_t r = 0; r < 3; r++) {
            char name[32];

            snprintf(name, sizeof(name), "%s_match", rules[r]);
            if (json_is_true(json_object_get(out, name)) != !!strchr(numbers[i].right, *rules[r]))
                fail_msg("%s of \"%s\" and \"%s\"", name, text, numbers[i].gold);
        }
        json_decref(out);
    }
}

static void stops_of_gsm8k(void **state)
{
    json_t *out = apply(cril_rules_gsm8k, json_pack("{s:s}", "text", "1\n\nQuestion: 2</s>"));

    (void)state;
    expect_text(out, "text_after_stops", "1\n\n", "a text with two stops");
    assert_int_equal(json_object_size(out), 4); /* no gold, no verdicts */
    json_decref(out);
    out = apply(cril_rules_gsm8k, json_pack("{s:s, s:i}", "text", "#### 12", "gold", 12));
    assert_true(json_is_true(json_object_get(out, "strict_match")));
    json_decref(out);
}

/* ---- Letters ---- */

static const struct {
    const char *text, *cot, *shots, *zero, *option, *capital;
} letters[] = {
    {"The answer is therefore B", "B", "B", "B", "B", "T"},
    {"Answer: B", "A", "A", "A", "B", "A"},
    {"therefore E", "E", "E", "E", "", "E"},
    {"therefore 10", "", "", "", "", ""},
    {"Then the\nanswer is\nB", "B", "B", "B", "B", "T"},
    {"The answer is (G)", "G", "G", "", "", "T"},
    {"So C.\n\n \t\nno letter here", "C", "C", "C", "C", "S"},
    {"Let CD = 5.\nThe answer is x, that is D\n\n", "D", "D", "C", "D", "L"},
    {"answer is 4 answer is D\nB", "D", "D", "D", "B", "D"},
    {"answer is none\nanswer is D", "D", "D", "D", "D", "D"},
    {"x\nanswer is q", "", "", "", "", ""},
    {"\n\n", "", "", "", "", ""},
    {"", "", "", "", "", ""},
    {"g", "", "", "", "", ""},
    {"The answer is B\r\nThe answer is A\r", "A", "B", "B", "A", "T"},
    {"\302\240\n answer is Α B\n\342\200\203", "B", "B", "B", "B", "Α"},
    {"F", "F", "F", "F", "", "F"},
    {"G H", "", "", "", "", "G"},
    {"选择 C", "C", "C", "C", "C", "C"},
    {"答案是x D。 B", "D", "D", "D", "B", "D"},
    {"答案是 xB。y z", "B", "B", "B", "B", "B"},
    {"答案为x z C: D", "C", "C", "C", "D", "C"},
    {"故选B只有A是对", "B", "B", "B", "B", "B"},
    {"故选B", "B", "B", "B", "B", "B"},
    {"因此 D。", "D", "D", "D", "D", "D"},
    {"answer : c D", "D", "D", "D", "D", "D"},
    {"anſwer: B A", "B", "B", "B", "A", "B"},
    {"The correct answer is 1 so \\boxed{D} A", "D", "D", "D", "A", "T"},
    {"The correct answer is \\boxed{E} B", "E", "E", "E", "B", "T"},
    {"the answer is A ", "A", "A", "A", "A", "A"},
    {"The answer is  option C", "C", "C", "C", "C", "T"},
    {"The answer is option: C", "C", "C", "C", "C", "T"},
    {"1. no B", "B", "B", "B", "B", "B"},
    {"x1 A", "A", "A", "A", "A", "A"},
    {"A", "A", "A", "A", "A", "A"},
    {"x A, D", "A", "A", "A", "D", "A"},
    {"a A B:", "A", "A", "A", "B", "A"},
    {"  C )", "C", "C", "C", "C", "C"},
    {"ǅ Ⅰ B", "B", "B", "B", "B", "Ⅰ"},
    {"The answer to the question is: (D", "D", "D", "D", "D", "T"},
    {"AB only: D", "A", "A", "A", "D", "A"},
    {"1", "", "", "", "", ""},
    {"① is B", "B", "B", "B", "B", "B"},
    {"**D**", "D", "D", "D", "D", "D"},
    {"Therefore, B", "B", "B", "B", "B", "T"},
    {"is: D.", "D", "D", "D", "D", "D"},
    {"A选项", "A", "A", "A", "A", "A"},
    {"B x A:", "B", "B", "B", "B", "B"},
    {"A 答案是x y 答案是xD", "A", "A", "A", "D", "A"},
};

static void letters_of_sat_math(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++) {
        const char *const text = letters[i].text;
        json_t *const out = apply(cril_rules_letters,
                                  json_pack("{s:s, s:s}", "text", text, "gold", letters[i].cot));

        expect_text(out, "agieval_few_shot_cot", letters[i].cot, text);
        expect_text(out, "agieval_few_shot", letters[i].shots, text);
        expect_text(out, "agieval_zero_shot", letters[i].zero, text);
        expect_text(out, "opencompass_first_option_ABCD", letters[i].option, text);
        expect_text(out, "opencompass_first_capital", letters[i].capital, text);
        assert_true(json_is_true(json_object_get(out, "agieval_few_shot_cot_match")));
        assert_int_equal(json_is_true(json_object_get(out, "agieval_few_shot_match")),
                         !strcmp(letters[i].cot, letters[i].shots));
        assert_int_equal(json_is_true(json_object_get(out, "agieval_zero_shot_match")),
                         !strcmp(letters[i].cot, letters[i].zero));
        json_decref(out);
    }
}

/* ---- Short answers ---- */

static const struct {
    const char *text, *reference, *nq, *nq_reference, *triviaqa, *opencompass_nq,
        *opencompass_triviaqa, *opencompass_reference;
    const char *right;
} answers[] = {
    {" Rome", "Rome", "rome", "rome", "rome", "rome", "rome", "rome",
     "nq_open nq_open_paper triviaqa triviaqa_paper opencompass_nq opencompass_triviaqa"},
    {"  Rome ", "Rome", "rome", "rome", "rome", "rome", "rome", "rome",
     "nq_open triviaqa opencompass_nq opencompass_triviaqa"},
    {"Rome\n", "rome", "rome", "rome", "rome", "rome", "rome", "rome",
     "nq_open nq_open_paper triviaqa triviaqa_paper opencompass_nq opencompass_triviaqa"},
    {" The Hague", "Hague", "hague", "hague", "the hague", "hague", "hague", "hague",
     "nq_open nq_open_paper opencompass_nq opencompass_triviaqa"},
    {"Bathe the cat", "Bathe cat", "bathe cat", "bathe cat", "bathe the cat", "bathe cat",
     "bathe cat", "bathe cat", "nq_open nq_open_paper opencompass_nq opencompass_triviaqa"},
    {"an A the The x", "x", "x", "x", "an a the the x", "x", "x", "x",
     "nq_open nq_open_paper opencompass_nq opencompass_triviaqa"},
    {"a-b", "b", "ab", "b", "ab", "ab", "ab", "b", "opencompass_nq opencompass_triviaqa"},
    {"over the", "over the", "over the", "over the", "over the", "over", "over", "over",
     "nq_open nq_open_paper triviaqa triviaqa_paper opencompass_nq opencompass_triviaqa"},
    {"THE END", "END", "the end", "end", "the end", "end", "end", "end",
     "opencompass_nq opencompass_triviaqa"},
    {"J. R. Smith", "J. R. Smith", "j", "j r smith", "j", "j", "j", "j",
     "opencompass_nq opencompass_triviaqa"},
    {"May 1, 1900", "May 1, 1900", "may 1", "may 1 1900", "may 1", "may 1", "may 1", "may 1",
     "opencompass_nq opencompass_triviaqa"},
    {"4", "1984", "4", "1984", "4", "4", "4", "1984", ""},
    {"1984", "8", "1984", "8", "1984", "1984", "1984", "8", "opencompass_nq opencompass_triviaqa"},
    {"not Rome", "Rome", "not rome", "rome", "not rome", "not rome", "not rome", "rome",
     "opencompass_nq opencompass_triviaqa"},
    {"x", "A. B.", "x", "a b", "x", "x", "x", "", "opencompass_nq opencompass_triviaqa"},
    {"The answer is Rome", "Rome", "answer is rome", "rome", "the answer is rome", "rome", "rome",
     "rome", "opencompass_nq opencompass_triviaqa"},
    {"so, it is a: Rome", "Rome", "so", "rome", "so", "so", "rome", "rome", "opencompass_triviaqa"},
    {"the gala: Rome", "Rome", "gala rome", "rome", "the gala rome", "gala rome", "rome", "rome",
     "opencompass_nq opencompass_triviaqa"},
    {"Answer: Rome", "rome", "answer rome", "rome", "answer rome", "answer rome", "rome", "rome",
     "opencompass_nq opencompass_triviaqa"},
    {"a: answer: Oslo", "Oslo", "a answer oslo", "oslo", "a answer oslo", "answer oslo", "oslo",
     "oslo", "opencompass_nq opencompass_triviaqa"},
    {"Rome Q: Oslo", "Oslo", "rome q oslo", "oslo", "rome q oslo", "rome", "rome", "oslo", ""},
    {"\nRome", "Rome", "", "rome", "", "", "", "rome", ""},
    {"", "...", "", "", "", "", "", "",
     "nq_open nq_open_paper triviaqa triviaqa_paper opencompass_nq opencompass_triviaqa"},
    {"", "the ", "", "", "", "", "", "",
     "nq_open nq_open_paper opencompass_nq opencompass_triviaqa"},
    {"", "", "", "", "", "", "", "",
     "nq_open nq_open_paper triviaqa triviaqa_paper opencompass_nq opencompass_triviaqa"},
    {"ΟΔΟΣ", "οδος", "οδος", "οδος", "οδος", "οδος", "οδος", "οδος",
     "nq_open nq_open_paper triviaqa triviaqa_paper opencompass_nq opencompass_triviaqa"},
    {"İx", "ix", "i\314\207x", "ix", "i\314\207x", "ix", "ix", "ix",
     "opencompass_nq opencompass_triviaqa"},
    {"Été!", "été", "été", "été", "été", "été", "été", "été",
     "nq_open nq_open_paper triviaqa triviaqa_paper opencompass_nq opencompass_triviaqa"},
    {"x –  y\343\200\200z", "x y z", "x –  y\343\200\200z", "x y z", "x –  y\343\200\200z", "x y z",
     "x y z", "x y z", "opencompass_nq opencompass_triviaqa"},
    {"it’s", "its", "it’s", "its", "it’s", "its", "its", "its",
     "opencompass_nq opencompass_triviaqa"},
    {"éa the", "éa", "éa the", "éa", "éa the", "éa", "éa", "éa",
     "opencompass_nq opencompass_triviaqa"},
    {"aé", "aé", "aé", "aé", "aé", "aé", "aé", "aé",
     "nq_open nq_open_paper triviaqa triviaqa_paper opencompass_nq opencompass_triviaqa"},
    {"_a a_", "a", "a a", "a", "a a", "_a a_", "_a a_", "", "opencompass_nq opencompass_triviaqa"},
    {"Answer is x answer is  the y z", "y z", "answer is x answer is  y z", "y z",
     "answer is x answer is  the y z", "y z", "y z", "y z", "opencompass_nq opencompass_triviaqa"},
    {"~`|{}[]^_@?>=<;:/-+*)('&%$#\"!x\\", "x", "x", "x", "x", "_x", "_x", "x",
     "nq_open nq_open_paper triviaqa triviaqa_paper opencompass_nq opencompass_triviaqa"},
    {"x²", "X²", "x²", "x²", "x²", "x²", "x²", "x²",
     "nq_open nq_open_paper triviaqa triviaqa_paper opencompass_nq opencompass_triviaqa"},
    {"\302\240x\302\240", "x", "x", "x", "x", "x", "x", "x",
     "nq_open triviaqa opencompass_nq opencompass_triviaqa"},
    {" \tx", "x", "x", "x", "x", "x", "x", "x",
     "nq_open triviaqa opencompass_nq opencompass_triviaqa"},
    {"ΑΣΑ", "ασα", "ασα", "ασα", "ασα", "ασα", "ασα", "ασα",
     "nq_open nq_open_paper triviaqa triviaqa_paper opencompass_nq opencompass_triviaqa"},
    {" \034x", "x", "x", "x", "x", "x", "x", "x",
     "nq_open triviaqa opencompass_nq opencompass_triviaqa"},
};

static const char *second(const json_t *out, const char *name)
{
    return json_string_value(json_array_get(json_object_get(out, name), 1));
}

static void short_answers(void **state)
{
    static const char *const rules[] = {
        "nq_open",        "nq_open_paper",        "triviaqa", "triviaqa_paper",
        "opencompass_nq", "opencompass_triviaqa", NULL};

    (void)state;
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        const char *const text = answers[i].text;
        json_t *const out =
            apply(cril_rules_answers, json_pack("{s:s, s:[s, s]}", "text", text, "references",
                                                "no such", answers[i].reference));

        expect_text(out, "nq_normal", answers[i].nq, text);
        expect_text(out, "triviaqa_normal", answers[i].triviaqa, text);
        expect_text(out, "opencompass_nq_normal", answers[i].opencompass_nq, text);
        expect_text(out, "opencompass_triviaqa_normal", answers[i].opencompass_triviaqa, text);
        assert_string_equal(second(out, "nq_reference_normal"), answers[i].nq_reference);
        assert_string_equal(second(out, "opencompass_reference_normal"),
                            answers[i].opencompass_reference);
        expect_truths(out, rules, "_match", answers[i].right, text);
        json_decref(out);
    }
}

/* ---- MATH ---- */

static const struct {
    const char *reference, *candidate, *minerva_reference, *minerva_candidate;
    const char *right;
} pairs[] = {
    {"1,5", "15", "15", "15", "minerva_string opencompass_v1 opencompass_v2"},
    {"1,000", "1000", "1000", "1000",
     "minerva_string opencompass_v1 opencompass_v2 lm_eval_0.4.13"},
    {"(1,2)", "(1,2)", "(1,2)", "(1,2)",
     "hendrycks minerva_string opencompass_v1 opencompass_v2 lm_eval_0.4.13"},
    {"\\left(1,2\\right)", "(1,2)", "\\le(1,2\\right)", "(1,2)",
     "hendrycks opencompass_v1 opencompass_v2"},
    {"\\frac{1}{2}", "\\dfrac12", "\\frac{1}{2}", "\\dfrac{1}{2}",
     "hendrycks opencompass_v1 opencompass_v2"},
    {"\\frac{1}{2}", "0.5", "\\frac{1}{2}", "0.5", "hendrycks opencompass_v1"},
    {"\\frac{1}{2}", "1/2", "\\frac{1}{2}", "1/2", "hendrycks opencompass_v1 opencompass_v2"},
    {"1/2", "01/2", "1/2", "01/2", ""},
    {"1/2", "1/ 2", "1/2", "1/2",
     "hendrycks minerva_string opencompass_v1 opencompass_v2 lm_eval_0.4.13"},
    {"x/2", "x/2", "x/2", "x/2",
     "hendrycks minerva_string opencompass_v1 opencompass_v2 lm_eval_0.4.13"},
    {"\\frac1{72}", "\\frac{1}{72}", "\\frac{1}{{}72}", "\\frac{1}{72}",
     "hendrycks opencompass_v1 opencompass_v2"},
    {"\\frac", "\\frac", "\\frac", "\\frac",
     "hendrycks minerva_string opencompass_v1 opencompass_v2 lm_eval_0.4.13"},
    {"\\frac1", "\\frac1 ", "\\frac1", "\\frac1",
     "hendrycks minerva_string opencompass_v1 opencompass_v2 lm_eval_0.4.13"},
    {"\\frac1\\frac", "\\frac1", "\\frac{1}{\\}frac", "\\frac1", ""},
    {"\\frac{1}2", "\\frac{1}{2}", "\\frac{1}2", "\\frac{1}{2}", ""},
    {"3", "x=3", "3", "3", "hendrycks minerva_string opencompass_v1 opencompass_v2 lm_eval_0.4.13"},
    {"3", "kx=3", "3", "3",
     "hendrycks minerva_string opencompass_v1 opencompass_v2 lm_eval_0.4.13"},
    {"3", "abc=3", "3", "3", "minerva_string lm_eval_0.4.13"},
    {"a=b=c", "c", "c", "c", "minerva_string lm_eval_0.4.13"},
    {"3", "x = 3", "3", "3",
     "hendrycks minerva_string opencompass_v1 opencompass_v2 lm_eval_0.4.13"},
    {"\\sqrt3", "\\sqrt{3}", "\\sqrt{3}", "\\sqrt{3}",
     "hendrycks minerva_string opencompass_v1 opencompass_v2 lm_eval_0.4.13"},
    {"\\sqrt", "\\sqrt ", "\\sqrt", "\\sqrt",
     "minerva_string opencompass_v1 opencompass_v2 lm_eval_0.4.13"},
    {"\\sqrt13", "\\sqrt{13}", "\\sqrt{1}3", "\\sqrt{13}", "opencompass_v2"},
    {"\\sqrt13", "\\sqrt{1}3", "\\sqrt{1}3", "\\sqrt{1}3",
     "hendrycks minerva_string opencompass_v1 opencompass_v2 lm_eval_0.4.13"},
    {"\\sqrt[3]{8}", "\\sqrt[3]8", "\\sqrt{[}3]{8}", "\\sqrt{[}3]8", "lm_eval_0.4.13"},
    {"\\sqrt\\sqrt2", "\\sqrt\\sqrt{2}", "\\sqrt{\\}sqrt{2}", "\\sqrt{\\}sqrt{2}",
     "minerva_string opencompass_v1 opencompass_v2 lm_eval_0.4.13"},
    {"5 \\text{ cm}", "5", "5", "5",
     "hendrycks minerva_string opencompass_v1 opencompass_v2 lm_eval_0.4.13"},
    {"5\\text{ cm}", "5", "5", "5",
     "hendrycks minerva_string opencompass_v1 opencompass_v2 lm_eval_0.4.13"},
    {"\\text{ a}\\text{ b}", "\\text{ a}\\text{ b}", "ab", "ab",
     "hendrycks minerva_string opencompass_v1 opencompass_v2 lm_eval_0.4.13"},
    {"\\text{ a}\\text{ b}", "\\text{ a} \\text{ b}", "ab", "ab",
     "minerva_string opencompass_v1 opencompass_v2 lm_eval_0.4.13"},
    {"\\text{m}", "\\text{}", "", "", "minerva_string opencompass_v1 opencompass_v2"},
    {"5\\text{ m}", "5", "5", "5",
     "hendrycks minerva_string opencompass_v1 opencompass_v2 lm_eval_0.4.13"},
    {"\\text{B,E}", "B, E", "B,E", "B,E",
     "minerva_string opencompass_v1 opencompass_v2 lm_eval_0.4.13"},
    {"\\text{(A)}", "A", "(A)", "A", "opencompass_v1 opencompass_v2"},
    {"(A)", "\\text{A}", "(A)", "A", ""},
    {"10\\%", "10", "10\\%", "10", "hendrycks opencompass_v1 opencompass_v2"},
    {"10\\%%", "10", "10\\%%", "10", "opencompass_v2"},
    {"10\\\\%%", "10", "10\\\\%%", "10", "opencompass_v2"},
    {"90^\\circ", "90", "90", "90",
     "hendrycks minerva_string opencompass_v1 opencompass_v2 lm_eval_0.4.13"},
    {"90^{\\circ}", "90", "90", "90",
     "hendrycks minerva_string opencompass_v1 opencompass_v2 lm_eval_0.4.13"},
    {"\\$5", "5", "5", "5",
     "hendrycks minerva_string opencompass_v1 opencompass_v2 lm_eval_0.4.13"},
    {"$5$", "5", "5", "5", "minerva_string opencompass_v1 opencompass_v2 lm_eval_0.4.13"},
    {"a $5$ or $6$", "5", "5", "5", "minerva_string lm_eval_0.4.13"},
    {"$1$ x\n$2$ y", "1 2", "1\n2", "12", ""},
    {"2\\pi cm", "2\\pi", "2\\pi", "2\\pi",
     "minerva_string opencompass_v1 opencompass_v2 lm_eval_0.4.13"},
    {"\\picm", "\\pi", "\\pi", "\\pi", "minerva_string opencompass_v1 opencompass_v2"},
    {"2 square units", "2", "2", "2",
     "minerva_string opencompass_v1 opencompass_v2 lm_eval_0.4.13"},
    {"draft 3", "dra3", "dra3", "dra3",
     "minerva_string opencompass_v1 opencompass_v2 lm_eval_0.4.13"},
    {"7 km/h", "7/h", "7/h", "7/h", "minerva_string opencompass_v1 opencompass_v2 lm_eval_0.4.13"},
    {"{,}5", "5", "5", "5", "minerva_string opencompass_v1 opencompass_v2 lm_eval_0.4.13"},
    {".5", "0.5", ".5", "0.5", "hendrycks opencompass_v1 opencompass_v2"},
    {" .5", "0.5", ".5", "0.5", "hendrycks opencompass_v1 opencompass_v2"},
    {"{.5}", "{0.5}", "{.5}", "{0.5}", "hendrycks opencompass_v1 opencompass_v2"},
    {"", ".", "", ".", "opencompass_v2"},
    {"", "x", "", "x", ""},
    {"5.00", "5", "5.00", "5", "opencompass_v2"},
    {"5.00x", "5x", "5.00x", "5x", "opencompass_v2"},
    {"5.001", "5", "5.001", "5", ""},
    {"1.0.0", "1.0", "1.0.0", "1.0", "opencompass_v2"},
    {"1.0.0x", "1.x", "1.0.0x", "1.x", ""},
    {"1\\mbox{ cm}", "1", "1", "1", "minerva_string opencompass_v1 opencompass_v2 lm_eval_0.4.13"},
    {"\\mbox{a}", "a", "a", "a", "minerva_string opencompass_v1 opencompass_v2 lm_eval_0.4.13"},
    {"\\mbox{a", "a", "\\text{a", "a", ""},
    {"j", "i", "j", "i", "opencompass_v2"},
    {"i+j", "i+i", "i+j", "i+i", ""},
    {"-inf", "-\\infty", "-inf", "-\\iny", "opencompass_v2"},
    {"infinity", "\\infty", "infinity", "\\iny", "opencompass_v2"},
    {"\\infty-inf", "\\infty-\\infty", "\\iny-inf", "\\iny-\\iny", ""},
    {"+\\inity", "\\infty", "+\\inity", "\\iny", "opencompass_v2"},
    {"a and b", "a b", "andb", "b", "opencompass_v2"},
    {"1 \\text{and} 2", "1, 2", "12", "12",
     "minerva_string opencompass_v1 opencompass_v2 lm_eval_0.4.13"},
    {"1,\\text{and} 2", "1,2", "12", "12",
     "minerva_string opencompass_v1 opencompass_v2 lm_eval_0.4.13"},
    {"x \\in [0,1]", "[0,1]", "x\\in[0,1]", "[0,1]", ""},
    {"x\\in[0,1]", "[0,1]", "x\\in[0,1]", "[0,1]", "opencompass_v2"},
    {"x\\le3", "x<3", "x\\le3", "x<3", "opencompass_v1 opencompass_v2"},
    {"x \\cdot y", "xy", "x\\cdoty", "xy", "opencompass_v2"},
    {"\\mathbf{a}", "{a}", "\\mathbf{a}", "{a}", "opencompass_v2"},
    {"\\overline{AB}", "AB", "AB", "AB",
     "minerva_string opencompass_v1 opencompass_v2 lm_eval_0.4.13"},
    {"\\textbf{a}b", "ab", "ab", "ab",
     "minerva_string opencompass_v1 opencompass_v2 lm_eval_0.4.13"},
    {"\\boxed{a}}", "a}", "a}", "a}",
     "minerva_string opencompass_v1 opencompass_v2 lm_eval_0.4.13"},
    {"\\boxed{4}", "4", "4", "4", "minerva_string opencompass_v1 opencompass_v2 lm_eval_0.4.13"},
    {"the answer is 4", "4", "theansweris4", "4", "opencompass_v1 opencompass_v2"},
    {"final answer is 4", "4", "finalansweris4", "4", "opencompass_v1 opencompass_v2"},
    {"answeris:4", "4", "answeris:4", "4", "opencompass_v1 opencompass_v2"},
    {"answe is 4", "4", "answeis4", "4", "opencompass_v1 opencompass_v2"},
    {"rac12", "\\frac{1}{2}", "rac12", "\\frac{1}{2}", "opencompass_v1 opencompass_v2"},
    {"oxed{4}x", "4", "oxed{4}x", "4", "opencompass_v1 opencompass_v2"},
    {"$4$x$5$", "5", "4", "5", "opencompass_v1 opencompass_v2"},
    {"10 080", "10080", "10080", "10080",
     "hendrycks minerva_string opencompass_v1 opencompass_v2 lm_eval_0.4.13"},
    {"a 7", "7", "7", "7", "minerva_string opencompass_v1 opencompass_v2 lm_eval_0.4.13"},
    {"an 7", "7", "7", "7", "minerva_string opencompass_v1 opencompass_v2 lm_eval_0.4.13"},
    {"5...", "5", "5...", "5", "opencompass_v2"},
    {"5\n", "5", "5\n", "5", "hendrycks opencompass_v1 opencompass_v2"},
    {"\\text{\n}5", "5", "5", "5", "minerva_string opencompass_v1 opencompass_v2 lm_eval_0.4.13"},
    {"5\\text{\ns}", "5", "5", "5", "minerva_string opencompass_v1 opencompass_v2 lm_eval_0.4.13"},
    {"1,00,000", "100000", "100000", "100000", "minerva_string opencompass_v1 opencompass_v2"},
    {"12,345,678", "12345678", "12345678", "12345678",
     "minerva_string opencompass_v1 opencompass_v2 lm_eval_0.4.13"},
    {"²,3", "²3", "²3", "²3", "minerva_string opencompass_v1 opencompass_v2"},
    {"٣/٤", "٣/٤", "٣/٤", "٣/٤",
     "hendrycks minerva_string opencompass_v1 opencompass_v2 lm_eval_0.4.13"},
    {"\\fré", "\\fré", "\\fré", "\\fré",
     "hendrycks minerva_string opencompass_v1 opencompass_v2 lm_eval_0.4.13"},
    {"\\fracéx", "\\frac{é}{x}", "\\frac{é}{x}", "\\frac{é}{x}",
     "hendrycks minerva_string opencompass_v1 opencompass_v2 lm_eval_0.4.13"},
    {"\\sqrté", "\\sqrt{é}", "\\sqrt{é}", "\\sqrt{é}",
     "hendrycks minerva_string opencompass_v1 opencompass_v2 lm_eval_0.4.13"},
    {"éé=3", "3", "3", "3",
     "hendrycks minerva_string opencompass_v1 opencompass_v2 lm_eval_0.4.13"},
    {"ééé=3", "3", "3", "3", "minerva_string lm_eval_0.4.13"},
    {"\\text{a}\nb", "a\nb", "a\nb", "a\nb",
     "minerva_string opencompass_v1 opencompass_v2 lm_eval_0.4.13"},
    {"\\text{a\n}b", "ab", "\\text{a\n}b", "ab", "opencompass_v1 opencompass_v2"},
    {"x\r", "x", "x\r", "x", "opencompass_v1 opencompass_v2"},
    {"5 degrees", "5", "5", "5", "minerva_string opencompass_v1 opencompass_v2 lm_eval_0.4.13"},
    {"2\\sqrt{3}\\text{ cm}^2", "2\\sqrt{3}", "2\\sqrt{3}", "2\\sqrt{3}",
     "hendrycks minerva_string opencompass_v1 opencompass_v2 lm_eval_0.4.13"},
    {"\\text{cm}", "cm", "", "", "minerva_string opencompass_v1 opencompass_v2"},
    {"1{,}000", "1000", "1000", "1000",
     "minerva_string opencompass_v1 opencompass_v2 lm_eval_0.4.13"},
    {"1,\\!000", "1000", "1000", "1000",
     "minerva_string opencompass_v1 opencompass_v2 lm_eval_0.4.13"},
    {"\\tfrac 12", "\\frac{1}{2}", "\\tfrac{1}{2}", "\\frac{1}{2}",
     "hendrycks opencompass_v1 opencompass_v2"},
    {"\"5\"", "5", "5", "5", "minerva_string opencompass_v1 opencompass_v2 lm_eval_0.4.13"},
    {"-1/2", "\\frac{-1}{2}", "-1/2", "\\frac{-1}{2}", "hendrycks opencompass_v1 opencompass_v2"},
    {"+1/2", "\\frac{1}{2}", "+1/2", "\\frac{1}{2}", ""},
    {"-0/2", "\\frac{-0}{2}", "-0/2", "\\frac{-0}{2}", ""},
    {"\\%\\%", "", "\\%\\%", "", "hendrycks opencompass_v1 opencompass_v2"},
    {"5\\\\\\\\%%", "5", "5\\\\\\\\%%", "5", "hendrycks opencompass_v1 opencompass_v2"},
    {"\\frac", "\\frac ", "\\frac", "\\frac",
     "minerva_string opencompass_v1 opencompass_v2 lm_eval_0.4.13"},
    {"\\left(x/2", "(x/2", "\\le(x/2", "(x/2", "hendrycks"},
    {"\\fraca\nb", "\\frac\na", "\\fraca\nb", "\\frac{\n}{a}", ""},
    {"1.0.0x", "1x", "1.0.0x", "1x", ""},
    {"\\text{a}", "\\text{b}", "a", "b", ""},
};

static void equal_answers(void **state)
{
    static const char *const rules[] = {
        "hendrycks",      "minerva_string", "opencompass_v1", "opencompass_v2",
        "lm_eval_0.4.13", "lm_eval_0.4.12", "math_verify",    NULL};

    (void)state;
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        json_t *const out =
            apply(cril_rules_math, json_pack("{s:s, s:s}", "reference", pairs[i].reference,
                                             "candidate", pairs[i].candidate));

        expect_text(out, "minerva_reference", pairs[i].minerva_reference, pairs[i].reference);
        expect_text(out, "minerva_candidate", pairs[i].minerva_candidate, pairs[i].candidate);
        expect_truths(out, rules, "", pairs[i].right, pairs[i].candidate);
        assert_int_equal(json_array_size(json_object_get(out, "not_built")), 3);
        json_decref(out);
    }
}

static const struct {
    const char *text, *gold, *minerva_raw, *minerva_normal, *v1, *v2;
    const char *right;
} texts[] = {
    {"So it is $7$.", "7", "[invalidanswer]", "[invalidanswer]", "7", "7",
     "opencompass_v1 opencompass_v2"},
    {"Final Answer: The final answer is $7$. I hope it is correct.", "7", "$7$", "7", "7", "7",
     "minerva_string opencompass_v1 opencompass_v2"},
    {"Final Answer: The final answer is $7$. ", "7", "$7$", "7", "7", "7",
     "minerva_string opencompass_v1 opencompass_v2"},
    {"Final Answer: The final answer is $7$", "7", "[invalidanswer]", "[invalidanswer]", "7", "7",
     "opencompass_v1 opencompass_v2"},
    {"Final Answer: The final answer is $1.5$. I hope it is correct.", "1.5", "$1.5$", "1.5", "1",
     "1", "minerva_string"},
    {"Final Answer: The final answer is 7\n. I hope it is correct.", "7", "[invalidanswer]",
     "[invalidanswer]", "7", "7", "opencompass_v1 opencompass_v2"},
    {"Final Answer: The final answer is7 I hope it is correct.Final Answer: The final answer is8 I "
     "hope it is correct.",
     "", "", "", "7Ihopeitiscorrect", "7Ihopeitiscorrect", "minerva_string"},
    {"Final Answer: The final answer is\nFinal Answer: The final answer is 9. I hope it is "
     "correct.",
     "9", "9", "9", "9", "9", "minerva_string opencompass_v1 opencompass_v2"},
    {"Final Answer: The final answer is I hope it is correct.", "", "[invalidanswer]",
     "[invalidanswer]", "Ihopeitiscorrect", "Ihopeitiscorrect", ""},
    {"Final Answer: The final answer is. I hope it is correct.", "", "", "", "", "",
     "minerva_string opencompass_v1 opencompass_v2"},
    {"Final Answer: The final answer is a. I hope it is correct\nx. I hope it is correct!", "a",
     "[invalidanswer]", "[invalidanswer]", "a", "a", "opencompass_v1 opencompass_v2"},
    {"final answer is 7. I hope it is correct.", "7", "[invalidanswer]", "[invalidanswer]", "7",
     "7", "opencompass_v1 opencompass_v2"},
    {"\\boxed{3} and \\boxed{4}", "4", "[invalidanswer]", "[invalidanswer]", "3}and\\boxed{4", "4",
     "hendrycks opencompass_v2"},
    {"\\boxed{{4}}", "4", "[invalidanswer]", "[invalidanswer]", "{4}", "4", "opencompass_v2"},
    {"\\boxed{{}} 5", "5", "[invalidanswer]", "[invalidanswer]", "{}5", "{}5", ""},
    {"\\boxed{\\frac{1}{2}}", "\\frac12", "[invalidanswer]", "[invalidanswer]", "\\frac{1}{2}",
     "\\frac{1}{2}", "hendrycks opencompass_v1 opencompass_v2"},
    {"\\boxed{4", "4", "[invalidanswer]", "[invalidanswer]", "\\boxed{4", "\\boxed{4", ""},
    {"\\boxed 4", "4", "[invalidanswer]", "[invalidanswer]", "\\boxed4", "\\boxed4", ""},
    {"\\boxed{4} \\boxed x", "4", "[invalidanswer]", "[invalidanswer]", "4\\boxedx", "4\\boxedx",
     ""},
    {"\\fbox{4}", "4", "[invalidanswer]", "[invalidanswer]", "\\fbox{4}", "\\fbox{4}", ""},
    {"\\boxed{4} }\\fbox{5}", "4", "[invalidanswer]", "[invalidanswer]", "4}}\\fbox{5", "4",
     "hendrycks opencompass_v2"},
    {"}\\boxed{4}", "4", "[invalidanswer]", "[invalidanswer]", "}4", "4",
     "hendrycks opencompass_v2"},
    {"A. The Answer Is 7. x", "7", "[invalidanswer]", "[invalidanswer]", "A", "TheAnswerIs7", ""},
    {"A. The FINAL answer 7. x", "FINALanswer7", "[invalidanswer]", "[invalidanswer]",
     "TheFINALanswer7", "TheFINALanswer7", ""},
    {"7. is the answer", "7", "[invalidanswer]", "[invalidanswer]", "7", "7",
     "opencompass_v1 opencompass_v2"},
    {"", "", "[invalidanswer]", "[invalidanswer]", "", "", "opencompass_v1 opencompass_v2"},
    {".", "", "[invalidanswer]", "[invalidanswer]", "", "", "opencompass_v1 opencompass_v2"},
    {"It is 12.5", "12.5", "[invalidanswer]", "[invalidanswer]", "Itis12", "Itis12", ""},
    {"\\boxed{{a}\n}", "a", "[invalidanswer]", "[invalidanswer]", "{a}", "a", "opencompass_v2"},
    {"\\boxed{a\n}", "a", "[invalidanswer]", "[invalidanswer]", "a", "a\n",
     "hendrycks opencompass_v1 opencompass_v2"},
    {"the answer is: $x$ or $y$", "y", "[invalidanswer]", "[invalidanswer]", "y", "y",
     "opencompass_v1 opencompass_v2"},
    {"\\boxed{x=5}", "5", "[invalidanswer]", "[invalidanswer]", "x=5", "x=5",
     "hendrycks opencompass_v1 opencompass_v2"},
    {"\\boxed{2,3}", "23", "[invalidanswer]", "[invalidanswer]", "23", "2,3",
     "opencompass_v1 opencompass_v2"},
    {"\\boxed{\\text{(A)}}", "A", "[invalidanswer]", "[invalidanswer]", "A", "\\text{(A)}",
     "opencompass_v1 opencompass_v2"},
    {"thus \\boxed{5}.", "5", "[invalidanswer]", "[invalidanswer]", "thus5", "5",
     "hendrycks opencompass_v2"},
    {"\\boxed{}}{{4}", "x", "[invalidanswer]", "[invalidanswer]", "}}{{4", "}}{{4", ""},
};

static void answers_in_texts(void **state)
{
    static const char *const rules[] = {"minerva_string", "hendrycks",   "opencompass_v1",
                                        "opencompass_v2", "math_verify", NULL};

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        const char *const text = texts[i].text;
        json_t *const out =
            apply(cril_rules_math, json_pack("{s:s, s:s}", "text", text, "gold", texts[i].gold));

        expect_text(out, "minerva_raw", texts[i].minerva_raw, text);
        expect_text(out, "minerva_normal", texts[i].minerva_normal, text);
        expect_text(out, "opencompass_v1_prediction", texts[i].v1, text);
        expect_text(out, "opencompass_v2_prediction", texts[i].v2, text);
        expect_truths(out, rules, "_match", texts[i].right, text);
        assert_string_equal(json_string_value(json_array_get(json_object_get(out, "not_built"), 0)),
                            "math_verify_match");
        json_decref(out);
    }
}

static void boxes(void **state)
{
    static const char *const cases[][2] = {
        {"a \\boxed{1} b \\boxed{\\frac{1}{2}}.", "\\frac{1}{2}"},
        {"\\fbox{3}", "3"},
        {"\\boxed{4} \\fbox{3}", "4"},
        {"\\boxed{}", ""},
        {"\\boxed{4", NULL},
        {"\\boxed 4", NULL},
        {"\\boxed 4}", NULL},
        {"\\boxed", NULL},
        {"\\boxed{3} \\boxed 4 {5}", NULL},
        {"4", NULL},
        {"", NULL},
    };
    struct cril_bytes answer;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const bool found = cril_math_boxed(cril_bytes_of(cases[i][0]), &answer);

        assert_int_equal(found, cases[i][1] != NULL);
        if (found)
            assert_true(cril_bytes_are(answer, cases[i][1]));
    }
}

/* ---- Fields ---- */

static void bad_fields(void **state)
{
    cril_rules *const all[] = {cril_rules_gsm8k, cril_rules_math, cril_rules_letters,
                               cril_rules_answers};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        expect_failure(all[i], json_pack("{s:s}", "gold", "1"), "the field \"text\" is missing");
        expect_failure(all[i], json_pack("{s:n}", "text"), "the field \"text\" is no text");
    }
    for (size_t i = 0; i < 3; i++)
        expect_failure(all[i], json_pack("{s:s, s:[]}", "text", "1", "gold"),
                       "the field \"gold\" is no text");
    expect_failure(cril_rules_math, json_pack("{s:s}", "reference", "1"),
                   "the field \"candidate\" is missing");
    expect_failure(cril_rules_math, json_pack("{s:s}", "candidate", "1"),
                   "the field \"reference\" is missing");
    expect_failure(cril_rules_answers, json_pack("{s:s, s:s}", "text", "1", "references", "1"),
                   "the field \"references\" is no array of texts");
    expect_failure(cril_rules_answers,
                   json_pack("{s:s, s:[s, i]}", "text", "1", "references", "1", 2),
                   "the field \"references\" is no array of texts");
}

static void names_that_are_there_stay(void **state)
{
    json_t *const in = json_pack("{s:s, s:s}", "text", "#### 1", "gold", "1");
    json_t *const out = json_pack("{s:s, s:i}", "strict", "mine", "strict_match", 7);

    (void)state;
    assert_int_equal(cril_rules_gsm8k(in, out, NULL), CRIL_OK);
    expect_text(out, "strict", "mine", "#### 1");
    assert_int_equal(json_integer_value(json_object_get(out, "strict_match")), 7);
    expect_text(out, "flexible", "1", "#### 1");
    json_decref(in);
    json_decref(out);
}

/* Zero bytes and bytes that are no UTF-8. */
static void odd_bytes(void **state)
{
    json_t *const in = json_object();
    json_t *out;

    (void)state;
    json_object_set_new(in, "text", json_stringn_nocheck("a\0b \xff A\xce", 8));
    out = apply(cril_rules_letters, json_incref(in));
    expect_text(out, "agieval_zero_shot", "A", "odd bytes");
    json_decref(out);
    out = apply(cril_rules_answers, in);
    assert_int_equal(json_string_length(json_object_get(out, "triviaqa_normal")), 12);
    json_decref(out);
}

/* ---- Time ---- */

/* Pieces that, repeated, would make the originals' searches begin anew at every one. */
static void long_texts(void **state)
{
    static const char *const pieces[] = {"answer is ",
                                         "The correct answer is ",
                                         "答案是",
                                         "答案为 x",
                                         "1.",
                                         "A ",
                                         "\\text{",
                                         "\\text{\n",
                                         "\\boxed{",
                                         "\\text{(",
                                         "$",
                                         "frac",
                                         "sqrt[",
                                         "{",
                                         "}",
                                         "5.0",
                                         "\\mbox{",
                                         "Final Answer: The final answer is",
                                         " I hope it is correct",
                                         "#### ",
                                         "-",
                                         "Σ.",
                                         "the ",
                                         "a:",
                                         "=",
                                         "\\frac1",
                                         "1,"};
    cril_rules *const all[] = {cril_rules_gsm8k, cril_rules_math, cril_rules_letters,
                               cril_rules_answers};
    enum { SIZE = 200000 / CRIL_TEST_SCALE };
    char *const text = malloc(SIZE + 64);

    (void)state;
    assert_non_null(text);
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        size_t n = 0;

        for (; n < SIZE; n += strlen(pieces[i]))
            memcpy(text + n, pieces[i], strlen(pieces[i]));
        memcpy(text + n, " x", 3);
        for (size_t r = 0; r < 4; r++)
            json_decref(apply(all[r], json_pack("{s:s, s:s, s:[s]}", "text", text, "gold", text,
                                                "references", text)));
        json_decref(
            apply(cril_rules_math, json_pack("{s:s, s:s}", "reference", text, "candidate", "x")));
    }
    free(text);
}

/* ---- Published vectors ---- */

/* What is not a rule's, or not built. */
static bool is_checked(const char *name)
{
    static const char *const others[] = {"id",
                                         "text",
                                         "gold",
                                         "references",
                                         "reference",
                                         "candidate",
                                         "same_answer",
                                         "lm_eval_0.4.12",
                                         "lm_eval_0.4.13",
                                         "math_verify",
                                         "math_verify_match"};

    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        if (!strcmp(name, others[i]))
            return false;
    return true;
}

static size_t check_vector(cril_rules *rules, json_t *line)
{
    json_t *const out = apply(rules, json_incref(line));
    const char *name;
    json_t *want;
    size_t n = 0;

    json_object_foreach(line, name, want)
    {
        if (!is_checked(name))
            continue;
        n++;
        if (!json_equal(want, json_object_get(out, name)))
            fail_msg("%s: %s", json_string_value(json_object_get(line, "id")), name);
    }
    if (json_is_true(json_object_get(out, "lm_eval_0.4.13")))
        assert_true(json_is_true(json_object_get(line, "lm_eval_0.4.13")));
    json_decref(out);
    return n;
}

static void published_vectors(void **state)
{
    static const struct {
        const char *name;
        cril_rules *rules;
    } files[] = {{"gsm8k_extraction", cril_rules_gsm8k},
                 {"letter_extraction", cril_rules_letters},
                 {"math_equality", cril_rules_math},
                 {"math_extraction", cril_rules_math},
                 {"qa_normalisation", cril_rules_answers}};
    const char *const shared = getenv("CRIL_SHARED");
    char path[600];
    size_t n = 0;

    (void)state;
    if (!shared) {
        print_message("skipped: CRIL_SHARED names no folder with vectors\n");
        skip();
    }
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        json_t *line;
        FILE *f;

        snprintf(path, sizeof(path), "%s/tasks/given/vec_%s.jsonl", shared, files[i].name);
        assert_non_null(f = fopen(path, "r"));
        while ((line = json_loadf(f, JSON_DISABLE_EOF_CHECK, NULL))) {
            n += check_vector(files[i].rules, line);
            json_decref(line);
        }
        fclose(f);
    }
    print_message("%zu values\n", n);
    assert_true(n > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_of_gsm8k),
        cmocka_unit_test(stops_of_gsm8k),
        cmocka_unit_test(letters_of_sat_math),
        cmocka_unit_test(short_answers),
        cmocka_unit_test(equal_answers),
        cmocka_unit_test(answers_in_texts),
        cmocka_unit_test(boxes),
        cmocka_unit_test(bad_fields),
        cmocka_unit_test(names_that_are_there_stay),
        cmocka_unit_test(odd_bytes),
        cmocka_unit_test(long_texts),
        cmocka_unit_test(published_vectors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
