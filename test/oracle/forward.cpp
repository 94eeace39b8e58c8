//===- forward.cpp - a transformer in float64, for the oracle --------------===//
//
// Written from the published model code and nothing of this project: no masks but a table of bits, and no caches but
// one, for programs that reuse stale keys and values on purpose. Weights come from a file that `model.py` writes; calls
// come on standard input, scores go to standard output, in binary.
//
//   1. A call: n, r, noise seed, first, last, store, inside (int32), noise (double), n ids, n positions, r rows
//   (int32), n x n visibility bytes.
//   2. Rows from `first` up to `last` are embedded and passed through the layers; a row attends to the rows it sees.
//   Keys and values of the others are what the last call with this store left there. [0, n) is a stateless call.
//   If `inside` is not negative, only rows from there on see each other as they are: what they are asked by others, or
//   ask others, is the query, key and value that the last whole call with this store had. One softmax goes over both.
//   3. The r rows go through the last norm and the head: r x vocabulary doubles. Each gets uniform noise of the given
//   size.
//
//===----------------------------------------------------------------------===//

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

using Row = std::vector<double>;

struct Layer {
  Row norm1, q, qBias, k, kBias, v, vBias, qNorm, kNorm, o, norm2, gate, up, down;
};

struct Model {
  int32_t layers, hidden, heads, kvHeads, headDim, mlp, vocabulary, biased, qkNorm;
  double epsilon, theta;
  Row embedding, norm, head;
  std::vector<Layer> stack;
};

template <typename T> static bool readAll(FILE *f, T *into, size_t n) { return fread(into, sizeof(T), n, f) == n; }

static Row readRow(FILE *f, size_t n) {
  std::vector<float> values(n);
  if (!readAll(f, values.data(), n))
    exit(2);
  return Row(values.begin(), values.end());
}

static Model readModel(const char *path) {
  Model m;
  FILE *f = fopen(path, "rb");
  if (!f || !readAll(f, &m.layers, 9) || !readAll(f, &m.epsilon, 2))
    exit(2);
  size_t d = m.hidden, hd = m.headDim, q = m.heads * hd, kv = m.kvHeads * hd, f1 = m.mlp;
  m.embedding = readRow(f, m.vocabulary * d);
  for (int32_t i = 0; i < m.layers; ++i) {
    Layer l;
    l.norm1 = readRow(f, d);
    l.q = readRow(f, q * d), l.k = readRow(f, kv * d), l.v = readRow(f, kv * d);
    if (m.biased)
      l.qBias = readRow(f, q), l.kBias = readRow(f, kv), l.vBias = readRow(f, kv);
    if (m.qkNorm)
      l.qNorm = readRow(f, hd), l.kNorm = readRow(f, hd);
    l.o = readRow(f, d * q), l.norm2 = readRow(f, d);
    l.gate = readRow(f, f1 * d), l.up = readRow(f, f1 * d), l.down = readRow(f, d * f1);
    m.stack.push_back(l);
  }
  m.norm = readRow(f, d);
  m.head = readRow(f, m.vocabulary * d);
  fclose(f);
  return m;
}

static Row multiply(const Row &w, const Row &x, const Row &bias = {}) {
  size_t in = x.size(), out = w.size() / in;
  Row y(out);
  for (size_t i = 0; i < out; ++i) {
    double sum = 0;
    for (size_t j = 0; j < in; ++j)
      sum += w[i * in + j] * x[j];
    y[i] = sum + (bias.empty() ? 0 : bias[i]);
  }
  return y;
}

/// Root-mean-square norm of each stretch of the weight's length.
static void normalise(Row &x, const Row &w, double epsilon) {
  for (size_t from = 0; from < x.size(); from += w.size()) {
    double squares = 0;
    for (size_t i = 0; i < w.size(); ++i)
      squares += x[from + i] * x[from + i];
    double scale = 1 / std::sqrt(squares / static_cast<double>(w.size()) + epsilon);
    for (size_t i = 0; i < w.size(); ++i)
      x[from + i] *= scale * w[i];
  }
}

/// Rotates element i of each head against element i + headDim / 2.
static void rotate(Row &x, int headDim, double theta, int position) {
  int half = headDim / 2;
  for (size_t from = 0; from < x.size(); from += headDim)
    for (int i = 0; i < half; ++i) {
      double angle = position * std::pow(theta, -2.0 * i / headDim), c = std::cos(angle), s = std::sin(angle);
      double a = x[from + i], b = x[from + i + half];
      x[from + i] = a * c - b * s;
      x[from + i + half] = b * c + a * s;
    }
}

/// What one row asks each other one, and what it finds there.
struct Meeting {
  const Row *query, *key, *value;
};

static Row attend(const Model &m, const std::vector<Meeting> &all, const uint8_t *sees) {
  Row out(m.heads * m.headDim, 0.0), weight(all.size());
  int group = m.heads / m.kvHeads;
  for (int h = 0; h < m.heads; ++h) {
    const size_t at = h * m.headDim, kvAt = h / group * m.headDim;
    double highest = -INFINITY, total = 0;
    for (size_t j = 0; j < all.size(); ++j) {
      if (!sees[j])
        continue;
      double sum = 0;
      for (int i = 0; i < m.headDim; ++i)
        sum += (*all[j].query)[at + i] * (*all[j].key)[kvAt + i];
      weight[j] = sum / std::sqrt(static_cast<double>(m.headDim));
      highest = std::fmax(highest, weight[j]);
    }
    for (size_t j = 0; j < all.size(); ++j)
      if (sees[j])
        total += weight[j] = std::exp(weight[j] - highest);
    for (size_t j = 0; j < all.size(); ++j)
      if (sees[j])
        for (int i = 0; i < m.headDim; ++i)
          out[at + i] += weight[j] / total * (*all[j].value)[kvAt + i];
  }
  return out;
}

static void add(Row &x, const Row &y) {
  for (size_t i = 0; i < x.size(); ++i)
    x[i] += y[i];
}

/// Keys and values of the last call, and all of the last whole one, by layer.
struct Kept {
  std::vector<Row> k, v, wholeQ, wholeK, wholeV;
};
using Store = std::vector<Kept>;

static std::vector<Row> run(const Model &m, const std::vector<int32_t> &ids, const std::vector<int32_t> &positions,
                            const std::vector<uint8_t> &sees, size_t first, size_t last, Store &store, int inside) {
  size_t n = ids.size();
  bool whole = first == 0 && last == n;
  std::vector<Meeting> meetings(n);
  std::vector<Row> x(n), q(n);
  store.resize(m.stack.size());
  for (size_t i = first; i < last; ++i)
    x[i] = Row(m.embedding.begin() + ids[i] * m.hidden, m.embedding.begin() + (ids[i] + 1) * m.hidden);
  for (size_t layer = 0; layer < m.stack.size(); ++layer) {
    const Layer &l = m.stack[layer];
    Kept &kept = store[layer];
    std::vector<Row> &k = kept.k, &v = kept.v;
    k.resize(n), v.resize(n);
    for (size_t i = first; i < last; ++i) {
      Row y = x[i];
      normalise(y, l.norm1, m.epsilon);
      q[i] = multiply(l.q, y, l.qBias), k[i] = multiply(l.k, y, l.kBias), v[i] = multiply(l.v, y, l.vBias);
      if (m.qkNorm)
        normalise(q[i], l.qNorm, m.epsilon), normalise(k[i], l.kNorm, m.epsilon);
      rotate(q[i], m.headDim, m.theta, positions[i]);
      rotate(k[i], m.headDim, m.theta, positions[i]);
    }
    if (whole)
      kept.wholeQ = q, kept.wholeK = k, kept.wholeV = v;
    for (size_t i = first; i < last; ++i) {
      for (size_t j = 0; j < n; ++j) {
        bool now = inside < 0 || (i >= static_cast<size_t>(inside) && j >= static_cast<size_t>(inside) && j < last);
        meetings[j] = now ? Meeting{&q[i], &k[j], &v[j]} : Meeting{&kept.wholeQ[i], &kept.wholeK[j], &kept.wholeV[j]};
      }
      add(x[i], multiply(l.o, attend(m, meetings, &sees[i * n])));
      Row y = x[i];
      normalise(y, l.norm2, m.epsilon);
      Row gate = multiply(l.gate, y), up = multiply(l.up, y);
      for (size_t j = 0; j < gate.size(); ++j)
        gate[j] *= up[j] / (1 + std::exp(-gate[j]));
      add(x[i], multiply(l.down, gate));
    }
  }
  return x;
}

int main(int argc, char **argv) {
  if (argc != 2)
    return 2;
  Model m = readModel(argv[1]);
  int32_t head[7];
  double noise;
  Store stores[2];
  while (readAll(stdin, head, 7) && readAll(stdin, &noise, 1)) {
    size_t n = head[0], r = head[1];
    uint64_t state = static_cast<uint64_t>(head[2]) * 0x9E3779B97F4A7C15u + 1;
    std::vector<int32_t> ids(n), positions(n), rows(r);
    std::vector<uint8_t> sees(n * n);
    if (!readAll(stdin, ids.data(), n) || !readAll(stdin, positions.data(), n) || !readAll(stdin, rows.data(), r) ||
        !readAll(stdin, sees.data(), n * n))
      return 2;
    std::vector<Row> x = run(m, ids, positions, sees, head[3], head[4], stores[head[5] != 0], head[6]);
    for (int32_t row : rows) {
      Row y = x[row];
      normalise(y, m.norm, m.epsilon);
      Row logits = multiply(m.head, y);
      for (double &logit : logits) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        logit += noise * (static_cast<double>(state >> 11) / (1ull << 52) - 1);
      }
      fwrite(logits.data(), sizeof(double), logits.size(), stdout);
    }
    fflush(stdout);
  }
}
