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

  test.each([
    ['a/../b', 'http://shop:8000/api/a/../b'],
    ['a/%2e%2E/b', 'http://shop:8000/api/a/%2e%2E/b'],
    ['../api/b', 'http://shop:8000/api/../api/b'],
    ['/a%2Fb', 'http://shop:8000/api/a%2Fb'],
    ['/v1..2/a..b', 'http://shop:8000/api/v1..2/a..b'],
    ['/a;v=1/..;v=2/b', 'http://shop:8000/api/a;v=1/..;v=2/b'],
    ['/a?next=../../b', 'http://shop:8000/api/a?next=../../b'],
    ['/a#../../b', 'http://shop:8000/api/a#../../b'],
  ])('accepts a path that stays inside: %s', (input, expected) => expect(base.resolve(input)).toBe(expected))

  test.each([
    '../../secret',
    '/../secret',
    '..',
    'a/../..',
    './../secret',
    '%2e%2e/secret',
    '.%2E/secret',
    '%2e./secret',
    '..\\secret',
    '\\..\\..\\secret',
    '.\t./secret',
    '%\n2e%2e/secret',
    '../apix/secret',
    '..%2fsecret',
    '..%5Csecret',
    'a%2f..%2f..%2fsecret',
    '%2f%2f..%2fsecret',
    '//evil.example/../../../secret',
    '\\\\evil.example\\..\\..\\..\\..\\secret',
    ' http://evil.example/../../../../secret',
    '../../secret?token=1',
    // Tomcat and Jetty remove path parameters, and only then read `..` as a parent segment.
    '..;/secret',
    '..;a=b/secret',
    'a/..;x/%2e%2e;/secret',
    '..%3B/secret',
    '..;%2fsecret',
  ])('rejects a path that leaves it: %j', (input) => {
    const resolve = () => base.resolve(input)
    expect(resolve).toThrow(TypeError)
    // The path may hold personal data.
    expect(resolve).toThrow(/^the path leaves the base path of http:\/\/shop:8000\/api$/)
  })

  test.each([
    '//evil.example/x',
    '\\\\evil.example/x',
    '/\\evil.example',
    'http:evil.example',
    '@evil.example',
    ':80/x',
  ])('keeps its origin and path for %j', (input) => {
    const { origin, pathname } = new URL(String(base.resolve(input)))
    expect(origin + pathname).toMatch(/^http:\/\/shop:8000\/api\//)
  })

  test('without a path has nothing that a path could leave', () => {
    expect(String(new BaseUrl('http://shop', 'baseUrl').resolve('../../a'))).toBe('http://shop/../../a')
  })

  test('contains every path that it accepts, also after a server has decoded its slashes and removed parameters', () => {
    const parts = [
      '/',
      '\\',
      '.',
      '..',
      '@',
      ':',
      'evil.com',
      '\t',
      '\n',
      ' ',
      '?',
      '#',
      '%2e',
      '%2E',
      '%2f',
      '%5c',
      ';',
      '%3b',
      '80',
      'http:',
    ]
    const part = fc.constantFrom(...parts)
    let accepted = 0
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), (given) => {
        let resolved: string
        try {
          resolved = String(base.resolve(given.join('')))
        } catch (error) {
          expect(error).toBeInstanceOf(TypeError)
          return
        }
        // What the client documents as absolute.
        if (/^[a-z][a-z\d+.-]*:\/\//i.test(given.join(''))) return
        accepted += 1
        const url = new URL(resolved)
        expect(url.origin).toBe('http://shop:8000')
        const decoded = new URL(url.origin + url.pathname.replace(/%2f|%5c/gi, '/')).pathname
        const stripped = new URL(url.origin + decoded.replace(/(?:;|%3b)[^/]*/gi, '')).pathname
        for (const path of [url.pathname, decoded, stripped]) expect(path).toMatch(/^\/api(?:\/|$)/)
      }),
      { numRuns: 5_000 },
    )
    expect(accepted).toBeGreaterThan(500)
  })

  test('returns a URL object unchanged', () => {
    const url = new URL('http://other/')
    expect(base.resolve(url)).toBe(url)
  })
})
