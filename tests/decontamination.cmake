test_program(decontamination_tests LIBS data_decontamination data_words data_walk data_readers data_chat data_tokenizers SOURCES
  unit/data/decontamination/embedding_test.cpp
  unit/data/decontamination/eval_index_file_test.cpp
  unit/data/decontamination/goldens_test.cpp
  unit/data/decontamination/quality_table_test.cpp
  unit/data/decontamination/review_test.cpp
  unit/data/decontamination/weighted_test.cpp
)
test_program(data_search_tests
  LIBS recipes_data recipes_reader data_mixing data_loader data_filters trainer_ranks trainer_metrics data_inspection data_decontamination data_deduplication data_words data_converters data_walk
       data_readers data_chat data_tokenizers
  SOURCES unit/recipes/commands/data_search_test.cpp
)
