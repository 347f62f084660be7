// How surprising a letter is in English after the two letters before it.
#pragma once

namespace caravan::data {

inline constexpr unsigned kProfileSymbols = 27;  // a to z, and one for all that lies between words

// Half bits as letters from 'a' (0) to 'z' (25 or more), at (first * 27 + second) * 27 + third.
extern const char kEnglishProfile[];

}  // namespace caravan::data
