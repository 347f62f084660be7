// What a judge looks at: four aspects, each with a template of its own.
#pragma once

#include <array>
#include <string_view>

namespace caravan::data {

struct Aspect {
  std::string_view name;
  std::string_view about;  // one line
  std::string_view text;   // of the template; places: {prompt} and {answers}
};

inline constexpr int kLowestRating = 1, kHighestRating = 5;

// helpfulness, instruction_following, honesty, truthfulness.
const std::array<Aspect, 4>& aspects();

}  // namespace caravan::data
