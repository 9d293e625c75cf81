import { isBareAt } from './scan-values.ts'
import type { Literal } from './words.ts'

/** The most runs after one value. */
const RUNS_MAX = 8
/** After this many lines without a known run, only some of the further ones are remembered. */
const LEARNED_AT_ONCE = 64
const LEARNED_EVERY = 64
/** A longer run is read key by key. */
const RUN_BYTES_MAX = 1_024
/** A value with this many forms among the runs differs from line to line. */
const FORMS_MIN = 4
/** With fewer runs found for each one that is not, even a value with two forms does. */
const FOUND_MIN = 4
/** With more of them, a run would have one key. */
const DIFFERING_MAX = 16
/** If runs do not help, so many of them are not looked for: what comes later may be other lines. */
const UNLEARNED = 65_536

/** A key of lines. */
export interface RunKey {
  /** 1 if its value differs from line to line, so that it is in no run. */
  differs: number
}

/** What the values of a run mean for a row. */
export interface RunFields {
  /** The known keys, a bit each. */
  readonly seen: number
  readonly flags: number
  // Numbers; 0 for none.
  readonly service: number
  readonly route: number
  readonly instance: number
  readonly host: number
  readonly status: number
  /** -1 for none. */
  readonly pid: number
  /** Where the route is, counted from the start of the run. */
  readonly routeStart: number
  readonly routeEnd: number
}

/** A key of a run and its value, as text. */
export interface RunPart<Key extends RunKey> {
  readonly key: Key
  readonly value: string
}

/**
 * What a line has between two values that differ from line to line: keys, and values that lines share.
 *
 * It is compared as a whole, which is several times faster than reading each key and value.
 */
export interface Run<Key extends RunKey> {
  readonly fields: RunFields
  /** All from the comma or brace after a value to the first byte of the next one; after its quote if it is a text. */
  readonly text: Literal
  readonly parts: readonly RunPart<Key>[]
  /** The key whose value follows; undefined at the end of a line. */
  readonly key: Key | undefined
  /** 1 if a text follows, 0 for another value: a number is compared faster than a boolean. */
  readonly isText: number
}

/** The runs that came after one value. */
export class Runs<Key extends RunKey> {
  #runs: Run<Key>[] = []
  #found = 0
  #misses = 0

  /** Returns the run that is at an offset; undefined if it is new. */
  find(bytes: Uint8Array, view: DataView, at: number): Run<Key> | undefined {
    const runs = this.#runs
    for (let index = 0; index < runs.length; index += 1) {
      const run = runs[index]
      if (run?.text.isAt(view, at) !== true) continue
      // What is before a text begins like what is before another value.
      if (run.isText === 1 || run.key === undefined || isBareAt(bytes, at + run.text.length)) {
        this.#found += 1
        return run
      }
    }
    return undefined
  }

  /** Whether a run that was not found is to be remembered: not each, as a value may be new in every line. */
  isLearning(): boolean {
    this.#misses += 1
    return this.#misses > 0 && (this.#misses <= LEARNED_AT_ONCE || this.#misses % LEARNED_EVERY === 0)
  }

  /**
   * Remembers a run. If there are too many, one of their values differs from line to line: it ends its run from now on.
   *
   * Most runs must be found: to compare all of them in vain takes longer than to read a run key by key.
   */
  learn(run: Run<Key>): void {
    if (run.text.length > RUN_BYTES_MAX) return
    if (this.#runs.length < RUNS_MAX) {
      this.#runs.push(run)
      return
    }
    const isFound = this.#found >= this.#misses * FOUND_MIN
    const differing = differingKeys([...this.#runs, run], isFound ? FORMS_MIN : 2)
    const [key] = differing
    this.#found = 0
    this.#misses = LEARNED_AT_ONCE
    if (key === undefined && isFound) return
    this.#runs = []
    if (key === undefined || differing.length > DIFFERING_MAX) this.#misses = -UNLEARNED
    else {
      key.differs = 1
      this.#misses = 0
    }
  }
}

/** Returns the keys whose values have many forms, the one with the most first. */
function differingKeys(runs: readonly Run<RunKey>[], formsMin: number): readonly RunKey[] {
  const forms = new Map<RunKey, Set<string>>()
  for (const { parts } of runs)
    for (const { key, value } of parts) {
      const values = forms.get(key)
      if (values === undefined) forms.set(key, new Set([value]))
      else values.add(value)
    }
  return [...forms]
    .filter(([, { size }]) => size >= formsMin)
    .sort(([, a], [, b]) => b.size - a.size)
    .map(([key]) => key)
}
