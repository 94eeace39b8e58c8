#!/usr/bin/env python3
"""The hosts in examples/: each runs on a tiny checkpoint and must give what quoin-run gives."""
import atexit
import functools
import json
import os
import re
import shutil
import subprocess
import tempfile
import threading

import harness
from checkpoint import Shape, write
from harness import expect

SHAPE = Shape(family="sdar", layers=2, hidden=32, heads=2, kv_heads=1, head_dim=16, mlp=48, vocabulary=270, capacity=256)
once = threading.Lock()


@functools.cache
def made():
    top = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, top, ignore_errors=True)
    model, out = write(os.path.join(top, "hf"), SHAPE), os.path.join(top, "out")
    harness.tool("quoin-compile", model, "-o", out)
    return model, out


def artefact():
    with once:
        return made()[1]


def host(name, *args, text=""):
    """Runs an example; gives the finished process."""
    return subprocess.run([os.path.join(harness.BIN, f"example-{name}"), *map(str, args)], input=text.encode(), capture_output=True,
                          timeout=600)


def good(process):
    expect(process.returncode == 0, f"expects exit 0, but found {process.returncode}: {process.stderr.decode()[-300:]}")
    return process.stdout.decode()


def bad(process, *words, status=1):
    found = process.stderr.decode()
    expect(process.returncode == status, f"expects exit {status}, but found {process.returncode}: {found[-300:]}")
    for word in words:
        expect(word in found, f"expects '{word}' in the error, but found: {found}")


def text_of(*flags):
    return json.loads(harness.tool("quoin-run", artefact(), *flags, "--json"))["text"]


def chat_streams_an_answer():
    found = good(host("chat", artefact(), 24, text="hello\n"))
    want = text_of("--chat", "hello", "--max-tokens", "24") + "\n"
    expect(found == want, f"expects {want!r}, but found {found!r}")


def chat_remembers():
    """The second prompt holds the first question and its answer, so a fresh conversation answers differently."""
    both, alone = good(host("chat", artefact(), 16, text="ab\ncd\n")), good(host("chat", artefact(), 16, text="cd\n"))
    first = good(host("chat", artefact(), 16, text="ab\n"))
    expect(both.startswith(first), f"expects {first!r} first, but found {both!r}")
    expect(both[len(first):] != alone, "expects another answer after a first question")


def chat_follows_the_template():
    """The checkpoint's own, with all that was said before; whatever characters a question has."""
    with tempfile.TemporaryDirectory() as top:
        out = shutil.copytree(artefact(), os.path.join(top, "out"))
        with open(os.path.join(out, "chat_template.jinja"), "w") as f:
            f.write("{% for m in messages %}<{{ m.role }}>{{ m.content }};{% endfor %}")
        questions, messages, want = ['say "a\\b"\t\x01', "é<|im_end|>"], [], ""
        for question in questions:
            messages.append(dict(role="user", content=question))
            text = harness.answers("quoin-run", out, [dict(messages=messages, max_tokens=12)])[0]["text"]
            messages.append(dict(role="assistant", content=text))
            want += text + "\n"
        process = host("chat", out, 12, text="".join(q + "\n" for q in questions))
        expect(good(process) == want, f"expects {want!r}, but found {process.stdout!r}")
        expect(process.stderr == b"", f"expects no warning, but found {process.stderr}")
        with open(os.path.join(out, "chat_template.jinja"), "w") as f:
            f.write("\n{{ raise_exception('no chat') }}")
        bad(host("chat", out, 12, text="x\n"), "line 2", "no chat")


def chat_takes_settings():
    found = good(host("chat", artefact(), 24, "temperature=1.5", text="hello\n"))
    want = text_of("--chat", "hello", "--max-tokens", "24", "--temperature", "1.5") + "\n"
    expect(found == want, f"expects {want!r}, but found {found!r}")
    bad(host("chat", artefact(), "nonsense=1", text="hello\n"), "nonsense")


def chat_forgets_when_full():
    process = host("chat", artefact(), 100, text="ab\n" * 3)
    expect(len(good(process)) > 0 and b"forgotten" in process.stderr, "expects a full conversation to begin anew")


def chat_fails_well():
    bad(host("chat", os.path.dirname(artefact()), text="x\n"), "model.so")
    bad(host("chat"), "usage", status=2)


def constrain_keeps_to_its_rule():
    """Places of a turn each; where both allow the same, the answer is that of a bias which leaves as much."""
    even, odd, both = [20, 30, 41, 77], [21, 33, 58], [20, 30, 41, 77, 21]
    joined = [",".join(map(str, ids)) for ids in (even, odd, both)]
    bias = ",".join(f"{v}=-1e5" for v in range(SHAPE.vocabulary) if v not in both)
    for prompt in ("5,6,7", "200,11,12,13"):
        ids = [int(v) for v in good(host("constrain", artefact(), 24, prompt, *joined[:2])).split(",")]
        expect(len(ids) >= 24 and all(v in (odd if i % 2 else even) for i, v in enumerate(ids)), f"expects ids of {even} and {odd} in turn, but found {ids}")
        found = good(host("constrain", artefact(), 24, prompt, joined[2], joined[2]))
        want = json.loads(harness.tool("quoin-run", artefact(), "--prompt-ids", prompt, "--max-tokens", "24", "--stop=", "--logit-bias", bias, "--json"))["ids"]
        expect([int(v) for v in found.split(",")] == want, f"expects {want}, but found {found}")
    bad(host("constrain", artefact(), 8, "5,6", "900", "20"), "expects edited scores to leave a token", "position 2")
    bad(host("constrain", artefact(), 8, "5,,6", "20", "20"), "usage", status=2)


def batch_equals_one_by_one():
    requests = [dict(prompt="prompt " * (1 + i % 5) + str(i), max_tokens=1 + 7 * i % 40) for i in range(13)]
    want = harness.answers("quoin-run", artefact(), requests)
    with tempfile.TemporaryDirectory() as top:
        into, out = os.path.join(top, "in.jsonl"), os.path.join(top, "out.jsonl")
        lines = [json.dumps(r) for r in requests]
        lines.insert(3, json.dumps(dict(prompt="x" * 300)))  # past the capacity
        lines.insert(7, "no JSON")
        open(into, "w").write("\n".join(lines) + "\n")
        for together in (1, 4, 50):
            good(host("batch", artefact(), into, out, together))
            found = [json.loads(line) for line in open(out)]
            expect("256" in found.pop(3)["error"], "expects the capacity in the error")
            expect("error" in found.pop(6), "expects an error for the line that is no JSON")
            expect([f["text"] for f in found] == [w["text"] for w in want], f"expects the texts of quoin-run with {together} together")


def batch_fails_well():
    bad(host("batch", artefact(), "/none.jsonl", "/dev/null"), "/none.jsonl")
    bad(host("batch", artefact()), "usage", status=2)
    if os.path.exists("/dev/full"):
        with tempfile.NamedTemporaryFile("w") as f:
            f.write('{"prompt": "x"}\n')
            f.flush()
            bad(host("batch", artefact(), f.name, "/dev/full"), "/dev/full")


def hooks_count_and_thread():
    prompt = [1 + i % 200 for i in range(180)]  # enough rows for a step to be shared
    want = json.loads(harness.tool("quoin-run", artefact(), "--prompt-ids", ",".join(map(str, prompt)), "--max-tokens", "16", "--json"))["ids"]
    for threads in (1, 2, 3, 8):
        ids, counts = good(host("hooks", artefact(), threads, *prompt)).splitlines()
        expect(list(map(int, ids.split(","))) == want, f"expects {want}, but found {ids}")
        allocations, peak, left, calls = map(int, re.findall(r"\d+", counts))
        expect(allocations > 0 and peak > 0 and left == 0, f"expects all memory back, but found: {counts}")
        expect((calls > 0) == (threads > 1), f"expects calls of parallel_for with {threads} threads, but found: {counts}")


def hooks_fail_well():
    process = host("hooks", artefact(), 2, 1, 270)
    bad(process, "270")
    expect(b"left 0 bytes" in process.stdout, "expects all memory back after an error")


def embed_is_one_program():
    """Compiled and linked by its build.sh; it needs the weights and the tokenizer, but no model.so."""
    with tempfile.TemporaryDirectory() as top:
        out = os.path.join(top, "out")
        build = subprocess.run([os.path.join(harness.ROOT, "examples", "embed", "build.sh"), made()[0], out, os.path.dirname(harness.BIN)],
                               capture_output=True, text=True, timeout=600)
        expect(build.returncode == 0, f"expects build.sh to succeed: {build.stderr[-400:]}")
        moved = os.path.join(top, "embed")
        os.rename(os.path.join(out, "embed"), moved)
        expect(not os.path.exists(os.path.join(out, "model.so")), "expects no shared library")
        process = subprocess.run([moved, out, "hello"], capture_output=True, timeout=600)
        expect(process.returncode == 0, f"expects exit 0: {process.stderr.decode()}")
        want = text_of("--prompt", "hello", "--max-tokens", "32") + "\n"
        expect(process.stdout.decode().endswith(want), f"expects {want!r} at the end, but found {process.stdout.decode()!r}")
        bad(subprocess.run([moved, top, "hello"], capture_output=True, timeout=600), "model.qw")


TESTS = [
    ("chat-streams", chat_streams_an_answer),
    ("chat-follows-the-template", chat_follows_the_template),
    ("chat-remembers", chat_remembers),
    ("chat-settings", chat_takes_settings),
    ("chat-full", chat_forgets_when_full),
    ("chat-fails-well", chat_fails_well),
    ("constrain", constrain_keeps_to_its_rule),
    ("batch", batch_equals_one_by_one),
    ("batch-fails-well", batch_fails_well),
    ("hooks", hooks_count_and_thread),
    ("hooks-fail-well", hooks_fail_well),
    ("embed", embed_is_one_program),
]

if __name__ == "__main__":
    artefact()
    harness.main(TESTS)
