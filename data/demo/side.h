// Which problems are trained on and which are held out.
#pragma once

#include "data/demo/exchange.h"

namespace caravan::data {

enum class Side { kTraining, kHeldOut };

// One problem in eight is held out. A function of the operands alone, neither of the seed nor of the wording,
// so that what one run of the demo holds out no other trains on.
Side side_of(const Exchange& exchange);

// A question of any kind, two in five about text. Throws data::Error (usage) where a kind hardly ever has one
// on `side`.
Exchange draw_exchange(Random& random, Side side, Difficulty difficulty);

}  // namespace caravan::data
