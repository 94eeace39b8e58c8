#!/usr/bin/env python3
"""A family of one's own: a template that docs/Families.md explains, over a checkpoint that nobody else can read.

Scores are compared with the formula in Python, interpreted under three masks and compiled; what the template or the checkpoint get wrong is
said with its place. Further: `--fill`, `--tokenizer` and where the mask token comes from.
"""
import json
import math
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile

import harness
import checkpoint
from harness import expect
from transformer import attended, gelu, turned

HERE = os.path.dirname(os.path.realpath(__file__))
WREN = os.path.join(HERE, "families", "wren.mlir.in")
CONFIG = dict(model_type="wren", n_embd=24, n_layer=2, n_head=3, n_inner=40, vocab_size=60, n_ctx=128, layer_norm_epsilon=1e-4, embedding_scale=1.75,
              rope_theta=1e4, activation_function="gelu_new", eos_token_id=59)
IDS = [5, 17, 2, 40, 40, 8, 33, 1, 58]


class Folder:
    """A checkpoint of Wren, removed at the end."""

    def __init__(self, **changes):
        self.top = tempfile.mkdtemp()
        self.model, self.out = os.path.join(self.top, "hf"), os.path.join(self.top, "out")
        os.mkdir(self.model)
        self.config = {**CONFIG, **changes}
        self.weights = {}
        rnd, c = random.Random(3), CONFIG
        d, inner = c["n_embd"], c["n_inner"]

        def make(name, *shape, spread=0.3, centre=0.0):
            values = [rnd.gauss(centre, spread) for _ in range(math.prod(shape))]
            self.weights[name] = (list(shape), struct.unpack(f"<{len(values)}f", struct.pack(f"<{len(values)}f", *values)))

        def linear(name, n, k):
            make(name + ".weight", n, k, spread=1.5 / k ** 0.5)
            make(name + ".bias", n)

        def norm(name):
            make(name + ".weight", d, centre=1.0)
            make(name + ".bias", d)
        make("wte.weight", c["vocab_size"], d, spread=0.8)
        for i in range(c["n_layer"]):
            norm(f"h.{i}.ln_1")
            for p in ("q", "k", "v", "out"):
                linear(f"h.{i}.attn.{p}", d, d)
            norm(f"h.{i}.ln_2")
            linear(f"h.{i}.mlp.fc", inner, d)
            linear(f"h.{i}.mlp.proj", d, inner)
        norm("ln_f")
        self.write()

    def write(self):
        with open(os.path.join(self.model, "config.json"), "w") as f:
            json.dump(self.config, f)
        checkpoint.save(os.path.join(self.model, "model.safetensors"),
                        [(n, "F32", shape, struct.pack(f"<{len(v)}f", *v)) for n, (shape, v) in self.weights.items()])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.top)


# ---- The formula


def scores(folder, ids, sees, turn=turned):
    """Rows of scores in float64; `sees(q, k)`, and rows turn by their place."""
    c, w = folder.config, folder.weights
    d = c["n_embd"]
    h = d // c["n_head"]

    def linear(name, row):
        (n, k), v = w[name + ".weight"]
        return [b + sum(v[i * k + j] * row[j] for j in range(k)) for i, b in zip(range(n), w[name + ".bias"][1])]

    def norm(name, row):
        mean = sum(row) / d
        root = math.sqrt(sum((x - mean) ** 2 for x in row) / d + c["layer_norm_epsilon"])
        return [(x - mean) / root * a + b for x, a, b in zip(row, w[name + ".weight"][1], w[name + ".bias"][1])]

    table = w["wte.weight"][1]
    rows = [[c["embedding_scale"] * x for x in table[t * d:(t + 1) * d]] for t in ids]
    for i in range(c["n_layer"]):
        n = [norm(f"h.{i}.ln_1", row) for row in rows]
        q, k, v = ([linear(f"h.{i}.attn.{p}", row) for row in n] for p in "qkv")
        q, k = ([turn(row, at, c["rope_theta"], h) for at, row in enumerate(part)] for part in (q, k))
        for r, row in enumerate(rows):
            seen = [j for j in range(len(rows)) if sees(r, j)]
            mixed = attended(q[r], [k[j] for j in seen], [v[j] for j in seen], h)
            rows[r] = [x + o for x, o in zip(row, linear(f"h.{i}.attn.out", mixed))]
        for r, row in enumerate(rows):
            inner = [gelu(x) for x in linear(f"h.{i}.mlp.fc", norm(f"h.{i}.ln_2", row))]
            rows[r] = [x + o for x, o in zip(row, linear(f"h.{i}.mlp.proj", inner))]
    rows = [norm("ln_f", row) for row in rows]
    return [sum(table[t * d + j] * row[j] for j in range(d)) for row in rows for t in range(c["vocab_size"])]


MASKS = {"causal": lambda q, k: k <= q, "full": lambda q, k: True, "block_causal<4>": lambda q, k: k // 4 <= q // 4}


def scores_are_the_formulas():
    with Folder() as f:
        text, file = os.path.join(f.top, "m.mlir"), os.path.join(f.top, "l.safetensors")
        harness.tool("quoin-import", f.model, "-o", text, "--architecture", WREN)
        for mask, sees in MASKS.items():
            harness.tool("quoin-interpret", text, "--logits", file, "--ids", ",".join(map(str, IDS)), "--mask", mask)
            got = next(struct.unpack(f"<{len(data) // 8}d", data) for name, _, _, data in checkpoint.load(file) if name == "logits")
            want = scores(f, IDS, sees)
            worst = max(abs(a - b) for a, b in zip(got, want))
            expect(len(got) == len(want) and worst < 1e-6, f"expects the formula's scores under {mask}, but they differ by {worst}")


def compiled_it_says_the_same():
    with Folder() as f:
        text = os.path.join(f.top, "m.mlir")
        harness.tool("quoin-import", f.model, "-o", text, "--architecture", WREN)
        said = harness.call("quoin-compile", f.model, "-o", f.out, "--architecture", WREN, "--quiet")
        expect(said.returncode == 0 and not said.stderr, f"expects no word, but found {said.stderr}")
        requests = [dict(ids=IDS[:n], max_tokens=8, stop=[]) for n in (1, 4, 9)]
        want, want_trace = harness.traced("quoin-interpret", text, requests)
        got, got_trace = harness.traced("quoin-run", f.out, requests)
        expect([g["ids"] for g in got] == [x["ids"] for x in want], "expects the interpreter's tokens")
        confidences = lambda trace: [e[2] for session in trace for line in session for e in line["filled"] if e[2] is not None]
        expect(all(abs(a - b) < 1e-4 for a, b in zip(confidences(got_trace), confidences(want_trace))), "expects the interpreter's confidences")
        # The first token is the formula's.
        last = scores(f, IDS, MASKS["causal"])[-CONFIG["vocab_size"]:]
        expect(got[2]["ids"][0] == last.index(max(last)), f"expects {last.index(max(last))}, but found {got[2]['ids']}")


SLOPED = """//: require rotary_kind == "sloped" : rotary.rope_type expects 'sloped'
//: config rotary.factor as factor : real from 1.0 to 1.0e3
//: config rotary.slope as slope : real from 0.0 to 10.0 = 0.0
//: let frequencies = []
//: let magnitude = 1.25
//: for i in head_dim // 2
//:   let frequencies = frequencies + [pow(theta, -2.0 * real(i) / real(head_dim)) / factor + slope * real(i)]
//: end
"""


def sloped(row, at, theta, h, factor=3.0, slope=0.05):
    out = list(row)
    for head in range(0, len(row), h):
        for i in range(h // 2):
            angle = at * (theta ** (-2 * i / h) / factor + slope * i)
            cosine, sine, a, b = 1.25 * math.cos(angle), 1.25 * math.sin(angle), row[head + i], row[head + h // 2 + i]
            out[head + i], out[head + h // 2 + i] = a * cosine - b * sine, b * cosine + a * sine
    return out


def a_scaling_of_ones_own_is_text():
    """Rotary embeddings scaled as nobody else's: config.json's block is read by the template, which makes the frequencies."""
    with Folder(rope_scaling={"rope_type": "sloped", "factor": 3.0, "slope": 0.05}) as f:
        mine, text, file = (os.path.join(f.top, name) for name in ("mine.mlir.in", "m.mlir", "l.safetensors"))
        with open(WREN) as wren:
            family = wren.read()
        for old, new in (("theta : rotary\n", "theta : rotary scaled\n"), ("//: head_size head_dim\n", "//: head_size head_dim\n" + SLOPED),
                         ("  %${p} = quoin.rotary %${p} at %positions theta ${theta} head_dim ${head_dim} : ${D}\n",
                          "//:     include rotary-scaled with result = p, input = p\n")):
            expect(family.count(old) == 1, f"expects {old!r} in {WREN}")
            family = family.replace(old, new)
        with open(mine, "w") as out:
            out.write(family)
        harness.tool("quoin-import", f.model, "-o", text, "--architecture", mine)
        harness.tool("quoin-interpret", text, "--logits", file, "--ids", ",".join(map(str, IDS)), "--mask", "causal")
        got = next(struct.unpack(f"<{len(data) // 8}d", data) for name, _, _, data in checkpoint.load(file) if name == "logits")
        want = scores(f, IDS, MASKS["causal"], sloped)
        worst = max(abs(a - b) for a, b in zip(got, want))
        expect(len(got) == len(want) and worst < 1e-5, f"expects the formula's scores, but they differ by {worst}")
        f.config["rope_scaling"]["knee"] = 2
        f.write()
        refuse(f, "'rope_scaling.knee' expects null, as 'sloped' has no such key, but found 2", template=mine)
        f.config["rope_scaling"] = {"type": "yarn", "factor": 2.0}
        f.write()
        refuse(f, "'rope_scaling.rope_type' expects 'sloped'", template=mine)


def the_page_has_the_text():
    """docs/Families.md shows the very template that is tested."""
    with open(os.path.join(harness.ROOT, "docs", "Families.md")) as f:
        page = f.read()
    with open(WREN) as f:
        expect(f.read() in page, "expects test/e2e/families/wren.mlir.in in docs/Families.md, as it is")


def the_page_names_every_family():
    with open(os.path.join(harness.ROOT, "docs", "Families.md")) as f:
        page = f.read()
    models = os.path.join(harness.ROOT, "compiler", "import", "models")
    for file in sorted(os.listdir(models)):
        with open(os.path.join(models, file)) as f:
            for line in f:
                for name in line[len("//: family "):].split(",") if line.startswith("//: family ") else []:
                    expect(f"`{name.strip()}`" in page, f"expects `{name.strip()}` of {file} in docs/Families.md")


def the_page_of_models_is_current():
    r = subprocess.run([sys.executable, os.path.join(harness.ROOT, "scripts", "models.py"), "--check"], capture_output=True, text=True)
    expect(r.returncode == 0, r.stderr.strip())


# ---- What goes wrong


def refuse(folder, *words, flags=(), template=WREN):
    r = harness.call("quoin-compile", folder.model, "-o", folder.out, "--quiet", *(("--architecture", template) if template else ()), *flags)
    expect(r.returncode == 1, f"expects exit 1, but found {r.returncode}: {r.stderr[-300:]}")
    line = r.stderr.strip().splitlines()[-1]
    expect(line.startswith("error: ") and all(w in line for w in words), f"expects an error with {words}, but found {line}")
    expect(not os.path.exists(folder.out), "expects no artefact")


def wrong_configs_and_tensors():
    with Folder(n_head=5) as f:
        refuse(f, "config.json: 'n_head' expects a divisor of 'n_embd' 24, but found 5")
    with Folder(activation_function="relu") as f:
        refuse(f, "'activation_function' expects 'gelu_new', but found \"relu\"")
    with Folder(attn_logit_softcapping=30.0) as f:
        refuse(f, "'attn_logit_softcapping' expects null")
    with Folder(n_layer=1) as f:
        refuse(f, "'n_layer' expects as many layers as the checkpoint has, but found 1 and tensor 'h.1.attn.k.bias'")
    with Folder() as f:
        shape, values = f.weights.pop("h.1.mlp.fc.bias")
        f.write()
        refuse(f, "expects tensor 'h.1.mlp.fc.bias' of shape [40], but there is none")
        f.weights["h.1.mlp.fc.bias"] = ([41], values + (0.0,))
        f.write()
        refuse(f, "tensor 'h.1.mlp.fc.bias' expects shape [40] by config.json, but found [41]")
    with Folder() as f:
        refuse(f, "'model_type' expects one of", "\"wren\"", template=None)


def what_is_unread_is_named():
    with Folder(a_new_key=3) as f:
        f.weights["h.0.attn.masked_bias"] = ([1], (0.0,)) # which the template ignores
        f.weights["extra.scale"] = ([2], (1.0, 2.0))
        f.write()
        r = harness.call("quoin-compile", f.model, "-o", f.out, "--quiet", "--architecture", WREN)
        expect(r.returncode == 0, r.stderr)
        lines = r.stderr.strip().splitlines()
        expect(len(lines) == 2 and "does not read 1 tensor of the checkpoint, 'extra.scale'" in lines[0] and
               "does not read 1 key, 'a_new_key'" in lines[1], f"expects two warnings, but found {lines}")


def tensors_of_another_file_and_rows_of_one():
    """Queries, keys and values are rows of one tensor, which lies in a file that the template names; the scores stay what they are."""
    with open(WREN) as f:
        text = f.read()
    old = '    include product with result = p, input = "n", symbol = T + p, tensor = T + "attn." + p, inputs = hidden, outputs = hidden, bias = "yes"\n'
    new = """    let j = 0 if p == "q" else 1 if p == "k" else 2
//:     weight @${T}${p} = "${T}attn.qkv.weight" [3 * hidden, hidden] rows j * hidden to (j + 1) * hidden
//:     weight @${T}${p}.bias = "${T}attn.qkv.bias" [3 * hidden] rows j * hidden to (j + 1) * hidden
  %${p} = quoin.linear %n by @${T}${p} bias @${T}${p}.bias : ${D} -> ${D}
"""
    expect(old in text, "expects the products of queries, keys and values in the text")
    with Folder() as f:
        template, more = os.path.join(f.top, "mine.mlir.in"), os.path.join(f.model, "more.safetensors")
        with open(template, "w") as file:
            file.write(text.replace(old, new).replace("//: vocabulary", '//: file "more.safetensors"\n//: vocabulary'))
        want = {mask: scores(f, IDS, sees) for mask, sees in MASKS.items()}
        d, others = CONFIG["n_embd"], []
        for i in range(CONFIG["n_layer"]):
            for kind, shape in (("weight", [3 * d, d]), ("bias", [3 * d])):
                parts = [f.weights.pop(f"h.{i}.attn.{p}.{kind}")[1] for p in "qkv"]
                others.append((f"h.{i}.attn.qkv.{kind}", "F32", shape, b"".join(struct.pack(f"<{len(v)}f", *v) for v in parts)))
        f.write()
        said = harness.call("quoin-import", f.model, "-o", os.path.join(f.top, "m.mlir"), "--architecture", template)
        expect(said.returncode == 1 and "more.safetensors: No such file" in said.stderr, f"expects the file to be missed, but found {said.stderr}")
        checkpoint.save(more, others)
        text = os.path.join(f.top, "m.mlir")
        harness.tool("quoin-import", f.model, "-o", text, "--architecture", template)
        file = os.path.join(f.top, "l.safetensors")
        for mask in MASKS:
            harness.tool("quoin-interpret", text, "--logits", file, "--ids", ",".join(map(str, IDS)), "--mask", mask)
            got = next(struct.unpack(f"<{len(data) // 8}d", data) for name, _, _, data in checkpoint.load(file) if name == "logits")
            worst = max(abs(a - b) for a, b in zip(got, want[mask]))
            expect(worst < 1e-6, f"expects the formula's scores under {mask}, but they differ by {worst}")
        harness.tool("quoin-compile", f.model, "-o", f.out, "--architecture", template, "--weights", "f32")
        got = harness.traced("quoin-run", f.out, [dict(ids=IDS, max_tokens=1, stop=[])])[0]
        last = want["causal"][-CONFIG["vocab_size"]:]
        expect(got[0]["ids"][0] == last.index(max(last)), f"expects {last.index(max(last))}, but found {got[0]['ids']}")
        # A name that both files have is nobody's.
        checkpoint.save(more, others + [("ln_f.bias", "F32", [d], struct.pack(f"<{d}f", *[0.0] * d))])
        shutil.rmtree(f.out)
        refuse(f, "expects tensors of different names in 'model.safetensors' and 'more.safetensors', but found 'ln_f.bias' in both", template=template)


def wrong_templates():
    """A template that is changed at random refuses with one line, or gives a model; it never crashes."""
    with open(WREN) as f:
        good = f.read()
    cases = [("//: family wren\n", "", "expects a statement 'family'"),
             ("//: capacity n_ctx\n", "", "expects a statement 'capacity'"),
             ("//: for i in layers", "//: for i in layer", "mine.mlir.in:LINE: expects a name that has a value, but found 'layer'"),
             ("let T =", "set T =", "mine.mlir.in:LINE: expects a statement (if, for, "),
             ("heads ${heads} kv_heads", "heads ${heads kv_heads", "mine.mlir.in:LINE: expects '}'"),
             ("include gelu-tanh", "include gelu", "expects one of the library's texts (a2d, "),
             ("  quoin.hidden %y", "  quoin.hidden %z", "mine.mlir.in:LINE: use of undeclared SSA value"),
             ("%x = arith.addf %x, %o : ${D}", "%x = arith.addf %x, %o : ${hidden}", "mine.mlir.in:LINE: "),
             ('rotary %${p} at', 'rotary %${p} ad', "mine.mlir.in:LINE: ")]
    with Folder() as f:
        mine = os.path.join(f.top, "mine.mlir.in")
        for old, new, words in cases:
            expect(old in good, f"expects {old} in the template")
            line = good[:good.index(old)].count("\n") + 1
            with open(mine, "w") as out:
                out.write(good.replace(old, new, 1))
            refuse(f, words.replace("LINE", str(line)), template=mine)
        refuse(f, "'--architecture' expects a file that can be read", template=os.path.join(f.top, "nothing.mlir.in"))
        refuse(f, "'--architecture' expects one of", "'wren'", template="wren")
        rnd = random.Random(11)
        for trial in range(40):
            text = good
            for _ in range(rnd.randint(1, 3)):
                at = rnd.randrange(len(text))
                text = text[:at] + rnd.choice(["", "x", "${", "}", "//: end\n", "//: for i in 3\n", "(", "9", "\n", "%x", "*"]) + text[at + rnd.randint(0, 3):]
            with open(mine, "w") as out:
                out.write(text)
            r = harness.call("quoin-import", f.model, "-o", os.path.join(f.top, "x.mlir"), "--architecture", mine)
            expect(r.returncode in (0, 1) and (r.returncode == 0 or r.stderr.count("error: ") == 1), f"trial {trial}: exit {r.returncode}: {r.stderr[-300:]}")


# ---- The fill token


def fill(folder, *flags):
    text = harness.tool("quoin-import", folder, "-o", "-", *flags)
    mark = "quoin.fill = "
    return int(text.split(mark)[1].split()[0]) if mark in text else None


def where_the_fill_token_comes_from():
    with tempfile.TemporaryDirectory() as top:
        def folder(name, family, keep_mask=False, **tokenizer):
            path = checkpoint.write(os.path.join(top, name), checkpoint.Shape(family=family, vocabulary=280))
            file = os.path.join(path, "config.json")
            config = json.load(open(file))
            if not keep_mask:
                config.pop("mask_token_id", None)
            json.dump(config, open(file, "w"))
            if tokenizer:
                json.dump(tokenizer, open(os.path.join(path, "tokenizer_config.json"), "w"))
            return path
        sdar = folder("sdar", "sdar")
        expect(fill(sdar) == 279, "expects the added token of the usual name")
        expect(fill(sdar, "--fill", "7") == 7, "expects the option first")
        json.dump(dict(mask_token_id=270, eos_token_id=276), open(os.path.join(sdar, "generation_config.json"), "w"))
        expect(fill(sdar) == 270, "expects generation_config.json before the tokenizer")
        expect(fill(folder("named", "sdar", mask_token="<|im_end|>")) == 278, "expects the tokenizer's mask_token")
        expect(fill(folder("named-object", "sdar", mask_token=dict(content="<|im_end|>"))) == 278, "expects the tokenizer's mask_token")
        clash = folder("clash", "sdar", keep_mask=True, mask_token="<|im_end|>")
        r = harness.call("quoin-import", clash, "-o", "-")
        expect(r.returncode == 1 and "tokenizer_config.json: 'mask_token' expects the token of 'mask_token_id' 279, but found \"<|im_end|>\", which is 278" in
               r.stderr, r.stderr)
        # A model that is not trained to fill has none, whatever its tokenizer holds, unless a decoder needs one.
        plain = folder("plain", "qwen3", mask_token="<|mask|>")
        expect(fill(plain) is None, "expects no fill token of a plain model")
        expect(fill(plain, "--decoder", "llada") == 279, "expects the tokenizer's where it is needed")
        r = harness.call("quoin-import", plain, "-o", "-", "--fill", "280")
        expect(r.returncode == 1 and "'--fill' expects an id below the vocabulary's size 280, but found 280" in r.stderr, r.stderr)
        # Another folder's tokenizer, in the program and in the artefact.
        bare, other = folder("bare", "sdar"), folder("other", "sdar", mask_token="<|im_start|>")
        os.unlink(os.path.join(bare, "tokenizer.json"))
        r = harness.call("quoin-import", bare, "-o", "-")
        expect(r.returncode == 1 and "'mask_token_id' expects an integer from 0 to 279, but there is none" in r.stderr, r.stderr)
        expect(fill(bare, "--tokenizer", other) == 277, "expects the other tokenizer's token")
        out = os.path.join(top, "out")
        harness.tool("quoin-compile", bare, "-o", out, "--tokenizer", other)
        answer = harness.answers("quoin-run", out, [dict(prompt="hello", max_tokens=4)])[0]
        expect("ids" in answer and os.path.exists(os.path.join(out, "tokenizer.json")), "expects an artefact with the tokenizer")
        r = harness.call("quoin-compile", bare, "-o", out + "2", "--fill", "3", "--tokenizer", top)
        expect(r.returncode == 1 and "'--tokenizer' expects a folder with a tokenizer.json" in r.stderr, r.stderr)


TESTS = [("scores-are-the-formulas", scores_are_the_formulas), ("compiled-it-says-the-same", compiled_it_says_the_same), ("a-scaling-of-ones-own-is-text", a_scaling_of_ones_own_is_text),
         ("the-page-has-the-text", the_page_has_the_text), ("the-page-names-every-family", the_page_names_every_family),
         ("the-page-of-models-is-current", the_page_of_models_is_current), ("wrong-configs-and-tensors", wrong_configs_and_tensors),
         ("what-is-unread-is-named", what_is_unread_is_named), ("tensors-of-another-file-and-rows-of-one", tensors_of_another_file_and_rows_of_one),
         ("wrong-templates", wrong_templates),
         ("where-the-fill-token-comes-from", where_the_fill_token_comes_from)]

if __name__ == "__main__":
    harness.main(TESTS)
