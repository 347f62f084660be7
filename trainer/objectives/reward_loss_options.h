// The settings of a reward model's loss in a recipe.
#pragma once

namespace caravan::trainer {

struct RewardLossOptions {
  double margin = 0.0;
  bool row_margins = false;
  double centring = 0.0;
  bool operator==(const RewardLossOptions&) const = default;

  template <class Visitor>
  void visit_fields(Visitor& v) {
    v.field(
        "margin", margin,
        {.help = "by how much the chosen answer's score should be above the rejected one's; 0: Bradley and "
                 "Terry's plain loss",
         .min = 0,
         .max = 1000});
    v.field(
        "row_margins", row_margins,
        {.help = "add to it what each row says of its pair (Llama 2): the field margin, the difference of "
                 "two ratings; a row without one is refused"});
    v.field("centring", centring,
            {.help = "weight of the square of the two scores' sum, which keeps scores near 0",
             .min = 0,
             .max = 1000});
  }
};

}  // namespace caravan::trainer
