#include "trainer/trainer.h"

#include <ATen/ATen.h>

#include <chrono>
#include <cmath>

#include "trainer/ask_model.h"
#include "trainer/batch_tensors.h"
#include "trainer/device_work.h"
#include "trainer/distributed/gather_terms.h"
#include "trainer/error.h"
#include "trainer/fault_point.h"
#include "trainer/finite.h"
#include "trainer/metrics/meter.h"
#include "trainer/noise.h"
#include "trainer/optim/gradient_norm.h"

namespace caravan::trainer {

namespace {

// A NaN has a sign that says nothing.
std::string text_of(double value) {
  return std::isnan(value) ? "nan" : std::to_string(value);
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

Trainer::Trainer(const TrainerOptions& options, UnitShards& units, const Objective& objective,
                 BatchSource& source)
    : options_(options),
      units_(units),
      model_(units.model()),
      objective_(objective),
      source_(source),
      pass_(units, options.recompute_every),
      optimizer_(units, options.optimizer),
      schedule_(options.schedule, options.optimizer.learning_rate, source.num_steps()) {}

losses::OutputHead Trainer::head() {
  return output_head(model_);
}

bool Trainer::run(const TrainerEvents& events) {
  while (steps_done_ < source_.num_steps()) {
    const std::vector<MetricValue> values = train_step();
    if (events.margins_known && !margins_.empty()) events.margins_known(steps_done_, margins_);
    events.step_done(steps_done_, values);
    if (events.should_stop(steps_done_)) return steps_done_ == source_.num_steps();
  }
  return true;
}

std::vector<MetricValue> Trainer::train_step() {
  const auto start = std::chrono::steady_clock::now();
  units_.group().set_step(steps_done_ + 1);
  std::vector<data::MicroBatch> batches = source_.micro_batches(steps_done_);  // data
  const double data_seconds = seconds_since(start);
  if (objective_.prepares()) {
    const Trace::Span span(units_.group().trace().get(), "whole step");
    objective_.prepare(batches, ask_model(units_, pass_));
  }
  double count = 0.0;
  for (const data::MicroBatch& batch : batches) count += objective_.count(batch);
  const double divisor = objective_.divisor(count);
  if (divisor == 0.0)
    throw Error(Error::Kind::kData,
                "step " + std::to_string(steps_done_ + 1) +
                    " has no trained token, so its mean loss is undefined: " + names_of(batches) +
                    "; make steps larger (batch), look at data.train_on, or drop these rows");
  const double gradient_scale = 1.0 / divisor;

  const auto own_terms = compute(batches, gradient_scale);
  units_.finish_gradients();
  const double norm = gradient_norm(units_);  // the one wait of a step
  const std::vector<BatchTerms> terms = gather_terms(units_.group(), own_terms, batches.size(), "losses");
  double loss_sum = 0.0;
  for (const BatchTerms& term : terms) loss_sum += term.loss.sum;
  if (!std::isfinite(norm) || !std::isfinite(loss_sum)) {
    throw Error(Error::Kind::kInternalCheck,
                "step " + std::to_string(steps_done_ + 1) + ": loss " + text_of(loss_sum * gradient_scale) +
                    ", gradient norm " + text_of(norm) + ": " + explain_non_finite(batches) +
                    "; the update was not made. Lower optimizer.learning_rate, look at these rows, or go on "
                    "from an earlier checkpoint");
  }
  const double rate = schedule_.rate(steps_done_);
  {
    const Trace::Span span(units_.group().trace().get(), "update");
    optimizer_.step(steps_done_ + 1, rate, norm);  // update
  }
  // ---- the line: everything below reports
  // -------------------------------------------------------------------------------------------
  wait_for(model_.device());  // the clock is to see the update too
  const double seconds = seconds_since(start);
  ++steps_done_;
  Meter meter;
  double tokens = 0.0, documents = 0.0;
  margins_.clear();
  for (std::size_t i = 0; i < batches.size(); ++i) {
    tokens += static_cast<double>(batches[i].num_document_tokens());
    documents += static_cast<double>(batches[i].documents.size());
    for (const auto& [name, ratio] : terms[i].metrics)
      meter.add_mean("train/" + name, ratio.sum, ratio.count);
    // A pair's chosen side comes first.
    for (std::size_t pair = 0; pair < terms[i].margins.size(); ++pair)
      margins_.push_back({batches[i].documents.at(2 * pair), terms[i].margins[pair]});
  }
  tokens_done_ += static_cast<std::int64_t>(tokens);
  std::vector<MetricValue> values{{"train/loss", loss_sum * gradient_scale},
                                  {"train/grad_norm", norm},
                                  {"train/learning_rate", rate},
                                  {"train/tokens", static_cast<double>(tokens_done_)},
                                  {"train/loss_count", count},
                                  {"train/documents", documents},
                                  {"train/epoch", source_.epochs_after(steps_done_ - 1)}};
  for (MetricValue& value : meter.finish()) values.push_back(std::move(value));
  values.push_back({"speed/tokens_per_second", tokens / seconds});
  values.push_back({"speed/step_seconds", seconds});
  values.push_back({"speed/data_wait_seconds", data_seconds});
  values.push_back({"speed/model_flops_per_second", model_flops(model_.config(), batches) / seconds});
  return values;
}

// Forward and backward of the own micro-batches, round by round; index -> terms.
std::map<std::size_t, losses::LossTerms> Trainer::compute(const std::vector<data::MicroBatch>& batches,
                                                          double gradient_scale) {
  std::map<std::size_t, losses::LossTerms> terms;
  const ProcessGroup& group = units_.group();
  for (std::int64_t round = 0; round < num_rounds(batches.size(), group); ++round) {
    const auto index = static_cast<std::size_t>(round * group.size() + group.rank());
    if (index >= batches.size()) {
      pass_.stand_by();
      continue;
    }
    fault_point("compute");
    const data::MicroBatch& batch = batches[index];
    const auto noise = [&](at::Tensor& hidden_TD) {
      add_neftune_noise(hidden_TD, batch, options_.neftune_noise_alpha, options_.seed, steps_done_);
    };
    at::Tensor d_hidden_TD;
    const at::Tensor hidden_TD =
        pass_.forward(model_input(batch, model_.device()),
                      options_.neftune_noise_alpha > 0.0 ? noise : std::function<void(at::Tensor&)>{});
    {
      const Trace::Span span(group.trace().get(), "loss");
      const ObjectiveResult result = objective_.loss(hidden_TD, head(), batch, &gradient_scale);  // loss
      d_hidden_TD = result.d_hidden_TD;
      terms[index] = result.terms;
    }
    pass_.backward(d_hidden_TD);  // backward
    units_.group().note_progress();
  }
  return terms;
}

std::string Trainer::names_of(const std::vector<data::MicroBatch>& batches) const {
  constexpr std::size_t kMaxNames = 5;
  std::string text;
  std::size_t documents = 0;
  for (const data::MicroBatch& batch : batches)
    for (const data::SourceLine& where : batch.documents)
      if (++documents <= kMaxNames) text += (documents > 1 ? ", " : "") + source_.name_of(where);
  return documents > kMaxNames ? text + " and " + std::to_string(documents - kMaxNames) + " more" : text;
}

std::string Trainer::explain_non_finite(const std::vector<data::MicroBatch>& batches) {
  std::string found;
  ProcessGroup& group = units_.group();
  for (std::int64_t round = 0; found.empty() && round < num_rounds(batches.size(), group); ++round) {
    const auto index = static_cast<std::size_t>(round * group.size() + group.rank());
    std::string own;
    if (index < batches.size())
      own = first_non_finite(pass_, batches[index], model_.device(),
                             [this](const data::SourceLine& where) { return source_.name_of(where); });
    else
      pass_.stand_by_evaluation();
    for (const std::string& text : group.all_gather_text(own, "not finite"))
      if (found.empty()) found = text;
  }
  if (found.empty()) found = non_finite_gradients(units_);
  if (found.empty()) found = "all hidden states are finite; the loss itself is not";
  const std::string weights = non_finite_weights(units_);
  return weights.empty() ? found : found + "; " + weights;
}

double model_flops(const models::LlamaConfig& config, const std::vector<data::MicroBatch>& batches) {
  const double D = static_cast<double>(config.hidden_size), E = static_cast<double>(config.head_dim);
  const double q = static_cast<double>(config.num_attention_heads) * E,
               kv = static_cast<double>(config.num_key_value_heads) * E;
  const auto layers = static_cast<double>(config.num_hidden_layers);
  const double matrices =
      layers * D * (2.0 * q + 2.0 * kv + 3.0 * static_cast<double>(config.intermediate_size));
  double forward = 0.0;
  for (const data::MicroBatch& batch : batches) {
    forward += 2.0 * matrices * static_cast<double>(batch.num_tokens());
    double trained = 0.0;
    for (const float weight : batch.weights) trained += weight != 0.f;
    forward += 2.0 * D * static_cast<double>(config.head_rows()) * trained;
    for (std::size_t d = 0; d + 1 < batch.doc_starts.size(); ++d) {
      const auto n = static_cast<double>(batch.doc_starts[d + 1] - batch.doc_starts[d]);
      const double before = batch.prefix_lengths.empty() ? 0.0 : batch.prefix_lengths[d];
      forward += layers * 2.0 * q * n * (2.0 * before + n + 1.0);
    }
  }
  return 3.0 * forward;
}

}  // namespace caravan::trainer
