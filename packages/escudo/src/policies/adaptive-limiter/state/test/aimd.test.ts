import fc from 'fast-check'
import { expect, test } from 'vitest'
import { aimd } from '../aimd.ts'
import { Rounds } from '../rounds.ts'
import { RoundFeeder, samples, settingsOf } from './setup.ts'

test('follows the rule of TCP Reno for any sequence of calls', () => {
  let [grew, shrank] = [0, 0]
  fc.assert(
    fc.property(samples(), settingsOf(), fc.constantFrom(0.5, 0.75, 0.9), (sequence, settings, backoffRatio) => {
      const timeoutMs = 250
      const limit = aimd({ timeout: timeoutMs, backoffRatio }).create(settings)
      const rounds = new Rounds()
      let model = settings.initial
      for (const { rttMs, inFlight, dropped, now } of sequence) {
        const round = rounds.add(rttMs, inFlight, dropped || rttMs > timeoutMs, now)
        const before = model
        if (round?.congested === true) model = Math.trunc(model * backoffRatio)
        else if (round !== undefined && round.inFlight >= model / 2) model += 1
        model = Math.max(settings.min, Math.min(settings.max, model))
        grew += Number(model > before)
        shrank += Number(model < before)
        limit.onSample(rttMs, inFlight, dropped, now)
        expect(limit.limit()).toBe(model)
        expect(model).toBeGreaterThanOrEqual(settings.min)
        expect(model).toBeLessThanOrEqual(settings.max)
      }
    }),
    { numRuns: 200 },
  )
  // Otherwise the property has proved nothing.
  expect([grew > 30, shrank > 30]).toEqual([true, true])
})

test('a call that takes exactly the timeout is in time; a longer one counts as dropped', () => {
  const feeder = new RoundFeeder(aimd({ timeout: '100ms' }))
  expect(feeder.round(100)).toBe(21)
  expect(feeder.round(100.001)).toBe(18)
  expect(feeder.round(5, { dropped: true })).toBe(16)
})

test('shrinks once per round trip, however many of its calls are late', () => {
  const limit = aimd({ timeout: 100 }).create({ min: 1, max: 1_000, initial: 100 })
  for (let n = 0; n < 151; n += 1) limit.onSample(200, 100, false, 200 + n)
  expect(limit.limit()).toBe(90)
})

test('does not grow while less than half of the limit is used, but shrinks', () => {
  const feeder = new RoundFeeder(aimd({ timeout: 100 }))
  expect(feeder.rounds(10, 10, { inFlight: 9 })).toBe(20)
  expect(feeder.round(10, { inFlight: 10 })).toBe(21)
  expect(feeder.round(200, { inFlight: 1 })).toBe(18)
})

test('ends at `min` if all calls are dropped, and at `max` if none is', () => {
  const feeder = new RoundFeeder(aimd({ timeout: 100 }), { min: 3, max: 25 })
  expect(feeder.rounds(100, 10)).toBe(25)
  expect(feeder.rounds(100, 10, { dropped: true })).toBe(3)
  expect(feeder.round(10)).toBe(4)
})
