import { expect, test } from 'vitest'
import { isNeeded } from './chromium.ts'

test('needs Chromium only when page tests may run', () => {
  expect(isNeeded(['run'])).toBe(true)
  expect(isNeeded(['run', 'test/page'])).toBe(true)
  expect(isNeeded(['run', 'test/page/shop.test.ts', 'tools/tidy'])).toBe(true)
  expect(isNeeded(['run', 'tools/tidy'])).toBe(false)
})
