import { describe, expect, test } from 'vitest'
import { type Instance, PermitsWorld } from './permits-world.ts'
import { EVENTS, VirtualNetwork } from './virtual-network.ts'

/** Runs random trouble for a minute, then heals everything. */
function chaos(
  seed: number,
  how: { readonly exact: boolean; readonly redisJumps: boolean; readonly flushes: boolean },
) {
  const net = new VirtualNetwork(seed)
  const count = 2 + Math.floor(net.random() * 7)
  const limit = Math.ceil(net.between(0, net.random() < 0.3 ? 5 : 200))
  const world = new PermitsWorld(net, count, limit, how.exact)
  const some = (): Instance => world.instances[Math.floor(net.random() * count)] as Instance
  const trouble: (() => void)[] = [
    () => some().stop(net.between(10, 8_000)),
    () => some().jump(net.between(10, 60_000)),
    () => Object.assign(some(), { callEveryMs: net.between(1, 500), lastsMsMax: net.between(1, 6_000) }),
    () => Object.assign(net, { lossRate: net.between(0, 0.3), delayMsMax: net.between(1, 40) }),
    () => {
      net.partitioned.add(Math.floor(net.random() * count))
    },
    () => net.partitioned.clear(),
    () => {
      net.isUp = net.random() < 0.7
    },
    ...(how.redisJumps ? [() => (net.redisOffsetMs += net.between(-3_600_000, 3_600_000))] : []),
    ...(how.flushes ? [() => world.redis.flush()] : []),
  ]
  for (let atMs = 0; atMs < 60_000; atMs += net.between(50, 3_000)) {
    net.runUntil(atMs)
    ;(trouble[Math.floor(net.random() * trouble.length)] as () => void)()
  }
  Object.assign(net, { lossRate: 0, delayMsMax: 2, isUp: true })
  net.partitioned.clear()
  return { net, world }
}

describe('the permits of a fleet, under chaos', () => {
  test.each([
    { exact: false, redisJumps: false, flushes: false },
    { exact: true, redisJumps: false, flushes: false },
    { exact: false, redisJumps: true, flushes: true },
    { exact: true, redisJumps: true, flushes: true },
  ])('never more calls than the limit run where Redis knows of them: %o', (how) => {
    let [events, started] = [0, 0]
    for (let seed = 1; events < EVENTS; seed += 1) {
      const { net, world } = chaos(seed, how)
      expect(world.broken, `seed ${seed}`).toEqual([])
      events += net.events
      started += world.instances.reduce((sum, instance) => sum + instance.started, 0)
    }
    expect(started).toBeGreaterThan(EVENTS / 100)
  })

  test.each([{ exact: false }, { exact: true }])('no instance starves when the trouble is over: %o', ({ exact }) => {
    for (let [seed, events] = [1, 0]; events < EVENTS; seed += 1) {
      const { net, world } = chaos(seed, { exact, redisJumps: true, flushes: true })
      // More calls than permits, in all instances.
      for (const instance of world.instances) {
        Object.assign(instance, { callEveryMs: 10, lastsMsMax: 200, queueMax: 50 })
        instance.stop(0)
      }
      net.runUntil(net.nowMs + 20_000)
      for (const instance of world.instances) {
        expect(net.nowMs - instance.servedMs, `seed ${seed}`).toBeLessThan(10_000)
      }
      expect(world.broken, `seed ${seed}`).toEqual([])
      events += net.events
    }
  })

  test('one instance gets all permits while the others have no calls, and they return afterwards', () => {
    for (let [seed, events] = [1, 0]; events < EVENTS; seed += 1) {
      const { net, world } = chaos(seed, { exact: false, redisJumps: true, flushes: true })
      for (const instance of world.instances) Object.assign(instance, { callEveryMs: 1e9, lastsMsMax: 1 })
      for (const instance of world.instances) instance.stop(0)
      net.runUntil(net.nowMs + 20_000)
      const [busy] = world.instances as [Instance]
      const { started } = busy
      Object.assign(busy, { callEveryMs: 1, lastsMsMax: 10_000, queueMax: 500 })
      busy.callNow()
      net.runUntil(net.nowMs + 4_000)
      expect(busy.started - started, `seed ${seed}`).toBeGreaterThanOrEqual(world.limit)
      Object.assign(busy, { callEveryMs: 1e9, waiting: 0 })
      net.runUntil(net.nowMs + 60_000)
      // Only reserves are left.
      const { length } = world.instances
      expect(world.redis.held, `seed ${seed}`).toBeLessThanOrEqual(Math.max(length, world.limit / 4))
      expect(busy.inUse, `seed ${seed}`).toBe(0)
      events += net.events
    }
  })
})
