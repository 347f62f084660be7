// Ids, offsets and decoded texts against tokenizers, tiktoken, sentencepiece and llama.cpp, on every string
// they were asked about.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "data/tokenizers/stream_decoder.h"
#include "data/tokenizers/tokenizer.h"
#include "tests/support/shared_data.h"

namespace caravan::data {
namespace {

using nlohmann::json;

std::vector<json> read_lines(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::vector<json> rows;
  for (std::string line; std::getline(file, line);) rows.push_back(json::parse(line));
  return rows;
}

struct Reference {
  std::string name;  // of the file under goldens/data/tokens
  std::string tokenizer;
  std::int32_t vocab_size;
};

void PrintTo(const Reference& reference, std::ostream* out) {
  *out << reference.name;
}

class Tokens : public testing::TestWithParam<Reference> {
 protected:
  void SetUp() override {
    SKIP_WITHOUT_SHARED_DATA();
    folder_ = tests::shared_data() / "goldens/data/tokens";
    tokenizer_ = load_tokenizer(tests::shared_data() / GetParam().tokenizer);
    strings_ = read_lines(folder_ / "strings.jsonl");
    expected_ = read_lines(folder_ / (GetParam().name + ".jsonl"));
    ASSERT_EQ(strings_.size(), 300u);
    ASSERT_EQ(expected_.size(), 300u);
  }

  std::string text(std::size_t i) const { return strings_[i]["text"]; }
  std::vector<std::int32_t> ids(std::size_t i) const { return expected_[i]["ids"]; }

  std::filesystem::path folder_;
  std::unique_ptr<Tokenizer> tokenizer_;
  std::vector<json> strings_, expected_;
};

TEST_P(Tokens, PlainTextHasTheReferencesIds) {
  EXPECT_EQ(tokenizer_->vocab_size(), GetParam().vocab_size);
  // Twice: the second time from the cache of words.
  for (int round = 0; round < 2; ++round) {
    for (std::size_t i = 0; i < strings_.size(); ++i) {
      EXPECT_EQ(tokenizer_->encode_plain(text(i)), ids(i)) << "string " << i << ": " << strings_[i]["text"];
    }
  }
}

TEST_P(Tokens, TrustedTextHasTheReferencesSpecials) {
  for (std::size_t i = 0; i < strings_.size(); ++i) {
    if (GetParam().name == "llama2") continue;  // the reference never makes specials from text
    const json& wanted =
        expected_[i].contains("ids_special") ? expected_[i]["ids_special"] : expected_[i]["ids"];
    EXPECT_EQ(tokenizer_->encode_special(text(i)), wanted.get<std::vector<std::int32_t>>())
        << strings_[i]["text"];
  }
}

TEST_P(Tokens, BeginsAreTheReferencesOffsets) {
  std::size_t checked = 0;
  for (std::size_t i = 0; i < strings_.size(); ++i) {
    std::vector<std::int32_t> got;
    std::vector<std::uint32_t> begins, wanted;
    tokenizer_->encode(text(i), {}, got, &begins);
    ASSERT_EQ(got, ids(i));
    if (expected_[i].contains("offsets_bytes")) {
      wanted = expected_[i]["offsets_bytes"].get<std::vector<std::uint32_t>>();
    } else if (expected_[i].contains("offsets_bytes_begin_end")) {
      for (const json& pair : expected_[i]["offsets_bytes_begin_end"]) wanted.push_back(pair[0]);
    } else {
      continue;
    }
    EXPECT_EQ(begins, wanted) << strings_[i]["text"];
    ++checked;
  }
  EXPECT_GT(checked, 250u);
}

TEST_P(Tokens, DecodeReturnsTheText) {
  for (std::size_t i = 0; i < strings_.size(); ++i) {
    const std::string wanted =
        expected_[i].contains("decode") ? expected_[i]["decode"].get<std::string>() : text(i);
    EXPECT_EQ(tokenizer_->decode(ids(i)), wanted) << "string " << i;
    StreamDecoder stream(*tokenizer_);
    std::string streamed;
    for (const std::int32_t id : ids(i)) streamed += stream.push(id);
    streamed += stream.finish();
    EXPECT_EQ(streamed, wanted) << "string " << i;
  }
}

INSTANTIATE_TEST_SUITE_P(
    References, Tokens,
    testing::Values(Reference{"gpt2", "tokenizers/gpt2-bpe", 50257},
                    Reference{"gpt2", "tokenizers/olmo-hf-json/test-olmo-model.tokenizer.json", 50257},
                    Reference{"dolma2", "tokenizers/olmo-hf-json/allenai_dolma2.json", 100278},
                    Reference{"smollm2", "goldens/data/tokens/smollm2-tokenizer.json", 49152},
                    Reference{"llama3", "tokenizers/llama3-tiktoken", 128256},
                    Reference{"llama2", "tokenizers/llama2-spm", 32000}),
    [](const auto& test) { return test.param.name + "_" + std::to_string(test.index); });

// llama.cpp's own set: texts apart by a marker line, one line of ids each.
class LlamaCpp : public testing::TestWithParam<Reference> {};

TEST_P(LlamaCpp, HasTheSameIds) {
  SKIP_WITHOUT_SHARED_DATA();
  const auto base =
      tests::shared_data() / "conf-tokenizers/llama.cpp" / ("ggml-vocab-" + GetParam().name + ".gguf");
  const auto tokenizer = load_tokenizer(tests::shared_data() / GetParam().tokenizer);
  std::stringstream texts;
  texts << std::ifstream(base.string() + ".inp").rdbuf();
  std::ifstream lines(base.string() + ".out");
  const std::string marker = "\n__ggml_vocab_test__\n", all = texts.str();
  std::size_t num_texts = 0;
  for (std::size_t at = 0; at < all.size(); ++num_texts) {
    const std::size_t end = std::min(all.find(marker, at), all.size());
    const std::string text = all.substr(at, end - at);
    at = end + marker.size();
    std::string line;
    ASSERT_TRUE(std::getline(lines, line));
    std::istringstream numbers(line);
    const std::vector<std::int32_t> wanted{std::istream_iterator<std::int32_t>(numbers), {}};
    EXPECT_EQ(tokenizer->encode_plain(text), wanted) << "\"" << text << "\"";
  }
  EXPECT_EQ(num_texts, 46u);
  EXPECT_EQ(tokenizer->vocab_size(), GetParam().vocab_size);
}

INSTANTIATE_TEST_SUITE_P(References, LlamaCpp,
                         testing::Values(Reference{"gpt-2", "tokenizers/gpt2-bpe", 50257},
                                         Reference{"llama-bpe", "tokenizers/llama3-tiktoken", 128256},
                                         Reference{"llama-spm", "tokenizers/llama2-spm", 32000}));

}  // namespace
}  // namespace caravan::data
