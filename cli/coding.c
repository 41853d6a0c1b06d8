/* What the commands on archives share. A failed write is said once: by the output, or by main if it
 * is standard output. */
#include "coding.h"

#include "input.h"
#include "warnings.h"
#include "naming.h"

#include <cril/cpu.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int cril_coding_check(const struct cril_cmd *cmd, const struct cril_coding_settings *s, bool decode,
                      int n, char **files)
{
    struct stat info;
    int n_stdin = !n;

    if (!s->model)
        return cril_args_no_model(cmd, n, files);
    for (int i = 0; i < n; i++)
        n_stdin += strcmp(files[i], "-") == 0;
    if (n_stdin > 1)
        return cril_args_usage(cmd, "standard input can be one file only");
    if (decode && n_stdin && isatty(STDIN_FILENO))
        return cril_args_usage(cmd, n ? "an archive is not read from a terminal"
                                      : "no archive given, and standard input is a terminal");
    if (!s->distributions)
        return CRIL_ARGS_GO_ON;
    if (s->streams > 1)
        return cril_args_usage(cmd, "--distributions takes one stream, leave out --streams");
    if (n > 1)
        return cril_args_usage(cmd, "--distributions takes one archive");
    if (lstat(s->distributions, &info) == 0)
        return cril_args_usage(cmd, "%s exists already, name another file for --distributions",
                               s->distributions);
    return CRIL_ARGS_GO_ON;
}

static bool note_model(const struct cril_coding *c, cril_error *err)
{
    char identity[65];

    if (cril_model_identity(c->model, identity, err) != CRIL_OK)
        return false;
    cril_print_note("%s: %s, %s, %" PRIu64 " parameters, identity %s", c->set->model,
                    cril_model_name(c->model), cril_model_architecture(c->model),
                    cril_model_parameters(c->model), identity);
    if (c->set->threads)
        cril_print_note("kernels %s, threads %" PRIu64, cril_cpu_kernels(), c->set->threads);
    else
        cril_print_note("kernels %s, one thread a core", cril_cpu_kernels());
    return true;
}

bool cril_coding_open(struct cril_coding *c, const struct cril_coding_settings *s)
{
    cril_error err;

    *c = (struct cril_coding){.set = s};
    cril_progress_init(&c->progress, s->quiet);
    if (cril_model_open(s->model, &c->model, &err) == CRIL_OK &&
        (!s->verbose || note_model(c, &err))) {
        if (!s->quiet)
            cril_print_warnings(c->model);
        return true;
    }
    cril_print_error("%s", err.message);
    return false;
}

void cril_coding_close(struct cril_coding *c)
{
    cril_model_close(c->model);
    c->model = NULL;
}

static int on_write(void *user, const void *data, size_t n)
{
    struct cril_coding *c = user;
    FILE *f = c->output.file;
    int number;

    if (!f)
        return 0;
    errno = 0;
    /* A segment can take minutes: the reader of a pipe gets each one at once. */
    if (fwrite(data, 1, n, f) == n && (f != stdout || fflush(f) == 0))
        return 0;
    number = errno ? errno : EIO;
    if (f == stdout)
        cril_stdout_failed(number);
    else
        cril_output_failed(&c->output, number);
    return number;
}

static int on_progress(void *user, const cril_codec_totals *t, double fraction)
{
    struct cril_coding *c = user;
    struct cril_progress_state state = {.fraction = fraction,
                                        .seconds = t->seconds,
                                        .tokens = t->forward_tokens,
                                        .figure = "bits/byte"};

    if (c->handed && t->original_bytes)
        state.value = 8 * (double)t->archive_bytes / (double)t->original_bytes;
    cril_progress_show(&c->progress, &state);
    return cril_output_signal() != 0;
}

cril_codec_callbacks cril_coding_callbacks(struct cril_coding *c)
{
    return (cril_codec_callbacks){.user = c, .write = on_write, .progress = on_progress};
}

cril_status cril_coding_decode(struct cril_coding *c, const char *name, const cril_archive *a,
                               uint64_t from, uint64_t to, cril_codec_totals *totals,
                               cril_error *err)
{
    const cril_decompress_options wanted = {.threads = (unsigned)c->set->threads,
                                            .streams = (unsigned)c->set->streams,
                                            .memory_bytes = (size_t)c->set->memory,
                                            .from = from,
                                            .to = to,
                                            .distributions = c->set->distributions};
    const cril_codec_callbacks callbacks = cril_coding_callbacks(c);
    cril_status st;

    *totals = (cril_codec_totals){0};
    c->progress.name = cril_base_name(cril_input_spoken(name));
    if (c->output.file == stdout && isatty(STDOUT_FILENO))
        c->progress.on = false; /* the text is its own progress */
    st = cril_decompress(c->model, a, &wanted, &callbacks, totals, err);
    if (st != CRIL_OK && c->set->distributions) /* did not exist before */
        unlink(c->set->distributions);
    return st;
}

bool cril_coding_end(struct cril_coding *c, cril_status st, const cril_error *err)
{
    struct cril_output *o = &c->output;
    bool to_stdout = o->file == stdout, good = false;

    cril_progress_clear(&c->progress);
    if (to_stdout && !cril_output_signal())
        good =
            cril_stdout_good() && st == CRIL_OK; /* main says what is wrong with standard output */
    else if (!cril_output_signal() && (st == CRIL_OK || !cril_output_good(o)))
        good = cril_output_commit(o); /* or says what is wrong with the file */
    if (st != CRIL_OK && !cril_coding_over() && (to_stdout || cril_output_good(o)))
        cril_print_error("%s", err->message);
    cril_output_discard(o);
    return good;
}

bool cril_coding_over(void)
{
    return cril_output_signal() || cril_stdout_failure();
}

int cril_coding_exit(bool good)
{
    if (good || !cril_output_signal())
        return good ? 0 : 1;
    cril_print_note("stopped by a signal; unfinished files were removed");
    return 128 + cril_output_signal();
}

double cril_coding_speed(const cril_codec_totals *t)
{
    return t->seconds > 0 ? (double)t->forward_tokens / t->seconds : 0;
}
