// The verifiers by name.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "data/rewards/verifier.h"

namespace caravan::data {

struct VerifierEntry {
  std::string_view name;
  std::string_view help;  // what the ground truth is
  std::unique_ptr<Verifier> (*make)(const VerifierOptions& options);
};

// In alphabetical order.
std::span<const VerifierEntry> verifier_table();

// `name` as in the `dataset` of published rows: capital letters do not matter. Throws data::Error (usage)
// with the nearest name where there is none.
std::unique_ptr<Verifier> make_verifier(std::string_view name, const VerifierOptions& options = {});

}  // namespace caravan::data
