// The `optimizer` section of a recipe.
#pragma once

#include <array>
#include <string_view>

namespace caravan::trainer {

enum class OptimizerName { kAdamw };
constexpr std::array<std::string_view, 1> choice_names(OptimizerName) {
  return {"adamw"};
}

struct OptimizerOptions {
  OptimizerName name = OptimizerName::kAdamw;
  double learning_rate = 0.0;  // the peak, reached after warm-up
  std::array<double, 2> betas{0.9, 0.999};
  double eps = 1e-8;
  double weight_decay = 0.0;   // decoupled; never on norms and biases
  double max_grad_norm = 1.0;  // global norm; 0: no clipping
  bool operator==(const OptimizerOptions&) const = default;

  template <class Visitor>
  void visit_fields(Visitor& v) {
    v.field("name", name, {.help = "which optimizer"});
    v.field("learning_rate", learning_rate,
            {.help = "peak rate, reached after warm-up",
             .required = true,
             .min = 0,
             .max = 1,
             .min_excluded = true});
    v.field("betas", betas,
            {.help = "decay of the running means of the gradient and of its square",
             .min = 0,
             .max = 1,
             .max_excluded = true});
    v.field("eps", eps,
            {.help = "added to the root in the denominator", .min = 0, .max = 1, .min_excluded = true});
    v.field("weight_decay", weight_decay,
            {.help = "decoupled decay; never on norms and biases", .min = 0, .max = 1});
    v.field("max_grad_norm", max_grad_norm,
            {.help = "global gradient norm is clipped to this; 0: off", .min = 0});
  }
};

}  // namespace caravan::trainer
