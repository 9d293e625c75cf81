import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { quantile } from '../statistics.ts'
import type { LoadResult } from './load.ts'
import type { Running } from './processes.ts'
import type { Stage } from './stage.ts'

/** A row of the report. */
export interface CaseName {
  readonly group: string
  readonly by: string
}

/** One process under one kind of load. */
export interface Case extends CaseName {
  /** The process whose processor time counts. */
  readonly measured: Running
  /** The log file that gets at least one line for each request. */
  readonly logFile?: string
  /** Brings the process into its state before each load, for example opens a circuit. */
  readonly prepare?: () => Promise<void>
  /** Sends requests, or makes calls, for `forMs`, or until `requestsMax` are answered. */
  readonly run: (forMs: number, requestsMax?: number) => Promise<LoadResult>
}

/** Groups that are measured together, in the same rounds. */
export interface Suite {
  readonly groups: readonly string[]
  /** The case that the cases of a group are compared with. */
  readonly baselineOf: (group: string) => CaseName
  /** Starts what the groups need. Adds a note for a case that is not available. */
  readonly cases: (stage: Stage, groups: readonly string[], notes: string[]) => Promise<readonly Case[]>
}

/** The figures of one case in one round. */
export interface Round {
  /** Processor time of a request or call, in microseconds. */
  readonly cpuUs: number
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** The share of the time that the process was running: its processor time by the elapsed time. */
  readonly busy: number
}

/** The measurement of one case. */
export interface Measured extends CaseName {
  readonly rounds: readonly Round[]
}

/** The amount of measuring. */
export interface Effort {
  readonly rounds: number
  readonly roundMs: number
  /** A folder for profiles. They are recorded in one more round, which does not count. */
  readonly profiles?: string | undefined
  readonly onProgress: (step: string) => void
  readonly wait: (ms: number) => Promise<unknown>
}

/** Rounds of each case before the first one that counts. */
const WARM_UP_ROUNDS = 2
/** A batch of log lines may still be in memory when a load ends. */
const QUIET_MS = 150
const LOG_MS_MAX = 3_000
const NEWLINE = 10

/** Measures all cases, interleaved: every round runs each case once and starts with a different one. */
export async function measure(stage: Stage, cases: readonly Case[], effort: Effort): Promise<Measured[]> {
  const { rounds, profiles, onProgress } = effort
  const entries = cases.map((one) => ({ ...one, rounds: [] as Round[] }))
  for (const one of entries) {
    onProgress(`warm-up: ${one.group}, ${one.by}`)
    // Single rounds: what is prepared for a load, such as an open circuit, may not last for two.
    for (let round = 0; round < WARM_UP_ROUNDS; round += 1) await runCase(stage, one, effort)
  }
  for (let round = 0; round < rounds; round += 1) {
    for (let offset = 0; offset < entries.length; offset += 1) {
      const one = entries[(offset + round) % entries.length] as (typeof entries)[number]
      onProgress(`round ${round + 1} of ${rounds}: ${one.group}, ${one.by}`)
      one.rounds.push(await runCase(stage, one, effort))
    }
  }
  if (profiles !== undefined) for (const one of entries) await profile(stage, one, effort, profiles)
  return entries.map(({ group, by, rounds }) => ({ group, by, rounds }))
}

async function runCase(stage: Stage, one: Case, { roundMs, wait }: Effort): Promise<Round> {
  const { measured, prepare, run } = one
  await prepare?.()
  const before = await measured.usage()
  const { requests, elapsedMs, p50Ms, p99Ms } = await run(roundMs)
  await wait(QUIET_MS)
  const after = await measured.usage()
  await checkLog(one, requests, wait)
  await stage.emptyLogs()
  const cpuUs = after.cpuUs - before.cpuUs
  const busy = cpuUs / 1_000 / elapsedMs
  return { cpuUs: cpuUs / requests, perSecond: (requests * 1_000) / elapsedMs, p50Ms, p99Ms, busy }
}

/** A log that is not written costs nothing, so its figures would be wrong. */
async function checkLog({ group, by, logFile }: Case, requests: number, wait: Effort['wait']): Promise<void> {
  if (logFile === undefined) return
  for (let waitedMs = 0; ; waitedMs += QUIET_MS) {
    const lines = countLines(await readFile(logFile))
    if (lines >= requests) return
    if (waitedMs >= LOG_MS_MAX) throw new Error(`${group}, ${by}: ${lines} log lines for ${requests} requests`)
    await wait(QUIET_MS)
  }
}

function countLines(bytes: Buffer): number {
  let lines = 0
  for (let at = bytes.indexOf(NEWLINE); at !== -1; at = bytes.indexOf(NEWLINE, at + 1)) lines += 1
  return lines
}

async function profile(stage: Stage, one: Case, { roundMs, onProgress }: Effort, folder: string): Promise<void> {
  if (!one.measured.isNode) return
  const path = join(folder, profileName(one))
  onProgress(`profile: ${path}`)
  await one.prepare?.()
  await one.measured.ask('profile-start')
  await one.run(roundMs)
  await one.measured.ask('profile-stop', path)
  await stage.emptyLogs()
}

/** For example `requests-get-200-fastify-log.cpuprofile`. */
export function profileName({ group, by }: CaseName): string {
  return `${`${group} ${by}`.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}.cpuprofile`
}

/** The median of a figure over the rounds. */
export function median({ rounds }: Measured, figure: keyof Round): number {
  return at({ rounds }, figure, 0.5)
}

/** The quantile `q` of a figure over the rounds. */
export function at({ rounds }: Pick<Measured, 'rounds'>, figure: keyof Round, q: number): number {
  return quantile(
    rounds.map((round) => round[figure]),
    q,
  )
}

/** Below this share, the other side was the limit: the requests a second and the latencies are not those of the case. */
const BUSY_MIN = 0.9

/** Whether the measured process was not busy all the time. */
export function isLimited(one: Measured): boolean {
  return median(one, 'busy') < BUSY_MIN
}

/** The ratio of a figure in each round. */
export function ratios(above: Measured, below: Measured, figure: keyof Round): readonly number[] {
  return above.rounds.map((round, index) => round[figure] / (below.rounds[index] as Round)[figure])
}
