#include "data/loader/ledger.h"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <limits>
#include <stdexcept>

#include "data/error.h"
#include "data/message.h"
#include "data/text_table.h"

namespace caravan::data {
namespace {

void add_entry(LedgerTotals& totals, const LedgerEntry& entry) {
  ++totals.rows;
  switch (entry.fate) {
    case Fate::kTrained:
      ++totals.trained;
      break;
    case Fate::kTruncated:
      ++totals.truncated;
      break;
    case Fate::kSplit:
      ++totals.split;
      break;
    case Fate::kDropped:
      ++totals.dropped;
      return;
    case Fate::kNotTaken:
      ++totals.not_taken;
      return;
  }
  totals.documents += entry.pieces;
  totals.tokens += entry.tokens;
  totals.trained_tokens += entry.trained_tokens;
  totals.cut_tokens += entry.cut_tokens;
}

struct Column {
  const char* name;
  std::uint64_t LedgerTotals::*member;
};
constexpr Column kColumns[] = {
    {"rows", &LedgerTotals::rows},
    {"trained", &LedgerTotals::trained},
    {"truncated", &LedgerTotals::truncated},
    {"split", &LedgerTotals::split},
    {"dropped", &LedgerTotals::dropped},
    {"not taken", &LedgerTotals::not_taken},
    {"documents", &LedgerTotals::documents},
    {"tokens", &LedgerTotals::tokens},
    {"trained tokens", &LedgerTotals::trained_tokens},
    {"cut tokens", &LedgerTotals::cut_tokens},
};

TableLine table_line(const std::string& title, const LedgerTotals& totals) {
  TableLine line{title};
  for (const Column& column : kColumns) line.push_back(grouped(totals.*column.member));
  return line;
}

// Without the columns in which every figure is 0, but for those that readers look for.
std::vector<TableLine> drop_empty_columns(const std::vector<TableLine>& lines) {
  std::vector<TableLine> kept(lines.size());
  for (std::size_t i = 0; i < lines[0].size(); ++i) {
    const std::string_view name = lines[0][i];
    const bool wanted =
        i == 0 || name == "dropped" ||
        std::any_of(lines.begin() + 1, lines.end(), [i](const TableLine& line) { return line[i] != "0"; });
    for (std::size_t row = 0; wanted && row < lines.size(); ++row) kept[row].push_back(lines[row][i]);
  }
  return kept;
}

std::string file_name(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? path : path.substr(slash + 1);
}

}  // namespace

std::string name_of(Fate fate) {
  switch (fate) {
    case Fate::kTrained:
      return "trained";
    case Fate::kTruncated:
      return "truncated";
    case Fate::kSplit:
      return "split";
    case Fate::kDropped:
      return "dropped";
    case Fate::kNotTaken:
      return "not_taken";
  }
  return "unknown";
}

std::uint32_t Ledger::add_file(std::string path, std::string word) {
  files_.push_back(std::move(path));
  words_.push_back(std::move(word));
  return static_cast<std::uint32_t>(files_.size() - 1);
}

std::uint16_t Ledger::add_reason(const std::string& reason) {
  if (reason.empty()) return 0;
  const auto found = reason_index_.find(reason);
  if (found != reason_index_.end()) return found->second;
  // A file may hold a new role in every row; what does not fit is counted without its detail.
  constexpr std::size_t kMaxReasons = 60000;
  const std::size_t colon = reason.rfind(':');
  if (reasons_.size() >= kMaxReasons && colon != std::string::npos)
    return add_reason(reason.substr(0, colon));
  if (reasons_.size() >= std::numeric_limits<std::uint16_t>::max())
    throw std::length_error("the ledger has too many reasons");
  const auto index = static_cast<std::uint16_t>(reasons_.size());
  reasons_.push_back(reason);
  reason_index_.emplace(reason, index);
  return index;
}

void Ledger::mark_not_taken(std::size_t row) {
  if (entries_.at(row).fate == Fate::kDropped)
    throw std::logic_error("ledger: a dropped row cannot be left out by take");
  entries_[row].fate = Fate::kNotTaken;
}

std::string Ledger::place_of(const LedgerEntry& entry) const {
  const std::string& word = words_[entry.file];
  return file_name(files_.at(entry.file)) + (word == "line" ? ":" : ", " + word + " ") +
         std::to_string(entry.line);
}

LedgerTotals Ledger::totals() const {
  LedgerTotals totals;
  for (const LedgerEntry& entry : entries_) add_entry(totals, entry);
  totals.straddling_tokens = straddling_tokens_;
  return totals;
}

void Ledger::check_balance(std::uint64_t documents, std::uint64_t tokens,
                           std::uint64_t trained_tokens) const {
  const LedgerTotals all = totals();
  const auto check = [](const char* what, std::uint64_t ledger, std::uint64_t found) {
    if (ledger == found) return;
    throw std::logic_error("the data ledger does not balance: it counts " + std::to_string(ledger) + " " +
                           what + ", the training data holds " + std::to_string(found) +
                           "; please report this defect");
  };
  check("rows in fates", all.trained + all.truncated + all.split + all.dropped + all.not_taken, all.rows);
  check("documents", all.documents, documents);
  check("tokens", all.tokens, tokens);
  check("trained tokens", all.trained_tokens, trained_tokens);
}

std::string Ledger::summary() const {
  constexpr std::size_t kMaxFiles = 30;
  std::vector<LedgerTotals> per_file(files_.size());
  for (const LedgerEntry& entry : entries_) add_entry(per_file[entry.file], entry);
  std::vector<TableLine> lines{{"file"}};
  for (const Column& column : kColumns) lines[0].emplace_back(column.name);
  LedgerTotals rest;
  for (std::size_t i = 0; i < files_.size(); ++i) {
    if (i < kMaxFiles) {
      lines.push_back(table_line(file_name(files_[i]), per_file[i]));
    } else {
      for (const Column& column : kColumns) rest.*column.member += per_file[i].*column.member;
    }
  }
  if (files_.size() > kMaxFiles)
    lines.push_back(table_line(std::to_string(files_.size() - kMaxFiles) + " more files", rest));
  const LedgerTotals all = totals();
  if (files_.size() > 1) lines.push_back(table_line("all", all));
  std::string text = print_table(drop_empty_columns(lines)) + reason_summary();
  if (all.straddling_tokens > 0) {
    text += grouped(all.straddling_tokens) +
            " tokens lie partly outside the trained text (the template's last characters merge with the "
            "first word); they are trained\n";
  }
  return text;
}

std::string Ledger::reason_summary() const {
  struct Count {
    std::uint64_t rows = 0;
    const LedgerEntry* first = nullptr;
  };
  std::vector<Count> counts(reasons_.size() * 2);  // dropped and used rows apart
  for (const LedgerEntry& entry : entries_) {
    if (entry.reason == 0 || entry.fate == Fate::kNotTaken) continue;
    Count& count = counts[entry.reason * 2u + (entry.fate != Fate::kDropped)];
    if (count.rows++ == 0) count.first = &entry;
  }
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i].rows > 0) order.push_back(i);
  }
  std::stable_sort(order.begin(), order.end(), [&counts](std::size_t a, std::size_t b) {
    return std::pair(a % 2, counts[b].rows) < std::pair(b % 2, counts[a].rows);
  });
  constexpr std::size_t kMaxReasons = 20;
  std::string text;
  for (std::size_t i = 0; i < std::min(order.size(), kMaxReasons); ++i) {
    const Count& count = counts[order[i]];
    text += grouped(count.rows) + (order[i] % 2 ? " used, " : " dropped, ") + reasons_[order[i] / 2] +
            ", first " + place_of(*count.first) + "\n";
  }
  if (order.size() > kMaxReasons)
    text += std::to_string(order.size() - kMaxReasons) + " more reasons are in the ledger file\n";
  return text;
}

void Ledger::write_jsonl(const std::string& path) const {
  const std::string partial = path + ".partial";
  std::ofstream out(partial, std::ios::binary);
  std::vector<std::string> files, reasons;
  for (const std::string& file : files_)
    files.push_back(Json(file).dump(-1, ' ', false, Json::error_handler_t::replace));
  for (const std::string& reason : reasons_)
    reasons.push_back(Json(reason).dump(-1, ' ', false, Json::error_handler_t::replace));
  std::string line;
  for (const LedgerEntry& entry : entries_) {
    line = "{\"file\":" + files[entry.file];
    line += ",\"" + words_[entry.file] + "\":";
    line += std::to_string(entry.line) + ",\"fate\":\"" + name_of(entry.fate) + "\"";
    if (entry.reason != 0) line += ",\"reason\":" + reasons[entry.reason];
    const bool used = entry.fate != Fate::kDropped && entry.fate != Fate::kNotTaken;
    if (used) {
      line +=
          ",\"documents\":" + std::to_string(entry.pieces) + ",\"tokens\":" + std::to_string(entry.tokens);
      line += ",\"trained_tokens\":" + std::to_string(entry.trained_tokens);
      if (entry.cut_tokens > 0) line += ",\"cut_tokens\":" + std::to_string(entry.cut_tokens);
    }
    out << line << "}\n";
  }
  out.close();
  if (!out || std::rename(partial.c_str(), path.c_str()) != 0) {
    std::remove(partial.c_str());
    throw Error(Error::Kind::kInputOutput,
                path + ": the ledger cannot be written; check space and permissions of the folder");
  }
}

}  // namespace caravan::data
