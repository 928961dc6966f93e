"""Decoding alone, on one thread: `python benchmarks/peer_decode.py VIDEO` prints frames and CPU seconds as JSON."""

import json
import resource
import sys

import av
import numpy as np

WARM_UP_FRAMES = 50


def main() -> None:
    """Decode every frame and look at its luma plane, without copying it."""
    frames = 0
    start_s = _cpu_s()
    with av.open(sys.argv[1]) as container:
        stream = container.streams.video[0]
        stream.thread_type = "NONE"
        stream.codec_context.thread_count = 1
        for image in container.decode(stream):
            plane = image.planes[0]
            luma = np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)[:, : plane.width]
            frames += luma.shape[0] > 0
            if frames == WARM_UP_FRAMES:
                start_s = _cpu_s()
    print(json.dumps({"frames": frames - WARM_UP_FRAMES, "cpu_s": _cpu_s() - start_s}))


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
