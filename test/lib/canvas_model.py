"""DiffusionGemma at a small size: random checkpoints of several shapes, the scores of a canvas, and the loop over canvases, in Python."""
import json
import math
import os
import random
import struct
import sys

import checkpoint
from transformer import gelu

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.realpath(__file__))), "oracle"))
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
        os.makedirs(folder, exist_ok=True)
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
        """Tokens and evaluations of the loop."""
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
