#!/usr/bin/env python3
"""DiffusionGemma, from a checkpoint to a canvas's scores and to the text, beside the formulas in Python.

Random checkpoints of several shapes: a canvas behind a text, of which layers with a window see what is behind its beginning; with the scores of the step before and
without; then the loop over canvases, draws and all. Interpreted, compiled at both levels, alone and in company.
"""
import os
import re
import shutil

import harness
import tensors
from canvas_model import CASES, ROPE, Model
from harness import expect

PROBE = """  quoin.input @canvas : tensor<?xi32>
  quoin.decoder @probe(%prompt, %max) settings {{}} {{
    %c0 = arith.constant 0 : index
    %zero = arith.constant 0.0 : f32
    %one = arith.constant 1.0 : f32
    %y = quoin.input_value @canvas : tensor<?xi32>
    %C = tensor.dim %y, %c0 : tensor<?xi32>
    %n = quoin.length %prompt
    %end = arith.addi %n, %C : index
    %at = quoin.span %n to %end
    %labels = quoin.span %c0 to %C
    %none = tensor.splat %zero[%end] : tensor<?x{d}xf32>
    %nones = tensor.splat %zero[%n] : tensor<?x{d}xf32>
    %off = tensor.splat %zero[%n] : tensor<?x1xf32>
    %here = tensor.splat %one[%C] : tensor<?x1xf32>
    %cold = tensor.concat dim(0) %off, %here : (tensor<?x1xf32>, tensor<?x1xf32>) -> tensor<?x1xf32>
    %s = quoin.forward @model of %prompt[to %n] then %y at %at label %labels with (%none, %cold : tensor<?x{d}xf32>, tensor<?x1xf32>)
        read %at mask #quoin.mask<canvas<a>> [%n] -> tensor<?x{v}xf32>
    quoin.output @logits %s : tensor<?x{v}xf32>
    %z = quoin.apply @soften(%s) : tensor<?x{v}xf32> -> tensor<?x{d}xf32>
    %before = tensor.concat dim(0) %nones, %z : (tensor<?x{d}xf32>, tensor<?x{d}xf32>) -> tensor<?x{d}xf32>
    %s1 = quoin.forward @model of %prompt[to %n] then %y at %at label %labels with (%before, %cold : tensor<?x{d}xf32>, tensor<?x1xf32>)
        read %at mask #quoin.mask<canvas<a>> [%n] -> tensor<?x{v}xf32>
    quoin.output @conditioned %s1 : tensor<?x{v}xf32>
    quoin.return %prompt[%n to %n]
  }}
"""


def probe(text, d, v):
    """The program with a decoder that gives scores of a canvas, first untold, then told of those."""
    changed = re.sub(r"  quoin\.decoder @\"gemma-canvas\".*?\n  }\n", lambda _: PROBE.format(d=d, v=v), text, flags=re.DOTALL)
    expect(changed != text, "expects the family's decoder")
    return changed


def scores(name):
    def test():
        model = Model(name)
        with harness.scratch() as top:
            hf, text, given, got = (os.path.join(top, x) for x in ("hf", "m.mlir", "in.safetensors", "out.safetensors"))
            said = harness.call("quoin-import", model.write(hf), "-o", text)
            expect(said.returncode == 0 and not said.stderr, f"expects no word, but found {said.stderr}")
            with open(text) as f:
                changed = probe(f.read(), model.d, model.vocabulary)
            with open(text, "w") as f:
                f.write(changed)
            places, worst = [("quoin-interpret", text, 1e-6)], {}
            for level in ("-O0", "-O1"):
                out = os.path.join(top, "out" + level)
                harness.tool("quoin-compile", text, "-o", out, "--weights", "f32", level)
                places.append(("quoin-run", out, 2e-4))
            for ids, canvas in (([5, 17, 2, 9, 9, 8, 23, 1], [3, 14, 3, 22, 7]), ([4], [11, 2]), (list(range(12)), [0, 29, 1, 13, 13, 13, 2])):
                tensors.save(given, {"prompt": ("I32", [len(ids)], ids), "canvas": ("I32", [len(canvas)], canvas)})
                first = model.scores(ids, canvas)
                want = dict(logits=first, conditioned=model.scores(ids, canvas, first))
                for tool, target, tolerance in places:
                    harness.tool(tool, target, "--inputs", given, "--outputs", got)
                    found = tensors.load(got)
                    for key, rows in want.items():
                        off = max(abs(a - b) for a, b in zip(sum(rows, []), found[key][2]))
                        worst[tool] = max(worst.get(tool, 0), off)
                        expect(off < tolerance, f"{target} {key} of {len(ids)} and {len(canvas)}: expects the formula's scores, but found {off:.2g} from them")
            return ", ".join(f"{tool} within {off:.1g}" for tool, off in worst.items())
    return test


REQUESTS = [dict(ids=[5, 17, 2], max_tokens=8, seed=3), dict(ids=[9], max_tokens=4, seed=4), dict(ids=[2, 8, 4, 4, 11, 7, 20], max_tokens=9, seed=5, stop=[])]


def loop(name):
    def test():
        model = Model(name)
        with harness.scratch() as top:
            hf, text = os.path.join(top, "hf"), os.path.join(top, "m.mlir")
            harness.tool("quoin-import", model.write(hf), "-o", text)
            requests = [dict(q, settings=s) for q in REQUESTS for s in ({}, dict(steps=3), dict(canvas=4, steps=2, entropy_bound=5.0))]
            want = []
            for q in requests:
                stop, model.config["eos_token_id"] = model.config["eos_token_id"], q.get("stop", model.config["eos_token_id"])
                want.append(model.written(q["ids"], q["max_tokens"], q["seed"], q["settings"]))
                model.config["eos_token_id"] = stop
            places = [("quoin-interpret", text, [])]
            for level in ("-O0", "-O1"):
                out = os.path.join(top, "out" + level)
                harness.tool("quoin-compile", hf, "-o", out, "--weights", "f32", "--without-tokenizer", level)
                places += [("quoin-run", out, []), ("quoin-run", out, ["--batch", "4", "--threads", "2"])]
            for tool, target, flags in places:
                for q, (ids, evaluations), got in zip(requests, want, harness.answers(tool, target, requests, *flags)):
                    expect(got["ids"] == ids, f"{tool} {target} {flags} {q}: expects {ids}, but found {got['ids']}")
                    expect(got["evaluations"] == evaluations, f"{tool} {q}: expects {evaluations} evaluations, but found {got['evaluations']}")
            ended = sum(e < s.get("steps", model.generation["max_denoising_steps"]) * -(-len(ids) // s.get("canvas", model.C))
                        for (ids, e), s in zip(want, (q["settings"] for q in requests)))
            return f"{len(requests)} requests, {ended} of them with canvases that ended early"
    return test


def rows_that_run():
    """Text is encoded once: behind the first step of a canvas only the canvas runs."""
    model = Model("published")
    with harness.scratch() as top:
        hf, out = os.path.join(top, "hf"), os.path.join(top, "out")
        harness.tool("quoin-compile", model.write(hf), "-o", out, "--weights", "f32", "--without-tokenizer")
        q = dict(ids=[5, 17, 2, 9], max_tokens=10, seed=1, stop=[])
        got, = harness.answers("quoin-run", out, [q])
        want = len(q["ids"]) + model.C + got["evaluations"] * model.C
        expect(len(got["ids"]) == 2 * model.C and got["rows"] == want, f"expects {want} rows, but found {got['rows']} of {got['ids']}")


def refusals():
    with harness.scratch() as top:
        for text, more, generation, words in (
                (dict(layer_types=["full_attention"]), {}, {}, "layer_types' expects a list of 'num_hidden_layers' 2 types"),
                (dict(use_bidirectional_attention="all"), {}, {}, "use_bidirectional_attention' expects 'vision'"),
                (dict(hidden_activation="silu"), {}, {}, "hidden_activation' expects 'gelu_pytorch_tanh'"),
                (dict(top_k_experts=6), {}, {}, "top_k_experts' expects at most 'num_experts' 5"),
                (dict(num_global_key_value_heads=3), {}, {}, "num_global_key_value_heads' expects an integer that divides"),
                (dict(enable_moe_block=False), {}, {}, "enable_moe_block' expects true"),
                (dict(rope_parameters=dict(ROPE, full_attention=dict(rope_type="longrope", rope_theta=1e4, factor=2.0))), {}, {}, "expects 'default'"),
                (dict(rope_parameters=dict(ROPE, sliding_attention=dict(rope_type="proportional", rope_theta=1e4))), {}, {}, "expects 'default'"),
                ({}, dict(canvas_length=0), {}, "'canvas_length' expects an integer from 1 to 128"),
                ({}, {}, dict(t_min=0), "generation_config.json: 't_min' expects a number"),
                ({}, {}, dict(sampler_config=dict(_cls_name="Other")), "'sampler_config._cls_name' expects 'EntropyBoundSamplerConfig'")):
            model = Model("published")
            model.config["text_config"] = dict(model.text, **text)
            model.config.update(more)
            model.generation.update(generation)
            hf = os.path.join(top, "hf")
            r = harness.call("quoin-import", model.write(hf), "-o", "-")
            expect(r.returncode == 1 and r.stderr.count("error: ") == 1 and words in r.stderr, f"{text} {more} {generation}: expects {words}, but found {r.stderr}")
            shutil.rmtree(hf)
        hf = Model("published").write(os.path.join(top, "hf"))
        r = harness.call("quoin-import", hf, "-o", "-", "--decoder", "llada")
        expect(r.returncode == 1 and "'gemma-canvas'" in r.stderr, f"expects a word about 'gemma-canvas', but found {r.stderr}")


if __name__ == "__main__":
    harness.main([("scores-" + n, scores(n)) for n in CASES] + [("loop-" + n, loop(n)) for n in CASES] + [("rows-that-run", rows_that_run), ("refusals", refusals)])
