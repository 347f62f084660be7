#include "data/synthesis/prompt_makers.h"

#include <gtest/gtest.h>

#include <numeric>
#include <set>

#include "data/error.h"
#include "data/synthesis/answerer.h"
#include "data/synthesis/builtin_prompts.h"
#include "data/synthesis/request_seed.h"
#include "data/synthesis/request_slices.h"
#include "tests/support/scripted_generator.h"
#include "tests/support/temp_dir.h"

namespace caravan::data {
namespace {

PromptTemplate builtin(std::string_view name) {
  const BuiltinPrompt& prompt = builtin_prompt(name);
  return {std::string(prompt.text), std::string(name), places_of(prompt)};
}

TEST(PromptMakers, ARowTellsHowItCameAbout) {
  tests::ScriptedGenerator generator(
      [](const GenerationRequest&) -> Generation { return {.text = "\n**Problem:** How far is it?\n"}; });
  const PromptTask task{
      .name = "m", .kind = "persona", .prompt = builtin("math"), .from_persona = true, .seed = 7};
  const auto rows = make_prompts(task, {{.id = "p1", .text = "a ferry captain", .uses = 2}}, generator);
  ASSERT_EQ(rows[0].size(), 2u);
  const Json& row = rows[0][1].row;
  EXPECT_EQ(row["id"], "m_p1_1");
  EXPECT_EQ(row["messages"], (Json{{{"role", "user"}, {"content", "How far is it?"}}}));
  EXPECT_EQ(row["synthesis"]["persona_id"], "p1");
  EXPECT_EQ(row["synthesis"]["template_sha256"], task.prompt.sha256());
  EXPECT_EQ(row["synthesis"]["model"], "script");
  EXPECT_EQ(row["synthesis"]["seed"], generator.asked[1].seed);
  EXPECT_NE(generator.asked[0].seed, generator.asked[1].seed);
  EXPECT_TRUE(generator.asked[0].messages[0].content.starts_with("Person: a ferry captain\n"));
}

TEST(PromptMakers, WhatIsNoPromptIsAReason) {
  const std::vector<std::pair<Generation, std::string>> cases{
      {{.text = " \n"}, "prompt_empty"},
      {{.text = "Same?"}, "prompt_unchanged"},
      {{.text = "Half of a", .cut = true}, "prompt_cut"},
      {{.problem = "timeout"}, "prompt_failed:timeout"},
      {{.text = "\xFF"}, "prompt_not_utf8"},
      {{.text = std::string(1 << 17, 'x')}, "prompt_too_long"}};
  for (const auto& [generation, reason] : cases) {
    tests::ScriptedGenerator generator([&](const GenerationRequest&) { return generation; });
    const PromptTask task{.name = "v", .kind = "vary", .prompt = builtin("vary")};
    EXPECT_EQ(make_prompts(task, {{.id = "1", .text = "Same?"}}, generator)[0][0].reason, reason);
  }
}

TEST(PromptMakers, ConstraintsAreDrawnAndTold) {
  tests::ScriptedGenerator generator(
      [](const GenerationRequest& request) -> Generation { return {.text = request.messages[0].content}; });
  PromptTask task{
      .name = "i", .kind = "persona", .prompt = builtin("instruction_following"), .from_persona = true};
  task.constraints = builtin_constraints();
  std::set<std::size_t> counts;
  for (int i = 0; i < 100; ++i) {
    const auto rows = make_prompts(task, {{.id = std::to_string(i), .text = "x"}}, generator);
    const Json& told = rows[0][0].row["synthesis"]["constraints"];
    counts.insert(told.size());
    std::set<std::string> groups;
    for (const Json& id : told) {
      groups.insert(id.get<std::string>().substr(0, id.get<std::string>().find(':')));
      const auto& all = builtin_constraints();
      const auto found = std::ranges::find(all, id.get<std::string>(), &Constraint::id);
      EXPECT_NE(generator.asked.back().messages[0].content.find("- " + found->text), std::string::npos);
    }
    EXPECT_EQ(groups.size(), told.size());  // no two that contradict each other
  }
  EXPECT_EQ(counts, (std::set<std::size_t>{1, 2, 3}));
}

TEST(PromptMakers, ConstraintFilesAreChecked) {
  const tests::TempDir dir;
  EXPECT_EQ(read_constraints(
                dir.write("a.jsonl", "{\"id\":\"a\",\"text\":\"b\"}\n\n{\"id\":\"c\",\"text\":\"d\"}\n"))
                .size(),
            2u);
  for (const char* bad :
       {"", "{\"id\":\"a\"}\n", "x\n", "{\"id\":\"a\",\"text\":\"b\"}\n{\"id\":\"a\",\"text\":\"c\"}\n"})
    EXPECT_THROW(read_constraints(dir.write("b.jsonl", bad)), Error) << bad;
}

TEST(PromptMakers, PersonasAreLinesOfAReply) {
  EXPECT_EQ(persona_lines("1. A baker who works at night.\n\n* - A nurse, tired of trains.\nOkay.\n---\n"),
            (std::vector<std::string>{"A baker who works at night.", "A nurse, tired of trains."}));
  // A number that begins the person stays.
  EXPECT_EQ(
      persona_lines("- 72-year-old beekeeper of Bohuslan\n**3.** A smith without a forge\n4) 19 year old "
                    "piano tuner\n2.5-tonne truck driver, retired\n# 12.\n17\n"),
      (std::vector<std::string>{"72-year-old beekeeper of Bohuslan", "A smith without a forge",
                                "19 year old piano tuner", "2.5-tonne truck driver, retired"}));
}

TEST(PromptMakers, ManyRowsAreAskedInSlices) {
  tests::ScriptedGenerator generator(
      [](const GenerationRequest& request) -> Generation { return {.text = std::to_string(request.seed)}; });
  const PromptTask task{.name = "v", .kind = "vary", .prompt = builtin("vary"), .draw = {.max_tokens = 7}};
  const auto made = make_prompts(
      task, {{.id = "a", .text = "x", .uses = 9000}, {.id = "b", .text = "y", .uses = 2}}, generator);
  EXPECT_EQ(generator.asked.size(), 9002u);
  EXPECT_EQ(generator.max_at_once, kMaxRequestsAtOnce);
  // What a row gets does not depend on the slice that it is in.
  EXPECT_EQ(made[1], make_prompts(task, {{.id = "b", .text = "y", .uses = 2}}, generator)[0]);
  EXPECT_EQ(made[0][8999].row["id"], "v_a_8999");
  EXPECT_EQ(made[0][8999].row["messages"][0]["content"],
            std::to_string(made[0][8999].row["synthesis"]["seed"].get<std::uint64_t>()));
  std::vector<SynthesisRow> rows = made[0];
  generator.max_at_once = 0;
  add_answers({.name = "v", .prompt = builtin("answer")}, rows, generator);
  EXPECT_EQ(generator.max_at_once, kMaxRequestsAtOnce);
  EXPECT_EQ(rows[8999].row["messages"].size(), 2u);
}

TEST(PromptMakers, AGeneratorThatLosesATextIsADefect) {
  class Forgetful : public TextGenerator {
    std::string name() const override { return "forgetful"; }
    std::vector<Generation> generate(std::span<const GenerationRequest>) override { return {}; }
  };
  Forgetful generator;
  const PromptTask task{.name = "v", .kind = "vary", .prompt = builtin("vary")};
  EXPECT_THROW(make_prompts(task, {{.id = "1", .text = "x"}}, generator), Error);
}

TEST(Answerer, AnswersAndTheirReasons) {
  tests::ScriptedGenerator generator([](const GenerationRequest& request) -> Generation {
    return {.text = " forty-two \n", .cut = request.messages[0].content == "long"};
  });
  std::vector<SynthesisRow> rows{
      {.row = {{"id", "1"}, {"messages", {{{"role", "user"}, {"content", "Q?"}}}}, {"needs_answer", true}}},
      {.row = {{"id", "2"}, {"messages", {{{"role", "user"}, {"content", "long"}}}}}},
      {.row = {{"id", "3"}}},
      {.reason = "kept"}};
  add_answers({.name = "a", .prompt = builtin("answer")}, rows, generator);
  EXPECT_EQ(rows[0].row["messages"][1]["content"], "forty-two");
  EXPECT_FALSE(rows[0].row.contains("needs_answer"));
  EXPECT_EQ(rows[0].row["synthesis"]["answer"]["model"], "script");
  EXPECT_EQ(rows[1].reason, "answer_cut");
  EXPECT_EQ(rows[2].reason, "no_prompt");
  EXPECT_EQ(rows[3].reason, "kept");
}

TEST(RequestSeed, DependsOnEveryPartAndTheirBorders) {
  EXPECT_EQ(request_seed(1, {"a", "b"}), request_seed(1, {"a", "b"}));
  EXPECT_NE(request_seed(1, {"a", "b"}), request_seed(2, {"a", "b"}));
  EXPECT_NE(request_seed(1, {"a", "b"}), request_seed(1, {"ab", ""}));
}

TEST(RequestSeed, UsesAreSpreadEvenly) {
  const std::vector<std::uint32_t> uses = spread_uses(25, 10, 3, "t");
  EXPECT_EQ(std::accumulate(uses.begin(), uses.end(), 0u), 25u);
  EXPECT_EQ(std::ranges::count(uses, 3u), 5);
  EXPECT_EQ(std::ranges::count(uses, 2u), 5);
  EXPECT_NE(uses, spread_uses(25, 10, 4, "t"));
  EXPECT_TRUE(spread_uses(25, 0, 4, "t").empty());
}

}  // namespace
}  // namespace caravan::data
