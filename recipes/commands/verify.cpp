#include "recipes/commands/verify.h"

#include <unistd.h>

#include <iostream>
#include <optional>

#include "data/error.h"
#include "data/rewards/verifier_table.h"
#include "recipes/command_flags.h"
#include "recipes/json_lines.h"

namespace caravan::recipes {
namespace {

using data::Error;
using data::Json;

std::string usage() {
  std::string text =
      "caravan verify --reward NAME [--rules RULES] < rows.jsonl\n"
      "\n"
      "Verdicts on completions: rows {\"completion\", \"ground_truth\"} in, {\"verdict\", \"reason\", "
      "\"score\"} out, in order.\n"
      "The verdict is right, wrong or unknown: unknown where the ground truth is missing or nobody could "
      "tell.\n"
      "  --reward NAME       one of the verifiers below\n"
      "  --rules RULES       sound (default): what a careful grader would say; open_instruct: the "
      "reference's string\n"
      "                      rules, flaws included; open_instruct_tulu3: those that Tulu 3 was trained with\n"
      "  --max-length N      tokens over which the scores of max_length and up_to_max_length fall (32768)\n"
      "Verifiers, and what their ground truth is:\n";
  for (const data::VerifierEntry& entry : data::verifier_table()) {
    text += "  " + std::string(entry.name);
    text.append(entry.name.size() < 18 ? 18 - entry.name.size() : 1, ' ').append(entry.help).append("\n");
  }
  return text +
         "A row that cannot be read gives {\"error\"}.\nExit codes: 0 done, 2 usage, 65 rows in error, 74 "
         "stdin cannot be read.\n";
}

struct VerifyArgs {
  std::string reward;
  data::VerifierOptions options;
};

// Nothing where help was asked for.
std::optional<VerifyArgs> parse_args(std::span<const std::string> args) {
  VerifyArgs parsed;
  std::optional<std::string> rules;
  std::optional<std::int64_t> max_length;
  CommandFlags flags("verify", usage());
  flags.add_text("--reward", parsed.reward);
  flags.add_choice("--rules", rules, {"sound", "open_instruct", "open_instruct_tulu3"});
  flags.add_integer("--max-length", max_length, 1, INT64_C(1) << 31);
  if (!flags.parse(args)) return std::nullopt;
  if (parsed.reward.empty()) flags.refuse("--reward is needed");
  if (rules == "open_instruct") parsed.options.rules = data::Rules::kOpenInstruct;
  if (rules == "open_instruct_tulu3") parsed.options.rules = data::Rules::kOpenInstructTulu3;
  if (max_length) parsed.options.max_length = static_cast<double>(*max_length);
  return parsed;
}

std::string verdict_line(const data::Judgement& judgement) {
  std::string line = "{\"verdict\":\"" + std::string(name_of(judgement.verdict)) + "\",\"reason\":";
  append_string(line, judgement.reason);
  return line + ",\"score\":" + Json(judgement.score).dump() + "}";
}

}  // namespace

int run_verify(std::span<const std::string> args, std::istream& in, std::ostream& out) {
  const std::optional<VerifyArgs> parsed = parse_args(args);
  if (!parsed) return 0;
  const std::unique_ptr<data::Verifier> verifier = data::make_verifier(parsed->reward, parsed->options);
  std::size_t num_errors = 0;
  JsonLines lines(in);
  while (const std::optional<JsonLine> line = lines.next()) {
    std::string problem = line->problem;
    const auto completion = problem.empty() ? line->row.find("completion") : line->row.end();
    if (problem.empty() && (completion == line->row.end() || !completion->is_string()))
      problem = "a row has a text under \"completion\"";
    if (!problem.empty()) {
      ++num_errors;
      out << error_row(line->number, problem) << '\n';
      continue;
    }
    const Json truth = line->row.value("ground_truth", Json());
    out << verdict_line(verifier->verify(completion->get_ref<const std::string&>(), truth)) << '\n';
  }
  out.flush();
  if (!out) throw Error(Error::Kind::kInputOutput, "verify: stdout cannot be written");
  return num_errors == 0 ? 0 : static_cast<int>(Error::Kind::kData);
}

int run_verify(std::span<const std::string> args) {
  std::ios::sync_with_stdio(false);
  if (isatty(STDIN_FILENO) != 0)
    std::cerr << "caravan: verify: reads JSON lines such as {\"completion\": \"...\", \"ground_truth\": "
                 "\"...\"} from here; "
                 "Ctrl-D ends"
              << std::endl;
  return run_verify(args, std::cin, std::cout);
}

}  // namespace caravan::recipes
