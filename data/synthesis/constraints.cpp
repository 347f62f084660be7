#include "data/synthesis/constraints.h"

#include <algorithm>
#include <set>

#include "data/error.h"
#include "data/readers/json_row.h"
#include "data/readers/row_source.h"
#include "data/synthesis/request_seed.h"

namespace caravan::data {
namespace {

std::string group_of(const std::string& id) {
  return id.substr(0, id.find(':'));
}

std::string member(const JsonValue& row, std::string_view key) {
  const auto value = row.find(key);
  return value && value->is(JsonValue::Type::kString) ? value->text() : "";
}

}  // namespace

const std::vector<Constraint>& builtin_constraints() {
  static const std::vector<Constraint> constraints = {
      {"length:words_at_least", "The answer has at least 150 words."},
      {"length:words_at_most", "The answer has at most 80 words."},
      {"length:sentences", "The answer has fewer than 6 sentences."},
      {"length:paragraphs", "The answer has exactly 3 paragraphs, divided by lines of three asterisks."},
      {"case:capitals", "The whole answer is in capital letters."},
      {"case:lower", "The whole answer is in small letters; there is no capital one."},
      {"punctuation:no_comma", "There is no comma in the answer."},
      {"format:bullets", "The answer holds exactly 4 points, each a line that begins with an asterisk."},
      {"format:json", "The whole answer is one object in JSON."},
      {"format:title", "The answer has a title in double angle brackets, as in <<title>>."},
      {"format:highlight", "At least 2 stretches of the answer are emphasised with asterisks on both sides."},
      {"words:include", "The words \"harbour\" and \"lantern\" are both in the answer."},
      {"words:avoid", "The words \"very\" and \"really\" are not in the answer."},
      {"words:repeat", "The word \"together\" is in the answer at least 3 times."},
      {"letters:frequency", "The letter q is in the answer at least 4 times."},
      {"start:repeat", "The answer first repeats the request word for word, and answers it then."},
      {"end:phrase", "The answer ends with the sentence: Is there anything else I can help with?"},
      {"end:postscript", "The answer ends with a postscript that begins with P.S."},
      {"frame:quotes", "The whole answer stands in double quotation marks."},
      {"placeholders:square",
       "The answer holds at least 3 places to be filled in, in square brackets, such as [address]."},
      {"language:german", "The whole answer is in German, and no other language is in it."},
      {"choice:two", "The answer offers two different texts, divided by a line of six asterisks."},
  };
  return constraints;
}

std::vector<Constraint> read_constraints(const std::string& path) {
  std::vector<Constraint> constraints;
  std::set<std::string> ids;
  const std::unique_ptr<RowSource> source = open_rows(path);
  RowBlock block;
  JsonRow json;
  while (source->next(block)) {
    for (const RowBlock::Row& row : block.rows) {
      const std::string_view text = block.text(row);
      if (text.find_first_not_of(" \t\r") == std::string_view::npos) continue;
      const bool read = json.parse(text) == JsonRow::Status::kOk;
      Constraint constraint;
      if (read) constraint = {member(json.root(), "id"), member(json.root(), "text")};
      const bool good =
          !constraint.id.empty() && !constraint.text.empty() && ids.insert(constraint.id).second;
      if (!good)
        throw Error(Error::Kind::kData,
                    path + ":" + std::to_string(row.line) +
                        ": a constraint is {\"id\": \"...\", \"text\": \"...\"}, each id once");
      constraints.push_back(std::move(constraint));
    }
  }
  if (constraints.empty()) throw Error(Error::Kind::kData, path + ": holds no constraint");
  return constraints;
}

std::vector<const Constraint*> draw_constraints(const std::vector<Constraint>& all, std::int64_t most,
                                                std::uint64_t seed) {
  const auto wanted = 1 + static_cast<std::size_t>(seed % static_cast<std::uint64_t>(most));
  std::vector<const Constraint*> drawn;
  std::set<std::string> groups;
  for (const std::size_t i : shuffled_order(all.size(), seed)) {
    if (drawn.size() == wanted) break;
    if (groups.insert(group_of(all[i].id)).second) drawn.push_back(&all[i]);
  }
  return drawn;
}

}  // namespace caravan::data
