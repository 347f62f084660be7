// What a set of rows holds: counts, lengths, turns, scripts, sources, duplicates, the prompts that come most.
//
// About 40 bytes a row; texts are kept of prompts that come more than once, shortened.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "data/converters/converter.h"
#include "data/inspection/script.h"
#include "data/readers/seen_ids.h"
#include "data/tokenizers/tokenizer.h"

namespace caravan::data {

// What is looked at of one row.
struct RowFacts {
  bool used = false;         // the row gave at least one record
  std::string problem = {};  // why not
  std::uint32_t turns = 0;
  std::uint32_t characters = 0, answer_characters = 0;  // of all turns; of the assistant's
  std::uint32_t tokens = 0, answer_tokens = 0;          // where there is a tokenizer
  bool pair = false;                                    // chosen and rejected; the facts are those of chosen
  Script script = Script::kNone;
  std::string source = {};
  std::string prompt = {};  // first user turn, shortened
  std::uint64_t hash = 0, prompt_hash = 0;
};
RowFacts facts_of(const ConvertedRow& row, const Tokenizer* tokenizer);

// Figures of one measure over all rows.
struct Distribution {
  std::uint64_t rows = 0, sum = 0;
  std::uint32_t min = 0, median = 0, p95 = 0, p99 = 0, max = 0;
  double mean() const { return rows == 0 ? 0 : static_cast<double>(sum) / static_cast<double>(rows); }
};
// Rows in buckets of equal width on a logarithmic scale: [low, next low).
struct Bucket {
  std::uint64_t low = 0, rows = 0;
};

class Inspection {
 public:
  explicit Inspection(bool tokens) : tokens_(tokens) {}
  // In the order of the rows.
  void add(RowFacts facts);

  struct Measure {
    std::string name;
    Distribution distribution;
    std::vector<Bucket> buckets;
  };
  std::vector<Measure> measures() const;
  struct Count {
    std::string name;
    std::uint64_t rows = 0;
  };
  // Most first, ties by name.
  std::vector<Count> scripts() const;
  std::vector<Count> sources() const;
  std::vector<Count> problems() const;
  std::vector<Count> top_prompts(std::size_t most) const;

  std::uint64_t rows() const { return rows_; }
  std::uint64_t used() const { return turns_.size(); }
  std::uint64_t pairs() const { return pairs_; }
  std::uint64_t duplicates() const { return duplicates_; }           // equal to a row before: roles and texts
  std::uint64_t repeated_prompts() const { return repeated_rows_; }  // rows whose prompt came before

 private:
  struct Repeated {
    std::uint64_t rows = 1;
    std::string text;
  };
  bool tokens_;
  std::uint64_t rows_ = 0, pairs_ = 0, duplicates_ = 0, repeated_rows_ = 0;
  std::vector<std::uint32_t> turns_, characters_, answer_characters_, token_counts_, answer_tokens_;
  std::array<std::uint64_t, kNumScripts> scripts_{};
  std::map<std::string, std::uint64_t> sources_, problems_;
  SeenIds seen_, seen_prompts_;
  std::unordered_map<std::uint64_t, Repeated> repeated_;
};

// For people: tables, ends in a line feed. Texts of rows are quoted as they are: what prints it must make
// them safe.
std::string inspection_text(const Inspection& inspection);

}  // namespace caravan::data
