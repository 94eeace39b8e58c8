// generate.cpp - attention and the packed product once more, written in Halide and compiled ahead of time.
//
// halide-generate FOLDER writes halide_<name>.a and .h for each kernel. They are what the tests compare ours with, and
// what bench/peers/halide/time.cpp races: another compiler, other loops, the same functions. All arithmetic is f32.
//
//   attention   8 query heads that share 2 key heads, head size 64, any lengths; one kernel per mask, whose formula is
//               written inline. A tile of queries computes its scores over the keys that any of its rows may see, then
//               its softmax, then its sums of values.
//   product     rows of 1024 features times a weight packed as ours: panels of 64 columns, [N / 64][K][64].

#include <Halide.h>
#include <cmath>
#include <functional>
#include <string>

using namespace Halide;

namespace {

constexpr int heads = 8, keyHeads = 2, headDim = 64, features = 1024;
constexpr int queryTile = 8;

struct Mask {
  std::string name;
  std::function<Expr(Expr q, Expr k)> see;
  std::function<Expr(Expr first, Expr last)> low, high; // keys [low, high) that queries first .. last may see, clamped
};

Expr floorDivide(Expr a, int b) { return a / b; } // Halide's division of integers rounds down already

void attention(const Mask &mask, const std::string &folder, const Target &target) {
  ImageParam query(Float(32), 3, "q"), key(Float(32), 3, "k"), value(Float(32), 3, "v"); // [head_dim, heads, tokens]
  Var d("d"), h("h"), q("q"), k("k"), t("t"), g("g"), i("i");
  Expr keys = key.dim(2).extent(), first = t * queryTile, last = first + queryTile - 1;
  Expr low = clamp(mask.low(first, last), 0, keys), high = clamp(mask.high(first, last), low, keys);

  Func turned("turned"); // keys by feature, so that a vector holds neighbouring keys
  turned(k, d, g) = key(d, g, clamp(k, 0, keys - 1));

  // Of row i of query tile t.
  Expr row = min(t * queryTile + i, query.dim(2).extent() - 1), group = h / (heads / keyHeads);
  Func scores("scores"), top("top"), weights("weights"), total("total"), sums("sums"), out("out");
  RDom f(0, headDim, "f"), all(0, keys, "all");
  all.where(all >= low && all < high);
  scores(k, i, t, h) = 0.0f;
  scores(k, i, t, h) += query(f, h, row) * turned(k, f, group);
  Expr scaled = scores(k, i, t, h) * float(1 / std::sqrt(double(headDim)));
  Func masked("masked");
  masked(k, i, t, h) = select(mask.see(t * queryTile + i, k), scaled, -1e30f);
  top(i, t, h) = -1e30f;
  top(i, t, h) = max(top(i, t, h), masked(all, i, t, h));
  weights(k, i, t, h) = select(mask.see(t * queryTile + i, k), fast_exp(masked(k, i, t, h) - top(i, t, h)), 0.0f);
  total(i, t, h) = 0.0f;
  total(i, t, h) += weights(all, i, t, h);
  sums(d, i, t, h) = 0.0f;
  sums(d, i, t, h) += weights(all, i, t, h) * value(d, group, all);
  Expr sum = total(q % queryTile, q / queryTile, h);
  out(d, h, q) = select(sum > 0, sums(d, q % queryTile, q / queryTile, h) / sum, 0.0f);

  const int lanes = target.natural_vector_size<float>();
  Var qo("qo"), qi("qi");
  out.split(q, qo, qi, queryTile, TailStrategy::GuardWithIf).reorder(d, qi, h, qo).vectorize(d, lanes).parallel(qo);
  sums.compute_at(out, h).vectorize(d, lanes).update().reorder(d, i, all).vectorize(d, lanes).unroll(d).unroll(i);
  total.compute_at(out, h).vectorize(i).update().reorder(i, all).vectorize(i);
  top.compute_at(out, h).vectorize(i).update().reorder(i, all).vectorize(i);
  weights.compute_at(out, h).vectorize(k, lanes);
  scores.compute_at(out, h).vectorize(k, lanes);
  Var ko("ko"), ki("ki");
  scores.update()
      .split(k, ko, ki, 2 * lanes, TailStrategy::RoundUp)
      .reorder(ki, i, f, ko)
      .vectorize(ki, lanes)
      .unroll(ki)
      .unroll(i);
  turned.compute_root().vectorize(k, lanes);

  for (ImageParam *p : {&query, &key, &value})
    p->dim(0).set_bounds(0, headDim).dim(1).set_stride(headDim).set_bounds(0, p == &query ? heads : keyHeads);
  out.output_buffer().dim(0).set_bounds(0, headDim).dim(1).set_stride(headDim).set_bounds(0, heads);
  std::string name = "halide_attention_" + mask.name;
  out.compile_to_static_library(folder + "/" + name, {query, key, value}, name, target);
}

void product(const std::string &folder, const Target &target) {
  ImageParam rows(Float(32), 2, "rows"), weight(Float(32), 3, "weight"); // [K, M], [64, K, N / 64]
  Var n("n"), m("m"), ni("ni"), no("no"), mi("mi"), mo("mo");
  RDom k(0, features, "k");
  Func sum("sum"), out("out");
  sum(ni, no, m) = 0.0f;
  sum(ni, no, m) += rows(k, m) * weight(ni, k, no);
  out(n, m) = sum(n % 64, n / 64, m);
  const int lanes = target.natural_vector_size<float>();
  Var column("column"), panel("panel");
  out.align_bounds(n, 64)
      .split(n, panel, column, 64)
      .split(m, mo, mi, 4)
      .reorder(column, mi, mo, panel)
      .vectorize(column, lanes)
      .unroll(column)
      .unroll(mi)
      .parallel(panel);
  sum.compute_at(out, mo).bound_extent(ni, 64).vectorize(ni, lanes).unroll(ni).unroll(m);
  sum.update().reorder(ni, m, no, k).vectorize(ni, lanes).unroll(ni).unroll(m);
  rows.dim(0).set_bounds(0, features);
  weight.dim(0).set_bounds(0, 64).dim(1).set_stride(64).set_bounds(0, features).dim(2).set_stride(64 * features);
  out.compile_to_static_library(folder + "/halide_product", {rows, weight}, "halide_product", target);
}

} // namespace

int main(int argc, char **argv) {
  if (argc != 2)
    return 2;
  Target target = get_host_target();
  auto none = [](Expr, Expr) { return Expr(0); };
  auto every = [](Expr, Expr) { return Expr(1 << 30); };
  auto upTo = [](Expr, Expr last) { return last + 1; };
  attention({"full", [](Expr, Expr k) { return k >= 0; }, none, every}, argv[1], target);
  attention({"causal", [](Expr q, Expr k) { return k <= q; }, none, upTo}, argv[1], target);
  attention({"blocks", [](Expr q, Expr k) { return floorDivide(k, 32) <= floorDivide(q, 32); }, none,
             [](Expr, Expr last) { return (floorDivide(last, 32) + 1) * 32; }},
            argv[1], target);
  attention({"window", [](Expr q, Expr k) { return k <= q && q - k < 100; },
             [](Expr first, Expr) { return first - 99; }, upTo},
            argv[1], target);
  product(argv[1], target);
  return 0;
}
