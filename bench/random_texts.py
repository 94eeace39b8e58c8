#!/usr/bin/env python3
"""Random texts through our tokenizer and Hugging Face's `tokenizers` (PyPI): the same ids, and of these the same text again.

    random_texts.py [--texts N] [--seed N] FOLDER...

Each FOLDER holds a tokenizer.json; one that is the same file as an earlier one is left out. N texts in all (default 10,000), shared among the files: runs
of letters, digits, blanks and marks of many scripts, contractions, ligatures and special tokens of the file. A line a file, the first three differences.
"""
import argparse
import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile

from tokenizers import Tokenizer

ROOT = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
BIN = os.environ.get("QUOIN_BIN") or os.path.join(ROOT, "build", "release", "bin")
# Ranges of code points: printable ASCII, small letters, digits, Latin with marks, combining marks, Greek to Arabic, Indic to Lao, Han, Hangul, pictures.
RANGES = [(32, 127), (97, 123), (48, 58), (0xC0, 0x250), (0x300, 0x370), (0x370, 0x600), (0x900, 0xE80), (0x4E00, 0x9FFF), (0xAC00, 0xD7A4), (0x1F300, 0x1FAFF)]
BLANKS = " \t\n\r\u00a0\u3000\u2028\u200b\u0085\v\f"
MARKS = "'\u2019\u02bc\"`\u00b4-_.,;:!?/\\()[]{}<>|@#$%^&*+=~"
PIECES = ["'s", "'S", "'re", "'LL", "'\u017f", "n't", " the", "The", "ing", "  ", "\n\n", "\ufb01", "\u01c5", "\u0130", "\u1e9e", "\u00e9", "e\u0301", "\u00bd", "\u00b2",
          "\u2163", "\u0663", "\u2581", "\u1e9b\u0323"]


def run_of_letters(rnd):
    kind = rnd.randrange(len(RANGES) + 4)
    count = rnd.choice([1, 1, 2, 3, 4, 7, 12])
    if kind < len(RANGES):
        return "".join(chr(rnd.randrange(*RANGES[kind])) for _ in range(count))
    if kind == len(RANGES):
        return "".join(chr(rnd.choice([rnd.randrange(0xD800), rnd.randrange(0xE000, 0x110000)])) for _ in range(count))
    return "".join(rnd.choice((BLANKS, MARKS, PIECES)[kind - len(RANGES) - 1]) for _ in range(count))


def text(rnd, specials):
    out = []
    for _ in range(rnd.choice([1, 2, 3, 5, 8, 13])):
        out.append(run_of_letters(rnd))
        if specials and rnd.random() < 0.12:
            out.append(rnd.choice(specials))
        if rnd.random() < 0.3:
            out.append(" " * rnd.choice([1, 1, 2, 3, 5]))
    return "".join(out)


def differences(folder, texts, tokenizer):
    """(text, what we have, what they have) of texts that differ."""
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as f:
        f.writelines(json.dumps(dict(prompt=t)) + "\n" for t in texts)
        f.flush()
        run = subprocess.run([os.path.join(BIN, "quoin-run"), folder, "--tokenize", "--input", f.name], capture_output=True, text=True)
    ours = [json.loads(line) for line in run.stdout.splitlines() if line.startswith("{")]
    if len(ours) != len(texts):
        sys.exit(f"{folder}: expects {len(texts)} results, but found {len(ours)}: {run.stderr[-300:]}")
    for t, own, encoded in zip(texts, ours, tokenizer.encode_batch(texts, add_special_tokens=False)):
        theirs = dict(ids=encoded.ids, decoded=tokenizer.decode(encoded.ids, skip_special_tokens=False))
        own = {k: own.get(k) for k in theirs}
        if own != theirs:
            yield t, own, theirs


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folders", nargs="+", metavar="FOLDER")
    parser.add_argument("--texts", type=int, default=10000)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    files = {}
    for folder in args.folders:
        with open(os.path.join(folder, "tokenizer.json"), "rb") as f:
            files.setdefault(hashlib.sha256(f.read()).hexdigest(), folder)
    differ, each = 0, -(-args.texts // len(files))
    for i, folder in enumerate(files.values()):
        tokenizer = Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
        specials = [t.content for t in tokenizer.get_added_tokens_decoder().values()]
        rnd = random.Random(f"{args.seed} {i}")
        found = list(differences(folder, [text(rnd, specials) for _ in range(each)], tokenizer))
        print(f"{os.path.basename(os.path.abspath(folder))}: {each} texts, {len(found)} differ", flush=True)
        for t, own, theirs in found[:3]:
            print(f"  {ascii(t)}: expects {theirs}, but found {own}")
        differ += len(found)
    print(f"{each * len(files)} texts over {len(files)} tokenizers, {differ} differ")
    return differ > 0


if __name__ == "__main__":
    sys.exit(main())
