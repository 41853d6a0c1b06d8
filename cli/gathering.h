/* What the commands share that make a corpus: their options, the run, its files. */
#ifndef CRIL_CLI_GATHERING_H
#define CRIL_CLI_GATHERING_H

#include "args.h"

#include <cril/gather.h>
#include <stdbool.h>

struct cril_gathering_args {
    const char *after, *before, *language, *with, *without, *shard, *fetch, *temporary, *output;
    uint64_t min_characters, max_characters, min_page_id, threads, memory;
    struct cril_args_list created;
    bool json, force, quiet;
};

/* clang-format off */
#define CRIL_GATHERING_AT(field) offsetof(struct cril_gathering_args, field)
#define CRIL_GATHERING_CHOICE_ROWS(day, languages) \
    { .group = "Documents", .name = "after", .kind = CRIL_OPTION_TEXT, .value = "DAY", \
      .offset = CRIL_GATHERING_AT(after), \
      .help = "documents " day " on DAY, such as 2026-06-01, or later" }, \
    { .name = "before", .kind = CRIL_OPTION_TEXT, .value = "DAY", \
      .offset = CRIL_GATHERING_AT(before), .help = "documents " day " before DAY" }, \
    { .name = "language", .kind = CRIL_OPTION_TEXT, .value = "CODES", \
      .offset = CRIL_GATHERING_AT(language), \
      .help = "documents in one of these " languages }, \
    { .name = "min-characters", .kind = CRIL_OPTION_NUMBER, .value = "N", \
      .offset = CRIL_GATHERING_AT(min_characters), .max = UINT32_MAX, \
      .help = "documents of at least N characters (default: 1)" }, \
    { .name = "max-characters", .kind = CRIL_OPTION_NUMBER, .value = "N", \
      .offset = CRIL_GATHERING_AT(max_characters), .min = 1, .max = UINT32_MAX, \
      .help = "documents of at most N characters (default: 1000000)" }
#define CRIL_GATHERING_STEP_ROWS \
    { .group = "Steps", .name = "with", .kind = CRIL_OPTION_TEXT, .value = "STEPS", \
      .offset = CRIL_GATHERING_AT(with), \
      .help = "steps besides those that are on, separated by commas (list below)" }, \
    { .name = "without", .kind = CRIL_OPTION_TEXT, .value = "STEPS", \
      .offset = CRIL_GATHERING_AT(without), .help = "steps to leave out" }
#define CRIL_GATHERING_FETCH_ROW \
    { .group = "Run", .name = "fetch", .kind = CRIL_OPTION_TEXT, .value = "DIR", \
      .offset = CRIL_GATHERING_AT(fetch), \
      .help = "folder into which inputs named by https://... are fetched, once" }
#define CRIL_GATHERING_SHARD_ROW(...) \
    { __VA_ARGS__ .name = "shard", .kind = CRIL_OPTION_TEXT, .value = "I/N", \
      .offset = CRIL_GATHERING_AT(shard), \
      .help = "the I-th of N parts of the inputs; 'cril corpus merge' puts them together" }
#define CRIL_GATHERING_RUN_ROWS(heading) \
    CRIL_THREADS_ROW(.group = heading, .offset = CRIL_GATHERING_AT(threads), \
                     .help = "threads (default: a thread a processor)"), \
    CRIL_MEMORY_ROW(.offset = CRIL_GATHERING_AT(memory), \
                    .help = "memory for the comparison of documents (default: 1G)"), \
    { .name = "temporary", .kind = CRIL_OPTION_TEXT, .value = "DIR", \
      .offset = CRIL_GATHERING_AT(temporary), \
      .help = "folder for documents that wait (default: TMPDIR, or /tmp)" }
#define CRIL_GATHERING_OUTPUT_ROWS \
    { .group = "Output", .letter = 'o', .name = "output", .kind = CRIL_OPTION_TEXT, \
      .value = "FILE", .offset = CRIL_GATHERING_AT(output), \
      .help = "the corpus, NAME.jsonl.zst or NAME.jsonl; required" }, \
    { .name = "json", .kind = CRIL_OPTION_FLAG, .offset = CRIL_GATHERING_AT(json), \
      .help = "print the card as JSON instead of a table" }, \
    { .letter = 'f', .name = "force", .kind = CRIL_OPTION_FLAG, \
      .offset = CRIL_GATHERING_AT(force), .help = "overwrite files that exist" }, \
    { .letter = 'q', .name = "quiet", .kind = CRIL_OPTION_FLAG, \
      .offset = CRIL_GATHERING_AT(quiet), .help = "no progress, no table" }
/* clang-format on */

/* A cril_cmd.run of a kind of source. */
int cril_gathering_run(const struct cril_cmd *cmd, const char *kind, int argc, char **argv);

/* Steps of a kind, for its help. */
void cril_gathering_print_steps(const char *kind);

/* What makes a corpus into a sink, with options that hold threads, memory and progress. */
typedef cril_status (*cril_gathering_fn)(void *user, const cril_gather_options *o,
                                         const cril_gather_sink *sink, char **card,
                                         cril_error *err);

/* Has make write the corpus and its card into files, and prints the card. Returns the exit code. */
int cril_gathering_write(const struct cril_cmd *cmd, const struct cril_gathering_args *set,
                         const cril_gather_options *o, cril_gathering_fn make, void *user);

/* "web.card.json" of "web.jsonl.zst"; owned. NULL: the name is not that of a corpus, or out of
 * memory. *zstd: it is compressed. */
char *cril_gathering_card_path(const char *corpus, bool *zstd);

/* The card beside a corpus, owned. NULL: the reason was printed. */
char *cril_gathering_card(const char *corpus);

/* The same; *card NULL where there is none. False: it cannot be read, which was said. */
bool cril_gathering_card_if_any(const char *corpus, char **card);

/* Prints a card as tables; false: it is none, which was said. name: for sentences. */
bool cril_gathering_print_card(const char *name, const char *card);

#endif
