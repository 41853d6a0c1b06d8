/*
 * cril view: a document of a corpus as a page, each token with its bits.
 *
 * As cril score: all that can be refused is refused before the long work, and a file is written
 * only when the whole text has been scored.
 */
#include "args.h"
#include "corpora.h"
#include "hub.h"
#include "models.h"
#include "naming.h"
#include "output.h"
#include "progress.h"
#include "reads.h"
#include "viewing.h"
#include "warnings.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct settings {
    struct cril_args_list models;
    cril_corpus_options corpus;
    const char *protocol, *output;
    uint64_t threads, memory, context, stride, batch, document;
    bool fetch, json, force, quiet;
};

#define AT(field) offsetof(struct settings, field)
#define FLAG .kind = CRIL_OPTION_FLAG

static const struct cril_option options[] = {
    {.group = "Models",
     .letter = 'm',
     .name = "model",
     .kind = CRIL_OPTION_LIST,
     .value = "FILE",
     .offset = AT(models),
     .help = "GGUF file or model's folder; a second one is compared with the first"},
    CRIL_FETCH_ROW(.offset = AT(fetch)),
    CRIL_THREADS_ROW(.offset = AT(threads),
                     .help = "threads (default: one a core); changes no figure"),
    CRIL_MEMORY_ROW(.offset = AT(memory), .help = "hold at most this much; changes no figure"),
    CRIL_BATCH_ROW(.offset = AT(batch), .help = "tokens that go through a layer together; fewer "
                                                "need less memory, change no figure"),

    {.group = "What is scored",
     .name = "protocol",
     .kind = CRIL_OPTION_TEXT,
     .value = "NAME",
     .offset = AT(protocol),
     .choice = cril_protocol_name,
     .help = "rule for windows and scored tokens (default: document)"},
    {.name = "context",
     .kind = CRIL_OPTION_TOKENS,
     .value = "N",
     .offset = AT(context),
     .min = 1,
     .max = INT32_MAX,
     .help = "tokens of a window, also as 32k (default: the protocol's)"},
    {.name = "stride",
     .kind = CRIL_OPTION_TOKENS,
     .value = "N",
     .offset = AT(stride),
     .min = 1,
     .max = INT32_MAX,
     .help = "tokens by which windows move (default: the protocol's)"},

    {.group = "Text",
     .name = "field",
     .kind = CRIL_OPTION_TEXT,
     .value = "NAME",
     .offset = AT(corpus.field),
     .help = "JSON key or CSV column of the text (default: content)"},
    {.name = "format",
     .kind = CRIL_OPTION_TEXT,
     .value = "NAME",
     .offset = AT(corpus.format),
     .choice = cril_corpus_format_name,
     .help = "jsonl, csv or text (default: by the file's name)"},
    {.name = "document",
     .kind = CRIL_OPTION_NUMBER,
     .value = "N",
     .offset = AT(document),
     .min = 0,
     .max = INT64_MAX,
     .help = "index of the document to view, from 0 (default: 0)"},
    {.name = "strict",
     FLAG,
     .offset = AT(corpus.strict),
     .help = "a bad line is an error (default: skipped and counted)"},

    {.group = "Output",
     .name = "json",
     FLAG,
     .offset = AT(json),
     .help = "the figures of all tokens as JSON instead of a page"},
    {.letter = 'o',
     .name = "output",
     .kind = CRIL_OPTION_TEXT,
     .value = "FILE",
     .offset = AT(output),
     .help = "write to FILE (default: standard output)"},
    {.letter = 'f',
     .name = "force",
     FLAG,
     .offset = AT(force),
     .help = "overwrite a file that exists"},
    {.letter = 'q',
     .name = "quiet",
     FLAG,
     .offset = AT(quiet),
     .help = "no progress, no notes, no warnings"},
    {.name = NULL},
};

static void print_more_help(void)
{
    fputs(
        "\nThe page is one HTML file without network: each token with its bits as colour, or with "
        "the bits of the\n"
        "second model less those of the first; rank, entropy and likely tokens where one points; "
        "sums of words and\n"
        "lines. One document is scored, alone. Two models need the same tokens.\n"
        "\nExamples:\n"
        "  cril view -m model.gguf article.txt -o view.html\n"
        "  cril view -m f16.gguf -m q4.gguf corpus.jsonl --document 3 -o view.html\n"
        "  cril view -m model.gguf --json article.txt -o view.json\n",
        stdout);
}

struct run {
    const struct settings *set;
    const char *path;
    cril_model *models[CRIL_VIEW_MAX_MODELS];
    size_t n_models;
    cril_view *view;
    bool is_only; /* the corpus has no other document so far as it was read */
    struct cril_output result;
    struct cril_progress progress;
};

/* ---- Before the work ---- */

static int check_usage(const struct cril_cmd *cmd, struct settings *s, int n, char **files)
{
    const char *out = s->output ? s->output : "-", *read_as;
    int code;

    if (!s->models.n)
        return cril_args_no_model(cmd, n, files);
    if (n != 1)
        return cril_args_usage(cmd, n ? "one file is viewed at a time" : "no file given");
    if (s->context && s->stride > s->context)
        return cril_args_usage(cmd, "--stride %" PRIu64 " is larger than --context %" PRIu64,
                               s->stride, s->context);
    code = cril_models_locate(&s->models, s->fetch, s->quiet);
    if (code == CRIL_ARGS_GO_ON && s->models.n > CRIL_VIEW_MAX_MODELS)
        code = cril_args_usage(cmd, "%zu models are given; a view has one or two", s->models.n);
    if (code != CRIL_ARGS_GO_ON || (code = cril_corpora_note(cmd, n, files)) != CRIL_ARGS_GO_ON)
        return code;
    if ((read_as = cril_reads_as(out)) != NULL)
        return cril_args_usage(cmd, "%s is %s and cannot be an output",
                               strcmp(out, "-") == 0 ? "standard output" : out, read_as);
    return CRIL_ARGS_GO_ON;
}

static bool open_models(struct run *r)
{
    cril_error err;

    for (; r->n_models < r->set->models.n; r->n_models++)
        if (cril_model_open(r->set->models.data[r->n_models], &r->models[r->n_models], &err) !=
            CRIL_OK) {
            cril_print_error("%s", err.message);
            return false;
        }
    for (size_t i = 0; !r->set->quiet && i < r->n_models; i++)
        cril_print_warnings(r->models[i]);
    return true;
}

/* ---- The work ---- */

static int on_progress(void *user, const cril_score_progress *p)
{
    const struct cril_progress_state state = {
        .fraction = p->fraction, .seconds = p->seconds, .tokens = p->forward_tokens};

    cril_progress_show(&((struct run *)user)->progress, &state);
    return cril_output_signal() != 0;
}

/* Views the document; the corpus keeps its text until the next one is read. */
static cril_status view_document(struct run *r, const cril_document *doc, cril_error *err)
{
    const struct settings *s = r->set;
    const cril_score_options wanted = {.protocol = s->protocol,
                                       .context = (size_t)s->context,
                                       .stride = (size_t)s->stride,
                                       .threads = (unsigned)s->threads,
                                       .memory_bytes = (size_t)s->memory,
                                       .batch_tokens = (size_t)s->batch};
    const cril_score_callbacks callbacks = {.user = r, .on_progress = on_progress};

    return cril_view_create(r->models, r->n_models, &wanted, cril_corpus_spoken(r->path), doc->text,
                            doc->len_bytes, &callbacks, &r->view, err);
}

/* Reads to the document, views it, and looks whether there is another one. */
static cril_status find_and_view(struct run *r, cril_corpus *c, cril_error *err)
{
    cril_document doc = {0};
    cril_status st;

    do
        st = cril_corpus_next(c, &doc, err);
    while (st == CRIL_OK && doc.text && doc.index < r->set->document);
    if (st != CRIL_OK)
        return st;
    if (!doc.text && r->set->document) {
        err->status = CRIL_ERR_RANGE;
        snprintf(err->message, sizeof(err->message),
                 "%s: has no document %" PRIu64 "; --document counts from 0",
                 cril_corpus_spoken(r->path), r->set->document);
        return CRIL_ERR_RANGE;
    }
    if (!doc.text)
        return err->status = CRIL_ERR_EMPTY; /* cril_corpus_explain says why */
    if ((st = view_document(r, &doc, err)) != CRIL_OK || doc.index)
        return st;
    r->is_only = cril_corpus_next(c, &doc, NULL) == CRIL_OK && !doc.text;
    return CRIL_OK;
}

static bool make_view(struct run *r)
{
    cril_corpus_stats stats = {0};
    cril_corpus *c;
    cril_error err = {0};
    cril_status st = cril_corpus_open(r->path, &r->set->corpus, &c, &err);

    if (st == CRIL_OK) {
        r->progress.name = cril_base_name(cril_corpus_spoken(r->path));
        st = find_and_view(r, c, &err);
        cril_corpus_stats_get(c, &stats);
        cril_progress_clear(&r->progress);
        cril_corpus_close(c);
    }
    if (st != CRIL_OK) {
        cril_corpus_explain(r->path, &stats, &err);
        return false;
    }
    if (!r->set->quiet) {
        cril_corpus_note_dropped(r->path, &stats);
        for (size_t i = 0; i < r->n_models; i++)
            cril_print_context_warning(r->models[i], r->view->models[0].result.context);
    }
    return !cril_output_signal();
}

/* ---- The result ---- */

static bool write_result(struct run *r)
{
    const cril_view_page page = {.title = cril_base_name(cril_corpus_spoken(r->path)),
                                 .document = r->is_only ? UINT64_MAX : r->set->document};
    FILE *f = r->result.file ? r->result.file : stdout;
    cril_error err;

    errno = 0;
    if (r->set->json) {
        if (cril_output_json(&r->result, cril_viewing_json(r->view, r->path, r->set->document),
                             JSON_COMPACT))
            return false;
    } else if (cril_view_write(f, r->view, &page, &err) != CRIL_OK) {
        if (err.status == CRIL_ERR_IO && f == stdout)
            cril_stdout_failed(errno); /* main says so */
        else if (err.status == CRIL_ERR_IO)
            cril_output_failed(&r->result, errno); /* cril_output_commit says so */
        else
            cril_print_error("%s", err.message);
        if (err.status != CRIL_ERR_IO || f == stdout)
            return false;
    }
    return cril_output_commit(&r->result);
}

static bool view(struct run *r)
{
    const struct settings *s = r->set;
    char *path = (char *)(uintptr_t)r->path;

    if (!cril_corpora_check(&s->corpus, 1, &path))
        return false;
    if (s->output && strcmp(s->output, "-") != 0 &&
        !cril_output_open(&r->result, s->output, s->force))
        return false;
    return open_models(r) && make_view(r) && write_result(r);
}

static int run(const struct cril_cmd *cmd, int argc, char **argv)
{
    struct settings set = {0};
    struct run r = {.set = &set};
    bool done = false;
    int code = cril_args_parse(cmd, &set, &argc, argv);

    if (code == CRIL_ARGS_GO_ON)
        code = check_usage(cmd, &set, argc, argv);
    if (code == CRIL_ARGS_GO_ON) {
        r.path = argv[0];
        cril_progress_init(&r.progress, set.quiet);
        cril_output_catch_signals();
        done = view(&r);
        cril_output_discard(&r.result);
        cril_view_free(r.view);
        for (size_t i = 0; i < r.n_models; i++)
            cril_model_close(r.models[i]);
        code = !done;
    }
    free(set.models.data);
    if (!done && cril_output_signal()) {
        cril_print_note("stopped by a signal; nothing was written");
        return 128 + cril_output_signal();
    }
    return code;
}

const struct cril_cmd cril_cmd_view = {
    .name = "view",
    .summary = "Show a text with each token's bits as a page, or the difference of two models.",
    .usage = "view -m MODEL [-m MODEL] [options] FILE",
    .run = run,
    .options = options,
    .more_help = print_more_help,
};
