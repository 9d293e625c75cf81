import { expect, test } from 'vitest'
import { programOf } from '../syntax.ts'

test('names the file that cannot be parsed', () => {
  expect(() => programOf({ path: 'tools/broken.ts', text: 'const = 1' })).toThrow('tools/broken.ts cannot be parsed')
})
