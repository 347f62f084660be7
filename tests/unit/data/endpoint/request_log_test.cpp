#include "data/endpoint/request_log.h"

#include <gtest/gtest.h>

#include "data/error.h"
#include "tests/support/temp_dir.h"

namespace caravan::data {
namespace {

RequestLog::RequestHash hash_of(std::string_view text) {
  return Sha256().update(text).digest();
}

class Log : public testing::Test {
 protected:
  const tests::TempDir dir_;
  const std::string path_ = (dir_ / "log.jsonl").string();
};

TEST_F(Log, AnswersAreFoundAgain) {
  const std::string text = "line\none \"two\" \xC3\xA9" + std::string(1, '\0');
  {
    RequestLog log(path_);
    const std::uint64_t attempt = log.sent(1000);
    EXPECT_EQ(log.tokens_spent(), 1000);
    log.answered(attempt, hash_of("a"), {.text = text, .problem = {}, .cut = true}, 30);
    EXPECT_EQ(log.tokens_spent(), 30);
    log.answered(log.sent(10), hash_of("b"), {.text = {}, .problem = "refused"}, 5);
  }
  RequestLog log(path_);
  ASSERT_TRUE(log.find(hash_of("a")));
  EXPECT_EQ(log.find(hash_of("a"))->text, text);
  EXPECT_TRUE(log.find(hash_of("a"))->cut);
  EXPECT_EQ(log.find(hash_of("b"))->problem, "refused");
  EXPECT_FALSE(log.find(hash_of("c")));
  EXPECT_EQ(log.requests_spent(), 2);
  EXPECT_EQ(log.tokens_spent(), 35);
}

// Every prefix of the file is what a kill may leave.
TEST_F(Log, WhateverAKillLeavesCanBeRead) {
  {
    RequestLog log(path_);
    const std::uint64_t first = log.sent(100), second = log.sent(200);
    log.answered(first, hash_of("a"), {.text = "answer"}, 7);
    log.failed(second, 0);
    log.sent(50);
  }
  const std::string whole = tests::read_bytes(path_);
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    tests::write_bytes(path_, whole.substr(0, size));
    RequestLog log(path_);
    const std::size_t lines = static_cast<std::size_t>(std::ranges::count(whole.substr(0, size), '\n'));
    EXPECT_EQ(log.requests_spent(), lines < 2 ? lines : lines < 5 ? 2 : 3);
    constexpr std::int64_t kTokens[] = {0, 100, 300, 207, 7, 57};
    EXPECT_EQ(log.tokens_spent(), kTokens[lines]) << size;
    EXPECT_EQ(log.find(hash_of("a")).has_value(), lines >= 3) << size;
    log.answered(log.sent(1), hash_of("z"), {.text = "more"}, 1);
    EXPECT_EQ(log.find(hash_of("z"))->text, "more");
  }
}

TEST_F(Log, OtherFilesAndOtherProcessesAreRefused) {
  {
    const RequestLog log(path_);
    try {
      const RequestLog second(path_);
      FAIL();
    } catch (const Error& error) {
      EXPECT_EQ(error.exit_code(), 77);
    }
  }
  tests::write_bytes(path_, "{\"id\": 7}\n");
  try {
    const RequestLog log(path_);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.exit_code(), 65);
    EXPECT_NE(std::string(error.what()).find("log.jsonl:1: is no line"), std::string::npos);
  }
}

}  // namespace
}  // namespace caravan::data
