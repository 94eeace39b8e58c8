#!/usr/bin/env python3
"""Documents, descriptions, comments and examples name no op that the dialect does not have. The dialect itself is asked."""
import glob
import os
import re
import subprocess

import harness

# A name of its own: not a type (!quoin.x), an attribute (#quoin.x), or a part of a path or word.
NAME = re.compile(r"(?<![!#\w/.@-])quoin\.([a-z][a-z0-9_]*)\b(?!\()")
FOLDERS = ("dialects", "passes", "compiler", "runtime", "support", "tools", "docs", "examples", "bench", "test/e2e")
KINDS = (".md", ".td", ".h", ".cpp", ".mlir", ".in", ".c", ".txt", ".py")


def files():
    yield from glob.glob(os.path.join(harness.ROOT, "*.md"))
    for folder in FOLDERS:
        for where, _, names in os.walk(os.path.join(harness.ROOT, folder)):
            yield from (os.path.join(where, n) for n in names if n.endswith(KINDS))


def named():
    """Name -> places."""
    found = {}
    for path in files():
        if os.path.realpath(path) == os.path.realpath(__file__):
            continue
        with open(path, encoding="utf-8") as f:
            for number, line in enumerate(f, 1):
                for name in NAME.findall(line):
                    found.setdefault(name, []).append(f"{os.path.relpath(path, harness.ROOT)}:{number}")
    return found


def attributes():
    """Names of attributes, which are no ops."""
    names = set()
    for path in ("dialects/quoin/QuoinDialect.h", "dialects/quoin/Adapters.h", "dialects/quoin/DraftModel.h", "dialects/quoin/RowProgram.h", "passes/stage/PlanFunction.cpp"):
        with open(os.path.join(harness.ROOT, path)) as f:
            names.update(re.findall(r'"quoin\.(\w+)"', f.read()))
    return names


def unknown(names):
    """Those that quoin-opt does not know as ops."""
    text = "\n// -----\n".join(f'"quoin.{name}"() : () -> ()' for name in names)
    opt = subprocess.run([os.path.join(harness.BIN, "quoin-opt"), "--split-input-file", "-"], input=text, capture_output=True, text=True)
    return set(re.findall(r"unregistered operation 'quoin\.(\w+)'", opt.stderr))


def every_op_exists():
    harness.expect(unknown(["no_such_op", "fill"]) == {"no_such_op"}, "expects quoin-opt to know ops and nothing else")
    found = named()
    harness.expect(len(found) > 40, f"expects the ops to be named, but found {sorted(found)}")
    missing = unknown(sorted(found)) - attributes()
    harness.expect(not missing, "; ".join(f"expects an op 'quoin.{n}', named in {found[n][0]}, but found none" for n in sorted(missing)))
    return f"{len(found)} names"


if __name__ == "__main__":
    harness.main([("every-op-exists", every_op_exists)])
