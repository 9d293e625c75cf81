import { describe, expect, test } from 'vitest'
import { CircuitWorld, type Instance } from './circuit-world.ts'
import { EVENTS, VirtualNetwork } from './virtual-network.ts'

const HEAL_MS = 120_000

/** Runs random trouble for two minutes, then heals everything. */
function chaos(seed: number, { redisJumps, flushes }: { readonly redisJumps: boolean; readonly flushes: boolean }) {
  const net = new VirtualNetwork(seed)
  const world = new CircuitWorld(net, 3 + Math.floor(net.random() * 6))
  const some = (): Instance => world.instances[Math.floor(net.random() * world.instances.length)] as Instance
  const trouble: (() => void)[] = [
    () => {
      world.isDependencyUp = !world.isDependencyUp
    },
    () => {
      world.isDependencyUp = true
    },
    () => {
      some().isBroken = net.random() < 0.5
    },
    () => some().stop(net.between(10, 8_000)),
    () => some().jump(net.between(10, 60_000)),
    () => {
      some().callEveryMs = net.between(20, 3_000)
    },
    () => {
      net.lossRate = net.between(0, 0.3)
      net.delayMsMax = net.between(1, 40)
    },
    () => {
      net.partitioned.add(Math.floor(net.random() * world.instances.length))
    },
    () => net.partitioned.clear(),
    () => {
      net.isUp = net.random() < 0.7
    },
    ...(redisJumps
      ? [
          () => {
            net.redisOffsetMs += net.between(-3_600_000, 3_600_000)
          },
        ]
      : []),
    ...(flushes ? [() => world.redis.flush()] : []),
  ]
  for (let atMs = 0; atMs < 120_000; atMs += net.between(50, 4_000)) {
    net.runUntil(atMs)
    ;(trouble[Math.floor(net.random() * trouble.length)] as () => void)()
  }
  world.isDependencyUp = true
  Object.assign(net, { lossRate: 0, delayMsMax: 2, isUp: true })
  net.partitioned.clear()
  for (const instance of world.instances) Object.assign(instance, { isBroken: false, callEveryMs: 200 })
  net.runUntil(net.nowMs + HEAL_MS)
  return { net, world }
}

describe('the circuit of a fleet, under chaos', () => {
  test.each([
    { name: 'while Redis keeps its data', redisJumps: false, flushes: false },
    { name: 'while the clock of Redis jumps', redisJumps: true, flushes: false },
    { name: 'while Redis loses its data', redisJumps: true, flushes: true },
  ])('every probe has the lease, each generation one result, and no circuit stays open $name', (how) => {
    let [events, probes, results] = [0, 0, 0]
    for (let seed = 1; events < EVENTS; seed += 1) {
      const { net, world } = chaos(seed, how)
      events += net.events
      probes += world.probes
      results += world.redis.accepted.length
      if (!how.redisJumps) expect(world.broken, `seed ${seed}`).toEqual([])
      const states = world.instances.map(({ breaker }) => breaker.state)
      expect(new Set(states), `seed ${seed}`).toEqual(new Set(['closed']))
      if (!how.flushes) {
        const generations = world.redis.accepted.map(({ generation }) => generation)
        expect(new Set(generations).size, `seed ${seed}`).toBe(generations.length)
      }
    }
    // The chaos reaches what it is about.
    expect(Math.min(probes, results)).toBeGreaterThan(10)
  })
})
