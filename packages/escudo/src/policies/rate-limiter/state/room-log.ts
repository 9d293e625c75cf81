interface Room {
  /** The number of the permits that were taken, among all. */
  readonly order: number
  /** How much the bucket could have held in addition, just before. In shares. */
  readonly room: number
}

// Only the smallest rooms matter, so the log is short. Beyond this the oldest two are merged into the smaller one: a
// refund may then be too small, never too large.
const ROOMS_MAX = 64

/**
 * How much a token bucket could have held in addition, whenever permits were taken.
 *
 * A refund puts back permits as if they had never been taken. If they had stayed in the bucket, it might have overflowed
 * meanwhile and lost them. The least room since then is what would still be there.
 */
export class RoomLog {
  #order = 0
  /** Ascending in both fields: a room that is followed by a smaller one never decides. */
  #rooms: Room[] = []

  /** The number of the permits that were taken last. */
  get order(): number {
    return this.#order
  }

  /** Permits were taken. */
  took(room: number): void {
    this.#order += 1
    while ((this.#rooms.at(-1)?.room ?? -1) >= room) this.#rooms.pop()
    this.#rooms.push({ order: this.#order, room })
    if (this.#rooms.length <= ROOMS_MAX) return
    const [oldest, next] = this.#rooms as [Room, Room]
    this.#rooms.splice(0, 2, { order: next.order, room: oldest.room })
  }

  /** The least room since some permits were taken. */
  leastSince(order: number): number {
    return this.#rooms.find((room) => room.order > order)?.room ?? Number.POSITIVE_INFINITY
  }

  /** Permits that were taken as number `order` were put back: there would have been less room since. */
  putBack(order: number, shares: number): void {
    const rooms = this.#rooms
    this.#rooms = []
    for (const entry of rooms) {
      const room = entry.order > order ? Math.max(0, entry.room - shares) : entry.room
      while ((this.#rooms.at(-1)?.room ?? -1) >= room) this.#rooms.pop()
      this.#rooms.push({ order: entry.order, room })
    }
  }
}
