import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { EdgeFacts, Minute, ServiceFacts } from '../situation.ts'
import { minute, NOW, service, verdict, window } from './setup.ts'

const counts = fc
  .record({
    requests: fc.integer({ min: 0, max: 3_000 }),
    bad: fc.double({ min: 0, max: 1, noNaN: true }),
    client: fc.double({ min: 0, max: 1, noNaN: true }),
  })
  .map(({ requests, bad, client }) => {
    const failures = Math.floor(requests * bad * bad)
    return { requests, failures, clientErrors: Math.floor((requests - failures) * client) }
  })
const minutesOf: fc.Arbitrary<readonly Minute[]> = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 60 }), counts, fc.integer({ min: 1, max: 20_000 })), { maxLength: 20 })
  .map((all) =>
    [...new Map(all.map(([ago, count, p95Ms]) => [ago, minute(ago, { ...count, p95Ms })])).values()].sort(
      (a, b) => a.at - b.at,
    ),
  )
const facts = (name: string): fc.Arbitrary<ServiceFacts> =>
  fc
    .record({
      count: counts,
      minutes: minutesOf,
      p95Ms: fc.integer({ min: 1, max: 20_000 }),
      degraded: fc.integer({ min: 0, max: 5 }),
      critical: fc.boolean(),
    })
    .map(({ count, minutes, p95Ms, degraded, critical }) =>
      service({ name, minutes, window: window({ ...count, p95Ms, degraded, criticals: critical ? 1 : 0 }) }),
    )
const names = ['a', 'b', 'c', 'd', 'e']
const system = fc.tuple(...names.map(facts))
const edges: fc.Arbitrary<readonly EdgeFacts[]> = fc.array(
  fc.record({
    caller: fc.constantFrom(...names),
    callee: fc.constantFrom(...names),
    failures: fc.option(fc.nat(500), { nil: undefined }),
  }),
  { maxLength: 12 },
)
const RANK = { waiting: 0, healthy: 1, degraded: 2, silent: 3, failing: 4 }

function failsByTheRule({ window: { requests, failures } }: ServiceFacts): boolean {
  return (failures >= 5 && failures / requests >= 0.05) || (requests >= 2 && failures / requests >= 0.5)
}

it('is failing exactly if a service fails by the rule, and names a service with trouble as the cause', () => {
  fc.assert(
    fc.property(system, edges, (services, calls) => {
      const judged = verdict(services, { edges: calls })
      expect(judged.state === 'failing').toBe(services.some(failsByTheRule))
      for (const { name, state } of judged.services) {
        const own = services.find((one) => one.name === name)
        expect(state === 'failing').toBe(own !== undefined && failsByTheRule(own))
      }
      const isTrouble = judged.state !== 'healthy' && judged.state !== 'waiting'
      expect(judged.cause !== undefined).toBe(isTrouble)
      const cause = judged.services.find(({ name }) => name === judged.cause?.service)
      if (isTrouble) expect(cause?.state).not.toBe('healthy')
      if (isTrouble) expect(judged.since).toBe(cause?.since)
    }),
    { numRuns: 1_000 },
  )
})

it('never gets better when a success turns into a failure', () => {
  fc.assert(
    fc.property(system, fc.nat(4), fc.double({ min: 0, max: 1, noNaN: true }), (services, index, share) => {
      const before = verdict(services)
      const { window: now } = services[index] ?? service()
      const more = Math.ceil((now.requests - now.failures - now.clientErrors) * share)
      const worse = services.map((one, at) =>
        at === index ? { ...one, window: { ...now, failures: now.failures + more } } : one,
      )
      const after = verdict(worse)
      expect(RANK[after.state]).toBeGreaterThanOrEqual(RANK[before.state])
    }),
    { numRuns: 1_000 },
  )
})

it('does not depend on the order of services and edges', () => {
  fc.assert(
    fc.property(system, edges, fc.integer(), (services, calls, seed) => {
      const shuffled = <T>(all: readonly T[]): readonly T[] =>
        all.toSorted((a, b) => ((all.indexOf(a) * 7 + seed) % 5) - ((all.indexOf(b) * 7 + seed) % 5))
      expect(verdict(shuffled(services), { edges: shuffled(calls) })).toEqual(verdict(services, { edges: calls }))
    }),
    { numRuns: 1_000 },
  )
})

it('never says that trouble begins in the future, or later than the window', () => {
  fc.assert(
    fc.property(system, (services) => {
      for (const { state, since } of verdict(services).services) {
        if (state === 'healthy' || state === 'waiting') expect(since).toBeUndefined()
        else expect(since).toBeLessThanOrEqual(NOW)
      }
    }),
    { numRuns: 1_000 },
  )
})
