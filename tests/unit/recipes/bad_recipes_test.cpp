// Every recipe in tests/recipes/bad gives the message beside it, word for word: messages are product.
//
// A first line "# overrides: a=b | c=d" stands for words of the command line.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "recipes/read_recipe.h"

namespace caravan::recipes {
namespace {

namespace fs = std::filesystem;

std::string content(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> overrides_of(const std::string& text) {
  constexpr std::string_view kMark = "# overrides: ";
  std::vector<std::string> overrides;
  if (!text.starts_with(kMark)) return overrides;
  std::string line = text.substr(kMark.size(), text.find('\n') - kMark.size());
  for (std::size_t bar = line.find(" | "); bar != std::string::npos; bar = line.find(" | ")) {
    overrides.push_back(line.substr(0, bar));
    line.erase(0, bar + 3);
  }
  overrides.push_back(line);
  return overrides;
}

TEST(BadRecipes, EachGivesItsMessage) {
  std::vector<fs::path> paths;
  for (const auto& entry : fs::directory_iterator(CARAVAN_SOURCE_DIR "/tests/recipes/bad")) {
    if (entry.path().extension() == ".yaml") paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  ASSERT_GE(paths.size(), 30u);
  for (const fs::path& path : paths) {
    std::string told = "accepted";
    const std::string text = content(path);
    try {
      read_recipe_text(text, path.filename().string(), "/recipes", overrides_of(text));
    } catch (const RecipeError& error) {
      told = error.what();
    }
    EXPECT_EQ(told + '\n', content(fs::path(path).replace_extension(".txt"))) << path.filename();
  }
}

}  // namespace
}  // namespace caravan::recipes
