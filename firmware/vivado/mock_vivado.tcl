# Runs a script for Vivado in plain tclsh, without Vivado:
#
#     tclsh mock_vivado.tcl SCRIPT [ARGUMENT ...]
#
# It knows the commands that the scripts here use, with their options and how many arguments they
# take, and refuses all others; a block design is checked as mock_design.tcl says. It says nothing
# of whether Vivado's IP cores do what they are set to, nor of timing: no chip is made. Variables of
# the environment stand for what Vivado finds: MOCK_VERSION, MOCK_SLACK, MOCK_PROGRESS and
# MOCK_NO_BOARD (no board files); MOCK_LOG names a file for all calls.

namespace eval mock {
    variable globals [info globals]
}
set mock_folder [file dirname [file normalize [info script]]]

# Returns a dictionary's value, or nothing.
proc lookup {dictionary key} {
    return [expr {[dict exists $dictionary $key] ? [dict get $dictionary $key] : ""}]
}

namespace eval ipx {}
namespace eval mock {
    variable bodies {} ;# of commands
    variable calls {}
    variable objects {} ;# kind by name
    variable values {} ;# of properties, by object
    variable project {}
    variable folder {}
    variable top {}
    variable version 2024.1
    variable slack 0.123
    variable progress 100%
    # Of each kind of object, what can be set.
    variable properties {
        project {board_part ip_repo_paths}
        fileset {top}
        core {name version display_name description core_revision supported_families}
        bus {slave_memory_map_ref}
        parameter {value}
        map {}
        block {base_address range width usage access}
        register {address_offset size access description}
        field {bit_offset bit_width access description modified_write_value}
        run {}
    }
}
foreach {variable setting} {version MOCK_VERSION slack MOCK_SLACK progress MOCK_PROGRESS} {
    if {[info exists env($setting)]} {
        set mock::$variable $env($setting)
    }
}

# Defines a command: flags, options that take a value, the least and most other arguments, and a
# body that finds them in `flags`, `options` and `arguments`.
proc mock::command {name flags options least most body} {
    variable bodies
    dict set bodies $name [list {flags options arguments} $body ::mock]
    interp alias {} ::$name {} ::mock::call $name $flags $options $least $most
}

proc mock::call {name flags options least most args} {
    variable bodies
    variable calls
    set given $args
    lappend calls [list $name {*}$given]
    set set {}
    set values {}
    set arguments {}
    for {set i 0} {$i < [llength $given]} {incr i} {
        set word [lindex $given $i]
        if {$word in $flags} {
            lappend set $word
        } elseif {$word in $options} {
            incr i
            if {$i == [llength $given]} {
                error "option $word of $name must have a value"
            }
            dict set values $word [lindex $given $i]
        } elseif {[regexp {^-[a-z]} $word]} {
            error "$name has no option $word"
        } else {
            lappend arguments $word
        }
    }
    if {[llength $arguments] < $least || [llength $arguments] > $most} {
        error "$name takes $least to $most arguments, not [llength $arguments]: $arguments"
    }
    # tclint would have the body stand here.
    # tclint-disable-next-line command-args
    return [apply [dict get $bodies $name] $set $values $arguments]
}

proc mock::object {kind name} {
    variable objects
    dict set objects $name $kind
    return $name
}

proc mock::kind_of {name} {
    variable objects
    if {![dict exists $objects $name]} {
        error "no such object: \"$name\""
    }
    return [dict get $objects $name]
}

# Returns what was looked for; with -quiet nothing, and else an error, where it is not.
proc mock::found {flags names what} {
    if {$names eq "" && "-quiet" ni $flags} {
        error "no such $what"
    }
    return $names
}

proc mock::need_project {} {
    variable project
    if {$project eq ""} {
        error "no project is open"
    }
}

proc mock::need_design {} {
    if {$design::name eq ""} {
        error "no block design is open"
    }
}

foreach part {cells design commands packaging} {
    source [file join $mock_folder mock_$part.tcl]
}

proc unknown {name args} {
    error "Vivado has no command $name, as far as the mock knows"
}

if {$argc < 1} {
    puts stderr "arguments must be SCRIPT \[ARGUMENT ...\]"
    exit 2
}
set argv0 [lindex $argv 0]
# A script must not find variables of the mock's in place of its own.
foreach mock::left [info globals] {
    if {$mock::left ni $mock::globals} {
        unset $mock::left
    }
}
set argv [lrange $argv 1 end]
set argc [llength $argv]
if {[catch {uplevel #0 [list source $argv0]} problem details]} {
    puts stderr "dry run failed: $problem\n[dict get $details -errorinfo]"
    exit 1
}
if {[info exists env(MOCK_LOG)]} {
    set log [open $env(MOCK_LOG) w]
    foreach call $mock::calls {
        puts $log $call
    }
    close $log
}
puts "dry run is clean: [llength $mock::calls] calls of Vivado"
