// What a running gateway says on standard error: one line a time, with the time; where that is systemd's journal, with
// fields to look for it by.
#pragma once

#include <chrono>
#include <string>

#include "control/journal.hpp"

namespace strata {

using WallTime = std::chrono::system_clock::time_point;

// "2026-11-21T14:36:46.123456Z"
std::string to_string(WallTime time);

// Never waits: what standard error has no room for is counted, and the next line says so. What is no printable ASCII in
// the sentence is shown as '?'. For one thread.
void log_line(const std::string& sentence, const LogFields& fields = {});

}  // namespace strata
