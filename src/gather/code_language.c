/* Languages of source files: see code_language.h. Names and extensions are those of GitHub's
 * Linguist (languages.yml). */
#define _GNU_SOURCE /* memmem */
#include "gather/code_language.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

enum { LOOKED_AT = 8192 };

/* By the end of a name, or the whole of it. */
static const struct row {
    const char *name, *language;
} by_extension[] =
    {
        {"py", "Python"},
        {"pyi", "Python"},
        {"pyw", "Python"},
        {"c", "C"},
        {"cc", "C++"},
        {"cpp", "C++"},
        {"cxx", "C++"},
        {"hh", "C++"},
        {"hpp", "C++"},
        {"hxx", "C++"},
        {"java", "Java"},
        {"js", "JavaScript"},
        {"mjs", "JavaScript"},
        {"cjs", "JavaScript"},
        {"jsx", "JavaScript"},
        {"tsx", "TypeScript"},
        {"mts", "TypeScript"},
        {"go", "Go"},
        {"rs", "Rust"},
        {"rb", "Ruby"},
        {"php", "PHP"},
        {"cs", "C#"},
        {"fs", "F#"},
        {"swift", "Swift"},
        {"kt", "Kotlin"},
        {"kts", "Kotlin"},
        {"scala", "Scala"},
        {"hs", "Haskell"},
        {"lhs", "Haskell"},
        {"ml", "OCaml"},
        {"mli", "OCaml"},
        {"ex", "Elixir"},
        {"exs", "Elixir"},
        {"erl", "Erlang"},
        {"hrl", "Erlang"},
        {"clj", "Clojure"},
        {"lua", "Lua"},
        {"jl", "Julia"},
        {"R", "R"},
        {"sh", "Shell"},
        {"bash", "Shell"},
        {"zsh", "Shell"},
        {"ps1", "PowerShell"},
        {"pm", "Perl"},
        {"mm", "Objective-C++"},
        {"f90", "Fortran"},
        {"f95", "Fortran"},
        {"F90", "Fortran"},
        {"sql", "SQL"},
        {"html", "HTML"},
        {"htm", "HTML"},
        {"css", "CSS"},
        {"scss", "SCSS"},
        {"md", "Markdown"},
        {"rst", "reStructuredText"},
        {"tex", "TeX"},
        {"yml", "YAML"},
        {"yaml", "YAML"},
        {"json", "JSON"},
        {"toml", "TOML"},
        {"xml", "XML"},
        {"cmake", "CMake"},
        {"mk", "Makefile"},
        {"asm", "Assembly"},
        {"s", "Assembly"},
        {"S", "Assembly"},
        {"zig", "Zig"},
        {"nim", "Nim"},
        {"dart", "Dart"},
        {"vue", "Vue"},
        {"lean", "Lean"},
        {"cu", "Cuda"},
        {"sv", "SystemVerilog"},
        {"vhd", "VHDL"},
        {"lisp", "Common Lisp"},
        {"el", "Emacs Lisp"},
        {"scm", "Scheme"},
        {"rkt", "Racket"},
},
  by_name[] = {{"Makefile", "Makefile"},    {"makefile", "Makefile"},
               {"GNUmakefile", "Makefile"}, {"Dockerfile", "Dockerfile"},
               {"CMakeLists.txt", "CMake"}, {"Rakefile", "Ruby"},
               {"Gemfile", "Ruby"},         {"SConstruct", "Python"}},
  by_interpreter[] = {{"python", "Python"}, {"sh", "Shell"},        {"bash", "Shell"},
                      {"zsh", "Shell"},     {"dash", "Shell"},      {"perl", "Perl"},
                      {"ruby", "Ruby"},     {"node", "JavaScript"}, {"lua", "Lua"},
                      {"php", "PHP"},       {"Rscript", "R"},       {"julia", "Julia"}};

/* Extensions of several languages: the first row whose mark is in the text counts; a mark NULL is
 * always. */
static const struct rule {
    const char *extension, *mark, *language;
} by_content[] = {
    {"h", "@interface", "Objective-C"},
    {"h", "\nclass ", "C++"},
    {"h", "template<", "C++"},
    {"h", "template <", "C++"},
    {"h", "namespace ", "C++"},
    {"h", "std::", "C++"},
    {"h", NULL, "C"},
    {"m", "@implementation", "Objective-C"},
    {"m", "@interface", "Objective-C"},
    {"m", "#import", "Objective-C"},
    {"m", NULL, "MATLAB"},
    {"ts", "<TS", "XML"},
    {"ts", NULL, "TypeScript"},
    {"pl", ":-", "Prolog"},
    {"pl", NULL, "Perl"},
    {"v", "Require ", "Coq"},
    {"v", "Theorem ", "Coq"},
    {"v", "Lemma ", "Coq"},
    {"v", NULL, "Verilog"},
    {"r", "REBOL", "Rebol"},
    {"r", NULL, "R"},
};

#define COUNT(table) (sizeof(table) / sizeof(*(table)))

static const char *find(const struct row *table, size_t n, const char *name, size_t len)
{
    for (size_t i = 0; i < n; i++) {
        if (strlen(table[i].name) == len && memcmp(table[i].name, name, len) == 0)
            return table[i].language;
    }
    return NULL;
}

/* "python" of "#!/usr/bin/env python3 -u\n". */
static const char *by_first_line(const char *text, size_t len)
{
    const char *end = memchr(text, '\n', len), *at = text + 2;
    size_t n;

    if (len < 3 || text[0] != '#' || text[1] != '!')
        return NULL;
    if (!end)
        end = text + len;
    for (int word = 0; word < 2; word++) {
        while (at < end && (*at == ' ' || *at == '\t'))
            at++;
        for (n = 0; at + n < end && at[n] != ' ' && at[n] != '\t' && at[n] != '\r'; n++) {
        }
        for (size_t i = n; i > 0; i--) {
            if (at[i - 1] == '/') {
                at += i;
                n -= i;
                break;
            }
        }
        if (n != 3 || memcmp(at, "env", 3) != 0)
            break;
        at += n;
    }
    while (n && ((at[n - 1] >= '0' && at[n - 1] <= '9') || at[n - 1] == '.'))
        n--;
    return find(by_interpreter, COUNT(by_interpreter), at, n);
}

static const char *by_mark(const char *extension, const char *text, size_t len)
{
    const size_t n = len < LOOKED_AT ? len : LOOKED_AT;

    for (size_t i = 0; i < COUNT(by_content); i++) {
        const struct rule *r = &by_content[i];

        if (strcmp(r->extension, extension) == 0 &&
            (!r->mark || memmem(text, n, r->mark, strlen(r->mark))))
            return r->language;
    }
    return NULL;
}

const char *cril_code_language(const char *path, const char *text, size_t len)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path,
               *dot = strrchr(name, '.');
    const char *language = find(by_name, COUNT(by_name), name, strlen(name));

    if (!language && dot && dot > name)
        language = find(by_extension, COUNT(by_extension), dot + 1, strlen(dot + 1));
    if (!language && dot && dot > name)
        language = by_mark(dot + 1, text, len);
    return language || (dot && dot > name) ? language : by_first_line(text, len);
}

const char *cril_code_language_at(size_t i)
{
    if (i < COUNT(by_extension))
        return by_extension[i].language;
    i -= COUNT(by_extension);
    if (i < COUNT(by_name))
        return by_name[i].language;
    i -= COUNT(by_name);
    if (i < COUNT(by_interpreter))
        return by_interpreter[i].language;
    i -= COUNT(by_interpreter);
    return i < COUNT(by_content) ? by_content[i].language : NULL;
}
