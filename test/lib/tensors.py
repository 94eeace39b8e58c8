"""Named tensors in safetensors files, standard library only: name -> (dtype, shape, values)."""
import json
import struct

FORMATS = {"F32": ("f", 4), "F64": ("d", 8), "I32": ("i", 4), "I64": ("q", 8), "I8": ("b", 1)}


def save(path, tensors):
    header, body = {}, b""
    for name, (dtype, shape, values) in tensors.items():
        data = struct.pack(f"<{len(values)}{FORMATS[dtype][0]}", *values)
        header[name] = dict(dtype=dtype, shape=shape, data_offsets=[len(body), len(body) + len(data)])
        body += data
    text = json.dumps(header).encode()
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + body)


def load(path):
    with open(path, "rb") as f:
        data = f.read()
    n = struct.unpack("<Q", data[:8])[0]
    out = {}
    for name, entry in json.loads(data[8:8 + n]).items():
        if name != "__metadata__":
            letter, size = FORMATS[entry["dtype"]]
            i, j = entry["data_offsets"]
            out[name] = (entry["dtype"], entry["shape"], list(struct.unpack(f"<{(j - i) // size}{letter}", data[8 + n + i:8 + n + j])))
    return out
