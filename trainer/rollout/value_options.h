// The `value` section of a recipe: the model that PPO's advantages compare with.
#pragma once

#include <optional>
#include <string>

namespace caravan::trainer {

struct ValueOptions {
  std::string path = {};  // empty: the weights that training starts from, with a new head of scores
  std::optional<double> learning_rate = {};
  double cliprange_value = 0.2;
  double vf_coef = 0.1;
  bool operator==(const ValueOptions&) const = default;

  template <class Visitor>
  void visit_fields(Visitor& v) {
    v.field(
        "path", path,
        {.help =
             "checkpoint folder that it starts from, usually a reward model (stage rm), of any size and the "
             "same tokenizer; absent: the weights that training starts from, with a new head of scores",
         .path = true});
    v.field("learning_rate", learning_rate,
            {.help = "its own; absent: optimizer.learning_rate", .min = 0, .max = 1, .min_excluded = true});
    v.field(
        "cliprange_value", cliprange_value,
        {.help = "how far a value may move from its old one before the clipped one counts; 0: not clipped",
         .min = 0,
         .max = 1000});
    v.field("vf_coef", vf_coef,
            {.help = "what its loss is multiplied with", .min = 0, .max = 1000, .min_excluded = true});
  }
};

}  // namespace caravan::trainer
