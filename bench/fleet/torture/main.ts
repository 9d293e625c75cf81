// `npm run bench -- fleet-torture`: what a fleet promises, while processes and Redis are killed, paused and emptied.
import { seededRandom } from 'escudo'
import { ProcessFleet, pause } from '../../../test/fleet/helpers/process-fleet.ts'
import { startRedis } from '../../../test/fleet/helpers/redis.ts'
import { parsed, UsageError, wholeNumber } from '../../command-line.ts'
import { table } from '../../tables.ts'
import { EPISODES, type Stage } from './episodes.ts'
import { type Findings, judged, LIMIT, PERMITS } from './judge.ts'

const USAGE = `Usage: npm run bench -- fleet-torture [--minutes N] [--processes N] [--seed N]

Starts a Redis and the instances of a service on loopback. In random order, Redis is paused, killed, emptied and left
without memory, instances are killed and paused, and their dependency fails. Prints how often a promise was broken, and
ends with 1 if one was.

  --minutes N     how long, 1 to 1440 (default 10)
  --processes N   instances, 3 to 64 (default 8)
  --seed N        repeats the same order of events (default: a random one)
  --help          print this text`

const CALLS_PER_SECOND = 100
const KEYS_LIVE_MS_MAX = 75_000

/**
 * Runs the episodes, and prints what they have shown.
 *
 * @throws UsageError for a wrong option, and if Redis is not installed
 */
export async function main(args: readonly string[]): Promise<void> {
  const values = parsed(args, OPTIONS)
  if (values.help) {
    console.log(USAGE)
    return
  }
  const minutes = wholeNumber('--minutes', values.minutes, 1, 1_440)
  const processes = wholeNumber('--processes', values.processes, 3, 64)
  const seed = wholeNumber('--seed', values.seed ?? String(Date.now() % 1_000_000), 0, 2 ** 32 - 1)
  const server = await startRedis()
  if (server === undefined) throw new UsageError('Redis is not installed')
  const admin = server.client()
  const fleet = new ProcessFleet({
    ports: [server.port],
    zcard: (key) => admin.zcard(key),
    limit: LIMIT,
    callsPerSecond: CALLS_PER_SECOND,
    libraries: ['ioredis', 'node-redis'],
    permits: PERMITS,
  })
  try {
    fleet.add(processes)
    const stage = { server, admin, fleet, random: seededRandom(seed) }
    const all = await episodes(stage, minutes * 60_000)
    await fleet.end()
    const leaked = await keysLeft(stage)
    const total = totalOf([...all.values()].flat())
    console.log(`${processes} processes, ${minutes} minutes, seed ${seed}\n`)
    console.log(report(all))
    console.log(`\n${verdict(total, leaked)}`)
    const { boundBroken, doubleProbes, stuckCircuits, holdersAbove } = total
    if (boundBroken + doubleProbes + stuckCircuits + holdersAbove + leaked > 0) process.exitCode = 1
  } finally {
    await fleet.kill()
    admin.disconnect()
    await server.remove()
  }
}

type ByName = ReadonlyMap<string, readonly Findings[]>

async function episodes(stage: Stage, forMs: number): Promise<ByName> {
  const all = new Map<string, Findings[]>(EPISODES.map(({ name }) => [name, []]))
  const endMs = performance.now() + forMs
  for (let round = 0; performance.now() < endMs; round += 1) {
    for (const episode of shuffled(EPISODES, stage.random)) {
      if (performance.now() >= endMs) break
      await stage.fleet.ready()
      const findings = await judged(episode, stage)
      all.get(episode.name)?.push(findings)
      if (isBroken(findings)) console.error(`round ${round}, ${episode.name}: ${JSON.stringify(findings)}`)
    }
  }
  return all
}

/** Waits until all keys have ended, and returns how many have not. */
async function keysLeft({ admin }: Pick<Stage, 'admin'>): Promise<number> {
  const endMs = performance.now() + KEYS_LIVE_MS_MAX
  let left = await admin.dbsize()
  while (left > 0 && performance.now() < endMs) {
    await pause(500)
    left = await admin.dbsize()
  }
  return left
}

function isBroken(findings: Findings): boolean {
  const { boundBroken, doubleProbes, stuckCircuits, holdersAbove, endlessKeys, waited, unexpected } = findings
  return boundBroken + doubleProbes + stuckCircuits + holdersAbove + endlessKeys + waited + unexpected > 0
}

function totalOf(all: readonly Findings[]): Findings {
  const sum = (name: keyof Findings): number => all.reduce((total, findings) => total + findings[name], 0)
  const names = ['admitted', 'probes', 'excess', 'allowed', 'boundBroken', 'doubleProbes', 'late'] as const
  const more = ['stuckCircuits', 'holdersAbove', 'endlessKeys', 'waited', 'unexpected'] as const
  return Object.fromEntries([...names, ...more].map((name) => [name, sum(name)])) as unknown as Findings
}

function report(all: ByName): string {
  const rows = [...all].map(([name, findings]) => {
    const worst = findings.reduce((most, one) => (one.excess - one.allowed > most.excess - most.allowed ? one : most), {
      excess: 0,
      allowed: Number.POSITIVE_INFINITY,
    })
    const { admitted, probes } = totalOf(findings)
    const bound = findings.length === 0 ? '' : `${worst.excess} of ${worst.allowed}`
    return [name, String(findings.length), String(admitted), bound, String(probes)]
  })
  return table(['episode', 'times', 'admitted calls', 'most beyond the rate', 'probes'], rows, 1)
}

function verdict(total: Findings, leaked: number): string {
  const { boundBroken, doubleProbes, stuckCircuits, holdersAbove, endlessKeys, waited, unexpected } = total
  const { admitted, probes, late } = total
  return [
    `bound broken ${boundBroken}`,
    `double probes ${doubleProbes}`,
    `stuck circuits ${stuckCircuits}`,
    `holders above the limit ${holdersAbove}`,
    `leaked keys ${leaked + endlessKeys}`,
    `calls that waited ${waited}`,
    `unexpected errors ${unexpected}`,
    `(${admitted} admitted calls, ${probes} probes, ${late} times an instance was too busy to hear Redis in time)`,
  ].join(', ')
}

function shuffled<T>(items: readonly T[], random: () => number): readonly T[] {
  return items
    .map((item) => ({ item, order: random() }))
    .sort((a, b) => a.order - b.order)
    .map(({ item }) => item)
}

const OPTIONS = {
  minutes: { type: 'string', default: '10' },
  processes: { type: 'string', default: '8' },
  seed: { type: 'string' },
  help: { type: 'boolean', default: false },
} as const
