// An EvalIndex as a file: made once, used by many runs, and the same bytes for the same items.
//
// Layout, little endian: 8 bytes "CRVEVAL2", u64 bytes of the body, 32 bytes SHA-256 of the body, body. The
// body is numbers of 64 bits and texts (length, bytes): sets with their files, items, then for each folding
// the words of its table in order, and per item how many words it has and which; then the embedder's name,
// the numbers of a vector and the vectors, as 32-bit floats (empty, 0 and empty where nobody embedded).
// Everything is checked when read: a file that was cut, changed or made by another version is refused, and no
// length it claims is believed before the bytes are there.
#pragma once

#include <string>

#include "data/decontamination/eval_index.h"

namespace caravan::data {

std::string write_index(const EvalIndex& index);
// `name` is named in errors. Throws data::Error(kData).
EvalIndex read_index(std::string_view bytes, const std::string& name);
// Throws data::Error, also kInputOutput where the file cannot be read.
EvalIndex read_index_file(const std::string& path);

}  // namespace caravan::data
