//===- Expression.h - the expressions of templates -------------------------===//
//
// Numbers, texts, flags and lists; arithmetic, comparison, a choice (`a if c else b`) and a fixed set of functions.
// There are no loops and no files: an expression ends, and its work is paid for in steps, which its surroundings bound.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_COMPILER_IMPORT_EXPRESSION_H
#define QUOIN_COMPILER_IMPORT_EXPRESSION_H

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace quoin {

struct TemplateValue;
using TemplateList = std::vector<TemplateValue>;

/// A value of a template. Conversions are explicit in templates: an index is a real only where a real is computed with.
struct TemplateValue {
  std::variant<bool, int64_t, double, std::string, TemplateList> it;

  template <typename T> const T *as() const { return std::get_if<T>(&it); }
  bool isNumber() const { return as<int64_t>() || as<double>(); }
  bool operator==(const TemplateValue &other) const { return it == other.it; }
  double real() const { return as<double>() ? *as<double>() : static_cast<double>(*as<int64_t>()); }
};

/// "an index", "a text", ..
const char *kindOf(const TemplateValue &value);
/// The value as `${..}` writes it: reals with a point, lists in brackets.
std::string textOf(const TemplateValue &value);
/// The value as messages show it: texts in quotes, shortened.
std::string describe(const TemplateValue &value);
/// Equality; an index equals a real of the same number. False where kinds differ.
bool equal(const TemplateValue &left, const TemplateValue &right);

/// What an expression asks of its surroundings.
class ExpressionScope {
public:
  virtual ~ExpressionScope() = default;
  /// The value of a name, or null.
  virtual const TemplateValue *find(const std::string &name) const = 0;
  /// A function about the checkpoint (`given`, `is`, `raw`, `has`, `shape`, `same`), or nothing and a message.
  virtual std::optional<TemplateValue> call(const std::string &function, const TemplateList &arguments,
                                            std::string &error) = 0;
  /// Pays for work; false, with a message, once there is no more of it.
  virtual bool spend(size_t steps, std::string &error) = 0;
};

class Expression {
public:
  /// Reads an expression from the front of `text` and drops it there, or fails with a message.
  static std::shared_ptr<const Expression> parse(std::string_view &text, std::string &error);
  /// The same for a list: expressions with commas between.
  static std::shared_ptr<const Expression> parseList(std::string_view &text, std::string &error);

  std::optional<TemplateValue> evaluate(ExpressionScope &scope, std::string &error) const;
  /// The name that the expression is, or empty.
  const std::string &name() const;

  struct Node;
  explicit Expression(std::unique_ptr<Node> root);
  ~Expression();
  Expression(const Expression &) = delete;
  Expression &operator=(const Expression &) = delete;

private:
  std::unique_ptr<Node> root;
};

/// Drops blanks at the front.
void skipBlanks(std::string_view &text);
/// Takes a name (letters, digits, `_`, no digit first) from the front; empty if there is none.
std::string takeName(std::string_view &text);
/// Takes a word or sign if it stands at the front; a word only as a whole.
bool takeWord(std::string_view &text, std::string_view word);
/// Takes a text in quotes, with `\"`, `\\` and `\n` in it, from the front, or fails with a message.
std::optional<std::string> takeQuoted(std::string_view &text, std::string &error);
/// What stands at the front, for a message: "'abc'" or "the end of the line".
std::string found(std::string_view text);

} // namespace quoin

#endif
