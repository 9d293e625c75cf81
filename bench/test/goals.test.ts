import { expect, test } from 'vitest'
import { REFUSAL } from '../cases/refusals.ts'
import { BREAKER_AND_TIMEOUT, FIVE } from '../cases/success.ts'
import { WINDOW_SIZES, windowOfCalls, windowOfTime } from '../cases/windows.ts'
import { type Figures, goalLines } from '../goals.ts'
import { NAMES } from '../groups.ts'
import type { Measured } from '../harness.ts'
import type { KeyedMemory } from '../memory.ts'

const measured = (group: string, by: string, ns: number, bytesPerCall = 0): Measured => ({
  group,
  by,
  nsPerCall: ns,
  quartilesNs: [ns, ns],
  timesBare: undefined,
  timesEscudo: undefined,
  bytesPerCall,
  roundsNs: [ns, ns, ns],
})
const kept = (bytesPerKey: number | undefined, notAvailable?: string): KeyedMemory => ({
  by: 'escudo',
  keys: 1_000_000,
  bytesPerKey,
  residentBytesPerKey: bytesPerKey,
  notAvailable,
})

/** Figures exactly at the limit of every goal, or worse by a factor. */
function figures(worse = 1): Figures {
  const [smallest, largest] = [WINDOW_SIZES[0], WINDOW_SIZES.at(-1) as number]
  return {
    results: [
      measured(FIVE, 'bare', 100),
      measured(FIVE, 'escudo', 500 * worse, 2_048 * worse),
      measured(FIVE, 'cockatiel', 7_500),
      measured(BREAKER_AND_TIMEOUT, 'escudo', 100 * worse),
      measured(BREAKER_AND_TIMEOUT, 'opossum', 300),
      measured(REFUSAL, 'escudo', 100 * worse),
      measured(REFUSAL, 'cockatiel', 400),
      measured(REFUSAL, 'opossum', 400),
      ...[windowOfCalls, windowOfTime].flatMap((name) => [
        measured(name(smallest), 'escudo', 100),
        measured(name(largest), 'escudo', 125 * worse),
      ]),
    ],
    memory: [kept(300 * worse)],
  }
}

const verdicts = (from: Figures): string[] => goalLines(from).map(({ verdict }) => verdict)

test('meets a goal exactly at its limit', () => {
  expect(new Set(verdicts(figures()))).toEqual(new Set(['met']))
})

test('misses a goal beyond its limit, for minimum and maximum goals', () => {
  expect(new Set(verdicts(figures(1.7)))).toEqual(new Set(['missed']))
  // The goal is 8 times a bare await, the stretch goal 5 times. The value lies between them.
  expect(verdicts(figures(1.2)).slice(0, 2)).toEqual(['met', 'missed'])
})

test('distinguishes goals not measured from goals not available', () => {
  const nothing = goalLines({ results: [], memory: [] })
  expect(nothing.map(({ verdict }) => verdict)).toEqual(Array(nothing.length).fill('not measured'))
  const lacking = goalLines({ results: [], memory: [kept(undefined, 'no such option')] })
  expect(lacking.filter(({ verdict }) => verdict === 'not available').map(({ what }) => what)).toEqual([
    'one breaker per key, a million keys',
  ])
})

test('uses the ratio of each round, so that a slow round changes nothing', () => {
  const results = [
    { ...measured(FIVE, 'bare', 200), roundsNs: [100, 5_000, 200] },
    { ...measured(FIVE, 'escudo', 1_400), roundsNs: [700, 35_000, 1_400] },
  ]
  expect(goalLines({ results, memory: [] })[0]).toMatchObject({ value: 7, shown: '7.0 ×', verdict: 'met' })
})

test('refers only to groups that exist', () => {
  const groups = new Set(figures().results.map(({ group }) => group))
  expect([...groups].filter((group) => !NAMES.includes(group))).toEqual([])
})
