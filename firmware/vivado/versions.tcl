# The versions of Vivado that these scripts are written for.

# The one of Kria-PYNQ's boards; PYNQ-Z2's image 3.1 is of 2024.1.
set oldest_vivado 2022.1

# Stops, unless this Vivado is new enough.
proc require_vivado {} {
    global oldest_vivado
    set version [version -short]
    if {![regexp {^\d+\.\d+} $version number]} {
        error "version of Vivado must begin with a number, not \"$version\""
    }
    if {[package vcompare $number $oldest_vivado] < 0} {
        error "Vivado must be $oldest_vivado or newer, not $version"
    }
}
