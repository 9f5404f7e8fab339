# Vivado's commands in the mock: the packager of IP cores.

mock::command ipx::package_project {-import_files -force} {
    -root_dir -vendor -library -taxonomy
} 0 0 {
    mock::need_project
    foreach option {-root_dir -vendor -library -taxonomy} {
        if {[lookup $options $option] eq ""} {
            error "ipx::package_project must have $option"
        }
    }
    set top [lookup [lookup $::mock::values sources_1] top]
    set file [open [lindex [lookup $::mock::values sources] end]]
    set verilog [read $file]
    close $file
    if {![regexp "\nmodule $top\\(" \n$verilog]} {
        error "the Verilog must have a module $top"
    }
    mock::object core ip
    # Vivado infers a bus from what the attributes of its ports say.
    foreach {all bus} [regexp -all -inline {X_INTERFACE_INFO = "\S+ (\S+) } $verilog] {
        mock::object bus ip/$bus
    }
    dict set ::mock::values root [dict get $options -root_dir]
    return ip
}
mock::command ipx::current_core {} {} 0 0 {
    mock::kind_of ip
    return ip
}
mock::command ipx::get_bus_interfaces {-quiet} {-of_objects} 1 1 {
    set name [dict get $options -of_objects]/[lindex $arguments 0]
    set names [expr {[dict exists $::mock::objects $name] ? $name : ""}]
    return [mock::found $flags $names "bus: $name"]
}
mock::command ipx::get_bus_parameters {-quiet} {-of_objects} 1 1 {
    set name [dict get $options -of_objects]/[lindex $arguments 0]
    set names [expr {[dict exists $::mock::objects $name] ? $name : ""}]
    return [mock::found $flags $names "parameter: $name"]
}
mock::command ipx::remove_all_memory_map {} {} 1 1 {
    mock::kind_of [lindex $arguments 0]
}
# Each is added to what the one before made.
foreach {name kind parent} {
    add_bus_parameter parameter bus add_memory_map map core add_address_block block map
    add_register register block add_field field register
} {
    mock::command ipx::$name {} {} 2 2 [string map [list KIND $kind PARENT $parent] {
        lassign $arguments name parent
        if {[mock::kind_of $parent] ne "PARENT"} {
            error "a KIND must be of a PARENT, not of $parent"
        }
        # A map may be called as a bus.
        set path [expr {"KIND" eq "map" ? "$parent/map:$name" : "$parent/$name"}]
        if {[dict exists $::mock::objects $path]} {
            error "KIND $path is there already"
        }
        return [mock::object KIND $path]
    }]
}
mock::command ipx::create_xgui_files {} {} 1 1 {
    mock::kind_of [lindex $arguments 0]
}
mock::command ipx::update_checksums {} {} 1 1 {
    mock::kind_of [lindex $arguments 0]
}
mock::command ipx::check_integrity {-quiet} {} 1 1 {
    mock::kind_of [lindex $arguments 0]
    set taken {}
    dict for {name kind} $::mock::objects {
        set set [lookup $::mock::values $name]
        if {$kind eq "parameter" && ![dict exists $set value]} {
            error "parameter $name must have a value"
        }
        if {$kind eq "map"} {
            set bus [string map {map: {}} $name]
            if {[lookup [lookup $::mock::values $bus] slave_memory_map_ref] eq ""} {
                error "memory map $name must be that of a bus"
            }
        }
        if {$kind eq "register"} {
            set offset [lookup [lookup $::mock::values $name] address_offset]
            if {![string is wideinteger -strict $offset] || $offset in $taken} {
                error "offset of $name must be a number of its own, not \"$offset\""
            }
            lappend taken $offset
        }
    }
}
mock::command ipx::save_core {} {} 1 1 {
    mock::kind_of [lindex $arguments 0]
    file mkdir [dict get $::mock::values root]
}
