/* Whether the files of a model or a corpus may have been written to: what the file system says of
 * each, in one number. */
#ifndef CRIL_STUDY_STAMP_H
#define CRIL_STUDY_STAMP_H

#include <cril/status.h>
#include <stddef.h>
#include <stdint.h>

struct cril_stamps {
    struct cril_stamped_file {
        char *path; /* owned */
        uint64_t stamp;
    } * files; /* [n] a file; the parts of a split model; files of a folder in their order */
    size_t n;
    uint64_t bytes; /* of all of them */
    uint64_t all;   /* of all of them: equal as long as no file is written to, and on every machine
                       that   shares the file system; 0: not known */
};

enum cril_stamped { CRIL_STAMPED_MODEL, CRIL_STAMPED_CORPUS };

/* Stamps path: a model's file, its first part, or its folder; a corpus's file or folder. Of a
 * model's folder the files that the model is read from count, of a corpus's all. Links are
 * followed. A file that cannot be
 * examined leaves all 0. Release with cril_stamps_free. CRIL_ERR_NOMEM.
 */
cril_status cril_stamps_take(const char *path, enum cril_stamped what, struct cril_stamps *out,
                             cril_error *err);
void cril_stamps_free(struct cril_stamps *s);

/* A stamp of the same files read in the way that data [n] say; 0 stays 0. */
uint64_t cril_stamp_mix(uint64_t stamp, const void *data, size_t n);

/* CRIL_ERR_MISMATCH: one of the files from .. to - 1, which are examined one by one, may have been
 * written to since. No folder is walked. */
cril_status cril_stamps_check(const struct cril_stamps *s, size_t from, size_t to, cril_error *err);
/* The same said of a file that is known to be another one. */
cril_status cril_stamp_changed(const char *path, cril_error *err);

#endif
