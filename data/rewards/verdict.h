// What a verifier says of a completion.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace caravan::data {

// kUnknown: the verifier cannot tell (ground truth missing, a limit reached, an answer that careful graders
// would argue about). Training leaves such a completion out of the gradient and counts it.
enum class Verdict : std::uint8_t { kRight, kWrong, kUnknown };

constexpr std::string_view name_of(Verdict verdict) {
  return verdict == Verdict::kRight ? "right" : verdict == Verdict::kWrong ? "wrong" : "unknown";
}

struct Judgement {
  Verdict verdict = Verdict::kUnknown;
  double score =
      0;  // 0..1, by the reference's rules also below; between only where a verifier gives part of the marks
  std::string reason;  // one line for people, valid UTF-8
};

inline Judgement right(std::string reason) {
  return {Verdict::kRight, 1, std::move(reason)};
}
inline Judgement wrong(std::string reason) {
  return {Verdict::kWrong, 0, std::move(reason)};
}
inline Judgement unknown(std::string reason) {
  return {Verdict::kUnknown, 0, std::move(reason)};
}
inline Judgement right_if(bool is_right, std::string reason) {
  return is_right ? right(std::move(reason)) : wrong(std::move(reason));
}

}  // namespace caravan::data
