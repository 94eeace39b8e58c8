#!/usr/bin/env python3
"""`cmake --install`: the tree that it makes is moved, holds no path of the build, and is all that tools and hosts need."""
import atexit
import glob
import json
import os
import re
import shutil
import subprocess
import tempfile
import threading

import harness
from harness import expect

BUILD = os.path.dirname(os.path.realpath(harness.BIN))
CC = os.environ.get("CC") or shutil.which("cc") or "clang-22"
CXX = os.environ.get("CXX") or shutil.which("c++") or "clang++-22"
IDS = [3, 4, 5, 6, 7, 8]
CMAKE = """cmake_minimum_required(VERSION 3.22)
project(host LANGUAGES {languages})
find_package(quoin 0.1 REQUIRED {components})
add_executable(host {source})
target_link_libraries(host PRIVATE {target} {more})
"""


def run(command, cwd=None, **environment):
    """Runs a command that sees nothing of ours but what it is given."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("QUOIN_", "CMAKE_", "PKG_CONFIG", "LD_LIBRARY"))}
    return subprocess.run(list(map(str, command)), cwd=cwd, capture_output=True, text=True, errors="replace", timeout=600,
                          env=clean | environment)


def good(command, cwd=None, **environment):
    process = run(command, cwd, **environment)
    expect(process.returncode == 0, f"expects {' '.join(map(str, command))} to succeed: {(process.stdout + process.stderr)[-900:]}")
    return process.stdout


class Tree:
    """The installed tree, moved away from where it was installed; the demo model compiled by its tool, and an answer of it."""
    lock, made = threading.Lock(), None

    def __init__(self):
        self.top = os.path.realpath(tempfile.mkdtemp())
        atexit.register(shutil.rmtree, self.top, ignore_errors=True)
        self.first, self.prefix = os.path.join(self.top, "first"), os.path.join(self.top, "a new place")
        good(["cmake", "--install", BUILD, "--prefix", self.first])
        os.rename(self.first, self.prefix)
        self.model = os.path.join(self.prefix, "share", "doc", "quoin", "examples", "demo", "model")
        self.examples = os.path.dirname(os.path.dirname(self.model))
        self.artefact = os.path.join(self.top, "artefact")
        good([self.tool("quoin-compile"), self.model, "-o", self.artefact, "--quiet"])
        line = good([self.tool("quoin-run"), self.artefact, "--prompt-ids", ",".join(map(str, IDS)), "--max-tokens", "16", "--json"])
        self.ids = json.loads(line)["ids"]

    def tool(self, name):
        return os.path.join(self.prefix, "bin", name)

    def folder(self):
        return tempfile.mkdtemp(dir=self.top)

    def answers(self, host, **environment):
        """The host is examples/hooks: OUT THREADS ID... prints the ids that follow."""
        found = good([host, self.artefact, 2, *IDS], **environment).splitlines()[0]
        expect(list(map(int, found.split(","))) == self.ids, f"expects {self.ids}, but found {found}")


def tree():
    with Tree.lock:
        Tree.made = Tree.made or Tree()
        return Tree.made


def tools_run_where_they_are():
    t = tree()
    names = sorted(os.listdir(os.path.join(t.prefix, "bin")))
    wanted = ["quoin-bench", "quoin-compile", "quoin-draw-mask", "quoin-import", "quoin-interpret", "quoin-lsp-server", "quoin-opt", "quoin-run", "quoin-serve"]
    expect(set(wanted) <= set(names), f"expects {wanted} in bin, but found {names}")
    for name in names:
        expect(good([t.tool(name), "--help"]).strip(), f"expects {name} --help to say something")
    source = os.path.join(t.folder(), "model.mlir")
    good([t.tool("quoin-import"), t.model, "-o", source])
    good([t.tool("quoin-opt"), source, "-o", source + ".out"])
    line = good([t.tool("quoin-interpret"), source, "--prompt-ids", "3,4", "--max-tokens", "4", "--json"])
    expect(json.loads(line)["ids"], "expects an answer of the interpreter")
    good([t.tool("quoin-bench"), t.artefact, "--rows", "1", "--prefix", "16"])
    return f"{len(names)} tools"


def no_path_of_the_build():
    t, count = tree(), 0
    hidden = [os.fsencode(p) for p in (harness.ROOT, BUILD, t.first, t.prefix)]
    for folder, _, files in os.walk(t.prefix):
        for name in files:
            path, count = os.path.join(folder, name), count + 1
            expect(os.path.exists(path), f"expects '{path}' to lead somewhere")
            with open(path, "rb") as f:
                data = f.read()
            for place in hidden:
                # A source tree in / or /quoin would be found in everything.
                expect(len(place) < 8 or place not in data, f"expects no '{place.decode()}' in '{os.path.relpath(path, t.prefix)}'")
    return f"{count} files"


def shared_library_exports_the_interface():
    t = tree()
    library = os.path.join(t.prefix, "lib", "libquoin.so")
    name = re.search(r"SONAME\D*(libquoin\.so\.[\d.]+)", good([shutil.which("readelf") or "llvm-readelf-22", "-d", library]))
    expect(name and os.path.exists(os.path.join(t.prefix, "lib", name[1])), f"expects a soname with a version that is installed, but found {name}")
    nm = shutil.which("nm") or shutil.which("llvm-nm-22") or "llvm-nm"
    found = {line.split()[-1].split("@")[0] for line in good([nm, "-D", "--defined-only", library]).splitlines()}
    declared = set()
    for header in glob.glob(os.path.join(t.prefix, "include", "quoin", "*.h")):
        with open(header) as f:
            text = re.sub(r"/\*.*?\*/", "", f.read(), flags=re.S)
        declared |= set(re.findall(r"^\w[^;{}()]*?\b(quoin_\w+)\([^*]", text, flags=re.M))
    expect(len(declared) > 30 and found == declared,
           f"expects the functions of the headers, but more are {sorted(found - declared)} and fewer {sorted(declared - found)}")
    return f"{name[1]}, {len(found)} functions"


def headers_stand_alone():
    t = tree()
    for header in sorted(glob.glob(os.path.join(t.prefix, "include", "quoin", "*.h"))):
        for compiler, language, standard in ((CC, "c", "c99"), (CXX, "c++", "c++11"), (CXX, "c++", "c++20")):
            source = os.path.join(t.folder(), "alone." + language)
            with open(source, "w") as f:
                f.write(f'#include "quoin/{os.path.basename(header)}"\n' * 2 + "int main(void) { return 0; }\n")
            good([compiler, "-x", language, f"-std={standard}", "-Wall", "-Wextra", "-pedantic", "-Werror", "-fsyntax-only", "-I",
                  os.path.join(t.prefix, "include"), source])


def headers_show_code_that_compiles():
    """The example at the head of each header for hosts, as a function; and no comment that formatting tore."""
    t = tree()
    for name, arguments in (("runtime", "const int32_t *ids, size_t count"),
                            ("function", "quoin_context_t *context, void *q, void *k, void *v, void *result")):
        header = os.path.join(t.prefix, "include", "quoin", name + ".h")
        with open(header) as f:
            text = f.read()
        code = re.findall(r"^ \*   (.*)$", text[:text.index("*/")], flags=re.M)
        expect(len(code) > 5, f"expects an example in {name}.h, but found {code}")
        source = os.path.join(t.folder(), "example.c")
        with open(source, "w") as f:
            f.write("#include <stdio.h>\n#include \"quoin/function.h\"\nint example(" + arguments + ");\nint example(" + arguments + ") {\n" +
                    "\n".join(code) + "\nreturn 0;\n}\n")
        good([CC, "-std=c99", "-Wall", "-Wextra", "-Werror", "-c", source, "-I", os.path.join(t.prefix, "include"), "-o", source + ".o"])
    for header in glob.glob(os.path.join(t.prefix, "include", "quoin", "*.h")):
        with open(header) as f:
            lines = f.read().splitlines()
        for number, line in enumerate(lines, 1):
            expect(line.strip() != "*/", f"{os.path.basename(header)}:{number}: expects a comment's end on its last line of text")


def by_find_package(languages, source, target, components="", more="", build_type=None):
    def test():
        t = tree()
        folder = t.folder()
        with open(os.path.join(folder, "CMakeLists.txt"), "w") as f:
            f.write(CMAKE.format(languages=languages, target=target, components=components, more=more, source=f'"{t.examples}/{source}"'))
        out = os.path.join(folder, "build")
        flags = [f"-DCMAKE_BUILD_TYPE={build_type}"] if build_type else []
        good(["cmake", "-S", folder, "-B", out, f"-DCMAKE_PREFIX_PATH={t.prefix}", f"-DCMAKE_C_COMPILER={CC}", f"-DCMAKE_CXX_COMPILER={CXX}",
              *flags])
        good(["cmake", "--build", out])
        t.answers(os.path.join(out, "host"))
        needed = good([shutil.which("readelf") or "llvm-readelf-22", "-d", os.path.join(out, "host")])
        expect(("libquoin.so" in needed) == (target == "quoin::runtime_shared"), f"expects {target} to be what is linked: {needed}")
    return test


def find_package_says_no():
    t = tree()
    for wanted, words in (("quoin 99", "99"), ("quoin COMPONENTS nonsense", "nonsense")):
        folder = t.folder()
        with open(os.path.join(folder, "CMakeLists.txt"), "w") as f:
            f.write(f"cmake_minimum_required(VERSION 3.22)\nproject(host LANGUAGES C)\nfind_package({wanted} REQUIRED)\n")
        process = run(["cmake", "-S", folder, "-B", folder + "/build", f"-DCMAKE_PREFIX_PATH={t.prefix}", f"-DCMAKE_C_COMPILER={CC}"])
        expect(process.returncode != 0 and words in process.stderr, f"expects {wanted} to be refused: {process.stderr}")


def by_pkg_config(package, *flags, static=False):
    def test():
        if not shutil.which("pkg-config"):
            return "skipped: there is no pkg-config"
        t = tree()
        where = os.path.join(t.prefix, "lib", "pkgconfig")

        def ask(*what):
            return good(["pkg-config", *what, package], PKG_CONFIG_PATH=where).strip()

        expect(ask("--modversion") == "0.1.0", f"expects version 0.1.0, but found {ask('--modversion')}")
        host = os.path.join(t.folder(), "host")
        # A shell takes the words apart, as it does in a makefile: the prefix holds spaces.
        words = ask("--cflags", "--libs", *(["--static"] if static else []))
        good(["sh", "-c", f"{CC} -std=c99 '{t.examples}/hooks/hooks.c' {words} {' '.join(flags)} -lpthread -o '{host}'"])
        library = os.path.join(t.prefix, "lib")
        needed = good([shutil.which("readelf") or "llvm-readelf-22", "-d", host])
        expect(("libquoin.so" in needed) == (package == "quoin" and not static), f"expects the other kind of library: {needed}")
        t.answers(host, **({"LD_LIBRARY_PATH": library} if "libquoin.so" in needed else {}))
    return test


def object_is_linked():
    """examples/embed with its build.sh, from the installed tree alone."""
    t = tree()
    out = os.path.join(t.folder(), "out")
    good([os.path.join(t.examples, "embed", "build.sh"), t.model, out, t.prefix])
    text = good([os.path.join(out, "embed"), out, "sort 5273916408 =>"])
    expect(text.splitlines()[-1] == "0123456789", f"expects 0123456789, but found {text!r}")


TESTS = [
    ("tools", tools_run_where_they_are),
    ("no-path-of-the-build", no_path_of_the_build),
    ("exports", shared_library_exports_the_interface),
    ("headers-alone", headers_stand_alone),
    ("headers-examples", headers_show_code_that_compiles),
    ("find-package-c", by_find_package("C", "hooks/hooks.c", "quoin::runtime", more="pthread")),
    ("find-package-c-cxx", by_find_package("C CXX", "hooks/hooks.c", "quoin::runtime", "COMPONENTS runtime", "pthread", "Debug")),
    ("find-package-shared", by_find_package("C", "hooks/hooks.c", "quoin::runtime_shared", "COMPONENTS runtime_shared", "pthread", "Release")),
    ("find-package-says-no", find_package_says_no),
    ("pkg-config-shared", by_pkg_config("quoin")),
    ("pkg-config-static-library", by_pkg_config("quoin-static")),
    ("pkg-config-static-program", by_pkg_config("quoin", "-static", static=True)),
    ("embed", object_is_linked),
]

if __name__ == "__main__":
    tree()
    harness.main(TESTS)
