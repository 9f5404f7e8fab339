# Packages the accelerator as an IP core for Vivado's catalogue:
#
#     vivado -mode batch -source package_ip.tcl -tclargs VERILOG REPOSITORY
#
# VERILOG is what `python -m hdl.generate engram_all_laws --module engram` writes. Its ports carry
# attributes, from which Vivado infers the buses; registers come from regs.py, by registers.tcl.

set here [file dirname [file normalize [info script]]]
source [file join $here versions.tcl]
source [file join $here .. generated boards.tcl]
source [file join $here .. generated registers.tcl]

require_vivado
if {$argc != 2} {
    error "arguments must be VERILOG REPOSITORY, not \"$argv\""
}
lassign $argv verilog repository
set verilog [file normalize $verilog]
set repository [file normalize $repository]
if {![file isfile $verilog]} {
    error "VERILOG must be a file, not $verilog: make it by python -m hdl.generate"
}
set name [dict get $core name]

# Returns a bus of the core; an error if Vivado did not infer it.
proc bus_of {core bus} {
    set found [ipx::get_bus_interfaces -quiet $bus -of_objects $core]
    if {$found eq ""} {
        error "bus $bus was not inferred: are the ports' attributes in the Verilog?"
    }
    return $found
}

# Gives a bus of the core a memory map of one block, and returns the block. Its usage is "register"
# for the window, too: PYNQ would drop a core that has memory.
proc add_block {core bus block bytes bits} {
    set map [ipx::add_memory_map $bus $core]
    set_property slave_memory_map_ref $bus [bus_of $core $bus]
    set added [ipx::add_address_block $block $map]
    set_property -dict [list \
        base_address 0x0 range $bytes width $bits usage register access read-write] $added
    return $added
}

create_project -force ${name}_ip [file join [file dirname $repository] package] \
    -part [dict get $boards pynq-z2 part]
add_files -norecurse $verilog
set_property top $name [current_fileset]
update_compile_order -fileset sources_1

ipx::package_project -root_dir $repository -vendor [dict get $core vendor] \
    -library [dict get $core library] -taxonomy /UserIP -import_files -force
set ip [ipx::current_core]
set_property -dict [list \
    name $name \
    version [dict get $core version] \
    display_name [dict get $core title] \
    description [dict get $core title] \
    core_revision 1 \
    supported_families [list {*}[dict get $core families]]] $ip

dict for {bus parameters} [dict get $core buses] {
    set interface [bus_of $ip $bus]
    dict for {key value} $parameters {
        set parameter [ipx::get_bus_parameters -quiet $key -of_objects $interface]
        if {$parameter eq ""} {
            set parameter [ipx::add_bus_parameter $key $interface]
        }
        set_property value $value $parameter
    }
}

# Whatever maps were inferred have no registers.
ipx::remove_all_memory_map $ip
add_registers [add_block $ip [dict get $core register_port] [dict get $core register_block] \
    [dict get $core register_bytes] [dict get $core register_bits]]
add_block $ip [dict get $core window_port] [dict get $core window_block] \
    [dict get $core window_bytes] [dict get $core window_bits]

ipx::create_xgui_files $ip
ipx::update_checksums $ip
ipx::check_integrity $ip
ipx::save_core $ip
close_project
puts "packaged [dict get $core vlnv] in $repository"
