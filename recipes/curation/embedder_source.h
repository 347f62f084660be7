// A checkpoint that embeds texts for the measure `embedding`.
#pragma once

#include <memory>
#include <string>

#include "data/decontamination/text_embedder.h"
#include "recipes/synthesis/model_source.h"

namespace caravan::recipes {

struct EmbedderSource {
  std::string embedder = {};
  LocalDtype embedder_dtype = LocalDtype::kStored;
  trainer::DeviceChoice embedder_device = trainer::DeviceChoice::kAuto;
  bool operator==(const EmbedderSource&) const = default;

  template <class Visitor>
  void visit_fields(Visitor& v) {
    v.field("embedder", embedder,
            {.help = "measure embedding: folder of a checkpoint whose last hidden states, averaged, are a "
                     "text's vector",
             .path = true});
    v.field("embedder_dtype", embedder_dtype, {.help = "of the embedder: stored as it is, or converted"});
    v.field("embedder_device", embedder_device, {.help = "where the embedder computes"});
  }
};

// Makes one; null in a program that links no LibTorch.
using MakeEmbedder = std::unique_ptr<data::TextEmbedder> (*)(const EmbedderSource& source);

}  // namespace caravan::recipes
