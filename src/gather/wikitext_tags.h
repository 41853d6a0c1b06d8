/* The tags of wikitext: those of HTML that MediaWiki takes, and its extensions'. */
#ifndef CRIL_GATHER_WIKITEXT_TAGS_H
#define CRIL_GATHER_WIKITEXT_TAGS_H

#include <stdbool.h>
#include <stddef.h>

enum cril_wiki_tag_kind {
    CRIL_WIKI_INLINE,    /* the tag goes, what it holds stays */
    CRIL_WIKI_BLOCK,     /* the same, and a line ends */
    CRIL_WIKI_TABLE,     /* goes with what it holds, tables within */
    CRIL_WIKI_HIDDEN,    /* goes with what it holds, up to the first closing tag */
    CRIL_WIKI_MATH,      /* what it holds stays as it is, as one line */
    CRIL_WIKI_LITERAL,   /* what it holds stays, but for references to characters */
    CRIL_WIKI_PREFORMED, /* as CRIL_WIKI_LITERAL, with its blanks */
    CRIL_WIKI_CODE       /* stays as it is, with its blanks */
};

enum { CRIL_WIKI_TAGS = 128 }; /* more than there are */

struct cril_wiki_tag {
    enum cril_wiki_tag_kind kind;
    const char *name;
    size_t number; /* of its name, below CRIL_WIKI_TAGS */
    bool closes;   /* </name> */
    bool alone;    /* <name/> */
    size_t len;    /* bytes from '<' to '>' */
};

/* The tag at text [len], which begins with '<'; false: none that is known stands there. Looks no
 * further than the next '<' or '>'. */
bool cril_wiki_tag_read(const char *text, size_t len, struct cril_wiki_tag *tag);

/* Where the closing tag of this name begins in text [len]; false: there is none. */
bool cril_wiki_tag_find_end(const char *text, size_t len, const char *name, size_t *at);

#endif
