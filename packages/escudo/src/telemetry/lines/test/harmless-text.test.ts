import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isHarmless } from '../harmless-text.ts'
import { jsonText } from '../json-text.ts'
import { redactText } from '../secret-text.ts'

const part = fc.oneof(
  fc.constantFrom(
    ' ',
    '--',
    '-',
    "'",
    '"',
    '(',
    ')',
    'bearer ',
    'Basic\t',
    'token',
    'password',
    'api key',
    'a1b2c3d4e5',
  ),
  fc.constantFrom(':', '=', ',', '<', '@', '%', '\\', '\u007f', '\u0085', '\u00a0', '\u00ad', '\u2028', 'ñ', 'ſ', 'ž'),
  fc.string({ unit: 'binary', maxLength: 3 }),
  fc.string({ unit: fc.constantFrom(..."abcXYZ019_/.~ '()-áñ"), maxLength: 20 }),
)
const text = fc.array(part, { maxLength: 6 }).map((parts) => parts.join(''))

test('harmless text needs no escape, and no secret is found in it', () => {
  let harmless = 0
  fc.assert(
    fc.property(text, (value) => {
      if (!isHarmless(value)) return
      harmless += 1
      expect(redactText(value, () => '"[parsed]"')).toBe(value)
      expect(jsonText(value)).toBe(`"${value}"`)
    }),
    { numRuns: 20_000 },
  )
  expect(harmless).toBeGreaterThan(1_000)
})

test.each(["Item con ID 'item_9' no encontrado.", 'Poción (2) de Salud', '/items/item-1', ''])(
  '%s is harmless',
  (value) => {
    expect(isHarmless(value)).toBe(true)
  },
)

test.each([
  'sent with Bearer a1b2c3d4e5',
  'basic dXNlcjpwYXNz',
  'run --password hunter2',
  'token=1',
  'a"b',
  'a\nb',
  '\u0085',
  'x'.repeat(2_049),
])('%j is searched', (value) => {
  expect(isHarmless(value)).toBe(false)
})
