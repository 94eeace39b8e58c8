// Renderer.h - walks the tree of a template; what filters, tests and methods see of that.

#ifndef QUOIN_RUNTIME_TEMPLATE_RENDERER_H
#define QUOIN_RUNTIME_TEMPLATE_RENDERER_H

#include "runtime/template/Objects.h"
#include "runtime/template/Syntax.h"
#include "runtime/template/Template.h"

namespace quoin::jinja {

/// Variables of a stretch of the template, and where those are that it does not have.
struct Scope {
  std::shared_ptr<Scope> parent;
  std::vector<std::pair<std::string_view, Value>> variables;

  void set(std::string_view name, Value value);
  const Value *find(std::string_view name) const;
};
using ScopePtr = std::shared_ptr<Scope>;

struct Macro : Object {
  const Statement *syntax = nullptr;
  ScopePtr scope; ///< Where it was defined.
};

class Renderer {
public:
  Renderer(const Limits &limits, std::time_t now) : limits(limits), time(now) {}
  ~Renderer();
  Renderer(const Renderer &) = delete;
  Renderer &operator=(const Renderer &) = delete;

  std::string render(const Syntax &syntax, const std::vector<std::pair<std::string, Value>> &variables);

  // What filters, tests and methods use.

  /// Fails when all steps or bytes are used up.
  void step(int64_t count = 1);
  void produce(size_t bytes);
  /// A text whose bytes are counted.
  Value text(std::string value) {
    produce(value.size());
    return Value(std::move(value));
  }
  std::vector<Value> listOf(const Value &iterable);
  Value call(const Value &callee, Arguments &arguments);
  /// `value.name` and `value[key]`; undefined where there is none.
  Value attribute(const Value &value, const std::string &name);
  Value item(const Value &value, const Value &key);
  Value filter(const std::string &name, const Value &value, Arguments &arguments);
  bool test(const std::string &name, const Value &value, Arguments &arguments);
  Namespace &makeNamespace();
  std::time_t now() const { return time ? time : std::time(nullptr); }

private:
  enum class Flow : uint8_t { On, Break, Continue };

  const Limits limits;
  const std::time_t time;
  int64_t steps = 0, bytes = 0;
  int depth = 0;
  std::string *out = nullptr;
  ScopePtr scope;
  Value filterInput; ///< What a filter without an operand reads: the text of a block.
  std::vector<std::unique_ptr<Namespace>> namespaces;
  std::vector<std::unique_ptr<Macro>> macros;

  struct Deeper;
  struct InScope;

  Value evaluate(const Expression &expression);
  Value evaluateSlow(const Expression &expression);
  Value name(const std::string &name) const;
  Value slice(const Value &value, const Expression &bounds);
  Value compare(const Expression &expression);
  Value dict(const Expression &expression);
  void collect(const CallSyntax &syntax, Arguments &arguments);
  Value callExpression(const Expression &expression, Arguments &extra);

  Flow run(const Body &body);
  Flow run(const Statement &statement);
  Flow runFor(const Statement &statement);
  Flow loopOver(const Statement &statement, const Value &items, int64_t depth0);
  Flow runWith(const Statement &statement);
  void runCallBlock(const Statement &statement);
  void runSetBlock(const Statement &statement);
  /// What `body` prints, in a scope of its own; `flow` becomes how it ended.
  std::string capture(const Body &body, Flow &flow);
  void assign(const Expression &target, const Value &value);
  Value callMacro(const Macro &macro, Arguments &arguments);
  Value makeMacro(const Statement &syntax);
  void print(const Value &value);
};

// The parts, a file each.

/// Functions.cpp: `range`, `dict`, `namespace`, `raise_exception`, `strftime_now`, ...; undefined if there is none.
Value globalFunction(const std::string &name);
/// Methods.cpp: a method of a text, dict or list; undefined if the type has none of that name. Fails for one that
/// Python has and this library has not, and for those that would change a list or dict.
Value method(Renderer &renderer, const Value &self, const std::string &name);
/// Operators.cpp.
Value binary(Renderer &renderer, const std::string &symbol, const Value &left, const Value &right);
Value negate(const Value &value, const std::string &symbol);
bool contains(Renderer &renderer, const Value &item, const Value &container);
/// Renderer.cpp: says what is wrong with asking an undefined value for more.
[[noreturn]] void failUndefined(const Value &value);
/// Filters.cpp, SequenceFilters.cpp, Tests.cpp.
using FilterFunction = Value (*)(Renderer &, const Value &, Arguments &);
using TestFunction = bool (*)(Renderer &, const Value &, Arguments &);
struct FilterEntry {
  const char *name;
  FilterFunction function;
};
FilterFunction findFilter(std::string_view name);
FilterFunction findSequenceFilter(std::string_view name);
TestFunction findTest(std::string_view name);
/// Fails where the filter was given some.
void noArguments(const char *filter, Arguments &arguments);
/// Format.cpp: `text % values` and `text.format(...)`.
std::string formatPercent(Renderer &renderer, const std::string &format, const Value &values);
std::string formatBraces(Renderer &renderer, const std::string &format, const Arguments &arguments);
/// Json.cpp: a value as JSON and JSON as a value.
struct JsonStyle {
  bool ascii = false, indented = false, sorted = false;
  std::string indent;
  std::string itemSeparator = ", ", keySeparator = ": ";
};
std::string toJson(Renderer &renderer, const Value &value, const JsonStyle &style);
Value fromJson(const nlohmann::ordered_json &json);
/// `&`, `<`, `>` and quotes as HTML has them, unless the value is markup already.
std::string escaped(const Value &value);

/// Matches the arguments of a call against the parameters `names`, as Python does.
class Bound {
public:
  Bound(const std::string &what, Arguments &arguments, std::initializer_list<const char *> names);
  /// Null where the caller gave none.
  const Value *operator[](size_t index) const { return found[index]; }
  /// Fails where the caller gave none.
  const Value &need(size_t index) const;
  bool truth(size_t index, bool otherwise) const { return found[index] ? found[index]->truth() : otherwise; }
  int64_t whole(size_t index, int64_t otherwise) const;
  /// A text; with `none`, None too, which counts as not given.
  std::string text(size_t index, std::string otherwise) const;
  bool given(size_t index) const { return found[index] && !found[index]->is(Kind::None); }

private:
  std::string what;
  std::vector<const char *> names;
  std::vector<const Value *> found;
};

} // namespace quoin::jinja

#endif // QUOIN_RUNTIME_TEMPLATE_RENDERER_H
