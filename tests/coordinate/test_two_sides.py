"""Two sides over real TLS on loopback: what is released arrives, once, and both files prove it."""

from conftest import Pair

from marsad.app.audit import audit


def test_what_one_side_releases_the_other_gets_once_in_both_directions(pair: Pair) -> None:
    pair.run()
    pair.a.release(700, urgent_every=7)
    pair.b.release(300, urgent_every=50)
    pair.until(lambda: len(pair.b.got()) == 700 and len(pair.a.got()) == 300)
    assert [parcel.sequence for parcel in sorted(pair.b.got(), key=lambda one: one.sequence)] == list(range(1, 701))
    pair.until(lambda: pair.a.outbox.received() == 700 and pair.b.outbox.received() == 300)
    for sender, receiver in ((pair.a, pair.b), (pair.b, pair.a)):
        report = audit(sender.outbox_path, receiver.inbox_path, sender.card.key, receiver.card.key)
        assert report.findings == ()
        assert report.sent == report.received == report.confirmed
