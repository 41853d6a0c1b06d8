/*
 * Files that appear whole or not at all, and what the command says on standard error.
 *
 * A file is written without a name (where the system has no such thing, under another one in the
 * same folder), brought to the disk, then given its name. An output that is not a regular file (a
 * terminal, a pipe, /dev/full) is written to directly. An interrupted command leaves nothing
 * behind; nor does a killed one, where the system has files without names.
 */
#ifndef CRIL_CLI_OUTPUT_H
#define CRIL_CLI_OUTPUT_H

#include <cril/stats.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/stat.h>

/* Zero-initialised it is closed, and committing or discarding it does nothing. */
struct cril_output {
    const char *path; /* as given; borrowed */
    FILE *file;
    char *target; /* owned; NULL: path is written to directly */
    char *temp;   /* owned; NULL: the file has no name yet */
    mode_t mode;  /* of the finished file */
    bool force;
    bool is_like; /* cril_output_like was called */
    struct stat like;
    int failure; /* errno of the first write that failed */
};

/* "-" is standard output, which main flushes and judges. Refuses an existing file unless force, and
   what the command reads (reads.h) always. False: the reason was printed. */
bool cril_output_open(struct cril_output *o, const char *path, bool force);
/* The refusals of cril_output_open that need no attempt, before the work. */
bool cril_output_check(const char *path, bool force);
/* A committed file gets the mode, the owner as far as we may, and the times of another one. */
void cril_output_like(struct cril_output *o, const struct stat *info);
bool cril_output_good(struct cril_output *o); /* no write has failed; silent */
void cril_output_failed(struct cril_output *o,
                        int number);            /* errno of a failed write, if none is known yet */
bool cril_output_commit(struct cril_output *o); /* false: printed, nothing left behind */
void cril_output_discard(struct cril_output *o);
/* A file without a name in TMPDIR, or /tmp, for writing and mapping. NULL: the reason was printed.
 */
FILE *cril_output_temporary(void);
/* Standard output so far has arrived; flushes it, and remembers why not. */
bool cril_stdout_good(void);
void cril_stdout_failed(int number); /* errno of a failed write, if none is remembered yet */
int cril_stdout_failure(void);       /* what is remembered, 0 if nothing */
/* Whether two names lead to one regular file, there or not yet; "-" is the same as "-" only. */
bool cril_same_file(const char *a, const char *b);

/*
 * From here on SIGINT, SIGTERM and SIGHUP are noted, for the command to end by itself; a second one
 * removes what is unfinished and ends the process. A closed pipe is a write error, not a signal.
 */
void cril_output_catch_signals(void);
int cril_output_signal(void);             /* the signal that was caught, 0 if none */
void cril_output_remove_unfinished(void); /* for a handler that ends the process */

/* "START: <sentence>END" as a line on stderr; what could do harm at a terminal is made visible
 * (cril/text.h). */
void cril_print_sentence(const char *start, const char *format, va_list ap, const char *end)
    __attribute__((format(printf, 2, 0)));
/* "cril: <sentence>". Returns 1, the exit code. */
int cril_print_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same for warnings and notes. */
void cril_print_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Bytes as one line, as cril_text_show makes them visible, exactly. */
void cril_print_escaped(FILE *f, const char *text, size_t len);
/* A text as a CSV cell (RFC 4180). safe: one that a spreadsheet would take for a formula gets an
 * apostrophe in front. */
void cril_print_csv(FILE *f, const char *text, bool safe);
/* Bytes as a JSON text with its quotes, but for bytes that are not UTF-8, which become \xHH.
   Controls and what turns the direction of writing become \uHHHH. */
void cril_print_quoted(FILE *f, const char *text, size_t len);
/* A JSON text; one that is not UTF-8 is escaped as above. NULL: out of memory. */
json_t *cril_json_text(const char *text, size_t len);
json_t *cril_json_string(const char *text);         /* the same of a string */
json_t *cril_json_interval(const cril_interval *v); /* null where there is none */
/* Prints root and drops the reference to it; returns the exit code. root may be NULL (out of
 * memory). */
int cril_print_json(json_t *root, size_t flags);
/* The same into o, or on standard output where that is closed or NULL. */
int cril_output_json(struct cril_output *o, json_t *root, size_t flags);

#endif
