//===- TokenizerFiles.h - the prompt's side of a checkpoint ----------------===//
//
// An artefact has copies of what a checkpoint says about texts: its tokenizer, with the files that belong to it, and
// its chat templates. A GGUF file has all of that in its metadata; there the files are made from it.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_COMPILER_DRIVER_TOKENIZERFILES_H
#define QUOIN_COMPILER_DRIVER_TOKENIZERFILES_H

#include "compiler/driver/OutputFolder.h"
#include <functional>
#include <string>
#include <vector>

namespace quoin {

/// Is there a tokenizer in the folder or the GGUF file `from`?
bool hasTokenizer(const std::string &from);

class TokenizerFiles {
public:
  /// Looks for them in the folder or the GGUF file `from`. None at all is fine; false with `error` set for a file that
  /// is seen to be something else before it is read whole, and for metadata that make none.
  bool find(const std::string &from, std::string &error);
  /// Copies what there is, and reads it as hosts will. `warn` hears of chat templates that cannot be used; a tokenizer
  /// that does not load is an error.
  bool copy(OutputFolder &out, const std::function<void(const std::string &)> &warn, std::string &error) const;

private:
  std::string from;
  std::vector<std::string> made; ///< from a GGUF file: one for each of ggufTokenizerFiles
};

} // namespace quoin

#endif
