// Every layout against its reference rows: fate, reasons and records, with the layout named and detected.
#include <gtest/gtest.h>

#include "data/converters/converter_table.h"
#include "data/converters/detect_layout.h"
#include "data/error.h"
#include "tests/support/shared_data.h"
#include "tests/unit/data/converters/converted.h"

namespace caravan::data {
namespace {

using tests::convert;
using tests::ConvertedFile;
using tests::read_lines;

std::filesystem::path references() {
  return tests::shared_data() / "goldens/data/converters";
}

// Equal whatever the order of keys.
nlohmann::json unordered(const Json& json) {
  return nlohmann::json::parse(json.dump());
}

void expect_equal(const std::string& layout, const std::string& expected,
                  const std::vector<std::string>& more) {
  std::vector<std::string> args{(references() / (layout + ".jsonl")).string()};
  args.insert(args.end(), more.begin(), more.end());
  const ConvertedFile found = convert(args);
  std::size_t lines = 0;
  for (const Json& wanted : read_lines(references() / (expected + ".expected.jsonl"))) {
    const std::size_t line = wanted.contains("lines") ? wanted["lines"][0] : wanted["line"];
    lines += wanted.contains("lines") ? wanted["lines"].size() : 1;
    const ConvertedFile::Row& row = found.rows.at(line);
    EXPECT_EQ(row.fate, wanted["fate"]) << layout << " line " << line;
    EXPECT_EQ(Json(row.reasons), wanted["reasons"]) << layout << " line " << line;
    EXPECT_EQ(unordered(Json(row.records)), unordered(wanted["rows"])) << layout << " line " << line;
  }
  EXPECT_EQ(found.rows.size(), lines) << layout;
}

class Layouts : public testing::TestWithParam<const char*> {};

TEST_P(Layouts, EqualTheReferenceNamedAndDetected) {
  SKIP_WITHOUT_SHARED_DATA();
  const std::string layout = GetParam();
  EXPECT_EQ(detect_layout((references() / (layout + ".jsonl")).string()).name, layout);
  expect_equal(layout, layout, {});
  expect_equal(layout, layout, {"--format", layout, "--threads", "3"});
}

INSTANTIATE_TEST_SUITE_P(Converters, Layouts,
                         testing::Values("messages", "sharegpt", "alpaca", "prompt_completion", "oasst",
                                         "wildchat", "no_robots", "flan", "openmathinstruct", "numinamath",
                                         "aya", "coconot", "sciriff", "tablegpt", "lima", "daring_anteater",
                                         "hh", "preference_pairs", "kto", "helpsteer2", "nectar",
                                         "ultrafeedback", "rlvr", "gsm8k", "math", "ifeval"),
                         [](const auto& tested) { return std::string(tested.param); });

TEST(Goldens, HelpSteerWithNvidiasWeights) {
  SKIP_WITHOUT_SHARED_DATA();
  expect_equal("helpsteer2", "helpsteer2_weighted", {"--weights", "nvidia"});
}

TEST(Goldens, TwoRepliesAtEachTurn) {
  SKIP_WITHOUT_SHARED_DATA();
  const ConvertedFile found = convert({(references() / "oasst.jsonl").string(), "--top-k", "2"});
  for (const Json& wanted : read_lines(references() / "oasst.expected.jsonl")) {
    EXPECT_EQ(unordered(Json(found.rows.at(wanted["line"]).records)), unordered(wanted["rows_top_k_2"]));
  }
}

TEST(Goldens, WildChatBySourceFilterAndSubset) {
  SKIP_WITHOUT_SHARED_DATA();
  const std::string file = (references() / "wildchat.jsonl").string();
  const ConvertedFile filtered = convert({file, "--source-filter"}),
                      subset = convert({file, "--subset", "gpt-3.5"});
  for (const Json& wanted : read_lines(references() / "wildchat.expected.jsonl")) {
    EXPECT_EQ(filtered.rows.at(wanted["line"]).fate, wanted["fate_with_source_filter"]);
    const bool other = wanted["subset"] != "gpt-3.5";
    EXPECT_EQ(subset.rows.at(wanted["line"]).fate, other ? "dropped" : wanted["fate"].get<std::string>());
  }
}

// The draw of the reference is from a set; ours must stay in it and be the same each time.
TEST(Goldens, RandomPicksStayInTheReferencesSet) {
  SKIP_WITHOUT_SHARED_DATA();
  const auto answer = [](const Json& turns) { return turns.back()["content"]; };
  std::set<std::string> drawn;
  for (int seed = 0; seed < 30; ++seed) {
    const std::vector<std::string> args{(references() / "nectar.jsonl").string(), "--pick", "random",
                                        "--seed", std::to_string(seed)};
    const ConvertedFile found = convert(args);
    for (const Json& wanted : read_lines(references() / "nectar.expected.jsonl")) {
      const ConvertedFile::Row& row = found.rows.at(wanted["line"]);
      EXPECT_EQ(row.fate, wanted["fate"]);
      if (row.records.empty()) continue;
      const Json chosen = answer(row.records[0]["chosen"]), rejected = answer(row.records[0]["rejected"]);
      const auto& allowed = wanted["open_instruct_random"]["chosen_one_of"];
      EXPECT_NE(std::find(allowed.begin(), allowed.end(), chosen), allowed.end());
      EXPECT_NE(chosen, rejected);
      drawn.insert(chosen.get<std::string>());
    }
  }
  EXPECT_GT(drawn.size(), 3u);
}

TEST(Goldens, BadRowsMeetTheirFate) {
  SKIP_WITHOUT_SHARED_DATA();
  const ConvertedFile found = convert({(references() / "bad_rows.jsonl").string()});
  const std::vector<Json> expected = read_lines(references() / "bad_rows.expected.jsonl");
  ASSERT_EQ(found.rows.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    std::string reason = found.rows[i].reasons.empty() ? "" : found.rows[i].reasons[0];
    if (reason.starts_with("repaired:")) reason = reason.substr(9);
    EXPECT_EQ(found.rows[i].fate, expected[i]["fate"]) << "line " << i;
    EXPECT_EQ(reason.empty() ? Json(nullptr) : Json(reason), expected[i]["reason"]) << "line " << i;
  }
  EXPECT_EQ(found.rows[1].records[0]["id"], "ok0#2");
}

TEST(Goldens, AByteOrderMarkIsARepair) {
  SKIP_WITHOUT_SHARED_DATA();
  const ConvertedFile found = convert({(references() / "bom.jsonl").string()});
  ASSERT_EQ(found.rows.size(), 2u);
  EXPECT_EQ(found.rows[0].reasons, std::vector<std::string>{"repaired:byte_order_mark"});
  EXPECT_EQ(found.rows[1].fate, "kept");
}

TEST(Goldens, GeneratedBadRows) {
  const tests::TempDir dir;
  const auto fate = [&dir](const std::string& bytes) {
    const ConvertedFile found = convert({dir.write("rows.jsonl", bytes), "--format", "messages"});
    if (found.rows.empty()) return std::string("no rows");
    return found.rows[0].fate + (found.rows[0].reasons.empty() ? "" : " " + found.rows[0].reasons[0]);
  };
  const std::string long_text(10 << 20, 'a');
  EXPECT_EQ(fate("{\"messages\":[{\"role\":\"user\",\"content\":\"" + long_text +
                 "\"},{\"role\":\"assistant\",\"content\":\"b\"}]}"),
            "kept");
  EXPECT_EQ(fate("{\"messages\": " + std::string(100000, '[') + std::string(100000, ']') + "}"),
            "dropped too_deep");
  EXPECT_EQ(fate("{\"messages\": " + std::string(1000000, '9') + "}"), "dropped wrong_type:messages");
  EXPECT_EQ(fate(std::string(4096, '\0')), "dropped invalid_json");
  EXPECT_EQ(fate(""), "no rows");
}

}  // namespace
}  // namespace caravan::data
