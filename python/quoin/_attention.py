"""Attention under a mask that is a formula, on arrays."""
from __future__ import annotations

import functools
import os
from typing import TYPE_CHECKING, Any

from . import _quoin
from ._compile import compile, find_tool

if TYPE_CHECKING:
    import numpy as np

# examples/attention.mlir with its sizes, mask and scale left open.
_PROGRAM = """\
func.func @attention(%q: tensor<?x{heads}x{size}xf32>, %k: tensor<?x{shared}x{size}xf32>, %v: tensor<?x{shared}x{size}xf32>) -> tensor<?x{heads}x{size}xf32> {{
  %out = quoin.block_attention %q, %k, %v mask #quoin.mask<{mask}> scale {scale}
      : tensor<?x{heads}x{size}xf32>, tensor<?x{shared}x{size}xf32>, tensor<?x{shared}x{size}xf32>
  return %out : tensor<?x{heads}x{size}xf32>
}}
"""


def _cache_folder() -> str:
    home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(home, "quoin", "functions")


def _processor() -> str:
    """What the code was made for: folders of users may be shared by machines that differ."""
    try:
        with open("/proc/cpuinfo") as lines:
            return next((line for line in lines if line.startswith(("flags", "Features"))), "")
    except OSError:
        return ""


def _compiled(text: str) -> str:
    """The folder of the compiled function, made once for each text, compiler and processor."""
    import hashlib
    import tempfile

    compiler = find_tool("quoin-compile")
    status = os.stat(compiler)
    facts = "\n".join([text, os.path.realpath(compiler), str(status.st_mtime_ns), str(status.st_size), _processor(),
                       os.environ.get("QUOIN_CPU", "")])
    cache = _cache_folder()
    folder = os.path.join(cache, hashlib.sha256(facts.encode()).hexdigest()[:32])
    if os.path.isdir(folder):
        return folder
    os.makedirs(cache, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as made:
        source, out = os.path.join(made, "attention.mlir"), os.path.join(made, "out")
        with open(source, "w") as file:
            file.write(text)
        compile(source, out)
        try:
            os.rename(out, folder)
        except OSError:  # another process was first
            if not os.path.isdir(folder):
                raise
    return folder


@functools.lru_cache(maxsize=64)
def _function(text: str) -> Any:
    folder = _compiled(text)
    try:
        return _quoin.Function(folder, 0)
    except _quoin.Error:  # damaged, or written half
        import shutil

        shutil.rmtree(folder, ignore_errors=True)
        return _quoin.Function(_compiled(text), 0)


def attention(q: np.ndarray, k: np.ndarray, v: np.ndarray, mask: str = "(q, k) : k le q", *,
              scale: float | None = None) -> np.ndarray:
    """Softmax attention of queries [queries, heads, size] to keys and values [keys, shared heads, size]; float32 all.

    `mask` is a formula of the positions q and k that says which keys a query sees, "k floordiv 32 le q floordiv 32" or
    "(q, k) : k le q". `scale` is what products are multiplied by: 1 / sqrt(size) unless given. Heads of keys are shared by
    heads / shared heads of queries that follow each other. Gives [queries, heads, size]; 0 for a query that sees no key.

    The first call for a mask, scale and number of heads compiles a function into the user's cache folder. Packed arrays
    are read where they lie. Raises ValueError for shapes that do not fit, TypeError for other types, and Error with the
    compiler's diagnostic for a mask that is none."""
    import numpy as np

    for name, array in (("q", q), ("k", k), ("v", v)):
        if not isinstance(array, np.ndarray) or array.dtype != np.float32:
            raise TypeError(f"expects {name} to be an array of float32, but found {getattr(array, 'dtype', type(array).__name__)}")
        if array.ndim != 3:
            raise ValueError(f"expects {name} to have 3 sizes, but found {array.ndim}")
    if k.shape != v.shape:
        raise ValueError(f"expects k and v of one shape, but found {k.shape} and {v.shape}")
    if q.shape[2] != k.shape[2]:
        raise ValueError(f"expects heads of one size, but found {q.shape[2]} in q and {k.shape[2]} in k")
    if not k.shape[1] or not q.shape[2] or q.shape[1] % k.shape[1]:
        raise ValueError(f"expects the heads of q to be a multiple of those of k, but found {q.shape[1]} and {k.shape[1]}")
    if not mask.lstrip().startswith("(q, k)"):
        mask = "(q, k) : " + mask
    number = float(q.shape[2] ** -0.5 if scale is None else scale)
    text = _PROGRAM.format(heads=q.shape[1], shared=k.shape[1], size=q.shape[2], mask=mask, scale=f"{number:.17e}")
    out = np.empty(q.shape, np.float32)
    _function(text).call([np.ascontiguousarray(a) for a in (q, k, v)], [out])
    return out
