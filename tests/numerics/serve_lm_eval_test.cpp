// The real lm-eval against the server: the log-probabilities it gets are those of caravan score.
#include <gtest/gtest.h>

#include "recipes/commands/score.h"
#include "tests/support/python.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/recipes/serving/served.h"

namespace caravan::recipes {
namespace {

using data::Json;

double score_of(const std::string& text) {
  const tests::Ran ran =
      tests::run_lines(run_score, {"--model", tests::demo_checkpoint()}, Json{{"text", text}}.dump() + "\n");
  return ran.rows.at(0).at("sum").get<double>();
}

TEST(AgainstLmEval, LocalCompletionsGetsTheScores) {
  SKIP_WITHOUT_PYTHON_MODULE("lm_eval");
  // Of lm_eval[api], which asks servers.
  SKIP_WITHOUT_PYTHON_MODULE("aiohttp");
  SKIP_WITHOUT_PYTHON_MODULE("tenacity");
  const tests::TempDir folder;
  const std::vector<std::pair<std::string, std::vector<std::string>>> items{
      {"two plus two is", {"four", "five and a half"}}, {"red or blue?", {"red", "blue", "green"}}};
  std::string rows;
  for (const auto& [query, choices] : items)
    rows += Json{{"query", query}, {"choices", choices}, {"gold", 1}}.dump() + "\n";
  folder.write("quiz.jsonl", rows);
  const tests::Served served;
  const auto ran = tests::run_python(std::string(CARAVAN_SOURCE_DIR) + "/tests/numerics/serve_lm_eval.py",
                                     std::to_string(served.port()) + " '" + folder.path().string() + "'");
  ASSERT_EQ(ran.status, 0) << ran.output;
  const Json found = Json::parse(ran.output.substr(ran.output.rfind("{\"acc\"")));
  for (std::size_t i = 0; i < items.size(); ++i)
    for (std::size_t c = 0; c < items[i].second.size(); ++c) {
      const std::string& query = items[i].first;
      const double wanted = score_of(query + " " + items[i].second[c]) - score_of(query);
      EXPECT_NEAR(found["log_probs"][i][c].get<double>(), wanted, 1e-4) << query;
    }
}

}  // namespace
}  // namespace caravan::recipes
