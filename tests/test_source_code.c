/*
 * The source of kind "code", on repositories that git makes here: which files become documents,
 * with which dates, licences, languages and addresses; what a hostile or damaged repository does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "gather/code_language.h"
#include "gather/licence.h"
#include "gather/source_code.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { COMMITS = 3000, PATH = 256 };

static char root[] = "/tmp/cril-code-XXXXXX";

/* A command of the shell in the folder; it must succeed. */
static void sh(const char *command)
{
    static const char start[] = "export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 "
                                "GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a "
                                "GIT_COMMITTER_EMAIL=a@b; "
                                "commit() { export GIT_AUTHOR_DATE=\"$1T12:00:00Z\" "
                                "GIT_COMMITTER_DATE=\"$1T12:00:00Z\"; git add -A; git commit -q "
                                "-m x; }; cd ";
    const size_t n = sizeof(start) + sizeof(root) + strlen(command) + 16;
    char *line = malloc(n);

    snprintf(line, n, "%s%s && { %s; }", start, root, command);
    if (system(line) != 0)
        fail_msg("%s", command);
    free(line);
}

static int make(void **state)
{
    (void)state;
    if (!mkdtemp(root))
        return -1;
    if (system("git --version >/dev/null 2>&1") != 0) {
        puts("skipped: there is no git");
        exit(0);
    }
    sh("mkdir -p all/b/one && cd all/b/one && git init -q -b main . && "
       "git remote add origin https://user:secret@github.com/o/n.git && "
       "printf 'int main(void) { return 0; }\\n' >a.c && printf 'print(1)\\n' >b.py && "
       "printf '#!/usr/bin/env python3\\nprint(2)\\n' >tool && commit 2026-01-02 && "
       "printf '\\nint x;\\n' >>a.c && mkdir sub && "
       "printf 'class A {};\\nnamespace b {}\\n' >sub/a.h && commit 2026-02-03 && "
       "git checkout -q -b side && printf 'print(3)\\n' >c.py && commit 2026-03-04 && "
       "git checkout -q main && printf 'print(4)\\n' >d.py && commit 2026-04-05 && "
       "GIT_COMMITTER_DATE=2026-05-06T12:00:00Z git merge -q --no-ff side -m x && "
       "git rm -q b.py && commit 2026-05-07 && printf 'print(1)\\n' >b.py && commit 2026-05-08");
    return 0;
}

static int remove_all(void **state)
{
    char line[PATH];

    (void)state;
    snprintf(line, sizeof(line), "chmod -R u+w %s; rm -rf %s", root, root);
    return system(line);
}

static struct cril_source *open_source(const char *below, const struct cril_code_options *o)
{
    static char path[PATH];
    struct cril_source *s;
    cril_error err;

    snprintf(path, sizeof(path), "%s/%s", root, below);
    if (cril_source_code_open(path, o, &s, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    return s;
}

static bool next(struct cril_source *s, struct cril_gathered *doc)
{
    cril_error err;

    if (s->kind->next(s, doc, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    return doc->text;
}

static void expect(struct cril_source *s, const char *id, const char *date, const char *language)
{
    struct cril_gathered doc;

    assert_true(next(s, &doc));
    assert_string_equal(doc.id, id);
    assert_string_equal(doc.date, date);
    assert_string_equal(doc.language, language);
}

static void expect_end(struct cril_source *s)
{
    struct cril_gathered doc;

    assert_false(next(s, &doc));
    s->kind->close(s);
}

static uint64_t left_out(const struct cril_source *s, const char *why)
{
    size_t n;
    const struct cril_left_out *l = s->kind->left_out(s, &n);

    for (size_t i = 0; i < n; i++)
        if (strcmp(l[i].why, why) == 0)
            return l[i].n;
    fail_msg("nothing is left out for '%s'", why);
    return 0;
}

/* ---- documents ---- */

static void expect_one(struct cril_source *s, const char *name)
{
    static const char *const files[][3] = {
        {"a.c", "2026-01-02", "C"},       {"b.py", "2026-01-02", "Python"},
        {"c.py", "2026-03-04", "Python"}, {"d.py", "2026-04-05", "Python"},
        {"sub/a.h", "2026-02-03", "C++"}, {"tool", "2026-01-02", "Python"}};
    char id[PATH];

    for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
        snprintf(id, sizeof(id), "%s/%s", name, files[i][0]);
        expect(s, id, files[i][1], files[i][2]);
    }
}

static void test_dates(void **state)
{
    struct cril_source *s = open_source("all", NULL);

    (void)state;
    expect_one(s, "b/one");
    expect_end(s);
    s = open_source("all/b/one/", NULL); /* the repository itself */
    expect_one(s, "one");
    expect_end(s);
}

static void test_bare(void **state)
{
    struct cril_source *s;

    (void)state;
    sh("git clone -q --bare all/b/one bare.git");
    s = open_source("bare.git", NULL);
    expect_one(s, "bare.git");
    expect_end(s);
}

/* The first commit of a shallow clone would date files of earlier ones. */
static void test_shallow(void **state)
{
    struct cril_source *s;
    struct cril_gathered doc;
    char line[PATH];

    (void)state;
    snprintf(line, sizeof(line), "git clone -q --depth 1 file://%s/all/b/one shallow", root);
    sh(line);
    s = open_source("shallow", NULL);
    for (size_t i = 0; i < 6; i++) {
        assert_true(next(s, &doc));
        assert_string_equal(doc.date, "");
    }
    expect_end(s);
}

static void test_languages(void **state)
{
    static const char *const wanted[] = {"C", "C++"}, *const near[] = {"Pyhton"};
    const struct cril_code_options o = {.languages = wanted, .n_languages = 2},
                                   bad = {.languages = near, .n_languages = 1};
    struct cril_source *s = open_source("all", &o);
    char path[PATH];
    cril_error err;

    (void)state;
    expect(s, "b/one/a.c", "2026-01-02", "C");
    expect(s, "b/one/sub/a.h", "2026-02-03", "C++");
    assert_false(next(s, &(struct cril_gathered){0}));
    assert_int_equal(left_out(s, "file in another language"), 4);
    s->kind->close(s);
    snprintf(path, sizeof(path), "%s/all", root);
    assert_int_equal(cril_source_code_open(path, &bad, &s, &err), CRIL_ERR_RANGE);
    assert_non_null(strstr(err.message, "the nearest is 'Python'"));
}

/* Nothing of the user's in the address; the commit is in it, and in what the card says. */
static void test_addresses(void **state)
{
    struct cril_source *s = open_source("all", NULL);
    struct cril_gathered doc;
    char wanted[PATH];
    const char *commit;
    json_t *about, *one;

    (void)state;
    assert_true(next(s, &doc));
    assert_null(strstr(doc.address, "secret"));
    snprintf(wanted, sizeof(wanted), "%s", doc.address);
    while (next(s, &doc)) {
    }
    about = s->kind->about(s);
    one = json_array_get(json_object_get(about, "repositories"), 0);
    commit = json_string_value(json_object_get(one, "commit"));
    assert_int_equal(strlen(commit), 40);
    assert_int_equal(json_integer_value(json_object_get(one, "documents")), 6);
    assert_string_equal(json_string_value(json_object_get(one, "address")),
                        "https://github.com/o/n");
    assert_memory_equal(wanted, "https://github.com/o/n/blob/", 28);
    assert_memory_equal(wanted + 28, commit, 40);
    assert_string_equal(wanted + 68, "/a.c");
    json_decref(about);
    s->kind->close(s);
}

static void test_licences(void **state)
{
    struct cril_gathered doc;
    struct cril_source *s;

    (void)state;
    sh("mkdir lic && cd lic && git init -q . && mkdir -p gpl/deep none && "
       "printf 'Permission is hereby granted, free of charge, to any\\nThe above copyright notice "
       "and this\\n permission notice shall\\n' >LICENSE && "
       "printf '  GNU GENERAL PUBLIC LICENSE\\n   Version 3, 29 June\\n' >gpl/COPYING.txt && "
       "printf 'x = 1\\n' >a.py && printf 'x = 1\\n' >gpl/deep/b.py && "
       "printf '# SPDX-License-Identifier: Apache-2.0 OR MIT\\nx = 1\\n' >gpl/c.py && "
       "printf 'x\\n' >none/d.py && commit 2026-01-01");
    s = open_source("lic", NULL);
    while (next(s, &doc)) {
        const char *wanted = strstr(doc.id, "b.py")   ? "GPL-3.0"
                             : strstr(doc.id, "c.py") ? "Apache-2.0 OR MIT"
                                                      : "MIT";

        assert_string_equal(doc.licence, wanted);
    }
    assert_int_equal(left_out(s, "file in no known language"), 2);
    s->kind->close(s);
}

static void test_left_out(void **state)
{
    const struct cril_code_options o = {.max_file_bytes = 100};
    struct cril_source *s;
    struct cril_gathered doc;

    (void)state;
    sh("mkdir odd && cd odd && git init -q . && : >empty.py && ln -s a.py link.py && "
       "printf 'a\\000b' >binary.py && head -c 101 /dev/zero | tr '\\0' x >large.py && "
       "head -c 100 /dev/zero | tr '\\0' x >right.py && printf 'text' >notes.unknown && "
       "git clone -q ../all/b/one inner && commit 2026-01-01 2>/dev/null; mkdir ../hollow && git "
       "init -q "
       "../hollow");
    s = open_source("odd", &o);
    expect(s, "odd/right.py", "2026-01-01", "Python");
    assert_false(next(s, &doc));
    assert_int_equal(left_out(s, "empty file"), 1);
    assert_int_equal(left_out(s, "symbolic link"), 1);
    assert_int_equal(left_out(s, "binary file"), 1);
    assert_int_equal(left_out(s, "file above the maximum size"), 1);
    assert_int_equal(left_out(s, "file in no known language"), 1);
    assert_int_equal(left_out(s, "submodule"), 1);
    s->kind->close(s);
    s = open_source("hollow", NULL);
    assert_false(next(s, &doc));
    assert_int_equal(left_out(s, "repository without a commit"), 1);
    s->kind->close(s);
}

static void test_names(void **state)
{
    struct cril_source *s;

    (void)state;
    sh("mkdir names && cd names && git init -q . && printf 'x\\n' >\"$(printf 'a\\nb.py')\" && "
       "printf 'x\\n' >\"$(printf '\\nc.py')\" && printf 'x\\n' >'q\"uote.py' && printf 'x\\n' "
       ">\"$(printf "
       "'\\377.py')\" && commit 2026-01-01");
    s = open_source("names", NULL);
    expect(s, "names/\nc.py", "2026-01-01", "Python");
    expect(s, "names/a\nb.py", "2026-01-01", "Python");
    expect(s, "names/q\"uote.py", "2026-01-01", "Python");
    expect(s, "names/\377.py", "2026-01-01", "Python");
    expect_end(s);
}

static void test_many_commits(void **state)
{
    struct cril_source *s;
    struct cril_gathered doc;
    char line[PATH];
    unsigned n = 0;
    FILE *f;

    (void)state;
    sh("mkdir many && git init -q -b main many");
    snprintf(line, sizeof(line), "git -C %s/many fast-import --quiet", root);
    f = popen(line, "w");
    for (unsigned i = 0; i < COMMITS; i++) {
        fprintf(f,
                "commit refs/heads/main\ncommitter a <a@b> %u +0000\ndata 0\n"
                "M 644 inline d%u/f%u.py\ndata 2\nx\n\n",
                1767225600 + i / 100 * 86400, i % 7, i / 2);
    }
    assert_int_equal(pclose(f), 0);
    s = open_source("many", NULL);
    while (next(s, &doc)) {
        const char *at = strstr(doc.id, "/f");
        unsigned k = (unsigned)strtoul(at + 2, NULL, 10),
                 folder = (unsigned)atoi(strstr(doc.id, "/d") + 2);
        const unsigned commit = 2 * k % 7 == folder ? 2 * k : 2 * k + 1;
        char date[24];

        snprintf(date, sizeof(date), "2026-01-%02u", 1 + commit / 100);
        assert_string_equal(doc.date, date);
        n++;
    }
    assert_int_equal(n, COMMITS);
    s->kind->close(s);
}

/* ---- what is hostile or damaged ---- */

static void test_hostile(void **state)
{
    struct cril_source *s;
    char path[PATH];

    (void)state;
    sh("cp -R all/b/one evil && cd evil && E=\"touch $(pwd)/../ran\" && "
       "git config core.fsmonitor \"$E\" && git config diff.external \"$E\" && "
       "git config core.pager \"$E\" && git config log.showSignature true && "
       "git config gpg.program \"$(pwd)/run\" && git config diff.x.textconv \"$E\" && "
       "git config filter.x.smudge \"$E\" && git config filter.x.clean \"$E\" && "
       "git config core.sshCommand \"$E\" && git config remote.origin.promisor true && "
       "git config extensions.partialClone origin && git config core.repositoryFormatVersion 1 && "
       "git config core.hooksPath . && git config core.gitProxy \"$E\" && "
       "printf '*.c diff=x filter=x\\n' >.git/info/attributes && "
       "printf '#!/bin/sh\\n%s\\n' \"$E\" >run && chmod +x run && "
       "for h in reference-transaction post-index-change; do cp run $h; done; "
       "git config remote.origin.url 'ext::sh -c touch% ../ran'");
    s = open_source("evil", NULL);
    expect_one(s, "evil");
    expect_end(s);
    snprintf(path, sizeof(path), "%s/ran", root);
    assert_int_not_equal(access(path, F_OK), 0);
    /* A blob that is missing would be fetched. */
    sh("cd evil && rm -f .git/objects/$(git rev-parse HEAD:d.py | sed 's,..,&/,')");
    s = open_source("evil", NULL);
    for (size_t i = 0; i < 5; i++)
        assert_true(next(s, &(struct cril_gathered){0}));
    assert_false(next(s, &(struct cril_gathered){0}));
    assert_int_equal(left_out(s, "file whose content git cannot read"), 1);
    s->kind->close(s);
    assert_int_not_equal(access(path, F_OK), 0);
}

static void expect_broken(const char *below)
{
    struct cril_source *s = open_source(below, NULL);
    struct cril_gathered doc;
    cril_error err = {0};
    cril_status st;

    do
        st = s->kind->next(s, &doc, &err);
    while (st == CRIL_OK && doc.text);
    assert_int_equal(st, CRIL_ERR_FORMAT);
    assert_non_null(strstr(err.message, below));
    s->kind->close(s);
}

static void test_damaged(void **state)
{
    struct cril_source *s;
    char path[PATH];
    cril_error err;

    (void)state;
    sh("cp -R all/b/one cut && cd cut && f=.git/objects/$(git rev-parse HEAD:a.c | sed 's,..,&/,') "
       "&& "
       "chmod u+w $f && head -c 10 $f >x && mv x $f");
    s = open_source("cut", NULL);
    expect(s, "cut/b.py", "2026-01-02", "Python");
    assert_int_equal(left_out(s, "file whose content git cannot read"), 1);
    s->kind->close(s);
    sh("cp -R all/b/one lost && cd lost && rm -f .git/objects/$(git rev-parse HEAD: | sed "
       "'s,..,&/,')");
    expect_broken("lost");
    sh("cp -R all/b/one past && cd past && rm -f .git/objects/$(git rev-parse HEAD~2 | sed "
       "'s,..,&/,')");
    expect_broken("past");
    sh("cp -R bare.git pack.git && cd pack.git && git repack -q -a -d && chmod u+w "
       "objects/pack/*.pack && "
       "p=$(echo objects/pack/*.pack) && head -c 60 $p >x && mv x $p");
    expect_broken("pack.git");
    sh("mkdir nothing");
    snprintf(path, sizeof(path), "%s/nothing", root);
    assert_int_equal(cril_source_code_open(path, NULL, &s, &err), CRIL_ERR_EMPTY);
    snprintf(path, sizeof(path), "%s/none", root);
    assert_int_equal(cril_source_code_open(path, NULL, &s, &err), CRIL_ERR_IO);
}

/* ---- tables ---- */

static void test_tables(void **state)
{
    static const char *const files[][3] = {{"a/Makefile", "", "Makefile"},
                                           {"x.py", "", "Python"},
                                           {"x", "#!/bin/sh\n", "Shell"},
                                           {"x", "#! /usr/bin/env perl -w\n", "Perl"},
                                           {"x", "#!/usr/bin/python2.7", "Python"},
                                           {"x", "#!", NULL},
                                           {"x", "text", NULL},
                                           {"x.none", "#!/bin/sh\n", NULL},
                                           {".py", "", NULL},
                                           {"a.b/x", "", NULL},
                                           {"x.h", "int a;", "C"},
                                           {"x.h", "x\nclass A", "C++"},
                                           {"x.m", "@implementation", "Objective-C"},
                                           {"x.m", "y = 1", "MATLAB"},
                                           {"x.ts", "<TS version", "XML"},
                                           {"x.ts", "let a", "TypeScript"}};
    char named[CRIL_LICENCE_BYTES];

    (void)state;
    for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
        const char *got = cril_code_language(files[i][0], files[i][1], strlen(files[i][1]));

        if (got != files[i][2] && (!got || !files[i][2] || strcmp(got, files[i][2]) != 0))
            fail_msg("%s '%s': %s", files[i][0], files[i][1], got ? got : "none");
    }
    assert_true(cril_licence_is_file("LICENSE.md"));
    assert_true(cril_licence_is_file("copying"));
    assert_false(cril_licence_is_file("licenses"));
    assert_string_equal(cril_licence_of("Apache License\n  Version\t2.0, January", 36),
                        "Apache-2.0");
    assert_null(cril_licence_of("all rights reserved", 19));
    assert_true(cril_licence_named("// SPDX-License-Identifier: MIT */", 34, named));
    assert_string_equal(named, "MIT");
    assert_false(cril_licence_named("SPDX-License-Identifier:", 24, named));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dates),        cmocka_unit_test(test_bare),
        cmocka_unit_test(test_shallow),      cmocka_unit_test(test_languages),
        cmocka_unit_test(test_addresses),    cmocka_unit_test(test_licences),
        cmocka_unit_test(test_left_out),     cmocka_unit_test(test_names),
        cmocka_unit_test(test_many_commits), cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_damaged),      cmocka_unit_test(test_tables),
    };
    return cmocka_run_group_tests(tests, make, remove_all);
}
