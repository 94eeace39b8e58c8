//===- Sampling.cpp - samplers and statistics ------------------------------===//

#include "dialects/reference/Sampling.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>

using namespace quoin;
using namespace quoin::ref;

namespace {

constexpr double lowest = -std::numeric_limits<double>::infinity();

/// A token that is still in the race, and its score as the transforms left it.
struct Candidate {
  int32_t token;
  double score;
};

} // namespace

static constexpr double notANumber = std::numeric_limits<double>::quiet_NaN();

/// NaN counts as plus infinity.
static double ordered(double score) { return std::isnan(score) ? -lowest : score; }

static bool hasSoftmax(llvm::ArrayRef<double> logits) {
  double highest = lowest;
  for (double score : logits)
    highest = std::max(highest, ordered(score));
  return std::isfinite(highest);
}

/// Highest score first, ties by id.
static bool better(const Candidate &a, const Candidate &b) {
  return a.score != b.score ? a.score > b.score : a.token < b.token;
}

static std::vector<Candidate> allTokens(llvm::ArrayRef<double> logits) {
  std::vector<Candidate> all;
  for (auto [token, score] : llvm::enumerate(logits))
    all.push_back({static_cast<int32_t>(token), ordered(score)});
  return all;
}

/// The probability of each candidate among them.
static std::vector<double> softmax(llvm::ArrayRef<Candidate> candidates) {
  double highest = lowest, total = 0;
  for (const Candidate &c : candidates)
    highest = std::max(highest, c.score);
  std::vector<double> p;
  for (const Candidate &c : candidates)
    total += p.emplace_back(std::exp(c.score - highest));
  for (double &x : p)
    x /= total;
  return p;
}

/// The logarithm of the probability of one token among candidates.
static double logProbability(llvm::ArrayRef<Candidate> candidates, int32_t token) {
  double highest = lowest, total = 0, score = lowest;
  for (const Candidate &c : candidates)
    highest = std::max(highest, c.score);
  for (const Candidate &c : candidates) {
    total += std::exp(c.score - highest);
    if (c.token == token)
      score = c.score;
  }
  return score - highest - std::log(total);
}

/// The logarithm of the sum of their exponentials.
static double logMass(llvm::ArrayRef<Candidate> candidates) {
  double highest = lowest, total = 0;
  for (const Candidate &c : candidates)
    highest = std::max(highest, c.score);
  for (const Candidate &c : candidates)
    total += std::exp(c.score - highest);
  return candidates.empty() ? lowest : highest + std::log(total);
}

static double entropyOf(llvm::ArrayRef<double> probabilities) {
  double entropy = 0;
  for (double p : probabilities)
    entropy -= p > 0 ? p * std::log(p) : 0;
  return entropy;
}

/// The probabilities of the two likeliest that may be chosen, 0 where there is none.
static std::pair<double, double> twoLikeliest(llvm::ArrayRef<Candidate> candidates,
                                              llvm::ArrayRef<double> probabilities, int32_t fill) {
  double first = 0, second = 0;
  for (auto [c, p] : llvm::zip(candidates, probabilities)) {
    if (c.token == fill)
      continue;
    second = std::max(second, std::min(first, p));
    first = std::max(first, p);
  }
  return {first, second};
}

/// The best candidate that is not the fill token; -1 if there is no other.
static int32_t argMax(llvm::ArrayRef<Candidate> candidates, int32_t fill) {
  const Candidate *best = nullptr;
  for (const Candidate &c : candidates)
    if (c.token != fill && (!best || better(c, *best)))
      best = &c;
  return best ? best->token : -1;
}

/// Nucleus: tokens in falling order while the mass before them, or with `below` up to and with them, is at most p.
static void keepNucleus(std::vector<Candidate> &candidates, double p, bool below) {
  if (p >= 1 || candidates.empty())
    return;
  std::sort(candidates.begin(), candidates.end(), better);
  std::vector<double> probability = softmax(candidates);
  double mass = below ? probability[0] : 0;
  size_t kept = 0;
  // The first token always stays.
  while (kept < candidates.size() && (kept == 0 || mass <= p)) {
    mass += below ? (kept + 1 < candidates.size() ? probability[kept + 1] : 0) : probability[kept];
    ++kept;
  }
  candidates.resize(kept);
}

static void apply(Transform transform, const SamplerNumbers &numbers, int32_t fill,
                  std::vector<Candidate> &candidates) {
  switch (transform) {
  case Transform::Temperature:
    // At 0 it is left out: a limit in which everything else would be lost.
    if (numbers.temperature > 0)
      for (Candidate &c : candidates)
        c.score /= numbers.temperature;
    return;
  case Transform::TopK:
    if (numbers.topK > 0 && numbers.topK < static_cast<double>(candidates.size())) {
      std::sort(candidates.begin(), candidates.end(), better);
      candidates.resize(static_cast<size_t>(numbers.topK));
    }
    return;
  case Transform::TopP:
  case Transform::TopPBelow:
    return keepNucleus(candidates, numbers.topP, transform == Transform::TopPBelow);
  case Transform::WithoutFill:
    llvm::erase_if(candidates, [&](const Candidate &c) { return c.token == fill; });
    return;
  case Transform::RawConfidence:
  case Transform::FilteredConfidence:
  case Transform::Greedy:
    return;
  }
}

bool quoin::ref::draws(llvm::ArrayRef<Transform> transforms, const SamplerNumbers &numbers) {
  if (transforms.empty() || llvm::is_contained(transforms, Transform::Greedy))
    return false;
  return !llvm::is_contained(transforms, Transform::Temperature) || numbers.temperature > 0;
}

/// Gumbel-max over candidates with positive mass. -1 if there is none but the fill token.
static int32_t draw(llvm::ArrayRef<Candidate> candidates, llvm::ArrayRef<double> mass, int32_t fill,
                    const DrawName &name, double *probability = nullptr) {
  Candidate best = {-1, lowest};
  for (auto [c, p] : llvm::zip(candidates, mass)) {
    if (c.token == fill || !(p > 0))
      continue;
    Candidate noisy = {c.token, std::log(p) + gumbel(name, static_cast<uint32_t>(c.token))};
    if (best.token >= 0 && !better(noisy, best))
      continue;
    best = noisy;
    if (probability)
      *probability = p;
  }
  return best.token;
}

RowScore quoin::ref::scoreRow(llvm::ArrayRef<double> logits, int32_t fill, llvm::ArrayRef<Transform> transforms,
                              const SamplerNumbers &numbers, const DrawName &name, int32_t of) {
  std::vector<Candidate> candidates = allTokens(logits);
  if (!hasSoftmax(logits))
    return {argMax(candidates, fill),
            notANumber,
            notANumber,
            notANumber,
            notANumber,
            of >= 0 ? notANumber : 0,
            notANumber,
            notANumber,
            notANumber,
            notANumber,
            notANumber,
            notANumber};
  std::vector<double> raw = softmax(candidates);
  RowScore result;
  result.entropy = entropyOf(raw);
  result.mass = logMass(candidates);
  result.normalizedEntropy = raw.size() > 1 ? result.entropy / std::log(static_cast<double>(raw.size())) : 0;
  if (of >= 0)
    result.probability = raw[of];

  auto [first, second] = twoLikeliest(candidates, raw, fill);
  result.margin = first - second;

  std::vector<Candidate> left = candidates;
  for (Transform t : transforms)
    apply(t, numbers, fill, left);
  std::vector<double> filtered = softmax(left);
  std::tie(first, second) = twoLikeliest(left, filtered, fill);
  result.filteredBest = first;
  result.filteredMargin = first - second;
  result.filteredEntropy = entropyOf(filtered);
  result.filteredMass = logMass(left);

  bool drawn = draws(transforms, numbers);
  if (!drawn && !llvm::is_contained(transforms, Transform::FilteredConfidence)) {
    result.token = argMax(candidates, fill);
    result.confidence = result.token < 0 ? 0 : raw[result.token];
    result.logConfidence = logProbability(candidates, result.token);
    return result;
  }
  if (drawn) {
    result.token = draw(left, filtered, fill, name, &result.confidence);
  } else {
    result.token = argMax(left, fill);
    for (auto [c, p] : llvm::zip(left, filtered))
      if (c.token == result.token)
        result.confidence = p;
  }
  result.logConfidence = logProbability(left, result.token);
  // Only the fill token was kept, and it is never an answer: the best of the others, which has no mass.
  if (result.token < 0)
    result.token = argMax(allTokens(logits), fill);
  if (llvm::is_contained(transforms, Transform::RawConfidence) && result.token >= 0) {
    result.confidence = raw[result.token];
    result.logConfidence = logProbability(allTokens(logits), result.token);
  }
  return result;
}

int32_t quoin::ref::drawResidual(llvm::ArrayRef<double> logits, llvm::ArrayRef<double> minus, int32_t fill,
                                 const DrawName &name) {
  std::vector<Candidate> tokens = allTokens(logits);
  if (!hasSoftmax(logits) || !hasSoftmax(minus))
    return argMax(tokens, fill);
  std::vector<double> q = softmax(tokens), p = softmax(allTokens(minus)), rest(q.size());
  for (size_t i = 0; i < q.size(); ++i)
    rest[i] = std::max(q[i] - p[i], 0.0);
  int32_t token = draw(tokens, rest, fill, name);
  if (token < 0)
    token = draw(tokens, q, fill, name);
  return token >= 0 ? token : argMax(tokens, fill);
}

std::vector<std::pair<int32_t, double>> quoin::ref::likeliestTokens(llvm::ArrayRef<double> logits, int32_t fill,
                                                                    int64_t count) {
  std::vector<Candidate> all = allTokens(logits);
  std::vector<double> raw = softmax(all);
  bool defined = hasSoftmax(logits);
  llvm::erase_if(all, [&](const Candidate &c) { return c.token == fill; });
  llvm::sort(all, better);
  std::vector<std::pair<int32_t, double>> tokens;
  for (const Candidate &each : llvm::ArrayRef(all).take_front(static_cast<size_t>(count)))
    tokens.emplace_back(each.token, defined ? raw[static_cast<size_t>(each.token)] : notANumber);
  return tokens;
}
