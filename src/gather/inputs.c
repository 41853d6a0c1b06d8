/* Inputs of one kind: see inputs.h. */
#include "gather/inputs.h"

#include "gather/source_code.h"
#include "gather/source_jsonl.h"
#include "gather/source_web.h"
#include "gather/source_wiki.h"
#include "gather/step.h"
#include "util/arena.h"
#include "util/fail.h"
#include "util/hash.h"
#include "util/size.h"

#include <cril/corpus.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MAX_REASONS = 64, READ_BYTES = 1 << 18 };

struct input {
    const char *path, *name;
    uint64_t bytes, documents;
    char sha256[65]; /* "": standard input, a folder */
    json_t *about;   /* what the source says of it; NULL: nothing */
};

struct cril_inputs {
    const struct cril_input_kind *kind;
    const cril_gather_options *options;
    struct cril_arena arena;
    struct input *list; /* [n] */
    size_t n, size, at;
    struct input *created; /* [options->n_created] */
    struct cril_wiki_dates *dates;
    struct cril_code_options code;
    struct cril_source *source; /* of list[at]; NULL: it is not open */
    uint64_t bytes, bytes_before, documents;
    char date[11];
    struct cril_left_out left_out[MAX_REASONS]; /* [n_reasons] of inputs that were closed */
    size_t n_reasons;
};

/* ---- kinds ---- */

static cril_status open_source(struct cril_inputs *in, const char *path, cril_error *err)
{
    const struct cril_wiki_options wiki = {.created = in->dates,
                                           .min_page_id = in->options->min_page_id};

    switch (in->kind->step_kind) {
    case CRIL_STEP_JSONL: return cril_source_jsonl_open(path, &in->source, err);
    case CRIL_STEP_CODE: return cril_source_code_open(path, &in->code, &in->source, err);
    case CRIL_STEP_WIKI: return cril_source_wiki_open(path, &wiki, &in->source, err);
    default: return cril_source_web_open(path, &in->source, err);
    }
}

static const struct cril_input_kind kinds[] = {
    {"web", "the day on which the page was crawled; its text may be older", CRIL_STEP_WEB, true},
    {"wiki", "the day on which the page was created, out of its history; none without one",
     CRIL_STEP_WIKI, true},
    {"code", "the day of the first commit that added the file; its text may be older or newer",
     CRIL_STEP_CODE, false},
    {"jsonl", "what the file calls date", CRIL_STEP_JSONL, true},
};

enum { N_KINDS = sizeof(kinds) / sizeof(*kinds) };

const struct cril_input_kind *cril_input_kind_at(size_t i)
{
    return i < N_KINDS ? &kinds[i] : NULL;
}

const struct cril_input_kind *cril_input_kind_find(const char *name)
{
    for (size_t i = 0; i < N_KINDS; i++) {
        if (name && strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    }
    return NULL;
}

bool cril_gather_kind_at(size_t i, cril_gather_kind *out)
{
    if (i >= N_KINDS || !out)
        return false;
    *out = (cril_gather_kind){kinds[i].name, kinds[i].dates};
    return true;
}

/* ---- which files ---- */

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash && slash[1] ? slash + 1 : path;
}

static cril_status no_memory(cril_error *err)
{
    return cril_fail(err, CRIL_ERR_NOMEM, "out of memory for the list of inputs");
}

static bool describe(struct cril_inputs *in, const char *path, struct input *out)
{
    struct stat info;

    out->path = cril_arena_text(&in->arena, path, strlen(path));
    if (!out->path)
        return false;
    out->name = strcmp(path, "-") == 0 ? "standard input" : base_name(out->path);
    out->bytes = stat(path, &info) == 0 && S_ISREG(info.st_mode) ? (uint64_t)info.st_size : 0;
    return true;
}

static int add_input(void *user, const char *path)
{
    struct cril_inputs *in = user;
    struct input *grown = cril_size_grow(in->list, &in->size, in->n, 1, sizeof(*grown));

    if (!grown)
        return 1;
    in->list = grown;
    grown[in->n] = (struct input){0};
    if (!describe(in, path, &grown[in->n]))
        return 1;
    in->n++;
    return 0;
}

static cril_status find_inputs(struct cril_inputs *in, cril_error *err)
{
    const cril_gather_options *o = in->options;
    cril_status st = CRIL_OK;

    for (size_t i = 0; i < o->n_inputs && st == CRIL_OK; i++) {
        if (strcmp(o->inputs[i], "-") != 0 && in->kind->files)
            st = cril_corpus_files(o->inputs[i], add_input, in, err);
        else
            st = add_input(in, o->inputs[i]) ? CRIL_ERR_CANCELLED : CRIL_OK;
    }
    return st == CRIL_ERR_CANCELLED ? no_memory(err) : st;
}

/* Of n inputs the shard has a range, so that shards in order have the inputs in order. */
static cril_status take_shard(struct cril_inputs *in, cril_error *err)
{
    const cril_gather_options *o = in->options;
    const size_t shards = o->n_shards ? o->n_shards : 1, shard = o->n_shards ? o->shard - 1 : 0;
    const size_t from = in->n / shards * shard + (in->n % shards) * shard / shards,
                 to = in->n / shards * (shard + 1) + (in->n % shards) * (shard + 1) / shards;

    if (in->n < shards)
        return cril_fail(err, CRIL_ERR_RANGE,
                         "there are %zu shards of %zu inputs; make as many shards as inputs at "
                         "most",
                         shards, in->n);
    memmove(in->list, in->list + from, (to - from) * sizeof(*in->list));
    in->n = to - from;
    for (size_t i = 0; i < in->n; i++)
        in->bytes += in->list[i].bytes;
    return CRIL_OK;
}

static cril_status hash_file(struct input *input, cril_error *err)
{
    struct cril_sha256 *hash = NULL;
    FILE *f = fopen(input->path, "rb");
    char *data = malloc(READ_BYTES);
    size_t n;
    cril_status st;

    if (!data || (!f && errno == ENOMEM))
        st = no_memory(err);
    else if (!f)
        st = cril_fail(err, CRIL_ERR_IO, "%s: %s", input->path, strerror(errno));
    else
        st = cril_sha256_create(&hash, err);
    while (st == CRIL_OK && (n = fread(data, 1, READ_BYTES, f)) > 0)
        st = cril_sha256_update(hash, data, n, err);
    if (st == CRIL_OK && ferror(f))
        st = cril_fail(err, CRIL_ERR_IO, "%s: cannot be read", input->path);
    if (st == CRIL_OK)
        st = cril_sha256_final(hash, input->sha256, err);
    cril_sha256_free(hash);
    free(data);
    if (f)
        fclose(f);
    return st;
}

static cril_status read_created(struct cril_inputs *in, cril_error *err)
{
    const cril_gather_options *o = in->options;
    cril_status st = CRIL_OK;

    if (!o->n_created)
        return CRIL_OK;
    if (!(in->created = calloc(o->n_created, sizeof(*in->created))))
        return no_memory(err);
    for (size_t i = 0; i < o->n_created && st == CRIL_OK; i++)
        st = describe(in, o->created[i], &in->created[i]) ? hash_file(&in->created[i], err)
                                                          : no_memory(err);
    return st == CRIL_OK ? cril_wiki_dates_read(o->created, o->n_created, &in->dates, err) : st;
}

cril_status cril_inputs_create(const struct cril_input_kind *kind, const cril_gather_options *o,
                               struct cril_inputs **out, cril_error *err)
{
    struct cril_inputs *in = calloc(1, sizeof(*in));
    cril_status st;

    if (!in)
        return no_memory(err);
    in->kind = kind;
    in->options = o;
    in->code = (struct cril_code_options){o->languages, o->n_languages, 0};
    if ((st = find_inputs(in, err)) == CRIL_OK && (st = take_shard(in, err)) == CRIL_OK)
        st = read_created(in, err);
    if (st == CRIL_OK)
        *out = in;
    else
        cril_inputs_free(in);
    return st;
}

void cril_inputs_free(struct cril_inputs *in)
{
    if (!in)
        return;
    if (in->source)
        in->source->kind->close(in->source);
    cril_wiki_dates_free(in->dates);
    cril_arena_free(&in->arena);
    for (size_t i = 0; i < in->n; i++)
        json_decref(in->list[i].about);
    free(in->created);
    free(in->list);
    free(in);
}

/* ---- documents ---- */

static cril_status open_next(struct cril_inputs *in, cril_error *err)
{
    struct input *input = &in->list[in->at];
    struct stat info;
    cril_status st = CRIL_OK;

    if (stat(input->path, &info) == 0 && S_ISREG(info.st_mode))
        st = hash_file(input, err);
    return st == CRIL_OK ? open_source(in, input->path, err) : st;
}

static cril_status close_source(struct cril_inputs *in, cril_error *err)
{
    const struct cril_source_kind *kind = in->source->kind;
    size_t n;
    const struct cril_left_out *list = kind->left_out(in->source, &n);

    if (kind->about && !(in->list[in->at].about = kind->about(in->source)))
        return no_memory(err);

    in->n_reasons = n < MAX_REASONS ? n : MAX_REASONS;
    for (size_t i = 0; i < in->n_reasons; i++) {
        in->left_out[i].why = list[i].why;
        in->left_out[i].n += list[i].n;
    }
    kind->close(in->source);
    in->source = NULL;
    in->bytes_before += in->list[in->at].bytes;
    in->at++;
    return CRIL_OK;
}

static void fill(struct cril_inputs *in, const struct cril_gathered *doc, struct cril_entry *e)
{
    memcpy(in->date, doc->date, sizeof(in->date));
    *e = (struct cril_entry){
        .field = {[CRIL_ENTRY_ID] = doc->id,
                  [CRIL_ENTRY_SOURCE] = in->list[in->at].name,
                  [CRIL_ENTRY_ADDRESS] = doc->address,
                  [CRIL_ENTRY_TITLE] = doc->title,
                  [CRIL_ENTRY_DATE] = *in->date ? in->date : NULL,
                  [CRIL_ENTRY_LICENCE] = doc->licence,
                  [CRIL_ENTRY_LANGUAGE] = doc->language},
        .text = doc->text,
        .len = doc->len,
    };
    in->list[in->at].documents++;
    in->documents++;
}

cril_status cril_inputs_next(struct cril_inputs *in, struct cril_entry *e, cril_error *err)
{
    struct cril_gathered doc;
    cril_status st;

    *e = (struct cril_entry){0};
    while (in->at < in->n) {
        if (!in->source && (st = open_next(in, err)) != CRIL_OK)
            return st;
        if ((st = in->source->kind->next(in->source, &doc, err)) != CRIL_OK)
            return st;
        if (doc.text) {
            fill(in, &doc, e);
            return CRIL_OK;
        }
        if ((st = close_source(in, err)) != CRIL_OK)
            return st;
    }
    return CRIL_OK;
}

void cril_inputs_progress(const struct cril_inputs *in, cril_gather_progress *p)
{
    p->input = in->at < in->n ? in->list[in->at].path : NULL;
    p->bytes_read = in->bytes_before + (in->source ? in->source->kind->taken(in->source) : 0);
    p->fraction = in->bytes ? (double)p->bytes_read / (double)in->bytes : -1;
    p->documents = in->documents;
}

/* ---- for the card ---- */

static json_t *inputs_json(const struct input *list, size_t n, bool documents)
{
    json_t *out = json_array();
    size_t n_set = 0;

    for (size_t i = 0; i < n; i++) {
        json_t *o =
            json_pack("{s:s, s:I, s:s?}", "name", list[i].name, "bytes", (json_int_t)list[i].bytes,
                      "sha256", *list[i].sha256 ? list[i].sha256 : NULL);

        if (list[i].about && json_object_update(o, list[i].about) != 0)
            continue; /* out of memory: the list is too short */
        n_set += !documents ||
                 !json_object_set_new(o, "documents", json_integer((json_int_t)list[i].documents));
        json_array_append_new(out, o);
    }
    if (n_set == n && json_array_size(out) == n)
        return out;
    json_decref(out);
    return NULL;
}

cril_status cril_inputs_json(const struct cril_inputs *in, json_t **out, cril_error *err)
{
    const size_t n_created = in->options->n_created;
    json_t *left_out = json_object();
    bool good = true;

    for (size_t i = 0; i < in->n_reasons; i++) {
        if (in->left_out[i].n)
            good &= !json_object_set_new(left_out, in->left_out[i].why,
                                         json_integer((json_int_t)in->left_out[i].n));
    }
    *out = json_pack("{s:s, s:o, s:o}", "dates", in->kind->dates, "inputs",
                     inputs_json(in->list, in->n, true), "left_out", left_out);
    if (n_created)
        good &= !json_object_set_new(*out, "created", inputs_json(in->created, n_created, false));
    return *out && good ? CRIL_OK : no_memory(err);
}
