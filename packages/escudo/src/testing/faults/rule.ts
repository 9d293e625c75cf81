import { type Random, seededRandom } from '../../core/random.ts'
import type { CheckedRule, Fault, FaultMatch } from './plan.ts'

/** What a call says of itself, so that rules can fit it or not. */
export interface FaultTarget {
  readonly name?: string | undefined
  readonly method?: string | undefined
  /** Without the query. */
  readonly path?: string | undefined
}

/** A rule at work: it counts the calls that fit, and draws its own chance. */
export class ActiveRule {
  readonly fault: Fault
  readonly #rule: CheckedRule
  readonly #random: Random
  readonly #sinceMs: number
  #fitting = 0
  #hits = 0

  /** @param seed each rule has numbers of its own, so that a rule more or less changes nothing for the others */
  constructor(rule: CheckedRule, seed: number, sinceMs: number) {
    this.#rule = rule
    this.fault = rule.fault
    this.#random = seededRandom(seed)
    this.#sinceMs = sinceMs
  }

  /**
   * Sees a call go by. Every call that fits draws the same count of numbers, whether or not it is hit.
   *
   * @returns how long to wait first, for a call that is to be hit; undefined for any other
   */
  see(target: FaultTarget, now: number): number | undefined {
    if (!fits(this.#rule.match, target)) return undefined
    this.#fitting += 1
    const drawn = this.#random()
    const { latencyMs = 0, jitterMs = 0 } = this.fault
    const delayMs = Math.max(0, latencyMs + (this.#random() * 2 - 1) * jitterMs)
    const { nth, after = 0, rate = 1 } = this.#rule.match
    if (nth !== undefined && nth !== this.#fitting) return undefined
    if (this.#fitting <= after || drawn >= rate || !this.#isOn(now)) return undefined
    return this.#hits < (this.fault.times ?? Number.POSITIVE_INFINITY) ? delayMs : undefined
  }

  /** Counts a call that this rule has hit. */
  hit(): void {
    this.#hits += 1
  }

  #isOn(now: number): boolean {
    const { fromMs, forMs, everyMs } = this.#rule
    const passedMs = now - this.#sinceMs - fromMs
    if (passedMs < 0) return false
    return (everyMs === undefined ? passedMs : passedMs % everyMs) < forMs
  }
}

function fits({ name, method, path }: FaultMatch, target: FaultTarget): boolean {
  if (name !== undefined && name !== target.name) return false
  if (method !== undefined && method.toUpperCase() !== target.method?.toUpperCase()) return false
  return path === undefined || (target.path !== undefined && pathFits(path, target.path))
}

/** Whether a path fits a pattern with `*`. Piece by piece from the left, so that no pattern can make it slow. */
export function pathFits(pattern: string, path: string): boolean {
  const pieces = pattern.split('*')
  const first = pieces.shift() as string
  const last = pieces.pop()
  if (last === undefined) return path === first
  if (!path.startsWith(first)) return false
  let from = first.length
  for (const piece of pieces) {
    const at = path.indexOf(piece, from)
    if (at === -1) return false
    from = at + piece.length
  }
  return path.length - last.length >= from && path.endsWith(last)
}
