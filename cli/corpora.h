/*
 * Corpora on a command line: the options that say how they are read, and what is said where one
 * cannot be.
 */
#ifndef CRIL_CLI_CORPORA_H
#define CRIL_CLI_CORPORA_H

#include "args.h"

#include <cril/corpus.h>

/* Rows of a table; AT(corpus.field) is the offset of a field of the command's settings. */
/* clang-format off */
#define CRIL_CORPUS_ROWS \
    { .group = "Corpus", .name = "field", .kind = CRIL_OPTION_TEXT, .value = "NAME", \
      .offset = AT(corpus.field), .help = "JSON key or CSV column of the text (default: content)" }, \
    { .name = "prompt-field", .kind = CRIL_OPTION_TEXT, .value = "NAME", \
      .offset = AT(corpus.prompt_field), \
      .help = "key or column of a prompt; the text behind it alone is scored" }, \
    { .name = "format", .kind = CRIL_OPTION_TEXT, .value = "NAME", .offset = AT(corpus.format), \
      .choice = cril_corpus_format_name, \
      .help = "jsonl, csv or text (default: by the file's name)" }, \
    { .name = "limit", .kind = CRIL_OPTION_NUMBER, .value = "N", .offset = AT(corpus.limit), .min = 1, \
      .max = INT64_MAX, .help = "score the first N documents of each corpus (default: all)" }, \
    { .name = "strict", .kind = CRIL_OPTION_FLAG, .offset = AT(corpus.strict), \
      .help = "a bad line is an error (default: skipped and counted)" }
/* clang-format on */

/* Values of --format; NULL past the last. */
const char *cril_corpus_format_name(size_t i);

/* What a corpus is called in a sentence. */
const char *cril_corpus_spoken(const char *name);

/* A pipe, or standard input: what was read is gone. */
bool cril_corpus_opens_once(const char *name);

/* Notes corpora [n] as read (reads.h). CRIL_ARGS_GO_ON, or an exit code: standard input is named
 * twice, which was said. */
int cril_corpora_note(const struct cril_cmd *cmd, int n, char *const *corpora);
/* What a text behind a prompt in prompt_field cannot be, with these options. CRIL_ARGS_GO_ON, or an
 * exit code: it was said. */
int cril_corpora_check_prompts(const struct cril_cmd *cmd, const char *protocol,
                               const cril_corpus_options *options);
/* Opens each corpus [n] once, so that a bad one does not fail after an hour with the one before it.
 * False: the reason was printed. */
bool cril_corpora_check(const cril_corpus_options *options, size_t n, char *const *corpora);

/* Says why scoring a corpus failed, unless that was said: a signal, or a failed write. */
void cril_corpus_explain(const char *name, const cril_corpus_stats *stats, const cril_error *err);
/* Says which documents were left out. */
void cril_corpus_note_dropped(const char *name, const cril_corpus_stats *stats);

#endif
