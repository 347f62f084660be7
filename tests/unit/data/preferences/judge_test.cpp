#include "data/preferences/judge.h"

#include <gtest/gtest.h>

#include <array>

#include "data/error.h"
#include "data/preferences/aspects.h"
#include "tests/support/scripted_generator.h"
#include "tests/support/temp_dir.h"

namespace caravan::data {
namespace {

JudgeOptions options() {
  JudgeOptions options;
  constexpr std::array<std::string_view, 2> kPlaces{"prompt", "answers"};
  for (const Aspect& aspect : aspects())
    options.aspects.push_back({std::string(aspect.name),
                               PromptTemplate(std::string(aspect.text), std::string(aspect.name), kPlaces)});
  return options;
}

TEST(Judge, EveryAnswerIsRatedByEveryAspect) {
  tests::ScriptedGenerator generator([](const GenerationRequest& request) -> Generation {
    const std::string& text = request.messages[0].content;
    return {.text = text.find("its certainty fits") != std::string::npos ? "Rating: 2\nRating: 4"
                                                                         : "Rating: 5\nRating: 3"};
  });
  const std::vector<Judged> judged = judge(
      options(), {{"1", {{"system", "S.", nullptr}, {"user", "Q?", nullptr}}, {"first {prompt}", "second"}}},
      generator);
  ASSERT_EQ(judged.size(), 1u);
  EXPECT_EQ(judged[0].ratings[0], (std::vector<int>{5, 5, 2, 5}));
  EXPECT_EQ(mean_rating(judged[0].ratings[1]), 3.25);
  EXPECT_EQ(generator.asked.size(), 4u);
  EXPECT_NE(generator.asked[0].messages[0].content.find("[system]\nS.\n\n[user]\nQ?"), std::string::npos);
  EXPECT_NE(
      generator.asked[0].messages[0].content.find("## Answer 1\n\nfirst {prompt}\n\n## Answer 2\n\nsecond"),
      std::string::npos);
}

TEST(Judge, AspectsAreLeftOutByName) {
  const std::vector<JudgedAspect> asked = judged_aspects({.helpfulness = "none", .truthfulness = "none"});
  ASSERT_EQ(asked.size(), 2u);
  EXPECT_EQ(asked[0].name, "instruction_following");
  EXPECT_EQ(asked[1].name, "honesty");
  EXPECT_THROW(judged_aspects({"none", "none", "none", "none"}), Error);
}

TEST(Judge, AnAspectOfItsOwnWordsSeesTheGroundTruth) {
  const tests::TempDir dir;
  AspectFiles files{.helpfulness = "none", .honesty = "none", .truthfulness = "none"};
  files.instruction_following = dir.write("rate.txt", "{prompt}|{answers}|{ground_truth}");
  JudgeOptions options;
  options.aspects = judged_aspects(files);
  tests::ScriptedGenerator generator(
      [](const GenerationRequest&) { return Generation{.text = "Rating: 4"}; });
  const std::vector<Judged> judged = judge(
      options,
      {{"1", {{"user", "Q?", nullptr}}, {"a"}, "the {answers}"}, {"2", {{"user", "Q?", nullptr}}, {"a"}}},
      generator);
  ASSERT_EQ(generator.asked.size(), 1u);
  EXPECT_EQ(generator.asked[0].messages[0].content, "Q?|## Answer 1\n\na\n\n|the {answers}");
  EXPECT_EQ(judged[0].ratings[0], (std::vector<int>{4}));
  EXPECT_EQ(judged[1].reason, "judge:instruction_following:no_ground_truth");
}

TEST(Judge, WhatCannotBeReadIsAskedAgainWithAnotherSeed) {
  int calls = 0;
  tests::ScriptedGenerator moody([&](const GenerationRequest&) -> Generation {
    return {.text = ++calls <= 4 ? "Rating: 5" : "Rating: 5\nRating: 1"};
  });
  EXPECT_EQ(judge(options(), {{"1", {{"user", "Q?", nullptr}}, {"a", "b"}}}, moody)[0].reason, "");
  ASSERT_EQ(moody.asked.size(), 8u);
  EXPECT_NE(moody.asked[0].seed, moody.asked[4].seed);
  EXPECT_EQ(moody.asked[0].messages[0].content, moody.asked[4].messages[0].content);
}

TEST(Judge, InTheEndItIsGivenUpWithTheReason) {
  tests::ScriptedGenerator broken([](const GenerationRequest& request) -> Generation {
    if (request.messages[0].content.find("bad") != std::string::npos) return {.text = "Rating: 5"};
    return {.text = "Rating: 5\nRating: 1"};
  });
  const std::vector<Judged> judged =
      judge(options(),
            {{"1", {{"user", "bad", nullptr}}, {"a", "b"}}, {"2", {{"user", "good", nullptr}}, {"a", "b"}}},
            broken);
  EXPECT_EQ(judged[0].reason, "judge:helpfulness:too_few");
  EXPECT_EQ(judged[1].reason, "");
  EXPECT_EQ(broken.asked.size(), 3u * 4u + 4u);
}

}  // namespace
}  // namespace caravan::data
