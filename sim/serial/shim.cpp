// The C interface of a Verilated board with a serial line: a host's UART at its pins, bit by bit.
#include <cmath>
#include <cstring>
#include <deque>
#include <memory>

#include "Vdut.h"
#include "verilated.h"

namespace serial {

// Decides, reproducibly, which bits of the line arrive as their contrary, and which bytes never do.
class Noise {
  public:
    uint64_t state = 1;
    uint32_t bit_odds = 0, byte_odds = 0;  // of 2**32

    bool flips() { return bit_odds != 0 && next() < bit_odds; }
    bool drops() { return byte_odds != 0 && next() < byte_odds; }

  private:
    uint32_t next() {  // splitmix64
        uint64_t mixed = state += 0x9E3779B97F4A7C15;
        mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9;
        mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB;
        return (mixed ^ mixed >> 31) >> 32;
    }
};

constexpr unsigned FRAME = 10;  // bits: a start bit, eight of data, a stop bit

// What the host sends. A bit is so many clocks long, which need not be a whole number.
class Sender {
  public:
    std::deque<uint8_t> waiting;

    bool level(double clock, double bit, Noise& noise) {
        if (number == FRAME) {
            while (!waiting.empty() && noise.drops()) waiting.pop_front();
            if (waiting.empty()) return true;
            bits = 1u << 9 | unsigned(waiting.front()) << 1;
            for (unsigned n = 0; n != FRAME; ++n) bits ^= unsigned(noise.flips()) << n;
            waiting.pop_front();
            number = 0;
            next = (clock - next < 1 ? next : clock) + bit;
        } else if (clock >= next) {
            next += bit;
            if (++number == FRAME) {
                next -= bit;  // the next start bit may begin now
                return level(clock, bit, noise);
            }
        }
        return bits >> number & 1;
    }
    bool busy() const { return number != FRAME || !waiting.empty(); }

  private:
    unsigned bits = 0, number = FRAME;
    double next = 0;  // the clock at which the bit is over
};

// What the host hears: sampled in the middle of each bit, as counted from the start bit's edge.
class Listener {
  public:
    std::deque<uint8_t> heard;
    uint64_t framing = 0;  // bytes without a stop bit, which are lost

    void listen(bool level, double clock, double bit, Noise& noise) {
        if (number == FRAME) {
            if (!level && was) {
                number = 0;
                next = clock + bit / 2;
            }
            was = level;
            return;
        }
        if (clock < next) return;
        next += bit;
        const bool seen = level != noise.flips();
        if (number == 0 && seen) {
            number = FRAME;  // no start bit after all
        } else if (number == FRAME - 1) {
            if (!seen)
                ++framing;
            else if (!noise.drops())
                heard.push_back(shift);
            number = FRAME;
        } else {
            shift = uint8_t(shift >> 1 | seen << 7);
            ++number;
        }
        was = level;
    }

  private:
    uint8_t shift = 0;
    unsigned number = FRAME;
    bool was = true;
    double next = 0;
};

class Board {
  public:
    VerilatedContext context;
    std::unique_ptr<Vdut> top;
    Sender sender;
    Listener listener;
    Noise noise;
    uint64_t clock = 0;
    double bit;

    explicit Board(double clocks_a_bit) : bit(clocks_a_bit) {
        top = std::make_unique<Vdut>(&context);
        top->clk = 1;
        top->rx = 1;
        reset(4);
    }
    ~Board() { top->final(); }

    void reset(uint32_t clocks) {
        top->rst = 1;
        for (uint32_t n = 0; n != clocks; ++n) tick();
        top->rst = 0;
    }

    void tick() {
        top->rx = sender.level(double(clock), bit, noise);
        top->clk = 0;
        top->eval();
        listener.listen(top->tx, double(clock), bit, noise);
        top->clk = 1;
        top->eval();
        ++clock;
    }
};

}  // namespace serial

#define C_INTERFACE extern "C" __attribute__((visibility("default")))

using serial::Board;

C_INTERFACE Board* line_new(double clocks_a_bit) { return new Board(clocks_a_bit); }
C_INTERFACE void line_delete(Board* board) { delete board; }
C_INTERFACE void line_reset(Board* board, uint32_t clocks) { board->reset(clocks); }

C_INTERFACE void line_send(Board* board, const uint8_t* bytes, uint64_t count) {
    board->sender.waiting.insert(board->sender.waiting.end(), bytes, bytes + count);
}

// Runs until that many bytes were heard, or for so many clocks after the last one was sent;
// returns how many were heard, and takes them.
C_INTERFACE uint64_t line_receive(Board* board, uint8_t* bytes, uint64_t count, uint64_t clocks) {
    auto& heard = board->listener.heard;
    while (heard.size() < count && board->sender.busy()) board->tick();
    while (heard.size() < count && clocks-- != 0) board->tick();
    const uint64_t found = std::min<uint64_t>(count, heard.size());
    std::copy_n(heard.begin(), found, bytes);
    heard.erase(heard.begin(), heard.begin() + ptrdiff_t(found));
    return found;
}
C_INTERFACE void line_run(Board* board, uint64_t clocks) {
    while (clocks-- != 0) board->tick();
}

C_INTERFACE void line_noise(Board* board, uint64_t seed, double bits, double bytes) {
    board->noise.state = seed;
    board->noise.bit_odds = uint32_t(std::ldexp(bits, 32));
    board->noise.byte_odds = uint32_t(std::ldexp(bytes, 32));
}
C_INTERFACE uint64_t line_clock(Board* board) { return board->clock; }
C_INTERFACE uint64_t line_framing(Board* board) { return board->listener.framing; }
C_INTERFACE uint32_t line_leds(Board* board) { return board->top->leds; }
