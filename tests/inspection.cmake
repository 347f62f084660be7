test_program(inspect_tests
  LIBS recipes_data recipes_reader trainer_ranks trainer_metrics data_inspection data_decontamination data_deduplication data_words data_converters data_walk data_readers data_chat data_tokenizers
  SOURCES unit/data/inspection/inspection_test.cpp
)
