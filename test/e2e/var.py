#!/usr/bin/env python3
"""VAR from a checkpoint's folder to codes and their latent, compared with its description in float64 (`test/oracle/var.py`): other depths, scales, widths,
ways to share weights and guidance than any fixture has, through the interpreter and machine code of both levels. Its family is a text like any other: a model whose
rows are made of numbers and of a vector for all of them, functions of rows between its calls, and a loop.
"""
import json
import os
import random
import sys

import harness
from family_folder import FamilyFolder
from harness import expect

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.realpath(__file__))), "oracle"))
import var  # noqa: E402

SHAPES = [
    # A start of four cells, a last scale that is no multiple of the others, one convolution.
    dict(num_classes=3, vocab_size=23, Cvae=3, patch_nums=[2, 3, 5], depth=1, embed_dim=24, num_heads=3, mlp_ratio=2.5, norm_eps=1e-5, shared_aln=True,
         attn_l2_norm=True, quant_resi=-0.3, share_quant_resi=1),
    # A convolution a scale, of which some are nobody's; one feature; scales that repeat.
    dict(num_classes=1, vocab_size=40, Cvae=1, patch_nums=[1, 1, 2, 2, 3], depth=2, embed_dim=20, num_heads=2, mlp_ratio=4.0, norm_eps=1e-6, shared_aln=False,
         attn_l2_norm=False, quant_resi=1.0, share_quant_resi=0),
    # Two convolutions between which a scale lies in the middle.
    dict(num_classes=5, vocab_size=33, Cvae=5, patch_nums=[1, 2, 4], depth=3, embed_dim=16, num_heads=1, mlp_ratio=3.0, norm_eps=1e-6, shared_aln=False,
         attn_l2_norm=True, quant_resi=0.5, share_quant_resi=2),
    # One scale.
    dict(num_classes=2, vocab_size=9, Cvae=2, patch_nums=[3], depth=1, embed_dim=8, num_heads=2, mlp_ratio=1.0, norm_eps=1e-6, shared_aln=False,
         attn_l2_norm=False, quant_resi=0.25, share_quant_resi=4)]


def made(folder, shape, seed):
    return var.Var(shape, var.write(folder, shape, seed))


class Folder(FamilyFolder):
    def __init__(self, *args, **k):
        super().__init__(made, *args, **k)

    def call(self, tool, target, label, settings, *flags):
        return super().call(tool, target, {"class": label} | settings, *flags)


def cases(shape, seed):
    rnd = random.Random(seed)
    for guidance, warm in ((0.0, 0.0), (2.0, 0.0), (0.0, 1.0), (1.5, 0.8), (-0.5, 1.2), (4.0, 1.0)):
        yield rnd.randrange(shape["num_classes"]), dict(guidance=guidance, temperature=warm, top_k=rnd.choice([0, 1, 5]), top_p=rnd.choice([0.0, 0.6, 0.96, 1.0]),
                                                        seed=rnd.getrandbits(45))


def clear(oracle, label, settings):
    """What the oracle makes of a request, or None if noise on its scores makes something else."""
    ids, latent, scores, _ = oracle.generate(label, settings)
    for seed in range(2):
        rnd = random.Random(seed)
        if oracle.generate(label, settings, lambda: rnd.gauss(0, 1e-4))[0] != ids:
            return None
    return ids, latent, scores


def against_the_oracle():
    compared, different = 0, set()
    for n, shape in enumerate(SHAPES):
        with Folder(shape, seed=n + 1) as f:
            program = f.program()
            places = [("quoin-interpret", program), ("quoin-run", f.compiled("-O0")), ("quoin-run", f.compiled("-O2"))]
            for label, settings in cases(shape, 7 + n):
                known = clear(f.oracle, label, settings)
                if not known:
                    continue
                ids, latent, scores = known
                compared += 1
                different.update(ids)
                size = [shape["Cvae"], shape["patch_nums"][-1], shape["patch_nums"][-1]]
                for tool, target in places:
                    r, got = f.call(tool, target, label, settings)
                    expect(r.returncode == 0, f"{tool} {target}: {r.stderr.strip()}")
                    expect(got["ids"][2] == ids, f"{tool} {target} {settings}: expects ids {ids}, but found {got['ids'][2]}")
                    expect(got["latent"][1] == size, f"{tool}: expects a latent of shape {size}, but found {got['latent'][1]}")
                    worst = max(abs(a - b) for a, b in zip(latent, got["latent"][2]))
                    expect(worst < 1e-5 * max(map(abs, latent)), f"{tool} {target} {settings}: the latent is off by {worst:.1e}")
                    for s, rows in enumerate(scores):
                        _, sizes, numbers = got[f"logits.{s}"]
                        expect(sizes == [shape["patch_nums"][s] ** 2, shape["vocab_size"]], f"{tool}: found scores of shape {sizes}")
                        worst = max(abs(a - b) for a, b in zip(rows, numbers))
                        expect(worst < 1e-4 * max(map(abs, rows)), f"{tool} {target} {settings}: scores of scale {s} are off by {worst:.1e}")
    expect(compared >= 18 and len(different) > 20, f"expects runs that are clear and differ, but found {compared} with {len(different)} codes")
    return f"{compared} runs"


def rows_that_run():
    """Keys and values of finished scales stay, although their codes came later: each row runs once a call of its class."""
    shape = SHAPES[2]
    sizes = [n * n for n in shape["patch_nums"]]
    with Folder(shape) as f:
        for level in ("-O0", "-O2"):
            out = f.compiled(level)
            for guidance, calls in ((0, 1), (1.5, 2)):
                got = json.loads(harness.tool("quoin-run", out, "--set", "class=1", "--set", f"guidance={guidance}", "--outputs", os.path.join(f.top, "o"), "--json"))
                wanted = calls * sum(sizes)
                expect(got["rows"] == wanted, f"{level}: expects {wanted} rows, but found {got['rows']}")
                expect(got["evaluations"] == calls * len(sizes), f"{level}: expects {calls * len(sizes)} evaluations, but found {got['evaluations']}")


def in_company():
    """Pictures that share steps, each with a class of its own, are those that they are alone."""
    with Folder(SHAPES[2]) as f:
        out = f.compiled()
        requests = [dict(ids=[], seed=11 * i, settings={"guidance": g, "class": i % 5}) for i, g in enumerate((0.0, 1.5, 3.0, 0.0, 2.0))]
        alone = [harness.traced("quoin-run", out, [q], "--threads", "1") for q in requests]
        expect(len({tuple(r[0]["ids"]) for r, _ in alone}) == len(requests), "expects pictures that differ")
        for batch, threads in (("5", "2"), ("3", "1")):
            got, sessions = harness.traced("quoin-run", out, requests, "--batch", batch, "--threads", threads)
            for i, (result, trace) in enumerate(alone):
                expect(got[i]["ids"] == result[0]["ids"] and sessions[i] == trace[0], f"batch {batch}: request {i} differs from itself alone")


def bits():
    """Threads change no bit."""
    with Folder(SHAPES[0]) as f:
        settings = dict(guidance=1.5, seed=3)
        for weights in ("f32", "bf16"):
            out = f.compiled(weights=weights)
            _, one = f.call("quoin-run", out, 1, settings, "--threads", "1")
            _, two = f.call("quoin-run", out, 1, settings, "--threads", "2")
            expect(one == two and one["ids"][1] == [38], f"{weights}: expects {one}, but found {two}")
            # Who asks for no scores, or for some, gets the same picture.
            for count in (0, 2):
                _, fewer = f.call("quoin-run", out, 1, dict(settings, logits=count))
                expect(fewer == {k: v for k, v in one.items() if not k.startswith("logits.") or int(k[-1]) < count}, f"{weights}: {count} scales of scores change what else there is")


def defaults():
    """What is given when a program is made is its default, and the published values are where nothing is."""
    with Folder(SHAPES[2]) as f:
        plain, made = f.compiled(), f.compiled("--set", "guidance=4", "--set", "top_k=3")
        _, asked = f.call("quoin-run", plain, 2, dict(guidance=4, top_k=3, seed=5))
        _, own = f.call("quoin-run", made, 2, dict(seed=5))
        expect(asked == own, f"expects {asked}, but found {own}")
        _, asked = f.call("quoin-run", plain, 2, dict(guidance=1.5, top_k=900, top_p=0.96, temperature=1.0, seed=5))
        _, own = f.call("quoin-run", plain, 2, dict(seed=5))
        expect(asked == own, f"expects {asked}, but found {own}")


def refused(settings, *words, label=0, flags=()):
    """Both tools say it alike."""
    def test():
        with Folder(SHAPES[0]) as f:
            for tool, target in (("quoin-interpret", f.program()), ("quoin-run", f.compiled())):
                r, got = f.call(tool, target, label, settings, *flags)
                expect(r.returncode == 1 and got is None, f"{tool}: expects a refusal, but it ended with {r.returncode}: {r.stderr}")
                for word in words:
                    expect(word in r.stderr, f"{tool}: expects '{word}' in {r.stderr.strip()}")
    return test


def not_made(*words, **change):
    def test():
        with Folder(SHAPES[0], change=change) as f:
            r = harness.call("quoin-compile", f.model, "-o", os.path.join(f.top, "no"))
            expect(r.returncode == 1, f"expects a refusal, but it ended with {r.returncode}")
            for word in words:
                expect(word in r.stderr, f"expects '{word}' in {r.stderr.strip()}")
    return test


if __name__ == "__main__":
    harness.main([
        ("against-the-oracle", against_the_oracle),
        ("rows-that-run", rows_that_run),
        ("in-company", in_company),
        ("bits", bits),
        ("defaults", defaults),
        ("no-such-class", refused({}, "the input 'class' is below 3", label=3)),
        ("unknown-setting", refused(dict(speed=1), "the decoder 'var' has no setting 'speed'; it has guidance")),
        ("scales-that-shrink", not_made("patch_nums", "expects numbers up to the last one", patch_nums=[2, 5, 3])),
        ("no-scales", not_made("patch_nums", "expects 1 to 32 numbers of cells", patch_nums=[])),
        ("scales-that-are-words", not_made("patch_nums", "integers from 1 to 256", patch_nums=["1", "2"])),
        ("a-scale-of-nothing", not_made("patch_nums", "integers from 1 to 256", patch_nums=[0, 5])),
        ("scales-that-are-no-list", not_made("patch_nums", "expects a list", patch_nums=16)),
        ("other-scales-than-the-weights", not_made("pos_1LC", patch_nums=[2, 3, 4])),
        ("heads-that-do-not-divide", not_made("num_heads", "expects a divisor of 'embed_dim' 24", num_heads=5)),
        ("other-features", not_made("quantize.", "expects", Cvae=4)),
        ("missing-key", not_made("config.json", "depth", depth=None)),
    ])
