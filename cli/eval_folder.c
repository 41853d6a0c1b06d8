/*
 * The files of --output, named and laid out as lm-evaluation-harness does:
 * DIR/MODEL/results_DATE.json and DIR/MODEL/samples_TASK_DATE.jsonl, DATE as in
 * 2026-11-30T10-00-00.123456. The results come last: if they are there, the samples are.
 */
#include "evaluating.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { PATH_BYTES = 4096 };

struct folder {
    const struct cril_eval_run *run;
    char path[PATH_BYTES]; /* with a slash behind it */
    char model[PATH_BYTES], date[64];
};

/* Runs of what no file name should have become "__". */
static void sanitize(const char *name, char out[PATH_BYTES])
{
    static const char bad[] = "\"<>:/|\\?*[]";
    size_t n = 0;

    while (*name && n < PATH_BYTES - 3) {
        const size_t skip = strspn(name, bad);

        if (skip) {
            out[n++] = '_';
            out[n++] = '_';
            name += skip;
        } else {
            out[n++] = *name++;
        }
    }
    out[n] = '\0';
}

static void write_date(const struct timespec *t, char out[64])
{
    struct tm local;
    char whole[40];

    localtime_r(&t->tv_sec, &local);
    strftime(whole, sizeof(whole), "%Y-%m-%dT%H-%M-%S", &local);
    snprintf(out, 64, "%s.%06ld", whole, t->tv_nsec / 1000);
}

static bool make_folder(const char *path)
{
    char part[PATH_BYTES];

    snprintf(part, sizeof(part), "%s", path);
    for (char *p = strchr(part + 1, '/'); p; p = strchr(p + 1, '/')) {
        *p = '\0';
        if (mkdir(part, 0777) != 0 && errno != EEXIST) {
            cril_print_error("%s: the folder cannot be made: %s", part, strerror(errno));
            return false;
        }
        *p = '/';
    }
    return true;
}

static bool open_folder(struct folder *f)
{
    struct timespec now;
    int n;

    clock_gettime(CLOCK_REALTIME, &now);
    write_date(&now, f->date);
    sanitize(cril_model_path(f->run->model), f->model);
    n = snprintf(f->path, sizeof(f->path), "%s/%s/", f->run->set->output, f->model);
    if (n < 0 || n >= PATH_BYTES) {
        cril_print_error("%.80s...: is too long for a folder; name a shorter --output",
                         f->run->set->output);
        return false;
    }
    return make_folder(f->path);
}

/* e NULL: the results. */
static bool write_file(const struct folder *f, cril_eval *e, size_t part)
{
    const struct cril_eval_run *r = f->run;
    char path[2 * PATH_BYTES];
    struct cril_output out;
    cril_error err = {0};
    cril_status st;

    if (e)
        snprintf(path, sizeof(path), "%ssamples_%s_%s.jsonl", f->path, cril_eval_part(e, part),
                 f->date);
    else
        snprintf(path, sizeof(path), "%sresults_%s.json", f->path, f->date);
    if (!cril_output_open(&out, path, false))
        return false;
    errno = 0;
    if (e)
        st = cril_eval_write_samples(e, part, out.file, &err);
    else
        st = cril_eval_write_results(r->evals, r->n,
                                     &(cril_eval_facts){.model = cril_model_path(r->model),
                                                        .model_sanitized = f->model,
                                                        .start = r->start,
                                                        .seconds = r->seconds,
                                                        .limit = r->set->limit},
                                     out.file, &err);
    if (st == CRIL_ERR_IO && ferror(out.file))
        cril_output_failed(&out, errno);
    else if (st != CRIL_OK)
        cril_print_error("%s", err.message);
    if (st == CRIL_OK || out.failure)
        return cril_output_commit(&out);
    cril_output_discard(&out);
    return false;
}

bool cril_eval_write_folder(const struct cril_eval_run *r)
{
    struct folder f = {.run = r};

    if (!open_folder(&f))
        return false;
    for (size_t i = 0; i < r->n; i++)
        for (size_t k = 0; cril_eval_part(r->evals[i], k); k++)
            if (!write_file(&f, r->evals[i], k))
                return false;
    if (!write_file(&f, NULL, 0))
        return false;
    if (!r->set->quiet)
        cril_print_note("wrote %sresults_%s.json and samples beside it", f.path, f.date);
    return true;
}
