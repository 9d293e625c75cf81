import type { CircuitBreaker, ShieldStatus } from 'escudo'
import { expect, test } from 'vitest'
import * as shop from '../shields.ts'

/** Every shield that the module exports, by itself or within an object. */
function shieldsIn(value: unknown): readonly { readonly status: () => ShieldStatus }[] {
  if (typeof value !== 'object' || value === null) return []
  if ('status' in value && 'run' in value) return [value as { readonly status: () => ShieldStatus }]
  return Object.values(value).flatMap(shieldsIn)
}

test('no shield is hidden from those who run the shop', () => {
  const { guards, ...others } = shop
  const hidden = shieldsIn(others).filter((one) => !guards.some(({ shield }) => shield === one))
  expect(shieldsIn(others).length).toBeGreaterThan(3)
  expect(hidden).toEqual([])
})

test('every breaker of a shield can be acted upon, under the name that the status shows', () => {
  for (const { shield, breakers } of shop.guards) {
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
