
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "recipes/reader/overrides.h"
#include "tests/unit/recipes/recipe_text.h"

namespace caravan::recipes {
namespace {

using tests::error_of;
using tests::read;
using tests::small_recipe;

TEST(Overrides, ReplaceAndAdd) {
  const Recipe recipe = read(small_recipe(), {"optimizer.learning_rate=1e-5", "optimizer.betas=[0.9, 0.95]",
                                              "schedule.warmup=3 %", "loss.z_loss=1e-4"})
                            .recipe;
  EXPECT_EQ(recipe.optimizer.learning_rate, 1e-5);
  EXPECT_EQ(recipe.optimizer.betas, (std::array{0.9, 0.95}));
  EXPECT_EQ(recipe.schedule.warmup, (data::Quantity{3, data::Unit::kPercent}));
  EXPECT_EQ(recipe.loss.z_loss, 1e-4);
}

TEST(Overrides, AKeyIsGivenOnce) {
  EXPECT_EQ(error_of(small_recipe(), {"run.seed=1", "run.seed=2"}),
            "command line: run.seed=2: run.seed is given twice, first at command line: run.seed=1; keep one");
  EXPECT_NE(error_of(small_recipe(), {"learning_rate=1e-5", "optimizer.learning_rate=1e-5"}), "");
  EXPECT_NE(error_of(small_recipe(), {"data.sources[0].take=5 %", "data.sources.0.take=5 %"}), "");
}

TEST(Overrides, ElementsAreNamedAsMessagesNameThem) {
  EXPECT_EQ(read(small_recipe(), {"data.sources[0].take=5 rows"}).recipe.data.sources[0].take,
            (data::Quantity{5, data::Unit::kRows}));
  EXPECT_EQ(
      error_of(small_recipe(), {"data.sources[0]take=5"}),
      "command line: data.sources[0]take=5: unknown key; allowed in data: sources, "
      "chat_template, train_on, max_length, too_long, shuffle, cache_dir, tokenizer, require_clean, threads");
}

TEST(Overrides, TheNextElementIsAdded) {
  const Recipe recipe = read(small_recipe(), {"data.sources.1.path=/b.jsonl", "data.sources[1].take=5 %",
                                              "evaluation.sources.0.path=/e.jsonl"})
                            .recipe;
  ASSERT_EQ(recipe.data.sources.size(), 2u);
  EXPECT_EQ(recipe.data.sources[1].path, "/b.jsonl");
  EXPECT_EQ(recipe.data.sources[1].take, (data::Quantity{5, data::Unit::kPercent}));
  ASSERT_EQ(recipe.evaluation.sources.size(), 1u);
  EXPECT_EQ(error_of(small_recipe(), {"data.sources.1.take=7 rows"}).substr(0, 87),
            "command line: data.sources.1.take=7 rows: data.sources[1].path is missing: file or glob");
}

TEST(Overrides, ListsAndTheirElements) {
  const Recipe recipe = read(small_recipe(), {"data.sources=[{path: /a.jsonl, take: 5 %}, {path: /b.jsonl}]",
                                              "data.sources.1.take=7 rows"})
                            .recipe;
  ASSERT_EQ(recipe.data.sources.size(), 2u);
  EXPECT_EQ(recipe.data.sources[0].take, (data::Quantity{5, data::Unit::kPercent}));
  EXPECT_EQ(recipe.data.sources[1].take, (data::Quantity{7, data::Unit::kRows}));
  EXPECT_EQ(error_of(small_recipe(), {"data.sources.2.take=7 rows"}),
            "command line: data.sources.2.take=7 rows: data.sources has 1 element; 2 is none of them: they "
            "count from 0, and 1 adds one");
}

TEST(Overrides, PathsStartHere) {
  const Recipe recipe = read(small_recipe(), {"model.path=m"}).recipe;
  EXPECT_EQ(recipe.model.path, (std::filesystem::current_path() / "m").string());
  EXPECT_EQ(recipe.data.sources[0].path, "/recipes/rows.jsonl");
}

TEST(Overrides, PlainValuesAreTakenLetterByLetter) {
  EXPECT_EQ(read(small_recipe(), {"model.path=/a b #1: c%"}).recipe.model.path, "/a b #1: c%");
  EXPECT_EQ(read(small_recipe(), {"name=a=b"}).recipe.name, "a=b");
  EXPECT_EQ(read(small_recipe(), {"name=\"[x]\""}).recipe.name, "[x]");
}

TEST(Overrides, OneOfAPairReplacesTheOther) {
  const ReadRecipe result = read(small_recipe(), {"run.epochs=3"});
  EXPECT_EQ(result.recipe.run.epochs, 3);
  EXPECT_EQ(result.recipe.run.max_steps, std::nullopt);
  ASSERT_EQ(result.notes.size(), 1u);
  EXPECT_EQ(result.notes[0], "command line: run.epochs=3 replaces run.max_steps: 10");
  EXPECT_EQ(error_of(small_recipe(), {"run.epochs=3", "run.max_steps=5"}),
            "command line: run.max_steps=5: run.epochs and run.max_steps are both given; exactly one is "
            "allowed: remove one");
}

TEST(Overrides, NullSwitchesOff) {
  const std::string text = small_recipe("evaluation: {sources: [{path: e}], every: 5 steps}");
  EXPECT_EQ(read(text, {"evaluation.every=null"}).recipe.evaluation.every, std::nullopt);
  EXPECT_EQ(error_of(text, {"model.path="}), "command line: model.path=: found nothing; allowed: a path");
}

TEST(Overrides, ErrorsNameTheWord) {
  EXPECT_EQ(error_of(small_recipe(), {"optimizer.lerning_rate=1"}),
            "command line: optimizer.lerning_rate=1: unknown key; did you mean "
            "learning_rate?");
  EXPECT_EQ(error_of(small_recipe(), {"faster"}),
            "command line: faster: is no key=value; write for example optimizer.learning_rate=1e-5");
  EXPECT_EQ(error_of(small_recipe(), {"optimizer.betas=[0.9"}).substr(0, 51),
            "command line: optimizer.betas=[0.9: a list or map a");
  EXPECT_EQ(error_of(small_recipe(), {"name.x=1"}),
            "command line: name.x=1: name is \"small\", without keys; x cannot be set in it");
}

TEST(Overrides, AliasesWorkHereToo) {
  const ReadRecipe result = read(small_recipe(), {"learning_rate=2e-5", "max_seq_length=64"});
  EXPECT_EQ(result.recipe.optimizer.learning_rate, 2e-5);
  EXPECT_EQ(result.recipe.data.max_length, 64);
  EXPECT_EQ(result.notes.size(), 2u);
}

}  // namespace
}  // namespace caravan::recipes
