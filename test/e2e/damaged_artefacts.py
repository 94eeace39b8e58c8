#!/usr/bin/env python3
"""Damaged artefacts and senseless requests: quoin-run gives one clear error and exit status 1 before it does any work."""
import json
import os
import subprocess
import tempfile

import harness
from damage import NO_USER, RUN, Artefact, Folder, artefact, c_compiler, refuse, tokens, unprivileged
from harness import expect

DEEP = "[" * 100000


def run_case(request, *words, flags=()):
    def test():
        with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
            file.write(request if isinstance(request, str) else json.dumps(request))
            file.flush()
            refuse(harness.call("quoin-run", artefact(), "--input", file.name, "--json", *flags), *words)
    return test


def results_to_a_full_device():
    if not os.path.exists("/dev/full"):
        return "skipped: no /dev/full"
    refuse(harness.call("quoin-run", artefact(), *RUN, "--trace", "/dev/full"), "/dev/full")
    with open("/dev/full", "w") as full:
        r = subprocess.run([os.path.join(harness.BIN, "quoin-run"), artefact(), *RUN], stdout=full, stderr=subprocess.PIPE, text=True)
    refuse(r, "output")


# ---- Rights: as root, programs run as a user who has none


def unreadable_artefact():
    for name in ("model.so", "model.qw", "model.json", "tokenizer.json"):
        with Artefact() as a:
            call = unprivileged(a.top, a.out)
            if not call:
                return NO_USER
            os.chmod(os.path.join(a.out, name), 0)
            refuse(call("quoin-run", a.out, *RUN), name)


def unreadable_requests():
    with Artefact() as a:
        path = os.path.join(a.top, "in.jsonl")
        open(path, "w").write('{"ids": [1]}')
        refuse(harness.call("quoin-run", a.out, "--input", a.top), a.top)
        refuse(harness.call("quoin-run", a.out, "--input", path + "x"), path + "x")
        call = unprivileged(a.top, a.out)
        if call:
            os.chmod(path, 0)
            refuse(call("quoin-run", a.out, "--input", path), path)


# ---- The artefact


def artefact_case(name, change, *words):
    def test():
        with Artefact() as a:
            path = os.path.join(a.out, name)
            data = open(path, "rb").read()
            os.unlink(path)
            if change is not None:
                open(path, "wb").write(change(data))
            refuse(harness.call("quoin-run", a.out, *RUN), *words)
    return test


def moved_artefact():
    with Artefact() as a:
        os.rename(a.out, a.out + "2")
        expect(tokens(a.out + "2") == tokens(artefact()), "expects the same tokens after moving")


def missing_feature():
    """The program's own list of features, with one that no CPU has."""
    features = json.load(open(os.path.join(artefact(), "model.json")))["target"]["features"]
    if not features:
        return "skipped: the program needs no feature"
    first = features.split(",")[0].lstrip("+")
    wanted = "z" * len(first)
    def change(data):
        expect(data.count(features.encode()) == 1, "expects the features once in model.so")
        return data.replace(features.encode(), features.replace(first, wanted, 1).encode())
    artefact_case("model.so", change, f"'{wanted}'", "CPU", "--target-cpu")()


def better_cpu():
    """A real one, where this machine is not it, and what QUOIN_CPU takes this one for."""
    with open("/proc/cpuinfo") as info:
        flags = info.read().split()
    if "avx2" not in flags:
        return "skipped: this machine has no level above another"
    under = lambda level, name, *args: harness.call(name, *args, env=dict(os.environ, QUOIN_CPU=level))
    with Folder() as f:
        harness.tool("quoin-compile", f.model, "-o", f.out, "--target-cpu", "x86-64-v3")
        refuse(under("x86-64-v2", "quoin-run", f.out, *RUN), "'avx2'", "QUOIN_CPU=x86-64-v2 leaves out")
        refuse(under("pentium", "quoin-run", f.out, *RUN), "expects QUOIN_CPU to be x86-64,", "found 'pentium'")
        refuse(under("pentium", "quoin-compile", f.model, "-o", f.out + "2"), "expects QUOIN_CPU to be x86-64,", "found 'pentium'")
        expect(not os.path.exists(f.out + "2"), "expects nothing left behind")
        expect(under("x86-64-v3", "quoin-run", f.out, *RUN).returncode == 0, "expects a program of the level itself to run")
        if "avx512f" not in flags:
            for tool in (("quoin-run", f.out, *RUN), ("quoin-compile", f.model, "-o", f.out + "2")):
                refuse(under("x86-64-v4", *tool), "a level of this machine", "'x86-64-v4' needs 'avx512")
    with Folder() as f:
        r = under("x86-64-v2", "quoin-compile", f.model, "-o", f.out)
        expect(r.returncode == 0, r.stderr)
        with open(os.path.join(f.out, "model.json")) as meta:
            features = json.load(meta)["target"]["features"]
        expect("avx" not in features, f"expects a program of x86-64-v2, but found features {features}")
        expect(under("x86-64-v2", "quoin-run", f.out, *RUN).returncode == 0, "expects it to run")
    with Folder() as f:
        harness.tool("quoin-compile", f.model, "-o", f.out, "--target-cpu", "sapphirerapids")
        refuse(under("x86-64-v3", "quoin-run", f.out, *RUN), "avx512")


PROGRAM = """
#include "quoin/program.h"
__attribute__((visibility("default"))) const quoin_program_t *quoin_program_query(uint32_t newest) {
  static quoin_program_t program;
  program.abi_version = %s;
  program.struct_size = %s;
  return %s;
}
"""


def foreign_program(version, size, result, *words):
    """A program of another version of this project."""
    def test():
        compiler = c_compiler()
        if not compiler:
            return "skipped: no C compiler"
        with Artefact() as a:
            source = os.path.join(a.top, "program.c")
            open(source, "w").write(PROGRAM % (version, size, result))
            subprocess.run([compiler, "-shared", "-fPIC", "-w", "-I", os.path.join(harness.ROOT, "runtime", "include"), source,
                            "-o", os.path.join(a.out, "model.so")], check=True)
            refuse(harness.call("quoin-run", a.out, *RUN), *words)
    return test


def misuse():
    refuse(harness.call("quoin-run"), status=2)
    refuse(harness.call("quoin-compile", "--no-such-flag"), status=2)
    for flags in (["--prompt-ids", "1,x"], ["--prompt-ids", "1", "--set", "x"], ["--prompt-ids", "1", "--threads", "0"]):
        refuse(harness.call("quoin-run", artefact(), *flags), status=2)


TESTS = [
    ("unreadable-artefact", unreadable_artefact),
    ("unreadable-requests", unreadable_requests),
    ("full-device", results_to_a_full_device),
    ("request-id-out-of-range", run_case(dict(ids=[1, 270]), "270")),
    ("request-id-negative", run_case(dict(ids=[-1]), "-1")),
    ("request-prompt-past-capacity", run_case(dict(ids=[1] * 65), "64", "65")),
    ("request-empty-prompt", run_case(dict(ids=[]), "prompt")),
    ("request-not-json", run_case('{"ids": [1, 2', "line 1")),
    ("request-unknown-setting", run_case(dict(ids=[1], settings=dict(nonsense=1)), "nonsense")),
    ("request-compile-time-setting", run_case(dict(ids=[1], settings=dict(steps=2)), "steps")),
    ("request-unknown-decoder", run_case(dict(ids=[1], decoder="nope"), "nope")),
    ("request-nested-deep", run_case('{"settings": ' + DEEP + "]" * 100000 + "}", "line 1", "64")),
    ("request-nested-open", run_case('{"ids": [1], "max_tokens": 4}\n' + DEEP, "line 2")),
    ("request-half-a-surrogate", run_case('{"prompt": "\\ud800"}', "line 1")),
    ("request-max-tokens-zero", run_case(dict(ids=[1], max_tokens=0), "max_tokens")),
    ("request-max-tokens-huge", run_case(dict(ids=[1], max_tokens=1 << 62), "max_tokens")),
    ("request-max-tokens-past-capacity", run_case(dict(ids=[1], max_tokens=64), "64")),
    ("request-setting-infinite", run_case('{"ids": [1], "settings": {"threshold": 1e999}}', "line 1")),
    ("request-setting-text", run_case(dict(ids=[1], settings=dict(threshold="high")), "threshold", "high")),
    ("request-two-prompts", run_case(dict(ids=[1], prompt="x"), "line 1")),
    ("request-unknown-field", run_case(dict(ids=[1], maxtokens=1), "maxtokens")),
    ("artefact-missing-feature", missing_feature),
    ("artefact-better-cpu", better_cpu),
    ("artefact-abi-newer", foreign_program("QUOIN_ABI_VERSION + 1", "sizeof(program)", "newest < program.abi_version ? 0 : &program", "ABI version", "model.so")),
    ("artefact-abi-other", foreign_program("77", "sizeof(program)", "&program", "ABI version 77", "compile the model again")),
    ("artefact-abi-size", foreign_program("QUOIN_ABI_VERSION", "8", "&program", "8 bytes")),
    ("artefact-no-model", foreign_program("QUOIN_ABI_VERSION", "sizeof(program)", "&program", "model")),
    ("artefact-other-library", artefact_case("model.so", lambda d: open(os.path.join(harness.BIN, "quoin-run"), "rb").read(), "model.so")),
    ("artefact-no-weights", artefact_case("model.qw", None, "model.qw")),
    ("artefact-broken-tokenizer", artefact_case("tokenizer.json", lambda d: DEEP.encode(), "tokenizer.json")),
    ("artefact-no-program", artefact_case("model.so", None, "model.so")),
    ("artefact-broken-program", artefact_case("model.so", lambda d: d[:1000], "model.so")),
    ("artefact-short-weights", artefact_case("model.qw", lambda d: d[:-64], "model.qw")),
    ("artefact-foreign-weights", artefact_case("model.qw", lambda d: d[:-8] + b"\0" * 8, "model.qw")),
    ("artefact-moves", moved_artefact),
    ("misuse", misuse),
]

if __name__ == "__main__":
    harness.main(TESTS)
