// Ratings read from what a judge wrote.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace caravan::data {

struct Ratings {
  std::vector<int> values = {};  // one an answer
  std::string problem =
      {};  // "no_ratings", "too_few", "too_many", "wrong_answer", "out_of_range"; empty: values are good
};

// Lines "Rating: N" in any letters, with marks around them ("**Rating:** 4/5", "- rating - 4"), in the order
// of the answers; a heading with a number ("## Answer 2") before a rating says whose it is. Exactly one
// rating for each answer, whole numbers from kLowestRating to kHighestRating: anything else is a problem,
// never a guess. Linear in the text.
Ratings parse_ratings(std::string_view text, std::size_t num_answers);

}  // namespace caravan::data
