// Readers, templates, tokenizers and loader together, on real data sets and real tokenizers.
#include <gtest/gtest.h>

#include <map>

#include "data/chat/template.h"
#include "data/error.h"
#include "data/loader/tokenize.h"
#include "data/loader/training_data.h"
#include "data/readers/reader.h"
#include "data/tokenizers/tokenizer.h"
#include "tests/support/shared_data.h"
#include "tests/support/temp_dir.h"

namespace caravan::data {
namespace {

std::string template_text(const std::string& name) {
  return tests::read_bytes(tests::shared_data() / "goldens/data/masks/templates" / name);
}

std::unique_ptr<Tokenizer> smollm2() {
  return load_tokenizer((tests::shared_data() / "goldens/data/tokens/smollm2-tokenizer.json").string());
}

// What a person expects to be trained: the assistants' words, each with the end marker.
std::string expected_text(const Conversation& conversation) {
  std::string text;
  for (const Message& message : conversation.messages) {
    if (message.role == "assistant") text += message.content + "<|im_end|>";
  }
  return text;
}

std::string trained_text(const MicroBatch& batch, const TokenTexts& texts) {
  std::string text;
  for (std::size_t t = 0; t < batch.ids.size(); ++t) {
    if (batch.weights[t] != 0) text += texts[batch.targets[t]];
  }
  return text;
}

TEST(RealData, TrainedTokensAreTheAssistantsWordsToTheByte) {
  SKIP_WITHOUT_SHARED_DATA();
  const tests::TempDir dir;
  const std::unique_ptr<Tokenizer> tokenizer = smollm2();
  const TokenTexts texts(*tokenizer);
  const ChatTemplate chat_template(template_text("SmolLM2-135M-Instruct.jinja"), "SmolLM2");
  for (const char* name :
       {"sft-fastchat-dummy/dummy_conversation.json", "sft-llamafactory-demos/alpaca_en_demo.json",
        "sft-llamafactory-demos/v1_sft_demo.jsonl",
        "sft-dolly-hhrlhf-small/dolly_hhrlhf_train_small.jsonl"}) {
    DataOptions options;
    options.cache_dir = dir.path().string();
    options.max_length = 1 << 20;
    options.threads = 2;
    options.sources.push_back({.path = (tests::shared_data() / name).string()});
    const TrainingData data = TrainingData::open(options, *tokenizer, chat_template);
    EXPECT_EQ(data.ledger().totals().straddling_tokens, 0u) << name;
    std::map<std::uint64_t, std::string> expected;
    Reader reader(options.sources[0].path, RowFormat::kAuto, "x");
    RowOutcome outcome;
    Conversation conversation;
    while (reader.next(outcome, conversation)) {
      if (outcome.fate == RowFate::kKept || outcome.fate == RowFate::kRepaired) {
        expected[conversation.where.line] = expected_text(conversation);
      }
    }
    ASSERT_EQ(data.num_documents(), expected.size()) << name << "\n" << data.ledger().summary();
    for (std::uint32_t document = 0; document < data.num_documents(); ++document) {
      const MicroBatch batch = data.micro_batch(std::vector<std::uint32_t>{document});
      ASSERT_EQ(trained_text(batch, texts), expected[batch.documents[0].line]) << data.name_of(document);
    }
  }
}

TEST(RealData, EveryTokenizerAndTemplateKeepsTheProof) {
  SKIP_WITHOUT_SHARED_DATA();
  const tests::TempDir dir;
  const std::filesystem::path root = tests::shared_data();
  const Json variables{{"bos_token", "<s>"}, {"eos_token", "</s>"}};
  for (const char* tokenizer_path :
       {"tokenizers/llama3-tiktoken/tokenizer.model", "tokenizers/llama2-spm/tokenizer.model",
        "goldens/data/tokens/smollm2-tokenizer.json"}) {
    const std::unique_ptr<Tokenizer> tokenizer = load_tokenizer((root / tokenizer_path).string());
    for (const char* template_path : {"tulu.jinja", "zephyr-like.jinja", "SmolLM2-135M-Instruct.jinja"}) {
      const ChatTemplate chat_template(template_text(template_path), template_path);
      DataOptions options;
      options.cache_dir = dir.path().string();
      options.max_length = 1 << 20;
      options.threads = 2;
      options.sources.push_back({.path = (root / "sft-fastchat-dummy/dummy_conversation.json").string()});
      OpenOptions open_options;
      open_options.variables = variables;
      const TrainingData data = TrainingData::open(options, *tokenizer, chat_template, open_options);
      const LedgerTotals totals = data.ledger().totals();
      EXPECT_EQ(totals.trained, 500u) << tokenizer_path << " " << template_path << "\n"
                                      << data.ledger().summary();
      EXPECT_EQ(data.ledger().summary().find("tokenizer_altered_text"), std::string::npos)
          << tokenizer_path << "\n"
          << data.ledger().summary();
    }
  }
}

TEST(RealData, ATemplateWithoutEndMarkerIsRefused) {
  SKIP_WITHOUT_SHARED_DATA();
  const tests::TempDir dir;
  const std::unique_ptr<Tokenizer> tokenizer = smollm2();
  DataOptions options;
  options.cache_dir = dir.path().string();
  options.sources.push_back(
      {.path = (tests::shared_data() / "sft-fastchat-dummy/dummy_conversation.json").string()});
  const ChatTemplate endless(
      "{% for m in messages %}{{ m['role'] + ': ' + m['content'] + '\n' }}{% endfor %}", "endless");
  EXPECT_THROW(TrainingData::open(options, *tokenizer, endless), Error);
  const ChatTemplate doubled("{{ bos_token + bos_token }}" + template_text("zephyr-like.jinja"), "doubled");
  OpenOptions open_options;
  open_options.variables = {{"bos_token", "<|im_start|>"}, {"eos_token", "<|im_end|>"}};
  EXPECT_THROW(TrainingData::open(options, *tokenizer, doubled, open_options), Error);
}

}  // namespace
}  // namespace caravan::data
