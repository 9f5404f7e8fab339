# What the mock knows of Vivado's IP cores: settings, pins, buses and segments of addresses.
#
# Names and directions are those of Xilinx's product guides PG021 (smartconnect: PG247, axi_intc:
# PG099, proc_sys_reset: PG164) and PG082 and PG201 for the processing systems. A pin or bus with a
# condition is there when that setting is 1.

namespace eval cells {
    variable catalogue {}
}

# Adds an IP core. `settings` are names and values before anything is set, `pins` are {name
# direction kind condition}, `buses` {name mode protocol condition}, `segments` {path base bytes
# condition} and `spaces` {name buses}; `ranges` say what a manager's bus can reach: {bus base
# bytes ...}.
proc cells::add {vlnv parts} {
    variable catalogue
    foreach part {settings pins buses segments spaces ranges} {
        if {![dict exists $parts $part]} {
            dict set parts $part {}
        }
    }
    dict set catalogue $vlnv $parts
}

cells::add xilinx.com:ip:processing_system7:5.5 {
    settings {
        PCW_USE_M_AXI_GP0 1 PCW_USE_M_AXI_GP1 0 PCW_USE_S_AXI_HP0 0 PCW_S_AXI_HP0_DATA_WIDTH 64
        PCW_USE_FABRIC_INTERRUPT 0 PCW_IRQ_F2P_INTR 0 PCW_EN_CLK0_PORT 1
        PCW_FPGA0_PERIPHERAL_FREQMHZ 50
    }
    pins {
        {FCLK_CLK0 out clock PCW_EN_CLK0_PORT}
        {FCLK_RESET0_N out reset {}}
        {M_AXI_GP0_ACLK in clock PCW_USE_M_AXI_GP0}
        {M_AXI_GP1_ACLK in clock PCW_USE_M_AXI_GP1}
        {S_AXI_HP0_ACLK in clock PCW_USE_S_AXI_HP0}
        {IRQ_F2P in data PCW_IRQ_F2P_INTR}
    }
    buses {
        {M_AXI_GP0 master AXI3 PCW_USE_M_AXI_GP0}
        {M_AXI_GP1 master AXI3 PCW_USE_M_AXI_GP1}
        {S_AXI_HP0 slave AXI3 PCW_USE_S_AXI_HP0}
        {DDR external ddrx {}}
        {FIXED_IO external fixedio {}}
    }
    segments {{S_AXI_HP0/HP0_DDR_LOWOCM 0x0 0x40000000 PCW_USE_S_AXI_HP0}}
    spaces {Data {M_AXI_GP0 M_AXI_GP1}}
    ranges {M_AXI_GP0 {0x40000000 0x40000000} M_AXI_GP1 {0x80000000 0x40000000}}
}

cells::add xilinx.com:ip:zynq_ultra_ps_e:3.5 {
    settings {
        PSU__USE__M_AXI_GP0 1 PSU__USE__M_AXI_GP1 1 PSU__USE__M_AXI_GP2 1 PSU__USE__S_AXI_GP2 0
        PSU__MAXIGP0__DATA_WIDTH 128 PSU__MAXIGP1__DATA_WIDTH 128 PSU__SAXIGP2__DATA_WIDTH 128
        PSU__USE__IRQ0 1 PSU__FPGA_PL0_ENABLE 1 PSU__CRL_APB__PL0_REF_CTRL__FREQMHZ 100
        PSU__DDR_HIGH_ADDRESS_ENABLE 0
    }
    pins {
        {pl_clk0 out clock PSU__FPGA_PL0_ENABLE}
        {pl_resetn0 out reset {}}
        {maxihpm0_fpd_aclk in clock PSU__USE__M_AXI_GP0}
        {maxihpm1_fpd_aclk in clock PSU__USE__M_AXI_GP1}
        {maxihpm0_lpd_aclk in clock PSU__USE__M_AXI_GP2}
        {saxihp0_fpd_aclk in clock PSU__USE__S_AXI_GP2}
        {pl_ps_irq0 in data PSU__USE__IRQ0}
    }
    buses {
        {M_AXI_HPM0_FPD master AXI4 PSU__USE__M_AXI_GP0}
        {M_AXI_HPM1_FPD master AXI4 PSU__USE__M_AXI_GP1}
        {M_AXI_HPM0_LPD master AXI4 PSU__USE__M_AXI_GP2}
        {S_AXI_HP0_FPD slave AXI4 PSU__USE__S_AXI_GP2}
    }
    segments {
        {SAXIGP2/HP0_DDR_LOW 0x0 0x80000000 PSU__USE__S_AXI_GP2}
        {SAXIGP2/HP0_DDR_HIGH 0x800000000 0x800000000 PSU__DDR_HIGH_ADDRESS_ENABLE}
        {SAXIGP2/HP0_LPS_OCM 0xFF000000 0x1000000 PSU__USE__S_AXI_GP2}
        {SAXIGP2/HP0_QSPI 0xC0000000 0x20000000 PSU__USE__S_AXI_GP2}
    }
    spaces {Data {M_AXI_HPM0_FPD M_AXI_HPM1_FPD M_AXI_HPM0_LPD}}
    ranges {
        M_AXI_HPM0_FPD {0xA0000000 0x10000000 0x400000000 0x100000000}
        M_AXI_HPM1_FPD {0xB0000000 0x10000000 0x500000000 0x100000000}
        M_AXI_HPM0_LPD {0x80000000 0x20000000}
    }
}

# Buses are added as NUM_SI and NUM_MI say.
cells::add xilinx.com:ip:smartconnect:1.0 {
    settings {NUM_SI 2 NUM_MI 1 NUM_CLKS 1}
    pins {{aclk in clock {}} {aresetn in reset {}}}
}

cells::add xilinx.com:ip:axi_intc:4.1 {
    settings {C_IRQ_CONNECTION 0}
    pins {
        {s_axi_aclk in clock {}}
        {s_axi_aresetn in reset {}}
        {intr in data {}}
        {irq out data C_IRQ_CONNECTION}
    }
    buses {{s_axi slave AXI4LITE {}}}
    segments {{s_axi/Reg 0x0 0x10000 {}}}
}

cells::add xilinx.com:ip:proc_sys_reset:5.0 {
    pins {
        {slowest_sync_clk in clock {}}
        {ext_reset_in in reset {}}
        {aux_reset_in in data {}}
        {mb_debug_sys_rst in data {}}
        {dcm_locked in data {}}
        {mb_reset out reset {}}
        {bus_struct_reset out reset {}}
        {peripheral_reset out reset {}}
        {interconnect_aresetn out reset {}}
        {peripheral_aresetn out reset {}}
    }
}

# Returns the text of each element of a name that lies directly or deeper in an XML text.
proc cells::elements {xml name} {
    set found {}
    set at 0
    while {[regexp -indices -start $at "<spirit:${name}(?: \[^>\]*)?>" $xml opening]} {
        set start [expr {[lindex $opening 1] + 1}]
        if {![regexp -indices -start $start "</spirit:${name}>" $xml closing]} {
            error "<spirit:$name> must be closed"
        }
        lappend found [string range $xml $start [expr {[lindex $closing 0] - 1}]]
        set at [lindex $closing 1]
    }
    return $found
}

# Adds the core that a component.xml describes; an error if it is not a core.
proc cells::read {path} {
    variable catalogue
    set file [open $path]
    set xml [::read $file]
    close $file
    if {[string first "<spirit:component " $xml] < 0} {
        error "$path must be a component of IP-XACT"
    }
    foreach part {vendor library name version} {
        lappend names [lindex [elements $xml $part] 0]
    }
    set kinds {}
    set buses {}
    set spaces {}
    set ranges {}
    foreach bus [elements $xml busInterface] {
        set name [lindex [elements $bus name] 0]
        regexp {spirit:name="([a-z]+)"} $bus all type
        foreach port [elements [lindex [elements $bus portMaps] 0] physicalPort] {
            dict set kinds [lindex [elements $port name] 0] $type
        }
        if {$type eq "aximm"} {
            set protocol [lindex [elements [lindex [elements $bus parameters] 0] value] 0]
            set mode [expr {[string first "<spirit:master>" $bus] < 0 ? "slave" : "master"}]
            lappend buses [list $name $mode $protocol {}]
        }
    }
    foreach space [elements [lindex [elements $xml addressSpaces] 0] addressSpace] {
        set name [lindex [elements $space name] 0]
        lappend spaces $name $name
        lappend ranges $name [list 0x0 [lindex [elements $space range] 0]]
    }
    set segments {}
    foreach map [elements $xml memoryMap] {
        set block [lindex [elements $map addressBlock] 0]
        set path [lindex [elements $map name] 0]/[lindex [elements $block name] 0]
        lappend segments [list $path 0x0 [lindex [elements $block range] 0] {}]
    }
    set pins {}
    foreach port [elements [lindex [elements $xml model] 0] port] {
        set name [lindex [elements $port name] 0]
        set kind [dict get $kinds $name]
        if {$kind ne "aximm"} {
            set kind [expr {$kind in {clock reset} ? $kind : "data"}]
            lappend pins [list $name [lindex [elements $port direction] 0] $kind {}]
        }
    }
    set vlnv [join $names :]
    add $vlnv [list pins $pins buses $buses segments $segments spaces $spaces ranges $ranges]
    return $vlnv
}
