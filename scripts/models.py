#!/usr/bin/env python3
"""Writes docs/Models.md from the texts of families and decoders (compiler/import/models, compiler/import/decoders); with --check compares instead.

A text's first comment says what it is; `Source:`, `Compared:` or `Exact:`, and `Open:` are facts about it.
"""
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
IMPORT = os.path.join(ROOT, "compiler", "import")
PAGE = os.path.join(ROOT, "docs", "Models.md")
HEAD = """# Models and decoders: what is exact, and where it comes from

Made by `scripts/models.py` from the texts in `compiler/import/models` and `compiler/import/decoders`, where each fact stands beside what it is about. How one
adds a family is in [Families](Families.md), how decoders are asked for, with which settings, in [Decoders](Decoders.md).

*Exact* means: the same tokens, evaluations and, where the published loop counts them, calls of the model, on random checkpoints, interpreted and compiled at every level
(`test/e2e/oracle.py`, whose oracles are written from the published descriptions); of families, the same scores as float64 arithmetic gives, up to
rounding. Where a published loop is broken or leaves something to chance, what we promise instead is in [the specification](Spec.md) and [Rationale](Rationale.md). *Not confirmed* is what nobody
here could read or run.
"""


def facts(path):
    """The comments at the head of a text, joined, and its facts."""
    about, found, key = [], {}, None
    with open(path, encoding="utf-8") as f:
        for line in f:
            comment = re.fullmatch(r"//: # (.*)\n", line)
            if not comment:
                if line.startswith("//: #"):
                    continue
                break
            fact = re.match(r"(Source|Compared|Exact|Open): (.*)", comment[1])
            if fact:
                key = fact[1]
                found[key] = fact[2]
            elif key:
                found[key] += " " + comment[1]
            else:
                about.append(comment[1])
    return " ".join(about), found


def statements(path, word):
    with open(path, encoding="utf-8") as f:
        return [m[1].strip() for m in re.finditer(rf"^//: *{word} (.*)$", f.read(), re.M)]


def texts(folder):
    path = os.path.join(IMPORT, folder)
    return [(name[:-len(".mlir.in")], os.path.join(path, name)) for name in sorted(os.listdir(path)) if name.endswith(".mlir.in")]


def sentence(text):
    """As a cell has it: no point at the end, no bar inside."""
    return text.rstrip(".").replace("|", "\\|")


def families():
    rows = []
    for name, path in texts("models"):
        names = [n.strip() for line in statements(path, "family") for n in line.split(",")]
        if not names:
            continue
        about, found = facts(path)
        decoders = list(dict.fromkeys(re.findall(r'"([^"]+)"', " ".join(statements(path, "decoder")))))
        rows.append([", ".join(f"`{n}`" for n in names), sentence(about), ", ".join(f"`{d}`" for d in decoders) or "by name",
                     *(sentence(found.get(k, "")) for k in ("Compared", "Source", "Open"))])
    return rows


def decoders():
    """Several decoders may be of one text; the catalogue says which, and what approximates."""
    with open(os.path.join(IMPORT, "DecoderCatalogue.cpp"), encoding="utf-8") as f:
        catalogue = re.findall(r'^    \{"([^"]+)", "([^"]+)", "[^"]*", [^\n]*?(?:, "([^"]+)")?\},$', f.read(), re.M)
    known = {}
    for name, text, approximation in catalogue:
        known.setdefault(text, []).append(f"`{name}`" + (f" (approximates: {approximation})" if approximation else ""))
    rows = []
    for text, path in texts("decoders"):
        if text not in known:
            sys.exit(f"{path}: expects a decoder of this text in DecoderCatalogue.cpp, but found none")
        _, found = facts(path)
        rows.append([", ".join(known[text]), *(sentence(found.get(k, "")) for k in ("Exact", "Source", "Open"))])
    return rows


def table(head, rows):
    return "".join("| " + " | ".join(row) + " |\n" for row in [head, ["---"] * len(head), *rows]).replace("| --- ", "|---").replace("--- |\n", "---|\n")


def page():
    return (HEAD + "\n## Families\n\n" + table(["`model_type`, or family", "What it is", "Decoder", "Compared with", "Facts from", "Not confirmed"], families()) +
            "\n## Decoders\n\n" + table(["Decoder", "What is exact", "Facts from", "Not confirmed"], decoders()))


def main():
    text = page()
    if sys.argv[1:] == ["--check"]:
        with open(PAGE, encoding="utf-8") as f:
            if f.read() != text:
                sys.exit("docs/Models.md is not what its sources say: run scripts/models.py")
        return
    with open(PAGE, "w", encoding="utf-8") as f:
        f.write(text)


if __name__ == "__main__":
    main()
