/*
 * A pool of POSIX threads that runs numbered tasks (threads.h).
 *
 * A run is a generation: the caller writes the job under the mutex, raises the generation and wakes
 * everyone; each thread then takes the next number from one atomic counter until none is left. The
 * last helper to finish wakes the caller. Idle helpers sleep, they do not spin: a run lasts
 * milliseconds, waking takes microseconds, and a scorer shares its machine with others.
 *
 * Not done: runs from several threads at once on one pool, runs from inside a task, placing threads
 * on cores.
 */
#ifdef __linux__
#define _GNU_SOURCE /* sched_getaffinity, CPU_ALLOC */
#endif
#include "util/threads.h"

#include "util/fail.h"
#include "util/size.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef __linux__
#include <sched.h>
#endif

enum {
    SPINS = 100000
}; /* some 100 microseconds: more than the last task of a slower thread takes, less than to sleep
      and wake often */

struct helper {
    cril_pool *pool;
    size_t worker; /* in [1, n_threads) */
    pthread_t thread;
};

struct cril_pool {
    pthread_mutex_t mutex;
    pthread_cond_t wake; /* the generation rose, or stop was set */
    pthread_cond_t done; /* n_running fell to 0 */
    uint64_t generation;
    unsigned n_running; /* helpers that have not finished this generation */
    bool stop;

    cril_task_fn fn; /* the job: written under the mutex before the generation rises */
    void *arg;
    size_t n_tasks;
    atomic_size_t next; /* the first task nobody has taken; ends at most n_threads past n_tasks */

    unsigned n_threads;
    unsigned n_helpers; /* started; n_threads - 1 once created */
    struct helper helpers[];
};

static void work(cril_pool *p, size_t worker)
{
    for (;;) {
        size_t task = atomic_fetch_add_explicit(&p->next, 1, memory_order_relaxed);

        if (task >= p->n_tasks)
            return;
        p->fn(p->arg, task, worker);
    }
}

static void *help(void *arg)
{
    const struct helper *h = arg;
    cril_pool *p = h->pool;
    uint64_t seen = 0;

    pthread_mutex_lock(&p->mutex);
    for (;;) {
        while (!p->stop && p->generation == seen)
            pthread_cond_wait(&p->wake, &p->mutex);
        if (p->stop)
            break;
        seen = p->generation;
        pthread_mutex_unlock(&p->mutex);
        work(p, h->worker);
        pthread_mutex_lock(&p->mutex);
        if (--p->n_running == 0)
            pthread_cond_signal(&p->done);
    }
    pthread_mutex_unlock(&p->mutex);
    return NULL;
}

/* Helpers block every signal, so that handlers run on the threads of the program that has them. */
static int start_helpers(cril_pool *p)
{
    sigset_t all, before;
    int failed;

    sigfillset(&all);
    if ((failed = pthread_sigmask(SIG_SETMASK, &all, &before)) != 0)
        return failed;
    while (!failed && p->n_helpers < p->n_threads - 1) {
        struct helper *h = &p->helpers[p->n_helpers];

        h->pool = p;
        h->worker = (size_t)p->n_helpers + 1;
        failed = pthread_create(&h->thread, NULL, help, h);
        p->n_helpers += !failed;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed;
}

cril_status cril_pool_create(unsigned n_threads, cril_pool **out, cril_error *err)
{
    cril_pool *p = NULL;
    size_t size;
    int failed;

    *out = NULL;
    if (n_threads < 1)
        return cril_fail(err, CRIL_ERR_RANGE, "threads: need at least 1");
    if (cril_size_mul(n_threads - 1, sizeof(struct helper), &size) &&
        cril_size_add(size, sizeof(*p), &size))
        p = calloc(1, size);
    if (!p)
        return cril_fail(err, CRIL_ERR_NOMEM, "threads: out of memory for a pool of %u", n_threads);
    p->n_threads = n_threads;
    if ((failed = pthread_mutex_init(&p->mutex, NULL)) != 0)
        goto fail_mutex;
    if ((failed = pthread_cond_init(&p->wake, NULL)) != 0)
        goto fail_wake;
    if ((failed = pthread_cond_init(&p->done, NULL)) != 0)
        goto fail_done;
    if ((failed = start_helpers(p)) != 0) {
        cril_fail(err, CRIL_ERR_NOMEM, "threads: cannot start thread %u of %u (%s); ask for fewer",
                  p->n_helpers + 2, n_threads, strerror(failed));
        cril_pool_free(p);
        return CRIL_ERR_NOMEM;
    }
    *out = p;
    return CRIL_OK;
fail_done:
    pthread_cond_destroy(&p->wake);
fail_wake:
    pthread_mutex_destroy(&p->mutex);
fail_mutex:
    free(p);
    return cril_fail(err, CRIL_ERR_NOMEM, "threads: cannot create a pool: %s", strerror(failed));
}

void cril_pool_free(cril_pool *p)
{
    if (!p)
        return;
    pthread_mutex_lock(&p->mutex);
    p->stop = true;
    pthread_cond_broadcast(&p->wake);
    pthread_mutex_unlock(&p->mutex);
    for (unsigned i = 0; i < p->n_helpers; i++)
        pthread_join(p->helpers[i].thread, NULL);
    pthread_cond_destroy(&p->done);
    pthread_cond_destroy(&p->wake);
    pthread_mutex_destroy(&p->mutex);
    free(p);
}

unsigned cril_pool_threads(const cril_pool *p)
{
    return p->n_threads;
}

void cril_pool_run(cril_pool *p, size_t n_tasks, cril_task_fn fn, void *arg)
{
    if (n_tasks <= 1 || p->n_helpers == 0) { /* nobody to wake */
        for (size_t task = 0; task < n_tasks; task++)
            fn(arg, task, 0);
        return;
    }
    pthread_mutex_lock(&p->mutex);
    p->fn = fn;
    p->arg = arg;
    p->n_tasks = n_tasks;
    atomic_store_explicit(&p->next, 0, memory_order_relaxed);
    p->n_running = p->n_helpers;
    p->generation++;
    pthread_cond_broadcast(&p->wake);
    pthread_mutex_unlock(&p->mutex);

    work(p, 0);

    pthread_mutex_lock(&p->mutex);
    while (p->n_running)
        pthread_cond_wait(&p->done, &p->mutex);
    pthread_mutex_unlock(&p->mutex);
}

bool cril_barrier_init(struct cril_barrier *b, unsigned n)
{
    *b = (struct cril_barrier){.n = n, .spins = n <= cril_cpu_count() ? SPINS : 0};
    if (pthread_mutex_init(&b->mutex, NULL) != 0)
        return false;
    if (pthread_cond_init(&b->wake, NULL) == 0)
        return true;
    pthread_mutex_destroy(&b->mutex);
    return false;
}

void cril_barrier_free(struct cril_barrier *b)
{
    pthread_cond_destroy(&b->wake);
    pthread_mutex_destroy(&b->mutex);
}

/*
 * A sleeper counts itself, then looks at the generation; the last to arrive raises the generation,
 * then looks for sleepers. In one order of all these, at least one of the two sees the other.
 */
void cril_barrier_wait(struct cril_barrier *b)
{
    const unsigned generation = atomic_load(&b->generation);

    if (atomic_fetch_add(&b->arrived, 1) + 1 == b->n) {
        atomic_store(&b->arrived, 0);
        atomic_store(&b->generation, generation + 1);
        if (atomic_load(&b->sleepers)) {
            pthread_mutex_lock(&b->mutex);
            pthread_cond_broadcast(&b->wake);
            pthread_mutex_unlock(&b->mutex);
        }
        return;
    }
    for (unsigned i = 0; i < b->spins; i++)
        if (atomic_load(&b->generation) != generation)
            return;
    pthread_mutex_lock(&b->mutex);
    atomic_fetch_add(&b->sleepers, 1);
    while (atomic_load(&b->generation) == generation)
        pthread_cond_wait(&b->wake, &b->mutex);
    atomic_fetch_sub(&b->sleepers, 1);
    pthread_mutex_unlock(&b->mutex);
}

#ifdef __linux__
/* 0 if the mask cannot be had. The kernel refuses (EINVAL) a mask smaller than its own: try larger.
 */
static unsigned affinity_count(void)
{
    for (size_t n_cpus = 1024; n_cpus <= (size_t)1 << 20; n_cpus *= 2) {
        cpu_set_t *set = CPU_ALLOC(n_cpus);
        size_t size = CPU_ALLOC_SIZE(n_cpus);
        int got, count;

        if (!set)
            return 0;
        got = sched_getaffinity(0, size, set);
        count = got == 0 ? CPU_COUNT_S(size, set) : 0;
        CPU_FREE(set);
        if (got == 0)
            return (unsigned)count;
        if (errno != EINVAL)
            return 0;
    }
    return 0;
}
#endif

unsigned cril_cpu_count(void)
{
    long online;

#ifdef __linux__
    unsigned allowed = affinity_count();

    if (allowed)
        return allowed;
#endif
    online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (unsigned)online : 1;
}
