#include "recipes/commands/dedup_run.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>
#include <unordered_map>

#include "data/choice_name.h"
#include "data/error.h"
#include "data/readers/json_text.h"
#include "data/walk/row_messages.h"

namespace caravan::recipes {
namespace {

// Raw keys tell rows apart that differ in anything; all others by their texts.
data::TurnParts parts_of(data::KeyKind key) {
  return key == data::KeyKind::kRaw ? data::TurnParts::kExtra : data::TurnParts::kAllTexts;
}

using data::BlockFates;
using data::Conversation;
using data::Json;
using data::JsonRow;
using data::WalkBlock;
using data::WalkRow;

constexpr double kWorthless = -std::numeric_limits<double>::infinity();
constexpr std::string_view kNoText = "no_text";

// What the first walk finds out about a row. A row that cannot be used has a reason and nothing else.
struct Seen {
  std::string_view problem;  // of its bytes, or kNoText
  data::SourceLine where;
  double worth = 0.0;
  bool score_missing = false;
  data::NearSearch::Sketch sketch;  // exact: only its key
};

// One thread's memory, kept from block to block.
struct Thread {
  std::optional<data::NearSearch::Workspace> space;
  Conversation messages;
  data::NearSearch::Workspace& workspace(data::KeyKind key) { return space ? *space : space.emplace(key); }
};

struct SeenBlock : Thread {
  std::vector<Seen> rows;
  std::vector<std::uint64_t> bands;  // of the rows that have words, one after the other
};

class Dedup {
 public:
  Dedup(DataRun& run, const DataFlags& flags, const DedupOptions& options)
      : run_(run), flags_(flags), options_(options), search_(near_options(options)) {}

  int run() {
    if (!options_.near && options_.keep == data::KeepPolicy::kFirst) return run_once();
    find_keys();
    if (options_.near) compare();
    decide();
    return write();
  }

 private:
  static data::NearOptions near_options(const DedupOptions& options) {
    data::NearOptions search = options.search;
    if (!options.near) search.key = data::KeyKind::kText;  // unused
    return search;
  }

  // Parses the rows of a block and makes their keys.
  void look_at(const WalkBlock& block, JsonRow& json, SeenBlock& seen) const {
    seen.rows.assign(block.size(), {});
    seen.bands.clear();
    auto& work = seen.workspace(options_.search.key);
    for (std::size_t i = 0; i < block.size(); ++i) {
      const WalkRow row = walk_row(block, i, json);
      Seen& found = seen.rows[i];
      found.where = row.where;
      found.problem = row.problem;
      if (!row.sound()) continue;
      if (!read_row_messages(row.root(), parts_of(options_.search.key), seen.messages)) {
        found.problem = kNoText;
        continue;
      }
      found.worth = worth_of(row.root(), seen.messages, options_, found.score_missing);
      if (options_.near) {
        found.sketch = search_.sketch(seen.messages, work, seen.bands);
      } else {
        found.sketch.key = work.keys.key(seen.messages);
      }
    }
  }

  // Keys decide in the order of the rows, and the first one stays: one walk does it, also over a pipe.
  int run_once() {
    struct Found {
      SeenBlock seen;
      BlockFates fates;
      JsonRow json;
    };
    run_.walk().run<Found>(
        [&](const WalkBlock& block, JsonRow& json, Found& found) { look_at(block, json, found.seen); },
        [&](const WalkBlock& block, Found& found) {
          found.fates.clear(run_.details());
          for (const Seen& seen : found.seen.rows) exact_.prefetch(seen.sketch.key);
          for (std::size_t i = 0; i < block.size(); ++i) {
            const Seen& seen = found.seen.rows[i];
            where_.push_back(seen.where);
            const std::uint32_t first = enter_exact(seen);
            const WalkRow row = row_to_write(block, i, seen, found.json);
            add_fate(row, seen.problem, first, "duplicate", found.fates);
          }
          run_.take(found.fates);
        });
    leader_ = exact_.first();
    return finish();
  }

  std::uint32_t enter_exact(const Seen& seen) {
    const auto row = static_cast<std::uint32_t>(exact_.first().size());
    if (row == UINT32_MAX) throw data::Error(data::Error::Kind::kData, "at most 4294967295 rows");
    if (seen.problem.empty()) return exact_.add(seen.sketch.key);
    exact_.add_alone();
    return row;
  }

  void find_keys() {
    data::RowWalk walk = run_.first_walk();
    walk.run<SeenBlock>(
        [&](const WalkBlock& block, JsonRow& json, SeenBlock& seen) { look_at(block, json, seen); },
        [&](const WalkBlock&, SeenBlock& seen) {
          const std::uint64_t* bands = seen.bands.data();
          for (const Seen& row : seen.rows) {
            if (options_.near) {
              search_.add(row.sketch, bands);
              if (row.sketch.has_words) bands += search_.min_hash().num_bands();
            } else {
              enter_exact(row);
            }
            problems_.push_back(row.problem);
            where_.push_back(row.where);
            if (options_.keep != data::KeepPolicy::kFirst) worth_.push_back(row.worth);
            num_scores_missing_ += row.score_missing;
          }
        });
    run_.remember(walk);
    if (options_.near) search_.find(walk.threads());
  }

  // Rows that share a band with another one are read again and compared exactly.
  void compare() {
    struct Found : Thread {
      std::vector<std::pair<std::uint32_t, std::vector<std::uint64_t>>> shingles;
    };
    data::RowWalk walk = run_.first_walk(false);
    walk.run<Found>(
        [&](const WalkBlock& block, JsonRow& json, Found& found) {
          found.shingles.clear();
          for (std::size_t i = 0; i < block.size(); ++i) {
            const auto number = static_cast<std::uint32_t>(block.first_row + i);
            if (number >= where_.size()) throw_changed(block);
            if (!search_.needs_comparison(number)) continue;
            const WalkRow row = walk_row(block, i, json);
            if (!row.sound() || !read_row_messages(row.root(), data::TurnParts::kAllTexts, found.messages))
              throw_changed(block);
            found.shingles.emplace_back(
                number, search_.shingles(found.messages, found.workspace(options_.search.key)));
          }
        },
        [&](const WalkBlock&, Found& found) {
          for (auto& [row, shingles] : found.shingles) search_.compare(row, std::move(shingles));
        });
  }

  [[noreturn]] void throw_changed(const WalkBlock& block) const {
    throw data::Error(data::Error::Kind::kData,
                      run_.inputs().files()[block.file] +
                          ": changed while it was read; nothing was written, run again when it is at rest");
  }

  void decide() {
    leader_ = options_.near ? search_.leaders() : exact_.first();
    duplicates_ = data::choose_kept(leader_, worth_);
  }

  int write() {
    const std::string reason = options_.near ? "near_duplicate" : "duplicate";
    run_.walk().run<BlockFates>(
        [&](const WalkBlock& block, JsonRow& json, BlockFates& fates) {
          fates.clear(run_.details());
          for (std::size_t i = 0; i < block.size(); ++i) {
            const auto number = static_cast<std::uint32_t>(block.first_row + i);
            if (number >= where_.size()) throw_changed(block);
            const Seen seen{problems_[number], where_[number], 0.0, false, {}};
            const WalkRow row = row_to_write(block, i, seen, json);
            add_fate(row, seen.problem, duplicates_.kept_for[number], reason, fates);
          }
        },
        [&](const WalkBlock&, BlockFates& fates) { run_.take(fates); });
    return finish();
  }

  // Parsed only where the ledger wants its id, or somebody its problem.
  WalkRow row_to_write(const WalkBlock& block, std::size_t i, const Seen& seen, JsonRow& json) const {
    const bool parse = run_.details() || (!seen.problem.empty() && seen.problem != kNoText);
    return parse ? walk_row(block, i, json) : unparsed_row(block, i);
  }

  void add_fate(const WalkRow& row, std::string_view problem, std::uint32_t kept_for,
                const std::string& reason, BlockFates& fates) const {
    if (problem == kNoText) {
      fates.drop(row, std::string(kNoText));
    } else if (!problem.empty()) {
      fates.refuse(row);
    } else if (kept_for == row.number) {
      fates.keep(row);
    } else {
      fates.drop(row, reason);
      if (run_.details()) fates.tell_more("\"kept\":" + place_json(kept_for));
    }
  }

  std::string place_json(std::uint32_t row) const {
    std::string text = "{\"file\":";
    data::append_json_string(text, run_.inputs().files()[where_[row].file]);
    return text + ",\"line\":" + std::to_string(where_[row].line) + "}";
  }

  int finish() {
    if (duplicates_.kept_for.empty()) duplicates_ = data::choose_kept(leader_, {});
    if (num_scores_missing_ > 0 && !flags_.quiet) {
      std::fprintf(stderr,
                   "caravan: data dedup: %llu rows have no number under \"%s\"; they stay only where no "
                   "row of their cluster has one\n",
                   static_cast<unsigned long long>(num_scores_missing_), options_.score_field.c_str());
    }
    Json more{{"clusters", duplicates_.clusters.size()}, {"dropped", duplicates_.num_dropped}};
    if (options_.near) {
      const data::NearClusters& clusters = search_.clusters();
      more["comparisons"] = clusters.num_comparisons();
      more["rows_not_compared_with_all_candidates"] = clusters.num_rows_cut_short();
      more["missed_at_threshold"] = search_.min_hash().miss_probability(options_.search.threshold);
      if (clusters.num_rows_cut_short() > 0 && !flags_.quiet) {
        std::fprintf(stderr,
                     "caravan: data dedup: %llu rows look like more than %u others that they are not "
                     "like; they were compared with that many\n",
                     static_cast<unsigned long long>(clusters.num_rows_cut_short()),
                     data::NearClusters::kMaxComparisons);
      }
    }
    write_clusters();
    return run_.finish({{"deduplication", more}});
  }

  // DIR/clusters.jsonl: one line a cluster, its rows and, for near ones, the pair that brought each in.
  void write_clusters() const {
    if (!run_.details()) return;
    std::unordered_map<std::uint32_t, const data::NearLink*> links;
    if (options_.near) {
      for (const data::NearLink& link : search_.clusters().links()) links.emplace(link.row, &link);
    }
    data::RowWriter out(flags_.report + "/clusters.jsonl", {flags_.force, run_.inputs().files()}, false);
    std::string line;
    for (const auto& cluster : duplicates_.clusters) {
      line = "{\"size\":" + std::to_string(cluster.size()) +
             ",\"kept\":" + place_json(duplicates_.kept_for[cluster.front()]) + ",\"rows\":[";
      for (const std::uint32_t row : cluster) {
        if (row != cluster.front()) line += ',';
        line += place_json(row);
        const auto link = links.find(row);
        if (link == links.end()) continue;
        line.pop_back();
        line += ",\"like\":" + place_json(link->second->like) +
                ",\"jaccard\":" + Json(link->second->likeness).dump() + "}";
      }
      out.write(line + "]}\n");
    }
    out.finish();
    out.commit();
  }

  DataRun& run_;
  const DataFlags& flags_;
  const DedupOptions& options_;
  data::NearSearch search_;
  data::ExactGroups exact_;
  std::vector<std::string_view> problems_;  // per row; the texts live as long as the program
  std::vector<data::SourceLine> where_;
  std::vector<double> worth_;
  std::uint64_t num_scores_missing_ = 0;
  std::vector<std::uint32_t> leader_;
  data::Duplicates duplicates_;
};

}  // namespace

double worth_of(const data::JsonValue& row, const Conversation& messages, const DedupOptions& options,
                bool& score_missing) {
  switch (options.keep) {
    case data::KeepPolicy::kFirst:
      return 0.0;
    case data::KeepPolicy::kLongest: {
      std::size_t bytes = 0;
      for (const data::Message& message : messages.messages) bytes += message.content.size();
      return static_cast<double>(bytes);
    }
    case data::KeepPolicy::kScore: {
      const auto value = row.find(options.score_field);
      const std::string text = value && value->is(data::JsonValue::Type::kNumber) ? value->text() : "";
      double score = 0.0;
      const auto read = std::from_chars(text.data(), text.data() + text.size(), score);
      score_missing = text.empty() || read.ec != std::errc();
      return score_missing ? kWorthless : score;
    }
    case data::KeepPolicy::kSource: {
      const auto found = std::ranges::find(options.sources, messages.source);
      return -static_cast<double>(found - options.sources.begin());
    }
  }
  return 0.0;
}

Json describe_dedup(const DedupOptions& options) {
  Json json{{"near", options.near},
            {"key", data::choice_name(options.search.key)},
            {"keep", data::choice_name(options.keep)}};
  if (options.near) {
    json["threshold"] = options.search.threshold;
    json["shingle_words"] = options.search.shingle_words;
    json["linkage"] = data::choice_name(options.search.linkage);
  }
  if (!options.score_field.empty()) json["score_field"] = options.score_field;
  if (!options.sources.empty()) json["sources"] = options.sources;
  return json;
}

int run_dedup(DataRun& run, const DataFlags& flags, const DedupOptions& options) {
  return Dedup(run, flags, options).run();
}

}  // namespace caravan::recipes
