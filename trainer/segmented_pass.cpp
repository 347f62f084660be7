#include "trainer/segmented_pass.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>

#include "losses/linear_cross_entropy.h"

namespace caravan::trainer {

namespace {

// The rows added to hidden_TD, zeros, are a document of their own: nothing sees them and their gradient is
// zero.
ModelInput fill_up(ModelInput input) {
  const std::int64_t tokens = input.layout.num_tokens();
  const std::int64_t rows = (tokens + losses::kRowMultiple - 1) / losses::kRowMultiple * losses::kRowMultiple;
  if (!input.ids_T.is_cpu() || rows == tokens) return input;
  input.layout.positions.resize(static_cast<std::size_t>(rows), 0);
  input.layout.doc_starts.push_back(static_cast<std::int32_t>(rows));
  if (!input.layout.prefix_lengths.empty()) {
    input.layout.prefix_starts.push_back(0);
    input.layout.prefix_lengths.push_back(0);
  }
  return input;
}

at::Tensor with_rows(const at::Tensor& x_TD, std::int64_t rows) {
  return rows == x_TD.size(0) ? x_TD : at::constant_pad_nd(x_TD, {0, 0, 0, rows - x_TD.size(0)});
}

}  // namespace

at::Tensor SegmentedPass::run(const at::Tensor& hidden, bool keep_graph,
                              std::function<at::Tensor(const at::Tensor&)> unit) {
  Kept& kept = kept_.emplace_back();
  kept.leaf = hidden.detach().requires_grad_();
  if (keep_graph) {
    kept.output = unit(kept.leaf);
    return kept.output;
  }
  at::NoGradGuard no_grad;
  const at::Tensor output = unit(kept.leaf);
  kept.unit = std::move(unit);
  return output;
}

// The unit that holds the head: the embedding where they are tied.
std::size_t SegmentedPass::head_unit() const {
  return model_.config().tie_word_embeddings ? 0 : units_.num_units() - 1;
}

template <class Compute>
void SegmentedPass::forward_turn(std::size_t unit, Compute&& compute) {
  units_.need_values(unit);
  if (unit + 1 < units_.num_units()) units_.prefetch_values(unit + 1);
  {
    const Trace::Span span(units_.group().trace().get(), "forward ", model_.units()[unit].name());
    compute();
  }
  // Sums of the pass before had the time of the first block.
  if (unit == 1) units_.settle_gradients();
  // The last unit and the head are needed again at once.
  if (unit + 1 < units_.num_units() && unit != head_unit()) units_.release_values(unit);
}

template <class Compute>
void SegmentedPass::backward_turn(std::size_t unit, Compute&& compute) {
  // The way back through the embedding needs no values.
  if (unit > 0) units_.need_values(unit);
  if (unit > 1) units_.prefetch_values(unit - 1);
  units_.need_gradients(unit);
  {
    const Trace::Span span(units_.group().trace().get(), "backward ", model_.units()[unit].name());
    compute();
  }
  units_.release_values(unit);
  units_.gradients_done(unit);
}

// What a loss needs: values of the head, and where to add its gradient.
void SegmentedPass::open_head() {
  units_.need_values(head_unit());
  units_.need_gradients(head_unit());
}

at::Tensor SegmentedPass::forward(const ModelInput& input, const std::function<void(at::Tensor&)>& perturb) {
  kept_.clear();
  ids_T_ = input.ids_T;
  const auto context = model_.context(fill_up(input).layout);
  at::Tensor hidden_TD;
  forward_turn(0, [&] {
    hidden_TD = model_.embed(input.ids_T);
    if (perturb) perturb(hidden_TD);
    hidden_TD = with_rows(hidden_TD, context->layout.num_tokens());
  });
  for (std::int64_t layer = 0; layer < model_.config().num_hidden_layers; ++layer)
    forward_turn(static_cast<std::size_t>(layer) + 1, [&] {
      hidden_TD = run(hidden_TD, !recomputes(layer), [this, layer, context](const at::Tensor& x_TD) {
        return model_.block(layer, x_TD, context);
      });
    });
  forward_turn(units_.num_units() - 1, [&] {
    hidden_TD = run(hidden_TD, true, [this](const at::Tensor& x_TD) { return model_.final_norm(x_TD); });
  });
  open_head();
  return hidden_TD.detach().narrow(0, 0, input.ids_T.size(0));
}

void SegmentedPass::backward(at::Tensor d_hidden_TD) {
  d_hidden_TD = with_rows(d_hidden_TD, kept_.back().leaf.size(0));
  for (std::size_t unit = units_.num_units() - 1; unit > 0; --unit)
    backward_turn(unit, [&] {
      Kept kept = std::move(kept_.back());
      kept_.pop_back();
      if (!kept.output.defined()) kept.output = kept.unit(kept.leaf);
      torch::autograd::backward({kept.output}, {d_hidden_TD});
      d_hidden_TD = kept.leaf.grad();
    });
  backward_turn(0, [&] {
    at::NoGradGuard no_grad;
    model_.embed_backward(ids_T_, d_hidden_TD.narrow(0, 0, ids_T_.size(0)));
  });
}

void SegmentedPass::stand_by() {
  const auto nothing = [] {};
  for (std::size_t unit = 0; unit < units_.num_units(); ++unit) forward_turn(unit, nothing);
  open_head();
  for (std::size_t unit = units_.num_units(); unit-- > 0;) backward_turn(unit, nothing);
}

at::Tensor SegmentedPass::evaluate(const ModelInput& input,
                                   const std::function<void(const std::string&, const at::Tensor&)>& see) {
  at::NoGradGuard no_grad;
  const auto context = model_.context(input.layout);
  at::Tensor hidden_TD;
  const auto turn = [&](std::size_t unit, const std::string& name, const auto& compute) {
    forward_turn(unit, [&] { hidden_TD = compute(); });
    if (see) see(name, hidden_TD);
  };
  turn(0, "model.embed_tokens", [&] { return model_.embed(input.ids_T); });
  for (std::int64_t layer = 0; layer < model_.config().num_hidden_layers; ++layer)
    turn(static_cast<std::size_t>(layer) + 1, "model.layers." + std::to_string(layer),
         [&] { return model_.block(layer, hidden_TD, context); });
  turn(units_.num_units() - 1, "model.norm", [&] { return model_.final_norm(hidden_TD); });
  units_.need_values(head_unit());
  return hidden_TD;
}

void SegmentedPass::stand_by_evaluation() {
  for (std::size_t unit = 0; unit < units_.num_units(); ++unit) forward_turn(unit, [] {});
  units_.need_values(head_unit());
}

}  // namespace caravan::trainer
