"""Ways to read and write fields, of which formats are put together: sections 1 and 6 of PROTOCOL.md.

What is read is a tree of dicts, lists, numbers and bytes; writing it gives the same bytes again.
"""

import ipaddress

from primitives import fields as written_fields
from primitives import u8, u16

FIELDS_MOST = 4096


class Malformed(Exception):
    """These bytes are not what they should be."""


def demand(condition):
    if not condition:
        raise Malformed


class Reader:
    """Takes bytes off the front."""

    def __init__(self, data):
        self.data = data

    def take(self, count):
        demand(count <= len(self.data))
        taken, self.data = self.data[:count], self.data[count:]
        return taken

    def number(self, size):
        return int.from_bytes(self.take(size), "big")


def whole(form, data):
    """Reads a thing that fills these bytes."""
    reader = Reader(data)
    value = form.read(reader)
    demand(not reader.data)
    return value


# Every form has `read(reader)` and `write(value)`.


class Number:
    def __init__(self, size, among=None):
        self.size, self.among = size, among

    def read(self, reader):
        value = reader.number(self.size)
        demand(self.among is None or value in self.among)
        return value

    def write(self, value):
        return value.to_bytes(self.size, "big")


class Raw:
    def __init__(self, size):
        self.size = size

    def read(self, reader):
        return reader.take(self.size)

    def write(self, value):
        assert len(value) == self.size
        return value


class Constant:
    def __init__(self, value):
        self.value = value

    def read(self, reader):
        demand(reader.take(len(self.value)) == self.value)
        return self.value

    def write(self, _):
        return self.value


class Version:
    """Milliseconds (48 bits), counter, writer tag."""

    def read(self, reader):
        value = reader.take(16)
        demand(int.from_bytes(value[:6], "big") <= 16_725_225_599_999)
        return value

    def write(self, value):
        return value


class Optional:
    def __init__(self, form):
        self.form = form

    def read(self, reader):
        return self.form.read(reader) if FLAG.read(reader) else None

    def write(self, value):
        return FLAG.write(value is not None) + (b"" if value is None else self.form.write(value))


class List:
    def __init__(self, form, most, bytes_most=None):
        self.form, self.most, self.bytes_most = form, most, bytes_most

    def read(self, reader):
        count = reader.number(2)
        demand(count <= self.most)
        before = len(reader.data)
        items = [self.form.read(reader) for _ in range(count)]
        demand(self.bytes_most is None or before - len(reader.data) <= self.bytes_most)
        return items

    def write(self, items):
        return u16(len(items)) + b"".join(map(self.form.write, items))


class Sized:
    """A length, and a thing of that length."""

    def __init__(self, size, form, most=None):
        self.size, self.form, self.most = size, form, most

    def read(self, reader):
        length = reader.number(self.size)
        demand(self.most is None or length <= self.most)
        return whole(self.form, reader.take(length))

    def write(self, value):
        data = self.form.write(value)
        return len(data).to_bytes(self.size, "big") + data


class Rest:
    """What is left, but for so many bytes."""

    def __init__(self, form, but=0):
        self.form, self.but = form, but

    def read(self, reader):
        demand(len(reader.data) >= self.but)
        return whole(self.form, reader.take(len(reader.data) - self.but))

    def write(self, value):
        return self.form.write(value)


class Text:
    def read(self, reader):
        try:
            return reader.take(len(reader.data)).decode()
        except UnicodeDecodeError as error:
            raise Malformed from error

    def write(self, value):
        return value.encode()


class Address:
    def read(self, reader):
        version = reader.number(1)
        demand(version in (4, 6))
        ip = ipaddress.ip_address(reader.take(4 if version == 4 else 16))
        return str(ip), reader.number(2)

    def write(self, value):
        ip = ipaddress.ip_address(value[0])
        return u8(ip.version) + ip.packed + u16(value[1])


class Struct:
    """Things one after the other, by name."""

    def __init__(self, **forms):
        self.forms = forms

    def read(self, reader):
        return {name: form.read(reader) for name, form in self.forms.items()}

    def write(self, value):
        assert value.keys() == self.forms.keys(), (value.keys(), self.forms.keys())
        return b"".join(form.write(value[name]) for name, form in self.forms.items())


class Either:
    """A number that says what follows."""

    def __init__(self, forms):
        self.forms = forms

    def read(self, reader):
        kind = reader.number(1)
        demand(kind in self.forms)
        return kind, self.forms[kind].read(reader)

    def write(self, value):
        return u8(value[0]) + self.forms[value[0]].write(value[1])


class Fields:
    """Optional fields to the end, by tag: of what is signed all are kept."""

    def read(self, reader):
        found, size = {}, 0
        while reader.data:
            tag, length = reader.number(2), reader.number(4)
            demand(not found or tag > max(found))
            size += 6 + length
            demand(size <= FIELDS_MOST)
            found[tag] = reader.take(length)
        return found

    def write(self, value):
        return written_fields(*sorted(value.items()))


FLAG, U8, U16, U32, U64 = Number(1, (0, 1)), Number(1), Number(2), Number(4), Number(8)
