// Chances.cpp: see Chances.h.

#include "Chances.h"

#include <algorithm>
#include <cmath>

using namespace quoin;

/// Scores that one session keeps, at most: those of 27 rows of 151,936 tokens and more of smaller vocabularies. Beyond,
/// tokens that are not among the likeliest have no chance to report.
static constexpr size_t kMostKept = size_t(4) << 20;
/// Alternatives that are always looked up, so that what was taken is among them nearly always.
static constexpr int64_t kLookedUp = 20;

void Chances::see(const quoin_scores_t &shown) {
  for (int64_t i = 0; i < shown.rows; ++i) {
    const float *scores = shown.scores + i * shown.stride;
    float highest = *std::max_element(scores, scores + shown.count);
    double sum = 0;
    for (int64_t v = 0; v < shown.count; ++v)
      sum += std::exp(double(scores[v]) - double(highest));
    Row &row = rows[shown.positions[i]];
    row.sum = double(highest) + std::log(sum);
    std::vector<int32_t> ids;
    ids.reserve(static_cast<size_t>(shown.count));
    for (int64_t v = 0; v < shown.count; ++v)
      if (v != fill)
        ids.push_back(static_cast<int32_t>(v));
    auto likelier = [&](int32_t a, int32_t b) { return scores[a] != scores[b] ? scores[a] > scores[b] : a < b; };
    auto end = ids.begin() + std::min<ptrdiff_t>(std::max(most, kLookedUp), static_cast<ptrdiff_t>(ids.size()));
    std::partial_sort(ids.begin(), end, ids.end(), likelier);
    row.likeliest.clear();
    for (auto id = ids.begin(); id != end; ++id)
      row.likeliest.emplace_back(*id, double(scores[*id]) - row.sum);
    kept -= row.scores.size();
    row.scores.clear();
    if (kept + static_cast<size_t>(shown.count) <= kMostKept)
      row.scores.assign(scores, scores + shown.count);
    kept += row.scores.size();
  }
}

void Chances::take(const quoin_change_t &change) {
  auto found = rows.find(change.position);
  if (found == rows.end())
    return;
  Row &row = found->second;
  TokenChance chance;
  chance.token = change.token;
  auto same = [&](const auto &pair) { return pair.first == change.token; };
  auto known = std::find_if(row.likeliest.begin(), row.likeliest.end(), same);
  if (known != row.likeliest.end())
    chance.logprob = known->second;
  else if (change.token >= 0 && static_cast<size_t>(change.token) < row.scores.size())
    chance.logprob = double(row.scores[static_cast<size_t>(change.token)]) - row.sum;
  else
    return;
  chance.likeliest.assign(row.likeliest.begin(),
                          row.likeliest.begin() + std::min<ptrdiff_t>(most, std::ssize(row.likeliest)));
  chosen[change.position] = std::move(chance);
}

void Chances::see(const quoin_event_t &event) {
  for (size_t i = 0; i < event.filled_count; ++i)
    take(event.filled[i]);
  for (size_t i = 0; i < event.edited_count; ++i)
    take(event.edited[i]);
  for (int64_t position = event.committed_from; position < event.committed_to; ++position)
    if (auto found = rows.find(position); found != rows.end()) {
      kept -= found->second.scores.size();
      rows.erase(found);
    }
}

bool Chances::of(int64_t position, int32_t token, TokenChance &out) const {
  auto found = chosen.find(position);
  if (found == chosen.end() || found->second.token != token)
    return false;
  out = found->second;
  return true;
}
