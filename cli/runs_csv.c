#include "runs_csv.h"

#include "output.h"

#include <cril/number.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char head[] =
    "date,model,name,types,model_sha256,parameters,model_bytes,corpus,corpus_sha256,protocol,"
    "context,"
    "stride,documents,characters,bytes,tokens,scored_tokens,bpc,bpc_low,bpc_high,level,bpb,"
    "bits_per_token,bpc_with_escapes,unspelled_characters,seconds,tokens_per_second,version,"
    "numerics,rules,until,field,prompt_field,limit\n";

/* Opens the file for appending and waits for its lock, which goes with the descriptor. -1: printed.
 */
static int open_locked(const char *path)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    const int fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    int failed;

    if (fd < 0) {
        cril_print_error("%s: cannot be appended to: %s", path, strerror(errno));
        return -1;
    }
    do
        failed = fcntl(fd, F_SETLKW, &lock);
    while (failed && errno == EINTR && !cril_output_signal());
    if (failed) {
        if (!cril_output_signal())
            cril_print_error("%s: cannot be locked: %s", path, strerror(errno));
        close(fd);
        return -1;
    }
    return fd;
}

/* All bytes, or none: of a write that stops in the middle what was written is taken back. */
static bool append(int fd, const char *path, const char *text, size_t len)
{
    const off_t before = lseek(fd, 0, SEEK_END);
    size_t at = 0;
    int number = 0;

    while (at < len && !number) {
        const ssize_t n = write(fd, text + at, len - at);

        if (n > 0)
            at += (size_t)n;
        else if (n == 0 || errno != EINTR)
            number = n ? errno : EIO;
    }
    if (!number)
        return true;
    cril_print_error("%s: a row could not be appended: %s", path, strerror(number));
    if (at && (before < 0 || ftruncate(fd, before) != 0))
        cril_print_note("%s: its last row is not whole; remove it", path);
    return false;
}

/* An empty file gets the head; another one must begin with it and end with a whole row. */
static bool check_head(int fd, const char *path)
{
    enum { HEAD = sizeof(head) - 1 };
    char found[HEAD], last;
    const off_t size = lseek(fd, 0, SEEK_END);

    if (size == 0)
        return append(fd, path, head, HEAD);
    if (size < HEAD || pread(fd, found, HEAD, 0) != HEAD || memcmp(found, head, HEAD) != 0) {
        cril_print_error("%s: is no file of runs of this version, its first line differs; name "
                         "another file",
                         path);
        return false;
    }
    if (pread(fd, &last, 1, size - 1) != 1 || last != '\n') {
        cril_print_error("%s: ends in the middle of a row; remove that row, or name another file",
                         path);
        return false;
    }
    return true;
}

bool cril_runs_csv_check(const char *path)
{
    const int fd = open_locked(path);
    const bool good = fd >= 0 && check_head(fd, path);

    if (fd >= 0)
        close(fd);
    return good;
}

static void print_number(FILE *f, double v)
{
    char text[CRIL_NUMBER_SIZE];

    fprintf(f, ",%s", cril_number_write(text, v, CRIL_NUMBER_EXACT));
}

static void print_text(FILE *f, const char *text, bool safe)
{
    putc(',', f);
    cril_print_csv(f, text ? text : "", safe);
}

static void print_row(FILE *f, const char *date, const cril_result *x, bool safe)
{
    fputs(date, f);
    print_text(f, x->model_path, safe);
    print_text(f, x->model_name, safe);
    print_text(f, x->model_types, safe);
    fprintf(f, ",%s,%" PRIu64 ",%" PRIu64, x->model_sha256, x->model_parameters, x->model_bytes);
    print_text(f, x->corpus_path, safe);
    fprintf(f, ",%s,%s,%zu,%zu,%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64,
            x->corpus_sha256, x->protocol, x->context, x->stride, x->documents, x->characters,
            x->bytes, x->tokens, x->scored_tokens);
    print_number(f, cril_result_bpc(x));
    if (x->interval.resamples) {
        print_number(f, x->interval.low);
        print_number(f, x->interval.high);
        print_number(f, x->interval.level);
    } else {
        fputs(",,,", f);
    }
    print_number(f, cril_result_bpb(x));
    print_number(f, cril_result_bits_per_token(x));
    print_number(f, cril_result_bpc_with_escapes(x));
    fprintf(f, ",%" PRIu64, x->unspelled_characters);
    print_number(f, x->seconds);
    print_number(f, x->seconds > 0 ? (double)x->forward_tokens / x->seconds : 0);
    fprintf(f, ",%s,%d,%d", x->version, x->numerics, x->rules);
    if (x->until.share)
        print_number(f, x->until.share);
    else
        putc(',', f);
    print_text(f, x->corpus_field, safe);
    print_text(f, x->corpus_prompt_field, safe);
    if (x->corpus_limit)
        fprintf(f, ",%" PRIu64 "\n", x->corpus_limit);
    else
        fputs(",\n", f);
}

bool cril_runs_csv_append(const char *path, const cril_result *results, size_t n, bool safe)
{
    char date[32], *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);
    const time_t now = time(NULL);
    struct tm utc;
    bool good;
    int fd;

    if (!f || !gmtime_r(&now, &utc) || !strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%SZ", &utc)) {
        cril_print_error("out of memory");
        return false;
    }
    for (size_t i = 0; i < n; i++)
        print_row(f, date, &results[i], safe);
    if (fclose(f)) {
        free(text);
        cril_print_error("out of memory");
        return false;
    }
    good = (fd = open_locked(path)) >= 0 && check_head(fd, path) && append(fd, path, text, len);
    if (fd >= 0 && close(fd) != 0 && good) {
        cril_print_error("%s: a row could not be appended: %s", path, strerror(errno));
        good = false;
    }
    free(text);
    return good;
}

/* ---- Reading ---- */

enum { COLUMNS = 34, CELL = 512 };

/* A row's cells, each cut to CELL bytes: what is looked for is shorter. */
struct row {
    char cell[COLUMNS][CELL];
    size_t n;
};

/* The number of a column, by its name in the head. */
static size_t column(const char *name)
{
    const size_t len = strlen(name);
    size_t n = 0;

    for (const char *p = head; *p; p += strcspn(p, ",\n") + 1, n++)
        if (strcspn(p, ",\n") == len && strncmp(p, name, len) == 0)
            return n;
    return 0;
}

static const char *cell(const struct row *r, const char *name)
{
    return r->cell[column(name)];
}

/* The next record (RFC 4180). False: there is none. */
static bool read_row(FILE *f, struct row *r)
{
    bool quoted = false;
    size_t len = 0;
    int c = getc(f);

    r->n = 0;
    if (c == EOF)
        return false;
    for (; c != EOF && (quoted || c != '\n'); c = getc(f)) {
        if (c == '"' && quoted && (c = getc(f)) != '"') { /* it closes; a doubled one stays */
            quoted = false;
            ungetc(c, f);
            continue;
        }
        if (c == '"' && !quoted) {
            quoted = true;
            continue;
        }
        if (!quoted && c == ',') {
            if (r->n < COLUMNS)
                r->cell[r->n][len] = '\0';
            r->n++;
            len = 0;
        } else if (r->n < COLUMNS && len < CELL - 1) {
            r->cell[r->n][len++] = (char)c;
        }
    }
    if (r->n < COLUMNS)
        r->cell[r->n][len] = '\0';
    r->n++;
    return true;
}

static bool is_number(const char *text, uint64_t want)
{
    char number[32];

    snprintf(number, sizeof(number), "%" PRIu64, want);
    return strcmp(text, want ? number : "") == 0;
}

static bool has_key(const struct row *r, const struct cril_run_key *key)
{
    return r->n == COLUMNS && strcmp(cell(r, "model_sha256"), key->model_sha256) == 0 &&
           strcmp(cell(r, "corpus_sha256"), key->corpus_sha256) == 0 &&
           strcmp(cell(r, "protocol"), key->protocol) == 0 &&
           is_number(cell(r, "context"), key->context) &&
           is_number(cell(r, "stride"), key->stride) && strcmp(cell(r, "field"), key->field) == 0 &&
           strcmp(cell(r, "prompt_field"), key->prompt_field) == 0 &&
           is_number(cell(r, "limit"), key->limit) && !*cell(r, "until") &&
           is_number(cell(r, "numerics"), CRIL_NUMERICS) && is_number(cell(r, "rules"), CRIL_RULES);
}

bool cril_runs_csv_find(const char *path, const struct cril_run_key *key, bool *found, double *bpc)
{
    const int fd = open_locked(path);
    bool good = fd >= 0 && check_head(fd, path);
    struct row *row = good ? malloc(sizeof(*row)) : NULL;
    FILE *f = row ? fdopen(fd, "r") : NULL;

    *found = false;
    if (good && !f) {
        cril_print_error("%s: out of memory", path);
        good = false;
    }
    if (f)
        rewind(f);
    while (f && read_row(f, row))
        if (has_key(row, key) && cril_number_read(cell(row, "bpc_with_escapes"), bpc))
            *found = true;
    if (f && ferror(f)) {
        cril_print_error("%s: cannot be read: %s", path, strerror(errno));
        good = false;
    }
    if (f)
        fclose(f);
    else if (fd >= 0)
        close(fd);
    free(row);
    return good;
}
