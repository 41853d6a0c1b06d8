/*
 * Items through a tiny model: tokens and nats by the rules for continuations, prompts and texts
 * alone, computed here token by token; the same lines with any batch; figures of lines.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tasks/evaluate.h"
#include "tasks/item_lines.h"
#include "tasks/item_windows.h"
#include "util/json.h"

#include <cril/session.h>
#include <cril/score.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX = 64 };

struct fixture {
    cril_model *m;
    cril_scorer *scorer;
};

/* ---- Items ---- */

static struct cril_bytes bytes(const char *text)
{
    return text ? cril_bytes_of(text) : (struct cril_bytes){0};
}

static struct cril_evaluation make(const char *metric, size_t n)
{
    struct cril_evaluation e = {.name = "toy"};

    strcpy(e.settings.name, "paper");
    e.settings.protocol = (struct cril_task_protocol){.name = "paper", .metric = metric};
    e.items.item = calloc(n + 1, sizeof(*e.items.item));
    assert_non_null(e.items.item);
    return e;
}

static struct cril_item *add(struct cril_evaluation *e, const char *subject,
                             enum cril_item_kind kind, const char *context)
{
    struct cril_item *item = &e->items.item[e->items.n];

    *item = (struct cril_item){.subject = subject,
                               .index = e->items.n++,
                               .kind = kind,
                               .context = bytes(context),
                               .gold = -1};
    return item;
}

/* texts: then NULL. */
static struct cril_item *add_choices(struct cril_evaluation *e, const char *subject,
                                     const char *context, const char *const *texts, ptrdiff_t gold)
{
    struct cril_item *item = add(e, subject, CRIL_ITEM_CHOICES, context);

    item->gold = gold;
    while (texts[item->n_choices])
        item->n_choices++;
    item->choices = cril_arena_take(&e->items.arena, item->n_choices, sizeof(*item->choices));
    assert_non_null(item->choices);
    for (size_t i = 0; i < item->n_choices; i++)
        item->choices[i] = (struct cril_item_choice){
            .text = bytes(texts[i]), .characters = strlen(texts[i]) - 1, .reference_nats = NAN};
    return item;
}

/* ---- Running ---- */

struct lines {
    char *line[MAX];
    size_t n; /* that came */
    size_t stop_after;
    char control[64];
};

static bool has(void *user, size_t item)
{
    return ((struct lines *)user)->line[item] != NULL;
}

static int on_item(void *user, size_t item, const char *line, size_t len)
{
    struct lines *l = user;

    assert_true(item < MAX && !l->line[item]);
    l->line[item] = malloc(len + 1);
    assert_non_null(l->line[item]);
    memcpy(l->line[item], line, len);
    l->line[item][len] = '\0';
    return ++l->n == l->stop_after;
}

static void on_control(void *user, const char *name)
{
    strcpy(((struct lines *)user)->control, name);
}

static cril_status run_with(const struct fixture *f, const struct cril_evaluation *e,
                            struct cril_evaluation_options o, struct lines *l, cril_error *err)
{
    const struct cril_evaluation_callbacks callbacks = {
        .user = l, .has = has, .on_item = on_item, .on_control = on_control};

    if (!o.threads)
        o.threads = 1;
    return cril_evaluate(e, f->m, &o, &callbacks, err);
}

static void run(const struct fixture *f, const struct cril_evaluation *e, struct lines *l)
{
    cril_error err;

    if (run_with(f, e, (struct cril_evaluation_options){0}, l, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    assert_int_equal(l->n, e->items.n);
}

static json_t *parsed(const struct lines *l, size_t item)
{
    json_t *line = NULL;

    assert_int_equal(
        cril_json_parse("line", (const uint8_t *)l->line[item], strlen(l->line[item]), &line, NULL),
        CRIL_OK);
    return line;
}

static void free_lines(struct lines *l)
{
    for (size_t i = 0; i < MAX; i++)
        free(l->line[i]);
    *l = (struct lines){0};
}

/* ---- By hand ---- */

static cril_ids encode(const struct fixture *f, const char *text, unsigned flags)
{
    cril_ids ids = {0};

    assert_int_equal(
        cril_tokenizer_encode(cril_model_tokenizer(f->m), text, strlen(text), flags, &ids, NULL),
        CRIL_OK);
    return ids;
}

/* Nats of the last n_scored of ids [n]. */
static double nats_of(const struct fixture *f, const int32_t *ids, size_t n, size_t n_scored)
{
    double nats[512], sum = 0;

    assert_true(n <= 512);
    assert_int_equal(cril_score_tokens(f->scorer, ids, n, nats, NULL), CRIL_OK);
    for (size_t i = n - 1 - n_scored; i < n - 1; i++)
        sum += nats[i];
    return sum;
}

static void assert_ids(const json_t *list, const int32_t *ids, size_t n)
{
    assert_int_equal(json_array_size(list), n);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(json_integer_value(json_array_get(list, i)), ids[i]);
}

static const json_t *choice_of(const json_t *line, size_t i)
{
    return json_array_get(json_object_get(line, "choices"), i);
}

/* ---- Continuations ---- */

static const char *const two[] = {" the ring", " a thing there", NULL};

static void test_choices(void **state)
{
    const struct fixture *f = *state;
    struct cril_evaluation e = make("acc_norm", 1);
    struct lines l = {0};
    cril_ids context = encode(f, "on the area", CRIL_ENCODE_ADD_SPECIAL);
    double nats[2];
    json_t *line;

    add_choices(&e, NULL, "on the area", two, 1);
    run(f, &e, &l);
    line = parsed(&l, 0);
    assert_string_equal(json_string_value(json_object_get(line, "task")), "toy");
    assert_string_equal(json_string_value(json_object_get(line, "subject")), "");
    assert_string_equal(json_string_value(json_object_get(line, "prompt")), "on the area");
    assert_ids(json_object_get(line, "prompt_ids"), context.data, context.n);
    for (size_t i = 0; i < 2; i++) {
        const json_t *choice = choice_of(line, i);
        char both[64];
        cril_ids whole;

        snprintf(both, sizeof(both), "on the area%s", two[i]);
        whole = encode(f, both, CRIL_ENCODE_ADD_SPECIAL);
        nats[i] = nats_of(f, whole.data, whole.n, whole.n - context.n);
        assert_string_equal(json_string_value(json_object_get(choice, "text")), two[i]);
        assert_ids(json_object_get(choice, "ids"), whole.data + context.n, whole.n - context.n);
        assert_true(json_real_value(json_object_get(choice, "nats")) == nats[i]);
        assert_null(json_object_get(choice, "cut"));
        cril_ids_free(&whole);
    }
    assert_int_equal(json_integer_value(json_object_get(line, "acc")), nats[1] < nats[0]);
    assert_int_equal(json_integer_value(json_object_get(line, "acc_norm")),
                     nats[1] / 13 < nats[0] / 8);
    assert_int_equal(json_integer_value(json_object_get(line, "answer")),
                     nats[1] / 13 < nats[0] / 8);
    assert_true(json_real_value(json_object_get(line, "gold_nats")) == nats[1]);
    assert_int_equal(json_integer_value(json_object_get(line, "gold_bytes")), 14);
    json_decref(line);
    cril_ids_free(&context);
    free_lines(&l);
    cril_evaluation_free(&e);
}

/* The text of the most likely token behind a text. */
static void most_likely(const struct fixture *f, const char *context, char text[32])
{
    const cril_session_options o = {.threads = 1, .context = 64};
    cril_ids ids = encode(f, context, CRIL_ENCODE_ADD_SPECIAL);
    const cril_feed feed = {.ids = ids.data, .n = ids.n};
    cril_session *s;
    const float *logits;
    size_t best = 0, len;

    assert_int_equal(cril_session_create(f->m, &o, &s, NULL), CRIL_OK);
    assert_int_equal(cril_session_feed(s, &feed, 1, NULL), CRIL_OK);
    logits = cril_session_logits(s, 0);
    for (size_t i = 1; i < cril_model_logits(f->m); i++)
        best = logits[i] > logits[best] ? i : best;
    const char *piece = cril_tokenizer_piece(cril_model_tokenizer(f->m), (int32_t)best, &len);

    assert_true(len && len < 32);
    memcpy(text, piece, len);
    text[len] = '\0';
    cril_session_free(s);
    cril_ids_free(&ids);
}

/* A single continuation: whether greedy decoding would give it, where that is the score. */
static void test_greedy(void **state)
{
    static const char *const metrics[] = {"acc", ""};
    const struct fixture *f = *state;
    const char *texts[] = {" the ring", NULL, NULL};
    char likely[32], last[64] = " the ring"; /* of the last only the end is likely */

    most_likely(f, "on the area", likely);
    most_likely(f, "on the area the ring", last + strlen(last));
    for (size_t m = 0; m < 2; m++) {
        struct cril_evaluation e = make(metrics[m], 3);
        struct lines l = {0};

        texts[0] = " the ring";
        add_choices(&e, NULL, "on the area", texts, 0);
        texts[0] = likely;
        add_choices(&e, NULL, "on the area", texts, 0);
        texts[0] = last;
        add_choices(&e, NULL, "on the area", texts, 0);
        run(f, &e, &l);
        for (size_t i = 0; i < 3; i++) {
            static const size_t n_ids[] = {4, 1, 5};
            json_t *line = parsed(&l, i);
            const json_t *acc = json_object_get(line, "acc"),
                         *greedy = json_object_get(choice_of(line, 0), "greedy");

            assert_int_equal(json_array_size(json_object_get(choice_of(line, 0), "ids")), n_ids[i]);
            assert_true(m == 0 ? json_is_boolean(greedy) : greedy == NULL);
            assert_true(m == 0 ? json_integer_value(acc) == (i == 1) : acc == NULL);
            assert_int_equal(json_is_true(greedy), m == 0 && i == 1);
            json_decref(line);
        }
        free_lines(&l);
        cril_evaluation_free(&e);
    }
}

/* White space at the context's end, of any kind that Python knows, goes to the continuation. */
static void test_moved_blanks(void **state)
{
    const struct fixture *f = *state;
    struct cril_evaluation e = make("acc", 1);
    struct lines l = {0};
    cril_ids context = encode(f, "on the area:", CRIL_ENCODE_ADD_SPECIAL);
    cril_ids whole =
        encode(f, "on the area:\xc2\xa0\xe2\x80\xa9 \nthe ring", CRIL_ENCODE_ADD_SPECIAL);
    const char *const texts[] = {"the ring", "a", NULL};
    json_t *line;

    add_choices(&e, NULL, "on the area:\xc2\xa0\xe2\x80\xa9 \n", texts, 0);
    run(f, &e, &l);
    line = parsed(&l, 0);
    assert_ids(json_object_get(line, "prompt_ids"), context.data, context.n);
    assert_ids(json_object_get(choice_of(line, 0), "ids"), whole.data + context.n,
               whole.n - context.n);
    assert_int_equal(json_integer_value(json_object_get(line, "gold_bytes")), 8 + 7);
    assert_int_equal(json_string_length(json_object_get(line, "prompt")), 12 + 7);
    json_decref(line);
    cril_ids_free(&context);
    cril_ids_free(&whole);
    free_lines(&l);
    cril_evaluation_free(&e);
}

static size_t without_blanks(const char *text)
{
    return cril_without_blanks(text, strlen(text));
}

static void test_blanks(void **state)
{
    (void)state;
    assert_int_equal(without_blanks("a \t\n\v\f\r\x1c\x1d\x1e\x1f"), 1);
    assert_int_equal(without_blanks("a\xc2\x85\xe1\x9a\x80\xe2\x80\x8a\xe3\x80\x80"), 1);
    assert_int_equal(without_blanks("a\xe2\x80\x8b"), 4); /* no blank: U+200B */
    assert_int_equal(without_blanks("a\xe1\xa0\x8e"), 4); /* nor U+180E */
    assert_int_equal(without_blanks(" \n "), 0);
    assert_int_equal(without_blanks(""), 0);
    assert_int_equal(without_blanks("\xa0"), 1); /* ill-formed */
}

/* In place of an empty context stands BOS, which is not put there twice. */
static void test_empty_context(void **state)
{
    const struct fixture *f = *state;
    struct cril_evaluation e = make("acc", 1);
    const int32_t bos = cril_tokenizer_bos(cril_model_tokenizer(f->m));
    const char *const texts[] = {"the ring", "<s>a", NULL};
    cril_ids first = encode(f, "the ring", 0), second = encode(f, "a", 0);
    struct lines l = {0};
    cril_error err;
    json_t *line;

    add_choices(&e, NULL, "", texts, 0);
    assert_int_equal(run_with(f, &e, (struct cril_evaluation_options){.special = true}, &l, &err),
                     CRIL_OK);
    line = parsed(&l, 0);
    assert_ids(json_object_get(line, "prompt_ids"), &bos, 1);
    assert_ids(json_object_get(choice_of(line, 0), "ids"), first.data, first.n);
    assert_ids(json_object_get(choice_of(line, 1), "ids"), second.data, second.n);
    json_decref(line);
    cril_ids_free(&first);
    cril_ids_free(&second);
    free_lines(&l);
    cril_evaluation_free(&e);
}

static void test_bos(void **state)
{
    const struct fixture *f = *state;
    struct cril_evaluation e = make("acc", 1);
    cril_ids with = encode(f, "area", CRIL_ENCODE_ADD_SPECIAL), without = encode(f, "area", 0);
    const enum cril_bos_rule rules[] = {CRIL_BOS_TOKENIZER, CRIL_BOS_GEMMA, CRIL_BOS_NONE};

    add_choices(&e, NULL, "area", two, 0);
    for (size_t i = 0; i < 4; i++) { /* the fourth: as the first, but no BOS is asked for */
        const cril_ids *wanted = i ? &without : &with; /* the model is no Gemma */
        struct lines l = {0};
        cril_error err;
        json_t *line;

        e.settings.protocol.bos = rules[i % 3];
        assert_int_equal(
            run_with(f, &e, (struct cril_evaluation_options){.no_bos = i == 3}, &l, &err), CRIL_OK);
        line = parsed(&l, 0);
        assert_ids(json_object_get(line, "prompt_ids"), wanted->data, wanted->n);
        json_decref(line);
        free_lines(&l);
    }
    cril_ids_free(&with);
    cril_ids_free(&without);
    cril_evaluation_free(&e);
}

/* A look-alike of a control token is text unless asked otherwise, and is told of. A BOS that a
 * context brings along is not doubled. */
static void test_special(void **state)
{
    const struct fixture *f = *state;
    struct cril_evaluation e = make("acc", 1);
    cril_ids as_text = encode(f, "<s>area", CRIL_ENCODE_ADD_SPECIAL);
    cril_ids as_token = encode(f, "<s>area", CRIL_ENCODE_SPECIAL);

    add_choices(&e, NULL, "<s>area", two, 0);
    for (int special = 0; special < 2; special++) {
        const cril_ids *wanted = special ? &as_token : &as_text;
        struct lines l = {0};
        cril_error err;
        json_t *line;

        assert_int_equal(
            run_with(f, &e, (struct cril_evaluation_options){.special = special}, &l, &err),
            CRIL_OK);
        assert_string_equal(l.control, special ? "" : "<s>");
        line = parsed(&l, 0);
        assert_ids(json_object_get(line, "prompt_ids"), wanted->data, wanted->n);
        json_decref(line);
        free_lines(&l);
    }
    cril_ids_free(&as_text);
    cril_ids_free(&as_token);
    cril_evaluation_free(&e);
}

/* Contexts lose their beginning, each as much as its continuation needs. */
static void test_window(void **state)
{
    const struct fixture *f = *state;
    struct cril_evaluation e = make("acc", 1);
    struct lines l = {0};
    cril_ids context = encode(f, "on the area there", CRIL_ENCODE_ADD_SPECIAL);
    json_t *line;
    size_t cut[2];

    e.settings.protocol.window = 8;
    add_choices(&e, NULL, "on the area there", two, 0);
    run(f, &e, &l);
    line = parsed(&l, 0);
    for (size_t i = 0; i < 2; i++) {
        char both[64];
        cril_ids whole;

        snprintf(both, sizeof(both), "on the area there%s", two[i]);
        whole = encode(f, both, CRIL_ENCODE_ADD_SPECIAL);
        assert_true(whole.n > 9);
        cut[i] = whole.n - 9;
        assert_true(json_real_value(json_object_get(choice_of(line, i), "nats")) ==
                    nats_of(f, whole.data + cut[i], 9, whole.n - context.n));
        cril_ids_free(&whole);
    }
    assert_true(cut[0] < cut[1]);
    assert_ids(json_object_get(line, "prompt_ids"), context.data + cut[0], context.n - cut[0]);
    assert_int_equal(json_integer_value(json_object_get(line, "cut")), cut[0]);
    assert_int_equal(json_integer_value(json_object_get(choice_of(line, 1), "cut")),
                     cut[1] - cut[0]);
    json_decref(line);
    cril_ids_free(&context);
    free_lines(&l);
    cril_evaluation_free(&e);
}

/* What cannot be scored has a sentence, counts, and stops nothing. */
static void test_faults(void **state)
{
    const struct fixture *f = *state;
    struct cril_evaluation e = make("acc", 3);
    const char *const joined[] = {"g", " a", NULL}, *const fine[] = {" a", " the", NULL};
    const char *const longer[] = {" on on on on on on on on", " a", NULL};
    struct cril_evaluation_sum *sum;
    const cril_eval_score *s;
    struct lines l = {0};
    json_t *line;
    size_t n;

    e.settings.protocol.window = 7;
    add_choices(&e, NULL, "walkin", joined, 0);
    add_choices(&e, NULL, "walk", longer, 0);
    add_choices(&e, NULL, "walk", fine, 0);
    run(f, &e, &l);
    line = parsed(&l, 0);
    assert_non_null(
        strstr(json_string_value(json_object_get(line, "error")), "\"g\" has no token of its own"));
    assert_null(json_object_get(line, "choices"));
    json_decref(line);
    line = parsed(&l, 1);
    assert_non_null(
        strstr(json_string_value(json_object_get(line, "error")), "more than the window of 7"));
    json_decref(line);
    assert_int_equal(cril_evaluation_sum_create(&e, &sum, NULL), CRIL_OK);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(cril_evaluation_sum_add(sum, l.line[i], strlen(l.line[i]), NULL), CRIL_OK);
    s = cril_evaluation_sum_scores(sum, &n);
    assert_int_equal(n, 1);
    assert_int_equal(s->items, 3);
    assert_int_equal(s->errors, 2);
    assert_int_equal(s->scored, 3);
    assert_int_equal(s->gold_items, 1);
    line = parsed(&l, 2);
    assert_true(s->score == (double)json_integer_value(json_object_get(line, "acc")) / 3);
    json_decref(line);
    cril_evaluation_sum_free(sum);
    free_lines(&l);
    cril_evaluation_free(&e);
}

/* A gold answer that is text of its own, after a context of its own. */
static void test_gold_text(void **state)
{
    const struct fixture *f = *state;
    struct cril_evaluation e = make("acc", 1);
    cril_ids context = encode(f, "a thing", CRIL_ENCODE_ADD_SPECIAL);
    cril_ids whole = encode(f, "a thing there", CRIL_ENCODE_ADD_SPECIAL);
    struct lines l = {0};
    struct cril_item *item = add_choices(&e, NULL, "on", two, 1);
    json_t *line;

    item->gold_context = bytes("a thing");
    item->gold_text = bytes(" there");
    run(f, &e, &l);
    line = parsed(&l, 0);
    assert_true(json_real_value(json_object_get(line, "gold_nats")) ==
                nats_of(f, whole.data, whole.n, whole.n - context.n));
    assert_int_equal(json_integer_value(json_object_get(line, "gold_bytes")), 6);
    json_decref(line);
    cril_ids_free(&context);
    cril_ids_free(&whole);
    free_lines(&l);
    cril_evaluation_free(&e);
}

/* ---- Texts alone ---- */

static const char long_text[] = "on the area there, a thing; the fining ring on it, and the then "
                                "ton of the area in the area again and again until there is none";

static void test_rolling(void **state)
{
    const struct fixture *f = *state;
    struct cril_evaluation e = make("acc", 1);
    const cril_score_options o = {.protocol = "rolling", .context = 16, .threads = 1};
    char path[] = "/tmp/cril-test-XXXXXX";
    const int fd = mkstemp(path);
    FILE *file = fdopen(fd, "w");
    struct lines l = {0};
    cril_scorer *s;
    cril_corpus *c;
    cril_result r;
    json_t *line;

    assert_non_null(file);
    fputs(long_text, file);
    fclose(file);
    assert_int_equal(cril_scorer_create(f->m, &o, &s, NULL), CRIL_OK);
    assert_int_equal(cril_corpus_open(path, &(cril_corpus_options){.format = "text"}, &c, NULL),
                     CRIL_OK);
    assert_int_equal(cril_score_corpus(s, c, path, NULL, &r, NULL), CRIL_OK);
    e.settings.protocol.window = 16;
    add(&e, NULL, CRIL_ITEM_ROLLING, long_text);
    run(f, &e, &l);
    line = parsed(&l, 0);
    assert_true(json_real_value(json_object_get(line, "nats")) == r.nats);
    assert_int_equal(json_integer_value(json_object_get(line, "tokens")), r.scored_tokens);
    assert_int_equal(json_integer_value(json_object_get(line, "gold_bytes")), strlen(long_text));
    json_decref(line);
    free_lines(&l);
    cril_result_free(&r);
    cril_corpus_close(c);
    cril_scorer_free(s);
    remove(path);
    cril_evaluation_free(&e);
}

/* ---- Prompts ---- */

static void test_prompts(void **state)
{
    const struct fixture *f = *state;
    cril_ids whole = encode(f, long_text, CRIL_ENCODE_ADD_SPECIAL);
    struct cril_task_protocol p = {.name = "paper", .window = 20};

    for (int right = 0; right < 2; right++) {
        struct cril_windower w;
        struct cril_fault fault;
        struct cril_laid laid;
        cril_ids ids = {0};

        p.cut_right = right;
        assert_int_equal(cril_windower_init(&w, f->m, &p, false, false, NULL), CRIL_OK);
        assert_int_equal(cril_windower_prompt(&w, bytes(long_text), 12, &ids, &laid, &fault, NULL),
                         CRIL_OK);
        assert_string_equal(fault.text, "");
        assert_int_equal(laid.n, 8);
        assert_int_equal(laid.cut, whole.n - 8);
        assert_memory_equal(ids.data, right ? whole.data : whole.data + whole.n - 8,
                            8 * sizeof(*ids.data));
        assert_int_equal(cril_windower_prompt(&w, bytes(long_text), 20, &ids, &laid, &fault, NULL),
                         CRIL_OK);
        assert_non_null(strstr(fault.text, "leaves no room"));
        cril_ids_free(&ids);
        cril_windower_free(&w);
    }
    cril_ids_free(&whole);
}

/* ---- Many ---- */

static const char *const several[] = {"on the area", "a thing", "walk", "the ring there and",
                                      "1 2 3",       "on",      "x",    "then"};
enum { N_SEVERAL = 8 };

static void fill(struct cril_evaluation *e)
{
    static const char *const subjects[] = {"b", "a", "c"};

    for (size_t i = 0; i < N_SEVERAL; i++)
        add_choices(e, subjects[i % 3], several[i], two, (ptrdiff_t)(i % 2));
    add(e, "a", CRIL_ITEM_ROLLING, long_text);
}

/* Lines do not depend on batches, nor on which were known before. */
static void test_same_lines(void **state)
{
    const struct fixture *f = *state;
    struct cril_evaluation e = make("acc", N_SEVERAL + 1);
    struct lines whole = {0}, l = {0};
    cril_error err;

    fill(&e);
    run(f, &e, &whole);
    assert_int_equal(run_with(f, &e,
                              (struct cril_evaluation_options){.threads = 2, .batch_tokens = 1}, &l,
                              &err),
                     CRIL_OK);
    for (size_t i = 0; i < e.items.n; i++)
        assert_string_equal(l.line[i], whole.line[i]);
    free_lines(&l);
    l.stop_after = 3;
    assert_int_equal(run_with(f, &e, (struct cril_evaluation_options){0}, &l, &err),
                     CRIL_ERR_CANCELLED);
    assert_int_equal(l.n, 3);
    l.stop_after = 0;
    assert_int_equal(run_with(f, &e, (struct cril_evaluation_options){0}, &l, &err), CRIL_OK);
    for (size_t i = 0; i < e.items.n; i++)
        assert_string_equal(l.line[i], whole.line[i]);
    free_lines(&whole);
    free_lines(&l);
    cril_evaluation_free(&e);
}

static void test_dry_run(void **state)
{
    const struct fixture *f = *state;
    struct cril_evaluation e = make("acc", N_SEVERAL + 1);
    struct lines whole = {0}, l = {0};
    cril_error err;

    fill(&e);
    run(f, &e, &whole);
    assert_int_equal(run_with(f, &e, (struct cril_evaluation_options){.dry_run = true}, &l, &err),
                     CRIL_OK);
    assert_int_equal(l.n, e.items.n);
    for (size_t i = 0; i < N_SEVERAL; i++) {
        json_t *dry = parsed(&l, i), *full = parsed(&whole, i);

        assert_true(
            json_equal(json_object_get(dry, "prompt_ids"), json_object_get(full, "prompt_ids")));
        assert_true(json_equal(json_object_get(choice_of(dry, 1), "ids"),
                               json_object_get(choice_of(full, 1), "ids")));
        assert_null(json_object_get(choice_of(dry, 1), "nats"));
        assert_null(json_object_get(dry, "acc"));
        assert_null(json_object_get(dry, "gold_nats"));
        json_decref(dry);
        json_decref(full);
    }
    free_lines(&whole);
    free_lines(&l);
    cril_evaluation_free(&e);
}

/* ---- Figures ---- */

static void add_line(struct cril_evaluation_sum *sum, const char *subject, int index, int acc)
{
    char line[300];

    snprintf(line, sizeof(line),
             "{\"task\": \"toy\", \"subject\": \"%s\", \"protocol\": \"paper\", \"index\": %d, "
             "\"gold\": 0, \"acc\": %d, \"gold_nats\": %d.5, \"gold_bytes\": %d}",
             subject, index, acc, 2 + index, 1 + index);
    assert_int_equal(cril_evaluation_sum_add(sum, line, strlen(line), NULL), CRIL_OK);
}

/* Subjects of 4 and 2 items: 3 of 4 and 1 of 2 right. */
static void test_subjects(void **state)
{
    (void)state;
    struct cril_evaluation e = make("acc", 0);

    for (int mean = 0; mean < 2; mean++) {
        struct cril_evaluation_sum *sum;
        const cril_eval_score *s;
        const double se_a = sqrt(0.25 / 3 * 0.75), se_b = sqrt(0.25);
        double rates = 0, nats = 0;
        size_t n;

        e.settings.protocol.mean_of_subjects = mean;
        assert_int_equal(cril_evaluation_sum_create(&e, &sum, NULL), CRIL_OK);
        add_line(sum, "b", 5, 1);
        for (int i = 0; i < 4; i++)
            add_line(sum, "a", i, i > 0);
        add_line(sum, "b", 4, 0);
        add_line(sum, "b", 4, 0); /* the same again */
        s = cril_evaluation_sum_scores(sum, &n);
        assert_int_equal(n, 3);
        assert_string_equal(s[0].subject, "");
        assert_string_equal(s[1].subject, "a");
        assert_int_equal(s[1].items, 4);
        assert_true(s[1].score == 0.75 && s[2].score == 0.5);
        assert_true(fabs(s[1].se - se_a) < 1e-15 && fabs(s[2].se - se_b) < 1e-15);
        assert_int_equal(s[0].items, 6);
        if (mean) {
            assert_true(s[0].score == 0.625);
            assert_true(fabs(s[0].se - sqrt(se_a * se_a + se_b * se_b) / 2) < 1e-15);
        } else {
            assert_true(s[0].score == 4.0 / 6);
            assert_true(fabs(s[0].se - sqrt((3 * 4 * se_a * se_a + 1 * 2 * se_b * se_b) / 4 / 6)) <
                        1e-15);
        }
        for (int i = 0; i < 6; i++) {
            rates += (2.5 + i) / CRIL_LN2 / (1 + i) / 6;
            nats += (2.5 + i) / CRIL_LN2 / 21;
        }
        assert_true(fabs(s[0].bpb - rates) < 1e-14 && fabs(s[0].bpb_total - nats) < 1e-14);
        cril_evaluation_sum_free(sum);
    }
    cril_evaluation_free(&e);
}

static cril_status try_line(struct cril_evaluation_sum *sum, const char *line)
{
    return cril_evaluation_sum_add(sum, line, strlen(line), NULL);
}

static void test_bad_lines(void **state)
{
    (void)state;
    struct cril_evaluation e = make("acc", 1);
    struct cril_evaluation_sum *sum;

    add(&e, "a", CRIL_ITEM_CHOICES, "x");
    assert_int_equal(cril_evaluation_sum_create(&e, &sum, NULL), CRIL_OK);
    assert_int_equal(try_line(sum, "{"), CRIL_ERR_FORMAT);
    assert_int_equal(try_line(sum, "[]"), CRIL_ERR_FORMAT);
    assert_int_equal(try_line(sum, "{\"task\": \"other\", \"subject\": \"a\", \"protocol\": "
                                   "\"paper\", \"index\": 0}"),
                     CRIL_ERR_FORMAT);
    assert_int_equal(try_line(sum, "{\"task\": \"toy\", \"subject\": \"a\", \"protocol\": "
                                   "\"harness\", \"index\": 0}"),
                     CRIL_ERR_FORMAT);
    assert_int_equal(
        try_line(sum, "{\"task\": \"toy\", \"subject\": \"a\", \"protocol\": \"paper\"}"),
        CRIL_ERR_FORMAT);
    assert_int_equal(try_line(sum, "{\"task\": \"toy\", \"subject\": \"a\", \"protocol\": "
                                   "\"paper\", \"index\": 1}"),
                     CRIL_ERR_FORMAT); /* none of the items */
    assert_int_equal(try_line(sum, "{\"task\": \"toy\", \"subject\": \"a\", \"protocol\": "
                                   "\"paper\", \"index\": 0, \"gold_nats\": 1.5}"),
                     CRIL_ERR_FORMAT);
    assert_int_equal(try_line(sum, "{\"task\": \"toy\", \"subject\": \"a\", \"protocol\": "
                                   "\"paper\", \"index\": 0, \"acc\": 1}"),
                     CRIL_OK);
    assert_int_equal(try_line(sum, "{\"task\": \"toy\", \"subject\": \"a\", \"protocol\": "
                                   "\"paper\", \"index\": 0, \"acc\": 0}"),
                     CRIL_ERR_FORMAT); /* another verdict */
    cril_evaluation_sum_free(sum);
    cril_evaluation_free(&e);
}

/* Ties go to the first; a choice without characters loses. */
static void test_ties(void **state)
{
    (void)state;
    const struct cril_item_choice c[] = {{.characters = 2}, {.characters = 4}, {.characters = 0}};
    const double nats[] = {2, 4, 1};

    assert_int_equal(cril_choice_of_sums((const double[]){3, 2, 2}, 3), 1);
    assert_int_equal(cril_choice_of_means(nats, c, 3), 0);
    assert_int_equal(cril_choice_of_sums(nats, 3), 2);
}

static int set_up(void **state)
{
    static struct fixture f;

    assert_int_equal(cril_model_open(CRIL_TEST_DATA "/golden/tiny-llama.gguf", &f.m, NULL),
                     CRIL_OK);
    assert_int_equal(cril_scorer_create(f.m, &(cril_score_options){.threads = 1}, &f.scorer, NULL),
                     CRIL_OK);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    cril_scorer_free(f->scorer);
    cril_model_close(f->m);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_choices),       cmocka_unit_test(test_greedy),
        cmocka_unit_test(test_moved_blanks),  cmocka_unit_test(test_blanks),
        cmocka_unit_test(test_empty_context), cmocka_unit_test(test_bos),
        cmocka_unit_test(test_special),       cmocka_unit_test(test_window),
        cmocka_unit_test(test_faults),        cmocka_unit_test(test_gold_text),
        cmocka_unit_test(test_rolling),       cmocka_unit_test(test_prompts),
        cmocka_unit_test(test_same_lines),    cmocka_unit_test(test_dry_run),
        cmocka_unit_test(test_subjects),      cmocka_unit_test(test_bad_lines),
        cmocka_unit_test(test_ties),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
