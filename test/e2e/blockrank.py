#!/usr/bin/env python3
"""BlockRank from a checkpoint's folder to what a query's attention says of each document, compared with its description in float64
(`test/oracle/blockrank.py`), interpreted and compiled; then prompts that are none.
"""
import os
import random
import sys

import harness
from family_folder import FamilyFolder
from harness import expect
from tolerances import TOLERANCES

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.realpath(__file__))), "oracle"))
import blockrank  # noqa: E402

BASE = dict(vocab_size=40, hidden_size=24, num_attention_heads=4, num_key_value_heads=2, head_dim=6, intermediate_size=30, num_hidden_layers=3, rms_norm_eps=1e-5,
            rope_theta=10000.0, max_position_embeddings=512, tie_word_embeddings=False, hidden_act="silu", blockrank_position=300, blockrank_separator=39)
# More documents than a head has features, so that they take several attentions; a layer of its own, the first one and the last.
SHAPES = [dict(BASE, model_type="mistral", blockrank_layer=1), dict(BASE, model_type="qwen3", blockrank_layer=2, num_key_value_heads=1), dict(BASE, model_type="llama", blockrank_layer=0)]
SEPARATOR, DOCUMENTS = 39, 20


def made(folder, shape, seed):
    return blockrank.Model(shape, blockrank.write(folder, shape, seed))


def prompt(rnd, lengths):
    """Blocks of so many tokens, with separators between them."""
    out = []
    for i, n in enumerate(lengths):
        out += ([SEPARATOR] if i else []) + [rnd.randrange(SEPARATOR) for _ in range(n)]
    return out


def against_the_oracle():
    compared = 0
    for n, shape in enumerate(SHAPES):
        rnd = random.Random(50 + n)
        with FamilyFolder(made, shape, seed=n + 1) as f:
            program = os.path.join(f.top, "m.mlir")
            harness.tool("quoin-import", f.model, "-o", program, "--set", f"documents={DOCUMENTS}")
            places = [("quoin-interpret", program, 1e-6), *(("quoin-run", f.compiled(level, "--set", f"documents={DOCUMENTS}"), TOLERANCES["probability"])
                                                            for level in (("-O0", "-O2") if n == 0 else ("-O0",)))]
            # Blocks without a token, too; a query shorter than what is asked of it.
            for lengths, queries in (([5, 3, 4, 6], 2), ([2, 7, 1], 16), ([0] + [rnd.randrange(0, 5) for _ in range(DOCUMENTS)] + [9], 3)):
                ids = prompt(rnd, lengths)
                want = f.oracle.relevance(ids, SEPARATOR, queries)
                for tool, target, tolerance in places:
                    r, got = f.call(tool, target, dict(queries=queries), given={"prompt": ("I32", [len(ids)], ids)})
                    expect(r.returncode == 0, f"{tool}: {r.stderr.strip()}")
                    for name, numbers in zip(("relevance", "among_documents"), want):
                        found = got[name][2]
                        expect(len(found) == len(numbers) and max(abs(a - b) for a, b in zip(numbers, found)) < tolerance,
                               f"{tool} {target}: '{name}' expects {numbers}, but found {found}")
                    expect(abs(sum(got["among_documents"][2]) - 1) < 1e-4, f"{tool}: expects shares of 1, but found {got['among_documents'][2]}")
                    compared += 1
    return f"{compared} prompts"


def refused():
    """Both tools say it alike."""
    rnd = random.Random(3)
    with FamilyFolder(made, SHAPES[0]) as f:
        places = [("quoin-interpret", f.program()), ("quoin-run", f.compiled("-O0"))]
        for lengths, words in (([5, 4], "an instruction, a document and a query at least"), ([2, 3, 0], "ends in a query of one token at least"),
                               ([1] * 131, "has at most 128 documents")):
            ids = prompt(rnd, lengths)
            for tool, target in places:
                r = harness.call(tool, target, "--prompt-ids", ",".join(map(str, ids)), "--max-tokens", 1)
                expect(r.returncode == 1 and words in r.stderr + r.stdout, f"{tool} {lengths}: expects '{words}', but found {r.returncode}: {r.stderr.strip()}")
        for change, words in ((dict(blockrank_layer=3), "'blockrank_layer' expects a layer below 'num_hidden_layers' 3, but found 3"),
                              (dict(blockrank_position=512), "'blockrank_position' expects a position below 'max_position_embeddings' 512"),
                              (dict(blockrank_separator=40), "'blockrank_separator' expects a token below 'vocab_size' 40")):
            with FamilyFolder(made, SHAPES[0], change=change) as other:
                harness.expect_refused(harness.call("quoin-import", other.model, "-o", os.path.join(other.top, "no.mlir")), words)


if __name__ == "__main__":
    harness.main([("against-the-oracle", against_the_oracle), ("refused", refused)])
