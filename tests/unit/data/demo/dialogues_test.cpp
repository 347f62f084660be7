#include "data/demo/dialogues.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <sstream>

#include "data/demo/demo_data.h"
#include "data/demo/exact_match.h"
#include "data/demo/problems.h"
#include "data/error.h"
#include "data/rewards/verifier_table.h"
#include "tests/support/temp_dir.h"

namespace caravan::data {
namespace {

using tests::read_bytes;
using tests::TempDir;

DialogueOptions small_options() {
  DialogueOptions options;
  options.training_rows = 3000;
  options.held_out_rows = 300;
  return options;
}

TEST(Dialogues, SameSeedSameRowsOtherSeedOthers) {
  DialogueOptions options = small_options();
  const auto first = make_dialogues(options);
  const auto second = make_dialogues(options);
  options.seed = 2;
  const auto other = make_dialogues(options);
  std::size_t equal = 0;
  for (std::size_t i = 0; i < first.training.size(); ++i) {
    ASSERT_EQ(to_json(first.training[i]), to_json(second.training[i]));
    equal += to_json(first.training[i])["messages"] == to_json(other.training[i])["messages"] ? 1u : 0u;
  }
  EXPECT_LT(equal, 30u);
}

// The numbers pin the generator: a change of it changes everybody's demo.
TEST(Random, IsTheSameEverywhere) {
  Random random(42);
  EXPECT_EQ(random.next(), 13679457532755275413u);
  EXPECT_EQ(random.next(), 2949826092126892291u);
  std::map<std::uint64_t, int> drawn;
  for (int i = 0; i < 60000; ++i) ++drawn[random.below(6)];
  ASSERT_EQ(drawn.size(), 6u);
  for (const auto& [value, count] : drawn) EXPECT_NEAR(count, 10000, 500) << value;
}

TEST(Dialogues, RowsAreDifferentAndCompleteAndSized) {
  const auto sets = make_dialogues(small_options());
  EXPECT_EQ(sets.training.size(), 3000u);
  EXPECT_EQ(sets.held_out.size(), 300u);
  std::set<std::string> seen;
  for (const Dialogue& dialogue : sets.training) {
    const auto& messages = dialogue.conversation.messages;
    EXPECT_TRUE(seen.insert(to_json(dialogue)["messages"].dump()).second);
    std::size_t first = messages.front().role == "system" ? 1 : 0;
    ASSERT_EQ((messages.size() - first) % 2, 0u);
    for (std::size_t i = first; i < messages.size(); ++i) {
      EXPECT_EQ(messages[i].role, (i - first) % 2 == 0 ? "user" : "assistant");
      EXPECT_FALSE(messages[i].content.empty());
    }
    EXPECT_EQ(messages.back().content, dialogue.ground_truth);
  }
}

TEST(Dialogues, EveryKindIsThereOnBothSides) {
  const auto sets = make_dialogues(small_options());
  std::map<std::string, std::pair<int, int>> kinds;
  for (const Dialogue& dialogue : sets.training) ++kinds[dialogue.kind].first;
  for (const Dialogue& dialogue : sets.held_out) ++kinds[dialogue.kind].second;
  EXPECT_GE(kinds.size(), 15u);
  for (const auto& [kind, counts] : kinds) {
    EXPECT_GT(counts.first, 0) << kind;
    EXPECT_GT(counts.second, 0) << kind;
  }
}

std::vector<int> numbers_in(const std::string& text) {
  std::vector<int> numbers;
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] < '0' || text[i] > '9') {
      ++i;
      continue;
    }
    std::size_t length = 0;
    numbers.push_back(std::stoi(text.substr(i), &length));
    i += length;
  }
  return numbers;
}

// Sums are found again by their numbers, whatever the words and the order.
TEST(Dialogues, HeldOutSumsAreNeverTrainedOn) {
  const auto sets = make_dialogues(small_options());
  std::set<std::pair<int, int>> trained;
  const auto each_sum = [](const Dialogue& dialogue, const auto& take) {
    for (const Message& message : dialogue.conversation.messages) {
      const bool sum = message.role == "user" && (message.content.find(" + ") != std::string::npos ||
                                                  message.content.find(" plus ") != std::string::npos);
      if (!sum) continue;
      const auto numbers = numbers_in(message.content);
      ASSERT_EQ(numbers.size(), 2u) << message.content;
      take(std::minmax(numbers[0], numbers[1]));
    }
  };
  for (const Dialogue& dialogue : sets.training) {
    each_sum(dialogue, [&](std::pair<int, int> sum) { trained.insert(sum); });
  }
  std::size_t held_out = 0;
  for (const Dialogue& dialogue : sets.held_out) {
    each_sum(dialogue, [&](std::pair<int, int> sum) {
      ++held_out;
      EXPECT_FALSE(trained.contains(sum)) << sum.first << " + " << sum.second;
    });
  }
  EXPECT_GT(trained.size(), 30u);
  EXPECT_GT(held_out, 20u);
}

// What is left of an answer without the form that a system prompt asked for.
std::string bare(const std::string& answer) {
  static constexpr std::pair<std::string_view, std::string_view> kForms[] = {
      {"The answer is ", "."}, {"[ ", " ]"}, {"Answer: ", ""}};
  for (const auto& [before, after] : kForms)
    if (answer.starts_with(before))
      return answer.substr(before.size(), answer.size() - before.size() - after.size());
  return answer;
}

// A question without a first line that asks for a form.
std::string without_form(const std::string& question) {
  for (const char* words : {"I like whole sentences.\n", "Show it with [ and ] around it.\n",
                            "Let the word Answer come first.\n", "A program that knows JSON reads it.\n"})
    if (question.starts_with(words)) return question.substr(std::string(words).size());
  return question;
}

// What a question asks, without its wording: the numbers in order of size, or the words; then the answer,
// which tells apart what is asked about them, but for differences, which may equal the smaller number.
std::string problem_of(const std::vector<Message>& messages, std::size_t asked) {
  const std::string question = without_form(messages[asked].content);
  const std::string answer = " = " + bare(messages[asked + 1].content);
  const auto has = [&](const char* part) { return question.find(part) != std::string::npos; };
  std::string problem;
  if (has("What is my name") || has("What do I have")) {
    for (std::size_t i = asked; i-- > 0;)
      if (messages[i].content.starts_with("My name is")) return messages[i].content + answer;
  }
  const std::size_t line = question.find('\n'), colon = question.find(": ");
  std::vector<int> numbers = numbers_in(question);
  if (line != std::string::npos) return question.substr(line) + answer;
  if (numbers.empty() || has("Sort") || has("order")) return question.substr(colon + 1) + answer;
  if (has("that.")) numbers.push_back(std::stoi(bare(messages[asked - 1].content)));
  std::sort(numbers.begin(), numbers.end());
  for (const int number : numbers) problem += std::to_string(number) + " ";
  return problem + (has(" - ") || has("minus") || has("ake away") ? "difference" : "") + answer;
}

// The claim of the demo: no problem that is scored was trained on, in whatever words, order or form.
TEST(Dialogues, NoHeldOutProblemWasTrainedOn) {
  const auto sets = make_dialogues({});
  std::set<std::string> trained;
  for (const Dialogue& dialogue : sets.training) {
    const auto& messages = dialogue.conversation.messages;
    for (std::size_t i = 0; i + 1 < messages.size(); ++i)
      if (messages[i].role == "user" && !messages[i].content.starts_with("My name"))
        trained.insert(problem_of(messages, i));
  }
  EXPECT_GT(trained.size(), 10000u);
  for (const Dialogue& dialogue : sets.held_out) {
    const auto& messages = dialogue.conversation.messages;
    const std::string problem = problem_of(messages, messages.size() - 2);
    EXPECT_FALSE(trained.contains(problem)) << dialogue.kind << ": " << problem;
  }
}

// Answers computed again from the text of the question alone.
std::string solve(const std::string& question) {
  const auto numbers = numbers_in(question);
  const auto has = [&](const char* part) { return question.find(part) != std::string::npos; };
  if (numbers.size() == 2 && (has(" + ") || has(" plus ") || (has("Add ") && has(" and ")))) {
    return std::to_string(numbers[0] + numbers[1]);
  }
  if (numbers.size() == 2 && (has(" - ") || has(" minus "))) return std::to_string(numbers[0] - numbers[1]);
  if (has("larger") || has("bigger")) return std::to_string(std::max(numbers.at(0), numbers.at(1)));
  if (has("smaller") || has("less:")) return std::to_string(std::min(numbers.at(0), numbers.at(1)));
  if (has(" comes after ") || has("Count on from ")) return std::to_string(numbers.at(0) + 1);
  if (has(" comes before ") || has("Count back from ")) return std::to_string(numbers.at(0) - 1);
  if (has("even or odd") || has("Even or odd")) return numbers.at(0) % 2 == 0 ? "even" : "odd";
  const std::string operands = question.substr(question.find('\n') + 1);
  std::istringstream stream(operands);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  const auto join = [](const std::vector<std::string>& parts) {
    std::string joined;
    for (const auto& part : parts) joined += (joined.empty() ? "" : " ") + part;
    return joined;
  };
  if (has("Repeat:") || has("Say this back") || has("Write exactly")) return operands;
  if (has("ackwards:") || has("Reverse the ")) {
    std::reverse(words.begin(), words.end());
    return join(words);
  }
  if (has("first")) return words.front();
  if (has("last")) return words.back();
  if (has("Count the words") || has("How many words")) return std::to_string(words.size());
  if (has("times:")) return join(std::vector<std::string>(static_cast<std::size_t>(numbers.at(0)), operands));
  return "";
}

TEST(Dialogues, AnswersAreRight) {
  for (const Difficulty difficulty : {Difficulty::kEasy, Difficulty::kMedium, Difficulty::kHard}) {
    DialogueOptions options = small_options();
    options.difficulty = difficulty;
    std::size_t checked = 0;
    for (const Dialogue& dialogue : make_dialogues(options).training) {
      const auto& messages = dialogue.conversation.messages;
      if (messages.front().role == "system") continue;
      for (std::size_t i = 0; i + 1 < messages.size(); i += 2) {
        if (without_form(messages[i].content) != messages[i].content) continue;
        const std::string right = solve(messages[i].content);
        if (right.empty()) continue;
        ++checked;
        EXPECT_EQ(messages[i + 1].content, right) << messages[i].content;
      }
    }
    EXPECT_GT(checked, 1000u);
  }
}

TEST(Dialogues, FollowUpsUseTheAnswerBefore) {
  std::size_t checked = 0;
  for (const Dialogue& dialogue : make_dialogues(small_options()).training) {
    const auto& messages = dialogue.conversation.messages;
    if (dialogue.kind != "follow_up") continue;
    const auto before = numbers_in(messages.at(messages.size() - 3).content);
    const auto asked = numbers_in(messages.at(messages.size() - 2).content);
    const auto answer = numbers_in(messages.back().content);
    const bool take = messages.at(messages.size() - 2).content.find("ake away") != std::string::npos;
    ASSERT_EQ(before.size(), 1u) << messages.at(messages.size() - 3).content;
    EXPECT_EQ(answer.at(0), take ? before[0] - asked.at(0) : before[0] + asked.at(0));
    ++checked;
  }
  EXPECT_GT(checked, 50u);
}

TEST(Dialogues, AFewQuestionsAskForAForm) {
  std::size_t asked = 0, in_form = 0, dialogues = 0;
  for (const Dialogue& dialogue : make_dialogues({}).training) {
    const auto& messages = dialogue.conversation.messages;
    ++dialogues;
    for (std::size_t i = 0; i + 1 < messages.size(); ++i) {
      if (messages[i].role != "user" || without_form(messages[i].content) == messages[i].content) continue;
      EXPECT_TRUE(i == 0 || (i == 1 && messages[0].content == "You are a helpful assistant."))
          << "only the first question, and only where the system prompt asks for no form";
      ++asked;
      in_form += bare(messages[i + 1].content) != messages[i + 1].content ? 1u : 0u;
    }
  }
  EXPECT_GT(asked, 4u);
  EXPECT_LT(asked, dialogues / 500);
  EXPECT_EQ(in_form, asked);
}

std::vector<Message> as_messages(const Problem& problem) {
  return {{"user", problem.question, nullptr}, {"assistant", problem.answer, nullptr}};
}

TEST(Problems, AreDifferentAndHalfAskForAForm) {
  const auto quiz = make_problems("quiz", 1000, 5, Side::kHeldOut, Difficulty::kEasy);
  ASSERT_EQ(quiz.size(), 1000u);
  std::set<std::string> questions, kinds;
  std::size_t forms = 0;
  for (const Problem& problem : quiz) {
    EXPECT_TRUE(questions.insert(problem.question).second) << problem.question;
    kinds.insert(problem.kind);
    const bool asks = without_form(problem.question) != problem.question;
    forms += asks ? 1u : 0u;
    EXPECT_EQ(bare(problem.answer) != problem.answer, asks) << problem.question << " " << problem.answer;
    const std::string right = solve(without_form(problem.question));
    if (!right.empty()) {
      EXPECT_EQ(bare(problem.answer), right) << problem.question;
    }
  }
  EXPECT_EQ(kinds.size(), 13u);
  EXPECT_NEAR(static_cast<double>(forms), 460.0, 60.0) << "lists say themselves how to answer";
}

// The claim of the quiz: whatever is trained on, its problems are not.
TEST(Problems, NoQuizProblemIsInPracticeOrDialogues) {
  std::set<std::string> trained;
  for (const Dialogue& dialogue : make_dialogues({}).training) {
    const auto& messages = dialogue.conversation.messages;
    for (std::size_t i = 0; i + 1 < messages.size(); ++i)
      if (messages[i].role == "user" && !messages[i].content.starts_with("My name"))
        trained.insert(problem_of(messages, i));
  }
  for (const Problem& problem : make_problems("practice", 12000, 6, Side::kTraining, Difficulty::kEasy))
    trained.insert(problem_of(as_messages(problem), 0));
  for (const std::uint64_t seed : {7u, 8u})
    for (const Problem& problem : make_problems("quiz", 1000, seed, Side::kHeldOut, Difficulty::kEasy))
      EXPECT_FALSE(trained.contains(problem_of(as_messages(problem), 0))) << problem.question;
}

TEST(Problems, VerdictsAreLetterByLetter) {
  const Problem brackets{"p-1", "repeat", "Show it with [ and ] around it.\nRepeat:\na (b)", "[ a (b) ]"};
  const Json row = practice_row(brackets);
  const auto verifier = make_verifier(row["dataset"].get<std::string>());
  EXPECT_EQ(quiz_row(brackets)["ground_truth"], row["ground_truth"]);
  const auto verdict = [&](const std::string& completion) {
    return verifier->verify(completion, row["ground_truth"]).verdict;
  };
  EXPECT_EQ(verdict("[ a (b) ]"), Verdict::kRight);
  for (const char* wrong : {"a (b)", "[ A (b) ]", "[ a b ]", "[ a (b) ] b", "x [ a (b) ]", ""})
    EXPECT_EQ(verdict(wrong), Verdict::kWrong) << wrong;
}

TEST(Dialogues, MoreRowsThanThereAreIsRefused) {
  DialogueOptions options = small_options();
  options.held_out_rows = 0;
  options.training_rows = 0;
  EXPECT_TRUE(make_dialogues(options).training.empty());
}

TEST(DemoData, FilesFitTogether) {
  const TempDir dir;
  DemoOptions options;
  options.dialogues = small_options();
  options.practice_rows = 500;
  options.quiz_rows = 70;
  const DemoSummary summary = write_demo(dir.path(), options);
  const auto lines_of = [&](const char* name) {
    const std::string text = read_bytes(dir / name);
    return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  };
  EXPECT_EQ(lines_of("practice.jsonl"), 500u);
  EXPECT_EQ(lines_of("quiz.jsonl"), 70u);
  EXPECT_GE(summary.parameters, 1'000'000u);
  EXPECT_LE(summary.parameters, 5'000'000u);
  const Json config = Json::parse(read_bytes(dir / "config.json"));
  const Json tokenizer = Json::parse(read_bytes(dir / "tokenizer.json"));
  EXPECT_EQ(config["vocab_size"], tokenizer["model"]["vocab"].size());
  EXPECT_EQ(config["eos_token_id"], tokenizer["model"]["vocab"]["<|end|>"]);
  EXPECT_EQ(Json::parse(read_bytes(dir / "generation_config.json"))["eos_token_id"], config["eos_token_id"]);
  const auto rows = read_held_out(dir / "held_out.jsonl");
  ASSERT_EQ(rows.size(), 300u);
  EXPECT_EQ(rows[0].messages.back().content, rows[0].ground_truth);
  std::istringstream prompts(read_bytes(dir / "held_out_prompts.jsonl"));
  std::string line;
  ASSERT_TRUE(std::getline(prompts, line));
  const Json prompt = Json::parse(line);
  EXPECT_EQ(prompt["messages"].size() + 1, rows[0].messages.size());
  EXPECT_EQ(prompt["messages"].back()["role"], "user");
  EXPECT_FALSE(prompt.contains("ground_truth"));
}

TEST(DemoData, AFolderThatCannotBeMadeIsAnInputOutputError) {
  const TempDir dir;
  tests::write_bytes(dir / "file", "x");
  try {
    write_demo(dir / "file/below", {});
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.exit_code(), 74);
  }
}

std::vector<HeldOutRow> three_rows() {
  return {{"add", {{"user", "1 + 2 =", nullptr}, {"assistant", "3", nullptr}}, "3"},
          {"add", {{"user", "2 + 2 =", nullptr}, {"assistant", "4", nullptr}}, "4"},
          {"list", {{"user", "Make a list", nullptr}, {"assistant", "- a\n- b", nullptr}}, "- a\n- b"}};
}

TEST(ExactMatch, CountsByKind) {
  const std::vector<std::string> before = {"", "4", "a"};
  const std::vector<std::string> after = {"3", "4", "- a\n- b "};
  const auto scores = score_exact_match(three_rows(), before, after);
  EXPECT_EQ(format_scores(scores),
            "held-out problems     rows   before    after\n"
            "add                      2     50 %    100 %\n"
            "list                     1      0 %      0 %\n"
            "all                      3     33 %     67 %\n");
  EXPECT_EQ(format_chats(three_rows(), before, after, 1),
            "        user  1 + 2 =\n      before  \n       after  3\n\n");
  EXPECT_THROW(score_exact_match(three_rows(), before, std::vector<std::string>{"3"}), Error);
}

TEST(ExactMatch, ChatsAreSafeToShowAndShort) {
  const std::vector<std::string> before = {"\x1b[2J\a\x7f", "", "a\r\nb"};
  const std::vector<std::string> after = {"3", "4", std::string(159, 'x') + "\xC3\xA9y"};
  const std::string chats = format_chats(three_rows(), before, after, 2);
  EXPECT_NE(chats.find("      before  ?[2J??\n"), std::string::npos) << chats;
  EXPECT_NE(chats.find("      before  a?\n              b\n"), std::string::npos) << chats;
  EXPECT_NE(chats.find("x\xC3\xA9 ...\n"), std::string::npos) << chats;
}

TEST(ExactMatch, BadRowsAreNamed) {
  const TempDir dir;
  const auto expect_error = [&](const std::string& bytes, const std::string& message) {
    tests::write_bytes(dir / "rows.jsonl", bytes);
    try {
      read_held_out(dir / "rows.jsonl");
      FAIL() << bytes;
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find(message), std::string::npos) << error.what();
    }
  };
  expect_error(
      "{\"kind\":\"a\",\"ground_truth\":\"b\",\"messages\":[{\"role\":\"user\",\"content\":\"c\"}]}\n[]\n",
      "rows.jsonl:2: found no JSON object");
  expect_error("{\"kind\":1}", "rows.jsonl:1: \"kind\" is number; it must be a string");
  expect_error("{\"kind\":\"a\",\"ground_truth\":\"b\",\"messages\":[]}", "\"messages\" must be a list");
  expect_error("{\"kind\":\"a\",\"ground_truth\":\"b\",\"messages\":[3]}", "\"role\" is absent");
}

}  // namespace
}  // namespace caravan::data
