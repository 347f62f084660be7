#include "data/loader/token_cache.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <map>
#include <thread>

#include "data/error.h"
#include "data/loader/order.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/data/loader/fake_text.h"

namespace caravan::data {
namespace {

using tests::fake_render;
using tests::FakeTokenizer;
using tests::TempDir;

// Rows of many lengths, some of them broken.
std::string make_rows(std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string content(10 + mix(i) % 200, static_cast<char>('a' + i % 26));
    if (i % 50 == 49) {
      text += "{broken\n";
    } else {
      text += "{\"messages\":[{\"role\":\"user\",\"content\":\"q" + std::to_string(i) +
              "\"},{\"role\":\"assistant\",\"content\":\"" + content + "\"}]}\n";
    }
  }
  return text;
}

struct Setting {
  explicit Setting(std::size_t rows = 3000) {
    request.cache_dir = (dir.path() / "cache").string();
    request.file = dir.write("rows.jsonl", make_rows(rows));
    request.recipe = "fake";
    request.limits = {.row_bytes = 1 << 20, .block_bytes = 20000};
    request.note = [this](const std::string& text) { notes.push_back(text); };
  }
  CacheEntry open() {
    const FakeTokenizer tokenizer;
    return open_cache(request, ConversationTokenizer(tokenizer, fake_render, {}));
  }
  std::filesystem::path folder() const {
    return std::filesystem::path(request.cache_dir) / ("tokens-" + to_hex(cache_key(request)));
  }
  // Name to bytes of everything but the lock.
  std::map<std::string, std::string> files() const {
    std::map<std::string, std::string> found;
    for (const auto& file : std::filesystem::directory_iterator(folder())) {
      if (file.path().filename() != "lock") found[file.path().filename()] = tests::read_bytes(file.path());
    }
    return found;
  }

  TempDir dir;
  CacheRequest request;
  std::vector<std::string> notes;
};

TEST(TokenCache, HoldsEveryRowWithItsTokens) {
  Setting setting(300);
  const CacheEntry entry = setting.open();
  EXPECT_TRUE(entry.built);
  const FakeTokenizer tokenizer;
  const ConversationTokenizer conversations(tokenizer, fake_render, {});
  std::uint64_t line = 0;
  for (const auto& shard : entry.shards) {
    std::size_t document = 0;
    for (std::uint32_t row = 0; row < shard->rows().size(); ++row) {
      ASSERT_EQ(shard->rows()[row].line, ++line);
      if (line % 50 == 0) {
        EXPECT_EQ(shard->rows()[row].fate, Fate::kDropped);
        EXPECT_EQ(shard->reasons()[shard->rows()[row].reason], "invalid_json");
        continue;
      }
      const ShardDocument& stored = shard->documents()[document++];
      ASSERT_EQ(stored.row, row);
      const std::string content(10 + mix(line - 1) % 200, static_cast<char>('a' + (line - 1) % 26));
      const std::string question = "q" + std::to_string(line - 1);
      TokenizedRow expected;
      conversations.tokenize(
          tests::make_conversation({{"user", question.c_str()}, {"assistant", content.c_str()}}), "",
          expected);
      const auto ids = shard->ids(stored);
      ASSERT_EQ(std::vector<std::int32_t>(ids.begin(), ids.end()), expected.ids) << line;
      for (std::size_t t = 0; t < ids.size(); ++t)
        ASSERT_EQ(shard->trained(stored, t), expected.trained[t] != 0) << line << " " << t;
      EXPECT_EQ(stored.trained_tokens, content.size() + 1);
    }
  }
  EXPECT_EQ(line, 300u);
  EXPECT_FALSE(setting.open().built);
  EXPECT_TRUE(setting.notes.empty());
}

TEST(TokenCache, BytesDoNotDependOnThreads) {
  Setting setting;
  setting.open();
  const auto expected = setting.files();
  EXPECT_GT(expected.size(), 20u);
  for (const int threads : {2, 5}) {
    std::filesystem::remove_all(setting.request.cache_dir);
    setting.request.threads = threads;
    setting.open();
    EXPECT_TRUE(setting.files() == expected) << threads;
  }
}

TEST(TokenCache, KeyIsWhatTheTokensDependOn) {
  Setting setting(10);
  const Digest key = cache_key(setting.request);
  CacheRequest other = setting.request;
  other.recipe = "another tokenizer";
  EXPECT_NE(cache_key(other), key);
  other = setting.request;
  other.format = RowFormat::kAlpaca;
  EXPECT_NE(cache_key(other), key);
  other = setting.request;
  other.file = setting.dir.write("copy.jsonl", make_rows(10));
  other.threads = 7;
  EXPECT_EQ(cache_key(other), key);
  setting.dir.write("copy.jsonl", make_rows(11));
  EXPECT_NE(cache_key(other), key);
}

TEST(TokenCache, DamageIsFoundAndRepaired) {
  Setting setting;
  setting.open();
  const auto expected = setting.files();
  const auto damage = [&](const std::string& name, std::size_t at) {
    std::string bytes = expected.at(name);
    bytes[at % bytes.size()] = static_cast<char>(bytes[at % bytes.size()] ^ 4);
    setting.dir.write("cache/" + setting.folder().filename().string() + "/" + name, bytes);
  };
  std::size_t notes = 0;
  for (std::size_t at : {0u, 20u, 50u, 90u, 3000u, 99999u}) {
    damage("shard-00000003.tok", at);
    const CacheEntry entry = setting.open();
    EXPECT_TRUE(entry.built);
    EXPECT_TRUE(setting.files() == expected) << at;
    ASSERT_EQ(setting.notes.size(), ++notes);
    EXPECT_NE(setting.notes.back().find("shard-00000003.tok"), std::string::npos);
  }
  std::filesystem::resize_file(setting.folder() / "shard-00000005.tok", 1000);
  std::filesystem::remove(setting.folder() / "shard-00000006.tok");
  setting.open();
  EXPECT_TRUE(setting.files() == expected);
  for (const char* manifest : {"", "{", "[]", "{\"key\":1}", "{\"key\":\"x\",\"checksums\":[]}"}) {
    setting.dir.write("cache/" + setting.folder().filename().string() + "/manifest.json", manifest);
    setting.open();
    EXPECT_TRUE(setting.files() == expected) << manifest;
  }
}

// A shard whose checksum is right but whose numbers would lead outside the file.
TEST(TokenShard, NumbersThatDoNotFitAreRefused) {
  const TempDir dir;
  TokenizedRow row;
  row.fate = Fate::kTrained;
  row.ids = {1, 2, 3};
  row.trained = {0, 1, 1};
  row.ends = {3};
  ShardBuilder builder;
  builder.add(1, "row", row);
  const Digest key{1, 2};
  const std::string sound = builder.finish(key, 0);
  std::string why;
  EXPECT_TRUE(TokenShard::open(dir.write("sound", sound), key, 0, why)) << why;
  EXPECT_FALSE(TokenShard::open(dir.write("sound", sound), key, 1, why));
  EXPECT_FALSE(TokenShard::open(dir.write("sound", sound), Digest{1, 3}, 0, why));
  EXPECT_FALSE(TokenShard::open(dir.write("empty", ""), key, 0, why));
  EXPECT_FALSE(TokenShard::open(dir.write("longer", sound + "x"), key, 0, why));
  for (std::size_t at = 0; at < sound.size(); ++at) {
    std::string bytes = sound;
    bytes[at] = static_cast<char>(bytes[at] ^ 0x80);
    EXPECT_FALSE(TokenShard::open(dir.write("flipped", bytes), key, 0, why)) << at;
    EXPECT_FALSE(TokenShard::open(dir.write("cut", sound.substr(0, at)), key, 0, why)) << at;
  }
}

TEST(TokenCache, ErrorsNameTheEarliestRowWhateverTheThreads) {
  Setting setting;
  const FakeTokenizer tokenizer;
  for (const int threads : {1, 4}) {
    setting.request.threads = threads;
    try {
      open_cache(setting.request, ConversationTokenizer(tokenizer, fake_render,
                                                        {.max_length = 215, .too_long = TooLong::kError}));
      FAIL();
    } catch (const Error& error) {
      std::size_t first = 0;
      while (std::to_string(first).size() + 10 + mix(first) % 200 + 20 <= 215 || first % 50 == 49) ++first;
      EXPECT_NE(std::string(error.what()).find("rows.jsonl:" + std::to_string(first + 1) + ":"),
                std::string::npos)
          << error.what();
    }
  }
}

TEST(TokenCache, StopsOnRequestAndGoesOn) {
  Setting setting;
  setting.open();
  const auto expected = setting.files();
  std::filesystem::remove_all(setting.request.cache_dir);
  std::atomic<int> asked = 0;
  setting.request.cancelled = [&asked] { return ++asked > 7; };
  try {
    setting.open();
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.exit_code(), 75);
  }
  EXPECT_EQ(setting.files().size(), 7u);
  setting.request.cancelled = nullptr;
  setting.open();
  EXPECT_TRUE(setting.files() == expected);
}

TEST(TokenCache, AFolderThatCannotBeWrittenIsAnInputOutputError) {
  Setting setting(10);
  setting.dir.write("blocked", "a file where the folder should be");
  setting.request.cache_dir = (setting.dir.path() / "blocked").string();
  try {
    setting.open();
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.exit_code(), 74);
  }
}

TEST(TokenCache, EmptyAndBlankFilesAreEntriesToo) {
  Setting setting(0);
  EXPECT_TRUE(setting.open().shards.empty());
  EXPECT_FALSE(setting.open().built);
  setting.dir.write("rows.jsonl", "\n\n\n");
  const CacheEntry entry = setting.open();
  ASSERT_EQ(entry.shards.size(), 1u);
  EXPECT_EQ(entry.shards[0]->rows().size(), 0u);
}

// In the child: builds and leaves without running any destructor of the test.
[[noreturn]] void build_and_exit(Setting& setting, int threads) {
  int code = 0;
  try {
    setting.request.threads = threads;
    setting.open();
  } catch (...) {
    code = 1;
  }
  ::_exit(code);
}

// SIGKILL at random moments: what is left is taken over, and the end is byte for byte the undisturbed build.
TEST(TokenCache, SurvivesKillsAtAnyMoment) {
  Setting setting(8000);
  setting.request.limits.block_bytes = 10000;
  const auto started = std::chrono::steady_clock::now();
  setting.open();
  const auto whole =
      std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - started)
          .count();
  const auto expected = setting.files();
  int kills = 0, kept = 0;
  for (std::uint64_t round = 0; round < 5; ++round) {
    std::filesystem::remove_all(setting.request.cache_dir);
    for (std::uint64_t attempt = 0;; ++attempt) {
      const pid_t child = ::fork();
      ASSERT_GE(child, 0);
      if (child == 0) build_and_exit(setting, 2);
      const auto wait =
          static_cast<std::int64_t>(mix(round, attempt) % static_cast<std::uint64_t>(whole / 2 + 1));
      if (attempt < 8) {
        std::this_thread::sleep_for(std::chrono::microseconds(wait));
        ::kill(child, SIGKILL);
      }
      int status = 0;
      ASSERT_EQ(::waitpid(child, &status, 0), child);
      if (WIFEXITED(status)) {
        ASSERT_EQ(WEXITSTATUS(status), 0);
        break;
      }
      ++kills;
      kept += std::filesystem::exists(setting.folder()) && setting.files().size() > 1;
    }
    ASSERT_TRUE(setting.files() == expected) << "round " << round;
  }
  EXPECT_GT(kills, 0);
  EXPECT_GT(kept, 0);  // else no kill hit a build that had something to lose
}

TEST(TokenCache, SeveralProcessesAtOnceAgree) {
  Setting setting(8000);
  setting.open();
  const auto expected = setting.files();
  std::filesystem::remove_all(setting.request.cache_dir);
  std::vector<pid_t> children;
  for (int i = 0; i < 4; ++i) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) build_and_exit(setting, 1);
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  }
  EXPECT_TRUE(setting.files() == expected);
}

TEST(TokenCache, WaitsForAnotherBuilderAndSaysSo) {
  Setting setting(10);
  std::filesystem::create_directories(setting.folder());
  const int lock = ::open((setting.folder() / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  ASSERT_EQ(::flock(lock, LOCK_EX), 0);
  int asked = 0;
  setting.request.cancelled = [&asked] { return ++asked > 2; };
  EXPECT_THROW(setting.open(), Error);
  ASSERT_EQ(setting.notes.size(), 1u);
  EXPECT_NE(setting.notes[0].find("another process"), std::string::npos);
  ::close(lock);
  setting.request.cancelled = nullptr;
  EXPECT_TRUE(setting.open().built);
}

}  // namespace
}  // namespace caravan::data
