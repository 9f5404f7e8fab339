# Vivado's commands in the mock: projects, block designs and runs.

# --- project ---

mock::command version {-short} {} 0 0 {
    return $::mock::version
}
mock::command create_project {-force} {-part} 1 2 {
    variable project
    variable folder
    if {$project ne ""} {
        error "project $project is open already"
    }
    if {![dict exists $options -part] || ![string match xc* [dict get $options -part]]} {
        error "part must be one of Xilinx's"
    }
    lassign $arguments project folder
    mock::object project $project
    mock::object fileset sources_1
    file mkdir $folder
    return $project
}
mock::command close_project {} {} 0 0 {
    variable project
    mock::need_project
    set project {}
}
mock::command current_project {} {} 0 0 {
    mock::need_project
    return $::mock::project
}
mock::command current_fileset {} {} 0 0 {
    mock::need_project
    return sources_1
}
mock::command add_files {-norecurse} {-fileset} 1 1 {
    mock::need_project
    foreach path [lindex $arguments 0] {
        if {![file isfile $path]} {
            error "no such file: $path"
        }
        dict set ::mock::values sources [lappend sources $path]
    }
}
mock::command update_compile_order {} {-fileset} 0 0 {
    mock::need_project
}
mock::command get_board_parts {-quiet -latest_file_version} {} 1 1 {
    if {[info exists ::env(MOCK_NO_BOARD)]} {
        return [mock::found $flags {} "board part"]
    }
    return [string map {* 1.0} [lindex $arguments 0]]
}
mock::command update_ip_catalog {-rebuild} {} 0 0 {
    foreach folder [lookup [lookup $::mock::values [current_project]] ip_repo_paths] {
        foreach path [glob -nocomplain -directory $folder component.xml */component.xml] {
            cells::read $path
        }
    }
}
mock::command get_ipdefs {-quiet -all} {} 1 1 {
    return [mock::found $flags [dict keys $cells::catalogue [lindex $arguments 0]] "IP core"]
}
mock::command set_property {-dict} {} 2 3 {
    variable objects
    variable properties
    variable values
    if {"-dict" in $flags} {
        lassign $arguments pairs target
        if {[llength $arguments] != 2} {
            error "set_property -dict takes pairs and an object, not $arguments"
        }
    } else {
        if {[llength $arguments] != 3} {
            error "set_property takes a name, a value and an object, not $arguments"
        }
        set pairs [lrange $arguments 0 1]
        set target [lindex $arguments 2]
    }
    if {[llength $pairs] % 2} {
        error "properties must come in pairs, not $pairs"
    }
    set kind [mock::kind_of $target]
    foreach {key value} $pairs {
        if {$kind eq "cell"} {
            if {![regsub {^CONFIG\.} $key {} setting]} {
                error "a cell has no property $key"
            }
            design::set_setting [string trimleft $target /] $setting $value
        } elseif {$key ni [dict get $properties $kind]} {
            error "a $kind has no property $key"
        }
        dict set values $target $key $value
        if {$kind eq "bus" && [lindex [split $target /] end] ne $value} {
            error "memory map $value must be called as its bus $target"
        }
    }
}
mock::command get_property {-quiet} {} 2 2 {
    lassign $arguments key target
    if {[mock::kind_of $target] ne "run"} {
        error "only properties of runs are known, not $key of $target"
    }
    switch -- $key {
        PROGRESS { return $::mock::progress }
        STATUS { return "stopped at $::mock::progress" }
        STATS.WNS - STATS.WHS { return $::mock::slack }
        default { error "a run has no property $key" }
    }
}

# --- block design ---

mock::command create_bd_design {} {} 1 1 {
    mock::need_project
    set design::name [lindex $arguments 0]
}
mock::command create_bd_cell {} {-type -vlnv} 1 1 {
    mock::need_design
    if {[lookup $options -type] ne "ip"} {
        error "type of a cell must be ip, not \"[lookup $options -type]\""
    }
    set name [lindex $arguments 0]
    design::add_cell [lookup $options -vlnv] $name
    return [mock::object cell /$name]
}
mock::command apply_bd_automation {} {-rule -config} 1 1 {
    set cell [lindex $arguments 0]
    if {[mock::kind_of $cell] ne "cell"} {
        error "automation must be of a cell, not $cell"
    }
    set name [string trimleft $cell /]
    set part [lindex [split [dict get $design::cells $name vlnv] :] 2]
    if {[lookup $options -rule] ne "xilinx.com:bd_rule:$part"} {
        error "rule of $cell must be xilinx.com:bd_rule:$part"
    }
    foreach {key value} [lookup $options -config] {
        if {$key ni {apply_board_preset make_external Master Slave}} {
            error "automation has no setting $key"
        }
    }
    set config [dict get $options -config]
    if {[lookup $config make_external] eq "FIXED_IO, DDR"} {
        lappend design::external $name
    }
    if {[lookup $config apply_board_preset] == 1 && $part eq "zynq_ultra_ps_e"} {
        design::set_setting $name PSU__DDR_HIGH_ADDRESS_ENABLE 1
    }
}
foreach {name part what} {
    get_bd_pins pins pin get_bd_intf_pins buses bus get_bd_addr_segs segments segment
} {
    mock::command $name {-quiet} {} 1 1 [string map [list PART $part WHAT $what] {
        mock::need_design
        set path [string trimleft [lindex $arguments 0] /]
        set names [expr {[design::find PART $path] eq "" ? "" : "/$path"}]
        return [mock::found $flags $names "WHAT: $path"]
    }]
}
mock::command get_bd_addr_spaces {-quiet} {} 1 1 {
    mock::need_design
    lassign [split [string trimleft [lindex $arguments 0] /] /] cell name
    set names {}
    if {[dict exists $design::cells $cell]} {
        set vlnv [dict get $design::cells $cell vlnv]
        if {[dict exists $cells::catalogue $vlnv spaces $name]} {
            set names /$cell/$name
        }
    }
    return [mock::found $flags $names "address space: $cell/$name"]
}
mock::command connect_bd_net {} {-net} 2 99 {
    design::connect $arguments
}
mock::command connect_bd_intf_net {} {-intf_net} 2 2 {
    design::join_buses $arguments
}
mock::command assign_bd_address {-force} {-offset -range -target_address_space} 1 1 {
    foreach option {-offset -range -target_address_space} {
        if {![dict exists $options $option]} {
            error "assign_bd_address must have $option here"
        }
    }
    design::place [dict get $options -target_address_space] [lindex $arguments 0] \
        [dict get $options -offset] [dict get $options -range]
}
mock::command exclude_bd_addr_seg {} {-target_address_space} 1 1 {
    design::exclude [lookup $options -target_address_space] [lindex $arguments 0]
}
mock::command validate_bd_design {-force} {} 0 0 {
    mock::need_design
    design::validate
}
mock::command save_bd_design {} {} 0 0 {
    mock::need_design
    dict set ::mock::values saved $design::name
}

# --- runs ---

mock::command get_files {-quiet} {} 1 1 {
    set name [lindex $arguments 0]
    set names [expr {$name eq "[lookup $::mock::values saved].bd" ? $name : ""}]
    return [mock::found $flags $names "file: $name"]
}
mock::command make_wrapper {-top -import} {-files} 0 0 {
    variable folder
    if {!$design::valid} {
        error "the block design must be validated before"
    }
    if {"-top" ni $flags} {
        error "make_wrapper must have -top"
    }
    set name [file rootname [dict get $options -files]]
    set path [file join $folder $name.gen sources_1 bd $name hdl ${name}_wrapper.v]
    file mkdir [file dirname $path]
    close [open $path w]
    return $path
}
mock::command launch_runs {} {-to_step -jobs} 1 1 {
    variable folder
    variable project
    if {[lindex $arguments 0] ne "impl_1" || [lookup $options -to_step] ne "write_bitstream"} {
        error "a run must be impl_1, up to write_bitstream"
    }
    set top [lookup [lookup $::mock::values sources_1] top]
    if {$top ne "${design::name}_wrapper"} {
        error "top must be the wrapper of the block design, not \"$top\""
    }
    set handoff $project.gen/sources_1/bd/$design::name/hw_handoff/$design::name.hwh
    foreach path [list $project.runs/impl_1/$top.bit $handoff] {
        set path [file join $folder $path]
        file mkdir [file dirname $path]
        close [open $path w]
    }
    mock::object run impl_1
}
mock::command wait_on_run {-quiet} {-timeout} 1 1 {
    mock::kind_of [lindex $arguments 0]
}
mock::command get_runs {-quiet} {} 1 1 {
    mock::kind_of [lindex $arguments 0]
    return [lindex $arguments 0]
}
mock::command write_hw_platform {-fixed -include_bit -force} {-file} 1 1 {
    mock::kind_of impl_1
    close [open [lindex $arguments 0] w]
}
