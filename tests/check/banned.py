# SPDX-License-Identifier: BSD-2-Clause
"""Functions that STYLE bans, with the reason and the places where they are allowed."""

import re

from common import code_only, files, finish

# pattern, why, folders or files where it may be
RULES = [
    (r"sprintf|vsprintf", "has no bound; use snprintf or buf_printf", ()),
    (r"strcpy|strcat|strncpy|strncat|stpcpy", "bounds are lost; use struct str or buf", ()),
    (r"strtok|strtok_r", "changes its input; use str_next_part", ()),
    (r"v?f?sscanf|scanf|fscanf", "silent overflow; use the reader or str_to_u64", ()),
    (r"ato[ifl]|atoll|strto(?:l|ul|ll|ull|d|f|ld|imax|umax)", "use str_to_u64", ("src/base/str.c",)),
    (r"gmtime|localtime|ctime|asctime", "shared state; use the _r variants", ()),
    (r"alloca|strdupa", "no limit on the stack", ()),
    (r"system|popen", "no shell", ()),
    (r"assert", "input is checked, not asserted", ()),
    (r"printf|vprintf|puts|putchar", "libraries never print", ("src/cli/", "src/sink/")),
    (r"fprintf|vfprintf|fputs|perror", "libraries never print", ("src/cli/", "src/sink/")),
]


def violations(sources):
    bad = []
    for path, text in sources:
        code = code_only(text)
        for pattern, why, places in RULES:
            if path.startswith(places):
                continue
            for m in re.finditer(r"(?<![\w.>])(%s)\s*\(" % pattern, code):
                line = code.count("\n", 0, m.start()) + 1
                bad.append("%s:%d: %s is banned: %s" % (path, line, m.group(1), why))
    return bad


def main():
    sample = [("src/base/x.c", 'sprintf(a, "b"); x = atoi(s); system("ls"); printf("x");')]
    good = [("src/base/x.c", '/* strcpy(a) */ snprintf(a, 1, "system(b)"); _Static_assert(1, ""); '
             'ops->system(1); gmtime_r(a, b);')]
    missed = [] if len(violations(sample)) == 4 else ["banned calls were let through"]
    if violations(good):
        missed.append("good code was refused: %s" % violations(good))
    finish(violations(files("src", "bpf")), missed)


main()
