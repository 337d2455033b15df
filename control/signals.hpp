// What the user of a running gateway asks for by signals.
#pragma once

#include <chrono>
#include <initializer_list>

namespace strata {

// From now on SIGTERM and SIGINT ask for the end, the second of them takes it; SIGUSR1 asks for a report, SIGHUP for
// the configuration to be read anew.
void catch_signals();

bool end_asked();

// Returns at once when something is asked for, or when there is something to read at one of `also` (-1: nowhere), else
// after so long.
void wait_for_wishes(std::chrono::milliseconds longest, std::initializer_list<int> also);

// True once for each time.
bool report_asked();
bool reload_asked();

}  // namespace strata
