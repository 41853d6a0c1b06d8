/* Commands that make a corpus: see gathering.h. */
#include "gathering.h"

#include "input.h"
#include "output.h"
#include "progress.h"
#include "reads.h"
#include "studying.h"

#include <cril/download.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* ---- names ---- */

static size_t strip(const char *name, size_t len, const char *suffix)
{
    const size_t n = strlen(suffix);

    return len > n && memcmp(name + len - n, suffix, n) == 0 ? len - n : 0;
}

char *cril_gathering_card_path(const char *corpus, bool *zstd)
{
    static const char suffix[] = ".card.json";
    size_t len = strip(corpus, strlen(corpus), ".jsonl.zst");
    char *path;

    *zstd = len > 0;
    if (!len && !(len = strip(corpus, strlen(corpus), ".jsonl")))
        return NULL;
    if (corpus[len - 1] == '/' || !(path = malloc(len + sizeof(suffix))))
        return NULL;
    memcpy(path, corpus, len);
    memcpy(path + len, suffix, sizeof(suffix));
    return path;
}

char *cril_gathering_card(const char *corpus)
{
    bool zstd;
    char *path = cril_gathering_card_path(corpus, &zstd), *card = NULL, *grown;
    cril_error err;
    size_t len;

    if (!path) {
        cril_print_error("%s: is no corpus: its name does not end in .jsonl.zst or .jsonl", corpus);
        return NULL;
    }
    cril_reads_file("a card", path);
    if (!(card = (char *)cril_input_read(path, &len, &err)))
        cril_print_error("%s", err.message);
    free(path);
    if (!card || !(grown = realloc(card, len + 1))) {
        free(card);
        return NULL;
    }
    grown[len] = '\0';
    return grown;
}

bool cril_gathering_card_if_any(const char *corpus, char **card)
{
    bool zstd, is_there;
    char *path;

    errno = 0;
    *card = NULL;
    if (!(path = cril_gathering_card_path(corpus, &zstd)))
        return errno != ENOMEM || !cril_print_error("out of memory");
    is_there = access(path, F_OK) == 0;
    free(path);
    return !is_there || (*card = cril_gathering_card(corpus)) != NULL;
}

/* ---- files ---- */

struct making {
    const struct cril_gathering_args *set;
    struct cril_output corpus, card;
    char *card_path;
    struct cril_progress progress;
    struct timespec start;
};

static int put(void *user, const void *data, size_t n)
{
    struct making *m = user;

    return fwrite(data, 1, n, m->corpus.file) == n ? 0 : 1;
}

static double seconds_since(const struct timespec *start)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - start->tv_sec) + (double)(now.tv_nsec - start->tv_nsec) * 1e-9;
}

static int show(void *user, const cril_gather_progress *p)
{
    struct making *m = user;
    const struct cril_progress_state state = {
        .fraction = p->fraction, .seconds = seconds_since(&m->start), .bytes = p->bytes_read};

    m->progress.name = p->input ? p->input : m->set->output;
    m->progress.phase = p->phase;
    cril_progress_show(&m->progress, &state);
    return cril_output_signal();
}

static bool write_files(struct making *m, const cril_gather_options *o, cril_gathering_fn make,
                        void *user)
{
    cril_gather_options own = *o;
    cril_gather_sink sink = {.write = put, .user = m};
    cril_error err = {0};
    char *card = NULL;
    bool good;

    own.n_threads = (unsigned)m->set->threads;
    own.memory_bytes = m->set->memory;
    own.temporary = m->set->temporary;
    own.progress = show;
    own.user = m;
    m->card_path = cril_gathering_card_path(m->set->output, &sink.zstd);
    if (!m->card_path)
        return !cril_print_error("out of memory");
    if (!cril_output_open(&m->corpus, m->set->output, m->set->force) ||
        !cril_output_open(&m->card, m->card_path, m->set->force))
        return false;
    clock_gettime(CLOCK_MONOTONIC, &m->start);
    good = make(user, &own, &sink, &card, &err) == CRIL_OK;
    cril_progress_clear(&m->progress);
    if (!good && err.status != CRIL_ERR_CANCELLED && cril_output_good(&m->corpus))
        cril_print_error("%s", err.message);
    if (good && (fputs(card, m->card.file) < 0 || fputc('\n', m->card.file) < 0))
        good = false; /* the commit says why */
    good = good && cril_output_commit(&m->corpus) && cril_output_commit(&m->card);
    if (good && m->set->json)
        puts(card);
    else if (good && !m->set->quiet)
        good = cril_gathering_print_card(m->set->output, card);
    free(card);
    return good;
}

int cril_gathering_write(const struct cril_cmd *cmd, const struct cril_gathering_args *set,
                         const cril_gather_options *o, cril_gathering_fn make, void *user)
{
    struct making m = {.set = set};
    const char *read_as;
    bool done, zstd;
    char *card;

    if (!set->output)
        return cril_args_usage(cmd, "no corpus to write, name one with -o FILE");
    if (!(card = cril_gathering_card_path(set->output, &zstd)))
        return cril_args_usage(cmd, "-o %s must end in .jsonl.zst or .jsonl", set->output);
    read_as = cril_reads_as(set->output);
    if (!read_as)
        read_as = cril_reads_as(card);
    free(card);
    if (read_as)
        return cril_args_usage(cmd, "%s, or its card, is %s and cannot be an output", set->output,
                               read_as);
    cril_progress_init(&m.progress, set->quiet);
    cril_output_catch_signals();
    done = write_files(&m, o, make, user);
    if (!done && m.corpus.file && !cril_output_good(&m.corpus))
        cril_output_commit(&m.corpus); /* reports the failure */
    cril_output_discard(&m.corpus);
    cril_output_discard(&m.card);
    free(m.card_path);
    if (!done && cril_output_signal()) {
        cril_print_note("stopped by a signal; nothing was written");
        return 128 + cril_output_signal();
    }
    return done ? 0 : 1;
}

/* ---- from addresses ---- */

struct fetching {
    struct cril_progress progress;
    struct timespec start;
};

static int show_fetched(void *user, uint64_t have, uint64_t size)
{
    struct fetching *f = user;
    const struct cril_progress_state state = {.fraction = size ? (double)have / (double)size : -1,
                                              .seconds = seconds_since(&f->start),
                                              .bytes = have};

    cril_progress_show(&f->progress, &state);
    return cril_output_signal();
}

/* An address becomes the path of its file, which lives as long as the command. False: the reason
 * was printed. */
static bool fetch(const struct cril_gathering_args *set, const char **input)
{
    struct fetching f = {.progress = {0}};
    const cril_download_options o = {.progress = show_fetched, .user = &f};
    cril_error err = {0};
    char *path;
    cril_status st;

    cril_progress_init(&f.progress, set->quiet);
    f.progress.name = *input;
    f.progress.phase = "fetching";
    clock_gettime(CLOCK_MONOTONIC, &f.start);
    st = cril_download(*input, set->fetch, &o, &path, &err);
    cril_progress_clear(&f.progress);
    if (st == CRIL_OK)
        *input = path;
    else if (st != CRIL_ERR_CANCELLED)
        cril_print_error("%s", err.message);
    return st == CRIL_OK;
}

/* All addresses of a list. CRIL_ARGS_GO_ON, or the exit code. */
static int fetch_all(const struct cril_cmd *cmd, const char *kind,
                     const struct cril_gathering_args *set, const char **inputs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!cril_is_address(inputs[i]))
            continue;
        if (strcmp(kind, "code") == 0)
            return cril_args_usage(
                cmd, "%.200s is an address; clone it with git, and name the folder", inputs[i]);
        if (!set->fetch)
            return cril_args_usage(cmd,
                                   "%.200s is an address; name a folder for what is fetched "
                                   "with --fetch DIR",
                                   inputs[i]);
        cril_output_catch_signals();
        if (!fetch(set, &inputs[i]))
            return cril_output_signal() ? 128 + cril_output_signal() : 1;
    }
    return CRIL_ARGS_GO_ON;
}

/* ---- from sources ---- */

static cril_status gather(void *user, const cril_gather_options *o, const cril_gather_sink *sink,
                          char **card, cril_error *err)
{
    (void)user;
    return cril_gather(o, sink, card, err);
}

static int run_with(const struct cril_cmd *cmd, const struct cril_gathering_args *set,
                    cril_gather_options *o)
{
    enum { LANGUAGES, WITH, WITHOUT, N };
    const char *const texts[N] = {set->language, set->with, set->without};
    size_t *const counts[N] = {&o->n_languages, &o->n_with, &o->n_without};
    char **lists[N] = {NULL};
    bool good = true;
    int code = 1;

    for (size_t i = 0; i < N && good; i++)
        good = cril_split_words(texts[i], &lists[i], counts[i]);
    if (good) {
        o->languages = (const char *const *)lists[LANGUAGES];
        o->with = (const char *const *)lists[WITH];
        o->without = (const char *const *)lists[WITHOUT];
        code = cril_gathering_write(cmd, set, o, gather, NULL);
    }
    for (size_t i = 0; i < N; i++) {
        if (lists[i])
            free(lists[i][0]);
        free(lists[i]);
    }
    return code;
}

int cril_gathering_run(const struct cril_cmd *cmd, const char *kind, int argc, char **argv)
{
    struct cril_gathering_args set = {0};
    cril_gather_options o = {.kind = kind};
    int code = cril_args_parse(cmd, &set, &argc, argv);

    if (code == CRIL_ARGS_GO_ON && !argc)
        code = cril_args_usage(cmd, "no input given");
    if (code == CRIL_ARGS_GO_ON && !cril_args_shard(set.shard, &o.shard, &o.n_shards))
        code =
            cril_args_usage(cmd, "--shard %s is not I/N with 1 <= I <= N, such as 3/16", set.shard);
    if (code == CRIL_ARGS_GO_ON)
        code = fetch_all(cmd, kind, &set, (const char **)argv, (size_t)argc);
    if (code == CRIL_ARGS_GO_ON)
        code = fetch_all(cmd, kind, &set, set.created.data, set.created.n);
    for (int i = 0; code == CRIL_ARGS_GO_ON && i < argc; i++)
        cril_reads_corpus("an input", argv[i]);
    for (size_t i = 0; code == CRIL_ARGS_GO_ON && i < set.created.n; i++)
        cril_reads_file("a history", set.created.data[i]);
    if (code == CRIL_ARGS_GO_ON) {
        o.inputs = (const char *const *)argv;
        o.n_inputs = (size_t)argc;
        o.after = set.after;
        o.before = set.before;
        o.min_characters = set.min_characters;
        o.max_characters = set.max_characters;
        o.created = set.created.data;
        o.n_created = set.created.n;
        o.min_page_id = set.min_page_id;
        code = run_with(cmd, &set, &o);
    }
    free(set.created.data);
    return code;
}

void cril_gathering_print_steps(const char *kind)
{
    cril_gather_step s;

    fputs("\nSteps, in their order; '+' marks those that are on:\n", stdout);
    for (size_t i = 0; cril_gather_step_at(kind, i, &s); i++)
        printf("  %c %-20s%s\n", s.on ? '+' : ' ', s.name, s.what);
}
