"""A made-up checkpoint of a family that brings its own program: the folder, its oracle, and what the tools make of it."""
import json
import os
import shutil
import tempfile

import harness
import tensors


class FamilyFolder:
    """`make(folder, shape, seed)` writes a checkpoint and returns its oracle. `change`: keys of config.json that are other ones, None for none."""

    def __init__(self, make, shape, seed=1, change=None):
        self.make, self.shape, self.seed, self.change = make, shape, seed, change

    def __enter__(self):
        self.top = tempfile.mkdtemp()
        self.model = os.path.join(self.top, "model")
        self.oracle = self.make(self.model, self.shape, self.seed)
        if self.change:
            path = os.path.join(self.model, "config.json")
            config = dict(json.load(open(path)), **self.change)
            json.dump({k: v for k, v in config.items() if v is not None}, open(path, "w"))
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.top, ignore_errors=True)

    def program(self):
        file = os.path.join(self.top, "m.mlir")
        harness.tool("quoin-import", self.model, "-o", file)
        return file

    def compiled(self, *flags, weights="f32"):
        out = os.path.join(self.top, "out" + weights + "".join(map(str, flags)).replace("=", "").replace("/", ""))
        harness.tool("quoin-compile", self.model, "-o", out, "--weights", weights, *flags)
        return out

    def call(self, tool, target, settings, *flags, given=None):
        """The process, and the tensors that it gave, if it did. `given`: tensors of the request by name."""
        inputs, got = os.path.join(self.top, "in.safetensors"), os.path.join(self.top, "o.safetensors")
        if os.path.exists(got):
            os.unlink(got)
        if given:
            tensors.save(inputs, given)
            flags = ("--inputs", inputs, *flags)
        sets = [x for k, v in settings.items() if k != "seed" for x in ("--set", f"{k}={v}")]
        r = harness.call(tool, target, "--outputs", got, "--seed", settings.get("seed", 0), *sets, *flags)
        return r, tensors.load(got) if os.path.exists(got) else None
