#!/usr/bin/env python3
"""Programs that a stranger wrote: whatever a .mlir file says, tools end, with one error or with a program that runs."""
import os
import shutil
import tempfile

import harness
import modules
from damage import SHAPE, refuse
from checkpoint import write
from harness import expect


class Program:
    """The importer's program for a small checkpoint, to be changed."""

    def __enter__(self):
        self.top = tempfile.mkdtemp()
        model = write(os.path.join(self.top, "hf"), SHAPE)
        self.file, self.out = os.path.join(self.top, "program.mlir"), os.path.join(self.top, "out")
        harness.tool("quoin-import", model, "-o", self.file)
        self.text = open(self.file).read()
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.top, ignore_errors=True)

    def put(self, text):
        open(self.file, "w").write(text)

    def replace(self, old, new):
        expect(old in self.text, f"expects '{old}' in the program")
        self.put(self.text.replace(old, new, 1))

    def insert(self, lines, functions=""):
        """Lines at the beginning of the decoder, functions before it."""
        at = self.text.index("  quoin.decoder")
        body = self.text.index("\n", at) + 1
        self.put(self.text[:at] + functions + self.text[at:body] + lines + self.text[body:])


REQUEST = ("--prompt-ids", "1,2,3", "--max-tokens", "8", "--json")


def refused(change, *words, interpreted=True):
    """quoin-compile and quoin-interpret both refuse it."""
    def test():
        with Program() as p:
            change(p)
            refuse(harness.call("quoin-compile", p.file, "-o", p.out), *words)
            expect(not os.path.exists(p.out), "expects no artefact")
            if interpreted:
                refuse(harness.call("quoin-interpret", p.file, *REQUEST), *words)
    return test


def runs_or_is_refused(change, *words):
    """It compiles; what then runs ends with an error that holds these words, or with the tokens of the interpreter."""
    def test():
        with Program() as p:
            change(p)
            for level in ("-O0", "-O1"):
                harness.tool("quoin-compile", p.file, "-o", p.out, level)
                run, meaning = harness.call("quoin-run", p.out, *REQUEST), harness.call("quoin-interpret", p.file, *REQUEST)
                if words:
                    refuse(run, *words)
                    refuse(meaning)
                else:
                    expect(run.returncode == meaning.returncode == 0, f"expects to run: {run.stderr}{meaning.stderr}")
                    ids = [r.stdout.split('"ids":')[1].split("]")[0].replace(" ", "") for r in (run, meaning)]
                    expect(ids[0] == ids[1], f"expects the tokens {ids[1]}, but found {ids[0]}")
    return test


def nested(opening, closing, depth=100000):
    return lambda p: p.put(f"module attributes {{x = {opening * depth}{closing * depth}}} {{}}")


def open_brackets_in_strings_and_comments(p):
    p.put("// " + "(" * 5000 + "\n" + p.text.replace('quoin.architecture = "', 'quoin.architecture = "' + "[" * 5000 + '\\"', 1))


def doubling(p):
    functions = "".join(f"  func.func private @f{i}() {{\n    func.call @f{i + 1}() : () -> ()\n    func.call @f{i + 1}() : () -> ()\n"
                        "    return\n  }\n" for i in range(40)) + "  func.func private @f40() { return }\n"
    p.insert("    func.call @f0() : () -> ()\n", functions)


def chain(p):
    lines = "    %z0 = arith.addi %max, %max : index\n"
    lines += "".join(f"    %z{i + 1} = arith.addi %z{i}, %max : index\n" for i in range(5000))
    p.insert(lines + "    %zz = arith.minui %z5000, %max : index\n")


def ifs(p):
    p.insert("    %t = arith.constant true\n" + "scf.if %t {\n" * 100 + "}\n" * 100)


def swap(old, new):
    return lambda p: p.replace(old, new)


def no_decoder(p):
    p.put(modules.with_decoders(p.text, ""))


def decoder_twice(p):
    p.put(modules.with_decoders(p.text, 2 * modules.parts(p.text)[1]))


def no_steps_at_all(p):
    """A decoder that never denoises: positions stay open."""
    a, b = p.text.index("      %full, %steps = quoin.denoise"), p.text.index("      %stop = quoin.find_stop")
    p.put(p.text[:a] + "      %done = quoin.extend %x by %c0\n" + p.text[b:])


def names_with_line_breaks():
    with Program() as p:
        p.replace('quoin.source = "', 'quoin.source = "/no\\0A\\00where')
        process = harness.call("quoin-compile", p.file, "-o", p.out)
        refuse(process, "where")
        expect("\0" not in process.stderr, "expects no zero byte in a message")


def huge_constant(p):
    p.insert("    %c = arith.constant dense<1> : tensor<4611686018427387904xindex>\n"
             "    %e = tensor.extract %c[%max] : tensor<4611686018427387904xindex>\n    %l = quoin.span %e to %e\n")


def interpreter_refuses_a_huge_constant():
    with Program() as p:
        huge_constant(p)
        refuse(harness.call("quoin-interpret", p.file, *REQUEST), "4611686018427387904")


def not_a_program(content):
    def test():
        with Program() as p:
            open(p.file, "wb").write(content)
            refuse(harness.call("quoin-compile", p.file, "-o", p.out))
            refuse(harness.call("quoin-interpret", p.file, *REQUEST))
    return test


def endless(*bodies, functions="", levels=("-O0", "-O1")):
    """A loop that never runs the model: stopped, with the same words by both, after the bound that is given or their own. (Upstream's
    simplifications remove a loop of which nothing changes.)"""
    def test():
        words = "expects a run of the model"
        for lines in bodies:
            with Program() as p:
                p.insert(lines, functions)
                for level in levels:
                    harness.tool("quoin-compile", p.file, "-o", p.out, level)
                    refuse(harness.call("quoin-run", p.out, *REQUEST), words)
                    refuse(harness.call("quoin-run", p.out, *REQUEST, "--max-rounds", "5000"), f"{words} within 5000 rounds")
                refuse(harness.call("quoin-interpret", p.file, *REQUEST, "--max-rounds", "5000"), f"{words} within 5000 rounds")
    return test


FOREVER = """    %yes = arith.constant true
    %forever = scf.while (%v = VALUE) : (TYPE) -> TYPE {
      scf.condition(%yes) %v : TYPE
    } do {
    ^bb0(%v: TYPE):
BODY      scf.yield %v1 : TYPE
    }
"""
# What nobody asks for is removed.
ASKED = """    %size = arith.addi %forever, %max : index
    %fine = arith.cmpi ne, %size, %max : index
    cf.assert %fine, "no"
"""


def forever(value, kind, body):
    return FOREVER.replace("VALUE", value).replace("TYPE", kind).replace("BODY", "".join(f"      {line}\n" for line in body))


# What the loops do: nothing, arithmetic, values of their own, loops in loops, functions.
NOTHING = FOREVER.replace("VALUE", "%max").replace("TYPE", "index").replace("BODY", "").replace("%v1", "%v") + ASKED
COUNTING = "    %one = arith.constant 1 : index\n" + forever("%max", "index", ["%v1 = arith.addi %v, %one : index"]) + ASKED
SEQUENCES = "    %none = arith.constant 0 : index\n" + forever("%prompt", "!quoin.sequence", ["%v1 = quoin.extend %v by %none"]) + \
    ASKED.replace("%forever", "%len").replace("    %size", "    %len = quoin.length %forever\n    %size", 1)
LONG_FOR = """    %none = arith.constant 0 : index
    %one = arith.constant 1 : index
    %much = arith.constant 4611686018427387904 : index
    %sum = scf.for %i = %none to %much step %one iter_args(%s = %max) -> (index) {
      %t = scf.for %j = %none to %i step %one iter_args(%u = %s) -> (index) {
        %w = arith.xori %u, %j : index
        scf.yield %w : index
      }
      scf.yield %t : index
    }
""" + ASKED.replace("%forever", "%sum")
CALLED = forever("%max", "index", ["%v1 = func.call @same(%v) : (index) -> index"]) + ASKED
SAME = "  func.func private @same(%x: index) -> index {\n    return %x : index\n  }\n"

STEPS, BLOCK = "steps = 4 : index", "%B = arith.constant 4 : index"
TESTS = [
    ("nested-lists", refused(nested("[", "]"), "1000", "100001")),
    ("nested-types", refused(nested("tuple<", ">"), "1000", "100001")),
    ("nested-regions", refused(lambda p: p.put("module {" * 20000 + "}" * 20000), "1000", "20000")),
    ("nested-open", refused(lambda p: p.put("module {" + "(" * 100000), "1000", "100001")),
    ("not-nested", runs_or_is_refused(open_brackets_in_strings_and_comments)),
    ("nested-ifs", runs_or_is_refused(ifs)),
    ("long-chain", runs_or_is_refused(chain)),
    ("doubling-calls", refused(doubling, "10000", interpreted=False)),
    ("recursion", refused(lambda p: p.insert("    func.call @f() : () -> ()\n",
                                             "  func.func private @f() {\n    func.call @f() : () -> ()\n    return\n  }\n"), "@f", interpreted=False)),
    ("calls-nothing", refused(lambda p: p.insert("    func.call @nowhere() : () -> ()\n"), "nowhere")),
    ("capacity-huge", refused(swap("quoin.capacity = 64", "quoin.capacity = 9223372036854775807"), "16777216", "9223372036854775807")),
    ("capacity-zero", refused(swap("quoin.capacity = 64", "quoin.capacity = 0"), "quoin.capacity", "0")),
    ("fill-past-vocabulary", refused(swap("quoin.fill = 269", "quoin.fill = 270"), "quoin.fill", "270")),
    ("fill-past-head", refused(lambda p: p.put(p.text.replace("quoin.fill = 269", "quoin.fill = 270").replace("quoin.vocabulary = 270 : index,", "")),
                               "quoin.fill", "270", interpreted=False)),
    ("no-fill", runs_or_is_refused(swap("quoin.fill = 269 : i32,", ""), "fill")),
    ("no-decoder", refused(no_decoder, "quoin.decoder", interpreted=False)),
    ("decoder-twice", refused(decoder_twice, "sdar-dynamic")),
    ("decoder-without-denoise", runs_or_is_refused(no_steps_at_all)),
    ("no-model", refused(swap("quoin.model @model", "quoin.model @other"), "@model")),
    ("model-is-a-weight", refused(swap("forward @model", "forward @head"), "@head")),
    ("weight-of-nothing", refused(swap("tensor<16x32xf32>", "tensor<0x32xf32>"), "from 1 to", "0")),
    ("weight-of-any-size", refused(swap("tensor<16x32xf32>", "tensor<?x32xf32>"), "static shape")),
    ("weight-of-doubles", refused(swap("tensor<16x32xf32>", "tensor<16x32xf64>"), "f64")),
    ("heads-of-nothing", refused(swap("heads 2 kv_heads 1 head_dim 16", "heads 0 kv_heads 0 head_dim 16"), "kv_heads", "0")),
    ("steps-zero", runs_or_is_refused(swap(STEPS, "steps = 0 : index"), "divisor")),
    ("steps-negative", runs_or_is_refused(swap(STEPS, "steps = -4 : index"))),
    ("block-zero", runs_or_is_refused(swap(BLOCK, "%B = arith.constant 0 : index"), "divisor")),
    ("block-negative", runs_or_is_refused(swap(BLOCK, "%B = arith.constant -4 : index"), "extend")),
    ("block-huge", runs_or_is_refused(swap(BLOCK, "%B = arith.constant 9223372036854775807 : index"), "extend", "64")),
    ("threshold-nan", runs_or_is_refused(swap("threshold = 0.85", "threshold = 0x7FC00000"))),
    ("mask-sees-nothing", refused(swap("k floordiv 4 le q floordiv 4>", "k lt k>"), "see a key", interpreted=False)),
    ("endless", endless(COUNTING, SEQUENCES, LONG_FOR)),
    ("endless-nothing", endless(NOTHING, levels=("-O0",))),
    ("endless-call", endless(CALLED, functions=SAME, levels=("-O0",))),
    ("huge-constant", interpreter_refuses_a_huge_constant),
    ("line-breaks-in-names", names_with_line_breaks),
    ("empty", not_a_program(b"")),
    ("zero-bytes", not_a_program(bytes(100))),
    ("bytecode-cut", not_a_program(b"ML\xefR" + b"\xff" * 100)),
    ("no-text", not_a_program(bytes(range(128, 256)) * 10)),
]

if __name__ == "__main__":
    harness.main(TESTS)
