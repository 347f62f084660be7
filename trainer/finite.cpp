#include "trainer/finite.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "trainer/batch_tensors.h"

namespace caravan::trainer {

namespace {

constexpr std::size_t kMaxNames = 5;

std::string join(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), kMaxNames); ++i) text += (i ? ", " : "") + names[i];
  if (names.size() > kMaxNames) text += " and " + std::to_string(names.size() - kMaxNames) + " more";
  return text;
}

// `part_of` gives the own part of a unit; what every rank finds in its own is put together.
std::string names_of_non_finite(UnitShards& units, const std::function<at::Tensor(std::size_t)>& part_of) {
  std::string own_names = "\n";
  for (std::size_t unit = 0; unit < units.num_units(); ++unit) {
    const UnitShards::Range own = units.own_range(unit);
    for (const models::Slot& slot : units.model().units()[unit].slots()) {
      const std::int64_t begin = std::max(slot.offset, own.begin),
                         end = std::min(slot.offset + slot.count, own.end);
      if (begin < end &&
          !part_of(unit).narrow(0, begin - own.begin, end - begin).isfinite().all().item<bool>())
        own_names += slot.name + "\n";
    }
  }
  std::string all_names;
  for (const std::string& text : units.group().all_gather_text(own_names, "not finite")) all_names += text;
  std::vector<std::string> names;
  const auto& all_units = units.model().units();
  for (auto unit = all_units.rbegin(); unit != all_units.rend(); ++unit)
    for (auto slot = unit->slots().rbegin(); slot != unit->slots().rend(); ++slot)
      if (all_names.find("\n" + slot->name + "\n") != std::string::npos) names.push_back(slot->name);
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

std::string non_finite_weights(UnitShards& units) {
  const std::string names =
      names_of_non_finite(units, [&](std::size_t unit) { return units.own_values(unit); });
  return names.empty() ? "" : "not finite themselves: " + names;
}

std::string non_finite_gradients(UnitShards& units) {
  const std::string names =
      names_of_non_finite(units, [&](std::size_t unit) { return units.own_gradients(unit); });
  return names.empty() ? "" : "hidden states are finite, but not the gradients of " + names;
}

}  // namespace caravan::trainer
