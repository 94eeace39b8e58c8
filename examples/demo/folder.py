"""Writes the demo checkpoint in Hugging Face layout.

Holds what training and the model share besides the weights: the tokenizer, a
byte-level BPE with a handful of merges, and the files around the tensors.
Standard library only.
"""

import json
import os
import struct

# Merges for the words of the prompts.  None makes a token of digits or of the
# letters a-f alone, so every character of a string to reverse stays one token.
# 'sudoku' is left as three tokens: its prompt then has 24 tokens and that of a
# sum has 16, so that their answers begin at a block of 4.
MERGES = [
    ("r", "e"), ("v", "e"), ("r", "s"), ("rs", "e"), ("re", "ve"), ("reve", "rse"),
    ("s", "o"), ("r", "t"), ("so", "rt"),
    ("s", "u"), ("su", "m"), ("d", "o"), ("k", "u"),
    ("=", ">"), ("Ġ", "=>"),
]  # fmt: skip
SPECIALS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|MASK|>"]

# The pre-tokenizer pattern of the Qwen2 family: digits are split one by one.
PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def byte_alphabet():
    """The 256 printable characters that stand for bytes, in GPT-2's order.

    Printable Latin-1 bytes stand for themselves; the others are moved, in
    order, to the code points from 256.
    """
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    moved = [b for b in range(256) if b not in printable]
    return [chr(b) for b in printable] + [chr(256 + k) for k in range(len(moved))]


def vocabulary():
    """Token text -> id, specials left out."""
    tokens = byte_alphabet() + [a + b for a, b in MERGES]
    return {token: k for k, token in enumerate(tokens)}


FIRST_SPECIAL = 256 + len(MERGES)
END_OF_TEXT, IM_START, IM_END, MASK = range(FIRST_SPECIAL, FIRST_SPECIAL + 4)
VOCABULARY_SIZE = FIRST_SPECIAL + 4


def _special(text):
    flags = ("single_word", "lstrip", "rstrip", "normalized")
    return {"content": text, **dict.fromkeys(flags, False), "special": True}


def tokenizer():
    """Content of tokenizer.json."""
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {"id": FIRST_SPECIAL + k, **_special(text)}
            for k, text in enumerate(SPECIALS)
        ],
        "normalizer": {"type": "NFC"},
        "pre_tokenizer": {
            "type": "Sequence",
            "pretokenizers": [
                {
                    "type": "Split",
                    "pattern": {"Regex": PATTERN},
                    "behavior": "Isolated",
                    "invert": False,
                },
                {
                    "type": "ByteLevel",
                    "add_prefix_space": False,
                    "trim_offsets": True,
                    "use_regex": False,
                },
            ],
        },
        "post_processor": None,
        "decoder": {
            "type": "ByteLevel",
            "add_prefix_space": True,
            "trim_offsets": True,
            "use_regex": True,
        },
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": False,
            "vocab": vocabulary(),
            "merges": [list(pair) for pair in MERGES],
        },
    }


def config(shape):
    """Content of config.json for a model of the given `shape` (train.Shape)."""
    return {
        "model_type": "sdar",
        "architectures": ["SDARForCausalLM"],
        "hidden_size": shape.hidden,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.key_heads,
        "num_hidden_layers": shape.layers,
        "intermediate_size": shape.mlp,
        "vocab_size": VOCABULARY_SIZE,
        "rope_theta": shape.theta,
        "rms_norm_eps": shape.epsilon,
        "max_position_embeddings": 256,
        "tie_word_embeddings": True,
        "hidden_act": "silu",
        "attention_bias": False,
        "use_sliding_window": False,
        "rope_scaling": None,
        "head_dim": shape.head_size,
        "torch_dtype": "float32",
        "use_cache": True,
        "initializer_range": 0.02,
        "bos_token_id": END_OF_TEXT,
        "eos_token_id": [IM_END, END_OF_TEXT],
        "pad_token_id": END_OF_TEXT,
        "mask_token_id": MASK,
        "block_size": shape.block,
    }


def _write_json(path, value):
    with open(path, "w", encoding="utf-8") as out:
        json.dump(value, out, indent=1, ensure_ascii=False)
        out.write("\n")


def _write_safetensors(path, tensors):
    """`tensors`: name -> (shape, little-endian float32 bytes)."""
    header, at = {"__metadata__": {"format": "pt"}}, 0
    for name, (shape, data) in tensors.items():
        header[name] = {
            "dtype": "F32",
            "shape": list(shape),
            "data_offsets": [at, at + len(data)],
        }
        at += len(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as out:
        out.write(struct.pack("<Q", len(text)) + text)
        for _, data in tensors.values():
            out.write(data)


def write(path, shape, tensors):
    """Writes the whole checkpoint folder `path`."""
    os.makedirs(path, exist_ok=True)
    _write_json(f"{path}/config.json", config(shape))
    _write_json(
        f"{path}/generation_config.json",
        {"eos_token_id": [IM_END, END_OF_TEXT], "max_new_tokens": 64},
    )
    _write_json(f"{path}/tokenizer.json", tokenizer())
    _write_json(
        f"{path}/tokenizer_config.json",
        {
            "tokenizer_class": "Qwen2Tokenizer",
            "eos_token": SPECIALS[2],
            "pad_token": SPECIALS[0],
            "model_max_length": 256,
            "added_tokens_decoder": {
                str(FIRST_SPECIAL + k): _special(text)
                for k, text in enumerate(SPECIALS)
            },
        },
    )
    _write_safetensors(f"{path}/model.safetensors", tensors)
