/* Licences: see licence.h. */
#define _GNU_SOURCE /* memmem */
#include "gather/licence.h"

#include <string.h>
#include <strings.h>

enum { LOOKED_AT = 4096, MAX_TEXT = 64 << 10 };

bool cril_licence_is_file(const char *name)
{
    static const char *const starts[] = {"LICENSE", "LICENCE", "COPYING", "UNLICENSE"};

    for (size_t i = 0; i < sizeof(starts) / sizeof(*starts); i++) {
        const size_t n = strlen(starts[i]);

        if (strncasecmp(name, starts[i], n) == 0 &&
            (!name[n] || name[n] == '.' || name[n] == '-' || name[n] == '_'))
            return true;
    }
    return false;
}

/* All phrases of a row must be there; the first row that fits counts. White space is one blank. */
static const struct row {
    const char *phrases[3], *licence;
} rows[] = {
    {{"GNU AFFERO GENERAL PUBLIC LICENSE", "Version 3"}, "AGPL-3.0"},
    {{"GNU LESSER GENERAL PUBLIC LICENSE", "Version 3"}, "LGPL-3.0"},
    {{"GNU LESSER GENERAL PUBLIC LICENSE", "Version 2.1"}, "LGPL-2.1"},
    {{"GNU LIBRARY GENERAL PUBLIC LICENSE", "Version 2"}, "LGPL-2.0"},
    {{"GNU GENERAL PUBLIC LICENSE", "Version 3"}, "GPL-3.0"},
    {{"GNU GENERAL PUBLIC LICENSE", "Version 2"}, "GPL-2.0"},
    {{"Apache License", "Version 2.0"}, "Apache-2.0"},
    {{"Mozilla Public License", "2.0"}, "MPL-2.0"},
    {{"Boost Software License", "Version 1.0"}, "BSL-1.0"},
    {{"Eclipse Public License", "2.0"}, "EPL-2.0"},
    {{"CC0 1.0 Universal"}, "CC0-1.0"},
    {{"Attribution-ShareAlike 4.0 International"}, "CC-BY-SA-4.0"},
    {{"Attribution 4.0 International"}, "CC-BY-4.0"},
    {{"This is free and unencumbered software released into the public domain"}, "Unlicense"},
    {{"Redistribution and use in source and binary forms", "Neither the name"}, "BSD-3-Clause"},
    {{"Redistribution and use in source and binary forms"}, "BSD-2-Clause"},
    {{"Permission to use, copy, modify, and/or distribute this software for any purpose",
      "provided that the above copyright notice"},
     "ISC"},
    {{"Permission to use, copy, modify, and distribute this software for any purpose",
      "provided that the above copyright notice"},
     "ISC"},
    {{"Permission to use, copy, modify, and/or distribute this software for any purpose"}, "0BSD"},
    {{"Permission is hereby granted, free of charge", "The above copyright notice and this "
                                                      "permission notice"},
     "MIT"},
    {{"This software is provided 'as-is', without any express or implied warranty",
      "Altered source versions must be plainly marked"},
     "Zlib"},
};

static bool fits(const struct row *r, const char *text, size_t len)
{
    for (size_t i = 0; i < 3 && r->phrases[i]; i++) {
        if (!memmem(text, len, r->phrases[i], strlen(r->phrases[i])))
            return false;
    }
    return true;
}

const char *cril_licence_of(const char *text, size_t len)
{
    static const char blanks[] = " \t\r\n";
    char plain[MAX_TEXT];
    size_t n = 0;

    for (size_t i = 0; i < len && n < sizeof(plain); i++) {
        const bool blank = text[i] && strchr(blanks, text[i]);

        if (!blank)
            plain[n++] = text[i];
        else if (n && plain[n - 1] != ' ')
            plain[n++] = ' ';
    }
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        if (fits(&rows[i], plain, n))
            return rows[i].licence;
    }
    return NULL;
}

bool cril_licence_named(const char *text, size_t len, char out[CRIL_LICENCE_BYTES])
{
    static const char mark[] = "SPDX-License-Identifier:";
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                  "-.+() ";
    const char *at = memmem(text, len < LOOKED_AT ? len : LOOKED_AT, mark, sizeof(mark) - 1),
               *end = text + len;
    size_t n = 0;

    if (!at)
        return false;
    for (at += sizeof(mark) - 1; at < end && *at == ' '; at++) {
    }
    for (; at < end && *at && strchr(allowed, *at) && n < CRIL_LICENCE_BYTES - 1; at++)
        out[n++] = *at;
    while (n && out[n - 1] == ' ')
        n--;
    out[n] = '\0';
    return n > 0;
}
