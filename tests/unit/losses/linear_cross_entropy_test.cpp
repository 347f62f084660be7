// Chunked cross entropy through the head: reference vectors, chunk sizes, rows without weight, accumulation.
#include "losses/linear_cross_entropy.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/support/close.h"
#include "tests/support/shared_data.h"

namespace caravan::losses {
namespace {

using nlohmann::json;
using tests::close;

at::Tensor matrix(const json& rows) {
  std::vector<double> flat;
  for (const json& row : rows)
    for (const json& value : row) flat.push_back(value);
  return at::tensor(flat, at::kDouble).view({static_cast<std::int64_t>(rows.size()), -1});
}

// A head of its own, in the dtype of the hidden states, that counts the rows it saw.
struct Head {
  explicit Head(at::Tensor weight)
      : weight_VD(std::move(weight)), gradient_VD(at::zeros(weight_VD.sizes())) {}
  OutputHead functions() {
    return {weight_VD.size(0),
            [this](const at::Tensor& hidden) {
              rows += hidden.size(0);
              widest = std::max(widest, hidden.size(0));
              return at::mm(hidden, weight_VD.t());
            },
            [this](const at::Tensor& d_logits, const at::Tensor& hidden) {
              gradient_VD.add_(at::mm(d_logits.t(), hidden));
              return at::mm(d_logits, weight_VD);
            }};
  }
  at::Tensor weight_VD, gradient_VD;
  std::int64_t rows = 0, widest = 0;
};

class LinearCrossEntropyGoldens : public testing::TestWithParam<std::string> {};

TEST_P(LinearCrossEntropyGoldens, LossesAndGradients) {
  SKIP_WITHOUT_SHARED_DATA();
  json vectors;
  std::ifstream(tests::shared_data() / "goldens/losses/sft_chunked.json") >> vectors;
  const json& vector =
      *std::find_if(vectors.begin(), vectors.end(), [](const json& v) { return v.at("name") == GetParam(); });
  const json &params = vector.at("params"), &expected = vector.at("expected");
  const at::Tensor labels =
      at::tensor(vector.at("inputs").at("labels").get<std::vector<std::int64_t>>(), at::kLong);
  const at::Tensor weights = labels.ne(-100).to(at::kFloat);
  Head head(matrix(vector.at("inputs").at("head")).to(at::kFloat));
  CrossEntropyOptions options;
  options.label_smoothing = params.at("label_smoothing");
  options.z_loss = params.at("z_loss");
  options.softcap = params.at("softcap").is_null() ? 0.0 : params.at("softcap").get<double>();
  options.temperature = params.at("temperature");
  const double tokens = weights.sum().item<double>();
  options.gradient_scale = params.at("reduction") == "sum" ? 1.0 : 1.0 / tokens;
  const auto found = linear_cross_entropy(matrix(vector.at("inputs").at("hidden")).to(at::kFloat),
                                          head.functions(), labels, weights, options);

  std::vector<double> losses;
  for (const json& loss : expected.at("token_losses"))
    losses.push_back(loss.is_null() ? 0.0 : loss.get<double>());
  EXPECT_TRUE(close(found.row_loss_T, at::tensor(losses, at::kDouble), 1e-5));
  const double loss = expected.at("loss");
  EXPECT_NEAR(found.row_loss_T.to(at::kDouble).sum().item<double>() * options.gradient_scale, loss,
              1e-6 * loss);
  const double scale = options.gradient_scale * tokens;  // 1 for means, larger for sums
  EXPECT_TRUE(close(found.d_hidden_TD, matrix(expected.at("grad").at("hidden")),
                    2e-6 * std::max(1.0, scale / tokens * 4)));
  EXPECT_TRUE(close(head.gradient_VD, matrix(expected.at("grad").at("head")),
                    2e-6 * std::max(1.0, scale / tokens * 10)));
}

INSTANTIATE_TEST_SUITE_P(All, LinearCrossEntropyGoldens,
                         testing::Values("fused_linear_ce_mean", "fused_linear_ce_sum",
                                         "fused_linear_ce_label_smoothing", "fused_linear_ce_z_loss",
                                         "fused_linear_ce_softcap_temperature"),
                         [](const auto& test) { return test.param; });

struct Problem {
  explicit Problem(at::ScalarType dtype = at::kFloat) {
    auto generator = at::make_generator<at::CPUGeneratorImpl>(4);
    hidden = at::randn({300, 32}, generator).to(dtype);
    weight = (at::randn({211, 32}, generator) * 0.3).to(dtype);
    targets = at::randint(211, {300}, generator, at::kLong);
    weights = at::rand({300}, generator).gt(0.3).to(at::kFloat) * (at::rand({300}, generator) + 0.5);
  }
  at::Tensor hidden, weight, targets, weights;
};

double relative_difference(const at::Tensor& a, const at::Tensor& b) {
  return (a.to(at::kDouble) - b.to(at::kDouble)).norm().item<double>() /
         b.to(at::kDouble).norm().item<double>();
}

class LinearCrossEntropy : public testing::TestWithParam<at::ScalarType> {};

// Where the caller knows which rows count, nothing needs to be looked for.
TEST_P(LinearCrossEntropy, TakesTheRowsThatTheCallerNames) {
  const Problem p(GetParam());
  Head named_head(p.weight), found_head(p.weight);
  CrossEntropyOptions options;
  const auto found = linear_cross_entropy(p.hidden, found_head.functions(), p.targets, p.weights, options);
  options.weighted_rows = at::nonzero(p.weights).view(-1);
  const auto named = linear_cross_entropy(p.hidden, named_head.functions(), p.targets, p.weights, options);
  EXPECT_TRUE(at::equal(named.row_loss_T, found.row_loss_T));
  EXPECT_TRUE(at::equal(named.d_hidden_TD, found.d_hidden_TD));
  EXPECT_TRUE(at::equal(named_head.gradient_VD, found_head.gradient_VD));
  // It is their word that counts.
  options.weighted_rows = options.weighted_rows.narrow(0, 0, 10);
  const auto fewer = linear_cross_entropy(p.hidden, named_head.functions(), p.targets, p.weights, options);
  EXPECT_EQ(fewer.row_loss_T.count_nonzero().item<std::int64_t>(), 10);
}

TEST_P(LinearCrossEntropy, DoesNotDependOnTheChunkSize) {
  const Problem p(GetParam());
  Head whole_head(p.weight), chunked_head(p.weight);
  CrossEntropyOptions options;
  options.gradient_scale = 0.01;
  const auto whole = linear_cross_entropy(p.hidden, whole_head.functions(), p.targets, p.weights, options);
  options.chunk_bytes = 1;
  const auto chunked =
      linear_cross_entropy(p.hidden, chunked_head.functions(), p.targets, p.weights, options);
  EXPECT_EQ(chunked_head.widest, 64);
  EXPECT_GT(whole_head.widest, 64);
  const double tolerance = GetParam() == at::kFloat ? 1e-6 : 0x1p-8;
  EXPECT_LE(relative_difference(chunked.row_loss_T, whole.row_loss_T), tolerance);
  EXPECT_LE(relative_difference(chunked.d_hidden_TD, whole.d_hidden_TD), tolerance);
  EXPECT_LE(relative_difference(chunked_head.gradient_VD, whole_head.gradient_VD), tolerance);
}

TEST_P(LinearCrossEntropy, RowsWithoutWeightCostNothingAndMayHaveAnyTarget) {
  Problem p(GetParam());
  p.targets.masked_fill_(p.weights.eq(0), -100);
  Head head(p.weight), compact_head(p.weight);
  const auto found = linear_cross_entropy(p.hidden, head.functions(), p.targets, p.weights, {});
  const at::Tensor trained = p.weights.ne(0), rows = trained.nonzero().view(-1);
  EXPECT_EQ(head.rows, (rows.numel() + 31) / 32 * 32);  // whole groups of rows, see linear_cross_entropy.cpp
  EXPECT_EQ(found.row_loss_T.masked_select(trained.logical_not()).count_nonzero().item<std::int64_t>(), 0);
  EXPECT_EQ(found.d_hidden_TD.index_select(0, trained.logical_not().nonzero().view(-1))
                .count_nonzero()
                .item<std::int64_t>(),
            0);
  // The rest is bit for bit what these rows alone give.
  const auto compact =
      linear_cross_entropy(p.hidden.index_select(0, rows), compact_head.functions(),
                           p.targets.index_select(0, rows), p.weights.index_select(0, rows), {});
  EXPECT_TRUE(at::equal(found.row_loss_T.index_select(0, rows), compact.row_loss_T));
  EXPECT_TRUE(at::equal(found.log_probs_T.index_select(0, rows), compact.log_probs_T));
  EXPECT_TRUE(at::equal(found.d_hidden_TD.index_select(0, rows), compact.d_hidden_TD));
  EXPECT_TRUE(at::equal(head.gradient_VD, compact_head.gradient_VD));
}

TEST_P(LinearCrossEntropy, CallsAddUpToOne) {
  const Problem p(GetParam());
  Head whole_head(p.weight), split_head(p.weight);
  const auto whole = linear_cross_entropy(p.hidden, whole_head.functions(), p.targets, p.weights, {});
  std::vector<at::Tensor> d_hidden;
  for (const auto& [from, count] : {std::pair<int, int>{0, 77}, {77, 200}, {277, 23}}) {
    const auto part = [from = from, count = count](const at::Tensor& x) { return x.narrow(0, from, count); };
    d_hidden.push_back(
        linear_cross_entropy(part(p.hidden), split_head.functions(), part(p.targets), part(p.weights), {})
            .d_hidden_TD);
  }
  const double tolerance = GetParam() == at::kFloat ? 1e-6 : 0x1p-8;
  EXPECT_LE(relative_difference(at::cat(d_hidden), whole.d_hidden_TD), tolerance);
  EXPECT_LE(relative_difference(split_head.gradient_VD, whole_head.gradient_VD), tolerance);
}

TEST_P(LinearCrossEntropy, LossesAloneEqualTheLossesBesideGradients) {
  const Problem p(GetParam());
  Head head(p.weight);
  CrossEntropyOptions options;
  const auto with = linear_cross_entropy(p.hidden, head.functions(), p.targets, p.weights, options);
  options.gradient = false;
  const at::Tensor before = head.gradient_VD.clone();
  head.rows = 0;
  const auto without = linear_cross_entropy(p.hidden, head.functions(), p.targets, p.weights, options);
  // A product of another number of rows may round otherwise here, as it may not with the kernels of a model.
  const double tolerance = GetParam() == at::kFloat ? 1e-6 : 0x1p-8;
  EXPECT_LE(relative_difference(with.row_loss_T, without.row_loss_T), tolerance);
  EXPECT_EQ(head.rows, at::count_nonzero(p.weights).item<std::int64_t>()) << "nothing is filled up";
  EXPECT_FALSE(without.d_hidden_TD.defined());
  EXPECT_TRUE(at::equal(head.gradient_VD, before));
}

TEST_P(LinearCrossEntropy, ReportsTheShareOfTheZLoss) {
  const Problem p(GetParam());
  Head head(p.weight);
  CrossEntropyOptions options;
  const auto plain = linear_cross_entropy(p.hidden, head.functions(), p.targets, p.weights, options);
  options.z_loss = 0.01;
  const auto found = linear_cross_entropy(p.hidden, head.functions(), p.targets, p.weights, options);
  EXPECT_TRUE(close(found.row_loss_T - found.row_z_T, plain.row_loss_T, 1e-5));
  const at::Tensor log_sum = at::mm(p.hidden, p.weight.t()).to(at::kFloat).logsumexp(1);
  EXPECT_TRUE(close(found.row_z_T, 0.01 * log_sum.square() * p.weights.ne(0), 1e-5));
  EXPECT_EQ(plain.row_z_T.count_nonzero().item<std::int64_t>(), 0);
}

TEST_P(LinearCrossEntropy, NothingTrainedIsNothingDone) {
  const Problem p(GetParam());
  Head head(p.weight);
  const auto found = linear_cross_entropy(p.hidden, head.functions(), p.targets, at::zeros({300}), {});
  EXPECT_EQ(head.rows, 0);
  EXPECT_EQ(found.row_loss_T.count_nonzero().item<std::int64_t>() +
                found.d_hidden_TD.count_nonzero().item<std::int64_t>(),
            0);
}

INSTANTIATE_TEST_SUITE_P(Types, LinearCrossEntropy, testing::Values(at::kFloat, at::kBFloat16),
                         [](const auto& test) { return test.param == at::kFloat ? "fp32" : "bf16"; });

// Central differences of the summed loss with respect to hidden states and head, with everything switched on.
TEST(LinearCrossEntropyGradient, IsThatOfFiniteDifferences) {
  const Problem p;
  CrossEntropyOptions options;
  options.label_smoothing = 0.1;
  options.z_loss = 1e-2;
  options.softcap = 5.0;
  options.temperature = 0.8;
  const at::Tensor hidden = p.hidden.narrow(0, 0, 6).clone(), targets = p.targets.narrow(0, 0, 6),
                   weights = at::full({6}, 0.7);
  Head head(p.weight.clone());
  const auto found = linear_cross_entropy(hidden, head.functions(), targets, weights, options);
  CrossEntropyOptions losses_only = options;
  losses_only.gradient = false;
  const auto loss = [&] {
    const auto rows = linear_cross_entropy(hidden, head.functions(), targets, weights, losses_only);
    return (rows.row_loss_T.to(at::kDouble) * weights.to(at::kDouble)).sum().item<double>();
  };
  const auto slope = [&](at::Tensor variable, const at::Tensor& direction) {
    const at::Tensor start = variable.clone();
    const double h = 0.02;
    const auto moved = [&](double by) {
      variable.copy_(start + direction * by);
      return loss();
    };
    const double derivative = (8 * (moved(h) - moved(-h)) - (moved(2 * h) - moved(-2 * h))) / (12 * h);
    variable.copy_(start);
    return derivative;
  };
  const at::Tensor d_hidden = found.d_hidden_TD, d_head = head.gradient_VD.clone();
  for (const auto& [variable, gradient] : {std::pair(hidden, d_hidden), {head.weight_VD, d_head}}) {
    const double norm = gradient.norm().item<double>();
    EXPECT_NEAR(slope(variable, gradient / norm) / norm, 1.0, 1e-4);
  }
}

}  // namespace
}  // namespace caravan::losses
