// A checkpoint of one's own as a TextGenerator: text to ids by its template and tokenizer, ids to ids by the
// Generator, and back.
//
// Promise: what a request gets depends on the model, the request and its seed alone, as in `caravan
// generate`; every answer is in the log before it is used, so that a run that was stopped goes on; weights
// are loaded for the first request that the log does not answer. Non-goals: which device, which weights (the
// caller's).
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "data/chat/template.h"
#include "data/endpoint/request_log.h"
#include "data/text_generator.h"
#include "data/tokenizers/tokenizer.h"
#include "models/generation/generator.h"
#include "models/llama/config.h"

namespace caravan::trainer {

struct LocalTextOptions {
  std::string name;                // for provenance
  std::string fingerprint;         // of weights, tokenizer and template: what a logged answer belongs to
  data::Json variables = nullptr;  // special tokens by name, for the template
  data::Date today = {};           // for templates that print it
  models::GeneratorOptions generator = {};
  std::function<bool()> stop = {};  // true ends a call with data::Error (interrupted) once what runs is done
};

class LocalTextGenerator : public data::TextGenerator {
 public:
  using Load = std::function<std::unique_ptr<models::Llama>()>;
  // `config`: of the model that `load` gives. Tokenizer and template outlive this. Throws data::Error as
  // RequestLog.
  LocalTextGenerator(const models::LlamaConfig& config, Load load, const data::Tokenizer& tokenizer,
                     const data::ChatTemplate& chat_template, const std::string& log_path,
                     LocalTextOptions options);
  ~LocalTextGenerator() override;

  std::string name() const override { return options_.name; }
  // Problems: prompt_too_long, template_refused, not_encodable. An answer that fills max_position_embeddings
  // is cut, as one of max_tokens is. Not thread safe. Throws data::Error and models::Error, and as `load`.
  std::vector<data::Generation> generate(std::span<const data::GenerationRequest> requests) override;
  // Forgets the weights until they are needed again.
  void release();

 private:
  std::string encode(const data::GenerationRequest& request, std::vector<std::int32_t>& ids) const;
  data::RequestLog::RequestHash hash_of(const data::GenerationRequest& request,
                                        const std::vector<std::int32_t>& ids) const;
  // Whether nothing need be written: it cannot be asked, or the log has it. Else `asked` has its prompt.
  bool is_settled(const data::GenerationRequest& request, models::GenerationRequest& asked,
                  data::RequestLog::RequestHash& hash, data::Generation& result) const;
  void set_sampling(const data::GenerationRequest& request, models::GenerationRequest& asked) const;
  data::Generation text_of(const models::Completion& completion) const;

  models::LlamaConfig config_;
  Load load_;
  const data::Tokenizer& tokenizer_;
  const data::ChatTemplate& chat_template_;
  LocalTextOptions options_;
  data::RequestLog log_;
  std::unique_ptr<models::Llama> model_;
  std::optional<models::Generator> generator_;  // over model_
};

}  // namespace caravan::trainer
