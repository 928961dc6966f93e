"""Throws random bytes at the parsers of the link's messages, and at what judges them.

It needs what `fuzz.lock` names, in an environment of its own:

    PYTHONPATH=src python tests/coordinate/fuzz_wire.py -max_total_time=600 -rss_limit_mb=512 tests/coordinate/corpus

Whatever comes in, a parser answers with a message or with `InputError`; a message that was read is written back as the
same bytes; and no batch that was made up is ever accepted.
"""

import sys
from collections.abc import Callable

import atheris

with atheris.instrument_imports(include=["marsad.coordinate", "marsad.kernel.parcel"]):
    from marsad.coordinate import link, wire
    from marsad.coordinate.seal import name_stream
    from marsad.kernel.error import InputError, LinkRefusedError

SENDER = bytes(range(32))
STANDING = link.Standing(stream=name_stream(SENDER, SENDER, 1))


def one_input(data: bytes) -> None:
    """Try each parser on the bytes."""
    ways: tuple[Callable[[bytes], bytes], ...] = (
        lambda message: wire.encode_pull(wire.decode_pull(message)),
        lambda message: wire.encode_batch(refuse(wire.decode_batch(message))),
        lambda message: wire.encode_refusal(wire.decode_refusal(message)),
        lambda message: wire.encode_receipt(wire.decode_receipt(message)),
    )
    for read_and_write in ways:
        try:
            written = read_and_write(data)
        except InputError:
            continue
        if written != data:
            raise AssertionError("a message that is not written as it was read")


def refuse(batch: wire.Batch) -> wire.Batch:
    """The batch, which nobody signed."""
    try:
        link.accept(STANDING, batch, SENDER, 0)
    except LinkRefusedError:
        return batch
    raise AssertionError("a batch that nobody signed was accepted")


def main() -> None:
    """Run until told to stop."""
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
