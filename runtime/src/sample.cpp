// sample.cpp: draws that need a whole row of scores.
//
// Everything is double on float scores. A draw is Gumbel-max: the kept token v with the highest log p_v - log(-log
// u_v), where u_v is random number v of the position: the same draw however the tokens are visited.

#include "sample.h"

#include <algorithm>
#include <cmath>

using namespace quoin::rt;

void quoin::rt::philox(uint32_t words[4], const uint32_t key[2]) {
  uint32_t k0 = key[0], k1 = key[1];
  for (int round = 0; round < 10; ++round) {
    uint64_t a = uint64_t(0xD2511F53u) * words[0], b = uint64_t(0xCD9E8D57u) * words[2];
    uint32_t next[4] = {uint32_t(b >> 32) ^ words[1] ^ k0, uint32_t(b), uint32_t(a >> 32) ^ words[3] ^ k1, uint32_t(a)};
    std::copy(next, next + 4, words);
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
}

double Random::uniform(uint32_t lane) const {
  uint32_t words[4] = {lane / 4, evaluation, position, stream};
  uint32_t key[2] = {uint32_t(seed), uint32_t(seed >> 32)};
  philox(words, key);
  return ((words[lane % 4] >> 8) + 0.5) / 16777216.0;
}

static double gumbel(const Random &random, int32_t token) {
  return -std::log(-std::log(random.uniform(static_cast<uint32_t>(token))));
}

bool Sampler::lists(uint8_t transform) const {
  return std::find(transforms, transforms + count, transform) != transforms + count;
}

double Sampler::drawTemperature() const {
  if (count == 0 || lists(QUOIN_TRANSFORM_GREEDY))
    return 0;
  return lists(QUOIN_TRANSFORM_TEMPERATURE) ? temperature : 1;
}

bool Sampler::filters(int64_t vocabulary) const {
  return (lists(QUOIN_TRANSFORM_TOP_K) && topK > 0 && topK < double(vocabulary)) ||
         ((lists(QUOIN_TRANSFORM_TOP_P) || lists(QUOIN_TRANSFORM_TOP_P_BELOW)) && topP < 1) ||
         (lists(QUOIN_TRANSFORM_WITHOUT_FILL) && fill >= 0);
}

bool Sampler::needsRow(int64_t vocabulary) const {
  if (drawTemperature() > 0)
    return filters(vocabulary);
  // The arg max is the same with and without transforms, but what its filtered probability is they decide.
  return lists(QUOIN_TRANSFORM_FILTERED_CONFIDENCE) && (filters(vocabulary) || scale() != 1);
}

double Sampler::scale() const {
  double product = 1;
  for (uint32_t i = 0; i < count && temperature > 0; ++i)
    if (transforms[i] == QUOIN_TRANSFORM_TEMPERATURE)
      product /= temperature;
  return product;
}

using Candidate = Scratch::Candidate;

/// The highest score, where NaN counts as plus infinity. If it is not finite the row has no softmax, and nothing is
/// drawn from it.
static float highest(const float *logits, int64_t vocabulary) {
  float top = -HUGE_VALF;
  for (int64_t v = 0; v < vocabulary; ++v)
    top = std::isnan(logits[v]) ? HUGE_VALF : std::max(top, logits[v]);
  return top;
}

/// The lowest token that has the highest score of those besides the fill token.
static int32_t argMax(const float *logits, int64_t vocabulary, int32_t fill) {
  int32_t chosen = -1;
  float top = 0;
  for (int64_t v = 0; v < vocabulary; ++v) {
    float score = std::isnan(logits[v]) ? HUGE_VALF : logits[v];
    if (v == fill || (chosen >= 0 && !(score > top)))
      continue;
    chosen = int32_t(v);
    top = score;
  }
  return std::max(chosen, 0);
}

/// Higher scores first, then lower ids.
static bool before(const Candidate &a, const Candidate &b) {
  return a.logit != b.logit ? a.logit > b.logit : a.token < b.token;
}

static bool after(const Candidate &a, const Candidate &b) { return before(b, a); }

/// Keeps the tokens whose mass before them is at most p, or (`below`) whose mass up to and with them is; the first
/// always. A heap gives the tokens in falling order, of which few are needed; the kept ones end at the back.
static Candidate *keepMass(Candidate *first, Candidate *last, double scale, double p, bool below) {
  if (first == last)
    return first;
  double top = double(std::min_element(first, last, before)->logit);
  double total = 0;
  for (Candidate *c = first; c != last; ++c)
    total += std::exp((double(c->logit) - top) * scale);
  std::make_heap(first, last, after);
  double mass = 0;
  Candidate *end = last;
  while (end != first) {
    double here = std::exp((double(first->logit) - top) * scale);
    if (end != last && (below ? mass + here : mass) > p * total)
      break;
    mass += here;
    std::pop_heap(first, end, after);
    --end;
  }
  return end;
}

/// Statistics of candidates whose scores are multiplied by `scale`.
static FilteredFacts describe(const Candidate *first, const Candidate *last, double scale, int32_t fill) {
  if (first == last)
    return {0, 0, 0, -HUGE_VAL};
  double top = double(std::min_element(first, last, before)->logit), total = 0;
  for (const Candidate *c = first; c != last; ++c)
    total += std::exp((double(c->logit) - top) * scale);
  double entropy = 0, best = 0, second = 0;
  for (const Candidate *c = first; c != last; ++c) {
    double p = std::exp((double(c->logit) - top) * scale) / total;
    entropy -= p > 0 ? p * std::log(p) : 0;
    if (c->token == fill)
      continue;
    second = std::max(second, std::min(best, p));
    best = std::max(best, p);
  }
  return {best, entropy, best - second, top * scale + std::log(total)};
}

Draw quoin::rt::drawFiltered(const float *logits, int64_t vocabulary, const Sampler &sampler, const Random &random,
                             Candidate *scratch, FilteredFacts *facts) {
  if (!std::isfinite(highest(logits, vocabulary))) {
    if (facts)
      *facts = {std::nan(""), std::nan(""), std::nan(""), std::nan("")};
    return {argMax(logits, vocabulary, sampler.fill), std::nan(""), std::nan("")};
  }
  Candidate *first = scratch, *last = scratch + vocabulary;
  for (int64_t v = 0; v < vocabulary; ++v)
    scratch[v] = {logits[v], int32_t(v)};
  double scale = 1; // positive, so it never changes an order
  for (uint32_t i = 0; i < sampler.count; ++i) {
    switch (sampler.transforms[i]) {
    case QUOIN_TRANSFORM_TEMPERATURE:
      if (sampler.temperature > 0) // at 0 it is left out: a limit in which everything else would be lost
        scale /= sampler.temperature;
      break;
    case QUOIN_TRANSFORM_TOP_K:
      if (sampler.topK > 0 && sampler.topK < double(last - first)) {
        std::nth_element(first, first + int64_t(sampler.topK) - 1, last, before);
        last = first + int64_t(sampler.topK);
      }
      break;
    case QUOIN_TRANSFORM_TOP_P:
    case QUOIN_TRANSFORM_TOP_P_BELOW:
      if (sampler.topP < 1)
        first = keepMass(first, last, scale, sampler.topP, sampler.transforms[i] == QUOIN_TRANSFORM_TOP_P_BELOW);
      break;
    case QUOIN_TRANSFORM_WITHOUT_FILL:
      last = std::remove_if(first, last, [&](const Candidate &c) { return c.token == sampler.fill; });
      break;
    default:
      break;
    }
  }

  if (facts)
    *facts = describe(first, last, scale, sampler.fill);
  double top = first == last ? 0 : double(std::min_element(first, last, before)->logit);
  double total = 0, best = -HUGE_VAL, bestLogit = 0;
  bool draws = sampler.drawTemperature() > 0;
  int32_t chosen = -1;
  for (Candidate *c = first; c != last; ++c) {
    double score = (double(c->logit) - top) * scale;
    total += std::exp(score);
    if (c->token == sampler.fill)
      continue;
    double noisy = draws ? score + gumbel(random, c->token) : score;
    if (noisy > best || (noisy == best && c->token < chosen)) {
      best = noisy;
      bestLogit = score;
      chosen = c->token;
    }
  }
  if (chosen >= 0)
    return {chosen, std::exp(bestLogit) / total, bestLogit - std::log(total)};
  // Only the fill token was kept, and it is never an answer: the best of the others, which has no mass.
  return {argMax(logits, vocabulary, sampler.fill), 0.0, -HUGE_VAL};
}

/// Sum of exponentials below the highest score.
static double massBelow(float top, const float *logits, int64_t vocabulary) {
  double total = 0;
  for (int64_t v = 0; v < vocabulary; ++v)
    total += std::exp(double(logits[v]) - top);
  return total;
}

Draw quoin::rt::drawResidual(const float *logits, const float *minus, int64_t vocabulary, int32_t fill,
                             const Random &random) {
  float top = highest(logits, vocabulary), minusTop = highest(minus, vocabulary);
  if (!std::isfinite(top) || !std::isfinite(minusTop))
    return {argMax(logits, vocabulary, fill), std::nan(""), std::nan("")};
  double total = massBelow(top, logits, vocabulary), minusTotal = massBelow(minusTop, minus, vocabulary);
  for (bool residual : {true, false}) {
    double best = -HUGE_VAL, mass = 0, chosenMass = 0;
    int32_t chosen = -1;
    for (int64_t v = 0; v < vocabulary; ++v) {
      double q = std::exp(double(logits[v]) - top) / total;
      if (residual)
        q = std::max(q - std::exp(double(minus[v]) - minusTop) / minusTotal, 0.0);
      mass += q;
      if (v == fill || !(q > 0))
        continue;
      double noisy = std::log(q) + gumbel(random, int32_t(v));
      if (noisy > best) {
        best = noisy;
        chosen = int32_t(v);
        chosenMass = q;
      }
    }
    if (chosen >= 0)
      return {chosen, chosenMass / mass, std::log(chosenMass / mass)};
  }
  return {argMax(logits, vocabulary, fill), 0.0, -HUGE_VAL};
}

void quoin::rt::chooseLikeliest(const float *logits, int64_t vocabulary, int32_t fill, int64_t count, double logSumExp,
                                Candidate *scratch, int32_t *out, float *probabilities) {
  Candidate *last = scratch;
  for (int64_t v = 0; v < vocabulary; ++v)
    if (v != fill)
      *last++ = {std::isnan(logits[v]) ? HUGE_VALF : logits[v], int32_t(v)};
  std::partial_sort(scratch, scratch + count, last, before);
  for (int64_t i = 0; i < count; ++i) {
    out[i] = scratch[i].token;
    probabilities[i] = float(std::exp(double(scratch[i].logit) - logSumExp)); // NaN without a softmax
  }
}
