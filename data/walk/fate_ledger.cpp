#include "data/walk/fate_ledger.h"

#include <algorithm>

#include "data/error.h"
#include "data/readers/json_text.h"
#include "data/readers/row_stream.h"
#include "data/text_table.h"
#include "data/visible_text.h"

namespace caravan::data {
namespace {

constexpr std::size_t kMaxPlaces = 3;

void append_member(std::string& out, std::string_view name, std::string_view text) {
  append_json_key(out, name);
  append_json_string(out, text);
}

Json totals_json(const FateTotals& totals) {
  return {{"rows", totals.rows},      {"kept", totals.kept},       {"repaired", totals.repaired},
          {"merged", totals.merged},  {"dropped", totals.dropped}, {"ignored", totals.ignored},
          {"written", totals.written}};
}

void check_equal(const char* what, std::uint64_t ledger, std::uint64_t found) {
  if (ledger == found) return;
  throw Error(Error::Kind::kInternal, std::string("the ledger does not balance: it counts ") +
                                          std::to_string(ledger) + " " + what + ", " + std::to_string(found) +
                                          " were found; nothing was written, please report this defect");
}

}  // namespace

std::string name_of(RowFate fate) {
  switch (fate) {
    case RowFate::kKept:
      return "kept";
    case RowFate::kRepaired:
      return "repaired";
    case RowFate::kDropped:
      return "dropped";
    case RowFate::kIgnored:
      return "ignored";
    case RowFate::kMerged:
      return "merged";
  }
  return "unknown";
}

void FateTotals::count(RowFate fate) {
  ++rows;
  kept += fate == RowFate::kKept;
  repaired += fate == RowFate::kRepaired;
  merged += fate == RowFate::kMerged;
  dropped += fate == RowFate::kDropped;
  ignored += fate == RowFate::kIgnored;
}

void FateTotals::add(const FateTotals& other) {
  rows += other.rows;
  kept += other.kept;
  repaired += other.repaired;
  merged += other.merged;
  dropped += other.dropped;
  ignored += other.ignored;
  written += other.written;
}

FateLedger::FateLedger(Options options) : options_(std::move(options)), per_file_(options_.files.size()) {
  for (const std::string& file : options_.files)
    file_texts_.push_back(Json(file).dump(-1, ' ', false, Json::error_handler_t::replace));
  if (options_.folder.empty()) return;
  for (const std::string& file : options_.files) row_keys_.push_back(",\"" + row_word(file) + "\":");
  make_folder(options_.folder);
  const WholeFileOptions file{options_.force, options_.files};
  // Refused now rather than when all is done.
  if (!options_.force) WholeFile(options_.folder + "/report.json", file);
  fates_ = std::make_unique<RowWriter>(options_.folder + "/fates.jsonl", file, true);
}

void FateLedger::count(const BlockFates::Row& row) {
  const bool unused =
      row.fate == RowFate::kDropped || row.fate == RowFate::kIgnored || row.fate == RowFate::kMerged;
  if (unused != (row.num_lines == 0)) {
    throw Error(Error::Kind::kInternal,
                "the ledger does not balance: row " + std::to_string(row.where.line) + " of " +
                    options_.files[row.where.file] + " is " + name_of(row.fate) + " and became " +
                    std::to_string(row.num_lines) + " lines; please report this defect");
  }
  for (FateTotals* totals : {&totals_, &per_file_[row.where.file]}) {
    totals->count(row.fate);
    totals->written += row.num_lines;
  }
  for (std::size_t i = 0; i < row.reasons.size(); ++i) {
    std::string code = row.reasons[i];
    // A file may hold a new role in every row; what does not fit is counted without its detail.
    constexpr std::size_t kMaxReasons = 10000;
    if (reasons_.size() >= kMaxReasons && !reasons_.contains(code))
      code.resize(std::min(code.rfind(':'), code.size()));
    Reason& reason = reasons_[code];
    if (reason.rows++ == 0) reason.fate = row.fate;
    if (reason.places.size() < std::max(kMaxPlaces, options_.samples)) reason.places.push_back(row.where);
    if (reason.samples.size() < options_.samples) {
      constexpr std::size_t kSampleBytes = 4 * kSampleWidth;
      reason.samples.push_back(i < row.excerpts.size()
                                   ? row.excerpts[i]
                                   : visible_text(row.bytes.substr(0, kSampleBytes), kSampleWidth));
    }
  }
}

void FateLedger::write_fate(const BlockFates::Row& row, const BlockFates::Line*& line) {
  text_ += '{';
  text_ += "\"file\":" + file_texts_[row.where.file];
  text_ += row_keys_[row.where.file] + std::to_string(row.where.line) + ',';
  if (!row.id.empty()) {
    append_member(text_, "id", row.id);
    text_ += ',';
  }
  append_member(text_, "fate", name_of(row.fate));
  text_ += ",\"reasons\":[";
  for (const std::string& reason : row.reasons) {
    if (text_.back() != '[') text_ += ',';
    append_json_string(text_, reason);
  }
  text_ += "],";
  append_member(text_, "hash", row.hash);
  text_ += ",\"rows\":[";
  for (std::uint32_t i = 0; i < row.num_lines; ++i, ++line) {
    if (i > 0) text_ += ',';
    const std::uint64_t next = totals_.written - row.num_lines + i + 1;
    text_ += "{\"line\":" + std::to_string(line->number > 0 ? line->number : next) + ',';
    if (!line->id.empty()) {
      append_member(text_, "id", line->id);
      text_ += ',';
    }
    append_member(text_, "hash", line->hash);
    text_ += '}';
  }
  text_ += ']';
  if (!row.more.empty()) text_ += ',' + row.more;
  text_ += "}\n";
}

void FateLedger::take(const BlockFates& block, RowWriter* out) {
  text_.clear();
  const BlockFates::Line* line = block.line_list().data();
  for (const BlockFates::Row& row : block.rows()) {
    count(row);
    if (fates_) write_fate(row, line);
  }
  std::size_t bytes = 0;
  for (const BlockFates::Line& written : block.line_list()) bytes += written.length;
  check_equal("bytes of lines", bytes, block.lines().size());
  if (fates_) fates_->write(text_);
  if (out != nullptr) out->write(block.lines());
}

void FateLedger::check_balance(const RowWalk& walk) const {
  const FateTotals& all = totals_;
  check_equal("rows", all.rows, walk.rows_read());
  check_equal("rows with a fate", all.kept + all.repaired + all.merged + all.dropped + all.ignored, all.rows);
  for (std::size_t i = 0; i < per_file_.size(); ++i)
    check_equal("rows of a file", per_file_[i].rows, walk.files_read().at(i).rows);
}

Json FateLedger::report(const RowWalk& walk, const std::string& out_path, const RowWriter* out, Json head,
                        const Json& more) const {
  Json inputs = Json::array();
  for (std::size_t i = 0; i < walk.files_read().size(); ++i) {
    const FileRead& file = walk.files_read()[i];
    Json entry{{"path", file.path}, {"sha256", file.sha256}, {"bytes", file.bytes}};
    entry.update(totals_json(per_file_[i]));
    inputs.push_back(std::move(entry));
  }
  Json reasons = Json::array();
  for (const auto& [code, reason] : reasons_) {
    reasons.push_back(
        {{"reason", code},
         {"rows", reason.rows},
         {"first", {{"file", options_.files[reason.places[0].file]}, {"line", reason.places[0].line}}}});
  }
  head["inputs"] = std::move(inputs);
  if (out != nullptr) {
    head["output"] = {
        {"path", out_path}, {"sha256", out->sha256()}, {"bytes", out->bytes()}, {"rows", totals_.written}};
  }
  head["totals"] = totals_json(totals_);
  head["reasons"] = std::move(reasons);
  head["fates"] = {{"path", "fates.jsonl"}, {"sha256", fates_ ? fates_->sha256() : ""}};
  head.update(more);
  return head;
}

void FateLedger::finish_fates() {
  if (fates_) fates_->finish();
}

void FateLedger::commit(const Json& report) {
  if (!fates_) return;
  fates_->commit();
  const std::string text = report.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
  write_whole_file(options_.folder + "/report.json", text, {true, {}});
}

std::string FateLedger::summary() const {
  std::vector<TableLine> lines{
      {"file", "rows", "kept", "repaired", "merged", "dropped", "ignored", "written"}};
  const auto add = [&lines](std::string name, const FateTotals& totals) {
    TableLine& line = lines.emplace_back(TableLine{std::move(name)});
    for (const std::uint64_t count : {totals.rows, totals.kept, totals.repaired, totals.merged,
                                      totals.dropped, totals.ignored, totals.written})
      line.push_back(grouped(count));
  };
  constexpr std::size_t kMaxFiles = 30;
  const auto name = [this](std::size_t file) {
    const std::string& path = options_.files[file];
    return path.substr(path.rfind('/') + 1);
  };
  for (std::size_t i = 0; i < std::min(per_file_.size(), kMaxFiles); ++i) add(name(i), per_file_[i]);
  if (per_file_.size() > kMaxFiles) {
    FateTotals rest;
    for (std::size_t i = kMaxFiles; i < per_file_.size(); ++i) rest.add(per_file_[i]);
    add(std::to_string(per_file_.size() - kMaxFiles) + " more files", rest);
  }
  if (per_file_.size() > 1) add("all", totals_);
  std::string text = print_table(lines);
  std::vector<std::pair<std::string, const Reason*>> order;
  for (const auto& [code, reason] : reasons_) order.emplace_back(code, &reason);
  std::stable_sort(order.begin(), order.end(),
                   [](const auto& a, const auto& b) { return a.second->rows > b.second->rows; });
  constexpr std::size_t kMaxReasons = 20;
  for (std::size_t i = 0; i < std::min(order.size(), kMaxReasons); ++i) {
    const Reason& reason = *order[i].second;
    text += grouped(reason.rows) + ' ' + name_of(reason.fate) + ", " + order[i].first + ", first " +
            name(reason.places[0].file) + ':' + std::to_string(reason.places[0].line) + '\n';
    for (std::size_t k = 0; k < reason.samples.size(); ++k) {
      text += "    " + name(reason.places[k].file) + ':' + std::to_string(reason.places[k].line) + "  " +
              reason.samples[k] + '\n';
    }
  }
  if (order.size() > kMaxReasons) text += std::to_string(order.size() - kMaxReasons) + " more reasons\n";
  return text;
}

}  // namespace caravan::data
