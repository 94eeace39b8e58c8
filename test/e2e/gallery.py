#!/usr/bin/env python3
"""docs/Masks.md and its pictures are what scripts/masks.py draws, and a drawing shows a mask before and after a sort."""
import os
import re
import subprocess
import sys
import tempfile

import harness
from harness import expect, tool


def is_current():
    r = subprocess.run([sys.executable, os.path.join(harness.ROOT, "scripts", "masks.py"), "--check"], capture_output=True, text=True,
                       env={**os.environ, "QUOIN_BIN": harness.BIN})
    expect(r.returncode == 0, r.stderr.strip())


def before_and_after():
    """Four interleaved streams: each tile of the unsorted map is partial, after the sort three of four are empty."""
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "a.svg")
        printed = tool("quoin-draw-mask", "k mod 4 eq q mod 4", "--length", 1024, "--order", "-o", out)
        expect(printed.strip() == "0 empty, 256 partial, 0 full; sorted by position mod 4: 192 empty, 0 partial, 64 full", printed)
        with open(out) as f:
            text = f.read()
        expect(len(re.findall("of 256 tiles", text)) == 2 and "192 empty" in text and "256 partial" in text, "counts of both maps")
        printed = tool("quoin-draw-mask", "k mod 16 eq q mod 16", "--length", 4096, "--order", "-o", out)
        expect(printed.strip() == "0 empty, 4096 partial, 0 full; sorted by position mod 16: 3840 empty, 0 partial, 256 full", printed)


if __name__ == "__main__":
    harness.main([("gallery is current", is_current), ("before and after", before_and_after)])
