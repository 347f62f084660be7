// Regular expressions run by PCRE2 (just-in-time compiled): those of tokenizer files without a scanner of
// their own, and those that people write to find rows.
//
// Tokenizer files are written for Oniguruma or Rust's regex. Where PCRE2 gives a construct another meaning
// (\s, \w, ^, $) it is rewritten; where it has none (\h, set operations in classes) the pattern is refused.
// Work on a text is bounded: a pattern that backtracks without end is an error, never a hang.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "data/tokenizers/tokenizer.h"

namespace caravan::data {

class Regex {
 public:
  struct Rules {
    bool translated = true;                // written for a tokenizer; else PCRE2's own language
    std::uint32_t max_steps = 20'000'000;  // from one place; of all see search_bounded
    static Rules plain() { return {false, 2'000'000}; }
  };
  // Throws Error (kData) with the place in the pattern. `where` names the file and key for messages.
  Regex(std::string_view pattern, std::string where, Rules rules);
  Regex(std::string_view pattern, std::string where) : Regex(pattern, std::move(where), Rules()) {}
  ~Regex();
  Regex(Regex&&) noexcept;
  Regex& operator=(Regex&&) noexcept;

  // The first match that is not empty at or after `from` in `text`, valid UTF-8; false where there is none.
  // Thread safe. Throws Error (kData) where the bound on steps is hit.
  bool find(std::string_view text, std::size_t from, ByteRange& match) const;

  // The same without throwing; plain patterns may match the empty text.
  enum class Found { kNo, kYes, kGaveUp };
  Found search(std::string_view text, std::size_t from, ByteRange& match) const;

 private:
  int match(std::string_view text, std::size_t from, ByteRange& match) const;
  struct Compiled;
  std::unique_ptr<Compiled> compiled_;
};

// The pattern as PCRE2 must read it (for tests).
std::string translate_pattern(std::string_view pattern, const std::string& where);

}  // namespace caravan::data
