#include "data/demo/exact_match.h"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <map>

#include "data/error.h"

namespace caravan::data {
namespace {

// Calls take(row, "file:line") for every JSON object of a file.
template <typename Take>
void for_each_row(const std::filesystem::path& path, const Take& take) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw Error(Error::Kind::kInputOutput, path.string() + ": cannot be read");
  std::string line;
  for (std::size_t number = 1; std::getline(in, line); ++number) {
    if (line.empty()) continue;
    const std::string where = path.string() + ":" + std::to_string(number);
    const Json row = Json::parse(line, nullptr, false);
    if (!row.is_object())
      throw Error(Error::Kind::kData, where + ": found no JSON object; each line must be one");
    take(row, where);
  }
}

std::string text_field(const Json& row, const char* key, const std::string& where) {
  const auto found = row.find(key);
  if (found != row.end() && found->is_string()) return found->get<std::string>();
  throw Error(Error::Kind::kData, where + ": \"" + key + "\" is " +
                                      (found == row.end() ? "absent" : found->type_name()) +
                                      "; it must be a string");
}

std::string percent(std::size_t part, std::size_t whole) {
  char text[32];
  std::snprintf(text, sizeof text, "%.0f %%",
                whole == 0 ? 0.0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole));
  return text;
}

// Answers of several lines stay below their speaker. An untrained model writes any byte: a terminal must not
// obey it, and a line of it is enough.
std::string printable(const std::string& text) {
  constexpr std::size_t kMaxBytes = 160;
  std::string out;
  std::size_t end = std::min(text.size(), kMaxBytes);
  while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) ++end;
  for (const char c : text.substr(0, end)) {
    const bool control = static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
    if (c == '\n')
      out += "\n              ";
    else
      out += control ? '?' : c;
  }
  return end < text.size() ? out + " ..." : out;
}

std::string format_chat(const HeldOutRow& row, const std::string& before, const std::string& after) {
  std::string out;
  const auto say = [&](const std::string& who, const std::string& what) {
    char label[32];
    std::snprintf(label, sizeof label, "  %10s  ", who.c_str());
    out += label + printable(what) + "\n";
  };
  for (std::size_t i = 0; i + 1 < row.messages.size(); ++i)
    say(row.messages[i].role, row.messages[i].content);
  say("before", before);
  say("after", after);
  if (after != row.ground_truth) say("right", row.ground_truth);
  return out;
}

}  // namespace

std::vector<HeldOutRow> read_held_out(const std::filesystem::path& path) {
  std::vector<HeldOutRow> rows;
  for_each_row(path, [&](const Json& row, const std::string& where) {
    HeldOutRow read;
    read.kind = text_field(row, "kind", where);
    read.ground_truth = text_field(row, "ground_truth", where);
    const auto messages = row.find("messages");
    if (messages == row.end() || !messages->is_array() || messages->empty()) {
      throw Error(Error::Kind::kData, where + ": \"messages\" must be a list with at least one message");
    }
    for (const Json& message : *messages) {
      read.messages.push_back(
          {text_field(message, "role", where), text_field(message, "content", where), nullptr});
    }
    rows.push_back(std::move(read));
  });
  return rows;
}

std::vector<std::string> read_completions(const std::filesystem::path& path) {
  std::vector<std::string> completions;
  for_each_row(path, [&](const Json& row, const std::string& where) {
    completions.push_back(text_field(row, "text", where));
  });
  return completions;
}

std::vector<KindScore> score_exact_match(std::span<const HeldOutRow> rows,
                                         std::span<const std::string> before,
                                         std::span<const std::string> after) {
  if (before.size() != rows.size() || after.size() != rows.size()) {
    throw Error(Error::Kind::kData, "exact match: found " + std::to_string(before.size()) +
                                        " answers before and " + std::to_string(after.size()) +
                                        " after for " + std::to_string(rows.size()) +
                                        " held-out rows; there must be one each");
  }
  std::map<std::string, KindScore> by_kind;
  KindScore all{"all", 0, 0, 0};
  for (std::size_t i = 0; i < rows.size(); ++i) {
    KindScore& kind = by_kind[rows[i].kind];
    kind.kind = rows[i].kind;
    for (KindScore* score : {&kind, &all}) {
      score->rows += 1;
      score->right_before += before[i] == rows[i].ground_truth ? 1 : 0;
      score->right_after += after[i] == rows[i].ground_truth ? 1 : 0;
    }
  }
  std::vector<KindScore> scores;
  for (auto& [name, score] : by_kind) scores.push_back(std::move(score));
  scores.push_back(std::move(all));
  return scores;
}

std::string format_scores(std::span<const KindScore> scores) {
  std::string out = "held-out problems     rows   before    after\n";
  for (const KindScore& score : scores) {
    char line[128];
    std::snprintf(line, sizeof line, "%-20.20s %5zu %8s %8s\n", score.kind.c_str(), score.rows,
                  percent(score.right_before, score.rows).c_str(),
                  percent(score.right_after, score.rows).c_str());
    out += line;
  }
  return out;
}

std::string format_chats(std::span<const HeldOutRow> rows, std::span<const std::string> before,
                         std::span<const std::string> after, std::size_t num_chats) {
  std::vector<std::size_t> order(rows.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  const auto learned = [&](std::size_t i) {
    return before[i] != rows[i].ground_truth && after[i] == rows[i].ground_truth;
  };
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    if (learned(a) != learned(b)) return learned(a);
    return rows[a].messages.size() > rows[b].messages.size();
  });
  std::string out;
  std::vector<std::string> shown;
  for (const std::size_t i : order) {
    if (shown.size() == num_chats) break;
    // Chats of different kinds say more.
    if (std::find(shown.begin(), shown.end(), rows[i].kind) != shown.end()) continue;
    shown.push_back(rows[i].kind);
    out += format_chat(rows[i], before[i], after[i]) + "\n";
  }
  return out;
}

}  // namespace caravan::data
