"""Writes a GGUF file of a Qwen3 shape with random bf16 weights, for timing only: there is no tokenizer in it."""
import json
import random
import struct

F32, BF16 = 0, 30  # tensor types of the format
ALIGNMENT = 32


def text(s):
    b = s.encode()
    return struct.pack("<Q", len(b)) + b


def value(v):
    """A typed metadata value: string, u32 or f32."""
    if isinstance(v, str):
        return struct.pack("<I", 8) + text(v)
    if isinstance(v, float):
        return struct.pack("<If", 6, v)
    return struct.pack("<II", 4, v)


def metadata(c):
    a = {"block_count": c["num_hidden_layers"], "context_length": c["max_position_embeddings"], "embedding_length": c["hidden_size"],
         "feed_forward_length": c["intermediate_size"], "attention.head_count": c["num_attention_heads"],
         "attention.head_count_kv": c["num_key_value_heads"], "attention.key_length": c["head_dim"],
         "attention.value_length": c["head_dim"], "rope.freq_base": float(c["rope_theta"]),
         "attention.layer_norm_rms_epsilon": float(c["rms_norm_eps"]), "vocab_size": c["vocab_size"]}
    return {"general.architecture": "qwen3", "general.name": "random", "tokenizer.ggml.model": "none"} | {"qwen3." + k: v for k, v in a.items()}


def tensors(c):
    """(name, shape with the fastest size first, type). Norms are f32, as converters write them."""
    d, f, h = c["hidden_size"], c["intermediate_size"], c["head_dim"]
    q, kv = c["num_attention_heads"] * h, c["num_key_value_heads"] * h
    all = [("token_embd.weight", (d, c["vocab_size"]), BF16), ("output_norm.weight", (d,), F32)]
    if not c.get("tie_word_embeddings"):
        all.append(("output.weight", (d, c["vocab_size"]), BF16))
    for i in range(c["num_hidden_layers"]):
        all += [(f"blk.{i}.{n}.weight", s, t) for n, s, t in (
            ("attn_norm", (d,), F32), ("ffn_norm", (d,), F32), ("attn_q_norm", (h,), F32), ("attn_k_norm", (h,), F32),
            ("attn_q", (d, q), BF16), ("attn_k", (d, kv), BF16), ("attn_v", (d, kv), BF16), ("attn_output", (q, d), BF16),
            ("ffn_gate", (d, f), BF16), ("ffn_up", (d, f), BF16), ("ffn_down", (f, d), BF16))]
    return all


def write(config, path):
    with open(config) as f:
        c = json.load(f)
    meta, all = metadata(c), tensors(c)
    rnd = random.Random(1)
    # A stretch of small numbers, again and again: speed does not depend on what the weights say.
    stretch = b"".join(struct.pack("<f", rnd.gauss(0, 0.03))[2:] for _ in range(1 << 16))
    head = b"GGUF" + struct.pack("<IQQ", 3, len(all), len(meta)) + b"".join(text(k) + value(v) for k, v in meta.items())
    at, sizes = 0, []
    for name, shape, kind in all:
        size = 4 if kind == F32 else 2
        for s in shape:
            size *= s
        head += text(name) + struct.pack("<I", len(shape)) + struct.pack(f"<{len(shape)}Q", *shape) + struct.pack("<IQ", kind, at)
        sizes.append((kind, size))
        at += -(-size // ALIGNMENT) * ALIGNMENT
    with open(path, "wb") as f:
        f.write(head + bytes(-len(head) % ALIGNMENT))
        for kind, size in sizes:
            f.write(struct.pack("<f", 1.0) * (size // 4) if kind == F32 else (stretch * (size // len(stretch) + 1))[:size])
            f.write(bytes(-size % ALIGNMENT))
