test_program(decontamination_tests LIBS data_decontamination data_words data_walk data_readers data_chat data_tokenizers SOURCES
  unit/data/decontamination/embedding_test.cpp
  unit/data/decontamination/goldens_test.cpp
  unit/data/decontamination/weighted_test.cpp
)
