#!/usr/bin/env python3
"""case_tables.py: writes runtime/template/CaseTables.cpp: what Python's `str` knows of characters and a table of simple case mappings does not.

    scripts/case_tables.py > runtime/template/CaseTables.cpp
"""
import sys
import unicodedata

CODES = [c for c in range(sys.maxunicode + 1) if not 0xD800 <= c < 0xE000]


def escaped(text):
    return '"' + "".join(f"\\U{ord(c):08X}" if ord(c) > 0x9F else c for c in text) + '"'


def ranges(test):
    found, end = [], -1
    for code in CODES:
        if test(chr(code)):
            if code == end:
                found[-1][1] = code
            else:
                found.append([code, code])
            end = code + 1
    return found


def rows(items):
    lines, line = [], "   "
    for item in items:
        if len(line) + len(item) + 2 > 118:
            lines.append(line)
            line = "   "
        line += " " + item + ","
    return "\n".join(lines + [line])


def special():
    """Characters that become several, or whose title case is not their upper case."""
    for code in CODES:
        char = chr(code)
        if max(map(len, (char.upper(), char.lower(), char.title()))) > 1:
            yield f"{{0x{code:X}, {escaped(char.upper())}, {escaped(char.lower())}, {escaped(char.title())}}}"


def table(name, test):
    print(f"const CodeRange quoin::jinja::{name}[] = {{\n" + rows(f"{{0x{a:X}, 0x{b:X}}}" for a, b in ranges(test)) + "\n};")
    print(f"const size_t quoin::jinja::{name}Size = std::size(quoin::jinja::{name});\n")


print("""// CaseTables.cpp - what Python's `str` knows of characters beyond categories and simple case mappings.
// Written by scripts/case_tables.py, for Unicode %s.

#include "runtime/template/CaseTables.h"

#include <iterator>

using namespace quoin::jinja;

// clang-format off""" % unicodedata.unidata_version)
print("const SpecialCase quoin::jinja::specialCases[] = {\n" + "\n".join("    " + row + "," for row in special()) + "\n};")
print("const size_t quoin::jinja::specialCasesSize = std::size(quoin::jinja::specialCases);\n")
table("digitRanges", lambda c: c.isdigit() and not c.isdecimal())
table("numericRanges", lambda c: c.isnumeric() and unicodedata.category(c)[0] != "N")
table("otherLowerRanges", lambda c: c.islower() and unicodedata.category(c) != "Ll")
table("otherUpperRanges", lambda c: c.isupper() and unicodedata.category(c) != "Lu")
print("// clang-format on")
