/*
 * YAML as study files and task files use it: texts, lists and mappings, each with its line; read by
 * tables of keys and types, with every fault collected.
 *
 * Every value that is neither list nor mapping is a text ("no", "7e3", "2024-01-01"), until
 * a key's type asks for a number or for true or false; "~", "null" and an empty value, not quoted,
 * are no value. Anchors, aliases and tags are refused: an alias may make a huge tree of a small
 * file. So are a second document, more than 16 levels, and more than 4 MiB.
 */
#ifndef CRIL_UTIL_YAML_H
#define CRIL_UTIL_YAML_H

#include "util/arena.h"

#include <cril/study.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CRIL_YAML_MOST_BYTES = 4 << 20 };

enum cril_yaml_kind { CRIL_YAML_SCALAR, CRIL_YAML_LIST, CRIL_YAML_MAPPING };

struct cril_yaml_node {
    enum cril_yaml_kind kind;
    size_t line;      /* from 1 */
    const char *text; /* of a scalar; NULL: no value */
    bool has_nul;     /* the text was longer, it had a NUL */
    const char *key;  /* in a mapping, else NULL */
    size_t key_line;
    struct cril_yaml_node *first, *next; /* its first child; the next one of its own parent */
    size_t n;                            /* children */
};

/* Reads one file. Zero-initialised but for path, what, when_empty and arena. */
struct cril_yaml {
    const char *path;       /* as sentences name it; borrowed */
    const char *what;       /* "a study file" */
    const char *when_empty; /* what to do about an empty file: the end of a sentence */
    struct cril_arena *arena;
    bool no_memory;
    cril_study_faults faults;             /* by line */
    size_t lines[CRIL_STUDY_MOST_FAULTS]; /* of them */
};

/* Notes "PATH:LINE: sentence"; line 0: "PATH: sentence". */
void cril_yaml_fault(struct cril_yaml *y, cril_status status, size_t line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Nodes and texts belong to the arena. NULL: y says why. */
struct cril_yaml_node *cril_yaml_parse(struct cril_yaml *y, const char *data, size_t len);

/* ---- Values with their line; line 0: not given ---- */

struct cril_yaml_text {
    const char *text;
    size_t line;
};

struct cril_yaml_texts {
    struct cril_yaml_text *items; /* [n] */
    size_t n, line;
};

struct cril_yaml_count {
    uint64_t value;
    size_t line;
};

struct cril_yaml_flag {
    bool value;
    size_t line;
};

enum cril_yaml_type {
    CRIL_YAML_TEXT,   /* struct cril_yaml_text */
    CRIL_YAML_ANY,    /* the same, perhaps empty */
    CRIL_YAML_LINE,   /* a text: one line of at most 200 bytes without spaces at its ends */
    CRIL_YAML_NAME,   /* the same, which does not begin with '-' */
    CRIL_YAML_NAMES,  /* struct cril_yaml_texts: one name, or a list of them */
    CRIL_YAML_WORDS,  /* the same, and a '-' in front is allowed */
    CRIL_YAML_COUNT,  /* struct cril_yaml_count: a whole number from 1 */
    CRIL_YAML_NUMBER, /* the same from 0 */
    CRIL_YAML_FLAG,   /* struct cril_yaml_flag */
    CRIL_YAML_ITEMS,  /* const struct cril_yaml_node *, a list, perhaps empty */
    CRIL_YAML_NODE    /* the same, anything; its reader is the caller */
};

struct cril_yaml_key {
    const char *name;
    enum cril_yaml_type type;
    size_t offset; /* of the field in the struct that is filled */
    uint64_t max;  /* of a count */
};

enum { CRIL_YAML_MOST_KEYS = 24 };

/*
 * Fills the fields that a mapping names. keys: at most CRIL_YAML_MOST_KEYS, then a row without a
 * name; what: the thing in a sentence ("a model"); example: how one is written. False: the node is
 * no mapping. Faults are noted; a field that has one stays as it was.
 */
bool cril_yaml_read(struct cril_yaml *y, const struct cril_yaml_node *node, const char *what,
                    const char *example, const struct cril_yaml_key *keys, void *out);

/* What is wrong with a text as a name; NULL: nothing. */
const char *cril_yaml_name_fault(const char *text);

/* Reads a scalar as a name. False: it is none, and a fault was noted. */
bool cril_yaml_read_name(struct cril_yaml *y, const struct cril_yaml_node *node, const char *key,
                         struct cril_yaml_text *out);

#endif
