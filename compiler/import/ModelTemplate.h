//===- ModelTemplate.h - a family's template over a checkpoint -------------===//
//
// What the statements of models' templates do; `Template.h` has their grammar.
//
//   config K : kind from A to B = D   reads a key, which has a type and a range; without a default it must be there.
//                                     The value has the key's last name, or the one after `as`. `rotary` reads the base
//                                     of rotary embeddings wherever it may stand, and refuses other embeddings than
//                                     plain ones; `rotary of` a head size and positions takes scaled ones, too: then
//                                     `frequencies`, by pair, are not empty, and `magnitude` scales sines and cosines;
//                                     `query_scale` and `query_scale_from` say how queries grow with the position
//   inside K                          keys of this object are read as if they stood at the top
//   vocabulary, capacity              the module's attributes; needed
//   layers, head_size                 the layers and the head's width, which windows and scales are judged by
//   fill K = ID, block K              where the fill token and the block stand; the published checkpoints' token
//   window W                          every layer sees W positions back, itself included: decoders have to write that
//   in
//                                     their masks, and those that do not are refused
//   decoder NAME with S = V           the published decoder, and defaults of its settings
//   program NAME                      the text holds its decoder itself, of this name; then
//   setting S : kind from A to B = D  what it may be set to, when it is made and with a request: numbers, or one of
//   some
//                                     words (`word of ..`; one that ends in `*` goes on with a number). A `fixed` one
//                                     is a number of the text. S is its value, `settings` what the decoder's form says
//   weight @S = "T" [shape] rows A to B as [shape] transposed   a weight: a tensor of this shape, or rows of it, seen
//                                     in another shape, or the transpose of that. `*` in the name counts the first
//                                     dimension: one tensor each
//   file "NAME", ..                   tensors are in these files of the folder, too
//   absent "T" : "K"                  key K denies this tensor: a bias may be zeros then, others must not be there
//   ignore "P"                        tensors that may be there and unread; `*` stands for anything
//
// Functions: `given("K")`, a key is there and not null; `is("K", V)`, it has this very value; `raw("K")`,
// its JSON, or an empty text; `has("T")`, a tensor is
// there; `shape("T")`, its shape, or `[]`; `same("T", "U", [shape])`, two tensors hold the same numbers; `tokens()`,
// how many ids the folder's tokenizer has, 0 without one.
//
// Keys that a template reads are its own business; what it does not read is judged by `KeyMeanings.h`.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_COMPILER_IMPORT_MODELTEMPLATE_H
#define QUOIN_COMPILER_IMPORT_MODELTEMPLATE_H

#include "compiler/import/CheckpointFiles.h"
#include "compiler/import/ConfigReader.h"
#include "compiler/import/Template.h"
#include <set>

namespace quoin {

/// A tensor that a template names.
struct TensorRequest {
  std::string symbol; // empty: it must not be there, as `key` says
  std::string tensor;
  std::vector<int64_t> shape;
  std::optional<std::pair<int64_t, int64_t>> rows;
  std::vector<int64_t> as; // the weight's shape, where it is another
  bool transposed = false; // the weight is the transpose
  std::string key;         // of config.json: what counts the loop that names it, or denies it

  /// The shape before it is transposed.
  std::vector<int64_t> weightShape() const {
    std::vector<int64_t> own = as.empty() ? shape : as;
    if (as.empty() && rows)
      own[0] = rows->second - rows->first;
    return own;
  }
};

/// What a template makes of a config.
struct ModelDescription {
  std::string family;
  std::string decoder; // empty: the config does not decide
  std::vector<std::pair<std::string, TemplateValue>> settings;
  std::string program;                  // of the text's own decoder, or empty
  std::vector<std::string> ownSettings; // that it declares
  int64_t vocabulary = 0, capacity = 0;
  std::optional<int64_t> layers, headSize, block, window;
  std::string layersKey; // of config.json, which counts the layers; empty: nobody knows
  std::string fillKey;
  std::optional<int64_t> publishedFill;
  std::string text; // the model, without its weights
  std::vector<LineOrigin> origins;
  std::vector<TensorRequest> tensors;
  std::vector<std::string> files; // which have tensors, too
  std::vector<std::string> ignored;
  std::set<std::string> compared; // tensors that `same` read
  std::set<std::string> keys;     // of config.json, which the template read
  std::vector<std::string> warnings;
};

/// Settings that are asked for: names, and values as they were written.
using GivenSettings = std::vector<std::pair<std::string, std::string>>;

/// Expands a template over a config; `files` may be null, then no tensor is there, and gets those that the template
/// names. `given` are settings of the text's own decoder; the last one of a name counts. `tokenizer` is the folder of
/// the tokenizer, where that is another than config.json's. Fails with a message.
std::optional<ModelDescription> describeModel(const std::shared_ptr<const Template> &family, ConfigReader &config,
                                              CheckpointFiles *files, std::string &error,
                                              const GivenSettings &given = {}, const std::string &tokenizer = "");

/// Does `recognise` hold for this config?
std::optional<bool> holds(const std::shared_ptr<const Template> &family, const Statement &recognition,
                          ConfigReader &config, const CheckpointFiles *files, std::string &error);

} // namespace quoin

#endif
