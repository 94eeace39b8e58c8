#!/usr/bin/env python3
"""Where quoin-compile writes: whatever stands there before, the target is taken as a whole, or refused before any work and left
alone. test/e2e/output_faults.py has what goes wrong on the way."""
import os
import shutil
import stat
import subprocess
import tempfile

import harness
from damage import NO_USER, Folder, artefact, refuse, refuse_compile, tokens, unprivileged
from harness import expect


def compiled(f, out, **k):
    """Compiles to `out`, which must succeed."""
    r = harness.call("quoin-compile", f.model, "-o", out, "--quiet", **k)
    expect(r.returncode == 0, f"expects exit 0 with -o {out}, but found {r.returncode}: {r.stderr[-300:]}")
    expect(not r.stderr, f"expects silence, but found {r.stderr}")


def whole(out):
    expect(tokens(out) == tokens(artefact()), f"expects the same artefact at {out}")
    expect(sorted(os.listdir(out)) == sorted(os.listdir(artefact())), f"expects its files only, but found {sorted(os.listdir(out))}")


def earlier(path):
    """An artefact that stands there from an earlier day."""
    shutil.copytree(artefact(), path)
    open(os.path.join(path, "model.h"), "w").write("earlier")
    return path


def is_new(path):
    return open(os.path.join(path, "model.h")).read() != "earlier"


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


# ---- Links are followed, and what is removed is never behind one


def link_case(target, *links, before=earlier):
    """`links` are (name, text) of links that lead to `target` in the end; the first one is compiled to."""
    def test():
        with Folder() as f:
            os.makedirs(os.path.join(f.top, "a", "b"))
            place = os.path.join(f.top, target)
            if before:
                before(place)
            for name, text in links:
                os.symlink(text.replace("TOP", f.top), os.path.join(f.top, name))
            names = sorted(os.listdir(f.top)) + ([] if before or "/" in target else [target])
            compiled(f, os.path.join(f.top, links[0][0]))
            for name, text in links:
                expect(os.readlink(os.path.join(f.top, name)) == text.replace("TOP", f.top), f"expects link '{name}' to stay")
            expect(not os.path.islink(place) and is_new(place), "expects the folder behind the link to be replaced")
            whole(place)
            expect(sorted(os.listdir(f.top)) == sorted(names), f"expects nothing left behind, but found {sorted(os.listdir(f.top))}")
    return test


def link_with_a_slash():
    with Folder() as f:
        v1, link = earlier(os.path.join(f.top, "v1")), os.path.join(f.top, "current")
        os.symlink("v1", link)
        compiled(f, link + "/")
        expect(os.path.islink(link) and is_new(v1), "expects the link to be followed")
        whole(v1)


def link_to_another_file_system():
    if not os.path.isdir("/dev/shm") or os.stat("/dev/shm").st_dev == os.stat(tempfile.gettempdir()).st_dev:
        return "skipped: no second file system"
    with Folder() as f:
        far = tempfile.mkdtemp(dir="/dev/shm")
        try:
            os.symlink(earlier(os.path.join(far, "v1")), os.path.join(f.top, "current"))
            compiled(f, os.path.join(f.top, "current"))
            whole(os.path.join(far, "v1"))
            expect(is_new(os.path.join(far, "v1")) and os.listdir(far) == ["v1"], "expects the folder there to be replaced")
        finally:
            shutil.rmtree(far)


def links_that_lead_nowhere_good():
    """To a file, to itself, to a folder of somebody else's, to the checkpoint, below a file: refused and left alone."""
    with Folder() as f:
        mine, file = os.path.join(f.top, "mine"), os.path.join(f.top, "file")
        os.mkdir(mine)
        for path in (os.path.join(mine, "precious"), file):
            open(path, "w").write("x")
        for name, text in (("out1", "file"), ("out2", "out2"), ("out3", "mine"), ("out4", "hf"), ("out5", "out6"), ("out6", "out5"),
                           ("out7", "file/below")):
            os.symlink(text, os.path.join(f.top, name))
        before, model = sorted(os.listdir(f.top)), sorted(os.listdir(f.model))
        for n in range(1, 8):
            out = os.path.join(f.top, f"out{n}")
            refuse(harness.call("quoin-compile", f.model, "-o", out), f"out{n}")
            expect(os.path.islink(out), "expects the link to stay")
        expect(open(file).read() == "x" and os.listdir(mine) == ["precious"], "expects what they lead to to be left alone")
        expect(sorted(os.listdir(f.top)) == before and sorted(os.listdir(f.model)) == model, "expects nothing left behind")


def links_in_an_earlier_artefact():
    """They go; what they lead to stays."""
    with Folder() as f:
        out, away = earlier(f.out), os.path.join(f.top, "away")
        os.rename(os.path.join(out, "model.qw"), away)
        os.symlink(away, os.path.join(out, "model.qw"))
        os.symlink(f.model, os.path.join(out, "checkpoint"))
        size, model = os.path.getsize(away), sorted(os.listdir(f.model))
        compiled(f, out)
        whole(out)
        expect(os.path.getsize(away) == size and sorted(os.listdir(f.model)) == model, "expects what is behind the links to stay")


def folders_in_an_earlier_artefact():
    """Ours has none: something else is kept there."""
    with Folder() as f:
        out = earlier(f.out)
        os.makedirs(os.path.join(out, "notes", "of"))
        refuse_compile(f, "notes")
        expect(not is_new(out) and os.path.isdir(os.path.join(out, "notes", "of")), "expects the folder to be left alone")


# ---- Folders that cannot be renamed


def working_folder():
    """`.` keeps its identity: a shell that stands there goes on."""
    with Folder() as f:
        for before in (os.mkdir, earlier):
            before(f.out)
            node = os.stat(f.out).st_ino
            compiled(f, ".", cwd=f.out)
            expect(os.stat(f.out).st_ino == node, "expects the folder to be the same")
            whole(f.out)
            shutil.rmtree(f.out)
        os.mkdir(f.out)
        open(os.path.join(f.out, "precious"), "w").write("x")
        refuse(harness.call("quoin-compile", f.model, "-o", ".", cwd=f.out), "precious")
        expect(os.listdir(f.out) == ["precious"], "expects the folder to be left alone")


def odd_names():
    with Folder() as f:
        for out, word in (("", "''"), ("/", "'/'"), ("..", "'..'")):
            refuse(harness.call("quoin-compile", f.model, "-o", out, cwd=f.model), word)
        long = os.path.join(f.top, "n" * 250)
        compiled(f, long)
        whole(long)
        compiled(f, os.path.join(f.top, "deep", ".", "out", "..", "out") + "//")
        whole(os.path.join(f.top, "deep", "out"))
        refuse(harness.call("quoin-compile", f.model, "-o", os.path.join(f.top, "n" * 300)), "nnn")
        expect(sorted(os.listdir(f.top)) == ["deep", "hf", "n" * 250], "expects nothing left behind")


def mounted(setup, f):
    """A `harness.call` after shell commands in a mount namespace of its own, or None."""
    if os.geteuid() != 0 or subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode:
        return None

    def call(name, *args):
        tool = os.path.join(harness.BIN, name)
        return subprocess.run(["unshare", "-m", "sh", "-c", f'cd {f.top} && {setup} && "$@"', "sh", tool, *map(str, args)],
                              capture_output=True, text=True, timeout=600)
    return call


NO_MOUNTS = "skipped: mounts need root"


def mount_points():
    """A folder that is mounted is written through, wherever it comes from."""
    with Folder() as f:
        for before in (os.mkdir, earlier):
            behind = os.path.join(f.top, "behind")
            before(behind)
            os.mkdir(f.out)
            call = mounted("mount --bind behind out", f)
            if not call:
                return NO_MOUNTS
            r = call("quoin-compile", f.model, "-o", f.out, "--quiet")
            expect(r.returncode == 0 and not r.stderr, f"expects exit 0, but found {r.returncode}: {r.stderr}")
            whole(behind)
            expect(os.listdir(f.out) == [], "expects nothing below the mount")
            shutil.rmtree(behind)
            os.rmdir(f.out)
        os.mkdir(f.out)
        r = mounted("mount -t tmpfs none out", f)("quoin-compile", f.model, "-o", f.out, "--quiet")
        expect(r.returncode == 0 and not r.stderr, f"expects exit 0, but found {r.returncode}: {r.stderr}")
        os.mkdir(os.path.join(f.top, "behind"))
        open(os.path.join(f.top, "behind", "precious"), "w").write("x")
        refuse(mounted("mount --bind behind out", f)("quoin-compile", f.model, "-o", f.out), "precious")
        # What is mounted in an earlier artefact is not ours to remove.
        os.rmdir(f.out)
        earlier(f.out)
        refuse(mounted("mount --bind behind/precious out/model.qw", f)("quoin-compile", f.model, "-o", f.out), "model.qw")
        expect(not is_new(f.out), "expects the earlier artefact to be left alone")


def read_only_file_system():
    with Folder() as f:
        call = mounted("mount --bind . . && mount -o remount,ro,bind . && cd .", f)
        if not call:
            return NO_MOUNTS
        refuse(call("quoin-compile", f.model, "-o", f.out), "out", "Read-only")
        expect(os.listdir(f.top) == ["hf"], "expects nothing left behind")


# ---- Rights


def rights_by_the_umask():
    for mask in (0o022, 0o077, 0o002):
        with Folder() as f:
            out = os.path.join(f.top, "on", "the", "way")
            compiled(f, out, umask=mask)
            for path, want in [(os.path.join(f.top, "on"), 0o777), (out, 0o777)] + \
                              [(os.path.join(out, n), 0o666) for n in os.listdir(out)]:
                mode = stat.S_IMODE(os.stat(path).st_mode)
                expect(mode == want & ~mask, f"expects {path} to have {want & ~mask:o} under umask {mask:o}, but found {mode:o}")


def group_of_the_parent():
    with Folder() as f:
        os.chmod(f.top, 0o2755)
        compiled(f, f.out)
        expect(os.stat(f.out).st_mode & stat.S_ISGID, "expects the parent's group to be passed on")


def read_only_parent():
    with Folder() as f:
        call = unprivileged(f.top, f.model)
        if not call:
            return NO_USER
        os.chmod(f.top, 0o555)
        refuse(call("quoin-compile", f.model, "-o", f.out), f.out)
        os.chmod(f.top, 0o755)
        expect(os.listdir(f.top) == ["hf"], "expects nothing left behind")


def parent_without_rights():
    """A folder of one's own below a parent that is not: written inside."""
    with Folder() as f:
        call = unprivileged(f.top, f.model)
        if not call:
            return NO_USER
        for before in (os.mkdir, earlier):
            before(f.out)
            os.chmod(f.out, 0o777)
            os.chmod(f.top, 0o555)
            r = call("quoin-compile", f.model, "-o", f.out, "--quiet")
            os.chmod(f.top, 0o755)
            expect(r.returncode == 0, f"expects exit 0, but found {r.returncode}: {r.stderr}")
            whole(f.out)
            shutil.rmtree(f.out)


def target_without_rights():
    with Folder() as f:
        call = unprivileged(f.top, f.model)
        if not call:
            return NO_USER
        earlier(f.out)
        os.chmod(f.out, 0o555)
        refuse(call("quoin-compile", f.model, "-o", f.out), f.out)
        expect(not is_new(f.out) and sorted(os.listdir(f.top)) == ["hf", "out"], "expects the artefact to be left alone")


def others_in_a_shared_folder():
    """In a folder as /tmp nobody renames what is another's: a folder that one may write is written inside."""
    with Folder() as f:
        call = unprivileged(f.top, f.model)
        if not call or os.geteuid() != 0:
            return NO_USER
        earlier(f.out)
        os.chmod(f.out, 0o777)
        os.chmod(f.top, 0o1777)
        r = call("quoin-compile", f.model, "-o", f.out, "--quiet")
        expect(r.returncode != 0 or is_new(f.out), "expects a new artefact or a refusal")
        expect(sorted(os.listdir(f.top)) == ["hf", "out"], "expects nothing left behind")


# ---- Files that other tools write


def files_through_links():
    """A link stays and what it leads to is replaced; rights of an earlier file are kept."""
    with Folder() as f:
        file, link = os.path.join(f.top, "file"), os.path.join(f.top, "link")
        os.symlink("file", link)
        for tool, *flags in (("quoin-import",), ("quoin-compile", "--compile-to", "cached")):
            for mode in (None, 0o640):
                if mode:
                    open(file, "w").write("earlier")
                    os.chmod(file, mode)
                harness.tool(tool, f.model, "-o", link, *flags)
                expect(os.path.islink(link) and "quoin.model" in open(file).read(), f"expects {tool} to follow the link")
                expect(not mode or stat.S_IMODE(os.stat(file).st_mode) == mode, "expects the rights to be kept")
                os.unlink(file)
        os.mkdir(file)
        refuse(harness.call("quoin-import", f.model, "-o", link), "link")
        out = harness.tool("quoin-import", f.model, "-o", "/dev/stdout")
        expect("quoin.model" in out, "expects the text on the standard output")
        expect(sorted(os.listdir(f.top)) == ["file", "hf", "link"], "expects nothing left behind")


TESTS = [
    ("link-to-an-artefact", link_case("v1", ("current", "v1"))),
    ("link-to-an-empty-folder", link_case("v1", ("current", "v1"), before=os.mkdir)),
    ("link-to-nothing", link_case("v1", ("current", "v1"), before=None)),
    ("link-to-nothing-below-nothing", link_case("x/y/v1", ("current", "x/y/v1"), ("x", "a/b"), before=None)),
    ("link-absolute", link_case("v1", ("current", "TOP/v1"))),
    ("links-in-a-row", link_case("a/v1", ("a/b/1", "../../2"), ("2", "TOP/a/3"), ("a/3", "./b/../v1"))),
    ("link-on-the-way", link_case("a/v1", ("current", "a/b/x/v1"), ("a/b/x", "../../a"))),
    ("link-with-a-slash", link_with_a_slash),
    ("link-to-another-file-system", link_to_another_file_system),
    ("links-that-lead-nowhere-good", links_that_lead_nowhere_good),
    ("links-in-an-earlier-artefact", links_in_an_earlier_artefact),
    ("folders-in-an-earlier-artefact", folders_in_an_earlier_artefact),
    ("working-folder", working_folder),
    ("odd-names", odd_names),
    ("mount-points", mount_points),
    ("read-only-file-system", read_only_file_system),
    ("rights-by-the-umask", rights_by_the_umask),
    ("group-of-the-parent", group_of_the_parent),
    ("parent-without-rights", parent_without_rights),
    ("target-without-rights", target_without_rights),
    ("others-in-a-shared-folder", others_in_a_shared_folder),
    ("files-through-links", files_through_links),
    ("target-read-only", read_only_parent),
    ("target-is-a-file", target_is_a_file),
    ("target-is-the-input", target_is_the_input),
    ("target-below-a-file", target_below_a_file),
    ("target-below-a-missing-folder", target_below_a_missing_folder),
    ("target-is-someone-elses", target_is_someone_elses),
]

if __name__ == "__main__":
    harness.main(TESTS)
