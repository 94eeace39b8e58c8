//===- Template.cpp - reading texts with placeholders and statements -------===//

#include "compiler/import/Template.h"
#include "support/JsonText.h"
#include <algorithm>

using namespace quoin;

namespace {

constexpr size_t mostTextBytes = size_t(1) << 20;
constexpr size_t maxLine = 4096;
constexpr int maxNesting = 64;

class TemplateReader {
public:
  TemplateReader(std::string_view name, std::string_view source, std::string &message)
      : title(name), rest(source), error(message) {}
  bool run(std::vector<Statement> &body);

private:
  enum class End { Text, End, Else, Failed };
  bool nextLine();
  End block(std::vector<Statement> &body, int depth);
  bool condition(std::vector<Statement> &body, int depth);
  bool statement(const std::string &word, Statement &s, int depth);
  bool config(Statement &s);
  bool setting(Statement &s);
  bool weight(Statement &s);
  bool assignments(Statement &s);
  bool assignment(Statement &s);
  bool expression(ExpressionPtr &into);
  bool expressions(Statement &s);
  bool shape(Statement &s);
  bool range(Statement &s, std::string_view keyword);
  bool quotedText(Statement &s);
  bool text(std::string_view source, TemplateText &into);
  bool key(Statement &s);
  bool names(Statement &s);
  bool expectEnd();
  bool fail(const std::string &message) {
    if (error.empty())
      error = title + ":" + std::to_string(line) + ": " + message;
    return false;
  }
  bool expect(const std::string &what) { return fail("expects " + what + ", but found " + found(words)); }

  std::string title;
  std::string_view rest, words; // the text that is left, and of the line
  size_t line = 0;
  std::string &error;
};

constexpr const char *wordList = "if, for, let, require, include, warn, family, recognise, decoder, config, "
                                 "inside, vocabulary, capacity, layers, head_size, "
                                 "fill, block, window, program, setting, file, weight, absent, ignore, else, end";

} // namespace

bool TemplateReader::nextLine() {
  if (rest.empty())
    return false;
  size_t end = std::min(rest.find('\n'), rest.size());
  words = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  if (words.ends_with('\r'))
    words.remove_suffix(1);
  ++line;
  return true;
}

bool TemplateReader::expression(ExpressionPtr &into) {
  std::string message;
  into = Expression::parse(words, message);
  return into || fail(message);
}

/// Expressions with commas between, as one value.
bool TemplateReader::expressions(Statement &s) {
  std::string message;
  ExpressionPtr list = Expression::parseList(words, message);
  s.expressions.push_back(list);
  return list || fail(message);
}

bool TemplateReader::shape(Statement &s) {
  skipBlanks(words);
  return words.starts_with('[') ? expressions(s) : expect("a shape, '[..]'");
}

/// `KEYWORD A to B`, where the keyword stands.
bool TemplateReader::range(Statement &s, std::string_view keyword) {
  if (!takeWord(words, keyword))
    return true;
  if (!expression(s.from))
    return false;
  return takeWord(words, "to") ? expression(s.to) : expect("'to'");
}

bool TemplateReader::expectEnd() {
  skipBlanks(words);
  return words.empty() || expect("nothing more on the line");
}

/// A key of config.json; points lead into objects.
bool TemplateReader::key(Statement &s) {
  std::string name = takeName(words);
  while (!name.empty() && words.starts_with('.')) {
    words.remove_prefix(1);
    std::string inner = takeName(words);
    if (inner.empty())
      return expect("a key");
    name += "." + inner;
  }
  s.names.push_back(name);
  return !name.empty() || expect("a key of config.json");
}

bool TemplateReader::names(Statement &s) {
  do {
    s.names.push_back(takeName(words));
    if (s.names.back().empty())
      return expect("a name");
  } while (takeWord(words, ","));
  return true;
}

/// NAME = EXPR
bool TemplateReader::assignment(Statement &s) {
  s.names.push_back(takeName(words));
  if (s.names.back().empty())
    return expect("a name");
  if (!takeWord(words, "="))
    return expect("'='");
  s.expressions.emplace_back();
  return expression(s.expressions.back());
}

/// [with NAME = EXPR, ..]
bool TemplateReader::assignments(Statement &s) {
  if (!takeWord(words, "with"))
    return true;
  do {
    if (!assignment(s))
      return false;
  } while (takeWord(words, ","));
  return true;
}

/// Text with `${..}`; braces and quotes inside an expression are its own.
bool TemplateReader::text(std::string_view source, TemplateText &into) {
  while (true) {
    size_t at = std::min(source.find("${"), source.size());
    into.between.emplace_back(source.substr(0, at));
    if (at == source.size())
      return true;
    words = source.substr(at + 2);
    into.placeholders.emplace_back();
    if (!expression(into.placeholders.back()))
      return false;
    if (!takeWord(words, "}"))
      return expect("'}' behind what began with '${'");
    source = words;
  }
}

/// "TEXT" with placeholders.
bool TemplateReader::quotedText(Statement &s) {
  std::string message;
  std::optional<std::string> quoted = takeQuoted(words, message);
  if (!quoted)
    return fail(message);
  std::string_view after = words;
  s.texts.emplace_back();
  if (!text(*quoted, s.texts.back()))
    return false;
  words = after;
  return true;
}

bool TemplateReader::config(Statement &s) {
  do {
    if (!key(s))
      return false;
    const std::string &path = s.names.back();
    s.as.push_back(path.substr(path.rfind('.') + 1));
    if (takeWord(words, "as") && (s.as.back() = takeName(words)).empty())
      return expect("a name");
  } while (takeWord(words, ","));
  if (!takeWord(words, ":"))
    return expect("':' and a kind");
  std::string_view before = words;
  s.word = takeName(words);
  if (s.word != "index" && s.word != "real" && s.word != "flag" && s.word != "text" && s.word != "list" &&
      s.word != "rotary") {
    words = before;
    return expect("a kind: index, real, flag, text, list or rotary");
  }
  if (s.word == "list" && takeWord(words, "of") && !(s.indices = takeWord(words, "index")))
    return expect("'index'");
  bool bounded = s.word == "index" || s.word == "real" || s.indices;
  if (bounded && !range(s, "from"))
    return false;
  if (s.word == "rotary" && takeWord(words, "of")) {
    if (!expression(s.from))
      return false;
    if (!takeWord(words, ","))
      return expect("',' and the positions");
    return expression(s.to);
  }
  s.scaled = s.word == "rotary" && takeWord(words, "scaled");
  return s.word == "rotary" || !takeWord(words, "=") || expression(s.otherwise);
}

/// NAME : index|real [fixed] [from EXPR to EXPR] = EXPR, or NAME : word of EXPR, .. = EXPR
bool TemplateReader::setting(Statement &s) {
  s.names.push_back(takeName(words));
  if (s.names.back().empty())
    return expect("a name");
  if (!takeWord(words, ":"))
    return expect("':' and a kind");
  std::string_view before = words;
  s.word = takeName(words);
  if (s.word != "index" && s.word != "real" && s.word != "word") {
    words = before;
    return expect("a kind: index, real or word");
  }
  if (s.word == "word") {
    if (!takeWord(words, "of"))
      return expect("'of' and the words");
    do {
      s.expressions.emplace_back();
      if (!expression(s.expressions.back()))
        return false;
    } while (takeWord(words, ","));
  } else {
    s.fixed = takeWord(words, "fixed");
    if (!range(s, "from"))
      return false;
  }
  if (!takeWord(words, "="))
    return expect("'=' and a default");
  return expression(s.otherwise);
}

bool TemplateReader::weight(Statement &s) {
  skipBlanks(words);
  if (!words.starts_with('@'))
    return expect("a symbol, '@..'");
  size_t end = std::min(words.find(" = "), words.size());
  std::string_view symbol = words.substr(1, end - 1), after = words.substr(end);
  s.texts.emplace_back();
  if (!text(symbol, s.texts.back()))
    return false;
  words = after;
  if (!takeWord(words, "="))
    return expect("' = '");
  if (!quotedText(s) || !shape(s))
    return false;
  if (!range(s, "rows"))
    return false;
  if (takeWord(words, "as") && !shape(s))
    return false;
  s.transposed = takeWord(words, "transposed");
  return true;
}

bool TemplateReader::statement(const std::string &word, Statement &s, int depth) {
  auto is = [&](const char *name, StatementKind kind) {
    if (word != name)
      return false;
    s.kind = kind;
    return true;
  };
  if (is("for", StatementKind::For)) {
    if (!names(s))
      return false;
    if (!takeWord(words, "in"))
      return expect("'in'");
    if (!expressions(s) || !expectEnd())
      return false;
    size_t began = line;
    End end = block(s.body, depth + 1);
    if (end == End::Failed || end == End::End)
      return end == End::End;
    line = began;
    return fail(end == End::Else ? "expects no 'else' for 'for', but found one"
                                 : "expects 'end' for 'for', but there is none");
  }
  bool good = false;
  if (is("let", StatementKind::Let)) {
    good = assignment(s);
  } else if (is("require", StatementKind::Require)) {
    s.expressions.emplace_back();
    if (!expression(s.expressions.back()))
      return false;
    if (!takeWord(words, ":"))
      return expect("':' and what is expected");
    if (!key(s))
      return false;
    if (!takeWord(words, "expects"))
      return expect("'expects' behind the key");
    skipBlanks(words);
    s.texts.emplace_back();
    return text(words, s.texts.back());
  } else if (is("warn", StatementKind::Warn)) {
    skipBlanks(words);
    s.texts.emplace_back();
    return text(words, s.texts.back());
  } else if (is("include", StatementKind::Include)) {
    skipBlanks(words);
    size_t n = std::min(words.find_first_of(" \t"), words.size());
    s.word = words.substr(0, n);
    words.remove_prefix(n);
    good = !s.word.empty() ? assignments(s) : expect("the name of a text");
  } else if (is("family", StatementKind::Family)) {
    skipBlanks(words);
    while (good = !words.empty(), good) { // model types may have hyphens
      size_t n = std::min(words.find_first_of(", \t"), words.size());
      s.names.emplace_back(words.substr(0, n));
      words.remove_prefix(n);
      good = !s.names.back().empty();
      if (!good || !takeWord(words, ","))
        break;
      skipBlanks(words);
    }
    if (!good)
      return expect("a name");
  } else if (is("recognise", StatementKind::Recognise) || is("vocabulary", StatementKind::Vocabulary) ||
             is("capacity", StatementKind::Capacity) || is("layers", StatementKind::Layers) ||
             is("head_size", StatementKind::HeadSize) || is("window", StatementKind::Window) ||
             is("program", StatementKind::Program)) {
    s.expressions.emplace_back();
    good = expression(s.expressions.back());
  } else if (is("decoder", StatementKind::Decoder)) {
    good = expression(s.from) && assignments(s);
  } else if (is("config", StatementKind::Config)) {
    good = config(s);
  } else if (is("fill", StatementKind::Fill)) {
    good = key(s) && (!takeWord(words, "=") || expression(s.otherwise));
  } else if (is("block", StatementKind::Block) || is("inside", StatementKind::Inside)) {
    good = key(s);
  } else if (is("setting", StatementKind::Setting)) {
    good = setting(s);
  } else if (is("weight", StatementKind::Weight)) {
    good = weight(s);
  } else if (is("absent", StatementKind::Absent)) {
    good = quotedText(s) && (takeWord(words, ":") || expect("':' and a key")) && quotedText(s);
  } else if (is("ignore", StatementKind::Ignore) || is("file", StatementKind::File)) {
    do {
      if (!quotedText(s))
        return false;
    } while (takeWord(words, ","));
    good = true;
  } else {
    return fail("expects a statement (" + std::string(wordList) + "), but found '" + shortened(word, 40) + "'");
  }
  return good && expectEnd();
}

/// `if`, up to its `end`; `else if` is a condition of its own in the other branch.
bool TemplateReader::condition(std::vector<Statement> &body, int depth) {
  Statement s;
  s.kind = StatementKind::If;
  s.line = line;
  s.expressions.emplace_back();
  if (!expression(s.expressions.back()) || !expectEnd())
    return false;
  End end = block(s.body, depth + 1);
  if (end == End::Else) {
    if (takeWord(words, "if")) {
      if (depth >= maxNesting)
        return fail("expects statements nested at most " + std::to_string(maxNesting) + " deep");
      if (!condition(s.other, depth + 1))
        return false;
      end = End::End;
    } else {
      if (!expectEnd())
        return false;
      end = block(s.other, depth + 1);
    }
  }
  if (end == End::Else)
    return fail("expects one 'else' for an 'if', but found another");
  if (end == End::Text) {
    line = s.line;
    return fail("expects 'end' for 'if', but there is none");
  }
  if (end == End::Failed)
    return false;
  body.push_back(std::move(s));
  return true;
}

TemplateReader::End TemplateReader::block(std::vector<Statement> &body, int depth) {
  if (depth > maxNesting) {
    fail("expects statements nested at most " + std::to_string(maxNesting) + " deep");
    return End::Failed;
  }
  while (nextLine()) {
    if (words.size() > maxLine) {
      fail("expects lines of at most " + std::to_string(maxLine) + " bytes, but found " + std::to_string(words.size()));
      return End::Failed;
    }
    std::string_view all = words;
    if (!takeWord(words, "//:")) {
      Statement s;
      s.line = line;
      s.texts.emplace_back();
      if (!text(all, s.texts.back()))
        return End::Failed;
      body.push_back(std::move(s));
      continue;
    }
    std::string word = takeName(words);
    skipBlanks(words);
    if (word.empty() && (words.empty() || words.starts_with('#')))
      continue;
    if (word == "end" || word == "else") {
      if (depth == 0) {
        fail("expects '" + word + "' behind an 'if' or 'for' alone");
        return End::Failed;
      }
      if (word == "end" && !expectEnd())
        return End::Failed;
      return word == "end" ? End::End : End::Else;
    }
    if (word == "if") {
      if (!condition(body, depth))
        return End::Failed;
      continue;
    }
    Statement s;
    s.line = line;
    if (!statement(word, s, depth))
      return End::Failed;
    bool top = s.kind == StatementKind::Family || s.kind == StatementKind::Recognise;
    if (top && depth > 0) {
      fail("expects '" + word + "' outside of 'if' and 'for'");
      return End::Failed;
    }
    body.push_back(std::move(s));
  }
  return End::Text;
}

bool TemplateReader::run(std::vector<Statement> &body) {
  if (rest.size() > mostTextBytes)
    return fail("expects a text of at most " + std::to_string(mostTextBytes) + " bytes, but found " +
                std::to_string(rest.size()));
  return block(body, 0) == End::Text;
}

std::shared_ptr<const Template> Template::parse(std::string_view name, std::string_view text, std::string &error) {
  error.clear();
  auto made = std::make_shared<Template>();
  made->title = name;
  if (!TemplateReader(name, text, error).run(made->body))
    return nullptr;
  return made;
}

std::vector<std::string> Template::families() const {
  std::vector<std::string> all;
  for (const Statement &s : body)
    if (s.kind == StatementKind::Family)
      all.insert(all.end(), s.names.begin(), s.names.end());
  return all;
}

std::vector<const Statement *> Template::recognitions() const {
  std::vector<const Statement *> all;
  for (const Statement &s : body)
    if (s.kind == StatementKind::Recognise)
      all.push_back(&s);
  return all;
}
