#!/usr/bin/env python3
"""A step of Quoin beside a forward of llama.cpp, on one shape, in one run.

  bench/peers/llama.py [--rows 1,4,16,32] [--threads 2] [--prefix 512] [--rounds 5] [--json FILE] [--no-openmp] [--build-only]

llama.cpp's source comes with the source distribution of PyPI's llama-cpp-python; it is fetched once and built for this
machine, all in build/peers. Both engines get the shape of bench/qwen3-0.6b with random bf16 weights. Each round times every
number of rows with one engine right after the other, so that what else the machine does meets both; a ratio is taken within
a round, and the table shows the median over the rounds. What is compared: all layers over `rows` tokens behind `prefix`
cached ones, and the scores of all 151,936 tokens. Quoin scores every row. llama.cpp is timed twice: scoring every row, which
a denoise step needs, and scoring the last row only, which is less work and what llama-bench times (`llama-bench -p ROWS
-d PREFIX` is built, too)."""
import argparse
import glob
import json
import os
import statistics
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
HERE = os.path.join(ROOT, "bench", "peers", "llama")
WORK = os.path.join(ROOT, "build", "peers")
BIN = os.environ.get("QUOIN_BIN") or os.path.join(ROOT, "build", "release", "bin")
CONFIG = os.path.join(ROOT, "bench", "qwen3-0.6b", "config.json")
VERSION = "0.3.36"
sys.path.insert(0, HERE)


def run(*command, **k):
    return subprocess.run(command, check=True, **k)


def source():
    """The folder of llama.cpp's source, fetched if it is not there."""
    found = glob.glob(os.path.join(WORK, "llama_cpp_python-*", "vendor", "llama.cpp"))
    if not found:
        run(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", "llama-cpp-python", "-d", WORK,
            "llama-cpp-python==" + VERSION)
        run("tar", "xzf", glob.glob(os.path.join(WORK, "llama_cpp_python-*.tar.gz"))[0], "-C", WORK)
        found = glob.glob(os.path.join(WORK, "llama_cpp_python-*", "vendor", "llama.cpp"))
    return found[0]


def build(openmp):
    """The folder of built programs."""
    folder = os.path.join(WORK, "llama" if openmp else "llama-threads")
    log = os.path.join(WORK, "llama.log")
    with open(log, "w") as out:
        try:
            run("cmake", "-S", HERE, "-B", folder, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release", "-DLLAMA_SOURCE=" + source(),
                "-DGGML_OPENMP=" + ("ON" if openmp else "OFF"), stdout=out, stderr=out)
            run("cmake", "--build", folder, "--target", "llama-step", "llama-bench", stdout=out, stderr=out)
        except subprocess.CalledProcessError:
            sys.exit(f"error: llama.cpp does not build; see {log}")
    return os.path.join(folder, "bin")


def peer_model():
    path = os.path.join(WORK, "qwen3-0.6b-bf16.gguf")
    if not os.path.exists(path):
        import gguf
        gguf.write(CONFIG, path + ".part")
        os.replace(path + ".part", path)
    return path


def our_model():
    path = os.path.join(WORK, "qwen3-0.6b-bf16")
    tool = os.path.join(BIN, "quoin-bench")
    if not os.path.exists(path) or os.path.getmtime(path) < os.path.getmtime(tool):
        run(tool, "--config", CONFIG, "--random", "--weights", "bf16", "--keep", path, "--rows", "1", "--threads", "1",
            "--budget", "0.1", stdout=subprocess.DEVNULL)
    return path


class Peer:
    def __init__(self, program, model):
        self.process = subprocess.Popen([program, model], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def time(self, rows, prefix, threads, budget):
        self.process.stdin.write(f"{rows} {prefix} {threads} {budget}\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


def ours(model, rows, prefix, threads, budget):
    out = os.path.join(WORK, "step.json")
    run(os.path.join(BIN, "quoin-bench"), model, "--rows", str(rows), "--prefix", str(prefix), "--threads", str(threads),
        "--budget", str(budget), "--json", out, stdout=subprocess.DEVNULL)
    with open(out) as f:
        return json.load(f)


def main():
    numbers = lambda s: [int(x) for x in s.split(",")]
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--rows", type=numbers, default=[1, 4, 16, 32])
    p.add_argument("--threads", type=numbers, default=[2])
    p.add_argument("--prefix", type=int, default=512)
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--budget", type=float, default=0.7, help="seconds for each time")
    p.add_argument("--json")
    p.add_argument("--no-openmp", action="store_true", help="llama.cpp's own threads instead of OpenMP's")
    p.add_argument("--build-only", action="store_true")
    o = p.parse_args()
    os.makedirs(WORK, exist_ok=True)
    programs = build(not o.no_openmp)
    theirs, mine = peer_model(), our_model()
    if o.build_only:
        return
    peer = Peer(os.path.join(programs, "llama-step"), theirs)
    results = []
    print(f"{'threads':>7} {'rows':>5} {'quoin ms':>9} {'roofline ms':>11} {'of it':>6} {'llama.cpp ms':>12} {'last row ms':>11} "
          f"{'times faster':>12} {'(last row)':>10}")
    for threads in o.threads:
        rounds = {rows: [] for rows in o.rows}
        for _ in range(o.rounds):
            for rows in o.rows:
                a = peer.time(rows, o.prefix, threads, o.budget)
                b = ours(mine, rows, o.prefix, threads, o.budget)
                rounds[rows].append((a, b["results"][0], b["arithmetic"]))
        for rows in o.rows:
            middle = lambda f: statistics.median(f(a, b) for a, b, _ in rounds[rows])
            r = {"threads": threads, "rows": rows, "prefix": o.prefix, "rounds": o.rounds, "arithmetic": rounds[rows][0][2],
                 "seconds": middle(lambda a, b: b["seconds"]), "roofline_seconds": middle(lambda a, b: b["roofline_seconds"]),
                 "roofline_ratio": middle(lambda a, b: b["seconds"] / b["roofline_seconds"]),
                 "peer_seconds": middle(lambda a, b: a["seconds"]), "peer_last_row_seconds": middle(lambda a, b: a["last_row_seconds"]),
                 "ratio": middle(lambda a, b: a["seconds"] / b["seconds"]),
                 "last_row_ratio": middle(lambda a, b: a["last_row_seconds"] / b["seconds"])}
            results.append(r)
            print(f"{threads:>7} {rows:>5} {r['seconds'] * 1e3:>9.2f} {r['roofline_seconds'] * 1e3:>11.2f} {r['roofline_ratio']:>6.2f} "
                  f"{r['peer_seconds'] * 1e3:>12.2f} {r['peer_last_row_seconds'] * 1e3:>11.2f} {r['ratio']:>12.2f} {r['last_row_ratio']:>10.2f}",
                  flush=True)
    if o.json:
        with open(o.json, "w") as f:
            json.dump({"peer": "llama.cpp of llama-cpp-python " + VERSION, "results": results}, f, indent=1)
            f.write("\n")


main()
