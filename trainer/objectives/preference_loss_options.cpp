#include "trainer/objectives/preference_loss_options.h"

#include "trainer/error.h"

namespace caravan::trainer {

losses::PreferenceOptions PreferenceLossOptions::loss_options() const {
  losses::PreferenceOptions options;
  options.terms = {{name, weight}};
  for (const PreferenceTermOptions& term : further) options.terms.push_back({term.name, term.weight});
  options.beta = beta;
  options.label_smoothing = label_smoothing;
  options.gamma_beta_ratio = gamma_beta_ratio;
  options.simpo_alpha = simpo_alpha;
  options.discopop_tau = discopop_tau;
  options.divergence = divergence;
  options.divergence_alpha = divergence_alpha;
  options.reference_free = reference_free;
  options.nll_weight = nll_weight;
  return options;
}

bool PreferenceLossOptions::needs_reference() const {
  if (reference_free) return false;
  for (const losses::PreferenceTerm& term : loss_options().terms)
    if (losses::traits_of(term.loss).reference) return true;
  return false;
}

void PreferenceLossOptions::check() const {
  const losses::PreferenceOptions options = loss_options();
  if (const std::string problem = losses::problem_of(options); !problem.empty())
    throw Error(Error::Kind::kUsage, "loss." + problem);
}

}  // namespace caravan::trainer
