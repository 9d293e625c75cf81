import { MS_PER, type Unit } from './units.ts'

/** What a format says about durations whose name does not tell their unit. */
export interface UnitRule {
  readonly unit: Unit
  /**
   * `certain`: the format has only this unit. `likely`: it is a default that programs change, so the spread of the
   * file's values must agree with it.
   */
  readonly confidence: 'certain' | 'likely'
  /** Whether the format writes this unit only as integers, or never all values as integers. */
  readonly integers?: 'always' | 'sometimes'
}

/** A longer request is not believed. */
export const LATENCY_MS_MAX = 86_400_000
/** The median of a file's requests must be within these for a likely unit. */
const MEDIAN_MS_MIN = 0.02
const MEDIAN_MS_MAX = 10_000
const SAMPLES_MAX = 256
/** From this many values on the decision is final: a slow hour must not hide its latencies. */
const FINAL_SAMPLES = 64
/** How far the medians of two keys in one file may differ for one to tell the unit of the other. */
const NEIGHBOUR_FACTOR_MAX = 100

/** The evidence of a judge, to be written into a file. */
export interface JudgeState {
  readonly evidence: ReadonlyMap<string, EvidenceState>
  readonly doubts: ReadonlyMap<string, number>
}

interface EvidenceState {
  readonly values: readonly number[]
  readonly areIntegers: boolean
  readonly unit: Unit | null | undefined
  readonly decidedAt: number
}

class Evidence {
  readonly values: number[] = []
  areIntegers = true
  /** Undefined until it is decided; null for a doubt. */
  unit: Unit | null | undefined
  decidedAt = 0

  get median(): number {
    const sorted = this.values.toSorted((a, b) => a - b)
    return sorted[Math.floor((sorted.length - 1) / 2)] ?? 0
  }
}

/**
 * Decides the units of one file's durations.
 *
 * A wrong latency is worse than none. Where the format does not make the unit certain, the values must agree with it.
 */
export class UnitJudge {
  readonly #evidence = new Map<string, Evidence>()
  readonly #doubts = new Map<string, number>()
  #isLearning = false

  /** The durations whose unit is in doubt, each with its number of lines. */
  get doubts(): ReadonlyMap<string, number> {
    return this.#doubts
  }

  /** All evidence. */
  get state(): JudgeState {
    const evidence = [...this.#evidence].map(([key, { values, areIntegers, unit, decidedAt }]) => {
      return [key, { values, areIntegers, unit, decidedAt }] as const
    })
    return { evidence: new Map(evidence), doubts: this.#doubts }
  }

  /** Takes the evidence of a {@link state}. */
  restore({ evidence, doubts }: JudgeState): void {
    for (const [key, { values, areIntegers, unit, decidedAt }] of evidence) {
      const one = Object.assign(new Evidence(), { areIntegers, unit, decidedAt })
      one.values.push(...values)
      this.#evidence.set(key, one)
    }
    for (const [name, lines] of doubts) this.#doubts.set(name, lines)
  }

  /** Returns the milliseconds of a value; undefined if it is invalid or its unit is in doubt. Learns from the value. */
  milliseconds(format: string, name: string, value: number, rule: UnitRule | undefined): number | undefined {
    if (!Number.isFinite(value) || value < 0) return undefined
    const key = `${format}\u0000${name}`
    let evidence = this.#evidence.get(key)
    if (evidence === undefined) {
      evidence = new Evidence()
      this.#evidence.set(key, evidence)
    }
    if (evidence.values.length < SAMPLES_MAX) {
      evidence.values.push(value)
      if (!Number.isInteger(value)) evidence.areIntegers = false
    }
    const unit = rule?.confidence === 'certain' ? rule.unit : this.#decide(evidence, name, rule)
    if (unit === null) {
      if (!this.#isLearning) this.#doubts.set(name, (this.#doubts.get(name) ?? 0) + 1)
      return undefined
    }
    evidence.unit = unit
    return bounded(value * MS_PER[unit])
  }

  /** Learns from values that are not counted: they are read again afterwards. */
  learn(readValues: () => void): void {
    this.#isLearning = true
    readValues()
    this.#isLearning = false
  }

  #decide(evidence: Evidence, name: string, rule: UnitRule | undefined): Unit | null {
    const { length } = evidence.values
    const isDue = length <= 8 || length >= evidence.decidedAt * 2
    if (evidence.unit !== undefined && (evidence.decidedAt >= FINAL_SAMPLES || !isDue)) return evidence.unit
    evidence.decidedAt = length
    evidence.unit =
      rule === undefined ? (this.#ofNeighbour(evidence, name) ?? inferred(evidence)) : checked(evidence, rule)
    return evidence.unit
  }

  /** The unit of the same name in a format that this file has too, if the values are of a similar size. */
  #ofNeighbour(evidence: Evidence, name: string): Unit | undefined {
    for (const [key, other] of this.#evidence) {
      if (other === evidence || !key.endsWith(`\u0000${name}`) || other.unit === null || other.unit === undefined)
        continue
      const factor = (evidence.median + Number.EPSILON) / (other.median + Number.EPSILON)
      if (factor <= NEIGHBOUR_FACTOR_MAX && factor >= 1 / NEIGHBOUR_FACTOR_MAX) return other.unit
    }
    return undefined
  }
}

/** Bounds a latency: a longer one than a day is an error of its logger. */
export function bounded(ms: number): number | undefined {
  return ms >= 0 && ms <= LATENCY_MS_MAX ? ms : undefined
}

function checked(evidence: Evidence, rule: UnitRule): Unit | null {
  if (rule.integers === 'always' && !evidence.areIntegers) return null
  const median = evidence.median * MS_PER[rule.unit]
  // Zeros tell nothing.
  if (median === 0) return rule.unit
  if (rule.integers === 'sometimes' && evidence.areIntegers) return null
  return median >= MEDIAN_MS_MIN && median <= MEDIAN_MS_MAX ? rule.unit : null
}

/** Without a format, only a small fraction is certain: in any unit but seconds it would be shorter than any request. */
function inferred(evidence: Evidence): Unit | null {
  const { median } = evidence
  return median > 0 && median < MEDIAN_MS_MIN && !evidence.areIntegers ? 's' : null
}
