"""A program for Debian's own Python: serves grey pictures from its standard input as live H.264 cameras over RTSP.

GStreamer's bindings belong to the system's Python, so that this file is run by it and needs nothing of Marsad's.

Standard input: a line of JSON (`address`, `port`, `cameras` with `id`, `width`, `height`, `fps` and `kbit`), then
pictures: the camera's place in that list (4 bytes, big-endian), and its width x height bytes. Standard output: a line
`port N` once it listens, and a line `asked ID` when somebody begins to look at a camera. It ends with its input.
With the argument `--missing` it prints the names of the Debian packages that it lacks, and ends.
"""

import json
import struct
import sys
import threading
from typing import Any

PLUGINS = (
    ("appsrc", "gstreamer1.0-plugins-base"),
    ("videoconvert", "gstreamer1.0-plugins-base"),
    ("rtph264pay", "gstreamer1.0-plugins-good"),
    ("x264enc", "gstreamer1.0-plugins-ugly"),
)
LAUNCH = (
    "( appsrc name=source is-live=true do-timestamp=true format=time block=false max-buffers=4 leaky-type=downstream"
    " caps=video/x-raw,format=GRAY8,width={width},height={height},framerate={rate}"
    " ! videoconvert ! video/x-raw,format=I420"
    " ! x264enc tune=zerolatency speed-preset=veryfast bitrate={kbit} key-int-max={key}"
    " ! rtph264pay name=pay0 pt=96 config-interval=1 )"
)
LINGER_MS = 1500


def missing() -> list[str]:
    """The Debian packages without which nothing can be served."""
    try:
        import gi
    except ImportError:
        return ["python3-gi", "gir1.2-gst-rtsp-server-1.0", *sorted({package for _, package in PLUGINS})]
    try:
        gi.require_version("Gst", "1.0")
        gi.require_version("GstRtspServer", "1.0")
    except ValueError:
        return ["gir1.2-gst-rtsp-server-1.0", *sorted({package for _, package in PLUGINS})]
    from gi.repository import Gst

    Gst.init(None)
    return sorted({package for element, package in PLUGINS if Gst.ElementFactory.find(element) is None})


def say(text: str) -> None:
    """Tell whoever started this."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


class Cameras:
    """The cameras' media while somebody looks at them."""

    def __init__(self, server: Any, wanted: list[dict[str, Any]], rtsp: Any, gst: Any) -> None:
        self.wanted = wanted
        self.gst = gst
        self.sources: dict[int, Any] = {}
        mounts = server.get_mount_points()
        for number, camera in enumerate(wanted):
            factory = rtsp.RTSPMediaFactory()
            rate = f"{round(camera['fps'] * 1000)}/1000"
            key = max(1, round(2 * camera["fps"]))
            factory.set_launch(
                LAUNCH.format(width=camera["width"], height=camera["height"], rate=rate, kbit=camera["kbit"], key=key)
            )
            factory.set_shared(True)
            factory.connect("media-configure", self.begin, number)
            mounts.add_factory("/" + camera["id"], factory)

    def begin(self, _factory: Any, media: Any, number: int) -> None:
        """Somebody looks at a camera."""
        self.sources[number] = media.get_element().get_child_by_name("source")
        media.connect("unprepared", lambda _media: self.sources.pop(number, None))
        say("asked " + self.wanted[number]["id"])

    def push(self, number: int, pixels: bytes) -> None:
        """Hand a picture on to those who look."""
        source = self.sources.get(number)
        if source is not None:
            source.emit("push-buffer", self.gst.Buffer.new_wrapped(pixels))

    def end(self) -> None:
        """No picture will come any more."""
        for source in list(self.sources.values()):
            source.emit("end-of-stream")


def feed(cameras: Cameras, wanted: list[dict[str, Any]], loop: Any, glib: Any) -> None:
    """Pass pictures on until there are no more, then end the program."""
    stream = sys.stdin.buffer
    while True:
        head = stream.read(4)
        if len(head) < 4:
            break
        number = struct.unpack(">I", head)[0]
        size = wanted[number]["width"] * wanted[number]["height"]
        pixels = stream.read(size)
        if len(pixels) < size:
            break
        cameras.push(number, pixels)
    cameras.end()
    glib.timeout_add(LINGER_MS if cameras.sources else 0, loop.quit)


def serve() -> None:
    """Listen, and serve until the input ends."""
    import gi

    gi.require_version("Gst", "1.0")
    gi.require_version("GstRtspServer", "1.0")
    from gi.repository import GLib, Gst, GstRtspServer

    Gst.init(None)
    wanted = json.loads(sys.stdin.buffer.readline())
    server = GstRtspServer.RTSPServer()
    server.set_address(wanted["address"])
    server.set_service(str(wanted["port"]))
    cameras = Cameras(server, wanted["cameras"], GstRtspServer, Gst)
    if not server.attach(None):
        sys.exit(f"port {wanted['port']} cannot be listened on")
    say(f"port {server.get_bound_port()}")
    loop = GLib.MainLoop()
    threading.Thread(target=feed, args=(cameras, wanted["cameras"], loop, GLib), daemon=True).start()
    loop.run()


if __name__ == "__main__":
    if "--missing" in sys.argv:
        say(" ".join(missing()))
    else:
        serve()
