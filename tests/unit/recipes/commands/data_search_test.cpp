// `caravan data dedup` and `caravan data decontaminate` from their flags to their files.
#include <gtest/gtest.h>

#include "data/decontamination/clean_report.h"
#include "data/error.h"
#include "recipes/commands/data_decontaminate.h"
#include "recipes/commands/data_dedup.h"
#include "tests/support/json_file.h"
#include "tests/support/temp_dir.h"

namespace caravan::recipes {
namespace {

using data::Error;
using data::Json;

std::string chat(const std::string& id, const std::string& prompt, const std::string& more = "") {
  return Json{{"id", id},
              {"messages",
               {{{"role", "user"}, {"content", prompt}}, {{"role", "assistant"}, {"content", "Yes."}}}}}
             .dump()
             .insert(1, more) +
         "\n";
}

class DataSearch : public testing::Test {
 protected:
  std::string path(const std::string& name) const { return (dir_ / name).string(); }
  int dedup(std::vector<std::string> args) const {
    for (const char* more : {"--out", "", "--report", "", "--force", "--quiet"}) args.emplace_back(more);
    args[args.size() - 5] = path("out.jsonl");
    args[args.size() - 3] = path("report");
    return run_data_dedup(args);
  }
  int decontaminate(std::vector<std::string> args) const {
    for (const char* more : {"--out", "", "--report", "", "--force", "--quiet"}) args.emplace_back(more);
    args[args.size() - 5] = path("out.jsonl");
    args[args.size() - 3] = path("report");
    return run_data_decontaminate(args);
  }
  std::string kept() const {
    std::string ids;
    for (const Json& row : tests::read_json_lines(path("out.jsonl")))
      ids += row["id"].get<std::string>() + " ";
    return ids;
  }
  template <class Act>
  Error::Kind failure(Act act) const {
    try {
      act();
    } catch (const Error& error) {
      return error.kind();
    }
    ADD_FAILURE() << "no error";
    return Error::Kind::kInternal;
  }

  tests::TempDir dir_;
};

const std::string kStory =
    "A fox and a goat met at the old well one evening and spoke of rain, of bread and of the long road home";

TEST_F(DataSearch, DedupKeepsOneOfEachCluster) {
  const std::string in = dir_.write(
      "in.jsonl", chat("a", kStory, "\"score\":1,") + chat("b", "Other text", "\"source\":\"s2\",") +
                      chat("c", kStory + " again", "\"score\":5,") + "\n" +
                      chat("d", "OTHER, text!", "\"source\":\"s1\",") + "broken\n" + "{\"x\":1}\n");
  EXPECT_EQ(dedup({in}), 0);
  EXPECT_EQ(kept(), "a b c ");
  EXPECT_EQ(dedup({in, "--key", "raw"}), 0);
  EXPECT_EQ(kept(), "a b c d ");
  EXPECT_EQ(dedup({in, "--near"}), 0);
  EXPECT_EQ(kept(), "a b ");
  EXPECT_EQ(dedup({in, "--near", "--linkage", "greedy", "--threads", "3"}), 0);
  EXPECT_EQ(kept(), "a b ");
  EXPECT_EQ(dedup({in, "--near", "--keep", "longest"}), 0);
  EXPECT_EQ(kept(), "c d ");
  EXPECT_EQ(dedup({in, "--near", "--keep", "score", "--score-field", "score"}), 0);
  EXPECT_EQ(kept(), "b c ");
  EXPECT_EQ(dedup({in, "--keep", "source", "--sources", "s1,s2"}), 0);
  EXPECT_EQ(kept(), "a c d ");
  const auto clusters = tests::read_json_lines(path("report/clusters.jsonl"));
  ASSERT_EQ(clusters.size(), 1u);
  EXPECT_EQ(clusters[0]["kept"]["line"], 5);
  const auto fates = tests::read_json_lines(path("report/fates.jsonl"));
  ASSERT_EQ(fates.size(), 7u);
  EXPECT_EQ(fates[1]["reasons"][0], "duplicate");
  EXPECT_EQ(fates[1]["kept"]["line"], 5);
  EXPECT_EQ(fates[5]["reasons"][0], "invalid_json");
  EXPECT_EQ(fates[6]["reasons"][0], "no_text");
}

TEST_F(DataSearch, DedupRefusesWhatHasNoEffect) {
  const std::string in = dir_.write("in.jsonl", chat("a", "x"));
  for (const std::vector<std::string>& flags : {std::vector<std::string>{"--threshold", "0.5"},
                                                {"--near", "--key", "raw"},
                                                {"--keep", "score"},
                                                {"--sources", "a"},
                                                {"--near", "--linkage", "greedy", "--keep", "longest"},
                                                {"--near", "--threshold", "2"}}) {
    std::vector<std::string> args = {in};
    args.insert(args.end(), flags.begin(), flags.end());
    EXPECT_EQ(failure([&] { dedup(args); }), Error::Kind::kUsage) << flags[0];
  }
  EXPECT_EQ(failure([&] { dedup({"-", "--near"}); }), Error::Kind::kUsage);
  EXPECT_EQ(failure([&] { dedup({dir_.path().string()}); }), Error::Kind::kData);
  EXPECT_EQ(dedup({dir_.write("empty.jsonl", "")}), 0);
  EXPECT_EQ(dedup({path("empty.jsonl"), "--near"}), 0);
}

const std::string kQuestion =
    "A gardener plants tulips in rows of seventeen bulbs, and every third row carries daffodils instead; how "
    "many "
    "tulips bloom when forty two rows survive the winter frost?";
const std::string kChanged =
    "A gardener buys tulips in boxes of seventeen bulbs, and every third box carries daffodils instead; how "
    "many "
    "tulips bloom when forty two rows survive the summer heat?";

class Decontaminate : public DataSearch {
 protected:
  void SetUp() override {
    eval_ = "gsm=" +
            dir_.write("eval.jsonl", Json{{"question", kQuestion}}.dump() + "\n" +
                                         Json{{"question", "Which mineral scratches glass?"}}.dump() + "\n");
    in_ = dir_.write("in.jsonl", chat("a", "Tell me of the sea") + chat("b", "Solve: " + kQuestion) +
                                     chat("c", kChanged) + chat("d", "Good night"));
  }
  std::string eval_, in_;
};

TEST_F(Decontaminate, RemovesHoldsBackAndAppliesDecisions) {
  EXPECT_EQ(decontaminate({in_, "--eval", eval_}), 0);
  EXPECT_EQ(kept(), "a d ");
  Json report = tests::read_json(path("report/report.json"));
  EXPECT_EQ(report["decontamination"]["clean"], true);
  EXPECT_EQ(report["decontamination"]["held_for_review"], 1);
  EXPECT_EQ(report["decontamination"]["sets"][0]["rows_to_remove"], 1);
  EXPECT_EQ(tests::read_json_lines(path("report/matches.jsonl")).size(), 2u);
  EXPECT_NE(tests::read_bytes(path("report/review.html")).find("<mark>"), std::string::npos);
  data::require_clean(path("report"), {path("out.jsonl")});
  EXPECT_EQ(failure([&] { data::require_clean(path("report"), {in_}); }), Error::Kind::kUnsafe);
  const auto review = tests::read_json_lines(path("report/review.jsonl"));
  ASSERT_EQ(review.size(), 1u);
  EXPECT_EQ(review[0]["id"], "c");
  const auto apply = [&](const std::function<void(Json&)>& edit) {
    Json line = review[0];
    edit(line);
    return decontaminate(
        {in_, "--eval", eval_, "--apply-review", dir_.write("decided.jsonl", line.dump() + "\n")});
  };
  EXPECT_EQ(apply([](Json& line) { line["decision"] = "keep"; }), 0);
  EXPECT_EQ(kept(), "a c d ");
  EXPECT_EQ(apply([](Json& line) { line["decision"] = "drop"; }), 0);
  EXPECT_EQ(kept(), "a d ");
  const auto rewrite = [](const std::string& text) {
    return [text](Json& line) {
      line["decision"] = "edit";
      line["messages"][0]["content"] = text;
    };
  };
  EXPECT_EQ(apply(rewrite("How tall do tulips grow?")), 0);
  EXPECT_EQ(kept(), "a c d ");
  EXPECT_EQ(tests::read_json_lines(path("out.jsonl"))[1]["messages"][0]["content"],
            "How tall do tulips grow?");
  EXPECT_EQ(failure([&] { apply(rewrite(kQuestion)); }), Error::Kind::kData);
  EXPECT_EQ(failure([&] { apply([](Json& line) { line["row_sha256"] = std::string(64, '0'); }); }),
            Error::Kind::kData);
}

TEST_F(Decontaminate, TheResultDoesNotDependOnThreadsOrOnHowTheIndexCame) {
  const std::string index = path("sets.index");
  EXPECT_EQ(decontaminate({in_, "--eval", eval_, "--save-index", index, "--threads", "1"}), 0);
  const std::string out = tests::read_bytes(path("out.jsonl")),
                    matches = tests::read_bytes(path("report/matches.jsonl"));
  EXPECT_EQ(decontaminate({"--train", in_, "--index", index, "--threads", "4"}), 0);
  EXPECT_EQ(tests::read_bytes(path("out.jsonl")), out);
  EXPECT_EQ(tests::read_bytes(path("report/matches.jsonl")), matches);
}

TEST_F(Decontaminate, EveryMeasureFindsTheCopy) {
  for (const char* measure :
       {"weighted", "cov8", "cov8_last", "cov8_nb", "any13", "jaccard", "tf", "tfidf"}) {
    EXPECT_EQ(decontaminate({in_, "--eval", eval_, "--measure", measure, "--scope", "user"}), 0);
    EXPECT_EQ(kept().find("b"), std::string::npos) << measure;
    EXPECT_NE(kept().find("a"), std::string::npos) << measure;
  }
  EXPECT_EQ(decontaminate({in_, "--eval", eval_, "--scope", "assistant"}), 0);
  EXPECT_EQ(kept(), "a b c d ");
}

TEST_F(Decontaminate, RefusesWhatCannotBeMeant) {
  const auto usage = [&](const std::vector<std::string>& args) {
    return failure([&] { decontaminate(args); }) == Error::Kind::kUsage;
  };
  EXPECT_TRUE(usage({in_}));
  EXPECT_TRUE(usage({in_, "--eval", "self=" + in_}));
  EXPECT_TRUE(usage({in_, "--eval", eval_, "--measure", "embedding"}));
  EXPECT_TRUE(usage({in_, "--eval", eval_, "--review-from", "0.95"}));
  EXPECT_TRUE(usage({in_, "--index", "x", "--save-index", "y"}));
  EXPECT_EQ(
      failure([&] {
        run_data_decontaminate(std::vector<std::string>{in_, "--eval", eval_, "--out", path("o.jsonl")});
      }),
      Error::Kind::kUsage);
  EXPECT_EQ(failure([&] {
              decontaminate({in_, "--index", dir_.write("bad.index", "CRVEVAL1")});
            }),
            Error::Kind::kData);
  const std::string cut = dir_.write("cut.jsonl.zst", std::string("\x28\xb5\x2f\xfd\x04", 5));
  EXPECT_EQ(failure([&] { decontaminate({cut, "--eval", eval_}); }), Error::Kind::kData);
}

TEST_F(Decontaminate, RowsThatCannotBeSearchedAreNotPassedOn) {
  const std::string in =
      dir_.write("odd.jsonl", "{\"x\":1}\n" + chat("a", std::string("nul\0bytes", 9)) + "{\"text\":\"" +
                                  std::string(10 << 20, 'x') + "\",\"id\":\"b\"}\n");
  EXPECT_EQ(decontaminate({in, "--eval", eval_}), 0);
  EXPECT_EQ(kept(), "a b ");
}

}  // namespace
}  // namespace caravan::recipes
