"""Systems made of several small models, written from their published descriptions over the stacks of test/lib/stacks.py, in float64.

Each class makes its weights and has `decode`, which gives what a request must: ids and evaluations. It raises `Close` where a decision is so close that f32 may
take it otherwise.
"""
import math

import sampling
from stacks import Stack, Weights, all_of_them, causal


class Close(Exception):
    """The best is hardly better than what comes after it."""


def highest(values, gap=1e-3):
    """The first of the highest numbers of a dict."""
    ranked = sorted(values, key=lambda k: (-values[k], k))
    if len(ranked) > 1 and values[ranked[0]] - values[ranked[1]] < gap:
        raise Close
    return ranked[0]


def scores_but(fill, scores):
    return {v: s for v, s in enumerate(scores) if v != fill}


def word_rows(w, ids):
    return [list(w["word"][t]) for t in ids]


class BlockTransformer:
    """Embedder, block decoder, token decoder with two prefix rows."""
    name, vocabulary, width, size = "block-transformer", 60, 16, 4

    def __init__(self):
        w = self.w = Weights(101)
        w.matrix("piece", self.vocabulary, self.size, 2)
        w.matrix("word", self.vocabulary, self.width, 3)
        w["word"][-1][:] = [0.0] * self.width
        w.matrix("prefix", 2 * self.width, self.width, 2)
        w.matrix("halves", 2, 2 * self.width)
        w["halves"][0][:] = [1.0] * self.width + [0.0] * self.width
        w["halves"][1][:] = [0.0] * self.width + [1.0] * self.width
        w.matrix("head", self.vocabulary, self.width, 4)
        self.stacks = [Stack(w, "outline", layers=2), Stack(w, "text", layers=2)]

    def decode(self, q):
        outline, text = self.stacks
        fill, B, heat = self.vocabulary - 1, self.size, q["settings"].get("temperature", 0)
        known = [fill] * (-len(q["ids"]) % B) + q["ids"]
        made, evaluations = [], 0
        while len(made) < q["max_tokens"]:
            rows = [[v for t in known[i:i + B] for v in self.w["piece"][t]] for i in range(0, len(known), B)]
            both = self.w.product("prefix", outline.rows(rows, causal)[-1])
            evaluations += 1
            block = []
            for _ in range(B):
                x = [both[:self.width], both[self.width:]] + word_rows(self.w, block)
                scores = scores_but(fill, self.w.product("head", text.rows(x, causal)[-1]))
                if heat:
                    u = sampling.uniforms(q["seed"], evaluations, len(q["ids"]) + len(made) + len(block), 0, scores)
                    scores = {v: s / heat - math.log(-math.log(u[v])) for v, s in scores.items()}
                block.append(highest(scores))
                evaluations += 1
            known, made = known + block, made + block
            stop = next((i for i, t in enumerate(made) if t in q["stop"]), None)
            if stop is not None:
                made = made[:stop + 1]
                break
        return dict(ids=made, evaluations=evaluations)


class BeliefState:
    """What is before a gap and what is behind it, the end first, each read by a stack; an MLP of both last rows gives the next and the previous token."""
    name, vocabulary, width = "belief-state", 50, 16

    def __init__(self):
        w = self.w = Weights(102)
        w.matrix("word", self.vocabulary, self.width, 3)
        for n in ("of_ahead", "of_back"):
            w.matrix(n, 24, self.width, 2)
        w.vector("bias", 24)
        for n in ("next", "previous"):
            w.matrix(n, self.vocabulary, 24, 5)
        self.stacks = [Stack(w, "ahead"), Stack(w, "back")]

    def decode(self, q):
        fill = self.vocabulary - 1
        gap = q["ids"].index(fill) if fill in q["ids"] else len(q["ids"])
        before, behind, left, right, evaluations = [1] + q["ids"][:gap], q["ids"][gap + 1:] + [2], [], [], 2
        for step in range(q["max_tokens"]):
            f, g = (stack.rows(word_rows(self.w, ids), causal)[-1] for stack, ids in zip(self.stacks, (before + left, (right + behind)[::-1])))
            s = [a + b + c for a, b, c in zip(self.w.product("of_ahead", f), self.w.product("of_back", g), self.w["bias"])]
            h = [v / 2 * (1 + math.erf(v / math.sqrt(2))) for v in s]
            ways = [scores_but(fill, self.w.product(n, h)) for n in ("next", "previous")]
            tokens = [highest(scores) for scores in ways]
            sure = [sampling.softmax(self.w.product(n, h))[t] for n, t in zip(("next", "previous"), tokens)]
            way = 0 if q["settings"].get("sides", 2) == 1 else highest(dict(enumerate(sure)))
            left, right = (left + [tokens[0]], right) if way == 0 else (left, [tokens[1]] + right)
            evaluations += step > 0
        return dict(ids=left + right, evaluations=evaluations)


class UnmaskingPolicy:
    """Blocks of a canvas; a small transformer draws the rows that a step fills."""
    name, vocabulary, width, small, block = "unmasking-policy", 50, 16, 8, 6

    def __init__(self):
        w = self.w = Weights(103)
        w.matrix("word", self.vocabulary, self.width, 3)
        w.matrix("head", self.vocabulary, self.width, 4)
        for n in ("of_sure", "of_open", "of_time"):
            w.matrix(n, self.small, 1, 2)
        w.vector("bias", self.small)
        w.matrix("chance", 1, self.small, 0.5)
        self.stacks = [Stack(w, "text", layers=2), Stack(w, "policy", width=self.small, mlp=12)]

    def decode(self, q):
        text, policy = self.stacks
        fill, B, p, evaluations = self.vocabulary - 1, self.block, len(q["ids"]), 0
        x = q["ids"] + [None] * (-(-q["max_tokens"] // B) * B)
        for lo in range(p, len(x), B):
            step = 0
            while masked := [i for i in range(lo, lo + B) if x[i] is None]:
                rows = text.rows(word_rows(self.w, [fill if t is None else t for t in x]), all_of_them)
                token, facts = {}, []
                for i in range(lo, lo + B):
                    scores = self.w.product("head", rows[i])
                    best = sampling.best(scores, range(len(scores)), fill)
                    token[i] = highest(scores_but(fill, scores)) if i in masked else best
                    facts.append((sampling.softmax(scores)[best], float(i in masked), step / B))
                given = [[s * a + o * b + t * c + d for a, b, c, d in zip(*(sum(self.w[n], []) for n in ("of_sure", "of_open", "of_time")), self.w["bias"])] for s, o, t in facts]
                chance = {lo + i: 1 / (1 + math.exp(-self.w.product("chance", row)[0])) for i, row in enumerate(policy.rows(given, all_of_them))}
                evaluations += 2
                drawn = {i: sampling.uniform(q["seed"], evaluations - 1, i, 4) for i in masked}
                if any(abs(drawn[i] - chance[i]) < 1e-4 for i in masked):
                    raise Close
                for i in [i for i in masked if drawn[i] < chance[i]] or [highest({i: chance[i] for i in masked}, 1e-5)]:
                    x[i] = token[i]
                step += 1
        return dict(ids=x[p:], evaluations=evaluations)


class Insertion:
    """ILM at temperature 0 with the classifier on the first row."""
    name, vocabulary, width, enough = "insertion", 50, 16, 0.9

    def __init__(self):
        w = self.w = Weights(104)
        w.matrix("word", self.vocabulary, self.width, 3)
        w.matrix("head", self.vocabulary, self.width, 4)
        w.matrix("classes", 2, self.width, 6)
        w.vector("bias", 2)
        self.stacks = [Stack(w, "text", layers=2)]

    def decode(self, q):
        fill, p, x, evaluations = self.vocabulary - 1, len(q["ids"]), list(q["ids"]), 0
        while len(x) < p + q["max_tokens"]:
            rows = self.stacks[0].rows(word_rows(self.w, x), all_of_them)
            evaluations += 1
            whole = sampling.softmax([s + b for s, b in zip(self.w.product("classes", rows[0]), self.w["bias"])])[0]
            if abs(whole - self.enough) < 1e-3:
                raise Close
            if whole > self.enough:
                break
            scores = {(i, v): s for i in range(p - 1, len(x)) for v, s in scores_but(fill, self.w.product("head", rows[i])).items()}
            at, token = highest(scores)
            x.insert(at + 1, token)
        return dict(ids=x[p:], evaluations=evaluations)


SYSTEMS = [BlockTransformer, BeliefState, UnmaskingPolicy, Insertion]
