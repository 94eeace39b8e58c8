"""GGUF files, made at test time. Standard library only.

`write` makes a file of keys and tensors; `from_folder` makes one of a checkpoint's folder, in the layout that llama.cpp has for its architecture, and
gives the numbers that its blocks stand for. What blocks mean is written here once more, apart from the code under test.
"""
import json
import os
import random
import struct

import checkpoint

TYPES = dict(F32=0, F16=1, Q4_0=2, Q8_0=8, Q4_K=12, Q5_K=13, Q6_K=14, BF16=30)
BLOCKS = dict(Q8_0=(32, 34), Q4_0=(32, 18), Q4_K=(256, 144), Q5_K=(256, 176), Q6_K=(256, 210))


class U32(int):
    """A number that is written as one of 32 bits without sign, as sizes and ids are."""


def text(value):
    data = value.encode() if isinstance(value, str) else value
    return struct.pack("<Q", len(data)) + data


def typed(value):
    """The number of a value's type, and its bytes."""
    if isinstance(value, bool):
        return 7, struct.pack("<B", value)
    if isinstance(value, U32) or (isinstance(value, int) and value >= 0):
        return 4, struct.pack("<I", value)
    if isinstance(value, int):
        return 5, struct.pack("<i", value)
    if isinstance(value, float):
        return 6, struct.pack("<f", value)
    if isinstance(value, (str, bytes)):
        return 8, text(value)
    each = [typed(v) for v in value]
    return 9, struct.pack("<IQ", each[0][0] if each else 4, len(each)) + b"".join(data for _, data in each)


def write(path, keys, tensors, alignment=32):
    """`keys` is a dict, `tensors` a list of (name, type, shape with rows first, bytes)."""
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(keys))
    for key, value in keys.items():
        number, data = typed(value)
        head += text(key) + struct.pack("<I", number) + data
    data = b""
    for name, kind, shape, raw in tensors:
        head += text(name) + struct.pack("<I", len(shape)) + struct.pack(f"<{len(shape)}Q", *reversed(shape))
        head += struct.pack("<IQ", TYPES[kind], len(data))
        data += raw + b"\0" * (-len(raw) % alignment)
    with open(path, "wb") as f:
        f.write(head + b"\0" * (-len(head) % alignment) + data)
    return path


# ---- Blocks


def halves(values):
    return struct.unpack(f"<{len(values)}e", struct.pack(f"<{len(values)}e", *values))


def floats(values):
    return struct.unpack(f"<{len(values)}f", struct.pack(f"<{len(values)}f", *values))


def q8_0(values):
    """Rounded to eight bits: the blocks."""
    out = b""
    for i in range(0, len(values), 32):
        part = values[i:i + 32]
        scale = max(map(abs, part)) / 127
        out += struct.pack("<e", scale) + struct.pack("<32b", *(round(v / scale) if scale else 0 for v in part))
    return out


def drawn(kind, count, rnd):
    """Blocks of any bytes with small scales."""
    size, length = BLOCKS[kind]
    out = b""
    for _ in range(count // size):
        raw = bytearray(rnd.randbytes(length))
        if kind in ("Q8_0", "Q4_0"):
            raw[0:2] = struct.pack("<e", rnd.uniform(0.5, 1) * (0.001 if kind == "Q8_0" else 0.015))
        elif kind == "Q4_K":
            raw[0:4] = struct.pack("<2e", rnd.uniform(0.5, 1) * 3e-4, rnd.uniform(0.5, 1) * 2e-3)
        else:
            raw[208:210] = struct.pack("<e", rnd.uniform(0.5, 1) * 5e-5)
        out += raw
    return out


def numbers(kind, raw):
    """What blocks stand for, rounded as f32 are."""
    out, length = [], BLOCKS[kind][1]
    for at in range(0, len(raw), length):
        b = raw[at:at + length]
        if kind == "Q8_0":
            d, = struct.unpack("<e", b[:2])
            out += [d * v for v in struct.unpack("<32b", b[2:])]
        elif kind == "Q4_0":
            d, = struct.unpack("<e", b[:2])
            out += [d * ((v & 15) - 8) for v in b[2:]] + [d * ((v >> 4) - 8) for v in b[2:]]
        elif kind == "Q4_K":
            d, m = struct.unpack("<2e", b[:4])
            s = b[4:16]
            pairs = [(s[j] & 63, s[4 + j] & 63) for j in range(4)]
            pairs += [((s[8 + j] & 15) + (s[j] >> 6) * 16, (s[8 + j] >> 4) + (s[4 + j] >> 6) * 16) for j in range(4)]
            for j, (scale, least) in enumerate(pairs):
                part = b[16 + j // 2 * 32:16 + j // 2 * 32 + 32]
                out += [d * scale * (v >> 4 if j % 2 else v & 15) - m * least for v in part]
        else:
            d, = struct.unpack("<e", b[208:])
            scales = struct.unpack("<16b", b[192:208])
            for i in range(256):
                half, row, column = i // 128, i // 32 % 4, i % 32
                low = b[half * 64 + row % 2 * 32 + column] >> (4 if row > 1 else 0) & 15
                high = b[128 + half * 32 + column] >> 2 * row & 3
                out.append(d * scales[i // 16] * (low + 16 * high - 32))
    return floats(out)


# ---- A checkpoint's folder

TOP = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output", "model.transformer.wte": "token_embd",
       "model.transformer.ln_f": "output_norm", "model.transformer.ff_out": "output"}
PARTS = {"input_layernorm": "attn_norm", "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
         "self_attn.o_proj": "attn_output", "self_attn.q_norm": "attn_q_norm", "self_attn.k_norm": "attn_k_norm",
         "post_attention_layernorm": "ffn_norm", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
         "mlp.gate": "ffn_gate_inp", "attn_norm": "attn_norm", "q_proj": "attn_q", "k_proj": "attn_k", "v_proj": "attn_v", "attn_out": "attn_output",
         "ff_norm": "ffn_norm", "ff_proj": "ffn_gate", "up_proj": "ffn_up", "ff_out": "ffn_down"}
EXPERTS = dict(gate_proj="ffn_gate_exps", up_proj="ffn_up_exps", down_proj="ffn_down_exps")
KEYS = dict(hidden_size="embedding_length", d_model="embedding_length", num_hidden_layers="block_count", n_layers="block_count",
            intermediate_size="feed_forward_length", mlp_hidden_size="feed_forward_length", max_position_embeddings="context_length",
            max_sequence_length="context_length", num_attention_heads="attention.head_count", n_heads="attention.head_count",
            num_key_value_heads="attention.head_count_kv", n_kv_heads="attention.head_count_kv", head_dim="attention.key_length",
            rms_norm_eps="attention.layer_norm_rms_epsilon", rope_theta="rope.freq_base", num_experts="expert_count",
            num_experts_per_tok="expert_used_count", moe_intermediate_size="expert_feed_forward_length",
            expert_intermediate_size="expert_feed_forward_length")


def renamed(name):
    """llama.cpp's name of a tensor, and the expert's number."""
    stem, end = name.rsplit(".", 1)
    if stem in TOP:
        return f"{TOP[stem]}.{end}", None
    layer, part = stem.replace("model.transformer.blocks.", "").replace("model.layers.", "").split(".", 1)
    if part.startswith("mlp.experts."):
        expert, part = part[len("mlp.experts."):].split(".")
        return f"blk.{layer}.{EXPERTS[part]}.{end}", int(expert)
    return f"blk.{layer}.{PARTS[part]}.{end}", None


def paired(raw, rows, heads):
    """Rows of each head: one of its first half, one of its second."""
    size, width = rows // heads, len(raw) // rows
    order = [h * size + s * (size // 2) + j for h in range(heads) for j in range(size // 2) for s in (0, 1)]
    return b"".join(raw[r * width:(r + 1) * width] for r in order)


def metadata(folder, architecture):
    """The keys of a folder's config.json and tokenizer.json."""
    with open(os.path.join(folder, "config.json")) as f:
        config = json.load(f)
    keys = {"general.architecture": architecture, "general.name": "a test", "general.quantization_version": 2}
    for key, name in KEYS.items():
        if config.get(key) is not None:
            keys[f"{architecture}.{name}"] = config[key]
    if architecture in ("dream", "llada", "llada-moe"):
        keys[f"{architecture}.attention.causal"] = False
    if architecture.startswith("llada"):
        keys["diffusion.shift_logits"] = False
    stops = config["eos_token_id"] if isinstance(config["eos_token_id"], list) else [config["eos_token_id"]]
    for name, id in zip(("eos", "eot"), stops):
        keys[f"tokenizer.ggml.{name}_token_id"] = id
    if "mask_token_id" in config:
        keys["tokenizer.ggml.mask_token_id"] = config["mask_token_id"]
    path = os.path.join(folder, "tokenizer.json")
    if not os.path.exists(path):
        return keys
    with open(path) as f:
        tokenizer = json.load(f)
    tokens, kinds = [f"[PAD{i}]" for i in range(config["vocab_size"])], [5] * config["vocab_size"]
    for token, id in tokenizer["model"]["vocab"].items():
        tokens[id], kinds[id] = token, 1
    for token in tokenizer["added_tokens"]:
        tokens[token["id"]], kinds[token["id"]] = token["content"], 3 if token["special"] else 4
    keys.update({"tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": "qwen2", "tokenizer.ggml.tokens": tokens,
                 "tokenizer.ggml.token_type": kinds, "tokenizer.ggml.merges": [" ".join(m) for m in tokenizer["model"]["merges"]]})
    return keys


def from_folder(folder, path, architecture, kind=lambda name, shape: None, keys=(), tensors=(), seed=0):
    """Writes the GGUF file of a folder; `kind` may give a matrix another type by its name in the file. Blocks of Q8_0 are those of the folder's
    numbers, others are drawn. `keys` and `tensors` come beside the folder's; a key that is None goes. Gives the folder's tensors as the file has
    them, to be saved."""
    all_keys, rnd = metadata(folder, architecture), random.Random(seed)
    all_keys.update(keys)
    keys, tensors = {k: v for k, v in all_keys.items() if v is not None}, list(tensors)
    heads = {p: keys[f"{architecture}.attention.head_count" + s] for p, s in (("attn_q", ""), ("attn_k", "_kv"))}
    entries, stacks = [], {}
    for name, dtype, shape, raw in checkpoint.load(os.path.join(folder, "model.safetensors")):
        own, expert = renamed(name)
        wanted = kind(own, shape) or dtype
        if wanted in BLOCKS:
            count = shape[0] * shape[1]
            blocks = q8_0(struct.unpack(f"<{count}f", raw)) if wanted == "Q8_0" else drawn(wanted, count, rnd)
            dtype, stored = "F32", blocks
            raw = checkpoint.pack(numbers(wanted, blocks), "F32")
        else:
            raw = raw if wanted == dtype else checkpoint.pack(struct.unpack(f"<{len(raw) // 4}f", raw), wanted)
            dtype, stored = wanted, raw
        entries.append((name, dtype, shape, raw))
        part = own.split(".")[2] if own.startswith("blk.") else ""
        if architecture in ("llama", "llada") and part in heads:
            stored = paired(stored, shape[0], heads[part])
        if expert is None:
            tensors.append((own, wanted, shape, stored))
        else:
            stacks.setdefault(own, []).append((expert, wanted, shape, stored))
    for own, experts in stacks.items():
        experts.sort()
        tensors.append((own, experts[0][1], [len(experts)] + experts[0][2], b"".join(e[3] for e in experts)))
    write(path, keys, tensors)
    return entries
