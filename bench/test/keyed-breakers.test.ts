import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

interface Report {
  readonly goalBytes: number
  readonly measured: readonly { readonly trip: string; readonly bytesPerKey: number }[]
}

// A map of half a million keys has the same load factor as one of a million.
const KEYS = 500_000

test('takes at most 300 bytes for each key, with the key and its map entry', () => {
  const script = fileURLToPath(new URL('../memory/keyed-breakers.ts', import.meta.url))
  const args = ['--expose-gc', '--conditions=@escudo/source', script, '--keys', String(KEYS), '--json']
  const { goalBytes, measured } = JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' })) as Report
  expect(goalBytes).toBe(300)
  expect(measured.length).toBeGreaterThan(2)
  for (const { trip, bytesPerKey } of measured) {
    // Each combined trip has its own window.
    expect([trip, bytesPerKey <= (trip.startsWith('anyTrip') ? 2 : 1) * goalBytes]).toEqual([trip, true])
    expect(bytesPerKey).toBeGreaterThan(100)
  }
  // It fills half a million breakers for each trip, which takes long on a busy machine.
}, 120_000)
