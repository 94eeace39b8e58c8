"""Runs the built tools for end-to-end tests. Standard library only; QUOIN_BIN names the folder of programs."""
import concurrent.futures
import contextlib
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "test", "lib"))
BIN = os.environ.get("QUOIN_BIN") or os.path.join(ROOT, "build", "release", "bin")
# The exact passes, in the order of the pipeline.
PASSES = ["--quoin-inline-calls", "--quoin-infer-cache", "--quoin-fuse-commit", "--quoin-permute-tokens", "--quoin-fuse-score",
          "--quoin-expand-spellings", "--quoin-fold-weights", "--quoin-prune-rows", "--quoin-outline-steps"]
# Those behind them, which make steps of models; narrow types, so that there is something to decide.
STAGE_PASSES = ["--quoin-lower-to-stages", "--quoin-place-ends=weights=bf16", "--quoin-fuse-rows", "--quoin-assign-storage=weights=bf16 pairs=true", "--quoin-join-products", "--quoin-pack-weights",
                "--quoin-place-buffers", "--quoin-place-barriers"]


class Failure(Exception):
    """A test's expectation that does not hold."""


def command(name, *args):
    """How a tool is run. A compile that names no level is one at -O1, in half the time: tests that are about levels name them."""
    args = [str(a) for a in args]
    if name == "quoin-compile" and "-o" in args and not any(re.fullmatch(r"-O\d", a) for a in args):
        args.append("-O1")
    return [os.path.join(BIN, name), *args]


def call(name, *args, timeout=600, **k):
    """Runs a tool; gives the finished process."""
    return subprocess.run(command(name, *args), capture_output=True, text=True, errors="replace", timeout=timeout, **k)


def tool(name, *args, **k):
    """Runs a tool that must succeed; gives its standard output."""
    r = call(name, *args, **k)
    if r.returncode:
        raise Failure(f"{name} {' '.join(map(str, args))}: exit {r.returncode}: {r.stderr.strip()[-400:]}")
    return r.stdout


def after_each_pass(source, passed):
    """Writes the program after each of the exact passes to `passed`, made of what the one before it wrote, and gives how many ran.
    What a pass leaves as it was is left out: the same text computes the same."""
    before = None
    for n, name in enumerate(PASSES, 1):
        tool("quoin-opt", source if n == 1 else passed, name, "-o", passed + ".next")
        os.replace(passed + ".next", passed)
        with open(passed) as file:
            text = file.read()
        if text != before:
            yield n
        before = text


def forms(source, passes, wanted=lambda passed: True):
    """Runs passes in one process; writes the program after each beside `source`, since it names its weights from there, and gives (pass, file).
    A text that was there already is left out: the same text computes the same. `wanted` chooses by the pass's name."""
    seen, passed = set(), source.removesuffix(".mlir") + "-passed.mlir"
    with tempfile.TemporaryDirectory() as folder:
        tool("quoin-opt", source, *passes, "--mlir-disable-threading", "--mlir-print-ir-after-all", "--mlir-print-ir-module-scope",
             f"--mlir-print-ir-tree-dir={folder}", "-o", os.devnull)
        files = glob.glob(os.path.join(folder, "**", "*.mlir"), recursive=True)
        # What is a pass on models leaves a file for each of them.
        expect(len(files) >= len(passes), f"expects the program after each of {len(passes)} passes, but found {len(files)}")
        for path in sorted(files, key=lambda path: (os.stat(path).st_mtime_ns, path)):
            with open(path) as file:
                text = file.read().split("\n", 1)[1]  # behind a comment
            name = re.sub(r"^[0-9_]*", "", os.path.basename(path))[:-len(".mlir")]
            if text in seen or not wanted(name):
                continue
            seen.add(text)
            with open(passed, "w") as file:
                file.write(text)
            yield name, passed


def answers(program, target, requests, *flags):
    """Runs requests through quoin-run or quoin-interpret; gives one JSON object each."""
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl", delete=False) as f:
        f.writelines(json.dumps(q) + "\n" for q in requests)
    try:
        out = tool(program, target, "--input", f.name, "--json", *flags)
    finally:
        os.unlink(f.name)
    got = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
    if len(got) != len(requests):
        raise Failure(f"{program}: expects {len(requests)} results, but found {len(got)}")
    return got


def traced(program, target, requests, *flags):
    """As `answers`, with the evaluations of each request: lists of what the trace says."""
    with tempfile.TemporaryDirectory() as folder:
        trace = os.path.join(folder, "trace.jsonl")
        got = answers(program, target, requests, "--trace", trace, *flags)
        sessions = [[] for _ in requests]
        with open(trace) as lines:
            for line in lines:
                event = json.loads(line)
                sessions[event.pop("session")].append(event)
    return got, sessions


@contextlib.contextmanager
def scratch():
    """A temporary folder; with QUOIN_KEEP it stays, and its name is printed."""
    folder = tempfile.mkdtemp()
    try:
        yield folder
    finally:
        if os.environ.get("QUOIN_KEEP"):
            print(folder)
        else:
            shutil.rmtree(folder, ignore_errors=True)


def each_seed(seeds, what, check):
    """Calls check(seed) for each; a failure says of which seed it is."""
    for seed in seeds:
        try:
            check(seed)
        except Failure as e:
            raise Failure(f"{what} {seed}: {e}") from e


def expect(condition, message):
    if not condition:
        raise Failure(message)


def expect_refused(process, *words):
    """The command ended with status 1 and said these words."""
    expect(process.returncode == 1, f"expects a refusal, but it ended with {process.returncode}")
    for word in words:
        expect(word in process.stderr, f"expects '{word}' in {process.stderr.strip()}")


def attempt(name, test):
    """Runs one test; gives whether it passed and the line to print."""
    try:
        note = test()
        return True, f"ok   {name}" + (f": {note}" if note else "")
    except Exception as e:  # whatever it is, the other tests have totals
        return False, f"FAIL {name}: {e if isinstance(e, Failure) else repr(e)}"


def main(tests):
    """Runs (name, function) pairs, QUOIN_JOBS (default: one per core) at a time; prints a line each and the totals; exits 1 if
    one failed. Arguments select tests by parts of their names."""
    wanted = sys.argv[1:]
    chosen = [(n, t) for n, t in tests if not wanted or any(w in n for w in wanted)]
    passed = 0
    with concurrent.futures.ThreadPoolExecutor(int(os.environ.get("QUOIN_JOBS") or os.cpu_count() or 1)) as pool:
        for good, line in pool.map(lambda nt: attempt(*nt), chosen):
            passed += good
            print(line, flush=True)
    print(f"{passed} passed, {len(chosen) - passed} failed")
    sys.exit(0 if passed == len(chosen) else 1)
