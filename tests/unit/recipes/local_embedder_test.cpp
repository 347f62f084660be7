// A checkpoint as a text embedder, and the measure `embedding` of the commands.
#include "recipes/local_embedder.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <iostream>

#include "data/decontamination/eval_index_file.h"
#include "data/error.h"
#include "data/tokenizers/tokenizer.h"
#include "recipes/commands/by_stage.h"
#include "recipes/commands/data_decontaminate.h"
#include "recipes/model_front.h"
#include "tests/support/json_file.h"
#include "tests/unit/data/decontamination/golden_rows.h"
#include "tests/unit/recipes/commands/demo_checkpoint.h"
#include "trainer/rollout/local_text_embedder.h"

namespace caravan::recipes {
namespace {

using data::Json;
using trainer::LocalEmbedderOptions;
using trainer::LocalTextEmbedder;

std::vector<float> embed(const data::TextEmbedder& embedder, const std::vector<std::string>& texts) {
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  std::vector<float> vectors(texts.size() * embedder.num_dimensions());
  embedder.embed(views, vectors);
  return vectors;
}

class LocalEmbedder : public testing::Test {
 protected:
  LocalEmbedder()
      : model_(load_model(tests::demo_checkpoint(), "fp32", at::kCPU)),
        tokenizer_(data::load_tokenizer(tests::demo_checkpoint())) {}

  // By the model's units alone, one text at a time, windows of `window` tokens.
  std::vector<double> by_hand(const std::string& text, std::size_t window) {
    std::vector<std::int32_t> all = tokenizer_->encode_plain(text);
    std::vector<double> sum(static_cast<std::size_t>(model_->config().hidden_size), 0.0);
    for (std::size_t begin = 0; begin < all.size(); begin += window) {
      const std::vector<std::int64_t> ids(
          all.begin() + static_cast<std::ptrdiff_t>(begin),
          all.begin() + static_cast<std::ptrdiff_t>(std::min(begin + window, all.size())));
      models::PackedLayout layout;
      layout.doc_starts = {0, static_cast<std::int32_t>(ids.size())};
      for (std::size_t i = 0; i < ids.size(); ++i) layout.positions.push_back(static_cast<std::int32_t>(i));
      at::Tensor hidden_TD = model_->embed(at::tensor(ids, at::kLong));
      const auto context = model_->context(layout);
      for (std::int64_t layer = 0; layer < model_->config().num_hidden_layers; ++layer)
        hidden_TD = model_->block(layer, hidden_TD, context);
      const at::Tensor sum_D = model_->final_norm(hidden_TD).to(at::kDouble).sum(0);
      for (std::size_t k = 0; k < sum.size(); ++k)
        sum[k] += sum_D[static_cast<std::int64_t>(k)].item<double>();
    }
    double squares = 0.0;
    for (const double x : sum) squares += x * x;
    for (double& x : sum) x /= std::sqrt(squares);
    return sum;
  }

  std::unique_ptr<models::Llama> model_;
  std::unique_ptr<data::Tokenizer> tokenizer_;
};

TEST_F(LocalEmbedder, IsTheMeanOfTheLastHiddenStates) {
  const at::NoGradGuard no_grad;
  const LocalTextEmbedder embedder(*model_, *tokenizer_, {.name = "m", .window_tokens = 16});
  std::string text = "What is 3 + 4? ";
  for (int i = 0; i < 4; ++i) text += text;
  ASSERT_GT(tokenizer_->encode_plain(text).size(), 40u);
  for (const std::string& asked : {std::string("What is 3 + 4?"), text}) {
    const std::vector<float> vector = embed(embedder, {asked});
    const std::vector<double> wanted = by_hand(asked, 16);
    ASSERT_EQ(vector.size(), wanted.size());
    for (std::size_t k = 0; k < wanted.size(); ++k) EXPECT_NEAR(vector[k], wanted[k], 1e-6) << k;
  }
}

TEST_F(LocalEmbedder, HasTheSameBitsInAnyCompany) {
  std::vector<std::string> texts{"Who are you?", "<|im_start|>", " ", "What is 12 times 11, and why?"};
  for (int i = 0; i < 30; ++i)
    texts.push_back("Number " + std::to_string(i * i) + " is next to its neighbour.");
  const LocalTextEmbedder packed(*model_, *tokenizer_, {.name = "m"});
  const LocalTextEmbedder single(*model_, *tokenizer_, LocalEmbedderOptions{.name = "m", .batch_tokens = 1});
  const std::vector<float> together = embed(packed, texts);
  EXPECT_EQ(embed(single, texts), together);
  const std::size_t width = packed.num_dimensions();
  for (std::size_t i = 0; i < texts.size(); ++i)
    EXPECT_EQ(embed(packed, {texts[i]}),
              std::vector<float>(together.begin() + static_cast<std::ptrdiff_t>(i * width),
                                 together.begin() + static_cast<std::ptrdiff_t>((i + 1) * width)))
        << texts[i];
}

TEST_F(LocalEmbedder, ItsNameSaysWhichWeights) {
  const tests::TempDir dir;
  const std::string copy = (dir / "model").string();
  std::filesystem::copy(tests::demo_checkpoint(), copy, std::filesystem::copy_options::recursive);
  const EmbedderSource source{copy, LocalDtype::kStored, trainer::DeviceChoice::kCpu};
  const std::string before = make_local_embedder(source)->name();
  EXPECT_TRUE(before.starts_with("model fp32 mean ")) << before;
  EXPECT_NE(make_local_embedder({copy, LocalDtype::kBf16, trainer::DeviceChoice::kCpu})->name(), before);
  std::string weights = tests::read_bytes(copy + "/model.safetensors");
  weights[weights.size() - 3] = static_cast<char>(weights[weights.size() - 3] ^ 1);
  tests::write_bytes(copy + "/model.safetensors", weights);
  EXPECT_NE(make_local_embedder(source)->name(), before);
}

class EmbeddingCommand : public testing::Test {
 protected:
  void SetUp() override {
    std::string rows, items;
    for (int i = 0; i < 20; ++i) {
      const std::string text =
          "Question " + std::to_string(i * 37) + " is about the " + std::to_string(i) + "th town.";
      items += Json{{"question", text}}.dump() + "\n";
      rows +=
          Json{{"id", i}, {"text", i % 4 == 0 ? text : "Nothing of it: " + std::to_string(i)}}.dump() + "\n";
    }
    dir_.write("rows.jsonl", rows);
    dir_.write("items.jsonl", items);
  }
  // Exit code, or what was thrown.
  int run(std::vector<std::string> more) const {
    more.insert(more.begin(),
                {path("rows.jsonl"), "--measure", "embedding", "--embedder", tests::demo_checkpoint(),
                 "--embedder-device", "cpu", "--remove-from", "0.99999", "--review-from", "0.99999", "--out",
                 path("out.jsonl"), "--report", path("report"), "--force", "--quiet"});
    try {
      return run_data_decontaminate_with(more, make_local_embedder);
    } catch (const data::Error& error) {
      return error.exit_code();
    }
  }
  std::string path(const std::string& name) const { return (dir_ / name).string(); }
  const tests::TempDir dir_;
};

TEST_F(EmbeddingCommand, RemovesWhatIsTheItemAndSavesItsVectors) {
  ASSERT_EQ(run({"--eval", "towns=" + path("items.jsonl"), "--save-index", path("i.index")}), 0);
  EXPECT_EQ(tests::read_json_lines(path("out.jsonl")).size(), 15u);
  const std::string report = tests::read_bytes(path("report/report.json")),
                    out = tests::read_bytes(path("out.jsonl"));
  EXPECT_NE(report.find("model fp32 mean "), std::string::npos);
  const data::EvalIndex index = data::read_index_file(path("i.index"));
  EXPECT_EQ(index.vectors().numbers.size(), 20 * index.vectors().width);
  EXPECT_EQ(data::write_index(index), tests::read_bytes(path("i.index")));
  ASSERT_EQ(run({"--index", path("i.index"), "--threads", "3"}), 0);
  EXPECT_EQ(tests::read_bytes(path("out.jsonl")), out);
  // Vectors of the same checkpoint in another dtype are other vectors.
  EXPECT_EQ(run({"--index", path("i.index"), "--embedder-dtype", "bf16"}), 2);
}

TEST_F(EmbeddingCommand, ARecipeTakesIt) {
  const std::string recipe =
      "schema: 1\nstage: data\nout: " + path("mix.jsonl") +
      "\nsources: [{name: a, path: rows.jsonl, format: auto}]\n" +
      "decontaminate:\n  measure: embedding\n  embedder: " + tests::demo_checkpoint() +
      "\n  embedder_device: cpu\n  remove_from: 0.99999\n  review_from: 0.99999\n" +
      "  sets: [{name: towns, suite: unseen, path: items.jsonl}]\nrun: {dir: " + path("run") + "}\n";
  std::string rows;
  for (const Json& row : tests::read_json_lines(path("rows.jsonl")))
    rows +=
        Json{{"messages",
              {{{"role", "user"}, {"content", row["text"]}}, {{"role", "assistant"}, {"content", "Yes."}}}}}
            .dump() +
        "\n";
  dir_.write("rows.jsonl", rows);
  const std::vector<std::string> words{dir_.write("d.yaml", recipe), "--quiet"};
  ASSERT_EQ(run_data_recipe_with(words, make_local_embedder), 0);
  EXPECT_EQ(tests::read_json_lines(path("mix.jsonl")).size(), 15u);
}

// Real recall, with the checkpoint that CARAVAN_TEST_SMOLLM2 names: the row of
// data/decontamination/README.md.
TEST(RealEmbedder, FindsWhatIsPlanted) {
  SKIP_WITHOUT_SHARED_DATA();
  const char* folder = std::getenv("CARAVAN_TEST_SMOLLM2");
  if (folder == nullptr)
    GTEST_SKIP() << "CARAVAN_TEST_SMOLLM2 does not name a SmolLM2-135M-Instruct checkpoint";
  const auto embedder = make_local_embedder({folder, LocalDtype::kBf16, trainer::DeviceChoice::kAuto});
  const tests::GoldenRows golden = tests::GoldenRows::load();
  const data::EvalIndex index(golden.items);
  const auto measure = make_measure(data::MeasureName::kEmbedding, index, 0.0, {}, embedder.get());
  const auto found = golden.search(*measure, data::SearchScope::kAll);
  std::vector<int> leaked(golden.rows.size(), 0);
  for (const Json& truth : tests::read_json_lines(tests::GoldenRows::folder() / "planted_truth.jsonl")) {
    int& row = leaked[golden.row_number.at(truth["row"])];
    if (truth["should_flag"].is_null()) row = std::max(row, 1);
    if (truth["should_flag"] == true) row = 2;
  }
  const auto flagged = [&](int kind, double from) {
    std::size_t count = 0;
    for (std::size_t row = 0; row < found.size(); ++row)
      count += leaked[row] == kind && tests::best_of(found[row]).score >= from;
    return count;
  };
  for (const double from : {0.5, 0.6, 0.7, 0.8, 0.9})
    std::cout << from << ": " << flagged(2, from) << " leaked rows, " << flagged(0, from) << " clean ones\n";
  EXPECT_GE(flagged(2, 0.6), 90u);
  EXPECT_LE(flagged(0, 0.6), 10u);
  EXPECT_GE(flagged(2, 0.9), 55u);
  EXPECT_LE(flagged(0, 0.9), 2u);
}

}  // namespace
}  // namespace caravan::recipes
