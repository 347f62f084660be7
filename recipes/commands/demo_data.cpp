#include "recipes/commands/demo_data.h"

#include <charconv>
#include <cstdio>

#include "data/demo/demo_data.h"
#include "data/error.h"

namespace caravan::recipes {
namespace {

constexpr const char* kUsage =
    "caravan demo-data --out DIR [--rows N] [--held-out N] [--practice N] [--quiz N] [--seed N] "
    "[--difficulty N] [--vocab N]\n"
    "\n"
    "Writes chat data of its own (arithmetic and text instructions), a tokenizer trained on it and the "
    "config of a Llama\n"
    "of a million parameters. DIR is then a checkpoint folder without weights: train it with model.init: "
    "random.\n"
    "  --rows N         training dialogues (20000)\n"
    "  --held-out N     held-out dialogues, on problems that no training dialogue has (400)\n"
    "  --practice N     prompts to practise on, with what their answers are checked against (12000)\n"
    "  --quiz N         questions of a quiz, on problems that nothing else has (1000)\n"
    "  --seed N         another seed, other dialogues (1)\n"
    "  --difficulty N   1 small numbers and few words, 2, or 3 (1)\n"
    "  --vocab N        tokens of the tokenizer at most (1024)\n";

[[noreturn]] void refuse(const std::string& text) {
  throw data::Error(data::Error::Kind::kUsage, "demo-data: " + text + "\n" + kUsage);
}

std::uint64_t parse_number(const std::string& option, const std::string& text, std::uint64_t low,
                           std::uint64_t high) {
  std::uint64_t number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code != std::errc() || end != text.data() + text.size() || number < low || number > high) {
    refuse(option + ": found \"" + text + "\", allowed: a whole number from " + std::to_string(low) + " to " +
           std::to_string(high));
  }
  return number;
}

struct DemoDataArgs {
  std::string out;
  data::DemoOptions demo;
  bool help = false;
};

DemoDataArgs parse_args(std::span<const std::string> args) {
  DemoDataArgs parsed;
  data::DialogueOptions& dialogues = parsed.demo.dialogues;
  for (std::size_t i = 0; i < args.size(); ++i) {
    const std::string& option = args[i];
    if (option == "--help" || option == "-h") {
      parsed.help = true;
      return parsed;
    }
    if (option != "--out" && option != "--rows" && option != "--held-out" && option != "--practice" &&
        option != "--quiz" && option != "--seed" && option != "--difficulty" && option != "--vocab") {
      refuse("found \"" + option + "\", which is no option");
    }
    if (++i == args.size()) refuse(option + " needs a value");
    const std::string& value = args[i];
    if (option == "--out") parsed.out = value;
    if (option == "--rows") dialogues.training_rows = parse_number(option, value, 1, 10'000'000);
    if (option == "--held-out") dialogues.held_out_rows = parse_number(option, value, 1, 1'000'000);
    if (option == "--practice") parsed.demo.practice_rows = parse_number(option, value, 1, 10'000'000);
    if (option == "--quiz") parsed.demo.quiz_rows = parse_number(option, value, 1, 1'000'000);
    if (option == "--seed") dialogues.seed = parse_number(option, value, 0, UINT64_MAX);
    if (option == "--difficulty")
      dialogues.difficulty = static_cast<data::Difficulty>(parse_number(option, value, 1, 3));
    if (option == "--vocab") parsed.demo.vocab_size = parse_number(option, value, 270, 65536);
  }
  if (parsed.out.empty()) refuse("no folder named: --out DIR");
  return parsed;
}

}  // namespace

int run_demo_data(std::span<const std::string> args) {
  const DemoDataArgs parsed = parse_args(args);
  if (parsed.help) {
    std::fputs(kUsage, stdout);
    return 0;
  }
  const data::DemoSummary summary = data::write_demo(parsed.out, parsed.demo);
  std::printf(
      "%s: %zu training and %zu held-out dialogues, %zu prompts to practise on, a quiz of %zu questions, a "
      "tokenizer of %zu tokens, the config of a model of %.2f "
      "million parameters\n",
      parsed.out.c_str(), summary.training_rows, summary.held_out_rows, summary.practice_rows,
      summary.quiz_rows, summary.vocab_size, static_cast<double>(summary.parameters) / 1e6);
  return 0;
}

}  // namespace caravan::recipes
