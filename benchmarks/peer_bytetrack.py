"""The peer of `speed.py`, run inside `.venv-peers`: MOG2, connected components and ByteTrack on a video.

Prints one line of JSON: frames, cpu_s (after a warm-up on the first frames, decoding included), blobs, tracks.
"""

import json
import resource
import sys
import warnings

import av
import cv2
import numpy as np

WARM_UP_FRAMES = 50
LEAST_AREA_PX = 10


def main() -> None:
    """Run the peer on the video named by the first argument."""
    import supervision as sv  # noqa: PLC0415 - only this environment has it
    from trackers import ByteTrackTracker  # noqa: PLC0415 - the same

    warnings.simplefilter("ignore")
    cv2.setNumThreads(1)
    subtractor = cv2.createBackgroundSubtractorMOG2()
    tracker = ByteTrackTracker(frame_rate=25)
    frames = blobs = 0
    seen: set[int] = set()
    start_s = _cpu_s()
    with av.open(sys.argv[1]) as container:
        stream = container.streams.video[0]
        stream.thread_type = "NONE"
        stream.codec_context.thread_count = 1
        for image in container.decode(stream):
            plane = image.planes[0]
            luma = np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)[:, : plane.width]
            boxes = components(subtractor.apply(luma))
            found = sv.Detections(xyxy=boxes, confidence=np.ones(len(boxes), np.float32))
            tracked = tracker.update(found)
            seen.update(int(number) for number in tracked.tracker_id if number >= 0)
            blobs += len(boxes)
            frames += 1
            if frames == WARM_UP_FRAMES:
                start_s = _cpu_s()
    cpu_s = _cpu_s() - start_s
    print(json.dumps({"frames": frames - WARM_UP_FRAMES, "cpu_s": cpu_s, "blobs": blobs, "tracks": len(seen)}))


def components(mask: np.ndarray) -> np.ndarray:
    """Boxes (N, 4) as x0, y0, x1, y1 of foreground components, shadows left out."""
    foreground = (mask == 255).astype(np.uint8)
    _, _, stats, _ = cv2.connectedComponentsWithStats(foreground)
    kept = stats[1:][stats[1:, cv2.CC_STAT_AREA] >= LEAST_AREA_PX]
    corners = kept[:, :4].astype(np.float32)
    corners[:, 2:] += corners[:, :2]
    return corners


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
