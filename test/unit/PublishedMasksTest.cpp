// PublishedMasksTest.cpp: the masks of docs/masks/gallery.json against the predicates of their systems, at three sizes.
//
// A scene gives the tokens of a call and says, from indices alone and in the words of the paper, who sees whom. Every
// pair of the formula and every tile of its map is compared with it.

#include "dialects/quoin/MaskSpellings.h"
#include "dialects/quoin/TileMap.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <functional>
#include <map>

using namespace quoin;

namespace {

struct Scene {
  std::vector<MaskToken> tokens;
  std::vector<int64_t> symbols = {};
  std::function<bool(int64_t q, int64_t k)> see;
};

std::vector<MaskToken> plain(int64_t length) {
  std::vector<MaskToken> tokens(static_cast<size_t>(length));
  for (size_t i = 0; i < tokens.size(); ++i)
    tokens[i].position = tokens[i].slot = static_cast<int64_t>(i);
  return tokens;
}

/// Labels each token with the segment it lies in; `sizes` are the segments'.
std::vector<int64_t> label(std::vector<MaskToken> &tokens, const std::vector<int64_t> &sizes) {
  std::vector<int64_t> of;
  for (size_t s = 0; s < sizes.size(); ++s)
    of.insert(of.end(), static_cast<size_t>(sizes[s]), static_cast<int64_t>(s));
  tokens = plain(static_cast<int64_t>(of.size()));
  for (size_t i = 0; i < of.size(); ++i)
    tokens[i].label = of[i];
  return of;
}

/// Two halves of n tokens that share their positions.
std::vector<MaskToken> halves(int64_t n) {
  std::vector<MaskToken> tokens = plain(2 * n);
  for (MaskToken &t : tokens)
    t.position = t.slot % n;
  return tokens;
}

/// Bits that look random and are always the same.
bool bit(int64_t i) { return (static_cast<uint64_t>(i) * 2654435761u >> 7) % 3 == 0; }

Scene simple(int64_t size, std::function<bool(int64_t, int64_t)> see) {
  return {plain(48 * size + 5), {}, std::move(see)};
}

std::vector<int64_t> documentSizes(int64_t size) { return {9, 20 * size, 31, 17 * size, 3, 12 * size}; }
std::vector<int64_t> scaleSizes(int64_t size) {
  std::vector<int64_t> sides = {1, 2, 3, 4, 5, 6, 8, 10, 13, 16}, sizes;
  for (size_t i = 0; i < 4 + 2 * static_cast<size_t>(size) && i < sides.size(); ++i)
    sizes.push_back(sides[i] * sides[i]);
  return sizes;
}

using Maker = std::function<Scene(int64_t size)>;

/// By the names of the gallery; `size` is 1, 2 or 3.
const std::map<std::string, Maker> scenes = {
    {"full", [](int64_t s) { return simple(s, [](int64_t, int64_t) { return true; }); }},
    {"causal", [](int64_t s) { return simple(s, [](int64_t q, int64_t k) { return k <= q; }); }},
    {"block-causal", [](int64_t s) { return simple(s, [](int64_t q, int64_t k) { return k / 32 <= q / 32; }); }},
    {"window", [](int64_t s) { return simple(s, [](int64_t q, int64_t k) { return k <= q && k > q - 64; }); }},
    {"prefix",
     [](int64_t s) {
       int64_t p = 21 * s;
       Scene scene = simple(s, [p](int64_t q, int64_t k) { return k <= std::max(q, p - 1); });
       scene.symbols = {p};
       return scene;
     }},
    {"prompt-blocks",
     [](int64_t s) {
       int64_t p = 13 * s;
       Scene scene = simple(s, [p](int64_t q, int64_t k) {
         if (q < p)
           return k < p;
         return k < p || (k - p) / 32 <= (q - p) / 32;
       });
       scene.symbols = {p};
       return scene;
     }},
    {"context-causal",
     [](int64_t s) {
       int64_t a = 40 * s;
       Scene scene = simple(s, [a](int64_t q, int64_t k) { return q < a ? k <= q : true; });
       scene.symbols = {a};
       return scene;
     }},
    {"canvas",
     [](int64_t s) {
       int64_t a = 17 * s;
       Scene scene = simple(s, [a](int64_t q, int64_t k) { return q < a ? k <= q : true; });
       scene.symbols = {a};
       return scene;
     }},
    {"sdlm-window",
     [](int64_t s) {
       // The window starts with a copy of the last token, at that token's position.
       int64_t start = 41 * s;
       Scene scene = simple(s, [start](int64_t q, int64_t k) {
         if (q < start)
           return k <= q;
         return k >= start || k < start - 1;
       });
       for (MaskToken &t : scene.tokens)
         t.position -= t.slot >= start;
       scene.symbols = {start};
       return scene;
     }},
    {"verify",
     [](int64_t s) {
       // [cache | F | M], blocks of 8; F_i and M_i have the same position.
       int64_t a = 24 * s;
       Scene scene{plain(a + 16), {a}, [a](int64_t q, int64_t k) {
                     if (q < a)
                       return k < a && k / 8 <= q / 8;
                     if (q < a + 8)
                       return k <= q;
                     return k < a || (k < a + 8 && k - a < q - a - 8) || k == q;
                   }};
       for (MaskToken &t : scene.tokens)
         t.position -= t.slot >= a + 8 ? 8 : 0;
       return scene;
     }},
    {"verify-causal",
     [](int64_t s) {
       int64_t a = 24 * s;
       Scene scene{plain(a + 16), {a}, [a](int64_t q, int64_t k) {
                     if (q < a + 8)
                       return k <= q;
                     return k < a || (k < a + 8 && k - a < q - a - 8) || k == q;
                   }};
       for (MaskToken &t : scene.tokens)
         t.position -= t.slot >= a + 8 ? 8 : 0;
       return scene;
     }},
    {"forks",
     [](int64_t s) {
       // Copies of a text that grow by a token each in turn: a row sees the text and its copy's rows before it.
       int64_t text = 25 * s, copies = 3, total = text + copies * 12 * s;
       Scene scene{plain(total), {}, [=](int64_t q, int64_t k) {
                     if (q < text || k < text)
                       return k <= q;
                     return k <= q && (q - k) % copies == 0;
                   }};
       for (MaskToken &t : scene.tokens) {
         if (t.slot < text)
           continue;
         t.label = 1 + (t.slot - text) % copies;
         t.position = text + (t.slot - text) / copies;
       }
       return scene;
     }},
    {"tree",
     [](int64_t s) {
       // Parents of a random tree behind a prompt; a draft sees the prompt and its ancestors.
       int64_t prompt = 30 * s, total = 90 * s;
       Scene scene{plain(total), {}, {}};
       std::vector<int64_t> parent(static_cast<size_t>(total), -1), path;
       for (int64_t i = prompt; i < total; ++i) {
         // In pre-order: the parent is some node of the path to the one before.
         while (!path.empty() && bit(i * 7 + static_cast<int64_t>(path.size())))
           path.pop_back();
         parent[static_cast<size_t>(i)] = path.empty() ? -1 : path.back();
         path.push_back(i);
       }
       auto isAbove = [parent, prompt](int64_t k, int64_t q) {
         for (; q >= prompt; q = parent[static_cast<size_t>(q)])
           if (q == k)
             return true;
         return false;
       };
       for (MaskToken &t : scene.tokens) {
         t.label = t.slot < prompt ? total - 1 : t.slot;
         for (int64_t q = t.slot; t.slot >= prompt && q < total; ++q)
           if (isAbove(t.slot, q))
             t.label = q;
       }
       scene.see = [isAbove, prompt](int64_t q, int64_t k) { return k < prompt ? k <= q : isAbove(k, q); };
       return scene;
     }},
    {"two-halves",
     [](int64_t s) {
       int64_t n = 35 * s;
       return Scene{halves(n), {n}, [n](int64_t q, int64_t k) {
                      bool noisyQuery = q < n, noisyKey = k < n;
                      int64_t bq = q % n / 32, bk = k % n / 32;
                      if (noisyQuery && noisyKey)
                        return bq == bk;
                      return noisyKey ? false : noisyQuery ? bk < bq : bk <= bq;
                    }};
     }},
    {"clean-first",
     [](int64_t s) {
       int64_t n = 35 * s;
       return Scene{halves(n), {n}, [n](int64_t q, int64_t k) {
                      int64_t bq = q % n / 32, bk = k % n / 32;
                      if (q < n)
                        return k <= q;
                      return k < n ? bk < bq : bk == bq;
                    }};
     }},
    {"clean-first-blocks",
     [](int64_t s) {
       int64_t n = 35 * s;
       return Scene{halves(n), {n}, [n](int64_t q, int64_t k) {
                      int64_t bq = q % n / 32, bk = k % n / 32;
                      if (q < n)
                        return k < n && bk <= bq;
                      return k < n ? bk < bq : bk == bq;
                    }};
     }},
    {"observed-training",
     [](int64_t s) {
       // Each noisy block of 32 lies in memory with its observed tokens first.
       int64_t n = 32 * 2 * s;
       Scene scene{halves(n), {n}, [n](int64_t q, int64_t k) {
                     int64_t bq = q % n / 32, bk = k % n / 32;
                     if (q < n)
                       return k <= q;
                     return k < n ? bk < bq : bk == bq && k <= q;
                   }};
       for (int64_t block = n; block < 2 * n; block += 32) {
         int64_t at = block;
         for (bool open : {false, true})
           for (int64_t i = 0; i < 32; ++i)
             if (bit(block + i) == open)
               scene.tokens[static_cast<size_t>(at++)].position = block - n + i;
       }
       return scene;
     }},
    {"observed-first",
     [](int64_t s) {
       // Sorted stably, observed tokens first, the mask is causal: count who comes before.
       Scene scene = simple(s, {});
       std::vector<int64_t> place;
       int64_t next = 0;
       place.resize(scene.tokens.size());
       for (int64_t open : {0, 1})
         for (size_t i = 0; i < place.size(); ++i)
           if (bit(static_cast<int64_t>(i)) == (open == 1)) {
             scene.tokens[i].open = open;
             place[i] = next++;
           }
       scene.see = [place](int64_t q, int64_t k) {
         return place[static_cast<size_t>(k)] <= place[static_cast<size_t>(q)];
       };
       return scene;
     }},
    {"scales",
     [](int64_t s) {
       Scene scene;
       std::vector<int64_t> of = label(scene.tokens, scaleSizes(s));
       scene.see = [of](int64_t q, int64_t k) { return of[static_cast<size_t>(k)] <= of[static_cast<size_t>(q)]; };
       return scene;
     }},
    {"scale-markov",
     [](int64_t s) {
       Scene scene;
       std::vector<int64_t> of = label(scene.tokens, scaleSizes(s));
       scene.see = [of](int64_t q, int64_t k) {
         int64_t sq = of[static_cast<size_t>(q)], sk = of[static_cast<size_t>(k)];
         return sk == sq || sk == sq - 1;
       };
       return scene;
     }},
    {"neighbourhood",
     [](int64_t s) {
       return simple(
           s, [](int64_t q, int64_t k) { return std::abs(q / 16 - k / 16) <= 1 && std::abs(q % 16 - k % 16) <= 1; });
     }},
    {"distance",
     [](int64_t s) { return simple(s, [](int64_t q, int64_t k) { return k / 16 + k % 16 <= q / 16 + q % 16; }); }},
    {"cells",
     [](int64_t s) {
       return simple(s, [](int64_t q, int64_t k) {
         auto cell = [](int64_t i) { return i / 16 / 4 * 4 + i % 16 / 4; };
         return cell(k) <= cell(q);
       });
     }},
    {"subsamples",
     [](int64_t s) {
       return simple(s, [](int64_t q, int64_t k) {
         auto part = [](int64_t i) { return i / 16 % 2 * 2 + i % 16 % 2; };
         return part(k) <= part(q);
       });
     }},
    {"documents",
     [](int64_t s) {
       // The instruction sees itself, a document the instruction and itself, the question everything.
       Scene scene;
       std::vector<int64_t> of = label(scene.tokens, documentSizes(s));
       scene.symbols = {of.back()};
       scene.see = [of](int64_t q, int64_t k) {
         int64_t dq = of[static_cast<size_t>(q)], dk = of[static_cast<size_t>(k)];
         return k <= q && (dq == of.back() || dk == 0 || dk == dq);
       };
       return scene;
     }},
    {"packed",
     [](int64_t s) {
       Scene scene;
       std::vector<int64_t> of = label(scene.tokens, documentSizes(s));
       scene.see = [of](int64_t q, int64_t k) {
         return k <= q && of[static_cast<size_t>(q)] == of[static_cast<size_t>(k)];
       };
       return scene;
     }},
    {"interleaved",
     [](int64_t s) { return simple(s, [](int64_t q, int64_t k) { return k <= q && (q - k) % 4 == 0; }); }},
    {"set",
     [](int64_t s) {
       Scene scene;
       std::vector<int64_t> sizes = documentSizes(s), of = label(scene.tokens, sizes), starts;
       for (int64_t i = 0, at = 0; i < static_cast<int64_t>(sizes.size()); at += sizes[static_cast<size_t>(i++)])
         starts.push_back(at);
       for (MaskToken &t : scene.tokens)
         if (t.label > 0 && t.label < of.back())
           t.position = sizes[0] + t.slot - starts[static_cast<size_t>(t.label)];
       scene.symbols = {of.back()};
       scene.see = [of](int64_t q, int64_t k) {
         int64_t dq = of[static_cast<size_t>(q)], dk = of[static_cast<size_t>(k)];
         if (dq == dk || dq == of.back())
           return k <= q;
         return dk == 0 && dq != 0;
       };
       return scene;
     }},
    {"visible",
     [](int64_t s) {
       Scene scene = simple(s, [](int64_t q, int64_t k) { return bit(q) || !bit(k); });
       for (MaskToken &t : scene.tokens)
         t.open = bit(t.slot);
       return scene;
     }},
    {"variables",
     [](int64_t s) {
       // Token = variable * times + time; edges of the graph: every variable to itself, all to variable 0.
       int64_t times = 19 * s;
       Scene scene{plain(4 * times), {times}, [times](int64_t q, int64_t k) {
                     return k % times <= q % times && (q / times == k / times || q / times == 0);
                   }};
       for (MaskToken &t : scene.tokens)
         t.label = t.slot % times;
       return scene;
     }},
    {"window-global",
     [](int64_t s) { return simple(s, [](int64_t q, int64_t k) { return k <= q && (q - k < 64 || k < 16); }); }},
    {"streams",
     [](int64_t s) {
       int64_t n = 35 * s;
       return Scene{halves(n), {n}, [n](int64_t q, int64_t k) { return q < n ? k <= q : k < q - n || k == q; }};
     }},
    {"local-blocks",
     [](int64_t s) { return simple(s, [](int64_t q, int64_t k) { return k <= q && k / 32 == q / 32; }); }},
};

struct Picture {
  std::string formula, spelling; ///< no spelling: empty
};

/// The pictures of the gallery by name.
std::map<std::string, Picture> gallery() {
  auto buffer = llvm::MemoryBuffer::getFile(QUOIN_SOURCE_DIR "/docs/masks/gallery.json");
  if (!buffer)
    return {};
  auto json = llvm::json::parse((*buffer)->getBuffer());
  if (!json) {
    llvm::consumeError(json.takeError());
    return {};
  }
  std::map<std::string, Picture> pictures;
  for (const llvm::json::Value &v : *json->getAsArray()) {
    const llvm::json::Object &o = *v.getAsObject();
    pictures[o.getString("name")->str()] = {o.getString("mask")->str(), o.getString("short").value_or("").str()};
  }
  return pictures;
}

Tile bruteForce(const Scene &scene, int64_t row, int64_t column, int64_t tile) {
  int64_t length = static_cast<int64_t>(scene.tokens.size()), seen = 0, all = 0;
  for (int64_t q = row * tile; q < std::min(length, (row + 1) * tile); ++q)
    for (int64_t k = column * tile; k < std::min(length, (column + 1) * tile); ++k, ++all)
      seen += scene.see(q, k);
  return seen == 0 ? Tile::Empty : seen == all ? Tile::Full : Tile::Partial;
}

class PublishedMasks : public testing::TestWithParam<std::string> {};

TEST_P(PublishedMasks, FormulaAndTilesAreThoseOfTheSystem) {
  std::map<std::string, Picture> pictures = gallery();
  ASSERT_TRUE(pictures.count(GetParam())) << "not in docs/masks/gallery.json";
  const Picture &picture = pictures[GetParam()];
  std::string error;
  std::optional<BlockMask> mask = BlockMask::parse(picture.formula, error);
  ASSERT_TRUE(mask) << error;
  if (!picture.spelling.empty()) {
    std::optional<BlockMask> spelled = BlockMask::parse(picture.spelling, error);
    ASSERT_TRUE(spelled) << error;
    EXPECT_EQ(*spelled, *mask) << picture.spelling;
  }
  for (int64_t size : {1, 2, 3}) {
    Scene scene = scenes.at(GetParam())(size);
    int64_t length = static_cast<int64_t>(scene.tokens.size()), wrong = 0;
    for (int64_t q = 0; q < length; ++q)
      for (int64_t k = 0; k < length; ++k)
        wrong += mask->see(scene.tokens[static_cast<size_t>(q)], scene.tokens[static_cast<size_t>(k)], scene.symbols) !=
                 scene.see(q, k);
    EXPECT_EQ(wrong, 0) << "pairs at size " << size;
    for (int64_t tile : {16, 64}) {
      TileMap map(*mask, scene.tokens, scene.tokens, scene.symbols, tile);
      wrong = 0;
      for (int64_t r = 0; r < map.rows(); ++r)
        for (int64_t c = 0; c < map.columns(); ++c)
          wrong += map.at(r, c) != bruteForce(scene, r, c, tile);
      EXPECT_EQ(wrong, 0) << "tiles of " << tile << " at size " << size;
      EXPECT_EQ(map.count(Tile::Empty) + map.count(Tile::Partial) + map.count(Tile::Full), map.rows() * map.columns());
    }
  }
}

std::vector<std::string> names() {
  std::vector<std::string> all;
  for (const auto &[name, make] : scenes)
    all.push_back(name);
  return all;
}

INSTANTIATE_TEST_SUITE_P(All, PublishedMasks, testing::ValuesIn(names()), [](const auto &info) {
  std::string name = info.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

TEST(PublishedMasksGallery, EveryPictureHasAPredicate) {
  for (const auto &[name, picture] : gallery())
    EXPECT_TRUE(scenes.count(name)) << name;
  EXPECT_EQ(gallery().size(), scenes.size());
}

TEST(PublishedMasksGallery, EverySpellingHasAPicture) {
  for (const MaskSpelling &spelling : maskSpellings())
    EXPECT_TRUE(llvm::any_of(gallery(), [&](const auto &entry) {
      return llvm::StringRef(entry.second.spelling).split('<').first == spelling.name;
    })) << spelling.name.str();
}

} // namespace
