#include "recipes/synthesis/generation_step.h"

#include <algorithm>

#include "data/error.h"
#include "data/walk/row_messages.h"

namespace caravan::recipes {
namespace {

using data::BlockFates;
using data::Error;
using data::Json;
using data::JsonRow;
using data::WalkBlock;
using data::WalkRow;

// What is to be done with a row of a block.
struct ReadRow {
  std::string_view problem = {};
  bool passes = false;
  std::string id = {};  // of one that passes
};

// A block, read by one of several threads.
struct ReadBlock {
  StepPass pass;
  std::vector<ReadRow> all;
  std::vector<StepRow> rows;  // those without a problem that do not pass
};

void read_row(const WalkRow& row, ReadBlock& read) {
  ReadRow& what = read.all.emplace_back(ReadRow{.problem = row.problem});
  if (!row.sound()) return;
  std::string id = row.id();
  if (id.empty()) id = std::to_string(row.number);
  what.passes = read.pass && read.pass(row.root());
  if (what.passes) {
    what.id = std::move(id);
    return;
  }
  std::optional<Json> whole = row.root().to_json();
  if (!whole) {
    what.problem = "number_out_of_range";
    return;
  }
  data::Conversation asked;
  read_asked_messages(row.root(), asked);
  read.rows.push_back({std::move(*whole), std::move(id), row.number, std::move(asked.messages)});
}

void add_fate(const WalkRow& row, const std::string& id, StepResult& result, BlockFates& fates) {
  if (result.keep) {
    fates.keep(row);
  } else if (result.made.empty()) {
    fates.drop(row, std::move(result.reasons));
  } else {
    std::vector<BlockFates::Made> lines;
    for (const Json& made : result.made) {
      const auto own = made.find("id");
      lines.push_back({made.dump(), own != made.end() && own->is_string() ? own->get<std::string>() : id});
    }
    fates.make(row, lines, std::move(result.reasons), data::RowFate::kKept);
  }
  fates.describe(id);
}

std::vector<StepResult> results_of(std::vector<StepRow>& rows, const StepWork& work) {
  std::vector<StepResult> results = rows.empty() ? std::vector<StepResult>() : work(rows);
  if (results.size() == rows.size()) return results;
  throw Error(Error::Kind::kInternal, "a step gave " + std::to_string(results.size()) + " results for " +
                                          std::to_string(rows.size()) + " rows");
}

// The next rows of `read` that are to be worked on.
std::vector<StepRow> next_rows(ReadBlock& read, std::size_t& taken) {
  const std::size_t end = std::min(read.rows.size(), taken + kMaxStepRows);
  std::vector<StepRow> rows;
  for (; taken < end; ++taken) rows.push_back(std::move(read.rows[taken]));
  return rows;
}

// From row `i` on, as far as there are results. The row behind them.
std::size_t add_fates(const WalkBlock& block, std::size_t i, const ReadBlock& read,
                      const std::vector<StepRow>& rows, std::vector<StepResult>& results, BlockFates& fates) {
  for (std::size_t next = 0; i < block.size(); ++i) {
    WalkRow row = data::unparsed_row(block, i);
    const ReadRow& what = read.all[i];
    if (!what.problem.empty()) {
      row.problem = what.problem;
      fates.refuse(row);
    } else if (what.passes) {
      fates.keep(row);
      fates.describe(what.id);
    } else if (next < results.size()) {
      add_fate(row, rows[next].id, results[next], fates);
      ++next;
    } else {
      break;
    }
  }
  return i;
}

}  // namespace

void add_made(data::SynthesisRow&& made, StepResult& result) {
  if (made.reason.empty())
    result.made.push_back(std::move(made.row));
  else
    result.reasons.push_back(std::move(made.reason));
}

void run_generation_step(const DataFlags& flags, const Json& shown, const StepWork& work,
                         const std::function<Json()>& more, const MakePass& make_pass) {
  // The requests of a block are asked together: more of them keep a server busy.
  DataRun run(flags, shown, data::RowLimits{}.block_bytes);
  BlockFates fates;
  const auto read_block = [&make_pass](const WalkBlock& block, JsonRow& json, ReadBlock& read) {
    if (make_pass && !read.pass) read.pass = make_pass();
    read.all.clear();
    read.rows.clear();
    for (std::size_t i = 0; i < block.size(); ++i) read_row(walk_row(block, i, json), read);
  };
  run.walk().run<ReadBlock>(read_block, [&](const WalkBlock& block, ReadBlock& read) {
    std::size_t taken = 0;
    for (std::size_t i = 0; i < block.size();) {
      std::vector<StepRow> rows = next_rows(read, taken);
      std::vector<StepResult> results = results_of(rows, work);
      fates.clear(run.details());
      i = add_fates(block, i, read, rows, results, fates);
      run.take(fates);
    }
  });
  run.finish(more ? more() : Json::object());
}

std::size_t count_rows(const std::vector<std::string>& files) {
  data::RowWalk walk(files, {.threads = 1});
  std::size_t rows = 0;
  walk.run<std::size_t>([](const WalkBlock& block, JsonRow&, std::size_t& found) { found = block.size(); },
                        [&rows](const WalkBlock&, std::size_t& found) { rows += found; });
  return rows;
}

}  // namespace caravan::recipes
