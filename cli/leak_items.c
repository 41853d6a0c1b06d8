/* cril leak --items: benchmark items that corpora contain. */
#include "corpora.h"
#include "leaking.h"
#include "naming.h"
#include "table.h"

#include <cril/eval.h>
#include <cril/leak.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* What is known of a corpus that was read. Its documents are numbered behind those of the corpora
 * before it. */
struct corpus {
    uint64_t first, documents, with_items;
    char sha256[65];
};

struct search {
    struct cril_leak_run *run;
    cril_overlap *overlap;
    struct corpus *corpora; /* [run->n_corpora] */
    char **fields;          /* [n_fields] */
    size_t n_fields;
    struct timespec start;
};

/* ---- Items ---- */

static bool say(const cril_error *err)
{
    return !cril_print_error("%s", err->message);
}

static bool add_field(void *user, const char *name)
{
    struct search *s = user;
    char **grown = realloc(s->fields, (s->n_fields + 1) * sizeof(*grown));

    if (!grown)
        return !cril_print_error("out of memory");
    s->fields = grown;
    if (!(grown[s->n_fields] = strdup(name)))
        return !cril_print_error("out of memory");
    s->n_fields++;
    return true;
}

static bool add_task(void *user, const char *name)
{
    struct search *s = user;
    cril_overlap_task t;
    cril_error err;

    for (size_t i = 0; cril_overlap_task_at(s->overlap, i, &t); i++)
        if (strcmp(t.name, name) == 0)
            return !cril_print_error("%s is named twice; name each task once", name);
    return cril_overlap_add_task(s->overlap, name, s->run->set->data, &err) == CRIL_OK || say(&err);
}

static bool add_all(struct search *s)
{
    cril_eval_task t;

    for (size_t i = 0; cril_eval_task_at(i, &t); i++)
        if (!add_task(s, t.name))
            return false;
    return true;
}

static bool open_overlap(struct search *s)
{
    const struct cril_leak_args *set = s->run->set;
    cril_overlap_options wanted = {.n = (size_t)set->n};
    cril_overlap_task t;
    cril_error err;

    if (set->fields && !cril_args_words(set->fields, add_field, s))
        return false;
    wanted.fields = (const char *const *)s->fields;
    wanted.n_fields = s->n_fields;
    if (cril_overlap_create(&wanted, &s->overlap, &err) != CRIL_OK)
        return say(&err);
    if (strcmp(set->items, "all") == 0 ? !add_all(s) : !cril_args_words(set->items, add_task, s))
        return false;
    return cril_overlap_task_at(s->overlap, 0, &t) ||
           !cril_print_error("--items names no task; 'cril eval --list' lists them");
}

/* ---- Corpora ---- */

static void show_progress(struct search *s, const cril_corpus *c)
{
    struct timespec now;
    cril_corpus_stats stats;
    struct cril_progress_state state = {.fraction = -1};

    cril_corpus_stats_get(c, &stats);
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (stats.bytes_total)
        state.fraction = (double)stats.bytes_read / (double)stats.bytes_total;
    state.seconds =
        (double)(now.tv_sec - s->start.tv_sec) + (double)(now.tv_nsec - s->start.tv_nsec) * 1e-9;
    cril_progress_show(&s->run->progress, &state);
}

static cril_status search_documents(struct search *s, cril_corpus *c, struct corpus *known,
                                    cril_error *err)
{
    cril_document doc;
    cril_status st;
    uint64_t found;

    while ((st = cril_corpus_next(c, &doc, err)) == CRIL_OK && doc.text) {
        if ((st = cril_overlap_scan(s->overlap, doc.text, doc.len_bytes, known->first + doc.index,
                                    &found, err)) != CRIL_OK)
            return st;
        known->documents++;
        known->with_items += found > 0;
        if (cril_output_signal()) {
            err->status = CRIL_ERR_CANCELLED;
            return CRIL_ERR_CANCELLED;
        }
        show_progress(s, c);
    }
    return st == CRIL_OK ? cril_corpus_sha256(c, known->sha256, err) : st;
}

static bool search_corpus(struct search *s, size_t i)
{
    const char *name = s->run->corpora[i];
    struct corpus *known = &s->corpora[i];
    cril_corpus_stats stats = {0};
    cril_corpus *c;
    cril_error err = {0};
    cril_status st;

    if (i)
        known->first = known[-1].first + known[-1].documents;
    if (cril_corpus_open(name, &s->run->set->corpus, &c, &err) != CRIL_OK) {
        cril_corpus_explain(name, &stats, &err);
        return false;
    }
    s->run->progress.name = cril_base_name(cril_corpus_spoken(name));
    clock_gettime(CLOCK_MONOTONIC, &s->start);
    st = search_documents(s, c, known, &err);
    cril_corpus_stats_get(c, &stats);
    cril_corpus_close(c);
    cril_progress_clear(&s->run->progress);
    if (st != CRIL_OK) {
        cril_corpus_explain(name, &stats, &err);
        return false;
    }
    if (!s->run->set->quiet)
        cril_corpus_note_dropped(name, &stats);
    return true;
}

/* Whose document it is; *document becomes its number there. */
static size_t corpus_of(const struct search *s, uint64_t *document)
{
    size_t i = s->run->n_corpora - 1;

    while (*document < s->corpora[i].first)
        i--;
    *document -= s->corpora[i].first;
    return i;
}

/* ---- Output ---- */

static double share(uint64_t part, uint64_t all)
{
    return all ? (double)part / (double)all : 0;
}

static json_t *item_json(const struct search *s, const cril_overlap_item *item)
{
    uint64_t document = item->document;
    const size_t corpus = corpus_of(s, &document);
    json_t *j = json_pack("{sI so so sI so}", "index", (json_int_t)item->index, "subject",
                          cril_json_string(item->subject), "corpus",
                          cril_json_string(s->run->corpora[corpus]), "document",
                          (json_int_t)document, "text", cril_json_text(item->text, item->len));

    if (j && item->id && json_object_set_new(j, "id", cril_json_string(item->id)) != 0) {
        json_decref(j);
        return NULL;
    }
    return j;
}

static json_t *task_json(const struct search *s, size_t task, const cril_overlap_task *t)
{
    json_t *found = json_array();
    cril_overlap_item item;

    for (uint64_t i = 0; found && cril_overlap_item_at(s->overlap, task, i, &item); i++)
        if (item.found && json_array_append_new(found, item_json(s, &item)) != 0) {
            json_decref(found);
            return NULL;
        }
    return json_pack("{ss sI sI sI sf so}", "task", t->name, "items", (json_int_t)t->items,
                     "testable", (json_int_t)t->testable, "contained", (json_int_t)t->found,
                     "share", share(t->found, t->testable), "found", found);
}

static json_t *result_json(const struct search *s)
{
    json_t *tasks = json_array(), *corpora = json_array();
    cril_overlap_task t;

    for (size_t i = 0; cril_overlap_task_at(s->overlap, i, &t); i++)
        if (json_array_append_new(tasks, task_json(s, i, &t)) != 0)
            goto failed;
    for (size_t i = 0; i < s->run->n_corpora; i++) {
        const struct corpus *c = &s->corpora[i];

        if (json_array_append_new(
                corpora, json_pack("{so ss sI sI}", "corpus", cril_json_string(s->run->corpora[i]),
                                   "sha256", c->sha256, "documents", (json_int_t)c->documents,
                                   "with_items", (json_int_t)c->with_items)) != 0)
            goto failed;
    }
    return json_pack("{sI so so}", "words", (json_int_t)(s->run->set->n ? s->run->set->n : 13),
                     "tasks", tasks, "corpora", corpora);
failed:
    json_decref(tasks);
    json_decref(corpora);
    return NULL;
}

static void print_tasks(const struct search *s, FILE *f)
{
    int width = cril_text_width("task");
    cril_overlap_task t;

    for (size_t i = 0; cril_overlap_task_at(s->overlap, i, &t); i++)
        cril_widen(&width, t.name);
    fprintf(f, "%-*s %9s %9s %10s %9s\n", width, "task", "items", "testable", "contained", "share");
    for (size_t i = 0; cril_overlap_task_at(s->overlap, i, &t); i++) {
        cril_print_padded(f, t.name, width);
        fprintf(f, " %9" PRIu64 " %9" PRIu64 " %10" PRIu64 " %7.2f %%\n", t.items, t.testable,
                t.found, 100 * share(t.found, t.testable));
    }
}

static void print_corpora(const struct search *s, FILE *f)
{
    int width = cril_text_width("corpus");

    for (size_t i = 0; i < s->run->n_corpora; i++)
        cril_widen(&width, s->run->corpora[i]);
    fprintf(f, "\n%-*s %10s %11s %9s\n", width, "corpus", "documents", "with items", "share");
    for (size_t i = 0; i < s->run->n_corpora; i++) {
        const struct corpus *c = &s->corpora[i];

        cril_print_padded(f, s->run->corpora[i], width);
        fprintf(f, " %10" PRIu64 " %11" PRIu64 " %7.2f %%\n", c->documents, c->with_items,
                100 * share(c->with_items, c->documents));
    }
}

static void print_item(const struct search *s, FILE *f, const char *task,
                       const cril_overlap_item *item)
{
    uint64_t document = item->document;
    const size_t corpus = corpus_of(s, &document);

    fprintf(f, "%s ", task);
    if (*item->subject)
        fprintf(f, "%s ", item->subject);
    fprintf(f, "%" PRIu64, item->index);
    if (item->id) {
        fputs(" (", f);
        cril_print_escaped(f, item->id, strlen(item->id));
        putc(')', f);
    }
    fputs(", in ", f);
    cril_print_escaped(f, s->run->corpora[corpus], strlen(s->run->corpora[corpus]));
    fprintf(f, ", document %" PRIu64 ": ", document);
    cril_print_escaped(f, item->text, item->len);
    putc('\n', f);
}

static void print_found(const struct search *s, FILE *f)
{
    uint64_t shown = 0;
    cril_overlap_task t;
    cril_overlap_item item;

    for (size_t i = 0; cril_overlap_task_at(s->overlap, i, &t); i++)
        for (uint64_t k = 0;
             shown < s->run->set->top && cril_overlap_item_at(s->overlap, i, k, &item); k++)
            if (item.found) {
                if (!shown++)
                    putc('\n', f);
                print_item(s, f, t.name, &item);
            }
}

static bool write_result(const struct search *s)
{
    struct cril_output *out = &s->run->result;
    FILE *f = out->file ? out->file : stdout;

    errno = 0;
    if (s->run->set->json)
        return cril_output_json(out, result_json(s), JSON_INDENT(1)) == 0;
    print_tasks(s, f);
    print_corpora(s, f);
    print_found(s, f);
    return true;
}

bool cril_leak_items(struct cril_leak_run *r)
{
    struct search s = {.run = r, .corpora = calloc(r->n_corpora, sizeof(*s.corpora))};
    bool good = s.corpora != NULL || !cril_print_error("out of memory");

    good = good && open_overlap(&s);
    for (size_t i = 0; i < r->n_corpora && good; i++)
        good = search_corpus(&s, i);
    good = good && write_result(&s);
    cril_overlap_free(s.overlap);
    for (size_t i = 0; i < s.n_fields; i++)
        free(s.fields[i]);
    free(s.fields);
    free(s.corpora);
    return good;
}
