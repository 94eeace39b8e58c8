"""The published decoding loops, over a stateless model, written from their descriptions. An open position holds None.

Each loop takes a `Run` and returns the generated ids. A `Run` counts evaluations (calls whose scores are read) and forwards
(calls that the published engine makes); `forwards` becomes None where no published count exists.
"""
import math
import struct

from model import blocks, causal, full, table
from sampling import best, entropy, gumbel_max, leave, sample, softmax, uniform


class Run:
    """One request: prompt, settings, stop ids, wanted length, counters."""

    def __init__(self, model, prompt, max_tokens, stop, settings):
        self.model, self.prompt, self.max, self.stop, self.settings = model, list(prompt), max_tokens, set(stop), settings
        self.fill, self.evaluations, self.forwards, self.counted = model.fill, 0, 0, True

    def __getattr__(self, name):
        return self.settings[name]

    def read(self, ids, rows, sees, positions=None):
        """An evaluation."""
        self.evaluations += 1
        self.forwards += 1
        return self.model(ids, rows, sees, positions)

    def reader(self, shift=0):
        """How the calls of a loop are made: each as `read`, or as the setting `approximate` (policy, interval) lets them."""
        return StaleReader(self, *self.settings["approximate"], shift) if "approximate" in self.settings else WholeReader(self)

    def sample(self, scores, order, position, evaluation=None, raw=False, filtered=False):
        evaluation = self.evaluations - 1 if evaluation is None else evaluation
        return sample(scores, order, self.fill, self.settings, evaluation, position, raw, filtered)

    def first_stop(self, ids):
        """Index of the first stop id; None without one."""
        return next((i for i, t in enumerate(ids) if t in self.stop), None)

    def stops(self, ids):
        return self.first_stop(ids) is not None

    def through_stop(self, ids):
        i = self.first_stop(ids)
        return ids if i is None else ids[:i + 1]

    def before_stop(self, ids):
        return ids[:self.first_stop(ids)]


class WholeReader:
    def __init__(self, run):
        self.run = run

    def read(self, x, rows, sees, lo, hi, store=0):
        return self.run.read(x, rows, sees)

    def step(self):
        """All calls of a step are made."""


class StaleReader:
    """Calls run the rows [lo, hi) that change and keep what the last whole call left of the others."""

    def __init__(self, run, policy, interval, shift):
        self.run, self.policy, self.interval, self.shift, self.age = run, policy, interval, shift, 0

    def read(self, x, rows, sees, lo, hi, store=0):
        whole = self.age == 0 or self.interval and self.age >= self.interval or self.policy == "sub-block" and x[lo] is None
        self.whole = whole
        self.run.evaluations += 1
        self.run.forwards += 1
        # Shifted scores of the first open position come from the row before it.
        first = lo if self.policy == "sub-block" else max(lo - self.shift, 0)
        inside = lo if self.policy == "attention-output" and not whole else -1
        return self.run.model(x, rows, sees, only=None if whole else (first, hi), store=store, inside=inside)

    def step(self):
        self.age = 1 if self.whole else self.age + 1


def opens(x, lo, hi):
    return [i for i in range(lo, hi) if x[i] is None]


def top(confidence, rows, n):
    """The n rows with the highest confidence, the lowest among equals."""
    return sorted(rows, key=lambda i: (-confidence[i], i))[:n]


def canvas(r, size):
    """Blocks from position 0 that hold prompt and answer: the sequence, and where its first block begins."""
    p = len(r.prompt)
    return r.prompt + [None] * (-(-(p + r.max) // size) * size - p), p // size * size


def share(size, steps, step):
    return size // steps + (1 if step < size % steps else 0)


def sdar(rule):
    def decode(r):
        p, size = len(r.prompt), r.block
        x, start = canvas(r, size)
        r.forwards += p >= size
        for lo in range(start, len(x), size):
            hi, step, calls = lo + size, 0, r.reader()
            while masked := opens(x, lo, hi):
                quota = min(share(size, r.steps, step), len(masked))
                token, confidence = {}, {}
                for i, scores in zip(masked, calls.read(x[:hi], masked, blocks(hi, size), lo, hi)):
                    token[i], confidence[i] = r.sample(scores, "Tkp", i)
                calls.step()
                if rule == "sequential":
                    pick = masked[:quota]
                else:
                    pick = top(confidence, masked, quota)
                    high = [i for i in masked if rule == "dynamic" and confidence[i] > r.threshold]
                    if rule == "dynamic" and len(high) >= quota:
                        pick = high
                for i in pick:
                    x[i] = token[i]
                step += 1
            r.forwards += 1
            if r.stops(x[p:hi]):
                break
        return x[p:hi]
    return decode


def autoregressive(r):
    x, p = list(r.prompt), len(r.prompt)
    while len(x) < p + r.max:
        n = len(x)
        seen = r.settings.get("attention_window", n)
        sees = [table(n, (max(0, q + 1 - seen), q + 1)) for q in range(n)]
        x.append(r.sample(r.read(x, [n - 1], sees)[0], "Tkp", n)[0])
        if x[-1] in r.stop:
            break
    return x[p:]


def factor_run(confidence, rows, factor):
    """Fast-dLLM's rule: the n-th most confident row needs 1 - factor / (n + 1), the first none, nor the last behind the others."""
    order, n = top(confidence, rows, len(rows)), 1
    while n < len(order) and confidence[order[n]] >= 1 - factor / (n + 2):
        n += 1
    return order if n == len(order) - 1 else order[:n]


def llada(r):
    p, size = len(r.prompt), r.block
    threshold, factor = (r.settings.get(k) for k in ("threshold", "factor"))
    count = max(1, r.max // size)
    x = r.prompt + [None] * (count * size)
    until_full = threshold is not None or factor is not None
    steps = size if until_full else r.settings.get("steps", r.max) // count
    guidance = r.settings.get("guidance", 0)
    for b in range(count):
        hi = p + (b + 1) * size
        calls = r.reader()
        for step in range(steps):
            masked, n = opens(x, 0, hi), len(x)
            if until_full and not masked:
                break
            conditional = r.evaluations
            rows = calls.read(x, masked, full(n), hi - size, hi)
            if guidance > 0:
                other = calls.read([None] * p + x[p:], masked, full(n), hi - size, hi, store=1)
                rows = [[u + (guidance + 1) * (c - u) for c, u in zip(cs, us)] for cs, us in zip(rows, other)]
            token, confidence = {}, {}
            for i, scores in zip(masked, rows):
                token[i], confidence[i] = r.sample(scores, "T", i, conditional, raw=True)
            if threshold is not None:
                pick = {i for i in masked if confidence[i] >= threshold} | set(top(confidence, masked, 1))
            elif factor is not None:
                pick = factor_run(confidence, masked, factor)
            else:
                pick = top(confidence, masked, share(size, steps, step))
            for i in pick:
                x[i] = token[i]
            calls.step()
    return x[p:]


def fast_dllm_v2(sub_block_cache):
    def decode(r):
        p, size, sub = len(r.prompt), r.block, r.sub_block
        x = list(r.prompt)

        def follow():
            """The token after whole blocks, from the last row of their call."""
            n = len(x)
            x.append(r.sample(r.read(x, [n - 1], blocks(n, size))[0], "Tp", n)[0])

        if p >= size and p % size:
            r.forwards += 1
        elif p % size == 0:
            follow()
        for _ in range(max(1, r.max // size)):
            if r.stops(x[p:]):
                break
            p0 = len(x)
            x += [None] * (size - p0 % size)
            base, hi, store = len(x) - size, len(x), None

            def ended():
                i = r.first_stop(x[p0:])
                return i is not None and None not in x[p0:p0 + i]

            while not ended():
                if None not in x[base:]:
                    follow()
                    break
                for a in range(base, hi, sub):
                    b, calls = a + sub, r.reader(shift=1)
                    while opens(x, a, b) and not ended():
                        masked = opens(x, a, b)
                        if sub_block_cache and store and x[a] is not None:
                            # The text, the block as its last whole call saw it, the sub-block as it is now.
                            stale = blocks(hi, size)
                            sees = [row + bytes(sub) for row in stale]
                            sees += [table(hi + sub, (0, a), (b, hi + sub))] * sub
                            rows = r.read(x[:base] + store + x[a:b], [i - 1 - a + hi for i in masked], sees,
                                          [*range(hi), *range(a, b)])
                        else:
                            rows = calls.read(x, [i - 1 for i in masked], blocks(hi, size), a, b)
                            calls.step()
                            store = x[base:]
                        token, confidence = {}, {}
                        for i, scores in zip(masked, rows):
                            token[i], confidence[i] = r.sample(scores, "Tp", i)
                        for i in {i for i in masked if confidence[i] > r.threshold} | set(top(confidence, masked, 1)):
                            x[i] = token[i]
        return r.through_stop(x[p:])
    return decode


def observed_first(x):
    """Known positions, then open ones, each ascending."""
    return sorted(range(len(x)), key=lambda i: (x[i] is None, i))


def wedlm(r):
    done, window, out = list(r.prompt), [None] * r.window, []
    r.forwards += 1
    while True:
        run = next((i for i, t in enumerate(window) if t is None), len(window))
        window += [None] * run
        order = observed_first(done + window)
        whole, c = done + window, len(done)
        masked = [s for s, i in enumerate(order) if whole[i] is None]
        rows = r.read([whole[i] for i in order], masked, causal(len(order)), order)
        for t in window[:run]:
            out.append(t)
            done.append(t)
            if t in r.stop or len(out) == r.max:
                return out
        window = window[run:]
        at = [order[s] - c - run for s in masked]
        cost = [entropy(scores) + r.distance_penalty * (i - at[0]) for i, scores in zip(at, rows)]
        pick = [j for j, a in enumerate(cost) if a < r.entropy] or [min(range(len(cost)), key=lambda j: (cost[j], j))]
        for j in pick:
            window[at[j]] = r.sample(rows[j], "kpT", len(done) + at[j])[0]


def wedlm_blocks(r):
    p, x = len(r.prompt), list(r.prompt)
    r.counted = False
    while len(x) < p + r.max:
        lo = len(x)
        x += [None] * min(r.block, p + r.max - lo)
        while masked := opens(x, lo, len(x)):
            order = observed_first(x)
            rows = r.read([x[i] for i in order], range(len(x) - len(masked), len(x)), causal(len(x)), order)
            token, confidence = {}, {}
            for i, scores in zip(masked, rows):
                token[i], confidence[i] = r.sample(scores, "T", i)
            for i in [i for i in masked if r.threshold > 0 and confidence[i] >= r.threshold] or top(confidence, masked, 1):
                x[i] = token[i]
    return x[p:]


def window_rows(r, context):
    """Scores of the window after a context: its last token and the masks after it see each other."""
    n, d = len(context), r.window
    to = n + d - 1
    sees = [table(to, (0, q + 1)) if q < n - 1 else table(to, (0, to)) for q in range(to)]
    return r.model(context + [None] * (d - 1), range(n - 1, to), sees)


def sdlm(by_entropy):
    def decode(r):
        x, p = list(r.prompt), len(r.prompt)
        while len(x) < p + r.max:
            r.evaluations += 1
            r.forwards += 1
            new, n = [], len(x)
            for i, scores in enumerate(window_rows(r, x)):
                token, confidence = r.sample(scores, "Tpk", n + i)
                if by_entropy:
                    confidence = 1 - entropy(scores) / math.log(len(scores))
                if i and not confidence > r.threshold:
                    break
                new.append(token)
                if not confidence > r.threshold:
                    break
            x += new
            if r.stops(new):
                return x[p:n] + r.before_stop(new)
        return x[p:]
    return decode


def sdlm_self(r):
    x, p, d = list(r.prompt), len(r.prompt), r.window

    def window(context):
        return [best(scores, range(len(scores)), r.fill) for scores in window_rows(r, context)]

    draft = window(x)
    r.evaluations, r.forwards = 1, 1
    while len(x) < p + r.max:
        branches = [window(x + draft[:j + 1]) for j in range(d)]
        r.evaluations += 1
        r.forwards += 1
        take = 1
        while take < d and draft[take] == branches[take - 1][0]:
            take += 1
        new, draft = draft[:take], branches[take - 1]
        if r.stops(new):
            return x[p:] + r.before_stop(new)
        x += new
    return x[p:]


def s2d2(r):
    p, size, settings = len(r.prompt), r.block, r.settings
    x, start = canvas(r, size)
    causal_cache, causal_draft = settings.get("causal_cache", False), settings.get("causal_draft", False)
    r.forwards += p >= size
    seed = settings.get("seed", 0)

    def context(n, lo):
        """Rows of the finished text."""
        return (causal(n) if causal_cache else blocks(n, size))[:lo]

    for lo in range(start, len(x), size):
        hi, step = lo + size, 0
        while masked := opens(x, lo, hi):
            c = masked[0]
            sees = context(hi, lo) + [table(hi, (0, q + 1 if causal_draft and q < c else hi)) for q in range(lo, hi)]
            token, prob, scores = {}, {}, dict(zip(masked, r.read(x[:hi], masked, sees)))
            for i in masked:
                token[i], prob[i] = r.sample(scores[i], "", i)
            quota = min(share(size, r.steps, step), len(masked))
            end = next((i for i in range(c, hi) if x[i] is not None), hi)
            if "score" in settings or "cost" in settings:
                product, expected = 1, 0
                for i in range(c, end):
                    product *= math.exp(-entropy(scores[i]) / math.log(len(scores[i])))
                    expected += product
                verify = expected - settings.get("cost", 1) >= settings.get("score", 0)
            else:
                verify = end - c >= settings.get("min_span", 2)
            decided = {}
            if verify:
                drafted = [token[i] if x[i] is None else x[i] for i in range(lo, hi)]
                n, evaluation = hi + size, r.evaluations
                sees = context(n, lo) + [table(n, (0, q + 1)) for q in range(lo, hi)]
                sees += [table(n, (0, q - size), (q, q + 1)) for q in range(hi, n)]
                q = dict(zip(range(c, end), r.read(x[:lo] + drafted + [None] * size, range(c + size, end + size), sees,
                                                   [*range(hi), *range(lo, hi)])))
                for i in range(c, end):
                    after, before = softmax(q[i]), softmax(scores[i])
                    if uniform(seed, evaluation, i, 1) < min(1, after[token[i]] / before[token[i]]):
                        decided[i] = token[i]
                        continue
                    rest = {v: max(a - b, 0) for v, (a, b) in enumerate(zip(after, before))}
                    new = gumbel_max(rest, r.fill, seed, evaluation, i, 2)
                    decided[i] = gumbel_max(dict(enumerate(after)), r.fill, seed, evaluation, i, 2) if new is None else new
                    break
            if len(decided) < quota:
                need, rest = quota - len(decided), [i for i in masked if i not in decided]
                high = [i for i in rest if prob[i] > r.threshold]
                for i in high if len(high) >= need else top(prob, rest, need):
                    decided[i] = token[i]
            for i, t in decided.items():
                x[i] = t
            step += 1
        r.forwards += 1
        if r.stops(x[p:hi]):
            break
    return r.before_stop(x[p:hi])


def bd3lm(r):
    p, size = len(r.prompt), r.block
    x, start = canvas(r, size)
    r.forwards += p >= size
    for lo in range(start, len(x), size):
        hi = lo + size
        while masked := opens(x, lo, hi):
            evaluation = r.evaluations
            u = uniform(r.settings.get("seed", 0), evaluation, lo, 3)
            i = masked[min(int(u * len(masked)), len(masked) - 1)]
            x[i] = r.sample(r.read(x[:hi], [i], blocks(hi, size))[0], "fn", i)[0]
        r.forwards += 1
    return x[p:]


def llada2(r):
    p, size = len(r.prompt), r.block
    x, start = canvas(r, size)
    r.counted = False
    for lo in range(start, len(x), size):
        hi, post = lo + size, 0
        while True:
            masked = opens(x, lo, hi)
            post += not masked
            if post > r.max_post_steps:
                break
            rows = range(max(lo, p), hi)
            token, confidence = {}, {}
            for i, scores in zip(rows, r.read(x[:hi], rows, blocks(hi, size))):
                token[i], confidence[i] = r.sample(scores, "Tkp", i)
            new = [i for i in masked if confidence[i] > r.threshold]
            if len(new) < r.least:
                new = top(confidence, masked, r.least)
            edit = [i for i in rows if x[i] is not None and confidence[i] > r.edit_threshold and token[i] != x[i]]
            for i in new + edit:
                x[i] = token[i]
            if not masked and not edit:
                break
        if r.stops(x[p:hi]):
            break
    return r.through_stop(x[p:min(hi, p + r.max)])


def llada20(r):
    p, size = len(r.prompt), r.block
    x, start = canvas(r, size)
    r.counted = False
    for lo in range(start, len(x), size):
        hi, step = lo + size, 0
        while masked := opens(x, lo, hi):
            token, confidence = {}, {}
            for i, scores in zip(masked, r.read(x[:hi], masked, blocks(hi, size))):
                token[i], confidence[i] = r.sample(scores, "Tkp", i)
            quota = min(share(size, r.steps, step), len(masked))
            new = [i for i in masked if confidence[i] > r.threshold]
            for i in new if len(new) >= quota else top(confidence, masked, quota):
                x[i] = token[i]
            step += 1
        if r.stops(x[p:hi]):
            break
    return r.through_stop(x[p:min(hi, p + r.max)])


def nbdiff(r):
    x, p, size = list(r.prompt), len(r.prompt), r.block
    for _ in range(max(1, -(-r.max // size))):
        lo = len(x)
        x.append(r.sample(r.read(x, [lo - 1], causal(lo))[0], "Tkp", lo)[0])
        x += [None] * (size - 1)
        hi = lo + size
        sees = causal(hi)[:lo] + [table(hi, (0, hi))] * size
        for a in range(lo, hi, r.sub_block):
            b, calls = a + r.sub_block, r.reader(shift=1)
            while masked := opens(x, a, b):
                token, confidence = {}, {}
                for i, scores in zip(masked, calls.read(x, [i - 1 for i in masked], sees, a, b)):
                    token[i], confidence[i] = r.sample(scores, "Tkp", i)
                calls.step()
                for i in {i for i in masked if confidence[i] > r.threshold} | set(top(confidence, masked, 1)):
                    x[i] = token[i]
            if r.stops(x[p:b]):
                return x[p:b]
    return x[p:]


def d2f(r):
    p, size = len(r.prompt), r.block
    x = r.prompt + [None] * size
    r.counted = False

    def decoded(lo):
        return sum(t is not None for t in x[lo:lo + size]) / size

    while True:
        if decoded(len(x) - size) >= r.add and len(x) < p + r.max and not r.stops(x[p:]):
            x += [None] * size
        n = len(x)
        complete = [lo == p or decoded(lo - size) >= r.complete for lo in range(p, n, size)]
        masked = opens(x, p, n)
        rows = dict(zip(masked, r.read(x, masked, blocks(n, size, p))))
        token, confidence = {}, {}
        for i in masked:
            token[i], confidence[i] = r.sample(rows[i], "Tpk", i)
        for lo, forced in zip(range(p, n, size), complete):
            mine = opens(x, lo, lo + size)
            for i in [i for i in mine if confidence[i] > r.threshold] or (top(confidence, mine, 1) if forced else []):
                x[i] = token[i]
        if None not in x[p:] and (r.stops(x[p:]) or len(x) >= p + r.max):
            return r.through_stop(x[p:])


def canvas_after(lo, n):
    """Finished text before `lo` is causal, the block behind it sees it and all of itself."""
    return causal(n)[:lo] + [table(n, (0, n))] * (n - lo)


def nemotron_diffusion(r):
    x, p = list(r.prompt), len(r.prompt)
    for _ in range(max(1, -(-r.max // r.block))):
        lo = len(x)
        x.append(r.sample(r.read(x, [lo - 1], causal(lo))[0], "T", lo, raw=True)[0])
        x += [None] * (r.block - 1)
        n = len(x)
        while masked := opens(x, lo, n):
            end = r.first_stop(x[lo:])
            if end is not None and masked[0] > lo + end:
                break
            token, confidence = {}, {}
            for i, scores in zip(masked, r.read(x, masked, canvas_after(lo, n))):
                token[i], confidence[i] = r.sample(scores, "T", i, raw=True)
            for i in {i for i in masked if confidence[i] >= r.threshold} | set(top(confidence, masked, 1)):
                x[i] = token[i]
        if r.stops(x[lo:]):
            break
    r.counted = False
    return r.through_stop(x[p:])


def nemotron_linear_spec(r):
    x, p = list(r.prompt), len(r.prompt)

    def says(scores):
        return best(scores, range(len(scores)), r.fill)
    x.append(says(r.read(x, [p - 1], causal(p))[0]))
    while len(x) < p + r.max and not r.stops(x[p:]):
        lo = len(x) - 1
        y, n = x + [None] * (r.block - 1), lo + r.block
        while masked := opens(y, lo, n):
            rows = dict(zip(masked, r.read(y, masked, canvas_after(lo, n))))
            confidence = {i: softmax(rows[i])[says(rows[i])] for i in masked}
            for i in {i for i in masked if confidence[i] >= r.threshold} | set(top(confidence, masked, 1)):
                y[i] = says(rows[i])
        said = [says(scores) for scores in r.read(y, list(range(lo, n)), causal(n))]
        take = 1
        while take < r.block and said[take - 1] == y[lo + take]:
            take += 1
        x += said[:take]
    r.counted = False
    return r.through_stop(x[p:])


def single(x):
    """The nearest f32."""
    return struct.unpack("f", struct.pack("f", x))[0]


def dream(r):
    p, n = len(r.prompt), len(r.prompt) + r.max
    x = r.prompt + [None] * r.max
    steps = r.settings.get("steps", max(1, r.max))
    pace = single(single(single(r.settings.get("eps", 1e-3)) - 1) / steps)
    rule = r.settings.get("alg", "entropy")

    def time(s):
        return single(single(s * pace) + 1)

    heat = single(r.settings.get("alg_temp", 0))
    for s in range(steps):
        masked, token, sure = opens(x, p, n), {}, {}
        for i, scores in zip(masked, r.read(x, [i - 1 for i in masked], full(n))):
            token[i], sure[i] = r.sample(scores, "Tpk", i, filtered=True)
            kept, z = leave(scores, "Tpk", r.fill, r.settings)
            if rule == "entropy":
                sure[i] = -entropy([z[v] for v in kept])
            elif rule == "topk_margin":
                first, second, *_ = sorted((q for v, q in zip(kept, softmax([z[v] for v in kept])) if v != r.fill), reverse=True) + [0, 0]
                sure[i] = first - second
        lost = single(1 - single(time(s + 1) / time(s)))
        chance = {i: uniform(r.settings["seed"], r.evaluations - 1, i, 4) for i in masked}
        if heat > 0:
            sure = {i: sure[i] / heat - math.log(-math.log(chance[i])) for i in masked}
        count = len(masked) if s == steps - 1 else int(single(len(masked) * lost))
        chosen = top(sure, masked, count)
        if rule == "origin":
            chosen = [i for i in masked if s == steps - 1 or chance[i] < lost]
        for i in chosen:
            x[i] = token[i]
    return x[p:]


def rnd1(r):
    p, n = len(r.prompt), len(r.prompt) + r.max
    x = r.prompt + [None] * r.max
    steps = r.settings.get("steps", max(1, r.max))
    for step in range(steps - 1, -1, -1):
        masked, token, sure = opens(x, p, n), {}, {}
        if not masked:
            break
        for i, scores in zip(masked, r.read(x, [i - 1 for i in masked], full(n))):
            token[i], sure[i] = best(scores, range(len(scores)), r.fill), -entropy(scores)
        for i in top(sure, masked, len(masked) - min(len(masked), r.max * step // steps)):
            x[i] = token[i]
    return x[p:]


LOOPS = {"sdar-dynamic": sdar("dynamic"), "sdar-static": sdar("static"), "sdar-sequential": sdar("sequential"),
         "autoregressive": autoregressive, "fast-dllm-v2": fast_dllm_v2(False), "fast-dllm-v2-sub-block-cache": fast_dllm_v2(True),
         "wedlm": wedlm, "wedlm-blocks": wedlm_blocks, "sdlm": sdlm(False), "sdlm-entropy": sdlm(True), "sdlm-self": sdlm_self,
         "llada": llada, "llada2": llada2, "s2d2": s2d2, "bd3lm": bd3lm, "nbdiff": nbdiff, "d2f": d2f, "dream": dream, "rnd1": rnd1,
         "nemotron-diffusion": nemotron_diffusion, "nemotron-linear-spec": nemotron_linear_spec, "llada2.0": llada20}


def decode(model, decoder, request, settings, loop=None):
    """What a request must give: ids, evaluations, forwards at -O0 or None. `loop` is of a decoder that is not in LOOPS."""
    given = {**settings, **request.get("settings", {}), "seed": request.get("seed", 0)}
    r = Run(model, request["ids"], request["max_tokens"], request["stop"], given)
    ids = (loop or LOOPS[decoder])(r)
    return dict(ids=ids, evaluations=r.evaluations, forwards=r.forwards if r.counted else None)
