/** A client that took nothing for this long is stuck: its program may be stopped. */
const STUCK_MS_MAX = 60_000

/** Watches the unsent bytes of a client. */
export class Unsent {
  #sinceMs = 0
  #bytes = 0

  /**
   * Whether the client has taken nothing for a minute of what was sent to it. It would keep others out.
   *
   * @param bytes how many bytes are unsent now
   * @param nowMs the clock of the process
   */
  isStuck(bytes: number, nowMs: number): boolean {
    // Sending only adds bytes: fewer mean that some were taken.
    if (bytes === 0 || this.#bytes === 0 || bytes < this.#bytes) this.#sinceMs = nowMs
    this.#bytes = bytes
    return nowMs - this.#sinceMs > STUCK_MS_MAX
  }
}
