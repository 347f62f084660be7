// Regular expressions of tokenizer files, run by PCRE2 (just-in-time compiled), for patterns without a
// scanner of their own.
//
// Tokenizer files are written for Oniguruma or Rust's regex. Where PCRE2 gives a construct another meaning
// (\s, \w, ^, $) it is rewritten; where it has none (\h, set operations in classes) the pattern is refused.
// Work on a text is bounded: a pattern that backtracks without end is an error, never a hang.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "data/tokenizers/tokenizer.h"

namespace caravan::data {

class Regex {
 public:
  // Throws Error (kData) with the place in the pattern. `where` names the file and key for messages.
  Regex(std::string_view pattern, std::string where);
  ~Regex();
  Regex(Regex&&) noexcept;
  Regex& operator=(Regex&&) noexcept;

  // The first match that is not empty at or after `from` in `text`, valid UTF-8; false where there is none.
  // Thread safe. Throws Error (kData) where the bound on steps is hit.
  bool find(std::string_view text, std::size_t from, ByteRange& match) const;

 private:
  struct Compiled;
  std::unique_ptr<Compiled> compiled_;
};

// The pattern as PCRE2 must read it (for tests).
std::string translate_pattern(std::string_view pattern, const std::string& where);

}  // namespace caravan::data
