import { expect, test } from 'vitest'
import { isNeeded } from './chromium.ts'

test('Chromium is looked for when tests of the page may run, and not for other folders', () => {
  expect(isNeeded(['run'])).toBe(true)
  expect(isNeeded(['run', 'test/page'])).toBe(true)
  expect(isNeeded(['run', 'test/page/shop.test.ts', 'tools/tidy'])).toBe(true)
  expect(isNeeded(['run', 'tools/tidy'])).toBe(false)
})
