// What the references cannot say: trust, hostile text, hostile files, threads, fingerprints.
#include "data/tokenizers/tokenizer.h"

#include <gtest/gtest.h>

#include <random>
#include <thread>

#include "data/error.h"
#include "data/tokenizers/merge_table.h"
#include "data/tokenizers/stream_decoder.h"
#include "data/tokenizers/unicode.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/data/tokenizers/small_tokenizer.h"

namespace caravan::data {
namespace {

using Json = nlohmann::ordered_json;
using Ids = std::vector<std::int32_t>;

class SmallTokenizer : public testing::Test {
 protected:
  std::unique_ptr<Tokenizer> load(const Json& json) {
    return load_tokenizer(folder_.write("tokenizer.json", json.dump()));
  }
  // The message of the error that loading gives; empty where it gives none.
  std::string refusal(const std::string& bytes, const std::string& name = "tokenizer.json") {
    try {
      load_tokenizer(folder_.write(name, bytes));
      return "";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), Error::Kind::kData) << error.what();
      EXPECT_NE(std::string(error.what()).find(name), std::string::npos) << error.what();
      return error.what();
    }
  }
  std::string refusal_of(const Json& json) { return refusal(json.dump()); }

  tests::TempDir folder_;
  Json small_ = tests::small_byte_level();
};

TEST_F(SmallTokenizer, SpecialsNeedTrustFromEndToEnd) {
  const auto tokenizer = load(small_);
  const std::string text = "<|end|>a<|end|>";
  const auto encode = [&](std::vector<ByteRange> trusted) {
    Ids ids;
    tokenizer->encode(text, trusted, ids);
    return ids;
  };
  const Ids spelt = tokenizer->encode_plain("<|end|>");
  ASSERT_EQ(spelt.size(), 7u);
  Ids first_only{300, 97}, second_only = spelt, none = spelt;
  first_only.insert(first_only.end(), spelt.begin(), spelt.end());
  second_only.insert(second_only.end(), {97, 300});
  none.push_back(97);
  none.insert(none.end(), spelt.begin(), spelt.end());
  EXPECT_EQ(encode({{0, 15}}), (Ids{300, 97, 300}));
  EXPECT_EQ(encode({{0, 7}}), first_only);
  EXPECT_EQ(encode({{0, 6}}), none);
  EXPECT_EQ(encode({{1, 15}}), second_only);
  EXPECT_EQ(encode({{0, 3}, {3, 7}}), none);  // two ranges that touch are not one
  EXPECT_EQ(encode({}), none);
}

// Text of a user must not swallow the start of a marker that the template wrote behind it.
TEST_F(SmallTokenizer, AnUntrustedPrefixDoesNotHideATrustedToken) {
  Json json = small_;
  json["added_tokens"].push_back({{"id", 302}, {"content", "x<|end|>"}, {"special", true}});
  const auto tokenizer = load(json);
  Ids ids;
  const ByteRange marker{1, 8};
  tokenizer->encode("x<|end|>", {&marker, 1}, ids);
  EXPECT_EQ(ids, (Ids{'x', 300}));
  EXPECT_EQ(tokenizer->encode_special("x<|end|>"), (Ids{302}));
}

// A vocabulary whose merges spell a special token out of plain text.
TEST_F(SmallTokenizer, PlainTextNeverMergesIntoASpecialToken) {
  Json json = small_;
  json["added_tokens"].push_back({{"id", 257}, {"content", "the"}, {"special", true}});
  json["model"]["merges"] = {"t h", "th e"};
  for (const bool ignore_merges : {false, true}) {
    json["model"]["ignore_merges"] = ignore_merges;
    const auto tokenizer = load(json);
    EXPECT_EQ(tokenizer->encode_plain("the"), (Ids{256, 'e'}));
    EXPECT_EQ(tokenizer->encode_special("the"), (Ids{257}));
  }
}

TEST_F(SmallTokenizer, TextThatIsNotUtf8IsRefusedAndLeavesTheVectorsAlone) {
  const auto tokenizer = load(small_);
  Ids ids{1, 2};
  std::vector<std::uint32_t> begins{0, 1};
  for (const char* text : {"a\xff", "the the \xe2\x82", "\xed\xa0\x80"}) {
    EXPECT_THROW(tokenizer->encode(text, {}, ids, &begins), Error);
    EXPECT_EQ(ids, (Ids{1, 2}));
    EXPECT_EQ(begins.size(), 2u);
  }
}

TEST_F(SmallTokenizer, ACharacterWithoutTokenIsAnErrorNotALoss) {
  Json json = small_;
  json["model"]["vocab"].erase("z");
  const auto tokenizer = load(json);
  Ids ids;
  EXPECT_THROW(tokenizer->encode("the z", {}, ids), Error);
  EXPECT_TRUE(ids.empty());
  EXPECT_EQ(tokenizer->encode_plain("the y"), (Ids{257, ' ', 'y'}));
}

TEST_F(SmallTokenizer, ZeroBytesAndEmptyTextAreText) {
  const auto tokenizer = load(small_);
  EXPECT_EQ(tokenizer->encode_plain(std::string_view("a\0b", 3)), (Ids{'a', 0, 'b'}));
  EXPECT_EQ(tokenizer->encode_plain(std::string_view("\0\0", 2)), (Ids{0, 0}));
  EXPECT_TRUE(tokenizer->encode_plain("").empty());
  EXPECT_TRUE(tokenizer->encode_special("").empty());
  EXPECT_EQ(tokenizer->decode({}), "");
}

// Long words take another road (heap, no cache) than short ones: both must lead to the same ids.
TEST_F(SmallTokenizer, LongWordsMergeAsShortOnesDo) {
  const auto tokenizer = load(small_);
  for (const std::size_t count : {1u, 10u, 15u, 16u, 17u, 20u, 100u, 1'000'000u}) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) text += "the";
    EXPECT_EQ(tokenizer->encode_plain(text), Ids(count, 257)) << count;
  }
  const std::string line(10'000'000, 'q');
  EXPECT_EQ(tokenizer->encode_plain(line), Ids(line.size(), 'q'));
}

TEST_F(SmallTokenizer, RanksDecideAndThenTheLeftmost) {
  Json json = small_;
  json["model"]["vocab"].update({{"aa", 400}, {"aaa", 401}, {"aaaa", 402}, {"ab", 403}});
  json["model"]["merges"] = {"a b", "a a", "aa a", "aa aa"};
  const auto tokenizer = load(json);
  EXPECT_EQ(tokenizer->encode_plain("aab"), (Ids{'a', 403}));
  EXPECT_EQ(tokenizer->encode_plain("aaaaa"), (Ids{400, 401}));  // aa aa a, then the rank of aa+a is lower
  EXPECT_EQ(tokenizer->encode_plain("aaaaaa"), (Ids{402, 400}));
}

TEST_F(SmallTokenizer, SeveralThreadsAndTokenizersDoNotMeet) {
  Json other = small_;
  other["model"]["merges"] = Json::array();
  const auto merging = load(small_);
  const auto plain = load(other);
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 2000; ++i) {
        if (merging->encode_plain(" the") != Ids{258}) ++wrong;
        if (plain->encode_plain(" the") != Ids{' ', 't', 'h', 'e'}) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST_F(SmallTokenizer, StreamedTextIsDecodedText) {
  const auto tokenizer = load(small_);
  std::mt19937 random(3);
  for (int round = 0; round < 300; ++round) {
    Ids ids;
    for (std::size_t i = random() % 30; i > 0; --i) {
      // Bytes of characters, often cut or out of order.
      const std::string_view bytes = "\xf0\x9f\x99\x82\xe2\x82\xac\xc3\xa9";
      ids.push_back(random() % 2 ? static_cast<unsigned char>(bytes[random() % bytes.size()])
                                 : static_cast<std::int32_t>(random() % 259));
      if (random() % 9 == 0) ids.push_back(300);
    }
    for (const bool skip : {false, true}) {
      StreamDecoder stream(*tokenizer, skip);
      std::string streamed;
      for (const std::int32_t id : ids) {
        const std::string part = stream.push(id);
        EXPECT_EQ(find_invalid_utf8(part), std::string_view::npos);
        streamed += part;
      }
      EXPECT_EQ(streamed + stream.finish(), tokenizer->decode(ids, skip));
    }
    const std::string text = tokenizer->decode(ids, true);
    ids.insert(ids.begin() + static_cast<std::ptrdiff_t>(ids.size() / 2), 302);
    EXPECT_EQ(written_text(*tokenizer, ids), text) << "a row of padding has no text";
    StreamDecoder padded(*tokenizer, true);
    std::string streamed;
    for (const std::int32_t id : ids) streamed += padded.push(id);
    EXPECT_EQ(streamed + padded.finish(), text);
  }
}

TEST_F(SmallTokenizer, IdsWithoutTokenAreRefused) {
  const auto tokenizer = load(small_);
  EXPECT_EQ(tokenizer->vocab_size(), 302);
  for (const std::int32_t id : {-1, 259, 299, 302, INT32_MAX, INT32_MIN}) {
    EXPECT_THROW(tokenizer->decode(Ids{id}), Error) << id;
    EXPECT_THROW(tokenizer->token_text(id), Error) << id;
    EXPECT_FALSE(tokenizer->is_special(id)) << id;
  }
  EXPECT_EQ(tokenizer->token_to_id("<|end|>"), 300);
  EXPECT_EQ(tokenizer->token_to_id("the"), 257);
  EXPECT_EQ(tokenizer->token_to_id("absent"), std::nullopt);
}

TEST_F(SmallTokenizer, FramingIsReadAndNotApplied) {
  Json json = small_;
  json["post_processor"] = {{"type", "TemplateProcessing"},
                            {"single",
                             {{{"SpecialToken", {{"id", "<|user|>"}, {"type_id", 0}}}},
                              {{"Sequence", {{"id", "A"}, {"type_id", 0}}}},
                              {{"SpecialToken", {{"id", "<|end|>"}, {"type_id", 0}}}}}},
                            {"special_tokens",
                             {{"<|user|>", {{"id", "<|user|>"}, {"ids", {301}}, {"tokens", {"<|user|>"}}}},
                              {"<|end|>", {{"id", "<|end|>"}, {"ids", {300}}, {"tokens", {"<|end|>"}}}}}}};
  const auto tokenizer = load(json);
  EXPECT_EQ(tokenizer->framing().before, (Ids{301}));
  EXPECT_EQ(tokenizer->framing().after, (Ids{300}));
  EXPECT_EQ(tokenizer->encode_special("the"), (Ids{257}));
}

TEST_F(SmallTokenizer, FingerprintFollowsTheFile) {
  const std::string before = load(small_)->fingerprint();
  EXPECT_EQ(before.size(), 64u);
  EXPECT_EQ(load(small_)->fingerprint(), before);
  Json other = small_;
  other["added_tokens"][0]["content"] = "<|stop|>";
  EXPECT_NE(load(other)->fingerprint(), before);
}

TEST_F(SmallTokenizer, TokensOfTheConfigAreAdded) {
  folder_.write("tokenizer.json", small_.dump());
  folder_.write(
      "tokenizer_config.json",
      R"({"added_tokens_decoder":{"300":{"content":"<|end|>","special":true},"310":{"content":"<|pad|>","special":true}}})");
  const auto tokenizer = load_tokenizer(folder_.path().string());
  EXPECT_EQ(tokenizer->encode_special("<|end|><|pad|>"), (Ids{300, 310}));
  EXPECT_EQ(tokenizer->vocab_size(), 311);
  EXPECT_NE(tokenizer->fingerprint(), load(small_)->fingerprint());
}

TEST_F(SmallTokenizer, DamagedFilesAreRefusedWithThePlace) {
  const std::string whole = small_.dump();
  for (std::size_t length = 0; length < whole.size(); length += 997) {
    EXPECT_NE(refusal(whole.substr(0, length)), "") << length;
  }
  EXPECT_NE(refusal(std::string(200'000, '[')), "");
  std::string nested = "{\"normalizer\":";
  for (int i = 0; i < 300; ++i) nested += R"({"type":"Sequence","normalizers":[)";
  EXPECT_NE(refusal(nested), "");
  EXPECT_NE(refusal("\xff\xfe{}"), "");
  EXPECT_NE(refusal("[]"), "");
  EXPECT_NE(refusal("{\"model\":{}}"), "");
  std::mt19937 random(9);
  for (int i = 0; i < 300; ++i) {  // whatever comes of it, it must be an error or a tokenizer
    std::string damaged = whole;
    for (int k = 0; k < 3; ++k) damaged[random() % damaged.size()] = static_cast<char>(random() % 256);
    try {
      load_tokenizer(folder_.write("tokenizer.json", damaged))->encode_special("the <|end|> \xc3\xa9");
    } catch (const Error&) {
    }
  }
}

TEST_F(SmallTokenizer, VocabulariesThatContradictThemselvesAreRefused) {
  const auto with = [&](auto&& change) {
    Json json = small_;
    change(json);
    return refusal_of(json);
  };
  EXPECT_NE(with([](Json& j) { j["model"]["merges"].push_back("q absent"); }).find("absent"),
            std::string::npos);
  EXPECT_NE(with([](Json& j) { j["model"]["merges"].push_back("a b"); }).find("\"ab\""), std::string::npos);
  EXPECT_NE(with([](Json& j) { j["model"]["merges"].push_back("a b c"); }).find("merges[3]"),
            std::string::npos);
  EXPECT_NE(with([](Json& j) {
              j["model"]["merges"].push_back({"a", 7});
            }).find("merges[3]"),
            std::string::npos);
  EXPECT_NE(with([](Json& j) { j["model"]["vocab"]["twice"] = 7; }).find("belongs to"), std::string::npos);
  EXPECT_NE(with([](Json& j) { j["model"]["vocab"]["far"] = 4'000'000'000; }).find("4000000000"),
            std::string::npos);
  EXPECT_NE(with([](Json& j) { j["model"]["vocab"]["minus"] = -1; }).find("-1"), std::string::npos);
  EXPECT_NE(with([](Json& j) { j["model"]["vocab"]["half"] = 1.5; }), "");
  EXPECT_NE(with([](Json& j) { j["model"]["vocab"] = Json::object(); }), "");
  EXPECT_NE(with([](Json& j) { j["added_tokens"][0]["id"] = 5; }).find("<|end|>"), std::string::npos);
  EXPECT_NE(with([](Json& j) { j["added_tokens"][1]["id"] = 300; }), "");
  EXPECT_NE(with([](Json& j) { j["added_tokens"][0]["content"] = "the"; }).find("257"), std::string::npos);
  EXPECT_NE(with([](Json& j) { j["added_tokens"][0]["content"] = std::string(1000, 'x'); }), "");
  EXPECT_NE(with([](Json& j) { j["model"]["unk_token"] = "absent"; }), "");
}

TEST_F(SmallTokenizer, ComponentsWeDoNotHaveAreNamed) {
  const auto with = [&](const char* key, const Json& value) {
    Json json = small_;
    json[key] = value;
    return refusal_of(json);
  };
  EXPECT_NE(with("model", {{"type", "Unigram"}, {"vocab", Json::array()}}).find("Unigram"),
            std::string::npos);
  EXPECT_NE(with("model", {{"type", "WordPiece"}, {"vocab", Json::object()}}).find("WordPiece"),
            std::string::npos);
  EXPECT_NE(with("normalizer", {{"type", "BertNormalizer"}}).find("BertNormalizer"), std::string::npos);
  EXPECT_NE(with("pre_tokenizer", {{"type", "UnicodeScripts"}}).find("UnicodeScripts"), std::string::npos);
  EXPECT_NE(with("decoder", {{"type", "CTC"}}).find("CTC"), std::string::npos);
  EXPECT_NE(with("post_processor", {{"type", "Unknown"}}).find("Unknown"), std::string::npos);
  const Json late = {{"type", "Sequence"},
                     {"pretokenizers", {{{"type", "ByteLevel"}}, {{"type", "Digits"}}}}};
  EXPECT_NE(with("pre_tokenizer", late).find("pretokenizers[1]"), std::string::npos);
  Json dropout = small_["model"];
  dropout["dropout"] = 0.1;
  EXPECT_NE(with("model", dropout).find("dropout"), std::string::npos);
}

TEST_F(SmallTokenizer, RankFilesAreCheckedLineByLine) {
  EXPECT_NE(refusal("AA== 0\nAQ== x\n", "tokenizer.model").find("tokenizer.model:2"), std::string::npos);
  EXPECT_NE(refusal("AA== 0\nAA== 1\n", "tokenizer.model").find("tokenizer.model:2"), std::string::npos);
  EXPECT_NE(refusal("AA== 0\nAQ== 0\n", "tokenizer.model").find("tokenizer.model:2"), std::string::npos);
  EXPECT_NE(refusal("AA== 0\nAQ== 7\n", "tokenizer.model").find("gaps"), std::string::npos);
  EXPECT_NE(refusal("AA== 0\nAQ== 1\n", "tokenizer.model").find("single byte"), std::string::npos);
  EXPECT_NE(refusal("", "tokenizer.model"), "");
  EXPECT_NE(refusal(std::string(1000, '\x0a'), "tokenizer.model"), "");
  EXPECT_NE(refusal("\x0a\xff\xff\xff\xff\x7f", "tokenizer.model"), "");
}

TEST_F(SmallTokenizer, APlaceWithoutTokenizerSaysWhatWasSought) {
  for (const std::string& path : {folder_.path().string(), (folder_ / "absent").string()}) {
    try {
      load_tokenizer(path);
      FAIL() << path;
    } catch (const Error& error) {
      EXPECT_EQ(error.exit_code(), 74);
      EXPECT_NE(std::string(error.what()).find(path), std::string::npos);
    }
  }
}

TEST(MergeTable, KeepsEveryPairApart) {
  MergeTable table(5000);
  for (std::int32_t i = 0; i < 5000; ++i) table.set({i, i * 3 % 5000, static_cast<std::uint32_t>(i), i + 1});
  table.set({7, 21, 1, 99});  // the later one counts
  for (std::int32_t i = 0; i < 5000; ++i) {
    const MergeTable::Merge& found = table.find(i, i * 3 % 5000);
    EXPECT_EQ(found.merged, i == 7 ? 99 : i + 1);
    EXPECT_EQ(table.find(i, i * 3 % 5000 + 1).rank, MergeTable::kNever);
  }
}

}  // namespace
}  // namespace caravan::data
