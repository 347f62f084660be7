#include "trainer/finite.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "trainer/batch_tensors.h"

namespace caravan::trainer {

namespace {

constexpr std::size_t kMostNames = 5;

std::string join(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), kMostNames); ++i) text += (i ? ", " : "") + names[i];
  if (names.size() > kMostNames) text += " and " + std::to_string(names.size() - kMostNames) + " more";
  return text;
}

std::string names_of_non_finite(
    const models::Llama& model,
    const std::function<at::Tensor(const models::FlatUnit&, const models::Slot&)>& tensor_of) {
  std::vector<std::string> names;
  for (auto unit = model.units().rbegin(); unit != model.units().rend(); ++unit)
    for (auto slot = unit->slots().rbegin(); slot != unit->slots().rend(); ++slot)
      if (!tensor_of(*unit, *slot).isfinite().all().item<bool>()) names.push_back(slot->name);
  return join(names);
}

}  // namespace

std::string first_non_finite(SegmentedPass& pass, const data::MicroBatch& batch, const at::Device& device,
                             const std::function<std::string(const data::SourceLine&)>& name_of) {
  std::string found;
  pass.evaluate(model_input(batch, device), [&](const std::string& unit, const at::Tensor& hidden_TD) {
    if (!found.empty()) return;
    const at::Tensor bad_T = hidden_TD.isfinite().all(1).logical_not().cpu();
    if (!bad_T.any().item<bool>()) return;
    std::vector<std::string> documents;
    for (std::size_t d = 0; d + 1 < batch.doc_starts.size(); ++d)
      if (bad_T.narrow(0, batch.doc_starts[d], batch.doc_starts[d + 1] - batch.doc_starts[d])
              .any()
              .item<bool>())
        documents.push_back(name_of(batch.documents[d]));
    found = "first not finite in the output of " + unit + ", in " + join(documents);
  });
  return found;
}

std::string non_finite_weights(const models::Llama& model) {
  const std::string names = names_of_non_finite(
      model, [](const models::FlatUnit& unit, const models::Slot& slot) { return unit.value(slot); });
  return names.empty() ? "" : "not finite themselves: " + names;
}

std::string non_finite_gradients(const models::Llama& model) {
  const std::string names = names_of_non_finite(
      model, [](const models::FlatUnit& unit, const models::Slot& slot) { return unit.gradient(slot); });
  return names.empty() ? "" : "hidden states are finite, but not the gradients of " + names;
}

}  // namespace caravan::trainer
