import type { ShieldEvents } from '../../core/events/events.ts'

// Bounds the memory: with `perKey`, each key has a circuit. The circuit that opened longest ago is forgotten first, and
// its open period is not measured.
const CIRCUITS_MAX = 10_000

/** When each circuit that is open now was opened. */
export class OpenPeriods {
  readonly #openedAt = new Map<string, number>()

  /** Handles a state change. Returns how long the circuit was open, in milliseconds, if it was opened before. */
  change({ shield, policy, key, from, to, at }: ShieldEvents['stateChange']): number | undefined {
    const circuit = JSON.stringify([shield, policy, key])
    const openedAt = from === 'open' ? this.#openedAt.get(circuit) : undefined
    this.#openedAt.delete(circuit)
    if (to === 'open') {
      if (this.#openedAt.size >= CIRCUITS_MAX) this.#forgetOldest()
      this.#openedAt.set(circuit, at)
    }
    return openedAt === undefined ? undefined : at - openedAt
  }

  #forgetOldest(): void {
    for (const circuit of this.#openedAt.keys()) {
      this.#openedAt.delete(circuit)
      return
    }
  }
}
