"""Register tables: what they refuse, and what they say about the registers they hold."""

import pytest

from engram.arch.registers import Access, Field, Register, RegisterTable, wide

SNAPSHOT = Register("SNAPSHOT", 0x10, Access.STROBE, fields=(Field("TAKE", 0),))
GO = (Field("GO", 0),)


def small_table() -> RegisterTable:
    return RegisterTable(
        "SMALL",
        Register("ID", 0x0, Access.CONSTANT, 0x454E4752),
        Register("MODE", 0x4, Access.RW, 0x20, fields=(Field("LANES", 4, 3), Field("ON", 0))),
        SNAPSHOT,
        wide("CYCLES", 0x18, Access.RO, snapshot="SNAPSHOT"),
        wide("BASE", 0x20, Access.RW, "Where it lies"),
    )


def test_registers_are_found_by_name_and_by_any_byte_they_hold() -> None:
    table = small_table()
    assert [register.name for register in table] == [
        "ID", "MODE", "SNAPSHOT", "CYCLES_LO", "CYCLES_HI", "BASE_LO", "BASE_HI",
    ]
    assert table["MODE"].offset == 4
    assert table.at(7) is table["MODE"]
    assert table.at(0x14) is None
    assert "MODE" in table
    assert "LATER" not in table
    with pytest.raises(KeyError, match="must be one of ID, MODE"):
        table["LATER"]


def test_pairs_are_one_value() -> None:
    table = small_table()
    assert [len(halves) for halves in table.values.values()] == [1, 1, 1, 2, 2]
    low, high = table.values["CYCLES"]
    assert (low.offset, high.offset, low.snapshot) == (0x18, 0x1C, "SNAPSHOT")
    low, high = wide("KEY", 0, Access.RW, reset=0x1122334455667788)
    assert (low.reset, high.reset) == (0x55667788, 0x11223344)


def test_addresses_have_just_the_bits_they_need() -> None:
    assert small_table().address_bits == 6
    assert RegisterTable("ONE", Register("ID", 0, Access.CONSTANT)).address_bits == 3
    assert RegisterTable("FAR", Register("ID", 0x7C, Access.CONSTANT)).address_bits == 7


def test_fields_take_a_value_apart_and_put_it_together() -> None:
    mode = small_table()["MODE"]
    assert mode.mask == 0x71
    assert mode.field("LANES").get(mode.reset) == 2
    assert mode.field("LANES").put(5, 0x21) == 0x51
    with pytest.raises(ValueError, match=r"LANES must be in 0\.\.7, not 8"):
        mode.field("LANES").put(8)
    with pytest.raises(KeyError, match="one of LANES, ON"):
        mode.field("OFF")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: Register("mode", 0, Access.RW), "name must be in capitals"),
        (lambda: Register("A__B", 0, Access.RW), "name must be in capitals"),
        (lambda: Register("A", 2, Access.RW), "multiple of 4, not 2"),
        (lambda: Register("A", -4, Access.RW), "multiple of 4, not -4"),
        (lambda: Register("A", 0, Access.RW, 1 << 32), "reset of A must lie in its bits"),
        (lambda: Register("A", 0, Access.RW, 2, fields=GO), "reset of A must lie in its bits 0x1"),
        (lambda: Register("A", 0, Access.RO, 1), "reset of A, read-only, must be 0"),
        (lambda: Register("A", 0, Access.STROBE), "must name its bits one by one"),
        (lambda: Register("A", 0, Access.W1C, fields=(Field("B", 0, 2),)), "one by one"),
        (lambda: Register("A", 0, Access.RW, snapshot="S"), "must be read-only"),
        (lambda: Register("A", 0, Access.RW, fields=(Field("B", 0, 2), Field("C", 1))), "overlap"),
        (lambda: Register("A", 0, Access.RW, fields=(Field("B", 0), Field("B", 1))), "different"),
        (lambda: Field("B", 32), r"must be in 0\.\.31, not 32"),
        (lambda: Field("B", 30, 3), r"must be in 1\.\.2, not 3"),
        (lambda: wide("A", 4, Access.RW), "multiple of 8, not 4"),
        (lambda: wide("A", 0, Access.RO), "must name its snapshot"),
        (lambda: wide("A", 0, Access.W1C), "must be CONSTANT, RO or RW"),
        (lambda: RegisterTable("T"), "at least one"),
    ],
)
def test_what_cannot_be_built_is_refused(wrong, message) -> None:
    with pytest.raises(ValueError, match=message):
        wrong()


@pytest.mark.parametrize(
    ("registers", "message"),
    [
        ((Register("A", 0, Access.RW), Register("A", 4, Access.RW)), "different names"),
        ((Register("A", 0, Access.RW), Register("B", 0, Access.RW)), "different offsets"),
        ((Register("A_LO", 0, Access.RW),), "followed by its other half"),
        ((Register("A_HI", 4, Access.RW),), "must follow its other half"),
        ((*wide("A", 0, Access.RW), Register("A", 8, Access.RW)), "must not have the name"),
        ((Register("A_LO", 4, Access.RW), Register("A_HI", 8, Access.RW)), "other half"),
        ((Register("A_LO", 0, Access.RO), Register("A_HI", 4, Access.RO)), "name its snapshot"),
        ((Register("A_LO", 0, Access.RW), Register("A_HI", 4, Access.CONSTANT)), "other half"),
        (wide("A", 0, Access.RO, snapshot="S"), "must be a strobe with a bit 0, not 'S'"),
        (
            (*wide("A", 0, Access.RO, snapshot="S"), Register("S", 8, Access.RW)),
            "must be a strobe with a bit 0",
        ),
        (
            (
                *wide("A", 0, Access.RO, snapshot="S"),
                Register("S", 8, Access.STROBE, fields=(Field("B", 1),)),
            ),
            "must be a strobe with a bit 0",
        ),
    ],
)
def test_tables_that_contradict_themselves_are_refused(registers, message) -> None:
    with pytest.raises(ValueError, match=message):
        RegisterTable("T", *registers)


def test_an_access_must_be_one_of_ours() -> None:
    with pytest.raises(TypeError, match="must be an Access, not 'rw'"):
        Register("A", 0, "rw")
