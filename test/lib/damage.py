"""Checkpoints and artefacts to damage, and what a tool that meets damage must do. For end-to-end tests."""
import atexit
import functools
import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import threading

import harness
from checkpoint import Shape, write
from harness import expect

SHAPE = Shape(family="sdar", layers=1, hidden=32, heads=2, kv_heads=1, head_dim=16, mlp=40, vocabulary=270, capacity=64)


class Folder:
    """A small good checkpoint in a folder of its own, to be damaged."""

    def __enter__(self):
        self.top = tempfile.mkdtemp()
        self.model = write(os.path.join(self.top, "hf"), SHAPE)
        self.out = os.path.join(self.top, "out")
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.top, ignore_errors=True)

    def file(self, name):
        return os.path.join(self.model, name)


def refuse(process, *words, status=1):
    """The tool diagnosed it: one error that holds these words, and no stack trace."""
    lines = [l for l in process.stderr.splitlines() if "error:" in l]
    expect(process.returncode == status, f"expects exit {status}, but found {process.returncode}: {process.stderr[-300:]}")
    expect(len(lines) == 1, f"expects one error, but found {len(lines)}: {process.stderr[-300:]}")
    for word in words:
        expect(word in process.stderr, f"expects '{word}' in the error, but found: {lines[0]}")
    expect("Stack dump" not in process.stderr and "PLEASE submit" not in process.stderr, "expects no stack trace")


def refuse_compile(folder, *words, flags=(), call=harness.call):
    before = set(os.listdir(folder.top))
    refuse(call("quoin-compile", folder.model, "-o", folder.out, *flags), *words)
    expect(set(os.listdir(folder.top)) == before, f"expects nothing left behind, but found {set(os.listdir(folder.top)) - before}")


once = threading.Lock()


def artefact():
    """One compiled artefact for all cases that only run it."""
    with once:
        return made_artefact()


@functools.cache
def made_artefact():
    top = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, top, ignore_errors=True)
    model, out = write(os.path.join(top, "hf"), SHAPE), os.path.join(top, "out")
    harness.tool("quoin-compile", model, "-o", out)
    return out


class Artefact:
    """A copy of it in a folder of its own, to be damaged."""

    def __enter__(self):
        self.top = tempfile.mkdtemp()
        self.out = shutil.copytree(artefact(), os.path.join(self.top, "out"))
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.top, ignore_errors=True)


RUN = ("--prompt-ids", "1,2,3", "--max-tokens", "8", "--json")


def tokens(out):
    """What the artefact generates, to see whether it is whole."""
    return json.loads(harness.tool("quoin-run", out, *RUN))["ids"]


def c_compiler():
    """To build programs that no compiler of ours would write."""
    return shutil.which("cc") or shutil.which("clang-22")


def after(code):
    """A `harness.call` whose programs run after this Python code, in their own process."""
    def call(name, *args):
        return subprocess.run([sys.executable, "-c", code + "; import os, sys; os.execv(sys.argv[1], sys.argv[1:])",
                               *harness.command(name, *args)], capture_output=True, text=True, timeout=600)
    return call


def unprivileged(*opened):
    """A `harness.call` under which the system's rights hold, or None. `opened` is opened to its user."""
    if os.geteuid() != 0:
        return harness.call
    try:
        nobody = pwd.getpwnam("nobody").pw_uid
    except KeyError:
        return None
    for path in opened:
        os.chmod(path, 0o777)
    call = after(f"import os; os.setuid({nobody})")
    return call if call("quoin-run", "--help").returncode == 0 else None


NO_USER = "skipped: no user without rights who can reach the programs"
