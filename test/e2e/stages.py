#!/usr/bin/env python3
"""The text between phases is all there is: going on from it gives the same machine code, and text that was edited is refused where it
would compute something else."""
import functools
import os
import re
import tempfile

import harness
from checkpoint import Shape, write
from harness import expect

FOLDER = tempfile.mkdtemp()
SHAPE = dict(layers=2, hidden=32, heads=2, kv_heads=1, head_dim=16, mlp=40, vocabulary=264, capacity=64)


@functools.lru_cache(None)
def checkpoint(family, dtype="F32"):
    return write(os.path.join(FOLDER, family + dtype), Shape(family=family, dtype=dtype, **SHAPE))


def compiled(source, name, *flags):
    """The object file and the weights of an artefact."""
    out = os.path.join(FOLDER, name)
    harness.tool("quoin-compile", source, "-o", out, "--emit", "object", "--quiet", *flags)
    files = []
    for file in ("model.o", "model.qw"):
        with open(os.path.join(out, file), "rb") as f:
            files.append(f.read())
    return files


def phase(source, name, to, *flags):
    path = os.path.join(FOLDER, name + ".mlir")
    harness.tool("quoin-compile", source, "-o", path, "--compile-to", to, "--quiet", *flags)
    return path


def same_code(family, dtype, *flags):
    """From each phase on as from the checkpoint."""
    name = "-".join((family, dtype) + flags)
    direct = compiled(checkpoint(family, dtype), name, *flags)
    source = checkpoint(family, dtype)
    previous = []
    for to in ("semantic", "cached", "scheduled", "stages"):
        source = phase(source, f"{name}-{to}", to, *previous, *flags)
        previous = ["--compile-from", to]
        expect(compiled(source, f"{name}-from-{to}", *previous, *flags) == direct,
               f"expects the machine code of '{name}' from phase '{to}' on, but found other code")


def products_beside_each_other(family):
    """They are the same products: with the workers' shares of each by itself the bits are the same."""
    path = phase(checkpoint(family), family + "-beside", "stages")
    with open(path) as f:
        text = f.read()
    # Keys and values beside queries in each layer, but for the last, whose queries are those of rows read.
    expect(text.count(" beside ") == 2 * SHAPE["layers"] - 1, f"expects products beside others, but found {text.count(' beside ')}")
    apart = path.replace("-beside", "-apart")
    with open(apart, "w") as f:
        f.write(text.replace(" beside ", " "))
    requests, found = [dict(ids=list(range(3, 3 + n)), max_tokens=6, seed=1) for n in (1, 9, 20)], []
    for source in (path, apart):
        out = source.replace(".mlir", ".out")
        harness.tool("quoin-compile", source, "-o", out, "--compile-from", "stages", "--quiet")
        for threads in (1, 2, 3):
            answers, traces = harness.traced("quoin-run", out, requests, "--threads", threads)
            found.append([a["ids"] for a in answers] + [e["filled"] for trace in traces for e in trace])
    expect(all(each == found[0] for each in found), "expects the same tokens and confidences, bit by bit")


@functools.lru_cache(None)
def stages():
    with open(phase(checkpoint("qwen2", "BF16"), "edited", "stages", "--target-cpu", "znver5")) as f:
        return f.read()


def refused(edit, message, cpu="znver5"):
    """`edit` changes the text of the stages; the compiler refuses it with a message."""
    text = edit(stages())
    expect(cpu != "znver5" or text != stages(), "expects an edit, but found the same text")
    path = os.path.join(FOLDER, f"refused-{abs(hash(message))}.mlir")
    with open(path, "w") as f:
        f.write(text)
    out = path + ".out"
    r = harness.call("quoin-compile", path, "-o", out, "--compile-from", "stages", "--target-cpu", cpu, "--quiet")
    expect(r.returncode == 1 and message in r.stderr, f"expects exit 1 and '{message}', but found {r.returncode} and '{r.stderr.strip()[-300:]}'")
    expect(not os.path.exists(out), "expects no artefact, but found one")


def drop(text, pattern):
    """Without the last thing that the pattern matches."""
    *_, last = re.finditer(pattern, text)
    return text[:last.start()] + text[last.end():]


def later(text):
    """The second layer's keys where the first layer's are."""
    first, second = [m.group(0) for m in re.finditer(r" at \d+ : (?=!stage.buffer<row, 16xf32>, !stage.buffer<row, 16xf32> -> !stage.pages)", text)]
    return text.replace(second, first)


TESTS = [
    *((f"{family} {dtype}", functools.partial(same_code, family, dtype, "--target-cpu", cpu, *flags)) for family, dtype, cpu, *flags in (
        ("sdar", "F32", "x86-64-v3"), ("wedlm", "BF16", "znver5"), ("llada", "F16", "x86-64-v4", "--weights", "bf16"),
        ("qwen2", "BF16", "x86-64-v4", "-O0"))),
    *((f"products beside each other, {family}", functools.partial(products_beside_each_other, family)) for family in ("sdar", "wedlm")),
    ("a missing barrier", lambda: refused(lambda t: drop(t, r" barrier"), "expects a barrier, since another worker may have touched what it touches")),
    ("a place that is in use", lambda: refused(lambda t: re.sub(r"place \d+", "place 0", t), "place 0")),
    ("layers on each other", lambda: refused(later, "expects layers that lie apart in a page")),
    ("weights on each other", lambda: refused(lambda t: re.sub(r"(up_proj.*\n(?:.*\n)*?.*stage.product.* at )\d+>", r"\g<1>0>", t, count=1),
                                              "expects weights that lie apart")),
    ("no places", lambda: refused(lambda t: re.sub(r" place \d+| places \[.*?\](?: page \d+)?|(?<=\w) at \d+(?= : )", "", t), "expects places, but found none")),
    ("more positions than angles", lambda: refused(lambda t: t.replace("quoin.capacity = 64", "quoin.capacity = 4096"),
                                                   "expects angles of as many positions as the module's programs reach, 4")),
    ("a target without pairs", lambda: refused(lambda t: t, "expects a target that multiplies pairs of bf16, but this one does not", "x86-64-v3")),
]

if __name__ == "__main__":
    harness.main(TESTS)
