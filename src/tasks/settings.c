/*
 * A protocol and what the user overrode of it. Whatever decides over a number is written into one
 * text, field by field, whose SHA-256 says whether two results may be compared.
 */
#include "tasks/settings.h"

#include "util/fail.h"
#include "util/hash.h"
#include "util/nearest.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* Far beyond what any model takes; sums with it do not wrap, and names stay short. */
enum { MAX_SHOTS = 100000, MAX_TOKENS = 1 << 30 };

static const char *draw_name(enum cril_draw d)
{
    return d == CRIL_DRAW_FIXED ? "fixed" : d == CRIL_DRAW_FIRST ? "first" : "seeded";
}

static const struct cril_task_protocol *find_protocol(const struct cril_task *t, const char *name)
{
    for (const struct cril_task_protocol *p = t->protocols; p->name; p++)
        if (strcmp(p->name, name) == 0)
            return p;
    return NULL;
}

static cril_status is_unknown(const struct cril_task *t, const char *name, cril_error *err)
{
    struct cril_nearest_name nearest = {.word = name};
    char list[256] = "";
    size_t n = 0;

    for (const struct cril_task_protocol *p = t->protocols; p->name && n < sizeof(list); p++) {
        n += (size_t)snprintf(list + n, sizeof(list) - n, "%s%s", n ? ", " : "", p->name);
        cril_nearest_name_offer(&nearest, p->name);
    }
    return cril_fail(err, CRIL_ERR_RANGE, "%s has no protocol \"%.80s\"%s%s%s; it has %s", t->name,
                     name, nearest.best ? " (did you mean \"" : "",
                     nearest.best ? nearest.best : "", nearest.best ? "\"?)" : "", list);
}

/* ---- What is overridden ---- */

static cril_status override_shots(const struct cril_task *t, struct cril_task_protocol *p,
                                  int64_t shots, cril_error *err)
{
    const uint64_t max = p->max_shots < MAX_SHOTS ? p->max_shots : MAX_SHOTS;

    if (shots == -1)
        return CRIL_OK;
    if (!max && shots)
        return cril_fail(err, CRIL_ERR_RANGE,
                         "%s by the protocol \"%s\" has no shots; leave --shots out", t->name,
                         p->name);
    if (shots < 0 || (uint64_t)shots > max)
        return cril_fail(err, CRIL_ERR_RANGE,
                         "--shots is %" PRId64 ", but %s by the protocol \"%s\" has 0 to %" PRIu64,
                         shots, t->name, p->name, max);
    p->shots = (size_t)shots;
    return CRIL_OK;
}

static cril_status override_draw(const struct cril_task *t, struct cril_task_protocol *p, int draw,
                                 cril_error *err)
{
    if (draw == -1 || (enum cril_draw)draw == p->draw)
        return CRIL_OK;
    if (draw != CRIL_DRAW_FIRST && draw != CRIL_DRAW_SEEDED)
        return cril_fail(err, CRIL_ERR_RANGE, "--draw is neither first nor seeded");
    if (p->draw != CRIL_DRAW_SEEDED)
        return cril_fail(err, CRIL_ERR_RANGE,
                         "%s by the protocol \"%s\" draws no shots: they are %s; leave --draw out",
                         t->name, p->name,
                         !p->max_shots                ? "none"
                         : p->draw == CRIL_DRAW_FIRST ? "the first of a file"
                                                      : "given by the protocol");
    if (!p->shots)
        return cril_fail(err, CRIL_ERR_RANGE,
                         "%s by the protocol \"%s\" shows no shots, so --draw changes nothing; add "
                         "--shots",
                         t->name, p->name);
    p->draw = (enum cril_draw)draw;
    return CRIL_OK;
}

static cril_status override_tokens(const struct cril_task *t, struct cril_task_protocol *p,
                                   const struct cril_task_overrides *o, cril_error *err)
{
    if (o->max_tokens != -1 && !p->max_tokens)
        return cril_fail(err, CRIL_ERR_RANGE,
                         "%s by the protocol \"%s\" generates nothing; leave --max-tokens out",
                         t->name, p->name);
    if (o->max_tokens != -1 && (o->max_tokens < 1 || o->max_tokens > MAX_TOKENS))
        return cril_fail(err, CRIL_ERR_RANGE, "--max-tokens is %" PRId64 ", not from 1 to %d",
                         o->max_tokens, (int)MAX_TOKENS);
    if (o->window != -1 && (o->window < 2 || o->window > MAX_TOKENS))
        return cril_fail(err, CRIL_ERR_RANGE, "--window is %" PRId64 ", not from 2 to %d",
                         o->window, (int)MAX_TOKENS);
    if (o->max_tokens != -1)
        p->max_tokens = (size_t)o->max_tokens;
    if (o->window != -1)
        p->window = (size_t)o->window;
    if (p->window && p->max_tokens >= p->window && !p->shortens_answer)
        return cril_fail(
            err, CRIL_ERR_RANGE,
            "%s by the protocol \"%s\" generates up to %zu tokens, which leave no room "
            "for a prompt in a window of %zu; choose another --window or --max-tokens",
            t->name, p->name, p->max_tokens, p->window);
    return CRIL_OK;
}

/* "harness,shots=25,draw=first": what differs from the protocol of the table. */
static void write_name(const struct cril_task_protocol *was, struct cril_task_settings *s)
{
    const struct cril_task_protocol *const p = &s->protocol;
    char shots[32] = "", draw[32] = "", window[32] = "", tokens[32] = "";

    if (p->shots != was->shots)
        snprintf(shots, sizeof(shots), ",shots=%zu", p->shots);
    if (p->draw != was->draw)
        snprintf(draw, sizeof(draw), ",draw=%s", draw_name(p->draw));
    if (p->window != was->window)
        snprintf(window, sizeof(window), ",window=%zu", p->window);
    if (p->max_tokens != was->max_tokens)
        snprintf(tokens, sizeof(tokens), ",max_tokens=%zu", p->max_tokens);
    snprintf(s->name, sizeof(s->name), "%.24s%.13s%.13s%.18s%.23s", was->name, shots, draw, window,
             tokens);
}

/* ---- What decides over a number ---- */

void cril_settings_write(struct cril_str *t, const char *key, const char *value)
{
    char len[32];

    if (!value)
        return;
    snprintf(len, sizeof(len), " %zu:", strlen(value));
    cril_str_add(t, key);
    cril_str_add(t, len);
    cril_str_add(t, value);
    cril_str_add(t, "\n");
}

static void write_count(struct cril_str *t, const char *key, size_t value)
{
    char number[32];

    snprintf(number, sizeof(number), " %zu\n", value);
    cril_str_add(t, key);
    cril_str_add(t, number);
}

static void write_settings(struct cril_str *to, const struct cril_task *t,
                           const struct cril_task_settings *s)
{
    static const char *const bos[] = {"tokenizer", "gemma", "none"};
    const struct cril_task_protocol *const p = &s->protocol;
    char base[32];

    snprintf(base, sizeof(base), "%.*s", (int)cril_settings_base_len(s), s->name);
    cril_settings_write(to, "task", t->name);
    cril_settings_write(to, "protocol", base);
    write_count(to, "version", p->version);
    write_count(to, "shots", p->shots);
    cril_settings_write(to, "draw", p->shots ? draw_name(p->draw) : "none");
    write_count(to, "window", p->window);
    write_count(to, "max_tokens", p->max_tokens);
    write_count(to, "cut_right", p->cut_right);
    write_count(to, "shortens_answer", p->shortens_answer);
    cril_settings_write(to, "bos", bos[p->bos]);
    for (const char *const *u = p->until; u && *u; u++)
        cril_settings_write(to, "until", *u);
    cril_settings_write(to, "metric", p->metric);
    write_count(to, "mean_of_subjects", p->mean_of_subjects);
    cril_settings_write(to, "answer_rule", p->answer_rule);
}

static cril_status hash_settings(const struct cril_task *t, struct cril_task_settings *s,
                                 cril_error *err)
{
    struct cril_sha256 *h = NULL;
    struct cril_str text = {0};
    cril_status st = CRIL_OK;

    write_settings(&text, t, s);
    if (text.failed)
        st = cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", t->name);
    if (st == CRIL_OK && (st = cril_sha256_create(&h, err)) == CRIL_OK &&
        (st = cril_sha256_update(h, text.data, text.n, err)) == CRIL_OK)
        st = cril_sha256_final(h, s->sha256, err);
    cril_sha256_free(h);
    cril_str_free(&text);
    return st;
}

cril_status cril_task_settings_make(const struct cril_task *t, const char *protocol,
                                    const struct cril_task_overrides *o,
                                    struct cril_task_settings *out, cril_error *err)
{
    const char *const name = protocol ? protocol : t->protocols[0].name;
    const struct cril_task_protocol *const was = find_protocol(t, name);
    struct cril_task_settings s = {0};
    cril_status st;

    if (!was)
        return is_unknown(t, name, err);
    s.protocol = *was;
    if (o && ((st = override_shots(t, &s.protocol, o->shots, err)) != CRIL_OK ||
              (st = override_draw(t, &s.protocol, o->draw, err)) != CRIL_OK ||
              (st = override_tokens(t, &s.protocol, o, err)) != CRIL_OK))
        return st;
    write_name(was, &s);
    if ((st = hash_settings(t, &s, err)) != CRIL_OK)
        return st;
    *out = s;
    out->protocol.name = out->name;
    return CRIL_OK;
}
