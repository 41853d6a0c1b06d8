/*
 * Command line options from a table, which is also their --help.
 *
 * -x, -xVALUE, -x VALUE, --name, --name VALUE, --name=VALUE; letters without a value may be joined
 * (-qv); options and operands mix; "--" ends the options and "-" is an operand.
 */
#ifndef CRIL_CLI_ARGS_H
#define CRIL_CLI_ARGS_H

#include "cmd.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum cril_option_kind {
    CRIL_OPTION_FLAG,   /* bool */
    CRIL_OPTION_TEXT,   /* const char *, borrowed from argv; NULL before, so that a second one is
                           refused */
    CRIL_OPTION_LIST,   /* struct cril_args_list of such texts, as often as it is given */
    CRIL_OPTION_NUMBER, /* uint64_t, decimal, in [min, max] */
    CRIL_OPTION_TOKENS, /* the same, or a number of thousands of 1024: 32k */
    CRIL_OPTION_COUNT,  /* the same, or with K, M or G: thousands, millions, billions (powers of
                           1000) */
    CRIL_OPTION_SIZE    /* uint64_t, bytes, in [min, max]: a number, with K, M, G or T (times 1024
                           each), perhaps B or iB after it */
};

/* Zero-initialised it is empty. Release with free(data). */
struct cril_args_list {
    const char **data; /* [n] borrowed, at first from argv */
    size_t n;
};

struct cril_option {
    const char *group; /* heading above this row; NULL: it belongs to the group of the row before */
    char letter;       /* 0: none */
    char also;         /* a second letter; 0: none */
    const char *name;
    const char *value; /* what stands for the value in the help; NULL for a flag */
    const char *help;  /* what it does, its unit, its default */
    enum cril_option_kind kind;
    size_t offset; /* of the field in the command's settings */
    uint64_t min, max;
    const char *(*choice)(size_t i); /* the texts allowed, NULL past the last; NULL: any text */
};

/* Rows of several tables; what is given is their .offset, .help and .group. */
/* clang-format off */
#define CRIL_THREADS_ROW(...) \
    { .letter = 't', .also = 'T', .name = "threads", .kind = CRIL_OPTION_NUMBER, .value = "N", \
      .min = 1, .max = 4096, __VA_ARGS__ }
#define CRIL_MEMORY_ROW(...) \
    { .name = "memory", .kind = CRIL_OPTION_SIZE, .value = "SIZE", .min = 1 << 20, \
      .max = (uint64_t)1 << 50, __VA_ARGS__ }
#define CRIL_BATCH_ROW(...) \
    { .name = "batch", .kind = CRIL_OPTION_NUMBER, .value = "N", .min = 1, .max = 1 << 24, \
      __VA_ARGS__ }
/* Of a bootstrap over what is drawn; AT(field) is the offset of a field of the settings. */
#define CRIL_INTERVAL_ROWS(heading, drawn) \
    { .group = heading, .name = "level", .kind = CRIL_OPTION_NUMBER, .value = "N", \
      .offset = AT(level), .min = 1, .max = 99, \
      .help = "level of the interval in percent (default: 95)" }, \
    { .name = "resamples", .kind = CRIL_OPTION_NUMBER, .value = "N", .offset = AT(resamples), \
      .min = 1, .max = 10000000, .help = "bootstrap resamples of " drawn " (default: 1000)" }, \
    { .name = "seed", .kind = CRIL_OPTION_NUMBER, .value = "N", .offset = AT(seed), .min = 0, \
      .max = INT64_MAX, .help = "seed of the bootstrap (default: 0)" }
/* clang-format on */

/* What cril_args_parse returns when the command shall go on; anything else is the exit code. */
enum { CRIL_ARGS_GO_ON = -1 };

/*
 * Fills the fields of settings named by the command's table and moves the operands to
 * argv[0 .. *argc - 1]. Prints the help if asked to (0) and says what is wrong with a bad line (2).
 */
int cril_args_parse(const struct cril_cmd *cmd, void *settings, int *argc, char **argv);

/* Prints "cril CMD: <sentence>; try 'cril CMD --help'" to stderr and returns 2. cmd may be NULL. */
int cril_args_usage(const struct cril_cmd *cmd, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The same where -m is missing; of operands [n], one that is a GGUF file by its name, a model's
 * folder, or a model on the hub, is offered. */
int cril_args_no_model(const struct cril_cmd *cmd, int n, char *const *operands);

void cril_args_help(const struct cril_cmd *cmd); /* to stdout */

/* The subcommand of cmd that a word names. NULL: there is none, which was said. */
const struct cril_cmd *cril_args_part(const struct cril_cmd *cmd, const char *word);
/* Runs the subcommand that argv[1] names, or prints the help of cmd: a cril_cmd.run. */
int cril_args_run_part(const struct cril_cmd *cmd, int argc, char **argv);

/* A size as CRIL_OPTION_SIZE has it at *text, which moves past it. False: there is none, or it is
 * too large. */
bool cril_args_read_size(const char **text, uint64_t *out);

/* "3/16", with 1 <= shard <= shards; NULL leaves them as they are. False: it is none. */
bool cril_args_shard(const char *text, unsigned *shard, unsigned *shards);

/* Calls take for each word of a list with commas, until it returns false; what it returned last.
 * False where memory ran out, too, which was said. */
bool cril_args_words(const char *list, bool (*take)(void *user, const char *word), void *user);

/* The nearest of several names to a mistyped word: offer each, then read best (NULL: none is near).
 */
struct cril_nearest {
    const char *word, *best;
    size_t distance;
};
void cril_nearest_offer(struct cril_nearest *n, const char *name);

#endif
