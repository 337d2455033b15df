// What looks on in a round of a worker while somebody traces or captures: one of them, or both.
#pragma once

#include <optional>

#include "control/capture.hpp"
#include "control/trace.hpp"

namespace strata {

class LiveEye final : public Onlooker {
 public:
  LiveEye(Trace& trace, Capture& capture, WorkerSet& workers, unsigned worker, std::uint64_t now_ns)
      : worker_(workers.worker(worker)) {
    if (trace.is_on()) trace_.emplace(trace, workers, worker, now_ns);
    if (capture.is_on()) capture_.emplace(capture, workers, worker, now_ns);
    worker_.watch(this);
  }
  LiveEye(const LiveEye&) = delete;
  LiveEye& operator=(const LiveEye&) = delete;
  ~LiveEye() { worker_.watch(nullptr); }

  template <class... Stages>
  void after(const char* step, const Burst<Stages>&... bursts) {
    if (trace_) trace_->after(step, bursts...);
  }
  template <class Stage>
  void at(const Burst<Stage>& burst) {
    if (capture_) capture_->at(burst);
  }
  void leave(const Burst<stage::Out>& out) override { at(out); }
  void ended(const Ended& end) override {
    if (trace_) trace_->ended(end);
    if (capture_) capture_->ended(end);
  }

 private:
  Worker& worker_;
  std::optional<TraceEye> trace_;
  std::optional<CaptureEye> capture_;
};

}  // namespace strata
