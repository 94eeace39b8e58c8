//===- Metadata.cpp - model.json and model.h -------------------------------===//

#include "compiler/driver/Metadata.h"
#include "compiler/driver/QueryHeader.h"
#include "runtime/include/quoin/program.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"
#include <charconv>

using namespace quoin;
using llvm::json::OStream;

/// A real setting is an f32: as few digits as tell it from its neighbours.
static std::string shortest(double value) {
  char text[32];
  return std::string(text, std::to_chars(text, text + sizeof(text), static_cast<float>(value)).ptr);
}

static void writeSettings(OStream &json, const DecoderDescription &decoder) {
  json.attributeObject("settings", [&] {
    for (const SettingDescription &s : decoder.settings)
      json.attributeObject(s.name, [&] {
        if (!s.words.empty()) {
          json.attribute("value", s.word);
          json.attributeArray("words", [&] {
            for (const std::string &word : s.words)
              json.value(word);
          });
        } else if (s.integer)
          json.attribute("value", static_cast<int64_t>(s.value));
        else
          json.attributeBegin("value"), json.rawValue(shortest(s.value)), json.attributeEnd();
        json.attribute("run_time", s.runTime);
      });
  });
}

static void writeTensors(OStream &json, llvm::StringRef what, const std::vector<TensorDescription> &all) {
  if (!all.empty())
    json.attributeArray(what, [&] {
      for (const TensorDescription &t : all)
        json.object([&] {
          json.attribute("name", t.name);
          json.attribute("type", t.type);
          json.attributeArray("shape", [&] {
            for (int64_t size : t.sizes)
              json.value(size);
          });
          if (t.optional)
            json.attribute("optional", true);
        });
    });
}

/// Counters are named "pass.counter"; they are grouped by pass.
static void writePasses(OStream &json, const ArtifactDescription &d) {
  std::map<std::string, std::vector<std::pair<std::string, int64_t>>> passes;
  for (const auto &[name, value] : d.counters) {
    size_t dot = name.find('.');
    passes[name.substr(0, dot)].emplace_back(name.substr(dot + 1), value);
  }
  json.attributeObject("passes", [&] {
    for (const auto &[pass, counters] : passes)
      json.attributeObject(pass, [&] {
        for (const auto &[name, value] : counters)
          json.attribute(name, value);
      });
  });
}

static void writeModel(OStream &json, const ModelInventory &m) {
  json.attribute("name", m.name);
  json.attribute("layers", m.layers);
  json.attribute("hidden", m.hidden);
  json.attribute("heads", m.heads);
  json.attribute("kv_heads", m.kvHeads);
  json.attribute("head_dim", m.headDim);
  json.attribute("vocabulary", m.vocabulary);
  json.attribute("weight_bytes_per_step", m.weightBytesPerStep);
  json.attribute("flops_per_row", m.flopsPerRow);
  json.attribute("flops_per_sequence", m.flopsPerSequence);
  json.attribute("flops_per_row_and_key", m.flopsPerRowAndKey);
  json.attribute("cache_bytes_per_token", m.cacheBytesPerToken);
}

/// The first model, as "model", then all of them where there are several.
static void writeModels(OStream &json, const std::vector<ModelInventory> &models) {
  json.attributeObject("model", [&] { writeModel(json, models.front()); });
  if (models.size() > 1)
    json.attributeArray("models", [&] {
      for (const ModelInventory &m : models)
        json.object([&] { writeModel(json, m); });
    });
}

/// What `costs` lists of every model, which is named where there are several.
template <typename Costs, typename Write>
static void writeCosts(llvm::json::OStream &json, llvm::StringRef name, llvm::ArrayRef<ModelInventory> models,
                       Costs ModelInventory::*costs, Write write) {
  json.attributeArray(name, [&] {
    for (const ModelInventory &m : models)
      for (const auto &cost : m.*costs)
        json.object([&] {
          if (models.size() > 1)
            json.attribute("model", m.name);
          write(cost);
        });
  });
}

std::string quoin::metadataJson(const ArtifactDescription &d) {
  std::string text;
  llvm::raw_string_ostream os(text);
  OStream json(os, 1);
  json.object([&] {
    json.attribute("abi", static_cast<int64_t>(QUOIN_ABI_VERSION));
    json.attribute("architecture", d.architecture);
    json.attribute("decoder", d.decoders.empty() ? "" : d.decoders.front().name);
    writeSettings(json, d.decoders.empty() ? DecoderDescription() : d.decoders.front());
    json.attributeArray("decoders", [&] {
      for (const DecoderDescription &decoder : d.decoders)
        json.object([&] {
          json.attribute("name", decoder.name);
          json.attribute("exact", decoder.inexact.empty() && d.inexact.empty());
          if (!decoder.inexact.empty())
            json.attribute("approximation", decoder.inexact);
          writeSettings(json, decoder);
          writeTensors(json, "inputs", decoder.inputs);
          writeTensors(json, "outputs", decoder.outputs);
        });
    });
    json.attribute("weights", d.weights);
    json.attribute("arithmetic", d.arithmetic);
    json.attribute("level", d.level);
    json.attributeObject("target", [&] {
      json.attribute("triple", d.triple);
      json.attribute("features", d.features);
    });
    if (d.object)
      json.attribute("symbol", d.symbol);
    json.attribute("exact", d.inexact.empty());
    if (!d.inexact.empty())
      json.attribute("approximation", d.inexact);
    json.attribute("capacity", d.capacity);
    json.attribute("fill", d.fill);
    json.attributeArray("stop", [&] {
      for (int32_t id : d.stops)
        json.value(id);
    });
    writeModels(json, d.models);
    writePasses(json, d);
    json.attributeObject("memory", [&] {
      json.attribute("weights", d.weightBytes);
      int64_t cacheBytes = 0;
      for (const ModelInventory &m : d.models)
        cacheBytes += m.cacheBytesPerToken;
      json.attribute("cache_bytes_per_token", cacheBytes);
      json.attribute("page_bytes", d.pageBytes);
      json.attribute("scratch_bytes_per_row", d.scratchRowBytes);
      json.attribute("head_scratch_bytes_per_row", d.headScratchRowBytes);
    });
    if (!d.quantized.empty())
      json.attributeArray("quantized", [&] {
        for (const cpu::QuantizedWeight &w : d.quantized)
          json.object([&] {
            json.attribute("weight", w.symbol);
            json.attribute("bits", w.bits);
            json.attribute("group", w.group);
            json.attributeBegin("relative_error"), json.rawValue(shortest(w.error)), json.attributeEnd();
          });
      });
    writeCosts(json, "kernels", d.models, &ModelInventory::products, [&](const ProductCost &p) {
      json.attribute("shape", p.shape);
      json.attribute("count", p.count);
      json.attribute("bytes", p.bytes);
      json.attribute("flops", p.flopsPerRow);
    });
    if (llvm::any_of(d.models, [](const ModelInventory &m) { return !m.experts.empty(); }))
      writeCosts(json, "experts", d.models, &ModelInventory::experts, [&](const ExpertCost &e) {
        json.attribute("shape", e.shape);
        json.attribute("count", e.count);
        json.attribute("experts", e.experts);
        json.attribute("chosen", e.chosen);
        json.attribute("bytes_per_expert", e.bytesPerExpert);
        json.attribute("flops", e.flopsPerRow);
      });
    json.attributeObject("step", [&] {
      json.attribute("barriers", d.barriers);
      json.attribute("fused_epilogues", d.fusedEpilogues);
    });
  });
  os << "\n";
  return text;
}

std::string quoin::metadataHeader(const ArtifactDescription &d) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << "model.h: a compiled " << d.architecture << " model, to be linked with the Quoin runtime.\n\n";
  for (const DecoderDescription &decoder : d.decoders) {
    os << "Decoder \"" << decoder.name << "\":";
    for (const SettingDescription &s : decoder.settings)
      os << llvm::formatv(" {0}={1}{2}", s.name, s.words.empty() ? shortest(s.value) : s.word,
                          s.runTime ? " (run time)" : "");
    os << "\n";
  }
  os << "\nGive `" << d.symbol << "` to quoin_model_from_program() with the folder of model.qw.";
  return queryHeader(text, "quoin_program_t", d.symbol);
}
