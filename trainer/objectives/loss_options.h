// The `loss` section of a recipe.
#pragma once

#include <array>
#include <string_view>

namespace caravan::trainer {

// What the summed loss of a step is divided by: trained tokens of the step, nothing (as Tülu 3 did), or each
// conversation's own trained tokens and then the number of conversations. Always counted over accumulation
// and ranks.
enum class Reduction { kTokenMean, kSum, kExampleMean };
constexpr std::array<std::string_view, 3> choice_names(Reduction) {
  return {"token_mean", "sum", "example_mean"};
}

struct LossOptions {
  Reduction reduction = Reduction::kTokenMean;
  double label_smoothing_factor = 0.0;
  double z_loss = 0.0;               // weight of the squared log-partition
  double neftune_noise_alpha = 0.0;  // 0: off
  bool operator==(const LossOptions&) const = default;

  template <class Visitor>
  void visit_fields(Visitor& v) {
    v.field("reduction", reduction,
            {.help = "token_mean: all trained tokens of a step weigh the same; sum: the same, not divided "
                     "(Tülu 3); example_mean: "
                     "all conversations weigh the same"});
    v.field("label_smoothing_factor", label_smoothing_factor,
            {.help = "share of the target spread over the whole vocabulary",
             .min = 0,
             .max = 1,
             .max_excluded = true});
    v.field("z_loss", z_loss,
            {.help = "weight of the squared log of the softmax denominator", .min = 0, .max = 1});
    v.field(
        "neftune_noise_alpha", neftune_noise_alpha,
        {.help = "uniform noise on embeddings in training, scaled by alpha / sqrt(tokens * width); 0: off",
         .min = 0,
         .max = 100});
  }
};

}  // namespace caravan::trainer
