// What the host's worker has learned of neighbors, for the others to read: each of them has adjacencies of its own, and
// changes them between its turns alone, so that a path changes for it when it wants. The control side reads as well.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <mutex>
#include <vector>

#include "dataplane/packet/id.hpp"
#include "dataplane/wire/address.hpp"
#include "dataplane/wire/ethernet.hpp"

namespace strata {

// Seldom written, and read only when it was: a lock does. Each worker has a list of its own, of all that it has not yet
// read, in the order in which it came: a place that one neighbor leaves may be the next one's within one read.
class NeighborBoard {
 public:
  struct Change {
    PortId port;
    wire::Ipv4Address address;
    wire::MacAddress mac;
    bool resolved;  // false: it is forgotten
  };

  // Whoever answers ARP with ever other addresses makes ever more news: for people so many are kept until they are
  // collected.
  static constexpr std::size_t kMostNews = 1024;

  explicit NeighborBoard(std::size_t workers) : lists_(workers) { news_.changes.reserve(kMostNews); }

  // The host's worker, once all that waited for these neighbors is on its way.
  void post(const std::vector<Change>& changes) {
    for (std::size_t i = 0; i < lists_.size(); ++i) {
      if (i == kHostWorker.index()) continue;
      const std::lock_guard lock(lists_[i].mutex);
      lists_[i].changes.insert(lists_[i].changes.end(), changes.begin(), changes.end());
      lists_[i].has_news.store(true, std::memory_order_release);
    }
    const std::lock_guard lock(news_.mutex);
    const std::size_t room = kMostNews - news_.changes.size();
    news_.changes.insert(news_.changes.end(), changes.begin(),
                         changes.begin() + static_cast<std::ptrdiff_t>(std::min(room, changes.size())));
    news_.has_news.store(true, std::memory_order_release);
  }

  // For the control side, from any thread: what is new since the last time, in place of what `changes` held.
  void collect(std::vector<Change>& changes) {
    changes.clear();
    if (!news_.has_news.load(std::memory_order_acquire)) return;
    const std::lock_guard lock(news_.mutex);
    changes = news_.changes;
    news_.changes.clear();
    news_.has_news.store(false, std::memory_order_relaxed);
  }

  bool has_news(WorkerId worker) const { return lists_[worker.index()].has_news.load(std::memory_order_acquire); }

  // What is new to a worker, in place of what `changes` held.
  void read(WorkerId worker, std::vector<Change>& changes) {
    changes.clear();
    List& list = lists_[worker.index()];
    const std::lock_guard lock(list.mutex);
    list.changes.swap(changes);
    list.has_news.store(false, std::memory_order_relaxed);
  }

 private:
  struct alignas(64) List {
    std::atomic<bool> has_news{false};
    std::mutex mutex;
    std::vector<Change> changes;
  };
  std::vector<List> lists_;
  List news_;
};

}  // namespace strata
