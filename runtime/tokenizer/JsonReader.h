// JsonReader.h - reads tokenizer.json as a stream: vocabulary and merges, 300
// thousand strings, straight into vectors and only the rest into a tree.

#ifndef QUOIN_RUNTIME_TOKENIZER_JSONREADER_H
#define QUOIN_RUNTIME_TOKENIZER_JSONREADER_H

#include "runtime/tokenizer/TokenizerFile.h"

#include <nlohmann/json.hpp>

namespace quoin {

/// Receives the parser's events. Each handler returns false to stop, with
/// `error` set.
class JsonReader final : public nlohmann::json_sax<nlohmann::json> {
public:
  explicit JsonReader(TokenizerFile &file) : file(file) {}

  /// The document without `model.vocab` and `model.merges`.
  nlohmann::json root;
  std::string error;
  bool sawVocabulary = false, sawMerges = false, sawScores = false;

  bool null() override;
  bool boolean(bool value) override;
  bool number_integer(number_integer_t value) override;
  bool number_unsigned(number_unsigned_t value) override;
  bool number_float(number_float_t value, const string_t &text) override;
  bool string(string_t &value) override;
  bool binary(binary_t &value) override;
  bool start_object(std::size_t size) override;
  bool key(string_t &value) override;
  bool end_object() override;
  bool start_array(std::size_t size) override;
  bool end_array() override;
  bool parse_error(std::size_t position, const std::string &token, const nlohmann::json::exception &exception) override;

private:
  /// Where the stream is, as far as it decides who takes a value.
  enum class Place { Tree, Vocabulary, Merges, MergePair, Scores, ScorePair };

  TokenizerFile &file;
  Place place = Place::Tree;
  std::vector<nlohmann::json *> parents;
  std::string lastKey;
  std::vector<std::string> pair;
  size_t scores = 0; ///< Of the pair: how many numbers it has so far.

  bool fail(std::string message);
  /// A number, boolean or null, where only the tree takes one.
  bool scalar(nlohmann::json value);
  nlohmann::json *put(nlohmann::json value);
  bool open(nlohmann::json value);
  bool atModel(const char *key) const;
  bool addMerge(const std::string &text);
  bool score(double value);
  bool failScore(const std::string &found);
};

} // namespace quoin

#endif // QUOIN_RUNTIME_TOKENIZER_JSONREADER_H
