"""More published loops, written from their descriptions as those of decoders.py are."""
import math

import sampling
from decoders import canvas, opens, top
from model import blocks, causal, full, table
from sampling import best, entropy, softmax


# Draws of forks that share an evaluation: of number j at a position as if at that one plus j of these.
APART = 2**25 + 1


def draw(r, position, stream, evaluation=None):
    """A uniform number of the last evaluation, or of the one named."""
    evaluation = r.evaluations - 1 if evaluation is None else evaluation
    return sampling.uniform(r.settings.get("seed", 0), evaluation, position, stream)


def likeliest(r, scores):
    return best(scores, range(len(scores)), r.fill)


def step(r, x, hi, masked, sees, order, raw=False):
    """Position -> token and position -> confidence, of one call over x[:hi]."""
    token, confidence = {}, {}
    for i, scores in zip(masked, r.read(x[:hi], masked, sees)):
        token[i], confidence[i] = r.sample(scores, order, i, raw=raw)
    return token, confidence


def sure(confidence, rows, threshold):
    """The rows at least as confident as the threshold, and the most confident one."""
    return {i for i in rows if confidence[i] >= threshold} | set(top(confidence, rows, 1))


def listed(ids):
    """A setting of one id or several."""
    return ids if isinstance(ids, list) else [ids]


def adablock(r):
    p, lo = len(r.prompt), len(r.prompt)
    x = r.prompt + [None] * r.max
    n = len(x)
    while lo < n:
        token, confidence = step(r, x, n, range(lo, n), full(n), "T", raw=True)
        size = min(r.block, n - lo)
        ends = top(confidence, [i for i in range(lo, n) if i - lo < r.max // 4 and token[i] in listed(r.delimiter)], 1)
        if ends and confidence[ends[0]] >= r.delimiter_threshold:
            size = ends[0] + 1 - lo
        masked = range(lo, lo + size)
        while masked:
            for i in sure(confidence, masked, r.threshold):
                x[i] = token[i]
            masked = opens(x, lo, lo + size)
            if masked:
                token, confidence = step(r, x, n, masked, full(n), "T", raw=True)
        lo += size
    return x[p:]


def blockgen(r):
    p, size = len(r.prompt), r.block
    x, start = canvas(r, size)
    for lo in range(start, len(x), size):
        hi = lo + size
        for s in range(r.steps):
            masked, left = opens(x, lo, hi), r.steps - s
            token, _ = step(r, x, hi, masked, blocks(hi, size), "T")
            if left == 1 or s < r.warmup or (s - r.warmup) % r.every:
                for i in masked:
                    if draw(r, i, 4) < 1 / left:
                        x[i] = token[i]
                continue
            for i in masked:
                x[i] = token[i]
            # The block, then as many masks: a mask sees what comes before its own place.
            n, filled = hi + size, x[lo:hi]
            sees = blocks(lo, size) if lo else []
            sees = [row + bytes(n - lo) for row in sees] + [table(n, (0, q + 1)) for q in range(lo, hi)]
            sees += [table(n, (0, q), (q + size, q + size + 1)) for q in range(lo, hi)]
            rows = r.read(x[:hi] + [None] * size, range(hi, n), sees, [*range(hi), *range(lo, hi)])
            likely = {lo + j: -softmax(scores)[filled[j]] for j, scores in enumerate(rows)}
            noisy = max(1, round((left - 1) * size / r.steps))
            for i in top(likely, range(max(lo, p), hi), noisy):
                x[i] = None
        if r.stops(x[p:hi]):
            break
    return r.through_stop(x[p:hi])


def blockgen_uniform(r):
    p, size, fill = len(r.prompt), r.block, r.fill
    x, hi, others = list(r.prompt), p // size * size, r.settings["others"]

    def noise(position, stream, evaluation=None):
        v = int(draw(r, position, stream, evaluation) * others)
        return v + (v >= fill)

    while hi < p + r.max:
        hi += size
        rows = range(len(x), hi)
        x += [noise(i, 6, r.evaluations) for i in rows]
        for s in range(r.steps):
            a, b, last = s / r.steps, (s + 1) / r.steps, s + 1 == r.steps
            for i, scores in zip(rows, r.read(x, rows, blocks(hi, size))):
                token = r.sample(scores, "T", i)[0]
                stay = a * others * softmax(scores)[x[i]]
                fresh = 0 if last else (1 - a / b) * (1 - b)
                held = stay + (0 if last else a / b - a)
                at = draw(r, i, 4) * (stay + 1 - a)
                if at < fresh:
                    x[i] = noise(i, 5)
                elif at >= fresh + held:
                    x[i] = token
        if r.stops(x[p:]):
            break
    return r.through_stop(x[p:])


def cntp(r):
    x, p, marks = list(r.prompt), len(r.prompt), listed(r.comma) + listed(r.period)

    def follow(y):
        scores = r.read(y, [len(y) - 1], causal(len(y)))[0]
        return scores, r.sample(scores, "Tkp", len(y))

    def ends(y):
        return y and (y[-1] in marks or y[-1] in r.stop)

    def side_by_side(many):
        """One evaluation for each depth; stateless copies of the text, where the program has rows of one call."""
        texts, totals = [[] for _ in range(many)], [0] * many
        for depth in range(r.longest):
            if all(map(ends, texts)):
                break
            r.evaluations += 1
            r.forwards += 1
            for j in [j for j, y in enumerate(texts) if not ends(y)]:
                whole = x + texts[j]
                scores = r.model(whole, [len(whole) - 1], causal(len(whole)), None)[0]
                token, confidence = r.sample(scores, "Tkp", len(whole) + j * APART)
                texts[j].append(token)
                totals[j] += math.log(confidence) if confidence > 0 else -math.inf
        return [(y, total / len(y)) for y, total in zip(texts, totals)]

    while len(x) < p + r.max and not r.stops(x[p:]):
        scores, (token, _) = follow(x)
        doubt = min(max((entropy(scores) - r.low) / (r.high - r.low), 0), 1)
        more, trials = int(doubt * (r.trials - 1)), []
        if not more:
            x.append(token)
            continue
        if r.settings.get("together"):
            x += max(side_by_side(1 + more), key=lambda each: each[1])[0]
            continue
        for _ in range(1 + more):
            y, total = [], 0
            while len(y) < r.longest and not ends(y):
                _, (token, confidence) = follow(x + y)
                y.append(token)
                total += math.log(confidence) if confidence > 0 else -math.inf
            trials.append((y, total / len(y)))
        x += max(trials, key=lambda each: each[1])[0]
    return x[p:]


def ctrldiff(r):
    p, size = len(r.prompt), r.first
    x, before = list(r.prompt), causal(len(r.prompt))
    r.forwards += 1
    while len(x) < p + r.max and not r.stops(x[p:]):
        lo, hi, total = len(x), len(x) + size, 0
        x += [None] * size
        sees = [row + bytes(size) for row in before] + [table(hi, (0, hi))] * size
        while masked := opens(x, lo, hi):
            token, confidence = step(r, x, hi, masked, sees, "Tkp")
            for i in {i for i in masked if confidence[i] > r.threshold} | set(top(confidence, masked, 1)):
                x[i] = token[i]
                total += confidence[i]
        before = sees
        r.forwards += 1
        size = min(2 * size, r.largest) if total / size >= r.grow else max(size // 2, 1)
    return x[p:]


def efficient_dlm(r):
    p, size, x = len(r.prompt), r.block, list(r.prompt)
    r.forwards += 1
    for _ in range(max(1, -(-r.max // size))):
        lo, hi = len(x), len(x) + size
        x += [None] * size
        while masked := opens(x, lo, hi):
            if r.stops(x[lo:masked[0]]):
                break
            token, confidence = step(r, x, hi, masked, blocks(hi, size, p), "T", raw=True)
            for i in sure(confidence, masked, r.threshold):
                x[i] = token[i]
        r.forwards += not masked
        if r.stops(x[p:]):
            break
    return r.through_stop(x[p:])


def forced_aligner(r):
    p = len(r.prompt)
    rows = r.read(r.prompt, range(p), causal(p))
    return [likeliest(r, scores) if t == r.slot else t for t, scores in zip(r.prompt, rows)]


def gidd(r):
    p, n, vocabulary = len(r.prompt), len(r.prompt) + r.max, r.settings["vocabulary"]
    x, others = r.prompt + [None] * r.max, vocabulary - (r.fill < vocabulary)

    def level(i):
        """Shares of signal, mask, and each id of uniform noise."""
        t = (1 - 2e-4) * i / r.steps + 1e-4
        c = math.sqrt(t * (1 - t)) * 2 * r.uniform / (1 - r.uniform)
        return (1 - t) / (1 + c), t / (1 + c), c / (1 + c) / others

    for i in reversed(range(r.steps)):
        (at, mt, ut), (a, m, u) = level(i), level(max(0, i - 1))
        for j, scores in zip(range(p, n), r.read(x, range(p, n), full(n))):
            token, share = r.sample(scores, "Tf", j)[0], softmax(scores)
            held = 0 if x[j] is None else share[x[j]] / (1 - share[r.fill])
            then, now = (mt, m) if x[j] is None else (ut, u)
            b = then - at / a * now
            weights = [at / a * (a * held + now), b * a, b * m, b * u * others]
            v = draw(r, j, 4) * sum(weights)
            if v >= sum(weights[:3]):
                k = int(draw(r, j, 5) * others)
                x[j] = k + (k >= r.fill)
            elif v >= sum(weights[:2]):
                x[j] = None
            elif v >= weights[0]:
                x[j] = token
    masked = opens(x, p, n)
    for j, scores in zip(masked, r.read(x, masked, full(n))):
        x[j] = likeliest(r, scores)
    return x[p:]


def hexagon(r):
    p, unit, answers = len(r.prompt), 4 * r.smallest, []
    size = max(1, -(-r.max // unit)) * unit
    schedules = (r.smallest, 2 * r.smallest, 4 * r.smallest)
    if r.settings.get("together"):
        texts = [r.prompt + [None] * size for _ in schedules]
        for i in range(size):
            r.evaluations += 1
            r.forwards += 1
            for j, (block, x) in enumerate(zip(schedules, texts)):
                lo = p + i // block * block
                masked, token, confidence = opens(x, lo, lo + block), {}, {}
                for row, scores in zip(masked, r.model(x, masked, full(len(x)), None)):
                    token[row], confidence[row] = r.sample(scores, "T", row + j * APART, raw=True)
                best_row = top(confidence, masked, 1)[0]
                x[best_row] = token[best_row]
        answers = [x[p:] for x in texts]
    for block in schedules if not answers else ():
        x = r.prompt + [None] * size
        for lo in range(p, len(x), block):
            while masked := opens(x, lo, lo + block):
                token, confidence = step(r, x, len(x), masked, full(len(x)), "T", raw=True)
                i = top(confidence, masked, 1)[0]
                x[i] = token[i]
        answers.append(x[p:])
    return max(answers, key=lambda a: sum(a[-r.answer:] == b[-r.answer:] for b in answers))


def drawn_together(r, rows, positions):
    """Row and token from the softmax over the scores of all rows: the row by its share of the whole, the token inside it."""
    heat, e = r.settings.get("temperature", 0), r.evaluations - 1
    scores = [{v: s / (heat or 1) for v, s in enumerate(row) if v != r.fill} for row in rows]
    if not heat:
        return max(((i, v) for i, row in enumerate(scores) for v in row), key=lambda iv: (scores[iv[0]][iv[1]], -iv[0], -iv[1]))
    high = max(max(row.values()) for row in scores)
    share = [math.log(sum(math.exp(s - high) for s in row.values())) for row in scores]
    noise = [-math.log(-math.log(sampling.uniform(r.settings["seed"], e, i, 4))) for i in positions]
    k = max(range(len(rows)), key=lambda i: (share[i] + noise[i], -i))
    top_score = max(scores[k].values())
    mass = {v: math.exp(s - top_score) for v, s in scores[k].items()}
    return k, sampling.gumbel_max(mass, r.fill, r.settings["seed"], e, positions[k], 0)


def ilm(r):
    p, text = len(r.prompt), []
    for _ in range(r.max):
        n = p + len(text)
        rows = r.read(r.prompt + text, range(p - 1, n), full(n))
        if r.settings.get("rank") == "joint":
            k, token = drawn_together(r, rows, range(p - 1, n))
        else:
            token = [likeliest(r, scores) for scores in rows]
            k = top([softmax(s)[t] for s, t in zip(rows, token)], range(len(rows)), 1)[0]
            token = token[k]
        text.insert(k, token)
    return text


def knows_the_future(r):
    p, x, guess, k = len(r.prompt), list(r.prompt), [], r.masks
    while len(x) < p + r.max:
        n, m = len(x), len(guess)
        ids, places = x + guess, list(range(n + m))
        sees = [table(n + m + (m + 1) * k, (0, q + 1)) for q in range(n + m)]
        for j in range(m + 1):
            a = len(ids)
            ids, places = ids + [None] * k, places + [*range(n + j, n + j + k)]
            sees += [table(n + m + (m + 1) * k, (0, n + j), (a, a + i + 1)) for i in range(k)]
        said = [likeliest(r, scores) for scores in r.read(ids, range(n - 1, len(ids)), sees, places)]
        held = next((j for j in range(m) if said[j] != guess[j]), m)
        x += said[:held + 1]
        guess = said[m + 1 + held * k:m + 1 + (held + 1) * k]
        if r.stops(x[n:]):
            return x[p:n] + r.through_stop(x[n:])
    return x[p:]


def set_prompting(r):
    count, label, at, base, highest = r.prompt.count(r.separator), 0, 0, 0, 0
    ids, places, labels, out = [], [], [], []
    for t in r.prompt:
        if t != r.separator:
            ids, places, labels = ids + [t], places + [at], labels + [label]
            at += 1
            highest = max(highest, at)
            continue
        base = base if label else at
        label += 1
        at = highest if label == count else base
    while len(out) < r.max and not r.stops(out):
        n = len(ids)
        sees = [bytes(k <= q and (labels[k] in (0, labels[q]) or labels[q] == count) for k in range(n)) for q in range(n)]
        out.append(likeliest(r, r.read(ids, [n - 1], sees, places)[0]))
        ids, places, labels = ids + out[-1:], places + [at], labels + [count]
        at += 1
    return out


def softmol(r):
    p, size = len(r.prompt), r.block
    x, start = canvas(r, size)
    r.forwards += p >= size
    for lo in range(start, len(x), size):
        hi = lo + size
        while masked := opens(x, lo, hi):
            rows = dict(zip(masked, r.read(x[:hi], masked, blocks(hi, size))))
            nucleus = r.settings.get("rank", "raw") == "nucleus"
            worth = {i: r.sample(s, "fng", i, filtered=nucleus)[1] for i, s in rows.items()}
            i = top(worth, masked, 1)[0]
            x[i] = r.sample(rows[i], "fn", i)[0]
        r.forwards += 1
        if r.stops(x[p:hi]):
            break
    return r.through_stop(x[p:hi])


def stamp(r):
    x, p = list(r.prompt), len(r.prompt)
    while len(x) < p + r.max and not r.stops(x[p:]):
        n = len(x)
        x.append(r.sample(r.read(x, [n - 1], causal(n))[0], "Tkp", n)[0])
    a, n = len(x), len(x) + r.slots
    sees = [table(n, (0, q + 1)) for q in range(a)] + full(n)[a:]
    token, _ = step(r, x + [None] * r.slots, n, range(a, n), sees, "Tkp")
    return x[p:] + [token[i] for i in range(a, n)]


def tccf(r):
    p, size = len(r.prompt), r.block
    x, start = canvas(r, size)
    r.forwards += p >= size
    for lo in range(start, len(x), size):
        hi = lo + size
        while masked := opens(x, lo, hi):
            token, confidence = step(r, x, hi, masked, blocks(hi, size), "Tkp")
            for i in sure(confidence, masked, r.threshold):
                x[i] = token[i]
        r.forwards += 1
        if r.stops(x[p:hi]):
            break
    x, a = x[:hi], hi
    while len(x) < a + r.answer and not r.stops(x[a:]):
        n = len(x)
        x.append(step(r, x + [None], n + 1, [n], causal(n + 1), "Tkp")[0][n])
        r.forwards += 1
    return x[p:]


def tdar(r):
    p, size = len(r.prompt), r.block
    x, start = canvas(r, size)
    r.forwards += p >= size
    for lo in range(start, len(x), size):
        hi, taken = lo + size, []
        while masked := opens(x, lo, hi):
            token, confidence = step(r, x, hi, masked, blocks(hi, size), "Tkp")
            first = top(confidence, masked, 1)
            raw = sum(taken) / len(taken) if taken else confidence[first[0]]
            bar = max(r.lower, min(r.upper, raw))
            for i in [i for i in masked if confidence[i] >= bar] or first:
                x[i] = token[i]
                taken.append(confidence[i])
        r.forwards += 1
        if r.stops(x[p:hi]):
            break
    return x[p:hi]


def tree(r):
    """What is accepted along the tree is what plain causal calls say, which are made here in its place."""
    p, x = len(r.prompt), list(r.prompt)
    while len(x) < p + r.max:
        n = len(x)
        rows = r.read(x + [None, None], range(n - 1, n + 2), causal(n + 2))
        new = [likeliest(r, rows[0])]
        seed = r.settings.get("seed", 0)
        for i in (1, 2):
            mass = dict(enumerate(softmax(rows[i])))
            drafts = (likeliest(r, rows[i]), sampling.gumbel_max(mass, r.fill, seed, r.evaluations - 1, n + i, 0))
            new.append(likeliest(r, r.model(x + new, [n + i - 1], causal(n + i), None)[0]))
            if new[-1] not in drafts:
                break
        else:
            new.append(likeliest(r, r.model(x + new, [n + 2], causal(n + 3), None)[0]))
        r.evaluations += 1
        r.forwards += 1
        x += new
        if r.stops(new):
            return x[p:n] + r.through_stop(new)
    return x[p:]


def guided_diffusion(r):
    size, p = r.block, len(r.prompt)
    x = r.prompt + [None] * (max(1, -(-r.max // size)) * size)
    n = len(x)
    for lo in range(p, n, size):
        hi = lo + size
        while masked := opens(x, lo, hi):
            draft = dict(zip(masked, (likeliest(r, row) for row in r.read(x, masked, full(n)))))
            text = [draft.get(i, t) for i, t in enumerate(x[:hi])]
            guess = [likeliest(r, row) for row in r.model.guide(text, [i - 1 for i in masked], causal(hi))]
            r.evaluations += 1
            r.forwards += 1
            same = next((j for j, i in enumerate(masked) if draft[i] != guess[j]), len(masked))
            for i in masked[:max(1, same)]:
                x[i] = draft[i]
    return x[p:]


LOOPS = {"adablock": adablock, "blockgen": blockgen, "blockgen-uniform": blockgen_uniform, "cntp": cntp, "ctrldiff": ctrldiff,
         "efficient-dlm": efficient_dlm, "forced-aligner": forced_aligner, "gidd": gidd, "guided-diffusion": guided_diffusion, "hex": hexagon, "ilm": ilm,
         "knows-the-future": knows_the_future, "set-prompting": set_prompting, "softmol": softmol, "stamp": stamp, "tccf": tccf,
         "tdar": tdar, "tree": tree}
