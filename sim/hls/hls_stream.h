// SPDX-License-Identifier: Apache-2.0
//
// hls::stream for simulating HLS C++ with a plain compiler, C++14 and later.
//
// Stands in for the header of the same name that AMD's HLS tools bring (UG1399, "HLS Stream Library"):
// a queue without bound, because C simulation runs one process after the other. Reading an empty one
// ends the program: in hardware that process would wait for ever.
#ifndef TOMATO_HLS_STREAM_H
#define TOMATO_HLS_STREAM_H

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

namespace hls {

// `Depth` is the hardware's; streams of every depth pass as stream<T>&.
template <class T, int Depth = 0>
class stream;

template <class T>
class stream<T, 0> {
 public:
  stream() : stream("unnamed") {}
  explicit stream(const char* name) : name_(name) {}
  stream(const stream&) = delete;
  stream& operator=(const stream&) = delete;

  bool empty() const { return head_ == items_.size(); }
  bool full() const { return false; }
  std::size_t size() const { return items_.size() - head_; }

  T read() {
    if (empty()) fail();
    T value = std::move(items_[head_]);
    drop();
    return value;
  }
  void read(T& value) { value = read(); }
  void operator>>(T& value) { value = read(); }
  bool read_nb(T& value) {
    if (empty()) return false;
    value = read();
    return true;
  }

  void write(const T& value) {
    // Where the queue would grow although half of it has been read, move up instead.
    if (items_.size() == items_.capacity() && 2 * head_ > items_.size()) compact();
    items_.push_back(value);
  }
  void operator<<(const T& value) { write(value); }
  bool write_nb(const T& value) {
    write(value);
    return true;
  }

 private:
  // A drained queue above this many items returns its memory: a network simulated process by process
  // holds one whole frame per stream.
  static constexpr std::size_t kept = 4096;

  void drop() {
    if (++head_ < items_.size()) return;
    head_ = 0;
    if (items_.capacity() > kept)
      std::vector<T>().swap(items_);
    else
      items_.clear();
  }

  void compact() {
    items_.erase(items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(head_));
    head_ = 0;
  }

  [[noreturn]] void fail() const {
    std::fflush(stdout);
    std::fprintf(stderr, "error: hls::stream '%s' is read while empty\n", name_.c_str());
    std::exit(EXIT_FAILURE);
  }

  std::string name_;
  std::vector<T> items_;
  std::size_t head_ = 0;  // index of the oldest item
};

template <class T, int Depth>
class stream : public stream<T, 0> {
 public:
  using stream<T, 0>::stream;
};

}  // namespace hls

#endif
