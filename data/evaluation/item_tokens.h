// Questions as token ids, cut where lm-eval cuts them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "data/chat/template.h"
#include "data/evaluation/task_item.h"
#include "data/tokenizers/tokenizer.h"

namespace caravan::data {

// Ids of which those from `first` on are scored, each given all before it; first is at least 1.
struct ScoredIds {
  std::vector<std::int32_t> ids;
  std::size_t first = 1;
};

class ItemTokens {
 public:
  // `chat_template` may be null where no item is a chat; `variables`: special tokens by name. All must
  // outlive this. Thread safe.
  ItemTokens(const Tokenizer& tokenizer, const ChatTemplate* chat_template, const Json& variables, Date now);

  // The text of the prompt as the model sees it.
  std::string prompt_text(const TaskItem& item) const;
  // A prompt to go on from, with the BOS that the tokenizer puts before texts; a chat's template writes its
  // own.
  std::vector<std::int32_t> prompt(const TaskItem& item) const;
  // Prompt and choice encoded as one text; what the choice adds to the prompt's own ids is scored. Blanks at
  // the end of the prompt belong to the choice. Without a prompt the choice follows the BOS (else the EOS).
  ScoredIds choice(const TaskItem& item, std::size_t index) const;
  // A text cut into windows of at most `longest` ids to read, every id of it scored once: the first after the
  // BOS (else the EOS), later windows with as much before them as fits.
  std::vector<ScoredIds> windows(const std::string& text, std::size_t longest) const;

  const Tokenizer& tokenizer() const { return tokenizer_; }

 private:
  struct Text {
    std::string text;
    std::vector<ByteRange> trusted;
    bool framed = false;
  };
  Text text_of(const TaskItem& item) const;
  std::vector<std::int32_t> encode(const Text& text) const;
  std::int32_t prefix_id() const;

  const Tokenizer& tokenizer_;
  const ChatTemplate* chat_template_;
  const Json& variables_;
  Date now_;
};

}  // namespace caravan::data
