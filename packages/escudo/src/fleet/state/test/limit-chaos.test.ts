import { describe, expect, test } from 'vitest'
import type { LimitOfFleet, OnLoss } from '../../../core/shared-state.ts'
import { LEASE_MS, LeasedPermits, type LeaseHost } from '../leased-permits.ts'
import { RedisLimit } from './redis-limit.ts'
import { EVENTS, VirtualNetwork } from './virtual-network.ts'

interface Grant {
  readonly atMs: number
  readonly calls: number
}

/** An instance that takes permits as fast as its traffic, over a network with trouble. */
class Caller {
  readonly lease: LeasedPermits
  callEveryMs: number
  readonly #net: VirtualNetwork
  readonly #offsetMs: number
  readonly #onCall: () => void
  #back = 0

  constructor(
    net: VirtualNetwork,
    id: number,
    redis: RedisLimit,
    { limit, onLoss, instances }: { readonly limit: LimitOfFleet; readonly onLoss: OnLoss; readonly instances: number },
    onCall: () => void,
  ) {
    this.#net = net
    this.#onCall = onCall
    this.#offsetMs = net.between(0, 1e6)
    this.callEveryMs = net.between(0.5, 50)
    const host: LeaseHost = {
      limit,
      onLoss,
      instances: () => instances,
      ask: (lease, now) => {
        const [want, back] = [lease.want(now), this.#back]
        this.#back = 0
        let isOver = false
        net.send(
          id,
          () => redis.ask(limit, want, back, Math.round(net.redisMs * 1_000)),
          ({ granted, waitUs }) => {
            if (!isOver) lease.granted(granted, waitUs / 1_000, now, this.now)
            isOver = true
          },
        )
        net.after(50, () => {
          if (!isOver) lease.failed(this.now)
          isOver = true
        })
      },
    }
    this.lease = new LeasedPermits(host, this.now)
    this.#later()
  }

  get now(): number {
    return this.#net.nowMs + this.#offsetMs
  }

  #later(): void {
    this.#net.after(-Math.log(1 - this.#net.random()) * this.callEveryMs, () => {
      if (this.lease.tryAcquire(this.now) !== undefined) this.#onCall()
      if (this.#net.random() < 0.001) this.#back += this.lease.takeIdle(this.now)
      this.#later()
    })
  }
}

/** The most calls beyond `rate · t` in any time `t`, by the largest gap above an earlier low. */
function excess(grants: readonly Grant[], perMs: number): number {
  let [low, most, admitted] = [0, 0, 0]
  for (const { atMs, calls } of grants) {
    low = Math.min(low, admitted - atMs * perMs)
    admitted += calls
    most = Math.max(most, admitted - atMs * perMs - low)
  }
  return most
}

function run(seed: number, how: { readonly onLoss: OnLoss; readonly flushes: boolean }) {
  const net = new VirtualNetwork(seed)
  const instances = 2 + Math.floor(net.random() * 7)
  const limit = {
    limit: Math.ceil(net.between(1, 2_000)),
    perMs: net.between(100, 5_000),
    burst: Math.ceil(net.between(1, 500)),
  }
  const redis = new RedisLimit()
  const grants: Grant[] = []
  const callers = Array.from(
    { length: instances },
    (_, id) =>
      new Caller(net, id, redis, { ...how, limit, instances }, () => grants.push({ atMs: net.nowMs, calls: 1 })),
  )
  let flushes = 0
  for (let atMs = 0; atMs < 30_000; atMs += net.between(10, 2_000)) {
    net.runUntil(atMs)
    const caller = callers[Math.floor(net.random() * instances)] as Caller
    const dice = net.random()
    if (dice < 0.3) caller.callEveryMs = net.between(0.5, 500)
    else if (dice < 0.5) net.lossRate = net.between(0, 0.3)
    else if (dice < 0.6) net.delayMsMax = net.between(1, 40)
    else if (dice < 0.7) net.partitioned.add(Math.floor(net.random() * instances))
    else if (dice < 0.8) net.partitioned.clear()
    else if (how.flushes) {
      flushes += 1
      redis.flush()
    }
  }
  // All that the instances may hold when a period begins: a lease each.
  const leases = instances * Math.max(1, Math.floor(Math.min(limit.limit, limit.burst) / instances))
  return { net, grants, limit, flushes, instances, leases }
}

describe('the permits of a fleet, under chaos', () => {
  test('the fleet admits at most the rate, one burst and the leases in any time', () => {
    let [events, calls] = [0, 0]
    for (let seed = 1; events < EVENTS; seed += 1) {
      const { net, grants, limit, leases } = run(seed, { onLoss: 'closed', flushes: false })
      events += net.events
      calls += grants.length
      expect(excess(grants, limit.limit / limit.perMs), `seed ${seed}`).toBeLessThanOrEqual(limit.burst + leases + 1)
    }
    expect(calls).toBeGreaterThan(EVENTS / 1_000)
  })

  test('each loss of the data of Redis adds at most one burst', () => {
    for (let [seed, events] = [1, 0]; events < EVENTS; seed += 1) {
      const { net, grants, limit, flushes, leases } = run(seed, { onLoss: 'closed', flushes: true })
      events += net.events
      const bound = limit.burst * (1 + flushes) + leases + 1
      expect(excess(grants, limit.limit / limit.perMs), `seed ${seed}`).toBeLessThanOrEqual(bound)
    }
  })

  test('with the shares of lost instances the fleet admits at most twice the limit', () => {
    for (let [seed, events] = [1, 0]; events < EVENTS; seed += 1) {
      const { net, grants, limit, leases, instances } = run(seed, { onLoss: 'share', flushes: false })
      events += net.events
      const bound = 2 * limit.burst + leases + instances + 1
      expect(excess(grants, (2 * limit.limit) / limit.perMs), `seed ${seed}`).toBeLessThanOrEqual(bound)
    }
  })
})

describe('LeasedPermits', () => {
  const limit = { limit: 100, perMs: 1_000, burst: 100 }
  const leaseOf = (onLoss: OnLoss = 'share', instances = 4) => {
    const asked: number[] = []
    const host: LeaseHost = {
      limit,
      onLoss,
      instances: () => instances,
      ask: (lease, now) => asked.push(lease.want(now)),
    }
    return { lease: new LeasedPermits(host, 0), asked }
  }

  test('has no permit before the first lease, and asks once', () => {
    const { lease, asked } = leaseOf()
    expect([lease.tryAcquire(0), lease.tryAcquire(0), asked.length]).toEqual([undefined, undefined, 1])
  })

  test('serves a lease from memory and asks for the next one when half is used', () => {
    const { lease, asked } = leaseOf()
    lease.tryAcquire(0)
    lease.granted(20, 0, 0, 1)
    for (let call = 0; call < 9; call += 1) expect(lease.tryAcquire(2)).toBe(2)
    expect(asked.length).toBe(1)
    lease.tryAcquire(2)
    expect(asked.length).toBe(2)
  })

  test('never asks for more than its part of the limit', () => {
    const { lease, asked } = leaseOf('share', 4)
    for (let round = 0; round < 10; round += 1) {
      while (lease.tryAcquire(round) !== undefined);
      lease.granted(asked.at(-1) as number, 0, round, round)
      expect(lease.available(round)).toBeLessThanOrEqual(25)
    }
    expect(Math.max(...asked)).toBeGreaterThan(12)
  })

  test('keeps only its reserve after the end of the lease', () => {
    const { lease } = leaseOf()
    lease.granted(25, 0, 0, 0)
    expect([lease.available(LEASE_MS - 1), lease.available(LEASE_MS)]).toEqual([25, 6])
    expect(lease.tryAcquire(LEASE_MS)).toBe(LEASE_MS)
    expect(lease.available(LEASE_MS)).toBe(5)
  })

  test('asks for the next lease also in the millisecond of the last one', () => {
    const { lease, asked } = leaseOf()
    lease.tryAcquire(0.2)
    lease.granted(2, 0, 0.2, 0.4)
    lease.tryAcquire(0.5)
    expect(asked.length).toBe(2)
  })

  test('asks no earlier than Redis has a permit, at instants between two milliseconds', () => {
    const { lease, asked } = leaseOf()
    lease.tryAcquire(0.2)
    lease.granted(0, 1.5, 0.2, 0.8)
    for (const [atMs, count] of [
      [2.2, 1],
      [3, 2],
    ] as const) {
      lease.tryAcquire(atMs)
      expect(asked.length).toBe(count)
    }
  })

  test('a lease ends no later than its time after it was asked for, between two milliseconds', () => {
    const { lease } = leaseOf()
    lease.granted(25, 0, 0.9, 1.8)
    expect([lease.available(LEASE_MS - 1), lease.available(LEASE_MS + 0.9)]).toEqual([25, 6])
  })

  test('a reserve does not end, and never grows', () => {
    const { lease } = leaseOf()
    lease.granted(25, 0, 0, 0)
    for (let atMs = LEASE_MS; atMs < 6 * LEASE_MS; atMs += LEASE_MS) lease.tryAcquire(atMs)
    expect([lease.available(6 * LEASE_MS), lease.takeIdle(8 * LEASE_MS)]).toEqual([1, 0])
  })

  test('gives back what an idle instance does not need', () => {
    const { lease } = leaseOf()
    lease.granted(25, 0, 0, 0)
    lease.tryAcquire(0)
    expect([lease.takeIdle(500), lease.takeIdle(1_500), lease.available(1_500)]).toEqual([0, 18, 6])
  })

  test.each([
    { onLoss: 'closed' as const, admitted: 0 },
    { onLoss: 'share' as const, admitted: 25 },
    { onLoss: 'open' as const, admitted: 1_000 },
  ])('admits $admitted of 1000 calls without Redis: $onLoss', ({ onLoss, admitted }) => {
    const { lease } = leaseOf(onLoss)
    lease.tryAcquire(0)
    lease.failed(50)
    let count = 0
    for (let call = 0; call < 1_000; call += 1) if (lease.tryAcquire(50) !== undefined) count += 1
    expect(count).toBe(admitted)
  })

  test('has used its share when Redis disappears again', () => {
    const { lease } = leaseOf('share')
    lease.tryAcquire(0)
    lease.failed(0)
    expect(lease.available(0)).toBe(25)
    for (let at = 100; at < 2_000; at += 20) {
      lease.tryAcquire(at)
      lease.granted(1, 0, at, at)
    }
    while (lease.available(2_000) > 0) lease.tryAcquire(2_000)
    lease.failed(2_000)
    expect(lease.available(2_000)).toBeLessThanOrEqual(2)
  })
})
