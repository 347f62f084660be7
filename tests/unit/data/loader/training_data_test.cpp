#include "data/loader/training_data.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "data/error.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/data/loader/fake_text.h"

namespace caravan::data {
namespace {

using tests::FakeTokenizer;
using tests::TempDir;

std::string row(const std::string& question, const std::string& answer) {
  return "{\"prompt\":\"" + question + "\",\"completion\":\"" + answer + "\"}\n";
}

std::string many_rows(std::size_t count, const std::string& stem) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += row(stem + std::to_string(i), std::string(1 + i % 17, 'z'));
  return text;
}

struct Setting {
  Setting() { options.cache_dir = (dir.path() / "cache").string(); }
  void add(const std::string& name, const std::string& rows, SourceOptions source = {}) {
    source.path = dir.write(name, rows);
    options.sources.push_back(source);
  }
  TrainingData open(std::uint64_t seed = 1) const {
    return TrainingData::open(
        options, tokenizer, TokenSource{tests::fake_render, "fake"},
        OpenOptions{.seed = seed, .variables = {}, .today = {}, .note = {}, .progress = {}, .cancelled = {}});
  }
  std::string refusal() const {
    try {
      open();
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }

  TempDir dir;
  DataOptions options;
  FakeTokenizer tokenizer;
};

PlanOptions make_plan(std::int64_t sequences = 4) {
  PlanOptions plan;
  plan.batch.sequences = sequences;
  plan.batch.micro_tokens = 200;
  plan.epochs = 1;
  plan.seed = 3;
  return plan;
}

// Text of every document of an epoch in order.
std::vector<std::string> texts(const TrainingData& data, const PlanOptions& options,
                               const FakeTokenizer& tokenizer) {
  PlanOptions one_by_one = options;
  one_by_one.batch.sequences = 1;
  const BatchPlan plan = data.plan(one_by_one);
  std::vector<std::string> found;
  for (std::int64_t step = 0; step < plan.num_steps(); ++step)
    found.push_back(tokenizer.decode(data.micro_batch(plan, step, 0).ids, false));
  return found;
}

// Rows that csv cannot give have no bytes, and a fate all the same.
TEST(TrainingData, RowsThatTheirFileCannotGiveAreInTheLedger) {
  Setting setting;
  setting.add("rows.csv", "prompt,completion\nq,a\nq2\nq3,b\n\"open,1\n");
  const TrainingData data = setting.open();
  EXPECT_EQ(data.num_documents(), 2u);
  EXPECT_EQ(data.ledger().totals().rows, 4u);
  EXPECT_EQ(data.ledger().totals().dropped, 2u);
  EXPECT_TRUE(std::ranges::count(data.ledger().reasons(), "csv_number_of_fields"));
  EXPECT_TRUE(std::ranges::count(data.ledger().reasons(), "csv_unclosed_quote"));
}

TEST(TrainingData, AMicroBatchIsWhatItPromises) {
  Setting setting;
  setting.add("rows.jsonl", many_rows(30, "q"));
  const TrainingData data = setting.open();
  EXPECT_EQ(data.num_documents(), 30u);
  const BatchPlan plan = data.plan(make_plan());
  std::set<std::uint32_t> seen;
  std::int64_t tokens = 0;
  double weights = 0;
  for (std::int64_t step = 0; step < plan.num_steps(); ++step) {
    double step_weights = 0;
    for (std::size_t index = 0; index < plan.micro_batches(step).size(); ++index) {
      const MicroBatch batch = data.micro_batch(plan, step, index);
      const std::size_t length = batch.ids.size();
      ASSERT_TRUE(batch.targets.size() == length && batch.weights.size() == length &&
                  batch.positions.size() == length);
      ASSERT_EQ(batch.doc_starts.front(), 0);
      ASSERT_EQ(batch.doc_starts.back(), static_cast<std::int32_t>(length));
      ASSERT_EQ(batch.doc_starts.size(), batch.documents.size() + 1);
      EXPECT_LE(length, 200u);
      for (std::size_t n = 0; n < batch.documents.size(); ++n) {
        EXPECT_TRUE(seen.insert(batch.document_indices[n]).second);
        EXPECT_EQ(batch.documents[n].line, batch.document_indices[n] + 1u);
        const auto begin = static_cast<std::size_t>(batch.doc_starts[n]),
                   end = static_cast<std::size_t>(batch.doc_starts[n + 1]);
        std::string trained;
        for (std::size_t t = begin; t < end; ++t) {
          ASSERT_EQ(batch.positions[t], static_cast<std::int32_t>(t - begin));
          ASSERT_EQ(batch.targets[t], t + 1 < end ? batch.ids[t + 1] : MicroBatch::kNoTarget);
          if (batch.weights[t] != 0) trained += setting.tokenizer.token_text(batch.targets[t]);
          step_weights += batch.weights[t];
        }
        EXPECT_EQ(batch.weights[end - 1], 0.0f);
        EXPECT_EQ(trained, std::string(1 + (batch.documents[n].line - 1) % 17, 'z') + "<end>");
      }
      tokens += batch.num_tokens();
    }
    EXPECT_EQ(step_weights, static_cast<double>(plan.step(step).trained_tokens));
    weights += step_weights;
  }
  EXPECT_EQ(seen.size(), 30u);
  EXPECT_EQ(tokens, data.num_tokens());
  EXPECT_EQ(weights, static_cast<double>(data.num_trained_tokens()));
  EXPECT_EQ(data.name_of(std::uint32_t{16}), "rows.jsonl:17");
}

TEST(TrainingData, TheLedgerKnowsEveryRow) {
  Setting setting;
  setting.options.max_length = 30;
  setting.add("a.jsonl", row("q", "a") + "\n{broken\n" + row("q", std::string(50, 'z')) + row("", "x"));
  setting.add("b.jsonl", row("q", "b"));
  const TrainingData data = setting.open();
  const std::vector<LedgerEntry>& entries = data.ledger().entries();
  ASSERT_EQ(entries.size(), 5u);  // the blank line is no row
  const std::vector<std::string> expected{"a:1 trained ", "a:3 dropped invalid_json", "a:4 dropped too_long",
                                          "a:5 dropped empty_content", "b:1 trained "};
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const std::string& path = data.ledger().files()[entries[i].file];
    EXPECT_EQ(path.substr(path.size() - 7, 1) + ":" + std::to_string(entries[i].line) + " " +
                  name_of(entries[i].fate) + " " + data.ledger().reasons()[entries[i].reason],
              expected[i]);
  }
}

TEST(TrainingData, TakeIsExactAndFollowsItsSeed) {
  Setting setting;
  SourceOptions half;
  half.take = Quantity{50, Unit::kPercent};
  setting.add("a.jsonl", many_rows(101, "q") + "{broken\n", half);
  EXPECT_EQ(setting.open().num_documents(), 50u);
  EXPECT_EQ(setting.open().ledger().totals().not_taken, 51u);
  const PlanOptions plan = make_plan();
  const auto first = texts(setting.open(1), plan, setting.tokenizer);
  EXPECT_EQ(first, texts(setting.open(1), plan, setting.tokenizer));
  EXPECT_NE(first, texts(setting.open(2), plan, setting.tokenizer));
  setting.options.sources[0].seed = 1;
  EXPECT_EQ(first, texts(setting.open(2), plan, setting.tokenizer));
  setting.options.sources[0].take = Quantity{101, Unit::kRows};
  EXPECT_EQ(setting.open().num_documents(), 101u);
  setting.options.sources[0].take = Quantity{102, Unit::kRows};
  const std::string text = setting.refusal();
  EXPECT_NE(text.find("102 rows"), std::string::npos) << text;
  EXPECT_NE(text.find("found 101"), std::string::npos) << text;
  setting.options.sources[0].take = Quantity{0.1, Unit::kPercent};
  EXPECT_NE(setting.refusal().find("0.1 %"), std::string::npos);
}

TEST(TrainingData, WeightIsTimesPerEpoch) {
  Setting setting;
  SourceOptions heavy, light;
  heavy.weight = 2.5;
  light.weight = 0.3;
  setting.add("heavy.jsonl", many_rows(20, "h"), heavy);
  setting.add("light.jsonl", many_rows(10, "l"), light);
  const TrainingData data = setting.open();
  PlanOptions plan = make_plan();
  plan.batch.sequences = 1;
  plan.epochs = 2;
  const BatchPlan steps = data.plan(plan);
  ASSERT_EQ(steps.num_steps(), 2 * (50 + 3));
  std::map<std::uint32_t, int> times[2];
  for (std::int64_t step = 0; step < steps.num_steps(); ++step)
    ++times[step / 53][steps.micro_batches(step)[0][0]];
  for (const auto& epoch : times) {
    int thrice = 0, from_light = 0;
    for (const auto& [document, count] : epoch) {
      if (document >= 20) ++from_light;
      EXPECT_TRUE(document >= 20 ? count == 1 : count == 2 || count == 3);
      thrice += count == 3;
    }
    EXPECT_EQ(thrice, 10);
    EXPECT_EQ(from_light, 3);
  }
  EXPECT_NE(times[0], times[1]);  // the rest is picked anew
}

TEST(TrainingData, OrderIsOfSeedAndEpochAndContentAlone) {
  Setting setting;
  setting.add("a.jsonl", many_rows(60, "q"));
  const PlanOptions plan = make_plan();
  const auto order = texts(setting.open(), plan, setting.tokenizer);
  PlanOptions other = plan;
  other.seed = 4;
  EXPECT_NE(order, texts(setting.open(), other, setting.tokenizer));
  PlanOptions two = plan;
  two.epochs = 2;
  const auto both = texts(setting.open(), two, setting.tokenizer);
  EXPECT_EQ(std::vector<std::string>(both.begin(), both.begin() + 60), order);
  EXPECT_NE(std::vector<std::string>(both.begin() + 60, both.end()), order);

  // A source before it, and a row more, leave the order among the others as it was.
  Setting more;
  more.add("b.jsonl", many_rows(30, "new"));
  more.add("a.jsonl", row("another", "one") + many_rows(60, "q"));
  std::vector<std::string> rest;
  for (const std::string& text : texts(more.open(), plan, more.tokenizer)) {
    if (std::find(order.begin(), order.end(), text) != order.end()) rest.push_back(text);
  }
  EXPECT_EQ(rest, order);
}

TEST(TrainingData, EvaluationReadsTheFirstRowsInOrder) {
  Setting setting;
  setting.add("a.jsonl", many_rows(10, "q"));
  PlanOptions plan = make_plan(1);
  plan.shuffle = false;
  plan.max_documents = 4;
  const TrainingData data = setting.open();
  const BatchPlan steps = data.plan(plan);
  ASSERT_EQ(steps.num_steps(), 4);
  for (std::int64_t step = 0; step < 4; ++step)
    EXPECT_EQ(steps.micro_batches(step)[0][0], static_cast<std::uint32_t>(step));
}

TEST(TrainingData, NothingToTrainIsAnErrorWithTheReasons) {
  Setting setting;
  setting.options.max_length = 5;
  setting.add("a.jsonl", many_rows(10, "q"));
  const std::string text = setting.refusal();
  EXPECT_NE(text.find("10 dropped, too_long, first a.jsonl:1"), std::string::npos) << text;
  Setting empty;
  EXPECT_NE(empty.refusal().find("data.sources"), std::string::npos);
}

TEST(TrainingData, TheCacheServesOtherTakesAndSeeds) {
  Setting setting;
  setting.add("a.jsonl", many_rows(50, "q"));
  setting.open();
  const auto files = std::distance(std::filesystem::directory_iterator(setting.options.cache_dir), {});
  setting.options.sources[0].take = Quantity{7, Unit::kRows};
  setting.options.sources[0].weight = 3;
  setting.open(99);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(setting.options.cache_dir), {}), files);
  setting.options.max_length = 100;
  setting.open();
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(setting.options.cache_dir), {}), files + 1);
}

}  // namespace
}  // namespace caravan::data
