// The reference vectors of losses: inputs, settings and what must come out, as fp64 tensors.
#pragma once

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "tests/support/close.h"
#include "tests/support/json_file.h"
#include "tests/support/shared_data.h"

namespace caravan::tests {

// Lists of lists of numbers; null is NaN, true is 1.
inline at::Tensor to_tensor(const data::Json& json) {
  std::vector<std::int64_t> sizes;
  for (const data::Json* level = &json; level->is_array(); level = &level->front()) {
    sizes.push_back(static_cast<std::int64_t>(level->size()));
    if (level->empty()) break;
  }
  std::vector<double> flat;
  const auto add = [&flat](const auto& self, const data::Json& item) -> void {
    if (item.is_array())
      for (const data::Json& inner : item) self(self, inner);
    else if (item.is_boolean())
      flat.push_back(item.get<bool>());
    else
      flat.push_back(item.is_null() ? std::numeric_limits<double>::quiet_NaN() : item.get<double>());
  };
  add(add, json);
  return at::tensor(flat, at::kDouble).reshape(sizes);
}

class LossVector {
 public:
  explicit LossVector(const data::Json& json) : json_(json) {}
  std::string name() const { return json_["name"]; }
  double tolerance() const { return json_["tolerance"]; }
  const data::Json& params() const { return json_["params"]; }
  double param(const char* key, double otherwise = 0.0) const {
    const auto found = params().find(key);
    return found == params().end() || found->is_null() ? otherwise : found->get<double>();
  }
  bool has(const char* key) const { return json_["inputs"].contains(key); }
  at::Tensor input(const std::string& key) const { return to_tensor(json_["inputs"].at(key)); }
  const data::Json& expected() const { return json_["expected"]; }
  at::Tensor wanted(const char* key) const { return to_tensor(expected().at(key)); }
  at::Tensor wanted(const char* part, const char* key) const {
    return to_tensor(expected().at(part).at(key));
  }

 private:
  data::Json json_;
};

// Empty where the reference data is absent.
inline std::vector<LossVector> loss_vectors(const std::string& file) {
  std::vector<LossVector> vectors;
  if (shared_data().empty()) return vectors;
  for (const data::Json& json : read_json(shared_data() / "goldens/losses" / (file + ".json")))
    vectors.emplace_back(json);
  return vectors;
}

// Within the vector's tolerance: absolute up to 1, relative beyond. NaN is wanted where NaN stands.
inline testing::AssertionResult agrees(const at::Tensor& found, const at::Tensor& wanted, double tolerance) {
  if (found.sizes() != wanted.sizes())
    return testing::AssertionFailure()
           << "shape " << found.sizes() << " where " << wanted.sizes() << " was wanted";
  const at::Tensor scale = wanted.abs().clamp_min(1.0);
  return close(found.to(at::kDouble) / scale, wanted / scale, tolerance + 1e-12);
}

}  // namespace caravan::tests
