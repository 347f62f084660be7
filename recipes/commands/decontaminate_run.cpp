#include "recipes/commands/decontaminate_run.h"

#include <cstdio>
#include <set>

#include "data/choice_name.h"
#include "data/decontamination/contamination_tally.h"
#include "data/decontamination/make_measure.h"
#include "data/decontamination/review_page.h"
#include "data/error.h"
#include "data/walk/row_messages.h"
#include "recipes/shown_text.h"

namespace caravan::recipes {
namespace {

using data::BlockFates;
using data::Conversation;
using data::Decision;
using data::Error;
using data::Finding;
using data::Json;
using data::JsonRow;
using data::WalkBlock;
using data::WalkRow;

// One thread's memory, and what it found in a block.
struct Found {
  BlockFates fates;
  struct Row {
    Finding finding;
    Decision decision = Decision::kUndecided;
    bool removed = false;
  };
  std::vector<Row> rows;
  std::unique_ptr<data::Searcher> searcher;
  data::RowWords words;
  Conversation messages;
  std::vector<data::ItemScore> scores;
};

class Decontamination {
 public:
  Decontamination(DataRun& run, const DataFlags& flags, const DecontaminateOptions& options,
                  const data::EvalIndex& index, const data::ReviewedRows& reviewed)
      : run_(run),
        flags_(flags),
        options_(options),
        index_(index),
        reviewed_(reviewed),
        tally_(index.items()),
        file_options_{flags.force, run.inputs().files()},
        matches_(flags.report + "/matches.jsonl", file_options_, false),
        review_(flags.report + "/review.jsonl", file_options_, false),
        page_(flags.report + "/review.html", file_options_) {}

  int run() {
    measure_ =
        make_measure(options_.measure, index_, options_.review_from, count_documents(), options_.embedder);
    splitter_.emplace(measure_->folding());
    page_.write(data::review_page_head(measure_name(), options_.review_from, options_.remove_from));
    run_.walk().run<Found>(
        [&](const WalkBlock& block, JsonRow& json, Found& found) { search(block, json, found); },
        [&](const WalkBlock&, Found& found) { take(found); });
    check_review();
    return finish();
  }

 private:
  std::string measure_name() const { return data::choice_name(options_.measure); }

  // tfidf weighs words by all messages of the rows: one more walk.
  data::DocumentCounts count_documents() {
    data::DocumentCounts counts;
    if (options_.measure != data::MeasureName::kTfidf) return counts;
    struct Documents {
      std::vector<std::vector<std::uint64_t>> all;
      data::RowWords words;
      Conversation messages;
    };
    const data::WordSplitter splitter(data::Folding::kReference);
    data::RowWalk walk = run_.first_walk();
    walk.run<Documents>(
        [&](const WalkBlock& block, JsonRow& json, Documents& found) {
          found.all.clear();
          for (std::size_t i = 0; i < block.size(); ++i) {
            const WalkRow row = walk_row(block, i, json);
            if (!row.sound() || !read_row_messages(row.root(), data::TurnParts::kAllTexts, found.messages))
              continue;
            split_row(found.messages, data::SearchScope::kAll, splitter, found.words);
            for (auto& document : data::DocumentCounts::documents_of(found.words))
              found.all.push_back(std::move(document));
          }
        },
        [&](const WalkBlock&, Documents& found) {
          for (const auto& document : found.all) counts.add(document);
        });
    run_.remember(walk);
    return counts;
  }

  void search_messages(Found& found) const {
    if (!found.searcher) found.searcher = measure_->make_searcher();
    split_row(found.messages, options_.scope, *splitter_, found.words);
    found.searcher->search(found.words, found.scores);
  }

  void search(const WalkBlock& block, JsonRow& json, Found& found) const {
    found.fates.clear(run_.details());
    found.rows.clear();
    for (std::size_t i = 0; i < block.size(); ++i) {
      const WalkRow row = walk_row(block, i, json);
      if (!row.sound()) {
        found.fates.refuse(row);
      } else if (!read_row_messages(row.root(), data::TurnParts::kAllTexts, found.messages)) {
        // What cannot be searched must not pass for clean.
        found.fates.drop(row, "no_text");
      } else {
        search_messages(found);
        if (found.scores.empty()) {
          found.fates.keep(row);
        } else {
          judge(row, found);
        }
      }
    }
  }

  // A row that scores as high as review_from at least.
  void judge(const WalkRow& row, Found& found) const {
    Found::Row& flagged = found.rows.emplace_back();
    flagged.finding = make_finding(index_.items(), found.messages, found.scores);
    flagged.finding.file = run_.inputs().files()[row.where.file];
    flagged.finding.where = row.where;
    flagged.finding.row_sha256 = data::sha256_hex(row.bytes);
    const data::ItemScore best = flagged.finding.items.front();
    const std::string set = index_.items().sets[index_.items().items[best.item].set].name;
    flagged.removed = best.score >= options_.remove_from;
    const data::ReviewedRow* reviewed = reviewed_.find(flagged.finding.row_sha256);
    if (flagged.removed) {
      found.fates.drop(row, "contaminated:" + set);
    } else if (reviewed == nullptr || reviewed->decision == Decision::kUndecided) {
      found.fates.drop(row, "held_for_review:" + set);
    } else {
      flagged.decision = reviewed->decision;
      apply(row, *reviewed, set, found);
    }
    found.fates.tell_more(
        "\"item\":" +
        Json(index_.items().items[best.item].id).dump(-1, ' ', false, Json::error_handler_t::replace) +
        ",\"score\":" + Json(best.score).dump());
  }

  void apply(const WalkRow& row, const data::ReviewedRow& reviewed, const std::string& set,
             Found& found) const {
    if (reviewed.decision == Decision::kKeep) {
      found.fates.keep(row, {"warning:kept_by_review:" + set});
    } else if (reviewed.decision == Decision::kDrop) {
      found.fates.drop(row, "dropped_by_review:" + set);
    } else {
      const std::string line = edited_line(row, reviewed, found);
      const BlockFates::Made made{line, row.id()};
      found.fates.make(row, std::span(&made, 1), {"repaired:edited_by_review:" + set},
                       data::RowFate::kRepaired);
    }
  }

  // The row with the messages a person wrote, which are searched as well.
  std::string edited_line(const WalkRow& row, const data::ReviewedRow& reviewed, Found& found) const {
    auto json = row.root().to_json();
    if (!json || !json->contains("messages"))
      throw Error(Error::Kind::kData, reviewed.where +
                                          ": edit: the row has no \"messages\" to change; convert "
                                          "it first, or write keep or drop");
    (*json)["messages"] = reviewed.messages;
    found.messages.messages.clear();
    for (const Json& message : reviewed.messages)
      found.messages.messages.push_back({message["role"], message["content"], nullptr});
    search_messages(found);
    if (!found.scores.empty()) {
      const auto best = std::ranges::max(found.scores, {}, &data::ItemScore::score);
      char score[32];
      std::snprintf(score, sizeof score, "%.3f", best.score);
      throw Error(Error::Kind::kData, reviewed.where + ": edit: the changed row still scores " + score +
                                          " against " + index_.items().items[best.item].id +
                                          "; change more of it, or write keep or drop");
    }
    return json->dump(-1, ' ', false, Json::error_handler_t::replace);
  }

  void take(Found& found) {
    for (const Found::Row& row : found.rows) {
      tally_.add(row.finding, options_.remove_from);
      matches_.write(match_line(row.finding, index_.items()) + "\n");
      seen_.insert(row.finding.row_sha256);
      if (row.removed) continue;
      ++num_to_review_;
      num_undecided_ += row.decision == Decision::kUndecided;
      review_.write(review_line(row.finding, index_.items(), measure_name(), row.decision) + "\n");
      page_.write(review_page_entry(row.finding, index_.items(), num_to_review_));
    }
    run_.take(found.fates);
  }

  // Decisions on rows that are not there were made for other data.
  void check_review() const {
    for (const auto& [sha256, row] : reviewed_.all()) {
      if (seen_.contains(sha256)) continue;
      throw Error(Error::Kind::kData,
                  row.where +
                      ": no row of the input that is searched now and looks like an evaluation item has the "
                      "SHA-256 " +
                      sha256 +
                      "; the review belongs to other rows, other evaluation sets or other options, "
                      "review again");
    }
  }

  int finish() {
    page_.write(data::review_page_end(num_to_review_));
    for (data::RowWriter* file : {&matches_, &review_}) file->finish();
    page_.finish();
    for (data::RowWriter* file : {&matches_, &review_}) file->commit();
    page_.commit();
    if (!flags_.quiet) {
      std::fputs(shown_text(tally_.table()).c_str(), stderr);
      if (num_undecided_ > 0)
        std::fprintf(
            stderr,
            "%llu rows wait for a decision: see %s/review.html, edit %s/review.jsonl, run again with "
            "--apply-review\n",
            static_cast<unsigned long long>(num_undecided_), shown_text(flags_.report).c_str(),
            shown_text(flags_.report).c_str());
    }
    const Json result{{"clean", true},
                      {"held_for_review", num_undecided_},
                      {"items", index_.num_items()},
                      {"sets", tally_.report()}};
    return run_.finish({{"decontamination", result}});
  }

  DataRun& run_;
  const DataFlags& flags_;
  const DecontaminateOptions& options_;
  const data::EvalIndex& index_;
  const data::ReviewedRows& reviewed_;
  data::ContaminationTally tally_;
  data::WholeFileOptions file_options_;
  data::RowWriter matches_, review_;
  data::WholeFile page_;
  std::unique_ptr<data::Measure> measure_;
  std::optional<data::WordSplitter> splitter_;
  std::set<std::string> seen_;
  std::uint64_t num_to_review_ = 0, num_undecided_ = 0;
};

}  // namespace

int run_decontaminate(DataRun& run, const DataFlags& flags, const DecontaminateOptions& options,
                      const data::EvalIndex& index, const data::ReviewedRows& reviewed) {
  return Decontamination(run, flags, options, index, reviewed).run();
}

}  // namespace caravan::recipes
