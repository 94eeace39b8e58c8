"""A model: scores of rows, given tokens, positions and who sees whom. `forward.cpp` does the arithmetic."""
import array
import json
import os
import struct
import subprocess
import tempfile


def tensors(folder):
    """Name -> array of floats, of all safetensors files in the folder."""
    found = {}
    for name in sorted(os.listdir(folder)):
        if not name.endswith(".safetensors"):
            continue
        with open(os.path.join(folder, name), "rb") as f:
            data = f.read()
        size = struct.unpack("<Q", data[:8])[0]
        for key, entry in json.loads(data[8:8 + size]).items():
            if key == "__metadata__":
                continue
            begin, end = entry["data_offsets"]
            raw = data[8 + size + begin:8 + size + end]
            if entry["dtype"] == "F32":
                values = array.array("f", raw)
            elif entry["dtype"] == "F16":
                values = array.array("f", struct.unpack(f"<{len(raw) // 2}e", raw))
            else:
                values = array.array("f", b"".join(b"\0\0" + raw[i:i + 2] for i in range(0, len(raw), 2)))
            found[key] = values
    return found


LLADA = dict(embed="model.transformer.wte", norm="model.transformer.ln_f", head="model.transformer.ff_out",
             layer="model.transformer.blocks.{}.",
             parts=["attn_norm", "q_proj", "k_proj", "v_proj", "attn_out", "ff_norm", "ff_proj", "up_proj", "ff_out"])
QWEN = dict(embed="model.embed_tokens", norm="model.norm", head="lm_head", layer="model.layers.{}.",
            parts=["input_layernorm", "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj",
                   "post_attention_layernorm", "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"])


class Model:
    """The checkpoint in a folder. `noise` is added to every score of every call, to see which decisions are close."""

    def __init__(self, folder, program):
        with open(os.path.join(folder, "config.json")) as f:
            c = json.load(f)
        w = tensors(folder)
        llada = "d_model" in c
        names = LLADA if llada else QWEN
        key = (lambda a, b: c[a]) if llada else (lambda a, b: c[b])
        layers, hidden = key("n_layers", "num_hidden_layers"), key("d_model", "hidden_size")
        heads, mlp = key("n_heads", "num_attention_heads"), key("mlp_hidden_size", "intermediate_size")
        kv = key("n_kv_heads", "num_key_value_heads")
        head_dim = c.get("head_dim") or hidden // heads
        first = names["layer"].format(0)
        biased, qk_norm = first + "self_attn.q_proj.bias" in w, first + "self_attn.q_norm.weight" in w
        self.vocabulary = c["vocab_size"]
        self.fill = c.get("mask_token_id", c.get("text_mask_token_id"))
        parts = [w[names["embed"] + ".weight"]]
        for i in range(layers):
            p = names["layer"].format(i)
            norm1, q, k, v, o, norm2, gate, up, down = (w[f"{p}{n}.weight"] for n in names["parts"])
            parts += [norm1, q, k, v]
            if biased:
                parts += [w[f"{p}self_attn.{n}_proj.bias"] for n in "qkv"]
            if qk_norm:
                parts += [w[f"{p}self_attn.{n}_norm.weight"] for n in "qk"]
            parts += [o, norm2, gate, up, down]
        tied = c.get("tie_word_embeddings", c.get("weight_tying"))
        parts += [w[names["norm"] + ".weight"], parts[0] if tied else w[names["head"] + ".weight"]]
        with tempfile.NamedTemporaryFile() as f:
            f.write(struct.pack("=9i2d", layers, hidden, heads, kv, head_dim, mlp, self.vocabulary, biased, qk_norm,
                                c["rms_norm_eps"], c["rope_theta"]))
            for values in parts:
                f.write(values.tobytes())
            f.flush()
            self.process = subprocess.Popen([program, f.name], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            self.noise = self.calls = 0
            self([0], [0], [b"\1"])

    def __call__(self, ids, rows, sees, positions=None, only=None, store=0, inside=-1):
        """Scores of `rows`. sees[q] has a byte per slot; an open position is None. Positions count from 0 unless given. Stateless,
        unless rows [only[0], only[1]) run alone: the others then have the keys and values of the last call with this store. With `inside`, what rows from
        there on and others have of each other is of the last whole call."""
        n = len(ids)
        ids = [self.fill if t is None else t for t in ids]
        positions = range(n) if positions is None else positions
        self.calls += 1
        out = self.process.stdin
        numbers = [*ids, *positions, *rows]
        first, last = only or (0, n)
        head = struct.pack(f"=7id{len(numbers)}i", n, len(rows), self.calls, first, last, store, inside, self.noise, *numbers)
        out.write(head + b"".join(sees))
        out.flush()
        scores = array.array("d")
        scores.frombytes(self.process.stdout.read(8 * len(rows) * self.vocabulary))
        return [scores[i:i + self.vocabulary] for i in range(0, len(scores), self.vocabulary)]

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


def table(n, *ranges):
    """A row that sees the slots of these ranges."""
    row = bytearray(n)
    for begin, end in ranges:
        row[begin:end] = b"\1" * (min(end, n) - begin)
    return bytes(row)


def causal(n):
    return [table(n, (0, q + 1)) for q in range(n)]


def full(n):
    return [table(n, (0, n))] * n


def blocks(n, size, start=0):
    """Blocks counted from `start`; what is before it is one block."""
    return [table(n, (0, start if q < start else start + ((q - start) // size + 1) * size)) for q in range(n)]
