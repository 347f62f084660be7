// Regular expressions with an end to their patience.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace caravan::data {

enum class PatternResult : std::uint8_t { kFound, kNone, kGaveUp };

// PCRE2 over valid UTF-8, \w and \b by Unicode. A search that needs more than a million steps from one place,
// or more than a thousand from too many, or more than 20 MB, gives up; so does one in more than 64 KiB of
// text. An expression of plain letters has neither limit. Thread safe.
class Pattern {
 public:
  // Throws data::Error (data) with PCRE2's message and the place where the expression does not compile.
  Pattern(std::string_view expression, bool ignore_case);
  ~Pattern();
  Pattern(Pattern&&) noexcept;

  PatternResult search(std::string_view text) const;
  // From the first byte to the last.
  PatternResult match_all(std::string_view text) const;
  // Matches without overlap; at most a million steps for all.
  PatternResult count(std::string_view text, std::size_t& num_matches) const;

 private:
  struct Compiled;
  std::unique_ptr<Compiled> compiled_;
};

// The same text as an expression: every character stands for itself.
std::string literal_pattern(std::string_view text);

}  // namespace caravan::data
