// The memory behind the design's manager port: bytes of the host, answered as AXI4 asks.
#pragma once

#include <algorithm>
#include <cstring>
#include <vector>

#include "checks.h"

namespace rtl {

template <class Top>
concept ReadsMemory = requires(Top top) { top.m_axi_arvalid; };
template <class Top>
concept WritesMemory = requires(Top top) { top.m_axi_awvalid; };

// Accesses of a direction within [first, limit) that are answered with an error.
struct Failure {
    Direction direction;
    uint64_t first, limit;
    Response response;
};

template <class Item, uint32_t ROOM> class Queue {
  public:
    bool empty() const { return taken == given; }
    bool full() const { return size() == ROOM; }
    uint32_t size() const { return taken - given; }
    Item& front() { return items[given % ROOM]; }
    Item& back() { return items[(taken - 1) % ROOM]; }
    Item& operator[](uint32_t index) { return items[(given + index) % ROOM]; }
    void push(const Item& item) { items[taken++ % ROOM] = item; }
    void pop() { ++given; }
    void clear() { given = taken; }

  private:
    static_assert((ROOM & (ROOM - 1)) == 0, "counts wrap around");
    Item items[ROOM];
    uint32_t taken = 0, given = 0;
};

// Answers in the order of addresses, one beat a clock, with several bursts under way. A word is
// read when its beat is offered and written when its burst's answer is: with a slow direction
// beside a fast one, who counts on an order that AXI does not promise gets the wrong words.
class Memory {
  public:
    uint32_t latency[2] = {0, 0};  // clocks from an address, or from the last datum, to the answer
    uint64_t beats[2] = {0, 0};
    uint64_t strays = 0;  // beats outside of the memory
    std::vector<Failure> failures;
    uint64_t failing_beat[2] = {UINT64_MAX, UINT64_MAX};
    Response failing_response[2] = {OKAY, OKAY};

    Memory(uint8_t* bytes, uint64_t size, uint64_t base, Report& report, Chance& chance)
        : bytes(bytes), size(size), base(base), report(report), chance(chance) {}

    void clear() {
        reads.clear();
        writes.clear();
        data.clear();
        read_offered = answer_offered = false;
        complete = arrived = 0;
        ar.clear();
        aw.clear();
        w.clear();
    }

    template <class Top> void drive(Top& top) {
        if constexpr (ReadsMemory<Top>) {
            top.m_axi_arready = !reads.full() && !chance.pauses(AR);
            if (!read_offered && !reads.empty() && reads.front().at <= report.clock &&
                !chance.pauses(R)) {
                read_offered = true;
                ReadBurst& burst = reads.front();
                uint64_t word = 0;
                Response response = access(READS, burst.address);
                if (response == OKAY) std::memcpy(&word, bytes + (burst.address - base), 8);
                top.m_axi_rdata = word;
                top.m_axi_rresp = response;
                top.m_axi_rid = burst.id;
                top.m_axi_rlast = burst.left == 1;
            }
            top.m_axi_rvalid = read_offered;
        }
        if constexpr (WritesMemory<Top>) {
            top.m_axi_awready = !writes.full() && !chance.pauses(AW);
            top.m_axi_wready = !data.full() && !chance.pauses(W);
            if (!answer_offered && complete != 0 && writes.front().at <= report.clock &&
                !chance.pauses(B)) {
                answer_offered = true;
                top.m_axi_bresp = store(writes.front());
                top.m_axi_bid = writes.front().id;
            }
            top.m_axi_bvalid = answer_offered;
        }
    }

    template <class Top> void observe(Top& top) {
        if constexpr (ReadsMemory<Top>) {
            if (read_offered && top.m_axi_rready) {
                read_offered = false;
                ReadBurst& burst = reads.front();
                burst.address += 8;
                if (--burst.left == 0) reads.pop();
            }
            AddressBeat beat{top.m_axi_araddr, top.m_axi_arlen, top.m_axi_arsize,
                             top.m_axi_arburst, top.m_axi_arid, top.m_axi_arlock,
                             top.m_axi_arcache, top.m_axi_arprot};
            if (ar.watch(report, "m_axi ar", top.m_axi_arvalid, top.m_axi_arready, beat)) {
                check("m_axi ar", beat);
                reads.push({beat.address, report.clock + 1 + latency[READS], beat.length + 1,
                            beat.id});
            }
        }
        if constexpr (WritesMemory<Top>) {
            if (answer_offered && top.m_axi_bready) {
                answer_offered = false;
                for (uint32_t n = writes.front().beats; n != 0; --n) data.pop();
                arrived -= writes.front().beats;
                writes.pop();
                --complete;
            }
            AddressBeat beat{top.m_axi_awaddr, top.m_axi_awlen, top.m_axi_awsize,
                             top.m_axi_awburst, top.m_axi_awid, top.m_axi_awlock,
                             top.m_axi_awcache, top.m_axi_awprot};
            if (aw.watch(report, "m_axi aw", top.m_axi_awvalid, top.m_axi_awready, beat)) {
                check("m_axi aw", beat);
                writes.push({beat.address, 0, beat.length + 1, 0, beat.id});
            }
            WriteBeat datum{top.m_axi_wdata, top.m_axi_wstrb, bool(top.m_axi_wlast)};
            if (w.watch(report, "m_axi w", top.m_axi_wvalid, top.m_axi_wready, datum))
                data.push(datum);
            match();
        }
    }

  private:
    struct ReadBurst {
        uint64_t address, at;
        uint32_t left, id;
    };
    struct WriteBurst {
        uint64_t address, at;
        uint32_t beats, arrived, id;
    };

    uint8_t* bytes;
    uint64_t size, base;
    Report& report;
    Chance& chance;
    Queue<ReadBurst, 16> reads;
    Queue<WriteBurst, 16> writes;
    Queue<WriteBeat, 4096> data;
    bool read_offered = false, answer_offered = false;
    uint32_t complete = 0;  // bursts at the front that have all their data
    uint32_t arrived = 0;   // data that belong to a known burst
    Held<AddressBeat> ar, aw;
    Held<WriteBeat> w;

    void check(const char* name, const AddressBeat& beat) {
        const uint64_t last = beat.address + 8ull * beat.length;
        if (beat.burst != 1) report.add("%s: burst %u is not INCR", name, beat.burst);
        if (beat.size != 3) report.add("%s: size %u is not 8 bytes", name, beat.size);
        if (beat.length > 15) report.add("%s: %u beats are over 16", name, beat.length + 1);
        if (beat.address % 8)
            report.add("%s: address 0x%" PRIx64 " is no multiple of 8", name, beat.address);
        if (beat.address >> 12 != last >> 12)
            report.add("%s: %u beats at 0x%" PRIx64 " cross 4 KiB", name, beat.length + 1,
                       beat.address);
    }

    // Data may come before their address: the two are matched once both are here.
    void match() {
        while (arrived < data.size() && complete < writes.size()) {
            WriteBurst& burst = writes[complete];
            const bool last = ++burst.arrived == burst.beats;
            if (data[arrived++].last != last)
                report.add("m_axi w: last is wrong on beat %u of %u", burst.arrived, burst.beats);
            if (last) {
                burst.at = report.clock + 1 + latency[WRITES];
                ++complete;
            }
        }
    }

    Response store(const WriteBurst& burst) {
        Response worst = OKAY;
        for (uint32_t n = 0; n != burst.beats; ++n) {
            const uint64_t address = burst.address + 8ull * n;
            const Response response = access(WRITES, address);
            worst = std::max(worst, response);
            if (response != OKAY) continue;
            uint8_t* at = bytes + (address - base);
            const WriteBeat& beat = data[n];
            if (beat.strobes == 0xFF) {
                std::memcpy(at, &beat.data, 8);
                continue;
            }
            for (int lane = 0; lane != 8; ++lane)
                if (beat.strobes >> lane & 1) at[lane] = uint8_t(beat.data >> 8 * lane);
        }
        return worst;
    }

    Response access(Direction direction, uint64_t address) {
        if (beats[direction]++ == failing_beat[direction]) return failing_response[direction];
        if (address < base || address - base > size - 8) {
            ++strays;
            return DECERR;
        }
        for (const Failure& failure : failures)
            if (failure.direction == direction && failure.first <= address + 7 &&
                address < failure.limit)
                return failure.response;
        return OKAY;
    }
};

}  // namespace rtl
