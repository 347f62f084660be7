// Kept inputs of every target, changed at random: without a compiler that guides a fuzzer, in any build. What
// libFuzzer finds by the paths that it sees is not found here; what breaks at once is.
//
// CARAVAN_FUZZ_SECONDS: so long for each target (else a fixed number), from CARAVAN_FUZZ_SEED (else a new
// seed).
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <random>

#include "tests/fuzz/fuzz_input.h"

namespace caravan::fuzz {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kMaxBytes = 16384;
constexpr int kInputs = 200;
constexpr unsigned kSecondsPerInput = 10;

// What parsers treat in a way of its own.
constexpr std::string_view kPieces[] = {"{",
                                        "}",
                                        "[",
                                        "]",
                                        "\"",
                                        "\\",
                                        ",",
                                        ":",
                                        "'",
                                        "\n",
                                        "\r\n",
                                        "\t",
                                        " ",
                                        std::string_view("\0", 1),
                                        "\xef\xbb\xbf",
                                        "\xc0\x80",
                                        "\xed\xa0\x80",
                                        "\xf4\x90\x80\x80",
                                        "\\ud800",
                                        "\\u0000",
                                        "null",
                                        "NaN",
                                        "-0",
                                        "1e999",
                                        "-1",
                                        "9223372036854775808",
                                        "18446744073709551616",
                                        "0x7f",
                                        "{{",
                                        "}}",
                                        "{%",
                                        "%}",
                                        "{#",
                                        "|",
                                        "*",
                                        "&a",
                                        "*a",
                                        "!!",
                                        "---",
                                        "<|",
                                        "|>",
                                        "\\frac",
                                        "\\boxed{",
                                        "^",
                                        "(",
                                        ")",
                                        "/../",
                                        "%00",
                                        "\xff\xff\xff\xff",
                                        "\x7f\xff\xff\xff"};

class Mutator {
 public:
  Mutator(std::vector<std::string> seeds, std::uint64_t seed) : seeds_(std::move(seeds)), random_(seed) {}

  std::string next() {
    std::string bytes = seeds_[below(seeds_.size())];
    for (std::size_t changes = 1 + below(4); changes > 0; --changes) change(bytes);
    if (bytes.size() > kMaxBytes) bytes.resize(kMaxBytes);
    return bytes;
  }

 private:
  std::size_t below(std::size_t count) { return count == 0 ? 0 : random_() % count; }

  void change(std::string& bytes) {
    const std::size_t at = below(bytes.size() + 1),
                      length = below(std::min<std::size_t>(bytes.size() - at, 64) + 1);
    switch (below(7)) {
      case 0:
        bytes.insert(at, kPieces[below(std::size(kPieces))]);
        break;
      case 1:
        bytes.erase(at, length);
        break;
      case 2:
        bytes.insert(at, bytes.substr(below(bytes.size()), 1 + below(64)));
        break;
      case 3:
        if (at < bytes.size()) bytes[at] ^= static_cast<char>(1u << below(8));
        break;
      case 4:
        if (at < bytes.size()) bytes[at] = static_cast<char>(below(256));
        break;
      case 5: {
        // One piece many times: depth, and long rows of one thing.
        std::string many;
        for (std::size_t times = 1 + below(600); times > 0; --times) many += bytes.substr(at, 1 + length % 8);
        bytes.insert(at, many);
        break;
      }
      default: {
        const std::string& other = seeds_[below(seeds_.size())];
        bytes = bytes.substr(0, at) + other.substr(below(other.size()));
      }
    }
  }

  std::vector<std::string> seeds_;
  std::mt19937_64 random_;
};

// Holds the input that is being read, so that it is there after a crash too.
class KeptInput {
 public:
  explicit KeptInput(const char* target)
      : path_(fs::temp_directory_path() /
              (std::string("caravan-mutated-") + target + "-" + std::to_string(getpid()))),
        file_(open(path_.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600)) {}
  ~KeptInput() {
    close(file_);
    if (!testing::Test::HasFailure()) fs::remove(path_);
  }
  bool keep(std::string_view bytes) {
    return ftruncate(file_, 0) == 0 &&
           pwrite(file_, bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size());
  }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
  int file_;
};

class Mutations : public testing::TestWithParam<Target> {};

TEST_P(Mutations, AreReadOrRefused) {
  std::vector<std::string> seeds;
  for (const auto& entry :
       fs::directory_iterator(fs::path(CARAVAN_SOURCE_DIR) / "tests/fuzz/corpus" / GetParam().name))
    seeds.push_back(tests::read_bytes(entry.path()));
  std::ranges::sort(seeds);
  const char* const given = std::getenv("CARAVAN_FUZZ_SECONDS");
  const auto seconds = std::chrono::seconds(given ? std::atoi(given) : 0);
  const char* const given_seed = std::getenv("CARAVAN_FUZZ_SEED");
  const std::uint64_t seed = given_seed ? std::strtoull(given_seed, nullptr, 10)
                             : given    ? std::random_device{}()
                                        : 1;
  Mutator mutator(std::move(seeds), seed);
  KeptInput kept(GetParam().name);
  std::size_t inputs = 0;
  for (const auto began = Clock::now(); given ? Clock::now() - began < seconds : inputs < kInputs; ++inputs) {
    const std::string bytes = mutator.next();
    ASSERT_TRUE(kept.keep(bytes)) << kept.path();
    alarm(kSecondsPerInput);
    ASSERT_NO_THROW(GetParam().run(Input(bytes)))
        << "input " << inputs << " from seed " << seed << " is in " << kept.path();
    alarm(0);
  }
  RecordProperty("inputs", std::to_string(inputs));
}

INSTANTIATE_TEST_SUITE_P(Fuzz, Mutations, testing::ValuesIn(targets()),
                         [](const auto& target) { return std::string(target.param.name); });

}  // namespace
}  // namespace caravan::fuzz
