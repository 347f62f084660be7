#include "trainer/segmented_pass.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>

namespace caravan::trainer {

namespace {

// On the CPU every number of rows makes oneDNN generate code of its own for each product, about 10 MB a
// number that it keeps for good. So blocks run on a multiple of this many rows.
constexpr std::int64_t kRowMultiple = 32;

// The rows added to hidden_TD, zeros, are a document of their own: nothing sees them and their gradient is
// zero.
ModelInput fill_up(ModelInput input) {
  const std::int64_t tokens = input.layout.num_tokens();
  const std::int64_t rows = (tokens + kRowMultiple - 1) / kRowMultiple * kRowMultiple;
  if (!input.ids_T.is_cpu() || rows == tokens) return input;
  input.layout.positions.resize(static_cast<std::size_t>(rows), 0);
  input.layout.doc_starts.push_back(static_cast<std::int32_t>(rows));
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

at::Tensor SegmentedPass::forward(const ModelInput& input, const std::function<void(at::Tensor&)>& perturb) {
  kept_.clear();
  ids_T_ = input.ids_T;
  const auto context = model_.context(fill_up(input).layout);
  at::Tensor hidden_TD = model_.embed(input.ids_T);
  if (perturb) perturb(hidden_TD);
  hidden_TD = with_rows(hidden_TD, context->layout.num_tokens());
  for (std::int64_t layer = 0; layer < model_.config().num_hidden_layers; ++layer)
    hidden_TD = run(hidden_TD, !recomputes(layer), [this, layer, context](const at::Tensor& x_TD) {
      return model_.block(layer, x_TD, context);
    });
  hidden_TD = run(hidden_TD, true, [this](const at::Tensor& x_TD) { return model_.final_norm(x_TD); });
  return hidden_TD.detach().narrow(0, 0, input.ids_T.size(0));
}

void SegmentedPass::backward(at::Tensor d_hidden_TD) {
  d_hidden_TD = with_rows(d_hidden_TD, kept_.back().leaf.size(0));
  while (!kept_.empty()) {
    Kept unit = std::move(kept_.back());
    kept_.pop_back();
    if (!unit.output.defined()) unit.output = unit.unit(unit.leaf);
    torch::autograd::backward({unit.output}, {d_hidden_TD});
    d_hidden_TD = unit.leaf.grad();
  }
  at::NoGradGuard no_grad;
  model_.embed_backward(ids_T_, d_hidden_TD.narrow(0, 0, ids_T_.size(0)));
}

at::Tensor SegmentedPass::evaluate(const ModelInput& input,
                                   const std::function<void(const std::string&, const at::Tensor&)>& see) {
  at::NoGradGuard no_grad;
  const auto context = model_.context(fill_up(input).layout);
  const std::int64_t tokens = input.ids_T.size(0);
  const auto show = [&](const std::string& name, const at::Tensor& x) {
    if (see) see(name, x.narrow(0, 0, tokens));
  };
  at::Tensor hidden_TD = model_.embed(input.ids_T);
  show("model.embed_tokens", hidden_TD);
  hidden_TD = with_rows(hidden_TD, context->layout.num_tokens());
  for (std::int64_t layer = 0; layer < model_.config().num_hidden_layers; ++layer) {
    hidden_TD = model_.block(layer, hidden_TD, context);
    show("model.layers." + std::to_string(layer), hidden_TD);
  }
  hidden_TD = model_.final_norm(hidden_TD.narrow(0, 0, tokens));
  show("model.norm", hidden_TD);
  return hidden_TD;
}

}  // namespace caravan::trainer
