/* A command of cril: one file, one row in main.c. */
#ifndef CRIL_CLI_CMD_H
#define CRIL_CLI_CMD_H

struct cril_option;

struct cril_cmd {
    const char *name;
    const char *summary; /* one line */
    const char *usage;   /* what follows "cril", e.g. "score -m MODEL [options] CORPUS..." */
    int (*run)(const struct cril_cmd *cmd, int argc,
               char **argv);           /* argv[0] is the name; the exit code */
    const struct cril_option *options; /* ends with a row without a name */
    void (*more_help)(void);           /* prints what follows the options; NULL: nothing */
    const struct cril_cmd *const
        *parts; /* subcommands, each named "CMD NAME", in one file each; then NULL. NULL: none */
};

extern const struct cril_cmd cril_cmd_score, cril_cmd_compare, cril_cmd_compress,
    cril_cmd_decompress, cril_cmd_test, cril_cmd_list, cril_cmd_cat, cril_cmd_info,
    cril_cmd_tokenize, cril_cmd_selftest, cril_cmd_study, cril_cmd_fit, cril_cmd_predict,
    cril_cmd_report, cril_cmd_export, cril_cmd_pull, cril_cmd_eval, cril_cmd_diverge, cril_cmd_view,
    cril_cmd_leak, cril_cmd_corpus;

#endif
