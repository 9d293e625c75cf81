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
  /** 0 if all that follows is none. */
  readonly hasValues: number
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
export interface Run<Key extends RunKey> extends RunFields {
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
  #misses = 0
  #replaced = 0

  /** Returns the run that is at an offset; undefined if it is new. */
  find(bytes: Uint8Array, view: DataView, at: number): Run<Key> | undefined {
    const runs = this.#runs
    for (let index = 0; index < runs.length; index += 1) {
      const run = runs[index]
      if (run?.text.isAt(view, at) !== true) continue
      // What is before a text begins like what is before another value.
      if (run.isText === 1 || run.key === undefined || isBareAt(bytes, at + run.text.length)) return run
    }
    return undefined
  }

  /** Whether a run of so many bytes that was not found is to be remembered: not each, as a value may be new in every line. */
  isLearning(): boolean {
    this.#misses += 1
    return this.#misses <= LEARNED_AT_ONCE || this.#misses % LEARNED_EVERY === 0
  }

  /** Remembers a run. If there are too many, one of their values differs from line to line: it ends its run from now on. */
  learn(run: Run<Key>): void {
    if (run.text.length > RUN_BYTES_MAX) return
    if (this.#runs.length < RUNS_MAX) {
      this.#runs.push(run)
      return
    }
    const key = differingKey([...this.#runs, run])
    if (key === undefined) {
      this.#runs[this.#replaced % RUNS_MAX] = run
      this.#replaced += 1
      return
    }
    key.differs = 1
    this.#runs = []
    this.#misses = 0
  }
}

/** Returns the key whose value has the most forms; undefined if none has many. */
function differingKey(runs: readonly Run<RunKey>[]): RunKey | undefined {
  const forms = new Map<RunKey, Set<string>>()
  for (const { parts } of runs)
    for (const { key, value } of parts) {
      const values = forms.get(key)
      if (values === undefined) forms.set(key, new Set([value]))
      else values.add(value)
    }
  let found: RunKey | undefined
  let most = FORMS_MIN - 1
  for (const [key, { size }] of forms) {
    if (size <= most) continue
    most = size
    found = key
  }
  return found
}
