/*
 * How many bits a model needs for a corpus, by a named protocol (doc/scoring.md).
 *
 * A scorer owns threads and buffers and borrows a model; use one scorer per thread of yours.
 * Every figure has the same bits for any CPU, thread count and batch size (doc/numerics.md).
 */
#ifndef CRIL_SCORE_H
#define CRIL_SCORE_H

#include <cril/baseline.h>
#include <cril/corpus.h>
#include <cril/model.h>
#include <cril/stats.h>
#include <cril/status.h>
#include <cril/tokenizer.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* nats / CRIL_LN2 = bits */
#define CRIL_LN2 0.693147180559945309417232121458

typedef struct cril_scorer cril_scorer;

typedef struct cril_score_options {
    const char *protocol; /* a name of cril_protocol_name; NULL: "document" */
    size_t context;       /* tokens of a window; 0: the protocol's own */
    size_t stride;        /* tokens by which windows move; 0: the protocol's own */
    unsigned threads;     /* 0: one a core */
    size_t batch_tokens; /* rows that go through a layer together; 0: chosen; a smaller number means
                            less memory */
    size_t memory_bytes; /* that the process may hold while it scores, see below; 0: no bound */
    double level;        /* of the interval; 0: 0.95 */
    size_t resamples;    /* 0: 1000 */
    uint64_t seed;
    bool baselines; /* compress the text by ordinary compressors too, while it is read */
    bool details;   /* tokens that are handed out have cril_token_details */
} cril_score_options;

/* What another model says of a token that a base model was asked for. Logarithms are natural. */
typedef struct cril_divergence {
    double nats;   /* -ln p of the token by this model, finite, >= 0 */
    double kl;     /* sum over all ids of p_base (ln p_base - ln p), >= 0 */
    bool same_top; /* the most likely id, of equals the lowest, is the base's */
} cril_divergence;

enum { CRIL_MAX_LIKELY = 10 };

/* An id that might stand at a token's place, and what it would cost. */
typedef struct cril_likely {
    int32_t id;
    double nats; /* -ln p, finite, >= 0 */
} cril_likely;

/*
 * What a model says of all ids at the place of a token. Ids are ranked by their logits, the largest
 * first, of equals the lowest id first. The same bits for any CPU, thread count, batch and memory.
 */
typedef struct cril_token_details {
    uint64_t rank;    /* of the token, from 1, the most likely id, on */
    double entropy;   /* sum over all ids of -p ln p, nats, >= 0 */
    double deviation; /* standard deviation of ln p: the root of sum of p (ln p)^2 - entropy^2 */
    size_t n_likely;
    cril_likely likely[CRIL_MAX_LIKELY]; /* [n_likely] the ids of ranks 1, 2, ... */
} cril_token_details;

/* One scored token. */
typedef struct cril_token_score {
    uint64_t document; /* index of the document it belongs to */
    uint64_t position; /* in the protocol's token stream: of the document (document, rolling,
                          uncheatable) or of the corpus (hkust, opencompass, halves); behind a
                          prompt, in the continuation */
    int32_t id;
    double nats; /* -ln p, finite, >= 0 */
    /* The window that the token was scored in, [n_window] with the token at window[at]: what its
       pass has read, and tokens behind it. A token without context has at 0. */
    const int32_t *window;
    size_t n_window, at;
    const cril_divergence *apart; /* of the models that the scorer compares, one each; NULL: there
                                     are none, or no pass has predicted the token */
    const cril_token_details *details; /* NULL: not asked for, or no pass has predicted the token */
} cril_token_score;

/* Of a document with a prompt, all but token_ids is of the continuation alone. */
typedef struct cril_document_score {
    uint64_t index, line;
    double nats;
    uint64_t tokens, scored_tokens, characters, bytes;
    uint64_t unspelled_characters; /* of all text, which its tokens do not spell */
    uint64_t escape_bytes;         /* that an archive needs for these */
    uint64_t token_ids; /* hash of the ids of the document's text (doc/scoring.md, "Token ids"); 0:
                           not known */
    uint64_t forward_tokens; /* inputs of its windows; 0: not known, or none of its own, as
                                documents share windows */
} cril_document_score;

typedef struct cril_score_progress {
    double fraction;        /* of the corpus, by bytes or by its limit, 0..1; < 0 when unknown */
    uint64_t scored_tokens; /* so far */
    uint64_t forward_tokens;
    double seconds;
    double bpc; /* of the documents finished so far; 0 before the first */
} cril_score_progress;

/* Any may be NULL; what a token points to is borrowed until the call returns. A return value other
   than 0 stops the run with CRIL_ERR_CANCELLED. Called from the thread that called
   cril_score_corpus, tokens and documents in stream order; a document, as soon as no token of it is
   left to score. on_text, which cril_score_corpus and cril_score_slice alone call: a document of
   the slice as it is read, before its tokens; with a prompt, the continuation; borrowed. */
typedef struct cril_score_callbacks {
    void *user;
    int (*on_token)(void *user, const cril_token_score *token);
    int (*on_document)(void *user, const cril_document_score *document);
    int (*on_progress)(void *user, const cril_score_progress *progress);
    int (*on_text)(void *user, const cril_document *document);
} cril_score_callbacks;

/* How a run by cril_score_until came to its documents. */
typedef struct cril_stopping {
    double share; /* the rule's; 0: there was no rule, and nothing else here is set */
    uint64_t min_documents, seed;
    uint64_t of;     /* documents of the corpus */
    bool reached;    /* the interval was narrow enough; otherwise all documents are in the result */
    uint64_t *order; /* [n_order] the documents' indices as they were drawn, owned */
    size_t n_order;
    char *journal; /* path of the file by which a stopped run goes on, owned; NULL: none */
} cril_stopping;

typedef struct cril_result {
    double nats, seconds;
    uint64_t tokens, scored_tokens, forward_tokens, characters, bytes, documents;
    /* Characters of all text that its tokens do not spell, documents that have some, and the bytes
       that an archive needs for these characters. Nats leave them out, or what became of them is
       in them (doc/scoring.md, "Unspelled characters"). */
    uint64_t unspelled_characters, unspelled_documents, escape_bytes;
    cril_interval interval; /* of bits per character */
    char protocol[16];
    size_t context, stride;
    bool beyond_context; /* the model was made for a shorter one (cril_model_context) */
    char *model_name, *model_architecture; /* owned */
    char model_sha256[65];
    uint64_t model_parameters;
    uint64_t model_bytes; /* of its files; 0: not known, from a file of results that does not say */
    char *model_cannot_say; /* cril_model_cannot_say; owned; NULL: nothing */
    char **model_warnings;  /* [n_model_warnings] cril_model_warning; owned */
    size_t n_model_warnings;
    /* Path as given to cril_model_open and types as cril_model_types has them; owned. NULL: not
       known, from a file of results that does not say, or from a study's database. */
    char *model_path, *model_types;
    char *corpus_path;  /* owned */
    char *corpus_field; /* key or column of the text, which text files do not have; owned; NULL: not
                           known, as above */
    char *corpus_prompt_field; /* of the prompts before the texts; owned; NULL: there are none */
    uint64_t corpus_limit;     /* documents were at most so many; 0: all, or not known */
    char corpus_sha256[65];
    char version[16];
    int numerics, rules;
    cril_unicode unicode;
    char token_ids_sha256[65];         /* over all documents' token_ids; "": not known */
    cril_document_score *per_document; /* [documents], owned */
    /* What ordinary compressors make of the text of all documents, one after another, whatever the
       protocol scores. */
    cril_baseline *baselines; /* [n_baselines], owned; NULL unless asked for */
    size_t n_baselines;
    uint64_t text_characters, text_bytes; /* of that text; 0 without baselines */
    cril_stopping until;
} cril_result;

/* One protocol's name and one-line description, for help texts; NULL past the last. */
const char *cril_protocol_name(size_t i);
const char *cril_protocol_summary(size_t i);

/*
 * m is borrowed and must outlive the scorer. options may be NULL.
 *
 * With memory_bytes a model may be larger than memory: a layer, or a part of one, is read from the
 * file and packed while the one before it is at work, and the file's pages are let go of
 * afterwards. No figure changes.
 *
 * A context beyond the model's is run, and the result says so: cril_model_warn_context has a
 * sentence for people.
 *
 * CRIL_ERR_RANGE: unknown protocol, a context above cril_model_max_window, a stride the protocol
 * cannot use, a memory bound too small for one window and the largest matrices.
 */
cril_status cril_scorer_create(cril_model *m, const cril_score_options *options, cril_scorer **out,
                               cril_error *err);
void cril_scorer_free(cril_scorer *s);
const char *cril_scorer_protocol_name(const cril_scorer *s); /* static */
size_t cril_scorer_context(const cril_scorer *s);            /* tokens of a full window */
size_t cril_scorer_stride(const cril_scorer *s); /* by which windows move; the context, where the
                                                    protocol has none */

/*
 * Scores all documents of c, which is read to its end. Fills *out, whose owned parts are released
 * with cril_result_free. Of a corpus with prompts the texts behind them are scored, which are
 * documents then; one that has no token of its own is a bad line of the corpus (doc/scoring.md,
 * "Prompts"). CRIL_ERR_EMPTY: no document, or too few tokens for the protocol. CRIL_ERR_RANGE:
 * prompts, and a protocol other than "document".
 */
cril_status cril_score_corpus(cril_scorer *s, cril_corpus *c, const char *corpus_path,
                              const cril_score_callbacks *callbacks, cril_result *out,
                              cril_error *err);
void cril_result_free(cril_result *r);

/*
 * The same of the documents with index from .. to - 1 alone (to past the end: to the last one).
 * Each has the very bits that it has in a run over the whole corpus, so slices of any cut, scored
 * in any order, on any machines, put together are that run (cril_result_sum).
 *
 * *out has these documents alone: documents, per_document, sums, interval, baselines. What other
 * documents need is not computed: they are skipped, or, where a protocol joins documents, tokenised
 * and no more; reading stops where no window to come scores a document of the slice. Fractions of
 * progress are of the slice.
 *
 * CRIL_ERR_RANGE: from >= to. CRIL_ERR_EMPTY: also a corpus that ends before `from`.
 */
cril_status cril_score_slice(cril_scorer *s, cril_corpus *c, const char *corpus_path, uint64_t from,
                             uint64_t to, const cril_score_callbacks *callbacks, cril_result *out,
                             cril_error *err);

/* A rule that ends a run before its corpus ends (doc/scoring.md, "A stopping rule"). */
typedef struct cril_until {
    double share; /* of BPC, in (0, 1): the run ends where half of the interval's width is less */
    uint64_t min_documents; /* before the first look, >= 2; 0: 100 */
    uint64_t seed;          /* of the order in which documents are drawn */
    bool fresh;             /* what a stopped run has found is dropped */
    /* Told where the run goes on without a journal; NULL: nobody is. */
    void (*on_note)(void *user, const char *sentence);
    void *user;
} cril_until;

/*
 * Draws documents of a corpus in a seeded order, and scores them until the interval is narrow
 * enough. Looks at it are after min_documents, and after a quarter more each time. The result has
 * these documents in the order of the corpus, and `until`; each has the bits that it has in a run
 * over the whole corpus.
 *
 * first: NULL, or another model's result of the same corpus by this function, whose documents are
 * scored, and no rule is asked; share, min_documents and seed are not read then.
 *
 * The corpus is read several times. Finished documents are kept in a file of the user's cache, and
 * the same call after a stop goes on with them: same bits, but `seconds`. cril_until_done drops the
 * file. callbacks are as for cril_score_corpus, for what is still to score; documents come in the
 * order of the corpus between two looks. A fraction is of the documents that the rule seems to
 * need, and not known before the first look. stats (may be NULL): of the corpus; its fields are
 * NULL. With `first`, it is left as it is.
 *
 * CRIL_ERR_RANGE: a share or a number that is none; a protocol that joins documents; a scorer with
 * baselines. CRIL_ERR_MISMATCH: another process does the same, the corpus changed, or first is of
 * other documents. CRIL_ERR_IO, also where the file in the cache cannot be written. Else the errors
 * of cril_score_corpus.
 */
cril_status cril_score_until(cril_scorer *s, const char *corpus_path,
                             const cril_corpus_options *corpus, const cril_until *rule,
                             const cril_result *first, const cril_score_callbacks *callbacks,
                             cril_result *out, cril_corpus_stats *stats, cril_error *err);
/* The result is where it belongs: the file by which its run would go on is removed. */
void cril_until_done(const cril_result *r);

/*
 * What a run makes of its documents: sets nats, tokens, scored_tokens, characters, bytes,
 * unspelled_characters, unspelled_documents, escape_bytes and interval of r from per_document
 * [documents], which are in the order of the corpus. Level (0: 0.95), resamples (0: 1000) and seed
 * are read from r->interval; it is all 0 afterwards where fewer than 2 documents
 * have characters. CRIL_ERR_RANGE: nats that are not finite, a level
 * that is none. CRIL_ERR_NOMEM.
 */
cril_status cril_result_sum(cril_result *r, cril_error *err);

double cril_result_bits(const cril_result *r); /* nats / ln 2 */
double cril_result_bpc(const cril_result *r);  /* bits per character (code point) */
/* BPC, and 8 bits for each of escape_bytes: what an archive needs, BPC where nothing is unspelled.
 */
double cril_result_bpc_with_escapes(const cril_result *r);
double cril_result_bpb(const cril_result *r);            /* bits per UTF-8 byte */
double cril_result_bits_per_token(const cril_result *r); /* per scored token */
double cril_result_perplexity(
    const cril_result *r); /* of a token: e^(nats / scored tokens); infinite past e^700 */

/* Mean of their BPC, n >= 1: the same bits in any order. */
double cril_results_average(const cril_result *results, size_t n);

/* Beside the baselines of r, which must have some (doc/scoring.md, "Baselines"). */
/* All text at the model's BPC, rounded up to a byte, and escape_bytes; the model itself is not
   counted. */
double cril_result_archive_bytes(const cril_result *r);
/* The fewest bytes, the first of equals; belongs to r. */
const cril_baseline *cril_result_best_baseline(const cril_result *r);
/* Characters of a text for which, at these rates, archive and model are as large as the best
   baseline's archive; INFINITY: the model never pays. NaN where characters are unspelled: the BPC
   is not the length of a code for the text, and promises nothing. */
double cril_result_break_even(const cril_result *r);

/*
 * Negative log-likelihood of a token sequence in one window.
 *
 *   tokens    [n]    ids in [0, cril_model_logits); tokens[0] is context, it is not scored
 *   out_nats  [n-1]  out_nats[t] = -ln p(tokens[t+1] | tokens[0..t]), finite, >= 0
 *
 * 2 <= n <= cril_model_max_window(m) + 1. On error out_nats is untouched.
 */
cril_status cril_score_tokens(cril_scorer *s, const int32_t *tokens, size_t n, double *out_nats,
                              cril_error *err);

/* One sequence of tokens, of which a part at the end is scored. */
typedef struct cril_score_window {
    const int32_t *tokens; /* [n] ids in [0, cril_model_logits) */
    size_t n;              /* 2 .. cril_model_max_window + 1 */
    size_t first;          /* the first scored token, 1 .. n - 1 */
    double *nats; /* [n - first] nats[t] = -ln p(tokens[first + t] | tokens[0 .. first + t - 1]) */
    bool *is_top; /* [n - first] whether the token is the most likely id, of equals the lowest;
                     NULL: not wanted */
} cril_score_window;

/*
 * Scores many sequences. What sequences have in common at their beginnings is computed once for
 * those that go through the model together, which are sorted so that this saves most; no bit
 * depends on it.
 *
 * Memory has room for sequences as long as the scorer's context (cril_score_options); longer ones
 * take more than its bound.
 *
 * on_windows (may be NULL) is called while the work goes on, with how many sequences are done, and
 * the tokens that went through the model so far; not 0 stops the call with CRIL_ERR_CANCELLED.
 * order (may be NULL) [n] gets the indices of windows in the order in which they are done: when
 * on_windows is called, the first `done` of them have their nats.
 *
 * CRIL_ERR_RANGE: a window that is none; CRIL_ERR_NOMEM, _NUMERIC, _MISMATCH (a model's file was
 * written to). On error nats of windows that were not done are undefined.
 */
cril_status cril_score_windows(cril_scorer *s, const cril_score_window *windows, size_t n,
                               int (*on_windows)(void *user, size_t done, uint64_t rows),
                               void *user, size_t *order, cril_error *err);

#ifdef __cplusplus
}
#endif
#endif
