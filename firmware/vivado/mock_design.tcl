# The mock's block design: cells, nets and addresses, each checked as it is made.

namespace eval design {
    variable name {}
    variable cells {} ;# vlnv and settings by name
    variable drivers {} ;# of pins, by the pins that are driven
    variable joined {} ;# buses, each by the one at its other end
    variable external {} ;# cells whose outside buses were made ports
    variable places {} ;# base and bytes by space, then by segment
    variable excluded {} ;# segments by space
    variable valid 0
}

# Returns a part of what the catalogue says of a cell, without that which its settings leave out.
proc design::parts {cell part} {
    variable cells
    set vlnv [dict get $cells $cell vlnv]
    set settings [dict get $cells $cell settings]
    set all [dict get $cells::catalogue $vlnv $part]
    if {$part eq "buses" && [string match *:smartconnect:* $vlnv]} {
        for {set i 0} {$i < [dict get $settings NUM_SI]} {incr i} {
            lappend all [list [format S%02d_AXI $i] slave any {}]
        }
        for {set i 0} {$i < [dict get $settings NUM_MI]} {incr i} {
            lappend all [list [format M%02d_AXI $i] master any {}]
        }
    }
    set found {}
    foreach entry $all {
        set condition [lindex $entry 3]
        if {$condition eq "" || [dict get $settings $condition] == 1} {
            lappend found $entry
        }
    }
    return $found
}

# Returns the entry of a pin, bus or segment by its path, or nothing.
proc design::find {part path} {
    variable cells
    set path [string trimleft $path /]
    set cell [lindex [split $path /] 0]
    if {![dict exists $cells $cell]} {
        return {}
    }
    set rest [join [lrange [split $path /] 1 end] /]
    foreach entry [parts $cell $part] {
        if {[lindex $entry 0] eq $rest} {
            return $entry
        }
    }
    return {}
}

proc design::add_cell {vlnv name} {
    variable cells
    if {[dict exists $cells $name]} {
        error "cell $name is there already"
    }
    if {![dict exists $cells::catalogue $vlnv]} {
        error "no IP core $vlnv in the catalogue"
    }
    dict set cells $name vlnv $vlnv
    dict set cells $name settings [dict get $cells::catalogue $vlnv settings]
}

proc design::set_setting {cell key value} {
    variable cells
    set known [dict get $cells $cell settings]
    if {![dict exists $known $key]} {
        error "cell $cell has no setting $key"
    }
    if {![string is double -strict $value]} {
        error "setting $key of $cell must be a number, not \"$value\""
    }
    dict set cells $cell settings $key $value
}

proc design::connect {pins} {
    variable drivers
    set sources {}
    foreach pin $pins {
        if {[lindex [find pins $pin] 1] eq "out"} {
            lappend sources $pin
        } elseif {[dict exists $drivers $pin]} {
            error "pin $pin is driven twice: by [dict get $drivers $pin] already"
        }
    }
    if {[llength $sources] != 1} {
        error "of $pins one must drive, not [llength $sources]"
    }
    foreach pin $pins {
        if {$pin ne $sources} {
            dict set drivers $pin $sources
        }
    }
}

proc design::join_buses {buses} {
    variable joined
    if {[llength $buses] != 2} {
        error "buses must be joined two by two, not $buses"
    }
    foreach bus $buses {
        if {[dict exists $joined $bus]} {
            error "bus $bus is connected already"
        }
        dict set ends [lindex [find buses $bus] 1] $bus
        lappend protocols [lindex [find buses $bus] 2]
    }
    if {[lsort [dict keys $ends]] ne {master slave}} {
        error "of $buses one must be a manager and one a subordinate"
    }
    lassign $protocols one other
    if {$one ne $other && "any" ni $protocols} {
        error "buses $buses must speak the same protocol, not $one and $other"
    }
    dict set joined [dict get $ends master] [dict get $ends slave]
    dict set joined [dict get $ends slave] [dict get $ends master]
}

# Returns the subordinate buses that a manager's bus reaches, through interconnects.
proc design::reached {bus} {
    variable joined
    variable cells
    if {![dict exists $joined $bus]} {
        return {}
    }
    set end [dict get $joined $bus]
    set cell [lindex [split [string trimleft $end /] /] 0]
    if {![string match *:smartconnect:* [dict get $cells $cell vlnv]]} {
        return [list $end]
    }
    set found {}
    foreach entry [parts $cell buses] {
        if {[lindex $entry 1] eq "master"} {
            lappend found {*}[reached /$cell/[lindex $entry 0]]
        }
    }
    return $found
}

# Returns the segments behind a subordinate's bus: those called by it, or all of a processor's.
proc design::behind {bus} {
    lassign [split [string trimleft $bus /] /] cell name
    set found {}
    foreach entry [parts $cell segments] {
        set map [lindex [split [lindex $entry 0] /] 0]
        if {$map eq $name || ($map eq "SAXIGP2" && $name eq "S_AXI_HP0_FPD")} {
            lappend found /$cell/[lindex $entry 0]
        }
    }
    return $found
}

# Returns pairs of a segment and a manager's bus through which an address space reaches it.
proc design::routes {space} {
    variable cells
    lassign [split [string trimleft $space /] /] cell name
    set spaces [dict get $cells::catalogue [dict get $cells $cell vlnv] spaces]
    set found {}
    foreach bus [dict get $spaces $name] {
        foreach end [reached /$cell/$bus] {
            foreach segment [behind $end] {
                lappend found $segment /$cell/$bus
            }
        }
    }
    return $found
}

proc design::place {space segment base bytes} {
    variable cells
    variable places
    foreach {what number} [list offset $base range $bytes] {
        if {![string is wideinteger -strict $number]} {
            error "$what of $segment must be a number, not \"$number\""
        }
    }
    set bus [lookup [routes $space] $segment]
    if {$bus eq ""} {
        error "$space does not reach $segment"
    }
    lassign [find segments $segment] path lowest most
    if {$bytes < 4096 || $bytes & ($bytes - 1) || $bytes > $most} {
        error "range of $segment must be a power of two in 4096..$most, not $bytes"
    }
    if {$base % $bytes} {
        error "offset of $segment must be a multiple of its range, not $base"
    }
    lassign [split [string trimleft $bus /] /] cell name
    set ranges [dict get $cells::catalogue [dict get $cells $cell vlnv] ranges]
    set inside 0
    foreach {first size} [dict get $ranges $name] {
        incr inside [expr {$base >= $first && $base + $bytes <= $first + $size}]
    }
    if {!$inside} {
        error "offset of $segment must lie in what $bus reaches, not [format 0x%X $base]"
    }
    if {[string match */SAXIGP* $segment] || [string match */S_AXI_HP* $segment]} {
        if {$base != $lowest} {
            error "offset of $segment must be $lowest, not $base"
        }
    }
    dict for {other at} [lookup $places $space] {
        lassign $at start size
        if {$other ne $segment && $base < $start + $size && $start < $base + $bytes} {
            error "addresses of $segment overlap those of $other"
        }
    }
    dict set places $space $segment [list $base $bytes]
}

proc design::exclude {space segment} {
    variable excluded
    if {[lookup [routes $space] $segment] eq ""} {
        error "$space does not reach $segment"
    }
    dict set excluded $space $segment 1
}

# Stops at whatever would not work as it stands.
proc design::validate {} {
    variable cells
    variable drivers
    variable joined
    variable external
    variable places
    variable excluded
    variable valid
    foreach cell [dict keys $cells] {
        foreach entry [parts $cell pins] {
            lassign $entry pin direction kind
            if {$direction eq "in" && $kind ne "data" && ![dict exists $drivers /$cell/$pin]} {
                error "$kind $pin of $cell is not connected"
            }
        }
        foreach entry [parts $cell buses] {
            lassign $entry bus mode
            if {$mode eq "external"} {
                if {$cell ni $external} {
                    error "bus $bus of $cell must leave the chip"
                }
            } elseif {![dict exists $joined /$cell/$bus]} {
                error "bus $bus of $cell is not connected"
            }
        }
        foreach name [dict keys [dict get $cells::catalogue [dict get $cells $cell vlnv] spaces]] {
            set space /$cell/$name
            foreach {segment bus} [routes $space] {
                if {[lookup [lookup $places $space] $segment] eq "" &&
                        [lookup [lookup $excluded $space] $segment] eq ""} {
                    error "$segment has no address in $space"
                }
            }
        }
    }
    set valid 1
}
