/*
 * cril score --watch: the checkpoints of a training run, each scored when it is complete.
 *
 * A checkpoint is opened and scored by a child process: one whose files are cut short, or that
 * needs more memory than there is, ends the child and not the watch. A child hands its results over
 * by a file without a name. What was scored is known by the model's hash, from the file of runs
 * too, so neither another name nor a restart makes it be scored again.
 */
#include "checkpoints.h"
#include "corpora.h"
#include "ranking.h"
#include "runs_csv.h"
#include "scoring.h"
#include "table.h"

#include <cril/report.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { STEP_WIDTH = 10 };

/* What the hash of a checkpoint has cost before. */
struct known {
    char sha256[65];
    double bpc;
};

struct watch {
    struct cril_score_run *run; /* settings, corpora; path and results of the checkpoint at work */
    struct cril_checkpoints found;
    char (*corpus_sha256)[65]; /* [n_corpora] */
    struct known *known;       /* [n_known] */
    size_t n_known, n_scored;
    cril_result *best; /* [n_corpora] of the smallest BPC so far; NULL: known from a file alone */
    double best_bpc;
    char *best_path; /* NULL: there is none yet */
    bool said_unreadable;
};

/* ---- Children ---- */

static void pause_msec(long msec)
{
    const struct timespec t = {.tv_sec = msec / 1000, .tv_nsec = msec % 1000 * 1000000};

    nanosleep(&t, NULL);
}

/* Runs work in a child, which writes to f. False: it failed, which was said, or a signal came. */
static bool in_child(const struct watch *w, bool (*work)(struct cril_score_run *r, FILE *f),
                     FILE *f)
{
    const pid_t parent = getpid();
    bool told = false;
    int status = 0;
    pid_t child, ended;

    fflush(NULL);
    if ((child = fork()) < 0) {
        cril_print_error("no process can be made: %s", strerror(errno));
        return false;
    }
    if (!child) {
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        _exit(getppid() == parent && work(w->run, f) && fflush(f) == 0 ? 0 : 1);
    }
    while ((ended = waitpid(child, &status, WNOHANG)) == 0 || (ended < 0 && errno == EINTR)) {
        if (cril_output_signal() && !told) {
            kill(child, SIGTERM);
            told = true;
        }
        pause_msec(20);
    }
    if (WIFSIGNALED(status) && !cril_output_signal())
        cril_print_note("%s: the process that read it was ended by signal %d", w->run->path,
                        WTERMSIG(status));
    return ended == child && WIFEXITED(status) && WEXITSTATUS(status) == 0 && !cril_output_signal();
}

/* Hash, context, stride. */
static bool identify(struct cril_score_run *r, FILE *f)
{
    char sha256[65];
    cril_error err;

    if (!cril_score_open_model(r))
        return false;
    if (cril_model_sha256(r->model, sha256, &err) != CRIL_OK) {
        cril_print_error("%s", err.message);
        return false;
    }
    return fprintf(f, "%s %zu %zu\n", sha256, cril_scorer_context(r->scorer),
                   cril_scorer_stride(r->scorer)) > 0;
}

static bool score(struct cril_score_run *r, FILE *f)
{
    cril_error err;

    if (!(r->all = r->results = calloc(r->n_corpora, sizeof(*r->results))))
        return !cril_print_error("out of memory");
    if (!cril_score_open_model(r) || !cril_score_corpora(r))
        return false;
    if (cril_results_write(f, r->results, r->n_corpora, NULL, &err) == CRIL_OK)
        return true;
    cril_print_error("%s", err.message);
    return false;
}

/* ---- What is known ---- */

static const struct known *find_known(const struct watch *w, const char *sha256)
{
    for (size_t i = 0; i < w->n_known; i++)
        if (strcmp(w->known[i].sha256, sha256) == 0)
            return &w->known[i];
    return NULL;
}

static bool remember(struct watch *w, const char *sha256, double bpc)
{
    struct known *grown = realloc(w->known, (w->n_known + 1) * sizeof(*grown));

    if (!grown)
        return !cril_print_error("out of memory");
    w->known = grown;
    memcpy(grown[w->n_known].sha256, sha256, 65);
    grown[w->n_known++].bpc = bpc;
    return true;
}

/* The mean over the corpora from the file of runs, where it has all. */
static bool look_up(const struct watch *w, const char *sha256, size_t context, size_t stride,
                    bool *found, double *bpc)
{
    const struct cril_score_args *s = w->run->set;
    double sum = 0, one = 0;

    *found = s->csv != NULL;
    for (size_t i = 0; *found && i < w->run->n_corpora; i++) {
        const struct cril_run_key key = {
            .model_sha256 = sha256,
            .corpus_sha256 = w->corpus_sha256[i],
            .protocol = s->protocol ? s->protocol : cril_protocol_name(0),
            .context = context,
            .stride = stride,
            .field = s->corpus.field ? s->corpus.field : "content",
            .prompt_field = s->corpus.prompt_field ? s->corpus.prompt_field : "",
            .limit = s->corpus.limit};

        if (!cril_runs_csv_find(s->csv, &key, found, &one))
            return false;
        sum += one;
    }
    *bpc = sum / (double)w->run->n_corpora;
    return true;
}

/* ---- The table ---- */

static void print_heading(const struct watch *w)
{
    const struct cril_score_args *s = w->run->set;
    char interval[32];

    snprintf(interval, sizeof(interval), "%" PRIu64 " %% interval", s->level ? s->level : 95);
    printf("%*s %9s %10s %24s  %-17s %s\n", STEP_WIDTH, "step", "BPC", "- best", interval,
           "beside the best", "checkpoint");
    fflush(stdout);
}

static void print_row(const struct cril_checkpoint *p, double bpc, const char *difference,
                      const char *interval, const char *verdict)
{
    char step[24] = "-";

    if (p->step >= 0)
        snprintf(step, sizeof(step), "%" PRId64, p->step);
    printf("%*s %9.4f %10s %24s  %-17s ", STEP_WIDTH, step, bpc, difference, interval, verdict);
    cril_print_escaped(stdout, p->path, strlen(p->path));
    putchar('\n');
    fflush(stdout);
}

static bool compare(const struct watch *w, const cril_result *results, cril_comparison *c)
{
    const size_t n = w->run->n_corpora;
    cril_result_pair *pairs = calloc(n, sizeof(*pairs));
    cril_error err = {.message = "out of memory"};
    bool good = pairs != NULL;

    for (size_t i = 0; good && i < n; i++)
        pairs[i] = (cril_result_pair){&w->best[i], &results[i]};
    good = good && cril_compare_average(pairs, n, c, &err) == CRIL_OK;
    if (!good)
        cril_print_error("%s", err.message);
    free(pairs);
    return good;
}

/* results: NULL where the figure was known. */
static void show(const struct watch *w, const struct cril_checkpoint *p, double bpc,
                 const cril_result *results)
{
    const struct cril_score_args *s = w->run->set;
    cril_comparison c = {.interval = {.level = (double)s->level / 100,
                                      .resamples = (size_t)s->resamples,
                                      .seed = s->seed}};
    char difference[32] = "-", interval[64] = "-";
    const char *verdict = results ? "-" : "known";

    if (!w->best_path) {
        print_row(p, bpc, difference, interval, results ? "first" : verdict);
        return;
    }
    snprintf(difference, sizeof(difference), "%+.6f", bpc - w->best_bpc);
    if (results && w->best && compare(w, results, &c)) {
        if (c.interval.resamples)
            snprintf(interval, sizeof(interval), "%+.6f .. %+.6f", c.interval.low, c.interval.high);
        verdict = cril_verdict_words(c.verdict);
        cril_comparison_free(&c);
    }
    print_row(p, bpc, difference, interval, verdict);
}

/* results [n_corpora] are taken over, or NULL. */
static bool take(struct watch *w, const struct cril_checkpoint *p, double bpc, cril_result *results)
{
    show(w, p, bpc, results);
    if (w->best_path && bpc >= w->best_bpc) {
        cril_results_free(results, w->run->n_corpora);
        return true;
    }
    free(w->best_path);
    cril_results_free(w->best, w->run->n_corpora);
    w->best = results;
    w->best_bpc = bpc;
    return (w->best_path = strdup(p->path)) != NULL || !cril_print_error("out of memory");
}

/* ---- A checkpoint ---- */

/* The name by which a file without one can be opened for reading. */
static void name_again(FILE *f, char path[64])
{
    snprintf(path, 64, "/proc/self/fd/%d", fileno(f));
}

static bool read_identity(FILE *f, char sha256[65], size_t *context, size_t *stride)
{
    char path[64];
    FILE *in;
    bool good;

    name_again(f, path);
    in = fopen(path, "r");
    good = in && fscanf(in, "%64s %zu %zu", sha256, context, stride) == 3;
    if (!good)
        cril_print_error("what was found of a checkpoint cannot be read from a temporary file");
    if (in)
        fclose(in);
    return good;
}

static bool read_results(const struct watch *w, FILE *f, cril_result **results, double *bpc)
{
    const size_t want = w->run->n_corpora;
    char path[64];
    cril_error err;
    size_t n;

    name_again(f, path);
    if (cril_results_read(path, results, &n, &err) != CRIL_OK)
        return !cril_print_error("%s", err.message);
    *bpc = 0;
    for (size_t i = 0; i < n; i++)
        *bpc += cril_result_bpc_with_escapes(&(*results)[i]) / (double)n;
    if (n == want)
        return true;
    cril_results_free(*results, n);
    return false;
}

/* True: the checkpoint has its row. False: it could not be scored, which was said. */
static bool score_checkpoint(struct watch *w, const struct cril_checkpoint *p, FILE *f)
{
    char sha256[65];
    size_t context, stride;
    const struct known *known;
    cril_result *results = NULL;
    double bpc;
    bool found;

    w->run->path = p->path;
    if (!in_child(w, identify, f) || !read_identity(f, sha256, &context, &stride))
        return false;
    if ((known = find_known(w, sha256)) != NULL)
        return take(w, p, known->bpc, NULL);
    if (!look_up(w, sha256, context, stride, &found, &bpc))
        return false;
    if (!found) {
        rewind(f);
        if (ftruncate(fileno(f), 0) != 0 || !in_child(w, score, f) ||
            !read_results(w, f, &results, &bpc))
            return false;
        memcpy(sha256, results[0].model_sha256, sizeof(sha256)); /* replaced in between */
        w->n_scored++;
    }
    return remember(w, sha256, bpc) && take(w, p, bpc, results);
}

/* Whatever became of it, it is done until its files change. */
static bool handle(struct watch *w, struct cril_checkpoint *p)
{
    FILE *f = cril_output_temporary();
    bool good;

    if (!f)
        return false;
    good = score_checkpoint(w, p, f);
    fclose(f);
    if (cril_output_signal())
        return false;
    p->done = true;
    if (!good)
        cril_print_note("%s: is not complete, or cannot be scored; it is tried again when its "
                        "files change",
                        p->path);
    return cril_stdout_good();
}

/* ---- The watch ---- */

static bool hash_corpora(struct watch *w)
{
    const struct cril_score_run *r = w->run;

    if (!(w->corpus_sha256 = calloc(r->n_corpora, sizeof(*w->corpus_sha256))))
        return !cril_print_error("out of memory");
    for (size_t i = 0; i < r->n_corpora; i++) {
        cril_corpus *c;
        cril_error err;
        bool good = cril_corpus_open(r->corpora[i], &r->set->corpus, &c, &err) == CRIL_OK;

        if (good) {
            good = cril_corpus_sha256(c, w->corpus_sha256[i], &err) == CRIL_OK;
            cril_corpus_close(c);
        }
        if (!good)
            return !cril_print_error("%s", err.message);
    }
    return true;
}

/* False: memory ran out, which was said. A folder that is gone may come again. */
static bool scan(struct watch *w)
{
    const bool good = cril_checkpoints_scan(&w->found);

    if (!good && errno == ENOMEM)
        return !cril_print_error("out of memory");
    if (!good && !w->said_unreadable)
        cril_print_note("%s: cannot be read: %s; waiting for it", w->found.folder, strerror(errno));
    w->said_unreadable = !good;
    return true;
}

static void say_end(const struct watch *w)
{
    if (w->best_path)
        cril_print_note("%s was watched, %zu checkpoint%s scored; the fewest bits: %s, BPC %.4f",
                        w->found.folder, w->n_scored, w->n_scored == 1 ? " was" : "s were",
                        w->best_path, w->best_bpc);
}

int cril_score_watch(struct cril_score_run *r)
{
    struct watch w = {.run = r,
                      .found = {.folder = r->set->watch, .settle_sec = r->set->settle_sec}};
    const long msec = w.found.settle_sec >= 4 ? 1000 : w.found.settle_sec >= 1 ? 200 : 50;
    bool good = hash_corpora(&w);

    if (good && !cril_checkpoints_scan(&w.found))
        good = !cril_print_error("%s: cannot be read: %s", r->set->watch, strerror(errno));
    if (good)
        print_heading(&w);
    while (good && !cril_output_signal()) {
        struct cril_checkpoint *p = cril_checkpoints_next(&w.found);

        if (p)
            good = handle(&w, p);
        else
            pause_msec(msec);
        good = good && !cril_output_signal() && scan(&w);
    }
    if (!r->set->quiet)
        say_end(&w);
    cril_results_free(w.best, r->n_corpora);
    cril_checkpoints_free(&w.found);
    free(w.corpus_sha256);
    free(w.known);
    free(w.best_path);
    return cril_output_signal() ? 128 + cril_output_signal() : 1;
}
