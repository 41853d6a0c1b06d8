/* Expressions that files name instead of writing them, for PCRE2. */
#ifndef CRIL_TOKENIZER_WORDS_H
#define CRIL_TOKENIZER_WORDS_H

/* White_Space, inside a class: PCRE2's own \s adds U+180E. */
#define BLANKS "\\p{Z}\\t-\\r\\x{85}"
#define BLANK "[" BLANKS "]"
/* Letters, marks, digits and the like (Unicode Technical Standard 18, \w), inside a class; the last
   ranges are letters in circles and squares. PCRE2's own \w is less. */
#define WORD                                                                                       \
    "\\p{L}\\p{M}\\p{Nd}\\p{Nl}\\p{Pc}\\x{24b6}-\\x{24e9}\\x{1f130}-\\x{1f149}\\x{1f150}-\\x{"     \
    "1f169}"                                                                                       \
    "\\x{1f170}-\\x{1f189}"
/* A run of blanks leaves its last to the word that follows; the expressions without the last
   alternative get it as a gap. */
#define RUN BLANK "+(?![^" BLANKS "])"
/* GPT-2's */
#define GPT2_WORDS "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^" BLANKS "\\p{L}\\p{N}]+|" RUN
/* GPT-4's kin: Llama 3, Qwen and others, which differ in how many digits go together. */
#define CASELESS_WORDS(digits)                                                                     \
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|" digits "| ?[^" BLANKS            \
    "\\p{L}\\p{N}]+[\\r\\n]*|" BLANK "*[\\r\\n]+|" RUN "|" BLANK "+"

#endif
