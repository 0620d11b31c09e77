#include <ctime>

#include "chat/methods.h"

namespace rustml::chat {
namespace {

constexpr std::string_view kDays[] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
constexpr std::string_view kMonths[] = {"January", "February", "March",     "April",   "May",      "June",
                                        "July",    "August",   "September", "October", "November", "December"};

std::tm local_time(int64_t seconds) {
  const auto time = static_cast<std::time_t>(seconds);
  std::tm out{};
#ifdef _WIN32
  localtime_s(&out, &time);
#else
  localtime_r(&time, &out);
#endif
  return out;
}

// ISO 8601: week 1 has the year's first Thursday.
struct Week {
  int year, week;
};
Week iso_week(const std::tm& t) {
  const int weekday = (t.tm_wday + 6) % 7;  // Monday: 0
  const int week = (t.tm_yday - weekday + 10) / 7, year = t.tm_year + 1900;
  const auto weeks_of = [](int y) {
    const auto last_weekday = [](int of) { return (of + of / 4 - of / 100 + of / 400) % 7; };  // of December 31; Sunday: 0
    return last_weekday(y) == 4 || last_weekday(y - 1) == 3 ? 53 : 52;
  };
  if (week < 1) return {year - 1, weeks_of(year - 1)};
  if (week > weeks_of(year)) return {year + 1, 1};
  return {year, week};
}

std::string number(int value, size_t width, char fill) {
  std::string digits = std::to_string(value);
  if (digits.size() < width && fill != '-') digits.insert(0, width - digits.size(), fill);
  return digits;
}

// What %c stands for; `flag`: '-' without filling, '_' with blanks, '0' with zeros; 0 as usual. Empty and false: it is none.
bool append_field(char c, char flag, const std::tm& t, int64_t seconds, std::string& out) {
  const auto add = [&](int value, size_t width, char fill = '0') { out += number(value, width, flag != 0 ? flag : fill); };
  const auto again = [&](std::string_view fields) {
    for (size_t i = 0; i < fields.size(); ++i) {
      if (fields[i] != '%') {
        out += fields[i];
      } else {
        append_field(fields[++i], 0, t, seconds, out);
      }
    }
  };
  const int year = t.tm_year + 1900, hour12 = (t.tm_hour + 11) % 12 + 1;
  switch (c) {
    case 'a': out += kDays[t.tm_wday].substr(0, 3); break;
    case 'A': out += kDays[t.tm_wday]; break;
    case 'b':
    case 'h': out += kMonths[t.tm_mon].substr(0, 3); break;
    case 'B': out += kMonths[t.tm_mon]; break;
    case 'C': add(year / 100, 2); break;
    case 'd': add(t.tm_mday, 2); break;
    case 'e': add(t.tm_mday, 2, ' '); break;
    case 'f': out += "000000"; break;
    case 'g': add(iso_week(t).year % 100, 2); break;
    case 'G': add(iso_week(t).year, 1); break;
    case 'H': add(t.tm_hour, 2); break;
    case 'I': add(hour12, 2); break;
    case 'j': add(t.tm_yday + 1, 3); break;
    case 'k': add(t.tm_hour, 2, ' '); break;
    case 'l': add(hour12, 2, ' '); break;
    case 'm': add(t.tm_mon + 1, 2); break;
    case 'M': add(t.tm_min, 2); break;
    case 'n': out += '\n'; break;
    case 'p': out += t.tm_hour < 12 ? "AM" : "PM"; break;
    case 'P': out += t.tm_hour < 12 ? "am" : "pm"; break;
    case 's': out += std::to_string(seconds); break;
    case 'S': add(t.tm_sec, 2); break;
    case 't': out += '\t'; break;
    case 'u': add((t.tm_wday + 6) % 7 + 1, 1); break;
    case 'U': add((t.tm_yday + 7 - t.tm_wday) / 7, 2); break;
    case 'V': add(iso_week(t).week, 2); break;
    case 'w': add(t.tm_wday, 1); break;
    case 'W': add((t.tm_yday + 7 - (t.tm_wday + 6) % 7) / 7, 2); break;
    case 'y': add(year % 100, 2); break;
    case 'Y': add(year, 1); break;
    case 'z':
    case 'Z': break;  // Python's now() knows no zone
    case 'c': again("%a %b %e %H:%M:%S %Y"); break;
    case 'D':
    case 'x': again("%m/%d/%y"); break;
    case 'F': again("%Y-%m-%d"); break;
    case 'r': again("%I:%M:%S %p"); break;
    case 'R': again("%H:%M"); break;
    case 'T':
    case 'X': again("%H:%M:%S"); break;
    case '%': out += '%'; break;
    default: return false;
  }
  return true;
}

}  // namespace

std::string format_time(std::string_view format, int64_t seconds) {
  const std::tm t = local_time(seconds);
  std::string out;
  for (size_t i = 0; i < format.size(); ++i) {
    const bool field = format[i] == '%' && i + 1 < format.size();
    const bool flagged = field && std::string_view("-_0").find(format[i + 1]) != std::string_view::npos;
    const size_t at = i + (flagged ? 2 : 1);
    if (field && at < format.size() && append_field(format[at], flagged ? format[i + 1] : '\0', t, seconds, out)) {
      i = at;
    } else {
      out += format[i];
    }
  }
  return out;
}

}  // namespace rustml::chat
