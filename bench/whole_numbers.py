#!/usr/bin/env python3
"""What whole numbers for weights change in the answers of the demo model.

  bench/whole_numbers.py [--count 250] [--seed 1] [--threshold 0.9]

Each task's held-out prompts are answered with weights of f32, int8 and int4 (groups of 32, 64 and 128), also with the head's. Columns: answers
that are those of f32, character by character; answers that are right; tokens a forward; the weight file; the largest relative error of a matrix."""
import argparse
import json
import os
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
BIN = os.environ.get("QUOIN_BIN") or os.path.join(ROOT, "build", "release", "bin")
DEMO = os.path.join(ROOT, "examples", "demo")
sys.path.insert(0, DEMO)
import check  # noqa: E402

FORMS = ["f32", "bf16", "int8", "int8 --head-weights int8", "int4 --group 32", "int4 --group 64", "int4", "int4 --group 32 --head-weights int4"]


def run(name, *args):
    done = subprocess.run([os.path.join(BIN, name), *map(str, args)], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"error: {name}: {done.stderr.strip()[-400:]}")
    return done.stdout


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=250, help="prompts of each task")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threshold", type=float, default=0.9)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        prompts, results, out = (os.path.join(folder, name) for name in ("prompts.jsonl", "results.jsonl", "out"))
        with open(prompts, "w") as file:
            file.write(subprocess.run([sys.executable, os.path.join(DEMO, "check.py"), "prompts", "--count", str(options.count), "--seed", str(options.seed)],
                                      check=True, capture_output=True, text=True).stdout)
        asked = [line["prompt"] for line in check.read_lines(prompts)]
        expected = None
        print(f"{'weights':<36} {'as f32':>8} {'right':>8} {'tokens/forward':>15} {'bytes':>9} {'error':>7}")
        for form in FORMS:
            run("quoin-compile", os.path.join(DEMO, "model"), "-o", out, "--quiet", "--set", f"threshold={options.threshold}", "--weights", *form.split())
            with open(results, "w") as file:
                file.write(run("quoin-run", out, "--input", prompts, "--json", "--max-tokens", 24, "--batch", 16))
            texts = [answer["text"] for answer in check.read_lines(results)]
            tallies = check.tally(asked, results).values()
            expected = expected or texts
            with open(os.path.join(out, "model.json")) as file:
                errors = [w["relative_error"] for w in json.load(file).get("quantized", [])]
            same = sum(a == b for a, b in zip(texts, expected)) / len(texts)
            right = sum(t.right for t in tallies) / len(texts)
            print(f"{form:<36} {same:>8.1%} {right:>8.1%} {sum(t.tokens for t in tallies) / sum(t.forwards for t in tallies):>15.2f} "
                  f"{os.path.getsize(os.path.join(out, 'model.qw')):>9} {max(errors, default=0):>7.4f}", flush=True)


if __name__ == "__main__":
    main()
