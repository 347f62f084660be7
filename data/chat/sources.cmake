add_library(data_chat OBJECT
  chat/message.cpp
)
target_link_libraries(data_chat PUBLIC nlohmann_json::nlohmann_json)
