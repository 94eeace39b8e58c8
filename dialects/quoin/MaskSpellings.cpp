//===- MaskSpellings.cpp - the table of named masks --------------------------===//

#include "dialects/quoin/MaskSpellings.h"

using namespace quoin;

// What the names stand for: B a block length, W a width, p the prompt's length, a the start of the active rows, n the
// length of one of two halves that share their positions.
static constexpr MaskSpelling spellingTable[] = {
    {"full", "", "", "k ge 0"},
    {"causal", "", "", "k le q"},
    {"block_causal", "B", "", "k floordiv B le q floordiv B"},
    {"window", "W", "", "k le q and q - k lt W"},
    // A prompt that everybody sees, causal text behind it.
    {"prefix", "", "p", "k lt p or k le q"},
    // The prompt sees itself; blocks are counted from its end (D2F).
    {"prefix_block_causal", "B", "p", "q lt p and k lt p or q ge p and (k - p) floordiv B le (q - p) floordiv B"},
    // A causal context and active rows that see it and each other (NBDiff; a canvas over committed text).
    {"context_causal", "", "a", "k le q or q ge a and k ge a"},
    {"canvas", "", "a", "q lt a and k le q or q ge a"},
    // Window rows see the text and each other, but not the true last token, of which the first is a copy (SDLM).
    {"sdlm_window", "", "a",
     "slot(k) lt a and slot(k) le slot(q) and (slot(q) lt a or slot(k) ne a - 1) or slot(q) ge a and slot(k) ge a"},
    // [text | B drafted tokens | B masks]: a mask row sees the drafts before its own (S2D2); the text in blocks or
    // causal.
    {"verify", "B", "a",
     "slot(q) lt a and k floordiv B le q floordiv B or slot(q) ge a and slot(q) lt a + B and slot(k) le slot(q)"
     " or slot(q) ge a + B and (slot(k) lt slot(q) - B or slot(k) eq slot(q))"},
    {"verify_causal", "B", "a",
     "slot(q) lt a + B and slot(k) le slot(q) or slot(q) ge a + B and (slot(k) lt slot(q) - B or slot(k) eq slot(q))"},
    // Known tokens first (WeDLM): causal once sorted so.
    {"observed_first", "", "", "open(k) lt open(q) or open(k) eq open(q) and k le q"},
    // Behind the text, of label 0, copies of it that go on side by side: a row sees the text and its own copy up to
    // itself.
    {"forks", "", "", "slot(k) le slot(q) and (label(k) eq 0 or label(k) eq label(q))"},
    // Training on [noisy half | clean half], and the other way round.
    {"two_half_training", "B", "n",
     "slot(q) lt n and slot(k) lt n and k floordiv B eq q floordiv B"
     " or slot(q) lt n and slot(k) ge n and k floordiv B lt q floordiv B"
     " or slot(q) ge n and slot(k) ge n and k floordiv B le q floordiv B"},
    {"clean_first_training", "B", "n",
     "slot(q) lt n and slot(k) lt n and k floordiv B le q floordiv B"
     " or slot(q) ge n and slot(k) lt n and k floordiv B lt q floordiv B"
     " or slot(q) ge n and slot(k) ge n and k floordiv B eq q floordiv B"},
    // The clean half causal token by token (blockgen).
    {"clean_first_causal_training", "B", "n",
     "slot(q) lt n and slot(k) lt n and k le q or slot(q) ge n and slot(k) lt n and k floordiv B lt q floordiv B"
     " or slot(q) ge n and slot(k) ge n and k floordiv B eq q floordiv B"},
    // Each noisy block stored observed first, and causal in that order (WeDLM).
    {"observed_first_training", "B", "n",
     "slot(q) lt n and slot(k) lt n and k le q or slot(q) ge n and slot(k) lt n and k floordiv B lt q floordiv B"
     " or slot(q) ge n and slot(k) ge n and k floordiv B eq q floordiv B and slot(k) le slot(q)"},
};

llvm::ArrayRef<MaskSpelling> quoin::maskSpellings() { return spellingTable; }
