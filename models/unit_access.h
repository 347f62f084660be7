// When the parameters of a unit are needed: for who holds them in parts.
//
// models knows no ranks. Whoever shards parameters implements this; the units are those of Llama::units().
// One turn follows the other; only where the head is the embedding, its turn lies within that of the last
// unit, and two units are whole at a time.
#pragma once

#include <cstddef>

namespace caravan::models {

class UnitAccess {
 public:
  virtual ~UnitAccess() = default;
  // From here to end() the unit's values are whole. The next turn will be that of `next`; it may be fetched
  // meanwhile.
  virtual void begin(std::size_t unit, std::size_t next) = 0;
  virtual void end(std::size_t unit) = 0;
};

}  // namespace caravan::models
