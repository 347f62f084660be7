#include "data/converters/converter_table.h"

#include <algorithm>
#include <array>

#include "data/converters/chat_sets.h"
#include "data/converters/generic_sets.h"
#include "data/converters/preference_sets.h"
#include "data/converters/rated_sets.h"
#include "data/converters/reply_trees.h"
#include "data/converters/verifiable_sets.h"
#include "data/error.h"

namespace caravan::data {
namespace {

constexpr char kInputs[] = "inputs", kTargets[] = "targets", kPrompt[] = "prompt", kResponse[] = "response";
constexpr char kCompletion[] = "completion", kInstruction[] = "instruction", kQuery[] = "query",
               kAnswer[] = "answer";
constexpr char kQuestion[] = "question";

constexpr auto kExamples = Converter::Kind::kExamples;
constexpr auto kPreferences = Converter::Kind::kPreferences;
constexpr auto kVerifiable = Converter::Kind::kVerifiable;
constexpr std::uint32_t kHardcodedRepeat = 10;  // of the Tülu 3 report

// Sorted by kind, generic layouts first.
constexpr std::array kConverters{
    Converter{"messages", "", kExamples, "messages: [{role, content}]", fits_messages, convert_messages},
    Converter{"sharegpt", "", kExamples, "conversations: [{from, value}]", fits_sharegpt, convert_sharegpt},
    Converter{"alpaca", "", kExamples, "instruction, input, output", fits_alpaca, convert_alpaca},
    Converter{"prompt_completion", "", kExamples, "prompt, completion or response", fits_prompt_completion,
              convert_prompt_completion},
    Converter{"conversation", "", kExamples, "conversation: [{role, content}] (LMSYS-Chat)",
              fits_conversation, convert_conversation},
    Converter{"question_answer", "", kExamples, "question, answer (WebInstruct)",
              fits_pair_of_columns<kQuestion, kAnswer>, convert_pair_of_columns<kQuestion, kAnswer>},
    Converter{"query_answer", "", kExamples, "query, answer (CodeFeedback)",
              fits_pair_of_columns<kQuery, kAnswer>, convert_pair_of_columns<kQuery, kAnswer>},
    Converter{"query_response", "", kExamples, "query, response (MetaMathQA)",
              fits_pair_of_columns<kQuery, kResponse>, convert_pair_of_columns<kQuery, kResponse>},
    Converter{"columns", "", kExamples, "by --column prompt=NAME --column response=NAME ...", nullptr,
              convert_columns},
    Converter{"oasst", "", kExamples, "prompt: {role, text, replies: [...]} (OpenAssistant trees)",
              fits_oasst, convert_oasst},
    Converter{"oasst_flat", "", kExamples, "message_id, parent_id, role, text (OpenAssistant table)",
              fits_oasst_flat, nullptr, read_oasst_flat, group_oasst_flat},
    Converter{"no_robots", "messages", kExamples, "messages, prompt_id, category", fits_no_robots,
              convert_messages},
    Converter{"numinamath", "messages", kExamples, "messages, problem, solution (NuminaMath CoT, TIR)",
              fits_numinamath, convert_messages},
    Converter{"persona", "messages", kExamples,
              "messages, prompt, id: personahub_... (MATH, GSM, algebra, Python, IF)", fits_persona,
              convert_messages},
    Converter{"hardcoded", "messages", kExamples, "messages; each 10 times", nullptr, convert_messages,
              nullptr, nullptr, kHardcodedRepeat},
    Converter{"wildchat", "conversation", kExamples, "conversation, model, toxic, redacted, language",
              fits_wildchat, convert_wildchat},
    Converter{"lima", "", kExamples, "conversations: [text, text, ...]", fits_lima, convert_lima},
    Converter{"daring_anteater", "sharegpt", kExamples, "conversations: [{from: User or Assistant, value}]",
              fits_daring_anteater, convert_daring_anteater},
    Converter{"flan", "", kExamples, "inputs, targets, _task_source (FLAN v2)", fits_flan,
              convert_pair_of_columns<kInputs, kTargets>},
    Converter{"aya", "", kExamples, "inputs, targets, language_code", fits_aya,
              convert_pair_of_columns<kInputs, kTargets>},
    Converter{"coconot", "prompt_completion", kExamples, "prompt, response, category, subcategory",
              fits_coconot, convert_pair_of_columns<kPrompt, kResponse>},
    Converter{"wildguardmix", "prompt_completion", kExamples, "prompt, response, prompt_harm_label",
              fits_wildguardmix, convert_pair_of_columns<kPrompt, kResponse>},
    Converter{"wildjailbreak", "", kExamples, "vanilla, adversarial, completion, data_type",
              fits_wildjailbreak, convert_wildjailbreak},
    Converter{"tablegpt", "prompt_completion", kExamples, "prompt, completion, task, is_test (Table-GPT)",
              fits_tablegpt, convert_pair_of_columns<kPrompt, kCompletion>},
    Converter{"evol_codealpaca", "", kExamples, "instruction, response",
              fits_pair_of_columns<kInstruction, kResponse>,
              convert_pair_of_columns<kInstruction, kResponse>},
    Converter{"dolly", "evol_codealpaca", kExamples, "instruction, context, response", fits_dolly,
              convert_dolly},
    Converter{"self_instruct", "", kExamples, "instruction, instances: [{input, output}]", fits_self_instruct,
              convert_self_instruct},
    Converter{"openmathinstruct", "", kExamples, "problem, generated_solution, problem_source",
              fits_openmathinstruct, convert_openmathinstruct},
    Converter{"openorca", "", kExamples, "system_prompt, question, response", fits_openorca,
              convert_openorca},
    Converter{"sciriff", "messages", kExamples,
              "input, output, _instance_id, or messages with dataset: science...", fits_sciriff,
              convert_sciriff},
    Converter{"preference_pairs", "messages sharegpt prompt_completion", kPreferences,
              "chosen, rejected (with prompt or conversations), or chosen_messages, rejected_messages",
              fits_preference_pairs, convert_preference_pairs},
    Converter{"hh", "preference_pairs", kPreferences, "chosen, rejected: \"\\n\\nHuman: ...\" (Anthropic HH)",
              fits_hh, convert_hh},
    Converter{"kto", "messages prompt_completion", kPreferences,
              "messages, or prompt and completion; label: true or false", fits_kto, convert_kto},
    Converter{"llmbar", "", kPreferences, "input, output_1, output_2, label: 1 or 2", fits_llmbar,
              convert_llmbar},
    Converter{"nectar", "", kPreferences, "prompt, answers: [{answer, rank}]", fits_nectar, convert_nectar},
    Converter{"ultrafeedback", "", kPreferences, "instruction, completions: [{response, annotations}]",
              fits_ultrafeedback, convert_ultrafeedback},
    Converter{"helpsteer2", "prompt_completion", kPreferences,
              "prompt, response, helpfulness, ... (a row an answer)", fits_helpsteer2, nullptr,
              read_helpsteer2, group_helpsteer2},
    Converter{"oasst_pairs", "", kPreferences, "as oasst; best against worst of the ranked replies", nullptr,
              convert_oasst_pairs},
    Converter{"rlvr", "messages sciriff", kVerifiable, "messages, ground_truth, dataset", fits_rlvr,
              convert_rlvr},
    Converter{"gsm8k", "question_answer", kVerifiable, "question, answer with ####", fits_gsm8k,
              convert_gsm8k},
    Converter{"math", "", kVerifiable, "problem, solution with \\boxed{...}", fits_math, convert_math},
    Converter{"math_steps", "", kVerifiable, "context, answer, chain_of_thought", fits_math_steps,
              convert_math_steps},
    Converter{"ifeval", "", kVerifiable, "prompt, instruction_id_list, kwargs", fits_ifeval, convert_ifeval},
    Converter{"svamp", "", kVerifiable, "Body, Question, Answer", fits_svamp, convert_svamp},
    Converter{"mawps", "", kVerifiable, "input, target: number", fits_mawps, convert_mawps},
    Converter{"acecode", "", kVerifiable, "question, test_cases", fits_acecode, convert_acecode},
};

}  // namespace

std::span<const Converter> converters() {
  return kConverters;
}

const Converter& converter_named(std::string_view name) {
  std::string names;
  for (const Converter& converter : kConverters) {
    if (converter.name == name) return converter;
    names += (names.empty() ? "" : ", ") + std::string(converter.name);
  }
  throw Error(Error::Kind::kUsage, "format: found \"" + std::string(name) + "\"; allowed: " + names);
}

bool is_shared_by_many(const Converter& converter) {
  constexpr std::array<std::string_view, 13> kShared{
      "messages",     "sharegpt",       "alpaca",  "prompt_completion", "conversation", "question_answer",
      "query_answer", "query_response", "columns", "preference_pairs",  "kto",          "rlvr",
      "hardcoded"};
  return std::find(kShared.begin(), kShared.end(), converter.name) != kShared.end();
}

std::string list_converters() {
  constexpr std::size_t kNameWidth = 19;
  std::string text;
  for (const Converter& converter : kConverters) {
    text += "  " + std::string(converter.name) + std::string(kNameWidth - converter.name.size(), ' ') +
            std::string(converter.keys) + '\n';
  }
  return text;
}

}  // namespace caravan::data
