// Linear searches: the same places as the library's, and an end on texts that keep those busy for hours.
#include "data/chat/text_search.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "tests/unit/data/chat/read_cases.h"

namespace caravan::tests {
namespace {

TEST(TextSearch, FindsWhatTheLibraryFinds) {
  std::mt19937 random(5);
  const auto text_of = [&](std::size_t most) {
    std::string text(random() % (most + 1), 'a');
    for (char& c : text) c = static_cast<char>('a' + random() % 2);
    return text;
  };
  for (int i = 0; i < 20'000; ++i) {
    const std::string text = text_of(24), wanted = text_of(6);
    const std::size_t from = random() % 26;
    ASSERT_EQ(data::find_first(text, wanted, from), std::string_view(text).find(wanted, from))
        << text << wanted;
    ASSERT_EQ(data::find_last(text, wanted), std::string_view(text).rfind(wanted)) << text << wanted;
  }
}

TEST(TextSearch, ComesToAnEndOnRepeatedLetters) {
  const std::string text(16u << 20, 'a'), half(8u << 20, 'a');
  EXPECT_EQ(data::find_first(text, half + "b"), std::string::npos);
  EXPECT_EQ(data::find_last(text, "b" + half), std::string::npos);
}

TEST(TextSearch, IsWhatTemplatesUse) {
  const data::Json none = data::Json::object();
  const std::string text =
      "{% set t = 'a' * 4000000 %}{% set b = 'a' * 2000000 ~ 'b' %}{% set f = 'b' ~ 'a' * 2000000 %}";
  EXPECT_EQ(render_or_error(text + "{{ t.find(b) }} {{ t.rfind(f) }} {{ b in t }} {{ t.count(b) }}", none),
            "-1 -1 False 0");
  EXPECT_EQ(
      render_or_error(text + "{{ t.split(b)|length }} {{ t.rsplit(f)|length }} {{ t.replace(b, '')|length }}",
                      none),
      "1 1 4000000");
}

TEST(TextSearch, ManyGenerationBlocksComeToAnEnd) {
  const std::string blocks =
      "{% for i in range(4) %}{% for j in range(100000) %}{% generation %}x{% endgeneration %}{% endfor %}{% "
      "endfor %}";
  EXPECT_EQ(render_or_error(blocks, data::Json::object()).size(), 400'000u);
}

}  // namespace
}  // namespace caravan::tests
