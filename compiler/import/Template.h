//===- Template.h - texts with placeholders and statements -----------------===//
//
// The language of the texts in `decoders/` and `models/` and of families that a user writes. A line that begins with
// `//:` is a statement, any other is text, in which `${expression}` is replaced. Statements of all templates:
//
//   //: if EXPR .. //: else if EXPR .. //: else .. //: end
//   //: for NAME[, NAME]* in INDEX|LIST .. //: end      an index counts from 0
//   //: let NAME = EXPR
//   //: require EXPR : KEY expects TEXT                 else `config.json: 'KEY' expects TEXT, but found ..`
//   //: include NAME [with NAME = EXPR, ..]             another text of the library, never a file
//   //: warn TEXT
//
// and of models' templates alone (`ModelTemplate.h` says what they do):
//
//   //: family NAME, ..          //: recognise EXPR         //: decoder EXPR [with NAME = EXPR, ..]
//   //: config KEY [as NAME], .. : index|real|flag|text|list|list of index [from EXPR to EXPR] [= EXPR]
//   //: config KEY [as NAME] : rotary [of EXPR, EXPR | scaled]
//   //: vocabulary EXPR          //: capacity EXPR          //: layers EXPR            //: head_size EXPR
//   //: fill KEY [= EXPR]        //: block KEY              //: window EXPR            //: inside KEY
//   //: program EXPR
//   //: setting NAME : index|real [fixed] [from EXPR to EXPR] = EXPR
//   //: setting NAME : word of EXPR, .. = EXPR
//   //: weight @SYMBOL = "TENSOR" [EXPR, ..] [rows EXPR to EXPR] [as [EXPR, ..]] [transposed]
//   //: absent "TENSOR" : "KEY"  //: ignore "PATTERN", ..  //: file "NAME", ..
//
// `//: # ..` is a comment, which does not come out.
//
// Names of a loop and those behind an include's `with` end with it; other names stay.
//
// A value's name (`%x`) may be given again where it is still known; what follows means the latest. Everything is
// bounded: a text's size, its nesting, includes, the work of running it and what comes out. Errors are `<text>:<line>:
// ..`.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_COMPILER_IMPORT_TEMPLATE_H
#define QUOIN_COMPILER_IMPORT_TEMPLATE_H

#include "compiler/import/Expression.h"
#include <map>

namespace quoin {

using ExpressionPtr = std::shared_ptr<const Expression>;

/// Text with placeholders: what stands between two of them, and they.
struct TemplateText {
  std::vector<std::string> between; // one more than placeholders
  std::vector<ExpressionPtr> placeholders;
};

enum class StatementKind {
  Line,
  If,
  For,
  Let,
  Require,
  Include,
  Warn,
  Family,
  Recognise,
  Decoder,
  Config,
  Vocabulary,
  Capacity,
  Layers,
  HeadSize,
  Window,
  File,
  Program,
  Setting,
  Fill,
  Block,
  Inside,
  Weight,
  Absent,
  Ignore
};

struct Statement {
  StatementKind kind = StatementKind::Line;
  size_t line = 0;
  std::vector<std::string> names;         // what is named, loop variables, config keys
  std::vector<std::string> as;            // of Config: the name of each key's value
  std::string word;                       // of Config: the kind; of Include: which
  std::vector<TemplateText> texts;        // a line, a message, a tensor's name, patterns
  std::vector<ExpressionPtr> expressions; // the condition, the value, the shape
  ExpressionPtr from, to, otherwise;      // bounds and default
  bool fixed = false;                     // of Setting: no request gives it
  bool scaled = false;                    // of Config: the rotary may be
  bool indices = false;                   // of Config: a list of them
  bool transposed = false;                // of Weight
  std::vector<Statement> body, other;     // of If and For
};

class Template {
public:
  /// Reads a text; `name` is what messages call it. Fails with a message.
  static std::shared_ptr<const Template> parse(std::string_view name, std::string_view text, std::string &error);

  const std::string &name() const { return title; }
  const std::vector<Statement> &statements() const { return body; }
  /// The names after `family`, wherever it stands at the top.
  std::vector<std::string> families() const;
  /// The conditions after `recognise` at the top.
  std::vector<const Statement *> recognitions() const;

private:
  std::string title;
  std::vector<Statement> body;
};

/// What is behind statements and functions that only models' templates have, and behind `include`.
class TemplateHost {
public:
  virtual ~TemplateHost() = default;
  /// Runs a statement that the language leaves to its host; `scope` evaluates and keeps names.
  virtual bool run(const Statement &statement, class TemplateRun &run, std::string &error);
  virtual std::optional<TemplateValue> call(const std::string &function, const TemplateList &arguments,
                                            std::string &error);
  /// An included text, or null.
  virtual std::shared_ptr<const Template> include(const std::string &name, std::string &error);
  /// What a failed `require` says, in full.
  virtual std::string refusal(const std::string &key, const std::string &rule);
  virtual void warn(const std::string &) {}
  /// A message that stands alone, as those about config.json and tensors do; empty if nothing of the kind failed.
  const std::string &failure() const { return alone; }

protected:
  std::string alone;
};

/// Where a line of the result was written.
struct LineOrigin {
  std::shared_ptr<const Template> from;
  size_t line = 0;
};

/// One expansion of a template.
class TemplateRun : public ExpressionScope {
public:
  /// No model's text takes as many steps: lines, operations and pieces of texts and lists.
  static constexpr size_t kMostSteps = size_t(8) << 20;

  explicit TemplateRun(TemplateHost &behind, size_t mostSteps = kMostSteps);
  ~TemplateRun() override;

  void define(const std::string &name, TemplateValue value) { values[name] = std::move(value); }
  /// Expands a template behind what there is already, or fails with a message.
  bool expand(const std::shared_ptr<const Template> &text, std::string &error);
  const std::string &text() const { return result; }
  const std::vector<LineOrigin> &origins() const { return lines; }

  // For hosts. Messages of what fails here name the template and the line.
  std::optional<TemplateValue> evaluate(const Expression &expression, std::string &error);
  std::optional<int64_t> index(const Expression &expression, std::string &error);
  std::optional<std::string> write(const TemplateText &text, std::string &error);
  /// Runs a text of the library like a function: it knows these names besides, and of its own only `results` stay.
  bool runText(const std::string &name, const std::vector<std::pair<std::string, TemplateValue>> &given,
               const std::vector<std::string> &results, std::string &error);
  /// `message` behind the text and line that run.
  std::string at(const std::string &message) const;
  /// What the innermost loop over a name counts by, or empty.
  std::string loop() const;

  const TemplateValue *find(const std::string &name) const override;
  std::optional<TemplateValue> call(const std::string &function, const TemplateList &arguments,
                                    std::string &error) override;
  bool spend(size_t steps, std::string &error) override;

private:
  bool runAll(const std::vector<Statement> &statements, std::string &error);
  bool runOne(const Statement &statement, std::string &error);
  bool runFor(const Statement &statement, std::string &error);
  bool runInclude(const Statement &statement, std::string &error);
  bool runLibrary(const std::string &name, std::string &error);
  using Kept = std::vector<std::pair<std::string, std::optional<TemplateValue>>>;
  Kept keep(const std::vector<std::string> &names) const;
  void restore(Kept kept);

  TemplateHost &host;
  size_t mostSteps;
  std::map<std::string, TemplateValue> values;
  std::string result;
  std::vector<LineOrigin> lines;
  std::unique_ptr<class ValueNames> names;
  std::shared_ptr<const Template> current;
  size_t currentLine = 0;
  std::vector<std::string> loops;
  int includes = 0;
  size_t work = 0;
};

} // namespace quoin

#endif
