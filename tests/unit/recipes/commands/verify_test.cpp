// caravan verify: rows in, verdicts out.
#include "recipes/commands/verify.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "data/error.h"
#include "data/message.h"

namespace caravan::tests {
namespace {

using data::Json;

std::vector<Json> run(std::vector<std::string> args, const std::string& input, int code) {
  std::istringstream in(input);
  std::ostringstream out;
  EXPECT_EQ(recipes::run_verify(args, in, out), code);
  std::vector<Json> rows;
  std::istringstream lines(out.str());
  for (std::string line; std::getline(lines, line);) rows.push_back(Json::parse(line));
  return rows;
}

TEST(VerifyCommand, VerdictsInOrder) {
  const std::string rows =
      "{\"completion\":\"#### 18.0\",\"ground_truth\":\"18\"}\n\n"
      "{\"completion\":\"#### 17\",\"ground_truth\":18}\n"
      "{\"completion\":\"#### 17\"}\n"
      "{\"completion\":\"#### 17\",\"ground_truth\":[\"16\",\"17\"]}\n";
  const std::vector<Json> got = run({"--reward", "gsm8k"}, rows, 0);
  ASSERT_EQ(got.size(), 4u);
  EXPECT_EQ(got[0]["verdict"], "right");
  EXPECT_EQ(got[0]["score"], 1.0);
  EXPECT_EQ(got[1]["verdict"], "wrong");
  EXPECT_EQ(got[2]["verdict"], "unknown");
  EXPECT_EQ(got[2]["reason"], "the ground truth is missing");
  EXPECT_EQ(got[3]["verdict"], "right");
  EXPECT_EQ(run({"--reward=GSM8K", "--rules=open_instruct"}, rows, 0)[0]["verdict"], "wrong");
}

TEST(VerifyCommand, EachBadRowIsAnErrorOfItsOwn) {
  const std::vector<Json> got =
      run({"--reward", "math"},
          "{\n[]\n{\"ground_truth\":\"1\"}\n{\"completion\":7}\n{\"completion\":\"\xff\"}\n"
          "{\"completion\":\"\\\\boxed{1}\",\"ground_truth\":\"1\"}\n",
          65);
  ASSERT_EQ(got.size(), 6u);
  for (std::size_t i = 0; i < 5; ++i)
    EXPECT_TRUE(got[i].at("error").get<std::string>().starts_with("line " + std::to_string(i + 1) + ": "))
        << got[i];
  EXPECT_EQ(got[5]["verdict"], "right");
}

TEST(VerifyCommand, RefusesBadUsage) {
  for (const std::vector<std::string>& args :
       std::vector<std::vector<std::string>>{{},
                                             {"--reward"},
                                             {"--reward", "gsm9k"},
                                             {"--reward", "gsm8k", "--rules", "strict"},
                                             {"--max-length", "0", "--reward", "math"}}) {
    std::istringstream in;
    std::ostringstream out;
    try {
      recipes::run_verify(args, in, out);
      ADD_FAILURE() << "accepted";
    } catch (const data::Error& error) {
      EXPECT_EQ(error.exit_code(), 2) << error.what();
    }
  }
}

TEST(VerifyCommand, InputThatCannotBeReadIsNoEndOfInput) {
  std::ifstream folder("/");
  std::ostringstream out;
  const std::vector<std::string> args{"--reward", "math"};
  try {
    recipes::run_verify(args, folder, out);
    ADD_FAILURE() << "a folder was read as if it were empty";
  } catch (const data::Error& error) {
    EXPECT_EQ(error.exit_code(), 74);
  }
}

}  // namespace
}  // namespace caravan::tests
