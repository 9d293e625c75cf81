import { describe, expect, test } from 'vitest'
import { CircuitWorld, type Instance } from './circuit-world.ts'
import { VirtualNetwork } from './virtual-network.ts'

function fleetOf(count: number) {
  const net = new VirtualNetwork(count)
  const world = new CircuitWorld(net, count)
  const states = (): string[] => world.instances.map(({ breaker }) => breaker.state)
  const run = (ms: number): void => net.runUntil(net.nowMs + ms)
  run(2_000)
  return { net, world, states, run, instance: (index: number) => world.instances[index] as Instance }
}

describe('the circuit of a fleet', () => {
  test('one bad instance of eight opens only its own circuit', () => {
    const { world, run, instance } = fleetOf(8)
    instance(3).isBroken = true
    for (let step = 0; step < 60; step += 1) {
      run(500)
      expect(world.instances.filter(({ breaker }) => breaker.state !== 'closed').length).toBeLessThanOrEqual(1)
    }
    expect(world.redis.open).toBe(false)
  })

  test('opens everywhere within a second of the quorum, with the votes as its reason', () => {
    const { world, states, run, instance } = fleetOf(8)
    for (let index = 0; index < 4; index += 1) instance(index).isBroken = true
    while (!world.redis.open) run(10)
    run(1_050)
    expect(new Set(states())).toEqual(new Set(['open']))
    expect(instance(7).breaker.reason).toBe('fleet: 4 of 8')
  })

  test('three of eight are no quorum of a half', () => {
    const { world, run, instance } = fleetOf(8)
    for (let index = 0; index < 3; index += 1) instance(index).isBroken = true
    run(30_000)
    expect(world.redis.generation).toBe(0)
  })

  test('stays local with fewer than three instances', () => {
    const { world, run } = fleetOf(2)
    world.isDependencyUp = false
    run(30_000)
    expect(world.redis.generation).toBe(0)
  })

  test('one probe per open period while the dependency is down, and closes everywhere after one success', () => {
    const { world, states, run } = fleetOf(8)
    world.isDependencyUp = false
    while (!world.redis.open) run(10)
    const before = world.probes
    run(30_000)
    const { accepted } = world.redis
    expect(accepted.length).toBeGreaterThan(8)
    expect(world.probes - before - accepted.length).toBeLessThanOrEqual(1)
    world.isDependencyUp = true
    while (world.redis.open) run(10)
    run(1_050)
    expect(new Set(states())).toEqual(new Set(['closed']))
  })

  test('probes also if each instance has a call only every minute', () => {
    const { world, states, run } = fleetOf(8)
    world.isDependencyUp = false
    while (!world.redis.open) run(10)
    for (const instance of world.instances) instance.callEveryMs = 60_000
    world.isDependencyUp = true
    run(3_600_000)
    expect(new Set(states())).toEqual(new Set(['closed']))
  })

  test('the death of the holder passes the lease on within four seconds', () => {
    const { world, run, instance } = fleetOf(8)
    world.isDependencyUp = false
    while (!world.redis.open) run(10)
    while (world.redis.holder === '') run(1)
    instance(Number(world.redis.holder)).stop(3_600_000)
    world.isDependencyUp = true
    const { generation } = world.redis
    run(4_000)
    expect(world.redis.generation).toBe(generation + 1)
  })

  test('without Redis every circuit recovers alone', () => {
    const { net, world, states, run } = fleetOf(8)
    world.isDependencyUp = false
    while (!world.redis.open) run(10)
    run(1_050)
    net.isUp = false
    world.isDependencyUp = true
    run(6_000)
    expect(new Set(states())).toEqual(new Set(['closed']))
  })

  test('an open circuit stays open when Redis loses its data', () => {
    const { world, states, run } = fleetOf(8)
    world.isDependencyUp = false
    while (!world.redis.open) run(10)
    run(700)
    world.redis.flush()
    run(1_050)
    expect(world.redis.open).toBe(true)
    expect(new Set(states())).toEqual(new Set(['open']))
  })

  test('an order to isolate reaches all instances within a second, and a reset too', () => {
    const { world, states, run } = fleetOf(4)
    Object.assign(world.redis, { isolated: true, order: 1 })
    run(1_050)
    expect(new Set(states())).toEqual(new Set(['isolated']))
    Object.assign(world.redis, { isolated: false, order: 2 })
    run(1_050)
    expect(new Set(states())).toEqual(new Set(['closed']))
  })
})
