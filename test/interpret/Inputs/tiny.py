"""Writes tiny.safetensors: random weights of the one-layer model that tests of model calls share. Standard library only."""
import json
import random
import struct
import sys

SHAPES = {"embed": [16, 8], "norm": [8], "q": [8, 8], "k": [8, 8], "v": [8, 8], "o": [8, 8], "gate": [12, 8], "up": [12, 8],
          "down": [8, 12], "head": [16, 8]}
random.seed(1)
header, data = {}, b""
for name, shape in SHAPES.items():
    count = shape[0] * (shape[1] if len(shape) > 1 else 1)
    numbers = [random.gauss(1 if name == "norm" else 0, 0.1 if name == "norm" else 1) for _ in range(count)]
    header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + 4 * count]}
    data += struct.pack(f"<{count}f", *numbers)
text = json.dumps(header).encode()
text += b" " * (-len(text) % 8)
with open(sys.argv[1] + "/tiny.safetensors", "wb") as file:
    file.write(struct.pack("<Q", len(text)) + text + data)
