#include "data/chat/jinja_clock.h"

#include <array>
#include <charconv>
#include <ctime>

#include "data/chat/jinja_fault.h"
#include "data/error.h"

namespace caravan::data {

namespace {

bool is_leap(int year) {
  return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

int days_in_month(int year, int month) {
  constexpr std::array<int, 12> kDays = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && is_leap(year) ? 29 : kDays[static_cast<std::size_t>(month - 1)];
}

int day_of_year(const Date& date) {
  int days = date.day - 1;
  for (int month = 1; month < date.month; ++month) days += days_in_month(date.year, month);
  return days;
}

// 0 = Sunday; Gauss's rule on the day of the year.
int day_of_week(const Date& date) {
  int y = date.year - 1;
  return (1 + day_of_year(date) + y + y / 4 - y / 100 + y / 400) % 7;
}

bool read_number(std::string_view text, int& number) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

Date parse_date(std::string_view text) {
  Date date;
  bool shaped = text.size() == 10 && text[4] == '-' && text[7] == '-' &&
                read_number(text.substr(0, 4), date.year) && read_number(text.substr(5, 2), date.month) &&
                read_number(text.substr(8, 2), date.day);
  if (!shaped || date.year < 1 || date.month < 1 || date.month > 12 || date.day < 1 ||
      date.day > days_in_month(date.year, date.month)) {
    throw Error(Error::Kind::kUsage, "date: found '" + std::string(text) +
                                         "', allowed is YYYY-MM-DD; write for example 2025-07-10");
  }
  return date;
}

namespace jinja {

std::string format_date(const Date& date, std::string_view format) {
  constexpr std::string_view kKnown = "aAbBcdDeFhHIjmMnpSTuUwWxXyYGVtR%";
  std::tm time{};
  time.tm_year = date.year - 1900;
  time.tm_mon = date.month - 1;
  time.tm_mday = date.day;
  time.tm_hour = date.hour;
  time.tm_min = date.minute;
  time.tm_sec = date.second;
  time.tm_yday = day_of_year(date);
  time.tm_wday = day_of_week(date);
  std::string result;
  for (std::size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%') {
      result += format[i];
      continue;
    }
    std::string directive = "%";
    if (i + 1 < format.size() && format[i + 1] == '-') directive += format[++i];
    char letter = i + 1 < format.size() ? format[++i] : '\0';
    if (letter == '\0' || kKnown.find(letter) == std::string_view::npos) {
      throw Fault("strftime_now: unknown directive in '" + std::string(format) + "'",
                  "known are % with one of " + std::string(kKnown));
    }
    directive += letter;
    std::array<char, 128> buffer{};
    std::size_t size = std::strftime(buffer.data(), buffer.size(), directive.c_str(), &time);
    result.append(buffer.data(), size);
  }
  return result;
}

}  // namespace jinja

}  // namespace caravan::data
