#include "hub.h"

#include "output.h"
#include "progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A pull under way. */
struct fetching {
    struct cril_fetched *out;
    struct cril_progress progress;
    struct timespec begun;
    bool quiet;
    const char *name;
};

static const char *size_text(uint64_t bytes, char out[32])
{
    if (bytes >= 1000000000)
        snprintf(out, 32, "%.2f GB", (double)bytes * 1e-9);
    else if (bytes >= 1000000)
        snprintf(out, 32, "%.1f MB", (double)bytes * 1e-6);
    else
        snprintf(out, 32, "%" PRIu64 " bytes", bytes);
    return out;
}

static double seconds_since(const struct timespec *begun)
{
    struct timespec now;

    if (clock_gettime(CLOCK_MONOTONIC, &now) != 0)
        return 0;
    return (double)(now.tv_sec - begun->tv_sec) + (double)(now.tv_nsec - begun->tv_nsec) * 1e-9;
}

static int on_plan(void *user, const cril_hub_plan *p)
{
    struct fetching *f = user;
    const char *plural = p->n_files == 1 ? "" : "s";
    char all[32], rest[32];

    f->out->n_files = p->n_files;
    f->out->bytes = p->bytes;
    f->out->fetched_bytes = p->bytes - p->bytes_here;
    clock_gettime(CLOCK_MONOTONIC, &f->begun);
    if (f->quiet)
        return cril_output_signal();
    cril_progress_clear(&f->progress);
    if (p->n_here == p->n_files)
        cril_print_note("%s: commit %s, %zu file%s, %s, all in the cache %s", f->name, p->commit,
                        p->n_files, plural, size_text(p->bytes, all), p->folder);
    else
        cril_print_note("%s: commit %s, %zu file%s, %s; %s are fetched into the cache %s", f->name,
                        p->commit, p->n_files, plural, size_text(p->bytes, all),
                        size_text(f->out->fetched_bytes, rest), p->folder);
    return cril_output_signal();
}

static int on_progress(void *user, uint64_t done, uint64_t total)
{
    struct fetching *f = user;
    const uint64_t before = f->out->bytes - f->out->fetched_bytes;
    const uint64_t fetched = done > before ? done - before : 0;
    struct cril_progress_state state = {.seconds_left = -1};

    if (!total)
        return cril_output_signal();
    state.fraction = (double)done / (double)total;
    state.seconds = seconds_since(&f->begun);
    state.bytes = fetched;
    if (fetched && state.seconds > 1)
        state.seconds_left = state.seconds * (double)(total - done) / (double)fetched;
    cril_progress_show(&f->progress, &state);
    return cril_output_signal();
}

static void on_wait(void *user, unsigned seconds)
{
    struct fetching *f = user;

    cril_progress_clear(&f->progress);
    if (!f->quiet)
        cril_print_note("%s: the hub has had too many requests; waiting for %u s, as it asks",
                        f->name, seconds);
}

int cril_fetch(const char *name, unsigned parallel, bool quiet, struct cril_fetched *out)
{
    struct fetching f = {.out = out, .quiet = quiet, .name = name};
    const cril_hub_options options = {.parallel = parallel,
                                      .user = &f,
                                      .on_plan = on_plan,
                                      .on_progress = on_progress,
                                      .on_wait = on_wait};
    cril_error err;
    cril_status st;

    *out = (struct cril_fetched){0};
    cril_output_catch_signals();
    cril_progress_init(&f.progress, quiet);
    f.progress.name = name;
    clock_gettime(CLOCK_MONOTONIC, &f.begun);
    st = cril_hub_pull(name, &options, &out->model, &err);
    cril_progress_clear(&f.progress);
    out->seconds = seconds_since(&f.begun);
    if (st == CRIL_OK)
        return 0;
    if (cril_output_signal()) {
        cril_print_note("stopped by a signal; what was fetched is kept, and 'cril pull %s' goes on "
                        "from there",
                        name);
        return 128 + cril_output_signal();
    }
    cril_print_error("%s", err.message);
    return st == CRIL_ERR_RANGE ? 2 : 1;
}

int cril_locate_model(const char **model, bool fetch, bool quiet)
{
    static struct located {
        struct cril_fetched found;
        struct located *before;
    } * all; /* paths live as long as the command */
    struct located *l;
    cril_error err;
    cril_status st;

    if (!*model || !cril_hub_is_name(*model))
        return CRIL_ARGS_GO_ON;
    if (!(l = calloc(1, sizeof(*l))))
        return cril_print_error("out of memory");
    l->before = all;
    all = l;
    if (fetch) {
        const int code = cril_fetch(*model, 0, quiet, &l->found);

        if (code)
            return code;
    } else if ((st = cril_hub_find(*model, &l->found.model, &err)) != CRIL_OK) {
        cril_print_error("%s%s", err.message, st == CRIL_ERR_EMPTY ? ", and so does --fetch" : "");
        return st == CRIL_ERR_RANGE ? 2 : 1;
    }
    *model = l->found.model.path;
    return CRIL_ARGS_GO_ON;
}
