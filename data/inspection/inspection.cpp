#include "data/inspection/inspection.h"

#include <xxhash.h>

#include <algorithm>
#include <cstdio>
#include <limits>
#include <span>

#include "data/text_table.h"
#include "data/tokenizers/unicode.h"

namespace caravan::data {
namespace {

std::uint32_t small(std::size_t count) {
  return static_cast<std::uint32_t>(std::min<std::size_t>(count, std::numeric_limits<std::uint32_t>::max()));
}

std::size_t characters_in(std::string_view utf8) {
  return static_cast<std::size_t>(std::count_if(
      utf8.begin(), utf8.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

Distribution distribution_of(std::vector<std::uint32_t>& values) {
  Distribution found;
  found.rows = values.size();
  if (values.empty()) return found;
  std::sort(values.begin(), values.end());
  for (const std::uint32_t value : values) found.sum += value;
  const auto at = [&values](std::size_t percent) { return values[(values.size() - 1) * percent / 100]; };
  found.min = values.front();
  found.median = at(50);
  found.p95 = at(95);
  found.p99 = at(99);
  found.max = values.back();
  return found;
}

// Each value its own bucket while there are few, else two buckets for each doubling.
std::vector<Bucket> buckets_of(std::span<const std::uint32_t> sorted) {
  constexpr std::uint32_t kMaxSingles = 24;
  std::vector<Bucket> buckets;
  if (sorted.empty()) return buckets;
  if (sorted.back() - sorted.front() < kMaxSingles) {
    for (std::uint64_t low = sorted.front(); low <= sorted.back(); ++low) buckets.push_back({low, 0});
  } else {
    buckets.push_back({0, 0});
    for (std::uint64_t low = 1; low <= sorted.back(); low *= 2) {
      buckets.push_back({low, 0});
      if (low > 1) buckets.push_back({low + low / 2, 0});
    }
    while (buckets.size() > 1 && buckets[1].low <= sorted.front()) buckets.erase(buckets.begin());
  }
  std::size_t bucket = 0;
  for (const std::uint32_t value : sorted) {
    while (bucket + 1 < buckets.size() && buckets[bucket + 1].low <= value) ++bucket;
    ++buckets[bucket].rows;
  }
  return buckets;
}

std::vector<Inspection::Count> sorted_counts(std::vector<Inspection::Count> counts) {
  std::stable_sort(counts.begin(), counts.end(), [](const auto& a, const auto& b) {
    return a.rows != b.rows ? a.rows > b.rows : a.name < b.name;
  });
  return counts;
}

std::vector<Inspection::Count> counts_of(const std::map<std::string, std::uint64_t>& map) {
  std::vector<Inspection::Count> counts;
  for (const auto& [name, rows] : map) counts.push_back({name, rows});
  return sorted_counts(std::move(counts));
}

// A file may hold another name in every row.
void count_name(std::map<std::string, std::uint64_t>& counts, const std::string& name) {
  constexpr std::size_t kMaxNames = 10000;
  ++counts[counts.size() < kMaxNames || counts.contains(name) ? name : "others"];
}

}  // namespace

RowFacts facts_of(const ConvertedRow& row, const Tokenizer* tokenizer) {
  constexpr std::size_t kPromptBytes = 160;
  const std::vector<Message>& turns = row.chosen.empty() ? row.messages : row.chosen;
  RowFacts facts;
  facts.used = true;
  facts.pair = !row.chosen.empty();
  facts.turns = small(turns.size());
  ScriptCounts scripts;
  std::size_t characters = 0, answer = 0, tokens = 0, answer_tokens = 0;
  std::vector<std::int32_t> ids;
  bool prompt_seen = false;
  for (const Message& turn : turns) {
    const std::size_t length = characters_in(turn.content);
    const bool assistant = turn.role == "assistant";
    characters += length;
    answer += assistant ? length : 0;
    scripts.add(turn.content);
    if (tokenizer != nullptr) {
      ids.clear();
      tokenizer->encode(turn.content, {}, ids);
      tokens += ids.size();
      answer_tokens += assistant ? ids.size() : 0;
    }
    facts.hash = XXH3_64bits_withSeed(turn.content.data(), turn.content.size(),
                                      facts.hash ^ XXH3_64bits(turn.role.data(), turn.role.size()));
    if (turn.role == "user" && !prompt_seen) {
      prompt_seen = true;
      facts.prompt_hash = XXH3_64bits(turn.content.data(), turn.content.size());
      facts.prompt = turn.content.substr(0, kPromptBytes);
      if (turn.content.size() > kPromptBytes) {
        facts.prompt.resize(facts.prompt.size() - incomplete_tail(facts.prompt));
        facts.prompt += "...";
      }
    }
  }
  facts.characters = small(characters);
  facts.answer_characters = small(answer);
  facts.tokens = small(tokens);
  facts.answer_tokens = small(answer_tokens);
  facts.script = scripts.main();
  return facts;
}

void Inspection::add(RowFacts facts) {
  ++rows_;
  if (!facts.used) return count_name(problems_, facts.problem);
  turns_.push_back(facts.turns);
  characters_.push_back(facts.characters);
  answer_characters_.push_back(facts.answer_characters);
  if (tokens_) {
    token_counts_.push_back(facts.tokens);
    answer_tokens_.push_back(facts.answer_tokens);
  }
  pairs_ += facts.pair;
  ++scripts_[static_cast<std::size_t>(facts.script)];
  count_name(sources_, facts.source);
  duplicates_ += !seen_.insert(facts.hash);
  if (facts.prompt.empty() || seen_prompts_.insert(facts.prompt_hash)) return;
  ++repeated_rows_;
  Repeated& repeated = repeated_[facts.prompt_hash];
  if (repeated.rows++ == 1) repeated.text = std::move(facts.prompt);
}

std::vector<Inspection::Measure> Inspection::measures() const {
  std::vector<Measure> measures;
  const auto add = [&measures](std::string name, std::vector<std::uint32_t> values) {
    const Distribution distribution = distribution_of(values);
    measures.push_back({std::move(name), distribution, buckets_of(values)});
  };
  add("turns", turns_);
  add("characters", characters_);
  add("characters of answers", answer_characters_);
  if (tokens_) {
    add("tokens", token_counts_);
    add("tokens of answers", answer_tokens_);
  }
  return measures;
}

std::vector<Inspection::Count> Inspection::scripts() const {
  std::vector<Count> counts;
  for (std::size_t i = 0; i < kNumScripts; ++i) {
    if (scripts_[i] > 0) counts.push_back({std::string(name_of(static_cast<Script>(i))), scripts_[i]});
  }
  return sorted_counts(std::move(counts));
}

std::vector<Inspection::Count> Inspection::sources() const {
  return counts_of(sources_);
}

std::vector<Inspection::Count> Inspection::problems() const {
  return counts_of(problems_);
}

std::vector<Inspection::Count> Inspection::top_prompts(std::size_t most) const {
  std::vector<Count> counts;
  for (const auto& [hash, repeated] : repeated_) counts.push_back({repeated.text, repeated.rows});
  counts = sorted_counts(std::move(counts));
  counts.resize(std::min(counts.size(), most));
  return counts;
}

std::string inspection_text(const Inspection& inspection) {
  constexpr std::size_t kMaxPrompts = 10;
  std::string text = grouped(inspection.rows()) + " rows, " + grouped(inspection.used()) + " usable, " +
                     grouped(inspection.pairs()) + " pairs, " + grouped(inspection.duplicates()) +
                     " exact duplicates, " + grouped(inspection.repeated_prompts()) +
                     " with a prompt that came before\n\n";
  std::vector<TableLine> lines{{"per row", "min", "median", "mean", "95 %", "99 %", "max", "all"}};
  for (const Inspection::Measure& measure : inspection.measures()) {
    const Distribution& found = measure.distribution;
    char mean[32];
    std::snprintf(mean, sizeof(mean), "%.1f", found.mean());
    lines.push_back({measure.name, grouped(found.min), grouped(found.median), mean, grouped(found.p95),
                     grouped(found.p99), grouped(found.max), grouped(found.sum)});
  }
  text += print_table(lines);
  const auto add_counts = [&text](const std::string& title, const std::vector<Inspection::Count>& counts) {
    constexpr std::size_t kMaxNames = 20;
    if (counts.empty()) return;
    std::vector<TableLine> table{{title, "rows"}};
    for (std::size_t i = 0; i < std::min(counts.size(), kMaxNames); ++i)
      table.push_back({counts[i].name, grouped(counts[i].rows)});
    text += '\n' + print_table(table);
    if (counts.size() > kMaxNames) text += std::to_string(counts.size() - kMaxNames) + " more\n";
  };
  add_counts("source", inspection.sources());
  add_counts("script", inspection.scripts());
  add_counts("not usable", inspection.problems());
  const std::vector<Inspection::Count> prompts = inspection.top_prompts(kMaxPrompts);
  if (!prompts.empty()) text += "\nprompts that come most\n";
  for (const Inspection::Count& prompt : prompts) {
    std::string line = prompt.name;
    std::replace_if(
        line.begin(), line.end(), [](char c) { return c == '\n' || c == '\r' || c == '\t'; }, ' ');
    text += grouped(prompt.rows) + "  " + line + '\n';
  }
  return text;
}

}  // namespace caravan::data
