"""Random numbers and samplers: Philox4x32-10, Gumbel-max, transforms in a stated order."""
import math

WORD = 0xFFFFFFFF


def philox(key, counter):
    """Four words of Philox4x32 with ten rounds."""
    k0, k1 = key
    a, b, c, d = counter
    for _ in range(10):
        p, q = 0xD2511F53 * a, 0xCD9E8D57 * c
        a, b, c, d = (q >> 32) ^ b ^ k0, q & WORD, (p >> 32) ^ d ^ k1, p & WORD
        k0, k1 = (k0 + 0x9E3779B9) & WORD, (k1 + 0xBB67AE85) & WORD
    return a, b, c, d


def uniform(seed, evaluation, position, stream, lane=0):
    words = philox((seed & WORD, seed >> 32 & WORD), (lane // 4, evaluation, position, stream))
    return ((words[lane % 4] >> 8) + 0.5) / 2**24


def uniforms(seed, evaluation, position, stream, lanes):
    """The numbers of these lanes."""
    key, memo, out = (seed & WORD, seed >> 32 & WORD), {}, {}
    for lane in lanes:
        words = memo.get(lane // 4)
        if words is None:
            words = memo[lane // 4] = philox(key, (lane // 4, evaluation, position, stream))
        out[lane] = ((words[lane % 4] >> 8) + 0.5) / 2**24
    return out


def softmax(scores):
    top = max(scores)
    e = [math.exp(s - top) for s in scores]
    total = sum(e)
    return [x / total for x in e]


def entropy(scores):
    return -sum(p * math.log(p) for p in softmax(scores) if p > 0)


def best(scores, tokens, fill):
    """Token with the highest score that is not the fill token; the lowest id among equals."""
    return max((v for v in tokens if v != fill), key=lambda v: (scores[v], -v))


def gumbel_max(mass, fill, seed, evaluation, position, stream):
    """Draws from token -> mass; None if only the fill token has any."""
    tokens = [v for v in mass if v != fill and mass[v] > 0]
    if not tokens:
        return None
    u = uniforms(seed, evaluation, position, stream, tokens)
    return max(tokens, key=lambda v: (math.log(mass[v]) - math.log(-math.log(u[v])), -v))


def leave(scores, order, fill, settings):
    """What the transforms leave: the tokens, best first, and all scores as they are then."""
    t, k, p = settings.get("temperature", 0), settings.get("top_k", 0), settings.get("top_p", 1)
    kept, z = sorted(range(len(scores)), key=lambda v: (-scores[v], v)), list(scores)
    for step in order:
        if step == "T":
            z = [s / t for s in z] if t else z
        elif step == "f":
            kept = [v for v in kept if v != fill]
        elif step == "k":
            kept = kept[:k] if k else kept
        elif step in "pn" and p < 1:
            mass, n = 0, 0
            for q in softmax([z[v] for v in kept]):
                if n and (mass + q if step == "n" else mass) > p:
                    break
                mass, n = mass + q, n + 1
            kept = kept[:n]
    return kept, z


def sample(scores, order, fill, settings, evaluation, position, raw=False, filtered=False):
    """Token and confidence of a row. `order` has T, k, p, as the system states; n is BD3-LM's nucleus, f drops the fill token, g
    takes the arg max. The confidence of a draw is of what the transforms leave and that of an arg max of all scores, unless `raw`
    or `filtered` says otherwise; at temperature 0 T changes nothing."""
    greedy = settings.get("temperature", 0) == 0 and "T" in order or "g" in order or not order
    if greedy and not filtered:
        token = best(scores, range(len(scores)), fill)
        return token, softmax(scores)[token]
    kept, z = leave(scores, order, fill, settings)
    mass = dict(zip(kept, softmax([z[v] for v in kept])))
    if greedy:
        token = next((v for v in kept if v != fill), None)
    else:
        token = gumbel_max(mass, fill, settings.get("seed", 0), evaluation, position, 0)
    if token is None:
        token = best(scores, range(len(scores)), fill)
    return token, softmax(scores)[token] if raw else mass.get(token, 0)
