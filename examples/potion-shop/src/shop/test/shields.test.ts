import type { CircuitBreaker, ShieldStatus } from 'escudo'
import { expect, test } from 'vitest'
import * as shop from '../shields.ts'

/** Every shield that the module exports, directly or inside an object. */
function shieldsIn(value: unknown): readonly { readonly status: () => ShieldStatus }[] {
  if (typeof value !== 'object' || value === null) return []
  if ('status' in value && 'run' in value) return [value as { readonly status: () => ShieldStatus }]
  return Object.values(value).flatMap(shieldsIn)
}

test('lists every exported shield in managedShields', () => {
  const { managedShields, ...others } = shop
  const hidden = shieldsIn(others).filter((one) => !managedShields.some(({ shield }) => shield === one))
  expect(shieldsIn(others).length).toBeGreaterThan(3)
  expect(hidden).toEqual([])
})

test('isolates and resets every breaker under the name in the status', () => {
  for (const { shield, breakers } of shop.managedShields) {
    const shown = shield.status().policies.filter(({ type }) => type === 'circuitBreaker')
    expect(breakers.map(({ name }: CircuitBreaker) => name)).toEqual(shown.map(({ name }) => name))
    for (const breaker of breakers) {
      breaker.isolate()
      expect(JSON.stringify(shield.status())).toContain('"isolated"')
      breaker.reset()
      expect(JSON.stringify(shield.status())).not.toContain('"isolated"')
    }
  }
})
