#include "trainer/objectives/preference.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <map>

#include "losses/sequence_sums.h"
#include "models/device.h"
#include "trainer/error.h"

namespace caravan::trainer {

namespace {

using at::Tensor;

Tensor column(const Tensor& values_S, std::int64_t side) {
  return values_S.view({-1, 2}).select(1, side);
}

// To the tokens of both sides.
Tensor spread(const Answers& pairs, const Tensor& chosen_B, const Tensor& rejected_B) {
  return pairs.spread(at::stack({chosen_B, rejected_B}, 1).view(-1));
}

Tensor length_weights(const Answers& pairs, double alpha) {
  std::vector<std::int64_t> others = pairs.tokens();
  for (std::size_t s = 0; s + 1 < others.size(); s += 2) std::swap(others[s], others[s + 1]);
  return models::device_copy<double>(losses::length_desensitised_weights(pairs.tokens(), others, alpha),
                                     pairs.rows_N().device());
}

// What pairs gave, run after run.
struct Parts {
  std::map<std::string, std::vector<Tensor>> values;
  void add(const std::string& name, const Tensor& values_B) {
    values[name].push_back(values_B.to(at::kDouble));
  }
};

// The columns of a table of pairs, where they are defined.
constexpr std::array<Tensor losses::PairLogProbs::*, 9> kColumns{
    &losses::PairLogProbs::policy_chosen_B,    &losses::PairLogProbs::policy_rejected_B,
    &losses::PairLogProbs::chosen_tokens_B,    &losses::PairLogProbs::rejected_tokens_B,
    &losses::PairLogProbs::reference_chosen_B, &losses::PairLogProbs::reference_rejected_B,
    &losses::PairLogProbs::pair_weights_B,     &losses::PairLogProbs::nll_chosen_B,
    &losses::PairLogProbs::nll_scale_B};
// Of a result, what a step hands out to its micro-batches.
constexpr std::array<Tensor losses::PreferenceResult::*, 6> kResults{
    &losses::PreferenceResult::loss_B,
    &losses::PreferenceResult::d_chosen_B,
    &losses::PreferenceResult::d_rejected_B,
    &losses::PreferenceResult::reward_chosen_B,
    &losses::PreferenceResult::reward_rejected_B,
    &losses::PreferenceResult::d_nll_B};

// The members that are defined, a row each; and back.
template <class Struct, std::size_t kCount>
Tensor table_of(const Struct& values, const std::array<Tensor Struct::*, kCount>& members) {
  std::vector<Tensor> rows;
  for (const auto member : members)
    if ((values.*member).defined()) rows.push_back((values.*member).to(at::kDouble));
  return at::stack(rows);
}
template <class Struct, std::size_t kCount>
void from_table(const Tensor& table, const std::array<Tensor Struct::*, kCount>& members,
                const std::array<bool, kCount>& defined, Struct& values) {
  std::int64_t row = 0;
  for (std::size_t i = 0; i < kCount; ++i)
    if (defined[i]) values.*members[i] = table[row++];
}

}  // namespace

void check_pairs(const data::MicroBatch& batch) {
  bool pairs = batch.roles.size() + 1 == batch.doc_starts.size() && batch.roles.size() % 2 == 0;
  for (std::size_t d = 0; pairs && d < batch.roles.size(); ++d)
    pairs = batch.roles[d] == (d % 2 == 0 ? data::DocumentRole::kChosen : data::DocumentRole::kRejected);
  if (!pairs)
    throw Error(Error::Kind::kInternalCheck,
                "preference loss: the micro-batch is not made of pairs; please report this defect");
}

PreferenceObjective::PreferenceObjective(const PreferenceLossOptions& options)
    : options_(options), loss_options_(options.loss_options()) {
  options_.check();
}

double PreferenceObjective::count(const data::MicroBatch& batch) const {
  return static_cast<double>(std::count(batch.roles.begin(), batch.roles.end(), data::DocumentRole::kChosen));
}

bool PreferenceObjective::prepares() const {
  return std::ranges::any_of(loss_options_.terms, [](const losses::PreferenceTerm& term) {
    return losses::traits_of(term.loss).sorts_batch;
  });
}

PreferenceObjective::Scored PreferenceObjective::score(const AnswerWalk& walk,
                                                       const data::MicroBatch& batch) const {
  const Answers& pairs = walk.answers();
  Scored scored;
  scored.token_weights_N =
      options_.ld_alpha < 1.0 ? length_weights(pairs, options_.ld_alpha) : at::ones_like(walk.policy_N());
  scored.plain_S = pairs.sums(walk.policy_N());
  const Tensor policy_S = pairs.sums(walk.policy_N() * scored.token_weights_N);
  const Tensor tokens_S = pairs.tokens_S().to(at::kDouble);
  scored.pairs = {column(policy_S, 0), column(policy_S, 1), {}, {}, column(tokens_S, 0), column(tokens_S, 1)};
  if (options_.needs_reference()) {
    const Tensor reference_N = pairs.at_rows(reference_log_probs(batch, pairs.rows_N().device()));
    const Tensor reference_S = pairs.sums(reference_N * scored.token_weights_N);
    scored.pairs.reference_chosen_B = column(reference_S, 0);
    scored.pairs.reference_rejected_B = column(reference_S, 1);
  }
  if (options_.wpo) {
    const Tensor averages_S = scored.plain_S / tokens_S;
    scored.pairs.pair_weights_B = losses::wpo_plain(column(averages_S, 0), column(averages_S, 1));
  }
  if (options_.nll_weight > 0.0) {
    scored.pairs.nll_chosen_B = column(scored.plain_S, 0);
    scored.pairs.nll_scale_B = 1.0 / column(tokens_S, 0);
  }
  return scored;
}

// All pairs of the step are compared at once, and each micro-batch is given what came of its own.
void PreferenceObjective::prepare(std::vector<data::MicroBatch>& step, const AskModel& ask) const {
  const at::NoGradGuard no_grad;
  const auto answer = [&](const Tensor& hidden_TD, const losses::OutputHead& head,
                          const data::MicroBatch& batch) {
    check_pairs(batch);
    const AnswerWalk walk(hidden_TD, head, batch, {0, batch.roles.size()}, false);
    const Scored scored = score(walk, batch);
    return table_of(scored.pairs, kColumns).view(-1);
  };
  std::vector<Tensor> tables;
  for (std::size_t i = 0; const std::vector<double>& numbers : ask(step, answer))
    tables.push_back(
        at::tensor(numbers, at::kDouble).view({-1, static_cast<std::int64_t>(count(step[i++]))}));
  const Tensor table = at::cat(tables, 1);
  losses::PairLogProbs pairs;
  from_table(table, kColumns,
             {true, true, true, true, options_.needs_reference(), options_.needs_reference(), options_.wpo,
              options_.nll_weight > 0.0, options_.nll_weight > 0.0},
             pairs);
  const Tensor results = table_of(losses::preference_loss(pairs, loss_options_, true), kResults);
  std::int64_t begin = 0;
  for (data::MicroBatch& batch : step) {
    const auto own = static_cast<std::int64_t>(count(batch));
    const Tensor values = results.narrow(1, begin, own).contiguous();
    batch.step_values.assign(values.data_ptr<double>(), values.data_ptr<double>() + values.numel());
    begin += own;
  }
}

losses::PreferenceResult PreferenceObjective::result_of(const Scored& scored, const data::MicroBatch& batch,
                                                        std::size_t first_pair, bool gradient) const {
  if (!prepares()) return losses::preference_loss(scored.pairs, loss_options_, gradient);
  if (batch.step_values.empty())
    throw Error(Error::Kind::kInternalCheck,
                "preference loss: the step was not prepared; please report this defect");
  const Tensor& like_B = scored.pairs.policy_chosen_B;
  const Tensor table = models::device_copy<double>(batch.step_values, like_B.device())
                           .view({-1, static_cast<std::int64_t>(count(batch))})
                           .narrow(1, static_cast<std::int64_t>(first_pair), like_B.size(0));
  losses::PreferenceResult result;
  from_table(table, kResults, {true, true, true, true, true, options_.nll_weight > 0.0}, result);
  return result;
}

ObjectiveResult PreferenceObjective::loss(const Tensor& hidden_TD, const losses::OutputHead& head,
                                          const data::MicroBatch& batch, const double* gradient_scale) const {
  check_pairs(batch);
  const at::NoGradGuard no_grad;
  const bool gradient = gradient_scale != nullptr;
  ObjectiveResult out;
  if (gradient) out.d_hidden_TD = at::zeros_like(hidden_TD);
  Parts parts;
  for (const auto& run : runs_of(hidden_TD, head, batch, 2, gradient)) {
    AnswerWalk walk(hidden_TD, head, batch, run, gradient);
    const Scored scored = score(walk, batch);
    const losses::PreferenceResult result = result_of(scored, batch, run.first / 2, gradient);
    parts.add("loss", result.loss_B);
    parts.add("rewards/chosen", result.reward_chosen_B);
    parts.add("rewards/rejected", result.reward_rejected_B);
    parts.add("logps/chosen", column(scored.plain_S, 0));
    parts.add("logps/rejected", column(scored.plain_S, 1));
    if (options_.nll_weight > 0.0) parts.add("nll", -scored.pairs.nll_chosen_B * scored.pairs.nll_scale_B);
    if (!gradient) continue;
    // The head's gradient is that of weight times -log p.
    Tensor weights_N =
        -spread(walk.answers(), result.d_chosen_B, result.d_rejected_B) * scored.token_weights_N;
    if (options_.nll_weight > 0.0)
      weights_N = weights_N - spread(walk.answers(), result.d_nll_B, at::zeros_like(result.d_nll_B));
    walk.backward(weights_N * *gradient_scale, out.d_hidden_TD);
  }

  const double counted = count(batch);
  for (const auto& [name, values] : parts.values) {
    const Tensor sum = at::cat(values).sum();
    if (name == "loss")
      out.terms.loss = {sum, counted};
    else
      out.terms.metrics[name] = {sum, counted};
  }
  const Tensor chosen_B = at::cat(parts.values["rewards/chosen"]),
               rejected_B = at::cat(parts.values["rewards/rejected"]);
  out.terms.margins_B = (chosen_B - rejected_B).contiguous();
  out.terms.metrics["rewards/margins"] = {out.terms.margins_B.sum(), counted};
  out.terms.metrics["rewards/accuracies"] = {chosen_B.gt(rejected_B).to(at::kDouble).sum(), counted};
  return out;
}

}  // namespace caravan::trainer
