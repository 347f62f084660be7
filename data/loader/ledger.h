// One fate for every source row: what was trained, cut, split or dropped, and why, with file and line.
//
// The ledger must balance: rows in = trained + dropped + not taken, and the tokens of the rows are the tokens
// of the documents. A ledger that does not balance is a defect of ours and throws. About 32 bytes a row.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace caravan::data {

enum class Fate : std::uint8_t { kTrained, kTruncated, kSplit, kDropped, kNotTaken };
std::string name_of(Fate fate);

struct LedgerEntry {
  std::uint64_t line = 0;            // counts from 1; of an array, the element
  std::uint32_t file = 0;            // index into Ledger::files
  std::uint32_t tokens = 0;          // of its documents
  std::uint32_t trained_tokens = 0;  // positions of them with a trained target
  std::uint32_t cut_tokens = 0;      // tokens that max_length removed
  std::uint16_t reason = 0;          // index into Ledger::reasons; 0 is none
  std::uint32_t pieces = 0;          // documents made of the row
  Fate fate = Fate::kDropped;
};

struct LedgerTotals {
  std::uint64_t rows = 0, trained = 0, truncated = 0, split = 0, dropped = 0, not_taken = 0;
  std::uint64_t documents = 0, tokens = 0, trained_tokens = 0, cut_tokens = 0;
  // Tokens whose bytes lie partly inside and partly outside a trained span; they are trained.
  std::uint64_t straddling_tokens = 0;
};

class Ledger {
 public:
  // `word`: what the numbers of its rows count: line, element, row.
  std::uint32_t add_file(std::string path, std::string word = "line");
  std::uint16_t add_reason(const std::string& reason);
  void add(const LedgerEntry& entry) { entries_.push_back(entry); }
  void add_straddling(std::uint64_t tokens) { straddling_tokens_ += tokens; }
  void count_piece(std::size_t row) { ++entries_[row].pieces; }
  // The row is usable but `take` leaves it out.
  void mark_not_taken(std::size_t row);

  const std::vector<LedgerEntry>& entries() const { return entries_; }
  const std::vector<std::string>& files() const { return files_; }
  const std::vector<std::string>& reasons() const { return reasons_; }

  // "chats.jsonl:17", "chats.json, element 17", "chats.parquet, row 17".
  std::string place_of(const LedgerEntry& entry) const;

  LedgerTotals totals() const;
  // Throws std::logic_error naming both numbers unless rows and tokens agree with what the documents hold.
  void check_balance(std::uint64_t documents, std::uint64_t tokens, std::uint64_t trained_tokens) const;
  // A table for people: per file, without fates that no row has, then per reason with the first places. Ends
  // in a newline.
  std::string summary() const;
  // One JSON object a row: file, line (or element, or row), fate, reason, documents, tokens,
  // trained_tokens, cut_tokens. Written whole or not at all. Throws data::Error on I/O.
  void write_jsonl(const std::string& path) const;

 private:
  std::string reason_summary() const;

  std::vector<LedgerEntry> entries_;
  std::vector<std::string> files_;
  std::vector<std::string> words_;  // by file
  std::vector<std::string> reasons_{""};
  std::map<std::string, std::uint16_t> reason_index_;
  std::uint64_t straddling_tokens_ = 0;
};

}  // namespace caravan::data
