// Many keywords looked for at once: an Aho-Corasick automaton over bytes.
//
// Goals: time linear in the text whatever the keywords; ASCII case costs nothing. Non-goals: patterns.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/filters/keyword_starts.h"

namespace caravan::data {

struct Keyword {
  std::string text;            // not empty
  std::string after_any = {};  // not empty: any character but a line feed, then this, must follow `text`
  std::string name = {};       // in reasons; empty: as written
};

struct KeywordMatch {
  std::size_t keyword = 0;
  std::size_t begin = 0, end = 0;  // bytes of the text
};

class KeywordSearch {
 public:
  struct Rules {
    bool ignore_case = true;  // by Unicode's simple folding
    // A match may not begin or end inside a word: no letter, number or underline on both sides of its edge.
    bool whole_words = true;
  };
  // All keywords together: at most kMaxBytes.
  static constexpr std::size_t kMaxBytes = 1u << 18;
  KeywordSearch(std::vector<Keyword> keywords, Rules rules);

  // The match that ends first in `text`, valid UTF-8 (of several that end there the longest); false where
  // there is none. `folded` is working memory. Thread safe.
  bool find(std::string_view text, std::string& folded, KeywordMatch& match) const;
  const Keyword& keyword(std::size_t index) const { return keywords_[index]; }

 private:
  static constexpr std::uint32_t kNone = UINT32_MAX;
  void count_bytes();
  void add(std::size_t keyword);
  void link();
  bool search(std::string_view text, KeywordMatch& match) const;
  bool accept(std::string_view text, std::size_t end, std::uint32_t keyword, KeywordMatch& match) const;

  std::vector<Keyword> keywords_;
  Rules rules_;
  bool folds_text_ = false;                // a keyword has letters beyond ASCII, and case does not count
  std::array<std::uint8_t, 256> class_{};  // of a byte; 0: in no keyword
  std::uint32_t num_classes_ = 1;
  std::vector<std::uint32_t> next_;   // [state * num_classes_ + class]
  std::vector<std::uint32_t> found_;  // per state: a keyword that ends there
  std::vector<std::uint32_t> also_;   // per state: the next shorter state at which one ends
  std::vector<std::uint32_t> same_;   // per keyword: another one of the same text
  std::vector<std::uint8_t> hits_;    // per state: whether any ends there, itself or a shorter one
  std::optional<KeywordStarts> starts_;
};

}  // namespace caravan::data
