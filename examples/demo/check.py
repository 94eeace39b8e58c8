#!/usr/bin/env python3
"""Makes held-out prompts for the demo model and checks generated answers.

    check.py prompts --count 1000 --seed 1 > prompts.jsonl
    quoin-run OUT --input prompts.jsonl --json > parallel.jsonl
    quoin-run OUT --input prompts.jsonl --set threshold=1 --json > single.jsonl
    check.py score --prompts prompts.jsonl --results parallel=parallel.jsonl \\
        --beside single=single.jsonl --at-least 0.97 --tokens-per-forward 2

One table has all of them side by side.  `--results` must reach the targets in
every task, or the exit status is 1; `--beside` is only shown.

Standard library only.
"""

import argparse
import json
import sys

import folder
import tasks

STOPS = (folder.IM_END, folder.END_OF_TEXT)


def print_prompts(args):
    """`count` prompts of each chosen task, one JSON object a line."""
    for name in args.tasks:
        for prompt, _ in tasks.held_out_prompts(name, args.count, args.seed):
            print(json.dumps({"prompt": prompt}))


def read_lines(path):
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.strip()]


class Tally:
    """Answers of one run to the prompts of one task."""

    def __init__(self):
        self.answers = self.right = self.tokens = self.forwards = 0
        self.wrong = []

    def add(self, prompt, result):
        self.answers += 1
        if result["text"] == tasks.solve(prompt):
            self.right += 1
        else:
            self.wrong.append((prompt, result["text"]))
        # The answer and its stop token; what fills up the last block is not counted.
        ids = result["ids"]
        ends = [ids.index(stop) + 1 for stop in STOPS if stop in ids]
        self.tokens += min(ends, default=len(ids))
        self.forwards += result["forwards"]

    @property
    def exact(self):
        return self.right / self.answers

    @property
    def tokens_per_forward(self):
        return self.tokens / max(1, self.forwards)


def tally(prompts, path):
    """By task, in the order of the prompts."""
    results = read_lines(path)
    if len(prompts) != len(results):
        raise SystemExit(
            f"error: expects one result a prompt in '{path}', but found "
            f"{len(results)} results for {len(prompts)} prompts"
        )
    tallies = {}
    for prompt, result in zip(prompts, results):
        tallies.setdefault(prompt.split(" ")[0], Tally()).add(prompt, result)
    return tallies


def print_table(runs):
    """`runs`: pairs of a label and its tallies."""
    width = max(26, *(len(label) + 2 for label, _ in runs))
    print(" " * 14 + "".join(label.rjust(width) for label, _ in runs))
    columns = f"{'exact':>{width - 16}}  {'tokens/forward':>14}"
    print("task       of " + columns * len(runs))
    for name in runs[0][1]:
        row = f"{name:8} {runs[0][1][name].answers:4} "
        for _, tallies in runs:
            t = tallies[name]
            row += f"{t.exact:{width - 16}.1%}  {t.tokens_per_forward:14.2f}"
        print(row)


def misses(runs, args):
    """A line for every target that is missed."""
    for label, tallies in runs:
        for name, t in tallies.items():
            if t.exact < args.at_least:
                yield (
                    f"{name}, {label}: expects at least {args.at_least:.1%} exact, "
                    f"but found {t.exact:.1%}"
                )
            if t.tokens_per_forward < args.tokens_per_forward:
                yield (
                    f"{name}, {label}: expects at least {args.tokens_per_forward} "
                    f"tokens per forward, but found {t.tokens_per_forward:.2f}"
                )


def score(args):
    prompts = [line["prompt"] for line in read_lines(args.prompts)]
    if not prompts:
        raise SystemExit(f"error: expects prompts in '{args.prompts}', but found none")
    held = [(label, tally(prompts, path)) for label, path in args.results]
    shown = [(label, tally(prompts, path)) for label, path in args.beside]
    print_table(held + shown)
    for label, tallies in held:
        for t in tallies.values():
            for prompt, text in t.wrong[: args.show]:
                right = tasks.solve(prompt)
                print(f"  wrong, {label}: {prompt} '{text}', right is '{right}'")
    missed = list(misses(held, args))
    for line in missed:
        print(f"error: {line}", file=sys.stderr)
    return 1 if missed else 0


def labelled(text):
    """LABEL=FILE, or FILE alone, which is then its own label."""
    label, _, path = text.rpartition("=")
    return label or path, path


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)

    prompts = commands.add_parser("prompts", help="write prompts as JSON lines")
    prompts.add_argument("--count", type=int, default=1000, help="of each task")
    prompts.add_argument("--seed", type=int, default=1)
    prompts.add_argument("--tasks", nargs="+", choices=tasks.NAMES, default=tasks.NAMES)

    check = commands.add_parser("score", help="check the output of quoin-run --json")
    check.add_argument("--prompts", required=True)
    for name, text in (
        ("--results", "output that must reach the targets; may be given again"),
        ("--beside", "output to show beside it; may be given again"),
    ):
        check.add_argument(
            name,
            required=name == "--results",
            action="append",
            default=[],
            type=labelled,
            metavar="[LABEL=]FILE",
            help=text,
        )
    check.add_argument("--show", type=int, default=0, help="wrong answers to print")
    check.add_argument(
        "--at-least", type=float, default=0.0, help="exact match of each task, 0 to 1"
    )
    check.add_argument("--tokens-per-forward", type=float, default=0.0)

    args = parser.parse_args()
    if args.command == "prompts":
        print_prompts(args)
        return 0
    return score(args)


if __name__ == "__main__":
    sys.exit(main())
