/*
 * Evaluations with their journals: a run that was stopped, torn, or met a full disk goes on and
 * gives the same items; what may not be shared is told apart. Two files of items, compared.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <cril/eval.h>
#include <cril/items.h>
#include <dirent.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/cril-test-XXXXXX";
static char requests[64], journals[64];
static cril_model *model;

/* ---- Files ---- */

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

/* The only journal, into path; false: there is none. */
static bool find_journal(char path[320])
{
    DIR *d = opendir(journals);
    struct dirent *e;
    bool found = false;

    while (d && (e = readdir(d)))
        if (e->d_name[0] != '.') {
            assert_false(found);
            snprintf(path, 320, "%s/%.200s", journals, e->d_name);
            found = true;
        }
    if (d)
        closedir(d);
    return found;
}

/* ---- Runs ---- */

struct watch {
    size_t stop_at, most; /* items done */
    size_t known;         /* items done when work began */
    bool began;
    char note[1200];
};

static int on_progress(void *user, const cril_eval_progress *p)
{
    struct watch *w = user;

    if (p->done > w->most)
        w->most = p->done;
    if (!w->began)
        w->known = p->done;
    w->began = true;
    return w->stop_at && p->done >= w->stop_at;
}

static void on_note(void *user, const char *sentence)
{
    struct watch *w = user;

    if (!w->note[0])
        snprintf(w->note, sizeof(w->note), "%s", sentence);
}

static cril_eval *open_limited(uint64_t limit)
{
    cril_eval *e = NULL;
    cril_error err;

    if (cril_eval_open_requests(requests, &(cril_eval_settings){.limit = limit}, &e, &err) !=
        CRIL_OK)
        fail_msg("%s", err.message);
    return e;
}

static cril_status run(cril_eval *e, cril_eval_options o, struct watch *w, cril_error *err)
{
    const cril_eval_callbacks c = {.user = w, .on_progress = on_progress, .on_note = on_note};

    o.threads = 1;
    o.batch_tokens = 64; /* a few items at a time */
    return cril_eval_run(e, model, &o, &c, err);
}

/* The items of e, as their file has them; owned. */
static char *items_of(const cril_eval *e)
{
    char *text = NULL;
    size_t len;
    FILE *f = open_memstream(&text, &len);

    assert_non_null(f);
    assert_int_equal(cril_eval_write_items(e, f, NULL), CRIL_OK);
    assert_int_equal(fclose(f), 0);
    return text;
}

/* Of an uninterrupted run. */
static char *all_items(void)
{
    struct watch w = {0};
    cril_eval *e = open_limited(0);
    cril_error err;
    char *items;

    if (run(e, (cril_eval_options){.fresh = true}, &w, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    items = items_of(e);
    cril_eval_done(e);
    cril_eval_close(e);
    return items;
}

static void stop_after(size_t n)
{
    struct watch w = {.stop_at = n};
    cril_eval *e = open_limited(0);
    cril_error err = {0};

    assert_int_equal(run(e, (cril_eval_options){0}, &w, &err), CRIL_ERR_CANCELLED);
    assert_string_equal(err.message, "stopped");
    cril_eval_close(e);
}

/* Runs to the end and compares; returns how many items were there before. */
static size_t go_on(const char *wanted)
{
    struct watch w = {0};
    cril_eval *e = open_limited(0);
    cril_error err;
    char *items, path[320];

    if (run(e, (cril_eval_options){0}, &w, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    assert_string_equal(w.note, "");
    items = items_of(e);
    assert_string_equal(items, wanted);
    cril_eval_done(e);
    assert_false(find_journal(path));
    cril_eval_close(e);
    free(items);
    return w.known;
}

static void test_stopped(void **state)
{
    (void)state;
    char *all = all_items(), path[320];

    stop_after(5);
    assert_true(find_journal(path));
    assert_true(go_on(all) >= 5);
    free(all);
}

/* A line that a kill tore is dropped; so is what follows a damaged one. */
static void test_torn(void **state)
{
    (void)state;
    char *all = all_items(), path[320];
    struct stat s;

    for (int how = 0; how < 4; how++) {
        FILE *f;

        stop_after(5);
        assert_true(find_journal(path));
        if (how == 0) { /* half a line */
            assert_int_equal(stat(path, &s), 0);
            assert_int_equal(truncate(path, s.st_size - 20), 0);
        } else if (how == 1) { /* no line end */
            assert_int_equal(stat(path, &s), 0);
            assert_int_equal(truncate(path, s.st_size - 1), 0);
        } else if (how == 2) { /* bytes of nothing, as after a power failure */
            f = fopen(path, "a");
            fwrite("\0\0\0\0\n", 1, 5, f);
            fclose(f);
        } else { /* another key: the journal of something else */
            f = fopen(path, "r+");
            fputs("{\"journal\":\"cril eval 2\"", f);
            fclose(f);
        }
        assert_true(how == 3 ? go_on(all) < 5 : go_on(all) >= 4);
    }
    free(all);
}

static void test_limits(void **state)
{
    (void)state;
    char *all = all_items();
    struct watch w = {0};
    cril_eval *e = open_limited(3);
    char *items;

    assert_int_equal(run(e, (cril_eval_options){0}, &w, NULL), CRIL_OK);
    items = items_of(e);
    assert_int_equal(strncmp(items, all, strlen(items)), 0);
    free(items);
    cril_eval_close(e); /* the journal stays */
    assert_true(go_on(all) >= 3);
    stop_after(6);
    w = (struct watch){0};
    e = open_limited(2); /* lines of other items are not shown, and are kept */
    assert_int_equal(run(e, (cril_eval_options){0}, &w, NULL), CRIL_OK);
    items = items_of(e);
    assert_int_equal(strncmp(items, all, strlen(items)), 0);
    free(items);
    cril_eval_close(e);
    assert_true(go_on(all) >= 5);
    free(all);
}

static void test_fresh(void **state)
{
    (void)state;
    struct watch w = {0};
    cril_eval *e;

    stop_after(5);
    e = open_limited(0);
    assert_int_equal(run(e, (cril_eval_options){.fresh = true}, &w, NULL), CRIL_OK);
    assert_int_equal(w.known, 0);
    cril_eval_done(e);
    cril_eval_close(e);
}

/* Options that decide over lines have journals of their own. */
static void test_keys(void **state)
{
    (void)state;
    struct watch w = {0};
    char path[320], first[320];
    cril_eval *e = open_limited(0);

    stop_after(5);
    assert_true(find_journal(first));
    assert_int_equal(rename(first, "/tmp/cril-test-journal"), 0);
    assert_int_equal(run(e, (cril_eval_options){.no_bos = true}, &w, NULL), CRIL_OK);
    assert_int_equal(w.known, 0);
    assert_true(find_journal(path));
    assert_string_not_equal(path, first);
    cril_eval_done(e);
    cril_eval_close(e);
    assert_int_equal(unlink("/tmp/cril-test-journal"), 0);
}

static char *samples_of(cril_eval *e)
{
    char *text = NULL;
    size_t len;
    FILE *f = open_memstream(&text, &len);

    assert_non_null(f);
    for (size_t i = 0; cril_eval_part(e, i); i++) {
        fprintf(f, "%s\n", cril_eval_part(e, i));
        assert_int_equal(cril_eval_write_samples(e, i, f, NULL), CRIL_OK);
    }
    assert_int_equal(fclose(f), 0);
    return text;
}

/* Nothing of a run is left in the next one of the same evaluation. */
static void test_run_again(void **state)
{
    (void)state;
    static const char lines[] = "{\"subject\": \"a\", \"context\": \"A:\", \"choices\": "
                                "[\" x\", \" y\"], \"gold\": 0}\n"
                                "{\"subject\": \"b\", \"context\": \"B:\", \"choices\": "
                                "[\" x\", \"\"], \"gold\": 0}\n";
    struct watch w = {0};
    cril_eval *e;
    cril_error err;
    char *first, *second, path[320];

    snprintf(path, sizeof(path), "%s/subjects.jsonl", folder);
    write_file(path, lines);
    if (cril_eval_open_requests(path, NULL, &e, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(run(e, (cril_eval_options){.fresh = true}, &w, NULL), CRIL_OK);
        assert_non_null(strstr(cril_eval_first_error(e), "no token of its own"));
        *(i ? &second : &first) = samples_of(e);
    }
    assert_string_equal(first, second);
    assert_non_null(strstr(first, "_a\n"));
    free(first);
    free(second);
    cril_eval_done(e);
    cril_eval_close(e);
}

static void test_two_at_once(void **state)
{
    (void)state;
    struct watch w = {.stop_at = 4};
    cril_eval *e = open_limited(0), *other = open_limited(0);
    char *all = all_items();
    cril_error err;

    assert_int_equal(run(e, (cril_eval_options){0}, &w, NULL), CRIL_ERR_CANCELLED);
    w = (struct watch){0};
    assert_int_equal(run(other, (cril_eval_options){0}, &w, &err), CRIL_ERR_MISMATCH);
    assert_non_null(strstr(err.message, "another process"));
    cril_eval_close(e);
    assert_int_equal(run(other, (cril_eval_options){0}, &w, &err), CRIL_OK);
    cril_eval_done(other);
    cril_eval_close(other);
    free(all);
}

/* As on a full disk: what was done stays, and the run goes on when there is room. */
static void test_full(void **state)
{
    (void)state;
    char *all = all_items();
    struct rlimit before, small;
    struct watch w = {0};
    cril_eval *e = open_limited(0);
    cril_error err;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, SIG_IGN);
    small = (struct rlimit){.rlim_cur = 3000, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    assert_int_equal(run(e, (cril_eval_options){0}, &w, &err), CRIL_ERR_IO);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_non_null(strstr(err.message, "it goes on"));
    cril_eval_close(e);
    assert_true(go_on(all) >= 1);
    free(all);
}

/* Without a place for a journal the run goes on, and says so. */
static void test_no_cache(void **state)
{
    (void)state;
    char *all = all_items(), *items;
    struct watch w = {0};
    cril_eval *e = open_limited(0);

    setenv("XDG_CACHE_HOME", "/proc/none", 1);
    assert_int_equal(run(e, (cril_eval_options){0}, &w, NULL), CRIL_OK);
    setenv("XDG_CACHE_HOME", folder, 1);
    assert_non_null(strstr(w.note, "/proc/none"));
    items = items_of(e);
    assert_string_equal(items, all);
    free(items);
    free(all);
    cril_eval_close(e);
}

/* ---- Comparing ---- */

/* An item's line; right: 0, 1, or -1: it could not be run. */
static void add_line(FILE *f, const char *subject, int index, int right, double nats)
{
    fprintf(f,
            "{\"task\": \"toy\", \"subject\": \"%s\", \"protocol\": \"paper\", \"index\": %d, "
            "\"metric\": \"acc\", \"prompt\": \"p%d\", \"gold\": 0",
            subject, index, index);
    if (right < 0)
        fputs(", \"error\": \"no\"}\n", f);
    else
        fprintf(f, ", \"acc\": %d, \"gold_nats\": %g, \"gold_bytes\": 2}\n", right, nats);
}

static void compare(const char *a, const char *b, cril_items_comparison *c)
{
    cril_error err;

    if (cril_items_compare(a, b, 0, c, &err) != CRIL_OK)
        fail_msg("%s", err.message);
}

static void test_compare(void **state)
{
    (void)state;
    const int a_right[] = {1, 1, 0, 0, 0, 0, 0, 0, 0, -1},
              b_right[] = {0, 1, 1, 1, 1, 1, 1, 1, 1, 0};
    char a[64], b[64];
    FILE *f_a, *f_b;
    cril_items_comparison c;
    bool is = false;
    /* differences: -1, 0, seven times 1, 0 */
    const double mean = 0.6, squares = 1.6 * 1.6 + 2 * 0.36 + 7 * 0.16;

    snprintf(a, sizeof(a), "%s/a.jsonl", folder);
    snprintf(b, sizeof(b), "%s/b.jsonl", folder);
    f_a = fopen(a, "w");
    f_b = fopen(b, "w");
    assert_true(f_a && f_b);
    for (int i = 0; i < 10; i++) {
        add_line(f_a, "s", i, a_right[i], 1 + i);
        add_line(f_b, "s", 9 - i, b_right[9 - i], 2.0 * (10 - i)); /* in another order */
    }
    add_line(f_a, "s", 10, 1, 1);
    add_line(f_b, "t", 10, 1, 1);
    for (int i = 0; i < 2; i++) /* of no known answer: no pair of the score, run or not */
        fprintf(i ? f_a : f_b,
                "{\"task\": \"toy\", \"subject\": \"s\", \"protocol\": \"paper\", \"index\": 11, "
                "\"metric\": \"acc\", \"prompt\": \"p\", \"gold\": null, %s}\n",
                i ? "\"error\": \"no\"" : "\"acc\": 1");
    fclose(f_a);
    fclose(f_b);
    assert_int_equal(cril_items_recognise(a, &is, NULL), CRIL_OK);
    assert_true(is);
    compare(a, b, &c);
    assert_int_equal(c.n, 1);
    assert_string_equal(c.tasks[0].metric, "acc");
    assert_int_equal(c.tasks[0].score.n, 10);
    assert_true(fabs(c.tasks[0].score.a - 0.2) < 1e-15);
    assert_true(fabs(c.tasks[0].score.b - 0.8) < 1e-15);
    assert_true(fabs(c.tasks[0].score.difference - mean) < 1e-15);
    assert_true(fabs(c.tasks[0].score.se - sqrt(squares / 9 / 10)) < 1e-15);
    assert_true(fabs(c.tasks[0].score.low - (mean - 1.959963984540054 * c.tasks[0].score.se)) <
                1e-12);
    assert_int_equal(c.tasks[0].only_a_right, 1);
    assert_int_equal(c.tasks[0].only_b_right, 7);
    assert_true(fabs(c.tasks[0].p - 2 * 9 / 256.0) < 1e-15);
    assert_int_equal(c.tasks[0].bpb.n, 9); /* the one that was not run has no bits */
    assert_true(fabs(c.tasks[0].bpb.difference - 5 / log(2) / 2) < 1e-12);
    assert_int_equal(c.tasks[0].n_only_a, 1);
    assert_string_equal(c.tasks[0].first_only_a, "s 10");
    assert_string_equal(c.tasks[0].first_only_b, "t 10");
    assert_int_equal(c.tasks[0].n_other_prompt, 0);
    cril_items_comparison_free(&c);
}

/* McNemar's test of many items, against sums of Python's whole numbers. */
static void test_large(void **state)
{
    (void)state;
    static const struct {
        int a, b;
        double p;
    } known[] = {
        {400, 600, 2.7284641560660184e-10}, {5000, 5100, 0.3245815463313939}, {0, 0, 1}, {3, 3, 1}};
    char a[64], b[64];

    snprintf(a, sizeof(a), "%s/a.jsonl", folder);
    snprintf(b, sizeof(b), "%s/b.jsonl", folder);
    for (size_t k = 0; k < sizeof(known) / sizeof(*known); k++) {
        FILE *f_a = fopen(a, "w"), *f_b = fopen(b, "w");
        cril_items_comparison c;

        for (int i = 0; i < known[k].a + known[k].b + 1; i++) {
            add_line(f_a, "", i, i < known[k].a, 1);
            add_line(f_b, "", i, i >= known[k].a && i < known[k].a + known[k].b, 1);
        }
        fclose(f_a);
        fclose(f_b);
        compare(a, b, &c);
        assert_true(fabs(c.tasks[0].p / known[k].p - 1) < 1e-12);
        cril_items_comparison_free(&c);
    }
}

static void test_bad_files(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"{\"task\": \"toy\"}\n", ":1: is not the line of an item"},
        {"\n{\n", ":2: is no JSON"},
        {"{\"task\": \"t\", \"subject\": \"\", \"protocol\": \"p\", \"index\": 1}\n"
         "{\"task\": \"t\", \"subject\": \"\", \"protocol\": \"p\", \"index\": 1}\n",
         ":2: is the second line of its item"},
        {"{\"task\": \"t\", \"subject\": \"\", \"protocol\": \"p\", \"index\": 1, \"gold_nats\": "
         "2}\n",
         ":1: has \"gold_nats\""},
        {"", "have no task by one protocol in common"},
    };
    char path[64];

    snprintf(path, sizeof(path), "%s/bad.jsonl", folder);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        cril_items_comparison c;
        cril_error err = {0};

        write_file(path, bad[i].text);
        assert_int_not_equal(cril_items_compare(path, path, 0, &c, &err), CRIL_OK);
        if (!strstr(err.message, bad[i].says))
            fail_msg("%s", err.message);
    }
}

/* ---- */

static int set_up(void **state)
{
    (void)state;
    FILE *f;

    assert_non_null(mkdtemp(folder));
    setenv("XDG_CACHE_HOME", folder, 1);
    snprintf(journals, sizeof(journals), "%s/cril/eval", folder);
    snprintf(requests, sizeof(requests), "%s/requests.jsonl", folder);
    f = fopen(requests, "w");
    assert_non_null(f);
    for (int i = 0; i < 12; i++)
        fprintf(f,
                "{\"context\": \"the area %d of the ring\", \"choices\": [\" then\", \" ton %d\"], "
                "\"gold\": %d}\n",
                i * 7 % 12, i, i % 2);
    fclose(f);
    return cril_model_open(CRIL_TEST_DATA "/golden/tiny-llama.gguf", &model, NULL);
}

static int tear_down(void **state)
{
    (void)state;
    char command[128];

    cril_model_close(model);
    snprintf(command, sizeof(command), "rm -r %s", folder);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stopped),     cmocka_unit_test(test_torn),
        cmocka_unit_test(test_limits),      cmocka_unit_test(test_fresh),
        cmocka_unit_test(test_keys),        cmocka_unit_test(test_run_again),
        cmocka_unit_test(test_two_at_once), cmocka_unit_test(test_full),
        cmocka_unit_test(test_no_cache),    cmocka_unit_test(test_compare),
        cmocka_unit_test(test_large),       cmocka_unit_test(test_bad_files),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
