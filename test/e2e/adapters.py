#!/usr/bin/env python3
"""LoRA adapters: `--adapter` against a merge in plain Python, and what is wrong with one.

A checkpoint into which the adapter was merged gives the same weight file, byte for byte, and the same scores: matrices are of small multiples of powers
of two, so that no sum is rounded but by the type of the weight.
"""
import json
import os
import random
import shutil
import struct
import tempfile

import harness
import checkpoint
from checkpoint import Shape, write
from harness import expect

RANK = 3


def pack(numbers, dtype):
    if dtype == "F32":
        return struct.pack(f"<{len(numbers)}f", *numbers)
    if dtype == "F16":
        return struct.pack(f"<{len(numbers)}e", *numbers)
    words = []
    for x in numbers:  # to the nearest, of two equally near the even one
        bits, = struct.unpack("<I", struct.pack("<f", x))
        words.append((bits + 0x7fff + (bits >> 16 & 1)) >> 16)
    return struct.pack(f"<{len(words)}H", *words)


def unpack(data, dtype):
    if dtype != "BF16":
        return list(struct.unpack(f"<{len(data) // (4 if dtype == 'F32' else 2)}{'f' if dtype == 'F32' else 'e'}", data))
    return [struct.unpack("<f", struct.pack("<I", w << 16))[0] for w in struct.unpack(f"<{len(data) // 2}H", data)]


class Base:
    """A small checkpoint whose numbers are multiples of 1/64, and what an adapter makes of it."""

    def __init__(self, top, family="sdar", dtype="F32"):
        self.top, self.dtype = top, dtype
        self.folder = write(os.path.join(top, "base"), Shape(family=family, layers=2, hidden=24, heads=2, kv_heads=1, head_dim=8, mlp=20, vocabulary=264))
        self.file = os.path.join(self.folder, "model.safetensors")
        rnd = random.Random(3)
        self.tensors = {}
        for name, _, shape, data in checkpoint.load(self.file):
            count = len(data) // 4
            self.tensors[name] = (shape, [rnd.randrange(-40, 41) / 64 + (1 if len(shape) == 1 else 0) for _ in range(count)])
        self.save(self.folder, self.tensors)

    def save(self, folder, tensors):
        checkpoint.save(os.path.join(folder, "model.safetensors"), [(n, self.dtype, s, pack(v, self.dtype)) for n, (s, v) in tensors.items()])

    def merged(self, changes, replaced=()):
        """Another folder: W + scale B A, rounded to the stored type."""
        folder = os.path.join(self.top, "merged")
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.folder, folder)
        tensors = dict(self.tensors)
        for name, (a, b, scale) in changes.items():
            (n, k), w = tensors[name]
            rank = len(a) // k
            tensors[name] = ([n, k], [w[i * k + j] + scale * sum(b[i * rank + r] * a[r * k + j] for r in range(rank)) for i in range(n) for j in range(k)])
        for name, values in dict(replaced).items():
            tensors[name] = (tensors[name][0], values)
        self.save(folder, tensors)
        return folder


def draw(rnd, count, step=8):
    return [rnd.randrange(-6, 7) / step for _ in range(count)]


def adapter(top, base, modules, dtype="F32", rank=RANK, extra=(), ranks=None, **config):
    """A folder as PEFT writes it, and its matrices."""
    folder = os.path.join(top, "adapter")
    shutil.rmtree(folder, ignore_errors=True)
    os.mkdir(folder)
    rnd, entries, parts = random.Random(9), [], {}
    for module in modules:
        n, k = base.tensors[module + ".weight"][0]
        r = (ranks or {}).get(module, rank)
        a, b = draw(rnd, r * k), draw(rnd, n * r)
        parts[module + ".weight"] = (a, b)
        entries += [(f"base_model.model.{module}.lora_A.weight", dtype, [r, k], pack(a, dtype)),
                    (f"base_model.model.{module}.lora_B.weight", dtype, [n, r], pack(b, dtype))]
    entries += list(extra)
    checkpoint.save(os.path.join(folder, "adapter_model.safetensors"), entries)
    config = {**dict(peft_type="LORA", r=rank, lora_alpha=6, use_rslora=False, bias="none", fan_in_fan_out=False, modules_to_save=None, lora_dropout=0.05,
                     target_modules=["q_proj", "v_proj", "down_proj"], task_type="CAUSAL_LM", base_model_name_or_path="somebody/base", inference_mode=True,
                     init_lora_weights=True, use_dora=False, rank_pattern={}, alpha_pattern={}), **config}
    with open(os.path.join(folder, "adapter_config.json"), "w") as f:
        json.dump(config, f)
    return folder, parts


MODULES = ["model.layers.0.self_attn.q_proj", "model.layers.0.self_attn.v_proj", "model.layers.1.self_attn.q_proj", "model.layers.1.mlp.down_proj"]


def same(base, folder, merged, *flags):
    """The artefacts have one weight file, and the programs the same scores."""
    top, bytes = base.top, []
    for name, source, more in (("adapted", base.folder, ["--adapter", folder]), ("plain", merged, [])):
        out = os.path.join(top, name)
        said = harness.call("quoin-compile", source, "-o", out, "--quiet", *more, *flags)
        expect(said.returncode == 0, said.stderr)
        with open(os.path.join(out, "model.qw"), "rb") as f:
            bytes.append(f.read())
        harness.tool("quoin-import", source, "-o", os.path.join(top, name + ".mlir"), *more)
        harness.tool("quoin-interpret", os.path.join(top, name + ".mlir"), "--logits", os.path.join(top, name + ".rows"), "--ids", "5,9,200,3", "--mask", "causal")
        bytes.append([data for n, _, _, data in checkpoint.load(os.path.join(top, name + ".rows")) if n == "logits"])
    expect(bytes[0] == bytes[2], "expects the weight file of the merged checkpoint")
    expect(bytes[1] == bytes[3], "expects the scores of the merged checkpoint")
    harness.tool("quoin-compile", base.folder, "-o", os.path.join(top, "base-out"), "--quiet", *flags)
    with open(os.path.join(top, "base-out", "model.qw"), "rb") as f:
        expect(f.read() != bytes[0], "expects the adapter to change weights")


def merged_in_f32():
    with tempfile.TemporaryDirectory() as top:
        base = Base(top)
        folder, parts = adapter(top, base, MODULES)
        same(base, folder, base.merged({n: (a, b, 2.0) for n, (a, b) in parts.items()}))
        # Rank-stabilised, with ranks and alphas of their own.
        ranks = {MODULES[3]: 4}
        folder, parts = adapter(top, base, MODULES, rank=1, ranks=ranks, use_rslora=True, lora_alpha=0.5, rank_pattern={"down_proj": 4}, alpha_pattern={"1.self_attn.q_proj": 2})
        scales = {MODULES[2]: 2.0, MODULES[3]: 0.25}
        same(base, folder, base.merged({n: (a, b, scales.get(n[:-7], 0.5)) for n, (a, b) in parts.items()}))


def merged_in_stored_types():
    for dtype, kind in (("BF16", "BF16"), ("F16", "F32"), ("BF16", "F16")):
        with tempfile.TemporaryDirectory() as top:
            base = Base(top, dtype=dtype)
            folder, parts = adapter(top, base, MODULES, dtype=kind)
            merged = base.merged({n: (a, b, 2.0) for n, (a, b) in parts.items()})
            same(base, folder, merged)
            same(base, folder, merged, "--weights", "f32")


def whole_modules_and_biases():
    with tempfile.TemporaryDirectory() as top:
        base = Base(top, family="fast-dllm-v2")
        rnd = random.Random(2)
        whole = {n: draw(rnd, len(base.tensors[n][1])) for n in ("lm_head.weight", "model.layers.1.self_attn.q_proj.bias")}
        extra = [("base_model.model." + n, "F32", base.tensors[n][0], pack(v, "F32")) for n, v in whole.items()]
        folder, parts = adapter(top, base, MODULES[:2], extra=extra, bias="lora_only", modules_to_save=["lm_head"])
        same(base, folder, base.merged({n: (a, b, 2.0) for n, (a, b) in parts.items()}, whole))


def refusals():
    with tempfile.TemporaryDirectory() as top:
        base = Base(top)

        def refused(words, folder):
            r = harness.call("quoin-import", base.folder, "-o", os.path.join(top, "no.mlir"), "--adapter", folder)
            expect(r.returncode == 1 and r.stderr.count("error: ") == 1 and words in r.stderr, f"expects {words!r}, but found {r.returncode}: {r.stderr}")
            expect(not os.path.exists(os.path.join(top, "no.mlir")), "expects no file")
        good = MODULES[:1]
        for config, words in ((dict(peft_type="IA3"), "'peft_type' expects 'LORA', but found \"IA3\""), (dict(use_dora=True), "'use_dora' expects null"),
                              (dict(r=0), "'r' expects an integer from 1"), (dict(r=5), "expects the rank 5 of adapter_config.json, but found 3"),
                              (dict(lora_alpha="x"), "'lora_alpha' expects a number"), (dict(bias="some"), "'bias' expects 'none', 'all' or 'lora_only'"),
                              (dict(target_modules=["k_proj"]), "a module that 'target_modules' names"), (dict(target_modules=3), "'target_modules' expects a list"),
                              (dict(rank_pattern={"q_.*": 3}), "'rank_pattern.q_.*' expects a module's name"), (dict(alpha_pattern=[1]), "'alpha_pattern' expects an object"),
                              (dict(init_lora_weights="pissa"), "'init_lora_weights' expects true, false or 'gaussian'"),
                              (dict(trainable_token_indices=[1]), "'trainable_token_indices' expects null")):
            refused(words, adapter(top, base, good, **config)[0])
        zero = struct.pack("<72f", *[0.0] * 72)
        for entry, words in (((f"base_model.model.{MODULES[1]}.lora_A.weight", "F32", [3, 24], zero), "lora_B.weight' beside it, but there is none"),
                             (("model.norm.weight", "F32", [72], zero), "a name that begins with 'base_model.model.'"),
                             (("base_model.model.model.other.weight", "F32", [72], zero), "a module that the model reads, but there is none of that name"),
                             (("base_model.model.model.norm.weight", "F32", [72], zero), "expects shape tensor<24xf32>, but found tensor<72xf32>"),
                             (("base_model.model.model.norm.weight", "I32", [72], zero), "expects elements F32, BF16 or F16, but found I32"),
                             (("base_model.model.model.embed_tokens.lora_embedding_A", "F32", [3, 24], zero), "nothing else of an adapter is supported"),
                             ((f"base_model.model.{MODULES[1]}.lora_magnitude_vector", "F32", [72], zero), "nothing else of an adapter is supported"),
                             ((f"base_model.model.{MODULES[1]}.lora_A.weight", "F32", [72], zero), "expects a matrix, but it has 1 dimensions")):
            refused(words, adapter(top, base, good, extra=[entry])[0])
        wrong = [(f"base_model.model.{MODULES[1]}.lora_{x}.weight", "F32", shape, zero) for x, shape in (("A", [3, 24]), ("B", [24, 3]))]
        refused(f"'{MODULES[1]}.weight' is tensor<8x24xf32>", adapter(top, base, good, extra=wrong)[0])
        folder, _ = adapter(top, base, good)
        for name, text, words in (("adapter_config.json", "{", "adapter_config.json"), ("adapter_config.json", "[]", "expects a JSON object"),
                                  ("adapter_model.safetensors", "junk", "adapter_model.safetensors")):
            with open(os.path.join(folder, name), "w") as f:
                f.write(text)
            refused(words, folder)
            folder, _ = adapter(top, base, good)
        os.unlink(os.path.join(folder, "adapter_model.safetensors"))
        refused("adapter_model.safetensors", folder)
        refused("'--adapter' expects a folder with an adapter_config.json", os.path.join(top, "nowhere"))
        folder, _ = adapter(top, base, [])
        refused("expects tensors of an adapter, but found none", folder)
        # NaN is found when weights are packed, and so is a sum that is too large.
        for value, words in ((float("nan"), "and its adapter expect finite sums"), (3e38, "and its adapter expect finite sums")):
            folder, _ = adapter(top, base, [], extra=[(f"base_model.model.{MODULES[0]}.lora_{x}.weight", "F32", s, pack([value] * (s[0] * s[1]), "F32"))
                                                      for x, s in (("A", [3, 24]), ("B", [16, 3]))])
            r = harness.call("quoin-compile", base.folder, "-o", os.path.join(top, "out"), "--quiet", "--adapter", folder)
            expect(r.returncode == 1 and words in r.stderr and not os.path.exists(os.path.join(top, "out")), r.stderr)
        # A program says its adapters itself.
        folder, _ = adapter(top, base, good, a_new_key=1)
        said = harness.call("quoin-import", base.folder, "-o", os.path.join(top, "m.mlir"), "--adapter", folder)
        expect(said.returncode == 0 and "the adapter's key 'a_new_key' is not read" in said.stderr, said.stderr)
        r = harness.call("quoin-compile", os.path.join(top, "m.mlir"), "-o", os.path.join(top, "out"), "--quiet", "--adapter", folder)
        expect(r.returncode == 1 and "--adapter and --guide with a checkpoint only" in r.stderr, r.stderr)
        harness.tool("quoin-compile", os.path.join(top, "m.mlir"), "-o", os.path.join(top, "out"), "--quiet")


TESTS = [merged_in_f32, merged_in_stored_types, whole_modules_and_biases, refusals]

if __name__ == "__main__":
    harness.main([("adapters-" + t.__name__.replace("_", "-"), t) for t in TESTS])
