// Recipes of stage data: reading, running, stopping and going on.
#include <gtest/gtest.h>

#include <map>
#include <sstream>

#include "data/decontamination/clean_report.h"
#include "data/error.h"
#include "recipes/curation/run_data_recipe.h"
#include "recipes/resolved_recipe.h"
#include "tests/support/json_file.h"
#include "tests/support/server.h"
#include "tests/support/temp_dir.h"

namespace caravan::recipes {
namespace {

using data::Error;
using data::Json;

std::string chat(const std::string& prompt, const std::string& answer) {
  return Json{{"messages",
               {{{"role", "user"}, {"content", prompt}}, {{"role", "assistant"}, {"content", answer}}}}}
             .dump() +
         "\n";
}

std::string error_of(const std::function<void()>& act) {
  try {
    act();
  } catch (const Error& error) {
    return std::to_string(error.exit_code()) + " " + error.what();
  } catch (const RecipeError& error) {
    return "2 " + std::string(error.what());
  }
  return "no error";
}

class DataRecipeRun : public testing::Test {
 protected:
  void SetUp() override {
    std::string a, b, items;
    for (int i = 0; i < 40; ++i)
      a += chat("Tell me of town number " + std::to_string(i), "It lies by a river.");
    a += chat("Tell me of town number 3", "It lies by a river.");  // a copy
    a += chat("Who are you?", "I was made by OpenAI.");
    for (int i = 0; i < 30; ++i) b += chat("What is the use of tool " + std::to_string(i), "It cuts wood.");
    const std::string leak =
        "A train leaves the old harbour at nine and meets another one after seven hours where";
    b += chat(leak, "At four.");
    items = Json{{"question", leak}}.dump() + "\n";
    dir_.write("a.jsonl", a);
    dir_.write("b.jsonl", b);
    dir_.write("items.jsonl", items);
  }
  std::string text(const std::string& more = "") const {
    const std::string root = dir_.path().string();
    return "schema: 1\nstage: data\nout: " + root + "/out.jsonl\nsources:\n  - {name: towns, path: a.jsonl" +
           more +
           "}\n  - {name: tools, path: b.jsonl, take: 10 rows}\nfilters: {reference: true}\n"
           "deduplicate: {method: exact}\ndecontaminate:\n  sets:\n"
           "    - {name: trains, suite: unseen, path: items.jsonl, field: question}\nrun: {dir: " +
           root + "/run, seed: 3}\n";
  }
  ReadDataRecipe read(const std::string& recipe) const {
    return read_data_recipe_text(recipe, "d.yaml", dir_.path(), {});
  }
  int run(const std::string& recipe) const { return run_data_recipe(read(recipe), true); }
  std::string path(const std::string& name) const { return (dir_ / name).string(); }

  const tests::TempDir dir_;
};

TEST_F(DataRecipeRun, EveryRowIsAccountedForFromSourceToMix) {
  ASSERT_EQ(run(text()), 0);
  const Json ledger = tests::read_json(path("run/ledger.json"));
  // 42 rows: a copy and a provider's name are dropped; of 31 the leak is, and 10 are taken.
  EXPECT_EQ(ledger["sources"][0],
            (Json{{"name", "towns"}, {"rows", 42}, {"records", 42}, {"left", 40}, {"written", 40}}));
  EXPECT_EQ(ledger["sources"][1],
            (Json{{"name", "tools"}, {"rows", 31}, {"records", 31}, {"left", 30}, {"written", 10}}));
  EXPECT_EQ(tests::read_json_lines(path("out.jsonl")).size(), 50u);
  ASSERT_EQ(ledger["steps"].size(), 6u);
  for (std::size_t i = 3; i < 6; ++i)
    EXPECT_EQ(ledger["steps"][i]["totals"]["rows"], ledger["steps"][i - 1]["totals"]["written"]);
  EXPECT_EQ(tests::read_json_lines(path("run/reports/4-decontaminate/matches.jsonl")).size(), 1u);
}

TEST_F(DataRecipeRun, TheMixOfCleanFilesIsClean) {
  ASSERT_EQ(run(text()), 0);
  EXPECT_NO_THROW(data::require_clean(path("run/reports/5-mix"), {path("out.jsonl")}));
  EXPECT_THROW(data::require_clean(path("run/reports/5-mix"), {path("a.jsonl")}), Error);
  std::filesystem::remove_all(path("run/reports/4-decontaminate"));
  EXPECT_THROW(data::require_clean(path("run/reports/5-mix"), {path("out.jsonl")}), Error);
}

// What a step wrote is the sign that it was done again.
TEST_F(DataRecipeRun, OnlyWhatAChangeReachesIsDoneAgain) {
  ASSERT_EQ(run(text()), 0);
  const std::string before = tests::read_bytes(path("out.jsonl"));
  const auto time_of = [this](const char* step) {
    return std::filesystem::last_write_time(path(std::string("run/reports/") + step + "/step.json"));
  };
  const auto convert = time_of("1-convert-towns"), search = time_of("4-decontaminate"),
             mix = time_of("5-mix");
  ASSERT_EQ(run(text()), 0);
  EXPECT_EQ(time_of("5-mix"), mix);
  ASSERT_EQ(run(text(", take: 50 %")), 0);
  EXPECT_EQ(time_of("1-convert-towns"), convert);
  EXPECT_EQ(time_of("4-decontaminate"), search);
  EXPECT_NE(time_of("5-mix"), mix);
  EXPECT_EQ(tests::read_json_lines(path("out.jsonl")).size(), 30u);
  // A step that was lost is made again, with the same bytes.
  std::filesystem::remove(path("run/rows/3-deduplicate.jsonl"));
  ASSERT_EQ(run(text()), 0);
  EXPECT_EQ(tests::read_bytes(path("out.jsonl")), before);
  // A source that changed reaches all.
  dir_.write("a.jsonl", chat("One more", "Yes."));
  ASSERT_EQ(run(text()), 0);
  EXPECT_EQ(tests::read_json_lines(path("out.jsonl")).size(), 11u);
}

TEST_F(DataRecipeRun, FilesOfOthersAreNotReplaced) {
  dir_.write("out.jsonl", "mine\n");
  EXPECT_TRUE(
      error_of([&] { run(text()); }).starts_with("77 " + path("out.jsonl") + ": exists, and this run"));
  EXPECT_EQ(tests::read_bytes(path("out.jsonl")), "mine\n");
  dir_.write("other/notes.txt", "mine\n");
  std::string elsewhere = text();
  elsewhere.replace(elsewhere.rfind("/run,"), 5, "/other,");
  EXPECT_TRUE(
      error_of([&] { run(elsewhere); }).starts_with("77 " + path("other") + ": holds something else"));
}

TEST_F(DataRecipeRun, AllMissingFilesAreNamedWithWhereTheyArePublished) {
  std::filesystem::remove(path("a.jsonl"));
  std::filesystem::remove(path("items.jsonl"));
  const std::string error = error_of([&] { run(text(", published: the library")); });
  EXPECT_TRUE(error.starts_with("65 d.yaml:5:")) << error;
  EXPECT_NE(error.find("published: the library"), std::string::npos) << error;
  EXPECT_NE(error.find("decontaminate.sets[0].path: "), std::string::npos) << error;
  EXPECT_FALSE(std::filesystem::exists(path("run")));
}

TEST_F(DataRecipeRun, MistakesInTheRecipeAreToldAtOnce) {
  const std::string error = error_of([&] {
    read(
        "schema: 1\nstage: data\nout: x.jsonl\nsources: [{name: a/b, path: x}, {name: c, path: y, takes: 5 "
        "%}]\n"
        "deduplicate: {threshold: 0.5}\nrun: {dir: r}\n");
  });
  EXPECT_NE(error.find("sources[0].name: found \"a/b\""), std::string::npos) << error;
  EXPECT_NE(error.find("takes: unknown key; did you mean take?"), std::string::npos) << error;
  EXPECT_NE(error.find("deduplicate.threshold has no effect"), std::string::npos) << error;
}

TEST_F(DataRecipeRun, AResolvedRecipeReadsBackTheSame) {
  const std::string head =
      "schema: 1\nstage: data\nout: o.jsonl\nrun: {dir: r}\nsources: [{name: a, path: a.jsonl}]\n";
  const std::string set = "decontaminate: {sets: [{name: s, suite: unseen, path: items.jsonl}]";
  for (const std::string& recipe :
       {text(), head, head + "deduplicate: {method: none}\n",
        head + "deduplicate: {method: near, keep: longest}\n",
        head + set + ", measure: tfidf, remove_from: 0.8}\n", head + "filters: {reference: true}\n",
        head + "models: [{name: m, url: \"http://localhost:1\", model: t}]\nrewrite: {model: m}\n"}) {
    const DataRecipe once = read(recipe).recipe;
    const std::string resolved = resolved_yaml(once);
    EXPECT_EQ(error_of([&] { EXPECT_EQ(read(resolved).recipe, once) << resolved; }), "no error") << resolved;
  }
}

TEST_F(DataRecipeRun, RecipesOfModelsReadBackTheSame) {
  const std::string models = "models: [{name: m, url: \"http://localhost:1\", model: t}]\nrun: {dir: r}\n";
  for (const char* deduplicate : {"", "deduplicate: {method: none}\n", "deduplicate: {method: near}\n"}) {
    const std::string recipe = "schema: 1\nstage: synthesize\nout: o.jsonl\n" + models + deduplicate +
                               "tasks: [{name: t, kind: answer, answer_model: m, path: a.jsonl}]\n";
    const auto read_text = [&](const std::string& yaml) {
      return read_synthesis_recipe(dir_.write("s.yaml", yaml)).recipe;
    };
    const SynthesisRecipe once = read_text(recipe);
    const std::string resolved = resolved_yaml(once);
    EXPECT_EQ(error_of([&] { EXPECT_EQ(read_text(resolved), once) << resolved; }), "no error") << resolved;
  }
  for (const char* scorer : {"verifier: {reward: math}\npairs: {scorer: verifier}\n",
                             "verifier: {reward: math}\npairs: {scorer: verifier, output: best}\n"}) {
    const std::string recipe =
        "schema: 1\nstage: prefer\nout: o.jsonl\n" + models + scorer + "prompts: {path: a.jsonl}\n";
    const auto read_text = [&](const std::string& yaml) {
      return read_preference_recipe(dir_.write("p.yaml", yaml)).recipe;
    };
    const PreferenceRecipe once = read_text(recipe);
    const std::string resolved = resolved_yaml(once);
    EXPECT_EQ(error_of([&] { EXPECT_EQ(read_text(resolved), once) << resolved; }), "no error") << resolved;
  }
}

TEST_F(DataRecipeRun, WhatAnAbsentStepIsToldHasNoEffect) {
  const std::string head =
      "schema: 1\nstage: data\nout: o.jsonl\nrun: {dir: r}\nsources: [{name: a, path: a.jsonl}]\n";
  const auto error = [&](const std::string& more) { return error_of([&] { read(head + more); }); };
  EXPECT_NE(error("deduplicate: {keep: longest}\n").find("deduplicate.keep has no effect without"),
            std::string::npos);
  EXPECT_NE(
      error("deduplicate: {method: exact, threshold: 0.8}\n").find("deduplicate.threshold has no effect"),
      std::string::npos);
  EXPECT_NE(error("decontaminate: {measure: jaccard}\n").find("decontaminate.measure has no effect without"),
            std::string::npos);
}

TEST_F(DataRecipeRun, TrivialPromptsAreRewrittenAndAnswered) {
  const tests::Server server;
  dir_.write("a.jsonl",
             chat("2 + 2", "4") + chat("Tell me of the town", "It lies by a river.") + chat("Hi", "Hello."));
  const auto recipe = [&](const std::string& more) {
    return "schema: 1\nstage: data\nout: " + path("out.jsonl") +
           "\nsources: [{name: towns, path: a.jsonl, format: messages}]\n" + "models: [{name: m, url: \"" +
           server.url() + "\", model: teacher}]\n" + more + "run: {dir: " + path("run") + "}\n";
  };
  ASSERT_EQ(run(recipe("rewrite: {model: m}\n")), 0);
  const std::vector<Json> rows = tests::read_json_lines(path("out.jsonl"));
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0]["rewritten"]["from_prompt"], "2 + 2");
  EXPECT_EQ(rows[0]["messages"].size(), 2u);
  EXPECT_NE(rows[0]["messages"][1]["content"], "4");
  EXPECT_EQ(rows[1]["messages"][1]["content"], "It lies by a river.");
  EXPECT_EQ(rows[2]["rewritten"]["from_prompt"], "Hi");
  EXPECT_EQ(server.num_asked(), 4u);
  EXPECT_NE(error_of([&] { read(recipe("")); }).find("rewrite.model is missing"), std::string::npos);
  EXPECT_NE(error_of([&] { read(recipe("rewrite: {model: n}\n")); }).find("allowed: a name of models: m"),
            std::string::npos);
}

TEST(DataRecipes, TheShippedMixtureHasTheCountsOfTheReport) {
  const DataRecipe recipe = read_data_recipe(CARAVAN_SOURCE_DIR "/recipes/tulu3/data.yaml").recipe;
  double rows = 0;
  for (const DataSource& source : recipe.sources) rows += source.amount.take->amount;
  EXPECT_EQ(recipe.sources.size(), 19u);
  EXPECT_EQ(rows, 939'344);
  // None of its files is here: each is named, with where it is published.
  const std::string error = error_of(
      [] { run_data_recipe(read_data_recipe(CARAVAN_SOURCE_DIR "/recipes/tulu3/data.yaml"), true); });
  EXPECT_TRUE(error.starts_with("65 "));
  EXPECT_NE(error.find("sources[18].path"), std::string::npos);
  EXPECT_NE(error.find("published: Hugging Face: HuggingFaceH4/no_robots"), std::string::npos);
}

// A row of each set as it is published; PROMPT and ANSWER stand for texts, NUMBER for the row.
const std::map<std::string, std::string> kPublishedRows = {
    {"oasst1", R"({"message_tree_id":"tNUMBER","prompt":{"message_id":"a","role":"prompter","text":"PROMPT",)"
               R"("replies":[{"message_id":"b","role":"assistant","text":"ANSWER","replies":[]}]}})"},
    {"flan_v2", R"({"inputs":"PROMPT","targets":"ANSWER"})"},
    {"no_robots", R"({"prompt":"PROMPT","prompt_id":"NUMBER","category":"QA","messages":TURNS})"},
    {"hard_coded", R"({"messages":TURNS})"},
    {"wildchat", R"({"model":"gpt-4-0314","language":"English","toxic":false,"redacted":false,)"
                 R"("conversation":TURNS})"},
    {"persona", R"({"id":"personahub_NUMBER","prompt":"PROMPT","messages":TURNS})"},
    {"openmathinstruct2_gsm",
     R"({"problem":"PROMPT","generated_solution":"ANSWER","problem_source":"augmented_gsm8k"})"},
    {"numinamath_tir", R"({"problem":"PROMPT","solution":"ANSWER","messages":TURNS})"},
    {"evol_codealpaca", R"({"instruction":"PROMPT","response":"ANSWER"})"},
    {"coconot", R"({"prompt":"PROMPT","response":"ANSWER","category":"x","subcategory":"y"})"},
    {"wildjailbreak", R"({"vanilla":"PROMPT","adversarial":"","completion":"ANSWER",)"
                      R"("data_type":"vanilla_benign"})"},
    {"synthetic_wildguardmix", R"({"prompt":"PROMPT","response":"ANSWER","prompt_harm_label":"unharmful"})"},
    {"sciriff", R"({"input":"PROMPT","output":"ANSWER","_instance_id":"x:train:NUMBER"})"},
    {"tablegpt", R"({"task":"x","prompt":"PROMPT","completion":"ANSWER"})"},
    {"aya", R"({"inputs":"PROMPT","targets":"ANSWER","language_code":"eng"})"},
};

std::string published_rows(const std::string& set, const std::string& leak) {
  const auto known = kPublishedRows.find(set);
  const std::string& form = known == kPublishedRows.end() ? kPublishedRows.at("persona") : known->second;
  std::string rows;
  for (int i = 0; i < 6; ++i) {
    const std::string number = std::to_string(i);
    std::string row = form;
    const auto put = [&row](const std::string& name, const std::string& text) {
      for (std::size_t at = row.find(name); at != std::string::npos; at = row.find(name))
        row.replace(at, name.size(), text);
    };
    put("TURNS", R"([{"role":"user","content":"PROMPT"},{"role":"assistant","content":"ANSWER"}])");
    put("PROMPT", i == 0 ? leak : set + " asks " + number);
    put("ANSWER", i == 1 ? "I am ChatGPT." : set + " answers " + number);
    put("NUMBER", number);
    rows += row + "\n";
  }
  return rows;
}

// Of six rows of each set one is an evaluation item and one names a provider; two of the others are taken.
TEST(DataRecipes, TheShippedMixtureRunsWithSmallFiles) {
  const std::string path = CARAVAN_SOURCE_DIR "/recipes/tulu3/data.yaml";
  const std::string leak = "How many stones lie on the left bank of the river that nobody has named";
  const tests::TempDir dir;
  const DataRecipe shipped = read_data_recipe(path).recipe;
  std::vector<std::string> set{"out=" + (dir.path() / "out.jsonl").string(),
                               "run.dir=" + (dir.path() / "run").string()};
  for (std::size_t i = 0; i < shipped.sources.size(); ++i) {
    const std::string& name = shipped.sources[i].name;
    const std::string key = "sources." + std::to_string(i);
    set.push_back(key + ".path=" + dir.write(name + ".jsonl", published_rows(name, leak)));
    set.push_back(key + ".take=2 rows");
  }
  for (std::size_t i = 0; i < shipped.decontaminate.sets.size(); ++i) {
    Json item = Json::object();
    std::istringstream fields(shipped.decontaminate.sets[i].field);
    for (std::string field; std::getline(fields, field, '+');)
      item[field] = i == 0 ? leak : "item " + std::to_string(i);
    set.push_back("decontaminate.sets." + std::to_string(i) +
                  ".path=" + dir.write("eval" + std::to_string(i) + ".jsonl", item.dump() + "\n"));
  }
  EXPECT_EQ(run_data_recipe(read_data_recipe(path, set), true), 0);
  std::map<std::string, int> rows;
  for (const Json& row : tests::read_json_lines(dir.path() / "out.jsonl")) {
    ++rows[row["source"].get<std::string>()];
    const std::string asked = row["messages"][0]["content"].get<std::string>();
    EXPECT_TRUE(asked.find("asks") != std::string::npos && !asked.ends_with("1")) << row;
  }
  EXPECT_EQ(rows.size(), 19u);
  for (const auto& [source, count] : rows) EXPECT_EQ(count, 2) << source;
}

}  // namespace
}  // namespace caravan::recipes
