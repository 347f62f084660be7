#include "recipes/check_files.h"

#include <glob.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "data/chat/builtin_templates.h"
#include "recipes/model_folder.h"
#include "recipes/nearest_name.h"
#include "recipes/reader/field_values.h"

namespace caravan::recipes {
namespace {

namespace fs = std::filesystem;

struct Missing {
  std::string key;
  std::string text;
};

bool is_file(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored) || fs::is_fifo(path, ignored);
}

bool is_folder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

std::string hint(const std::string& path) {
  if (path.find('$') != std::string::npos)
    return "; variables are not expanded in a recipe: write the path out";
  return "; relative paths start at the recipe's folder, on the command line at the current one";
}

bool matches_a_file(const std::string& pattern) {
  glob_t found{};
  const bool matched = glob(pattern.c_str(), 0, nullptr, &found) == 0;
  bool any = false;
  for (std::size_t i = 0; matched && i < found.gl_pathc && !any; ++i) any = is_file(found.gl_pathv[i]);
  globfree(&found);
  return any;
}

// A folder's name may hold what a pattern would read as more than letters.
bool has_weights(const std::string& folder) {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored))
    if (entry.path().extension() == ".safetensors" && is_file(entry.path().string())) return true;
  return false;
}

void check_sources(const std::vector<data::SourceOptions>& sources, const std::string& list,
                   std::vector<Missing>& missing) {
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const std::string& path = sources[i].path;
    if (is_file(path) || matches_a_file(path)) continue;
    const std::string key = list + '[' + std::to_string(i) + "].path";
    if (is_folder(path)) {
      missing.push_back({key, path + " is a folder; write " + path + "/*.jsonl for the files in it"});
    } else {
      missing.push_back({key, "no file " + path + hint(path)});
    }
  }
}

void check_model(const models::ModelOptions& model, std::vector<Missing>& missing) {
  const std::string& path = model.path;
  std::string text;
  if (!is_folder(path)) {
    text = "no folder " + path +
           "; it must hold a checkpoint in Hugging Face layout, and nothing is downloaded" + hint(path);
  } else if (!is_file(path + "/config.json")) {
    text = path + " has no config.json; a checkpoint in Hugging Face layout has one";
    const std::string made = model_of_run(path);
    if (!made.empty()) text = path + " is the folder of a run; the model it made is " + made;
  } else if (model.init == models::Init::kPretrained && !has_weights(path)) {
    text = path + " has no *.safetensors; convert the weights to safetensors, or set model.init: random";
  }
  if (!text.empty()) missing.push_back({"model.path", text});
}

// A checkpoint beside the model that is trained.
void check_other_model(const std::string& key, const std::string& path, std::vector<Missing>& missing) {
  if (path.empty()) return;
  std::string text;
  if (!is_folder(path))
    text = "no folder " + path + "; it must hold a checkpoint" + hint(path);
  else if (const std::string made = model_of_run(path); !made.empty())
    text = path + " is the folder of a run; the model it made is " + made;
  else if (!is_file(path + "/config.json") || !has_weights(path))
    text = path + " has no config.json or no *.safetensors; name the folder of a checkpoint";
  if (!text.empty()) missing.push_back({key, text});
}

void check_tokenizer(const Recipe& recipe, std::vector<Missing>& missing) {
  const bool own = !recipe.data.tokenizer.empty();
  const std::string& path = own ? recipe.data.tokenizer : recipe.model.path;
  if (own && is_file(path)) return;
  if (!is_folder(path)) {
    // A missing model.path is reported once.
    if (own) missing.push_back({"data.tokenizer", "no file or folder " + path + hint(path)});
    return;
  }
  for (const char* name : {"tokenizer.json", "tokenizer.model", "vocab.json", "encoder.json"}) {
    if (is_file(path + '/' + name)) return;
  }
  missing.push_back({own ? "data.tokenizer" : "model.path",
                     path + " has no tokenizer.json and no tokenizer.model; name one as data.tokenizer"});
}

void check_template(const std::string& chat_template, std::vector<Missing>& missing) {
  const std::string key = "data.chat_template";
  if (chat_template.find('/') != std::string::npos) {
    if (!is_file(chat_template)) missing.push_back({key, "no file " + chat_template + hint(chat_template)});
    return;
  }
  if (chat_template == "auto" || data::find_builtin_template(chat_template) != nullptr) return;
  std::vector<std::string_view> known{"auto"};
  for (const data::BuiltinTemplate& builtin : data::builtin_templates()) known.push_back(builtin.name);
  std::string text = "no built-in template " + chat_template + "; allowed: " + allowed_choices(known) +
                     ", or a file that ends in .jinja";
  if (const auto near = nearest_name(chat_template, known))
    text += "; did you mean " + std::string(*near) + "?";
  missing.push_back({key, text});
}

void check_clean_report(const std::string& path, std::vector<Missing>& missing) {
  if (path.empty() || is_file(path) || is_file(path + "/report.json")) return;
  missing.push_back({"data.require_clean", "no report " + path + hint(path) +
                                               "; caravan data decontaminate --report DIR writes one"});
}

void check_run_folder(const std::string& dir, std::vector<Missing>& missing) {
  fs::path existing = dir;
  std::error_code ignored;
  while (!fs::exists(existing, ignored) && existing.has_relative_path()) existing = existing.parent_path();
  if (!is_folder(existing))
    missing.push_back({"run.dir", existing.string() + " is a file; name a folder, new or old"});
}

// Each at the place of its key.
template <class Read>
void refuse(const std::vector<Missing>& missing, const Read& read) {
  std::vector<Problem> problems;
  for (const Missing& thing : missing) {
    const auto given = read.given.find(thing.key);
    problems.push_back(
        {given == read.given.end() ? read.file : given->second, thing.key + ": " + thing.text});
  }
  if (!problems.empty()) throw RecipeError(std::move(problems));
}

}  // namespace

void require_files(const ReadRecipe& read) {
  const Recipe& recipe = read.recipe;
  std::vector<Missing> missing;
  check_model(recipe.model, missing);
  check_other_model("reference.path", recipe.reference_path(), missing);
  check_other_model("value.path", recipe.value.path, missing);
  check_other_model("reward_model.path", recipe.reward_model.path, missing);
  check_tokenizer(recipe, missing);
  check_sources(recipe.data.sources, "data.sources", missing);
  check_sources(recipe.evaluation.sources, "evaluation.sources", missing);
  check_template(recipe.data.chat_template, missing);
  check_clean_report(recipe.data.require_clean, missing);
  check_run_folder(recipe.run.dir, missing);
  refuse(missing, read);
}

void require_files(const ReadEvaluationRecipe& read) {
  std::vector<Missing> missing;
  for (std::size_t i = 0; i < read.recipe.models.size(); ++i)
    check_other_model("models[" + std::to_string(i) + "].path", read.recipe.models[i].path, missing);
  check_run_folder(read.recipe.run.dir, missing);
  refuse(missing, read);
}

void require_files(const ReadReleaseRecipe& read) {
  std::vector<Missing> missing;
  check_other_model("model.path", read.recipe.model.path, missing);
  check_run_folder(read.recipe.run.dir, missing);
  refuse(missing, read);
}

}  // namespace caravan::recipes
