/*
 * cril compress, cril decompress: files to .cril archives and back.
 *
 * Manners are those of zstd: X becomes X.cril and stays, "-" is standard input to standard output,
 * no file is overwritten without -f, an error in one file does not stop the others. Options and
 * files are checked before the model is opened. A text is read as a stream and cut into segments;
 * memory holds one of them and what the compressor keeps.
 */
#include "coding.h"
#include "input.h"
#include "reads.h"
#include "naming.h"
#include "warnings.h"

#include <cril/score.h> /* CRIL_LN2 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_AHEAD = 65536 };

/* clang-format off */
#define FILE_ROWS(force_help) \
    { .group = "Files", .letter = 'o', .name = "output", .kind = CRIL_OPTION_TEXT, \
      .value = "FILE", CRIL_CODING_AT(output), .help = "write FILE; for one input" }, \
    { .letter = 'c', .name = "stdout", CRIL_CODING_FLAG, CRIL_CODING_AT(to_stdout), \
      .help = "write to standard output" }, \
    { .letter = 'f', .name = "force", CRIL_CODING_FLAG, CRIL_CODING_AT(force), \
      .help = force_help }, \
    { .letter = 'k', .name = "keep", CRIL_CODING_FLAG, CRIL_CODING_AT(keep), \
      .help = "keep the input (default)" }, \
    { .name = "rm", CRIL_CODING_FLAG, CRIL_CODING_AT(remove), \
      .help = "remove the input once the output is complete" }
#define MESSAGE_ROWS CRIL_CODING_JSON_ROW, CRIL_CODING_QUIET_ROW, CRIL_CODING_VERBOSE_ROW
/* clang-format on */

static const struct cril_option compress_options[] = {
    CRIL_CODING_MODEL_ROWS("GGUF file (first part of a split one) or model's folder; required"),

    {.group = "Compression",
     .letter = 'd',
     .name = "decompress",
     CRIL_CODING_FLAG,
     CRIL_CODING_AT(decompress),
     .help = "decompress, as 'cril decompress' does"},
    {.name = "segment",
     .kind = CRIL_OPTION_SIZE,
     .value = "SIZE",
     .min = 1,
     .max = CRIL_SEGMENT_BYTES_MAX,
     CRIL_CODING_AT(segment),
     .help = "maximum bytes of text in a segment, see below (default: 16K)"},
    {.name = "context",
     CRIL_CODING_COUNT,
     .max = INT32_MAX,
     CRIL_CODING_AT(context),
     .help = "tokens of a window (default: 1024, or the model's if fewer)"},
    {.name = "stride",
     CRIL_CODING_COUNT,
     .max = INT32_MAX,
     CRIL_CODING_AT(stride),
     .help = "tokens by which windows move (default: the context); fewer: smaller, slower"},

    FILE_ROWS("overwrite files that exist, compress archives, write to a terminal"),
    MESSAGE_ROWS,
    {.name = NULL},
};

static const struct cril_option decompress_options[] = {
    CRIL_CODING_MODEL_ROWS(CRIL_CODING_DECODE_MODEL),
    CRIL_CODING_STREAMS_ROW,
    CRIL_CODING_DISTRIBUTIONS_ROW,

    FILE_ROWS("overwrite files that exist"),
    MESSAGE_ROWS,
    {.name = NULL},
};

static void compress_help(void)
{
    fputs("\nX becomes X.cril. No FILE, or '-': standard input to standard output.\n"
          "\nAn archive decodes with this model only. It names the model's identity ('cril list',\n"
          "'cril info --sha256'), not where to find it: keep the model.\n"
          "A segment does not depend on those before it. Short segments decode faster, in part "
          "or\n"
          "whole; long ones compress better.\n"
          "\nExamples:\n"
          "  cril compress -m model.gguf book.txt              # book.txt.cril; book.txt stays\n"
          "  cril test -m model.gguf book.txt.cril             # does it decode to the original?\n"
          "  cril compress -m model.gguf --segment 16K --json *.txt >sizes.json\n"
          "  tar c texts | cril compress -m model.gguf >texts.tar.cril\n",
          stdout);
}

static void decompress_help(void)
{
    fputs(
        "\nX.cril becomes X. No FILE, or '-': standard input to standard output. A\n"
        "segment is written once it is checked; a file gets its name when all segments are right.\n"
        "\nExamples:\n"
        "  cril decompress -m model.gguf book.txt.cril       # book.txt\n"
        "  cril decompress -m model.gguf -c a.cril b.cril | wc\n"
        "  cril cat -m model.gguf --range 1M-2M book.txt.cril\n",
        stdout);
}

/* A file to do. */
struct job {
    const char *input; /* as given */
    char *output;      /* "-": standard output; owned */
};

struct run {
    const struct cril_coding_settings *set;
    struct job *jobs;                       /* [n_jobs]; those that were refused are gone */
    size_t n_jobs, n_given, n_done, n_good; /* good: it is finished and reported */
    struct cril_coding coding;
    uint64_t original, archive; /* of all files done */
    double seconds;
    bool over; /* every other file would fail, too */
};

static bool is_std(const char *path)
{
    return strcmp(path, "-") == 0;
}

/* ---- before the work ---- */

static int check_usage(const struct cril_cmd *cmd, const struct cril_coding_settings *s, int n,
                       char **files)
{
    bool some_stdin = !n, some_stdout;
    int code = cril_coding_check(cmd, s, s->decompress, n, files);

    if (code != CRIL_ARGS_GO_ON)
        return code;
    for (int i = 0; i < n; i++)
        some_stdin = some_stdin || is_std(files[i]);
    some_stdout = s->to_stdout || (s->output ? is_std(s->output) : some_stdin);
    if (s->decompress && (s->segment || s->context || s->stride))
        return cril_args_usage(
            cmd, "--segment, --context and --stride are for compressing, an archive has its own");
    if (s->context && s->stride > s->context)
        return cril_args_usage(cmd, "--stride %" PRIu64 " is larger than --context %" PRIu64,
                               s->stride, s->context);
    if (s->output && s->to_stdout)
        return cril_args_usage(cmd, "--output and --stdout exclude each other");
    if (s->output && n > 1)
        return cril_args_usage(cmd, "--output takes one input");
    if (s->to_stdout && !s->decompress && n > 1)
        return cril_args_usage(cmd, "--stdout takes one input: archives cannot be joined");
    if (s->keep && s->remove)
        return cril_args_usage(cmd, "--keep and --rm exclude each other");
    if (s->remove && (some_stdin || some_stdout))
        return cril_args_usage(cmd, "--rm is for files, not for standard input or output");
    if (s->json && some_stdout)
        return cril_args_usage(
            cmd, "--json needs standard output for itself, give the output a name with -o");
    if (!s->decompress && some_stdout && !s->force && isatty(STDOUT_FILENO))
        return cril_args_usage(
            cmd, "an archive is not for a terminal; name a file, redirect, or force it with -f");
    return CRIL_ARGS_GO_ON;
}

static bool has_suffix(const char *path)
{
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
    size_t n = strlen(base), suffix = strlen(CRIL_SUFFIX);

    return n > suffix && strcmp(base + n - suffix, CRIL_SUFFIX) == 0;
}

/* What becomes of a file; owned by the caller. NULL: the reason was printed. */
static char *output_name(const struct cril_coding_settings *s, const char *input)
{
    const bool named = s->output || s->to_stdout || is_std(input);
    const char *from = s->output ? s->output : named ? "-" : input;
    const char *folder = "", *end = "";
    const size_t suffix = strlen(CRIL_SUFFIX);
    size_t n = strlen(from), size;
    char *name;

    if (s->decompress && !named && !has_suffix(input)) {
        cril_print_error("%s: does not end in " CRIL_SUFFIX
                         ", so there is no name for its text; name one with -o, or use -c",
                         input);
        return NULL;
    }
    if (!s->decompress && !s->force && has_suffix(input)) {
        cril_print_error("%s: has the suffix " CRIL_SUFFIX " already; use -f to compress it again",
                         input);
        return NULL;
    }
    if (!named && s->decompress) {
        n -= suffix;
        folder = n == 1 && from[0] == '-' ? "./" : ""; /* a file, not standard output */
    } else if (!named) {
        end = CRIL_SUFFIX;
    }
    size = strlen(folder) + n + strlen(end) + 1;
    if (!(name = malloc(size))) {
        cril_print_error("out of memory");
        return NULL;
    }
    snprintf(name, size, "%s%.*s%s", folder, (int)n, from, end);
    return name;
}

static bool check_job(const struct cril_coding_settings *s, const struct job *job)
{
    struct stat info;

    if (!cril_input_check(job->input))
        return false;
    if (s->remove && stat(job->output, &info) == 0 && !S_ISREG(info.st_mode))
        cril_print_error(
            "%s: does not keep the output, so the input is not removed; leave out --rm",
            job->output);
    else
        return cril_output_check(job->output, s->force);
    return false;
}

static bool make_jobs(struct run *r, int n, char **files)
{
    if (!(r->jobs = calloc((size_t)n, sizeof(*r->jobs)))) {
        cril_print_error("out of memory");
        return false;
    }
    r->n_given = (size_t)n;
    cril_reads_model("the model", r->set->model);
    for (int i = 0; i < n; i++)
        cril_reads_file("the input", files[i]);
    for (int i = 0; i < n; i++) {
        struct job *job = &r->jobs[r->n_jobs];

        *job = (struct job){files[i], output_name(r->set, files[i])};
        if (job->output && check_job(r->set, job))
            r->n_jobs++;
        else
            free(job->output);
    }
    return r->n_jobs > 0;
}

/* ---- reports ---- */

struct report {
    const struct job *job;
    uint64_t original, archive; /* bytes */
    cril_codec_totals totals;
};

static double percent(uint64_t original, uint64_t archive)
{
    return 100 * (double)archive / (double)original;
}

/* "1234 -> 200 bytes, 16.21 %, 1.2966 bits/byte, 1.2 s", or the other way round. */
static void sizes_text(bool decompress, uint64_t original, uint64_t archive, double seconds,
                       char out[160])
{
    uint64_t from = decompress ? archive : original, to = decompress ? original : archive;
    int n = snprintf(out, 160, "%" PRIu64 " -> %" PRIu64 " bytes", from, to);

    if (original)
        n += snprintf(out + n, 160 - (size_t)n, ", %.2f %%, %.4f bits/byte",
                      percent(original, archive), 0.08 * percent(original, archive));
    snprintf(out + n, 160 - (size_t)n, ", %.1f s", seconds);
}

static void note_report(const struct run *r, const struct report *x)
{
    const cril_codec_totals *t = &x->totals;
    const char *name = cril_input_spoken(x->job->input);
    char sizes[160];

    sizes_text(r->set->decompress, x->original, x->archive, t->seconds, sizes);
    cril_print_note("%s: %s, %.0f tokens/s", name, sizes, cril_coding_speed(t));
    if (!r->set->verbose)
        return;
    if (r->set->decompress)
        cril_print_note("%s: segments %" PRIu64 ", tokens %" PRIu64 ", through the model %" PRIu64,
                        name, t->segments, t->tokens, t->forward_tokens);
    else
        cril_print_note("%s: segments %" PRIu64 ", tokens %" PRIu64 ", through the model %" PRIu64
                        "; bits ideal %.0f, coded %" PRIu64 "; bytes raw %" PRIu64
                        ", container %" PRIu64,
                        name, t->segments, t->tokens, t->forward_tokens, t->nats / CRIL_LN2,
                        8 * t->code_bytes, t->raw_bytes, x->archive - t->code_bytes - t->raw_bytes);
}

static bool print_report(const struct run *r, const struct report *x)
{
    const cril_codec_totals *t = &x->totals;
    json_t *o = json_pack(
        "{s:o, s:o, s:I, s:I, s:o, s:I, s:I, s:I, s:f}", "input", cril_json_string(x->job->input),
        "output", cril_json_string(x->job->output), "original_bytes", (json_int_t)x->original,
        "archive_bytes", (json_int_t)x->archive, "bits_per_byte",
        x->original ? json_real(8 * (double)x->archive / (double)x->original) : json_null(),
        "segments", (json_int_t)t->segments, "tokens", (json_int_t)t->tokens, "forward_tokens",
        (json_int_t)t->forward_tokens, "seconds", t->seconds);

    if (o && !r->set->decompress &&
        (json_object_set_new(o, "code_bytes", json_integer((json_int_t)t->code_bytes)) != 0 ||
         json_object_set_new(o, "raw_bytes", json_integer((json_int_t)t->raw_bytes)) != 0 ||
         json_object_set_new(o, "ideal_bits", json_real(t->nats / CRIL_LN2)) != 0)) {
        json_decref(o);
        o = NULL;
    }
    return cril_print_json(o, 0) == 0 && cril_stdout_good();
}

/* As zstd: silent where the output goes on to another program. */
static bool report(struct run *r, const struct report *x)
{
    r->n_done++;
    r->original += x->original;
    r->archive += x->archive;
    r->seconds += x->totals.seconds;
    if (!r->set->quiet && (r->set->verbose || !is_std(x->job->output)))
        note_report(r, x);
    return !r->set->json || print_report(r, x);
}

/* ---- the work ---- */

/* An input that is read to its end; then it may be removed, if it is what it was. */
struct source {
    const char *name;
    int fd;
    struct stat before;
};

static bool source_open(struct source *s, const char *path)
{
    *s = (struct source){.name = path,
                         .fd = is_std(path) ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)};
    if (s->fd >= 0 && fstat(s->fd, &s->before) == 0)
        return true;
    if (!cril_output_signal())
        cril_print_error("%s: cannot be opened: %s", cril_input_spoken(path), strerror(errno));
    return false;
}

static void source_close(struct source *s)
{
    if (s->fd > STDIN_FILENO)
        close(s->fd);
    s->fd = -1;
}

static bool same_state(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
           a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static bool remove_source(const struct source *s)
{
    struct stat now;

    if (stat(s->name, &now) != 0 || !S_ISREG(now.st_mode) || !same_state(&s->before, &now)) {
        cril_print_error("%s: has been replaced since it was read; it was not removed", s->name);
        return false;
    }
    if (unlink(s->name) == 0)
        return true;
    cril_print_error("%s: cannot be removed: %s", s->name, strerror(errno));
    return false;
}

/* The end of every file: the output gets its name, figures are printed, the input may be removed.
 */
static bool end_job(struct run *r, const struct source *s, cril_status st, const cril_error *err,
                    const struct report *x)
{
    if (S_ISREG(s->before.st_mode) && !is_std(s->name))
        cril_output_like(&r->coding.output, &s->before);
    if (!cril_coding_end(&r->coding, st, err))
        return false;
    return report(r, x) && (!r->set->remove || remove_source(s));
}

struct text {
    unsigned char *data; /* [size] */
    size_t n, size;
};

/* Reads until the text is full or the input ends, which is not an error. */
static bool fill(struct text *t, const struct source *s)
{
    while (t->n < t->size && !cril_output_signal()) {
        ssize_t got = read(s->fd, t->data + t->n, t->size - t->n);

        if (got == 0)
            return true;
        if (got > 0)
            t->n += (size_t)got;
        else if (errno != EINTR)
            return false;
    }
    return true;
}

/*
 * Into how many segments of at most `limit` bytes a text of `size` goes. Past 16, which are decoded
 * in step, a multiple of it: a few segments that are left for the end would take as long as all the
 * others of their round. 0: the size is not known.
 */
static uint64_t segment_count(uint64_t size, size_t limit)
{
    const uint64_t n = size / limit + (size % limit != 0), step = CRIL_STREAMS;

    return n <= step ? n : (n + step - 1) / step * step;
}

static cril_status add_all(struct run *r, cril_compressor *c, const struct source *s,
                           struct text *t, size_t limit, cril_error *err)
{
    uint64_t n_left = segment_count(r->coding.whole, limit);
    cril_status st = CRIL_OK;

    for (;; n_left -= n_left > 1) {
        const uint64_t left = r->coding.whole - r->coding.handed,
                       even = n_left ? left / n_left + (left % n_left != 0) : 0;
        const size_t target = even && even < limit ? (size_t)even : limit;
        size_t n;

        if (!fill(t, s)) {
            snprintf(err->message, sizeof(err->message), "%s: cannot be read: %s",
                     cril_input_spoken(s->name), strerror(errno));
            return CRIL_ERR_IO;
        }
        if (cril_output_signal())
            return CRIL_ERR_CANCELLED;
        if (!t->n)
            return cril_compressor_finish(c, err);
        n = t->n > target ? cril_segment_cut(t->data, t->n, target) : t->n;
        r->coding.handed += n;
        if ((st = cril_compressor_add(c, t->data, n, err)) != CRIL_OK)
            return st;
        t->n -= n;
        memmove(t->data, t->data + n, t->n);
    }
}

/* All of a source to the output at work. *totals: what was done, also on errors. */
static cril_status compress_source(struct run *r, const struct source *s, cril_codec_totals *totals,
                                   cril_error *err)
{
    const struct cril_coding_settings *set = r->set;
    const cril_compress_options wanted = {.context = (size_t)set->context,
                                          .stride = (size_t)set->stride,
                                          .threads = (unsigned)set->threads,
                                          .memory_bytes = (size_t)set->memory,
                                          .text_bytes = r->coding.whole};
    const cril_codec_callbacks callbacks = cril_coding_callbacks(&r->coding);
    const size_t limit = set->segment ? (size_t)set->segment : CRIL_SEGMENT_BYTES;
    struct text text = {.data = malloc(limit + READ_AHEAD), .size = limit + READ_AHEAD};
    cril_compressor *c = NULL;
    cril_status st = CRIL_ERR_NOMEM;

    if (!text.data)
        snprintf(err->message, sizeof(err->message),
                 "out of memory for a segment of %zu bytes; give a smaller --segment", limit);
    else
        st = cril_compressor_create(r->coding.model, &wanted, &callbacks, &c, err);
    r->over = st != CRIL_OK;
    if (st == CRIL_OK) {
        st = add_all(r, c, s, &text, limit, err);
        *totals = *cril_compressor_totals(c);
    }
    cril_compressor_free(c);
    free(text.data);
    return st;
}

static int drop(void *user, const void *text, size_t n)
{
    (void)user;
    (void)text;
    (void)n;
    return 0;
}

static cril_status decode_mapped(struct run *r, const void *data, size_t size, const char *name,
                                 cril_error *err)
{
    const cril_decompress_options wanted = {.threads = (unsigned)r->set->threads,
                                            .memory_bytes = (size_t)r->set->memory};
    cril_codec_callbacks callbacks = cril_coding_callbacks(&r->coding);
    cril_archive *a = NULL;
    cril_status st = cril_archive_read(data, size, name, &a, err);

    callbacks.write = drop;
    if (st == CRIL_OK)
        st = cril_decompress(r->coding.model, a, &wanted, &callbacks, NULL, err);
    cril_archive_close(a);
    return st;
}

/* Whether the archive at work becomes the text that was read, whose SHA-256 it holds: before the
 * text is removed. */
static cril_status decode_made(struct run *r, cril_error *err)
{
    FILE *f = r->coding.output.file;
    struct stat info;
    cril_status st = CRIL_ERR_IO;
    void *data = MAP_FAILED;

    if (fflush(f) == 0 && fstat(fileno(f), &info) == 0)
        data = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_SHARED, fileno(f), 0);
    if (data == MAP_FAILED) {
        cril_output_failed(&r->coding.output, errno); /* said at the end */
        return st;
    }
    r->coding.progress.phase = "decoding what was made";
    r->coding.handed = 0;
    st = decode_mapped(r, data, (size_t)info.st_size, r->coding.output.path, err);
    r->coding.progress.phase = NULL;
    munmap(data, (size_t)info.st_size);
    return st;
}

static bool compress(struct run *r, const struct job *job)
{
    struct report x = {.job = job};
    cril_error err = {0};
    struct source s;
    cril_status st;
    bool good = false;

    if (source_open(&s, job->input) &&
        cril_output_open(&r->coding.output, job->output, r->set->force)) {
        r->coding.handed = 0;
        r->coding.whole = S_ISREG(s.before.st_mode) ? (uint64_t)s.before.st_size : 0;
        r->coding.progress.name = cril_base_name(cril_input_spoken(job->input));
        st = compress_source(r, &s, &x.totals, &err);
        if (st == CRIL_OK && r->set->remove)
            st = decode_made(r, &err);
        x.original = x.totals.original_bytes;
        x.archive = x.totals.archive_bytes;
        good = end_job(r, &s, st, &err, &x);
    }
    source_close(&s);
    return good;
}

static bool decompress(struct run *r, const struct job *job)
{
    struct source s = {.name = job->input, .fd = -1}; /* opened by its name, once */
    struct report x = {.job = job};
    struct cril_input_archive in;
    cril_error err = {0};
    cril_status st;
    bool good = false;

    if (!is_std(job->input) && stat(job->input, &s.before) != 0)
        return cril_print_error("%s: cannot be opened: %s", job->input, strerror(errno)) == 0;
    if (!cril_input_archive_open(&in, job->input, &err)) {
        if (!cril_output_signal())
            cril_print_error("%s", err.message);
    } else if (cril_output_open(&r->coding.output, job->output, r->set->force)) {
        const cril_archive_info *info = cril_archive_info_of(in.archive);

        x.original = info->original_bytes;
        x.archive = info->archive_bytes;
        st = cril_coding_decode(&r->coding, job->input, in.archive, 0, 0, &x.totals, &err);
        good = end_job(r, &s, st, &err, &x);
    }
    cril_input_archive_close(&in);
    return good;
}

static bool run_jobs(struct run *r)
{
    char sizes[160];

    if (!cril_coding_open(&r->coding, r->set))
        return false;
    if (!r->set->quiet)
        cril_print_context_warning(r->coding.model, (size_t)r->set->context);
    for (size_t i = 0; i < r->n_jobs && !r->over && !cril_coding_over(); i++)
        r->n_good += r->set->decompress ? decompress(r, &r->jobs[i]) : compress(r, &r->jobs[i]);
    if (r->n_done > 1 && !r->set->quiet && !r->set->to_stdout) {
        sizes_text(r->set->decompress, r->original, r->archive, r->seconds, sizes);
        cril_print_note("%zu files: %s", r->n_done, sizes);
    }
    if (r->n_good < r->n_given && r->n_given > 1 && !cril_coding_over())
        cril_print_note("%zu of %zu files failed", r->n_given - r->n_good, r->n_given);
    return r->n_good == r->n_given;
}

static int run(const struct cril_cmd *cmd, int argc, char **argv)
{
    static char input[] = "-";
    char *only[] = {input};
    struct cril_coding_settings set = {.decompress = cmd == &cril_cmd_decompress};
    struct run r = {.set = &set};
    bool good;
    int code = cril_args_parse(cmd, &set, &argc, argv);

    if (code != CRIL_ARGS_GO_ON || (code = check_usage(cmd, &set, argc, argv)) != CRIL_ARGS_GO_ON)
        return code;
    if ((code = cril_locate_model(&set.model, set.fetch, set.quiet)) != CRIL_ARGS_GO_ON)
        return code;
    cril_output_catch_signals();
    good = make_jobs(&r, argc ? argc : 1, argc ? argv : only) && run_jobs(&r);
    cril_coding_close(&r.coding);
    for (size_t i = 0; i < r.n_jobs; i++)
        free(r.jobs[i].output);
    free(r.jobs);
    return cril_coding_exit(good);
}

const struct cril_cmd cril_cmd_compress = {
    .name = "compress",
    .summary = "Compress files with a model's predictions, without loss.",
    .usage = "compress -m MODEL [options] [FILE...]",
    .run = run,
    .options = compress_options,
    .more_help = compress_help,
};

const struct cril_cmd cril_cmd_decompress = {
    .name = "decompress",
    .summary = "Restore the files that archives were made of.",
    .usage = "decompress -m MODEL [options] [FILE...]",
    .run = run,
    .options = decompress_options,
    .more_help = decompress_help,
};
