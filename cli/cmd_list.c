/*
 * cril list: what archives hold, from their headers and indexes; no model is needed.
 *
 * All archives are looked at before the table is printed, so that its columns fit.
 */
#include "args.h"
#include "input.h"
#include "output.h"
#include "table.h"

#include <cril/codec.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct settings {
    bool json, verbose;
};

#define AT(field) .kind = CRIL_OPTION_FLAG, .offset = offsetof(struct settings, field)

static const struct cril_option options[] = {
    {.group = "Options",
     .name = "json",
     AT(json),
     .help = "one JSON object an archive instead of a table"},
    {.letter = 'v',
     .name = "verbose",
     AT(verbose),
     .help = "whole identities, sizes of parts, and a row a segment (also with --json)"},
    {.name = NULL},
};

static void print_more_help(void)
{
    fputs("\nNo FILE, or '-': standard input. ratio: original / archive; bits/byte: 8 * archive /\n"
          "original; model: the identity of the model that decodes it, see 'cril info --sha256'.\n"
          "\nExamples:\n"
          "  cril list *.cril\n"
          "  cril list -v book.txt.cril\n"
          "  cril list --json *.cril | jq .bits_per_byte\n",
          stdout);
}

struct row {
    const char *name;
    struct cril_input_archive in;
};

static double ratio(uint64_t a, uint64_t b)
{
    return b ? (double)a / (double)b : 0;
}

/* ---- table ---- */

static void print_header(int width)
{
    printf("%-*s %8s %12s %12s %7s %9s %10s %7s %6s  %s\n", width, "archive", "segments",
           "original", "archive", "ratio", "bits/byte", "tokens", "context", "stride", "model");
}

static void print_sizes(const char *name, int width, uint64_t segments, uint64_t original,
                        uint64_t archive)
{
    cril_print_padded(stdout, name, width);
    printf(" %8" PRIu64 " %12" PRIu64 " %12" PRIu64, segments, original, archive);
    if (original)
        printf(" %7.3f %9.4f", ratio(original, archive), 8 * ratio(archive, original));
    else
        printf(" %7s %9s", "-", "-");
}

static void print_segments(const cril_archive *a, uint64_t n)
{
    if (n)
        printf("  %8s %12s %12s %12s %12s %9s %10s\n", "segment", "start", "original", "offset",
               "archive", "bits/byte", "tokens");
    for (uint64_t i = 0; i < n; i++) {
        cril_archive_segment s;

        cril_archive_segment_at(a, i, &s);
        printf("  %8" PRIu64 " %12" PRIu64 " %12" PRIu64 " %12" PRIu64 " %12" PRIu64
               " %9.4f %10" PRIu64 "\n",
               i + 1, s.start, s.original_bytes, s.offset, s.archive_bytes,
               8 * ratio(s.archive_bytes, s.original_bytes), s.tokens);
    }
}

static void print_row(const struct row *row, int width, bool verbose)
{
    const cril_archive_info *i = cril_archive_info_of(row->in.archive);

    print_sizes(cril_input_spoken(row->name), width, i->segments, i->original_bytes,
                i->archive_bytes);
    printf(" %10" PRIu64 " %7zu %6zu  %.12s\n", i->tokens, i->context, i->stride, i->model_sha256);
    if (!verbose)
        return;
    printf("  format %u, numeric contract %d, scoring rules %d, protocol %s\n", i->version,
           i->numerics, i->rules, i->protocol);
    printf("  model  %s\n  text   %s\n", i->model_sha256, i->sha256);
    printf("  coded %" PRIu64 " bytes, raw %" PRIu64 ", the rest is container %" PRIu64 "\n",
           i->code_bytes, i->raw_bytes, i->archive_bytes - i->code_bytes - i->raw_bytes);
    print_segments(row->in.archive, i->segments);
}

static void print_table(const struct row *rows, size_t n, const struct settings *set)
{
    uint64_t segments = 0, original = 0, archive = 0;
    int width = cril_text_width("archive");

    for (size_t i = 0; i < n; i++)
        cril_widen(&width, cril_input_spoken(rows[i].name));
    print_header(width);
    for (size_t i = 0; i < n; i++) {
        const cril_archive_info *info = cril_archive_info_of(rows[i].in.archive);

        print_row(&rows[i], width, set->verbose);
        segments += info->segments;
        original += info->original_bytes;
        archive += info->archive_bytes;
    }
    if (n > 1) {
        print_sizes("total", width, segments, original, archive);
        putchar('\n');
    }
}

/* ---- JSON ---- */

/* NULL: out of memory. */
static json_t *segments_json(const cril_archive *a, uint64_t n)
{
    json_t *list = json_array();

    for (uint64_t i = 0; list && i < n; i++) {
        cril_archive_segment s;

        cril_archive_segment_at(a, i, &s);
        if (json_array_append_new(
                list, json_pack("{s:I, s:I, s:I, s:I, s:I}", "start", (json_int_t)s.start,
                                "original_bytes", (json_int_t)s.original_bytes, "offset",
                                (json_int_t)s.offset, "archive_bytes", (json_int_t)s.archive_bytes,
                                "tokens", (json_int_t)s.tokens)) != 0) {
            json_decref(list);
            list = NULL;
        }
    }
    return list;
}

static json_t *row_json(const struct row *row, bool verbose)
{
    const cril_archive_info *i = cril_archive_info_of(row->in.archive);
    json_t *o = json_pack(
        "{s:o, s:i, s:i, s:i, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:s}", "file",
        cril_json_string(row->name), "version", (int)i->version, "numerics", i->numerics, "rules",
        i->rules, "model_identity", i->model_sha256, "protocol", i->protocol, "context",
        (json_int_t)i->context, "stride", (json_int_t)i->stride, "segments",
        (json_int_t)i->segments, "original_bytes", (json_int_t)i->original_bytes, "archive_bytes",
        (json_int_t)i->archive_bytes, "code_bytes", (json_int_t)i->code_bytes, "raw_bytes",
        (json_int_t)i->raw_bytes, "tokens", (json_int_t)i->tokens, "bits_per_byte",
        i->original_bytes ? json_real(8 * ratio(i->archive_bytes, i->original_bytes)) : json_null(),
        "sha256", i->sha256);

    if (o && verbose &&
        json_object_set_new(o, "segment_list", segments_json(row->in.archive, i->segments)) != 0) {
        json_decref(o);
        o = NULL;
    }
    return o;
}

static bool print_objects(const struct row *rows, size_t n, const struct settings *set)
{
    bool good = true;

    for (size_t i = 0; i < n && good; i++)
        good = cril_print_json(row_json(&rows[i], set->verbose), 0) == 0;
    return good;
}

/* ---- */

static bool list(const struct settings *set, size_t n_names, char **names, struct row *rows)
{
    size_t n = 0;
    bool good = true;

    for (size_t i = 0; i < n_names; i++) {
        cril_error err;

        if (cril_input_archive_open(&rows[n].in, names[i], &err)) {
            rows[n++].name = names[i];
        } else {
            cril_print_error("%s", err.message);
            good = false;
        }
    }
    if (set->json)
        good = print_objects(rows, n, set) && good;
    else if (n)
        print_table(rows, n, set);
    for (size_t i = 0; i < n; i++)
        cril_input_archive_close(&rows[i].in);
    return good;
}

static int run(const struct cril_cmd *cmd, int argc, char **argv)
{
    static char input[] = "-";
    char *only[] = {input};
    struct settings set = {0};
    struct row *rows;
    int n_stdin = 0, code = cril_args_parse(cmd, &set, &argc, argv);

    if (code != CRIL_ARGS_GO_ON)
        return code;
    if (!argc) {
        argv = only;
        argc = 1;
    }
    for (int i = 0; i < argc; i++)
        n_stdin += strcmp(argv[i], "-") == 0;
    if (n_stdin > 1)
        return cril_args_usage(cmd, "standard input can be one file only");
    if (n_stdin && isatty(STDIN_FILENO))
        return cril_args_usage(cmd, "no archive given, and standard input is a terminal");
    if (!(rows = calloc((size_t)argc, sizeof(*rows))))
        return cril_print_error("out of memory");
    code = list(&set, (size_t)argc, argv, rows) ? 0 : 1;
    free(rows);
    return code;
}

const struct cril_cmd cril_cmd_list = {
    .name = "list",
    .summary = "Show what archives hold; needs no model.",
    .usage = "list [options] [FILE...]",
    .run = run,
    .options = options,
    .more_help = print_more_help,
};
