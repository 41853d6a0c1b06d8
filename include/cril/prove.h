/*
 * Proves a score by a file: compresses the scored documents into an archive, decodes it, and
 * compares its text with the corpus (doc/scoring.md, "Proof").
 */
#ifndef CRIL_PROVE_H
#define CRIL_PROVE_H

#include <cril/codec.h>
#include <cril/corpus.h>
#include <cril/model.h>
#include <cril/score.h>
#include <cril/status.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cril_prove_options {
    /* Required: a regular file, empty, open for reading and writing. It stays open and the
       caller's. */
    FILE *archive;
    unsigned threads;                  /* 0: one a core */
    unsigned streams;                  /* as cril_decompress_options has it */
    size_t batch_tokens, memory_bytes; /* as cril_score_options has them */
} cril_prove_options;

typedef enum cril_prove_phase { CRIL_PROVE_COMPRESS, CRIL_PROVE_DECODE } cril_prove_phase;

typedef struct cril_prove_callbacks {
    void *user;
    /* Now and then; not 0: stop with CRIL_ERR_CANCELLED. fraction: of the phase, 0..1, never falls.
       May be NULL. */
    int (*progress)(void *user, cril_prove_phase phase, const cril_codec_totals *so_far,
                    double fraction);
} cril_prove_callbacks;

typedef struct cril_proof {
    uint64_t documents; /* a segment of the archive each */
    /* Of these: coded with other tokens than the score's, or as raw bytes, since the tokenizer's
     * tokens do not spell the text. */
    uint64_t respelled;
    /* Of these: their tokens would have taken more room than the text, which is stored as it is. */
    uint64_t kept;
    uint64_t characters; /* of all documents */
    double score_nats;   /* of the score */
    double ideal_nats; /* of the tokens in the archive; score_nats, if none is respelled or kept */
    uint64_t code_bytes; /* of the archive, the range coder's: what those nats became */
    uint64_t archive_bytes;
    double compress_seconds, decode_seconds;
} cril_proof;

/*
 * Proves scored, which cril_score_corpus made of the corpus at corpus_path with m, by the protocol
 * "document". The corpus is read twice more, with the same options. Non-NULL: m, corpus_path,
 * scored, options, out.
 *
 * What holds when it returns CRIL_OK: the archive is in the file, whole; it decodes to the
 * documents of the corpus, byte for byte; the corpus has the SHA-256 of scored; and each document
 * that is not respelled costs, to the last bit, the nats that scored says.
 *
 * CRIL_ERR_MISMATCH: one of these does not hold, and the message names the document where there is
 * one, or the model is another; CRIL_ERR_RANGE: another protocol, texts behind prompts, a result
 * without documents, one of more than CRIL_SEGMENT_BYTES_MAX; CRIL_ERR_IO: the archive cannot be
 * written; those of cril_corpus_next, cril_compressor_create and cril_decompress. Messages name the
 * corpus. On errors *out is untouched, and the file's content is of no use.
 */
cril_status cril_prove(cril_model *m, const char *corpus_path, const cril_corpus_options *corpus,
                       const cril_result *scored, const cril_prove_options *options,
                       const cril_prove_callbacks *callbacks, cril_proof *out, cril_error *err);

double cril_proof_ideal_bits(const cril_proof *p); /* ideal_nats / ln 2 */
double cril_proof_coded_bits(const cril_proof *p); /* 8 * code_bytes */
double cril_proof_overhead(const cril_proof *p); /* coded / ideal - 1; 0 where nothing was coded */
double cril_proof_bpc(const cril_proof *p);      /* 8 * archive_bytes / characters: all that a file
                                                    needs, and not only its code */

#ifdef __cplusplus
}
#endif
#endif
