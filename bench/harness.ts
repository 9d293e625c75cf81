import { allocatedBytes } from './allocation.ts'
import { medianRatio, quantile } from './statistics.ts'

/** What is measured: one question, put to everybody who has an answer with the same semantics. */
export interface Group {
  /** `five policies, success`. Unique. */
  readonly name: string
  /** Builds what is measured, once the group is chosen. Throws {@link NotAvailable} where the library lacks it. */
  readonly build: () => readonly Contender[] | Promise<readonly Contender[]>
}

/** One who answers a group's question. */
export interface Contender {
  /** `bare`, `escudo`, or a peer. */
  readonly by: string
  /**
   * Makes `calls` calls and tells how many came to what the group says: all of them, or the harness throws. So results
   * are consumed, and a case that does something else than its name says cannot pass for a fast one.
   */
  readonly run: (calls: number) => Promise<number>
  /** How many calls are made at the same time and wait together: once a round. */
  readonly atOnce?: number
  /** Ends what the contender keeps running. */
  readonly close?: () => void
}

/** The library cannot do what a group asks for. */
export class NotAvailable extends Error {}

/** What was measured of one contender of one group. */
export interface Measured {
  readonly group: string
  readonly by: string
  /** Median over the rounds, nanoseconds of processor time a call. */
  readonly nsPerCall: number
  /** The rounds' first and third quartile, nanoseconds: how noisy the machine was. */
  readonly quartilesNs: readonly [number, number]
  /** Median over the rounds of this time by the time of the group's bare case in the same round. */
  readonly timesBare: number | undefined
  /** The same by escudo's time. */
  readonly timesEscudo: number | undefined
  /** Bytes allocated a call. */
  readonly bytesPerCall: number
  /** Every round, nanoseconds a call. */
  readonly roundsNs: readonly number[]
}

/** How much is measured. */
export interface Effort {
  readonly rounds: number
  readonly roundMs: number
  /** Told of what is done next. */
  readonly onProgress?: (step: string) => void
}

interface Entry extends Contender {
  readonly group: string
  callsPerRound: number
  readonly roundsNs: number[]
}

// In rounds: calls are made for so long before the first one counts, and bytes are counted over so long a time.
const WARM_UP_ROUNDS = 5
const CALLS_MIN = 100
const MEASURABLE_MS = 0.001
const ALLOCATION_SAMPLES = 5
const ALLOCATION_CALLS_MAX = 20_000

/**
 * Measures all groups in one process, interleaved: every round runs each contender once, and each round begins with
 * another one, so that a slow moment of the machine, or what a neighbour leaves behind, falls on all alike.
 */
export async function measure(
  groups: readonly Group[],
  effort: Effort,
): Promise<{ readonly results: Measured[]; readonly notes: string[] }> {
  const { rounds, roundMs, onProgress } = effort
  const notes: string[] = []
  const entries: Entry[] = []
  for (const { name, build } of groups) {
    onProgress?.(`warm-up: ${name}`)
    for (const contender of await contenders(name, build, notes)) {
      const entry = { ...contender, group: name, callsPerRound: 0, roundsNs: [] }
      await warmUp(entry, roundMs)
      entries.push(entry)
    }
  }
  for (let round = 0; round < rounds; round += 1) {
    onProgress?.(`round ${round + 1} of ${rounds}`)
    for (let place = 0; place < entries.length; place += 1) {
      const entry = entries[(place + round) % entries.length] as Entry
      entry.roundsNs.push(await nsPerCall(entry, entry.callsPerRound))
    }
  }
  onProgress?.('bytes')
  const results: Measured[] = []
  for (const entry of entries) results.push(await resultOf(entry, entries))
  for (const { close } of entries) close?.()
  return { results, notes }
}

/** What the library lacks is said, and measures nothing. */
async function contenders(name: string, build: Group['build'], notes: string[]): Promise<readonly Contender[]> {
  try {
    return await build()
  } catch (error) {
    if (!(error instanceof NotAvailable)) throw error
    notes.push(`${name}: not available: ${error.message}`)
    return []
  }
}

async function warmUp(entry: Entry, roundMs: number): Promise<void> {
  let calls = entry.atOnce ?? CALLS_MIN
  let spentMs = 0
  let ns = Number.POSITIVE_INFINITY
  while (spentMs < WARM_UP_ROUNDS * roundMs) {
    ns = await nsPerCall(entry, calls)
    const tookMs = (ns * calls) / 1e6
    spentMs += tookMs
    if (tookMs < roundMs) calls *= 2
  }
  const wanted = Math.max(CALLS_MIN, Math.round((roundMs * 1e6) / ns))
  entry.callsPerRound = entry.atOnce ?? wanted
}

let consumed = 0

/** How many calls came to what they should. */
export function consumedResults(): number {
  return consumed
}

async function nsPerCall(entry: Entry, calls: number): Promise<number> {
  const startedMs = processorMs()
  await runChecked(entry, calls)
  // Never 0, which a short while can be by a coarse clock: ratios are made of this.
  return (Math.max(MEASURABLE_MS, processorMs() - startedMs) * 1e6) / calls
}

async function runChecked(entry: Entry, calls: number): Promise<void> {
  const good = await entry.run(calls)
  if (good !== calls) {
    throw new Error(`'${entry.group}' by ${entry.by}: ${good} of ${calls} calls came to what the group says`)
  }
  consumed += good
}

/**
 * Processor time of the whole process, in milliseconds: what a core has to give for it, collections included. Neither a
 * wait of the calls nor another program that wants the processor shows in it, as both would by the clock on the wall.
 */
function processorMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1_000
}

async function resultOf(entry: Entry, entries: readonly Entry[]): Promise<Measured> {
  const { group, by, roundsNs, callsPerRound } = entry
  const timesOf = (name: string): number | undefined => {
    const other = entries.find((one) => one.group === group && one.by === name)
    return other === undefined ? undefined : medianRatio(roundsNs, other.roundsNs)
  }
  const calls = entry.atOnce ?? Math.min(callsPerRound, ALLOCATION_CALLS_MAX)
  const bytes: number[] = []
  for (let sample = 0; sample < ALLOCATION_SAMPLES; sample += 1) {
    bytes.push((await allocatedBytes(() => runChecked(entry, calls))) / calls)
  }
  return {
    group,
    by,
    nsPerCall: quantile(roundsNs, 0.5),
    quartilesNs: [quantile(roundsNs, 0.25), quantile(roundsNs, 0.75)],
    timesBare: timesOf('bare'),
    timesEscudo: timesOf('escudo'),
    bytesPerCall: quantile(bytes, 0.5),
    roundsNs,
  }
}
