/* Checkpoints below a folder: which they are, their steps, when they are settled, and their order.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "checkpoints.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static char root[64];

static void path_of(char out[512], const char *name)
{
    snprintf(out, 512, "%s/%s", root, name);
}

static void make_folder(const char *name)
{
    char path[512];

    path_of(path, name);
    assert_int_equal(mkdir(path, 0777), 0);
}

static void write_file(const char *name, const char *text)
{
    char path[512];
    FILE *f;

    path_of(path, name);
    f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void test_steps(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        int64_t step;
    } cases[] = {
        {"checkpoint-500", 500},
        {"/checkpoint-500/model.gguf", 500},
        {"/run7/step1000-q4_k_m.gguf", 1000},
        {"Step_000020", 20},
        {"iter=3", 3},
        {"iteration 4", -1},
        {"iteration4", 4},
        {"ckpt.77.gguf", 77},
        {"global_step88", 88},
        {"/1200", 1200},
        {"/1200/", 1200},
        {"1200.gguf", 1200},
        {"q4_k_m.gguf", -1},
        {"model-7b", -1},
        {"checkpoint-9/step10", 10},
        {"step10/checkpoint", 10},
        {"steps", -1},
        {"stepstep5", 5},
        {"step-", -1},
        {"checkpoint-99999999999999999999", -1},
        {"", -1},
        {"/", -1},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        if (cril_checkpoint_step(cases[i].path) != cases[i].step)
            fail_msg("%s: step %d", cases[i].path, (int)cril_checkpoint_step(cases[i].path));
}

/* The next one is of this name, and then done. name NULL: there is none. */
static void expect(struct cril_checkpoints *c, const char *name)
{
    struct cril_checkpoint *p = cril_checkpoints_next(c);
    char path[512];

    if (!name) {
        if (p)
            fail_msg("%s", p->path);
        return;
    }
    path_of(path, name);
    assert_non_null(p);
    assert_string_equal(p->path, path);
    p->done = true;
}

static void test_finds(void **state)
{
    (void)state;
    struct cril_checkpoints c = {.folder = root};
    char path[512], link[512];

    write_file("step30.gguf", "x");
    make_folder("checkpoint-4");
    write_file("checkpoint-4/config.json", "{}");
    make_folder("checkpoint-200");
    write_file("checkpoint-200/config.json", "{}");
    write_file("checkpoint-200/model.safetensors", "x");
    write_file("checkpoint-200/optimizer.gguf.part", "x");
    make_folder(".hidden");
    write_file(".hidden/step1.gguf", "x");
    write_file(".step2.gguf", "x");
    write_file("b.gguf", "x");
    write_file("a-00001-of-00002.gguf", "x");
    write_file("a-00002-of-00002.gguf", "x");
    write_file("notes.txt", "x");
    make_folder("step5.gguf");
    path_of(path, "checkpoint-200");
    path_of(link, "latest");
    assert_int_equal(symlink(path, link), 0);
    assert_true(cril_checkpoints_scan(&c));
    assert_int_equal(c.n, 4);
    expect(&c, "step30.gguf");
    expect(&c, "checkpoint-200");
    expect(&c, "a-00001-of-00002.gguf");
    expect(&c, "b.gguf");
    expect(&c, NULL);
    assert_true(cril_checkpoints_scan(&c));
    expect(&c, NULL);

    /* written to, replaced, taken away, made whole */
    write_file("checkpoint-200/model.safetensors", "xx");
    write_file("checkpoint-4/model.safetensors", "x");
    write_file("new", "x");
    path_of(path, "new");
    path_of(link, "step30.gguf");
    assert_int_equal(rename(path, link), 0);
    path_of(path, "b.gguf");
    assert_int_equal(unlink(path), 0);
    assert_true(cril_checkpoints_scan(&c));
    assert_int_equal(c.n, 4);
    expect(&c, "checkpoint-4");
    expect(&c, "step30.gguf");
    expect(&c, "checkpoint-200");
    expect(&c, NULL);
    write_file("a-00002-of-00002.gguf", "xy");
    assert_true(cril_checkpoints_scan(&c));
    expect(&c, "a-00001-of-00002.gguf");
    expect(&c, NULL);
    cril_checkpoints_free(&c);
    assert_int_equal(c.n, 0);
}

static void test_settles(void **state)
{
    (void)state;
    enum { DAY = 86400 };
    struct cril_checkpoints c = {.folder = root, .settle_sec = DAY};
    double since;

    write_file("step1.gguf", "x");
    assert_true(cril_checkpoints_scan(&c));
    expect(&c, NULL);
    since = c.all[0].unchanged_at;
    assert_true(cril_checkpoints_scan(&c));
    assert_true(c.all[0].unchanged_at == since);
    c.all[0].unchanged_at -= DAY;
    write_file("step1.gguf", "yy"); /* the days of waiting begin anew */
    assert_true(cril_checkpoints_scan(&c));
    expect(&c, NULL);
    assert_true(c.all[0].unchanged_at >= since);
    c.all[0].unchanged_at -= DAY;
    assert_true(cril_checkpoints_scan(&c));
    expect(&c, "step1.gguf");
    cril_checkpoints_free(&c);

    /* a watch that begins later need not wait */
    nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    c = (struct cril_checkpoints){.folder = root, .settle_sec = .01};
    assert_true(cril_checkpoints_scan(&c));
    expect(&c, "step1.gguf");
    cril_checkpoints_free(&c);
    c.folder = "/none/such";
    assert_false(cril_checkpoints_scan(&c));
    assert_int_equal(errno, ENOENT);
    cril_checkpoints_free(&c);
}

static int set_up(void **state)
{
    (void)state;
    strcpy(root, "/tmp/cril-test-XXXXXX");
    assert_non_null(mkdtemp(root));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    char command[256];

    snprintf(command, sizeof(command), "rm -rf '%s'", root);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steps),
        cmocka_unit_test_setup_teardown(test_finds, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_settles, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
