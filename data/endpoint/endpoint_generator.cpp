#include "data/endpoint/endpoint_generator.h"

#include "data/chat/checkpoint_template.h"
#include "data/choice_name.h"
#include "data/endpoint/endpoint_call.h"
#include "data/error.h"

namespace caravan::data {
namespace {

constexpr std::uint64_t kSeedMask = 0x7fffffff;  // what every server takes

std::string joined(const std::vector<Message>& messages) {
  std::string text;
  for (const Message& message : messages) text += (text.empty() ? "" : "\n\n") + message.content;
  return text;
}

std::string rendered(const ChatTemplate& prompt_template, const std::vector<Message>& messages) {
  Conversation conversation;
  conversation.messages = messages;
  return prompt_template
      .render(conversation, Json::object(), {.add_generation_prompt = true, .now = {}, .limits = {}})
      .text;
}

}  // namespace

EndpointGenerator::EndpointGenerator(EndpointOptions options, const std::string& log_path,
                                     EndpointHooks hooks)
    : options_(std::move(options)),
      address_(parse_endpoint_url(options_.url)),
      key_(endpoint_key(options_, address_)),
      hooks_(std::move(hooks)),
      log_(log_path) {
  if (options_.model.empty())
    throw Error(Error::Kind::kUsage, "model: is missing; name the model that " + address_.host + " serves");
  if (!options_.prompt_template.empty())
    prompt_template_.emplace(choose_template(options_.prompt_template, CheckpointTemplate()));
}

EndpointGenerator::~EndpointGenerator() = default;

std::string EndpointGenerator::name() const {
  return options_.model + " at " + address_.host;
}

std::vector<Generation> EndpointGenerator::generate(std::span<const GenerationRequest> requests) {
  return EndpointCall(*this, requests).run();
}

std::string EndpointGenerator::body_of(const GenerationRequest& request) const {
  Json body{{"model", options_.model}};
  if (options_.api == EndpointApi::kCompletions) {
    body["prompt"] =
        prompt_template_ ? rendered(*prompt_template_, request.messages) : joined(request.messages);
  } else {
    body["messages"] = Json::array();
    for (const Message& message : request.messages)
      body["messages"].push_back({{"role", message.role}, {"content", message.content}});
  }
  body[choice_name(options_.token_limit)] = request.max_tokens;
  body["temperature"] = request.temperature;
  body["top_p"] = request.top_p;
  body["seed"] = request.seed & kSeedMask;
  return body.dump();
}

HttpPool& EndpointGenerator::pool() {
  if (!pool_)
    pool_ = make_http_pool({.connections = static_cast<std::size_t>(options_.concurrency),
                            .timeout_seconds = options_.timeout_seconds,
                            .connect_timeout_seconds = options_.connect_timeout_seconds,
                            .max_reply_bytes = static_cast<std::size_t>(options_.max_reply_bytes),
                            .use_proxy = options_.use_proxy,
                            .ca_file = options_.ca_file});
  return *pool_;
}

}  // namespace caravan::data
