"""Something that differs from the scene in one frame."""

from marsad.kernel.record import Record


class Box(Record):
    """A rectangle in full-resolution pixels; (x, y) is the outer corner of its top left pixel, y down."""

    x_px: float
    y_px: float
    w_px: float
    h_px: float

    @property
    def centre_px(self) -> tuple[float, float]:
        """The middle of the box."""
        return self.x_px + self.w_px / 2, self.y_px + self.h_px / 2

    @property
    def foot_px(self) -> tuple[float, float]:
        """The middle of the lower edge: where a standing object meets the ground."""
        return self.x_px + self.w_px / 2, self.y_px + self.h_px


class Detection(Record):
    """One connected difference from the learnt scene.

    `contrast_counts` is the mean difference, positive when warmer than what lies behind it; `snr` its peak in units
    of the pixel noise there; `area_px` the number of pixels that differ.
    """

    box: Box
    area_px: int
    contrast_counts: float
    snr: float
    confidence: float
