/* cril eval --list: tasks, protocols, and where their data are published. */
#include "evaluating.h"

#include <stdio.h>

static void print_protocol(const cril_eval_protocol *p)
{
    printf("    %-12s%s; ", p->name, p->summary);
    if (p->max_tokens)
        printf("%zu tokens, ", p->max_tokens);
    printf("%s\n", p->metric);
}

static void print_file(const cril_eval_file *f)
{
    printf("    %s (%s%s%s)\n        %s\n", f->name, f->role, f->protocols ? " of " : "",
           f->protocols ? f->protocols : "", f->published);
    if (f->conversion)
        printf("        %s\n", f->conversion);
}

static void print_task(size_t i, const cril_eval_task *t)
{
    cril_eval_protocol p;
    cril_eval_file f;

    printf("%s: %s, %s%s\n", t->name, t->title, t->group,
           t->runs_programs ? ", answers are programs" : "");
    fputs("  protocols:\n", stdout);
    for (size_t k = 0; cril_eval_protocol_at(i, k, &p); k++)
        print_protocol(&p);
    printf("  data, in %s/:\n", t->folder);
    for (size_t k = 0; cril_eval_file_at(i, k, &f); k++)
        print_file(&f);
    putchar('\n');
}

static json_t *protocols_json(size_t task)
{
    json_t *list = json_array();
    cril_eval_protocol p;

    for (size_t k = 0; list && cril_eval_protocol_at(task, k, &p); k++)
        if (json_array_append_new(list, json_pack("{s:s, s:s?, s:I, s:s, s:I, s:I, s:s}", "name",
                                                  p.name, "summary", p.summary, "shots",
                                                  (json_int_t)p.shots, "draw", p.draw, "window",
                                                  (json_int_t)p.window, "max_tokens",
                                                  (json_int_t)p.max_tokens, "metric", p.metric))) {
            json_decref(list);
            return NULL;
        }
    return list;
}

static json_t *files_json(size_t task)
{
    json_t *list = json_array();
    cril_eval_file f;

    for (size_t k = 0; list && cril_eval_file_at(task, k, &f); k++)
        if (json_array_append_new(list,
                                  json_pack("{s:s, s:s, s:s, s:s?, s:s?}", "name", f.name, "role",
                                            f.role, "published", f.published, "conversion",
                                            f.conversion, "protocols", f.protocols))) {
            json_decref(list);
            return NULL;
        }
    return list;
}

static int print_list_json(void)
{
    json_t *list = json_array();
    cril_eval_task t;

    for (size_t i = 0; list && cril_eval_task_at(i, &t); i++)
        if (json_array_append_new(
                list, json_pack("{s:s, s:s, s:s, s:s, s:b, s:b, s:o, s:o}", "name", t.name, "title",
                                t.title, "group", t.group, "folder", t.folder, "subjects",
                                t.has_subjects, "programs", t.runs_programs, "protocols",
                                protocols_json(i), "files", files_json(i)))) {
            json_decref(list);
            list = NULL;
        }
    return cril_print_json(list, JSON_INDENT(1));
}

int cril_eval_list(bool json)
{
    cril_eval_task t;

    if (json)
        return print_list_json();
    for (size_t i = 0; cril_eval_task_at(i, &t); i++)
        print_task(i, &t);
    return 0;
}
