// A model that writes texts for a recipe: behind an endpoint, or a checkpoint of one's own.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "data/endpoint/endpoint_options.h"
#include "trainer/run_options.h"

namespace caravan::recipes {

enum class LocalDtype { kStored, kFp32, kBf16 };
constexpr std::array<std::string_view, 3> choice_names(LocalDtype) {
  return {"stored", "fp32", "bf16"};
}

// As load_model takes it; nothing: as it is stored.
inline std::optional<std::string> dtype_name(LocalDtype dtype) {
  if (dtype == LocalDtype::kStored) return std::nullopt;
  return dtype == LocalDtype::kFp32 ? "fp32" : "bf16";
}

struct ModelSource {
  std::string name = {};
  std::string checkpoint = {};
  std::string chat_template = "auto";
  LocalDtype dtype = LocalDtype::kStored;
  trainer::DeviceChoice device = trainer::DeviceChoice::kAuto;
  std::int64_t batch_size = 32;
  data::EndpointOptions endpoint = {};
  bool operator==(const ModelSource&) const = default;

  bool is_local() const { return !checkpoint.empty(); }

  template <class Visitor>
  void visit_fields(Visitor& v) {
    v.field("name", name,
            {.help = "by which the recipe calls the model; letters, digits, _ - .", .required = true});
    v.field(
        "checkpoint", checkpoint,
        {.help = "folder of a checkpoint that this program runs itself; else url and model", .path = true});
    v.field("chat_template", chat_template,
            {.help = "of a checkpoint: auto (its own), a built-in name, or a file of Jinja text",
             .path_or_name = true});
    v.field("dtype", dtype, {.help = "of a checkpoint: stored as it is, or converted"});
    v.field("device", device, {.help = "of a checkpoint: where it computes"});
    v.field("batch_size", batch_size,
            {.help = "of a checkpoint: sequences that decode together; no result depends on it",
             .min = 1,
             .max = 65536,
             .free_at_resume = true});
    endpoint.visit_fields(v);
  }
};

}  // namespace caravan::recipes
