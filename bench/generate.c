/*
 * generate MODEL FILE [STREAMS [MAX_TOKENS [THREADS [STOP]]]]: greedy texts for the prompts of a
 * JSON Lines file, its field "context". 0 stands for a default. One CSV row: prompts, tokens of
 * them, those that went through the model (what prompts share does so once), tokens generated,
 * seconds of all prompts with one token each, seconds with whole texts, tokens a second of either.
 * What is generated is timed without the prompts: the second of these times less the first.
 */
#include <cril/generate.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct prompts {
    cril_prompt *p;
    size_t n, capacity;
};

struct counts {
    uint64_t prompt_tokens, generated;
};

static void check(cril_status st, const cril_error *err)
{
    if (st == CRIL_OK)
        return;
    fprintf(stderr, "generate: %s\n", err->message);
    exit(1);
}

static void stop(const char *what)
{
    fprintf(stderr, "generate: %s\n", what);
    exit(1);
}

static double now_sec(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void add_prompt(struct prompts *all, const cril_tokenizer *t, const char *text)
{
    cril_ids ids = {0};
    cril_error err;

    if (all->n == all->capacity) {
        all->capacity = 2 * all->capacity + 64;
        if (!(all->p = realloc(all->p, all->capacity * sizeof(*all->p))))
            stop("out of memory");
    }
    check(cril_tokenizer_encode(t, text, strlen(text), CRIL_ENCODE_TEXT, &ids, &err), &err);
    all->p[all->n++] = (cril_prompt){.ids = ids.data, .n = ids.n};
}

static struct prompts read_prompts(const char *path, const cril_tokenizer *t)
{
    struct prompts all = {0};
    FILE *const f = fopen(path, "r");
    json_t *line;

    if (!f)
        stop("the file of prompts cannot be read");
    while ((line = json_loadf(f, JSON_DISABLE_EOF_CHECK, NULL))) {
        const json_t *const text = json_object_get(line, "context");

        if (json_is_string(text))
            add_prompt(&all, t, json_string_value(text));
        json_decref(line);
    }
    fclose(f);
    if (!all.n)
        stop("no line with a \"context\"");
    return all;
}

static int refuse(void *user, uint64_t prompt_tokens, uint64_t generated, size_t texts)
{
    (void)user;
    (void)prompt_tokens;
    (void)generated;
    (void)texts;
    return 1;
}

/* The generator takes its memory. */
static void set_up(cril_generator *g, struct prompts *all, size_t max_tokens)
{
    const cril_generate_callbacks call = {.on_progress = refuse};

    for (size_t i = 0; i < all->n; i++)
        all->p[i].max_tokens = max_tokens;
    if (cril_generate(g, all->p, all->n, &call, NULL) != CRIL_ERR_CANCELLED)
        stop("no decoder");
}

static int count(void *user, uint64_t prompt_tokens, uint64_t generated, size_t texts)
{
    (void)texts;
    *(struct counts *)user = (struct counts){prompt_tokens, generated};
    return 0;
}

/* Seconds for all texts of up to max_tokens. */
static double run(cril_generator *g, struct prompts *all, size_t max_tokens, struct counts *c)
{
    const cril_generate_callbacks call = {.user = c, .on_progress = count};
    const double start = now_sec();
    cril_error err;

    for (size_t i = 0; i < all->n; i++)
        all->p[i].max_tokens = max_tokens;
    check(cril_generate(g, all->p, all->n, &call, &err), &err);
    return now_sec() - start;
}

int main(int argc, char **argv)
{
    size_t set[3] = {0}, tokens = 0, longest = 0;
    struct counts one, c;
    cril_generator *g;
    cril_model *m;
    cril_error err;

    if (argc < 3)
        stop("usage: generate MODEL FILE [STREAMS [MAX_TOKENS [THREADS [STOP]]]]");
    for (int i = 3; i < argc && i < 6; i++)
        set[i - 3] = (size_t)strtoull(argv[i], NULL, 10);
    const char *until = argc > 6 ? argv[6] : "";
    const size_t until_len = strlen(until), max_tokens = set[1] ? set[1] : 256;

    check(cril_model_open(argv[1], &m, &err), &err);
    struct prompts all = read_prompts(argv[2], cril_model_tokenizer(m));
    for (size_t i = 0; i < all.n; i++) {
        all.p[i].until = &until;
        all.p[i].until_len = &until_len;
        all.p[i].n_until = until_len > 0;
        tokens += all.p[i].n;
        longest = all.p[i].n > longest ? all.p[i].n : longest;
    }
    const cril_generator_options options = {
        .streams = set[0], .threads = (unsigned)set[2], .context = longest + max_tokens};
    check(cril_generator_create(m, &options, &g, &err), &err);
    set_up(g, &all, max_tokens);
    const double prompts_s = run(g, &all, 1, &one), all_s = run(g, &all, max_tokens, &c);
    puts("prompts,prompt_tokens,prompt_tokens_run,generated,prompts_s,all_s,prompt_tokens_s,"
         "generated_tokens_s");
    printf("%zu,%zu,%llu,%llu,%.2f,%.2f,%.1f,%.1f\n", all.n, tokens,
           (unsigned long long)c.prompt_tokens, (unsigned long long)c.generated, prompts_s, all_s,
           (double)one.prompt_tokens / prompts_s,
           (double)(c.generated - one.generated) / (all_s - prompts_s));
    cril_generator_free(g);
    cril_model_close(m);
    for (size_t i = 0; i < all.n; i++)
        free((void *)(uintptr_t)all.p[i].ids);
    free(all.p);
    return 0;
}
