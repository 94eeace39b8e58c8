//===- Drawing.cpp - a tile map as an SVG ----------------------------------===//
//
// One path for the partial tiles and one for the full ones. Each row is cut into runs of equal tiles; a run that the
// next row repeats grows downwards instead of starting again. Coordinates are tiles; a transform makes them pixels.
//
//===----------------------------------------------------------------------===//

#include "tools/quoin-draw-mask/Drawing.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"
#include <map>

using namespace quoin;

static constexpr int64_t picture = 256; // pixels across the longer side

static std::string escaped(llvm::StringRef text) {
  std::string out;
  for (char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else
      out += c;
  }
  return out;
}

/// The rectangles of one kind of tile, as the data of a path.
static std::string rectangles(const TileMap &map, Tile kind) {
  std::string text;
  llvm::raw_string_ostream os(text);
  std::map<std::pair<int64_t, int64_t>, int64_t> growing; // columns [from, to) and the row where it began
  for (int64_t r = 0; r <= map.rows(); ++r) {
    std::map<std::pair<int64_t, int64_t>, int64_t> now;
    for (int64_t c = 0; r < map.rows() && c < map.columns();) {
      int64_t from = c;
      while (c < map.columns() && map.at(r, c) == kind)
        ++c;
      if (c == from) {
        ++c;
        continue;
      }
      auto it = growing.find({from, c});
      now[{from, c}] = it == growing.end() ? r : it->second;
    }
    for (auto [columns, began] : growing)
      if (!now.count(columns))
        os << "M" << columns.first << " " << began << "h" << columns.second - columns.first << "v" << r - began << "H"
           << columns.first << "z";
    growing = std::move(now);
  }
  return os.str();
}

/// One map with its counts, its upper left corner at (x, 38).
static void drawMap(llvm::raw_ostream &os, const TileMap &map, int64_t x) {
  int64_t longest = std::max({map.rows(), map.columns(), int64_t(1)});
  double scale = static_cast<double>(picture) / static_cast<double>(longest);
  double width = scale * static_cast<double>(map.columns()), height = scale * static_cast<double>(map.rows());
  int64_t total = map.rows() * map.columns();
  os << "<g transform=\"translate(" << x << " 38) scale(" << llvm::format("%g", scale) << ")\">\n";
  if (auto d = rectangles(map, Tile::Partial); !d.empty())
    os << "<path fill=\"#f3b562\" d=\"" << d << "\"/>\n";
  if (auto d = rectangles(map, Tile::Full); !d.empty())
    os << "<path fill=\"#2b6ca3\" d=\"" << d << "\"/>\n";
  os << "</g>\n<rect x=\"" << x << "\" y=\"38\" width=\"" << llvm::format("%g", width) << "\" height=\""
     << llvm::format("%g", height) << "\" fill=\"none\" stroke=\"#999\"/>\n<text x=\"" << x << "\" y=\""
     << static_cast<int64_t>(height) + 53 << "\">"
     << "<tspan fill=\"#999\">" << map.count(Tile::Empty) << " empty</tspan>, <tspan fill=\"#c07f1c\">"
     << map.count(Tile::Partial) << " partial</tspan>, <tspan fill=\"#2b6ca3\">" << map.count(Tile::Full)
     << " full</tspan> of " << total << " tiles</text>\n";
}

static void drawHead(llvm::raw_ostream &os, const TileMap &map, int64_t width, const Caption &caption) {
  int64_t longest = std::max({map.rows(), map.columns(), int64_t(1)});
  int64_t height = picture * map.rows() / longest;
  os << "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" << width << "\" height=\"" << height + 62
     << "\" font-family=\"sans-serif\" font-size=\"11\">\n"
     << "<title>" << escaped(caption.formula) << "</title>\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
     << "<text x=\"12\" y=\"16\" font-weight=\"bold\">" << escaped(caption.title) << "</text>\n"
     << "<text x=\"12\" y=\"30\" fill=\"#666\">" << caption.queries << " queries (down) x " << caption.keys
     << " keys, tiles of " << caption.tile << "</text>\n";
}

std::string quoin::drawTiles(const TileMap &map, const Caption &caption) {
  std::string text;
  llvm::raw_string_ostream os(text);
  drawHead(os, map, 300, caption);
  drawMap(os, map, 12);
  os << "</svg>\n";
  return text;
}

std::string quoin::drawPair(const TileMap &before, const TileMap &after, const Caption &caption,
                            const std::string &order) {
  std::string text;
  llvm::raw_string_ostream os(text);
  drawHead(os, before, 600, caption);
  os << "<text x=\"312\" y=\"30\" fill=\"#666\">tokens sorted by " << escaped(order) << "</text>\n";
  drawMap(os, before, 12);
  drawMap(os, after, 312);
  os << "</svg>\n";
  return text;
}
