/* Pieces of Python source. */
#include "tasks/program.h"

#include "util/fail.h"
#include "util/json.h"
#include "util/utf8.h"

#include <stdio.h>
#include <stdlib.h>

void cril_program_add_field(struct cril_str *t, const struct cril_item *item, const char *field)
{
    cril_str_append(t, cril_json_text(json_object_get(item->document, field)));
}

static void add_escaped(struct cril_str *t, uint32_t code)
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
    cril_str_add(t, escape);
}

void cril_program_add_literal(struct cril_str *t, struct cril_bytes answer)
{
    cril_str_add(t, "'");
    for (size_t at = 0; at < answer.len;) {
        uint32_t code;

        at += cril_utf8_read(answer.data + at, answer.len - at, &code);
        add_escaped(t, code == CRIL_UTF8_ILL ? 0xfffd : code);
    }
    cril_str_add(t, "'");
}

cril_status cril_program_finish(struct cril_str *t, const struct cril_task_program *limits,
                                struct cril_task_program *out, cril_error *err)
{
    if (t->failed) {
        cril_str_free(t);
        return cril_fail(err, CRIL_ERR_NOMEM, "a program that judges an answer: out of memory");
    }
    *out = *limits;
    out->source = t->data;
    out->len = t->n;
    *t = (struct cril_str){0};
    return CRIL_OK;
}
