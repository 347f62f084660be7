// Source text to tree: tags to statements, names to places. Throws data::Error with line and column.
#pragma once

#include <memory>

#include "data/chat/jinja_source.h"
#include "data/chat/jinja_syntax.h"

namespace caravan::data::jinja {

std::unique_ptr<Tree> parse_template(const Source& source);

// Settles for each name whether it lives in a slot or in the variables, and what each scope takes over on
// entry.
void resolve_names(Tree& tree);

}  // namespace caravan::data::jinja
