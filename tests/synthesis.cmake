test_program(synthesis_tests LIBS recipes_curation recipes_report recipes_synthesis recipes_evaluation data_evaluation recipes_data recipes_reader data_synthesis data_preferences data_endpoint data_rewards data_mixing data_loader data_filters
    data_inspection data_decontamination data_deduplication data_words data_converters data_walk data_readers data_chat data_tokenizers trainer_ranks trainer_metrics SOURCES
  unit/data/preferences/judge_test.cpp
  unit/data/preferences/pair_rules_test.cpp
  unit/data/preferences/ratings_test.cpp
  unit/data/preferences/response_plan_test.cpp
  unit/data/synthesis/prompt_makers_test.cpp
  unit/data/synthesis/prompt_template_test.cpp
  unit/recipes/preferences/run_preferences_test.cpp
  unit/recipes/synthesis/generation_step_test.cpp
  unit/recipes/synthesis/model_pool_test.cpp
  unit/recipes/synthesis/persona_files_test.cpp
  unit/recipes/synthesis/rewrite_rows_test.cpp
  unit/recipes/synthesis/run_synthesis_test.cpp
)
add_dependencies(synthesis_tests misbehaving_server caravan_http)
