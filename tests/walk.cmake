test_program(walk_tests
  LIBS recipes_data recipes_reader data_mixing data_loader data_filters trainer_ranks trainer_metrics data_inspection data_decontamination data_deduplication data_words data_converters
       data_walk data_readers data_chat data_tokenizers
  SOURCES
    unit/data/walk/fate_ledger_test.cpp
    unit/data/walk/ordered_run_test.cpp
    unit/data/walk/row_inputs_test.cpp
    unit/data/walk/row_messages_test.cpp
    unit/data/walk/row_walk_test.cpp
    unit/data/walk/row_writer_test.cpp
    unit/recipes/commands/data_run_test.cpp
)

test_program(data_stop_tests SOURCES unit/recipes/commands/data_stop_test.cpp)
add_dependencies(data_stop_tests caravan)
