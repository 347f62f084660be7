test_program(convert_tests
  LIBS recipes_data recipes_reader trainer_ranks trainer_metrics data_decontamination data_deduplication data_words data_converters data_walk data_readers data_chat data_tokenizers
  SOURCES
    unit/data/converters/converters_test.cpp
    unit/data/converters/goldens_test.cpp
    unit/data/converters/real_sets_test.cpp
)
