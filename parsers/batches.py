"""Messages out of a file, whatever holds them together: MLLP frames, a batch (FHS, BHS), blank lines, or nothing but the next MSH."""

import re

from parsers.mllp import FS, VT, Decoder, Frame

_LINE = re.compile(rb"\r\n|\r|\n")
_HEADER = re.compile(rb"^(?:MSH|FHS|BHS|BTS|FTS)[^A-Za-z0-9\s]")


def split_batch(data: bytes) -> list[bytes]:
    """The messages of a file in order, each as it will be sent: segments ended by CR, but for a last one that nothing ends. What lies before the first header is one message too.

    >>> split_batch(b"FHS|^~\\\\&\\nBHS|^~\\\\&\\nMSH|1\\nPID|1\\n\\nMSH|2\\nBTS|2\\n")
    [b'MSH|1\\rPID|1\\r', b'MSH|2\\r']
    """
    if VT in data and FS in data:
        return [one.content for one in Decoder(len(data) + 1).receive(data) if isinstance(one, Frame)]
    data = data.removeprefix(b"\xef\xbb\xbf")
    if data[:2] in (b"\xff\xfe", b"\xfe\xff") or data[:4] == b"M\0S\0":
        return [data]
    messages: list[list[bytes]] = []
    for line in _LINE.split(data):
        if not line.strip():
            continue
        if _HEADER.match(line):
            messages.append([line])
        elif messages:
            messages[-1].append(line)
        else:
            messages.append([line])
    joined = [b"\r".join(lines) + b"\r" for lines in messages if not _is_wrapper(lines[0])]
    if joined and data[-1:] not in (b"\r", b"\n") and not _is_wrapper(messages[-1][0]):
        joined[-1] = joined[-1][:-1]
    return joined


def _is_wrapper(line: bytes) -> bool:
    return line[:3] in (b"FHS", b"BHS", b"BTS", b"FTS")
