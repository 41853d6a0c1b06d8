/*
 * Names of models on the hub, the cache, and pulls from a server of our own: what is asked, what is
 * believed, what is kept. No test leaves loopback.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "fetch/listing.h"
#include "hub_server.h"

#include <cril/hub.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LARGE = 300000 };

static char folder[64]; /* of the caches */
static char cache[128]; /* of the test at hand */
static char large[LARGE], other[LARGE / 2];
static struct hub_server server;

static const char *const variables[] = {"HF_HUB_CACHE",
                                        "HUGGINGFACE_HUB_CACHE",
                                        "HF_HOME",
                                        "XDG_CACHE_HOME",
                                        "HF_ENDPOINT",
                                        "HF_TOKEN",
                                        "HF_TOKEN_PATH",
                                        "HF_HUB_DISABLE_IMPLICIT_TOKEN",
                                        "HF_HUB_OFFLINE",
                                        "TRANSFORMERS_OFFLINE",
                                        "HF_HUB_DOWNLOAD_TIMEOUT"};

/* ---- names ---- */

static void expect_name(const char *text, const char *repository, const char *revision,
                        const char *file, const char *type)
{
    cril_error err = {0};
    cril_hub_name n;

    if (cril_hub_name_parse(text, &n, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    assert_true(cril_hub_is_name(text));
    assert_string_equal(n.repository, repository);
    assert_string_equal(n.revision, revision);
    assert_string_equal(n.file, file);
    assert_string_equal(n.type, type);
}

static void test_names(void **state)
{
    (void)state;
    expect_name("hf:Qwen/Qwen2.5-0.5B", "Qwen/Qwen2.5-0.5B", "main", "", "");
    expect_name("hf:o/n/", "o/n", "main", "", "");
    expect_name("hf:o/n@v1.0", "o/n", "v1.0", "", "");
    expect_name("hf:o/n@refs/pr/12", "o/n", "refs/pr/12", "", "");
    expect_name("hf:o/n@refs/pr/12/a.gguf", "o/n", "refs/pr/12", "a.gguf", "");
    expect_name("hf:o/n@refs%2Fheads%2Fx/a.gguf", "o/n", "refs/heads/x", "a.gguf", "");
    expect_name("hf:o/n:Q4_K_M", "o/n", "main", "", "Q4_K_M");
    expect_name("hf:o/n@v1:Q4_K_M", "o/n", "v1", "", "Q4_K_M");
    expect_name("hf:o/n/sub/a-00001-of-00002.gguf", "o/n", "main", "sub/a-00001-of-00002.gguf", "");
    expect_name("hf:o/n/config.json", "o/n", "main", "", "");
    expect_name("hf:o/n/model-00001-of-00002.safetensors", "o/n", "main", "", "");
    expect_name("hf://o/n@v1/a.gguf", "o/n", "v1", "a.gguf", "");
    expect_name("hf://models/o/n", "o/n", "main", "", "");
    expect_name("https://huggingface.co/o/n", "o/n", "main", "", "");
    expect_name("https://huggingface.co/o/n/", "o/n", "main", "", "");
    expect_name("https://huggingface.co/o/n/tree/v2", "o/n", "v2", "", "");
    expect_name("https://hf.co/o/n/blob/main/a%20b.gguf?download=true", "o/n", "main", "a b.gguf",
                "");
    expect_name("https://huggingface.co/o/n/resolve/refs%2Fpr%2F3/x.gguf#top", "o/n", "refs/pr/3",
                "x.gguf", "");
    expect_name("HTTPS://huggingface.co/o/n/blob/main/model.safetensors", "o/n", "main", "", "");
    setenv("HF_ENDPOINT", "http://mirror.local:8080/hub/", 1);
    expect_name("http://mirror.local:8080/hub/o/n/tree/main", "o/n", "main", "", "");
}

static void test_bad_names(void **state)
{
    static const char *const bad[] = {"hf:",
                                      "hf:n",
                                      "hf:/n",
                                      "hf:o/",
                                      "hf:o//n",
                                      "hf:../n",
                                      "hf:o/..",
                                      "hf:o/.n",
                                      "hf:-o/n",
                                      "hf:o/a--b",
                                      "hf:o/n@",
                                      "hf:o/n@/x",
                                      "hf:o/n@a..b",
                                      "hf:o/n@..",
                                      "hf:o/n@%2e%2e",
                                      "hf:o/n@%00",
                                      "hf:o/n@-x",
                                      "hf:o/n@a%20b",
                                      "hf:o/n@%2Fx",
                                      "hf:o/n@refs/pr/",
                                      "hf:o/n:",
                                      "hf:o/n:a b",
                                      "hf:o/n:a/b",
                                      "hf:o/n/../x.gguf",
                                      "hf:o/n//x.gguf",
                                      "hf:o/n/a/./x.gguf",
                                      "hf:o/n/%2Fetc/x.gguf",
                                      "hf:o/n/x%0a.gguf",
                                      "hf:o/n/%ff.gguf",
                                      "hf:o/n/README.md",
                                      "hf:o/n/original/x.pth",
                                      "hf:o/n?x",
                                      "hf:o n/m",
                                      "hf:datasets/o/n",
                                      "hf://datasets/o/n",
                                      "https://huggingface.co/datasets/o/n",
                                      "https://huggingface.co/o",
                                      "https://huggingface.co/o/n/discussions/1",
                                      "https://huggingface.co/o/n/tree/main/sub",
                                      "https://huggingface.co.evil.com/o/n",
                                      "https://evil.com/o/n",
                                      "https://huggingface.co@evil.com/o/n",
                                      "file:///etc/passwd",
                                      "model.gguf"};
    char text[4096] = "hf:o/";
    cril_hub_name n;
    cril_error err;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        if (cril_hub_name_parse(bad[i], &n, &err) != CRIL_ERR_RANGE)
            fail_msg("\"%s\" is taken", bad[i]);
    memset(text + 5, 'n', 200);
    assert_int_equal(cril_hub_name_parse(text, &n, &err), CRIL_ERR_RANGE);
    snprintf(text, sizeof(text), "hf:o/n/%02000d.gguf", 1);
    assert_int_equal(cril_hub_name_parse(text, &n, &err), CRIL_ERR_RANGE);
    snprintf(text, sizeof(text), "hf:o/n@%0300d", 1);
    assert_int_equal(cril_hub_name_parse(text, &n, &err), CRIL_ERR_RANGE);
    assert_false(cril_hub_is_name("models/hf:o/n"));
    assert_false(cril_hub_is_name(NULL));
}

static void test_source(void **state)
{
    static const char commit[] = "0123456789abcdef0123456789abcdef01234567";
    char path[256], expected[256], out[256];

    (void)state;
    snprintf(path, sizeof(path), "/c/models--o--n/snapshots/%s", commit);
    snprintf(expected, sizeof(expected), "hf:o/n@%s", commit);
    assert_true(cril_hub_source(path, out, sizeof(out)));
    assert_string_equal(out, expected);
    snprintf(path, sizeof(path), "models--o--n/snapshots/%s/a/b.gguf", commit);
    snprintf(expected, sizeof(expected), "hf:o/n@%s/a/b.gguf", commit);
    assert_true(cril_hub_source(path, out, sizeof(out)));
    assert_string_equal(out, expected);
    assert_false(cril_hub_source(path, out, 20));
    assert_false(cril_hub_source("/c/models--o--n/snapshots/main/a.gguf", out, sizeof(out)));
    assert_false(cril_hub_source("/c/xmodels--o--n/snapshots/main", out, sizeof(out)));
    assert_false(cril_hub_source("a.gguf", out, sizeof(out)));
    assert_false(cril_hub_source("", out, sizeof(out)));
}

/* ---- the server and the cache of a test ---- */

static int begin(void **state)
{
    static unsigned n;

    (void)state;
    for (size_t i = 0; i < sizeof(variables) / sizeof(*variables); i++)
        unsetenv(variables[i]);
    snprintf(cache, sizeof(cache), "%s/%u", folder, n++);
    setenv("HF_HUB_CACHE", cache, 1);
    setenv("HF_HOME", folder, 1);
    return 0;
}

static void serve(void)
{
    assert_true(hub_server_start(&server));
    setenv("HF_ENDPOINT", server.endpoint, 1);
}

/* A server with one folder and GGUF files. */
static int begin_server(void **state)
{
    begin(state);
    memset(&server, 0, sizeof(server));
    server.repository = "o/n";
    hub_server_add(&server, "config.json", "{\"a\": 1}", 8, false);
    hub_server_add(&server, "tokenizer.json", "{}", 2, false);
    hub_server_add(&server, "merges.txt", "", 0, false);
    hub_server_add(&server, "README.md", "text", 4, false);
    hub_server_add(&server, "model-00001-of-00002.safetensors", large, LARGE, true);
    hub_server_add(&server, "model-00002-of-00002.safetensors", other, sizeof(other), true);
    hub_server_add(&server, "model.safetensors.index.json", "{}", 2, false);
    hub_server_add(&server, "original/tokenizer.model", "x", 1, false);
    hub_server_add(&server, "pytorch_model.bin", "x", 1, true);
    hub_server_add(&server, "consolidated.safetensors", "x", 1, true);
    hub_server_add(&server, "a-Q4_K_M.gguf", large, LARGE, true);
    hub_server_add(&server, "split/a-Q8_0-00001-of-00002.gguf", "one", 3, true);
    hub_server_add(&server, "split/a-Q8_0-00002-of-00002.gguf", "two", 3, true);
    serve();
    return 0;
}

static int end_server(void **state)
{
    (void)state;
    hub_server_stop(&server);
    return 0;
}

static const cril_hub_options quick = {.wait_ms = 1};

static cril_status pull(const char *text, cril_hub_model *m, cril_error *err)
{
    cril_status st;

    *m = (cril_hub_model){0};
    *err = (cril_error){0};
    st = cril_hub_pull(text, &quick, m, err);
    if (server.internals)
        hub_server_rest(&server); /* what it answers may now be changed */
    return st;
}

/* Pulls, and compares what is said. */
static void refused(const char *text, cril_status status, const char *part)
{
    cril_hub_model m;
    cril_error err;
    const cril_status st = pull(text, &m, &err);

    if (st != status || !strstr(err.message, part))
        fail_msg("%s: status %d, \"%s\"", text, (int)st, err.message);
    assert_null(m.path);
}

static void pulled(const char *text, const char *below)
{
    char expected[512];
    cril_hub_model m;
    cril_error err;

    if (pull(text, &m, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    snprintf(expected, sizeof(expected), "%s/models--o--n/snapshots/%s%s", cache, server.commit,
             below);
    assert_string_equal(m.path, expected);
    assert_string_equal(m.commit, server.commit);
    cril_hub_model_free(&m);
}

/* A file of the cache, as text with a NUL behind; NULL: there is none. */
static char *read_cached(const char *below, size_t *len)
{
    static char data[LARGE + 1];
    char path[1024];
    FILE *f;

    snprintf(path, sizeof(path), "%s/models--o--n/%s", cache, below);
    if (!(f = fopen(path, "rb")))
        return NULL;
    *len = fread(data, 1, LARGE, f);
    data[*len] = '\0';
    fclose(f);
    return data;
}

static void expect_file(const char *path, const char *data, size_t size)
{
    char below[512], link[512], whole[1024];
    size_t len = 0;
    const char *got;
    ssize_t n;

    snprintf(below, sizeof(below), "snapshots/%s/%s", server.commit, path);
    got = read_cached(below, &len);
    if (!got || len != size || memcmp(got, data, size) != 0)
        fail_msg("%s is not in the cache", path);
    snprintf(whole, sizeof(whole), "%s/models--o--n/%s", cache, below);
    n = readlink(whole, link, sizeof(link) - 1);
    assert_true(n > 0);
    link[n] = '\0';
    assert_true(strncmp(link, strchr(path, '/') ? "../../../blobs/" : "../../blobs/",
                        strchr(path, '/') ? 15 : 12) == 0);
}

static void expect_no_file(const char *path)
{
    char below[512];
    size_t len;

    snprintf(below, sizeof(below), "snapshots/%s/%s", server.commit, path);
    assert_null(read_cached(below, &len));
}

static size_t count_blobs(void)
{
    char path[512];
    struct dirent *e;
    size_t n = 0;
    DIR *d;

    snprintf(path, sizeof(path), "%s/models--o--n/blobs", cache);
    if (!(d = opendir(path)))
        return 0;
    while ((e = readdir(d)) != NULL)
        n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

/* Leaves a part of a large file, as a pull that was killed does. */
static void leave_part(const char *data, size_t len)
{
    char path[512];
    FILE *f;

    for (char *p = strcpy(path, cache); p;) {
        mkdir(path, 0777);
        p = strcmp(path, cache) == 0 ? strcat(path, "/models--o--n")
            : strstr(path, "/blobs") ? NULL
                                     : strcat(path, "/blobs");
    }
    snprintf(path, sizeof(path), "%s/models--o--n/blobs/%s.cril-part", cache,
             server.files[10].hash);
    assert_non_null(f = fopen(path, "wb"));
    assert_int_equal(fwrite(data, 1, len, f), len);
    fclose(f);
}

/* ---- what is fetched ---- */

static void test_folder(void **state)
{
    size_t len;

    (void)state;
    pulled("hf:o/n", "");
    expect_file("config.json", "{\"a\": 1}", 8);
    expect_file("tokenizer.json", "{}", 2);
    expect_file("merges.txt", "", 0);
    expect_file("model-00001-of-00002.safetensors", large, LARGE);
    expect_file("model-00002-of-00002.safetensors", other, sizeof(other));
    expect_file("model.safetensors.index.json", "{}", 2);
    expect_no_file("README.md");
    expect_no_file("original/tokenizer.model");
    expect_no_file("pytorch_model.bin");
    expect_no_file("consolidated.safetensors");
    expect_no_file("a-Q4_K_M.gguf");
    assert_string_equal(read_cached("refs/main", &len), server.commit);
    assert_int_equal(len, 40); /* no line end */
    assert_int_equal(hub_server_count(&server, "encoded"), 0);
    /* Again: nothing but the list is asked for. */
    hub_server_forget(&server);
    pulled("hf:o/n", "");
    assert_int_equal(hub_server_count(&server, ""), 1);
    /* Another name of the same commit. */
    pulled("hf:o/n@refs/pr/1", "");
    assert_string_equal(read_cached("refs/refs/pr/1", &len), server.commit);
    assert_int_equal(hub_server_count(&server, "/revision/refs%2Fpr%2F1?"), 1);
    assert_int_equal(hub_server_count(&server, "HEAD"), 0);
}

static void test_gguf(void **state)
{
    (void)state;
    pulled("hf:o/n:q4_k_m", "/a-Q4_K_M.gguf");
    expect_file("a-Q4_K_M.gguf", large, LARGE);
    expect_no_file("config.json");
    pulled("hf:o/n:Q8_0", "/split/a-Q8_0-00001-of-00002.gguf");
    expect_file("split/a-Q8_0-00001-of-00002.gguf", "one", 3);
    expect_file("split/a-Q8_0-00002-of-00002.gguf", "two", 3);
    pulled("hf:o/n/split/a-Q8_0-00002-of-00002.gguf", "/split/a-Q8_0-00001-of-00002.gguf");
    refused("hf:o/n:Q4_K", CRIL_ERR_EMPTY, "a-Q4_K_M.gguf, split/a-Q8_0-00001-of-00002.gguf");
    refused("hf:o/n/b.gguf", CRIL_ERR_EMPTY, "hf:o/n/b.gguf: the repository has no such file");
    server.files[12].path = "split/b.gguf";
    refused("hf:o/n@x:Q8_0", CRIL_ERR_EMPTY, "part 2 of 2 is missing");
    server.files[12].path = "b-q8_0.gguf";
    refused("hf:o/n:Q8_0", CRIL_ERR_UNSUPPORTED, "several files are of this type");
}

/* Publishers write numbers of shards with five digits or six; other weights are another format's.
 */
static void test_shards(void **state)
{
    (void)state;
    server.files[4].path = "model-1-of-000002.safetensors";
    server.files[5].path = "model-00002-of-2.safetensors";
    server.files[7].path = "model.fp16.safetensors";
    server.files[8].path = "model-9-of-00009.bin";
    pulled("hf:o/n", "");
    expect_file("model-1-of-000002.safetensors", large, LARGE);
    expect_file("model-00002-of-2.safetensors", other, sizeof(other));
    expect_no_file("model.fp16.safetensors");
    /* Where the whole is there, too, it is the model. */
    begin(NULL);
    setenv("HF_ENDPOINT", server.endpoint, 1);
    server.files[7].path = "model.safetensors";
    pulled("hf:o/n", "");
    expect_file("model.safetensors", "x", 1);
    expect_no_file("model-1-of-000002.safetensors");
    expect_no_file("model.safetensors.index.json");
}

static void test_what_is_no_model(void **state)
{
    (void)state;
    server.files[0].path = "other.json";
    refused("hf:o/n", CRIL_ERR_UNSUPPORTED,
            "name one as hf:o/n/FILE, or by its type as hf:o/n:Q4_K_M: a-Q4_K_M.gguf, split/");
    server.n_files = 10;
    refused("hf:o/n", CRIL_ERR_UNSUPPORTED, "M.from_pretrained('o/n', torch_dtype='auto')");
    refused("hf:o/n", CRIL_ERR_UNSUPPORTED, "T.from_pretrained('o/n')");
    server.files[1].path = "adapter_config.json";
    refused("hf:o/n", CRIL_ERR_UNSUPPORTED, "is an adapter");
    server.n_files = 1;
    refused("hf:o/n", CRIL_ERR_UNSUPPORTED, "holds no model that cril reads");
    server.n_files = 5;
    server.files[0].path = "config.json";
    refused("hf:o/n", CRIL_ERR_EMPTY, "1 of the model's 2 shards are missing");
    assert_int_equal(hub_server_count(&server, "HEAD"), 0);
    assert_int_equal(count_blobs(), 0);
}

static void test_find(void **state)
{
    char path[512], expected[512];
    cril_hub_model m;
    cril_error err;

    (void)state;
    assert_int_equal(cril_hub_find("hf:o/n:Q4_K_M", &m, &err), CRIL_ERR_EMPTY);
    assert_non_null(strstr(err.message, "'cril pull hf:o/n:Q4_K_M' fetches it"));
    assert_int_equal(hub_server_count(&server, ""), 0);
    pulled("hf:o/n:Q4_K_M", "/a-Q4_K_M.gguf");
    hub_server_forget(&server);
    assert_int_equal(cril_hub_find("hf:o/n:Q4_K_M", &m, &err), CRIL_OK);
    assert_non_null(strstr(m.path, "/a-Q4_K_M.gguf"));
    cril_hub_model_free(&m);
    assert_int_equal(cril_hub_find("hf:o/n:Q8_0", &m, &err), CRIL_ERR_EMPTY);
    assert_int_equal(cril_hub_find("hf:o/n", &m, &err), CRIL_ERR_UNSUPPORTED);
    assert_non_null(strstr(err.message, "a-Q4_K_M.gguf"));
    assert_int_equal(cril_hub_find("hf:o/n@v1:Q4_K_M", &m, &err), CRIL_ERR_EMPTY);
    snprintf(path, sizeof(path), "hf:o/n@%s/a-Q4_K_M.gguf", server.commit);
    assert_int_equal(cril_hub_find(path, &m, &err), CRIL_OK);
    cril_hub_model_free(&m);
    pulled("hf:o/n", "");
    assert_int_equal(cril_hub_find("hf:o/n", &m, &err), CRIL_OK);
    snprintf(expected, sizeof(expected), "%s/models--o--n/snapshots/%s", cache, server.commit);
    assert_string_equal(m.path, expected);
    cril_hub_model_free(&m);
    /* A shard whose blob is gone. */
    snprintf(path, sizeof(path), "%s/models--o--n/blobs/%s", cache, server.files[5].hash);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(cril_hub_find("hf:o/n", &m, &err), CRIL_ERR_EMPTY);
    assert_non_null(strstr(err.message, "or not all of it"));
    /* Offline, a pull is that, and says why. */
    setenv("HF_HUB_OFFLINE", "1", 1);
    hub_server_forget(&server);
    refused("hf:o/n", CRIL_ERR_EMPTY, "HF_HUB_OFFLINE is set");
    pulled("hf:o/n:Q4_K_M", "/a-Q4_K_M.gguf");
    assert_int_equal(hub_server_count(&server, ""), 0);
}

/* What the cache holds needs no pull, and a pull that does not reach the hub says so. */
static void test_unreachable(void **state)
{
    char said[128];
    cril_hub_model m;
    cril_error err;

    (void)state;
    pulled("hf:o/n:Q4_K_M", "/a-Q4_K_M.gguf");
    setenv("HF_ENDPOINT", "http://127.0.0.1:1", 1);
    snprintf(said, sizeof(said), "the cache has commit %s of it", server.commit);
    refused("hf:o/n:Q4_K_M", CRIL_ERR_IO, said);
    assert_int_equal(pull("hf:o/n:Q8_0", &m, &err), CRIL_ERR_IO);
    assert_null(strstr(err.message, "the cache has"));
}

/* ---- requests ---- */

static void test_token(void **state)
{
    char path[128];
    FILE *f;

    (void)state;
    setenv("HF_TOKEN", " hf_secret\n", 1);
    server.store_host = "localhost";
    pulled("hf:o/n", "");
    assert_true(hub_server_count(&server, "hub ") > 0);
    assert_int_equal(hub_server_count(&server, "hub "), hub_server_count(&server, " auth"));
    assert_int_equal(hub_server_count(&server, "store "), 2);
    setenv("HF_TOKEN", "two\nlines", 1);
    refused("hf:o/n", CRIL_ERR_RANGE, "HF_TOKEN");
    unsetenv("HF_TOKEN");
    snprintf(path, sizeof(path), "%s/token", folder);
    assert_non_null(f = fopen(path, "w"));
    fputs("hf_file\n", f);
    fclose(f);
    hub_server_forget(&server);
    pulled("hf:o/n", "");
    assert_int_equal(hub_server_count(&server, " auth"), 1);
    setenv("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1", 1);
    hub_server_forget(&server);
    pulled("hf:o/n", "");
    assert_int_equal(hub_server_count(&server, " auth"), 0);
    unlink(path);
}

static void test_redirects(void **state)
{
    (void)state;
    server.repository = "o/n";
    server.old_name = "old/name";
    /* The cache keeps the name that was asked for, as huggingface_hub does. */
    refused("hf:old/name/b.gguf", CRIL_ERR_EMPTY, "no such file");
    assert_int_equal(hub_server_count(&server, "GET /api/models/old/name/"), 1);
    assert_int_equal(hub_server_count(&server, "GET /api/models/o/n/"), 1);
    server.rules[0] = (struct hub_rule){"GET /api/", -1, 307, "Location: /api/round\r\n", NULL};
    refused("hf:o/n", CRIL_ERR_FORMAT, "redirects more than 10 times");
    server.rules[0] =
        (struct hub_rule){"GET /api/", -1, 302, "Location: http://example.org/x\r\n", NULL};
    refused("hf:o/n", CRIL_ERR_UNSUPPORTED, "is not encrypted");
    server.rules[0] =
        (struct hub_rule){"GET /api/", -1, 302, "Location: file:///etc/passwd\r\n", NULL};
    refused("hf:o/n", CRIL_ERR_UNSUPPORTED, "");
}

static void test_statuses(void **state)
{
    static const struct {
        int status;
        const char *headers, *expected;
        bool token;
    } cases[] = {
        {401, "X-Error-Code: RepoNotFound\r\n",
         "no such repository; check the name; one that is private", false},
        {404, "X-Error-Code: RepoNotFound\r\n", "that the token may read it", true},
        {401, "", "no such repository", false},
        {401, "X-Error-Message: Invalid credentials in Authorization header\r\n",
         "does not know the token", true},
        {404, "X-Error-Code: RevisionNotFound\r\n", "no revision \"main\"", false},
        {404, "X-Error-Code: EntryNotFound\r\n", "no such file", false},
        {401, "X-Error-Code: GatedRepo\r\n", "/o/n, and set HF_TOKEN", false},
        {403, "X-Error-Code: GatedRepo\r\n", "is gated", true},
        {403, "X-Error-Message: Access to this resource is disabled.\r\n", "has disabled access",
         false},
        {403, "X-Error-Message: no\r\n", "refuses access (403: no); a token in HF_TOKEN may",
         false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        server.rules[0] =
            (struct hub_rule){"GET /api/", -1, cases[i].status, cases[i].headers, NULL};
        if (cases[i].token)
            setenv("HF_TOKEN", "t", 1);
        else
            unsetenv("HF_TOKEN");
        hub_server_forget(&server);
        refused("hf:o/n", CRIL_ERR_EMPTY, cases[i].expected);
        assert_int_equal(hub_server_count(&server, ""), 1);
    }
    unsetenv("HF_TOKEN");
    /* The same of a file. */
    server.rules[0] =
        (struct hub_rule){"HEAD /o/n/resolve/", -1, 404, "X-Error-Code: EntryNotFound\r\n", NULL};
    refused("hf:o/n:Q4_K_M", CRIL_ERR_EMPTY, "a-Q4_K_M.gguf: the repository has no such file");
    server.rules[0] = (struct hub_rule){"GET /api/", -1, 404, "", NULL};
    refused("hf:o/n", CRIL_ERR_IO, "status 404; check the name, and HF_ENDPOINT");
    server.rules[0] = (struct hub_rule){"GET /api/", -1, 418, "", NULL};
    refused("hf:o/n", CRIL_ERR_IO, "status 418");
}

static void test_retries(void **state)
{
    static const int statuses[] = {408, 500, 502, 503, 504};

    (void)state;
    for (size_t i = 0; i < 5; i++) {
        hub_server_forget(&server);
        server.rules[0] = (struct hub_rule){"GET /api/", -1, statuses[i], "", NULL};
        refused("hf:o/n", CRIL_ERR_IO, "answers with status");
        assert_int_equal(hub_server_count(&server, ""), 5);
    }
    server.rules[0] = (struct hub_rule){"GET /api/", 2, 503, "", NULL};
    server.rules[1] = (struct hub_rule){"HEAD /", 3, 500, "", NULL};
    server.rules[2] = (struct hub_rule){"GET /store/", 2, 503, "", NULL};
    pulled("hf:o/n:Q4_K_M", "/a-Q4_K_M.gguf");
    expect_file("a-Q4_K_M.gguf", large, LARGE);
}

static int is_over(void *user, uint64_t done, uint64_t total)
{
    (void)done, (void)total;
    return ++*(int *)user > 3;
}

static void on_wait(void *user, unsigned seconds)
{
    *(int *)user += (int)seconds;
}

static void test_too_many(void **state)
{
    int calls = 0;
    cril_hub_options o = {.wait_ms = 1, .user = &calls, .on_progress = is_over, .on_wait = on_wait};
    struct timespec begun, ended;
    cril_hub_model m = {0};
    cril_error err;

    (void)state;
    /* Told to wait a second, it does. */
    server.rules[0] = (struct hub_rule){"GET /api/", 1, 429, "Retry-After: 1\r\n", NULL};
    clock_gettime(CLOCK_MONOTONIC, &begun);
    pulled("hf:o/n:Q4_K_M", "/a-Q4_K_M.gguf");
    clock_gettime(CLOCK_MONOTONIC, &ended);
    assert_true((double)(ended.tv_sec - begun.tv_sec) +
                    1e-9 * (double)(ended.tv_nsec - begun.tv_nsec) >=
                1);
    server.rules[0] = (struct hub_rule){"GET /api/", -1, 429, "", NULL};
    refused("hf:o/n", CRIL_ERR_IO, "too many requests; run this again");
    /* Not for an hour. */
    hub_server_forget(&server);
    server.rules[0] =
        (struct hub_rule){"GET /api/", -1, 429, "RateLimit: \"api\";r=0;t=3600\r\n", NULL};
    refused("hf:o/n", CRIL_ERR_IO, "asks to wait for 3600 s");
    assert_int_equal(hub_server_count(&server, ""), 1);
    /* The caller is told, and need not wait. */
    server.rules[0] = (struct hub_rule){"GET /api/", -1, 429, "Retry-After: 200\r\n", NULL};
    assert_int_equal(cril_hub_pull("hf:o/n", &o, &m, &err), CRIL_ERR_CANCELLED);
    assert_true(calls >= 200);
}

/* ---- bytes ---- */

static void test_continues(void **state)
{
    (void)state;
    leave_part(large, 123456);
    pulled("hf:o/n:Q4_K_M", "/a-Q4_K_M.gguf");
    expect_file("a-Q4_K_M.gguf", large, LARGE);
    assert_int_equal(hub_server_count(&server, "store GET /store/a-Q4_K_M.gguf"), 1);
    assert_int_equal(hub_server_count(&server, " range=123456"), 1);
    assert_int_equal(count_blobs(), 1);
}

static void test_ignored_range(void **state)
{
    (void)state;
    server.ignores_range = true;
    leave_part(other, 1000);
    pulled("hf:o/n:Q4_K_M", "/a-Q4_K_M.gguf");
    expect_file("a-Q4_K_M.gguf", large, LARGE);
    assert_int_equal(hub_server_count(&server, "store GET"), 1);
}

/* A part that is not the file's beginning, or longer than it, or whole: begun anew, or nothing
 * asked. */
static void test_strange_parts(void **state)
{
    (void)state;
    leave_part(other, 1000);
    pulled("hf:o/n:Q4_K_M", "/a-Q4_K_M.gguf");
    expect_file("a-Q4_K_M.gguf", large, LARGE);
    assert_int_equal(hub_server_count(&server, "store GET"), 2);
    begin(NULL);
    setenv("HF_ENDPOINT", server.endpoint, 1);
    leave_part(large, LARGE);
    hub_server_forget(&server);
    pulled("hf:o/n:Q4_K_M", "/a-Q4_K_M.gguf");
    assert_int_equal(hub_server_count(&server, "store GET"), 0);
    begin(NULL);
    setenv("HF_ENDPOINT", server.endpoint, 1);
    server.files[10].data = "short";
    server.files[10].size = 5;
    leave_part(large, 100);
    refused("hf:o/n:Q4_K_M", CRIL_ERR_MISMATCH, "the hub says");
}

/* Each piece comes by a new address. */
static void test_cut(void **state)
{
    (void)state;
    server.cut_after = 70000;
    pulled("hf:o/n:Q4_K_M", "/a-Q4_K_M.gguf");
    expect_file("a-Q4_K_M.gguf", large, LARGE);
    assert_int_equal(hub_server_count(&server, "store GET"), 5);
    assert_int_equal(hub_server_count(&server, "hub HEAD"), 5);
    assert_int_equal(hub_server_count(&server, " range=210000"), 1);
    assert_int_equal(hub_server_count(&server, "?ticket=5"), 1);
}

/* Cut at one place again and again, and begun anew each time: it ends. */
static void test_endless_cut(void **state)
{
    (void)state;
    server.cut_after = 1000;
    server.ignores_range = true;
    refused("hf:o/n:Q4_K_M", CRIL_ERR_IO, "");
    assert_true(hub_server_count(&server, "store GET") <= 6);
}

/* A connection that hangs is given up, and another one goes on. */
static void test_stall(void **state)
{
    (void)state;
    setenv("HF_HUB_DOWNLOAD_TIMEOUT", "1", 1);
    server.cut_after = 200000;
    server.stalls = true;
    pulled("hf:o/n:Q4_K_M", "/a-Q4_K_M.gguf");
    expect_file("a-Q4_K_M.gguf", large, LARGE);
    assert_int_equal(hub_server_count(&server, " range=200000"), 1);
}

static void test_strange_answers(void **state)
{
    static const char *const ranges[] = {"", "Content-Range: bytes 5-7/300000\r\n",
                                         "Content-Range: bytes 1000-1002/4\r\n",
                                         "Content-Range: chars 1000-1002/300000\r\n"};

    (void)state;
    for (size_t i = 0; i < sizeof(ranges) / sizeof(*ranges); i++) {
        begin(NULL);
        setenv("HF_ENDPOINT", server.endpoint, 1);
        leave_part(large, 1000);
        server.rules[0] = (struct hub_rule){"GET /store/", 1, 206, ranges[i], "xyz"};
        pulled("hf:o/n:Q4_K_M", "/a-Q4_K_M.gguf");
        expect_file("a-Q4_K_M.gguf", large, LARGE);
    }
    begin(NULL);
    setenv("HF_ENDPOINT", server.endpoint, 1);
    leave_part(large, 1000);
    server.rules[0] = (struct hub_rule){"GET /store/", 1, 416, "", ""};
    hub_server_forget(&server);
    pulled("hf:o/n:Q4_K_M", "/a-Q4_K_M.gguf");
    assert_int_equal(hub_server_count(&server, " range="), 1);
    server.rules[0] = (struct hub_rule){"GET /store/", -1, 200, "", "four"};
    refused("hf:o/n:Q8_0", CRIL_ERR_MISMATCH, "sends more than the file's 3 bytes");
    server.rules[0] = (struct hub_rule){"GET /store/", -1, 200, "", "on"};
    refused("hf:o/n:Q8_0", CRIL_ERR_IO, "sent 2 of 3 bytes");
}

static void test_wrong_bytes(void **state)
{
    (void)state;
    server.corrupt = "a-Q4_K_M.gguf";
    refused("hf:o/n:Q4_K_M", CRIL_ERR_MISMATCH, "a-Q4_K_M.gguf: its bytes have the SHA-256");
    assert_int_equal(count_blobs(), 0);
    expect_no_file("a-Q4_K_M.gguf");
    server.corrupt = "config.json";
    refused("hf:o/n", CRIL_ERR_MISMATCH, "config.json: its bytes have the git hash");
    expect_no_file("config.json");
    server.corrupt = NULL;
    pulled("hf:o/n", "");
    pulled("hf:o/n:Q4_K_M", "/a-Q4_K_M.gguf");
}

static void test_expired_address(void **state)
{
    (void)state;
    server.rules[0] = (struct hub_rule){"GET /store/", 2, 403, "", NULL};
    pulled("hf:o/n:Q4_K_M", "/a-Q4_K_M.gguf");
    assert_int_equal(hub_server_count(&server, "hub HEAD"), 3);
    server.rules[0].times = -1;
    refused("hf:o/n", CRIL_ERR_IO, "that stores the hub's files answers with status 403");
    server.in_xet = true;
    refused("hf:o/n", CRIL_ERR_UNSUPPORTED, "own protocol (Xet)");
    /* Most files are there for that protocol, too: what passes is no reason to ask for it. */
    server.rules[0].status = 503;
    refused("hf:o/n", CRIL_ERR_IO, "answers with status 503");
    server.rules[0] = (struct hub_rule){"HEAD /", -1, 403, "X-Error-Message: no\r\n", NULL};
    refused("hf:o/n", CRIL_ERR_EMPTY, "refuses access (403: no)");
}

/* What a HEAD must say. */
static void test_bad_facts(void **state)
{
    static const struct {
        const char *headers, *expected;
        cril_status st;
    } cases[] = {
        {"", "does not say that this is commit", CRIL_ERR_FORMAT},
        {"X-Repo-Commit: cccccccccccccccccccccccccccccccccccccccc\r\nETag: \"../../x\"\r\n",
         "names no SHA-256 or git hash", CRIL_ERR_FORMAT},
        {"X-Repo-Commit: cccccccccccccccccccccccccccccccccccccccc\r\n"
         "ETag: \"dddddddddddddddddddddddddddddddddddddddd\"\r\nX-Linked-Size: 300000\r\n",
         "the file itself 300000 with dddddddddd", CRIL_ERR_MISMATCH},
        {"X-Repo-Commit: cccccccccccccccccccccccccccccccccccccccc\r\n"
         "ETag: \"dddddddddddddddddddddddddddddddddddddddd\"\r\n",
         "the hub's list has 300000 bytes", CRIL_ERR_MISMATCH},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        server.rules[0] = (struct hub_rule){"HEAD /", -1, 200, cases[i].headers, NULL};
        refused("hf:o/n:Q4_K_M", cases[i].st, cases[i].expected);
    }
    assert_int_equal(count_blobs(), 0);
}

static void test_hostile_lists(void **state)
{
#define LIST(files)                                                                                \
    "{\"sha\": \"cccccccccccccccccccccccccccccccccccccccc\", \"siblings\": [" files "]}"
    static const char *const names[] = {"../x.gguf", "/etc/x.gguf",   "a/../../x.gguf", "a//x.gguf",
                                        "./x.gguf",  "x\\u0001.gguf", "x\\n.gguf",      "",
                                        "a/.."};
    static const char *const lists[] = {
        "",
        "[",
        "[]",
        "7",
        "null",
        "{}",
        "{\"sha\": 7, \"siblings\": []}",
        "{\"sha\": \"main\", \"siblings\": []}",
        "{\"sha\": \"CCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCC\", \"siblings\": []}",
        "{\"sha\": \"cccccccccccccccccccccccccccccccccccccccc\", \"siblings\": {}}",
        LIST("7"),
        LIST("{}"),
        LIST("{\"rfilename\": 7}"),
        LIST("{\"rfilename\": \"a\", \"size\": -1}"),
        LIST("{\"rfilename\": \"a\", \"size\": 1e3}"),
        LIST("{\"rfilename\": \"x\\u0000y\"}"),
        LIST("{\"rfilename\": \"a\", \"size\": 1},{\"rfilename\": \"a\", \"size\": 1}"),
        LIST("{\"rfilename\": \"a\", \"size\": 99999999999999999999999}")};
    char text[4096];

    (void)state;
    server.listing = text;
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        snprintf(text, sizeof(text), LIST("{\"rfilename\": \"%s\", \"size\": 3}"), names[i]);
        refused("hf:o/n", CRIL_ERR_FORMAT, "which would not lie in its folder");
    }
    snprintf(text, sizeof(text), LIST("{\"rfilename\": \"%02000d.gguf\"}"), 1);
    refused("hf:o/n", CRIL_ERR_FORMAT, "which would not lie in its folder");
    for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
        server.listing = lists[i];
        refused("hf:o/n", CRIL_ERR_FORMAT, "list of files");
    }
    memset(text, '[', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    server.listing = text;
    refused("hf:o/n", CRIL_ERR_FORMAT, "is no JSON");
    assert_int_equal(hub_server_count(&server, "HEAD"), 0);
}

/* A link in place of a snapshot's folder is not followed; a strange file in place of a link is
 * replaced. */
static void test_links(void **state)
{
    char path[512], outside[128];
    struct stat info;
    FILE *f;

    (void)state;
    pulled("hf:o/n:Q4_K_M", "/a-Q4_K_M.gguf");
    snprintf(outside, sizeof(outside), "%s/outside", folder);
    mkdir(outside, 0777);
    snprintf(path, sizeof(path), "%s/models--o--n/snapshots/%s/split", cache, server.commit);
    assert_int_equal(symlink(outside, path), 0);
    refused("hf:o/n:Q8_0", CRIL_ERR_IO, "cannot be made a link");
    snprintf(path, sizeof(path), "%s/a-Q8_0-00001-of-00002.gguf", outside);
    assert_int_equal(lstat(path, &info), -1);
    snprintf(path, sizeof(path), "%s/models--o--n/snapshots/%s/a-Q4_K_M.gguf", cache,
             server.commit);
    unlink(path);
    assert_non_null(f = fopen(path, "w"));
    fputs("strange", f);
    fclose(f);
    pulled("hf:o/n:Q4_K_M", "/a-Q4_K_M.gguf");
    expect_file("a-Q4_K_M.gguf", large, LARGE);
}

/* ---- disk, callers, others ---- */

static void test_no_room(void **state)
{
    struct rlimit before, small;
    cril_hub_model m;
    const char *said;
    cril_error err;

    (void)state;
    server.listing = LIST("{\"rfilename\": \"a.gguf\", \"size\": 4000000000000000000}");
    refused("hf:o/n/a.gguf", CRIL_ERR_IO, "has room for");
    assert_int_equal(hub_server_count(&server, "HEAD"), 0);
    server.listing = NULL;
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    small = (struct rlimit){100000, before.rlim_max};
    setrlimit(RLIMIT_FSIZE, &small);
    assert_int_equal(pull("hf:o/n:Q4_K_M", &m, &err), CRIL_ERR_IO);
    said = strstr(err.message, ".cril-part: ");
    assert_non_null(said);
    assert_string_equal(said, ".cril-part: cannot be written: File too large; make room and run "
                              "this again: it goes on from here");
    setrlimit(RLIMIT_FSIZE, &before);
    assert_int_equal(hub_server_count(&server, "store GET"), 1);
    pulled("hf:o/n:Q4_K_M", "/a-Q4_K_M.gguf");
    assert_int_equal(hub_server_count(&server, " range=100000"), 1);
}

struct calls {
    cril_hub_plan plan;
    unsigned plans, reports;
    uint64_t done, total;
    int stop; /* by the plan (1), at the first report of bytes (2) */
};

static int on_plan(void *user, const cril_hub_plan *plan)
{
    struct calls *c = user;

    c->plan = *plan;
    c->plans++;
    return c->stop == 1;
}

static int on_progress(void *user, uint64_t done, uint64_t total)
{
    struct calls *c = user;

    c->reports++;
    c->done = done;
    c->total = total;
    return c->stop == 2 && done > 0;
}

static void test_callbacks(void **state)
{
    struct calls c = {.stop = 1};
    cril_hub_options o = {
        .wait_ms = 1, .parallel = 2, .user = &c, .on_plan = on_plan, .on_progress = on_progress};
    cril_hub_model m = {0};
    cril_error err;

    (void)state;
    assert_int_equal(cril_hub_pull("hf:o/n", &o, &m, &err), CRIL_ERR_CANCELLED);
    assert_int_equal(count_blobs(), 0);
    assert_int_equal(c.plan.n_files, 6);
    assert_int_equal(c.plan.n_here, 0);
    assert_int_equal(c.plan.bytes, LARGE + LARGE / 2 + 8 + 2 + 2);
    assert_int_equal(c.plan.bytes_here, 0);
    c.stop = 2;
    hub_server_rest(&server);
    server.bytes_per_ms = 300;
    assert_int_equal(cril_hub_pull("hf:o/n:Q4_K_M", &o, &m, &err), CRIL_ERR_CANCELLED);
    assert_true(c.done > 0 && c.done < LARGE);
    c.stop = 0;
    hub_server_rest(&server);
    server.bytes_per_ms = 0;
    assert_int_equal(cril_hub_pull("hf:o/n:Q4_K_M", &o, &m, &err), CRIL_OK);
    cril_hub_model_free(&m);
    assert_true(c.plan.bytes_here > 0);
    expect_file("a-Q4_K_M.gguf", large, LARGE);
    o.parallel = 65;
    assert_int_equal(cril_hub_pull("hf:o/n", &o, &m, &err), CRIL_ERR_RANGE);
}

static void *pull_at_once(void *arg)
{
    cril_hub_model m = {0};
    cril_error err = {0};

    if (cril_hub_pull("hf:o/n", &quick, &m, &err) != CRIL_OK)
        *(cril_error *)arg = err;
    cril_hub_model_free(&m);
    return NULL;
}

static void test_at_once(void **state)
{
    pthread_t threads[3];
    cril_error err[3] = {{0}};

    (void)state;
    server.bytes_per_ms = 5000;
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, pull_at_once, &err[i]), 0);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < 3; i++)
        assert_string_equal(err[i].message, "");
    assert_int_equal(hub_server_count(&server, "store GET"), 2); /* each file once */
    expect_file("model-00001-of-00002.safetensors", large, LARGE);
    assert_int_equal(count_blobs(), 5); /* two files are alike */
}

/* Another program has the lock of a file, and removes the lock's file when it is done. */
static void test_lock(void **state)
{
    struct calls c = {.stop = 3};
    cril_hub_options o = {.user = &c, .on_progress = is_over};
    char path[512];
    int calls = 0, fd;
    cril_hub_model m = {0};
    cril_error err;

    (void)state;
    snprintf(path, sizeof(path), "%s/.locks", cache);
    mkdir(cache, 0777);
    mkdir(path, 0777);
    strcat(path, "/models--o--n");
    mkdir(path, 0777);
    snprintf(path, sizeof(path), "%s/.locks/models--o--n/%s.lock", cache, server.files[10].hash);
    assert_true((fd = open(path, O_RDWR | O_CREAT, 0666)) >= 0);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    o.user = &calls;
    assert_int_equal(cril_hub_pull("hf:o/n:Q4_K_M", &o, &m, &err), CRIL_ERR_CANCELLED);
    assert_int_equal(hub_server_count(&server, "store GET"), 0);
    unlink(path);
    close(fd);
    pulled("hf:o/n:Q4_K_M", "/a-Q4_K_M.gguf");
}

/* Bytes of the part of a large file. */
static off_t part_bytes(void)
{
    char path[512];
    struct stat info;

    snprintf(path, sizeof(path), "%s/models--o--n/blobs/%s.cril-part", cache,
             server.files[10].hash);
    return stat(path, &info) == 0 ? info.st_size : 0;
}

/* A pull that is killed while bytes come goes on where it was. */
static void test_killed(void **state)
{
    enum { KILLS = 6 };
    const struct timespec pause = {0, 2000000};

    (void)state;
    server.bytes_per_ms = 200;
    hub_server_rest(&server);
    for (unsigned i = 0; i < KILLS; i++) {
        const off_t before = part_bytes();
        const pid_t child = fork();

        if (child == 0) {
            execl("/proc/self/exe", "test_fetch", "hf:o/n:Q4_K_M", (char *)NULL);
            _exit(1);
        }
        for (unsigned n = 0; n < 30000 && part_bytes() <= before; n++)
            nanosleep(&pause, NULL);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        hub_server_rest(&server);
    }
    server.bytes_per_ms = 0;
    pulled("hf:o/n:Q4_K_M", "/a-Q4_K_M.gguf");
    expect_file("a-Q4_K_M.gguf", large, LARGE);
    assert_int_equal(hub_server_count(&server, "store GET"), KILLS + 1);
    assert_int_equal(hub_server_count(&server, " range="), KILLS);
    assert_int_equal(count_blobs(), 1);
}

/* ---- the environment ---- */

static void expect_place(const char *expected)
{
    cril_hub_model m;
    cril_error err;

    assert_int_equal(cril_hub_find("hf:o/n", &m, &err), CRIL_ERR_EMPTY);
    if (!strstr(err.message, expected))
        fail_msg("%s", err.message);
}

static void test_place(void **state)
{
    cril_hub_model m;
    cril_error err;

    (void)state;
    setenv("HOME", "/nowhere/home", 1);
    unsetenv("HF_HUB_CACHE");
    unsetenv("HF_HOME");
    expect_place("cache /nowhere/home/.cache/huggingface/hub;");
    setenv("XDG_CACHE_HOME", "/nowhere/xdg", 1);
    expect_place("cache /nowhere/xdg/huggingface/hub;");
    setenv("HF_HOME", "~/hf", 1);
    expect_place("cache /nowhere/home/hf/hub;");
    setenv("HUGGINGFACE_HUB_CACHE", "/nowhere/old", 1);
    expect_place("cache /nowhere/old;");
    setenv("HF_HUB_CACHE", "/nowhere/hub", 1);
    expect_place("cache /nowhere/hub;");
    setenv("HF_ENDPOINT", "ftp://x", 1);
    assert_int_equal(cril_hub_find("hf:o/n", &m, &err), CRIL_ERR_RANGE);
    setenv("HF_ENDPOINT", "http://127.0.0.1:1", 1);
    setenv("HF_HUB_CACHE", cache, 1);
    refused("hf:o/n", CRIL_ERR_IO, "check the network");
}

static void remove_folder(const char *path)
{
    char command[256];

    snprintf(command, sizeof(command), "rm -rf '%s'", path);
    if (system(command) != 0)
        abort();
}

#define ON_SERVER(test) cmocka_unit_test_setup_teardown(test, begin_server, end_server)
#define PLAIN(test) cmocka_unit_test_setup(test, begin)

/* Without arguments the tests; with a name, a pull that may be killed. */
int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        PLAIN(test_names),
        PLAIN(test_bad_names),
        PLAIN(test_source),
        PLAIN(test_place),
        ON_SERVER(test_folder),
        ON_SERVER(test_gguf),
        ON_SERVER(test_shards),
        ON_SERVER(test_what_is_no_model),
        ON_SERVER(test_find),
        ON_SERVER(test_unreachable),
        ON_SERVER(test_token),
        ON_SERVER(test_redirects),
        ON_SERVER(test_statuses),
        ON_SERVER(test_retries),
        ON_SERVER(test_too_many),
        ON_SERVER(test_continues),
        ON_SERVER(test_ignored_range),
        ON_SERVER(test_strange_parts),
        ON_SERVER(test_cut),
        ON_SERVER(test_endless_cut),
        ON_SERVER(test_stall),
        ON_SERVER(test_strange_answers),
        ON_SERVER(test_wrong_bytes),
        ON_SERVER(test_expired_address),
        ON_SERVER(test_bad_facts),
        ON_SERVER(test_hostile_lists),
        ON_SERVER(test_links),
        ON_SERVER(test_no_room),
        ON_SERVER(test_callbacks),
        ON_SERVER(test_at_once),
        ON_SERVER(test_lock),
        ON_SERVER(test_killed),
    };
    cril_hub_model m;
    int failed;

    if (argc > 1)
        return cril_hub_pull(argv[1], &quick, &m, NULL) != CRIL_OK;
    strcpy(folder, "/tmp/cril-fetch-XXXXXX");
    if (!mkdtemp(folder))
        return 1;
    for (size_t i = 0; i < LARGE; i++)
        large[i] = (char)(i * 2654435761u >> 13);
    memset(other, 'o', sizeof(other));
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    remove_folder(folder);
    return failed;
}
