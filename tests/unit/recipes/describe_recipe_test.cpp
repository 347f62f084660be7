#include "recipes/describe_recipe.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "recipes/read_recipe.h"

namespace caravan::recipes {
namespace {

TEST(DescribeRecipe, PageIsCurrent) {
  std::ifstream file(CARAVAN_SOURCE_DIR "/recipes/README.md", std::ios::binary);
  const std::string page{std::istreambuf_iterator<char>(file), {}};
  EXPECT_TRUE(page == description_markdown()) << "run: caravan describe --markdown > recipes/README.md";
}

TEST(DescribeRecipe, TellsTypeUnitRangeDefaultAndOtherNames) {
  EXPECT_EQ(description_text("data.max_length"),
            "  data.max_length\n"
            "      longest conversation in tokens\n"
            "      a whole number of tokens of at least 2 and at most 16777216, with its unit: \"500 "
            "tokens\"; default: 4096 tokens\n"
            "      other names: max_seq_length, max_length, cutoff_len, sequence_len\n");
}

TEST(DescribeRecipe, FindsAKeyByItsLastPartAndByOtherFrameworksNames) {
  const auto rate = description_text("optimizer.learning_rate");
  ASSERT_TRUE(rate.has_value());
  EXPECT_EQ(description_text("lr"), rate);
  EXPECT_TRUE(description_text("learning_rate")->starts_with(*rate));
  const std::string paths = *description_text("path");
  EXPECT_NE(paths.find("  model.path\n"), std::string::npos);
  EXPECT_NE(paths.find("  data.sources[].path\n"), std::string::npos);
  // The section and not a key of that name.
  EXPECT_EQ(description_text("model")->substr(0, 7), "model: ");
}

TEST(DescribeRecipe, TheMinimalRecipeIsValid) {
  const Recipe recipe = read_recipe_text(minimal_recipe(), "minimal", "/recipes").recipe;
  EXPECT_EQ(recipe.model.path, "/recipes/CHECKPOINT");
  EXPECT_EQ(recipe.data.sources.at(0).path, "/recipes/CHATS.jsonl");
  // Each line of it stands on the page, ready to copy.
  EXPECT_NE(description_markdown().find("    optimizer: {learning_rate: 2.0e-5}\n"), std::string::npos);
}

TEST(DescribeRecipe, SectionsAreLinked) {
  const std::string page = description_markdown();
  for (const SectionDescription& section : describe_recipe())
    if (!section.name.empty()) {
      EXPECT_NE(page.find("[" + section.name + "](#" + section.name + ")"), std::string::npos);
      EXPECT_NE(page.find("\n## `" + section.name + "`\n"), std::string::npos);
    }
}

TEST(DescribeRecipe, EveryKeyHasHelp) {
  int keys = 0;
  for (const SectionDescription& section : describe_recipe()) {
    for (const KeyDescription& key : section.keys) {
      ++keys;
      EXPECT_FALSE(key.help.empty()) << key.key;
      EXPECT_FALSE(key.allowed.empty()) << key.key;
    }
  }
  EXPECT_GT(keys, 50);
}

TEST(DescribeRecipe, SectionsAndUnknownNames) {
  EXPECT_NE(description_text("run")->find("run.checkpoint_every"), std::string::npos);
  EXPECT_EQ(description_text("run")->find("optimizer."), std::string::npos);
  EXPECT_EQ(description_text("runs"), std::nullopt);
}

}  // namespace
}  // namespace caravan::recipes
