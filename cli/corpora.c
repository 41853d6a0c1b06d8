#include "corpora.h"

#include "output.h"
#include "reads.h"

#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

const char *cril_corpus_format_name(size_t i)
{
    static const char *const names[] = {"jsonl", "csv", "text"};

    return i < sizeof(names) / sizeof(*names) ? names[i] : NULL;
}

static bool is_stdin(const char *name)
{
    return strcmp(name, "-") == 0;
}

const char *cril_corpus_spoken(const char *name)
{
    return is_stdin(name) ? "standard input" : name;
}

int cril_corpora_note(const struct cril_cmd *cmd, int n, char *const *corpora)
{
    int n_stdin = 0;

    for (int i = 0; i < n; i++) {
        cril_reads_corpus("a corpus", corpora[i]);
        n_stdin += is_stdin(corpora[i]);
    }
    return n_stdin > 1 ? cril_args_usage(cmd, "standard input can be one corpus only")
                       : CRIL_ARGS_GO_ON;
}

int cril_corpora_check_prompts(const struct cril_cmd *cmd, const char *protocol,
                               const cril_corpus_options *options)
{
    if (protocol && strcmp(protocol, "document") != 0)
        return cril_args_usage(cmd, "--prompt-field works with the protocol document, not with %s",
                               protocol);
    if (strcmp(options->prompt_field, options->field ? options->field : "content") == 0)
        return cril_args_usage(
            cmd, "--prompt-field and --field name one field; the prompt and the text are two");
    if (options->format && strcmp(options->format, "text") == 0)
        return cril_args_usage(cmd, "--prompt-field works with jsonl and csv: a plain text has no "
                                    "fields");
    return CRIL_ARGS_GO_ON;
}

bool cril_corpus_opens_once(const char *name)
{
    struct stat info;

    return is_stdin(name) ||
           (stat(name, &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode));
}

bool cril_corpora_check(const cril_corpus_options *options, size_t n, char *const *corpora)
{
    for (size_t i = 0; i < n; i++) {
        cril_corpus *c;
        cril_error err;

        if (cril_corpus_opens_once(corpora[i]))
            continue;
        if (cril_corpus_open(corpora[i], options, &c, &err) != CRIL_OK) {
            cril_print_error("%s", err.message);
            return false;
        }
        cril_corpus_close(c);
    }
    return true;
}

void cril_corpus_explain(const char *name, const cril_corpus_stats *stats, const cril_error *err)
{
    const char *spoken = cril_corpus_spoken(name);

    if (cril_output_signal() || err->status == CRIL_ERR_CANCELLED)
        return;
    if (err->status != CRIL_ERR_EMPTY || stats->documents)
        cril_print_error("%s", err->message);
    else if (stats->bad_lines)
        cril_print_error(
            "%s: holds no document that can be read, %" PRIu64 " bad line%s; the first: %s", spoken,
            stats->bad_lines, stats->bad_lines == 1 ? "" : "s", stats->first_bad);
    else if (stats->empty)
        cril_print_error("%s: has nothing to score, its %" PRIu64 " document%s without text; "
                         "check the file or name another --field",
                         spoken, stats->empty, stats->empty == 1 ? " is" : "s are");
    else
        cril_print_error("%s: holds no document; give a file with text in it", spoken);
}

void cril_corpus_note_dropped(const char *name, const cril_corpus_stats *stats)
{
    const char *spoken = cril_corpus_spoken(name);

    if (stats->bad_lines)
        cril_print_note("%s: %" PRIu64 " bad line%s skipped; the first: %s", spoken,
                        stats->bad_lines, stats->bad_lines == 1 ? " was" : "s were",
                        stats->first_bad);
    if (stats->empty)
        cril_print_note("%s: %" PRIu64 " empty document%s dropped", spoken, stats->empty,
                        stats->empty == 1 ? " was" : "s were");
}
