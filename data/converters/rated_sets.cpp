#include "data/converters/rated_sets.h"

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <unordered_map>

namespace caravan::data {
namespace {

using Type = JsonValue::Type;

// Which of `count`, the same for the same seed, row and purpose on every machine.
std::size_t draw(const Conversion& out, std::uint64_t purpose, std::size_t count) {
  const std::array<std::uint64_t, 3> key{*out.options.random_pick, out.row_number, purpose};
  return static_cast<std::size_t>(XXH3_64bits(key.data(), sizeof(key)) % count);
}

void check_scores(double chosen, double rejected, const ConvertOptions& options) {
  if (options.margin > 0 && chosen - rejected < options.margin) throw DropRow{"below_margin"};
  if (options.min_score && chosen < *options.min_score) throw DropRow{"below_min_score"};
}

struct RankedAnswer {
  std::string text;
  double rank = 0;
};

// "\n\nHuman: question\n\nAssistant: " without its marks.
std::string single_question(std::string_view prompt) {
  prompt = stripped(prompt);
  if (prompt.starts_with("Human:")) prompt.remove_prefix(6);
  if (prompt.ends_with("Assistant:")) prompt.remove_suffix(10);
  prompt = stripped(prompt);
  const bool several =
      prompt.find("Human:") != std::string_view::npos || prompt.find("Assistant:") != std::string_view::npos;
  if (several) throw DropRow{"multi_turn"};
  return std::string(prompt);
}

std::vector<RankedAnswer> usable_answers(const JsonValue& answers) {
  std::vector<RankedAnswer> usable;
  for (const JsonValue value : answers) {
    if (!value.is(Type::kObject)) throw DropRow{"wrong_type:answers"};
    const JsonValue answer = need(value, "answer");
    if (!answer.is(Type::kString)) throw DropRow{"wrong_type:answer"};
    RankedAnswer ranked{answer.text(), need_number(value, "rank")};
    const bool marked = ranked.text.find("Human:") != std::string::npos ||
                        ranked.text.find("Assistant:") != std::string::npos;
    if (!marked && !is_blank(ranked.text)) usable.push_back(std::move(ranked));
  }
  std::stable_sort(usable.begin(), usable.end(),
                   [](const auto& a, const auto& b) { return a.rank < b.rank; });
  return usable;
}

constexpr std::array kAspects{"helpfulness", "honesty", "instruction_following", "truthfulness"};

// The first number in the text; 1 where there is none, and -1 for an honesty that does not apply: the
// reference's rule.
int rating_of(const JsonValue& annotation, std::string_view aspect) {
  const std::string text = need(annotation, "Rating").text();
  std::string word(stripped(text));
  for (char& c : word) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  if (aspect == "honesty" && word == "N/A") return -1;
  const std::size_t begin = text.find_first_of("0123456789");
  if (begin == std::string::npos) return 1;
  constexpr std::size_t kMaxDigits = 6;
  const std::size_t end = std::min(text.find_first_not_of("0123456789", begin), text.size());
  if (end - begin > kMaxDigits) throw DropRow{"number_out_of_range"};
  return std::stoi(text.substr(begin, end - begin));
}

double mean_rating(const JsonValue& completion) {
  const JsonValue annotations = need(completion, "annotations");
  int sum = 0;
  for (const char* aspect : kAspects) sum += rating_of(need(annotations, aspect), aspect);
  return static_cast<double>(sum) / static_cast<double>(kAspects.size());
}

}  // namespace

bool fits_nectar(const JsonValue& row) {
  return has_text(row, "prompt") && has_array(row, "answers");
}

void convert_nectar(const JsonValue& row, Conversion& out) {
  const JsonValue prompt = need(row, "prompt"), answers = need_array(row, "answers");
  if (!prompt.is(Type::kString)) throw DropRow{"wrong_type:prompt"};
  const std::string question = single_question(prompt.text());
  if (question.empty()) throw DropRow{"empty_content"};
  std::vector<RankedAnswer> ranked = usable_answers(answers);
  if (ranked.size() < 2) throw DropRow{"too_few_answers"};
  if (ranked.front().rank == ranked.back().rank) throw DropRow{"tie"};
  std::size_t best = 0, worst = ranked.size() - 1;
  if (out.options.random_pick) {
    constexpr std::size_t kTop = 4;
    best = draw(out, 0, std::min(kTop, ranked.size()));
    worst = draw(out, 1, ranked.size() - 1);
    worst += worst >= best;
  }
  ConvertedRow& made = out.add();
  made.chosen = exchange(question, std::move(ranked[best].text));
  made.rejected = exchange(question, std::move(ranked[worst].text));
  check_pair(made, out.notes);
}

bool fits_ultrafeedback(const JsonValue& row) {
  return has_text(row, "instruction") && has_array(row, "completions");
}

void convert_ultrafeedback(const JsonValue& row, Conversion& out) {
  const std::string prompt = text_of(row, "instruction", "prompt", out.notes);
  std::vector<JsonValue> completions;
  std::vector<double> scores;
  for (const JsonValue completion : need_array(row, "completions")) {
    if (!completion.is(Type::kObject)) throw DropRow{"wrong_type:completions"};
    completions.push_back(completion);
    scores.push_back(mean_rating(completion));
  }
  if (scores.size() < 2) throw DropRow{"too_few_answers"};
  const auto best = static_cast<std::size_t>(std::max_element(scores.begin(), scores.end()) - scores.begin());
  auto worst = static_cast<std::size_t>(std::min_element(scores.begin(), scores.end()) - scores.begin());
  if (scores[best] == scores[worst]) throw DropRow{"tie"};
  if (out.options.random_pick) {
    worst = draw(out, 1, scores.size() - 1);
    worst += worst >= best;
  }
  check_scores(scores[best], scores[worst], out.options);
  ConvertedRow& made = out.add();
  made.chosen = exchange(prompt, text_of(completions[best], "response", "response", out.notes));
  made.rejected = exchange(prompt, text_of(completions[worst], "response", "response", out.notes));
  made.more["chosen_rating"] = scores[best];
  made.more["rejected_rating"] = scores[worst];
  check_pair(made, out.notes);
}

namespace {

struct Weight {
  const char* aspect;
  double nvidia;
};
constexpr std::array<Weight, 5> kRatings{{{"helpfulness", 0.65},
                                          {"correctness", 0.80},
                                          {"coherence", 0.45},
                                          {"complexity", 0.55},
                                          {"verbosity", -0.40}}};

double helpsteer_score(const Json& ratings, bool weighted) {
  double score = 0;
  for (std::size_t i = 0; i < kRatings.size(); ++i)
    score += ratings[i].get<double>() * (weighted ? kRatings[i].nvidia : 1.0);
  return weighted ? score : score / static_cast<double>(kRatings.size());
}

// The pair of one prompt, or DropRow.
ConvertedRow best_and_worst(const std::vector<const Json*>& group, const ConvertOptions& options) {
  if (group.size() < 2) throw DropRow{"single_response"};
  std::vector<double> scores;
  for (const Json* fields : group) scores.push_back(helpsteer_score((*fields)["ratings"], options.weighted));
  const auto best = static_cast<std::size_t>(std::max_element(scores.begin(), scores.end()) - scores.begin());
  const auto worst =
      static_cast<std::size_t>(std::min_element(scores.begin(), scores.end()) - scores.begin());
  if (scores[best] == scores[worst]) throw DropRow{"tie"};
  check_scores(scores[best], scores[worst], options);
  ConvertedRow made;
  const auto prompt = (*group[best])["prompt"].get<std::string>();
  made.chosen = exchange(prompt, (*group[best])["response"].get<std::string>());
  made.rejected = exchange(prompt, (*group[worst])["response"].get<std::string>());
  made.more["chosen_score"] = scores[best];
  made.more["rejected_score"] = scores[worst];
  RowNotes ignored;
  check_pair(made, ignored);
  return made;
}

}  // namespace

bool fits_helpsteer2(const JsonValue& row) {
  if (!has_text(row, "prompt") || !has_text(row, "response")) return false;
  return std::all_of(kRatings.begin(), kRatings.end(),
                     [&row](const Weight& rating) { return has_key(row, rating.aspect); });
}

GroupedRow read_helpsteer2(const JsonValue& row, RowNotes& notes) {
  Json ratings = Json::array();
  const std::string prompt = text_of(row, "prompt", "prompt", notes);
  const std::string response = text_of(row, "response", "response", notes);
  for (const Weight& rating : kRatings) ratings.push_back(need_number(row, rating.aspect));
  return {{{"prompt", prompt}, {"response", response}, {"ratings", std::move(ratings)}}};
}

// The first row of a prompt carries the pair, so that pairs stand in the order in which prompts first appear.
std::vector<GroupVerdict> group_helpsteer2(const std::vector<GroupedRow>& rows,
                                           const ConvertOptions& options) {
  std::unordered_map<std::string, std::size_t> group_of;
  std::vector<std::vector<std::size_t>> groups;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto [found, fresh] = group_of.emplace(rows[i].fields["prompt"].get<std::string>(), groups.size());
    if (fresh) groups.emplace_back();
    groups[found->second].push_back(i);
  }
  std::vector<GroupVerdict> verdicts(rows.size());
  for (std::size_t k = 0; k < groups.size(); ++k) {
    std::vector<const Json*> members;
    for (const std::size_t row : groups[k]) members.push_back(&rows[row].fields);
    GroupVerdict& first = verdicts[groups[k].front()];
    try {
      first.rows.push_back(best_and_worst(members, options));
      for (const std::size_t row : groups[k]) verdicts[row].fate = GroupVerdict::Fate::kMerged;
      first.fate = GroupVerdict::Fate::kKept;
      first.number = k;
    } catch (const DropRow& drop) {
      for (const std::size_t row : groups[k]) verdicts[row].reason = drop.reason;
    }
  }
  return verdicts;
}

}  // namespace caravan::data
