import { expect, test } from 'vitest'
import { allRows } from '../index.ts'

test('has every number of the contract', () => {
  const numbers = '4.1a 4.1b 4.1c 4.1d 4.2a 4.2b 4.2c 4.2d 4.2e 4.2f 4.2g 4.2h 4.3 4.4a 4.4b 4.5 4.6a 4.6b 4.6c 4.6d'
  const rest = '4.7a 4.7b 4.7c 4.8a 4.8b 4.8c 4.9a 4.9b 4.10 docs body lang codes fault logs start cmd'
  const present = new Set(allRows.map(({ id }) => id))
  expect([...`${numbers} ${rest}`.split(' ')].filter((id) => !present.has(id))).toEqual([])
})

test('runs the crash before the check of the logs, and the stop of the shop last', () => {
  const alone = allRows.filter(({ alone }) => alone === true).map(({ id }) => id)
  expect(alone.indexOf('4.1d')).toBeLessThan(alone.indexOf('logs'))
  expect(alone.at(-1)).toBe('start')
})
