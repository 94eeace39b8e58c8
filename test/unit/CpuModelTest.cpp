//===- CpuModelTest.cpp - whole steps against double precision -------------------===//
//
// A small model is lowered, and its layers and head are run as a host would: all rows at once, in parts against a
// cache, several sessions together, with one worker and with more. Numbers are compared with plain loops, promised
// equalities bit by bit.
//
//===----------------------------------------------------------------------===//

#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "passes/Pipeline.h"
#include "test/unit/CpuFixture.h"
#include "llvm/ADT/Twine.h"
#include <map>

using namespace mlir;
using namespace quoin;
using namespace quoin::cpu;
using namespace quoin::cpu::test;

namespace {
constexpr int64_t hidden = 60, heads = 6, kvHeads = 2, headDim = 24, inner = 100, vocabulary = 515, capacity = 256,
                  layers = 2;
constexpr double theta = 10000, epsilon = 1e-6;

/// The model as text; `pruned` gathers the rows read before the last layer's queries.
std::string modelText(bool pruned) {
  std::string text, body;
  auto weight = [&](const std::string &name, int64_t n, int64_t k) {
    text += "quoin.weight @" + name + " : tensor<" + std::to_string(n) + (k ? "x" + std::to_string(k) : "") +
            "xf32> from \"m\" tensor \"" + name + "\"\n";
  };
  auto type = [](int64_t w) { return "tensor<?x" + std::to_string(w) + "xf32>"; };
  weight("embed", vocabulary, hidden);
  weight("norm", hidden, 0);
  body = "%h0 = quoin.embed %ids by @embed : " + type(hidden) + "\n";
  int64_t q = heads * headDim, kv = kvHeads * headDim;
  for (int64_t l = 0; l < layers; ++l) {
    std::string s = std::to_string(l), in = "%h" + s, d = " : " + type(hidden);
    for (auto [name, n, k] : std::initializer_list<std::tuple<const char *, int64_t, int64_t>>{{"n1_", hidden, 0},
                                                                                               {"n2_", hidden, 0},
                                                                                               {"q_", q, hidden},
                                                                                               {"qb_", q, 0},
                                                                                               {"k_", kv, hidden},
                                                                                               {"v_", kv, hidden},
                                                                                               {"qn_", headDim, 0},
                                                                                               {"kn_", headDim, 0},
                                                                                               {"o_", hidden, q},
                                                                                               {"g_", inner, hidden},
                                                                                               {"u_", inner, hidden},
                                                                                               {"d_", hidden, inner}})
      weight(name + s, n, k);
    bool last = pruned && l == layers - 1;
    body += "%a" + s + " = quoin.rms_norm " + in + " by @n1_" + s + " epsilon 1.0e-6" + d + "\n";
    std::string x = "%a" + s, residual = in, positions = "%positions";
    if (last) {
      body += "%ga = quoin.gather_rows %a" + s + " at %read" + d + "\n%gh = quoin.gather_rows " + in + " at %read" + d +
              "\n";
      body += "%gp = quoin.gather_rows %positions at %read : tensor<?xindex>\n";
      x = "%ga";
      residual = "%gh";
      positions = "%gp";
    }
    auto head = [&](const std::string &name, const std::string &from, int64_t w, bool bias) {
      std::string t = type(w), v = "%" + name + s;
      body += v + " = quoin.linear " + from + " by @" + name + "_" + s + (bias ? " bias @" + name + "b_" + s : "") + d +
              " -> " + t + "\n";
      if (name == "v")
        return;
      body += v + "n = quoin.rms_norm " + v + " by @" + name + "n_" + s + " epsilon 1.0e-6 : " + t + "\n";
      body += v + "r = quoin.rotary " + v + "n at " + (name == "q" ? positions : "%positions") +
              " theta 1.0e4 head_dim 24 : " + t + "\n";
    };
    head("q", x, q, true);
    head("k", "%a" + s, kv, false);
    head("v", "%a" + s, kv, false);
    body += "%c" + s + " = quoin.attention %q" + s + "r, %k" + s + "r, %v" + s + (last ? " rows %read" : "") +
            " heads 6 kv_heads 2 head_dim 24 scale 0.2 : " + type(q) + ", " + type(kv) + ", " + type(kv) + "\n";
    body += "%o" + s + " = quoin.linear %c" + s + " by @o_" + s + " : " + type(q) + " -> " + type(hidden) + "\n";
    body += "%m" + s + " = arith.addf " + residual + ", %o" + s + d + "\n";
    body += "%b" + s + " = quoin.rms_norm %m" + s + " by @n2_" + s + " epsilon 1.0e-6" + d + "\n";
    for (const char *n : {"g", "u"})
      body += "%" + (n + s) + " = quoin.linear %b" + s + " by @" + n + "_" + s + d + " -> " + type(inner) + "\n";
    body += "%s" + s + " = quoin.swiglu %g" + s + ", %u" + s + " : " + type(inner) + "\n";
    body += "%d" + s + " = quoin.linear %s" + s + " by @d_" + s + " : " + type(inner) + " -> " + type(hidden) + "\n";
    body += "%h" + std::to_string(l + 1) + " = arith.addf %m" + s + ", %d" + s + d + "\n";
  }
  std::string h = "%h" + std::to_string(layers);
  return text + "quoin.model @m head @embed {\n^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>" +
         (pruned ? ", %read: tensor<?xindex>" : "") + "):\n" + body + "%f = quoin.rms_norm " + h +
         " by @norm epsilon 1.0e-6 : " + type(hidden) + "\nquoin.hidden %f : " + type(hidden) + "\n}\n";
}

using Row = std::vector<double>;

/// The model once more, in double.
struct Reference {
  std::map<std::string, std::unique_ptr<Matrix>> weights;

  const Matrix &get(const std::string &name) { return *weights.at(name); }
  Row norm(const Row &x, const std::string &name) {
    const Matrix &w = get(name);
    Row y(x.size());
    size_t group = w.values.size();
    for (size_t g = 0; g < x.size(); g += group) {
      double sum = 0;
      for (size_t i = 0; i < group; ++i)
        sum += x[g + i] * x[g + i];
      for (size_t i = 0; i < group; ++i)
        y[g + i] = x[g + i] / std::sqrt(sum / double(group) + epsilon) * w.values[i];
    }
    return y;
  }
  Row linear(const Row &x, const std::string &name) {
    const Matrix &w = get(name);
    Row y(w.rows);
    for (int64_t i = 0; i < w.rows; ++i)
      for (int64_t j = 0; j < w.columns; ++j)
        y[i] += x[j] * w.at(i, j);
    return y;
  }
  static void rotate(Row &x, int64_t position) {
    for (size_t base = 0; base < x.size(); base += headDim)
      for (int64_t i = 0; i < headDim / 2; ++i) {
        double angle = double(position) * std::pow(theta, -2.0 * double(i) / headDim), u = x[base + i],
               v = x[base + i + headDim / 2];
        x[base + i] = u * std::cos(angle) - v * std::sin(angle);
        x[base + i + headDim / 2] = v * std::cos(angle) + u * std::sin(angle);
      }
  }
  std::vector<Row> run(const std::vector<int32_t> &ids, const BlockMask &mask) {
    size_t n = ids.size();
    std::vector<Row> h(n);
    for (size_t i = 0; i < n; ++i)
      h[i].assign(get("embed").values.begin() + ids[i] * hidden, get("embed").values.begin() + (ids[i] + 1) * hidden);
    for (int64_t l = 0; l < layers; ++l) {
      std::string s = std::to_string(l);
      std::vector<Row> q(n), k(n), v(n);
      for (size_t i = 0; i < n; ++i) {
        Row x = norm(h[i], "n1_" + s);
        q[i] = linear(x, "q_" + s);
        for (size_t j = 0; j < q[i].size(); ++j)
          q[i][j] += get("qb_" + s).values[j];
        q[i] = norm(q[i], "qn_" + s);
        k[i] = norm(linear(x, "k_" + s), "kn_" + s);
        v[i] = linear(x, "v_" + s);
        rotate(q[i], i);
        rotate(k[i], i);
      }
      for (size_t i = 0; i < n; ++i) {
        Row c(heads * headDim);
        for (int64_t head = 0; head < heads; ++head) {
          int64_t kv = head / (heads / kvHeads) * headDim;
          double total = 0;
          for (size_t j = 0; j < n; ++j) {
            if (!mask.see({int64_t(i), int64_t(i), 0, 0}, {int64_t(j), int64_t(j), 0, 0}, {}))
              continue;
            double dot = 0;
            for (int64_t e = 0; e < headDim; ++e)
              dot += q[i][head * headDim + e] * k[j][kv + e];
            double w = std::exp(dot * 0.2);
            total += w;
            for (int64_t e = 0; e < headDim; ++e)
              c[head * headDim + e] += w * v[j][kv + e];
          }
          for (int64_t e = 0; e < headDim; ++e)
            c[head * headDim + e] /= total;
        }
        Row o = linear(c, "o_" + s);
        for (int64_t e = 0; e < hidden; ++e)
          h[i][e] += o[e];
        Row x = norm(h[i], "n2_" + s), g = linear(x, "g_" + s), u = linear(x, "u_" + s);
        for (size_t e = 0; e < g.size(); ++e)
          g[e] = g[e] / (1 + std::exp(-g[e])) * u[e];
        Row d = linear(g, "d_" + s);
        for (int64_t e = 0; e < hidden; ++e)
          h[i][e] += d[e];
      }
    }
    for (Row &row : h)
      row = norm(row, "norm");
    return h;
  }
};

class Model : public testing::TestWithParam<bool> {
protected:
  void SetUp() override {
    source = parseSourceString<ModuleOp>(modelText(GetParam()), Program::context());
    ASSERT_TRUE(source);
    llvm::StringMap<const Matrix *> matrices;
    source->walk([&](WeightOp w) {
      auto type = cast<RankedTensorType>(w.getType());
      bool vector = type.getRank() == 1;
      auto m = std::make_unique<Matrix>(vector ? 1 : type.getDimSize(0), type.getDimSize(vector ? 0 : 1));
      for (float &v : m->values)
        v = vector ? 1 + 0.3f * v : v * (w.getSymName() == "embed" ? 1.f : 0.25f);
      if (vector)
        m->rows = 0;
      matrices[w.getSymName()] = m.get();
      reference.weights[w.getSymName().str()] = std::move(m);
    });
    source->getOperation()->setAttr(module_attr::capacity, Builder(program.context()).getIndexAttr(capacity));
    PassManager stages(program.context());
    std::string error;
    ASSERT_TRUE(succeeded(buildPipeline(stages, "scheduled", "stages", {}, error))) << error;
    ASSERT_TRUE(succeeded(stages.run(*source)));
    FailureOr<StepFacts> made = emitModel(*program.module, *source->getOps<stage::StepOp>().begin(),
                                          {mask, BlockMask::causal()}, program.target->kernels, capacity);
    ASSERT_TRUE(succeeded(made));
    plan = *made;
    model = (*source->getOps<stage::StepOp>().begin()).getSymName().str();
    program.link();
    std::vector<uint8_t> file = pack(plan.weights, matrices);
    weights = std::make_unique<Aligned<uint8_t>>(file.size());
    std::copy(file.begin(), file.end(), weights->data());
  }

  /// Runs the slots [from, ids.size()) of sessions together; hidden rows of all of them, or of those read.
  std::vector<std::vector<float>> layersStep(std::vector<std::pair<Session *, std::vector<int32_t>>> sessions,
                                             std::vector<int64_t> read, int64_t workers) {
    std::vector<quoin_group_t> groups;
    std::vector<int32_t> ids, positions;
    std::vector<int64_t> readGroup;
    for (auto &[session, tokens] : sessions) {
      session->group.first_row = ids.size();
      groups.push_back(session->group);
      for (int64_t slot = session->group.first_slot; slot < session->group.slots; ++slot) {
        ids.push_back(tokens[slot]);
        positions.push_back(static_cast<int32_t>(slot));
      }
    }
    if (read.empty())
      for (size_t r = 0; r < ids.size(); ++r)
        read.push_back(r);
    for (int64_t r : read)
      readGroup.push_back(llvm::count_if(groups, [&](auto &g) { return g.first_row <= r; }) - 1);
    Aligned<uint8_t> scratch(plan.scratchRowBytes * std::max(ids.size(), read.size()), 0xff);
    std::vector<std::vector<float>> out(read.size(), std::vector<float>(hidden));
    std::vector<void *> pointers;
    for (auto &row : out)
      pointers.push_back(row.data());
    quoin_barrier_t barrier = makeBarrier();
    const quoin_operand_t operands[] = {{ids.data(), 4, 0}, {positions.data(), 4, 0}};
    const quoin_output_t results[] = {{pointers.data(), hidden * 4, 1}};
    quoin_layers_t args{weights->data(),
                        scratch.data(),
                        int64_t(ids.size()),
                        int64_t(read.size()),
                        read.data(),
                        readGroup.data(),
                        int64_t(groups.size()),
                        groups.data(),
                        operands,
                        results,
                        &barrier,
                        nullptr,
                        nullptr};
    onWorkers(workers, [&](int64_t w) { program.call("layers_step." + model, &args, w, workers); });
    return out;
  }

  std::unique_ptr<Session> session(int64_t rows, int64_t slots, int64_t m = 0) {
    PageLayout page{kvHeads, headDim};
    auto s = std::make_unique<Session>(0, rows, slots, page, m);
    // All layers share a page.
    s->storage.clear();
    s->pages.clear();
    for (int64_t t = 0; t < roundUp(slots, 64) / 64; ++t) {
      s->storage.push_back(std::make_unique<Aligned<float>>(plan.pageBytes / 4, NAN));
      s->pages.push_back(s->storage.back()->data());
    }
    s->group.pages = s->pages.data();
    return s;
  }

  BlockMask mask = BlockMask::blockCausal(8);
  OwningOpRef<ModuleOp> source;
  Program program;
  StepFacts plan;
  std::string model;
  Reference reference;
  std::unique_ptr<Aligned<uint8_t>> weights;
};

TEST_P(Model, EqualsDoublePrecisionWhoeverSharesTheStep) {
  std::vector<int32_t> ids(93), other(30);
  for (int32_t &id : ids)
    id = static_cast<int32_t>(engine() % vocabulary);
  for (int32_t &id : other)
    id = static_cast<int32_t>(engine() % vocabulary);
  auto whole = session(93, 93);
  auto all = layersStep({{whole.get(), ids}}, {}, 1);
  std::vector<Row> expected = reference.run(ids, mask);
  for (size_t r = 0; r < ids.size(); ++r)
    for (int64_t i = 0; i < hidden; ++i)
      ASSERT_NEAR(expected[r][i], all[r][i], 2e-5) << r << " " << i;

  // Two workers.
  auto twice = session(93, 93);
  EXPECT_EQ(all, layersStep({{twice.get(), ids}}, {}, 2));
  // Against a cache: the first 64 slots, then the rest together with another session.
  auto part = session(64, 64);
  auto early = layersStep({{part.get(), ids}}, {}, 1);
  for (size_t r = 0; r < 64; ++r)
    EXPECT_EQ(all[r], early[r]) << r;
  auto rest = session(29, 93), company = session(30, 30, 1);
  rest->pages[0] = part->pages[0];
  std::vector<int64_t> read = {28, 3, 0, 40, 58};
  auto late = layersStep({{rest.get(), ids}, {company.get(), other}}, read, 2);
  for (size_t i = 0; i < 3; ++i)
    EXPECT_EQ(all[64 + read[i]], late[i]) << i;
  auto alone = session(30, 30, 1);
  auto companyAlone = layersStep({{alone.get(), other}}, {11, 29}, 3);
  EXPECT_EQ(companyAlone[0], late[3]);
  EXPECT_EQ(companyAlone[1], late[4]);
}

TEST_P(Model, HeadStatisticsEqualDoublePrecision) {
  constexpr int64_t rows = 11;
  Matrix x(rows, hidden), y(rows, hidden), logits(rows, vocabulary);
  std::vector<quoin_head_row_t> row(rows);
  for (int64_t r = 0; r < rows; ++r) {
    quoin_head_row_t &h = row[r];
    h = {};
    h.hidden = x.values.data() + r * hidden;
    h.other = r == 4 ? y.values.data() + r * hidden : nullptr;
    h.guidance = 1.5f;
    h.temperature = r % 3 ? 0.0f : 0.7f + 0.1f * float(r);
    h.forbid = -1;
    h.of = int32_t(r * 47);
    h.key[0] = 99;
    h.key[1] = 7;
    h.evaluation = uint32_t(r);
    h.position = uint32_t(5 * r);
    h.raw_confidence = r == 3;
    h.logits = r == 7 || r == 4 ? logits.values.data() + r * vocabulary : nullptr;
  }
  auto run = [&](int64_t first, int64_t count, int64_t workers) {
    Aligned<uint8_t> scratch(plan.head.scratchRowBytes() * count, 0xff);
    quoin_barrier_t barrier = makeBarrier();
    quoin_head_t args{weights->data(), scratch.data(), count, row.data() + first, &barrier};
    onWorkers(workers, [&](int64_t w) { program.call("head_step." + model, &args, w, workers); });
  };
  run(0, rows, 1);
  row[1].forbid = row[1].token; // now the second best must win
  row[6].forbid = row[6].token;
  run(0, rows, 2);
  const Matrix &w = reference.get("embed");
  for (int64_t r = 0; r < rows; ++r) {
    const quoin_head_row_t &h = row[r];
    Row s(vocabulary);
    double maximum = -1e30, sum = 0, entropy = 0, best = -1e30, second = -1e30, warm = 0, key = -1e30;
    int32_t token = 0, drawn = 0;
    for (int64_t v = 0; v < vocabulary; ++v) {
      for (int64_t i = 0; i < hidden; ++i) {
        double a = x.at(r, i), b = y.at(r, i);
        s[v] += (h.other ? b + 2.5 * (a - b) : a) * w.at(v, i);
      }
      maximum = std::max(maximum, s[v]);
    }
    for (int64_t v = 0; v < vocabulary; ++v) {
      sum += std::exp(s[v] - maximum);
      if (h.temperature > 0)
        warm += std::exp((s[v] - maximum) / h.temperature);
      if (v == h.forbid)
        continue;
      if (s[v] > best) {
        second = best;
        best = s[v];
        token = v;
      } else {
        second = std::max(second, s[v]);
      }
      double u = ((philox(99, 7, v / 4, h.evaluation, h.position, 0, v % 4) >> 8) + 0.5) / 16777216.0;
      double k = h.temperature > 0 ? s[v] / h.temperature - std::log(-std::log(u)) : -1e30;
      if (k > key) {
        key = k;
        drawn = v;
      }
    }
    for (double v : s)
      entropy -= std::exp(v - maximum) / sum * (v - maximum - std::log(sum));
    bool draws = h.temperature > 0;
    EXPECT_EQ(h.token, draws ? drawn : token) << r;
    double chosen = s[draws ? drawn : token] - maximum;
    EXPECT_NEAR(h.confidence,
                draws && !h.raw_confidence ? std::exp(chosen / h.temperature) / warm : std::exp(chosen) / sum,
                quoin::tolerance::probability)
        << r;
    EXPECT_NEAR(h.probability, std::exp(s[h.of] - maximum) / sum, quoin::tolerance::probability) << r;
    EXPECT_NEAR(h.entropy, entropy, 2e-5 * (1 + entropy)) << r;
    EXPECT_NEAR(h.margin, (std::exp(best - maximum) - std::exp(second - maximum)) / sum, quoin::tolerance::probability)
        << r;
    EXPECT_NEAR(h.log_sum_exp, maximum + std::log(sum), 2e-5 * (1 + std::fabs(maximum))) << r;
    EXPECT_NEAR(h.maximum, maximum, 2e-5 * (1 + std::fabs(maximum))) << r;
    if (h.logits)
      for (int64_t v = 0; v < vocabulary; ++v)
        ASSERT_NEAR(h.logits[v], s[v], 2e-5 * (1 + std::fabs(s[v]))) << r << " " << v;
  }
  // Each row alone: the same bits.
  std::vector<quoin_head_row_t> together = row;
  for (int64_t r = 0; r < rows; ++r) {
    row[r].token = -1;
    run(r, 1, 1 + r % 3);
    EXPECT_EQ(0, std::memcmp(&together[r].token, &row[r].token, 28)) << r;
  }
}

INSTANTIATE_TEST_SUITE_P(Pruned, Model, testing::Bool());
} // namespace
