"""Random checkpoints in Hugging Face layout, made at test time. Standard library only.

`write(folder, shape)` makes config.json, generation_config.json, model.safetensors and tokenizer.json of a small model with
random weights. They write nonsense; they are for exactness: every shape, tail and family can be had in milliseconds.
"""
import dataclasses
import json
import os
import random
import struct


@dataclasses.dataclass
class Shape:
    """A model's shape. `family` is one of qwen2, qwen3, sdar, fast-dllm-v2, sdlm, wedlm, llada, diffusion_gemma, or of `draft_models`."""
    family: str = "sdar"
    layers: int = 2
    hidden: int = 64
    heads: int = 4
    kv_heads: int = 2
    head_dim: int = 16
    mlp: int = 96
    vocabulary: int = 300
    block: int = 4
    tied: bool = False
    dtype: str = "F32"
    capacity: int = 512
    seed: int = 0


def tokenizer_json(vocabulary):
    """A byte-level BPE of the 256 bytes and four specials; ids past them belong to no text."""
    printable = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
    table, extra = {}, 0
    for b in range(256):
        if b in printable:
            table[b] = chr(b)
        else:
            table[b] = chr(256 + extra)
            extra += 1
    vocab = {table[b]: b for b in range(256)}
    vocab.update({f"<unreachable {i}>": i for i in range(256, vocabulary - 4)})
    specials = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|mask|>"]
    added = [dict(id=vocabulary - 4 + i, content=s, single_word=False, lstrip=False, rstrip=False, normalized=False, special=True)
             for i, s in enumerate(specials)]
    pattern = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    return dict(version="1.0", truncation=None, padding=None, added_tokens=added, normalizer=dict(type="NFC"),
                pre_tokenizer=dict(type="Sequence", pretokenizers=[
                    dict(type="Split", pattern=dict(Regex=pattern), behavior="Isolated", invert=False),
                    dict(type="ByteLevel", add_prefix_space=False, trim_offsets=False, use_regex=False)]),
                post_processor=None, decoder=dict(type="ByteLevel", add_prefix_space=False, trim_offsets=False, use_regex=False),
                model=dict(type="BPE", dropout=None, unk_token=None, continuing_subword_prefix="", end_of_word_suffix="",
                           fuse_unk=False, byte_fallback=False, ignore_merges=False, vocab=vocab, merges=[]))


def config(s):
    """config.json of the shape's family."""
    v = s.vocabulary
    special = dict(bos_token_id=v - 4, eos_token_id=[v - 2, v - 4], pad_token_id=v - 4)
    dtype = dict(F32="float32", BF16="bfloat16", F16="float16")[s.dtype]
    if s.family == "llada":
        return dict(model_type="llada", architectures=["LLaDAModelLM"], d_model=s.hidden, n_heads=s.heads, n_kv_heads=s.kv_heads,
                    n_layers=s.layers, mlp_hidden_size=s.mlp, max_sequence_length=s.capacity, vocab_size=v, embedding_size=v,
                    rope_theta=10000.0, rms_norm_eps=1e-6, rope=True, weight_tying=s.tied, include_bias=False, block_type="llama",
                    activation_type="silu", layer_norm_type="rms", torch_dtype=dtype, mask_token_id=v - 1, **special)
    name = dict(qwen2="qwen2", qwen3="qwen3", sdar="sdar", wedlm="wedlm", sdlm="sdlm")
    c = dict(model_type=name.get(s.family, "Fast_dLLM_Qwen"), hidden_size=s.hidden, num_attention_heads=s.heads,
             num_key_value_heads=s.kv_heads, num_hidden_layers=s.layers, intermediate_size=s.mlp, vocab_size=v, rope_theta=1e4,
             rms_norm_eps=1e-6, max_position_embeddings=s.capacity, tie_word_embeddings=s.tied, hidden_act="silu",
             attention_bias=biased(s), use_sliding_window=False, rope_scaling=None, head_dim=s.head_dim, torch_dtype=dtype, **special)
    if s.family == "sdar":
        c.update(block_size=s.block, mask_token_id=v - 1)
    elif s.family == "fast-dllm-v2":
        c.update(bd_size=s.block, mask_token_id=v - 1)
    elif s.family == "sdlm":
        c.update(block_size=s.block, text_mask_token_id=v - 1, causal_attn=False)
    elif s.family == "wedlm":
        c.update(mask_token_id=v - 1, qk_norm=True)
    return c


def biased(s):
    return s.family in ("qwen2", "fast-dllm-v2", "sdlm")


def tensors(s):
    """Names, shapes and spreads (standard deviation around a centre) of all weights, in file order."""
    q, kv = s.heads * s.head_dim, s.kv_heads * s.head_dim
    wide = lambda n: 1.2 / n ** 0.5
    llada = s.family == "llada"
    top = "model.transformer." if llada else "model."
    out = [(top + ("wte.weight" if llada else "embed_tokens.weight"), [s.vocabulary, s.hidden], 0.6, 0.0)]
    for i in range(s.layers):
        p = f"{top}blocks.{i}." if llada else f"{top}layers.{i}."
        names = (["attn_norm", "q_proj", "k_proj", "v_proj", "attn_out", "ff_norm", "ff_proj", "up_proj", "ff_out"] if llada else
                 ["input_layernorm", "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj",
                  "post_attention_layernorm", "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"])
        shapes = [[s.hidden], [q, s.hidden], [kv, s.hidden], [kv, s.hidden], [s.hidden, q], [s.hidden], [s.mlp, s.hidden],
                  [s.mlp, s.hidden], [s.hidden, s.mlp]]
        for n, sh in zip(names, shapes):
            out.append((f"{p}{n}.weight", sh, 0.1, 1.0) if len(sh) == 1 else (f"{p}{n}.weight", sh, wide(sh[1]), 0.0))
        if biased(s):
            out += [(f"{p}self_attn.{n}_proj.bias", [w], 0.2, 0.0) for n, w in (("q", q), ("k", kv), ("v", kv))]
        if s.family in ("qwen3", "sdar", "wedlm"):
            out += [(f"{p}self_attn.{n}_norm.weight", [s.head_dim], 0.1, 1.0) for n in "qk"]
    out.append((top + ("ln_f.weight" if llada else "norm.weight"), [s.hidden], 0.1, 1.0))
    if not s.tied:
        out.append((top + "ff_out.weight" if llada else "lm_head.weight", [s.vocabulary, s.hidden], 3 * wide(s.hidden), 0.0))
    return out


def pack(values, dtype):
    if dtype == "F32":
        return struct.pack(f"<{len(values)}f", *values)
    if dtype == "F16":
        return struct.pack(f"<{len(values)}e", *values)
    words = struct.unpack(f"<{len(values)}I", struct.pack(f"<{len(values)}f", *values))
    return struct.pack(f"<{len(values)}H", *((w + 0x8000) >> 16 for w in words))


def save(path, entries):
    """Writes safetensors: entries of (name, dtype, shape, bytes)."""
    header, offset = {}, 0
    for name, dtype, shape, data in entries:
        header[name] = dict(dtype=dtype, shape=shape, data_offsets=[offset, offset + len(data)])
        offset += len(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        for entry in entries:
            f.write(entry[3])


def load(path):
    """The entries of a file that `save` wrote."""
    with open(path, "rb") as f:
        data = f.read()
    begin = 8 + struct.unpack("<Q", data[:8])[0]
    return [(name, e["dtype"], e["shape"], data[begin + e["data_offsets"][0]:begin + e["data_offsets"][1]])
            for name, e in json.loads(data[8:begin]).items()]


def write(folder, shape):
    """Makes the checkpoint; returns the folder."""
    if shape.family == "diffusion_gemma":  # of one size
        import canvas_model
        return canvas_model.Model("published").write(folder)
    import draft_models
    if shape.family in draft_models.FAMILIES:  # of one size, too
        return draft_models.Model(shape.family).write(folder)
    os.makedirs(folder, exist_ok=True)
    c = config(shape)
    rnd = random.Random(shape.seed)
    entries = []
    for name, dims, spread, centre in tensors(shape):
        count = dims[0] * (dims[1] if len(dims) > 1 else 1)
        values = [rnd.gauss(centre, spread) for _ in range(count)]
        entries.append((name, shape.dtype, dims, pack(values, shape.dtype)))
    save(os.path.join(folder, "model.safetensors"), entries)
    with open(os.path.join(folder, "config.json"), "w") as f:
        json.dump(c, f, indent=1)
    with open(os.path.join(folder, "generation_config.json"), "w") as f:
        json.dump(dict(eos_token_id=c["eos_token_id"]), f)
    with open(os.path.join(folder, "tokenizer.json"), "w") as f:
        json.dump(tokenizer_json(shape.vocabulary), f)
    return folder


if __name__ == "__main__":
    import sys
    write(sys.argv[1], Shape(**json.loads(sys.argv[2])) if len(sys.argv) > 2 else Shape())
