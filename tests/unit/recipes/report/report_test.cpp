// The page of a run: what it says, what it leaves out, and that no text of a run becomes markup.
#include "recipes/report/report_page.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

#include "data/error.h"
#include "data/page/html_page.h"
#include "recipes/report/metric_curves.h"
#include "recipes/report/sample_pages.h"
#include "recipes/report/score_table.h"
#include "tests/support/temp_dir.h"

namespace caravan::recipes {
namespace {

using nlohmann::json;

const std::string kHostile = "<script>alert(1)</script>\"'><img src=x onerror=y>\x1b[31m\u202e";

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

json stage_record(const std::string& name, const std::string& dir) {
  return {{"stage", name},
          {"attempt", 1},
          {"dir", dir},
          {"state", "done"},
          {"began", "a"},
          {"ended", "b"},
          {"exit_code", 0},
          {"with", json::object()},
          {"scores", json::object()},
          {"decision", "go on"},
          {"reasons", json::array({"quiz 0.5 reaches 0.3"})}};
}

json results(const std::string& task, double value) {
  const json figures{{"value", value}, {"standard_error", 0.1}, {"low", value - 0.1}, {"high", value + 0.1}};
  return {{"metrics", {{task + "/acc", value}}},
          {"tasks", {{task, {{"main", "acc"}, {"items", 10}, {"metrics", {{"acc", figures}}}}}}}};
}

std::string sample(int index, const std::string& text, const std::string& verdict) {
  return json{
             {"index", index},     {"item", "x:1"},      {"sample", 0},   {"prompt", "What is " + text + "?"},
             {"completion", text}, {"verdict", verdict}, {"reason", text}}
             .dump() +
         "\n";
}

class ReportTest : public testing::Test {
 protected:
  void write(const std::string& name, const std::string& text) { dir_.write(name, text); }
  std::string page() { return report_page(read_story(dir_.path())); }
  tests::TempDir dir_;
};

TEST(ThinCurve, KeepsPeaksAndValleysOfAnyNumberOfSteps) {
  ThinCurve curve;
  constexpr int kSteps = 300007;
  for (int step = 1; step <= kSteps; ++step)
    curve.add(step, step == 123457 ? 1e6 : step == 200001 ? -1e6 : static_cast<double>(step % 7));
  curve.add(kSteps + 1, std::numeric_limits<double>::quiet_NaN());
  const std::vector<data::ChartPoint> points = curve.points();
  EXPECT_LE(points.size(), 600u);
  EXPECT_GE(points.size(), 200u);
  EXPECT_EQ(curve.num_values(), kSteps + 1u);
  EXPECT_TRUE(std::ranges::is_sorted(points, {}, &data::ChartPoint::x));
  const auto has = [&](double x, double y) {
    return std::ranges::any_of(points, [&](const auto& point) { return point.x == x && point.y == y; });
  };
  EXPECT_TRUE(has(123457, 1e6));
  EXPECT_TRUE(has(200001, -1e6));
}

TEST(ThinCurve, OfFewStepsIsWhole) {
  ThinCurve curve;
  for (int step = 1; step <= 250; ++step) curve.add(step, -step);
  const std::vector<data::ChartPoint> points = curve.points();
  ASSERT_EQ(points.size(), 250u);
  for (int step = 1; step <= 250; ++step) {
    EXPECT_EQ(points[static_cast<std::size_t>(step) - 1].x, step);
    EXPECT_EQ(points[static_cast<std::size_t>(step) - 1].y, -step);
  }
}

TEST_F(ReportTest, ShowsTheSameItemsOfAllStagesSideBySide) {
  write("pipeline.json",
        json{{"stages", {stage_record("sft", "1-sft"), stage_record("dpo", "2-dpo")}}}.dump());
  for (const std::string stage : {"1-sft", "2-dpo"}) {
    const bool first = stage == "1-sft";
    write(stage + "/run.json", R"({"sizes":{"steps":12},"launches":[{"outcome":"done"}]})");
    write(stage + "/metrics.jsonl", "{\"step\":1,\"train/loss\":2.5}\n{\"step\":2,\"train/loss\":1.25}\n");
    write(stage + "/evaluation/results.json", results("quiz", first ? 0.25 : 0.75).dump());
    write(stage + "/evaluation/samples/quiz.jsonl.zst",
          "{\"identity\":1}\n" + sample(0, "same", "right") +
              sample(1, first ? "seven" : "eight", first ? "wrong" : "right"));
  }
  write("1-sft/data/ledger.jsonl",
        "{\"file\":\"a\",\"line\":1,\"fate\":\"trained\"}\n{\"file\":\"a\",\"line\":2,\"fate\":\"dropped\","
        "\"reason\":\"too_long\"}\n{\"file\":\"a\",\"line\":3,\"fate\":\"trained\"}\n{\"file\":\"cut");
  const std::string text = page();
  for (const char* part : {"0.25 (0.15 to 0.35)", "0.75 (0.65 to 0.85)", "quiz 0.5 reaches 0.3",
                           "<span class=\"c1\">&#9632;</span> dropped: too_long 1", "train/loss",
                           "<pre class=\"wrong\">seven</pre>", "<pre class=\"right\">eight</pre>"})
    EXPECT_NE(text.find(part), std::string::npos) << part;
  EXPECT_LT(text.find("item 1, right since dpo</h3>"), text.find("item 0, right from the beginning</h3>"))
      << "what changed comes first";
  // Of a stage that has a result, what it said on the way there is left out.
  for (const std::string step : {"0", "7"}) {
    write("1-sft/evaluation/step-0000000" + step + "/results.json", results("quiz", 0.125).dump());
    write("1-sft/evaluation/step-0000000" + step + "/samples/quiz.jsonl.zst", sample(0, "early", "wrong"));
  }
  const std::string with_steps = page();
  EXPECT_NE(with_steps.find("sft, step 0: wrong"), std::string::npos);
  EXPECT_EQ(with_steps.find("sft, step 7"), std::string::npos);
  EXPECT_TRUE(text.ends_with("</html>\n"));
}

TEST_F(ReportTest, ItemsThatGotRightLastComeFirst) {
  const std::vector<std::string> stages{"sft", "dpo", "rlvr"};
  // By item, whether each stage's model is right.
  const std::vector<std::string> verdicts{"111", "000", "011", "110", "001", "010", "101"};
  json records = json::array();
  for (std::size_t stage = 0; stage < stages.size(); ++stage) {
    records.push_back(stage_record(stages[stage], stages[stage]));
    write(stages[stage] + "/evaluation/results.json", results("quiz", 0.5).dump());
    std::string rows;
    for (std::size_t item = 0; item < verdicts.size(); ++item)
      rows += sample(static_cast<int>(item), "x", verdicts[item][stage] == '1' ? "right" : "wrong");
    write(stages[stage] + "/evaluation/samples/quiz.jsonl.zst", rows);
  }
  records[0]["began"] = "2026-01-31T23:59:50Z";
  records[0]["ended"] = "2026-02-01T01:00:00Z";
  write("pipeline.json", json{{"stages", records}}.dump());
  const std::string text = page();
  std::size_t before = 0;
  for (const char* title :
       {"item 4, right since rlvr<", "item 6, right since rlvr<", "item 2, right since dpo<",
        "item 3, wrong since rlvr<", "item 5, wrong since rlvr<", "item 1, never right<",
        "item 0, right from the beginning<"}) {
    const std::size_t at = text.find(title);
    ASSERT_NE(at, std::string::npos) << title;
    EXPECT_GT(at, before) << title;
    before = at;
  }
  EXPECT_NE(text.find("<td>2026-01-31 23:59:50</td><td class=\"figure\">1:00:10</td>"), std::string::npos);
}

TEST_F(ReportTest, ScoresByStageStartBeforeTheFirst) {
  json stopped = stage_record("rlvr", "3-rlvr");
  stopped["decision"] = "stop";
  write("pipeline.json",
        json{{"stages", {stage_record("data", "0-data"), stage_record("sft", "1-sft"), stopped}}}.dump());
  write("1-sft/evaluation/step-00000000/results.json", results("quiz", 0.125).dump());
  write("1-sft/evaluation/step-00000400/results.json", results("quiz", 0.25).dump());
  write("1-sft/evaluation/results.json", results("quiz", 0.5).dump());
  write("3-rlvr/evaluation/results.json", results("quiz", 0.75).dump());
  EXPECT_EQ(score_table(read_story(dir_.path())),
            "stage       task/metric   score     95 % interval   change   gate\n"
            "before sft     quiz/acc  0.1250  0.0250 to 0.2250                \n"
            "sft            quiz/acc  0.5000  0.4000 to 0.6000  +0.3750  go on\n"
            "rlvr           quiz/acc  0.7500  0.6500 to 0.8500  +0.2500   stop\n");
  EXPECT_NE(page().find("<th class=\"figure\">before sft</th><th class=\"figure\">sft</th>"),
            std::string::npos);
  // Nothing was asked.
  write("pipeline.json", json{{"stages", {stage_record("data", "0-data")}}}.dump());
  EXPECT_EQ(score_table(read_story(dir_.path())), "");
}

TEST_F(ReportTest, NoTextOfARunIsMarkup) {
  json stage = stage_record(kHostile, "1-x");
  stage["reasons"] = json::array({kHostile});
  stage["with"] = {{kHostile, kHostile}};
  write("pipeline.json", json{{"stages", {stage}}}.dump(-1, ' ', false, json::error_handler_t::replace));
  write("1-x/run.json",
        json{{"sizes", {{kHostile, kHostile}}}, {"launches", {{{"outcome", kHostile}}}}}.dump());
  write("1-x/metrics.jsonl", json{{"step", 1}, {kHostile, 2.0}}.dump() + "\n");
  write("1-x/ledger.json", json{{"steps",
                                 {{{"step", kHostile},
                                   {"totals", {{"rows", 2}, {"dropped", 2}}},
                                   {"reasons", {{{"reason", kHostile}, {"rows", 2}}}}}}}}
                               .dump());
  write("1-x/recipe.yaml", "# " + kHostile + "\n");
  write("1-x/evaluation/results.json", results("quiz", 0.5).dump());
  write("1-x/evaluation/samples/quiz.jsonl.zst", sample(0, kHostile, kHostile));
  write("1-x/rollouts/step-00000001.jsonl.zst",
        json{{"step", 1},
             {"prompt", kHostile},
             {"completion", kHostile},
             {"reward", 1.0},
             {"tokens", 3},
             {"verdicts", {{{"verifier", kHostile}, {"verdict", "unknown"}, {"reason", kHostile}}}}}
                .dump() +
            "\n");
  const std::string text = page();
  EXPECT_GE(count_of(text, "&lt;script&gt;"), 10u);
  for (const char* part : {"<script", "<img", "\x1b", "\u202e", "http://", "https://", "url(", "@import"})
    EXPECT_EQ(text.find(part), std::string::npos) << part;
  // A verdict is the name of a style only where it is one of ours.
  EXPECT_EQ(text.find("class=\"&lt;"), std::string::npos);
  EXPECT_NE(text.find("default-src 'none'"), std::string::npos);
}

TEST_F(ReportTest, RolloutsShowRewardsLengthsAndExamples) {
  for (int step = 1; step <= 3; ++step) {
    std::string rows;
    for (int i = 0; i < 8; ++i)
      rows += json{{"step", step},
                   {"prompt", "p"},
                   {"completion", "answer " + std::to_string(10 * step + i)},
                   {"tokens", 10 * step},
                   {"reward", i < step ? 1.0 : 0.0},
                   {"verdicts", json::array()}}
                  .dump() +
              "\n";
    write("run.json", "{}");
    write("rollouts/step-0000000" + std::to_string(step) + ".jsonl.zst", rows + "{\"cut");
  }
  const std::string text = page();
  for (const char* part : {"mean reward", "mean tokens", "Rewards of step 1", "Rewards of step 3",
                           "answer 30", "reward near 1: 3 rollouts", "reward near 0: 5 rollouts"})
    EXPECT_NE(text.find(part), std::string::npos) << part;
  EXPECT_EQ(text.find("answer 20"), std::string::npos) << "texts of steps between are not shown";
}

TEST_F(ReportTest, StaysBelowItsBound) {
  json stages = json::array();
  for (int i = 0; i < 40; ++i) stages.push_back(stage_record("s" + std::to_string(i), "run"));
  write("pipeline.json", json{{"stages", stages}}.dump());
  std::string metrics;
  for (int step = 1; step <= 400; ++step) {
    json line{{"step", step}};
    for (int metric = 0; metric < 90; ++metric)
      line["train/metric_" + std::to_string(metric)] = (step * 7919 + metric) % 1000;
    metrics += line.dump() + "\n";
  }
  write("run/metrics.jsonl", metrics);
  const std::string text = page();
  EXPECT_LT(text.size(), kMaxReportBytes);
  EXPECT_GT(text.size(), kMaxReportBytes / 2);
  EXPECT_NE(text.find("parts are left out"), std::string::npos);
  EXPECT_NE(text.find("10 further metrics are not drawn"), std::string::npos);
  EXPECT_TRUE(text.ends_with("</html>\n"));
}

TEST_F(ReportTest, RefusesWhatIsNoRunAndWhatIsNoPage) {
  EXPECT_THROW(page(), data::Error);
  write("run.json", "[1]");
  EXPECT_THROW(page(), data::Error);
  write("run.json", "{}");
  write("notes.txt", "mine");
  EXPECT_THROW(write_report(dir_.path(), dir_ / "notes.txt"), data::Error);
  write_report(dir_.path(), dir_ / "report.html");
  write_report(dir_.path(), dir_ / "report.html");
  EXPECT_EQ(tests::read_bytes((dir_ / "notes.txt").string()), "mine");
}

TEST(PageParts, CutTextsAtACharacter) {
  const std::string text = "ab\u00e9cd";
  EXPECT_EQ(data::quoted_text(text, 3), "ab <i>... 4 more bytes</i>");
  EXPECT_EQ(data::quoted_text(text, 6), text);
}

}  // namespace
}  // namespace caravan::recipes
