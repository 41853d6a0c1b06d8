/*
 * The last box of a solution.
 *
 * Source: hendrycks/math, modeling/dataset/util.py (last_boxed_only_string), and its copies in
 * OpenCompass and lm-evaluation-harness.
 */
#include "tasks/math_rules.h"
#include "tasks/rules.h"

/* Where the brace closes that opened just before `at`; SIZE_MAX: nowhere. */
static size_t closing_brace(struct cril_bytes text, size_t at)
{
    size_t open = 1;

    for (; at < text.len; at++) {
        if (text.data[at] == '{')
            open++;
        else if (text.data[at] == '}' && !--open)
            return at;
    }
    return SIZE_MAX;
}

/* The contents of the last command, if a brace follows it at once and closes. */
static bool last_command(struct cril_bytes text, const char *command, struct cril_bytes *answer)
{
    const size_t at = cril_str_find_last(text, command);
    const size_t brace = at + strlen(command);
    size_t end;

    if (at == SIZE_MAX || brace == text.len || text.data[brace] != '{' ||
        (end = closing_brace(text, brace + 1)) == SIZE_MAX)
        return false;
    *answer = cril_str_part(text, brace + 1, end);
    return true;
}

bool cril_math_last_box(struct cril_bytes text, struct cril_bytes *answer)
{
    return last_command(text, "\\boxed", answer);
}

bool cril_math_boxed(struct cril_bytes text, struct cril_bytes *answer)
{
    if (cril_str_find_last(text, "\\boxed") != SIZE_MAX)
        return last_command(text, "\\boxed", answer);
    return last_command(text, "\\fbox", answer);
}
