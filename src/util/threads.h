/*
 * A pool of threads that runs numbered tasks.
 *
 * cril_pool_run calls fn(arg, task, worker) once for every task in [0, n_tasks) and returns when
 * all are done. Tasks are handed out in index order to whichever thread is free; worker in [0,
 * n_threads) names the calling thread's scratch space. The caller's own thread is worker 0.
 */
#ifndef CRIL_UTIL_THREADS_H
#define CRIL_UTIL_THREADS_H

#include <cril/cpu.h> /* cril_cpu_count */
#include <cril/status.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct cril_pool cril_pool;
typedef void (*cril_task_fn)(void *arg, size_t task, size_t worker);

/* n_threads >= 1. CRIL_ERR_NOMEM when threads cannot be started. */
cril_status cril_pool_create(unsigned n_threads, cril_pool **out, cril_error *err);
void cril_pool_free(cril_pool *p); /* NULL is allowed */
unsigned cril_pool_threads(const cril_pool *p);
void cril_pool_run(cril_pool *p, size_t n_tasks, cril_task_fn fn, void *arg);

/*
 * Where n threads wait for one another, again and again, for microseconds: they spin for a while,
 * then sleep. Only for tasks that all run at once: cril_pool_run with as many tasks as threads.
 */
struct cril_barrier {
    unsigned n;
    unsigned spins; /* before a thread sleeps; 0 where not each thread has a core */
    atomic_uint arrived, generation, sleepers;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
};

bool cril_barrier_init(struct cril_barrier *b,
                       unsigned n); /* n >= 1; false: out of memory, and there is nothing to free */
void cril_barrier_free(struct cril_barrier *b);
/* What threads wrote before it, all can read behind it. */
void cril_barrier_wait(struct cril_barrier *b);

#endif
