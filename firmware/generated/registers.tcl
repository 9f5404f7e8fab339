# The registers of the core. Generated; do not edit.
# tclint-disable line-length
proc add_registers {block} {
    set register [ipx::add_register ID $block]
    set_property -dict {
        address_offset 0x0
        size 32
        access read-only
        description {the characters "ENGR"}
    } $register
    set register [ipx::add_register ABI $block]
    set_property -dict {
        address_offset 0x4
        size 32
        access read-only
        description {version of all this}
    } $register
    set field [ipx::add_field MINOR $register]
    set_property -dict {
        bit_offset 0
        bit_width 16
        access read-only
        description {}
    } $field
    set field [ipx::add_field MAJOR $register]
    set_property -dict {
        bit_offset 16
        bit_width 16
        access read-only
        description {}
    } $field
    set register [ipx::add_register LAWS $block]
    set_property -dict {
        address_offset 0x8
        size 32
        access read-only
        description {bit n: law n is built}
    } $register
    set register [ipx::add_register SHAPE $block]
    set_property -dict {
        address_offset 0xC
        size 32
        access read-only
        description {what was built}
    } $register
    set field [ipx::add_field LANES $register]
    set_property -dict {
        bit_offset 0
        bit_width 5
        access read-only
        description {words the generator makes at once}
    } $field
    set field [ipx::add_field TLB_ENTRIES $register]
    set_property -dict {
        bit_offset 5
        bit_width 7
        access read-only
        description {pages the TLB remembers}
    } $field
    set field [ipx::add_field REGIONS $register]
    set_property -dict {
        bit_offset 12
        bit_width 7
        access read-only
        description {entries of the region table}
    } $field
    set field [ipx::add_field ADDRESS_BITS $register]
    set_property -dict {
        bit_offset 19
        bit_width 6
        access read-only
        description {of a byte address in DRAM}
    } $field
    set field [ipx::add_field WINDOW_BITS $register]
    set_property -dict {
        bit_offset 25
        bit_width 6
        access read-only
        description {of a byte address in the window}
    } $field
    set register [ipx::add_register STATUS $block]
    set_property -dict {
        address_offset 0x10
        size 32
        access read-only
        description {where the ring stands}
    } $register
    set field [ipx::add_field IDLE $register]
    set_property -dict {
        bit_offset 0
        bit_width 1
        access read-only
        description {nothing is under way, at the ring or the window}
    } $field
    set field [ipx::add_field HALTED $register]
    set_property -dict {
        bit_offset 1
        bit_width 1
        access read-only
        description {the ring stopped for good, until it is enabled anew}
    } $field
    set field [ipx::add_field SELECTED $register]
    set_property -dict {
        bit_offset 2
        bit_width 1
        access read-only
        description {a space is selected}
    } $field
    set field [ipx::add_field HALT_FAULT $register]
    set_property -dict {
        bit_offset 8
        bit_width 8
        access read-only
        description {why it halted}
    } $field
    set field [ipx::add_field WINDOW_FAULT $register]
    set_property -dict {
        bit_offset 16
        bit_width 8
        access read-only
        description {the last fault at the window}
    } $field
    set register [ipx::add_register CONTROL $block]
    set_property -dict {
        address_offset 0x14
        size 32
        access read-write
        description {what may run}
    } $register
    set field [ipx::add_field ENABLE $register]
    set_property -dict {
        bit_offset 0
        bit_width 1
        access read-write
        description {run the ring; while clear, and once idle, all state but registers is reset}
    } $field
    set field [ipx::add_field WINDOW_READ $register]
    set_property -dict {
        bit_offset 1
        bit_width 1
        access read-write
        description {the window may be read}
    } $field
    set field [ipx::add_field WINDOW_WRITE $register]
    set_property -dict {
        bit_offset 2
        bit_width 1
        access read-write
        description {the window may be written}
    } $field
    set register [ipx::add_register COMMAND $block]
    set_property -dict {
        address_offset 0x18
        size 32
        access write-only
        description {}
    } $register
    set field [ipx::add_field SNAPSHOT $register]
    set_property -dict {
        bit_offset 0
        bit_width 1
        access write-only
        description {capture all counters}
    } $field
    set register [ipx::add_register IRQ_STATUS $block]
    set_property -dict {
        address_offset 0x1C
        size 32
        access read-write
        description {what happened}
    } $register
    set field [ipx::add_field DONE $register]
    set_property -dict {
        bit_offset 0
        bit_width 1
        access read-write
        description {a command with the flag INTERRUPT is complete}
        modified_write_value oneToClear
    } $field
    set field [ipx::add_field FAULT $register]
    set_property -dict {
        bit_offset 1
        bit_width 1
        access read-write
        description {a command ended in a fault}
        modified_write_value oneToClear
    } $field
    set field [ipx::add_field HALT $register]
    set_property -dict {
        bit_offset 2
        bit_width 1
        access read-write
        description {the ring halted}
        modified_write_value oneToClear
    } $field
    set field [ipx::add_field WINDOW $register]
    set_property -dict {
        bit_offset 3
        bit_width 1
        access read-write
        description {a window access ended in a fault}
        modified_write_value oneToClear
    } $field
    set register [ipx::add_register IRQ_ENABLE $block]
    set_property -dict {
        address_offset 0x20
        size 32
        access read-write
        description {what raises the interrupt}
    } $register
    set field [ipx::add_field DONE $register]
    set_property -dict {
        bit_offset 0
        bit_width 1
        access read-write
        description {a command with the flag INTERRUPT is complete}
    } $field
    set field [ipx::add_field FAULT $register]
    set_property -dict {
        bit_offset 1
        bit_width 1
        access read-write
        description {a command ended in a fault}
    } $field
    set field [ipx::add_field HALT $register]
    set_property -dict {
        bit_offset 2
        bit_width 1
        access read-write
        description {the ring halted}
    } $field
    set field [ipx::add_field WINDOW $register]
    set_property -dict {
        bit_offset 3
        bit_width 1
        access read-write
        description {a window access ended in a fault}
    } $field
    set register [ipx::add_register RING_TAIL $block]
    set_property -dict {
        address_offset 0x24
        size 32
        access read-write
        description {doorbell: descriptors given so far, mod 2**32}
    } $register
    set register [ipx::add_register RING_HEAD $block]
    set_property -dict {
        address_offset 0x28
        size 32
        access read-only
        description {descriptors completed so far, mod 2**32}
    } $register
    set register [ipx::add_register RING_LOG2 $block]
    set_property -dict {
        address_offset 0x2C
        size 32
        access read-write
        description {logarithm of the ring's length, at most 12}
    } $register
    set field [ipx::add_field VALUE $register]
    set_property -dict {
        bit_offset 0
        bit_width 4
        access read-write
        description {}
    } $field
    set register [ipx::add_register RING_BASE_LO $block]
    set_property -dict {
        address_offset 0x30
        size 32
        access read-write
        description {where the descriptors lie, a multiple of 64 (low half)}
    } $register
    set register [ipx::add_register RING_BASE_HI $block]
    set_property -dict {
        address_offset 0x34
        size 32
        access read-write
        description {where the descriptors lie, a multiple of 64 (high half)}
    } $register
    set register [ipx::add_register COMPLETION_BASE_LO $block]
    set_property -dict {
        address_offset 0x38
        size 32
        access read-write
        description {where the completions lie, a multiple of 32 (low half)}
    } $register
    set register [ipx::add_register COMPLETION_BASE_HI $block]
    set_property -dict {
        address_offset 0x3C
        size 32
        access read-write
        description {where the completions lie, a multiple of 32 (high half)}
    } $register
    set register [ipx::add_register BUFFER_BASE_LO $block]
    set_property -dict {
        address_offset 0x40
        size 32
        access read-write
        description {first byte that commands may use for data (low half)}
    } $register
    set register [ipx::add_register BUFFER_BASE_HI $block]
    set_property -dict {
        address_offset 0x44
        size 32
        access read-write
        description {first byte that commands may use for data (high half)}
    } $register
    set register [ipx::add_register BUFFER_LIMIT_LO $block]
    set_property -dict {
        address_offset 0x48
        size 32
        access read-write
        description {first byte behind those (low half)}
    } $register
    set register [ipx::add_register BUFFER_LIMIT_HI $block]
    set_property -dict {
        address_offset 0x4C
        size 32
        access read-write
        description {first byte behind those (high half)}
    } $register
    set register [ipx::add_register TABLE_BASE_LO $block]
    set_property -dict {
        address_offset 0x50
        size 32
        access read-write
        description {first byte that page tables may lie in (low half)}
    } $register
    set register [ipx::add_register TABLE_BASE_HI $block]
    set_property -dict {
        address_offset 0x54
        size 32
        access read-write
        description {first byte that page tables may lie in (high half)}
    } $register
    set register [ipx::add_register TABLE_LIMIT_LO $block]
    set_property -dict {
        address_offset 0x58
        size 32
        access read-write
        description {first byte behind those (low half)}
    } $register
    set register [ipx::add_register TABLE_LIMIT_HI $block]
    set_property -dict {
        address_offset 0x5C
        size 32
        access read-write
        description {first byte behind those (high half)}
    } $register
    set register [ipx::add_register FRAME_BASE_LO $block]
    set_property -dict {
        address_offset 0x60
        size 32
        access read-write
        description {where frame 0 lies, a multiple of 4096 (low half)}
    } $register
    set register [ipx::add_register FRAME_BASE_HI $block]
    set_property -dict {
        address_offset 0x64
        size 32
        access read-write
        description {where frame 0 lies, a multiple of 4096 (high half)}
    } $register
    set register [ipx::add_register FRAME_COUNT $block]
    set_property -dict {
        address_offset 0x68
        size 32
        access read-write
        description {frames of the pool}
    } $register
    set field [ipx::add_field VALUE $register]
    set_property -dict {
        bit_offset 0
        bit_width 20
        access read-write
        description {}
    } $field
    set register [ipx::add_register FRAMES_USED $block]
    set_property -dict {
        address_offset 0x6C
        size 32
        access read-only
        description {frames that hold a page}
    } $register
    set register [ipx::add_register WINDOW_BASE_LO $block]
    set_property -dict {
        address_offset 0x70
        size 32
        access read-write
        description {word address of which the window shows the aligned part (low half)}
    } $register
    set register [ipx::add_register WINDOW_BASE_HI $block]
    set_property -dict {
        address_offset 0x74
        size 32
        access read-write
        description {word address of which the window shows the aligned part (high half)}
    } $register
    set register [ipx::add_register CYCLES_LO $block]
    set_property -dict {
        address_offset 0x100
        size 32
        access read-only
        description {clocks (low half)}
    } $register
    set register [ipx::add_register CYCLES_HI $block]
    set_property -dict {
        address_offset 0x104
        size 32
        access read-only
        description {clocks (high half)}
    } $register
    set register [ipx::add_register COMMANDS_LO $block]
    set_property -dict {
        address_offset 0x108
        size 32
        access read-only
        description {commands that were completed (low half)}
    } $register
    set register [ipx::add_register COMMANDS_HI $block]
    set_property -dict {
        address_offset 0x10C
        size 32
        access read-only
        description {commands that were completed (high half)}
    } $register
    set register [ipx::add_register WORDS_GENERATED_LO $block]
    set_property -dict {
        address_offset 0x110
        size 32
        access read-only
        description {words that the laws made (low half)}
    } $register
    set register [ipx::add_register WORDS_GENERATED_HI $block]
    set_property -dict {
        address_offset 0x114
        size 32
        access read-only
        description {words that the laws made (high half)}
    } $register
    set register [ipx::add_register TLB_HITS_LO $block]
    set_property -dict {
        address_offset 0x118
        size 32
        access read-only
        description {pages that the TLB knew (low half)}
    } $register
    set register [ipx::add_register TLB_HITS_HI $block]
    set_property -dict {
        address_offset 0x11C
        size 32
        access read-only
        description {pages that the TLB knew (high half)}
    } $register
    set register [ipx::add_register TLB_MISSES_LO $block]
    set_property -dict {
        address_offset 0x120
        size 32
        access read-only
        description {pages that it did not know (low half)}
    } $register
    set register [ipx::add_register TLB_MISSES_HI $block]
    set_property -dict {
        address_offset 0x124
        size 32
        access read-only
        description {pages that it did not know (high half)}
    } $register
    set register [ipx::add_register PROBES_LO $block]
    set_property -dict {
        address_offset 0x128
        size 32
        access read-only
        description {buckets of page tables that were read (low half)}
    } $register
    set register [ipx::add_register PROBES_HI $block]
    set_property -dict {
        address_offset 0x12C
        size 32
        access read-only
        description {buckets of page tables that were read (high half)}
    } $register
    set register [ipx::add_register FRAMES_TAKEN_LO $block]
    set_property -dict {
        address_offset 0x130
        size 32
        access read-only
        description {frames that were taken for a page (low half)}
    } $register
    set register [ipx::add_register FRAMES_TAKEN_HI $block]
    set_property -dict {
        address_offset 0x134
        size 32
        access read-only
        description {frames that were taken for a page (high half)}
    } $register
    set register [ipx::add_register BYTES_READ_LO $block]
    set_property -dict {
        address_offset 0x138
        size 32
        access read-only
        description {bytes read from DRAM (low half)}
    } $register
    set register [ipx::add_register BYTES_READ_HI $block]
    set_property -dict {
        address_offset 0x13C
        size 32
        access read-only
        description {bytes read from DRAM (high half)}
    } $register
    set register [ipx::add_register BYTES_WRITTEN_LO $block]
    set_property -dict {
        address_offset 0x140
        size 32
        access read-only
        description {bytes written to DRAM (low half)}
    } $register
    set register [ipx::add_register BYTES_WRITTEN_HI $block]
    set_property -dict {
        address_offset 0x144
        size 32
        access read-only
        description {bytes written to DRAM (high half)}
    } $register
    set register [ipx::add_register STALL_GENERATE_LO $block]
    set_property -dict {
        address_offset 0x148
        size 32
        access read-only
        description {clocks in which the mover waited for a generated word (low half)}
    } $register
    set register [ipx::add_register STALL_GENERATE_HI $block]
    set_property -dict {
        address_offset 0x14C
        size 32
        access read-only
        description {clocks in which the mover waited for a generated word (high half)}
    } $register
    set register [ipx::add_register STALL_FETCH_LO $block]
    set_property -dict {
        address_offset 0x150
        size 32
        access read-only
        description {clocks in which the mover waited for a word from DRAM (low half)}
    } $register
    set register [ipx::add_register STALL_FETCH_HI $block]
    set_property -dict {
        address_offset 0x154
        size 32
        access read-only
        description {clocks in which the mover waited for a word from DRAM (high half)}
    } $register
    set register [ipx::add_register STALL_WRITE_LO $block]
    set_property -dict {
        address_offset 0x158
        size 32
        access read-only
        description {clocks in which the mover waited for DRAM to take a word (low half)}
    } $register
    set register [ipx::add_register STALL_WRITE_HI $block]
    set_property -dict {
        address_offset 0x15C
        size 32
        access read-only
        description {clocks in which the mover waited for DRAM to take a word (high half)}
    } $register
    set register [ipx::add_register STALL_WALK_LO $block]
    set_property -dict {
        address_offset 0x160
        size 32
        access read-only
        description {clocks in which a request waited for the page table or the frame pool (low half)}
    } $register
    set register [ipx::add_register STALL_WALK_HI $block]
    set_property -dict {
        address_offset 0x164
        size 32
        access read-only
        description {clocks in which a request waited for the page table or the frame pool (high half)}
    } $register
}
