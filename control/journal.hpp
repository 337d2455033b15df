// The journal of systemd, by its own protocol, in which a line has fields.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strata {

// "PORT" and "wan": names as journalctl takes them, in capitals.
using LogFields = std::vector<std::pair<std::string_view, std::string>>;

// syslog(3). Where no PRIORITY is said: informational.
inline constexpr const char* kErrorPriority = "3";
inline constexpr const char* kWarningPriority = "4";
inline constexpr const char* kNoticePriority = "5";
inline constexpr const char* kInfoPriority = "6";

// Whether standard error is the journal, as JOURNAL_STREAM says (systemd.exec(5)).
bool standard_error_is_the_journal();

// False: it was not taken, at once. Never waits.
bool tell_journal(const std::string& sentence, const LogFields& fields);

}  // namespace strata
