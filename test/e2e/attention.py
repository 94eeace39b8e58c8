#!/usr/bin/env python3
"""Attention functions by themselves: mask formulas compiled, run, and compared with float64 brute force; then what is refused.

QUOIN_MASKS sets how many random formulas are drawn (60), QUOIN_SEED from which seed.
"""
import array
import json
import math
import os
import random
import re
import shutil
import struct
import tempfile

import harness
from harness import Failure, call, expect, tool
from tolerances import TOLERANCES

TOLERANCE = TOLERANCES["attention_random"]
SHAPES = [(8, 2, 64), (4, 4, 16), (3, 1, 24)]
LENGTHS = [1, 2, 5, 16, 33, 63, 64, 65, 71, 100, 129, 150]
WORDS = {"le": "<=", "lt": "<", "ge": ">=", "gt": ">", "eq": "==", "ne": "!=", "floordiv": "//", "mod": "%"}
PUBLISHED = [
    "k le q", "k ge 0", "k floordiv 4 le q floordiv 4", "k floordiv 32 le q floordiv 32", "k le q and q - k lt 17",
    "k le q and (q - k lt 24 or k lt 4)", "k le q or (q ge 40 and k ge 40)", "k le q and (q - k) mod 3 eq 0",
    "k lt 11 or (q ge 11 and (k - 11) floordiv 4 le (q - 11) floordiv 4)", "k floordiv 16 + k mod 16 le q floordiv 16 + q mod 16",
    "(q floordiv 32 eq k floordiv 32 and q mod 32 floordiv 4 eq k mod 32 floordiv 4) or (q lt 32 and k ge 32 and k mod 32 floordiv 4 lt q mod 32 floordiv 4)"
    " or (q ge 32 and k ge 32 and k mod 32 floordiv 4 le q mod 32 floordiv 4)"]
rnd = random.Random(int(os.environ.get("QUOIN_SEED", "7")))
POOL = array.array("f", (rnd.gauss(0, 1) for _ in range(40000)))


# ---- Formulas

def integer(depth):
    if depth == 0:
        return rnd.choice(["q", "k", "q", "k", "slot(q)", "slot(k)", str(rnd.randrange(70)), f"-{rnd.randrange(1, 20)}"])
    a = integer(depth - 1)
    return rnd.choice([a, f"({a} + {integer(depth - 1)})", f"({a} - {integer(depth - 1)})", f"({a} * {rnd.choice([-3, -1, 2, 5])})",
                       f"({a} floordiv {rnd.choice([2, 3, 4, 7, 16, 24])})", f"({a} mod {rnd.choice([2, 5, 8, 20, 64])})"])


def formula(depth):
    if depth == 0:
        return f"{integer(2)} {rnd.choice(list(WORDS)[:6])} {integer(2)}"
    return rnd.choice([f"({formula(depth - 1)} and {formula(depth - 1)})", f"({formula(depth - 1)} or {formula(depth - 1)})",
                       f"not ({formula(depth - 1)})", formula(depth - 1)])


def predicate(text, *names):
    """The formula as a function of q, k and the names; positions and slots of a function's tokens are their indices."""
    text = re.sub(r"slot\((\w)\)", r"\1", text)
    text = re.sub(r"label\((\w)\)", r"label_\1(\1)", text)
    text = re.sub(r"\b(" + "|".join(WORDS) + r")\b", lambda m: WORDS[m[1]], text)
    return eval("lambda q, k" + "".join(", " + n for n in names) + ": " + text)


# ---- Files

def narrowed(values):
    """bf16 by cutting, and what is left of the values."""
    halves = array.array("H", values.tobytes())[1::2]
    return halves.tobytes(), widened(halves.tobytes())


def widened(data):
    both = array.array("H", bytes(2 * len(data)))
    both[1::2] = array.array("H", data)
    return array.array("f", both.tobytes())


def save(path, tensors):
    header, body = {}, b""
    for name, (dtype, shape, data) in tensors.items():
        header[name] = dict(dtype=dtype, shape=shape, data_offsets=[len(body), len(body) + len(data)])
        body += data
    j = json.dumps(header).encode()
    j += b" " * (-len(j) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(j)) + j + body)


def load(path):
    with open(path, "rb") as f:
        b = f.read()
    n = struct.unpack("<Q", b[:8])[0]
    out = {}
    for name, t in json.loads(b[8:8 + n]).items():
        if name != "__metadata__":
            data = b[8 + n + t["data_offsets"][0]:8 + n + t["data_offsets"][1]]
            out[name] = widened(data) if t["dtype"] == "BF16" else array.array("f", data)
    return out


class Folder:
    """A temporary folder with a compiled function in it."""

    def __enter__(self):
        self.path = tempfile.mkdtemp()
        return self

    def __exit__(self, *ignored):
        shutil.rmtree(self.path, ignore_errors=True)

    def __truediv__(self, name):
        return os.path.join(self.path, name)

    def compile(self, text):
        with open(self / "a.mlir", "w") as f:
            f.write(text)
        tool("quoin-compile", self / "a.mlir", "-o", self / "out", timeout=60)

    def run(self, tensors, *flags):
        save(self / "in.safetensors", tensors)
        tool("quoin-run", self / "out", "--inputs", self / "in.safetensors", "--outputs", self / "out.safetensors", *flags, timeout=60)
        return load(self / "out.safetensors")


def program(mask, shape, lse=False, more="", labels="", symbols="", element="f32", length="?", scale=None):
    heads, kv, size = shape
    scale = 1 / math.sqrt(size) if scale is None else scale
    q, k, l = f"tensor<{length}x{heads}x{size}x{element}>", f"tensor<{length}x{kv}x{size}x{element}>", f"tensor<{length}x{heads}xf32>"
    types, names = (f"({q}, {l})", "%out, %lse") if lse else (q, "%out")
    return (f"func.func @attention(%q: {q}, %k: {k}, %v: {k}{more}) -> {types} {{\n"
            f"  {names} = quoin.block_attention %q, %k, %v mask #quoin.mask<{mask}>{symbols} {labels} scale {float(scale)!r}"
            f" : {q}, {k}, {k}{' lse ' + l if lse else ''}\n  return {names} : {q}{', ' + l if lse else ''}\n}}\n")


def floats(count):
    at = rnd.randrange(len(POOL))
    return (POOL[at:] + POOL * (count // len(POOL) + 1))[:count]


def inputs(shape, nq, nk, element="f32"):
    heads, kv, size = shape
    rows, data, tensors = ((nq, heads), (nk, kv), (nk, kv)), [], {}
    for name, (n, h) in zip("qkv", rows):
        values = floats(n * h * size)
        stored, kept = narrowed(values) if element == "bf16" else (values.tobytes(), values)
        data.append(kept)
        tensors[name] = (element.upper(), [n, h, size], stored)
    return data, tensors


def check(see, shape, nq, nk, data, out, what, lse=None, tolerance=TOLERANCE):
    """Compares some rows, the first and the last among them, in all features."""
    (heads, kv, size), (q, k, v) = shape, data
    expect(len(out) == nq * heads * size, f"{what}: expects {nq * heads * size} numbers, but found {len(out)}")
    for i, h in {(rnd.randrange(nq), rnd.randrange(heads)) for _ in range(10)} | {(0, 0), (nq - 1, heads - 1)}:
        g = h // (heads // kv)
        row = q[(i * heads + h) * size:][:size]
        keys = [j for j in range(nk) if see(i, j)]
        s = [sum(x * y for x, y in zip(row, k[(j * kv + g) * size:(j * kv + g + 1) * size])) / math.sqrt(size) for j in keys]
        top = max(s, default=0)
        e = [math.exp(x - top) for x in s]
        total = sum(e)
        for c in range(0, size, 5):
            want = sum(w * v[(j * kv + g) * size + c] for w, j in zip(e, keys)) / total if keys else 0.0
            got = out[(i * heads + h) * size + c]
            expect(abs(want - got) <= tolerance * max(1, abs(want)), f"{what}: row {i} head {h} feature {c}: expects {want:.7g}, but found {got:.7g}")
        if lse is not None:
            want, got = top + math.log(total) if keys else -math.inf, lse[i * heads + h]
            expect(want == got or abs(want - got) <= tolerance, f"{what}: row {i} head {h} lse: expects {want:.7g}, but found {got:.7g}")


def compare(text, shape, lengths, lse=False, element="f32"):
    see = predicate(text)
    with Folder() as folder:
        folder.compile(program("(q, k) : " + text, shape, lse, element=element))
        for nq, nk in lengths:
            data, tensors = inputs(shape, nq, nk, element)
            got = folder.run(tensors)
            check(see, shape, nq, nk, data, got["out"], f"{element}: {text}: {nq} x {nk}", got.get("lse"),
                  TOLERANCES["attention_bf16"] if element == "bf16" else TOLERANCE)


# ---- Tests

def published():
    for text in PUBLISHED:
        n = rnd.choice(LENGTHS[3:])
        compare(text, rnd.choice(SHAPES), [(n, n)])
    return f"{len(PUBLISHED)} masks"


def random_formulas():
    count = int(os.environ.get("QUOIN_MASKS", "40"))
    for i in range(count):
        n = rnd.choice(LENGTHS)
        lse = i % 4 == 0
        text = formula(3)
        compare(text if lse else f"({text}) or k eq q", SHAPES[i % 3], [(n, n), (rnd.choice(LENGTHS), rnd.choice(LENGTHS))], lse=lse)
    return f"{count} formulas"


def brain_floats():
    for i, text in enumerate(PUBLISHED[:6]):
        n = rnd.choice(LENGTHS[3:])
        compare(text, ((8, 2, 64), (4, 4, 16), (3, 1, 25))[i % 3], [(n, n)], lse=i % 2 == 0, element="bf16")
    return "6 masks"


def ragged():
    """Sequences of a batch see their own keys alone, and count from their own start."""
    shape, offsets = (4, 2, 16), [0, 3, 3, 80, 150]
    of = lambda i: max(n for n, start in enumerate(offsets[:-1]) if start <= i)
    with Folder() as folder:
        folder.compile(program("(q, k) : k le q and k mod 3 ne 1", shape, False, ", %s: tensor<?xi32>", "sequences(%s : tensor<?xi32>, %s : tensor<?xi32>)"))
        data, tensors = inputs(shape, 150, 150)
        tensors["query_offsets"] = ("I32", [len(offsets)], array.array("i", offsets).tobytes())
        local = lambda i: i - offsets[of(i)]
        see = lambda q, k: of(q) == of(k) and local(k) <= local(q) and local(k) % 3 != 1
        one = folder.run(tensors, "--threads", 1)["out"]
        check(see, shape, 150, 150, data, one, "ragged")
        expect(folder.run(tensors, "--threads", 2)["out"] == one, "two threads give other bits")
        tensors["query_offsets"] = ("I32", [2], array.array("i", [0, 149]).tobytes())
        save(folder / "in.safetensors", tensors)
        r = call("quoin-run", folder / "out", "--inputs", folder / "in.safetensors", "--outputs", folder / "o.safetensors", timeout=60)
        expect(r.returncode == 1 and "expects 'query_offsets' to end at 150, but found 149" in r.stderr, r.stderr)


def blind_queries():
    with Folder() as folder:
        folder.compile(program("(q, k) : label(k) eq label(q)", (4, 2, 16), False, ", %a: tensor<?xi32>", "labels(%a : tensor<?xi32>, %a : tensor<?xi32>)"))
        _, tensors = inputs((4, 2, 16), 70, 70)
        tensors["query_labels"] = ("I32", [70], array.array("i", range(70)).tobytes())
        save(folder / "in.safetensors", tensors)
        run = lambda: call("quoin-run", folder / "out", "--inputs", folder / "in.safetensors", "--outputs", folder / "o.safetensors", timeout=60)
        r = run()
        expect(r.returncode == 0 and "warning" not in r.stderr, r.stderr)
        folder.compile(program("(q, k) : label(k) lt label(q)", (4, 2, 16), False, ", %a: tensor<?xi32>", "labels(%a : tensor<?xi32>, %a : tensor<?xi32>)"))
        r = run()
        expect(r.returncode == 0 and "warning: query 0 sees no key; its result is 0" in r.stderr, r.stderr)


def symbols_and_labels():
    text = "(label(k) eq label(q) or k lt n) and q - k le 2 * m"
    labels = lambda n, every: array.array("i", [i // every % 4 for i in range(n)])
    with Folder() as folder:
        folder.compile(program("(q, k)[n, m] : " + text.replace("2 * m", "m * 2"), (4, 2, 16), True,
                               ", %n: index, %m: index, %a: tensor<?xi32>, %b: tensor<?xi32>",
                               "labels(%a : tensor<?xi32>, %b : tensor<?xi32>)", "[%n, %m]"))
        for nq, nk, n, m in ((70, 130, 5, 20), (129, 64, -3, 1 << 33), (3, 65, 64, 0)):
            ql, kl = labels(nq, 7), labels(nk, 11)
            data, tensors = inputs((4, 2, 16), nq, nk)
            number = lambda x: ("I64", [], struct.pack("<q", x))
            tensors.update(n=number(n), m=number(m), query_labels=("I32", [nq], ql.tobytes()), key_labels=("I32", [nk], kl.tobytes()))
            see = predicate(text, "n", "m", "label_q", "label_k")
            got = folder.run(tensors)
            check(lambda q, k: see(q, k, n, m, ql.__getitem__, kl.__getitem__), (4, 2, 16), nq, nk, data, got["out"], f"{nq} x {nk}", got["lse"])


def labels_of_the_mask():
    """Two arrays known when the mask is written; a call of another length is refused."""
    row, column = [i // 13 for i in range(130)], [i % 13 - 6 for i in range(130)]
    text = f"row = {row}, column = {column} : row(k) le row(q) and column(k) ge column(q)"
    with Folder() as folder:
        folder.compile(program("(q, k) where " + text, (4, 2, 16)))
        data, tensors = inputs((4, 2, 16), 130, 130)
        check(lambda q, k: row[k] <= row[q] and column[k] >= column[q], (4, 2, 16), 130, 130, data, folder.run(tensors)["out"], "arrays")
        save(folder / "in.safetensors", inputs((4, 2, 16), 129, 130)[1])
        r = call("quoin-run", folder / "out", "--inputs", folder / "in.safetensors", "--outputs", folder / "o.safetensors", timeout=60)
        expect(r.returncode == 1 and "expects size 0 of 'q' to be 130, but found 129" in r.stderr, r.stderr)


def tokens_in_other_orders():
    """Masks that visit fewer tiles once tokens are sorted: the same results, and metadata that says how many."""
    said = []
    for text, shape, length, lse, element in (
            ("k floordiv 16 + k mod 16 le q floordiv 16 + q mod 16", (4, 2, 16), 256, True, "f32"),
            ("k mod 4 eq q mod 4 and k le q", (3, 1, 25), 300, False, "bf16"),
            ("k floordiv 16 mod 2 * 2 + k mod 2 le q floordiv 16 mod 2 * 2 + q mod 2", (8, 2, 64), 320, True, "f32")):
        with Folder() as folder:
            folder.compile(program("(q, k) : " + text, shape, lse, length=length, element=element))
            data, tensors = inputs(shape, length, length, element)
            with open(folder / "out/model.json") as f:
                meta = json.load(f)
            passes = meta["passes"]["permute-rows"]
            expect(passes["num-attentions-permuted"] == 1, f"{text}: not permuted")
            expect(passes["num-tiles-visited-after"] * 10 <= passes["num-tiles-visited-before"] * 9, f"{text}: {passes}")
            expect("at(" not in meta["mask"], "the metadata has the mask as it was written")
            one = folder.run(tensors)
            check(predicate(text), shape, length, length, data, one["out"], text, one.get("lse"),
                  TOLERANCES["attention_bf16"] if element == "bf16" else TOLERANCE)
            expect(folder.run(tensors, "--threads", 2)["out"] == one["out"], f"{text}: two threads give other bits")
            said.append(f"{passes['num-tiles-visited-before']} -> {passes['num-tiles-visited-after']}")
    return "tiles " + ", ".join(said)


def definition(see, shape, nq, nk, data, scale):
    """Softmax of every row and its logarithm, as numpy computes them: the largest score is subtracted, and NaN is larger than any."""
    (heads, kv, size), (q, k, v) = shape, data
    exp = lambda x: x if math.isnan(x) else math.inf if x > 700 else math.exp(x)
    for i in range(nq):
        for h in range(heads):
            g = h // (heads // kv)
            keys = [j for j in range(nk) if see(i, j)]
            row = lambda m, at, head, of: m[(at * of + head) * size:][:size]
            s = [sum(x * y for x, y in zip(row(q, i, h, heads), row(k, j, g, kv))) * scale for j in keys]
            top = math.nan if any(map(math.isnan, s)) else max(s, default=-math.inf)
            e = [exp(x - top) for x in s]
            total = sum(e)
            over = lambda x: x / total if total else math.nan
            want = [over(sum(w * row(v, j, g, kv)[c] for w, j in zip(e, keys))) if keys else 0.0 for c in range(size)]
            lse = -math.inf if not keys else math.nan if math.isnan(total) or not total else top + math.log(total)
            yield i, h, want, lse


def equal(want, got, tolerance):
    if math.isnan(want) or math.isinf(want):
        return math.isnan(got) if math.isnan(want) else want == got
    return abs(want - got) <= tolerance * max(1, abs(want))


def special_numbers():
    """NaN, infinities, scores at the ends of the range: each row as by the definition, those that see nothing of it unmoved."""
    nan, inf, n, count = math.nan, math.inf, 70, 0
    payload = struct.unpack("<f", struct.pack("<I", 0x7FC12345))[0]
    order = [float(j) for j in range(n)]
    rnd.shuffle(order)

    def alone(data, shape, x, keys):
        """One feature counts, so that scores are exact."""
        for m, heads, values in ((data[0], shape[0], [x] * n), (data[1], shape[1], keys)):
            for i in range(len(m)):
                m[i] = 0 if i % shape[2] else values[i // (heads * shape[2])]

    def put(m, shape, heads, row, value, head=None):
        for h in range(heads) if head is None else [head]:
            m[(row * heads + h) * shape[2]] = value
    changes = {
        "query": lambda d, s: put(d[0], s, s[0], 5, payload), "query, one head": lambda d, s: put(d[0], s, s[0], 66, nan, s[0] - 1),
        "key": lambda d, s: put(d[1], s, s[1], 10, nan), "last key": lambda d, s: put(d[1], s, s[1], n - 1, payload, 0),
        "value": lambda d, s: put(d[2], s, s[1], 33, nan), "infinite value": lambda d, s: put(d[2], s, s[1], 65, -inf),
        "infinite key": lambda d, s: put(d[1], s, s[1], 20, inf), "infinite query": lambda d, s: put(d[0], s, s[0], 40, -inf),
        "keys all infinite": lambda d, s: [put(d[1], s, s[1], j, inf) for j in range(n)],
        "2^31": lambda d, s: alone(d, s, 2.0 ** 31, order), "minus 2^60": lambda d, s: alone(d, s, -2.0 ** 60, order),
        "2^120": lambda d, s: alone(d, s, 2.0 ** 120, order), "both ends": lambda d, s: alone(d, s, 2.0 ** 70, [(x - 35) * 2.0 ** 52 for x in order]),
    }
    for shape, element, text, scale in (((4, 2, 8), "f32", "k le q", 1.0), ((2, 2, 20), "f32", "q - k lt 9 and k le q and q ne 3", -0.25),
                                        ((4, 1, 16), "bf16", "k floordiv 4 le q floordiv 4", 0.5), ((2, 1, 9), "bf16", "k ge 0", 1.0),
                                        ((2, 1, 8), "f32", "k ge 0", 0.0)):
        see = predicate(text)
        with Folder() as folder:
            folder.compile(program("(q, k) : " + text, shape, True, element=element, scale=scale))
            for name, change in changes.items():
                data, tensors = inputs(shape, n, n, element)
                change(data, shape)
                for key, m in zip("qkv", data):
                    tensors[key] = (*tensors[key][:2], narrowed(m)[0] if element == "bf16" else m.tobytes())
                got = folder.run(tensors)
                tolerance = TOLERANCES["attention_bf16"] if element == "bf16" else TOLERANCE
                for i, h, want, lse in definition(see, shape, n, n, data, scale):
                    at = i * shape[0] + h
                    what = f"{element} {text} scale {scale}, {name}: row {i} head {h}"
                    for c in range(shape[2]):
                        found = got["out"][at * shape[2] + c]
                        expect(equal(want[c], found, tolerance), f"{what} feature {c}: expects {want[c]}, but found {found}")
                    expect(equal(lse, got["lse"][at], tolerance), f"{what}: expects the logarithm {lse}, but found {got['lse'][at]}")
                    count += 1
    return f"{count} rows"


def same_bits_for_any_threads():
    with Folder() as folder:
        folder.compile(program("(q, k) : k floordiv 8 le q floordiv 8", (8, 2, 64)))
        _, tensors = inputs((8, 2, 64), 150, 150)
        one = folder.run(tensors, "--threads", 1)["out"]
        for threads in (2, 3):
            expect(folder.run(tensors, "--threads", threads)["out"] == one, f"{threads} threads give other bits")


def the_example():
    with open(os.path.join(harness.ROOT, "examples", "attention.mlir")) as f:
        text = f.read()
    expect(len(re.findall(r"#quoin\.mask<[^<>]*>", text)) == 1, "examples/attention.mlir must hold exactly one #quoin.mask<...>")
    with Folder() as folder:
        folder.compile(text)
        data, tensors = inputs((8, 2, 64), 75, 90)
        check(lambda q, k: k // 32 <= q // 32, (8, 2, 64), 75, 90, data, folder.run(tensors)["out"], "example")
        expect("attention" in tool("quoin-run", folder / "out", "--describe"), "--describe names the function")
    with Folder() as folder, open(os.path.join(harness.ROOT, "examples", "ragged-attention.mlir")) as f:
        folder.compile(f.read())
        data, tensors = inputs((8, 2, 64), 75, 40, "bf16")
        for name, offsets in (("query_offsets", [0, 40, 75]), ("key_offsets", [0, 40, 40])):
            tensors[name] = ("I32", [3], array.array("i", offsets).tobytes())
        got = folder.run(tensors)
        check(lambda q, k: q < 40 and k // 32 <= q // 32, (8, 2, 64), 75, 40, data, got["out"], "ragged example", got["lse"], TOLERANCES["attention_bf16"])


def refused(text, message):
    with Folder() as folder:
        with open(folder / "a.mlir", "w") as f:
            f.write(text)
        r = call("quoin-compile", folder / "a.mlir", "-o", folder / "out", timeout=60)
        expect(r.returncode == 1 and message in r.stderr, f"expects exit 1 with '{message}', but found {r.returncode}: {r.stderr[-300:]}")
        expect(not os.path.exists(folder / "out"), "a refused program leaves nothing behind")


def bad_masks():
    for mask, message in (("(q, k) : q * k le 4", "expects a constant operand of '*', but both vary"),
                          ("(q, k) : q floordiv 0 le k", "expects a positive divisor of 'floordiv', but found 0"),
                          ("(q, k) : q mod -2 le k", "expects a positive divisor of 'mod', but found -2"),
                          ("(q, k) : q le 9999999999999999999", "expects an integer of at most"),
                          ("(q, k) : q le prompt", "expects a term, but found 'prompt'"),
                          ("(q, k) : k * 1099511627776 le q", "but 'k * 1099511627776' may reach 2^71"),
                          ("(q, k) : k le q and k gt q", "but row 0 of 1 sees none in 'k gt q'"),
                          ("(q, k) where a = [0, 1], b = [2] : a(k) le b(q)", "expects 2 labels 'b', as many as of 'a', but found 1"),
                          ("(q, k)[n] : q le n", "expects 1 symbols of the mask, but found 0")):
        refused(program(mask, (4, 2, 16)), message)


def bad_inputs():
    with Folder() as folder:
        folder.compile(program("(q, k) : k le q", (4, 2, 16)))
        _, good = inputs((4, 2, 16), 9, 7)
        for name, change, message in (
                ("k", ("F32", [7, 3, 16], bytes(7 * 3 * 16 * 4)), "expects size 1 of 'k' to be 2, but found 3"),
                ("v", ("F32", [8, 2, 16], bytes(8 * 2 * 16 * 4)), "expects size 0 of 'v' to be 7, as that of 'k', but found 8"),
                ("q", ("F32", [9, 64], bytes(9 * 64 * 4)), "expects rank 3 of 'q'"),
                ("q", ("BF16", [9, 4, 16], bytes(9 * 64 * 2)), "expects elements F32 of 'q'"), ("v", None, "found no 'v'")):
            tensors = {n: t for n, t in {**good, name: change}.items() if t}
            save(folder / "in.safetensors", tensors)
            r = call("quoin-run", folder / "out", "--inputs", folder / "in.safetensors", "--outputs", folder / "o.safetensors", timeout=60)
            expect(r.returncode == 1 and message in r.stderr, f"expects '{message}', but found {r.returncode}: {r.stderr[-300:]}")
            expect(not os.path.exists(folder / "o.safetensors"), "no output after an error")


if __name__ == "__main__":
    harness.main([("published masks", published), ("random formulas", random_formulas), ("bf16", brain_floats), ("ragged batch", ragged),
                  ("queries that see nothing", blind_queries), ("symbols, labels, lse", symbols_and_labels), ("labels of the mask", labels_of_the_mask),
                  ("tokens in other orders", tokens_in_other_orders),
                  ("special numbers", special_numbers), ("threads", same_bits_for_any_threads), ("example", the_example), ("bad masks", bad_masks), ("bad inputs", bad_inputs)])
