#!/usr/bin/env python3
"""Families at the size of their published checkpoints, layers cut: import, compile, one step, and the memory that compiling takes.

    real_sizes.py [--layers N] [--folder DIR] [NAME...]

Each checkpoint is a sparse file: numbers are drawn for a stretch of each mebibyte of a tensor, the rest is zeros that take no room on the disk. The packed
weights do: 0.6 to 7 GB for two layers, one family at a time. Compiled once more with one layer more: the peak of memory must not grow with the weights.
A line of JSON a family. Standard library only.
"""
import argparse
import json
import math
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
BIN = os.environ.get("QUOIN_BIN") or os.path.join(ROOT, "build", "release", "bin")
STRETCH, EACH = 4096, 1 << 20
# Compiling may take this much more memory with one layer more: for its ops, not for its weights.
SLACK_MB = 32


def qwen(hidden, heads, kv, head, mlp, vocabulary, **more):
    return dict(hidden_size=hidden, num_attention_heads=heads, num_key_value_heads=kv, head_dim=head, intermediate_size=mlp, vocab_size=vocabulary,
                max_position_embeddings=32768, rms_norm_eps=1e-6, rope_theta=1e6, tie_word_embeddings=False, hidden_act="silu", attention_bias=False,
                torch_dtype="bfloat16", eos_token_id=7) | more


EXPERTS = dict(num_experts=128, num_experts_per_tok=8, moe_intermediate_size=768, norm_topk_prob=True, decoder_sparse_step=1, mlp_only_layers=[])
CONFIGS = {
    "sdar-8b": qwen(4096, 32, 8, 128, 12288, 151936, model_type="sdar", block_size=4, mask_token_id=151669),
    "fast-dllm-v2-7b": qwen(3584, 28, 4, 128, 18944, 152064, model_type="Fast_dLLM_Qwen", bd_size=32, mask_token_id=151665, attention_bias=True),
    "dream-7b": qwen(3584, 28, 4, 128, 18944, 152064, model_type="Dream", mask_token_id=151666, attention_bias=None),
    "llama-3.1-8b": qwen(4096, 32, 8, 128, 14336, 128256, model_type="llama", rope_theta=5e5, max_position_embeddings=131072, rms_norm_eps=1e-5,
                         rope_scaling=dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=8192)),
    "mistral-7b": qwen(4096, 32, 8, 128, 14336, 32000, model_type="mistral", rope_theta=1e4, sliding_window=4096),
    "nemotron-8b": qwen(4096, 32, 8, 128, 14336, 131072, model_type="nemotron_labs_diffusion", block_size=32, mask_token_id=100, rms_norm_eps=1e-5,
                        max_position_embeddings=262144, rope_scaling=dict(rope_type="yarn", factor=16.0, original_max_position_embeddings=16384, mscale=1.0,
                                                                          mscale_all_dim=1.0, llama_4_scaling_beta=0.1)),
    "sdar-30b-a3b": qwen(2048, 32, 4, 128, 6144, 151936, model_type="sdar_moe", block_size=4, mask_token_id=151669, **EXPERTS),
    "rnd1-30b": qwen(2048, 32, 4, 128, 6144, 151936, model_type="rnd1", mask_token_id=151669, rope_scaling=False, sliding_window=False, **EXPERTS),
    "llada-moe-7b": dict(qwen(2048, 16, 16, 128, 8192, 157184, model_type="llada", rope_theta=5e4, rms_norm_eps=1e-5, mask_token_id=156895, max_position_embeddings=8192),
                         num_experts=64, num_experts_per_tok=8, expert_intermediate_size=1024, dense_intermediate_size=8192, moe_layer_freq=[1], qk_layernorm=True,
                         shared_expert_intermediate_size=None, moe_router_enable_expert_bias=False),
    "llada2-mini": dict(qwen(2048, 16, 4, 128, 5120, 157184, model_type="llada2_moe", rope_theta=6e5, mask_token_id=156895), num_experts=256, num_experts_per_tok=8,
                        moe_intermediate_size=512, n_group=8, topk_group=4, routed_scaling_factor=2.5, first_k_dense_replace=1, num_shared_experts=1,
                        partial_rotary_factor=0.5, rotary_dim=64, score_function="sigmoid", norm_topk_prob=True),
    "gemma-3-1b": dict(qwen(1152, 4, 1, 256, 6912, 262144, model_type="gemma3_text", tie_word_embeddings=True), hidden_act=None, hidden_activation="gelu_pytorch_tanh",
                       query_pre_attn_scalar=256, sliding_window=512, sliding_window_pattern=2, rope_local_base_freq=10000),
    "diffusion-gemma-26b": dict(model_type="diffusion_gemma", canvas_length=256, tie_word_embeddings=True, eos_token_id=[1, 106, 50], text_config=dict(
        hidden_size=2816, num_attention_heads=16, num_key_value_heads=8, num_global_key_value_heads=2, head_dim=256, global_head_dim=512, intermediate_size=2112,
        moe_intermediate_size=704, num_experts=128, top_k_experts=8, vocab_size=262144, max_position_embeddings=262144, sliding_window=1024, rms_norm_eps=1e-6,
        final_logit_softcapping=30.0, hidden_activation="gelu_pytorch_tanh", tie_word_embeddings=True,
        rope_parameters=dict(full_attention=dict(rope_type="proportional", partial_rotary_factor=0.25, rope_theta=1e6),
                             sliding_attention=dict(rope_type="default", rope_theta=1e4)))),
    "llada-8b": dict(model_type="llada", d_model=4096, n_heads=32, n_kv_heads=32, mlp_hidden_size=12288, vocab_size=126464, embedding_size=126464,
                     max_sequence_length=4096, rope=True, rope_theta=5e5, rms_norm_eps=1e-5, weight_tying=False, include_bias=False, block_type="llama",
                     activation_type="silu", layer_norm_type="rms", mask_token_id=126336, eos_token_id=126081),
}


def tensors(c):
    """Names and shapes of a config's tensors."""
    kind = c["model_type"]
    if kind == "llada" and "d_model" in c:
        d, m, v = c["d_model"], c["mlp_hidden_size"], c["embedding_size"]
        yield "model.transformer.wte.weight", [v, d]
        for i in range(c["n_layers"]):
            p = f"model.transformer.blocks.{i}."
            for n, shape in (("attn_norm", [d]), ("ff_norm", [d]), ("q_proj", [d, d]), ("k_proj", [d, d]), ("v_proj", [d, d]), ("attn_out", [d, d]),
                             ("ff_proj", [m, d]), ("up_proj", [m, d]), ("ff_out", [d, m])):
                yield f"{p}{n}.weight", shape
        yield "model.transformer.ln_f.weight", [d]
        yield "model.transformer.ff_out.weight", [v, d]
        return
    if "text_config" in c:
        yield from canvas(c["text_config"])
        return
    d, h, v = c["hidden_size"], c["head_dim"], c["vocab_size"]
    q, kv = c["num_attention_heads"] * h, c["num_key_value_heads"] * h
    root = "encoder" if kind == "nemotron_labs_diffusion" else "model"
    llada2, gemma = kind == "llada2_moe", kind == "gemma3_text"
    yield f"{root}.{'word_embeddings' if llada2 else 'embed_tokens'}.weight", [v, d]
    for i in range(c["num_hidden_layers"]):
        p = f"{root}.layers.{i}."
        yield p + "input_layernorm.weight", [d]
        yield p + "post_attention_layernorm.weight", [d]
        if gemma:
            yield p + "pre_feedforward_layernorm.weight", [d]
            yield p + "post_feedforward_layernorm.weight", [d]
        part = "attention." if llada2 else "self_attn."
        if llada2:
            yield p + "attention.query_key_value.weight", [q + 2 * kv, d]
            yield p + "attention.dense.weight", [d, q]
        else:
            for n, shape in (("q", [q, d]), ("k", [kv, d]), ("v", [kv, d]), ("o", [d, q])):
                yield f"{p}self_attn.{n}_proj.weight", shape
                if n != "o" and kind in ("Fast_dLLM_Qwen", "Dream"):
                    yield f"{p}self_attn.{n}_proj.bias", shape[:1]
        if kind not in ("Fast_dLLM_Qwen", "Dream", "llama", "mistral", "nemotron_labs_diffusion"):
            for n in ("query_layernorm", "key_layernorm") if llada2 else ("q_norm", "k_norm"):
                yield f"{p}{part}{n}.weight", [h]

        def mlp(at, m):
            for n, shape in (("gate", [m, d]), ("up", [m, d]), ("down", [d, m])):
                yield f"{p}{at}{n}_proj.weight", shape
        if not c.get("num_experts") or i < c.get("first_k_dense_replace", 0):
            yield from mlp("mlp.", c["intermediate_size"])
            continue
        m = c.get("moe_intermediate_size") or c["expert_intermediate_size"]
        yield p + "mlp.gate.weight", [c["num_experts"], d]
        if llada2:
            yield p + "mlp.gate.expert_bias", [c["num_experts"]]
            yield from mlp("mlp.shared_experts.", m * c["num_shared_experts"])
        for e in range(c["num_experts"]):
            yield from mlp(f"mlp.experts.{e}.", m)
    yield root + ".norm.weight", [d]
    if not c.get("tie_word_embeddings"):
        yield ("diffusion_head" if kind == "nemotron_labs_diffusion" else "lm_head") + ".weight", [v, d]


def canvas(c):
    """DiffusionGemma's."""
    d, m, e, inner = c["hidden_size"], c["intermediate_size"], c["num_experts"], c["moe_intermediate_size"]

    def gated(at):
        for n, shape in (("gate", [m, d]), ("up", [m, d]), ("down", [d, m])):
            yield f"{at}{n}_proj.weight", shape
    yield "model.decoder.embed_tokens.weight", [c["vocab_size"], d]
    yield "model.decoder.norm.weight", [d]
    yield "model.decoder.self_conditioning.pre_norm.weight", [d]
    yield from gated("model.decoder.self_conditioning.")
    for i in range(c["num_hidden_layers"]):
        p, near = f"model.decoder.layers.{i}.", i + 1 < c["num_hidden_layers"]
        h, kv = (c["head_dim"], c["num_key_value_heads"]) if near else (c["global_head_dim"], c["num_global_key_value_heads"])
        for n in ("input_layernorm", "post_attention_layernorm", "pre_feedforward_layernorm", "post_feedforward_layernorm", "pre_feedforward_layernorm_2",
                  "post_feedforward_layernorm_1", "post_feedforward_layernorm_2"):
            yield f"{p}{n}.weight", [d]
        for n, shape in (("q", [c["num_attention_heads"] * h, d]), ("k", [kv * h, d]), ("v", [kv * h, d]), ("o", [d, c["num_attention_heads"] * h])):
            if n != "v" or near:
                yield f"{p}self_attn.{n}_proj.weight", shape
        yield p + "self_attn.q_norm.weight", [h]
        yield p + "self_attn.k_norm.weight", [h]
        yield from gated(p + "mlp.")
        for n, shape in (("router.scale", [d]), ("router.proj.weight", [e, d]), ("router.per_expert_scale", [e]), ("experts.gate_up_proj", [e, 2 * inner, d]),
                         ("experts.down_proj", [e, d, inner]), ("layer_scalar", [1])):
            yield p + n, shape
        yield f"model.encoder.language_model.layers.{i}.layer_scalar", [1]


def write(folder, config, layers):
    """The checkpoint, in bf16; the bytes that its tensors count."""
    os.makedirs(folder)
    config = {k: v for k, v in config.items() if v is not None}
    if "text_config" in config:
        config["text_config"] = config["text_config"] | dict(num_hidden_layers=layers)
    else:
        config["n_layers" if "d_model" in config else "num_hidden_layers"] = layers
    if "moe_layer_freq" in config:
        config["moe_layer_freq"] = [1] * layers
    with open(os.path.join(folder, "config.json"), "w") as f:
        json.dump(config, f)
    header, offset = {}, 0
    for name, shape in tensors(config):
        size = 2 * math.prod(shape)
        header[name] = dict(dtype="BF16", shape=shape, data_offsets=[offset, offset + size])
        offset += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    rnd = random.Random(1)
    # Between 1/64 and 1/32 of either sign.
    some = b"".join(struct.pack("<H", rnd.choice([0x3c80, 0xbc80]) | rnd.randrange(128)) for _ in range(STRETCH // 2))
    with open(os.path.join(folder, "model.safetensors"), "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        for entry in header.values():
            begin, end = entry["data_offsets"]
            for at in range(begin, end, EACH):
                f.seek(8 + len(text) + at)
                f.write(some[:min(STRETCH, end - at)])
        f.truncate(8 + len(text) + offset)
    return offset


def run(*command):
    """Seconds and the peak of memory, in MB; ends with the tool's words if it fails."""
    start = time.monotonic()
    child = subprocess.Popen([os.path.join(BIN, command[0]), *command[1:]], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    said = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    if status:
        sys.exit(f"{' '.join(command)}: {said.strip()[-600:]}")
    return round(time.monotonic() - start, 1), usage.ru_maxrss // 1024, said


def measure(name, layers, folder):
    peaks, line = [], dict(name=name, layers=layers)
    for count in (layers, layers + 1):
        hf, out = os.path.join(folder, f"{name}-{count}"), os.path.join(folder, f"{name}-{count}-out")
        weights = write(hf, CONFIGS[name], count) >> 20
        decoder = [] if name != "rnd1-30b" else ["--decoder", "rnd1"]
        seconds, peak, _ = run("quoin-compile", hf, "-o", out, "--quiet", "--without-tokenizer", *decoder)
        peaks.append(peak)
        if count == layers:
            line.update(weights_mb=weights, compile_seconds=seconds)
            # One step of a canvas that is as small as others' blocks.
            small = [] if "canvas_length" not in CONFIGS[name] else ["--set", "canvas=4", "--set", "steps=1"]
            line["step_seconds"], line["step_mb"], said = run("quoin-run", out, "--prompt-ids", "5,9,17", "--max-tokens", "1", "--json", *small)
            line["ids"] = json.loads(said.strip().splitlines()[-1])["ids"][:4]
        shutil.rmtree(hf)
        shutil.rmtree(out)
    line["compile_mb"] = peaks
    if peaks[1] - peaks[0] > SLACK_MB:
        sys.exit(f"{name}: expects compiling to take at most {SLACK_MB} MB more for one layer more, but found {peaks[0]} and {peaks[1]} MB")
    return line


def main():
    a = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    a.add_argument("--layers", type=int, default=2)
    a.add_argument("--folder", help="where checkpoints and artefacts go meanwhile")
    a.add_argument("names", nargs="*")
    a = a.parse_args()
    for name in a.names or CONFIGS:
        if name not in CONFIGS:
            sys.exit(f"expects one of {', '.join(CONFIGS)}, but found {name}")
        with tempfile.TemporaryDirectory(dir=a.folder) as folder:
            print(json.dumps(measure(name, a.layers, folder)), flush=True)


main()
