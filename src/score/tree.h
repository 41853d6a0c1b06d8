/*
 * What sequences of tokens have in common at their beginnings, as a tree: each node is a piece that
 * goes on where its parent ends.
 */
#ifndef CRIL_SCORE_TREE_H
#define CRIL_SCORE_TREE_H

#include <cril/score.h>
#include <stdbool.h>
#include <stddef.h>

/* Inputs [from, to) of a sequence. */
struct cril_tree_node {
    const cril_score_window *sequence; /* of an inner node, one of those that have them */
    size_t from, to;
    size_t parent; /* 1 + its index, which is smaller than the node's own; 0: none */
    bool leaf;     /* its last piece, to its end */
};

/* Zero-initialised it is empty. */
struct cril_tree {
    struct cril_tree_node *nodes;   /* [n] leaves in the order of the sequences */
    struct cril_tree_range *ranges; /* at work */
    size_t n, nodes_size, ranges_size;
};

void cril_tree_free(struct cril_tree *t);

/* Sorts sequences [n] so that those with a common beginning stand together. */
void cril_tree_sort(const cril_score_window **w, size_t n);

/* How many inputs b has in common with a, of those that both may share: all before the one that
 * predicts a first scored token. */
size_t cril_tree_common(const cril_score_window *a, const cril_score_window *b);

/* Makes the tree of sequences [n], which are sorted; not shared: one of leaves alone. False: out of
 * memory. */
bool cril_tree_make(struct cril_tree *t, const cril_score_window *const *w, size_t n, bool shared);

#endif
