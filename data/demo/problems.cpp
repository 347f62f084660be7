#include "data/demo/problems.h"

#include <unordered_set>
#include <utility>

#include "data/demo/answer_form.h"
#include "data/error.h"

namespace caravan::data {
namespace {

// Letter by letter: verifiers of texts forgive case and punctuation, which are what is asked for here.
std::string exact_pattern(const std::string& answer) {
  static constexpr std::string_view kSpecial = R"(\^$.|?*+()[]{})";
  std::string pattern = "^";
  for (const char c : answer) {
    if (kSpecial.find(c) != std::string_view::npos) pattern += '\\';
    pattern += c;
  }
  return pattern + "$";
}

}  // namespace

std::vector<Problem> make_problems(std::string_view name, std::size_t rows, std::uint64_t seed, Side side,
                                   Difficulty difficulty) {
  Random random(seed);
  std::vector<Problem> made;
  std::unordered_set<std::string> seen;
  for (std::size_t repeats = 0; made.size() < rows;) {
    const Exchange exchange = draw_exchange(random, side, difficulty);
    const Form form = random.one_in(2) ? draw_asked_form(random, difficulty) : Form::kBare;
    std::string question = question_with_form(exchange, form);
    if (!seen.insert(question).second) {
      if (++repeats > 20 * rows + 1000)
        throw Error(Error::Kind::kUsage, "demo data: asked for " + std::to_string(rows) + " " +
                                             std::string(name) + " rows, found only " +
                                             std::to_string(made.size()) +
                                             " different questions; ask for fewer, or raise the difficulty");
      continue;
    }
    made.push_back({std::string(name) + "-" + std::to_string(made.size() + 1), std::string(exchange.kind),
                    std::move(question), answer_in_form(exchange, form)});
  }
  return made;
}

Json practice_row(const Problem& problem) {
  return {{"id", problem.id},
          {"source", "demo"},
          {"kind", problem.kind},
          {"messages", Json::array({{{"role", "user"}, {"content", problem.question}}})},
          {"ground_truth", exact_pattern(problem.answer)},
          {"dataset", "regex"}};
}

Json quiz_row(const Problem& problem) {
  return {{"id", problem.id},         {"source", "demo"},
          {"kind", problem.kind},     {"question", problem.question},
          {"answer", problem.answer}, {"ground_truth", exact_pattern(problem.answer)}};
}

}  // namespace caravan::data
