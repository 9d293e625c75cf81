/** The most shields that a line names. */
const SHIELDS_MAX = 20

/** The shields that answered with a substitute, for the last log line of a request. */
export class DegradedShields {
  #names: Set<string> | undefined

  add(shield: string): void {
    this.#names ??= new Set()
    if (this.#names.size < SHIELDS_MAX) this.#names.add(shield)
  }

  /** Their names; undefined if there is none. */
  get list(): readonly string[] | undefined {
    return this.#names === undefined ? undefined : [...this.#names]
  }
}
