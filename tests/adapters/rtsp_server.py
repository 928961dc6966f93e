"""A real RTSP server for the tests: run by Debian's own Python, which has GStreamer's bindings.

Prints its port once it listens, and serves a moving ball until it is killed.
"""

import argparse
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402 - versions are chosen before the import

parser = argparse.ArgumentParser()
parser.add_argument("--port", default="0")
parser.add_argument("--fps", type=int, default=25)
parser.add_argument("--width", type=int, default=160)
parser.add_argument("--height", type=int, default=128)
parser.add_argument("--pictures", type=int, default=-1)
parser.add_argument("--login", default="")
arguments = parser.parse_args()

Gst.init(None)
factory = GstRtspServer.RTSPMediaFactory()
factory.set_launch(
    f"( videotestsrc is-live=true pattern=ball num-buffers={arguments.pictures}"
    f" ! video/x-raw,format=I420,width={arguments.width},height={arguments.height},framerate={arguments.fps}/1"
    " ! x264enc tune=zerolatency speed-preset=ultrafast key-int-max=5"
    " ! rtph264pay name=pay0 pt=96 config-interval=1 )"
)
factory.set_shared(True)
server = GstRtspServer.RTSPServer()
server.set_address("127.0.0.1")
server.set_service(arguments.port)
if arguments.login:
    user, word = arguments.login.split(":")
    auth = GstRtspServer.RTSPAuth()
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "viewer")
    auth.add_basic(GstRtspServer.RTSPAuth.make_basic(user, word), token)
    server.set_auth(auth)
    factory.add_role_from_structure(
        Gst.Structure.from_string("viewer,media.factory.access=true,media.factory.construct=true")[0]
    )
server.get_mount_points().add_factory("/thermal", factory)
if not server.attach(None):
    sys.exit("no port to listen on")
print(server.get_bound_port(), flush=True)  # noqa: T201 - the test reads it
GLib.MainLoop().run()
