/* In every test program: CRIL_TEST_LOCALE=NAME makes it one that has set a locale for numbers. */
#include <locale.h>
#include <stdlib.h>
#include <unistd.h>

__attribute__((constructor)) static void set_locale(void)
{
    const char *name = getenv("CRIL_TEST_LOCALE");

    if (name && !setlocale(LC_NUMERIC, name))
        _exit(77);
}
