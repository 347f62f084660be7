#include "recipes/commands/data_inspect.h"

#include <cstdio>

#include "data/converters/converter_table.h"
#include "data/converters/detect_layout.h"
#include "data/error.h"
#include "data/inspection/inspection.h"
#include "data/inspection/inspection_page.h"
#include "data/tokenizers/tokenizer.h"
#include "data/walk/whole_file.h"
#include "recipes/commands/data_run.h"
#include "recipes/shown_text.h"

namespace caravan::recipes {
namespace {

using data::Error;

constexpr const char* kUsage =
    "caravan data inspect IN... [--tokenizer FILE | --model DIR] [--html FILE]\n"
    "\n"
    "Counts rows, characters, tokens, turns, scripts, sources, exact duplicates and the prompts that come "
    "most. Rows may have\n"
    "any layout that `caravan data convert` knows.\n"
    "  --format LAYOUT   default: auto, by the keys of the first rows of each file\n"
    "  --tokenizer FILE  count tokens of the texts with this tokenizer (file or folder); --model DIR: with "
    "that of a checkpoint\n"
    "  --html FILE       the same as a page with histograms\n"
    "  --force           replace a page that exists\n";

struct InspectFlags {
  std::string format = "auto", tokenizer, model, html;
};

std::vector<const data::Converter*> layouts_of(const data::RowInputs& inputs, const std::string& format) {
  std::vector<const data::Converter*> layouts;
  for (const std::string& file : inputs.files()) {
    if (format == "auto" && !data::RowInputs({file}).rereadable())
      throw Error(Error::Kind::kUsage,
                  file + ": can be read once, so its layout cannot be looked for; name it with --format");
    const data::Converter& layout =
        format == "auto" ? data::detect_layout(file) : data::converter_named(format);
    // Columns that nobody named, or records of several rows.
    if (layout.convert == nullptr || layout.name == "columns")
      throw Error(Error::Kind::kUsage,
                  file + ": layout " + std::string(layout.name) +
                      " cannot be read row by row here; convert it first, then inspect the result");
    layouts.push_back(&layout);
  }
  return layouts;
}

// The row's own source, else the file's name.
std::string source_of(const data::JsonValue& row, const std::string& file) {
  const std::optional<data::JsonValue> source = row.find("source");
  return source && source->is(data::JsonValue::Type::kString) ? data::shorten(source->text())
                                                              : file.substr(file.rfind('/') + 1);
}

std::vector<data::RowFacts> facts_of_row(const data::WalkRow& row, const data::Converter& layout,
                                         const std::string& file, const data::Tokenizer* tokenizer) {
  if (row.blank()) return {};
  if (!row.sound()) return {data::RowFacts{.problem = std::string(row.problem)}};
  const data::ConvertOptions options;
  data::Conversion conversion{options};
  std::vector<data::RowFacts> facts;
  try {
    layout.convert(row.root(), conversion);
    for (const data::ConvertedRow& record : conversion.rows) {
      facts.push_back(data::facts_of(record, tokenizer));
      facts.back().source = source_of(row.root(), file);
    }
  } catch (const data::DropRow& drop) {
    facts.assign(1, data::RowFacts{.problem = drop.reason});
  }
  return facts;
}

data::Inspection inspect(const DataFlags& flags, const InspectFlags& asked) {
  const trainer::StopRequest stop;
  const data::RowInputs inputs(flags.inputs);
  const std::vector<const data::Converter*> layouts = layouts_of(inputs, asked.format);
  std::unique_ptr<data::Tokenizer> tokenizer;
  const std::string named = asked.tokenizer.empty() ? asked.model : asked.tokenizer;
  if (!named.empty()) tokenizer = data::load_tokenizer(named);
  data::Inspection inspection(tokenizer != nullptr);
  data::RowWalk walk(inputs.files(), {.threads = static_cast<std::size_t>(flags.threads.value_or(0)),
                                      .stop = trainer::StopRequest::requested});
  using Found = std::vector<data::RowFacts>;
  walk.run<Found>(
      [&](const data::WalkBlock& block, data::JsonRow& json, Found& found) {
        found.clear();
        for (std::size_t i = 0; i < block.size(); ++i) {
          const data::WalkRow row = walk_row(block, i, json);
          for (data::RowFacts& facts :
               facts_of_row(row, *layouts[block.file], inputs.files()[block.file], tokenizer.get()))
            found.push_back(std::move(facts));
        }
      },
      [&](const data::WalkBlock&, Found& found) {
        for (data::RowFacts& facts : found) inspection.add(std::move(facts));
      });
  return inspection;
}

}  // namespace

int run_data_inspect(std::span<const std::string> args) {
  DataFlags flags("data inspect", kUsage, false);
  InspectFlags asked;
  flags.own().add_text("--format", asked.format);
  flags.own().add_text("--tokenizer", asked.tokenizer);
  flags.own().add_text("--model", asked.model);
  flags.own().add_text("--html", asked.html);
  flags.own().add_switch("--force", flags.force);
  if (!flags.parse(args)) return 0;
  if (!asked.tokenizer.empty() && !asked.model.empty())
    flags.own().refuse("--tokenizer and --model exclude each other");
  std::optional<data::WholeFile> page;
  if (!asked.html.empty())
    page.emplace(asked.html, data::WholeFileOptions{flags.force, data::RowInputs(flags.inputs).files()});
  const data::Inspection inspection = inspect(flags, asked);
  if (page) {
    std::string title;
    for (const std::string& name : flags.inputs) title += (title.empty() ? "" : ", ") + name;
    page->write(data::inspection_page(inspection, title));
    page->finish();
    page->commit();
  }
  std::fputs(shown_text(data::inspection_text(inspection)).c_str(), stdout);
  return 0;
}

}  // namespace caravan::recipes
