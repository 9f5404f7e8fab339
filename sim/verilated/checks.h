// What the design did wrong at its ports, in words, and when a channel pauses.
#pragma once

#include <cinttypes>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <string>

namespace rtl {

enum Direction { READS, WRITES };

// LITE and WINDOW stand for all five channels of those ports. Same order as bus.py has.
enum Channel { AR, R, AW, W, B, LITE, WINDOW, CHANNELS };

enum Response : uint8_t { OKAY = 0, SLVERR = 2, DECERR = 3 };

// Counts violations; keeps the text of the first ones, which are those that explain the others.
class Report {
  public:
    uint64_t clock = 0;
    uint64_t count = 0;
    std::string text;

    __attribute__((format(printf, 2, 3))) void add(const char* format, ...) {
        if (++count > KEPT) return;
        char line[256];
        int used = std::snprintf(line, sizeof line, "clock %" PRIu64 ": ", clock);
        va_list arguments;
        va_start(arguments, format);
        std::vsnprintf(line + used, sizeof line - used, format, arguments);
        va_end(arguments);
        if (!text.empty()) text += '\n';
        text += line;
    }

    void clear() {
        count = 0;
        text.clear();
    }

  private:
    static constexpr uint64_t KEPT = 20;
};

// Decides pauses; draws nothing for a channel that never pauses.
class Chance {
  public:
    uint64_t state = 1;
    uint32_t odds[CHANNELS] = {};  // of 65536

    bool pauses(Channel channel) {
        if (odds[channel] == 0) return false;
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        return (state >> 32 & 0xFFFF) < odds[channel];
    }
};

// A channel that the design drives: what is offered has to stay as it is until it is taken.
template <class Payload> class Held {
  public:
    // Returns whether there is a transfer in this clock.
    bool watch(Report& report, const char* name, bool valid, bool ready, const Payload& payload) {
        if (waiting && !valid) report.add("%s: an offer was withdrawn", name);
        if (waiting && valid && !(payload == held))
            report.add("%s: an offer changed while it waited", name);
        waiting = valid && !ready;
        if (waiting) held = payload;
        return valid && ready;
    }

    void clear() { waiting = false; }

  private:
    bool waiting = false;
    Payload held{};
};

struct AddressBeat {
    uint64_t address;
    uint32_t length, size, burst, id, lock, cache, prot;
    bool operator==(const AddressBeat&) const = default;
};

struct WriteBeat {
    uint64_t data;
    uint32_t strobes;
    bool last;
    bool operator==(const WriteBeat&) const = default;
};

struct ReadAnswer {
    uint64_t data;
    uint32_t response, id;
    bool last;
    bool operator==(const ReadAnswer&) const = default;
};

struct WriteAnswer {
    uint32_t response, id;
    bool operator==(const WriteAnswer&) const = default;
};

}  // namespace rtl
