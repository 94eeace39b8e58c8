#!/usr/bin/env python3
"""What goes wrong while quoin-compile writes: full disks and failing calls at any place, signals and kills at any moment. There is
one error or a death by the signal, nothing is left, and an earlier artefact is whole."""
import errno
import os
import resource
import shutil
import signal
import subprocess
import tempfile
import time

import harness
from damage import Folder, after, artefact, c_compiler, refuse, refuse_compile, tokens
from harness import expect


def nothing_left(f, *more):
    found = sorted(os.listdir(f.top))
    expect(found == sorted(["hf", *more]), f"expects nothing left behind, but found {found}")


# ---- Full disks


def sizes(folder):
    return sorted(os.path.getsize(os.path.join(folder, n)) for n in os.listdir(folder))


def limited(most):
    """Files grow to so many bytes; writing on is an error, or a signal for programs that do not ignore it."""
    return after(f"import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_DFL); "
                 f"resource.setrlimit(resource.RLIMIT_FSIZE, ({most}, {most}))")


def dense(all_sizes, steps):
    """Each size and its neighbours, and as many steps up to the largest."""
    most = max(all_sizes)
    return sorted({0, 1, *(s + d for s in all_sizes for d in (-1, 0, 1)), *(most * i // steps for i in range(steps))})


def limit_on_files():
    """No file may grow past a limit: whichever meets it, it is one error until the largest fits."""
    want, largest, refused = tokens(artefact()), max(sizes(artefact())), 0
    with Folder() as f:
        for limit in dense(sizes(artefact()), 8):
            if limit < largest:
                refuse_compile(f, call=limited(limit))
                refused += 1
        shutil.copytree(artefact(), f.out)
        refuse_compile(f, call=limited(largest - 1))
        expect(tokens(f.out) == want, "expects the earlier artefact to be whole")
    return f"{refused} limits"


FUNCTION = os.path.join(harness.ROOT, "examples", "attention.mlir")


def limit_on_a_function():
    """An artefact without weights: the program is the largest file, and meets limits in all its length."""
    with Folder() as f:
        for emit in ("folder", "object"):
            whole = os.path.join(f.top, emit)
            harness.tool("quoin-compile", FUNCTION, "-o", whole, "--emit", emit)
            largest = max(sizes(whole))
            for limit in [*(largest * i // 6 for i in range(6)), largest - 1]:
                refuse(limited(limit)("quoin-compile", FUNCTION, "-o", f.out, "--emit", emit), "cannot")
            nothing_left(f, *(("folder",) if emit == "folder" else ("folder", "object")))


def small_disk():
    """A file system of so many pages, from none to enough, at which all files together count."""
    if os.geteuid() != 0 or subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode:
        return "skipped: mounts need root"
    page = os.sysconf("SC_PAGESIZE")
    need = sum(-(-s // page) for s in sizes(artefact()))
    met = set()
    with Folder() as f:
        disk = os.path.join(f.top, "disk")
        os.mkdir(disk)
        for pages in sorted({1, need // 4, need // 2 - 2, need // 2 + 2, *range(need - 4, need + 5, 2)}):
            for out in ["disk/out", "disk"] if pages < need // 2 else ["disk"]:
                script = (f'cd {f.top} && mount -t tmpfs -o size={pages * page} none disk && '
                          f'"$1" hf -o {out} --quiet; status=$?; ls -A disk >&2; exit $status')
                r = subprocess.run(["unshare", "-m", "sh", "-c", script, "sh", os.path.join(harness.BIN, "quoin-compile")],
                                   capture_output=True, text=True)
                errors = [l for l in r.stderr.splitlines() if "error:" in l]
                if r.returncode == 0:
                    expect(not errors and ("out" in r.stderr or "model.so" in r.stderr), f"expects an artefact, but found {r.stderr}")
                else:
                    expect(r.returncode == 1 and r.stderr.splitlines() == errors and len(errors) == 1,
                           f"expects one error and an empty disk of {pages} pages, but found {r.returncode}: {r.stderr}")
                met.add(r.returncode)
    expect(met == {0, 1}, f"expects disks that suffice and disks that do not, but found {met}")


# Lets the n-th call of those that write fail, with an error that a disk may have.
FAIL_AT = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>
static int fails(int fd) {
  static int calls;
  struct stat info;
  if (fd >= 0 && (fstat(fd, &info) || !S_ISREG(info.st_mode))) return 0;
  if (__atomic_add_fetch(&calls, 1, __ATOMIC_SEQ_CST) != atoi(getenv("FAIL_AT"))) return 0;
  errno = atoi(getenv("FAIL_WITH"));
  return 1;
}
#define NEXT(type, name, ...) ((type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name))
ssize_t write(int fd, const void *p, size_t n) { return fails(fd) ? -1 : NEXT(ssize_t, write, int, const void *, size_t)(fd, p, n); }
ssize_t pwrite(int fd, const void *p, size_t n, off_t at) {
  return fails(fd) ? -1 : NEXT(ssize_t, pwrite, int, const void *, size_t, off_t)(fd, p, n, at); }
ssize_t pwrite64(int fd, const void *p, size_t n, off_t at) {
  return fails(fd) ? -1 : NEXT(ssize_t, pwrite64, int, const void *, size_t, off_t)(fd, p, n, at); }
int ftruncate(int fd, off_t n) { return fails(fd) ? -1 : NEXT(int, ftruncate, int, off_t)(fd, n); }
int ftruncate64(int fd, off_t n) { return fails(fd) ? -1 : NEXT(int, ftruncate64, int, off_t)(fd, n); }
int mkdir(const char *p, mode_t m) { return fails(-1) ? -1 : NEXT(int, mkdir, const char *, mode_t)(p, m); }
int rename(const char *a, const char *b) { return fails(-1) ? -1 : NEXT(int, rename, const char *, const char *)(a, b); }
int close(int fd) {
  int mode = fcntl(fd, F_GETFL), bad = mode >= 0 && (mode & O_ACCMODE) == O_WRONLY && fails(fd);
  int code = errno, result = NEXT(int, close, int)(fd);
  if (bad) errno = code;
  return bad ? -1 : result;
}
"""


def shim(compiler, text, folder):
    source, library = os.path.join(folder, "shim.c"), os.path.join(folder, "shim.so")
    open(source, "w").write(text)
    subprocess.run([compiler, "-shared", "-fPIC", "-w", source, "-o", library, "-ldl"], check=True)
    return library


def failing_calls(calls, compiled, least):
    """Whichever call fails, it is one error, and nothing or the earlier artefact is there. `compiled` gives what is compiled."""
    def test():
        compiler = c_compiler()
        if not compiler:
            return "skipped: no C compiler"
        errors = 0
        with Folder() as f, tempfile.TemporaryDirectory() as aside:
            library = shim(compiler, FAIL_AT, aside)
            for n in calls:
                shutil.rmtree(f.out, ignore_errors=True)
                if n % 2:
                    shutil.copytree(artefact(), f.out)
                code = (errno.ENOSPC, errno.EIO, errno.EDQUOT)[n % 3]
                r = subprocess.run(harness.command("quoin-compile", compiled(f), "-o", f.out), capture_output=True, text=True,
                                   env=dict(os.environ, LD_PRELOAD=library, FAIL_AT=str(n), FAIL_WITH=str(code)))
                # A trade of names that fails is made good by moving the files.
                if r.returncode == 0 and not n % 2:
                    break
                if r.returncode:
                    refuse(r, "cannot", os.strerror(code))
                    errors += 1
                    expect(not n % 2 or tokens(f.out) == tokens(artefact()), f"expects a whole artefact after call {n} failed")
                nothing_left(f, *(["out"] if n % 2 else []))
            expect(errors >= least, f"expects at least {least} calls that can fail, but found {errors}")
        return f"{errors} calls"
    return test


def full_disk_of_other_files():
    """What other tools write: the earlier file stays."""
    with Folder() as f:
        file = os.path.join(f.top, "file")
        for tool, *flags in (("quoin-import",), ("quoin-compile", "--compile-to", "cached")):
            harness.tool(tool, f.model, "-o", file, *flags)
            size = os.path.getsize(file)
            os.unlink(file)
            for earlier in (False, True):
                if earlier:
                    open(file, "w").write("earlier")
                for limit in (0, 1, size // 2, size - 1):
                    refuse(limited(limit)(tool, f.model, "-o", file, *flags), "file")
                    expect(not earlier or open(file).read() == "earlier", "expects the earlier file to stay")
                    nothing_left(f, *(["file"] if earlier else []))
            os.unlink(file)
        picture = os.path.join(f.top, "t.html")
        refuse(limited(1000)("quoin-run", artefact(), "--prompt-ids", "1,2,3", "--max-tokens", "8", "--trace", picture), "t.html")
        nothing_left(f)


# ---- Signals


def started(f, *flags, **k):
    return subprocess.Popen(harness.command("quoin-compile", f.model, "-o", f.out, *flags), stdout=subprocess.DEVNULL,
                            stderr=subprocess.PIPE, text=True, **k)


def is_working(process, f):
    """Waits until there is something to clean up."""
    while process.poll() is None and not any(".partial-" in n for n in os.listdir(f.top) + os.listdir(f.top + "/out")):
        time.sleep(0.001)


def open_to(number):
    """What a child does first: dies of the signal, without a core, also if whoever runs this test is deaf to it (nohup)."""
    signal.signal(number, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def signals():
    """The partial folder goes, with the folders that were made for it, and the process dies by the signal."""
    want, died = tokens(artefact()), 0
    with Folder() as f:
        for number, delays in ((signal.SIGINT, (0, 0.05, 0.3)), (signal.SIGTERM, (0, 0.3)), (signal.SIGHUP, (0.1,)), (signal.SIGQUIT, (0.1,))):
            for delay in delays:
                shutil.copytree(artefact(), f.out)
                process = started(f, preexec_fn=lambda: open_to(number))
                is_working(process, f)
                time.sleep(delay)
                process.send_signal(number)
                process.communicate()
                expect(process.returncode in (0, -number), f"expects death by signal {number}, but found {process.returncode}")
                died += process.returncode != 0
                nothing_left(f, "out")
                expect(tokens(f.out) == want, "expects the earlier artefact to be whole")
                shutil.rmtree(f.out)
        f.out = os.path.join(f.top, "on", "the", "way")
        process = started(f)
        while process.poll() is None and not os.path.isdir(os.path.dirname(f.out)):
            time.sleep(0.001)
        process.terminate()
        process.communicate()
        expect(process.returncode == -signal.SIGTERM, f"expects death by the signal, but found {process.returncode}")
        nothing_left(f)
    expect(died >= 5, f"expects signals before the end, but found {died}")
    return f"{died} deaths"


def signal_at_any_moment():
    """Also before there is anything, and in the end."""
    with Folder() as f:
        begun = time.monotonic()
        started(f).communicate()
        whole = time.monotonic() - begun
        shutil.rmtree(f.out)
        for part in (0.01, 0.05, 0.93, 1):
            process = started(f)
            time.sleep(whole * part)
            process.send_signal(signal.SIGINT)
            process.communicate()
            expect(process.returncode in (0, -signal.SIGINT), f"expects death by the signal, but found {process.returncode}")
            there = os.path.exists(f.out)
            expect(there or process.returncode, "expects an artefact after success")
            nothing_left(f, *(["out"] if there else []))
            if there:
                expect(tokens(f.out) == tokens(artefact()), "expects a whole artefact")
                shutil.rmtree(f.out)


def ignored_signals():
    """Under nohup, or in the background of a script, signals are ignored."""
    with Folder() as f:
        os.mkdir(f.out)
        process = started(f, preexec_fn=lambda: (signal.signal(signal.SIGHUP, signal.SIG_IGN), signal.signal(signal.SIGINT, signal.SIG_IGN)))
        is_working(process, f)
        for number in (signal.SIGHUP, signal.SIGINT):
            process.send_signal(number)
        _, said = process.communicate()
        expect(process.returncode == 0, f"expects exit 0, but found {process.returncode}: {said}")
        nothing_left(f, "out")


def closed_streams():
    """Files do not take the numbers of streams that are closed; whoever reads the progress may stop."""
    with Folder() as f:
        quoin = os.path.join(harness.BIN, "quoin-compile")
        for streams in (">&- 2>&-", "<&- 2>&-", "<&- >&- 2>&-", "2>&1 | true"):
            subprocess.run(["sh", "-c", f'"$1" "$2" -o "$3" {streams}', "sh", quoin, f.model, f.out], check=True)
            expect(tokens(f.out) == tokens(artefact()), f"expects the same artefact with {streams}")
            nothing_left(f, "out")
            shutil.rmtree(f.out)


def two_at_a_time():
    """The last one wins, as a whole."""
    with Folder() as f:
        for earlier in (False, True):
            processes = [started(f, "--quiet") for _ in range(2)]
            for process in processes:
                _, said = process.communicate()
                expect(process.returncode == 0, f"expects exit 0, but found {process.returncode}: {said}")
            nothing_left(f, "out")
            expect(tokens(f.out) == tokens(artefact()), "expects a whole artefact")


# ---- Kills


def killed():
    """A kill at any moment: the target is absent, or the earlier artefact, or complete; and the next run succeeds."""
    want, met = tokens(artefact()), set()
    with Folder() as f:
        command = harness.command("quoin-compile", f.model, "-o", f.out)
        begun = time.monotonic()
        subprocess.run(command, capture_output=True, check=True)
        whole = time.monotonic() - begun
        for earlier in (False, True):
            for part in (0.2, 0.6, 0.95):
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
    """However far the trade of names came, the earlier artefact or the new one stands there. So do single files."""
    compiler = c_compiler()
    if not compiler:
        return "skipped: no C compiler"
    want, ends = tokens(artefact()), 0
    with Folder() as f:
        library = shim(compiler, END_AT_RENAME, f.top)
        for earlier in (False, True):
            for n in range(1, 20):
                shutil.rmtree(f.out, ignore_errors=True)
                if earlier:
                    shutil.copytree(artefact(), f.out)
                r = subprocess.run(harness.command("quoin-compile", f.model, "-o", f.out), capture_output=True,
                                   env=dict(os.environ, LD_PRELOAD=library, END_AT_RENAME=str(n)))
                expect(r.returncode in (0, 99), f"expects to end at rename {n} or not at all, but found {r.returncode}")
                if not r.returncode:
                    break
                ends += 1
                there = os.path.exists(f.out)
                expect(there or not earlier, f"expects an artefact after rename {n} in place of an earlier one")
                expect(not there or tokens(f.out) == want, f"expects a whole artefact after rename {n}")
    expect(ends >= 2, f"expects ends at renames, but found {ends}")


TESTS = [
    ("limit-on-files", limit_on_files),
    ("limit-on-a-function", limit_on_a_function),
    ("small-disk", small_disk),
    ("failing-calls", failing_calls([*range(1, 13), *range(13, 100, 5)], lambda f: f.model, 12)),
    ("failing-calls-of-a-function", failing_calls(range(1, 100), lambda f: FUNCTION, 8)),
    ("full-disk-of-other-files", full_disk_of_other_files),
    ("signals", signals),
    ("signal-at-any-moment", signal_at_any_moment),
    ("ignored-signals", ignored_signals),
    ("closed-streams", closed_streams),
    ("two-at-a-time", two_at_a_time),
    ("killed", killed),
    ("killed-at-a-rename", killed_at_a_rename),
]

if __name__ == "__main__":
    harness.main(TESTS)
