#!/usr/bin/env python3
"""Tokenizers of each kind against goldens that Hugging Face's `tokenizers` 0.23 gave once (tokenizers/*.json: a small one, trained for this, and texts with their
ids and what those decode to), and which tokenizers an artefact gets."""
import json
import os
import tempfile

import harness
from checkpoint import Shape, write
from harness import ROOT, call, expect, tool

GOLDENS = os.path.join(ROOT, "test", "e2e", "tokenizers")


def tokenized(folder, texts):
    """Ids and decoded text of each text."""
    path = os.path.join(folder, "texts.jsonl")
    with open(path, "w") as f:
        f.writelines(json.dumps(dict(prompt=text)) + "\n" for text in texts)
    got = [json.loads(line) for line in tool("quoin-run", folder, "--tokenize", "--input", path).splitlines()]
    return [(g["ids"], g["decoded"]) for g in got]


def golden(name):
    def test():
        with open(os.path.join(GOLDENS, name)) as f:
            file = json.load(f)
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "tokenizer.json"), "w") as f:
                json.dump(file["tokenizer"], f)
            cases = file["cases"]
            got = tokenized(folder, [c["text"] for c in cases])
            expect(len(got) == len(cases), f"expects {len(cases)} answers, but found {len(got)}")
            for c, (ids, decoded) in zip(cases, got):
                expect(ids == c["ids"], f"{c['text']!r}: expects {c['ids']}, but found {ids}")
                expect(decoded == c["decoded"], f"{c['text']!r}: expects {c['decoded']!r}, but found {decoded!r}")
    return test


def checkpoint(top, name, slow=False):
    """A small checkpoint; `slow`: with vocab.json, merges.txt and added_tokens.json for its tokenizer.json."""
    folder = os.path.join(top, name)
    os.makedirs(folder, exist_ok=True)
    write(folder, Shape())
    if slow:
        path = os.path.join(folder, "tokenizer.json")
        with open(path) as f:
            file = json.load(f)
        os.unlink(path)
        texts = {"vocab.json": json.dumps(file["model"]["vocab"], ensure_ascii=False), "merges.txt": "#version: 0.2\n",
                 "added_tokens.json": json.dumps({a["content"]: a["id"] for a in file["added_tokens"]}),
                 "special_tokens_map.json": json.dumps(dict(additional_special_tokens=[a["content"] for a in file["added_tokens"]])),
                 "tokenizer_config.json": json.dumps(dict(tokenizer_class="Qwen2Tokenizer"))}
        for file_name, text in texts.items():
            with open(os.path.join(folder, file_name), "w", encoding="utf-8") as f:
                f.write(text)
    return folder


def files_of_pythons_tokenizers():
    with tempfile.TemporaryDirectory() as top:
        fast, slow, out = checkpoint(top, "fast"), checkpoint(top, "slow", slow=True), os.path.join(top, "out")
        texts = ["Hello <|im_end|>\n\n1 e\u0301", "\u6771\u4eac don't<|mask|>"]
        expect(tokenized(slow, texts) == tokenized(fast, texts), "expects the ids of tokenizer.json")
        tool("quoin-compile", slow, "-o", out)
        expect({"vocab.json", "merges.txt", "added_tokens.json"} <= set(os.listdir(out)), sorted(os.listdir(out)))
        expect(tokenized(out, texts) == tokenized(fast, texts), "expects the checkpoint's ids of the artefact")
        expect("ids" in harness.answers("quoin-run", out, [dict(prompt="Hi", max_tokens=4)])[0], "expects an answer")
        # A folder with both kinds is read by the one, and only that is copied; a compile anew leaves nothing of the other.
        with open(os.path.join(fast, "tokenizer.json")) as f:
            text = f.read()
        with open(os.path.join(slow, "tokenizer.json"), "w") as f:
            f.write(text)
        tool("quoin-compile", slow, "-o", out)
        expect("tokenizer.json" in os.listdir(out) and "vocab.json" not in os.listdir(out), sorted(os.listdir(out)))


def without_tokenizer():
    with tempfile.TemporaryDirectory() as top:
        folder, out = checkpoint(top, "model"), os.path.join(top, "out")
        path = os.path.join(folder, "tokenizer.json")
        with open(path) as f:
            file = json.load(f)
        file["model"]["type"] = "WordPiece"
        with open(path, "w") as f:
            json.dump(file, f)
        r = call("quoin-compile", folder, "-o", out)
        expect(r.returncode == 1 and "expects 'BPE' or 'Unigram' as the type of the model, but it is 'WordPiece'" in r.stderr and
               "'--without-tokenizer'" in r.stderr and not os.path.exists(out), r.stderr)
        tool("quoin-compile", folder, "-o", out, "--without-tokenizer")
        expect(not {"tokenizer.json", "tokenizer_config.json"} & set(os.listdir(out)), sorted(os.listdir(out)))
        expect(len(harness.answers("quoin-run", out, [dict(ids=[1, 2, 3], max_tokens=4)])[0]["ids"]) > 0, "expects ids")
        r = call("quoin-run", out, "--prompt", "Hi")
        expect(r.returncode == 1 and "has no tokenizer; give ids" in r.stderr, r.stderr)


if __name__ == "__main__":
    tests = [(name[:-5], golden(name)) for name in sorted(os.listdir(GOLDENS))]
    harness.main(tests + [("files-of-pythons-tokenizers", files_of_pythons_tokenizers), ("without-tokenizer", without_tokenizer)])
