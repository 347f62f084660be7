// A recipe of `stage: release`: a finished checkpoint, tested a last time, checked and described.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "recipes/evaluation/evaluation_recipe.h"
#include "trainer/run_options.h"

namespace caravan::recipes {

enum class ReleaseStage { kRelease };
constexpr std::array<std::string_view, 1> choice_names(ReleaseStage) {
  return {"release"};
}

enum class WeightFiles { kCopy, kLink };
constexpr std::array<std::string_view, 2> choice_names(WeightFiles) {
  return {"copy", "link"};
}

struct ReleasedModel {
  std::string path = {};
  std::string chat_template = "auto";
  bool operator==(const ReleasedModel&) const = default;

  template <class Visitor>
  void visit_fields(Visitor& v) {
    v.field("path", path,
            {.help = "the checkpoint to release: final/ of a run, or any in Hugging Face layout",
             .required = true,
             .path = true});
    v.field("chat_template", chat_template,
            {.help = "goes into the released folder: auto (the checkpoint's own), a built-in name, a file of "
                     "Jinja text; none: a base model that has none",
             .path_or_name = true});
  }
};

// What a person must say of a model; the rest of its card is known.
struct CardOptions {
  std::string title = {};
  std::string license = {};
  std::string base_model = {};
  std::vector<std::string> language = {}, datasets = {}, tags = {};
  std::string about = {};
  bool operator==(const CardOptions&) const = default;

  template <class Visitor>
  void visit_fields(Visitor& v) {
    v.field("title", title, {.help = "heading of the model card; absent: the recipe's name"});
    v.field(
        "license", license,
        {.help = "identifier for the card's front matter, as in apache-2.0; absent: the card names none"});
    v.field("base_model", base_model, {.help = "hub name of what training began with, for the front matter"});
    v.field("language", language, {.help = "language codes for the front matter, as in [en]"});
    v.field("datasets", datasets, {.help = "hub names of data sets for the front matter"});
    v.field("tags", tags, {.help = "further tags for the front matter"});
    v.field("about", about,
            {.help = "file of Markdown text that stands below the heading: intended use, limits, thanks",
             .path = true});
  }
};

struct ProbeOptions {
  std::vector<std::string> texts = {};
  std::int64_t max_new_tokens = 32;
  bool operator==(const ProbeOptions&) const = default;

  template <class Visitor>
  void visit_fields(Visitor& v) {
    v.field("texts", texts, {.help = "texts that are scored and gone on from, beside the built-in ones"});
    v.field("max_new_tokens", max_new_tokens,
            {.help = "length of each greedy answer", .min = 1, .max = 4096});
  }
};

struct ReleaseRunOptions {
  std::string dir = {};
  WeightFiles weights = WeightFiles::kCopy;
  trainer::DeviceChoice device = trainer::DeviceChoice::kAuto;
  bool operator==(const ReleaseRunOptions&) const = default;

  template <class Visitor>
  void visit_fields(Visitor& v) {
    v.field("dir", dir,
            {.help = "the released model comes to final/ in it, its scores to evaluation/",
             .required = true,
             .output_path = true});
    v.field("weights", weights,
            {.help = "copy; link: hard links to the checkpoint's files, which must then never be changed in "
                     "place"});
    v.field("device", device, {.help = "where the probe and the tasks compute"});
  }
};

struct ReleaseRecipe {
  std::int64_t schema = 1;
  ReleaseStage stage = ReleaseStage::kRelease;
  std::string name;
  ReleasedModel model;
  std::string pipeline;
  AskedTasks evaluation;
  CardOptions card;
  ProbeOptions probe;
  ReleaseRunOptions run;
  bool operator==(const ReleaseRecipe&) const = default;

  template <class Visitor>
  void visit_fields(Visitor& v) {
    v.field("schema", schema, {.help = "version of this format", .required = true, .min = 1, .max = 1});
    v.field("stage", stage, {.help = "what to do", .required = true});
    v.field("name", name, {.help = "the model's name; absent: that of run.dir"});
    v.section("model", model, {.help = "what is released"});
    v.field(
        "pipeline", pipeline,
        {.help = "folder of the pipeline that made the model, whose story the card tells; a pipeline sets it "
                 "itself; absent: the run that model.path lies in, where it does",
         .path = true});
    v.section("evaluation", evaluation,
              {.help = "tasks asked a last time, for the card; those of the unseen suite run here alone"});
    v.section("card", card, {.help = "what the model card says that the program cannot know"});
    v.section("probe", probe,
              {.help = "texts by which the released folder is compared with the checkpoint, bit for bit"});
    v.section("run", run, {.help = "where to and how"});
  }
};

}  // namespace caravan::recipes
