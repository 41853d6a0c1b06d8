/* Evaluations as users of the library see them: what evaluate.h has, with a journal and sums. */
#include <cril/eval.h>

#include "sandbox/sandbox.h"
#include "tasks/eval.h"
#include "tasks/evaluating.h"
#include "tasks/requests.h"
#include "util/fail.h"
#include "util/hash.h"
#include "util/json.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- What there is ---- */

bool cril_eval_task_at(size_t i, cril_eval_task *out)
{
    const struct cril_task *t = out ? cril_task_at(i) : NULL;

    if (!t)
        return false;
    *out = (cril_eval_task){.name = t->name,
                            .title = t->title,
                            .group = t->group,
                            .folder = t->folder,
                            .has_subjects = t->subjects != NULL,
                            .runs_programs = t->program != NULL};
    return true;
}

bool cril_eval_protocol_at(size_t task, size_t i, cril_eval_protocol *out)
{
    static const char *const draws[] = {"fixed", "first", "seeded"};
    const struct cril_task *t = out ? cril_task_at(task) : NULL;
    const struct cril_task_protocol *p = t ? t->protocols : NULL;

    for (; p && p->name && i; i--)
        p++;
    if (!p || !p->name)
        return false;
    *out = (cril_eval_protocol){.name = p->name,
                                .summary = p->summary,
                                .shots = p->shots,
                                .draw = draws[p->draw],
                                .window = p->window,
                                .max_tokens = p->max_tokens,
                                .metric = p->metric_shown};
    return true;
}

bool cril_eval_file_at(size_t task, size_t i, cril_eval_file *out)
{
    const struct cril_task *t = out ? cril_task_at(task) : NULL;
    const struct cril_task_file *f = t ? t->files : NULL;

    for (; f && f->name && i; i--)
        f++;
    if (!f || !f->name)
        return false;
    *out = (cril_eval_file){.name = f->name,
                            .role = f->role,
                            .published = f->published,
                            .conversion = f->conversion,
                            .protocols = f->protocols};
    return true;
}

/* ---- Opening ---- */

static cril_status no_memory(cril_error *err)
{
    return cril_fail(err, CRIL_ERR_NOMEM, "out of memory for an evaluation");
}

static const cril_eval_settings defaults;

static cril_status read_settings(const cril_eval_settings *s, struct cril_task_overrides *out,
                                 cril_error *err)
{
    *out = (struct cril_task_overrides){-1, -1, -1, -1};
    if (s->shots > INT32_MAX || s->window > INT32_MAX || s->max_tokens > INT32_MAX)
        return cril_fail(err, CRIL_ERR_RANGE,
                         "shots, window or max_tokens is beyond what a model takes");
    if (s->has_shots)
        out->shots = (int64_t)s->shots;
    if (s->window)
        out->window = (int64_t)s->window;
    if (s->max_tokens)
        out->max_tokens = (int64_t)s->max_tokens;
    if (s->draw && strcmp(s->draw, "first") != 0 && strcmp(s->draw, "seeded") != 0)
        return cril_fail(err, CRIL_ERR_RANGE, "the draw of shots is first or seeded, not \"%.40s\"",
                         s->draw);
    if (s->draw)
        out->draw = *s->draw == 'f' ? CRIL_DRAW_FIRST : CRIL_DRAW_SEEDED;
    return CRIL_OK;
}

/* An evaluation of nothing yet, and what settings override. */
static cril_status begin(const cril_eval_settings *s, struct cril_task_overrides *o,
                         cril_eval **out, cril_error *err)
{
    const cril_status st = read_settings(s, o, err);

    if (st != CRIL_OK)
        return st;
    *out = calloc(1, sizeof(**out));
    return *out ? CRIL_OK : no_memory(err);
}

/* e is whole, or, where st says that it is not, closed. */
static cril_status opened(cril_eval *e, cril_status st, cril_eval **out)
{
    if (st == CRIL_OK)
        *out = e;
    else
        cril_eval_close(e);
    return st;
}

static cril_status unknown_task(const char *name, cril_error *err)
{
    char list[512] = "";
    size_t n = 0;

    for (size_t i = 0; cril_task_at(i) && n < sizeof(list); i++)
        n += (size_t)snprintf(list + n, sizeof(list) - n, "%s%s", n ? ", " : "",
                              cril_task_at(i)->name);
    return cril_fail(err, CRIL_ERR_RANGE, "there is no task \"%.80s\"; there are %s", name, list);
}

cril_status cril_eval_open_task(const char *task, const char *data,
                                const cril_eval_settings *settings, cril_eval **out,
                                cril_error *err)
{
    if (CRIL_LACKS(err, task, data, out))
        return CRIL_ERR_RANGE;

    const struct cril_task *t = cril_task_find(task);
    const cril_eval_settings *s = settings ? settings : &defaults;
    struct cril_task_overrides o;
    cril_eval *e = NULL;
    cril_status st = t ? begin(s, &o, &e, err) : unknown_task(task, err);

    if (st == CRIL_OK)
        st = cril_evaluation_open_task(t, s->protocol, &o, data, s->limit, &e->evaluation, err);
    return opened(e, st, out);
}

cril_status cril_eval_open_task_file(const char *path, const char *data,
                                     const cril_eval_settings *settings, cril_eval **out,
                                     cril_error *err)
{
    if (CRIL_LACKS(err, path, out))
        return CRIL_ERR_RANGE;

    const cril_eval_settings *s = settings ? settings : &defaults;
    struct cril_task_overrides o;
    cril_eval *e = NULL;
    cril_status st = begin(s, &o, &e, err);

    if (st == CRIL_OK)
        st = cril_task_file_read(path, data, &o, s->limit, &e->evaluation, err);
    return opened(e, st, out);
}

/* Another window is another protocol. */
static cril_status set_window(struct cril_task_settings *s, uint64_t window, cril_error *err)
{
    char what[160];

    s->protocol.window = (size_t)window;
    snprintf(s->name + strlen(s->name), sizeof(s->name) - strlen(s->name), ",window=%" PRIu64,
             window);
    snprintf(what, sizeof(what), "%s window %" PRIu64, s->sha256, window);
    return cril_sha256_of(what, strlen(what), s->sha256, err);
}

cril_status cril_eval_open_requests(const char *path, const cril_eval_settings *settings,
                                    cril_eval **out, cril_error *err)
{
    if (CRIL_LACKS(err, path, out))
        return CRIL_ERR_RANGE;

    const cril_eval_settings *s = settings ? settings : &defaults;
    struct cril_task_overrides o;
    cril_eval *e = NULL;
    cril_status st = begin(s, &o, &e, err);

    if (st == CRIL_OK)
        st = cril_requests_read(path, s->limit, &e->evaluation, err);
    if (st == CRIL_OK && s->window)
        st = set_window(&e->evaluation.settings, s->window, err);
    return opened(e, st, out);
}

/* Parts borrow the names of the sum. */
static void forget_run(cril_eval *e)
{
    cril_journal_close(e->journal);
    cril_evaluation_sum_free(e->sum);
    free(e->parts);
    cril_arena_free(&e->part_names);
    e->journal = NULL;
    e->sum = NULL;
    e->parts = NULL;
    e->n_parts = 0;
}

void cril_eval_close(cril_eval *e)
{
    if (!e)
        return;
    forget_run(e);
    cril_evaluation_free(&e->evaluation);
    free(e->programs);
    free(e);
}

const char *cril_eval_name(const cril_eval *e)
{
    return e ? e->evaluation.name : NULL;
}

const char *cril_eval_protocol_name(const cril_eval *e)
{
    return e ? e->evaluation.settings.name : NULL;
}

const char *cril_eval_protocol_sha256(const cril_eval *e)
{
    return e ? e->evaluation.settings.sha256 : NULL;
}

const char *cril_eval_data_sha256(const cril_eval *e)
{
    return e ? e->evaluation.data_sha256 : NULL;
}

const char *cril_eval_metric(const cril_eval *e)
{
    const struct cril_task_protocol *p = e ? &e->evaluation.settings.protocol : NULL;

    if (!p)
        return NULL;
    return p->metric_shown ? p->metric_shown : p->metric ? p->metric : "";
}

size_t cril_eval_shots(const cril_eval *e)
{
    return e ? e->evaluation.settings.protocol.shots : 0;
}

size_t cril_eval_items(const cril_eval *e)
{
    return e ? e->evaluation.items.n : 0;
}

bool cril_eval_is_task(const cril_eval *e)
{
    return e && e->evaluation.task;
}

bool cril_eval_runs_programs(const cril_eval *e)
{
    return e && e->evaluation.task && e->evaluation.task->program;
}

/* ---- Programs ---- */

struct cril_programs {
    struct cril_sandbox *sandbox;
};

cril_status cril_programs_open(const char *python, cril_programs **out, cril_error *err)
{
    if (CRIL_LACKS(err, out))
        return CRIL_ERR_RANGE;

    cril_programs *p = calloc(1, sizeof(*p));
    cril_status st = p ? cril_sandbox_open(python, &p->sandbox, err) : no_memory(err);

    if (st == CRIL_OK)
        *out = p;
    else
        free(p);
    return st;
}

void cril_programs_close(cril_programs *p)
{
    if (!p)
        return;
    cril_sandbox_close(p->sandbox);
    free(p);
}

struct cril_sandbox *cril_programs_sandbox(const cril_programs *p)
{
    return p->sandbox;
}

cril_status cril_eval_check_programs(cril_eval *e, cril_programs *p, cril_error *err)
{
    if (CRIL_LACKS(err, e, p))
        return CRIL_ERR_RANGE;

    const char *python = cril_sandbox_python(p->sandbox);
    char *needs = NULL, *versions = NULL, *all;
    cril_status st = CRIL_OK;
    size_t size;

    if (!cril_eval_runs_programs(e))
        return CRIL_OK;
    st = cril_judge_needs(&e->evaluation, NULL, &needs, err);
    if (st == CRIL_OK && *needs)
        st = cril_sandbox_modules(p->sandbox, needs, &versions, err);
    size = strlen(python) + (versions ? strlen(versions) : 0) + 32;
    if (st == CRIL_OK && !(all = malloc(size)))
        st = no_memory(err);
    if (st == CRIL_OK) {
        snprintf(all, size, "Python %s%s%s", python, versions && *versions ? " " : "",
                 versions ? versions : "");
        free(e->programs);
        e->programs = all;
    }
    free(needs);
    free(versions);
    return st;
}

const char *cril_eval_programs(const cril_eval *e)
{
    return e && e->programs ? e->programs : "";
}

/* ---- Running ---- */

struct run {
    cril_eval *e;
    const cril_eval_callbacks *callbacks;
    size_t known; /* items whose lines were there before */
    cril_status failure;
    cril_error why;
};

static void note(const cril_eval_callbacks *c, const char *sentence)
{
    if (c && c->on_note)
        c->on_note(c->user, sentence);
}

/* All that decides over lines, as one line of text; owned. NULL: out of memory. */
static char *make_key(const cril_eval *e, const char *identity, const cril_eval_options *o)
{
    const cril_unicode unicode = cril_unicode_here();
    const struct cril_evaluation *v = &e->evaluation;
    json_t *key = json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:i, s:s, s:s, s:b, s:b, s:s}", "journal",
        "cril eval 1", "model", identity, "task", v->name, "protocol", v->settings.name,
        "protocol_sha256", v->settings.sha256, "data_sha256", v->data_sha256, "numerics",
        CRIL_NUMERICS, "rules", CRIL_RULES, "pcre2", unicode.pcre2, "utf8proc", unicode.utf8proc,
        "special", o->special, "no_bos", o->no_bos, "programs", cril_eval_programs(e));
    char *text = json_dumps(key, JSON_COMPACT);

    json_decref(key);
    return text;
}

static cril_status add_line(void *sum, const char *line, size_t len, cril_error *err)
{
    return cril_evaluation_sum_add(sum, line, len, err);
}

cril_status cril_eval_add_lines(const cril_eval *e, struct cril_evaluation_sum *sum,
                                cril_error *err)
{
    return cril_journal_each(e->journal, add_line, sum, err);
}

static cril_status open_journal(cril_eval *e, cril_model *m, const cril_eval_options *o,
                                const cril_eval_callbacks *callbacks, cril_error *err)
{
    char identity[65], *key = NULL;
    cril_error why = {0};
    cril_status st = o->dry_run ? CRIL_ERR_IO : cril_model_identity(m, identity, err);

    if (st == CRIL_OK && !(key = make_key(e, identity, o)))
        st = no_memory(err);
    if (st == CRIL_OK &&
        (st = cril_journal_open(key, &e->evaluation.items, o->fresh, &e->journal, &why)) != CRIL_OK)
        cril_fail(err, st, "%s", why.message);
    free(key);
    if (st != CRIL_ERR_IO)
        return st;
    if (!o->dry_run) {
        note(callbacks, why.message);
        note(callbacks, "this run cannot go on where it is stopped");
    }
    return cril_journal_open_temporary(&e->evaluation.items, &e->journal, err);
}

static bool has(void *user, size_t item)
{
    return cril_journal_has(((struct run *)user)->e->journal, item);
}

static int on_item(void *user, size_t item, const char *line, size_t len)
{
    struct run *r = user;

    r->failure = cril_journal_add(r->e->journal, item, line, len, &r->why);
    if (r->failure == CRIL_OK)
        r->failure = cril_evaluation_sum_add(r->e->sum, line, len, &r->why);
    return r->failure != CRIL_OK;
}

static int on_progress(void *user, const struct cril_evaluation_progress *p)
{
    struct run *r = user;
    const cril_eval_callbacks *c = r->callbacks;
    const cril_eval_progress out = {.items = r->known + p->items,
                                    .done = r->known + p->items_done,
                                    .tokens = p->rows,
                                    .generated = p->generated,
                                    .fraction =
                                        p->items ? (double)p->items_done / (double)p->items : 1,
                                    .seconds = p->seconds};

    return c && c->on_progress ? c->on_progress(c->user, &out) : 0;
}

static void on_control(void *user, const char *name)
{
    struct run *r = user;
    char sentence[256];

    snprintf(sentence, sizeof(sentence),
             "%s: a text holds \"%.64s\", the name of a control token, which was taken as text; "
             "--special makes it the token",
             r->e->evaluation.name, name);
    note(r->callbacks, sentence);
}

static cril_status run_items(struct run *r, cril_model *m, const cril_eval_options *o,
                             cril_error *err)
{
    const struct cril_evaluation_options options = {.threads = o->threads,
                                                    .batch_tokens = o->batch_tokens,
                                                    .streams = o->streams,
                                                    .memory_bytes = o->memory_bytes,
                                                    .special = o->special,
                                                    .no_bos = o->no_bos,
                                                    .dry_run = o->dry_run,
                                                    .sandbox =
                                                        o->programs ? o->programs->sandbox : NULL};
    const struct cril_evaluation_callbacks callbacks = {.user = r,
                                                        .has = has,
                                                        .on_item = on_item,
                                                        .on_progress = on_progress,
                                                        .on_control = on_control};
    const cril_status st = cril_evaluate(&r->e->evaluation, m, &options, &callbacks, err);

    return r->failure == CRIL_OK ? st : cril_fail(err, r->failure, "%s", r->why.message);
}

cril_status cril_eval_run(cril_eval *e, cril_model *m, const cril_eval_options *options,
                          const cril_eval_callbacks *callbacks, cril_error *err)
{
    if (CRIL_LACKS(err, e, m))
        return CRIL_ERR_RANGE;

    static const cril_eval_options none;
    const cril_eval_options *o = options ? options : &none;
    struct run r = {.e = e, .callbacks = callbacks};
    cril_status st = CRIL_OK;

    forget_run(e);
    e->dry_run = o->dry_run;
    if (o->programs && !o->dry_run && !*cril_eval_programs(e))
        st = cril_eval_check_programs(e, o->programs, err);
    if (st == CRIL_OK)
        st = cril_evaluation_sum_create(&e->evaluation, &e->sum, err);
    if (st == CRIL_OK)
        st = open_journal(e, m, o, callbacks, err);
    if (st == CRIL_OK)
        st = cril_eval_add_lines(e, e->sum, err);
    if (st == CRIL_OK) {
        r.known = cril_journal_lines(e->journal);
        st = run_items(&r, m, o, err);
    }
    return st;
}

void cril_eval_done(cril_eval *e)
{
    if (e)
        cril_journal_remove(e->journal);
}

/* ---- What was found ---- */

const cril_eval_score *cril_eval_scores(cril_eval *e, size_t *n)
{
    cril_eval_score *s = e && n && e->sum ? cril_evaluation_sum_scores(e->sum, n) : NULL;

    for (size_t i = 0; s && e->dry_run && i < *n; i++)
        s[i].score = s[i].se = NAN; /* items that cannot be run count as wrong, but none was run */
    return s;
}

cril_eval_reference cril_eval_reference_of(const cril_eval *e)
{
    return e && e->sum ? cril_evaluation_sum_reference(e->sum) : (cril_eval_reference){0};
}

const char *cril_eval_first_error(const cril_eval *e)
{
    return e && e->sum ? cril_evaluation_sum_first_error(e->sum) : "";
}

static cril_status write_line(void *f, const char *line, size_t len, cril_error *err)
{
    if (fwrite(line, 1, len, f) != len || putc('\n', f) == EOF)
        return cril_fail(err, CRIL_ERR_IO, "items could not be written: %s", strerror(errno));
    return CRIL_OK;
}

cril_status cril_eval_write_items(const cril_eval *e, FILE *f, cril_error *err)
{
    if (CRIL_LACKS(err, e, f))
        return CRIL_ERR_RANGE;

    return e->journal ? cril_journal_each(e->journal, write_line, f, err) : CRIL_OK;
}
