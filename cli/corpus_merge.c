/* cril corpus merge: shards put together. */
#include "cmd_corpus.h"
#include "gathering.h"
#include "output.h"
#include "reads.h"

#include <stdio.h>
#include <stdlib.h>

static const struct cril_option options[] = {
    CRIL_GATHERING_RUN_ROWS("Run"),
    CRIL_GATHERING_OUTPUT_ROWS,
    {.name = NULL},
};

static void more_help(void)
{
    fputs("\nShards are corpora that were made with --shard, of the same inputs by the same rules; "
          "their cards lie beside\nthem. The result has the bytes that one run of all inputs has: "
          "documents are compared here, among all shards.\n"
          "\nExample:\n"
          "  cril corpus web wet/ -o one.jsonl.zst --shard 1/2     # on one machine\n"
          "  cril corpus web wet/ -o two.jsonl.zst --shard 2/2     # on another\n"
          "  cril corpus merge one.jsonl.zst two.jsonl.zst -o web.jsonl.zst\n",
          stdout);
}

struct shards {
    cril_gather_shard *list; /* [n] */
    char **cards;
    size_t n;
};

static cril_status merge(void *user, const cril_gather_options *o, const cril_gather_sink *sink,
                         char **card, cril_error *err)
{
    const struct shards *s = user;

    return cril_gather_merge(s->list, s->n, o, sink, card, err);
}

static bool read_shards(struct shards *s, size_t n, char **paths)
{
    s->list = calloc(n, sizeof(*s->list));
    s->cards = calloc(n, sizeof(*s->cards));
    if (!s->list || !s->cards)
        return !cril_print_error("out of memory");
    for (; s->n < n; s->n++) {
        cril_reads_file("a shard", paths[s->n]);
        if (!(s->cards[s->n] = cril_gathering_card(paths[s->n])))
            return false;
        s->list[s->n] = (cril_gather_shard){paths[s->n], s->cards[s->n]};
    }
    return true;
}

static int run(const struct cril_cmd *cmd, int argc, char **argv)
{
    struct cril_gathering_args set = {0};
    struct shards s = {0};
    int code = cril_args_parse(cmd, &set, &argc, argv);

    if (code != CRIL_ARGS_GO_ON)
        return code;
    if (!argc)
        return cril_args_usage(cmd, "no shard given");
    code = read_shards(&s, (size_t)argc, argv)
               ? cril_gathering_write(cmd, &set, &(cril_gather_options){0}, merge, &s)
               : 1;
    for (size_t i = 0; i < s.n; i++)
        free(s.cards[i]);
    free(s.cards);
    free(s.list);
    return code;
}

const struct cril_cmd cril_corpus_cmd_merge = {
    .name = "corpus merge",
    .summary = "Put the shards of a corpus together.",
    .usage = "corpus merge -o CORPUS [options] SHARD...",
    .run = run,
    .options = options,
    .more_help = more_help,
};
