// SPDX-License-Identifier: Apache-2.0
//
// ap_int<W> and ap_uint<W> for simulating HLS C++ with a plain compiler, C++14 and later.
//
// Stands in for the header of the same name that AMD's HLS tools bring: integers of any width with
// the result widths of their manual (UG1399, "C++ Arbitrary Precision Types"), so that the same code
// computes the same values. What the manual's types allow and this header does not fails to compile
// (division, floating point, implicit conversion of more than 64 bits) or stops in an assertion
// (reversed ranges, negative shifts, comparisons that AMD's simulation gets wrong); nothing is
// accepted with another meaning.
//
// How values are kept: up to 64 bits in the smallest native integer, more in 64-bit words, least
// significant first. Either way the bits above W repeat the sign (0 if unsigned), so every operand
// can be read as an endless row of words (`word_at(i)`) and one loop serves every mix of widths and
// signs; for a single word the loop disappears.
#ifndef TOMATO_AP_INT_H
#define TOMATO_AP_INT_H

#include <cassert>
#include <ostream>
#include <string>
#include <type_traits>
#include <utility>

namespace ap_detail {

using word = unsigned long long;
__extension__ typedef unsigned __int128 double_word;  // GCC and Clang; -Wpedantic asks for the marker

constexpr int max(int a, int b) { return a > b ? a : b; }
constexpr int words_of(int width) { return (width + 63) / 64; }
constexpr word low_bits(int count) { return ~word{0} >> (64 - count); }  // 1 <= count <= 64

// ---------------------------------------------------------------------------------------------
// Storage

// Bits 0..W-1 of `bits`, the ones above filled with the sign or 0. 1 <= W <= 64.
template <int W, bool S>
constexpr word wrap(word bits) {
  return S ? static_cast<word>(static_cast<long long>(bits << (64 - W)) >> (64 - W)) : bits & low_bits(W);
}

template <int Bytes>
struct NativeOf;
template <>
struct NativeOf<1> { using type = signed char; };
template <>
struct NativeOf<2> { using type = short; };
template <>
struct NativeOf<4> { using type = int; };
template <>
struct NativeOf<8> { using type = long long; };

// The smallest native integer of at least W bits, W <= 64.
template <int W, bool S>
struct Native {
  using with_sign = typename NativeOf<(W <= 8 ? 1 : W <= 16 ? 2 : W <= 32 ? 4 : 8)>::type;
  using type = typename std::conditional<S, with_sign, typename std::make_unsigned<with_sign>::type>::type;
};

template <int W, bool S, bool OneWord = (W <= 64)>
class Storage {
 public:
  using native = typename Native<W, S>::type;

  constexpr word word_at(int i) const { return i == 0 ? static_cast<word>(value_) : fill(); }
  constexpr void put(int, word bits) { value_ = static_cast<native>(wrap<W, S>(bits)); }
  // `bits` is known to be a value of this type: nothing to wrap.
  constexpr void put_exact(int, word bits) { value_ = static_cast<native>(bits); }

 private:
  constexpr word fill() const { return S && static_cast<long long>(value_) < 0 ? ~word{0} : 0; }

  native value_ = 0;
};

template <int W, bool S>
class Storage<W, S, false> {
 public:
  constexpr word word_at(int i) const { return i < count ? words_[i] : fill(); }
  constexpr void put(int i, word bits) { words_[i] = i == count - 1 ? wrap<W - 64 * (count - 1), S>(bits) : bits; }
  constexpr void put_exact(int i, word bits) { put(i, bits); }

 private:
  static constexpr int count = words_of(W);
  constexpr word fill() const { return S && words_[count - 1] >> 63 ? ~word{0} : 0; }

  word words_[count] = {};
};

// ---------------------------------------------------------------------------------------------
// What may stand beside an operator

template <int W, bool S>
class Int;
template <class Target>
class Range;
template <class Target>
class Bit;

// A native integer read like ours.
template <class T>
class Builtin {
 public:
  static constexpr int width = std::is_same<T, bool>::value ? 1 : 8 * static_cast<int>(sizeof(T));
  static constexpr bool is_signed = std::is_signed<T>::value;

  explicit constexpr Builtin(T value) : value_(value) {}
  constexpr int length() const { return width; }
  constexpr word word_at(int i) const {
    return i == 0 ? static_cast<word>(value_) : is_signed && static_cast<long long>(value_) < 0 ? ~word{0} : 0;
  }

 private:
  T value_;
};

// `exists` for every type that may be an operand, `is_ap` for those that make an operator ours.
template <class T, class = void>
struct Operand {
  static constexpr bool exists = false, is_ap = false;
};
template <class T>
struct Operand<T, typename std::enable_if<std::is_integral<T>::value && sizeof(T) <= 8>::type> {
  static constexpr bool exists = true, is_ap = false;
  using type = Builtin<T>;
};
template <class T>
struct Operand<Builtin<T>> {
  static constexpr bool exists = true, is_ap = false;
  using type = const Builtin<T>&;
};
template <int W, bool S>
struct Operand<Int<W, S>> {
  static constexpr bool exists = true, is_ap = true;
  using type = const Int<W, S>&;
};
template <class Target>
struct Operand<Range<Target>> {
  static constexpr bool exists = true, is_ap = true;
  using type = const Range<Target>&;
};
template <class Target>
struct Operand<Bit<Target>> {  // like bool: an operator between two bits is the language's own
  static constexpr bool exists = true, is_ap = false;
  using type = Builtin<bool>;
};

template <class T>
using operand_t = typename Operand<T>::type;
template <class T>
using shape = typename std::decay<operand_t<T>>::type;
template <class T>
using if_operand = typename std::enable_if<Operand<T>::exists>::type;
template <class T>
struct IsSignedRange : std::false_type {};
template <class Target>
struct IsSignedRange<Range<Target>> : std::integral_constant<bool, Target::is_signed> {};

template <class T>
constexpr operand_t<T> operand(const T& value) {
  static_assert(!IsSignedRange<T>::value, "convert a range of an ap_int to ap_uint before computing with it");
  return operand_t<T>(value);
}

template <class A, class B>
using if_joinable = typename std::enable_if<Operand<A>::exists && Operand<B>::exists &&
                                            (std::is_class<A>::value || std::is_class<B>::value)>::type;
template <class A, class B>
using if_ours =
    typename std::enable_if<Operand<A>::exists && Operand<B>::exists && (Operand<A>::is_ap || Operand<B>::is_ap)>::type;

// ---------------------------------------------------------------------------------------------
// Reading bits: shared by integers and ranges, which offer word_at(i) and length()

template <class A, class B>
constexpr const Int<A::width + B::width, false> joined(const A& high, const B& low);

template <class Derived>
class Bits {
 public:
  constexpr int to_int() const { return static_cast<int>(self().word_at(0)); }
  constexpr unsigned to_uint() const { return static_cast<unsigned>(self().word_at(0)); }
  constexpr long long to_int64() const { return static_cast<long long>(self().word_at(0)); }
  constexpr unsigned long long to_uint64() const { return self().word_at(0); }

  template <class T, class = if_operand<T>>
  constexpr decltype(auto) concat(const T& low) const {
    return joined<Derived, shape<T>>(self(), operand_t<T>(low));
  }

 private:
  constexpr const Derived& self() const { return static_cast<const Derived&>(*this); }
};

// ---------------------------------------------------------------------------------------------
// The integer

// Narrow integers convert to the native one that keeps them. Wide ones do not convert: AMD's would,
// silently, from their low 64 bits, so `if (wide)` is a trap there and an error here.
template <int W, bool S, bool OneWord = (W <= 64)>
class Converts {
 public:
  constexpr operator typename Native<W, S>::type() const {
    return static_cast<typename Native<W, S>::type>(static_cast<const Int<W, S>&>(*this).word_at(0));
  }
  constexpr bool to_bool() const { return static_cast<const Int<W, S>&>(*this).word_at(0) != 0; }
};
template <int W, bool S>
class Converts<W, S, false> {};

template <int W, bool S>
class Int : public Bits<Int<W, S>>, public Converts<W, S> {
  static_assert(1 <= W && W <= 16384, "an integer has 1 to 16384 bits");

 public:
  static constexpr int width = W;
  static constexpr bool is_signed = S;
  static constexpr int words = words_of(W);

  constexpr Int() = default;  // 0; on hardware undefined

  template <class T, class = if_operand<T>>
  constexpr Int(const T& value) {
    load(operand_t<T>(value));
  }

  // Digits of radix 2 to 16 with an optional sign; a prefix 0x, 0o or 0b overrules the radix.
  explicit constexpr Int(const char* text, int radix = 10) {
    const bool negative = *text == '-';
    if (*text == '-' || *text == '+') ++text;
    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'o' || text[1] == 'b')) {
      radix = text[1] == 'x' ? 16 : text[1] == 'o' ? 8 : 2;
      text += 2;
    }
    for (; *text != '\0'; ++text) {
      const int digit = *text <= '9' ? *text - '0' : (*text | 0x20) - 'a' + 10;
      assert(0 <= digit && digit < radix && "a digit of the radix");
      word carry = static_cast<word>(digit);
      for (int i = 0; i < words; ++i) {
        const double_word sum = static_cast<double_word>(word_at(i)) * static_cast<word>(radix) + carry;
        put(i, static_cast<word>(sum));
        carry = static_cast<word>(sum >> 64);
      }
    }
    if (negative) *this = -*this;
  }

  constexpr int length() const { return W; }

  constexpr bool and_reduce() const { return !(~*this).or_reduce(); }
  constexpr bool or_reduce() const {
    word all = 0;
    for (int i = 0; i < words; ++i) all |= word_at(i);
    return all != 0;
  }
  constexpr bool xor_reduce() const {
    static_assert(!S, "AMD's simulation counts the sign extension too: convert to ap_uint first");
    word folded = 0;
    for (int i = 0; i < words; ++i) folded ^= word_at(i);
    return __builtin_parityll(folded) != 0;
  }

  constexpr bool operator!() const { return *this == Int(); }

  constexpr Int operator+() const { return *this; }
  constexpr auto operator-() const { return Int<1, false>() - *this; }
  constexpr Int operator~() const {
    Int result;
    for (int i = 0; i < words; ++i) result.put(i, ~word_at(i));
    return result;
  }
  constexpr Int& operator++() { return *this = *this + Int<1, false>(1); }
  constexpr Int& operator--() { return *this = *this - Int<1, false>(1); }
  constexpr Int operator++(int) {
    const Int before = *this;
    ++*this;
    return before;
  }
  constexpr Int operator--(int) {
    const Int before = *this;
    --*this;
    return before;
  }

  template <class T, class = if_operand<T>>
  constexpr Int& operator+=(const T& other) { return *this = *this + other; }
  template <class T, class = if_operand<T>>
  constexpr Int& operator-=(const T& other) { return *this = *this - other; }
  template <class T, class = if_operand<T>>
  constexpr Int& operator*=(const T& other) { return *this = *this * other; }
  template <class T, class = if_operand<T>>
  constexpr Int& operator&=(const T& other) { return *this = *this & other; }
  template <class T, class = if_operand<T>>
  constexpr Int& operator|=(const T& other) { return *this = *this | other; }
  template <class T, class = if_operand<T>>
  constexpr Int& operator^=(const T& other) { return *this = *this ^ other; }
  template <class T, class = if_operand<T>>
  constexpr Int& operator<<=(const T& count) { return *this = *this << count; }
  template <class T, class = if_operand<T>>
  constexpr Int& operator>>=(const T& count) { return *this = *this >> count; }

  constexpr Bit<Int> operator[](int i) { return Bit<Int>(*this, i); }
  constexpr bool operator[](int i) const { return extract(i, 1) != 0; }
  constexpr Range<Int> range(int hi, int lo) { return Range<Int>(*this, hi, lo); }
  constexpr Range<const Int> range(int hi, int lo) const { return Range<const Int>(*this, hi, lo); }
  constexpr Range<Int> operator()(int hi, int lo) { return range(hi, lo); }
  constexpr Range<const Int> operator()(int hi, int lo) const { return range(hi, lo); }

  // Radix 10, or 16 with the prefix 0x; a negative value as a minus sign and its magnitude.
  std::string to_string(int radix) const {
    assert(radix == 10 || radix == 16);
    const bool negative = word_at(words) != 0;
    Int<W, false> rest = *this;
    if (negative) rest = -*this;
    std::string reversed;
    do {
      const int digit = rest.divide(radix);
      reversed += static_cast<char>(digit < 10 ? '0' + digit : 'a' + digit - 10);
    } while (rest.or_reduce());
    if (radix == 16) reversed += "x0";
    if (negative) reversed += '-';
    return std::string(reversed.rbegin(), reversed.rend());
  }

  // From here on for this header: words, and runs of 1 to 64 bits.

  // Word i of the value, extended without end by its sign.
  constexpr word word_at(int i) const { return store_.word_at(i); }
  constexpr void put(int i, word bits) { store_.put(i, bits); }
  constexpr void put_exact(int i, word bits) { store_.put_exact(i, bits); }

  constexpr word extract(int at, int count) const {
    assert(0 <= at && at + count <= W && "bits inside the integer");
    const int i = at / 64, shift = at % 64;
    const word low = word_at(i) >> shift;
    if (words == 1) return low & low_bits(count);
    return (low | word_at(i + 1) << 1 << (63 - shift)) & low_bits(count);
  }
  constexpr void deposit(int at, int count, word bits) {
    assert(0 <= at && at + count <= W && "bits inside the integer");
    const int i = at / 64, shift = at % 64;
    const word mask = low_bits(count);
    put(i, (word_at(i) & ~(mask << shift)) | (bits & mask) << shift);
    if (shift + count > 64) {
      const word high = mask >> 1 >> (63 - shift);
      put(i + 1, (word_at(i + 1) & ~high) | (bits >> (64 - shift) & high));
    }
  }

  // Divides by a small number in place and returns the remainder.
  int divide(int divisor) {
    double_word rest = 0;
    for (int i = words - 1; i >= 0; --i) {
      rest = rest << 64 | word_at(i);
      put(i, static_cast<word>(rest / static_cast<word>(divisor)));
      rest %= static_cast<word>(divisor);
    }
    return static_cast<int>(rest);
  }

 private:
  template <class Source>
  constexpr void load(const Source& source) {
    constexpr bool fits = Source::is_signed == S ? Source::width <= W : S && Source::width < W;
    for (int i = 0; i < words; ++i) fits ? put_exact(i, source.word_at(i)) : put(i, source.word_at(i));
  }

  Storage<W, S> store_;
};
template <int W, bool S>
constexpr int Int<W, S>::width;
template <int W, bool S>
constexpr bool Int<W, S>::is_signed;
template <int W, bool S>
constexpr int Int<W, S>::words;

// ---------------------------------------------------------------------------------------------
// References to parts of an integer

// Bits hi..lo of an integer, an unsigned value. As an operand it counts as wide as the whole integer.
template <class Target>
class Range : public Bits<Range<Target>> {
 public:
  static constexpr int width = Target::width;
  static constexpr bool is_signed = false;

  constexpr Range(Target& target, int hi, int lo) : target_(&target), low_(lo), length_(hi - lo + 1) {
    assert(0 <= lo && lo <= hi && hi < width && "a range inside the integer, the high end first");
  }
  constexpr Range(const Range&) = default;

  constexpr Range& operator=(const Range& source) {
    assign(source, source.low_);
    return *this;
  }
  template <class Other>
  constexpr Range& operator=(const Range<Other>& source) {
    assign(source, source.low());
    return *this;
  }
  template <class T, class = if_operand<T>>
  constexpr Range& operator=(const T& value) {
    assign(operand_t<T>(value), 0);
    return *this;
  }

  constexpr operator unsigned long long() const { return word_at(0); }
  // As operands AMD's ranges have surprises: ~ and - work on 64 native bits, the reductions miss the
  // top bit, and a range of an ap_int is signed. Convert to ap_uint first.
  void operator~() const = delete;
  void operator-() const = delete;

  constexpr int length() const { return length_; }
  constexpr int low() const { return low_; }
  constexpr word word_at(int i) const {
    const int rest = length_ - 64 * i;
    return rest <= 0 ? 0 : target_->extract(low_ + 64 * i, rest < 64 ? rest : 64);
  }

 private:
  // Source and target may overlap in one integer, so move away from the bits still to be read.
  template <class Source>
  constexpr void assign(const Source& source, int source_low) {
    const int last = words_of(length_) - 1;
    const bool downward = low_ > source_low;
    for (int n = 0; n <= last; ++n) {
      const int i = downward ? last - n : n;
      const int rest = length_ - 64 * i;
      target_->deposit(low_ + 64 * i, rest < 64 ? rest : 64, source.word_at(i));
    }
  }

  Target* target_;
  int low_, length_;
};
template <class Target>
constexpr int Range<Target>::width;
template <class Target>
constexpr bool Range<Target>::is_signed;

// Bit i of an integer.
template <class Target>
class Bit {
 public:
  constexpr Bit(Target& target, int i) : target_(&target), at_(i) {}
  constexpr Bit(const Bit&) = default;

  constexpr Bit& operator=(bool value) {
    target_->deposit(at_, 1, value ? 1 : 0);
    return *this;
  }
  constexpr Bit& operator=(const Bit& source) { return *this = static_cast<bool>(source); }

  constexpr operator bool() const { return target_->extract(at_, 1) != 0; }
  constexpr bool operator~() const { return !static_cast<bool>(*this); }
  constexpr bool to_bool() const { return *this; }
  constexpr int length() const { return 1; }

 private:
  Target* target_;
  int at_;
};

// ---------------------------------------------------------------------------------------------
// Arithmetic: results are wide enough to be exact

// The smallest width that holds both operands in a common signedness.
template <class A, class B>
constexpr int common_width() {
  return max(A::width + (B::is_signed && !A::is_signed ? 1 : 0), B::width + (A::is_signed && !B::is_signed ? 1 : 0));
}
template <class A, class B>
using Common = Int<common_width<A, B>(), A::is_signed || B::is_signed>;
template <class A, class B>
using Sum = Int<common_width<A, B>() + 1, A::is_signed || B::is_signed>;
template <class A, class B>
using Difference = Int<common_width<A, B>() + 1, true>;
template <class A, class B>
using Product = Int<A::width + B::width, A::is_signed || B::is_signed>;

template <class A, class B>
constexpr Sum<A, B> sum(const A& a, const B& b) {
  Sum<A, B> result;
  word carry = 0;
  for (int i = 0; i < result.words; ++i) {
    const word half = a.word_at(i) + carry, full = half + b.word_at(i);
    result.put_exact(i, full);
    carry = (half < carry) | (full < half);
  }
  return result;
}

template <class A, class B>
constexpr Difference<A, B> difference(const A& a, const B& b) {
  Difference<A, B> result;
  word borrow = 0;
  for (int i = 0; i < result.words; ++i) {
    const word left = a.word_at(i), half = left - b.word_at(i);
    result.put_exact(i, half - borrow);
    borrow = (half > left) | (half < borrow);
  }
  return result;
}

// Modulo 2^(64 words) the product of the sign-extended operands is the product's two's complement.
template <class A, class B>
constexpr Product<A, B> product(const A& a, const B& b) {
  Product<A, B> result;
  constexpr int words = Product<A, B>::words;
  if (words == 1) {
    result.put_exact(0, a.word_at(0) * b.word_at(0));
    return result;
  }
  word total[words] = {};
  for (int i = 0; i < words; ++i) {
    word carry = 0;
    for (int j = 0; i + j < words; ++j) {
      const double_word step = static_cast<double_word>(a.word_at(i)) * b.word_at(j) + total[i + j] + carry;
      total[i + j] = static_cast<word>(step);
      carry = static_cast<word>(step >> 64);
    }
  }
  for (int i = 0; i < words; ++i) result.put_exact(i, total[i]);
  return result;
}

// The left operand above the right one, by their lengths.
// Constant, because assigning to it would be lost.
template <class A, class B>
constexpr const Int<A::width + B::width, false> joined(const A& high, const B& low) {
  Int<A::width + B::width, false> result;
  result.range(low.length() - 1, 0) = low;
  result.range(low.length() + high.length() - 1, low.length()) = high;
  return result;
}

// AMD's simulation compares an unsigned operand of 32 bits or more with a signed one that is not
// wider as C would: the negative becomes a huge number. By value only one answer is right, so a
// program must not get here.
template <class A, class B>
constexpr void check_signs(const A& a, const B& b) {
  constexpr bool as_in_c = A::is_signed ? !B::is_signed && B::width >= 32 && B::width >= A::width
                                        : B::is_signed && A::width >= 32 && A::width >= B::width;
  // Beyond the widths only a negative number still has bits.
  assert((!as_in_c || (a.word_at(words_of(A::width)) | b.word_at(words_of(B::width))) == 0) &&
         "a negative number is compared with an unsigned one that is not narrower");
}

template <class A, class B>
constexpr bool equal(const A& a, const B& b) {
  check_signs(a, b);
  constexpr int words = words_of(common_width<A, B>());
  for (int i = 0; i < words; ++i)
    if (a.word_at(i) != b.word_at(i)) return false;
  return true;
}

template <class A, class B>
constexpr bool less(const A& a, const B& b) {
  check_signs(a, b);
  constexpr int words = words_of(common_width<A, B>());
  constexpr bool with_sign = A::is_signed || B::is_signed;
  const word top_a = a.word_at(words - 1), top_b = b.word_at(words - 1);
  if (words == 1 || top_a != top_b)
    return with_sign ? static_cast<long long>(top_a) < static_cast<long long>(top_b) : top_a < top_b;
  for (int i = words - 2; i >= 0; --i)
    if (a.word_at(i) != b.word_at(i)) return a.word_at(i) < b.word_at(i);
  return false;
}

// ---------------------------------------------------------------------------------------------
// Operators

template <class A, class B, class = if_ours<A, B>>
constexpr auto operator+(const A& a, const B& b) {
  return sum(operand(a), operand(b));
}
template <class A, class B, class = if_ours<A, B>>
constexpr auto operator-(const A& a, const B& b) {
  return difference(operand(a), operand(b));
}
template <class A, class B, class = if_ours<A, B>>
constexpr auto operator*(const A& a, const B& b) {
  return product(operand(a), operand(b));
}
// Not needed in streaming hardware, and through the native conversion they would lose bits.
template <class A, class B, class = if_ours<A, B>>
void operator/(const A&, const B&) = delete;
template <class A, class B, class = if_ours<A, B>>
void operator%(const A&, const B&) = delete;

template <class A, class B, class = if_ours<A, B>>
constexpr Common<shape<A>, shape<B>> operator&(const A& a, const B& b) {
  const auto& left = operand(a);
  const auto& right = operand(b);
  Common<shape<A>, shape<B>> result;
  for (int i = 0; i < result.words; ++i) result.put_exact(i, left.word_at(i) & right.word_at(i));
  return result;
}
template <class A, class B, class = if_ours<A, B>>
constexpr Common<shape<A>, shape<B>> operator|(const A& a, const B& b) {
  const auto& left = operand(a);
  const auto& right = operand(b);
  Common<shape<A>, shape<B>> result;
  for (int i = 0; i < result.words; ++i) result.put_exact(i, left.word_at(i) | right.word_at(i));
  return result;
}
template <class A, class B, class = if_ours<A, B>>
constexpr Common<shape<A>, shape<B>> operator^(const A& a, const B& b) {
  const auto& left = operand(a);
  const auto& right = operand(b);
  Common<shape<A>, shape<B>> result;
  for (int i = 0; i < result.words; ++i) result.put_exact(i, left.word_at(i) ^ right.word_at(i));
  return result;
}

// How far to shift: at most W, where everything is shifted out.
template <int W, class T>
constexpr int shift_count(const T& count) {
  static_assert(shape<T>::width <= 64, "a shift count has at most 64 bits");
  const auto& value = operand(count);
  assert(value.word_at(1) == 0 && "a shift count is not negative");
  return value.word_at(0) < word{W} ? static_cast<int>(value.word_at(0)) : W;
}

// Shifts keep the left operand's type: bits shifted out are lost, a signed right shift repeats the sign.
template <int W, bool S, class T, class = if_operand<T>>
constexpr Int<W, S> operator<<(const Int<W, S>& value, const T& by) {
  const int count = shift_count<W>(by), skip = count / 64, shift = count % 64;
  Int<W, S> result;
  for (int i = skip; i < result.words; ++i) {
    const word below = i > skip ? value.word_at(i - skip - 1) : 0;
    result.put(i, value.word_at(i - skip) << shift | below >> 1 >> (63 - shift));
  }
  return result;
}
template <int W, bool S, class T, class = if_operand<T>>
constexpr Int<W, S> operator>>(const Int<W, S>& value, const T& by) {
  const int count = shift_count<W>(by), skip = count / 64, shift = count % 64;
  Int<W, S> result;
  if (result.words == 1 && S) {  // one instruction
    result.put_exact(0, static_cast<word>(value.to_int64() >> (count < 64 ? count : 63)));
    return result;
  }
  for (int i = 0; i < result.words; ++i) {
    const word above = value.word_at(i + skip + 1);
    result.put_exact(i, value.word_at(i + skip) >> shift | above << 1 << (63 - shift));
  }
  return result;
}
template <class Target, class T, class = if_operand<T>>
constexpr auto operator<<(const Range<Target>& value, const T& by) {
  return Int<Target::width, false>(value) << by;
}
template <class Target, class T, class = if_operand<T>>
constexpr auto operator>>(const Range<Target>& value, const T& by) {
  return Int<Target::width, false>(value) >> by;
}

// Comparisons are by value, whatever the widths and signs.
template <class A, class B, class = if_ours<A, B>>
constexpr bool operator==(const A& a, const B& b) {
  return equal(operand(a), operand(b));
}
template <class A, class B, class = if_ours<A, B>>
constexpr bool operator!=(const A& a, const B& b) {
  return !(a == b);
}
template <class A, class B, class = if_ours<A, B>>
constexpr bool operator<(const A& a, const B& b) {
  return less(operand(a), operand(b));
}
template <class A, class B, class = if_ours<A, B>>
constexpr bool operator>(const A& a, const B& b) {
  return b < a;
}
template <class A, class B, class = if_ours<A, B>>
constexpr bool operator<=(const A& a, const B& b) {
  return !(b < a);
}
template <class A, class B, class = if_ours<A, B>>
constexpr bool operator>=(const A& a, const B& b) {
  return !(a < b);
}

// (a, b) is the concatenation, a above b.
template <class A, class B, class = if_joinable<A, B>>
constexpr decltype(auto) operator,(const A& high, const B& low) {
  return joined<shape<A>, shape<B>>(operand_t<A>(high), operand_t<B>(low));
}

// Decimal, or hexadecimal with the prefix 0x under std::hex.
template <int W, bool S>
std::ostream& operator<<(std::ostream& out, const Int<W, S>& value) {
  return out << value.to_string((out.flags() & std::ios::basefield) == std::ios::hex ? 16 : 10);
}
template <class Target>
std::ostream& operator<<(std::ostream& out, const Range<Target>& value) {
  return out << Int<Target::width, false>(value);
}

}  // namespace ap_detail

template <int W>
using ap_int = ap_detail::Int<W, true>;
template <int W>
using ap_uint = ap_detail::Int<W, false>;

#endif
