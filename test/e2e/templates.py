#!/usr/bin/env python3
"""Chat templates against Jinja itself, with the settings that `transformers` gives it: templates in the style of published
ones, those of the checkpoints at hand, and expressions one by one, over conversations with and without tools, reasoning and parts.

Needs the package jinja2, which scripts/deps.sh puts into build/jinja2; without it, what needs it is skipped."""
import datetime
import functools
import itertools
import json
import os
import sys
import tempfile

import harness
from harness import Failure, ROOT, call, expect

sys.path.insert(0, os.path.join(ROOT, "build", "jinja2"))
try:
    import jinja2
    import jinja2.ext
    from jinja2.sandbox import ImmutableSandboxedEnvironment
except ImportError:
    jinja2 = None

TEMPLATES = os.path.join(ROOT, "test", "e2e", "templates")
CHECKPOINTS = os.path.join(ROOT, "..", "shared", "checkpoints")
SPECIAL = dict(bos_token="<s>", eos_token="</s>", pad_token="<pad>")
TOOLS = [dict(type="function", function=dict(name="weather", description="Tells the weather.", parameters=dict(
    type="object", properties=dict(city=dict(type="string", description="Where: \"city\" & <country>"), days=dict(type=["integer", "null"]),
                                   units=dict(enum=["C", "F"]), tags=dict(type="array", items=dict(type="string"))), required=["city"]))),
    dict(type="function", function=dict(name="now", description="The time.", parameters=dict(type="object", properties={}), **{
        "return": dict(type="string")}))]
CALLS = [dict(id="abcdef123", type="function", function=dict(name="weather", arguments=dict(city="Zürich", days=2, exact=1.0, deep=[None, True])))]


def m(role, content, **k):
    return dict(role=role, content=content, **k)


CONVERSATIONS = [
    [m("user", "Hi")],
    [m("system", "Be brief."), m("user", " What is 2+2?\n")],
    [m("user", "a"), m("assistant", "<think>\nhm\n</think>\n\nb"), m("user", "c 😀 ß")],
    [m("system", "S"), m("user", "a"), m("assistant", "", tool_calls=CALLS), m("tool", "{\"t\": 3}", tool_call_id="abcdef123"),
     m("tool", "more"), m("assistant", "It is 3."), m("user", "thanks")],
    [m("user", "a"), m("assistant", None, tool_calls=CALLS), m("tool", "x")],
    [m("user", "a"), m("assistant", "b", reasoning_content="because"), m("user", "c"), m("assistant", "d")],
    [m("user", [dict(type="text", text=" look "), dict(type="image", url="u")]), m("assistant", "ok")],
    [m("system", [dict(type="text", text="sys")]), m("user", "x", name="joe", replies=[m("user", "y", replies=[])])],
    [m("assistant", "first"), m("user", "second")],
    [m("user", "a"), m("user", "b"), m("skip", "s"), m("stop", "t"), m("user", "long " * 40)],
    [m("system", "only")],
]
VARIABLES = [
    {},
    dict(add_generation_prompt=False),
    dict(tools=TOOLS),
    dict(tools=TOOLS, tools_in_user_message=False, add_generation_prompt=False, date_string="1 Jan 2030"),
    dict(enable_thinking=False, keep=1, date_string="2 Feb 2031", reasoning_effort="high"),
    dict(enable_thinking=True, documents=[dict(title="the title", text="one\n\ntwo", date="today"), dict(title="b", text="c")], keep="2"),
]
# One construct each; what they write was also put down in test/unit/TemplateTest.cpp, for machines without Jinja.
EXPRESSIONS = os.path.join(TEMPLATES, "expressions.txt")


def environment():
    """As `transformers` makes it."""
    class Generation(jinja2.ext.Extension):
        tags = {"generation"}

        def parse(self, parser):
            line = next(parser.stream).lineno
            body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
            return jinja2.nodes.CallBlock(self.call_method("_body"), [], [], body).set_lineno(line)

        def _body(self, caller):
            return caller()

    def raise_exception(message):
        raise jinja2.exceptions.TemplateError(message)

    def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

    env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[Generation, jinja2.ext.loopcontrols])
    env.filters["tojson"] = tojson
    env.globals.update(raise_exception=raise_exception, strftime_now=lambda f: datetime.datetime.now().strftime(f))
    return env


@functools.lru_cache
def read(env, template):
    """Once for all conversations: Jinja makes Python code of it."""
    return env.from_string(template)


def plain(message):
    """What `apply_chat_template` does to a message."""
    message = {k: v for k, v in message.items() if v is not None}
    reasoning = next((message[k] for k in ("reasoning_content", "thinking", "reasoning") if k in message), None)
    return message if reasoning is None else {"thinking": reasoning, **message, "reasoning_content": reasoning}


def reference(env, template, request, special):
    """The text, or None where Jinja fails."""
    request = dict(request)
    messages = [plain(x) for x in request.pop("messages")]
    variables = {**special, "tools": None, "documents": None, "add_generation_prompt": True, **request}
    try:
        return read(env, template).render(messages=messages, **variables)
    except Exception:  # whatever Python code of a template can raise
        return None


def render(folder, requests):
    """The texts that quoin-run gives, None for an error."""
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl", delete=False) as f:
        f.writelines(json.dumps(q) + "\n" for q in requests)
    try:
        r = call("quoin-run", folder, "--render", "--input", f.name)
    finally:
        os.unlink(f.name)
    lines = [json.loads(line) for line in r.stdout.splitlines()]
    expect(len(lines) == len(requests), f"expects {len(requests)} lines, but found {len(lines)}: {r.stderr.strip()[-300:]}")
    expect(r.returncode == (1 if any("error" in line for line in lines) else 0), f"exit {r.returncode}")
    return lines


def tokenizer():
    """A byte-level one without merges."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    moved = [b for b in range(256) if b not in printable]
    alphabet = [chr(b) for b in printable] + [chr(256 + k) for k in range(len(moved))]
    level = dict(type="ByteLevel", add_prefix_space=False, use_regex=False)
    return dict(added_tokens=[], normalizer=None, pre_tokenizer=level, post_processor=None, decoder=level,
                model=dict(type="BPE", vocab={t: k for k, t in enumerate(alphabet)}, merges=[]))


def folder_of(path, template, special):
    os.makedirs(path, exist_ok=True)
    json.dump(tokenizer(), open(os.path.join(path, "tokenizer.json"), "w"))
    json.dump(special, open(os.path.join(path, "tokenizer_config.json"), "w"))
    with open(os.path.join(path, "chat_template.jinja"), "w", newline="") as f:
        f.write(template)
    return path


def compare(template, requests, special):
    """Renders by both; gives how many texts were equal and how many both refuse."""
    env = environment()
    with tempfile.TemporaryDirectory() as t:
        got = render(folder_of(t, template, special), requests)
    same = refused = 0
    for request, line in zip(requests, got):
        want = reference(env, template, request, special)
        if want is None:
            expect("error" in line, f"Jinja refuses {json.dumps(request)[:200]}, but found {line.get('text', '')[:200]!r}")
            refused += 1
            continue
        expect("error" not in line, f"{line.get('error')} for {json.dumps(request)[:200]}")
        expect(line["text"] == want, f"expects {want!r}, but found {line['text']!r}")
        expect(bytes_of(line["ids"]) == want.encode(), "ids are not those of the text")
        same += 1
    return same, refused


def bytes_of(ids):
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    order = printable + [b for b in range(256) if b not in printable]
    return b"".join(bytes([order[i]]) if i < 256 else NAMED[i - 256] for i in ids)


# As they are added to the vocabulary, in AutoTokenizer's order.
NAMED = [SPECIAL[k].encode() for k in ("bos_token", "eos_token", "pad_token")]


def needs_jinja(test):
    return test if jinja2 else lambda: "skipped: there is no jinja2 (scripts/deps.sh installs it)"


def wild(name):
    @needs_jinja
    def run():
        template = open(os.path.join(TEMPLATES, name), encoding="utf-8", newline="").read()
        requests = [dict(messages=c, **v) for c, v in itertools.product(CONVERSATIONS, VARIABLES)]
        same, refused = compare(template, requests, SPECIAL)
        expect(same, "every conversation is refused")
        return f"{same} texts, {refused} refused by both"
    return run


@needs_jinja
def expressions():
    """Those that Jinja can read a hundred at a time, each behind a number of its own; the others one by one."""
    env = environment()
    lines = [json.loads(line) for line in open(EXPRESSIONS, encoding="utf-8")]
    variables, cases = lines[0], lines[1:]
    readable, unreadable = [], []
    for case in cases:
        try:
            env.from_string("{% if true %}" + case + "{% endif %}")
            readable.append(case)
        except jinja2.exceptions.TemplateError:
            unreadable.append(case)
        except SyntaxError:  # of the Python code that Jinja writes
            unreadable.append(case)
    for start in range(0, len(readable), 100):
        part = readable[start:start + 100]
        template = "".join(f"{{% {'el' if k else ''}if number == {k} %}}{case}" for k, case in enumerate(part)) + "{% endif %}"
        requests = [dict(messages=[m("user", "x")], number=k, **variables) for k in range(len(part))]
        with tempfile.TemporaryDirectory() as t:
            got = render(folder_of(t, template, {}), requests)
        for case, request, line in zip(part, requests, got):
            want = reference(env, template, request, {})
            expect(line.get("text") == want, f"{case!r}: expects {want!r}, but found {line}")
    for case in unreadable:
        with tempfile.TemporaryDirectory() as t:
            line = render(folder_of(t, case, {}), [dict(messages=[m("user", "x")], **variables)])[0]
        expect("error" in line, f"{case!r}: Jinja cannot read it, but found {line}")
    return f"{len(readable)} cases, {len(unreadable)} that neither reads"


def of_checkpoint(name):
    """The published renderings beside a checkpoint, and what Jinja makes of its template besides."""
    def run():
        source = os.path.join(CHECKPOINTS, name)
        config = json.load(open(os.path.join(source, "tokenizer_config.json")))
        special = {k: v for k, v in config.items() if k.endswith("_token") and isinstance(v, str)}
        golden = [json.loads(line) for line in open(os.path.join(source, "golden", "chat.jsonl"))]
        with tempfile.TemporaryDirectory() as t:
            folder_of(t, config["chat_template"], special)
            got = render(t, [{k: v for k, v in g.items() if k not in ("text", "ids")} for g in golden])
        for line, g in zip(got, golden):
            expect(line.get("text") == g["text"], f"expects {g['text']!r}, but found {line}")
        note = f"{len(golden)} golden texts"
        if jinja2:
            env, requests = environment(), [dict(messages=c, **v) for c, v in itertools.product(CONVERSATIONS, VARIABLES[:3])]
            with tempfile.TemporaryDirectory() as t:
                got = render(folder_of(t, config["chat_template"], special), requests)
            for request, line in zip(requests, got):
                want = reference(env, config["chat_template"], request, special)
                expect(line.get("text") == want, f"expects {want!r}, but found {line}")
            note += f", {len(requests)} beside Jinja's"
        return note
    return run


def options():
    """--chat, --system and request lines are the same conversations; a plain prompt is no conversation."""
    with tempfile.TemporaryDirectory() as t:
        folder = folder_of(t, "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}{{ '>' if add_generation_prompt }}", {})
        def one(*args):
            r = call("quoin-run", folder, "--render", *args)
            expect(r.returncode == 0, r.stderr)
            return json.loads(r.stdout)["text"]
        expect(one("--chat", "q") == "[user]q>", "--chat")
        expect(one("--chat", "q", "--system", "s") == "[system]s[user]q>", "--system")
        expect(one("--prompt", "q") == "q", "--prompt")
        expect(one("--prompt-ids", "72,105") == one("--prompt", one("--prompt-ids", "72,105")), "--prompt-ids")
        lines = render(folder, [dict(chat="q", system="s"), dict(messages=[m("user", "q")], add_generation_prompt=False, max_tokens=3)])
        expect([line["text"] for line in lines] == ["[system]s[user]q>", "[user]q"], f"found {lines}")
        lines = render(folder, [dict(messages=[m("user", "q")]), dict(messages=[]), dict(prompt="p")])
        expect(lines[0]["text"] == "[user]q>" and "at least one message" in lines[1]["error"] and lines[2]["text"] == "p", f"found {lines}")
        r = call("quoin-run", folder, "--prompt", "x", "--system", "s", "--render")
        expect(r.returncode == 2 and "--system" in r.stderr, f"exit {r.returncode}: {r.stderr}")
        r = call("quoin-run", folder, "--render", "--chat", "q", "--input", "x")
        expect(r.returncode == 2, f"exit {r.returncode}")


def warnings():
    """What a template does not look at is said, once."""
    with tempfile.TemporaryDirectory() as t:
        folder = folder_of(t, "{{ messages[0].content }}", {})
        path = os.path.join(t, "q.jsonl")
        with open(path, "w") as f:
            f.writelines(json.dumps(dict(messages=[m("user", "q")], max_token=3)) + "\n" for _ in range(2))
        r = call("quoin-run", folder, "--render", "--input", path)
        expect(r.returncode == 0 and r.stderr.count("warning: the chat template does not look at 'max_token'") == 1, r.stderr)


if __name__ == "__main__":
    tests = [(name[:-6], wild(name)) for name in sorted(os.listdir(TEMPLATES)) if name.endswith(".jinja")]
    tests += [("expressions", expressions), ("options", options), ("warnings", warnings)]
    if os.path.isdir(CHECKPOINTS):
        tests += [(f"checkpoint-{name}", of_checkpoint(name)) for name in sorted(os.listdir(CHECKPOINTS))
                  if os.path.exists(os.path.join(CHECKPOINTS, name, "golden", "chat.jsonl"))]
    harness.main(tests)
