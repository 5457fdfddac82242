// SPDX-License-Identifier: Apache-2.0
//
// Prints what ap_int.h computes. Each input line is `case a b count hi lo`, a and b in hexadecimal;
// each output line holds the results as `name=width:value`. The test writes the list of cases.
#include <iostream>
#include <string>

#include "ap_int.h"
#include "hls_stream.h"

template <class T>
void put(const char* name, const T& value) {
  std::cout << ' ' << name << '=' << value.length() << ':' << value;
}
void put(const char* name, bool value) { std::cout << ' ' << name << '=' << value; }
void put(const char* name, int value) { std::cout << ' ' << name << '=' << value; }
void put(const char* name, unsigned value) { std::cout << ' ' << name << '=' << value; }
void put(const char* name, long long value) { std::cout << ' ' << name << '=' << value; }
void put(const char* name, unsigned long long value) { std::cout << ' ' << name << '=' << value; }
void put(const char* name, const std::string& value) { std::cout << ' ' << name << '=' << value; }

// Every operator on two integers.
template <class A, class B>
void binary(const std::string& left, const std::string& right, bool comparable) {
  const A a(left.c_str(), 16);
  const B b(right.c_str(), 16);
  put("add", a + b);
  put("sub", a - b);
  put("mul", a * b);
  put("and", a & b);
  put("or", a | b);
  put("xor", a ^ b);
  const ap_uint<A::width + B::width> joined = (a, b), same = a.concat(b);
  put("joined", joined);
  put("concat", same);
  if (comparable) {
    put("eq", a == b);
    put("ne", a != b);
    put("lt", a < b);
    put("gt", a > b);
    put("le", a <= b);
    put("ge", a >= b);
  }
  put("converted", A(b));
  A c = a;
  put("+=", c += b);
  put("-=", c -= b);
  put("*=", c *= b);
  put("&=", (c = a) &= b);
  put("|=", (c = a) |= b);
  put("^=", (c = a) ^= b);
}

// Everything that one integer does, with a count up to its width and a range of its bits.
template <class A>
void unary(const std::string& text, int count, int hi, int lo) {
  const A a(text.c_str(), 16);
  put("value", a);
  put("minus", -a);
  put("not", ~a);
  put("zero", !a);
  A c = a;
  put("after++", c++);
  put("++", ++c);
  put("after--", c--);
  put("--", --c);
  put("<<", a << count);
  put(">>", a >> count);
  const ap_uint<16> distance = count;
  put("<<ap", a << distance);
  put(">>ap", a >> distance);
  put("<<=", (c = a) <<= count);
  put(">>=", (c = a) >>= distance);
  put("+int", a + 77);
  put("int-", -77 - a);
  put("*unsigned", a * 77u);
  put("+bool", a + true);
  put("to_int", a.to_int());
  put("to_uint", a.to_uint());
  put("to_int64", a.to_int64());
  put("to_uint64", a.to_uint64());
  put("all", a.and_reduce());
  put("any", a.or_reduce());
  put("odd", ap_uint<A::width>(a).xor_reduce());
  std::cout << " hex=" << std::hex << a << std::dec;  // AMD's heed the flags of std::cout only
  put("string", a.to_string(16));
  put("parsed", A(a.to_string(16).c_str(), 16));

  const int size = hi - lo + 1, room = A::width - size;
  const ap_uint<A::width> part = a.range(hi, lo);
  put("range", part);
  put("range()", ap_int<A::width>(a(hi, lo)));
  put("size", a.range(hi, lo).length());
  put("bits", a.range(hi, lo).to_uint64());
  ap_uint<A::width> plain = a;
  put("bits+", plain.range(hi, lo) + a);
  put("bits==", plain.range(hi, lo) == part);
  put("bits<<", plain.range(hi, lo) << count);
  plain = 0;
  plain = (a.range(hi, lo), plain.range(0, 0));
  put("joined bits", plain);
  (c = a).range(hi, lo) = -5;
  put("range=int", c);
  (c = a).range(hi, lo) = ap_int<90>(-5);
  put("range=wide", c);
  (c = a).range(size - 1, 0) = c.range(hi, lo);  // within one integer, also overlapping
  put("moved down", c);
  (c = a).range(room + size - 1, room) = c.range(hi, lo);
  put("moved up", c);
  c = ~a;
  c(hi, lo) = a(hi, lo);
  put("copied", c);
  put("bit", a[hi]);
  c = a;
  c[lo] = !c[lo];
  put("flipped", c);
  c[hi] = c[lo];
  put("bit=bit", c);
  put("~bit", static_cast<bool>(~c[hi]));
  const ap_uint<2> two = (c[hi], c[lo]);
  put("two bits", two);
}

// A narrow integer is a native one where the language asks for one.
template <class A>
void native(const std::string& text) {
  const A a(text.c_str(), 16);
  const long long converted = a;
  put("native", converted);
  put("bool", a ? true : false);
  put("to_bool", a.to_bool());
}

// Bounded only by memory; returns what was written, in order.
void stream() {
  hls::stream<ap_int<70>> queue("queue");
  ap_int<70> item = 0;
  int wrong = 0, next = 0;
  for (int round = 0; round < 40; ++round) {
    for (int i = 0; i < 1000; ++i) queue.write(1000 * round + i);
    for (int i = 0; i < 990; ++i) wrong += queue.read() != next++;
  }
  put("wrong", wrong);
  put("size", static_cast<int>(queue.size()));
  put("empty", queue.empty());
  put("full", queue.full());
  queue << ap_int<70>(-1);
  while (queue.size() > 1) queue >> item;
  put("item", item);
  put("read_nb", queue.read_nb(item));
  put("last", item);
  put("drained", queue.empty());
  put("read_nb", queue.read_nb(item));
  put("write_nb", queue.write_nb(7));
  queue.read(item);
  put("read", item);
}

void run(int index, const std::string& a, const std::string& b, int count, int hi, int lo);  // by the test

int main() {
  std::string a, b;
  for (int index, count, hi, lo; std::cin >> index >> a >> b >> count >> hi >> lo; std::cout << '\n')
    run(index, a, b, count, hi, lo);
  stream();
  std::cout << '\n';
}

#include "cases.inc"
