/*
 * Options by table: parsing, help, and suggestions for mistyped names. getopt_long only parses, and
 * is not POSIX. Nearest name: edit distance (Levenshtein 1965), at most a third of the word.
 */
#include "args.h"

#include "output.h"

#include <cril/hub.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LONGEST_NAME = 31, HELP_COLUMN = 28 };

int cril_args_usage(const struct cril_cmd *cmd, const char *format, ...)
{
    const char *space = cmd ? " " : "", *name = cmd ? cmd->name : "";
    char start[64], end[96];
    va_list ap;

    snprintf(start, sizeof(start), "cril%s%s", space, name);
    snprintf(end, sizeof(end), "; try 'cril%s%s --help'", space, name);
    va_start(ap, format);
    cril_print_sentence(start, format, ap, end);
    va_end(ap);
    return 2;
}

static size_t edit_distance(const char *a, const char *b)
{
    size_t row[LONGEST_NAME + 1], len = strlen(b);

    for (size_t j = 0; j <= len; j++)
        row[j] = j;
    for (size_t i = 0; a[i]; i++) {
        size_t diagonal = row[0];

        row[0] = i + 1;
        for (size_t j = 0; j < len; j++) {
            size_t best = diagonal + (a[i] != b[j]);

            diagonal = row[j + 1];
            if (diagonal + 1 < best)
                best = diagonal + 1;
            if (row[j] + 1 < best)
                best = row[j] + 1;
            row[j + 1] = best;
        }
    }
    return row[len];
}

void cril_nearest_offer(struct cril_nearest *n, const char *name)
{
    size_t len = strlen(n->word), d;

    if (len > LONGEST_NAME || strlen(name) > LONGEST_NAME)
        return;
    if (len >= 3 && strncmp(n->word, name, len) == 0) /* cut short rather than mistyped */
        d = 1;
    else
        d = edit_distance(n->word, name);
    if (d <= (len + 2) / 3 && (!n->best || d < n->distance)) {
        n->best = name;
        n->distance = d;
    }
}

/* By its name, or because it is a folder with a config.json. */
static bool is_model(const char *path)
{
    static const char suffix[] = ".gguf";
    const size_t len = strlen(path);
    const int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const bool has_config = folder >= 0 && faccessat(folder, "config.json", F_OK, 0) == 0;

    if (folder >= 0)
        close(folder);
    return has_config ||
           (len >= sizeof(suffix) && strcmp(path + len - sizeof(suffix) + 1, suffix) == 0);
}

int cril_args_no_model(const struct cril_cmd *cmd, int n, char *const *operands)
{
    for (int i = 0; i < n; i++) {
        if (cril_hub_is_name(operands[i]) || is_model(operands[i]))
            return cril_args_usage(cmd, "no model given; if %s is the model, write -m before it",
                                   operands[i]);
    }
    return cril_args_usage(cmd, "no model given, name one with -m FILE");
}

/* ---- help ---- */

static void option_help(const struct cril_option *o)
{
    char left[96];
    int n = o->also ? snprintf(left, sizeof(left), "  -%c, -%c, --%s", o->letter, o->also, o->name)
            : o->letter ? snprintf(left, sizeof(left), "  -%c, --%s", o->letter, o->name)
                        : snprintf(left, sizeof(left), "      --%s", o->name);

    if (o->value && n > 0 && (size_t)n < sizeof(left))
        snprintf(left + n, sizeof(left) - (size_t)n, " %s", o->value);
    printf("%-*s  %s\n", HELP_COLUMN, left, o->help);
}

/* "init" of "study init". */
static const char *part_name(const struct cril_cmd *cmd, const struct cril_cmd *part)
{
    return part->name + strlen(cmd->name) + 1;
}

void cril_args_help(const struct cril_cmd *cmd)
{
    static const struct cril_option help = {
        .letter = 'h', .name = "help", .help = "print this help"};

    printf("%s\n\nUsage: cril %s\n", cmd->summary, cmd->usage);
    if (cmd->parts)
        puts("\nSubcommands:");
    for (const struct cril_cmd *const *p = cmd->parts; p && *p; p++)
        printf("  %-12s%s\n", part_name(cmd, *p), (*p)->summary);
    if (!cmd->options->name)
        puts("\nOptions:");
    for (const struct cril_option *o = cmd->options; o->name; o++) {
        if (o->group)
            printf("\n%s:\n", o->group);
        option_help(o);
    }
    option_help(&help);
    if (cmd->more_help)
        cmd->more_help();
    if (ferror(stdout)) /* a text longer than its buffer: the reason is at hand here alone */
        cril_stdout_failed(errno);
}

/* ---- subcommands ---- */

const struct cril_cmd *cril_args_part(const struct cril_cmd *cmd, const char *word)
{
    struct cril_nearest nearest = {.word = word};

    for (const struct cril_cmd *const *p = cmd->parts; p && *p; p++) {
        if (strcmp(part_name(cmd, *p), word) == 0)
            return *p;
        cril_nearest_offer(&nearest, part_name(cmd, *p));
    }
    if (nearest.best)
        cril_args_usage(cmd, "unknown subcommand '%.40s', the nearest is '%s'", word, nearest.best);
    else
        cril_args_usage(cmd, "unknown subcommand '%.40s'", word);
    return NULL;
}

int cril_args_run_part(const struct cril_cmd *cmd, int argc, char **argv)
{
    const struct cril_cmd *part;

    if (argc < 2)
        return cril_args_usage(cmd, "no subcommand given");
    if (argv[1][0] == '-') {
        const int code = cril_args_parse(cmd, NULL, &argc, argv);

        return code == CRIL_ARGS_GO_ON ? cril_args_usage(cmd, "no subcommand given") : code;
    }
    part = cril_args_part(cmd, argv[1]);
    return part ? part->run(part, argc - 1, argv + 1) : 2;
}

/* ---- parsing ---- */

static int unknown_option(const struct cril_cmd *cmd, const char *name, size_t len)
{
    char word[LONGEST_NAME + 1];
    struct cril_nearest nearest = {.word = word};

    if (len <= LONGEST_NAME) {
        memcpy(word, name, len);
        word[len] = '\0';
        for (const struct cril_option *o = cmd->options; o->name; o++)
            cril_nearest_offer(&nearest, o->name);
    }
    if (nearest.best)
        return cril_args_usage(cmd, "unknown option '--%.*s', the nearest is '--%s'", (int)len,
                               name, nearest.best);
    return cril_args_usage(cmd, "unknown option '--%.*s'", (int)len, name);
}

/* Digits at *text, which moves past them. */
static bool read_digits(const char **text, uint64_t *out)
{
    bool good = isdigit((unsigned char)**text) != 0;
    uint64_t v = 0;

    for (; good && isdigit((unsigned char)**text); ++*text) {
        uint64_t digit = (uint64_t)(unsigned char)**text - '0';

        good = v <= (UINT64_MAX - digit) / 10;
        v = good ? 10 * v + digit : v;
    }
    *out = v;
    return good;
}

static int parse_number(const struct cril_cmd *cmd, const struct cril_option *o, const char *text,
                        uint64_t *out)
{
    const char *p = text;
    uint64_t v;

    if (!read_digits(&p, &v) || *p || v < o->min || v > o->max)
        return cril_args_usage(cmd, "--%s takes a whole number from %llu to %llu, not '%s'",
                               o->name, (unsigned long long)o->min, (unsigned long long)o->max,
                               text);
    *out = v;
    return CRIL_ARGS_GO_ON;
}

static const char units[] = "KMGT"; /* 1024, 1024^2, ... */

bool cril_args_words(const char *list, bool (*take)(void *user, const char *word), void *user)
{
    char *copy = strdup(list), *word = copy;
    bool good = copy != NULL;

    if (!copy)
        cril_print_error("out of memory");
    while (good && word) {
        char *end = strchr(word, ',');

        if (end)
            *end++ = '\0';
        if (*word)
            good = take(user, word);
        word = end;
    }
    free(copy);
    return good;
}

/* Up to 5 digits. */
static bool read_count(const char **text, unsigned *out)
{
    const char *from = *text;

    for (*out = 0; **text >= '0' && **text <= '9' && *text - from < 5; ++*text)
        *out = *out * 10 + (unsigned)(**text - '0');
    return *text > from;
}

bool cril_args_shard(const char *text, unsigned *shard, unsigned *shards)
{
    if (!text)
        return true;
    return read_count(&text, shard) && *text++ == '/' && read_count(&text, shards) && !*text &&
           *shard >= 1 && *shard <= *shards;
}

bool cril_args_read_size(const char **text, uint64_t *out)
{
    const char *p = *text, *unit;
    uint64_t v;
    bool good = read_digits(&p, &v);

    if (good && *p && (unit = strchr(units, toupper((unsigned char)*p))) != NULL) {
        for (size_t i = 0; i <= (size_t)(unit - units); i++) {
            good = good && v <= UINT64_MAX / 1024;
            v *= 1024;
        }
        p++;
        p += p[0] == 'i' && p[1] == 'B' ? 2 : p[0] == 'B';
    }
    if (!good)
        return false;
    *text = p;
    *out = v;
    return true;
}

static int parse_tokens(const struct cril_cmd *cmd, const struct cril_option *o, const char *text,
                        uint64_t *out)
{
    const char *p = text;
    uint64_t v, unit = 1;
    const bool good = read_digits(&p, &v);

    if (*p == 'k' || *p == 'K') {
        unit = 1024;
        p++;
    }
    if (!good || *p || v < o->min || v > o->max / unit)
        return cril_args_usage(cmd,
                               "--%s takes a number of tokens from %llu to %llu, such as 4096 "
                               "or 32k, not '%s'",
                               o->name, (unsigned long long)o->min, (unsigned long long)o->max,
                               text);
    *out = v * unit;
    return CRIL_ARGS_GO_ON;
}

static int parse_count(const struct cril_cmd *cmd, const struct cril_option *o, const char *text,
                       uint64_t *out)
{
    static const char powers[] = "KMG"; /* 1000, 1000^2, ... */
    const char *p = text, *power;
    uint64_t v;
    bool good = read_digits(&p, &v);

    if (good && *p && (power = strchr(powers, toupper((unsigned char)*p))) != NULL) {
        for (const char *at = powers; at <= power; at++) {
            good = good && v <= UINT64_MAX / 1000;
            v *= 1000;
        }
        p++;
    }
    if (!good || *p || v < o->min || v > o->max)
        return cril_args_usage(cmd,
                               "--%s takes a whole number from %llu to %llu, perhaps in thousands "
                               "(K), millions (M) or billions (G), not '%s'",
                               o->name, (unsigned long long)o->min, (unsigned long long)o->max,
                               text);
    *out = v;
    return CRIL_ARGS_GO_ON;
}

/* "1G" for 1 << 30. */
static const char *size_text(uint64_t v, char out[32])
{
    size_t unit = 0;

    for (; v && v % 1024 == 0 && unit < sizeof(units) - 1; unit++)
        v /= 1024;
    snprintf(out, 32, "%llu%.*s", (unsigned long long)v, unit != 0, unit ? &units[unit - 1] : "");
    return out;
}

static int parse_size(const struct cril_cmd *cmd, const struct cril_option *o, const char *text,
                      uint64_t *out)
{
    const char *p = text;
    char min[32], max[32];
    uint64_t v;

    if (!cril_args_read_size(&p, &v) || *p)
        return cril_args_usage(cmd, "--%s takes a size such as 500M or 8G, not '%s'", o->name,
                               text);
    if (v < o->min || v > o->max)
        return cril_args_usage(cmd, "--%s takes a size from %s to %s, not '%s'", o->name,
                               size_text(o->min, min), size_text(o->max, max), text);
    *out = v;
    return CRIL_ARGS_GO_ON;
}

static int check_choice(const struct cril_cmd *cmd, const struct cril_option *o, const char *text)
{
    char all[256] = "";
    size_t at = 0;

    if (!o->choice)
        return CRIL_ARGS_GO_ON;
    for (size_t i = 0; o->choice(i) && at < sizeof(all); i++) {
        if (strcmp(text, o->choice(i)) == 0)
            return CRIL_ARGS_GO_ON;
        at += (size_t)snprintf(all + at, sizeof(all) - at, "%s%s", i ? ", " : "", o->choice(i));
    }
    return cril_args_usage(cmd, "--%s is one of %s, not '%s'", o->name, all, text);
}

static int add_to_list(const struct cril_cmd *cmd, const char *text, struct cril_args_list *list)
{
    const char **data = realloc(list->data, (list->n + 1) * sizeof(*data));

    if (!data)
        return cril_print_error("out of memory for the options of %s", cmd->name);
    list->data = data;
    data[list->n++] = text;
    return CRIL_ARGS_GO_ON;
}

static int set_option(const struct cril_cmd *cmd, const struct cril_option *o, const char *value,
                      void *settings)
{
    void *field = (char *)settings + o->offset;
    int code;

    switch (o->kind) {
    case CRIL_OPTION_FLAG: *(bool *)field = true; return CRIL_ARGS_GO_ON;
    case CRIL_OPTION_NUMBER: return parse_number(cmd, o, value, field);
    case CRIL_OPTION_TOKENS: return parse_tokens(cmd, o, value, field);
    case CRIL_OPTION_COUNT: return parse_count(cmd, o, value, field);
    case CRIL_OPTION_LIST: return add_to_list(cmd, value, field);
    case CRIL_OPTION_SIZE: return parse_size(cmd, o, value, field);
    case CRIL_OPTION_TEXT: break;
    }
    if (*(const char **)field)
        return cril_args_usage(cmd, "--%s is given twice", o->name);
    if ((code = check_choice(cmd, o, value)) == CRIL_ARGS_GO_ON)
        *(const char **)field = value;
    return code;
}

/* The state of a walk over argv; at is the next argument to look at. */
struct walk {
    const struct cril_cmd *cmd;
    void *settings;
    int argc, at;
    char **argv;
};

static int parse_long(struct walk *w, const char *name)
{
    size_t len = strcspn(name, "=");
    const char *value = name[len] ? name + len + 1 : NULL;
    const struct cril_option *o = w->cmd->options;

    if (strcmp(name, "help") == 0) {
        cril_args_help(w->cmd);
        return 0;
    }
    while (o->name && (strlen(o->name) != len || strncmp(o->name, name, len) != 0))
        o++;
    if (!o->name)
        return unknown_option(w->cmd, name, len);
    if (o->kind == CRIL_OPTION_FLAG && value)
        return cril_args_usage(w->cmd, "--%s takes no value", o->name);
    if (o->kind != CRIL_OPTION_FLAG && !value) {
        if (w->at == w->argc)
            return cril_args_usage(w->cmd, "--%s needs a value", o->name);
        value = w->argv[w->at++];
    }
    return set_option(w->cmd, o, value, w->settings);
}

static int parse_letters(struct walk *w, const char *letters)
{
    for (; *letters; letters++) {
        const struct cril_option *o = w->cmd->options;
        const char *value = letters[1] ? letters + 1 : NULL;
        int code;

        if (*letters == 'h') {
            cril_args_help(w->cmd);
            return 0;
        }
        while (o->name && o->letter != *letters && o->also != *letters)
            o++;
        if (!o->name)
            return cril_args_usage(w->cmd, "unknown option '-%c'", *letters);
        if (o->kind != CRIL_OPTION_FLAG && !value) {
            if (w->at == w->argc)
                return cril_args_usage(w->cmd, "-%c needs a value", *letters);
            value = w->argv[w->at++];
        }
        code = set_option(w->cmd, o, value, w->settings);
        if (code != CRIL_ARGS_GO_ON || o->kind != CRIL_OPTION_FLAG)
            return code;
    }
    return CRIL_ARGS_GO_ON;
}

int cril_args_parse(const struct cril_cmd *cmd, void *settings, int *argc, char **argv)
{
    struct walk w = {cmd, settings, *argc, 1, argv};
    bool options = true;
    int n = 0, code = CRIL_ARGS_GO_ON;

    while (w.at < w.argc && code == CRIL_ARGS_GO_ON) {
        char *arg = argv[w.at++];

        if (!options || arg[0] != '-' || !arg[1])
            argv[n++] = arg; /* n < w.at: what is overwritten has been read */
        else if (strcmp(arg, "--") == 0)
            options = false;
        else if (arg[1] == '-')
            code = parse_long(&w, arg + 2);
        else
            code = parse_letters(&w, arg + 1);
    }
    *argc = n;
    return code;
}
