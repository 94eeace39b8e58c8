"""quoin-compile as a function. What takes long to import is imported where it is needed."""
from __future__ import annotations

import os
from typing import Any

from ._quoin import Error


def find_tool(name: str) -> str:
    """The path of one of Quoin's tools: in the folder that QUOIN_BIN names, on PATH, or beside the package.

    Raises Error if it is in none of them."""
    import shutil

    places = [os.environ.get("QUOIN_BIN"), os.environ.get("PATH"), os.path.join(os.path.dirname(__file__), "bin")]
    for place in places:
        found = place and shutil.which(name, path=place)
        if found:
            return found
    raise Error(f"expects {name} in the folder that QUOIN_BIN names, on PATH or beside the package, but found it in none")


def _flags(options: dict[str, Any]) -> list[str]:
    flags = []
    for name, value in options.items():
        option = "--" + name.rstrip("_").replace("_", "-")
        if value is True:
            flags.append(option)
        elif isinstance(value, (list, tuple)):
            flags.append(f"{option}={','.join(map(str, value))}")
        elif value is not None and value is not False:
            flags.append(f"{option}={value}")
    return flags


def compile(folder: str | os.PathLike[str], out: str | os.PathLike[str], *, settings: dict[str, Any] | None = None,
            **options: Any) -> str:
    """Compiles a model (a Hugging Face folder, a GGUF file or an .mlir file) into the folder `out`, and gives its path.

    `settings` are those of the decoder. Other options are those of quoin-compile with _ for -: `weights="int8"`,
    `decoder=["s2d2", "llada2"]`, `target_cpu="x86-64-v3"`, `O1=True`.

    Raises Error with the compiler's diagnostic, or if quoin-compile is not to be found (see QUOIN_BIN)."""
    import subprocess

    out = os.fspath(out)
    command = [find_tool("quoin-compile"), os.fspath(folder), "-o", out, "--quiet", *_flags(options)]
    for name, value in (settings or {}).items():
        command += ["--set", f"{name}={value}"]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace")
    if done.returncode:
        text = done.stderr.strip().removeprefix("error: ")
        raise Error(text or f"quoin-compile ended with status {done.returncode}")
    return out
