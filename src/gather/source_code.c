/*
 * Files of git repositories: see source_code.h. Of each repository git lists the tree of HEAD,
 * tells when each path was added, and prints the blobs one after another.
 */
#include "gather/source_code.h"

#include "gather/code_language.h"
#include "gather/git.h"
#include "gather/licence.h"
#include "gather/repositories.h"
#include "gather/temporary.h"
#include "util/arena.h"
#include "util/fail.h"
#include "util/nearest.h"
#include "util/size.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    MAX_FILE = 1 << 20,
    MAX_TREE = 1 << 30,
    MAX_LICENCES = 1000,
    OBJECT_BYTES = 65,
    HEAD_BYTES = 128,
    TEXT_LOOKED_AT = 8000 /* as git looks for binary files */
};

enum reason {
    NO_COMMIT,
    NO_CONTENT,
    LINK,
    SUBMODULE,
    TOO_LARGE,
    EMPTY,
    BINARY,
    OTHER_LANGUAGE,
    NO_LANGUAGE,
    N_REASONS
};

static const char *const reasons[N_REASONS] = {
    [NO_COMMIT] = "repository without a commit",
    [NO_CONTENT] = "file whose content git cannot read",
    [LINK] = "symbolic link",
    [SUBMODULE] = "submodule",
    [TOO_LARGE] = "file above the maximum size",
    [EMPTY] = "empty file",
    [BINARY] = "binary file",
    [OTHER_LANGUAGE] = "file in another language",
    [NO_LANGUAGE] = "file in no known language",
};

struct file {
    const char *path, *object;
    size_t size;
    int64_t added; /* seconds since 1970; INT64_MAX: not known */
};

/* A licence file: it is for its folder and all below. */
struct licence {
    const char *folder; /* "" or "a/b/" */
    const char *licence;
};

struct code {
    struct cril_source base;
    const struct cril_code_options *options;
    struct cril_repositories repositories;
    struct cril_left_out left_out[N_REASONS];
    json_t *about;
    size_t at; /* the repository at work */

    /* of the repository */
    bool open;
    struct cril_arena arena;
    struct cril_memory tree;
    struct file *files; /* [n_files] */
    size_t n_files, files_size, file;
    struct licence *licences; /* [n_licences] */
    size_t n_licences, licences_size;
    char commit[OBJECT_BYTES];
    char *address; /* of the repository; NULL: none */
    uint64_t n_documents;
    struct cril_git blobs;

    /* of the document */
    struct cril_memory text, id, link;
    char named[CRIL_LICENCE_BYTES];
};

static const struct cril_repository *repository(const struct code *s)
{
    return &s->repositories.list[s->at];
}

static cril_status no_memory(const struct code *s, cril_error *err)
{
    return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", s->base.path);
}

/* ---- the tree ---- */

static bool add_file(struct code *s, const struct file *f)
{
    struct file *grown = cril_size_grow(s->files, &s->files_size, s->n_files, 1, sizeof(*grown));

    if (!grown)
        return false;
    s->files = grown;
    grown[s->n_files++] = *f;
    return true;
}

static cril_status unreadable(const struct code *s, const char *path, cril_error *err)
{
    return cril_fail(err, CRIL_ERR_FORMAT,
                     "%s: the content of %.200s cannot be read; the repository is damaged or not "
                     "complete",
                     repository(s)->folder, path);
}

/* "100644 blob OBJECT SIZE\tPATH", which is cut into texts. The size is "BAD" where git cannot read
 * the object, or a partial clone lacks it. */
static cril_status read_entry(struct code *s, char *line, cril_error *err)
{
    const size_t max = s->options->max_file_bytes ? s->options->max_file_bytes : MAX_FILE;
    char *path = strchr(line, '\t'), *type = strchr(line, ' '),
         *object = type ? strchr(type + 1, ' ') : NULL,
         *size = object ? strchr(object + 1, ' ') : NULL;
    struct file f = {.added = INT64_MAX};

    if (!path || !size || size > path)
        return unreadable(s, "the tree", err);
    *path++ = *type++ = *object++ = *size++ = '\0';
    size += strspn(size, " ");
    if (strcmp(type, "commit") == 0 || strcmp(line, "120000") == 0) {
        s->left_out[strcmp(type, "commit") == 0 ? SUBMODULE : LINK].n++;
        return CRIL_OK;
    }
    if (*size < '0' || *size > '9') {
        s->left_out[NO_CONTENT].n++;
        return CRIL_OK;
    }
    f.path = path;
    f.object = object;
    f.size = (size_t)strtoull(size, NULL, 10);
    if (f.size > max || !f.size) {
        s->left_out[f.size ? TOO_LARGE : EMPTY].n++;
        return CRIL_OK;
    }
    return add_file(s, &f) ? CRIL_OK : no_memory(s, err);
}

static cril_status read_tree(struct code *s, cril_error *err)
{
    const char *const args[] = {"ls-tree", "-r", "-l", "-z", "--full-tree", s->commit, NULL};
    size_t len;
    cril_status st = cril_git_read(repository(s)->folder, args, MAX_TREE, &s->tree, &len, err);
    char *at = s->tree.data;

    for (size_t n; st == CRIL_OK && len; at += n, len -= n) {
        n = strlen(at) + 1;
        n = n < len ? n : len;
        st = read_entry(s, at, err);
    }
    return st;
}

/* ---- dates ---- */

static struct file *find_file(struct code *s, const char *path)
{
    size_t low = 0, high = s->n_files;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const int order = strcmp(s->files[middle].path, path);

        if (!order)
            return &s->files[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* What git prints for each commit that adds paths: "/SECONDS", a line end and the first path,
 * further paths, each with NUL behind it. No path begins with '/'. */
static void take_token(struct code *s, const char *token, int64_t *when, bool *is_first)
{
    struct file *f;

    if (*token == '/') {
        *when = strtoll(token + 1, NULL, 10);
        *is_first = true;
        return;
    }
    f = find_file(s, token + (*is_first && *token == '\n'));
    *is_first = false;
    if (f && *when < f->added)
        f->added = *when;
}

static cril_status read_dates(struct code *s, cril_error *err)
{
    const char *const args[] = {"log",
                                "--no-renames",
                                "--no-textconv",
                                "--no-ext-diff",
                                "--diff-filter=A",
                                "--diff-merges=first-parent",
                                "--name-only",
                                "-z",
                                "--format=/%ct",
                                s->commit,
                                NULL};
    struct cril_git g;
    int64_t when = INT64_MAX;
    bool is_first = false;
    char *token = NULL;
    size_t size = 0;
    cril_status st = cril_git_start(&g, repository(s)->folder, args, -1, err);

    if (st != CRIL_OK)
        return st;
    while (getdelim(&token, &size, '\0', g.out) > 0)
        take_token(s, token, &when, &is_first);
    free(token);
    return cril_git_end(&g, err);
}

/* ---- blobs ---- */

/* Has git print the blobs of files whose path passes, all of them where it is NULL. */
static cril_status start_blobs(struct code *s, struct cril_git *g, bool (*passes)(const char *path),
                               cril_error *err)
{
    const char *const args[] = {"cat-file", "--batch", NULL};
    const int fd = cril_temporary_file(NULL);
    FILE *f = fd >= 0 ? fdopen(fd, "w+b") : NULL;
    cril_status st = CRIL_OK;

    for (size_t i = 0; f && i < s->n_files; i++) {
        if (!passes || passes(s->files[i].path))
            fprintf(f, "%s\n", s->files[i].object);
    }
    if (!f || fflush(f) != 0 || lseek(fileno(f), 0, SEEK_SET) != 0)
        st = cril_fail(err, CRIL_ERR_IO, "%s: a temporary file cannot be written: %s",
                       repository(s)->folder, strerror(errno));
    if (st == CRIL_OK)
        st = cril_git_start(g, repository(s)->folder, args, fileno(f), err);
    if (f)
        fclose(f);
    else if (fd >= 0)
        close(fd);
    return st;
}

/* The next one, of f, into s->text. */
static cril_status read_blob(struct code *s, struct cril_git *g, const struct file *f,
                             cril_error *err)
{
    char head[HEAD_BYTES], wanted[HEAD_BYTES];

    snprintf(wanted, sizeof(wanted), "%s blob %zu\n", f->object, f->size);
    if (!cril_memory_reserve(&s->text, f->size + 1, 1))
        return no_memory(s, err);
    if (!fgets(head, sizeof(head), g->out) || strcmp(head, wanted) != 0 ||
        fread(s->text.data, 1, f->size, g->out) != f->size || fgetc(g->out) != '\n') {
        const cril_status st = cril_git_end(g, err);

        return st != CRIL_OK ? st : unreadable(s, f->path, err);
    }
    ((char *)s->text.data)[f->size] = '\0';
    return CRIL_OK;
}

/* ---- licences ---- */

static const char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

static bool is_licence(const char *path)
{
    return cril_licence_is_file(name_of(path));
}

static cril_status add_licence(struct code *s, const struct file *f, cril_error *err)
{
    const char *licence = cril_licence_of(s->text.data, f->size);
    struct licence *grown;

    if (!licence || s->n_licences == MAX_LICENCES)
        return CRIL_OK;
    grown = cril_size_grow(s->licences, &s->licences_size, s->n_licences, 1, sizeof(*grown));
    if (!grown)
        return no_memory(s, err);
    s->licences = grown;
    grown[s->n_licences].licence = licence;
    grown[s->n_licences].folder =
        cril_arena_text(&s->arena, f->path, (size_t)(name_of(f->path) - f->path));
    return grown[s->n_licences++].folder ? CRIL_OK : no_memory(s, err);
}

static cril_status read_licences(struct code *s, cril_error *err)
{
    struct cril_git g;
    cril_status st = start_blobs(s, &g, is_licence, err);

    if (st != CRIL_OK)
        return st;
    for (size_t i = 0; i < s->n_files && st == CRIL_OK; i++) {
        if (is_licence(s->files[i].path) && (st = read_blob(s, &g, &s->files[i], err)) == CRIL_OK)
            st = add_licence(s, &s->files[i], err);
    }
    if (st == CRIL_OK)
        return cril_git_end(&g, err);
    cril_git_stop(&g);
    return st;
}

/* Of the nearest folder above; of several files there the first. */
static const char *licence_of(const struct code *s, const char *path)
{
    const char *best = NULL;
    size_t longest = 0;

    for (size_t i = 0; i < s->n_licences; i++) {
        const size_t n = strlen(s->licences[i].folder);

        if (strncmp(path, s->licences[i].folder, n) == 0 && (!best || n > longest)) {
            best = s->licences[i].licence;
            longest = n;
        }
    }
    return best;
}

/* ---- a repository ---- */

/* "https://host/owner/name" of remote.origin.url, without a user and ".git"; other addresses are
 * none.
 */
static cril_status read_address(struct code *s, cril_error *err)
{
    const char *const args[] = {"config", "--local",           "--default", "",
                                "--get",  "remote.origin.url", NULL};
    struct cril_memory memory = {0};
    size_t len;
    cril_status st =
        cril_git_read(repository(s)->folder, args, HEAD_BYTES * 16, &memory, &len, err);
    char *url = memory.data, *at, *host;

    s->address = NULL;
    if (st == CRIL_OK && strncmp(url, "https://", 8) == 0) {
        len = strcspn(url, "\n\r\t ?#");
        url[len] = '\0';
        host = url + 8;
        at = memchr(host, '@', strcspn(host, "/"));
        if (at)
            memmove(host, at + 1, strlen(at + 1) + 1);
        len = strlen(url);
        if (len > 12 && strcmp(url + len - 4, ".git") == 0)
            url[len - 4] = '\0';
        if (!(s->address = cril_arena_text(&s->arena, url, strlen(url))))
            st = no_memory(s, err);
    }
    free(memory.data);
    return st;
}

/* The commit, "" where there is none, and whether the history is whole: the first commit of a
 * shallow clone adds all files, whenever they were added. */
static cril_status read_commit(struct code *s, bool *is_whole, cril_error *err)
{
    const char *const args[] = {"rev-parse", "--is-shallow-repository", "--revs-only", "HEAD",
                                NULL};
    struct cril_memory memory = {0};
    const char *line;
    size_t len;
    const cril_status st =
        cril_git_read(repository(s)->folder, args, HEAD_BYTES, &memory, &len, err);

    if (st == CRIL_OK) {
        *is_whole = strncmp(memory.data, "false\n", 6) == 0;
        line = strchr(memory.data, '\n');
        line = line ? line + 1 : "";
        snprintf(s->commit, sizeof(s->commit), "%.*s", (int)strcspn(line, "\n"), line);
    }
    free(memory.data);
    return st;
}

static void close_repository(struct code *s)
{
    if (s->open)
        cril_git_stop(&s->blobs);
    s->open = false;
    cril_arena_free(&s->arena);
    s->n_files = s->file = s->n_licences = s->n_documents = 0;
}

static cril_status open_repository(struct code *s, cril_error *err)
{
    bool is_whole = false;
    cril_status st = read_commit(s, &is_whole, err);

    if (st != CRIL_OK)
        return st;
    if (!s->commit[0]) {
        s->left_out[NO_COMMIT].n++;
    } else if ((st = read_tree(s, err)) != CRIL_OK ||
               (is_whole && (st = read_dates(s, err)) != CRIL_OK) ||
               (st = read_licences(s, err)) != CRIL_OK || (st = read_address(s, err)) != CRIL_OK) {
        return st;
    }
    if ((st = start_blobs(s, &s->blobs, NULL, err)) == CRIL_OK)
        s->open = true;
    return st;
}

static cril_status end_repository(struct code *s, cril_error *err)
{
    json_t *o = json_pack("{s:s, s:s, s:s?, s:I}", "name", repository(s)->name, "commit", s->commit,
                          "address", s->address, "documents", (json_int_t)s->n_documents);
    const cril_status st = cril_git_end(&s->blobs, err);

    s->open = false;
    if (!o || json_array_append_new(s->about, o) != 0)
        return no_memory(s, err);
    close_repository(s);
    s->at++;
    return st;
}

/* ---- documents ---- */

static bool is_wanted(const struct code *s, const char *language)
{
    for (size_t i = 0; i < s->options->n_languages; i++) {
        if (strcmp(s->options->languages[i], language) == 0)
            return true;
    }
    return !s->options->n_languages;
}

static enum reason judge(const struct code *s, const struct file *f, const char *language)
{
    const size_t n = f->size < TEXT_LOOKED_AT ? f->size : TEXT_LOOKED_AT;

    if (memchr(s->text.data, '\0', n))
        return BINARY;
    if (!language)
        return NO_LANGUAGE;
    return is_wanted(s, language) ? N_REASONS : OTHER_LANGUAGE;
}

/* "a/b", or "a/blob/COMMIT/b". */
static cril_status join(struct code *s, struct cril_memory *m, const char *a, const char *between,
                        const char *b, cril_error *err)
{
    const size_t n = strlen(a) + strlen(between) + strlen(b) + 1;

    if (!cril_memory_reserve(m, n, 1))
        return no_memory(s, err);
    snprintf(m->data, n, "%s%s%s", a, between, b);
    return CRIL_OK;
}

/* Only of GitHub is it known how the address of a file looks. */
static cril_status make_address(struct code *s, const struct file *f, struct cril_gathered *doc,
                                cril_error *err)
{
    static const char github[] = "https://github.com/";
    char between[OBJECT_BYTES + 8];
    cril_status st;

    doc->address = s->address;
    if (!s->address || strncmp(s->address, github, sizeof(github) - 1) != 0)
        return CRIL_OK;
    snprintf(between, sizeof(between), "/blob/%s/", s->commit);
    st = join(s, &s->link, s->address, between, f->path, err);
    doc->address = s->link.data;
    return st;
}

static cril_status fill(struct code *s, const struct file *f, const char *language,
                        struct cril_gathered *doc, cril_error *err)
{
    const time_t when = (time_t)f->added;
    struct tm day;
    cril_status st = join(s, &s->id, repository(s)->name, "/", f->path, err);

    if (st != CRIL_OK || (st = make_address(s, f, doc, err)) != CRIL_OK)
        return st;
    doc->id = s->id.data;
    doc->title = f->path;
    doc->text = s->text.data;
    doc->len = f->size;
    doc->language = language;
    doc->licence =
        cril_licence_named(doc->text, doc->len, s->named) ? s->named : licence_of(s, f->path);
    if (f->added >= 0 && f->added < INT64_C(253402300800) && gmtime_r(&when, &day))
        snprintf(doc->date, sizeof(doc->date), "%04u-%02u-%02u",
                 (unsigned)(day.tm_year + 1900) % 10000, (unsigned)(day.tm_mon + 1) % 100,
                 (unsigned)day.tm_mday % 100);
    s->n_documents++;
    return CRIL_OK;
}

static cril_status next(struct cril_source *source, struct cril_gathered *doc, cril_error *err)
{
    struct code *const s = (struct code *)source;
    cril_status st;

    *doc = (struct cril_gathered){0};
    while (s->at < s->repositories.n) {
        if (!s->open && (st = open_repository(s, err)) != CRIL_OK)
            return st;
        while (s->file < s->n_files) {
            const struct file *f = &s->files[s->file++];
            const char *language;
            enum reason why;

            if ((st = read_blob(s, &s->blobs, f, err)) != CRIL_OK)
                return st;
            language = cril_code_language(f->path, s->text.data, f->size);
            if ((why = judge(s, f, language)) == N_REASONS)
                return fill(s, f, language, doc, err);
            s->left_out[why].n++;
        }
        if ((st = end_repository(s, err)) != CRIL_OK)
            return st;
    }
    return CRIL_OK;
}

/* ---- the source ---- */

static const struct cril_left_out *left_out(const struct cril_source *source, size_t *n)
{
    *n = N_REASONS;
    return ((const struct code *)source)->left_out;
}

static json_t *about(const struct cril_source *source)
{
    return json_pack("{s:O}", "repositories", ((const struct code *)source)->about);
}

static uint64_t taken(const struct cril_source *source)
{
    (void)source;
    return 0; /* the size of a repository does not tell how much work it is */
}

static void close_source(struct cril_source *source)
{
    struct code *const s = (struct code *)source;

    if (!s)
        return;
    close_repository(s);
    cril_repositories_free(&s->repositories);
    json_decref(s->about);
    free(s->files);
    free(s->licences);
    free(s->tree.data);
    free(s->text.data);
    free(s->id.data);
    free(s->link.data);
    free(s);
}

static const struct cril_source_kind kind = {
    .name = "code",
    .dates = "the day of the first commit that added the file",
    .next = next,
    .left_out = left_out,
    .about = about,
    .taken = taken,
    .close = close_source,
};

static cril_status check_language(const char *wanted, cril_error *err)
{
    struct cril_nearest_name nearest = {.word = wanted};
    const char *name;

    for (size_t i = 0; (name = cril_code_language_at(i)); i++) {
        if (strcmp(name, wanted) == 0)
            return CRIL_OK;
        cril_nearest_name_offer(&nearest, name);
    }
    return cril_fail(err, CRIL_ERR_RANGE, "no language '%.40s' is known%s%s%s", wanted,
                     nearest.best ? ", the nearest is '" : "", nearest.best ? nearest.best : "",
                     nearest.best ? "'" : "");
}

static cril_status find(struct code *s, cril_error *err)
{
    cril_status st = CRIL_OK;

    for (size_t i = 0; i < s->options->n_languages && st == CRIL_OK; i++)
        st = check_language(s->options->languages[i], err);
    if (st == CRIL_OK)
        st = cril_repositories_find(s->base.path, &s->repositories, err);
    if (st == CRIL_OK && !s->repositories.n)
        st = cril_fail(err, CRIL_ERR_EMPTY, "%s: there is no git repository in it", s->base.path);
    return st;
}

cril_status cril_source_code_open(const char *path, const struct cril_code_options *options,
                                  struct cril_source **out, cril_error *err)
{
    static const struct cril_code_options none;
    struct code *s = calloc(1, sizeof(*s));
    cril_status st;

    if (!s)
        return cril_fail(err, CRIL_ERR_NOMEM, "%s: out of memory", path);
    s->base = (struct cril_source){&kind, path};
    s->options = options ? options : &none;
    for (enum reason i = 0; i < N_REASONS; i++)
        s->left_out[i].why = reasons[i];
    st = (s->about = json_array()) ? find(s, err) : no_memory(s, err);
    if (st == CRIL_OK)
        *out = &s->base;
    else
        close_source(&s->base);
    return st;
}
