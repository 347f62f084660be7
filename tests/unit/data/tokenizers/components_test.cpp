// Each component of tokenizer.json against what Hugging Face's library makes of it
// (tests/references/tokenizers).
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "data/tokenizers/stream_decoder.h"
#include "data/tokenizers/tokenizer.h"
#include "tests/support/temp_dir.h"

namespace caravan::data {
namespace {

using Json = nlohmann::ordered_json;

// CARAVAN_COMPONENTS names another file of the same maker, for a longer search.
const Json& references() {
  static const Json all = [] {
    const char* named = std::getenv("CARAVAN_COMPONENTS");
    std::ifstream file(named ? named : CARAVAN_SOURCE_DIR "/tests/references/tokenizers/components.json");
    return Json::parse(file);
  }();
  return all;
}

class Components : public testing::TestWithParam<std::size_t> {
 protected:
  void SetUp() override {
    reference_ = references().at(GetParam());
    tokenizer_ = load_tokenizer(folder_.write("tokenizer.json", reference_["tokenizer"].dump()));
  }
  tests::TempDir folder_;
  Json reference_;
  std::unique_ptr<Tokenizer> tokenizer_;
};

TEST_P(Components, IdsAreTheLibrarys) {
  for (const Json& one : reference_["cases"]) {
    const std::string text = one[0];
    const std::vector<std::int32_t> plain = one[1];
    EXPECT_EQ(tokenizer_->encode_plain(text), plain) << one[0];
    const std::vector<std::int32_t> special =
        one[2].is_null() ? plain : one[2].get<std::vector<std::int32_t>>();
    EXPECT_EQ(tokenizer_->encode_special(text), special) << one[0];
  }
}

TEST_P(Components, DecodedTextIsTheLibrarys) {
  for (const Json& one : reference_["cases"]) {
    const std::vector<std::int32_t> ids = one[1];
    if (!one[3].is_boolean()) {
      EXPECT_EQ(tokenizer_->decode(ids), one[3].is_null() ? one[0] : one[3]) << one[0];
    }
    StreamDecoder stream(*tokenizer_);
    std::string streamed;
    for (const std::int32_t id : ids) streamed += stream.push(id);
    EXPECT_EQ(streamed + stream.finish(), tokenizer_->decode(ids)) << one[0];
  }
}

// What offsets must be whatever the pipeline: one per id, in order, inside the text.
TEST_P(Components, BeginsAscendAndIdsDoNotDependOnThem) {
  for (const Json& one : reference_["cases"]) {
    const std::string text = one[0];
    const ByteRange all{0, text.size()};
    std::vector<std::int32_t> ids;
    std::vector<std::uint32_t> begins;
    tokenizer_->encode(text, {&all, 1}, ids, &begins);
    EXPECT_EQ(ids, tokenizer_->encode_special(text)) << one[0];
    ASSERT_EQ(begins.size(), ids.size());
    EXPECT_TRUE(std::is_sorted(begins.begin(), begins.end())) << one[0] << testing::PrintToString(begins);
    EXPECT_TRUE(begins.empty() || begins.back() < text.size()) << one[0];
  }
}

INSTANTIATE_TEST_SUITE_P(References, Components, testing::Range<std::size_t>(0, references().size()),
                         [](const auto& test) {
                           return references().at(test.param)["name"].template get<std::string>();
                         });

}  // namespace
}  // namespace caravan::data
