/* The work is the library's; here are the file, the progress and the table. */
#include "proving.h"

#include "args.h"
#include "naming.h"
#include "table.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int cril_proving_check(const struct cril_cmd *cmd, const char *protocol, const char *archive, int n,
                       char **corpora)
{
    struct stat info;

    if (protocol && strcmp(protocol, "document") != 0)
        return cril_args_usage(cmd, "--prove works with the protocol document, not with %s",
                               protocol);
    if (archive && n > 1)
        return cril_args_usage(cmd, "--archive takes one corpus, run it once for each");
    if (archive && strcmp(archive, "-") == 0)
        return cril_args_usage(
            cmd, "--archive takes a file, not standard output: the archive is read back");
    for (int i = 0; i < n; i++)
        if (strcmp(corpora[i], "-") == 0)
            return cril_args_usage(
                cmd, "--prove reads a corpus three times, so standard input cannot be one");
        else if (stat(corpora[i], &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode))
            return cril_args_usage(
                cmd,
                "--prove reads a corpus three times, so %s, which is not a file, cannot be one",
                corpora[i]);
    return CRIL_ARGS_GO_ON;
}

bool cril_proving_open(struct cril_proving *p, const char *archive, bool force)
{
    struct stat info;

    if (!archive) {
        p->options.archive = p->temporary = cril_output_temporary();
        return p->temporary != NULL;
    }
    if (stat(archive, &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode))
        return cril_print_error("%s: is not a file that can be read back; name another one",
                                archive) == 0;
    if (!cril_output_open(&p->named, archive, force))
        return false;
    p->options.archive = p->named.file;
    return true;
}

void cril_proving_close(struct cril_proving *p)
{
    cril_output_discard(&p->named);
    if (p->temporary)
        fclose(p->temporary);
    p->temporary = NULL;
}

static int on_progress(void *user, cril_prove_phase phase, const cril_codec_totals *t,
                       double fraction)
{
    struct cril_proving *p = user;
    struct cril_progress_state state = {.fraction = fraction,
                                        .seconds = t->seconds,
                                        .tokens = t->forward_tokens,
                                        .figure = "bits/byte"};

    p->progress->phase = phase == CRIL_PROVE_COMPRESS ? "proof, compressing" : "proof, decoding";
    if (phase == CRIL_PROVE_COMPRESS && t->original_bytes)
        state.value = 8 * (double)t->archive_bytes / (double)t->original_bytes;
    cril_progress_show(p->progress, &state);
    return cril_output_signal() != 0;
}

static void explain(const struct cril_proving *p, const cril_error *err)
{
    const char *remedy = p->temporary
                             ? "; make room for temporary files, or name another folder in TMPDIR"
                             : "; make room or choose another place for the archive";

    if (cril_output_signal() || err->status == CRIL_ERR_CANCELLED)
        return; /* said elsewhere */
    cril_print_error("%s%s", err->message, ferror(p->options.archive) ? remedy : "");
}

bool cril_proving_run(struct cril_proving *p, cril_model *m, const char *corpus,
                      const cril_result *scored, cril_proof *out)
{
    const cril_prove_callbacks callbacks = {.user = p, .progress = on_progress};
    cril_error err = {0};
    cril_status st;

    if (p->temporary) {
        rewind(p->temporary);
        if (ftruncate(fileno(p->temporary), 0) != 0)
            return cril_print_error("the temporary file of the proof cannot be emptied") == 0;
    }
    p->progress->name = cril_base_name(corpus);
    st = cril_prove(m, corpus, &p->corpus, scored, &p->options, &callbacks, out, &err);
    cril_progress_clear(p->progress);
    p->progress->phase = NULL;
    if (st != CRIL_OK)
        explain(p, &err);
    return st == CRIL_OK && !cril_output_signal();
}

void cril_proofs_print(FILE *f, char *const *corpora, const cril_proof *proofs, size_t n,
                       int name_width)
{
    putc('\n', f);
    cril_print_padded(f, "proof", name_width);
    fprintf(f, " %10s %14s %14s %10s %14s %12s %11s %9s\n", "documents", "ideal bits", "coded bits",
            "overhead", "archive bytes", "BPC by file", "compress s", "decode s");
    for (size_t i = 0; i < n; i++) {
        const cril_proof *p = &proofs[i];

        cril_print_padded(f, corpora[i], name_width);
        fprintf(f, " %10" PRIu64 " %14.1f %14.0f %8.4f %% %14" PRIu64 " %12.4f %11.1f %9.1f\n",
                p->documents, cril_proof_ideal_bits(p), cril_proof_coded_bits(p),
                100 * cril_proof_overhead(p), p->archive_bytes, cril_proof_bpc(p),
                p->compress_seconds, p->decode_seconds);
    }
    fputs(n == 1 ? "The archive was decoded: its text is that of the corpus, byte for byte.\n"
                 : "Each archive was decoded: its text is that of its corpus, byte for byte.\n",
          f);
}

void cril_proof_note(const char *corpus, const cril_proof *p)
{
    const double score = p->score_nats / CRIL_LN2;

    if (p->respelled)
        cril_print_note("%s: %" PRIu64 " of %" PRIu64
                        " document%s %s coded with other tokens or as bytes, as those of the score "
                        "do not spell the text back; the score has %.1f bits for all",
                        corpus, p->respelled, p->documents, p->documents == 1 ? "" : "s",
                        p->respelled == 1 ? "was" : "were", score);
    if (p->kept)
        cril_print_note("%s: %" PRIu64 " of %" PRIu64
                        " document%s went in as text, which takes less room than the code of their "
                        "tokens; the score has %.1f bits for all",
                        corpus, p->kept, p->documents, p->documents == 1 ? "" : "s", score);
}
