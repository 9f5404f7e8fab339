/* Commands of ENGRAM. Generated; do not edit. */

#ifndef ENGRAM_COMMANDS_H
#define ENGRAM_COMMANDS_H

#define ENGRAM_DESCRIPTOR_BYTES 64u
#define ENGRAM_COMPLETION_BYTES 32u

#define ENGRAM_OP_FILL 1u /* generated words of address.. to the buffer, whatever is written there */
#define ENGRAM_OP_READ 2u /* words of address.. to the buffer */
#define ENGRAM_OP_GATHER 3u /* the words at `count` addresses, an array at `indices`, to the buffer */
#define ENGRAM_OP_WRITE 4u /* the buffer's words to address.. */
#define ENGRAM_OP_SCATTER 5u /* the buffer's words to the addresses of the array at `indices`, in its order */
#define ENGRAM_OP_ERASE 6u /* let address.. be generated again; frames of whole pages are given back */
#define ENGRAM_OP_MAP 7u /* a region: `count` pages from page `address` on belong to descriptor `buffer` */
#define ENGRAM_OP_UNMAP 8u /* the region whose first page is `address` */
#define ENGRAM_OP_SELECT 9u /* the space of all that follows; no region is mapped in it */
#define ENGRAM_OP_INVALIDATE 10u /* forget what the TLB holds, after the host changed the page table */
#define ENGRAM_OP_FENCE 11u /* nothing, once window writes accepted so far are in memory, too */

#define ENGRAM_FAULT_OK 0u /* all is done */
#define ENGRAM_FAULT_BAD_COMMAND 1u /* no such opcode, or something is set that must be zero */
#define ENGRAM_FAULT_BAD_RANGE 2u /* a count of 0 or too many, a range past the end, a misaligned byte address */
#define ENGRAM_FAULT_OUT_OF_POOL 3u /* buffer, indices or page table not within the pool that registers set */
#define ENGRAM_FAULT_UNSUPPORTED_LAW 4u /* the law is not built */
#define ENGRAM_FAULT_NO_SPACE 5u /* nothing is selected */
#define ENGRAM_FAULT_READ_ERROR 6u /* the bus answered a read with an error */
#define ENGRAM_FAULT_WRITE_ERROR 7u /* the bus answered a write with an error */
#define ENGRAM_FAULT_NO_FRAME 8u /* the frame pool is exhausted; nothing was changed */
#define ENGRAM_FAULT_TABLE_FULL 9u /* no slot in any bucket of the walk; no page was changed */
#define ENGRAM_FAULT_BAD_FRAME 10u /* table or free list name a frame outside the pool */
#define ENGRAM_FAULT_SYNTHESISED 11u /* an unwritten page of a region; this build regrows none */
#define ENGRAM_FAULT_NO_REGION 12u /* UNMAP: no region begins there */
#define ENGRAM_FAULT_REGION_CLASH 13u /* MAP: overlaps a region, or the table of regions is full */
#define ENGRAM_FAULT_BAD_RING 14u /* the doorbell is further ahead than the ring is long: the ring halts */
#define ENGRAM_FAULT_REFUSED 15u /* the window is not enabled for this */

#define ENGRAM_FLAG_INTERRUPT 1u
#define ENGRAM_FLAG_GENERATED 2u

#endif /* ENGRAM_COMMANDS_H */
