import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BaseUrl } from '../base-url.ts'

describe('a base URL', () => {
  const base = new BaseUrl('http://shop:8000/api/', 'baseUrl')

  test.each([
    ['/items', 'http://shop:8000/api/items'],
    ['items', 'http://shop:8000/api/items'],
    ['', 'http://shop:8000/api'],
    ['?q=1', 'http://shop:8000/api?q=1'],
    ['#a', 'http://shop:8000/api#a'],
    ['/?q=1', 'http://shop:8000/api/?q=1'],
    ['http://other/x', 'http://other/x'],
    ['HTTPS://other/x', 'HTTPS://other/x'],
    ['data:,x', 'data:,x'],
    ['a:b', 'http://shop:8000/api/a:b'],
  ])('joins %s', (input, expected) => expect(base.resolve(input)).toBe(expected))

  test('keeps its origin for any path', () => {
    const part = fc.constantFrom('/', '\\', '.', '..', '@', ':', 'evil.com', '\t', '\n', ' ', '?', '#', '%2e', '80')
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
        const url = new URL(String(base.resolve(`/${parts.join('')}`)))
        expect(url.origin).toBe('http://shop:8000')
      }),
    )
  })

  test('returns a URL object unchanged', () => {
    const url = new URL('http://other/')
    expect(base.resolve(url)).toBe(url)
  })
})
