/*
 * Lines in a file of the user's cache, in the order in which they came: what a long run has found,
 * so that one that was killed goes on.
 *
 * The file's name is made of a key: all that decides over the lines. A line is written whole by one
 * call, and a line that a kill tore is dropped. One process at a time has the file open.
 */
#ifndef CRIL_UTIL_KEPT_LINES_H
#define CRIL_UTIL_KEPT_LINES_H

#include <cril/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cril_kept_lines;

/*
 * folder: of the cache, $XDG_CACHE_HOME/cril/FOLDER. key: one line of text. fresh: what a run left
 * is dropped. take gets each line that is there, with its offset in the file and without its end;
 * false: no line that such a file has, and it is dropped with all behind it.
 *
 * *out is owned: cril_kept_lines_close. CRIL_ERR_IO: the folder or the file cannot be made or
 * written to. CRIL_ERR_MISMATCH: another process has it open. CRIL_ERR_NOMEM.
 */
cril_status cril_kept_lines_open(const char *folder, const char *key, bool fresh,
                                 bool (*take)(void *user, const char *line, size_t len,
                                              uint64_t at),
                                 void *user, struct cril_kept_lines **out, cril_error *err);
/* One that goes when it is closed, of no name. */
cril_status cril_kept_lines_open_temporary(struct cril_kept_lines **out, cril_error *err);
void cril_kept_lines_close(struct cril_kept_lines *l); /* NULL is allowed */
/* Its lines are where they belong: it can go. */
void cril_kept_lines_remove(struct cril_kept_lines *l);

const char *cril_kept_lines_path(const struct cril_kept_lines *l); /* NULL: it has none */
/* *at: its offset. CRIL_ERR_IO: such as a full disk; what was written before stays. */
cril_status cril_kept_lines_add(struct cril_kept_lines *l, const char *line, size_t len,
                                uint64_t *at, cril_error *err);
/* The len bytes at an offset, with a NUL; owned: free(). */
cril_status cril_kept_lines_read(const struct cril_kept_lines *l, uint64_t at, size_t len,
                                 char **line, cril_error *err);

#endif
