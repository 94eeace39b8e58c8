// Statements.cpp - loops, macros, assignments. Each iteration, macro and block that prints elsewhere has a scope of its
// own; `if` has none.

#include "runtime/template/Renderer.h"
#include "runtime/template/Text.h"

using namespace quoin::jinja;

using StatementKind = Statement::Kind;

/// Works in another scope until it goes.
struct Renderer::InScope {
  InScope(Renderer &renderer, ScopePtr scope) : renderer(renderer), outer(std::move(renderer.scope)) {
    renderer.scope = std::move(scope);
  }
  ~InScope() { renderer.scope = std::move(outer); }
  Renderer &renderer;
  ScopePtr outer;
};

static ScopePtr inside(const ScopePtr &parent) {
  auto made = std::make_shared<Scope>();
  made->parent = parent;
  return made;
}

std::string Renderer::render(const Syntax &syntax, const std::vector<std::pair<std::string, Value>> &variables) {
  std::string text;
  out = &text;
  scope = std::make_shared<Scope>();
  for (const auto &[name, value] : variables)
    scope->set(name, value);
  run(syntax.body);
  return text;
}

void Renderer::print(const Value &value) {
  const size_t before = out->size();
  appendStr(value, *out);
  produce(out->size() - before);
}

Renderer::Flow Renderer::run(const Body &body) {
  for (const auto &statement : body) {
    step();
    try {
      if (Flow flow = run(*statement); flow != Flow::On)
        return flow;
    } catch (Problem &problem) {
      if (problem.line == 0)
        problem.line = statement->line;
      throw;
    }
  }
  return Flow::On;
}

Renderer::Flow Renderer::run(const Statement &statement) {
  switch (statement.kind) {
  case StatementKind::Data:
    produce(statement.text.size());
    *out += statement.text;
    return Flow::On;
  case StatementKind::Output:
    for (const ExpressionPtr &each : statement.expressions)
      print(evaluate(*each));
    return Flow::On;
  case StatementKind::Set:
    assign(*statement.target, evaluate(*statement.expressions[0]));
    return Flow::On;
  case StatementKind::If: {
    size_t chosen = 0;
    while (chosen < statement.expressions.size() && !evaluate(*statement.expressions[chosen]).truth())
      ++chosen;
    return chosen < statement.bodies.size() ? run(statement.bodies[chosen]) : Flow::On;
  }
  case StatementKind::For:
    return loopOver(statement, evaluate(*statement.expressions[0]), 0);
  case StatementKind::With:
    return runWith(statement);
  case StatementKind::Macro:
    scope->set(statement.text, makeMacro(statement));
    return Flow::On;
  case StatementKind::CallBlock:
    runCallBlock(statement);
    return Flow::On;
  case StatementKind::SetBlock:
  case StatementKind::FilterBlock: {
    Flow flow = Flow::On;
    Value made = text(capture(statement.bodies[0], flow));
    if (flow != Flow::On)
      return flow;
    if (!statement.expressions.empty()) {
      filterInput = std::move(made);
      made = evaluate(*statement.expressions[0]);
    }
    if (statement.kind == StatementKind::SetBlock)
      assign(*statement.target, made);
    else
      print(made);
    return Flow::On;
  }
  case StatementKind::Generation: {
    InScope own(*this, inside(scope));
    return run(statement.bodies[0]);
  }
  case StatementKind::Break:
    return Flow::Break;
  case StatementKind::Continue:
    return Flow::Continue;
  }
  return Flow::On;
}

std::string Renderer::capture(const Body &body, Flow &flow) {
  std::string text;
  std::string *around = std::exchange(out, &text);
  try {
    InScope own(*this, inside(scope));
    flow = run(body);
  } catch (...) {
    out = around;
    throw;
  }
  out = around;
  return text;
}

void Renderer::assign(const Expression &target, const Value &value) {
  switch (target.kind) {
  case Expression::Kind::Name:
    scope->set(target.text, value);
    return;
  case Expression::Kind::NamespaceField: {
    Value to = name(target.operands[0]->text);
    if (!to.is(Kind::Namespace))
      fail("expects a namespace before '." + target.text + "' on the left of '=', but found " + to.kindName());
    if (target.text.starts_with('_'))
      fail("expects no underscore at the beginning of a namespace's attribute, but found '" + target.text + "'");
    Namespace &space = to.as<Namespace>();
    for (auto &[known, old] : space.entries)
      if (known == target.text) {
        old = value;
        return;
      }
    space.entries.emplace_back(target.text, value);
    return;
  }
  default:
    break;
  }
  std::vector<Value> items = listOf(value);
  if (items.size() != target.operands.size())
    fail("expects " + std::to_string(target.operands.size()) + " values to unpack, but found " +
         std::to_string(items.size()));
  for (size_t i = 0; i < items.size(); ++i)
    assign(*target.operands[i], items[i]);
}

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

Renderer::Flow Renderer::loopOver(const Statement &statement, const Value &items, int64_t depth0) {
  const ScopePtr outer = scope;
  auto loop = std::make_shared<Loop>();
  loop->depth = nest(items);
  loop->depth0 = depth0;
  loop->source = items;
  loop->next = iterate(items);
  if (statement.test) {
    // The items that pass are known only as the loop comes to them.
    loop->source = Value::none();
    loop->next = [this, &statement, outer, all = iterate(items)]() -> std::optional<Value> {
      while (std::optional<Value> each = all()) {
        step();
        InScope own(*this, inside(outer));
        assign(*statement.target, *each);
        if (evaluate(*statement.test).truth())
          return each;
      }
      return std::nullopt;
    };
  }
  if (statement.recursive)
    loop->recurse = [&statement, outer, depth0](Renderer &renderer, const Value &inner) {
      std::string text;
      std::string *around = std::exchange(renderer.out, &text);
      try {
        InScope own(renderer, outer);
        renderer.loopOver(statement, inner, depth0 + 1);
      } catch (...) {
        renderer.out = around;
        throw;
      }
      renderer.out = around;
      return renderer.text(std::move(text));
    };
  const Value variable(Kind::Loop, loop);
  // The `else` is left out only if an iteration came to its end: that `break` and `continue` do not is Jinja's own way.
  bool completed = false;
  while (std::optional<Value> each = loop->advance()) {
    step();
    InScope own(*this, inside(outer));
    scope->set("loop", variable);
    assign(*statement.target, *each);
    const Flow flow = run(statement.bodies[0]);
    completed |= flow == Flow::On;
    if (flow == Flow::Break)
      break;
  }
  if (completed || statement.bodies.size() == 1)
    return Flow::On;
  InScope own(*this, inside(outer));
  return run(statement.bodies[1]);
}

Renderer::Flow Renderer::runWith(const Statement &statement) {
  ScopePtr inner = inside(scope);
  std::vector<Value> values;
  for (size_t i = 1; i < statement.expressions.size(); i += 2)
    values.push_back(evaluate(*statement.expressions[i]));
  InScope own(*this, inner);
  for (size_t i = 0; i < values.size(); ++i)
    assign(*statement.expressions[2 * i], values[i]);
  return run(statement.bodies[0]);
}

//===----------------------------------------------------------------------===//
// Macros
//===----------------------------------------------------------------------===//

Value Renderer::makeMacro(const Statement &syntax) {
  auto made = std::make_unique<Macro>();
  made->syntax = &syntax;
  made->scope = scope;
  macros.push_back(std::move(made));
  return Value(Kind::Macro, macros.back().get());
}

void Renderer::runCallBlock(const Statement &statement) {
  Arguments caller;
  caller.named.emplace_back("caller", makeMacro(statement));
  print(callExpression(*statement.expressions[0], caller));
}

Value Renderer::callMacro(const Macro &macro, Arguments &arguments) {
  const Statement &syntax = *macro.syntax;
  const std::string what = "the macro '" + shown(syntax.text) + "'";
  InScope own(*this, inside(macro.scope));
  const size_t count = syntax.parameters.size();
  if (arguments.positional.size() > count && !syntax.usesVarargs)
    fail("expects at most " + std::to_string(count) + " arguments for " + what + ", but found " +
         std::to_string(arguments.positional.size()));
  bool takesCaller = false;
  for (size_t i = 0; i < count; ++i) {
    const Parameter &parameter = syntax.parameters[i];
    takesCaller |= parameter.name == "caller";
    std::optional<Value> given;
    if (i < arguments.positional.size()) {
      given = arguments.positional[i];
    } else {
      for (auto it = arguments.named.begin(); it != arguments.named.end(); ++it)
        if (it->first == parameter.name) {
          given = std::move(it->second);
          arguments.named.erase(it);
          break;
        }
    }
    if (!given && parameter.fallback)
      given = evaluate(*parameter.fallback);
    scope->set(parameter.name,
               given ? std::move(*given) : Value::undefined("the parameter '" + parameter.name + "' was not provided"));
  }
  if (syntax.usesCaller && !takesCaller) {
    Value caller = Value::undefined("no caller is defined");
    for (auto it = arguments.named.begin(); it != arguments.named.end(); ++it)
      if (it->first == "caller") {
        caller = std::move(it->second);
        arguments.named.erase(it);
        break;
      }
    scope->set("caller", std::move(caller));
  }
  if (syntax.usesKwargs) {
    std::vector<std::pair<Value, Value>> rest;
    for (auto &[name, value] : arguments.named)
      rest.emplace_back(Value(name), std::move(value));
    scope->set("kwargs", makeDict(std::move(rest)));
  } else if (!arguments.named.empty()) {
    fail(what + " expects no argument '" + shown(arguments.named[0].first) + "', but it is given");
  }
  if (syntax.usesVarargs) {
    std::vector<Value> rest;
    for (size_t i = count; i < arguments.positional.size(); ++i)
      rest.push_back(std::move(arguments.positional[i]));
    scope->set("varargs", Value::tuple(std::move(rest)));
  }
  Flow flow = Flow::On;
  return text(capture(syntax.bodies[0], flow));
}
