#include "data/inspection/inspection.h"

#include <gtest/gtest.h>

#include "data/error.h"
#include "data/html_text.h"
#include "data/inspection/inspection_page.h"
#include "recipes/commands/data_inspect.h"
#include "tests/support/temp_dir.h"

namespace caravan::data {
namespace {

ConvertedRow exchange_row(const std::string& prompt, const std::string& answer) {
  ConvertedRow row;
  row.messages = exchange(prompt, answer);
  return row;
}

Script script_of(std::string_view text) {
  ScriptCounts counts;
  counts.add(text);
  return counts.main();
}

TEST(Script, TheOneWithMoreThanHalfOfTheLetters) {
  EXPECT_EQ(script_of("Plain words, 123."), Script::kLatin);
  EXPECT_EQ(script_of("서울에서 KTX로"), Script::kHangul);
  EXPECT_EQ(script_of("東京へ行きました"), Script::kKana);
  EXPECT_EQ(script_of("請用三個字形容春天。"), Script::kHan);
  EXPECT_EQ(script_of("मौसम कैसा है?"), Script::kDevanagari);
  EXPECT_EQ(script_of("Привет"), Script::kCyrillic);
  EXPECT_EQ(script_of("ab привет ελλάς"), Script::kMixed);
  EXPECT_EQ(script_of("12 + 3 = 15 🚄"), Script::kNone);
}

TEST(Inspection, CountsCharactersTurnsDuplicatesAndPrompts) {
  Inspection inspection(false);
  inspection.add(facts_of(exchange_row("ab", "çd"), nullptr));
  inspection.add(facts_of(exchange_row("ab", "other"), nullptr));
  inspection.add(facts_of(exchange_row("ab", "çd"), nullptr));
  ConvertedRow pair;
  pair.chosen = exchange("x", "yes");
  pair.rejected = exchange("x", "no");
  inspection.add(facts_of(pair, nullptr));
  RowFacts broken;
  broken.problem = "invalid_json";
  inspection.add(broken);
  EXPECT_EQ(inspection.rows(), 5u);
  EXPECT_EQ(inspection.used(), 4u);
  EXPECT_EQ(inspection.pairs(), 1u);
  EXPECT_EQ(inspection.duplicates(), 1u);
  EXPECT_EQ(inspection.repeated_prompts(), 2u);
  ASSERT_EQ(inspection.top_prompts(10).size(), 1u);
  EXPECT_EQ(inspection.top_prompts(10)[0].name, "ab");
  EXPECT_EQ(inspection.top_prompts(10)[0].rows, 3u);
  EXPECT_EQ(inspection.problems()[0].name, "invalid_json");
  const Distribution characters = inspection.measures()[1].distribution;
  EXPECT_EQ(characters.min, 4u);
  EXPECT_EQ(characters.max, 7u);
  EXPECT_EQ(characters.sum, 19u);
  EXPECT_EQ(characters.median, 4u);
}

// Roles count for what is a duplicate, and so does where one turn ends and the next begins.
TEST(Inspection, EqualTextInOtherTurnsIsNoDuplicate) {
  Inspection inspection(false);
  inspection.add(facts_of(exchange_row("ab", "c"), nullptr));
  inspection.add(facts_of(exchange_row("a", "bc"), nullptr));
  ConvertedRow swapped = exchange_row("ab", "c");
  std::swap(swapped.messages[0].role, swapped.messages[1].role);
  inspection.add(facts_of(swapped, nullptr));
  EXPECT_EQ(inspection.duplicates(), 0u);
}

TEST(Inspection, EveryRowIsInOneBucket) {
  for (const std::size_t longest : {3u, 100u, 5000u}) {
    Inspection inspection(false);
    for (std::size_t length = 1; length <= longest; ++length)
      inspection.add(facts_of(exchange_row(std::string(length, 'a'), "b"), nullptr));
    for (const Inspection::Measure& measure : inspection.measures()) {
      std::uint64_t rows = 0;
      for (std::size_t i = 0; i < measure.buckets.size(); ++i) {
        rows += measure.buckets[i].rows;
        if (i > 0) {
          EXPECT_LT(measure.buckets[i - 1].low, measure.buckets[i].low);
        }
      }
      EXPECT_EQ(rows, longest) << measure.name;
      EXPECT_LE(measure.buckets[0].low, measure.distribution.min);
    }
  }
}

TEST(InspectionPage, TextOfRowsIsShownAndNeverRun) {
  const std::string hostile = "</td><script>alert('x')</script>\x1b[31m\xff&";
  EXPECT_EQ(html_text("\xE2\x80\xAE\xC2\x85"), "\xEF\xBF\xBD\xEF\xBF\xBD");  // writing turned round
  EXPECT_EQ(html_text("a<b>\"'&\x01\xff"), "a&lt;b&gt;&quot;&#39;&amp;\xEF\xBF\xBD\xEF\xBF\xBD");
  Inspection inspection(false);
  for (int i = 0; i < 2; ++i) {
    RowFacts facts = facts_of(exchange_row("p", "a"), nullptr);
    facts.source = hostile;
    facts.prompt = hostile;
    inspection.add(std::move(facts));
  }
  const std::string page = inspection_page(inspection, hostile);
  EXPECT_EQ(page.find("<script"), std::string::npos);
  EXPECT_EQ(page.find('\x1b'), std::string::npos);
  EXPECT_NE(page.find("&lt;script&gt;"), std::string::npos);
  EXPECT_NE(page.find("<svg"), std::string::npos);
  EXPECT_EQ(page.find("http://"), std::string::npos);
  EXPECT_EQ(page.find("https://"), std::string::npos);
}

std::string run(std::vector<std::string> args) {
  testing::internal::CaptureStdout();
  EXPECT_EQ(recipes::run_data_inspect(args), 0);
  return testing::internal::GetCapturedStdout();
}

TEST(DataInspect, AnyLayoutAnyThreads) {
  const tests::TempDir dir;
  std::string rows = "broken\n\n";
  for (int i = 0; i < 300; ++i)
    rows += "{\"instruction\":\"q" + std::to_string(i % 290) + "\",\"output\":\"a\",\"source\":\"s" +
            std::to_string(i % 3) + "\"}\n";
  const std::string file = dir.write("rows.jsonl", rows), page = (dir / "page.html").string();
  const std::string one = run({file, "--threads", "1"}), four = run({file, "--threads", "4", "--html", page});
  EXPECT_EQ(one, four);
  EXPECT_NE(one.find("301 rows, 300 usable, 0 pairs, 10 exact duplicates, 10 with a prompt"),
            std::string::npos)
      << one;
  EXPECT_NE(one.find("invalid_json"), std::string::npos);
  EXPECT_TRUE(tests::read_bytes(page).ends_with("</html>\n"));
  EXPECT_THROW(recipes::run_data_inspect(std::vector<std::string>{file, "--html", page}), Error);
  EXPECT_THROW(recipes::run_data_inspect(std::vector<std::string>{file, "--format", "columns"}), Error);
  EXPECT_THROW(recipes::run_data_inspect(std::vector<std::string>{file, "--format", "helpsteer2"}), Error);
  EXPECT_THROW(recipes::run_data_inspect(std::vector<std::string>{file, "--html", file, "--force"}), Error);
}

}  // namespace
}  // namespace caravan::data
