#include "data/filters/keyword_lists.h"

#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string_view>

#include "data/error.h"
#include "data/filters/blank_text.h"

namespace caravan::data {
namespace {

constexpr std::array<std::string_view, 17> kReference = {
    "OpenAI", "Open AI", "ChatGPT", "Chat GPT", "GPT-3",    "GPT3",      "GPT 3", "GPT-4",         "GPT4",
    "GPT 4",  "GPT-3.5", "GPT3.5",  "GPT 3.5",  "BingChat", "Bing Chat", "LAION", "Open Assistant"};

constexpr std::array<std::string_view, 5> kSelf = {"I am ", "I'm ", "I\u2019m ", "My name is ",
                                                   "You are talking to "};
constexpr std::array<std::string_view, 14> kNames = {"ChatGPT", "GPT-4",    "Claude", "Gemini",  "Bard",
                                                     "Bing",    "Copilot",  "LLaMA",  "Llama 2", "Vicuna",
                                                     "Alpaca",  "DeepSeek", "Qwen",   "Mistral"};
constexpr std::array<std::string_view, 12> kKinds = {"an AI language model",
                                                     "an artificial intelligence language model",
                                                     "a large language model",
                                                     "a language model",
                                                     "an AI model",
                                                     "an AI assistant",
                                                     "an AI chatbot",
                                                     "a virtual assistant",
                                                     "an artificial intelligence",
                                                     "an AI text-based model",
                                                     "an AI developed by",
                                                     "a machine learning model"};
constexpr std::array<std::string_view, 6> kMade = {"trained by ", "developed by ", "created by ",
                                                   "made by ",    "built by ",     "model by "};
constexpr std::array<std::string_view, 11> kMakers = {"OpenAI",
                                                      "Open AI",
                                                      "Anthropic",
                                                      "Google",
                                                      "Meta AI",
                                                      "Microsoft",
                                                      "Mistral AI",
                                                      "DeepSeek",
                                                      "Alibaba",
                                                      "LMSYS",
                                                      "Large Model Systems Organization"};
constexpr std::array<std::string_view, 5> kPhrases = {"my knowledge cutoff", "my training data",
                                                      "my last knowledge update", "my training cutoff",
                                                      "knowledge cutoff date"};

void add(std::vector<Keyword>& list, std::string_view begin, std::string_view end, std::string name) {
  list.push_back({.text = std::string(begin).append(end), .after_any = {}, .name = std::move(name)});
}

[[noreturn]] void refuse(Error::Kind kind, const std::string& path, const std::string& text) {
  throw Error(kind, "keyword_file " + path + ": " + text);
}

std::string read_list(const std::string& path) {
  // One byte more than is allowed tells a list that is too long, a pipe without end included.
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored))
    refuse(Error::Kind::kInputOutput, path, "is a folder; name a file");
  std::ifstream file(path, std::ios::binary);
  if (!file) refuse(Error::Kind::kInputOutput, path, "cannot be read; name a file of keywords, one a line");
  std::string text(4 * KeywordSearch::kMaxBytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (file.bad()) refuse(Error::Kind::kInputOutput, path, "cannot be read to its end");
  return text;
}

}  // namespace

std::vector<Keyword> reference_keywords() {
  std::vector<Keyword> list;
  for (const std::string_view name : kReference) {
    const std::size_t dot = name.find('.');
    Keyword& keyword = list.emplace_back(
        Keyword{.text = std::string(name.substr(0, dot)), .after_any = {}, .name = std::string(name)});
    if (dot != std::string_view::npos) keyword.after_any = name.substr(dot + 1);
  }
  list.push_back({.text = "OpenAssistant"});
  return list;
}

std::vector<Keyword> identity_statements() {
  std::vector<Keyword> list;
  for (const std::string_view kind : kKinds) {
    add(list, "As ", kind, "as_a_model");
    for (const std::string_view self : {"I am ", "I'm ", "I\u2019m "}) add(list, self, kind, "i_am_a_model");
  }
  add(list, "As a model ", "by", "as_a_model");
  for (const std::string_view self : kSelf) {
    for (const std::string_view name : kNames) add(list, self, name, "i_am_a_model");
  }
  for (const std::string_view made : kMade) {
    for (const std::string_view maker : kMakers) add(list, made, maker, "made_by");
  }
  for (const std::string_view phrase : kPhrases) add(list, phrase, "", "knowledge_cutoff");
  return list;
}

std::vector<Keyword> read_keyword_file(const std::string& path) {
  const std::string text = read_list(path);
  if (find_invalid_utf8(text) != std::string::npos && text.size() <= 4 * KeywordSearch::kMaxBytes)
    refuse(Error::Kind::kData, path,
           "is not UTF-8 at byte " + std::to_string(find_invalid_utf8(text)) + "; save it as UTF-8");
  std::vector<Keyword> list;
  std::size_t bytes = text.size() > 4 * KeywordSearch::kMaxBytes ? text.size() : 0;
  std::string_view rest = text;
  if (rest.starts_with("\xEF\xBB\xBF")) rest.remove_prefix(3);
  while (!rest.empty() && bytes <= KeywordSearch::kMaxBytes) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = trimmed(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (line.empty() || line.starts_with('#')) continue;
    list.push_back({.text = std::string(line)});
    bytes += line.size();
  }
  if (bytes > KeywordSearch::kMaxBytes)
    refuse(Error::Kind::kData, path,
           "holds more than " + std::to_string(KeywordSearch::kMaxBytes) +
               " bytes of keywords; split it over several runs");
  if (list.empty())
    refuse(Error::Kind::kData, path, "holds no keyword; write one a line, or leave keyword_file out");
  return list;
}

}  // namespace caravan::data
