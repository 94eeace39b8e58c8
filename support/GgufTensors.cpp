//===- GgufTensors.cpp - the tensors of GGUF files by a checkpoint's names -===//

#include "support/GgufTensors.h"
#include "support/JsonText.h"
#include <algorithm>
#include <iterator>

using namespace quoin;

namespace {

constexpr GgufLayout ggufLayouts[] = {
    {"llama", false, true},  {"qwen2", false, false}, {"qwen3", false, false},     {"qwen3moe", false, false},
    {"dream", false, false}, {"llada", true, true},   {"llada-moe", false, false},
};

/// As many as `stage.experts` takes.
constexpr int64_t mostExperts = 4096;
/// With those of experts, each of which has a name of its own and may be a single byte of the file.
constexpr size_t mostNames = size_t(1) << 20;
/// Of a layer's number: it stands in the names of all its experts.
constexpr size_t mostDigits = 6;

/// `#` is the layer's number, `*` that of an expert. Behind each stands ".weight" or ".bias".
struct NameRow {
  std::string_view gguf, usual, olmo;
};
constexpr NameRow nameRows[] = {
    {"token_embd", "model.embed_tokens", "model.transformer.wte"},
    {"output_norm", "model.norm", "model.transformer.ln_f"},
    {"output", "lm_head", "model.transformer.ff_out"},
    {"blk.#.attn_norm", "model.layers.#.input_layernorm", "model.transformer.blocks.#.attn_norm"},
    {"blk.#.attn_q", "model.layers.#.self_attn.q_proj", "model.transformer.blocks.#.q_proj"},
    {"blk.#.attn_k", "model.layers.#.self_attn.k_proj", "model.transformer.blocks.#.k_proj"},
    {"blk.#.attn_v", "model.layers.#.self_attn.v_proj", "model.transformer.blocks.#.v_proj"},
    {"blk.#.attn_output", "model.layers.#.self_attn.o_proj", "model.transformer.blocks.#.attn_out"},
    {"blk.#.attn_q_norm", "model.layers.#.self_attn.q_norm", "model.transformer.blocks.#.q_norm"},
    {"blk.#.attn_k_norm", "model.layers.#.self_attn.k_norm", "model.transformer.blocks.#.k_norm"},
    {"blk.#.ffn_norm", "model.layers.#.post_attention_layernorm", "model.transformer.blocks.#.ff_norm"},
    {"blk.#.ffn_gate", "model.layers.#.mlp.gate_proj", "model.transformer.blocks.#.ff_proj"},
    {"blk.#.ffn_up", "model.layers.#.mlp.up_proj", "model.transformer.blocks.#.up_proj"},
    {"blk.#.ffn_down", "model.layers.#.mlp.down_proj", "model.transformer.blocks.#.ff_out"},
    {"blk.#.ffn_gate_inp", "model.layers.#.mlp.gate", ""},
    {"blk.#.ffn_gate_exps", "model.layers.#.mlp.experts.*.gate_proj", ""},
    {"blk.#.ffn_up_exps", "model.layers.#.mlp.experts.*.up_proj", ""},
    {"blk.#.ffn_down_exps", "model.layers.#.mlp.experts.*.down_proj", ""},
};

/// Does a name without its end fit a row? `number` is the layer's.
bool fitsRow(std::string_view name, std::string_view row, std::string_view &number) {
  size_t at = row.find('#');
  if (at == row.npos)
    return name == row;
  std::string_view tail = row.substr(at + 1);
  if (name.size() <= at + tail.size() || !name.starts_with(row.substr(0, at)) || !name.ends_with(tail))
    return false;
  number = name.substr(at, name.size() - at - tail.size());
  return number.size() <= mostDigits && number.find_first_not_of("0123456789") == number.npos &&
         (number == "0" || number[0] != '0');
}

std::string withNumber(std::string_view text, char mark, std::string_view number) {
  size_t at = text.find(mark);
  return at == text.npos ? std::string(text)
                         : std::string(text.substr(0, at)) + std::string(number) + std::string(text.substr(at + 1));
}

/// How many names a tensor will have: of experts each has its own.
size_t namesOf(const GgufLayout &layout, std::string_view name, const GgufTensor &tensor) {
  bool stacked = tensor.shape.size() == 3 && tensor.shape.front() <= mostExperts &&
                 checkpointName(layout, name).find('*') != std::string::npos;
  return stacked ? static_cast<size_t>(tensor.shape.front()) : 1;
}

/// Rows of a head, where those of this tensor lie in pairs; 0 elsewhere. -1 if that cannot be.
int64_t pairedRowsOf(const GgufContents &contents, const GgufLayout &layout, std::string_view name,
                     const GgufTensor &tensor) {
  size_t dot = name.rfind('.');
  std::string_view stem = name.substr(0, dot);
  bool query = stem.ends_with(".attn_q"), key = stem.ends_with(".attn_k");
  if (!layout.paired || (!query && !key))
    return 0;
  std::optional<int64_t> heads = ggufInteger(contents, layout, "attention.head_count");
  if (key)
    if (std::optional<int64_t> own = ggufInteger(contents, layout, "attention.head_count_kv"))
      heads = own;
  int64_t rows = tensor.shape.front();
  return heads && *heads > 0 && rows % *heads == 0 && rows / *heads % 2 == 0 ? rows / *heads : -1;
}

} // namespace

const GgufLayout *quoin::ggufLayout(const GgufContents &contents, std::string &error) {
  const GgufValue *value = contents.find("general.architecture");
  std::optional<std::string_view> name = value ? value->text() : std::nullopt;
  std::string known;
  for (const GgufLayout &layout : ggufLayouts) {
    if (name == layout.architecture)
      return &layout;
    known += (known.empty() ? "'" : ", '") + std::string(layout.architecture) + "'";
  }
  error = "key 'general.architecture' expects one of " + known + ", but " +
          (name    ? "found '" + shortened(std::string(*name)) + "'"
           : value ? "found no text"
                   : "there is none");
  return nullptr;
}

std::optional<int64_t> quoin::ggufInteger(const GgufContents &contents, const GgufLayout &layout,
                                          std::string_view key) {
  const GgufValue *value = contents.find(std::string(layout.architecture) + "." + std::string(key));
  if (!value || value->kind != GgufValue::Kind::Integer || value->integers.empty())
    return std::nullopt;
  bool same = std::all_of(value->integers.begin(), value->integers.end(),
                          [&](int64_t each) { return each == value->integers[0]; });
  return same ? std::optional(value->integers[0]) : std::nullopt;
}

std::string quoin::checkpointName(const GgufLayout &layout, std::string_view name) {
  size_t dot = name.rfind('.');
  std::string_view end = dot == name.npos ? "" : name.substr(dot), number;
  if (end != ".weight" && end != ".bias")
    return "";
  for (const NameRow &row : nameRows)
    if (std::string_view to = layout.ofOlmo ? row.olmo : row.usual;
        !to.empty() && fitsRow(name.substr(0, dot), row.gguf, number))
      return withNumber(to, '#', number) + std::string(end);
  return "";
}

std::unique_ptr<SafetensorsFile> SafetensorsFile::openGguf(const std::string &path, std::string &error) {
  std::shared_ptr<const GgufFile> file = GgufFile::open(path, error);
  if (!file)
    return nullptr;
  auto fail = [&](const std::string &what) {
    error = path + ": " + what;
    return nullptr;
  };
  const GgufContents &contents = file->contents();
  std::string message;
  const GgufLayout *layout = ggufLayout(contents, message);
  if (!layout)
    return fail(message);
  size_t names = 0;
  for (const auto &[name, tensor] : contents.tensors)
    names += namesOf(*layout, name, tensor);
  if (names > mostNames)
    return fail("expects at most " + std::to_string(mostNames) + " tensors with one for each expert, but found " +
                std::to_string(names));
  std::unique_ptr<SafetensorsFile> result(new SafetensorsFile());
  result->file = path;
  result->gguf = file;
  auto add = [&](const std::string &name, const TensorView &view) {
    if (result->tensors.emplace(name, view).second)
      return true;
    message = "expects each tensor once, but found '" + shortened(name, 200) + "' twice";
    return false;
  };
  for (const auto &[name, tensor] : contents.tensors) {
    // Numbers of the configuration.
    if (name == "rope_freqs.weight")
      continue;
    TensorView view;
    view.spelled = tensor.type;
    view.blocks = BlockFormat::find(tensor.type);
    view.dtype = view.blocks ? DType::F32 : parseDtype(tensor.type);
    view.shape = tensor.shape;
    view.data = file->data() + tensor.begin;
    view.size = tensor.end - tensor.begin;
    view.pairedRows = pairedRowsOf(contents, *layout, name, tensor);
    if (view.pairedRows < 0)
      return fail("tensor '" + shortened(name, 200) + "' expects rows of whole heads of an even size, but found " +
                  std::to_string(tensor.shape.front()) + " rows for the heads of 'attention.head_count'");
    std::string known = checkpointName(*layout, name);
    if (known.find('*') == known.npos) {
      if (!add(known.empty() ? name : known, view))
        return fail(message);
      continue;
    }
    if (view.shape.size() != 3 || view.shape.front() > mostExperts)
      return fail("tensor '" + shortened(name, 200) + "' expects a matrix for each of at most " +
                  std::to_string(mostExperts) + " experts, but found " +
                  (view.shape.size() == 3 ? std::to_string(view.shape.front())
                                          : std::to_string(view.shape.size()) + " dimensions"));
    const auto experts = static_cast<size_t>(view.shape.front());
    view.shape.erase(view.shape.begin());
    view.size /= experts;
    for (size_t i = 0; i < experts; ++i, view.data += view.size)
      if (!add(withNumber(known, '*', std::to_string(i)), view))
        return fail(message);
  }
  return result;
}
