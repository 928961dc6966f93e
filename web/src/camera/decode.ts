import { codecName, fromBase64, type Header, type Message } from './message'

/** A decoded picture with the header of the very message it came in. Whoever gets it closes it. */
export interface Shown {
  header: Header
  image: VideoFrame | ImageBitmap
}

export interface Decoder {
  push(message: Message): void
  close(): void
}

export type Show = (shown: Shown) => void

/** Whether this browser decodes H.264 itself: WebCodecs needs a secure context and a codec. */
export async function canDecodeH264(): Promise<boolean> {
  if (typeof VideoDecoder === 'undefined') return false
  try {
    return (await VideoDecoder.isConfigSupported({ codec: 'avc1.64001f' })).supported === true
  } catch {
    return false
  }
}

/**
 * Headers of pictures that are being decoded, by the decoder's own time stamps. Stamps are counted here, because times in
 * nanoseconds do not fit the decoder's microseconds one to one.
 */
export class Pairing {
  private next = 1
  private readonly waiting = new Map<number, Header>()

  constructor(private readonly most = 64) {}

  add(header: Header): number {
    const stamp = this.next++
    this.waiting.set(stamp, header)
    if (this.waiting.size > this.most) this.waiting.delete(this.waiting.keys().next().value as number)
    return stamp
  }

  take(stamp: number): Header | undefined {
    const header = this.waiting.get(stamp)
    this.waiting.delete(stamp)
    return header
  }

  clear(): void {
    this.waiting.clear()
  }
}

/** Decodes H.264 by WebCodecs and JPEG by the browser's own decoder, in the order in which the pictures came. */
export class PictureDecoder implements Decoder {
  private decoder: VideoDecoder | undefined
  private description = ''
  private needsKey = true
  private closed = false
  private jpegs: Promise<void> = Promise.resolve()
  private jpegsWaiting = 0
  private readonly pairing = new Pairing()

  constructor(
    private readonly show: Show,
    private readonly failed: (error: unknown) => void,
  ) {}

  push(message: Message): void {
    if (this.closed) return
    if (message.header.codec === 'jpeg') this.pushJpeg(message)
    else this.pushH264(message)
  }

  close(): void {
    this.closed = true
    this.reset()
  }

  private pushJpeg({ header, data }: Message): void {
    this.reset()
    // Whoever decodes too slowly shows fewer pictures, not older ones.
    if (this.jpegsWaiting > 2 || header.lead) return
    this.jpegsWaiting++
    const bitmap = createImageBitmap(new Blob([data], { type: 'image/jpeg' }))
    this.jpegs = this.jpegs.then(async () => {
      try {
        const image = await bitmap
        if (this.closed) image.close()
        else this.show({ header, image })
      } catch (error) {
        this.failed(error)
      } finally {
        this.jpegsWaiting--
      }
    })
  }

  private pushH264({ header, data }: Message): void {
    if (header.key && header.description && (!this.decoder || header.description !== this.description)) {
      this.begin(header)
    }
    if (!this.decoder || (this.needsKey && !header.key)) return
    this.needsKey = false
    try {
      const timestamp = this.pairing.add(header)
      this.decoder.decode(new EncodedVideoChunk({ type: header.key ? 'key' : 'delta', timestamp, data }))
    } catch (error) {
      this.broken(error)
    }
  }

  private begin(header: Header): void {
    this.reset()
    const description = fromBase64(header.description ?? '')
    const decoder = new VideoDecoder({
      output: (image) => this.out(image),
      error: (error) => this.broken(error),
    })
    decoder.configure({
      codec: codecName(description),
      description,
      codedWidth: header.width,
      codedHeight: header.height,
      optimizeForLatency: true,
    })
    this.decoder = decoder
    this.description = header.description ?? ''
  }

  private out(image: VideoFrame): void {
    const header = this.pairing.take(image.timestamp)
    if (!header || header.lead || this.closed) image.close()
    else this.show({ header, image })
  }

  private broken(error: unknown): void {
    this.reset()
    this.failed(error)
  }

  private reset(): void {
    const decoder = this.decoder
    this.decoder = undefined
    this.needsKey = true
    this.pairing.clear()
    if (decoder && decoder.state !== 'closed') decoder.close()
  }
}
