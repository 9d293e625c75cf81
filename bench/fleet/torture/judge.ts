import { excess, shortestGap } from '../../../test/fleet/helpers/measures.ts'
import { OPEN_FOR_MS, type ProcessFleet, pause } from '../../../test/fleet/helpers/process-fleet.ts'
import type { Episode, Stage } from './episodes.ts'

/** The limit of the fleet per second, which is its burst too. */
export const LIMIT = 400
/** The limit of each of the two shared bulkheads. */
export const PERMITS = 6
const SETTLE_MS_MAX = 15_000
// Instants of several processes on one wall clock, and calls that were admitted a moment before they were noted.
const SLACK = LIMIT * 0.02
// A probe begins a moment before the period that its failure begins.
const GAP_MS_MIN = OPEN_FOR_MS * 0.9
const BREAKER_KEY = 'escudo:{inventory}:circuitBreaker'

/** What an episode has shown. */
export interface Findings {
  readonly admitted: number
  readonly probes: number
  /** The most calls beyond the rate in any time, and how many are allowed. */
  readonly excess: number
  readonly allowed: number
  readonly boundBroken: number
  readonly doubleProbes: number
  /** Instances that Redis did not answer in time, though it worked: the machine was busy. Such a circuit is separate. */
  readonly late: number
  readonly stuckCircuits: number
  /** The most calls above the limit of a bulkhead. */
  readonly holdersAbove: number
  /** Keys that never end. */
  readonly endlessKeys: number
  /** Calls that waited for Redis, and errors other than refusals. */
  readonly waited: number
  readonly unexpected: number
}

/** Runs one episode, waits until all is well again, and judges what the instances have reported. */
export async function judged(episode: Episode, stage: Stage): Promise<Findings> {
  const { admin, fleet } = stage
  fleet.forget()
  const leases = episode.countsProbes ? await leasesOf(stage) : 0
  await episode.run(stage)
  const stuckCircuits = await settled(fleet)
  // What is on its way arrives.
  await pause(200)
  const granted = episode.countsProbes ? (await leasesOf(stage)) - leases : 0
  const { admitted, probes } = fleet
  const late = episode.countsProbes ? fleet.instances.filter(({ unanswered }) => unanswered > 1).length : 0
  const most = excess(admitted, LIMIT / 1_000)
  // The burst and the leases; the shares of all instances add one burst, and so does each loss of data.
  const allowed = LIMIT * (2 + (episode.isLost ? 1 : 0) + episode.losses) + SLACK
  return {
    admitted: admitted.length,
    probes: probes.length,
    excess: Math.round(most),
    allowed,
    boundBroken: most > allowed ? 1 : 0,
    doubleProbes: episode.countsProbes ? doubleProbes(probes, granted, late) : 0,
    late,
    stuckCircuits,
    holdersAbove: episode.countsHolders ? fleet.holders.above(PERMITS) : 0,
    endlessKeys: await endlessKeys(admin),
    waited: fleet.waited,
    unexpected: fleet.unexpected.length,
  }
}

/** Each probe of the fleet's circuit needs a lease, and there is at most one in an open period. */
function doubleProbes(probes: readonly number[], granted: number, late: number): number {
  // An instance that does not hear from Redis acts alone for a moment, and probes without a lease.
  if (late > 0) return Math.max(0, probes.length - granted - late)
  return Math.max(0, probes.length - granted, shortestGap(probes) < GAP_MS_MIN ? 1 : 0)
}

/** Waits until all circuits are closed, and returns how many do not close. */
async function settled(fleet: ProcessFleet): Promise<number> {
  const endMs = performance.now() + SETTLE_MS_MAX
  let sinceMs = performance.now()
  while (performance.now() < endMs) {
    if (!fleet.every('closed')) sinceMs = performance.now()
    // A circuit may open once more, by votes that were on their way.
    else if (performance.now() - sinceMs > 1_200) return 0
    await pause(50)
  }
  return fleet.instances.filter(({ state }) => state !== 'closed').length
}

async function leasesOf({ admin }: Pick<Stage, 'admin'>): Promise<number> {
  return Number(await admin.hget(BREAKER_KEY, 'n'))
}

async function endlessKeys(admin: Stage['admin']): Promise<number> {
  const lives = await Promise.all((await admin.keys('*')).map((key) => admin.pttl(key)))
  return lives.filter((ms) => ms === -1).length
}
