#include "recipes/resolved_recipe.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "tests/unit/recipes/recipe_text.h"

namespace caravan::recipes {
namespace {

using tests::read;
using tests::small_recipe;

TEST(ResolvedRecipe, ReadsBackEqual) {
  std::vector<Recipe> recipes = {
      read(small_recipe()).recipe,
      read(small_recipe(),
           {"name=a \"quoted\" \\ name: #1", "optimizer.learning_rate=0.1234567890123456789",
            "run.checkpoint_every=1.5 minutes", "run.seed=18446744073709551615",
            "model.recompute=every 4 layers", "schedule.name=wsd", "schedule.decay=33.3 %",
            "schedule.min_lr_rate=0",
            "data.sources=[{path: a, take: 3 rows, seed: 1}, {path: \"b c\", weight: 0.3}]",
            "evaluation.sources=[{path: e}]", "evaluation.every=2 steps",
            "evaluation.tasks=[gsm8k, own.yaml]", "evaluation.task_data=d", "data.chat_template=x.jinja"})
          .recipe};
  for (const auto& entry : std::filesystem::recursive_directory_iterator(CARAVAN_SOURCE_DIR "/recipes")) {
    // Recipes of another kind, and tasks, which are none.
    const std::string stage = entry.path().extension() == ".yaml" ? recipe_stage(entry.path()) : "";
    if (stage == "sft" || stage == "dpo") recipes.push_back(read_recipe(entry.path()).recipe);
  }
  for (const Recipe& recipe : recipes) {
    const std::string text = resolved_yaml(recipe);
    // Another folder must not matter: every path is absolute.
    const ReadRecipe again = read_recipe_text(text, "recipe.yaml", "/elsewhere");
    EXPECT_TRUE(again.recipe == recipe) << text << difference_text(recipe_difference(recipe, again.recipe));
    EXPECT_TRUE(again.notes.empty());
    EXPECT_EQ(resolved_yaml(again.recipe), text);
  }
}

TEST(ResolvedRecipe, WritesDefaults) {
  const std::string text = resolved_yaml(read(small_recipe()).recipe);
  for (const char* line :
       {"  eps: 1e-08\n", "  micro_tokens: 128\n", "  max_length: 128 tokens\n",
        "    - path: \"/recipes/rows.jsonl\"\n", "  warmup: 0 steps\n", "  recompute: none\n"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << "\nis not in\n" << text;
  }
  EXPECT_EQ(text.find("epochs"), std::string::npos);
}

TEST(RecipeDifference, EqualRecipesHaveNone) {
  EXPECT_TRUE(recipe_difference(read(small_recipe()).recipe, read(small_recipe()).recipe).empty());
}

TEST(RecipeDifference, NamesEachChangeAndWhetherARunMayGoOn) {
  const Recipe before = read(small_recipe()).recipe;
  const Recipe after =
      read(small_recipe(), {"optimizer.learning_rate=2e-3", "run.keep=9", "run.epochs=2",
                            "data.sources=[{path: /recipes/rows.jsonl}, {path: /more.jsonl}]",
                            "evaluation.sources=[{path: /e.jsonl}]"})
          .recipe;
  const std::vector<RecipeChange> changes = recipe_difference(before, after);
  EXPECT_EQ(difference_text(changes),
            "optimizer.learning_rate: 0.001 -> 0.002\n"
            "run.epochs: not set -> 2\n"
            "run.max_steps: 10 -> not set\n"
            "run.keep: 2 -> 9\n"
            "data.sources[1].path: not set -> \"/more.jsonl\"\n"
            "data.sources[1].format: not set -> auto\n"
            "data.sources[1].weight: not set -> 1\n"
            "evaluation.sources[0].path: not set -> \"/e.jsonl\"\n"
            "evaluation.sources[0].format: not set -> auto\n"
            "evaluation.sources[0].weight: not set -> 1\n");
  const std::vector<RecipeChange> breaking = breaking_changes(changes);
  ASSERT_EQ(breaking.size(), 6u);
  EXPECT_EQ(breaking[0].key, "optimizer.learning_rate");
  EXPECT_EQ(breaking[5].key, "data.sources[1].weight");
}

}  // namespace
}  // namespace caravan::recipes
