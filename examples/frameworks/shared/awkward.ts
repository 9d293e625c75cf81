// Values that JSON cannot hold, in the context of an error.

const MAKERS: Readonly<Record<string, () => unknown>> = {
  circular: () => {
    const value: Record<string, unknown> = { name: 'circular' }
    value['self'] = value
    return value
  },
  bigint: () => ({ count: 2n ** 64n }),
  map: () => new Map([['potion', 3]]),
  getter: () => ({
    get name(): string {
      throw new Error('do not read this')
    },
  }),
  proxy: () => {
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    return proxy
  },
  proto: () => JSON.parse('{"__proto__":{"isAdmin":true},"constructor":{"prototype":1}}'),
  deep: () => {
    let value: unknown = 'bottom'
    for (let depth = 0; depth < 10_000; depth += 1) value = { value }
    return value
  },
  symbol: () => ({ [Symbol('key')]: 1, value: Symbol('value') }),
}

/** The value in the context of `GET /context/:kind`; undefined for an unknown kind. */
export function awkwardValue(kind: string): unknown {
  return Object.hasOwn(MAKERS, kind) ? MAKERS[kind]?.() : undefined
}
