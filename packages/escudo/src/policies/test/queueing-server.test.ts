import { expect, test } from 'vitest'
import { bulkhead, seededRandom, shield } from '../../index.ts'
import { virtualClock } from '../../testing/index.ts'
import {
  closedLoop,
  constantTime,
  exponentialTime,
  openLoop,
  QueueingServer,
  Recorder,
  ServerOverloadedError,
} from './queueing-server.ts'

// Compares the server that the limiter tests use with queueing theory: a wrong server would prove nothing.

test('one worker with memoryless times has the latency of queueing theory, 1 / (mu - lambda)', async () => {
  const clock = virtualClock()
  const server = new QueueingServer({ clock, workers: 1, serviceTime: exponentialTime(10, seededRandom(1)) })
  const recorder = new Recorder(clock)
  const stop = openLoop({
    clock,
    interval: exponentialTime(20, seededRandom(2)),
    send: () => recorder.send(() => server.handle()),
  })
  await clock.advance('1000s')
  stop()
  await clock.advance('10s')
  const { answered, p50Ms, p99Ms, ended } = recorder.measure(0, 1_010_000, Number.POSITIVE_INFINITY)
  // Half of 100 per second for 1,000 s. The time in the system is exponential with a mean of 20 ms.
  expect(Math.abs(answered / 50_000 - 1)).toBeLessThan(0.03)
  expect(ended).toBe(answered)
  expect(Math.abs(p50Ms / (20 * Math.LN2) - 1)).toBeLessThan(0.05)
  expect(Math.abs(p99Ms / (20 * Math.log(100)) - 1)).toBeLessThan(0.1)
  expect(clock.pending).toBe(0)
  expect(recorder.inFlight).toBe(0)
})

test('a change of capacity lets running requests finish and starts waiting ones immediately', async () => {
  const clock = virtualClock()
  const server = new QueueingServer({ clock, workers: 2, serviceTime: constantTime(10), queueLimit: 4 })
  const recorder = new Recorder(clock)
  for (let n = 0; n < 8; n += 1) void recorder.send(() => server.handle())
  await clock.advance(1)
  expect([server.busy, server.queued, server.rejected]).toEqual([2, 4, 2])
  server.workers = 1
  await clock.advance(10)
  // Both workers finished; the remaining one started the next request.
  expect([server.busy, server.queued, server.served]).toEqual([1, 3, 2])
  server.workers = 4
  expect([server.busy, server.queued]).toEqual([4, 0])
  await clock.advance(10)
  expect([server.busy, server.served, server.peak]).toEqual([0, 6, 6])
  const { answered, failed, good, slowestMs } = recorder.measure(0, 100, 10)
  expect([answered, failed, good, slowestMs]).toEqual([6, 2, 2, 21])
  const full = new QueueingServer({ clock, workers: 0, serviceTime: constantTime(1), queueLimit: 0 })
  await expect(full.handle()).rejects.toThrow(ServerOverloadedError)
})

test('clients in a closed loop never have more requests than there are clients', async () => {
  const clock = virtualClock()
  const server = new QueueingServer({ clock, workers: 2, serviceTime: constantTime(10) })
  const recorder = new Recorder(clock)
  const guarded = shield({ name: 's', clock }, bulkhead({ limit: 4 }))
  const stop = closedLoop({
    clock,
    clients: 8,
    thinkTime: constantTime(1),
    send: () => recorder.send(() => guarded.run(() => server.handle())),
  })
  await clock.advance('1s')
  stop()
  const { goodputPerSecond, refused, slowestMs } = recorder.measure(0, 1_000, 20)
  expect(server.peak).toBe(4)
  expect(slowestMs).toBe(20)
  // Two workers, 10 ms each: 200 per second. A rejected client sends again after 1 ms.
  expect(goodputPerSecond).toBeGreaterThan(190)
  expect(goodputPerSecond).toBeLessThanOrEqual(200)
  expect(refused).toBeGreaterThan(1_000)
  await clock.advance('1s')
  expect([clock.pending, server.busy, recorder.inFlight]).toEqual([0, 0, 0])
})
