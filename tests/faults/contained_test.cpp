// What a run may touch: its own folder and, between its ranks, this machine's loopback. Watched by strace, so
// that LibTorch's own doings count too.
#include <sys/stat.h>

#include <set>

#include "tests/faults/ranks_fixture.h"

namespace caravan {
namespace {

class Contained : public RanksTest {
 protected:
  void SetUp() override {
    if (std::system("strace -o /dev/null true >/dev/null 2>&1") != 0)
      GTEST_SKIP() << "strace is not here, or may not watch";
  }

  // The lines of a trace of `calls`, the halves of a call that was interrupted put together.
  static std::vector<std::string> trace(const std::string& calls, std::vector<std::string> words, int& code) {
    const std::string out = path("trace");
    words.insert(words.begin(), {"/usr/bin/env", "strace", "-f", "-y", "-qq", "-s", "256", "-e",
                                 "signal=none", "-e", "trace=" + calls, "-o", out});
    code = tests::Program(words, path("log")).wait();
    std::vector<std::string> lines;
    std::map<std::string, std::string> begun;
    std::ifstream file(out);
    for (std::string line; std::getline(file, line);) {
      const std::string process = line.substr(0, line.find(' '));
      const std::size_t cut = line.find("<unfinished"), rest = line.find("resumed>");
      if (cut != std::string::npos)
        begun[process] = line.substr(0, cut);
      else
        lines.push_back(rest == std::string::npos ? line : begun[process] + line.substr(rest + 8));
    }
    return lines;
  }

  static std::vector<std::string> launched(const std::string& run) {
    return with_program(launch_words(2, train_words(run)));
  }

  static std::vector<std::string> alone(const std::string& run) { return with_program(train_words(run)); }

  static bool is_of_the_network(const std::string& line) { return line.find("AF_INET") != std::string::npos; }

  // Paths that a call made, changed or took away; a name alone lies in the folder `<...>, ` before it.
  static std::set<std::string> written(const std::vector<std::string>& lines) {
    std::set<std::string> paths;
    for (const std::string& line : lines) {
      const bool opened = line.find("open") != std::string::npos;
      const bool to_write = line.find("O_WRONLY") != std::string::npos ||
                            line.find("O_RDWR") != std::string::npos ||
                            line.find("O_CREAT") != std::string::npos;
      if ((opened && !to_write) || line.find(" = -1 ") != std::string::npos) continue;
      for (std::size_t from = line.find('"'); from != std::string::npos;) {
        const std::size_t to = line.find('"', from + 1);
        if (to == std::string::npos) break;
        fs::path folder;
        if (from >= 3 && line.compare(from - 3, 3, ">, ") == 0) {
          const std::size_t begin = line.rfind('<', from) + 1;
          folder = line.substr(begin, from - 3 - begin);
        }
        paths.insert((folder / line.substr(from + 1, to - from - 1)).string());
        from = line.find('"', to + 1);
      }
    }
    return paths;
  }
};

constexpr const char* kNetwork = "socket,connect,bind,sendto,sendmsg,sendmmsg";
constexpr const char* kFiles =
    "open,openat,creat,rename,renameat,renameat2,unlink,unlinkat,rmdir,mkdir,mkdirat,symlink,symlinkat,link,"
    "linkat,truncate,chmod,fchmodat";

TEST_F(Contained, ARunOfOneRankOpensNoSocket) {
  int code = 0;
  const auto lines = trace(kNetwork, alone("quiet"), code);
  ASSERT_EQ(code, 0);
  EXPECT_EQ(lines, std::vector<std::string>{});
}

TEST_F(Contained, RanksOfOneMachineSpeakOverLoopbackAlone) {
  int code = 0;
  const auto lines = trace(kNetwork, launched("loopback"), code);
  ASSERT_EQ(code, 0);
  std::set<std::string> addresses;
  for (const std::string& line : lines) {
    // What asks for no more than a socket has no address yet: inet_addr("...") or inet_pton(AF_INET6, "...").
    const std::size_t call = line.find("inet_"), from = line.find('"', call);
    if (is_of_the_network(line) && call != std::string::npos && from != std::string::npos)
      addresses.insert(line.substr(from + 1, line.find('"', from + 1) - from - 1));
    EXPECT_EQ(line.find("htons(53)"), std::string::npos) << "a name server was asked: " << line;
  }
  EXPECT_TRUE(addresses.contains("127.0.0.1")) << "they do speak";
  for (const char* own : {"127.0.0.1", "::1", "::ffff:127.0.0.1"}) addresses.erase(own);
  EXPECT_EQ(addresses, std::set<std::string>{});
}

TEST_F(Contained, WhatIsWrittenLiesInTheRunDirectory) {
  for (const bool two_ranks : {false, true}) {
    const std::string run = two_ranks ? "two" : "one";
    int code = 0;
    const auto lines = trace(kFiles, two_ranks ? launched(run) : alone(run), code);
    ASSERT_EQ(code, 0);
    const std::set<std::string> paths = written(lines);
    EXPECT_TRUE(std::ranges::any_of(paths, [](const auto& name) { return name.ends_with("metrics.jsonl"); }));
    for (const std::string& name : paths) {
      const bool device = name == "/dev/null" || name == "/dev/tty" || name.starts_with("/dev/shm/");
      EXPECT_TRUE(name.starts_with(path(run)) || device) << name;
    }
  }
}

// A fresh checkpoint of our own in which one file is a link to somebody else's.
std::string planted(const std::string& from, const std::string& to, const std::string& file,
                    const std::string& target) {
  fs::remove_all(to);
  fs::copy(from, to);
  fs::remove(to + "/" + file);
  fs::create_symlink(target, to + "/" + file);
  return to;
}

TEST_F(Contained, ACheckpointOfLinksTellsNothingOfWhatTheyLeadTo) {
  const std::string secret = dir_->write("secret/key", "sk-do-not-tell\n");
  for (const char* file : {"tokenizer.json", "config.json", "tokenizer_config.json", "generation_config.json",
                           "LICENSE", "model.safetensors"}) {
    const std::string model = planted(path("demo"), path("planted"), file, secret);
    std::vector<std::string> more{"model.path=" + model};
    if (std::string(file) == "model.safetensors") more.push_back("model.init=pretrained");
    const int code = train(std::string("of-") + file, more);
    EXPECT_TRUE(code == 65 || code == 77) << file << ": " << code;
    EXPECT_EQ(tests::read_bytes(path("log")).find("do-not-tell"), std::string::npos) << file;
    const fs::path result = path(std::string("of-") + file);
    for (const auto& entry : fs::recursive_directory_iterator(result))
      if (entry.is_regular_file()) {
        EXPECT_EQ(tests::read_bytes(entry.path()).find("do-not-tell"), std::string::npos) << entry.path();
      }
  }
}

TEST_F(Contained, AnIndexThatNamesOtherFoldersIsRefused) {
  fs::remove_all(path("index"));
  fs::copy(path("demo"), path("index"));
  fs::remove(path("index/model.safetensors"));
  dir_->write("index/model-00001-of-00001.safetensors", "");
  for (const char* name : {"../../x.safetensors", "/etc/passwd", "a/../../x.safetensors", "..", "x\ny"}) {
    nlohmann::json index{{"metadata", {{"total_size", 4}}}, {"weight_map", {{"model.norm.weight", name}}}};
    dir_->write("index/model.safetensors.index.json", index.dump());
    const int code = train("of-index", {"model.path=" + path("index"), "model.init=pretrained"});
    EXPECT_EQ(code, 77) << name;
  }
}

// What is made is nobody's business where the user says so.
TEST_F(Contained, RightsAreThoseThatTheUserAllows) {
  const mode_t before = ::umask(077);
  const int code = tests::Program(launched("private"), path("log")).wait();
  ::umask(before);
  ASSERT_EQ(code, 0);
  std::size_t seen = 0;
  for (const auto& entry : fs::recursive_directory_iterator(path("private"))) {
    struct stat status {};
    ASSERT_EQ(::lstat(entry.path().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 077, 0u) << entry.path();
    EXPECT_EQ(status.st_mode & 07000, 0u) << entry.path();
    if (entry.is_regular_file()) {
      EXPECT_EQ(status.st_mode & 0111, 0u) << entry.path() << " is no program";
    }
    ++seen;
  }
  EXPECT_GT(seen, 20u);
}

// Keys in the environment of a run: its card names what steers it, and nothing else.
TEST_F(Contained, SecretsOfTheEnvironmentAreNotWritten) {
  std::vector<std::string> words = alone("secrets");
  words.insert(words.begin(), {"/usr/bin/env", "OPENAI_API_KEY=sk-do-not-tell", "HF_TOKEN=hf-do-not-tell",
                               "AWS_SECRET_ACCESS_KEY=do-not-tell", "WANDB_API_KEY=do-not-tell"});
  ASSERT_EQ(tests::Program(words, path("log")).wait(), 0);
  for (const auto& entry : fs::recursive_directory_iterator(path("secrets")))
    if (entry.is_regular_file()) {
      EXPECT_EQ(tests::read_bytes(entry.path()).find("do-not-tell"), std::string::npos) << entry.path();
    }
}

}  // namespace
}  // namespace caravan
