#include "data/tokenizers/bpe_trainer.h"

#include <gtest/gtest.h>

#include "data/demo/checkpoint_files.h"
#include "data/demo/dialogues.h"
#include "data/error.h"
#include "data/tokenizers/tokenizer.h"
#include "tests/support/python.h"
#include "tests/support/temp_dir.h"

namespace caravan::data {
namespace {

using tests::TempDir;

BpeTrainerOptions letters_only(std::size_t merges) {
  BpeTrainerOptions options;
  options.vocab_size = 256 + merges;
  return options;
}

TEST(BpeTrainer, MergesTheMostFrequentPairFirstTiesToSmallerIds) {
  // Pieces: "ab" five times, "cd" five times, "bc" three times, "abc" once: ab 6, cd 5, bc 4.
  BpeTrainer trainer(letters_only(4));
  trainer.add("ab\ncd\nab\ncd\nab\ncd\nab\ncd\nab\ncd\nbc\nbc\nbc\nabc\n");
  const BpeVocabulary vocabulary = trainer.train();
  ASSERT_EQ(vocabulary.tokens.size(), 259u);
  EXPECT_EQ(vocabulary.tokens[256], "ab");
  EXPECT_EQ(vocabulary.tokens[257], "cd");
  EXPECT_EQ(vocabulary.tokens[258], "bc");  // "abc" is met once only: nothing more to merge
}

TEST(BpeTrainer, TiesAreTheSameWhateverTheOrderOfTexts) {
  const std::vector<std::string> texts = {"xy xy", " pq pq", "uv uv", "mn mn"};
  BpeTrainer forwards(letters_only(10));
  BpeTrainer backwards(letters_only(10));
  for (std::size_t i = 0; i < texts.size(); ++i) {
    forwards.add(texts[i]);
    backwards.add(texts[texts.size() - 1 - i]);
  }
  EXPECT_EQ(forwards.train().to_json().dump(), backwards.train().to_json().dump());
}

TEST(BpeTrainer, RunsOfOneLetterMergeFromTheLeft) {
  BpeTrainer trainer(letters_only(2));
  for (int i = 0; i < 4; ++i) trainer.add("aaaaa\n");
  const BpeVocabulary vocabulary = trainer.train();
  ASSERT_EQ(vocabulary.tokens.size(), 258u);
  EXPECT_EQ(vocabulary.tokens[256], "aa");
  // aa aa a: "aa a" and "aa aa" are met once a piece each, and "a" has the smaller id.
  EXPECT_EQ(vocabulary.tokens[257], "aaa");
}

TEST(BpeTrainer, DigitsStaySingle) {
  BpeTrainer trainer(letters_only(50));
  for (int i = 0; i < 50; ++i) trainer.add("1234 1234 12");
  for (const std::string& token : trainer.train().tokens) {
    EXPECT_FALSE(token.size() > 1 && token.find_first_of("0123456789") != std::string::npos) << token;
  }
}

TEST(BpeTrainer, RefusesWhatCannotBe) {
  BpeTrainerOptions options;
  options.vocab_size = 255;
  EXPECT_THROW(BpeTrainer{options}, Error);
  options = {};
  options.split_pattern = "(";
  EXPECT_THROW(BpeTrainer{options}, Error);
  options = {};
  options.special_tokens = {"<a>", "<a>"};
  EXPECT_THROW(BpeTrainer{options}, Error);
  BpeTrainer trainer(letters_only(1));
  EXPECT_THROW(trainer.add("ok\xff"), Error);
}

BpeVocabulary demo_vocabulary() {
  DialogueOptions dialogues;
  dialogues.training_rows = 2000;
  dialogues.held_out_rows = 10;
  BpeTrainerOptions options;
  options.special_tokens = demo_special_tokens();
  BpeTrainer trainer(options);
  for (const Dialogue& dialogue : make_dialogues(dialogues).training) {
    for (const Message& message : dialogue.conversation.messages) trainer.add(message.content);
  }
  return trainer.train();
}

const std::vector<std::string>& probe_texts() {
  static const std::vector<std::string> kTexts = {"What is 12 + 7?",
                                                  "Repeat:\nfire coat duck",
                                                  "  two  spaces\n\n\tand tabs ",
                                                  "don't DON'T it's",
                                                  "Grüße, 世界 🌍!",
                                                  "- a\n- b",
                                                  "",
                                                  " ",
                                                  "12345",
                                                  "{\"answer\":12}",
                                                  "e\xcc\x81\xc2\xa0x"};
  return kTexts;
}

TEST(BpeTrainer, OurTokenizerReadsTheFile) {
  const TempDir dir;
  tests::write_bytes(dir / "tokenizer.json", demo_vocabulary().to_json().dump());
  const auto tokenizer = load_tokenizer((dir / "tokenizer.json").string());
  for (const std::string& text : probe_texts()) {
    EXPECT_EQ(tokenizer->decode(tokenizer->encode_plain(text)), text);
  }
  const auto ids = tokenizer->encode_special("<|user|>12<|end|>");
  ASSERT_EQ(ids.size(), 4u);
  EXPECT_EQ(ids[0], tokenizer->token_to_id("<|user|>"));
  EXPECT_EQ(ids[3], tokenizer->token_to_id("<|end|>"));
}

TEST(BpeTrainer, HuggingFaceGivesTheSameIds) {
  SKIP_WITHOUT_PYTHON_MODULE("tokenizers");
  const TempDir dir;
  tests::write_bytes(dir / "tokenizer.json", demo_vocabulary().to_json().dump());
  tests::write_bytes(dir / "texts.json", Json(probe_texts()).dump());
  tests::write_bytes(dir / "encode.py", R"(
import json, sys
from tokenizers import Tokenizer
folder = sys.argv[1]
tokenizer = Tokenizer.from_file(folder + '/tokenizer.json')
print(json.dumps([tokenizer.encode(t).ids for t in json.load(open(folder + '/texts.json'))]))
)");
  const auto result = tests::run_python((dir / "encode.py").string(), "'" + dir.path().string() + "'");
  ASSERT_EQ(result.status, 0) << result.output;
  const Json theirs = Json::parse(result.output);
  const auto tokenizer = load_tokenizer((dir / "tokenizer.json").string());
  for (std::size_t i = 0; i < probe_texts().size(); ++i) {
    EXPECT_EQ(theirs[i].get<std::vector<std::int32_t>>(), tokenizer->encode_plain(probe_texts()[i]))
        << probe_texts()[i];
  }
}

}  // namespace
}  // namespace caravan::data
