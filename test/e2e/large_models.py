#!/usr/bin/env python3
"""Memory and time that must not grow with the weights: compiling streams them, loading maps them. The checkpoint is a file of
holes, so that it costs nothing to make."""
import atexit
import functools
import json
import os
import shutil
import struct
import tempfile
import time

import harness
from checkpoint import Shape, config, tensors
from harness import expect

SHAPES = dict(
    small=Shape(family="sdar", layers=1, hidden=128, heads=2, kv_heads=1, head_dim=64, mlp=256, vocabulary=1000, capacity=64),
    large=Shape(family="sdar", layers=1, hidden=512, heads=2, kv_heads=1, head_dim=64, mlp=4096, vocabulary=100000, capacity=64))


def write_holes(folder, shape):
    """A checkpoint whose weights are zeros that no disk holds; returns the bytes of the weights."""
    os.makedirs(folder)
    json.dump(config(shape), open(os.path.join(folder, "config.json"), "w"))
    header, at = {}, 0
    for name, dims, _, _ in tensors(shape):
        size = 4 * dims[0] * (dims[1] if len(dims) > 1 else 1)
        header[name] = dict(dtype="F32", shape=dims, data_offsets=[at, at + size])
        at += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(os.path.join(folder, "model.safetensors"), "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        f.truncate(8 + len(text) + at)
    return at


def measured(*command):
    """Runs a tool; gives its exit status, the most memory it had, in bytes, and its seconds."""
    begun = time.monotonic()
    pid = os.posix_spawn(os.path.join(harness.BIN, command[0]), [*map(str, command)], os.environ,
                         file_actions=[(os.POSIX_SPAWN_OPEN, n, "/dev/null", os.O_RDWR, 0) for n in (1, 2)])
    _, status, usage = os.wait4(pid, 0)
    return os.waitstatus_to_exitcode(status), usage.ru_maxrss * 1024, time.monotonic() - begun


@functools.cache
def compiled(name):
    """Folder, bytes of the weights, and the most memory that compiling took."""
    top = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, top, ignore_errors=True)
    size = write_holes(os.path.join(top, "hf"), SHAPES[name])
    status, memory, _ = measured("quoin-compile", os.path.join(top, "hf"), "-o", os.path.join(top, "out"))
    expect(status == 0, f"expects exit 0, but found {status}")
    return os.path.join(top, "out"), size, memory


def compiling_streams():
    _, few, base = compiled("small")
    _, many, memory = compiled("large")
    expect(many > few + 400e6, f"expects a large checkpoint, but found {many} bytes beside {few}")
    expect(memory - base < 100e6, f"expects memory that does not grow with {many - few} bytes, but found {memory - base} more")
    return f"{(memory - base) / 1e6:.0f} MB more memory for {(many - few) / 1e6:.0f} MB more weights"


# A product by a weight of which the file has the transpose.
TURNED = """module attributes {quoin.vocabulary = 8 : index, quoin.capacity = 64 : index, quoin.source = "."} {
  quoin.decoder @none(%x, %max) settings {} {
    %c0 = arith.constant 0 : index
    %none = tensor.empty(%c0) : tensor<?xINxf32>
    %y = quoin.apply @turned(%none) : tensor<?xINxf32> -> tensor<?xOUTxf32>
    quoin.output @y %y : tensor<?xOUTxf32>
    quoin.return %x[%c0 to %c0]
  }
  quoin.model @turned {
  ^bb0(%row: tensor<?xINxf32>):
    %y = quoin.linear %row by @w : tensor<?xINxf32> -> tensor<?xOUTxf32>
    quoin.results %y : tensor<?xOUTxf32>
  }
  quoin.weight @w : tensor<OUTxINxf32> from "model.safetensors" tensor "w" transposed
}
"""


def turning_streams():
    """The transpose of a matrix is read some of its rows at a time, and no more of the file stays in memory than of another."""
    peaks = []
    with harness.scratch() as top:
        for inner, outer in ((256, 128), (12288, 8192)):
            header = json.dumps(dict(w=dict(dtype="F32", shape=[inner, outer], data_offsets=[0, 4 * inner * outer]))).encode()
            header += b" " * (-len(header) % 8)
            with open(os.path.join(top, "model.safetensors"), "wb") as f:
                f.write(struct.pack("<Q", len(header)) + header)
                f.truncate(8 + len(header) + 4 * inner * outer)
            with open(os.path.join(top, "model.mlir"), "w") as f:
                f.write(TURNED.replace("IN", str(inner)).replace("OUT", str(outer)))
            out = os.path.join(top, f"out{inner}")
            status, memory, _ = measured("quoin-compile", os.path.join(top, "model.mlir"), "-o", out, "-O0", "--without-tokenizer")
            expect(status == 0 and os.path.getsize(os.path.join(out, "model.qw")) > 4 * inner * outer, f"expects exit 0, but found {status}")
            peaks.append(memory)
    expect(peaks[1] - peaks[0] < 100e6, f"expects memory that does not grow with 400 MB, but found {peaks[1] - peaks[0]} bytes more")
    return f"{(peaks[1] - peaks[0]) / 1e6:.0f} MB more memory for 403 MB more weights"


def loading_maps():
    """A prompt that is too long ends the run right after loading."""
    out, size, _ = compiled("large")
    best = (0, 1e9)
    for _ in range(3):
        status, memory, seconds = measured("quoin-run", out, "--prompt-ids", ",".join(["1"] * 65))
        expect(status == 1, f"expects exit 1, but found {status}")
        best = (memory, min(best[1], seconds))
    expect(best[0] < 100e6, f"expects weights of {size} bytes to stay where they are, but found {best[0]} bytes of memory")
    expect(best[1] < 1, f"expects loading to take less than a second, but found {best[1]:.2f} s")
    return f"{best[1]:.3f} s, {best[0] / 1e6:.0f} MB"


TESTS = [("compiling-streams", compiling_streams), ("turning-streams", turning_streams), ("loading-maps", loading_maps)]

if __name__ == "__main__":
    os.environ["QUOIN_JOBS"] = "1"  # they share what is compiled
    harness.main(TESTS)
