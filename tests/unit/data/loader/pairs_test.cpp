// Pairs and verdicts on their way to micro-batches: what becomes of each row, that both sides stay together,
// how long ones are cut, and that the ledger knows the tokens of both.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "data/error.h"
#include "data/loader/training_data.h"
#include "tests/support/shared_data.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/data/loader/fake_text.h"

namespace caravan::data {
namespace {

using tests::FakeTokenizer;
using tests::TempDir;

std::string pair_row(const std::string& prompt, const std::string& chosen, const std::string& rejected) {
  return Json{{"prompt", prompt}, {"chosen", chosen}, {"rejected", rejected}}.dump() + "\n";
}

struct Setting {
  Setting() { options.cache_dir = (dir.path() / "cache").string(); }
  TrainingData open(const std::string& rows, RowKind kind = RowKind::kPair) {
    options.sources = {{.path = dir.write("rows.jsonl", rows), .format = format}};
    OpenOptions open_options;
    open_options.rows = kind;
    return TrainingData::open(options, tokenizer, TokenSource{tests::fake_render, "fake"}, open_options);
  }
  std::string refusal(const std::string& rows, RowKind kind = RowKind::kPair) {
    try {
      open(rows, kind);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }
  // Reason of the only dropped row beside a sound one.
  std::string reason(const std::string& row) {
    const TrainingData data = open(row + "\n" + pair_row("q", "good", "bad"));
    for (const LedgerEntry& entry : data.ledger().entries())
      if (entry.fate == Fate::kDropped) return data.ledger().reasons()[entry.reason];
    return "";
  }

  TempDir dir;
  DataOptions options;
  RowFormat format = RowFormat::kAuto;
  FakeTokenizer tokenizer;
};

std::string side_text(const MicroBatch& batch, std::size_t document, bool trained_only,
                      const FakeTokenizer& tokenizer) {
  std::string text;
  for (auto t = static_cast<std::size_t>(batch.doc_starts[document]);
       t < static_cast<std::size_t>(batch.doc_starts[document + 1]); ++t) {
    if (!trained_only) text += tokenizer.token_text(batch.ids[t]);
    if (trained_only && batch.weights[t] != 0.f) text += tokenizer.token_text(batch.targets[t]);
  }
  return text;
}

MicroBatch first_pair(const TrainingData& data) {
  return data.micro_batch(std::vector<std::uint32_t>{0});
}

TEST(Pairs, BothSidesStandSideBySide) {
  Setting setting;
  const TrainingData data = setting.open(pair_row("hi", "yes", "no"));
  EXPECT_EQ(data.num_documents(), 1u);
  const MicroBatch batch = first_pair(data);
  ASSERT_EQ(batch.doc_starts.size(), 3u);
  EXPECT_EQ(side_text(batch, 0, false, setting.tokenizer), "<s>user\nhi<end>assistant\nyes<end>");
  EXPECT_EQ(side_text(batch, 1, false, setting.tokenizer), "<s>user\nhi<end>assistant\nno<end>");
  EXPECT_EQ(side_text(batch, 0, true, setting.tokenizer), "yes<end>");
  EXPECT_EQ(side_text(batch, 1, true, setting.tokenizer), "no<end>");
  EXPECT_EQ(batch.roles, (std::vector{DocumentRole::kChosen, DocumentRole::kRejected}));
  EXPECT_EQ(batch.document_indices, (std::vector<std::uint32_t>{0, 0}));
  EXPECT_EQ(batch.positions[static_cast<std::size_t>(batch.doc_starts[1])], 0);
  EXPECT_EQ(batch.targets[static_cast<std::size_t>(batch.doc_starts[1]) - 1], MicroBatch::kNoTarget);
  EXPECT_EQ(data.num_tokens(), static_cast<std::int64_t>(batch.ids.size()));
  EXPECT_EQ(data.num_trained_tokens(), 4 + 3);
  EXPECT_EQ(data.ledger().entries()[0].tokens, batch.ids.size());
}

TEST(Pairs, AreNeverParted) {
  Setting setting;
  std::string rows;
  for (int i = 0; i < 60; ++i)
    rows += pair_row("q" + std::to_string(i), std::string(1 + i % 13, 'c'), std::string(1 + i % 7, 'r'));
  const TrainingData data = setting.open(rows);
  PlanOptions options;
  options.batch.sequences = 9;
  options.batch.micro_tokens = 200;
  options.epochs = 2;
  const BatchPlan plan = data.plan(options);
  EXPECT_EQ(plan.num_steps(), 14);
  std::map<std::uint32_t, int> seen;
  for (std::int64_t step = 0; step < plan.num_steps(); ++step) {
    for (std::size_t index = 0; index < plan.micro_batches(step).size(); ++index) {
      const MicroBatch batch = data.micro_batch(plan, step, index);
      EXPECT_LE(batch.num_tokens(), 200);
      ASSERT_EQ(batch.roles.size(), batch.doc_starts.size() - 1);
      ASSERT_EQ(batch.roles.size() % 2, 0u);
      for (std::size_t d = 0; d < batch.roles.size(); d += 2) {
        EXPECT_EQ(batch.roles[d], DocumentRole::kChosen);
        EXPECT_EQ(batch.roles[d + 1], DocumentRole::kRejected);
        EXPECT_EQ(batch.document_indices[d], batch.document_indices[d + 1]);
        ++seen[batch.document_indices[d]];
      }
    }
  }
  EXPECT_EQ(seen.size(), 60u);
  for (const auto& [pair, times] : seen) EXPECT_EQ(times, 2) << pair;
}

TEST(Pairs, AllLayoutsOfThemAreRead) {
  const std::string wanted = "<s>system\ns<end>user\nhi<end>assistant\n";
  for (
      const std::string row :
      {R"({"chosen":[{"role":"system","content":"s"},{"role":"user","content":"hi"},{"role":"assistant","content":"a"}],
            "rejected":[{"role":"system","content":"s"},{"role":"user","content":"hi"},{"role":"assistant","content":"b"}]})",
       R"({"prompt":[{"role":"system","content":"s"},{"role":"user","content":"hi"}],
            "chosen":[{"role":"assistant","content":"a"}],"rejected":[{"role":"assistant","content":"b"}]})",
       R"({"system":"s","conversations":[{"from":"human","value":"hi"}],
            "chosen":{"from":"gpt","value":"a"},"rejected":{"from":"gpt","value":"b"}})"}) {
    Setting setting;
    std::string line = row;
    std::erase(line, '\n');
    const TrainingData data = setting.open(line + "\n");
    const MicroBatch batch = first_pair(data);
    EXPECT_EQ(side_text(batch, 0, false, setting.tokenizer), wanted + "a<end>");
    EXPECT_EQ(side_text(batch, 1, false, setting.tokenizer), wanted + "b<end>");
  }
}

TEST(Pairs, WhatOfSeveralTurnsIsScoredIsAChoice) {
  const std::string row =
      R"({"chosen":[{"role":"user","content":"u"},{"role":"assistant","content":"one"},{"role":"user","content":"v"},{"role":"assistant","content":"two"}],)"
      R"("rejected":[{"role":"user","content":"u"},{"role":"assistant","content":"one"},{"role":"user","content":"v"},{"role":"assistant","content":"no"}]})";
  for (const TrainOn policy : {TrainOn::kAssistant, TrainOn::kLastAssistant}) {
    Setting setting;
    setting.options.train_on = policy;
    const MicroBatch batch = first_pair(setting.open(row + "\n"));
    const std::string before = policy == TrainOn::kAssistant ? "one<end>" : "";
    EXPECT_EQ(side_text(batch, 0, true, setting.tokenizer), before + "two<end>");
    EXPECT_EQ(side_text(batch, 1, true, setting.tokenizer), before + "no<end>");
  }
}

TEST(Pairs, EveryRowThatIsNoPairHasAReason) {
  const std::map<std::string, std::string> reasons{
      {R"({"prompt":"q","chosen":"same","rejected":"same"})", "chosen_equals_rejected"},
      {R"({"prompt":"q","chosen":"a","rejected":""})", "empty_content"},
      {R"({"prompt":"q","chosen":"  ","rejected":"b"})", "empty_content"},
      {R"({"prompt":"q","chosen":"a"})", "missing_field:rejected"},
      {R"({"prompt":"q","rejected":"a"})", "missing_field:chosen"},
      {R"({"chosen":"a","rejected":"b"})", "missing_field:prompt"},
      {R"({"prompt":"q","chosen":"a","rejected":null})", "empty_content"},
      {R"({"prompt":"q","chosen":"a","rejected":7})", "wrong_type:rejected"},
      {R"({"prompt":"q","chosen":"a","rejected":"refuse"})", "rejected:template_refused:not this one"},
      {R"({"prompt":"refuse","chosen":"a","rejected":"b"})", "chosen:template_refused:not this one"},
      {R"({"chosen":[{"role":"user","content":"p"},{"role":"assistant","content":"a"}],"rejected":[{"role":"user","content":"other"},{"role":"assistant","content":"b"}]})",
       "prompts_differ"},
      {R"({"chosen":[{"role":"user","content":"p"},{"role":"assistant","content":"a"}],"rejected":[]})",
       "no_assistant"},
      {R"({"chosen":[{"role":"user","content":"p"},{"role":"assistant","content":"a"}],"rejected":[{"role":"user","content":"p"},{"role":"assistant","content":"b","train":false}]})",
       "rejected:no_trained_tokens"},
  };
  for (const auto& [row, wanted] : reasons) EXPECT_EQ(Setting().reason(row), wanted) << row;
}

TEST(Pairs, TheSameTokensOfOtherTextAreNoPair) {
  Setting setting;
  setting.tokenizer = FakeTokenizer(true);
  const TrainingData data = setting.open(pair_row("q", "Yes", "yes") + pair_row("q", "yes", "no"));
  EXPECT_EQ(data.num_documents(), 1u);
  EXPECT_EQ(data.ledger().reasons().at(data.ledger().entries()[0].reason), "chosen_equals_rejected");
}

// "<s>user\nQ<end>assistant\nA<end>" has 18 tokens beside Q and A.
TEST(Pairs, LongOnesAreDroppedOrCutTogether) {
  const std::string sound = pair_row("q", "a", "b");
  const auto first = [](const TrainingData& data) { return data.ledger().entries()[0]; };
  const auto reason = [&](const TrainingData& data) { return data.ledger().reasons()[first(data).reason]; };
  Setting setting;
  setting.options.max_length = 24;
  EXPECT_EQ(reason(setting.open(pair_row("q", "a", std::string(20, 'b')) + sound)), "rejected:too_long");
  EXPECT_EQ(reason(setting.open(pair_row("q", std::string(20, 'a'), "b") + sound)), "chosen:too_long");
  EXPECT_EQ(reason(setting.open(pair_row(std::string(9, 'q'), "a", "b") + sound)), "too_long");

  setting.options.too_long = TooLong::kTruncateRight;
  {
    const TrainingData data = setting.open(pair_row("q", "a", std::string(20, 'b')));
    const MicroBatch batch = first_pair(data);
    EXPECT_EQ(side_text(batch, 0, true, setting.tokenizer), "a<end>");
    EXPECT_EQ(batch.doc_starts[2] - batch.doc_starts[1], 24);
    EXPECT_EQ(first(data).fate, Fate::kTruncated);
    EXPECT_EQ(first(data).cut_tokens, 39u - 24u);
  }
  EXPECT_EQ(reason(setting.open(pair_row(std::string(9, 'q'), "a", "b") + sound)),
            "chosen:cut_left_no_answer");
  EXPECT_EQ(reason(setting.open(pair_row("q", "abcdefgX", "abcdefgYZ") + sound)), "cut_left_no_difference");

  setting.options.too_long = TooLong::kTruncateLeft;
  {
    const TrainingData data = setting.open(pair_row("0123456789", "aa", "b"));
    const MicroBatch batch = first_pair(data);
    EXPECT_EQ(side_text(batch, 0, false, setting.tokenizer), "0123456789<end>assistant\naa<end>");
    EXPECT_EQ(side_text(batch, 1, false, setting.tokenizer), "0123456789<end>assistant\nb<end>");
  }
  EXPECT_EQ(reason(setting.open(pair_row("q", std::string(60, 'a'), "b") + sound)), "cut_left_no_prompt");

  setting.options.too_long = TooLong::kError;
  EXPECT_NE(setting.refusal(pair_row("q", std::string(20, 'a'), "b")).find("rows.jsonl:1"),
            std::string::npos);
  setting.options.too_long = TooLong::kSplit;
  EXPECT_NE(setting.refusal(sound).find("found split"), std::string::npos);
}

TEST(Pairs, VerdictsBecomeRoles) {
  Setting setting;
  const TrainingData data = setting.open(
      R"({"prompt":"q","completion":"a","label":true})"
      "\n"
      R"({"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"b"}],"label":false})"
      "\n"
      R"({"prompt":"q","completion":"c"})"
      "\n",
      RowKind::kLabelled);
  ASSERT_EQ(data.num_documents(), 2u);
  const MicroBatch batch = data.micro_batch(std::vector<std::uint32_t>{0, 1});
  EXPECT_EQ(batch.roles, (std::vector{DocumentRole::kDesirable, DocumentRole::kUndesirable}));
  EXPECT_EQ(data.ledger().reasons()[data.ledger().entries()[2].reason], "missing_field:label");
}

// A row's mismatched document: its prompt, then the answer of a row with another prompt.
TEST(Pairs, VerdictsWithAnswersToOtherPrompts) {
  Setting setting;
  const auto labelled = [](const char* prompt, const char* answer, bool label) {
    return Json{{"prompt", prompt}, {"completion", answer}, {"label", label}}.dump() + "\n";
  };
  const std::string rows = labelled("same", "a1", true) + labelled("same", "a2", false) +
                           labelled("same", "a3", true) + labelled("other", "b1", true);
  setting.options.sources = {{.path = setting.dir.write("rows.jsonl", rows)}};
  const auto open = [&](std::int64_t max_length) {
    setting.options.max_length = max_length;
    OpenOptions options;
    options.rows = RowKind::kLabelled;
    options.mismatched = true;
    return TrainingData::open(setting.options, setting.tokenizer, TokenSource{tests::fake_render, "fake"},
                              options);
  };
  const TrainingData data = open(100);
  ASSERT_EQ(data.num_documents(), 4u);
  for (std::uint32_t d = 0; d < 4; ++d) {
    const MicroBatch batch = data.micro_batch(std::vector<std::uint32_t>{d});
    ASSERT_EQ(batch.roles.size(), 2u);
    EXPECT_EQ(batch.roles[1], DocumentRole::kMismatched);
    EXPECT_EQ(data.sizes()[d].tokens, batch.ids.size());
    EXPECT_EQ(data.sizes()[d].trained_tokens, std::count(batch.weights.begin(), batch.weights.end(), 1.f));
    const std::string own = side_text(batch, 0, false, setting.tokenizer),
                      mixed = side_text(batch, 1, false, setting.tokenizer),
                      answer = side_text(batch, 1, true, setting.tokenizer);
    // The only other prompt belongs to one row, whose own partner is one of the three.
    EXPECT_EQ(answer[0], d == 3 ? 'a' : 'b') << answer;
    EXPECT_NE(mixed.find(d == 3 ? "other" : "same"), std::string::npos) << mixed;
    EXPECT_NE(own, mixed);
    EXPECT_TRUE(mixed.ends_with(answer));
    EXPECT_EQ(batch.positions[static_cast<std::size_t>(batch.doc_starts[1])], 0);
  }
  // What does not fit is cut at the end.
  const std::size_t longest = data.micro_batch(std::vector<std::uint32_t>{3}).ids.size() / 2;
  const TrainingData tight = open(static_cast<std::int64_t>(longest));
  for (std::uint32_t d = 0; d < tight.num_documents(); ++d) {
    const MicroBatch batch = tight.micro_batch(std::vector<std::uint32_t>{d});
    EXPECT_LE(static_cast<std::size_t>(batch.doc_starts[2] - batch.doc_starts[1]), longest);
  }
  setting.options.sources = {
      {.path = setting.dir.write("one.jsonl", labelled("same", "a", true) + labelled("same", "b", false))}};
  try {
    open(100);
    ADD_FAILURE() << "rows of one prompt were taken";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("same prompt"), std::string::npos) << error.what();
  }
}

TEST(Pairs, AFingerprintIsOfTheDocumentsInTheirOrder) {
  Setting setting;
  const std::string a = pair_row("a", "yes", "no"), b = pair_row("b", "yes", "no"),
                    c = pair_row("c", "yes", "no");
  const std::string whole = setting.open(a + b).fingerprint(2);
  EXPECT_EQ(setting.open(a + b).fingerprint(2), whole);
  EXPECT_NE(setting.open(a + b).fingerprint(1), whole);
  EXPECT_NE(setting.open(b + a).fingerprint(2), whole);
  EXPECT_NE(setting.open(a + c).fingerprint(2), whole);
  setting.options.max_length = 1000;
  EXPECT_NE(setting.open(a + b).fingerprint(2), whole);
}

TEST(Pairs, MarginsOfRowsAreCarried) {
  Setting setting;
  const auto pair = [](const Json& more) {
    Json row{{"prompt", "q" + more.dump()}, {"chosen", "good"}, {"rejected", "bad"}};
    row.update(more);
    return row.dump() + "\n";
  };
  const TrainingData data =
      setting.open(pair({{"margin", 1.25}}) + pair({{"preference", {{"margin", -2}}}}) + pair({{"x", 1}}) +
                   pair({{"margin", "2"}}) + pair({{"margin", 1e30}}) +
                   pair({{"chosen_score", 3.5}, {"rejected_score", 1}}));
  std::vector<float> margins;
  for (std::uint32_t d = 0; d < 6; ++d) {
    const MicroBatch batch = data.micro_batch(std::vector<std::uint32_t>{d});
    ASSERT_EQ(batch.margins.size(), 2u);
    margins.push_back(batch.margins[0]);
  }
  EXPECT_EQ(margins[0], 1.25f);
  EXPECT_EQ(margins[1], -2.f);
  EXPECT_EQ(margins[5], 2.5f);
  for (std::size_t d = 2; d < 5; ++d) EXPECT_TRUE(std::isnan(margins[d])) << d;
  EXPECT_EQ(data.first_without_margin(), 2u);
  EXPECT_EQ(setting.open(pair({{"margin", 0}})).first_without_margin(), std::nullopt);
}

TEST(Pairs, AStageRefusesRowsOfAnotherKind) {
  Setting setting;
  const std::string pair = pair_row("q", "a", "b"), example = R"({"prompt":"q","completion":"a"})";
  EXPECT_NE(setting.refusal(example + "\n").find("trains on pairs"), std::string::npos);
  EXPECT_NE(setting.refusal(pair, RowKind::kLabelled).find("with a verdict"), std::string::npos);
  EXPECT_NE(setting.refusal(pair, RowKind::kExample), "");
  setting.format = RowFormat::kMessages;
  EXPECT_NE(setting.refusal(pair).find("found messages"), std::string::npos);
  setting.format = RowFormat::kPreference;
  EXPECT_NE(setting.refusal(pair, RowKind::kExample).find("found preference"), std::string::npos);
  EXPECT_EQ(setting.refusal(pair), "");
}

TEST(Pairs, OpenDataOfTheFieldIsRead) {
  SKIP_WITHOUT_SHARED_DATA();
  Setting setting;
  setting.options.sources = {
      {.path = (tests::shared_data() / "sft-llamafactory-demos/dpo_en_demo.json").string()}};
  setting.options.max_length = 1 << 16;
  OpenOptions open_options;
  open_options.rows = RowKind::kPair;
  const TrainingData data = TrainingData::open(setting.options, setting.tokenizer,
                                               TokenSource{tests::fake_render, "fake"}, open_options);
  EXPECT_EQ(data.ledger().totals().rows, 300u);
  EXPECT_EQ(data.num_documents(), 300u);
}

}  // namespace
}  // namespace caravan::data
