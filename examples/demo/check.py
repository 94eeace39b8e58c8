#!/usr/bin/env python3
"""Makes held-out prompts for the demo model and checks generated answers.

    check.py prompts --count 1000 --seed 1 > prompts.jsonl
    quoin-run OUT --input prompts.jsonl --json > results.jsonl
    check.py score --prompts prompts.jsonl --results results.jsonl

Standard library only.
"""

import argparse
import json
import sys

import tasks


def print_prompts(args):
    """`count` prompts of each chosen task, one JSON object a line."""
    for name in args.tasks:
        for prompt, _ in tasks.held_out_prompts(name, args.count, args.seed):
            print(json.dumps({"prompt": prompt}))


def read_lines(path):
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.strip()]


def score(args):
    """Prints exact match and tokens per call, by task; 1 if below --at-least."""
    prompts = [line["prompt"] for line in read_lines(args.prompts)]
    results = read_lines(args.results)
    if len(prompts) != len(results):
        print(
            f"error: expects one result a prompt, but there are {len(prompts)} "
            f"prompts and {len(results)} results",
            file=sys.stderr,
        )
        return 1

    groups = {}
    for prompt, result in zip(prompts, results):
        groups.setdefault(prompt.split(" ")[0], []).append((prompt, result))
    print("task      right    of  exact match  tokens/forward  tokens/evaluation")
    enough = True
    for name in sorted(groups):
        pairs = groups[name]
        wrong = [(p, r["text"]) for p, r in pairs if r["text"] != tasks.solve(p)]
        right = len(pairs) - len(wrong)
        count = sum(len(r["ids"]) for _, r in pairs)
        per_forward = count / max(1, sum(r["forwards"] for _, r in pairs))
        per_evaluation = count / max(1, sum(r["evaluations"] for _, r in pairs))
        exact = right / len(pairs)
        enough = enough and exact >= args.at_least
        print(
            f"{name:8} {right:6} {len(pairs):5}  {exact:11.2%}  "
            f"{per_forward:14.2f}  {per_evaluation:17.2f}"
        )
        for prompt, text in wrong[: args.show]:
            print(f"  {prompt} '{text}', right is '{tasks.solve(prompt)}'")
    return 0 if enough else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)

    prompts = commands.add_parser("prompts", help="write prompts as JSON lines")
    prompts.add_argument("--count", type=int, default=1000, help="of each task")
    prompts.add_argument("--seed", type=int, default=1)
    prompts.add_argument("--tasks", nargs="+", choices=tasks.NAMES, default=tasks.NAMES)

    check = commands.add_parser("score", help="check the output of quoin-run --json")
    check.add_argument("--prompts", required=True)
    check.add_argument("--results", required=True)
    check.add_argument("--show", type=int, default=3, help="wrong answers to print")
    check.add_argument(
        "--at-least", type=float, default=0.0, help="exit 1 when a task is below"
    )

    args = parser.parse_args()
    if args.command == "prompts":
        print_prompts(args)
        return 0
    return score(args)


if __name__ == "__main__":
    sys.exit(main())
