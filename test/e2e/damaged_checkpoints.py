#!/usr/bin/env python3
"""Damaged and lying checkpoints: quoin-compile gives one clear error, exit status 1, and leaves nothing half-written."""
import json
import os
import struct

import harness
from checkpoint import save
from damage import NO_USER, RUN, Folder, artefact, refuse, refuse_compile, tokens, unprivileged
from harness import expect

EMBED = "model.embed_tokens.weight"
DEEP = "[" * 100000


def config_case(change, *words):
    def test():
        with Folder() as f:
            c = json.load(open(f.file("config.json")))
            change(c)
            json.dump(c, open(f.file("config.json"), "w"))
            refuse_compile(f, *words)
    return test


def bytes_case(name, change, *words):
    def test():
        with Folder() as f:
            data = open(f.file(name), "rb").read()
            open(f.file(name), "wb").write(change(data))
            refuse_compile(f, *words)
    return test


def header_case(change, *words):
    """Changes the header of model.safetensors."""
    def test():
        with Folder() as f:
            header_change(f, change)
            refuse_compile(f, *words)
    return test


def header_change(folder, change):
    """Changes the header of model.safetensors in place."""
    data = open(folder.file("model.safetensors"), "rb").read()
    n = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + n])
    change(header)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    open(folder.file("model.safetensors"), "wb").write(struct.pack("<Q", len(text)) + text + data[8 + n:])


def remove_case(name, *words):
    def test():
        with Folder() as f:
            os.unlink(f.file(name))
            refuse_compile(f, *words)
    return test


def nan_weights():
    with Folder() as f:
        data = bytearray(open(f.file("model.safetensors"), "rb").read())
        data[-4:] = struct.pack("<f", float("nan"))
        open(f.file("model.safetensors"), "wb").write(data)
        refuse_compile(f, "NaN")


def raw_config_case(text, *words):
    def test():
        with Folder() as f:
            open(f.file("config.json"), "w").write(text)
            refuse_compile(f, *words)
    return test


def generation_case(value, *words):
    def test():
        with Folder() as f:
            open(f.file("generation_config.json"), "w").write(value if isinstance(value, str) else json.dumps(value))
            refuse_compile(f, *words)
    return test


# ---- Rights: as root, programs run as a user who has none


def unreadable(*names):
    def test():
        for name in names:
            with Folder() as f:
                call = unprivileged(f.top, f.model)
                if not call:
                    return NO_USER
                os.chmod(f.file(name), 0)
                refuse(call("quoin-compile", f.model, "-o", f.out), name)
                expect(os.listdir(f.top) == ["hf"], "expects nothing left behind")
    return test


# ---- Folders and links


def link_loop(name):
    def test():
        with Folder() as f:
            os.unlink(f.file(name))
            os.symlink(name, f.file(name))
            refuse_compile(f, name)
    return test


def folder_as_file(name):
    def test():
        with Folder() as f:
            os.unlink(f.file(name))
            os.mkdir(f.file(name))
            refuse_compile(f, name)
    return test


def input_that_is_none():
    with Folder() as f:
        empty, loop = os.path.join(f.top, "empty"), os.path.join(f.top, "loop")
        os.mkdir(empty)
        os.symlink("loop", loop)
        for path in (empty, loop, os.path.join(f.top, "missing"), f.file("config.json"), f.file("model.safetensors"), "/dev/null"):
            refuse(harness.call("quoin-compile", path, "-o", f.out), os.path.basename(path))
            expect(not os.path.exists(f.out), "expects no artefact")
        program = os.path.join(f.top, "program.mlir")
        harness.tool("quoin-import", f.model, "-o", program)
        for path, words in ((f.model, "a checkpoint's folder, which quoin-compile compiles"), (f.file("config.json"), "is a file"),
                            ("", "there is no ''"), (os.path.join(f.top, "missing"), "there is no"), (program, "is a file"), ("/dev/null", "is a file")):
            refuse(harness.call("quoin-run", path, *RUN), "model.so", words)
        refuse(harness.call("quoin-interpret", f.model, *RUN), "expects a .mlir file", "folder")
        refuse(harness.call("quoin-interpret", f.file("model.safetensors"), *RUN), "model.safetensors")
        for path in (empty, loop, f.model):
            refuse(harness.call("quoin-run", path, *RUN), "model.so")
            refuse(harness.call("quoin-run", path, "--describe", "--prompt", "x"), "model.json")


def link_to_checkpoint():
    """Links that lead somewhere are followed."""
    with Folder() as f:
        link = os.path.join(f.top, "link")
        os.symlink("hf", link)
        os.rename(f.file("model.safetensors"), os.path.join(f.top, "weights"))
        os.symlink("../weights", f.file("model.safetensors"))
        harness.tool("quoin-compile", link, "-o", f.out)
        expect(tokens(f.out) == tokens(artefact()), "expects the same artefact")


# ---- Shards


def sharded(folder, change=lambda index, entries: None):
    """The checkpoint in two files and an index."""
    data = open(folder.file("model.safetensors"), "rb").read()
    n = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + n])
    entries = [[], []]
    for i, (name, e) in enumerate(header.items()):
        lo, hi = e["data_offsets"]
        entries[i % 2].append((name, e["dtype"], e["shape"], data[8 + n + lo:8 + n + hi]))
    names = ["model-1.safetensors", "model-2.safetensors"]
    index = dict(metadata=dict(total_size=len(data) - 8 - n),
                 weight_map={e[0]: names[i] for i in range(2) for e in entries[i]})
    change(index["weight_map"], entries)
    os.unlink(folder.file("model.safetensors"))
    for name, listed in zip(names, entries):
        if listed:
            save(folder.file(name), listed)
    json.dump(index, open(folder.file("model.safetensors.index.json"), "w"))


def shard_case(change, *words):
    def test():
        with Folder() as f:
            sharded(f, change)
            refuse_compile(f, *words)
    return test


def shards_are_one_model():
    with Folder() as f:
        sharded(f)
        harness.tool("quoin-compile", f.model, "-o", f.out)
        expect(tokens(f.out) == tokens(artefact()), "expects the artefact of the one file")


def save_tensors(folder, change):
    """Writes the weights again after `change(tensors)`, a map from names to (dtype, shape, bytes)."""
    path = folder.file("model.safetensors")
    data = open(path, "rb").read()
    n = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + n])
    held = {k: (e["dtype"], e["shape"], data[8 + n + e["data_offsets"][0]:8 + n + e["data_offsets"][1]]) for k, e in header.items()}
    change(held)
    save(path, [(k, *v) for k, v in held.items()])


def change_config(folder, **keys):
    c = json.load(open(folder.file("config.json")))
    c.update(keys)
    json.dump(c, open(folder.file("config.json"), "w"))


def compiled(folder):
    """Compiles what must compile; gives its tokens and the warnings."""
    r = harness.call("quoin-compile", folder.model, "-o", folder.out, "--quiet")
    expect(r.returncode == 0, f"expects exit 0, but found {r.returncode}: {r.stderr[-300:]}")
    return tokens(folder.out), r.stderr


# ---- What nobody reads, and what is read from anywhere


def unread_tensors_of_any_type():
    """One line names them; tokens are those without them."""
    with Folder() as f:
        bits = dict(F4=4, F6_E2M3=6, F6_E3M2=6, F8_E8M0=8, F8_E4M3FNUZ=8, F8_E5M2FNUZ=8, C64=64, BOOL=8, U64=64)
        save_tensors(f, lambda held: held.update({f"extra.{name}": (name, [8], bytes(b)) for name, b in bits.items()}))
        # A type of tomorrow: nobody knows how long its elements are.
        header_change(f, lambda h: h["extra.U64"].update(dtype="F2_E9", note={"a": [1]}))
        got, said = compiled(f)
        expect(got == tokens(artefact()), "expects the same tokens")
        expect(said.count("\n") == 1 and f"{len(bits)} tensors" in said and "'extra.BOOL'" in said, f"expects one warning, but found {said}")


def rotary_bases_in_any_place():
    """The same base written elsewhere gives the same tokens; one of the places with another gives none."""
    with Folder() as f:
        base = json.load(open(f.file("config.json")))["rope_theta"]
        for keys in (dict(rope_parameters=dict(rope_theta=base)), dict(rope_scaling=dict(rope_theta=base, type="default")),
                     dict(rope_parameters=dict(full_attention=dict(rope_theta=base, rope_type="default")))):
            change_config(f, **{**dict(rope_theta=None, rope_parameters=None, rope_scaling=None), **keys})
            got, said = compiled(f)
            expect(got == tokens(artefact()) and not said, f"expects the same tokens with {keys}")
            change_config(f, rope_theta=base * 2)
            refuse(harness.call("quoin-compile", f.model, "-o", f.out + "2"), "rope_theta")


def head_beside_a_tied_embedding():
    """The head in the file is used, as one that config.json knows of."""
    with Folder() as f:
        embedding = []

        def other_head(held):
            dtype, shape, data = embedding[:] = held[EMBED]
            row = len(data) // shape[0]
            held["lm_head.weight"] = (dtype, shape, b"".join(data[i * row:(i + 1) * row] for i in reversed(range(shape[0]))))
        change_config(f, tie_word_embeddings=False)
        save_tensors(f, other_head)
        untied, said = compiled(f)
        expect(not said, f"expects no warning, but found {said}")
        change_config(f, tie_word_embeddings=True)
        got, said = compiled(f)
        expect(got == untied, f"expects the tokens of the head in the file, {untied}, but found {got}")
        expect(said.count("\n") == 1 and "lm_head.weight" in said, f"expects one warning, but found {said}")
        save_tensors(f, lambda held: held.update({"lm_head.weight": held[EMBED]}))
        equal, said = compiled(f)
        save_tensors(f, lambda held: held.pop("lm_head.weight"))
        expect(compiled(f) == (equal, "") and not said, "expects an equal head to be the embedding, without a word")
        change_config(f, tie_word_embeddings=False)
        refuse(harness.call("quoin-compile", f.model, "-o", f.out + "2"), "lm_head.weight")


POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:%064x\nsize 98760\n" % 7
KINDS = [(POINTER, "Git LFS pointer"), (b"GGUF\3\0\0\0", "GGUF"), (b"PK\3\4\x14\0\0\0", "ZIP"), (b"\x80\2}q\0(X\1\0\0", "pickle"),
         (b"<!DOCTYPE html>\n<html><body>Sign in</body></html>", "web page"), (b"\x1f\x8b\x08\0\0\0\0\0\0\3", "gzip")]


def files_of_other_kinds():
    """What stands in a file's place is named."""
    for name in ("config.json", "generation_config.json", "model.safetensors", "tokenizer.json"):
        for data, word in KINDS:
            with Folder() as f:
                open(f.file(name), "wb").write(data)
                refuse_compile(f, name, word)
    for data, word in KINDS:
        with Folder() as f:
            sharded(f)
            open(f.file("model-2.safetensors"), "wb").write(data)
            refuse_compile(f, "model-2.safetensors", word)
            open(f.file("model.safetensors.index.json"), "wb").write(data)
            refuse_compile(f, "index.json", word)


def inputs_of_other_kinds():
    """A file for a folder, a folder of something else."""
    with Folder() as f:
        for name, word in (("config.json", "JSON"), ("model.safetensors", "safetensors"), ("tokenizer.json", "JSON")):
            for tool in ("quoin-compile", "quoin-import"):
                refuse(harness.call(tool, f.file(name), "-o", f.out), word, f"give its folder, '{f.model}'")
        for name, data, word in (("x.gguf", b"GGUF", "GGUF"), ("pytorch_model.bin", b"PK\3\4", "ZIP"), ("x.mlir", POINTER, "Git LFS")):
            path = os.path.join(f.top, name)
            open(path, "wb").write(data)
            refuse(harness.call("quoin-compile", path, "-o", f.out), name, word)
        refuse(harness.call("quoin-compile", artefact(), "-o", f.out), "artefact", "quoin-run")
        refuse(harness.call("quoin-compile", f.top, "-o", f.out), f"is it '{f.model}'")
        for name, data, word in (("pytorch_model.bin", b"PK\3\4", "ZIP"), ("model.gguf", b"GGUF", "GGUF"),
                                 ("model.bin", b"x", "PyTorch"), ("consolidated.safetensors", b"x", "another name")):
            with Folder() as g:
                os.unlink(g.file("model.safetensors"))
                open(g.file(name), "wb").write(data)
                refuse_compile(g, name, word)


def unknown_cpu():
    with Folder() as f:
        refuse_compile(f, "frobnicator", flags=("--target-cpu", "frobnicator"))


TESTS = [
    ("config-not-json", bytes_case("config.json", lambda d: d[:-5], "config.json")),
    ("config-missing", remove_case("config.json", "config.json")),
    ("config-unknown-architecture", config_case(lambda c: c.update(model_type="mamba"), "mamba")),
    ("config-unknown-activation", config_case(lambda c: c.update(hidden_act="relu6"), "hidden_act", "relu6")),
    ("config-empty", raw_config_case("", "config.json")),
    ("config-list", raw_config_case("[1, 2]", "config.json", "object")),
    ("config-nested-deep", raw_config_case('{"x": ' + DEEP + "]" * 100000 + "}", "config.json", "64", "100001")),
    ("config-nested-open", raw_config_case(DEEP, "config.json")),
    ("config-not-a-number", config_case(lambda c: c.update(rms_norm_eps=float("nan")), "rms_norm_eps")),
    ("config-epsilon-huge", config_case(lambda c: c.update(rms_norm_eps=1e30), "rms_norm_eps")),
    ("config-theta-zero", config_case(lambda c: c.update(rope_theta=0), "rope_theta")),
    ("config-no-hidden", config_case(lambda c: c.pop("hidden_size"), "hidden_size")),
    ("config-head-odd", config_case(lambda c: c.update(head_dim=15), "head_dim", "15")),
    ("config-heads-contradict-weights", config_case(lambda c: c.update(num_attention_heads=4), "32", "64")),
    ("config-vocabulary-contradicts-weights", config_case(lambda c: c.update(vocab_size=271), "270", "271")),
    ("config-vocabulary-below-weights", config_case(lambda c: c.update(vocab_size=269, mask_token_id=1, eos_token_id=1, pad_token_id=1), "270")),
    ("config-too-few-layers", config_case(lambda c: c.update(num_hidden_layers=2), "layers.1.")),
    ("config-capacity-absurd", config_case(lambda c: c.update(max_position_embeddings=1 << 40), "max_position_embeddings")),
    ("config-block-past-capacity", config_case(lambda c: c.update(block_size=65), "block_size", "65")),
    ("config-number-past-64-bits", config_case(lambda c: c.update(vocab_size=1 << 70), "vocab_size")),
    ("config-sliding-window", config_case(lambda c: c.update(use_sliding_window=True, max_window_layers=0, sliding_window=32), "use_sliding_window", "32", "64")),
    ("config-quantized", config_case(lambda c: c.update(quantization_config=dict(bits=4)), "quantization_config")),
    ("config-experts", config_case(lambda c: c.update(num_experts=8), "num_experts")),
    ("config-flag-as-text", config_case(lambda c: c.update(tie_word_embeddings="yes"), "tie_word_embeddings")),
    ("config-rope-linear", config_case(lambda c: c.update(rope_scaling=dict(rope_type="linear", factor=2)), "rope_scaling")),
    ("config-rope-text", config_case(lambda c: c.update(rope_scaling="yarn"), "rope_scaling", "yarn")),
    ("config-rope-parameters", config_case(lambda c: c.update(rope_parameters=dict(rope_type="llama3", factor=8)), "rope_parameters")),
    ("config-stop-past-vocabulary", generation_case(dict(eos_token_id=270), "generation_config.json", "eos_token_id", "270")),
    ("generation-config-broken", generation_case("{", "generation_config.json")),
    ("generation-config-nested-deep", generation_case(DEEP, "generation_config.json")),
    ("config-rope-scaling", config_case(lambda c: c.update(rope_scaling=dict(type="yarn", factor=4.0)), "rope_scaling")),
    ("config-heads-not-divided", config_case(lambda c: c.update(num_key_value_heads=3), "num_key_value_heads")),
    ("config-absurd-layers", config_case(lambda c: c.update(num_hidden_layers=10**9), "num_hidden_layers")),
    ("config-negative-hidden", config_case(lambda c: c.update(hidden_size=-1), "hidden_size")),
    ("config-text-for-number", config_case(lambda c: c.update(hidden_size="64"), "hidden_size")),
    ("config-contradicts-weights", config_case(lambda c: c.update(intermediate_size=48), "40", "48")),
    ("config-block-zero", config_case(lambda c: c.update(block_size=0), "block")),
    ("config-mask-past-vocabulary", config_case(lambda c: c.update(mask_token_id=100000), "mask_token_id")),
    ("safetensors-empty", bytes_case("model.safetensors", lambda d: b"", "model.safetensors")),
    ("safetensors-truncated", bytes_case("model.safetensors", lambda d: d[:len(d) // 2], "model.safetensors")),
    ("safetensors-header-past-end", bytes_case("model.safetensors", lambda d: struct.pack("<Q", 1 << 62) + d[8:], "model.safetensors")),
    ("safetensors-offsets-past-end", header_case(lambda h: h[EMBED].update(data_offsets=[0, 1 << 60]), EMBED)),
    ("safetensors-wrong-size", header_case(lambda h: h[EMBED].update(shape=[270, 31]), EMBED)),
    ("safetensors-absurd-shape", header_case(lambda h: h[EMBED].update(shape=[1 << 40, 1 << 40]), EMBED)),
    ("safetensors-unknown-dtype", header_case(lambda h: h[EMBED].update(dtype="F7"), "F7")),
    ("safetensors-missing-tensor", header_case(lambda h: h.update(other=h.pop("model.norm.weight")), "model.norm.weight")),
    ("safetensors-missing", remove_case("model.safetensors", "model.safetensors")),
    ("safetensors-nan", nan_weights),
    ("tokenizer-broken", bytes_case("tokenizer.json", lambda d: d[:100], "tokenizer.json")),
    ("tokenizer-nested-deep", bytes_case("tokenizer.json", lambda d: DEEP.encode(), "tokenizer.json")),
    ("shards", shards_are_one_model),
    ("shards-missing-file", shard_case(lambda m, e: e[1].clear(), "model-2.safetensors")),
    ("shards-wrong-file", shard_case(lambda m, e: m.update({EMBED: "model-2.safetensors"}), EMBED, "model-2.safetensors", "model-1.safetensors")),
    ("shards-missing-tensor", shard_case(lambda m, e: e[0].pop(0), EMBED, "in no shard")),
    ("shards-unlisted-tensor", shard_case(lambda m, e: e[0].pop(0) and m.pop(EMBED), EMBED)),
    ("shards-outside", shard_case(lambda m, e: m.update({EMBED: "../model-1.safetensors"}), EMBED, "../model-1.safetensors")),
    ("shards-number-for-file", shard_case(lambda m, e: m.update({EMBED: 7}), EMBED, "7")),
    ("link-loop-config", link_loop("config.json")),
    ("link-loop-weights", link_loop("model.safetensors")),
    ("link-loop-generation-config", link_loop("generation_config.json")),
    ("link-to-checkpoint", link_to_checkpoint),
    ("folder-as-config", folder_as_file("config.json")),
    ("folder-as-weights", folder_as_file("model.safetensors")),
    ("folder-as-tokenizer", folder_as_file("tokenizer.json")),
    ("folder-as-generation-config", folder_as_file("generation_config.json")),
    ("input-that-is-none", input_that_is_none),
    ("unreadable-checkpoint", unreadable("config.json", "generation_config.json", "model.safetensors", "tokenizer.json")),
    ("unread-tensors-of-any-type", unread_tensors_of_any_type),
    ("rotary-bases-in-any-place", rotary_bases_in_any_place),
    ("head-beside-a-tied-embedding", head_beside_a_tied_embedding),
    ("files-of-other-kinds", files_of_other_kinds),
    ("inputs-of-other-kinds", inputs_of_other_kinds),
    ("config-infinity-read", raw_config_case('{"model_type": "sdar", "hidden_size": Infinity}', "hidden_size", "Infinity")),
    ("config-bad-escape", bytes_case("config.json", lambda d: d.replace(b'"sdar"', b'"sd\\ar"'), "bad escape", "line ")),
    ("config-utf-16", bytes_case("config.json", lambda d: d.decode().encode("utf-16"), "UTF-16")),
    ("safetensors-short-by-a-byte", bytes_case("model.safetensors", lambda d: d[:-1], "model.safetensors", "did not end")),
    ("safetensors-future-dtype-read", header_case(lambda h: h[EMBED].update(dtype="F4_NEXT"), "F4_NEXT")),
    ("unknown-cpu", unknown_cpu),
]

if __name__ == "__main__":
    harness.main(TESTS)
