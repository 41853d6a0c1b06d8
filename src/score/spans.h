/*
 * Which part of a text each of its tokens stands for.
 *
 * Pieces are compared with the text, never believed. Where they leave it (bytes that are not UTF-8,
 * a tokenizer that normalises or puts a space in front), the nearest place is sought at which
 * pieces and text agree again, and the tokens in between share the text in between.
 */
#ifndef CRIL_SCORE_SPANS_H
#define CRIL_SCORE_SPANS_H

#include <cril/view.h>

/* Fills start, end and is_control of tokens [n], n > 0, whose ids are set, of text [len]. Time is
 * O(len + n). */
void cril_spans_place(const cril_tokenizer *t, const char *text, size_t len,
                      cril_view_token *tokens, size_t n);

#endif
