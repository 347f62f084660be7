// The name that a choice has in recipes and reports: choice_names of its type, by its place in the enum.
#pragma once

#include <cstddef>
#include <string>

namespace caravan::data {

template <class Choice>
std::string choice_name(Choice choice) {
  return std::string(choice_names(choice).at(static_cast<std::size_t>(choice)));
}

}  // namespace caravan::data
