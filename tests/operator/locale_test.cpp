// Locales whose letters or numbers are others: files hold the same bytes.
#include "tests/operator/operator_run.h"

namespace caravan {
namespace {

class Locales : public OperatorRun {
 protected:
  static void SetUpTestSuite() {
    OperatorRun::SetUpTestSuite();
    fs::create_directories(path("locales"));
    for (const auto& [name, charmap] : {std::pair{"de_DE", "UTF-8"}, std::pair{"ko_KR", "EUC-KR"}}) {
      const std::string command = "localedef -c -i " + std::string(name) + " -f " + charmap + " '" +
                                  path("locales") + "/" + name + "." + charmap + "' >/dev/null 2>&1";
      (void)!std::system(command.c_str());
    }
  }
  static std::vector<std::vector<std::string>> all() {
    return {{"LC_ALL=C"},
            {"LC_ALL=POSIX", "LANG="},
            {"LC_ALL=ko_KR.EUC-KR", "LOCPATH=" + path("locales")},
            {"LC_ALL=de_DE.UTF-8", "LOCPATH=" + path("locales")}};
  }
  // Whether the C library finds it: a locale that is absent is the locale C, and a test with it proves
  // nothing.
  static bool is_there(const std::vector<std::string>& variables) {
    std::vector<std::string> words{"/usr/bin/env"};
    words.insert(words.end(), variables.begin(), variables.end());
    words.insert(words.end(), {"/usr/bin/locale", "charmap"});
    Program program(words, path("log"), start_folder());
    return program.wait() == 0 && !has(log(), "Cannot set");
  }
  static std::string output_of(const std::vector<std::string>& words,
                               const std::vector<std::string>& variables,
                               const std::string& input = "/dev/null") {
    EXPECT_EQ(run(words, {.variables = variables,
                          .shell = "exec \"$0\" \"$@\" <'" + input + "' >'" + path("out") + "'"}),
              0)
        << log();
    return tests::read_bytes(path("out"));
  }
};

TEST_F(Locales, EveryJobWritesTheSameBytes) {
  std::size_t tried = 0;
  for (const Job& job : jobs()) {
    const std::string usual = path("locale-usual-" + job.name);
    fs::create_directories(usual);
    ASSERT_EQ(run(words_of(job, usual), {.variables = {"LC_ALL=C.UTF-8"}}), 0) << log();
    for (const std::vector<std::string>& variables : all()) {
      if (!is_there(variables)) continue;
      SCOPED_TRACE(variables[0]);
      ++tried;
      const std::string out = path("locale-" + variables[0].substr(7) + "-" + job.name);
      fs::create_directories(out);
      ASSERT_EQ(run(words_of(job, out), {.variables = variables}), 0) << log();
      EXPECT_EQ(results_of(job, out), results_of(job, usual)) << job.name;
    }
  }
  EXPECT_GE(tried, 2 * jobs().size());
}

TEST_F(Locales, NumbersKeepTheirPoints) {
  if (!is_there(all()[3])) GTEST_SKIP() << "the locale de_DE.UTF-8 cannot be made here (package locales)";
  const std::string out = path("comma");
  ASSERT_EQ(run({"train", path("sft.yaml"), "run.dir=" + out, "optimizer.learning_rate=1.5e-3",
                 "optimizer.weight_decay=0.1"},
                {.variables = all()[3]}),
            0)
      << log();
  EXPECT_TRUE(has(log(), "lr 1.50e-03")) << log();
  EXPECT_TRUE(has(tests::read_bytes(out + "/recipe.yaml"), "weight_decay: 0.1\n"));
  for (const json& row : read_jsonl(out + "/metrics.jsonl"))
    EXPECT_EQ(row["train/learning_rate"].get<double>(), 1.5e-3) << row;
  EXPECT_TRUE(json::accept(tests::read_bytes(out + "/run.json")));
}

TEST_F(Locales, KoreanTextsComeThroughEveryCommand) {
  const std::string said = "사막의 밤은 \"춥다\": 영하 2.5도.";
  write_jsonl(
      "korean.jsonl",
      {{{"id", "가"},
        {"messages",
         {{{"role", "user"}, {"content", said}}, {{"role", "assistant"}, {"content", "네, " + said}}}}}});
  write_jsonl("text.jsonl", {{{"text", said}}});
  for (const std::vector<std::string>& variables : all()) {
    SCOPED_TRACE(variables[0]);
    const std::string rows = path("옮긴 행.jsonl");
    ASSERT_EQ(run({"data", "filter", path("korean.jsonl"), "--empty-turns", "--out", rows, "--force"},
                  {.variables = variables}),
              0)
        << log();
    EXPECT_EQ(tests::read_bytes(rows), tests::read_bytes(path("korean.jsonl")));
    const json ids =
        json::parse(output_of({"tokenize", "--model", path("base/final")}, variables, path("text.jsonl")));
    write_jsonl("ids.jsonl", {ids});
    const json back = json::parse(
        output_of({"tokenize", "--model", path("base/final"), "--decode"}, variables, path("ids.jsonl")));
    EXPECT_EQ(back["text"], said);
    const json rendered =
        json::parse(output_of({"render", "--model", path("base/final")}, variables, path("korean.jsonl")));
    EXPECT_TRUE(has(rendered["text"].get<std::string>(), "네, " + said)) << rendered;
    EXPECT_EQ(run({"train", path("sft.yaml"), "data.sources.0.path=" + path("없는 파일.jsonl")},
                  {.variables = variables}),
              2);
    EXPECT_TRUE(has(log(), "없는 파일.jsonl")) << log();
  }
}

TEST_F(Locales, ARecipeIsReadAndWrittenTheSame) {
  const std::string usual = output_of({"validate", path("sft.yaml"), "--resolved"}, {"LC_ALL=C.UTF-8"});
  const std::string plan =
      output_of({"plan", path("sft.yaml"), "run.dir=" + path("planned")}, {"LC_ALL=C.UTF-8"});
  EXPECT_TRUE(has(usual, "0.001") || has(usual, "1e-03") || has(usual, "1.0e-3") || has(usual, "1e-3"))
      << usual;
  for (const std::vector<std::string>& variables : all()) {
    SCOPED_TRACE(variables[0]);
    EXPECT_EQ(output_of({"validate", path("sft.yaml"), "--resolved"}, variables), usual);
    // How much memory there is may change between two calls; the numbers of the recipe may not.
    const std::string other = output_of({"plan", path("sft.yaml"), "run.dir=" + path("planned")}, variables);
    EXPECT_EQ(std::count(other.begin(), other.end(), ','), std::count(plan.begin(), plan.end(), ','))
        << other << plan;
  }
}

}  // namespace
}  // namespace caravan
