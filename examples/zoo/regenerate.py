#!/usr/bin/env python3
"""Writes every decoder's program over a tiny model into this folder, as quoin-import emits it; --check only compares.

    regenerate.py [--check] [--tool build/release/bin/quoin-import]

The model is there so that each file parses and verifies alone; its weights are references to a folder `checkpoint`.
"""
import argparse
import difflib
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.realpath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "test", "lib"))
import checkpoint  # noqa: E402

# Decoder, the family of its model, settings.
PROGRAMS = [
    ("sdar-dynamic", "sdar", []),
    ("sdar-static", "sdar", []),
    ("sdar-sequential", "sdar", []),
    ("autoregressive", "qwen3", []),
    ("fast-dllm-v2", "fast-dllm-v2", ["block=32"]),
    ("fast-dllm-v2-sub-block-cache", "fast-dllm-v2", ["block=32"]),
    ("wedlm", "wedlm", []),
    ("wedlm-blocks", "wedlm", []),
    ("sdlm", "sdlm", []),
    ("sdlm-entropy", "sdlm", []),
    ("sdlm-self", "sdlm", []),
    ("llada", "llada", []),
    ("llada2", "sdar", ["block=32"]),
    ("llada2.0", "sdar", ["block=32"]),
    ("s2d2", "sdar", ["block=8"]),
    ("bd3lm", "sdar", []),
    ("nbdiff", "sdar", ["block=32"]),
    ("d2f", "sdar", ["block=32"]),
    ("adablock", "llada", []),
    ("blockgen", "sdar", []),
    ("blockgen-uniform", "sdar", []),
    ("cntp", "qwen3", []),
    ("ctrldiff", "sdar", []),
    ("efficient-dlm", "sdar", ["block=32"]),
    ("forced-aligner", "qwen3", []),
    ("gidd", "llada", []),
    ("guided-diffusion", "llada", []),
    ("hex", "llada", []),
    ("ilm", "llada", []),
    ("knows-the-future", "sdar", []),
    ("set-prompting", "qwen3", []),
    ("softmol", "sdar", []),
    ("stamp", "sdar", []),
    ("tccf", "sdar", ["block=16"]),
    ("tdar", "sdar", []),
    ("tree", "sdar", []),
    ("dream", "qwen3", ["steps=8"]),
    ("rnd1", "sdar", ["steps=8"]),
    ("nemotron-diffusion", "sdar", ["block=32"]),
    ("nemotron-linear-spec", "sdar", ["block=32"]),
    ("gemma-canvas", "diffusion_gemma", []),
    ("clover", "clover", []),
    ("hidden-transfer", "hidden-transfer", []),
    ("joint-sampling", "joint-sampling", []),
    ("knows-the-future-sampler", "knows-the-future", []),
]


def emit(tool, decoder, family, settings, folder):
    shape = checkpoint.Shape(family=family, layers=2, hidden=32, heads=2, kv_heads=1, head_dim=16, mlp=64)
    checkpoint.write(folder, shape)
    flags = [f for s in settings for f in ("--set", s)]
    r = subprocess.run([tool, folder, "-o", "-", "--decoder", decoder, "--source", "checkpoint", *flags], capture_output=True, text=True)
    if r.returncode:
        sys.exit(f"{decoder}: {r.stderr.strip()}")
    return r.stdout


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--check", action="store_true")
    a.add_argument("--tool", default=os.path.join(ROOT, "build", "release", "bin", "quoin-import"))
    a = a.parse_args()
    stale = 0
    for decoder, family, settings in PROGRAMS:
        with tempfile.TemporaryDirectory() as t:
            text = emit(a.tool, decoder, family, settings, t)
        path = os.path.join(HERE, decoder + ".mlir")
        if not a.check:
            with open(path, "w") as f:
                f.write(text)
            continue
        old = open(path).read() if os.path.exists(path) else ""
        if old != text:
            stale += 1
            sys.stdout.writelines(difflib.unified_diff(old.splitlines(True), text.splitlines(True), path, "as emitted"))
    if stale:
        sys.exit(f"{stale} of {len(PROGRAMS)} programs are not as quoin-import emits them: run {os.path.relpath(__file__)}")
    print(f"{len(PROGRAMS)} programs {'are as emitted' if a.check else 'written'}")


main()
