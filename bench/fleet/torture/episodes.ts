import type { Redis } from 'ioredis'
import type { ProcessFleet } from '../../../test/fleet/helpers/process-fleet.ts'
import { pause } from '../../../test/fleet/helpers/process-fleet.ts'
import type { RedisServer } from '../../../test/fleet/helpers/redis.ts'

/** What an episode breaks. */
export interface Stage {
  readonly server: RedisServer
  readonly admin: Redis
  readonly fleet: ProcessFleet
  /** A random number from 0 to 1. */
  readonly random: () => number
}

/** Something that goes wrong, and ends. */
export interface Episode {
  readonly name: string
  /** How often all data in Redis is lost. */
  readonly losses: number
  /** Whether Redis does not answer for a while, so that each instance uses its share. */
  readonly isLost: boolean
  /** Whether the circuits open, and Redis keeps its data: each probe then needs a lease. */
  readonly countsProbes: boolean
  /** Whether Redis knows each call that has a permit: no data is lost, and no instance is paused while its calls run. */
  readonly countsHolders: boolean
  readonly run: (stage: Stage) => Promise<void>
}

const between = (random: () => number, min: number, max: number): number => min + random() * (max - min)

/** All episodes. They come in random order. */
export const EPISODES: readonly Episode[] = [
  episode('nothing', {}, () => pause(1_500)),
  episode('Redis is paused', { isLost: true }, async ({ server, random }) => {
    server.pause()
    await pause(between(random, 300, 10_000))
    server.resume()
  }),
  episode('Redis is killed and starts empty', { isLost: true, losses: 1 }, async ({ server, random }) => {
    await server.kill()
    await pause(between(random, 100, 3_000))
    await server.start()
  }),
  episode('Redis has no memory left', { isLost: true }, async ({ admin, random }) => {
    await admin.config('SET', 'maxmemory', '1')
    // Longer than an instance counts as alive.
    await pause(between(random, 300, 6_000))
    await admin.config('SET', 'maxmemory', '0')
  }),
  episode('FLUSHALL', { losses: 1 }, async ({ admin }) => {
    await admin.flushall()
    await pause(1_500)
  }),
  episode('SCRIPT FLUSH', {}, async ({ admin }) => {
    await admin.script('FLUSH')
    await pause(1_500)
  }),
  episode('the dependency is down for all', { countsProbes: true }, async ({ fleet, random }) => {
    fleet.setDependency('down')
    await pause(between(random, 1_000, 6_000))
    fleet.setDependency('up')
  }),
  episode('the dependency is down for half of them', { countsProbes: true }, async ({ fleet, random }) => {
    const half = fleet.instances.slice(0, Math.ceil(fleet.instances.length / 2))
    fleet.setDependency('down', half)
    await pause(between(random, 1_000, 4_000))
    fleet.setDependency('up', half)
  }),
  episode('one instance does not reach the dependency', {}, async ({ fleet, random }) => {
    const bad = fleet.instances.slice(0, 1)
    fleet.setDependency('down', bad)
    await pause(between(random, 1_000, 4_000))
    fleet.setDependency('up', bad)
  }),
  episode('two instances are killed and start again', {}, async ({ fleet }) => {
    await pause(500)
    await fleet.replace(2)
    await pause(1_500)
  }),
  episode('an instance is killed while the circuits are open', { countsProbes: true }, async ({ fleet, random }) => {
    fleet.setDependency('down')
    await pause(between(random, 500, 2_500))
    await fleet.replace(1)
    await pause(between(random, 0, 1_500))
    fleet.setDependency('up')
  }),
  episode(
    'an instance is paused while the circuits are open',
    { countsProbes: true, isPaused: true },
    async ({ fleet, random }) => {
      fleet.setDependency('down')
      await pause(between(random, 500, 1_500))
      const [paused] = fleet.instances
      paused?.pause()
      await pause(between(random, 500, 5_000))
      paused?.resume()
      fleet.setDependency('up')
    },
  ),
  episode('FLUSHALL while the circuits are open', { losses: 1 }, async ({ admin, fleet, random }) => {
    fleet.setDependency('down')
    await pause(between(random, 1_000, 2_000))
    await admin.flushall()
    await pause(between(random, 500, 1_500))
    fleet.setDependency('up')
  }),
  episode('Redis and the dependency are both lost', { isLost: true }, async ({ server, fleet, random }) => {
    fleet.setDependency('down')
    await pause(between(random, 500, 1_500))
    server.pause()
    await pause(between(random, 500, 4_000))
    fleet.setDependency('up')
    await pause(between(random, 0, 3_000))
    server.resume()
  }),
]

function episode(
  name: string,
  {
    losses = 0,
    isLost = false,
    countsProbes = false,
    isPaused = false,
  }: Partial<Pick<Episode, 'losses' | 'isLost' | 'countsProbes'>> & { readonly isPaused?: boolean },
  run: Episode['run'],
): Episode {
  return { name, losses, isLost, countsProbes, countsHolders: losses === 0 && !isPaused, run }
}
