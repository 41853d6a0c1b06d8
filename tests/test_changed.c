/*
 * A model's file that is written to, replaced or removed while it is in use: nothing that was
 * computed with it is handed out, and the sentence names the file. The change is made by a
 * callback, so that it always falls into the work.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "formats/source.h"
#include "study/stamp.h"

#include <cril/codec.h>
#include <cril/prove.h>
#include <cril/score.h>
#include <cril/selftest.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char original[] = CRIL_TEST_DATA "/golden/tiny-llama.gguf",
                  corpus_path[] = CRIL_TEST_DATA "/cli/c.jsonl";
static const char text[] = "A text to compress, of more than one segment.";
static char folder[] = "/tmp/cril-changed-XXXXXX";
static cril_error err;

static void copy(const char *to)
{
    static char data[1 << 22];
    FILE *in = fopen(original, "rb"), *out = fopen(to, "wb");
    size_t n;

    assert_true(in && out);
    n = fread(data, 1, sizeof(data), in);
    assert_true(n < sizeof(data) && fwrite(data, 1, n, out) == n);
    fclose(in);
    assert_int_equal(fclose(out), 0);
}

/* ---- changes ---- */

static void overwrite(void)
{
    const int fd = open("m.gguf", O_RDWR);
    unsigned char byte;

    assert_true(fd >= 0 && pread(fd, &byte, 1, 200000) == 1);
    byte ^= 1;
    assert_true(pwrite(fd, &byte, 1, 200000) == 1);
    close(fd);
}

static void replace(void)
{
    copy("other.gguf");
    assert_int_equal(rename("other.gguf", "m.gguf"), 0);
}

static void lose(void)
{
    assert_int_equal(unlink("m.gguf"), 0);
}

static void (*const changes[])(void) = {overwrite, replace, lose};
enum { N_CHANGES = sizeof(changes) / sizeof(changes[0]) };

struct at_work {
    void (*change)(void); /* NULL: done */
    char bytes[4096];
    size_t n;
};

static void change_once(struct at_work *w)
{
    void (*const change)(void) = w->change;

    w->change = NULL;
    if (change)
        change();
}

static int on_document(void *user, const cril_document_score *d)
{
    (void)d;
    change_once(user);
    return 0;
}

static int on_write(void *user, const void *data, size_t n)
{
    struct at_work *w = user;

    change_once(w);
    if (n > sizeof(w->bytes) - w->n)
        return 1;
    memcpy(w->bytes + w->n, data, n);
    w->n += n;
    return 0;
}

static int on_progress(void *user, double fraction)
{
    (void)fraction;
    change_once(user);
    return 0;
}

/* ---- what was at work ---- */

static cril_model *open_copy(void)
{
    cril_model *m;

    copy("m.gguf");
    if (cril_model_open("m.gguf", &m, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    return m;
}

static cril_status score(cril_model *m, struct at_work *w)
{
    const cril_score_options options = {.context = 64, .threads = 1};
    const cril_score_callbacks callbacks = {.user = w, .on_document = on_document};
    cril_scorer *s;
    cril_corpus *c;
    cril_result r = {0};
    cril_status st;

    assert_int_equal(cril_scorer_create(m, &options, &s, &err), CRIL_OK);
    assert_int_equal(cril_corpus_open(corpus_path, NULL, &c, &err), CRIL_OK);
    st = cril_score_corpus(s, c, corpus_path, &callbacks, &r, &err);
    cril_result_free(&r);
    cril_corpus_close(c);
    cril_scorer_free(s);
    return st;
}

static cril_status compress(cril_model *m, struct at_work *w)
{
    const cril_compress_options options = {.context = 64, .threads = 1, .batch_tokens = 1};
    const cril_codec_callbacks callbacks = {.user = w, .write = on_write};
    cril_compressor *c;
    cril_status st;

    assert_int_equal(cril_compressor_create(m, &options, &callbacks, &c, &err), CRIL_OK);
    st = cril_compressor_add(c, text, sizeof(text) / 2, &err);
    if (st == CRIL_OK)
        st = cril_compressor_add(c, text + sizeof(text) / 2, sizeof(text) - sizeof(text) / 2, &err);
    if (st == CRIL_OK)
        st = cril_compressor_finish(c, &err);
    cril_compressor_free(c);
    return st;
}

static cril_status decompress(cril_model *m, struct at_work *w)
{
    const cril_decompress_options options = {.threads = 1, .streams = 1};
    const cril_codec_callbacks callbacks = {.user = w, .write = on_write};
    struct at_work made = {.n = 0};
    cril_archive *a;
    cril_status st;

    assert_int_equal(compress(m, &made), CRIL_OK);
    assert_int_equal(cril_archive_read(made.bytes, made.n, "made", &a, &err), CRIL_OK);
    st = cril_decompress(m, a, &options, &callbacks, NULL, &err);
    cril_archive_close(a);
    return st;
}

static cril_status selftest(cril_model *m, struct at_work *w)
{
    cril_selftest_result result;
    cril_selftest *t;
    cril_status st;

    assert_int_equal(cril_selftest_create(m, 32, &t, &err), CRIL_OK);
    st = cril_selftest_run(t, "ref", 1, on_progress, w, &result, &err);
    change_once(w);
    cril_selftest_free(t);
    return st;
}

static cril_status hash_file(cril_model *m, struct at_work *w)
{
    char hex[65];

    change_once(w);
    return cril_model_sha256(m, hex, &err);
}

static cril_status identify(cril_model *m, struct at_work *w)
{
    char hex[65];

    change_once(w);
    return cril_model_identity(m, hex, &err);
}

static void check(cril_status (*work)(cril_model *m, struct at_work *w))
{
    for (size_t i = 0; i < N_CHANGES; i++) {
        struct at_work w = {.change = changes[i]}, none = {.n = 0};
        cril_model *m = open_copy();

        assert_int_equal(work(m, &none), CRIL_OK); /* as long as nobody writes */
        cril_model_close(m);
        m = open_copy();
        assert_int_equal(cril_model_check(m, &err), CRIL_OK);
        if (work(m, &w) != CRIL_ERR_MISMATCH || strncmp(err.message, "m.gguf: ", 8) != 0)
            fail_msg("change %zu: %s: %s", i, cril_status_name(err.status), err.message);
        assert_null(w.change);
        assert_int_equal(cril_model_check(m, &err), CRIL_ERR_MISMATCH);
        cril_model_close(m);
    }
}

static void test_score(void **state)
{
    (void)state;
    check(score);
}

static void test_compress(void **state)
{
    (void)state;
    check(compress);
}

static void test_decompress(void **state)
{
    (void)state;
    check(decompress);
}

static void test_selftest(void **state)
{
    (void)state;
    check(selftest);
}

static void test_hashes(void **state)
{
    (void)state;
    check(hash_file);
    check(identify);
}

/* ---- parts ---- */

static int count_file(void *user, const char *file)
{
    char *all = user;

    strcat(strcat(all, file), " ");
    return 0;
}

/* A model's stamp and its list of files are those of all its parts. */
static void test_parts(void **state)
{
    char all[200] = "";
    struct cril_stamps before;

    (void)state;
    copy("p-00001-of-00003.gguf");
    copy("p-00002-of-00003.gguf");
    assert_int_equal(cril_model_files("p-00001-of-00003.gguf", count_file, all, &err), CRIL_OK);
    assert_string_equal(all, "p-00001-of-00003.gguf p-00002-of-00003.gguf p-00003-of-00003.gguf ");
    assert_int_equal(cril_stamps_take("p-00001-of-00003.gguf", CRIL_STAMPED_MODEL, &before, &err),
                     CRIL_OK);
    assert_int_equal(before.all, 0); /* one is missing */
    cril_stamps_free(&before);
    copy("p-00003-of-00003.gguf");
    assert_int_equal(cril_stamps_take("p-00001-of-00003.gguf", CRIL_STAMPED_MODEL, &before, &err),
                     CRIL_OK);
    assert_true(before.n == 3 && before.all);
    assert_int_equal(cril_stamps_check(&before, 0, 3, &err), CRIL_OK);
    assert_int_equal(truncate("p-00003-of-00003.gguf", 100), 0);
    assert_int_equal(cril_stamps_check(&before, 0, 3, &err), CRIL_ERR_MISMATCH);
    assert_non_null(strstr(err.message, "p-00003-of-00003.gguf"));
    cril_stamps_free(&before);
    unlink("p-00001-of-00003.gguf");
    unlink("p-00002-of-00003.gguf");
    unlink("p-00003-of-00003.gguf");
}

static void put(const char *path, const char *content)
{
    FILE *const f = fopen(path, "wb");

    assert_non_null(f);
    fputs(content, f);
    assert_int_equal(fclose(f), 0);
}

static uint64_t stamp(const char *path, enum cril_stamped what, uint64_t *bytes)
{
    struct cril_stamps s;
    uint64_t all;

    assert_int_equal(cril_stamps_take(path, what, &s, &err), CRIL_OK);
    *bytes = s.bytes;
    all = s.all;
    cril_stamps_free(&s);
    return all;
}

/* Of a model's folder the files count that the model is read from. */
static void test_model_folder(void **state)
{
    uint64_t before, as_corpus, bytes;

    (void)state;
    assert_int_equal(mkdir("hf", 0700), 0);
    put("hf/config.json", "{}");
    put("hf/model.safetensors", "weights");
    as_corpus = stamp("hf", CRIL_STAMPED_CORPUS, &bytes);
    before = stamp("hf", CRIL_STAMPED_MODEL, &bytes);
    assert_true(before && as_corpus);
    assert_int_equal(bytes, 9);
    assert_true(stamp("hf/", CRIL_STAMPED_MODEL, &bytes) == before);
    assert_true(stamp("hf/config.json", CRIL_STAMPED_MODEL, &bytes) == before);
    put("hf/README.md", "words");
    assert_true(stamp("hf", CRIL_STAMPED_MODEL, &bytes) == before);
    assert_true(stamp("hf", CRIL_STAMPED_CORPUS, &bytes) != as_corpus);
    put("hf/tokenizer.json", "{}");
    assert_true(stamp("hf", CRIL_STAMPED_MODEL, &bytes) != before);
    assert_int_equal(bytes, 11);
    unlink("hf/config.json");
    assert_true(stamp("hf", CRIL_STAMPED_MODEL, &bytes) == 0); /* one is missing */
    unlink("hf/model.safetensors");
    unlink("hf/README.md");
    unlink("hf/tokenizer.json");
    rmdir("hf");
}

static int make_folder(void **state)
{
    (void)state;
    return !mkdtemp(folder) || chdir(folder) != 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink("m.gguf");
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_score),        cmocka_unit_test(test_compress),
        cmocka_unit_test(test_decompress),   cmocka_unit_test(test_selftest),
        cmocka_unit_test(test_hashes),       cmocka_unit_test(test_parts),
        cmocka_unit_test(test_model_folder),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
