#include "recipes/commands/mix_run.h"

#include <algorithm>
#include <cstdio>
#include <limits>
#include <optional>

#include "data/choice_name.h"
#include "data/error.h"
#include "data/mixing/content_key.h"
#include "data/mixing/line_order.h"
#include "data/mixing/row_spool.h"
#include "data/readers/json_text.h"
#include "recipes/shown_text.h"

namespace caravan::recipes {
namespace {

using data::BlockFates;
using data::Error;
using data::Json;
using data::JsonRow;
using data::WalkBlock;
using data::WalkRow;

struct Keys {
  struct Row {
    bool readable = false;
    std::uint64_t key = 0;
    std::size_t source = 0;
  };
  std::vector<Row> rows;
  std::string memory;
};

class Mix {
 public:
  Mix(DataRun& run, const DataFlags& flags, const MixRequest& request)
      : run_(run), flags_(flags), request_(request), sources_(request.parts.size()) {
    for (std::size_t part = 0; part < request.num_files.size(); ++part)
      source_of_file_.insert(source_of_file_.end(), request.num_files[part], part);
  }

  int run() {
    read_keys();
    std::vector<std::uint64_t> sizes;
    for (const data::SourceRows& rows : sources_) sizes.push_back(rows.size());
    plan_ = plan_mix(request_.parts, sizes, request_.options);
    const std::string table = shown_text(mix_table(plan_));
    if (request_.only_plan) {
      std::fputs(table.c_str(), stdout);
      return 0;
    }
    if (!flags_.quiet) std::fputs(table.c_str(), stderr);
    order_.emplace(plan_, sources_, std::move(keys_), request_.options, request_.seed);
    spool_.emplace(flags_.out);
    place_rows();
    write_lines();
    return run_.finish({{"mix", mix_json(plan_)}});
  }

 private:
  void read_keys() {
    data::RowWalk walk = run_.first_walk();
    walk.run<Keys>(
        [this](const WalkBlock& block, JsonRow& json, Keys& keys) {
          keys.rows.assign(block.size(), {});
          for (std::size_t i = 0; i < block.size(); ++i) {
            const WalkRow row = walk_row(block, i, json);
            if (!row.sound()) continue;
            keys.rows[i] = {true, data::content_key(row.root(), keys.memory), source_of(row)};
          }
        },
        [this](const WalkBlock&, Keys& keys) { add_keys(keys); });
    run_.remember(walk);
  }

  std::size_t source_of(const WalkRow& row) const {
    if (!source_of_file_.empty()) return source_of_file_[row.where.file];
    const auto member = row.root().find("source");
    for (std::size_t part = 0; member && part < request_.parts.size(); ++part) {
      if (member->equals(request_.parts[part].name)) return part;
    }
    throw Error(Error::Kind::kData, run_.inputs().files()[row.where.file] + ":" +
                                        std::to_string(row.where.line) +
                                        ": its source is none of those that are mixed");
  }

  void add_keys(const Keys& keys) {
    constexpr std::size_t kMaxRows = std::numeric_limits<std::uint32_t>::max();
    if (keys_.size() + keys.rows.size() >= kMaxRows)
      throw Error(Error::Kind::kData, "mix: more than 4294967294 rows; mix them in parts");
    for (const Keys::Row& row : keys.rows) {
      if (row.readable) sources_[row.source].push_back(static_cast<std::uint32_t>(keys_.size()));
      keys_.push_back(row.key);
    }
  }

  // Every row its lines. The lines themselves wait in the spool for their turn.
  void place_rows() {
    struct Found {
      BlockFates fates;
      std::string text;
    };
    run_.walk().run<Found>(
        [this](const WalkBlock& block, JsonRow& json, Found& found) {
          found.fates.clear(run_.details());
          for (std::size_t i = 0; i < block.size(); ++i)
            place(walk_row(block, i, json), found.fates, found.text);
        },
        [this](const WalkBlock& block, Found& found) {
          run_.take_fates(found.fates);
          spool_lines(block, found.fates);
        });
    spool_->finish();
  }

  void place(const WalkRow& row, BlockFates& fates, std::string& text) const {
    if (!row.sound()) {
      fates.refuse(row);
      return;
    }
    const auto lines = order_->lines_of(static_cast<std::uint32_t>(row.number));
    if (lines.empty()) {
      fates.drop(row, "not_taken");
      return;
    }
    std::vector<std::string> reasons;
    if (row.context.byte_order_mark) reasons.emplace_back("repaired:byte_order_mark");
    std::string id = row.id();
    const std::string_view line = with_origin(row, id, text, reasons);
    fates.place(row, line, id, lines, std::move(reasons));
  }

  // The row with its own bytes, behind the id and the source that it lacks.
  std::string_view with_origin(const WalkRow& row, std::string& id, std::string& text,
                               std::vector<std::string>& reasons) const {
    const std::size_t source = source_of(row);
    const std::string& name = request_.parts[source].name;
    std::string added;
    if (!row.root().find("id")) {
      const data::SourceRows& rows = sources_[source];
      id = name + '_' + std::to_string(std::ranges::lower_bound(rows, row.number) - rows.begin());
      data::append_json_key(added, "id");
      data::append_json_string(added, id);
      reasons.emplace_back("repaired:id_added");
    }
    if (!row.root().find("source")) {
      if (!added.empty()) added += ',';
      data::append_json_key(added, "source");
      data::append_json_string(added, name);
      reasons.emplace_back("repaired:source_added");
    }
    const std::string_view bytes = data::one_line(row, text);
    if (added.empty()) return bytes;
    const std::string rest(bytes.substr(bytes.find('{') + 1));
    text = '{' + added + (row.root().num_children() > 0 ? "," : "") + rest;
    return text;
  }

  void spool_lines(const WalkBlock& block, const BlockFates& fates) {
    const BlockFates::Line* line = fates.line_list().data();
    std::string_view bytes = fates.lines();
    for (std::size_t i = 0; i < fates.rows().size(); ++i) {
      const std::uint32_t num_lines = fates.rows()[i].num_lines;
      if (num_lines == 0) continue;
      spool_->add(static_cast<std::uint32_t>(block.first_row + i), bytes.substr(0, line->length - 1));
      bytes.remove_prefix(line->length);
      line += num_lines;
    }
  }

  void write_lines() {
    constexpr std::size_t kBatchBytes = 1u << 20;
    std::string batch;
    std::uint64_t written = 0;
    const auto flush = [&] {
      if (trainer::StopRequest::requested())
        throw Error(Error::Kind::kInterrupted,
                    "stopped on request; nothing was written, run the command again");
      run_.write(batch);
      batch.clear();
    };
    for (const std::uint32_t row : order_->rows_of_lines()) {
      batch += spool_->line(row);
      ++written;
      if (batch.size() >= kBatchBytes) flush();
    }
    flush();
    if (written == run_.ledger().totals().written && written == plan_.written()) return;
    throw Error(Error::Kind::kInternal, "the ledger does not balance: the mix has " +
                                            std::to_string(written) + " lines, the plan " +
                                            std::to_string(plan_.written()) + ", the fates " +
                                            std::to_string(run_.ledger().totals().written) +
                                            "; nothing was written, please report this defect");
  }

  DataRun& run_;
  const DataFlags& flags_;
  const MixRequest& request_;
  std::vector<std::size_t> source_of_file_;  // empty: rows name their source
  std::vector<data::SourceRows> sources_;
  std::vector<std::uint64_t> keys_;
  data::MixPlan plan_;
  std::optional<data::LineOrder> order_;
  std::optional<data::RowSpool> spool_;
};

}  // namespace

Json describe_mix(const MixRequest& request) {
  Json names = Json::array();
  for (const data::MixPart& part : request.parts) names.push_back(part.name);
  return {{"semantics", data::choice_name(request.options.semantics)},
          {"order", data::choice_name(request.options.order)},
          {"seed", request.seed},
          {"total", request.options.total ? Json(*request.options.total) : Json(nullptr)},
          {"sources", names}};
}

int run_mix(DataRun& run, const DataFlags& flags, const MixRequest& request) {
  if (request.options.semantics == data::MixSemantics::kOpenInstruct &&
      request.seed > std::numeric_limits<std::uint32_t>::max())
    throw Error(Error::Kind::kUsage,
                "mix: seed: found " + std::to_string(request.seed) +
                    "; semantics open_instruct takes 0 to 4294967295, as its generator does");
  return Mix(run, flags, request).run();
}

}  // namespace caravan::recipes
