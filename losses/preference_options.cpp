#include "losses/preference_options.h"

#include <cmath>

namespace caravan::losses {

namespace {

std::string name_of(PreferenceLoss loss) {
  return std::string(choice_names(loss)[static_cast<std::size_t>(loss)]);
}

std::string found(const char* setting, double value, const char* allowed) {
  std::string number = std::to_string(value);
  return std::string(setting) + ": found " + number + ", allowed is " + allowed;
}

bool above_0(double value) {
  return std::isfinite(value) && value > 0.0;
}

std::string problem_of_term(const PreferenceTerm& term, double smoothing) {
  if (!above_0(term.weight))
    return found("weight", term.weight, "a number above 0") + " (" + name_of(term.loss) + ")";
  if (!traits_of(term.loss).label_smoothing) return "";
  if (!(smoothing >= 0.0 && smoothing < 0.5))
    return found("label_smoothing", smoothing, "0 to below 0.5: beyond it the label says the opposite");
  if (term.loss == PreferenceLoss::kExoPair && smoothing == 0.0)
    return "label_smoothing: found 0, exo_pair needs its epsilon above 0 (its paper takes 1e-3)";
  return "";
}

}  // namespace

std::optional<PreferenceLoss> preference_loss_named(std::string_view name) {
  if (name == "sigmoid" || name == "cdpo") return PreferenceLoss::kDpo;
  constexpr auto names = choice_names(PreferenceLoss{});
  for (std::size_t i = 0; i < names.size(); ++i)
    if (names[i] == name) return static_cast<PreferenceLoss>(i);
  return std::nullopt;
}

std::string problem_of(const PreferenceOptions& o) {
  if (o.terms.empty()) return "terms: found none, give at least one loss";
  if (!above_0(o.beta)) return found("beta", o.beta, "a number above 0");
  if (!(std::isfinite(o.nll_weight) && o.nll_weight >= 0.0))
    return found("nll_weight", o.nll_weight, "0 or more");
  if (!(o.discopop_tau > 0.0 && o.discopop_tau < 1.0))
    return found("discopop_tau", o.discopop_tau, "above 0 and below 1");
  if (o.divergence == Divergence::kAlpha && !(std::isfinite(o.divergence_alpha) && o.divergence_alpha != 1.0))
    return found("divergence_alpha", o.divergence_alpha, "any number but 1, which is reverse_kl");
  bool smoothing = false, divergence = false, simpo = false;
  for (const PreferenceTerm& term : o.terms) {
    if (std::string problem = problem_of_term(term, o.label_smoothing); !problem.empty()) return problem;
    smoothing |= traits_of(term.loss).label_smoothing;
    divergence |= traits_of(term.loss).divergence;
    simpo |= term.loss == PreferenceLoss::kSimpo;
  }
  const std::string unused = ": " + name_of(o.terms.front().loss) + " does not use it; remove it";
  if (!smoothing && o.label_smoothing != 0.0) return "label_smoothing" + unused;
  if (!divergence && o.divergence != Divergence::kReverseKl) return "divergence" + unused;
  if (!simpo && o.gamma_beta_ratio != 0.0) return "gamma_beta_ratio" + unused;
  if (!simpo && o.simpo_alpha != 0.0) return "simpo_alpha" + unused;
  return "";
}

}  // namespace caravan::losses
