"""Pieces of transformers in float64, as oracles of several families need them: plain lists, no reuse of anything of ours."""
import math


def gelu(x):
    """The form by tanh (Hendrycks and Gimpel, 2016)."""
    return 0.5 * x * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x ** 3)))


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


def attended(query, keys, values, size, score=lambda s: s):
    """A row of queries over the rows that it sees, as many key heads as heads, each of `size` features."""
    mixed = []
    for at in range(0, len(query), size):
        part = slice(at, at + size)
        power = [math.exp(score(sum(a * b for a, b in zip(query[part], k[part])) / math.sqrt(size))) for k in keys]
        mixed += [sum(p * v[at + f] for p, v in zip(power, values)) / sum(power) for f in range(size)]
    return mixed
