"""What others read of the accelerator: headers, SystemRDL, IP-XACT, hand-offs, device trees, Tcl.

Each function returns the same text every time.
"""

from hdl.exports.c_headers import c_header, commands_c_header
from hdl.exports.device_tree import device_tree
from hdl.exports.handoff import hardware_handoff
from hdl.exports.ip_xact import component_xml
from hdl.exports.json_tables import json_text
from hdl.exports.layout import layout_c_header
from hdl.exports.manual import commands_markdown, markdown
from hdl.exports.ports import Face, face
from hdl.exports.rdl import system_rdl
from hdl.exports.vivado import boards_tcl, registers_tcl

__all__ = [
    "Face",
    "boards_tcl",
    "c_header",
    "commands_c_header",
    "commands_markdown",
    "component_xml",
    "device_tree",
    "face",
    "hardware_handoff",
    "json_text",
    "layout_c_header",
    "markdown",
    "registers_tcl",
    "system_rdl",
]
