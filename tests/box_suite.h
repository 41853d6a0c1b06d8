/*
 * Tests that run programs in the box, once as the user that runs the tests and, where that is root,
 * once more as an ordinary one. Where no box can be had, because bubblewrap is not installed or the
 * kernel allows no user namespaces, such tests are skipped, unless CRIL_REQUIRE_SANDBOX is 1.
 */
#ifndef CRIL_TESTS_BOX_SUITE_H
#define CRIL_TESTS_BOX_SUITE_H

#include "sandbox/sandbox.h"

/* What main returns. suite runs cmocka's groups. */
int box_suite_run(int (*suite)(void));

/* /proc/self/mountinfo, where nobody but the test could change it: root's tests have mounts of
 * their own. "" for others, who can mount nothing. */
const char *box_suite_mounts(void);

/* Of "python3". It stays open until box_suite_close; the test is skipped where there is no box. */
struct cril_sandbox *box_suite_open(void);
void box_suite_close(void);

/* Runs one program and prints what came of it. */
struct cril_sandbox_outcome box_suite_program(struct cril_sandbox *s, const char *source,
                                              double wall_sec, double cpu_sec, size_t memory_bytes);

/* Processes whose name (/proc/N/comm) it is. */
int box_suite_processes(const char *name);

#endif
