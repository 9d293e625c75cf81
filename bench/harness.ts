import { allocatedBytes } from './allocation.ts'
import { medianRatio, quantile } from './statistics.ts'

/** One comparison: contenders with the same semantics. */
export interface Group {
  /** Unique, for example `five policies, success`. */
  readonly name: string
  /** Builds the contenders when the group is selected. Throws {@link NotAvailable} if the library lacks a feature. */
  readonly build: () => readonly Contender[] | Promise<readonly Contender[]>
  /**
   * Measured in a separate process. Set for groups that watch calls: the library's code for a call has then seen other
   * kinds of frames, and the engine optimises it less, even when no call is watched any more.
   */
  readonly alone?: true
}

/** One implementation in a group. */
export interface Contender {
  /** `bare`, `escudo` or a peer. */
  readonly by: string
  /**
   * Makes `calls` calls and returns how many gave the expected result. The harness throws unless all did. This consumes
   * the results, and a wrong case cannot look like a fast one.
   */
  readonly run: (calls: number) => Promise<number>
  /** The number of concurrent calls, made once in each round. */
  readonly atOnce?: number
  /** Releases timers and other resources. */
  readonly close?: () => void
}

/** The library lacks the feature that a group measures. */
export class NotAvailable extends Error {}

/** The measurement of one contender of one group. */
export interface Measured {
  readonly group: string
  readonly by: string
  /** Processor time of a call in nanoseconds: the median of the rounds. */
  readonly nsPerCall: number
  /** First and third quartile of the rounds, in nanoseconds. They show the noise of the machine. */
  readonly quartilesNs: readonly [number, number]
  /** This time divided by the time of the bare case in the same round: the median of the rounds. */
  readonly timesBare: number | undefined
  /** The same, divided by the time of escudo. */
  readonly timesEscudo: number | undefined
  /** Bytes allocated by a call. */
  readonly bytesPerCall: number
  /** Nanoseconds of a call, for each round. */
  readonly roundsNs: readonly number[]
}

/** What was measured. */
export interface Measurements {
  readonly results: Measured[]
  /** The groups that could not be measured, and why. */
  readonly notes: string[]
  /** The number of calls with the expected result. */
  readonly consumed: number
}

/** The amount of measuring. */
export interface Effort {
  readonly rounds: number
  readonly roundMs: number
  /** Receives the name of each step before it runs. */
  readonly onProgress?: (step: string) => void
}

interface Entry extends Contender {
  readonly group: string
  callsPerRound: number
  readonly roundsNs: number[]
}

/** The warm-up lasts as long as this number of rounds. */
const WARM_UP_ROUNDS = 5
const CALLS_MIN = 100
const MEASURABLE_MS = 0.001
const ALLOCATION_SAMPLES = 5
const ALLOCATION_CALLS_MAX = 20_000

/**
 * Measures all groups in one process, interleaved. Every round runs each contender once and starts with a different one.
 * This spreads a slow moment of the machine, or garbage of the previous contender, over all contenders.
 */
export async function measure(groups: readonly Group[], effort: Effort): Promise<Omit<Measurements, 'consumed'>> {
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
    for (let offset = 0; offset < entries.length; offset += 1) {
      const entry = entries[(offset + round) % entries.length] as Entry
      entry.roundsNs.push(await nsPerCall(entry, entry.callsPerRound))
    }
  }
  onProgress?.('bytes')
  const results: Measured[] = []
  for (const entry of entries) results.push(await resultOf(entry, entries))
  for (const { close } of entries) close?.()
  return { results, notes }
}

/** The contenders of a group; none, and a note, if the library lacks the feature. */
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
  const callsPerRound = Math.max(CALLS_MIN, Math.round((roundMs * 1e6) / ns))
  entry.callsPerRound = entry.atOnce ?? callsPerRound
}

let consumed = 0

/** The number of calls with the expected result. */
export function consumedResults(): number {
  return consumed
}

async function nsPerCall(entry: Entry, calls: number): Promise<number> {
  const startedMs = processorMs()
  await runChecked(entry, calls)
  // Never 0, even with a coarse clock, because ratios divide by it.
  return (Math.max(MEASURABLE_MS, processorMs() - startedMs) * 1e6) / calls
}

async function runChecked(entry: Entry, calls: number): Promise<void> {
  const good = await entry.run(calls)
  if (good !== calls) {
    throw new Error(`'${entry.group}' by ${entry.by}: ${good} of ${calls} calls gave the expected result`)
  }
  consumed += good
}

/**
 * Processor time of the whole process in milliseconds, collections included. Unlike elapsed time, it excludes waits of
 * the calls and the time that other programs use.
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
