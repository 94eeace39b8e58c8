#!/usr/bin/env python3
"""A step of a mixture of experts beside its roofline of touched bytes.

  bench/experts.py [--config bench/sdar-30b-a3b/config.json] [--layers 6] [--rows 1,4,16,32] [--threads 1] [--rounds 3] [--keep FOLDER] [--json FILE]

The shape is the config's, with fewer layers and random weights in bf16. A step's time depends on how many experts its rows choose together,
and random weights leave that to chance; so the router's product is added to a table by id, far larger, which decides. Which ids
quoin-bench gives the rows is known, so the experts that they touch are counted, not expected. Columns: experts of a layer that the rows touch, and how many
they would be if all were as likely; the time; the least time for the touched bytes (or for the operations), by what quoin-bench measures of the
machine in the same process; their ratio, the median of the rounds. The head scores all rows, however few the layers: fewer of them make it count for more
than in the whole model. Six take 15 GB of disk and two minutes to make."""
import argparse
import json
import math
import os
import random
import statistics
import struct
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
BIN = os.environ.get("QUOIN_BIN") or os.path.join(ROOT, "build", "release", "bin")
sys.path.insert(0, os.path.join(ROOT, "test", "lib"))
import modules  # noqa: E402

IDS = 512  # rows of the table that decides; ids are taken modulo this


def rows_type(*shape, element="f32"):
    return "tensor<" + "x".join(["?", *map(str, shape), element]) + ">"


def weights(c, layers):
    """Name -> shape, f32 for vectors and the table, else bf16."""
    d, q, k, e, m = c["hidden_size"], c["num_attention_heads"] * c["head_dim"], c["num_key_value_heads"] * c["head_dim"], c["num_experts"], c["moe_intermediate_size"]
    all = {"embed": (c["vocab_size"], d), "head": (c["vocab_size"], d), "norm": (d,), "table": (c["vocab_size"], e)}
    for i in range(layers):
        all |= {f"{i}.n1": (d,), f"{i}.n2": (d,), f"{i}.qn": (c["head_dim"],), f"{i}.kn": (c["head_dim"],), f"{i}.q": (q, d), f"{i}.k": (k, d), f"{i}.v": (k, d),
                f"{i}.o": (d, q), f"{i}.router": (e, d), f"{i}.gate": (e, m, d), f"{i}.up": (e, m, d), f"{i}.down": (e, d, m)}
    return all


def is_wide(name, shape):
    return len(shape) == 1 or name == "table"


def table(c):
    """Numbers of the first ids' rows, far apart, so that the best are those of the table alone."""
    rnd = random.Random(1)
    return [[rnd.uniform(-1e4, 1e4) for _ in range(c["num_experts"])] for _ in range(IDS)]


def write(path, c, layers):
    """One stretch of random numbers again and again: a step's time does not depend on what they are."""
    rnd = random.Random(2)
    numbers = [rnd.gauss(0, 0.03) for _ in range(1 << 18)]
    narrow = struct.pack(f"<{len(numbers)}H", *(struct.unpack("<I", struct.pack("<f", x))[0] >> 16 for x in numbers)) * 8
    header, offset = {}, 0
    shapes = weights(c, layers)
    size = lambda n, s: (4 if is_wide(n, s) else 2) * math.prod(s)
    for name, shape in shapes.items():
        header[name] = dict(dtype="F32" if is_wide(name, shape) else "BF16", shape=list(shape), data_offsets=[offset, offset + size(name, shape)])
        offset += size(name, shape)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    decide = b"".join(struct.pack(f"<{len(r)}f", *r) for r in table(c))
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        for name, shape in shapes.items():
            left = size(name, shape)
            data = decide if name == "table" else struct.pack("<f", 1.0) * (1 << 16) if is_wide(name, shape) else narrow
            while left:
                left -= f.write(data[:left])


def program(c, layers):
    d, q, k = c["hidden_size"], c["num_attention_heads"] * c["head_dim"], c["num_key_value_heads"] * c["head_dim"]
    e, m, top, v = c["num_experts"], c["moe_intermediate_size"], c["num_experts_per_tok"], c["vocab_size"]
    D, Q, K, R = rows_type(d), rows_type(q), rows_type(k), rows_type(e)
    C, S, E, H = rows_type(top, element="i32"), rows_type(top), rows_type(top, m), rows_type(top, d)
    eps, heads = f"{c['rms_norm_eps']:.9e}", f"heads {c['num_attention_heads']} kv_heads {c['num_key_value_heads']} head_dim {c['head_dim']} scale {c['head_dim'] ** -0.5!r}"
    lines = [f"%x = quoin.embed %ids by @embed : {D}", f"%t = quoin.embed %ids by @table : {R}"]
    x = "%x"
    for i in range(layers):
        n = lambda name: f"%{name}{i}"
        w = lambda name: f'@"{i}.{name}"'
        lines += [f"{n('n')} = quoin.rms_norm {x} by {w('n1')} epsilon {eps} : {D}"]
        for p, T in (("q", Q), ("k", K), ("v", K)):
            lines.append(f"{n(p)} = quoin.linear {n('n')} by {w(p)} : {D} -> {T}")
        for p, T in (("q", Q), ("k", K)):
            lines.append(f"{n(p + 'n')} = quoin.rms_norm {n(p)} by {w(p + 'n')} epsilon {eps} : {T}")
            lines.append(f"{n(p + 'r')} = quoin.rotary {n(p + 'n')} at %positions theta {c['rope_theta']:.9e} head_dim {c['head_dim']} : {T}")
        lines += [f"{n('a')} = quoin.attention {n('qr')}, {n('kr')}, {n('v')} {heads} : {Q}, {K}, {K}", f"{n('o')} = quoin.linear {n('a')} by {w('o')} : {Q} -> {D}",
                  f"{n('h')} = arith.addf {x}, {n('o')} : {D}", f"{n('m')} = quoin.rms_norm {n('h')} by {w('n2')} epsilon {eps} : {D}",
                  f"{n('r')} = quoin.linear {n('m')} by {w('router')} : {D} -> {R}", f"{n('rt')} = arith.addf %t, {n('r')} : {R}",
                  f"{n('c')}, {n('s')} = quoin.route {n('rt')} scores given top {top} normalise true : {R} -> {C}, {S}",
                  f"{n('g')} = quoin.expert_linear {n('m')} to {n('c')} by {w('gate')} : {D}, {C} -> {E}",
                  f"{n('u')} = quoin.expert_linear {n('m')} to {n('c')} by {w('up')} : {D}, {C} -> {E}", f"{n('w')} = quoin.swiglu {n('g')}, {n('u')} : {E}",
                  f"{n('d')} = quoin.expert_linear {n('w')} to {n('c')} by {w('down')} : {E}, {C} -> {H}", f"{n('y')} = quoin.mix {n('d')}, {n('s')} : {H}, {S} -> {D}",
                  f"{n('z')} = arith.addf {n('h')}, {n('y')} : {D}"]
        x = n("z")
    lines += [f"%y = quoin.rms_norm {x} by @norm epsilon {eps} : {D}", f"quoin.hidden %y : {D}"]
    step = """
        %l = quoin.forward @m of %y[to %hi] read %rows mask #block
        %token, %confidence = quoin.score %l [token, confidence] : tensor<?xi32>, tensor<?xf32>
        %best = quoin.top %confidence, %c1
        %z = quoin.fill %y at %rows with %token where %best"""
    text = f"#block = #quoin.mask<block_causal<4>>\nmodule attributes {{quoin.fill = {v - 1} : i32, quoin.vocabulary = {v} : index, quoin.capacity = 4096 : index, quoin.source = \".\"}} {{\n"
    text += modules.blockwise("d", step, model="m")
    text += "  quoin.model @m head @head {\n  ^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):\n" + "".join(f"    {line}\n" for line in lines) + "  }\n"
    for name, shape in weights(c, layers).items():
        element = "f32" if is_wide(name, shape) else "bf16"
        text += f'  quoin.weight @"{name}" : tensor<{"x".join(map(str, shape))}x{element}> from "w.safetensors" tensor "{name}"\n'
    return text + "}\n"


def touched(c, count):
    """Experts that the rows of a step of quoin-bench choose together."""
    best, chosen = table(c), set()
    for i in range(count):
        row = best[(i * 7919 + 1) % c["vocab_size"] % IDS]
        chosen.update(sorted(range(len(row)), key=lambda e: -row[e])[:c["num_experts_per_tok"]])
    return len(chosen)


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--config", default=os.path.join(ROOT, "bench", "sdar-30b-a3b", "config.json"))
    a.add_argument("--layers", type=int, default=6)
    a.add_argument("--rows", default="1,4,16,32")
    a.add_argument("--threads", default="1")
    a.add_argument("--rounds", type=int, default=3)
    a.add_argument("--budget", default="1")
    a.add_argument("--keep", help="an artefact to make, or to time again if it is there")
    a.add_argument("--json")
    a = a.parse_args()
    with open(a.config) as f:
        c = json.load(f)
    with tempfile.TemporaryDirectory() as folder:
        out = a.keep or os.path.join(folder, "out")
        if not os.path.exists(out):
            with open(os.path.join(folder, "m.mlir"), "w") as f:
                f.write(program(c, a.layers))
            write(os.path.join(folder, "w.safetensors"), c, a.layers)
            subprocess.run([os.path.join(BIN, "quoin-compile"), os.path.join(folder, "m.mlir"), "-o", out, "--quiet"], check=True)
        with open(os.path.join(out, "model.json")) as f:
            experts = json.load(f)["experts"]
        bytes_each, results = sum(e["bytes_per_expert"] for e in experts), []
        for _ in range(a.rounds):
            answer = os.path.join(folder, "answer.json")
            subprocess.run([os.path.join(BIN, "quoin-bench"), out, "--rows", a.rows, "--threads", a.threads, "--budget", a.budget, "--json", answer], check=True,
                           stdout=subprocess.DEVNULL)
            with open(answer) as f:
                answer = json.load(f)
            for r in answer["results"]:
                e, top = c["num_experts"], c["num_experts_per_tok"]
                expected, found = e * (1 - (1 - top / e) ** r["rows"]), touched(c, r["rows"])
                machine = answer["machine"][f"threads_{r['threads']}"]
                r.update(touched=found, expected=expected, bytes=r["bytes"] + (found - expected) * bytes_each)
                r["roofline_seconds"] = max(r["bytes"] / machine["bandwidth"], r["flops"] / answer["machine"]["peak"])
                r["ratio"] = r["seconds"] / r["roofline_seconds"]
                results.append(r)
    print(f"{'threads':>7} {'rows':>5} {'touched':>8} {'expected':>9} {'ms':>9} {'roofline ms':>12} {'ratio':>6}")
    rows = []
    for threads, count in sorted({(r["threads"], r["rows"]) for r in results}):
        own = sorted((r for r in results if (r["threads"], r["rows"]) == (threads, count)), key=lambda r: r["ratio"])
        r = own[len(own) // 2]
        r["ratio"] = statistics.median(x["ratio"] for x in own)
        rows.append(r)
        print(f"{threads:>7} {count:>5} {r['touched']:>8} {r['expected']:>9.1f} {r['seconds'] * 1e3:>9.2f} {r['roofline_seconds'] * 1e3:>12.2f} {r['ratio']:>6.2f}")
    if a.json:
        with open(a.json, "w") as f:
            json.dump(dict(layers=a.layers, results=rows), f, indent=1)


if __name__ == "__main__":
    main()
