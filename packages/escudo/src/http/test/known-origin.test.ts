import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { resilientFetch } from '../index.ts'
import { KnownOrigin } from '../request/known-origin.ts'

describe('the origin of a URL that begins as an earlier one', () => {
  it('is unknown before a URL was parsed', () => {
    expect(new KnownOrigin().of('http://stock/items')).toBeUndefined()
  })

  it('is that of the earlier URL, whatever follows the slash', () => {
    const known = new KnownOrigin()
    known.learn('http://stock:80/items', 'http://stock')
    expect(known.of('http://stock:80/../\\//user@other:90/#?')).toBe('http://stock')
  })

  it.each([
    ['a longer host', 'http://stock.example/items'],
    ['another port', 'http://stock:81/items'],
    ['another scheme', 'https://stock/items'],
    ['a user before another host', 'http://stock@other/items'],
    ['no slash', 'http://stock?item=1'],
    ['a backslash', 'http://stock\\items'],
  ])('is unknown with %s', (_, url) => {
    const known = new KnownOrigin()
    known.learn('http://stock/items', 'http://stock')
    expect(known.of(url)).toBeUndefined()
  })

  it.each(['http:////stock/items', 'http://\\stock/items', 'http://sto\tck/items', ' http://stock/', 'http:/stock/a'])(
    'is not learned from %j',
    (url) => {
      const known = new KnownOrigin()
      known.learn(url, new URL(url).origin)
      expect(known.of(url)).toBeUndefined()
    },
  )

  it('is what the URL parser says, for any start and any rest', () => {
    const part = fc.oneof(
      fc.constantFrom('stock', '127.0.0.1', '0x7f.1', '[::1]', 'STÖCK', ':80', ':8080', '@', '%41', 'xn--', '.', '//'),
      fc.string({ unit: 'binary', maxLength: 4 }),
    )
    const start = fc.tuple(fc.constantFrom('http://', 'https://', 'HTTP://'), fc.array(part, { maxLength: 4 }))
    const rest = fc.string({ unit: 'binary' })
    fc.assert(
      fc.property(start, rest, rest, ([scheme, parts], one, other) => {
        const text = `${scheme}${parts.join('')}/`
        if (!URL.canParse(text + one)) return
        const known = new KnownOrigin()
        known.learn(text + one, new URL(text + one).origin)
        const origin = known.of(text + other)
        if (origin !== undefined) expect(origin).toBe(new URL(text + other).origin)
      }),
      { numRuns: 2_000 },
    )
  })
})

describe('a client whose origin is known', () => {
  const sent: string[] = []
  const get = resilientFetch({
    name: 'stock',
    shield: false,
    template: ({ pathname }) => pathname.replace(/\d+/, '{id}'),
    fetch: async (input) => {
      sent.push(String(input))
      throw new TypeError('fetch failed')
    },
  })

  it('sends each call to its own URL, and gives the template the whole URL', async () => {
    const errors = await Promise.allSettled(
      ['http://stock/items/1', 'http://stock/items/2', 'http://other/items/3', 'http://stock/carts/4'].map((url) =>
        get(url),
      ),
    )
    expect(sent).toEqual([
      'http://stock/items/1',
      'http://stock/items/2',
      'http://other/items/3',
      'http://stock/carts/4',
    ])
    expect(errors.map((one) => (one.status === 'rejected' ? one.reason.message : ''))).toEqual([
      expect.stringContaining('/items/{id}'),
      expect.stringContaining('/items/{id}'),
      expect.stringContaining('http://other'),
      expect.stringContaining('/carts/{id}'),
    ])
  })

  it('still refuses a user, a password and an invalid URL', async () => {
    await get('http://stock/').catch(() => {})
    for (const url of ['http://user@stock/', 'http://stock:pass@stock/', 'http://stock:99999/']) {
      await expect(get(url)).rejects.toBeInstanceOf(TypeError)
    }
  })
})
