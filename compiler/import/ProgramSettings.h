//===- ProgramSettings.h - settings of a decoder that a template holds -----===//

#ifndef QUOIN_COMPILER_IMPORT_PROGRAMSETTINGS_H
#define QUOIN_COMPILER_IMPORT_PROGRAMSETTINGS_H

#include "compiler/import/ModelTemplate.h"

namespace quoin {

/// The `setting` statements of a template, with the values that somebody asked for.
class ProgramSettings {
public:
  explicit ProgramSettings(const GivenSettings &asked) : given(asked) {}

  /// Takes a statement: its name gets its value, and `settings` what the decoder's form says so far. Fails with a
  /// message, which stands alone where what was asked for does not fit.
  bool declare(const Statement &s, TemplateRun &run, std::string &error);
  /// `settings {..} attributes {..}`.
  std::string text() const;

private:
  bool number(const Statement &s, TemplateRun &run, TemplateValue &value, std::string &error) const;
  bool word(const Statement &s, TemplateRun &run, TemplateValue &value, std::string &error);

  const GivenSettings given;
  std::string entries, fixed, listed; // separated by commas
  std::vector<std::string> names;
};

} // namespace quoin

#endif
