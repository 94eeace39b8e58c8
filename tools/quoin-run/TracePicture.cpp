// TracePicture.cpp: draws what happened to each position of some sessions.
//
// A session is drawn top down in four parts:
//   1. The text: a box per token, coloured by the confidence with which it was filled, the number of its evaluation
//      below it. A heavy edge is where a commit ended; a red frame is an edit.
//   2. Forwards per block: a bar for each range that was committed at once.
//   3. The grid: a column per position, a row per evaluation; a coloured cell is a fill, one with a red frame an edit,
//      grey is known, green is final. It is cut into bands of columns, each with the rows in which they changed.
//   4. For each cell and box a title, which browsers show when it is pointed at.
// Numbers are pixels; a picture needs no script, no font and nothing from elsewhere.

#include "TraceFile.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

using namespace quoin;

namespace {

constexpr int kWidth = 1000, kMargin = 16, kCell = 10, kColumns = 92, kLabel = 48, kBox = 32;
constexpr const char *kText = "#1c2733", *kFaint = "#6b7785", *kKnown = "#e4e8ec", *kFinal = "#cfe6d2",
                     *kEdit = "#d0342c";

/// What became of a position.
struct Fate {
  int64_t evaluation = -1, forward = -1; // that filled it; -1: never
  double confidence = NAN;
  int32_t token = -1;
  bool edited = false;
};

/// A range that was committed at once, or what was never committed, and the work since the one before.
struct Block {
  int64_t from, to, evaluations, forwards;
};

std::string number(double x, const char *format = "%.2f") {
  char text[32];
  std::snprintf(text, sizeof(text), format, x);
  return text;
}

/// Text of a document: markup is escaped, and what XML has no character for becomes visible. Decoded text is UTF-8.
std::string escaped(const std::string &text) {
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    unsigned char c = static_cast<unsigned char>(text[i]);
    if (c == '&' || c == '<' || c == '>' || c == '"')
      result += c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '>' ? "&gt;" : "&quot;";
    else if (c < ' ' || c == 0x7f)
      result += c == '\n' ? "\u23ce" : c == '\t' ? "\u21e5" : "\ufffd";
    else if (text.compare(i, 3, "\uffff") == 0 || text.compare(i, 3, "\xef\xbf\xbe") == 0)
      result += "\ufffd", i += 2;
    else
      result += text[i];
  }
  return result;
}

/// Characters of UTF-8.
size_t characters(const std::string &text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

std::string cut(const std::string &text, size_t most) {
  if (characters(text) <= most)
    return text;
  size_t end = 0;
  for (size_t seen = 0; end < text.size(); ++end)
    if ((static_cast<unsigned char>(text[end]) & 0xc0) != 0x80 && ++seen > most)
      break;
  return text.substr(0, end) + "\u2026";
}

/// From amber over pale blue to deep blue; grey where there was no score.
std::string colour(double confidence) {
  if (std::isnan(confidence))
    return "#b9c0c7";
  static constexpr double stops[3][3] = {{246, 178, 96}, {178, 208, 232}, {38, 102, 176}};
  double x = std::clamp(confidence, 0.0, 1.0) * 2;
  int from = x < 1 ? 0 : 1;
  std::string result = "#";
  for (int i = 0; i < 3; ++i) {
    char hex[3];
    std::snprintf(hex, sizeof(hex), "%02x", int(stops[from][i] + (stops[from + 1][i] - stops[from][i]) * (x - from)));
    result += hex;
  }
  return result;
}

class Drawing {
public:
  Drawing(const TraceSession &session, size_t index, const TokenText &textOf);

  /// Draws below `y`; leaves `y` below what it drew.
  std::string draw(int &y);
  /// The headline, plain.
  std::string title() const;
  std::string summary() const;
  const std::vector<Block> &blocks() const { return ranges; }

private:
  void rect(int x, int y, int w, int h, const std::string &fill, const std::string &more,
            const std::string &title = "");
  void text(int x, int y, int size, const std::string &fill, const std::string &words, const char *anchor = "start");
  std::string cellTitle(const char *what, const TraceRecord &r, const TraceRecord::Change &c) const;
  void drawText(int &y);
  void drawBlocks(int &y);
  void drawBand(int64_t from, int64_t to, int &y);

  const TraceSession &session;
  size_t index;
  const TokenText &textOf;
  int64_t first, last; // positions [first, last) were generated
  std::vector<Fate> fates;
  std::vector<Block> ranges;
  std::string svg;
};

} // namespace

Drawing::Drawing(const TraceSession &session, size_t index, const TokenText &textOf)
    : session(session), index(index), textOf(textOf), first(int64_t(session.prompt.size())), last(first) {
  for (const TraceRecord &r : session.records)
    for (const auto *list : {&r.filled, &r.edited})
      for (const TraceRecord::Change &c : *list)
        last = std::max(last, c.position + 1);
  fates.resize(size_t(last - first));
  int64_t evaluations = 0, forwards = 0, committed = first;
  for (const TraceRecord &r : session.records) {
    for (const auto *list : {&r.filled, &r.edited})
      for (const TraceRecord::Change &c : *list)
        if (c.position >= first) {
          Fate &fate = fates[size_t(c.position - first)];
          bool edit = list == &r.edited;
          fate = {edit ? fate.evaluation : r.evaluation, edit ? fate.forward : r.forward, c.confidence, c.token, edit};
        }
    ++evaluations;
    if (r.committedTo <= committed)
      continue;
    bool end = &r == &session.records.back();
    int64_t done = end ? std::max(session.forwards, r.forward + 1) : r.forward + 1;
    ranges.push_back({committed, r.committedTo, evaluations, done - forwards});
    committed = r.committedTo;
    forwards = done;
    evaluations = 0;
  }
  if (committed < last || evaluations)
    ranges.push_back({committed, std::max(last, committed), evaluations, session.forwards - forwards});
}

std::string Drawing::title() const {
  return "session " + std::to_string(index) + (session.decoder.empty() ? "" : ": " + session.decoder);
}

std::string Drawing::summary() const {
  auto filled = std::count_if(fates.begin(), fates.end(), [](const Fate &f) { return f.token >= 0; });
  return std::to_string(first) + " prompt tokens, " + std::to_string(filled) + " filled in " +
         std::to_string(session.records.size()) + " evaluations, " + std::to_string(session.forwards) + " forwards" +
         (session.forwards ? ", " + number(double(filled) / double(session.forwards)) + " tokens per forward" : "");
}

void Drawing::rect(int x, int y, int w, int h, const std::string &fill, const std::string &more,
                   const std::string &title) {
  svg += "<rect x=\"" + std::to_string(x) + "\" y=\"" + std::to_string(y) + "\" width=\"" + std::to_string(w) +
         "\" height=\"" + std::to_string(h) + "\" fill=\"" + fill + "\"" + more;
  svg += title.empty() ? "/>\n" : "><title>" + escaped(title) + "</title></rect>\n";
}

void Drawing::text(int x, int y, int size, const std::string &fill, const std::string &words, const char *anchor) {
  svg += "<text x=\"" + std::to_string(x) + "\" y=\"" + std::to_string(y) + "\" font-size=\"" + std::to_string(size) +
         "\" fill=\"" + fill + "\" text-anchor=\"" + anchor + "\" xml:space=\"preserve\">" + escaped(words) +
         "</text>\n";
}

std::string Drawing::cellTitle(const char *what, const TraceRecord &r, const TraceRecord::Change &c) const {
  return "evaluation " + std::to_string(r.evaluation) + ", forward " + std::to_string(r.forward) + ": position " +
         std::to_string(c.position) + " " + what + " '" + textOf(c.token) + "' (" + std::to_string(c.token) + ")" +
         (std::isnan(c.confidence) ? "" : ", confidence " + number(c.confidence, "%.3f"));
}

void Drawing::drawText(int &y) {
  int x = kMargin;
  auto starts = [&](int64_t position) {
    return std::any_of(ranges.begin(), ranges.end(), [&](const Block &b) { return b.from == position; });
  };
  for (int64_t i = first; i < last; ++i) {
    const Fate &fate = fates[size_t(i - first)];
    std::string words = fate.token < 0 ? "\u00b7" : cut(textOf(fate.token), 16);
    int width = std::max(20, int(characters(words)) * 7 + 8);
    if (x + width > kWidth - kMargin) {
      x = kMargin;
      y += kBox + 6;
    }
    TraceRecord record;
    record.evaluation = fate.evaluation;
    record.forward = fate.forward;
    std::string edge = fate.edited ? std::string(" stroke=\"") + kEdit + "\" stroke-width=\"2\"" : "";
    rect(x, y, width - 2, kBox, fate.token < 0 ? "#f3f4f6" : colour(fate.confidence), " rx=\"3\"" + edge,
         fate.token < 0 ? "position " + std::to_string(i) + " was never filled"
                        : cellTitle(fate.edited ? "edited to" : "took", record, {i, fate.token, fate.confidence}));
    bool dark = !std::isnan(fate.confidence) && fate.confidence > 0.75;
    text(x + (width - 2) / 2, y + 15, 12, dark ? "#ffffff" : kText, words, "middle");
    if (fate.evaluation >= 0)
      text(x + (width - 2) / 2, y + 27, 8, dark ? "#dfe9f3" : kFaint, std::to_string(fate.evaluation), "middle");
    if (i > first && starts(i))
      rect(x - 3, y - 2, 2, kBox + 4, kText, "");
    x += width;
  }
  y += kBox + 14;
}

void Drawing::drawBlocks(int &y) {
  if (ranges.empty())
    return;
  int64_t most = 1;
  for (const Block &b : ranges)
    most = std::max(most, b.forwards);
  text(kMargin, y + 10, 11, kFaint, "forwards per block");
  y += 16;
  int step = std::clamp(int((kWidth - 2 * kMargin) / int64_t(ranges.size())), 3, 26), height = 40;
  size_t room = size_t((kWidth - 2 * kMargin) / step);
  for (size_t i = 0; i < ranges.size(); ++i) {
    if (i && i % room == 0)
      y += height + 18;
    const Block &b = ranges[i];
    int x = kMargin + int(i % room) * step, h = std::max(1, int(b.forwards * height / most));
    rect(x, y + height - h, step - 2, h, "#7d93a8", "",
         "positions " + std::to_string(b.from) + " to " + std::to_string(b.to - 1) + ": " + std::to_string(b.forwards) +
             " forwards, " + std::to_string(b.evaluations) + " evaluations, " + std::to_string(b.to - b.from) +
             " tokens");
    if (step >= 12)
      text(x + (step - 2) / 2, y + height + 11, 9, kFaint, std::to_string(b.forwards), "middle");
  }
  y += height + 22;
}

void Drawing::drawBand(int64_t from, int64_t to, int &y) {
  auto inside = [&](int64_t p) { return p >= from && p < to; };
  auto changed = [&](const std::vector<TraceRecord::Change> &list) {
    return std::any_of(list.begin(), list.end(), [&](const TraceRecord::Change &c) { return inside(c.position); });
  };
  std::vector<uint8_t> known(size_t(to - from));
  int64_t final = from;
  auto column = [&](int64_t p) { return kMargin + kLabel + int(p - from) * kCell; };
  for (int64_t p = from + (8 - from % 8) % 8; p < to; p += 8)
    text(column(p), y + 8, 8, kFaint, std::to_string(p));
  y += 11;
  int top = y;
  for (const TraceRecord &r : session.records) {
    int64_t settled = std::clamp(r.committedTo, final, to);
    if (!changed(r.filled) && !changed(r.edited) && settled == final)
      continue;
    text(kMargin + kLabel - 6, y + 8, 8, kFaint, std::to_string(r.evaluation) + " / " + std::to_string(r.forward),
         "end");
    // What was there before, in runs.
    for (int64_t a = from, b; a < to; a = b) {
      bool on = known[size_t(a - from)];
      for (b = a + 1; b < to && bool(known[size_t(b - from)]) == on && (b != final || !on); ++b) {
      }
      if (on)
        rect(column(a), y, int(b - a) * kCell - 1, kCell - 1, a < final ? kFinal : kKnown, "");
    }
    for (const auto *list : {&r.filled, &r.edited})
      for (const TraceRecord::Change &c : *list)
        if (inside(c.position)) {
          bool edit = list == &r.edited;
          rect(column(c.position), y, kCell - 1, kCell - 1, colour(c.confidence),
               edit ? std::string(" stroke=\"") + kEdit + "\" stroke-width=\"2\"" : "",
               cellTitle(edit ? "edited to" : "took", r, c));
          known[size_t(c.position - from)] = 1;
        }
    final = settled;
    y += kCell;
  }
  for (const Block &b : ranges)
    if (inside(b.from) && b.from > from)
      rect(column(b.from) - 1, top, 1, y - top, kFaint, "");
  y += 12;
}

std::string Drawing::draw(int &y) {
  svg.clear();
  text(kMargin, y + 16, 15, kText, title());
  text(kMargin, y + 33, 11, kFaint, summary());
  std::string prompt;
  for (int32_t id : session.prompt)
    prompt += textOf(id);
  text(kMargin, y + 49, 11, kFaint, "prompt: " + cut(prompt, 130));
  y += 62;
  drawText(y);
  drawBlocks(y);
  text(kMargin, y + 10, 11, kFaint, "evaluation / forward by position");
  y += 18;
  for (int64_t from = first; from < last; from += kColumns)
    drawBand(from, std::min(last, from + kColumns), y);
  y += 10;
  return std::move(svg);
}

/// What the colours mean.
static std::string legend(int y) {
  std::string svg;
  auto add = [&](int x, const std::string &fill, const std::string &more, const std::string &words) {
    svg += "<rect x=\"" + std::to_string(x) + "\" y=\"" + std::to_string(y) + "\" width=\"12\" height=\"12\" fill=\"" +
           fill + "\"" + more + "/><text x=\"" + std::to_string(x + 17) + "\" y=\"" + std::to_string(y + 10) +
           "\" font-size=\"11\" fill=\"" + kText + "\">" + words + "</text>\n";
  };
  int x = kMargin;
  for (double c : {0.0, 0.25, 0.5, 0.75, 1.0}) {
    add(x, colour(c), "", number(c));
    x += 58;
  }
  add(x, kKnown, "", "known");
  add(x + 76, kFinal, "", "final");
  add(x + 140, "#ffffff", std::string(" stroke=\"") + kEdit + "\" stroke-width=\"2\"", "edited");
  add(x + 216, colour(NAN), "", "no score");
  return svg;
}

static std::string document(const std::string &body, int height) {
  std::string size = "width=\"" + std::to_string(kWidth) + "\" height=\"" + std::to_string(height) + "\"";
  return "<svg xmlns=\"http://www.w3.org/2000/svg\" " + size + " viewBox=\"0 0 " + std::to_string(kWidth) + " " +
         std::to_string(height) + "\" font-family=\"ui-monospace, DejaVu Sans Mono, Menlo, Consolas, monospace\">\n" +
         "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n" + body + "</svg>\n";
}

std::string quoin::drawSvg(const std::vector<TraceSession> &sessions, const TokenText &textOf) {
  std::string body = legend(kMargin);
  int y = kMargin + 28;
  for (size_t i = 0; i < sessions.size(); ++i)
    body += Drawing(sessions[i], i, textOf).draw(y);
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" + document(body, y);
}

std::string quoin::drawHtml(const std::vector<TraceSession> &sessions, const TokenText &textOf) {
  std::string html = "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/><title>Trace</title><style>\n"
                     "body{font:14px/1.4 system-ui,sans-serif;color:#1c2733;margin:24px;background:#fff}\n"
                     "table{border-collapse:collapse}td,th{padding:2px 12px 2px 0;text-align:right}\n"
                     "th{font-weight:600}section{border-top:1px solid #d5dbe1;margin-top:16px;overflow-x:auto}\n"
                     "</style></head><body>\n<h1>Trace</h1>\n" +
                     document(legend(4), 24);
  for (size_t i = 0; i < sessions.size(); ++i) {
    Drawing drawing(sessions[i], i, textOf);
    int y = 8;
    std::string body = drawing.draw(y);
    html += "<section id=\"session-" + std::to_string(i) + "\">\n" + document(body, y) + "<details><summary>" +
            std::to_string(drawing.blocks().size()) +
            " blocks</summary><table><tr><th>positions</th><th>tokens</th><th>evaluations</th><th>forwards</th></tr>\n";
    for (const Block &b : drawing.blocks())
      html += "<tr><td>" + std::to_string(b.from) + " to " + std::to_string(b.to - 1) + "</td><td>" +
              std::to_string(b.to - b.from) + "</td><td>" + std::to_string(b.evaluations) + "</td><td>" +
              std::to_string(b.forwards) + "</td></tr>\n";
    html += "</table></details>\n</section>\n";
  }
  return html + "</body></html>\n";
}
