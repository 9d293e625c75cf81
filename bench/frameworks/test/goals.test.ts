import { expect, test } from 'vitest'
import type { Measured } from '../../service/measure.ts'
import { goalLines } from '../goals.ts'
import { NAMES } from '../main.ts'
import { FRAMEWORKS } from '../suites.ts'

const measured = (group: string, by: string, ...cpuUs: readonly number[]): Measured => ({
  group,
  by,
  rounds: cpuUs.map((us) => ({ cpuUs: us, perSecond: 1e6 / us, p50Ms: 1, p99Ms: 2, busy: 1 })),
})

/** Figures exactly at the limit of every goal, or worse by a factor. */
const figures = (worse = 1): readonly Measured[] =>
  FRAMEWORKS.flatMap(({ name, logger }) => [
    measured(`${name}: GET 200`, logger, 90),
    measured(`${name}: GET 200`, 'escudo', 100 * worse),
    measured(`${name}: error thrown, 404`, logger, 85),
    measured(`${name}: error thrown, 404`, 'escudo', 100 * worse),
  ])

test('meets every goal exactly at its limit, and misses it beyond', () => {
  const verdicts = (worse: number): unknown => new Set(goalLines(figures(worse)).map(({ verdict }) => verdict))
  expect(verdicts(1)).toEqual(new Set(['met']))
  expect(verdicts(1.01)).toEqual(new Set(['missed']))
})

test('has two goals for each framework, for groups that exist', () => {
  const lines = goalLines(figures())
  expect(lines.map(({ what }) => what)).toEqual(NAMES)
  expect(lines[2]).toMatchObject({ what: 'Express: GET 200', goal: '≥ 90 % of the requests with pino-http' })
})

test('uses the median of the ratios within the same round', () => {
  const lines = goalLines([
    measured('web: GET 200', 'pino-http', 90, 9_000, 90),
    measured('web: GET 200', 'escudo', 100, 10_000, 900),
  ])
  expect(lines.find(({ verdict }) => verdict !== 'not measured')).toMatchObject({ shown: '90 %', verdict: 'met' })
})
