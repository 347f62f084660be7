#include "recipes/release/run_release.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <optional>

#include "data/chat/checkpoint_template.h"
#include "data/error.h"
#include "data/walk/whole_file.h"
#include "models/llama/config.h"
#include "models/llama/parameter_shapes.h"
#include "recipes/curation/claim_folder.h"
#include "recipes/device.h"
#include "recipes/evaluation/evaluate_model.h"
#include "recipes/evaluation/task_report.h"
#include "recipes/model_folder.h"
#include "recipes/pipeline/pipeline_state.h"
#include "recipes/release/model_card.h"
#include "recipes/release/probe.h"
#include "recipes/release/release_files.h"
#include "recipes/resolved_recipe.h"
#include "recipes/stages/input_hashes.h"
#include "recipes/versions.h"
#include "trainer/stop_request.h"

namespace caravan::recipes {
namespace {

namespace fs = std::filesystem;
using data::Error;
using data::Json;

class Release {
 public:
  Release(const ReleaseRecipe& recipe, const std::vector<std::string>& command, bool quiet)
      : recipe_(recipe),
        command_(command),
        quiet_(quiet),
        dir_(recipe.run.dir),
        device_(choose_device(recipe.run.device, ask_cuda(), "run.device")) {}

  void run() {
    const bool is_base = recipe_.model.chat_template == "none";
    if (is_base && data::read_checkpoint_template(recipe_.model.path).source)
      throw Error(Error::Kind::kUsage,
                  recipe_.model.path +
                      ": has a chat template, and model.chat_template is none; write auto, "
                      "or release a checkpoint without one");
    std::vector<ReadTask> tasks = read_tasks(recipe_.evaluation.tasks, recipe_.evaluation.overrides());
    const TaskSet set = read_task_set(std::move(tasks), recipe_.evaluation.task_data,
                                      recipe_.evaluation.max_items.value_or(0));
    facts_.stages = stages_of_model();
    begin("hashing " + recipe_.model.path);
    const ReleaseFiles files(recipe_.model.path);
    if (fs::exists(dir_ / "final")) {
      files.require_same_release(dir_ / "final");
      say((dir_ / "final").string() + " is released already; its files are what they were");
      return;
    }
    begin("probing the checkpoint");
    const ProbeResult before =
        probe_model(recipe_.model.path, recipe_.model.chat_template, recipe_.probe, device_);
    require_trained_text(before);
    evaluate(set);
    const fs::path partial = dir_ / "final.partial";
    begin("writing " + partial.string());
    fs::remove_all(partial);
    fs::create_directories(partial);
    files.write_to(partial, recipe_.run.weights == WeightFiles::kLink, template_text());
    begin("opening what was written, and probing it");
    const ProbeResult after =
        probe_model(partial.string(), is_base ? "none" : "auto", recipe_.probe, device_);
    if (const std::string difference = difference_of(before, after); !difference.empty())
      throw Error(Error::Kind::kInternal, partial.string() + ": is not the model of " + recipe_.model.path +
                                              ": " + difference + "; nothing was released");
    describe(partial, files, after);
    ReleaseFiles::publish(partial, dir_ / "final");
    say("released: " + (dir_ / "final").string());
  }

 private:
  void say(const std::string& text) const {
    if (!quiet_) std::cerr << "caravan: release: " << text << std::endl;
  }

  // A step, each of which may take minutes.
  void begin(const std::string& text) const {
    if (trainer::StopRequest::requested())
      throw Error(Error::Kind::kInterrupted,
                  dir_.string() + ": stopped, and nothing is released; the same command does it again");
    say(text);
  }

  // Those that were done, but for this one; of a stage that was gone back to, all attempts.
  std::vector<StageStory> stages_of_model() const {
    fs::path story_dir = recipe_.pipeline;
    if (story_dir.empty()) {
      const fs::path run = fs::path(recipe_.model.path).lexically_normal().parent_path();
      if (!fs::exists(run / "run.json")) return {};
      story_dir = run;
    }
    std::vector<StageStory> stages = read_story(story_dir).stages;
    std::erase_if(stages, [&](const StageStory& stage) {
      std::error_code ignored;
      return fs::equivalent(stage.dir, dir_, ignored) || (!stage.state.empty() && stage.state != "done");
    });
    return stages;
  }

  // Tokenizer and template of the run that wrote the checkpoint; nothing where it is not known.
  void require_trained_text(const ProbeResult& probe) const {
    for (const StageStory& stage : facts_.stages) {
      std::error_code ignored;
      if (!stage.card.is_object() || !fs::equivalent(stage.dir / "final", recipe_.model.path, ignored))
        continue;
      const Json hashes = stage.card.value("hashes", Json::object());
      const auto differs = [&](const char* name, const std::string& here) {
        const Json there = hashes.value(name, Json());
        return there.is_string() && there != here;
      };
      if (differs("tokenizer", probe.tokenizer))
        throw Error(Error::Kind::kUsage, recipe_.model.path + ": its tokenizer is not the one that " +
                                             stage.name +
                                             " was trained with (data.tokenizer); put that one's "
                                             "files into the checkpoint");
      if (!probe.chat_template.empty() && differs("chat_template", probe.chat_template))
        throw Error(Error::Kind::kUsage,
                    "model.chat_template: " + recipe_.model.chat_template + " is not the template that " +
                        stage.name + " was trained with; name that one, as its data.chat_template does");
    }
  }

  std::string template_text() const {
    const std::string& choice = recipe_.model.chat_template;
    if (choice == "auto" || choice == "none") return {};
    return data::choose_template(choice, data::read_checkpoint_template(recipe_.model.path)).source();
  }

  void evaluate(const TaskSet& set) {
    if (set.tasks.empty()) return;
    const std::string out = (dir_ / "evaluation").string();
    data::make_folder(out);
    const bool is_base = recipe_.model.chat_template == "none";
    const auto results = evaluate_model({.model = recipe_.model.path,
                                         .out = out,
                                         .chat_template = is_base ? "auto" : recipe_.model.chat_template,
                                         .dtype = std::nullopt,
                                         .device = device_,
                                         .quiet = quiet_},
                                        set);
    require_no_doubt(results);
    facts_.scores = read_evaluation(out, -1).scores;
    if (!quiet_) std::cout << task_table(results) << std::flush;
  }

  // The files that tell of the others.
  void describe(const fs::path& folder, const ReleaseFiles& files, const ProbeResult& probe) {
    const models::LlamaConfig config = models::read_llama_config((folder / "config.json").string());
    const std::string name =
        recipe_.name.empty() ? fs::absolute(dir_).lexically_normal().filename().string() : recipe_.name;
    facts_.title = recipe_.card.title.empty() ? name : recipe_.card.title;
    facts_.about = files.text_of(recipe_.card.about);
    facts_.architecture = std::string(models::architecture_name(config.model_type));
    facts_.dtype = config.dtype ? std::string(models::dtype_name(*config.dtype)) : "mixed types";
    for (const models::TensorShape& shape : models::llama_parameter_shapes(config)) {
      std::int64_t size = 1;
      for (const std::int64_t extent : shape.shape) size *= extent;
      facts_.parameters += size;
    }
    facts_.positions = config.max_position_embeddings;
    facts_.has_template = recipe_.model.chat_template != "none";
    facts_.files = hash_files(ReleaseFiles::listed(folder));
    facts_.versions = linked_versions();
    facts_.probe = probe.summary();
    facts_.command = command_;
    facts_.date = utc_now();
    const std::string card = model_card(recipe_.card, facts_);
    data::write_whole_file((folder / "README.md").string(), card, {});
    write_release_json(folder, files, name);
    std::string sums;
    for (const auto& [file, hash] : hash_files(ReleaseFiles::listed(folder)))
      sums += hash.substr(std::strlen("sha256:")) + "  " + file + "\n";
    data::write_whole_file((folder / "SHA256SUMS").string(), sums, {});
  }

  void write_release_json(const fs::path& folder, const ReleaseFiles& files, const std::string& name) const {
    Json scores = Json::object(), stages = Json::array();
    for (const TaskScore& score : facts_.scores)
      scores[score.suite][score.task + "/" + score.metric] = score.value;
    for (const StageStory& stage : facts_.stages)
      stages.push_back({{"stage", stage.name}, {"attempt", stage.attempt}, {"kind", stage.kind}});
    const Json json{{"name", name},
                    {"released", facts_.date},
                    {"checkpoint", files.hashes()},
                    {"files", facts_.files},
                    {"probe",
                     {{"texts", facts_.probe.texts},
                      {"tokens", facts_.probe.tokens},
                      {"answer_tokens", facts_.probe.answer_tokens}}},
                    {"scores", std::move(scores)},
                    {"stages", std::move(stages)},
                    {"versions", facts_.versions}};
    data::write_whole_file((folder / "release.json").string(), json.dump(1) + "\n", {});
  }

  const ReleaseRecipe& recipe_;
  const std::vector<std::string>& command_;
  bool quiet_;
  fs::path dir_;
  at::Device device_;
  CardFacts facts_;
};

}  // namespace

void check_release_files(const ReleaseRecipe& recipe) {
  refuse_run_folder(recipe.model.path);
  std::error_code ignored;
  if (!fs::is_regular_file(fs::path(recipe.model.path) / "config.json", ignored))
    throw Error(Error::Kind::kUsage,
                "model.path: " + recipe.model.path +
                    " holds no config.json; name a checkpoint folder in Hugging Face layout");
  if (!recipe.card.about.empty() && !fs::is_regular_file(recipe.card.about, ignored))
    throw Error(Error::Kind::kUsage, "card.about: " + recipe.card.about + ": no such file");
}

void run_release(const ReadReleaseRecipe& read, const std::vector<std::string>& command, bool quiet) {
  check_release_files(read.recipe);
  std::optional<trainer::RunLock> lock;
  claim_folder(read.recipe.run.dir, "release", lock);
  const trainer::StopRequest stop(true);
  data::write_whole_file(read.recipe.run.dir + "/recipe.yaml", resolved_yaml(read.recipe), {true, {}});
  Release(read.recipe, command, quiet).run();
}

}  // namespace caravan::recipes
