#!/usr/bin/env python3
"""quoin-serve over its port, as clients of OpenAI's meet it: answers are quoin-run's, whole and as streams; what is wrong is said;
who is slow, gone or too many does not disturb others; what was taken is finished."""
import atexit
import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

import harness
from harness import expect

PROMPTS = ["sort 5273916408 =>", "reverse 4f71a90c =>", "sum 004711+000815 =>", "sudoku ..14/.423/4.../2..1 =>"]
KEY = "a-key of one's own"


class Served:
    """A server over the demo model on a port of its own."""
    lock, out = threading.Lock(), None

    @classmethod
    def artefact(cls):
        with cls.lock:
            if not cls.out:
                top = tempfile.mkdtemp()
                atexit.register(shutil.rmtree, top, ignore_errors=True)
                harness.tool("quoin-compile", os.path.join(harness.ROOT, "examples", "demo", "model"), "-o", os.path.join(top, "demo"),
                             "--set", "threshold=0.9", "--quiet")
                cls.out = os.path.join(top, "demo")
            return cls.out

    def __init__(self, *flags):
        self.process = subprocess.Popen([os.path.join(harness.BIN, "quoin-serve"), self.artefact(), "--port", "0", "--threads", "1", *flags],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        found = re.fullmatch(r"listening on http://127\.0\.0\.1:(\d+)\n", line)
        expect(found, f"expects a line with the port, but found '{line}' {self.process.stderr.read() if not line else ''}")
        self.port = int(found[1])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)

    def ask(self, method, path, body=None, headers=None):
        """Status, headers and body."""
        with contextlib.closing(self.connect()) as connection:
            connection.request(method, path, json.dumps(body) if isinstance(body, dict) else body, headers or {})
            response = connection.getresponse()
            return response.status, response.headers, response.read().decode()

    def text(self, **fields):
        return self.good("/v1/completions", dict(model="demo", max_tokens=24, **fields))

    def good(self, path, body):
        status, _, text = self.ask("POST", path, body)
        expect(status == 200, f"expects 200, but found {status}: {text[:300]}")
        return json.loads(text)

    def stream(self, path="/v1/completions", **fields):
        """The objects of a stream."""
        status, headers, text = self.ask("POST", path, dict(model="demo", max_tokens=24, stream=True, **fields))
        expect(status == 200 and headers["Content-Type"] == "text/event-stream", f"expects a stream, but found {status}: {text[:300]}")
        data = [line[6:] for line in text.split("\n") if line.startswith("data: ")]
        expect(data[-1] == "[DONE]", f"expects [DONE] at the end, but found {data[-1]}")
        return [json.loads(line) for line in data[:-1]]

    def metric(self, name):
        return float(re.search(rf"^{name} (\S+)$", self.ask("GET", "/metrics")[2], re.M)[1])

    def stop(self, seconds=30):
        self.process.send_signal(signal.SIGTERM)
        expect(self.process.wait(seconds) == 0, f"expects exit 0, but found {self.process.returncode}")


def run(requests):
    return harness.answers("quoin-run", Served.artefact(), [dict(max_tokens=24, **q) for q in requests], "--batch", "4", "--threads", "1")


def answers_are_those_of_quoin_run():
    drawn = [dict(settings=dict(temperature=1.2, top_p=0.95), seed=seed) for seed in (5, 2**63 + 11)]
    cases = [dict(prompt=p) for p in PROMPTS] + [dict(prompt=p, **d) for p in PROMPTS[:2] for d in drawn] + \
            [dict(prompt=PROMPTS[0], logit_bias={"20": 3.5}), dict(prompt=PROMPTS[3], settings=dict(threshold=0.3), presence_penalty=0.5)]
    wanted = run(cases) + run([dict(messages=[dict(role="user", content=PROMPTS[0])])])
    with Served("--batch", "4") as server:
        found = [None] * len(wanted)

        def one(i):
            q = dict(cases[i])
            settings = q.pop("settings", {})
            found[i] = server.text(**{k: settings.pop(k) for k in ("temperature", "top_p") if k in settings}, **({"quoin": settings} if settings else {}), **q)

        threads = [threading.Thread(target=one, args=[i]) for i in range(len(cases))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        chat = server.good("/v1/chat/completions", dict(model="demo", messages=[dict(role="user", content=[dict(type="text", text=PROMPTS[0])])], max_completion_tokens=24))
        found[-1] = dict(chat, choices=[dict(text=chat["choices"][0]["message"]["content"], **chat["choices"][0])])
        for got, want in zip(found, wanted):
            expect(got and got["choices"][0]["text"] == want["text"], f"expects {want['text']!r}, but found {got}")
            expect(got["choices"][0]["finish_reason"] == want["stop"], f"expects {want['stop']}, but found {got}")
            usage = got["usage"]
            expect((usage["forwards"], usage["evaluations"]) == (want["forwards"], want["evaluations"]), f"expects {want}, but found {usage}")
        both = server.text(prompt=PROMPTS[:2], n=2, temperature=1.2, top_p=0.95, seed=5)["choices"]
        expect([c["index"] for c in both] == [0, 1, 2, 3], f"expects four answers, but found {both}")
        alone = [server.text(prompt=p, temperature=1.2, top_p=0.95, seed=s)["choices"][0]["text"] for p in PROMPTS[:2] for s in (5, 6)]
        expect([c["text"] for c in both] == alone, f"expects {alone}, but found {both}")
        server.stop()


def streams_come_to_the_whole():
    with Served() as server:
        whole = server.text(prompt=PROMPTS[3], logprobs=2)
        parts = server.stream(prompt=PROMPTS[3], logprobs=2, stream_options=dict(include_usage=True), quoin=dict(provisional=True))
        choices = [part["choices"][0] for part in parts if part["choices"]]
        expect("".join(c["text"] for c in choices) == whole["choices"][0]["text"], f"expects {whole}, but found {choices}")
        tokens = [token for c in choices if c["logprobs"] for token in c["logprobs"]["tokens"]]
        logprobs = whole["choices"][0]["logprobs"]
        expect(tokens == logprobs["tokens"] and "".join(tokens) == whole["choices"][0]["text"], f"expects {logprobs}, but found {tokens}")
        expect(all(p == max(top.values()) and p <= 0 and len(top) == 2 for p, top in zip(logprobs["token_logprobs"], logprobs["top_logprobs"])),
               f"expects the likeliest tokens, but found {logprobs}")
        expect(parts[-1]["usage"]["completion_tokens"] == whole["usage"]["completion_tokens"], f"expects {whole['usage']}, but found {parts[-1]}")
        expect(len([c for c in choices if c["text"]]) > 2, f"expects blocks one by one, but found {choices}")
        expect(any(None in part["quoin"]["provisional"] for part in parts if "quoin" in part), f"expects open places, but found {parts}")
        text = whole["choices"][0]["text"]
        stop = text[6:9]
        cut, pieces = server.text(prompt=PROMPTS[3], stop=["nowhere", stop]), server.stream(prompt=PROMPTS[3], stop=stop)
        expect(cut["choices"][0]["text"] == text[:text.find(stop)] and cut["choices"][0]["finish_reason"] == "stop", f"expects what is before {stop!r}, but found {cut}")
        expect("".join(p["choices"][0]["text"] for p in pieces) == text[:text.find(stop)], f"expects the same, but found {pieces}")
        chat = [p["choices"][0]["delta"] for p in server.stream("/v1/chat/completions", messages=[dict(role="user", content=PROMPTS[0])])]
        expect(chat[0]["role"] == "assistant", f"expects the role first, but found {chat}")
        server.stop()


def what_is_wrong_is_said():
    with tempfile.NamedTemporaryFile("w") as keys:
        keys.write(f"# keys\n\n{KEY}\nanother\n")
        keys.flush()
        with Served("--api-key-file", keys.name, "--max-body", "4096") as server:
            auth, good = {"Authorization": "Bearer " + KEY}, dict(model="demo", prompt="sort 1", max_tokens=4)
            post = "/v1/completions"
            cases = [("POST", post, good, {}, 401, "invalid_api_key"), ("POST", post, good, {"Authorization": "Bearer " + KEY[:-1]}, 401, "invalid_api_key"),
                     ("GET", "/v1/models", None, {}, 401, "invalid_api_key"), ("GET", "/nowhere", None, auth, 404, "not_found"),
                     ("PUT", post, good, auth, 405, "method_not_allowed"), ("POST", post, '{"model": "demo",', auth, 400, "invalid_request"),
                     ("POST", post, "[" * 3000, auth, 400, "invalid_request"), ("POST", post, b'{"model": "\xff"}', auth, 400, "invalid_request"),
                     ("POST", post, None, auth, 400, "invalid_request"), ("POST", post, "x" * 5000, auth, 413, "body_too_large"),
                     ("POST", post, iter([b"x" * 3000] * 3), auth, 413, "body_too_large"),
                     ("POST", post, dict(good, model="gpt"), auth, 404, "model_not_found"), ("POST", post, dict(good, mood=1), auth, 400, "unknown_parameter"),
                     ("POST", post, dict(good, n=0), auth, 400, "invalid_value"), ("POST", post, dict(good, n="2"), auth, 400, "invalid_type"),
                     ("POST", post, dict(good, echo=True), auth, 400, "unsupported_value"), ("POST", post, dict(good, stop=[""]), auth, 400, "invalid_value"),
                     ("POST", post, dict(good, quoin=dict(thresholds=1)), auth, 400, "invalid_request"), ("POST", post, dict(good, prompt=[1, 275]), auth, 400, "invalid_value"),
                     ("POST", post, dict(good, prompt=[9] * 300), auth, 400, "context_length_exceeded"), ("POST", post, dict(good, max_tokens=300), auth, 400, "context_length_exceeded"),
                     ("POST", post, '{"model": "demo", "model": "demo", "prompt": "a"}', auth, 400, "invalid_request")]
            for method, path, body, headers, status, code in cases:
                found, _, text = server.ask(method, path, body, headers)
                expect(found == status, f"expects {status} for {str(body)[:60]}, but found {found}: {text[:200]}")
                error = json.loads(text)["error"]
                expect(error["code"] == code and error["message"], f"expects {code} for {str(body)[:60]}, but found {text[:200]}")
            expect(server.ask("POST", post, good, auth)[0] == 200, "expects an answer after all that")
            for path, word in (("/", "<!doctype html>"), ("/health", '"ok"'), ("/openapi.json", '"openapi": "3.1.0"'), ("/metrics", "quoin_steps_total")):
                status, _, text = server.ask("GET", path)
                expect(status == 200 and word in text, f"expects {word} at {path}, but found {status}: {text[:100]}")
            status, headers, text = server.ask("GET", "/v1/models", None, auth)
            expect([m["id"] for m in json.loads(text)["data"]] == ["demo"], f"expects the model, but found {text}")
            server.stop()


def who_is_gone_frees_the_session():
    body = json.dumps(dict(model="demo", prompt=PROMPTS[0], max_tokens=200, stream=True, quoin=dict(stop_token_ids=[])))
    head = f"POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
    with Served("--batch", "1", "--connections", "4") as server:
        clients = []
        for _ in range(3):
            client = socket.create_connection(("127.0.0.1", server.port))
            client.sendall((head + body).encode())
            clients.append(client)
        clients[0].recv(100)
        for client in clients:
            client.close()
        end = time.time() + 10
        while server.metric("quoin_sessions") + server.metric("quoin_queue_length") > 0 and time.time() < end:
            time.sleep(0.02)
        expect(time.time() < end, "expects no session and no place in the queue for clients that are gone")
        # Half of a head, half of a body, nothing at all: more of them than there are threads.
        half = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(12)]
        for i, client in enumerate(half):
            client.sendall([b"", b"POST /v1/comp", (head + body[:20]).encode()][i % 3])
        time.sleep(0.6)
        want = run([dict(prompt=PROMPTS[2])])[0]["text"]
        for _ in range(20):  # whoever is refused comes again
            try:
                status, _, text = server.ask("POST", "/v1/completions", dict(model="demo", prompt=PROMPTS[2], max_tokens=24))
            except (ConnectionError, http.client.HTTPException):
                status = 503
            if status == 200:
                break
            time.sleep(0.1)
        expect(status == 200 and json.loads(text)["choices"][0]["text"] == want, f"expects {want}, but found {status}: {text[:200]}")
        for client in half:
            client.close()
        server.stop()


def a_stop_finishes_what_was_taken():
    prompts = [f"{PROMPTS[i % 4]}" for i in range(12)]
    wanted = run([dict(prompt=p) for p in prompts])
    with Served("--batch", "2") as server:
        found = [None] * len(prompts)
        sent = threading.Barrier(len(prompts) + 1)

        def one(i):
            with contextlib.closing(server.connect()) as connection:
                connection.request("POST", "/v1/completions", json.dumps(dict(model="demo", prompt=prompts[i], max_tokens=24, stream=i % 2 == 1)))
                sent.wait()
                try:
                    response = connection.getresponse()
                except ConnectionError:  # it was on its way when the server stopped
                    found[i] = 503, ""
                    return
                found[i] = response.status, response.read().decode()

        threads = [threading.Thread(target=one, args=[i]) for i in range(len(prompts))]
        for thread in threads:
            thread.start()
        sent.wait()
        server.stop()
        for thread in threads:
            thread.join()
        answered = 0
        for (status, text), want in zip(found, wanted):
            if status == 503:  # it came after the signal
                continue
            expect(status == 200, f"expects 200 or 503, but found {status}: {text[:200]}")
            if text.startswith("data: "):
                expect(text.endswith("data: [DONE]\n\n"), f"expects a stream to its end, but found {text[-100:]!r}")
                text = "".join(json.loads(line[6:])["choices"][0]["text"] for line in text.split("\n") if line.startswith("data: {"))
            else:
                text = json.loads(text)["choices"][0]["text"]
            expect(text == want["text"], f"expects {want['text']!r}, but found {text!r}")
            answered += 1
        expect(answered > 0, "expects that some were taken before the signal")
        return f"{answered} of {len(prompts)} had been taken"


def a_long_prompt_that_is_refused_blocks_nobody():
    """It is computed in pieces before its place says no."""
    ids = [i % 50 for i in range(150)]
    with Served("--piece", "64") as server:
        for _ in range(2):
            status, _, text = server.ask("POST", "/v1/completions", dict(model="demo", prompt=ids, max_tokens=200))
            expect(status == 400, f"expects 400, but found {status}: {text}")
        status, _, text = server.ask("POST", "/v1/completions", dict(model="demo", prompt=ids, max_tokens=8))
        expect(status == 200, f"expects 200, but found {status}: {text}")
        server.stop()


def the_page_of_the_docs_holds():
    """The commands of docs/Serving.md, on a port of this test's."""
    with open(os.path.join(harness.ROOT, "docs", "Serving.md")) as page:
        blocks = re.findall(r"^```\n(curl .*?)^```", page.read(), re.M | re.S)
    expect(len(blocks) >= 3, f"expects commands in docs/Serving.md, but found {len(blocks)}")
    if not shutil.which("curl"):
        return "skipped: there is no curl"
    with Served() as server:
        for block in blocks:
            command = block.replace("127.0.0.1:8080", f"127.0.0.1:{server.port}")
            done = subprocess.run(["bash", "-ec", command.replace("curl ", "curl -sSf ")], capture_output=True, text=True, timeout=60)
            expect(done.returncode == 0 and done.stdout, f"expects {block} to succeed, but found {done.stderr or done.stdout}")
        server.stop()


if __name__ == "__main__":
    harness.main([(f.__name__.replace("_", "-"), f) for f in (answers_are_those_of_quoin_run, streams_come_to_the_whole, what_is_wrong_is_said,
                                                                who_is_gone_frees_the_session, a_stop_finishes_what_was_taken, a_long_prompt_that_is_refused_blocks_nobody,
                                                                the_page_of_the_docs_holds)])
