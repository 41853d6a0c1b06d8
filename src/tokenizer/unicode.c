/* Which Unicode the libraries at hand have, whose tables decide over words and normal forms. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <cril/tokenizer.h>

#include <pcre2.h>
#include <string.h>
#include <utf8proc.h>

/* As much of a text as there is room for. */
static void keep(char out[16], const char *text)
{
    const size_t n = strnlen(text, 15);

    memcpy(out, text, n);
    out[n] = '\0';
}

cril_unicode cril_unicode_here(void)
{
    char pcre2[64] = ""; /* "14.0.0"; the manual asks for 24 */
    cril_unicode u;

    pcre2_config(PCRE2_CONFIG_UNICODE_VERSION, pcre2);
    keep(u.pcre2, pcre2);
    keep(u.utf8proc, utf8proc_unicode_version());
    return u;
}
