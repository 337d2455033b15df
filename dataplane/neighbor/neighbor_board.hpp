// What the host's worker has learned of neighbors, for the others to read: each of them has adjacencies of its own, and
// changes them between its turns alone, so that a path changes for it when it wants. The control side reads as well.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <unordered_set>
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

  // A worker that stands still reads nothing. Beyond so many of its news those go of which it needs not hear: of each
  // address the last one says it all.
  static constexpr std::size_t kMostUnread = 4096;

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
      if (lists_[i].changes.size() > lists_[i].most) shorten(lists_[i]);
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
    list.most = kMostUnread;
    list.has_news.store(false, std::memory_order_relaxed);
  }

 private:
  struct alignas(64) List {
    std::atomic<bool> has_news{false};
    std::mutex mutex;
    std::vector<Change> changes;
    std::size_t most = kMostUnread;
  };

  // What is forgotten goes first: it leaves the places that the others take.
  static void shorten(List& list) {
    std::unordered_set<std::uint64_t> seen;
    std::vector<Change> last;
    for (auto change = list.changes.rbegin(); change != list.changes.rend(); ++change)
      if (seen.insert(std::uint64_t{change->port.index()} << 32 | change->address.value).second)
        last.push_back(*change);
    std::ranges::reverse(last);
    std::stable_partition(last.begin(), last.end(), [](const Change& change) { return !change.resolved; });
    list.changes = std::move(last);
    list.most = std::max(kMostUnread, 2 * list.changes.size());
  }

  std::vector<List> lists_;
  List news_;
};

}  // namespace strata
