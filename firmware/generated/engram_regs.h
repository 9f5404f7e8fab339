/* Registers of ENGRAM. Generated; do not edit. */
/* Synthesis and MMU accelerator of a 2**64-word space. */

#ifndef ENGRAM_REGISTERS_H
#define ENGRAM_REGISTERS_H

#define ENGRAM_BYTES 0x168u

/* constant: the characters "ENGR" */
#define ENGRAM_ID_OFFSET 0x0u
#define ENGRAM_ID_RESET 0x454E4752u

/* constant: version of all this */
#define ENGRAM_ABI_OFFSET 0x4u
#define ENGRAM_ABI_RESET 0x00010000u
#define ENGRAM_ABI_MINOR_SHIFT 0u
#define ENGRAM_ABI_MINOR_MASK 0x0000FFFFu
#define ENGRAM_ABI_MAJOR_SHIFT 16u
#define ENGRAM_ABI_MAJOR_MASK 0xFFFF0000u

/* read-only: bit n: law n is built */
#define ENGRAM_LAWS_OFFSET 0x8u
#define ENGRAM_LAWS_RESET 0x00000000u

/* read-only: what was built */
#define ENGRAM_SHAPE_OFFSET 0xCu
#define ENGRAM_SHAPE_RESET 0x00000000u
#define ENGRAM_SHAPE_LANES_SHIFT 0u
#define ENGRAM_SHAPE_LANES_MASK 0x0000001Fu
#define ENGRAM_SHAPE_TLB_ENTRIES_SHIFT 5u
#define ENGRAM_SHAPE_TLB_ENTRIES_MASK 0x00000FE0u
#define ENGRAM_SHAPE_REGIONS_SHIFT 12u
#define ENGRAM_SHAPE_REGIONS_MASK 0x0007F000u
#define ENGRAM_SHAPE_ADDRESS_BITS_SHIFT 19u
#define ENGRAM_SHAPE_ADDRESS_BITS_MASK 0x01F80000u
#define ENGRAM_SHAPE_WINDOW_BITS_SHIFT 25u
#define ENGRAM_SHAPE_WINDOW_BITS_MASK 0x7E000000u

/* read-only: where the ring stands */
#define ENGRAM_STATUS_OFFSET 0x10u
#define ENGRAM_STATUS_RESET 0x00000000u
#define ENGRAM_STATUS_IDLE_SHIFT 0u
#define ENGRAM_STATUS_IDLE_MASK 0x00000001u
#define ENGRAM_STATUS_HALTED_SHIFT 1u
#define ENGRAM_STATUS_HALTED_MASK 0x00000002u
#define ENGRAM_STATUS_SELECTED_SHIFT 2u
#define ENGRAM_STATUS_SELECTED_MASK 0x00000004u
#define ENGRAM_STATUS_HALT_FAULT_SHIFT 8u
#define ENGRAM_STATUS_HALT_FAULT_MASK 0x0000FF00u
#define ENGRAM_STATUS_WINDOW_FAULT_SHIFT 16u
#define ENGRAM_STATUS_WINDOW_FAULT_MASK 0x00FF0000u

/* read-write: what may run */
#define ENGRAM_CONTROL_OFFSET 0x14u
#define ENGRAM_CONTROL_RESET 0x00000000u
#define ENGRAM_CONTROL_ENABLE_SHIFT 0u
#define ENGRAM_CONTROL_ENABLE_MASK 0x00000001u
#define ENGRAM_CONTROL_WINDOW_READ_SHIFT 1u
#define ENGRAM_CONTROL_WINDOW_READ_MASK 0x00000002u
#define ENGRAM_CONTROL_WINDOW_WRITE_SHIFT 2u
#define ENGRAM_CONTROL_WINDOW_WRITE_MASK 0x00000004u

/* strobe */
#define ENGRAM_COMMAND_OFFSET 0x18u
#define ENGRAM_COMMAND_RESET 0x00000000u
#define ENGRAM_COMMAND_SNAPSHOT_SHIFT 0u
#define ENGRAM_COMMAND_SNAPSHOT_MASK 0x00000001u

/* write-one-to-clear: what happened */
#define ENGRAM_IRQ_STATUS_OFFSET 0x1Cu
#define ENGRAM_IRQ_STATUS_RESET 0x00000000u
#define ENGRAM_IRQ_STATUS_DONE_SHIFT 0u
#define ENGRAM_IRQ_STATUS_DONE_MASK 0x00000001u
#define ENGRAM_IRQ_STATUS_FAULT_SHIFT 1u
#define ENGRAM_IRQ_STATUS_FAULT_MASK 0x00000002u
#define ENGRAM_IRQ_STATUS_HALT_SHIFT 2u
#define ENGRAM_IRQ_STATUS_HALT_MASK 0x00000004u
#define ENGRAM_IRQ_STATUS_WINDOW_SHIFT 3u
#define ENGRAM_IRQ_STATUS_WINDOW_MASK 0x00000008u

/* read-write: what raises the interrupt */
#define ENGRAM_IRQ_ENABLE_OFFSET 0x20u
#define ENGRAM_IRQ_ENABLE_RESET 0x00000000u
#define ENGRAM_IRQ_ENABLE_DONE_SHIFT 0u
#define ENGRAM_IRQ_ENABLE_DONE_MASK 0x00000001u
#define ENGRAM_IRQ_ENABLE_FAULT_SHIFT 1u
#define ENGRAM_IRQ_ENABLE_FAULT_MASK 0x00000002u
#define ENGRAM_IRQ_ENABLE_HALT_SHIFT 2u
#define ENGRAM_IRQ_ENABLE_HALT_MASK 0x00000004u
#define ENGRAM_IRQ_ENABLE_WINDOW_SHIFT 3u
#define ENGRAM_IRQ_ENABLE_WINDOW_MASK 0x00000008u

/* read-write: doorbell: descriptors given so far, mod 2**32 */
#define ENGRAM_RING_TAIL_OFFSET 0x24u
#define ENGRAM_RING_TAIL_RESET 0x00000000u

/* read-only: descriptors completed so far, mod 2**32 */
#define ENGRAM_RING_HEAD_OFFSET 0x28u
#define ENGRAM_RING_HEAD_RESET 0x00000000u

/* read-write: logarithm of the ring's length, at most 12 */
#define ENGRAM_RING_LOG2_OFFSET 0x2Cu
#define ENGRAM_RING_LOG2_RESET 0x00000000u
#define ENGRAM_RING_LOG2_VALUE_SHIFT 0u
#define ENGRAM_RING_LOG2_VALUE_MASK 0x0000000Fu

/* read-write: where the descriptors lie, a multiple of 64 (low half) */
#define ENGRAM_RING_BASE_LO_OFFSET 0x30u
#define ENGRAM_RING_BASE_LO_RESET 0x00000000u

/* read-write: where the descriptors lie, a multiple of 64 (high half) */
#define ENGRAM_RING_BASE_HI_OFFSET 0x34u
#define ENGRAM_RING_BASE_HI_RESET 0x00000000u

/* read-write: where the completions lie, a multiple of 32 (low half) */
#define ENGRAM_COMPLETION_BASE_LO_OFFSET 0x38u
#define ENGRAM_COMPLETION_BASE_LO_RESET 0x00000000u

/* read-write: where the completions lie, a multiple of 32 (high half) */
#define ENGRAM_COMPLETION_BASE_HI_OFFSET 0x3Cu
#define ENGRAM_COMPLETION_BASE_HI_RESET 0x00000000u

/* read-write: first byte that commands may use for data (low half) */
#define ENGRAM_BUFFER_BASE_LO_OFFSET 0x40u
#define ENGRAM_BUFFER_BASE_LO_RESET 0x00000000u

/* read-write: first byte that commands may use for data (high half) */
#define ENGRAM_BUFFER_BASE_HI_OFFSET 0x44u
#define ENGRAM_BUFFER_BASE_HI_RESET 0x00000000u

/* read-write: first byte behind those (low half) */
#define ENGRAM_BUFFER_LIMIT_LO_OFFSET 0x48u
#define ENGRAM_BUFFER_LIMIT_LO_RESET 0x00000000u

/* read-write: first byte behind those (high half) */
#define ENGRAM_BUFFER_LIMIT_HI_OFFSET 0x4Cu
#define ENGRAM_BUFFER_LIMIT_HI_RESET 0x00000000u

/* read-write: first byte that page tables may lie in (low half) */
#define ENGRAM_TABLE_BASE_LO_OFFSET 0x50u
#define ENGRAM_TABLE_BASE_LO_RESET 0x00000000u

/* read-write: first byte that page tables may lie in (high half) */
#define ENGRAM_TABLE_BASE_HI_OFFSET 0x54u
#define ENGRAM_TABLE_BASE_HI_RESET 0x00000000u

/* read-write: first byte behind those (low half) */
#define ENGRAM_TABLE_LIMIT_LO_OFFSET 0x58u
#define ENGRAM_TABLE_LIMIT_LO_RESET 0x00000000u

/* read-write: first byte behind those (high half) */
#define ENGRAM_TABLE_LIMIT_HI_OFFSET 0x5Cu
#define ENGRAM_TABLE_LIMIT_HI_RESET 0x00000000u

/* read-write: where frame 0 lies, a multiple of 4096 (low half) */
#define ENGRAM_FRAME_BASE_LO_OFFSET 0x60u
#define ENGRAM_FRAME_BASE_LO_RESET 0x00000000u

/* read-write: where frame 0 lies, a multiple of 4096 (high half) */
#define ENGRAM_FRAME_BASE_HI_OFFSET 0x64u
#define ENGRAM_FRAME_BASE_HI_RESET 0x00000000u

/* read-write: frames of the pool */
#define ENGRAM_FRAME_COUNT_OFFSET 0x68u
#define ENGRAM_FRAME_COUNT_RESET 0x00000000u
#define ENGRAM_FRAME_COUNT_VALUE_SHIFT 0u
#define ENGRAM_FRAME_COUNT_VALUE_MASK 0x000FFFFFu

/* read-only: frames that hold a page */
#define ENGRAM_FRAMES_USED_OFFSET 0x6Cu
#define ENGRAM_FRAMES_USED_RESET 0x00000000u

/* read-write: word address of which the window shows the aligned part (low half) */
#define ENGRAM_WINDOW_BASE_LO_OFFSET 0x70u
#define ENGRAM_WINDOW_BASE_LO_RESET 0x00000000u

/* read-write: word address of which the window shows the aligned part (high half) */
#define ENGRAM_WINDOW_BASE_HI_OFFSET 0x74u
#define ENGRAM_WINDOW_BASE_HI_RESET 0x00000000u

/* read-only: clocks (low half) */
#define ENGRAM_CYCLES_LO_OFFSET 0x100u
#define ENGRAM_CYCLES_LO_RESET 0x00000000u

/* read-only: clocks (high half) */
#define ENGRAM_CYCLES_HI_OFFSET 0x104u
#define ENGRAM_CYCLES_HI_RESET 0x00000000u

/* read-only: commands that were completed (low half) */
#define ENGRAM_COMMANDS_LO_OFFSET 0x108u
#define ENGRAM_COMMANDS_LO_RESET 0x00000000u

/* read-only: commands that were completed (high half) */
#define ENGRAM_COMMANDS_HI_OFFSET 0x10Cu
#define ENGRAM_COMMANDS_HI_RESET 0x00000000u

/* read-only: words that the laws made (low half) */
#define ENGRAM_WORDS_GENERATED_LO_OFFSET 0x110u
#define ENGRAM_WORDS_GENERATED_LO_RESET 0x00000000u

/* read-only: words that the laws made (high half) */
#define ENGRAM_WORDS_GENERATED_HI_OFFSET 0x114u
#define ENGRAM_WORDS_GENERATED_HI_RESET 0x00000000u

/* read-only: pages that the TLB knew (low half) */
#define ENGRAM_TLB_HITS_LO_OFFSET 0x118u
#define ENGRAM_TLB_HITS_LO_RESET 0x00000000u

/* read-only: pages that the TLB knew (high half) */
#define ENGRAM_TLB_HITS_HI_OFFSET 0x11Cu
#define ENGRAM_TLB_HITS_HI_RESET 0x00000000u

/* read-only: pages that it did not know (low half) */
#define ENGRAM_TLB_MISSES_LO_OFFSET 0x120u
#define ENGRAM_TLB_MISSES_LO_RESET 0x00000000u

/* read-only: pages that it did not know (high half) */
#define ENGRAM_TLB_MISSES_HI_OFFSET 0x124u
#define ENGRAM_TLB_MISSES_HI_RESET 0x00000000u

/* read-only: buckets of page tables that were read (low half) */
#define ENGRAM_PROBES_LO_OFFSET 0x128u
#define ENGRAM_PROBES_LO_RESET 0x00000000u

/* read-only: buckets of page tables that were read (high half) */
#define ENGRAM_PROBES_HI_OFFSET 0x12Cu
#define ENGRAM_PROBES_HI_RESET 0x00000000u

/* read-only: frames that were taken for a page (low half) */
#define ENGRAM_FRAMES_TAKEN_LO_OFFSET 0x130u
#define ENGRAM_FRAMES_TAKEN_LO_RESET 0x00000000u

/* read-only: frames that were taken for a page (high half) */
#define ENGRAM_FRAMES_TAKEN_HI_OFFSET 0x134u
#define ENGRAM_FRAMES_TAKEN_HI_RESET 0x00000000u

/* read-only: bytes read from DRAM (low half) */
#define ENGRAM_BYTES_READ_LO_OFFSET 0x138u
#define ENGRAM_BYTES_READ_LO_RESET 0x00000000u

/* read-only: bytes read from DRAM (high half) */
#define ENGRAM_BYTES_READ_HI_OFFSET 0x13Cu
#define ENGRAM_BYTES_READ_HI_RESET 0x00000000u

/* read-only: bytes written to DRAM (low half) */
#define ENGRAM_BYTES_WRITTEN_LO_OFFSET 0x140u
#define ENGRAM_BYTES_WRITTEN_LO_RESET 0x00000000u

/* read-only: bytes written to DRAM (high half) */
#define ENGRAM_BYTES_WRITTEN_HI_OFFSET 0x144u
#define ENGRAM_BYTES_WRITTEN_HI_RESET 0x00000000u

/* read-only: clocks in which the mover waited for a generated word (low half) */
#define ENGRAM_STALL_GENERATE_LO_OFFSET 0x148u
#define ENGRAM_STALL_GENERATE_LO_RESET 0x00000000u

/* read-only: clocks in which the mover waited for a generated word (high half) */
#define ENGRAM_STALL_GENERATE_HI_OFFSET 0x14Cu
#define ENGRAM_STALL_GENERATE_HI_RESET 0x00000000u

/* read-only: clocks in which the mover waited for a word from DRAM (low half) */
#define ENGRAM_STALL_FETCH_LO_OFFSET 0x150u
#define ENGRAM_STALL_FETCH_LO_RESET 0x00000000u

/* read-only: clocks in which the mover waited for a word from DRAM (high half) */
#define ENGRAM_STALL_FETCH_HI_OFFSET 0x154u
#define ENGRAM_STALL_FETCH_HI_RESET 0x00000000u

/* read-only: clocks in which the mover waited for DRAM to take a word (low half) */
#define ENGRAM_STALL_WRITE_LO_OFFSET 0x158u
#define ENGRAM_STALL_WRITE_LO_RESET 0x00000000u

/* read-only: clocks in which the mover waited for DRAM to take a word (high half) */
#define ENGRAM_STALL_WRITE_HI_OFFSET 0x15Cu
#define ENGRAM_STALL_WRITE_HI_RESET 0x00000000u

/* read-only: clocks in which a request waited for the page table or the frame pool (low half) */
#define ENGRAM_STALL_WALK_LO_OFFSET 0x160u
#define ENGRAM_STALL_WALK_LO_RESET 0x00000000u

/* read-only: clocks in which a request waited for the page table or the frame pool (high half) */
#define ENGRAM_STALL_WALK_HI_OFFSET 0x164u
#define ENGRAM_STALL_WALK_HI_RESET 0x00000000u

#endif /* ENGRAM_REGISTERS_H */
