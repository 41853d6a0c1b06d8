/* Pieces of Python source. */
#include "tasks/program.h"

#include "util/fail.h"
#include "util/json.h"
#include "util/utf8.h"

#include <stdio.h>
#include <stdlib.h>

void cril_program_add_field(struct rule_text *t, const struct cril_item *item, const char *field)
{
    cril_rule_append(t, cril_json_text(json_object_get(item->document, field)));
}

void cril_program_add_answer(struct rule_text *t, struct cril_bytes answer)
{
    for (size_t at = 0; at < answer.len;) {
        const size_t from = at;
        uint32_t code;

        at += cril_utf8_read(answer.data + at, answer.len - at, &code);
        if (code == CRIL_UTF8_ILL)
            cril_rule_add(t, "\xEF\xBF\xBD");
        else
            cril_rule_append(t, (struct cril_bytes){answer.data + from, at - from});
    }
}

static void add_escaped(struct rule_text *t, uint32_t code)
{
    char escape[16];

    if (code == '\n' || code == '\r')
        snprintf(escape, sizeof(escape), "\\%c", code == '\n' ? 'n' : 'r');
    else if (code == '\\' || code == '\'')
        snprintf(escape, sizeof(escape), "\\%c", (int)code);
    else if (code >= ' ' && code < 0x7f)
        snprintf(escape, sizeof(escape), "%c", (int)code);
    else if (code < 0x10000)
        snprintf(escape, sizeof(escape), "\\u%04x", (unsigned)code);
    else
        snprintf(escape, sizeof(escape), "\\U%08x", (unsigned)code);
    cril_rule_add(t, escape);
}

void cril_program_add_literal(struct rule_text *t, struct cril_bytes answer)
{
    cril_rule_add(t, "'");
    for (size_t at = 0; at < answer.len;) {
        uint32_t code;

        at += cril_utf8_read(answer.data + at, answer.len - at, &code);
        add_escaped(t, code == CRIL_UTF8_ILL ? 0xfffd : code);
    }
    cril_rule_add(t, "'");
}

cril_status cril_program_finish(struct rule_text *t, const struct cril_task_program *limits,
                                struct cril_task_program *out, cril_error *err)
{
    if (t->failed) {
        cril_rule_free(t);
        return cril_fail(err, CRIL_ERR_NOMEM, "a program that judges an answer: out of memory");
    }
    *out = *limits;
    out->source = t->data;
    out->len = t->n;
    *t = (struct rule_text){0};
    return CRIL_OK;
}
