// Tokenizer.h - text to token ids and back, equal to Hugging Face's
// `tokenizers` for BPE and Unigram files.

#ifndef QUOIN_RUNTIME_TOKENIZER_TOKENIZER_H
#define QUOIN_RUNTIME_TOKENIZER_TOKENIZER_H

#include "runtime/tokenizer/TokenDecoder.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace quoin {

class ChatTemplate;
struct TokenizerConfig;
struct TokenizerFile;

/// A loaded tokenizer.json, or vocab.json and merges.txt, with what the files beside it say. Immutable: any
/// number of threads may use one at the same time. `truncation` and `padding`
/// of the file are not applied.
class Tokenizer {
public:
  /// Loads a tokenizer.json, or a vocab.json and the merges.txt beside it, or
  /// what `fileIn` finds in a folder, and what TokenizerConfig reads there. Null
  /// on failure, with one line in `error` that starts with a file's path.
  static std::unique_ptr<Tokenizer> load(const std::string &path, std::string &error);
  /// The file of a folder that a tokenizer is loaded from; empty if there is
  /// none.
  static std::string fileIn(const std::string &folder);
  /// What `load` reads beside a vocab.json.
  static constexpr const char *mergesFile = "merges.txt";
  /// The same from the text of the file, and nothing beside it.
  static std::unique_ptr<Tokenizer> fromJson(std::string_view json, std::string &error);
  static std::unique_ptr<Tokenizer> fromJson(std::string_view json, const TokenizerConfig &config, std::string &error);
  /// The same from a vocab.json and a merges.txt, which `config` says how to use.
  static std::unique_ptr<Tokenizer> fromVocabulary(std::string_view vocabulary, std::string_view merges,
                                                   const TokenizerConfig &config, std::string &error);
  ~Tokenizer();
  Tokenizer(const Tokenizer &) = delete;
  Tokenizer &operator=(const Tokenizer &) = delete;

  /// Appends the ids of `text`, shorter than 2 GiB. Added tokens in the text
  /// are recognised, none is put around it. Invalid UTF-8 counts as U+FFFD.
  void encode(std::string_view text, std::vector<int32_t> &ids) const;
  std::vector<int32_t> encode(std::string_view text) const;
  /// The same with the tokens around it that the file's `post_processor` puts
  /// there: what a plain prompt is to a model.
  std::vector<int32_t> encodePrompt(std::string_view text) const;
  /// How conversations become texts, which are then given to `encode`.
  const ChatTemplate &chat() const;

  /// The text of `ids`, special tokens kept or left out. Ids that no token has
  /// are left out; bytes that form no character become U+FFFD.
  std::string decode(const std::vector<int32_t> &ids, bool skipSpecials = false) const;

  /// The bytes that `id` stands for, maybe part of a character, or how the file
  /// spells it if its decoder is not byte-level; empty for an id that no token
  /// has. Valid as long as the tokenizer.
  std::string_view bytesOf(int32_t id) const;
  bool isSpecial(int32_t id) const;
  bool hasToken(int32_t id) const;
  /// The id of a token as the file spells it, for example `<|im_end|>`.
  std::optional<int32_t> idOf(std::string_view token) const;
  /// One more than the highest id.
  int32_t idLimit() const;

  /// What the file says and Hugging Face's loader does not heed, a line each.
  const std::vector<std::string> &warnings() const;

private:
  struct Impl;
  std::unique_ptr<Impl> impl;
  explicit Tokenizer(std::unique_ptr<Impl> impl);
  static std::unique_ptr<Tokenizer> build(const std::function<bool(TokenizerFile &)> &read, size_t size,
                                          const TokenizerConfig &config, std::string &error);
  friend class StreamDecoder;
};

/// Decodes ids as they come. The parts, put together, are what `decode` makes
/// of all ids at once, and none ends inside a character.
class StreamDecoder {
public:
  /// `tokenizer` must outlive the decoder.
  explicit StreamDecoder(const Tokenizer &tokenizer, bool skipSpecials = false);

  /// The text that is certain once `id` is known; often empty.
  std::string push(int32_t id);
  /// What is left, as U+FFFD where it is no character, when no more ids come. The decoder starts anew.
  std::string finish();

private:
  const Tokenizer &tokenizer;
  bool skipSpecials;
  /// The beginning of a character: at most 3 bytes.
  std::string pending;
  /// If the tokenizer is not byte-level.
  std::optional<TokenStream> stream;
};

} // namespace quoin

#endif // QUOIN_RUNTIME_TOKENIZER_TOKENIZER_H
