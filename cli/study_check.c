/*
 * cril study check: whether a study file is right, and what it says once patterns and defaults are
 * filled in.
 */
#include "args.h"
#include "output.h"
#include "cmd_study.h"
#include "studying.h"

#include <cril/study.h>
#include <cril/study_run.h>
#include <stdbool.h>
#include <string.h>

struct settings {
    bool quiet;
};

static const struct cril_option options[] = {
    {.group = "Options",
     .letter = 'q',
     .name = "quiet",
     .kind = CRIL_OPTION_FLAG,
     .offset = offsetof(struct settings, quiet),
     .help = "print nothing if all is right"},
    {.name = NULL},
};

static void print_more_help(void)
{
    fputs(
        "\nReads FILE as 'cril study run' would, opens every model and reads every corpus that it\n"
        "names, and compares the tokens of models with those of their bases. Prints what the\n"
        "study is, and up to ten faults on standard error, each with file and line: what 'cril\n"
        "study run' would refuse or leave out.\n"
        "\nExit code: 0 all is right, 1 it is not.\n"
        "\nExamples:\n"
        "  cril study check study.yaml\n",
        stdout);
}

static void print_text(const char *text)
{
    cril_print_escaped(stdout, text, strlen(text));
}

/* Item i of a list whose items follow each other by group: "a, b (one); c (other)". next: the group
 * of item i + 1; NULL: none. */
static void print_item(const char *name, const char *group, const char *next)
{
    const bool ends = !next || strcmp(next, group) != 0;

    print_text(name);
    if (ends && strcmp(group, name) != 0) {
        fputs(" (", stdout);
        print_text(group);
        putchar(')');
    }
    if (next)
        fputs(ends ? "; " : ", ", stdout);
}

static void print_protocols(const cril_study_info *s)
{
    fputs("protocols   ", stdout);
    for (size_t i = 0; i < s->n_protocols; i++) {
        const cril_study_protocol *p = &s->protocols[i];

        fputs(i ? ", " : "", stdout);
        print_text(p->name);
        if (p->context)
            printf(" context %zu", p->context);
        if (p->stride)
            printf(" stride %zu", p->stride);
    }
    putchar('\n');
}

static void print_study(const cril_study_info *s)
{
    fputs("title       ", stdout);
    print_text(s->title);
    fputs("\ndatabase    ", stdout);
    print_text(s->database);
    putchar('\n');
    print_protocols(s);
    printf("models      %zu: ", s->n_models);
    for (size_t i = 0; i < s->n_models; i++)
        print_item(s->models[i].name, s->models[i].family,
                   i + 1 < s->n_models ? s->models[i + 1].family : NULL);
    printf("\ncorpora     %zu: ", s->n_corpora);
    for (size_t i = 0; i < s->n_corpora; i++)
        print_item(s->corpora[i].name, s->corpora[i].group,
                   i + 1 < s->n_corpora ? s->corpora[i + 1].group : NULL);
    printf("\nbenchmarks  %zu%s", s->n_benchmarks, s->n_benchmarks ? ": " : "");
    for (size_t i = 0; i < s->n_benchmarks; i++)
        print_item(s->benchmarks[i].name, s->benchmarks[i].group,
                   i + 1 < s->n_benchmarks ? s->benchmarks[i + 1].group : NULL);
    printf("\nfits        %zu%s", s->n_fits, s->n_fits ? ": " : "");
    for (size_t i = 0; i < s->n_fits; i++) {
        fputs(i ? ", " : "", stdout);
        print_text(s->fits[i].name);
    }
    if (s->n_leaks)
        printf("\nleaks       %zu: ", s->n_leaks);
    for (size_t i = 0; i < s->n_leaks; i++) {
        fputs(i ? ", " : "", stdout);
        print_text(s->leaks[i].benchmark);
    }
    putchar('\n');
}

static int print_faults(const cril_study_faults *faults)
{
    for (size_t i = 0; i < faults->n; i++)
        cril_print_error("%s", faults->fault[i].message);
    if (faults->more)
        cril_print_note("there may be more faults");
    return 1;
}

static int run(const struct cril_cmd *cmd, int argc, char **argv)
{
    struct settings set = {0};
    cril_study_faults faults;
    cril_study *s;
    int code = cril_studying_args(cmd, &set, argc, argv);

    if (code != CRIL_ARGS_GO_ON)
        return code;
    if (cril_study_check(argv[0], &s, &faults) != CRIL_OK)
        return print_faults(&faults);
    if (!set.quiet)
        print_study(cril_study_info_of(s));
    if (cril_study_run_check(cril_study_info_of(s), &faults) != CRIL_OK)
        code = print_faults(&faults);
    else
        code = 0;
    cril_study_close(s);
    return code;
}

const struct cril_cmd cril_study_cmd_check = {
    .name = "study check",
    .summary = "Check a study file, and print the study.",
    .usage = "study check [options] FILE",
    .run = run,
    .options = options,
    .more_help = print_more_help,
};
