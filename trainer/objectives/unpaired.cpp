#include "trainer/objectives/unpaired.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <numeric>

#include "losses/unpaired_preference.h"
#include "models/device.h"
#include "trainer/error.h"
#include "trainer/objectives/answers.h"

namespace caravan::trainer {

namespace {

using at::Tensor;
using data::DocumentRole;

[[noreturn]] void refuse(const char* what) {
  throw Error(Error::Kind::kInternalCheck,
              std::string("loss on verdicts: ") + what + "; please report this defect");
}

// The documents of one kind, as a micro-batch of their own.
data::MicroBatch only(const data::MicroBatch& batch, bool mismatched) {
  data::MicroBatch out;
  out.doc_starts.push_back(0);
  const auto copy = [](const auto& from, auto& to, std::int64_t begin, std::int64_t end) {
    if (!from.empty()) to.insert(to.end(), from.begin() + begin, from.begin() + end);
  };
  for (std::size_t d = 0; d < batch.roles.size(); ++d) {
    if ((batch.roles[d] == DocumentRole::kMismatched) != mismatched) continue;
    const std::int64_t begin = batch.doc_starts[d], end = batch.doc_starts[d + 1],
                       at = static_cast<std::int64_t>(d);
    copy(batch.ids, out.ids, begin, end);
    copy(batch.targets, out.targets, begin, end);
    copy(batch.weights, out.weights, begin, end);
    copy(batch.positions, out.positions, begin, end);
    copy(batch.reference_log_probs, out.reference_log_probs, begin, end);
    copy(batch.documents, out.documents, at, at + 1);
    copy(batch.document_indices, out.document_indices, at, at + 1);
    copy(batch.roles, out.roles, at, at + 1);
    copy(batch.margins, out.margins, at, at + 1);
    out.doc_starts.push_back(static_cast<std::int32_t>(out.ids.size()));
  }
  return out;
}

std::vector<double> verdicts(const data::MicroBatch& batch) {
  std::vector<double> good;
  for (const DocumentRole role : batch.roles) {
    if (role != DocumentRole::kDesirable && role != DocumentRole::kUndesirable)
      refuse("the micro-batch holds a document without a verdict");
    good.push_back(role == DocumentRole::kDesirable ? 1.0 : 0.0);
  }
  return good;
}

double desirable(const data::MicroBatch& batch) {
  return static_cast<double>(std::ranges::count(batch.roles, DocumentRole::kDesirable));
}

double baseline_of(const std::vector<data::MicroBatch>& mismatched, const AskModel& ask) {
  const auto moved = [](const Tensor& hidden_TD, const losses::OutputHead& head,
                        const data::MicroBatch& batch) {
    const at::NoGradGuard no_grad;
    const AnswerWalk walk(hidden_TD, head, batch, {0, batch.roles.size()}, false);
    const Tensor reference_N = walk.answers().at_rows(reference_log_probs(batch, hidden_TD.device()));
    return walk.answers().sums(walk.policy_N() - reference_N);
  };
  // In the order of the step, so that the bits depend on nothing else.
  double sum = 0.0, count = 0.0;
  for (const std::vector<double>& numbers : ask(mismatched, moved)) {
    sum = std::accumulate(numbers.begin(), numbers.end(), sum);
    count += static_cast<double>(numbers.size());
  }
  if (count == 0.0) refuse("the step has no mismatched document");
  return losses::kto_baseline(at::scalar_tensor(sum, at::kDouble), count).item<double>();
}

}  // namespace

double UnpairedObjective::count(const data::MicroBatch& batch) const {
  return static_cast<double>(std::ranges::count_if(batch.roles, [](DocumentRole role) {
    return role == DocumentRole::kDesirable || role == DocumentRole::kUndesirable;
  }));
}

void UnpairedObjective::prepare(std::vector<data::MicroBatch>& step, const AskModel& ask) const {
  std::vector<data::MicroBatch> mismatched;
  double answers = 0.0, good = 0.0;
  for (data::MicroBatch& batch : step) {
    mismatched.push_back(only(batch, true));
    batch = only(batch, false);
    answers += count(batch);
    good += desirable(batch);
  }
  const double baseline = options_.has_baseline() ? baseline_of(mismatched, ask) : 0.0;
  for (data::MicroBatch& batch : step) batch.step_values = {baseline, answers, good};
}

ObjectiveResult UnpairedObjective::loss(const Tensor& hidden_TD, const losses::OutputHead& head,
                                        const data::MicroBatch& batch, const double* gradient_scale) const {
  const at::NoGradGuard no_grad;
  const at::Device device = hidden_TD.device();
  if (batch.step_values.size() != 3) refuse("the step was not prepared");
  const double baseline = batch.step_values[0];
  const bool gradient = gradient_scale != nullptr;
  const Tensor good_S = models::device_copy<double>(verdicts(batch), device).to(at::kBool);
  const Tensor reference_T = reference_log_probs(batch, device);
  ObjectiveResult out;
  if (gradient) out.d_hidden_TD = at::zeros_like(hidden_TD);
  std::vector<Tensor> loss_parts, rewards, sums;
  for (const auto& run : runs_of(hidden_TD, head, batch, 1, gradient)) {
    AnswerWalk walk(hidden_TD, head, batch, run, gradient);
    const Answers& answers = walk.answers();
    const Tensor policy_S = answers.sums(walk.policy_N());
    const losses::UnpairedResult result = losses::unpaired_loss(
        {policy_S, answers.sums(answers.at_rows(reference_T)),
         good_S.slice(0, static_cast<std::int64_t>(run.first), static_cast<std::int64_t>(run.second))},
        at::scalar_tensor(baseline, policy_S.options()), options_.loss_options());
    loss_parts.push_back(result.loss_B);
    rewards.push_back(result.reward_B);
    sums.push_back(policy_S);
    if (gradient) walk.backward(-answers.spread(result.d_policy_B) * *gradient_scale, out.d_hidden_TD);
  }
  out.terms.loss = {at::cat(loss_parts).sum(), count(batch)};
  report("rewards", at::cat(rewards), batch, out.terms);
  report("logps", at::cat(sums), batch, out.terms);
  if (options_.has_baseline())
    out.terms.metrics["kl"] = {at::scalar_tensor(baseline * count(batch), at::kDouble), count(batch)};
  return out;
}

// Means of the two kinds, and of rewards their difference, which is made of the step's numbers of both.
void UnpairedObjective::report(const std::string& name, const Tensor& values_S, const data::MicroBatch& batch,
                               losses::LossTerms& terms) const {
  const double all = count(batch), good = desirable(batch);
  const Tensor chosen_S = models::device_copy<double>(verdicts(batch), values_S.device());
  const Tensor chosen = (values_S * chosen_S).sum(), rejected = (values_S * (1.0 - chosen_S)).sum();
  if (good > 0.0) terms.metrics[name + "/chosen"] = {chosen, good};
  if (good < all) terms.metrics[name + "/rejected"] = {rejected, all - good};
  const double step_all = batch.step_values[1], step_good = batch.step_values[2];
  if (name == "rewards" && step_good > 0.0 && step_good < step_all)
    terms.metrics["rewards/margins"] = {
        chosen * (step_all / step_good) - rejected * (step_all / (step_all - step_good)), all};
}

}  // namespace caravan::trainer
