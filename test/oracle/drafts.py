"""Loops of systems that draft by parts of their own, written from their descriptions in words, over the formulas of `draft_models`.

Trees are paths here, and everything is computed anew in each step: no labels, no caches, no orders of slots but the one in the list."""
import math

import sampling


class Run:
    """A request, what its steps guessed and how many tokens they gained, and how near the nearest other decision was."""

    def __init__(self, model, prompt, wanted, stop=(), settings=None):
        self.m, self.prompt, self.wanted, self.stop, self.settings = model, list(prompt), wanted, set(stop), settings or {}
        self.text, self.drafted, self.accepted, self.near, self.evaluations = list(prompt), [], [], math.inf, 0
        self.ids = getattr(self, model.family.replace("-", "_"))()

    def best(self, scores, n=1):
        order = sorted((t for t in range(len(scores)) if t != self.m.fill), key=lambda t: (-scores[t], t))
        self.near = min([self.near] + [scores[order[i]] - scores[order[i + 1]] for i in range(n)])
        return order[:n]

    def goes_on(self):
        """Is there more to write? Text behind a stop token is dropped."""
        stops = [i for i, t in enumerate(self.text) if t in self.stop and i >= len(self.prompt)]
        if stops:
            del self.text[stops[0] + 1:]
        return not stops and len(self.text) < len(self.prompt) + self.wanted

    def walk(self, paths, scores):
        """The tokens that the model would write, as far as one of the paths has them, and the path; `scores` of a path."""
        gain, path = [], ()
        while True:
            gain += self.best(scores(path))
            if path + (gain[-1],) not in paths:
                return gain, path
            path += (gain[-1],)

    def took(self, gain, drafted):
        self.evaluations += 1
        self.drafted += drafted
        self.accepted.append(len(gain))
        self.text += gain

    def answer(self):
        return self.text[len(self.prompt):]

    def slots(self, paths):
        """Slots of a text and paths behind its last token: where they are and what they see."""
        n = len(self.text)
        sees = [range(i + 1) for i in range(n)]
        for i, path in enumerate(paths):
            sees.append([*range(n), *(n + j for j, other in enumerate(paths) if path[:len(other)] == other)])
        return [*range(n), *(n - 1 + len(path) for path in paths)], sees

    def clover(self):
        m, row = self.m, None
        while self.goes_on():
            n, paths, level, above = len(self.text), [], [()], {(): row}
            for i, k in enumerate(m.config["draft_top_k"] if row else []):
                below = []
                for path in level:
                    made = m.clover_head(i, above[path], [self.text[-1], *path], n - 1)
                    for t in self.best(m.scores(made), k):
                        below.append(path + (t,))
                        above[path + (t,)] = made
                paths, level = paths + below, below
            rows = m.hidden(self.text + [p[-1] for p in paths], *self.slots(paths))
            of = {(): rows[n - 1], **dict(zip(paths, rows[n:]))}
            gain, path = self.walk(paths, lambda p: m.scores(of[p]))
            row = of[path]
            self.took(gain, [p[-1] for p in paths])
        return self.answer()

    def hidden_transfer(self):
        m, guesses = self.m, None
        depth, low = len(m.config["draft_top_k"]), m.config["transfer_layer"]
        while self.goes_on():
            n, paths, level = len(self.text), [], [()]
            for each in guesses or []:
                level = [path + (t,) for path in level for t in each]
                paths += level
            positions, sees = self.slots(paths)
            half = m.layers([m.embedding(t) for t in self.text + [p[-1] for p in paths]], positions, sees, end=low)
            # Behind each path, the empty one too, a row for each of the next tokens, one behind the other.
            nodes, rows, of = [(), *paths], list(half), {}
            for i, path in enumerate(nodes):
                source = n - 1 + i
                for j in range(depth):
                    of[path, j] = len(rows)
                    rows.append(m.product(f"transfer.{j}", half[source]))
                    positions.append(positions[source] + j + 1)
                    sees.append([*sees[source], *(of[path, l] for l in range(j + 1))])
            last = [m.scores(m.norm("model.norm", r)) for r in m.layers(rows, positions, sees, begin=low)]
            gain, path = self.walk(paths, lambda p: last[n - 1 + nodes.index(p)])
            guesses = [self.best(last[of[path, j]], k) for j, k in enumerate(m.config["draft_top_k"])]
            self.took(gain, [p[-1] for p in paths])
        return self.answer()

    def knows_the_future(self):
        m, guess, k = self.m, [], self.settings.get("masks", 3)
        while self.goes_on():
            n = len(self.text)
            ids, positions = self.text + guess, list(range(n + len(guess)))
            sees = [range(i + 1) for i in range(len(ids))]
            for j in range(len(guess) + 1):
                begin = len(ids)
                for i in range(k):
                    ids, positions = ids + [None], positions + [n + j + i]
                    sees.append([*range(n + j), *range(begin, begin + i + 1)])
            rows = m.hidden(ids, positions, sees)
            gain = self.best(m.scores(rows[n - 1]))
            while len(gain) <= len(guess) and gain[-1] == guess[len(gain) - 1]:
                gain += self.best(m.scores(rows[n - 1 + len(gain)]))
            begin, next, token = n + len(guess) + (len(gain) - 1) * k, [], gain[-1]
            for row in rows[begin:begin + k]:
                token, = self.best(m.sampler_head(token, row))
                next.append(token)
            self.took(gain, guess)
            guess = next
        return self.answer()

    def joint_sampling(self):
        m, p = self.m, len(self.prompt)
        x = self.prompt + [None] * self.wanted
        n = len(x)
        while None in x:
            rows = m.hidden(x, range(n), [range(n)] * n)
            self.evaluations += 1
            chosen = [None] * n
            for _ in range(self.settings.get("tokens", 4)):
                left = [i for i in range(n) if x[i] is None]
                if not left:
                    break
                scores, found = m.sampler_layer(rows, chosen), {}
                for i in left:
                    found[i] = sampling.sample(scores[i], "T", m.fill, self.settings, self.evaluations, i, raw=True)
                    if not self.settings.get("temperature"):
                        self.best(scores[i])
                self.evaluations += 1
                first, *others = sorted((-c, i) for i, (_, c) in found.items())
                self.near = min([self.near] + [10 * (c - first[0]) for c, _ in others[:1]])
                i = first[1]
                x[i] = chosen[i] = found[i][0]
        return x[p:]
