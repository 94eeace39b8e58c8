#!/usr/bin/env python3
"""The folder that quoin-compile writes: complete or absent, whatever stands there before, and whatever happens meanwhile."""
import os
import shutil
import subprocess
import time

import harness
from damage import NO_USER, Folder, after, artefact, c_compiler, refuse, refuse_compile, tokens, unprivileged
from harness import expect


def target_is_someone_elses():
    with Folder() as f:
        os.mkdir(f.out)
        open(os.path.join(f.out, "precious"), "w").write("x")
        refuse_compile(f, f.out)
        expect(os.listdir(f.out) == ["precious"], "expects the folder to be left alone")


def target_is_a_file():
    with Folder() as f:
        open(f.out, "w").write("x")
        refuse_compile(f, f.out)
        expect(open(f.out).read() == "x", "expects the file to be left alone")


def target_is_the_input():
    with Folder() as f:
        before = sorted(os.listdir(f.model))
        for same in (f.model, os.path.join(f.model, "."), os.path.join(f.top, "hf", "..", "hf")):
            refuse(harness.call("quoin-compile", f.model, "-o", same), f.model)
        # What looks like an earlier artefact is still not replaced while the checkpoint lies in it.
        open(os.path.join(f.top, "model.json"), "w").write("{}")
        refuse(harness.call("quoin-compile", f.model, "-o", f.top), f.model)
        expect(sorted(os.listdir(f.model)) == before, "expects the checkpoint to be left alone")


def target_below_a_file():
    with Folder() as f:
        refuse(harness.call("quoin-compile", f.model, "-o", f.file("config.json/out")), "config.json/out")


def target_below_a_missing_folder():
    """The folders on the way are made."""
    with Folder() as f:
        out = os.path.join(f.top, "not", "there", "out")
        harness.tool("quoin-compile", f.model, "-o", out)
        expect(tokens(out) == tokens(artefact()), "expects the same artefact")


def full_disk():
    """No file may grow past a limit: whichever file meets it, nothing is left and an earlier artefact stays."""
    sizes = sorted(os.path.getsize(os.path.join(artefact(), n)) for n in os.listdir(artefact()))

    def limited(most):
        # The signal is ignored: writes fail instead.
        return after(f"import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
                     f"resource.setrlimit(resource.RLIMIT_FSIZE, ({most}, {most}))")

    with Folder() as f:
        limits = [0] + [size - 1 for size in sizes]
        for limit in limits:
            refuse_compile(f, f.out, call=limited(limit))
        shutil.copytree(artefact(), f.out)
        refuse_compile(f, f.out, call=limited(limits[-1]))
        expect(tokens(f.out) == tokens(artefact()), "expects the earlier artefact to be whole")
    return f"{len(limits)} limits"


def killed():
    """A kill at any moment: the target is absent, or the earlier artefact, or complete; and the next run succeeds."""
    want, met = tokens(artefact()), set()
    with Folder() as f:
        command = [os.path.join(harness.BIN, "quoin-compile"), f.model, "-o", f.out]
        begun = time.monotonic()
        subprocess.run(command, capture_output=True, check=True)
        whole = time.monotonic() - begun
        for earlier in (False, True):
            for part in (0.2, 0.6, 0.85, 0.97):
                shutil.rmtree(f.out, ignore_errors=True)
                if earlier:
                    shutil.copytree(artefact(), f.out)
                process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                time.sleep(whole * part)
                process.kill()
                process.wait()
                there = os.path.exists(f.out)
                expect(there or not earlier, f"expects the earlier artefact after a kill at {part:.0%}")
                expect(not there or tokens(f.out) == want, f"expects a whole artefact after a kill at {part:.0%}")
                met.add(there)
        harness.tool("quoin-compile", f.model, "-o", f.out)
        expect(tokens(f.out) == want, "expects a later run to succeed")
    expect(False in met, "expects a kill before the end")


# Ends the process right after the n-th time something was renamed.
END_AT_RENAME = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>
static int count(int result) {
  static int renames;
  if (++renames == atoi(getenv("END_AT_RENAME"))) _exit(99);
  return result;
}
int rename(const char *from, const char *to) {
  int (*next)(const char *, const char *) = dlsym(RTLD_NEXT, "rename");
  return count(next(from, to));
}
int renameat2(int a, const char *from, int b, const char *to, unsigned flags) {
  int (*next)(int, const char *, int, const char *, unsigned) = dlsym(RTLD_NEXT, "renameat2");
  return count(next(a, from, b, to, flags));
}
"""


def killed_at_a_rename():
    """However far the trade of names came, the earlier artefact or the new one stands there. The linker renames, too."""
    compiler = c_compiler()
    if not compiler:
        return "skipped: no C compiler"
    want, ends = tokens(artefact()), 0
    with Folder() as f:
        source, shim = os.path.join(f.top, "shim.c"), os.path.join(f.top, "shim.so")
        open(source, "w").write(END_AT_RENAME)
        subprocess.run([compiler, "-shared", "-fPIC", "-w", source, "-o", shim, "-ldl"], check=True)
        for earlier in (False, True):
            for n in (1, 2, 3, 4):
                shutil.rmtree(f.out, ignore_errors=True)
                if earlier:
                    shutil.copytree(artefact(), f.out)
                r = subprocess.run([os.path.join(harness.BIN, "quoin-compile"), f.model, "-o", f.out], capture_output=True,
                                   env=dict(os.environ, LD_PRELOAD=shim, END_AT_RENAME=str(n)))
                expect(r.returncode in (0, 99), f"expects to end at rename {n} or not at all, but found {r.returncode}")
                ends += r.returncode == 99
                there = os.path.exists(f.out)
                expect(there or not earlier, f"expects an artefact after rename {n} in place of an earlier one")
                expect(not there or tokens(f.out) == want, f"expects a whole artefact after rename {n}")
    expect(ends >= 2, f"expects ends at renames, but found {ends}")


def read_only_parent():
    with Folder() as f:
        call = unprivileged(f.top, f.model)
        if not call:
            return NO_USER
        os.chmod(f.top, 0o555)
        refuse(call("quoin-compile", f.model, "-o", f.out), f.out)
        os.chmod(f.top, 0o755)
        expect(os.listdir(f.top) == ["hf"], "expects nothing left behind")


TESTS = [
    ("full-disk", full_disk),
    ("killed", killed),
    ("killed-at-a-rename", killed_at_a_rename),
    ("target-read-only", read_only_parent),
    ("target-is-a-file", target_is_a_file),
    ("target-is-the-input", target_is_the_input),
    ("target-below-a-file", target_below_a_file),
    ("target-below-a-missing-folder", target_below_a_missing_folder),
    ("target-is-someone-elses", target_is_someone_elses),
]

if __name__ == "__main__":
    harness.main(TESTS)
