// Template.h - evaluates the chat templates of checkpoints: the part of Jinja that they are written in, with the
// settings, filters and functions that Hugging Face's `transformers` gives them.
//
// A library of its own: it knows nothing of models and tokenizers, and may be used for any template of that kind.
// Templates come from strangers: what one can do is take time and memory, and both are bounded.

#ifndef QUOIN_RUNTIME_TEMPLATE_TEMPLATE_H
#define QUOIN_RUNTIME_TEMPLATE_TEMPLATE_H

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <ctime>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace quoin::jinja {

/// What one rendering may use up.
struct Limits {
  /// Operations: statements, parts of expressions, items looked at.
  int64_t steps = 10'000'000;
  /// Bytes of text made on the way and in the end.
  int64_t bytes = int64_t(512) << 20;
};

/// A template that was read. Immutable: any number of threads may render one at the same time.
class Template {
public:
  /// Null on failure, with one line in `error` that names the line and what is wrong there or not supported. Bytes of
  /// `source` that are no UTF-8 count as U+FFFD.
  static std::unique_ptr<Template> parse(std::string_view source, std::string &error);
  ~Template();
  Template(const Template &) = delete;
  Template &operator=(const Template &) = delete;

  /// Renders over `variables`, an object, into `out`. False on failure, with one line in `error`: what the template
  /// itself raised, or what is wrong, with the line. `now` is the time that `strftime_now` tells; 0: the system's.
  bool render(const nlohmann::ordered_json &variables, std::string &out, std::string &error, const Limits &limits = {},
              std::time_t now = 0) const;

  /// Whether the template reads a variable of that name somewhere.
  bool reads(std::string_view variable) const;
  /// Filters and tests it names that this library does not have, such as "line 3: the filter 'urlize' is not
  /// supported". They are errors only when they are reached.
  std::vector<std::string> unsupported() const;

private:
  struct Impl;
  std::unique_ptr<Impl> impl;
  explicit Template(std::unique_ptr<Impl> impl);
};

} // namespace quoin::jinja

#endif // QUOIN_RUNTIME_TEMPLATE_TEMPLATE_H
