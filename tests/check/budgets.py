# SPDX-License-Identifier: BSD-2-Clause
"""File <= 600 lines, header <= 200, function <= 60; an exception has its reason here."""

import re

from common import code_only, files, finish

FILE_MAX, HEADER_MAX, FUNCTION_MAX = 600, 200, 60
# path, or path:function -> why
EXCEPTIONS = {}


def functions(text):
    """[(name, lines)]: by kernel formatting a body is between a line '{' and a line '}'."""
    found, start = [], None
    lines = code_only(text).split("\n")
    for i, line in enumerate(lines):
        if line == "{":
            start = i
        elif line.startswith("}") and start is not None:
            head = " ".join(lines[max(0, start - 6):start])
            names = re.findall(r"(\w+)\s*\(", head)
            found.append((names[-1] if names else "?", i - start + 1))
            start = None
    return found


def violations(sources):
    bad = []
    for path, text in sources:
        most = HEADER_MAX if path.endswith(".h") and not path.endswith(".bpf.h") else FILE_MAX
        cnt = text.count("\n")
        if cnt > most and path not in EXCEPTIONS:
            bad.append("%s: %d lines, the budget is %d" % (path, cnt, most))
        for name, size in functions(text):
            if size > FUNCTION_MAX and "%s:%s" % (path, name) not in EXCEPTIONS:
                bad.append("%s: %s() has %d lines, the budget is %d"
                           % (path, name, size, FUNCTION_MAX))
    return bad


def main():
    sample = [("src/a.c", "int f(void)\n{\n" + "\tx;\n" * 60 + "}\n"), ("src/a.h", "\n" * 201),
              ("src/b.c", "\n" * 601)]
    missed = [] if len(violations(sample)) == 3 else ["samples over budget were let through"]
    finish(violations(files("src", "bpf", "abi", "tests", "bench")), missed)


main()
