//===- ModelText.cpp - the model and its weights as text -------------------===//

#include "compiler/import/ModelText.h"
#include "compiler/import/ConfigReader.h"
#include "support/JsonText.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"
#include <cmath>
#include <set>

using namespace quoin;

namespace {

/// How a family names the tensors of a layer.
struct TensorNames {
  const char *embed, *norm, *head, *layers;
  const char *attentionNorm, *query, *key, *value, *out, *queryNorm, *keyNorm;
  const char *mlpNorm, *gate, *up, *down;
};

constexpr TensorNames qwenNames = {"model.embed_tokens", "model.norm",       "lm_head",
                                   "model.layers.",      "input_layernorm",  "self_attn.q_proj",
                                   "self_attn.k_proj",   "self_attn.v_proj", "self_attn.o_proj",
                                   "self_attn.q_norm",   "self_attn.k_norm", "post_attention_layernorm",
                                   "mlp.gate_proj",      "mlp.up_proj",      "mlp.down_proj"};

constexpr TensorNames lladaNames = {"model.transformer.wte",
                                    "model.transformer.ln_f",
                                    "model.transformer.ff_out",
                                    "model.transformer.blocks.",
                                    "attn_norm",
                                    "q_proj",
                                    "k_proj",
                                    "v_proj",
                                    "attn_out",
                                    "q_norm",
                                    "k_norm",
                                    "ff_norm",
                                    "ff_proj",
                                    "up_proj",
                                    "ff_out"};

class Writer {
public:
  using Warn = std::function<void(const std::string &)>;
  Writer(const Architecture &architecture, const CheckpointFiles &checkpoint, const Warn &listener,
         std::string &message)
      : a(architecture), files(checkpoint), warn(listener), error(message),
        names(a.lladaNames ? lladaNames : qwenNames) {}

  std::optional<std::string> run();

private:
  bool weight(const std::string &symbol, const std::string &tensor, const std::vector<int64_t> &shape);
  bool isTied(std::string &embed);
  void refuseUncountedLayers();
  void refuseUnreadBiases();
  void nameUnread() const;
  bool decide(Presence wish, const std::string &tensor, const char *what, bool &used);
  std::string linear(const std::string &result, const std::string &input, const std::string &symbol,
                     const std::string &tensor, int64_t in, int64_t out, Presence bias, const char *biasKey);
  std::string norm(const std::string &result, const std::string &input, const std::string &symbol, int64_t width) const;
  void layer(int64_t index);
  void queryOrKey(const std::string &which, const std::string &layerSymbol, const std::string &layerTensor,
                  const std::string &suffix, const char *projection, const char *normName, int64_t heads);
  static std::string rows(int64_t width) { return "tensor<?x" + std::to_string(width) + "xf32>"; }

  const Architecture &a;
  const CheckpointFiles &files;
  Warn warn;
  std::string &error;
  const TensorNames &names;
  std::string body, weights;
  std::set<std::string> read; // tensors that the model has, or that were compared with one of those
};

/// Declares a weight, which must be there with this shape.
bool Writer::weight(const std::string &symbol, const std::string &tensor, const std::vector<int64_t> &shape) {
  if (!error.empty())
    return false;
  const CheckpointFiles::Tensor *found = files.require(tensor, shape, error);
  if (!found)
    return false;
  read.insert(tensor);
  std::string type = "tensor<";
  for (int64_t d : shape)
    type += std::to_string(d) + "x";
  type += found->dtype == DType::F32 ? "f32>" : found->dtype == DType::BF16 ? "bf16>" : "f16>";
  weights += "quoin.weight @" + symbol + " : " + type + " from " + mlirString(found->file) + " tensor " +
             mlirString(tensor) + "\n";
  return true;
}

/// Is this tensor used? One that config.json denies must not be there: it would silently be left out. A bias of zeros
/// may, as it adds nothing.
bool Writer::decide(Presence wish, const std::string &tensor, const char *what, bool &used) {
  const CheckpointFiles::Tensor *there = files.find(tensor);
  used = wish == Presence::Yes || (wish == Presence::IfThere && there);
  if (wish != Presence::No || !there || !error.empty())
    return error.empty();
  bool bias = tensor.ends_with(".bias");
  std::string ignored;
  if (bias && files.require(tensor, there->shape, ignored) && files.allZero(tensor, ignored))
    return true;
  error = "config.json: " + std::string(what) + " expects no tensor '" + tensor + "'" +
          (bias ? " other than zeros" : "") + ", but the checkpoint has it";
  return false;
}

std::string Writer::linear(const std::string &result, const std::string &input, const std::string &symbol,
                           const std::string &tensor, int64_t in, int64_t out, Presence bias, const char *biasKey) {
  bool biased = false;
  if (!weight(symbol, tensor + ".weight", {out, in}) || !decide(bias, tensor + ".bias", biasKey, biased))
    return {};
  std::string text = "%" + result + " = quoin.linear %" + input + " by @" + symbol;
  if (biased && weight(symbol + ".bias", tensor + ".bias", {out}))
    text += " bias @" + symbol + ".bias";
  return "  " + text + " : " + rows(in) + " -> " + rows(out) + "\n";
}

std::string Writer::norm(const std::string &result, const std::string &input, const std::string &symbol,
                         int64_t width) const {
  return "  %" + result + " = quoin.rms_norm %" + input + " by @" + symbol + " epsilon " + realText(a.epsilon) + " : " +
         rows(width) + "\n";
}

/// Projection, norm of each head where the family has it, rotation.
void Writer::queryOrKey(const std::string &which, const std::string &layerSymbol, const std::string &layerTensor,
                        const std::string &suffix, const char *projection, const char *normName, int64_t heads) {
  int64_t width = heads * a.headDim;
  std::string value = which + suffix;
  body += linear(value, "n" + suffix, layerSymbol + which + "_proj", layerTensor + projection, a.hidden, width,
                 a.queryBias, "'attention_bias'");
  bool normed = false;
  if (!decide(a.queryKeyNorm, layerTensor + normName + ".weight", "'qk_norm'", normed))
    return;
  if (normed && weight(layerSymbol + which + "_norm", layerTensor + normName + ".weight", {a.headDim})) {
    body += norm(which + "n" + suffix, value, layerSymbol + which + "_norm", width);
    value = which + "n" + suffix;
  }
  body += "  %" + which + "r" + suffix + " = quoin.rotary %" + value + " at %positions theta " + realText(a.theta) +
          " head_dim " + std::to_string(a.headDim) + " : " + rows(width) + "\n";
}

void Writer::layer(int64_t index) {
  std::string i = std::to_string(index), symbol = "layers." + i + ".", tensor = names.layers + i + ".";
  std::string input = index == 0 ? "embedded" : "x" + std::to_string(index - 1);
  int64_t queryWidth = a.heads * a.headDim, keyWidth = a.kvHeads * a.headDim;
  std::string hidden = rows(a.hidden), mlp = rows(a.mlp);

  body += "  // Layer " + i + ": attention.\n";
  if (!weight(symbol + "attention_norm", tensor + names.attentionNorm + ".weight", {a.hidden}))
    return;
  body += norm("n" + i, input, symbol + "attention_norm", a.hidden);
  queryOrKey("q", symbol, tensor, i, names.query, names.queryNorm, a.heads);
  queryOrKey("k", symbol, tensor, i, names.key, names.keyNorm, a.kvHeads);
  body += linear("v" + i, "n" + i, symbol + "v_proj", tensor + names.value, a.hidden, keyWidth, a.queryBias,
                 "'attention_bias'");
  body += "  %a" + i + " = quoin.attention %qr" + i + ", %kr" + i + ", %v" + i + " heads " + std::to_string(a.heads) +
          " kv_heads " + std::to_string(a.kvHeads) + " head_dim " + std::to_string(a.headDim) + " scale " +
          realText(1.0 / std::sqrt(static_cast<double>(a.headDim))) + "\n      : " + rows(queryWidth) + ", " +
          rows(keyWidth) + ", " + rows(keyWidth) + "\n";
  body += linear("o" + i, "a" + i, symbol + "o_proj", tensor + names.out, queryWidth, a.hidden, a.outBias,
                 "'attention_bias'");
  body += "  %h" + i + " = arith.addf %" + input + ", %o" + i + " : " + hidden + "\n";

  body += "  // Layer " + i + ": feed-forward.\n";
  if (!weight(symbol + "mlp_norm", tensor + names.mlpNorm + ".weight", {a.hidden}))
    return;
  body += norm("m" + i, "h" + i, symbol + "mlp_norm", a.hidden);
  body +=
      linear("gate" + i, "m" + i, symbol + "gate_proj", tensor + names.gate, a.hidden, a.mlp, a.mlpBias, "'mlp_bias'");
  body += linear("up" + i, "m" + i, symbol + "up_proj", tensor + names.up, a.hidden, a.mlp, a.mlpBias, "'mlp_bias'");
  body += "  %act" + i + " = quoin.swiglu %gate" + i + ", %up" + i + " : " + mlp + "\n";
  body += linear("down" + i, "act" + i, symbol + "down_proj", tensor + names.down, a.mlp, a.hidden, a.mlpBias,
                 "'mlp_bias'");
  body += "  %x" + i + " = arith.addf %h" + i + ", %down" + i + " : " + hidden + "\n";
}

/// Is the head the embedding? Where config.json says so but a file has both, they decide; where it has the head alone,
/// that is both (as in `transformers`).
bool Writer::isTied(std::string &embed) {
  std::string head = std::string(names.head) + ".weight";
  if (!a.tied || !files.find(head))
    return a.tied;
  if (!files.find(embed)) {
    embed = head;
    return true;
  }
  for (const std::string &tensor : {embed, head})
    if (!files.require(tensor, {a.vocabulary, a.hidden}, error))
      return true;
  read.insert(head);
  if (files.sameNumbers(embed, head, error) || !error.empty())
    return true;
  warn("config.json: '" + std::string(a.lladaNames ? "weight_tying" : "tie_word_embeddings") +
       "' is true, but tensor '" + head + "' is not the embedding: the head in the file is used");
  return false;
}

/// A layer that config.json does not count would silently be left out.
void Writer::refuseUncountedLayers() {
  std::string prefix = names.layers, norm = "." + std::string(names.attentionNorm) + ".weight";
  for (auto it = files.all().lower_bound(prefix); it != files.all().end() && it->first.starts_with(prefix); ++it) {
    llvm::StringRef number = llvm::StringRef(it->first).drop_front(prefix.size());
    int64_t index = 0;
    if (!number.consume_back(norm) || number.getAsInteger(10, index) || index < a.layers)
      continue;
    error = "config.json: '" + std::string(a.lladaNames ? "n_layers" : "num_hidden_layers") +
            "' expects as many layers as the checkpoint has, but found " + std::to_string(a.layers) + " and tensor '" +
            it->first + "'";
    return;
  }
}

/// A bias beside a weight that is read is added to its products, by whoever wrote the file.
void Writer::refuseUnreadBiases() {
  for (const auto &[name, tensor] : files.all()) {
    llvm::StringRef stem = name;
    if (read.count(name) || !stem.consume_back(".bias") ||
        (!read.count((stem + ".weight").str()) && stem != names.head))
      continue;
    std::string reason;
    if (files.require(name, tensor.shape, reason) && files.allZero(name, reason))
      continue;
    error = files.directory() + ": expects no tensor '" + shortened(name, 200) +
            "' other than zeros, as the family adds none there, but the checkpoint has it";
    return;
  }
}

/// One line for all tensors that the model has no place for.
void Writer::nameUnread() const {
  size_t count = 0;
  const std::string *first = nullptr;
  for (const auto &[name, tensor] : files.all())
    if (!read.count(name)) {
      first = first ? first : &name;
      ++count;
    }
  if (count)
    warn(files.directory() + ": the model does not read " + std::to_string(count) +
         (count == 1 ? " tensor of the checkpoint, '" : " tensors of the checkpoint, such as '") +
         shortened(*first, 200) + "'");
}

std::optional<std::string> Writer::run() {
  std::string hidden = rows(a.hidden), embed = std::string(names.embed) + ".weight";
  bool tied = isTied(embed);
  weight("embed", embed, {a.vocabulary, a.hidden});
  for (int64_t i = 0; i < a.layers && error.empty(); ++i)
    layer(i);
  weight("norm", std::string(names.norm) + ".weight", {a.hidden});
  if (!tied)
    weight("head", std::string(names.head) + ".weight", {a.vocabulary, a.hidden});
  if (error.empty())
    refuseUncountedLayers();
  if (error.empty())
    refuseUnreadBiases();
  if (!error.empty())
    return std::nullopt;
  nameUnread();
  std::string last = "x" + std::to_string(a.layers - 1);
  return "// Hidden rows from ids and positions; whoever calls it says who sees whom.\nquoin.model @model head @" +
         std::string(tied ? "embed" : "head") +
         " {\n^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):\n  %embedded = quoin.embed %ids by @embed : " +
         hidden + "\n" + body + norm("final", last, "norm", a.hidden) + "  quoin.hidden %final : " + hidden +
         "\n}\n\n" + weights;
}

} // namespace

std::optional<std::string> quoin::modelText(const Architecture &architecture, const CheckpointFiles &files,
                                            const std::function<void(const std::string &)> &warn, std::string &error) {
  error.clear();
  auto tell = [&](const std::string &line) {
    if (warn)
      warn(line);
  };
  return Writer(architecture, files, tell, error).run();
}

std::string quoin::mlirString(const std::string &text) {
  std::string result;
  llvm::raw_string_ostream os(result);
  os << '"';
  llvm::printEscapedString(text, os);
  os << '"';
  return result;
}
