import type { Shield } from '../core/shield.ts'
import { standardShield } from '../policies/standard-shield/standard-shield.ts'

const NAME_LENGTH_MAX = 100

/** A standard shield for each origin: one host that fails must not open the circuit of another. */
export class OriginShields {
  readonly #name: string
  readonly #baseOrigin: string | undefined
  readonly #max: number
  // In the order of their last use.
  readonly #shields = new Map<string, Shield>()

  /** @param max how many origins are remembered; beyond it the one that was not used for the longest time goes */
  constructor(name: string, baseOrigin: string | undefined, max: number) {
    this.#name = name
    this.#baseOrigin = baseOrigin
    this.#max = max
  }

  of({ origin, host }: URL): Shield {
    const known = this.#shields.get(origin)
    if (known !== undefined) {
      this.#shields.delete(origin)
      this.#shields.set(origin, known)
      return known
    }
    if (this.#shields.size >= this.#max) {
      for (const oldest of this.#shields.keys()) {
        this.#shields.delete(oldest)
        break
      }
    }
    const name = origin === this.#baseOrigin ? this.#name : `${this.#name}@${host}`.slice(0, NAME_LENGTH_MAX)
    const made = standardShield(name)
    this.#shields.set(origin, made)
    return made
  }
}
