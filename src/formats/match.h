/* Models by the names of their files: patterns, and parts of split ones. */
#ifndef CRIL_FORMATS_MATCH_H
#define CRIL_FORMATS_MATCH_H

#define CRIL_MODEL_PART_FORM "-#####-of-#####.gguf" /* how a part's name ends; #: a digit */

/* The number of a part in "-00002-of-00003.gguf"; 0: the name does not end so. */
unsigned cril_model_part(const char *path);

#endif
