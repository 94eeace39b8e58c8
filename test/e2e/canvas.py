#!/usr/bin/env python3
"""DiffusionGemma, from a checkpoint to a canvas's scores and to the text, beside the formulas in Python.

Random checkpoints of several shapes: a canvas behind a text, of which layers with a window see what is behind its beginning; with the scores of the step before and
without; then the loop over canvases, draws and all. Interpreted, compiled at both levels, alone and in company.
"""
import json
import math
import os
import random
import re
import shutil
import struct
import sys
import tempfile

import harness
import checkpoint
import tensors
from harness import expect
from transformer import gelu

sys.path.insert(0, os.path.join(harness.ROOT, "test", "oracle"))
import sampling  # noqa: E402

TEXT = dict(model_type="diffusion_gemma_text", attention_bias=False, attention_dropout=0.0, bos_token_id=2, eos_token_id=1, dtype="float32",
            hidden_activation="gelu_pytorch_tanh", hidden_size=16, num_hidden_layers=2, intermediate_size=12, moe_intermediate_size=6, num_experts=5, top_k_experts=2,
            num_attention_heads=4, num_key_value_heads=2, num_global_key_value_heads=1, head_dim=6, global_head_dim=8, sliding_window=4, max_position_embeddings=128,
            pad_token_id=0, rms_norm_eps=1e-6, tie_word_embeddings=True, use_bidirectional_attention="vision", vocab_size=30, final_logit_softcapping=30.0)
ROPE = dict(full_attention=dict(partial_rotary_factor=0.25, rope_theta=1e4, rope_type="proportional"), sliding_attention=dict(rope_theta=100.0, rope_type="default"))
TOP = dict(model_type="diffusion_gemma", architectures=["DiffusionGemmaForBlockDiffusion"], canvas_length=5, eos_token_id=[1, 6], tie_word_embeddings=True,
           vision_config=None, vision_soft_tokens_per_image=280, boi_token_id=27, eoi_token_id=28, image_token_id=29)
GENERATION = dict(max_denoising_steps=6, t_min=0.4, t_max=0.8, confidence_threshold=0.005, stability_threshold=1, eos_token_id=[1, 6], pad_token_id=0, max_new_tokens=64,
                  sampler_config=dict(_cls_name="EntropyBoundSamplerConfig", entropy_bound=2.0))
# What differs: of the text's config, of the config, of generation_config.json.
CASES = {
    "published": (dict(TEXT, layer_types=["sliding_attention", "full_attention"], rope_parameters=ROPE), {}, {}),
    # Windows behind the full layer, too; a wider turn, no cap, every head a key head, a head of its own.
    "other-shapes": (dict(TEXT, num_hidden_layers=3, layer_types=["full_attention", "sliding_attention", "sliding_attention"], num_key_value_heads=4,
                          num_global_key_value_heads=4, head_dim=2, global_head_dim=16, sliding_window=3, final_logit_softcapping=None, num_experts=3, top_k_experts=3,
                          tie_word_embeddings=False, vocab_size=31,
                          rope_parameters=dict(full_attention=dict(partial_rotary_factor=0.5, rope_theta=50.0, rope_type="proportional", factor=2.0),
                                               sliding_attention=dict(rope_theta=7.0, rope_type="default"))),
                     dict(canvas_length=3, tie_word_embeddings=False), dict(stability_threshold=2, confidence_threshold=2.5, max_denoising_steps=9)),
    # Neither lists nor blocks: defaults; the last layer sees everything.
    "bare": ({k: v for k, v in TEXT.items() if k not in ("final_logit_softcapping", "use_bidirectional_attention", "attention_bias", "num_global_key_value_heads")}, {},
             dict(t_min=1.0, t_max=1.0, sampler_config=None)),
    # Plain embeddings everywhere; keys that are no values.
    "values": (dict(TEXT, layer_types=["full_attention", "sliding_attention"], attention_k_eq_v=False, num_global_key_value_heads=None,
                    rope_parameters=dict(full_attention=dict(rope_theta=90.0, rope_type="default"), sliding_attention=dict(rope_theta=11.0))), {},
               dict(confidence_threshold=10.0, stability_threshold=0)),
}


class Model:
    def __init__(self, name):
        self.text, more, generation = CASES[name]
        self.config = dict(TOP, **more, text_config=self.text)
        self.generation = dict(GENERATION, **generation)
        self.weights, self.rnd = {}, random.Random("canvas " + name)
        t, d = self.text, self.text["hidden_size"]
        self.d, self.layers, self.vocabulary, self.C = d, t["num_hidden_layers"], t["vocab_size"], self.config["canvas_length"]
        self.slides = [k == "sliding_attention" for k in t.get("layer_types", ["sliding_attention"] * (self.layers - 1) + ["full_attention"])]
        self.equal = t.get("attention_k_eq_v", True)
        self.make("model.decoder.embed_tokens.weight", self.vocabulary, d, spread=0.3)
        self.make("model.decoder.norm.weight", d, about=1.0)
        p = "model.decoder.self_conditioning."
        self.make(p + "pre_norm.weight", d, about=1.0)
        self.gated(p, t["intermediate_size"])
        for i in range(self.layers):
            p, (q, kv, h) = f"model.decoder.layers.{i}.", self.heads(i)
            for n in ("input_layernorm", "post_attention_layernorm", "pre_feedforward_layernorm", "post_feedforward_layernorm", "pre_feedforward_layernorm_2",
                      "post_feedforward_layernorm_1", "post_feedforward_layernorm_2"):
                self.make(f"{p}{n}.weight", d, about=1.0)
            for n, out in (("q", q), ("k", kv), ("v", kv)):
                if n != "v" or self.slides[i] or not self.equal:
                    self.make(f"{p}self_attn.{n}_proj.weight", out * h, d)
            self.make(f"{p}self_attn.o_proj.weight", d, q * h)
            for n in "qk":
                self.make(f"{p}self_attn.{n}_norm.weight", h, about=0.6)
            self.gated(p + "mlp.", t["intermediate_size"])
            e, m = t["num_experts"], t["moe_intermediate_size"]
            self.make(p + "router.scale", d, about=1.0)
            self.make(p + "router.proj.weight", e, d, spread=2.0)
            self.make(p + "router.per_expert_scale", e, about=1.0)
            self.make(p + "experts.gate_up_proj", e, 2 * m, d)
            self.make(p + "experts.down_proj", e, d, m)
            self.make(p + "layer_scalar", 1, about=0.8)
            self.make(f"model.encoder.language_model.layers.{i}.layer_scalar", 1, about=0.8)
        if not t["tie_word_embeddings"]:
            self.make("lm_head.weight", self.vocabulary, d)

    def heads(self, i):
        t = self.text
        if self.slides[i]:
            return t["num_attention_heads"], t["num_key_value_heads"], t["head_dim"]
        far = t.get("num_global_key_value_heads") if self.equal else None
        return t["num_attention_heads"], far or t["num_key_value_heads"], t["global_head_dim"]

    def gated(self, p, inner):
        for n, shape in (("gate", (inner, self.d)), ("up", (inner, self.d)), ("down", (self.d, inner))):
            self.make(f"{p}{n}_proj.weight", *shape)

    def make(self, name, *shape, spread=None, about=0.0):
        spread = spread or (0.2 if len(shape) == 1 else 1.2 / math.sqrt(shape[-1]))
        values = [self.rnd.gauss(about, spread) for _ in range(math.prod(shape))]
        self.weights[name] = (list(shape), struct.unpack(f"<{len(values)}f", struct.pack(f"<{len(values)}f", *values)))

    def write(self, folder):
        os.mkdir(folder)
        for file, said in (("config.json", self.config), ("generation_config.json", self.generation)):
            with open(os.path.join(folder, file), "w") as f:
                json.dump(said, f)
        checkpoint.save(os.path.join(folder, "model.safetensors"),
                        [(n, "F32", shape, struct.pack(f"<{len(v)}f", *v)) for n, (shape, v) in self.weights.items()])
        return folder

    # ---- The formula

    def times(self, name, row, expert=None):
        shape, v = self.weights[name]
        n, k = shape[-2:]
        at = (expert or 0) * n * k
        return [sum(v[at + i * k + j] * row[j] for j in range(k)) for i in range(n)]

    def normed(self, row, name=None):
        root = math.sqrt(sum(x * x for x in row) / len(row) + self.text["rms_norm_eps"])
        weight = self.weights[name][1] if name else [1.0] * len(row)
        return [x / root * w for x, w in zip(row, weight)]

    def embedded(self, token):
        return [math.sqrt(self.d) * x for x in self.weights["model.decoder.embed_tokens.weight"][1][token * self.d:(token + 1) * self.d]]

    def turned(self, head, position, i):
        size, rope = len(head), self.text.get("rope_parameters") or ROPE | dict(full_attention=dict(ROPE["full_attention"], rope_theta=1e6),
                                                                                sliding_attention=dict(rope_theta=1e4))
        block = rope["sliding_attention" if self.slides[i] else "full_attention"]
        out = list(head)
        for j in range(size // 2):
            angle = position * block["rope_theta"] ** (-2 * j / size)
            if block.get("rope_type") == "proportional":
                angle = angle / block.get("factor", 1.0) if j < int(block["partial_rotary_factor"] * size / 2) else 0.0
            a, b = head[j], head[j + size // 2]
            out[j], out[j + size // 2] = a * math.cos(angle) - b * math.sin(angle), b * math.cos(angle) + a * math.sin(angle)
        return out

    def feed(self, p, row):
        return self.times(p + "down_proj.weight", [gelu(g) * u for g, u in zip(self.times(p + "gate_proj.weight", row), self.times(p + "up_proj.weight", row))])

    def mixture(self, p, row):
        t = self.text
        scale = self.weights[p + "router.scale"][1]
        seen = [x * s / math.sqrt(self.d) for x, s in zip(self.normed(row), scale)]
        shares = sampling.softmax(self.times(p + "router.proj.weight", seen))
        chosen = sorted(range(len(shares)), key=lambda e: (-shares[e], e))[:t["top_k_experts"]]
        total, into = sum(shares[e] for e in chosen), self.normed(row, p + "pre_feedforward_layernorm_2.weight")
        out, m = [0.0] * self.d, t["moe_intermediate_size"]
        for e in chosen:
            both = self.times(p + "experts.gate_up_proj", into, e)
            made = self.times(p + "experts.down_proj", [gelu(g) * u for g, u in zip(both[:m], both[m:])], e)
            share = shares[e] / total * self.weights[p + "router.per_expert_scale"][1][e]
            out = [o + share * x for o, x in zip(out, made)]
        return out

    def scores(self, text, canvas, before=None):
        """Scores of the canvas's rows, capped; `before`: rows of scores that they are told, or none."""
        n, rows = len(text), [self.embedded(i) for i in text]
        for r, token in enumerate(canvas):
            z = [0.0] * self.d
            if before:
                shares = sampling.softmax(before[r])
                z = [sum(s * self.embedded(v)[f] for v, s in enumerate(shares)) for f in range(self.d)]
            p = "model.decoder.self_conditioning."
            more = self.feed(p, self.normed(z, p + "pre_norm.weight"))
            rows.append(self.normed([a + b for a, b in zip(self.embedded(token), more)]))
        for i in range(self.layers):
            p, (heads, kv, size), parts = f"model.decoder.layers.{i}.", self.heads(i), []
            for at, row in enumerate(rows):
                x = self.normed(row, p + "input_layernorm.weight")
                cut = lambda name: [y[h:h + size] for y in [self.times(f"{p}self_attn.{name}_proj.weight", x)] for h in range(0, len(y), size)]
                q, k = cut("q"), cut("k")
                v = [self.normed(h) for h in (cut("v") if f"{p}self_attn.v_proj.weight" in self.weights else k)]
                parts.append([[self.turned(self.normed(h, f"{p}self_attn.{name}_norm.weight"), at, i) for h in some] for name, some in (("q", q), ("k", k))] + [v])
            W = self.text["sliding_window"]
            for r, row in enumerate(rows):
                begin = r if r < n else n
                seen = [j for j in range(len(rows)) if (j <= r or r >= n) and (not self.slides[i] or begin - W < j)]
                mixed = []
                for h in range(heads):
                    g = h * kv // heads
                    power = [sum(a * b for a, b in zip(parts[r][0][h], parts[j][1][g])) for j in seen]
                    shares = sampling.softmax(power)
                    mixed += [sum(s * parts[j][2][g][f] for s, j in zip(shares, seen)) for f in range(size)]
                more = self.normed(self.times(p + "self_attn.o_proj.weight", mixed), p + "post_attention_layernorm.weight")
                rows[r] = [a + b for a, b in zip(row, more)]
            for r, row in enumerate(rows):
                dense = self.normed(self.feed(p + "mlp.", self.normed(row, p + "pre_feedforward_layernorm.weight")), p + "post_feedforward_layernorm_1.weight")
                some = self.normed(self.mixture(p, row), p + "post_feedforward_layernorm_2.weight")
                more = self.normed([a + b for a, b in zip(dense, some)], p + "post_feedforward_layernorm.weight")
                scalar = self.weights[p + "layer_scalar" if r >= n else f"model.encoder.language_model.layers.{i}.layer_scalar"][1][0]
                rows[r] = [(a + b) * scalar for a, b in zip(row, more)]
        head = "lm_head.weight" if "lm_head.weight" in self.weights else "model.decoder.embed_tokens.weight"
        cap = self.text.get("final_logit_softcapping")
        made = [self.times(head, self.normed(row, "model.decoder.norm.weight")) for row in rows[n:]]
        return [[math.tanh(s / cap) * cap for s in row] for row in made] if cap else made

    def written(self, prompt, most, seed, settings):
        """Tokens and evaluations of the loop, and the smallest distance of a decision from the other side."""
        g = self.generation
        bound = settings.get("entropy_bound", (g.get("sampler_config") or {}).get("entropy_bound", 0.1))
        steps, C, V, stop = settings.get("steps", g["max_denoising_steps"]), settings.get("canvas", self.C), self.vocabulary, self.config["eos_token_id"]
        text, evaluation = list(prompt), 0
        noise = lambda u: min(int(u * V), V - 1)
        while len(text) - len(prompt) < most:
            at = range(len(text), len(text) + C)
            y = [noise(sampling.uniform(seed, evaluation, p, 5)) for p in at]
            before, best, same = None, None, 0
            for left in range(steps, 0, -1):
                t = g["t_min"] + (g["t_max"] - g["t_min"]) * left / steps
                before = [[s / t for s in row] for row in self.scores(text, y, before)]
                drawn = [sampling.gumbel_max(dict(enumerate(sampling.softmax(row))), -1, seed, evaluation, p, 0) for row, p in zip(before, at)]
                entropies, kept, total = [sampling.entropy(row) for row in before], set(), 0.0
                for r in sorted(range(C), key=lambda r: (entropies[r], r)):
                    if total <= bound:
                        kept.add(r)
                    total += entropies[r]
                y = [drawn[r] if r in kept else noise(sampling.uniform(seed, evaluation, p, 4)) for r, p in enumerate(at)]
                evaluation += 1
                last, best = best, [max(range(V), key=lambda v: (row[v], -v)) for row in before]
                same = same + 1 if best == last else 0
                if same >= g["stability_threshold"] and total / C < g["confidence_threshold"]:
                    break
            end = next((r for r, token in enumerate(best) if token in stop), C)
            text += best[:end + 1] + [g["pad_token_id"]] * (C - end - 1)
            if end < C:
                break
        return text[len(prompt):], evaluation


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
            for level in ("-O0", "-O2"):
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
            for level in ("-O0", "-O2"):
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
