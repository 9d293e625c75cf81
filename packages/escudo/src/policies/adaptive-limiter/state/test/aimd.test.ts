import fc from 'fast-check'
import { expect, test } from 'vitest'
import { aimd } from '../aimd.ts'
import { Rounds } from '../rounds.ts'
import { Fed, samples, settingsOf } from './setup.ts'

test('at any sequence of calls it is the rule of TCP Reno: one more after a good round, a share less after a bad one', () => {
  let [grew, shrank] = [0, 0]
  fc.assert(
    fc.property(samples(), settingsOf(), fc.constantFrom(0.5, 0.75, 0.9), (sequence, settings, backoffRatio) => {
      const timeoutMs = 250
      const limit = aimd({ timeout: timeoutMs, backoffRatio }).create(settings)
      const rounds = new Rounds()
      let model = settings.initial
      for (const { rttMs, inFlight, lost, now } of sequence) {
        const round = rounds.add(rttMs, inFlight, lost || rttMs > timeoutMs, now)
        const before = model
        if (round?.congested === true) model = Math.trunc(model * backoffRatio)
        else if (round !== undefined && round.inFlight >= model / 2) model += 1
        model = Math.max(settings.min, Math.min(settings.max, model))
        grew += Number(model > before)
        shrank += Number(model < before)
        limit.onSample(rttMs, inFlight, lost, now)
        expect(limit.limit()).toBe(model)
        expect(model).toBeGreaterThanOrEqual(settings.min)
        expect(model).toBeLessThanOrEqual(settings.max)
      }
    }),
    { numRuns: 200 },
  )
  // Or the property has proved nothing.
  expect([grew > 30, shrank > 30]).toEqual([true, true])
})

test('an answer exactly at the timeout is in time, and one later is lost, as a dropped one is', () => {
  const fed = new Fed(aimd({ timeout: '100ms' }))
  expect(fed.round(100)).toBe(21)
  expect(fed.round(100.001)).toBe(18)
  expect(fed.round(5, { lost: true })).toBe(16)
})

test('one event takes one share, however many calls of one round trip are late', () => {
  const limit = aimd({ timeout: 100 }).create({ min: 1, max: 1_000, initial: 100 })
  for (let n = 0; n < 151; n += 1) limit.onSample(200, 100, false, 200 + n)
  expect(limit.limit()).toBe(90)
})

test('it does not grow while less than half of it is used, and shrinks all the same', () => {
  const fed = new Fed(aimd({ timeout: 100 }))
  expect(fed.rounds(10, 10, { inFlight: 9 })).toBe(20)
  expect(fed.round(10, { inFlight: 10 })).toBe(21)
  expect(fed.round(200, { inFlight: 1 })).toBe(18)
})

test('it ends at its floor when everything is lost, and at its ceiling when nothing is', () => {
  const fed = new Fed(aimd({ timeout: 100 }), { min: 3, max: 25 })
  expect(fed.rounds(100, 10)).toBe(25)
  expect(fed.rounds(100, 10, { lost: true })).toBe(3)
  expect(fed.round(10)).toBe(4)
})
