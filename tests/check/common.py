# SPDX-License-Identifier: BSD-2-Clause
"""For the checks: the files, their text without comments and strings, and how a check ends."""

import os
import re
import sys

ROOT = os.path.abspath(os.environ.get("PLAINTAP_SOURCE_ROOT", "."))
TOKEN = re.compile(r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.S)


def files(*folders):
    """[(path from the root, text)] of all C files below the folders."""
    found = []
    for folder in folders:
        for where, _, names in os.walk(os.path.join(ROOT, folder)):
            for name in sorted(names):
                if name.endswith((".c", ".h")):
                    path = os.path.join(where, name)
                    with open(path, encoding="utf-8") as f:
                        found.append((os.path.relpath(path, ROOT), f.read()))
    return found


def code_only(text):
    """Comments and literals blanked, line numbers kept."""
    return TOKEN.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)


def finish(bad, self_test_failed):
    """bad: sentences. The self-test shows that the check can fail at all."""
    for sentence in bad + ["self-test: " + s for s in self_test_failed]:
        print(sentence)
    sys.exit(1 if bad or self_test_failed else 0)
