# What the scripts here know of the core and its boards. Generated; do not edit.
set core {
    vendor engram
    library memory
    name engram
    version 1.0
    vlnv engram:memory:engram:1.0
    title {Engram accelerator}
    families {
        zynq Production
        zynquplus Production
    }
    instance engram_0
    interrupts_instance axi_intc_0
    register_port S_AXIL
    register_block registers
    register_bytes 0x10000
    register_bits 32
    window_port S_AXI
    window_block window
    window_bits 64
    window_bytes 0x40000000
    manager_port M_AXI
    buses {
        ACLK {
            ASSOCIATED_RESET aresetn
            ASSOCIATED_BUSIF S_AXIL:S_AXI:M_AXI
        }
        ARESETN {
            POLARITY ACTIVE_LOW
        }
        S_AXIL {
            PROTOCOL AXI4LITE
        }
        S_AXI {
            PROTOCOL AXI4
        }
        M_AXI {
            PROTOCOL AXI4
        }
        IRQ {
            SENSITIVITY LEVEL_HIGH
        }
    }
    clock aclk
    reset aresetn
    interrupt irq
}
set boards {
    pynq-z2 {
        title PYNQ-Z2
        part xc7z020clg400-1
        board_part tul.com.tw:pynq-z2:part0:*
        processor xilinx.com:ip:processing_system7
        rule xilinx.com:bd_rule:processing_system7
        external {FIXED_IO DDR}
        instance processing_system7_0
        clock FCLK_CLK0
        reset FCLK_RESET0_N
        interrupt IRQ_F2P
        memory_port S_AXI_HP0
        memory_clock S_AXI_HP0_ACLK
        memory_map S_AXI_HP0
        memory_segments {HP0_DDR_LOWOCM 0x0 0x20000000}
        memory_excluded {}
        clock_setting CONFIG.PCW_FPGA0_PERIPHERAL_FREQMHZ
        mhz 100
        settings {
            CONFIG.PCW_USE_M_AXI_GP0 1
            CONFIG.PCW_USE_M_AXI_GP1 1
            CONFIG.PCW_USE_S_AXI_HP0 1
            CONFIG.PCW_S_AXI_HP0_DATA_WIDTH 64
            CONFIG.PCW_USE_FABRIC_INTERRUPT 1
            CONFIG.PCW_IRQ_F2P_INTR 1
            CONFIG.PCW_EN_CLK0_PORT 1
        }
        registers_base 0x80000000
        registers_port M_AXI_GP1
        registers_clock M_AXI_GP1_ACLK
        window_base 0x40000000
        window_port M_AXI_GP0
        window_clock M_AXI_GP0_ACLK
        interrupts_base 0x81800000
        interrupts_port M_AXI_GP1
        interrupts_clock M_AXI_GP1_ACLK
    }
    kv260 {
        title {Kria KV260}
        part xck26-sfvc784-2LV-c
        board_part xilinx.com:kv260_som:part0:*
        processor xilinx.com:ip:zynq_ultra_ps_e
        rule xilinx.com:bd_rule:zynq_ultra_ps_e
        external {}
        instance zynq_ultra_ps_e_0
        clock pl_clk0
        reset pl_resetn0
        interrupt pl_ps_irq0
        memory_port S_AXI_HP0_FPD
        memory_clock saxihp0_fpd_aclk
        memory_map SAXIGP2
        memory_segments {HP0_DDR_LOW 0x0 0x80000000 HP0_DDR_HIGH 0x800000000 0x80000000}
        memory_excluded {HP0_LPS_OCM HP0_QSPI}
        clock_setting CONFIG.PSU__CRL_APB__PL0_REF_CTRL__FREQMHZ
        mhz 150
        settings {
            CONFIG.PSU__USE__M_AXI_GP0 1
            CONFIG.PSU__USE__M_AXI_GP1 1
            CONFIG.PSU__USE__M_AXI_GP2 0
            CONFIG.PSU__USE__S_AXI_GP2 1
            CONFIG.PSU__MAXIGP0__DATA_WIDTH 128
            CONFIG.PSU__MAXIGP1__DATA_WIDTH 128
            CONFIG.PSU__SAXIGP2__DATA_WIDTH 128
            CONFIG.PSU__USE__IRQ0 1
            CONFIG.PSU__FPGA_PL0_ENABLE 1
        }
        registers_base 0xB0000000
        registers_port M_AXI_HPM1_FPD
        registers_clock maxihpm1_fpd_aclk
        window_base 0x400000000
        window_port M_AXI_HPM0_FPD
        window_clock maxihpm0_fpd_aclk
        interrupts_base 0xB0010000
        interrupts_port M_AXI_HPM1_FPD
        interrupts_clock maxihpm1_fpd_aclk
    }
}
