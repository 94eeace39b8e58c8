#!/usr/bin/env python3
"""quoin-serve under load, over the demo model: its throughput beside quoin-run's, then many clients for a while.

  bench/serve.py [--clients 64] [--seconds 120] [--rounds 3]

Prints tokens a second of 16 clients and of `quoin-run --batch 16` on the same requests, in turns; then, of many clients at once, how many
answers there were, how many differ from the one that quoin-run gives alone, how many connections failed, and the server's memory over time; a
stop under load ends it. Clients share the machine with the server. QUOIN_BIN names the folder of programs."""
import argparse
import http.client
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
BIN = os.environ.get("QUOIN_BIN") or os.path.join(ROOT, "build", "release", "bin")
TOKENS = 24


def prompts(count):
    made = subprocess.run([sys.executable, os.path.join(ROOT, "examples", "demo", "check.py"), "prompts", "--count", str(count), "--seed", "7"],
                          capture_output=True, text=True, check=True).stdout
    lines = [json.loads(line)["prompt"] for line in made.splitlines()]
    random.Random(1).shuffle(lines)
    return lines


def offline(out, requests, batch):
    """Texts and seconds, loading left out as far as an empty run shows it."""
    def run(some):
        with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
            file.writelines(json.dumps(dict(prompt=p, max_tokens=TOKENS)) + "\n" for p in some)
            file.flush()
            begun = time.perf_counter()
            done = subprocess.run([os.path.join(BIN, "quoin-run"), out, "--input", file.name, "--json", "--batch", str(batch), "--threads", "1"],
                                  capture_output=True, text=True, check=True)
            return [json.loads(line) for line in done.stdout.splitlines()], time.perf_counter() - begun
    nothing = run(requests[:1])[1]
    answers, seconds = run(requests)
    return [a["text"] for a in answers], seconds - nothing


class Server:
    def __init__(self, out, *flags):
        self.process = subprocess.Popen([os.path.join(BIN, "quoin-serve"), out, "--port", "0", "--threads", "1", *flags], stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline().rsplit(":", 1)[1])

    def memory(self):
        with open(f"/proc/{self.process.pid}/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) / 1024

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


def ask(connection, prompt, stream=False):
    connection.request("POST", "/v1/completions", json.dumps(dict(model="demo", prompt=prompt, max_tokens=TOKENS, stream=stream)))
    response = connection.getresponse()
    text = response.read().decode()
    if response.status != 200:
        return response.status, text
    if not stream:
        return 200, json.loads(text)["choices"][0]["text"]
    if not text.endswith("data: [DONE]\n\n"):
        return 0, text
    return 200, "".join(json.loads(line[6:])["choices"][0]["text"] for line in text.split("\n") if line.startswith("data: {"))


def together(port, clients, work):
    """Calls work(number, connection) on threads of their own."""
    def one(number):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        work(number, connection)
        connection.close()
    threads = [threading.Thread(target=one, args=[i]) for i in range(clients)]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - begun


def throughput(out, rounds):
    requests = prompts(100)
    tokens = None
    ratios = []
    for _ in range(rounds):
        wanted, alone = offline(out, requests, 16)
        server = Server(out)
        todo = list(enumerate(requests))
        lock, wrong = threading.Lock(), []

        def work(_, connection):
            while True:
                with lock:
                    if not todo:
                        return
                    i, prompt = todo.pop()
                if ask(connection, prompt) != (200, wanted[i]):
                    wrong.append(i)
        served = together(server.port, 16, work)
        server.stop()
        tokens = sum(map(len, wanted))
        ratios.append(alone / served)
        print(f"{len(requests)} requests: quoin-run --batch 16 {alone:.2f} s ({tokens / alone:.0f} characters a second), 16 clients {served:.2f} s "
              f"({tokens / served:.0f}), {100 * alone / served:.0f} % of it, {len(wrong)} wrong", flush=True)
    print(f"throughput of the server: {100 * sorted(ratios)[len(ratios) // 2]:.0f} % of quoin-run (median of {rounds})")


def soak(out, clients, seconds):
    requests = prompts(25)
    wanted, _ = offline(out, requests, 1)
    server = Server(out, "--connections", str(max(256, 2 * clients)))
    counts = dict(answers=0, wrong=0, refused=0, failed=0)
    lock, end, memory = threading.Lock(), time.time() + seconds, []
    stopping = threading.Event()

    def watch():
        while not stopping.wait(seconds / 12):
            memory.append(server.memory())

    def work(number, connection):
        rnd = random.Random(number)
        while not stopping.is_set():
            i = rnd.randrange(len(requests))
            try:
                status, text = ask(connection, requests[i], rnd.random() < 0.5)
                key = "answers" if status == 200 and text == wanted[i] else "refused" if status == 503 and stopping.is_set() else "wrong"
            except (OSError, http.client.HTTPException):
                key = "refused" if stopping.is_set() else "failed"
            with lock:
                counts[key] += 1

    def stop():
        time.sleep(seconds)
        stopping.set()
        counts["exit"] = server.stop()

    others = [threading.Thread(target=watch), threading.Thread(target=stop)]
    for thread in others:
        thread.start()
    together(server.port, clients, work)
    for thread in others:
        thread.join()
    print(f"{clients} clients for {seconds} s: {counts}")
    print("memory, MiB:", " ".join(f"{m:.1f}" for m in memory))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--seconds", type=int, default=120)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as top:
        out = os.path.join(top, "demo")
        subprocess.run([os.path.join(BIN, "quoin-compile"), os.path.join(ROOT, "examples", "demo", "model"), "-o", out, "--set", "threshold=0.9", "--quiet"], check=True)
        if options.rounds:
            throughput(out, options.rounds)
        if options.seconds:
            soak(out, options.clients, options.seconds)


if __name__ == "__main__":
    main()
