// The real files beside the project: each converts with the expected layout, or is refused with its reason.
#include <gtest/gtest.h>

#include <map>

#include "data/converters/detect_layout.h"
#include "data/error.h"
#include "tests/support/shared_data.h"
#include "tests/unit/data/converters/converted.h"

namespace caravan::data {
namespace {

struct RealSet {
  std::string layout;  // "": no layout is detected
  std::size_t written = 0;
  std::vector<std::string> flags = {};
};

// By path; what is not listed is a P3 task: prompt_completion, every row kept but for empty ones.
const std::map<std::string, RealSet>& real_sets() {
  static const std::map<std::string, RealSet> sets{
      {"pref-llmbar/LLMBar_Natural.json", {"llmbar", 100}},
      {"pref-llmbar/Processed_FairEval.json", {"llmbar", 66}},
      {"pref-llmbar/Processed_LLMEval_2.json", {"llmbar", 198}},
      {"pref-llmbar/Processed_MT-Bench.json", {"llmbar", 200}},
      {"rlvr-gsm8k/train.jsonl", {"gsm8k", 7473}},
      {"rlvr-ifeval/input_data.jsonl", {"ifeval", 541}},
      {"rlvr-ifeval/official-unit-tests/instruction_cases.jsonl", {"", 0}},
      {"rlvr-ifeval/official-unit-tests/util_cases.jsonl", {"", 0}},
      {"rlvr-ifeval/verdicts-dev/Qwen__Qwen2.5-0.5B-Instruct-GPTQ-Int4.strict.jsonl.gz",
       {"prompt_completion", 541}},
      {"rlvr-ifeval/verdicts-dev/gpt-4o-mini-2024-07-18.strict.jsonl.gz", {"prompt_completion", 541}},
      {"rlvr-ifeval/verdicts-dev/mistralai__Mistral-7B-Instruct-v0.3.strict.jsonl.gz",
       {"prompt_completion", 541}},
      {"rlvr-math/qwen2.5-math/mawps/addsub.jsonl", {"mawps", 395}},
      {"rlvr-math/qwen2.5-math/mawps/multiarith.jsonl", {"mawps", 600}},
      {"rlvr-math/qwen2.5-math/mawps/singleeq.jsonl", {"mawps", 508}},
      {"rlvr-math/qwen2.5-math/mawps/singleop.jsonl", {"mawps", 562}},
      {"rlvr-math/qwen2.5-math/mawps/test.jsonl", {"mawps", 2065}},
      {"rlvr-math/qwen2.5-math/svamp/test.jsonl", {"svamp", 1000}},
      {"rlvr-math/splits/math_dev.jsonl", {"math_steps", 2724}},
      {"sft-dolly-hhrlhf-small/dolly_hhrlhf_train_small.jsonl", {"prompt_completion", 1000}},
      {"sft-fastchat-dummy/dummy_conversation.json", {"sharegpt", 500}},
      {"sft-korean-chatbot/ChatbotData.csv", {"", 11823, {"--column", "prompt=Q", "--column", "response=A"}}},
      {"sft-llamafactory-demos/alpaca_en_demo.json", {"alpaca", 999}},
      {"sft-llamafactory-demos/c4_demo.jsonl", {"", 0}},
      {"sft-llamafactory-demos/dataset_info.json", {"", 0}},
      {"sft-llamafactory-demos/dpo_en_demo.json", {"preference_pairs", 300}},
      {"sft-llamafactory-demos/glaive_toolcall_en_demo.json", {"sharegpt", 300}},
      {"sft-llamafactory-demos/identity.json", {"alpaca", 91}},
      {"sft-llamafactory-demos/kto_en_demo.json", {"kto", 300}},
      {"sft-llamafactory-demos/reason_tool_use_demo_50.jsonl", {"messages", 50}},
      {"sft-llamafactory-demos/v1_dpo_demo.jsonl", {"preference_pairs", 10}},
      {"sft-llamafactory-demos/v1_sft_demo.jsonl", {"messages", 500}},
      {"sft-oasst-sample/en_100_message.jsonl", {"oasst", 61}},
      {"sft-oasst-sample/en_100_text.jsonl", {"", 0}},
      {"sft-oasst-sample/en_100_tree.jsonl", {"oasst", 61}},
      {"sft-oasst-sample/realistic_seed_data.json", {"oasst_flat", 74}},
      {"sft-open-instruct/acecode_sample.jsonl", {"acecode", 1}},
      {"sft-open-instruct/rlvr_test.jsonl", {"rlvr", 100}},
      {"sft-open-instruct/synth_pref/helpfulness-full.jsonl", {"", 0}},
      {"sft-open-instruct/synth_pref/honesty-full.jsonl", {"", 0}},
      {"sft-open-instruct/synth_pref/instruction_following-full.jsonl", {"", 0}},
      {"sft-open-instruct/synth_pref/truthfulness-full.jsonl", {"", 0}},
      {"sft-self-instruct/seed_tasks.jsonl", {"self_instruct", 175}},
      {"sft-self-instruct/text-davinci-003_predictions.jsonl", {"", 252, {"--format", "prompt_completion"}}},
      {"sft-self-instruct/user_oriented_instructions.jsonl", {"self_instruct", 252}},
  };
  return sets;
}

std::vector<std::filesystem::path> real_files() {
  std::vector<std::filesystem::path> files;
  for (const auto& folder : std::filesystem::directory_iterator(tests::shared_data())) {
    const std::string name = folder.path().filename().string();
    if (!name.starts_with("sft-") && !name.starts_with("pref-") && !name.starts_with("rlvr-")) continue;
    for (const auto& file : std::filesystem::recursive_directory_iterator(folder)) {
      const std::string ending = file.path().extension().string();
      if (ending == ".json" || ending == ".jsonl" || ending == ".csv" || ending == ".gz")
        files.push_back(file.path());
    }
  }
  return files;
}

void expect_converts(const std::filesystem::path& file, const RealSet& set) {
  std::vector<std::string> args{file.string()};
  args.insert(args.end(), set.flags.begin(), set.flags.end());
  const tests::ConvertedFile found = tests::convert(args);
  EXPECT_EQ(found.report["totals"]["written"], set.written) << file;
  EXPECT_EQ(found.report["totals"]["rows"], found.rows.size()) << file;
}

TEST(RealSets, EachConvertsOrIsRefused) {
  SKIP_WITHOUT_SHARED_DATA();
  std::size_t listed = 0;
  for (const std::filesystem::path& file : real_files()) {
    const std::string name = std::filesystem::relative(file, tests::shared_data()).string();
    const auto known = real_sets().find(name);
    if (known == real_sets().end()) {
      EXPECT_TRUE(name.starts_with("sft-flan-like-p3/")) << name << " is new: say what it must become";
      EXPECT_EQ(detect_layout(file.string()).name, "prompt_completion") << name;
      const tests::ConvertedFile found = tests::convert({file.string()});
      for (const auto& row : found.rows)
        EXPECT_TRUE(row.fate == "kept" || row.reasons[0] == "empty_content") << name;
      continue;
    }
    ++listed;
    const RealSet& set = known->second;
    if (set.layout.empty()) {
      EXPECT_THROW(detect_layout(file.string()), Error) << name;
    } else {
      EXPECT_EQ(detect_layout(file.string()).name, set.layout) << name;
    }
    if (!set.layout.empty() || !set.flags.empty()) expect_converts(file, set);
  }
  EXPECT_EQ(listed, real_sets().size());
}

TEST(RealSets, RankedRepliesBecomePairs) {
  SKIP_WITHOUT_SHARED_DATA();
  const std::string file = (tests::shared_data() / "sft-oasst-sample/en_100_tree.jsonl").string();
  const tests::ConvertedFile found = tests::convert({file, "--format", "oasst_pairs"});
  EXPECT_EQ(found.report["totals"]["written"], 212);
  for (const auto& row : found.rows) {
    for (const Json& record : row.records) {
      EXPECT_EQ(record["chosen"].size(), record["rejected"].size());
      EXPECT_NE(record["chosen"].back(), record["rejected"].back());
    }
  }
}

}  // namespace
}  // namespace caravan::data
