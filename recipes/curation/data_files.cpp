#include "recipes/curation/data_files.h"

#include <algorithm>
#include <filesystem>

#include "data/converters/converter_table.h"
#include "data/error.h"
#include "data/readers/file_list.h"
#include "recipes/synthesis/rewrite_rows.h"

namespace caravan::recipes {
namespace {

using data::Error;

std::string place(const ReadDataRecipe& read, const std::string& key) {
  const auto given = read.given.find(key);
  return (given == read.given.end() ? read.file : given->second).text();
}

// Gathers what is missing over all lists.
class FileFinder {
 public:
  explicit FileFinder(const ReadDataRecipe& read) : read_(read) {}

  std::vector<std::string> find(const std::string& key, const std::string& path,
                                const std::string& published) {
    try {
      return data::list_files(path);
    } catch (const Error& error) {
      missing_ += (missing_.empty() ? "" : "\n") + place(read_, key) + ": " + key + ": " + error.what();
      if (!published.empty()) missing_ += "; published: " + published;
      return {};
    }
  }
  const std::string& missing() const { return missing_; }

 private:
  const ReadDataRecipe& read_;
  std::string missing_;
};

void refuse_shared(const ReadDataRecipe& read, const std::string& key, const std::vector<std::string>& files,
                   const std::vector<std::string>& items) {
  for (const std::string& item : items) {
    for (const std::string& file : files) {
      std::error_code ignored;
      if (!std::filesystem::equivalent(item, file, ignored)) continue;
      throw Error(Error::Kind::kUsage,
                  place(read, key) + ": " + key + ": " + item +
                      " is a file of sources too; what is evaluated on cannot be trained on");
    }
  }
}

}  // namespace

void check_data_files(const ReadDataRecipe& read) {
  const DataRecipe& recipe = read.recipe;
  FileFinder finder(read);
  std::vector<std::string> files;
  for (std::size_t i = 0; i < recipe.sources.size(); ++i) {
    const DataSource& source = recipe.sources[i];
    if (source.format != "auto") data::converter_named(source.format);
    const std::string key = "sources[" + std::to_string(i) + "].path";
    for (std::string& file : finder.find(key, source.path, source.published))
      files.push_back(std::move(file));
  }
  for (std::size_t i = 0; i < recipe.decontaminate.sets.size(); ++i) {
    const EvalSetOptions& set = recipe.decontaminate.sets[i];
    const std::string key = "decontaminate.sets[" + std::to_string(i) + "].path";
    refuse_shared(read, key, files, finder.find(key, set.path, set.published));
  }
  if (!recipe.decontaminate.embedder.embedder.empty())
    finder.find("decontaminate.embedder", recipe.decontaminate.embedder.embedder + "/config.json", "");
  if (!finder.missing().empty()) throw Error(Error::Kind::kData, finder.missing());
  data::check_filter_options(recipe.filters);
  if (!recipe.rewrite.model.empty()) rewrite_template_of(recipe.rewrite);
  check_models_of(recipe.models);
  check_mix(mix_parts(recipe), recipe.mix);
}

std::vector<std::string> embedder_files(const DataRecipe& recipe) {
  std::vector<std::string> files;
  if (recipe.decontaminate.embedder.embedder.empty()) return files;
  for (const auto& entry : std::filesystem::directory_iterator(recipe.decontaminate.embedder.embedder)) {
    const std::string ending = entry.path().extension().string();
    if (entry.is_regular_file() && (ending == ".safetensors" || ending == ".json" || ending == ".model"))
      files.push_back(entry.path().string());
  }
  std::ranges::sort(files);
  return files;
}

std::vector<data::MixPart> mix_parts(const DataRecipe& recipe) {
  std::vector<data::MixPart> parts;
  for (const DataSource& source : recipe.sources) parts.push_back({source.name, source.amount});
  return parts;
}

std::vector<data::EvalSource> eval_sources(const DataRecipe& recipe) {
  constexpr auto suites = choice_names(EvalSuite{});
  std::vector<data::EvalSource> sources;
  for (const EvalSetOptions& set : recipe.decontaminate.sets) {
    const std::string suite(suites[static_cast<std::size_t>(set.suite)]);
    sources.push_back({suite + '/' + set.name, set.path, set.field});
  }
  return sources;
}

}  // namespace caravan::recipes
