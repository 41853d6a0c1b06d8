/*
 * cril test: whether archives decode to the original text, by the checksums in them. Writes no
 * text.
 */
#include "coding.h"
#include "input.h"

#include <inttypes.h>
#include <string.h>

static const struct cril_option options[] = {
    CRIL_CODING_MODEL_ROWS(CRIL_CODING_DECODE_MODEL),
    CRIL_CODING_STREAMS_ROW,
    CRIL_CODING_DISTRIBUTIONS_ROW,

    CRIL_CODING_JSON_ROW,
    CRIL_CODING_QUIET_ROW,
    CRIL_CODING_VERBOSE_ROW,
    {.name = NULL},
};

static void print_more_help(void)
{
    fputs(
        "\nDecodes each FILE, or standard input, and compares each segment with its checksum, and\n"
        "the text with its SHA-256. Prints 'FILE: ok' or 'FILE: FAILED', and why on\n"
        "standard error.\n"
        "\nExit code: 0 all are good, 1 some are not.\n"
        "\nExamples:\n"
        "  cril test -m model.gguf *.cril\n"
        "  cril compress -m model.gguf book.txt && cril test -q -m model.gguf book.txt.cril\n",
        stdout);
}

/* Of a file that was decoded (error NULL), or could not be. */
static bool print_object(const char *path, const cril_archive *a, const cril_codec_totals *t,
                         const char *error)
{
    json_t *o = json_pack("{s:o, s:b, s:o}", "file", cril_json_string(path), "ok", !error, "error",
                          error ? cril_json_string(error) : json_null());

    if (o && a) {
        const cril_archive_info *i = cril_archive_info_of(a);
        json_t *more = json_pack(
            "{s:I, s:I, s:I, s:I, s:I, s:f, s:s}", "original_bytes", (json_int_t)i->original_bytes,
            "archive_bytes", (json_int_t)i->archive_bytes, "segments", (json_int_t)i->segments,
            "tokens", (json_int_t)t->tokens, "forward_tokens", (json_int_t)t->forward_tokens,
            "seconds", t->seconds, "sha256", i->sha256);

        if (json_object_update(o, more) != 0) {
            json_decref(o);
            o = NULL;
        }
        json_decref(more);
    }
    return cril_print_json(o, 0) == 0 && cril_stdout_good();
}

static bool print_line(const char *path, const char *verdict)
{
    cril_print_escaped(stdout, path, strlen(path));
    printf(": %s\n", verdict);
    return cril_stdout_good();
}

static bool test_one(struct cril_coding *c, const char *path)
{
    const struct cril_coding_settings *set = c->set;
    const char *spoken = cril_input_spoken(path);
    struct cril_input_archive in;
    cril_codec_totals t = {0};
    cril_error err = {0};
    bool good = cril_input_archive_open(&in, path, &err) &&
                cril_coding_decode(c, path, in.archive, 0, 0, &t, &err) == CRIL_OK;

    cril_progress_clear(&c->progress);
    if (cril_output_signal()) {
        good = false;
    } else {
        if (!good)
            cril_print_error("%s", err.message);
        else if (set->verbose)
            cril_print_note("%s: segments %" PRIu64 ", tokens %" PRIu64
                            ", through the model %" PRIu64 " in %.1f s, %.0f tokens/s",
                            spoken, t.segments, t.tokens, t.forward_tokens, t.seconds,
                            cril_coding_speed(&t));
        if (set->json)
            good = print_object(path, in.archive, &t, good ? NULL : err.message) && good;
        else if (!set->quiet)
            good = print_line(spoken, good ? "ok" : "FAILED") && good;
    }
    cril_input_archive_close(&in);
    return good;
}

static int run(const struct cril_cmd *cmd, int argc, char **argv)
{
    struct cril_coding_settings set = {0};
    struct cril_coding c;
    int n_good = 0, code = cril_args_parse(cmd, &set, &argc, argv);

    if (code != CRIL_ARGS_GO_ON ||
        (code = cril_coding_check(cmd, &set, true, argc, argv)) != CRIL_ARGS_GO_ON)
        return code;
    if ((code = cril_locate_model(&set.model, set.fetch, set.quiet)) != CRIL_ARGS_GO_ON)
        return code;
    cril_output_catch_signals();
    if (!cril_coding_open(&c, &set))
        return 1;
    if (!argc)
        n_good = test_one(&c, "-");
    for (int i = 0; i < argc && !cril_coding_over(); i++)
        n_good += test_one(&c, argv[i]);
    if (argc > 1 && n_good < argc && !cril_coding_over())
        cril_print_note("%d of %d archives failed", argc - n_good, argc);
    cril_coding_close(&c);
    return cril_coding_exit(argc ? n_good == argc : n_good == 1);
}

const struct cril_cmd cril_cmd_test = {
    .name = "test",
    .summary = "Check that archives decode to the original text.",
    .usage = "test -m MODEL [options] [FILE...]",
    .run = run,
    .options = options,
    .more_help = print_more_help,
};
