test_program(mixing_tests LIBS recipes_curation recipes_report recipes_synthesis recipes_evaluation data_evaluation recipes_data recipes_reader data_mixing data_synthesis data_preferences data_endpoint data_rewards data_loader data_filters data_inspection data_decontamination data_deduplication
    data_words data_converters data_walk data_readers data_chat data_tokenizers trainer_ranks trainer_metrics SOURCES
  unit/data/mixing/divide_total_test.cpp
  unit/data/mixing/line_order_test.cpp
  unit/data/mixing/mix_plan_test.cpp
  unit/data/mixing/open_instruct_test.cpp
  unit/recipes/commands/data_mix_test.cpp
  unit/recipes/curation/claim_folder_test.cpp
  unit/recipes/curation/data_recipe_test.cpp
  unit/recipes/curation/row_story_test.cpp
)
add_dependencies(mixing_tests misbehaving_server caravan_http)
