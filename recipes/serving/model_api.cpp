#include "recipes/serving/model_api.h"

#include <algorithm>
#include <ctime>

#include "data/error.h"
#include "data/tokenizers/stop_text.h"
#include "models/error.h"
#include "recipes/serving/api_error.h"

namespace caravan::recipes {

using data::Json;

// One answer to one prompt, cut at its stop text.
struct ModelApi::Answer {
  std::size_t prompt_number = 0;
  std::vector<std::int32_t> prompt;
  EngineAnswer engine;
  std::string text;
  std::size_t num_tokens = 0;  // of the completion, as far as they begin before the end of the text
  std::string finish_reason;
};

ModelApi::ModelApi(models::Llama& model, CompletionEngine& engine, const TextFront& front,
                   const models::GenerationConfig& file, const ServingOptions& options)
    : model_(model), engine_(engine), front_(front), file_(file), options_(options) {}

std::int64_t ModelApi::positions() const {
  return model_.config().max_position_embeddings;
}

void ModelApi::check_model(const std::string& name) const {
  if (name.empty() || name == options_.model_name || name == options_.model_path) return;
  throw ApiError(404, "model: found \"" + name.substr(0, 80) + "\"; this server has " + options_.model_name);
}

std::vector<std::int32_t> ModelApi::encode(const ApiPrompt& prompt, bool add_special_tokens) const {
  if (!prompt.text) return prompt.ids;
  std::vector<std::int32_t> ids;
  if (add_special_tokens) ids = front_.tokenizer->framing().before;
  front_.tokenizer->encode(*prompt.text, {}, ids);
  return ids;
}

std::vector<std::int32_t> ModelApi::encode_chat(const Json& messages, bool add_generation_prompt) const {
  if (!front_.chat_template)
    throw ApiError(400,
                   "the model has no chat template; start the server with --template NAME, or use "
                   "/v1/completions");
  Json variables = front_.variables;
  variables["messages"] = messages;
  data::RenderOptions render;
  render.add_generation_prompt = add_generation_prompt;
  render.now = today();
  const data::Rendered rendered = front_.chat_template->render(variables, render);
  std::vector<std::int32_t> ids;
  front_.tokenizer->encode(rendered.text, rendered.trusted, ids);
  return ids;
}

// What the request leaves open is as generation_config.json says, else the API's own defaults.
models::SamplingOptions ModelApi::sampling_of(const ApiSampling& wanted) const {
  models::SamplingOptions options;
  options.temperature =
      wanted.temperature.value_or(file_.do_sample.value_or(true) ? file_.temperature.value_or(1.0) : 0.0);
  options.repetition_penalty = wanted.repetition_penalty.value_or(file_.repetition_penalty.value_or(1.0));
  if (options.temperature == 0.0) return options;
  options.top_k = wanted.top_k.value_or(file_.top_k.value_or(0));
  options.top_p = wanted.top_p.value_or(file_.top_p.value_or(1.0));
  options.min_p = wanted.min_p.value_or(file_.min_p.value_or(0.0));
  return options;
}

std::string ModelApi::decode(std::span<const std::int32_t> ids) const {
  return data::written_text(*front_.tokenizer, ids);
}

std::string ModelApi::token_text(std::int32_t id) const {
  if (id >= front_.tokenizer->vocab_size()) return "<id " + std::to_string(id) + ">";
  try {
    return front_.tokenizer->token_text(id);
  } catch (const data::Error&) {
    return "<id " + std::to_string(id) + ">";
  }
}

std::vector<ModelApi::Answer> ModelApi::ask(const ApiRequest& request,
                                            std::vector<std::vector<std::int32_t>> prompts,
                                            std::int64_t usual_tokens) {
  check_model(request.model);
  const ApiSampling& wanted = request.sampling;
  if (std::ssize(prompts) * wanted.n > options_.prompts)
    throw ApiError(400, "prompt: " + std::to_string(prompts.size()) + " prompts with n " +
                            std::to_string(wanted.n) + "; allowed: " + std::to_string(options_.prompts) +
                            " answers a request");
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(options_.timeout_seconds);
  const std::uint64_t number = next_id_++;
  const std::uint64_t seed = wanted.seed.value_or(models::sampling_key(options_.seed, number));
  const auto stop_checks = data::stop_checks(*front_.tokenizer, wanted.stop);
  std::vector<std::optional<CompletionEngine::Ticket>> tickets(prompts.size());
  for (std::size_t p = 0; p < prompts.size(); ++p) {
    const std::int64_t room = positions() - std::ssize(prompts[p]);
    const std::int64_t usual = usual_tokens > 0 ? std::min(usual_tokens, room) : room;
    EngineJob job;
    job.prompt = prompts[p];
    job.max_tokens = wanted.max_tokens.value_or(std::max<std::int64_t>(usual, 1));
    job.sampling = sampling_of(wanted);
    job.score_prompt = request.echo && wanted.logprobs.has_value();
    job.top = wanted.logprobs.value_or(0);
    job.n = wanted.n;
    job.key = models::sampling_key(seed, p);
    job.stop_check = stop_checks;
    if (job.max_tokens > 0 || job.score_prompt) tickets[p] = engine_.submit(std::move(job));
  }
  std::vector<Answer> answers;
  for (std::size_t p = 0; p < prompts.size(); ++p) {
    // Without a ticket there was nothing to write and nothing to score.
    std::vector<EngineAnswer> made(static_cast<std::size_t>(wanted.n));
    if (tickets[p]) made = tickets[p]->wait(until);
    for (EngineAnswer& one : made) {
      Answer& answer = answers.emplace_back(Answer{p, prompts[p], std::move(one), "", 0, ""});
      cut(answer, wanted.stop);
    }
  }
  return answers;
}

void ModelApi::cut(Answer& answer, const std::vector<std::string>& stops) const {
  const models::Completion& completion = answer.engine.completion;
  const std::string whole = decode(completion.ids);
  answer.text = data::cut_at_stop(whole, stops, false);
  answer.num_tokens = completion.ids.size();
  const bool is_cut = answer.text.size() < whole.size();
  answer.finish_reason =
      is_cut || completion.finish_reason == models::FinishReason::kStop ? "stop" : "length";
  while (is_cut && answer.num_tokens > 0 &&
         decode(std::span(completion.ids).first(answer.num_tokens - 1)).size() >= answer.text.size())
    --answer.num_tokens;
}

Json ModelApi::envelope(const char* object, const char* prefix, const std::vector<Answer>& answers) {
  std::int64_t prompt_tokens = 0, completion_tokens = 0;
  std::size_t last = SIZE_MAX;
  for (const Answer& answer : answers) {
    if (answer.prompt_number != last) prompt_tokens += std::ssize(answer.prompt);
    last = answer.prompt_number;
    completion_tokens += std::ssize(answer.engine.completion.ids);
  }
  return {{"id", prefix + std::to_string(next_id_++)},
          {"object", object},
          {"created", std::time(nullptr)},
          {"model", options_.model_name},
          {"choices", Json::array()},
          {"usage",
           {{"prompt_tokens", prompt_tokens},
            {"completion_tokens", completion_tokens},
            {"total_tokens", prompt_tokens + completion_tokens}}}};
}

Json ModelApi::completion_scores(const Answer& answer, bool echo, std::int64_t top) const {
  Json tokens = Json::array(), scores = Json::array(), tops = Json::array(), offsets = Json::array();
  std::size_t offset = 0;
  const std::size_t prompt = answer.prompt.size();
  const bool scored = !answer.engine.log_probs.empty();
  for (std::size_t i = echo ? 0 : prompt; i < prompt + answer.num_tokens; ++i) {
    const std::int32_t id = i < prompt ? answer.prompt[i] : answer.engine.completion.ids[i - prompt];
    const std::string text = token_text(id);
    tokens.push_back(text);
    offsets.push_back(offset);
    offset += text.size();
    if (i == 0) {
      scores.push_back(nullptr);
      tops.push_back(nullptr);
      continue;
    }
    const float score = scored ? answer.engine.log_probs[i] : answer.engine.completion.log_probs[i - prompt];
    scores.push_back(score);
    Json best = Json::object();
    for (std::int64_t k = 0; scored && k < std::min<std::int64_t>(top, std::ssize(answer.engine.tops[i]));
         ++k) {
      const TokenScore& one = answer.engine.tops[i][static_cast<std::size_t>(k)];
      // Tokens of the same text: the likeliest stands.
      if (!best.contains(token_text(one.id))) best[token_text(one.id)] = one.log_prob;
    }
    tops.push_back(top > 0 ? std::move(best) : Json());
  }
  return {{"tokens", std::move(tokens)},
          {"token_logprobs", std::move(scores)},
          {"top_logprobs", top > 0 ? std::move(tops) : Json()},
          {"text_offset", std::move(offsets)}};
}

Json ModelApi::chat_scores(const Answer& answer, std::int64_t top) const {
  const auto entry = [&](std::int32_t id, float score) {
    const std::string text = token_text(id);
    Json bytes = Json::array();
    for (const char c : text) bytes.push_back(static_cast<unsigned char>(c));
    return Json{{"token", text}, {"logprob", score}, {"bytes", std::move(bytes)}};
  };
  Json content = Json::array();
  for (std::size_t i = 0; i < answer.num_tokens; ++i) {
    Json one = entry(answer.engine.completion.ids[i], answer.engine.completion.log_probs[i]);
    one["top_logprobs"] = Json::array();
    for (std::int64_t k = 0; k < top; ++k) {
      const auto& best = answer.engine.tops[answer.prompt.size() + i];
      if (k < std::ssize(best))
        one["top_logprobs"].push_back(
            entry(best[static_cast<std::size_t>(k)].id, best[static_cast<std::size_t>(k)].log_prob));
    }
    content.push_back(std::move(one));
  }
  return {{"content", std::move(content)}};
}

Json ModelApi::completions(const Json& body) {
  const ApiRequest request = parse_completion_request(body);
  std::vector<std::vector<std::int32_t>> prompts;
  for (const ApiPrompt& prompt : request.prompts)
    prompts.push_back(encode(prompt, request.add_special_tokens));
  const std::vector<Answer> answers = ask(request, std::move(prompts), 16);
  Json reply = envelope("text_completion", "cmpl-", answers);
  for (const Answer& answer : answers) {
    std::string text = answer.text;
    if (request.echo) {
      const ApiPrompt& prompt = request.prompts[answer.prompt_number];
      text = (prompt.text ? *prompt.text : decode(answer.prompt)) + text;
    }
    const auto& top = request.sampling.logprobs;
    reply["choices"].push_back({{"index", reply["choices"].size()},
                                {"text", std::move(text)},
                                {"logprobs", top ? completion_scores(answer, request.echo, *top) : Json()},
                                {"finish_reason", answer.finish_reason}});
  }
  return reply;
}

Json ModelApi::chat_completions(const Json& body) {
  const ApiRequest request = parse_chat_request(body);
  const std::vector<Answer> answers = ask(request, {encode_chat(request.messages, true)}, 0);
  Json reply = envelope("chat.completion", "chatcmpl-", answers);
  for (const Answer& answer : answers) {
    const auto& top = request.sampling.logprobs;
    reply["choices"].push_back({{"index", reply["choices"].size()},
                                {"message", {{"role", "assistant"}, {"content", answer.text}}},
                                {"logprobs", top ? chat_scores(answer, *top) : Json()},
                                {"finish_reason", answer.finish_reason}});
  }
  return reply;
}

Json ModelApi::models() const {
  const Json model{{"id", options_.model_name},
                   {"object", "model"},
                   {"created", 0},
                   {"owned_by", "caravan"},
                   {"max_model_len", positions()}};
  return {{"object", "list"}, {"data", Json::array({model})}};
}

Json ModelApi::tokenize(const Json& body) const {
  std::vector<std::int32_t> ids;
  if (body.contains("messages")) {
    const ApiRequest request = parse_chat_request({{"messages", body["messages"]}});
    ids = encode_chat(request.messages, read_flag(body, "add_generation_prompt", true));
  } else {
    if (!body.contains("prompt") || !body["prompt"].is_string())
      throw ApiError(400, "prompt: a text is needed, or messages");
    // A prompt that is one special token's text is that token: clients ask so for its id.
    const auto& text = body["prompt"].get_ref<const std::string&>();
    const auto special = front_.tokenizer->token_to_id(text);
    if (special && front_.tokenizer->is_special(*special))
      ids = {*special};
    else
      ids = encode({text, {}}, read_flag(body, "add_special_tokens", true));
  }
  return {{"count", ids.size()}, {"max_model_len", positions()}, {"tokens", std::move(ids)}};
}

Json ModelApi::detokenize(const Json& body) const {
  if (!body.contains("tokens")) throw ApiError(400, "tokens: a list of token ids is needed");
  const std::vector<std::int32_t> ids = parse_ids(body["tokens"], "tokens");
  for (const std::int32_t id : ids)
    if (id >= front_.tokenizer->vocab_size())
      throw ApiError(400, "tokens: found " + std::to_string(id) + "; allowed: 0 to " +
                              std::to_string(front_.tokenizer->vocab_size() - 1));
  return {{"prompt", front_.tokenizer->decode(ids)}};
}

Json ModelApi::tokenizer_info() const {
  Json info = front_.variables.is_object() ? front_.variables : Json::object();
  info["model_max_length"] = positions();
  info["vocab_size"] = front_.tokenizer->vocab_size();
  if (front_.chat_template) info["chat_template"] = front_.chat_template->source();
  return info;
}

}  // namespace caravan::recipes
