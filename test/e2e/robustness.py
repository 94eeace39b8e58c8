#!/usr/bin/env python3
"""Damaged and lying input: every tool gives one clear error, exit status 1, and leaves nothing half-written."""
import atexit
import functools
import json
import os
import pwd
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import time

import harness
from checkpoint import Shape, save, write
from harness import expect

SHAPE = Shape(family="sdar", layers=1, hidden=32, heads=2, kv_heads=1, head_dim=16, mlp=40, vocabulary=270, capacity=64)


class Folder:
    """A small good checkpoint in a folder of its own, to be damaged."""

    def __enter__(self):
        self.top = tempfile.mkdtemp()
        self.model = write(os.path.join(self.top, "hf"), SHAPE)
        self.out = os.path.join(self.top, "out")
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.top, ignore_errors=True)

    def file(self, name):
        return os.path.join(self.model, name)


def refuse(process, *words, status=1):
    """The tool diagnosed it: one error that holds these words, and no stack trace."""
    lines = [l for l in process.stderr.splitlines() if "error:" in l]
    expect(process.returncode == status, f"expects exit {status}, but found {process.returncode}: {process.stderr[-300:]}")
    expect(len(lines) == 1, f"expects one error, but found {len(lines)}: {process.stderr[-300:]}")
    for word in words:
        expect(word in process.stderr, f"expects '{word}' in the error, but found: {lines[0]}")
    expect("Stack dump" not in process.stderr and "PLEASE submit" not in process.stderr, "expects no stack trace")


def refuse_compile(folder, *words, flags=(), call=harness.call):
    before = set(os.listdir(folder.top))
    refuse(call("quoin-compile", folder.model, "-o", folder.out, *flags), *words)
    expect(set(os.listdir(folder.top)) == before, f"expects nothing left behind, but found {set(os.listdir(folder.top)) - before}")


def config_case(change, *words):
    def test():
        with Folder() as f:
            c = json.load(open(f.file("config.json")))
            change(c)
            json.dump(c, open(f.file("config.json"), "w"))
            refuse_compile(f, *words)
    return test


def bytes_case(name, change, *words):
    def test():
        with Folder() as f:
            data = open(f.file(name), "rb").read()
            open(f.file(name), "wb").write(change(data))
            refuse_compile(f, *words)
    return test


def header_case(change, *words):
    """Changes the header of model.safetensors."""
    def damage(data):
        n = struct.unpack("<Q", data[:8])[0]
        header = json.loads(data[8:8 + n])
        change(header)
        text = json.dumps(header).encode()
        text += b" " * (-len(text) % 8)
        return struct.pack("<Q", len(text)) + text + data[8 + n:]
    return bytes_case("model.safetensors", damage, *words)


def remove_case(name, *words):
    def test():
        with Folder() as f:
            os.unlink(f.file(name))
            refuse_compile(f, *words)
    return test


EMBED = "model.embed_tokens.weight"


def nan_weights():
    with Folder() as f:
        data = bytearray(open(f.file("model.safetensors"), "rb").read())
        data[-4:] = struct.pack("<f", float("nan"))
        open(f.file("model.safetensors"), "wb").write(data)
        refuse_compile(f, "NaN")


def raw_config_case(text, *words):
    def test():
        with Folder() as f:
            open(f.file("config.json"), "w").write(text)
            refuse_compile(f, *words)
    return test


def generation_case(value, *words):
    def test():
        with Folder() as f:
            open(f.file("generation_config.json"), "w").write(value if isinstance(value, str) else json.dumps(value))
            refuse_compile(f, *words)
    return test


once = threading.Lock()


def artefact():
    """One compiled artefact for all cases that only run it."""
    with once:
        return made_artefact()


@functools.cache
def made_artefact():
    top = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, top, ignore_errors=True)
    model, out = write(os.path.join(top, "hf"), SHAPE), os.path.join(top, "out")
    harness.tool("quoin-compile", model, "-o", out)
    return out


class Artefact:
    """A copy of it in a folder of its own, to be damaged."""

    def __enter__(self):
        self.top = tempfile.mkdtemp()
        self.out = shutil.copytree(artefact(), os.path.join(self.top, "out"))
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.top, ignore_errors=True)


RUN = ("--prompt-ids", "1,2,3", "--max-tokens", "8", "--json")


def tokens(out):
    """What the artefact generates, to see whether it is whole."""
    return json.loads(harness.tool("quoin-run", out, *RUN))["ids"]


def c_compiler():
    """To build programs that no compiler of ours would write."""
    return shutil.which("cc") or shutil.which("clang-22")


def after(code):
    """A `harness.call` whose programs run after this Python code, in their own process."""
    def call(name, *args):
        return subprocess.run([sys.executable, "-c", code + "; import os, sys; os.execv(sys.argv[1], sys.argv[1:])",
                               os.path.join(harness.BIN, name), *map(str, args)], capture_output=True, text=True, timeout=600)
    return call


# ---- The output folder


def target_is_someone_elses():
    with Folder() as f:
        os.mkdir(f.out)
        open(os.path.join(f.out, "precious"), "w").write("x")
        refuse_compile(f, f.out)
        expect(os.listdir(f.out) == ["precious"], "expects the folder to be left alone")


def target_is_a_file():
    with Folder() as f:
        open(f.out, "w").write("x")
        refuse_compile(f, f.out)
        expect(open(f.out).read() == "x", "expects the file to be left alone")


def target_is_the_input():
    with Folder() as f:
        before = sorted(os.listdir(f.model))
        for same in (f.model, os.path.join(f.model, "."), os.path.join(f.top, "hf", "..", "hf")):
            refuse(harness.call("quoin-compile", f.model, "-o", same), f.model)
        # What looks like an earlier artefact is still not replaced while the checkpoint lies in it.
        open(os.path.join(f.top, "model.json"), "w").write("{}")
        refuse(harness.call("quoin-compile", f.model, "-o", f.top), f.model)
        expect(sorted(os.listdir(f.model)) == before, "expects the checkpoint to be left alone")


def target_below_a_file():
    with Folder() as f:
        refuse(harness.call("quoin-compile", f.model, "-o", f.file("config.json/out")), "config.json/out")


def target_below_a_missing_folder():
    """The folders on the way are made."""
    with Folder() as f:
        out = os.path.join(f.top, "not", "there", "out")
        harness.tool("quoin-compile", f.model, "-o", out)
        expect(tokens(out) == tokens(artefact()), "expects the same artefact")


def full_disk():
    """No file may grow past a limit: whichever file meets it, nothing is left and an earlier artefact stays."""
    sizes = sorted(os.path.getsize(os.path.join(artefact(), n)) for n in os.listdir(artefact()))

    def limited(most):
        # The signal is ignored: writes fail instead.
        return after(f"import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
                     f"resource.setrlimit(resource.RLIMIT_FSIZE, ({most}, {most}))")

    with Folder() as f:
        limits = [0] + [size - 1 for size in sizes]
        for limit in limits:
            refuse_compile(f, f.out, call=limited(limit))
        shutil.copytree(artefact(), f.out)
        refuse_compile(f, f.out, call=limited(limits[-1]))
        expect(tokens(f.out) == tokens(artefact()), "expects the earlier artefact to be whole")
    return f"{len(limits)} limits"


def killed():
    """A kill at any moment: the target is absent, or the earlier artefact, or complete; and the next run succeeds."""
    want, met = tokens(artefact()), set()
    with Folder() as f:
        command = [os.path.join(harness.BIN, "quoin-compile"), f.model, "-o", f.out]
        begun = time.monotonic()
        subprocess.run(command, capture_output=True, check=True)
        whole = time.monotonic() - begun
        for earlier in (False, True):
            for part in (0.2, 0.6, 0.85, 0.97):
                shutil.rmtree(f.out, ignore_errors=True)
                if earlier:
                    shutil.copytree(artefact(), f.out)
                process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                time.sleep(whole * part)
                process.kill()
                process.wait()
                there = os.path.exists(f.out)
                expect(there or not earlier, f"expects the earlier artefact after a kill at {part:.0%}")
                expect(not there or tokens(f.out) == want, f"expects a whole artefact after a kill at {part:.0%}")
                met.add(there)
        harness.tool("quoin-compile", f.model, "-o", f.out)
        expect(tokens(f.out) == want, "expects a later run to succeed")
    expect(False in met, "expects a kill before the end")


def results_to_a_full_device():
    if not os.path.exists("/dev/full"):
        return "skipped: no /dev/full"
    refuse(harness.call("quoin-run", artefact(), *RUN, "--trace", "/dev/full"), "/dev/full")
    with open("/dev/full", "w") as full:
        r = subprocess.run([os.path.join(harness.BIN, "quoin-run"), artefact(), *RUN], stdout=full, stderr=subprocess.PIPE, text=True)
    refuse(r, "output")


# ---- Rights: as root, programs run as a user who has none


def unprivileged(*opened):
    """A `harness.call` under which the system's rights hold, or None. `opened` is opened to its user."""
    if os.geteuid() != 0:
        return harness.call
    try:
        nobody = pwd.getpwnam("nobody").pw_uid
    except KeyError:
        return None
    for path in opened:
        os.chmod(path, 0o777)
    call = after(f"import os; os.setuid({nobody})")
    return call if call("quoin-run", "--help").returncode == 0 else None


NO_USER = "skipped: no user without rights who can reach the programs"


def unreadable(*names):
    def test():
        for name in names:
            with Folder() as f:
                call = unprivileged(f.top, f.model)
                if not call:
                    return NO_USER
                os.chmod(f.file(name), 0)
                refuse(call("quoin-compile", f.model, "-o", f.out), name)
                expect(os.listdir(f.top) == ["hf"], "expects nothing left behind")
    return test


def unreadable_artefact():
    for name in ("model.so", "model.qw", "model.json", "tokenizer.json"):
        with Artefact() as a:
            call = unprivileged(a.top, a.out)
            if not call:
                return NO_USER
            os.chmod(os.path.join(a.out, name), 0)
            refuse(call("quoin-run", a.out, *RUN), name)


def read_only_parent():
    with Folder() as f:
        call = unprivileged(f.top, f.model)
        if not call:
            return NO_USER
        os.chmod(f.top, 0o555)
        refuse(call("quoin-compile", f.model, "-o", f.out), f.out)
        os.chmod(f.top, 0o755)
        expect(os.listdir(f.top) == ["hf"], "expects nothing left behind")


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


# ---- Folders and links


def link_loop(name):
    def test():
        with Folder() as f:
            os.unlink(f.file(name))
            os.symlink(name, f.file(name))
            refuse_compile(f, name)
    return test


def folder_as_file(name):
    def test():
        with Folder() as f:
            os.unlink(f.file(name))
            os.mkdir(f.file(name))
            refuse_compile(f, name)
    return test


def input_that_is_none():
    with Folder() as f:
        empty, loop = os.path.join(f.top, "empty"), os.path.join(f.top, "loop")
        os.mkdir(empty)
        os.symlink("loop", loop)
        for path in (empty, loop, os.path.join(f.top, "missing"), f.file("config.json"), f.file("model.safetensors"), "/dev/null"):
            refuse(harness.call("quoin-compile", path, "-o", f.out), os.path.basename(path))
            expect(not os.path.exists(f.out), "expects no artefact")
        for path in (empty, loop, f.model):
            refuse(harness.call("quoin-run", path, *RUN), "model.so")
            refuse(harness.call("quoin-run", path, "--describe", "--prompt", "x"), "model.json")


def link_to_checkpoint():
    """Links that lead somewhere are followed."""
    with Folder() as f:
        link = os.path.join(f.top, "link")
        os.symlink("hf", link)
        os.rename(f.file("model.safetensors"), os.path.join(f.top, "weights"))
        os.symlink("../weights", f.file("model.safetensors"))
        harness.tool("quoin-compile", link, "-o", f.out)
        expect(tokens(f.out) == tokens(artefact()), "expects the same artefact")


# ---- Shards


def sharded(folder, change=lambda index, entries: None):
    """The checkpoint in two files and an index."""
    data = open(folder.file("model.safetensors"), "rb").read()
    n = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + n])
    entries = [[], []]
    for i, (name, e) in enumerate(header.items()):
        lo, hi = e["data_offsets"]
        entries[i % 2].append((name, e["dtype"], e["shape"], data[8 + n + lo:8 + n + hi]))
    names = ["model-1.safetensors", "model-2.safetensors"]
    index = dict(metadata=dict(total_size=len(data) - 8 - n),
                 weight_map={e[0]: names[i] for i in range(2) for e in entries[i]})
    change(index["weight_map"], entries)
    os.unlink(folder.file("model.safetensors"))
    for name, listed in zip(names, entries):
        if listed:
            save(folder.file(name), listed)
    json.dump(index, open(folder.file("model.safetensors.index.json"), "w"))


def shard_case(change, *words):
    def test():
        with Folder() as f:
            sharded(f, change)
            refuse_compile(f, *words)
    return test


def shards_are_one_model():
    with Folder() as f:
        sharded(f)
        harness.tool("quoin-compile", f.model, "-o", f.out)
        expect(tokens(f.out) == tokens(artefact()), "expects the artefact of the one file")


# ---- Running


def run_case(request, *words, flags=()):
    def test():
        with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
            file.write(request if isinstance(request, str) else json.dumps(request))
            file.flush()
            refuse(harness.call("quoin-run", artefact(), "--input", file.name, "--json", *flags), *words)
    return test


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
    """A real one, where this machine is not it."""
    flags = open("/proc/cpuinfo").read().split()
    if "avx512f" in flags or "avx2" not in flags:
        return "skipped: this machine has all that programs need"
    with Folder() as f:
        harness.tool("quoin-compile", f.model, "-o", f.out, "--target-cpu", "sapphirerapids")
        refuse(harness.call("quoin-run", f.out, *RUN), "avx512")


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


def unknown_cpu():
    with Folder() as f:
        refuse_compile(f, "frobnicator", flags=("--target-cpu", "frobnicator"))


DEEP = "[" * 100000


TESTS = [
    ("config-not-json", bytes_case("config.json", lambda d: d[:-5], "config.json")),
    ("config-missing", remove_case("config.json", "config.json")),
    ("config-unknown-architecture", config_case(lambda c: c.update(model_type="mamba"), "mamba")),
    ("config-unknown-activation", config_case(lambda c: c.update(hidden_act="relu6"), "hidden_act", "relu6")),
    ("config-empty", raw_config_case("", "config.json")),
    ("config-list", raw_config_case("[1, 2]", "config.json", "object")),
    ("config-nested-deep", raw_config_case('{"x": ' + DEEP + "]" * 100000 + "}", "config.json", "64", "100001")),
    ("config-nested-open", raw_config_case(DEEP, "config.json")),
    ("config-not-a-number", config_case(lambda c: c.update(rms_norm_eps=float("nan")), "rms_norm_eps")),
    ("config-epsilon-huge", config_case(lambda c: c.update(rms_norm_eps=1e30), "rms_norm_eps")),
    ("config-theta-zero", config_case(lambda c: c.update(rope_theta=0), "rope_theta")),
    ("config-no-hidden", config_case(lambda c: c.pop("hidden_size"), "hidden_size")),
    ("config-head-odd", config_case(lambda c: c.update(head_dim=15), "head_dim", "15")),
    ("config-heads-contradict-weights", config_case(lambda c: c.update(num_attention_heads=4), "32", "64")),
    ("config-vocabulary-contradicts-weights", config_case(lambda c: c.update(vocab_size=271), "270", "271")),
    ("config-vocabulary-below-weights", config_case(lambda c: c.update(vocab_size=269, mask_token_id=1, eos_token_id=1, pad_token_id=1), "270")),
    ("config-too-few-layers", config_case(lambda c: c.update(num_hidden_layers=2), "layers.1.")),
    ("config-capacity-absurd", config_case(lambda c: c.update(max_position_embeddings=1 << 40), "max_position_embeddings")),
    ("config-block-past-capacity", config_case(lambda c: c.update(block_size=65), "block_size", "65")),
    ("config-number-past-64-bits", config_case(lambda c: c.update(vocab_size=1 << 70), "vocab_size")),
    ("config-sliding-window", config_case(lambda c: c.update(use_sliding_window=True), "use_sliding_window")),
    ("config-quantized", config_case(lambda c: c.update(quantization_config=dict(bits=4)), "quantization_config")),
    ("config-experts", config_case(lambda c: c.update(num_experts=8), "num_experts")),
    ("config-flag-as-text", config_case(lambda c: c.update(tie_word_embeddings="yes"), "tie_word_embeddings")),
    ("config-rope-linear", config_case(lambda c: c.update(rope_scaling=dict(rope_type="linear", factor=2)), "rope_scaling")),
    ("config-rope-text", config_case(lambda c: c.update(rope_scaling="yarn"), "rope_scaling", "yarn")),
    ("config-rope-parameters", config_case(lambda c: c.update(rope_parameters=dict(rope_type="llama3", factor=8)), "rope_parameters")),
    ("config-stop-past-vocabulary", generation_case(dict(eos_token_id=270), "generation_config.json", "eos_token_id", "270")),
    ("generation-config-broken", generation_case("{", "generation_config.json")),
    ("generation-config-nested-deep", generation_case(DEEP, "generation_config.json")),
    ("config-rope-scaling", config_case(lambda c: c.update(rope_scaling=dict(type="yarn", factor=4.0)), "rope_scaling")),
    ("config-heads-not-divided", config_case(lambda c: c.update(num_key_value_heads=3), "num_key_value_heads")),
    ("config-absurd-layers", config_case(lambda c: c.update(num_hidden_layers=10**9), "num_hidden_layers")),
    ("config-negative-hidden", config_case(lambda c: c.update(hidden_size=-1), "hidden_size")),
    ("config-text-for-number", config_case(lambda c: c.update(hidden_size="64"), "hidden_size")),
    ("config-contradicts-weights", config_case(lambda c: c.update(intermediate_size=48), "40", "48")),
    ("config-block-zero", config_case(lambda c: c.update(block_size=0), "block")),
    ("config-mask-past-vocabulary", config_case(lambda c: c.update(mask_token_id=100000), "mask_token_id")),
    ("safetensors-empty", bytes_case("model.safetensors", lambda d: b"", "model.safetensors")),
    ("safetensors-truncated", bytes_case("model.safetensors", lambda d: d[:len(d) // 2], "model.safetensors")),
    ("safetensors-header-past-end", bytes_case("model.safetensors", lambda d: struct.pack("<Q", 1 << 62) + d[8:], "model.safetensors")),
    ("safetensors-offsets-past-end", header_case(lambda h: h[EMBED].update(data_offsets=[0, 1 << 60]), EMBED)),
    ("safetensors-wrong-size", header_case(lambda h: h[EMBED].update(shape=[270, 31]), EMBED)),
    ("safetensors-absurd-shape", header_case(lambda h: h[EMBED].update(shape=[1 << 40, 1 << 40]), EMBED)),
    ("safetensors-unknown-dtype", header_case(lambda h: h[EMBED].update(dtype="F7"), "F7")),
    ("safetensors-missing-tensor", header_case(lambda h: h.update(other=h.pop("model.norm.weight")), "model.norm.weight")),
    ("safetensors-missing", remove_case("model.safetensors", "model.safetensors")),
    ("safetensors-nan", nan_weights),
    ("tokenizer-broken", bytes_case("tokenizer.json", lambda d: d[:100], "tokenizer.json")),
    ("tokenizer-nested-deep", bytes_case("tokenizer.json", lambda d: DEEP.encode(), "tokenizer.json")),
    ("shards", shards_are_one_model),
    ("shards-missing-file", shard_case(lambda m, e: e[1].clear(), "model-2.safetensors")),
    ("shards-wrong-file", shard_case(lambda m, e: m.update({EMBED: "model-2.safetensors"}), EMBED, "model-2.safetensors", "model-1.safetensors")),
    ("shards-missing-tensor", shard_case(lambda m, e: m.update(phantom="model-1.safetensors"), "phantom")),
    ("shards-unlisted-tensor", shard_case(lambda m, e: e[0].pop(0) and m.pop(EMBED), EMBED)),
    ("shards-outside", shard_case(lambda m, e: m.update({EMBED: "../model-1.safetensors"}), EMBED, "../model-1.safetensors")),
    ("shards-number-for-file", shard_case(lambda m, e: m.update({EMBED: 7}), EMBED, "7")),
    ("link-loop-config", link_loop("config.json")),
    ("link-loop-weights", link_loop("model.safetensors")),
    ("link-loop-generation-config", link_loop("generation_config.json")),
    ("link-to-checkpoint", link_to_checkpoint),
    ("folder-as-config", folder_as_file("config.json")),
    ("folder-as-weights", folder_as_file("model.safetensors")),
    ("folder-as-tokenizer", folder_as_file("tokenizer.json")),
    ("folder-as-generation-config", folder_as_file("generation_config.json")),
    ("input-that-is-none", input_that_is_none),
    ("unreadable-checkpoint", unreadable("config.json", "generation_config.json", "model.safetensors", "tokenizer.json")),
    ("unreadable-artefact", unreadable_artefact),
    ("unreadable-requests", unreadable_requests),
    ("unknown-cpu", unknown_cpu),
    ("full-disk", full_disk),
    ("full-device", results_to_a_full_device),
    ("killed", killed),
    ("target-read-only", read_only_parent),
    ("target-is-a-file", target_is_a_file),
    ("target-is-the-input", target_is_the_input),
    ("target-below-a-file", target_below_a_file),
    ("target-below-a-missing-folder", target_below_a_missing_folder),
    ("target-is-someone-elses", target_is_someone_elses),
    ("request-id-out-of-range", run_case(dict(ids=[1, 270]), "270")),
    ("request-id-negative", run_case(dict(ids=[-1]), "-1")),
    ("request-prompt-past-capacity", run_case(dict(ids=[1] * 65), "64", "65")),
    ("request-empty-prompt", run_case(dict(ids=[]), "prompt")),
    ("request-not-json", run_case('{"ids": [1, 2', "line 1")),
    ("request-unknown-setting", run_case(dict(ids=[1], settings=dict(nonsense=1)), "nonsense")),
    ("request-compile-time-setting", run_case(dict(ids=[1], settings=dict(steps=2)), "steps")),
    ("request-unknown-decoder", run_case(dict(ids=[1], decoder="nope"), "nope")),
    ("request-nested-deep", run_case('{"settings": ' + DEEP + "]" * 100000 + "}", "line 1", "64")),
    ("request-nested-open", run_case('{"ids": [1]}\n' + DEEP, "line 2")),
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
