/*
 * A language model read from a file, and what can be said about it without running it.
 *
 * An open model is immutable: any number of scorers, in any threads, may share one.
 *
 * Its files are mapped. A file that another program cuts short while the model is in use ends the
 * process with SIGBUS, as for every mapped file; a program that must outlive that needs a handler,
 * as the command has one. cril_model_check finds a file that was written to.
 */
#ifndef CRIL_MODEL_H
#define CRIL_MODEL_H

#include <cril/inspect.h>
#include <cril/status.h>
#include <cril/tokenizer.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cril_model cril_model;

/*
 * Opens a GGUF file (v2, v3; for a split model, its first part), or a folder as Hugging Face's
 * libraries write it, by its name or by that of a file in it (doc/folders.md); checks every tensor
 * the architecture needs, and maps the weights. *out is owned by the caller, close with
 * cril_model_close. Errors name the file and the architecture, tensor, type or key at fault.
 */
cril_status cril_model_open(const char *path, cril_model **out, cril_error *err);
/*
 * The same of a file that is open already: it is not opened again, so both see the same file. f may
 * be closed before the model is. One thread at a time for what is made of one f.
 */
cril_status cril_model_open_inspected(const cril_inspect *f, cril_model **out, cril_error *err);
void cril_model_close(cril_model *m); /* NULL is allowed */

/*
 * Whether all files of the model are still those that were opened, with the same content, as far as
 * device, inode, size and times tell. The weights are read from the files while they are used, so
 * results of a model are right only if this is CRIL_OK afterwards. Scoring, compression,
 * decompression and the hashes check this before they hand out anything. CRIL_ERR_MISMATCH names
 * the file.
 */
cril_status cril_model_check(const cril_model *m, cril_error *err);

/*
 * The models that a pattern of glob(3) stands for: paths in the order of their bytes, whatever the
 * locale; of a split model its first part. *paths [*n] is owned by the caller:
 * cril_model_paths_free. None matches: CRIL_OK, *n = 0. CRIL_ERR_IO: a folder cannot be read;
 * CRIL_ERR_NOMEM.
 */
cril_status cril_model_match(const char *pattern, char ***paths, size_t *n, cril_error *err);
void cril_model_paths_free(char **paths, size_t n);
bool cril_model_is_pattern(const char *path); /* it has a sign of one */
/* A part of a split model that is not the first, and so does not name its model: by its name,
 * "-00002-of-00003.gguf". */
bool cril_model_is_later_part(const char *path);

/* Calls on_file for each file that cril_model_open would read for path: path itself and the other
 * parts of a split model, by its name, which need not be there; or those of a folder. on_file
 * returns 0, or stops it: CRIL_ERR_CANCELLED. CRIL_ERR_NOMEM. */
cril_status cril_model_files(const char *path, int (*on_file)(void *user, const char *file),
                             void *user, cril_error *err);

/* As given to open; the folder's where a file in it was named. */
const char *cril_model_path(const cril_model *m);
const char *cril_model_name(const cril_model *m); /* general.name, or the file's or folder's name */
/* Types of its matrices, the one with most bytes first: "Q4_1", "Q8_0+Q5_0". */
const char *cril_model_types(const cril_model *m);
const char *cril_model_architecture(const cril_model *m); /* "llama" */
uint64_t cril_model_parameters(const cril_model *m);      /* elements of all tensors */
uint64_t cril_model_weight_bytes(const cril_model *m);    /* of these, as they are stored */
uint64_t cril_model_bytes(const cril_model *m);           /* of its file, or of all its parts */
size_t cril_model_context(const cril_model *m); /* longest window it was trained for, tokens */
/* Longest window that it can be given: its context where its positions are learned; else more, of
 * which a user should be warned: figures beyond the context are those of a model that never saw
 * such texts. */
size_t cril_model_max_window(const cril_model *m);
/* Writes the sentence of that warning, for windows of `context` tokens, shortened to size > 0
 * bytes. False: they are within the context, or longer than it can be given. */
bool cril_model_warn_context(const cril_model *m, size_t context, char *sentence, size_t size);
size_t cril_model_logits(const cril_model *m); /* rows of the vocabulary matrix */

/*
 * Floating point operations that a window of n tokens needs when n_scored of its outputs are
 * scored: two, a product and a sum, for every multiply-add.
 *
 * Layers: n times the elements of the matrices that a token goes through, of experts those that it
 * chooses. Attention: scores, then values, for each key that a position of a layer sees. Scans: the
 * state of each channel. Vocabulary: n_scored * logits * width of the model. Norms, rotations,
 * exponentials and what an engine computes in vain (masked keys, padding) are not counted.
 */
double cril_model_flops(const cril_model *m, size_t n, size_t n_scored);

const cril_tokenizer *cril_model_tokenizer(const cril_model *m); /* borrowed */

/* Sentence i of those that say what the file leaves open and cril had to guess, the tokenizer's
 * among them: a user should see them. NULL from their number on. Borrowed. */
const char *cril_model_warning(const cril_model *m, size_t i);
/* What a GGUF file of this architecture cannot say, though the publisher's model may have it: "the
 * window of its layers (sliding_window)". The figures are the publisher's model's only where that
 * has none of it; its folder says. NULL: nothing that is known, as of a folder. Borrowed. */
const char *cril_model_cannot_say(const cril_model *m);
/* The i-th of the keys that cril does not use [len bytes, any], and the reason why it need not.
 * False from their number on. Borrowed. */
bool cril_model_unused(const cril_model *m, size_t i, const char **key, size_t *len,
                       const char **reason);

/* SHA-256 of the file's bytes (of all parts in order), in hex; of a folder, of the lines that
 * sha256sum prints for the files that it is read from (doc/scoring.md, "Identities"). Read once,
 * then kept. Any thread. */
cril_status cril_model_sha256(cril_model *m, char hex[65], cril_error *err);

/*
 * SHA-256 of what decides over the model's probabilities and its tokens' bytes, in hex: tensors,
 * hyperparameters, vocabulary. Names, licences, chat templates and how the file is split or aligned
 * do not count (doc/cril_format.md, "Identity of a model"). A folder has that of its GGUF file,
 * where cril knows what that holds (doc/models.md, "Identity"). Read once, then kept. Any thread.
 */
cril_status cril_model_identity(cril_model *m, char hex[65], cril_error *err);

#ifdef __cplusplus
}
#endif
#endif
