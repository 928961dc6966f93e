/** Lines of one colour, gathered as numbers and drawn at once: no array is made for each of thousands of points. */

export class Polylines {
  #xy = new Float64Array(1024)
  /** Whether a point begins a line. */
  #begins = new Uint8Array(512)
  #count = 0

  get empty(): boolean {
    return this.#count === 0
  }

  clear(): void {
    this.#count = 0
  }

  /** Begin a line. */
  move(x: number, y: number): void {
    this.#add(x, y, 1)
  }

  /** Draw on to a point. */
  line(x: number, y: number): void {
    this.#add(x, y, 0)
  }

  trace(context: Pick<CanvasPath, 'moveTo' | 'lineTo'>): void {
    for (let k = 0; k < this.#count; k++) {
      if (this.#begins[k]) context.moveTo(this.#xy[2 * k]!, this.#xy[2 * k + 1]!)
      else context.lineTo(this.#xy[2 * k]!, this.#xy[2 * k + 1]!)
    }
  }

  #add(x: number, y: number, begins: 0 | 1): void {
    if (this.#count === this.#begins.length) this.#grow()
    this.#xy[2 * this.#count] = x
    this.#xy[2 * this.#count + 1] = y
    this.#begins[this.#count++] = begins
  }

  #grow(): void {
    const [xy, begins] = [new Float64Array(2 * this.#xy.length), new Uint8Array(2 * this.#begins.length)]
    xy.set(this.#xy)
    begins.set(this.#begins)
    this.#xy = xy
    this.#begins = begins
  }
}
