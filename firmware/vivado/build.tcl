# Builds the bitstream of a board, with the hand-off that PYNQ reads beside it:
#
#     vivado -mode batch -source build.tcl -tclargs BOARD [OUT] [MHZ]
#
# makes OUT/engram.bit, OUT/engram.hwh and OUT/engram.xsa; OUT is build/vivado/BOARD if not given.
# The core is taken from the folder `ip` beside OUT, where package_ip.tcl puts it.

set here [file dirname [file normalize [info script]]]
source [file join $here versions.tcl]
source [file join $here .. generated boards.tcl]

require_vivado
if {$argc < 1 || $argc > 3} {
    error "arguments must be BOARD \[OUT\] \[MHZ\], not \"$argv\""
}
lassign $argv key out mhz
if {![dict exists $boards $key]} {
    error "BOARD must be one of [join [dict keys $boards] {, }], not \"$key\""
}
set board [dict get $boards $key]
if {$out eq ""} {
    set out [file join $here .. .. build vivado $key]
}
set out [file normalize $out]
if {$mhz eq ""} {
    set mhz [dict get $board mhz]
}
if {![string is double -strict $mhz] || $mhz < 1 || $mhz > 400} {
    error "MHZ must be in 1..400, not \"$mhz\""
}
set repository [file join [file dirname $out] ip]
if {![file isfile [file join $repository component.xml]]} {
    error "no core in $repository: run package_ip.tcl first"
}

# Returns a fact of the board, or of the core.
proc of_board {fact} {
    global board
    return [dict get $board $fact]
}
proc of_core {fact} {
    global core
    return [dict get $core $fact]
}

# Adds a cell of the newest version that there is of an IP core, given without its version.
proc add_cell {name vlnv settings} {
    set found [get_ipdefs -quiet "$vlnv:*"]
    if {$found eq ""} {
        error "Vivado's catalogue must have $vlnv"
    }
    set cell [create_bd_cell -type ip -vlnv [lindex [lsort -dictionary $found] end] $name]
    if {[llength $settings]} {
        set_property -dict $settings $cell
    }
    return $cell
}

# Connects two buses, by their paths.
proc join_buses {manager subordinate} {
    connect_bd_intf_net [get_bd_intf_pins $manager] [get_bd_intf_pins $subordinate]
}

# Connects a pin that drives with those that it drives.
proc join_pins {driver users} {
    foreach user $users {
        connect_bd_net [get_bd_pins $driver] [get_bd_pins $user]
    }
}

# Places a segment in an address space.
proc place {space segment base bytes} {
    assign_bd_address -offset $base -range $bytes \
        -target_address_space [get_bd_addr_spaces $space] [get_bd_addr_segs $segment] -force
}

file mkdir $out
set name [of_core name]
create_project -force $name [file join $out project] -part [of_board part]
set files [get_board_parts -quiet -latest_file_version [of_board board_part]]
if {[llength $files]} {
    set_property board_part [lindex $files end] [current_project]
} else {
    # Linux runs before the bitstream is loaded, so what the board's files say of DRAM and pins of
    # the processor is not used; a boot loader built from this .xsa would want it.
    puts "WARNING: no board files of [of_board title]: its processor keeps Vivado's settings"
}
set_property ip_repo_paths $repository [current_project]
update_ip_catalog
if {[get_ipdefs -quiet [of_core vlnv]] eq ""} {
    error "the core in $repository must be [of_core vlnv]: run package_ip.tcl again"
}

create_bd_design $name

set ps [of_board instance]
set preset [expr {[llength $files] > 0}]
set cell [add_cell $ps [of_board processor] {}]
set automation [list apply_board_preset $preset]
if {[llength [of_board external]]} {
    lappend automation make_external [join [of_board external] {, }] Master Disable Slave Disable
}
apply_bd_automation -rule [of_board rule] -config $automation $cell
set_property -dict [list {*}[of_board settings] [of_board clock_setting] $mhz] $cell

set ours [of_core instance]
set intc [of_core interrupts_instance]
add_cell $ours [join [lrange [split [of_core vlnv] :] 0 2] :] {}
# One line to the processor, as PYNQ finds only interrupts that go through this controller, and
# follows no concatenation but xlconcat.
add_cell $intc xilinx.com:ip:axi_intc {CONFIG.C_IRQ_CONNECTION 1}
add_cell control xilinx.com:ip:smartconnect {CONFIG.NUM_SI 1 CONFIG.NUM_MI 2}
add_cell view xilinx.com:ip:smartconnect {CONFIG.NUM_SI 1 CONFIG.NUM_MI 1}
add_cell memory xilinx.com:ip:smartconnect {CONFIG.NUM_SI 1 CONFIG.NUM_MI 1}
add_cell reset xilinx.com:ip:proc_sys_reset {}

if {[of_board registers_port] ne [of_board interrupts_port]} {
    error "registers and interrupts of [of_board title] must lie behind the same port"
}
join_buses $ps/[of_board registers_port] control/S00_AXI
join_buses control/M00_AXI $ours/[of_core register_port]
join_buses control/M01_AXI $intc/s_axi
join_buses $ps/[of_board window_port] view/S00_AXI
join_buses view/M00_AXI $ours/[of_core window_port]
join_buses $ours/[of_core manager_port] memory/S00_AXI
join_buses memory/M00_AXI $ps/[of_board memory_port]

join_pins $ps/[of_board clock] [list \
    $ps/[of_board registers_clock] $ps/[of_board window_clock] $ps/[of_board memory_clock] \
    $ours/[of_core clock] $intc/s_axi_aclk control/aclk view/aclk memory/aclk \
    reset/slowest_sync_clk]
join_pins $ps/[of_board reset] reset/ext_reset_in
join_pins reset/peripheral_aresetn [list \
    $ours/[of_core reset] $intc/s_axi_aresetn control/aresetn view/aresetn memory/aresetn]
join_pins $ours/[of_core interrupt] $intc/intr
join_pins $intc/irq $ps/[of_board interrupt]

place $ps/Data $ours/[of_core register_port]/[of_core register_block] \
    [of_board registers_base] [of_core register_bytes]
place $ps/Data $intc/s_axi/Reg [of_board interrupts_base] [of_core register_bytes]
place $ps/Data $ours/[of_core window_port]/[of_core window_block] \
    [of_board window_base] [of_core window_bytes]
foreach {segment base bytes} [of_board memory_segments] {
    set path $ps/[of_board memory_map]/$segment
    # The upper DRAM of a Zynq UltraScale+ is there only by the board's files.
    if {[get_bd_addr_segs -quiet $path] ne ""} {
        place $ours/[of_core manager_port] $path $base $bytes
    }
}
foreach segment [of_board memory_excluded] {
    set path $ps/[of_board memory_map]/$segment
    if {[get_bd_addr_segs -quiet $path] ne ""} {
        exclude_bd_addr_seg [get_bd_addr_segs $path] \
            -target_address_space [get_bd_addr_spaces $ours/[of_core manager_port]]
    }
}
validate_bd_design
save_bd_design

add_files -norecurse [make_wrapper -files [get_files $name.bd] -top]
set_property top ${name}_wrapper [current_fileset]
update_compile_order -fileset sources_1
launch_runs impl_1 -to_step write_bitstream -jobs 4
wait_on_run impl_1
set run [get_runs impl_1]
if {[get_property PROGRESS $run] ne "100%"} {
    error "implementation must come to its end, not to [get_property STATUS $run]"
}
foreach {slack meaning} {STATS.WNS setup STATS.WHS hold} {
    set found [get_property $slack $run]
    if {![string is double -strict $found]} {
        error "slack of $meaning must be a number, not \"$found\""
    }
    if {$found < 0} {
        error "timing is not met at $mhz MHz: slack of $meaning is $found ns"
    }
    puts "slack of $meaning: $found ns at $mhz MHz"
}

# Copies the one file of a name in the project to where it is looked for.
proc copy_out {pattern target} {
    global out
    set found [glob -nocomplain -directory [file join $out project] $pattern]
    if {[llength $found] != 1} {
        error "Vivado must leave one file $pattern in $out/project, not [llength $found]"
    }
    file copy -force [lindex $found 0] $target
}
copy_out $name.runs/impl_1/${name}_wrapper.bit [file join $out $name.bit]
copy_out $name.{gen,srcs}/sources_1/bd/$name/hw_handoff/$name.hwh [file join $out $name.hwh]
write_hw_platform -fixed -include_bit -force [file join $out $name.xsa]
close_project
puts "built [file join $out $name.bit]"
