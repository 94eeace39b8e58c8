#!/usr/bin/env python3
"""unicode_tables.py: writes runtime/tokenizer/UnicodeTables.cpp, so that the tokenizer's idea of a letter is Unicode 16.0's on every machine.

    pip install unicodedata2==16.0.0 tokenizers==0.22.2
    scripts/unicode_tables.py > runtime/tokenizer/UnicodeTables.cpp

`tokenizers` is asked only which code points its own, older NFC does not know.
"""
import unicodedata2 as unicode
from tokenizers import normalizers

assert unicode.unidata_version == "16.0.0", unicode.unidata_version

# The order is that of quoin::CharClass.
OTHER, LETTER, MARK, NUMBER, NUMBER_NOT_WORD, SPACE, WORD = range(7)
# White_Space: what `\s` means in the published patterns.
SPACES = {*range(0x09, 0x0E), 0x20, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000}
# Members of `\w` that are neither L, M, N nor Pc: the joiners, and the circled letters, alphabetic by Other_Alphabetic alone.
WORDS = {0x200C, 0x200D, *range(0x24B6, 0x24EA), *range(0x1F130, 0x1F14A), *range(0x1F150, 0x1F16A), *range(0x1F170, 0x1F18A)}
SURROGATES = range(0xD800, 0xE000)


def char_class(code):
    category = unicode.category(chr(code))
    if code in SPACES:
        return SPACE
    if category == "No":
        return NUMBER_NOT_WORD
    if code in WORDS or category == "Pc":
        return WORD
    return {"L": LETTER, "M": MARK, "N": NUMBER}.get(category[0], OTHER)


def class_runs():
    """(length << 3 | class), a run longer than 8191 in several."""
    runs = []
    for code in range(0x110000):
        kind = char_class(code)
        if runs and runs[-1] & 7 == kind and runs[-1] >> 3 < 8191:
            runs[-1] += 8
        else:
            runs.append(8 | kind)
    while runs[-1] & 7 == OTHER:  # the reader's default
        runs.pop()
    return runs


def case_runs():
    """(length << 2 | case): Lu and Lt are 1, Ll is 2."""
    runs = []
    for code in range(0x110000):
        kind = {"Lu": 1, "Lt": 1, "Ll": 2}.get(unicode.category(chr(code)), 0)
        if runs and runs[-1] & 3 == kind and runs[-1] >> 2 < 16383:
            runs[-1] += 4
        else:
            runs.append(4 | kind)
    while runs[-1] & 3 == 0:  # the reader's default
        runs.pop()
    return runs


def barriers():
    """Code points that take part in NFC today and are inert in `tokenizers`."""
    compose, decompose = normalizers.NFC(), normalizers.NFD()
    found = set()
    for code in range(0x110000):
        if code in SURROGATES:
            continue
        char = chr(code)
        combining = unicode.combining(char)
        if combining:
            # Next to a mark of another class, a known mark is put in order.
            probe = "a" + char + "\u0334" if combining > 1 else "a\u0345" + char
            if compose.normalize_str(probe) != unicode.normalize("NFC", probe):
                found.add(code)
        parts = unicode.decomposition(char)
        if parts and not parts.startswith("<"):
            if decompose.normalize_str(char) != unicode.normalize("NFD", char):
                found.update((code, int(parts.split()[0], 16)))
    return sorted(found)


def deltas(codes):
    """Ranges as (gap since the last range's end, length)."""
    out, end = [], 0
    for code in codes:
        if out and code == end:
            out[-1][1] += 1
        else:
            out.append([code - end, 1])
        end = code + 1
    return [number for pair in out for number in pair]


def table(kind, name, numbers):
    lines, line = [], "   "
    for number in numbers:
        text = f" {number},"
        if len(line) + len(text) > 80:
            lines.append(line)
            line = "   "
        line += text
    body = "\n".join(lines + [line])
    print(f"const {kind} quoin::{name}[] = {{\n{body}\n}};\nconst size_t quoin::{name}Size = {len(numbers)};\n")


print("""// UnicodeTables.cpp - Unicode 16.0 as run lengths, so that the tokenizer does
// not depend on a library's version. Written by scripts/unicode_tables.py.

#include "runtime/tokenizer/UnicodeTables.h"

// clang-format off
""")
table("uint16_t", "charClassRuns", class_runs())
table("uint16_t", "letterCaseRuns", case_runs())
table("uint32_t", "nfcBarrierRanges", deltas(barriers()))
