// The C interface of a Verilated design: what ctypes calls, and the clock that all runs by.
#include <memory>

#include "Vdut.h"
#include "managers.h"
#include "memory.h"
#include "ports.h"
#include "verilated.h"
#if VM_COVERAGE
#include "verilated_cov.h"
#endif
#if VM_TRACE
#include "verilated_vcd_c.h"
#endif

namespace rtl {

constexpr uint64_t PERIOD = 10;  // in traces, of a clock

// What an access to a register came to, above its 32 bits of data.
constexpr uint64_t RESPONSE = 32;
constexpr uint64_t TIMEOUT = 1ull << 34;
constexpr uint64_t VIOLATION = 1ull << 35;

class Device {
  public:
    VerilatedContext context;
    std::unique_ptr<Vdut> top;
    Report report;
    Chance chance;
    Memory memory;
    Registers registers{report, chance};
    Window window{report, chance};
    bool hung = false;

    Device(uint8_t* bytes, uint64_t size, uint64_t base)
        : memory(bytes, size, base, report, chance) {
#if VM_TRACE
        context.traceEverOn(true);
#endif
        top = std::make_unique<Vdut>(&context);
        clock_is(*top, true);
        reset(4);
    }

    ~Device() {
        trace(nullptr);
        top->final();
    }

    // The design forgets what is under way, and so do the other ends of its ports.
    void reset(uint32_t clocks) {
        memory.clear();
        registers.clear();
        window.clear();
        report.clear();
        hung = false;
        reset_is(*top, true);
        for (uint32_t n = 0; n != clocks; ++n) tick<false>();
        reset_is(*top, false);
    }

    // One clock: inputs change behind the rising edge, transfers are seen before the next one.
    template <bool ALIVE = true> void tick() {
        if constexpr (ALIVE) {
            memory.drive(*top);
            registers.drive(*top);
            window.drive(*top);
        } else {
            quieten(*top);
        }
        dump(0);
        clock_is(*top, false);
        top->eval();
        dump(PERIOD / 2);
        if constexpr (ALIVE) {
            memory.observe(*top);
            registers.observe(*top);
            window.observe(*top);
        }
        clock_is(*top, true);
        top->eval();
        ++report.clock;
    }

    template <class Busy> bool finish(uint64_t patience, Busy busy) {
        while (busy() && patience-- != 0) tick();
        if (busy()) hung = true;  // half an access cannot be taken back
        return !busy();
    }

    uint64_t access(uint64_t patience) {
        const bool done = finish(patience, [this] { return registers.busy; });
        const uint64_t flags = (done ? 0 : TIMEOUT) | (report.count != 0 ? VIOLATION : 0);
        return flags | uint64_t(registers.response) << RESPONSE | registers.value;
    }

    bool trace(const char* path) {
#if VM_TRACE
        if (vcd) vcd->close();
        vcd.reset();
        if (path == nullptr) return true;
        vcd = std::make_unique<VerilatedVcdC>();
        top->trace(vcd.get(), 99);
        vcd->open(path);
        return vcd->isOpen();
#else
        return path == nullptr;
#endif
    }

  private:
#if VM_TRACE
    std::unique_ptr<VerilatedVcdC> vcd;
#endif

    void dump([[maybe_unused]] uint64_t phase) {
#if VM_TRACE
        if (!vcd) return;
        if (phase == 0) top->eval();  // the clock is still high: shows what new inputs change
        vcd->dump(report.clock * PERIOD + phase);
#endif
    }

    template <class Top> static void clock_is(Top& top, bool high) {
        if constexpr (requires { top.aclk; })
            top.aclk = high;
        else
            top.clk = high;
    }

    template <class Top> static void reset_is(Top& top, bool active) {
        if constexpr (requires { top.aresetn; })
            top.aresetn = !active;
        else
            top.rst = active;
    }

    template <class Top> static void quieten(Top& top) {
        if constexpr (ReadsMemory<Top>) top.m_axi_arready = top.m_axi_rvalid = 0;
        if constexpr (WritesMemory<Top>)
            top.m_axi_awready = top.m_axi_wready = top.m_axi_bvalid = 0;
        if constexpr (HasRegisters<Top>)
            top.s_axil_arvalid = top.s_axil_awvalid = top.s_axil_wvalid = 0;
        if constexpr (HasWindow<Top>)
            top.s_axi_arvalid = top.s_axi_awvalid = top.s_axi_wvalid = 0;
    }
};

template <class Top> bool interrupt(Top& top) {
    if constexpr (requires { top.irq; })
        return top.irq;
    else
        return false;
}

}  // namespace rtl

#define C_INTERFACE extern "C" __attribute__((visibility("default")))

using rtl::Device;

C_INTERFACE Device* rtl_new(uint8_t* bytes, uint64_t size, uint64_t base) {
    return new Device(bytes, size, base);
}
C_INTERFACE void rtl_delete(Device* device) { delete device; }
C_INTERFACE void rtl_reset(Device* device, uint32_t clocks) { device->reset(clocks); }

// The bits of a port; 0 if the design has no such port.
C_INTERFACE uint32_t rtl_width(const char* name) {
    for (const auto& port : PORTS)
        if (std::strcmp(port.name, name) == 0) return port.width;
    return 0;
}

C_INTERFACE uint64_t rtl_read(Device* device, uint32_t offset, uint64_t patience) {
    if (device->hung) return rtl::TIMEOUT;
    device->registers.read(offset);
    return device->access(patience);
}
C_INTERFACE uint64_t rtl_write(Device* device, uint32_t offset, uint32_t value,
                               uint64_t patience) {
    if (device->hung) return rtl::TIMEOUT;
    device->registers.write(offset, value);
    return device->access(patience);
}

// Runs until the interrupt is high, if asked, or for so many clocks; says whether it is high.
C_INTERFACE uint32_t rtl_run(Device* device, uint64_t clocks, uint32_t until_interrupt) {
    while (clocks-- != 0 && !(until_interrupt && rtl::interrupt(*device->top))) device->tick();
    return rtl::interrupt(*device->top);
}

// These return the worst response, or TIMEOUT; *failed is where the first error was.
C_INTERFACE uint64_t rtl_window_read(Device* device, uint64_t address, uint64_t words,
                                     uint32_t burst, uint32_t id, uint64_t* to,
                                     uint64_t* failed, uint64_t patience) {
    if (device->hung) return rtl::TIMEOUT;
    device->window.read({address, words, burst}, id, to);
    const bool done = device->finish(patience, [device] { return device->window.busy(); });
    *failed = device->window.failed;
    return done ? device->window.worst : rtl::TIMEOUT;
}
C_INTERFACE uint64_t rtl_window_write(Device* device, uint64_t address, uint64_t words,
                                      uint32_t burst, uint32_t id, const uint64_t* from,
                                      const uint8_t* strobes, uint32_t address_delay,
                                      uint32_t data_delay, uint64_t* failed, uint64_t patience) {
    if (device->hung) return rtl::TIMEOUT;
    device->window.write({address, words, burst}, id, from, strobes, address_delay, data_delay);
    const bool done = device->finish(patience, [device] { return device->window.busy(); });
    *failed = device->window.failed;
    return done ? device->window.worst : rtl::TIMEOUT;
}

C_INTERFACE uint64_t rtl_cycles(Device* device) { return device->report.clock; }
C_INTERFACE uint64_t rtl_beats(Device* device, uint32_t direction) {
    return device->memory.beats[direction];
}
C_INTERFACE uint64_t rtl_strays(Device* device) { return device->memory.strays; }
C_INTERFACE uint64_t rtl_violations(Device* device) { return device->report.count; }
C_INTERFACE const char* rtl_violation_text(Device* device) {
    return device->report.text.c_str();
}

C_INTERFACE void rtl_latency(Device* device, uint32_t reads, uint32_t writes) {
    device->memory.latency[rtl::READS] = reads;
    device->memory.latency[rtl::WRITES] = writes;
}
C_INTERFACE void rtl_seed(Device* device, uint64_t seed) { device->chance.state = seed; }
C_INTERFACE void rtl_stall(Device* device, uint32_t channel, uint32_t odds) {
    device->chance.odds[channel] = odds;
}
C_INTERFACE void rtl_fail(Device* device, uint32_t direction, uint64_t first, uint64_t limit,
                          uint32_t response) {
    device->memory.failures.push_back(
        {rtl::Direction(direction), first, limit, rtl::Response(response)});
}
C_INTERFACE void rtl_fail_beat(Device* device, uint32_t direction, uint64_t number,
                               uint32_t response) {
    device->memory.failing_beat[direction] = device->memory.beats[direction] + number;
    device->memory.failing_response[direction] = rtl::Response(response);
}
C_INTERFACE void rtl_heal(Device* device) {
    device->memory.failures.clear();
    for (uint64_t& beat : device->memory.failing_beat) beat = UINT64_MAX;
}

C_INTERFACE uint32_t rtl_trace(Device* device, const char* path) { return device->trace(path); }
C_INTERFACE uint32_t rtl_coverage([[maybe_unused]] Device* device,
                                  [[maybe_unused]] const char* path) {
#if VM_COVERAGE
    device->context.coveragep()->write(path);
    return 1;
#else
    return 0;
#endif
}
