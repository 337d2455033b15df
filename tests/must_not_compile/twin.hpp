// The one place where a case and its twin differ.
#pragma once

#ifdef BAD
#define TWIN(good, bad) bad
#else
#define TWIN(good, bad) good
#endif
