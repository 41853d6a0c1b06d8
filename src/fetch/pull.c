/*
 * A pull: the list of files, what of it the cache lacks, the files in parallel, then the ref.
 *
 * Threads do all that waits for the network; the caller's thread watches them, so that its
 * callbacks run in it and can stop a request that hangs. The threads take no signals: libcurl's TLS
 * may raise SIGPIPE. The ref is written last: a revision that is known in the cache is whole.
 */
#include "fetch/choose.h"
#include "fetch/fetch.h"

#include "util/fail.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <time.h>

enum { MAX_PARALLEL = 64, DEFAULT_PARALLEL = 4, DEFAULT_WAIT_MS = 1000, WATCH_MS = 100 };

struct pull {
    const cril_hub_options *options;
    struct cril_hub_place place;
    cril_hub_name name;
    char spoken[CRIL_HUB_SPOKEN], token[CRIL_HUB_TOKEN];
    struct cril_hub_session session;
    struct cril_hub_cache cache;
    struct cril_hub_listing list;
    struct cril_hub_choice choice;
    struct cril_hub_fetch *fetches; /* [n_fetches] of the files that are lacking */
    size_t n_fetches;
    uint64_t bytes, bytes_here; /* of the whole model; of its files that lack nothing */

    /* Shared with the threads. */
    cril_status (*job)(struct pull *p, struct cril_http *h, cril_error *err);
    atomic_bool stop;
    atomic_uint asked_wait_sec; /* 0: it was told */
    atomic_size_t next;         /* of fetches */
    pthread_mutex_t mutex;
    pthread_cond_t ended;
    unsigned running;
    cril_status st; /* of the first thread that failed */
    cril_error why;
};

/* ---- threads ---- */

static void *run_job(void *arg)
{
    struct pull *p = arg;
    struct cril_http *h = NULL;
    cril_error err = {0};
    cril_status st = cril_http_create(&h, &err);

    if (st == CRIL_OK)
        st = p->job(p, h, &err);
    cril_http_free(h);
    pthread_mutex_lock(&p->mutex);
    if (st != CRIL_OK && p->st == CRIL_OK) {
        p->st = st;
        p->why = err;
        atomic_store(&p->stop, true);
    }
    p->running--;
    pthread_cond_signal(&p->ended);
    pthread_mutex_unlock(&p->mutex);
    return NULL;
}

/* How many were started; they take no signals. */
static unsigned start_threads(struct pull *p, unsigned n, pthread_t *threads)
{
    sigset_t all, before;
    unsigned started = 0;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_mutex_lock(&p->mutex);
    while (started < n && pthread_create(&threads[started], NULL, run_job, p) == 0)
        started++;
    p->running = started;
    pthread_mutex_unlock(&p->mutex);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

static bool is_stopped_by_caller(struct pull *p)
{
    const unsigned wait_sec = atomic_exchange(&p->asked_wait_sec, 0);
    uint64_t done = p->bytes_here;

    if (wait_sec && p->options->on_wait)
        p->options->on_wait(p->options->user, wait_sec);
    if (!p->options->on_progress)
        return false;
    for (size_t i = 0; i < p->n_fetches; i++)
        done += atomic_load(&p->fetches[i].have);
    return p->options->on_progress(p->options->user, done, p->bytes) != 0;
}

static cril_status cancelled(const struct pull *p, cril_error *err)
{
    return cril_fail(err, CRIL_ERR_CANCELLED, "%s: stopped; what was fetched is kept", p->spoken);
}

/* Waits for the threads, and calls back meanwhile. True: the caller wants to stop. */
static bool watch(struct pull *p)
{
    bool stopped = false;

    pthread_mutex_lock(&p->mutex);
    while (p->running) {
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        t.tv_nsec += WATCH_MS * 1000000L;
        t.tv_sec += t.tv_nsec / 1000000000L;
        t.tv_nsec %= 1000000000L;
        pthread_cond_timedwait(&p->ended, &p->mutex, &t);
        pthread_mutex_unlock(&p->mutex);
        if (!stopped && is_stopped_by_caller(p)) {
            stopped = true;
            atomic_store(&p->stop, true);
        }
        pthread_mutex_lock(&p->mutex);
    }
    pthread_mutex_unlock(&p->mutex);
    return stopped;
}

/* Runs the job in n threads, each of which ends when there is no more to do. */
static cril_status run_threads(struct pull *p, unsigned n,
                               cril_status (*job)(struct pull *, struct cril_http *, cril_error *),
                               cril_error *err)
{
    pthread_t threads[MAX_PARALLEL];
    unsigned started;
    bool stopped;

    p->job = job;
    started = start_threads(p, n, threads);
    stopped = watch(p);
    for (unsigned i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    if (!started)
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: a thread cannot be started", p->spoken);
    if (stopped)
        return cancelled(p, err);
    if (p->st != CRIL_OK && err)
        *err = p->why;
    return p->st;
}

static cril_status list_job(struct pull *p, struct cril_http *h, cril_error *err)
{
    return cril_hub_listing_fetch(&p->session, h, &p->list, err);
}

static cril_status fetch_job(struct pull *p, struct cril_http *h, cril_error *err)
{
    cril_status st = CRIL_OK;

    for (size_t i; st == CRIL_OK && (i = atomic_fetch_add(&p->next, 1)) < p->n_fetches;)
        st = cril_hub_fetch_file(&p->fetches[i], h, err);
    return st;
}

/* ---- the steps ---- */

static cril_status plan(struct pull *p, cril_error *err)
{
    cril_hub_plan said = {.repository = p->name.repository,
                          .commit = p->list.commit,
                          .folder = p->place.cache,
                          .n_files = p->choice.n};

    if (!(p->fetches = calloc(p->choice.n, sizeof(*p->fetches))))
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", p->spoken);
    for (size_t i = 0; i < p->choice.n; i++) {
        const struct cril_hub_file *f = p->choice.files[i];
        struct cril_hub_fetch *fetch = &p->fetches[p->n_fetches];

        if (f->size > UINT64_MAX / 4 - p->bytes)
            return cril_fail(err, CRIL_ERR_FORMAT, "%s: the server lists sizes that no disk has",
                             p->spoken);
        p->bytes += f->size;
        if (cril_hub_fetched(&p->cache, p->list.commit, f)) {
            p->bytes_here += f->size;
            said.bytes_here += f->size;
            said.n_here++;
            continue;
        }
        fetch->session = &p->session;
        fetch->cache = &p->cache;
        fetch->commit = p->list.commit;
        fetch->file = f;
        atomic_store(&fetch->have, cril_hub_fetched_part(&p->cache, f));
        said.bytes_here += atomic_load(&fetch->have);
        p->n_fetches++;
    }
    said.bytes = p->bytes;
    if (p->options->on_plan && p->options->on_plan(p->options->user, &said) != 0)
        return cancelled(p, err);
    return CRIL_OK;
}

static cril_status check_room(const struct pull *p, cril_error *err)
{
    uint64_t wanted = p->bytes - p->bytes_here, room;
    char path[CRIL_HUB_PATH];
    struct statvfs fs;
    cril_status st;

    for (size_t i = 0; i < p->n_fetches; i++)
        wanted -= atomic_load(&p->fetches[i].have);
    if ((st = cril_hub_blob_path(&p->cache, "x", "", path, err)) != CRIL_OK ||
        (st = cril_hub_make_folders(path, err)) != CRIL_OK)
        return st;
    *strrchr(path, '/') = '\0';
    if (statvfs(path, &fs) != 0)
        return cril_fail(err, CRIL_ERR_IO, "%s: the room there is not known: %s", path,
                         strerror(errno));
    room = (uint64_t)fs.f_bavail * fs.f_frsize;
    if (wanted > room)
        return cril_fail(err, CRIL_ERR_IO,
                         "%s: needs %.1f MB more, and %s has room for %.1f MB; make room, or set "
                         "HF_HUB_CACHE to another folder",
                         p->spoken, (double)wanted / 1e6, p->place.cache, (double)room / 1e6);
    return CRIL_OK;
}

static cril_status fetch_all(struct pull *p, cril_error *err)
{
    const unsigned wanted = p->options->parallel ? p->options->parallel : DEFAULT_PARALLEL;
    cril_status st;

    if (!p->n_fetches)
        return CRIL_OK;
    if ((st = check_room(p, err)) != CRIL_OK ||
        (st = run_threads(p, p->n_fetches < wanted ? (unsigned)p->n_fetches : wanted, fetch_job,
                          err)) != CRIL_OK)
        return st;
    return cril_hub_note_commit(&p->cache, p->list.commit, err);
}

/* The list of files. Where the hub cannot be asked, the sentence says if the cache has the model.
 */
static cril_status fetch_list(struct pull *p, cril_error *err)
{
    cril_error why = {0};
    cril_hub_model m = {0};
    const cril_status st = run_threads(p, 1, list_job, &why);

    if (st == CRIL_ERR_IO && cril_hub_find(p->spoken, &m, NULL) == CRIL_OK)
        cril_fail(
            err, st,
            "%s; the cache has commit %s of it, which every command uses if it is not told to "
            "fetch, and so does a pull with HF_HUB_OFFLINE=1",
            why.message, m.commit);
    else if (st != CRIL_OK && err)
        *err = why;
    cril_hub_model_free(&m);
    return st;
}

static cril_status pull(struct pull *p, cril_hub_model *out, cril_error *err)
{
    cril_hub_model m = {0};
    char path[CRIL_HUB_PATH];
    cril_status st;

    if ((st = fetch_list(p, err)) != CRIL_OK ||
        (st = cril_hub_choose(&p->name, p->spoken, &p->list, &p->choice, err)) != CRIL_OK ||
        (st = plan(p, err)) != CRIL_OK || (st = fetch_all(p, err)) != CRIL_OK ||
        (st = cril_hub_snapshot_path(&p->cache, p->list.commit, p->choice.main, path, err)) !=
            CRIL_OK)
        return st;
    if (!p->n_fetches) /* the cache may be read-only */
        cril_hub_note_commit(&p->cache, p->list.commit, NULL);
    if (!(m.path = strdup(path)))
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", p->spoken);
    memcpy(m.commit, p->list.commit, sizeof(m.commit));
    *out = m;
    return CRIL_OK;
}

static bool init_threads(struct pull *p)
{
    pthread_condattr_t attr;
    bool good;

    if (pthread_condattr_init(&attr) != 0)
        return false;
    good = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0 &&
           pthread_cond_init(&p->ended, &attr) == 0;
    pthread_condattr_destroy(&attr);
    if (good && pthread_mutex_init(&p->mutex, NULL) != 0) {
        pthread_cond_destroy(&p->ended);
        good = false;
    }
    return good;
}

static cril_status begin(struct pull *p, const char *text, cril_error *err)
{
    cril_status st;

    if ((st = cril_hub_name_parse(text, &p->name, err)) != CRIL_OK ||
        (st = cril_hub_place_read(&p->place, err)) != CRIL_OK ||
        (st = cril_hub_token(p->token, err)) != CRIL_OK)
        return st;
    cril_hub_cache_init(&p->cache, &p->place, &p->name);
    p->session = (struct cril_hub_session){.place = &p->place,
                                           .name = &p->name,
                                           .token = p->token,
                                           .spoken = cril_hub_spoken(&p->name, p->spoken),
                                           .stop = &p->stop,
                                           .asked_wait_sec = &p->asked_wait_sec,
                                           .wait_ms = p->options->wait_ms ? p->options->wait_ms
                                                                          : DEFAULT_WAIT_MS};
    return CRIL_OK;
}

static cril_status pull_offline(const char *text, cril_hub_model *out, cril_error *err)
{
    cril_error why = {0};
    const cril_status st = cril_hub_find(text, out, &why);

    if (st == CRIL_ERR_EMPTY)
        return cril_fail(err, st, "%s; HF_HUB_OFFLINE is set, take it away to fetch", why.message);
    if (st != CRIL_OK && err)
        *err = why;
    return st;
}

cril_status cril_hub_pull(const char *text, const cril_hub_options *options, cril_hub_model *out,
                          cril_error *err)
{
    static const cril_hub_options defaults;
    struct pull *p;
    cril_status st;

    if (CRIL_LACKS(err, text, out))
        return CRIL_ERR_RANGE;
    options = options ? options : &defaults;
    if (options->parallel > MAX_PARALLEL)
        return cril_fail(err, CRIL_ERR_RANGE, "at most %d files are fetched at a time, not %u",
                         MAX_PARALLEL, options->parallel);
    if (!(p = calloc(1, sizeof(*p))))
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", text);
    p->options = options;
    if ((st = begin(p, text, err)) == CRIL_OK && p->place.is_offline) {
        st = pull_offline(text, out, err);
    } else if (st == CRIL_OK && !init_threads(p)) {
        st = cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", text);
    } else if (st == CRIL_OK) {
        st = pull(p, out, err);
        pthread_mutex_destroy(&p->mutex);
        pthread_cond_destroy(&p->ended);
    }
    cril_hub_choice_free(&p->choice);
    cril_hub_listing_free(&p->list);
    free(p->fetches);
    free(p);
    return st;
}
