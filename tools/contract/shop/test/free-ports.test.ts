import { expect, test } from 'vitest'
import { freePorts } from '../free-ports.ts'

test('returns distinct ports', async () => {
  const ports = await freePorts(5)
  expect(new Set(ports).size).toBe(5)
})
