// What an operator meets: commands of the real program in surroundings of all kinds, on one small world of
// data, recipes and a model.
#pragma once

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/program.h"
#include "tests/support/server.h"
#include "tests/support/small_config.h"
#include "tests/support/temp_dir.h"

namespace caravan {

namespace fs = std::filesystem;
using nlohmann::json;
using tests::Program;

inline const std::string kProgram = std::string(CARAVAN_BINARY_DIR) + "/caravan";

// In what a command finds itself.
struct Around {
  std::vector<std::string> variables = {};  // "NAME=VALUE", or "-uNAME" for one that is not set
  // What to do before, as in "ulimit -n 256"; where it holds "$@", it starts the program itself.
  std::string shell = {};
  bool plain_user = false;  // one whom permissions bind
};

// Commands that work on rows or models and leave something in the folder they are given.
struct Job {
  std::string name;
  std::vector<std::string> words;    // "OUT" in them is the folder
  std::vector<std::string> results;  // files that must not depend on how it was disturbed, from the folder
};

class OperatorRun : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (world_) return;
    world_ = std::make_unique<tests::TempDir>();
    chmod(world_->path().c_str(), 0755);
    server_ = std::make_unique<tests::Server>();
    make_inputs();
    make_recipes();
    ASSERT_EQ(run({"train", path("sft.yaml"), "--quiet", "run.dir=" + path("base")}), 0) << log();
  }

  void TearDown() override {
    for (const auto& entry : fs::directory_iterator(start_folder()))
      ADD_FAILURE() << "a command wrote " << entry.path().filename() << " into the current folder";
  }

  static std::string path(const std::string& name) { return (world_->path() / name).string(); }
  static std::string log() { return tests::read_bytes(path("log")); }
  static bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
  }

  static std::vector<std::string> words_in(const Around& around, std::vector<std::string> words) {
    std::vector<std::string> all;
    if (around.plain_user && geteuid() == 0)
      all = {"/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"};
    all.insert(all.end(), {"/usr/bin/env"});
    for (const std::string& variable : around.variables)
      if (variable.starts_with("-u")) all.push_back(variable);
    for (const std::string& variable : around.variables)
      if (!variable.starts_with("-u")) all.push_back(variable);
    if (!around.shell.empty()) {
      const bool executes = has(around.shell, "\"$@\"");
      all.insert(all.end(), {"/bin/bash", "-c", around.shell + (executes ? "" : "; exec \"$0\" \"$@\"")});
    }
    all.push_back(kProgram);
    all.insert(all.end(), words.begin(), words.end());
    return all;
  }
  // Empty, and must be empty at the end: no command writes where nobody told it to.
  static std::string start_folder() {
    fs::create_directories(path("start"));
    return path("start");
  }
  static int run(const std::vector<std::string>& words, const Around& around = {}) {
    return Program(words_in(around, words), path("log"), start_folder()).wait();
  }

  static std::vector<std::string> words_of(const Job& job, const std::string& out) {
    std::vector<std::string> words = job.words;
    for (std::string& word : words)
      for (std::size_t at = 0; (at = word.find("OUT", at)) != std::string::npos; at += out.size())
        word.replace(at, 3, out);
    return words;
  }
  // The folder's own name left out.
  static std::map<std::string, std::string> results_of(const Job& job, const std::string& out) {
    std::map<std::string, std::string> files;
    for (const std::string& name : job.results) {
      std::string& bytes = files[name] = tests::read_bytes(fs::path(out) / name);
      const std::string quoted = json(out).dump(), folder = quoted.substr(1, quoted.size() - 2);
      if (name.ends_with(".json"))
        for (std::size_t at = 0; (at = bytes.find(folder, at)) != std::string::npos;)
          bytes.replace(at, folder.size(), "OUT");
    }
    return files;
  }

  // Whether a plain user can start the program at all: a checkout below a folder of root's cannot be reached.
  static bool plain_user_can_run() { return run({"--version"}, {.plain_user = true}) == 0; }

  static std::vector<Job> jobs() {
    const std::string base = path("base/final");
    return {
        {"data_run",
         {"data", "run", path("data.yaml"), "run.dir=OUT", "out=OUT/train.jsonl", "--quiet"},
         {"train.jsonl", "ledger.json"}},
        {"data_filter",
         {"data", "filter", path("demo/train.jsonl"), "--empty-turns", "--out", "OUT/rows.jsonl", "--report",
          "OUT/report", "--force", "--quiet"},
         {"rows.jsonl"}},
        {"prefer",
         {"prefer", path("prefer.yaml"), "run.dir=OUT", "out=OUT/pairs.jsonl", "--quiet"},
         {"pairs.jsonl", "ledger.json"}},
        {"synthesize",
         {"synthesize", path("synthesize.yaml"), "run.dir=OUT", "out=OUT/rows.jsonl", "--quiet"},
         {"rows.jsonl"}},  // what a kill cost is asked and counted again in its ledger
        {"evaluate",
         {"evaluate", "--model", base, "--tasks", path("sums.yaml"), "--out", "OUT", "--quiet"},
         {"results.json"}},
        {"dpo", {"train", path("dpo.yaml"), "run.dir=OUT", "--quiet"}, {"final/model.safetensors"}},
        {"rlvr", {"train", path("rlvr.yaml"), "run.dir=OUT", "--quiet"}, {"final/model.safetensors"}},
        {"release",
         {"release", path("release.yaml"), "run.dir=OUT", "--quiet"},
         {"final/model.safetensors", "final/config.json"}},
    };
  }
  static Job job(const std::string& name) {
    for (Job& one : jobs())
      if (one.name == name) return one;
    throw std::runtime_error("no job " + name);
  }

  static void write_jsonl(const std::string& name, const std::vector<json>& rows) {
    std::string text;
    for (const json& row : rows) text += row.dump() + "\n";
    world_->write(name, text);
  }
  static std::vector<json> read_jsonl(const std::string& file) {
    std::vector<json> rows;
    std::ifstream lines(file);
    for (std::string line; std::getline(lines, line);) rows.push_back(json::parse(line));
    return rows;
  }

  static inline std::unique_ptr<tests::TempDir> world_;
  static inline std::unique_ptr<tests::Server> server_;

 private:
  static void make_inputs() {
    ASSERT_EQ(run({"demo-data", "--out", path("demo"), "--rows", "150", "--held-out", "12", "--seed", "3"}),
              0)
        << log();
    tests::make_config_small(path("demo/config.json"));
    std::vector<json> pairs, prompts;
    const std::vector<json> dialogues = read_jsonl(path("demo/train.jsonl"));
    for (std::size_t i = 0; i < dialogues.size(); ++i) {
      json chosen = dialogues[i]["messages"], rejected = chosen;
      rejected.back()["content"] =
          "no: " + dialogues[(i + 7) % dialogues.size()]["messages"].back()["content"].get<std::string>();
      pairs.push_back({{"chosen", chosen}, {"rejected", rejected}});
      // About half of random text holds one of these.
      prompts.push_back({{"messages", {chosen[0]}}, {"dataset", "regex"}, {"ground_truth", "[0-2]"}});
    }
    write_jsonl("pairs.jsonl", pairs);
    write_jsonl("prompts.jsonl", prompts);
    std::vector<json> items;
    for (int i = 0; i < 40; ++i)
      items.push_back({{"q", "What is " + std::to_string(i) + " + 1?"}, {"a", "[0-9]"}});
    write_jsonl("sums.jsonl", items);
    world_->write("personas.txt", "A keeper of bees\nA pilot\nA baker\n");
  }

  static void make_recipes() {
    const std::string head = "schema: 1\nstage: ";
    world_->write("sft.yaml",
                  head +
                      "sft\nmodel: {path: demo, init: random, dtype: fp32}\n"
                      "data: {sources: [{path: demo/train.jsonl}], max_length: 256 tokens}\n"
                      "batch: {tokens: 1024, micro_tokens: 512}\noptimizer: {learning_rate: 1.0e-3}\n"
                      "schedule: {name: constant}\n"
                      "run: {dir: unset, max_steps: 12, seed: 5, checkpoint_every: 3 steps}\n");
    world_->write("dpo.yaml",
                  head +
                      "dpo\nmodel: {path: base/final, dtype: fp32}\n"
                      "data: {sources: [{path: pairs.jsonl, format: preference}], max_length: 128 tokens}\n"
                      "batch: {sequences: 12, micro_tokens: 512}\noptimizer: {learning_rate: 1.0e-3}\n"
                      "schedule: {name: constant}\nloss: {name: dpo_norm, beta: 5}\n"
                      "run: {dir: unset, max_steps: 8, seed: 5, checkpoint_every: 2 steps}\n");
    world_->write("rlvr.yaml",
                  head +
                      "rlvr\nmodel: {path: base/final, dtype: fp32}\n"
                      "data: {sources: [{path: prompts.jsonl}], max_length: 128 tokens}\n"
                      "batch: {sequences: 8, micro_tokens: 256}\noptimizer: {learning_rate: 3.0e-3}\n"
                      "schedule: {name: constant}\n"
                      "rollout: {prompts: 4, completions: 4, max_new_tokens: 12}\nloss: {name: grpo}\n"
                      "run: {dir: unset, max_steps: 8, seed: 5, checkpoint_every: 2 steps}\n");
    world_->write("data.yaml", head +
                                   "data\nout: unset.jsonl\n"
                                   "sources: [{name: demo, path: demo/train.jsonl, format: messages}]\n"
                                   "deduplicate: {method: exact}\nrun: {dir: unset}\n");
    world_->write("prefer.yaml",
                  head +
                      "prefer\nout: unset.jsonl\nprompts: {path: prompts.jsonl, rows: 60}\n"
                      "models: [{name: policy, checkpoint: base/final}]\n"
                      "responses: {per_prompt: 3, temperature: 1.0, max_tokens: 12}\n"
                      "verifier: {reward: regex}\npairs: {scorer: verifier, rule: best_random_lower}\n"
                      "run: {dir: unset, seed: 1}\n");
    world_->write("synthesize.yaml",
                  head +
                      "synthesize\nout: unset.jsonl\n"
                      "models: [{name: writer, url: \"" +
                      server_->url() +
                      "\", model: sums, concurrency: 2, backoff_seconds: 0.01}]\n"
                      "personas: {path: personas.txt}\n"
                      "tasks: [{name: sums, kind: persona, family: grade_school_math, model: writer, "
                      "answer_model: writer, rows: 60}]\nrun: {dir: unset, seed: 1}\n");
    world_->write("release.yaml",
                  head + "release\nname: camel\nmodel: {path: base/final}\nrun: {dir: unset}\n");
    world_->write(
        "sums.yaml",
        "schema: 1\nname: sums\nkind: generation\nsuite: development\ndata: sums.jsonl\nchat: true\n"
        "prompt: \"{{ q }}\"\nground_truth: \"{{ a }}\"\nverifiers: [{name: regex}]\n"
        "generation: {max_new_tokens: 12}\n");
  }
};

}  // namespace caravan
