import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BaseUrl } from '../base-url.ts'
import { OriginShields } from '../origin-shields.ts'
import { retryAfterMs } from '../response/retry-after.ts'

describe('Retry-After', () => {
  const now = Date.UTC(2026, 10, 23, 12, 0, 0)

  test.each([
    ['0', 0],
    ['7', 7_000],
    [' 7 ', 7_000],
    ['1.5', 1_500],
    ['1000000000', 86_400_000],
    ['9'.repeat(60), 86_400_000],
    ['Mon, 23 Nov 2026 12:00:05 GMT', 5_000],
    ['Monday, 23-Nov-26 12:00:05 GMT', 5_000],
    ['Mon, 23 Nov 2026 11:00:00 GMT', 0],
    ['Mon, 23 Nov 2099 11:00:00 GMT', 86_400_000],
    ['-1', undefined],
    ['Infinity', undefined],
    ['1e9', undefined],
    ['0x10', undefined],
    ['2026-11-23T12:00:05Z', undefined],
    ['Mon, 99 Foo', undefined],
    ['soon', undefined],
    ['', undefined],
    ['7, 8', undefined],
    ['9'.repeat(9_999), undefined],
  ])('of %.40s', (value, expected) => {
    expect(retryAfterMs(new Headers({ 'retry-after': value }), now)).toBe(expected)
  })

  test('compares a date with the response own clock', () => {
    const headers = new Headers({
      'retry-after': 'Mon, 23 Nov 2026 12:00:05 GMT',
      date: 'Mon, 23 Nov 2026 12:00:02 GMT',
    })
    expect(retryAfterMs(headers, 0)).toBe(3_000)
  })

  test('is absent', () => expect(retryAfterMs(new Headers(), now)).toBeUndefined())
})

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

  test('is not left by a path, whatever it is made of', () => {
    const part = fc.constantFrom('/', '\\', '.', '..', '@', ':', 'evil.com', '\t', '\n', ' ', '?', '#', '%2e', '80')
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
        const url = new URL(String(base.resolve(`/${parts.join('')}`)))
        expect(url.origin).toBe('http://shop:8000')
      }),
    )
  })

  test('leaves a URL as it is', () => {
    const url = new URL('http://other/')
    expect(base.resolve(url)).toBe(url)
  })
})

describe('shields by origin', () => {
  test('are kept for the origins used last', () => {
    const shields = new OriginShields('api', 'http://home', 2)
    const home = shields.of(new URL('http://home/1'))
    const other = shields.of(new URL('http://other/'))
    expect(shields.of(new URL('http://home/2'))).toBe(home)
    shields.of(new URL('http://third/'))
    expect(shields.of(new URL('http://home/'))).toBe(home)
    expect(shields.of(new URL('http://other/'))).not.toBe(other)
    expect(home.name).toBe('api')
    expect(other.name).toBe('api@other')
  })

  test('have names that fit, however long the host is', () => {
    const shields = new OriginShields('n'.repeat(100), undefined, 2)
    expect(shields.of(new URL(`http://${'h'.repeat(60)}.example/`)).name).toHaveLength(100)
  })
})
