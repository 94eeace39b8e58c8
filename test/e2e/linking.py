#!/usr/bin/env python3
"""Several compiled programs in one host: objects of `--emit object` link together, and each answers as quoin-run does."""
import array
import atexit
import functools
import json
import os
import random
import shutil
import struct
import subprocess
import tempfile

import harness
import checkpoint
from harness import expect

HOSTS = os.path.join(os.path.dirname(os.path.realpath(__file__)), "hosts")
BUILD = os.path.dirname(os.path.realpath(harness.BIN))
INCLUDE = os.path.join(harness.ROOT, "runtime", "include")
CC = os.environ.get("CC") or shutil.which("cc") or "clang-22"
CXX = os.environ.get("CXX") or shutil.which("c++") or "clang++-22"
LIBRARIES = [os.path.join(BUILD, "lib", "libquoin.a"), "-lutf8proc", "-ldl", "-lpthread"]
WARNINGS = ["-Wall", "-Wextra", "-pedantic", "-Werror"]
SHAPES = {"one": checkpoint.Shape(family="sdar", hidden=32, heads=2, kv_heads=1, mlp=48, vocabulary=270, capacity=256),
          "two": checkpoint.Shape(family="qwen3", layers=1, hidden=48, heads=3, kv_heads=3, mlp=40, vocabulary=290, capacity=128, seed=1)}
MASKS = {"block": "k floordiv 32 le q floordiv 32", "window": "k le q and q - k lt 20"}
PROMPT, LENGTH = [1, 2, 3, 4, 5], 77


def run(command, cwd=None):
    return subprocess.run(list(map(str, command)), cwd=cwd, capture_output=True, text=True, errors="replace", timeout=600)


def good(command, cwd=None):
    process = run(command, cwd)
    expect(process.returncode == 0, f"expects {command[0]} to succeed: {process.stderr[-600:]}")
    return process.stdout


@functools.cache
def made():
    """A folder with checkpoints, functions and tensors, and what quoin-run answers, by name."""
    top = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, top, ignore_errors=True)
    source, answers = {}, {}
    for name, shape in SHAPES.items():
        source[name] = checkpoint.write(os.path.join(top, "hf-" + name), shape)
        out = os.path.join(top, "so-" + name)
        harness.tool("quoin-compile", source[name], "-o", out)
        line = harness.tool("quoin-run", out, "--prompt-ids", ",".join(map(str, PROMPT)), "--max-tokens", "16", "--json")
        answers[name] = json.loads(line)["ids"]
    rnd, tensors = random.Random(5), []
    for name, heads in (("q", 8), ("k", 2), ("v", 2)):
        data = array.array("f", (rnd.gauss(0, 1) for _ in range(LENGTH * heads * 64))).tobytes()
        tensors.append((name, "F32", [LENGTH, heads, 64], data))
        with open(os.path.join(top, name), "wb") as f:
            f.write(data)
    inputs, outputs = os.path.join(top, "in.safetensors"), os.path.join(top, "out.safetensors")
    checkpoint.save(inputs, tensors)
    with open(os.path.join(harness.ROOT, "examples", "attention.mlir")) as f:
        text = f.read()
    for name, mask in MASKS.items():
        source[name] = os.path.join(top, name + ".mlir")
        with open(source[name], "w") as f:
            f.write(text.replace(MASKS["block"], mask))
        harness.tool("quoin-compile", source[name], "-o", os.path.join(top, "so-" + name))
        harness.tool("quoin-run", os.path.join(top, "so-" + name), "--inputs", inputs, "--outputs", outputs)
        with open(outputs, "rb") as f:
            data = f.read()
        answers[name] = data[8 + struct.unpack("<Q", data[:8])[0]:]
    expect(answers["one"] != answers["two"] and answers["block"] != answers["window"], "expects programs that differ")
    return top, source, answers


@functools.cache
def compiled(name, symbol):
    """The folder of an object, after a look at what it exports; two tests may make it at once."""
    top, source, _ = made()
    out = tempfile.mkdtemp(dir=top)
    harness.tool("quoin-compile", source[name], "-o", out, "--emit", "object", *(["--symbol", symbol] if symbol else []))
    symbol = symbol or ("quoin_function_query" if name in MASKS else "quoin_program_query")
    found = globals_of(os.path.join(out, "model.o"))
    expect([f[1:] for f in found] == [["T", symbol]], f"expects one global '{symbol}' and nothing undefined, but found {found}")
    with open(os.path.join(out, "model.json")) as f:
        described = json.load(f)["symbol"]
    expect(described == symbol, f"expects the symbol '{symbol}' in model.json, but found '{described}'")
    return out, symbol


def globals_of(path):
    nm = shutil.which("nm") or shutil.which("llvm-nm-22") or "llvm-nm"
    return [line.split() for line in good([nm, "-g", path]).splitlines() if line.strip()]


def linked(*parts):
    """Parts are (name of a program, symbol or None). Links all of them into one host and checks what each answers."""
    top, _, answers = made()
    with tempfile.TemporaryDirectory() as folder:
        for name in "qkv":
            os.symlink(os.path.join(top, name), os.path.join(folder, name))
        models, functions, includes, objects = [], [], [], []
        for i, (name, symbol) in enumerate(parts):
            out, symbol = compiled(name, symbol)
            os.symlink(out, os.path.join(folder, f"part{i}"))
            includes.append(f'#include "part{i}/model.h"\n')
            (functions if name in MASKS else models).append((i, f'X("part{i}", {symbol})'))
            objects.append(os.path.join(out, "model.o"))
        with open(os.path.join(folder, "parts.h"), "w") as f:
            # Each header twice: they guard themselves.
            f.write("".join(includes * 2) + f"#define MODELS(X) {' '.join(m for _, m in models)}\n"
                    f"#define FUNCTIONS(X) {' '.join(m for _, m in functions)}\n")
        paths = ["-I", folder, "-I", INCLUDE]
        good([CC, "-std=c99", *WARNINGS, "-c", os.path.join(HOSTS, "linked.c"), *paths, "-o", os.path.join(folder, "linked.o")])
        good([CXX, "-std=c++11", *WARNINGS, "-c", os.path.join(HOSTS, "names.cpp"), *paths, "-o", os.path.join(folder, "names.o")])
        good([CXX, "linked.o", "names.o", *objects, *LIBRARIES, "-o", "host"], folder)
        *lines, last = good([os.path.join(folder, "host"), LENGTH, *PROMPT], folder).splitlines()
        expect(last == f"queries {len(parts)}", f"expects {len(parts)} different queries, but found: {last}")
        expect(len(lines) == len(models), f"expects {len(models)} answers, but found {lines}")
        for (i, _), line in zip(models, lines):
            want, got = answers[parts[i][0]], list(map(int, line.split()[1:]))
            expect(got == want, f"part {i}: expects {want}, but found {got}")
        for i, _ in functions:
            with open(os.path.join(folder, f"part{i}.out"), "rb") as f:
                expect(f.read() == answers[parts[i][0]], f"part {i}: expects the bits of quoin-run")


def weights_of_another():
    """A linked program takes its own weights and no others."""
    with tempfile.TemporaryDirectory() as folder:
        one, other = compiled("one", "one_query")[0], compiled("two", "two_query")[0]
        with open(os.path.join(folder, "parts.h"), "w") as f:
            f.write(f'#include "{one}/model.h"\n#define MODELS(X) X("{other}", one_query)\n#define FUNCTIONS(X)\n')
        good([CC, "-std=c99", "-c", os.path.join(HOSTS, "linked.c"), "-I", ".", "-I", INCLUDE, "-o", "linked.o"], folder)
        good([CXX, "-std=c++11", "-c", os.path.join(HOSTS, "names.cpp"), "-I", ".", "-I", INCLUDE, "-o", "names.o"], folder)
        good([CXX, "linked.o", "names.o", os.path.join(one, "model.o"), *LIBRARIES, "-o", "host"], folder)
        process = run([os.path.join(folder, "host"), LENGTH, *PROMPT], folder)
        expect(process.returncode == 1 and "model.qw" in process.stderr and "the program expects" in process.stderr,
               f"expects the weights of another program to be refused: {process.stderr}")


def object_is_not_run():
    for name, flags in (("one", ["--prompt-ids", "1"]), ("block", ["--inputs", os.path.join(made()[0], "in.safetensors"), "--outputs", os.devnull])):
        process = harness.call("quoin-run", compiled(name, name + "_query")[0], *flags)
        expect(process.returncode == 1 and "model.o', which is to be linked into a host" in process.stderr,
               f"expects an object to be told from a library: {process.stderr}")


TESTS = [
    ("two-models", lambda: linked(("one", "one_query"), ("two", "two_query"))),
    ("two-functions", lambda: linked(("block", "block_query"), ("window", "window_query"))),
    ("model-and-function", lambda: linked(("one", None), ("block", None))),
    ("same-model-twice", lambda: linked(("one", "one_query"), ("one", "ONE_QUERY"))),
    # Names that the programs have for functions of their own.
    ("names-inside", lambda: linked(("one", "quoin_models"), ("two", None), ("block", "quoin_function"))),
    ("weights-of-another", weights_of_another),
    ("object-is-not-run", object_is_not_run),
]

if __name__ == "__main__":
    made()
    harness.main(TESTS)
