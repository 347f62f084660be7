// The `model` section of a recipe: which checkpoint, how its parameters are held, what is kept for the
// backward pass.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace caravan::models {

enum class Init { kPretrained, kRandom };
constexpr std::array<std::string_view, 2> choice_names(Init) {
  return {"pretrained", "random"};
}

enum class DType { kBf16, kFp32 };
constexpr std::array<std::string_view, 2> choice_names(DType) {
  return {"bf16", "fp32"};
}

// Whose activations are computed again in the backward pass: those of every n-th block. Written none, all,
// "every 2 layers".
struct Recompute {
  std::int64_t every = 0;  // 0: none; 1: all blocks; n: blocks 0, n, 2n, ...
  bool operator==(const Recompute&) const = default;
};

struct ModelOptions {
  std::string path = {};  // a directory in Hugging Face layout, absolute once the recipe is read
  Init init = Init::kPretrained;
  DType dtype = DType::kBf16;
  Recompute recompute = {};
  bool operator==(const ModelOptions&) const = default;

  template <class Visitor>
  void visit_fields(Visitor& v) {
    v.field("path", path,
            {.help = "checkpoint folder in Hugging Face layout: config.json, safetensors, tokenizer",
             .required = true,
             .path = true});
    v.field(
        "init", init,
        {.help = "pretrained reads the weights; random draws them from run.seed and needs only config.json"});
    v.field(
        "dtype", dtype,
        {.help = "type of parameters and activations; the optimizer keeps fp32 master weights in any case"});
    v.field("recompute", recompute,
            {.help = "activations computed again instead of kept: less memory, same result",
             .free_at_resume = true});
  }
};

}  // namespace caravan::models
