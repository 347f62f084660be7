// The header of a safetensors file.
#include <span>

#include "models/error.h"
#include "models/weights/safetensors_header.h"
#include "tests/fuzz/fuzz_input.h"

using namespace caravan;

const fuzz::Registered kTarget("safetensors", [](fuzz::Input input) {
  fuzz::may_refuse<models::Error>([&] {
    const auto header = models::parse_safetensors_header(std::as_bytes(std::span(input.rest())), "fuzz");
    for (const models::StoredTensor& tensor : header.tensors)
      fuzz::require(tensor.begin <= tensor.end && tensor.end <= input.rest().size(),
                    "tensors lie inside the file");
  });
});
