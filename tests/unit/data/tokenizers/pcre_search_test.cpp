// Searches whose work on a whole text is bounded, with the matches of an unbounded one where they end.
#include "data/tokenizers/pcre_search.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

namespace caravan::data {
namespace {

// Where the first match begins; PCRE2's error where there is none.
int search(const std::string& pattern, const std::string& text, std::uint32_t max_steps, bool compiled) {
  int error = 0;
  PCRE2_SIZE place = 0;
  const std::unique_ptr<pcre2_code, decltype(&pcre2_code_free)> code(
      pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(), PCRE2_UTF, &error, &place,
                    nullptr),
      pcre2_code_free);
  EXPECT_TRUE(code) << pattern;
  if (compiled) pcre2_jit_compile(code.get(), PCRE2_JIT_COMPLETE);
  const std::unique_ptr<pcre2_match_data, decltype(&pcre2_match_data_free)> data(
      pcre2_match_data_create_from_pattern(code.get(), nullptr), pcre2_match_data_free);
  const std::unique_ptr<pcre2_match_context, decltype(&pcre2_match_context_free)> context(
      pcre2_match_context_create(nullptr), pcre2_match_context_free);
  const int found = search_bounded(code.get(), text, 0, 0, data.get(), context.get(), max_steps);
  return found < 0 ? found : static_cast<int>(pcre2_get_ovector_pointer(data.get())[0]);
}

std::string repeat(const std::string& text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

TEST(PcreSearch, ManyLongPlacesEndTheSearch) {
  const std::string text = repeat(std::string(18, 'x') + " ", 20000);
  for (const bool compiled : {false, true}) {
    EXPECT_EQ(search("(x+x+)+[yw]", text, 2'000'000, compiled), PCRE2_ERROR_MATCHLIMIT) << compiled;
    EXPECT_EQ(search("(x+x+)+[yw]", std::string(40, 'x'), 100'000, compiled), PCRE2_ERROR_MATCHLIMIT)
        << compiled;
  }
}

TEST(PcreSearch, AFewLongPlacesAreSearchedToTheirEnd) {
  const std::string start = std::string(14, 'x') + repeat("\u00e9 ", 40000);
  const int place = static_cast<int>(start.size());
  for (const bool compiled : {false, true}) {
    EXPECT_EQ(search("(x+x+)+y|z", start + "z", 2'000'000, compiled), place) << compiled;
    EXPECT_EQ(search("(x+x+)+[yw]", start + "z", 2'000'000, compiled), PCRE2_ERROR_NOMATCH) << compiled;
    EXPECT_EQ(search("\u00e9(?= z)", start + "z", 2'000'000, compiled), place - 3) << compiled;
  }
}

}  // namespace
}  // namespace caravan::data
