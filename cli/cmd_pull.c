/*
 * cril pull: models from the Hugging Face hub into its cache on this machine.
 *
 * The path of each model is the one line that a script needs; all else is said on standard error.
 */
#include "args.h"
#include "hub.h"
#include "output.h"

#include <stdio.h>

struct settings {
    uint64_t parallel;
    bool json, quiet;
};

#define AT(field) .offset = offsetof(struct settings, field)

static const struct cril_option options[] = {
    {.group = "Options",
     .letter = 'j',
     .name = "parallel",
     .kind = CRIL_OPTION_NUMBER,
     .value = "N",
     AT(parallel),
     .min = 1,
     .max = 64,
     .help = "files that are fetched at a time (default: 4)"},
    {.name = "json",
     .kind = CRIL_OPTION_FLAG,
     AT(json),
     .help = "one JSON object a model instead of its path"},
    {.letter = 'q', .name = "quiet", .kind = CRIL_OPTION_FLAG, AT(quiet), .help = "errors only"},
    {.name = NULL},
};

static void print_more_help(void)
{
    fputs("\nA NAME is one of\n"
          "  hf:owner/name              the model's folder: config.json, tokenizer, *.safetensors\n"
          "  hf:owner/name:Q4_K_M       the GGUF file of that type, with all its parts\n"
          "  hf:owner/name/FILE.gguf    one GGUF file, with all its parts\n"
          "  hf:owner/name@REVISION     a branch, tag, commit or refs/pr/N (default: main); the\n"
          "                             other forms take it, too: hf:owner/name@v2:Q8_0\n"
          "  https://huggingface.co/... the address of a repository or of a file, as pasted\n"
          "\nThe path is printed once all files are there. Only files that cril reads are fetched, "
          "and\n"
          "their size is said before. What was fetched stays when a pull is stopped, and the next "
          "one\n"
          "goes on from there. Each file's hash is checked.\n"
          "\nFiles lie in the cache that Python's huggingface_hub uses: $HF_HUB_CACHE, else "
          "$HF_HOME/hub,\n"
          "else ~/.cache/huggingface/hub. A model that it holds needs no pull. Private and gated\n"
          "repositories need a token in HF_TOKEN, or in $HF_HOME/token (hf auth login).\n"
          "\nWhat is in the cache is a model for every command, and without --fetch none uses the "
          "network:\n"
          "  cril score -m hf:owner/name:Q4_K_M corpus.jsonl\n"
          "\nExamples:\n"
          "  cril pull hf:Qwen/Qwen2.5-0.5B\n"
          "  cril pull hf:Qwen/Qwen2.5-0.5B-Instruct-GGUF:q4_k_m\n"
          "  model=$(cril pull -q hf:owner/name@v1.0) && cril info \"$model\"\n"
          "  HF_HUB_CACHE=/scratch/hub cril pull https://huggingface.co/owner/name/tree/main\n",
          stdout);
}

/* What only the hub knows; offline it was not asked. */
static json_t *of_plan(const struct cril_fetched *f, uint64_t n)
{
    return f->n_files ? json_integer((json_int_t)n) : json_null();
}

static int print_json(const char *text, const struct cril_fetched *f)
{
    char source[2048] = "";
    cril_hub_name name;

    cril_hub_name_parse(text, &name, NULL);
    cril_hub_source(f->model.path, source, sizeof(source));
    return cril_print_json(
        json_pack("{s:o, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:I, s:f}", "name",
                  cril_json_string(text), "repository", name.repository, "revision", name.revision,
                  "commit", f->model.commit, "source", cril_json_string(source), "path",
                  cril_json_string(f->model.path), "files", of_plan(f, f->n_files), "bytes",
                  of_plan(f, f->bytes), "fetched_bytes", (json_int_t)f->fetched_bytes, "seconds",
                  f->seconds),
        JSON_COMPACT);
}

static int pull_one(const char *name, const struct settings *s)
{
    struct cril_fetched f;
    int code = cril_fetch(name, (unsigned)s->parallel, s->quiet, &f);

    if (code == 0 && s->json)
        code = print_json(name, &f);
    else if (code == 0)
        puts(f.model.path);
    cril_hub_model_free(&f.model);
    return code;
}

static int run(const struct cril_cmd *cmd, int argc, char **argv)
{
    struct settings set = {0};
    int code = cril_args_parse(cmd, &set, &argc, argv);

    if (code != CRIL_ARGS_GO_ON)
        return code;
    if (!argc)
        return cril_args_usage(cmd, "no model given, name one such as hf:owner/name");
    for (int i = 0; i < argc; i++) {
        cril_hub_name name;
        cril_error err;

        if (cril_hub_name_parse(argv[i], &name, &err) != CRIL_OK)
            return cril_args_usage(cmd, "%s", err.message);
    }
    for (int i = 0; i < argc; i++)
        if ((code = pull_one(argv[i], &set)) != 0)
            return code;
    return 0;
}

const struct cril_cmd cril_cmd_pull = {
    .name = "pull",
    .summary = "Fetch models from the Hugging Face hub into its cache.",
    .usage = "pull [options] NAME...",
    .run = run,
    .options = options,
    .more_help = print_more_help,
};
