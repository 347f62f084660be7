// Reference verdicts: each case has that of a careful grader and that of the reference's string rules.
#include <gtest/gtest.h>

#include "data/rewards/answer_text.h"
#include "data/rewards/math_rules.h"
#include "data/rewards/verifier_table.h"
#include "tests/support/json_file.h"
#include "tests/support/shared_data.h"

namespace caravan::tests {
namespace {

using data::Json;
using data::Judgement;
using data::Rules;
using data::Verdict;

Judgement verify(const std::string& name, Rules rules, const Json& row) {
  const auto verifier = data::make_verifier(name, {.rules = rules});
  return verifier->verify(row["response"].get<std::string>(), row["label"]);
}

Verdict expected(const Json& sound) {
  return sound.is_null() ? Verdict::kUnknown : sound == true ? Verdict::kRight : Verdict::kWrong;
}

TEST(RewardGoldens, SoundVerdicts) {
  SKIP_WITHOUT_SHARED_DATA();
  int num_cases = 0;
  for (const Json& row : read_json_lines(shared_data() / "goldens/data/verifiers/cases.jsonl")) {
    const Judgement got = verify(row["verifier"], Rules::kSound, row);
    EXPECT_EQ(name_of(got.verdict), name_of(expected(row["sound"])))
        << row.dump() << "\n  reason: " << got.reason;
    EXPECT_FALSE(got.reason.empty()) << row.dump();
    ++num_cases;
  }
  EXPECT_EQ(num_cases, 198);
}

TEST(RewardGoldens, OpenInstructScores) {
  SKIP_WITHOUT_SHARED_DATA();
  int rejected_right = 0, accepted_wrong = 0;
  for (const Json& row : read_json_lines(shared_data() / "goldens/data/verifiers/cases.jsonl")) {
    const double score = verify(row["verifier"], Rules::kOpenInstruct, row).score;
    EXPECT_NEAR(score, row["open_instruct"].get<double>(), 1e-12) << row.dump();
    rejected_right += row["sound"] == true && score < 0.5;
    accepted_wrong += row["sound"] == false && score >= 0.5;
    if (!row.contains("open_instruct_t3")) continue;
    EXPECT_EQ(verify(row["verifier"], Rules::kOpenInstructTulu3, row).score,
              row["open_instruct_t3"].get<double>())
        << row.dump();
  }
  // The figures of the room's page.
  EXPECT_EQ(rejected_right, 67);
  EXPECT_EQ(accepted_wrong, 13);
}

TEST(RewardGoldens, MathCandidates) {
  SKIP_WITHOUT_SHARED_DATA();
  for (const Json& row : read_json_lines(shared_data() / "goldens/data/verifiers/cases.jsonl")) {
    if (!row.contains("candidates")) continue;
    Json got = Json::array();
    for (const data::MathCandidate& candidate :
         data::math_candidates(row["response"].get_ref<const std::string&>()))
      got.push_back({std::string(candidate.rule), candidate.text});
    EXPECT_EQ(got, row["candidates"]) << row["id"];
  }
}

TEST(RewardGoldens, PublishedCases) {
  SKIP_WITHOUT_SHARED_DATA();
  int num_cases = 0;
  for (const Json& row :
       read_json_lines(shared_data() / "conf-math-equivalence/open_instruct_verifier_cases.jsonl")) {
    ++num_cases;
    const std::string test = row["test"];
    if (test == "test_latex_normalization") {
      EXPECT_EQ(data::hendrycks_form(row["input_string"].get<std::string>()),
                row["expected_output"].get<std::string>());
      continue;
    }
    const bool f1 = test == "test_single_label" || test == "test_list_labels";
    const std::string name = f1 ? "string_f1" : test == "test_signed_number_extraction" ? "gsm8k" : "puzzle";
    const Json& label = row.contains("labels") ? row["labels"] : row["label"];
    for (const Rules rules : {Rules::kOpenInstruct, Rules::kSound}) {
      const auto verifier = data::make_verifier(name, {.rules = rules});
      const Judgement got = verifier->verify(row["prediction"].get<std::string>(), label);
      EXPECT_NEAR(got.score, row["expected_score"].get<double>(), 1e-12) << row.dump() << got.reason;
    }
  }
  EXPECT_EQ(num_cases, 56);
}

TEST(RewardGoldens, QwenExtractionAndVerdicts) {
  SKIP_WITHOUT_SHARED_DATA();
  int num_cases = 0, extracted = 0, equal = 0;
  const auto rules = data::make_verifier("math", {.rules = Rules::kOpenInstruct}),
             sound = data::make_verifier("math");
  for (const Json& row :
       read_json_lines(shared_data() / "conf-math-equivalence/qwen_math_verdicts_dev.jsonl")) {
    ++num_cases;
    const std::string response = row["response"], pred = row["pred"];
    const std::vector<data::MathCandidate> candidates = data::math_candidates(response);
    // Their answers have gone through a normaliser that drops spaces and units, as Hendrycks' does.
    extracted += data::hendrycks_form(candidates[0].text) == pred;
    const Verdict want = row["equal"] == true ? Verdict::kRight : Verdict::kWrong;
    EXPECT_EQ(name_of(rules->verify(response, row["gold"]).verdict), name_of(want)) << row["idx"];
    const Judgement got = sound->verify(response, row["gold"]);
    // The ground truth '4:30p..' of problem 3 is broken.
    if (row["idx"] == 3) {
      EXPECT_EQ(got.verdict, Verdict::kUnknown);
      continue;
    }
    equal += got.verdict == want;
    EXPECT_EQ(name_of(got.verdict), name_of(want)) << row["idx"] << got.reason;
  }
  EXPECT_EQ(num_cases, 400);
  EXPECT_EQ(extracted, 400);
  EXPECT_EQ(equal, 392);
}

}  // namespace
}  // namespace caravan::tests
