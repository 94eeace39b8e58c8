"""Pieces of transformers in float64, as oracles of several families need them: plain lists, no reuse of anything of ours."""
import math


def gelu(x):
    """The form by tanh (Hendrycks and Gimpel, 2016)."""
    return 0.5 * x * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x ** 3)))


def silu(x):
    return x / (1 + math.exp(-x))


def dot(a, b):
    return sum(x * y for x, y in zip(a, b))


def turned(row, position, theta, size):
    """Rotary embedding of heads of `size` features, halves against each other (Su et al., 2021)."""
    out = list(row)
    for head in range(0, len(row), size):
        for i in range(size // 2):
            angle = position * theta ** (-2 * i / size)
            a, b = head + i, head + i + size // 2
            out[a] = row[a] * math.cos(angle) - row[b] * math.sin(angle)
            out[b] = row[b] * math.cos(angle) + row[a] * math.sin(angle)
    return out


def attended(query, keys, values, size, score=lambda s: s, shared=1):
    """A row of queries over the rows that it sees, heads of `size` features, of which so many share a key head."""
    mixed = []
    for head in range(len(query) // size):
        own, key = (slice(h * size, (h + 1) * size) for h in (head, head // shared))
        power = [math.exp(score(dot(query[own], k[key]) / math.sqrt(size))) for k in keys]
        mixed += [dot(power, column) / sum(power) for column in zip(*(v[key] for v in values))]
    return mixed
