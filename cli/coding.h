/*
 * What compress, decompress, test and cat share: settings, a model, the output at work, progress.
 *
 * Their option tables differ, their settings do not: a table fills what it names.
 */
#ifndef CRIL_CLI_CODING_H
#define CRIL_CLI_CODING_H

#include "args.h"
#include "hub.h"
#include "output.h"
#include "progress.h"

#include <cril/codec.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cril_coding_settings {
    const char *model, *output, *distributions, *range;
    uint64_t threads, memory, streams; /* 0: chosen */
    uint64_t segment, context, stride; /* 0: the default */
    bool fetch, to_stdout, decompress, force, keep, remove, json, quiet, verbose;
};

/* clang-format off */
#define CRIL_CODING_AT(field) .offset = offsetof(struct cril_coding_settings, field)
#define CRIL_CODING_COUNT .kind = CRIL_OPTION_NUMBER, .value = "N", .min = 1
#define CRIL_CODING_FLAG .kind = CRIL_OPTION_FLAG

/* Rows that tables share. */
#define CRIL_CODING_MODEL_ROWS(model_help) \
    { .group = "Model", .letter = 'm', .name = "model", .kind = CRIL_OPTION_TEXT, .value = "FILE", \
      CRIL_CODING_AT(model), .help = model_help }, \
    CRIL_FETCH_ROW(CRIL_CODING_AT(fetch)), \
    CRIL_THREADS_ROW(CRIL_CODING_AT(threads), \
                     .help = "threads (default: one a core); changes no byte"), \
    CRIL_MEMORY_ROW(CRIL_CODING_AT(memory), \
                    .help = "hold at most this much, such as 8G; changes no byte")
#define CRIL_CODING_STREAMS_ROW \
    { .name = "streams", CRIL_CODING_COUNT, .max = 4096, CRIL_CODING_AT(streams), \
      .help = "segments that are decoded in step (default: 16, fewer where memory is short)" }
#define CRIL_CODING_DISTRIBUTIONS_ROW \
    { .name = "distributions", .kind = CRIL_OPTION_TEXT, .value = "FILE", \
      CRIL_CODING_AT(distributions), \
      .help = "also write each token's distribution, for an independent decoder; large" }
#define CRIL_CODING_JSON_ROW \
    { .group = "Messages", .name = "json", CRIL_CODING_FLAG, CRIL_CODING_AT(json), \
      .help = "one JSON object a file on standard output" }
#define CRIL_CODING_QUIET_ROW \
    { .letter = 'q', .name = "quiet", CRIL_CODING_FLAG, CRIL_CODING_AT(quiet), \
      .help = "errors only" }
#define CRIL_CODING_VERBOSE_ROW \
    { .letter = 'v', .name = "verbose", CRIL_CODING_FLAG, CRIL_CODING_AT(verbose), \
      .help = "note identities, kernels, threads, tokens and times on standard error" }
/* clang-format on */

#define CRIL_CODING_DECODE_MODEL                                                                   \
    "model that the archive was made with: a GGUF file or folder; required"

struct cril_coding {
    const struct cril_coding_settings *set;
    cril_model *model;
    struct cril_progress progress;
    struct cril_output output; /* of the file at work; closed: what is coded goes nowhere */
    uint64_t handed, whole;    /* compress: bytes of input handed in, and all; whole 0: not known */
};

/*
 * Usage that the commands refuse alike: no model, standard input twice, a terminal as an archive.
 * files [n], none: standard input. CRIL_ARGS_GO_ON or the exit code.
 */
int cril_coding_check(const struct cril_cmd *cmd, const struct cril_coding_settings *s, bool decode,
                      int n, char **files);

/* Opens the model and, with -v, notes what runs; false: the reason was printed. */
bool cril_coding_open(struct cril_coding *c, const struct cril_coding_settings *s);
void cril_coding_close(struct cril_coding *c);

/* Callbacks that write to c->output, show progress and obey signals. */
cril_codec_callbacks cril_coding_callbacks(struct cril_coding *c);

/* Decodes bytes [from, to) of an archive's text to c->output; 0, 0: all of it. */
cril_status cril_coding_decode(struct cril_coding *c, const char *name, const cril_archive *a,
                               uint64_t from, uint64_t to, cril_codec_totals *totals,
                               cril_error *err);

/* Ends the output at work. CRIL_OK: it gets its name, or the reason is printed. Else it is dropped,
   and err printed unless the reason is a signal or a failed write. True: it is there. */
bool cril_coding_end(struct cril_coding *c, cril_status st, const cril_error *err);

/* Nothing further can be done: a signal came, or standard output has failed. */
bool cril_coding_over(void);
/* The exit code of a command; says that a signal stopped it. */
int cril_coding_exit(bool good);

double cril_coding_speed(const cril_codec_totals *t); /* tokens through the model a second */

#endif
