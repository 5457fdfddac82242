// SPDX-License-Identifier: Apache-2.0
// hls::stream as hardware has it, for a test: it holds so many items and no more, and every process is a thread.
//
// Who waits at a full stream while nothing moves in any stream for as long as `patience` says so and ends the program:
// in a deadlock someone does.
#ifndef TOMATO_BOUNDED_STREAM_H
#define TOMATO_BOUNDED_STREAM_H

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <limits>
#include <mutex>
#include <thread>

namespace hls {

constexpr std::chrono::seconds patience(5);

inline std::atomic<unsigned long> &moves() {
  static std::atomic<unsigned long> count(0);
  return count;
}

template <class T>
class stream {
 public:
  stream() : stream("port", std::numeric_limits<std::size_t>::max()) {}
  stream(const char *name, std::size_t depth) : name_(name), depth_(depth) {}
  stream(const stream &) = delete;

  bool empty() {
    const bool none = size() == 0;
    if (none) std::this_thread::yield();  // who asks will ask again
    return none;
  }

  T read() {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [this] { return !items_.empty(); });
    const T value = items_.front();
    items_.pop_front();
    ++moves();
    changed_.notify_all();
    return value;
  }

  void write(const T &value) {
    std::unique_lock<std::mutex> lock(mutex_);
    for (unsigned long before = moves(); !changed_.wait_for(lock, patience, [this] { return items_.size() < depth_; });
         before = moves()) {
      if (before == moves()) {
        std::fprintf(stderr, "stuck: stream %s is full\n", name_);
        std::_Exit(3);
      }
    }
    items_.push_back(value);
    ++moves();
    changed_.notify_all();
  }

 private:
  std::size_t size() {
    std::lock_guard<std::mutex> lock(mutex_);
    return items_.size();
  }

  const char *name_;
  std::size_t depth_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<T> items_;
};

}  // namespace hls

#endif
