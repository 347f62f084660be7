// Verdicts per second on one core: GSM8K and MATH reference solutions as completions, IFEval's prompts with a
// model's answers.
#include <zlib.h>

#include <chrono>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "data/rewards/text_pieces.h"
#include "data/rewards/verifier_table.h"
#include "tests/support/json_file.h"
#include "tests/support/shared_data.h"

namespace {

using namespace caravan;
using data::Json;

struct Row {
  std::string completion;
  Json truth;
};

std::vector<Row> gsm8k_rows() {
  std::vector<Row> rows;
  for (const Json& row : tests::read_json_lines(tests::shared_data() / "rlvr-gsm8k/train.jsonl")) {
    const std::string answer = row["answer"];
    rows.push_back({answer, answer.substr(answer.rfind("#### ") + 5)});
  }
  return rows;
}

std::vector<Row> math_rows() {
  std::vector<Row> rows;
  for (const Json& row : tests::read_json_lines(tests::shared_data() / "rlvr-math/splits/math_dev.jsonl")) {
    const std::string answer = row["answer"];
    // Spelled otherwise than the label, so that equality of text does not decide.
    rows.push_back(
        {row["chain_of_thought"].get<std::string>() + " \\boxed{\\dfrac{" + answer + "\\sqrt{8}}{2\\sqrt2}}",
         answer});
  }
  return rows;
}

std::string read_gzip(const std::filesystem::path& path) {
  std::string all;
  const gzFile file = gzopen(path.c_str(), "rb");
  char buffer[65536];
  for (int count = gzread(file, buffer, sizeof buffer); count > 0;
       count = gzread(file, buffer, sizeof buffer))
    all.append(buffer, static_cast<std::size_t>(count));
  gzclose(file);
  return all;
}

std::vector<Row> ifeval_rows() {
  std::map<std::string, Json> truths;
  for (const Json& row : tests::read_json_lines(tests::shared_data() / "rlvr-ifeval/input_data.jsonl"))
    truths[row["prompt"]] = {{"instruction_id", row["instruction_id_list"]}, {"kwargs", row["kwargs"]}};
  std::vector<Row> rows;
  const std::string all =
      read_gzip(tests::shared_data() / "rlvr-ifeval/verdicts-dev/gpt-4o-mini-2024-07-18.strict.jsonl.gz");
  for (const std::string_view line : data::split_at(all, "\n")) {
    if (line.empty()) continue;
    const Json row = Json::parse(line);
    rows.push_back({row["response"], truths[row["prompt"]]});
  }
  return rows;
}

void measure(const std::string& name, const std::string& label, data::Rules rules,
             const std::vector<Row>& rows) {
  const auto verifier = data::make_verifier(name, {.rules = rules});
  std::size_t right = 0, unsure = 0, rounds = 0;
  double seconds = 0;
  for (; seconds < 1; ++rounds) {
    const auto begin = std::chrono::steady_clock::now();
    for (const Row& row : rows) {
      const data::Verdict verdict = verifier->verify(row.completion, row.truth).verdict;
      right += verdict == data::Verdict::kRight;
      unsure += verdict == data::Verdict::kUnknown;
    }
    seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  }
  std::printf("%-24s %8.0f verdicts/s  %zu rows in %.3f s, %.2f %% right, %.2f %% unknown\n", label.c_str(),
              static_cast<double>(rows.size() * rounds) / seconds, rows.size(),
              seconds / static_cast<double>(rounds),
              100.0 * static_cast<double>(right) / static_cast<double>(rows.size() * rounds),
              100.0 * static_cast<double>(unsure) / static_cast<double>(rows.size() * rounds));
}

}  // namespace

int main() {
  if (tests::shared_data().empty()) {
    std::puts("reference data is absent: set CARAVAN_SHARED_DATA");
    return 1;
  }
  const std::vector<Row> gsm8k = gsm8k_rows(), math = math_rows(), ifeval = ifeval_rows();
  measure("gsm8k", "gsm8k sound", data::Rules::kSound, gsm8k);
  measure("gsm8k", "gsm8k open_instruct", data::Rules::kOpenInstruct, gsm8k);
  measure("math", "math sound", data::Rules::kSound, math);
  measure("math", "math open_instruct", data::Rules::kOpenInstruct, math);
  measure("ifeval", "ifeval strict", data::Rules::kSound, ifeval);
  measure("ifeval_loose", "ifeval loose", data::Rules::kSound, ifeval);
  return 0;
}
