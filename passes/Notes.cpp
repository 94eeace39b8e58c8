//===- Notes.cpp - the list of notes ---------------------------------------===//

#include "passes/Notes.h"
#include "passes/Remarks.h"
#include "llvm/ADT/STLExtras.h"
#include <mutex>

using namespace quoin;

namespace {
struct Note {
  std::string decoder, mask, text;
};
struct NoteList {
  std::mutex mutex;
  std::vector<Note> notes;
};
} // namespace

static NoteList &list() {
  static NoteList l;
  return l;
}

void quoin::addNote(DecoderOp decoder, MaskAttr mask, const std::string &text) {
  Note note = {decoder.getSymName().str(), textOf(mask.getFormula()), text};
  NoteList &l = list();
  std::lock_guard<std::mutex> lock(l.mutex);
  if (llvm::none_of(l.notes, [&](const Note &n) { return n.decoder == note.decoder && n.mask == note.mask; }))
    l.notes.push_back(std::move(note));
}

void quoin::addNote(llvm::StringRef model, const std::string &text) {
  std::string line = "model '" + model.str() + "': " + text;
  NoteList &l = list();
  std::lock_guard<std::mutex> lock(l.mutex);
  if (llvm::none_of(l.notes, [&](const Note &n) { return n.text == line; }))
    l.notes.push_back({"", "", line});
}

void quoin::withdrawNote(DecoderOp decoder, MaskAttr mask) {
  std::string of = decoder.getSymName().str(), text = textOf(mask.getFormula());
  NoteList &l = list();
  std::lock_guard<std::mutex> lock(l.mutex);
  llvm::erase_if(l.notes, [&](const Note &n) { return n.decoder == of && n.mask == text; });
}

std::vector<std::string> quoin::takeNotes() {
  NoteList &l = list();
  std::lock_guard<std::mutex> lock(l.mutex);
  std::vector<std::string> texts;
  for (const Note &n : l.notes)
    texts.push_back(n.decoder.empty() ? n.text : "decoder '" + n.decoder + "', mask '" + n.mask + "': " + n.text);
  l.notes.clear();
  return texts;
}
