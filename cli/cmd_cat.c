/*
 * cril cat: the text of archives, or a part of it, on standard output. Only the segments that a
 * part touches are decoded.
 */
#include "coding.h"
#include "input.h"
#include "reads.h"

#include <inttypes.h>
#include <string.h>

static const struct cril_option options[] = {
    CRIL_CODING_MODEL_ROWS(CRIL_CODING_DECODE_MODEL),
    CRIL_CODING_STREAMS_ROW,

    {.group = "Text",
     .name = "range",
     .kind = CRIL_OPTION_TEXT,
     .value = "A-B",
     CRIL_CODING_AT(range),
     .help = "its bytes from A up to B, without B; 'A-': to the end"},

    {.group = "Messages",
     .letter = 'q',
     .name = "quiet",
     CRIL_CODING_FLAG,
     CRIL_CODING_AT(quiet),
     .help = "errors only"},
    CRIL_CODING_VERBOSE_ROW,
    {.name = NULL},
};

static void print_more_help(void)
{
    fputs(
        "\nA and B count bytes of the text from 0, also with K, M, G or T (times 1024 each). Only\n"
        "segments that the range touches are decoded; 'cril list -v' shows where they begin.\n"
        "No FILE, or '-': standard input.\n"
        "\nExamples:\n"
        "  cril cat -m model.gguf book.txt.cril | less\n"
        "  cril cat -m model.gguf --range 0-1K book.txt.cril    # its first 1024 bytes\n"
        "  cril cat -m model.gguf --range 1M-2M big.cril\n"
        "  cril cat -m model.gguf --range 10M- big.cril         # from there to the end\n",
        stdout);
}

struct range {
    uint64_t from, to; /* to UINT64_MAX: the end */
};

/* False: it is not "A-B" or "A-". */
static bool read_range(const char *text, struct range *out)
{
    if (!cril_args_read_size(&text, &out->from) || *text++ != '-')
        return false;
    out->to = UINT64_MAX;
    return !*text || (cril_args_read_size(&text, &out->to) && !*text);
}

static int check_usage(const struct cril_cmd *cmd, const struct cril_coding_settings *s, int n,
                       char **files, struct range *range)
{
    if (s->range && !read_range(s->range, range))
        return cril_args_usage(cmd, "--range takes a range of bytes such as 1M-2M or 1M-, not '%s'",
                               s->range);
    if (s->range && range->from >= range->to)
        return cril_args_usage(
            cmd, "--range %s is empty, its second number must be larger than the first", s->range);
    if (s->range && n > 1)
        return cril_args_usage(cmd, "--range takes one archive");
    return cril_coding_check(cmd, s, true, n, files);
}

static bool cat(struct cril_coding *c, const char *path, struct range range)
{
    struct cril_input_archive in;
    cril_codec_totals t;
    cril_error err = {0};
    cril_status st;
    uint64_t size;
    bool good = false;

    if (!cril_input_archive_open(&in, path, &err)) {
        if (!cril_output_signal())
            cril_print_error("%s", err.message);
        return false;
    }
    size = cril_archive_info_of(in.archive)->original_bytes;
    if (range.to == UINT64_MAX)
        range.to = size;
    if (range.to > size || (range.from >= size && range.from)) {
        cril_print_error("%s: has %" PRIu64 " bytes of text, the range %s goes beyond them; "
                         "'A-' reads to the end",
                         cril_input_spoken(path), size, c->set->range);
    } else if (cril_output_open(&c->output, "-", false)) {
        st = cril_coding_decode(c, path, in.archive, range.from, range.to, &t, &err);
        good = cril_coding_end(c, st, &err);
        if (good && c->set->verbose)
            cril_print_note("%s: bytes %" PRIu64 " to %" PRIu64 " of %" PRIu64 "; segments %" PRIu64
                            ", tokens %" PRIu64 " in %.1f s",
                            cril_input_spoken(path), range.from, range.to, size, t.segments,
                            t.tokens, t.seconds);
    }
    cril_input_archive_close(&in);
    return good;
}

static int run(const struct cril_cmd *cmd, int argc, char **argv)
{
    struct cril_coding_settings set = {0};
    struct range range = {0, UINT64_MAX};
    struct cril_coding c;
    int n_good = 0, code = cril_args_parse(cmd, &set, &argc, argv);

    if (code != CRIL_ARGS_GO_ON ||
        (code = check_usage(cmd, &set, argc, argv, &range)) != CRIL_ARGS_GO_ON)
        return code;
    if ((code = cril_locate_model(&set.model, set.fetch, set.quiet)) != CRIL_ARGS_GO_ON)
        return code;
    cril_output_catch_signals();
    cril_reads_model("the model", set.model);
    for (int i = 0; i < argc; i++)
        cril_reads_file("an archive", argv[i]);
    if (!cril_coding_open(&c, &set))
        return 1;
    if (!argc)
        n_good = cat(&c, "-", range);
    for (int i = 0; i < argc && !cril_coding_over(); i++)
        n_good += cat(&c, argv[i], range);
    cril_coding_close(&c);
    return cril_coding_exit(argc ? n_good == argc : n_good == 1);
}

const struct cril_cmd cril_cmd_cat = {
    .name = "cat",
    .summary = "Write the text of archives, or a part of it, to standard output.",
    .usage = "cat -m MODEL [--range A-B] [options] [FILE...]",
    .run = run,
    .options = options,
    .more_help = print_more_help,
};
