/*
 * A study file to a study: tables of keys say what may stand where (yaml.h), functions below make
 * entries of it.
 *
 * First each section alone, then what lies between them: names, groups, words. A fault does not
 * stop the reading, but faults that follow from it are not reported: fits are checked once models,
 * corpora and benchmarks are known to be right.
 */
#include "study/file.h"

#include "score/protocol.h"
#include "study/benchmark.h"
#include "formats/match.h"
#include "study/paths.h"
#include "study/words.h"
#include "util/fail.h"
#include "util/mapfile.h"
#include "util/nearest.h"
#include "util/size.h"
#include "util/utf8.h"
#include "util/yaml.h"

#include <cril/hub.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MAX_ITEMS = 4096 };                          /* of a kind */
static const uint64_t MOST_STEPS = 999999999999999; /* a double is exact */

struct cril_study {
    cril_study_info info; /* its lists are those below */
    struct cril_arena arena;
    cril_study_model *models;
    cril_study_corpus *corpora;
    cril_study_benchmark *benchmarks;
    cril_study_protocol *protocols;
    cril_study_fit *fits;
    cril_study_leak *leaks;
    size_t cap_models, cap_corpora, cap_benchmarks, cap_protocols, cap_fits, cap_leaks;
};

struct loader {
    struct cril_yaml y;
    cril_study *s;
    bool touch_files;
    bool too_many; /* items of a kind */
};

static void no_memory(struct loader *l)
{
    l->y.no_memory = true;
}

/* Whether reading can go on: there is memory, and room for faults. */
static bool going_on(const struct loader *l)
{
    return !l->y.no_memory && !l->y.faults.more && !l->too_many;
}

#define FAULT(l, line, ...) cril_yaml_fault(&(l)->y, CRIL_ERR_RANGE, line, __VA_ARGS__)

/* A sentence of another part of the library, with file and line in front. */
static void pass_on(struct loader *l, size_t line, const cril_error *e)
{
    if (e->status == CRIL_ERR_NOMEM)
        no_memory(l);
    else
        cril_yaml_fault(&l->y, e->status, line, "%s", e->message);
}

/* Room for one more. False: there is none, and a fault was noted. */
static bool make_room(struct loader *l, void **items, size_t *cap, size_t n, size_t size,
                      const char *what, size_t line)
{
    void *grown;

    if (n >= MAX_ITEMS) {
        if (!l->too_many)
            FAULT(l, line, "more than %d %s; split the study", MAX_ITEMS, what);
        l->too_many = true;
        return false;
    }
    if (!(grown = cril_size_grow(*items, cap, n, 1, size))) {
        no_memory(l);
        return false;
    }
    *items = grown;
    return true;
}

/* Adds to a list of the study: models, corpora, ... */
#define ADD(l, list, line, ...)                                                                    \
    do {                                                                                           \
        cril_study *add_s = (l)->s;                                                                \
        void *add_items = add_s->list;                                                             \
        if (make_room(l, &add_items, &add_s->cap_##list, add_s->info.n_##list,                     \
                      sizeof(*add_s->list), #list, line)) {                                        \
            add_s->list = add_items;                                                               \
            add_s->list[add_s->info.n_##list++] = __VA_ARGS__;                                     \
            add_s->info.list = add_s->list;                                                        \
        }                                                                                          \
    } while (0)

static const char *const *words_of(struct loader *l, const struct cril_yaml_texts *t)
{
    const char **words = cril_arena_take(&l->s->arena, t->n, sizeof(*words));

    if (!words)
        no_memory(l);
    for (size_t i = 0; words && i < t->n; i++)
        words[i] = t->items[i].text;
    return words;
}

/* A path of the file, below its folder. NULL: a fault was noted. */
static const char *path_of(struct loader *l, const struct cril_yaml_text *t)
{
    char *path = NULL;

    if (t->text[0] == '~' && (t->text[1] == '/' || !t->text[1]))
        FAULT(l, t->line, "\"%.80s\": '~' is not expanded here; write the path out", t->text);
    else if (strcmp(t->text, "-") == 0)
        FAULT(l, t->line,
              "\"-\": a study cannot read standard input, which ends; save it to a file");
    else if (!(path = cril_path_below(&l->s->arena, l->s->info.path, t->text)))
        no_memory(l);
    return path;
}

/* A name that was taken from a file's: it may hold anything. False: a fault was noted. */
static bool check_file_name(struct loader *l, size_t line, const char *path, const char *name,
                            const char *remedy)
{
    const char *why = *name ? cril_yaml_name_fault(name) : "is empty";
    const size_t len = strlen(name);

    for (size_t i = 0; i < len && !why;) {
        uint32_t code;

        i += cril_utf8_read(name + i, len - i, &code);
        if (code == CRIL_UTF8_ILL)
            why = "is not UTF-8";
    }
    if (why)
        FAULT(l, line, "%.200s: the name that follows from it, \"%.60s\", %s; %s", path, name, why,
              remedy);
    return !why;
}

/* ---- models ---- */

struct model_fields {
    struct cril_yaml_text path, name, family, diverge;
    struct cril_yaml_texts tags;
    struct cril_yaml_count step;
};

static const struct cril_yaml_key model_keys[] = {
    {"path", CRIL_YAML_TEXT, offsetof(struct model_fields, path), 0},
    {"name", CRIL_YAML_NAME, offsetof(struct model_fields, name), 0},
    {"family", CRIL_YAML_NAME, offsetof(struct model_fields, family), 0},
    {"tags", CRIL_YAML_NAMES, offsetof(struct model_fields, tags), 0},
    {"diverge", CRIL_YAML_NAME, offsetof(struct model_fields, diverge), 0},
    {"step", CRIL_YAML_NUMBER, offsetof(struct model_fields, step), MOST_STEPS},
    {0},
};

/* Checkpoints of one run are one family, unless the file says otherwise. */
static void add_model(struct loader *l, size_t line, const struct model_fields *f, const char *name,
                      const char *path, const char *const *tags)
{
    const char *family = f->family.text ? f->family.text : name;
    uint64_t step = f->step.value;
    size_t stem = 0;
    const bool is_named = cril_study_step(name, f->step.line ? NULL : &step, &stem);

    if (is_named && !f->family.text && !(family = cril_arena_text(&l->s->arena, name, stem))) {
        no_memory(l);
        return;
    }
    ADD(l, models, line,
        (cril_study_model){.name = name,
                           .family = family,
                           .path = path,
                           .tags = tags,
                           .n_tags = f->tags.n,
                           .base = f->diverge.text,
                           .has_step = is_named || f->step.line,
                           .step = step,
                           .line = line});
}

static int compare_models(const void *a, const void *b)
{
    const cril_study_model *m = a, *n = b;
    const int by_name = strcmp(m->name, n->name);

    return by_name ? by_name : strcmp(m->path, n->path);
}

/* The same of a model: one that is named on the hub lies in its cache. */
static const char *model_path_of(struct loader *l, const struct cril_yaml_text *t)
{
    const char *path;
    cril_hub_model m;
    cril_error err;

    if (!cril_hub_is_name(t->text))
        return path_of(l, t);
    if (!l->touch_files)
        return t->text;
    if (cril_hub_find(t->text, &m, &err) != CRIL_OK) {
        pass_on(l, t->line, &err);
        return NULL;
    }
    if (!(path = cril_arena_text(&l->s->arena, m.path, strlen(m.path))))
        no_memory(l);
    cril_hub_model_free(&m);
    return path;
}

/* The name that follows from a model's path; the folder of a repository has the repository's. */
static const char *model_name_of(struct loader *l, const char *text, const char *path)
{
    cril_hub_name n;
    const char *name;

    if (cril_hub_is_name(text) && cril_hub_name_parse(text, &n, NULL) == CRIL_OK && !n.file[0] &&
        !n.type[0]) {
        name = strchr(n.repository, '/') + 1;
        return cril_arena_text(&l->s->arena, name, strlen(name));
    }
    return cril_path_model_name(&l->s->arena, path);
}

static void check_model(struct loader *l, size_t line, const char *path, const char *remedy)
{
    cril_error err;

    if (l->touch_files && cril_path_check_model(path, &err) != CRIL_OK)
        cril_yaml_fault(&l->y, err.status, line, "%s%s", err.message, remedy);
}

static void add_matches(struct loader *l, size_t line, const struct model_fields *f,
                        const char *const *tags)
{
    const size_t first = l->s->info.n_models;
    struct cril_paths found;
    cril_error err;

    if (cril_path_match(&l->s->arena, l->s->info.path, f->path.text, &found, &err) != CRIL_OK) {
        pass_on(l, f->path.line, &err);
        return;
    }
    if (!found.n)
        cril_yaml_fault(&l->y, CRIL_ERR_IO, f->path.line,
                        "no file matches \"%.200s\"; the search starts at the study file's folder",
                        f->path.text);
    for (size_t i = 0; i < found.n && going_on(l); i++) {
        char *name = cril_path_model_name(&l->s->arena, found.paths[i]);

        if (!name) {
            no_memory(l);
            return;
        }
        check_model(l, f->path.line, found.paths[i], "; narrow the pattern");
        if (check_file_name(l, f->path.line, found.paths[i], name,
                            "rename the file, or give it an item of its own"))
            add_model(l, line, f, name, found.paths[i], tags);
    }
    if (l->s->info.n_models > first)
        qsort(l->s->models + first, l->s->info.n_models - first, sizeof(*l->s->models),
              compare_models);
}

/* The item names one file. */
static void add_file(struct loader *l, size_t line, const struct model_fields *f, const char *path,
                     const char *const *tags)
{
    const char *name = f->name.text;

    if (cril_model_is_later_part(path)) {
        FAULT(l, f->path.line,
              "%.200s: is a later part of a model; name the first, which ends in -00001-of-...",
              path);
        return;
    }
    check_model(l, f->path.line, path, "");
    if (!name) {
        if (!(name = model_name_of(l, f->path.text, path))) {
            no_memory(l);
            return;
        }
        if (!check_file_name(l, f->path.line, path, name, "give it a \"name\""))
            return;
    }
    add_model(l, line, f, name, path, tags);
}

/* As the file has it, and below the file's folder. A file of that very name is no pattern. */
static bool is_pattern(const struct loader *l, const char *text, const char *path)
{
    struct stat info;

    return cril_model_is_pattern(text) && !(l->touch_files && stat(path, &info) == 0);
}

static void read_model(struct loader *l, const struct cril_yaml_node *item)
{
    struct model_fields f = {0};
    const size_t faults = l->y.faults.n;
    const char *const *tags, *path;

    if (!cril_yaml_read(&l->y, item, "a model", "{path: models/a.gguf}", model_keys, &f) ||
        l->y.faults.n > faults)
        return;
    if (!(tags = words_of(l, &f.tags)))
        return;
    if (f.diverge.text && !f.path.text)
        FAULT(l, f.diverge.line,
              "divergence is measured, but this model has no \"path\"; give it one, or take "
              "\"diverge\" away");
    if (!f.path.text && !f.name.text)
        FAULT(
            l, item->line,
            "a model needs a \"path\" (a GGUF file, a folder, or a pattern), or a \"name\" if its "
            "figures "
            "are imported");
    else if (!f.path.text)
        add_model(l, item->line, &f, f.name.text, NULL, tags);
    else if (!(path = model_path_of(l, &f.path)))
        return;
    else if (!is_pattern(l, f.path.text, path))
        add_file(l, item->line, &f, path, tags);
    else if (f.name.text)
        FAULT(
            l, f.name.line,
            "a pattern of files cannot have a name, each model has that of its file; take \"name\" "
            "away, or name "
            "one file");
    else if (f.step.line)
        FAULT(
            l, f.step.line,
            "a pattern of files cannot have a step, each model has the one that its name ends in; "
            "take \"step\" away, or name one file");
    else if (l->touch_files)
        add_matches(l, item->line, &f, tags);
    else
        add_file(l, item->line, &f, path, tags);
}

/* ---- corpora ---- */

struct corpus_fields {
    struct cril_yaml_text name, path, group, field, format;
    struct cril_yaml_count limit;
    struct cril_yaml_flag strict;
};

static const struct cril_yaml_key corpus_keys[] = {
    {"name", CRIL_YAML_NAME, offsetof(struct corpus_fields, name), 0},
    {"path", CRIL_YAML_TEXT, offsetof(struct corpus_fields, path), 0},
    {"group", CRIL_YAML_NAME, offsetof(struct corpus_fields, group), 0},
    {"field", CRIL_YAML_TEXT, offsetof(struct corpus_fields, field), 0},
    {"format", CRIL_YAML_TEXT, offsetof(struct corpus_fields, format), 0},
    {"limit", CRIL_YAML_COUNT, offsetof(struct corpus_fields, limit), INT64_MAX},
    {"strict", CRIL_YAML_FLAG, offsetof(struct corpus_fields, strict), 0},
    {0},
};

static void check_corpus(struct loader *l, size_t line, const char *path,
                         const cril_corpus_options *o)
{
    cril_corpus *c;
    cril_error err;

    if (!l->touch_files)
        return;
    if (cril_corpus_open(path, o, &c, &err) == CRIL_OK)
        cril_corpus_close(c);
    else
        pass_on(l, line, &err);
}

static const char *corpus_name(struct loader *l, const struct corpus_fields *f, const char *path)
{
    struct stat info;
    const bool is_folder = l->touch_files && stat(path, &info) == 0 && S_ISDIR(info.st_mode);
    const char *name = cril_path_stem(&l->s->arena, path, is_folder ? "" : NULL);

    if (!name)
        no_memory(l);
    else if (!check_file_name(l, f->path.line, path, name, "give it a \"name\""))
        name = NULL;
    return name;
}

/* Keys that say how a file is read, without a file. */
static size_t line_of_option(const struct corpus_fields *f)
{
    return f->field.line    ? f->field.line
           : f->format.line ? f->format.line
           : f->limit.line  ? f->limit.line
                            : f->strict.line;
}

static void read_corpus(struct loader *l, const struct cril_yaml_node *item)
{
    struct corpus_fields f = {0};
    const size_t faults = l->y.faults.n;
    const char *path = NULL, *name;

    if (!cril_yaml_read(&l->y, item, "a corpus", "{path: texts.jsonl, group: knowledge}",
                        corpus_keys, &f) ||
        l->y.faults.n > faults)
        return;
    const cril_corpus_options options = {.field = f.field.text,
                                         .format = f.format.text,
                                         .limit = f.limit.value,
                                         .strict = f.strict.value};
    if (!f.path.text && !f.name.text) {
        FAULT(l, item->line,
              "a corpus needs a \"path\" (a file or a folder of texts), or a \"name\" if its "
              "figures are "
              "imported");
        return;
    }
    if (!f.path.text && line_of_option(&f)) {
        FAULT(l, line_of_option(&f),
              "field, format, limit and strict say how a file is read, but this corpus has no "
              "\"path\"; give it one, or take them away");
        return;
    }
    if (f.path.text) {
        if (!(path = path_of(l, &f.path)))
            return;
        check_corpus(l, f.format.line ? f.format.line : f.path.line, path, &options);
    }
    if (!(name = f.name.text ? f.name.text : corpus_name(l, &f, path)))
        return;
    ADD(l, corpora, item->line,
        (cril_study_corpus){.name = name,
                            .group = f.group.text ? f.group.text : name,
                            .path = path,
                            .options = options,
                            .line = item->line});
}

/* ---- benchmarks ---- */

struct benchmark_fields {
    struct cril_yaml_text name, group, task, metric, filter, data, protocol;
    struct cril_yaml_count limit;
    struct cril_yaml_texts names;
};

static const struct cril_yaml_key benchmark_keys[] = {
    {"name", CRIL_YAML_NAME, offsetof(struct benchmark_fields, name), 0},
    {"group", CRIL_YAML_NAME, offsetof(struct benchmark_fields, group), 0},
    {"names", CRIL_YAML_NAMES, offsetof(struct benchmark_fields, names), 0},
    {"task", CRIL_YAML_NAME, offsetof(struct benchmark_fields, task), 0},
    {"metric", CRIL_YAML_NAME, offsetof(struct benchmark_fields, metric), 0},
    {"filter", CRIL_YAML_NAME, offsetof(struct benchmark_fields, filter), 0},
    {"data", CRIL_YAML_TEXT, offsetof(struct benchmark_fields, data), 0},
    {"protocol", CRIL_YAML_NAME, offsetof(struct benchmark_fields, protocol), 0},
    {"limit", CRIL_YAML_COUNT, offsetof(struct benchmark_fields, limit), INT64_MAX},
    {0},
};

/* Of task, metric and filter, the first that is given. */
static size_t line_of_score(const struct benchmark_fields *f)
{
    return f->task.line ? f->task.line : f->metric.line ? f->metric.line : f->filter.line;
}

/* Which score of lm-evaluation-harness a benchmark is. */
static void check_score(struct loader *l, const struct benchmark_fields *f)
{
    const size_t line = line_of_score(f);

    if (!line)
        return;
    if (f->names.line)
        FAULT(l, line,
              "task, metric and filter name the score of one benchmark, and \"names\" are several; "
              "give each an item of its own");
    else if (!f->task.text)
        FAULT(l, line,
              "metric and filter choose among the scores of a task, but this benchmark has no "
              "\"task\"; give it one, or take them away");
    else if (!f->metric.text && (!f->data.text || f->filter.line))
        FAULT(l, line,
              "a task of lm-evaluation-harness has several scores; add the \"metric\", such as acc "
              "or exact_match%s",
              f->data.text ? "" : ", or the \"data\" that cril is to run it on");
    else if (f->metric.text && strchr(f->metric.text, ','))
        FAULT(l, f->metric.line,
              "\"%.80s\" is a metric and a filter; write metric: %.*s, filter: %.80s",
              f->metric.text, (int)strcspn(f->metric.text, ","), f->metric.text,
              strchr(f->metric.text, ',') + 1);
}

/* How cril measures a benchmark itself. */
static void check_data(struct loader *l, const struct benchmark_fields *f)
{
    if (!f->data.line && (f->protocol.line || f->limit.line))
        FAULT(l, f->protocol.line ? f->protocol.line : f->limit.line,
              "protocol and limit say how cril measures a benchmark, but this one has no \"data\"; "
              "give it the folder of its items, or take them away");
    else if (f->data.line && f->names.line && !line_of_score(f))
        FAULT(l, f->data.line,
              "data are of one benchmark, and \"names\" are several; give each an item of its own");
    else if (f->data.line && !f->task.text)
        FAULT(l, f->data.line,
              "\"data\" asks cril to measure the benchmark; add the \"task\", such as gsm8k ('cril "
              "eval --list' shows all)");
}

/* The task and its protocol exist, and the files of its items. */
static void check_task(struct loader *l, const struct benchmark_fields *f,
                       const cril_study_benchmark *b)
{
    const struct cril_task *task;
    struct cril_task_settings settings;
    char *folder = NULL;
    cril_error err;

    if (cril_benchmark_settings(b, &task, &settings, &err) != CRIL_OK)
        pass_on(l, task && f->protocol.line ? f->protocol.line : f->task.line, &err);
    else if (l->touch_files && cril_task_folder(task, b->data, &folder, &err) != CRIL_OK)
        pass_on(l, f->data.line, &err);
    free(folder);
}

static void add_benchmark(struct loader *l, const struct benchmark_fields *f, const char *name,
                          size_t line)
{
    const char *no_filter = f->metric.text ? "none" : NULL; /* as the harness calls it */
    const cril_study_benchmark b = {.name = name,
                                    .group = f->group.text ? f->group.text : name,
                                    .task = f->task.text,
                                    .metric = f->metric.text,
                                    .filter = f->filter.text ? f->filter.text : no_filter,
                                    .data = f->data.text ? path_of(l, &f->data) : NULL,
                                    .protocol = !f->data.text      ? NULL
                                                : f->protocol.text ? f->protocol.text
                                                                   : "paper",
                                    .limit = f->limit.value,
                                    .line = line};

    if (b.data && b.task)
        check_task(l, f, &b);
    ADD(l, benchmarks, line, b);
}

static void read_benchmark(struct loader *l, const struct cril_yaml_node *item)
{
    struct benchmark_fields f = {0};
    const size_t faults = l->y.faults.n;

    if (!cril_yaml_read(&l->y, item, "a benchmark", "{name: GSM8K, group: math}", benchmark_keys,
                        &f) ||
        l->y.faults.n > faults)
        return;
    if (f.name.text && f.names.line)
        FAULT(l, f.names.line,
              "\"name\" is of one benchmark, \"names\" of several of a group; keep one of them");
    else if (!f.name.text && !f.names.n)
        FAULT(l, item->line,
              "a benchmark needs a \"name\"; several of a group can be given by \"names\"");
    check_score(l, &f);
    check_data(l, &f);
    if (f.name.text)
        add_benchmark(l, &f, f.name.text, item->line);
    for (size_t i = 0; i < f.names.n && going_on(l); i++)
        add_benchmark(l, &f, f.names.items[i].text, f.names.items[i].line);
}

/* ---- leaks ---- */

enum { LEAK_RECORDS = 1000 };

struct leak_fields {
    struct cril_yaml_text benchmark, control;
    struct cril_yaml_count limit;
};

static const struct cril_yaml_key leak_keys[] = {
    {"benchmark", CRIL_YAML_NAME, offsetof(struct leak_fields, benchmark), 0},
    {"control", CRIL_YAML_TEXT, offsetof(struct leak_fields, control), 0},
    {"limit", CRIL_YAML_COUNT, offsetof(struct leak_fields, limit), INT32_MAX},
    {0},
};

static void check_control(struct loader *l, const struct cril_yaml_text *control, const char *path)
{
    struct stat info;

    if (!l->touch_files)
        return;
    if (stat(path, &info) != 0)
        cril_yaml_fault(&l->y, CRIL_ERR_IO, control->line, "%.400s: cannot be opened: %s", path,
                        strerror(errno));
    else if (!S_ISREG(info.st_mode))
        FAULT(l, control->line, "%.400s: is no file; name a file of records", path);
}

static void read_leak(struct loader *l, const struct cril_yaml_node *item)
{
    struct leak_fields f = {0};
    const size_t faults = l->y.faults.n;
    const char *control;

    if (!cril_yaml_read(&l->y, item, "a leak", "{benchmark: GSM8K, control: fresh.jsonl}",
                        leak_keys, &f) ||
        l->y.faults.n > faults)
        return;
    if (!f.benchmark.text || !f.control.text) {
        FAULT(l, item->line, "a leak needs a \"%s\", %s",
              f.benchmark.text ? "control" : "benchmark",
              f.benchmark.text ? "a file of records that no model can have seen"
                               : "the name of one that has \"data\"");
        return;
    }
    if (!(control = path_of(l, &f.control)))
        return;
    check_control(l, &f.control, control);
    ADD(l, leaks, item->line,
        (cril_study_leak){.benchmark = f.benchmark.text,
                          .control = control,
                          .limit = f.limit.line ? f.limit.value : LEAK_RECORDS,
                          .line = item->line});
}

/* ---- protocols ---- */

struct protocol_fields {
    struct cril_yaml_text name;
    struct cril_yaml_count context, stride;
};

static const struct cril_yaml_key protocol_keys[] = {
    {"name", CRIL_YAML_NAME, offsetof(struct protocol_fields, name), 0},
    {"context", CRIL_YAML_COUNT, offsetof(struct protocol_fields, context), INT32_MAX},
    {"stride", CRIL_YAML_COUNT, offsetof(struct protocol_fields, stride), INT32_MAX},
    {0},
};

static void unknown_protocol(struct loader *l, const struct cril_yaml_text *name)
{
    struct cril_nearest_name nearest = {.word = name->text};
    char all[200] = "";
    size_t at = 0;

    for (size_t i = 0; cril_protocol_name(i); i++) {
        cril_nearest_name_offer(&nearest, cril_protocol_name(i));
        if (at < sizeof(all))
            at += (size_t)snprintf(all + at, sizeof(all) - at, "%s%s", i ? ", " : "",
                                   cril_protocol_name(i));
    }
    FAULT(l, name->line, "\"%.60s\" is no protocol%s%s%s (there are: %s)", name->text,
          nearest.best ? "; did you mean \"" : "", nearest.best ? nearest.best : "",
          nearest.best ? "\"?" : "", all);
}

static bool same_protocol(const cril_study_protocol *a, const cril_study_protocol *b)
{
    const struct cril_protocol *p = cril_protocol_find(a->name);

    return strcmp(a->name, b->name) == 0 &&
           (a->context ? a->context : p->context) == (b->context ? b->context : p->context) &&
           (a->stride ? a->stride : p->stride) == (b->stride ? b->stride : p->stride);
}

static void add_protocol(struct loader *l, const struct protocol_fields *f, size_t line)
{
    const struct cril_protocol *p = cril_protocol_find(f->name.text);
    const cril_study_protocol new = {f->name.text, (size_t)f->context.value,
                                     (size_t)f->stride.value, line};
    const size_t context = p ? (new.context ? new.context : p->context) : 0;

    if (!p) {
        unknown_protocol(l, &f->name);
    } else if (new.stride && !p->stride) {
        FAULT(l, f->stride.line,
              "the protocol %s has no stride, its windows follow each other; take \"stride\" away",
              p->name);
    } else if (new.stride &&new.stride > context) {
        FAULT(l, f->stride.line,
              "a stride of %zu tokens would leave tokens out at a context of %zu; make it %zu or "
              "less",
              new.stride, context, context);
    } else if (context && context < p->min_context) {
        FAULT(l, f->context.line, "the protocol %s needs a context of at least %zu tokens, not %zu",
              p->name, p->min_context, context);
    } else {
        for (size_t i = 0; i < l->s->info.n_protocols; i++)
            if (same_protocol(&l->s->protocols[i], &new)) {
                FAULT(l, line, "this protocol is the one of line %zu; keep one of them",
                      l->s->protocols[i].line);
                return;
            }
        ADD(l, protocols, line, new);
    }
}

static void read_protocol(struct loader *l, const struct cril_yaml_node *item)
{
    struct protocol_fields f = {0};
    const size_t faults = l->y.faults.n;

    if (item->kind == CRIL_YAML_SCALAR) {
        if (!cril_yaml_read_name(&l->y, item, "protocols", &f.name))
            return;
    } else if (!cril_yaml_read(&l->y, item, "a protocol",
                               "{name: hkust, context: 1900, stride: 512}", protocol_keys, &f) ||
               l->y.faults.n > faults) {
        return;
    }
    if (!f.name.text)
        FAULT(l, item->line, "a protocol needs a \"name\", such as document");
    else
        add_protocol(l, &f, item->line);
}

/* ---- fits ---- */

struct fit_fields {
    struct cril_yaml_text name, x, y;
    struct cril_yaml_texts models;
};

static const struct cril_yaml_key fit_keys[] = {
    {"name", CRIL_YAML_NAME, offsetof(struct fit_fields, name), 0},
    {"x", CRIL_YAML_NAME, offsetof(struct fit_fields, x), 0},
    {"y", CRIL_YAML_NAME, offsetof(struct fit_fields, y), 0},
    {"models", CRIL_YAML_WORDS, offsetof(struct fit_fields, models), 0},
    {0},
};

static void check_words(struct loader *l, const struct fit_fields *f)
{
    const cril_study_info *s = &l->s->info;
    cril_error err;

    if (cril_words_axis(s, 'x', f->x.text, &err) != CRIL_OK)
        pass_on(l, f->x.line, &err);
    if (cril_words_axis(s, 'y', f->y.text, &err) != CRIL_OK)
        pass_on(l, f->y.line, &err);
    for (size_t i = 0; i < f->models.n && going_on(l); i++)
        if (cril_words_model(s, f->models.items[i].text, &err) != CRIL_OK)
            pass_on(l, f->models.items[i].line, &err);
}

static const cril_study_fit *find_fit(const struct loader *l, const char *name)
{
    for (size_t i = 0; i < l->s->info.n_fits; i++)
        if (strcmp(l->s->fits[i].name, name) == 0)
            return &l->s->fits[i];
    return NULL;
}

/* words: the models, corpora and benchmarks are all known, so that the words can be looked up. */
static void read_fit(struct loader *l, const struct cril_yaml_node *item, bool words)
{
    struct fit_fields f = {0};
    const size_t faults = l->y.faults.n;
    const cril_study_fit *twin;
    cril_study_fit fit = {.line = item->line};
    cril_error err;

    if (!cril_yaml_read(&l->y, item, "a fit", "{name: math, x: average, y: GSM8K}", fit_keys, &f) ||
        l->y.faults.n > faults)
        return;
    if (!f.x.text || !f.y.text) {
        FAULT(l, item->line, "a fit needs \"%s\", %s", f.x.text ? "y" : "x",
              f.x.text ? "a benchmark, a group of them, average or plain"
                       : "a corpus, a group of them, or average");
        return;
    }
    fit.x = f.x.text;
    fit.y = f.y.text;
    fit.name = f.name.text ? f.name.text : fit.y;
    fit.n_models = f.models.n;
    if (!(fit.models = words_of(l, &f.models)))
        return;
    if ((twin = find_fit(l, fit.name)) != NULL)
        FAULT(l, item->line,
              "the fit of line %zu has the name \"%.60s\" too; give one of them another \"name\"%s",
              twin->line, fit.name, f.name.text ? "" : " (without one it is that of y)");
    if (words)
        check_words(l, &f);
    if (words && l->y.faults.n == faults &&
        cril_study_check_fit(&l->s->info, &fit, &err) != CRIL_OK)
        pass_on(l, f.models.line, &err);
    ADD(l, fits, item->line, fit);
}

static void add_fit(struct loader *l, const char *name, const char *x, const char *y, size_t line)
{
    ADD(l, fits, line, (cril_study_fit){.name = name, .x = x, .y = y, .line = line});
}

static bool has_corpora(const cril_study_info *s, const char *group)
{
    for (size_t i = 0; i < s->n_corpora; i++)
        if (strcmp(s->corpora[i].group, group) == 0)
            return true;
    return false;
}

/* A benchmark without corpora in its group is measured by all corpora. */
static void add_default_fits(struct loader *l)
{
    const cril_study_info *s = &l->s->info;
    const char *overall = "overall";

    for (size_t i = 0; i < s->n_benchmarks; i++)
        if (strcmp(s->benchmarks[i].name, overall) == 0 ||
            strcmp(s->benchmarks[i].group, overall) == 0)
            overall = "average"; /* nothing else has that name */
    if (s->n_benchmarks)
        add_fit(l, overall, "average", "average", 0);
    for (size_t i = 0; i < s->n_benchmarks; i++) {
        const char *group = s->benchmarks[i].group;
        bool known = strcmp(group, s->benchmarks[i].name) == 0 || !has_corpora(s, group);

        for (size_t j = 0; j < i && !known; j++)
            known = strcmp(s->benchmarks[j].group, group) == 0;
        if (!known)
            add_fit(l, group, group, group, 0);
    }
    for (size_t i = 0; i < s->n_benchmarks && going_on(l); i++) {
        const cril_study_benchmark *b = &s->benchmarks[i];

        add_fit(l, b->name, has_corpora(s, b->group) ? b->group : "average", b->name, 0);
    }
}

/* ---- names and groups ---- */

static void check_reserved(struct loader *l, const char *what, const char *name, size_t line)
{
    for (size_t i = 0; cril_words_reserved(i); i++)
        if (strcmp(name, cril_words_reserved(i)) == 0)
            FAULT(l, line,
                  "a %s cannot have the name \"%s\", which means something in fits; choose another "
                  "one",
                  what, name);
}

static void check_model_names(struct loader *l)
{
    const cril_study_info *s = &l->s->info;

    for (size_t i = 0; i < s->n_models && going_on(l); i++)
        for (size_t j = 0; j < i; j++) {
            const cril_study_model *m = &s->models[i], *n = &s->models[j];

            if (strcmp(m->name, n->name) != 0)
                continue;
            if (m->path && n->path && strcmp(m->path, n->path) == 0)
                FAULT(l, m->line,
                      "%.200s: the item of line %zu has this file too; take it away from one of "
                      "them, or "
                      "narrow a pattern",
                      m->path, n->line);
            else
                FAULT(l, m->line,
                      "two models have the name \"%.60s\", this one and that of line %zu; give one "
                      "of them "
                      "another \"name\"",
                      m->name, n->line);
            break;
        }
}

/* Whether a model's item is a pattern that matches others, too: these have the item's very text. */
static bool has_twin(const cril_study_info *s, size_t model)
{
    for (size_t i = 0; i < s->n_models; i++)
        if (i != model && s->models[i].base == s->models[model].base)
            return true;
    return false;
}

static const cril_study_model *find_model(const cril_study_info *s, const char *name,
                                          struct cril_nearest_name *nearest)
{
    for (size_t i = 0; i < s->n_models; i++) {
        if (strcmp(s->models[i].name, name) == 0)
            return &s->models[i];
        cril_nearest_name_offer(nearest, s->models[i].name);
    }
    return NULL;
}

/* From what models diverge. A pattern may match the base, which then has none. */
static void check_bases(struct loader *l)
{
    const cril_study_info *s = &l->s->info;

    for (size_t i = 0; i < s->n_models && going_on(l); i++) {
        cril_study_model *m = &l->s->models[i];
        struct cril_nearest_name nearest = {.word = m->base};
        const cril_study_model *base = m->base ? find_model(s, m->base, &nearest) : NULL;

        if (m->base && !base)
            FAULT(l, m->line,
                  "diverge: \"%.60s\" is no model of this study%s%s%s; name the model from which "
                  "divergence is measured",
                  m->base, nearest.best ? "; did you mean \"" : "",
                  nearest.best ? nearest.best : "", nearest.best ? "\"?" : "");
        else if (base && !base->path)
            FAULT(l, m->line,
                  "diverge: the model \"%.60s\" has no \"path\"; give it one, or name another "
                  "model",
                  m->base);
        else if (base && base == m && !has_twin(s, i))
            FAULT(l, m->line,
                  "diverge: the model \"%.60s\" cannot diverge from itself; name another one",
                  m->base);
        else if (base && base == m)
            m->base = NULL;
    }
}

/* A name of line is taken by what stands at `before`. */
static void taken(struct loader *l, const char *what, const char *name, size_t line, const char *by,
                  size_t before)
{
    FAULT(l, line,
          "the %s \"%.60s\" has the name of the %s of line %zu; fits could not tell them apart: "
          "give one another "
          "\"name\"",
          what, name, by, before);
}

static void check_corpus_names(struct loader *l)
{
    const cril_study_info *s = &l->s->info;

    for (size_t i = 0; i < s->n_corpora && going_on(l); i++) {
        const cril_study_corpus *c = &s->corpora[i];

        check_reserved(l, "corpus", c->name, c->line);
        if (strcmp(c->group, c->name) != 0)
            check_reserved(l, "group", c->group, c->line);
        for (size_t j = 0; j < s->n_corpora; j++) {
            const cril_study_corpus *d = &s->corpora[j];

            if (j < i && strcmp(c->name, d->name) == 0)
                taken(l, "corpus", c->name, c->line, "corpus", d->line);
            else if (j != i && strcmp(c->group, d->name) == 0 && strcmp(c->group, c->name) != 0)
                FAULT(l, c->line,
                      "the group \"%.60s\" has the name of the corpus of line %zu; a group may "
                      "have that of its only "
                      "corpus, this one has another: rename the group or the corpus",
                      c->group, d->line);
        }
    }
}

static void unknown_group(struct loader *l, const cril_study_benchmark *b)
{
    const cril_study_info *s = &l->s->info;
    struct cril_nearest_name nearest = {.word = b->group};

    for (size_t i = 0; i < s->n_corpora; i++)
        cril_nearest_name_offer(&nearest, s->corpora[i].group);
    FAULT(l, b->line,
          "no corpus is of the group \"%.60s\", and a benchmark's group is one of corpora (take "
          "\"group\" away to "
          "leave it on its own)%s%s%s",
          b->group, nearest.best ? "; did you mean \"" : "", nearest.best ? nearest.best : "",
          nearest.best ? "\"?" : "");
}

static bool is_same_score(const cril_study_benchmark *a, const cril_study_benchmark *b)
{
    return a->metric && b->metric && strcmp(a->task, b->task) == 0 &&
           strcmp(a->metric, b->metric) == 0 && strcmp(a->filter, b->filter) == 0;
}

static bool is_same_measure(const cril_study_benchmark *a, const cril_study_benchmark *b)
{
    return a->data && b->data && strcmp(a->task, b->task) == 0 &&
           strcmp(a->protocol, b->protocol) == 0 && strcmp(a->data, b->data) == 0 &&
           a->limit == b->limit;
}

static void check_benchmark_names(struct loader *l)
{
    const cril_study_info *s = &l->s->info;

    for (size_t i = 0; i < s->n_benchmarks && going_on(l); i++) {
        const cril_study_benchmark *b = &s->benchmarks[i];
        const bool own = strcmp(b->group, b->name) == 0;

        check_reserved(l, "benchmark", b->name, b->line);
        if (!own && !has_corpora(s, b->group))
            unknown_group(l, b);
        for (size_t j = 0; j < s->n_corpora; j++)
            if (strcmp(b->name, s->corpora[j].name) == 0) {
                taken(l, "benchmark", b->name, b->line, "corpus", s->corpora[j].line);
                break;
            } else if (strcmp(b->name, s->corpora[j].group) == 0) {
                taken(l, "benchmark", b->name, b->line, "group", s->corpora[j].line);
                break;
            }
        for (size_t j = 0; j < i; j++)
            if (strcmp(b->name, s->benchmarks[j].name) == 0) {
                taken(l, "benchmark", b->name, b->line, "benchmark", s->benchmarks[j].line);
                break;
            } else if (is_same_score(b, &s->benchmarks[j])) {
                FAULT(l, b->line,
                      "the benchmark \"%.60s\" has the same score as the one of line %zu (%.60s, "
                      "%.60s, "
                      "%.60s), which would count twice; name another task, metric or filter",
                      b->name, s->benchmarks[j].line, b->task, b->metric, b->filter);
                break;
            } else if (is_same_measure(b, &s->benchmarks[j])) {
                FAULT(l, b->line,
                      "the benchmark \"%.60s\" is measured as the one of line %zu is (%.60s by "
                      "%.60s), and would count twice; name another task, protocol or limit",
                      b->name, s->benchmarks[j].line, b->task, b->protocol);
                break;
            }
    }
}

static void check_leaks(struct loader *l)
{
    const cril_study_info *s = &l->s->info;

    for (size_t i = 0; i < s->n_leaks && going_on(l); i++) {
        const cril_study_leak *leak = &s->leaks[i];
        struct cril_nearest_name nearest = {.word = leak->benchmark};
        const cril_study_benchmark *b = NULL;

        for (size_t k = 0; k < s->n_benchmarks && !b; k++) {
            cril_nearest_name_offer(&nearest, s->benchmarks[k].name);
            if (strcmp(s->benchmarks[k].name, leak->benchmark) == 0)
                b = &s->benchmarks[k];
        }
        if (!b)
            FAULT(l, leak->line, "\"%.60s\" is no benchmark of this study%s%s%s", leak->benchmark,
                  nearest.best ? "; did you mean \"" : "", nearest.best ? nearest.best : "",
                  nearest.best ? "\"?" : "");
        else if (!b->data)
            FAULT(l, leak->line,
                  "the benchmark \"%.60s\" has no \"data\" that a model could have seen; give it "
                  "the folder of its items",
                  leak->benchmark);
        for (size_t k = 0; k < i; k++)
            if (strcmp(s->leaks[k].benchmark, leak->benchmark) == 0)
                FAULT(l, leak->line, "the leak of line %zu is of \"%.60s\" too; keep one of them",
                      s->leaks[k].line, leak->benchmark);
    }
}

/* ---- the file ---- */

struct study_fields {
    struct cril_yaml_text title, database, python;
    const struct cril_yaml_node *protocols, *models, *corpora, *benchmarks, *fits, *leak;
};

static const struct cril_yaml_key study_keys[] = {
    {"title", CRIL_YAML_LINE, offsetof(struct study_fields, title), 0},
    {"database", CRIL_YAML_TEXT, offsetof(struct study_fields, database), 0},
    {"python", CRIL_YAML_TEXT, offsetof(struct study_fields, python), 0},
    {"protocols", CRIL_YAML_ITEMS, offsetof(struct study_fields, protocols), 0},
    {"models", CRIL_YAML_ITEMS, offsetof(struct study_fields, models), 0},
    {"corpora", CRIL_YAML_ITEMS, offsetof(struct study_fields, corpora), 0},
    {"benchmarks", CRIL_YAML_ITEMS, offsetof(struct study_fields, benchmarks), 0},
    {"fits", CRIL_YAML_ITEMS, offsetof(struct study_fields, fits), 0},
    {"leak", CRIL_YAML_ITEMS, offsetof(struct study_fields, leak), 0},
    {0},
};

/* required: the sentence that asks for a list which may not be left out or empty; NULL: it may. */
static void read_list(struct loader *l, const struct cril_yaml_node *list, size_t line,
                      const char *required,
                      void (*read)(struct loader *l, const struct cril_yaml_node *item))
{
    if (required && (!list || !list->n))
        FAULT(l, list ? list->key_line : line, "%s", required);
    for (const struct cril_yaml_node *item = list ? list->first : NULL; item && going_on(l);
         item = item->next)
        read(l, item);
}

static void read_title(struct loader *l, const struct cril_yaml_text *title)
{
    const char *stem = cril_path_stem(&l->s->arena, l->s->info.path, NULL);

    if (!(l->s->info.title = title->text ? title->text : stem))
        no_memory(l);
}

/* The store makes the file, but not its folder. */
static void read_database(struct loader *l, const struct cril_yaml_text *database)
{
    const char *stem = cril_path_stem(&l->s->arena, l->s->info.path, NULL);
    char *name = stem ? cril_arena_take(&l->s->arena, strlen(stem) + sizeof(".db"), 1) : NULL;
    struct cril_yaml_text t = {name, 0};
    struct stat info;
    const char *path;

    if (!name) {
        no_memory(l);
        return;
    }
    memcpy(name, stem, strlen(stem));
    memcpy(name + strlen(stem), ".db", sizeof(".db"));
    if (!(path = path_of(l, database->text ? database : &t)))
        return;
    l->s->info.database = path;
    if (!database->text || !l->touch_files)
        return;
    if (stat(path, &info) == 0) {
        if (S_ISDIR(info.st_mode))
            FAULT(l, database->line, "%.400s: is a folder; name the file of the database", path);
        return;
    }
    const char *slash = strrchr(path, '/');
    char *folder = slash ? cril_arena_text(&l->s->arena, path, (size_t)(slash - path) + 1) : NULL;

    if (slash && !folder)
        no_memory(l);
    else if (folder && stat(folder, &info) != 0)
        cril_yaml_fault(&l->y, CRIL_ERR_IO, database->line,
                        "%.400s: the folder of the database cannot be found: %s; make it", folder,
                        strerror(errno));
}

/* A command without a slash is looked for as a shell does; all else is a path. */
static void read_python(struct loader *l, const struct cril_yaml_text *python)
{
    if (python->text)
        l->s->info.python = strchr(python->text, '/') ? path_of(l, python) : python->text;
}

static void read_study(struct loader *l, const struct cril_yaml_node *root)
{
    static const struct protocol_fields standard = {.name.text = "document"};
    struct study_fields f = {0};
    size_t faults;
    bool known;

    if (!cril_yaml_read(&l->y, root, "a study file", "'cril study init' prints", study_keys, &f))
        return;
    read_title(l, &f.title);
    read_database(l, &f.database);
    read_python(l, &f.python);
    read_list(l, f.protocols, root->line, NULL, read_protocol);
    if (!f.protocols || !f.protocols->n)
        add_protocol(l, &standard, 0);
    faults = l->y.faults.n;
    read_list(l, f.models, root->line,
              "a study needs \"models\": a list of items such as {path: models/*.gguf}",
              read_model);
    read_list(l, f.corpora, root->line,
              "a study needs \"corpora\": a list of items such as {path: texts.jsonl}",
              read_corpus);
    read_list(l, f.benchmarks, root->line, NULL, read_benchmark);
    read_list(l, f.leak, root->line, NULL, read_leak);
    known = going_on(l) && l->y.faults.n == faults;
    if (known) {
        check_model_names(l);
        check_bases(l);
        check_corpus_names(l);
        check_benchmark_names(l);
        check_leaks(l);
        known = going_on(l) && l->y.faults.n == faults;
    }
    for (const struct cril_yaml_node *item = f.fits ? f.fits->first : NULL; item && going_on(l);
         item = item->next)
        read_fit(l, item, known);
    if (!f.fits && known)
        add_default_fits(l);
}

cril_status cril_study_read(const char *path, const char *data, size_t len, bool touch_files,
                            cril_study **out, cril_study_faults *faults)
{
    struct loader l = {.touch_files = touch_files};
    const struct cril_yaml_node *root;

    *faults = (cril_study_faults){0};
    if (!(l.s = calloc(1, sizeof(*l.s)))) {
        faults->n = 1;
        return cril_fail(&faults->fault[0], CRIL_ERR_NOMEM, "%s: out of memory", path);
    }
    l.y.arena = &l.s->arena;
    l.y.what = "a study file";
    l.y.when_empty = "'cril study init' prints a study file to begin with";
    l.y.path = l.s->info.path = cril_arena_text(&l.s->arena, path, strlen(path));
    if (!l.y.path)
        no_memory(&l);
    else if ((root = cril_yaml_parse(&l.y, data, len)) != NULL)
        read_study(&l, root);
    if (l.y.no_memory) {
        l.y.faults = (cril_study_faults){.n = 1};
        cril_fail(&l.y.faults.fault[0], CRIL_ERR_NOMEM, "%s: out of memory", path);
    }
    *faults = l.y.faults;
    if (faults->n) {
        cril_study_close(l.s);
        return faults->fault[0].status;
    }
    *out = l.s;
    return CRIL_OK;
}

cril_status cril_study_check(const char *path, cril_study **out, cril_study_faults *faults)
{
    struct cril_mapfile file;
    cril_status st;

    if (!faults)
        return CRIL_ERR_RANGE;
    *faults = (cril_study_faults){.n = 1};
    if (CRIL_LACKS(&faults->fault[0], path, out))
        return CRIL_ERR_RANGE;
    if ((st = cril_mapfile_open(path, &file, &faults->fault[0])) != CRIL_OK)
        return st;
    st = cril_study_read(path, (const char *)file.data, file.size, true, out, faults);
    cril_mapfile_close(&file);
    return st;
}

cril_status cril_study_load(const char *path, cril_study **out, cril_error *err)
{
    cril_study_faults faults;
    cril_status st = cril_study_check(path, out, &faults);

    if (st == CRIL_OK)
        return st;
    if (faults.n == 1)
        return cril_fail(err, st, "%s", faults.fault[0].message);
    return cril_fail(err, st, "%.800s (and %s%zu more; 'cril study check' lists all)",
                     faults.fault[0].message, faults.more ? "at least " : "",
                     faults.n - 1 + faults.more);
}

void cril_study_close(cril_study *s)
{
    if (!s)
        return;
    free(s->models);
    free(s->corpora);
    free(s->benchmarks);
    free(s->protocols);
    free(s->fits);
    free(s->leaks);
    cril_arena_free(&s->arena);
    free(s);
}

const cril_study_info *cril_study_info_of(const cril_study *s)
{
    return s ? &s->info : NULL;
}
