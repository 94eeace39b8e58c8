#!/usr/bin/env python3
"""Bodies of models that nobody meant: changed at random, they are refused alike by all tools, or computed as written.

A legal body, before or after `prune-rows`, is changed a few times: operands swapped, indices computed or exchanged, ops doubled,
dropped, moved or put in from elsewhere, numbers and weights exchanged, types changed. What quoin-opt refuses, quoin-interpret and
quoin-compile must refuse with the same words; for all others the compiled program, at -O0 and -O2, must give the interpreter's
tokens and confidences. QUOIN_BODIES sets how many bodies are tried (default 80).
"""
import os
import random
import re
import shutil
import tempfile

import harness
import modules
from checkpoint import pack, save
from harness import expect
from tolerances import TOLERANCES

BODIES = int(os.environ.get("QUOIN_BODIES", "48"))

# Widths that are no multiples of a vector, and two that are equal, so that swapped operands often fit.
VOCABULARY, HIDDEN, KEYS, INNER = 41, 24, 12, 30
WEIGHTS = dict(embed=(VOCABULARY, HIDDEN), head=(VOCABULARY, HIDDEN), small=(VOCABULARY - 1, HIDDEN), norm=(HIDDEN,), head_norm=(4,),
               q=(HIDDEN, HIDDEN), q_bias=(HIDDEN,), k=(KEYS, HIDDEN), v=(KEYS, HIDDEN), o=(HIDDEN, HIDDEN), gate=(INNER, HIDDEN),
               up=(INNER, HIDDEN), down=(HIDDEN, INNER))
D, K, M = (f"tensor<?x{w}xf32>" for w in (HIDDEN, KEYS, INNER))
POSITIONS = "tensor<?xindex>"

HEAD = """
#block = #quoin.mask<block_causal<4>>
module attributes {quoin.fill = 40 : i32, quoin.vocabulary = 41 : index, quoin.capacity = 48 : index, quoin.source = "."} {
  func.func private @f() { return }
"""
STEP = """
        %l = quoin.forward @m of %y[to %hi] read %rows mask #block
        %token, %confidence = quoin.score %l [token, confidence] : tensor<?xi32>, tensor<?xf32>
        %best = quoin.top %confidence, %two
        %z = quoin.fill %y at %rows with %token where %best"""
DECODER = HEAD + modules.blockwise("d", STEP, before="    %two = arith.constant 2 : index", commit="#block", model="m")


def write_weights(path):
    rnd, entries = random.Random(5), []
    for name, shape in WEIGHTS.items():
        count, vector = shape[0] * (shape[1] if len(shape) > 1 else 1), len(shape) == 1
        numbers = [rnd.gauss(1.0, 0.2) if vector else rnd.gauss(0, 1.3 / shape[1] ** 0.5) for _ in range(count)]
        entries.append((name, "F32", list(shape), pack(numbers, "F32")))
    save(path, entries)


class Op:
    """A line of a body: its text has a place `{i}` for each operand, which is a value's name."""

    def __init__(self, result, type, text, *operands):
        self.result, self.type, self.text, self.operands = result, type, text, list(operands)

    def __str__(self):
        return (f"%{self.result} = " if self.result else "") + self.text.format(*(f"%{o}" for o in self.operands))

    def copy(self, result=None):
        return Op(result or self.result, self.type, self.text, *self.operands)


def linear(result, weight, operand, to, of=D, bias=""):
    return Op(result, to, f"quoin.linear {{0}} by @{weight}{bias} : {of} -> {to}", operand)


def norm(result, operand, weight="norm", type=D):
    return Op(result, type, f"quoin.rms_norm {{0}} by @{weight} epsilon 1.0e-6 : {type}", operand)


def rotary(result, operand, type, positions="positions"):
    return Op(result, type, f"quoin.rotary {{0}} at {{1}} theta 100.0 head_dim 4 : {type}", operand, positions)


# What layers see of what the mask shows; under the last one some rows see nothing.
WITHIN = ["", "", " within #quoin.mask<window<3>>", " within #quoin.mask<block_causal<2>>", " within #quoin.mask<(q, k) : (q - k) mod 3 ne 1>",
          " within #quoin.mask<(q, k) : q - k ge 2>"]


def attention(result, q, k, v, rows=None, within=""):
    text = "quoin.attention {0}, {1}, {2}" + (" rows {3}" if rows else "")
    return Op(result, D, f"{text} heads 6 kv_heads 3 head_dim 4{within} scale 0.5 : {D}, {K}, {K}", q, k, v, *([rows] if rows else []))


def gather(result, operand, type=D):
    return Op(result, type, f"quoin.gather_rows {{0}} at {{1}} : {type}", operand, "read")


def add(result, a, b, type=D):
    return Op(result, type, f"arith.addf {{0}}, {{1}} : {type}", a, b)


def layer(i, x, pruned, within):
    """A layer over the value x; pruned: its queries and all behind them are rows read."""
    n = lambda name: f"{name}{i}"
    ops = [norm(n("n"), x), linear(n("k"), "k", n("n"), K), norm(n("kn"), n("k"), "head_norm", K), rotary(n("kr"), n("kn"), K),
           linear(n("v"), "v", n("n"), K)]
    source, positions = n("n"), "positions"
    if pruned:
        ops += [gather(n("gn"), n("n")), gather(n("gx"), x), gather(n("gp"), "positions", POSITIONS)]
        source, x, positions = n("gn"), n("gx"), n("gp")
    return ops + [linear(n("q"), "q", source, D, bias=" bias @q_bias"), rotary(n("qr"), n("q"), D, positions),
                  attention(n("a"), n("qr"), n("kr"), n("v"), "read" if pruned else None, within), linear(n("o"), "o", n("a"), D),
                  add(n("h"), x, n("o")), norm(n("m"), n("h")), linear(n("g"), "gate", n("m"), M), linear(n("u"), "up", n("m"), M),
                  Op(n("s"), M, f"quoin.swiglu {{0}}, {{1}} : {M}", n("g"), n("u")), linear(n("d"), "down", n("s"), D, M),
                  add(n("y"), n("h"), n("d"))]


def hidden(value):
    return Op(None, None, f"quoin.hidden {{0}} : {D}", value)


def program(ops, read):
    third = f", %read: {POSITIONS}" if read else ""
    lines = "".join(f"    {op}\n" for op in ops)
    weights = "".join(f'  quoin.weight @{n} : tensor<{"x".join(map(str, s))}xf32> from "w.safetensors" tensor "{n}"\n'
                      for n, s in WEIGHTS.items())
    return f"{DECODER}  quoin.model @m head @head {{\n  ^bb0(%ids: tensor<?xi32>, %positions: {POSITIONS}{third}):\n{lines}  }}\n{weights}}}\n"


class Body:
    """A legal body to be changed."""

    def __init__(self, rnd, read):
        self.rnd, self.fresh, self.read = rnd, 0, read
        layers = rnd.choice([1, 2])
        self.ops = [Op("x", D, f"quoin.embed {{0}} by @embed : {D}", "ids")]
        for i in range(layers):
            self.ops += layer(i, self.ops[-1].result if i else "x", self.read and i == layers - 1, rnd.choice(WITHIN))
        self.ops += [norm("f", self.ops[-1].result), hidden("f")]

    def text(self):
        return program(self.ops, self.read)

    def values(self, before, type=None):
        """Names of values above a place, of one type or of any."""
        all = {"ids": "tensor<?xi32>", "positions": POSITIONS, **({"read": POSITIONS} if self.read else {})}
        all.update({op.result: op.type for op in self.ops[:before] if op.result})
        return [n for n, t in all.items() if type is None or t == type]

    def type_of(self, name):
        return {"ids": "tensor<?xi32>"}.get(name) or next((op.type for op in self.ops if op.result == name), POSITIONS)

    def name(self):
        self.fresh += 1
        return f"z{self.fresh}"

    def use(self, name, at):
        """Lets an op behind a place use a value."""
        type = self.type_of(name)
        users = [(op, i) for op in self.ops[at:] for i, o in enumerate(op.operands) if self.type_of(o) == type and op.result != name]
        if users:
            op, i = self.rnd.choice(users)
            op.operands[i] = name

    # What may be done to a body. Half of the time a change asks for a value of the right type, so that it is often legal.

    def swap_operand(self):
        at = self.rnd.randrange(len(self.ops))
        op = self.ops[at]
        if op.operands:
            i = self.rnd.randrange(len(op.operands))
            type = self.type_of(op.operands[i]) if self.rnd.random() < 0.9 else None
            op.operands[i] = self.rnd.choice(self.values(at, type) or ["x"])

    def exchange_operands(self):
        op = self.rnd.choice([o for o in self.ops if len(o.operands) > 1])
        self.rnd.shuffle(op.operands)

    def compute_an_index(self):
        at, type, name = self.rnd.randrange(len(self.ops)), self.rnd.choice([POSITIONS, POSITIONS, "tensor<?xi32>"]), self.name()
        value = self.rnd.choice(self.values(at, type))
        self.ops.insert(at, Op(name, type, self.rnd.choice(["arith.addi", "arith.muli", "arith.maxsi"]) + f" {{0}}, {{1}} : {type}", value, value))
        self.use(name, at + 1)

    def put_in(self):
        """An op from elsewhere; some have no result, some no use."""
        at, name = self.rnd.randrange(1, len(self.ops)), self.name()
        value = self.rnd.choice([v for v in self.values(at) if self.type_of(v).endswith("xf32>")])
        type = self.type_of(value)
        text = self.rnd.choice(["arith.mulf {0}, {0} : " + type, "arith.subf {0}, {0} : " + type, "math.exp {0} : " + type,
                                "arith.negf {0} : " + type, "tensor.cast {0} : " + type + " to " + type,
                                "arith.constant dense<1.0> : tensor<4x24xf32>", "func.call @f() : () -> ()",
                                "quoin.fill {0} at {0} with {0}", "scf.execute_region {{ scf.yield }}", "tensor.dim {0}, {0} : " + type])
        result = None if "call" in text or "region" in text else name
        self.ops.insert(at, Op(result, type, text, value))
        if result and self.rnd.random() < 0.7:
            self.use(name, at + 1)

    def add_rows(self):
        at, name, type = self.rnd.randrange(1, len(self.ops)), self.name(), self.rnd.choice([D, D, K, M])
        values = self.values(at, type)
        if values:
            self.ops.insert(at, add(name, self.rnd.choice(values), self.rnd.choice(values), type))
            self.use(name, at + 1)

    def double(self):
        at = self.rnd.randrange(len(self.ops) - 1)
        copy = self.ops[at].copy(self.name())
        self.ops.insert(at + 1, copy)
        if self.rnd.random() < 0.7:
            self.use(copy.result, at + 2)

    def drop(self):
        at = self.rnd.randrange(len(self.ops) - 1)
        op = self.ops.pop(at)
        same = self.values(at, op.type)
        for user in self.ops[at:]:
            user.operands = [self.rnd.choice(same) if o == op.result and same else o for o in user.operands]

    def move(self):
        op = self.ops.pop(self.rnd.randrange(len(self.ops) - 1))
        self.ops.insert(self.rnd.randrange(len(self.ops)), op)

    def exchange_weight(self):
        op = self.rnd.choice([o for o in self.ops if "@" in o.text])
        old = re.search(r"by @(\w+)", op.text)[1]
        like = [n for n, s in WEIGHTS.items() if s == WEIGHTS[old]] if self.rnd.random() < 0.7 else list(WEIGHTS)
        op.text = op.text.replace(f"by @{old}", f"by @{self.rnd.choice(like)}")

    def change_number(self):
        op = self.rnd.choice([o for o in self.ops if re.search(r" (epsilon|theta|head_dim|heads|scale) ", o.text)])
        word = self.rnd.choice(re.findall(r" (epsilon|theta|head_dim|kv_heads|heads|scale) ", op.text))
        number = dict(epsilon=["0.0", "1.0e-3", "1.0e-45", "-1.0"], theta=["3.0", "1.0e6", "0.5", "0.0"], head_dim=["2", "12", "3", "0"],
                      kv_heads=["6", "1", "0"], heads=["3", "12", "-6"], scale=["0.0", "-0.7", "1.0e39"])[word]
        op.text = re.sub(rf" {word} \S+", f" {word} {self.rnd.choice(number)}", op.text)

    def change_type(self):
        op = self.rnd.choice([o for o in self.ops if o.type])
        op.text = op.text.replace(self.rnd.choice([D, K, M]), self.rnd.choice([D, K, "tensor<4x24xf32>", "tensor<?x?xf32>", "tensor<?x24xf64>"]))

    def gather_again(self):
        at, name = self.rnd.randrange(1, len(self.ops)), self.name()
        value = self.rnd.choice([v for v in self.values(at) if v != "ids"])
        op = gather(name, value, self.type_of(value))
        op.operands[1] = self.rnd.choice(self.values(at, POSITIONS))
        self.ops.insert(at, op)
        self.use(name, at + 1)

    def change_arguments(self):
        self.read = not self.read


CHANGES = [Body.swap_operand] * 3 + [Body.exchange_operands, Body.compute_an_index, Body.put_in, Body.double, Body.double, Body.drop,
           Body.move, Body.exchange_weight, Body.exchange_weight, Body.change_number, Body.change_type, Body.gather_again,
           Body.change_arguments] + [Body.add_rows] * 3


def message(process, tool):
    """The text of the only error of a tool that refused."""
    errors = re.findall(r"error: (.*)", process.stderr)
    expect(process.returncode == 1 and len(errors) == 1, f"{tool}: expects exit 1 and one error, but found {process.returncode}: {process.stderr[-500:]}")
    expect("Stack dump" not in process.stderr, f"{tool}: expects no stack trace")
    return re.sub(r"^\S+\.mlir:\d+:\d+: ", "", errors[0])


REQUESTS = [dict(ids=[3, 1, 4, 1, 5, 9], max_tokens=5), dict(ids=[2], max_tokens=9), dict(ids=[7, 1, 8, 2, 8, 1, 8, 2, 8], max_tokens=3)]


def compare(want, got, form, allowed=TOLERANCES["confidence"]):
    worst = 0.0
    (answers, traces), (answers2, traces2) = want, got
    for a, b in zip(answers, answers2):
        expect(a["ids"] == b["ids"], f"{form}: expects ids {a['ids']}, but found {b['ids']}")
    for a, b in zip((e for t in traces for e in t), (e for t in traces2 for e in t)):
        for (_, _, x), (_, _, y) in zip(a["filled"], b["filled"]):
            expect((x is None) == (y is None), f"{form}: expects confidence {x}, but found {y}")
            worst = max(worst, 0.0 if x is None else abs(x - y))
    expect(worst <= allowed, f"{form}: confidences differ by {worst:.2g}, more than {allowed:.2g}")
    return worst


def draw(index):
    """The index-th body; the first two are as they should be."""
    rnd = random.Random(7000 + index)
    body = Body(rnd, index % 2 == 1)
    for _ in range(rnd.choice([1, 1, 2, 3]) if index > 1 else 0):
        rnd.choice(CHANGES)(body)
    return body


def is_legal(text, folder, name):
    """Do all tools take it? Otherwise they refuse it with the same words."""
    file, out = os.path.join(folder, name + ".mlir"), os.path.join(folder, name + ".out")
    with open(file, "w") as f:
        f.write(text)
    verdict = harness.call("quoin-opt", file, "-o", os.devnull)
    if verdict.returncode == 0:
        return True
    words = message(verdict, "quoin-opt")
    for tool, args in (("quoin-interpret", ("--prompt-ids", "1,2")), ("quoin-compile", ("-o", out))):
        found = message(harness.call(tool, file, *args), tool)
        expect(found == words, f"{tool}: expects the error of quoin-opt, '{words}', but found '{found}'")
    expect(not os.path.exists(out), "expects no artefact")
    return False


def together(bodies, read):
    """A model of all bodies: its rows are the sum of theirs, each of the same size. So they share the time to compile."""
    ops, total = [], None
    for i, body in enumerate(bodies):
        own = lambda name: name if name in ("ids", "positions", "read") else f"{name}_{i}"
        ops += [Op(own(op.result), op.type, op.text, *map(own, op.operands)) for op in body.ops[:-1]]
        ops.append(norm(f"part{i}", own(body.ops[-1].operands[0])))
        if total:
            ops.append(add(f"sum{i}", total, f"part{i}"))
        total = ops[-1].result
    return program(ops + [norm("all", total), hidden("all")], read)


def compare_forms(text, folder, name):
    """The compiled program and the interpreter."""
    file, out = os.path.join(folder, name + ".mlir"), os.path.join(folder, name + ".out")
    with open(file, "w") as f:
        f.write(text)
    want = harness.traced("quoin-interpret", file, REQUESTS)
    for level in ("-O0", "-O2"):
        harness.tool("quoin-compile", file, "-o", out, level)
        compare(want, harness.traced("quoin-run", out, REQUESTS, "--threads", "2"), f"compiled {level}")


def check(read):
    """All bodies with a third argument, or all without one."""
    legal, refused = [], 0
    with harness.scratch() as folder:
        write_weights(os.path.join(folder, "w.safetensors"))
        for index in range(BODIES):
            body = draw(index)
            if body.read != read:
                continue
            try:
                good = is_legal(body.text(), folder, f"body-{index}")
            except harness.Failure as e:
                raise harness.Failure(f"body {index}: {e}") from e
            refused += not good
            legal += [(index, body)] if good else []
        expect(len(legal) >= BODIES // 10 and refused >= BODIES // 10, f"expects bodies of both kinds, but found {len(legal)} and {refused}")
        try:
            compare_forms(together([b for _, b in legal], read), folder, "together")
        except harness.Failure as e:
            for index, body in legal:
                try:
                    compare_forms(body.text(), folder, f"body-{index}")
                except harness.Failure as alone:
                    raise harness.Failure(f"body {index}: {alone}") from alone
            raise e
        return f"{len(legal)} bodies computed as written, {refused} refused"


# Ops of other dialects: words of the numbered constraint, from every tool.
FOREIGN = {"linalg": "%g = linalg.copy ins(%f : tensor<?x24xf32>) outs(%f : tensor<?x24xf32>) -> tensor<?x24xf32>",
           "bufferization": "%g = bufferization.alloc_tensor() : tensor<2x24xf32>", "ub": "%g = ub.poison : tensor<?x24xf32>",
           "llvm": "%g = llvm.mlir.undef : i32", "gpu": "%g = gpu.thread_id x", "math": "%g = math.exp %f : tensor<?x24xf32>"}


def foreign(dialect):
    """Also of a dialect that no program needs: it is the verifier that refuses it, not the parser."""
    def test():
        text, name = program([Op("f", D, f"quoin.embed {{0}} by @embed : {D}", "ids"), hidden("f")], False), re.match(r"[\w.]+", FOREIGN[dialect][5:])[0]
        folder = tempfile.mkdtemp()
        try:
            write_weights(os.path.join(folder, "w.safetensors"))
            file = os.path.join(folder, "m.mlir")
            with open(file, "w") as f:
                f.write(text.replace("    quoin.hidden", f"    {FOREIGN[dialect]}\n    quoin.hidden"))
            for tool, args in (("quoin-opt", ("-o", os.devnull)), ("quoin-interpret", ("--prompt-ids", "1,2")),
                               ("quoin-compile", ("-o", os.path.join(folder, "out")))):
                found = message(harness.call(tool, file, *args), tool)
                want = f"'quoin.model' op expects a body of model ops, but found '{name}'"
                expect(found == want, f"{tool}: expects {want}, but found {found}")
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    return test


if __name__ == "__main__":
    harness.main([("bodies-of-whole-calls", lambda: check(False)), ("bodies-of-rows-read", lambda: check(True))] +
                 [(f"foreign-{dialect}", foreign(dialect)) for dialect in FOREIGN])
