#include "data/evaluation/item_tokens.h"

#include <algorithm>

#include "data/error.h"

namespace caravan::data {

ItemTokens::ItemTokens(const Tokenizer& tokenizer, const ChatTemplate* chat_template, const Json& variables,
                       Date now)
    : tokenizer_(tokenizer), chat_template_(chat_template), variables_(variables), now_(now) {}

ItemTokens::Text ItemTokens::text_of(const TaskItem& item) const {
  if (item.messages.empty()) return {item.context, {}, true};
  if (chat_template_ == nullptr)
    throw Error(Error::Kind::kUsage,
                "the task asks through a chat template, and the model has none; give --template NAME, or set "
                "chat: false in the task");
  Conversation conversation;
  conversation.messages = item.messages;
  RenderOptions options;
  options.add_generation_prompt = true;
  options.now = now_;
  Rendered rendered = chat_template_->render(conversation, variables_, options);
  return {std::move(rendered.text), std::move(rendered.trusted), false};
}

std::vector<std::int32_t> ItemTokens::encode(const Text& text) const {
  std::vector<std::int32_t> ids;
  if (text.framed) ids = tokenizer_.framing().before;
  tokenizer_.encode(text.text, text.trusted, ids);
  return ids;
}

std::int32_t ItemTokens::prefix_id() const {
  for (const char* name : {"bos_token", "eos_token"}) {
    if (!variables_.is_object() || !variables_.contains(name) || !variables_[name].is_string()) continue;
    if (const auto id = tokenizer_.token_to_id(variables_[name].get_ref<const std::string&>())) return *id;
  }
  if (!tokenizer_.framing().before.empty()) return tokenizer_.framing().before.front();
  throw Error(Error::Kind::kData,
              "the model's tokenizer_config.json names neither bos_token nor eos_token; a text without a "
              "prompt needs one of them to begin with");
}

std::string ItemTokens::prompt_text(const TaskItem& item) const {
  return text_of(item).text;
}

std::vector<std::int32_t> ItemTokens::prompt(const TaskItem& item) const {
  return encode(text_of(item));
}

ScoredIds ItemTokens::choice(const TaskItem& item, std::size_t index) const {
  Text text = text_of(item);
  const std::string& choice = item.choices[index];
  ScoredIds scored;
  if (text.text.empty()) {
    scored.ids = {prefix_id()};
    tokenizer_.encode(choice, {}, scored.ids);
    return scored;
  }
  Text whole = text;
  whole.text += choice;
  // Ranges that end beyond the shortened prompt would reach over its end.
  text.text.resize(text.text.find_last_not_of(" \t\r\n\v\f") + 1);
  for (ByteRange& range : text.trusted) {
    range.begin = std::min(range.begin, text.text.size());
    range.end = std::min(range.end, text.text.size());
  }
  scored.ids = encode(whole);
  scored.first = std::max<std::size_t>(encode(text).size(), 1);
  if (scored.first >= scored.ids.size())
    throw Error(Error::Kind::kData, item.id + ": choice " + std::to_string(index + 1) +
                                        " adds no token to the prompt; it cannot be scored");
  return scored;
}

std::vector<ScoredIds> ItemTokens::windows(const std::string& text, std::size_t longest) const {
  std::vector<std::int32_t> ids{prefix_id()};
  // The text begins as a text of its own does: the tokenizer's BOS, where it has one, is scored too.
  const Text whole{text, {}, true};
  const std::vector<std::int32_t> own = encode(whole);
  ids.insert(ids.end(), own.begin(), own.end());
  std::vector<ScoredIds> found;
  std::size_t done = 1;
  while (done < ids.size()) {
    const std::size_t end = std::min(ids.size(), done + longest);
    // All ids but the last are read.
    const std::size_t begin = end > longest + 1 ? end - longest - 1 : 0;
    found.push_back(
        {{ids.begin() + static_cast<std::ptrdiff_t>(begin), ids.begin() + static_cast<std::ptrdiff_t>(end)},
         done - begin});
    done = end;
  }
  return found;
}

}  // namespace caravan::data
