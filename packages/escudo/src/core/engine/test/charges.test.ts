import { expect, test } from 'vitest'
import { systemClock } from '../../clock.ts'
import { CallRoot } from '../call-root.ts'
import { addCharge, settleCharges } from '../charges.ts'

test('a call keeps its last 32 charges, so that endless attempts need no more memory', () => {
  const root = new CallRoot({ name: 's', clock: systemClock, random: Math.random, policies: [] }, undefined, 0)
  root.cost = 1
  const limiter = {}
  const settled: unknown[] = []
  for (let attempt = 1; attempt <= 100; attempt += 1) {
    addCharge(root, { by: limiter, attempt, settle: (actual) => void settled.push([attempt, actual]) })
  }
  expect(root.charges?.length).toBe(32)
  for (const attempt of [69, 100]) settleCharges(root, attempt, attempt)
  expect(settled).toEqual([
    [69, 69],
    [100, 100],
  ])
})
