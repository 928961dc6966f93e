"""Throws random bytes at the parsers of the link's messages, and at what judges them; needs `atheris`.

    python tests/coordinate/fuzz_wire.py -max_total_time=600 -rss_limit_mb=512 tests/coordinate/corpus

Whatever comes in, a parser answers with a message or with `InputError`; a message that was read is written back as the
same bytes; and no batch that was made up is ever accepted.
"""

import sys

import atheris

with atheris.instrument_imports(include=["marsad.coordinate", "marsad.kernel.parcel"]):
    from marsad.coordinate import link, wire
    from marsad.coordinate.seal import name_stream
    from marsad.kernel.error import InputError, LinkRefusedError

SENDER = bytes(range(32))
STANDING = link.Standing(stream=name_stream(SENDER, SENDER, 1))


def one_input(data: bytes) -> None:
    """Try each parser on the bytes."""
    for decode, encode in (
        (wire.decode_pull, wire.encode_pull),
        (wire.decode_batch, wire.encode_batch),
        (wire.decode_refusal, wire.encode_refusal),
        (wire.decode_receipt, wire.encode_receipt),
    ):
        try:
            message = decode(data)
        except InputError:
            continue
        if encode(message) != data:
            raise AssertionError("a message that is not written as it was read")
        if isinstance(message, wire.Batch):
            refuse(message)


def refuse(batch: wire.Batch) -> None:
    """Nobody signed it."""
    try:
        link.accept(STANDING, batch, SENDER, 0)
    except LinkRefusedError:
        return
    raise AssertionError("a batch that nobody signed was accepted")


def main() -> None:
    """Run until told to stop."""
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
