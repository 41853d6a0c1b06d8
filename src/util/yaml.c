/*
 * Events of libyaml to nodes, then nodes to fields by tables.
 *
 * Events and not libyaml's own documents: documents have aliases resolved, so that they cannot be
 * refused, and have no bound of depth. The tree is built without recursion, its depth is bounded by
 * the stack of open nodes.
 */
#include "util/yaml.h"

#include "util/nearest.h"
#include "util/number.h"

#include <cril/text.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

enum { MAX_LEVELS = 16, MAX_NAME = 200 };

/* ---- faults ---- */

void cril_yaml_fault(struct cril_yaml *y, cril_status status, size_t line, const char *format, ...)
{
    cril_study_faults *f = &y->faults;
    char raw[sizeof(f->fault[0].message)];
    cril_error *e;
    size_t at = f->n;
    int n;
    va_list ap;

    if (f->n == CRIL_STUDY_MOST_FAULTS) {
        f->more = true;
        return;
    }
    while (at > 0 && y->lines[at - 1] > line)
        at--;
    memmove(&f->fault[at + 1], &f->fault[at], (f->n - at) * sizeof(*f->fault));
    memmove(&y->lines[at + 1], &y->lines[at], (f->n - at) * sizeof(*y->lines));
    f->n++;
    y->lines[at] = line;
    e = &f->fault[at];
    e->status = status;
    n = line ? snprintf(e->message, sizeof(e->message), "%s:%zu: ", y->path, line)
             : snprintf(e->message, sizeof(e->message), "%s: ", y->path);
    if (n < 0 || (size_t)n >= sizeof(e->message))
        n = 0; /* a path of a thousand bytes: the sentence matters more */
    va_start(ap, format);
    cril_format(e->message + n, sizeof(e->message) - (size_t)n, format, ap);
    va_end(ap);
    memcpy(raw, e->message, sizeof(raw));
    cril_text_show(raw, strlen(raw), false, e->message, sizeof(e->message));
}

static bool no_memory(struct cril_yaml *y)
{
    y->no_memory = true;
    return false;
}

/* ---- events to nodes ---- */

/* A list or mapping that has not ended. */
struct opened {
    struct cril_yaml_node *node, *last; /* its last child */
    const char *key;                    /* of its next value; NULL: a key comes next */
    size_t key_line;
};

struct builder {
    struct cril_yaml *y;
    struct cril_yaml_node *root;
    struct opened open[MAX_LEVELS];
    size_t depth;
};

static size_t line_of(const yaml_event_t *e)
{
    return e->start_mark.line + 1;
}

static bool refuse_marks(struct cril_yaml *y, const yaml_event_t *e, const yaml_char_t *anchor,
                         const yaml_char_t *tag)
{
    if (anchor)
        cril_yaml_fault(y, CRIL_ERR_UNSUPPORTED, line_of(e),
                        "%s has no anchors (&%.40s); write the value in full, or quote the text",
                        y->what, (const char *)anchor);
    else if (tag)
        cril_yaml_fault(y, CRIL_ERR_UNSUPPORTED, line_of(e),
                        "%s has no tags (%.40s); take it away, or quote the text", y->what,
                        (const char *)tag);
    return !anchor && !tag;
}

/* A new node below the innermost open one: its next item, or the value of the key that was read. */
static struct cril_yaml_node *add_node(struct builder *b, const yaml_event_t *e,
                                       enum cril_yaml_kind kind)
{
    struct cril_yaml_node *node = cril_arena_take(b->y->arena, 1, sizeof(*node));
    struct opened *in = b->depth ? &b->open[b->depth - 1] : NULL;

    if (!node) {
        no_memory(b->y);
        return NULL;
    }
    node->kind = kind;
    node->line = line_of(e);
    if (!in) {
        b->root = node;
        return node;
    }
    node->key = in->key;
    node->key_line = in->key_line;
    in->key = NULL;
    if (in->last)
        in->last->next = node;
    else
        in->node->first = node;
    in->last = node;
    in->node->n++;
    return node;
}

static bool wants_key(const struct builder *b)
{
    return b->depth && b->open[b->depth - 1].node->kind == CRIL_YAML_MAPPING &&
           !b->open[b->depth - 1].key;
}

static bool is_no_value(const yaml_event_t *e)
{
    const char *text = (const char *)e->data.scalar.value;

    return e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
           (!*text || strcmp(text, "~") == 0 || strcmp(text, "null") == 0);
}

static bool on_scalar(struct builder *b, const yaml_event_t *e)
{
    const size_t len = e->data.scalar.length;
    struct cril_yaml_node *node;
    char *copy;

    if (!refuse_marks(b->y, e, e->data.scalar.anchor, e->data.scalar.tag))
        return false;
    if (!(copy = cril_arena_text(b->y->arena, (const char *)e->data.scalar.value, len)))
        return no_memory(b->y);
    if (wants_key(b)) {
        if (strlen(copy) != len) {
            cril_yaml_fault(b->y, CRIL_ERR_RANGE, line_of(e), "a key holds a NUL");
            return false;
        }
        b->open[b->depth - 1].key = copy;
        b->open[b->depth - 1].key_line = line_of(e);
        return true;
    }
    if (!(node = add_node(b, e, CRIL_YAML_SCALAR)))
        return false;
    node->text = is_no_value(e) ? NULL : copy;
    node->has_nul = strlen(copy) != len;
    if (!node->text && node->key) /* nothing may stand where the next thing does */
        node->line = node->key_line;
    return true;
}

static bool on_start(struct builder *b, const yaml_event_t *e, enum cril_yaml_kind kind)
{
    struct cril_yaml_node *node;

    if (wants_key(b)) {
        cril_yaml_fault(b->y, CRIL_ERR_RANGE, line_of(e),
                        "a key is one word, not a list or a mapping");
        return false;
    }
    if (b->depth == MAX_LEVELS) {
        cril_yaml_fault(b->y, CRIL_ERR_RANGE, line_of(e),
                        "lists and mappings lie more than %d deep", MAX_LEVELS);
        return false;
    }
    if (!(node = add_node(b, e, kind)))
        return false;
    b->open[b->depth++] = (struct opened){.node = node};
    return true;
}

/* False: the tree is not to be used, and y says why. */
static bool on_event(struct builder *b, const yaml_event_t *e)
{
    switch (e->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (b->root)
            cril_yaml_fault(b->y, CRIL_ERR_RANGE, line_of(e),
                            "a second document begins, but %s is one document; remove "
                            "the line '---'",
                            b->y->what);
        return !b->root;
    case YAML_ALIAS_EVENT:
        cril_yaml_fault(b->y, CRIL_ERR_UNSUPPORTED, line_of(e),
                        "%s has no aliases (*%.40s); write the value out, or quote the text",
                        b->y->what, (const char *)e->data.alias.anchor);
        return false;
    case YAML_SCALAR_EVENT: return on_scalar(b, e);
    case YAML_SEQUENCE_START_EVENT:
        return refuse_marks(b->y, e, e->data.sequence_start.anchor, e->data.sequence_start.tag) &&
               on_start(b, e, CRIL_YAML_LIST);
    case YAML_MAPPING_START_EVENT:
        return refuse_marks(b->y, e, e->data.mapping_start.anchor, e->data.mapping_start.tag) &&
               on_start(b, e, CRIL_YAML_MAPPING);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT: b->depth--; return true;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_END_EVENT: return true;
    }
    return true;
}

/* The part of libyaml that reads bytes knows offsets, no lines. */
static size_t line_at(const char *data, size_t len, size_t offset)
{
    size_t line = 1;

    for (size_t i = 0; i < len && i < offset; i++)
        line += data[i] == '\n';
    return line;
}

static const char *remedy_for(const char *problem)
{
    if (strstr(problem, "cannot start any token"))
        return "; indent with spaces and not tabs, quote a text that begins with a sign";
    if (strstr(problem, "mapping values are not allowed"))
        return "; quote a text that holds ': '";
    if (strstr(problem, "undefined alias") || strstr(problem, "alphabetic or numeric"))
        return "; quote a text that begins with '*' or '&'";
    return "";
}

static void not_yaml(struct cril_yaml *y, const yaml_parser_t *p, const char *data, size_t len)
{
    const char *problem = p->problem ? p->problem : "it cannot be read";

    if (p->error == YAML_MEMORY_ERROR)
        no_memory(y);
    else if (p->error == YAML_READER_ERROR)
        cril_yaml_fault(y, CRIL_ERR_FORMAT, line_at(data, len, p->problem_offset),
                        "is not YAML: %s (byte %zu); %s is UTF-8", problem, p->problem_offset,
                        y->what);
    else if (p->context)
        cril_yaml_fault(y, CRIL_ERR_FORMAT, p->problem_mark.line + 1,
                        "is not YAML: %s (%s of line %zu)%s", problem, p->context,
                        p->context_mark.line + 1, remedy_for(problem));
    else
        cril_yaml_fault(y, CRIL_ERR_FORMAT, p->problem_mark.line + 1, "is not YAML: %s%s", problem,
                        remedy_for(problem));
}

static bool read_events(struct builder *b, yaml_parser_t *p, const char *data, size_t len)
{
    bool good = true, end = false;

    while (good && !end) {
        yaml_event_t e;

        if (!yaml_parser_parse(p, &e)) {
            not_yaml(b->y, p, data, len);
            return false;
        }
        good = on_event(b, &e);
        end = e.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&e);
    }
    return good;
}

struct cril_yaml_node *cril_yaml_parse(struct cril_yaml *y, const char *data, size_t len)
{
    struct builder b = {.y = y};
    yaml_parser_t p;
    bool good;

    if (len > CRIL_YAML_MOST_BYTES) {
        cril_yaml_fault(y, CRIL_ERR_RANGE, 0, "has %zu bytes; %s has at most %d", len, y->what,
                        CRIL_YAML_MOST_BYTES);
        return NULL;
    }
    if (!yaml_parser_initialize(&p)) {
        no_memory(y);
        return NULL;
    }
    yaml_parser_set_input_string(&p, (const unsigned char *)(len ? data : ""), len);
    good = read_events(&b, &p, data, len);
    yaml_parser_delete(&p);
    if (good && !b.root)
        cril_yaml_fault(y, CRIL_ERR_RANGE, 0, "is empty; %s", y->when_empty);
    return good ? b.root : NULL;
}

/* ---- nodes to fields ---- */

static const char *kind_name(const struct cril_yaml_node *node)
{
    return node->kind == CRIL_YAML_LIST      ? "a list"
           : node->kind == CRIL_YAML_MAPPING ? "a mapping"
                                             : "a text";
}

/* A scalar with a value. */
static bool read_scalar(struct cril_yaml *y, const struct cril_yaml_node *node, const char *key,
                        bool may_be_empty, struct cril_yaml_text *out)
{
    if (node->kind != CRIL_YAML_SCALAR)
        cril_yaml_fault(y, CRIL_ERR_RANGE, node->line, "\"%s\" is %s where one text is expected",
                        key, kind_name(node));
    else if (!node->text || (!*node->text && !may_be_empty))
        cril_yaml_fault(y, CRIL_ERR_RANGE, node->line,
                        "\"%s\" has no value; give it one, or take the line away", key);
    else if (node->has_nul)
        cril_yaml_fault(y, CRIL_ERR_RANGE, node->line,
                        "\"%s\" holds a NUL, which no name or path can", key);
    else {
        *out = (struct cril_yaml_text){node->text, node->line};
        return true;
    }
    return false;
}

static bool read_text(struct cril_yaml *y, const struct cril_yaml_node *node, const char *key,
                      struct cril_yaml_text *out)
{
    return read_scalar(y, node, key, false, out);
}

/* What is wrong with a name; NULL: nothing. */
static const char *word_fault(const char *text, bool may_exclude)
{
    const size_t len = strlen(text);

    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] < 32 || text[i] == 127)
            return "holds a line end or another control character";
    if (text[0] == ' ' || text[len - 1] == ' ')
        return "begins or ends with a space";
    if (len > MAX_NAME)
        return "is longer than 200 bytes";
    if (text[0] == '-' && !may_exclude)
        return "begins with '-', which excludes models where they are chosen";
    if (text[0] == '-' && !text[1])
        return "is a '-' and nothing else";
    return NULL;
}

const char *cril_yaml_name_fault(const char *text)
{
    return word_fault(text, false);
}

static bool read_word(struct cril_yaml *y, const struct cril_yaml_node *node, const char *key,
                      bool may_exclude, struct cril_yaml_text *out)
{
    struct cril_yaml_text t;
    const char *why;

    if (!read_text(y, node, key, &t))
        return false;
    if ((why = word_fault(t.text, may_exclude)) != NULL) {
        cril_yaml_fault(y, CRIL_ERR_RANGE, t.line, "\"%s\": \"%.60s\" %s; choose another word", key,
                        t.text, why);
        return false;
    }
    *out = t;
    return true;
}

bool cril_yaml_read_name(struct cril_yaml *y, const struct cril_yaml_node *node, const char *key,
                         struct cril_yaml_text *out)
{
    return read_word(y, node, key, false, out);
}

static void read_words(struct cril_yaml *y, const struct cril_yaml_node *node, const char *key,
                       bool may_exclude, struct cril_yaml_texts *out)
{
    const bool is_list = node->kind == CRIL_YAML_LIST;
    const struct cril_yaml_node *item = is_list ? node->first : node;
    const size_t n = is_list ? node->n : 1;

    out->line = node->line;
    if (!(out->items = cril_arena_take(y->arena, n, sizeof(*out->items)))) {
        no_memory(y);
        return;
    }
    for (size_t i = 0; i < n && !y->faults.more; i++, item = item->next)
        out->n += read_word(y, item, key, may_exclude, &out->items[out->n]);
}

static void read_count(struct cril_yaml *y, const struct cril_yaml_node *node,
                       const struct cril_yaml_key *key, struct cril_yaml_count *out)
{
    const uint64_t min = key->type == CRIL_YAML_NUMBER ? 0 : 1;
    struct cril_yaml_text t;
    uint64_t v = 0;
    bool good = true;
    const char *p;

    if (!read_text(y, node, key->name, &t))
        return;
    for (p = t.text; good && *p >= '0' && *p <= '9'; p++) {
        const uint64_t digit = (uint64_t)(*p - '0');

        good = digit <= key->max && v <= (key->max - digit) / 10;
        v = good ? 10 * v + digit : v;
    }
    if (!good || *p || v < min)
        cril_yaml_fault(y, CRIL_ERR_RANGE, t.line,
                        "\"%s\" is a whole number from %" PRIu64 " to %" PRIu64 ", not \"%.40s\"",
                        key->name, min, key->max, t.text);
    else
        *out = (struct cril_yaml_count){v, t.line};
}

static void read_flag(struct cril_yaml *y, const struct cril_yaml_node *node, const char *key,
                      struct cril_yaml_flag *out)
{
    struct cril_yaml_text t;

    if (!read_text(y, node, key, &t))
        return;
    if (strcmp(t.text, "true") != 0 && strcmp(t.text, "false") != 0)
        cril_yaml_fault(y, CRIL_ERR_RANGE, t.line, "\"%s\" is true or false, not \"%.40s\"", key,
                        t.text);
    else
        *out = (struct cril_yaml_flag){t.text[0] == 't', t.line};
}

static void read_items(struct cril_yaml *y, const struct cril_yaml_node *node, const char *key,
                       const struct cril_yaml_node **out)
{
    if (node->kind == CRIL_YAML_LIST)
        *out = node;
    else if (node->kind == CRIL_YAML_SCALAR && !node->text)
        cril_yaml_fault(y, CRIL_ERR_RANGE, node->line,
                        "\"%s\" has no items; give it some, or take the line away", key);
    else
        cril_yaml_fault(y, CRIL_ERR_RANGE, node->line,
                        "\"%s\" is %s where a list is expected; begin each item with '- '", key,
                        kind_name(node));
}

static void read_field(struct cril_yaml *y, const struct cril_yaml_node *node,
                       const struct cril_yaml_key *key, void *out)
{
    void *field = (char *)out + key->offset;

    switch (key->type) {
    case CRIL_YAML_TEXT: read_text(y, node, key->name, field); break;
    case CRIL_YAML_ANY: read_scalar(y, node, key->name, true, field); break;
    case CRIL_YAML_LINE: read_word(y, node, key->name, true, field); break;
    case CRIL_YAML_NAME: read_word(y, node, key->name, false, field); break;
    case CRIL_YAML_NAMES: read_words(y, node, key->name, false, field); break;
    case CRIL_YAML_WORDS: read_words(y, node, key->name, true, field); break;
    case CRIL_YAML_COUNT:
    case CRIL_YAML_NUMBER: read_count(y, node, key, field); break;
    case CRIL_YAML_FLAG: read_flag(y, node, key->name, field); break;
    case CRIL_YAML_ITEMS: read_items(y, node, key->name, field); break;
    case CRIL_YAML_NODE: *(const struct cril_yaml_node **)field = node; break;
    }
}

static void unknown_key(struct cril_yaml *y, const struct cril_yaml_node *node, const char *what,
                        const struct cril_yaml_key *keys)
{
    struct cril_nearest_name nearest = {.word = node->key};
    char all[256] = "";
    size_t at = 0;

    for (const struct cril_yaml_key *k = keys; k->name; k++) {
        cril_nearest_name_offer(&nearest, k->name);
        if (at < sizeof(all))
            at += (size_t)snprintf(all + at, sizeof(all) - at, "%s%s", at ? ", " : "", k->name);
    }
    cril_yaml_fault(y, CRIL_ERR_RANGE, node->key_line,
                    "\"%.40s\" is not a key of %s%s%s%s (keys: %s)", node->key, what,
                    nearest.best ? "; did you mean \"" : "", nearest.best ? nearest.best : "",
                    nearest.best ? "\"?" : "", all);
}

bool cril_yaml_read(struct cril_yaml *y, const struct cril_yaml_node *node, const char *what,
                    const char *example, const struct cril_yaml_key *keys, void *out)
{
    size_t seen[CRIL_YAML_MOST_KEYS] = {0}; /* lines */

    if (node->kind != CRIL_YAML_MAPPING) {
        cril_yaml_fault(
            y, CRIL_ERR_RANGE, node->line, "%s is a mapping such as %s, not %s", what, example,
            node->kind == CRIL_YAML_SCALAR && !node->text ? "nothing" : kind_name(node));
        return false;
    }
    for (const struct cril_yaml_node *n = node->first; n && !y->faults.more; n = n->next) {
        size_t i = 0;

        while (keys[i].name && strcmp(keys[i].name, n->key) != 0)
            i++;
        if (!keys[i].name) {
            unknown_key(y, n, what, keys);
        } else if (seen[i]) {
            cril_yaml_fault(y, CRIL_ERR_RANGE, n->key_line,
                            "\"%s\" is given twice, in line %zu and here; keep one of them", n->key,
                            seen[i]);
        } else {
            seen[i] = n->key_line;
            read_field(y, n, &keys[i], out);
        }
    }
    return true;
}
