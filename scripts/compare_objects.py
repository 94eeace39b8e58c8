#!/usr/bin/env python3
"""Compiles models with two builds and says where machine code, packed weights or what is said of them differ.

    compare_objects.py OLD_BIN NEW_BIN [MODEL...]

For changes that must not change what is computed: keep the folder of binaries of before, build, compare. A model is a
checkpoint's folder or a program. Without one, the demo model, random checkpoints of every family and stored type, and the
programs of examples/zoo are compiled. Each model is compiled for CPUs with and without wide vectors and products of bf16 pairs,
with weights as they are and others, with all passes and without. Where a build refuses a model, the messages are compared.
What passes counted is not compared: passes come and go. Prints what differs; the last line is `N equal, N different`, and the exit status is 1 if anything is.
"""
import argparse
import concurrent.futures
import json
import os
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "test", "lib"))
import checkpoint  # noqa: E402

# CPU, type of the weights, level.
VARIANTS = [("x86-64-v3", "keep", "-O2"), ("x86-64-v3", "f32", "-O0"), ("x86-64-v4", "bf16", "-O2"),
            ("znver5", "bf16", "-O2"), ("znver5", "keep", "-O0")]


def default_models(folder):
    """The demo, the families, and the zoo with the checkpoints that its programs name."""
    yield os.path.join(ROOT, "examples", "demo", "model")
    for family in ("qwen2", "qwen3", "sdar", "fast-dllm-v2", "sdlm", "wedlm", "llada"):
        for dtype in ("F32", "BF16", "F16"):
            heads = dict(kv_heads=4) if family == "llada" else {}
            shape = checkpoint.Shape(family=family, dtype=dtype, tied=dtype == "F16" and family == "qwen3", **heads)
            yield checkpoint.write(os.path.join(folder, f"{family}-{dtype}"), shape)
    zoo = os.path.join(ROOT, "examples", "zoo")
    for name in sorted(os.listdir(zoo)):
        if not name.endswith(".mlir"):
            continue
        text = open(os.path.join(zoo, name)).read()
        family = text.split('quoin.architecture = "')[1].split('"')[0]
        place = os.path.join(folder, "zoo-" + family)
        # The shape that regenerate.py gives them.
        shape = checkpoint.Shape(family=family, layers=2, hidden=32, heads=2, kv_heads=1, head_dim=16, mlp=64)
        checkpoint.write(os.path.join(place, "checkpoint"), shape)
        with open(os.path.join(place, name), "w") as f:
            f.write(text)
        yield os.path.join(place, name)


def emitted(binaries, model, variant, folder):
    """What a build makes of a model: bytes by file, or what it says."""
    cpu, weights, level = variant
    out = os.path.join(folder, "out")
    r = subprocess.run([os.path.join(binaries, "quoin-compile"), model, "-o", out, "--emit", "object", "--quiet", level,
                        "--weights", weights, "--target-cpu", cpu], capture_output=True, text=True)
    if r.returncode:
        return {"message": (r.stderr.replace(out, "OUT") or f"exit status {r.returncode}").strip()}
    files = {}
    for name in ("model.o", "model.qw", "model.h", "model.json"):
        with open(os.path.join(out, name), "rb") as f:
            files[name] = f.read()
    said = json.loads(files["model.json"])
    said.pop("passes")
    files["model.json"] = json.dumps(said)
    return files


def compare(old, new, model, variant):
    """What differs, or nothing."""
    with tempfile.TemporaryDirectory() as a, tempfile.TemporaryDirectory() as b:
        before, after = emitted(old, model, variant, a), emitted(new, model, variant, b)
    names = sorted(set(before) | set(after))
    different = [n for n in names if before.get(n) != after.get(n)]
    messages = "; ".join(f"{who}: {r['message']}" for who, r in (("old", before), ("new", after)) if "message" in r)
    return f"{', '.join(different)} {messages}".strip() if different else ""


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("old")
    a.add_argument("new")
    a.add_argument("model", nargs="*")
    a = a.parse_args()
    equal = different = 0
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        models = a.model or list(default_models(folder))
        work = [(m, v) for m in models for v in VARIANTS]
        for (model, variant), what in zip(work, pool.map(lambda w: compare(a.old, a.new, *w), work)):
            equal += not what
            different += bool(what)
            if what:
                print(f"{os.path.relpath(model, folder) if model.startswith(folder) else model} {' '.join(variant)}: {what}", flush=True)
    print(f"{equal} equal, {different} different")
    return 1 if different else 0


sys.exit(main())
