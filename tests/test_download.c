/*
 * Files from their addresses, from a server of our own on loopback: what is asked, what is gone on
 * with, what stays.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "hub_server.h"

#include <cril/download.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LARGE = 300000 };

static char folder[] = "/tmp/cril-download-XXXXXX", data[LARGE];
static struct hub_server server;

static int begin(void **state)
{
    (void)state;
    for (size_t i = 0; i < LARGE; i++)
        data[i] = (char)(i * 2654435761u >> 13);
    return mkdtemp(folder) ? 0 : -1;
}

static int begin_server(void **state)
{
    (void)state;
    memset(&server, 0, sizeof(server));
    server.repository = "o/n";
    hub_server_add(&server, "large.wet.gz", data, LARGE, true);
    hub_server_add(&server, "small.txt", "text", 4, false); /* has a weak ETag */
    assert_true(hub_server_start(&server));
    return 0;
}

/* Files in the folder. */
static size_t count_files(bool remove_them)
{
    char path[600];
    DIR *d = opendir(folder);
    size_t n = 0;

    for (struct dirent *e; d && (e = readdir(d));) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        n++;
        snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
        if (remove_them)
            unlink(path);
    }
    closedir(d);
    return n;
}

static int end_server(void **state)
{
    (void)state;
    hub_server_stop(&server);
    count_files(true);
    return 0;
}

static int end(void **state)
{
    (void)state;
    return rmdir(folder);
}

static int stop_in_the_middle(void *user, uint64_t have, uint64_t size)
{
    *(uint64_t *)user = have;
    assert_int_equal(size, LARGE);
    return have > LARGE / 4;
}

static cril_status try_get(const char *file, const cril_download_options *o, char **path,
                           cril_error *err)
{
    const cril_download_options quick = {.wait_ms = 1};
    char url[256];
    cril_status st;

    snprintf(url, sizeof(url), "%s/o/n/resolve/main/%s", server.endpoint, file);
    *path = NULL;
    st = cril_download(url, folder, o ? o : &quick, path, err);
    hub_server_rest(&server);
    return st;
}

static void expect(const char *file, const char *content, size_t size)
{
    char *path, got[LARGE + 1];
    cril_error err;
    FILE *f;

    if (try_get(file, NULL, &path, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    f = fopen(path, "rb");
    assert_non_null(f);
    assert_int_equal(fread(got, 1, sizeof(got), f), size);
    assert_memory_equal(got, content, size);
    fclose(f);
    free(path);
    assert_int_equal(count_files(false), 1);
}

static void expect_refused(const char *file, cril_status status, const char *part)
{
    char *path;
    cril_error err;
    const cril_status st = try_get(file, NULL, &path, &err);

    if (st != status || !strstr(err.message, part))
        fail_msg("status %d, '%s'", (int)st, err.message);
    assert_null(path);
}

static void test_once(void **state)
{
    (void)state;
    expect("large.wet.gz", data, LARGE);
    hub_server_forget(&server);
    expect("large.wet.gz?download=1#x", data, LARGE); /* is there */
    assert_int_equal(hub_server_count(&server, ""), 0);
    count_files(true);
    expect("small.txt", "text", 4);
}

/* A run that was stopped is gone on with; bytes that are there are not asked for again. */
static void test_resume(void **state)
{
    uint64_t have = 0;
    const cril_download_options o = {.progress = stop_in_the_middle, .user = &have};
    char *path, range[32];
    cril_error err;

    (void)state;
    assert_int_equal(try_get("large.wet.gz", &o, &path, &err), CRIL_ERR_CANCELLED);
    assert_null(path);
    assert_in_range(have, LARGE / 4, LARGE - 1);
    assert_int_equal(count_files(false), 1);
    hub_server_forget(&server);
    expect("large.wet.gz", data, LARGE);
    snprintf(range, sizeof(range), "range=%u", (unsigned)have);
    assert_int_equal(hub_server_count(&server, range), 2); /* of the hub, which redirects, too */
}

static void test_cut(void **state)
{
    (void)state;
    server.cut_after = LARGE / 3;
    expect("large.wet.gz", data, LARGE); /* by several answers */
    assert_true(hub_server_count(&server, "range=") > 0);
}

/* The server sends the whole again. */
static void test_no_ranges(void **state)
{
    uint64_t have = 0;
    const cril_download_options o = {.progress = stop_in_the_middle, .user = &have};
    char *path;
    cril_error err;

    (void)state;
    server.ignores_range = true;
    assert_int_equal(try_get("large.wet.gz", &o, &path, &err), CRIL_ERR_CANCELLED);
    expect("large.wet.gz", data, LARGE);
}

static void test_weak(void **state)
{
    (void)state;
    server.cut_after = 2;
    expect_refused("small.txt", CRIL_ERR_IO, "small.txt: transfer closed");
    assert_int_equal(hub_server_count(&server, "range="), 0);
    server.cut_after = 0;
    count_files(true);
    expect("small.txt", "text", 4);
}

static void test_statuses(void **state)
{
    (void)state;
    expect_refused("none.txt", CRIL_ERR_EMPTY, "no such file");
    server.rules[0] = (struct hub_rule){"GET /o/n", 2, 503, "", ""};
    expect("small.txt", "text", 4);
    count_files(true);
    server.rules[0] = (struct hub_rule){"HEAD /o/n", -1, 500, "", ""};
    expect_refused("small.txt", CRIL_ERR_IO, "status 500");
    server.rules[0] =
        (struct hub_rule){"HEAD /o/n", -1, 302, "Location: http://example.org/a\r\n", ""};
    expect_refused("small.txt", CRIL_ERR_UNSUPPORTED, "not encrypted");
    server.rules[0] = (struct hub_rule){"HEAD /o/n", -1, 302, "Location: small.txt\r\n", ""};
    expect_refused("small.txt", CRIL_ERR_FORMAT, "redirects");
    count_files(true); /* an empty part may be there */
}

/* Answers that are not what was asked for. */
static void test_other_bytes(void **state)
{
    (void)state;
    server.rules[0] = (struct hub_rule){"HEAD /o/n", -1, 200, "ETag: \"a\"\r\n", "0123456789"};
    server.rules[1] = (struct hub_rule){"GET /o/n", 1, 206,
                                        "ETag: \"a\"\r\nContent-Range: bytes 5-9/10\r\n", "56789"};
    expect_refused("small.txt", CRIL_ERR_IO, "changed"); /* then with another ETag */
    count_files(true);
    server.rules[1] = (struct hub_rule){"GET /o/n", -1, 200, "ETag: \"a\"\r\n", "0123"};
    expect_refused("small.txt", CRIL_ERR_IO, "sent 4 of 10 bytes");
}

static void test_addresses(void **state)
{
    static const char *const bad[] = {"https://example.org",    "https://example.org/",
                                      "https://example.org/a/", "https://example.org/a/?b/c",
                                      "https://example.org/..", "https://example.org/.a",
                                      "https://example.org/a b"};
    char *path = NULL;
    cril_error err;

    (void)state;
    assert_true(cril_is_address("https://a"));
    assert_false(cril_is_address("a"));
    assert_false(cril_is_address(NULL));
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_int_equal(cril_download(bad[i], folder, NULL, &path, &err), CRIL_ERR_RANGE);
    assert_int_equal(cril_download("/a/b", folder, NULL, &path, &err), CRIL_ERR_RANGE);
    assert_int_equal(cril_download("http://example.org/a", folder, NULL, &path, &err),
                     CRIL_ERR_UNSUPPORTED);
    assert_null(path);
    assert_int_equal(count_files(false), 0);
}

#define WITH_SERVER(test) cmocka_unit_test_setup_teardown(test, begin_server, end_server)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SERVER(test_once),        WITH_SERVER(test_resume),         WITH_SERVER(test_cut),
        WITH_SERVER(test_no_ranges),   WITH_SERVER(test_weak),           WITH_SERVER(test_statuses),
        WITH_SERVER(test_other_bytes), cmocka_unit_test(test_addresses),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
