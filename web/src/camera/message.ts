/** Film messages: the length of a JSON header (u32, little-endian), the header, the coded picture. */

export interface Mark {
  track_id: number
  kind: string
  status: string
  x_px: number
  y_px: number
  w_px: number
  h_px: number
}

export interface Header {
  time_ns: number
  codec: 'h264' | 'jpeg'
  key: boolean
  width: number
  height: number
  marks: Mark[]
  description?: string
  /** Only later pictures need it: it is not to be shown. */
  lead?: boolean
}

export interface Message {
  header: Header
  data: Uint8Array<ArrayBuffer>
}

const text = new TextDecoder()

/** The header and what follows it. Throws where the bytes are no such message. */
export function split<H>(buffer: ArrayBuffer): { header: H; data: Uint8Array<ArrayBuffer> } {
  const length = new DataView(buffer).getUint32(0, true)
  if (length === 0 || 4 + length > buffer.byteLength) throw new RangeError(`a header of ${length} bytes`)
  const header = JSON.parse(text.decode(new Uint8Array(buffer, 4, length))) as H
  return { header, data: new Uint8Array(buffer, 4 + length) }
}

export function parse(buffer: ArrayBuffer): Message {
  return split<Header>(buffer)
}

export function fromBase64(encoded: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(encoded), (letter) => letter.charCodeAt(0))
}

/** The codec's name as WebCodecs wants it, from an avcC box. */
export function codecName(description: Uint8Array): string {
  const hex = (at: number) => (description[at] ?? 0).toString(16).padStart(2, '0')
  return `avc1.${hex(1)}${hex(2)}${hex(3)}`
}
