#!/usr/bin/env python3
"""Programs compiled for AArch64 run under qemu and answer what this machine's code answers.

The runtime is built here with Debian's cross compiler (g++-aarch64-linux-gnu) and run by qemu-user; without the two the
tests that run code are skipped. The host has no tokenizer, whose libraries Debian has for the machine's own processor."""
import array
import concurrent.futures
import functools
import glob
import json
import os
import shutil
import struct
import subprocess
import tempfile

import harness
import checkpoint
from harness import expect

TRIPLE = "aarch64-linux-gnu"
CXX, AR, QEMU = (shutil.which(name) for name in (TRIPLE + "-g++", TRIPLE + "-ar", "qemu-aarch64"))
RUNTIME = os.path.join(harness.ROOT, "runtime")
HOSTS = os.path.join(harness.ROOT, "test", "e2e", "hosts")
# Code for any AArch64, and for one with lse and i8mm.
PROCESSORS = [None, "neoverse-v1"]
PROMPT, LENGTH = [1, 2, 3, 4, 5], 77


def good(command, cwd=None):
    process = subprocess.run(list(map(str, command)), cwd=cwd, capture_output=True, text=True, errors="replace", timeout=600)
    expect(process.returncode == 0, f"expects {command[0]} to succeed: {process.stderr[-600:]}")
    return process.stdout


def compile_for(source, out, *flags):
    harness.tool("quoin-compile", source, "-o", out, "--target", TRIPLE, *flags)
    with open(os.path.join(out, "model.json")) as file:
        return json.load(file)


def machine_of(path):
    """The processor that a file of ELF is for."""
    with open(path, "rb") as file:
        return struct.unpack("<H", file.read(20)[18:])[0]


@functools.cache
def sources():
    folder = tempfile.mkdtemp()
    model = checkpoint.write(os.path.join(folder, "hf"), checkpoint.Shape(family="sdar", hidden=64, heads=2, kv_heads=1, mlp=64, vocabulary=270, capacity=256))
    with open(os.path.join(harness.ROOT, "examples", "attention.mlir")) as file, open(os.path.join(folder, "block.mlir"), "w") as copy:
        copy.write(file.read())
    return folder, model, os.path.join(folder, "block.mlir")


def build_runtime(folder):
    """The archive of the runtime without its tokenizer; nothing of it needs MLIR."""
    # The one header library that it includes needs no processor; its folder holds what belongs to this one, too.
    os.symlink("/usr/include/nlohmann", os.path.join(folder, "nlohmann"))
    files = [f for f in sorted(glob.glob(os.path.join(RUNTIME, "src", "*.cpp"))) if os.path.basename(f) != "text.cpp"]
    files.append(os.path.join(HOSTS, "without_tokenizer.cpp"))

    def build(file):
        made = os.path.join(folder, os.path.basename(file) + ".o")
        good([CXX, "-std=c++20", "-O0", "-fPIC", "-I", harness.ROOT, "-I", os.path.join(RUNTIME, "include"), "-isystem", folder, "-c", file, "-o", made])
        return made

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        objects = list(pool.map(build, files))
    archive = os.path.join(folder, "libquoin.a")
    good([AR, "rcs", archive, *objects])
    return archive


def refused():
    """Each wrong --target or CPU of it has one message."""
    _, model, _ = sources()
    for flags, said in ((["--target", "riscv64-linux-gnu"], "expects --target to be cuda, x86_64-linux-gnu or aarch64-linux-gnu, but found 'riscv64-linux-gnu'"),
                        (["--target", "aarch64-apple-darwin"], "but found 'aarch64-apple-darwin'"),
                        (["--target", TRIPLE, "--target-cpu", "native"], "found 'native'"),
                        (["--target", TRIPLE, "--target-cpu", "x86-64-v3"], "'x86-64-v3' is none for aarch64")):
        with tempfile.TemporaryDirectory() as folder:
            process = harness.call("quoin-compile", model, "-o", os.path.join(folder, "out"), *flags)
            expect(process.returncode == 1 and said in process.stderr, f"{flags}: expects '{said}', but found {process.stderr}")
            expect(os.listdir(folder) == [], "expects nothing left behind")


def library():
    """model.so is of the processor, says what it needs of it, and is refused here in a sentence."""
    folder, model, _ = sources()
    for cpu, needs in ((None, "neon"), ("neoverse-v1", "neon,lse")):
        out = os.path.join(folder, f"so-{cpu}")
        described = compile_for(model, out, *(["--target-cpu", cpu] if cpu else []))
        expect(machine_of(os.path.join(out, "model.so")) == 183, "expects a library of AArch64 (183)")
        features = json.dumps(described)
        expect(f'"{needs}"' in features and TRIPLE.split("-")[0] in features, f"expects '{needs}' in model.json: {features[:600]}")
    process = harness.call("quoin-run", out, "--prompt-ids", "1")
    expect(process.returncode == 1 and "model.so" in process.stderr, f"expects the library to be refused: {process.stderr}")


def floats(data):
    return array.array("f", data)


def runs():
    """Tokens of a model in f32, of one of whole numbers, and a function's numbers, for each processor."""
    if not all((CXX, AR, QEMU)):
        return "skipped: g++-aarch64-linux-gnu or qemu-user is not installed (scripts/deps.sh)"
    folder, model, function = sources()
    archive = build_runtime(tempfile.mkdtemp(dir=folder))
    inputs, outputs, tensors = os.path.join(folder, "in.safetensors"), os.path.join(folder, "out.safetensors"), []
    for n, (name, heads) in enumerate((("q", 8), ("k", 2), ("v", 2))):
        data = array.array("f", ((i * 7919 + n * 104729) % 2003 / 1001 - 1 for i in range(LENGTH * heads * 64))).tobytes()
        tensors.append((name, "F32", [LENGTH, heads, 64], data))
        with open(os.path.join(folder, name), "wb") as file:
            file.write(data)
    checkpoint.save(inputs, tensors)
    answers = []
    for n, weights in enumerate(("f32", "int8")):
        here = os.path.join(folder, "here-" + weights)
        harness.tool("quoin-compile", model, "-o", here, "--weights", weights)
        answers.append(json.loads(harness.tool("quoin-run", here, "--prompt-ids", ",".join(map(str, PROMPT)), "--max-tokens", "16", "--json"))["ids"])
    harness.tool("quoin-compile", function, "-o", os.path.join(folder, "here-function"))
    harness.tool("quoin-run", os.path.join(folder, "here-function"), "--inputs", inputs, "--outputs", outputs)
    with open(outputs, "rb") as file:
        data = file.read()
    wanted = floats(data[8 + struct.unpack("<Q", data[:8])[0]:])
    for cpu in PROCESSORS:
        place = tempfile.mkdtemp(dir=folder)
        for name in "qkv":
            os.symlink(os.path.join(folder, name), os.path.join(place, name))
        flags = ["--emit", "object", *(["--target-cpu", cpu] if cpu else [])]
        compile_for(model, os.path.join(place, "part0"), *flags, "--weights", "f32", "--symbol", "a_query")
        described = compile_for(model, os.path.join(place, "part1"), *flags, "--weights", "int8", "--symbol", "b_query")
        expect(("i8mm" in json.dumps(described)) == (cpu is not None), "expects i8mm with whole numbers where the CPU has it")
        compile_for(function, os.path.join(place, "part2"), *flags, "--symbol", "c_query")
        with open(os.path.join(place, "parts.h"), "w") as file:
            file.write("".join(f'#include "part{i}/model.h"\n' for i in range(3)) +
                       '#define MODELS(X) X("part0", a_query) X("part1", b_query)\n#define FUNCTIONS(X) X("part2", c_query)\n')
        paths = ["-I", place, "-I", os.path.join(RUNTIME, "include")]
        good([CXX, "-x", "c", "-std=c99", "-c", os.path.join(HOSTS, "linked.c"), *paths, "-o", "linked.o"], place)
        good([CXX, "-std=c++11", "-c", os.path.join(HOSTS, "names.cpp"), *paths, "-o", "names.o"], place)
        good([CXX, "-static", "linked.o", "names.o", *(f"part{i}/model.o" for i in range(3)), archive, "-ldl", "-lpthread", "-o", "host"], place)
        *lines, last = good([QEMU, "-cpu", "max", "./host", LENGTH, *PROMPT], place).splitlines()
        expect(last == "queries 3", f"expects 3 queries, but found: {last}")
        for line, want in zip(lines, answers, strict=True):
            got = list(map(int, line.split()[1:]))
            expect(got == want, f"{cpu}: expects {want}, but found {got}")
        with open(os.path.join(place, "part2.out"), "rb") as file:
            got = floats(file.read())
        far = max(abs(x - y) for x, y in zip(got, wanted, strict=True))
        expect(far < 1e-5, f"{cpu}: expects attention within 1e-5, but found {far}")
    # Code that needs what the processor lacks is not run: the last host's needs lse.
    process = subprocess.run([QEMU, "-cpu", "cortex-a57", "./host", str(LENGTH), "1"], cwd=place, capture_output=True, text=True, timeout=600)
    expect(process.returncode == 1 and "was compiled for the CPU feature 'lse'" in process.stderr, f"expects the feature to be named: {process.stderr}")
    return None


TESTS = [("refused", refused), ("library", library), ("runs", runs)]

if __name__ == "__main__":
    try:
        sources()
        harness.main(TESTS)
    finally:
        shutil.rmtree(sources()[0], ignore_errors=True)
