// Text in, verdict out: the rewards that need no model.
//
// Goals: never throws on text, whatever its bytes; time and memory bounded by the length of the text; the
// same verdict for the same text on every machine; a reason that a person can check. Non-goals: partial
// credit for looks, running code, judging by a model (model_scorer.h holds the interface for that).
#pragma once

#include <array>
#include <string_view>

#include "data/message.h"
#include "data/rewards/verdict.h"

namespace caravan::data {

// kSound: what a careful grader would say. kOpenInstruct: the string rules of the reference implementation,
// flaws included, to reproduce its rewards. kOpenInstructTulu3: those it had when Tulu 3 was trained; they
// differ for gsm8k.
enum class Rules : std::uint8_t { kSound, kOpenInstruct, kOpenInstructTulu3 };
constexpr std::array<std::string_view, 3> choice_names(Rules) {
  return {"sound", "open_instruct", "open_instruct_tulu3"};
}

struct VerifierOptions {
  Rules rules = Rules::kSound;
  double max_length = 32768;  // tokens; what the scores of max_length and up_to_max_length fall off over
};

// Thread safe: verifiers keep no state.
class Verifier {
 public:
  // A longer completion is not read: its verdict is unknown.
  static constexpr std::size_t kMaxBytes = std::size_t{16} << 20;

  virtual ~Verifier() = default;
  // Bytes that are no UTF-8 are read as U+FFFD. `ground_truth`: a text, a number, a list of them (any may be
  // met) or an object, as the verifier's row in README.md says; null or of another shape: unknown.
  Judgement verify(std::string_view completion, const Json& ground_truth) const noexcept;
  // Without a ground truth every verdict would be unknown.
  virtual bool needs_truth() const { return true; }

 private:
  virtual Judgement judge(std::string_view completion, const Json& ground_truth) const = 0;
};

}  // namespace caravan::data
