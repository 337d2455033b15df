// What the user of a running gateway asks for by signals.
#pragma once

namespace strata {

// From now on SIGTERM and SIGINT ask for the end, the second of them takes it; SIGUSR1 asks for a report.
void catch_signals();

bool end_asked();

// True once for each time.
bool report_asked();

}  // namespace strata
