/* The list of what a command reads; it lives as long as the command. Out of memory ends it. */
#include "reads.h"

#include "output.h"

#include <cril/model.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct input {
    const char *what;
    char *path; /* owned */
    bool is_there;
    dev_t device;
    ino_t inode;
};

static struct {
    struct input *inputs; /* [n] */
    size_t n, size;
    const char *what; /* of the files that are being added */
} list;

static const char *const beside[] = {"-wal", "-shm", "-journal", "-lock"};
enum { N_BESIDE = sizeof(beside) / sizeof(beside[0]) };

static void *or_end(void *memory)
{
    if (!memory)
        exit(cril_print_error("out of memory"));
    return memory;
}

static bool look_at(const char *path, int standard, struct stat *info)
{
    return (strcmp(path, "-") == 0 ? fstat(standard, info) : stat(path, info)) == 0;
}

static int add(void *user, const char *path)
{
    struct input *input;
    struct stat info;

    (void)user;
    if (list.n == list.size) {
        list.size = list.size ? 2 * list.size : 16;
        list.inputs = or_end(realloc(list.inputs, list.size * sizeof(*list.inputs)));
    }
    input = &list.inputs[list.n++];
    *input = (struct input){.what = list.what, .path = or_end(strdup(path))};
    if (look_at(path, STDIN_FILENO, &info)) {
        input->is_there = true;
        input->device = info.st_dev;
        input->inode = info.st_ino;
    }
    return 0;
}

void cril_reads_file(const char *what, const char *path)
{
    list.what = what;
    add(NULL, path);
}

void cril_reads_model(const char *what, const char *path)
{
    list.what = what;
    if (cril_model_files(path, add, NULL, NULL) != CRIL_OK)
        or_end(NULL);
}

/* A corpus that cannot be read is a matter of whoever opens it. */
void cril_reads_corpus(const char *what, const char *path)
{
    list.what = what;
    if (cril_corpus_files(path, add, NULL, NULL) == CRIL_ERR_NOMEM)
        or_end(NULL);
}

static char *join(const char *a, const char *b)
{
    const size_t size = strlen(a) + strlen(b) + 1;
    char *joined = or_end(malloc(size));

    snprintf(joined, size, "%s%s", a, b);
    return joined;
}

void cril_reads_beside_database(const char *path)
{
    for (size_t i = 0; i < N_BESIDE; i++) {
        char *file = join(path, beside[i]);

        cril_reads_file("part of a database", file);
        free(file);
    }
}

void cril_reads_study(const cril_study_info *s, bool database)
{
    cril_reads_file("the study", s->path);
    for (size_t i = 0; i < s->n_models; i++)
        if (s->models[i].path)
            cril_reads_model("a model", s->models[i].path);
    for (size_t i = 0; i < s->n_corpora; i++)
        if (s->corpora[i].path)
            cril_reads_corpus("a corpus", s->corpora[i].path);
    for (size_t i = 0; i < s->n_leaks; i++)
        cril_reads_file("a control", s->leaks[i].control);
    if (database) {
        cril_reads_file("the study's database", s->database);
        cril_reads_beside_database(s->database);
    }
}

const char *cril_reads_as(const char *output)
{
    struct stat info;
    const bool is_there = look_at(output, STDOUT_FILENO, &info);

    if (is_there && !S_ISREG(info.st_mode))
        return NULL;
    for (size_t i = 0; i < list.n; i++) {
        const struct input *input = &list.inputs[i];

        if (is_there
                ? input->is_there && input->device == info.st_dev && input->inode == info.st_ino
                : !input->is_there && cril_same_file(output, input->path))
            return input->what;
    }
    return NULL;
}

cril_status cril_reads_check_database(const char *path, cril_error *err)
{
    const char *what = cril_reads_as(path);
    char *file = join(path, "");

    for (size_t i = 0; i < N_BESIDE && !what; i++) {
        free(file);
        file = join(path, beside[i]);
        what = cril_reads_as(file);
    }
    if (what) {
        err->status = CRIL_ERR_RANGE;
        snprintf(err->message, sizeof(err->message),
                 "%s: is %s, so %s cannot be the database to write; name another one", file, what,
                 path);
    }
    free(file);
    return what ? err->status : CRIL_OK;
}
