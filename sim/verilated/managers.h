// The ends of the design's subordinate ports: a manager of registers and one of the window.
#pragma once

#include <algorithm>

#include "checks.h"
#include "memory.h"

namespace rtl {

template <class Top>
concept HasRegisters = requires(Top top) { top.s_axil_arvalid; };
template <class Top>
concept HasWindow = requires(Top top) { top.s_axi_arvalid; };

// One register access at a time.
class Registers {
  public:
    bool busy = false;
    uint32_t value = 0;
    uint32_t response = OKAY;

    Registers(Report& report, Chance& chance) : report(report), chance(chance) {}

    void clear() {
        busy = address_due = data_due = address_offered = data_offered = false;
        r.clear();
        b.clear();
    }

    void read(uint64_t where) {
        busy = address_due = true;
        writing = data_due = false;
        address = where;
    }

    void write(uint64_t where, uint32_t what) {
        busy = address_due = data_due = writing = true;
        address = where;
        value = what;
    }

    template <class Top> void drive(Top& top) {
        if constexpr (HasRegisters<Top>) {
            if (busy) {
                if (address_due && !address_offered) address_offered = !chance.pauses(LITE);
                if (data_due && !data_offered) data_offered = !chance.pauses(LITE);
            }
            top.s_axil_arvalid = address_offered && !writing;
            top.s_axil_awvalid = address_offered && writing;
            top.s_axil_wvalid = data_offered;
            top.s_axil_araddr = address;
            top.s_axil_awaddr = address;
            top.s_axil_wdata = value;
            top.s_axil_wstrb = 0xF;
            top.s_axil_rready = !chance.pauses(LITE);
            top.s_axil_bready = !chance.pauses(LITE);
        }
    }

    template <class Top> void observe(Top& top) {
        if constexpr (HasRegisters<Top>) {
            const bool reading = busy && !writing && !address_due;
            const bool written = busy && writing && !address_due && !data_due;
            if (top.s_axil_rvalid && !reading)
                report.add("s_axil r: an answer that nobody asked for");
            if (top.s_axil_bvalid && !written)
                report.add("s_axil b: an answer before its address and data");
            if (address_offered && (writing ? top.s_axil_awready : top.s_axil_arready))
                address_offered = address_due = false;
            if (data_offered && top.s_axil_wready) data_offered = data_due = false;
            if (r.watch(report, "s_axil r", top.s_axil_rvalid, top.s_axil_rready,
                        {top.s_axil_rdata, top.s_axil_rresp, 0, false})) {
                value = top.s_axil_rdata;
                finish(top.s_axil_rresp);
            }
            if (b.watch(report, "s_axil b", top.s_axil_bvalid, top.s_axil_bready,
                        {top.s_axil_bresp, 0}))
                finish(top.s_axil_bresp);
        }
    }

  private:
    Report& report;
    Chance& chance;
    bool writing = false;
    uint64_t address = 0;
    bool address_due = false, data_due = false;          // not taken yet
    bool address_offered = false, data_offered = false;  // once offered, it stays
    Held<ReadAnswer> r;
    Held<WriteAnswer> b;

    void finish(uint32_t answer) {
        response = answer;
        busy = false;
    }
};

// A run of words, cut into bursts that end at 4 KiB.
struct Walk {
    uint64_t address = 0, words = 0;
    uint32_t most = 256;

    uint32_t beats() const {
        return uint32_t(std::min<uint64_t>({most, words, (4096 - address % 4096) / 8}));
    }
    void advance(uint32_t by) {
        address += 8ull * by;
        words -= by;
    }
};

// Reads or writes a run of words with bursts of INCR, given as fast as the design takes them.
class Window {
  public:
    Response worst = OKAY;
    uint64_t failed = 0;  // address of the first word, or burst, that was refused

    Window(Report& report, Chance& chance) : report(report), chance(chance) {}

    bool busy() const { return due != 0; }

    void clear() {
        due = 0;
        ask.words = data.words = 0;
        address_offered = data_offered = false;
        bursts.clear();
        r.clear();
        b.clear();
    }

    void read(const Walk& walk, uint32_t with_id, uint64_t* to) {
        start(walk, with_id);
        writing = false;
        words_out = to;
    }

    void write(const Walk& walk, uint32_t with_id, const uint64_t* from, const uint8_t* with,
               uint32_t address_delay, uint32_t data_delay) {
        start(walk, with_id);
        writing = true;
        data = walk;
        words_in = from;
        strobes = with;
        address_wait = address_delay;
        data_wait = data_delay;
        left_of_burst = 0;
    }

    template <class Top> void drive(Top& top) {
        if constexpr (HasWindow<Top>) {
            if (due != 0) offer();
            top.s_axi_arvalid = address_offered && !writing;
            top.s_axi_awvalid = address_offered && writing;
            if (address_offered) {
                top.s_axi_araddr = top.s_axi_awaddr = ask.address;
                top.s_axi_arid = top.s_axi_awid = id;
                top.s_axi_arlen = top.s_axi_awlen = ask.beats() - 1;
                top.s_axi_arsize = top.s_axi_awsize = 3;
                top.s_axi_arburst = top.s_axi_awburst = 1;
            }
            top.s_axi_wvalid = data_offered;
            if (data_offered) {
                top.s_axi_wdata = *words_in;
                top.s_axi_wstrb = *strobes;
                top.s_axi_wlast = left_of_burst == 1;
            }
            top.s_axi_rready = !chance.pauses(WINDOW);
            top.s_axi_bready = !chance.pauses(WINDOW);
        }
    }

    template <class Top> void observe(Top& top) {
        if constexpr (HasWindow<Top>) {
            if (r.watch(report, "s_axi r", top.s_axi_rvalid, top.s_axi_rready,
                        {top.s_axi_rdata, top.s_axi_rresp, top.s_axi_rid,
                         bool(top.s_axi_rlast)}))
                take_word(top.s_axi_rdata, top.s_axi_rresp, top.s_axi_rid, top.s_axi_rlast);
            if (b.watch(report, "s_axi b", top.s_axi_bvalid, top.s_axi_bready,
                        {top.s_axi_bresp, top.s_axi_bid}))
                take_answer(top.s_axi_bresp, top.s_axi_bid);
            if (address_offered && (writing ? top.s_axi_awready : top.s_axi_arready)) {
                const uint32_t beats = ask.beats();
                bursts.push({ask.address, beats, beats});
                ask.advance(beats);
                address_offered = false;
            }
            if (data_offered && top.s_axi_wready) {
                ++words_in;
                ++strobes;
                ++words_sent;
                --left_of_burst;
                data.advance(1);
                data_offered = false;
            }
        }
    }

  private:
    struct Burst {
        uint64_t address;
        uint32_t beats, left;
    };

    Report& report;
    Chance& chance;
    bool writing = false;
    uint32_t id = 0;
    Walk ask, data;
    uint64_t due = 0;  // words that were not read, or not answered for
    uint64_t* words_out = nullptr;
    const uint64_t* words_in = nullptr;
    const uint8_t* strobes = nullptr;
    uint32_t address_wait = 0, data_wait = 0, left_of_burst = 0;
    uint64_t words_sent = 0, words_answered = 0;
    bool address_offered = false, data_offered = false;
    Queue<Burst, 64> bursts;
    Held<ReadAnswer> r;
    Held<WriteAnswer> b;

    void start(const Walk& walk, uint32_t with_id) {
        ask = walk;
        due = walk.words;
        id = with_id;
        worst = OKAY;
        words_sent = words_answered = 0;
        address_wait = data_wait = 0;
    }

    void offer() {
        if (address_wait != 0)
            --address_wait;
        else if (!address_offered && ask.words != 0 && !bursts.full())
            address_offered = !chance.pauses(WINDOW);
        if (!writing) return;
        if (data_wait != 0) {
            --data_wait;
        } else if (!data_offered && data.words != 0) {
            if (left_of_burst == 0) left_of_burst = data.beats();
            data_offered = !chance.pauses(WINDOW);
        }
    }

    void take_word(uint64_t word, uint32_t response, uint32_t of, bool last) {
        if (writing || bursts.empty()) {
            report.add("s_axi r: an answer that nobody asked for");
            return;
        }
        Burst& burst = bursts.front();
        if (of != id) report.add("s_axi r: ID 0x%x, not 0x%x", of, id);
        if (last != (burst.left == 1))
            report.add("s_axi r: last is wrong with %u beats to come", burst.left);
        note(response, burst.address + 8ull * (burst.beats - burst.left));
        *words_out++ = word;
        --due;
        if (--burst.left == 0) bursts.pop();
    }

    void take_answer(uint32_t response, uint32_t of) {
        if (!writing || bursts.empty() ||
            words_sent < words_answered + bursts.front().beats) {
            report.add("s_axi b: an answer before its address and data");
            return;
        }
        if (of != id) report.add("s_axi b: ID 0x%x, not 0x%x", of, id);
        note(response, bursts.front().address);
        words_answered += bursts.front().beats;
        due -= bursts.front().beats;
        bursts.pop();
    }

    void note(uint32_t response, uint64_t address) {
        if (response >= SLVERR && worst < SLVERR) failed = address;
        worst = std::max(worst, Response(response));
    }
};

}  // namespace rtl
