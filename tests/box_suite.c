#define _GNU_SOURCE /* setresuid, setgroups, unshare */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "box_suite.h"

#include <ctype.h>
#include <dirent.h>
#include <grp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ORDINARY = 12345 };

static struct cril_sandbox *sandbox;
static bool has_own_mounts;

/* ---- both users ---- */

static int run_as_ordinary(int (*suite)(void))
{
    int failed;

    if (setgroups(0, NULL) != 0 || setresgid(ORDINARY, ORDINARY, ORDINARY) != 0 ||
        setresuid(ORDINARY, ORDINARY, ORDINARY) != 0) {
        perror("an ordinary user");
        return 1;
    }
    prctl(PR_SET_DUMPABLE, 1); /* else /proc/self stays root's */
    printf("as user %d:\n", ORDINARY);
    failed = suite();
    box_suite_close();
    return failed;
}

int box_suite_run(int (*suite)(void))
{
    int failed, status;
    pid_t child;

    has_own_mounts = geteuid() == 0 && unshare(CLONE_NEWNS) == 0 &&
                     mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
    failed = suite();
    box_suite_close();
    if (geteuid() != 0)
        return failed;
    fflush(NULL);
    if ((child = fork()) == 0)
        exit(run_as_ordinary(suite));
    if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status) ||
        WEXITSTATUS(status))
        failed++;
    return failed;
}

const char *box_suite_mounts(void)
{
    static char text[1 << 18];
    FILE *f;

    text[0] = '\0';
    if (!has_own_mounts)
        return text;
    assert_non_null(f = fopen("/proc/self/mountinfo", "r"));
    text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
    fclose(f);
    assert_true(text[0] != '\0');
    return text;
}

/* ---- boxes ---- */

struct cril_sandbox *box_suite_open(void)
{
    static cril_error err;
    const char *required = getenv("CRIL_REQUIRE_SANDBOX");
    cril_status st;

    if (sandbox)
        return sandbox;
    st = cril_sandbox_open(NULL, &sandbox, &err);
    if (st == CRIL_OK)
        return sandbox;
    printf("%s\n", err.message);
    assert_int_equal(st, CRIL_ERR_UNSUPPORTED);
    if (!strstr(err.message, "install bubblewrap") && !strstr(err.message, "user namespaces"))
        fail_msg("no box for another reason than that there are none here");
    if (required && !strcmp(required, "1"))
        fail_msg("CRIL_REQUIRE_SANDBOX is 1, and there is no box");
    skip();
    return NULL;
}

void box_suite_close(void)
{
    cril_sandbox_close(sandbox);
    sandbox = NULL;
}

struct cril_sandbox_outcome box_suite_program(struct cril_sandbox *s, const char *source,
                                              double wall_sec, double cpu_sec, size_t memory_bytes)
{
    const struct cril_sandbox_program program = {.source = cril_bytes_of(source),
                                                 .wall_sec = wall_sec,
                                                 .cpu_sec = cpu_sec,
                                                 .memory_bytes = memory_bytes};
    struct cril_sandbox_outcome out = {.wall_sec = -1};
    cril_error err = {0};

    if (cril_sandbox_run(s, &program, &out, &err) != CRIL_OK)
        fail_msg("%s", err.message);
    assert_true(out.wall_sec >= 0);
    assert_null(strchr(out.message, '\n'));
    return out;
}

int box_suite_processes(const char *name)
{
    DIR *d = opendir("/proc");
    const struct dirent *e;
    int n = 0;

    while (d && (e = readdir(d)) != NULL) {
        char path[300], comm[64] = "";
        FILE *f;

        snprintf(path, sizeof(path), "/proc/%s/comm", e->d_name);
        if (!isdigit((unsigned char)e->d_name[0]) || !(f = fopen(path, "r")))
            continue;
        if (fgets(comm, sizeof(comm), f))
            comm[strcspn(comm, "\n")] = '\0';
        n += !strcmp(comm, name);
        fclose(f);
    }
    if (d)
        closedir(d);
    return n;
}
