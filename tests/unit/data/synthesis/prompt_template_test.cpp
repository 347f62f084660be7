#include "data/synthesis/prompt_template.h"

#include <gtest/gtest.h>

#include <array>

#include "data/error.h"
#include "data/synthesis/builtin_prompts.h"

namespace caravan::data {
namespace {

constexpr std::array<std::string_view, 2> kPlaces{"prompt", "answer"};

TEST(PromptTemplate, FillsPlacesAndNothingElse) {
  const PromptTemplate made("{prompt} \\boxed{x} {answer}{prompt}{", "t", kPlaces);
  const std::vector<std::string_view> values{"{answer}", "A"};
  EXPECT_EQ(made.fill(values), "{answer} \\boxed{x} A{answer}{");
}

TEST(PromptTemplate, AMissingPlaceIsNamed) {
  try {
    PromptTemplate("only {prompt}", "mine.txt", kPlaces);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(std::string(error.what()),
              "mine.txt: {answer} does not stand in the template; needed: {prompt}, {answer}");
  }
  EXPECT_THROW(PromptTemplate("{prompt}{answer}" + std::string(70000, 'x'), "t", kPlaces), Error);
  EXPECT_THROW(read_template_file("no/such/file"), Error);
}

TEST(PromptTemplate, TheLastPlacesMayBeLeftOut) {
  const std::vector<std::string_view> values{"P", "A"};
  const PromptTemplate without("{prompt}!", "t", kPlaces, 1), with("{answer}{prompt}", "t", kPlaces, 1);
  EXPECT_EQ(without.fill(values), "P!");
  EXPECT_EQ(with.fill(values), "AP");
  EXPECT_FALSE(without.has(1));
  EXPECT_TRUE(with.has(1));
  EXPECT_THROW(PromptTemplate("{answer}", "t", kPlaces, 1), Error);
}

TEST(BuiltinPrompts, AllHoldTheirPlaces) {
  for (const BuiltinPrompt& prompt : builtin_prompts())
    EXPECT_NO_THROW(PromptTemplate(std::string(prompt.text), std::string(prompt.name), places_of(prompt)))
        << prompt.name;
  EXPECT_THROW(builtin_prompt("maths"), Error);
}

}  // namespace
}  // namespace caravan::data
