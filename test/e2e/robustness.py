#!/usr/bin/env python3
"""Damaged and lying input: every tool gives one clear error, exit status 1, and leaves nothing half-written."""
import json
import os
import shutil
import struct
import tempfile

import harness
from checkpoint import Shape, write
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


def refuse_compile(folder, *words, flags=()):
    before = set(os.listdir(folder.top))
    refuse(harness.call("quoin-compile", folder.model, "-o", folder.out, *flags), *words)
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


def target_is_someone_elses():
    with Folder() as f:
        os.mkdir(f.out)
        open(os.path.join(f.out, "precious"), "w").write("x")
        refuse_compile(f, f.out)
        expect(os.listdir(f.out) == ["precious"], "expects the folder to be left alone")


def compiled(folder):
    harness.tool("quoin-compile", folder.model, "-o", folder.out)
    return folder.out


def run_case(request, *words, flags=()):
    def test():
        with Folder() as f:
            out = compiled(f)
            path = os.path.join(f.top, "in.jsonl")
            open(path, "w").write(request if isinstance(request, str) else json.dumps(request))
            refuse(harness.call("quoin-run", out, "--input", path, "--json", *flags), *words)
    return test


def artefact_case(name, change, *words):
    def test():
        with Folder() as f:
            out = compiled(f)
            path = os.path.join(out, name)
            data = open(path, "rb").read()
            if change is None:
                os.unlink(path)
            else:
                open(path, "wb").write(change(data))
            refuse(harness.call("quoin-run", out, "--prompt-ids", "1,2,3", "--max-tokens", "8", "--json"), *words)
    return test


def moved_artefact():
    with Folder() as f:
        want = harness.answers("quoin-run", compiled(f), [dict(ids=[1, 2, 3], max_tokens=8)])[0]["ids"]
        os.rename(f.out, f.out + "2")
        shutil.rmtree(f.model)
        got = harness.answers("quoin-run", f.out + "2", [dict(ids=[1, 2, 3], max_tokens=8)])[0]["ids"]
        expect(got == want, f"expects {want} after moving, but found {got}")


def misuse():
    refuse(harness.call("quoin-run"), status=2)
    refuse(harness.call("quoin-compile", "--no-such-flag"), status=2)


TESTS = [
    ("config-not-json", bytes_case("config.json", lambda d: d[:-5], "config.json")),
    ("config-missing", remove_case("config.json", "config.json")),
    ("config-unknown-architecture", config_case(lambda c: c.update(model_type="mamba"), "mamba")),
    ("config-unknown-activation", config_case(lambda c: c.update(hidden_act="relu6"), "hidden_act", "relu6")),
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
    ("target-is-someone-elses", target_is_someone_elses),
    ("request-id-out-of-range", run_case(dict(ids=[1, 270]), "270")),
    ("request-id-negative", run_case(dict(ids=[-1]), "-1")),
    ("request-prompt-past-capacity", run_case(dict(ids=[1] * 65), "64", "65")),
    ("request-empty-prompt", run_case(dict(ids=[]), "prompt")),
    ("request-not-json", run_case('{"ids": [1, 2', "line 1")),
    ("request-unknown-setting", run_case(dict(ids=[1], settings=dict(nonsense=1)), "nonsense")),
    ("request-compile-time-setting", run_case(dict(ids=[1], settings=dict(steps=2)), "steps")),
    ("request-unknown-decoder", run_case(dict(ids=[1], decoder="nope"), "nope")),
    ("artefact-no-program", artefact_case("model.so", None, "model.so")),
    ("artefact-broken-program", artefact_case("model.so", lambda d: d[:1000], "model.so")),
    ("artefact-short-weights", artefact_case("model.qw", lambda d: d[:-64], "model.qw")),
    ("artefact-foreign-weights", artefact_case("model.qw", lambda d: d[:-8] + b"\0" * 8, "model.qw")),
    ("artefact-moves", moved_artefact),
    ("misuse", misuse),
]

if __name__ == "__main__":
    harness.main(TESTS)
