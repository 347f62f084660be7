add_library(data_filters OBJECT
  filters/english_profile.cpp
  filters/filter_options.cpp
  filters/keyword_lists.cpp
  filters/keyword_search.cpp
  filters/keyword_starts.cpp
  filters/language.cpp
  filters/length_filter.cpp
  filters/repetition_filter.cpp
  filters/row_filters.cpp
  filters/text_filters.cpp
  filters/trivial_filter.cpp
  filters/turn_filters.cpp
)
target_link_libraries(data_filters PUBLIC nlohmann_json::nlohmann_json ICU::uc)
