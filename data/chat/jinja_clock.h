// Dates for strftime_now. The date is given by the caller: a render never reads the wall clock.
#pragma once

#include <string>
#include <string_view>

namespace caravan::data {

struct Date {
  int year = 1970;
  int month = 1;  // 1..12
  int day = 1;    // 1..31
  int hour = 0;
  int minute = 0;
  int second = 0;
};

// "YYYY-MM-DD". Throws data::Error.
Date parse_date(std::string_view text);

namespace jinja {
// C locale, like Python's datetime.strftime. Throws Fault for a directive that is not known.
std::string format_date(const Date& date, std::string_view format);
}  // namespace jinja

}  // namespace caravan::data
