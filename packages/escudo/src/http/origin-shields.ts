import { withoutFreshWarning } from '../core/registry.ts'
import type { Shield } from '../core/shield-types.ts'
import { standardShield } from '../policies/standard-shield/standard-shield.ts'

const NAME_LENGTH_MAX = 100

/** Keeps a standard shield for each origin: a failing host must not open the circuit of another. */
export class OriginShields {
  readonly #name: string
  readonly #baseOrigin: string | undefined
  readonly #max: number
  // Least recently used first.
  readonly #shields = new Map<string, Shield>()
  /** The most recently used one. Most clients have one origin. */
  #latest: { readonly origin: string; readonly shield: Shield } | undefined

  /** @param max how many origins are kept; beyond it the least recently used one is dropped */
  constructor(name: string, baseOrigin: string | undefined, max: number) {
    this.#name = name
    this.#baseOrigin = baseOrigin
    this.#max = max
  }

  /** The shields that are kept, least recently used first. */
  get all(): readonly Shield[] {
    return [...this.#shields.values()]
  }

  of(origin: string): Shield {
    if (this.#latest?.origin === origin) return this.#latest.shield
    const known = this.#shields.get(origin)
    const shield = known ?? this.#create(origin)
    if (known !== undefined) this.#shields.delete(origin)
    this.#shields.set(origin, shield)
    this.#latest = { origin, shield }
    return shield
  }

  #create(origin: string): Shield {
    const full = this.#shields.size >= this.#max
    if (full) {
      for (const leastRecent of this.#shields.keys()) {
        this.#shields.delete(leastRecent)
        break
      }
    }
    const name =
      origin === this.#baseOrigin
        ? this.#name
        : `${this.#name}@${origin.replace(/^[a-z]+:\/\//, '') || 'unknown'}`.slice(0, NAME_LENGTH_MAX)
    // A dropped origin that returns is built again. That follows from the bound, not from a mistake.
    return full ? withoutFreshWarning(() => standardShield(name)) : standardShield(name)
  }
}
