// The commands score and generate against transformers on a real checkpoint, which CARAVAN_TEST_SMOLLM2
// names.
#include <gtest/gtest.h>

#include "recipes/commands/generate.h"
#include "recipes/commands/score.h"
#include "tests/support/python.h"
#include "tests/unit/recipes/commands/demo_checkpoint.h"

namespace caravan::recipes {
namespace {

using data::Json;

TEST(AgainstTransformers, ScoresAndGreedyTokens) {
  const char* model = std::getenv("CARAVAN_TEST_SMOLLM2");
  if (!model) GTEST_SKIP() << "CARAVAN_TEST_SMOLLM2 does not name a SmolLM2-135M-Instruct checkpoint";
  SKIP_WITHOUT_PYTHON_MODULE("transformers");
  // A user's turn and the header of an answer, in ChatML, as ids.
  const Json prompt = {1, 4093, 198, 28120, 549, 563, 260, 3575, 282, 4649, 30, 2, 198, 1, 520, 9531, 198};
  const auto from_ids =
      tests::run_lines(run_generate, {"--model", model, "--dtype", "fp32", "--max-new-tokens", "32"},
                       Json{{"ids", prompt}}.dump() + "\n");
  const auto scored = tests::run_lines(run_score, {"--model", model}, Json{{"ids", prompt}}.dump() + "\n");
  std::string arguments = "'";
  arguments.append(model).append("' '").append(prompt.dump()).append("' 32");
  const auto reference = tests::run_python(
      std::string(CARAVAN_SOURCE_DIR) + "/tests/numerics/generate_with_transformers.py", arguments);
  ASSERT_EQ(reference.status, 0) << reference.output;
  const Json wanted = Json::parse(reference.output.substr(reference.output.rfind('{')));
  EXPECT_EQ(from_ids.rows.at(0)["ids"], wanted["greedy"]);
  const Json& log_probs = scored.rows.at(0)["log_probs"];
  ASSERT_EQ(log_probs.size(), wanted["log_probs"].size() + 1);
  for (std::size_t i = 0; i < wanted["log_probs"].size(); ++i)
    EXPECT_NEAR(log_probs[i + 1].get<double>(), wanted["log_probs"][i].get<double>(), 1e-3) << i;
}

}  // namespace
}  // namespace caravan::recipes
