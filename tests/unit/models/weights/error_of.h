// Runs something that must throw models::Error and gives the error back.
#pragma once

#include <gtest/gtest.h>

#include "models/error.h"

namespace caravan::tests {

template <typename Action>
models::Error error_of(Action&& action) {
  try {
    action();
  } catch (const models::Error& error) {
    return error;
  }
  ADD_FAILURE() << "no error was thrown";
  return {models::Error::Kind::kData, ""};
}

inline bool names(const models::Error& error, const std::string& text) {
  return std::string(error.what()).find(text) != std::string::npos;
}

}  // namespace caravan::tests

// The error's text is printed where the part is not in it.
#define EXPECT_NAMES(error, text) \
  EXPECT_TRUE(caravan::tests::names(error, text)) << "no \"" << (text) << "\" in: " << (error).what()
