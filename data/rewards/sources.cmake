# Verifiers: text in, verdict out.
add_library(data_rewards OBJECT
  rewards/answer_text.cpp
  rewards/answer_value.cpp
  rewards/big_integer.cpp
  rewards/boxed.cpp
  rewards/expression.cpp
  rewards/expression_powers.cpp
  rewards/form_verifiers.cpp
  rewards/functions.cpp
  rewards/gsm8k.cpp
  rewards/gsm8k_rules.cpp
  rewards/if_functions.cpp
  rewards/if_instructions.cpp
  rewards/ifeval.cpp
  rewards/instruction.cpp
  rewards/language.cpp
  rewards/latex_layout.cpp
  rewards/latex_normal.cpp
  rewards/latex_parser.cpp
  rewards/markdown_marks.cpp
  rewards/math.cpp
  rewards/math_forms.cpp
  rewards/math_rules.cpp
  rewards/number_scan.cpp
  rewards/pattern.cpp
  rewards/python_literal.cpp
  rewards/rational.cpp
  rewards/sentences.cpp
  rewards/text_pieces.cpp
  rewards/text_verifiers.cpp
  rewards/treebank_words.cpp
  rewards/verifier.cpp
  rewards/verifier_table.cpp
)
target_link_libraries(data_rewards PUBLIC nlohmann_json::nlohmann_json ICU::uc PkgConfig::PCRE2 PRIVATE simdjson::simdjson)
