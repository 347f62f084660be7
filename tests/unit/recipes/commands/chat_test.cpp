// `caravan chat` without a terminal: turns in, answers out, history kept.
#include "recipes/commands/chat.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "data/error.h"
#include "recipes/commands/generate.h"
#include "tests/unit/recipes/commands/demo_checkpoint.h"

namespace caravan::recipes {
namespace {

using data::Json;
using tests::demo_checkpoint;

struct Chatted {
  int code;
  std::string output;
};

Chatted chat(const std::string& input, std::vector<std::string> extra = {}, bool interactive = false,
             const std::string& model = demo_checkpoint()) {
  extra.insert(extra.begin(), {"--model", model});
  std::istringstream in(input);
  std::ostringstream out;
  const int code = run_chat(extra, in, out, interactive);
  return {code, out.str()};
}

std::string answer(const Json& messages) {
  const auto ran = tests::run_lines(run_generate, {"--model", demo_checkpoint(), "--max-new-tokens", "8"},
                                    Json{{"messages", messages}}.dump() + "\n");
  return ran.rows.at(0)["text"];
}

Json message(const std::string& role, const std::string& content) {
  return {{"role", role}, {"content", content}};
}

TEST(ChatCommand, AnswersAsGenerateDoesWithTheHistoryKept) {
  Json history = Json::array({message("system", "Be brief."), message("user", "What is 2 plus 3?")});
  const std::string first = answer(history);
  history.push_back(message("assistant", first));
  history.push_back(message("user", "And 4 plus 5?"));
  const std::string second = answer(history);
  const Chatted chatted =
      chat("What is 2 plus 3?\n\nAnd 4 plus 5?\n", {"--system", "Be brief.", "--max-new-tokens", "8"});
  EXPECT_EQ(chatted.code, 0);
  EXPECT_EQ(chatted.output, first + "\n" + second + "\n");
}

TEST(ChatCommand, NewForgetsTheConversation) {
  const std::vector<std::string> flags{"--max-new-tokens", "8"};
  const std::string once = chat("What is 2 plus 3?\n", flags, true).output;
  EXPECT_EQ(chat("What is 2 plus 3?\n/new\nWhat is 2 plus 3?\n", flags, true).output, once + once);
  // In a pipe too, where several conversations stand in one file.
  EXPECT_EQ(chat("What is 2 plus 3?\n/new\nWhat is 2 plus 3?\n", flags).output, once + once);
}

TEST(ChatCommand, ATurnThatDoesNotFitIsRefusedAndForgotten) {
  std::string endless;
  for (int i = 0; i < 2000; ++i) endless += std::to_string(i) + " ";
  const Chatted both = chat("Hi\n" + endless + "\nHi again\n", {"--max-new-tokens", "8"});
  const Chatted without = chat("Hi\nHi again\n", {"--max-new-tokens", "8"});
  EXPECT_EQ(both.code, 65);
  EXPECT_EQ(without.code, 0);
  EXPECT_EQ(both.output, without.output);
}

TEST(ChatCommand, ATerminalGetsNoControlCharactersOfTheModel) {
  // A random model writes any byte; at this temperature some of 400 tokens are control characters.
  const std::vector<std::string> flags{"--temperature", "50", "--max-new-tokens", "400"};
  const std::string raw = chat("Hi\n", flags).output, shown = chat("Hi\n", flags, true).output;
  const auto controls = [](const std::string& text) {
    return std::count_if(text.begin(), text.end(), [](char c) {
      return static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t';
    });
  };
  EXPECT_GT(controls(raw), 0);
  EXPECT_EQ(controls(shown), 0);
  EXPECT_GT(shown.size(), raw.size() / 2);
}

TEST(ChatCommand, RefusesAModelWithoutATemplate) {
  const tests::TempDir folder;
  for (const char* file : {"config.json", "model.safetensors", "tokenizer.json"})
    std::filesystem::copy_file(std::filesystem::path(demo_checkpoint()) / file, folder / file);
  const std::string model = folder.path().string();
  EXPECT_THROW(chat("Hi\n", {}, false, model), data::Error);
  EXPECT_THROW(chat("Hi\n", {"--template", "nonsense"}), data::Error);
}

}  // namespace
}  // namespace caravan::recipes
