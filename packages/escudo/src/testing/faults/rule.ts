import { type Random, seededRandom } from '../../core/random.ts'
import type { CheckedRule, Fault, FaultMatch } from './plan.ts'

/** The properties of a call that rules can match. */
export interface FaultTarget {
  readonly name?: string | undefined
  readonly method?: string | undefined
  /** The path without the query. */
  readonly path?: string | undefined
}

/** A rule with its state: counts of calls and its own random numbers. */
export class ActiveRule {
  readonly fault: Fault
  readonly #rule: CheckedRule
  readonly #random: Random
  readonly #sinceMs: number
  #matching = 0
  #hits = 0

  /** @param seed separate for each rule, so that adding or removing a rule does not change the others */
  constructor(rule: CheckedRule, seed: number, sinceMs: number) {
    this.#rule = rule
    this.fault = rule.fault
    this.#random = seededRandom(seed)
    this.#sinceMs = sinceMs
  }

  /**
   * Evaluates a call. Every matching call draws the same count of random numbers, whether or not it is hit.
   *
   * @returns the delay in milliseconds if the rule hits the call, else undefined
   */
  evaluate(target: FaultTarget, now: number): number | undefined {
    if (!matches(this.#rule.match, target)) return undefined
    this.#matching += 1
    const drawn = this.#random()
    const { latencyMs = 0, jitterMs = 0 } = this.fault
    const delayMs = Math.max(0, latencyMs + (this.#random() * 2 - 1) * jitterMs)
    const { nth, after = 0, rate = 1 } = this.#rule.match
    if (nth !== undefined && nth !== this.#matching) return undefined
    if (this.#matching <= after || drawn >= rate || !this.#isOn(now)) return undefined
    return this.#hits < (this.fault.times ?? Number.POSITIVE_INFINITY) ? delayMs : undefined
  }

  /** Counts a call that this rule has hit. */
  countHit(): void {
    this.#hits += 1
  }

  #isOn(now: number): boolean {
    const { fromMs, forMs, everyMs } = this.#rule
    const passedMs = now - this.#sinceMs - fromMs
    if (passedMs < 0) return false
    return (everyMs === undefined ? passedMs : passedMs % everyMs) < forMs
  }
}

function matches({ name, method, path }: FaultMatch, target: FaultTarget): boolean {
  if (name !== undefined && name !== target.name) return false
  if (method !== undefined && method.toUpperCase() !== target.method?.toUpperCase()) return false
  return path === undefined || (target.path !== undefined && pathMatches(path, target.path))
}

/** Whether a path matches a pattern with `*`. Not a regular expression, because a pattern could make that very slow. */
export function pathMatches(pattern: string, path: string): boolean {
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
