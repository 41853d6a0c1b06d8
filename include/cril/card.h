/*
 * The card of a corpus (gather.h, sample.h; doc/corpora.md, "The card"), for people.
 *
 * A card is text from outside: what it holds is checked, and escaped wherever it stands.
 */
#ifndef CRIL_CARD_H
#define CRIL_CARD_H

#include <cril/status.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The commands that make a corpus again, a line each, as a POSIX shell takes them: first those of
 * its inputs that have a card, then its own, which writes `name`. Files are named without folders.
 * Empty where the card has no command. *out is owned: free.
 *
 * CRIL_ERR_FORMAT: card is no card of this version. CRIL_ERR_NOMEM.
 */
cril_status cril_card_commands(const char *card, const char *name, char **out, cril_error *err);

/*
 * Writes a card as a page of HTML that needs no network, no script and no other file: what is in
 * the corpus, with histograms, from where, by which rules, what each step did, the commands above,
 * and the same of its inputs. name: of the corpus. It depends on its arguments alone.
 *
 * CRIL_ERR_FORMAT as above. CRIL_ERR_IO: f failed; CRIL_ERR_NOMEM; f then holds a part of a page.
 */
cril_status cril_card_page(FILE *f, const char *card, const char *name, cril_error *err);

#ifdef __cplusplus
}
#endif
#endif
