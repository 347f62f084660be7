// A text with places, filled in for each request: "{persona}", "{prompt}".
//
// Goals: what is filled in is text like any other, also where it looks like a place; braces around other
// words (code, LaTeX, JSON) stand for themselves. Non-goals: conditions, loops (chat templates have them).
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace caravan::data {

class PromptTemplate {
 public:
  // `places`: every one stands in the text at least once, but for the last `num_optional`. Throws data::Error
  // (usage) naming the template, the place that is missing and all that are needed, or for more than 64 KiB.
  PromptTemplate(std::string text, std::string name, std::span<const std::string_view> places,
                 std::size_t num_optional = 0);

  // A value for each place, in their order.
  std::string fill(std::span<const std::string_view> values) const;
  // Whether the text has the place of this index.
  bool has(std::size_t place) const;
  const std::string& name() const { return name_; }
  const std::string& sha256() const { return sha256_; }

 private:
  std::string name_, sha256_;
  // Text, and the place behind it; the last has none.
  std::vector<std::pair<std::string, std::size_t>> pieces_;
  static constexpr std::size_t kNoPlace = SIZE_MAX;
};

// The text of a file. Throws data::Error (input/output, usage for more than 64 KiB).
std::string read_template_file(const std::string& path);

}  // namespace caravan::data
