#!/usr/bin/env python3
"""Writes the seeds that every fuzzer starts from, into corpus/<name>/. Standard library only; the same files each time."""
import json
import os
import random
import struct
import sys
import tempfile

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
import gguf_file  # noqa: E402
from checkpoint import Shape, config, pack  # noqa: E402


def text(value):
    return json.dumps(value, separators=(",", ":")).encode()


def safetensors():
    header = dict(__metadata__=dict(format="pt"), a=dict(dtype="F32", shape=[2], data_offsets=[0, 8]),
                  b=dict(dtype="BF16", shape=[1, 2], data_offsets=[8, 12]), c=dict(dtype="U8", shape=[0], data_offsets=[12, 12]))
    data = pack([1.0, -2.5], "F32") + pack([0.5, 3.0], "BF16")
    yield "apart", b"h" + text(header) + b"\0" + data
    yield "whole", b"w" + struct.pack("<Q", len(text(header))) + text(header) + data
    yield "empty", b"h{}\0"
    scalar = dict(x=dict(dtype="F64", shape=[], data_offsets=[0, 8]), y=dict(dtype="F16", shape=[3], data_offsets=[8, 14]))
    yield "scalar", b"h" + text(scalar) + b"\0" + bytes(range(14))


def gguf():
    keys = {"general.architecture": "llama", "llama.attention.head_count": 2, "llama.attention.head_count_kv": 1, "a": -1, "b": 0.5, "c": True,
            "tokens": ["x", "yz"], "kinds": [1, 3], "scores": [0.5, -1.0]}
    paired = [(f"blk.0.attn_{p}.weight", "F32", [rows, 2], pack([0.5] * rows * 2, "F32")) for p, rows in (("q", 8), ("k", 4))]
    experts = ("blk.1.ffn_up_exps.weight", "F16", [3, 2, 2], pack([1.0] * 12, "F16"))
    with tempfile.TemporaryDirectory() as folder:
        def made(*args):
            with open(gguf_file.write(os.path.join(folder, "m.gguf"), *args), "rb") as f:
                return f.read()
        yield "pairs", made(keys, paired + [experts])
        yield "empty", made({}, [])
        for kind in ("Q8_0", "Q4_0", "Q4_K", "Q6_K"):
            yield kind, made({"general.architecture": "qwen3"}, [("token_embd.weight", kind, [1, 256], gguf_file.drawn(kind, 256, random.Random(1)))])
        sizes = {"qwen3." + k: v for k, v in {"embedding_length": 2, "block_count": 1, "context_length": 64, "attention.head_count": 1,
                                              "attention.layer_norm_rms_epsilon": 1e-6, "rope.scaling.type": "yarn", "rope.scaling.factor": 4.0, "other": 1}.items()}
        tokens = {"tokenizer.ggml." + k: v for k, v in {"tokens": ["a", "b", "ab", "<s>"], "token_type": [1, 1, 1, 3], "eos_token_id": 3, "add_eos_token": True}.items()}
        tensors = [("token_embd.weight", "F32", [4, 2], pack([0.5] * 8, "F32")), ("rope_freqs.weight", "F32", [1], pack([1.0], "F32"))]
        yield "merges", made({"general.architecture": "qwen3"} | sizes | tokens |
                             {"tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": "qwen2", "tokenizer.ggml.merges": ["a b"], "tokenizer.chat_template.x": "{{ x }}"}, tensors)
        yield "pieces", made(tokens | {"general.architecture": "llama", "tokenizer.ggml.model": "llama", "tokenizer.ggml.scores": [-2.0, -2.0, -1.0, 0.0],
                                       "tokenizer.chat_template": "{{ x }}"}, [])
        yield "aligned", made({"general.architecture": "dream", "general.alignment": 8}, [("output.weight", "BF16", [1, 3], b"123456")], 8)


def configs():
    for family in ("qwen2", "qwen3", "sdar", "fast-dllm-v2", "sdlm", "wedlm", "llada"):
        c = config(Shape(family=family))
        yield family, text(c) + b"\0" + text(dict(eos_token_id=[1, 2])) + b"\0"
    scaled = dict(config(Shape()), rope_scaling=dict(rope_type="yarn", factor=2.0), rope_parameters=dict(rope_theta=1e6))
    yield "scaled", text(scaled)
    for name, shards in (("index", dict(a="shard.safetensors", b="shard.safetensors")), ("index-wrong", dict(a="other", c="../x"))):
        yield name, text(config(Shape())) + b"\0\0" + text(dict(metadata=dict(total_size=16), weight_map=shards))


def families():
    wren = dict(model_type="wren", n_embd=8, n_layer=2, n_head=2, vocab_size=20, n_ctx=64)
    with open(os.path.join(HERE, "..", "e2e", "families", "wren.mlir.in"), "rb") as f:
        yield "wren", text(wren) + b"\0" + f.read()
    yield "qwen", text(config(Shape())) + b"\0//: family x\n//: include qwen with norms = \"yes\"\n//: fill mask_token_id = 3\n//: block block_size\n"
    yield "small", (text(dict(n=3, l=[1, "x"], o=dict(a=0.5))) + b"\0//: config n : index from 1 to 8\n//: config l : list\n//: config o.a : real = 1.0\n"
                    b"//: for i in n\n//: if i % 2 == 0 and given(\"l\")\n//: weight @w${i} = \"t.${i}.*\" [n + 1, 2, 3] rows i to n\n//: else if is(\"n\", 3)\n"
                    b"%x = f %x {a = ${\"q\" if i > 1 else str(l)}}\n//: end\n//: end\n//: require n < 3 : n expects less\n//: vocabulary 9\n//: capacity 9\n")


def metadata():
    model = dict(abi=1, architecture="sdar", decoder="sdar-dynamic", exact=True,
                 settings=dict(threshold=dict(value=0.85, run_time=True), block=dict(value=4, run_time=False)),
                 target=dict(triple="x86_64-unknown-linux-gnu", features="+avx2"), passes={"cache": {"num-derived": 1}},
                 memory=dict(weights=1 << 20, scratch=4096), kernels=[dict(shape="4x64", bytes=1024, flops=2048)], stops=[])
    lines = [dict(prompt="a b", max_tokens=8, stop=[5], seed=3, settings=dict(threshold=0.5)), dict(ids=[1, 2, 3], decoder="x"),
             dict(chat="hi", system="s", temperature=0.5, top_k=4, top_p=0.9),
             dict(messages=[dict(role="user", content="x")], tools=[], enable_thinking=False, max_tokens=3)]
    yield "all", text(model) + b"\0" + b"\n".join(map(text, lines)) + b"\0threshold=0.5"
    yield "ids", b"{}\0" + text(lines[1]) + b"\x001,2,3"
    yield "broken", b'{"settings": {"a": {"value": 1, "run_time": 3}}\0{"ids": [1, -5e3]}\n\n{"prompt": 1}\0a=true'
    yield "deep", b"[" * 300 + b"\0" + b'{"settings":' * 300


def tokenizer():
    vocab = {c: i for i, c in enumerate(["h", "e", "l", "o", "Ġ", "!", "he", "ll", "hell", "1"])}
    special = [dict(id=10, content="<|im_end|>", single_word=False, lstrip=False, rstrip=True, normalized=False, special=True)]
    level = dict(type="ByteLevel", add_prefix_space=False, trim_offsets=False, use_regex=False)
    pattern = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    split = dict(type="Split", pattern=dict(Regex=pattern), behavior="Isolated", invert=False)
    for name, merges in (("strings", ["h e", "l l", "he ll"]), ("pairs", [["h", "e"], ["l", "l"]])):
        file = dict(version="1.0", added_tokens=special, normalizer=dict(type="NFC"), post_processor=None, decoder=level,
                    pre_tokenizer=dict(type="Sequence", pretokenizers=[split, level]),
                    model=dict(type="BPE", dropout=None, unk_token=None, byte_fallback=False, vocab=vocab, merges=merges))
        config = dict(added_tokens_decoder={"10": special[0] | dict(lstrip=True), "11": dict(special[0], content="<x>")},
                      bos_token="<|bos|>", additional_special_tokens=["<y>"], chat_template="{{ bos_token }}{{ messages[0].content }}")
        config["added_tokens_decoder"]["10"].pop("id"), config["added_tokens_decoder"]["11"].pop("id")
        sample = "hello hell<|im_end|> e\u0301 1!\n <x><y>".encode()
        yield name, text(file) + b"\0" + text(config) + b"\0" + sample
        template = dict(type="TemplateProcessing", single=[dict(SpecialToken=dict(id="<|im_end|>", type_id=0)), dict(Sequence=dict(id="A", type_id=0))],
                        pair=[], special_tokens={"<|im_end|>": dict(id="<|im_end|>", ids=[10], tokens=["<|im_end|>"])})
        file["post_processor"] = dict(type="Sequence", processors=[level, template])
        yield name + "-prompt", text(file) + b"\0\0" + sample


    # As converted from SentencePiece: characters, the mark of a space, bytes that have no character.
    mark = "\u2581"
    vocab = {c: i for i, c in enumerate(["<unk>", mark, "h", "e", "l", "o", "he", "ll", mark + "he"] + [f"<0x{b:02X}>" for b in (10, 0xC3, 0xA9, 0xE2)])}
    replace, back = [dict(type="Replace", pattern=dict(String=a), content=b) for a, b in ((" ", mark), (mark, " "))]
    strip = dict(type="Strip", content=" ", start=1, stop=1)
    model = dict(type="BPE", unk_token="<unk>", fuse_unk=True, byte_fallback=True, vocab=vocab, merges=["h e", "l l", mark + " he"])
    sample = f"  hello \u00e9\n\u65e5{mark}<|im_end|> hE1 ABc's".encode()
    level = dict(type="ByteLevel", add_prefix_space=True, use_regex=True)
    words = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]%s[\p{Ll}\p{Lm}\p{Lo}\p{M}]%s(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    cased = words % ("*", "+") + "|" + words % ("+", "*") + r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    steps = dict(prepend=(dict(type="Sequence", normalizers=[dict(type="Prepend", prepend=mark), replace]), None, [back, dict(type="ByteFallback"), dict(type="Fuse"), strip]),
                 literal=(replace, dict(type="Split", pattern=dict(String=mark), behavior="MergedWithPrevious", invert=False), [back, dict(type="ByteFallback"), strip]),
                 metaspace=(None, dict(type="Metaspace", replacement=mark, prepend_scheme="first", split=True), [dict(type="Metaspace", replacement=mark, prepend_scheme="first")]),
                 digits=(dict(type="NFC"), dict(type="Sequence", pretokenizers=[dict(type="Digits", individual_digits=False), level]), [dict(type="ByteLevel"), dict(type="Fuse")]),
                 cased=(None, dict(type="Sequence", pretokenizers=[dict(type="Split", pattern=dict(Regex=cased), behavior="Contiguous", invert=False), level]), None))
    for name, (normalizer, pre, decoders) in steps.items():
        decoder = decoders and dict(type="Sequence", decoders=decoders)
        yield name, text(dict(added_tokens=[special[0] | dict(id=13, normalized=True)], normalizer=normalizer, pre_tokenizer=pre, decoder=decoder, model=model)) + b"\0\0" + sample
    # Without an object that has a model it is a vocab.json, with merges behind it.
    yield "slow", text(vocab) + b"\0" + text(dict(tokenizer_class="Qwen2Tokenizer")) + b"\0#version: 0.2\nh e\nl l\n"


def template():
    """Templates of the end-to-end test, with a conversation."""
    folder = os.path.join(HERE, "..", "e2e", "templates")
    variables = dict(messages=[dict(role="system", content="s"), dict(role="user", content=" a\u00df "), dict(role="assistant", content="<think>b</think>c", tool_calls=[
        dict(id="abcdef123", type="function", function=dict(name="f", arguments=dict(x=1)))]), dict(role="tool", content="3")],
        tools=[dict(type="function", function=dict(name="f", description="d", parameters=dict(type="object", properties=dict(x=dict(type="integer")))))],
        add_generation_prompt=True, bos_token="<s>", eos_token="</s>", enable_thinking=False)
    for name in sorted(os.listdir(folder)):
        if name.endswith(".jinja"):
            with open(os.path.join(folder, name), "rb") as f:
                yield name[:-6], f.read() + b"\0" + text(variables)
    with open(os.path.join(folder, "expressions.txt"), encoding="utf-8") as f:
        lines = [json.loads(line) for line in f]
    for k in range(1, len(lines), 40):
        yield f"expressions-{k}", "\n".join(lines[k:k + 40]).encode() + b"\0" + text(lines[0])


def runtime():
    for seed in range(8):
        yield f"random-{seed}", random.Random(seed).randbytes(120 + 60 * seed)


def mask():
    formulas = ["causal", "full", "block_causal<4>", "window<16>", "(q, k) : k le q and q - k lt 16",
                "(q, k) : q floordiv 4 ge k floordiv 4", "(q, k)[start, n] : k lt start or label(q) eq label(k) and slot(k) lt n",
                "(q, k) : not (open(k) eq 1 and k gt q) or (q mod 3) * 2 - k eq -1",
                "(q, k)[n] where a = [0 : 3, -1, 4], b = [7] : a(k) le a(q) + n or b(q) ne k", "two_half_training<4>",
                "context_causal<start>", "verify<8, 40>"]
    for i, formula in enumerate(formulas):
        yield f"formula-{i}", formula.encode() + b"\0" + random.Random(i).randbytes(200)


CORPORA = dict(Safetensors=safetensors, Gguf=gguf, Config=configs, Family=families, Metadata=metadata, Tokenizer=tokenizer, Template=template, Runtime=runtime, Mask=mask)

if __name__ == "__main__":
    for name, seeds in CORPORA.items():
        folder = os.path.join(HERE, "corpus", name)
        os.makedirs(folder, exist_ok=True)
        for file, data in seeds():
            with open(os.path.join(folder, file), "wb") as f:
                f.write(data)
