#!/usr/bin/env python3
"""Masked attention against the tiles that the mask leaves: ours, our own dense kernel, and PyTorch's.

  bench/attention.py [--lengths 2048,4096] [--masks causal,window] [--dtype f32|bf16] [--threads N] [--rounds 3] [--json FILE] [--no-torch]

The masks are those of bench/cases/attention.json. For each, `quoin-compile` makes a function and `quoin-bench` calls it in turn
with the same function under the full mask. Where Python can import torch, the same mask goes through FlexAttention
(`torch.compile`d for the CPU, with its own block mask), or through scaled_dot_product_attention where FlexAttention fails; its
calls are timed between ours, in the same run and on as many threads. Columns: tiles of 64 x 64 that the mask leaves (and their
share of all); our time; operations per second over those tiles, also as a share of the peak measured in the same process; the
ratio of that rate to our dense kernel's; PyTorch's time and how many times longer than ours it is."""
import argparse
import ast
import functools
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
BIN = os.environ.get("QUOIN_BIN") or os.path.join(ROOT, "build", "release", "bin")


def program(case, mask, dtype, length="?"):
    q = f"tensor<{length}x{case['heads']}x{case['head_dim']}x{dtype}>"
    k = f"tensor<{length}x{case['key_heads']}x{case['head_dim']}x{dtype}>"
    labels, symbols = mask.get("documents"), list(mask.get("symbols", {}))
    more = "".join([", %a: tensor<?xi32>, %b: tensor<?xi32>" if labels else ""] + [f", %{s}: index" for s in symbols])
    use = "[" + ", ".join("%" + s for s in symbols) + "]" if symbols else ""
    use += " labels(%a : tensor<?xi32>, %b : tensor<?xi32>)" if labels else ""
    return (f"func.func @attention(%q: {q}, %k: {k}, %v: {k}{more}) -> {q} {{\n"
            f"  %out = quoin.block_attention %q, %k, %v mask #quoin.mask<{mask['mask']}>{use} scale {case['head_dim'] ** -0.5!r}"
            f" : {q}, {k}, {k}\n  return %out : {q}\n}}\n")


def symbols(mask, length):
    values = {}
    for name, text in mask.get("symbols", {}).items():
        a, _, b = text.partition("/")
        values[name] = length * int(a) // int(b) if b else int(a)
    return values


def ours(folder, mask, length, threads, budget):
    out = folder + ".json"
    command = [os.path.join(BIN, "quoin-bench"), folder, "--lengths", str(length), "--threads", str(threads), "--budget", str(budget),
               "--json", out]
    for name, text in mask.get("symbols", {}).items():
        command += ["--symbol", f"{name}={text}"]
    if "documents" in mask:
        command += ["--documents", str(mask["documents"])]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    with open(out) as f:
        answer = json.load(f)
    return answer["results"][0] | {"arithmetic": answer["arithmetic"]}


def save(results, path):
    """As bench/baseline.py reads them; without a path nothing is written."""
    if path:
        with open(path, "w") as f:
            json.dump({"results": results}, f, indent=1)
            f.write("\n")


class Elementwise(ast.NodeTransformer):
    """`and`, `or` and `not` as the operators that take tensors."""

    def visit_BoolOp(self, node):
        self.generic_visit(node)
        operator = ast.BitAnd() if isinstance(node.op, ast.And) else ast.BitOr()
        return functools.reduce(lambda a, b: ast.BinOp(a, operator, b), node.values)

    def visit_UnaryOp(self, node):
        self.generic_visit(node)
        return ast.UnaryOp(ast.Invert(), node.operand) if isinstance(node.op, ast.Not) else node


class Torch:
    """PyTorch's attention under one of our formulas."""

    def __init__(self, threads):
        import torch
        from torch.nn.attention import flex_attention
        self.torch, self.flex, self.mask = torch, flex_attention, None
        torch.set_num_threads(threads)
        torch.manual_seed(0)

    def predicate(self, mask, length, labels):
        """The formula over tensors: words become operators, labels a lookup."""
        text = mask["mask"].partition(":")[2].strip()
        for word, operator in dict(le="<=", lt="<", ge=">=", gt=">", eq="==", ne="!=", floordiv="//", mod="%").items():
            text = re.sub(rf"\b{word}\b", operator, text)
        text = re.sub(r"label\((\w)\)", r"labels[\1]", text)
        tree = ast.fix_missing_locations(Elementwise().visit(ast.parse("lambda b, h, q, k: " + text, mode="eval")))
        return eval(compile(tree, "mask", "eval"), dict(symbols(mask, length), labels=labels))

    def prepare(self, case, mask, length, dtype, labels):
        """A function that computes it once, over the same documents."""
        torch = self.torch
        kind = {"f32": torch.float32, "bf16": torch.bfloat16}[dtype]
        q = torch.randn(1, case["heads"], length, case["head_dim"], dtype=kind)
        k, v = (torch.randn(1, case["key_heads"], length, case["head_dim"], dtype=kind) for _ in range(2))
        see = self.predicate(mask, length, torch.tensor(labels or [0], dtype=torch.int32))
        try:
            if mask is not self.mask:
                # One compilation serves all lengths of a mask, and no mask counts against the limit of the others.
                torch._dynamo.reset()
                self.mask, self.compiled = mask, torch.compile(self.flex.flex_attention, dynamic=True)
            blocks = self.flex.create_block_mask(see, None, None, length, length, device="cpu")
            call = lambda: self.compiled(q, k, v, block_mask=blocks, enable_gqa=True)
            with torch.no_grad():
                call()
            return "FlexAttention", call
        except Exception as e:  # what the compiler cannot take, it says in many ways
            why = next((line for line in str(e).splitlines() if "rror" in line), type(e).__name__)
            print(f"  FlexAttention fails ({why[:200]}); scaled_dot_product_attention instead", file=sys.stderr)
        at = torch.arange(length)
        seen = see(0, 0, at[:, None], at[None, :])
        sdpa = torch.nn.functional.scaled_dot_product_attention
        return "SDPA", lambda: sdpa(q, k, v, attn_mask=seen, enable_gqa=True)

    def time(self, call):
        with self.torch.no_grad():
            start = time.perf_counter()
            call()
            return time.perf_counter() - start


def main():
    numbers = lambda s: [int(x) for x in s.split(",")]
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--case", default=os.path.join(ROOT, "bench", "cases", "attention.json"))
    p.add_argument("--lengths", type=numbers)
    p.add_argument("--masks", help="names, or parts of them, with commas between")
    p.add_argument("--dtype", default="f32", choices=["f32", "bf16"])
    p.add_argument("--threads", type=int, default=os.cpu_count())
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--budget", type=float, default=0.5, help="seconds for our kernels in each round")
    p.add_argument("--json")
    p.add_argument("--no-torch", action="store_true")
    o = p.parse_args()
    with open(o.case) as f:
        case = json.load(f)
    torch = None
    if not o.no_torch:
        try:
            torch = Torch(o.threads)
        except ImportError as e:
            print(f"no PyTorch here ({e}): our kernels only")
    masks = [m for m in case["masks"] if not o.masks or any(w in m["name"] for w in o.masks.split(","))]
    print(f"{'mask':17} {'length':>6} {'tiles':>6} {'share':>6} {'ms':>9} {'GFLOP/s':>8} {'peak %':>6} {'of dense':>8} {'PyTorch ms':>10} {'times':>6}")
    results = []
    with tempfile.TemporaryDirectory() as work:
        for number, mask in enumerate(masks):
            folder = os.path.join(work, str(number))
            with open(folder + ".mlir", "w") as f:
                f.write(program(case, mask, o.dtype))
            subprocess.run([os.path.join(BIN, "quoin-compile"), folder + ".mlir", "-o", folder, "--quiet"], check=True)
            for length in o.lengths or case["lengths"]:
                call, mine, theirs, ratios = None, [], [], []
                for _ in range(o.rounds):
                    mine.append(ours(folder, mask, length, o.threads, o.budget))
                    if torch:
                        if not call:
                            kind, call = torch.prepare(case, mask, length, o.dtype, mine[0].get("labels"))
                        theirs.append(torch.time(call))
                        ratios.append(theirs[-1] / mine[-1]["seconds"])
                middle = lambda key: statistics.median(m[key] for m in mine)
                tiles = mine[0]["tiles"]
                visited = tiles["partial"] + tiles["full"]
                r = {"mask": mask["name"], "formula": mask["mask"], "length": length, "dtype": o.dtype, "arithmetic": mine[0]["arithmetic"],
                     "threads": o.threads, "tiles": tiles, "seconds": middle("seconds"), "flops_per_second": middle("flops_per_second"),
                     "peak_fraction": middle("peak_fraction"), "rate_to_dense": middle("rate_to_dense"),
                     "dense_seconds": middle("dense_seconds")}
                if torch:
                    r |= {"peer": kind, "peer_seconds": statistics.median(theirs), "ratio": statistics.median(ratios)}
                results.append(r)
                print(f"{mask['name']:17} {length:>6} {visited:>6} {visited / (visited + tiles['empty']):>6.1%} {r['seconds'] * 1e3:>9.2f} "
                      f"{r['flops_per_second'] * 1e-9:>8.1f} {r['peak_fraction'] * 100:>6.1f} {r['rate_to_dense']:>8.2f} "
                      + (f"{r['peer_seconds'] * 1e3:>10.2f} {r['ratio']:>6.2f}" if torch else f"{'-':>10} {'-':>6}"), flush=True)
    save(results, o.json)


if __name__ == "__main__":
    main()
