/*
 * The pool of threads, from one thread to eight: which tasks run, on which worker, and what the
 * caller sees after.
 *
 * Tasks note what they find; only the caller asserts, since cmocka leaves a test by longjmp.
 * Results and scratch are plain memory on purpose: under TSan (scripts/test) two threads on one of
 * them, or a run that ends before its tasks' writes are visible, is an error.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "util/threads.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#if defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#endif

enum { MAX_THREADS = 8, MAX_TASKS = 1000 };

struct job {
    size_t n_tasks, n_threads;
    pthread_t caller;
    uint64_t round;             /* a fresh one each run: an old result is no result */
    uint64_t result[MAX_TASKS]; /* result_of(round, task) */
    atomic_uint n_runs[MAX_TASKS];
    struct {
        atomic_bool busy;
        size_t n_tasks, last; /* plain: the worker's own */
    } worker[MAX_THREADS];
    atomic_uint n_out_of_range, n_shared, n_wrong_thread, n_out_of_order;
};

static uint64_t result_of(uint64_t round, size_t task)
{
    return (round * 1000003 + task) * UINT64_C(0x9E3779B97F4A7C15);
}

static void note(void *arg, size_t task, size_t worker)
{
    struct job *j = arg;

    if (task >= j->n_tasks || worker >= j->n_threads) {
        atomic_fetch_add(&j->n_out_of_range, 1);
        return;
    }
    if (atomic_exchange(&j->worker[worker].busy, true))
        atomic_fetch_add(&j->n_shared, 1);
    if ((worker == 0) != (pthread_equal(pthread_self(), j->caller) != 0))
        atomic_fetch_add(&j->n_wrong_thread, 1);
    if (j->worker[worker].n_tasks && j->worker[worker].last >= task)
        atomic_fetch_add(&j->n_out_of_order, 1);
    j->worker[worker].n_tasks++;
    j->worker[worker].last = task;
    atomic_fetch_add(&j->n_runs[task], 1);
    if (task % 7 == 0) /* lets another thread in while this worker is busy */
        sched_yield();
    j->result[task] = result_of(j->round, task);
    atomic_store(&j->worker[worker].busy, false);
}

static void run_and_check(cril_pool *p, struct job *j, size_t n_tasks)
{
    size_t n_done = 0;

    for (size_t i = 0; i < MAX_TASKS; i++)
        atomic_store(&j->n_runs[i], 0);
    for (size_t w = 0; w < MAX_THREADS; w++)
        j->worker[w].n_tasks = 0;
    j->n_tasks = n_tasks;
    j->round++;
    cril_pool_run(p, n_tasks, note, j);
    for (size_t i = 0; i < n_tasks; i++) {
        assert_int_equal(atomic_load(&j->n_runs[i]), 1);
        assert_true(j->result[i] == result_of(j->round, i));
    }
    for (size_t w = 0; w < j->n_threads; w++) {
        assert_false(atomic_load(&j->worker[w].busy));
        n_done += j->worker[w].n_tasks;
    }
    assert_int_equal(n_done, n_tasks);
    assert_int_equal(atomic_load(&j->n_out_of_range), 0);
    assert_int_equal(atomic_load(&j->n_shared), 0);
    assert_int_equal(atomic_load(&j->n_wrong_thread), 0);
    assert_int_equal(atomic_load(&j->n_out_of_order), 0);
}

static void test_every_task_once(void **state)
{
    static const size_t counts[] = {0, 1, 2, 3, 7, 8, 9, 64, MAX_TASKS, 1, 0, 5};
    static struct job j;

    (void)state;
    for (unsigned n = 1; n <= MAX_THREADS; n++) {
        cril_pool *p;

        assert_int_equal(cril_pool_create(n, &p, NULL), CRIL_OK);
        assert_int_equal(cril_pool_threads(p), n);
        memset(&j, 0, sizeof(j));
        j.n_threads = n;
        j.caller = pthread_self();
        for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
            run_and_check(p, &j, counts[i]);
        cril_pool_free(p);
    }
}

/* A helper that slept through a run, or still finishes one, must not disturb the next. */
static void test_many_tiny_runs(void **state)
{
    static struct job j;

    (void)state;
    for (unsigned n = 2; n <= MAX_THREADS; n += 3) {
        cril_pool *p;

        assert_int_equal(cril_pool_create(n, &p, NULL), CRIL_OK);
        memset(&j, 0, sizeof(j));
        j.n_threads = n;
        j.caller = pthread_self();
        for (size_t i = 0; i < 500; i++)
            run_and_check(p, &j, i % 5);
        cril_pool_free(p);
    }
}

struct meeting {
    unsigned n_threads;
    atomic_uint n_arrived, n_gave_up;
};

static void pause_ms(long ms)
{
    const struct timespec t = {.tv_nsec = ms * 1000000};

    nanosleep(&t, NULL);
}

/* Ends only when every thread holds one of these tasks, or after 20 s. */
static void meet(void *arg, size_t task, size_t worker)
{
    struct meeting *m = arg;

    (void)task;
    (void)worker;
    atomic_fetch_add(&m->n_arrived, 1);
    for (int i = 0; atomic_load(&m->n_arrived) < m->n_threads; i++) {
        if (i == 20000) {
            atomic_fetch_add(&m->n_gave_up, 1);
            return;
        }
        pause_ms(1);
    }
}

static void test_threads_work_together(void **state)
{
    (void)state;
    for (unsigned n = 1; n <= MAX_THREADS; n++) {
        struct meeting m = {.n_threads = n};
        cril_pool *p;

        assert_int_equal(cril_pool_create(n, &p, NULL), CRIL_OK);
        cril_pool_run(p, n, meet, &m);
        cril_pool_free(p);
        assert_int_equal(atomic_load(&m.n_arrived), n);
        assert_int_equal(atomic_load(&m.n_gave_up), 0);
    }
}

static void slow_write(void *arg, size_t task, size_t worker)
{
    (void)worker;
    if (task == 1)
        pause_ms(30);
    ((int *)arg)[task] = 1;
}

/* The last task ends long after the others. */
static void test_run_waits_for_the_last(void **state)
{
    cril_pool *p;

    (void)state;
    assert_int_equal(cril_pool_create(4, &p, NULL), CRIL_OK);
    for (int round = 0; round < 5; round++) {
        int done[4] = {0};

        cril_pool_run(p, 4, slow_write, done);
        assert_int_equal(done[0] + done[1] + done[2] + done[3], 4);
    }
    cril_pool_free(p);
}

static void test_free_without_run(void **state)
{
    (void)state;
    cril_pool_free(NULL);
    for (int round = 0; round < 20; round++)
        for (unsigned n = 1; n <= MAX_THREADS; n++) {
            cril_pool *p = NULL;

            assert_int_equal(cril_pool_create(n, &p, NULL), CRIL_OK);
            assert_non_null(p);
            cril_pool_free(p);
        }
}

/* A pool is used from one thread at a time, but several pools may be at work. */
static void run_pool(void *arg, size_t task, size_t worker)
{
    static struct job jobs[4];
    atomic_uint *n_good = arg;
    struct job *j = &jobs[task];
    cril_pool *p;

    (void)worker;
    j->n_threads = 2;
    j->n_tasks = 50;
    j->caller = pthread_self();
    if (cril_pool_create(2, &p, NULL) != CRIL_OK)
        return;
    cril_pool_run(p, 50, note, j);
    cril_pool_free(p);
    for (size_t i = 0; i < 50; i++)
        if (j->result[i] != result_of(0, i))
            return;
    if (!j->n_out_of_range && !j->n_shared && !j->n_wrong_thread && !j->n_out_of_order)
        atomic_fetch_add(n_good, 1);
}

static void test_pools_side_by_side(void **state)
{
    atomic_uint n_good = 0;
    cril_pool *p;

    (void)state;
    assert_int_equal(cril_pool_create(4, &p, NULL), CRIL_OK);
    cril_pool_run(p, 4, run_pool, &n_good);
    cril_pool_free(p);
    assert_int_equal(atomic_load(&n_good), 4);
}

struct masks {
    struct meeting meeting;
    int term_blocked[2]; /* by worker */
};

static void ask_mask(void *arg, size_t task, size_t worker)
{
    struct masks *m = arg;
    sigset_t set;

    pthread_sigmask(SIG_SETMASK, NULL, &set);
    m->term_blocked[worker] = sigismember(&set, SIGTERM);
    meet(&m->meeting, task, worker);
}

/* Handlers run on the program's own threads: helpers block signals, and the caller's mask is as it
 * was. */
static void test_signals(void **state)
{
    struct masks m = {.meeting = {.n_threads = 2}, .term_blocked = {-1, -1}};
    cril_pool *p;

    (void)state;
    assert_int_equal(cril_pool_create(2, &p, NULL), CRIL_OK);
    cril_pool_run(p, 2, ask_mask, &m);
    cril_pool_free(p);
    assert_int_equal(atomic_load(&m.meeting.n_gave_up), 0);
    assert_int_equal(m.term_blocked[0], 0);
    assert_int_equal(m.term_blocked[1], 1);
}

static void test_no_threads(void **state)
{
    cril_error err = {.status = CRIL_OK};
    cril_pool *p = NULL;

    (void)state;
    assert_int_equal(cril_pool_create(0, &p, &err), CRIL_ERR_RANGE);
    assert_int_equal(err.status, CRIL_ERR_RANGE);
    assert_null(p);
    assert_int_equal(cril_pool_create(0, &p, NULL), CRIL_ERR_RANGE);
}

/* In a child whose address space ends after some stacks: those that started are stopped and joined.
 */
static void test_threads_that_do_not_start(void **state)
{
#ifdef SANITIZED
    (void)state;
    skip(); /* a sanitizer's own memory does not fit the limit */
#else
    enum { NO_LIMIT = 77 };
    int status;
    pid_t child = fork();

    (void)state;
    assert_true(child >= 0);
    if (child == 0) {
        const struct rlimit limit = {(rlim_t)512 << 20, (rlim_t)512 << 20};
        cril_error err = {.message = ""};
        cril_pool *p = NULL;
        void *volatile beyond; /* volatile: the compiler may not answer for malloc */

        alarm(60);
        if (setrlimit(RLIMIT_AS, &limit) != 0)
            _exit(10);
        beyond = malloc((size_t)1 << 30);
        if (beyond)
            _exit(NO_LIMIT);
        if (cril_pool_create(5000, &p, &err) != CRIL_ERR_NOMEM || p)
            _exit(1);
        if (!strstr(err.message, "of 5000"))
            _exit(2);
        if (cril_pool_create(2, &p, NULL) != CRIL_OK) /* what they took is free again */
            _exit(3);
        cril_pool_free(p);
        _exit(0);
    }
    assert_true(waitpid(child, &status, 0) == child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == NO_LIMIT)
        skip(); /* qemu-user keeps the limit to itself */
    assert_int_equal(WEXITSTATUS(status), 0);
#endif
}

/* Each thread adds to a plain number of its own, then, behind the barrier, reads those of all. */
struct rounds {
    struct cril_barrier barrier;
    unsigned counts[2][8]; /* by the round's parity: nobody writes what others still read */
    unsigned n;
    atomic_uint wrong;
};

static void round_task(void *arg, size_t rank, size_t worker)
{
    struct rounds *r = arg;

    (void)worker;
    for (unsigned i = 1; i <= 2000; i++) {
        if (rank == i % r->n && i % 500 == 0)
            nanosleep(&(struct timespec){.tv_nsec = 300000}, NULL); /* the others fall asleep */
        r->counts[i % 2][rank] = i;
        cril_barrier_wait(&r->barrier);
        for (unsigned k = 0; k < r->n; k++)
            if (r->counts[i % 2][k] != i)
                atomic_fetch_add(&r->wrong, 1);
    }
}

static void test_barrier(void **state)
{
    (void)state;
    for (unsigned n = 1; n <= 5; n += 2) {
        struct rounds r = {.n = n};
        cril_pool *p;

        assert_true(cril_barrier_init(&r.barrier, n));
        assert_int_equal(cril_pool_create(n, &p, NULL), CRIL_OK);
        cril_pool_run(p, n, round_task, &r);
        assert_int_equal(atomic_load(&r.wrong), 0);
        cril_pool_free(p);
        cril_barrier_free(&r.barrier);
    }
}

static void test_cpu_count(void **state)
{
    (void)state;
    assert_true(cril_cpu_count() >= 1);
    assert_true(cril_cpu_count() <= (unsigned)sysconf(_SC_NPROCESSORS_CONF));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_task_once),
        cmocka_unit_test(test_many_tiny_runs),
        cmocka_unit_test(test_threads_work_together),
        cmocka_unit_test(test_run_waits_for_the_last),
        cmocka_unit_test(test_free_without_run),
        cmocka_unit_test(test_pools_side_by_side),
        cmocka_unit_test(test_signals),
        cmocka_unit_test(test_no_threads),
        cmocka_unit_test(test_threads_that_do_not_start),
        cmocka_unit_test(test_barrier),
        cmocka_unit_test(test_cpu_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
