// How a server of the OpenAI chat or completions API is reached, and what may be spent on it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace caravan::data {

enum class EndpointApi { kChat, kCompletions };
constexpr std::array<std::string_view, 2> choice_names(EndpointApi) {
  return {"chat", "completions"};
}

// What the server calls the most tokens of an answer.
enum class TokenLimitName { kMaxTokens, kMaxCompletionTokens };
constexpr std::array<std::string_view, 2> choice_names(TokenLimitName) {
  return {"max_tokens", "max_completion_tokens"};
}

struct EndpointOptions {
  std::string url = {};
  std::string model = {};
  EndpointApi api = EndpointApi::kChat;
  TokenLimitName token_limit = TokenLimitName::kMaxTokens;
  std::string prompt_template = {};
  std::string key_variable = {};
  bool plain_key = false;
  bool use_proxy = false;
  std::string ca_file = {};
  std::int64_t concurrency = 16;
  double timeout_seconds = 600.0, connect_timeout_seconds = 10.0;
  std::int64_t attempts = 6;
  double backoff_seconds = 1.0, max_backoff_seconds = 60.0, max_retry_after_seconds = 300.0;
  std::int64_t max_reply_bytes = std::int64_t{16} << 20;
  std::optional<std::int64_t> max_requests = {}, max_total_tokens = {};
  bool operator==(const EndpointOptions&) const = default;

  template <class Visitor>
  void visit_fields(Visitor& v) {
    v.field("url", url,
            {.help = "where the server's API begins, as in http://127.0.0.1:8000/v1; http or https, no "
                     "question mark, no user name"});
    v.field("model", model, {.help = "the name by which the server knows the model"});
    v.field("api", api, {.help = "chat: url/chat/completions; completions: url/completions"});
    v.field("token_limit", token_limit,
            {.help = "the name of the most tokens of an answer in a request; newer servers of OpenAI want "
                     "max_completion_tokens"});
    v.field("prompt_template", prompt_template,
            {.help = "completions: chat template that makes the prompt, a built-in name or a file of Jinja "
                     "text; absent: the texts of the turns, a blank line between them",
             .path_or_name = true});
    v.field("key_variable", key_variable,
            {.help = "environment variable that holds the key; the key itself is never written down"});
    v.field("plain_key", plain_key, {.help = "the key may go over http, unencrypted, to another machine"});
    v.field("use_proxy", use_proxy,
            {.help = "proxies named by the environment are used", .free_at_resume = true});
    v.field("ca_file", ca_file,
            {.help = "certificates that https servers are checked by; absent: those of the system",
             .path = true,
             .free_at_resume = true});
    visit_limits(v);
  }

 private:
  template <class Visitor>
  void visit_limits(Visitor& v) {
    v.field("concurrency", concurrency,
            {.help = "requests under way at once", .min = 1, .max = 1024, .free_at_resume = true});
    v.field("timeout_seconds", timeout_seconds,
            {.help = "for one request, from its first byte to the last of the reply",
             .min = 0.05,
             .max = 86400,
             .free_at_resume = true});
    v.field("connect_timeout_seconds", connect_timeout_seconds,
            {.help = "until a connection stands", .min = 0.05, .max = 600, .free_at_resume = true});
    v.field("attempts", attempts,
            {.help = "times one request is sent before it is given up: after 408, 429, 5xx, timeouts, lost "
                     "connections and replies that cannot be read",
             .min = 1,
             .max = 100,
             .free_at_resume = true});
    v.field("backoff_seconds", backoff_seconds,
            {.help = "wait before the second attempt; doubled for each further one, times 0.5 to 1 by seed",
             .min = 0,
             .max = 3600,
             .free_at_resume = true});
    v.field("max_backoff_seconds", max_backoff_seconds,
            {.help = "longest such wait", .min = 0, .max = 3600, .free_at_resume = true});
    v.field("max_retry_after_seconds", max_retry_after_seconds,
            {.help = "longest wait that the server may ask for (Retry-After, obeyed by all requests); asked "
                     "for more, the run stops, resumable",
             .min = 0,
             .max = 86400,
             .free_at_resume = true});
    v.field("max_reply_bytes", max_reply_bytes,
            {.help = "bytes of a reply; a longer one is given up", .min = 1024, .max = 1 << 30});
    v.field("max_requests", max_requests,
            {.help = "requests that may be sent over all runs in this folder, attempts counted; then the run "
                     "stops with 75",
             .min = 1,
             .free_at_resume = true});
    v.field("max_total_tokens", max_total_tokens,
            {.help = "tokens of prompts and answers that may be spent over all runs in this folder; nothing "
                     "is sent that could exceed it (a prompt is taken for as many tokens as it has bytes "
                     "until the server tells)",
             .min = 1,
             .free_at_resume = true});
  }
};

}  // namespace caravan::data
