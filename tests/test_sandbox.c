/*
 * What becomes of programs in the box and what is said of it; which Pythons run there; sentences
 * where there is no box. test_hostile.c has the programs that do harm.
 */
#define _GNU_SOURCE /* mkdtemp, nftw */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "box_suite.h"

#include "sandbox/drain.h"
#include "sandbox/spawn.h"

#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[64];

/* ---- outcomes ---- */

static void expect(const char *source, enum cril_sandbox_end end, const char *message)
{
    struct cril_sandbox_outcome out = box_suite_program(box_suite_open(), source, 60, 0, 0);

    if (out.end != end || strcmp(out.message, message))
        fail_msg("%d \"%s\", not %d \"%s\":\n%s", out.end, out.message, end, message, source);
}

static void test_passes(void **state)
{
    static const char *const sources[] = {
        "",
        "# nothing\n",
        "x = 1\r\nassert x == 1\r\n",
        "print('no line end')",
        "# -*- coding: latin-1 -*-\nassert len('\xe9') == 1\n",
        "assert len('\xc3\xa9') == 1\n",
        "from __future__ import annotations\ndef f(x: no_such_name): return x\nassert f(2) == 2",
        "assert __name__ == '__main__'\nimport sys\nassert sys.modules['__main__'].__dict__ is "
        "globals()",
        "read = write = leave = getpid = exec = None\ndel read, write\n",
        "import os\nos.getpid = os.read = os.write = os._exit = lambda *a: 1 / 0\n",
        "import builtins\nbuiltins.exec = builtins.print = None\n",
        "import sys\nsys.modules.clear()\n",
        "import sys\nsys.stdout.close()\nsys.stderr.close()\n",
        "import sys\nsys.settrace(lambda *a: None)\nsys.setprofile(lambda *a: None)\n",
        "import threading, time\nthreading.Thread(target=time.sleep, args=(100,)).start()\n",
        "import threading\nt = threading.Thread(target=int)\nt.start()\nt.join()\n",
        "import os\nif os.fork():\n    assert os.wait()[1] == 0\n", /* the child comes to the end */
        "import sys\nsys.setrecursionlimit(20000)\ndef f(n):\n    return n and 1 + f(n - 1)\n"
        "assert f(15000) == 15000\n",
        "try:\n    raise SystemExit(3)\nexcept SystemExit:\n    pass\n",
        "import atexit\natexit.register(lambda: 1 / 0)\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++)
        expect(sources[i], CRIL_SANDBOX_PASSED, "passed");
}

static void test_world(void **state)
{
    (void)state;
    expect("import os, sys, tempfile\n"
           "want = dict(HOME='/tmp', TMPDIR='/tmp', PYTHONHASHSEED='0', MPLBACKEND='Agg',\n"
           "            OMP_NUM_THREADS='1', OPENBLAS_NUM_THREADS='1')\n"
           "assert want.items() <= dict(os.environ).items()\n"
           "assert os.getcwd() == '/tmp' and os.listdir('.') == []\n"
           "assert sys.argv == ['program.py']\n"
           "assert sys.flags.hash_randomization == 0\n"
           "open('mine.py', 'w').write('x = 3')\n"
           "import mine\n"
           "assert mine.x == 3\n"
           "with tempfile.TemporaryDirectory() as d:\n"
           "    assert d.startswith('/tmp/')\n"
           "assert os.path.expanduser('~') == '/tmp'\n"
           "assert sys.stdin.read() == ''\n",
           CRIL_SANDBOX_PASSED, "passed");
    /* nothing is left of it in the next box */
    expect("import os\nassert os.listdir('.') == os.listdir('/dev/shm') == []\n",
           CRIL_SANDBOX_PASSED, "passed");
    expect("import subprocess, sys\n"
           "assert subprocess.check_output(['sh', '-c', 'echo $PATH; id -u']).split()[1] == "
           "b'65534'\n"
           "assert subprocess.check_output([sys.executable, '-c', 'print(2)']) == b'2\\n'\n",
           CRIL_SANDBOX_PASSED, "passed");
    expect("import multiprocessing\n"
           "with multiprocessing.get_context('fork').Pool(2) as p:\n"
           "    assert p.map(abs, [-1, -2]) == [1, 2]\n",
           CRIL_SANDBOX_PASSED, "passed");
}

static void test_fails(void **state)
{
    char many[4000] = "raise ValueError('";

    (void)state;
    expect("assert 1 == 2", CRIL_SANDBOX_FAILED, "failed: AssertionError");
    expect("assert 1 == 2, 'they differ'", CRIL_SANDBOX_FAILED,
           "failed: AssertionError: they differ");
    expect("def f(:\n", CRIL_SANDBOX_FAILED, "failed: SyntaxError: invalid syntax");
    expect("x = '\xff'\n", CRIL_SANDBOX_FAILED,
           "failed: SyntaxError: (unicode error) 'utf-8' codec can't decode byte 0xff in position "
           "0: invalid start byte");
    expect("input()", CRIL_SANDBOX_FAILED, "failed: EOFError: EOF when reading a line");
    expect("raise ValueError('one\\ntwo\\n  three')", CRIL_SANDBOX_FAILED,
           "failed: ValueError: one");
    expect("raise ValueError('\\x1b[31m\\x07\\u202e\\u00e9')", CRIL_SANDBOX_FAILED,
           "failed: ValueError: \\x1B[31m\\x07\\xE2\\x80\\xAE\xc3\xa9");
    expect("try:\n    1 / 0\nexcept ZeroDivisionError:\n    raise KeyError('k')\n",
           CRIL_SANDBOX_FAILED, "failed: KeyError: 'k'");
    expect("import sys\nprint('of its own', file=sys.stderr)\nraise SystemExit(3)",
           CRIL_SANDBOX_FAILED, "failed: of its own");
    expect("raise SystemExit(3)", CRIL_SANDBOX_FAILED, "failed: exit status 3");
    expect("import sys\nsys.exit('why')", CRIL_SANDBOX_FAILED, "failed: SystemExit: why");
    expect("raise KeyboardInterrupt", CRIL_SANDBOX_FAILED, "failed: KeyboardInterrupt");
    expect("import os, signal\nos.kill(os.getpid(), signal.SIGTERM)", CRIL_SANDBOX_FAILED,
           "failed: signal 15 (Terminated)");
    memset(many + strlen(many), 'y', 3000);
    strcat(many, "')");
    assert_true(strlen(box_suite_program(box_suite_open(), many, 60, 0, 0).message) > 200);
}

static void test_nul(void **state)
{
    static const char source[] = "x = 1\0\n1 / 0\n";
    const struct cril_sandbox_program p = {{source, sizeof(source) - 1}, 60, 0, 0, false};
    struct cril_sandbox_outcome out;
    cril_error err = {0};

    (void)state;
    if (cril_sandbox_run(box_suite_open(), &p, &out, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    assert_int_equal(out.end, CRIL_SANDBOX_FAILED);
}

static void test_large(void **state)
{
    const size_t size = 3 << 20;
    char *source = malloc(size + 16);

    (void)state;
    assert_non_null(source);
    memset(source, '\n', size);
    strcpy(source + size, "assert False");
    assert_string_equal(box_suite_program(box_suite_open(), source, 60, 0, 0).message,
                        "failed: AssertionError");
    free(source);
}

static void expect_range(struct cril_sandbox *s, double wall_sec, double cpu_sec)
{
    const struct cril_sandbox_program p = {cril_bytes_of("pass"), wall_sec, cpu_sec, 0, false};
    struct cril_sandbox_outcome out;

    assert_int_equal(cril_sandbox_run(s, &p, &out, NULL), CRIL_ERR_RANGE);
}

static void test_range(void **state)
{
    struct cril_sandbox *s = box_suite_open();
    struct cril_sandbox_outcome out;
    char *versions;

    (void)state;
    expect_range(s, 0, 1);
    expect_range(s, -1, 1);
    expect_range(s, 1e9, 1);
    expect_range(s, 1, -1);
    expect_range(s, strtod("nan", NULL), 1);
    assert_int_equal(cril_sandbox_run(s,
                                      &(struct cril_sandbox_program){cril_bytes_of("pass"), 1, 1,
                                                                     1 << 20, false},
                                      &out, NULL),
                     CRIL_ERR_RANGE);
    assert_int_equal(cril_sandbox_run(NULL, NULL, &out, NULL), CRIL_ERR_RANGE);
    assert_int_equal(cril_sandbox_open(NULL, NULL, NULL), CRIL_ERR_RANGE);
    assert_int_equal(cril_sandbox_modules(s, NULL, &versions, NULL), CRIL_ERR_RANGE);
    assert_null(cril_sandbox_python(NULL));
    cril_sandbox_close(NULL);
}

/* ---- modules ---- */

static void test_modules(void **state)
{
    struct cril_sandbox *s = box_suite_open();
    cril_error err = {0};
    char *versions = NULL;

    (void)state;
    assert_memory_equal(cril_sandbox_python(s), "3.", 2);
    if (cril_sandbox_modules(s, "json  argparse", &versions, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    assert_memory_equal(versions, "json 2.0.9 argparse 1.1", 23);
    free(versions);
    assert_int_equal(cril_sandbox_modules(s, "os no_such_module", &versions, &err),
                     CRIL_ERR_UNSUPPORTED);
    assert_non_null(strstr(err.message, "No module named 'no_such_module'"));
    assert_non_null(strstr(err.message, cril_sandbox_python(s)));
    assert_int_equal(cril_sandbox_modules(s, "os'", &versions, &err), CRIL_ERR_RANGE);
    assert_int_equal(cril_sandbox_modules(s, " ", &versions, &err), CRIL_ERR_RANGE);
}

/* ---- Pythons ---- */

static void write_file(const char *name, const char *text, mode_t mode)
{
    char path[256];
    FILE *f;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    assert_non_null(f = fopen(path, "w"));
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static cril_status open_python(const char *name, struct cril_sandbox **s, cril_error *err)
{
    char path[256];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return cril_sandbox_open(path, s, err);
}

static void expect_no_python(const char *name, const char *reason)
{
    struct cril_sandbox *s = NULL;
    cril_error err = {0};

    assert_int_equal(open_python(name, &s, &err), CRIL_ERR_UNSUPPORTED);
    assert_null(s);
    if (!strstr(err.message, reason))
        fail_msg("\"%s\" does not say: %s", err.message, reason);
}

static void test_no_python(void **state)
{
    struct cril_sandbox *s = NULL;
    cril_error err = {0};

    (void)state;
    box_suite_open();
    write_file("silent", "#!/bin/sh\nexit 0\n", 0755);
    write_file("fails", "#!/bin/sh\necho it is broken >&2\nexit 1\n", 0755);
    write_file("old", "#!/bin/sh\nprintf 'cril-python\\0002\\0007\\0002.7.18\\000/x\\000\\000'\n",
               0755);
    write_file("gone", "#!/bin/sh\nprintf 'cril-python\\0003\\00011\\0003.11\\000/x\\000\\000'\n",
               0755);
    write_file("plain", "#!/bin/sh\n", 0644);
    expect_no_python("absent", "no program is there");
    expect_no_python("plain", "no program is there");
    expect_no_python("silent", "does not answer as a Python does");
    expect_no_python("fails", "does not start as a Python: it is broken");
    expect_no_python("old", "is Python 2.7.18; 3.6 or newer is needed");
    expect_no_python("gone", "bwrap: execvp /x");
    assert_int_equal(cril_sandbox_open("no-such-python", &s, &err), CRIL_ERR_UNSUPPORTED);
    assert_non_null(strstr(err.message, "no-such-python: is not found in PATH"));
}

/* A shell without the test's descriptors. */
static void shell(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void shell(const char *format, ...)
{
    char command[1024];
    va_list ap;
    int n;

    va_start(ap, format);
    n = vsnprintf(command, sizeof(command), format, ap);
    va_end(ap);
    assert_true(n > 0 && (size_t)n < sizeof(command));
    assert_int_equal(system(command), 0);
}

/* A virtual environment that nobody else may enter, in a folder with the user's data. */
static void test_environment(void **state)
{
    struct cril_sandbox *s = NULL;
    struct cril_sandbox_outcome out;
    cril_error err = {0};
    char *versions = NULL, source[1024];

    (void)state;
    box_suite_open();
    shell("mkdir -m 700 %s/private", folder);
    shell("python3 -m venv --without-pip %s/private/project", folder);
    shell("for d in %s/private/project/lib/python3*/site-packages; do"
          "  echo '__version__ = \"1.2.3\"' >$d/cril_test_module.py; done",
          folder);
    write_file("private/project/answers", "forty-two", 0644);
    write_file("private/answers", "forty-two", 0644);
    if (open_python("private/project/bin/python3", &s, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    if (cril_sandbox_modules(s, "cril_test_module", &versions, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    assert_string_equal(versions, "cril_test_module 1.2.3");
    free(versions);
    snprintf(source, sizeof(source),
             "import os, sys\n"
             "place = '%s/private/project'\n"
             "assert sys.prefix == place != sys.base_prefix, sys.prefix\n"
             "assert sorted(os.listdir(place)) in (['bin', 'lib', 'lib64', 'pyvenv.cfg'],\n"
             "                                     ['bin', 'lib', 'pyvenv.cfg'])\n"
             "assert os.listdir(place + '/..') == ['project']\n",
             folder);
    out = box_suite_program(s, source, 60, 0, 0);
    assert_string_equal(out.message, "passed");
    cril_sandbox_close(s);
    /* a link that everybody sees, to what only its user does */
    shell("ln -s private/project %s/link", folder);
    if (open_python("link/bin/python3", &s, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    assert_string_equal(box_suite_program(s, "import cril_test_module", 60, 0, 0).message,
                        "passed");
    cril_sandbox_close(s);
}

/* A program that runs another Python, as pyenv's do. */
static void test_shim(void **state)
{
    struct cril_sandbox *s = NULL;
    cril_error err = {0};

    (void)state;
    box_suite_open();
    write_file("shim", "#!/bin/sh\nexec python3 \"$@\"\n", 0755);
    if (open_python("shim", &s, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    assert_string_equal(box_suite_program(s, "assert 2 > 1", 60, 0, 0).message, "passed");
    cril_sandbox_close(s);
}

static void test_name(void **state)
{
    static const char main[] = "assert __name__ == '__main__'",
                      library[] = "assert __name__ == 'builtins'\n"
                                  "class A:\n"
                                  "    pass\n"
                                  "assert A.__module__ == 'builtins'";
    struct cril_sandbox_outcome out;
    struct cril_sandbox *s = box_suite_open();
    cril_error err;

    (void)state;
    for (int as_library = 0; as_library < 2; as_library++)
        for (int i = 0; i < 2; i++) {
            const struct cril_sandbox_program p = {.source = cril_bytes_of(i ? library : main),
                                                   .wall_sec = 60,
                                                   .as_library = as_library};
            assert_int_equal(cril_sandbox_run(s, &p, &out, &err), CRIL_OK);
            assert_int_equal(out.end == CRIL_SANDBOX_PASSED, i == as_library);
        }
}

/* ---- no box ---- */

static void expect_no_box(const char *script, const char *reason)
{
    struct cril_sandbox *s = NULL;
    cril_error err = {0};
    const char *before = getenv("PATH");
    char *old = strdup(before ? before : ""), path[4096];

    if (script)
        write_file("bwrap", script, 0755);
    assert_non_null(old);
    snprintf(path, sizeof(path), script ? "%s:%s" : "%s/nothing", folder, old);
    assert_int_equal(setenv("PATH", path, 1), 0);
    assert_int_equal(cril_sandbox_open("/usr/bin/python3", &s, &err), CRIL_ERR_UNSUPPORTED);
    assert_int_equal(setenv("PATH", old, 1), 0);
    free(old);
    assert_null(s);
    if (!strstr(err.message, reason))
        fail_msg("\"%s\" does not say: %s", err.message, reason);
}

static void test_no_box(void **state)
{
    (void)state;
    expect_no_box(NULL, "install bubblewrap");
    expect_no_box("#!/bin/sh\necho 'bwrap: No permissions to create a new namespace' >&2\nexit 1\n",
                  "bwrap: No permissions to create a new namespace; the kernel must allow user "
                  "namespaces");
    expect_no_box("#!/bin/sh\necho 'bwrap: Unknown option --disable-userns' >&2\nexit 1\n",
                  "bubblewrap 0.8 or newer is needed");
    expect_no_box("#!/bin/sh\nexit 1\n", "it says nothing");
    /* one that runs the program without a box is not believed */
    expect_no_box("#!/bin/sh\nwhile [ \"$1\" != -- ]; do shift; done\nshift\nexec \"$@\"\n",
                  "does not say which process is the first of its box");
}

static void test_ignored_children(void **state)
{
    struct cril_sandbox *s = NULL;
    cril_error err = {0};

    (void)state;
    box_suite_open();
    signal(SIGCHLD, SIG_IGN);
    assert_int_equal(cril_sandbox_open(NULL, &s, &err), CRIL_ERR_UNSUPPORTED);
    signal(SIGCHLD, SIG_DFL);
    assert_non_null(strstr(err.message, "SIGCHLD is ignored"));
}

/* ---- standard error ---- */

static void expect_line(const char *text, const char *expected)
{
    static struct cril_drain d;
    char line[64];

    cril_drain_start(&d, -1, true);
    memcpy(d.kept, text, strlen(text));
    d.len = strlen(text);
    cril_drain_last_line(&d, line, sizeof(line));
    assert_string_equal(line, expected);
}

static void test_last_line(void **state)
{
    static struct cril_drain d;
    char line[64];
    int ends[2];

    (void)state;
    expect_line("", "");
    expect_line("\n \n", "");
    expect_line("one\ntwo\n\n  \n", "two");
    expect_line("a\n  File \"x\", line 1\n    code\nE: first\nsecond\n", "E: first");
    expect_line("  File \"x\", line 1\nE: 1\n\nDuring:\n\n  File \"y\", line 2\n    c\nF: 2",
                "F: 2");
    expect_line("  File \"x\", line 1\n    only a frame\n", "    only a frame");

    /* the last 64 KiB of standard error, the first of standard output */
    for (int last = 0; last < 2; last++) {
        size_t len;
        const char *text;

        assert_int_equal(cril_spawn_pipe(ends), 0);
        cril_drain_start(&d, ends[0], last);
        for (int i = 0; i < 100; i++) {
            char block[5000];

            memset(block, 'a' + i % 26, sizeof(block));
            block[sizeof(block) - 1] = '\n';
            assert_int_equal(write(ends[1], block, sizeof(block)), sizeof(block));
            cril_drain_read(&d);
        }
        close(ends[1]);
        cril_drain_read(&d);
        assert_int_equal(d.fd, -1);
        assert_int_equal(d.total, 500000);
        text = cril_drain_text(&d, &len);
        assert_int_equal(len, CRIL_DRAIN_KEPT);
        assert_int_equal(text[0], last ? 'a' + (500000 - 65536) / 5000 % 26 : 'a');
        assert_int_equal(text[len - 2], last ? 'a' + 99 % 26 : 'a' + 65534 / 5000 % 26);
        cril_drain_last_line(&d, line, sizeof(line));
        assert_int_equal(line[0], last ? 'a' + 99 % 26 : 'a' + 65535 / 5000 % 26);
    }
}

/* ---- */

static int set_up(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/cril-sandbox-XXXXXX");
    return mkdtemp(folder) && chmod(folder, 0755) == 0 ? 0 : 1;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void)st;
    (void)type;
    (void)where;
    return remove(path);
}

static int tear_down(void **state)
{
    (void)state;
    return nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static int suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_last_line), cmocka_unit_test(test_passes),
        cmocka_unit_test(test_world),     cmocka_unit_test(test_fails),
        cmocka_unit_test(test_nul),       cmocka_unit_test(test_large),
        cmocka_unit_test(test_range),     cmocka_unit_test(test_modules),
        cmocka_unit_test(test_no_python), cmocka_unit_test(test_environment),
        cmocka_unit_test(test_shim),      cmocka_unit_test(test_name),
        cmocka_unit_test(test_no_box),    cmocka_unit_test(test_ignored_children),
    };

    return cmocka_run_group_tests_name("sandbox", tests, set_up, tear_down);
}

int main(void)
{
    return box_suite_run(suite);
}
