// When the parameters of a unit are needed: for who holds them in parts.
//
// models knows no ranks. Whoever shards parameters implements this; the units are those of Llama::units(),
// and each turn is begun and ended, one unit at a time.
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
