// Which of a judge's aspects are asked, and in whose words: keys of every section that has a judge.
#pragma once

#include <array>
#include <string>
#include <string_view>

namespace caravan::data {

struct AspectFiles {
  // Each a file in place of the built-in words; empty: the built-in ones; "none": it is not rated.
  std::string helpfulness = {}, instruction_following = {}, honesty = {}, truthfulness = {};
  bool operator==(const AspectFiles&) const = default;

  // In the order of aspects().
  std::array<const std::string*, 4> all() const {
    return {&helpfulness, &instruction_following, &honesty, &truthfulness};
  }

  template <class Visitor>
  void visit_fields(Visitor& v) {
    constexpr std::string_view kHelp =
        "file (its path has a /) with {prompt} and {answers}, and {ground_truth} where the judge is to see "
        "what "
        "the row has under that name, in place of the built-in words; none: not rated";
    v.field("helpfulness", helpfulness, {.help = kHelp, .path_or_name = true});
    v.field("instruction_following", instruction_following, {.help = kHelp, .path_or_name = true});
    v.field("honesty", honesty, {.help = kHelp, .path_or_name = true});
    v.field("truthfulness", truthfulness, {.help = kHelp, .path_or_name = true});
  }
};

}  // namespace caravan::data
