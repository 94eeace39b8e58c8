//===- Notes.h - what a user should know of a program that compiled --------===//
//
// Remarks tell what passes did to somebody who asks. A note is for somebody who does not: the program means what it
// says, but costs more than its writer may think. Whoever drives the passes takes the notes and prints each once.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_PASSES_NOTES_H
#define QUOIN_PASSES_NOTES_H

#include "dialects/quoin/QuoinDialect.h"
#include <string>
#include <vector>

namespace quoin {

/// One line about calls of a decoder under a mask; a second one about the same is dropped.
void addNote(DecoderOp decoder, MaskAttr mask, const std::string &text);
/// One line about a model; a second one of the same text is dropped.
void addNote(llvm::StringRef model, const std::string &text);
/// A later pass has found a way: what was said of these calls no longer holds.
void withdrawNote(DecoderOp decoder, MaskAttr mask);
/// All notes so far, in the order in which they were added; forgets them.
std::vector<std::string> takeNotes();

} // namespace quoin

#endif
