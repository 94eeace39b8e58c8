#!/usr/bin/env python3
"""GGUF files beside the safetensors they were made from: the same weights, the same program, the same tokens.

Each architecture has a file of f32 and of one that is quantised: of that the numbers which its blocks stand for are a checkpoint, too. With PyPI's `gguf`
those numbers are compared with its own.
"""
import json
import math
import os
import random
import struct
import sys

import harness
import checkpoint
import gguf_file
from checkpoint import Shape, write
from harness import expect

IDS = [5, 17, 2, 40, 40, 8, 33, 1, 48]
# All rows are of whole blocks.
SHAPE = dict(layers=1, hidden=256, heads=4, kv_heads=2, head_dim=64, mlp=256, vocabulary=264, capacity=64)
SMALL = dict(layers=2, hidden=32, heads=4, kv_heads=2, head_dim=8, mlp=64, vocabulary=264, capacity=64)


def change(folder, **keys):
    """Other keys of config.json; None takes one away."""
    path = os.path.join(folder, "config.json")
    with open(path) as f:
        config = json.load(f)
    config.update(keys)
    with open(path, "w") as f:
        json.dump({k: v for k, v in config.items() if v is not None}, f)
    return folder


def experts(folder, **config):
    """A checkpoint with experts, drawn."""
    d, v, inner, heads, kv, h, count = 32, 264, 32, 4, 2, 8, 4
    rnd, entries = random.Random(5), []

    def make(name, *shape, spread=0.25, centre=0.0):
        values = [rnd.gauss(centre, spread) for _ in range(math.prod(shape))]
        entries.append((name, "F32", list(shape), checkpoint.pack(values, "F32")))
    make("model.embed_tokens.weight", v, d, spread=0.8)
    for i in range(2):
        p = f"model.layers.{i}."
        for norm, size in (("input_layernorm", d), ("post_attention_layernorm", d), ("self_attn.q_norm", h), ("self_attn.k_norm", h)):
            make(f"{p}{norm}.weight", size, centre=1.0)
        for name, rows, columns in (("q", heads * h, d), ("k", kv * h, d), ("v", kv * h, d), ("o", d, heads * h)):
            make(f"{p}self_attn.{name}_proj.weight", rows, columns)
        make(p + "mlp.gate.weight", count, d)
        for e in range(count):
            for name, rows, columns in (("gate", inner, d), ("up", inner, d), ("down", d, inner)):
                make(f"{p}mlp.experts.{e}.{name}_proj.weight", rows, columns)
    make("model.norm.weight", d, centre=1.0)
    make("lm_head.weight", v, d)
    os.makedirs(folder)
    checkpoint.save(os.path.join(folder, "model.safetensors"), entries)
    common = dict(hidden_size=d, num_attention_heads=heads, num_key_value_heads=kv, head_dim=h, vocab_size=v, max_position_embeddings=64, rms_norm_eps=1e-5,
                  rope_theta=1e4, tie_word_embeddings=False, hidden_act="silu", num_hidden_layers=2, intermediate_size=64, num_experts=count,
                  num_experts_per_tok=2, eos_token_id=260)
    with open(os.path.join(folder, "config.json"), "w") as f:
        json.dump(common | config, f)
    return folder


def compiled(model, out, *flags):
    harness.tool("quoin-compile", model, "-o", out, "-O0", *flags)
    with open(os.path.join(out, "model.qw"), "rb") as f:
        return f.read()


def ids(out):
    return [a["ids"] for a in harness.answers("quoin-run", out, [dict(ids=IDS, max_tokens=8)], "--seed", "3")]


def same(top, folder, architecture, run=False, **k):
    """A file of the folder's tensors as `from_folder` has them, compiled beside a folder with the numbers it stands for."""
    path = os.path.join(top, "m.gguf")
    entries = gguf_file.from_folder(folder, path, architecture, **k)
    checkpoint.save(os.path.join(folder, "model.safetensors"), entries)
    ours, theirs = os.path.join(top, "gguf"), os.path.join(top, "hf")
    expect(compiled(path, ours) == compiled(folder, theirs), f"{architecture}: expects the weights of the folder")
    if run:
        expect(ids(ours) == ids(theirs), f"{architecture}: expects the tokens of the folder")


def f32():
    """Every architecture."""
    def dream(path):
        return change(write(path, Shape(family="qwen2", **SMALL)), model_type="Dream", mask_token_id=263)
    made = {
        "qwen2": lambda path: write(path, Shape(family="qwen2", **SMALL)),
        "qwen3": lambda path: write(path, Shape(family="qwen3", tied=True, **SMALL)),
        "llama": lambda path: change(write(path, Shape(family="llama", **SMALL)), model_type="llama"),
        "dream": dream,
        "llada": lambda path: write(path, Shape(family="llada", **SMALL)),
        "qwen3moe": lambda path: experts(path, model_type="qwen3_moe", moe_intermediate_size=32, norm_topk_prob=True),
        "llada-moe": lambda path: experts(path, model_type="llada", expert_intermediate_size=32, mask_token_id=263),
    }
    for architecture, make in made.items():
        with harness.scratch() as top:
            same(top, make(os.path.join(top, "model")), architecture, run=architecture in ("llama", "llada", "qwen3moe"))


def blocks():
    """All types in one file, rows of queries and keys in pairs; and experts."""
    kinds = dict(token_embd="Q6_K", output="Q4_K", attn_q="Q4_K", attn_k="Q6_K", attn_v="Q4_0", attn_output="Q8_0", ffn_gate="F16", ffn_up="BF16",
                 ffn_down="Q8_0")
    with harness.scratch() as top:
        folder = change(write(os.path.join(top, "model"), Shape(family="llama", **SHAPE)), model_type="llama")
        same(top, folder, "llama", run=True, kind=lambda name, shape: len(shape) == 2 and kinds[name.split(".")[-2]])
    with harness.scratch() as top:
        folder = experts(os.path.join(top, "model"), model_type="qwen3_moe", moe_intermediate_size=32, norm_topk_prob=True)
        same(top, folder, "qwen3moe", kind=lambda name, shape: "_exps" in name and "Q8_0")


def scaled():
    """Rotary embeddings: yarn's keys, and the factors of Llama 3.1."""
    yarn = dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=16)
    keys = {"qwen3.rope.scaling.type": "yarn", "qwen3.rope.scaling.factor": 4.0, "qwen3.rope.scaling.original_context_length": 16}
    with harness.scratch() as top:
        folder = change(write(os.path.join(top, "model"), Shape(family="qwen3", **SMALL)), rope_scaling=yarn)
        same(top, folder, "qwen3", run=True, keys=keys)
    llama3 = dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=64)
    factors = []
    for i in range(4):
        turns = 64 / (2 * math.pi / 1e4 ** (-i / 4))
        factors.append(1.0 if turns > 4 else 8.0 if turns < 1 else 1 / ((1 - (turns - 1) / 3) / 8 + (turns - 1) / 3))
    with harness.scratch() as top:
        folder = change(write(os.path.join(top, "model"), Shape(family="llama", **SMALL)), model_type="llama", rope_scaling=llama3)
        path, plain = os.path.join(top, "m.gguf"), os.path.join(top, "plain.gguf")
        tensor = ("rope_freqs.weight", "F32", [4], struct.pack("<4f", *factors))
        gguf_file.from_folder(folder, path, "llama", tensors=[tensor])
        gguf_file.from_folder(folder, plain, "llama")
        texts = [harness.tool("quoin-import", m, "-o", "-") for m in (path, folder, plain)]
        got = []
        for text in texts:
            line = next((x for x in text.splitlines() if "dense<[" in x), "")
            got.append([float(x) for x in line[line.index("[") + 1:line.index("]")].split(",")] if line else None)
        expect(got[0] and got[1] and all(abs(a - b) <= 1e-6 * abs(b) for a, b in zip(got[0], got[1])), f"expects {got[1]}, but found {got[0]}")
        expect(got[2] is None, "expects plain embeddings without the factors")


def texts():
    """Prompts in words, and a program that was imported from a file."""
    with harness.scratch() as top:
        folder = write(os.path.join(top, "model"), Shape(family="qwen2", **SMALL))
        path = os.path.join(top, "m.gguf")
        gguf_file.from_folder(folder, path, "qwen2", keys={"tokenizer.chat_template": "{{ messages[0].content }}<|im_end|>"})
        program, outs = os.path.join(top, "m.mlir"), [os.path.join(top, n) for n in ("a", "b", "c")]
        harness.tool("quoin-import", path, "-o", program)
        for model, out in zip((path, folder, program), outs):
            compiled(model, out)
        requests = [dict(prompt="Gr\u00fc\u00dfe, 42 w\u00f6rter <|im_end|> x", max_tokens=6)]
        a, b, c = (harness.answers("quoin-run", out, requests) for out in outs)
        expect([x["ids"] for x in a] == [x["ids"] for x in b] == [x["ids"] for x in c], f"expects {b}, but found {a} and {c}")
        expect(a[0]["text"] == b[0]["text"], "expects the text of the folder")
        read = harness.answers("quoin-interpret", program, requests)
        expect(read[0]["ids"] == a[0]["ids"] and read[0]["text"] == a[0]["text"], f"expects {a}, but found {read} by the interpreter")
        chat = harness.answers("quoin-run", outs[0], [dict(messages=[dict(role="user", content="hi")], max_tokens=4)])
        plain = harness.answers("quoin-run", outs[1], [dict(prompt="hi<|im_end|>", max_tokens=4)])
        expect(chat[0]["ids"] == plain[0]["ids"], "expects the file's own chat template")


def refused():
    """What a file cannot be, each with one line and without an artefact."""
    with harness.scratch() as top:
        folder, path, out = write(os.path.join(top, "model"), Shape(family="qwen2", **SMALL)), os.path.join(top, "m.gguf"), os.path.join(top, "out")

        def says(*words, flags=(), **k):
            gguf_file.from_folder(folder, path, "qwen2", **k)
            process = harness.call("quoin-compile", path, "-o", out, "-O0", *flags)
            harness.expect_refused(process, "m.gguf", *words)
            lines = [x for x in process.stderr.splitlines() if x.startswith("error: ")]
            expect(len(lines) == 1 and process.stderr.endswith(lines[0] + "\n"), f"expects one line, but found {process.stderr}")
            expect(not os.path.exists(out), "expects no artefact")
        says("'tokenizer.ggml.pre' expects one of", "but found 'other'", "--without-tokenizer", keys={"tokenizer.ggml.pre": "other"})
        says("found part 2 of 3", keys={"split.count": 3, "split.no": 1})
        says("'general.architecture' expects one of", "found 'bert'", keys={"general.architecture": "bert"})
        says("'qwen2.logit_scale' expects", keys={"qwen2.logit_scale": 0.5})
        says("'qwen2.rope.dimension_count' expects 8", keys={"qwen2.rope.dimension_count": 4})
        says("'num_hidden_layers' expects", keys={"qwen2.block_count": None})
        gguf_file.from_folder(folder, path, "qwen2", keys={"tokenizer.ggml.pre": "other"})
        compiled(path, out, "--without-tokenizer")
        with open(path, "rb") as f:
            data = f.read()
        for size in (3, 40, len(data) // 2):
            with open(path, "wb") as f:
                f.write(data[:size])
            harness.expect_refused(harness.call("quoin-compile", path, "-o", out + "2"), "m.gguf", " expects ")


def pypi():
    """Our files and the numbers of their blocks, read by PyPI's `gguf`."""
    sys.path.append(os.path.join(harness.ROOT, "build", "gguf"))
    try:
        import gguf
        import numpy
    except ImportError:
        return "skipped: there is no Python package 'gguf' (scripts/deps.sh)"
    rnd = random.Random(2)
    for kind in ("Q8_0", "Q4_0", "Q4_K", "Q6_K"):
        raw = gguf_file.drawn(kind, 2048, rnd)
        wanted = gguf.quants.dequantize(numpy.frombuffer(raw, dtype=numpy.uint8).reshape(1, -1), gguf.GGMLQuantizationType[kind])
        expect(list(wanted.ravel()) == list(gguf_file.numbers(kind, raw)), f"expects the numbers of {kind}")
    with harness.scratch() as top:
        path = os.path.join(top, "m.gguf")
        raw = gguf_file.drawn("Q6_K", 512, rnd)
        gguf_file.write(path, {"general.architecture": "llama", "a": ["x", "yz"], "b": 0.5}, [("t", "Q6_K", [2, 256], raw), ("u", "F32", [3], b"012345678901")])
        read = gguf.GGUFReader(path)
        found = {t.name: (t.tensor_type.name, [int(n) for n in t.shape], t.data.tobytes()) for t in read.tensors}
        expect(found == dict(t=("Q6_K", [256, 2], raw), u=("F32", [3], b"012345678901")), "expects the tensors that were written")
        expect(read.fields["a"].contents() == ["x", "yz"] and read.fields["b"].contents() == 0.5, "expects the keys that were written")
    return None


if __name__ == "__main__":
    harness.main([("f32", f32), ("blocks", blocks), ("scaled", scaled), ("texts", texts), ("refused", refused), ("pypi", pypi)])
