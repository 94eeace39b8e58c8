#!/usr/bin/env python3
"""Reports that users of neighbouring systems filed, reduced and tried here: docs/Robustness.md lists them with their sources."""
import atexit
import functools
import json
import os
import shutil
import subprocess
import tempfile

import harness
import checkpoint
from damage import refuse
from harness import call, expect, tool

HOST = os.path.join(os.path.dirname(os.path.realpath(__file__)), "hosts", "surroundings.c")
BUILD = os.path.dirname(os.path.realpath(harness.BIN))
CC = os.environ.get("CC") or shutil.which("cc") or "clang-22"
CXX = os.environ.get("CXX") or shutil.which("c++") or "clang++-22"
SHAPE = checkpoint.Shape(capacity=256, heads=2, kv_heads=1, head_dim=128, hidden=96)
IDS = ("--prompt-ids", "5,6,7,8,9,10", "--max-tokens", "12", "--json")


@functools.cache
def top():
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def path(*names):
    return os.path.join(top(), *names)


@functools.cache
def source():
    return checkpoint.write(path("source"), SHAPE)


@functools.cache
def program():
    tool("quoin-compile", source(), "-o", path("program"))
    return path("program")


def weights():
    return checkpoint.load(os.path.join(source(), "model.safetensors"))


def ids(folder, *flags):
    return json.loads(tool("quoin-run", folder, *IDS, *flags))["ids"]


def contents(folder):
    return {name: open(os.path.join(folder, name), "rb").read() for name in os.listdir(folder)}


def shards(folder, stale):
    """The checkpoint in two shards with an index; with `stale`, the second also holds another version of a tensor that the index
    places in the first."""
    shutil.copytree(source(), folder, ignore=shutil.ignore_patterns("*.safetensors"))
    entries = weights()
    half = len(entries) // 2
    files = {"model-00001-of-00002.safetensors": entries[:half], "model-00002-of-00002.safetensors": entries[half:]}
    weight_map = {entry[0]: name for name, part in files.items() for entry in part}
    if stale:
        name, dtype, shape, data = entries[0]
        files["model-00002-of-00002.safetensors"] = entries[half:] + [(name, dtype, shape, data[::-1])]
    for name, part in files.items():
        checkpoint.save(os.path.join(folder, name), part)
    with open(os.path.join(folder, "model.safetensors.index.json"), "w") as f:
        json.dump(dict(metadata=dict(total_size=0), weight_map=weight_map), f)
    return folder


def hub_cache():
    """A snapshot of a hub's cache is a folder of links to blobs elsewhere."""
    snapshot, blobs = path("hub", "snapshots", "main"), path("hub", "blobs")
    os.makedirs(snapshot)
    os.makedirs(blobs)
    folder = shards(path("sharded-for-hub"), stale=False)
    for number, name in enumerate(sorted(os.listdir(folder))):
        shutil.copy(os.path.join(folder, name), os.path.join(blobs, f"{number:08x}"))
        os.symlink(f"../../blobs/{number:08x}", os.path.join(snapshot, name))
    tool("quoin-compile", snapshot, "-o", path("from-hub"))
    shutil.rmtree(path("hub"))
    expect(not any(os.path.islink(path("from-hub", name)) for name in os.listdir(path("from-hub"))), "expects an artefact without links")
    expect(ids(path("from-hub")) == ids(program()), "expects the tokens of the plain folder")


def overlay():
    """An index names the shard of each tensor; what else lies in a shard under the same name is of no account."""
    tool("quoin-compile", shards(path("stale"), stale=True), "-o", path("from-stale"))
    expect(ids(path("from-stale")) == ids(program()), "expects the tensors that the index names")


def missing_shard():
    folder = shards(path("torn"), stale=False)
    os.unlink(os.path.join(folder, "model-00002-of-00002.safetensors"))
    refuse(call("quoin-compile", folder, "-o", path("from-torn")), "model-00002-of-00002.safetensors")


def removed_twin():
    """A writer may leave out a head that equals the embedding; where the config does not say so, the head is missing."""
    folder = path("no-head")
    shutil.copytree(source(), folder)
    checkpoint.save(os.path.join(folder, "model.safetensors"), [e for e in weights() if e[0] != "lm_head.weight"])
    refuse(call("quoin-compile", folder, "-o", path("from-no-head")), "lm_head.weight")


def numbers():
    """A number out of range is an error, never the nearest that fits: two seeds must not give one stream."""
    for flag, value in (("--seed", 2**64), ("--seed", -1), ("--seed", "1e3"), ("--seed", "0x10"), ("--max-tokens", 10**20),
                        ("--max-tokens", 2**63), ("--top-k", 10**25), ("--stop", f"5,{2**32 + 5}"),
                        ("--prompt-ids", f"1,{2**32 + 7}")):
        process = call("quoin-run", program(), *IDS[2:], *(() if flag == "--prompt-ids" else IDS[:2]), f"{flag}={value}")
        expect(process.returncode in (1, 2) and "error" in process.stderr and str(value).split(",")[-1] in process.stderr,
               f"{flag}={value}: expects an error that quotes it, but found {process.returncode}: {process.stderr[:200]}")
        expect(not process.stdout, f"{flag}={value}: expects no answer")
    expect(ids(program(), "--seed", str(2**64 - 1)) == ids(program(), "--seed", "0"), "expects greedy tokens whatever the seed")


def half_characters():
    """A token may hold a part of a character; text is UTF-8 all the same, and JSON can be read."""
    process = subprocess.run([os.path.join(harness.BIN, "quoin-run"), program(), "--prompt-ids", "1,2", "--max-tokens", "60", "--json",
                              "--stop", "", "--temperature", "1.5"], capture_output=True, timeout=600)
    expect(process.returncode == 0, process.stderr.decode(errors="replace"))
    json.loads(process.stdout.decode("utf-8"))


def lines():
    """Requests that were written elsewhere: carriage returns, empty lines, a byte order mark."""
    requests = path("requests.jsonl")
    plain = b'{"ids": [5, 6]}\n{"ids": [7]}\n'

    def answered(data):
        with open(requests, "wb") as f:
            f.write(data)
        out = tool("quoin-run", program(), "--input", requests, "--json", "--max-tokens", "8")
        return [json.loads(line)["ids"] for line in out.splitlines()]

    expected = answered(plain)
    expect(len(expected) == 2, "expects two answers")
    for data in (plain.replace(b"\n", b"\r\n"), b"\xef\xbb\xbf" + plain, plain.replace(b"\n", b"\n\n"), plain.rstrip()):
        expect(answered(data) == expected, f"expects the same answers from {data!r}")


def reproducible():
    """The same input gives the same bytes, whatever the folder, the place and the environment."""
    moved = path("elsewhere", "a name with spaces and 'quotes'")
    shutil.copytree(source(), moved)
    out = path("out ü", "deep", "er")
    process = subprocess.run(harness.command("quoin-compile", moved, "-o", out), capture_output=True, text=True, timeout=600,
                             env={name: value for name, value in os.environ.items() if name == "QUOIN_CPU"} | {"TMPDIR": "/nowhere"})
    expect(process.returncode == 0, process.stderr)
    different = [name for name, data in contents(program()).items() if contents(out).get(name) != data]
    expect(not different, f"expects equal files, but found {different}")


def at_once():
    """Several compilations into one folder: one of them stays, whole, and nothing lies about."""
    out = path("shared-target", "out")
    running = [subprocess.Popen(harness.command("quoin-compile", source(), "-o", out), stdout=subprocess.DEVNULL,
                                stderr=subprocess.PIPE, text=True) for _ in range(4)]
    ends = [(process.communicate(timeout=600)[1], process.returncode) for process in running]
    for text, status in ends:
        expect(status in (0, 1) and (status == 0 or "error" in text), f"expects a whole artefact or an error, but found {status}: {text}")
    expect(any(status == 0 for _, status in ends) and ids(out) == ids(program()), "expects one whole artefact")
    expect(os.listdir(path("shared-target")) == ["out"], f"expects nothing else, but found {os.listdir(path('shared-target'))}")


def surroundings():
    """A host's rounding, subnormals, traps and locale change no bit, come back as they were, and a small stack is enough."""
    host = path("surroundings")
    for command in ([CC, "-std=gnu99", "-Wall", "-Wextra", "-Werror", "-O1", "-c", HOST, "-I", os.path.join(harness.ROOT, "runtime",
                     "include"), "-o", host + ".o"],
                    [CXX, host + ".o", os.path.join(BUILD, "lib", "libquoin.a"), "-lutf8proc", "-ldl", "-lpthread", "-lm", "-o", host]):
        process = subprocess.run(command, capture_output=True, text=True, timeout=600)
        expect(process.returncode == 0, f"expects {command[0]} to succeed: {process.stderr[-400:]}")
    for workers in ("1", "2"):
        process = subprocess.run([host, program(), workers], capture_output=True, text=True, timeout=600)
        expect(process.returncode == 0, f"{workers} workers: exit {process.returncode} after {process.stdout[-200:]!r}")
        found = dict(line.split(": ") for line in process.stdout.splitlines())
        for what, answer in found.items():
            expect(answer == found["plain"], f"{workers} workers, {what}: expects {found['plain'][:60]}, but found {answer[:60]}")
        expect(len(found) >= 5, f"expects an answer for each, but found {list(found)}")


def escaped_trace():
    """Text of a model in a page for people is text, not markup."""
    folder = path("markup")
    shutil.copytree(source(), folder)
    name = os.path.join(folder, "tokenizer.json")
    with open(name) as f:
        tokenizer = json.load(f)
    vocabulary = tokenizer["model"]["vocab"]
    for token in [t for t in vocabulary if t.startswith("<unreachable")]:
        vocabulary[f"</script><b>{vocabulary.pop(token)}"] = len(vocabulary)
    tokenizer["model"]["vocab"] = {token: number for number, token in enumerate(vocabulary)}
    with open(name, "w") as f:
        json.dump(tokenizer, f)
    tool("quoin-compile", folder, "-o", path("from-markup"))
    page = path("trace.html")
    tool("quoin-run", path("from-markup"), "--prompt-ids", "257,258,259", "--max-tokens", "8", "--trace", page)
    with open(page) as f:
        expect("</script><b>" not in f.read(), "expects markup of tokens to be escaped")


program()  # all tests read it, several at a time
harness.main([("hub-cache", hub_cache), ("overlay", overlay), ("missing-shard", missing_shard), ("removed-twin", removed_twin),
              ("numbers", numbers), ("half-characters", half_characters), ("lines", lines), ("reproducible", reproducible),
              ("at-once", at_once), ("surroundings", surroundings), ("escaped-trace", escaped_trace)])
