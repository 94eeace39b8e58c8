#!/usr/bin/env python3
"""Requests of one file do not suffer from each other: one that fails has its error on its line, the others are answered, and the exit
status says that not all was well.
"""
import json
import os
import shutil
import subprocess
import tempfile

import harness
import modules
from checkpoint import Shape, write
from harness import expect

SHAPE = Shape(family="sdar", layers=1, hidden=32, heads=2, kv_heads=1, head_dim=16, mlp=40, vocabulary=264, capacity=64, seed=3)
FOLDER = tempfile.mkdtemp()


def lines(program, target, queries, *flags):
    """Runs requests (objects, or lines as they are); gives the exit status, an object for each line and the errors."""
    with tempfile.NamedTemporaryFile("wb", suffix=".jsonl") as f:
        for q in queries:
            f.write((q if isinstance(q, bytes) else json.dumps(q).encode()) + b"\n")
        f.flush()
        r = harness.call(program, target, "--input", f.name, "--json", *flags)
    got = [json.loads(line) for line in r.stdout.splitlines()]
    expect(len(got) == len(queries), f"{program}: expects {len(queries)} lines, but found {len(got)}: {r.stderr[-300:]}")
    errors = [line for line in r.stderr.splitlines() if line.startswith("error: ")]
    failed = sum("error" in a for a in got)
    expect(len(errors) == failed, f"{program}: expects {failed} errors, but found {r.stderr[-300:]}")
    return r.returncode, got, errors


def made():
    top = os.path.join(FOLDER, "made")
    hf, source, out = os.path.join(top, "hf"), os.path.join(top, "model.mlir"), os.path.join(top, "out")
    if not os.path.exists(top):
        harness.tool("quoin-import", write(hf, SHAPE), "-o", source)
        harness.tool("quoin-compile", hf, "-o", out, "--weights", "f32")
    return source, out


GOOD = [dict(ids=[1, 2, 3], max_tokens=5), dict(prompt="a b", max_tokens=9), dict(ids=[9] * 20, max_tokens=4, seed=3)]
# A line, and words of what is said of it by quoin-run and by quoin-interpret.
BAD = [
    (b'{"ids": [1, 2', ("no JSON at column 14",)),
    (b'{"ids": [1], "prompt": "\\x"}', ("column 26", "backslash")),
    (b'{"ids": [1]} {"ids": [2]}', ("column 14",)),
    (b"[1, 2]", ("JSON object", "[1,2]")),
    (b'"ids"', ("JSON object", "ids")),
    (b'{"prompt": "\xff"}', ("column 13", "UTF-8")),
    (b"{}", ("one of prompt, chat, messages and ids", "0")),
    (dict(ids=[1], max_tokens=4, nonsense=1), ("nonsense",)),
    (dict(ids=[1], max_tokens=4, settings=dict(nonsense=1)), ("nonsense",)),
    (dict(ids=[1], max_tokens=4, decoder="nope"), ("nope",)),
    (dict(ids=[1, 264], max_tokens=4), ("264",)),
    (dict(ids=[-1], max_tokens=4), ("-1",)),
    (dict(ids=[], max_tokens=4), ("prompt of at least",)),
    (dict(ids=[1] * 65), ("64", "65")),
    (dict(ids=[1] * 60, max_tokens=5), ("at most 64 positions", "60 + 5")),
    (dict(ids=[1], max_tokens=0), ("max_tokens", "0")),
    (dict(ids=[1], max_tokens=4, temperature=-1), ("temperature", "-1")),
    (b'{"ids": [1], "ids": [2]}', ("once", "'ids' twice")),
    (b'{"ids": [1], "settings": {"threshold": 0.1, "threshold": 0.2}}', ("once", "'threshold' twice")),
    (b'{"ids": [1], "seed": -1}', ("'seed'", "from 0 to 2^64 - 1", "-1")),
    (b'{"ids": [1], "seed": 18446744073709551616}', ("'seed'", "1.8446744073709552e+19")),
    (b'{"ids": [1], "temperature": 1e400}', ("column 33", "beyond 1.8e308: 1e400")),
    (dict(ids=[1], max_tokens=4, settings=dict(block=3)), ("'block'", "fixed as 4", "wants 3")),
    (dict(ids=[1], max_tokens=4, settings=dict(treshold=0.3)), ("'treshold'", "it has steps, threshold, block, temperature, top_k, top_p")),
]


def good_and_bad(program, *flags):
    def test():
        source, out = made()
        target = out if program == "quoin-run" else source
        code, alone, _ = lines(program, target, GOOD, *flags)
        expect(code == 0, f"expects exit 0, but found {code}")
        for bad, words in BAD:
            code, got, errors = lines(program, target, [GOOD[0], bad, *GOOD[1:], bad], *flags)
            expect(code == 1, f"{bad}: expects exit 1, but found {code}")
            expect([a["ids"] for a in (got[0], *got[2:4])] == [a["ids"] for a in alone], f"{bad}: expects the others' answers")
            expect(got[1] == got[4] and list(got[1]) == ["error"], f"{bad}: expects an error, but found {got[1]}")
            for word in words:
                expect(word in got[1]["error"], f"{bad}: expects '{word}', but found {got[1]['error']}")
            expect("line 2 of" in errors[0] and "line 5 of" in errors[1], f"{bad}: expects the lines, but found {errors}")
    return test


def all_bad(program):
    def test():
        source, out = made()
        code, got, _ = lines(program, out if program == "quoin-run" else source, [b for b, _ in BAD])
        expect(code == 1 and all("error" in a for a in got), f"expects errors alone, but found {code}, {got}")
    return test


def without_json():
    """Answers in order, each error on the standard error between them."""
    _, out = made()
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as f:
        f.write('{"ids": [1, 2, 3], "max_tokens": 5}\nnonsense\n{"ids": [1, 2, 3], "max_tokens": 5}\n')
        f.flush()
        r = harness.call("quoin-run", out, "--input", f.name)
        alone = harness.tool("quoin-run", out, "--prompt-ids", "1,2,3", "--max-tokens", "5", "--json")
    text = json.loads(alone)["text"]
    expect(r.returncode == 1 and r.stdout == (text + "\n") * 2, f"expects two answers, but found {r.returncode}, {r.stdout!r}")
    expect(r.stderr.count("error: ") == 1 and "line 2 of" in r.stderr, f"expects one error, but found {r.stderr}")


def traced():
    """A request that failed leaves nothing in the trace and does not shift the others."""
    _, out = made()
    for ending in ("jsonl", "svg", "html"):
        path = os.path.join(FOLDER, "trace." + ending)
        code, got, _ = lines("quoin-run", out, [b"{", GOOD[0], b"{", GOOD[2]], "--trace", path)
        expect(code == 1 and os.path.getsize(path) > 0, "expects a trace")
        if ending == "jsonl":
            sessions = {json.loads(line)["session"] for line in open(path)}
            expect(sessions == {1, 3}, f"expects sessions 1 and 3, but found {sessions}")


def tokenized():
    _, out = made()
    code, got, _ = lines("quoin-run", out, [dict(prompt="ab"), b"{", dict(ids=[97])], "--tokenize")
    expect(code == 1 and "ids" in got[0] and "error" in got[1] and got[2]["ids"] == [97], f"expects one error, but found {got}")


def files_that_are_none():
    """Well-known mistakes are named once, not on each line."""
    source, out = made()
    for head, word in ((b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "a Git LFS pointer"),
                       ('{"ids": [1]}\n'.encode("utf-16"), "UTF-16"), (b"<!DOCTYPE html>\n<html>\n", "a web page"), (b"\x1f\x8b\x08\n", "gzip")):
        with tempfile.NamedTemporaryFile("wb", suffix=".jsonl") as f:
            f.write(head)
            f.flush()
            for program, target in (("quoin-run", out), ("quoin-interpret", source)):
                r = harness.call(program, target, "--input", f.name, "--json")
                expect(r.returncode == 1 and r.stdout == "" and r.stderr.count("error: ") == 1 and word in r.stderr and f.name in r.stderr,
                       f"{program}: expects '{word}', but found {r.returncode}, {r.stdout!r}, {r.stderr}")


def fixed_settings():
    """A setting that the program was made with takes its own value, also one that only chose what the program is."""
    top = os.path.join(FOLDER, "fixed")
    shape = Shape(family="sdar", layers=1, hidden=32, heads=2, kv_heads=1, head_dim=16, mlp=40, vocabulary=264, capacity=64)
    hf, source, out = write(os.path.join(top, "hf"), shape), os.path.join(top, "model.mlir"), os.path.join(top, "out")
    given = ("--decoder", "s2d2,d2f", "--set", "block=8", "--set", "causal_cache=true", "--set", "add=0.3")
    harness.tool("quoin-import", hf, "-o", source, *given)
    harness.tool("quoin-compile", hf, "-o", out, "-O0", *given)
    described = {d["name"]: d["settings"] for d in json.load(open(os.path.join(out, "model.json")))["decoders"]}
    expect(described["s2d2"]["block"] == dict(value=8, run_time=False), f"found {described}")
    for decoder, own, other, words in (("s2d2", "block=8", "block=4", "fixed as 8"), ("s2d2", "causal_cache=true", "causal_cache=false", "fixed as 1"),
                                       ("s2d2", "causal_draft=false", "causal_draft=true", "fixed as 0"), ("d2f", "add=0.3", "add=0.4", "fixed as 0.3"),
                                       ("d2f", "block=8", "block=16", "fixed as 8")):
        for program, target in (("quoin-run", out), ("quoin-interpret", source)):
            flags = (target, "--decoder", decoder, "--prompt-ids", "1,2", "--max-tokens", "4", "--json", "--set")
            harness.tool(program, *flags, own)
            r = harness.call(program, *flags, other)
            expect(r.returncode == 1 and words in r.stderr and f"'{other.split('=')[0]}'" in r.stderr, f"{program} {other}: found {r.stderr}")


# Words, lists of ids and a number that the text contains.
SETTINGS = """  quoin.decoder @told(%x, %max) settings {schedule = #quoin.word<"cosine" of "cosine", "uniform", "pow*">, steps = 3 : index, rate = 0.5 : f32, ids = 5 : index, ids_2 = 6 : index}
      attributes {run_time = ["schedule", "steps", "rate"], fixed = {block = 4 : index, flag = 1 : index, of = 7 : index, of_2 = 8 : index}} {
    %c1 = arith.constant 1 : index
    %steps = quoin.setting @steps : index
    %first = quoin.setting @ids : index
    %second = quoin.setting @ids_2 : index
    %pow = quoin.setting @schedule is "pow*" : i1
    %by = quoin.setting @schedule : f64
    %word = arith.fptoui %by : f64 to i64
    %power = arith.index_cast %word : i64 to index
    %none = arith.constant 100 : index
    %last = arith.select %pow, %power, %none : index
    %a = tensor.splat %steps[%c1] : tensor<?xindex>
    %b = tensor.splat %first[%c1] : tensor<?xindex>
    %c = tensor.splat %second[%c1] : tensor<?xindex>
    %d = tensor.splat %last[%c1] : tensor<?xindex>
    %all = tensor.concat dim(0) %a, %b, %c, %d : (tensor<?xindex>, tensor<?xindex>, tensor<?xindex>, tensor<?xindex>) -> tensor<?xindex>
    %any = arith.index_cast %all : tensor<?xindex> to tensor<?xi32>
    %n = quoin.length %x
    %y = quoin.append %x, %any
    %m = quoin.length %y
    quoin.return %y[%n to %m]
  }
"""
GIVEN = [
    ([], [3, 5, 6, 100]),
    (["steps=9", "schedule=pow4", "ids=[7, 8]"], [9, 7, 8, 4]),
    (['schedule="uniform"', "steps=true", "ids_2=11"], [1, 5, 11, 100]),
    (["steps=8", "steps=2"], [2, 5, 6, 100]),
    (["block=4", "flag=true", "of=[7,8]", "of_2=8", "rate=1e-1"], [3, 5, 6, 100]),
]
REFUSED = [
    ("schedule=square", "setting 'schedule' of decoder 'told' expects one of cosine, uniform, pow*, but found square"),
    ("schedule=pow", "expects one of cosine, uniform, pow*, but found pow"),
    ("schedule=2", "expects one of cosine, uniform, pow*, but found 2"),
    ("schedule=", "expects one of cosine, uniform, pow*"),
    ("steps=many", "setting 'steps' of decoder 'told' expects an integer from 0 to 2147483647, but found many"),
    ("steps=-1", "expects an integer from 0 to 2147483647, but found -1"),
    ("steps=[1,2]", "expects one value, but found [1,2]"),
    ("rate=1e40", "expects a number of f32, but found 1e40"),
    ("ids=7", "expects a list of 2 ids, as its program has, but found 7"),
    ("ids=[7]", "expects a list of 2 ids, as its program has, but found [7]"),
    ('ids=[7,"x"]', "expects an integer from 0 to 2147483647, but found [7,"),
    ("block=8", "setting 'block' of decoder 'told' expects to be given when its program is made, which contains it, but found 8"),
    ("of=[7,9]", "expects to be given when its program is made, which contains it, but found [7,9]"),
    ("speed=1", "'--set' expects a setting of the program's decoders (block, flag, ids, ids_2, of, of_2, rate, schedule, steps), but found 'speed'"),
]


def program_settings():
    """What --set gives a program: numbers, words and lists; what its text contains may be said again."""
    top = os.path.join(FOLDER, "told")
    hf, source, out = write(os.path.join(top, "hf"), SHAPE), os.path.join(top, "model.mlir"), os.path.join(top, "out")
    harness.tool("quoin-import", hf, "-o", source)
    text = modules.with_decoders(open(source).read(), SETTINGS)
    with open(source, "w") as f:
        f.write(text)
    for given, want in GIVEN:
        harness.tool("quoin-compile", source, "-o", out, "-O0", "--weights", "f32", *[f for g in given for f in ("--set", g)])
        got = json.loads(harness.tool("quoin-run", out, "--prompt-ids", "1,2", "--max-tokens", "4", "--json"))["ids"]
        expect(got == want, f"{given}: expects {want}, but found {got}")
    for given, words in REFUSED:
        r = harness.call("quoin-compile", source, "-o", out + "x", "-O0", "--set", given)
        expect(r.returncode == 1 and words in r.stderr and not os.path.exists(out + "x"), f"{given}: expects {words!r}, but found {r.stderr}")


def chosen_decoders():
    """Of a program's decoders `--decoder` takes some, the first of them is the one of requests that name none."""
    top = os.path.join(FOLDER, "chosen")
    source, out = os.path.join(top, "model.mlir"), os.path.join(top, "out")
    harness.tool("quoin-import", write(os.path.join(top, "hf"), SHAPE), "-o", source, "--decoder", "sdar-static,s2d2,autoregressive")
    harness.tool("quoin-compile", source, "-o", out, "-O0", "--decoder", "autoregressive,s2d2")
    names = [d["name"] for d in json.load(open(os.path.join(out, "model.json")))["decoders"]]
    expect(names == ["autoregressive", "s2d2"], f"found {names}")
    for wanted, words in (("llada", "but found 'llada'"), ("s2d2,s2d2", "twice")):
        r = harness.call("quoin-compile", source, "-o", out + "x", "-O0", "--decoder", wanted)
        expect(r.returncode == 1 and words in r.stderr and "'--decoder'" in r.stderr, f"{wanted}: found {r.stderr}")


def lost_output():
    """Answers that nobody can get are no success."""
    source, out = made()
    for program, target in (("quoin-run", out), ("quoin-interpret", source)):
        command = f"{os.path.join(harness.BIN, program)} {target} --prompt-ids 1,2 --max-tokens 4 --json"
        for closed in (">&-", "> /dev/full"):
            if closed == ">&-" or os.path.exists("/dev/full"):
                r = subprocess.run(["sh", "-c", f"{command} {closed}"], stderr=subprocess.PIPE, text=True)
                expect(r.returncode == 1 and "cannot write the output" in r.stderr, f"{program} {closed}: found {r.returncode}, {r.stderr}")


TESTS = [
    ("requests-files-that-are-none", files_that_are_none),
    ("requests-fixed-settings", fixed_settings),
    ("requests-program-settings", program_settings),
    ("requests-lost-output", lost_output),
    ("requests-chosen-decoders", chosen_decoders),
    ("requests-run", good_and_bad("quoin-run")),
    ("requests-run-batch", good_and_bad("quoin-run", "--batch", "3")),
    ("requests-interpret", good_and_bad("quoin-interpret")),
    ("requests-all-bad", all_bad("quoin-run")),
    ("requests-interpret-all-bad", all_bad("quoin-interpret")),
    ("requests-without-json", without_json),
    ("requests-traced", traced),
    ("requests-tokenized", tokenized),
]

if __name__ == "__main__":
    try:
        made()
        harness.main(TESTS)
    finally:
        shutil.rmtree(FOLDER, ignore_errors=True)
