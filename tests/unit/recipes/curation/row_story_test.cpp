#include "recipes/curation/row_story.h"

#include <gtest/gtest.h>

#include "data/error.h"
#include "recipes/curation/run_data_recipe.h"
#include "tests/support/json_file.h"
#include "tests/support/temp_dir.h"

namespace caravan::recipes {
namespace {

using data::Json;

class RowStory : public testing::Test {
 protected:
  void SetUp() override {
    std::string rows;
    for (int i = 0; i < 6; ++i) {
      const std::string prompt = i == 4 ? "Tell me of town 1" : "Tell me of town " + std::to_string(i);
      rows +=
          Json{{"messages",
                {{{"role", "user"}, {"content", prompt}}, {{"role", "assistant"}, {"content", "A river."}}}}}
              .dump() +
          "\n";
    }
    dir_.write("a.jsonl", rows);
    const std::string root = std::filesystem::canonical(dir_.path()).string();
    run_data_recipe(
        read_data_recipe_text("schema: 1\nstage: data\nout: " + root +
                                  "/out.jsonl\nsources: [{name: towns, path: a.jsonl, weight: 2}]\n"
                                  "deduplicate: {method: exact}\nrun: {dir: " +
                                  root + "/run}\n",
                              "d.yaml", root, {}),
        true);
  }
  std::string path(const std::string& name) const {
    return (std::filesystem::canonical(dir_.path()) / name).string();
  }

  const tests::TempDir dir_;
};

TEST_F(RowStory, IsTheSameFromEveryFileOnTheWay) {
  const RowStories stories({path("run")});
  const std::string text = story_text(stories.of_place({path("a.jsonl"), 6}));
  EXPECT_EQ(text, story_text(stories.of_place({path("run/rows/1-convert-towns.jsonl"), 6})));
  EXPECT_EQ(text, story_text(stories.of_place({path("run/rows/2-deduplicate.jsonl"), 5})));
  EXPECT_EQ(text, story_text(stories.of_place({path("out.jsonl"), 10})));
  EXPECT_EQ(text, story_text(stories.of_id("towns_5")));
  const auto steps = stories.of_place({path("a.jsonl"), 6});
  ASSERT_EQ(steps.size(), 3u);
  EXPECT_EQ(steps[0].command, "data convert");
  EXPECT_EQ(steps[1].command, "data dedup");
  EXPECT_EQ(steps[2].command, "data mix");
  const auto ends = RowStories::ends_of(steps);
  ASSERT_EQ(ends.size(), 2u);
  EXPECT_EQ(ends[0].line, 5u);
  EXPECT_EQ(ends[1].line, 10u);
}

TEST_F(RowStory, EndsWhereARowIsDropped) {
  const auto steps = RowStories({path("run")}).of_place({path("a.jsonl"), 5});
  ASSERT_EQ(steps.size(), 2u);
  EXPECT_EQ(steps[1].fate["fate"], "dropped");
  EXPECT_NE(story_text(steps).find("duplicate"), std::string::npos);
  EXPECT_TRUE(RowStories::ends_of(steps).empty());
}

TEST_F(RowStory, ReportsThatDoNotBelongTogetherAreRefused) {
  const RowStories stories({path("run")});
  try {
    stories.of_place({path("a.jsonl"), 99});
    FAIL();
  } catch (const data::Error& error) {
    EXPECT_NE(std::string(error.what()).find("a.jsonl:99: by the report"), std::string::npos) << error.what();
  }
  EXPECT_THROW(stories.of_id("nobody"), data::Error);
  dir_.write("a.jsonl", "{}\n");
  EXPECT_THROW(stories.of_place({path("a.jsonl"), 1}), data::Error);
  std::string fates = tests::read_bytes(path("run/reports/2-deduplicate/fates.jsonl"));
  const std::size_t hash = fates.find("\"hash\":\"") + 8;
  fates[hash] = fates[hash] == '0' ? '1' : '0';
  tests::write_bytes(path("run/reports/2-deduplicate/fates.jsonl"), fates);
  EXPECT_THROW(stories.of_place({path("out.jsonl"), 1}), data::Error);
}

}  // namespace
}  // namespace caravan::recipes
