/*
 * Calls that make no sense: NULL in the place of each pointer that a public function needs, one
 * after another, objects that are finished, indices past the end. Each gets a status or a neutral
 * value, none a crash, with and without a cril_error. The last test reads the public headers: no
 * function of theirs is left out here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <cril/card.h>
#include <cril/codec.h>
#include <cril/cpu.h>
#include <cril/distribution.h>
#include <cril/diverge.h>
#include <cril/download.h>
#include <cril/eval.h>
#include <cril/gather.h>
#include <cril/generate.h>
#include <cril/harness.h>
#include <cril/html.h>
#include <cril/hub.h>
#include <cril/items.h>
#include <cril/inspect.h>
#include <cril/leak.h>
#include <cril/membership.h>
#include <cril/number.h>
#include <cril/prove.h>
#include <cril/report.h>
#include <cril/sample.h>
#include <cril/selftest.h>
#include <cril/separation.h>
#include <cril/session.h>
#include <cril/store.h>
#include <cril/study_run.h>
#include <cril/text.h>
#include <cril/view.h>
#include <glob.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char model_path[] = CRIL_TEST_DATA "/golden/tiny-llama.gguf",
                  corpus_path[] = CRIL_TEST_DATA "/cli/c.jsonl";

static const char *tried[1000];
static size_t n_tried;

static void note(const char *function)
{
    if (n_tried < sizeof(tried) / sizeof(tried[0]))
        tried[n_tried++] = function;
}

static void expect_refused(cril_status with, const cril_error *err, cril_status without,
                           const char *call)
{
    if (with != CRIL_ERR_RANGE || err->status != with || without != with || !*err->message)
        fail_msg("%s: %s (%s), without an error %s", call, cril_status_name(with), err->message,
                 cril_status_name(without));
}

/* function(arguments..., err) is CRIL_ERR_RANGE. */
#define REFUSED(function, ...)                                                                     \
    do {                                                                                           \
        cril_error refused_ = {0};                                                                 \
        const cril_status with_ = function(__VA_ARGS__, &refused_);                                \
        note(#function);                                                                           \
        expect_refused(with_, &refused_, function(__VA_ARGS__, NULL),                              \
                       #function "(" #__VA_ARGS__ ")");                                            \
    } while (0)
/* A function without a status: value is what it is to be. */
#define IS(value, function, ...)                                                                   \
    do {                                                                                           \
        note(#function);                                                                           \
        assert_true(function(__VA_ARGS__) value);                                                  \
    } while (0)
#define IS_NAN(function, ...)                                                                      \
    do {                                                                                           \
        note(#function);                                                                           \
        assert_true(isnan(function(__VA_ARGS__)));                                                 \
    } while (0)
#define DOES_NOTHING(function, ...)                                                                \
    do {                                                                                           \
        note(#function);                                                                           \
        function(__VA_ARGS__);                                                                     \
    } while (0)

static void must(cril_status st, const cril_error *err)
{
    if (st != CRIL_OK)
        fail_msg("%s", err->message);
}

static char folder[] = "/tmp/cril-arguments-XXXXXX";
static cril_model *m;
static cril_error err;

static int open_model(void **state)
{
    (void)state;
    return !mkdtemp(folder) || chdir(folder) != 0 ||
           cril_model_open(model_path, &m, &err) != CRIL_OK;
}

static int close_model(void **state)
{
    (void)state;
    cril_model_close(m);
    unlink("study.yaml");
    unlink("study.db");
    unlink("study.db-lock");
    return rmdir(folder);
}

static int on_file(void *user, const char *file)
{
    (void)user;
    return !file;
}

static void test_model(void **state)
{
    const char *key, *reason;
    cril_model *out;
    size_t len;
    char hex[65], **paths;

    (void)state;
    REFUSED(cril_model_open, NULL, &out);
    REFUSED(cril_model_open, model_path, NULL);
    REFUSED(cril_model_open_inspected, NULL, &out);
    IS(== NULL, cril_model_cannot_say, NULL);
    IS(== NULL, cril_model_warning, NULL, 0);
    IS(== NULL, cril_model_warning, m, SIZE_MAX);
    IS(== false, cril_model_unused, NULL, 0, &key, &len, &reason);
    IS(== false, cril_model_unused, m, 0, NULL, &len, &reason);
    IS(== false, cril_model_unused, m, 0, &key, NULL, &reason);
    IS(== false, cril_model_unused, m, 0, &key, &len, NULL);
    IS(== false, cril_model_unused, m, SIZE_MAX, &key, &len, &reason);
    REFUSED(cril_model_sha256, NULL, hex);
    REFUSED(cril_model_sha256, m, NULL);
    REFUSED(cril_model_identity, NULL, hex);
    REFUSED(cril_model_identity, m, NULL);
    REFUSED(cril_model_check, NULL);
    REFUSED(cril_model_match, NULL, &paths, &len);
    REFUSED(cril_model_match, "*.gguf", NULL, &len);
    REFUSED(cril_model_match, "*.gguf", &paths, NULL);
    DOES_NOTHING(cril_model_paths_free, NULL, 0);
    IS(== false, cril_model_is_pattern, NULL);
    IS(== false, cril_model_is_later_part, NULL);
    REFUSED(cril_model_files, NULL, on_file, NULL);
    REFUSED(cril_model_files, model_path, NULL, NULL);
    IS(== NULL, cril_model_path, NULL);
    IS(== NULL, cril_model_name, NULL);
    IS(== NULL, cril_model_types, NULL);
    IS(== NULL, cril_model_architecture, NULL);
    IS(== NULL, cril_model_tokenizer, NULL);
    IS(== 0, cril_model_parameters, NULL);
    IS(== 0, cril_model_bytes, NULL);
    IS(== 0, cril_model_weight_bytes, NULL);
    IS(== 0, cril_model_context, NULL);
    IS(== 0, cril_model_max_window, NULL);
    IS(== false, cril_model_warn_context, NULL, 1, hex, sizeof(hex));
    IS(== false, cril_model_warn_context, m, SIZE_MAX, NULL, 1);
    IS(== false, cril_model_warn_context, m, 1, hex, sizeof(hex));
    IS(== 0, cril_model_logits, NULL);
    IS(== 0, cril_model_flops, NULL, 10, 10);
    DOES_NOTHING(cril_model_close, NULL);
}

static void test_tokenizer(void **state)
{
    const cril_tokenizer *t = cril_model_tokenizer(m);
    cril_tokenizer *out;
    cril_ids ids = {0};
    size_t len;

    (void)state;
    REFUSED(cril_tokenizer_open, NULL, &out);
    REFUSED(cril_tokenizer_open, model_path, NULL);
    REFUSED(cril_tokenizer_open_inspected, NULL, &out);
    IS(== NULL, cril_tokenizer_warning, NULL, 0);
    IS(== NULL, cril_tokenizer_warning, t, SIZE_MAX);
    note("cril_unicode_here"); /* takes nothing */
    REFUSED(cril_tokenizer_encode, NULL, "text", 4, 0, &ids);
    REFUSED(cril_tokenizer_encode, t, NULL, 4, 0, &ids);
    REFUSED(cril_tokenizer_encode, t, "text", 4, 0, NULL);
    must(cril_tokenizer_encode(t, NULL, 0, 0, &ids, &err), &err);
    IS(== 0, cril_tokenizer_size, NULL);
    IS(== NULL, cril_tokenizer_kind, NULL);
    IS(== -1, cril_tokenizer_bos, NULL);
    IS(== -1, cril_tokenizer_eos, NULL);
    IS(== false, cril_tokenizer_adds_bos, NULL);
    IS(== false, cril_tokenizer_adds_eos, NULL);
    IS(== NULL, cril_tokenizer_piece, NULL, 1, &len);
    IS(== NULL, cril_tokenizer_piece, t, 1, NULL);
    IS(== NULL, cril_tokenizer_piece, t, INT32_MAX, &len);
    IS(== NULL, cril_tokenizer_piece, t, -1, &len);
    cril_ids_free(&ids);
    DOES_NOTHING(cril_ids_free, NULL);
    DOES_NOTHING(cril_tokenizer_free, NULL);
}

static void test_inspect(void **state)
{
    const char *key = "", *type = "", *value = "";
    cril_tensor_info info = {.name = ""};
    cril_inspect *f;

    (void)state;
    REFUSED(cril_inspect_open, NULL, &f);
    REFUSED(cril_inspect_open, model_path, NULL);
    must(cril_inspect_open(model_path, &f, &err), &err);
    REFUSED(cril_model_open_inspected, f, NULL);
    REFUSED(cril_tokenizer_open_inspected, f, NULL);
    cril_inspect_metadata(f, SIZE_MAX, &key, &type, &value);
    assert_true(!key && !type && !value);
    cril_inspect_metadata(f, 0, NULL, NULL, NULL);
    cril_inspect_tensor(f, SIZE_MAX, &info);
    assert_null(info.name);
    DOES_NOTHING(cril_inspect_tensor, f, 0, NULL);
    DOES_NOTHING(cril_inspect_tensor, NULL, 0, &info);
    DOES_NOTHING(cril_inspect_metadata, NULL, 0, &key, &type, &value);
    IS(== NULL, cril_inspect_format, NULL);
    IS(== NULL, cril_inspect_name, NULL);
    IS(== NULL, cril_inspect_architecture, NULL);
    IS(== 0, cril_inspect_version, NULL);
    IS(== 0, cril_inspect_parts, NULL);
    IS(== 0, cril_inspect_bytes, NULL);
    IS(== 0, cril_inspect_metadata_count, NULL);
    IS(== 0, cril_inspect_tensor_count, NULL);
    cril_inspect_close(f);
    DOES_NOTHING(cril_inspect_close, NULL);
}

static void test_corpus(void **state)
{
    const cril_corpus_source source = {0};
    cril_corpus_stats stats;
    cril_document doc;
    cril_corpus *c;
    char hex[65], again[65];

    (void)state;
    REFUSED(cril_corpus_open, NULL, NULL, &c);
    REFUSED(cril_corpus_open, corpus_path, NULL, NULL);
    REFUSED(cril_corpus_next, NULL, &doc);
    REFUSED(cril_corpus_sha256, NULL, hex);
    must(cril_corpus_open(corpus_path, NULL, &c, &err), &err);
    REFUSED(cril_corpus_next, c, NULL);
    REFUSED(cril_corpus_sha256, c, NULL);
    DOES_NOTHING(cril_corpus_stats_get, c, NULL);
    DOES_NOTHING(cril_corpus_stats_get, NULL, &stats);
    assert_int_equal(stats.documents, 0);
    must(cril_corpus_sha256(c, hex, &err), &err);
    must(cril_corpus_next(c, &doc, &err), &err); /* behind its end */
    assert_null(doc.text);
    must(cril_corpus_next(c, &doc, &err), &err);
    must(cril_corpus_sha256(c, again, &err), &err);
    assert_string_equal(hex, again);
    cril_corpus_close(c);
    REFUSED(cril_corpus_files, NULL, on_file, NULL);
    REFUSED(cril_corpus_files, corpus_path, NULL, NULL);
    REFUSED(cril_corpus_create, NULL, &c);
    REFUSED(cril_corpus_create, &source, NULL);
    REFUSED(cril_corpus_create, &source, &c);
    DOES_NOTHING(cril_corpus_close, NULL);
    IS(== 0, cril_count_characters, NULL, 5);
}

static void test_baselines(void **state)
{
    cril_baselines *b;
    cril_baseline *out;
    size_t n;

    (void)state;
    REFUSED(cril_baselines_create, NULL);
    REFUSED(cril_baselines_add, NULL, "text", 4);
    must(cril_baselines_create(&b, &err), &err);
    REFUSED(cril_baselines_add, b, NULL, 4);
    must(cril_baselines_add(b, "text", 4, &err), &err);
    REFUSED(cril_baselines_finish, NULL, &out, &n);
    REFUSED(cril_baselines_finish, b, NULL, &n);
    REFUSED(cril_baselines_finish, b, &out, NULL);
    must(cril_baselines_finish(b, &out, &n, &err), &err);
    free(out);
    REFUSED(cril_baselines_add, b, "text", 4);
    REFUSED(cril_baselines_finish, b, &out, &n);
    cril_baselines_free(b);
    DOES_NOTHING(cril_baselines_free, NULL);
}

static cril_result score(void)
{
    const cril_score_options options = {.context = 64, .threads = 1, .baselines = true};
    cril_result r;
    cril_scorer *s;
    cril_corpus *c;

    must(cril_scorer_create(m, &options, &s, &err), &err);
    must(cril_corpus_open(corpus_path, NULL, &c, &err), &err);
    must(cril_score_corpus(s, c, corpus_path, NULL, &r, &err), &err);
    assert_int_equal(cril_score_corpus(s, c, corpus_path, NULL, &r, &err),
                     CRIL_ERR_EMPTY); /* read already */
    cril_corpus_close(c);
    cril_scorer_free(s);
    return r;
}

static void test_score(void **state)
{
    const cril_score_options options = {.context = 64, .threads = 1};
    const cril_until rule = {.share = .1};
    const int32_t tokens[] = {1, 2, 3}, bad[] = {1, -2, 3};
    cril_result r = {.documents = 1};
    cril_scorer *s;
    cril_corpus *c;
    double nats[2];

    (void)state;
    REFUSED(cril_scorer_create, NULL, &options, &s);
    REFUSED(cril_scorer_create, m, &options, NULL);
    must(cril_scorer_create(m, &options, &s, &err), &err);
    must(cril_corpus_open(corpus_path, NULL, &c, &err), &err);
    REFUSED(cril_score_corpus, NULL, c, corpus_path, NULL, &r);
    REFUSED(cril_score_corpus, s, NULL, corpus_path, NULL, &r);
    REFUSED(cril_score_corpus, s, c, NULL, NULL, &r);
    REFUSED(cril_score_corpus, s, c, corpus_path, NULL, NULL);
    REFUSED(cril_score_slice, NULL, c, corpus_path, 0, 1, NULL, &r);
    REFUSED(cril_score_slice, s, NULL, corpus_path, 0, 1, NULL, &r);
    REFUSED(cril_score_slice, s, c, NULL, 0, 1, NULL, &r);
    REFUSED(cril_score_slice, s, c, corpus_path, 0, 1, NULL, NULL);
    REFUSED(cril_score_until, NULL, corpus_path, NULL, &rule, NULL, NULL, &r, NULL);
    REFUSED(cril_score_until, s, NULL, NULL, &rule, NULL, NULL, &r, NULL);
    REFUSED(cril_score_until, s, corpus_path, NULL, NULL, NULL, NULL, &r, NULL);
    REFUSED(cril_score_until, s, corpus_path, NULL, &rule, NULL, NULL, NULL, NULL);
    REFUSED(cril_score_windows, NULL, (cril_score_window[1]){{0}}, 1, NULL, NULL, NULL);
    REFUSED(cril_score_windows, s, NULL, 1, NULL, NULL, NULL);
    REFUSED(cril_score_windows, s, (cril_score_window[1]){{0}}, 1, NULL, NULL, NULL);
    REFUSED(cril_score_tokens, NULL, tokens, 3, nats);
    REFUSED(cril_score_tokens, s, NULL, 3, nats);
    REFUSED(cril_score_tokens, s, tokens, 3, NULL);
    REFUSED(cril_score_tokens, s, bad, 3, nats);
    REFUSED(cril_score_tokens, s, tokens, 0, nats);
    REFUSED(cril_result_sum, NULL);
    REFUSED(cril_result_sum, &r);
    cril_corpus_close(c);
    cril_scorer_free(s);
    DOES_NOTHING(cril_scorer_free, NULL);
    IS(== 0, cril_scorer_context, NULL);
    IS(== 0, cril_scorer_stride, NULL);
    IS(== NULL, cril_scorer_protocol_name, NULL);
    DOES_NOTHING(cril_result_free, NULL);
    DOES_NOTHING(cril_until_done, NULL);
    DOES_NOTHING(cril_until_done, &(cril_result){0});
    IS(== NULL, cril_protocol_name, SIZE_MAX);
    IS(== NULL, cril_protocol_summary, SIZE_MAX);
}

static void test_diverger(void **state)
{
    cril_model *models[2] = {m, m}, *one[2] = {m, NULL};
    const cril_score_options options = {.context = 64, .threads = 1};
    cril_divergence_figures f;
    cril_diverger *d;
    cril_result r;
    cril_corpus *c;
    size_t n;

    (void)state;
    REFUSED(cril_diverger_create, NULL, 2, &options, &d);
    REFUSED(cril_diverger_create, models, 1, &options, &d);
    REFUSED(cril_diverger_create, one, 2, &options, &d);
    REFUSED(cril_diverger_create, models, 2, &options, NULL);
    must(cril_diverger_create(models, 2, &options, &d, &err), &err);
    must(cril_corpus_open(corpus_path, NULL, &c, &err), &err);
    REFUSED(cril_diverge_corpus, NULL, c, corpus_path, NULL, &r);
    REFUSED(cril_diverge_corpus, d, NULL, corpus_path, NULL, &r);
    REFUSED(cril_diverge_corpus, d, c, NULL, NULL, &r);
    REFUSED(cril_diverge_corpus, d, c, corpus_path, NULL, NULL);
    REFUSED(cril_diverge_figures, NULL, 1, SIZE_MAX, &f);
    REFUSED(cril_diverge_figures, d, 1, SIZE_MAX, NULL);
    REFUSED(cril_diverge_figures, d, 1, SIZE_MAX, &f);
    IS(== NULL, cril_diverge_worst, NULL, 1, &n);
    IS(== NULL, cril_diverge_worst, d, 1, NULL);
    IS_NAN(cril_diverge_speed, NULL, 0);
    IS_NAN(cril_diverge_speed, d, 2);
    cril_corpus_close(c);
    cril_diverger_free(d);
    DOES_NOTHING(cril_diverger_free, NULL);
    IS(== 0, cril_diverge_ids, NULL);
    IS(== 0, cril_diverge_context, NULL);
    IS(== NULL, cril_percentile_name, SIZE_MAX);
}

static void test_view(void **state)
{
    cril_model *models[2] = {m, m}, *one[2] = {m, NULL};
    const cril_score_options options = {.context = 64, .threads = 1};
    const cril_view_page page = {.title = "text"}, untitled = {0};
    FILE *f = tmpfile();
    cril_view *v;

    (void)state;
    assert_non_null(f);
    REFUSED(cril_view_create, NULL, 1, &options, "text", "a text", 6, NULL, &v);
    REFUSED(cril_view_create, models, 1, &options, NULL, "a text", 6, NULL, &v);
    REFUSED(cril_view_create, models, 1, &options, "text", NULL, 6, NULL, &v);
    REFUSED(cril_view_create, models, 1, &options, "text", "a text", 6, NULL, NULL);
    REFUSED(cril_view_create, models, 0, &options, "text", "a text", 6, NULL, &v);
    REFUSED(cril_view_create, models, 3, &options, "text", "a text", 6, NULL, &v);
    REFUSED(cril_view_create, models, 1, &options, "text", "", 0, NULL, &v);
    REFUSED(cril_view_create, one, 2, &options, "text", "a text", 6, NULL, &v);
    must(cril_view_create(models, 2, &options, "text", "a text", 6, NULL, &v, &err), &err);
    REFUSED(cril_view_write, NULL, v, &page);
    REFUSED(cril_view_write, f, NULL, &page);
    REFUSED(cril_view_write, f, v, NULL);
    REFUSED(cril_view_write, f, v, &untitled);
    cril_view_free(v);
    DOES_NOTHING(cril_view_free, NULL);
    fclose(f);
}

static void test_results(void **state)
{
    cril_comparison comparison = {0};
    cril_result r = score(), none = {0}, *read;
    size_t n;
    FILE *f = tmpfile();

    (void)state;
    assert_non_null(f);
    IS_NAN(cril_result_bits, NULL);
    IS_NAN(cril_result_bpc, NULL);
    IS_NAN(cril_result_bpc_with_escapes, NULL);
    IS_NAN(cril_results_average, NULL, 1);
    IS_NAN(cril_results_average, &r, 0);
    IS_NAN(cril_result_bpb, NULL);
    IS_NAN(cril_result_bits_per_token, NULL);
    IS_NAN(cril_result_perplexity, NULL);
    IS_NAN(cril_result_archive_bytes, NULL);
    IS(== NULL, cril_result_best_baseline, NULL);
    IS(== NULL, cril_result_best_baseline, &none);
    IS(== INFINITY, cril_result_break_even, NULL);
    IS(== INFINITY, cril_result_break_even, &none);
    REFUSED(cril_results_write, NULL, &r, 1, NULL);
    REFUSED(cril_results_write, f, NULL, 1, NULL);
    REFUSED(cril_results_read, NULL, &read, &n);
    REFUSED(cril_results_read, corpus_path, NULL, &n);
    REFUSED(cril_results_read, corpus_path, &read, NULL);
    REFUSED(cril_compare, NULL, &r, &comparison);
    REFUSED(cril_compare, &r, NULL, &comparison);
    REFUSED(cril_compare, &r, &r, NULL);
    REFUSED(cril_compare_average, NULL, 1, &comparison);
    REFUSED(cril_compare_average, &(cril_result_pair){&r, &r}, 1, NULL);
    DOES_NOTHING(cril_results_free, NULL, 5);
    DOES_NOTHING(cril_comparison_free, NULL);
    cril_result_free(&r);
    cril_result_free(&r);
    fclose(f);
}

/* ---- archives ---- */

struct bytes {
    char data[4096];
    size_t n;
};

static int take(void *user, const void *data, size_t n)
{
    struct bytes *b = user;

    if (n > sizeof(b->data) - b->n)
        return 1;
    memcpy(b->data + b->n, data, n);
    b->n += n;
    return 0;
}

static void test_compressor(void **state)
{
    struct bytes made = {.n = 0};
    const cril_codec_callbacks callbacks = {.user = &made, .write = take}, none = {.user = &made};
    const cril_compress_options options = {.context = 64, .threads = 1};
    cril_compressor *c;
    cril_archive *a;
    size_t n_made;

    (void)state;
    REFUSED(cril_compressor_create, NULL, &options, &callbacks, &c);
    REFUSED(cril_compressor_create, m, &options, NULL, &c);
    REFUSED(cril_compressor_create, m, &options, &none, &c);
    REFUSED(cril_compressor_create, m, &options, &callbacks, NULL);
    must(cril_compressor_create(m, &options, &callbacks, &c, &err), &err);
    REFUSED(cril_compressor_add, NULL, "text", 4);
    REFUSED(cril_compressor_add, c, NULL, 4);
    must(cril_compressor_add(c, "text", 4, &err), &err);
    REFUSED(cril_compressor_finish, NULL);
    must(cril_compressor_finish(c, &err), &err);
    n_made = made.n;
    REFUSED(cril_compressor_add, c, "text", 4);
    REFUSED(cril_compressor_finish, c);
    assert_int_equal(made.n, n_made);
    must(cril_archive_read(made.data, made.n, "made", &a, &err), &err); /* whole, once */
    cril_archive_close(a);
    IS(== NULL, cril_compressor_totals, NULL);
    cril_compressor_free(c);
    DOES_NOTHING(cril_compressor_free, NULL);
    must(cril_compressor_create(m, &options, &callbacks, &c, &err), &err);
    REFUSED(cril_compressor_add, c, "text", 0); /* an error ends it */
    REFUSED(cril_compressor_finish, c);
    cril_compressor_free(c);
    IS(== 0, cril_segment_cut, NULL, 10, 5);
    IS(== 0, cril_segment_cut, "text", 0, 0);
}

static cril_archive *make_archive(struct bytes *made)
{
    const cril_codec_callbacks callbacks = {.user = made, .write = take};
    const cril_compress_options options = {.context = 64, .threads = 1};
    cril_compressor *c;
    cril_archive *a;

    must(cril_compressor_create(m, &options, &callbacks, &c, &err), &err);
    must(cril_compressor_add(c, "text", 4, &err), &err);
    must(cril_compressor_finish(c, &err), &err);
    cril_compressor_free(c);
    must(cril_archive_read(made->data, made->n, "made", &a, &err), &err);
    return a;
}

static void test_archive(void **state)
{
    struct bytes made = {.n = 0}, text = {.n = 0};
    const cril_codec_callbacks callbacks = {.user = &text, .write = take}, none = {.user = &text};
    const cril_decompress_options options = {.threads = 1};
    cril_archive_segment segment = {.tokens = 7};
    cril_archive *a = make_archive(&made), *out;

    (void)state;
    REFUSED(cril_archive_open, NULL, &out);
    REFUSED(cril_archive_open, model_path, NULL);
    REFUSED(cril_archive_read, NULL, made.n, "made", &out);
    REFUSED(cril_archive_read, made.data, made.n, NULL, &out);
    REFUSED(cril_archive_read, made.data, made.n, "made", NULL);
    REFUSED(cril_decompress, NULL, a, &options, &callbacks, NULL);
    REFUSED(cril_decompress, m, NULL, &options, &callbacks, NULL);
    REFUSED(cril_decompress, m, a, &options, NULL, NULL);
    REFUSED(cril_decompress, m, a, &options, &none, NULL);
    must(cril_decompress(m, a, &options, &callbacks, NULL, &err), &err);
    assert_int_equal(text.n, 4);
    IS(== NULL, cril_archive_info_of, NULL);
    cril_archive_segment_at(a, UINT64_MAX, &segment);
    assert_int_equal(segment.tokens, 0);
    DOES_NOTHING(cril_archive_segment_at, a, 0, NULL);
    DOES_NOTHING(cril_archive_segment_at, NULL, 0, &segment);
    cril_archive_close(a);
    DOES_NOTHING(cril_archive_close, NULL);
}

static void test_session(void **state)
{
    const cril_feed feed = {0, (int32_t[]){1}, 1};
    cril_session *s;
    double nats;

    (void)state;
    REFUSED(cril_session_create, NULL, NULL, &s);
    REFUSED(cril_session_create, m, NULL, NULL);
    must(cril_session_create(m, NULL, &s, &err), &err);
    REFUSED(cril_session_feed, NULL, &feed, 1);
    REFUSED(cril_session_feed, s, NULL, 1);
    REFUSED(cril_session_nats, NULL, 0, NULL, 1, &nats);
    REFUSED(cril_session_nats, s, 0, NULL, 1, NULL);
    REFUSED(cril_session_reset, NULL, 0, 0);
    REFUSED(cril_session_rewind, NULL, 0, 0);
    REFUSED(cril_session_fork, NULL, 0, 0);
    IS(== 0, cril_session_streams, NULL);
    IS(== 0, cril_session_context, NULL);
    IS(== 0, cril_session_tokens, NULL, 0);
    IS(== 0, cril_session_tokens, s, 1);
    IS(== NULL, cril_session_logits, NULL, 0);
    IS(== NULL, cril_session_logits, s, 0);
    IS(== NULL, cril_session_logits, s, 1);
    cril_session_free(s);
    DOES_NOTHING(cril_session_free, NULL);
}

static void test_generator(void **state)
{
    const cril_generator_options options = {.threads = 1, .context = 20};
    const int32_t id = 1;
    const cril_prompt prompt = {.ids = &id, .n = 1, .max_tokens = 2}, no_ids = {.n = 1},
                      no_stops = {.ids = &id, .n = 1, .max_tokens = 2, .n_until = 1};
    const cril_generate_callbacks none = {.user = NULL};
    cril_generator *g;

    (void)state;
    REFUSED(cril_generator_create, NULL, &options, &g);
    REFUSED(cril_generator_create, m, &options, NULL);
    must(cril_generator_create(m, NULL, &g, &err), &err);
    cril_generator_free(g);
    must(cril_generator_create(m, &options, &g, &err), &err);
    REFUSED(cril_generate, NULL, &prompt, 1, &none);
    REFUSED(cril_generate, g, NULL, 1, &none);
    REFUSED(cril_generate, g, &no_ids, 1, &none);
    REFUSED(cril_generate, g, &no_stops, 1, &none);
    must(cril_generate(g, NULL, 0, NULL, &err), &err);
    must(cril_generate(g, &prompt, 1, NULL, &err), &err);
    must(cril_generate(g, &prompt, 1, &none, &err), &err);
    cril_generator_free(g);
    DOES_NOTHING(cril_generator_free, NULL);
}

static void test_prove(void **state)
{
    cril_prove_options options = {.archive = tmpfile(), .threads = 1}, no_file = {.threads = 1};
    cril_result r = score();
    cril_proof proof;

    (void)state;
    assert_non_null(options.archive);
    REFUSED(cril_prove, NULL, corpus_path, NULL, &r, &options, NULL, &proof);
    REFUSED(cril_prove, m, NULL, NULL, &r, &options, NULL, &proof);
    REFUSED(cril_prove, m, corpus_path, NULL, NULL, &options, NULL, &proof);
    REFUSED(cril_prove, m, corpus_path, NULL, &r, NULL, NULL, &proof);
    REFUSED(cril_prove, m, corpus_path, NULL, &r, &no_file, NULL, &proof);
    REFUSED(cril_prove, m, corpus_path, NULL, &r, &options, NULL, NULL);
    IS_NAN(cril_proof_ideal_bits, NULL);
    IS_NAN(cril_proof_coded_bits, NULL);
    IS_NAN(cril_proof_overhead, NULL);
    IS_NAN(cril_proof_bpc, NULL);
    cril_result_free(&r);
    fclose(options.archive);
}

static void test_selftest(void **state)
{
    cril_selftest_result out;
    cril_selftest *t;

    (void)state;
    REFUSED(cril_selftest_create, m, 4, NULL);
    must(cril_selftest_create(m, 4, &t, &err), &err);
    REFUSED(cril_selftest_run, NULL, "ref", 1, NULL, NULL, &out);
    REFUSED(cril_selftest_run, t, NULL, 1, NULL, NULL, &out);
    REFUSED(cril_selftest_run, t, "ref", 1, NULL, NULL, NULL);
    IS(== 0, cril_selftest_tokens, NULL);
    IS(== 0, cril_selftest_flops, NULL);
    IS(== NULL, cril_selftest_expected, NULL);
    cril_selftest_free(t);
    DOES_NOTHING(cril_selftest_free, NULL);
}

/* ---- figures ---- */

static void test_figures(void **state)
{
    static const double x[] = {1, 2, 3, 4}, y[] = {2, 1, 4, 3};
    const cril_points points = {.n = 4, .x = x, .y = y}, no_x = {.n = 4, .y = y},
                      no_y = {.n = 4, .x = x};
    cril_line_bootstrap b = {.level = 0.9, .resamples = 10};
    cril_interval interval = {.level = 0.9, .resamples = 10};
    cril_left_out_total total;
    cril_left_out left_out[4];
    cril_prediction prediction;
    cril_point_fit fits[4];
    cril_line_both both;
    cril_line line;
    double out;

    (void)state;
    REFUSED(cril_line_fit, NULL, 0.9, &line);
    REFUSED(cril_line_fit, &no_x, 0.9, &line);
    REFUSED(cril_line_fit, &no_y, 0.9, &line);
    REFUSED(cril_line_fit, &points, 0.9, NULL);
    REFUSED(cril_line_diagnose, NULL, 2, fits, NULL);
    REFUSED(cril_line_diagnose, &no_x, 2, fits, NULL);
    REFUSED(cril_line_diagnose, &points, 2, NULL, NULL);
    REFUSED(cril_line_predict, NULL, 1, 0, 0.9, &prediction);
    REFUSED(cril_line_predict, &line, 1, 0, 0.9, NULL);
    REFUSED(cril_line_resample, NULL, &b);
    REFUSED(cril_line_resample, &no_x, &b);
    REFUSED(cril_line_resample, &points, NULL);
    REFUSED(cril_line_leave_out, NULL, left_out, NULL, &total);
    REFUSED(cril_line_leave_out, &no_x, left_out, NULL, &total);
    REFUSED(cril_line_leave_out, &points, NULL, NULL, &total);
    REFUSED(cril_line_leave_out, &points, left_out, NULL, NULL);
    REFUSED(cril_line_york, NULL, 0.9, &both);
    REFUSED(cril_line_york, &no_x, 0.9, &both);
    REFUSED(cril_line_york, &points, 0.9, NULL);
    REFUSED(cril_line_deming, NULL, 1, 0.9, &both);
    REFUSED(cril_line_deming, &no_x, 1, 0.9, &both);
    REFUSED(cril_line_deming, &points, 1, 0.9, NULL);
    REFUSED(cril_bootstrap_ratio, NULL, x, 4, &interval);
    REFUSED(cril_bootstrap_ratio, x, NULL, 4, &interval);
    REFUSED(cril_bootstrap_ratio, x, y, 4, NULL);
    REFUSED(cril_bootstrap_ratio, x, y, 0, &interval);
    REFUSED(cril_ratio_error, NULL, x, 4, &out);
    REFUSED(cril_ratio_error, x, NULL, 4, &out);
    REFUSED(cril_ratio_error, x, y, 4, NULL);
    for (int k = 0; k < 4; k++) {
        cril_pairs pairs = {4, x, y, x, y};

        *(const double **[]){&pairs.a, &pairs.a_denominator, &pairs.b, &pairs.b_denominator}[k] =
            NULL;
        REFUSED(cril_bootstrap_difference, &pairs, 1, &interval);
    }
    REFUSED(cril_bootstrap_difference, NULL, 1, &interval);
    REFUSED(cril_bootstrap_difference, &(cril_pairs){4, x, y, x, y}, 1, NULL);
    IS_NAN(cril_student_cdf, NAN, 3);
    IS_NAN(cril_student_quantile, 2, 3);
    IS_NAN(cril_normal_cdf, NAN);
    IS_NAN(cril_normal_quantile, -1);
}

static void test_download(void **state)
{
    char *path;

    (void)state;
    REFUSED(cril_download, NULL, ".", NULL, &path);
    REFUSED(cril_download, "https://a/b", NULL, NULL, &path);
    REFUSED(cril_download, "https://a/b", ".", NULL, NULL);
    IS(== false, cril_is_address, NULL);
}

static int take_nothing(void *user, const void *data, size_t n)
{
    (void)user;
    (void)data;
    (void)n;
    return 1;
}

static void test_gather(void **state)
{
    const cril_gather_options o = {.kind = "web"};
    const cril_gather_sink sink = {.write = take_nothing};
    const cril_gather_shard shard = {"a", "{}"};
    cril_gather_kind kind;
    cril_gather_step step;
    char *card;

    (void)state;
    REFUSED(cril_gather, NULL, &sink, &card);
    REFUSED(cril_gather, &o, NULL, &card);
    REFUSED(cril_gather, &o, &sink, NULL);
    REFUSED(cril_gather, &o, &sink, &card); /* no input */
    REFUSED(cril_gather, (&(cril_gather_options){.n_inputs = 1}), &sink, &card);
    REFUSED(cril_gather, &o, (&(cril_gather_sink){0}), &card);
    REFUSED(cril_gather_merge, NULL, 1, &o, &sink, &card);
    REFUSED(cril_gather_merge, &shard, 0, &o, &sink, &card);
    REFUSED(cril_gather_merge, &shard, 1, NULL, &sink, &card);
    REFUSED(cril_gather_merge, &shard, 1, &o, NULL, &card);
    REFUSED(cril_gather_merge, &shard, 1, &o, &sink, NULL);
    IS(== false, cril_gather_kind_at, 0, NULL);
    IS(== false, cril_gather_kind_at, SIZE_MAX, &kind);
    IS(== false, cril_gather_step_at, NULL, 0, &step);
    IS(== false, cril_gather_step_at, "web", SIZE_MAX, &step);
    IS(== false, cril_gather_step_at, "web", 0, NULL);
}

static void test_sample(void **state)
{
    const cril_sample_input input = {.path = corpus_path};
    const cril_mix_options mix = {.inputs = &input, .n_inputs = 1, .characters = 1};
    const cril_quality_options quality = {.input = input};
    const cril_gather_sink sink = {.write = take_nothing};
    cril_scorer *s;
    char *card;

    (void)state;
    REFUSED(cril_mix, NULL, &sink, &card);
    REFUSED(cril_mix, &mix, NULL, &card);
    REFUSED(cril_mix, &mix, &sink, NULL);
    REFUSED(cril_mix, &mix, (&(cril_gather_sink){0}), &card);
    REFUSED(cril_mix, (&(cril_mix_options){.characters = 1}), &sink, &card); /* no input */
    REFUSED(cril_mix, (&(cril_mix_options){.n_inputs = 1, .characters = 1}), &sink, &card);
    REFUSED(cril_mix, (&(cril_mix_options){.inputs = &input, .n_inputs = 1}), &sink, &card);
    REFUSED(cril_mix,
            (&(cril_mix_options){
                .inputs = &input, .n_inputs = 1, .characters = 1, .n_exclude_items = 1}),
            &sink, &card);
    must(cril_scorer_create(m, NULL, &s, &err), &err);
    REFUSED(cril_quality, NULL, &quality, &sink, &card);
    REFUSED(cril_quality, s, NULL, &sink, &card);
    REFUSED(cril_quality, s, &quality, NULL, &card);
    REFUSED(cril_quality, s, &quality, &sink, NULL);
    REFUSED(cril_quality, s, (&(cril_quality_options){0}), &sink, &card);
    REFUSED(cril_quality, s, (&(cril_quality_options){.input = input, .n_keep = 1}), &sink, &card);
    cril_scorer_free(s);
    IS(== NULL, cril_quality_bucket, SIZE_MAX);
    REFUSED(cril_card_commands, NULL, "a", &card);
    REFUSED(cril_card_commands, "{}", NULL, &card);
    REFUSED(cril_card_commands, "{}", "a", NULL);
    REFUSED(cril_card_page, NULL, "{}", "a");
    REFUSED(cril_card_page, stderr, NULL, "a");
    REFUSED(cril_card_page, stderr, "{}", NULL);
}

static void test_leak(void **state)
{
    static const double x[2] = {1, 2};
    const cril_interval wanted = {.level = .95, .resamples = 10};
    cril_separation separation;
    cril_overlap *o;
    cril_overlap_task task;
    cril_overlap_item item;
    uint64_t found;

    (void)state;
    REFUSED(cril_separate, NULL, 2, x, 2, &wanted, &separation);
    REFUSED(cril_separate, x, 2, NULL, 2, &wanted, &separation);
    REFUSED(cril_separate, x, 2, x, 2, NULL, &separation);
    REFUSED(cril_separate, x, 2, x, 2, &wanted, NULL);
    REFUSED(cril_overlap_create, NULL, NULL);
    REFUSED(cril_overlap_create, (&(cril_overlap_options){.n_fields = 1}), &o);
    must(cril_overlap_create(NULL, &o, &err), &err);
    REFUSED(cril_overlap_add_task, NULL, "gsm8k", ".");
    REFUSED(cril_overlap_add_task, o, NULL, ".");
    REFUSED(cril_overlap_add_task, o, "gsm8k", NULL);
    REFUSED(cril_overlap_scan, NULL, "a", 1, 0, &found);
    REFUSED(cril_overlap_scan, o, NULL, 1, 0, &found);
    REFUSED(cril_overlap_scan, o, "a", 1, 0, NULL);
    IS(== false, cril_overlap_task_at, NULL, 0, &task);
    IS(== false, cril_overlap_task_at, o, 0, &task);
    IS(== false, cril_overlap_item_at, NULL, 0, 0, &item);
    IS(== false, cril_overlap_item_at, o, 0, 0, &item);
    cril_overlap_free(o);
    DOES_NOTHING(cril_overlap_free, NULL);
}

static void test_membership(void **state)
{
    const cril_interval wanted = {.level = .95, .resamples = 10};
    cril_membership *s;
    static const double x[2] = {1, 2};
    static const uint32_t group[2] = {0, 1};
    cril_membership_corpus c;
    cril_membership_separation separation;
    cril_membership_times times;
    cril_change change;

    (void)state;
    REFUSED(cril_membership_create, NULL, NULL, &s);
    REFUSED(cril_membership_create, m, NULL, NULL);
    must(cril_membership_create(m, NULL, &s, &err), &err);
    REFUSED(cril_membership_add, NULL, "a", NULL, false, NULL, NULL);
    REFUSED(cril_membership_add, s, NULL, NULL, false, NULL, NULL);
    REFUSED(cril_membership_separate, NULL, 0, &wanted, &separation);
    REFUSED(cril_membership_separate, s, 0, NULL, &separation);
    REFUSED(cril_membership_separate, s, 0, &wanted, NULL);
    REFUSED(cril_membership_blind, NULL, &wanted, &separation);
    REFUSED(cril_membership_blind, s, NULL, &separation);
    REFUSED(cril_membership_blind, s, &wanted, NULL);
    IS(== false, cril_membership_corpus_at, NULL, 0, &c);
    IS(== false, cril_membership_corpus_at, s, 0, &c);
    IS(== false, cril_membership_corpus_at, s, 0, NULL);
    IS(== CRIL_TEXTS_TOO_FEW, cril_membership_judge, NULL);
    IS(== NULL, cril_membership_score_name, CRIL_MEMBERSHIP_SCORES, NULL);
    REFUSED(cril_membership_by_month, NULL, &wanted, &times);
    REFUSED(cril_membership_by_month, s, NULL, &times);
    REFUSED(cril_membership_by_month, s, &wanted, NULL);
    REFUSED(cril_membership_add_texts, NULL, &(cril_corpus_source){0}, false, NULL);
    REFUSED(cril_membership_add_texts, s, NULL, false, NULL);
    cril_membership_free(s);
    DOES_NOTHING(cril_membership_free, NULL);
    DOES_NOTHING(cril_membership_times_free, NULL);
    REFUSED(cril_change_find, NULL, x, group, 2, 1, 0, &change);
    REFUSED(cril_change_find, x, NULL, group, 2, 1, 0, &change);
    REFUSED(cril_change_find, x, x, NULL, 2, 1, 0, &change);
    REFUSED(cril_change_find, x, x, group, 2, 1, 0, NULL);
}

static void test_rest(void **state)
{
    char text[CRIL_NUMBER_SIZE];
    double v;

    (void)state;
    IS(== false, cril_number_read, NULL, &v);
    IS(== false, cril_number_read, "1", NULL);
    IS(== NULL, cril_number_write, NULL, 1, 17);
    IS(== text, cril_number_write, text, 1, -5);
    IS(== text, cril_number_write, text, 1, 500);
    IS(== -1, cril_json_filter_put, "1", 1, NULL);
    IS(== 0, cril_text_show, NULL, 4, true, text, sizeof(text));
    IS(== 4, cril_text_show, "text", 4, true, NULL, 0);
    IS(== false, cril_kernel_info_at, 0, NULL);
    IS(!= NULL, cril_status_name, (cril_status)77);
    note("cril_version");
    assert_string_equal(cril_version(), CRIL_VERSION);
    IS(> 0, cril_baselines_memory);
    IS(> 0, cril_cpu_count);
    IS(!= NULL, cril_cpu_kernels);
    IS(== CRIL_OK, cril_cpu_check, NULL);
}

/* ---- studies ---- */

static const char study_text[] = "models: [{name: a}, {name: b}, {name: c}]\n"
                                 "corpora: [{name: cc}]\n"
                                 "benchmarks: [{name: E, group: cc}]\n"
                                 "fits: [{name: f, x: cc, y: E}]\n";

static cril_study *load_study(void)
{
    FILE *f = fopen("study.yaml", "w");
    cril_study *s;

    assert_non_null(f);
    assert_true(fputs(study_text, f) >= 0);
    assert_int_equal(fclose(f), 0);
    must(cril_study_load("study.yaml", &s, &err), &err);
    return s;
}

static void see_figure(void *user, const char *name, const char *shows)
{
    (void)user;
    (void)name;
    (void)shows;
}

static void test_study(void **state)
{
    cril_study *s = load_study(), *out;
    const cril_study_info *info = cril_study_info_of(s);
    cril_known bpc[3] = {{0}}, score[3] = {{0}};
    const cril_study_table t = {
        .n_models = 3, .n_corpora = 1, .n_benchmarks = 1, .bpc = bpc, .score = score};
    const char *const words[] = {"a"};
    cril_study_faults faults;
    cril_study_points points;
    cril_study_line line;
    cril_figures figures;
    FILE *f = tmpfile();

    (void)state;
    assert_non_null(f);
    REFUSED(cril_study_load, NULL, &out);
    REFUSED(cril_study_load, "study.yaml", NULL);
    IS(== CRIL_ERR_RANGE, cril_study_check, NULL, &out, &faults);
    IS(== CRIL_ERR_RANGE, cril_study_check, "study.yaml", NULL, &faults);
    IS(== CRIL_ERR_RANGE, cril_study_check, "study.yaml", &out, NULL);
    IS(== NULL, cril_study_info_of, NULL);
    REFUSED(cril_study_check_fit, NULL, info->fits);
    REFUSED(cril_study_check_fit, info, NULL);
    IS(== false, cril_study_selects, NULL, words, 1);
    IS(== false, cril_study_selects, info->models, NULL, 1);
    REFUSED(cril_figures_read, NULL, CRIL_FIGURE_BPC, NULL, &figures);
    REFUSED(cril_figures_read, "study.yaml", CRIL_FIGURE_BPC, NULL, NULL);
    REFUSED(cril_study_points_get, NULL, &t, info->fits, &points);
    REFUSED(cril_study_points_get, info, NULL, info->fits, &points);
    REFUSED(cril_study_points_get, info, &t, NULL, &points);
    REFUSED(cril_study_points_get, info, &t, info->fits, NULL);
    REFUSED(cril_study_coordinates, NULL, &t, info->fits, 0, bpc, score);
    REFUSED(cril_study_coordinates, info, NULL, info->fits, 0, bpc, score);
    REFUSED(cril_study_coordinates, info, &t, NULL, 0, bpc, score);
    REFUSED(cril_study_coordinates, info, &t, info->fits, 3, bpc, score);
    REFUSED(cril_study_line_fit, NULL, &t, info->fits, NULL, &line);
    REFUSED(cril_study_line_fit, info, NULL, info->fits, NULL, &line);
    REFUSED(cril_study_line_fit, info, &t, NULL, NULL, &line);
    REFUSED(cril_study_line_fit, info, &t, info->fits, NULL, NULL);
    REFUSED(cril_study_report, NULL, info, &t, NULL);
    REFUSED(cril_study_report, f, NULL, &t, NULL);
    REFUSED(cril_study_report, f, info, NULL, NULL);
    REFUSED(cril_study_figures, NULL, &t, NULL, see_figure, NULL);
    REFUSED(cril_study_figures, info, NULL, NULL, see_figure, NULL);
    REFUSED(cril_study_figures, info, &t, NULL, NULL, NULL);
    REFUSED(cril_study_figure, NULL, info, &t, NULL, "line", 0);
    REFUSED(cril_study_figure, f, NULL, &t, NULL, "line", 0);
    REFUSED(cril_study_figure, f, info, NULL, NULL, "line", 0);
    REFUSED(cril_study_figure, f, info, &t, NULL, NULL, 0);
    REFUSED(cril_study_figure_data, NULL, info, &t, NULL, "line");
    REFUSED(cril_study_figure_data, f, NULL, &t, NULL, "line");
    REFUSED(cril_study_figure_data, f, info, NULL, NULL, "line");
    REFUSED(cril_study_figure_data, f, info, &t, NULL, NULL);
    IS(== false, cril_study_step, NULL, NULL, NULL);
    IS(.level > 0, cril_study_line_defaults, NULL);
    DOES_NOTHING(cril_study_table_free, NULL);
    DOES_NOTHING(cril_figures_free, NULL);
    DOES_NOTHING(cril_study_points_free, NULL);
    DOES_NOTHING(cril_study_line_free, NULL);
    cril_study_close(s);
    DOES_NOTHING(cril_study_close, NULL);
    fclose(f);
}

static void test_store(void **state)
{
    static const char hex[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    cril_study *study = load_study();
    const cril_study_info *info = cril_study_info_of(study);
    cril_store_model model = {.architecture = "llama", .parameters = 1, .bytes = 1, .context = 64};
    cril_store_corpus corpus = {.field = "content", .documents = 1, .characters = 1, .bytes = 1};
    cril_study_faults faults;
    cril_harness harness = {0};
    uint64_t n_documents;
    cril_current *current;
    cril_cell_state cell_state;
    cril_study_table table;
    cril_baseline *baselines;
    cril_slice *slices;
    cril_figure *rows;
    cril_cell cell, *cells;
    const cril_document_divergence divergence = {.tokens = 1};
    cril_known_divergence known_divergence;
    cril_claim *claim;
    cril_result result;
    cril_store *s;
    bool found;
    size_t n;
    FILE *f = tmpfile();
    cril_store_leak leak;
    bool found_leak;

    (void)state;
    assert_non_null(f);
    memcpy(model.sha256, hex, sizeof(hex));
    memcpy(corpus.sha256, hex, sizeof(hex));
    REFUSED(cril_store_open, NULL, NULL, &s);
    REFUSED(cril_store_open, "study.db", NULL, NULL);
    must(cril_store_open("study.db", NULL, &s, &err), &err);
    REFUSED(cril_store_corpus_id, NULL);
    must(cril_store_corpus_id(&corpus, &err), &err);
    REFUSED(cril_cell_of, NULL, &corpus, info->protocols, &cell);
    REFUSED(cril_cell_of, &model, NULL, info->protocols, &cell);
    REFUSED(cril_cell_of, &model, &corpus, NULL, &cell);
    REFUSED(cril_cell_of, &model, &corpus, info->protocols, NULL);
    must(cril_cell_of(&model, &corpus, info->protocols, &cell, &err), &err);
    REFUSED(cril_divergence_cell_of, NULL, &model, &corpus, info->protocols, &cell);
    REFUSED(cril_divergence_cell_of, &model, NULL, &corpus, info->protocols, &cell);
    REFUSED(cril_divergence_cell_of, &model, &model, NULL, info->protocols, &cell);
    REFUSED(cril_divergence_cell_of, &model, &model, &corpus, NULL, &cell);
    REFUSED(cril_divergence_cell_of, &model, &model, &corpus, info->protocols, NULL);
    REFUSED(cril_store_put_model, NULL, "a", &model, NULL);
    REFUSED(cril_store_put_model, s, NULL, &model, NULL);
    REFUSED(cril_store_put_model, s, "a", NULL, NULL);
    REFUSED(cril_store_put_corpus, NULL, "cc", &corpus, NULL);
    REFUSED(cril_store_put_corpus, s, NULL, &corpus, NULL);
    REFUSED(cril_store_put_corpus, s, "cc", NULL, NULL);
    REFUSED(cril_store_find_model, NULL, "a", &model, &found);
    REFUSED(cril_store_find_model, s, NULL, &model, &found);
    REFUSED(cril_store_find_model, s, "a", NULL, &found);
    REFUSED(cril_store_find_model, s, "a", &model, NULL);
    REFUSED(cril_store_find_corpus, NULL, "cc", &corpus, &found);
    REFUSED(cril_store_find_corpus, s, NULL, &corpus, &found);
    REFUSED(cril_store_find_corpus, s, "cc", NULL, &found);
    REFUSED(cril_store_find_corpus, s, "cc", &corpus, NULL);
    REFUSED(cril_store_put_baselines, NULL, corpus.id, NULL, 0);
    REFUSED(cril_store_put_baselines, s, NULL, NULL, 0);
    REFUSED(cril_store_put_baselines, s, corpus.id, NULL, 1);
    REFUSED(cril_store_baselines, NULL, corpus.id, &baselines, &n);
    REFUSED(cril_store_baselines, s, NULL, &baselines, &n);
    REFUSED(cril_store_baselines, s, corpus.id, NULL, &n);
    REFUSED(cril_store_baselines, s, corpus.id, &baselines, NULL);
    REFUSED(cril_store_put, NULL, &cell, NULL, 0);
    REFUSED(cril_store_put, s, NULL, NULL, 0);
    REFUSED(cril_store_put, s, &cell, NULL, 1);
    REFUSED(cril_store_put_divergences, NULL, &cell, NULL, 0);
    REFUSED(cril_store_put_divergences, s, NULL, NULL, 0);
    REFUSED(cril_store_put_divergences, s, &cell, NULL, 1);
    REFUSED(cril_store_put_divergences, s, &cell, &divergence, 1); /* it has no base */
    REFUSED(cril_store_divergence, NULL, &cell, &corpus, NULL, &known_divergence);
    REFUSED(cril_store_divergence, s, NULL, &corpus, NULL, &known_divergence);
    REFUSED(cril_store_divergence, s, &cell, NULL, NULL, &known_divergence);
    REFUSED(cril_store_divergence, s, &cell, &corpus, NULL, NULL);
    REFUSED(cril_store_put_leaks, NULL, "a", "b", NULL, 0);
    REFUSED(cril_store_put_leaks, s, NULL, "b", NULL, 0);
    REFUSED(cril_store_put_leaks, s, "a", NULL, NULL, 0);
    REFUSED(cril_store_put_leaks, s, "a", "b", NULL, 1);
    REFUSED(cril_store_find_leak, NULL, "a", "b", "c", &leak, &found_leak);
    REFUSED(cril_store_find_leak, s, NULL, "b", "c", &leak, &found_leak);
    REFUSED(cril_store_find_leak, s, "a", NULL, "c", &leak, &found_leak);
    REFUSED(cril_store_find_leak, s, "a", "b", NULL, &leak, &found_leak);
    REFUSED(cril_store_find_leak, s, "a", "b", "c", NULL, &found_leak);
    REFUSED(cril_store_find_leak, s, "a", "b", "c", &leak, NULL);
    REFUSED(cril_store_missing, NULL, &cell, 1, &slices, &n);
    REFUSED(cril_store_missing, s, NULL, 1, &slices, &n);
    REFUSED(cril_store_missing, s, &cell, 1, NULL, &n);
    REFUSED(cril_store_missing, s, &cell, 1, &slices, NULL);
    REFUSED(cril_store_result, NULL, &cell, &corpus, NULL, &result);
    REFUSED(cril_store_result, s, NULL, &corpus, NULL, &result);
    REFUSED(cril_store_result, s, &cell, NULL, NULL, &result);
    REFUSED(cril_store_result, s, &cell, &corpus, NULL, NULL);
    REFUSED(cril_store_cells, NULL, &cells, &n);
    REFUSED(cril_store_cells, s, NULL, &n);
    REFUSED(cril_store_cells, s, &cells, NULL);
    REFUSED(cril_store_import, NULL, CRIL_FIGURE_BPC, NULL, 0, NULL);
    REFUSED(cril_store_import, s, CRIL_FIGURE_BPC, NULL, 1, NULL);
    REFUSED(cril_store_imported, NULL, CRIL_FIGURE_BPC, &rows, &n);
    REFUSED(cril_store_imported, s, CRIL_FIGURE_BPC, NULL, &n);
    REFUSED(cril_store_imported, s, CRIL_FIGURE_BPC, &rows, NULL);
    REFUSED(cril_store_put_text, NULL, hex, 1);
    REFUSED(cril_store_put_text, s, NULL, 1);
    REFUSED(cril_store_find_text, NULL, hex, &n_documents);
    REFUSED(cril_store_find_text, s, NULL, &n_documents);
    REFUSED(cril_store_find_text, s, hex, NULL);
    must(cril_current_look(s, info, &current, &err), &err);
    REFUSED(cril_current_cell, current, 0, 0, NULL, &cell_state);
    REFUSED(cril_current_cell, current, 0, 0, info->protocols, NULL);
    REFUSED(cril_current_divergence, NULL, 0, 0, info->protocols, &cell_state);
    REFUSED(cril_current_divergence, current, 0, 0, NULL, &cell_state);
    REFUSED(cril_current_divergence, current, 0, 0, info->protocols, NULL);
    REFUSED(cril_current_table, current, NULL, &table);
    REFUSED(cril_current_table, current, info->protocols, NULL);
    IS(== false, cril_current_model, NULL, 0, &model);
    IS(== false, cril_current_model, current, 0, NULL);
    IS(== false, cril_current_model, current, SIZE_MAX, &model);
    IS(== false, cril_current_corpus, NULL, 0, &corpus);
    IS(== false, cril_current_corpus, current, 0, NULL);
    IS(== false, cril_current_corpus, current, SIZE_MAX, &corpus);
    IS(== NULL, cril_current_former_name, NULL, 0, 0);
    IS(== NULL, cril_current_former_name, current, SIZE_MAX, 0);
    IS(== NULL, cril_current_former_name, current, 0, SIZE_MAX);
    cril_current_free(current);
    DOES_NOTHING(cril_current_free, NULL);
    IS_NAN(cril_known_with_escapes, NULL);
    REFUSED(cril_harness_read, NULL, 1, info, "m", &harness);
    REFUSED(cril_harness_read, NULL, 0, NULL, "m", &harness);
    REFUSED(cril_harness_read, NULL, 0, info, NULL, &harness);
    REFUSED(cril_harness_read, NULL, 0, info, "m", NULL);
    DOES_NOTHING(cril_harness_free, &harness);
    DOES_NOTHING(cril_harness_free, NULL);
    IS(== CRIL_ERR_RANGE, cril_study_run_check, NULL, &faults);
    IS(== CRIL_ERR_RANGE, cril_study_run_check, info, NULL);
    REFUSED(cril_current_look, NULL, info, &current);
    REFUSED(cril_current_look, s, NULL, &current);
    REFUSED(cril_current_look, s, info, NULL);
    REFUSED(cril_current_cell, NULL, 0, 0, info->protocols, &cell_state);
    REFUSED(cril_current_table, NULL, info->protocols, &table);
    REFUSED(cril_store_table, NULL, info, info->protocols, &table);
    REFUSED(cril_store_table, s, NULL, info->protocols, &table);
    REFUSED(cril_store_table, s, info, NULL, &table);
    REFUSED(cril_store_table, s, info, info->protocols, NULL);
    REFUSED(cril_store_merge, NULL, NULL, 0, NULL);
    REFUSED(cril_store_merge, s, NULL, 1, NULL);
    REFUSED(cril_store_merge, s, (const char *const[]){NULL}, 1, NULL);
    REFUSED(cril_store_dump, NULL, f);
    REFUSED(cril_store_dump, s, NULL);
    REFUSED(cril_store_claim, NULL, &cell, 0, 1, &claim);
    REFUSED(cril_store_claim, s, NULL, 0, 1, &claim);
    REFUSED(cril_store_claim, s, &cell, 0, 1, NULL);
    REFUSED(cril_study_run, NULL, s, NULL, NULL, NULL);
    REFUSED(cril_study_run, info, NULL, NULL, NULL, NULL);
    DOES_NOTHING(cril_imports_free, NULL, 3);
    DOES_NOTHING(cril_claim_release, NULL);
    cril_store_close(s);
    DOES_NOTHING(cril_store_close, NULL);
    cril_study_close(study);
    fclose(f);
}

static cril_status see_no_item(void *user, const cril_store_item *item, cril_error *error)
{
    (void)user;
    (void)item;
    (void)error;
    return CRIL_OK;
}

static void test_benchmarks(void **state)
{
    cril_study *study = load_study();
    const cril_study_info *info = cril_study_info_of(study);
    cril_store_benchmark b = {.task = "gsm8k", .protocol = "paper"};
    const cril_store_subject subject = {.items = 1};
    const cril_store_model model = {.sha256 = ""};
    cril_item_cell cell, *cells;
    cril_score_of_items score;
    cril_score_state score_state;
    cril_current *current;
    cril_store *s;
    bool there;
    uint64_t count;
    size_t n;

    (void)state;
    must(cril_store_open("study.db", NULL, &s, &err), &err);
    REFUSED(cril_store_benchmark_id, NULL);
    REFUSED(cril_store_benchmark_id, &b); /* no hashes */
    DOES_NOTHING(cril_item_cell_of, NULL, &b, &cell);
    DOES_NOTHING(cril_item_cell_of, &model, NULL, &cell);
    DOES_NOTHING(cril_item_cell_of, &model, &b, NULL);
    cril_item_cell_of(&model, &b, &cell);
    REFUSED(cril_store_put_benchmark, NULL, "a", &b, &subject, 1, &there);
    REFUSED(cril_store_put_benchmark, s, NULL, &b, &subject, 1, &there);
    REFUSED(cril_store_put_benchmark, s, "a", NULL, &subject, 1, &there);
    REFUSED(cril_store_put_benchmark, s, "a", &b, NULL, 1, &there);
    REFUSED(cril_store_find_benchmark, NULL, "a", &b, &there);
    REFUSED(cril_store_find_benchmark, s, NULL, &b, &there);
    REFUSED(cril_store_find_benchmark, s, "a", NULL, &there);
    REFUSED(cril_store_find_benchmark, s, "a", &b, NULL);
    REFUSED(cril_store_put_items, NULL, &cell, NULL, 0, NULL);
    REFUSED(cril_store_put_items, s, NULL, NULL, 0, NULL);
    REFUSED(cril_store_put_items, s, &cell, NULL, 1, NULL);
    REFUSED(cril_store_count_items, NULL, &cell, &b, &count);
    REFUSED(cril_store_count_items, s, NULL, &b, &count);
    REFUSED(cril_store_count_items, s, &cell, NULL, &count);
    REFUSED(cril_store_count_items, s, &cell, &b, NULL);
    REFUSED(cril_store_each_item, NULL, &cell, &b, see_no_item, NULL);
    REFUSED(cril_store_each_item, s, NULL, &b, see_no_item, NULL);
    REFUSED(cril_store_each_item, s, &cell, NULL, see_no_item, NULL);
    IS(== CRIL_ERR_RANGE, cril_store_each_item, s, &cell, &b, NULL, NULL, &err);
    REFUSED(cril_store_score, NULL, &cell, &b, &score);
    REFUSED(cril_store_score, s, NULL, &b, &score);
    REFUSED(cril_store_score, s, &cell, NULL, &score);
    REFUSED(cril_store_score, s, &cell, &b, NULL);
    REFUSED(cril_store_item_cells, NULL, &cells, &n);
    REFUSED(cril_store_item_cells, s, NULL, &n);
    REFUSED(cril_store_item_cells, s, &cells, NULL);
    must(cril_current_look(s, info, &current, &err), &err);
    REFUSED(cril_current_score, NULL, 0, 0, &score_state);
    REFUSED(cril_current_score, current, 0, 0, NULL);
    IS(== false, cril_current_benchmark, NULL, 0, &b);
    IS(== false, cril_current_benchmark, current, 0, NULL);
    IS(== false, cril_current_benchmark, current, SIZE_MAX, &b);
    cril_current_free(current);
    cril_store_close(s);
    cril_study_close(study);
}

/* ---- completeness ---- */

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

/* A function of the header, by name: declarations begin a line or follow a type, comments say "()".
 */
static size_t check_header(const char *path)
{
    static char text[1 << 20];
    FILE *f = fopen(path, "r");
    bool comment = false;
    size_t n, found = 0;

    assert_non_null(f);
    n = fread(text, 1, sizeof(text) - 1, f);
    fclose(f);
    text[n] = '\0';
    for (char *p = text; *p; p++) {
        size_t len = 0, i = 0;

        if (strncmp(p, "/*", 2) == 0 || strncmp(p, "*/", 2) == 0)
            comment = *p == '/';
        if (comment || strncmp(p, "cril_", 5) != 0 || (p > text && is_word(p[-1])))
            continue;
        while (is_word(p[len]))
            len++;
        if (p[len] != '(')
            continue;
        found++;
        while (i < n_tried && !(strlen(tried[i]) == len && strncmp(tried[i], p, len) == 0))
            i++;
        if (i == n_tried)
            fail_msg("%s declares %.*s, which is not tried here", path, (int)len, p);
    }
    return found;
}

static void test_hub(void **state)
{
    cril_hub_name name;
    cril_hub_model model;
    char text[64];

    (void)state;
    IS(== false, cril_hub_is_name, NULL);
    REFUSED(cril_hub_name_parse, NULL, &name);
    REFUSED(cril_hub_name_parse, "hf:o/n", NULL);
    REFUSED(cril_hub_name_parse, "model.gguf", &name);
    REFUSED(cril_hub_find, NULL, &model);
    REFUSED(cril_hub_find, "hf:o/n", NULL);
    REFUSED(cril_hub_pull, NULL, NULL, &model);
    REFUSED(cril_hub_pull, "hf:o/n", NULL, NULL);
    IS(== false, cril_hub_source, NULL, text, sizeof(text));
    IS(== false, cril_hub_source, "models--o--n", NULL, 0);
    IS(== false, cril_hub_source, "models--o--n", NULL, 1);
    DOES_NOTHING(cril_hub_model_free, NULL);
}

static void test_eval(void **state)
{
    const cril_eval_settings nothing = {.draw = "last"}, huge = {.window = UINT64_MAX};
    const cril_eval_facts facts = {.model = "m", .model_sanitized = "m"};
    cril_eval_protocol protocol;
    cril_eval_file file;
    cril_eval_task task;
    cril_programs *programs = NULL;
    cril_items_comparison comparison;
    cril_grade grade;
    cril_eval *e;
    bool is;
    size_t n;
    FILE *f = fopen("requests.jsonl", "w");

    (void)state;
    assert_non_null(f);
    fputs("{\"context\": \"a\", \"continuation\": \" b\"}\n", f);
    fclose(f);
    f = tmpfile();
    assert_non_null(f);
    IS(== false, cril_eval_task_at, 0, NULL);
    IS(== false, cril_eval_task_at, SIZE_MAX, &task);
    IS(== false, cril_eval_protocol_at, 0, 0, NULL);
    IS(== false, cril_eval_protocol_at, SIZE_MAX, 0, &protocol);
    IS(== false, cril_eval_protocol_at, 0, SIZE_MAX, &protocol);
    IS(== false, cril_eval_file_at, 0, 0, NULL);
    IS(== false, cril_eval_file_at, SIZE_MAX, 0, &file);
    IS(== false, cril_eval_file_at, 0, SIZE_MAX, &file);
    REFUSED(cril_eval_open_task, NULL, ".", NULL, &e);
    REFUSED(cril_eval_open_task, "gsm8k", NULL, NULL, &e);
    REFUSED(cril_eval_open_task, "gsm8k", ".", NULL, NULL);
    REFUSED(cril_eval_open_task, "no such task", ".", NULL, &e);
    REFUSED(cril_eval_open_task, "gsm8k", ".", &nothing, &e);
    REFUSED(cril_eval_open_task_file, NULL, NULL, NULL, &e);
    REFUSED(cril_eval_open_task_file, "task.yaml", NULL, NULL, NULL);
    REFUSED(cril_eval_open_requests, NULL, NULL, &e);
    REFUSED(cril_eval_open_requests, "requests.jsonl", NULL, NULL);
    REFUSED(cril_eval_open_requests, "requests.jsonl", &huge, &e);
    must(cril_eval_open_requests("requests.jsonl", NULL, &e, &err), &err);
    IS(== NULL, cril_eval_name, NULL);
    IS(== NULL, cril_eval_protocol_name, NULL);
    IS(== NULL, cril_eval_protocol_sha256, NULL);
    IS(== NULL, cril_eval_data_sha256, NULL);
    IS(== NULL, cril_eval_metric, NULL);
    IS(== 0, cril_eval_shots, NULL);
    IS(== 0, cril_eval_items, NULL);
    IS(== false, cril_eval_is_task, NULL);
    IS(== false, cril_eval_runs_programs, NULL);
    IS(== false, cril_eval_runs_programs, e);
    REFUSED(cril_programs_open, NULL, NULL);
    DOES_NOTHING(cril_programs_close, NULL);
    REFUSED(cril_eval_check_programs, NULL, programs);
    REFUSED(cril_eval_check_programs, e, NULL);
    IS([0] == '\0', cril_eval_programs, NULL);
    REFUSED(cril_eval_run, NULL, m, NULL, NULL);
    REFUSED(cril_eval_run, e, NULL, NULL, NULL);
    DOES_NOTHING(cril_eval_done, NULL);
    DOES_NOTHING(cril_eval_done, e);
    IS(== NULL, cril_eval_scores, NULL, &n);
    IS(== NULL, cril_eval_scores, e, NULL);
    IS(== NULL, cril_eval_scores, e, &n); /* nothing was run */
    IS(.n_nats == 0, cril_eval_reference_of, NULL);
    IS([0] == '\0', cril_eval_first_error, NULL);
    REFUSED(cril_eval_write_items, NULL, f);
    REFUSED(cril_eval_write_items, e, NULL);
    IS(== NULL, cril_eval_part, NULL, 0);
    IS(== NULL, cril_eval_part, e, 0);
    REFUSED(cril_eval_write_samples, NULL, 0, f);
    REFUSED(cril_eval_write_samples, e, 0, NULL);
    REFUSED(cril_eval_write_samples, e, 0, f);
    REFUSED(cril_eval_write_results, NULL, 1, &facts, f);
    REFUSED(cril_eval_write_results, &e, 1, NULL, f);
    REFUSED(cril_eval_write_results, &e, 1, &facts, NULL);
    REFUSED(cril_eval_write_results, &e, 1, &facts, f);
    REFUSED(cril_eval_write_results, (cril_eval *[1]){NULL}, 1, &facts, f);
    REFUSED(cril_grade_file, NULL, "requests.jsonl", NULL, NULL, f, NULL, NULL, &grade);
    REFUSED(cril_grade_file, "gsm8k", NULL, NULL, NULL, f, NULL, NULL, &grade);
    REFUSED(cril_grade_file, "gsm8k", "requests.jsonl", NULL, NULL, NULL, NULL, NULL, &grade);
    REFUSED(cril_grade_file, "gsm8k", "requests.jsonl", NULL, NULL, f, NULL, NULL, NULL);
    REFUSED(cril_grade_file, "humaneval", "requests.jsonl", NULL, NULL, f, NULL, NULL, &grade);
    REFUSED(cril_grade_file, "no such task", "requests.jsonl", NULL, NULL, f, NULL, NULL, &grade);
    REFUSED(cril_items_recognise, NULL, &is);
    REFUSED(cril_items_recognise, "requests.jsonl", NULL);
    REFUSED(cril_items_compare, NULL, "b", 0, &comparison);
    REFUSED(cril_items_compare, "a", NULL, 0, &comparison);
    REFUSED(cril_items_compare, "a", "b", 0, NULL);
    REFUSED(cril_items_compare, "a", "b", 2, &comparison);
    DOES_NOTHING(cril_items_comparison_free, NULL);
    DOES_NOTHING(cril_eval_close, NULL);
    cril_eval_close(e);
    fclose(f);
    unlink("requests.jsonl");
}

static void test_all_are_here(void **state)
{
    size_t n = 0;
    glob_t g;

    (void)state;
    assert_int_equal(glob(CRIL_TEST_DATA "/../include/cril/*.h", 0, NULL, &g), 0);
    for (size_t i = 0; i < g.gl_pathc; i++)
        n += check_header(g.gl_pathv[i]);
    globfree(&g);
    assert_true(n >= 150);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model),     cmocka_unit_test(test_tokenizer),
        cmocka_unit_test(test_inspect),   cmocka_unit_test(test_corpus),
        cmocka_unit_test(test_baselines), cmocka_unit_test(test_score),
        cmocka_unit_test(test_diverger),  cmocka_unit_test(test_view),
        cmocka_unit_test(test_results),   cmocka_unit_test(test_compressor),
        cmocka_unit_test(test_archive),   cmocka_unit_test(test_generator),
        cmocka_unit_test(test_prove),     cmocka_unit_test(test_selftest),
        cmocka_unit_test(test_figures),   cmocka_unit_test(test_gather),
        cmocka_unit_test(test_download),  cmocka_unit_test(test_leak),
        cmocka_unit_test(test_sample),    cmocka_unit_test(test_membership),
        cmocka_unit_test(test_rest),      cmocka_unit_test(test_study),
        cmocka_unit_test(test_store),     cmocka_unit_test(test_hub),
        cmocka_unit_test(test_eval),      cmocka_unit_test(test_benchmarks),
        cmocka_unit_test(test_session),   cmocka_unit_test(test_all_are_here), /* the last */
    };

    return cmocka_run_group_tests(tests, open_model, close_model);
}
