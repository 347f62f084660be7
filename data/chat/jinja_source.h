// The text of a template, and how a place in it is shown to the user: name:line:column, the line, a caret.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "data/chat/jinja_fault.h"
#include "data/error.h"

namespace caravan::data::jinja {

class Source {
 public:
  // Line ends become "\n" and one trailing line end is dropped, as jinja2 does before it reads a template.
  Source(std::string_view text, std::string name);

  const std::string& text() const { return text_; }
  const std::string& name() const { return name_; }

  // "name:2:7: message", then the line (cut to a window where it is long) with a caret, then the advice.
  // Lines and columns count from 1; columns count characters.
  Error error_at(std::size_t position, const std::string& message, const std::string& advice) const;

 private:
  std::string text_;
  std::string name_;
};

}  // namespace caravan::data::jinja
